package exec

import (
	"cmp"
	"math"
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
)

// asofJoin gives each left row the nearest right row of its key, see physical.AsofJoin.
// Both sides keep their rows, and per key in order of time:
//
//	keys:   key
//	rows:   columns ─ [weight] [key] [in order]    left rows also: [partner] [weight put out]
//	order:  per side and key, a rowSeq by time, then by the whole row
//
// A change of the right side at time t changes the partners of the left rows between t and
// its neighbour in the order, and of no others (drawn for >=):
//
//	right   r1 ────────── r2 ──────────── r3
//	left     a   b    c     d    e    f     g
//	                      r2 goes or comes: d, e, f
//
// All of them have the same partner afterwards, which is found once. Output leaves in
// Flush: what a left row put out before against what it puts out now.
//
// Where no side takes anything back below its watermark, the state is trimmed: with >=, a
// left row below both watermarks has its partner for good, and of the versions below only
// the latest can be a partner of what comes. See asof_close.go.
type asofJoin struct {
	spec   *physical.AsofJoin
	schema chunk.Schema
	outer  bool
	side   [2]asofSide
	keys   *chunk.KeyTable
	seqs   seqArena
	close  *windowClose // nil where everything is kept

	keyCols []*chunk.Column
	hash    []uint64 // of keys
	rowHash []uint64
	keyOf   []int32 // per row of the chunk at hand, as slots
	slots   []int32
	changed []asofChange
	ranged  []int32 // left rows whose partners change
	rest    []int32 // of an order that is cut
	emptied []int32
	empty   []int32
	hashes  slotHashes // of keys that go away
	// output under way
	pair, pairTo []int32
	pairWeight   []int64
	lone         []int32
	loneWeight   []int64
}

// asofSide is the rows of one input.
type asofSide struct {
	port  int
	types chunk.Schema
	keys  []int
	time  int
	rows  *chunk.KeyTable
	order *overOrder
	seq   []rowSeq // by key slot
	dirty []int32  // rows touched in this epoch
	gone  []int32  // rows in no order any more, not yet deleted
	// hashes are those of rows that go away.
	hashes slotHashes
	at     int // the word of the time
}

// asofChange is a right row that has come or gone.
type asofChange struct {
	key  int32
	time int64
}

// Words of a row's payload; the last two exist on the left only.
const (
	asofWeight  = 0
	asofKey     = 1 // slot + 1
	asofIn      = 2 // 1 in the order
	asofPartner = 3 // slot + 1
	asofShown   = 4 // weight put out
)

func newAsofJoin(d *Dataflow, n int) Operator {
	node := &d.plan.Nodes[n]
	s := node.AsofJoin
	j := &asofJoin{spec: s, schema: node.Schema, outer: s.Type == physical.JoinLeft}
	var keyTypes chunk.Schema
	for i := range j.side {
		in := &d.plan.Nodes[node.Inputs[i]]
		sd := &j.side[i]
		*sd = asofSide{port: i, types: in.Schema, keys: s.LeftKeys, time: s.LeftTime}
		words := asofShown + 1
		if i == 1 {
			sd.keys, sd.time, words = s.RightKeys, s.RightTime, asofIn+1
		}
		sd.rows = chunk.NewRowTable(in.Schema, words)
		sd.order = newOverOrder(sd.rows, []physical.OrderKey{{Col: sd.time}})
		sd.at = sd.rows.Layout().Offset(sd.time)
	}
	for _, k := range s.RightKeys {
		keyTypes = append(keyTypes, j.side[1].types[k])
	}
	j.keys = chunk.NewKeyTable(keyTypes, 0)
	if physical.Settles(d.plan.Nodes, node.Inputs[0]) && physical.Settles(d.plan.Nodes, node.Inputs[1]) {
		j.close = newWindowClose()
	}
	return j
}

func (s *asofSide) timeOf(r int32) int64 { return int64(*s.rows.Word(r, s.at)) }

func (s *asofSide) word(r int32, w int) *uint64 { return s.rows.Word(r, s.rows.PayloadOffset()+w) }

// Push notes the changes of a chunk.
func (j *asofJoin) Push(port int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	s := &j.side[port]
	if c = j.splitNulls(s, c, out); c.Rows == 0 {
		return
	}
	if n := max(c.Rows, chunk.RowsMax); cap(j.slots) < c.Rows {
		j.slots, j.keyOf, j.rowHash = make([]int32, n), make([]int32, n), make([]uint64, n)
	}
	j.keyCols = j.keyCols[:0]
	for _, k := range s.keys {
		j.keyCols = append(j.keyCols, c.Cols[k])
	}
	keys := j.keyOf[:c.Rows]
	j.keys.Upsert(j.keyCols, hashKeys(c, s.keys, &j.hash), keys)
	j.grow()
	if j.close != nil {
		j.registerTimes(c.Cols[s.time], keys)
	}
	slots := j.slots[:c.Rows]
	hash := j.rowHash[:c.Rows]
	chunk.HashRows(c.Cols, c.Rows, hash)
	s.rows.Upsert(c.Cols, hash, slots)
	at := s.rows.PayloadOffset()
	for i, r := range slots {
		row := s.rows.Row(r)
		row[at+asofWeight] += uint64(c.Weight(i))
		row[at+asofKey] = uint64(keys[i]) + 1
		s.rows.Touch(r)
		s.mark(r)
	}
}

// mark puts row r on the list of rows touched in this epoch.
func (s *asofSide) mark(r int32) bool {
	h := s.rows.Word(r, 0)
	if *h>>32 != 0 {
		return false
	}
	*h |= 1 << 32
	s.dirty = append(s.dirty, r)
	return true
}

// splitNulls takes out the rows that can have no partner, or be one, because a key or
// the time is NULL. Left ones put out what they put out at once.
func (j *asofJoin) splitNulls(s *asofSide, c *chunk.Chunk, out *Output) *chunk.Chunk {
	nulls := c.Cols[s.time].Nulls
	for _, k := range s.keys {
		nulls = nulls.Or(c.Cols[k].Nulls, c.Rows)
	}
	if !nulls.Any() {
		return c
	}
	var with, without []int32
	for i := range int32(c.Rows) {
		if nulls.Get(int(i)) {
			with = append(with, i)
		} else {
			without = append(without, i)
		}
	}
	if s.port == 0 && j.outer {
		j.emitNulls(c.Gather(with), out)
	}
	return c.Gather(without)
}

// emitNulls emits left rows that have no partner for ever.
func (j *asofJoin) emitNulls(c *chunk.Chunk, out *Output) {
	r := &chunk.Chunk{Rows: c.Rows, Weights: c.Weights, Cols: make([]*chunk.Column, len(j.schema))}
	for i, col := range j.spec.Output {
		if col < len(j.side[0].types) {
			own := *c.Cols[col]
			r.Cols[i] = retyped(&own, j.schema[i])
		} else {
			r.Cols[i] = nullColumn(j.schema[i], c.Rows)
		}
	}
	out.Emit(r)
}

// grow makes room for the orders of new keys.
func (j *asofJoin) grow() {
	for i := range j.side {
		s := &j.side[i]
		for len(s.seq) < j.keys.Slots() {
			s.seq = append(s.seq, rowSeq{})
		}
	}
}

// Flush brings the orders up to date and emits what has changed.
func (j *asofJoin) Flush(fc *FlushContext, out *Output) {
	l, r := &j.side[0], &j.side[1]
	j.changed = j.changed[:0]
	j.reorder(r)
	j.reorder(l)
	for _, x := range l.dirty {
		j.settle(x, j.partnerOf(l.keyOf(x), l.timeOf(x)), out)
	}
	j.settleRanges(out)
	j.emit(out)
	j.clean(l)
	j.clean(r)
	if j.close != nil {
		j.trim(fc)
	}
	j.dropKeys()
}

func (s *asofSide) keyOf(r int32) int32 { return int32(*s.word(r, asofKey)) - 1 }

// reorder puts the touched rows of a side into their orders or takes them out. Of the
// right side's the changes are noted.
func (j *asofJoin) reorder(s *asofSide) {
	at := s.rows.PayloadOffset()
	for _, x := range s.dirty {
		row := s.rows.Row(x)
		there, in := row[at+asofWeight] != 0, row[at+asofIn] != 0
		if there == in {
			continue
		}
		k := int32(row[at+asofKey]) - 1
		seq := &s.seq[k]
		leaf, i, _ := j.seqs.find(seq, s.order.compare, x)
		if there {
			j.seqs.insert(seq, leaf, i, x)
			row[at+asofIn] = 1
		} else {
			if i == len(j.seqs.leaf(seq, leaf)) {
				leaf, i = leaf+1, 0 // the place behind a leaf is the next one's first
			}
			j.seqs.remove(seq, leaf, i)
			row[at+asofIn] = 0
		}
		if s.port == 1 {
			j.changed = append(j.changed, asofChange{k, int64(row[s.at])})
		}
	}
}

// from returns the place of the first row of a side under key k with a time of at least t,
// as seqArena.find does. Times mostly rise: the end is looked at first.
func (j *asofJoin) from(s *asofSide, k int32, t int64) (leaf, at int, pos int32) {
	seq := &s.seq[k]
	if n := int(seq.leaves); n > 0 {
		lo, hi := 0, n
		if s.timeOf(j.seqs.leaf(seq, n-1)[0]) < t {
			lo = n
		}
		for lo < hi {
			m := (lo + hi) / 2
			if s.timeOf(j.seqs.leaf(seq, m)[0]) < t {
				lo = m + 1
			} else {
				hi = m
			}
		}
		leaf = max(lo-1, 0)
		d := j.seqs.dir(seq)
		for i := range leaf {
			pos += d[dirWords*i+2]
		}
	}
	l := j.seqs.leaf(seq, leaf)
	lo, hi := 0, len(l)
	if hi > 0 && s.timeOf(l[hi-1]) < t {
		lo = hi
	}
	for lo < hi {
		m := (lo + hi) / 2
		if s.timeOf(l[m]) < t {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return leaf, lo, pos + int32(lo)
}

// after returns the position of the first row with a time above t.
func (j *asofJoin) after(s *asofSide, k int32, t int64) (leaf, at int, pos int32) {
	if t == math.MaxInt64 {
		n := s.seq[k].leafCount() - 1
		return n, len(j.seqs.leaf(&s.seq[k], n)), s.seq[k].n
	}
	return j.from(s, k, t+1)
}

// slotAt returns the row at a place, -1 behind the end.
func (j *asofJoin) slotAt(seq *rowSeq, leaf, at int) int32 {
	if l := j.seqs.leaf(seq, leaf); at < len(l) {
		return l[at]
	}
	if leaf+1 < seq.leafCount() {
		return j.seqs.leaf(seq, leaf+1)[0]
	}
	return -1
}

// slotBefore returns the row before a place, -1 at the beginning.
func (j *asofJoin) slotBefore(seq *rowSeq, leaf, at int) int32 {
	if at > 0 {
		return j.seqs.leaf(seq, leaf)[at-1]
	}
	if leaf > 0 {
		l := j.seqs.leaf(seq, leaf-1)
		return l[len(l)-1]
	}
	return -1
}

// partnerOf returns the right row that is the partner of a left row of key k at time t,
// -1 for none.
func (j *asofJoin) partnerOf(k int32, t int64) int32 {
	s := &j.side[1]
	seq := &s.seq[k]
	if seq.n == 0 {
		return -1
	}
	var leaf, at int
	switch j.spec.Op {
	case physical.AsofLE, physical.AsofGT:
		leaf, at, _ = j.from(s, k, t)
	default:
		leaf, at, _ = j.after(s, k, t)
	}
	if !j.spec.Op.Backward() {
		return j.slotAt(seq, leaf, at)
	}
	last := j.slotBefore(seq, leaf, at)
	if last < 0 {
		return -1
	}
	// Of several at that time the first.
	if at > 1 && s.timeOf(j.seqs.leaf(seq, leaf)[at-2]) != s.timeOf(last) {
		return last
	}
	leaf, at, _ = j.from(s, k, s.timeOf(last))
	return j.slotAt(seq, leaf, at)
}

// settleRanges gives the left rows between a change of the right side and its neighbour
// their new partner.
func (j *asofJoin) settleRanges(out *Output) {
	slices.SortFunc(j.changed, func(a, b asofChange) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.time, b.time))
	})
	j.changed = slices.Compact(j.changed)
	l := &j.side[0]
	rows := j.ranged
	for _, c := range j.changed {
		seq := &l.seq[c.key]
		if seq.n == 0 {
			continue
		}
		lo, hi := j.rangeOf(c)
		for ; lo < hi; lo += chunk.RowsMax {
			rows = j.seqs.appendRange(seq, lo, min(lo+chunk.RowsMax, hi), rows[:0])
			partner := j.partnerOf(c.key, l.timeOf(rows[0]))
			for _, x := range rows {
				if l.mark(x) { // the touched ones have been settled
					j.settle(x, partner, out)
				}
			}
		}
	}
	j.ranged = rows
}

// rangeOf returns the positions of the left rows whose partner a change may change.
func (j *asofJoin) rangeOf(c asofChange) (lo, hi int32) {
	l, r := &j.side[0], &j.side[1]
	seq := &r.seq[c.key]
	n := l.seq[c.key].n
	if j.spec.Op.Backward() {
		leaf, at, _ := j.after(r, c.key, c.time)
		next := j.slotAt(seq, leaf, at)
		if j.spec.Op == physical.AsofGE {
			_, _, lo = j.from(l, c.key, c.time)
			if hi = n; next >= 0 {
				_, _, hi = j.from(l, c.key, r.timeOf(next))
			}
			return lo, hi
		}
		_, _, lo = j.after(l, c.key, c.time)
		if hi = n; next >= 0 {
			_, _, hi = j.after(l, c.key, r.timeOf(next))
		}
		return lo, hi
	}
	leaf, at, _ := j.from(r, c.key, c.time)
	prev := j.slotBefore(seq, leaf, at)
	if j.spec.Op == physical.AsofLE {
		_, _, hi = j.after(l, c.key, c.time)
		if prev >= 0 {
			_, _, lo = j.after(l, c.key, r.timeOf(prev))
		}
		return lo, hi
	}
	_, _, hi = j.from(l, c.key, c.time)
	if prev >= 0 {
		_, _, lo = j.from(l, c.key, r.timeOf(prev))
	}
	return lo, hi
}

// settle compares what left row x has put out with what it puts out with a partner, -1
// for none.
func (j *asofJoin) settle(x, partner int32, out *Output) {
	l := &j.side[0]
	at := l.rows.PayloadOffset()
	row := l.rows.Row(x)
	was, shown, now := int32(row[at+asofPartner])-1, int64(row[at+asofShown]), int64(row[at+asofWeight])
	if was == partner {
		j.owe(x, partner, now-shown)
	} else {
		j.owe(x, was, -shown)
		j.owe(x, partner, now)
	}
	if was != partner || shown != now {
		row[at+asofPartner], row[at+asofShown] = uint64(uint32(partner+1)), uint64(now)
		l.rows.Touch(x)
	}
	if len(j.pair) >= chunk.RowsMax-1 || len(j.lone) >= chunk.RowsMax-1 {
		j.emit(out)
	}
}

// owe notes a change of the output.
func (j *asofJoin) owe(x, partner int32, w int64) {
	switch {
	case w == 0:
	case partner >= 0:
		j.pair, j.pairTo, j.pairWeight = append(j.pair, x), append(j.pairTo, partner), append(j.pairWeight, w)
	case j.outer:
		j.lone, j.loneWeight = append(j.lone, x), append(j.loneWeight, w)
	}
}

// emit emits the output under way.
func (j *asofJoin) emit(out *Output) {
	if len(j.pair) > 0 {
		out.Emit(j.output(j.pair, j.pairTo, j.pairWeight))
		j.pair, j.pairTo, j.pairWeight = j.pair[:0], j.pairTo[:0], j.pairWeight[:0]
	}
	if len(j.lone) > 0 {
		out.Emit(j.output(j.lone, nil, j.loneWeight))
		j.lone, j.loneWeight = j.lone[:0], j.loneWeight[:0]
	}
}

// output makes a chunk of left rows and right rows; none of these are NULLs.
func (j *asofJoin) output(left, right []int32, weights []int64) *chunk.Chunk {
	c := &chunk.Chunk{Rows: len(left), Weights: slices.Clone(weights), Cols: make([]*chunk.Column, len(j.schema))}
	nl := len(j.side[0].types)
	for i, col := range j.spec.Output {
		switch {
		case col < nl:
			c.Cols[i] = chunk.NewColumn(j.schema[i], len(left))
			j.side[0].rows.AppendKey(c.Cols[i], col, left)
		case right == nil:
			c.Cols[i] = nullColumn(j.schema[i], len(left))
		default:
			c.Cols[i] = chunk.NewColumn(j.schema[i], len(left))
			j.side[1].rows.AppendKey(c.Cols[i], col-nl, right)
		}
	}
	return c
}

// clean ends the epoch for the touched rows; those without weight go away.
func (j *asofJoin) clean(s *asofSide) {
	at := s.rows.PayloadOffset()
	for _, x := range s.dirty {
		row := s.rows.Row(x)
		row[0] &= 1<<32 - 1
		if row[at+asofWeight] == 0 {
			s.gone = append(s.gone, x)
			j.emptied = append(j.emptied, int32(row[at+asofKey])-1)
		}
	}
	s.dirty = s.dirty[:0]
	s.deleteGone()
}

// deleteGone removes rows that are in no order any more.
func (s *asofSide) deleteGone() {
	for lo := 0; lo < len(s.gone); lo += chunk.RowsMax {
		part := s.gone[lo:min(lo+chunk.RowsMax, len(s.gone))]
		for i, h := range s.hashes.of(s.rows, part) {
			s.rows.Delete(part[i], h)
		}
	}
	s.gone = s.gone[:0]
}

// dropKeys deletes those of the emptied keys that have no rows left.
func (j *asofJoin) dropKeys() {
	empty := j.empty[:0]
	slices.Sort(j.emptied)
	for _, k := range slices.Compact(j.emptied) {
		if j.keys.Live(k) && j.side[0].seq[k].n == 0 && j.side[1].seq[k].n == 0 {
			empty = append(empty, k)
		}
	}
	j.emptied = j.emptied[:0]
	if len(empty) > 0 {
		for i, h := range j.hashes.of(j.keys, empty) {
			j.keys.Delete(empty[i], h)
		}
	}
	j.empty = empty[:0]
}

// StateBytes returns the memory of both sides, the keys and the orders.
func (j *asofJoin) StateBytes() int64 {
	return j.keys.Bytes() + j.side[0].rows.Bytes() + j.side[1].rows.Bytes() + j.seqs.total + int64(len(j.side[0].seq)+len(j.side[1].seq))*24
}

// StateKeys returns the number of rows kept.
func (j *asofJoin) StateKeys() int64 { return int64(j.side[0].rows.Len() + j.side[1].rows.Len()) }

func (j *asofJoin) keeps() []statePart {
	return []statePart{tablePart{KeyTable: j.keys}, tablePart{KeyTable: j.side[0].rows}, tablePart{KeyTable: j.side[1].rows}}
}

// restored makes the orders anew.
func (j *asofJoin) restored() error {
	j.grow()
	for i := range j.side {
		s := &j.side[i]
		lists := make([][]int32, len(s.seq))
		for _, x := range s.rows.LiveSlots(nil) {
			k := s.keyOf(x)
			if k < 0 || int(k) >= len(lists) || !j.keys.Live(k) {
				return corrupt("row %d of side %d of an ASOF join", x, i)
			}
			if i == 0 {
				if p := int32(*s.word(x, asofPartner)) - 1; p >= 0 && (int(p) >= j.side[1].rows.Slots() || !j.side[1].rows.Live(p)) {
					return corrupt("partner of row %d of an ASOF join", x)
				}
			}
			lists[k] = append(lists[k], x)
		}
		for k, l := range lists {
			slices.SortFunc(l, s.order.compare)
			j.seqs.build(&s.seq[k], l)
		}
		if j.close != nil {
			j.registerRows(s)
		}
	}
	return nil
}

var (
	_ Stateful = (*asofJoin)(nil)
	_ keeper   = (*asofJoin)(nil)
)
