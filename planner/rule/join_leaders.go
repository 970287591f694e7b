package rule

import (
	"math"
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// joinLeaders spares a join of an append-only relation with the greatest value of each of
// its own tumbling windows the rows that cannot match:
//
//	b ⋈ (SELECT max(price) AS m, window_end FROM TUMBLE(b, t, size) GROUP BY …)
//	  ON b.price = m AND b.t >= window_end - size AND b.t <= window_end
//
// A row below a value that its window has had is below the window's maximum for ever. It
// cannot match another window either: with a distance between time and window end in
// [-size, 0) the condition on time leaves its own window alone, with [-size, 0] also the
// one before for a row at the very start of a window, and such rows are kept (Edge). So
// the rows pass Leaders, which keeps of each window's rows those that were ahead when they
// came; the join itself stays as it is. The maximum of what is left is the same, so that
// the other side reads it as well, where no expression is evaluated on either side: a row
// for which one is an error must not get lost.
func joinLeaders(c *Ctx, n logical.Node, _ logical.ColSet) logical.Node {
	return logical.Transform(n, func(n logical.Node) logical.Node {
		j, ok := n.(*logical.Join)
		if !ok || j.Type != physical.JoinInner {
			return n
		}
		if l, r, ok := c.leadersOf(j.Left, j.Right, j.On); ok {
			return &logical.Join{Type: j.Type, Left: l, Right: r, On: j.On}
		}
		if r, l, ok := c.leadersOf(j.Right, j.Left, j.On); ok {
			return &logical.Join{Type: j.Type, Left: l, Right: r, On: j.On}
		}
		return n
	})
}

// sideOf is one side of the join down to where its rows come from.
type sideOf struct {
	top  logical.Node
	scan *logical.Scan
	agg  *logical.Agg
	hop  *logical.HopWindow
	// by gives the expressions of the columns that projections compute, each over the
	// columns below.
	by map[logical.ColID]*expr.Expr
	// plain says that no expression is evaluated.
	plain bool
}

// trace goes down a side. The scan is nil if it is of no use here.
func trace(n logical.Node) *sideOf {
	s := &sideOf{top: n, by: map[logical.ColID]*expr.Expr{}, plain: true}
	for {
		switch m := n.(type) {
		case *logical.Filter:
			// Below the aggregation it would leave rows out of the maximum.
			if s.agg != nil {
				return s
			}
			s.plain, n = false, m.Input
		case *logical.Project:
			s.project(m)
			n = m.Input
		case *logical.Agg:
			if s.agg != nil || s.hop != nil || m.Hop != nil || m.Scalar {
				return s
			}
			s.agg, n = m, m.Input
		case *logical.HopWindow:
			if s.hop != nil || m.Slide != m.Size || m.Cumulate || m.Calendar != nil {
				return s
			}
			s.hop, n = m, m.Input
		case *logical.Scan:
			s.scan = m
			return s
		default:
			return s
		}
	}
}

func (s *sideOf) project(p *logical.Project) {
	for i, e := range p.Exprs {
		s.plain = s.plain && e.Op == expr.OpColumn
		if e.Op != expr.OpColumn || e.Col != p.Out[i] {
			s.by[p.Out[i]] = e
		}
	}
}

// over brings e down to the columns of the scan, the window and the aggregate.
func (s *sideOf) over(e *expr.Expr) *expr.Expr {
	for range len(s.by) + 1 {
		next := logical.Substitute(e, s.by)
		if logical.Equal(next, e) {
			break
		}
		e = next
	}
	return e
}

// columnID returns which column of the scanned relation e is, -1 if it is none.
func (s *sideOf) columnID(e *expr.Expr) int {
	if e = s.over(e); e.Op == expr.OpColumn {
		if i := slices.Index(s.scan.Out, e.Col); i >= 0 {
			return s.scan.ColumnIDs[i]
		}
	}
	return -1
}

// column returns the column of n that is the scan's column id, 0 if there is none.
func (s *sideOf) column(c *Ctx, n logical.Node, id int) logical.ColID {
	for _, col := range n.Cols() {
		if s.columnID(c.Meta.Ref(col)) == id {
			return col
		}
	}
	return 0
}

// leadersOf rewrites both sides if rows is a relation and best its extremes by window.
func (c *Ctx) leadersOf(rows, best logical.Node, on *expr.Expr) (logical.Node, logical.Node, bool) {
	r, b := trace(rows), trace(best)
	if r.scan == nil || r.agg != nil || b.scan == nil || b.agg == nil || b.hop == nil || !sameStream(r.scan, b.scan) {
		return nil, nil, false
	}
	value, maximum, ok := b.extreme(c)
	time := b.columnID(c.Meta.Ref(b.hop.Time))
	if !ok || !isTime(c.Meta.Type(b.hop.Time)) {
		return nil, nil, false
	}
	bounds, ok := leaderBounds(r, b, on, value, time)
	if !ok || bounds.lo < -b.hop.Size || bounds.hi > 0 {
		return nil, nil, false
	}
	lead := &logical.Leaders{Max: maximum, Edge: bounds.hi == 0,
		Window: logical.HopWindow{Slide: b.hop.Slide, Size: b.hop.Size, Offset: b.hop.Offset}}
	lead.Input = rows
	if r.plain && b.plain {
		lead.Input = c.scanBoth(r.scan, b.scan)
	}
	if lead.Value, lead.Window.Time = r.column(c, lead.Input, value), r.column(c, lead.Input, time); lead.Value == 0 || lead.Window.Time == 0 {
		return nil, nil, false
	}
	c.fire("JoinLeaders")
	if !r.plain || !b.plain {
		return lead, best, true
	}
	return replaceScan(rows, r.scan, lead), replaceScan(best, b.scan, readAs(c, b.scan, lead)), true
}

// leaderBounds finds out whether a condition has the value equal the extreme, and how far
// it lets the rows' time be from the end of the window.
func leaderBounds(r, b *sideOf, on *expr.Expr, value, time int) (*timeBounds, bool) {
	bounds := &timeBounds{lo: math.MinInt64, hi: math.MaxInt64}
	matches := false
	for _, p := range logical.Conjuncts(on) {
		if x, y, ok := logical.Equality(p); ok {
			if x.Op != expr.OpColumn || y.Op != expr.OpColumn {
				return nil, false // a key that may be an error
			}
			if r.columnID(x) < 0 {
				x, y = y, x
			}
			if y = b.over(y); r.columnID(x) == value && y.Col == b.agg.Calls[0].Col {
				matches = true
				continue
			}
		}
		bounds.add(r, b, p, time)
	}
	return bounds, matches
}

// sameStream tells whether both scans read all rows of one relation that never takes a
// row back.
func sameStream(a, b *logical.Scan) bool {
	if a.Rel == nil || b.Rel == nil || a.Rel.ID != b.Rel.ID || a.Late || b.Late || a.Range != nil || b.Range != nil {
		return false
	}
	switch {
	case a.Rel.Table != nil:
		return a.Rel.Table.AppendOnly || a.Rel.Kind == catalog.KindSource
	case a.Rel.MatView != nil:
		return a.Rel.MatView.AppendOnly
	}
	return false
}

// extreme returns the column whose extreme the aggregation computes, by tumbling windows
// and nothing else.
func (s *sideOf) extreme(c *Ctx) (column int, maximum, ok bool) {
	h := s.hop
	if len(s.agg.Calls) != 1 {
		return 0, false, false
	}
	for _, g := range s.agg.Group {
		if e := s.over(c.Meta.Ref(g)); e.Op != expr.OpColumn || e.Col != h.Start && e.Col != h.End {
			return 0, false, false
		}
	}
	call := &s.agg.Calls[0]
	kind := functions.ByID(call.Fn).Agg.Kind
	if call.Filter != nil || len(call.Args) != 1 || kind != functions.AggMin && kind != functions.AggMax || call.Args[0].Type.Class() != types.ClassInt {
		return 0, false, false
	}
	column = s.columnID(call.Args[0])
	return column, kind == functions.AggMax, column >= 0 && len(s.agg.Group) > 0
}

// timeBounds is lo <= time - window end <= hi, in microseconds.
type timeBounds struct{ lo, hi int64 }

// add narrows the bounds by a comparison of the rows' time with an end of the window.
func (t *timeBounds) add(r, b *sideOf, p *expr.Expr, time int) {
	if p.Op != expr.OpCall || len(p.Args) != 2 || !isTime(p.Args[0].Type) || p.Args[0].Type.Base() != p.Args[1].Type.Base() {
		return
	}
	op := functions.ByID(p.Fn).Name
	if op == "=" && sameWindow(r, b, p, time) {
		t.lo, t.hi = max(t.lo, -b.hop.Size), min(t.hi, -1)
		return
	}
	x, a, ok1 := shifted(r.over(b.over(p.Args[0])))
	y, d, ok2 := shifted(r.over(b.over(p.Args[1])))
	if !ok1 || !ok2 {
		return
	}
	if r.columnID(x) != time {
		x, y, a, d = y, x, d, a
		op = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}[op]
	}
	if r.columnID(x) != time || y.Op != expr.OpColumn {
		return
	}
	// time + a op end + d
	d -= a
	switch y.Col {
	case b.hop.End:
	case b.hop.Start:
		d -= b.hop.Size
	default:
		return
	}
	if op == ">" || op == ">=" || op == "=" {
		if op == ">" {
			d++
		}
		t.lo = max(t.lo, d)
	}
	if op == "<" || op == "<=" || op == "=" {
		if op == "<" {
			d--
		}
		t.hi = min(t.hi, d)
	}
}

func isTime(t types.Type) bool {
	return t.Kind == types.KindTimestamp || t.Kind == types.KindTimestampTZ
}

// shifted takes apart a time plus or minus a constant interval of microseconds alone.
func shifted(e *expr.Expr) (col *expr.Expr, us int64, ok bool) {
	if e.Op == expr.OpColumn {
		return e, 0, true
	}
	if e.Op != expr.OpCall || len(e.Args) != 2 || !isTime(e.Args[0].Type) || e.Args[0].Op != expr.OpColumn {
		return nil, 0, false
	}
	by, name := e.Args[1], functions.ByID(e.Fn).Name
	if by.Op != expr.OpConst || by.Val.Null || by.Type.Kind != types.KindInterval || name != "+" && name != "-" {
		return nil, 0, false
	}
	v := by.Val.V
	if v.Months != 0 || v.Days != 0 || v.Micros < -leaderShiftMax || v.Micros > leaderShiftMax {
		return nil, 0, false
	}
	if name == "-" {
		return e.Args[0], -v.Micros, true
	}
	return e.Args[0], v.Micros, true
}

// leaderShiftMax bounds the shifts of times that are looked at: sums cannot overflow.
const leaderShiftMax = 1 << 60

// sameWindow tells whether p has the rows' own windows equal those of the extremes.
func sameWindow(r, b *sideOf, p *expr.Expr, time int) bool {
	h := r.hop
	if h == nil || h.Size != b.hop.Size || h.Offset != b.hop.Offset || r.columnID(expr.Column(h.Time, types.Timestamp)) != time {
		return false
	}
	x, y := r.over(b.over(p.Args[0])), r.over(b.over(p.Args[1]))
	is := func(e *expr.Expr, col logical.ColID) bool { return e.Op == expr.OpColumn && e.Col == col }
	return is(x, h.Start) && is(y, b.hop.Start) || is(x, h.End) && is(y, b.hop.End) ||
		is(y, h.Start) && is(x, b.hop.Start) || is(y, h.End) && is(x, b.hop.End)
}

// scanBoth is the scan a made to read also what b does.
func (c *Ctx) scanBoth(a, b *logical.Scan) *logical.Scan {
	s := *a
	s.Out, s.ColumnIDs = slices.Clone(s.Out), slices.Clone(s.ColumnIDs)
	for i, id := range b.ColumnIDs {
		if !slices.Contains(s.ColumnIDs, id) {
			s.Out, s.ColumnIDs = append(s.Out, c.Meta.Copy(b.Out[i])), append(s.ColumnIDs, id)
		}
	}
	return &s
}

// readAs gives the rows of lead under the columns of the scan s.
func readAs(c *Ctx, s *logical.Scan, lead *logical.Leaders) logical.Node {
	in := lead.Input.(*logical.Scan)
	p := &logical.Project{Input: lead, Out: s.Out}
	for _, id := range s.ColumnIDs {
		p.Exprs = append(p.Exprs, c.Meta.Ref(in.Out[slices.Index(in.ColumnIDs, id)]))
	}
	return p
}

// replaceScan puts a node in the place of a scan.
func replaceScan(n logical.Node, s *logical.Scan, by logical.Node) logical.Node {
	return logical.Transform(n, func(n logical.Node) logical.Node {
		if n == logical.Node(s) {
			return by
		}
		return n
	})
}
