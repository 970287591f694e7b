package expr

import (
	"slices"

	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// inList is the prepared right side of OpInList.
type inList struct {
	hasNull bool
	// ints is sorted, for integer kinds with an equality that compares slots.
	ints []int64
	// strs groups byte strings by length, for the kinds that are equal by their bytes.
	strs map[uint32]map[string]struct{}
	// consts is the constants as columns, when neither applies.
	consts []*chunk.Column
}

// linearMax is the longest list that is searched from the front.
const linearMax = 8

func (n *node) buildInList(e *Expr) error {
	l := &inList{}
	n.list = l
	_, isInt := n.call.Fn.Comparison()
	isStr := byteEqual(e.Args[0].Type) && byteEqual(e.Args[1].Type)
	for i, a := range e.Args[1:] {
		if !a.IsConst() {
			return sqlerr.Internal("IN list holds an expression that is not a constant")
		}
		switch {
		case a.Val.Null:
			l.hasNull = true
		case isInt:
			l.ints = append(l.ints, a.Val.I)
		case isStr:
			if l.strs == nil {
				l.strs = map[uint32]map[string]struct{}{}
			}
			k := uint32(len(a.Val.S))
			if l.strs[k] == nil {
				l.strs[k] = map[string]struct{}{}
			}
			l.strs[k][a.Val.S] = struct{}{}
		default:
			l.consts = append(l.consts, n.args[i+1].out)
		}
	}
	slices.Sort(l.ints)
	n.args = n.args[:1]
	n.call.Args = make([]*chunk.Column, 2)
	n.constant = n.args[0].constant
	return nil
}

// byteEqual reports whether values of t are equal in SQL exactly if their bytes are.
func byteEqual(t types.Type) bool {
	switch t.Kind {
	case types.KindText, types.KindVarchar, types.KindBytea, types.KindName:
		return true
	}
	return false
}

func (p *Program) evalInList(x *node, n int) *chunk.Column {
	v := p.eval(x.args[0])
	l := x.list
	out := x.prepare(n)
	switch {
	case l.consts != nil:
		p.inGeneric(x, v, n)
	case l.strs != nil:
		for i := range n {
			w := v.Views[i]
			if set := l.strs[w.Len]; set != nil {
				_, out.Bools[i] = set[string(v.Bytes[w.Off:w.Off+w.Len])]
			}
		}
	case len(l.ints) <= linearMax:
		for _, k := range l.ints {
			for i, a := range v.Ints[:n] {
				out.Bools[i] = out.Bools[i] || a == k
			}
		}
	default:
		for i, a := range v.Ints[:n] {
			_, out.Bools[i] = slices.BinarySearch(l.ints, a)
		}
	}
	for i := range n {
		if v.Nulls.Get(i) || l.hasNull && !out.Bools[i] {
			x.setNull(i, n)
		}
	}
	out.Errs = append(out.Errs, v.Errs...)
	functions.SortErrors(out)
	return out
}

// inGeneric calls the equality function once per constant.
func (p *Program) inGeneric(x *node, v *chunk.Column, n int) {
	c := &x.call
	for _, k := range x.list.consts {
		c.Ctx, c.Args[0], c.Args[1] = p.ctx, v, k
		if c.Out == nil {
			c.Out = new(chunk.Column)
		}
		c.Run(n, types.Bool)
		for i, eq := range c.Out.Bools {
			if eq && !c.Out.Nulls.Get(i) {
				x.scratch.Bools[i] = true
			}
		}
	}
}

// evalExtreme is GREATEST and LEAST: NULLs do not take part.
func (p *Program) evalExtreme(x *node, n int) *chunk.Column {
	for _, a := range x.args {
		p.eval(a)
	}
	cmp := chunk.CompareFor(x.typ)
	sign := 1
	if x.op == OpLeast {
		sign = -1
	}
	out := chunk.NewColumn(x.typ, n)
	for i := range n {
		best := -1
		var err error
		for k, a := range x.args {
			j := at(a.out, i)
			if e := errAt(a.out, j); e != nil {
				if err == nil {
					err = e
				}
			} else if !a.out.Nulls.Get(j) && (best < 0 || sign*cmp(a.out, j, x.args[best].out, at(x.args[best].out, i)) > 0) {
				best = k
			}
		}
		switch {
		case err != nil:
			out.AppendError(err)
		case best < 0:
			out.AppendNull()
		default:
			appendValue(out, x.args[best].out, at(x.args[best].out, i))
		}
	}
	return out
}

// appendValue appends row i of src to dst.
func appendValue(dst, src *chunk.Column, i int) {
	switch dst.Type.Class() {
	case types.ClassInt:
		dst.Ints = append(dst.Ints, src.Ints[i])
		if dst.Nulls != nil {
			dst.Nulls = dst.Nulls.Grow(len(dst.Ints))
		}
	case types.ClassFloat:
		dst.Floats = append(dst.Floats, src.Floats[i])
		if dst.Nulls != nil {
			dst.Nulls = dst.Nulls.Grow(len(dst.Floats))
		}
	case types.ClassBytes:
		dst.AppendBytes(src.StringAt(i))
	default:
		dst.AppendDatum(src.Datum(i))
	}
}
