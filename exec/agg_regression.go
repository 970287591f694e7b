package exec

import (
	"math"
	"math/big"

	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// regressionAcc is the aggregates over pairs (y, x) of floats: covar_*, corr and regr_*. It keeps the exact sums of
// x, y, x², y² and xy, from which the centred sums of squares and products come with one rounding each:
//
//	Sxy = Σ(x−x̄)(y−ȳ) = (n·Σxy − Σx·Σy) / n
//
// The results are put together from those as PostgreSQL does. So they do not depend on the order of the rows, and a
// retraction undoes an insertion. Sums that leave the range of doubles are an error. Words: a cell.
type regressionAcc struct {
	kind   functions.AggKind
	cell   *cell
	groups []*regressionGroup // by slot
	size   int64
}

// regressionGroup is the sums of one group, over the rows in which both arguments are there.
type regressionGroup struct {
	n                int64
	x, y, xx, yy, xy exactFloat
}

func newRegressionAcc(kind functions.AggKind, result types.Type) *regressionAcc {
	return &regressionAcc{kind: kind, cell: newCell(result)}
}

func (a *regressionAcc) words() int { return a.cell.words() }

func (a *regressionAcc) update(b *aggBatch) {
	ys, xs := b.args[0], b.args[1]
	for i, s := range b.slots {
		if ys.Nulls.Get(i) || xs.Nulls.Get(i) {
			continue
		}
		for int(s) >= len(a.groups) {
			a.groups = append(a.groups, nil)
		}
		g := a.groups[s]
		if g == nil {
			g = &regressionGroup{}
			a.groups[s] = g
		}
		before := g.size()
		g.add(xs.Floats[i], ys.Floats[i], b.weight(i))
		a.size += g.size() - before
	}
}

// add adds a pair w times.
func (g *regressionGroup) add(x, y float64, w int64) {
	g.n += w
	g.x.add(x, w)
	g.y.add(y, w)
	g.xx.addProduct(x, x, w)
	g.yy.addProduct(y, y, w)
	g.xy.addProduct(x, y, w)
}

// addProduct adds w times x·y. The product of two 53-bit mantissas is the sum of two floats, exactly; what is not
// finite is counted in the sums of x and y.
func (s *exactFloat) addProduct(x, y float64, w int64) {
	hi := x * y
	if hi != hi || math.IsInf(x, 0) || math.IsInf(y, 0) {
		return
	}
	s.add(hi, w)
	if !math.IsInf(hi, 0) {
		s.add(math.FMA(x, y, -hi), w)
	}
}

func (g *regressionGroup) size() int64 {
	return g.x.size() + g.y.size() + g.xx.size() + g.yy.size() + g.xy.size()
}

func (a *regressionAcc) settle(t *chunk.KeyTable, at int, dirty []int32) {
	col := chunk.NewColumn(a.cell.typ, len(dirty))
	col.Resize(len(dirty))
	var over []int32
	for i, s := range dirty {
		*t.Word(s, at) &^= cellOver
		var g *regressionGroup
		if int(s) < len(a.groups) {
			g = a.groups[s]
		}
		if a.kind == functions.AggRegrCount {
			if g != nil {
				col.Ints[i] = g.n
			}
			continue
		}
		v, ok := 0.0, false
		if g != nil && g.n > 0 {
			if v, ok = g.value(a.kind); g.overflows(v) {
				over, ok = append(over, s), false
			}
		}
		if !ok {
			col.SetNull(i)
			continue
		}
		col.Floats[i] = v
	}
	a.cell.put(t, at, dirty, col)
	for _, s := range over {
		*t.Word(s, at) |= cellOver
	}
}

// overflows reports whether a sum or the result v leaves the range of doubles though all arguments are within.
func (g *regressionGroup) overflows(v float64) bool {
	if _, special := g.x.special(); special {
		return false
	}
	if _, special := g.y.special(); special {
		return false
	}
	for _, s := range []*exactFloat{&g.x, &g.y, &g.xx, &g.yy, &g.xy} {
		if math.IsInf(s.round(), 0) {
			return true
		}
	}
	return math.IsInf(v, 0)
}

// value computes the result of a group with rows; ok is false for NULL.
func (g *regressionGroup) value(kind functions.AggKind) (v float64, ok bool) {
	n := float64(g.n)
	switch kind {
	case functions.AggRegrAvgX:
		return g.x.round() / n, true
	case functions.AggRegrAvgY:
		return g.y.round() / n, true
	case functions.AggRegrSXX:
		return g.centred(&g.xx, &g.x, &g.x), true
	case functions.AggRegrSYY:
		return g.centred(&g.yy, &g.y, &g.y), true
	}
	sxy := g.centred(&g.xy, &g.x, &g.y)
	switch kind {
	case functions.AggRegrSXY:
		return sxy, true
	case functions.AggCovarPop:
		return sxy / n, true
	case functions.AggCovarSamp:
		return sxy / (n - 1), g.n > 1
	}
	sxx := g.centred(&g.xx, &g.x, &g.x)
	switch kind {
	case functions.AggRegrSlope:
		return sxy / sxx, sxx != 0
	case functions.AggRegrIntercept:
		return (g.y.round() - float64(g.x.round()*sxy/sxx)) / n, sxx != 0
	}
	syy := g.centred(&g.yy, &g.y, &g.y)
	if kind == functions.AggCorr {
		return sxy / math.Sqrt(sxx*syy), sxx != 0 && syy != 0
	}
	if syy == 0 { // regr_r2 of a horizontal line
		return 1, sxx != 0
	}
	return float64(sxy*sxy) / float64(sxx*syy), sxx != 0
}

// centred gives product − p·q/n, rounded once.
func (g *regressionGroup) centred(product, p, q *exactFloat) float64 {
	if _, special := p.special(); special {
		return math.NaN()
	}
	if _, special := q.special(); special {
		return math.NaN()
	}
	const prec = 4400
	count := new(big.Float).SetPrec(prec).SetInt64(g.n)
	top := new(big.Float).SetPrec(prec).Mul(count, product.exact())
	top.Sub(top, new(big.Float).SetPrec(prec).Mul(p.exact(), q.exact()))
	f, _ := top.Quo(top, count).Float64()
	return f
}

func (a *regressionAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	if a.kind != functions.AggRegrCount {
		a.cell.resultOver(images, stride, n, out, errFloatOver)
		return
	}
	for i := range n {
		if im := images[i*stride:]; im[0]&cellSet == 0 {
			out.AppendDatum(types.Datum{}) // a group without rows counts 0
		} else {
			a.cell.lay.Load(im, 0, &a.cell.arena, out)
		}
	}
}

func (a *regressionAcc) tidy(t *chunk.KeyTable, at int) { a.cell.tidy(t, at) }

func (a *regressionAcc) drop(slots []int32) {
	for _, s := range slots {
		if int(s) < len(a.groups) && a.groups[s] != nil {
			a.size -= a.groups[s].size()
			a.groups[s] = nil
		}
	}
}

func (a *regressionAcc) bytes() int64 { return a.size + int64(len(a.groups)*8) }
