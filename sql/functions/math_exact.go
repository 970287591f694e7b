package functions

import "math"

// The elementary functions, rounded to the nearest double. What is special — zeros, infinities, NaN, arguments out of
// range — is left to package math.

// special reports whether a function's value v at x needs no work.
func special(x, v float64) bool { return x == 0 || v == 0 || v != v || isInf(x) || isInf(v) }

func exactExp(x float64) float64 {
	if v := math.Exp(x); special(x, v) {
		return v
	}
	return ldexpDD(expDD(dd{x, 0}))
}

func exactLog(x float64) float64 {
	if v := math.Log(x); special(x, v) {
		return v
	}
	return logDD(dd{x, 0}).round()
}

func exactLog10(x float64) float64 {
	if v := math.Log10(x); special(x, v) {
		return v
	}
	return logDD(dd{x, 0}).div(ddLn10).round()
}

func exactPow(x, y float64) float64 {
	v := math.Pow(x, y)
	if special(x, v) || y == 0 || isInf(y) || y != y {
		return v
	}
	if y == 2 {
		return float64(x * x)
	}
	l := logDD(dd{math.Abs(x), 0})
	r := ldexpDD(expDD(l.mulFloat(y)))
	return math.Copysign(r, v)
}

func exactCbrt(x float64) float64 {
	y := math.Cbrt(x)
	if special(x, y) {
		return y
	}
	scaled, k := math.Frexp(x) // the cube of y must not overflow
	k3 := k - k%3
	scaled, y = math.Ldexp(scaled, k-k3), math.Ldexp(y, -k3/3)
	sq := twoProd(y, y)
	e := sq.mulFloat(y).addFloat(-scaled)
	return math.Ldexp(y-e.hi/(3*sq.hi), k3/3)
}

func exactSin(x float64) float64 {
	if v := math.Sin(x); special(x, v) || math.Abs(x) > sinCosMax {
		return v
	}
	s, _ := sinCosDD(dd{x, 0})
	return s.round()
}

func exactCos(x float64) float64 {
	if v := math.Cos(x); special(x, v) || math.Abs(x) > sinCosMax {
		return v
	}
	_, c := sinCosDD(dd{x, 0})
	return c.round()
}

func exactTan(x float64) float64 {
	if v := math.Tan(x); special(x, v) || math.Abs(x) > sinCosMax {
		return v
	}
	s, c := sinCosDD(dd{x, 0})
	return s.div(c).round()
}

// The inverse functions take a step of Newton's from the value of package math, which is right to a few units in the
// last place; the error left is of the order of that error's square.

func exactAsin(x float64) float64 {
	y := math.Asin(x)
	if special(x, y) || math.Abs(x) == 1 {
		return y
	}
	s, c := sinCosDD(dd{y, 0})
	return dd{y, 0}.sub(s.addFloat(-x).div(c)).round()
}

func exactAcos(x float64) float64 {
	y := math.Acos(x)
	if special(x, y) || x == -1 {
		return y
	}
	s, c := sinCosDD(dd{y, 0})
	return dd{y, 0}.add(c.addFloat(-x).div(s)).round()
}

func exactAtan(x float64) float64 {
	if y := math.Atan(x); special(x, y) {
		return y
	}
	return exactAtan2(x, 1)
}

func exactAtan2(y, x float64) float64 {
	v := math.Atan2(y, x)
	if special(y, v) || special(x, v) || math.Abs(v) < 1e-290 {
		return v
	}
	_, ky := math.Frexp(y)
	_, kx := math.Frexp(x)
	k := max(ky, kx)
	y, x = math.Ldexp(y, -k), math.Ldexp(x, -k)
	s, c := sinCosDD(dd{v, 0})
	d := c.mulFloat(y).sub(s.mulFloat(x)).div(c.mulFloat(x).add(s.mulFloat(y)))
	return dd{v, 0}.add(d).round()
}

// sinhCosh is both for |x| < 700.
func sinhCosh(x float64) (sinh, cosh dd) {
	if math.Abs(x) < 0.35 {
		p := expm1DD(dd{x, 0})
		q := p.div(p.add(ddOne)) // 1 - e^-x
		return p.add(q).scale(0.5), p.mul(q).scale(0.5).add(ddOne)
	}
	e := expPlain(dd{x, 0})
	i := ddOne.div(e)
	return e.sub(i).scale(0.5), e.add(i).scale(0.5)
}

func exactSinh(x float64) float64 {
	if v := math.Sinh(x); special(x, v) || math.Abs(x) > 700 {
		return v
	}
	s, _ := sinhCosh(x)
	return s.round()
}

func exactCosh(x float64) float64 {
	if v := math.Cosh(x); special(x, v) || math.Abs(x) > 700 {
		return v
	}
	_, c := sinhCosh(x)
	return c.round()
}

func exactTanh(x float64) float64 {
	if v := math.Tanh(x); special(x, v) || math.Abs(v) == 1 {
		return v
	}
	s, c := sinhCosh(x)
	return s.div(c).round()
}

func exactAsinh(x float64) float64 {
	y := math.Asinh(x)
	if special(x, y) || math.Abs(y) > 300 {
		return y
	}
	s, c := sinhCosh(y)
	return dd{y, 0}.sub(s.addFloat(-x).div(c)).round()
}

func exactAcosh(x float64) float64 {
	y := math.Acosh(x)
	if special(x, y) || y > 300 {
		return y
	}
	s, c := sinhCosh(y)
	return dd{y, 0}.sub(c.addFloat(-x).div(s)).round()
}

func exactAtanh(x float64) float64 {
	y := math.Atanh(x)
	if special(x, y) {
		return y
	}
	if math.Abs(x) < 0.25 {
		s, c := sinhCosh(y)
		return dd{y, 0}.sub(s.sub(c.mulFloat(x)).mul(c)).round()
	}
	return logDD(twoSum(1, x).div(twoSum(1, -x))).scale(0.5).round()
}
