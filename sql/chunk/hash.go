package chunk

import (
	"encoding/binary"
	"math"
	"math/bits"

	"streamdb/sql/types"
)

// The constants of the mixer: odd, with about half of their bits set, taken from the
// digits of pi.
const (
	hashSeed  = 0x243f6a8885a308d3
	hashMul   = 0x9e3779b97f4a7c15
	hashWord  = 0xa4093822299f31d1
	hashTail  = 0x082efa98ec4e6c89
	hashNull  = 0x452821e638d01377
	hashError = 0xbe5466cf34e90c6d
)

// mix folds the 128-bit product of a and b; one multiplication gives every output
// bit a share of every input bit.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// HashRows writes to out[:n] a hash of each row's values in cols, such that rows
// which are equal in SQL have equal hashes: 1.0 and 1.00, 0.0 and -0.0, all NaNs,
// intervals of equal length, char(n) values that differ in padding. All NULLs of a
// column hash alike. Integer kinds of different width hash alike as well; values of
// different classes do not.
//
// The hash is part of no disk format and may change between versions, but it is the
// same on every machine and in every run.
func HashRows(cols []*Column, n int, out []uint64) {
	out = out[:n]
	for i := range out {
		out[i] = hashSeed
	}
	for _, c := range cols {
		hashColumn(c, out)
	}
}

// HashInts is HashRows over one integer column without NULLs.
func HashInts(v []int64, out []uint64) {
	out = out[:len(v)]
	for i, x := range v {
		out[i] = hashWith(hashSeed, uint64(x))
	}
}

// hashWith adds one 64-bit value to a running hash.
func hashWith(h, v uint64) uint64 {
	h = (h ^ v) * hashMul
	return mix(h^hashWord, bits.RotateLeft64(h, 32)|1)
}

// hashColumn adds column c to the running hashes h.
func hashColumn(c *Column, h []uint64) {
	if c.Nulls == nil && c.Errs == nil {
		hashValues(c, h)
		return
	}
	before := append([]uint64(nil), h...)
	hashValues(c, h)
	for w, word := range c.Nulls {
		for word != 0 {
			i := w<<6 + bits.TrailingZeros64(word)
			if i >= len(h) {
				break
			}
			h[i] = hashWith(before[i], hashNull)
			word &= word - 1
		}
	}
	for _, e := range c.Errs {
		if e.Row < len(h) {
			h[e.Row] = hashBytes(hashWith(before[e.Row], hashError), []byte(e.Err.Error()))
		}
	}
}

// hashValues adds the value slots of c, whatever NULL and error rows hold.
func hashValues(c *Column, h []uint64) {
	switch c.Type.Class() {
	case types.ClassBool:
		for i, v := range c.Bools[:len(h)] {
			h[i] = hashWith(h[i], b2u(v))
		}
	case types.ClassInt:
		v := c.Ints[:len(h)]
		for i := range h {
			h[i] = hashWith(h[i], uint64(v[i]))
		}
	case types.ClassFloat:
		for i, v := range c.Floats[:len(h)] {
			h[i] = hashWith(h[i], floatKey(v))
		}
	case types.ClassNumeric:
		hashNums(c, h)
	case types.ClassInterval:
		for i, v := range c.Ivls[:len(h)] {
			_, lo := intervalSpan(v)
			h[i] = hashWith(h[i], lo)
		}
	case types.ClassUUID:
		for i := range c.UUIDs[:len(h)] {
			u := &c.UUIDs[i]
			x := hashWith(h[i], binary.LittleEndian.Uint64(u[:8]))
			h[i] = hashWith(x, binary.LittleEndian.Uint64(u[8:]))
		}
	default:
		hashViews(c, h)
	}
}

func hashNums(c *Column, h []uint64) {
	var room [256]byte
	for i, v := range c.Nums[:len(h)] {
		switch {
		case v.Form == types.NumInline:
			for v.Scale > 0 && v.Coef%10 == 0 {
				v.Coef /= 10
				v.Scale--
				if v.Coef == 0 {
					v.Scale = 0
				}
			}
			h[i] = hashWith(h[i]+uint64(v.Scale)*hashTail, uint64(v.Coef))
		case v.Form == types.NumBig:
			if c.Nulls.Get(i) {
				continue
			}
			n, b := normalBig(c.NumBytes(v), v.Scale, room[:0])
			if n.Form == types.NumInline {
				h[i] = hashWith(h[i]+uint64(n.Scale)*hashTail, uint64(n.Coef))
			} else {
				h[i] = hashBytes(h[i]+uint64(n.Scale)*hashTail, b)
			}
		default:
			h[i] = hashWith(h[i]+uint64(v.Form)<<32, hashNull)
		}
	}
}

func hashViews(c *Column, h []uint64) {
	if isArray(c.Type) {
		hashArrays(c, h)
		return
	}
	if c.Type.Kind == types.KindJSONB {
		hashJSONB(c, h)
		return
	}
	views := c.Views[:len(h)]
	if c.Type.Kind == types.KindBPChar {
		for i, v := range views {
			h[i] = hashBytes(h[i], trimPad(c.Bytes[v.Off:v.Off+v.Len]))
		}
		return
	}
	for i, v := range views {
		h[i] = hashBytes(h[i], c.Bytes[v.Off:v.Off+v.Len])
	}
}

// hashBytes adds a byte string to a running hash. The length is part of it, so that
// neighbouring strings cannot trade bytes.
func hashBytes(h uint64, b []byte) uint64 {
	n := len(b)
	h ^= uint64(n) * hashMul
	for len(b) > 16 {
		h = mix(h^binary.LittleEndian.Uint64(b), hashWord^binary.LittleEndian.Uint64(b[8:]))
		b = b[16:]
	}
	var lo, hi uint64
	switch {
	case len(b) >= 8:
		lo = binary.LittleEndian.Uint64(b)
		hi = binary.LittleEndian.Uint64(b[len(b)-8:])
	case len(b) >= 4:
		lo = uint64(binary.LittleEndian.Uint32(b))
		hi = uint64(binary.LittleEndian.Uint32(b[len(b)-4:]))
	case len(b) > 0:
		lo = uint64(b[0])<<16 | uint64(b[len(b)>>1])<<8 | uint64(b[len(b)-1])
	}
	return mix(mix(h^lo^hashTail, hi^hashMul), hashWord^h)
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// floatKey returns bits that rise with f in SQL order: -0.0 equals 0.0, and NaN, of
// which there is one, is above all.
func floatKey(f float64) uint64 {
	if f != f {
		return math.MaxUint64
	}
	u := math.Float64bits(f + 0) // -0.0 + 0 is 0.0
	if u>>63 != 0 {
		return ^u
	}
	return u | 1<<63
}

// trimPad cuts the padding of a char(n) value, which comparison ignores.
func trimPad(b []byte) []byte {
	n := len(b)
	for n > 0 && b[n-1] == ' ' {
		n--
	}
	return b[:n]
}
