package types

import (
	"encoding/binary"
	"math"
	"math/big"
	"strings"

	"streamdb/sql/sqlerr"
)

// Keys are byte strings whose order is the SQL order of the values they stand for,
// and which are equal exactly when SQL holds the values equal. Keys of several
// columns are concatenated. The first byte of each tells NULL from a value:
//
//	nulls first:  00 NULL, 01 value        nulls last:  01 value, 02 NULL
//
// What follows a value's 01, inverted bit by bit for a descending key:
//
//	bool       1 byte
//	int        8 bytes, big-endian, sign bit flipped
//	float      8 bytes, IEEE bits, all flipped if negative, else the sign bit
//	numeric    class (see the key constants), exponent, digits in pairs + 1, 00
//	interval   16 bytes, normalised microseconds, sign bit flipped
//	uuid       16 bytes
//	bytes      00 written as 00 FF, then 00 01
//	jsonb      kind, then text, number, or count and parts
//	array      per element 01 key or 02 for NULL, then 00 and the lower bound
const (
	keyNegInf = 1 + iota
	keyNeg
	keyZero
	keyPos
	keyPosInf
	keyNaN
)

// AppendKey appends the key of a value, which may be NULL.
func AppendKey(dst []byte, t Type, d Datum, desc, nullsFirst bool) []byte {
	if d.Null {
		if nullsFirst {
			return append(dst, 0)
		}
		return append(dst, 2)
	}
	dst = append(dst, 1)
	start := len(dst)
	dst = appendKeyValue(dst, t, d)
	if desc {
		InvertKey(dst[start:])
	}
	return dst
}

// InvertKey flips every bit: the order of equal-length or self-delimiting keys turns
// around.
func InvertKey(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

func appendKeyValue(dst []byte, t Type, d Datum) []byte {
	switch t.Class() {
	case ClassBool:
		return append(dst, byte(d.I))
	case ClassInt:
		return AppendKeyInt(dst, d.I)
	case ClassFloat:
		return AppendKeyFloat(dst, d.F)
	case ClassNumeric:
		return AppendKeyDec(dst, d.Dec())
	case ClassInterval:
		return AppendKeyInterval(dst, d.V)
	case ClassUUID:
		return append(dst, d.U[:]...)
	}
	return AppendKeyVarlen(dst, t, d.S)
}

// AppendKeyInt appends the key of an integer, without the byte for NULL.
func AppendKeyInt(dst []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(v)^1<<63)
}

// AppendKeyFloat appends the key of a float, without the byte for NULL.
func AppendKeyFloat(dst []byte, f float64) []byte {
	b := math.Float64bits(NormalizeFloat(f))
	if b>>63 != 0 {
		b = ^b
	} else {
		b |= 1 << 63
	}
	return binary.BigEndian.AppendUint64(dst, b)
}

// AppendKeyInterval appends the key of an interval, without the byte for NULL.
func AppendKeyInterval(dst []byte, v Interval) []byte {
	hi, lo := v.span128()
	dst = binary.BigEndian.AppendUint64(dst, uint64(hi)^1<<63)
	return binary.BigEndian.AppendUint64(dst, lo)
}

// AppendKeyDec appends the key of a numeric, without the byte for NULL.
func AppendKeyDec(dst []byte, a Dec) []byte {
	switch a.N.Form {
	case NumNaN:
		return append(dst, keyNaN)
	case NumPosInf:
		return append(dst, keyPosInf)
	case NumNegInf:
		return append(dst, keyNegInf)
	}
	sign := a.Sign()
	if sign == 0 {
		return append(dst, keyZero)
	}
	var buf [24]byte
	digits := buf[:0]
	if a.N.Form == NumInline {
		digits = appendUint(digits, abs64(a.N.Coef))
	} else {
		digits = new(big.Int).SetBytes(a.Big[1:]).Append(digits, 10)
	}
	exp := int32(len(digits)) - a.N.Scale // value = 0.digits × 10^exp
	for digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	dst = append(dst, keyPos)
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(exp)^1<<31)
	for i := 0; i < len(digits); i += 2 {
		p := (digits[i] - '0') * 10
		if i+1 < len(digits) {
			p += digits[i+1] - '0'
		}
		dst = append(dst, p+1)
	}
	dst = append(dst, 0)
	if sign < 0 {
		dst[start-1] = keyNeg
		InvertKey(dst[start:])
	}
	return dst
}

// AppendKeyBytes appends the key of a plain byte string, without the byte for NULL.
func AppendKeyBytes(dst []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, 0)
		if i < 0 {
			break
		}
		dst = append(append(dst, s[:i]...), 0, 0xff)
		s = s[i+1:]
	}
	return append(append(dst, s...), 0, 1)
}

// AppendKeyVarlen appends the key of a value of ClassBytes, without the byte for NULL.
func AppendKeyVarlen(dst []byte, t Type, s string) []byte {
	switch t.Kind {
	case KindBPChar:
		s = TrimBPChar(s)
	case KindJSONB:
		return appendKeyJSON(dst, s, true)
	case KindArray, KindInt2Vector, KindOIDVector:
		return appendKeyArray(dst, t, s)
	}
	return AppendKeyBytes(dst, s)
}

func appendKeyArray(dst []byte, t Type, s string) []byte {
	a, ok := ReadArray(t, s)
	if !ok {
		return append(dst, 0)
	}
	for i := range a.n {
		if a.Null(i) {
			dst = append(dst, 2)
			continue
		}
		dst = appendKeyValue(append(dst, 1), a.elem, a.Datum(i))
	}
	return binary.BigEndian.AppendUint32(append(dst, 0), uint32(a.lower)^1<<31)
}

// appendKeyJSON writes kind + 1 and the parts; 0 is the top-level empty array, which
// comes before all else.
func appendKeyJSON(dst []byte, v string, top bool) []byte {
	k := JSONKindOf(v)
	if top && v == "[]" {
		return append(dst, 0)
	}
	dst = append(dst, byte(k)+1)
	switch k {
	case JSONString:
		return AppendKeyBytes(dst, jsonUnescaped(v))
	case JSONNumber:
		d, _ := ParseDec(v)
		return AppendKeyDec(dst, d)
	case JSONBool:
		if v == "true" {
			return append(dst, 1)
		}
		return append(dst, 0)
	case JSONArray, JSONObject:
		dst = binary.BigEndian.AppendUint32(dst, uint32(JSONLen(v)))
		for it := IterJSON(v); it.Next(); {
			if k == JSONObject {
				dst = AppendKeyBytes(dst, it.KeyText())
			}
			dst = appendKeyJSON(dst, it.Value, false)
		}
	}
	return dst
}

func errKey() error { return sqlerr.New(sqlerr.DataCorrupted, "key is corrupted") }
