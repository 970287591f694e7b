package planner

import (
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// fuseSessions lets an aggregation per session find the sessions itself, where it needs no
// rows for that: over an append-only input sessions only grow and merge, and so do the
// states of its aggregates. It reports whether it has changed the plan.
func fuseSessions(plan *physical.Plan) bool {
	uses := make([]int, len(plan.Nodes))
	for i := range plan.Nodes {
		for _, j := range plan.Nodes[i].Inputs {
			uses[j]++
		}
	}
	gone := make([]bool, len(plan.Nodes))
	fused := false
	for i := range plan.Nodes {
		n := &plan.Nodes[i]
		if n.Agg == nil || n.Agg.Hop != nil || n.Agg.Phase != physical.AggSingle {
			continue
		}
		j := n.Inputs[0]
		s := &plan.Nodes[j]
		if s.Kind != physical.KindSession || uses[j] != 1 {
			continue
		}
		if in := &plan.Nodes[s.Inputs[0]]; in.AppendOnly && perSession(n.Agg, s.SessionWindow, len(in.Schema)) && mergeableCalls(n.Agg.Calls, in.Schema) {
			fuseSession(n, s, len(in.Schema))
			gone[j], fused = true, true
		}
	}
	if fused {
		dropNodes(plan, gone)
	}
	return fused
}

// perSession tells whether g groups by exactly the keys of w's sessions and by the window,
// whose columns begin at k.
func perSession(g *physical.Agg, w *physical.SessionWindow, k int) bool {
	windows := 0
	for _, c := range g.Group {
		switch {
		case c >= k:
			windows++
		case !slices.Contains(w.Partition, c):
			return false
		}
	}
	for _, c := range w.Partition {
		if !slices.Contains(g.Group, c) {
			return false
		}
	}
	return windows > 0
}

// mergeableCalls tells whether the states of all calls, over input columns, add up.
func mergeableCalls(calls []physical.AggCall, in []types.Type) bool {
	for i := range calls {
		c := &calls[i]
		if c.Distinct || len(c.Order) > 0 || c.Filter >= len(in) || len(c.Args) > 1 {
			return false
		}
		whole := true // the argument is of an integer class
		for _, a := range c.Args {
			if a < 0 || a >= len(in) {
				return false
			}
			whole = in[a].Class() == types.ClassInt
		}
		switch functions.ByID(c.Fn).Agg.Kind {
		case functions.AggCountStar, functions.AggCount, functions.AggBoolAnd, functions.AggBoolOr:
		case functions.AggSum, functions.AggAvg, functions.AggMin, functions.AggMax:
			if !whole {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// fuseSession makes one node of the aggregation n and the sessions s below it, whose
// window columns begin at k.
func fuseSession(n, s *physical.Node, k int) {
	w := *s.SessionWindow
	w.Partition = nil
	n.Inputs, n.Agg.Session = slices.Clone(s.Inputs), &w
	n.Agg.WindowStart, n.Agg.WindowEnd = -1, -1
	for i, c := range n.Agg.Group {
		switch c {
		case k:
			n.Agg.WindowStart = i
		case k + 1:
			n.Agg.WindowEnd = i
		case k + 2:
			n.Agg.WindowTime = i + 1
		default:
			continue
		}
		n.Agg.Group[i] = -1
	}
}

// dropNodes takes nodes that nobody reads out of a plan.
func dropNodes(plan *physical.Plan, gone []bool) {
	at := make([]int, len(plan.Nodes))
	kept := plan.Nodes[:0]
	for i, n := range plan.Nodes {
		if gone[i] {
			continue
		}
		at[i] = len(kept)
		for k, j := range n.Inputs {
			n.Inputs[k] = at[j]
		}
		kept = append(kept, n)
	}
	plan.Nodes = kept
}
