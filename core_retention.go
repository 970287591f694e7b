package streamdb

import (
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
	"streamdb/storage/relation"
)

// A table with a retention forgets its rows when its watermark has passed them by that much:
//
//	watermark   ────────┬ wm                   rows below wm − retention leave the table
//	retention   ├───────┤                      at the end of the entry that moves wm, in steps of
//	event time  ─a─b────c──────d──>            a retentionSteps-th of the retention: a and b go
//
// That is a function of the log, of which rows arrived before the watermark moved; it is logged by name, as part of the
// table's description, and by no entry of its own. Views over the table keep what they have made of the rows: to them the
// table stays append-only (see relation.Expire). A view that is made later finds the rows that are stored then, at its own
// entry; it cannot be filled again, see flow_state.go.

// retentionSteps is the number of steps in which rows leave while one retention goes by: a row stays up to that part
// longer.
const retentionSteps = 128

// expiry is what has left a table.
type expiry struct {
	// below is the event time below which rows have left, noWatermark for none; rows is their number, late that of late
	// rows that have left for want of room.
	below, rows, late int64
}

// expireRows lets the rows go whose time is over in the relations whose watermark has moved.
func (c *core) expireRows(s *step) error {
	for id := range s.moved {
		if t := c.rels[id]; t != nil {
			if err := c.expireOld(s, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// expireOld lets the rows of one table go that are older than its retention.
func (c *core) expireOld(s *step, t *stored) error {
	if t.rel == nil || t.desc.Table == nil || t.desc.Table.Retains() == 0 {
		return nil
	}
	r := t.desc.Table.Retention
	pos, ok := t.position[r.Column]
	if !ok {
		return nil
	}
	bound := t.markAt(pos)
	if bound == noWatermark {
		return nil
	}
	bound -= r.Micros
	size := max(r.Micros/retentionSteps, 1)
	bound -= (bound%size + size) % size
	if bound <= t.gone.below {
		return nil
	}
	old, err := t.olderThan(pos, bound)
	if err != nil {
		return err
	}
	t.gone.below = bound
	if len(old) == 0 {
		return nil
	}
	rows := chunk.Concat(t.schema(), old)
	for i := range rows.Rows {
		t.gone.rows -= rows.Weight(i)
	}
	if err := t.rel.Expire(s.epoch, rows); err != nil {
		return err
	}
	s.changed = append(s.changed, t.rel)
	t.changed = s.epoch
	return t.appendIndexes(s, rows)
}

// olderThan gives the rows with an event time below a bound, as retractions. Without a primary key they are a range of the
// table; with one the column is looked through.
func (t *stored) olderThan(pos int, bound int64) ([]*chunk.Chunk, error) {
	spec := relation.Scan{}
	if k := t.rel.Spec().Key; len(k) > 0 && k[0].Col == pos {
		spec.Range = relation.KeyRange{Hi: []types.Datum{{I: bound}}, HiOpen: true}
	}
	var old []*chunk.Chunk
	err := t.rel.Newest().Scan(spec).Each(func(rows *chunk.Chunk) error {
		col := rows.Cols[pos]
		var sel []int32
		for i, v := range col.Ints {
			if v < bound && !col.Nulls.Get(i) {
				sel = append(sel, int32(i))
			}
		}
		if len(sel) > 0 {
			old = append(old, negated(rows.Gather(sel)))
		}
		return nil
	})
	return old, err
}

// The budget of the late rows that are kept of a relation: the oldest leave.
const (
	lateRowsMax  = 100_000
	lateBytesMax = 64 << 20
	// lateSlack is how far above the budget late rows may be before they are brought down to it, as its part: the
	// rows that stay are copied then.
	lateSlack = 8
)

// trimLate brings a relation's late rows down to their budget, if they are far above it.
func (c *core) trimLate(s *step, t *stored) error {
	rows, bytes := int64(0), int64(0)
	if t.late.Newest().Rows() <= lateRowsMax && t.lateBytes <= lateBytesMax {
		return nil
	}
	rows = t.late.Newest().Rows()
	if rows <= lateRowsMax+lateRowsMax/lateSlack && t.lateBytes <= lateBytesMax+lateBytesMax/lateSlack {
		return nil
	}
	// Whole rows from the front until both fit.
	drop, dropped := int64(0), int64(0)
	err := t.late.Newest().Scan(relation.Scan{Unordered: true}).Each(func(k *chunk.Chunk) error {
		for i := range k.Rows {
			if rows-dropped <= lateRowsMax && t.lateBytes-bytes <= lateBytesMax {
				return relation.ErrStop
			}
			drop++
			dropped += k.Weight(i)
			bytes += lateBytesOf(k, i, i+1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.gone.late += dropped
	t.lateBytes -= bytes
	s.changed = append(s.changed, t.late)
	return t.late.ExpireFirst(s.epoch, drop)
}

// lateBytes is the size of all rows of a relation, as lateBytesOf counts.
func lateBytes(late *relation.Relation) (n int64, err error) {
	err = late.Newest().Scan(relation.Scan{Unordered: true}).Each(func(k *chunk.Chunk) error {
		n += lateBytesOf(k, 0, k.Rows)
		return nil
	})
	return n, err
}

// lateBytesOf is the size of the rows [lo, hi) as the budget counts them: eight bytes a column and the bytes of texts, alike
// wherever the rows lie.
func lateBytesOf(k *chunk.Chunk, lo, hi int) int64 {
	n := int64(8 * len(k.Cols) * (hi - lo))
	for _, col := range k.Cols {
		if col.Type.Class() != types.ClassBytes {
			continue
		}
		for i := lo; i < hi; i++ {
			if !col.Nulls.Get(i) {
				n += int64(len(col.StringAt(i)))
			}
		}
	}
	return n
}

// addWatermarks gives watermarks that an ALTER has declared the value that they would have if they had been there from the
// beginning: as far as rows are stored, those of now raise them.
func (c *core) addWatermarks(s *step, old, t *stored) error {
	for k := range t.marks {
		m := &t.marks[k]
		if t.rel == nil || hasMark(old, m.id) {
			continue
		}
		all := &stored{id: t.id, desc: t.desc, marks: []watermark{*m}}
		all.marks[0].column = 0
		err := t.rel.Newest().Scan(relation.Scan{Cols: []int{m.column}, Unordered: true}).Each(func(rows *chunk.Chunk) error {
			all.observe(s, rows)
			return nil
		})
		if err != nil {
			return err
		}
		m.ahead = all.marks[0].ahead
		if top := all.marks[0].top; top != noWatermark {
			m.at = top - m.delay
			s.moved[t.id] = true
		}
		m.since, m.base = s.time, m.at
		if t.source != nil {
			m.since = notQuiet
		}
	}
	return nil
}

// hasMark reports whether a column had a watermark.
func hasMark(t *stored, column int) bool {
	for k := range t.marks {
		if t.marks[k].id == column {
			return true
		}
	}
	return false
}

// retained reports whether rows of a relation that a dataflow has read may not be stored any more.
func (in *flowInput) retained() bool {
	d := in.rel.desc.Table
	if in.late {
		return in.rel.gone.late > 0
	}
	return d != nil && in.rel.rel != nil && (d.Retains() > 0 || in.rel.gone.rows > 0)
}

// notStored says which rows that a view was made of are gone, "" for none.
func (f *dataflow) notStored() string {
	for i := range f.inputs {
		switch in := &f.inputs[i]; {
		case in.late && in.rel.gone.late > 0:
			return "late rows of " + catalog.QuoteIdent(in.rel.desc.Name) + " have left for want of room"
		case !in.late && in.rel.gone.rows > 0:
			return "rows of " + catalog.QuoteIdent(in.rel.desc.Name) + " have left by its retention"
		}
	}
	return ""
}
