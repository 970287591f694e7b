package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/expr"
)

// asofJoin builds an ASOF join. The right side keeps all of its columns, by which ties
// are broken.
func (p *builder) asofJoin(n *logical.AsofJoin, need logical.ColSet) *built {
	k := splitJoin(n.On, logical.SetOf(n.Left.Cols()...), logical.SetOf(n.Right.Cols()...))
	l, lk := p.timeSide(n.Left, need, append(slices.Clone(k.left), n.LeftTime))
	r, rk := p.timeSide(n.Right, logical.SetOf(n.Right.Cols()...), append(slices.Clone(k.right), n.RightTime))
	last := len(lk) - 1
	lt, rt := lk[last], rk[last]
	lk, rk = lk[:last], rk[:last]
	l, r, dist := p.joinExchanges(n.Type, l, r, lk, rk)
	out, cols := joinOutput(l, r, need)
	a := &physical.AsofJoin{Type: n.Type, LeftKeys: p.positions(lk, l.cols), RightKeys: p.positions(rk, r.cols),
		LeftTime: l.at(lt), RightTime: r.at(rt), Op: n.Op, Output: out}
	return p.add(physical.Node{Kind: physical.KindAsofJoin, Inputs: []int{l.idx, r.idx}, AsofJoin: a}, cols, keepDist(dist, cols))
}

// lookupJoin builds a lookup join. The left side keeps the columns that pruning has left,
// by which its rows are found again.
func (p *builder) lookupJoin(n *logical.LookupJoin, need logical.ColSet) *built {
	k := splitJoin(n.On, logical.SetOf(n.Left.Cols()...), logical.SetOf(n.Right.Cols()...))
	l, lk := p.timeSide(n.Left, logical.SetOf(n.Left.Cols()...), k.left)
	r, rk := p.timeSide(n.Right, need, k.right)
	l, r, dist := p.joinExchanges(n.Type, l, r, lk, rk)
	out, cols := joinOutput(l, r, need)
	j := &physical.LookupJoin{Type: n.Type, LeftKeys: p.positions(lk, l.cols), RightKeys: p.positions(rk, r.cols), Output: out}
	return p.add(physical.Node{Kind: physical.KindLookupJoin, Inputs: []int{l.idx, r.idx}, LookupJoin: j}, cols, keepDist(dist, cols))
}

// timeSide builds a side with columns for its expressions.
func (p *builder) timeSide(n logical.Node, need logical.ColSet, es []*expr.Expr) (*built, []logical.ColID) {
	want := need.Intersect(logical.SetOf(n.Cols()...))
	below := want.Union(logical.ColSet{})
	for _, e := range es {
		below.AddSet(logical.Refs(e))
	}
	return p.computed(p.build(n, below), es, want)
}

// joinOutput picks the needed columns of left ++ right.
func joinOutput(l, r *built, need logical.ColSet) (at []int, cols []logical.ColID) {
	at = []int{}
	for i, id := range append(slices.Clone(l.cols), r.cols...) {
		if need.Has(id) && !slices.Contains(cols, id) {
			at, cols = append(at, i), append(cols, id)
		}
	}
	return at, cols
}
