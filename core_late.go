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
// the watermark at the end of the previous entry. They go to the table's late rows.
// Retracting an accepted row is never late.
func (c *core) splitLate(s *step, t *stored, rows *chunk.Chunk) *chunk.Chunk {
	if t.mark.column < 0 || t.mark.at == noWatermark {
		return rows
	}
	col := rows.Cols[t.mark.column]
	var late []int32
	for i, v := range col.Ints {
		if v < t.mark.at && !col.Nulls.Get(i) && rows.Weight(i) > 0 {
			late = append(late, int32(i))
		}
	}
	if late == nil {
		return rows
	}
	keep := make([]int32, 0, rows.Rows-len(late))
	for i, k := int32(0), 0; int(i) < rows.Rows; i++ {
		if k < len(late) && late[k] == i {
			k++
			continue
		}
		keep = append(keep, i)
	}
	c.keepLate(s, t, rows.Gather(late))
	return rows.Gather(keep)
}

// keepLate appends to the table's late rows.
func (c *core) keepLate(s *step, t *stored, rows *chunk.Chunk) {
	if t.late == nil {
		rel, err := relation.New(lateSpec(t.desc))
		if err != nil {
			panic(err)
		}
		if c.db.segments != nil {
			rel.SetStore(c.db.segments, c.db.cache)
		}
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
