package exec

import (
	"math"

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
	kind functions.AggKind
	cell *cell
	rows sideRows // per group: rows, then the sums in the order of regressionGroup
	pool exactPool

	group regressionGroup // scratch of settle
	math  exactMath
}

// regressionSums is the number of sums of a group.
const regressionSums = 5

// regressionGroup is the sums of one group, over the rows in which both arguments are there.
type regressionGroup struct {
	n                int64
	x, y, xx, yy, xy exactFloat
}

func newRegressionAcc(kind functions.AggKind, result types.Type) *regressionAcc {
	return &regressionAcc{kind: kind, cell: newCell(result), rows: sideRows{stride: 1 + regressionSums*exactWords}}
}

func (a *regressionAcc) words() int { return a.cell.words() }

func (a *regressionAcc) update(b *aggBatch) {
	ys, xs := b.args[0], b.args[1]
	a.rows.reach(b.table.Slots())
	for i, s := range b.slots {
		if ys.Nulls.Get(i) || xs.Nulls.Get(i) {
			continue
		}
		row := a.rows.row(s)
		x, y, w := xs.Floats[i], ys.Floats[i], b.weight(i)
		row[0] += uint64(w)
		a.pool.add(row[1:], x, w)
		a.pool.add(row[1+exactWords:], y, w)
		a.pool.addProduct(row[1+2*exactWords:], x, x, w)
		a.pool.addProduct(row[1+3*exactWords:], y, y, w)
		a.pool.addProduct(row[1+4*exactWords:], x, y, w)
	}
}

// sums returns the five sums.
func (g *regressionGroup) sums() [regressionSums]*exactFloat {
	return [regressionSums]*exactFloat{&g.x, &g.y, &g.xx, &g.yy, &g.xy}
}

// load sets the scratch group to that in row.
func (a *regressionAcc) load(row []uint64) *regressionGroup {
	g := &a.group
	g.n = int64(row[0])
	for i, s := range g.sums() {
		a.pool.load(row[1+i*exactWords:], s)
	}
	return g
}

// free empties a group's sums.
func (a *regressionAcc) free(row []uint64) {
	row[0] = 0
	for at := 1; at < len(row); at += exactWords {
		a.pool.free(row[at:])
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

// addProduct adds w times x·y, see exactProduct.
func (s *exactFloat) addProduct(x, y float64, w int64) {
	hi, lo, n := exactProduct(x, y)
	if n > 0 {
		s.add(hi, w)
	}
	if n > 1 {
		s.add(lo, w)
	}
}

func (g *regressionGroup) size() int64 {
	return g.x.size() + g.y.size() + g.xx.size() + g.yy.size() + g.xy.size()
}

func (a *regressionAcc) settle(t *chunk.KeyTable, at int, dirty []int32) {
	a.rows.reach(t.Slots())
	col := chunk.NewColumn(a.cell.typ, len(dirty))
	col.Resize(len(dirty))
	var over []int32
	for i, s := range dirty {
		*t.Word(s, at) &^= cellOver
		row := a.rows.row(s)
		n := int64(row[0])
		if n == 0 {
			a.free(row)
		}
		if a.kind == functions.AggRegrCount {
			col.Ints[i] = n
			continue
		}
		v, ok := 0.0, false
		if n > 0 {
			g := a.load(row)
			if v, ok = g.value(a.kind, &a.math); g.overflows(v) {
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
	for _, s := range g.sums() {
		if math.IsInf(s.round(), 0) {
			return true
		}
	}
	return math.IsInf(v, 0)
}

// value computes the result of a group with rows; ok is false for NULL.
func (g *regressionGroup) value(kind functions.AggKind, m *exactMath) (v float64, ok bool) {
	n := float64(g.n)
	switch kind {
	case functions.AggRegrAvgX:
		return g.x.round() / n, true
	case functions.AggRegrAvgY:
		return g.y.round() / n, true
	case functions.AggRegrSXX:
		return g.centred(m, &g.xx, &g.x, &g.x), true
	case functions.AggRegrSYY:
		return g.centred(m, &g.yy, &g.y, &g.y), true
	}
	sxy := g.centred(m, &g.xy, &g.x, &g.y)
	switch kind {
	case functions.AggRegrSXY:
		return sxy, true
	case functions.AggCovarPop:
		return sxy / n, true
	case functions.AggCovarSamp:
		return sxy / (n - 1), g.n > 1
	}
	sxx := g.centred(m, &g.xx, &g.x, &g.x)
	switch kind {
	case functions.AggRegrSlope:
		return sxy / sxx, sxx != 0
	case functions.AggRegrIntercept:
		return (g.y.round() - float64(g.x.round()*sxy/sxx)) / n, sxx != 0
	}
	syy := g.centred(m, &g.yy, &g.y, &g.y)
	if kind == functions.AggCorr {
		return sxy / math.Sqrt(sxx*syy), sxx != 0 && syy != 0
	}
	if syy == 0 { // regr_r2 of a horizontal line
		return 1, sxx != 0
	}
	return float64(sxy*sxy) / float64(sxx*syy), sxx != 0
}

// centred gives product − p·q/n, rounded once.
func (g *regressionGroup) centred(m *exactMath, product, p, q *exactFloat) float64 {
	if _, special := p.special(); special {
		return math.NaN()
	}
	if _, special := q.special(); special {
		return math.NaN()
	}
	return m.centred(g.n, product, p, q)
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
		if int(s) < a.rows.slots() {
			a.free(a.rows.row(s))
		}
	}
}

func (a *regressionAcc) bytes() int64 { return a.rows.bytes() + a.pool.total }

func (a *regressionAcc) useMemory(m chunk.Memory) {
	a.rows.useMemory(m)
	a.pool.useMemory(m)
}
