package exec

import (
	"math"
	"math/big"

	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// floatAcc is sum, avg, variance and standard deviation of floats, from the exact sum
// of the values and, for the latter two, of their squares. Words: a cell. A result that
// leaves the type's range is an error, until retractions bring it back.
type floatAcc struct {
	kind   functions.AggKind
	real   bool // the argument is real
	cell   *cell
	groups []*floatGroup // by slot
	size   int64
}

type floatGroup struct {
	n    int64
	sum  exactFloat
	sum2 exactFloat
}

func newFloatAcc(kind functions.AggKind, arg, result types.Type) *floatAcc {
	return &floatAcc{kind: kind, real: arg.Kind == types.KindFloat4, cell: newCell(result)}
}

func (a *floatAcc) words() int { return a.cell.words() }

func (a *floatAcc) squares() bool {
	return a.kind != functions.AggSum && a.kind != functions.AggAvg
}

func (a *floatAcc) update(b *aggBatch) {
	c := b.args[0]
	for i, s := range b.slots {
		if c.Nulls.Get(i) {
			continue
		}
		for int(s) >= len(a.groups) {
			a.groups = append(a.groups, nil)
		}
		g := a.groups[s]
		if g == nil {
			g = &floatGroup{}
			a.groups[s] = g
		}
		w, v := b.weight(i), c.Floats[i]
		before := g.sum.size() + g.sum2.size()
		g.n += w
		g.sum.add(v, w)
		if a.squares() && !math.IsInf(v, 0) && v == v {
			// The square of a 53-bit mantissa is the sum of two floats, exactly.
			hi := v * v
			g.sum2.add(hi, w)
			if !math.IsInf(hi, 0) {
				g.sum2.add(math.FMA(v, v, -hi), w)
			}
		}
		a.size += g.sum.size() + g.sum2.size() - before
	}
}

func (a *floatAcc) settle(t *chunk.KeyTable, at int, dirty []int32) {
	col := chunk.NewColumn(a.cell.typ, len(dirty))
	col.Resize(len(dirty))
	var over []int32
	for i, s := range dirty {
		v, ok := 0.0, false
		if int(s) < len(a.groups) && a.groups[s] != nil && a.groups[s].n > 0 {
			v, ok = a.value(a.groups[s])
			if _, special := a.groups[s].sum.special(); ok && !special && math.IsInf(v, 0) {
				over, ok = append(over, s), false
			}
		}
		*t.Word(s, at) &^= cellOver
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

// cellOver in a cell's header says that the result is out of range; the cell is NULL then.
const cellOver = 1 << 33

// value computes the result of a group with rows; ok is false for NULL.
func (a *floatAcc) value(g *floatGroup) (v float64, ok bool) {
	switch a.kind {
	case functions.AggSum:
		if a.real {
			return g.sum.roundReal(), true
		}
		return g.sum.round(), true
	case functions.AggAvg:
		return g.sum.round() / float64(g.n), true
	}
	n := float64(g.n)
	if a.kind == functions.AggVarSamp || a.kind == functions.AggStddevSamp {
		if g.n < 2 {
			return 0, false
		}
		n--
	}
	if _, special := g.sum.special(); special {
		return math.NaN(), true
	}
	// (n·Σx² − (Σx)²) / (n·d), all but the last division exact.
	sum, sum2 := g.sum.exact(), g.sum2.exact()
	const prec = 4400
	count := new(big.Float).SetPrec(prec).SetInt64(g.n)
	top := new(big.Float).SetPrec(prec).Mul(count, sum2)
	top.Sub(top, new(big.Float).SetPrec(prec).Mul(sum, sum))
	f, _ := top.Quo(top, count).Float64()
	f /= n
	if a.kind == functions.AggStddevPop || a.kind == functions.AggStddevSamp {
		f = math.Sqrt(f)
	}
	return f, true
}

func (a *floatAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	a.cell.resultOver(images, stride, n, out, errFloatOver)
}

// resultOver appends the values of n images; those with cellOver set are the error over.
func (c *cell) resultOver(images []uint64, stride, n int, out *chunk.Column, over error) {
	first := 0 // of the images that are not out yet
	for i := range n {
		if images[i*stride]&cellOver != 0 {
			c.result(images[first*stride:], stride, i-first, out)
			out.AppendError(over)
			first = i + 1
		}
	}
	if first < n {
		c.result(images[first*stride:], stride, n-first, out)
	}
}

var errFloatOver = sqlerr.New(sqlerr.NumericValueOutOfRange, "value out of range: overflow")

func (a *floatAcc) tidy(t *chunk.KeyTable, at int) { a.cell.tidy(t, at) }

func (a *floatAcc) drop(slots []int32) {
	for _, s := range slots {
		if int(s) < len(a.groups) && a.groups[s] != nil {
			a.size -= a.groups[s].sum.size() + a.groups[s].sum2.size()
			a.groups[s] = nil
		}
	}
}

func (a *floatAcc) bytes() int64 { return a.size + int64(len(a.groups)*8) }
