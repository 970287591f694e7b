package streamdb

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"streamdb/exec"
	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/storage/relation"
)

// Views with the same plan share its operators. The first one leads; the others follow:
// their dataflows read the leader's rows, as if they were made over it, and hand them on.
//
//	relations ──> operators of a ──> rows of a ──> rows of b
//	                                          └──> rows of c
//
// Nothing of it is logged, because nothing depends on it: the content of a view at an epoch
// follows from its plan and the log, whoever has computed it. Where it would also depend on
// when the view was made, its operators are its own (see shareKey). So a new follower is
// filled from the leader's rows, a leader beside the step takes its followers along, and
// they fail together, all of it by what views over views do anyway.
//
// A leader that is dropped passes its operators on to the first of its followers, at an
// epoch at which all of them are at the head. Until then it lives on as an orphan, which
// nobody sees.

// shareKey is equal for dataflows that may share their operators; the zero one is equal
// to none.
type shareKey [sha256.Size]byte

// shareKeyOf returns the key of a view: what its plan does, whatever its columns are
// called, and what its operators and its rows are kept in.
func (c *core) shareKeyOf(f *dataflow) (k shareKey) {
	if c.db.opts.NoSharing || f.out.desc.Kind != catalog.KindMatView || f.out.desc.MatView.StartLatest ||
		datedPlan(f.plan) || c.readsRetained(f.plan) {
		return k
	}
	plan := *f.plan
	plan.Nodes = slices.Clone(plan.Nodes)
	for i := range plan.Nodes {
		plan.Nodes[i].Names = nil
	}
	q := f.out.desc.Query()
	b, err := json.Marshal(struct {
		Plan       *physical.Plan
		Memory     int64
		Options    map[string]string
		StreamKey  []int
		AppendOnly bool
	}{&plan, f.db.memoryOf(f.out.desc), q.Options, q.StreamKey, q.AppendOnly})
	if err != nil {
		return k // a plan that cannot be written has not come from the log
	}
	return sha256.Sum256(b)
}

// datedPlan reports whether what a dataflow holds may depend on when it was begun: it acts
// at some entries, or reads rows that may have been thrown away since.
func datedPlan(p *physical.Plan) bool {
	for i := range p.Nodes {
		n := &p.Nodes[i]
		switch {
		case n.Kind == physical.KindEmitEvery, n.Kind == physical.KindProctime, n.Kind == physical.KindLookupJoin:
			return true
		case n.Scan != nil && n.Scan.Late:
			return true
		}
	}
	return false
}

// readsRetained reports whether a plan reads a table of which rows leave: a view that is made later begins with fewer. mu is
// held.
func (c *core) readsRetained(p *physical.Plan) bool {
	return slices.ContainsFunc(p.Nodes, func(n physical.Node) bool {
		if n.Scan == nil {
			return false
		}
		t := c.rels[catalog.ID(n.Scan.Relation)]
		return t != nil && (&flowInput{rel: t}).retained()
	})
}

// leaderFor returns the dataflow whose operators f may use, nil for none. mu is held.
func (c *core) leaderFor(f *dataflow) *dataflow {
	if f.key == (shareKey{}) {
		return nil
	}
	for _, l := range c.flows {
		if l.key == f.key && l.out.id < f.out.id && l.leader == nil && !l.orphan && !l.is(flowSuspended) && sameColumns(l.out.desc, f.out.desc) {
			return l
		}
	}
	return nil
}

// follow makes f read what another dataflow has computed.
func (f *dataflow) follow(l *dataflow) error {
	q := l.out.desc.Query()
	scan := physical.Node{Kind: physical.KindScan, Schema: l.out.schema(), StreamKey: q.StreamKey, AppendOnly: q.AppendOnly, Watermarks: q.Watermarks,
		Scan: &physical.Scan{Relation: physical.RelationID(l.out.id)}}
	in := flowInput{rel: l.out}
	for i, col := range l.out.desc.Columns() {
		scan.Scan.Columns, in.cols = append(scan.Scan.Columns, col.ID), append(in.cols, i)
	}
	run, err := exec.New(&physical.Plan{Version: physical.Version, Nodes: []physical.Node{scan}},
		exec.Options{Workers: 1, Context: &expr.Ctx{}, Interrupt: f.interrupted})
	if err != nil {
		return err
	}
	f.run, f.inputs, f.leader = run, []flowInput{in}, l
	return nil
}

// operators returns the dataflow that runs f's plan.
func (f *dataflow) operators() *dataflow {
	if f.leader != nil {
		return f.leader
	}
	return f
}

// handOn is the step of a follower: the leader's changes are its own.
func (f *dataflow) handOn(s *step) *exec.Result {
	return &exec.Result{Chunks: s.deltas[f.leader.out.id], Watermarks: f.leader.marks}
}

// letters returns the dead letters of a view, nil for none; followers have their leader's.
// core.mu is held.
func (s *stored) letters() *relation.Relation {
	if s.flow != nil {
		return s.flow.operators().out.dead
	}
	return s.dead
}

// followers returns who uses f's operators.
func (c *core) followers(f *dataflow) (all []*dataflow) {
	for _, o := range c.flows {
		if o.leader == f {
			all = append(all, o)
		}
	}
	return all
}

// retire ends the dataflow of a dropped object, unless its operators are still needed:
// then it is an orphan. mu is held.
func (c *core) retire(f *dataflow) {
	if heirs := c.followers(f); len(heirs) > 0 {
		f.orphan = true
		c.passOn(f)
		return
	}
	c.end(f)
	if l := f.leader; l != nil && l.orphan && len(c.followers(l)) == 0 {
		c.end(l)
	}
}

// end takes a dataflow away. mu is held.
func (c *core) end(f *dataflow) {
	f.drop()
	c.timers.set(&f.timer, exec.NoTimer)
	c.flows = slices.DeleteFunc(slices.Clone(c.flows), func(o *dataflow) bool { return o == f })
	c.indexReaders()
	c.db.dropped(f.out)
}

// passOn gives the operators of an orphan to its first follower, if all are at the head:
// then the state is, epoch by epoch, what the follower would have come to itself. mu is held.
func (c *core) passOn(f *dataflow) {
	heirs := c.followers(f)
	if !f.orphan || !f.is(flowLive) || slices.ContainsFunc(heirs, func(o *dataflow) bool { return !o.is(flowLive) }) {
		return
	}
	first := heirs[0]
	first.run, first.inputs, first.leader = f.run, f.inputs, nil
	first.home = f.home
	first.home.f = first
	first.workers, first.moved, first.anew, first.pace = f.workers, true, true, f.pace
	first.marks = slices.Clone(f.marks)
	first.out.dead, f.out.dead = f.out.dead, nil
	c.timers.set(&first.timer, first.run.NextDue())
	for _, o := range heirs[1:] {
		o.leader, o.inputs[0].rel = first, first.out
	}
	c.end(f)
}

// settleOrphans passes on what a dataflow that has come to the head was waited for. mu is held.
func (c *core) settleOrphans(f *dataflow) {
	if l := f.operators(); l.orphan {
		c.passOn(l)
	}
}

// failsWith says why f cannot go on without another dataflow, which is suspended.
func (f *dataflow) failsWith(up *dataflow) error {
	_, _, cause := up.status()
	if f.leader == up && cause != nil {
		return fmt.Errorf("it shares the operators of %s: %w", up.out.desc.Name, cause)
	}
	return fmt.Errorf("it reads %s, which is suspended", up.out.desc.Name)
}
