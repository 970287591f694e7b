package chunk

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"streamdb/sql/types"
)

// Hash128 is a 128-bit number: a row's identity hash, or a sum of such hashes.
type Hash128 struct{ Hi, Lo uint64 }

// Add returns h + o × weight modulo 2^128.
func (h Hash128) Add(o Hash128, weight int64) Hash128 {
	m := magnitude(weight)
	hi, lo := bits.Mul64(o.Lo, m)
	hi += o.Hi * m
	if weight < 0 {
		var borrow uint64
		lo, borrow = bits.Sub64(h.Lo, lo, 0)
		hi, _ = bits.Sub64(h.Hi, hi, borrow)
		return Hash128{hi, lo}
	}
	lo, carry := bits.Add64(h.Lo, lo, 0)
	hi, _ = bits.Add64(h.Hi, hi, carry)
	return Hash128{hi, lo}
}

// IdentityRows writes to out[:n] a 128-bit hash of each row's identity in cols: the
// bytes of the values, so that 1.0 and 1.00, 0.0 and -0.0, '1 day' and '24 hours'
// differ. Fingerprints are sums of it; it is written to disk with them and must not
// change.
func IdentityRows(cols []*Column, n int, out []Hash128) {
	out = out[:n]
	for i := range out {
		out[i] = Hash128{hashWord, hashSeed}
	}
	for _, c := range cols {
		identityColumn(c, out)
	}
	for i := range out {
		h := out[i]
		out[i] = Hash128{mix(h.Hi^h.Lo, hashMul), mix(h.Lo+bits.RotateLeft64(h.Hi, 23), hashWord)}
	}
}

// Fingerprint returns the sum of row hash × weight over the rows of c.
func Fingerprint(c *Chunk) Hash128 {
	var few [16]Hash128
	h := few[:]
	if c.Rows > len(few) {
		h = make([]Hash128, c.Rows)
	}
	h = h[:c.Rows]
	IdentityRows(c.Cols, c.Rows, h)
	var sum Hash128
	for i := range h {
		sum = sum.Add(h[i], c.Weight(i))
	}
	return sum
}

// absorb adds one word to both lanes, which use different multipliers.
func (h Hash128) absorb(v uint64) Hash128 {
	return Hash128{mix(h.Hi^v, hashMul) + h.Lo, mix(h.Lo^bits.RotateLeft64(v, 29), hashTail|1) ^ h.Hi}
}

func identityColumn(c *Column, h []Hash128) {
	if c.Nulls == nil && c.Errs == nil {
		identityValues(c, h, 0, len(h))
		return
	}
	for i := range h {
		switch {
		case c.Nulls.Get(i):
			h[i] = h[i].absorb(hashNull)
		case c.Errs != nil && c.ErrAt(i) != nil:
			h[i] = identityBytes(h[i].absorb(hashError), []byte(c.ErrAt(i).Error()))
		default:
			identityValues(c, h, i, i+1)
		}
	}
}

// identityValues absorbs the values of rows [lo, hi).
func identityValues(c *Column, h []Hash128, lo, hi int) {
	switch c.Type.Class() {
	case types.ClassBool:
		for i := lo; i < hi; i++ {
			h[i] = h[i].absorb(b2u(c.Bools[i]))
		}
	case types.ClassInt:
		v := c.Ints
		for i := lo; i < hi; i++ {
			h[i] = h[i].absorb(uint64(v[i]))
		}
	case types.ClassFloat:
		for i := lo; i < hi; i++ {
			h[i] = h[i].absorb(floatBits(c.Floats[i]))
		}
	case types.ClassNumeric:
		for i := lo; i < hi; i++ {
			v := c.Nums[i]
			h[i] = h[i].absorb(uint64(v.Scale)<<8 | uint64(v.Form))
			if v.Form == types.NumBig {
				h[i] = identityBytes(h[i], c.NumBytes(v))
			} else if v.Form == types.NumInline {
				h[i] = h[i].absorb(uint64(v.Coef))
			}
		}
	case types.ClassInterval:
		for i := lo; i < hi; i++ {
			v := c.Ivls[i]
			h[i] = h[i].absorb(uint64(v.Micros)).absorb(uint64(uint32(v.Days))<<32 | uint64(uint32(v.Months)))
		}
	case types.ClassUUID:
		for i := lo; i < hi; i++ {
			u := &c.UUIDs[i]
			h[i] = h[i].absorb(binary.LittleEndian.Uint64(u[:8])).absorb(binary.LittleEndian.Uint64(u[8:]))
		}
	default:
		for i := lo; i < hi; i++ {
			v := c.Views[i]
			h[i] = identityBytes(h[i], c.Bytes[v.Off:v.Off+v.Len])
		}
	}
}

// floatBits is the identity of a float: its bits, with one NaN.
func floatBits(f float64) uint64 {
	if f != f {
		return 0x7ff8000000000001
	}
	return math.Float64bits(f)
}

func identityBytes(h Hash128, b []byte) Hash128 {
	n := uint64(len(b))
	for len(b) >= 8 {
		h = h.absorb(binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	var tail uint64
	for i := len(b) - 1; i >= 0; i-- {
		tail = tail<<8 | uint64(b[i])
	}
	return h.absorb(tail).absorb(n ^ hashTail)
}

// String returns the hash as 32 hexadecimal digits.
func (h Hash128) String() string { return fmt.Sprintf("%016x%016x", h.Hi, h.Lo) }
