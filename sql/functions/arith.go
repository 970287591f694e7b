package functions

import (
	"math"
	"math/bits"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// The errors of arithmetic, shared by all rows that have them.
var (
	errDivZero      = sqlerr.New(sqlerr.DivisionByZero, "division by zero")
	errInt2Range    = sqlerr.New(sqlerr.NumericValueOutOfRange, "smallint out of range")
	errInt4Range    = sqlerr.New(sqlerr.NumericValueOutOfRange, "integer out of range")
	errInt8Range    = sqlerr.New(sqlerr.NumericValueOutOfRange, "bigint out of range")
	errQChar        = sqlerr.New(sqlerr.NumericValueOutOfRange, "\"char\" out of range")
	errOIDRange     = sqlerr.New(sqlerr.NumericValueOutOfRange, "OID out of range")
	errFloatOver    = sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: overflow")
	errFloatUnder   = sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: underflow")
	errNumericRange = sqlerr.New(sqlerr.NumericValueOutOfRange, "value overflows numeric format")
)

// intRangeErr returns the overflow error of an integer kind.
func intRangeErr(k types.Kind) error {
	switch k {
	case types.KindInt2:
		return errInt2Range
	case types.KindInt4:
		return errInt4Range
	}
	return errInt8Range
}

// widerInt is the result type of integer arithmetic.
func widerInt(a, b string) string { return max(a, b) } // int2 < int4 < int8

func arithFuncs() []*Function {
	var fs []*Function
	ints := []string{"int2", "int4", "int8"}
	for _, a := range ints {
		for _, b := range ints {
			sig := a + "," + b + "->" + widerInt(a, b)
			wide := widerInt(a, b) == "int8"
			fs = append(fs, scalar("+", sig, pickInt(wide, addInt8, addSmall)),
				scalar("-", sig, pickInt(wide, subInt8, subSmall)),
				scalar("*", sig, pickInt(wide, mulInt8, mulSmall)),
				scalar("/", sig, divInts))
		}
		sig1, sig2 := a+"->"+a, a+","+a+"->"+a
		fs = append(fs, scalar("%", sig2, modInts), scalar("mod", sig2, modInts),
			scalar("-", sig1, negInts), scalar("+", sig1, identity),
			scalar("@", sig1, absInts), scalar("abs", sig1, absInts),
			scalar("&", sig2, bitInts(func(x, y int64) int64 { return x & y })),
			scalar("|", sig2, bitInts(func(x, y int64) int64 { return x | y })),
			scalar("#", sig2, bitInts(func(x, y int64) int64 { return x ^ y })),
			scalar("~", sig1, notInts).withID("bitnot_"+a),
			scalar("<<", a+",int4->"+a, shiftInts(a, true)),
			scalar(">>", a+",int4->"+a, shiftInts(a, false)))
		if a != "int2" {
			fs = append(fs, scalar("gcd", sig2, gcdInts), scalar("lcm", sig2, lcmInts))
		}
	}
	return append(fs, floatFuncs()...)
}

func pickInt(wide bool, w, small Kernel) Kernel {
	if wide {
		return w
	}
	return small
}

// identity passes its argument's values on.
func identity(c *Call) {
	switch c.Out.Type.Class() {
	case types.ClassInt:
		a := c.ints(0)
		for i := range c.Out.Ints {
			c.Out.Ints[i] = a.at(i)
		}
	case types.ClassFloat:
		a := c.floats(0)
		for i := range c.Out.Floats {
			c.Out.Floats[i] = a.at(i)
		}
	}
}

// rangeCheck fails the rows of a small integer result that left its range.
func rangeCheck(c *Call) {
	lo, hi := int64(math.MinInt32), int64(math.MaxInt32)
	if c.Out.Type.Kind == types.KindInt2 {
		lo, hi = math.MinInt16, math.MaxInt16
	}
	err := intRangeErr(c.Out.Type.Kind)
	for i, v := range c.Out.Ints {
		if v < lo || v > hi {
			c.Fail(i, err)
		}
	}
}

// leaves accumulates, bit by bit, whether a result left 32 (or 16) bits.
func leaves(bad, v int64, shift uint) int64 { return bad | (v ^ v<<shift>>shift) }

func smallShift(k types.Kind) uint {
	if k == types.KindInt2 {
		return 48
	}
	return 32
}

func addSmall(c *Call) {
	a, b, out := c.Args[0].Ints, c.Args[1].Ints, c.Out.Ints
	shift, bad := smallShift(c.Out.Type.Kind), int64(0)
	if len(a) == 1 {
		a, b = b, a
	}
	if len(b) == 1 {
		k := b[0]
		a = a[:len(out)]
		for i := range out {
			v := a[i] + k
			out[i], bad = v, leaves(bad, v, shift)
		}
	} else {
		a, b = a[:len(out)], b[:len(out)]
		for i := range out {
			v := a[i] + b[i]
			out[i], bad = v, leaves(bad, v, shift)
		}
	}
	if bad != 0 {
		rangeCheck(c)
	}
}

func subSmall(c *Call) {
	a, b, out := c.ints(0), c.ints(1), c.Out.Ints
	shift, bad := smallShift(c.Out.Type.Kind), int64(0)
	for i := range out {
		v := a.at(i) - b.at(i)
		out[i], bad = v, leaves(bad, v, shift)
	}
	if bad != 0 {
		rangeCheck(c)
	}
}

func mulSmall(c *Call) {
	a, b, out := c.ints(0), c.ints(1), c.Out.Ints
	shift, bad := smallShift(c.Out.Type.Kind), int64(0)
	for i := range out {
		v := a.at(i) * b.at(i)
		out[i], bad = v, leaves(bad, v, shift)
	}
	if bad != 0 {
		rangeCheck(c)
	}
}

func addInt8(c *Call) {
	a, b, out := c.Args[0].Ints, c.Args[1].Ints, c.Out.Ints
	bad := int64(0)
	if len(a) == 1 {
		a, b = b, a
	}
	if len(b) == 1 {
		k := b[0]
		a = a[:len(out)]
		for i := range out {
			x := a[i]
			v := x + k
			out[i] = v
			bad |= (x ^ v) & (k ^ v)
		}
	} else {
		a, b = a[:len(out)], b[:len(out)]
		for i := range out {
			x, y := a[i], b[i]
			v := x + y
			out[i] = v
			bad |= (x ^ v) & (y ^ v)
		}
	}
	if bad >= 0 {
		return
	}
	x, y := newVec(a), newVec(b)
	for i, v := range out {
		if (x.at(i)^v)&(y.at(i)^v) < 0 {
			c.Fail(i, errInt8Range)
		}
	}
}

func subInt8(c *Call) {
	a, b, out := c.ints(0), c.ints(1), c.Out.Ints
	bad := int64(0)
	for i := range out {
		x, y := a.at(i), b.at(i)
		v := x - y
		out[i] = v
		bad |= (x ^ y) & (x ^ v)
	}
	if bad >= 0 {
		return
	}
	for i, v := range out {
		x, y := a.at(i), b.at(i)
		if (x^y)&(x^v) < 0 {
			c.Fail(i, errInt8Range)
		}
	}
}

func mulInt8(c *Call) {
	a, b, out := c.ints(0), c.ints(1), c.Out.Ints
	for i := range out {
		x, y := a.at(i), b.at(i)
		v, ok := mulInt64(x, y)
		if !ok {
			c.Fail(i, errInt8Range)
		}
		out[i] = v
	}
}

// divInts truncates toward zero.
func divInts(c *Call) {
	a, b, out := c.ints(0), c.ints(1), c.Out.Ints
	k := c.Out.Type.Kind
	lo := int64(math.MinInt64)
	switch k {
	case types.KindInt2:
		lo = math.MinInt16
	case types.KindInt4:
		lo = math.MinInt32
	}
	for i := range out {
		x, y := a.at(i), b.at(i)
		switch y {
		case 0:
			c.Fail(i, errDivZero)
		case -1:
			if x == lo {
				c.Fail(i, intRangeErr(k))
			} else {
				out[i] = -x
			}
		default:
			out[i] = x / y
		}
	}
}

func modInts(c *Call) {
	a, b, out := c.ints(0), c.ints(1), c.Out.Ints
	for i := range out {
		x, y := a.at(i), b.at(i)
		switch y {
		case 0:
			c.Fail(i, errDivZero)
		case -1:
			out[i] = 0
		default:
			out[i] = x % y
		}
	}
}

func minOf(k types.Kind) int64 {
	switch k {
	case types.KindInt2:
		return math.MinInt16
	case types.KindInt4:
		return math.MinInt32
	}
	return math.MinInt64
}

func negInts(c *Call) {
	a, out, lo := c.ints(0), c.Out.Ints, minOf(c.Out.Type.Kind)
	for i := range out {
		x := a.at(i)
		if x == lo {
			c.Fail(i, intRangeErr(c.Out.Type.Kind))
		}
		out[i] = -x
	}
}

func absInts(c *Call) {
	a, out, lo := c.ints(0), c.Out.Ints, minOf(c.Out.Type.Kind)
	for i := range out {
		x := a.at(i)
		if x == lo {
			c.Fail(i, intRangeErr(c.Out.Type.Kind))
		}
		out[i] = max(x, -x)
	}
}

func bitInts(f func(x, y int64) int64) Kernel {
	return func(c *Call) {
		a, b, out := c.ints(0), c.ints(1), c.Out.Ints
		for i := range out {
			out[i] = f(a.at(i), b.at(i))
		}
	}
}

func notInts(c *Call) {
	a, out := c.ints(0), c.Out.Ints
	for i := range out {
		out[i] = ^a.at(i)
	}
}

// shiftInts shifts as PostgreSQL's machine does: the distance counts modulo the word
// (32 bits for smallint and integer) and the result is cut to the type.
func shiftInts(typ string, left bool) Kernel {
	return func(c *Call) {
		a, b, out := c.ints(0), c.ints(1), c.Out.Ints
		for i := range out {
			x, s := a.at(i), uint64(b.at(i))
			switch {
			case typ == "int8" && left:
				out[i] = x << (s & 63)
			case typ == "int8":
				out[i] = x >> (s & 63)
			case left && typ == "int4":
				out[i] = int64(int32(x) << (s & 31))
			case left:
				out[i] = int64(int16(int32(x) << (s & 31)))
			default:
				out[i] = int64(int32(x) >> (s & 31))
			}
		}
	}
}

func gcdInts(c *Call) {
	a, b, out := c.ints(0), c.ints(1), c.Out.Ints
	lo := minOf(c.Out.Type.Kind)
	for i := range out {
		g := gcd(a.at(i), b.at(i))
		if g == lo || g < 0 || (lo == math.MinInt32 && g > math.MaxInt32) {
			c.Fail(i, intRangeErr(c.Out.Type.Kind))
			continue
		}
		out[i] = g
	}
}

// gcd is never negative, but for MinInt64 when no smaller divisor exists.
func gcd(a, b int64) int64 {
	for b != 0 {
		if b == -1 {
			return 1
		}
		a, b = b, a%b
	}
	if a < 0 {
		a = -a
	}
	return a
}

func lcmInts(c *Call) {
	a, b, out := c.ints(0), c.ints(1), c.Out.Ints
	k := c.Out.Type.Kind
	for i := range out {
		x, y := a.at(i), b.at(i)
		if x == 0 || y == 0 {
			continue
		}
		v, ok := mulInt64(x/gcd(x, y), y)
		if v < 0 {
			v = -v
		}
		if !ok || v < 0 || (k == types.KindInt4 && v > math.MaxInt32) {
			c.Fail(i, intRangeErr(k))
			continue
		}
		out[i] = v
	}
}

// mulInt64 multiplies; ok is false when the product does not fit.
func mulInt64(a, b int64) (v int64, ok bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	hi -= uint64(a>>63)&uint64(b) + uint64(b>>63)&uint64(a)
	v = int64(lo)
	return v, int64(hi) == v>>63
}
