package expr

import (
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// at returns the slot of row i in a column that may have one slot for all rows.
func at(c *chunk.Column, i int) int {
	if c.Len() == 1 {
		return 0
	}
	return i
}

// prepare makes the node's scratch column ready for n rows of its type.
func (x *node) prepare(n int) *chunk.Column {
	functions.Prepare(&x.scratch, x.typ, n, 0)
	return &x.scratch
}

// setNull marks a row of the scratch column, using the node's bitmap again.
func (x *node) setNull(i, n int) {
	if x.scratch.Nulls == nil {
		words := (n + 63) / 64
		if cap(x.nulls) < words {
			x.nulls = make(chunk.Bitmap, words)
		}
		x.nulls = x.nulls[:words]
		clear(x.nulls)
		x.scratch.Nulls = x.nulls
	}
	x.scratch.Nulls.Set(i)
}

// evalLogic is AND (dominant false) and OR (dominant true). Per row: the dominant
// value if any argument has it, else the first error, else NULL if any, else its
// opposite.
func (p *Program) evalLogic(x *node, n int, dominant bool) *chunk.Column {
	plain := true
	for _, a := range x.args {
		v := p.eval(a)
		plain = plain && v.Nulls == nil && v.Errs == nil
	}
	out := x.prepare(n)
	if !plain {
		x.logicSlow(out, n, dominant)
		return out
	}
	b := out.Bools
	fill(b, !dominant)
	for _, a := range x.args {
		v := a.out.Bools
		switch {
		case len(v) == 1:
			if v[0] == dominant {
				fill(b, dominant)
			}
		case dominant:
			for i, t := range v[:len(b)] {
				b[i] = b[i] || t
			}
		default:
			for i, t := range v[:len(b)] {
				b[i] = b[i] && t
			}
		}
	}
	return out
}

func (x *node) logicSlow(out *chunk.Column, n int, dominant bool) {
	for i := range n {
		decided, null := false, false
		var err error
		for _, a := range x.args {
			v := a.out
			j := at(v, i)
			if e := errAt(v, j); e != nil {
				if err == nil {
					err = e
				}
			} else if v.Nulls.Get(j) {
				null = true
			} else if v.Bools[j] == dominant {
				decided = true
				break
			}
		}
		switch {
		case decided:
			out.Bools[i] = dominant
		case err != nil:
			out.Errs = append(out.Errs, chunk.RowError{Row: i, Err: err})
		case null:
			x.setNull(i, n)
		default:
			out.Bools[i] = !dominant
		}
	}
}

func errAt(c *chunk.Column, i int) error {
	if c.Errs == nil {
		return nil
	}
	return c.ErrAt(i)
}

func (p *Program) evalNot(x *node, n int) *chunk.Column {
	v := p.eval(x.args[0])
	out := x.prepare(n)
	for i, t := range v.Bools {
		out.Bools[i] = !t
	}
	out.Nulls, out.Errs = v.Nulls, v.Errs
	return out
}

func (p *Program) evalIsNull(x *node, n int) *chunk.Column {
	v := p.eval(x.args[0])
	out := x.prepare(n)
	if v.Nulls != nil {
		for i := range out.Bools {
			out.Bools[i] = v.Nulls.Get(i)
		}
	}
	out.Errs = v.Errs
	return out
}

// evalIs is IS TRUE and IS FALSE.
func (p *Program) evalIs(x *node, n int, want bool) *chunk.Column {
	v := p.eval(x.args[0])
	out := x.prepare(n)
	for i, t := range v.Bools {
		out.Bools[i] = t == want && !v.Nulls.Get(i)
	}
	out.Errs = v.Errs
	return out
}

// evalDistinct is IS DISTINCT FROM. NULLs are dealt with here; what is left is not equal.
func (p *Program) evalDistinct(x *node, n int) *chunk.Column {
	a, b := p.eval(x.args[0]), p.eval(x.args[1])
	out := x.prepare(n)
	if x.call.Fn != nil {
		c := &x.call
		c.Ctx, c.Args[0], c.Args[1] = p.ctx, a, b
		if c.Out == nil {
			c.Out = new(chunk.Column)
		}
		c.Run(n, types.Bool)
		for i, eq := range c.Out.Bools {
			out.Bools[i] = !eq
		}
		out.Errs = c.Out.Errs
	} else {
		cmp := chunk.CompareFor(x.args[0].typ)
		for i := range n {
			out.Bools[i] = cmp(a, at(a, i), b, at(b, i)) != 0
		}
		out.Errs = mergeErrs(a, b, n)
	}
	if a.Nulls != nil || b.Nulls != nil {
		for i := range n {
			x, y := a.Nulls.Get(at(a, i)), b.Nulls.Get(at(b, i))
			if x || y {
				out.Bools[i] = x != y
			}
		}
	}
	return out
}

// mergeErrs returns the errors of a and b by row, a's winning.
func mergeErrs(a, b *chunk.Column, n int) []chunk.RowError {
	if a.Errs == nil && b.Errs == nil {
		return nil
	}
	var errs []chunk.RowError
	for i := range n {
		e := a.ErrAt(at(a, i))
		if e == nil {
			e = b.ErrAt(at(b, i))
		}
		if e != nil {
			errs = append(errs, chunk.RowError{Row: i, Err: e})
		}
	}
	return errs
}

// evalNullIf is Args[0], or NULL where Fn(Args[0], Args[1]) is true.
func (p *Program) evalNullIf(x *node, n int) *chunk.Column {
	a, b := p.eval(x.args[0]), p.eval(x.args[1])
	c := &x.call
	c.Ctx, c.Args[0], c.Args[1] = p.ctx, a, b
	if c.Out == nil {
		c.Out = new(chunk.Column)
	}
	c.Run(n, types.Bool)
	v := a
	if a.Len() != n {
		broadcast(&x.scratch, a, n)
		v = &x.scratch
	}
	out := new(chunk.Column)
	*out = *v
	out.Type = x.typ
	out.Errs = c.Out.Errs
	out.Nulls = v.Nulls.Clone()
	for i, eq := range c.Out.Bools {
		if eq && !c.Out.Nulls.Get(i) && errAt(c.Out, i) == nil {
			out.Nulls = out.Nulls.Grow(n)
			out.Nulls.Set(i)
		}
	}
	for _, e := range out.Errs {
		if out.Nulls != nil {
			out.Nulls.Clear(e.Row)
		}
	}
	return out
}
