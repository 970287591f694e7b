package exec

import (
	"math/bits"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// slider is the state of an aggregate that values can leave as they entered.
type slider[S any] interface {
	*S
	// add adds w times row i of the arguments; the first is not NULL.
	add(x *slideMath, args []*chunk.Column, i int32, w int64)
	// result appends the aggregate of what has been added.
	result(x *slideMath, k functions.AggKind, out *chunk.Column)
	// set makes it a copy of from that shares nothing that changes, in the room it has.
	set(from *S)
	// reset empties it; room that others are likely to need stays.
	reset()
	// size is the memory behind the state.
	size() int64
}

// slideMath is what sliders compute with: scratch of all partitions.
type slideMath struct {
	exact   exactMath
	numeric numericMath
}

// overSlide is an aggregate whose state is moved along the partition: rows enter at one
// end of the frame and leave at the other, each once.
type overSlide[S any, P slider[S]] struct {
	spec   *physical.WindowCall
	kind   functions.AggKind
	totals []S
	large  int64 // memory behind the totals
	state  S     // scratch of eval
	math   slideMath
	args   []*chunk.Column
}

func (a *overSlide[S, P]) arguments(cols []*chunk.Column) []*chunk.Column {
	a.args = a.args[:0]
	for _, i := range a.spec.Args {
		a.args = append(a.args, cols[i])
	}
	return a.args
}

// slideRows is rows of which some are added to a state.
type slideRows struct {
	math *slideMath
	args []*chunk.Column
	skip []bool // nil for none
}

func (a *overSlide[S, P]) eval(b *overBatch, fr *overFrames) *chunk.Column {
	rows := &slideRows{math: &a.math, args: a.arguments(b.cols), skip: overSkip(a.spec, false, b.cols, b.rows)}
	out := chunk.NewColumn(a.spec.Type, len(fr.l0))
	for s := range b.spans {
		sp := &b.spans[s]
		state := &a.state
		if fr.carry && sp.first > 0 {
			P(state).set(&a.totals[sp.part])
			addRows[S, P](state, rows, sp.base, sp.end, -1)
		} else {
			P(state).reset()
		}
		left, right := [2]int32{sp.base, sp.base}, [2]int32{sp.base, sp.base}
		for k := fr.spanAt[s]; k < fr.spanAt[s+1]; k++ {
			move[S, P](state, rows, &left, fr.l0[k], fr.l1[k])
			if fr.r0 != nil {
				move[S, P](state, rows, &right, fr.r0[k], fr.r1[k])
			}
			i := fr.alone(k)
			if i >= 0 {
				addRows[S, P](state, rows, i, i+1, 1)
			}
			P(state).result(&a.math, a.kind, out)
			if i >= 0 {
				addRows[S, P](state, rows, i, i+1, -1)
			}
		}
	}
	return spreadRuns(out, fr)
}

// move brings the range that is in the state to [lo, hi); its ends only rise.
func move[S any, P slider[S]](state *S, rows *slideRows, in *[2]int32, lo, hi int32) {
	if lo >= in[1] {
		addRows[S, P](state, rows, in[0], in[1], -1)
		in[0], in[1] = lo, lo
	}
	addRows[S, P](state, rows, in[1], hi, 1)
	addRows[S, P](state, rows, in[0], lo, -1)
	in[0], in[1] = max(in[0], lo), max(in[1], hi)
}

func addRows[S any, P slider[S]](state *S, rows *slideRows, lo, hi int32, w int64) {
	for i := lo; i < hi; i++ {
		if rows.skip == nil || !rows.skip[i] {
			P(state).add(rows.math, rows.args, i, w)
		}
	}
}

func (a *overSlide[S, P]) change(parts []int32, weights []int64, cols []*chunk.Column) {
	c := a.arguments(cols)
	skip := overSkip(a.spec, false, cols, len(parts))
	for i, p := range parts {
		for int(p) >= len(a.totals) {
			var s S
			a.totals = append(a.totals, s)
		}
		if skip != nil && skip[i] {
			continue
		}
		t := P(&a.totals[p])
		a.large -= t.size()
		t.add(&a.math, c, int32(i), weights[i])
		a.large += t.size()
	}
}

func (a *overSlide[S, P]) forget(parts []int32) {
	for _, p := range parts {
		if int(p) < len(a.totals) {
			t := P(&a.totals[p])
			a.large -= t.size()
			t.reset()
			a.large += t.size()
		}
	}
}

func (a *overSlide[S, P]) bytes() int64 { return int64(cap(a.totals))*64 + a.large }

// newOverSlide returns the kernel of an aggregate whose state is moved, nil for others.
func newOverSlide(spec *physical.WindowCall, kind functions.AggKind, arg types.Type) overTotals {
	switch kind {
	case functions.AggSum, functions.AggAvg:
		switch {
		case arg.Kind == types.KindFloat4:
			return &overSlide[realSlide, *realSlide]{spec: spec, kind: kind}
		case arg.Class() == types.ClassFloat:
			return &overSlide[floatSlide, *floatSlide]{spec: spec, kind: kind}
		case arg.Class() == types.ClassNumeric:
			return &overSlide[numSlide, *numSlide]{spec: spec, kind: kind}
		}
	case functions.AggStddevPop, functions.AggStddevSamp, functions.AggVarPop, functions.AggVarSamp:
		if arg.Class() == types.ClassFloat {
			return &overSlide[squareSlide, *squareSlide]{spec: spec, kind: kind}
		}
		return &overSlide[varSlide, *varSlide]{spec: spec, kind: kind}
	case functions.AggCorr, functions.AggCovarPop, functions.AggCovarSamp, functions.AggRegrSlope, functions.AggRegrIntercept,
		functions.AggRegrR2, functions.AggRegrCount, functions.AggRegrAvgX, functions.AggRegrAvgY, functions.AggRegrSXX,
		functions.AggRegrSYY, functions.AggRegrSXY:
		return &overSlide[pairSlide, *pairSlide]{spec: spec, kind: kind}
	case functions.AggBitAnd, functions.AggBitOr, functions.AggBitXor:
		return &overSlide[bitSlide, *bitSlide]{spec: spec, kind: kind}
	}
	return nil
}

// floatSlide is sum and avg of double precision.
type floatSlide struct{ g floatGroup }

func (f *floatSlide) add(_ *slideMath, c []*chunk.Column, i int32, w int64) {
	f.g.n += w
	f.g.sum.add(c[0].Floats[i], w)
}

func (f *floatSlide) result(x *slideMath, k functions.AggKind, out *chunk.Column) {
	appendFloat(x, k, false, &f.g, out)
}

// floatGroup is a number of floats, their sum and that of their squares.
type floatGroup struct {
	n         int64
	sum, sum2 exactFloat
}

func appendFloat(x *slideMath, k functions.AggKind, isReal bool, g *floatGroup, out *chunk.Column) {
	v, ok := 0.0, false
	if g.n > 0 {
		v, ok = floatResult(k, isReal, g.n, &g.sum, &g.sum2, &x.exact)
	}
	if !ok {
		out.AppendNull()
		return
	}
	out.AppendDatum(types.Datum{F: v})
}

func (f *floatSlide) set(from *floatSlide) { f.g.set(&from.g) }
func (f *floatSlide) reset()               { f.g.reset() }
func (f *floatSlide) size() int64          { return f.g.sum.size() }

func (g *floatGroup) set(from *floatGroup) {
	g.n = from.n
	g.sum.set(&from.sum)
	g.sum2.set(&from.sum2)
}

func (g *floatGroup) reset() {
	g.n = 0
	g.sum.reset()
	g.sum2.reset()
}

// set makes s a copy of from in its own room.
func (s *exactFloat) set(from *exactFloat) {
	limbs := append(s.limbs[:0], from.limbs...)
	*s = *from
	s.limbs = limbs
}

// limbsUsual is the room for limbs that an empty sum keeps.
const limbsUsual = 16

// reset empties s.
func (s *exactFloat) reset() {
	if *s = (exactFloat{limbs: s.limbs[:0]}); cap(s.limbs) > limbsUsual {
		s.limbs = nil
	}
}

// realSlide is sum and avg of real.
type realSlide struct{ floatSlide }

func (f *realSlide) result(x *slideMath, k functions.AggKind, out *chunk.Column) {
	appendFloat(x, k, true, &f.g, out)
}

func (f *realSlide) set(from *realSlide) { f.g.set(&from.g) }

// squareSlide is variance and standard deviation of floats.
type squareSlide struct{ floatSlide }

func (f *squareSlide) add(x *slideMath, c []*chunk.Column, i int32, w int64) {
	f.floatSlide.add(x, c, i, w)
	f.g.sum2.addProduct(c[0].Floats[i], c[0].Floats[i], w)
}

func (f *squareSlide) set(from *squareSlide) { f.g.set(&from.g) }
func (f *squareSlide) size() int64           { return f.g.sum.size() + f.g.sum2.size() }

// pairSlide is the aggregates over pairs: covariance, correlation, regression.
type pairSlide struct{ g regressionGroup }

func (p *pairSlide) add(_ *slideMath, c []*chunk.Column, i int32, w int64) {
	if !c[1].IsNull(int(i)) {
		p.g.add(c[1].Floats[i], c[0].Floats[i], w)
	}
}

func (p *pairSlide) result(x *slideMath, k functions.AggKind, out *chunk.Column) {
	if k == functions.AggRegrCount {
		out.AppendDatum(types.Datum{I: p.g.n})
		return
	}
	v, ok := 0.0, false
	if p.g.n > 0 {
		v, ok = p.g.value(k, &x.exact)
	}
	if !ok {
		out.AppendNull()
		return
	}
	out.AppendDatum(types.Datum{F: v})
}

func (p *pairSlide) set(from *pairSlide) {
	p.g.n = from.g.n
	sums := from.g.sums()
	for i, s := range p.g.sums() {
		s.set(sums[i])
	}
}

func (p *pairSlide) reset() {
	p.g.n = 0
	for _, s := range p.g.sums() {
		s.reset()
	}
}

func (p *pairSlide) size() int64 { return p.g.size() }

// bitSlide is bit_and, bit_or and bit_xor: how often each bit is set.
type bitSlide struct {
	n    int64
	ones [64]int32
}

func (b *bitSlide) add(_ *slideMath, c []*chunk.Column, i int32, w int64) {
	b.n += w
	for v := uint64(c[0].Ints[i]); v != 0; v &= v - 1 {
		b.ones[bits.TrailingZeros64(v)] += int32(w)
	}
}

func (b *bitSlide) result(_ *slideMath, k functions.AggKind, out *chunk.Column) {
	if b.n == 0 {
		out.AppendNull()
		return
	}
	var v uint64
	for i, n := range b.ones {
		if k == functions.AggBitAnd && int64(n) == b.n || k == functions.AggBitOr && n > 0 || k == functions.AggBitXor && n&1 != 0 {
			v |= 1 << i
		}
	}
	out.AppendDatum(types.Datum{I: int64(v)})
}

func (b *bitSlide) set(from *bitSlide) { *b = *from }
func (b *bitSlide) reset()             { *b = bitSlide{} }
func (b *bitSlide) size() int64        { return 256 }

// numSlide is sum and avg of numeric.
type numSlide struct{ exactSlide }

func (s *numSlide) add(x *slideMath, c []*chunk.Column, i int32, w int64) {
	s.addTo(x, s.row[:sumSquares], c[0], i, w)
}
func (s *numSlide) set(from *numSlide) { s.exactSlide.set(&from.exactSlide) }

// varSlide is variance and standard deviation of integers and numeric.
type varSlide struct{ exactSlide }

func (s *varSlide) add(x *slideMath, c []*chunk.Column, i int32, w int64) {
	s.addTo(x, s.row[:], c[0], i, w)
}
func (s *varSlide) set(from *varSlide) { s.exactSlide.set(&from.exactSlide) }

// exactSlide is the sum of exact numbers, and of their squares.
type exactSlide struct {
	row [sumWords]uint64
	// room holds the sum if row says so; nil before it has first. It stays for the next one.
	room *mixedSum
}

func (s *exactSlide) addTo(x *slideMath, row []uint64, c *chunk.Column, i int32, w int64) {
	if c.Type.Class() == types.ClassInt {
		addInline(row, types.Num{Coef: c.Ints[i]}, w)
		return
	}
	if !addInline(row, c.Nums[i], w) {
		if s.mixed() == nil {
			s.mix().take(row)
		}
		row[sumN] += uint64(w)
		s.room.add(c, int(i), w, &x.numeric)
	}
	if row[sumN] == 0 { // nothing is left: the scale is free again
		clear(row)
	}
}

// mixed returns what holds the sum, nil for row.
func (s *exactSlide) mixed() *mixedSum {
	if s.row[sumKind] == sumMixed {
		return s.room
	}
	return nil
}

// mix returns the room for a sum that row cannot hold.
func (s *exactSlide) mix() *mixedSum {
	if s.room == nil {
		s.room = &mixedSum{}
	}
	return s.room
}

func (s *exactSlide) result(x *slideMath, k functions.AggKind, out *chunk.Column) {
	m := s.mixed()
	switch {
	case s.row[sumN] == 0:
		out.AppendNull()
	case k == functions.AggAvg && m == nil:
		finishAvgNumeric(s.row[:], out)
	default:
		if d, ok, err := x.numeric.value(k, s.row[:], m); ok || err != nil {
			appendDec(out, d, err)
		} else {
			out.AppendNull()
		}
	}
}

func (s *exactSlide) set(from *exactSlide) {
	s.row = from.row
	if m := from.mixed(); m != nil {
		s.mix().set(m)
	}
}

// scalesUsual is the room for scales that an empty sum keeps.
const scalesUsual = 8

func (s *exactSlide) reset() {
	clear(s.row[:])
	if s.room != nil && cap(s.room.scales) > scalesUsual {
		s.room = nil
	}
}

func (s *exactSlide) size() int64 {
	if s.room == nil {
		return 0
	}
	return s.room.bytes()
}
