package exec

import (
	"sync"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
)

// fragment is a set of nodes between exchanges. It has one instance per worker, or a
// single one where its input is gathered.
type fragment struct {
	nodes []int // in topological order
	inst  []*instance
}

// instance is a fragment in one worker.
type instance struct {
	worker int
	in     []pendingChunk
	ops    []running
	// entries holds, per scan or exchange that feeds the instance, where its chunks go.
	entries map[int]*Output
}

// running is an operator with its output.
type running struct {
	node int
	op   Operator
	out  *Output
}

// pendingChunk waits for its fragment's turn: it enters at node, which is a scan or
// an exchange.
type pendingChunk struct {
	node int
	c    *chunk.Chunk
}

type scanEntry struct {
	node int
	frag *fragment
}

// forkRows is the number of pending rows from which a fragment is run by goroutines
// instead of one worker after the other.
const forkRows = 4096

// run processes the fragment's pending input in all workers.
func (f *fragment) run(d *Dataflow, flush *FlushInput) error {
	rows, busy := 0, 0
	for _, in := range f.inst {
		for _, p := range in.in {
			rows += p.c.Rows
		}
		if len(in.in) > 0 {
			busy++
		}
	}
	if rows == 0 && flush == nil {
		return nil
	}
	if len(f.inst) == 1 || (rows < forkRows && busy <= len(f.inst)) {
		for _, in := range f.inst {
			in.run(d, flush)
		}
	} else {
		f.fork(d, flush)
	}
	for _, in := range f.inst {
		for i := range in.ops {
			if x, ok := in.ops[i].op.(*exchange); ok {
				x.deliver(d)
			}
		}
	}
	return nil
}

// fork runs the instances side by side and joins them. A panic in one is raised again
// in the caller after the join.
func (f *fragment) fork(d *Dataflow, flush *FlushInput) {
	var wg sync.WaitGroup
	panics := make([]any, len(f.inst))
	for i, in := range f.inst {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() { panics[i] = recover() }()
			in.run(d, flush)
		}()
	}
	wg.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
}

func (in *instance) run(d *Dataflow, flush *FlushInput) {
	for i, p := range in.in {
		in.in[i].c = nil
		start, out := stopwatch(), in.entries[p.node]
		out.Emit(p.c)
		out.nanos += stopwatch() - start
	}
	in.in = in.in[:0]
	if flush == nil {
		return
	}
	for i := range in.ops {
		o := &in.ops[i]
		fc := FlushContext{Time: flush.Time, Prev: flush.Prev, In: d.flushMarks(o.node)}
		start := stopwatch()
		o.op.Flush(&fc, o.out)
		o.out.nanos += stopwatch() - start
	}
}

// build cuts the plan at its exchanges and makes the operators of each fragment in
// each worker.
func (d *Dataflow) build() error {
	nodes := d.plan.Nodes
	d.marks = make([][]int64, len(nodes))
	groups := cut(nodes, d.opts.Workers)
	if groups == nil {
		d.opts.Workers = 1
		groups = cut(nodes, 1)
	}
	fragOf := make([]*fragment, len(nodes))
	for _, g := range groups {
		f := &fragment{nodes: g}
		d.frags = append(d.frags, f)
		for _, n := range g {
			fragOf[n] = f
		}
	}
	for w := range d.opts.Workers {
		d.dead = append(d.dead, newDeadLetters(d.opts.Strict))
		d.sinks = append(d.sinks, &sink{worker: w, consume: d.opts.Consume})
	}
	for _, f := range d.frags {
		n := d.opts.Workers
		if single(nodes, f.nodes) {
			n = 1
		}
		for w := range n {
			in, err := d.instantiate(f, w)
			if err != nil {
				return err
			}
			f.inst = append(f.inst, in)
		}
	}
	for _, f := range d.frags {
		for _, in := range f.inst {
			d.connect(f, in, fragOf)
		}
	}
	for _, s := range d.scans {
		d.entry = append(d.entry, scanEntry{s.Node, fragOf[s.Node]})
	}
	return nil
}

// cut groups the nodes into fragments, in topological order. An exchange belongs to
// the fragment that it feeds from: it is that fragment's last operator, and its
// consumers stand in a later one. With one worker there is nothing to exchange and
// the whole plan is one fragment. It returns nil where an exchange would lead back into
// its own fragment (a shared node with and without an exchange): such a plan runs in
// one worker.
func cut(nodes []physical.Node, workers int) [][]int {
	group := make([]int, len(nodes))
	for i := range group {
		group[i] = i
	}
	var find func(int) int
	find = func(i int) int {
		if group[i] != i {
			group[i] = find(group[i])
		}
		return group[i]
	}
	for i, n := range nodes {
		for _, j := range n.Inputs {
			if workers == 1 || nodes[j].Kind != physical.KindExchange {
				group[find(j)] = find(i)
			}
		}
	}
	for i, n := range nodes {
		for _, j := range n.Inputs {
			if workers > 1 && nodes[j].Kind == physical.KindExchange && find(i) == find(j) {
				return nil
			}
		}
	}
	// Level: the longest chain of exchanges in front of a group.
	level := make(map[int]int)
	for changed, rounds := true, 0; changed; rounds++ {
		if rounds > len(nodes) {
			return nil // fragments that feed each other
		}
		changed = false
		for i, n := range nodes {
			for _, j := range n.Inputs {
				gi, gj := find(i), find(j)
				if gi != gj && level[gi] < level[gj]+1 {
					level[gi], changed = level[gj]+1, true
				}
			}
		}
	}
	var order []int
	members := make(map[int][]int)
	for i := range nodes {
		g := find(i)
		if members[g] == nil {
			order = append(order, g)
		}
		members[g] = append(members[g], i)
	}
	var r [][]int
	for l := 0; len(r) < len(order); l++ {
		for _, g := range order {
			if level[g] == l {
				r = append(r, members[g])
			}
		}
	}
	return r
}

// single reports whether a fragment is fed by a gathering exchange or by constants
// alone, so that one instance does.
func single(nodes []physical.Node, members []int) bool {
	inside := make(map[int]bool, len(members))
	for _, n := range members {
		inside[n] = true
	}
	for _, n := range members {
		if nodes[n].Kind == physical.KindScan {
			return false
		}
		for _, j := range nodes[n].Inputs {
			if inside[j] {
				continue
			}
			if nodes[j].Exchange.Kind != physical.ExchangeSingle {
				return false
			}
		}
	}
	return true
}

// instantiate makes the operators of fragment f in worker w, not yet connected.
func (d *Dataflow) instantiate(f *fragment, w int) (*instance, error) {
	in := &instance{worker: w, entries: make(map[int]*Output)}
	for _, n := range f.nodes {
		node := &d.plan.Nodes[n]
		out := &Output{dead: d.dead[w], node: n, interrupt: d.opts.Interrupt}
		if node.Kind == physical.KindScan {
			in.entries[n] = out
			in.ops = append(in.ops, running{n, &passThrough{}, out})
			continue
		}
		op, err := newOperator(d, n, w)
		if err != nil {
			return nil, err
		}
		in.ops = append(in.ops, running{n, op, out})
	}
	return in, nil
}

// connect wires the outputs of instance in to their consumers.
func (d *Dataflow) connect(f *fragment, in *instance, fragOf []*fragment) {
	outs := make(map[int]*running, len(in.ops))
	for i := range in.ops {
		outs[in.ops[i].node] = &in.ops[i]
	}
	for i := range in.ops {
		o := &in.ops[i]
		for port, j := range d.plan.Nodes[o.node].Inputs {
			t := target{op: o.op, port: port, out: o.out}
			if from, ok := outs[j]; ok {
				from.out.next = append(from.out.next, t)
				continue
			}
			e := in.entries[j]
			if e == nil {
				e = &Output{dead: d.dead[in.worker], node: j}
				in.entries[j] = e
				d.addConsumer(j, f, fragOf)
			}
			e.next = append(e.next, t)
		}
	}
	if root := len(d.plan.Nodes) - 1; outs[root] != nil {
		s := d.sinks[in.worker]
		outs[root].out.next = append(outs[root].out.next, target{op: s, out: &Output{dead: d.dead[in.worker], node: root}})
	}
}

// addConsumer tells the running instances of exchange node j that fragment f reads it.
func (d *Dataflow) addConsumer(j int, f *fragment, fragOf []*fragment) {
	for _, in := range fragOf[j].inst {
		for i := range in.ops {
			if in.ops[i].node == j {
				in.ops[i].op.(*exchange).addConsumer(f)
			}
		}
	}
}
