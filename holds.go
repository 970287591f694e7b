package streamdb

import (
	"slices"
	"sync"
	"time"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/storage/relation"
)

// Who reads an old epoch keeps its rows, and those changed since, from being merged and
// freed. That has a budget: in bytes for all together, in log time for each. When it is
// spent, the worst holder loses what it holds, never the step its speed: a transaction and
// a subscription get 72000, a dataflow beside the step is suspended.

// settleAfter is how long a transaction may be among the readers, who cost nothing to
// begin with but keep the states of all relations; then it takes snapshots of its own.
const settleAfter = 100 * time.Millisecond

// holdsEvery is how often the budgets are looked at while relations change.
const holdsEvery = 100 * time.Millisecond

// holder is somebody who keeps the past.
type holder struct {
	kind  string // transaction, subscription or dataflow
	name  string
	pid   uint32 // of a session, else 0
	epoch relation.Epoch
	time  int64         // the log's at epoch
	limit time.Duration // of its age; 0 means none
	// usage adds up what it keeps, in bytes; each gives it by relation.
	usage func(u *relation.Usage) int64
	each  func(visit func(s *stored, bytes int64))
	// end takes it away, saying why.
	end func(cause error)
}

// subscriptions is the running subscriptions.
type subscriptions struct {
	mu  sync.Mutex
	all map[*subscription]struct{}
}

func (l *subscriptions) add(u *subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = make(map[*subscription]struct{})
	}
	l.all[u] = struct{}{}
}

func (l *subscriptions) remove(u *subscription) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, u)
}

// holders lists who keeps the past now.
func (db *DB) holders() []holder {
	var all []holder
	for _, c := range db.sessions.list() {
		if t := c.running.Load(); t != nil {
			all = append(all, t.holder(c))
		}
	}
	db.subs.mu.Lock()
	for u := range db.subs.all {
		all = append(all, u.holder())
	}
	db.subs.mu.Unlock()
	db.core.mu.Lock()
	flows := db.core.flows
	db.core.mu.Unlock()
	for _, f := range flows {
		if h, ok := f.holder(); ok {
			all = append(all, h)
		}
	}
	return all
}

func (t *transaction) holder(c *conn) holder {
	t.mu.Lock()
	defer t.mu.Unlock()
	pinned := func(visit func(*stored, *relation.Snapshot)) {
		t.mu.Lock()
		defer t.mu.Unlock()
		for s, st := range t.states {
			visit(s, st)
		}
	}
	return holder{kind: "transaction", name: c.user, pid: c.start.PID, epoch: t.snap.epoch, time: t.snap.time, limit: t.db.opts.HoldAge,
		usage: func(u *relation.Usage) (n int64) {
			pinned(func(s *stored, st *relation.Snapshot) { n += u.Snapshot(s.rel, st) })
			return n
		},
		each: func(visit func(*stored, int64)) {
			pinned(func(s *stored, st *relation.Snapshot) { visit(s, (&relation.Usage{}).Snapshot(s.rel, st)) })
		},
		end: func(cause error) {
			err := error(sqlerr.Wrap(cause, sqlerr.SnapshotTooOld, "the transaction's snapshot was taken from it: %s", cause.Error()).
				WithHint("Keep transactions and statements shorter, or start the server with larger --hold-memory and --hold-age."))
			t.taken.Store(&err)
			t.mu.Lock()
			defer t.mu.Unlock()
			t.leaveLocked()
			clear(t.states)
		}}
}

func (u *subscription) holder() holder {
	return holder{kind: "subscription", name: u.owner.user, pid: u.owner.start.PID, epoch: u.hold.Epoch(), time: u.since.Load(), limit: u.db.opts.HoldAge,
		usage: func(us *relation.Usage) int64 { return us.Hold(u.hold) },
		each:  func(visit func(*stored, int64)) { visit(u.s, (&relation.Usage{}).Hold(u.hold)) },
		end: func(cause error) {
			u.ended.Store(&cause)
			u.hold.Break()
		}}
}

func (f *dataflow) holder() (h holder, ok bool) {
	f.mu.Lock()
	w := f.filler
	f.mu.Unlock()
	if w == nil {
		return h, false
	}
	h = holder{kind: "dataflow", name: f.out.desc.Name, time: w.since.Load(), limit: f.db.opts.LagAge,
		usage: func(u *relation.Usage) (n int64) {
			for _, x := range w.holds {
				if x != nil {
					n += u.Hold(x)
				}
			}
			return n
		},
		each: func(visit func(*stored, int64)) {
			for i, x := range w.holds {
				if x != nil {
					visit(w.f.inputs[i].rel, (&relation.Usage{}).Hold(x))
				}
			}
		},
		end: func(cause error) {
			f.mu.Lock()
			f.spent = cause
			f.mu.Unlock()
			for _, x := range w.holds {
				if x != nil {
					x.Break()
				}
			}
		}}
	for _, x := range w.holds {
		if x != nil {
			h.epoch = x.Epoch()
		}
	}
	return h, true
}

// overBudget returns why the dataflow's holds were broken, nil if they were not.
func (f *dataflow) overBudget() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.spent
}

// cause returns why a hold does not serve any more, where the budgets are the reason.
func (w *fill) cause(err error) error {
	if spent := w.f.overBudget(); spent != nil {
		return spent
	}
	return err
}

// settle makes transactions that have been among the readers for a while take snapshots.
func (db *DB) settle() {
	for _, c := range db.sessions.list() {
		if t := c.running.Load(); t != nil && time.Since(t.begun) > settleAfter {
			t.stay()
		}
	}
}

// checkHolds breaks the holds that are too old and, while all together keep more than
// they may, the worst: the one that keeps most.
func (db *DB) checkHolds() {
	all := db.holders()
	now := db.published().time
	all = slices.DeleteFunc(all, func(h holder) bool {
		age := time.Duration(now-h.time) * time.Microsecond
		if h.limit <= 0 || age <= h.limit {
			return false
		}
		db.breakHold(h, 0, sqlerr.New(sqlerr.SnapshotTooOld, "it was held for %s, longer than %s", age.Round(time.Second), h.limit))
		return true
	})
	for len(all) > 0 && db.opts.HoldMemory > 0 {
		var u relation.Usage
		worst, most := -1, int64(0)
		for i := range all {
			if n := all[i].usage(&u); n > most {
				worst, most = i, n
			}
		}
		if u.Total <= db.opts.HoldMemory || worst < 0 {
			return
		}
		db.breakHold(all[worst], most, sqlerr.New(sqlerr.SnapshotTooOld, "it kept %d bytes of old rows; all holds together kept %d, the budget is %d",
			most, u.Total, db.opts.HoldMemory))
		all = slices.Delete(all, worst, worst+1)
	}
}

func (db *DB) breakHold(h holder, bytes int64, cause error) {
	db.logger.Warn("hold broken", "kind", h.kind, "owner", h.name, "pid", h.pid, "epoch", h.epoch, "bytes", bytes, "cause", cause)
	h.end(cause)
}

// fillHolds fills streamdb.holds: what each holder keeps of each relation, and the holds
// of checkpoints. The reader's own transaction is left out.
func fillHolds(c *conn, t *transaction, out *chunk.Chunk) {
	row := func(relation any, h holder, bytes int64) {
		var pid any
		if h.pid != 0 {
			pid = int64(h.pid)
		}
		age := types.Datum{V: types.Interval{Micros: max(c.db.published().time-h.time, 0)}}
		put(out, relation, h.name, int64(h.epoch), bytes, h.kind, pid, age)
	}
	for _, h := range c.db.holders() {
		if h.pid == c.start.PID && h.kind == "transaction" {
			continue
		}
		shown := false
		h.each(func(s *stored, bytes int64) {
			if bytes > 0 || h.kind != "transaction" {
				row(s.desc.Name, h, bytes)
				shown = true
			}
		})
		if !shown {
			row(nil, h, 0)
		}
	}
	t.eachStored(func(s *stored) {
		if s.rel == nil {
			return
		}
		for _, x := range s.rel.Holds() {
			if x.Owner == checkpointOwner {
				row(s.desc.Name, holder{kind: x.Owner, name: x.Owner, epoch: x.Epoch, time: c.db.published().time}, x.Bytes)
			}
		}
	})
}
