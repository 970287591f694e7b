package relation

import (
	"cmp"
	"errors"
	"math/bits"
	"slices"

	"streamdb/storage"
)

// level groups runs by size: runs of one level are within a factor of four.
func level(rows int) int { return bits.Len(uint(rows)) / 2 }

// mergeRule says which runs may be merged.
type mergeRule struct {
	rowsMax int     // of all runs together; 0: no limit
	fanIn   int     // neighbours of like size that make a merge due
	cut     []Epoch // epochs no merge may cross
	hot     bool    // leave runs alone that would have to be read from disk
}

func (u *mergeRule) allows(r *run) bool { return !r.merging && !(u.hot && r.cold()) }

// window returns the newest runs [lo, hi) that are due to be merged; lo == hi when
// nothing is due.
func (u *mergeRule) window(runs []*run) (lo, hi int) {
	for hi = len(runs); hi > 0; {
		// lowest is the first run that may be merged with run hi-1.
		lowest := hi - 1
		for lowest > 0 && !crosses(u.cut, runs[lowest-1], runs[lowest]) {
			lowest--
		}
		if lo := u.due(runs, lowest, hi); lo < hi {
			return lo, hi
		}
		hi = lowest
	}
	return 0, 0
}

// due looks for a window [lo, hi) with lo >= lowest: level by level, the runs at the
// end that are no larger than it.
func (u *mergeRule) due(runs []*run, lowest, hi int) int {
	best := hi
	rows, top := 0, 0
	for lo := hi; lo > lowest && u.allows(runs[lo-1]); {
		top = max(top, level(runs[lo-1].rows))
		for lo > lowest && level(runs[lo-1].rows) <= top && u.allows(runs[lo-1]) {
			lo--
			rows += runs[lo].rows
		}
		if u.rowsMax > 0 && rows > u.rowsMax {
			break
		}
		if same(runs[lo:hi], top) >= u.fanIn {
			best = lo
		}
	}
	return best
}

// same counts the runs of level top; the smaller ones count as one when together they
// reach it.
func same(runs []*run, top int) int {
	n, smaller := 0, 0
	for _, r := range runs {
		if level(r.rows) == top {
			n++
		} else {
			smaller += r.rows
		}
	}
	if smaller > 0 && level(smaller) >= top {
		n++
	}
	return n
}

func crosses(cut []Epoch, a, b *run) bool {
	for _, e := range cut {
		if a.to <= e+1 && e < b.from {
			return true
		}
	}
	return false
}

// cuts returns the held epochs. mu is held.
func (r *Relation) cuts() []Epoch {
	if len(r.holds) == 0 {
		return nil
	}
	c := make([]Epoch, 0, len(r.holds))
	for h := range r.holds {
		c = append(c, h.epoch)
	}
	return c
}

// mergeInline is the writer's share of the merging.
func (r *Relation) mergeInline() error {
	limit := r.layout.spec.MergeInlineMax
	if limit < 0 {
		return nil
	}
	for {
		if len(r.newest().runs) >= runsMax {
			limit = 0
		}
		done, err := r.merge(mergeRule{rowsMax: limit, fanIn: mergeFanIn, hot: true})
		if err != nil || !done {
			return err
		}
	}
}

// MergeOne merges some neighbouring runs of together at most rowsMax rows (0: any
// number) and reports whether it did; false means that nothing is due. Several
// goroutines may call it. It never waits for readers or the writer.
//
// While the relation changes, four runs of like size are merged; once a call has found
// nothing to do and no change has come since, two are enough.
func (r *Relation) MergeOne(rowsMax int) (bool, error) {
	e := uint64(r.newest().epoch)
	fanIn := mergeFanIn
	if r.settled.Load() == e {
		fanIn = 2
	}
	done, err := r.merge(mergeRule{rowsMax: rowsMax, fanIn: fanIn})
	if !done && err == nil {
		r.settled.Store(e)
	}
	return done, err
}

// MergeDebt returns how many runs the newest state has; readers pay for each.
func (r *Relation) MergeDebt() int { return len(r.newest().runs) }

func (r *Relation) merge(rule mergeRule) (bool, error) {
	r.mu.Lock()
	v := r.newest()
	rule.cut = r.cuts()
	lo, hi := rule.window(v.runs)
	if hi-lo < 2 {
		r.mu.Unlock()
		return false, nil
	}
	window, l := v.runs[lo:hi], v.layout
	for _, run := range window {
		run.merging = true
	}
	r.mu.Unlock()

	merged, err := r.mergeWindow(l, window)

	r.mu.Lock()
	defer r.mu.Unlock()
	for _, run := range window {
		run.merging = false
	}
	if errors.Is(err, storage.ErrDiskFull) {
		return false, nil // Later: readers pay for the height of the stack until there is room.
	}
	if err != nil {
		return false, err
	}
	r.replace(window, merged)
	return true, nil
}

// spillRowsMin is the size from which a merge of runs that are not all in memory goes
// to a file.
const spillRowsMin = 16 * blockRows

// mergeWindow merges in memory, or from files to a file.
func (r *Relation) mergeWindow(l *layout, window []*run) (*run, error) {
	rows, cold := 0, false
	for _, run := range window {
		rows += run.rows
		cold = cold || run.cold()
	}
	if !cold || rows < spillRowsMin || r.store == nil {
		return mergeRuns(l, window)
	}
	if a, ok := r.store.(admitter); ok {
		if err := a.Admit(windowBytes(window)); err != nil {
			return nil, err
		}
	}
	w, err := newRunWriter(l, r.store, window[0].from, window[len(window)-1].to, rows)
	if err != nil {
		return nil, err
	}
	err = mergeBlocks(l, window, func(d *data) error { return w.add(d, false) })
	if err != nil || w.out.rows == 0 {
		w.w.Abort()
		return nil, err
	}
	out, err := w.finish(r.store, r.cache)
	if err != nil {
		w.w.Abort()
		return nil, err
	}
	r.track(out.seg.file)
	return out, nil
}

// windowBytes estimates what the runs take on disk.
func windowBytes(window []*run) int64 {
	n := int64(0)
	for _, run := range window {
		if run.seg != nil {
			n += run.seg.file.seg.Meta().Bytes
		} else {
			n += run.bytes / memoryPerDisk
		}
	}
	return n
}

// memoryPerDisk is about how many bytes in memory become one on disk, where prefixes are left out and blocks compressed.
const memoryPerDisk = 2

// replace puts merged in the place of window in every state that has all of it. mu is
// held.
func (r *Relation) replace(window []*run, merged *run) {
	old := *r.versions.Load()
	next := slices.Clone(old)
	for i := range next {
		next[i].runs = replaceRuns(next[i].runs, window, merged)
	}
	r.versions.Store(&next)
	for h := range r.holds {
		h.state.runs = replaceRuns(h.state.runs, window, merged)
	}
}

func replaceRuns(runs, window []*run, merged *run) []*run {
	lo := slices.Index(runs, window[0])
	if lo < 0 || lo+len(window) > len(runs) || !slices.Equal(runs[lo:lo+len(window)], window) {
		return runs
	}
	out := make([]*run, 0, len(runs)-len(window)+2)
	out = append(out, runs[:lo]...)
	if merged != nil {
		out = append(out, merged)
	}
	return append(out, runs[lo+len(window):]...)
}

// Bytes returns the memory the relation's rows, history and holds take.
func (r *Relation) Bytes() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[*run]bool{}
	n := int64(0)
	count := func(runs []*run) {
		for _, run := range runs {
			if !seen[run] {
				seen[run] = true
				n += run.bytes
			}
		}
	}
	for _, v := range *r.versions.Load() {
		count(v.runs)
	}
	for h := range r.holds {
		count(h.state.runs)
	}
	for _, d := range r.deltas {
		switch {
		case d.run != nil:
			count([]*run{d.run})
		case d.gone != nil:
			count(d.gone.runs)
		}
	}
	return n
}

func sortHolds(h []HoldInfo) {
	slices.SortFunc(h, func(a, b HoldInfo) int {
		return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Owner, b.Owner))
	})
}
