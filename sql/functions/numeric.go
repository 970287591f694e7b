package functions

import (
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// nums reads numeric arguments.
type nums struct {
	s     []types.Num
	bytes []byte
	mask  int
}

func (c *Call) nums(arg int) nums {
	a := c.Args[arg]
	if len(a.Nums) == 1 {
		return nums{a.Nums, a.Bytes, 0}
	}
	return nums{a.Nums, a.Bytes, -1}
}

func (n nums) at(i int) types.Num { return n.s[i&n.mask] }

// dec returns row i with its big coefficient, if it has one.
func (n nums) dec(i int) types.Dec { return types.DecOf(n.s[i&n.mask], n.bytes) }

// setDec stores a numeric result.
func (c *Call) setDec(i int, d types.Dec) {
	c.Out.Nums[i], c.Out.Bytes = d.Put(c.Out.Bytes)
}

// eachDec fills a numeric output row by row.
func (c *Call) eachDec(f func(i int) (types.Dec, error)) {
	for i := range c.N {
		if c.Skip.Get(i) {
			continue
		}
		d, err := f(i)
		if err != nil {
			c.Fail(i, err)
			continue
		}
		c.setDec(i, d)
	}
}

func numericFuncs() []*Function {
	two := "numeric,numeric->numeric"
	fs := []*Function{
		scalar("+", two, numericOp(types.AddNum, types.AddDec)),
		scalar("-", two, numericOp(types.SubNum, types.SubDec)),
		scalar("*", two, numericOp(types.MulNum, types.MulDec)),
		scalar("/", two, numericOp(types.DivNum, types.DivDec)),
		scalar("%", two, numericOp(nil, types.ModDec)), scalar("mod", two, numericOp(nil, types.ModDec)),
		scalar("^", two, numericOp(nil, types.PowerDec)), scalar("power", two, numericOp(nil, types.PowerDec)),
		scalar("pow", two, numericOp(nil, types.PowerDec)).withID("func_pow_numeric_numeric"),
		scalar("div", two, numericOp(nil, types.DivTruncDec)).withID("func_div_numeric_numeric"),
		scalar("log", two, numericOp(nil, types.LogDec)),
		scalar("gcd", two, numericOp(nil, gcdDec)), scalar("lcm", two, numericOp(nil, lcmDec)),
		numericFn("-", func(a types.Dec) (types.Dec, error) { return types.NegDec(a), nil }),
		numericFn("+", func(a types.Dec) (types.Dec, error) { return a, nil }),
		numericFn("@", func(a types.Dec) (types.Dec, error) { return types.AbsDec(a), nil }),
		numericFn("abs", func(a types.Dec) (types.Dec, error) { return types.AbsDec(a), nil }),
		numericFn("sqrt", types.SqrtDec), numericFn("exp", types.ExpDec), numericFn("ln", types.LnDec),
		numericFn("log", types.Log10Dec), numericFn("log10", types.Log10Dec),
		numericFn("ceil", types.CeilDec), numericFn("ceiling", types.CeilDec), numericFn("floor", types.FloorDec),
		numericFn("sign", func(a types.Dec) (types.Dec, error) {
			if a.N.Form == types.NumNaN {
				return a, nil
			}
			return types.DecInt(int64(a.Sign())), nil
		}),
		numericFn("round", func(a types.Dec) (types.Dec, error) { return types.RoundDec(a, 0) }),
		numericFn("trunc", func(a types.Dec) (types.Dec, error) { return types.TruncDec(a, 0) }),
		numericFn("trim_scale", func(a types.Dec) (types.Dec, error) { return types.NormalizeDec(a), nil }),
		scalar("round", "numeric,int4->numeric", numericScale(types.RoundDec)),
		scalar("trunc", "numeric,int4->numeric", numericScale(types.TruncDec)),
		scalar("scale", "numeric->int4", decInt(func(a types.Dec) int32 { return a.Scale() })),
		scalar("min_scale", "numeric->int4", decInt(types.MinScaleDec)),
	}
	return append(fs, widthBucketFuncs()...)
}

// numericOp computes with inline values where fast can, else with slow.
func numericOp(fast func(a, b types.Num) (types.Num, bool), slow func(a, b types.Dec) (types.Dec, error)) Kernel {
	return func(c *Call) {
		a, b, out := c.nums(0), c.nums(1), c.Out.Nums
		for i := range out {
			x, y := a.at(i), b.at(i)
			if fast != nil && x.Form == types.NumInline && y.Form == types.NumInline {
				if v, ok := fast(x, y); ok {
					out[i] = v
					continue
				}
			}
			if c.Skip.Get(i) {
				continue
			}
			d, err := slow(a.dec(i), b.dec(i))
			if err != nil {
				c.Fail(i, err)
				continue
			}
			c.setDec(i, d)
		}
	}
}

func numericFn(name string, f func(a types.Dec) (types.Dec, error)) *Function {
	return scalar(name, "numeric->numeric", func(c *Call) {
		a := c.nums(0)
		c.eachDec(func(i int) (types.Dec, error) { return f(a.dec(i)) })
	})
}

func numericScale(f func(a types.Dec, scale int32) (types.Dec, error)) Kernel {
	return func(c *Call) {
		a, s := c.nums(0), c.ints(1)
		c.eachDec(func(i int) (types.Dec, error) { return f(a.dec(i), int32(max(-2000, min(s.at(i), 2000)))) })
	}
}

// decInt gives a property of finite numerics; NULL for NaN and infinities.
func decInt(f func(a types.Dec) int32) Kernel {
	return func(c *Call) {
		a, out := c.nums(0), c.Out.Ints
		for i := range out {
			if c.Skip.Get(i) {
				continue
			}
			if d := a.dec(i); d.N.IsSpecial() {
				c.SetNull(i)
			} else {
				out[i] = int64(f(d))
			}
		}
	}
}

func gcdDec(a, b types.Dec) (types.Dec, error) {
	if a.N.IsSpecial() || b.N.IsSpecial() {
		return types.Dec{N: types.Num{Form: types.NumNaN}}, nil
	}
	scale := max(a.Scale(), b.Scale())
	for b.Sign() != 0 {
		m, err := types.ModDec(a, b)
		if err != nil {
			return m, err
		}
		a, b = b, m
	}
	return types.RoundDec(types.AbsDec(a), scale)
}

func lcmDec(a, b types.Dec) (types.Dec, error) {
	if a.N.IsSpecial() || b.N.IsSpecial() {
		return types.Dec{N: types.Num{Form: types.NumNaN}}, nil
	}
	scale := max(a.Scale(), b.Scale())
	if a.Sign() == 0 || b.Sign() == 0 {
		return types.RoundDec(types.DecInt(0), scale)
	}
	g, err := gcdDec(a, b)
	if err != nil {
		return g, err
	}
	q, err := types.DivTruncDec(a, g)
	if err != nil {
		return q, err
	}
	p, err := types.MulDec(q, b)
	if err != nil {
		return p, err
	}
	return types.RoundDec(types.AbsDec(p), scale)
}

// cmpNums compares numerics, inline ones without leaving the loop.
func cmpNums(op CmpOp) Kernel {
	return func(c *Call) {
		a, b, out := c.nums(0), c.nums(1), c.Out.Bools
		for i := range out {
			x, y := a.at(i), b.at(i)
			if x.Form == types.NumInline && y.Form == types.NumInline && x.Scale == y.Scale {
				out[i] = op.Holds(compareInt(x.Coef, y.Coef))
				continue
			}
			if v, ok := types.CmpNum(x, y); ok {
				out[i] = op.Holds(v)
			} else if !c.Skip.Get(i) {
				out[i] = op.Holds(types.CmpDec(a.dec(i), b.dec(i)))
			}
		}
	}
}

func cmpIntervals(op CmpOp) Kernel {
	return func(c *Call) {
		a, b, out := newVec(c.Args[0].Ivls), newVec(c.Args[1].Ivls), c.Out.Bools
		for i := range out {
			out[i] = op.Holds(types.CmpInterval(a.at(i), b.at(i)))
		}
	}
}

// cmpColumns compares values by their type's SQL order (jsonb, arrays).
func cmpColumns(op CmpOp) Kernel {
	return func(c *Call) {
		a, b, out := c.Args[0], c.Args[1], c.Out.Bools
		cmp := chunk.CompareFor(a.Type)
		for i := range out {
			if !c.Skip.Get(i) {
				out[i] = op.Holds(cmp(a, slot(a, i), b, slot(b, i)))
			}
		}
	}
}
