package exec

import (
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
	"streamdb/window"
)

// spreadWatermarks computes the watermark of every node's output columns for the epoch
// that is being flushed, from those of the scans. A watermark is a property of a
// relation, alike in all workers.
//
// Where late rows are taken in, the watermarks by which state is dropped are lower by what
// is allowed; rows are emitted by those that the relations have.
func (d *Dataflow) spreadWatermarks(scans [][]int64) {
	at := make(map[int][]int64, len(d.scans))
	corrects := false
	for i, s := range d.scans {
		if i < len(scans) {
			at[s.Node] = scans[i]
		}
		corrects = corrects || s.Lateness > 0
	}
	if corrects {
		d.derive(at)
		if d.emits == nil {
			d.emits = make(map[int][]int64)
		}
		for i := range d.plan.Nodes {
			if n := &d.plan.Nodes[i]; n.Kind == physical.KindEmit {
				d.emits[i] = d.marks[n.Inputs[0]]
			}
		}
		for _, s := range d.scans {
			at[s.Node] = lowered(at[s.Node], s.Lateness)
		}
	}
	d.derive(at)
}

// lowered returns watermarks that are lower by some time.
func lowered(marks []int64, by int64) []int64 {
	r := slices.Clone(marks)
	for i := range r {
		if r[i] != NoWatermark {
			r[i] -= by
		}
	}
	return r
}

// derive computes d.marks from those of the scans, by node.
func (d *Dataflow) derive(at map[int][]int64) {
	for i := range d.plan.Nodes {
		n := &d.plan.Nodes[i]
		if n.Kind == physical.KindScan {
			d.marks[i] = at[i]
			continue
		}
		if n.Kind == physical.KindEmitEvery {
			d.marks[i] = d.withheldMarks(i, d.marks[n.Inputs[0]])
			continue
		}
		if n.Kind == physical.KindProctime {
			d.marks[i] = padMarks(d.marks[n.Inputs[0]], len(n.Schema))
			d.marks[i][len(n.Schema)-1] = d.now
			continue
		}
		if n.Kind == physical.KindProject && d.marks[n.Inputs[0]] != nil {
			d.marks[i] = d.projectMarks(i, d.marks[n.Inputs[0]])
			continue
		}
		if n.Kind == physical.KindJoin && n.Join.Unpartnered() && d.plan.Nodes[n.Inputs[1]].AppendOnly {
			d.marks[i] = passMarks(n, n.Join.Output, d.marks[n.Inputs[0]])
			continue
		}
		d.marks[i] = outputMarks(n, d.inputMarks(i))
	}
}

// inputMarks returns the watermarks of node's inputs.
func (d *Dataflow) inputMarks(node int) [][]int64 {
	in := d.plan.Nodes[node].Inputs
	r := make([][]int64, len(in))
	for p, j := range in {
		r[p] = d.marks[j]
	}
	return r
}

// flushMarks returns the watermarks that node's Flush goes by.
func (d *Dataflow) flushMarks(node int) [][]int64 {
	if m, ok := d.emits[node]; ok {
		return [][]int64{m}
	}
	return d.inputMarks(node)
}

// outputMarks returns the watermarks of n's output columns.
func outputMarks(n *physical.Node, in [][]int64) []int64 {
	any := false
	for _, m := range in {
		any = any || m != nil
	}
	if !any {
		return nil
	}
	switch n.Kind {
	case physical.KindFilter, physical.KindLeaders, physical.KindExchange, physical.KindEmit:
		return in[0]
	case physical.KindTemporalFilter:
		if n.TemporalFilter.Expires() {
			return in[0]
		}
	case physical.KindProjectSet:
		return padMarks(in[0], len(n.Schema))
	case physical.KindHopWindow:
		return hopMarks(n, in[0])
	case physical.KindSession:
		return sessionMarks(n, in[0])
	case physical.KindAgg:
		return aggMarks(n, in[0])
	case physical.KindJoin:
		return joinMarks(n, in)
	case physical.KindLookupJoin:
		return lookupMarks(n, in[0])
	case physical.KindAsofJoin:
		return asofMarks(n, in)
	case physical.KindTopN:
		return partitionMarks(n, n.TopN.Partition, in[0])
	case physical.KindOverWindow:
		return partitionMarks(n, n.OverWindow.Partition, in[0])
	case physical.KindSetOp:
		return setOpMarks(n, in)
	case physical.KindUnion:
		return unionMarks(len(n.Schema), in)
	}
	return nil
}

// passMarks passes on the watermarks of those output columns that carry one; cols is where
// they come from.
func passMarks(n *physical.Node, cols []int, in []int64) []int64 {
	if in == nil {
		return nil
	}
	r := make([]int64, len(n.Schema))
	for i := range r {
		r[i] = NoWatermark
		if slices.Contains(n.Watermarks, i) {
			r[i] = in[cols[i]]
		}
	}
	return r
}

// setOpMarks: a row is in the result when the later of its two arrivals is, or, of EXCEPT,
// the left one.
func setOpMarks(n *physical.Node, in [][]int64) []int64 {
	r := make([]int64, len(n.Schema))
	for i := range r {
		r[i] = NoWatermark
		switch {
		case !slices.Contains(n.Watermarks, i) || in[0] == nil:
		case n.SetOp.Op == physical.SetExcept:
			r[i] = in[0][i]
		case in[1] != nil:
			r[i] = min(in[0][i], in[1][i])
		}
	}
	return r
}

func padMarks(m []int64, n int) []int64 {
	r := append([]int64(nil), m...)
	for len(r) < n {
		r = append(r, NoWatermark)
	}
	return r
}

// computedMark is the watermark of a computed column: its expression at the input's.
type computedMark struct {
	prog    *expr.Program
	in, out int64
}

// projectMarks passes columns' watermarks on, and computes those of expressions that rise
// with their column, see expr.Monotone.
func (d *Dataflow) projectMarks(node int, in []int64) []int64 {
	n := &d.plan.Nodes[node]
	r := make([]int64, len(n.Schema))
	for i, e := range n.Project.Exprs {
		r[i] = NoWatermark
		if e.Op == expr.OpColumn {
			r[i] = in[e.Col]
		} else if slices.Contains(n.Watermarks, i) {
			r[i] = d.computeMark([2]int{node, i}, e, in)
		}
	}
	return r
}

func (d *Dataflow) computeMark(at [2]int, e *expr.Expr, in []int64) int64 {
	// The planner has looked at the time zone.
	col, _, ok := expr.Monotone(e, true)
	if !ok || in[col] == NoWatermark {
		return NoWatermark
	}
	m := d.computed[at]
	if m == nil {
		prog, err := expr.Compile(e)
		if err != nil {
			return NoWatermark
		}
		if d.computed == nil {
			d.computed = make(map[[2]int]*computedMark)
		}
		m = &computedMark{prog: prog, in: NoWatermark, out: NoWatermark}
		d.computed[at] = m
	}
	if in[col] == m.in {
		return m.out
	}
	c := &chunk.Chunk{Cols: make([]*chunk.Column, col+1), Rows: 1}
	c.Cols[col] = chunk.NewColumn(columnType(e), 1)
	c.Cols[col].AppendDatum(types.Datum{I: in[col]})
	m.in, m.out = in[col], NoWatermark
	if v := m.prog.Eval(d.opts.Context, c); len(v.Errs) == 0 && !v.IsNull(0) {
		m.out = v.Ints[0]
	}
	return m.out
}

// columnType is the type of the one column in an expression.
func columnType(e *expr.Expr) types.Type {
	for e.Op != expr.OpColumn {
		for _, a := range e.Args {
			if !a.IsConst() {
				e = a
				break
			}
		}
	}
	return e.Type
}

func hopMarks(n *physical.Node, in []int64) []int64 {
	h := n.HopWindow
	k := len(in)
	r := padMarks(in, len(n.Schema))
	if wm := in[h.Time]; wm != NoWatermark {
		w := firstWindow(h, wm)
		r[k], r[k+1] = w.Start, w.End
		if h.WindowTime {
			r[k+2] = w.End - 1
		}
	}
	return r
}

// sessionMarks: a row that enters or leaves changes the sessions of earlier ones, but
// none that ended at the watermark or before.
func sessionMarks(n *physical.Node, in []int64) []int64 {
	s := n.SessionWindow
	r := partitionMarks(n, s.Partition, in)
	if wm := in[s.Time]; wm != NoWatermark {
		mark := window.Session{Gap: s.Gap}.Mark(wm)
		r[len(in)+1] = mark
		if s.WindowTime {
			r[len(in)+2] = mark - 1
		}
	}
	return r
}

// firstWindow returns the earliest start and end of the windows that hold wm or a later
// time. A window of a greater end than others may have an earlier start.
func firstWindow(h *physical.HopWindow, wm int64) window.Bounds {
	if wm == timeInfinity {
		return window.Bounds{Start: wm, End: wm}
	}
	asg, err := window.New(h.Spec())
	if err != nil {
		return window.Bounds{Start: NoWatermark, End: NoWatermark} // The operator has failed to start.
	}
	return asg.First(wm)
}

func aggMarks(n *physical.Node, in []int64) []int64 {
	a := n.Agg
	r := make([]int64, len(n.Schema))
	for i := range r {
		r[i] = NoWatermark
		if i < len(a.Group) && a.Group[i] >= 0 {
			r[i] = in[a.Group[i]]
		}
	}
	if s := a.Session; s != nil && in[s.Time] != NoWatermark {
		mark := window.Session{Gap: s.Gap}.Mark(in[s.Time])
		if a.WindowEnd >= 0 {
			r[a.WindowEnd] = mark
		}
		if a.WindowTime > 0 {
			r[a.WindowTime-1] = mark - 1
		}
	}
	if a.Hop != nil && in[a.Hop.Time] != NoWatermark {
		w := firstWindow(a.Hop, in[a.Hop.Time])
		if a.WindowStart >= 0 {
			r[a.WindowStart] = w.Start
		}
		if a.WindowEnd >= 0 {
			r[a.WindowEnd] = w.End
		}
		if a.WindowTime > 0 {
			r[a.WindowTime-1] = w.End - 1
		}
	}
	return r
}

// partitionMarks: a late neighbour changes the results of earlier rows, but only within
// its partition.
func partitionMarks(n *physical.Node, partition []int, in []int64) []int64 {
	r := make([]int64, len(n.Schema))
	for i := range r {
		r[i] = NoWatermark
	}
	for _, c := range partition {
		if c < len(r) {
			r[c] = in[c]
		}
	}
	return r
}

// joinMarks: a key column is bounded by both sides, since a row leaves the join when
// the later of its partners arrives; so is a column that bounds the other side's time.
// Other columns of a waiting row are not bounded.
func joinMarks(n *physical.Node, in [][]int64) []int64 {
	j := n.Join
	r := make([]int64, len(n.Schema))
	for i := range r {
		r[i] = NoWatermark
	}
	if in[0] == nil || in[1] == nil {
		return r
	}
	left := len(in[0])
	mark := func(col int, wm int64) {
		for i, c := range j.Output {
			if c == col && (slices.Contains(n.Watermarks, i) || j.Type == physical.JoinInner) {
				r[i] = max(r[i], wm)
			}
		}
	}
	for k := range j.LeftKeys {
		wm := min(in[0][j.LeftKeys[k]], in[1][j.RightKeys[k]])
		mark(j.LeftKeys[k], wm)
		mark(left+j.RightKeys[k], wm)
	}
	if u := j.LeftUntil; u != nil {
		mark(u.Col, min(in[0][u.Col], addSaturated(in[1][u.Other], -u.Delta)))
	}
	if u := j.RightUntil; u != nil {
		mark(left+u.Col, min(in[1][u.Col], addSaturated(in[0][u.Other], -u.Delta)))
	}
	return r
}

// lookupMarks: a left row is joined as it arrives.
func lookupMarks(n *physical.Node, left []int64) []int64 {
	r := make([]int64, len(n.Schema))
	for i, c := range n.LookupJoin.Output {
		r[i] = NoWatermark
		if c < len(left) && left != nil {
			r[i] = left[c]
		}
	}
	return r
}

// asofMarks: a row changes its partner when a right row comes that lies before it.
func asofMarks(n *physical.Node, in [][]int64) []int64 {
	j := n.AsofJoin
	r := make([]int64, len(n.Schema))
	for i := range r {
		r[i] = NoWatermark
	}
	for _, i := range n.Watermarks {
		if in[0] != nil && in[1] != nil && j.Output[i] == j.LeftTime {
			r[i] = min(in[0][j.LeftTime], in[1][j.RightTime])
		}
	}
	return r
}

func unionMarks(cols int, in [][]int64) []int64 {
	r := make([]int64, cols)
	for i := range r {
		for p, m := range in {
			w := int64(NoWatermark)
			if m != nil {
				w = m[i]
			}
			if p == 0 || w < r[i] {
				r[i] = w
			}
		}
	}
	return r
}
