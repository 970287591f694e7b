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
type panes struct {
	a    *agg
	hop  *physical.HopWindow
	pane int64

	table *chunk.KeyTable // group columns, then the pane's start
	rows  []int32         // slots of the epoch's panes
	keys  []int           // input columns of the group, windows left out
	time  int

	hash  []uint64
	slots []int32
	start *chunk.Column
}

func newPanes(a *agg, in chunk.Schema) *panes {
	h := a.spec.Hop
	p := &panes{a: a, hop: h, pane: hopOf(h).Pane(), time: h.Time}
	var s chunk.Schema
	for i, k := range a.keys {
		if i != a.spec.WindowStart && i != a.spec.WindowEnd {
			p.keys = append(p.keys, k)
			s = append(s, a.schema[i])
		}
	}
	p.table = chunk.NewKeyTable(append(s, types.Int8), a.words)
	p.start = chunk.NewColumn(types.Int8, 0)
	return p
}

// push folds c's rows into their panes. Rows without a time belong to no window.
func (p *panes) push(c *chunk.Chunk) {
	if t := c.Cols[p.time]; t.Nulls.Any() || hasInfinite(t.Ints) {
		c = c.Gather(finiteRows(t))
	}
	if c.Rows == 0 {
		return
	}
	h := hopOf(p.hop)
	h.Slide = p.pane
	p.start.Ints = p.start.Ints[:0]
	for _, t := range c.Cols[p.time].Ints {
		p.start.Ints = append(p.start.Ints, h.LastStart(t))
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
		if i != p.a.spec.WindowStart && i != p.a.spec.WindowEnd {
			p.table.AppendKey(cols[i], k, slots)
			k++
		}
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
	ws, we := p.a.spec.WindowStart, p.a.spec.WindowEnd
	for _, c := range []int{ws, we} {
		if c >= 0 {
			cols[c] = chunk.NewColumn(p.a.schema[c], len(start))
			cols[c].Resize(len(start))
		}
	}
	for i, t := range start {
		s := h.LastStart(t) - back
		if ws >= 0 {
			cols[ws].Ints[i] = s
		}
		if we >= 0 {
			cols[we].Ints[i] = s + p.hop.Size
		}
		if s+p.hop.Size > t {
			sel = append(sel, int32(i))
		}
	}
	return sel
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

func newHopExpander(a *agg, in chunk.Schema) *hopExpander {
	h := a.spec.Hop
	t := in[h.Time]
	e := &hopExpander{a: a, win: &hopWindow{spec: h, hop: hopOf(h), out: [2]types.Type{t, t}}}
	e.keys = append([]int(nil), a.keys...)
	if a.spec.WindowStart >= 0 {
		e.keys[a.spec.WindowStart] = len(in)
	}
	if a.spec.WindowEnd >= 0 {
		e.keys[a.spec.WindowEnd] = len(in) + 1
	}
	e.out.next = []target{{op: e, out: &e.out}}
	return e
}

func (e *hopExpander) push(c *chunk.Chunk) { e.win.Push(0, c, &e.out) }

// Push takes what the window assignment emits.
func (e *hopExpander) Push(_ int, c *chunk.Chunk, _ *Output) { e.a.fold(c, c.Cols, e.keys) }

// Flush has nothing to do.
func (e *hopExpander) Flush(*FlushContext, *Output) {}
