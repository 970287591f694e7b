package exec

import (
	"cmp"
	"slices"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/window"
)

// sessionAgg aggregates the sessions of an append-only input without keeping its rows: a
// session is its bounds and its accumulators. It keeps
//
//	keys      the group columns beside the window; payload: the key's latest session + 1
//	sessions  per session its start, then the payload: rows | accumulators … | last time |
//	          slot of its key + 1 | the end it waits for in due
//	order     per key its sessions by start
//
// Most rows lengthen the latest session of their key, or begin one behind it: that takes
// one comparison. A row before it finds its place by binary search; where it closes the
// gap between two sessions, the accumulators of the later one are added to the earlier's.
// Sessions never split: nothing is retracted.
//
//	gap 3    [0 2 4)  [9 11)      7 comes: joins [0 2 4), which now meets 9: merged
//
// As in agg the first touch in an epoch keeps the old image, and each touched session is
// emitted once, the old row with weight -1 and the new one with +1.
type sessionAgg struct {
	a      *agg // calls, group columns and output schema; its table is not used
	ses    window.Session
	time   int
	keyCol []int // input columns of the key
	keyOut []int // their places in the output

	keys     *chunk.KeyTable
	sessions *chunk.KeyTable
	start    int // word of a session's start
	rows     int // first payload word
	last     int // words of the last time, the key and the end in due
	key, due int
	seqs     seqArena
	order    []rowSeq // by key slot
	closing  *endHeap // the sessions by their ends, nil where none is closed
	dirty    []int32  // sessions touched in this epoch, each once
	undo     []uint64 // their images from start on

	// scratch of Push
	hash     []uint64
	at       []int32
	in       []int32 // the session of each row
	probe    chunk.Probe
	ref, one []int32
	// scratch of Flush
	images  []uint64
	emits   []int32
	bounds  []window.Bounds
	weights []int64
}

// sessionExtra is the payload words behind the accumulators.
const sessionExtra = 3

func newSessionAgg(d *Dataflow, n int, a *agg) (Operator, error) {
	node := &d.plan.Nodes[n]
	in := &d.plan.Nodes[node.Inputs[0]]
	if !a.mergeable() || !in.AppendOnly {
		return nil, sqlerr.New(sqlerr.InternalError, "the plan aggregates sessions without rows, which it cannot")
	}
	spec := a.spec.Session
	s := &sessionAgg{a: a, ses: window.Session{Gap: spec.Gap}, time: spec.Time, ref: make([]int32, 1), one: make([]int32, 1)}
	var keyTypes chunk.Schema
	for i, g := range a.spec.Group {
		if !a.windowColumn(i) {
			s.keyCol, s.keyOut = append(s.keyCol, g), append(s.keyOut, i)
			keyTypes = append(keyTypes, node.Schema[i])
		}
	}
	s.keys = chunk.NewKeyTable(keyTypes, 1)
	s.sessions = chunk.NewRowTable(chunk.Schema{types.Int8}, a.words+sessionExtra)
	s.start, s.rows = s.sessions.Layout().Offset(0), s.sessions.PayloadOffset()
	s.last = s.rows + a.words
	s.key, s.due = s.last+1, s.last+2
	if slices.Contains(in.Watermarks, s.time) {
		s.closing = &endHeap{}
	}
	return s, nil
}

// Push adds the rows of c to their sessions.
func (s *sessionAgg) Push(_ int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if t := c.Cols[s.time]; t.Nulls.Any() || hasInfinite(t.Ints) {
		if c = c.Gather(finiteRows(t)); c.Rows == 0 {
			return
		}
	}
	cols := make([]*chunk.Column, len(s.keyCol))
	for i, k := range s.keyCol {
		cols[i] = c.Cols[k]
	}
	if cap(s.at) < c.Rows {
		n := max(c.Rows, chunk.RowsMax)
		s.at, s.in = make([]int32, n), make([]int32, n)
	}
	keys := s.at[:c.Rows]
	s.keys.Upsert(cols, hashKeys(c, s.keyCol, &s.hash), keys)
	for n := s.keys.Slots(); len(s.order) < n; {
		s.order = append(s.order, rowSeq{})
	}
	s.assign(c, keys)
	in := s.in[:c.Rows]
	for i, x := range in {
		*s.sessions.Word(x, s.rows) += uint64(c.Weight(i))
	}
	for i := range s.a.calls {
		s.a.calls[i].update(s.sessions, s.rows, in, c)
	}
}

// assign finds the session of every row of c and lengthens, begins and merges sessions.
func (s *sessionAgg) assign(c *chunk.Chunk, keys []int32) {
	times := c.Cols[s.time]
	s.sessions.Encode(&s.probe, []*chunk.Column{{Type: types.Int8, Ints: times.Ints}}, c.Rows)
	head := s.keys.PayloadOffset()
	for i, k := range keys {
		t := times.Ints[i]
		x := int32(*s.keys.Word(k, head)) - 1
		switch {
		case x < 0 || t >= s.end(x):
			s.in[i] = s.begin(k, i, t, s.order[k].n)
		case t >= s.startOf(x):
			s.in[i] = x
			s.touch(x)
			if t > s.lastOf(x) {
				*s.sessions.Word(x, s.last) = uint64(t)
			}
		default:
			s.in[i] = s.place(k, i, t)
		}
	}
}

func (s *sessionAgg) startOf(x int32) int64 { return int64(*s.sessions.Word(x, s.start)) }
func (s *sessionAgg) lastOf(x int32) int64  { return int64(*s.sessions.Word(x, s.last)) }
func (s *sessionAgg) end(x int32) int64     { return s.ses.End(s.lastOf(x)) }

// begin makes a session of row i, with time t, the one number pos of key k.
func (s *sessionAgg) begin(k int32, i int, t int64, pos int32) int32 {
	x := s.sessions.AppendRow(&s.probe, i)
	row := s.sessions.Row(x)
	row[s.last], row[s.key] = uint64(t), uint64(k+1)
	s.touch(x)
	if s.closing != nil {
		e := s.ses.End(t)
		row[s.due] = uint64(e)
		s.closing.push(e, x)
	}
	q := &s.order[k]
	if pos == q.n {
		*s.keys.Word(k, s.keys.PayloadOffset()) = uint64(x + 1)
		s.keys.Touch(k)
	}
	s.seqs.put(q, s.compare, x)
	return x
}

// compare is the order of the sessions of a key.
func (s *sessionAgg) compare(a, b int32) int {
	return cmp.Or(cmp.Compare(s.startOf(a), s.startOf(b)), cmp.Compare(a, b))
}

// place finds the session of row i, with time t, which lies before the latest session of
// key k.
func (s *sessionAgg) place(k int32, i int, t int64) int32 {
	q := &s.order[k]
	// The sessions that begin at t or before stand in front.
	_, _, pos := s.seqs.find(q, func(x, _ int32) int {
		if s.startOf(x) <= t {
			return -1
		}
		return 1
	}, 0)
	cur := seqCursor{a: &s.seqs, s: q}
	next := cur.at(pos)
	joinsNext := s.ses.Joins(t, s.startOf(next))
	if pos > 0 {
		if x := cur.at(pos - 1); t < s.end(x) {
			s.touch(x)
			if t > s.lastOf(x) {
				*s.sessions.Word(x, s.last) = uint64(t)
			}
			if joinsNext {
				s.merge(k, x, next, s.in[:i])
			}
			return x
		}
	}
	if !joinsNext {
		return s.begin(k, i, t, pos)
	}
	s.touch(next)
	*s.sessions.Word(next, s.start) = uint64(t)
	return next
}

// merge adds session y of key k to x, which stands in front of it. Rows of the chunk that
// were given to y are x's.
func (s *sessionAgg) merge(k, x, y int32, in []int32) {
	s.touch(y)
	for i, z := range in {
		if z == y {
			in[i] = x
		}
	}
	from, to := s.sessions.Row(y), s.sessions.Row(x)
	to[s.last] = uint64(max(int64(to[s.last]), int64(from[s.last])))
	to[s.rows] += from[s.rows]
	s.ref[0], s.one[0] = y, x
	for i := range s.a.calls {
		if cs := &s.a.calls[i]; !cs.shared {
			cs.acc.(mergeable).merge(s.sessions, s.rows+cs.at, s.one, s.sessions, s.rows+cs.at, s.ref)
		}
	}
	from[s.rows] = 0
	q := &s.order[k]
	s.seqs.take(q, s.compare, y)
	from[s.key] = 0
	if head := s.keys.Word(k, s.keys.PayloadOffset()); int32(*head)-1 == y {
		*head = uint64(x + 1)
		s.keys.Touch(k)
	}
}

// touch marks a session as dirty and keeps the image it had before this epoch.
func (s *sessionAgg) touch(x int32) {
	row := s.sessions.Row(x)
	if row[0]>>32 != 0 {
		return
	}
	s.dirty = append(s.dirty, x)
	row[0] |= uint64(len(s.dirty)) << 32
	s.undo = append(s.undo, row[s.start:s.last+1]...)
	// The key of a session that is merged into another is needed to retract it.
	s.undo = append(s.undo, row[s.key])
	s.sessions.Touch(x)
}

// Flush emits the changes of the touched sessions and frees the closed ones.
func (s *sessionAgg) Flush(fc *FlushContext, out *Output) {
	if len(s.dirty) > 0 {
		s.emit(out)
		s.settle()
	}
	if wm := fc.watermark(0, s.time); s.closing != nil && wm != NoWatermark {
		s.closeSessions(s.ses.Mark(wm))
	}
}

// emit writes the old and the new row of every session that changed.
func (s *sessionAgg) emit(out *Output) {
	width := s.last + 2 - s.start // of an image in undo
	at := s.rows - s.start
	for k, x := range s.dirty {
		old := s.undo[k*width : (k+1)*width]
		row := s.sessions.Row(x)
		now := row[s.start : s.last+1]
		if old[at] != 0 && slices.Equal(old[:width-1], now) {
			continue
		}
		if old[at] != 0 {
			s.add(old[:width-1], int32(old[width-1])-1, -1)
		}
		if now[at] != 0 {
			s.add(now, int32(row[s.key])-1, 1)
		}
		if len(s.emits) >= chunk.RowsMax-1 {
			s.emitImages(out)
		}
	}
	s.emitImages(out)
}

// add keeps an image of a session of key k, which begins with its start and ends with its
// last time, to be emitted.
func (s *sessionAgg) add(image []uint64, k int32, weight int64) {
	n := len(image)
	s.images = append(s.images, image[s.rows-s.start:n-1]...)
	s.bounds = append(s.bounds, window.Bounds{Start: int64(image[0]), End: s.ses.End(int64(image[n-1]))})
	s.emits, s.weights = append(s.emits, k), append(s.weights, weight)
}

// emitImages emits one row per image.
func (s *sessionAgg) emitImages(out *Output) {
	n := len(s.emits)
	if n == 0 {
		return
	}
	a := s.a
	c := &chunk.Chunk{Rows: n, Weights: slices.Clone(s.weights), Cols: make([]*chunk.Column, len(a.schema))}
	for i, k := range s.keyOut {
		c.Cols[k] = chunk.NewColumn(a.schema[k], n)
		s.keys.AppendKey(c.Cols[k], i, s.emits)
	}
	w := a.windowColumns(c.Cols, n)
	for i, b := range s.bounds {
		w.set(i, b)
	}
	for i := range a.calls {
		cs := &a.calls[i]
		col := chunk.NewColumn(a.schema[len(a.keys)+i], n)
		cs.acc.result(s.images[cs.at:], a.words, n, col)
		c.Cols[len(a.keys)+i] = col
	}
	s.images, s.emits, s.bounds, s.weights = s.images[:0], s.emits[:0], s.bounds[:0], s.weights[:0]
	out.Emit(c)
}

// settle clears the marks of the epoch and deletes the sessions that were merged away.
func (s *sessionAgg) settle() {
	for _, x := range s.dirty {
		row := s.sessions.Row(x)
		row[0] &= 1<<32 - 1
		if row[s.key] == 0 {
			s.sessions.DeleteUnindexed(x)
		}
	}
	if n := cap(s.undo); n > scratchKept && len(s.undo) < n/16 {
		s.dirty, s.undo = nil, nil
		return
	}
	s.dirty, s.undo = s.dirty[:0], s.undo[:0]
}

// closeSessions drops the sessions that end before mark. A session has one valid entry in
// the heap, by the end that it had when it was put there.
func (s *sessionAgg) closeSessions(mark int64) {
	var empty []int32
	for len(s.closing.list) > 0 && s.closing.list[0].end < mark {
		e := s.closing.pop()
		if !s.sessions.Live(e.slot) {
			continue
		}
		row := s.sessions.Row(e.slot)
		if int64(row[s.due]) != e.end {
			continue // the slot was freed and handed out again
		}
		if end := s.end(e.slot); end >= mark {
			row[s.due] = uint64(end)
			s.sessions.Touch(e.slot)
			s.closing.push(end, e.slot)
			continue
		}
		if k := int32(row[s.key]) - 1; s.remove(k, e.slot) {
			empty = append(empty, k)
		}
	}
	if len(empty) > 0 {
		for i, h := range hashSlots(s.keys, empty) {
			s.keys.Delete(empty[i], h)
		}
	}
}

// remove deletes session x of key k and reports whether it was the last.
func (s *sessionAgg) remove(k, x int32) bool {
	q := &s.order[k]
	s.seqs.take(q, s.compare, x)
	s.sessions.DeleteUnindexed(x)
	return q.n == 0
}

// endHeap is slots by ends, the least on top.
type endHeap struct{ list []endSlot }

type endSlot struct {
	end  int64
	slot int32
}

func (h *endHeap) push(end int64, slot int32) {
	h.list = append(h.list, endSlot{end, slot})
	i := len(h.list) - 1
	for i > 0 {
		p := (i - 1) / 2
		if h.list[p].end <= h.list[i].end {
			return
		}
		h.list[p], h.list[i] = h.list[i], h.list[p]
		i = p
	}
}

func (h *endHeap) pop() endSlot {
	top, n := h.list[0], len(h.list)-1
	h.list[0] = h.list[n]
	h.list = h.list[:n]
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			return top
		}
		if c+1 < n && h.list[c+1].end < h.list[c].end {
			c++
		}
		if h.list[i].end <= h.list[c].end {
			return top
		}
		h.list[i], h.list[c] = h.list[c], h.list[i]
		i = c
	}
}

// StateBytes returns the memory of keys and sessions.
func (s *sessionAgg) StateBytes() int64 {
	n := s.keys.Bytes() + s.sessions.Bytes() + s.seqs.total + int64(cap(s.order))*32 + int64(cap(s.undo))*8
	if s.closing != nil {
		n += int64(cap(s.closing.list)) * 16
	}
	return n
}

// StateKeys returns the number of sessions kept.
func (s *sessionAgg) StateKeys() int64 { return int64(s.sessions.Len()) }

func (s *sessionAgg) keeps() []statePart {
	var r []statePart
	for i := range s.a.calls {
		r = append(r, s.a.calls[i].acc.(accumulatorState).keeps(s.sessions)...)
	}
	return append(r, tablePart{KeyTable: s.keys}, tablePart{s.sessions, true})
}

// restored puts the sessions into their orders.
func (s *sessionAgg) restored() error {
	lists := make([][]int32, s.keys.Slots())
	for _, x := range s.sessions.LiveSlots(nil) {
		row := s.sessions.Row(x)
		k := int64(row[s.key]) - 1
		if k < 0 || k >= int64(len(lists)) || !s.keys.Live(int32(k)) {
			return corrupt("session %d of key %d, which is not there", x, k)
		}
		lists[k] = append(lists[k], x)
		if s.closing != nil {
			s.closing.push(int64(row[s.due]), x)
		}
	}
	s.order = make([]rowSeq, len(lists))
	head := s.keys.PayloadOffset()
	for k, l := range lists {
		slices.SortFunc(l, s.compare)
		s.seqs.build(&s.order[k], l)
		if s.keys.Live(int32(k)) && (len(l) == 0 || int32(*s.keys.Word(int32(k), head))-1 != l[len(l)-1]) {
			return corrupt("key %d does not know its latest session", k)
		}
	}
	return nil
}

var (
	_ Stateful = (*sessionAgg)(nil)
	_ keeper   = (*sessionAgg)(nil)
)
