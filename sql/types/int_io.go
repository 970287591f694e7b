package types

import (
	"math"
	"strconv"
	"unsafe"

	"streamdb/sql/sqlerr"
)

// spaces is what PostgreSQL's isspace skips around numbers.
const spaces = " \t\n\v\f\r"

// errSyntax is PostgreSQL's complaint about an unreadable value.
func errSyntax(typ, s string) error {
	return sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type %s: \"%s\"", typ, s)
}

// errRange says that a value does not fit its type: integer kinds without input.
func errRange(typ string) error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "%s out of range", typ)
}

// BytesString views bytes as a string without copying. The bytes must not change
// as long as the string is in use; parsers of this package keep no part of it.
func BytesString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func appendUint(dst []byte, u uint64) []byte { return strconv.AppendUint(dst, u, 10) }

// AppendInt writes an integer.
func AppendInt(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }

// ParseInt8 reads a bigint.
func ParseInt8(s string) (int64, error) {
	if n := len(s); n > 0 && n < 19 {
		if v, ok := parseIntFast(s); ok {
			return v, nil
		}
	}
	return parseIntSlow(s, math.MinInt64, math.MaxInt64, "bigint")
}

// ParseInt4 reads an integer.
func ParseInt4(s string) (int64, error) {
	return parseSmall(s, math.MinInt32, math.MaxInt32, "integer")
}

// ParseInt2 reads a smallint.
func ParseInt2(s string) (int64, error) {
	return parseSmall(s, math.MinInt16, math.MaxInt16, "smallint")
}

func parseSmall(s string, lo, hi int64, typ string) (int64, error) {
	if n := len(s); n > 0 && n < 19 {
		if v, ok := parseIntFast(s); ok && v >= lo && v <= hi {
			return v, nil
		}
	}
	return parseIntSlow(s, lo, hi, typ)
}

// parseIntFast reads up to 18 characters of sign and digits.
func parseIntFast(s string) (int64, bool) {
	i, neg := 0, false
	if s[0] == '-' || s[0] == '+' {
		neg, i = s[0] == '-', 1
		if len(s) == 1 {
			return 0, false
		}
	}
	v := int64(0)
	for ; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		v = v*10 + int64(c)
	}
	if neg {
		v = -v
	}
	return v, true
}

func parseIntSlow(s string, lo, hi int64, typ string) (int64, error) {
	t := trimSpaces(s)
	digits := t
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		digits = digits[1:]
	}
	if digits == "" {
		return 0, errSyntax(typ, s)
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, errSyntax(typ, s)
		}
	}
	v, err := strconv.ParseInt(t, 10, 64)
	if err != nil || v < lo || v > hi {
		return 0, sqlerr.New(sqlerr.NumericValueOutOfRange, "value \"%s\" is out of range for type %s", s, typ)
	}
	return v, nil
}

// trimSpaces strips what PostgreSQL's isspace accepts.
func trimSpaces(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isSpace(c byte) bool { return c == ' ' || (c >= '\t' && c <= '\r') }

// ParseOID reads an oid; as in PostgreSQL a negative number wraps around.
func ParseOID(s string) (int64, error) {
	t := trimSpaces(s)
	v, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		if isRangeErr(err) {
			return 0, sqlerr.New(sqlerr.NumericValueOutOfRange, "value \"%s\" is out of range for type oid", s)
		}
		return 0, errSyntax("oid", s)
	}
	if v < math.MinInt32 || v > math.MaxUint32 {
		return 0, sqlerr.New(sqlerr.NumericValueOutOfRange, "value \"%s\" is out of range for type oid", s)
	}
	return int64(uint32(v)), nil
}

func isRangeErr(err error) bool {
	e, ok := err.(*strconv.NumError)
	return ok && e.Err == strconv.ErrRange
}

// ParseBool reads a boolean: any unambiguous prefix of true, false, yes, no, on,
// off, or 1, 0.
func ParseBool(s string) (bool, error) {
	switch s {
	case "t", "true":
		return true, nil
	case "f", "false":
		return false, nil
	}
	t := trimSpaces(s)
	switch {
	case isPrefixFold(t, "true", 1), isPrefixFold(t, "yes", 1), isPrefixFold(t, "on", 2), t == "1":
		return true, nil
	case isPrefixFold(t, "false", 1), isPrefixFold(t, "no", 1), isPrefixFold(t, "off", 2), t == "0":
		return false, nil
	}
	return false, errSyntax("boolean", s)
}

// isPrefixFold reports whether s, at least least long, begins word; case is ignored.
func isPrefixFold(s, word string, least int) bool {
	if len(s) < least || len(s) > len(word) {
		return false
	}
	for i := range len(s) {
		if s[i]|0x20 != word[i] {
			return false
		}
	}
	return true
}

// AppendBool writes t or f.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 't')
	}
	return append(dst, 'f')
}
