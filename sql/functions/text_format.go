package functions

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

func textFormatFuncs() []*Function {
	return []*Function{
		scalar("concat", "any->text", concatAny).nonStrict().variadic().stable(),
		scalar("concat_ws", "text,any->text", concatWS).nonStrict().variadic().stable(),
		scalar("format", "text->text", formatText).nonStrict().stable(),
		scalar("format", "text,any->text", formatText).nonStrict().variadic().stable(),
		scalar("quote_ident", "text->text", bytesFn(func(d, s []byte) []byte { return appendIdent(d, string(s)) })),
		scalar("quote_literal", "text->text", bytesFn(appendLiteral)),
		scalar("quote_literal", "anyelement->text", quoteAny).stable(),
		scalar("quote_nullable", "text->text", quoteNullable).nonStrict(),
		scalar("quote_nullable", "anyelement->text", quoteNullable).nonStrict().stable(),
		scalar("||", "text,anynonarray->text", catAny).stable(),
		scalar("||", "anynonarray,text->text", catAny).stable(),
	}
}

// appendText appends the text form of row i of an argument, which is not NULL.
func (c *Call) appendText(dst []byte, a *chunk.Column, i int) []byte {
	j := slot(a, i)
	switch a.Type.Kind {
	case types.KindText, types.KindVarchar, types.KindBPChar, types.KindName, types.KindJSONB, types.KindJSON:
		return append(dst, a.StringAt(j)...)
	case types.KindBool:
		if a.Bools[j] {
			return append(dst, 't')
		}
		return append(dst, 'f')
	}
	switch a.Type.Class() {
	case types.ClassInt:
		return types.AppendIntKind(dst, a.Type.Kind, a.Ints[j], c.settings())
	case types.ClassBytes:
		return types.AppendVarlen(dst, a.Type, types.BytesString(a.StringAt(j)), c.settings())
	}
	return types.AppendText(dst, a.Type, a.Datum(j), c.settings())
}

// settings returns the session's settings; never nil.
func (c *Call) settings() *types.Settings {
	if c.Ctx == nil || c.Settings == nil {
		return types.DefaultSettings
	}
	return c.Settings
}

func catAny(c *Call) {
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		for _, a := range c.Args {
			dst = c.appendCast(dst, a, i)
		}
		return dst, nil
	})
}

// appendCast is appendText for a cast to text, which writes booleans in full.
func (c *Call) appendCast(dst []byte, a *chunk.Column, i int) []byte {
	if a.Type.Kind == types.KindBool {
		return appendBoolText(dst, a.Bools[slot(a, i)])
	}
	return c.appendText(dst, a, i)
}

func concatAny(c *Call) {
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		for k, a := range c.Args {
			if !c.isNull(k, i) {
				dst = c.appendText(dst, a, i)
			}
		}
		return dst, nil
	})
}

func concatWS(c *Call) {
	sep := c.strs(0)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if c.isNull(0, i) {
			c.SetNull(i)
			return dst, nil
		}
		first := true
		for k, a := range c.Args[1:] {
			if c.isNull(k+1, i) {
				continue
			}
			if !first {
				dst = append(dst, sep.at(i)...)
			}
			dst, first = c.appendText(dst, a, i), false
		}
		return dst, nil
	})
}

// reservedWords are the key words that quote_ident quotes.
var reservedWords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`all analyse analyze and any array as asc asymmetric authorization between bigint binary bit
		boolean both case cast char character check coalesce collate collation column concurrently constraint create cross
		current_catalog current_date current_role current_schema current_time current_timestamp current_user dec decimal default
		deferrable desc distinct do else end except exists extract false fetch float for foreign freeze from full grant greatest
		group grouping having ilike in initially inner inout int integer intersect interval into is isnull join lateral leading
		least left like limit localtime localtimestamp national natural nchar none normalize not notnull null nullif numeric
		offset on only or order out outer overlaps overlay placing position precision primary real references returning right
		row select session_user setof similar smallint some substring symmetric table tablesample then time timestamp to
		trailing treat trim true union unique user using values varchar variadic verbose when where window with xmlattributes
		xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable`) {
		m[w] = true
	}
	return m
}()

// appendIdent quotes s as an identifier where needed.
func appendIdent(dst []byte, s string) []byte {
	plain := s != "" && !reservedWords[s]
	for i := 0; plain && i < len(s); i++ {
		b := s[i]
		plain = b >= 'a' && b <= 'z' || b == '_' || i > 0 && b >= '0' && b <= '9'
	}
	if plain {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(s, `"`, `""`)...)
	return append(dst, '"')
}

func appendLiteral(dst, s []byte) []byte {
	if strings.IndexByte(string(s), '\\') >= 0 {
		dst = append(dst, 'E')
	}
	dst = append(dst, '\'')
	for _, b := range s {
		if b == '\'' || b == '\\' {
			dst = append(dst, b)
		}
		dst = append(dst, b)
	}
	return append(dst, '\'')
}

func quoteAny(c *Call) {
	var buf []byte
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		buf = c.appendCast(buf[:0], c.Args[0], i)
		return appendLiteral(dst, buf), nil
	})
}

func quoteNullable(c *Call) {
	var buf []byte
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if c.isNull(0, i) {
			return append(dst, "NULL"...), nil
		}
		buf = c.appendCast(buf[:0], c.Args[0], i)
		return appendLiteral(dst, buf), nil
	})
}

// formatSpec is one conversion of format(): %[pos$][-][width]type.
type formatSpec struct {
	pos      int // argument, from 1; 0 means the next one
	left     bool
	width    int
	widthPos int // argument holding the width; -1 none, 0 the next one
	conv     byte
}

func errFormat(msg string) error { return sqlerr.New(sqlerr.InvalidParameterValue, "%s", msg) }

func formatText(c *Call) {
	f := c.strs(0)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if c.isNull(0, i) {
			c.SetNull(i)
			return dst, nil
		}
		st := formatState{c: c, row: i, next: 1}
		return st.run(dst, string(f.at(i)))
	})
}

// formatState walks the arguments of one row of format().
type formatState struct {
	c         *Call
	row, next int
}

func (st *formatState) run(dst []byte, f string) ([]byte, error) {
	for len(f) > 0 {
		if f[0] != '%' {
			dst, f = append(dst, f[0]), f[1:]
			continue
		}
		f = f[1:]
		if f == "" {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue, "unterminated format() type specifier").
				WithHint("For a single \"%%\" use \"%%%%\".")
		}
		if f[0] == '%' {
			dst, f = append(dst, '%'), f[1:]
			continue
		}
		spec, rest, err := parseFormat(f)
		if err != nil {
			return nil, err
		}
		f = rest
		if dst, err = st.convert(dst, spec); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func formatNumber(f string) (n int, rest string, ok bool) {
	k := 0
	for k < len(f) && f[k] >= '0' && f[k] <= '9' {
		k++
	}
	if k == 0 {
		return 0, f, false
	}
	n, err := strconv.Atoi(f[:k])
	if err != nil || n > 1<<31-1 {
		n = 1 << 31
	}
	return n, f[k:], true
}

func parseFormat(f string) (s formatSpec, rest string, err error) {
	s.widthPos = -1
	if n, r, ok := formatNumber(f); ok {
		if strings.HasPrefix(r, "$") {
			if n == 0 {
				return s, "", errFormat("format specifies argument 0, but arguments are numbered from 1")
			}
			s.pos, f = n, r[1:]
		} else {
			s.width, f = n, r
		}
	}
	for strings.HasPrefix(f, "-") {
		s.left, f = true, f[1:]
	}
	if strings.HasPrefix(f, "*") {
		s.widthPos, f = 0, f[1:]
		if n, r, ok := formatNumber(f); ok {
			if !strings.HasPrefix(r, "$") {
				return s, "", errFormat("width argument position must be ended by \"$\"")
			}
			if n == 0 {
				return s, "", errFormat("format specifies argument 0, but arguments are numbered from 1")
			}
			s.widthPos, f = n, r[1:]
		}
	} else if n, r, ok := formatNumber(f); ok {
		s.width, f = n, r
	}
	if s.width > textMax {
		return s, "", errFormat("number is out of range")
	}
	if f == "" {
		return s, "", sqlerr.New(sqlerr.InvalidParameterValue, "unterminated format() type specifier").
			WithHint("For a single \"%%\" use \"%%%%\".")
	}
	r, w := utf8.DecodeRuneInString(f)
	if r != 's' && r != 'I' && r != 'L' {
		return s, "", sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized format() type specifier \"%c\"", r).
			WithHint("For a single \"%%\" use \"%%%%\".")
	}
	s.conv = f[0]
	return s, f[w:], nil
}

// arg returns argument pos, or the next one for 0.
func (st *formatState) arg(pos int) (*chunk.Column, int, error) {
	if pos == 0 {
		pos = st.next
	}
	st.next = pos + 1
	if pos >= len(st.c.Args) {
		return nil, 0, errFormat("too few arguments for format()")
	}
	return st.c.Args[pos], pos, nil
}

func (st *formatState) convert(dst []byte, s formatSpec) ([]byte, error) {
	if s.widthPos >= 0 {
		a, k, err := st.arg(s.widthPos)
		if err != nil {
			return nil, err
		}
		if !st.c.isNull(k, st.row) && a.Type.Class() == types.ClassInt {
			s.width = int(a.Ints[slot(a, st.row)])
		}
		if s.width < 0 {
			s.left, s.width = true, -s.width
		}
		if s.width > textMax {
			return nil, errFormat("number is out of range")
		}
	}
	a, k, err := st.arg(s.pos)
	if err != nil {
		return nil, err
	}
	var v []byte
	if st.c.isNull(k, st.row) {
		switch s.conv {
		case 'I':
			return nil, sqlerr.New(sqlerr.NullValueNotAllowed, "null values cannot be formatted as an SQL identifier")
		case 'L':
			v = []byte("NULL")
		}
	} else {
		v = st.c.appendText(nil, a, st.row)
		switch s.conv {
		case 'I':
			v = appendIdent(nil, string(v))
		case 'L':
			v = appendLiteral(nil, v)
		}
	}
	pad := int64(s.width - utf8.RuneCount(v))
	if pad > 0 && !s.left {
		dst = appendFill(dst, []byte{' '}, pad)
	}
	dst = append(dst, v...)
	if pad > 0 && s.left {
		dst = appendFill(dst, []byte{' '}, pad)
	}
	return dst, nil
}
