package types

import (
	"math"
	"math/big"

	"github.com/cockroachdb/apd/v3"

	"streamdb/sql/sqlerr"
)

func errPower(msg string) error { return sqlerr.New(sqlerr.InvalidArgumentForPower, "%s", msg) }

// PowerDec returns a to the power b.
func PowerDec(a, b Dec) (Dec, error) {
	if a.N.IsSpecial() || b.N.IsSpecial() {
		return powerSpecial(a, b)
	}
	if a.Sign() == 0 && b.Sign() < 0 {
		return Dec{}, errPower("zero raised to a negative power is undefined")
	}
	e := NormalizeDec(b)
	if e.N.Form == NumInline && e.N.Scale == 0 && e.N.Coef == int64(int32(e.N.Coef)) {
		return powerInt(a, e.N.Coef, min(max(16, a.N.Scale), displayScaleMax))
	}
	if a.Sign() == 0 {
		return Dec{N: Num{Scale: 16}}, nil
	}
	neg := false
	if a.Sign() < 0 {
		if e.N.Scale > 0 {
			return Dec{}, errPower("a negative number raised to a non-integer power yields a complex result")
		}
		neg = e.coef().Bit(0) == 1
		a = AbsDec(a)
	}
	r, err := powerReal(a, b)
	if neg && err == nil {
		r = NegDec(r)
	}
	return r, err
}

// powerReal computes exp(b × ln a) for a > 0.
func powerReal(a, b Dec) (Dec, error) {
	l, err := lnApd(a, int32(max(8-lnWeight(a), 0))+10)
	if err != nil {
		return Dec{}, err
	}
	lf, _ := l.Float64()
	val := lf * b.float()
	if math.Abs(val) > resultScaleMax*3.01 || math.IsNaN(val) {
		if val > 0 {
			return Dec{}, errNumericOverflow()
		}
		return Dec{N: Num{Scale: displayScaleMax}}, nil
	}
	w := val * log10e
	s := functionScale(int(w), a.N.Scale, b.N.Scale)
	need := max(int(s)+int(w), 0) + b.digits() + 20
	if l, err = lnApd(a, int32(need)); err != nil {
		return Dec{}, err
	}
	c := &apd.Context{Precision: uint32(need + 20), MaxExponent: apd.MaxExponent, MinExponent: apd.MinExponent, Rounding: apd.RoundHalfUp}
	p, r := new(apd.Decimal), new(apd.Decimal)
	if _, err := c.Mul(p, l, apdOf(b)); err != nil {
		return Dec{}, errNumericOverflow()
	}
	if _, err := c.Exp(r, p); err != nil {
		return Dec{}, errNumericOverflow()
	}
	return decOfApd(r, s)
}

// powerInt computes a^n to a scale (power_var_int).
func powerInt(a Dec, n int64, s int32) (Dec, error) {
	switch n {
	case 0:
		return Dec{N: Num{Coef: 1}}.toScale(s)
	case 1:
		return a.toScale(s)
	case -1:
		return divTo(DecInt(1), a, s, true)
	case 2:
		r := a.coef()
		return decFromBig(rescale(r.Mul(r, r), 2*a.N.Scale, s, true), s)
	}
	if a.Sign() == 0 {
		return Dec{N: Num{Scale: s}}, nil
	}
	f := float64(n) * a.log10()
	if f > 3*math.MaxInt16*4 {
		return Dec{}, errNumericOverflow()
	}
	if f+1 < float64(-s) || f+1 < -displayScaleMax {
		return Dec{N: Num{Scale: s}}, nil
	}
	return powerBySquaring(a, n, s, f)
}

// toScale rounds a finite numeric to a scale.
func (d Dec) toScale(s int32) (Dec, error) {
	return decFromBig(rescale(d.coef(), d.N.Scale, s, true), s)
}

// log10 approximates the decimal logarithm of |d|, d ≠ 0.
func (d Dec) log10() float64 {
	s := new(big.Int).Abs(d.coef()).Text(10)
	n := min(len(s), 17)
	return math.Log10(float64(mustUint(s[:n]))) + float64(len(s)-n) - float64(d.N.Scale)
}

func mustUint(s string) uint64 {
	v := uint64(0)
	for i := range len(s) {
		v = v*10 + uint64(s[i]-'0')
	}
	return v
}

// powerBySquaring multiplies with enough digits for scale s; weight approximates
// the decimal weight of the result.
func powerBySquaring(a Dec, n int64, s int32, weight float64) (Dec, error) {
	sig := max(int(float64(s)+weight), 1) + 8 + int(math.Log(math.Abs(float64(n)))) + 8
	c := &apd.Context{Precision: uint32(sig), MaxExponent: apd.MaxExponent, MinExponent: apd.MinExponent, Rounding: apd.RoundHalfUp}
	base, r := apdOf(a), apd.New(1, 0)
	for m := abs64(n); m > 0; m >>= 1 {
		if m&1 == 1 {
			if _, err := c.Mul(r, r, base); err != nil {
				return Dec{}, errNumericOverflow()
			}
		}
		if m > 1 {
			if _, err := c.Mul(base, base, base); err != nil {
				return Dec{}, errNumericOverflow()
			}
		}
	}
	if n < 0 {
		q := new(apd.Decimal)
		if _, err := c.Quo(q, apd.New(1, 0), r); err != nil {
			return Dec{}, errNumericOverflow()
		}
		r = q
	}
	return decOfApd(r, s)
}

// powerSpecial follows POSIX pow for NaN and infinities, as PostgreSQL does.
func powerSpecial(a, b Dec) (Dec, error) {
	one := DecInt(1)
	switch {
	case a.N.Form == NumNaN:
		if !b.N.IsSpecial() && b.Sign() == 0 {
			return one, nil
		}
		return DecNaN, nil
	case b.N.Form == NumNaN:
		if CmpDec(a, one) == 0 {
			return one, nil
		}
		return DecNaN, nil
	case !b.N.IsSpecial() && b.Sign() == 0, CmpDec(a, one) == 0:
		return one, nil
	case a.Sign() == 0 && b.Sign() < 0:
		return Dec{}, errPower("zero raised to a negative power is undefined")
	case a.Sign() == 0:
		return Dec{}, nil
	case b.N.IsSpecial():
		return powerInfinite(a, b)
	case a.N.Form == NumPosInf:
		if b.Sign() > 0 {
			return DecPosInf, nil
		}
		return Dec{}, nil
	}
	e := NormalizeDec(b) // a is -infinity
	if e.N.Scale > 0 {
		return Dec{}, errPower("a negative number raised to a non-integer power yields a complex result")
	}
	switch {
	case b.Sign() < 0:
		return Dec{}, nil
	case e.coef().Bit(0) == 1:
		return DecNegInf, nil
	}
	return DecPosInf, nil
}

// powerInfinite raises a, not 0, 1 or NaN, to an infinite power.
func powerInfinite(a, b Dec) (Dec, error) {
	if a.N.Form == NumInline || a.N.Form == NumBig {
		if a.Sign() < 0 {
			if CmpDec(a, DecInt(-1)) == 0 {
				return DecInt(1), nil
			}
		}
	}
	large := a.N.IsSpecial() || CmpDec(AbsDec(a), DecInt(1)) > 0
	if large == (b.N.Form == NumPosInf) {
		return DecPosInf, nil
	}
	return Dec{}, nil
}
