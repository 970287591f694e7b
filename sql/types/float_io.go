package types

import (
	"math"
	"strconv"
	"strings"

	"streamdb/sql/sqlerr"
)

// AppendFloat8 writes a double precision value: the shortest form that reads back
// when extraDigits > 0, otherwise 15+extraDigits significant digits.
func AppendFloat8(dst []byte, f float64, extraDigits int) []byte {
	return appendFloat(dst, f, 64, 15, extraDigits)
}

// AppendFloat4 writes a real value, held as float64.
func AppendFloat4(dst []byte, f float64, extraDigits int) []byte {
	return appendFloat(dst, float64(float32(f)), 32, 6, extraDigits)
}

func appendFloat(dst []byte, f float64, bits, digits, extra int) []byte {
	switch {
	case f != f:
		return append(dst, "NaN"...)
	case f > math.MaxFloat64:
		return append(dst, "Infinity"...)
	case f < -math.MaxFloat64:
		return append(dst, "-Infinity"...)
	case f == 0:
		if math.Signbit(f) {
			dst = append(dst, '-')
		}
		return append(dst, '0')
	}
	prec := -1
	if extra <= 0 {
		prec = max(digits+extra, 1) - 1
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', prec, bits)
	return fixFloat(dst, start, digits, extra > 0)
}

// fixFloat turns d.ddde±xx at dst[start:] into PostgreSQL's form: fixed notation
// for exponents -4 <= e < digits, as %g and the shortest form have it.
func fixFloat(dst []byte, start, digits int, shortest bool) []byte {
	e := len(dst) - 1
	for dst[e] != 'e' {
		e--
	}
	exp := 0
	for _, c := range dst[e+2:] {
		exp = exp*10 + int(c-'0')
	}
	if dst[e+1] == '-' {
		exp = -exp
	}
	neg := dst[start] == '-'
	var buf [32]byte
	d := buf[:0]
	for _, c := range dst[start:e] {
		if c >= '0' && c <= '9' {
			d = append(d, c)
		}
	}
	if !shortest {
		for len(d) > 1 && d[len(d)-1] == '0' {
			d = d[:len(d)-1]
		}
	}
	dst = dst[:start]
	if neg {
		dst = append(dst, '-')
	}
	if exp < -4 || exp >= digits {
		return appendExp(dst, d, exp)
	}
	return appendFixed(dst, d, exp)
}

func appendExp(dst, d []byte, exp int) []byte {
	dst = append(dst, d[0])
	if len(d) > 1 {
		dst = append(dst, '.')
		dst = append(dst, d[1:]...)
	}
	dst = append(dst, 'e')
	if exp < 0 {
		dst, exp = append(dst, '-'), -exp
	} else {
		dst = append(dst, '+')
	}
	if exp < 10 {
		dst = append(dst, '0')
	}
	return appendUint(dst, uint64(exp))
}

func appendFixed(dst, d []byte, exp int) []byte {
	if exp < 0 {
		dst = append(dst, '0', '.')
		for range -exp - 1 {
			dst = append(dst, '0')
		}
		return append(dst, d...)
	}
	for i := 0; i <= exp; i++ {
		if i < len(d) {
			dst = append(dst, d[i])
		} else {
			dst = append(dst, '0')
		}
	}
	if len(d) > exp+1 {
		dst = append(dst, '.')
		dst = append(dst, d[exp+1:]...)
	}
	return dst
}

// ParseFloat8 reads a double precision value.
func ParseFloat8(s string) (float64, error) { return parseFloat(s, 64, "double precision") }

// ParseFloat4 reads a real value.
func ParseFloat4(s string) (float64, error) { return parseFloat(s, 32, "real") }

func parseFloat(s string, bits int, typ string) (float64, error) {
	t := trimSpaces(s)
	if t == "" || strings.IndexByte(t, '_') >= 0 {
		return 0, errSyntax(typ, s)
	}
	f, err := strconv.ParseFloat(t, bits)
	if err != nil {
		if !isRangeErr(err) {
			if h, ok := parseHexFloat(t, bits); ok {
				return h, nil
			}
			return 0, errSyntax(typ, s)
		}
		return 0, errFloatRange(t, typ)
	}
	if f == 0 && hasNonzeroDigit(t) {
		return 0, errFloatRange(t, typ)
	}
	if f != f {
		return math.NaN(), nil // one bit pattern for all NaNs
	}
	return f, nil
}

// parseHexFloat reads C's hexadecimal form without binary exponent, which strtod takes.
func parseHexFloat(t string, bits int) (float64, bool) {
	low := strings.ToLower(t)
	if !strings.Contains(low, "0x") || strings.Contains(low, "p") {
		return 0, false
	}
	f, err := strconv.ParseFloat(t+"p0", bits)
	return f, err == nil
}

func errFloatRange(t, typ string) error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "\"%s\" is out of range for type %s", t, typ)
}

// hasNonzeroDigit tells an underflow from a written zero.
func hasNonzeroDigit(t string) bool {
	for i := range len(t) {
		switch c := t[i]; {
		case c == 'e' || c == 'E' || c == 'i' || c == 'I' || c == 'n' || c == 'N':
			return false
		case c >= '1' && c <= '9':
			return true
		}
	}
	return false
}
