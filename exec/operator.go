package exec

import (
	"math"
	"time"

	"streamdb/sql/chunk"
)

// Operator is the running form of one node of a plan, in one worker.
//
// Push consumes one chunk of the current epoch that arrived at input port. The chunk
// is not changed, but it is valid only until Push returns (its columns may be some
// expression's scratch space); an operator that keeps rows copies them. Flush is called exactly once per epoch, after the last Push: every change of the epoch has
// left through out when it returns. Push and Flush of one operator are never called
// concurrently. A panic in either suspends the dataflow.
type Operator interface {
	Push(port int, c *chunk.Chunk, out *Output)
	Flush(fc *FlushContext, out *Output)
}

// Stateful is implemented by operators that keep rows between epochs.
type Stateful interface {
	Operator
	// StateBytes returns the memory that the operator's state holds.
	StateBytes() int64
	// StateKeys returns the number of keys or rows that it holds.
	StateKeys() int64
}

// NoWatermark is the watermark of a column that has none: no row is excluded.
const NoWatermark = math.MinInt64

// FlushContext is what an operator may know at the end of an epoch.
type FlushContext struct {
	// Time is the entry's timestamp, µs since 2000-01-01 UTC.
	Time int64
	// Prev is the timestamp of the entry before it, which need not have been flushed.
	Prev int64
	// In holds, per input port, the watermark of each input column by column number;
	// a nil slice means that no column has one.
	In [][]int64
}

// watermark returns the watermark of input column col of port.
func (fc *FlushContext) watermark(port, col int) int64 {
	if port >= len(fc.In) || fc.In[port] == nil || col < 0 {
		return NoWatermark
	}
	return fc.In[port][col]
}

// Output is where an operator's chunks go: to the next operators of its fragment, the
// buckets of an exchange, or the sink. It counts what passes.
type Output struct {
	next []target
	dead *deadLetters
	node int
	// interrupt is Options.Interrupt: a join may emit for hours in one Push.
	interrupt func() error
	// rows counts what was emitted, nanos the time spent in the node itself.
	rows, nanos int64
}

type target struct {
	op   Operator
	port int
	out  *Output
}

// Emit hands a chunk on. Chunks without rows are dropped.
func (o *Output) Emit(c *chunk.Chunk) {
	if c.Rows == 0 {
		return
	}
	o.rows += int64(c.Rows)
	o.poll()
	start := stopwatch()
	for i := range o.next {
		t := &o.next[i]
		t.op.Push(t.port, c, t.out)
		end := stopwatch()
		if t.out != nil {
			t.out.nanos += end - start
		}
		// Our own caller counts this time as ours: it is not.
		o.nanos -= end - start
		start = end
	}
}

// poll ends the run if it is to end: for what goes on for long without emitting.
func (o *Output) poll() {
	if o.interrupt != nil {
		if err := o.interrupt(); err != nil {
			panic(interruption{err})
		}
	}
}

// interruption is the panic that unwinds the operators when a run is to end.
type interruption struct{ err error }

// started is where the stopwatch begins.
var started = time.Now()

// stopwatch returns nanoseconds, for counters only: no result depends on it.
func stopwatch() int64 { return int64(time.Since(started)) }

// splitErrors dead-letters the rows of c that have an error in one of cols (all
// columns when nil) and returns the others.
func (o *Output) splitErrors(c *chunk.Chunk, cols []int) *chunk.Chunk {
	any := false
	if cols == nil {
		for _, col := range c.Cols {
			any = any || len(col.Errs) > 0
		}
	} else {
		for _, i := range cols {
			any = any || len(c.Cols[i].Errs) > 0
		}
	}
	if !any {
		return c
	}
	return o.splitErrorRows(c, cols)
}

func (o *Output) splitErrorRows(c *chunk.Chunk, cols []int) *chunk.Chunk {
	first := make(map[int]error)
	mark := func(col *chunk.Column) {
		for _, e := range col.Errs {
			if _, ok := first[e.Row]; !ok {
				first[e.Row] = e.Err
			}
		}
	}
	if cols == nil {
		for _, col := range c.Cols {
			mark(col)
		}
	} else {
		for _, i := range cols {
			mark(c.Cols[i])
		}
	}
	keep := make([]int32, 0, c.Rows-len(first))
	for i := range c.Rows {
		if err, bad := first[i]; bad {
			o.deadRow(c, i, err)
		} else {
			keep = append(keep, int32(i))
		}
	}
	return c.Gather(keep)
}

// deadRow dead-letters row i of c because of err.
func (o *Output) deadRow(c *chunk.Chunk, i int, err error) {
	o.dead.add(o.node, c, i, err)
}
