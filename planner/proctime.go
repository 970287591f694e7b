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

// procDelay tells after which distance from a column of node i, by the log's clock, the
// window whose start or end it is closes: where its time is a PROCTIME().
func procDelay(nodes []physical.Node, i, col int) (int64, bool) {
	n := &nodes[i]
	below := func(k, c int) (int64, bool) { return procDelay(nodes, n.Inputs[k], c) }
	switch n.Kind {
	case physical.KindProctime:
		if col < len(n.Schema)-1 {
			return below(0, col)
		}
		return 0, true
	case physical.KindFilter, physical.KindExchange, physical.KindLeaders, physical.KindTopN, physical.KindOverWindow, physical.KindTemporalFilter:
		if col < len(nodes[n.Inputs[0]].Schema) {
			return below(0, col)
		}
	case physical.KindProject:
		if e := n.Project.Exprs[col]; e.Op == expr.OpColumn {
			return below(0, e.Col)
		}
	case physical.KindHopWindow:
		k := len(nodes[n.Inputs[0]].Schema)
		if col < k {
			return below(0, col)
		}
		if d, ok := below(0, n.HopWindow.Time); ok && d == 0 && col == k+1 {
			return 0, true
		}
	case physical.KindAgg:
		g := n.Agg
		switch {
		case col >= len(g.Group):
		case g.Group[col] >= 0:
			return below(0, g.Group[col])
		case col == g.WindowEnd:
			d, ok := below(0, g.Hop.Time)
			return 0, ok && d == 0
		}
	}
	return 0, false
}
