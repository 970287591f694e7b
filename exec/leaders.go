package exec

import (
	"math"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/window"
)

// leaders passes the rows that may have the greatest (or least) value of their window,
// see physical.Leaders: those whose value is not behind the best that was seen of the
// window so far, the chunk they come in included. Of n rows in random order about
// log n pass.
//
//	window     [ 0, 10 )            [ 10, 20 )
//	rows       3  7  5  7  6         2  9  …
//	pass          7     7               9
//
// What it remembers is a bounded table of windows. A window that is forgotten begins
// anew and lets more rows pass, which is never wrong: the table is not saved, and every
// worker has its own.
type leaders struct {
	spec *physical.Leaders
	// flip turns the values' order round for minima: ^v falls as v rises.
	flip int64
	seen [leaderWindows]leaderWindow
	sel  []int32
}

// leaderWindows is the number of windows that are remembered; a window has one place.
const leaderWindows = 1 << 8

// leaderWindow is the best value seen of the times [start, end).
type leaderWindow struct {
	start, end int64
	best       int64
}

// leaderTimeMax keeps times so far out that windows could overflow, and the infinite
// ones, away from the arithmetic.
const leaderTimeMax = math.MaxInt64 / 4

func newLeaders(n *physical.Node) *leaders {
	l := &leaders{spec: n.Leaders}
	if !n.Leaders.Max {
		l.flip = -1
	}
	return l
}

// Push emits the rows that may lead.
func (l *leaders) Push(_ int, c *chunk.Chunk, out *Output) {
	if len(c.Cols[l.spec.Value].Errs) > 0 || len(c.Cols[l.spec.Window.Time].Errs) > 0 {
		out.Emit(c)
		return
	}
	values, times := c.Cols[l.spec.Value], c.Cols[l.spec.Window.Time]
	l.learn(values, times)
	if cap(l.sel) < c.Rows {
		l.sel = make([]int32, max(c.Rows, chunk.RowsMax))
	}
	switch sel := l.choose(values, times, l.sel[:c.Rows]); len(sel) {
	case 0:
	case c.Rows:
		out.Emit(c)
	default:
		out.Emit(c.Gather(sel))
	}
}

// learn raises the best values of the windows.
func (l *leaders) learn(values, times *chunk.Column) {
	w := &leaderWindow{}
	nulls := values.Nulls != nil || times.Nulls != nil
	v := values.Ints[:len(times.Ints)]
	for i, t := range times.Ints {
		if nulls && (values.IsNull(i) || times.IsNull(i)) {
			continue
		}
		if t < w.start || t >= w.end {
			if w = l.window(t); w == nil {
				w = &leaderWindow{}
				continue
			}
		}
		w.best = max(w.best, v[i]^l.flip)
	}
}

// choose writes the rows that pass to sel. A row without a value leads nowhere, one
// without a time is none of ours.
func (l *leaders) choose(values, times *chunk.Column, sel []int32) []int32 {
	w := &leaderWindow{}
	nulls := values.Nulls != nil || times.Nulls != nil
	v := values.Ints[:len(times.Ints)]
	n := 0
	for i, t := range times.Ints {
		if nulls && values.IsNull(i) {
			continue
		}
		pass := nulls && times.IsNull(i)
		if !pass && t < w.start || t >= w.end {
			if w = l.window(t); w == nil {
				w, pass = &leaderWindow{}, true
			}
		}
		if pass || v[i]^l.flip >= w.best || l.spec.Edge && t == w.start {
			sel[n] = int32(i)
			n++
		}
	}
	return sel[:n]
}

// window returns the window that holds t, in the place of another one perhaps; nil for
// a time that is out of reach.
func (l *leaders) window(t int64) *leaderWindow {
	if t < -leaderTimeMax || t > leaderTimeMax {
		return nil
	}
	h := hopOf(&l.spec.Window)
	start := h.LastStart(t)
	w := &l.seen[uint64((start-window.UnixEpoch-h.Offset)/h.Size)%leaderWindows]
	if w.start != start || w.end == 0 && w.start == 0 {
		*w = leaderWindow{start: start, end: start + h.Size, best: math.MinInt64}
	}
	return w
}

// Flush has nothing to emit.
func (l *leaders) Flush(*FlushContext, *Output) {}
