package streamdb

import (
	"math"
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
	"streamdb/storage/relation"
)

// noWatermark is the watermark of a relation that has none yet: nothing is late.
const noWatermark = math.MinInt64

// day is a day in µs.
const day = 24 * 3600 * 1_000_000

// watermark is the watermark of one column of a table or source.
type watermark struct {
	id     int // of the column
	column int // its position in the rows
	delay  int64
	// drift is how far ahead of the log's clock a value may be to count, 0 for any.
	drift int64
	// at is the watermark: rows that arrive below it are late.
	at int64
	// top is the highest value of the entry that is being applied, noWatermark for none.
	top int64
	// ahead counts the rows that were too far ahead of the log's clock to count.
	ahead int64

	// idle is the silence after which the watermark moves by itself, 0 for none; see
	// core_idle.go. since is when the present silence began, notQuiet if there is none, base
	// the watermark then, stepped by how much it has risen in the silence.
	idle, since, base, stepped int64
}

// arrivals counts what was special about rows as this node applied them.
type arrivals struct {
	late  int64 // below a watermark, kept apart
	ahead int64 // too far ahead of the clock to raise a watermark
}

// setMarks takes the watermarks over from the descriptor; those that were there keep
// their state.
func (s *stored) setMarks() {
	t := s.desc.Table
	if t == nil {
		s.marks = nil
		return
	}
	old := s.marks
	s.marks = make([]watermark, 0, len(t.Watermarks))
	for _, w := range t.Watermarks {
		m := watermark{id: w.Column, at: noWatermark, top: noWatermark, since: notQuiet}
		if i := slices.IndexFunc(old, func(o watermark) bool { return o.id == w.Column }); i >= 0 {
			m = old[i]
		}
		m.column, m.delay, m.drift, m.idle = s.position[w.Column], w.Delay, w.MaxDrift, w.IdleTimeout
		s.marks = append(s.marks, m)
	}
}

// markAt returns the watermark of the column at a position in the rows.
func (s *stored) markAt(position int) int64 {
	for i := range s.marks {
		if s.marks[i].column == position {
			return s.marks[i].at
		}
	}
	return noWatermark
}

// marked reports whether rows can be late.
func (s *stored) marked() bool {
	return slices.ContainsFunc(s.marks, func(w watermark) bool { return w.at != noWatermark })
}

// splitLate takes out the rows that are late: those inserted with an event time below
// its watermark at the end of the previous entry. They go to the table's late rows; it
// returns their number as well. Retracting an accepted row is never late, and neither is
// replacing it by one of the same event time.
func (c *core) splitLate(s *step, t *stored, rows *chunk.Chunk) (*chunk.Chunk, int64) {
	if !t.marked() || s.rewritten[t.id] && s.version >= 3 {
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

// belowWatermark returns the rows whose weight has the given sign and one of whose event
// times is below its watermark.
func (t *stored) belowWatermark(rows *chunk.Chunk, sign int64) []int32 {
	var sel []int32
	for k := range t.marks {
		m := &t.marks[k]
		col := rows.Cols[m.column]
		had := len(sel)
		for i, v := range col.Ints {
			if v < m.at && !col.Nulls.Get(i) && rows.Weight(i)*sign > 0 {
				sel = append(sel, int32(i))
			}
		}
		if had > 0 && len(sel) > had {
			slices.Sort(sel)
			sel = slices.Compact(sel)
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
// that the entry retracts, it may insert one of the same event times. That is how an
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

// retractedTimes counts the rows below a watermark that the entry retracts from t, by
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
			var schema chunk.Schema
			for _, k := range keys {
				schema = append(schema, k.Type)
			}
			gone = chunk.NewKeyTable(schema, 1)
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
	keys := make([]*chunk.Column, len(t.marks))
	for k := range t.marks {
		keys[k] = rows.Cols[t.marks[k].column]
	}
	hash := make([]uint64, rows.Rows)
	chunk.HashRows(keys, rows.Rows, hash)
	return keys, hash
}

// keepLate appends to the table's late rows.
func (c *core) keepLate(s *step, t *stored, rows *chunk.Chunk) {
	if err := c.lateRelation(t); err != nil {
		panic(err)
	}
	rows.Cols = append(slices.Clone(rows.Cols), t.lateBy(s, rows))
	if err := t.late.Append(s.epoch, rows); err != nil {
		panic(err)
	}
	t.lateBytes += lateBytesOf(rows, 0, rows.Rows)
	if s.version >= 5 {
		if err := c.trimLate(s, t); err != nil {
			panic(err)
		}
	}
	s.changed = append(s.changed, t.late)
	t.changed = s.epoch
	s.late[t.id] = append(s.late[t.id], rows)
}

// lateRelation makes the relation of a table's late rows, if there is none yet.
func (c *core) lateRelation(t *stored) error {
	if t.late != nil {
		return nil
	}
	rel, err := relation.New(lateSpec(t.desc, t.defaults))
	if err != nil {
		return err
	}
	c.adoptRelation(rel)
	t.late = rel
	return nil
}

// lateBy says by how much each of some late rows is late: how far below its watermark
// the event time is, of several the one which is furthest. It is NULL for -infinity, and
// for what was logged before this was asked.
func (t *stored) lateBy(s *step, rows *chunk.Chunk) *chunk.Column {
	by := make([]int64, rows.Rows)
	for k := range t.marks {
		m := &t.marks[k]
		col := rows.Cols[m.column]
		for i, v := range col.Ints {
			switch {
			case v >= m.at || col.Nulls.Get(i):
			case v == math.MinInt64:
				by[i] = math.MaxInt64
			default:
				by[i] = max(by[i], m.at-v)
			}
		}
	}
	out := chunk.NewColumn(types.IntervalT, rows.Rows)
	for _, us := range by {
		if us == math.MaxInt64 || s.version < 3 {
			out.AppendNull()
			continue
		}
		out.AppendDatum(types.Datum{V: types.Interval{Days: int32(us / day), Micros: us % day}})
	}
	return out
}

// lateRows counts the late rows that a view has not taken in, of all relations with a
// watermark that it reads; false if there is no such relation. core.mu is held.
func (f *dataflow) lateRows() (n int64, ok bool) {
	seen := make(map[catalog.ID]bool)
	for i := range f.inputs {
		in := &f.inputs[i]
		if in.late || len(in.rel.marks) == 0 || seen[in.rel.id] {
			continue
		}
		seen[in.rel.id], ok = true, true
		if in.rel.late == nil {
			continue // and none has left
		}
		st := in.rel.late.Newest()
		n += st.Rows() + in.rel.gone.late
		if in.lateness == 0 {
			continue
		}
		taken := flowInput{late: true, lateness: in.lateness}
		_ = st.Scan(relation.Scan{Unordered: true}).Each(func(rows *chunk.Chunk) error {
			rows = taken.take(rows)
			for i := range rows.Rows {
				n -= rows.Weight(i)
			}
			return nil
		})
	}
	return n, ok
}

// lateSpec describes the relation of a table's late rows: its columns and lateBy's.
func lateSpec(d *catalog.Descriptor, defaults map[int]types.Datum) relation.Spec {
	s := specOf(d, nil, defaults)
	s.Name, s.Key, s.Unique, s.AppendOnly = d.Name+" late", nil, false, true
	s.Columns = append(s.Columns, relation.Column{ID: physical.LateByColumn, Type: types.IntervalT, Default: types.NullDatum})
	return s
}

// observe notes the event times of accepted rows, which raise the watermarks at the end of
// the entry. Infinite times do not count, nor do those too far ahead of the log's clock,
// of which it returns the number of rows.
func (t *stored) observe(s *step, rows *chunk.Chunk) (ahead int64) {
	for k := range t.marks {
		m := &t.marks[k]
		limit := int64(math.MaxInt64)
		if m.drift > 0 {
			limit = s.time + m.drift + 1
		}
		col := rows.Cols[m.column]
		top, over := m.top, int64(0)
		for i, v := range col.Ints {
			if v <= top || col.Nulls.Get(i) || rows.Weight(i) <= 0 {
				continue
			}
			if v < limit {
				top = v
			} else if v != math.MaxInt64 && !s.rewritten[t.id] {
				over += rows.Weight(i)
			}
		}
		m.top = top
		m.ahead += over
		ahead += over
	}
	return ahead
}

// raiseWatermarks moves the watermarks of the tables that got rows in this entry.
func (c *core) raiseWatermarks(s *step) {
	for id := range s.deltas {
		t := c.rels[id]
		if t == nil {
			continue
		}
		for k := range t.marks {
			m := &t.marks[k]
			if m.top == noWatermark {
				continue
			}
			if wm := m.top - m.delay; wm > m.at {
				m.at = wm
				s.moved[id] = true
			}
			m.top = noWatermark
			m.base = m.at // with a row the silence has begun anew
		}
		if t.idles() {
			c.armIdle(t)
		}
	}
}
