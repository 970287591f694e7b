package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
	"streamdb/window"
)

// panes aggregates the rows of one epoch by pane before they reach their windows: a
// hopping window of size S and slide s is made of panes of gcd(S, s), and a row is
// folded once into its pane's accumulators instead of S/s times into its windows'.
// At the end of the epoch each (group, pane) is added to the windows it lies in.
//
//	slide 2, size 6, pane 2      rows:    [··|···|·|··]        one update per row
//	                             windows:  [─────]             one per pane and window
//	                                          [─────]
//
// A cumulating window of size S and step s is made of panes of s from its start on, a
// calendar window of months or days.
type panes struct {
	a    *agg
	hop  *physical.HopWindow
	asg  *window.Assigner
	pane int64 // width where windows are plain

	table *chunk.KeyTable // group columns, then the pane's start
	rows  []int32         // slots of the epoch's panes
	keys  []int           // input columns of the group, windows left out
	time  int

	hash  []uint64
	slots []int32
	start *chunk.Column

	// scratch of spreadAssigned
	sel []int32
	in  []window.Bounds
}

func newPanes(a *agg, in chunk.Schema) (*panes, error) {
	h := a.spec.Hop
	asg, err := window.New(h.Spec())
	if err != nil {
		return nil, err
	}
	p := &panes{a: a, hop: h, asg: asg, time: h.Time}
	if asg.Plain() {
		p.pane = hopOf(h).Pane()
	}
	var s chunk.Schema
	for i, k := range a.keys {
		if !a.windowColumn(i) {
			p.keys = append(p.keys, k)
			s = append(s, a.schema[i])
		}
	}
	p.table = chunk.NewKeyTable(append(s, types.Int8), a.words)
	p.start = chunk.NewColumn(types.Int8, 0)
	return p, nil
}

// windowColumn reports whether group column i is computed from the window.
func (a *agg) windowColumn(i int) bool {
	return i == a.spec.WindowStart || i == a.spec.WindowEnd || i == a.spec.WindowTime-1
}

// push folds c's rows into their panes. Rows without a time belong to no window.
func (p *panes) push(c *chunk.Chunk) {
	if t := c.Cols[p.time]; t.Nulls.Any() || hasInfinite(t.Ints) {
		c = c.Gather(finiteRows(t))
	}
	if c.Rows == 0 {
		return
	}
	p.start.Ints = p.start.Ints[:0]
	if h := hopOf(p.hop); p.asg.Plain() {
		h.Slide = p.pane
		for _, t := range c.Cols[p.time].Ints {
			p.start.Ints = append(p.start.Ints, h.LastStart(t))
		}
	} else {
		for _, t := range c.Cols[p.time].Ints {
			p.start.Ints = append(p.start.Ints, p.asg.Pane(t))
		}
	}
	keys := make([]*chunk.Column, 0, len(p.keys)+1)
	for _, k := range p.keys {
		keys = append(keys, c.Cols[k])
	}
	keys = append(keys, p.start)
	if cap(p.hash) < c.Rows {
		p.hash, p.slots = make([]uint64, c.Rows), make([]int32, c.Rows)
	}
	hash, slots := p.hash[:c.Rows], p.slots[:c.Rows]
	chunk.HashRows(keys, c.Rows, hash)
	p.table.Upsert(keys, hash, slots)
	at := p.table.PayloadOffset()
	for i, s := range slots {
		*p.table.Word(s, at) += uint64(c.Weight(i))
	}
	for i := range p.a.calls {
		p.a.calls[i].update(p.table, at, slots, c)
	}
}

// flush adds every pane of the epoch to the windows that it lies in.
func (p *panes) flush() {
	all := p.table.LiveSlots(p.rows[:0])
	p.rows = all
	for lo := 0; lo < len(all); lo += chunk.RowsMax {
		p.spread(all[lo:min(lo+chunk.RowsMax, len(all))])
	}
	p.table.Reset()
}

// spread adds the panes in slots to their windows, one window position at a time.
func (p *panes) spread(slots []int32) {
	n := len(slots)
	start := chunk.NewColumn(types.Int8, n)
	p.table.AppendKey(start, len(p.keys), slots)
	cols := make([]*chunk.Column, len(p.a.keys))
	k := 0
	for i := range p.a.keys {
		cols[i] = chunk.NewColumn(p.a.schema[i], n)
		if !p.a.windowColumn(i) {
			p.table.AppendKey(cols[i], k, slots)
			k++
		}
	}
	if !p.asg.Plain() {
		p.spreadAssigned(slots, cols, start.Ints)
		return
	}
	h := hopOf(p.hop)
	hash, into := make([]uint64, n), make([]int32, n)
	for w := range h.Windows() {
		sel := p.windowTimes(cols, start.Ints, h, w*p.hop.Slide)
		from, keys := slots, cols
		if len(sel) < n {
			from, keys = pick(slots, sel), gatherAll(cols, sel)
		}
		m := len(from)
		chunk.HashRows(keys, m, hash)
		p.a.table.Upsert(keys, hash[:m], into)
		p.a.touch(into[:m])
		p.merge(from, into[:m])
	}
}

// windowTimes sets the window columns of each pane's window that starts back before
// its latest one, and returns the panes that lie in it.
func (p *panes) windowTimes(cols []*chunk.Column, start []int64, h window.Hop, back int64) []int32 {
	sel := make([]int32, 0, len(start))
	w := p.a.windowColumns(cols, len(start))
	for i, t := range start {
		s := h.LastStart(t) - back
		w.set(i, window.Bounds{Start: s, End: s + p.hop.Size})
		if s+p.hop.Size > t {
			sel = append(sel, int32(i))
		}
	}
	return sel
}

// windowColumns is the values of group columns that are computed from the window, nil
// where the query does not group by one.
type windowColumns struct{ start, end, time []int64 }

// windowColumns puts new columns for n windows into cols.
func (a *agg) windowColumns(cols []*chunk.Column, n int) (w windowColumns) {
	at := func(c int, ints *[]int64) {
		if c >= 0 {
			cols[c] = chunk.NewColumn(a.schema[c], n)
			cols[c].Resize(n)
			*ints = cols[c].Ints
		}
	}
	at(a.spec.WindowStart, &w.start)
	at(a.spec.WindowEnd, &w.end)
	at(a.spec.WindowTime-1, &w.time)
	return w
}

func (w *windowColumns) set(i int, b window.Bounds) {
	if w.start != nil {
		w.start[i] = b.Start
	}
	if w.end != nil {
		w.end[i] = b.End
	}
	if w.time != nil {
		w.time[i] = b.End - 1
	}
}

// spreadAssigned adds the panes in slots, which begin at start, to the windows that hold
// them. cols is the panes' group columns.
func (p *panes) spreadAssigned(slots []int32, cols []*chunk.Column, start []int64) {
	p.sel, p.in = p.sel[:0], p.in[:0]
	for i, t := range start {
		n := len(p.in)
		p.in = p.asg.Windows(t, p.in)
		for range p.in[n:] {
			p.sel = append(p.sel, int32(i))
		}
	}
	hash, into := make([]uint64, chunk.RowsMax), make([]int32, chunk.RowsMax)
	for lo := 0; lo < len(p.sel); lo += chunk.RowsMax {
		hi := min(lo+chunk.RowsMax, len(p.sel))
		m := hi - lo
		keys := make([]*chunk.Column, len(cols))
		for i, c := range cols {
			if !p.a.windowColumn(i) {
				keys[i] = c.Gather(p.sel[lo:hi])
			}
		}
		w := p.a.windowColumns(keys, m)
		for i, b := range p.in[lo:hi] {
			w.set(i, b)
		}
		chunk.HashRows(keys, m, hash[:m])
		p.a.table.Upsert(keys, hash[:m], into[:m])
		p.a.touch(into[:m])
		p.merge(pick(slots, p.sel[lo:hi]), into[:m])
	}
}

// merge adds the payload of pane from[i] to window into[i].
func (p *panes) merge(from, into []int32) {
	src, dst := p.table.PayloadOffset(), p.a.table.PayloadOffset()
	for i, s := range into {
		*p.a.table.Word(s, dst) += *p.table.Word(from[i], src)
	}
	for i := range p.a.calls {
		cs := &p.a.calls[i]
		if cs.shared {
			continue
		}
		cs.acc.(mergeable).merge(p.a.table, dst+cs.at, into, p.table, src+cs.at, from)
	}
}

// mergeable is implemented by accumulators whose partial states add up.
type mergeable interface {
	// merge adds the words of src's rows from to those of dst's rows into.
	merge(dst *chunk.KeyTable, dstAt int, into []int32, src *chunk.KeyTable, srcAt int, from []int32)
}

func pick(slots, sel []int32) []int32 {
	r := make([]int32, len(sel))
	for i, j := range sel {
		r[i] = slots[j]
	}
	return r
}

func gatherAll(cols []*chunk.Column, sel []int32) []*chunk.Column {
	r := make([]*chunk.Column, len(cols))
	for i, c := range cols {
		r[i] = c.Gather(sel)
	}
	return r
}

// mergeable reports whether the partial states of all calls add up.
func (a *agg) mergeable() bool {
	for i := range a.calls {
		if _, ok := a.calls[i].acc.(mergeable); !ok || a.calls[i].distinct != nil {
			return false
		}
	}
	return true
}

// hopExpander folds every row once per window, for calls whose partial states do not
// add up.
type hopExpander struct {
	a    *agg
	win  *hopWindow
	keys []int
	out  Output
}

func newHopExpander(a *agg, in chunk.Schema) (*hopExpander, error) {
	h := a.spec.Hop
	t := in[h.Time]
	win, err := hopWindowOf(h, []types.Type{t, t, t})
	if err != nil {
		return nil, err
	}
	e := &hopExpander{a: a, win: win}
	e.keys = append([]int(nil), a.keys...)
	if a.spec.WindowStart >= 0 {
		e.keys[a.spec.WindowStart] = len(in)
	}
	if a.spec.WindowEnd >= 0 {
		e.keys[a.spec.WindowEnd] = len(in) + 1
	}
	if a.spec.WindowTime > 0 {
		e.keys[a.spec.WindowTime-1] = len(in) + 2
	}
	e.out.next = []target{{op: e, out: &e.out}}
	return e, nil
}

func (e *hopExpander) push(c *chunk.Chunk) { e.win.Push(0, c, &e.out) }

// Push takes what the window assignment emits.
func (e *hopExpander) Push(_ int, c *chunk.Chunk, _ *Output) { e.a.fold(c, c.Cols, e.keys) }

// Flush has nothing to do.
func (e *hopExpander) Flush(*FlushContext, *Output) {}
