package types

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"streamdb/sql/sqlerr"
)

// AppendArrayText writes an array or vector value: {a,"b c",NULL}, or for vectors
// the elements with blanks between.
func AppendArrayText(dst []byte, t Type, s string, st *Settings) []byte {
	a, ok := ReadArray(t, s)
	if !ok {
		return dst
	}
	vector := t.Kind != KindArray
	if !vector && a.lower != 1 && a.n > 0 {
		dst = fmt.Appendf(dst, "[%d:%d]=", a.lower, int(a.lower)+a.n-1)
	}
	sep := byte(' ')
	if !vector {
		dst, sep = append(dst, '{'), ','
	}
	for i := range a.n {
		if i > 0 {
			dst = append(dst, sep)
		}
		dst = appendElement(dst, &a, i, st)
	}
	if !vector {
		dst = append(dst, '}')
	}
	return dst
}

// appendElement writes element i, quoted where array syntax needs it.
func appendElement(dst []byte, a *Array, i int, st *Settings) []byte {
	if a.Null(i) {
		return append(dst, "NULL"...)
	}
	start := len(dst)
	dst = AppendText(dst, a.elem, a.Datum(i), st)
	if a.elem.IsNumber() || a.class == ClassBool || a.class == ClassUUID || !needsQuotes(dst[start:]) {
		return dst
	}
	raw := string(dst[start:])
	dst = append(dst[:start], '"')
	for j := range len(raw) {
		if raw[j] == '"' || raw[j] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, raw[j])
	}
	return append(dst, '"')
}

func needsQuotes(b []byte) bool {
	if len(b) == 0 || (len(b) == 4 && strings.EqualFold(string(b), "NULL")) {
		return true
	}
	for _, c := range b {
		switch c {
		case '"', '\\', '{', '}', ',', ' ', '\t', '\n', '\v', '\f', '\r':
			return true
		}
	}
	return false
}

// arrayParser reads the text form of a one-dimensional array.
type arrayParser struct {
	s   string // the whole literal
	i   int
	buf []byte // the element being read
	b   ArrayBuilder
}

// arrayParsers keeps parsers with their buffers.
var arrayParsers = sync.Pool{New: func() any { return new(arrayParser) }}

func (p *arrayParser) malformed(detail string) error {
	return sqlerr.New(sqlerr.InvalidTextRepresentation, "malformed array literal: \"%s\"", p.s).WithDetail("%s", detail)
}

func (p *arrayParser) space() {
	for p.i < len(p.s) && isSpace(p.s[p.i]) {
		p.i++
	}
}

// ParseArrayText appends the bytes of the array or vector that s, in text form,
// stands for.
func ParseArrayText(dst []byte, t Type, s string, st *Settings) ([]byte, error) {
	p := arrayParsers.Get().(*arrayParser)
	b := &p.b
	b.init(t)
	defer func() {
		p.s = ""
		if cap(b.tail) < 1<<16 && cap(b.fixed) < 1<<16 {
			arrayParsers.Put(p)
		}
	}()
	if t.Kind != KindArray {
		for _, w := range strings.Fields(s) {
			d, err := ParseText(t.ElemType(), w, st)
			if err != nil {
				return nil, err
			}
			b.Add(d)
		}
		return b.AppendTo(dst), nil
	}
	p.s, p.i = s, 0
	size, err := p.bounds(b)
	if err != nil {
		return nil, err
	}
	if err := p.elements(b, t.ElemType(), st); err != nil {
		return nil, err
	}
	if size >= 0 && size != b.Len() {
		return nil, p.malformed("Specified array dimensions do not match array contents.")
	}
	if b.Len() == 0 {
		b.SetLower(1)
	}
	return b.AppendTo(dst), nil
}

// bounds reads an optional [lower:upper]= and returns the size it gives, -1 for none.
func (p *arrayParser) bounds(b *ArrayBuilder) (int, error) {
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != '[' {
		return -1, nil
	}
	end := strings.IndexByte(p.s[p.i:], ']')
	if end < 0 {
		return 0, p.malformed("Missing array dimension value.")
	}
	lo, hi, colon := strings.Cut(p.s[p.i+1:p.i+end], ":")
	if !colon {
		lo, hi = "1", lo
	}
	l, err1 := strconv.ParseInt(strings.TrimSpace(lo), 10, 32)
	h, err2 := strconv.ParseInt(strings.TrimSpace(hi), 10, 32)
	if err1 != nil || err2 != nil {
		return 0, p.malformed("\"[\" must introduce explicitly-specified array dimensions.")
	}
	if h < l {
		return 0, sqlerr.New(sqlerr.ArraySubscriptError, "upper bound cannot be less than lower bound")
	}
	p.i += end + 1
	p.space()
	if p.i < len(p.s) && p.s[p.i] == '[' {
		return 0, sqlerr.Unsupported("an array of more than one dimension", -1)
	}
	if p.i >= len(p.s) || p.s[p.i] != '=' {
		return 0, p.malformed("Missing \"=\" after array dimensions.")
	}
	p.i++
	b.SetLower(int32(l))
	return int(h - l + 1), nil
}

func (p *arrayParser) elements(b *ArrayBuilder, elem Type, st *Settings) error {
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != '{' {
		return p.malformed("Array value must start with \"{\" or dimension information.")
	}
	p.i++
	p.space()
	if p.i < len(p.s) && p.s[p.i] == '}' {
		p.i++
		return p.atEnd()
	}
	for {
		if err := p.element(b, elem, st); err != nil {
			return err
		}
		if p.i >= len(p.s) {
			return p.malformed("Unexpected end of input.")
		}
		c := p.s[p.i]
		p.i++
		if c == '}' {
			return p.atEnd()
		}
		p.space()
	}
}

func (p *arrayParser) atEnd() error {
	p.space()
	if p.i < len(p.s) {
		return p.malformed("Junk after closing right brace.")
	}
	return nil
}

// element reads one element up to the comma or brace behind it.
func (p *arrayParser) element(b *ArrayBuilder, elem Type, st *Settings) error {
	p.space()
	p.buf = p.buf[:0]
	quoted, keep := false, 0 // bytes before keep survive trimming
scan:
	for p.i < len(p.s) {
		c := p.s[p.i]
		switch c {
		case ',', '}':
			break scan
		case '{':
			if len(p.buf) == 0 && !quoted {
				return sqlerr.Unsupported("an array of more than one dimension", -1)
			}
			return p.malformed("Unexpected \"{\" character.")
		case '"':
			if len(p.buf) > 0 || quoted {
				return p.malformed("Unexpected array element.")
			}
			quoted = true
			if err := p.quoted(); err != nil {
				return err
			}
			keep = len(p.buf)
			continue
		case '\\':
			if p.i+1 >= len(p.s) {
				return p.malformed("Unexpected end of input.")
			}
			p.i++
			p.buf = append(p.buf, p.s[p.i])
			keep = len(p.buf)
			p.i++
			continue
		}
		if quoted && !isSpace(c) {
			return p.malformed("Unexpected array element.")
		}
		p.buf = append(p.buf, c)
		p.i++
	}
	for len(p.buf) > keep && isSpace(p.buf[len(p.buf)-1]) {
		p.buf = p.buf[:len(p.buf)-1]
	}
	return p.add(b, elem, st, quoted || keep > 0)
}

// quoted reads what stands in quotes, with backslash escapes.
func (p *arrayParser) quoted() error {
	for p.i++; p.i < len(p.s); p.i++ {
		switch p.s[p.i] {
		case '"':
			p.i++
			return nil
		case '\\':
			if p.i++; p.i >= len(p.s) {
				return p.malformed("Unexpected end of input.")
			}
		}
		p.buf = append(p.buf, p.s[p.i])
	}
	return p.malformed("Unexpected end of input.")
}

func (p *arrayParser) add(b *ArrayBuilder, elem Type, st *Settings, literal bool) error {
	if !literal {
		if len(p.buf) == 0 {
			if p.i < len(p.s) {
				return p.malformed(fmt.Sprintf("Unexpected \"%c\" character.", p.s[p.i]))
			}
			return p.malformed("Unexpected end of input.")
		}
		if len(p.buf) == 4 && strings.EqualFold(BytesString(p.buf), "NULL") {
			b.AddNull()
			return nil
		}
	}
	if elem.Class() == ClassBytes && elem.IsString() && elem.Typmod < 0 && elem.Kind != KindName {
		b.AddBytes(p.buf)
		return nil
	}
	if elem.Kind == KindInt4 { // the usual
		v, err := ParseInt4(BytesString(p.buf))
		b.AddInt(v)
		return err
	}
	d, err := ParseText(elem, BytesString(p.buf), st)
	if err != nil {
		return err
	}
	b.Add(d)
	return nil
}
