package exec

import (
	"cmp"
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
	"streamdb/window"
)

// session emits each row with the start and end of its session appended. It keeps
//
//	rows    every input row, by identity, with the session that was emitted for it last
//	groups  per partition the rows with a time by that time
//
// At the end of an epoch the rows that came and left are put into and taken out of their
// partitions. What a change can alter is the sessions of its neighbours: the stretches of
// rows that join each other around the changes are walked once, and rows whose session
// is another than before are emitted, the old one with weight -1, the new one with +1.
//
//	gap 3       rows  0 2 4      9 11        sessions [0,7) [9,14)
//	6 comes           0 2 4  6   9 11        [0,9) [9,14): 9 begins exactly a gap later
//	8 comes           0 2 4  6 8 9 11        [0,14): merged, all rows are emitted anew
//	8 leaves          0 2 4  6   9 11        split again
type session struct {
	spec   *physical.SessionWindow
	ses    window.Session
	schema chunk.Schema // output
	inputs int          // leading columns, passed on

	parts  *chunk.KeyTable // partition key
	rows   *chunk.KeyTable // payload: see below
	timeAt int             // word of a row's time
	seqs   seqArena
	groups []rowSeq     // by partition slot
	close  *windowClose // frees closed sessions: partitions by the ends of their sessions; else nil

	changed []int32 // rows whose weight changed in this epoch, each once
	// scratch of Push
	hash, rowHash []uint64
	slots, rowAt  []int32
	// scratch of Flush
	changes     []sessionChange
	leave, gone []int32 // rows that leave the order, rows that are deleted
	empty       []int32 // partitions
	seq, merged []int32
	ends        *chunk.Column // of sessions, parallel to owners
	owners      []int32
	out         sessionEmission
}

// Payload words of a row: its weight; the slot of its partition + 1 and, in the high half,
// whether it stands in the order; the weight, start and end that were emitted last. The
// high half of the header is 1 while the row is in changed.
const (
	sessionWeight = iota
	sessionPart
	sessionOut
	sessionStart
	sessionEnd
	sessionWords
)

const sessionOrdered = 1 << 32

// sessionChange is a row that enters (1), leaves (-1) or changes its weight only (0).
type sessionChange struct {
	part, row int32
	time      int64
	by        int
}

func newSession(d *Dataflow, node int) (Operator, error) {
	n := &d.plan.Nodes[node]
	in := &d.plan.Nodes[n.Inputs[0]]
	s := &session{spec: n.SessionWindow, ses: window.Session{Gap: n.SessionWindow.Gap}, schema: n.Schema, inputs: len(in.Schema)}
	var keys chunk.Schema
	for _, c := range s.spec.Partition {
		keys = append(keys, in.Schema[c])
	}
	s.parts = chunk.NewKeyTable(keys, 0)
	s.rows = chunk.NewRowTable(in.Schema, sessionWords)
	s.timeAt = s.rows.Layout().Offset(s.spec.Time)
	s.ends = chunk.NewColumn(types.Int8, 0)
	if slices.Contains(in.Watermarks, s.spec.Time) && physical.Settles(d.plan.Nodes, n.Inputs[0]) {
		s.close = newWindowClose()
	}
	s.out.s = s
	return s, nil
}

// Push adds the weights of c's rows. Rows without a time are in no session.
func (s *session) Push(_ int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if t := c.Cols[s.spec.Time]; t.Nulls.Any() || hasInfinite(t.Ints) {
		if c = c.Gather(finiteRows(t)); c.Rows == 0 {
			return
		}
	}
	if cap(s.slots) < c.Rows {
		n := max(c.Rows, 64)
		s.slots, s.rowAt, s.rowHash = make([]int32, n), make([]int32, n), make([]uint64, n)
	}
	keys := make([]*chunk.Column, len(s.spec.Partition))
	for i, k := range s.spec.Partition {
		keys[i] = c.Cols[k]
	}
	slots, rows := s.slots[:c.Rows], s.rowAt[:c.Rows]
	s.parts.Upsert(keys, hashKeys(c, s.spec.Partition, &s.hash), slots)
	hash := s.rowHash[:c.Rows]
	chunk.HashRows(c.Cols, c.Rows, hash)
	s.rows.Upsert(c.Cols, hash, rows)
	at := s.rows.PayloadOffset()
	for i, r := range rows {
		s.rows.Touch(r)
		row := s.rows.Row(r)
		row[at+sessionWeight] += uint64(c.Weight(i))
		row[at+sessionPart] = row[at+sessionPart]&sessionOrdered | uint64(slots[i]+1)
		if row[0]>>32 == 0 {
			row[0] |= 1 << 32
			s.changed = append(s.changed, r)
		}
	}
	for n := s.parts.Slots(); len(s.groups) < n; {
		s.groups = append(s.groups, rowSeq{})
	}
}

// Flush emits the changes of sessions and frees those that are closed.
func (s *session) Flush(fc *FlushContext, out *Output) {
	s.out.to = out
	s.ends.Ints, s.owners = s.ends.Ints[:0], s.owners[:0]
	if len(s.changed) > 0 {
		s.settle()
		s.empty = s.empty[:0]
		for lo := 0; lo < len(s.changes); {
			hi := lo + 1
			for hi < len(s.changes) && s.changes[hi].part == s.changes[lo].part {
				hi++
			}
			s.change(s.changes[lo].part, s.changes[lo:hi])
			lo = hi
		}
		s.emitOwn()
		s.forget()
	}
	if s.close != nil {
		s.closeSessions(fc)
	}
}

// settle turns weights into changes of the order, by partition and time.
func (s *session) settle() {
	s.changes, s.leave, s.gone = s.changes[:0], s.leave[:0], s.gone[:0]
	at := s.rows.PayloadOffset()
	for _, r := range s.changed {
		row := s.rows.Row(r)
		row[0] &= 1<<32 - 1
		ch := sessionChange{part: s.part(r), row: r, time: int64(row[s.timeAt])}
		switch want, in := int64(row[at+sessionWeight]) > 0, row[at+sessionPart]&sessionOrdered != 0; {
		case want && !in:
			ch.by = 1
			row[at+sessionPart] |= sessionOrdered
		case !want && in:
			ch.by = -1
			row[at+sessionPart] &^= sessionOrdered
			s.leave = append(s.leave, r)
		}
		if row[at+sessionWeight] == 0 {
			s.gone = append(s.gone, r)
		}
		s.changes = append(s.changes, ch)
	}
	s.changed = s.changed[:0]
	slices.SortFunc(s.changes, func(a, b sessionChange) int {
		return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.time, b.time), cmp.Compare(a.row, b.row))
	})
}

// part returns the partition of a row.
func (s *session) part(r int32) int32 {
	return int32(uint32(*s.rows.Word(r, s.rows.PayloadOffset()+sessionPart))) - 1
}

func (s *session) time(r int32) int64 { return int64(*s.rows.Word(r, s.timeAt)) }

// compare is the order within a partition.
func (s *session) compare(a, b int32) int {
	return cmp.Or(cmp.Compare(s.time(a), s.time(b)), cmp.Compare(a, b))
}

// change puts the changes of partition p into its order and walks what they touch.
func (s *session) change(p int32, list []sessionChange) {
	q := &s.groups[p]
	moves := 0
	for i := range list {
		if list[i].by != 0 {
			moves++
		}
	}
	if int32(moves)*8 > q.n {
		s.rebuild(q, list)
	} else {
		s.insertEach(q, list)
	}
	if q.n == 0 {
		s.empty = append(s.empty, p)
		return
	}
	cur := seqCursor{a: &s.seqs, s: q}
	done := int32(0) // rows before it have been walked
	for i := range list {
		if list[i].by == 0 {
			continue
		}
		_, _, pos := s.seqs.find(q, s.compare, list[i].row)
		if pos < done {
			continue
		}
		lo, hi := max(pos-1, done), min(pos+1, q.n)
		for lo > done && s.ses.Joins(s.time(cur.at(lo-1)), s.time(cur.at(lo))) {
			lo--
		}
		for hi < q.n && hi > 0 && s.ses.Joins(s.time(cur.at(hi-1)), s.time(cur.at(hi))) {
			hi++
		}
		s.walk(p, q, lo, hi)
		done = hi
	}
}

// insertEach makes a few changes to a long order.
func (s *session) insertEach(q *rowSeq, list []sessionChange) {
	for i := range list {
		c := &list[i]
		if c.by == 0 {
			continue
		}
		if c.by > 0 {
			s.seqs.put(q, s.compare, c.row)
		} else {
			s.seqs.take(q, s.compare, c.row)
		}
	}
}

// rebuild merges changes, which are in order, with the order of a partition.
func (s *session) rebuild(q *rowSeq, list []sessionChange) {
	s.seq = s.seqs.appendRange(q, 0, q.n, s.seq[:0])
	old, merged := s.seq, s.merged[:0]
	for i := range list {
		c := &list[i]
		if c.by == 0 {
			continue
		}
		for len(old) > 0 && s.compare(old[0], c.row) < 0 {
			merged, old = append(merged, old[0]), old[1:]
		}
		if c.by > 0 {
			merged = append(merged, c.row)
		} else {
			old = old[1:]
		}
	}
	s.merged = append(merged, old...)
	s.seqs.build(q, s.merged)
}

// walk computes the sessions of the rows [lo, hi) of partition p, which are whole
// sessions, and emits the rows whose session is new.
func (s *session) walk(p int32, q *rowSeq, lo, hi int32) {
	s.seq = s.seqs.appendRange(q, lo, hi, s.seq[:0])
	at := s.rows.PayloadOffset()
	for rows := s.seq; len(rows) > 0; {
		n := 1
		for n < len(rows) && s.ses.Joins(s.time(rows[n-1]), s.time(rows[n])) {
			n++
		}
		start, end := s.time(rows[0]), s.ses.End(s.time(rows[n-1]))
		for _, r := range rows[:n] {
			w := s.rows.Row(r)[at:]
			was := window.Bounds{Start: int64(w[sessionStart]), End: int64(w[sessionEnd])}
			out := int64(w[sessionOut])
			if out != 0 && was == (window.Bounds{Start: start, End: end}) {
				continue
			}
			s.out.add(r, was, -out)
			w[sessionOut], w[sessionStart], w[sessionEnd] = w[sessionWeight], uint64(start), uint64(end)
			s.out.add(r, window.Bounds{Start: start, End: end}, int64(w[sessionWeight]))
			s.rows.Touch(r)
		}
		if s.close != nil {
			s.ends.Ints, s.owners = append(s.ends.Ints, end), append(s.owners, p)
		}
		rows = rows[n:]
	}
}

// emitOwn emits the changed rows whose weight is another than was emitted: they have
// left, or kept their session.
func (s *session) emitOwn() {
	at := s.rows.PayloadOffset()
	for i := range s.changes {
		r := s.changes[i].row
		w := s.rows.Row(r)[at:]
		want := max(int64(w[sessionWeight]), 0)
		if d := want - int64(w[sessionOut]); d != 0 {
			s.out.add(r, window.Bounds{Start: int64(w[sessionStart]), End: int64(w[sessionEnd])}, d)
			w[sessionOut] = uint64(want)
			s.rows.Touch(r)
		}
	}
	s.out.flush()
}

// forget deletes the rows without weight and the partitions without rows.
func (s *session) forget() {
	if len(s.gone) > 0 {
		for i, h := range hashSlots(s.rows, s.gone) {
			s.rows.Delete(s.gone[i], h)
		}
	}
	if len(s.empty) > 0 {
		for i, h := range hashSlots(s.parts, s.empty) {
			s.parts.Delete(s.empty[i], h)
		}
	}
}

// closeSessions drops the rows of sessions that no later row can join: they end at the
// watermark or before. What they have emitted stays.
func (s *session) closeSessions(fc *FlushContext) {
	s.close.register(s.ends, s.owners)
	wm := fc.watermark(0, s.spec.Time)
	if wm == NoWatermark {
		return
	}
	mark := s.ses.Mark(wm)
	s.gone, s.empty = s.gone[:0], s.empty[:0]
	for _, p := range s.close.due(mark) {
		// A slot may have been freed and handed out again to a younger partition.
		if s.parts.Live(p) && s.groups[p].n > 0 {
			s.drop(p, mark)
		}
	}
	s.forget()
}

// drop takes the rows of sessions that end before mark, which are the first ones, out of
// the order of partition p.
func (s *session) drop(p int32, mark int64) {
	q := &s.groups[p]
	at := s.rows.PayloadOffset()
	n, cur := int32(0), seqCursor{a: &s.seqs, s: q}
	for n < q.n && int64(*s.rows.Word(cur.at(n), at+sessionEnd)) < mark {
		n++
	}
	if n == 0 {
		return
	}
	s.gone = s.seqs.appendRange(q, 0, n, s.gone)
	switch {
	case n == q.n:
		s.seqs.clear(q)
		s.empty = append(s.empty, p)
	case n*8 > q.n:
		s.seq = s.seqs.appendRange(q, n, q.n, s.seq[:0])
		s.seqs.build(q, s.seq)
	default:
		for range n {
			s.seqs.remove(q, 0, 0)
		}
	}
}

// sessionEmission gathers rows to be emitted.
type sessionEmission struct {
	s       *session
	to      *Output
	rows    []int32
	bounds  []window.Bounds
	weights []int64
}

// add emits row r in session b with weight w.
func (e *sessionEmission) add(r int32, b window.Bounds, w int64) {
	if w == 0 {
		return
	}
	e.rows, e.bounds, e.weights = append(e.rows, r), append(e.bounds, b), append(e.weights, w)
	if len(e.rows) >= chunk.RowsMax {
		e.flush()
	}
}

func (e *sessionEmission) flush() {
	n := len(e.rows)
	if n == 0 {
		return
	}
	c := &chunk.Chunk{Rows: n, Weights: slices.Clone(e.weights), Cols: make([]*chunk.Column, len(e.s.schema))}
	for i, t := range e.s.schema {
		c.Cols[i] = chunk.NewColumn(t, n)
		if i < e.s.inputs {
			e.s.rows.AppendKey(c.Cols[i], i, e.rows)
		} else {
			c.Cols[i].Resize(n)
		}
	}
	win := c.Cols[e.s.inputs:]
	for k, b := range e.bounds {
		win[0].Ints[k], win[1].Ints[k] = b.Start, b.End
	}
	if len(win) > 2 {
		for k, b := range e.bounds {
			win[2].Ints[k] = b.End - 1
		}
	}
	e.rows, e.bounds, e.weights = e.rows[:0], e.bounds[:0], e.weights[:0]
	e.to.Emit(c)
}

// StateBytes returns the memory of rows and their orders.
func (s *session) StateBytes() int64 {
	return s.rows.Bytes() + s.parts.Bytes() + s.seqs.total + int64(cap(s.groups))*32
}

// StateKeys returns the number of rows kept.
func (s *session) StateKeys() int64 { return int64(s.rows.Len()) }

func (s *session) keeps() []statePart {
	return []statePart{tablePart{KeyTable: s.parts}, tablePart{KeyTable: s.rows}}
}

// restored sorts the partitions and notes the ends of their sessions.
func (s *session) restored() error {
	at := s.rows.PayloadOffset()
	lists := make([][]int32, s.parts.Slots())
	for _, r := range s.rows.LiveSlots(nil) {
		p := s.part(r)
		if *s.rows.Word(r, at+sessionPart)&sessionOrdered == 0 {
			continue
		}
		if p < 0 || int(p) >= len(lists) || !s.parts.Live(p) {
			return corrupt("row %d of sessions", r)
		}
		lists[p] = append(lists[p], r)
	}
	s.groups = make([]rowSeq, len(lists))
	for p, l := range lists {
		slices.SortFunc(l, s.compare)
		s.seqs.build(&s.groups[p], l)
		last := int64(NoWatermark)
		for _, r := range l {
			if end := int64(*s.rows.Word(r, at+sessionEnd)); s.close != nil && end != last {
				s.ends.Ints, s.owners, last = append(s.ends.Ints, end), append(s.owners, int32(p)), end
			}
		}
	}
	if s.close != nil {
		s.close.register(s.ends, s.owners)
	}
	return nil
}

var (
	_ Stateful = (*session)(nil)
	_ keeper   = (*session)(nil)
)
