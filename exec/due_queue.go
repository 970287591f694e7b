package exec

import (
	"cmp"
	"slices"
)

// dueQueue holds slots of a table by the time at which something is to be done with
// them. It is a stack of sorted runs: what is added together is a run, neighbours of
// like size are merged, so that there are about log n of them and an entry is moved
// log n times. Entries are never looked up: one whose slot has been freed or given
// another time since is stale, and dropped when it comes up or its run is merged.
type dueQueue struct {
	runs []dueRun
	size int // entries, stale ones included
}

// dueRun is entries ascending by time; those before at have been taken.
type dueRun struct {
	due  []int64
	slot []int32
	at   int
}

func (r *dueRun) len() int { return len(r.due) - r.at }

// add adds entries; valid tells stale ones apart when runs are merged.
func (q *dueQueue) add(due []int64, slots []int32, valid func(slot int32, due int64) bool) {
	if len(due) == 0 {
		return
	}
	q.runs = append(q.runs, sortedRun(due, slots))
	q.size += len(due)
	for n := len(q.runs); n > 1 && q.runs[n-2].len() < 2*q.runs[n-1].len(); n = len(q.runs) {
		before := q.runs[n-2].len() + q.runs[n-1].len()
		m := mergeRuns(&q.runs[n-2], &q.runs[n-1], valid)
		q.size += m.len() - before
		q.runs = append(q.runs[:n-2], m)
	}
}

// sortedRun copies entries in order.
func sortedRun(due []int64, slots []int32) dueRun {
	r := dueRun{due: make([]int64, len(due)), slot: make([]int32, len(due))}
	if slices.IsSorted(due) {
		copy(r.due, due)
		copy(r.slot, slots)
		return r
	}
	order := make([]int32, len(due))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(due[a], due[b]) })
	for i, o := range order {
		r.due[i], r.slot[i] = due[o], slots[o]
	}
	return r
}

func mergeRuns(a, b *dueRun, valid func(int32, int64) bool) dueRun {
	n := a.len() + b.len()
	r := dueRun{due: make([]int64, 0, n), slot: make([]int32, 0, n)}
	i, k := a.at, b.at
	for i < len(a.due) || k < len(b.due) {
		from, at := a, &i
		if i == len(a.due) || k < len(b.due) && b.due[k] < a.due[i] {
			from, at = b, &k
		}
		if d, s := from.due[*at], from.slot[*at]; valid(s, d) {
			r.due, r.slot = append(r.due, d), append(r.slot, s)
		}
		*at++
	}
	return r
}

// take appends the slots of entries due at or before now to dst, each once.
func (q *dueQueue) take(now int64, dst []int32, valid func(int32, int64) bool) []int32 {
	from := len(dst)
	for i := range q.runs {
		r := &q.runs[i]
		for r.at < len(r.due) && r.due[r.at] <= now {
			if s := r.slot[r.at]; valid(s, r.due[r.at]) {
				dst = append(dst, s)
			}
			r.at++
			q.size--
		}
	}
	q.runs = slices.DeleteFunc(q.runs, func(r dueRun) bool { return r.len() == 0 })
	// A slot that was freed and taken again for the same time has two entries.
	slices.Sort(dst[from:])
	return dst[:from+len(slices.Compact(dst[from:]))]
}

// count counts the entries due at or before now, stale ones included.
func (q *dueQueue) count(now int64) int64 {
	n := 0
	for i := range q.runs {
		r := &q.runs[i]
		k, _ := slices.BinarySearch(r.due[r.at:], now+1)
		n += k
	}
	return int64(n)
}

// next returns the time of the first entry that is not stale, NoTimer if there is none.
func (q *dueQueue) next(valid func(int32, int64) bool) int64 {
	first := int64(NoTimer)
	for i := range q.runs {
		r := &q.runs[i]
		for r.at < len(r.due) && !valid(r.slot[r.at], r.due[r.at]) {
			r.at++
			q.size--
		}
		if r.at < len(r.due) {
			first = min(first, r.due[r.at])
		}
	}
	return first
}

// sweep drops stale entries when they are more than the live ones.
func (q *dueQueue) sweep(live int, valid func(int32, int64) bool) {
	if q.size <= 2*live+1024 {
		return
	}
	q.size = 0
	for i := range q.runs {
		r := mergeRuns(&q.runs[i], &dueRun{}, valid)
		q.runs[i] = r
		q.size += r.len()
	}
	q.runs = slices.DeleteFunc(q.runs, func(r dueRun) bool { return r.len() == 0 })
}

// bytes is the memory of the entries.
func (q *dueQueue) bytes() int64 {
	n := int64(0)
	for i := range q.runs {
		n += int64(cap(q.runs[i].due))*8 + int64(cap(q.runs[i].slot))*4
	}
	return n
}
