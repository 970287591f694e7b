package streamdb

import (
	"time"

	"streamdb/exec"
	"streamdb/storage/relation"
)

// A live dataflow whose part of a step would take longer than its slice leaves the
// step: it goes on beside it, by the mechanism that fills a new view, with holds on its
// inputs at the last epoch it has applied, takes many epochs as one delta, and joins
// again at the head. Whoever reads it leaves with it, since its changes come later now.
// Nothing of this is logged: when a dataflow gets somewhere is local, what it holds
// there is not.

// slice is the time that a dataflow may take of a step.
const slice = 20 * time.Millisecond

// rowsIn counts the changes of this entry that f reads, those that it has withheld until
// now, and the rows that come and go because time has passed.
func (f *dataflow) rowsIn(s *step) int64 {
	n := f.run.DueRows(s.time)
	if f.run.CutAt(s.prev, s.time) != exec.CutNone {
		n += f.run.WithheldRows()
	}
	for i := range f.inputs {
		for _, d := range f.inputs[i].changes(s) {
			n += int64(d.Rows)
		}
	}
	return n
}

// tooSlow estimates whether f would pass its slice in this step, with so many changed rows.
func (f *dataflow) tooSlow(s *step, rows int64) bool {
	if !f.db.reading.Load() || f.db.core.freezing {
		return false // whoever waits for the replay or a checkpoint gains nothing
	}
	if f.db.opts.LagEvery > 0 && uint64(s.epoch)%uint64(f.db.opts.LagEvery) == 0 {
		return true
	}
	if f.run.CutAt(s.prev, s.time) == exec.CutEach {
		return false // what must be at every entry is not faster beside the step
	}
	return f.pace.estimate(rows) > slice
}

const (
	// roundsAside is how often a dataflow that somebody waits for catches up beside the
	// step, before it joins even if it passes its slice …
	roundsAside = 4
	// … unless it would take about as long as this.
	joinTime = time.Second
)

// mayJoin reports whether w may apply so many rows under the step's lock. A dataflow that
// never gets there, because rows come faster, joins when somebody waits: the step stands
// still for it, once for a few rounds beside it. core.mu is held.
func (f *dataflow) mayJoin(w *fill, behind int64) bool {
	return behind <= f.pace.within(slice, joinRows) ||
		f.waiting.Load() > 0 && w.rounds >= roundsAside && behind <= joinRows && w.took < joinTime
}

// leave takes f, and whoever reads it, out of the step before it has seen anything of
// this entry. core.mu is held.
func (c *core) leave(f *dataflow, s *step) {
	c.leaveAt(f, s.epoch-1, nil)
}

// leaveAt takes f, and whoever reads it, out of the step at an epoch that they have
// applied. With gate, which makes a channel for each, a dataflow stands still until its
// channel is closed. core.mu is held.
func (c *core) leaveAt(f *dataflow, epoch relation.Epoch, gate func(*dataflow) chan struct{}) {
	w := &fill{f: f, c: c}
	if err := w.hold(epoch); err != nil {
		c.suspendFlow(f, err)
		return
	}
	f.forgetMarks(c)
	c.timers.set(&f.timer, exec.NoTimer)
	f.frontier.Store(uint64(epoch))
	f.turn(flowFilling, nil)
	var still chan struct{}
	if gate != nil {
		still = gate(f)
	}
	c.db.jobs.Go(func() {
		if still != nil {
			<-still
		}
		c.rejoin(f, w)
	})
	for _, r := range c.readers[f.out.id] {
		if r.is(flowLive) {
			c.leaveAt(r, epoch, gate)
		}
	}
}

// rejoin brings f back to the head, beside the step.
func (c *core) rejoin(f *dataflow, w *fill) {
	inBackground()
	c.db.filling.Add(1)
	defer c.db.filling.Add(-1)
	defer w.release()
	if err := c.catchUpAside(f, w); err != nil && c.db.ctx.Err() == nil && !f.is(flowDropped) {
		c.mu.Lock()
		c.suspendFlow(f, err)
		c.mu.Unlock()
	}
}

// hold keeps the inputs as of an epoch that f has applied. core.mu is held.
func (w *fill) hold(epoch relation.Epoch) error {
	n := len(w.f.inputs)
	w.holds, w.from, w.until, w.late = make([]*relation.Hold, n), make([]int64, n), make([]int64, n), make([][]int64, n)
	w.epoch, w.time, w.prev, w.dead = epoch, w.c.time, w.c.prev, w.f.out.dead
	for i := range w.f.inputs {
		in := &w.f.inputs[i]
		if in.rows() == nil {
			w.from[i] = in.rel.source.offsetAt(epoch)
			continue
		}
		h, err := in.rows().Hold(epoch, w.f.out.desc.Name)
		if err != nil {
			w.release()
			return err
		}
		w.holds[i] = h
	}
	w.watched()
	return nil
}
