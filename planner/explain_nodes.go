package planner

import (
	"fmt"
	"strings"

	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/types"
	"streamdb/window"
)

func names(cols []int, in []string) string {
	out := make([]string, len(cols))
	for i, c := range cols {
		if c < 0 || c >= len(in) {
			out[i] = "?"
			continue
		}
		out[i] = in[c]
	}
	return strings.Join(out, ", ")
}

func (w *planWriter) details(n *physical.Node, in []string) string {
	switch {
	case n.Scan != nil:
		return w.scan(n)
	case n.Values != nil:
		return fmt.Sprintf(" %d rows", len(n.Values.Rows))
	case n.Filter != nil:
		return " " + FormatExpr(n.Filter.Pred, in)
	case n.TemporalFilter != nil:
		return temporalText(n.TemporalFilter, in)
	case n.Project != nil:
		out := make([]string, len(n.Project.Exprs))
		for i, e := range n.Project.Exprs {
			out[i] = FormatExpr(e, in)
		}
		return " " + strings.Join(out, ", ")
	case n.ProjectSet != nil:
		var out []string
		for _, f := range n.ProjectSet.Funcs {
			out = append(out, call(f.Fn, f.Args, in))
		}
		return " " + strings.Join(out, ", ")
	case n.HopWindow != nil:
		return hopText(n.HopWindow, in)
	case n.Leaders != nil:
		return leadersText(n.Leaders, in)
	case n.SessionWindow != nil:
		return sessionText(n.SessionWindow, in)
	case n.Agg != nil:
		return aggText(n, in)
	case n.Join != nil:
		return w.join(n, in)
	case n.AsofJoin != nil:
		return asofText(n.AsofJoin, w.plan.Nodes[n.Inputs[0]].Names, w.plan.Nodes[n.Inputs[1]].Names)
	case n.LookupJoin != nil:
		return lookupText(n.LookupJoin, w.plan.Nodes[n.Inputs[0]].Names, w.plan.Nodes[n.Inputs[1]].Names)
	case n.SetOp != nil:
		s := " " + string(n.SetOp.Op)
		if n.SetOp.All {
			s += " all"
		}
		return s
	case n.TopN != nil:
		return topNText(n.TopN, in)
	case n.OverWindow != nil:
		return overWindowText(n.OverWindow, in)
	case n.Emit != nil:
		return " when closed: " + names([]int{n.Emit.WindowEnd}, in)
	case n.EmitEvery != nil:
		iv := types.Interval{Months: n.EmitEvery.Months, Micros: n.EmitEvery.Micros}
		return " every " + string(types.AppendText(nil, types.IntervalT, types.Datum{V: iv}, types.DefaultSettings))
	case n.Exchange != nil:
		s := " " + string(n.Exchange.Kind)
		if len(n.Exchange.Keys) > 0 {
			s += " (" + names(n.Exchange.Keys, in) + ")"
		}
		return s
	}
	return ""
}

func (w *planWriter) scan(n *physical.Node) string {
	out := " " + w.relation(n.Scan) + " (" + strings.Join(n.Names, ", ") + ")"
	if r := n.Scan.Range; r != nil {
		var parts []string
		for _, e := range r.Eq {
			parts = append(parts, "= "+FormatExpr(e, nil))
		}
		if r.Lo != nil {
			parts = append(parts, map[bool]string{true: ">= ", false: "> "}[r.LoIncl]+FormatExpr(r.Lo, nil))
		}
		if r.Hi != nil {
			parts = append(parts, map[bool]string{true: "<= ", false: "< "}[r.HiIncl]+FormatExpr(r.Hi, nil))
		}
		out += " key " + strings.Join(parts, ", ")
	}
	return out
}

// relation is the name of what a scan reads.
func (w *planWriter) relation(s *physical.Scan) string {
	if s.Virtual != "" {
		return s.Virtual
	}
	if w.cat != nil {
		if d := w.cat.ByID(catalog.ID(s.Relation)); d != nil {
			return d.Name
		}
	}
	return fmt.Sprintf("relation %d", s.Relation)
}

func hopText(h *physical.HopWindow, in []string) string {
	cal := window.Calendar{}
	if h.Calendar != nil {
		cal = *h.Calendar
	}
	slide, size := lengthText(cal.SlideMonths, cal.SlideDays, h.Slide), lengthText(cal.SizeMonths, cal.SizeDays, h.Size)
	s := " " + names([]int{h.Time}, in)
	switch {
	case h.Cumulate:
		s += " cumulate step " + slide
	case slide != size:
		s += " slide " + slide
	}
	s += " size " + size
	if cal.OffsetMonths != 0 || cal.OffsetDays != 0 || h.Offset != 0 {
		s += " offset " + lengthText(cal.OffsetMonths, cal.OffsetDays, h.Offset)
	}
	if cal.Zone != "" {
		s += " in " + cal.Zone
	}
	return s
}

func sessionText(w *physical.SessionWindow, in []string) string {
	s := fmt.Sprintf(" %s gap %dµs", names([]int{w.Time}, in), w.Gap)
	if len(w.Partition) > 0 {
		s += " per " + names(w.Partition, in)
	}
	return s
}

// lengthText writes a length of months, days and microseconds down.
func lengthText(months, days, micros int64) string {
	var parts []string
	if months != 0 {
		parts = append(parts, fmt.Sprintf("%d months", months))
	}
	if days != 0 {
		parts = append(parts, fmt.Sprintf("%d days", days))
	}
	if micros != 0 || len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("%dµs", micros))
	}
	return strings.Join(parts, " ")
}

func leadersText(l *physical.Leaders, in []string) string {
	s := " least "
	if l.Max {
		s = " greatest "
	}
	s += names([]int{l.Value}, in) + " of" + hopText(&l.Window, in)
	if l.Edge {
		s += " and starts"
	}
	return s
}

func aggText(n *physical.Node, in []string) string {
	g := n.Agg
	s := ""
	if g.Phase != physical.AggSingle {
		s += " " + string(g.Phase)
	}
	var group []string
	for i, c := range g.Group {
		if c < 0 {
			group = append(group, n.Names[i])
		} else {
			group = append(group, in[c])
		}
	}
	if len(group) > 0 {
		s += " by " + strings.Join(group, ", ")
	}
	var calls []string
	for i := range g.Calls {
		c := &g.Calls[i]
		var args []string
		for k, a := range c.Args {
			if k < len(c.Const) && c.Const[k] != nil {
				args = append(args, FormatExpr(expr.Const(functions.ByID(c.Fn).Args[k], *c.Const[k]), nil))
				continue
			}
			args = append(args, names([]int{a}, in))
		}
		t := c.Fn + "("
		if c.Distinct {
			t += "distinct "
		}
		t += strings.Join(args, ", ") + ")"
		if c.Filter >= 0 {
			t += " filter " + names([]int{c.Filter}, in)
		}
		calls = append(calls, t)
	}
	if len(calls) > 0 {
		s += " " + strings.Join(calls, ", ")
	}
	if g.Hop != nil {
		s += " panes" + hopText(g.Hop, in)
	}
	if g.Session != nil {
		s += " sessions" + sessionText(g.Session, in)
	}
	return s
}

func (w *planWriter) join(n *physical.Node, in []string) string {
	j := n.Join
	s := " " + string(j.Type)
	l := w.plan.Nodes[n.Inputs[0]].Names
	r := w.plan.Nodes[n.Inputs[1]].Names
	for i := range j.LeftKeys {
		op := " = "
		if i < len(j.NullSafe) && j.NullSafe[i] {
			op = " is not distinct from "
		}
		sep := " and "
		if i == 0 {
			sep = " on "
		}
		s += sep + l[j.LeftKeys[i]] + op + r[j.RightKeys[i]]
	}
	if j.Residual != nil {
		s += " where " + FormatExpr(j.Residual, in)
	}
	var until []string
	if u := j.LeftUntil; u != nil {
		until = append(until, "left until "+untilText(u, l))
	}
	if u := j.RightUntil; u != nil {
		until = append(until, "right until "+untilText(u, r))
	}
	if len(until) > 0 {
		s += " keeping " + strings.Join(until, ", ")
	}
	if d := j.Lead; d != nil {
		s += " leading by " + map[bool]string{true: "greatest ", false: "least "}[d.Max]
		s += names([]int{d.Value}, [][]string{r, l}[d.Side])
	}
	return s
}

// untilText is how long a side's rows wait for partners.
func untilText(u *physical.Until, names []string) string {
	if u.Delta == 0 {
		return names[u.Col]
	}
	v := types.Interval{Micros: u.Delta}
	return names[u.Col] + " + " + string(types.AppendText(nil, types.IntervalT, types.Datum{V: v}, types.DefaultSettings))
}

func topNText(t *physical.TopN, in []string) string {
	var keys []string
	for _, k := range t.Order {
		s := names([]int{k.Col}, in)
		if k.Desc {
			s += " desc"
		}
		if k.NullsFirst != k.Desc {
			s += map[bool]string{true: " nulls first", false: " nulls last"}[k.NullsFirst]
		}
		keys = append(keys, s)
	}
	s := ""
	if len(t.Partition) > 0 {
		s += " per " + names(t.Partition, in)
	}
	if len(keys) > 0 {
		s += " by " + strings.Join(keys, ", ")
	}
	switch {
	case t.LimitExpr != nil:
		s += " limit " + FormatExpr(t.LimitExpr, nil)
	case t.Limit >= 0:
		s += fmt.Sprintf(" limit %d", t.Limit)
	}
	switch {
	case t.OffsetExpr != nil:
		s += " offset " + FormatExpr(t.OffsetExpr, nil)
	case t.Offset > 0:
		s += fmt.Sprintf(" offset %d", t.Offset)
	}
	if t.WithTies {
		s += " with ties"
	}
	if t.Rank {
		s += " numbered"
	}
	return s
}
