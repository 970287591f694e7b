package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
)

// setOp is INTERSECT or EXCEPT: it counts each row per side and emits, at the end of
// an epoch, how its number in the result changed.
type setOp struct {
	spec   *physical.SetOp
	schema chunk.Schema
	table  *chunk.KeyTable // payload: left count, its change, right count, its change
	dirty  []int32
	hash   []uint64
	slots  []int32
	cols   []int
}

func newSetOp(n *physical.Node) *setOp {
	s := &setOp{spec: n.SetOp, schema: n.Schema, table: chunk.NewKeyTable(n.Schema, 4)}
	for i := range n.Schema {
		s.cols = append(s.cols, i)
	}
	return s
}

// Push counts c's rows.
func (s *setOp) Push(port int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if cap(s.slots) < c.Rows {
		s.slots = make([]int32, c.Rows)
	}
	slots := s.slots[:c.Rows]
	s.table.Upsert(c.Cols, hashKeys(c, s.cols, &s.hash), slots)
	at := s.table.PayloadOffset() + 2*port
	for i, r := range slots {
		w := uint64(c.Weight(i))
		*s.table.Word(r, at) += w
		*s.table.Word(r, at+1) += w
		if h := s.table.Word(r, 0); *h>>32 == 0 {
			*h |= 1 << 32
			s.table.Touch(r)
			s.dirty = append(s.dirty, r)
		}
	}
}

// copies returns how often a row with the given counts stands in the result.
func (s *setOp) copies(left, right int64) int64 {
	switch {
	case s.spec.Op == physical.SetIntersect && s.spec.All:
		return max(min(left, right), 0)
	case s.spec.Op == physical.SetIntersect:
		if left > 0 && right > 0 {
			return 1
		}
	case s.spec.All:
		return max(left-max(right, 0), 0)
	case left > 0 && right <= 0:
		return 1
	}
	return 0
}

// Flush emits the changes.
func (s *setOp) Flush(_ *FlushContext, out *Output) {
	var slots, empty []int32
	var weights []int64
	for _, r := range s.dirty {
		p := s.table.Payload(r)
		l, dl, rt, dr := int64(p[0]), int64(p[1]), int64(p[2]), int64(p[3])
		if d := s.copies(l, rt) - s.copies(l-dl, rt-dr); d != 0 {
			slots, weights = append(slots, r), append(weights, d)
		}
		p[1], p[3] = 0, 0
		*s.table.Word(r, 0) &= 1<<32 - 1
		if l == 0 && rt == 0 {
			empty = append(empty, r)
		}
	}
	s.dirty = s.dirty[:0]
	emitKeys(s.table, s.schema, slots, weights, out)
	if len(empty) > 0 {
		for i, h := range hashSlots(s.table, empty) {
			s.table.Delete(empty[i], h)
		}
	}
}

// emitKeys emits the keys of slots with weights.
func emitKeys(t *chunk.KeyTable, schema chunk.Schema, slots []int32, weights []int64, out *Output) {
	for lo := 0; lo < len(slots); lo += chunk.RowsMax {
		hi := min(lo+chunk.RowsMax, len(slots))
		c := &chunk.Chunk{Rows: hi - lo, Weights: weights[lo:hi]}
		for i, typ := range schema {
			col := chunk.NewColumn(typ, c.Rows)
			t.AppendKey(col, i, slots[lo:hi])
			c.Cols = append(c.Cols, col)
		}
		out.Emit(c)
	}
}

// StateBytes returns the memory of the counts.
func (s *setOp) StateBytes() int64 { return s.table.Bytes() }

// StateKeys returns the number of distinct rows.
func (s *setOp) StateKeys() int64 { return int64(s.table.Len()) }

// emit holds rows back until their window is closed. Changes of rows of closed windows pass
// at the end of the epoch that they come in, so that what has left is always the input's
// rows with an end below the watermark: however the epochs are cut.
type emit struct {
	spec   *physical.Emit
	schema chunk.Schema
	table  *chunk.KeyTable // rows by identity; payload: weight
	close  *windowClose
	hash   []uint64
	slots  []int32
}

func newEmit(n *physical.Node) *emit {
	return &emit{spec: n.Emit, schema: n.Schema, table: chunk.NewRowTable(n.Schema, 1), close: newWindowClose()}
}

// Push keeps c's rows.
func (e *emit) Push(_ int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if cap(e.slots) < c.Rows {
		e.slots, e.hash = make([]int32, c.Rows), make([]uint64, c.Rows)
	}
	slots, hash := e.slots[:c.Rows], e.hash[:c.Rows]
	chunk.HashRows(c.Cols, c.Rows, hash)
	e.table.Upsert(c.Cols, hash, slots)
	at := e.table.PayloadOffset()
	for i, r := range slots {
		*e.table.Word(r, at) += uint64(c.Weight(i))
		e.table.Touch(r)
	}
	e.close.register(c.Cols[e.spec.WindowEnd], slots)
}

// Flush emits the rows of closed windows.
func (e *emit) Flush(fc *FlushContext, out *Output) {
	wm := fc.watermark(0, e.spec.WindowEnd)
	if wm == NoWatermark {
		return
	}
	at, end := e.table.PayloadOffset(), e.table.Layout().Offset(e.spec.WindowEnd)
	var slots, gone []int32
	var weights []int64
	for _, s := range e.close.due(wm) {
		if !e.table.Live(s) || int64(*e.table.Word(s, end)) >= wm {
			continue
		}
		gone = append(gone, s)
		if w := int64(*e.table.Word(s, at)); w != 0 {
			slots, weights = append(slots, s), append(weights, w)
		}
	}
	emitKeys(e.table, e.schema, slots, weights, out)
	if len(gone) > 0 {
		for i, h := range hashSlots(e.table, gone) {
			e.table.Delete(gone[i], h)
		}
	}
}

// NextDue returns the end of the first window that the clock closes.
func (e *emit) NextDue() int64 {
	if !e.spec.Timer {
		return NoTimer
	}
	end := e.close.first()
	if end == NoTimer {
		return NoTimer
	}
	return end + e.spec.Delay
}

// StateBytes returns the memory of the rows held back.
func (e *emit) StateBytes() int64 { return e.table.Bytes() }

// StateKeys returns the number of distinct rows held back.
func (e *emit) StateKeys() int64 { return int64(e.table.Len()) }
