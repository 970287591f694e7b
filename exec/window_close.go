package exec

import (
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
)

// windowClose remembers which groups belong to which window end, so that a rising
// watermark finds the groups that are over without looking at the others.
type windowClose struct {
	// ends holds the groups of each open window end.
	ends map[int64][]int32
	// order is the ends, ascending.
	order []int64
}

func newWindowClose() *windowClose { return &windowClose{ends: make(map[int64][]int32)} }

// register notes the windows of groups that were emitted; the same group may come
// again, see due. A group that was retracted is registered as well, harmlessly.
func (w *windowClose) register(end *chunk.Column, slots []int32) {
	for i, s := range slots {
		e := end.Ints[i]
		if end.IsNull(i) {
			continue
		}
		l, known := w.ends[e]
		if !known {
			at, _ := slices.BinarySearch(w.order, e)
			w.order = slices.Insert(w.order, at, e)
		}
		if n := len(l); n > 0 && l[n-1] == s {
			continue
		}
		w.ends[e] = append(l, s)
	}
}

// due removes and returns the groups of windows with end < wm, ascending and each once.
func (w *windowClose) due(wm int64) []int32 {
	n := 0
	var slots []int32
	for n < len(w.order) && w.order[n] < wm {
		slots = append(slots, w.ends[w.order[n]]...)
		delete(w.ends, w.order[n])
		n++
	}
	w.order = w.order[n:]
	slices.Sort(slots)
	return slices.Compact(slots)
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
		start := hopOf(a.spec.Hop).FirstStart(wm)
		if a.closeAt == a.spec.WindowStart {
			return start
		}
		return start + a.spec.Hop.Size
	}
	return fc.watermark(0, a.keys[a.closeAt])
}

// settles reports whether rows below a watermark of a node's output never change again:
// no insertion, which is what a watermark says of any node, and no retraction either. An
// append-only input retracts nothing; an aggregation over one that settles changes a
// group only while rows for it come. Over a table the user may still delete old rows.
func settles(nodes []physical.Node, n int) bool {
	node := &nodes[n]
	if node.AppendOnly {
		return true
	}
	switch node.Kind {
	case physical.KindFilter, physical.KindProject, physical.KindExchange, physical.KindHopWindow, physical.KindAgg, physical.KindEmit:
		return settles(nodes, node.Inputs[0])
	case physical.KindJoin:
		return node.Join.Type == physical.JoinInner && settles(nodes, node.Inputs[0]) && settles(nodes, node.Inputs[1])
	}
	return false
}
