package exec

import (
	"encoding/binary"
	"math/big"

	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// numericMath computes the results of sums of exact numbers. It is scratch space, so
// that nothing is allocated per group; what it returns is valid until its next use.
type numericMath struct {
	v, w, p, q big.Int // see mixedSum.add
	sum, sq    big.Int // of a group, see load
	n, t       big.Int
	div        types.Divider
	buf        [32]byte
}

// value is the result of an aggregate over a group with values; ok is false for NULL. m is nil if row has the sum.
func (x *numericMath) value(k functions.AggKind, row []uint64, m *mixedSum) (d types.Dec, ok bool, err error) {
	n := int64(row[sumN])
	sample := k == functions.AggVarSamp || k == functions.AggStddevSamp
	if sample && n < 2 {
		return types.Dec{}, false, nil
	}
	if m != nil {
		if d, special := m.special(); special {
			if squares(k) {
				d = types.DecNaN
			}
			return d, true, nil
		}
	}
	scale := x.load(row, m, squares(k))
	x.n.SetInt64(n)
	switch k {
	case functions.AggSum:
		d, err = x.div.Dec(&x.sum, scale)
		return d, true, err
	case functions.AggAvg:
		d, err = x.div.Quo(&x.sum, scale, &x.n)
		return d, true, err
	}
	// (n·Σx² − (Σx)²) / (n·n) or, for a sample, / (n·(n−1)).
	x.sq.Mul(&x.sq, &x.n)
	x.sq.Sub(&x.sq, x.t.Mul(&x.sum, &x.sum))
	if x.sq.Sign() <= 0 {
		return types.DecInt(0), true, nil
	}
	if x.t.SetInt64(n); sample {
		x.t.SetInt64(n - 1)
	}
	x.n.Mul(&x.n, &x.t)
	if k == functions.AggStddevPop || k == functions.AggStddevSamp {
		d, err = x.div.SqrtQuo(&x.sq, 2*scale, &x.n)
	} else {
		d, err = x.div.Quo(&x.sq, 2*scale, &x.n)
	}
	return d, true, err
}

// load sets sum, and sq if squares are wanted, of scale and 2·scale, from a row or its mixedSum. All values are in: a
// scale that counts none has a sum of 0.
func (x *numericMath) load(row []uint64, m *mixedSum, squares bool) (scale int32) {
	if m == nil {
		x.setWords(&x.sum, row[sumLow:sumLow+2])
		if squares {
			x.setWords(&x.sq, row[sumSquares:sumWords])
		}
		return rowScale(row)
	}
	x.sum.SetInt64(0)
	x.sq.SetInt64(0)
	for i := range m.scales {
		if m.scales[i].row[sumN] != 0 {
			scale = max(scale, m.scales[i].scale())
		}
	}
	for i := range m.scales {
		e := &m.scales[i]
		if e.row[sumN] == 0 {
			continue
		}
		up := types.Pow10(scale - e.scale())
		x.setWords(&x.v, e.row[sumLow:sumLow+2])
		if e.wide != nil {
			x.v.Add(&x.v, &e.wide.sum)
		}
		x.sum.Add(&x.sum, x.p.Mul(&x.v, up))
		if !squares {
			continue
		}
		x.setWords(&x.v, e.row[sumSquares:sumWords])
		if e.wide != nil {
			x.v.Add(&x.v, &e.wide.squares)
		}
		x.p.Mul(&x.v, up)
		x.sq.Add(&x.sq, x.q.Mul(&x.p, up))
	}
	return scale
}

// setWords sets z to a two's complement number of up to four words, low word first.
func (x *numericMath) setWords(z *big.Int, words []uint64) {
	var two [4]uint64
	copy(two[:], words)
	negative := int64(words[len(words)-1]) < 0
	if negative {
		carry := uint64(1)
		for i := range words {
			two[i] = ^two[i] + carry
			if two[i] != 0 {
				carry = 0
			}
		}
	}
	for i, w := range two {
		binary.BigEndian.PutUint64(x.buf[24-8*i:], w)
	}
	if z.SetBytes(x.buf[:]); negative {
		z.Neg(z)
	}
}

// finishAvgNumeric is avg over numerics whose sum is in a row.
func finishAvgNumeric(row []uint64, out *chunk.Column) {
	n, scale := types.Num{Coef: int64(row[sumN])}, rowScale(row)
	if v, ok := rowSum(row).small(); ok {
		sum := types.Num{Coef: v, Scale: scale}
		if q, ok := types.DivNum(sum, n); ok {
			out.AppendDec(types.Dec{N: q})
			return
		}
		var buf [17]byte
		if d, ok := types.DivWide(buf[:0], sum, n); ok {
			out.AppendDec(d)
			return
		}
	}
	d, err := types.DivDec(rowSum(row).dec(scale), types.Dec{N: n})
	appendDec(out, d, err)
}
