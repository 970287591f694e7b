package functions

import (
	"math"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

func mathFuncs() []*Function {
	fs := []*Function{
		float8Fn("sqrt", sqrtFloat), float8Fn("|/", sqrtFloat), float8Fn("cbrt", plainFloat(exactCbrt)), float8Fn("||/", plainFloat(exactCbrt)),
		float8Fn("exp", expFloat), float8Fn("ln", lnFloat(exactLog)), float8Fn("log", lnFloat(exactLog10)), float8Fn("log10", lnFloat(exactLog10)),
		float8Fn("ceil", plainFloat(math.Ceil)), float8Fn("ceiling", plainFloat(math.Ceil)), float8Fn("floor", plainFloat(math.Floor)),
		float8Fn("round", plainFloat(math.RoundToEven)), float8Fn("trunc", plainFloat(math.Trunc)), float8Fn("sign", plainFloat(signFloat)),
		float8Fn("sin", finiteArg(exactSin)), float8Fn("cos", finiteArg(exactCos)), float8Fn("tan", finiteArg(exactTan)),
		float8Fn("cot", finiteArg(func(x float64) float64 { return 1 / exactTan(x) })),
		float8Fn("asin", unitArg(exactAsin)), float8Fn("acos", unitArg(exactAcos)), float8Fn("atan", plainFloat(exactAtan)),
		float8Fn("sinh", plainFloat(exactSinh)), float8Fn("cosh", plainFloat(exactCosh)), float8Fn("tanh", plainFloat(exactTanh)),
		float8Fn("asinh", plainFloat(exactAsinh)), float8Fn("acosh", acoshFloat), float8Fn("atanh", atanhFloat),
		float8Fn("degrees", plainFloat(func(x float64) float64 { return x / (math.Pi / 180) })),
		float8Fn("radians", plainFloat(func(x float64) float64 { return x * (math.Pi / 180) })),
		scalar("pi", "->float8", func(c *Call) { fillFloats(c.Out.Floats, math.Pi) }),
		scalar("random", "->float8", randomKernel).volatile(),
		scalar("setseed", "float8->void", refuse("setseed")).volatile(),
	}
	fs = append(fs, degreeFuncs()...)
	two := "float8,float8->float8"
	for _, name := range []string{"power", "^", "pow"} {
		f := scalar(name, two, powerFloats)
		if name == "pow" {
			f = f.withID("func_pow_float8_float8")
		}
		fs = append(fs, f)
	}
	return append(fs, scalar("atan2", two, twoFloats(exactAtan2)))
}

func fillFloats(out []float64, v float64) {
	for i := range out {
		out[i] = v
	}
}

// float8Fn makes a function of one double precision argument.
func float8Fn(name string, f func(float64) (float64, error)) *Function {
	return scalar(name, "float8->float8", func(c *Call) {
		a := c.floats(0)
		each(c, c.Out.Floats, func(i int) (float64, error) { return f(a.at(i)) })
	})
}

// twoFloats is the kernel of a function of two arguments that has no errors.
func twoFloats(f func(x, y float64) float64) Kernel {
	return func(c *Call) {
		a, b, out := c.floats(0), c.floats(1), c.Out.Floats
		for i := range out {
			out[i] = f(a.at(i), b.at(i))
		}
	}
}

// plainFloat reports overflow of a finite argument.
func plainFloat(f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		v := f(x)
		if isInf(v) && !isInf(x) {
			return 0, errFloatOver
		}
		return v, nil
	}
}

var (
	errInputRange = sqlerr.New(sqlerr.NumericValueOutOfRange, "input is out of range")
	errSqrtNeg    = sqlerr.New(sqlerr.InvalidArgumentForPower, "cannot take square root of a negative number")
	errLogZero    = sqlerr.New(sqlerr.InvalidArgumentForLogarithm, "cannot take logarithm of zero")
	errLogNeg     = sqlerr.New(sqlerr.InvalidArgumentForLogarithm, "cannot take logarithm of a negative number")
	errZeroPower  = sqlerr.New(sqlerr.InvalidArgumentForPower, "zero raised to a negative power is undefined")
	errNegPower   = sqlerr.New(sqlerr.InvalidArgumentForPower, "a negative number raised to a non-integer power yields a complex result")
)

func finiteArg(f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		if isInf(x) {
			return 0, errInputRange
		}
		return f(x), nil
	}
}

func unitArg(f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		if x < -1 || x > 1 {
			return 0, errInputRange
		}
		return f(x), nil
	}
}

func acoshFloat(x float64) (float64, error) {
	if x < 1 {
		return 0, errInputRange
	}
	return exactAcosh(x), nil
}

func atanhFloat(x float64) (float64, error) {
	if x < -1 || x > 1 {
		return 0, errInputRange
	}
	return exactAtanh(x), nil
}

func sqrtFloat(x float64) (float64, error) {
	if x < 0 {
		return 0, errSqrtNeg
	}
	return math.Sqrt(x), nil
}

func expFloat(x float64) (float64, error) {
	v := exactExp(x)
	if isInf(v) && !isInf(x) {
		return 0, errFloatOver
	}
	if v == 0 && !isInf(x) {
		return 0, errFloatUnder
	}
	return v, nil
}

func lnFloat(f func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		if x == 0 {
			return 0, errLogZero
		}
		if x < 0 {
			return 0, errLogNeg
		}
		return f(x), nil
	}
}

func signFloat(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

func powerFloats(c *Call) {
	a, b := c.floats(0), c.floats(1)
	each(c, c.Out.Floats, func(i int) (float64, error) {
		x, y := a.at(i), b.at(i)
		switch {
		case x != x || y != y:
			if x == 1 || y == 0 {
				return 1, nil
			}
			return math.NaN(), nil
		case x == 0 && y < 0:
			return 0, errZeroPower
		case x < 0 && !isInf(y) && math.Floor(y) != y:
			return 0, errNegPower
		}
		v := exactPow(x, y)
		if !isInf(x) && !isInf(y) {
			if isInf(v) {
				return 0, errFloatOver
			}
			if v == 0 && x != 0 {
				return 0, errFloatUnder
			}
		}
		return v, nil
	})
}

// refuse is the kernel of a function of PostgreSQL's that we name but do not have.
func refuse(name string) Kernel {
	err := sqlerr.New(sqlerr.FeatureNotSupported, "function %s is not supported", name)
	return func(c *Call) {
		for i := range c.N {
			c.Fail(i, err)
		}
	}
}

var errNoRandom = sqlerr.New(sqlerr.FeatureNotSupported, "random numbers are not available here")

func randomKernel(c *Call) {
	each(c, c.Out.Floats, func(int) (float64, error) {
		if c.Ctx == nil || c.Random == nil {
			return 0, errNoRandom
		}
		return float64(c.Random()>>11) / (1 << 53), nil
	})
}

func widthBucketFuncs() []*Function {
	return []*Function{
		scalar("width_bucket", "float8,float8,float8,int4->int4", widthBucketFloat),
		scalar("width_bucket", "numeric,numeric,numeric,int4->int4", widthBucketNumeric),
		scalar("width_bucket", "anycompatible,anycompatiblearray->int4", widthBucketArray),
	}
}

var (
	errBucketCount = sqlerr.New(sqlerr.InvalidArgumentForWidthBucket, "count must be greater than zero")
	errBucketNaN   = sqlerr.New(sqlerr.InvalidArgumentForWidthBucket, "operand, lower bound, and upper bound cannot be NaN")
	errBucketInf   = sqlerr.New(sqlerr.InvalidArgumentForWidthBucket, "lower and upper bounds must be finite")
	errBucketEqual = sqlerr.New(sqlerr.InvalidArgumentForWidthBucket, "lower bound cannot equal upper bound")
)

func widthBucketFloat(c *Call) {
	x, lo, hi, n := c.floats(0), c.floats(1), c.floats(2), c.ints(3)
	each(c, c.Out.Ints, func(i int) (int64, error) {
		v, l, h, k := x.at(i), lo.at(i), hi.at(i), n.at(i)
		switch {
		case k <= 0:
			return 0, errBucketCount
		case v != v || l != l || h != h:
			return 0, errBucketNaN
		case isInf(l) || isInf(h):
			return 0, errBucketInf
		case l == h:
			return 0, errBucketEqual
		}
		if l > h {
			v, l, h = -v, -l, -h
		}
		switch {
		case v < l:
			return 0, nil
		case v >= h:
			if k == math.MaxInt32 {
				return 0, errInt4Range
			}
			return k + 1, nil
		}
		return min(int64(float64(k)*((v-l)/(h-l)))+1, k), nil
	})
}

func widthBucketNumeric(c *Call) {
	x, lo, hi, n := c.nums(0), c.nums(1), c.nums(2), c.ints(3)
	each(c, c.Out.Ints, func(i int) (int64, error) {
		v, l, h, k := x.dec(i), lo.dec(i), hi.dec(i), n.at(i)
		nan := types.NumNaN
		switch {
		case k <= 0:
			return 0, errBucketCount
		case v.N.Form == nan || l.N.Form == nan || h.N.Form == nan:
			return 0, errBucketNaN
		case l.N.IsSpecial() || h.N.IsSpecial():
			return 0, errBucketInf
		}
		order := types.CmpDec(l, h)
		switch {
		case order == 0:
			return 0, errBucketEqual
		case order > 0:
			v, l, h = types.NegDec(v), types.NegDec(l), types.NegDec(h)
		}
		if types.CmpDec(v, l) < 0 {
			return 0, nil
		}
		if types.CmpDec(v, h) >= 0 {
			if k == math.MaxInt32 {
				return 0, errInt4Range
			}
			return k + 1, nil
		}
		return bucketDec(v, l, h, k)
	})
}

// bucketDec is floor((v-l)·k / (h-l)) + 1.
func bucketDec(v, l, h types.Dec, k int64) (int64, error) {
	d, err := types.SubDec(v, l)
	if err != nil {
		return 0, err
	}
	if d, err = types.MulDec(d, types.DecInt(k)); err != nil {
		return 0, err
	}
	w, err := types.SubDec(h, l)
	if err != nil {
		return 0, err
	}
	if d, err = types.DivTruncDec(d, w); err != nil {
		return 0, err
	}
	b, err := types.DecToInt8(d)
	return b + 1, err
}
