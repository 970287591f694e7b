package exec

import (
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// overWindow is window functions over rows that change. It keeps
//
//	rows   every input row, by identity; a copy of a row has a slot of its own, so that a
//	       slot is one place in the order and has one result
//	seqs   per partition the slots in order
//	res    per slot the results that were emitted last
//
// At the end of an epoch the changed rows are sorted once and put into their partitions.
// Each change touches the rows within the functions' reach (see overReach); the touched
// stretches of all partitions are laid side by side in batches, in which every function
// is one loop over typed slices, and the rows whose results are others than before are
// emitted: the old results with weight -1, the new ones with +1.
//
//	SUM(v) OVER (ORDER BY t), a row enters at 5 of 9:
//	rows      0 1 2 3 4 (5) 6 7 8      computed anew: 5 … 8, going on from the total
//	LAG(v)    0 1 2 3 4 (5) 6 7 8      computed anew: 5 and 6
type overWindow struct {
	spec   *physical.OverWindow
	schema chunk.Schema // output
	inputs int          // leading columns, passed on
	eval   *overEval
	reach  overReach
	totals []overTotals

	parts  *chunk.KeyTable // partition key
	rows   *chunk.KeyTable // payload: see below
	res    *chunk.KeyTable // not indexed
	order  *overOrder
	entry  *chunk.Comparator // by partition slot, then as order
	seqs   seqArena
	groups []rowSeq // by partition slot
	// errs holds the results that are errors, by slot of res.
	errs map[int32][]resultError

	close *windowClose // frees partitions of closed windows, else nil

	changed []int32 // rows whose weight changed in this epoch, each once
	hash    []uint64
	rowHash []uint64
	slots   []int32
	rowAt   []int32

	// scratch of Flush
	enter, leave []int32
	again        []int32 // rows of which further copies entered
	gone         []int32 // rows to be deleted
	touched      []int32 // partitions
	sorter       chunk.Sorter
	changes      []overChange
	merged, seq  []int32
	batch        overStretches
	probe        chunk.Probe
	out          overEmission
}

// Payload words of a row: its weight, or overCopy; the slot of its partition + 1 and, in the high half,
// the number of its copies that stand in the order; the slot of its results + 1 and, in
// the high half, the slot + 1 of the next copy. The high half of the header is 1 while the
// row is in changed.
const (
	overWeight = iota
	overPart
	overResult
	overWords
)

// overCopy stands in the place of the weight of a further copy of a row.
const overCopy = 1 << 63

// resultError is an error in the place of result column col.
type resultError struct {
	col int
	err error
}

func newOverWindow(d *Dataflow, node int) (Operator, error) {
	n := &d.plan.Nodes[node]
	in := &d.plan.Nodes[n.Inputs[0]]
	e, err := newOverEval(n.OverWindow, in.Schema)
	if err != nil {
		return nil, err
	}
	w := &overWindow{spec: n.OverWindow, schema: n.Schema, inputs: len(in.Schema), eval: e, errs: make(map[int32][]resultError)}
	w.reach = e.reach(in.Schema)
	if w.reach.suffix && !w.reach.whole {
		for i, k := range e.kernels {
			if t, ok := k.(overTotals); ok && fromStart(&w.spec.Calls[i].Frame) {
				w.totals = append(w.totals, t)
			}
		}
	}
	var keys chunk.Schema
	for _, c := range n.OverWindow.Partition {
		keys = append(keys, in.Schema[c])
	}
	w.parts = chunk.NewKeyTable(keys, 0)
	if k := n.OverWindow.WindowEnd; k >= 0 && k < len(keys) && keys[k].Class() == types.ClassInt && physical.Settles(d.plan.Nodes, n.Inputs[0]) {
		w.close = newWindowClose()
	}
	w.rows = chunk.NewRowTable(in.Schema, overWords)
	w.res = chunk.NewRowTable(n.Schema[w.inputs:], 0)
	w.order = newOverOrder(w.rows, n.OverWindow.Order)
	sort := []chunk.SortKey{{Col: 0, NotNull: true}}
	for _, k := range n.OverWindow.Order {
		sort = append(sort, chunk.SortKey{Col: k.Col + 1, Desc: k.Desc, NullsFirst: k.NullsFirst})
	}
	w.entry = chunk.NewIdentityComparator(append(chunk.Schema{types.Int4}, in.Schema...), sort)
	return w, nil
}

// Push adds the weights of c's rows.
func (w *overWindow) Push(_ int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if cap(w.slots) < c.Rows {
		n := max(c.Rows, 64)
		w.slots, w.rowAt, w.rowHash = make([]int32, n), make([]int32, n), make([]uint64, n)
	}
	keys := make([]*chunk.Column, len(w.spec.Partition))
	for i, k := range w.spec.Partition {
		keys[i] = c.Cols[k]
	}
	slots, rows := w.slots[:c.Rows], w.rowAt[:c.Rows]
	w.parts.Upsert(keys, hashKeys(c, w.spec.Partition, &w.hash), slots)
	hash := w.rowHash[:c.Rows]
	chunk.HashRows(c.Cols, c.Rows, hash)
	w.rows.Upsert(c.Cols, hash, rows)
	at := w.rows.PayloadOffset()
	for i, r := range rows {
		w.rows.Touch(r)
		row := w.rows.Row(r)
		row[at+overWeight] += uint64(c.Weight(i))
		row[at+overPart] = row[at+overPart]&^(1<<32-1) | uint64(slots[i]+1)
		if row[0]>>32 == 0 {
			row[0] |= 1 << 32
			w.changed = append(w.changed, r)
		}
	}
	for n := w.parts.Slots(); len(w.groups) < n; {
		w.groups = append(w.groups, rowSeq{})
	}
}

// Flush emits the changes of the results.
func (w *overWindow) Flush(fc *FlushContext, out *Output) {
	if len(w.changed) > 0 {
		w.flush(out)
	}
	if w.close != nil {
		w.closeWindows(fc)
	}
}

func (w *overWindow) flush(out *Output) {
	w.out.w, w.out.to = w, out
	w.settle()
	w.sortEntering()
	w.changeTotals()
	parts := w.eachPartition()
	w.evaluate()
	w.out.flush(true)
	w.forget(parts)
}

// settle turns weights into rows that enter and leave the order.
func (w *overWindow) settle() {
	w.enter, w.leave, w.again, w.gone = w.enter[:0], w.leave[:0], w.again[:0], w.gone[:0]
	at := w.rows.PayloadOffset()
	for _, r := range w.changed {
		row := w.rows.Row(r)
		row[0] &= 1<<32 - 1
		want, have := max(int64(row[at+overWeight]), 0), int64(row[at+overPart]>>32)
		if row[at+overWeight] == 0 {
			w.gone = append(w.gone, r)
		}
		row[at+overPart] = row[at+overPart]&(1<<32-1) | uint64(want)<<32
		for ; have > max(want, 1); have-- {
			copied := int32(row[at+overResult]>>32) - 1
			next := *w.rows.Word(copied, at+overResult) >> 32
			row[at+overResult] = row[at+overResult]&(1<<32-1) | next<<32
			w.leave = append(w.leave, copied)
		}
		switch {
		case want == 0 && have == 1:
			w.leave = append(w.leave, r)
		case want > 0 && have == 0:
			w.enter = append(w.enter, r)
			have = 1
		}
		for ; have < want; have++ {
			w.again = append(w.again, r)
		}
	}
	w.changed = w.changed[:0]
	if len(w.again) > 0 {
		w.copyRows()
	}
}

// copyRows gives the further copies of rows slots of their own, chained to the first.
func (w *overWindow) copyRows() {
	cols := w.decode(w.again, nil)
	slots := make([]int32, len(w.again))
	w.rows.AppendAll(cols, len(slots), slots)
	at := w.rows.PayloadOffset()
	for i, s := range slots {
		first, row := w.rows.Row(w.again[i]), w.rows.Row(s)
		row[at+overWeight], row[at+overPart] = overCopy, first[at+overPart]&(1<<32-1)
		row[at+overResult] = first[at+overResult] &^ (1<<32 - 1)
		first[at+overResult] = first[at+overResult]&(1<<32-1) | uint64(s+1)<<32
	}
	w.enter = append(w.enter, slots...)
}

// decode returns the columns of rows; cols says which, nil means all.
func (w *overWindow) decode(slots []int32, cols []int) []*chunk.Column {
	l := w.rows.Layout()
	r := make([]*chunk.Column, len(l.Types))
	one := func(i int) {
		r[i] = chunk.NewColumn(l.Types[i], len(slots))
		w.rows.AppendKey(r[i], i, slots)
	}
	if cols == nil {
		for i := range r {
			one(i)
		}
	}
	for _, i := range cols {
		one(i)
	}
	return r
}

// part returns the partition of a row.
func (w *overWindow) part(r int32) int32 {
	return int32(uint32(*w.rows.Word(r, w.rows.PayloadOffset()+overPart))) - 1
}

// sortEntering sorts the rows that enter by partition and order, those that leave by
// partition.
func (w *overWindow) sortEntering() {
	if n := len(w.enter); n > 1 {
		parts := chunk.NewColumn(types.Int4, n)
		for _, r := range w.enter {
			parts.Ints = append(parts.Ints, int64(w.part(r)))
		}
		cols := append([]*chunk.Column{parts}, w.decode(w.enter, nil)...)
		sorted := make([]int32, n)
		for i, j := range w.sorter.Sort(w.entry, cols, n) {
			sorted[i] = w.enter[j]
		}
		w.enter = sorted
	}
	slices.SortFunc(w.leave, func(a, b int32) int { return int(w.part(a)) - int(w.part(b)) })
}

// changeTotals brings the totals of the partitions up to date.
func (w *overWindow) changeTotals() {
	if len(w.totals) == 0 {
		return
	}
	all := append(slices.Clone(w.enter), w.leave...)
	cols := w.decode(all, w.eval.reads)
	parts, weights := make([]int32, len(all)), make([]int64, len(all))
	for i, r := range all {
		parts[i], weights[i] = w.part(r), 1
		if i >= len(w.enter) {
			weights[i] = -1
		}
	}
	for _, t := range w.totals {
		t.change(parts, weights, cols)
	}
}

// eachPartition puts the changes into their partitions and finds what they touch. It
// returns the partitions that have become empty.
func (w *overWindow) eachPartition() (empty []int32) {
	enter, leave := w.enter, w.leave
	w.touched = w.touched[:0]
	for len(enter)+len(leave) > 0 {
		p := int32(-1)
		if len(enter) > 0 {
			p = w.part(enter[0])
		}
		if len(leave) > 0 {
			if q := w.part(leave[0]); p < 0 || q < p {
				p = q
			}
		}
		in, left := w.run(enter, p), w.run(leave, p)
		w.apply(p, enter[:in], leave[:left])
		enter, leave = enter[in:], leave[left:]
		if w.groups[p].n == 0 {
			empty = append(empty, p)
			continue
		}
		w.stretches(p)
		w.touched = append(w.touched, p)
	}
	for _, r := range w.leave {
		w.out.retract(r)
	}
	// A partition of rows whose weights are zero or below has no order.
	for _, r := range w.gone {
		if p := w.part(r); w.groups[p].n == 0 {
			empty = append(empty, p)
		}
	}
	slices.Sort(empty)
	return slices.Compact(empty)
}

// run returns how many of the first rows belong to partition p.
func (w *overWindow) run(rows []int32, p int32) int {
	n := 0
	for n < len(rows) && w.part(rows[n]) == p {
		n++
	}
	return n
}

// apply changes the order of partition p and lists the changes by position.
func (w *overWindow) apply(p int32, enter, leave []int32) {
	s := &w.groups[p]
	w.changes = w.changes[:0]
	if int32(len(enter)+len(leave))*8 > s.n {
		w.rebuild(s, enter, leave)
		return
	}
	for _, r := range leave {
		i, at := w.locate(s, r)
		w.seqs.remove(s, i, at)
	}
	for _, r := range enter {
		i, at, _ := w.seqs.find(s, w.order.compare, r)
		w.seqs.insert(s, i, at, r)
	}
	for _, r := range leave {
		// Its copies are interchangeable: it may have left from either end of them.
		_, _, pos := w.seqs.find(s, w.order.compare, r)
		w.changes = append(w.changes, overChange{pos, r, true})
		if _, _, end := w.seqs.find(s, w.order.compareAfter, r); end > pos {
			w.changes = append(w.changes, overChange{end, r, true})
		}
	}
	for i, r := range enter {
		// Copies that enter stand side by side, in front of older ones.
		_, _, pos := w.seqs.find(s, w.order.compare, r)
		for k := i - 1; k >= 0 && w.order.compare(enter[k], r) == 0; k-- {
			pos++
		}
		w.changes = append(w.changes, overChange{pos, r, false})
	}
	slices.SortFunc(w.changes, func(a, b overChange) int { return int(a.pos - b.pos) })
}

// locate finds the very slot r in the order, where its copies compare as equal.
func (w *overWindow) locate(s *rowSeq, r int32) (leaf, at int) {
	leaf, at, _ = w.seqs.find(s, w.order.compare, r)
	for {
		l := w.seqs.leaf(s, leaf)
		for ; at < len(l); at++ {
			if l[at] == r {
				return leaf, at
			}
		}
		leaf, at = leaf+1, 0
		if leaf >= s.leafCount() {
			panic("exec: a row is not in the order of its partition")
		}
	}
}

// rebuild merges many changes into an order, or few into a short one.
func (w *overWindow) rebuild(s *rowSeq, enter, leave []int32) {
	w.seq = w.seqs.appendRange(s, 0, s.n, w.seq[:0])
	old := w.seq
	for _, r := range leave {
		// The mark of changed rows is free here: it tells who leaves.
		w.rows.Row(r)[0] |= 1 << 32
	}
	merged := w.merged[:0]
	for len(old)+len(enter) > 0 {
		if len(enter) == 0 || len(old) > 0 && w.order.compare(old[0], enter[0]) < 0 {
			r := old[0]
			old = old[1:]
			if row := w.rows.Row(r); row[0]>>32 != 0 {
				row[0] &= 1<<32 - 1
				w.changes = append(w.changes, overChange{int32(len(merged)), r, true})
				continue
			}
			merged = append(merged, r)
			continue
		}
		w.changes = append(w.changes, overChange{int32(len(merged)), enter[0], false})
		merged = append(merged, enter[0])
		enter = enter[1:]
	}
	w.merged = merged
	w.seqs.build(s, merged)
}

// stretches adds what the changes of partition p touch to the batch.
func (w *overWindow) stretches(p int32) {
	s := &w.groups[p]
	o := overReader{r: &w.reach, order: w.order, n: s.n, cur: seqCursor{a: &w.seqs, s: s}}
	lo, hi, i := o.touchedAt(w.changes, 0)
	for {
		for i < len(w.changes) && hi < s.n {
			from, to, next := o.touchedAt(w.changes, i)
			if from > hi && !(w.reach.first && o.needsFrom(from, to) <= hi) {
				break
			}
			lo, hi, i = min(lo, from), max(hi, to), next
		}
		if lo < hi {
			w.stretch(&o, p, lo, hi)
		}
		if i >= len(w.changes) || hi >= s.n {
			break
		}
		lo, hi, i = o.touchedAt(w.changes, i)
	}
	if len(w.batch.slots) >= chunk.RowsMax {
		w.evaluate()
	}
}

// needsFrom is the first row that the results of the rows [lo, hi) depend on. What they
// go on from must not be a row whose results are computed in the same batch.
func (o *overReader) needsFrom(lo, hi int32) int32 {
	from, _ := o.needed(lo, hi)
	return from
}

// stretch adds the rows [lo, hi) of a partition to the batch, with what they depend on.
func (w *overWindow) stretch(o *overReader, p, lo, hi int32) {
	from, to := o.needed(lo, hi)
	b := &w.batch
	base := int32(len(b.slots))
	b.slots = w.seqs.appendRange(o.cur.s, from, to, b.slots)
	sp := overSpan{base: base, end: base + to - from, lo: base + lo - from, hi: base + hi - from,
		first: from, size: o.n, part: p, prior: noRow}
	if from > 0 {
		sp.prior = w.resultOf(o.cur.at(from - 1))
	}
	b.spans = append(b.spans, sp)
	b.outs += int(hi - lo)
}

// resultOf returns the slot of a row's results, noRow if it has none.
func (w *overWindow) resultOf(r int32) int32 {
	return int32(uint32(*w.rows.Word(r, w.rows.PayloadOffset()+overResult))) - 1
}

// forget deletes what has left.
func (w *overWindow) forget(empty []int32) {
	at := w.rows.PayloadOffset()
	for _, r := range w.leave {
		if *w.rows.Word(r, at+overWeight) == overCopy {
			w.rows.DeleteUnindexed(r)
		}
	}
	if len(w.gone) > 0 {
		for i, h := range hashSlots(w.rows, w.gone) {
			w.rows.Delete(w.gone[i], h)
		}
	}
	if len(empty) == 0 {
		return
	}
	for _, t := range w.totals {
		t.forget(empty)
	}
	for i, h := range hashSlots(w.parts, empty) {
		w.parts.Delete(empty[i], h)
	}
}

// StateBytes returns the memory of rows, orders, results and totals.
func (w *overWindow) StateBytes() int64 {
	n := w.rows.Bytes() + w.parts.Bytes() + w.res.Bytes() + w.seqs.total + int64(cap(w.groups))*32 + int64(len(w.errs))*64
	for _, t := range w.totals {
		n += t.bytes()
	}
	return n
}

// StateKeys returns the number of rows kept.
func (w *overWindow) StateKeys() int64 { return int64(w.rows.Len()) }

var _ Stateful = (*overWindow)(nil)
