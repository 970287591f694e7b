package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// proctime appends to each row the time of the entry in which it arrived.
//
// Over an append-only input that is all. Otherwise a retraction must take back the time
// that the row got: the operator keeps every row with a stack of arrivals, and takes the
// latest ones back first. A delta is consolidated before it is looked at, so that nothing
// depends on the order within an epoch; rows that came and went within one were never there.
//
//	epoch at 1: +2 a    at 5: +1 a    at 7: -2 a         kept: a: (1, 1)
//	emitted:    +2 a|1        +1 a|5        -1 a|5 -1 a|1
type proctime struct {
	d      *Dataflow
	schema chunk.Schema
	// rows and arrivals are nil over an append-only input.
	rows *chunk.KeyTable // by identity; payload: the latest arrival's slot + 1
	// arrivals has as key the time, as payload the weight and the slot + 1 of the arrival
	// before it; they are reached from rows only.
	arrivals *chunk.KeyTable
	delta    *chunk.Chunk // of the epoch so far, nil for none
	hash     []uint64
	slots    []int32
	// scratch of apply: rows of the chunk that arrive, that are gone, that are emitted; slots of arrivals
	come, gone, picked, at []int32
}

const (
	arrivalWeight = iota
	arrivalBefore
	arrivalWords
)

func newProctime(d *Dataflow, n, in *physical.Node) *proctime {
	p := &proctime{d: d, schema: in.Schema}
	if !in.AppendOnly {
		p.rows = chunk.NewRowTable(in.Schema, 1)
		p.arrivals = chunk.NewRowTable(chunk.Schema{types.TimestampTZ}, arrivalWords)
	}
	return p
}

// Push emits rows with the epoch's time, or keeps them until its end.
func (p *proctime) Push(_ int, c *chunk.Chunk, out *Output) {
	if p.rows == nil {
		r := *c
		r.Cols = append(append(make([]*chunk.Column, 0, len(c.Cols)+1), c.Cols...), timeColumn(c.Rows, p.d.now))
		out.Emit(&r)
		return
	}
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if p.delta == nil {
		p.delta = chunk.New(p.schema, c.Rows)
	}
	p.delta.AppendRows(c, nil)
}

// timeColumn is a column of one time.
func timeColumn(n int, now int64) *chunk.Column {
	col := chunk.NewColumn(types.TimestampTZ, n)
	col.Resize(n)
	for i := range col.Ints {
		col.Ints[i] = now
	}
	return col
}

// Flush emits what the epoch changes.
func (p *proctime) Flush(fc *FlushContext, out *Output) {
	if p.delta == nil {
		return
	}
	all := chunk.Consolidate(p.delta)
	p.delta = nil
	for lo := 0; lo < all.Rows; lo += chunk.RowsMax {
		p.apply(all.Slice(lo, min(lo+chunk.RowsMax, all.Rows)), fc.Time, out)
	}
}

// apply emits rows that are all different, and keeps or forgets their arrivals.
func (p *proctime) apply(c *chunk.Chunk, now int64, out *Output) {
	n := c.Rows
	if cap(p.slots) < n {
		p.slots, p.hash = make([]int32, chunk.RowsMax), make([]uint64, chunk.RowsMax)
	}
	slots, hash := p.slots[:n], p.hash[:n]
	chunk.HashRows(c.Cols, n, hash)
	p.rows.Upsert(c.Cols, hash, slots)
	come, gone := p.come[:0], p.gone[:0]
	e := emission{rows: p.picked[:0], times: make([]int64, 0, n), weights: make([]int64, 0, n)}
	for i, s := range slots {
		if w := c.Weight(i); w > 0 {
			come = append(come, int32(i))
			e.add(int32(i), now, w)
		} else if p.takeBack(s, int32(i), -w, &e) {
			gone = append(gone, int32(i))
		}
	}
	p.arrive(c, come, slots, now)
	for _, i := range gone {
		p.rows.Delete(slots[i], hash[i])
	}
	p.come, p.gone, p.picked = come, gone, e.rows
	r := c.Gather(e.rows)
	col := chunk.NewColumn(types.TimestampTZ, 0)
	col.Ints = e.times
	r.Cols, r.Weights = append(r.Cols, col), e.weights
	out.Emit(r)
}

// emission is rows of a chunk with their times and weights.
type emission struct {
	rows    []int32
	times   []int64
	weights []int64
}

func (e *emission) add(row int32, at, weight int64) {
	e.rows, e.times, e.weights = append(e.rows, row), append(e.times, at), append(e.weights, weight)
}

// arrive notes the rows come of c as arrived now.
func (p *proctime) arrive(c *chunk.Chunk, come, slots []int32, now int64) {
	if len(come) == 0 {
		return
	}
	if cap(p.at) < len(come) {
		p.at = make([]int32, chunk.RowsMax)
	}
	at := p.at[:len(come)]
	p.arrivals.AppendAll([]*chunk.Column{timeColumn(len(come), now)}, len(come), at)
	for k, i := range come {
		head := p.rows.Word(slots[i], p.rows.PayloadOffset())
		a := p.arrivals.Payload(at[k])
		a[arrivalWeight], a[arrivalBefore] = uint64(c.Weight(int(i))), *head
		*head = uint64(at[k]) + 1
		p.rows.Touch(slots[i])
	}
}

// takeBack takes the latest n arrivals of the row in slot s, row i of the chunk, back. It
// reports whether none is left.
func (p *proctime) takeBack(s, i int32, n int64, e *emission) bool {
	head := p.rows.Word(s, p.rows.PayloadOffset())
	p.rows.Touch(s)
	for n > 0 {
		if *head == 0 {
			panic("exec: PROCTIME() takes back a row that has not arrived")
		}
		a := int32(*head - 1)
		pay := p.arrivals.Payload(a)
		m := min(n, int64(pay[arrivalWeight]))
		e.add(i, int64(*p.arrivals.Word(a, p.arrivals.Layout().Offset(0))), -m)
		n -= m
		if pay[arrivalWeight] -= uint64(m); pay[arrivalWeight] == 0 {
			*head = pay[arrivalBefore]
			p.arrivals.DeleteUnindexed(a)
		} else {
			p.arrivals.Touch(a)
		}
	}
	return *head == 0
}

// CutAt says that no delta may hold more than one entry: a row has the time of its own.
func (p *proctime) CutAt(_, _ int64) Cut { return CutEach }

// StateBytes returns the memory of the rows and their arrivals.
func (p *proctime) StateBytes() int64 {
	if p.rows == nil {
		return 0
	}
	return p.rows.Bytes() + p.arrivals.Bytes()
}

// StateKeys returns the number of distinct rows.
func (p *proctime) StateKeys() int64 {
	if p.rows == nil {
		return 0
	}
	return int64(p.rows.Len())
}

func (p *proctime) keeps() []statePart {
	if p.rows == nil {
		return nil
	}
	return []statePart{tablePart{KeyTable: p.rows}, tablePart{p.arrivals, true}}
}

// restored checks that every row has arrived.
func (p *proctime) restored() error {
	if p.rows == nil {
		return nil
	}
	left := p.arrivals.Len()
	for _, s := range p.rows.LiveSlots(nil) {
		for at := *p.rows.Word(s, p.rows.PayloadOffset()); at != 0; left-- {
			if at > uint64(p.arrivals.Slots()) || !p.arrivals.Live(int32(at-1)) || left == 0 {
				return corrupt("row %d arrived in %d", s, at)
			}
			at = p.arrivals.Payload(int32(at - 1))[arrivalBefore]
		}
	}
	return nil
}

var (
	_ Stateful = (*proctime)(nil)
	_ Cutter   = (*proctime)(nil)
	_ keeper   = (*proctime)(nil)
)
