package planner

import (
	"slices"

	"streamdb/planner/physical"
)

// asofJoin promises the left side's key, for a row has one partner at most, and, where
// partners come from before and none are taken back, that results below both sides'
// watermarks stay.
func (a *annotator) asofJoin(n *physical.Node) {
	l, r := a.in(n, 0), a.in(n, 1)
	j := n.AsofJoin
	left := func(c int) int { return slices.Index(j.Output, c) }
	n.StreamKey = wholeKey(l.StreamKey, left)
	settles := physical.Settles(a.plan.Nodes, n.Inputs[0]) && physical.Settles(a.plan.Nodes, n.Inputs[1])
	if w := left(j.LeftTime); w >= 0 && settles && j.Op.Backward() &&
		slices.Contains(l.Watermarks, j.LeftTime) && slices.Contains(r.Watermarks, j.RightTime) {
		n.Watermarks = []int{w}
	}
}

// lookupJoin promises what the left side does: what a row was given stays.
func (a *annotator) lookupJoin(i int, n *physical.Node) {
	l := a.in(n, 0)
	j := n.LookupJoin
	left := func(c int) int { return slices.Index(j.Output, c) }
	n.AppendOnly = l.AppendOnly
	n.Watermarks = through(l.Watermarks, left)
	a.ends[i] = through(a.ends[n.Inputs[0]], left)
	if r := a.in(n, 1); isKey(r.StreamKey, j.RightKeys) {
		n.StreamKey = wholeKey(l.StreamKey, left)
	}
}
