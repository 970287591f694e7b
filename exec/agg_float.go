package exec

import (
	"math"

	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// floatAcc is sum, avg, variance and standard deviation of floats, from the exact sum
// of the values and, for the latter two, of their squares. Words: a cell. A result that
// leaves the type's range is an error, until retractions bring it back.
type floatAcc struct {
	kind functions.AggKind
	real bool // the argument is real
	cell *cell
	rows sideRows // per group: values, their sum, that of their squares
	pool exactPool

	sum, sum2 exactFloat // scratch of settle
	math      exactMath
}

func newFloatAcc(kind functions.AggKind, arg, result types.Type) *floatAcc {
	a := &floatAcc{kind: kind, real: arg.Kind == types.KindFloat4, cell: newCell(result), rows: sideRows{stride: 1 + exactWords}}
	if a.squares() {
		a.rows.stride += exactWords
	}
	return a
}

func (a *floatAcc) words() int { return a.cell.words() }

func (a *floatAcc) squares() bool { return squares(a.kind) }

func (a *floatAcc) update(b *aggBatch) {
	c, square := b.args[0], a.squares()
	a.rows.reach(b.table.Slots())
	for i, s := range b.slots {
		if c.Nulls.Get(i) {
			continue
		}
		row := a.rows.row(s)
		w, v := b.weight(i), c.Floats[i]
		row[0] += uint64(w)
		a.pool.add(row[1:], v, w)
		if square {
			a.pool.addProduct(row[1+exactWords:], v, v, w)
		}
	}
}

func (a *floatAcc) settle(t *chunk.KeyTable, at int, dirty []int32) {
	a.rows.reach(t.Slots())
	col := chunk.NewColumn(a.cell.typ, len(dirty))
	col.Resize(len(dirty))
	var over []int32
	for i, s := range dirty {
		v, ok := 0.0, false
		row := a.rows.row(s)
		if n := int64(row[0]); n > 0 {
			sum := a.pool.load(row[1:], &a.sum)
			if a.squares() {
				a.pool.load(row[1+exactWords:], &a.sum2)
			}
			v, ok = floatResult(a.kind, a.real, n, sum, &a.sum2, &a.math)
			if _, special := sum.special(); ok && !special && math.IsInf(v, 0) {
				over, ok = append(over, s), false
			}
		} else if n == 0 {
			a.free(row)
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

// free empties a group's sums.
func (a *floatAcc) free(row []uint64) {
	row[0] = 0
	for at := 1; at < len(row); at += exactWords {
		a.pool.free(row[at:])
	}
}

// cellOver in a cell's header says that the result is out of range; the cell is NULL then.
const cellOver = 1 << 33

// floatResult computes an aggregate of n > 0 values from their sum and, where it is needed, that of their squares; ok is
// false for NULL.
func floatResult(kind functions.AggKind, isReal bool, n int64, sum, sum2 *exactFloat, x *exactMath) (v float64, ok bool) {
	switch kind {
	case functions.AggSum:
		if isReal {
			return sum.roundReal(), true
		}
		return sum.round(), true
	case functions.AggAvg:
		return sum.round() / float64(n), true
	}
	d := float64(n)
	if kind == functions.AggVarSamp || kind == functions.AggStddevSamp {
		if n < 2 {
			return 0, false
		}
		d--
	}
	if _, special := sum.special(); special {
		return math.NaN(), true
	}
	// (n·Σx² − (Σx)²) / (n·d), all but the last division exact.
	f := x.centred(n, sum2, sum, sum) / d
	if kind == functions.AggStddevPop || kind == functions.AggStddevSamp {
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
		if int(s) < a.rows.slots() {
			a.free(a.rows.row(s))
		}
	}
}

func (a *floatAcc) bytes() int64 { return a.rows.bytes() + a.pool.total }

func (a *floatAcc) useMemory(m chunk.Memory) {
	a.rows.useMemory(m)
	a.pool.useMemory(m)
}
