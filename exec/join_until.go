package exec

import (
	"math"
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// untilClose drops the rows of one side of a join that can meet nobody any more: those
// whose time has been passed by the other side's watermark, see physical.Until. Rows are
// listed by their time in steps of about a second, so that a rising watermark finds them
// without looking at the others.
//
//	a.ts BETWEEN b.ts - x AND b.ts + y
//	a's row is dropped when a.ts + x < wm of b.ts, b's when b.ts + y < wm of a.ts
//
// It takes that the other side takes nothing back below its watermark, or the row would
// be missed; and that the row itself is not taken back, which an append-only side
// promises for all rows and one that settles for those below its own watermark.
type untilClose struct {
	spec  *physical.Until
	own   bool // the row's own watermark counts as well
	close *windowClose
	step  *chunk.Column // scratch: the times of a chunk's rows, in steps
}

// untilShift is the size of a step in bits: 2^20 µs.
const untilShift = 20

// newUntil returns how rows of side port are dropped, nil if they stay.
func newUntil(plan []physical.Node, node *physical.Node, port int) *untilClose {
	u := node.Join.LeftUntil
	if port == 1 {
		u = node.Join.RightUntil
	}
	own := !plan[node.Inputs[port]].AppendOnly
	// Partners counted by key would be missed.
	counted := node.Join.Residual == nil && node.Join.Type != physical.JoinInner
	if u == nil || counted || !physical.Settles(plan, node.Inputs[1-port]) || own && !physical.Settles(plan, node.Inputs[port]) {
		return nil
	}
	return &untilClose{spec: u, own: own, close: newWindowClose(), step: chunk.NewColumn(types.Int8, 0)}
}

// register notes rows by the values of their column spec.Col.
func (u *untilClose) register(times *chunk.Column, slots []int32) {
	if len(slots) == 0 {
		return
	}
	u.step.Ints = u.step.Ints[:0]
	for i := range slots {
		t := int64(math.MinInt64 + 1) // NULL meets nobody
		if !times.IsNull(i) {
			t = u.until(times.Ints[i])
		}
		u.step.Ints = append(u.step.Ints, t>>untilShift)
	}
	u.close.register(u.step, slots)
}

// until returns the time that the watermark must have passed.
func (u *untilClose) until(t int64) int64 {
	if u.own {
		return max(t, addSaturated(t, u.spec.Delta))
	}
	return addSaturated(t, u.spec.Delta)
}

// mark returns the watermark that counts.
func (u *untilClose) mark(fc *FlushContext, port int) int64 {
	wm := fc.watermark(1-port, u.spec.Other)
	if u.own {
		wm = min(wm, fc.watermark(port, u.spec.Col))
	}
	return wm
}

// addSaturated adds to a time; infinite times stay what they are.
func addSaturated(t, d int64) int64 {
	switch s := t + d; {
	case t == math.MaxInt64 || t == math.MinInt64:
		return t
	case d > 0 && s < t:
		return math.MaxInt64
	case d < 0 && s > t:
		return math.MinInt64 + 1
	default:
		return s
	}
}

// registerFresh notes the rows of c that the side did not have.
func (j *join) registerFresh(s *joinSide, c *chunk.Chunk, slots []int32) {
	times := c.Cols[s.until.spec.Col]
	if !slices.Contains(j.fresh, false) {
		s.until.register(times, slots)
		return
	}
	var fresh []int32
	for i, f := range j.fresh {
		if f {
			fresh = append(fresh, int32(i))
		}
	}
	s.until.register(times.Gather(fresh), pick(slots, fresh))
}

// dropPassed drops the rows of side s that meet nobody any more. What they owed has been
// emitted; it stays.
func (j *join) dropPassed(s *joinSide, fc *FlushContext) {
	wm := s.until.mark(fc, s.port)
	if wm == NoWatermark {
		return
	}
	col := s.until.spec.Col
	l := s.rows.Layout()
	for _, r := range s.until.close.due(wm >> untilShift) {
		// A slot may have been freed and handed out again to a younger row.
		if !s.rows.Live(r) || s.detached(r) {
			continue
		}
		if row := s.rows.Row(r); !l.IsNull(row, col) && s.until.until(int64(row[l.Offset(col)])) >= wm {
			continue
		}
		j.detach(s, s.keyOf(r), r)
	}
	j.deleteGone(s)
}

// registerKept notes all rows after state has been loaded.
func (s *joinSide) registerKept() {
	slots := s.rows.LiveSlots(nil)
	times := chunk.NewColumn(s.types[s.until.spec.Col], len(slots))
	s.rows.AppendKey(times, s.until.spec.Col, slots)
	s.until.register(times, slots)
}
