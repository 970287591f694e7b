package types

import "strings"

// dtField is the class of a piece of date/time input.
type dtField uint8

const (
	fieldNumber dtField = iota
	fieldDate
	fieldTime
	fieldZone
	fieldString
	fieldSpecial
)

// dtToken is a piece of date/time input, in lower case where it is a word.
type dtToken struct {
	kind dtField
	text string
}

// dtTokensMax bounds the pieces of one value, as PostgreSQL's MAXDATEFIELDS does.
const dtTokensMax = 25

func isDigit(c byte) bool { return c-'0' <= 9 }
func isAlpha(c byte) bool { return (c|0x20)-'a' <= 25 }
func isAlnum(c byte) bool { return isDigit(c) || isAlpha(c) }
func isPunct(c byte) bool { return c > ' ' && c < 0x7f && !isAlnum(c) }

// splitDateTime cuts date/time input into pieces by PostgreSQL's rules
// (ParseDateTime); it reports false for characters that no rule takes.
func splitDateTime(s string) ([]dtToken, bool) {
	var toks []dtToken
	for s != "" {
		if isSpace(s[0]) {
			s = s[1:]
			continue
		}
		if len(toks) == dtTokensMax {
			return nil, false
		}
		var n int
		t := dtToken{}
		switch c := s[0]; {
		case isDigit(c):
			n, t.kind = lexDigits(s)
		case c == '.':
			n, t.kind = 1+spanDigits(s[1:]), fieldNumber
		case isAlpha(c):
			n, t.kind = lexWord(s)
		case c == '+' || c == '-':
			sign := s[:1]
			rest := strings.TrimLeft(s[1:], spaces)
			if rest == "" {
				return nil, false
			}
			if isDigit(rest[0]) {
				n = span(rest, func(c byte) bool { return isDigit(c) || c == ':' || c == '.' || c == '-' })
				t.kind = fieldZone
			} else if isAlpha(rest[0]) {
				n = span(rest, isAlpha)
				t.kind = fieldSpecial
			} else {
				return nil, false
			}
			t.text = sign + strings.ToLower(rest[:n])
			toks, s = append(toks, t), rest[n:]
			continue
		case isPunct(c):
			s = s[1:]
			continue
		default:
			return nil, false
		}
		t.text = strings.ToLower(s[:n])
		toks, s = append(toks, t), s[n:]
	}
	return toks, true
}

// span returns the length of the prefix of s whose bytes satisfy f.
func span(s string, f func(byte) bool) int {
	for i := range len(s) {
		if !f(s[i]) {
			return i
		}
	}
	return len(s)
}

func spanDigits(s string) int { return span(s, isDigit) }

// lexDigits measures a piece that starts with a digit: a time, a date or a number.
func lexDigits(s string) (int, dtField) {
	n := spanDigits(s)
	if n == len(s) {
		return n, fieldNumber
	}
	switch d := s[n]; d {
	case ':':
		n += span(s[n:], func(c byte) bool { return isDigit(c) || c == ':' || c == '.' })
		return n, fieldTime
	case '-', '/', '.':
		return lexDate(s, n, d)
	}
	return n, fieldNumber
}

// lexDate goes on behind the first delimiter, s[n], of something like a date.
func lexDate(s string, n int, delim byte) (int, dtField) {
	n++
	if n < len(s) && isDigit(s[n]) {
		kind := fieldDate
		if delim == '.' {
			kind = fieldNumber
		}
		n += spanDigits(s[n:])
		if n < len(s) && s[n] == delim {
			kind = fieldDate
			n += span(s[n:], func(c byte) bool { return isDigit(c) || c == delim })
		}
		return n, kind
	}
	n += span(s[n:], func(c byte) bool { return isAlnum(c) || c == delim })
	return n, fieldDate
}

// lexWord measures a piece that starts with a letter: a word, a date that starts
// with a month, or a zone name.
func lexWord(s string) (int, dtField) {
	n := span(s, isAlpha)
	if n == len(s) {
		return n, fieldString
	}
	c := s[n]
	date := c == '-' || c == '/' || c == '.'
	if !date && (c == '+' || isDigit(c)) && !isDateWord(strings.ToLower(s[:n])) {
		date = true // a POSIX zone such as EST5EDT
	}
	if !date {
		return n, fieldString
	}
	n += span(s[n:], func(c byte) bool {
		return isAlnum(c) || c == '+' || c == '-' || c == '/' || c == '_' || c == '.' || c == ':'
	})
	return n, fieldDate
}
