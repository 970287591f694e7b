package exec

import (
	"math/big"
	"math/bits"

	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// bigDec returns sum × 10^-scale.
func bigDec(sum *big.Int, scale int32) types.Dec {
	if sum.IsInt64() {
		return types.Dec{N: types.Num{Coef: sum.Int64(), Scale: scale}}
	}
	b := make([]byte, 1, 1+(sum.BitLen()+7)/8)
	if sum.Sign() < 0 {
		b[0] = 1
	}
	b = append(b, new(big.Int).Abs(sum).Bytes()...)
	return types.Datum{N: types.Num{Scale: scale, Form: types.NumBig}, S: string(b)}.Dec()
}

func (a int128) big() *big.Int {
	v := new(big.Int).Lsh(big.NewInt(a.hi), 64)
	return v.Add(v, new(big.Int).SetUint64(a.lo))
}

// dec returns a × 10^-scale.
func (a int128) dec(scale int32) types.Dec {
	if v, ok := a.small(); ok {
		return types.Dec{N: types.Num{Coef: v, Scale: scale}}
	}
	return bigDec(a.big(), scale)
}

func appendDec(out *chunk.Column, d types.Dec, err error) {
	if err != nil {
		out.AppendError(err)
		return
	}
	out.AppendDec(d)
}

var errBigintRange = sqlerr.New(sqlerr.NumericValueOutOfRange, "bigint out of range")

// finishBigint is sum over smallint and integer.
func finishBigint(sum int128, _ int64, out *chunk.Column) {
	v, ok := sum.small()
	if !ok {
		out.AppendError(errBigintRange)
		return
	}
	out.Ints = append(out.Ints, v)
}

// finishNumeric is sum over bigint.
func finishNumeric(sum int128, _ int64, out *chunk.Column) {
	if v, ok := sum.small(); ok {
		out.Nums = append(out.Nums, types.Num{Coef: v})
		return
	}
	out.AppendDatum(sum.dec(0).Datum())
}

// finishAvg is avg over any integer.
func finishAvg(sum int128, n int64, out *chunk.Column) {
	if v, ok := sum.small(); ok {
		if q, ok := types.DivNum(types.Num{Coef: v}, types.Num{Coef: n}); ok {
			out.Nums = append(out.Nums, q)
			return
		}
		var buf [17]byte
		if d, ok := types.DivWide(buf[:0], types.Num{Coef: v}, types.Num{Coef: n}); ok {
			out.AppendDec(d)
			return
		}
	}
	d, err := types.DivDec(sum.dec(0), types.DecInt(n))
	appendDec(out, d, err)
}

// numericAcc is sum and avg of numeric. The sum's scale is the largest scale among the
// values, as in PostgreSQL, also after retractions: so values are summed per scale.
// As long as all values of a group have one scale and the sum fits 128 bits, the words
// hold it all; otherwise the group moves to a map.
// Words: non-NULL arguments, scale<<8 | state, low, high; or, beside, a cell.
type numericAcc struct {
	avg    bool
	groups map[int32]*numericGroup
	cell   *cell
}

// The states of a group's words.
const (
	numericEmpty = iota
	numericWords
	numericMap
)

type numericGroup struct {
	byScale             map[int32]*scaleSum
	nan, posInf, negInf int64
}

type scaleSum struct {
	n   int64
	sum big.Int
}

func newNumericAcc(avg bool) *numericAcc {
	return &numericAcc{avg: avg, groups: make(map[int32]*numericGroup), cell: newCell(types.Numeric)}
}

const numericInline = 4

func (a *numericAcc) words() int { return numericInline + a.cell.words() }

func (a *numericAcc) update(b *aggBatch) {
	c := b.args[0]
	for i, s := range b.slots {
		if c.Nulls.Get(i) {
			continue
		}
		w := b.weight(i)
		*b.table.Word(s, b.at) += uint64(w)
		state := b.table.Word(s, b.at+1)
		v := c.Nums[i]
		if *state&0xff == numericEmpty {
			*state = uint64(uint32(v.Scale))<<8 | numericWords
		}
		if v.Form == types.NumInline && *state == uint64(uint32(v.Scale))<<8|numericWords {
			p := mulInt(v.Coef, w)
			lo, hi := b.table.Word(s, b.at+2), b.table.Word(s, b.at+3)
			l, carry := bits.Add64(*lo, p.lo, 0)
			h := int64(*hi) + p.hi + int64(carry)
			if h < 1<<62 && h >= -(1<<62) {
				*lo, *hi = l, uint64(h)
				continue
			}
		}
		a.addMapped(b, s, c, i, w)
	}
}

// addMapped adds a value to the group's map, moving what the words hold there first.
func (a *numericAcc) addMapped(b *aggBatch, s int32, c *chunk.Column, i int, w int64) {
	g := a.groups[s]
	if g == nil {
		g = &numericGroup{byScale: make(map[int32]*scaleSum)}
		a.groups[s] = g
	}
	if state := b.table.Word(s, b.at+1); *state&0xff == numericWords {
		before := int64(*b.table.Word(s, b.at)) - w
		if before != 0 {
			sum := int128{int64(*b.table.Word(s, b.at+3)), *b.table.Word(s, b.at+2)}
			g.add(int32(*state>>8), before, sum.big())
		}
		*state = numericMap
		*b.table.Word(s, b.at+2), *b.table.Word(s, b.at+3) = 0, 0
	}
	g.addColumn(c, c.Nums[i], w)
}

func (g *numericGroup) add(scale int32, n int64, sum *big.Int) {
	e := g.byScale[scale]
	if e == nil {
		e = &scaleSum{}
		g.byScale[scale] = e
	}
	e.n += n
	e.sum.Add(&e.sum, sum)
	if e.n == 0 && e.sum.Sign() == 0 {
		delete(g.byScale, scale)
	}
}

// total returns the sum of the group at its largest scale.
func (g *numericGroup) total() types.Dec {
	switch {
	case g.nan > 0 || g.posInf > 0 && g.negInf > 0:
		return types.Dec{N: types.Num{Form: types.NumNaN}}
	case g.posInf > 0:
		return types.Dec{N: types.Num{Form: types.NumPosInf}}
	case g.negInf > 0:
		return types.Dec{N: types.Num{Form: types.NumNegInf}}
	}
	top := int32(0)
	for s := range g.byScale {
		top = max(top, s)
	}
	sum := new(big.Int)
	for s, e := range g.byScale {
		p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(top-s)), nil)
		sum.Add(sum, p.Mul(p, &e.sum))
	}
	return bigDec(sum, top)
}

func (a *numericAcc) settle(t *chunk.KeyTable, at int, dirty []int32) {
	var groups []int32
	var col *chunk.Column
	for _, s := range dirty {
		if *t.Word(s, at) == 0 {
			// An empty group starts over: its scale is free again.
			*t.Word(s, at+1), *t.Word(s, at+2), *t.Word(s, at+3) = 0, 0, 0
			if a.groups[s] != nil {
				delete(a.groups, s)
				a.cell.clear(t, at+numericInline, s)
			}
			continue
		}
		g := a.groups[s]
		if g == nil {
			continue
		}
		if col == nil {
			col = chunk.NewColumn(types.Numeric, 1)
		}
		groups = append(groups, s)
		d, err := a.finish(g.total(), int64(*t.Word(s, at)))
		appendDec(col, d, err)
	}
	if col != nil {
		a.cell.put(t, at+numericInline, groups, col)
	}
}

func (a *numericAcc) finish(sum types.Dec, n int64) (types.Dec, error) {
	if !a.avg {
		return sum, nil
	}
	return types.DivDec(sum, types.DecInt(n))
}

func (a *numericAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	for i := range n {
		im := images[i*stride:]
		switch {
		case im[0] == 0:
			out.AppendNull()
		case im[1]&0xff == numericMap:
			a.cell.result(im[numericInline:], stride, 1, out)
		default:
			d, err := a.finish(int128{int64(im[3]), im[2]}.dec(int32(im[1]>>8)), int64(im[0]))
			appendDec(out, d, err)
		}
	}
}

func (a *numericAcc) tidy(t *chunk.KeyTable, at int) { a.cell.tidy(t, at+numericInline) }

func (a *numericAcc) drop(slots []int32) {
	for _, s := range slots {
		delete(a.groups, s)
	}
}

func (a *numericAcc) bytes() int64 { return int64(len(a.groups))*200 + a.cell.arena.Bytes() }

// varianceAcc is variance and standard deviation over integers and numeric, from
// exact sums. Words: a cell.
type varianceAcc struct {
	kind   functions.AggKind
	cell   *cell
	groups map[int32]*varianceGroup
}

type varianceGroup struct {
	n       int64
	special int64 // NaN and infinities
	sum, sq types.Dec
	failed  error
}

func newVarianceAcc(kind functions.AggKind) *varianceAcc {
	return &varianceAcc{kind: kind, cell: newCell(types.Numeric), groups: make(map[int32]*varianceGroup)}
}

func (a *varianceAcc) words() int { return a.cell.words() }

func (a *varianceAcc) update(b *aggBatch) {
	c := b.args[0]
	for i, s := range b.slots {
		if c.Nulls.Get(i) {
			continue
		}
		g := a.groups[s]
		if g == nil {
			g = &varianceGroup{}
			a.groups[s] = g
		}
		var v types.Dec
		if c.Type.Class() == types.ClassInt {
			v = types.DecInt(c.Ints[i])
		} else {
			v = c.Datum(i).Dec()
		}
		g.add(v, b.weight(i))
	}
}

func (g *varianceGroup) add(v types.Dec, w int64) {
	g.n += w
	if v.N.IsSpecial() {
		g.special += w
		return
	}
	weight := types.DecInt(w)
	x, err := types.MulDec(v, weight)
	if err == nil {
		g.sum, err = types.AddDec(g.sum, x)
	}
	if err == nil {
		x, err = types.MulDec(x, v)
	}
	if err == nil {
		g.sq, err = types.AddDec(g.sq, x)
	}
	if err != nil {
		g.failed = err
	}
}

func (a *varianceAcc) settle(t *chunk.KeyTable, at int, dirty []int32) {
	col := chunk.NewColumn(types.Numeric, len(dirty))
	for _, s := range dirty {
		g := a.groups[s]
		if g != nil && g.n == 0 {
			delete(a.groups, s)
			g = nil
		}
		sample := a.kind == functions.AggVarSamp || a.kind == functions.AggStddevSamp
		if g == nil || sample && g.n < 2 {
			col.AppendNull()
			continue
		}
		d, err := a.value(g, sample)
		if err != nil {
			col.AppendNull()
			continue
		}
		col.AppendDatum(d.Datum())
	}
	a.cell.put(t, at, dirty, col)
}

// value is (n·Σx² − (Σx)²) / (n·n) or, for a sample, / (n·(n−1)).
func (a *varianceAcc) value(g *varianceGroup, sample bool) (types.Dec, error) {
	if g.failed != nil || g.special > 0 {
		return types.Dec{N: types.Num{Form: types.NumNaN}}, g.failed
	}
	n := types.DecInt(g.n)
	d := n
	if sample {
		d = types.DecInt(g.n - 1)
	}
	top, err := types.MulDec(n, g.sq)
	if err != nil {
		return top, err
	}
	sq, err := types.MulDec(g.sum, g.sum)
	if err != nil {
		return sq, err
	}
	if top, err = types.SubDec(top, sq); err != nil {
		return top, err
	}
	if top.Sign() <= 0 {
		return types.DecInt(0), nil
	}
	below, err := types.MulDec(n, d)
	if err != nil {
		return below, err
	}
	v, err := types.DivDec(top, below)
	if err == nil && (a.kind == functions.AggStddevPop || a.kind == functions.AggStddevSamp) {
		return types.SqrtDec(v)
	}
	return v, err
}

func (a *varianceAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	a.cell.result(images, stride, n, out)
}
func (a *varianceAcc) tidy(t *chunk.KeyTable, at int) { a.cell.tidy(t, at) }
func (a *varianceAcc) drop(slots []int32) {
	for _, s := range slots {
		delete(a.groups, s)
	}
}
func (a *varianceAcc) bytes() int64 { return int64(len(a.groups))*160 + a.cell.arena.Bytes() }
