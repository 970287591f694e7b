package types

import (
	"math"
	"strconv"

	"streamdb/sql/sqlerr"
)

// DecToInt8 rounds a to a bigint; out of its range, 22003.
func DecToInt8(a Dec) (int64, error) { return decToInt(a, math.MinInt64, math.MaxInt64, "bigint") }

// DecToInt4 rounds a to an integer.
func DecToInt4(a Dec) (int64, error) { return decToInt(a, math.MinInt32, math.MaxInt32, "integer") }

// DecToInt2 rounds a to a smallint.
func DecToInt2(a Dec) (int64, error) { return decToInt(a, math.MinInt16, math.MaxInt16, "smallint") }

func decToInt(a Dec, lo, hi int64, typ string) (int64, error) {
	switch a.N.Form {
	case NumNaN:
		return 0, sqlerr.New(sqlerr.FeatureNotSupported, "cannot convert NaN to %s", typ)
	case NumPosInf, NumNegInf:
		return 0, sqlerr.New(sqlerr.FeatureNotSupported, "cannot convert infinity to %s", typ)
	}
	r, err := RoundDec(a, 0)
	if err != nil || r.N.Form != NumInline || r.N.Coef < lo || r.N.Coef > hi {
		return 0, errRange(typ)
	}
	return r.N.Coef, nil
}

// DecToFloat8 converts to the nearest double precision value.
func DecToFloat8(a Dec) (float64, error) {
	if a.N.Form == NumInline && a.N.Scale <= 22 && abs64(a.N.Coef) < 1<<53 {
		return float64(a.N.Coef) / floatPow10[a.N.Scale], nil // both exact: one rounding
	}
	return decToFloat(a, 64, "double precision")
}

// DecToFloat4 converts to the nearest real value.
func DecToFloat4(a Dec) (float64, error) { return decToFloat(a, 32, "real") }

// floatPow10 holds the powers of ten that are exact in a float64.
var floatPow10 = [23]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

func decToFloat(a Dec, bits int, typ string) (float64, error) {
	switch a.N.Form {
	case NumNaN:
		return math.NaN(), nil
	case NumPosInf:
		return math.Inf(1), nil
	case NumNegInf:
		return math.Inf(-1), nil
	}
	var buf [64]byte
	t := BytesString(AppendDec(buf[:0], a))
	f, err := strconv.ParseFloat(t, bits)
	if err != nil || (f == 0 && a.Sign() != 0) {
		return 0, errFloatRange(t, typ)
	}
	if f == 0 {
		return 0, nil
	}
	return f, nil
}

// DecFromFloat8 converts a double precision value through its 15 significant digits.
func DecFromFloat8(f float64) (Dec, error) { return decFromFloat(f, 15) }

// DecFromFloat4 converts a real value through its 6 significant digits.
func DecFromFloat4(f float64) (Dec, error) { return decFromFloat(f, 6) }

func decFromFloat(f float64, digits int) (Dec, error) {
	switch {
	case f != f:
		return DecNaN, nil
	case math.IsInf(f, 1):
		return DecPosInf, nil
	case math.IsInf(f, -1):
		return DecNegInf, nil
	}
	var buf [32]byte
	b := strconv.AppendFloat(buf[:0], f, 'e', digits-1, 64)
	b = fixFloat(b, 0, digits, false) // %.*g drops trailing zeros
	return ParseDec(BytesString(b))
}

// FloatToInt rounds half to even, as PostgreSQL casts floats to integers; out of
// [lo, hi] or NaN it is 22003 for the named type.
func FloatToInt(f float64, k Kind) (int64, error) {
	r := math.RoundToEven(f)
	lo, end, typ := -9223372036854775808.0, 9223372036854775808.0, "bigint"
	switch k {
	case KindInt4:
		lo, end, typ = math.MinInt32, math.MaxInt32+1, "integer"
	case KindInt2:
		lo, end, typ = math.MinInt16, math.MaxInt16+1, "smallint"
	}
	if !(r >= lo && r < end) {
		return 0, errRange(typ)
	}
	return int64(r), nil
}

// FloatToReal narrows double precision to real; overflow and underflow are 22003.
func FloatToReal(f float64) (float64, error) {
	r := float64(float32(f))
	if math.IsInf(r, 0) && !math.IsInf(f, 0) {
		return 0, sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: overflow")
	}
	if r == 0 && f != 0 {
		return 0, sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: underflow")
	}
	return r, nil
}

// NarrowInt checks that v fits integer kind k; otherwise "integer out of range".
func NarrowInt(v int64, k Kind) (int64, error) {
	switch k {
	case KindInt4:
		if v != int64(int32(v)) {
			return 0, errRange("integer")
		}
	case KindInt2:
		if v != int64(int16(v)) {
			return 0, errRange("smallint")
		}
	case KindOID, KindRegClass, KindRegType, KindRegProc, KindRegNS, KindRegRole, KindXID:
		if v != int64(uint32(v)) {
			return 0, sqlerr.New(sqlerr.NumericValueOutOfRange, "OID out of range")
		}
	}
	return v, nil
}
