package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
)

// overSpan is a stretch of one partition's rows in a batch: rows [base, end) of the
// batch are the partition's rows from position first on. Results are wanted for the
// rows [lo, hi); the others are there because frames reach them.
//
//	partition   0 1 2 3 4 5 6 7 8       first = 3, size = 9
//	batch             [base … lo … hi … end)
type overSpan struct {
	base, end int32
	lo, hi    int32
	first     int32
	size      int32 // rows of the partition
	part      int32 // slot of the partition, for totals
	prior     int32 // result slot of the row in front of base, -1 for none
}

// overBatch is rows of one or several partitions, in their order, for which window
// functions are evaluated at once.
type overBatch struct {
	// cols is the input's columns; those that no call reads may be nil.
	cols  []*chunk.Column
	rows  int
	spans []overSpan
	outs  int // rows for which results are wanted
	// priors loads, per span, column k of the results of the row in front; nil when
	// every span begins with its partition.
	priors func(k int) *chunk.Column

	// group numbers the peer groups over the batch; groupAt is their first rows and,
	// at last, rows. A group does not go beyond a span.
	group   []int32
	groupAt []int32
}

// peers numbers the peer groups by the ORDER BY columns.
func (b *overBatch) peers(by *chunk.Comparator, keys int) {
	b.group, b.groupAt = b.group[:0], b.groupAt[:0]
	for _, s := range b.spans {
		for i := s.base; i < s.end; i++ {
			if i == s.base || keys > 0 && by.CompareKeys(keys, b.cols, int(i-1), b.cols, int(i)) != 0 {
				b.groupAt = append(b.groupAt, i)
			}
			b.group = append(b.group, int32(len(b.groupAt)-1))
		}
	}
	b.groupAt = append(b.groupAt, int32(b.rows))
}

// peerStart and peerEnd are the bounds of row i's peer group.
func (b *overBatch) peerStart(i int32) int32 { return b.groupAt[b.group[i]] }
func (b *overBatch) peerEnd(i int32) int32   { return b.groupAt[b.group[i]+1] }

// overFrames is the rows that each wanted row sees: [l0, l1), then the row itself if an
// exclusion leaves it alone in a gap, then [r0, r1). Bounds rise from row to row of a
// span. Neighbours that see the same rows are one run, computed once.
type overFrames struct {
	l0, l1 []int32
	// r0, r1 and self are nil without an exclusion; self holds -1 where there is none.
	r0, r1, self []int32
	// spanAt is the first run of each span and, at last, the number of runs.
	spanAt []int32
	// run is the run of each wanted row; nil if each has its own.
	run []int32
	// carry says that frames begin with their partition: what lies in front of a span
	// that begins later belongs to them, too.
	carry bool
	// errs is the wanted rows that have an error instead of a frame.
	errs []chunk.RowError
}

// bounds holds what one end of a frame needs to know.
type overBound struct {
	b     *overBatch
	f     *physical.Frame
	bound physical.FrameBound
	end   bool
	fr    *overFrames
	// at is where the search for a bound of RANGE goes on; bounds rise.
	at     int32
	before func(j, p int32) bool
}

// frames computes the frames of every wanted row.
func (b *overBatch) frames(f *physical.Frame, order []physical.OrderKey) *overFrames {
	fr := &overFrames{carry: f.Start.Kind == physical.UnboundedPreceding}
	n := b.outs
	fr.l0, fr.l1 = make([]int32, 0, n), make([]int32, 0, n)
	start := &overBound{b: b, f: f, bound: f.Start, fr: fr}
	end := &overBound{b: b, f: f, bound: f.End, end: true, fr: fr}
	if f.Mode == physical.FrameRange && f.Key >= 0 {
		start.search(order[:min(1, len(order))])
		end.search(order[:min(1, len(order))])
	}
	out := 0
	for s := range b.spans {
		sp := &b.spans[s]
		start.at, end.at = sp.base, sp.base
		for p := sp.lo; p < sp.hi; p++ {
			lo := start.of(sp, p, out)
			hi := end.of(sp, p, out)
			fr.l0 = append(fr.l0, lo)
			fr.l1 = append(fr.l1, max(hi, lo))
			out++
		}
	}
	if f.Exclude != physical.ExcludeNone {
		b.exclude(fr, f.Exclude)
	}
	b.runs(fr)
	return fr
}

// of returns the bound of wanted row p, number out, within its span.
func (o *overBound) of(sp *overSpan, p int32, out int) int32 {
	switch o.bound.Kind {
	case physical.UnboundedPreceding:
		return sp.base
	case physical.UnboundedFollowing:
		return sp.end
	case physical.CurrentRow:
		switch {
		case o.f.Mode == physical.FrameRows && o.end:
			return p + 1
		case o.f.Mode == physical.FrameRows:
			return p
		case o.end:
			return o.b.peerEnd(p)
		}
		return o.b.peerStart(p)
	}
	if o.f.Mode == physical.FrameRange {
		return o.byKey(sp, p)
	}
	off := o.bound.Offset
	if o.bound.Col >= 0 {
		off = o.offset(p, out)
	}
	off = min(off, 1<<31)
	if o.bound.Kind == physical.OffsetPreceding {
		off = -off
	}
	if o.f.Mode == physical.FrameGroups {
		return o.byGroup(sp, p, off)
	}
	to := int64(p) + off
	if o.end {
		to++
	}
	return int32(min(max(to, int64(sp.base)), int64(sp.end)))
}

// offset reads an offset that is not constant.
func (o *overBound) offset(p int32, out int) int64 {
	c, side := o.b.cols[o.bound.Col], "starting"
	if o.end {
		side = "ending"
	}
	var err error
	switch {
	case c.IsNull(int(p)):
		err = sqlerr.New(sqlerr.NullValueNotAllowed, "frame %s offset must not be null", side)
	case c.Ints[p] < 0:
		err = sqlerr.New(sqlerr.InvalidPrecedingOrFollowingSize, "frame %s offset must not be negative", side)
	default:
		return c.Ints[p]
	}
	if n := len(o.fr.errs); n == 0 || o.fr.errs[n-1].Row != out {
		o.fr.errs = append(o.fr.errs, chunk.RowError{Row: out, Err: err})
	}
	return 0
}

// byGroup is the bound off peer groups away from p's.
func (o *overBound) byGroup(sp *overSpan, p int32, off int64) int32 {
	b := o.b
	first, last := int64(b.group[sp.base]), int64(b.group[sp.end-1])
	g := int64(b.group[p]) + off
	switch {
	case o.end && g < first:
		return sp.base
	case o.end:
		return b.groupAt[min(g, last)+1]
	case g > last:
		return sp.end
	}
	return b.groupAt[max(g, first)]
}

// search prepares a bound of RANGE: before(j, p) tells whether row j's key lies in front
// of the bound of row p.
func (o *overBound) search(order []physical.OrderKey) {
	if o.bound.Col < 0 {
		return
	}
	key, bound := o.b.cols[o.f.Key], o.b.cols[o.bound.Col]
	desc := len(order) > 0 && order[0].Desc
	compare := chunk.CompareFor(key.Type)
	sign := 1
	if desc {
		sign = -1
	}
	limit := 0 // a start passes keys < bound, an end keys <= bound
	if o.end {
		limit = 1
	}
	nullsFirst := len(order) > 0 && order[0].NullsFirst
	o.before = func(j, p int32) bool {
		nj, np := key.IsNull(int(j)), key.IsNull(int(p))
		switch {
		case nj && np:
			return o.end
		case nj:
			return nullsFirst
		case np:
			return !nullsFirst
		}
		return sign*compare(key, int(j), bound, int(p)) < limit
	}
}

// byKey moves on to the first row that is not in front of p's bound.
func (o *overBound) byKey(sp *overSpan, p int32) int32 {
	for o.at < sp.end && o.before(o.at, p) {
		o.at++
	}
	return o.at
}

// exclude takes the excluded rows out of the frames.
func (b *overBatch) exclude(fr *overFrames, x physical.Exclusion) {
	n := len(fr.l0)
	fr.r0, fr.r1 = make([]int32, n), make([]int32, n)
	if x == physical.ExcludeTies {
		fr.self = make([]int32, n)
	}
	out := 0
	for _, sp := range b.spans {
		for p := sp.lo; p < sp.hi; p++ {
			lo, hi := fr.l0[out], fr.l1[out]
			from, to := p, p+1
			if x != physical.ExcludeCurrentRow {
				from, to = b.peerStart(p), b.peerEnd(p)
			}
			fr.l1[out] = max(min(hi, from), lo)
			fr.r0[out] = max(lo, to)
			fr.r1[out] = max(hi, fr.r0[out])
			if fr.self != nil {
				fr.self[out] = -1
				if lo <= p && p < hi {
					fr.self[out] = p
				}
			}
			out++
		}
	}
}

// runs joins neighbours with the same frame.
func (b *overBatch) runs(fr *overFrames) {
	fr.spanAt = make([]int32, 0, len(b.spans)+1)
	run := make([]int32, len(fr.l0))
	k, out := int32(0), 0
	for _, sp := range b.spans {
		fr.spanAt = append(fr.spanAt, k)
		at := k
		for p := sp.lo; p < sp.hi; p++ {
			if k == at || !fr.sameFrame(int(k-1), out) {
				fr.move(int(k), out)
				k++
			}
			run[out] = k - 1
			out++
		}
	}
	fr.spanAt = append(fr.spanAt, k)
	if int(k) == out {
		return
	}
	fr.run = run
	fr.l0, fr.l1 = fr.l0[:k], fr.l1[:k]
	if fr.r0 != nil {
		fr.r0, fr.r1 = fr.r0[:k], fr.r1[:k]
	}
	if fr.self != nil {
		fr.self = fr.self[:k]
	}
}

func (fr *overFrames) sameFrame(k, i int) bool {
	return fr.l0[k] == fr.l0[i] && fr.l1[k] == fr.l1[i] &&
		(fr.r0 == nil || fr.r0[k] == fr.r0[i] && fr.r1[k] == fr.r1[i]) && (fr.self == nil || fr.self[k] == fr.self[i])
}

func (fr *overFrames) move(k, i int) {
	fr.l0[k], fr.l1[k] = fr.l0[i], fr.l1[i]
	if fr.r0 != nil {
		fr.r0[k], fr.r1[k] = fr.r0[i], fr.r1[i]
	}
	if fr.self != nil {
		fr.self[k] = fr.self[i]
	}
}

// right returns the bounds of run k behind an exclusion; empty without one.
func (fr *overFrames) right(k int32) (lo, hi int32) {
	if fr.r0 == nil {
		return fr.l1[k], fr.l1[k]
	}
	return fr.r0[k], fr.r1[k]
}

// alone returns the row that stands alone in run k, -1 for none.
func (fr *overFrames) alone(k int32) int32 {
	if fr.self == nil {
		return -1
	}
	return fr.self[k]
}
