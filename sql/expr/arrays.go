package expr

import (
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// evalArray builds, row by row, an array of the arguments.
func (p *Program) evalArray(x *node, n int) *chunk.Column {
	for _, a := range x.args {
		p.eval(a)
	}
	out := x.prepare(n)
	b := types.NewArrayBuilder(x.typ)
	for i := range n {
		b.Reset()
		var err error
		for _, a := range x.args {
			j := at(a.out, i)
			if e := errAt(a.out, j); e != nil && err == nil {
				err = e
			}
			b.Add(a.out.Datum(j))
		}
		if err != nil {
			out.Errs = append(out.Errs, chunk.RowError{Row: i, Err: err})
			continue
		}
		off := len(out.Bytes)
		out.Bytes = b.AppendTo(out.Bytes)
		out.Views[i] = chunk.View{Off: uint32(off), Len: uint32(len(out.Bytes) - off)}
	}
	return out
}

// evalAnyAll is Args[0] Fn ANY (Args[1]) and ALL: the elements of all rows are laid
// out in one column, compared in one call, and the results put together per row as
// OR and AND do.
func (p *Program) evalAnyAll(x *node, n int) *chunk.Column {
	left, arrs := p.eval(x.args[0]), p.eval(x.args[1])
	flat := chunk.NewColumn(arrs.Type.ElemType(), n)
	var owner []int32
	for i := range n {
		j := at(arrs, i)
		if arrs.Nulls.Get(j) || errAt(arrs, j) != nil {
			continue
		}
		a, ok := types.ReadArray(arrs.Type, types.BytesString(arrs.StringAt(j)))
		if !ok {
			continue
		}
		functions.AppendElements(flat, &a)
		for range a.Len() {
			owner = append(owner, int32(i))
		}
	}
	res := p.compareElements(x, left, flat, owner)
	out := x.prepare(n)
	dominant := x.op == OpAnyArray
	k := 0
	for i := range n {
		start := k
		for k < len(owner) && owner[k] == int32(i) {
			k++
		}
		j := at(arrs, i)
		switch e := firstErr(errAt(arrs, j), errAt(left, at(left, i))); {
		case e != nil:
			out.Errs = append(out.Errs, chunk.RowError{Row: i, Err: e})
		case arrs.Nulls.Get(j):
			x.setNull(i, n)
		default:
			x.reduce(res, start, k, i, n, dominant)
		}
	}
	return out
}

func firstErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// compareElements calls Fn for every element with its row's left side.
func (p *Program) compareElements(x *node, left, flat *chunk.Column, owner []int32) *chunk.Column {
	c := &x.call
	c.Out = new(chunk.Column)
	if len(owner) == 0 {
		return c.Out
	}
	l := left
	if left.Len() != 1 {
		l = new(chunk.Column)
		gatherInto(l, left, owner)
	}
	c.Ctx, c.Args[0], c.Args[1] = p.ctx, l, flat
	c.Run(len(owner), types.Bool)
	return c.Out
}

// reduce puts the results [lo, hi) together as row i's.
func (x *node) reduce(res *chunk.Column, lo, hi, i, n int, dominant bool) {
	null := false
	var err error
	for k := lo; k < hi; k++ {
		switch e := errAt(res, k); {
		case e != nil:
			err = firstErr(err, e)
		case res.Nulls.Get(k):
			null = true
		case res.Bools[k] == dominant:
			x.scratch.Bools[i] = dominant
			return
		}
	}
	switch {
	case err != nil:
		x.scratch.Errs = append(x.scratch.Errs, chunk.RowError{Row: i, Err: err})
	case null:
		x.setNull(i, n)
	default:
		x.scratch.Bools[i] = !dominant
	}
}
