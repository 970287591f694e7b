package streamdb

import (
	"context"
	"math"
	"time"

	"streamdb/storage/relation"
)

// A view in the step shows every epoch from the one it joined at. One that has left the
// step still shows the epochs up to there, and each single one that it reaches on its way
// back; one that is suspended, those up to its last:
//
//	epochs   10 11 12 13 14 15 16 17 18 19 20
//	shown    ├──── live ────┤     ·     ·  ├─ live ─>
//
// A strict read takes an epoch that all its views show. With max_staleness it may take an
// older one, as long as what it misses is no older than that.

// span is epochs that a view's relation shows, [from, to].
type span struct {
	from, to relation.Epoch
	// missing is the log's time at about the first entry that is not shown; of an open
	// span it has no meaning.
	missing int64
}

// openSpan is the end of the span of a live view.
const openSpan = relation.Epoch(math.MaxUint64)

// spansKept is how many spans a view remembers: states of older epochs are gone anyway.
const spansKept = 32

// addSpan notes epochs that the relation shows from now on.
func (f *dataflow) addSpan(s span) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.spans); n == spansKept {
		f.spans = append(f.spans[:0], f.spans[1:]...)
	}
	f.spans = append(f.spans, s)
}

// endSpan ends the span of a view that has been live, at its frontier. What it misses from
// now on is no older than the newest entry that is published. mu is held.
func (f *dataflow) endSpan() {
	n := len(f.spans)
	if n == 0 || f.spans[n-1].to != openSpan {
		return
	}
	f.left = time.Now()
	f.spans[n-1].to = relation.Epoch(f.frontier.Load())
	if p := f.db.published(); p != nil {
		f.spans[n-1].missing = p.time
	}
}

// hiccup is how long a view may be beside the step for a transaction block to wait for it;
// one that is there for longer is not waited for, and cannot be read in the block.
const hiccup = 500 * time.Millisecond

// absent reports whether the view has left the step, a moment ago, and lacks epoch e.
func (f *dataflow) absent(e relation.Epoch) bool {
	if f.joined.Load() == 0 || f.shows(e) || f.is(flowSuspended) || f.is(flowDropped) {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Since(f.left) < hiccup
}

// awaitViews looks for a snapshot that all views show, for a transaction block, of which
// nobody knows what it is going to read.
func (t *transaction) awaitViews(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, hiccup)
	defer cancel()
	for {
		var f *dataflow
		for _, s := range t.snap.rels {
			if s.flow != nil && s.flow.absent(t.snap.epoch) {
				f = s.flow
				break
			}
		}
		if f == nil || f.ready(ctx) != nil || t.db.waitPublished(ctx, relation.Epoch(f.joined.Load())) != nil || !t.renew() {
			return
		}
	}
}

// shows reports whether the view's relation has, or had, the state of epoch e.
func (f *dataflow) shows(e relation.Epoch) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.spans) - 1; i >= 0; i-- {
		if s := f.spans[i]; s.from <= e && e <= s.to {
			return true
		}
	}
	return false
}

// lastShown returns the newest epoch up to e that the view shows, and the log's time at
// the first entry that is missing in it, 0 for none.
func (f *dataflow) lastShown(e relation.Epoch) (at relation.Epoch, missing int64, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.spans {
		switch {
		case s.from > e || s.to < at:
		case s.to >= e:
			return e, 0, true
		default:
			at, missing, ok = s.to, s.missing, true
		}
	}
	return at, missing, ok
}
