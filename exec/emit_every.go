package exec

import (
	"math"
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
)

// emitEvery is EMIT EVERY: it keeps what has changed, consolidated, and lets it through in
// the first entry at or past a multiple of an interval. What it has let through at an
// epoch is the input's rows as of that entry. The first Flush of a life without state lets
// everything through: a view begins with what its query gives.
//
//	input     +a    +b -a    +c          -b
//	entries   ├──┼─────┼──┬──┼──┬────────┼──┬──>    ┬: the first past a multiple
//	output   (a)          -a +b +c          -b
//
// Rows that came and went in between are never seen outside.
type emitEvery struct {
	d      *Dataflow
	node   int
	schema chunk.Schema
	spec   *physical.EmitEvery
	table  *chunk.KeyTable // rows by identity; payload: weight
	// zero is slots whose weight was zero when they were last touched.
	zero []int32
	// time is that of the last Flush; started tells that there was one, in this life or
	// in an earlier one.
	time    int64
	started bool

	hash  []uint64
	slots []int32
}

func newEmitEvery(d *Dataflow, node int) *emitEvery {
	n := &d.plan.Nodes[node]
	return &emitEvery{d: d, node: node, schema: n.Schema, spec: n.EmitEvery, table: chunk.NewRowTable(n.Schema, 1), time: math.MinInt64}
}

// Push adds c's rows to what is withheld.
func (e *emitEvery) Push(_ int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if !e.started {
		out.Emit(c) // It would be let through by this epoch's Flush: a fill's rows need no table.
		return
	}
	if cap(e.slots) < c.Rows {
		e.slots, e.hash = make([]int32, c.Rows), make([]uint64, c.Rows)
	}
	slots, hash := e.slots[:c.Rows], e.hash[:c.Rows]
	chunk.HashRows(c.Cols, c.Rows, hash)
	e.table.Upsert(c.Cols, hash, slots)
	at := e.table.PayloadOffset()
	for i, r := range slots {
		w := e.table.Word(r, at)
		*w += uint64(c.Weight(i))
		e.table.Touch(r)
		if *w == 0 {
			e.zero = append(e.zero, r)
		}
	}
}

// Flush emits what is withheld, if the entry is the first past a multiple.
func (e *emitEvery) Flush(fc *FlushContext, out *Output) {
	emits := e.spec.Crossed(fc.Prev, fc.Time)
	e.started, e.time = true, fc.Time
	e.settle()
	if !emits {
		return
	}
	slots := e.table.LiveSlots(nil)
	weights := make([]int64, len(slots))
	at := e.table.PayloadOffset()
	for i, s := range slots {
		weights[i] = int64(*e.table.Word(s, at))
	}
	emitKeys(e.table, e.schema, slots, weights, out)
	e.forget(slots)
}

// settle deletes the rows that have come to nothing.
func (e *emitEvery) settle() {
	slices.Sort(e.zero)
	at, gone := e.table.PayloadOffset(), e.zero[:0]
	for _, s := range slices.Compact(e.zero) {
		if e.table.Live(s) && *e.table.Word(s, at) == 0 {
			gone = append(gone, s)
		}
	}
	e.forget(gone)
	e.zero = e.zero[:0]
}

func (e *emitEvery) forget(slots []int32) {
	if len(slots) == 0 {
		return
	}
	for i, h := range hashSlots(e.table, slots) {
		e.table.Delete(slots[i], h)
	}
}

// NextDue returns the next multiple while something is withheld, be it a watermark.
func (e *emitEvery) NextDue() int64 {
	switch {
	case e.table.Len() == 0 && !e.d.withholds(e.node):
		return NoTimer
	case e.time == math.MinInt64: // The first entry after a restart tells the time.
		return e.time
	}
	return e.spec.Next(e.time)
}

// CutAt says that a delta ends where the operator emits. Of several such entries only the
// last counts: what is shown then is the input of that moment.
func (e *emitEvery) CutAt(prev, now int64) Cut {
	if e.spec.Crossed(prev, now) {
		return CutLast
	}
	return CutNone
}

// StateBytes returns the memory of the rows withheld.
func (e *emitEvery) StateBytes() int64 { return e.table.Bytes() }

// StateKeys returns the number of distinct rows withheld.
func (e *emitEvery) StateKeys() int64 { return int64(e.table.Len()) }

func (e *emitEvery) keeps() []statePart { return []statePart{tablePart{KeyTable: e.table}} }

func (e *emitEvery) restored() error {
	e.started = true
	return nil
}

// withheldMarks returns the watermarks of an EMIT EVERY's output: what is withheld is yet
// to come, so they stay at those of the last emission.
func (d *Dataflow) withheldMarks(node int, in []int64) []int64 {
	if d.shown == nil {
		d.shown = make(map[int][]int64)
	}
	if d.first && !d.loaded || d.plan.Nodes[node].EmitEvery.Crossed(d.prev, d.time) {
		d.shown[node] = slices.Clone(in)
	}
	return d.shown[node]
}

// withholds reports whether the watermarks of an EMIT EVERY are behind its input's.
func (d *Dataflow) withholds(node int) bool {
	return !slices.Equal(d.shown[node], d.marks[d.plan.Nodes[node].Inputs[0]])
}

// WithheldRows returns the number of distinct rows that EMIT EVERY keeps from the result. It
// is called between two epochs.
func (d *Dataflow) WithheldRows() int64 {
	n := int64(0)
	for _, t := range d.timed {
		if e, ok := t.(*emitEvery); ok {
			n += e.StateKeys()
		}
	}
	return n
}

// Withheld returns what EMIT EVERY keeps from the result, nil if there is no such node.
// It is called between two epochs.
func (d *Dataflow) Withheld() []*chunk.Chunk {
	var rows []*chunk.Chunk
	for _, t := range d.timed {
		e, ok := t.(*emitEvery)
		if !ok {
			continue
		}
		slots := e.table.LiveSlots(nil)
		c := chunk.New(e.schema, len(slots))
		c.Rows, c.Weights = len(slots), make([]int64, len(slots))
		for i := range e.schema {
			e.table.AppendKey(c.Cols[i], i, slots)
		}
		for i, s := range slots {
			c.Weights[i] = int64(*e.table.Word(s, e.table.PayloadOffset()))
		}
		rows = append(rows, c)
	}
	return rows
}

var (
	_ Timed    = (*emitEvery)(nil)
	_ Cutter   = (*emitEvery)(nil)
	_ Stateful = (*emitEvery)(nil)
	_ keeper   = (*emitEvery)(nil)
)
