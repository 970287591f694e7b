package functions

import (
	"math"

	"streamdb/sql/types"
)

// floatFuncs is arithmetic on real and double precision. A real result is rounded to
// float32 each time, as PostgreSQL does; products are never fused with sums, so that
// every machine computes the same bits.
func floatFuncs() []*Function {
	var fs []*Function
	kinds := []string{"float4", "float8"}
	for _, a := range kinds {
		for _, b := range kinds {
			ret := max(a, b)
			sig := a + "," + b + "->" + ret
			fs = append(fs, scalar("+", sig, addFloats), scalar("-", sig, subFloats),
				scalar("*", sig, mulFloats), scalar("/", sig, divFloats))
		}
		sig := a + "->" + a
		fs = append(fs, scalar("-", sig, negFloats), scalar("+", sig, identity),
			scalar("@", sig, absFloats), scalar("abs", sig, absFloats))
	}
	return fs
}

// roundFloat4 makes the values of a real result exactly float32-representable and
// reports the rows that left its range; finite says by row whether the exact result was.
func roundFloat4(c *Call, zeroOK func(i int) bool) {
	if c.Out.Type.Kind != types.KindFloat4 {
		return
	}
	for i, v := range c.Out.Floats {
		r := float64(float32(v))
		c.Out.Floats[i] = r
		if math.IsInf(r, 0) && !math.IsInf(v, 0) {
			c.Fail(i, errFloatOver)
		} else if r == 0 && v != 0 && !zeroOK(i) {
			c.Fail(i, errFloatUnder)
		}
	}
}

func never(int) bool { return false }

func isInf(v float64) bool { return v > math.MaxFloat64 || v < -math.MaxFloat64 }

func addFloats(c *Call) {
	a, b, out := c.floats(0), c.floats(1), c.Out.Floats
	for i := range out {
		x, y := a.at(i), b.at(i)
		v := x + y
		out[i] = v
		if isInf(v) && !isInf(x) && !isInf(y) {
			c.Fail(i, errFloatOver)
		}
	}
	roundFloat4(c, never)
}

func subFloats(c *Call) {
	a, b, out := c.floats(0), c.floats(1), c.Out.Floats
	for i := range out {
		x, y := a.at(i), b.at(i)
		v := x - y
		out[i] = v
		if isInf(v) && !isInf(x) && !isInf(y) {
			c.Fail(i, errFloatOver)
		}
	}
	roundFloat4(c, never)
}

func mulFloats(c *Call) {
	a, b, out := c.floats(0), c.floats(1), c.Out.Floats
	for i := range out {
		x, y := a.at(i), b.at(i)
		v := float64(x * y)
		out[i] = v
		if isInf(v) && !isInf(x) && !isInf(y) {
			c.Fail(i, errFloatOver)
		} else if v == 0 && x != 0 && y != 0 {
			c.Fail(i, errFloatUnder)
		}
	}
	roundFloat4(c, never)
}

func divFloats(c *Call) {
	a, b, out := c.floats(0), c.floats(1), c.Out.Floats
	for i := range out {
		x, y := a.at(i), b.at(i)
		if y == 0 && x == x {
			c.Fail(i, errDivZero)
			continue
		}
		v := x / y
		out[i] = v
		if isInf(v) && !isInf(x) {
			c.Fail(i, errFloatOver)
		} else if v == 0 && x != 0 && !isInf(y) {
			c.Fail(i, errFloatUnder)
		}
	}
	roundFloat4(c, never)
}

func negFloats(c *Call) {
	a, out := c.floats(0), c.Out.Floats
	for i := range out {
		out[i] = -a.at(i)
	}
}

func absFloats(c *Call) {
	a, out := c.floats(0), c.Out.Floats
	for i := range out {
		out[i] = math.Abs(a.at(i))
	}
}
