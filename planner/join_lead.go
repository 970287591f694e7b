package planner

import (
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// joinLeads tells joins that somebody looks for the greatest or least value alone: an
// aggregation that is one max or min, or a top-N of one row, over the pairs of an
// append-only join. Its groups must be of columns of one side, the value of the other:
// then of two pairs with the same row of the one side only the better can count.
//
//	max(b.price) GROUP BY a.id, a.category   over   a JOIN b ON a.id = b.auction AND …
//
// Nothing else may read the join, and nothing between the two may evaluate an expression.
func joinLeads(plan *physical.Plan) {
	uses := make([]int, len(plan.Nodes))
	for i := range plan.Nodes {
		if j := plan.Nodes[i].Join; j != nil {
			j.Lead = nil
		}
		for _, in := range plan.Nodes[i].Inputs {
			uses[in]++
		}
	}
	for i := range plan.Nodes {
		if group, value, maximum, ok := wantsExtreme(&plan.Nodes[i]); ok {
			leadJoin(plan, uses, plan.Nodes[i].Inputs[0], group, value, maximum)
		}
	}
}

// wantsExtreme tells whether a node looks for one extreme per group, and where.
func wantsExtreme(n *physical.Node) (group []int, value int, maximum, ok bool) {
	switch {
	case n.Agg != nil && n.Agg.Hop == nil && n.Agg.Session == nil && len(n.Agg.Calls) == 1:
		c := &n.Agg.Calls[0]
		kind := functions.ByID(c.Fn).Agg.Kind
		if kind != functions.AggMin && kind != functions.AggMax || c.Filter >= 0 || len(c.Args) != 1 || c.Args[0] < 0 {
			return nil, 0, false, false
		}
		return n.Agg.Group, c.Args[0], kind == functions.AggMax, true
	case n.TopN != nil && n.TopN.Limit == 1 && n.TopN.Offset == 0 && n.TopN.LimitExpr == nil && n.TopN.OffsetExpr == nil && len(n.TopN.Order) > 0:
		return n.TopN.Partition, n.TopN.Order[0].Col, n.TopN.Order[0].Desc, true
	}
	return nil, 0, false, false
}

// leadJoin goes down from node i to the join whose columns group and value are.
func leadJoin(plan *physical.Plan, uses []int, i int, group []int, value int, maximum bool) {
	n := &plan.Nodes[i]
	cols := append(slices.Clone(group), value)
	for ; n.Join == nil; n = &plan.Nodes[i] {
		if uses[i] != 1 {
			return
		}
		switch {
		case n.Exchange != nil:
		case n.Project != nil:
			if slices.ContainsFunc(n.Project.Exprs, func(e *expr.Expr) bool { return e.Op != expr.OpColumn }) {
				return
			}
			for k, c := range cols {
				cols[k] = n.Project.Exprs[c].Col
			}
		default:
			return
		}
		i = n.Inputs[0]
	}
	if uses[i] != 1 || n.Join.Type != physical.JoinInner || !n.AppendOnly {
		return
	}
	left := len(plan.Nodes[n.Inputs[0]].Schema)
	for k, c := range cols {
		cols[k] = n.Join.Output[c]
	}
	value = cols[len(cols)-1]
	lead := &physical.JoinLead{Value: value, Max: maximum}
	if value >= left {
		lead.Value -= left
	} else {
		lead.Side = 1
	}
	if plan.Nodes[n.Inputs[1-lead.Side]].Schema[lead.Value].Class() != types.ClassInt {
		return
	}
	for _, c := range cols[:len(cols)-1] {
		if !ofSide(plan, n, c, left, lead.Side) {
			return
		}
	}
	n.Join.Lead = lead
}

// ofSide tells whether a column of left ++ right belongs to a side, or equals one that does.
func ofSide(plan *physical.Plan, n *physical.Node, c, left, side int) bool {
	if c >= left == (side == 1) {
		return true
	}
	at, keys := c, n.Join.LeftKeys
	if c >= left {
		at, keys = c-left, n.Join.RightKeys
	}
	return slices.Contains(keys, at) && plan.Nodes[n.Inputs[1-side]].Schema[at].Class() == types.ClassInt
}
