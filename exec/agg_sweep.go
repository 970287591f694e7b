package exec

import (
	"slices"

	"streamdb/sql/chunk"
)

// sweep is what an aggregation needs while a part of its groups lies on disk. Then it does not look each row's group up as
// it comes, since every look may wait for the disk: the rows wait, for the end of the epoch or until they are many, and
// are folded in the order of their groups' slots, so that the disk is read from one end to the other, ahead of what is
// folded, and each part once. What has changed is emitted as it goes.
//
//	rows ── Locate: slots, one pass over the index ── sorted ──> window: read ahead │ fold │ emit │ write │ leave
type sweep struct {
	on    bool         // many groups were on disk lately
	rows  *chunk.Chunk // that wait
	last  int          // how many they were before
	guess []int32
	order []uint64 // slot << 32 | row
	slots []int32
	hash  []uint64

	// short says that not all of the table is in memory: then what is folded is written and let go at once.
	short bool
}

const (
	// sweepWindow is the number of rows of a window, sweepPages its pages of the table at most.
	sweepWindow = 4 * chunk.RowsMax
	sweepPages  = 64
	// sweepShare is the part of the rows whose groups must lie on disk for sorting to be worth while.
	sweepShare = 8
)

// wait takes the rows of c if they are to wait, and folds what waits once it is much.
func (a *agg) wait(c *chunk.Chunk, out *Output) bool {
	most := a.table.SweepRows()
	if most == 0 || a.panes != nil || a.expand != nil || a.global {
		return false
	}
	s := &a.sweep
	if found, asked := a.table.ColdShare(); asked > 0 {
		s.on = found*sweepShare >= asked
	}
	if !s.on && s.rows == nil {
		return false
	}
	if s.rows == nil {
		s.rows = &chunk.Chunk{}
		for _, col := range c.Cols {
			s.rows.Cols = append(s.rows.Cols, chunk.NewColumn(col.Type, s.last))
		}
	}
	s.rows.AppendRows(c, nil)
	if s.rows.Rows >= most || s.rows.MemoryBytes() >= int64(most)*64 {
		a.foldWaiting(out)
	}
	return true
}

// foldWaiting folds the rows that wait and emits the changes of their groups. An epoch of more rows than are to wait may
// emit a group more than once.
func (a *agg) foldWaiting(out *Output) {
	s := &a.sweep
	if s.rows == nil || s.rows.Rows == 0 {
		return
	}
	a.emitFar(out) // what has come before rows had to wait
	rows := s.rows
	s.rows, s.last = nil, rows.Rows
	hash := hashKeys(rows, a.keys, &a.hash)
	s.guess = slices.Grow(s.guess[:0], rows.Rows)[:rows.Rows]
	cold := a.table.Locate(hash, s.guess)
	rows.Hash, rows.HashCols = hash, a.keys
	if s.on = cold*sweepShare >= rows.Rows; !s.on {
		a.foldUnsorted(rows)
		a.emitFar(out)
		return
	}
	s.sort()
	s.short = false
	// Windows are read one ahead and left two behind, when what was written of them is on disk.
	var now, next, written []int32
	for lo, hi := 0, s.window(0); lo < len(s.order); {
		end := hi
		if hi < len(s.order) {
			end = s.window(hi)
		}
		if lo == 0 {
			now = a.fetch(lo, hi)
		}
		next = a.fetch(hi, end)
		if s.short {
			a.table.FetchPages(now) // again, what the system had no room for
		}
		a.foldWindow(rows, lo, hi)
		a.emitDirty(out)
		a.table.LeavePages(written)
		a.table.WritePages(now)
		written, now, lo, hi = now, next, hi, end
	}
	a.table.LeavePages(written)
	a.table.ColdShare() // of what has come just now: it says nothing of what comes
}

// sort orders the rows that wait by slot; those without a group yet come last.
func (s *sweep) sort() {
	s.order = s.order[:0]
	for i, g := range s.guess {
		s.order = append(s.order, uint64(uint32(g))<<32|uint64(uint32(i)))
	}
	slices.Sort(s.order)
}

// window returns the end of the window that begins at lo.
func (s *sweep) window(lo int) int {
	hi := min(lo+sweepWindow, len(s.order))
	last := s.order[lo]>>32 + sweepPages*chunk.PageRows
	if s.order[hi-1]>>32 > last {
		hi, _ = slices.BinarySearch(s.order, (last+1)<<32)
	}
	// The rows of a group stay together.
	for hi < len(s.order) && s.order[hi]>>32 == s.order[hi-1]>>32 && int32(s.order[hi]>>32) >= 0 {
		hi++
	}
	return hi
}

// fetch begins to read the groups of a window.
func (a *agg) fetch(lo, hi int) []int32 {
	s := &a.sweep
	s.slots = s.slots[:0]
	for _, o := range s.order[lo:hi] {
		if slot := int32(o >> 32); slot >= 0 {
			s.slots = append(s.slots, slot)
		}
	}
	pages := a.table.FetchRows(s.slots, nil, s.short)
	s.short = s.short || len(pages) > 0
	return pages
}

// foldWindow folds the rows of a window.
func (a *agg) foldWindow(rows *chunk.Chunk, lo, hi int) {
	idx := make([]int32, 0, chunk.RowsMax)
	guess := make([]int32, 0, chunk.RowsMax)
	for ; lo < hi; lo += len(idx) {
		idx, guess = idx[:0], guess[:0]
		for _, o := range a.sweep.order[lo:min(lo+chunk.RowsMax, hi)] {
			idx, guess = append(idx, int32(uint32(o))), append(guess, int32(o>>32))
		}
		a.foldGuessed(rows.Gather(idx), guess)
	}
}

// foldUnsorted folds rows most of whose groups are in memory.
func (a *agg) foldUnsorted(rows *chunk.Chunk) {
	for lo := 0; lo < rows.Rows; lo += chunk.RowsMax {
		hi := min(lo+chunk.RowsMax, rows.Rows)
		guess := a.sweep.guess[lo:hi]
		slots := a.sweep.slots[:0]
		for _, g := range guess {
			if g >= 0 {
				slots = append(slots, g)
			}
		}
		slices.Sort(slots)
		a.sweep.slots = slots
		a.table.FetchRows(slots, nil, false)
		a.foldGuessed(rows.Slice(lo, hi), guess)
	}
}

// emitFar is emitDirty of groups that may have left memory since they were folded.
func (a *agg) emitFar(out *Output) {
	if len(a.dirty) > 0 && a.table.Split() {
		a.sweep.slots = append(a.sweep.slots[:0], a.dirty...)
		slices.Sort(a.sweep.slots)
		a.table.FetchRows(a.sweep.slots, nil, false)
	}
	a.emitDirty(out)
}

// foldGuessed is fold of rows whose groups' slots are guessed.
func (a *agg) foldGuessed(c *chunk.Chunk, guess []int32) {
	hash := hashKeys(c, a.keys, &a.sweep.hash)
	a.keyColumns(c.Cols, a.keys)
	slots := a.slotsFor(c.Rows)
	a.table.UpsertGuessed(a.keyCols, hash, guess, slots)
	a.foldSlots(c, slots)
}

// bytes is the memory that the rows which wait take, and what is kept for others.
func (s *sweep) bytes() int64 {
	n := int64(cap(s.guess)*4 + cap(s.order)*8 + cap(s.slots)*4)
	if s.rows != nil {
		n += s.rows.MemoryBytes()
	}
	return n
}
