package functions

import (
	"bytes"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// parseIdent splits a qualified name into its parts. Unless strict is false, nothing may follow it.
func parseIdent(c *Call) {
	a := c.strs(0)
	b := types.NewArrayBuilder(textArray)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		b.Reset()
		if err := splitIdent(b, a.at(i), len(c.Args) < 2 || c.bools(1).at(i)); err != nil {
			return nil, err
		}
		return b.AppendTo(dst), nil
	})
}

// splitIdent adds the parts of a qualified name to b.
func splitIdent(b *types.ArrayBuilder, s []byte, strict bool) error {
	bad := func() *sqlerr.Error {
		return sqlerr.New(sqlerr.InvalidParameterValue, "string is not a valid identifier: \"%s\"", s)
	}
	rest := trimBlanks(s)
	for afterDot := false; ; afterDot = true {
		part, n := identPart(rest)
		switch {
		case n < 0:
			return bad().WithDetail("String has unclosed double quotes.")
		case n > 0 && len(part) == 0:
			return bad().WithDetail("Quoted identifier must not be empty.")
		case n == 0 && len(rest) > 0 && rest[0] == '.':
			return bad().WithDetail("No valid identifier before \".\".")
		case n == 0 && afterDot:
			return bad().WithDetail("No valid identifier after \".\".")
		case n == 0:
			return bad()
		}
		b.AddBytes(part)
		rest = trimBlanks(rest[n:])
		if len(rest) > 0 && rest[0] == '.' {
			rest = trimBlanks(rest[1:])
			continue
		}
		if len(rest) > 0 && strict {
			return bad()
		}
		return nil
	}
}

func trimBlanks(s []byte) []byte { return bytes.TrimLeft(s, " \t\n\r\f\v") }

// identPart reads an identifier, folding what is not quoted; n is its length in s, 0 if there is none, -1 if its quote
// does not end.
func identPart(s []byte) (part []byte, n int) {
	if len(s) == 0 {
		return nil, 0
	}
	if s[0] != '"' {
		for n < len(s) && (identStart(s[n]) || n > 0 && (s[n] == '$' || s[n] >= '0' && s[n] <= '9')) {
			n++
		}
		return appendLower(nil, s[:n]), n
	}
	for n = 1; n < len(s); n++ {
		if s[n] == '"' {
			if n+1 == len(s) || s[n+1] != '"' {
				return part, n + 1
			}
			n++
		}
		part = append(part, s[n])
	}
	return nil, -1
}

func identStart(b byte) bool { return b == '_' || b >= 0x80 || (b|0x20)-'a' < 26 }
