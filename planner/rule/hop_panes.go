package rule

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
)

// shareHopPanes lets an aggregation by overlapping windows take each row once: it
// aggregates panes, of gcd(slide, size) or a step of CUMULATE, and combines them, instead of taking every row
// once per window that holds it.
func shareHopPanes(c *Ctx, n logical.Node, _ logical.ColSet) logical.Node {
	return logical.Transform(n, func(n logical.Node) logical.Node {
		g, ok := n.(*logical.Agg)
		if !ok || g.Hop != nil {
			return n
		}
		h, ok := g.Input.(*logical.HopWindow)
		if !ok || !sharesPanes(h) {
			return n
		}
		window := logical.SetOf(h.Windows()...)
		if !slices.ContainsFunc(g.Group, window.Has) {
			return n
		}
		for i := range g.Calls {
			if !combines(&g.Calls[i]) {
				return n
			}
		}
		usesWindow := false
		g.EachExpr(func(e *expr.Expr) { usesWindow = usesWindow || logical.Refs(e).Intersects(window) })
		if usesWindow {
			return n
		}
		c.fire("ShareHopPanes")
		m := *g
		m.Hop, m.Input = h, h.Input
		return &m
	})
}

// sharesPanes tells whether several windows hold the same panes.
func sharesPanes(h *logical.HopWindow) bool {
	switch {
	case h.Cumulate:
		return true
	case h.Calendar != nil:
		return h.Calendar.SlideMonths+h.Calendar.SlideDays < h.Calendar.SizeMonths+h.Calendar.SizeDays
	}
	return h.Slide < h.Size && h.Size%h.Slide == 0
}

// combines tells whether an aggregate's states over panes add up to that of a window.
func combines(call *logical.AggCall) bool {
	if call.Distinct || len(call.Order) > 0 {
		return false
	}
	f := functions.ByID(call.Fn)
	return f.Agg.Retractable || f.Agg.Kind == functions.AggMin || f.Agg.Kind == functions.AggMax
}
