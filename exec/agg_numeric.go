package exec

import (
	"encoding/binary"
	"math/big"

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
	appendSum(out, sum, 0)
}

// appendSum appends a × 10^-scale.
func appendSum(out *chunk.Column, a int128, scale int32) {
	if v, ok := a.small(); ok {
		out.AppendDec(types.Dec{N: types.Num{Coef: v, Scale: scale}})
		return
	}
	var buf [17]byte
	if a.hi < 0 {
		buf[0], a = 1, int128{}.sub(a)
	}
	binary.BigEndian.PutUint64(buf[1:], uint64(a.hi))
	binary.BigEndian.PutUint64(buf[9:], a.lo)
	at := 1
	for buf[at] == 0 {
		at++
	}
	buf[at-1] = buf[0]
	out.AppendDec(types.Dec{N: types.Num{Scale: scale, Form: types.NumBig}, Big: buf[at-1:]})
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

// numericAcc is the aggregates that follow from the number, the sum and the sum of the squares of exact numbers: sum and
// avg of numeric, variance and standard deviation of integers and numeric. The result's scale follows from the largest
// scale among the values, as in PostgreSQL, also after retractions.
//
// As long as all values of a group have one scale and a coefficient of 64 bits, its words hold it all; otherwise its
// mixedSum does. Words: those of a sum, without squares where none are wanted; then a cell with the result, of sum and
// avg only for groups with a mixedSum.
type numericAcc struct {
	kind  functions.AggKind
	sum   int // words of the sum
	mixed mixedPool
	cell  *cell
	math  numericMath
}

func newNumericAcc(kind functions.AggKind) *numericAcc {
	a := &numericAcc{kind: kind, sum: sumSquares, cell: newCell(types.Numeric)}
	if squares(kind) {
		a.sum = sumWords
	}
	a.mixed = newMixedPool(a.sum)
	return a
}

// squares reports whether an aggregate needs the sum of the squares.
func squares(k functions.AggKind) bool {
	return k != functions.AggSum && k != functions.AggAvg
}

func (a *numericAcc) words() int { return a.sum + a.cell.words() }

func (a *numericAcc) update(b *aggBatch) {
	c := b.args[0]
	a.mixed.heads.reach(b.table.Slots())
	if c.Type.Class() == types.ClassInt {
		for i, s := range b.slots {
			if !c.Nulls.Get(i) {
				addInline(b.table.Row(s)[b.at:b.at+a.sum], types.Num{Coef: c.Ints[i]}, b.weight(i))
			}
		}
		return
	}
	for i, s := range b.slots {
		if c.Nulls.Get(i) {
			continue
		}
		row := b.table.Row(s)[b.at : b.at+a.sum]
		if !addInline(row, c.Nums[i], b.weight(i)) {
			a.addMixed(row, s, c, i, b.weight(i))
		}
	}
}

// addMixed adds a value to group s's mixed sum, which takes over what the words hold.
func (a *numericAcc) addMixed(row []uint64, s int32, c *chunk.Column, i int, w int64) {
	a.mixed.take(row, s)
	row[sumN] += uint64(w)
	a.mixed.add(s, c, i, w, &a.math)
}

func (a *numericAcc) settle(t *chunk.KeyTable, at int, dirty []int32) {
	var groups, over []int32
	var col *chunk.Column
	for _, s := range dirty {
		row := t.Row(s)[at : at+a.sum]
		*t.Word(s, at+a.sum) &^= cellOver
		if a.simplify(row, s); row[sumN] == 0 || row[sumKind] != sumMixed && !squares(a.kind) {
			a.cell.clear(t, at+a.sum, s)
			continue
		}
		if col == nil {
			col = chunk.NewColumn(types.Numeric, len(dirty))
		}
		groups = append(groups, s)
		d, ok, err := a.math.value(a.kind, row, a.mixed.load(s))
		switch {
		case err != nil:
			over = append(over, s)
			col.AppendNull()
		case !ok:
			col.AppendNull()
		default:
			col.AppendDec(d)
		}
	}
	if col != nil {
		a.cell.put(t, at+a.sum, groups, col)
	}
	for _, s := range over {
		*t.Word(s, at+a.sum) |= cellOver
	}
}

// simplify brings a group back into its words, if they can hold it. An empty one starts
// over: its scale is free again.
func (a *numericAcc) simplify(row []uint64, s int32) {
	if row[sumN] == 0 {
		a.mixed.free(s)
		clear(row)
		return
	}
	if row[sumKind] == sumMixed {
		a.mixed.single(row, s)
	}
}

func (a *numericAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	for i := range n {
		im := images[i*stride:]
		switch {
		case im[sumN] == 0:
			out.AppendNull()
		case im[sumKind] == sumMixed || squares(a.kind):
			a.cell.resultOver(im[a.sum:], stride, 1, out, errNumericOver)
		case a.kind == functions.AggAvg:
			finishAvgNumeric(im, out)
		default:
			appendSum(out, rowSum(im), rowScale(im))
		}
	}
}

func (a *numericAcc) tidy(t *chunk.KeyTable, at int) { a.cell.tidy(t, at+a.sum) }

func (a *numericAcc) drop(slots []int32) {
	for _, s := range slots {
		a.mixed.free(s)
	}
}

func (a *numericAcc) bytes() int64 { return a.mixed.bytes() + a.cell.arena.Bytes() }

func (a *numericAcc) useMemory(m chunk.Memory) { a.mixed.useMemory(m) }

var errNumericOver = sqlerr.New(sqlerr.NumericValueOutOfRange, "value overflows numeric format")
