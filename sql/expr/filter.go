package expr

import (
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// conjunct is one part of a predicate of the form a AND b AND ….
type conjunct struct {
	prog *Program
	cols []int
	// A comparison of an integer column with a constant selects directly.
	direct bool
	op     functions.CmpOp
	col    int
	k      int64
}

// EvalFilter evaluates a predicate: sel lists the rows where it is true, rising, and
// errs those where it is an error. Both are valid until the next call. It decides
// conjunct by conjunct over what is left, which changes nothing in the result: as
// soon as an error shows up, the whole predicate is evaluated over all rows.
func (p *Program) EvalFilter(ctx *Ctx, in *chunk.Chunk) (sel []int32, errs []chunk.RowError) {
	if p.conjs == nil {
		p.conjs = p.conjuncts(p.root)
	}
	n := in.Rows
	if cap(p.sel) < n {
		p.sel = make([]int32, n)
	}
	rest, all := p.sel[:0], true
	for _, c := range p.conjs {
		var ok bool
		if rest, ok = p.narrow(ctx, in, c, rest, all); !ok {
			return p.filterWhole(ctx, in)
		}
		all = false
		if len(rest) == 0 {
			break
		}
	}
	return rest, nil
}

// conjuncts takes the predicate apart.
func (p *Program) conjuncts(x *node) []*conjunct {
	if x.op == OpAnd {
		var cs []*conjunct
		for _, a := range x.args {
			cs = append(cs, p.conjuncts(a)...)
		}
		return cs
	}
	c := &conjunct{prog: &Program{root: x.detached(), typ: types.Bool}, cols: x.columns(nil)}
	if x.op == OpCall && len(x.args) == 2 {
		c.setDirect(x)
	}
	return []*conjunct{c}
}

// setDirect recognises a comparison of an integer column with a literal.
func (c *conjunct) setDirect(x *node) {
	op, ok := x.call.Fn.Comparison()
	a, b := x.args[0], x.args[1]
	if ok && b.op == OpColumn && a.fixed {
		a, b, op = b, a, op.Swap()
	}
	if !ok || a.op != OpColumn || !b.fixed || b.out.Nulls != nil {
		return
	}
	c.direct, c.op, c.col, c.k = true, op, a.col, b.out.Ints[0]
}

// detached returns a deep copy of the node for another Program, without its state.
func (x *node) detached() *node {
	y := &node{op: x.op, typ: x.typ, col: x.col, constant: x.constant, fixed: x.fixed, list: x.list}
	if x.fixed {
		y.out = x.out
	}
	y.call.Fn = x.call.Fn
	y.call.Args = make([]*chunk.Column, len(x.call.Args))
	for _, a := range x.args {
		y.args = append(y.args, a.detached())
	}
	for _, a := range x.arms {
		y.arms = append(y.arms, arm{prog: &Program{root: a.prog.root.detached(), typ: a.prog.typ}, cols: a.cols})
	}
	return y
}

func (x *node) columns(cols []int) []int {
	if x.op == OpColumn {
		for _, c := range cols {
			if c == x.col {
				return cols
			}
		}
		return append(cols, x.col)
	}
	for _, a := range x.args {
		cols = a.columns(cols)
	}
	for _, a := range x.arms {
		cols = a.prog.root.columns(cols)
	}
	return cols
}

// narrow keeps the rows of rest (of the whole chunk, if all) where the conjunct is
// true; ok is false when it is an error somewhere.
func (p *Program) narrow(ctx *Ctx, in *chunk.Chunk, c *conjunct, rest []int32, all bool) (out []int32, ok bool) {
	if c.direct {
		col := in.Cols[c.col]
		if col.Errs != nil {
			return nil, false
		}
		if all {
			rest = selectAll(c.op, col.Ints[:in.Rows], c.k, p.sel[:in.Rows])
		} else {
			rest = selectSome(c.op, col.Ints, c.k, rest)
		}
		return dropNulls(rest, col.Nulls), true
	}
	if all {
		v := c.prog.evalShort(ctx, in)
		if v.Errs != nil {
			return nil, false
		}
		if v.Len() != in.Rows {
			if !v.Bools[0] || v.Nulls.Get(0) {
				return rest, true
			}
			rest = p.sel[:in.Rows]
			for i := range rest {
				rest[i] = int32(i)
			}
			return rest, true
		}
		return dropNulls(selectTrue(v.Bools, p.sel[:in.Rows]), v.Nulls), true
	}
	v := p.evalRest(ctx, in, c, rest)
	if v.Errs != nil {
		return nil, false
	}
	k := 0
	for i, r := range rest {
		j := at(v, i)
		rest[k] = r
		if v.Bools[j] && !v.Nulls.Get(j) {
			k++
		}
	}
	return rest[:k], true
}

// evalRest evaluates a conjunct over some of the rows.
func (p *Program) evalRest(ctx *Ctx, in *chunk.Chunk, c *conjunct, rest []int32) *chunk.Column {
	p.in, p.ctx = in, ctx
	v := p.evalArm(p.root, &arm{prog: c.prog, cols: c.cols}, subRows(rest, in.Rows))
	p.in = nil
	return v
}

// filterWhole evaluates the predicate as a value and splits rows by it.
func (p *Program) filterWhole(ctx *Ctx, in *chunk.Chunk) ([]int32, []chunk.RowError) {
	v := p.Eval(ctx, in)
	rest := p.sel[:0]
	e := v.Errs
	for i, t := range v.Bools {
		if len(e) > 0 && e[0].Row == i {
			e = e[1:]
		} else if t && !v.Nulls.Get(i) {
			rest = append(rest, int32(i))
		}
	}
	return rest, v.Errs
}

// selectTrue writes the positions of true to out without branching on the values.
func selectTrue(b []bool, out []int32) []int32 {
	k := 0
	for i, t := range b {
		out[k] = int32(i)
		if t {
			k++
		}
	}
	return out[:k]
}

func dropNulls(sel []int32, nulls chunk.Bitmap) []int32 {
	if nulls == nil {
		return sel
	}
	k := 0
	for _, r := range sel {
		sel[k] = r
		if !nulls.Get(int(r)) {
			k++
		}
	}
	return sel[:k]
}

// selectAll writes the rows of v that compare to k to out.
func selectAll(op functions.CmpOp, v []int64, k int64, out []int32) []int32 {
	n := 0
	switch op {
	case functions.CmpEQ:
		for i, x := range v {
			out[n] = int32(i)
			if x == k {
				n++
			}
		}
	case functions.CmpNE:
		for i, x := range v {
			out[n] = int32(i)
			if x != k {
				n++
			}
		}
	case functions.CmpLT:
		for i, x := range v {
			out[n] = int32(i)
			if x < k {
				n++
			}
		}
	case functions.CmpGE:
		for i, x := range v {
			out[n] = int32(i)
			if x >= k {
				n++
			}
		}
	case functions.CmpGT:
		for i, x := range v {
			out[n] = int32(i)
			if x > k {
				n++
			}
		}
	case functions.CmpLE:
		for i, x := range v {
			out[n] = int32(i)
			if x <= k {
				n++
			}
		}
	}
	return out[:n]
}

// selectSome keeps the rows of sel that compare to k.
func selectSome(op functions.CmpOp, v []int64, k int64, sel []int32) []int32 {
	n := 0
	for _, r := range sel {
		sel[n] = r
		x := v[r]
		c := 0
		if x < k {
			c = -1
		} else if x > k {
			c = 1
		}
		if op.Holds(c) {
			n++
		}
	}
	return sel[:n]
}
