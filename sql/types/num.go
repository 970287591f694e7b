package types

import (
	"math"
	"math/bits"
)

// pow10 holds the powers of ten that fit int64.
var pow10 = [19]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// MakeNum returns the inline numeric coef × 10^-scale.
func MakeNum(coef int64, scale int32) Num { return Num{Coef: coef, Scale: scale} }

// IsSpecial reports whether n is NaN or an infinity.
func (n Num) IsSpecial() bool { return n.Form >= NumNaN }

// add64 returns a+b and whether it did not overflow.
func add64(a, b int64) (int64, bool) {
	s := a + b
	return s, (a^s)&(b^s) >= 0
}

// mul64 returns a*b and whether it did not overflow.
func mul64(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	h := int64(hi) - (a>>63)&b - (b>>63)&a
	return int64(lo), h == int64(lo)>>63
}

// abs64 returns the magnitude of a, also of the least int64.
func abs64(a int64) uint64 {
	if a < 0 {
		return uint64(-a)
	}
	return uint64(a)
}

// alignNums brings two inline coefficients to the larger of the scales.
func alignNums(a, b Num) (x, y int64, scale int32, ok bool) {
	switch d := a.Scale - b.Scale; {
	case d == 0:
		return a.Coef, b.Coef, a.Scale, true
	case d > 0:
		if d > 18 {
			return 0, 0, 0, false
		}
		y, ok = mul64(b.Coef, pow10[d])
		return a.Coef, y, a.Scale, ok
	default:
		if d < -18 {
			return 0, 0, 0, false
		}
		x, ok = mul64(a.Coef, pow10[-d])
		return x, b.Coef, b.Scale, ok
	}
}

// AddNum adds two numerics. It reports false, and nothing else, when an operand or
// the result is not inline; Dec arithmetic then gives the answer.
func AddNum(a, b Num) (Num, bool) {
	if a.Form|b.Form != 0 {
		return Num{}, false
	}
	x, y, s, ok := alignNums(a, b)
	if !ok {
		return Num{}, false
	}
	r, ok := add64(x, y)
	return Num{Coef: r, Scale: s}, ok
}

// SubNum subtracts b from a under the same contract as AddNum.
func SubNum(a, b Num) (Num, bool) {
	if a.Form|b.Form != 0 {
		return Num{}, false
	}
	x, y, s, ok := alignNums(a, b)
	if !ok {
		return Num{}, false
	}
	r := x - y
	return Num{Coef: r, Scale: s}, (x^y)&(x^r) >= 0
}

// MulNum multiplies two numerics under the same contract as AddNum.
func MulNum(a, b Num) (Num, bool) {
	if a.Form|b.Form != 0 || a.Scale+b.Scale > ScaleMax {
		return Num{}, false
	}
	r, ok := mul64(a.Coef, b.Coef)
	return Num{Coef: r, Scale: a.Scale + b.Scale}, ok
}

// DivNum divides a by b with PostgreSQL's result scale under the same contract as
// AddNum; it also reports false for b = 0.
func DivNum(a, b Num) (Num, bool) {
	if a.Form|b.Form != 0 || b.Coef == 0 {
		return Num{}, false
	}
	w1, f1 := leadInline(a)
	w2, f2 := leadInline(b)
	rs := divScale(w1, f1, w2, f2, a.Scale, b.Scale)
	k := rs + b.Scale - a.Scale
	if k < 0 || k > 19 {
		return Num{}, false
	}
	p := uint64(10000000000000000000)
	if k < 19 {
		p = uint64(pow10[k])
	}
	d := abs64(b.Coef)
	hi, lo := bits.Mul64(abs64(a.Coef), p)
	if hi >= d {
		return Num{}, false
	}
	q, r := bits.Div64(hi, lo, d)
	if r >= d-r {
		q++
	}
	if q > math.MaxInt64 {
		return Num{}, false
	}
	res := int64(q)
	if (a.Coef < 0) != (b.Coef < 0) {
		res = -res
	}
	return Num{Coef: res, Scale: rs}, true
}

// DivWide is DivNum for quotients of up to 128 bits: an average of a few digits needs
// them, for PostgreSQL gives it at least 16 significant ones. A big coefficient is
// appended to buf.
func DivWide(buf []byte, a, b Num) (Dec, bool) {
	if a.Form|b.Form != 0 || b.Coef == 0 {
		return Dec{}, false
	}
	w1, f1 := leadInline(a)
	w2, f2 := leadInline(b)
	rs := divScale(w1, f1, w2, f2, a.Scale, b.Scale)
	k := rs + b.Scale - a.Scale
	if k < 0 || k >= int32(len(pow10)) {
		return Dec{}, false
	}
	d := abs64(b.Coef)
	hi, lo := bits.Mul64(abs64(a.Coef), uint64(pow10[k]))
	qh := hi / d
	ql, r := bits.Div64(hi%d, lo, d)
	if r >= d-r {
		var carry uint64
		ql, carry = bits.Add64(ql, 1, 0)
		qh += carry
	}
	neg := (a.Coef < 0) != (b.Coef < 0)
	if qh == 0 && ql <= math.MaxInt64 {
		n := Num{Coef: int64(ql), Scale: rs}
		if neg {
			n.Coef = -n.Coef
		}
		return Dec{N: n}, true
	}
	if qh == 0 && ql == 1<<63 && neg {
		return Dec{N: Num{Coef: math.MinInt64, Scale: rs}}, true
	}
	at := len(buf)
	buf = append(buf, 0)
	if neg {
		buf[at] = 1
	}
	for _, w := range [2]uint64{qh, ql} {
		for s := 56; s >= 0; s -= 8 {
			if c := byte(w >> s); c != 0 || len(buf) > at+1 {
				buf = append(buf, c)
			}
		}
	}
	return Dec{N: Num{Scale: rs, Form: NumBig}, Big: buf[at:]}, true
}

// NegNum negates an inline numeric under the same contract as AddNum.
func NegNum(a Num) (Num, bool) {
	if a.Form != NumInline || a.Coef == math.MinInt64 {
		return Num{}, false
	}
	return Num{Coef: -a.Coef, Scale: a.Scale}, true
}

// CmpNum compares two numerics by value, -1, 0 or +1; it reports false when a big
// coefficient is needed for the answer (CmpDec gives it). NaN is the largest value
// and equal to itself.
func CmpNum(a, b Num) (int, bool) {
	if a.Form|b.Form == 0 {
		if a.Scale == b.Scale {
			return cmpOrdered(a.Coef, b.Coef), true
		}
		return cmpInline(a, b), true
	}
	if a.IsSpecial() || b.IsSpecial() {
		return cmpOrdered(a.rank(), b.rank()), true
	}
	return 0, false
}

// rank orders the special values around the finite ones.
func (n Num) rank() int {
	switch n.Form {
	case NumNegInf:
		return -1
	case NumPosInf:
		return 1
	case NumNaN:
		return 2
	}
	return 0
}

// cmpInline compares inline numerics of different scales exactly.
func cmpInline(a, b Num) int {
	sa, sb := cmpOrdered(a.Coef, 0), cmpOrdered(b.Coef, 0)
	if sa != sb || sa == 0 {
		return cmpOrdered(sa, sb)
	}
	x, y, d, sign := abs64(a.Coef), abs64(b.Coef), b.Scale-a.Scale, sa
	if d < 0 {
		x, y, d, sign = y, x, -d, -sign
	}
	if d > 18 {
		return sign // x×10^19 exceeds every int64
	}
	hi, lo := bits.Mul64(x, uint64(pow10[d]))
	if hi != 0 {
		return sign
	}
	return sign * cmpOrdered(lo, y)
}

func cmpOrdered[T int | int32 | int64 | uint64](a, b T) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// RoundNum rounds an inline numeric to scale, half away from zero, and shows it with
// that scale; it reports false as AddNum does, and for a negative scale.
func RoundNum(a Num, scale int32) (Num, bool) {
	if a.Form != NumInline || scale < 0 {
		return Num{}, false
	}
	d := a.Scale - scale
	if d <= 0 {
		if d < -18 {
			return Num{}, false
		}
		c, ok := mul64(a.Coef, pow10[-d])
		return Num{Coef: c, Scale: scale}, ok
	}
	if d > 18 {
		if d == 19 && abs64(a.Coef) >= 5e18 {
			return Num{}, false
		}
		return Num{Scale: scale}, true
	}
	p := pow10[d]
	q, r := a.Coef/p, a.Coef%p
	if abs64(r) >= uint64(p)-abs64(r) {
		if a.Coef < 0 {
			q--
		} else {
			q++
		}
	}
	return Num{Coef: q, Scale: scale}, true
}

// TruncNum cuts an inline numeric to scale and shows it with that scale, under the
// contract of RoundNum.
func TruncNum(a Num, scale int32) (Num, bool) {
	d := a.Scale - scale
	if a.Form != NumInline || scale < 0 || d <= 0 {
		return RoundNum(a, scale)
	}
	if d > 18 {
		return Num{Scale: scale}, true
	}
	return Num{Coef: a.Coef / pow10[d], Scale: scale}, true
}

// NormalizeNum strips trailing zeros of an inline or special numeric: the form in
// which values equal in SQL are identical. It reports false for a big one.
func NormalizeNum(a Num) (Num, bool) {
	switch a.Form {
	case NumBig:
		return Num{}, false
	case NumInline:
	default:
		return Num{Form: a.Form}, true
	}
	if a.Coef == 0 {
		return Num{}, true
	}
	for a.Scale > 0 && a.Coef%10 == 0 {
		a.Coef /= 10
		a.Scale--
	}
	return a, true
}

// digits64 returns the number of decimal digits of u; 0 has one.
func digits64(u uint64) int {
	n := bits.Len64(u) * 1233 >> 12
	if u >= pow10u(n) {
		n++
	}
	return max(n, 1)
}

func pow10u(n int) uint64 {
	if n <= 0 {
		return 1
	}
	if n > 18 {
		return 10000000000000000000
	}
	return uint64(pow10[n])
}

// leadInline returns the weight and value of the leading base-10000 digit as
// PostgreSQL stores it; 0, 0 for zero.
func leadInline(n Num) (weight int32, first int32) {
	if n.Coef == 0 {
		return 0, 0
	}
	u := abs64(n.Coef)
	nd := digits64(u)
	e := int32(nd) - 1 - n.Scale
	weight = floorDiv(e, 4)
	k := int(e-weight*4) + 1 // decimal digits of the leading group, 1..4
	if nd > k {
		return weight, int32(u / pow10u(nd-k))
	}
	return weight, int32(u * pow10u(k-nd))
}

func floorDiv(a, b int32) int32 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// divScale is PostgreSQL's select_div_scale: at least 16 significant digits and the
// scale of either operand.
func divScale(w1, f1, w2, f2, s1, s2 int32) int32 {
	q := w1 - w2
	if f1 <= f2 {
		q--
	}
	return min(max(16-q*4, s1, s2, 0), displayScaleMax)
}

// AppendNum writes n as PostgreSQL does. big is the coefficient of a NumBig.
func AppendNum(dst []byte, n Num, big []byte) []byte {
	switch n.Form {
	case NumNaN:
		return append(dst, "NaN"...)
	case NumPosInf:
		return append(dst, "Infinity"...)
	case NumNegInf:
		return append(dst, "-Infinity"...)
	case NumBig:
		return appendBigNum(dst, n, big)
	}
	if n.Coef < 0 {
		dst = append(dst, '-')
	}
	u := abs64(n.Coef)
	if n.Scale <= 0 {
		return appendUint(dst, u)
	}
	nd := int32(digits64(u))
	if nd <= n.Scale {
		dst = append(dst, '0', '.')
		for range n.Scale - nd {
			dst = append(dst, '0')
		}
		return appendUint(dst, u)
	}
	start := len(dst)
	dst = appendUint(dst, u)
	point := start + int(nd-n.Scale)
	dst = append(dst, 0)
	copy(dst[point+1:], dst[point:])
	dst[point] = '.'
	return dst
}
