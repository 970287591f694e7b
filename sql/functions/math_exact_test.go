package functions

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

const refPrec = 320

func bigF(x float64) *big.Float { return new(big.Float).SetPrec(refPrec).SetFloat64(x) }

func newBig() *big.Float { return new(big.Float).SetPrec(refPrec) }

// refExp is e^x by Taylor's series at x/2^k.
func refExp(x *big.Float) *big.Float {
	const k = 40
	r := newBig().SetMantExp(x, -k)
	sum, term := bigF(1), bigF(1)
	for n := 1; n < 30; n++ {
		term.Mul(term, r).Quo(term, bigF(float64(n)))
		sum.Add(sum, term)
	}
	for range k {
		sum.Mul(sum, sum)
	}
	return sum
}

// refSinCos is both by Taylor's series, for moderate x.
func refSinCos(x *big.Float) (sin, cos *big.Float) {
	sin, cos = newBig(), newBig()
	term := bigF(1)
	for n := 0; n < 200; n++ {
		if n > 0 {
			term.Mul(term, x).Quo(term, bigF(float64(n)))
		}
		t := newBig().Set(term)
		if n&2 != 0 {
			t.Neg(t)
		}
		if n&1 == 0 {
			cos.Add(cos, t)
		} else {
			sin.Add(sin, t)
		}
	}
	return sin, cos
}

func refSinh(x *big.Float) (sinh, cosh *big.Float) {
	e := refExp(x)
	i := newBig().Quo(bigF(1), e)
	return newBig().Quo(newBig().Sub(e, i), bigF(2)), newBig().Quo(newBig().Add(e, i), bigF(2))
}

func first(a, _ *big.Float) *big.Float  { return a }
func second(_, b *big.Float) *big.Float { return b }
func ratio(a, b *big.Float) *big.Float  { return newBig().Quo(a, b) }

// TestExactMath holds that the elementary functions give the nearest double. The reference is a series in 320 bits; for
// an inverse function it is that the function's values half a unit to both sides enclose the argument.
func TestExactMath(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	direct := []struct {
		name string
		f    func(float64) float64
		ref  func(*big.Float) *big.Float
		max  float64
	}{
		{"exp", exactExp, refExp, 700},
		{"sin", exactSin, func(x *big.Float) *big.Float { return first(refSinCos(x)) }, 30},
		{"cos", exactCos, func(x *big.Float) *big.Float { return second(refSinCos(x)) }, 30},
		{"tan", exactTan, func(x *big.Float) *big.Float { return ratio(refSinCos(x)) }, 30},
		{"sinh", exactSinh, func(x *big.Float) *big.Float { return first(refSinh(x)) }, 600},
		{"cosh", exactCosh, func(x *big.Float) *big.Float { return second(refSinh(x)) }, 600},
		{"tanh", exactTanh, func(x *big.Float) *big.Float { return ratio(refSinh(x)) }, 15},
	}
	for _, d := range direct {
		for range 150 {
			x := (2*rnd.Float64() - 1) * d.max * math.Pow(rnd.Float64(), 4)
			want, _ := d.ref(bigF(x)).Float64()
			if got := d.f(x); got != want {
				t.Errorf("%s(%v) = %v, want %v", d.name, x, got, want)
			}
		}
	}
	cube := func(x *big.Float) *big.Float { return newBig().Mul(newBig().Mul(x, x), x) }
	inverse := []struct {
		name     string
		f        func(float64) float64
		ref      func(*big.Float) *big.Float
		min, max float64
	}{
		{"ln", exactLog, refExp, 1e-300, 1e300}, {"ln", exactLog, refExp, 0.9, 1.1}, {"ln", exactLog, refExp, 0.1, 100},
		{"log10", exactLog10, func(y *big.Float) *big.Float { return refExp(newBig().Mul(y, refLn10)) }, 0.01, 1000},
		{"asin", exactAsin, func(y *big.Float) *big.Float { return first(refSinCos(y)) }, -1, 1},
		{"atan", exactAtan, func(y *big.Float) *big.Float { return ratio(refSinCos(y)) }, -20, 20},
		{"asinh", exactAsinh, func(y *big.Float) *big.Float { return first(refSinh(y)) }, -100, 100},
		{"acosh", exactAcosh, func(y *big.Float) *big.Float { return second(refSinh(y)) }, 1, 100},
		{"atanh", exactAtanh, func(y *big.Float) *big.Float { return ratio(refSinh(y)) }, -1, 1},
		{"cbrt", exactCbrt, cube, -1000, 1000}, {"cbrt", exactCbrt, cube, 1e-300, 1e300},
	}
	for _, d := range inverse {
		for range 100 {
			x := d.min + (d.max-d.min)*rnd.Float64()
			y := d.f(x)
			lo, hi := d.ref(halfway(y, math.Inf(-1))), d.ref(halfway(y, math.Inf(1)))
			if lo.Cmp(bigF(x)) > 0 || hi.Cmp(bigF(x)) < 0 {
				t.Errorf("%s(%v) = %v is not the nearest", d.name, x, y)
			}
		}
	}
}

var refLn10, _ = newBig().SetString("2.302585092994045684017991454684364207601101488628772976033327900967572609677352480235997205089598298341967784042286")

// halfway is the middle between y and its neighbour in a direction.
func halfway(y, to float64) *big.Float {
	m := newBig().Add(bigF(y), bigF(math.Nextafter(y, to)))
	return m.Quo(m, bigF(2))
}

func TestExactPow(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		x, n := rnd.Float64()*3, 1+rnd.IntN(40)
		want := bigF(1)
		for range n {
			want.Mul(want, bigF(x))
		}
		if w, _ := want.Float64(); exactPow(x, float64(n)) != w {
			t.Errorf("%v ^ %d = %v, want %v", x, n, exactPow(x, float64(n)), w)
		}
	}
	for _, c := range [][3]float64{{2, 0.5, math.Sqrt2}, {10, -3, 0.001}, {1.1, 50, 117.39085287969579}, {-2, 3, -8}, {0.5, -1074, math.Inf(1)},
		{4, 0.5, 2}, {1e300, 2, math.Inf(1)}, {2, -1074, 5e-324}, {27, 1.0 / 3, 3}} {
		if got := exactPow(c[0], c[1]); got != c[2] {
			t.Errorf("%v ^ %v = %v, want %v", c[0], c[1], got, c[2])
		}
	}
	for x, want := range map[float64]float64{1000: 3, 1e15: 15, 0.001: -3, 1e-300: -300, 1e300: 300} {
		if got := exactLog10(x); got != want {
			t.Errorf("log10(%v) = %v", x, got)
		}
	}
}

func BenchmarkExactMath(b *testing.B) {
	for name, f := range map[string]func(float64) float64{"exp": exactExp, "ln": exactLog, "sin": exactSin, "atan": exactAtan, "cbrt": exactCbrt} {
		b.Run(name, func(b *testing.B) {
			s := 0.0
			for b.Loop() {
				s += f(1.2345)
			}
			_ = s
		})
	}
}
