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
	groups []closeList
	lists  blockArena[int32]
	// order is the slots of the ends, ascending by end; fresh is those that are not in it yet.
	order, fresh []int32

	dues   []int32 // scratch of due
	hash   []uint64
	slots  []int32
	starts []int32 // rows whose window is another than that of the row before
}

// closeList is the groups of a window.
type closeList struct {
	block uint64
	n     int32
	class uint8 // of the block, 0 for none
	known bool  // the window is in order or fresh
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
		c.add(&c.groups[w], slots[c.starts[k]:hi])
	}
}

// add appends slots to a list, but for neighbours that are the same.
func (c *windowClose) add(l *closeList, slots []int32) {
	if need := int(l.n) + len(slots); l.class == 0 || need > 1<<l.class {
		class := classOf(need)
		b := c.lists.alloc(class)
		if l.n > 0 {
			copy(c.lists.words(b, class), c.lists.words(l.block, l.class)[:l.n])
		}
		c.lists.release(l.block, l.class)
		l.block, l.class = b, class
	}
	to, n := c.lists.words(l.block, l.class), l.n
	for _, s := range slots {
		if n == 0 || to[n-1] != s {
			to[n] = s
			n++
		}
	}
	l.n = n
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

// enter notes the windows of in that are new.
func (c *windowClose) enter(in []int32) {
	for len(c.groups) < c.open.Slots() {
		c.groups = append(c.groups, closeList{})
	}
	for _, w := range in {
		if l := &c.groups[w]; !l.known {
			l.known = true
			c.fresh = append(c.fresh, w)
		}
	}
}

// settle puts the fresh windows into the order: all at once, however many ends there are.
func (c *windowClose) settle() {
	if len(c.fresh) == 0 {
		return
	}
	slices.SortFunc(c.fresh, func(a, b int32) int { return cmp.Compare(c.end(a), c.end(b)) })
	i, k := len(c.order)-1, len(c.fresh)-1
	c.order = append(c.order, c.fresh...)
	for at := len(c.order) - 1; i >= 0 && k >= 0; at-- {
		if c.end(c.order[i]) > c.end(c.fresh[k]) {
			c.order[at] = c.order[i]
			i--
		} else {
			c.order[at] = c.fresh[k]
			k--
		}
	}
	if k >= 0 {
		copy(c.order, c.fresh[:k+1])
	}
	c.fresh = emptied(c.fresh)
}

// first returns the end of the first open window, NoTimer if there is none.
func (c *windowClose) first() int64 {
	c.settle()
	if len(c.order) == 0 {
		return NoTimer
	}
	return c.end(c.order[0])
}

// due removes and returns the groups of windows with end < wm, ascending and each once; they are valid until the next call.
func (c *windowClose) due(wm int64) []int32 {
	c.settle()
	n, groups := 0, emptied(c.dues)
	for n < len(c.order) && c.end(c.order[n]) < wm {
		w := c.order[n]
		l := &c.groups[w]
		groups = append(groups, c.lists.words(l.block, l.class)[:l.n]...)
		c.lists.release(l.block, l.class)
		*l = closeList{}
		n++
	}
	if c.dues = groups; n == 0 {
		return nil
	}
	deleteSlots(c.open, c.order[:n])
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
