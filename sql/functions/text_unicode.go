package functions

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"streamdb/sql/sqlerr"
)

// unicodeFuncs is Unicode escapes and normalization.
func unicodeFuncs() []*Function {
	return []*Function{
		scalar("unistr", "text->text", func(c *Call) {
			a := c.strs(0)
			c.eachBytes(func(i int, dst []byte) ([]byte, error) { return appendUnistr(dst, a.at(i)) })
		}),
		scalar("normalize", "text->text", normalizeText), scalar("normalize", "text,text->text", normalizeText),
		scalar("is_normalized", "text->bool", isNormalized), scalar("is_normalized", "text,text->bool", isNormalized),
	}
}

var (
	errEscape = sqlerr.New(sqlerr.SyntaxError, "invalid Unicode escape").
			WithHint("Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
	errSurrogate = sqlerr.New(sqlerr.SyntaxError, "invalid Unicode surrogate pair")
)

// appendUnistr appends s with its Unicode escapes resolved; \\ is a backslash.
func appendUnistr(dst, s []byte) ([]byte, error) {
	for len(s) > 0 {
		k := bytes.IndexByte(s, '\\')
		if k < 0 {
			return append(dst, s...), nil
		}
		dst, s = append(dst, s[:k]...), s[k:]
		if len(s) > 1 && s[1] == '\\' {
			dst, s = append(dst, '\\'), s[2:]
			continue
		}
		r, n, err := unicodeEscape(s)
		if err != nil {
			return nil, err
		}
		s = s[n:]
		if utf16.IsSurrogate(r) {
			low, n, err := unicodeEscape(s)
			if err != nil && len(s) > 0 && s[0] == '\\' {
				return nil, err
			}
			if r = utf16.DecodeRune(r, low); err != nil || r == utf8.RuneError {
				return nil, errSurrogate
			}
			s = s[n:]
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, nil
}

// unicodeEscape reads one escape at the start of s and gives its length.
func unicodeEscape(s []byte) (rune, int, error) {
	from, digits := 1, 4
	switch {
	case len(s) == 0 || s[0] != '\\':
		return 0, 0, errEscape
	case len(s) > 1 && s[1] == 'u':
		from = 2
	case len(s) > 1 && s[1] == '+':
		from, digits = 2, 6
	case len(s) > 1 && s[1] == 'U':
		from, digits = 2, 8
	}
	if len(s) < from+digits {
		return 0, 0, errEscape
	}
	v, err := strconv.ParseUint(string(s[from:from+digits]), 16, 32)
	if err != nil {
		return 0, 0, errEscape
	}
	if v == 0 || v > utf8.MaxRune {
		return 0, 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid Unicode code point: %04X", v)
	}
	return rune(v), from + digits, nil
}

// normalForm reads a form's name; there is NFC where none is given.
func (c *Call) normalForm() func(i int) (norm.Form, error) {
	if len(c.Args) < 2 {
		return func(int) (norm.Form, error) { return norm.NFC, nil }
	}
	name := c.strs(1)
	return func(i int) (norm.Form, error) {
		switch string(bytes.ToUpper(name.at(i))) {
		case "NFC":
			return norm.NFC, nil
		case "NFD":
			return norm.NFD, nil
		case "NFKC":
			return norm.NFKC, nil
		case "NFKD":
			return norm.NFKD, nil
		}
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid normalization form: %s", name.at(i))
	}
}

func normalizeText(c *Call) {
	a, form := c.strs(0), c.normalForm()
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		f, err := form(i)
		if err != nil {
			return nil, err
		}
		return f.Append(dst, a.at(i)...), nil
	})
}

func isNormalized(c *Call) {
	a, form := c.strs(0), c.normalForm()
	each(c, c.Out.Bools, func(i int) (bool, error) {
		f, err := form(i)
		return err == nil && f.IsNormal(a.at(i)), err
	})
}
