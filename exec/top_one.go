package exec

import (
	"math"
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// topOne is a topN of one row per partition over append-only input, whose first sort key
// is a number or a time: it keeps the first row of each partition and nothing else. A
// chunk first raises the best key that its partitions have seen. Only rows that have this
// key are stored, and of those that have the same one the first in the whole order stays.
//
//	parts:  partition key         best, now, shown  by slot
//	rows:   columns ─ [1] [partition+1]             reached by slot alone
type topOne struct {
	spec   *physical.TopN
	schema chunk.Schema // output
	lead   leadKey

	parts *chunk.KeyTable
	rows  *chunk.KeyTable
	order func(a, b int32) int
	// By partition slot: the best key, the row that has it, and the row that the
	// changelog shows, -1 for none.
	best       []int64
	now, shown []int32
	dirty      []int32
	close      *windowClose // frees partitions of closed windows, else nil

	hash  []uint64
	slots []int32
	sel   []int32
}

// leadKey is the first sort key as an integer that rises towards the front; rows that
// agree on it may still differ in order.
type leadKey struct {
	col   int
	flip  int64 // of ascending keys: ^v falls as v rises
	nulls int64
}

// newLeadKey returns false if the first key is of no use.
func newLeadKey(order []physical.OrderKey, in chunk.Schema) (leadKey, bool) {
	if len(order) == 0 || in[order[0].Col].Class() != types.ClassInt {
		return leadKey{}, false
	}
	k := leadKey{col: order[0].Col, nulls: math.MinInt64}
	if !order[0].Desc {
		k.flip = -1
	}
	if order[0].NullsFirst {
		k.nulls = math.MaxInt64
	}
	return k, true
}

// of returns the key of row i of c.
func (k *leadKey) of(c *chunk.Column, i int) int64 {
	if c.Nulls != nil && c.Nulls.Get(i) {
		return k.nulls
	}
	return c.Ints[i] ^ k.flip
}

// stored returns the key of a stored row.
func (k *leadKey) stored(t *chunk.KeyTable, r int32) int64 {
	l := t.Layout()
	row := t.Row(r)
	if l.IsNull(row, k.col) {
		return k.nulls
	}
	return int64(row[l.Offset(k.col)]) ^ k.flip
}

// newTopOne returns nil if the node needs a topN.
func newTopOne(d *Dataflow, node int) *topOne {
	n := &d.plan.Nodes[node]
	in := &d.plan.Nodes[n.Inputs[0]]
	lead, ok := newLeadKey(n.TopN.Order, in.Schema)
	if !ok || !in.AppendOnly || n.TopN.Limit != 1 || n.TopN.Offset != 0 || n.TopN.WithTies || n.TopN.LimitExpr != nil {
		return nil
	}
	t := &topOne{spec: n.TopN, schema: n.Schema, lead: lead}
	var keys chunk.Schema
	for _, c := range n.TopN.Partition {
		keys = append(keys, in.Schema[c])
	}
	t.parts, t.rows = chunk.NewKeyTable(keys, 0), chunk.NewRowTable(in.Schema, 2)
	if k := n.TopN.WindowEnd - 1; k >= 0 && keys[k].Class() == types.ClassInt {
		t.close = newWindowClose()
	}
	t.order = newOverOrder(t.rows, n.TopN.Order).compare
	return t
}

// Push stores those of c's rows that come first in their partitions for now.
func (t *topOne) Push(_ int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if cap(t.slots) < c.Rows {
		n := max(c.Rows, chunk.RowsMax)
		t.slots, t.sel = make([]int32, n), make([]int32, n)
	}
	keys := make([]*chunk.Column, len(t.spec.Partition))
	for i, k := range t.spec.Partition {
		keys[i] = c.Cols[k]
	}
	slots := t.slots[:c.Rows]
	t.parts.Upsert(keys, hashKeys(c, t.spec.Partition, &t.hash), slots)
	t.grow()
	col := c.Cols[t.lead.col]
	for i, p := range slots {
		t.best[p] = max(t.best[p], t.lead.of(col, i))
	}
	n := 0
	for i, p := range slots {
		if t.lead.of(col, i) >= t.best[p] {
			t.sel[n], slots[n] = int32(i), p
			n++
		}
	}
	if n < c.Rows {
		c = c.Gather(t.sel[:n])
	}
	t.store(c, slots[:n])
}

// grow gives every partition its place.
func (t *topOne) grow() {
	for len(t.best) < t.parts.Slots() {
		t.best, t.now, t.shown = append(t.best, math.MinInt64), append(t.now, -1), append(t.shown, -1)
	}
}

// store adds rows that have the best key of their partitions.
func (t *topOne) store(c *chunk.Chunk, parts []int32) {
	if c.Rows == 0 {
		return
	}
	rows := t.sel[:c.Rows]
	t.rows.AppendAll(c.Cols, c.Rows, rows)
	at := t.rows.PayloadOffset()
	for i, r := range rows {
		p := parts[i]
		*t.rows.Word(r, at+topWeight), *t.rows.Word(r, at+topPart) = 1, uint64(p)+1
		was := t.now[p]
		if was >= 0 && t.lead.stored(t.rows, was) == t.best[p] && t.order(r, was) >= 0 {
			t.rows.DeleteUnindexed(r)
			continue
		}
		t.now[p] = r
		switch was {
		case t.shown[p]:
			t.dirty = append(t.dirty, p)
		default:
			t.rows.DeleteUnindexed(was)
		}
	}
}

// Flush emits the partitions whose first row has changed.
func (t *topOne) Flush(fc *FlushContext, out *Output) {
	for lo := 0; lo < len(t.dirty); lo += chunk.RowsMax / 2 {
		t.emit(t.dirty[lo:min(lo+chunk.RowsMax/2, len(t.dirty))], out)
	}
	for _, p := range t.dirty {
		if r := t.shown[p]; r >= 0 {
			t.rows.DeleteUnindexed(r)
		}
		t.shown[p] = t.now[p]
	}
	if t.close != nil {
		t.closeWindows(fc)
	}
	if cap(t.dirty) > scratchKept && len(t.dirty) < cap(t.dirty)/16 {
		t.dirty = nil
	}
	t.dirty = t.dirty[:0]
}

// emit emits the change of some partitions.
func (t *topOne) emit(parts []int32, out *Output) {
	slots, weights := make([]int32, 0, 2*len(parts)), make([]int64, 0, 2*len(parts))
	for _, p := range parts {
		if r := t.shown[p]; r >= 0 {
			slots, weights = append(slots, r), append(weights, -1)
		}
		slots, weights = append(slots, t.now[p]), append(weights, 1)
	}
	shown := len(t.rows.Layout().Types)
	if t.spec.Visible > 0 {
		shown = t.spec.Visible
	}
	c := &chunk.Chunk{Rows: len(slots), Weights: weights}
	for i := range shown {
		col := chunk.NewColumn(t.schema[i], c.Rows)
		t.rows.AppendKey(col, i, slots)
		c.Cols = append(c.Cols, col)
	}
	if t.spec.Rank {
		rank := chunk.NewColumn(types.Int8, c.Rows)
		for range slots {
			rank.Ints = append(rank.Ints, 1)
		}
		c.Cols = append(c.Cols, rank)
	}
	out.Emit(c)
}

// closeWindows drops the partitions whose window is closed, see topN.
func (t *topOne) closeWindows(fc *FlushContext) {
	k := t.spec.WindowEnd - 1
	closed := t.close.closed(t.parts, k, t.dirty, fc.watermark(0, t.spec.Partition[k]))
	if len(closed) == 0 {
		return
	}
	for i, h := range hashSlots(t.parts, closed) {
		p := closed[i]
		if t.now[p] >= 0 {
			t.rows.DeleteUnindexed(t.now[p])
		}
		t.best[p], t.now[p], t.shown[p] = math.MinInt64, -1, -1
		t.parts.Delete(p, h)
	}
}

func (t *topOne) keeps() []statePart {
	return []statePart{tablePart{KeyTable: t.parts}, tablePart{KeyTable: t.rows, unindexed: true}}
}

// restored finds the first row of every partition.
func (t *topOne) restored() error {
	t.grow()
	at := t.rows.PayloadOffset()
	for _, r := range t.rows.LiveSlots(nil) {
		p := int64(*t.rows.Word(r, at+topPart)) - 1
		if p < 0 || p >= int64(len(t.now)) || !t.parts.Live(int32(p)) || t.now[p] >= 0 {
			return corrupt("row %d of partition %d, which is not there or has one", r, p)
		}
		t.now[p], t.shown[p], t.best[p] = r, r, t.lead.stored(t.rows, r)
	}
	if slices.ContainsFunc(t.parts.LiveSlots(nil), func(p int32) bool { return t.now[p] < 0 }) {
		return corrupt("a partition without a row")
	}
	if t.close != nil {
		t.close.registerAll(t.parts, t.spec.WindowEnd-1)
	}
	return nil
}

// StateBytes returns the memory of rows and partitions.
func (t *topOne) StateBytes() int64 {
	return t.rows.Bytes() + t.parts.Bytes() + int64(cap(t.best))*8 + int64(cap(t.now)+cap(t.shown))*4
}

// StateKeys returns the number of rows kept.
func (t *topOne) StateKeys() int64 { return int64(t.rows.Len()) }

var (
	_ Stateful = (*topOne)(nil)
	_ keeper   = (*topOne)(nil)
)
