package exec

import (
	"fmt"
	"math"
	"runtime/debug"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
)

// Options says how a dataflow runs. None of it changes what it computes.
type Options struct {
	// Workers is W; 0 means 1.
	Workers int
	// Strict makes the first error in a needed expression end the run, as a
	// statement at the prompt wants it; otherwise rows are dead-lettered.
	Strict bool
	// Context is what expressions may ask of their surroundings.
	Context *expr.Ctx
	// Consume, if set, is given the root's chunks as they leave, instead of their being
	// kept for Flush or Take. It is called from the workers' goroutines.
	Consume func(worker int, c *chunk.Chunk)
	// SkipValues leaves out the rows of Values nodes: they were emitted in an earlier life.
	SkipValues bool
	// Interrupt, if set, is asked now and then by what may take long; its error ends the run.
	Interrupt func() error
	// MemoryMax bounds the bytes of all operators' state; 0 means no bound.
	MemoryMax int64
	// Spill, if set, gives state its large blocks; what lies on disk does not count
	// against MemoryMax.
	Spill Spill
}

// Spill is memory part of which may lie on disk.
type Spill interface {
	chunk.Memory
	// Spilled returns the bytes of the blocks on disk.
	Spilled() int64
}

// Scan is an input of a dataflow: node number Node of the plan reads a relation.
type Scan struct {
	Node int
	*physical.Scan
}

// Dataflow is the running form of a plan: fragments of operators, each in up to W
// workers, joined by exchanges. Its use is
//
//	Push … Push  Flush   Push … Flush   one Flush per epoch (or per group of epochs)
//
// by one goroutine. After an error or a panic it must be thrown away.
type Dataflow struct {
	plan     *physical.Plan
	opts     Options
	scans    []Scan
	frags    []*fragment              // in topological order
	entry    []scanEntry              // where the scans' chunks enter
	marks    [][]int64                // watermarks per node of the plan, nil where none
	computed map[[2]int]*computedMark // of computed columns, by node and column
	emits    map[int][]int64          // of the inputs of Emit nodes, where they are others
	pending  int                      // rows waiting in fragments' inputs
	turn     int                      // the worker that the next scanned chunk goes to
	hash     []uint64                 // scratch of spread
	first    bool                     // no epoch has been flushed yet
	now      int64                    // time of the epoch that is being pushed, see Begin
	sinks    []*sink                  // the root's output, per worker
	dead     []*deadLetters
	kept     []owned // see parts
	timed    []Timed // see NextDue
	cutters  []Cutter

	time, prev int64           // of the entry being flushed
	loaded     bool            // the state is an earlier life's
	shown      map[int][]int64 // watermarks that EMIT EVERY nodes have let through
}

// Result is what a dataflow's root emitted in one epoch.
type Result struct {
	// Chunks is the changes, not consolidated.
	Chunks []*chunk.Chunk
	// Dead is the change of the dead letters, of DeadLetterSchema; nil if none.
	Dead *chunk.Chunk
	// Watermarks holds the watermark of each output column; nil if there is none.
	Watermarks []int64
}

// rowsPending is the number of buffered rows at which a dataflow with several workers
// processes what it has: enough to pay for a fork and a join.
const rowsPending = 1 << 17

// New makes the running form of plan.
func New(plan *physical.Plan, opts Options) (*Dataflow, error) {
	if plan.Version > physical.Version {
		return nil, fmt.Errorf("plan has version %d, this engine reads up to %d", plan.Version, physical.Version)
	}
	if opts.Workers <= 0 {
		opts.Workers = 1
	}
	d := &Dataflow{plan: plan, opts: opts, first: true, now: math.MinInt64}
	for i := range plan.Nodes {
		if s := plan.Nodes[i].Scan; s != nil {
			d.scans = append(d.scans, Scan{Node: i, Scan: s})
		}
	}
	for i := range plan.Nodes {
		if plan.Nodes[i].Recursive != nil {
			d.opts.Workers = 1
		}
	}
	if err := d.build(); err != nil {
		return nil, err
	}
	d.collectTimed()
	d.useSpill()
	return d, nil
}

// Scans returns the dataflow's inputs; their position is the scan number of Push.
func (d *Dataflow) Scans() []Scan { return d.scans }

// Begin tells the time of the epoch whose changes are pushed next, as FlushInput.Time
// will: rows are judged by it and stamped with it as they come. Without it they are
// taken to come at the time of the last flush.
func (d *Dataflow) Begin(time int64) {
	d.now = max(d.now, time)
}

// Push feeds a chunk with the scan's columns. The chunk must not change any more.
func (d *Dataflow) Push(scan int, c *chunk.Chunk) error {
	if c.Rows == 0 {
		return nil
	}
	e := &d.entry[scan]
	f := e.frag
	if len(f.inst) > 1 && !d.plan.Nodes[e.node].AppendOnly {
		d.spread(e, c)
	} else {
		w := d.turn % len(f.inst)
		d.turn++
		f.inst[w].in = append(f.inst[w].in, pendingChunk{e.node, c})
	}
	d.pending += c.Rows
	if len(f.inst) == 1 || d.pending >= rowsPending {
		return d.run(nil)
	}
	return nil
}

// spread gives each row to the worker of its hash, so that a retraction meets the worker
// that has seen the insertion: a partial aggregation depends on it.
func (d *Dataflow) spread(e *scanEntry, c *chunk.Chunk) {
	if cap(d.hash) < c.Rows {
		d.hash = make([]uint64, max(c.Rows, chunk.RowsMax))
	}
	chunk.HashRows(c.Cols, c.Rows, d.hash[:c.Rows])
	sel := make([][]int32, len(e.frag.inst))
	for i, h := range d.hash[:c.Rows] {
		w := workerOf(h, len(sel))
		sel[w] = append(sel[w], int32(i))
	}
	for w, s := range sel {
		if len(s) > 0 {
			in := e.frag.inst[w]
			in.in = append(in.in, pendingChunk{e.node, c.Gather(s)})
		}
	}
}

// FlushInput is what ends an epoch.
type FlushInput struct {
	// Time is the entry's timestamp, µs since 2000-01-01 UTC.
	Time int64
	// Prev is the timestamp of the entry before it.
	Prev int64
	// Watermarks gives, per scan, the watermark of each of its columns; nil or a nil
	// element means none.
	Watermarks [][]int64
}

// Flush ends the epoch: every operator emits what it owes.
func (d *Dataflow) Flush(in FlushInput) (*Result, error) {
	d.time, d.prev = in.Time, in.Prev
	d.Begin(in.Time)
	d.spreadWatermarks(in.Watermarks)
	if err := d.run(&in); err != nil {
		return nil, err
	}
	d.first = false
	r := &Result{}
	for _, s := range d.sinks {
		r.Chunks = append(r.Chunks, s.chunks...)
		s.chunks = nil
	}
	for _, dl := range d.dead {
		if c := dl.take(); c != nil {
			if r.Dead == nil {
				r.Dead = c
			} else {
				r.Dead.AppendRows(c, nil)
			}
		}
	}
	r.Watermarks = d.marks[len(d.plan.Nodes)-1]
	return r, nil
}

// Take returns what the root has emitted so far in this epoch and forgets it: a
// statement streams its result with it. Flush returns only the rest.
func (d *Dataflow) Take() []*chunk.Chunk {
	var r []*chunk.Chunk
	for _, s := range d.sinks {
		r = append(r, s.chunks...)
		s.chunks = nil
	}
	return r
}

// run moves all pending chunks through the fragments and, if flush is given, ends the epoch.
func (d *Dataflow) run(flush *FlushInput) (err error) {
	defer func() {
		p := recover()
		switch p := p.(type) {
		case nil:
		case interruption:
			err = p.err
		case *chunk.MemoryError:
			err = p
		default:
			err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	d.pending = 0
	for _, f := range d.frags {
		if err := f.run(d, flush); err != nil {
			return err
		}
	}
	if d.opts.Strict {
		for _, dl := range d.dead {
			if dl.err != nil {
				return dl.err
			}
		}
	}
	if flush != nil && d.opts.MemoryMax > 0 {
		if b := d.StateBytes() - d.SpilledBytes(); b > d.opts.MemoryMax {
			return &BudgetError{Bytes: b, Max: d.opts.MemoryMax}
		}
	}
	return nil
}

// PanicError is a panic of an operator: our mistake, which suspends this dataflow only.
type PanicError struct {
	Value any
	Stack []byte
}

// Error describes the panic without its stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("internal error in the dataflow: %v", e.Value)
}

// BudgetError says that a dataflow's state outgrew its memory budget.
type BudgetError struct{ Bytes, Max int64 }

// Error gives the figures.
func (e *BudgetError) Error() string {
	return fmt.Sprintf("state of %d bytes exceeds the memory budget of %d bytes", e.Bytes, e.Max)
}

// StateBytes returns the memory that all operators' state holds.
func (d *Dataflow) StateBytes() int64 {
	var n int64
	d.eachStateful(func(_, _ int, s Stateful) { n += s.StateBytes() })
	return n
}

// SpilledBytes returns how much of it lies on disk.
func (d *Dataflow) SpilledBytes() int64 {
	if d.opts.Spill == nil {
		return 0
	}
	return d.opts.Spill.Spilled()
}

// useSpill gives the tables and arenas that are kept the memory that may spill.
func (d *Dataflow) useSpill() {
	if d.opts.Spill == nil {
		return
	}
	parts, _ := d.parts()
	for _, p := range parts {
		switch p := p.part.(type) {
		case tablePart:
			p.UseMemory(d.opts.Spill)
		case arenaPart:
			p.UseMemory(d.opts.Spill)
		}
	}
	for _, f := range d.frags {
		for _, in := range f.inst {
			for _, o := range in.ops {
				if u, ok := o.op.(memoryUser); ok {
					u.useMemory(d.opts.Spill)
				}
			}
		}
	}
}

// memoryUser is implemented by what keeps more than its parts in blocks that may spill.
type memoryUser interface {
	// useMemory makes blocks come from m; there are none yet.
	useMemory(m chunk.Memory)
}

// eachStateful visits the operators that keep rows, by node and worker.
func (d *Dataflow) eachStateful(f func(node, worker int, s Stateful)) {
	for _, fr := range d.frags {
		for w, in := range fr.inst {
			for _, o := range in.ops {
				if s, ok := o.op.(Stateful); ok {
					f(o.node, w, s)
				}
			}
		}
	}
}

// NodeStats is the counters of one node of a plan over all workers.
type NodeStats struct {
	Node       int
	Rows       int64 // emitted
	Nanos      int64 // spent in the node
	StateBytes int64
	StateKeys  int64
}

// Stats returns the counters of all nodes, in the plan's order.
func (d *Dataflow) Stats() []NodeStats {
	r := make([]NodeStats, len(d.plan.Nodes))
	for i := range r {
		r[i].Node = i
	}
	for _, fr := range d.frags {
		for _, in := range fr.inst {
			for _, o := range in.ops {
				s := &r[o.node]
				s.Rows += o.out.rows
				s.Nanos += o.out.nanos
				if st, ok := o.op.(Stateful); ok {
					s.StateBytes += st.StateBytes()
					s.StateKeys += st.StateKeys()
				}
			}
		}
	}
	return r
}
