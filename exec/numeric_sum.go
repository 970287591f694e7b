package exec

import (
	"math/big"
	"math/bits"
	"slices"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// The words of a sum of exact numbers of one scale and 64-bit coefficients. Coefficients
// add up in two's complement: with less than 2^63 values no final sum leaves 126 bits, no
// sum of squares 189, whatever the order of insertions and retractions.
const (
	sumN       = iota // values, by weight
	sumKind           // scale<<8 | sumInline; sumEmpty; sumMixed
	sumLow            // two words, low first
	_                 //
	sumSquares        // four words, in rows of length sumWords
	sumWords   = sumSquares + 4
)

// The states of a sum.
const (
	sumEmpty = iota
	sumInline
	sumMixed // the sum is in a mixedSum; only the number of values counts here
)

// addInline adds w times v to a row. It reports false, and does nothing, if v has another scale
// than the values before it or no 64-bit coefficient.
func addInline(row []uint64, v types.Num, w int64) bool {
	state := uint64(uint32(v.Scale))<<8 | sumInline
	if v.Form != types.NumInline || row[sumKind] != state && row[sumKind] != sumEmpty {
		return false
	}
	row[sumKind] = state
	row[sumN] += uint64(w)
	p := mulInt(v.Coef, w)
	var carry uint64
	row[sumLow], carry = bits.Add64(row[sumLow], p.lo, 0)
	row[sumLow+1] += uint64(p.hi) + carry
	if len(row) == sumWords {
		addSquare(row[sumSquares:sumWords], v.Coef, w)
	}
	return true
}

// addSquare adds w·v² to a 256-bit number, low word first.
func addSquare(q []uint64, v, w int64) {
	u, k := uint64(max(v, -v)), uint64(max(w, -w)) // the least number is its own negative, and right as unsigned
	h, l := bits.Mul64(u, u)
	h0, l0 := bits.Mul64(l, k)
	h1, l1 := bits.Mul64(h, k)
	m, carry := bits.Add64(h0, l1, 0)
	t := h1 + carry
	_ = q[3]
	var c uint64
	if w >= 0 {
		q[0], c = bits.Add64(q[0], l0, 0)
		q[1], c = bits.Add64(q[1], m, c)
		q[2], c = bits.Add64(q[2], t, c)
		q[3] += c
		return
	}
	q[0], c = bits.Sub64(q[0], l0, 0)
	q[1], c = bits.Sub64(q[1], m, c)
	q[2], c = bits.Sub64(q[2], t, c)
	q[3] -= c
}

// rowScale returns the scale of a row in state sumInline.
func rowScale(row []uint64) int32 { return int32(row[sumKind] >> 8) }

// rowSum returns the sum of the coefficients of a row in state sumInline.
func rowSum(row []uint64) int128 { return int128{int64(row[sumLow+1]), row[sumLow]} }

// mixedSum is a sum of exact numbers of several scales, of wide ones, and of those that are not numbers.
type mixedSum struct {
	scales              []scaleSum // ascending by scale
	last                int        // the one that was used last
	nan, posInf, negInf int64      // by weight
	spare               []*wideSum // of scales that are gone, empty
}

// scaleSum is the sum of the values of one scale.
type scaleSum struct {
	row  [sumWords]uint64 // n counts all values, the sums are those of 64-bit coefficients
	wide *wideSum         // of the others, nil for none
}

// wideSum is the sum of the coefficients beyond 64 bits, and of their squares.
type wideSum struct{ sum, squares big.Int }

// take makes m, in the room it has, what a row holds.
func (m *mixedSum) take(row []uint64) {
	m.clear()
	if row[sumKind] != sumEmpty {
		e := scaleSum{}
		copy(e.row[:], row)
		m.scales = append(m.scales, e)
	}
	n := row[sumN]
	clear(row)
	row[sumN], row[sumKind] = n, sumMixed
}

// clear empties m; its room stays.
func (m *mixedSum) clear() {
	for i := range m.scales {
		if w := m.scales[i].wide; w != nil {
			w.sum.SetInt64(0)
			w.squares.SetInt64(0)
			m.spare = append(m.spare, w)
		}
	}
	*m = mixedSum{scales: m.scales[:0], spare: m.spare}
}

// newWide returns an empty sum of wide numbers.
func (m *mixedSum) newWide() *wideSum {
	n := len(m.spare)
	if n == 0 {
		return &wideSum{}
	}
	w := m.spare[n-1]
	m.spare = m.spare[:n-1]
	return w
}

// set makes m a copy of from in the room it has.
func (m *mixedSum) set(from *mixedSum) {
	m.clear()
	m.last, m.nan, m.posInf, m.negInf = from.last, from.nan, from.posInf, from.negInf
	m.scales = append(m.scales, from.scales...)
	for i := range m.scales {
		if w := from.scales[i].wide; w != nil {
			n := m.newWide()
			n.sum.Set(&w.sum)
			n.squares.Set(&w.squares)
			m.scales[i].wide = n
		}
	}
}

// add adds w times row i of column c, which is numeric.
func (m *mixedSum) add(c *chunk.Column, i int, w int64, x *numericMath) {
	v := c.Nums[i]
	switch v.Form {
	case types.NumNaN:
		m.nan += w
		return
	case types.NumPosInf:
		m.posInf += w
		return
	case types.NumNegInf:
		m.negInf += w
		return
	}
	e := m.of(v.Scale)
	if addInline(e.row[:], v, w) {
		return
	}
	e.row[sumN] += uint64(w)
	if e.wide == nil {
		e.wide = m.newWide()
	}
	x.setWide(c, v, w)
	e.wide.sum.Add(&e.wide.sum, &x.p)
	e.wide.squares.Add(&e.wide.squares, &x.q)
}

// setWide sets p to w times v, a wide number of column c, and q to w·v².
func (x *numericMath) setWide(c *chunk.Column, v types.Num, w int64) {
	raw := c.NumBytes(v)
	x.v.SetBytes(raw[1:])
	x.p.Mul(&x.v, x.w.SetInt64(w))
	if x.q.Mul(&x.p, &x.v); raw[0] != 0 {
		x.p.Neg(&x.p)
	}
}

func (e *scaleSum) scale() int32 { return rowScale(e.row[:]) }

// of returns the sum of the values of a scale, which is made if there is none yet.
func (m *mixedSum) of(scale int32) *scaleSum {
	if m.last < len(m.scales) && m.scales[m.last].scale() == scale {
		return &m.scales[m.last]
	}
	at, known := slices.BinarySearchFunc(m.scales, scale, func(e scaleSum, s int32) int { return int(e.scale()) - int(s) })
	if !known {
		e := scaleSum{}
		e.row[sumKind] = uint64(uint32(scale))<<8 | sumInline
		m.scales = slices.Insert(m.scales, at, e)
	}
	m.last = at
	return &m.scales[at]
}

// special returns what a sum is that is not a number. Squares tell infinities apart no more.
func (m *mixedSum) special() (d types.Dec, ok bool) {
	switch {
	case m.nan > 0 || m.posInf > 0 && m.negInf > 0:
		return types.DecNaN, true
	case m.posInf > 0:
		return types.DecPosInf, true
	case m.negInf > 0:
		return types.DecNegInf, true
	}
	return types.Dec{}, false
}

func (m *mixedSum) bytes() int64 {
	n := int64(96 + cap(m.scales)*(sumWords+1)*8 + cap(m.spare)*8)
	for i := range m.scales {
		n += m.scales[i].wide.bytes()
	}
	for _, w := range m.spare {
		n += w.bytes()
	}
	return n
}

func (w *wideSum) bytes() int64 {
	if w == nil {
		return 0
	}
	return 64 + int64(cap(w.sum.Bits())+cap(w.squares.Bits()))*bits.UintSize/8
}
