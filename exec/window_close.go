package exec

import (
	"cmp"
	"slices"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// windowClose remembers which groups belong to which window end, so that a rising
// watermark finds the groups that are over without looking at the others.
type windowClose struct {
	// open holds the ends of the open windows, groups theirs by slot.
	open   *chunk.KeyTable
	groups [][]int32
	// order is the slots of the ends, ascending by end.
	order []int32

	hash   []uint64
	slots  []int32
	starts []int32 // rows whose window is another than that of the row before
}

func newWindowClose() *windowClose {
	return &windowClose{open: chunk.NewKeyTable(chunk.Schema{types.Int8}, 0)}
}

// end returns the window end in slot w.
func (c *windowClose) end(w int32) int64 { return int64(*c.open.Word(w, c.open.Layout().Offset(0))) }

// register notes the windows of groups that were emitted; the same group may come
// again, see due. A group that was retracted is registered as well, harmlessly.
func (c *windowClose) register(end *chunk.Column, slots []int32) {
	n := len(slots)
	if n == 0 {
		return
	}
	if end.Nulls.Any() {
		known := make([]int32, 0, n)
		for i := range int32(n) {
			if !end.IsNull(int(i)) {
				known = append(known, i)
			}
		}
		c.register(end.Gather(known), pick(slots, known))
		return
	}
	// Rows come by time: neighbours mostly have the same window, which is looked up once.
	c.starts = c.starts[:0]
	for i, e := range end.Ints[:n] {
		if i == 0 || e != end.Ints[i-1] {
			c.starts = append(c.starts, int32(i))
		}
	}
	in := c.windows(end)
	for k, w := range in {
		hi := n
		if k+1 < len(in) {
			hi = int(c.starts[k+1])
		}
		l := c.groups[w]
		for _, s := range slots[c.starts[k]:hi] {
			if k := len(l); k == 0 || l[k-1] != s {
				l = append(l, s)
			}
		}
		c.groups[w] = l
	}
}

// windows returns the slots of the windows that end at the rows starts.
func (c *windowClose) windows(end *chunk.Column) []int32 {
	n := len(c.starts)
	if cap(c.hash) < n {
		c.hash, c.slots = make([]uint64, n), make([]int32, n)
	}
	hash, in := c.hash[:n], c.slots[:n]
	keys := []*chunk.Column{end}
	if n < end.Len() {
		keys[0] = end.Gather(c.starts)
	}
	chunk.HashRows(keys, n, hash)
	if c.open.Upsert(keys, hash, in) > 0 {
		c.enter(in)
	}
	return in
}

// enter puts the windows of in that are new into their order.
func (c *windowClose) enter(in []int32) {
	for len(c.groups) < c.open.Slots() {
		c.groups = append(c.groups, nil)
	}
	for _, w := range in {
		if len(c.groups[w]) > 0 {
			continue
		}
		at, known := slices.BinarySearchFunc(c.order, c.end(w), func(o int32, e int64) int { return cmp.Compare(c.end(o), e) })
		if !known {
			c.order = slices.Insert(c.order, at, w)
		}
	}
}

// due removes and returns the groups of windows with end < wm, ascending and each once.
func (c *windowClose) due(wm int64) []int32 {
	n := 0
	var groups []int32
	for n < len(c.order) && c.end(c.order[n]) < wm {
		w := c.order[n]
		groups = append(groups, c.groups[w]...)
		c.groups[w] = nil
		n++
	}
	if n == 0 {
		return nil
	}
	for i, h := range hashSlots(c.open, c.order[:n]) {
		c.open.Delete(c.order[i], h)
	}
	c.order = append(c.order[:0], c.order[n:]...)
	slices.Sort(groups)
	return slices.Compact(groups)
}

// closeWindows drops the state of groups whose window is closed: no row can reach
// them any more. Their result stays in the view.
func (a *agg) closeWindows(fc *FlushContext) {
	wm := a.windowMark(fc)
	if wm == NoWatermark {
		return
	}
	slots := a.close.due(wm)
	// A slot may have been freed and handed out again to a younger window.
	live := slots[:0]
	for _, s := range slots {
		if a.table.Live(s) && int64(*a.table.Word(s, a.table.Layout().Offset(a.closeAt))) < wm {
			live = append(live, s)
		}
	}
	a.drop(live, true)
}

// windowMark returns the watermark of the group column by which windows are closed.
func (a *agg) windowMark(fc *FlushContext) int64 {
	if a.spec.Hop != nil {
		wm := fc.watermark(0, a.spec.Hop.Time)
		if wm == NoWatermark {
			return wm
		}
		w := firstWindow(a.spec.Hop, wm)
		switch a.closeAt {
		case a.spec.WindowStart:
			return w.Start
		case a.spec.WindowTime - 1:
			return w.End - 1
		}
		return w.End
	}
	return fc.watermark(0, a.keys[a.closeAt])
}
