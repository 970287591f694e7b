package exec

import (
	"math"
	"math/big"
	"math/bits"
)

// limbDigits is the finite part of an exact sum as a sign and digits of 32 bits, low first:
//
//	±Σ digit[i] × 2^(32·i + exp)
type limbDigits struct {
	digit    [limbsMax + 4]uint32
	n        int // digits in use, the last is not 0
	exp      int
	negative bool
}

// set takes the finite part of s.
func (d *limbDigits) set(s *exactFloat) *limbDigits {
	d.exp, d.negative = int(s.lo)*32-1074, false
	n, carry := 0, int64(0)
	for _, l := range s.limbs {
		l += carry
		d.digit[n] = uint32(l)
		carry = l >> 32
		n++
	}
	d.digit[n] = uint32(carry) // below 2^31: limbs have 63 bits
	n++
	if carry < 0 {
		d.negative = true
		c := uint64(1)
		for i := range d.digit[:n] {
			c += uint64(^d.digit[i])
			d.digit[i] = uint32(c)
			c >>= 32
		}
	}
	for n > 0 && d.digit[n-1] == 0 {
		n--
	}
	d.n = n
	return d
}

func (d *limbDigits) bitLen() int {
	if d.n == 0 {
		return 0
	}
	return 32*(d.n-1) + bits.Len32(d.digit[d.n-1])
}

// at returns digit i, 0 beyond the last.
func (d *limbDigits) at(i int) uint64 {
	if i >= d.n {
		return 0
	}
	return uint64(d.digit[i])
}

// round returns the nearest number with prec bits, prec <= 53, that is a multiple of 2^least, ties to even. What is out of
// the range of doubles is infinite.
func (d *limbDigits) round(prec, least int) float64 {
	drop := max(d.bitLen()-prec, least-d.exp, 0)
	q, r := drop/32, uint(drop%32)
	m := (d.at(q)|d.at(q+1)<<32)>>r | d.at(q+2)<<(64-r) // at most prec bits
	if drop > 0 {
		half, below := (drop-1)/32, uint((drop-1)%32)
		up := d.at(half)>>below&1 != 0
		if up && m&1 == 0 {
			up = d.at(half)&(1<<below-1) != 0
			for i := 0; i < min(half, d.n) && !up; i++ {
				up = d.digit[i] != 0
			}
		}
		if up {
			m++
		}
	}
	v := math.Ldexp(float64(m), d.exp+drop)
	if d.negative {
		return -v
	}
	return v
}

// big sets z to the sum in units of 2^exp. z uses words, whose new room is returned.
func (d *limbDigits) big(z *big.Int, words []big.Word) []big.Word {
	words = words[:0]
	const per = bits.UintSize / 32
	for i := 0; i < d.n; i += per {
		w := big.Word(d.digit[i])
		if per == 2 {
			w |= big.Word(d.at(i+1) << 32)
		}
		words = append(words, w)
	}
	z.SetBits(words)
	if d.negative {
		z.Neg(z)
	}
	return words
}

// exactMath computes from exact sums with one rounding. It is scratch space, so that nothing is allocated per group.
type exactMath struct {
	digits                 limbDigits
	words                  [3][]big.Word
	product, p, q          big.Int
	count, t, quo, rem, up big.Int
}

// centred returns (n·product − p·q) / n, rounded once; p may be q.
func (x *exactMath) centred(n int64, product, p, q *exactFloat) float64 {
	x.words[0] = x.digits.set(product).big(&x.product, x.words[0])
	e := x.digits.exp
	x.words[1] = x.digits.set(p).big(&x.p, x.words[1])
	e2 := x.digits.exp
	if p == q {
		x.t.Mul(&x.p, &x.p)
		e2 *= 2
	} else {
		x.words[2] = x.digits.set(q).big(&x.q, x.words[2])
		e2 += x.digits.exp
		x.t.Mul(&x.p, &x.q)
	}
	x.up.Mul(&x.product, x.count.SetInt64(n))
	switch {
	case e < e2:
		x.rem.Lsh(&x.t, uint(e2-e))
		x.t.Sub(&x.up, &x.rem)
		e2 = e
	default:
		x.rem.Lsh(&x.up, uint(e-e2))
		x.t.Sub(&x.rem, &x.t)
	}
	return x.quotient(e2)
}

// quotient returns t·2^exp / count as the nearest float64, ties to even.
func (x *exactMath) quotient(exp int) float64 {
	if x.t.Sign() == 0 {
		return 0
	}
	negative := x.t.Sign() < 0
	x.t.Abs(&x.t)
	up := max(66-x.t.BitLen()+x.count.BitLen(), 0)
	x.up.Lsh(&x.t, uint(up))
	x.quo.QuoRem(&x.up, &x.count, &x.rem)
	exp -= up
	// The quotient has 65 bits at least: what is dropped is a bit at least.
	drop := max(x.quo.BitLen()-53, -1074-exp)
	m := x.up.Rsh(&x.quo, uint(drop)).Uint64()
	if x.quo.Bit(drop-1) != 0 && (m&1 != 0 || x.rem.Sign() != 0 || x.quo.TrailingZeroBits() < uint(drop-1)) {
		m++
	}
	v := math.Ldexp(float64(m), exp+drop)
	if negative {
		return -v
	}
	return v
}
