package types

import (
	"encoding/binary"
	"math"
	"math/big"

	"streamdb/sql/sqlerr"
)

// AppendBinary writes a value that is not NULL in PostgreSQL's binary format,
// without the length in front.
func AppendBinary(dst []byte, t Type, d Datum) []byte {
	switch t.Class() {
	case ClassBool:
		return append(dst, byte(d.I))
	case ClassInt:
		return AppendBinaryInt(dst, t.Kind, d.I)
	case ClassFloat:
		return AppendBinaryFloat(dst, t.Kind, d.F)
	case ClassNumeric:
		return AppendBinaryDec(dst, d.Dec())
	case ClassInterval:
		return AppendBinaryInterval(dst, d.V)
	case ClassUUID:
		return append(dst, d.U[:]...)
	}
	return AppendBinaryVarlen(dst, t, d.S)
}

// AppendBinaryInt writes a value of any kind of ClassInt.
func AppendBinaryInt(dst []byte, k Kind, v int64) []byte {
	switch k {
	case KindInt2:
		return binary.BigEndian.AppendUint16(dst, uint16(v))
	case KindInt8, KindTime, KindTimestamp, KindTimestampTZ:
		return binary.BigEndian.AppendUint64(dst, uint64(v))
	}
	return binary.BigEndian.AppendUint32(dst, uint32(v))
}

// AppendBinaryFloat writes a real or double precision value.
func AppendBinaryFloat(dst []byte, k Kind, f float64) []byte {
	if k == KindFloat4 {
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(f)))
	}
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(f))
}

// AppendBinaryInterval writes an interval.
func AppendBinaryInterval(dst []byte, v Interval) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(v.Micros))
	dst = binary.BigEndian.AppendUint32(dst, uint32(v.Days))
	return binary.BigEndian.AppendUint32(dst, uint32(v.Months))
}

// Signs of the binary numeric.
const (
	numPos    = 0x0000
	numNeg    = 0x4000
	numNaN    = 0xC000
	numPosInf = 0xD000
	numNegInf = 0xF000
)

// AppendBinaryDec writes a numeric: digits in base 10000 without leading and
// trailing zeros.
func AppendBinaryDec(dst []byte, a Dec) []byte {
	head := func(n, weight int, sign, scale uint16) []byte {
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
		dst = binary.BigEndian.AppendUint16(dst, uint16(int16(weight)))
		dst = binary.BigEndian.AppendUint16(dst, sign)
		return binary.BigEndian.AppendUint16(dst, scale)
	}
	switch a.N.Form {
	case NumNaN:
		return head(0, 0, numNaN, 0)
	case NumPosInf:
		return head(0, 0, numPosInf, 0)
	case NumNegInf:
		return head(0, 0, numNegInf, 0)
	}
	scale := uint16(a.N.Scale)
	if a.Sign() == 0 {
		return head(0, 0, numPos, scale)
	}
	var buf [48]byte
	s := buf[:0]
	if a.N.Form == NumInline {
		s = appendUint(s, abs64(a.N.Coef))
	} else {
		s = new(big.Int).SetBytes(a.Big[1:]).Append(s, 10)
	}
	e := int32(len(s)) - 1 - a.N.Scale
	weight := floorDiv(e, 4)
	first := int(e-weight*4) + 1 // decimal digits in the leading group
	for s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	n := 1
	if len(s) > first {
		n += (len(s) - first + 3) / 4
	}
	sign := uint16(numPos)
	if a.Sign() < 0 {
		sign = numNeg
	}
	dst = head(n, int(weight), sign, scale)
	for lo, hi := 0, first; n > 0; n-- {
		g := uint16(0)
		for i := lo; i < hi; i++ {
			g *= 10
			if i < len(s) {
				g += uint16(s[i] - '0')
			}
		}
		dst = binary.BigEndian.AppendUint16(dst, g)
		lo, hi = hi, hi+4
	}
	return dst
}

// AppendBinaryVarlen writes a value of any kind of ClassBytes.
func AppendBinaryVarlen(dst []byte, t Type, s string) []byte {
	switch t.Kind {
	case KindJSONB:
		return append(append(dst, 1), s...)
	case KindQChar:
		if s == "" {
			return append(dst, 0)
		}
	case KindArray, KindInt2Vector, KindOIDVector:
		return appendBinaryArray(dst, t, s)
	}
	return append(dst, s...)
}

func appendBinaryArray(dst []byte, t Type, s string) []byte {
	a, ok := ReadArray(t, s)
	u32 := func(v uint32) { dst = binary.BigEndian.AppendUint32(dst, v) }
	dims := uint32(1)
	if !ok || a.n == 0 && t.Kind == KindArray {
		dims = 0
	}
	u32(dims)
	if a.HasNulls() {
		u32(1)
	} else {
		u32(0)
	}
	u32(t.ElemType().OID())
	if dims == 0 {
		return dst
	}
	u32(uint32(a.n))
	u32(uint32(a.lower))
	for i := range a.n {
		if a.Null(i) {
			u32(math.MaxUint32)
			continue
		}
		at := len(dst)
		u32(0)
		dst = AppendBinary(dst, a.elem, a.Datum(i))
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst
}

func errShort() error {
	return sqlerr.New(sqlerr.ProtocolViolation, "insufficient data left in message")
}

func errBinary(format string, args ...any) error {
	return sqlerr.New(sqlerr.InvalidBinaryRepresentation, format, args...)
}

// fixedBinary checks that b has n bytes.
func fixedBinary(b []byte, n int) error {
	if len(b) < n {
		return errShort()
	}
	if len(b) > n {
		return errBinary("incorrect binary data format")
	}
	return nil
}

// ParseBinary reads a value in PostgreSQL's binary format and applies t's modifiers.
// The result keeps no part of b.
func ParseBinary(t Type, b []byte) (Datum, error) {
	switch t.Class() {
	case ClassBool:
		if err := fixedBinary(b, 1); err != nil {
			return Datum{}, err
		}
		if b[0] != 0 {
			return Datum{I: 1}, nil
		}
		return Datum{}, nil
	case ClassInt:
		v, err := ParseBinaryInt(t, b)
		return Datum{I: v}, err
	case ClassFloat:
		v, err := ParseBinaryFloat(t.Kind, b)
		return Datum{F: v}, err
	case ClassNumeric:
		v, err := ParseBinaryDec(b, t.Typmod)
		return v.Datum(), err
	case ClassInterval:
		if err := fixedBinary(b, 16); err != nil {
			return Datum{}, err
		}
		v := Interval{int64(binary.BigEndian.Uint64(b)), int32(binary.BigEndian.Uint32(b[8:])), int32(binary.BigEndian.Uint32(b[12:]))}
		v, err := CoerceInterval(v, t.Typmod)
		return Datum{V: v}, err
	case ClassUUID:
		var d Datum
		err := fixedBinary(b, 16)
		copy(d.U[:], b)
		return d, err
	}
	s, err := ParseBinaryVarlen(nil, t, b)
	return Datum{S: string(s)}, err
}

// ParseBinaryInt reads a value of any kind of ClassInt.
func ParseBinaryInt(t Type, b []byte) (int64, error) {
	switch t.Kind {
	case KindInt2:
		if err := fixedBinary(b, 2); err != nil {
			return 0, err
		}
		return int64(int16(binary.BigEndian.Uint16(b))), nil
	case KindInt4, KindDate:
		if err := fixedBinary(b, 4); err != nil {
			return 0, err
		}
		v := int64(int32(binary.BigEndian.Uint32(b)))
		if t.Kind == KindDate && !IsInfDate(v) && !ValidDate(v) {
			return 0, errDateRange()
		}
		return v, nil
	case KindInt8, KindTime, KindTimestamp, KindTimestampTZ:
		if err := fixedBinary(b, 8); err != nil {
			return 0, err
		}
		return checkTimes(t, int64(binary.BigEndian.Uint64(b)))
	}
	if err := fixedBinary(b, 4); err != nil {
		return 0, err
	}
	return int64(binary.BigEndian.Uint32(b)), nil
}

// checkTimes holds times read from outside in their ranges and modifiers.
func checkTimes(t Type, v int64) (int64, error) {
	switch t.Kind {
	case KindTime:
		if v < 0 || v > MicrosPerDay {
			return 0, sqlerr.New(sqlerr.DatetimeFieldOverflow, "time out of range")
		}
		return CoerceTime(v, t.Typmod), nil
	case KindTimestamp, KindTimestampTZ:
		if !IsInfTimestamp(v) && !ValidTimestamp(v) {
			return 0, errTimestampRange()
		}
		return CoerceTimestamp(v, t.Typmod)
	}
	return v, nil
}

// ParseBinaryFloat reads a real or double precision value.
func ParseBinaryFloat(k Kind, b []byte) (float64, error) {
	if k == KindFloat4 {
		if err := fixedBinary(b, 4); err != nil {
			return 0, err
		}
		return canonicalNaN(float64(math.Float32frombits(binary.BigEndian.Uint32(b)))), nil
	}
	if err := fixedBinary(b, 8); err != nil {
		return 0, err
	}
	return canonicalNaN(math.Float64frombits(binary.BigEndian.Uint64(b))), nil
}

func canonicalNaN(f float64) float64 {
	if f != f {
		return math.NaN()
	}
	return f
}

// ParseBinaryDec reads a numeric and applies a typmod.
func ParseBinaryDec(b []byte, typmod int32) (Dec, error) {
	if len(b) < 8 {
		return Dec{}, errShort()
	}
	n := int(binary.BigEndian.Uint16(b))
	weight := int32(int16(binary.BigEndian.Uint16(b[2:])))
	sign, scale := binary.BigEndian.Uint16(b[4:]), int32(binary.BigEndian.Uint16(b[6:]))
	b = b[8:]
	switch sign {
	case numPos, numNeg:
	case numNaN:
		return DecNaN, nil
	case numPosInf:
		return CoerceDec(DecPosInf, typmod)
	case numNegInf:
		return CoerceDec(DecNegInf, typmod)
	default:
		return Dec{}, errBinary("invalid sign in external \"numeric\" value")
	}
	if scale > ScaleMax {
		return Dec{}, errBinary("invalid scale in external \"numeric\" value")
	}
	if err := fixedBinary(b, 2*n); err != nil {
		return Dec{}, err
	}
	d, err := decOfGroups(b, weight, scale)
	if err != nil {
		return Dec{}, err
	}
	if sign == numNeg {
		d = NegDec(d)
	}
	return CoerceDec(d, typmod)
}

// decOfGroups makes a numeric of base-10000 digits; digits behind the scale are cut.
func decOfGroups(b []byte, weight, scale int32) (Dec, error) {
	z, base, g := new(big.Int), big.NewInt(10000), new(big.Int)
	small, fits := int64(0), len(b) <= 8
	for i := 0; i < len(b); i += 2 {
		v := int64(binary.BigEndian.Uint16(b[i:]))
		if v > 9999 {
			return Dec{}, errBinary("invalid digit in external \"numeric\" value")
		}
		if fits {
			small = small*10000 + v
			continue
		}
		z.Add(z.Mul(z, base), g.SetInt64(v))
	}
	have := (int32(len(b)/2) - weight - 1) * 4 // scale of the digits as given
	if fits {
		if k := scale - have; k >= 0 && k <= 18 {
			if c, ok := mul64(small, pow10[k]); ok {
				return Dec{N: Num{Coef: c, Scale: scale}}, nil
			}
		}
		z.SetInt64(small)
	}
	if have < -intDigitsMax-4 {
		return Dec{}, errNumericOverflow()
	}
	return decFromBig(rescale(z, have, scale, false), scale)
}

// ParseBinaryVarlen appends the stored form of a value of any kind of ClassBytes.
func ParseBinaryVarlen(dst []byte, t Type, b []byte) ([]byte, error) {
	switch t.Kind {
	case KindBytea:
		return append(dst, b...), nil
	case KindQChar:
		if err := fixedBinary(b, 1); err != nil {
			return nil, err
		}
		return append(dst, b[0]), nil
	case KindArray, KindInt2Vector, KindOIDVector:
		return parseBinaryArray(dst, t, b)
	}
	version := byte(1)
	if t.Kind == KindJSONB {
		if len(b) == 0 {
			return nil, errShort()
		}
		version, b = b[0], b[1:]
	}
	if version != 1 {
		return nil, sqlerr.New(sqlerr.InternalError, "unsupported jsonb version number %d", version)
	}
	s := string(b)
	if err := CheckUTF8(s); err != nil {
		return nil, err
	}
	return ParseVarlen(dst, t, s, nil)
}

func parseBinaryArray(dst []byte, t Type, b []byte) ([]byte, error) {
	if len(b) < 12 {
		return nil, errShort()
	}
	u32 := func() uint32 { v := binary.BigEndian.Uint32(b); b = b[4:]; return v }
	dims, flags, oid := int32(u32()), u32(), u32()
	switch {
	case dims < 0 || dims > 6:
		return nil, errBinary("invalid number of dimensions: %d", dims)
	case flags > 1:
		return nil, errBinary("invalid array flags")
	case oid != t.ElemType().OID():
		return nil, sqlerr.New(sqlerr.DatatypeMismatch, "binary data has array element type %d instead of expected %d", oid, t.ElemType().OID())
	case dims > 1:
		return nil, sqlerr.Unsupported("an array of more than one dimension", -1)
	}
	ab := NewArrayBuilder(t)
	if dims == 0 {
		if len(b) > 0 {
			return nil, errBinary("incorrect binary data format")
		}
		return ab.AppendTo(dst), nil
	}
	if len(b) < 8 {
		return nil, errShort()
	}
	n, lower := int32(u32()), int32(u32())
	if n < 0 || int(n) > len(b)/4 {
		return nil, errShort()
	}
	ab.SetLower(lower)
	for range n {
		if len(b) < 4 {
			return nil, errShort()
		}
		l := int32(u32())
		if l == -1 {
			ab.AddNull()
			continue
		}
		if l < 0 || int(l) > len(b) {
			return nil, errShort()
		}
		d, err := ParseBinary(t.ElemType(), b[:l])
		if err != nil {
			return nil, err
		}
		ab.Add(d)
		b = b[l:]
	}
	if len(b) > 0 {
		return nil, errBinary("incorrect binary data format")
	}
	if n == 0 && t.Kind == KindArray {
		ab.SetLower(1)
	}
	return ab.AppendTo(dst), nil
}
