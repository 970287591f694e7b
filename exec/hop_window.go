package exec

import (
	"math"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
	"streamdb/window"
)

// hopWindow emits each row once per window that holds its time, with the window's
// start and end appended, and its time if that is wanted.
type hopWindow struct {
	spec *physical.HopWindow
	asg  *window.Assigner
	hop  window.Hop
	out  []types.Type // of the window's columns

	// scratch of one Push
	cols []*chunk.Column // of tumble
	last []int64
	sel  []int32
	in   []window.Bounds
	of   []window.Bounds // parallel to sel
}

func newHopWindow(n *physical.Node) (*hopWindow, error) {
	k := len(n.Schema) - 2
	if n.HopWindow.WindowTime {
		k--
	}
	return hopWindowOf(n.HopWindow, n.Schema[k:])
}

func hopWindowOf(h *physical.HopWindow, out []types.Type) (*hopWindow, error) {
	asg, err := window.New(h.Spec())
	if err != nil {
		return nil, err
	}
	return &hopWindow{spec: h, asg: asg, hop: asg.Hop(), out: out}, nil
}

// Push assigns windows. Where all are alike it goes by window position, the latest first:
// the first pass covers all rows.
func (h *hopWindow) Push(_ int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, []int{h.spec.Time}); c.Rows == 0 {
		return
	}
	if t := c.Cols[h.spec.Time]; t.Nulls.Any() || hasInfinite(t.Ints) {
		c = c.Gather(finiteRows(t))
	}
	times := c.Cols[h.spec.Time].Ints
	if !h.asg.Plain() {
		h.assign(c, times, out)
		return
	}
	if h.hop.Slide == h.hop.Size {
		h.tumble(c, times, out)
		return
	}
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

// tumble emits every row with its one window. Rows come mostly in the order of time: one in
// the window of the row before costs no division.
func (h *hopWindow) tumble(c *chunk.Chunk, times []int64, out *Output) {
	if c.Rows == 0 {
		return
	}
	if h.cols == nil {
		h.cols = h.columns(max(c.Rows, chunk.RowsMax))
	}
	for _, col := range h.cols {
		col.Resize(c.Rows)
	}
	starts, ends := h.cols[0].Ints, h.cols[1].Ints
	start := h.hop.LastStart(times[0])
	end := start + h.hop.Size // may overflow: then every row is looked up
	for i, t := range times {
		if t < start || t >= end {
			start = h.hop.LastStart(t)
			end = start + h.hop.Size
		}
		starts[i], ends[i] = start, end
	}
	r := *c
	h.emitWith(&r, h.cols, out)
}

// assign emits the rows with their windows, row by row: the rows of a pane share them.
func (h *hopWindow) assign(c *chunk.Chunk, times []int64, out *Output) {
	h.sel, h.of = h.sel[:0], h.of[:0]
	pane := int64(NoWatermark)
	for i, t := range times {
		if p := h.asg.Pane(t); i == 0 || p != pane {
			h.in, pane = h.asg.Windows(t, h.in[:0]), p
		}
		for _, w := range h.in {
			h.sel, h.of = append(h.sel, int32(i)), append(h.of, w)
		}
		if len(h.sel) >= chunk.RowsMax {
			h.emitAssigned(c, out)
		}
	}
	h.emitAssigned(c, out)
}

// emitAssigned emits the rows sel of c with the windows of.
func (h *hopWindow) emitAssigned(c *chunk.Chunk, out *Output) {
	for lo := 0; lo < len(h.sel); lo += chunk.RowsMax {
		hi := min(lo+chunk.RowsMax, len(h.sel))
		r := *c.Gather(h.sel[lo:hi])
		cols := h.columns(r.Rows)
		for k, w := range h.of[lo:hi] {
			cols[0].Ints[k], cols[1].Ints[k] = w.Start, w.End
		}
		h.emitWith(&r, cols, out)
	}
	h.sel, h.of = h.sel[:0], h.of[:0]
}

// columns makes the window's columns of n rows.
func (h *hopWindow) columns(n int) []*chunk.Column {
	cols := make([]*chunk.Column, len(h.out))
	for i, t := range h.out {
		cols[i] = chunk.NewColumn(t, n)
		cols[i].Resize(n)
	}
	return cols
}

// emitWith emits r with the window's columns cols, whose starts and ends are set.
func (h *hopWindow) emitWith(r *chunk.Chunk, cols []*chunk.Column, out *Output) {
	if len(cols) > 2 {
		for k, end := range cols[1].Ints {
			cols[2].Ints[k] = end - 1
		}
	}
	r.Cols = append(append(make([]*chunk.Column, 0, len(r.Cols)+len(cols)), r.Cols...), cols...)
	out.Emit(r)
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
	cols := h.columns(r.Rows)
	for k, i := range sel {
		s := last[i] - back
		cols[0].Ints[k], cols[1].Ints[k] = s, s+h.hop.Size
	}
	h.emitWith(&r, cols, out)
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
