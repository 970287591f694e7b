package streamdb

import (
	"container/heap"
	"sync/atomic"
	"time"

	"streamdb/exec"
)

// Time passes in the log only. What waits for it (a dataflow with EMIT EVERY or a temporal
// filter, a watermark that is to move on while its table is quiet) has a timer: the log's
// time of the first entry at which it must act. An entry of that time or later runs it,
// whatever the entry is about; while a timer is due and nothing else arrives, an entry is
// logged that carries nothing but time, a tick.
//
//	entries   ──┬──────────┬───────────────────┬──>
//	            write      write               tick
//	timer          due ────┘ runs     due ─────┘ runs
//
// When ticks come is local; what they do is in the log, for every node alike.

// timer is something that waits for the log's time. The step owns it.
type timer struct {
	due int64
	at  int // its place in the heap plus one, 0 for none
	// flow is the dataflow to be run. Otherwise fire is called, after the entry's
	// operations and before watermarks are raised.
	flow *dataflow
	fire func(s *step)
}

// timers orders the timers by their due time. The step owns it, but for first and wake.
type timers struct {
	heap timerHeap
	// first is the least due time, exec.NoTimer for none.
	first atomic.Int64
	// wake tells the ticker that first has become less.
	wake chan struct{}
}

func newTimers() *timers {
	t := &timers{wake: make(chan struct{}, 1)}
	t.first.Store(exec.NoTimer)
	return t
}

// set makes t due at a time, exec.NoTimer for never. core.mu is held.
func (l *timers) set(t *timer, due int64) {
	t.due = due
	switch {
	case due == exec.NoTimer && t.at > 0:
		heap.Remove(&l.heap, t.at-1)
	case due == exec.NoTimer:
	case t.at > 0:
		heap.Fix(&l.heap, t.at-1)
	default:
		heap.Push(&l.heap, t)
	}
	l.note()
}

// due takes the timers that are due at a time, in no particular order. core.mu is held.
func (l *timers) due(now int64) []*timer {
	var r []*timer
	for len(l.heap) > 0 && l.heap[0].due <= now {
		r = append(r, heap.Pop(&l.heap).(*timer))
	}
	if r != nil {
		l.note()
	}
	return r
}

// note publishes the least due time.
func (l *timers) note() {
	first := int64(exec.NoTimer)
	if len(l.heap) > 0 {
		first = l.heap[0].due
	}
	if l.first.Swap(first) > first {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// timerHeap implements heap.Interface.
type timerHeap []*timer

// Len is the number of timers.
func (h timerHeap) Len() int { return len(h) }

// Less orders by due time.
func (h timerHeap) Less(i, j int) bool { return h[i].due < h[j].due }

// Swap swaps two timers.
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i+1, j+1
}

// Push adds a timer.
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	*h = append(*h, t)
	t.at = len(*h)
}

// Pop takes the last timer.
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.at = 0
	return t
}

// fireTimers runs what is due at the entry's time; dataflows are run by the step, in
// their order. mu is held.
func (c *core) fireTimers(s *step) {
	for _, t := range c.timers.due(s.time) {
		if t.flow != nil {
			s.due = append(s.due, t.flow)
		} else {
			t.fire(s)
		}
	}
}

// tickRetry is the time between two tries of a tick that the log refuses.
const tickRetry = time.Second

// tick logs entries while timers are due and nothing else is logged.
func (db *DB) tick() {
	var next time.Time // not before
	for {
		wait := db.untilDue()
		if !db.leads() {
			wait = max(wait, db.opts.TickInterval) // who leads logs the time
		}
		if wait == 0 {
			wait = time.Until(next)
		}
		if wait > 0 {
			alarm := time.NewTimer(wait)
			select {
			case <-alarm.C:
			case <-db.core.timers.wake:
			case <-db.ctx.Done():
			case <-db.closing:
			}
			alarm.Stop()
			if db.isClosing() {
				return
			}
			continue
		}
		next = time.Now().Add(db.opts.TickInterval)
		if err := db.propose(db.ctx, nil); err != nil {
			if db.isClosing() {
				return
			}
			db.logger.Warn("tick was not logged", "error", err)
			next = time.Now().Add(max(tickRetry, db.opts.TickInterval))
		}
	}
}

// untilDue returns how long it is until the first timer is due, 0 for now. It is to be
// asked again when that time is over: the log's clock may be slower than the machine's.
func (db *DB) untilDue() time.Duration {
	const long = time.Hour
	due := db.core.timers.first.Load()
	if due == exec.NoTimer {
		return long
	}
	left := due - db.logNow()
	if left <= 0 {
		return 0
	}
	return min(time.Duration(min(left, int64(long/time.Microsecond)))*time.Microsecond, long)
}

func (db *DB) isClosing() bool {
	select {
	case <-db.closing:
		return true
	default:
		return db.ctx.Err() != nil
	}
}
