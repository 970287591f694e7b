package streamdb

import (
	"fmt"
	"sync/atomic"
	"time"

	"streamdb/exec"
	"streamdb/sql/chunk"
	"streamdb/storage/relation"
)

// A dataflow comes to the head in three moves. It takes holds on its inputs at the head
// and reads their rows as one delta; then, as often as it has fallen far behind, the
// changes since as one delta; and when few are left it applies those under the step's
// lock and is live from then on. The step never waits for it, save for the last move.
//
//	head      ──────────e1────────────────e2─────────e3──>
//	dataflow     (0, e1] as one delta  (e1, e2]  (e2, e3] under the lock: live

// joinRows is the number of changed rows up to which a dataflow catches up under the
// step's lock.
const joinRows = 20_000

// fillRowsInline is the number of input rows up to which a new dataflow is filled
// within the entry that creates it.
const fillRowsInline = 20_000

// fill is a dataflow's way to the head.
type fill struct {
	f     *dataflow
	c     *core
	epoch relation.Epoch   // applied so far
	time  int64            // of its entry
	prev  int64            // and of the one before it
	holds []*relation.Hold // per input, nil for a source logged by reference
	since atomic.Int64     // the log's time at the epoch of the holds
	from  []int64          // per input, the offset applied so far of such a source
	until []int64          // and the one to read up to
	late  [][]int64        // and the offsets of its late rows until there
	marks [][]int64        // the inputs' watermarks at epoch

	dead *relation.Relation // the dead letters; the view's from join on

	rounds int           // of catching up beside the step
	rows   int64         // read by the last round, or by readAll
	took   time.Duration // and the time for it

	// cuts is the entries at which the next deltas must end, see cuts.go. core.mu guards it.
	cuts []cut
	over atomic.Bool // released
}

// startDataflows begins the fill of dataflows that were created in this entry: at
// once if their inputs are small, in a job otherwise. core.mu is held.
func (c *core) startDataflows() {
	for _, f := range c.flows {
		if f.is(flowFilling) && f.frontier.Load() == 0 {
			c.startFill(f, false)
		}
	}
}

// fillDated fills the dataflows whose content depends on when they were filled, during a
// replay: the others are filled when it is over. core.mu is held.
func (c *core) fillDated(flows []*dataflow) {
	for _, f := range flows {
		if f.dated() {
			c.fillNow(f)
		}
	}
}

// fillNow fills f, and before it the views that it reads. core.mu is held.
func (c *core) fillNow(f *dataflow) {
	if !f.is(flowFilling) || f.frontier.Load() != 0 {
		return
	}
	for i := range f.inputs {
		if up := f.inputs[i].rel.flow; up != nil {
			c.fillNow(up)
		}
	}
	if f.inputsLive() {
		c.startFill(f, true)
	}
}

// startFill fills f: at once if now is set, or else if little is to be read.
func (c *core) startFill(f *dataflow, now bool) {
	f.frontier.Store(uint64(c.epoch))
	if f.sink != nil {
		if err := f.sink.begin(); err != nil {
			f.suspend(err)
			return
		}
	}
	w := &fill{f: f, c: c}
	aside := !now && (c.db.opts.NoInlineFill || !f.inputsLive() || f.inputRows() > fillRowsInline)
	if aside && !(f.dated() && f.inputsLive()) {
		c.db.jobs.Go(func() { c.fillJob(f, nil) })
		return
	}
	err := w.begin()
	if aside && err == nil {
		// What it holds depends on when it begins: here and now, as in every replay.
		c.db.jobs.Go(func() { c.fillJob(f, w) })
		return
	}
	if err == nil {
		err = w.readAll()
	}
	w.release()
	if err != nil {
		f.suspend(err)
		return
	}
	c.join(f, w)
}

// inputsLive reports whether all views that f reads are live.
func (f *dataflow) inputsLive() bool {
	for i := range f.inputs {
		if up := f.inputs[i].rel.flow; up != nil && !up.is(flowLive) {
			return false
		}
	}
	return true
}

// inputRows returns the rows that a fill has to read.
func (f *dataflow) inputRows() int64 {
	var n int64
	for i := range f.inputs {
		in := &f.inputs[i]
		if in.rows() != nil {
			n += in.rows().Newest().Rows()
		} else if in.rel.source != nil {
			n += in.rel.source.offset - f.out.beginOf(in.rel)
		}
	}
	return n
}

// fillJob runs beside the step. If w is not nil, it has begun.
func (c *core) fillJob(f *dataflow, w *fill) {
	inBackground()
	c.db.filling.Add(1)
	defer c.db.filling.Add(-1)
	if w == nil && !c.inputsReady(f) {
		return
	}
	if err := c.fillAside(f, w); err != nil && c.db.ctx.Err() == nil && !f.is(flowDropped) {
		f.suspend(err)
	}
}

// inputsReady waits until the views that f reads are live; false means that f is
// suspended instead, or the database closes.
func (c *core) inputsReady(f *dataflow) bool {
	ctx := c.db.ctx
	for i := range f.inputs {
		if up := f.inputs[i].rel.flow; up != nil {
			if err := up.ready(ctx); err != nil {
				if ctx.Err() == nil {
					if f.leader != up {
						err = fmt.Errorf("it reads %s: %w", up.out.desc.Name, err)
					} else {
						err = f.failsWith(up)
					}
					f.suspend(err)
				}
				return false
			}
		}
	}
	return true
}

func (c *core) fillAside(f *dataflow, w *fill) error {
	begun := w != nil
	if !begun {
		w = &fill{f: f, c: c}
	}
	defer w.release()
	if !begun {
		if !c.lockWithInputs(f) {
			return nil
		}
		err := w.begin()
		c.mu.Unlock()
		if err != nil {
			return err
		}
	}
	if err := w.timed(w.readAll); err != nil {
		return err
	}
	return c.catchUpAside(f, w)
}

// lockWithInputs takes core.mu at a moment when all views that f reads are live, so that
// their changes are there up to the head; false means that f is suspended instead, or
// the database closes, and mu is not held.
func (c *core) lockWithInputs(f *dataflow) bool {
	for {
		if !c.inputsReady(f) {
			return false
		}
		c.mu.Lock()
		if f.inputsLive() {
			return true
		}
		c.mu.Unlock()
	}
}

// catchUpAside applies changes until few are left, and the last of them under the
// step's lock.
func (c *core) catchUpAside(f *dataflow, w *fill) error {
	for {
		if !f.is(flowFilling) {
			return nil
		}
		if !c.lockWithInputs(f) {
			return nil
		}
		f.pace.learn(w.rows, w.took)
		if f.mayJoin(w, w.behind()+f.run.DueRows(c.time)+cutRows*int64(len(w.cuts))) {
			err := w.toHead()
			if err == nil {
				c.join(f, w)
			}
			c.mu.Unlock()
			return err
		}
		to, err := w.nextStop()
		c.mu.Unlock()
		if err == nil {
			err = w.timed(func() error { return w.catchUp(to) })
			if f.joined.Load() != 0 {
				c.db.caughtUp(w.took)
			}
		}
		if err != nil {
			return err
		}
		w.rounds++
	}
}

// join makes the dataflow live from the current epoch on. core.mu is held.
func (c *core) join(f *dataflow, w *fill) {
	f.addSpan(span{from: c.epoch, to: openSpan})
	f.joined.Store(uint64(c.epoch))
	f.frontier.Store(uint64(c.epoch))
	f.out.dead = w.dead
	changed := []*relation.Relation{f.out.rel}
	for _, x := range f.out.indexes {
		changed = append(changed, x.rel)
	}
	if f.out.dead != nil {
		changed = append(changed, f.out.dead)
	}
	// The rows are published with the next entry that is; make sure there is one.
	c.unpublished = append(c.unpublished, appliedEpoch{index: c.index, changed: changed, flows: []*dataflow{f},
		state: published{epoch: c.epoch, time: c.time, cat: c.cat, rels: c.rels}})
	f.turn(flowLive, nil)
	c.timers.set(&f.timer, f.run.NextDue())
	c.settleOrphans(f)
	c.db.nudge()
}

// begin takes holds at the head. core.mu is held.
func (w *fill) begin() error {
	n := len(w.f.inputs)
	w.holds, w.from, w.until, w.late = make([]*relation.Hold, n), make([]int64, n), make([]int64, n), make([][]int64, n)
	w.epoch, w.time, w.prev, w.dead = w.c.epoch, w.c.time, w.c.prev, w.f.out.dead
	w.f.total.Store(w.f.inputRows())
	for i := range w.f.inputs {
		in := &w.f.inputs[i]
		if in.rows() == nil {
			w.from[i] = w.f.out.beginOf(in.rel)
			continue
		}
		h, err := in.rows().Hold(w.epoch, w.f.out.desc.Name)
		if err != nil {
			return err
		}
		w.holds[i] = h
	}
	w.watched()
	return w.aim()
}

// aim notes what the dataflow is to reach: the head. core.mu is held.
func (w *fill) aim() error {
	w.marks = w.f.watermarks()
	for i := range w.f.inputs {
		if src := w.f.inputs[i].rel.source; w.holds[i] == nil && src != nil {
			w.until[i], w.late[i] = src.offset, src.late
		}
	}
	return nil
}

// watched puts the fill's holds under the budgets, see holds.go.
func (w *fill) watched() {
	w.since.Store(w.time)
	w.c.fills = append(w.c.fills, w)
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	w.f.filler, w.f.spent = w, nil
}

func (w *fill) release() {
	w.f.mu.Lock()
	if w.f.filler == w {
		w.f.filler = nil
	}
	w.f.mu.Unlock()
	w.over.Store(true)
	for _, h := range w.holds {
		if h != nil {
			h.Release()
		}
	}
}

// timed notes the rows and the time of a part of the way that is done beside the step.
func (w *fill) timed(part func() error) error {
	began := time.Now()
	w.rows = -w.f.rows.Load()
	err := part()
	w.rows += w.f.rows.Load()
	w.took = time.Since(began)
	return err
}

// readAll applies the held rows as one delta.
func (w *fill) readAll() error {
	w.f.run.Begin(w.time)
	for i := range w.f.inputs {
		in := &w.f.inputs[i]
		if w.holds[i] == nil {
			if err := w.readSource(i); err != nil {
				return err
			}
			continue
		}
		s, err := w.holds[i].Snapshot()
		if err != nil {
			return w.cause(err)
		}
		err = in.scanAll(s, func(rows *chunk.Chunk) error { return w.push(i, rows) })
		if err != nil {
			return err
		}
	}
	return w.flush()
}

func (w *fill) push(i int, rows *chunk.Chunk) error {
	if w.f.is(flowDropped) {
		return errDropped(w.f.out.desc.Name)
	}
	if err := w.f.overBudget(); err != nil {
		return err
	}
	w.f.rows.Add(int64(rows.Rows))
	return w.f.run.Push(i, rows)
}

// readSource reads a source again, from where the dataflow stands to where it aims.
func (w *fill) readSource(i int) error {
	in := &w.f.inputs[i]
	err := in.rel.source.accepted(w.late[i], w.from[i], w.until[i], in.cols, func(rows *chunk.Chunk) error { return w.push(i, rows) })
	w.from[i] = w.until[i]
	return err
}

func (w *fill) flush() error {
	w.f.moved = true
	r, err := w.f.run.Flush(exec.FlushInput{Time: w.time, Prev: w.prev, Watermarks: w.marks})
	if err != nil {
		return err
	}
	w.f.raise(r.Watermarks)
	if _, w.dead, err = w.f.put(w.epoch, r, w.dead, false); err != nil {
		return err
	}
	w.f.addSpan(span{from: w.epoch, to: w.epoch, missing: w.time})
	w.f.frontier.Store(uint64(w.epoch))
	return nil
}

// behind estimates the changed rows between the dataflow and the head. core.mu is held.
func (w *fill) behind() int64 {
	var n int64
	for i := range w.f.inputs {
		in := &w.f.inputs[i]
		if w.holds[i] == nil {
			n += in.rel.source.offset - w.from[i]
			continue
		}
		if in.rows().LastEpoch() > w.epoch {
			n += changesBetween(in.rows(), w.epoch, w.c.epoch)
		}
	}
	return n
}

// changesBetween counts the changes of (from, to], as far as joinRows.
func changesBetween(r *relation.Relation, from, to relation.Epoch) int64 {
	it, err := r.Changes(from, to)
	if err != nil {
		return joinRows + 1
	}
	var n int64
	for n <= joinRows {
		ch, err := it.Next()
		if err != nil || ch.Rows == nil {
			break
		}
		n += int64(ch.Rows.Rows)
	}
	return n
}

// catchUp applies the changes up to a stop as one delta. No cut lies before it.
func (w *fill) catchUp(to stop) error {
	if to.epoch == w.epoch {
		return nil
	}
	from := w.epoch
	w.epoch, w.time, w.prev = to.epoch, to.time, to.prev
	w.f.run.Begin(w.time)
	for i := range w.f.inputs {
		in := &w.f.inputs[i]
		if w.holds[i] == nil {
			if err := w.readSource(i); err != nil {
				return err
			}
			continue
		}
		if in.rows().LastEpoch() <= from {
			continue
		}
		it, err := in.rows().ChangesConsolidated(from, to.epoch)
		if err != nil {
			return w.cause(err)
		}
		if err := it.Each(func(rows *chunk.Chunk) error { return w.push(i, in.take(rows)) }); err != nil {
			return err
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	if to.cut {
		w.f.noteMarks(w.epoch)
	}
	for _, h := range w.holds {
		if h != nil {
			if err := h.Advance(to.epoch); err != nil {
				return w.cause(err)
			}
		}
	}
	w.since.Store(to.time)
	return nil
}
