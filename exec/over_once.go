package exec

import (
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
)

// overOnce is the over-window of a statement: it keeps everything, sorts it once by
// partition, order and whole row, and emits every row with its results.
type overOnce struct {
	spec *physical.OverWindow
	eval *overEval
	kept *chunk.Chunk
}

func newOverOnce(n, in *physical.Node) (Operator, error) {
	e, err := newOverEval(n.OverWindow, in.Schema)
	return &overOnce{spec: n.OverWindow, eval: e}, err
}

// Push keeps c's rows.
func (o *overOnce) Push(_ int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if o.kept == nil {
		o.kept = chunk.New(c.Schema(), c.Rows)
	}
	o.kept.AppendRows(c, nil)
}

// Flush emits the rows, partition by partition.
func (o *overOnce) Flush(_ *FlushContext, out *Output) {
	if o.kept == nil {
		return
	}
	c := o.kept
	o.kept = nil
	if c.Weights != nil {
		c = chunk.Consolidate(c)
	}
	keys := chunk.Ascending(o.spec.Partition...)
	for _, k := range o.spec.Order {
		keys = append(keys, chunk.SortKey{Col: k.Col, Desc: k.Desc, NullsFirst: k.NullsFirst})
	}
	order := chunk.NewIdentityComparator(c.Schema(), keys)
	var sorter chunk.Sorter
	idx := sorter.Sort(order, c.Cols, c.Rows)
	if c.Weights != nil {
		idx = repeated(c, idx)
	}
	c.Weights = nil
	o.emit(c, idx, order, out)
}

// repeated lists every row as often as its weight says.
func repeated(c *chunk.Chunk, idx []int32) []int32 {
	r := make([]int32, 0, len(idx))
	for _, i := range idx {
		for range c.Weight(int(i)) {
			r = append(r, i)
		}
	}
	return r
}

// emit evaluates whole partitions, as many at once as fill a chunk.
func (o *overOnce) emit(c *chunk.Chunk, idx []int32, order *chunk.Comparator, out *Output) {
	n := len(o.spec.Partition)
	var spans []overSpan
	from := 0 // the first row that has not been emitted
	at := 0   // the first row of the partition
	for i := range idx {
		last := i+1 == len(idx)
		if !last && (n == 0 || order.CompareKeys(n, c.Cols, int(idx[i]), c.Cols, int(idx[i+1])) == 0) {
			continue
		}
		base, end := int32(at-from), int32(i+1-from)
		spans = append(spans, overSpan{base: base, end: end, lo: base, hi: end, size: end - base, prior: noRow})
		at = i + 1
		if last || at-from >= chunk.RowsMax {
			o.evaluate(c.Gather(idx[from:at]), spans, out)
			spans, from = spans[:0], at
		}
	}
}

// evaluate emits the rows of c, which are those of spans, with their results.
func (o *overOnce) evaluate(c *chunk.Chunk, spans []overSpan, out *Output) {
	b := &overBatch{cols: c.Cols, rows: c.Rows, spans: spans, outs: c.Rows}
	r := &chunk.Chunk{Rows: c.Rows, Cols: append(slices.Clone(c.Cols), o.eval.eval(b)...)}
	for lo := 0; lo < r.Rows; lo += chunk.RowsMax {
		if lo == 0 && r.Rows < 2*chunk.RowsMax {
			out.Emit(r)
			return
		}
		out.Emit(r.Slice(lo, min(lo+chunk.RowsMax, r.Rows)))
	}
}

// StateBytes estimates the memory of the rows kept.
func (o *overOnce) StateBytes() int64 {
	if o.kept == nil {
		return 0
	}
	return o.kept.MemoryBytes()
}

// StateKeys returns the number of rows kept.
func (o *overOnce) StateKeys() int64 {
	if o.kept == nil {
		return 0
	}
	return int64(o.kept.Rows)
}

var _ Stateful = (*overOnce)(nil)
