package types

import (
	"math"
	"math/big"

	"github.com/cockroachdb/apd/v3"

	"streamdb/sql/sqlerr"
)

// ln10 and log10e turn natural logarithms into decimal weights and back.
const (
	ln10   = 2.302585092994046
	log10e = 0.434294481903252
)

// functionScale is the display scale of a function whose result has the given
// decimal weight: at least 16 significant digits and the scale of each operand.
func functionScale(weight int, scales ...int32) int32 {
	s := int32(16 - weight)
	for _, x := range scales {
		s = max(s, x)
	}
	return min(max(s, 0), displayScaleMax)
}

// apdOf converts a finite numeric.
func apdOf(a Dec) *apd.Decimal {
	d := &apd.Decimal{Exponent: -a.N.Scale}
	d.Coeff.SetMathBigInt(a.coef())
	if d.Coeff.Sign() < 0 {
		d.Negative = true
		d.Coeff.Abs(&d.Coeff)
	}
	return d
}

// decOfApd rounds a finite result to a scale.
func decOfApd(d *apd.Decimal, scale int32) (Dec, error) {
	z := new(big.Int).Set(d.Coeff.MathBigInt())
	if d.Negative {
		z.Neg(z)
	}
	from := -d.Exponent
	if from < 0 {
		if from < -intDigitsMax {
			return Dec{}, errNumericOverflow()
		}
		z, from = z.Mul(z, Pow10(-from)), 0
	}
	return decFromBig(rescale(z, from, scale, true), scale)
}

// apdContext computes with enough digits for scale digits behind the point of a
// result with the given decimal weight.
func apdContext(scale int32, weight int) *apd.Context {
	p := max(int(scale)+weight, 0) + 20
	return &apd.Context{Precision: uint32(p), MaxExponent: apd.MaxExponent, MinExponent: apd.MinExponent, Rounding: apd.RoundHalfUp}
}

// SqrtDec returns the square root of a.
func SqrtDec(a Dec) (Dec, error) {
	switch {
	case a.N.Form == NumNaN || a.N.Form == NumPosInf:
		return a, nil
	case a.Sign() < 0:
		return Dec{}, sqlerr.New(sqlerr.InvalidArgumentForPower, "cannot take square root of a negative number")
	}
	w, _ := a.lead()
	sweight := (w+1)*4/2 - 1
	s := functionScale(int(sweight), a.N.Scale)
	n := rescaleExact(a.coef(), a.N.Scale, 2*s)
	r := new(big.Int).Sqrt(n)
	if rem := new(big.Int).Sub(n, new(big.Int).Mul(r, r)); rem.Cmp(r) > 0 {
		r.Add(r, big.NewInt(1))
	}
	return decFromBig(r, s)
}

// rescaleExact raises or truncates a coefficient's scale.
func rescaleExact(z *big.Int, from, to int32) *big.Int { return rescale(z, from, to, false) }

// ExpDec returns e to the power a.
func ExpDec(a Dec) (Dec, error) {
	switch a.N.Form {
	case NumNaN, NumPosInf:
		return a, nil
	case NumNegInf:
		return Dec{}, nil
	}
	f := a.float()
	val := min(max(f*log10e, -resultScaleMax), resultScaleMax)
	s := functionScale(int(val), a.N.Scale)
	return expScale(a, f, s)
}

// expScale returns e^a with a display scale; f approximates a.
func expScale(a Dec, f float64, s int32) (Dec, error) {
	if math.Abs(f) >= resultScaleMax*3 {
		if f > 0 {
			return Dec{}, errNumericOverflow()
		}
		return Dec{N: Num{Scale: s}}, nil
	}
	r := new(apd.Decimal)
	if _, err := apdContext(s, int(f*log10e)+1).Exp(r, apdOf(a)); err != nil {
		return Dec{}, errNumericOverflow()
	}
	return decOfApd(r, s)
}

// float approximates a finite numeric, with infinities for what is too large.
func (d Dec) float() float64 {
	f, err := DecToFloat8(d)
	if err == nil {
		return f
	}
	if w, _ := d.lead(); w < 0 {
		return 0
	}
	return math.Inf(d.Sign())
}

// lnWeight estimates the decimal weight of ln(a) for a > 0 (estimate_ln_dweight).
func lnWeight(a Dec) int {
	if a.Sign() <= 0 {
		return 0
	}
	if CmpDec(a, Dec{N: Num{Coef: 9, Scale: 1}}) >= 0 && CmpDec(a, Dec{N: Num{Coef: 11, Scale: 1}}) <= 0 {
		x, _ := SubDec(a, DecInt(1))
		if x.Sign() == 0 {
			return 0
		}
		w, first := AbsDec(x).lead()
		return int(w)*4 + int(math.Log10(float64(first)))
	}
	w, _ := a.lead()
	lead, digits := a.leadTwo()
	dweight := int(w) * 4
	if digits > 1 {
		dweight -= 4
	}
	ln := math.Log(float64(lead)) + float64(dweight)*ln10
	return int(math.Log10(math.Abs(ln)))
}

// leadTwo returns the first two base-10000 digits as one number, and how many
// there are (1 or 2); trailing zero digits do not count.
func (d Dec) leadTwo() (int64, int) {
	n := NormalizeDec(d)
	s := new(big.Int).Abs(n.coef()).Text(10)
	e := int32(len(s)) - 1 - n.N.Scale
	k := int(e-floorDiv(e, 4)*4) + 1
	digit := func(lo, hi int) int64 {
		v := int64(0)
		for i := lo; i < hi; i++ {
			v *= 10
			if i < len(s) {
				v += int64(s[i] - '0')
			}
		}
		return v
	}
	rest := false
	for i := k; i < len(s); i++ {
		rest = rest || s[i] != '0'
	}
	if !rest {
		return digit(0, k), 1
	}
	return digit(0, k)*10000 + digit(k, k+4), 2
}

func errLog(what string) error {
	return sqlerr.New(sqlerr.InvalidArgumentForLogarithm, "cannot take logarithm of %s", what)
}

// checkLog raises what a logarithm's argument may not be.
func checkLog(a Dec) error {
	switch {
	case a.N.Form == NumNaN:
		return nil
	case a.Sign() == 0:
		return errLog("zero")
	case a.Sign() < 0:
		return errLog("a negative number")
	}
	return nil
}

// LnDec returns the natural logarithm of a.
func LnDec(a Dec) (Dec, error) {
	if err := checkLog(a); err != nil || a.N.IsSpecial() {
		return a, err
	}
	s := functionScale(lnWeight(a), a.N.Scale)
	r, err := lnApd(a, s)
	if err != nil {
		return Dec{}, err
	}
	return decOfApd(r, s)
}

// lnApd computes ln(a) good to scale digits behind the point.
func lnApd(a Dec, scale int32) (*apd.Decimal, error) {
	r := new(apd.Decimal)
	if _, err := apdContext(scale, 6+a.digits()/8).Ln(r, apdOf(a)); err != nil {
		return nil, sqlerr.Internal("ln: %v", err)
	}
	return r, nil
}

// LogDec returns the logarithm of a to a base.
func LogDec(base, a Dec) (Dec, error) {
	if base.N.Form == NumNaN || a.N.Form == NumNaN {
		return DecNaN, nil
	}
	if a.N.Form == NumNegInf || base.N.Form == NumNegInf {
		return Dec{}, errLog("a negative number")
	}
	if err := checkLog(base); err != nil {
		return Dec{}, err
	}
	if err := checkLog(a); err != nil {
		return Dec{}, err
	}
	switch {
	case base.N.IsSpecial() && a.N.IsSpecial():
		return DecNaN, nil
	case base.N.IsSpecial():
		return Dec{}, nil
	case a.N.IsSpecial():
		return a, nil
	}
	s := functionScale(lnWeight(a)-lnWeight(base), base.N.Scale, a.N.Scale)
	lb, err := lnApd(base, s+20+int32(max(0, -lnWeight(base)))*2)
	if err != nil {
		return Dec{}, err
	}
	if lb.IsZero() {
		return Dec{}, errDivZero()
	}
	la, err := lnApd(a, s+20)
	if err != nil {
		return Dec{}, err
	}
	q := new(apd.Decimal)
	if _, err := apdContext(s, 12+max(0, lnWeight(a)-lnWeight(base))).Quo(q, la, lb); err != nil {
		return Dec{}, errNumericOverflow()
	}
	return decOfApd(q, s)
}

// Log10Dec returns the logarithm of a to base 10.
func Log10Dec(a Dec) (Dec, error) { return LogDec(DecInt(10), a) }
