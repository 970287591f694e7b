package streamdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"streamdb/exec"
	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/storage/relation"
)

// flowState is where a dataflow stands.
type flowState int32

const (
	// flowFilling: it runs beside the step, on the way to the head.
	flowFilling flowState = iota
	// flowLive: it moves within the step.
	flowLive
	// flowSuspended: it has failed and stays at its frontier; see dataflow.err.
	flowSuspended
	// flowDropped: its object is gone.
	flowDropped
)

// dataflow is the running form of a materialized view or sink, with its place in the
// engine: what it reads, where it stands, where its changes go.
//
// A live dataflow is stepped under core.mu. A filling one belongs to its job (see
// backfill.go), which takes core.mu only to look at the head and to join.
type dataflow struct {
	db     *DB
	out    *stored
	plan   *physical.Plan
	run    *exec.Dataflow
	inputs []flowInput
	marks  []int64 // watermarks of the output columns, nil for none
	memory int64   // budget of its state, 0 for none

	// key says with whom it may share operators, leader whose it uses, nil for its own;
	// orphan that its object is gone and the operators are needed, see share.go. core.mu
	// guards them. home is what its operators know it by.
	key    shareKey
	leader *dataflow
	orphan bool
	home   *flowHome

	state atomic.Int32 // a flowState
	// joined is the epoch at which the dataflow went live: from there on its relation
	// shows every epoch. frontier is the last epoch it has applied while filling.
	joined, frontier atomic.Uint64
	// rows counts the rows that a fill has read, of total; for progress.
	rows, total atomic.Int64

	// workers is W of the state it goes on from; 0 for that of the options.
	workers int
	// moved tells that operators have run since the state was last copied; anew that they
	// are another dataflow's, of which the store has nothing under this one's id.
	moved, anew bool

	// timer is due when the operators are. While the dataflow is not live it is not set.
	timer timer
	// marksAt is the output's watermarks at the epochs at which deltas were cut, on the way
	// to the head: for those that read the view and cut there, too.
	marksAt []markedEpoch

	// pace is what it has lately taken; core.mu guards it.
	pace pace
	// waiting counts who waits for it to become live.
	waiting atomic.Int64

	mu     sync.Mutex
	err    error         // why it is suspended
	turned chan struct{} // closed and replaced when state changes
	left   time.Time     // when it left the step the last time
	spans  []span        // the epochs that the relation shows, see freshness.go
	filler *fill         // the job beside the step, nil for none
	spent  error         // why its holds were broken, nil for not
	// results of a sink's dataflow, see sink.go
	sink *sinkWriter
}

// flowInput is one scan of the plan.
type flowInput struct {
	scan int
	rel  *stored
	cols []int // positions in rel's rows, or its late ones
	late bool
	// marked is the columns, by their place in cols, that had a watermark when the query was planned.
	marked []int
	// lateness is the most by which a late row is late that is taken in, in µs, 0 for any.
	lateness int64
}

// rows is the relation that is read; nil for a source that is logged by reference.
func (in *flowInput) rows() *relation.Relation {
	if in.late {
		return in.rel.late
	}
	return in.rel.rel
}

// changes is what the step's entry has changed of the input's rows.
func (in *flowInput) changes(s *step) []*chunk.Chunk {
	if in.late {
		return s.late[in.rel.id]
	}
	return s.deltas[in.rel.id]
}

// take gives what is read of some of the relation's rows.
func (in *flowInput) take(rows *chunk.Chunk) *chunk.Chunk {
	if !in.late || in.lateness == 0 {
		return rows.Project(in.cols)
	}
	by := rows.Cols[len(rows.Cols)-1] // see lateSpec
	keep := make([]int32, 0, rows.Rows)
	for i := range rows.Rows {
		if v := by.Ivls[i]; !by.Nulls.Get(i) && int64(v.Days)*day+v.Micros <= in.lateness {
			keep = append(keep, int32(i))
		}
	}
	if rows = rows.Project(in.cols); len(keep) < rows.Rows {
		rows = rows.Gather(keep)
	}
	return rows
}

// scanAll reads a snapshot of the relation.
func (in *flowInput) scanAll(s *relation.Snapshot, fn func(*chunk.Chunk) error) error {
	if !in.late {
		return s.Scan(relation.Scan{Cols: in.cols, Unordered: true}).Each(fn)
	}
	return s.Scan(relation.Scan{Unordered: true}).Each(func(rows *chunk.Chunk) error { return fn(in.take(rows)) })
}

// createDataflow prepares the dataflow of a new view or sink. It starts to run at the
// end of the entry, see startDataflow.
// It goes on from saved, if that is not nil.
func (c *core) createDataflow(t *stored, saved *flowSaved) error {
	plan, err := planOf(t.desc)
	if err != nil {
		return err
	}
	if mv := t.desc.MatView; mv != nil && mv.StartLatest && t.begins == nil {
		c.beginLatest(t, plan)
	}
	f := &dataflow{db: c.db, out: t, plan: plan, turned: make(chan struct{})}
	f.timer.flow, f.memory = f, c.db.memoryOf(t.desc)
	f.key = c.shareKeyOf(f)
	var written *int64
	if saved != nil {
		f.workers, written = saved.Workers, saved.File
	}
	for i := range plan.Nodes {
		if s := plan.Nodes[i].Scan; s != nil && s.Late && c.rels[catalog.ID(s.Relation)] != nil {
			if err := c.lateRelation(c.rels[catalog.ID(s.Relation)]); err != nil {
				return err
			}
		}
	}
	if err := c.equip(f, saved); err != nil {
		return err
	}
	if t.desc.Kind == catalog.KindSink {
		if f.sink, err = c.db.newSinkWriter(t, written); err != nil {
			return err
		}
	}
	t.flow = f
	c.flows = append(c.flows, f)
	c.indexReaders()
	return nil
}

// beginLatest notes where the sources of a new view stand, since it begins there. mu is held.
func (c *core) beginLatest(t *stored, plan *physical.Plan) {
	t.begins = make(map[catalog.ID]int64)
	for i := range plan.Nodes {
		if s := plan.Nodes[i].Scan; s != nil {
			if up := c.rels[catalog.ID(s.Relation)]; up != nil && up.source != nil && up.rel == nil {
				t.begins[up.id] = up.source.offset
			}
		}
	}
}

// equip gives f its operators: its own or, since when it was saved or from now on, those of
// another dataflow.
func (c *core) equip(f *dataflow, saved *flowSaved) error {
	var l *dataflow
	if saved == nil {
		l = c.leaderFor(f)
	} else if saved.Follows != 0 {
		if up := c.rels[saved.Follows]; up != nil {
			l = up.flow
		}
		if l == nil {
			return fmt.Errorf("%s shares the operators of relation %d, which is not there", f.out.desc.Name, saved.Follows)
		}
	}
	if l != nil {
		return f.follow(l)
	}
	return f.build(c.rels)
}

// flowHome is whose the operators of a dataflow are: they may pass to another one.
type flowHome struct{ f *dataflow }

// interrupted is that of the dataflow.
func (h *flowHome) interrupted() error { return h.f.interrupted() }

// build makes the operators and binds the scans to what is stored.
func (f *dataflow) build(rels map[catalog.ID]*stored) error {
	settings, err := settingsOf(f.plan.Settings)
	if err != nil {
		return err
	}
	f.home = &flowHome{f}
	f.run, err = exec.New(f.plan, exec.Options{Workers: cmp.Or(f.workers, f.db.opts.Workers), Context: &expr.Ctx{Settings: settings},
		MemoryMax: f.memory, Spill: f.db.newSpace(f.memory), Interrupt: f.home.interrupted})
	if err != nil {
		return err
	}
	f.inputs = nil
	for i, s := range f.run.Scans() {
		rel := rels[catalog.ID(s.Relation)]
		if rel == nil {
			return fmt.Errorf("plan of %s reads relation %d, which is not there", f.out.desc.Name, s.Relation)
		}
		cols, err := rel.positions(s.Columns)
		if err != nil {
			return err
		}
		f.inputs = append(f.inputs, flowInput{scan: i, rel: rel, cols: cols, late: s.Late, lateness: s.Lateness,
			marked: f.plan.Nodes[s.Node].Watermarks})
	}
	return nil
}

// dated reports whether what f holds depends on the entry at which it begins: because it acts at entries, or because rows
// leave what it reads.
func (f *dataflow) dated() bool {
	return f.run.Cuts() || slices.ContainsFunc(f.inputs, func(in flowInput) bool { return in.late || in.retained() })
}

// unique reports whether what f has been made of cannot be had again: the times at which rows came, or rows that are no
// longer stored. Such a dataflow goes on from its state or not at all.
func (f *dataflow) unique() bool {
	return historyOf(f.plan) != "" || slices.ContainsFunc(f.inputs, func(in flowInput) bool { return in.retained() })
}

// interrupted ends a fill, in the middle of a delta, when its object has been dropped or the
// database closes. A step is never cut short.
func (f *dataflow) interrupted() error {
	switch flowState(f.state.Load()) {
	case flowDropped:
		return errDropped(f.out.desc.Name)
	case flowFilling:
		return f.db.ctx.Err()
	}
	return nil
}

// replaceStored follows an ALTER of an input or of the output.
func (f *dataflow) replaceStored(old, now *stored) {
	if f.out == old {
		f.out = now
	}
	for i := range f.inputs {
		in := &f.inputs[i]
		if in.rel != old {
			continue
		}
		in.rel = now
		cols, err := now.positions(f.run.Scans()[i].Columns)
		if err != nil {
			f.suspend(err)
			return
		}
		in.cols = cols
	}
}

func (f *dataflow) is(s flowState) bool { return flowState(f.state.Load()) == s }

// turn sets the state and wakes who waits for it.
func (f *dataflow) turn(s flowState, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if flowState(f.state.Load()) == flowDropped {
		return
	}
	if s != flowLive {
		f.endSpan()
	}
	f.state.Store(int32(s))
	f.err = err
	close(f.turned)
	f.turned = make(chan struct{})
}

func (f *dataflow) suspend(err error) {
	var p *exec.PanicError
	if errors.As(err, &p) {
		f.db.logger.Error("dataflow suspended", "view", f.out.desc.Name, "error", err, "stack", string(p.Stack))
	} else {
		f.db.logger.Warn("dataflow suspended", "view", f.out.desc.Name, "error", err)
	}
	f.turn(flowSuspended, err)
}

func (f *dataflow) drop() { f.turn(flowDropped, nil) }

// status returns the state, the reason of a suspension, and a channel that is closed
// when the state changes.
func (f *dataflow) status() (state flowState, turned <-chan struct{}, cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return flowState(f.state.Load()), f.turned, f.err
}

// ready waits until the dataflow is live, and says why if it never will be.
func (f *dataflow) ready(ctx context.Context) error {
	f.waiting.Add(1)
	defer f.waiting.Add(-1)
	for {
		s, turned, err := f.status()
		switch s {
		case flowLive:
			return nil
		case flowSuspended:
			return suspendedError(f.out.desc.Name, err)
		case flowDropped:
			return errDropped(f.out.desc.Name)
		}
		select {
		case <-turned:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// runDataflows moves the live dataflows whose inputs have changed, and no others: a
// thousand idle views cost nothing. A view's changes make its readers, which have
// larger ids, due in turn.
func (c *core) runDataflows(s *step) {
	due := dueFlows{readers: c.readers, seen: make(map[*dataflow]bool)}
	for id, d := range s.deltas {
		if len(d) > 0 {
			due.add(id)
		}
	}
	for id := range s.moved {
		due.add(id)
	}
	for id := range s.late {
		for _, f := range c.readers[id] {
			if slices.ContainsFunc(f.inputs, func(in flowInput) bool { return in.late && in.rel.id == id }) {
				due.addFlow(f)
			}
		}
	}
	for _, f := range s.due {
		due.addFlow(f)
	}
	for f := due.next(); f != nil; f = due.next() {
		if !f.is(flowLive) {
			continue
		}
		switch bad := f.suspendedInput(); {
		case bad != nil:
			c.suspendFlow(f, f.failsWith(bad.flow))
			continue
		}
		rows := f.rowsIn(s)
		s.ran = append(s.ran, flowRun{f, rows})
		if !f.inputsLive() || f.tooSlow(s, rows) {
			c.leave(f, s)
			continue
		}
		began := time.Now()
		if err := f.step(c, s); err != nil {
			c.suspendFlow(f, err)
			continue
		}
		f.pace.learn(rows, time.Since(began))
		c.timers.set(&f.timer, f.run.NextDue())
		if len(s.deltas[f.out.id]) > 0 || s.moved[f.out.id] {
			due.add(f.out.id)
		}
	}
}

// suspendFlow suspends a live dataflow and those that read it.
func (c *core) suspendFlow(f *dataflow, cause error) {
	if f.is(flowLive) {
		f.frontier.Store(uint64(c.epoch - 1))
	}
	f.suspend(cause)
	for _, r := range c.readers[f.out.id] {
		if r.is(flowLive) {
			c.suspendFlow(r, r.failsWith(f))
		}
	}
}

// dueFlows gives the dataflows to be run in the order of their ids.
type dueFlows struct {
	readers map[catalog.ID][]*dataflow
	seen    map[*dataflow]bool
	queue   []*dataflow // ascending by id
}

// add makes the readers of a relation due.
func (q *dueFlows) add(id catalog.ID) {
	for _, f := range q.readers[id] {
		q.addFlow(f)
	}
}

// addFlow makes a dataflow due.
func (q *dueFlows) addFlow(f *dataflow) {
	if q.seen[f] {
		return
	}
	q.seen[f] = true
	at, _ := slices.BinarySearchFunc(q.queue, f, func(a, b *dataflow) int { return cmp.Compare(a.out.id, b.out.id) })
	q.queue = slices.Insert(q.queue, at, f)
}

// next takes the due dataflow with the least id, nil when there is none.
func (q *dueFlows) next() *dataflow {
	if len(q.queue) == 0 {
		return nil
	}
	f := q.queue[0]
	q.queue = q.queue[1:]
	return f
}

// indexReaders notes which dataflows read which relation.
func (c *core) indexReaders() {
	c.readers = make(map[catalog.ID][]*dataflow, len(c.rels))
	for _, f := range c.flows {
		for i := range f.inputs {
			id := f.inputs[i].rel.id
			if l := c.readers[id]; len(l) == 0 || l[len(l)-1] != f {
				c.readers[id] = append(l, f)
			}
		}
	}
}

func (f *dataflow) suspendedInput() *stored {
	for i := range f.inputs {
		if up := f.inputs[i].rel.flow; up != nil && up.is(flowSuspended) {
			return f.inputs[i].rel
		}
	}
	return nil
}

// step applies one epoch.
func (f *dataflow) step(c *core, s *step) error {
	r, err := f.result(s)
	if err != nil {
		return err
	}
	changed, dead, err := f.put(s.epoch, r, f.out.dead, true)
	if err != nil {
		return err
	}
	f.out.dead = dead
	s.changed = append(s.changed, changed...)
	s.deltas[f.out.id] = append(s.deltas[f.out.id], r.Chunks...)
	if f.raise(r.Watermarks) {
		s.moved[f.out.id] = true
	}
	if f.sink != nil && len(r.Chunks) > 0 {
		s.flows = append(s.flows, f)
	}
	return nil
}

// result is what the operators make of the step's changes.
func (f *dataflow) result(s *step) (*exec.Result, error) {
	if f.leader != nil {
		return f.handOn(s), nil
	}
	f.moved = true
	f.run.Begin(s.time)
	for i := range f.inputs {
		in := &f.inputs[i]
		for _, d := range in.changes(s) {
			if err := f.run.Push(i, in.take(d)); err != nil {
				return nil, err
			}
		}
	}
	return f.run.Flush(exec.FlushInput{Time: s.time, Prev: s.prev, Watermarks: f.watermarks()})
}

// watermarks returns the watermark of each scan's columns; those of a view that is not
// live, which belong to its fill, are left out.
func (f *dataflow) watermarks() [][]int64 {
	var r [][]int64
	for i := range f.inputs {
		in := &f.inputs[i]
		if in.late && in.lateness == 0 {
			continue // they are below the watermark
		}
		at := func(k, pos int) int64 {
			if up := in.rel.flow; up != nil {
				if !up.is(flowLive) || up.marks == nil {
					return noWatermark
				}
				return up.marks[pos]
			}
			if !slices.Contains(in.marked, k) {
				return noWatermark // declared after the query was planned
			}
			return in.rel.markAt(pos)
		}
		var m []int64
		for k, pos := range in.cols {
			if wm := at(k, pos); wm != noWatermark {
				if m == nil {
					m = make([]int64, len(in.cols))
					for j := range m {
						m[j] = noWatermark
					}
				}
				m[k] = wm
			}
		}
		if m != nil && r == nil {
			r = make([][]int64, len(f.inputs))
		}
		if m != nil {
			r[i] = m
		}
	}
	return r
}

// raise takes over new output watermarks and reports whether one rose.
func (f *dataflow) raise(now []int64) bool {
	if now == nil {
		return false
	}
	rose := false
	if f.marks == nil {
		f.marks = make([]int64, len(now))
		for i := range f.marks {
			f.marks[i] = noWatermark
		}
	}
	for i, wm := range now {
		if wm > f.marks[i] {
			f.marks[i], rose = wm, true
		}
	}
	return rose
}

// put appends an epoch's result to the output relation and its indexes, and the dead
// letters to theirs, which is made if there is none yet. A sink's rows are its writer's, until
// they are outside; its relation stays empty. It returns what changed and the
// relation of the dead letters. Within the step a follower's relation takes the run over
// that its leader has made. It touches nothing that core.mu guards: a fill calls it
// beside the step.
func (f *dataflow) put(epoch relation.Epoch, r *exec.Result, dead *relation.Relation, inStep bool) ([]*relation.Relation, *relation.Relation, error) {
	var changed []*relation.Relation
	if len(r.Chunks) > 0 {
		var into []*stored
		if f.sink != nil {
			f.sink.add(epoch, concat(f.out.schema(), r.Chunks))
		} else {
			into = append([]*stored{f.out}, f.out.indexes...)
		}
		for _, x := range into {
			var err error
			if inStep && f.leader != nil && x == f.out {
				err = x.rel.Echo(epoch, f.leader.out.rel)
			} else {
				err = x.rel.AppendAll(epoch, r.Chunks)
			}
			if err != nil {
				return nil, dead, err
			}
			changed = append(changed, x.rel)
		}
	}
	if r.Dead != nil {
		if dead == nil {
			var err error
			if dead, err = newDeadLetters(f.out.desc.Name); err != nil {
				return nil, nil, err
			}
			f.db.core.adoptRelation(dead)
		}
		if err := dead.Append(epoch, r.Dead); err != nil {
			return nil, dead, err
		}
		changed = append(changed, dead)
	}
	return changed, dead, nil
}

// concat makes one chunk of an epoch's chunks; nil if there are none.
func concat(s chunk.Schema, chunks []*chunk.Chunk) *chunk.Chunk {
	switch len(chunks) {
	case 0:
		return nil
	case 1:
		return chunks[0]
	}
	return chunk.Concat(s, chunks)
}

// newDeadLetters makes the relation of a view's dead letters.
func newDeadLetters(name string) (*relation.Relation, error) {
	return relation.New(deadLetterSpec(name))
}

func deadLetterSpec(name string) relation.Spec {
	spec := relation.Spec{Name: name + " dead letters", Key: wholeRow(len(exec.DeadLetterSchema))}
	for i, t := range exec.DeadLetterSchema {
		spec.Columns = append(spec.Columns, relation.Column{ID: relation.ColumnID(i + 1), Type: t})
	}
	return spec
}
