package types

import (
	"math"
	"math/big"
	"strings"

	"streamdb/sql/sqlerr"
)

// Dec is a numeric outside a column, to compute with. Kernels try the Num functions
// first, which neither allocate nor need the column's bytes, and fall back to Dec:
//
//	if r, ok := AddNum(a[i], b[i]); ok { out[i] = r; continue }
//	r, err := AddDec(DecOf(a[i], ca.Bytes), DecOf(b[i], cb.Bytes))
type Dec struct {
	N Num // for NumBig, Coef means nothing
	// Big is a NumBig's coefficient, sign byte and magnitude; not to be changed.
	Big []byte
}

// ScaleMax is the largest display scale of PostgreSQL's numeric.
const ScaleMax = 16383

// Further limits of PostgreSQL's numeric.
const (
	displayScaleMax = 1000   // largest scale division and functions choose
	resultScaleMax  = 2000   // largest scale of round and trunc
	intDigitsMax    = 131072 // digits before the decimal point
)

// The special numerics.
var (
	DecNaN    = Dec{N: Num{Form: NumNaN}}
	DecPosInf = Dec{N: Num{Form: NumPosInf}}
	DecNegInf = Dec{N: Num{Form: NumNegInf}}
)

// DecOf reads a numeric of a column whose byte buffer is buf.
func DecOf(n Num, buf []byte) Dec {
	if n.Form != NumBig {
		return Dec{N: n}
	}
	off, l := n.BigSpan()
	return Dec{N: n, Big: buf[off : off+l]}
}

// DecInt returns v as a numeric of scale 0.
func DecInt(v int64) Dec { return Dec{N: Num{Coef: v}} }

// Dec returns a numeric Datum to compute with.
func (d Datum) Dec() Dec {
	if d.N.Form != NumBig {
		return Dec{N: d.N}
	}
	return Dec{N: d.N, Big: []byte(d.S)}
}

// Datum returns d as a value of type numeric.
func (d Dec) Datum() Datum {
	if d.N.Form != NumBig {
		return Datum{N: d.N}
	}
	return Datum{N: Num{Scale: d.N.Scale, Form: NumBig}, S: string(d.Big)}
}

// Put appends d's coefficient to buf if it is big and returns what a column stores.
func (d Dec) Put(buf []byte) (Num, []byte) {
	if d.N.Form != NumBig {
		return d.N, buf
	}
	off := len(buf)
	return MakeBig(uint32(off), uint32(len(d.Big)), d.N.Scale), append(buf, d.Big...)
}

// Sign returns -1, 0 or +1; +1 for NaN.
func (d Dec) Sign() int {
	switch d.N.Form {
	case NumInline:
		return cmpOrdered(d.N.Coef, 0)
	case NumBig:
		if d.Big[0] != 0 {
			return -1
		}
		return 1
	case NumNegInf:
		return -1
	}
	return 1
}

// Scale returns the display scale of a finite numeric.
func (d Dec) Scale() int32 { return d.N.Scale }

// coef returns the coefficient of a finite numeric.
func (d Dec) coef() *big.Int {
	if d.N.Form == NumInline {
		return big.NewInt(d.N.Coef)
	}
	z := new(big.Int).SetBytes(d.Big[1:])
	if d.Big[0] != 0 {
		z.Neg(z)
	}
	return z
}

// decFromBig makes a finite numeric and checks PostgreSQL's limits.
func decFromBig(z *big.Int, scale int32) (Dec, error) {
	if z.IsInt64() {
		return Dec{N: Num{Coef: z.Int64(), Scale: scale}}, nil
	}
	if scale > ScaleMax || intDigits(z, scale) > intDigitsMax {
		return Dec{}, errNumericOverflow()
	}
	b := make([]byte, 1+(z.BitLen()+7)/8)
	z.FillBytes(b[1:])
	if z.Sign() < 0 {
		b[0] = 1
	}
	return Dec{N: Num{Scale: scale, Form: NumBig}, Big: b}, nil
}

// intDigits returns, within one, the digits before the decimal point.
func intDigits(z *big.Int, scale int32) int {
	return int(float64(z.BitLen())*0.30102999566) - int(scale)
}

func errNumericOverflow() error {
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "value overflows numeric format")
}

func errDivZero() error { return sqlerr.New(sqlerr.DivisionByZero, "division by zero") }

// bigPowers are the powers of ten that numerics of a usual size need, and the squares of such.
var bigPowers = func() (p [512]big.Int) {
	p[0].SetInt64(1)
	for i := range p[1:] {
		p[i+1].Mul(&p[i], big.NewInt(10))
	}
	return p
}()

// Pow10 returns 10^n for n >= 0; it is not to be changed.
func Pow10(n int32) *big.Int {
	if int(n) < len(bigPowers) {
		return &bigPowers[n]
	}
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// alignDecs brings two finite numerics to the larger of the scales.
func alignDecs(a, b Dec) (x, y *big.Int, scale int32) {
	x, y = a.coef(), b.coef()
	switch d := a.N.Scale - b.N.Scale; {
	case d > 0:
		y.Mul(y, Pow10(d))
		return x, y, a.N.Scale
	case d < 0:
		x.Mul(x, Pow10(-d))
	}
	return x, y, b.N.Scale
}

// AddDec returns a + b.
func AddDec(a, b Dec) (Dec, error) {
	if r, ok := AddNum(a.N, b.N); ok {
		return Dec{N: r}, nil
	}
	if a.N.IsSpecial() || b.N.IsSpecial() {
		return addSpecial(a, b), nil
	}
	x, y, s := alignDecs(a, b)
	return decFromBig(x.Add(x, y), s)
}

// addSpecial adds when one of the operands is special.
func addSpecial(a, b Dec) Dec {
	switch {
	case a.N.Form == NumNaN || b.N.Form == NumNaN:
		return DecNaN
	case !a.N.IsSpecial():
		return Dec{N: Num{Form: b.N.Form}}
	case b.N.IsSpecial() && a.N.Form != b.N.Form:
		return DecNaN
	}
	return Dec{N: Num{Form: a.N.Form}}
}

// SubDec returns a - b.
func SubDec(a, b Dec) (Dec, error) {
	if r, ok := SubNum(a.N, b.N); ok {
		return Dec{N: r}, nil
	}
	if a.N.IsSpecial() || b.N.IsSpecial() {
		return addSpecial(a, NegDec(b)), nil
	}
	x, y, s := alignDecs(a, b)
	return decFromBig(x.Sub(x, y), s)
}

// NegDec returns -a.
func NegDec(a Dec) Dec {
	switch a.N.Form {
	case NumNaN:
		return a
	case NumPosInf:
		return DecNegInf
	case NumNegInf:
		return DecPosInf
	case NumInline:
		if r, ok := NegNum(a.N); ok {
			return Dec{N: r}
		}
	}
	r, _ := decFromBig(new(big.Int).Neg(a.coef()), a.N.Scale)
	return r
}

// AbsDec returns the magnitude of a.
func AbsDec(a Dec) Dec {
	if a.Sign() < 0 {
		return NegDec(a)
	}
	return a
}

// MulDec returns a × b.
func MulDec(a, b Dec) (Dec, error) {
	if r, ok := MulNum(a.N, b.N); ok {
		return Dec{N: r}, nil
	}
	if a.N.IsSpecial() || b.N.IsSpecial() {
		return specialBySign(a, b), nil
	}
	z := a.coef()
	z.Mul(z, b.coef())
	s := a.N.Scale + b.N.Scale
	if s > ScaleMax {
		z, s = rescale(z, s, ScaleMax, true), ScaleMax
	}
	return decFromBig(z, s)
}

// specialBySign multiplies when one of the operands is special.
func specialBySign(a, b Dec) Dec {
	if a.N.Form == NumNaN || b.N.Form == NumNaN {
		return DecNaN
	}
	return infOfSign(a.Sign() * b.Sign())
}

// infOfSign returns the infinity of a sign, NaN for 0.
func infOfSign(s int) Dec {
	switch {
	case s > 0:
		return DecPosInf
	case s < 0:
		return DecNegInf
	}
	return DecNaN
}

// rescale changes a coefficient from one scale to another, rounding half away from
// zero or truncating. It may reuse z.
func rescale(z *big.Int, from, to int32, round bool) *big.Int {
	if to >= from {
		if to > from {
			z.Mul(z, Pow10(to-from))
		}
		return z
	}
	return quoRound(z, Pow10(from-to), round)
}

// quoRound returns n / d, rounded half away from zero or truncated.
func quoRound(n, d *big.Int, round bool) *big.Int {
	q, r := new(big.Int).QuoRem(n, d, new(big.Int))
	if round {
		r.Lsh(r.Abs(r), 1)
		if r.CmpAbs(d) >= 0 {
			one := big.NewInt(1)
			if n.Sign() != d.Sign() {
				q.Sub(q, one)
			} else {
				q.Add(q, one)
			}
		}
	}
	return q
}

// lead is leadInline for every finite numeric.
func (d Dec) lead() (weight, first int32) {
	if d.N.Form == NumInline {
		return leadInline(d.N)
	}
	s := d.coef().Text(10)
	if s[0] == '-' {
		s = s[1:]
	}
	e := int32(len(s)) - 1 - d.N.Scale
	weight = floorDiv(e, 4)
	k := int(e-weight*4) + 1
	for i := range k {
		first = first*10 + int32(s[i]-'0')
	}
	return weight, first
}

// DivDec returns a / b with PostgreSQL's result scale.
func DivDec(a, b Dec) (Dec, error) {
	if r, ok := DivNum(a.N, b.N); ok {
		return Dec{N: r}, nil
	}
	if r, ok := DivWide(nil, a.N, b.N); ok {
		return r, nil
	}
	if done, r, err := divSpecial(a, b); done {
		return r, err
	}
	w1, f1 := a.lead()
	w2, f2 := b.lead()
	return divTo(a, b, divScale(w1, f1, w2, f2, a.N.Scale, b.N.Scale), true)
}

// divSpecial handles NaN, infinities and division by zero of DivDec and its kin.
func divSpecial(a, b Dec) (done bool, r Dec, err error) {
	switch {
	case a.N.Form == NumNaN || b.N.Form == NumNaN:
		return true, DecNaN, nil
	case b.Sign() == 0:
		return true, Dec{}, errDivZero()
	case a.N.IsSpecial() && b.N.IsSpecial():
		return true, DecNaN, nil
	case a.N.IsSpecial():
		return true, infOfSign(a.Sign() * b.Sign()), nil
	case b.N.IsSpecial():
		return true, Dec{}, nil
	}
	return false, Dec{}, nil
}

// divTo divides finite numerics to a scale.
func divTo(a, b Dec, scale int32, round bool) (Dec, error) {
	x, y := a.coef(), b.coef()
	if k := scale + b.N.Scale - a.N.Scale; k >= 0 {
		x.Mul(x, Pow10(k))
	} else {
		y.Mul(y, Pow10(-k))
	}
	return decFromBig(quoRound(x, y, round), scale)
}

// DivTruncDec returns the integer part of a / b (SQL div).
func DivTruncDec(a, b Dec) (Dec, error) {
	if done, r, err := divSpecial(a, b); done {
		return r, err
	}
	return divTo(a, b, 0, false)
}

// ModDec returns the remainder of a / b with the sign of a.
func ModDec(a, b Dec) (Dec, error) {
	switch {
	case a.N.Form == NumNaN || b.N.Form == NumNaN:
		return DecNaN, nil
	case a.N.IsSpecial():
		if b.Sign() == 0 {
			return Dec{}, errDivZero()
		}
		return DecNaN, nil
	case b.N.IsSpecial():
		return a, nil
	case b.Sign() == 0:
		return Dec{}, errDivZero()
	}
	if a.N.Form|b.N.Form == 0 {
		if x, y, s, ok := alignNums(a.N, b.N); ok && y != -1 {
			return Dec{N: Num{Coef: x % y, Scale: s}}, nil
		}
	}
	x, y, s := alignDecs(a, b)
	return decFromBig(x.Rem(x, y), s)
}

// clampScale holds the scale argument of round and trunc in PostgreSQL's limits.
func clampScale(s int32) int32 { return min(max(s, -resultScaleMax), resultScaleMax) }

// RoundDec rounds half away from zero to scale digits after the point.
func RoundDec(a Dec, scale int32) (Dec, error) {
	scale = clampScale(scale)
	if r, ok := RoundNum(a.N, scale); ok {
		return Dec{N: r}, nil
	}
	return roundBig(a, scale, true)
}

// TruncDec cuts off what lies behind scale digits after the point.
func TruncDec(a Dec, scale int32) (Dec, error) {
	scale = clampScale(scale)
	if r, ok := TruncNum(a.N, scale); ok {
		return Dec{N: r}, nil
	}
	return roundBig(a, scale, false)
}

func roundBig(a Dec, scale int32, round bool) (Dec, error) {
	if a.N.IsSpecial() {
		return a, nil
	}
	z := rescale(a.coef(), a.N.Scale, scale, round)
	if scale < 0 {
		z, scale = rescale(z, scale, 0, false), 0
	}
	return decFromBig(z, scale)
}

// CeilDec returns the least integer >= a.
func CeilDec(a Dec) (Dec, error) { return towards(a, 1) }

// FloorDec returns the greatest integer <= a.
func FloorDec(a Dec) (Dec, error) { return towards(a, -1) }

func towards(a Dec, sign int) (Dec, error) {
	if a.N.IsSpecial() {
		return a, nil
	}
	t, err := TruncDec(a, 0)
	if err != nil || a.Sign() != sign || CmpDec(t, a) == 0 {
		return t, err
	}
	return AddDec(t, DecInt(int64(sign)))
}

// MinScaleDec returns the least scale that holds a exactly; a is finite.
func MinScaleDec(a Dec) int32 { return NormalizeDec(a).N.Scale }

// NormalizeDec strips trailing zeros behind the point: values equal in SQL become
// identical. It is also SQL's trim_scale.
func NormalizeDec(a Dec) Dec {
	if r, ok := NormalizeNum(a.N); ok {
		return Dec{N: r}
	}
	if a.N.Scale == 0 {
		return a
	}
	z, s := a.coef(), a.N.Scale
	ten, r := big.NewInt(10), new(big.Int)
	for s > 0 {
		q, _ := new(big.Int).QuoRem(z, ten, r)
		if r.Sign() != 0 {
			break
		}
		z, s = q, s-1
	}
	d, _ := decFromBig(z, s)
	return d
}

// numericTypmod splits a numeric typmod into precision and scale.
func numericTypmod(typmod int32) (precision, scale int32) {
	m := typmod - 4
	return m >> 16 & 0xffff, (m&0x7ff ^ 1024) - 1024
}

// CoerceDec makes a fit numeric(p,s) given as typmod: it rounds to the scale and
// raises 22003 when the precision does not suffice. A typmod < 4 changes nothing.
func CoerceDec(a Dec, typmod int32) (Dec, error) {
	if typmod < 4 || a.N.Form == NumNaN {
		return a, nil
	}
	p, s := numericTypmod(typmod)
	if a.N.IsSpecial() {
		return Dec{}, sqlerr.New(sqlerr.NumericValueOutOfRange, "numeric field overflow").
			WithDetail("A field with precision %d, scale %d cannot hold an infinite value.", p, s)
	}
	r, ok := RoundNum(a.N, s)
	d := Dec{N: r}
	if !ok {
		var err error
		if d, err = roundBig(a, s, true); err != nil {
			return Dec{}, err
		}
	}
	if d.digits()-int(d.N.Scale) > int(p-s) && d.Sign() != 0 {
		return Dec{}, errFieldOverflow(p, s)
	}
	return d, nil
}

// digits returns the number of decimal digits of the coefficient.
func (d Dec) digits() int {
	if d.N.Form == NumInline {
		return digits64(abs64(d.N.Coef))
	}
	return len(new(big.Int).Abs(d.coef()).Text(10))
}

func errFieldOverflow(p, s int32) error {
	limit, n := "10^", p-s
	if n == 0 {
		limit, n = "", 1
	}
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "numeric field overflow").
		WithDetail("A field with precision %d, scale %d must round to an absolute value less than %s%d.", p, s, limit, n)
}

// AppendDec writes a as PostgreSQL does.
func AppendDec(dst []byte, a Dec) []byte { return AppendNum(dst, a.N, a.Big) }

// String returns a as PostgreSQL writes it.
func (d Dec) String() string { return string(AppendDec(nil, d)) }

// appendBigNum writes a numeric with a big coefficient.
func appendBigNum(dst []byte, n Num, coef []byte) []byte {
	z := new(big.Int).SetBytes(coef[1:])
	if coef[0] != 0 {
		dst = append(dst, '-')
	}
	if n.Scale <= 0 {
		return z.Append(dst, 10)
	}
	s := z.Append(nil, 10)
	if pad := int(n.Scale) + 1 - len(s); pad > 0 {
		for range pad {
			dst = append(dst, '0')
		}
	}
	dst = append(dst, s...)
	point := len(dst) - int(n.Scale)
	dst = append(dst, 0)
	copy(dst[point+1:], dst[point:])
	dst[point] = '.'
	return dst
}

// ParseDec reads a numeric as PostgreSQL's input function does.
func ParseDec(s string) (Dec, error) {
	if d, ok := parseDecFast(s); ok {
		return d, nil
	}
	t := strings.Trim(s, spaces)
	body, neg := t, false
	if body != "" && (body[0] == '+' || body[0] == '-') {
		neg, body = body[0] == '-', body[1:]
	}
	if body != "" && body[0] != '.' && (body[0] < '0' || body[0] > '9') {
		if d, ok := parseDecSpecial(t, body, neg); ok {
			return d, nil
		}
		return Dec{}, errSyntax("numeric", s)
	}
	return parseDecSlow(s, body, neg)
}

// parseDecFast reads what fits an inline coefficient without exponent and blanks.
func parseDecFast(s string) (Dec, bool) {
	i, neg := 0, false
	if s != "" && s[0] == '-' {
		i, neg = 1, true
	}
	if n := len(s) - i; n == 0 || n > 19 {
		return Dec{}, false
	}
	var c int64
	point, digits := -1, 0
	for ; i < len(s); i++ {
		switch ch := s[i]; {
		case ch-'0' <= 9:
			c = c*10 + int64(ch-'0')
			digits++
		case ch == '.' && point < 0:
			point = i + 1
		default:
			return Dec{}, false
		}
	}
	if digits == 0 || digits > 18 {
		return Dec{}, false
	}
	if neg {
		c = -c
	}
	scale := int32(0)
	if point >= 0 {
		scale = int32(len(s) - point)
	}
	return Dec{N: Num{Coef: c, Scale: scale}}, true
}

func parseDecSpecial(t, body string, neg bool) (Dec, bool) {
	switch strings.ToLower(body) {
	case "nan":
		return DecNaN, len(t) == 3
	case "infinity", "inf":
		if neg {
			return DecNegInf, true
		}
		return DecPosInf, true
	}
	return Dec{}, false
}

// parseDecSlow reads digits, point and exponent of any size; s is the whole input
// for the error message.
func parseDecSlow(s, body string, neg bool) (Dec, error) {
	mant, exp := body, int64(0)
	if i := strings.IndexAny(body, "eE"); i >= 0 {
		var ok bool
		mant = body[:i]
		if exp, ok = parseExponent(body[i+1:]); !ok {
			return Dec{}, errSyntax("numeric", s)
		}
		if exp > math.MaxInt32/2 || exp < -math.MaxInt32/2 {
			return Dec{}, errNumericOverflow()
		}
	}
	digits, frac := mant, 0
	if i := strings.IndexByte(mant, '.'); i >= 0 {
		frac = len(mant) - i - 1
		digits = mant[:i] + mant[i+1:]
	}
	if digits == "" || strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) >= 0 {
		return Dec{}, errSyntax("numeric", s)
	}
	lead := strings.TrimLeft(digits, "0")
	scale := int64(frac) - exp
	if (lead != "" && int64(len(lead))-scale > intDigitsMax) || scale > ScaleMax {
		return Dec{}, errNumericOverflow()
	}
	if lead == "" {
		return Dec{N: Num{Scale: int32(max(scale, 0))}}, nil
	}
	z, _ := new(big.Int).SetString(lead, 10)
	if scale < 0 {
		z.Mul(z, Pow10(int32(-scale)))
		scale = 0
	}
	if neg {
		z.Neg(z)
	}
	return decFromBig(z, int32(scale))
}

// parseExponent reads an exponent; absurd ones saturate.
func parseExponent(s string) (int64, bool) {
	neg := false
	if s != "" && (s[0] == '+' || s[0] == '-') {
		neg, s = s[0] == '-', s[1:]
	}
	if s == "" {
		return 0, false
	}
	v := int64(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		v = min(v*10+int64(s[i]-'0'), math.MaxInt32)
	}
	if neg {
		v = -v
	}
	return v, true
}
