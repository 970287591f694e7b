package functions

import "math"

// dd is an unevaluated sum of two doubles, hi + lo with |lo| <= ulp(hi)/2: about 106 bits. The elementary functions are
// computed in it and rounded once, so that they give the nearest double but for one argument in 2^40 or so, whatever
// the processor and its instructions: two nodes agree, and log(1000) is 3. (Dekker 1971; Hida, Li and Bailey, "Library
// for double-double and quad-double arithmetic", 2007.) Products are converted before they are added, which keeps
// compilers from fusing the two.
type dd struct{ hi, lo float64 }

// twoSum is a + b, exactly.
func twoSum(a, b float64) dd {
	s := a + b
	t := s - a
	return dd{s, (a - (s - t)) + (b - t)}
}

// quickSum is a + b, exactly, for |a| >= |b|.
func quickSum(a, b float64) dd {
	s := a + b
	return dd{s, b - (s - a)}
}

// twoProd is a · b, exactly but for underflow.
func twoProd(a, b float64) dd {
	p := float64(a * b)
	return dd{p, math.FMA(a, b, -p)}
}

func (a dd) add(b dd) dd {
	s, t := twoSum(a.hi, b.hi), twoSum(a.lo, b.lo)
	s = quickSum(s.hi, s.lo+t.hi)
	return quickSum(s.hi, s.lo+t.lo)
}

func (a dd) sub(b dd) dd { return a.add(dd{-b.hi, -b.lo}) }

func (a dd) addFloat(b float64) dd {
	s := twoSum(a.hi, b)
	return quickSum(s.hi, s.lo+a.lo)
}

func (a dd) mul(b dd) dd {
	p := twoProd(a.hi, b.hi)
	return quickSum(p.hi, p.lo+(float64(a.hi*b.lo)+float64(a.lo*b.hi)))
}

func (a dd) mulFloat(b float64) dd {
	p := twoProd(a.hi, b)
	return quickSum(p.hi, p.lo+float64(a.lo*b))
}

func (a dd) div(b dd) dd {
	q1 := a.hi / b.hi
	r := a.sub(b.mulFloat(q1))
	q2 := r.hi / b.hi
	r = r.sub(b.mulFloat(q2))
	return quickSum(q1, q2).addFloat(r.hi / b.hi)
}

// scale multiplies by a power of two, exactly.
func (a dd) scale(f float64) dd { return dd{a.hi * f, a.lo * f} }

func (a dd) neg() dd { return dd{-a.hi, -a.lo} }

// round gives the nearest double.
func (a dd) round() float64 { return a.hi + a.lo }

var (
	ddOne  = dd{1, 0}
	ddLn2  = dd{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56}
	ddLn10 = dd{0x1.26bb1bbb55516p+1, -0x1.f48ad494ea3e9p-53}
	// ddInverse is 1/n!.
	ddInverse = func() (t [29]dd) {
		t[0] = ddOne
		for n := 1; n < len(t); n++ {
			t[n] = t[n-1].div(dd{float64(n), 0})
		}
		return t
	}()
)

// ddReciprocal is 1/n.
var ddReciprocal = func() (t [12]dd) {
	for n := 1; n < len(t); n++ {
		t[n] = ddOne.div(dd{float64(n), 0})
	}
	return t
}()

// expm1DD is e^x - 1 for |x| < 0.4: Taylor's series at x/64, and e^2x - 1 = p² + 2p six times over. The terms from the
// sixth on are below 2^-45 of the sum: a double holds them well enough.
func expm1DD(x dd) dd {
	r := x.scale(1.0 / 64)
	tail := ddInverse[10].hi
	for n := 9; n >= 5; n-- {
		tail = float64(tail*r.hi) + ddInverse[n].hi
	}
	p := ddInverse[4].addFloat(tail * r.hi)
	for n := 3; n >= 1; n-- {
		p = p.mul(r).add(ddInverse[n])
	}
	p = p.mul(r)
	for range 6 {
		p = p.scale(2).add(p.mul(p))
	}
	return p
}

// expDD is e^x as m · 2^k, for |x| < 800.
func expDD(x dd) (m dd, k int) {
	n := math.RoundToEven(x.hi / ddLn2.hi)
	r := x.sub(twoProd(n, ddLn2.hi)).sub(twoProd(n, ddLn2.lo))
	r = r.addFloat(-n * 0x1.7b57a079a1934p-111)
	return expm1DD(r).add(ddOne), int(n)
}

// ldexpDD rounds m · 2^k.
func ldexpDD(m dd, k int) float64 { return math.Ldexp(m.round(), k) }

// expPlain is m · 2^k of expDD as one number; it must be in range.
func expPlain(x dd) dd {
	m, k := expDD(x)
	return m.scale(math.Ldexp(1, k))
}

// logDD is the natural logarithm of a positive number. Near 1 it is the series of 2·atanh((x-1)/(x+1)); elsewhere a
// step of Newton's from the double's logarithm.
func logDD(x dd) dd {
	frac, k := math.Frexp(x.hi)
	if frac < math.Sqrt2/2 {
		k--
	}
	m := dd{math.Ldexp(x.hi, -k), math.Ldexp(x.lo, -k)}
	var l dd
	if d := m.hi - 1; math.Abs(d) < 1.0/1024 {
		s := m.addFloat(-1).div(m.addFloat(1))
		q := s.mul(s)
		l = dd{1.0 / 13, 0}
		for n := 11; n >= 1; n -= 2 {
			l = l.mul(q).add(ddReciprocal[n])
		}
		l = l.mul(s).scale(2)
	} else {
		y := math.Log(m.hi)
		e := m.mul(expm1DD(dd{-y, 0}).add(ddOne)).addFloat(-1)
		l = twoSum(y, 0).add(e).sub(e.mul(e).scale(0.5))
	}
	n := float64(k)
	return twoProd(n, ddLn2.hi).add(twoProd(n, ddLn2.lo)).add(l)
}

// halfPi is pi/2 in four doubles.
var halfPi = [4]float64{0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110, 0x1.4cf98e804177dp-164}

// sinCosMax is up to where an argument is reduced in dd.
const sinCosMax = 1 << 20

// sinCosDD is sine and cosine of |x| <= sinCosMax: the quarter turns are taken off with pi in four pieces, and both
// series summed for the rest.
func sinCosDD(x dd) (sin, cos dd) {
	n := math.RoundToEven(x.hi / halfPi[0])
	r := x
	for _, p := range halfPi {
		r = r.sub(twoProd(n, p))
	}
	q := r.mul(r).neg()
	sTail, cTail := ddInverse[27].hi, ddInverse[28].hi
	for k := 25; k >= 15; k -= 2 { // what is small against the sum
		sTail, cTail = float64(sTail*q.hi)+ddInverse[k].hi, float64(cTail*q.hi)+ddInverse[k+1].hi
	}
	s, c := ddInverse[13].addFloat(sTail*q.hi), ddInverse[14].addFloat(cTail*q.hi)
	for k := 11; k >= 1; k -= 2 {
		s, c = s.mul(q).add(ddInverse[k]), c.mul(q).add(ddInverse[k+1])
	}
	s, c = s.mul(r), c.mul(q).add(ddOne)
	switch int64(n) & 3 {
	case 1:
		return c, s.neg()
	case 2:
		return s.neg(), c.neg()
	case 3:
		return c.neg(), s
	}
	return s, c
}
