package streamdb

import (
	"slices"

	"streamdb/exec"
	"streamdb/storage/relation"
)

// A dataflow beside the step takes many epochs as one delta, but not across an entry at
// which it would have acted on time within the step: what EMIT EVERY shows is what its
// input was at such an entry. Which entries these are follows from their times alone (see
// exec.Cutter), so that each is noted as it is applied, for the dataflows that are behind,
// with what else must be known of that moment. The rows of that epoch are there as long as
// the dataflow's holds stand.
//
//	head      ─e1──┬──e2──────┬────e3──>     ┬: a multiple of the interval
//	dataflow     (.., e1] as one delta (e1, e3]
//
// A view must have been at the entries of those that read it, too. Of entries that follow
// each other only the last is kept where they matter to the same dataflows alone: what
// these show is what the input was at the last of them. A join that looks up a table has such
// an entry before each that changes the table; those in between are replaced as well.

// stop is where a delta of several epochs ends.
type stop struct {
	epoch      relation.Epoch
	time, prev int64 // of its entry, and of the one before it
	cut        bool  // it is a cut, not the head
}

// cut is an entry at which a delta must end.
type cut struct {
	stop
	by    []*dataflow // to whom it matters: the dataflow, or those that read it
	each  bool        // it is kept in any case
	marks [][]int64   // of the inputs, nil where a view was behind itself
	until []int64     // offsets of the inputs that are logged by reference
	late  [][]int64   // and those of their late rows
}

// cutRows is the number of rows that costs about as much as a delta for itself.
const cutRows = 16

// noteCuts notes the entry for the dataflows that must not pass it. mu is held.
func (c *core) noteCuts(s *step) {
	if len(c.fills) == 0 {
		return
	}
	c.fills = slices.DeleteFunc(c.fills, func(w *fill) bool { return w.over.Load() || w.f.is(flowLive) })
	for _, w := range c.fills {
		k := cut{stop: stop{epoch: s.epoch, time: s.time, prev: s.prev, cut: true}}
		if c.addCutters(&k, w.f); len(k.by) == 0 {
			continue
		}
		k.marks = w.f.watermarks()
		k.until, k.late = w.f.offsets(w)
		if n := len(w.cuts); n > 0 && k.replaces(&w.cuts[n-1], s) {
			w.cuts = w.cuts[:n-1]
		}
		w.cuts = append(w.cuts, k)
	}
}

// addCutters notes to whom a cut matters, of f and those that read it. mu is held.
func (c *core) addCutters(k *cut, f *dataflow) {
	switch f.run.CutAt(k.prev, k.time) {
	case exec.CutEach:
		k.each = true
		fallthrough
	case exec.CutLast, exec.CutChange:
		if !slices.Contains(k.by, f) {
			k.by = append(k.by, f)
		}
	}
	for _, r := range c.readers[f.out.id] {
		c.addCutters(k, r)
	}
}

// replaces reports whether the cut before, which nobody has come to yet, need not be made
// because of that of the step's entry.
func (k *cut) replaces(before *cut, s *step) bool {
	return !before.each && !slices.ContainsFunc(before.by, func(f *dataflow) bool { return !slices.Contains(k.by, f) || f.finds(s) })
}

// finds reports whether the entry may change what f looks up: rows that came before it must
// not meet that.
func (f *dataflow) finds(s *step) bool {
	return slices.ContainsFunc(f.run.LookedUp(), func(i int) bool {
		in := &f.inputs[i]
		return in.rel.flow != nil || s.rewritten[in.rel.id] || len(in.changes(s)) > 0
	})
}

// nextStop returns where the next delta ends, and aims there: at the first cut or the
// head. core.mu is held, and all views that are read are live.
func (w *fill) nextStop() (stop, error) {
	if len(w.cuts) == 0 {
		return stop{epoch: w.c.epoch, time: w.c.time, prev: w.c.prev}, w.aim()
	}
	k := w.cuts[0]
	w.cuts = w.cuts[1:]
	w.marks = k.marks
	for i := range w.f.inputs {
		if up := w.f.inputs[i].rel.flow; up != nil {
			w.marks = withMarks(w.marks, i, len(w.f.inputs), up.marksOf(k.epoch, w.f.inputs[i].cols))
		}
	}
	copy(w.until, k.until)
	copy(w.late, k.late)
	return k.stop, nil
}

// withMarks puts the watermarks of input i among those of n inputs, if it has any.
func withMarks(marks [][]int64, i, n int, of []int64) [][]int64 {
	if of == nil {
		return marks
	}
	if marks == nil {
		marks = make([][]int64, n)
	}
	marks[i] = of
	return marks
}

// toHead applies all that is left, under core.mu.
func (w *fill) toHead() error {
	for {
		to, err := w.nextStop()
		if err == nil {
			err = w.catchUp(to)
		}
		if err != nil || !to.cut {
			return err
		}
	}
}

// offsets returns where the inputs that are logged by reference stand. core.mu is held.
func (f *dataflow) offsets(w *fill) (until []int64, late [][]int64) {
	until, late = slices.Clone(w.until), slices.Clone(w.late)
	for i := range f.inputs {
		if src := f.inputs[i].rel.source; w.holds[i] == nil && src != nil {
			until[i], late[i] = src.offset, src.late
		}
	}
	return until, late
}

// markedEpoch is a view's watermarks at an epoch.
type markedEpoch struct {
	epoch relation.Epoch
	marks []int64
}

// noteMarks keeps the output's watermarks at a cut, for those that read the view.
func (f *dataflow) noteMarks(e relation.Epoch) {
	f.marksAt = append(f.marksAt, markedEpoch{e, slices.Clone(f.marks)})
}

// marksOf returns the watermarks of columns at a cut that the view has come by beside the
// step; nil if it was live then.
func (f *dataflow) marksOf(e relation.Epoch, cols []int) []int64 {
	i := slices.IndexFunc(f.marksAt, func(m markedEpoch) bool { return m.epoch == e })
	if i < 0 || f.marksAt[i].marks == nil {
		return nil
	}
	r := make([]int64, len(cols))
	for k, pos := range cols {
		r[k] = f.marksAt[i].marks[pos]
	}
	return r
}

// forgetMarks drops the watermarks of earlier absences, unless somebody who was absent as
// well still needs them. core.mu is held.
func (f *dataflow) forgetMarks(c *core) {
	for _, r := range c.readers[f.out.id] {
		if r.is(flowFilling) {
			return
		}
	}
	f.marksAt = nil
}
