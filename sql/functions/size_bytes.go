package functions

import (
	"strings"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// sizeBytes reads what pg_size_pretty writes: a number and a unit.
func sizeBytes(c *Call) {
	a := c.strs(0)
	each(c, c.Out.Ints, func(i int) (int64, error) { return parseSize(string(a.at(i))) })
}

func parseSize(s string) (int64, error) {
	text := strings.TrimLeft(s, " \t\n\r\f\v")
	n := sizeNumber(text)
	if n == 0 {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid size: \"%s\"", s)
	}
	d, err := types.ParseDec(text[:n])
	if err != nil {
		return 0, err
	}
	unit := strings.TrimSpace(text[n:])
	for k, u := range sizeUnits {
		if unit != "" && !strings.EqualFold(unit, u) {
			continue
		}
		if d, err = types.MulDec(d, types.DecInt(1<<(10*k))); err != nil {
			return 0, err
		}
		return types.DecToInt8(d)
	}
	return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid size: \"%s\"", s).WithDetail("Invalid size unit: \"%s\".", unit).
		WithHint("Valid units are \"bytes\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".")
}

// sizeNumber measures [sign]digits[.digits][e[sign]digits] at the start of s; there must be a digit.
func sizeNumber(s string) int {
	n := 0
	if n < len(s) && (s[n] == '+' || s[n] == '-') {
		n++
	}
	whole := countDigits(s[n:])
	n += whole
	if n < len(s) && s[n] == '.' {
		n++
		frac := countDigits(s[n:])
		whole, n = whole+frac, n+frac
	}
	if whole == 0 {
		return 0
	}
	if n < len(s) && s[n]|0x20 == 'e' {
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if k := countDigits(s[e:]); k > 0 {
			return e + k
		}
	}
	return n
}

func countDigits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
