package exec

import (
	"math"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// overExtreme is min and max. Values become 64-bit keys in their order, and the rows of
// a frame that can still be the extreme of a later frame wait in a queue with falling
// keys: each row enters and leaves it once.
//
//	max, values 3 1 4 1 5, frame of 3 rows:   3 | 3 1 | 4 | 4 1 | 5
type overExtreme struct {
	call int
	spec *physical.WindowCall
	max  bool

	keys   []int64
	sorter chunk.Sorter
	order  *chunk.Comparator
	queues [2][]int32
	from   []int32
	front  int32 // the row that stands for what lies in front of the span, or noRow
}

func (a *overExtreme) eval(b *overBatch, fr *overFrames) *chunk.Column {
	arg := b.cols[a.spec.Args[0]]
	skip := overSkip(a.spec, false, b.cols, b.rows)
	var priors *chunk.Column
	if fr.carry && b.priors != nil {
		// What the frames of a late span begin with stands behind the arguments.
		priors = b.priors(a.call)
		all := chunk.NewColumn(a.spec.Type, b.rows+priors.Len())
		all.AppendRows(arg, nil)
		all.AppendRows(priors, nil)
		arg = all
	}
	a.orderKeys(arg)
	if cap(a.from) < len(fr.l0) {
		a.from = make([]int32, len(fr.l0))
	}
	from := a.from[:len(fr.l0)]
	for s := range b.spans {
		a.front = noRow
		if priors != nil && b.spans[s].first > 0 && !priors.IsNull(s) {
			a.front = int32(b.rows + s)
		}
		a.span(fr, s, b.spans[s].base, skip, from)
	}
	return spreadRuns(gatherRows(arg, from), fr)
}

// span finds the extremes of the runs of span s, which begins at row base.
func (a *overExtreme) span(fr *overFrames, s int, base int32, skip []bool, from []int32) {
	keys := a.keys
	left := slidingQueue{rows: a.queues[0][:0], next: base}
	right := slidingQueue{rows: a.queues[1][:0], next: base}
	for k := fr.spanAt[s]; k < fr.spanAt[s+1]; k++ {
		best := left.move(keys, skip, fr.l0[k], fr.l1[k])
		if fr.r0 != nil {
			best = better(keys, best, right.move(keys, skip, fr.r0[k], fr.r1[k]))
			if i := fr.alone(k); i >= 0 && (skip == nil || !skip[i]) {
				best = better(keys, best, i)
			}
		}
		from[k] = better(keys, best, a.front)
	}
	a.queues[0], a.queues[1] = left.rows, right.rows
}

func better(keys []int64, a, b int32) int32 {
	if a == noRow || b != noRow && keys[b] > keys[a] {
		return b
	}
	return a
}

// slidingQueue holds the rows of a range whose ends rise, without those behind which a
// row with a greater or equal key has come; head is the greatest.
type slidingQueue struct {
	rows []int32
	head int
	next int32 // the end of the range so far
}

// move brings the range to [lo, hi) and returns the row with the greatest key, noRow if
// there is none.
func (q *slidingQueue) move(keys []int64, skip []bool, lo, hi int32) int32 {
	q.next = max(q.next, lo)
	for ; q.next < hi; q.next++ {
		if skip != nil && skip[q.next] {
			continue
		}
		for len(q.rows) > q.head && keys[q.rows[len(q.rows)-1]] <= keys[q.next] {
			q.rows = q.rows[:len(q.rows)-1]
		}
		q.rows = append(q.rows, q.next)
	}
	for q.head < len(q.rows) && q.rows[q.head] < lo {
		q.head++
	}
	if q.head == len(q.rows) {
		return noRow
	}
	return q.rows[q.head]
}

// orderKeys sets keys that are the greater the better their row is as the extreme.
func (a *overExtreme) orderKeys(c *chunk.Column) {
	n := c.Len()
	if cap(a.keys) < n {
		a.keys = make([]int64, n)
	}
	a.keys = a.keys[:n]
	keys := a.keys
	switch c.Type.Class() {
	case types.ClassInt:
		copy(keys, c.Ints)
	case types.ClassFloat:
		for i, v := range c.Floats {
			if v != v {
				keys[i] = math.MaxInt64
				continue
			}
			b := int64(math.Float64bits(v))
			keys[i] = b ^ int64(uint64(b>>63)>>1)
		}
	default:
		if a.order == nil {
			a.order = chunk.NewIdentityComparator(chunk.Schema{c.Type}, chunk.Ascending(0))
		}
		for at, i := range a.sorter.Sort(a.order, []*chunk.Column{c}, n) {
			keys[i] = int64(at)
		}
	}
	if !a.max {
		for i := range keys {
			keys[i] = ^keys[i]
		}
	}
}
