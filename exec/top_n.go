package exec

import (
	"math"
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// topN keeps, per partition, all rows in order and what it has emitted of them. At the
// end of an epoch, each partition that changed walks its first Offset+Limit rows and
// emits the difference to what it emitted before. Over append-only input, rows that
// have fallen out of the window can never come back and are forgotten.
type topN struct {
	spec   *physical.TopN
	schema chunk.Schema // output
	append bool         // append-only input

	parts *chunk.KeyTable // partition key
	rows  *chunk.KeyTable // whole rows by identity; payload: weight, partition+1
	order func(a, b int32) int
	peers func(a, b int32) bool // equal in ORDER BY

	groups []topGroup // by partition slot
	seqs   seqArena   // the orders of all partitions
	// shown holds what the partitions have emitted: per row its slot and its copies.
	shown  blockArena[uint64]
	hashes []uint32 // of the rows, by their slot: what an index entry needs
	dirty  []int32
	// vanished is rows whose weight was zero after a Push, maybe several times.
	vanished []int32
	close    *windowClose // frees partitions of closed windows, else nil

	// bounds holds, by partition slot, the first sort key of the last row of the window,
	// if it is full: over append-only input rows behind it are not stored. nil: not used.
	bounds []int64
	lead   leadKey
	sel    []int32

	hash, rowHash []uint64
	slots, rowAt  []int32
	keys          []*chunk.Column
	// scratch of Flush
	was, now            []ranked
	gone, behind, empty []int32
	front               []int32
	out                 topEmitter
}

// topGroup is one partition: its rows in order and the block of what it has emitted.
type topGroup struct {
	rows    rowSeq
	emitted uint64
	n       int32 // rows emitted
	class   uint8 // of the block, 0 for none
	dirty   bool
}

// ranked is a row in the window: its copies from rank first on.
type ranked struct {
	slot          int32
	first, copies int64
}

const (
	topWeight = 0
	topPart   = 1
)

func newTopN(d *Dataflow, node int) *topN {
	n := &d.plan.Nodes[node]
	in := &d.plan.Nodes[n.Inputs[0]]
	t := &topN{spec: n.TopN, schema: n.Schema, append: in.AppendOnly}
	var keys chunk.Schema
	for _, c := range n.TopN.Partition {
		keys = append(keys, in.Schema[c])
	}
	t.parts = chunk.NewKeyTable(keys, 0)
	if k := n.TopN.WindowEnd - 1; k >= 0 && keys[k].Class() == types.ClassInt && physical.Settles(d.plan.Nodes, n.Inputs[0]) {
		t.close = newWindowClose()
	}
	t.rows = chunk.NewRowTable(in.Schema, 2)
	t.keys, t.out.t = make([]*chunk.Column, len(n.TopN.Partition)), t
	order := newOverOrder(t.rows, n.TopN.Order)
	t.order, t.peers = order.compare, order.peers
	var ok bool
	if t.lead, ok = newLeadKey(n.TopN.Order, in.Schema); ok && t.append && n.TopN.LimitExpr == nil && n.TopN.Limit > 0 && t.end() <= boundsMax {
		t.bounds = []int64{}
	}
	return t
}

// boundsMax is the largest window whose last row is looked for after each insertion.
const boundsMax = 256

// end returns the rank behind the window.
func (t *topN) end() int64 { return t.spec.Offset + t.spec.Limit }

// ahead returns the rows of c, and their partitions, that are not behind full windows.
func (t *topN) ahead(c *chunk.Chunk, slots []int32) (*chunk.Chunk, []int32) {
	for len(t.bounds) < t.parts.Slots() {
		t.bounds = append(t.bounds, math.MinInt64)
	}
	if cap(t.sel) < c.Rows {
		t.sel = make([]int32, max(c.Rows, chunk.RowsMax))
	}
	col, n := c.Cols[t.lead.col], 0
	for i, p := range slots {
		if t.lead.of(col, i) >= t.bounds[p] {
			t.sel[n], slots[n] = int32(i), p
			n++
		}
	}
	if n == c.Rows {
		return c, slots
	}
	return c.Gather(t.sel[:n]), slots[:n]
}

// raise brings the bound of partition p up to date after a row was inserted.
func (t *topN) raise(p int32, rows *rowSeq) {
	if end := int32(t.end()); rows.n >= end {
		cur := seqCursor{a: &t.seqs, s: rows}
		t.bounds[p] = t.lead.stored(t.rows, cur.at(end-1))
	}
}

// Push adds c's rows to their partitions.
func (t *topN) Push(_ int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if cap(t.slots) < c.Rows {
		t.slots, t.rowAt, t.rowHash = make([]int32, c.Rows), make([]int32, c.Rows), make([]uint64, c.Rows)
	}
	for i, k := range t.spec.Partition {
		t.keys[i] = c.Cols[k]
	}
	slots := t.slots[:c.Rows]
	t.parts.Upsert(t.keys, hashKeys(c, t.spec.Partition, &t.hash), slots)
	if t.bounds != nil {
		if c, slots = t.ahead(c, slots); c.Rows == 0 {
			return
		}
	}
	rows := t.rowAt[:c.Rows]
	hash := t.rowHash[:c.Rows]
	chunk.HashRows(c.Cols, c.Rows, hash)
	t.rows.Upsert(c.Cols, hash, rows)
	t.noteHashes(rows, hash)
	for len(t.groups) < t.parts.Slots() {
		t.groups = append(t.groups, topGroup{})
	}
	at := t.rows.PayloadOffset()
	for i, r := range rows {
		p := slots[i]
		t.rows.Touch(r)
		w := t.rows.Word(r, at+topWeight)
		if *w += uint64(c.Weight(i)); *w == 0 {
			t.vanished = append(t.vanished, r)
		}
		g := &t.groups[p]
		if in := t.rows.Word(r, at+topPart); *in == 0 {
			*in = uint64(p) + 1
			t.seqs.put(&g.rows, t.order, r)
			if t.bounds != nil {
				t.raise(p, &g.rows)
			}
		}
		if !g.dirty {
			g.dirty = true
			t.dirty = append(t.dirty, p)
		}
	}
}

func (t *topN) noteHashes(rows []int32, hash []uint64) {
	for len(t.hashes) < t.rows.Slots() {
		t.hashes = append(t.hashes, 0)
	}
	for i, r := range rows {
		t.hashes[r] = uint32(hash[i])
	}
}

// Flush emits the changes of the partitions' windows.
func (t *topN) Flush(fc *FlushContext, out *Output) {
	t.zeroes()
	for _, p := range t.dirty {
		g := &t.groups[p]
		g.dirty = false
		t.was, t.now = t.emittedBy(g, t.was[:0]), t.window(g, t.now[:0])
		t.out.diff(t.was, t.now)
		t.out.flush(out, false)
		t.emits(g, t.now)
		if t.append && t.spec.Limit >= 0 {
			t.beyond(g)
		}
	}
	t.out.flush(out, true)
	for _, r := range t.gone {
		g := &t.groups[*t.rows.Word(r, t.rows.PayloadOffset()+topPart)-1]
		t.seqs.take(&g.rows, t.order, r)
	}
	t.delete(t.gone)
	t.delete(t.behind)
	t.gone, t.behind = emptied(t.gone), emptied(t.behind)
	for _, p := range t.dirty {
		if t.groups[p].rows.n == 0 {
			t.empty = append(t.empty, p)
		}
	}
	t.free()
	if t.close != nil {
		t.closeWindows(fc)
	}
	t.dirty = emptied(t.dirty)
}

// free frees the partitions in empty.
func (t *topN) free() {
	for _, p := range t.empty {
		t.reset(p)
	}
	deleteSlots(t.parts, t.empty)
	t.empty = emptied(t.empty)
}

// emittedBy appends to r what partition g has emitted.
func (t *topN) emittedBy(g *topGroup, r []ranked) []ranked {
	if g.n == 0 {
		return r
	}
	words, rank := t.shown.words(g.emitted, g.class)[:2*g.n], t.spec.Offset
	for ; len(words) > 0; words = words[2:] {
		r = append(r, ranked{int32(words[0]), rank, int64(words[1])})
		rank += int64(words[1])
	}
	return r
}

// emits notes what partition g has emitted: ranks without gaps from the offset on.
func (t *topN) emits(g *topGroup, now []ranked) {
	class := uint8(0)
	if len(now) > 0 {
		class = classOf(2 * len(now))
	}
	if class != g.class {
		t.shown.release(g.emitted, g.class)
		if g.class = class; class > 0 {
			g.emitted = t.shown.alloc(class)
		}
	}
	if g.n = int32(len(now)); g.n == 0 {
		return
	}
	words := t.shown.words(g.emitted, g.class)
	for i := range now {
		words[2*i], words[2*i+1] = uint64(now[i].slot), uint64(now[i].copies)
	}
}

// closeWindows drops the partitions whose window is closed: no row can reach them any
// more. What they have emitted stays.
func (t *topN) closeWindows(fc *FlushContext) {
	k := t.spec.WindowEnd - 1
	touched := slices.DeleteFunc(t.dirty, func(p int32) bool { return !t.parts.Live(p) })
	t.empty = append(t.empty, t.close.closed(t.parts, k, touched, fc.watermark(0, t.spec.Partition[k]))...)
	for _, p := range t.empty {
		q := &t.groups[p].rows
		t.gone = t.seqs.appendRange(q, 0, q.n, t.gone)
	}
	t.delete(t.gone)
	t.gone = emptied(t.gone)
	t.free()
}

// reset empties partition p.
func (t *topN) reset(p int32) {
	g := &t.groups[p]
	t.seqs.clear(&g.rows)
	t.shown.release(g.emitted, g.class)
	*g = topGroup{}
	if int(p) < len(t.bounds) {
		t.bounds[p] = math.MinInt64
	}
}

func (t *topN) weight(r int32) int64 {
	return int64(*t.rows.Word(r, t.rows.PayloadOffset()+topWeight))
}

// zeroes puts the rows that have lost their weight into gone, each once.
func (t *topN) zeroes() {
	slices.Sort(t.vanished)
	for _, r := range slices.Compact(t.vanished) {
		if t.weight(r) == 0 {
			t.gone = append(t.gone, r)
		}
	}
	t.vanished = emptied(t.vanished)
}

// delete removes rows that stand in no order any more.
func (t *topN) delete(rows []int32) {
	for _, r := range rows {
		t.rows.Delete(r, uint64(t.hashes[r]))
	}
}

// window appends to r the rows with ranks in [Offset, Offset+Limit), and ties of the last.
func (t *topN) window(g *topGroup, r []ranked) []ranked {
	rank, last := int64(0), int32(-1)
	for i := range g.rows.leafCount() {
		for _, s := range t.seqs.leaf(&g.rows, i) {
			w := t.weight(s)
			if w <= 0 {
				continue
			}
			if t.spec.Limit >= 0 && rank >= t.end() {
				if !t.spec.WithTies || last < 0 || !t.peers(last, s) {
					return r
				}
				r = append(r, ranked{s, rank, w})
				rank += w
				continue
			}
			lo, hi := max(rank, t.spec.Offset), rank+w
			if t.spec.Limit >= 0 && !t.spec.WithTies {
				hi = min(hi, t.end())
			}
			if hi > lo {
				r = append(r, ranked{s, lo, hi - lo})
				last = s
			}
			rank += w
		}
	}
	return r
}

// beyond takes the rows behind the window, which is in now, out of g's order and puts them into behind.
func (t *topN) beyond(g *topGroup) {
	keep := t.within(g)
	if keep == g.rows.n {
		return
	}
	t.behind = t.seqs.appendRange(&g.rows, keep, g.rows.n, t.behind)
	t.front = t.seqs.appendRange(&g.rows, 0, keep, t.front[:0])
	t.seqs.build(&g.rows, t.front)
}

// within returns the number of g's rows that are not behind the window.
func (t *topN) within(g *topGroup) int32 {
	rank, keep := int64(0), int32(0)
	for i := range g.rows.leafCount() {
		for _, s := range t.seqs.leaf(&g.rows, i) {
			if n := len(t.now); rank >= t.end() && !(t.spec.WithTies && n > 0 && t.peers(t.now[n-1].slot, s)) {
				return keep
			}
			rank += t.weight(s)
			keep++
		}
	}
	return keep
}

// topEmitter collects the changes of windows.
type topEmitter struct {
	t       *topN
	slots   []int32
	weights []int64
	ranks   []int64
}

// diff adds the difference of two windows, which are both in order.
func (e *topEmitter) diff(was, now []ranked) {
	if e.t.spec.Rank {
		e.diffRanks(was, now)
		return
	}
	for len(was) > 0 || len(now) > 0 {
		c := 0
		switch {
		case len(was) == 0:
			c = 1
		case len(now) == 0:
			c = -1
		case was[0].slot != now[0].slot:
			c = e.t.order(was[0].slot, now[0].slot)
		}
		switch {
		case c < 0:
			e.add(was[0].slot, -was[0].copies, 0)
			was = was[1:]
		case c > 0:
			e.add(now[0].slot, now[0].copies, 0)
			now = now[1:]
		default:
			if d := now[0].copies - was[0].copies; d != 0 {
				e.add(now[0].slot, d, 0)
			}
			was, now = was[1:], now[1:]
		}
	}
}

// diffRanks is diff where each copy of a row is shown with its rank.
func (e *topEmitter) diffRanks(was, now []ranked) {
	rank, end := int64(math.MaxInt64), int64(0)
	for _, l := range [][]ranked{was, now} {
		if n := len(l); n > 0 {
			rank, end = min(rank, l[0].first), max(end, l[n-1].first+l[n-1].copies)
		}
	}
	for ; rank < end; rank++ {
		old, now := at(&was, rank), at(&now, rank)
		if old == now {
			continue
		}
		if old >= 0 {
			e.add(old, -1, rank+1)
		}
		if now >= 0 {
			e.add(now, 1, rank+1)
		}
	}
}

// at returns the row with a rank, -1 if there is none, and drops the rows before it.
func at(l *[]ranked, rank int64) int32 {
	for len(*l) > 0 && (*l)[0].first+(*l)[0].copies <= rank {
		*l = (*l)[1:]
	}
	if len(*l) == 0 || (*l)[0].first > rank {
		return -1
	}
	return (*l)[0].slot
}

func (e *topEmitter) add(slot int32, weight, rank int64) {
	e.slots, e.weights, e.ranks = append(e.slots, slot), append(e.weights, weight), append(e.ranks, rank)
}

// flush emits what was collected: always, or when it is a chunk's worth.
func (e *topEmitter) flush(out *Output, always bool) {
	if n := len(e.slots); n == 0 || !always && n < chunk.RowsMax {
		return
	}
	t := e.t
	shown := len(t.rows.Layout().Types)
	if t.spec.Visible > 0 {
		shown = t.spec.Visible
	}
	c := &chunk.Chunk{Rows: len(e.slots), Weights: slices.Clone(e.weights)}
	for i := range shown {
		col := chunk.NewColumn(t.schema[i], c.Rows)
		t.rows.AppendKey(col, i, e.slots)
		c.Cols = append(c.Cols, col)
	}
	if t.spec.Rank {
		c.Cols = append(c.Cols, &chunk.Column{Type: types.Int8, Ints: slices.Clone(e.ranks)})
	}
	out.Emit(c)
	e.slots, e.weights, e.ranks = emptied(e.slots), emptied(e.weights), emptied(e.ranks)
}

// StateBytes returns the memory of rows, partitions and orders.
func (t *topN) StateBytes() int64 {
	return t.rows.Bytes() + t.parts.Bytes() + t.seqs.total + t.shown.total + int64(cap(t.hashes))*4 + int64(cap(t.groups))*40 + int64(cap(t.bounds))*8
}

// StateKeys returns the number of rows kept.
func (t *topN) StateKeys() int64 { return int64(t.rows.Len()) }

var _ Stateful = (*topN)(nil)

// sortRows is the ORDER BY and LIMIT of a statement: it keeps everything and emits it
// in order at the end.
type sortRows struct {
	spec   *physical.TopN
	schema chunk.Schema
	kept   *chunk.Chunk
}

// Push keeps c's rows.
func (s *sortRows) Push(_ int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if s.kept == nil {
		s.kept = chunk.New(c.Schema(), c.Rows)
	}
	s.kept.AppendRows(c, nil)
}

// Flush emits the rows in order, each as often as its weight says, within the limit.
func (s *sortRows) Flush(_ *FlushContext, out *Output) {
	if s.kept == nil {
		return
	}
	c := chunk.Consolidate(s.kept)
	s.kept = nil
	keys := make([]chunk.SortKey, len(s.spec.Order))
	for i, o := range s.spec.Order {
		keys[i] = chunk.SortKey{Col: o.Col, Desc: o.Desc, NullsFirst: o.NullsFirst}
	}
	idx := chunk.SortRows(c.Cols, c.Rows, keys)
	pick := make([]int32, 0, len(idx))
	skip, left := s.spec.Offset, s.spec.Limit
	by := chunk.NewComparator(c.Schema(), keys)
	for _, i := range idx {
		for range c.Weight(int(i)) {
			if skip > 0 {
				skip--
				continue
			}
			if s.spec.Limit >= 0 && left <= 0 {
				tie := s.spec.WithTies && len(pick) > 0 && by.CompareKeys(len(keys), c.Cols, int(pick[len(pick)-1]), c.Cols, int(i)) == 0
				if !tie {
					break
				}
			}
			left--
			pick = append(pick, i)
		}
	}
	c.Weights = nil
	shown := c
	if s.spec.Visible > 0 {
		shown = &chunk.Chunk{Cols: c.Cols[:s.spec.Visible], Rows: c.Rows}
	}
	for lo := 0; lo < len(pick); lo += chunk.RowsMax {
		hi := min(lo+chunk.RowsMax, len(pick))
		r := shown.Gather(pick[lo:hi])
		if s.spec.Rank {
			rank := chunk.NewColumn(types.Int8, hi-lo)
			for k := lo; k < hi; k++ {
				rank.Ints = append(rank.Ints, s.spec.Offset+int64(k)+1)
			}
			r.Cols = append(r.Cols, rank)
		}
		out.Emit(r)
	}
}

// StateBytes estimates the memory of the rows kept.
func (s *sortRows) StateBytes() int64 {
	if s.kept == nil {
		return 0
	}
	return s.kept.MemoryBytes()
}

// StateKeys returns the number of rows kept.
func (s *sortRows) StateKeys() int64 {
	if s.kept == nil {
		return 0
	}
	return int64(s.kept.Rows)
}
