package types

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"streamdb/sql/sqlerr"
)

// jsonDepthMax bounds the nesting of JSON input.
const jsonDepthMax = 6000

// jsonParser reads JSON. With canon set it writes the canonical form of jsonb to
// out; otherwise it only checks, by json's rules.
type jsonParser struct {
	s     string
	i     int
	canon bool
	out   []byte
	depth int
	// members are the members of the open objects, outermost first.
	members []jsonMember
	scratch []byte
}

// jsonMember is where an object's member lies in out: key [k, v-2), value [v, end).
type jsonMember struct {
	key       string // unescaped
	k, v, end int
}

// ParseJSONB appends the canonical text of jsonb that s stands for: keys in order of
// length and bytes, the last of duplicates, one blank behind colon and comma,
// numbers as numeric writes them.
func ParseJSONB(dst []byte, s string) ([]byte, error) {
	p := jsonParsers.Get().(*jsonParser)
	p.s, p.out = s, dst
	err := p.document()
	out := p.out
	if cap(p.scratch) < 1<<16 && cap(p.members) < 1<<10 {
		clear(p.members[:cap(p.members)])
		*p = jsonParser{canon: true, members: p.members[:0], scratch: p.scratch[:0]}
		jsonParsers.Put(p)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// jsonParsers keeps parsers of jsonb with their buffers.
var jsonParsers = sync.Pool{New: func() any { return &jsonParser{canon: true} }}

// ValidateJSON checks s by json's rules, which keep the text as it is.
func ValidateJSON(s string) error {
	p := jsonParser{s: s}
	return p.document()
}

func (p *jsonParser) document() error {
	if err := p.value("Expected JSON value, but found \"%s\"."); err != nil {
		return err
	}
	p.space()
	if p.i < len(p.s) {
		return p.unexpected("Expected end of input, but found \"%s\".")
	}
	return nil
}

func (p *jsonParser) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

// fail makes the error for the token that ends at end.
func (p *jsonParser) fail(code string, end int, detail string, args ...any) error {
	e := sqlerr.New(code, "invalid input syntax for type json").WithDetail(detail, args...)
	line, start := 1, 0
	for i := 0; i < end && i < len(p.s); i++ {
		if p.s[i] == '\n' {
			line, start = line+1, i+1
		}
	}
	ctx, prefix, suffix := start, "", ""
	for end-ctx >= 50 {
		_, n := utf8.DecodeRuneInString(p.s[ctx:])
		ctx += n
	}
	if ctx-start <= 3 {
		ctx = start
	}
	if ctx > start {
		prefix = "..."
	}
	if end < len(p.s) && p.s[end] != '\n' && p.s[end] != '\r' {
		suffix = "..."
	}
	return e.WithWhere("JSON data, line %d: %s%s%s", line, prefix, p.s[ctx:min(end, len(p.s))], suffix)
}

// tokenEnd finds the end of the token at i as PostgreSQL's lexer cuts it.
func (p *jsonParser) tokenEnd(i int) int {
	if strings.IndexByte("{}[],:", p.s[i]) >= 0 {
		return i + 1
	}
	if p.s[i] == '"' {
		if e, err := p.stringEnd(i); err == nil {
			return e
		}
	}
	e := i
	for e < len(p.s) && (isAlnum(p.s[e]) || p.s[e] == '_' || p.s[e] >= 0x80) {
		e++
	}
	if e == i {
		e++
	}
	return e
}

// unexpected reports the token at p.i, or that the input has ended.
func (p *jsonParser) unexpected(detail string) error {
	if p.i >= len(p.s) {
		return p.fail(sqlerr.InvalidTextRepresentation, len(p.s), "The input string ended unexpectedly.")
	}
	e := p.tokenEnd(p.i)
	tok := p.s[p.i:e]
	if !p.isToken(tok) {
		return p.badToken(tok, e)
	}
	return p.fail(sqlerr.InvalidTextRepresentation, e, detail, tok)
}

func (p *jsonParser) badToken(tok string, end int) error {
	return p.fail(sqlerr.InvalidTextRepresentation, end, "Token \"%s\" is invalid.", tok)
}

func (p *jsonParser) isToken(t string) bool {
	switch t {
	case "true", "false", "null":
		return true
	}
	return strings.IndexByte("{}[],:\"", t[0]) >= 0 || jsonNumberLen(t) == len(t)
}

func (p *jsonParser) value(expect string) error {
	p.space()
	if p.i >= len(p.s) {
		return p.unexpected(expect)
	}
	switch c := p.s[p.i]; {
	case c == '{' || c == '[':
		return p.nest(c)
	case c == '"':
		return p.str()
	case c == '-' || isDigit(c):
		return p.number()
	case isAlpha(c):
		for _, w := range [...]string{"true", "false", "null"} {
			e := p.i + len(w)
			if strings.HasPrefix(p.s[p.i:], w) && (e == len(p.s) || !isWordByte(p.s[e])) {
				p.i = e
				if p.canon {
					p.out = append(p.out, w...)
				}
				return nil
			}
		}
	}
	return p.unexpected(expect)
}

func isWordByte(c byte) bool { return isAlnum(c) || c == '_' || c >= 0x80 }

func (p *jsonParser) nest(c byte) (err error) {
	if p.depth++; p.depth > jsonDepthMax {
		return sqlerr.New(sqlerr.StatementTooComplex, "stack depth limit exceeded")
	}
	if c == '{' {
		err = p.object()
	} else {
		err = p.array()
	}
	p.depth--
	return err
}

func (p *jsonParser) array() error {
	p.i++
	p.emit('[')
	p.space()
	if p.i < len(p.s) && p.s[p.i] == ']' {
		p.i++
		p.emit(']')
		return nil
	}
	expect := "Expected array element or \"]\", but found \"%s\"."
	for {
		if err := p.value(expect); err != nil {
			return err
		}
		expect = "Expected JSON value, but found \"%s\"."
		p.space()
		if p.i >= len(p.s) {
			return p.unexpected("")
		}
		switch p.s[p.i] {
		case ',':
			p.i++
			p.emit(',')
			p.emit(' ')
		case ']':
			p.i++
			p.emit(']')
			return nil
		default:
			return p.unexpected("Expected \",\" or \"]\", but found \"%s\".")
		}
	}
}

func (p *jsonParser) emit(c byte) {
	if p.canon {
		p.out = append(p.out, c)
	}
}

func (p *jsonParser) object() error {
	p.i++
	start, first := len(p.out), len(p.members)
	p.space()
	if p.i < len(p.s) && p.s[p.i] == '}' {
		p.i++
		if p.canon {
			p.out = append(p.out, '{', '}')
		}
		return nil
	}
	expect := "Expected string or \"}\", but found \"%s\"."
	for {
		p.space()
		if p.i >= len(p.s) || p.s[p.i] != '"' {
			return p.unexpected(expect)
		}
		expect = "Expected string, but found \"%s\"."
		if err := p.member(); err != nil {
			return err
		}
		p.space()
		if p.i >= len(p.s) {
			return p.unexpected("")
		}
		c := p.s[p.i]
		if c != ',' && c != '}' {
			return p.unexpected("Expected \",\" or \"}\", but found \"%s\".")
		}
		p.i++
		if c == '}' {
			break
		}
	}
	if p.canon {
		p.closeObject(start, first)
	}
	return nil
}

// member reads key, colon and value.
func (p *jsonParser) member() error {
	k := len(p.out)
	keyStart := p.i
	if err := p.str(); err != nil {
		return err
	}
	m := jsonMember{k: k}
	if p.canon {
		if strings.IndexByte(p.s[keyStart:p.i], '\\') < 0 {
			m.key = p.s[keyStart+1 : p.i-1]
		} else {
			m.key = jsonUnescaped(BytesString(p.out[k:]))
		}
	}
	p.space()
	if p.i >= len(p.s) || p.s[p.i] != ':' {
		return p.unexpected("Expected \":\", but found \"%s\".")
	}
	p.i++
	p.emit(':')
	p.emit(' ')
	m.v = len(p.out)
	if err := p.value("Expected JSON value, but found \"%s\"."); err != nil {
		return err
	}
	if p.canon {
		m.end = len(p.out)
		p.members = append(p.members, m)
	}
	return nil
}

// closeObject orders the members written at out[start:] and frames them.
func (p *jsonParser) closeObject(start, first int) {
	ms := p.members[first:]
	slices.SortStableFunc(ms, func(a, b jsonMember) int { return compareJSONKeys(a.key, b.key) })
	body := append(p.scratch[:0], '{')
	for i, m := range ms {
		if i+1 < len(ms) && ms[i+1].key == m.key {
			continue // a later duplicate wins
		}
		if len(body) > 1 {
			body = append(body, ", "...)
		}
		body = append(body, p.out[m.k:m.end]...)
	}
	body = append(body, '}')
	p.out = append(p.out[:start], body...)
	p.scratch, p.members = body, p.members[:first]
}

// compareJSONKeys is the order of keys in jsonb: by length, then bytes.
func compareJSONKeys(a, b string) int {
	if len(a) != len(b) {
		return cmpOrdered(len(a), len(b))
	}
	return strings.Compare(a, b)
}

// jsonNumberLen measures the JSON number at the start of t; 0 for none.
func jsonNumberLen(t string) int {
	i := 0
	if i < len(t) && t[i] == '-' {
		i++
	}
	n := spanDigits(t[i:])
	if n == 0 || (n > 1 && t[i] == '0') {
		return 0
	}
	i += n
	if i < len(t) && t[i] == '.' {
		if n = spanDigits(t[i+1:]); n == 0 {
			return 0
		}
		i += 1 + n
	}
	if i < len(t) && t[i]|0x20 == 'e' {
		e := exponentAt(t[i:])
		if e == 0 {
			return 0
		}
		i += e
	}
	return i
}

func (p *jsonParser) number() error {
	n := jsonNumberLen(p.s[p.i:])
	e := p.i + n
	if n == 0 || (e < len(p.s) && isWordByte(p.s[e])) {
		e = p.i + 1
		for e < len(p.s) && (isWordByte(p.s[e]) || strings.IndexByte(".+-", p.s[e]) >= 0) {
			e++
		}
		return p.badToken(p.s[p.i:e], e)
	}
	t := p.s[p.i:e]
	p.i = e
	if !p.canon {
		return nil
	}
	if strings.HasPrefix(t, "-0") || strings.ContainsAny(t, "eE") {
		d, err := ParseDec(t)
		if err != nil {
			return err
		}
		p.out = AppendDec(p.out, d)
		return nil
	}
	p.out = append(p.out, t...)
	return nil
}
