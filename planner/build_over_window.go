package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// overWindow builds window functions: what they read becomes columns, and the rows of a
// partition meet in one worker.
func (p *builder) overWindow(n *logical.OverWindow, need logical.ColSet) *built {
	keep := need.Intersect(logical.SetOf(n.Input.Cols()...)).Union(logical.SetOf(n.Partition...))
	for _, k := range n.Order {
		keep.Add(k.Col)
	}
	below := keep.Union(logical.ColSet{})
	w := &windowExprs{}
	calls := make([]physical.WindowCall, len(n.Calls))
	for i := range n.Calls {
		calls[i] = w.call(&n.Calls[i])
	}
	for _, e := range w.list {
		below.AddSet(logical.Refs(e))
	}
	in, ids := p.computed(p.build(n.Input, below), w.list, keep)
	if len(n.Partition) > 0 {
		in = p.exchangeHash(in, n.Partition)
	} else {
		in = p.exchangeSingle(in)
	}
	spec := &physical.OverWindow{Calls: calls, Partition: p.positions(n.Partition, in.cols), WindowEnd: -1}
	for _, k := range n.Order {
		spec.Order = append(spec.Order, physical.OrderKey{Col: in.at(k.Col), Desc: k.Desc, NullsFirst: k.NullsFirst})
	}
	place := func(i int) int {
		if i < 0 {
			return i
		}
		return in.at(ids[i])
	}
	cols := slices.Clone(in.cols)
	for i := range calls {
		c := &calls[i]
		for k, a := range c.Args {
			c.Args[k] = place(a)
		}
		c.Filter, c.Frame.Key = place(c.Filter), place(c.Frame.Key)
		c.Frame.Start.Col, c.Frame.End.Col = place(c.Frame.Start.Col), place(c.Frame.End.Col)
		cols = append(cols, n.Calls[i].Col)
	}
	return p.add(physical.Node{Kind: physical.KindOverWindow, Inputs: []int{in.idx}, OverWindow: spec}, cols, in.dist)
}

// windowExprs lists the expressions that window functions need as columns; until these
// are placed, a column of a call is a position in the list.
type windowExprs struct{ list []*expr.Expr }

func (w *windowExprs) add(e *expr.Expr) int {
	if e == nil {
		return -1
	}
	w.list = append(w.list, e)
	return len(w.list) - 1
}

// call writes a call down over the list.
func (w *windowExprs) call(c *logical.WindowCall) physical.WindowCall {
	out := physical.WindowCall{Fn: c.Fn, Type: c.Type, Filter: w.add(c.Filter)}
	counts := functions.ByID(c.Fn).Window != functions.WindowNone
	for k, a := range c.Args {
		if counts && takesCount(c.Fn, k) && a.IsConst() && !a.Val.Null {
			if out.Const == nil {
				out.Const = make([]*int64, len(c.Args))
			}
			v := a.Val.I
			out.Const[k] = &v
			out.Args = append(out.Args, -1)
			continue
		}
		out.Args = append(out.Args, w.add(a))
	}
	f := &c.Frame
	out.Frame = physical.Frame{Mode: f.Mode, Exclude: f.Exclude, Key: w.add(f.Key), Start: w.bound(f, f.Start), End: w.bound(f, f.End)}
	return out
}

// takesCount tells whether argument k of a window function is a number of rows.
func takesCount(fn string, k int) bool {
	switch functions.ByID(fn).Window {
	case functions.WindowNtile:
		return k == 0
	case functions.WindowLag, functions.WindowLead, functions.WindowNthValue:
		return k == 1
	}
	return false
}

func (w *windowExprs) bound(f *logical.Frame, b logical.FrameBound) physical.FrameBound {
	out := physical.FrameBound{Kind: b.Kind, Col: -1}
	if b.Offset == nil {
		return out
	}
	if f.Mode != physical.FrameRange && b.Offset.IsConst() && b.Offset.Type.Kind == types.KindInt8 {
		out.Offset = b.Offset.Val.I
		return out
	}
	out.Col = w.add(b.Offset)
	return out
}
