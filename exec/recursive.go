package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
)

// recursive is WITH RECURSIVE in a statement. Each round feeds the rows of the last
// one to the work table and collects what the step makes of them, until a round gives
// nothing. The step's operators are incremental, so a round is the change from the
// last round's rows to this one's, and what arrives is the change of the step's result.
type recursive struct {
	d      *Dataflow
	spec   *physical.Recursive
	schema chunk.Schema
	start  *chunk.Chunk
	step   *chunk.Chunk    // the step's result, as changes since the beginning
	seen   *chunk.KeyTable // rows emitted, for UNION
}

func newRecursive(d *Dataflow, n *physical.Node) *recursive {
	r := &recursive{d: d, spec: n.Recursive, schema: n.Schema}
	r.start, r.step = chunk.New(n.Schema, 0), chunk.New(n.Schema, 0)
	if !n.Recursive.All {
		r.seen = chunk.NewKeyTable(n.Schema, 0)
	}
	return r
}

// Push keeps the rows of the start (port 0) and the changes of the step (port 1).
func (r *recursive) Push(port int, c *chunk.Chunk, out *Output) {
	c = out.splitErrors(c, nil)
	if port == 0 {
		r.start.AppendRows(c, nil)
	} else {
		r.step.AppendRows(c, nil)
	}
}

// Flush runs the rounds.
func (r *recursive) Flush(fc *FlushContext, out *Output) {
	work, loop := r.loop()
	round := r.fresh(chunk.Consolidate(r.start))
	var last *chunk.Chunk
	for round.Rows > 0 {
		if r.d.opts.Interrupt != nil {
			if err := r.d.opts.Interrupt(); err != nil {
				out.dead.err = err
				return
			}
		}
		out.Emit(round)
		work.out.Emit(round)
		if last != nil {
			work.out.Emit(negated(last))
		}
		for _, o := range loop {
			o.op.Flush(&FlushContext{Time: fc.Time}, o.out)
		}
		if out.dead.strict && out.dead.err != nil {
			return
		}
		r.step = chunk.Consolidate(r.step)
		last = round
		round = r.fresh(r.step)
	}
}

// StateBytes returns the memory of the rows of the rounds.
func (r *recursive) StateBytes() int64 {
	n := r.start.MemoryBytes() + r.step.MemoryBytes()
	if r.seen != nil {
		n += r.seen.Bytes()
	}
	return n
}

// StateKeys returns the number of rows of the last round, and of those seen.
func (r *recursive) StateKeys() int64 {
	n := int64(r.step.Rows)
	if r.seen != nil {
		n += int64(r.seen.Slots())
	}
	return n
}

// negated returns c with its weights negated.
func negated(c *chunk.Chunk) *chunk.Chunk {
	n := *c
	n.Weights = make([]int64, c.Rows)
	for i := range n.Weights {
		n.Weights[i] = -c.Weight(i)
	}
	return &n
}

// fresh returns the rows of c that count for the next round: all, or under UNION those
// not seen yet, each once.
func (r *recursive) fresh(c *chunk.Chunk) *chunk.Chunk {
	if r.seen == nil {
		return c.Clone()
	}
	hash, slots := make([]uint64, c.Rows), make([]int32, c.Rows)
	chunk.HashRows(c.Cols, c.Rows, hash)
	first := int32(r.seen.Slots())
	r.seen.Upsert(c.Cols, hash, slots)
	var idx []int32
	for i, s := range slots {
		if s >= first {
			idx = append(idx, int32(i))
			first = s + 1
		}
	}
	f := c.Gather(idx)
	f.Weights = nil
	return f
}

// loop returns the work table and the operators that depend on it, in order.
func (r *recursive) loop() (work *running, ops []*running) {
	in := r.d.frags[0].inst[0]
	depends := make(map[int]bool)
	for i := range in.ops {
		o := &in.ops[i]
		n := &r.d.plan.Nodes[o.node]
		if n.WorkTable != nil && n.WorkTable.ID == r.spec.ID {
			work = o
			depends[o.node] = true
			continue
		}
		if o.op == Operator(r) {
			break
		}
		for _, j := range n.Inputs {
			if depends[j] && !depends[o.node] {
				depends[o.node] = true
				ops = append(ops, o)
			}
		}
	}
	return work, ops
}
