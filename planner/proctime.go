package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/planner/rule"
	"streamdb/sql/expr"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// stamp gives the rows of x the time of their arrival, if one of the select list es calls
// PROCTIME(), and replaces the calls by that column.
func (p *builder) stamp(x *built, es []*expr.Expr) (*built, []*expr.Expr) {
	if !p.b.maintained || !slices.ContainsFunc(es, rule.CallsProctime) {
		return x, es
	}
	id := p.meta.Add("proctime", types.TimestampTZ)
	out := make([]*expr.Expr, len(es))
	for i, e := range es {
		out[i] = expr.Rewrite(e, func(c *expr.Expr) *expr.Expr {
			if rule.IsProctime(c) {
				return p.meta.Ref(id)
			}
			return c
		})
	}
	return p.add(physical.Node{Kind: physical.KindProctime, Inputs: []int{x.idx}}, append(slices.Clone(x.cols), id), x.dist), out
}

// stampNeeds adds what the rows below a projection with PROCTIME() are told apart by:
// where they can be taken back, all their columns.
func stampNeeds(n *logical.Project, need logical.ColSet) logical.ColSet {
	if rule.Stamps(n) {
		need.AddSet(logical.SetOf(n.Input.Cols()...))
	}
	return need
}

// noProctime refuses PROCTIME() outside of select lists in a maintained plan.
func noProctime(plan *physical.Plan) error {
	var found *expr.Expr
	physical.MapExprs(plan, func(e *expr.Expr) *expr.Expr {
		expr.Walk(e, func(x *expr.Expr) bool {
			if found == nil && rule.IsProctime(x) {
				found = x
			}
			return found == nil
		})
		return e
	})
	if found == nil {
		return nil
	}
	return sqlerr.New(sqlerr.FeatureNotSupported, "PROCTIME() is only supported in the select list of a maintained query").
		WithHint("Give it a name in a subquery: FROM (SELECT *, PROCTIME() AS p FROM t) q.").At(found.Pos)
}

// procTime tells whether a column of node i is a PROCTIME().
func procTime(nodes []physical.Node, i, col int) bool {
	n := &nodes[i]
	if n.Kind == physical.KindProctime && col == len(n.Schema)-1 {
		return true
	}
	in, c, ok := passedOn(nodes, i, col)
	return ok && procTime(nodes, in, c)
}

// procDelay tells how much later than a column of node i, by the log's clock, the window
// whose start, end or time it is closes, if the window's time is a PROCTIME().
func procDelay(nodes []physical.Node, i, col int) (int64, bool) {
	n := &nodes[i]
	if in, c, ok := passedOn(nodes, i, col); ok {
		return procDelay(nodes, in, c)
	}
	switch n.Kind {
	case physical.KindHopWindow:
		return hopDelay(nodes, n.Inputs[0], n.HopWindow, col-len(nodes[n.Inputs[0]].Schema))
	case physical.KindSession:
		w := n.SessionWindow
		part := col - len(nodes[n.Inputs[0]].Schema)
		return int64(part - 1), part > 0 && procTime(nodes, n.Inputs[0], w.Time)
	case physical.KindAgg:
		switch g := n.Agg; {
		case g.Session != nil && col == g.WindowEnd:
			return 0, procTime(nodes, n.Inputs[0], g.Session.Time)
		case g.Session != nil && col == g.WindowTime-1:
			return 1, procTime(nodes, n.Inputs[0], g.Session.Time)
		case g.Hop == nil:
		case col == g.WindowStart:
			return hopDelay(nodes, n.Inputs[0], g.Hop, 0)
		case col == g.WindowEnd:
			return hopDelay(nodes, n.Inputs[0], g.Hop, 1)
		case col == g.WindowTime-1:
			return hopDelay(nodes, n.Inputs[0], g.Hop, 2)
		}
	}
	return 0, false
}

// hopDelay is procDelay of a window's start (part 0), end (1) or time (2, a microsecond
// before the end).
func hopDelay(nodes []physical.Node, in int, w *physical.HopWindow, part int) (int64, bool) {
	switch {
	case !procTime(nodes, in, w.Time):
	case part > 0:
		return int64(part - 1), true
	case w.Calendar == nil:
		return w.Size, true
	}
	return 0, false
}

// passedOn finds the column of an input of node i that its column col is.
func passedOn(nodes []physical.Node, i, col int) (in, c int, ok bool) {
	n := &nodes[i]
	switch n.Kind {
	case physical.KindFilter, physical.KindExchange, physical.KindLeaders, physical.KindTopN, physical.KindOverWindow, physical.KindTemporalFilter,
		physical.KindProctime, physical.KindHopWindow, physical.KindSession:
		return n.Inputs[0], col, col < len(nodes[n.Inputs[0]].Schema)
	case physical.KindLookupJoin:
		c := n.LookupJoin.Output[col]
		return n.Inputs[0], c, c < len(nodes[n.Inputs[0]].Schema)
	case physical.KindProject:
		e := n.Project.Exprs[col]
		return n.Inputs[0], e.Col, e.Op == expr.OpColumn
	case physical.KindAgg:
		if g := n.Agg.Group; col < len(g) && g[col] >= 0 {
			return n.Inputs[0], g[col], true
		}
	}
	return 0, 0, false
}
