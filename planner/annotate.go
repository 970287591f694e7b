package planner

import (
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
)

// annotator infers, from the scans up, what each node promises of its changelog: its
// stream key, that nothing is retracted, and which columns carry a watermark.
type annotator struct {
	cat  *catalog.Catalog
	plan *physical.Plan
	// ends is, per node, the output columns that are starts or ends of windows and carry
	// the watermark of the windows' time: a row's window is closed when the column is
	// below its watermark, for a start as for an end.
	ends [][]int
	// starts is, per node, the columns that are starts of windows which end one after the
	// other (CUMULATE): below its watermark all of them are closed. They serve where there
	// is no end.
	starts [][]int
}

// closing gives the column of node i by whose watermark windows close, -1 for none.
func (a *annotator) closing(i int) int {
	for _, list := range [][]int{a.ends[i], a.starts[i]} {
		if len(list) > 0 {
			return list[len(list)-1]
		}
	}
	return -1
}

// annotate fills in the properties of every node.
func annotate(cat *catalog.Catalog, plan *physical.Plan) *annotator {
	a := &annotator{cat: cat, plan: plan, ends: make([][]int, len(plan.Nodes)), starts: make([][]int, len(plan.Nodes))}
	for i := range plan.Nodes {
		a.node(i)
	}
	joinLeads(plan)
	return a
}

// in gives an input of a node.
func (a *annotator) in(n *physical.Node, k int) *physical.Node { return &a.plan.Nodes[n.Inputs[k]] }

func (a *annotator) node(i int) {
	n := &a.plan.Nodes[i]
	n.StreamKey, n.AppendOnly, n.Watermarks = nil, false, nil
	switch n.Kind {
	case physical.KindScan:
		a.scan(i, n)
	case physical.KindValues:
		n.AppendOnly = true
	case physical.KindFilter, physical.KindExchange, physical.KindLeaders, physical.KindEmitEvery:
		a.pass(i, n)
	case physical.KindTemporalFilter:
		a.pass(i, n)
		n.AppendOnly = n.AppendOnly && n.TemporalFilter.AppendsOnly()
		if !n.TemporalFilter.Expires() {
			// A row that comes in later than it arrived is below the watermark by then.
			n.Watermarks, a.ends[i], a.starts[i] = nil, nil, nil
		}
	case physical.KindProctime:
		// A stream key says which row it is, whatever time it got.
		a.pass(i, n)
		n.Watermarks = append(slices.Clone(n.Watermarks), len(n.Schema)-1)
	case physical.KindProject:
		a.project(i, n)
	case physical.KindProjectSet:
		in := a.in(n, 0)
		n.AppendOnly, n.Watermarks, a.ends[i] = in.AppendOnly, in.Watermarks, a.ends[n.Inputs[0]]
	case physical.KindHopWindow:
		a.hopWindow(i, n)
	case physical.KindSession:
		a.session(i, n)
	case physical.KindAgg:
		a.agg(i, n)
	case physical.KindJoin:
		a.join(i, n)
	case physical.KindAsofJoin:
		a.asofJoin(n)
	case physical.KindLookupJoin:
		a.lookupJoin(i, n)
	case physical.KindUnion:
		a.union(i, n)
	case physical.KindSetOp:
		a.setOp(i, n)
	case physical.KindTopN:
		a.topN(i, n)
	case physical.KindOverWindow:
		a.overWindow(i, n)
	case physical.KindEmit:
		// A row leaves when its window closes, and is taken back should the input do so.
		a.pass(i, n)
		n.AppendOnly = physical.Settles(a.plan.Nodes, n.Inputs[0]) && !a.corrects()
	}
}

// corrects reports whether late rows are taken in: they change what was emitted.
func (a *annotator) corrects() bool {
	return slices.ContainsFunc(a.plan.Nodes, func(n physical.Node) bool { return n.Scan != nil && n.Scan.Lateness > 0 })
}

func all(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// pass takes everything over from the one input.
func (a *annotator) pass(i int, n *physical.Node) {
	in := a.in(n, 0)
	n.StreamKey, n.AppendOnly, n.Watermarks = in.StreamKey, in.AppendOnly, in.Watermarks
	a.ends[i], a.starts[i] = a.ends[n.Inputs[0]], a.starts[n.Inputs[0]]
}

// scan asks the catalog.
func (a *annotator) scan(i int, n *physical.Node) {
	d := a.cat.ByID(catalog.ID(n.Scan.Relation))
	if d != nil && d.Index != nil {
		d = a.cat.ByID(d.Index.On)
	}
	if d == nil {
		return
	}
	place := func(id int) int { return slices.Index(n.Scan.Columns, id) }
	key := func(ids []int) []int {
		var out []int
		for _, id := range ids {
			at := place(id)
			if at < 0 {
				return nil
			}
			out = append(out, at)
		}
		return out
	}
	switch {
	case n.Scan.Late && n.Scan.Lateness == 0:
		n.AppendOnly = true
	case d.Table != nil:
		n.AppendOnly = d.Table.AppendOnly || d.Kind == catalog.KindSource
		n.AppendOnly = n.AppendOnly || n.Scan.Late
		if !n.Scan.Late {
			n.StreamKey = key(d.PrimaryKey())
		}
		for _, w := range d.Table.Watermarks {
			if at := place(w.Column); at >= 0 {
				n.Watermarks = append(n.Watermarks, at)
			}
		}
		slices.Sort(n.Watermarks)
	case d.MatView != nil:
		q := &d.MatView.Query
		n.AppendOnly = q.AppendOnly
		var ids []int
		for _, k := range q.StreamKey {
			ids = append(ids, q.Columns[k].ID)
		}
		n.StreamKey = key(ids)
		for _, w := range q.Watermarks {
			if at := place(q.Columns[w].ID); at >= 0 {
				n.Watermarks = append(n.Watermarks, at)
			}
		}
		for _, w := range q.WindowEnds {
			if at := place(q.Columns[w].ID); at >= 0 {
				a.ends[i] = append(a.ends[i], at)
			}
		}
	}
}

// through maps positions of an input to those of the outputs that pass them on;
// where[i] is the output of input column i, -1 for none.
func through(cols []int, where func(int) int) []int {
	var out []int
	for _, c := range cols {
		if w := where(c); w >= 0 {
			out = append(out, w)
		}
	}
	slices.Sort(out)
	return out
}

// wholeKey maps a key; nil if part of it gets lost.
func wholeKey(key []int, where func(int) int) []int {
	out := through(key, where)
	if len(out) != len(key) {
		return nil
	}
	return out
}

func (a *annotator) project(i int, n *physical.Node) {
	in := a.in(n, 0)
	where := func(c int) int {
		return slices.IndexFunc(n.Project.Exprs, func(e *expr.Expr) bool { return e.Op == expr.OpColumn && e.Col == c })
	}
	n.AppendOnly = in.AppendOnly
	n.StreamKey = wholeKey(in.StreamKey, where)
	a.starts[i] = through(a.starts[n.Inputs[0]], where)
	utc := expr.IsUTC(a.plan.Settings["TimeZone"])
	for k, e := range n.Project.Exprs {
		c, coarse, ok := expr.Monotone(e, utc)
		if !ok || !slices.Contains(in.Watermarks, c) {
			continue
		}
		n.Watermarks = append(n.Watermarks, k)
		// What is truncated to an hour is a window of an hour.
		if coarse || slices.Contains(a.ends[n.Inputs[0]], c) {
			a.ends[i] = append(a.ends[i], k)
		}
	}
}

func (a *annotator) hopWindow(i int, n *physical.Node) {
	in := a.in(n, 0)
	k := len(in.Schema)
	n.AppendOnly = in.AppendOnly
	if in.StreamKey != nil {
		n.StreamKey = append(slices.Clone(in.StreamKey), k)
		if n.HopWindow.Cumulate {
			n.StreamKey[len(in.StreamKey)] = k + 1
		}
	}
	n.Watermarks = slices.Clone(in.Watermarks)
	a.ends[i] = slices.Clone(a.ends[n.Inputs[0]])
	if slices.Contains(in.Watermarks, n.HopWindow.Time) {
		n.Watermarks = append(n.Watermarks, k, k+1)
		if n.HopWindow.Cumulate {
			a.starts[i], a.ends[i] = append(a.starts[i], k), append(a.ends[i], k+1)
		} else {
			a.ends[i] = append(a.ends[i], k, k+1)
		}
		if n.HopWindow.WindowTime {
			n.Watermarks, a.ends[i] = append(n.Watermarks, k+2), append(a.ends[i], k+2)
		}
	}
}

// session promises what its input does for the partition columns, and an end for every
// session: a later row changes the start and end of earlier rows' sessions.
func (a *annotator) session(i int, n *physical.Node) {
	in := a.in(n, 0)
	k := len(in.Schema)
	n.StreamKey = in.StreamKey
	for _, w := range in.Watermarks {
		if slices.Contains(n.SessionWindow.Partition, w) {
			n.Watermarks = append(n.Watermarks, w)
			if slices.Contains(a.ends[n.Inputs[0]], w) {
				a.ends[i] = append(a.ends[i], w)
			}
		}
	}
	if slices.Contains(in.Watermarks, n.SessionWindow.Time) {
		n.Watermarks, a.ends[i] = append(n.Watermarks, k+1), append(a.ends[i], k+1)
		if n.SessionWindow.WindowTime {
			n.Watermarks, a.ends[i] = append(n.Watermarks, k+2), append(a.ends[i], k+2)
		}
	}
}

func (a *annotator) agg(i int, n *physical.Node) {
	in := a.in(n, 0)
	g := n.Agg
	if len(g.Group) > 0 {
		n.StreamKey = all(len(g.Group))
	}
	if g.Hop != nil {
		if slices.Contains(in.Watermarks, g.Hop.Time) {
			for k, c := range g.Group {
				if c < 0 {
					n.Watermarks = append(n.Watermarks, k)
				}
			}
			for _, k := range []int{g.WindowStart, g.WindowEnd, g.WindowTime - 1} {
				switch {
				case k < 0:
				case k == g.WindowStart && g.Hop.Cumulate:
					a.starts[i] = append(a.starts[i], k)
				default:
					a.ends[i] = append(a.ends[i], k)
				}
			}
		}
	}
	if g.Session != nil && slices.Contains(in.Watermarks, g.Session.Time) {
		for _, k := range []int{g.WindowEnd, g.WindowTime - 1} {
			if k >= 0 {
				n.Watermarks, a.ends[i] = append(n.Watermarks, k), append(a.ends[i], k)
			}
		}
	}
	for k, c := range g.Group {
		if c < 0 {
			continue
		}
		if slices.Contains(in.Watermarks, c) {
			n.Watermarks = append(n.Watermarks, k)
		}
		if slices.Contains(a.ends[n.Inputs[0]], c) {
			a.ends[i] = append(a.ends[i], k)
			if g.Hop == nil && g.Session == nil {
				g.WindowEnd = k
			}
		}
		if slices.Contains(a.starts[n.Inputs[0]], c) {
			a.starts[i] = append(a.starts[i], k)
		}
	}
	if g.Hop == nil && g.Session == nil && len(a.ends[i]) == 0 {
		g.WindowEnd = a.closing(i)
	}
	slices.Sort(n.Watermarks)
	slices.Sort(a.ends[i])
}

func (a *annotator) union(i int, n *physical.Node) {
	n.AppendOnly = true
	for k := range n.Inputs {
		in := a.in(n, k)
		n.AppendOnly = n.AppendOnly && in.AppendOnly
		if k == 0 {
			n.Watermarks, a.ends[i] = slices.Clone(in.Watermarks), slices.Clone(a.ends[n.Inputs[k]])
			continue
		}
		n.Watermarks = slices.DeleteFunc(n.Watermarks, func(c int) bool { return !slices.Contains(in.Watermarks, c) })
		a.ends[i] = slices.DeleteFunc(a.ends[i], func(c int) bool { return !slices.Contains(a.ends[n.Inputs[k]], c) })
	}
}

// setOp promises what both sides do, or of EXCEPT the left one where nothing comes back
// from the right.
func (a *annotator) setOp(i int, n *physical.Node) {
	l, r := a.in(n, 0), a.in(n, 1)
	if !n.SetOp.All {
		n.StreamKey = all(len(n.Schema))
	}
	n.Watermarks, a.ends[i] = slices.Clone(l.Watermarks), slices.Clone(a.ends[n.Inputs[0]])
	switch {
	case n.SetOp.Op == physical.SetIntersect:
		n.Watermarks = slices.DeleteFunc(n.Watermarks, func(c int) bool { return !slices.Contains(r.Watermarks, c) })
		a.ends[i] = slices.DeleteFunc(a.ends[i], func(c int) bool { return !slices.Contains(a.ends[n.Inputs[1]], c) })
	case !r.AppendOnly:
		n.Watermarks, a.ends[i] = nil, nil
	}
}

func (a *annotator) topN(i int, n *physical.Node) {
	in := a.in(n, 0)
	where := func(c int) int {
		if n.TopN.Visible > 0 && c >= n.TopN.Visible {
			return -1
		}
		return c
	}
	n.StreamKey = wholeKey(in.StreamKey, where)
	if n.TopN.Limit == 1 && !n.TopN.WithTies && len(n.TopN.Partition) > 0 {
		if k := wholeKey(n.TopN.Partition, where); k != nil {
			n.StreamKey = k
		}
	}
	for _, w := range in.Watermarks {
		if slices.Contains(n.TopN.Partition, w) && where(w) >= 0 {
			n.Watermarks = append(n.Watermarks, w)
			if slices.Contains(a.ends[n.Inputs[0]], w) {
				a.ends[i] = append(a.ends[i], w)
				n.TopN.WindowEnd = slices.Index(n.TopN.Partition, w) + 1
			}
		}
	}
}

// overWindow promises what its input does for the partition columns alone: a late
// neighbour changes the results of earlier rows.
func (a *annotator) overWindow(i int, n *physical.Node) {
	in := a.in(n, 0)
	n.StreamKey = in.StreamKey
	for _, w := range in.Watermarks {
		if slices.Contains(n.OverWindow.Partition, w) {
			n.Watermarks = append(n.Watermarks, w)
			if slices.Contains(a.ends[n.Inputs[0]], w) {
				a.ends[i] = append(a.ends[i], w)
				n.OverWindow.WindowEnd = slices.Index(n.OverWindow.Partition, w)
			}
		}
	}
}
