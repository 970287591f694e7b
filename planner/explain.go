package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/window"
)

// explain plans EXPLAIN: the text of the physical plan, or of the logical one, or of
// the fragments it is cut into.
func (p *Planner) explain(s *ast.Explain, paramTypes []types.Type) (Planned, error) {
	if s.Object != nil {
		return p.explainObject(s)
	}
	stage := "physical"
	for i := range s.Options {
		switch o := &s.Options[i]; o.Name {
		case "logical", "physical", "fragments":
			if v, ok := o.Bool(); !ok || v {
				stage = o.Name
			}
		case "costs", "verbose", "timing", "summary", "buffers", "settings", "wal", "analyze", "generic_plan":
		case "format":
			if !strings.EqualFold(o.Value, "text") {
				return nil, sqlerr.Unsupported("EXPLAIN (FORMAT "+o.Value+")", o.Loc())
			}
		default:
			return nil, sqlerr.New(sqlerr.SyntaxError, "unrecognized EXPLAIN option %q", o.Name).At(o.Loc())
		}
	}
	target, err := p.Statement(s.Stmt, paramTypes)
	if err != nil {
		return nil, err
	}
	e := &Explain{Info: *target.Common(), Analyze: s.Analyze, Target: target}
	e.Tag = "EXPLAIN"
	if s.Analyze {
		return e, nil
	}
	if stage == "logical" {
		e.Lines, err = p.explainLogical(s.Stmt, paramTypes)
		return e, err
	}
	plan := planOf(target)
	if plan == nil {
		e.Lines = []string{target.Common().Tag}
		return e, nil
	}
	e.Lines = FormatPlan(plan, p.cat)
	if stage == "fragments" {
		e.Lines = FormatFragments(plan, p.cat)
	}
	return e, nil
}

// explainObject shows the plan that a materialized view or sink runs.
func (p *Planner) explainObject(s *ast.Explain) (Planned, error) {
	kind := catalog.KindMatView
	if s.Kind == ast.KindSink {
		kind = catalog.KindSink
	}
	d, err := p.cat.Object(p.path, catalog.Name{Schema: s.Object.Schema, Name: s.Object.Name}, kind)
	if err != nil {
		return nil, sqlerr.As(err).At(s.Object.Loc())
	}
	plan := new(physical.Plan)
	if err := json.Unmarshal(d.Query().Plan, plan); err != nil {
		return nil, sqlerr.Internal("plan of %s: %v", d.Name, err)
	}
	e := &Explain{Lines: FormatPlan(plan, p.cat)}
	e.Tag, e.CatalogVersion = "EXPLAIN", p.cat.Version()
	if ast.FindOption(s.Options, "fragments") != nil {
		e.Lines = FormatFragments(plan, p.cat)
	}
	return e, nil
}

// planOf finds the main plan of a statement, nil if it has none.
func planOf(p Planned) *physical.Plan {
	switch p := p.(type) {
	case *Query:
		return p.Plan
	case *Insert:
		return p.Plan
	case *Update:
		return p.Plan
	case *Delete:
		return p.Plan
	case *Subscribe:
		return p.Plan
	case *DDL:
		if p.Plan == nil {
			return p.Fill
		}
		return p.Plan
	}
	return nil
}

// explainLogical shows the rewritten logical plan of a query.
func (p *Planner) explainLogical(stmt ast.Statement, paramTypes []types.Type) ([]string, error) {
	b := p.newBinder(paramTypes)
	q, ok := stmt.(*ast.Select)
	if mv, is := stmt.(*ast.CreateMaterializedView); is {
		q, ok, b.maintained = mv.Query, true, true
	}
	if !ok {
		return nil, sqlerr.Unsupported("EXPLAIN (LOGICAL) of "+stmt.Tag(), stmt.Loc())
	}
	r, err := b.query(q, nil, false)
	if err != nil {
		return nil, err
	}
	r, _, err = b.logical(r)
	if err != nil {
		return nil, err
	}
	return FormatLogical(b.meta, r.node), nil
}

// planWriter writes a physical plan as an indented tree.
type planWriter struct {
	plan  *physical.Plan
	cat   *catalog.Catalog
	lines []string
	// shown is the nodes written already: a shared one is only named again.
	shown map[int]bool
	uses  map[int]int
	// cut stops at exchanges, for fragments, and notes where to go on.
	cut  bool
	next []int
}

// FormatPlan writes a plan as an indented tree, root first. cat names relations; nil
// leaves their ids.
func FormatPlan(plan *physical.Plan, cat *catalog.Catalog) []string {
	w := newPlanWriter(plan, cat)
	w.node(len(plan.Nodes)-1, 0)
	return w.lines
}

func newPlanWriter(plan *physical.Plan, cat *catalog.Catalog) *planWriter {
	w := &planWriter{plan: plan, cat: cat, shown: map[int]bool{}, uses: map[int]int{}}
	for i := range plan.Nodes {
		for _, in := range plan.Nodes[i].Inputs {
			w.uses[in]++
		}
	}
	return w
}

// FormatFragments writes a plan cut into its fragments, the root's first.
func FormatFragments(plan *physical.Plan, cat *catalog.Catalog) []string {
	w := newPlanWriter(plan, cat)
	w.cut = true
	queue := []int{len(plan.Nodes) - 1}
	for k := 0; k < len(queue); k++ {
		w.lines = append(w.lines, fmt.Sprintf("Fragment %d", k))
		w.next = nil
		w.fragment(queue[k], 1, queue)
		for _, n := range w.next {
			if !slices.Contains(queue, n) {
				queue = append(queue, n)
			}
		}
	}
	return w.lines
}

// fragment writes nodes down to the exchanges that feed them.
func (w *planWriter) fragment(i, depth int, queue []int) {
	n := &w.plan.Nodes[i]
	if n.Kind == physical.KindExchange && depth > 1 {
		if !slices.Contains(w.next, i) {
			w.next = append(w.next, i)
		}
		at := slices.Index(queue, i)
		if at < 0 {
			at = len(queue) + slices.Index(w.next, i)
		}
		w.line(depth, fmt.Sprintf("<- Fragment %d", at))
		return
	}
	w.line(depth, w.describe(i))
	for _, in := range n.Inputs {
		w.fragment(in, depth+1, queue)
	}
}

func (w *planWriter) line(depth int, s string) {
	w.lines = append(w.lines, strings.Repeat("  ", depth)+s)
}

func (w *planWriter) node(i, depth int) {
	if w.shown[i] {
		w.line(depth, fmt.Sprintf("(shared #%d)", i))
		return
	}
	s := w.describe(i)
	if w.uses[i] > 1 {
		s += fmt.Sprintf(" #%d", i)
	}
	w.shown[i] = true
	w.line(depth, s)
	for _, in := range w.plan.Nodes[i].Inputs {
		w.node(in, depth+1)
	}
}

// describe writes one node with its properties.
func (w *planWriter) describe(i int) string {
	n := &w.plan.Nodes[i]
	var in []string
	for _, k := range n.Inputs {
		in = append(in, w.plan.Nodes[k].Names...)
	}
	s := string(n.Kind) + w.details(n, in)
	var props []string
	if n.AppendOnly && n.Kind != physical.KindValues {
		props = append(props, "append-only")
	}
	if len(n.Watermarks) > 0 {
		props = append(props, "watermark "+names(n.Watermarks, n.Names))
	}
	if len(props) > 0 {
		s += " [" + strings.Join(props, ", ") + "]"
	}
	return s
}

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
	s := n.Scan
	name := s.Virtual
	if name == "" {
		name = fmt.Sprintf("relation %d", s.Relation)
		if w.cat != nil {
			if d := w.cat.ByID(catalog.ID(s.Relation)); d != nil {
				name = d.Name
			}
		}
	}
	out := " " + name + " (" + strings.Join(n.Names, ", ") + ")"
	if r := s.Range; r != nil {
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

// call writes a call, operators between their arguments.
func call(fn string, args []*expr.Expr, in []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = FormatExpr(a, in)
	}
	f := functions.ByID(fn)
	switch {
	case f != nil && f.Operator() && len(out) == 2:
		return "(" + out[0] + " " + f.Name + " " + out[1] + ")"
	case f != nil && f.Operator() && len(out) == 1:
		return f.Name + out[0]
	case f != nil && !f.Hidden:
		fn = f.Name
	}
	return fn + "(" + strings.Join(out, ", ") + ")"
}

// FormatExpr writes an expression for people; in is the names of its input columns.
func FormatExpr(e *expr.Expr, in []string) string {
	args := func(sep string) string {
		out := make([]string, len(e.Args))
		for i, a := range e.Args {
			out[i] = FormatExpr(a, in)
		}
		return strings.Join(out, sep)
	}
	switch e.Op {
	case expr.OpColumn:
		if e.Col < len(in) && e.Col >= 0 {
			return in[e.Col]
		}
		return fmt.Sprintf("#%d", e.Col)
	case expr.OpConst:
		return constText(e)
	case expr.OpParam:
		return fmt.Sprintf("$%d", e.Col+1)
	case expr.OpCall:
		if strings.HasPrefix(e.Fn, "cast_") {
			return FormatExpr(e.Args[0], in) + "::" + e.Type.String()
		}
		return call(e.Fn, e.Args, in)
	case expr.OpAnd:
		return "(" + args(" and ") + ")"
	case expr.OpOr:
		return "(" + args(" or ") + ")"
	case expr.OpNot:
		return "not " + args("")
	case expr.OpIsNull:
		return args("") + " is null"
	case expr.OpDistinct:
		return "(" + args(" is distinct from ") + ")"
	case expr.OpIsTrue:
		return args("") + " is true"
	case expr.OpIsFalse:
		return args("") + " is false"
	case expr.OpInList:
		out := make([]string, len(e.Args)-1)
		for i, a := range e.Args[1:] {
			out[i] = FormatExpr(a, in)
		}
		return FormatExpr(e.Args[0], in) + " in (" + strings.Join(out, ", ") + ")"
	}
	return opWords[e.Op] + "(" + args(", ") + ")"
}

var opWords = map[expr.Op]string{
	expr.OpCase: "case", expr.OpCoalesce: "coalesce", expr.OpNullIf: "nullif", expr.OpArray: "array",
	expr.OpAnyArray: "any", expr.OpAllArray: "all", expr.OpGreatest: "greatest", expr.OpLeast: "least", expr.OpRow: "row",
}

func constText(e *expr.Expr) string {
	if e.Val.Null {
		return "null"
	}
	s := string(types.AppendText(nil, e.Type, *e.Val, nil))
	if e.Type.IsNumber() || e.Type.Kind == types.KindBool {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// FormatLogical writes a logical plan as an indented tree.
func FormatLogical(m *logical.Meta, n logical.Node) []string {
	var lines []string
	var write func(n logical.Node, depth int)
	write = func(n logical.Node, depth int) {
		lines = append(lines, strings.Repeat("  ", depth)+logicalText(m, n))
		for _, in := range n.Inputs() {
			write(in, depth+1)
		}
	}
	write(n, 0)
	return lines
}

func logicalText(m *logical.Meta, n logical.Node) string {
	kind := strings.TrimPrefix(fmt.Sprintf("%T", n), "*logical.")
	var es []string
	all := make([]string, 0, 16)
	for id := 0; ; id++ {
		if id >= m.Len() {
			break
		}
		all = append(all, m.Name(id))
	}
	n.EachExpr(func(e *expr.Expr) { es = append(es, FormatExpr(e, all)) })
	switch n := n.(type) {
	case *logical.Scan:
		return "Logical" + kind + " " + n.Name + " (" + columnNames(m, n.Out) + ")"
	case *logical.Agg:
		return "LogicalAgg by (" + columnNames(m, n.Group) + ") " + strings.Join(es, ", ")
	case *logical.Join:
		kind += " " + string(n.Type)
	case *logical.HopWindow:
		es = append(es, m.Name(n.Time))
	case *logical.SessionWindow:
		es = append(es, m.Name(n.Time))
	}
	if len(es) == 0 {
		return "Logical" + kind
	}
	return "Logical" + kind + " " + strings.Join(es, ", ")
}

func columnNames(m *logical.Meta, ids []logical.ColID) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = m.Name(id)
	}
	return strings.Join(out, ", ")
}
