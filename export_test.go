package streamdb

import (
	"sync/atomic"
	"time"
)

// Detain takes a view, and whoever reads it, out of the step, as if it were slow, and
// keeps it out until release is called. It fails when the view is not live.
func (db *DB) Detain(name string) (release func(), ok bool) {
	c := db.core
	c.mu.Lock()
	defer c.mu.Unlock()
	var fills []*fill
	var detain func(f *dataflow) bool
	detain = func(f *dataflow) bool {
		if !f.is(flowLive) {
			return false
		}
		w := &fill{f: f, c: c}
		if w.hold(c.epoch) != nil {
			return false
		}
		f.frontier.Store(uint64(c.epoch))
		f.turn(flowFilling, nil)
		fills = append(fills, w)
		for _, r := range c.readers[f.out.id] {
			if r.is(flowLive) && !detain(r) {
				return false
			}
		}
		return true
	}
	for _, f := range c.flows {
		if f.out.desc.Name == name {
			ok = detain(f)
		}
	}
	return func() {
		for _, w := range fills {
			db.jobs.Go(func() { c.rejoin(w.f, w) })
		}
	}, ok
}

// Idle reports whether within d no dataflow is at work beside the step any more.
func (db *DB) Idle(d time.Duration) bool {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if db.filling.Load() == 0 {
			return true
		}
	}
	return false
}

// Paced makes a view look as if few rows had taken it so long, twice.
func (db *DB) Paced(name string, took time.Duration) {
	db.core.mu.Lock()
	defer db.core.mu.Unlock()
	for _, f := range db.core.flows {
		if f.out.desc.Name == name {
			f.pace.learn(1, took)
			f.pace.learn(1, took)
		}
	}
}

// Joined returns the epoch at which a view last became live.
func (db *DB) Joined(name string) uint64 {
	db.core.mu.Lock()
	defer db.core.mu.Unlock()
	for _, f := range db.core.flows {
		if f.out.desc.Name == name {
			return f.joined.Load()
		}
	}
	return 0
}

// Spent reports whether the budgets have taken a view's holds from it.
func (db *DB) Spent(name string) bool {
	db.core.mu.Lock()
	defer db.core.mu.Unlock()
	for _, f := range db.core.flows {
		if f.out.desc.Name == name {
			return f.overBudget() != nil
		}
	}
	return false
}

// Entries returns the number of entries applied.
func (db *DB) Entries() uint64 {
	db.core.mu.Lock()
	defer db.core.mu.Unlock()
	return db.core.index
}

// ManualTime is a source of time that stands still until it is advanced.
type ManualTime struct{ at atomic.Int64 }

// NewManualTime starts at noon.
func NewManualTime() *ManualTime { return &ManualTime{} }

// Advance moves the time on.
func (m *ManualTime) Advance(d time.Duration) { m.at.Add(int64(d)) }

// Wall implements log.TimeSource.
func (m *ManualTime) Wall() time.Time {
	return time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC).Add(m.Monotonic())
}

// Monotonic implements log.TimeSource.
func (m *ManualTime) Monotonic() time.Duration { return time.Duration(m.at.Load()) }

// SetFreezePatience changes how long checkpoints wait for dataflows that can be filled again; the result undoes that.
func SetFreezePatience(d time.Duration) (undo func()) {
	old := freezePatience
	freezePatience = d
	return func() { freezePatience = old }
}

// Suspend suspends a live view, as if it had failed.
func (db *DB) Suspend(name string, cause error) {
	c := db.core
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.flows {
		if f.out.desc.Name == name {
			c.suspendFlow(f, cause)
		}
	}
}
