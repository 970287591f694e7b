package types

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
)

// DecodeKey reads back the value at the start of a key, in its normal form
// (Normalize), and returns what follows it. desc and nullsFirst are those it was
// written with. Bytes that are no key are reported, XX001.
func DecodeKey(t Type, key []byte, desc, nullsFirst bool) (Datum, []byte, error) {
	if len(key) == 0 {
		return Datum{}, nil, errKey()
	}
	switch {
	case key[0] == 1:
	case key[0] == 0 && nullsFirst, key[0] == 2 && !nullsFirst:
		return NullDatum, key[1:], nil
	default:
		return Datum{}, nil, errKey()
	}
	r := keyReader{b: key[1:]}
	if desc {
		r.flip = 0xff
	}
	d, ok := r.value(t)
	if !ok {
		return Datum{}, nil, errKey()
	}
	return d, r.b, nil
}

// keyReader takes values off the front of a key; flip is 0xff in inverted parts.
type keyReader struct {
	b     []byte
	flip  byte
	depth int
}

// take returns the next n bytes, upright.
func (r *keyReader) take(n int, buf *[16]byte) ([]byte, bool) {
	if len(r.b) < n {
		return nil, false
	}
	for i := range n {
		buf[i] = r.b[i] ^ r.flip
	}
	r.b = r.b[n:]
	return buf[:n], true
}

func (r *keyReader) byte() (byte, bool) {
	if len(r.b) == 0 {
		return 0, false
	}
	c := r.b[0] ^ r.flip
	r.b = r.b[1:]
	return c, true
}

func (r *keyReader) u32() (uint32, bool) {
	var buf [16]byte
	b, ok := r.take(4, &buf)
	if !ok {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}

func (r *keyReader) value(t Type) (Datum, bool) {
	var buf [16]byte
	switch t.Class() {
	case ClassBool:
		c, ok := r.byte()
		return Datum{I: int64(c)}, ok && c <= 1
	case ClassInt:
		b, ok := r.take(8, &buf)
		if !ok {
			return Datum{}, false
		}
		return Datum{I: int64(binary.BigEndian.Uint64(b) ^ 1<<63)}, true
	case ClassFloat:
		b, ok := r.take(8, &buf)
		if !ok {
			return Datum{}, false
		}
		u := binary.BigEndian.Uint64(b)
		if u>>63 != 0 {
			u ^= 1 << 63
		} else {
			u = ^u
		}
		return Datum{F: math.Float64frombits(u)}, true
	case ClassNumeric:
		d, ok := r.dec()
		return d.Datum(), ok
	case ClassInterval:
		b, ok := r.take(16, &buf)
		if !ok {
			return Datum{}, false
		}
		return intervalOfSpan(int64(binary.BigEndian.Uint64(b)^1<<63), binary.BigEndian.Uint64(b[8:]))
	case ClassUUID:
		_, ok := r.take(16, &buf)
		return Datum{U: buf}, ok
	}
	s, ok := r.varlen(t)
	return Datum{S: string(s)}, ok
}

// intervalOfSpan returns the normal interval of a length; false beyond the range.
func intervalOfSpan(hi int64, lo uint64) (Datum, bool) {
	neg := hi < 0
	uh := uint64(hi)
	if neg {
		lo = -lo
		uh = ^uh
		if lo == 0 {
			uh++
		}
	}
	if uh >= MicrosPerDay {
		return Datum{}, false
	}
	days, us := bits.Div64(uh, lo, MicrosPerDay)
	if days > math.MaxInt32*32 {
		return Datum{}, false
	}
	v := Interval{Micros: int64(us)}
	months := min(days/30, math.MaxInt32)
	v.Months, v.Days = int32(months), int32(min(days-months*30, math.MaxInt32))
	if neg {
		v = Interval{-v.Micros, -v.Days, -v.Months}
	}
	return Datum{V: v}, true
}

func (r *keyReader) dec() (Dec, bool) {
	c, ok := r.byte()
	if !ok {
		return Dec{}, false
	}
	switch c {
	case keyNaN:
		return DecNaN, true
	case keyPosInf:
		return DecPosInf, true
	case keyNegInf:
		return DecNegInf, true
	case keyZero:
		return Dec{}, true
	case keyNeg:
		r.flip = ^r.flip
		defer func() { r.flip = ^r.flip }()
	case keyPos:
	default:
		return Dec{}, false
	}
	e, ok := r.u32()
	if !ok {
		return Dec{}, false
	}
	exp := int32(e ^ 1<<31)
	var digits []byte
	for {
		p, ok := r.byte()
		if !ok || p > 100 {
			return Dec{}, false
		}
		if p == 0 {
			break
		}
		digits = append(digits, '0'+(p-1)/10, '0'+(p-1)%10)
	}
	digits = bytes.TrimRight(digits, "0")
	z, ok := new(big.Int).SetString(string(digits), 10)
	if !ok || exp > intDigitsMax || exp < -ScaleMax || z.Sign() == 0 {
		return Dec{}, false
	}
	scale := int32(len(digits)) - exp
	if scale < 0 {
		z, scale = z.Mul(z, Pow10(-scale)), 0
	}
	if c == keyNeg {
		z.Neg(z)
	}
	d, err := decFromBig(z, scale)
	return d, err == nil
}

func (r *keyReader) varlen(t Type) ([]byte, bool) {
	switch t.Kind {
	case KindJSONB:
		return r.json(nil, true)
	case KindArray, KindInt2Vector, KindOIDVector:
		return r.array(t)
	}
	return r.bytes(nil)
}

// bytes appends an escaped byte string.
func (r *keyReader) bytes(dst []byte) ([]byte, bool) {
	for {
		c, ok := r.byte()
		if !ok {
			return nil, false
		}
		if c != 0 {
			dst = append(dst, c)
			continue
		}
		switch c, ok = r.byte(); {
		case ok && c == 1:
			return dst, true
		case ok && c == 0xff:
			dst = append(dst, 0)
		default:
			return nil, false
		}
	}
}

func (r *keyReader) array(t Type) ([]byte, bool) {
	b := NewArrayBuilder(t)
	for {
		c, ok := r.byte()
		if !ok || c > 2 {
			return nil, false
		}
		switch c {
		case 0:
			l, ok := r.u32()
			if !ok {
				return nil, false
			}
			b.SetLower(int32(l ^ 1<<31))
			return b.AppendTo(nil), true
		case 2:
			b.AddNull()
			continue
		}
		d, ok := r.value(t.ElemType())
		if !ok {
			return nil, false
		}
		b.Add(d)
	}
}

// json appends the canonical text of a jsonb key.
func (r *keyReader) json(dst []byte, top bool) ([]byte, bool) {
	c, ok := r.byte()
	if r.depth++; !ok || r.depth > jsonDepthMax {
		return nil, false
	}
	defer func() { r.depth-- }()
	if c == 0 {
		return append(dst, "[]"...), top
	}
	switch k := JSONKind(c - 1); k {
	case JSONNull:
		return append(dst, "null"...), true
	case JSONString:
		s, ok := r.bytes(nil)
		return AppendJSONString(dst, string(s)), ok
	case JSONNumber:
		d, ok := r.dec()
		return AppendDec(dst, d), ok && !d.N.IsSpecial()
	case JSONBool:
		b, ok := r.byte()
		if b == 1 {
			return append(dst, "true"...), ok
		}
		return append(dst, "false"...), ok && b == 0
	case JSONArray, JSONObject:
		return r.jsonParts(dst, k)
	}
	return nil, false
}

func (r *keyReader) jsonParts(dst []byte, k JSONKind) ([]byte, bool) {
	n, ok := r.u32()
	if !ok {
		return nil, false
	}
	open, end := byte('['), byte(']')
	if k == JSONObject {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	for i := range n {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if k == JSONObject {
			s, ok := r.bytes(nil)
			if !ok {
				return nil, false
			}
			dst = append(AppendJSONString(dst, string(s)), ": "...)
		}
		if dst, ok = r.json(dst, false); !ok {
			return nil, false
		}
	}
	return append(dst, end), true
}
