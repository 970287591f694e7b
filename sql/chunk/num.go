package chunk

import (
	"math"
	"math/big"
	"math/bits"

	"streamdb/sql/types"
)

// pow10 holds the powers of ten that fit in a word.
var pow10 = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

// normalBig trims the trailing zeros behind the point of a big coefficient. The result is inline where it fits; otherwise b
// holds its sign and magnitude, which may be coef itself or lie in buf, of which the room is used.
func normalBig(coef []byte, scale int32, buf []byte) (n types.Num, b []byte) {
	if len(coef) == 0 {
		return types.Num{}, nil
	}
	b = coef
	for _, by := range [...]struct {
		digits int32
		power  uint64
	}{{9, 1e9}, {1, 10}} {
		for scale >= by.digits && tenfold(b) && (by.digits == 1 || remainder(b, by.power) == 0) {
			b = append(buf[:0], b...)
			buf = b
			rem := uint64(0)
			for i, c := range b[1:] {
				rem = rem<<8 | uint64(c)
				b[i+1] = byte(rem / by.power)
				rem %= by.power
			}
			scale -= by.digits
		}
	}
	at := 1
	for at < len(b) && b[at] == 0 {
		at++
	}
	if v, ok := smallMagnitude(b[at:], b[0] != 0); ok {
		return types.Num{Coef: v, Scale: scale}, nil
	}
	if at > 1 || b[0] > 1 {
		buf = append(append(buf[:0], min(b[0], 1)), b[at:]...)
		b = buf
	}
	return types.Num{Scale: scale, Form: types.NumBig}, b
}

// tenfold reports whether a coefficient is a multiple of ten: 256 is 6 more than one, and so is 6 times 6.
func tenfold(coef []byte) bool {
	last := len(coef) - 1
	if last == 0 {
		return true
	}
	if coef[last]&1 != 0 {
		return false
	}
	sum := uint64(0)
	for _, c := range coef[1:last] {
		sum += uint64(c)
	}
	return (6*sum+uint64(coef[last]))%10 == 0
}

// remainder returns a coefficient's magnitude modulo m, which is below 2^56.
func remainder(coef []byte, m uint64) (rem uint64) {
	for _, c := range coef[1:] {
		rem = (rem<<8 | uint64(c)) % m
	}
	return rem
}

// smallMagnitude returns a number of 64 bits; the first byte of its magnitude is not 0.
func smallMagnitude(m []byte, negative bool) (v int64, ok bool) {
	if len(m) > 8 {
		return 0, false
	}
	u := uint64(0)
	for _, c := range m {
		u = u<<8 | uint64(c)
	}
	switch {
	case negative && u <= 1<<63:
		return -int64(u), true
	case u < 1<<63 && !negative:
		return int64(u), true
	}
	return 0, false
}

// numRank orders the forms: -Infinity, finite, Infinity, NaN.
func numRank(f types.NumForm) int {
	switch f {
	case types.NumNegInf:
		return 0
	case types.NumPosInf:
		return 2
	case types.NumNaN:
		return 3
	}
	return 1
}

// compareNums compares a of column ac with b of column bc by value.
func compareNums(ac *Column, a types.Num, bc *Column, b types.Num) int {
	if a.Form == types.NumInline && b.Form == types.NumInline {
		if a.Scale == b.Scale {
			return cmpInt(a.Coef, b.Coef)
		}
		if c, ok := compareScaled(a, b); ok {
			return c
		}
	}
	if ra, rb := numRank(a.Form), numRank(b.Form); ra != rb || ra != 1 {
		return cmpInt(int64(ra), int64(rb))
	}
	return types.CmpDec(types.DecOf(a, ac.Bytes), types.DecOf(b, bc.Bytes))
}

// compareScaled compares two inline values of different scale in 128 bits; ok is
// false when the scales are too far apart for that.
func compareScaled(a, b types.Num) (c int, ok bool) {
	sa, sb := sign(a.Coef), sign(b.Coef)
	if sa != sb || sa == 0 {
		return cmpInt(int64(sa), int64(sb)), true
	}
	swap := a.Scale > b.Scale
	if swap {
		a, b = b, a
	}
	d := b.Scale - a.Scale
	if d >= int32(len(pow10)) {
		return 0, false
	}
	hi, lo := bits.Mul64(magnitude(a.Coef), pow10[d])
	switch m := magnitude(b.Coef); {
	case hi != 0 || lo > m:
		c = sa
	case lo < m:
		c = -sa
	}
	if swap {
		c = -c
	}
	return c, true
}

// prefixMath is scratch space for the prefixes of numerics.
type prefixMath struct{ z, quo, rem big.Int }

// prefix returns 64 bits that do not fall as the value rises: the integral part,
// clamped to 40 bits, above 24 bits of fraction. Equal values have equal prefixes
// whatever their scale.
func (x *prefixMath) prefix(c *Column, n types.Num) uint64 {
	const mid, fracBits = prefixMid, prefixFraction
	switch n.Form {
	case types.NumNegInf:
		return 0
	case types.NumPosInf, types.NumNaN:
		return 1<<64 - 1
	case types.NumBig:
		return x.wide(c.NumBytes(n), n.Scale)
	}
	if n.Scale >= int32(len(pow10)) {
		x.z.SetInt64(n.Coef)
		return x.big(n.Scale)
	}
	p, m := pow10[n.Scale], magnitude(n.Coef)
	q, r := m/p, m%p
	if q >= mid-1 {
		if n.Coef < 0 {
			return 0
		}
		return 1<<64 - 1
	}
	frac := uint64(0)
	exact := true
	if r != 0 {
		hi, lo := bits.Mul64(r, 1<<fracBits)
		var rem uint64
		frac, rem = bits.Div64(hi, lo, p)
		exact = rem == 0
	}
	v := q<<fracBits | frac
	if n.Coef >= 0 {
		return mid<<fracBits + v
	}
	if !exact {
		v++ // floor, not truncation, below zero
	}
	if u := mid<<fracBits - v; u > 1<<fracBits {
		return u
	}
	return 0
}

// The integral part of a prefix is half a range from prefixMid, its fraction has prefixFraction bits.
const (
	prefixMid      = 1 << 39
	prefixFraction = 24
)

// The middle and the ends of the range of prefixes.
var (
	prefixZero  = new(big.Int).Lsh(big.NewInt(prefixMid), prefixFraction)
	prefixLeast = new(big.Int).Lsh(big.NewInt(1), prefixFraction)
	prefixMost  = new(big.Int).Lsh(big.NewInt(2*prefixMid-1), prefixFraction)
)

// wide is prefix for big coefficients.
func (x *prefixMath) wide(coef []byte, scale int32) uint64 {
	x.z.SetBytes(coef[min(1, len(coef)):])
	negative := len(coef) > 0 && coef[0] != 0
	// 10^scale is below 2^(1 + scale·log2(10)).
	if x.z.BitLen()-2-int(float64(scale)*math.Log2(10)) >= 39 {
		if negative {
			return 0
		}
		return 1<<64 - 1
	}
	if negative {
		x.z.Neg(&x.z)
	}
	return x.big(scale)
}

// big is the prefix of z × 10^-scale.
func (x *prefixMath) big(scale int32) uint64 {
	x.z.Lsh(&x.z, prefixFraction)
	if scale > 0 {
		// Euclidean division by a positive number is the floor.
		x.quo.DivMod(&x.z, types.Pow10(scale), &x.rem)
	} else {
		x.quo.Set(&x.z)
	}
	x.quo.Add(&x.quo, prefixZero)
	switch {
	case x.quo.Cmp(prefixLeast) <= 0:
		return 0
	case x.quo.Cmp(prefixMost) >= 0:
		return 1<<64 - 1
	}
	return x.quo.Uint64()
}

func sign(v int64) int {
	switch {
	case v < 0:
		return -1
	case v > 0:
		return 1
	}
	return 0
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

func cmpInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// intervalSpan returns the length by which intervals compare, in microseconds with
// months of 30 days and days of 24 hours, as a signed 128-bit number.
func intervalSpan(v types.Interval) (hi int64, lo uint64) {
	const dayMicros = 86400 * 1e6
	days := int64(v.Months)*30 + int64(v.Days)
	h, l := bits.Mul64(magnitude(days), dayMicros)
	if days < 0 {
		var borrow uint64
		l, borrow = bits.Sub64(0, l, 0)
		h, _ = bits.Sub64(0, h, borrow)
	}
	l, carry := bits.Add64(l, uint64(v.Micros), 0)
	return int64(h) + v.Micros>>63 + int64(carry), l
}
