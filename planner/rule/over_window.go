package rule

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/sql/expr"
)

// pruneOverWindow leaves out the calls that nobody reads, and the node with the last.
func (c *Ctx) pruneOverWindow(n *logical.OverWindow, need logical.ColSet) logical.Node {
	w := *n
	w.Calls = nil
	for i := range n.Calls {
		if need.Has(n.Calls[i].Col) {
			w.Calls = append(w.Calls, n.Calls[i])
		}
	}
	below := need.Intersect(logical.SetOf(n.Input.Cols()...))
	if len(w.Calls) == 0 {
		c.fire("PruneColumns")
		return c.prune(n.Input, below)
	}
	below.AddSet(overWindowRefs(&w))
	w.Input = c.prune(n.Input, below)
	return &w
}

// overWindowRefs is the columns that a window reads.
func overWindowRefs(n *logical.OverWindow) logical.ColSet {
	refs := logical.SetOf(n.Partition...)
	for _, k := range n.Order {
		refs.Add(k.Col)
	}
	n.EachExpr(func(e *expr.Expr) { refs.AddSet(logical.Refs(e)) })
	return refs
}

// pullOverWindow pulls equalities through windows by partitioning also by their inner
// sides: the rows of one outer value are numbered by themselves.
func (c *Ctx) pullOverWindow(n *logical.OverWindow, free logical.ColSet) (logical.Node, []*expr.Expr, bool) {
	if overWindowRefs(n).Intersects(free) {
		return n, nil, false
	}
	return c.pullGrouped(n.Input, free, func(in logical.Node, group []logical.ColID) logical.Node {
		w := *n
		w.Input, w.Partition = in, append(slices.Clone(n.Partition), group...)
		return &w
	})
}

// pullSession pulls equalities through sessions in the same way.
func (c *Ctx) pullSession(n *logical.SessionWindow, free logical.ColSet) (logical.Node, []*expr.Expr, bool) {
	return c.pullGrouped(n.Input, free, func(in logical.Node, group []logical.ColID) logical.Node {
		w := *n
		w.Input, w.Partition = in, append(slices.Clone(n.Partition), group...)
		return &w
	})
}
