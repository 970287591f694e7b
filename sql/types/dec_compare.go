package types

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
)

// CmpDec compares by value: -1, 0 or +1; NaN is the largest and equal to itself. Numerics of a usual size are compared
// without an allocation.
func CmpDec(a, b Dec) int {
	if c, ok := CmpNum(a.N, b.N); ok {
		return c
	}
	sa, sb := a.Sign(), b.Sign()
	if sa != sb || sa == 0 {
		return cmpOrdered(sa, sb)
	}
	var bufA, bufB [8]byte
	x, y, d := a.magnitude(&bufA), b.magnitude(&bufB), b.N.Scale-a.N.Scale
	if d < 0 {
		x, y, d, sa = y, x, -d, -sa
	}
	return sa * cmpScaled(x, y, d)
}

// magnitude returns the digits of the coefficient's magnitude, base 256, the first is not 0. An inline one uses buf.
func (d Dec) magnitude(buf *[8]byte) []byte {
	m := buf[:]
	if d.N.Form == NumInline {
		binary.BigEndian.PutUint64(m, abs64(d.N.Coef))
	} else {
		m = d.Big[1:]
	}
	for len(m) > 0 && m[0] == 0 {
		m = m[1:]
	}
	return m
}

// cmpScaled compares the magnitudes x × 10^d and y, which are not 0.
func cmpScaled(x, y []byte, d int32) int {
	if d == 0 {
		if c := cmpOrdered(len(x), len(y)); c != 0 {
			return c
		}
		return bytes.Compare(x, y)
	}
	// 2^(more-1) < 10^d < 2^more: mostly the lengths decide.
	more := int(float64(d)*math.Log2(10)) + 1
	switch bx, by := bitLen(x), bitLen(y); {
	case bx-1+more-1 >= by:
		return 1
	case bx+more <= by-1:
		return -1
	}
	var bufX, bufY [limbsUsual]uint64
	if need := (len(y) + 7) / 8; need > limbsUsual-2 {
		z := new(big.Int).SetBytes(x)
		return z.Mul(z, Pow10(d)).Cmp(new(big.Int).SetBytes(y))
	}
	p, q := limbsOf(x, &bufX), limbsOf(y, &bufY)
	for ; d > 0; d -= 19 {
		p = mulLimbs(p, uint64(pow10[min(d, 18)]))
		if d >= 19 {
			p = mulLimbs(p, 10)
		}
	}
	if c := cmpOrdered(len(p), len(q)); c != 0 {
		return c
	}
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != q[i] {
			return cmpOrdered(p[i], q[i])
		}
	}
	return 0
}

func bitLen(m []byte) int {
	if len(m) == 0 {
		return 0
	}
	return len(m)*8 - bits.LeadingZeros8(m[0])
}

// limbsUsual is the length, in words, of numbers that are computed with on the stack.
const limbsUsual = 32

// limbsOf returns a magnitude as words, the lowest first, in buf.
func limbsOf(m []byte, buf *[limbsUsual]uint64) []uint64 {
	n := 0
	for ; len(m) >= 8; m = m[:len(m)-8] {
		buf[n] = binary.BigEndian.Uint64(m[len(m)-8:])
		n++
	}
	for i, c := range m {
		buf[n] |= uint64(c) << (8 * (len(m) - 1 - i))
	}
	if len(m) > 0 {
		n++
	}
	return buf[:n]
}

// mulLimbs multiplies a number, which has room for one more word, by v.
func mulLimbs(p []uint64, v uint64) []uint64 {
	var carry uint64
	for i := range p {
		hi, lo := bits.Mul64(p[i], v)
		var c uint64
		p[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	if carry != 0 {
		p = append(p, carry)
	}
	return p
}
