package exec

import (
	"math/bits"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// overKernel computes one call of an over-window for batches.
type overKernel interface {
	// eval returns the call's column for the wanted rows of b. fr is nil for functions
	// that look at no frame.
	eval(b *overBatch, fr *overFrames) *chunk.Column
}

// overTotals is a kernel that keeps the aggregate of every partition as a whole. From it
// a span that begins late gets what lies in front of it: the total without the rows from
// there on, which the span has.
type overTotals interface {
	overKernel
	// change adds weights[i] times row i of cols to partition parts[i].
	change(parts []int32, weights []int64, cols []*chunk.Column)
	// forget drops partitions.
	forget(parts []int32)
	// bytes is the memory of the totals.
	bytes() int64
}

// overSkip marks the rows that an aggregate does not take: the filter is not true or the
// argument is NULL. It returns nil if there is none.
func overSkip(spec *physical.WindowCall, nulls bool, cols []*chunk.Column, n int) []bool {
	var skip []bool
	if spec.Filter >= 0 {
		skip = make([]bool, n)
		f := cols[spec.Filter]
		for i := range skip {
			skip[i] = !f.Bools[i] || f.Nulls.Get(i)
		}
	}
	if len(spec.Args) == 0 || nulls {
		return skip
	}
	c := cols[spec.Args[0]]
	if !c.Nulls.Any() {
		return skip
	}
	if skip == nil {
		skip = make([]bool, n)
	}
	for i := range skip {
		skip[i] = skip[i] || c.Nulls.Get(i)
	}
	return skip
}

// sumState is the state of the aggregates that are sums of a few integers: the number of
// arguments, and words whose meaning is the aggregate's.
type sumState struct {
	n    int64
	sum  int128 // of integers; microseconds of intervals
	b, c int64  // true values; months and days of intervals
}

func (s sumState) plus(o sumState) sumState {
	return sumState{s.n + o.n, s.sum.add(o.sum), s.b + o.b, s.c + o.c}
}

func (s sumState) minus(o sumState) sumState {
	return sumState{s.n - o.n, s.sum.sub(o.sum), s.b - o.b, s.c - o.c}
}

func (a int128) sub(b int128) int128 {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	return int128{a.hi - b.hi - int64(borrow), lo}
}

func (s sumState) times(w int64) sumState {
	switch w {
	case 1:
		return s
	case -1:
		return sumState{}.minus(s)
	}
	p := mulInt(int64(s.sum.lo), w) // a single argument's sum is a 64-bit number
	return sumState{s.n * w, p, s.b * w, s.c * w}
}

// overSum is count, sum and avg of integers and intervals, and bool_and and bool_or. The
// sum of a frame is the difference of two running sums, whatever the frame's size.
type overSum struct {
	spec   *physical.WindowCall
	fill   func(running []sumState, c *chunk.Column, skip []bool)
	finish func(s sumState, out *chunk.Column)
	totals []sumState

	running []sumState
}

// running sums: running[i] is the sum of the rows before i.
func (a *overSum) sums(cols []*chunk.Column, n int) []sumState {
	if cap(a.running) < n+1 {
		a.running = make([]sumState, n+1, max(n+1, chunk.RowsMax+1))
	}
	r := a.running[:n+1]
	r[0] = sumState{}
	var c *chunk.Column
	if len(a.spec.Args) > 0 {
		c = cols[a.spec.Args[0]]
	}
	a.fill(r, c, overSkip(a.spec, false, cols, n))
	return r
}

func (a *overSum) eval(b *overBatch, fr *overFrames) *chunk.Column {
	run := a.sums(b.cols, b.rows)
	out := chunk.NewColumn(a.spec.Type, len(fr.l0))
	for s := range b.spans {
		sp := &b.spans[s]
		var front sumState
		if fr.carry && sp.first > 0 {
			front = a.totals[sp.part].minus(run[sp.end].minus(run[sp.base]))
		}
		for k := fr.spanAt[s]; k < fr.spanAt[s+1]; k++ {
			st := front.plus(run[fr.l1[k]].minus(run[fr.l0[k]]))
			if fr.r0 != nil {
				st = st.plus(run[fr.r1[k]].minus(run[fr.r0[k]]))
				if i := fr.alone(k); i >= 0 {
					st = st.plus(run[i+1].minus(run[i]))
				}
			}
			a.finish(st, out)
		}
	}
	if out.Nulls != nil {
		out.Nulls = out.Nulls.Grow(out.Len())
	}
	return spreadRuns(out, fr)
}

func (a *overSum) change(parts []int32, weights []int64, cols []*chunk.Column) {
	run := a.sums(cols, len(parts))
	for i, p := range parts {
		for int(p) >= len(a.totals) {
			a.totals = append(a.totals, sumState{})
		}
		a.totals[p] = a.totals[p].plus(run[i+1].minus(run[i]).times(weights[i]))
	}
}

func (a *overSum) forget(parts []int32) {
	for _, p := range parts {
		if int(p) < len(a.totals) {
			a.totals[p] = sumState{}
		}
	}
}

func (a *overSum) bytes() int64 { return int64(cap(a.totals)) * 40 }

func fillCount(run []sumState, _ *chunk.Column, skip []bool) {
	for i := range run[1:] {
		run[i+1] = run[i]
		if skip == nil || !skip[i] {
			run[i+1].n++
		}
	}
}

func fillInts(run []sumState, c *chunk.Column, skip []bool) {
	for i, v := range c.Ints[:len(run)-1] {
		s := run[i]
		if skip == nil || !skip[i] {
			s.n++
			var carry uint64
			s.sum.lo, carry = bits.Add64(s.sum.lo, uint64(v), 0)
			s.sum.hi += v>>63 + int64(carry)
		}
		run[i+1] = s
	}
}

func fillBools(run []sumState, c *chunk.Column, skip []bool) {
	for i, v := range c.Bools[:len(run)-1] {
		s := run[i]
		if skip == nil || !skip[i] {
			s.n++
			if v {
				s.b++
			}
		}
		run[i+1] = s
	}
}

func fillIntervals(run []sumState, c *chunk.Column, skip []bool) {
	for i, v := range c.Ivls[:len(run)-1] {
		s := run[i]
		if skip == nil || !skip[i] {
			s.n++
			s.sum = s.sum.add(int128{v.Micros >> 63, uint64(v.Micros)})
			s.b += int64(v.Months)
			s.c += int64(v.Days)
		}
		run[i+1] = s
	}
}

func finishCount(s sumState, out *chunk.Column) { out.Ints = append(out.Ints, s.n) }

// finishInt makes the finish of a sum or average of integers.
func finishInt(f intFinish) func(sumState, *chunk.Column) {
	return func(s sumState, out *chunk.Column) {
		if s.n == 0 {
			out.AppendNull()
			return
		}
		f(s.sum, s.n, out)
	}
}

// finishBool makes the finish of bool_and and bool_or.
func finishBool(or bool) func(sumState, *chunk.Column) {
	return func(s sumState, out *chunk.Column) {
		if s.n == 0 {
			out.AppendNull()
			return
		}
		out.Bools = append(out.Bools, s.b == s.n || or && s.b > 0)
	}
}

// finishInterval makes the finish of sum and avg of intervals.
func finishInterval(avg bool) func(sumState, *chunk.Column) {
	return func(s sumState, out *chunk.Column) {
		if s.n == 0 {
			out.AppendNull()
			return
		}
		micros, ok := s.sum.small()
		if !ok || int64(int32(s.b)) != s.b || int64(int32(s.c)) != s.c {
			out.AppendError(sqlerr.New(sqlerr.DatetimeFieldOverflow, "interval out of range"))
			return
		}
		v := types.Interval{Months: int32(s.b), Days: int32(s.c), Micros: micros}
		if avg {
			q, err := types.DivInterval(v, float64(s.n))
			if err != nil {
				out.AppendError(err)
				return
			}
			v = q
		}
		out.AppendDatum(types.Datum{V: v})
	}
}

// newOverSum returns the kernel of the aggregates that are sums of integers, nil for others.
func newOverSum(spec *physical.WindowCall, kind functions.AggKind, arg types.Type) *overSum {
	a := &overSum{spec: spec}
	avg := kind == functions.AggAvg
	switch kind {
	case functions.AggCountStar, functions.AggCount:
		a.fill, a.finish = fillCount, finishCount
		return a
	case functions.AggBoolAnd, functions.AggBoolOr:
		a.fill, a.finish = fillBools, finishBool(kind == functions.AggBoolOr)
		return a
	case functions.AggSum, functions.AggAvg:
	default:
		return nil
	}
	switch arg.Class() {
	case types.ClassInt:
		a.fill = fillInts
		switch {
		case avg:
			a.finish = finishInt(finishAvg)
		case arg.Kind == types.KindInt8:
			a.finish = finishInt(finishNumeric)
		default:
			a.finish = finishInt(finishBigint)
		}
		return a
	case types.ClassInterval:
		a.fill, a.finish = fillIntervals, finishInterval(avg)
		return a
	}
	return nil
}
