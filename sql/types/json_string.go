package types

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"streamdb/sql/sqlerr"
)

// stringEnd returns the index behind the string token at i.
func (p *jsonParser) stringEnd(i int) (int, error) {
	for j := i + 1; j < len(p.s); j++ {
		switch c := p.s[j]; {
		case c == '"':
			return j + 1, nil
		case c == '\\':
			j++
		}
	}
	return len(p.s), p.fail(sqlerr.InvalidTextRepresentation, len(p.s), "Token \"%s\" is invalid.", p.s[i:])
}

// str reads a string token and writes it with its canonical escapes.
func (p *jsonParser) str() error {
	start := p.i
	p.emit('"')
	for p.i++; p.i < len(p.s); {
		run := p.i
		for run < len(p.s) && p.s[run] != '"' && p.s[run] != '\\' && p.s[run] >= 0x20 {
			run++
		}
		if p.canon {
			p.out = append(p.out, p.s[p.i:run]...)
		}
		if p.i = run; run == len(p.s) {
			break
		}
		switch c := p.s[run]; {
		case c == '"':
			p.i++
			p.emit('"')
			return nil
		case c == '\\':
			if err := p.escape(start); err != nil {
				return err
			}
		default:
			return p.fail(sqlerr.InvalidTextRepresentation, run, "Character with value 0x%02x must be escaped.", c)
		}
	}
	return p.badToken(p.s[start:], len(p.s))
}

// escape reads one escape sequence, at p.i, of the string that starts at start.
func (p *jsonParser) escape(start int) error {
	if p.i+1 >= len(p.s) {
		return p.badToken(p.s[start:], len(p.s))
	}
	c := p.s[p.i+1]
	if c == 'u' {
		return p.unicodeEscape()
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		_, n := utf8.DecodeRuneInString(p.s[p.i+1:])
		return p.fail(sqlerr.InvalidTextRepresentation, p.i+1+n, "Escape sequence \"\\%s\" is invalid.", p.s[p.i+1:p.i+1+n])
	}
	p.i += 2
	if p.canon {
		p.out = appendJSONByte(p.out, "\"\\/\b\f\n\r\t"[i])
	}
	return nil
}

// unicodeEscape reads \uXXXX, and the second half of a surrogate pair.
func (p *jsonParser) unicodeEscape() error {
	r, ok := hex4(p.s, p.i+2)
	if !ok {
		e := p.i + 2
		for e < len(p.s) && e < p.i+6 {
			if _, isHex := hexValue(p.s[e]); !isHex {
				e++
				break
			}
			e++
		}
		return p.fail(sqlerr.InvalidTextRepresentation, e, "\"\\u\" must be followed by four hexadecimal digits.")
	}
	p.i += 6
	if !p.canon {
		return nil
	}
	switch {
	case r == 0:
		e := p.fail(sqlerr.UntranslatableCharacter, p.i, "\\u0000 cannot be converted to text.").(*sqlerr.Error)
		e.Message = "unsupported Unicode escape sequence"
		return e
	case r >= 0xdc00 && r <= 0xdfff:
		return p.fail(sqlerr.InvalidTextRepresentation, p.i, "Unicode low surrogate must follow a high surrogate.")
	case r >= 0xd800 && r <= 0xdbff:
		lo, ok := rune(0), false
		if strings.HasPrefix(p.s[p.i:], `\u`) {
			lo, ok = hex4(p.s, p.i+2)
		}
		if !ok || lo < 0xdc00 || lo > 0xdfff {
			if ok && lo >= 0xd800 && lo <= 0xdbff {
				return p.fail(sqlerr.InvalidTextRepresentation, p.i+6, "Unicode high surrogate must not follow a high surrogate.")
			}
			return p.fail(sqlerr.InvalidTextRepresentation, p.i, "Unicode low surrogate must follow a high surrogate.")
		}
		p.i += 6
		r = utf16.DecodeRune(r, lo)
	}
	if r < 0x80 {
		p.out = appendJSONByte(p.out, byte(r))
	} else {
		p.out = utf8.AppendRune(p.out, r)
	}
	return nil
}

// hex4 reads four hexadecimal digits at s[i:].
func hex4(s string, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	r := rune(0)
	for _, c := range []byte(s[i : i+4]) {
		h, ok := hexValue(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(h)
	}
	return r, true
}

// appendJSONByte writes an ASCII character inside a JSON string.
func appendJSONByte(dst []byte, c byte) []byte {
	const hexDigits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	if c < 0x20 {
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, c)
}

// AppendJSONString writes s as a JSON string, quoted and escaped as PostgreSQL does.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	run := 0
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			dst = appendJSONByte(append(dst, s[run:i]...), c)
			run = i + 1
		}
	}
	return append(append(dst, s[run:]...), '"')
}

// AppendJSONUnescaped appends the text a canonical JSON string stands for; v is
// quoted.
func AppendJSONUnescaped(dst []byte, v string) []byte {
	v = jsonBody(v)
	for {
		i := strings.IndexByte(v, '\\')
		if i < 0 || i+1 == len(v) {
			return append(dst, v...)
		}
		dst = append(dst, v[:i]...)
		c := v[i+1]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := hex4(v, i+2)
			dst, v = utf8.AppendRune(dst, r), v[min(i+6, len(v)):]
			continue
		}
		dst, v = append(dst, c), v[i+2:]
	}
}

// jsonUnescaped returns the text of a canonical JSON string.
func jsonUnescaped(v string) string {
	if strings.IndexByte(v, '\\') < 0 {
		return strings.Clone(jsonBody(v))
	}
	return string(AppendJSONUnescaped(nil, v))
}
