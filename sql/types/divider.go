package types

import (
	"math"
	"math/big"
)

// Divider computes numerics from big integers in scratch space: once that has grown, a
// result of a usual size costs no allocation. A result is valid until the next call.
type Divider struct {
	x, y, q, r, t big.Int
	buf           []byte
}

// Dec returns z × 10^-scale.
func (d *Divider) Dec(z *big.Int, scale int32) (Dec, error) {
	if z.IsInt64() {
		return Dec{N: Num{Coef: z.Int64(), Scale: scale}}, nil
	}
	if scale > ScaleMax || intDigits(z, scale) > intDigitsMax {
		return Dec{}, errNumericOverflow()
	}
	n := 1 + (z.BitLen()+7)/8
	if cap(d.buf) < n {
		d.buf = make([]byte, n)
	}
	d.buf = d.buf[:n]
	z.FillBytes(d.buf[1:])
	if d.buf[0] = 0; z.Sign() < 0 {
		d.buf[0] = 1
	}
	return Dec{N: Num{Scale: scale, Form: NumBig}, Big: d.buf}, nil
}

// Quo is DivDec of a × 10^-scale and b, which is not 0.
func (d *Divider) Quo(a *big.Int, scale int32, b *big.Int) (Dec, error) {
	s := d.quo(a, scale, b)
	return d.Dec(&d.q, s)
}

// SqrtQuo is the square root of Quo, whose operands are not negative.
func (d *Divider) SqrtQuo(a *big.Int, scale int32, b *big.Int) (Dec, error) {
	from := d.quo(a, scale, b)
	w, _ := d.lead(&d.q, from)
	s := functionScale(int((w+1)*4/2-1), from)
	d.x.Mul(&d.q, Pow10(2*s-from))
	d.sqrt(&d.q, &d.x)
	// x lies above q²; it rounds up beyond q² + q.
	if d.x.Sub(&d.x, d.t.Mul(&d.q, &d.q)).Cmp(&d.q) > 0 {
		d.q.Add(&d.q, Pow10(0))
	}
	return d.Dec(&d.q, s)
}

// quo sets q to the rounded quotient and returns its scale.
func (d *Divider) quo(a *big.Int, scale int32, b *big.Int) int32 {
	w1, f1 := d.lead(a, scale)
	w2, f2 := d.lead(b, 0)
	s := divScale(w1, f1, w2, f2, scale, 0)
	if k := s - scale; k >= 0 {
		d.x.Mul(a, Pow10(k))
		d.y.Set(b)
	} else {
		d.x.Set(a)
		d.y.Mul(b, Pow10(-k))
	}
	d.q.QuoRem(&d.x, &d.y, &d.r)
	if d.r.Lsh(d.r.Abs(&d.r), 1).CmpAbs(&d.y) >= 0 {
		if a.Sign() == b.Sign() {
			d.q.Add(&d.q, Pow10(0))
		} else {
			d.q.Sub(&d.q, Pow10(0))
		}
	}
	return s
}

// lead is leadInline of z × 10^-scale.
func (d *Divider) lead(z *big.Int, scale int32) (weight, first int32) {
	if z.IsInt64() {
		return leadInline(Num{Coef: z.Int64(), Scale: scale})
	}
	// The digits of z are those of 2^(bits-1), or one more.
	digits := int32(float64(z.BitLen()-1)*math.Log10(2)) + 1
	if z.CmpAbs(Pow10(digits)) >= 0 {
		digits++
	}
	e := digits - 1 - scale
	weight = floorDiv(e, 4)
	k := e - weight*4 + 1
	d.t.QuoRem(z, Pow10(digits-k), &d.r) // more than 18 digits, of which k are up to 4
	return weight, int32(abs64(d.t.Int64()))
}

// sqrt sets z to the integer square root of n >= 0, by Newton's method from above.
func (d *Divider) sqrt(z, n *big.Int) {
	if n.IsInt64() {
		z.SetInt64(int64(math.Sqrt(float64(n.Int64()))))
		z.Add(z, Pow10(0))
	} else {
		shift := uint(n.BitLen()-62+1) &^ 1
		top := d.t.Rsh(n, shift).Int64()
		z.SetInt64(int64(math.Sqrt(float64(top))) + 2)
		z.Lsh(z, shift/2)
	}
	for {
		// The next is (z + n/z) / 2; once that does not fall, z is it.
		if z.Sign() == 0 {
			return
		}
		d.t.QuoRem(n, z, &d.r)
		d.t.Rsh(d.t.Add(&d.t, z), 1)
		if d.t.Cmp(z) >= 0 {
			return
		}
		z.Set(&d.t)
	}
}
