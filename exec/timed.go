package exec

import (
	"math"
	"slices"
)

// NoTimer is the due time of what waits for nothing.
const NoTimer = math.MaxInt64

// Timed is implemented by operators that have something to do when time passes and
// nothing arrives.
//
// NextDue returns the log time (µs since 2000-01-01 UTC, as FlushContext.Time) of the
// first entry at which Flush must run even without input, NoTimer for none. It is asked
// between two epochs and lies behind the time of the last Flush. It follows from the
// operator's state: after a restart it is what it was.
//
// An entry at which it is due need not end a delta of several epochs: a dataflow that
// lags may flush once for many entries. That is right where the output follows from the
// input and FlushContext.Time alone, as that of a temporal filter does. Where it also
// depends on the entries in between, the operator is a Cutter as well.
type Timed interface {
	Operator
	NextDue() int64
}

// Cut says whether an entry must end a delta, see Cutter.
type Cut uint8

const (
	// CutNone: the entry may lie within a delta.
	CutNone Cut = iota
	// CutLast: it ends a delta, unless a later entry that is known by now says the same.
	CutLast
	// CutChange: it ends a delta, unless the entry behind it leaves alone what is looked up,
	// see Dataflow.LookedUp.
	CutChange
	// CutEach: it ends a delta in any case.
	CutEach
)

// Cutter is implemented by operators whose output depends on what their input was at
// certain entries, which therefore must not lie within a delta of several epochs.
//
// CutAt tells, from the times of an entry and of the one before it, whether it is such
// an entry. It depends on nothing else and may be called at any time, from any
// goroutine: which entries matter must be known before the dataflow gets there.
type Cutter interface {
	Operator
	CutAt(prev, now int64) Cut
}

// NextDue returns the log time of the first entry at which Flush must run even if
// nothing is pushed, NoTimer for none. It is called between two epochs.
func (d *Dataflow) NextDue() int64 {
	due := int64(NoTimer)
	for _, t := range d.timed {
		due = min(due, t.NextDue())
	}
	return due
}

// CutAt returns how the entry at time now, which follows the one at prev, ends a delta.
// It may be called at any time, from any goroutine.
func (d *Dataflow) CutAt(prev, now int64) Cut {
	c := CutNone
	for _, t := range d.cutters {
		switch k := t.CutAt(prev, now); {
		case min(c, k) == CutLast && max(c, k) == CutChange:
			return CutEach // no rule of one of them is enough
		default:
			c = max(c, k)
		}
	}
	return c
}

// LookedUp returns the scans, as numbered by Scans, whose changes end a delta before their
// entry: rows that came before must not meet them.
func (d *Dataflow) LookedUp() []int {
	var scans []int
	for _, t := range d.cutters {
		if j, ok := t.(*lookupJoin); ok {
			for i, s := range d.scans {
				if slices.Contains(j.looks, s.Node) {
					scans = append(scans, i)
				}
			}
		}
	}
	return scans
}

// Cuts reports whether there are entries at which CutAt is not CutNone: what such a
// dataflow holds depends on when it was begun.
func (d *Dataflow) Cuts() bool { return len(d.cutters) > 0 }

// collectTimed finds the operators that wait for time.
func (d *Dataflow) collectTimed() {
	for _, f := range d.frags {
		for w, in := range f.inst {
			for i := range in.ops {
				if t, ok := in.ops[i].op.(Timed); ok {
					d.timed = append(d.timed, t)
				}
				if t, ok := in.ops[i].op.(Cutter); ok && w == 0 {
					d.cutters = append(d.cutters, t)
				}
			}
		}
	}
}
