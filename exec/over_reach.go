package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// overReach says how far the results of an over-window depend on other rows of the
// partition: the results of a row depend on so many rows before and behind it. A change
// of one row so touches the rows that have it within their reach, and no others.
type overReach struct {
	// whole: any change may touch every row, as with a number of rows in all.
	whole bool
	// suffix: a row depends on all rows before it; what lies behind a change is computed
	// anew, from the totals of the partition or the results of the row in front.
	suffix bool
	// first: every row depends on the first one, too.
	first bool
	// peers: a row depends on its peers.
	peers bool
	// before and behind are numbers of rows, groupsBefore and groupsBehind of peer groups.
	before, behind             int32
	groupsBefore, groupsBehind int32
	// keysBefore and keysBehind are reaches by the value of the ORDER BY column.
	keysBefore, keysBehind []keyReach
}

// keyReach is a bound of a RANGE frame: the row reaches others up to the key in column
// bound. Keys and bounds are words that compare as integers.
type keyReach struct {
	key, bound int
	desc       bool
}

// reachMax bounds reaches in rows, so that sums of positions do not overflow.
const reachMax = 1 << 28

// reach returns what the calls depend on, taken together.
func (e *overEval) reach(in chunk.Schema) overReach {
	var r overReach
	for i := range e.kernels {
		r.add(e, i, in)
	}
	if len(r.keysBefore)+len(r.keysBehind) > 0 || r.groupsBefore+r.groupsBehind > 0 {
		r.peers = true
	}
	return r
}

func (r *overReach) add(e *overEval, i int, in chunk.Schema) {
	c := &e.spec.Calls[i]
	switch e.infos[i].window {
	case functions.WindowRowNumber:
		r.suffix = true
	case functions.WindowRank, functions.WindowDenseRank:
		r.suffix, r.peers = true, true
	case functions.WindowPercentRank, functions.WindowCumeDist, functions.WindowNtile:
		r.whole = true
	case functions.WindowLag, functions.WindowLead:
		r.shift(c, e.infos[i].window == functions.WindowLag)
	case functions.WindowFirstValue:
		if fromStart(&c.Frame) && c.Frame.End.Kind != physical.OffsetPreceding {
			r.first = true
			return
		}
		r.frame(c, e.spec.Order, in, false)
	case functions.WindowLastValue:
		r.frame(c, e.spec.Order, in, false)
	case functions.WindowNthValue:
		if fromStart(&c.Frame) {
			r.whole = true
			return
		}
		r.frame(c, e.spec.Order, in, false)
	default:
		_, totals := e.kernels[i].(overTotals)
		_, extreme := e.kernels[i].(*overExtreme)
		r.frame(c, e.spec.Order, in, totals || extreme)
	}
}

// fromStart reports whether frames begin with their partition and have no gap.
func fromStart(f *physical.Frame) bool {
	return f.Start.Kind == physical.UnboundedPreceding && f.Exclude == physical.ExcludeNone
}

// shift adds the reach of lag and lead.
func (r *overReach) shift(c *physical.WindowCall, lag bool) {
	n := int64(1)
	if len(c.Args) > 1 {
		if len(c.Const) < 2 || c.Const[1] == nil {
			r.whole = true
			return
		}
		n = *c.Const[1]
	}
	if !lag {
		n = -n
	}
	switch {
	case n > reachMax || n < -reachMax:
		r.whole = true
	case n > 0:
		r.before = max(r.before, int32(n))
	default:
		r.behind = max(r.behind, int32(-n))
	}
}

// frame adds the reach of a frame. carries says that the function can go on from the
// partition's total or from the row in front, where the frame begins with the partition.
func (r *overReach) frame(c *physical.WindowCall, order []physical.OrderKey, in chunk.Schema, carries bool) {
	f := &c.Frame
	last := functions.ByID(c.Fn).Window == functions.WindowLastValue
	if f.Exclude != physical.ExcludeNone || f.End.Kind == physical.UnboundedFollowing || f.Start.Col >= 0 && f.Mode != physical.FrameRange ||
		f.End.Col >= 0 && f.Mode != physical.FrameRange {
		r.whole = true
		return
	}
	if f.Start.Kind == physical.UnboundedPreceding {
		switch {
		case f.End.Kind == physical.OffsetPreceding:
			r.whole = true
			return
		case carries:
			r.suffix = true
		case !last:
			r.whole = true
			return
		}
	}
	if f.Mode == physical.FrameRange {
		r.peers = true
		r.keyBound(f, f.Start, order, in)
		r.keyBound(f, f.End, order, in)
		return
	}
	before, behind := int64(0), int64(0)
	for _, b := range []physical.FrameBound{f.Start, f.End} {
		switch b.Kind {
		case physical.OffsetPreceding:
			before = max(before, b.Offset)
		case physical.OffsetFollowing:
			behind = max(behind, b.Offset)
		}
	}
	if before > reachMax || behind > reachMax {
		r.whole = true
		return
	}
	if f.Mode == physical.FrameGroups {
		r.peers = true
		r.groupsBefore, r.groupsBehind = max(r.groupsBefore, int32(before)), max(r.groupsBehind, int32(behind))
		return
	}
	r.before, r.behind = max(r.before, int32(before)), max(r.behind, int32(behind))
}

// keyBound adds the reach of a bound of RANGE.
func (r *overReach) keyBound(f *physical.Frame, b physical.FrameBound, order []physical.OrderKey, in chunk.Schema) {
	if !b.HasOffset() {
		return
	}
	if in[f.Key].Class() != types.ClassInt {
		r.whole = true
		return
	}
	k := keyReach{f.Key, b.Col, len(order) > 0 && order[0].Desc}
	if b.Kind == physical.OffsetPreceding {
		r.keysBefore = append(r.keysBefore, k)
	} else {
		r.keysBehind = append(r.keysBehind, k)
	}
}

// within reports whether the key of row s lies within the bound of row p, which looks
// back or ahead.
func (k *keyReach) within(l *chunk.Layout, p, s []uint64, back bool) bool {
	if l.IsNull(p, k.key) || l.IsNull(s, k.key) {
		return false
	}
	key, bound := int64(s[l.Offset(k.key)]), int64(p[l.Offset(k.bound)])
	if back != k.desc {
		return key >= bound
	}
	return key <= bound
}

// overChange is a change of a partition's rows: slot entered at position pos, or left
// from in front of it.
type overChange struct {
	pos, slot int32
	left      bool
}

// reader looks at the rows of one partition around a change.
type overReader struct {
	r     *overReach
	order *overOrder
	n     int32
	cur   seqCursor
}

// touchedAt is touched for all changes at the position of changes[i], whose rows may
// belong to different peer groups; it returns the next change, too. From position to
// position what is touched begins and ends later.
func (o *overReader) touchedAt(changes []overChange, i int) (lo, hi int32, next int) {
	lo, hi = o.touched(changes[i])
	for next = i + 1; next < len(changes) && changes[next].pos == changes[i].pos; next++ {
		from, to := o.touched(changes[next])
		lo, hi = min(lo, from), max(hi, to)
	}
	return lo, hi, next
}

// touched returns the rows [lo, hi) whose results may depend on a change.
func (o *overReader) touched(c overChange) (lo, hi int32) {
	r := o.r
	if r.whole || r.first && c.pos == 0 {
		return 0, o.n
	}
	lo, hi = c.pos, c.pos
	if !c.left {
		hi++
	}
	if r.peers {
		lo, hi = o.groupStart(lo, c.slot), o.groupEnd(hi, c.slot)
	}
	from, to := lo, hi
	lo, hi = min(lo, c.pos-r.behind), max(hi, hi+r.before)
	lo = min(lo, o.groupsBack(from, r.groupsBehind))
	for i := range r.keysBehind {
		lo = min(lo, o.reaching(from, -1, &r.keysBehind[i], c.slot))
	}
	if r.suffix {
		return max(lo, 0), o.n
	}
	hi = max(hi, o.groupsOn(to, r.groupsBefore))
	for i := range r.keysBefore {
		hi = max(hi, o.reaching(to, 1, &r.keysBefore[i], c.slot))
	}
	return max(lo, 0), min(hi, o.n)
}

// needed returns the rows [from, to) that the results of the rows [lo, hi) depend on.
func (o *overReader) needed(lo, hi int32) (from, to int32) {
	r := o.r
	if r.whole {
		return 0, o.n
	}
	from, to = lo, hi
	if r.peers && lo < hi {
		from, to = o.groupStart(lo, o.cur.at(lo)), o.groupEnd(hi, o.cur.at(hi-1))
	}
	start, end := from, to
	from, to = min(from, lo-r.before), max(to, hi+r.behind)
	from, to = min(from, o.groupsBack(start, r.groupsBefore)), max(to, o.groupsOn(end, r.groupsBehind))
	for i := range r.keysBefore {
		from = min(from, o.reached(start, -1, &r.keysBefore[i], o.cur.at(lo)))
	}
	for i := range r.keysBehind {
		to = max(to, o.reached(end, 1, &r.keysBehind[i], o.cur.at(hi-1)))
	}
	if r.suffix {
		to = o.n
	}
	if from = max(from, 0); r.peers && from > 0 && from < o.n {
		from = o.groupStart(from, o.cur.at(from)) // groups are counted from here
	}
	return from, min(to, o.n)
}

// groupStart goes back from pos over the peers of slot.
func (o *overReader) groupStart(pos, slot int32) int32 {
	for pos > 0 && o.order.peers(o.cur.at(pos-1), slot) {
		pos--
	}
	return pos
}

// groupEnd goes on from pos over the peers of slot.
func (o *overReader) groupEnd(pos, slot int32) int32 {
	for pos < o.n && o.order.peers(o.cur.at(pos), slot) {
		pos++
	}
	return pos
}

// groupsBack goes back from pos over k peer groups.
func (o *overReader) groupsBack(pos, k int32) int32 {
	for ; k > 0 && pos > 0; k-- {
		pos = o.groupStart(pos-1, o.cur.at(pos-1))
	}
	return pos
}

// groupsOn goes on from pos over k peer groups.
func (o *overReader) groupsOn(pos, k int32) int32 {
	for ; k > 0 && pos < o.n; k-- {
		pos = o.groupEnd(pos+1, o.cur.at(pos))
	}
	return pos
}

// reaching goes from pos, down or up, over the rows that have slot within their bound.
func (o *overReader) reaching(pos, step int32, k *keyReach, slot int32) int32 {
	t := o.order.t
	if step < 0 {
		for pos > 0 && k.within(t.Layout(), t.Row(o.cur.at(pos-1)), t.Row(slot), false) {
			pos--
		}
		return pos
	}
	for pos < o.n && k.within(t.Layout(), t.Row(o.cur.at(pos)), t.Row(slot), true) {
		pos++
	}
	return pos
}

// reached goes from pos, down or up, over the rows that lie within the bound of slot.
func (o *overReader) reached(pos, step int32, k *keyReach, slot int32) int32 {
	t := o.order.t
	if step < 0 {
		for pos > 0 && k.within(t.Layout(), t.Row(slot), t.Row(o.cur.at(pos-1)), true) {
			pos--
		}
		return pos
	}
	for pos < o.n && k.within(t.Layout(), t.Row(slot), t.Row(o.cur.at(pos)), false) {
		pos++
	}
	return pos
}
