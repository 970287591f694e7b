package streamdb

import (
	"math"

	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
	"streamdb/storage/relation"
)

// noWatermark is the watermark of a relation that has none yet: nothing is late.
const noWatermark = math.MinInt64

// splitLate takes out the rows that are late: those inserted with an event time below
// the watermark at the end of the previous entry. They go to the table's late rows; it
// returns their number as well. Retracting an accepted row is never late, and neither is
// replacing it by one of the same event time.
func (c *core) splitLate(s *step, t *stored, rows *chunk.Chunk) (*chunk.Chunk, int64) {
	if t.mark.column < 0 || t.mark.at == noWatermark {
		return rows, 0
	}
	late := t.belowWatermark(rows, 1)
	if len(late) > 0 && s.version >= 2 && !t.desc.Table.AppendOnly {
		late = t.withoutReplacements(s, rows, late)
	}
	if len(late) == 0 {
		return rows, 0
	}
	n := int64(0)
	for _, i := range late {
		n += rows.Weight(int(i))
	}
	if t.source != nil && t.source.ranges != nil {
		for _, i := range late {
			t.source.late = append(t.source.late, t.source.entering+int64(i))
		}
	}
	c.keepLate(s, t, rows.Gather(late))
	return rows.Gather(without(rows.Rows, late)), n
}

// belowWatermark returns the rows whose weight has the given sign and whose event time
// is below the table's watermark.
func (t *stored) belowWatermark(rows *chunk.Chunk, sign int64) []int32 {
	var sel []int32
	col := rows.Cols[t.mark.column]
	for i, v := range col.Ints {
		if v < t.mark.at && !col.Nulls.Get(i) && rows.Weight(i)*sign > 0 {
			sel = append(sel, int32(i))
		}
	}
	return sel
}

// without returns the numbers of [0, n) that are not in sorted.
func without(n int, sorted []int32) []int32 {
	keep := make([]int32, 0, n-len(sorted))
	for i := range int32(n) {
		if len(sorted) > 0 && sorted[0] == i {
			sorted = sorted[1:]
			continue
		}
		keep = append(keep, i)
	}
	return keep
}

// withoutReplacements drops from late the rows that replace accepted ones: for each row
// that the entry retracts, it may insert one of the same event time. That is how an
// UPDATE is logged which leaves the time alone.
func (t *stored) withoutReplacements(s *step, rows *chunk.Chunk, late []int32) []int32 {
	gone := t.retractedTimes(s)
	if gone == nil {
		return late
	}
	keys, hash := t.times(rows.Gather(late))
	slots := make([]int32, len(late))
	gone.Find(keys, hash, slots)
	rest := late[:0]
	for k, i := range late {
		if slots[k] >= 0 {
			if left := gone.Word(slots[k], gone.PayloadOffset()); int64(*left) >= rows.Weight(int(i)) {
				*left -= uint64(rows.Weight(int(i)))
				continue
			}
		}
		rest = append(rest, i)
	}
	return rest
}

// retractedTimes counts the rows below the watermark that the entry retracts from t, by
// event time; nil if there are none. What is replaced is taken off the count.
func (t *stored) retractedTimes(s *step) *chunk.KeyTable {
	if gone, ok := s.retracted[t.id]; ok {
		return gone
	}
	var gone *chunk.KeyTable
	for _, o := range s.ops {
		w, ok := o.(*writeOp)
		if !ok || w.Table != t.id {
			continue
		}
		sel := t.belowWatermark(w.Rows, -1)
		if len(sel) == 0 {
			continue
		}
		rows := w.Rows.Gather(sel)
		keys, hash := t.times(rows)
		if gone == nil {
			gone = chunk.NewKeyTable(chunk.Schema{keys[0].Type}, 1)
		}
		slots := make([]int32, rows.Rows)
		gone.Upsert(keys, hash, slots)
		for i, slot := range slots {
			*gone.Word(slot, gone.PayloadOffset()) += uint64(-rows.Weight(i))
		}
	}
	if s.retracted == nil {
		s.retracted = make(map[catalog.ID]*chunk.KeyTable)
	}
	s.retracted[t.id] = gone
	return gone
}

// times returns the event times of rows as a key, and their hashes.
func (t *stored) times(rows *chunk.Chunk) ([]*chunk.Column, []uint64) {
	keys := []*chunk.Column{rows.Cols[t.mark.column]}
	hash := make([]uint64, rows.Rows)
	chunk.HashRows(keys, rows.Rows, hash)
	return keys, hash
}

// keepLate appends to the table's late rows.
func (c *core) keepLate(s *step, t *stored, rows *chunk.Chunk) {
	if t.late == nil {
		rel, err := relation.New(lateSpec(t.desc))
		if err != nil {
			panic(err)
		}
		c.adoptRelation(rel)
		t.late = rel
	}
	if err := t.late.Append(s.epoch, rows); err != nil {
		panic(err)
	}
	s.changed = append(s.changed, t.late)
}

// lateSpec describes the relation of a table's late rows.
func lateSpec(d *catalog.Descriptor) relation.Spec {
	s := specOf(d, nil, nil)
	s.Name, s.Key, s.Unique, s.AppendOnly = d.Name+" late", nil, false, true
	return s
}

// raiseWatermarks moves the watermarks of the tables that got rows in this entry.
// Infinite times do not count.
func (c *core) raiseWatermarks(s *step) {
	for id, deltas := range s.deltas {
		t := c.rels[id]
		if t == nil || t.mark.column < 0 {
			continue
		}
		top := int64(noWatermark)
		for _, d := range deltas {
			col := d.Cols[t.mark.column]
			for i, v := range col.Ints {
				if v > top && v != math.MaxInt64 && !col.Nulls.Get(i) && d.Weight(i) > 0 {
					top = v
				}
			}
		}
		if top == noWatermark {
			continue
		}
		if wm := top - t.mark.delayUnits(t.desc.Columns()[t.mark.column].Type); wm > t.mark.at {
			t.mark.at = wm
			s.moved[id] = true
		}
	}
}

// delayUnits returns the delay in the units of a column: days for a date.
func (w *watermark) delayUnits(t types.Type) int64 {
	if t.Kind == types.KindDate {
		const day = 24 * 3600 * 1_000_000
		return (w.delay + day - 1) / day
	}
	return w.delay
}
