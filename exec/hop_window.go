package exec

import (
	"math"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
	"streamdb/window"
)

// hopWindow emits each row once per window that holds its time, with the window's
// start and end appended.
type hopWindow struct {
	spec *physical.HopWindow
	hop  window.Hop
	out  [2]types.Type

	// scratch of one Push
	last []int64
	sel  []int32
}

func newHopWindow(n *physical.Node) *hopWindow {
	k := len(n.Schema)
	return &hopWindow{spec: n.HopWindow, hop: hopOf(n.HopWindow), out: [2]types.Type{n.Schema[k-2], n.Schema[k-1]}}
}

// Push assigns windows, one window position at a time: the first pass covers all rows.
func (h *hopWindow) Push(_ int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, []int{h.spec.Time}); c.Rows == 0 {
		return
	}
	if t := c.Cols[h.spec.Time]; t.Nulls.Any() || hasInfinite(t.Ints) {
		c = c.Gather(finiteRows(t))
	}
	times := c.Cols[h.spec.Time].Ints
	if cap(h.last) < len(times) {
		h.last = make([]int64, max(len(times), chunk.RowsMax))
	}
	last := h.last[:len(times)]
	for i, t := range times {
		last[i] = h.hop.LastStart(t)
	}
	for w := range h.hop.Windows() {
		h.emit(c, times, last, w*h.hop.Slide, out)
	}
}

// emit emits the rows whose window back before the latest one holds their time.
func (h *hopWindow) emit(c *chunk.Chunk, times, last []int64, back int64, out *Output) {
	if h.sel == nil {
		h.sel = make([]int32, 0, chunk.RowsMax)
	}
	sel := h.sel[:0]
	for i, t := range times {
		if last[i]-back+h.hop.Size > t {
			sel = append(sel, int32(i))
		}
	}
	h.sel = sel
	if len(sel) == 0 {
		return
	}
	r := *c
	if len(sel) < c.Rows {
		r = *c.Gather(sel)
	}
	start, end := chunk.NewColumn(h.out[0], r.Rows), chunk.NewColumn(h.out[1], r.Rows)
	start.Resize(r.Rows)
	end.Resize(r.Rows)
	for k, i := range sel {
		s := last[i] - back
		start.Ints[k], end.Ints[k] = s, s+h.hop.Size
	}
	r.Cols = append(append(make([]*chunk.Column, 0, len(r.Cols)+2), r.Cols...), start, end)
	out.Emit(&r)
}

// Flush has nothing to emit.
func (h *hopWindow) Flush(*FlushContext, *Output) {}

// The infinite timestamps, as PostgreSQL stores them.
const (
	timeInfinity    = math.MaxInt64
	timeNegInfinity = math.MinInt64
)

func hasInfinite(times []int64) bool {
	for _, t := range times {
		if t == timeInfinity || t == timeNegInfinity {
			return true
		}
	}
	return false
}

// finiteRows returns the rows of a time column that are neither NULL nor infinite.
func finiteRows(c *chunk.Column) []int32 {
	r := make([]int32, 0, len(c.Ints))
	for i, t := range c.Ints {
		if !c.Nulls.Get(i) && t != timeInfinity && t != timeNegInfinity {
			r = append(r, int32(i))
		}
	}
	return r
}
