package chunk

import (
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

var bigTen = big.NewInt(10)

// bigCoef reads a big coefficient: a sign byte and the big-endian magnitude.
func bigCoef(b []byte) *big.Int {
	if len(b) == 0 {
		return new(big.Int)
	}
	z := new(big.Int).SetBytes(b[1:])
	if b[0] != 0 {
		z.Neg(z)
	}
	return z
}

// normalBig trims the trailing zeros behind the point of a big coefficient. The
// result is inline where it fits; otherwise b holds its sign and magnitude.
func normalBig(coef []byte, scale int32) (n types.Num, b []byte) {
	z := bigCoef(coef)
	q, r := new(big.Int), new(big.Int)
	for scale > 0 {
		q.QuoRem(z, bigTen, r)
		if r.Sign() != 0 {
			break
		}
		z, q = q, z
		scale--
	}
	if z.IsInt64() {
		return types.Num{Coef: z.Int64(), Scale: scale}, nil
	}
	b = make([]byte, 1, 1+len(coef))
	if z.Sign() < 0 {
		b[0] = 1
	}
	return types.Num{Scale: scale, Form: types.NumBig}, append(b, z.Bytes()...)
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
	x, y := numInt(ac, a), numInt(bc, b)
	if d := int64(b.Scale) - int64(a.Scale); d > 0 {
		x.Mul(x, new(big.Int).Exp(bigTen, big.NewInt(d), nil))
	} else if d < 0 {
		y.Mul(y, new(big.Int).Exp(bigTen, big.NewInt(-d), nil))
	}
	return x.Cmp(y)
}

func numInt(c *Column, n types.Num) *big.Int {
	if n.Form == types.NumInline {
		return big.NewInt(n.Coef)
	}
	return bigCoef(c.NumBytes(n))
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

// numPrefix returns 64 bits that do not fall as the value rises: the integral part,
// clamped to 40 bits, above 24 bits of fraction. Equal values have equal prefixes
// whatever their scale.
func numPrefix(c *Column, n types.Num) uint64 {
	const mid, fracBits = 1 << 39, 24
	switch n.Form {
	case types.NumNegInf:
		return 0
	case types.NumPosInf, types.NumNaN:
		return 1<<64 - 1
	case types.NumBig:
		return bigPrefix(bigCoef(c.NumBytes(n)), n.Scale)
	}
	if n.Scale >= int32(len(pow10)) {
		return bigPrefix(big.NewInt(n.Coef), n.Scale)
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

// bigPrefix is numPrefix for coefficients or scales beyond a word.
func bigPrefix(z *big.Int, scale int32) uint64 {
	const mid, fracBits = 1 << 39, 24
	z = new(big.Int).Lsh(z, fracBits)
	if scale > 0 {
		// Euclidean division by a positive number is the floor.
		z.Div(z, new(big.Int).Exp(bigTen, big.NewInt(int64(scale)), nil))
	}
	z.Add(z, new(big.Int).Lsh(big.NewInt(mid), fracBits))
	lim := new(big.Int).Lsh(big.NewInt(2*mid-1), fracBits)
	switch {
	case z.Cmp(new(big.Int).Lsh(big.NewInt(1), fracBits)) <= 0:
		return 0
	case z.Cmp(lim) >= 0:
		return 1<<64 - 1
	}
	return z.Uint64()
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
