package chunk

import (
	"math"
	"slices"
	"strings"

	"streamdb/sql/types"
)

// decode appends column i of the rows slots of src to dst.
func (l *Layout) decode(dst *Column, i int, slots []int32, pages [][]uint64, stride int, a *Arena) {
	base := dst.Len()
	dst.Resize(base + len(slots))
	at := l.off[i]
	if l.masks > 0 {
		mw, bit := maskOf(i)
		for k, s := range slots {
			row := pages[s>>pageBits][int(s&pageMask)*stride:]
			if row[mw]&bit != 0 {
				dst.SetNull(base + k)
			}
		}
	}
	dst.growNulls()
	switch dst.Type.Class() {
	case types.ClassBool:
		for k, s := range slots {
			dst.Bools[base+k] = pages[s>>pageBits][int(s&pageMask)*stride+at] != 0
		}
	case types.ClassInt:
		for k, s := range slots {
			dst.Ints[base+k] = int64(pages[s>>pageBits][int(s&pageMask)*stride+at])
		}
	case types.ClassFloat:
		for k, s := range slots {
			dst.Floats[base+k] = math.Float64frombits(pages[s>>pageBits][int(s&pageMask)*stride+at])
		}
	case types.ClassNumeric:
		scale := l.shownScale(i)
		for k, s := range slots {
			dst.Nums[base+k] = atScale(decodeNum(dst, pages[s>>pageBits][int(s&pageMask)*stride+at:], a), scale)
		}
	case types.ClassInterval:
		for k, s := range slots {
			dst.Ivls[base+k] = decodeInterval(pages[s>>pageBits][int(s&pageMask)*stride+at:])
		}
	case types.ClassUUID:
		for k, s := range slots {
			dst.UUIDs[base+k] = decodeUUID(pages[s>>pageBits][int(s&pageMask)*stride+at:])
		}
	default:
		l.decodeBytes(dst, i, base, slots, pages, stride, a)
	}
}

func (l *Layout) decodeBytes(dst *Column, i, base int, slots []int32, pages [][]uint64, stride int, a *Arena) {
	at := l.off[i]
	pad := 0
	if l.normal && dst.Type.Kind == types.KindBPChar && dst.Type.Typmod > 4 {
		pad = int(dst.Type.Typmod) - 4
	}
	for k, s := range slots {
		b := a.Get(Ref(pages[s>>pageBits][int(s&pageMask)*stride+at]))
		if pad > 0 && !dst.Nulls.Get(base+k) {
			if n := pad - len([]rune(string(b))); n > 0 {
				b = append(append([]byte(nil), b...), strings.Repeat(" ", n)...)
			}
		}
		dst.Views[base+k] = dst.addBytes(b)
	}
}

// shownScale returns the declared scale of numeric column i where values are kept in
// normal form, which has lost it; 0 otherwise.
func (l *Layout) shownScale(i int) int32 {
	if _, scale, ok := l.Types[i].NumericPS(); ok && l.normal {
		return scale
	}
	return 0
}

// atScale shows n with at least the given scale, as long as it stays inline.
func atScale(n types.Num, scale int32) types.Num {
	for n.Form == types.NumInline && n.Scale < scale && n.Coef <= math.MaxInt64/10 && n.Coef >= math.MinInt64/10 {
		n.Coef *= 10
		n.Scale++
	}
	return n
}

func decodeNum(dst *Column, w []uint64, a *Arena) types.Num {
	n := types.Num{Coef: int64(w[0]), Scale: int32(uint32(w[1])), Form: types.NumForm(w[1] >> 32)}
	if n.Form == types.NumBig {
		v := dst.addBytes(a.Get(Ref(w[0])))
		n = types.MakeBig(v.Off, v.Len, n.Scale)
	}
	return n
}

func decodeInterval(w []uint64) types.Interval {
	return types.Interval{Micros: int64(w[0]), Months: int32(w[1] >> 32), Days: int32(uint32(w[1]))}
}

func decodeUUID(w []uint64) (u [16]byte) {
	for i := range 8 {
		u[i] = byte(w[0] >> (56 - 8*i))
		u[8+i] = byte(w[1] >> (56 - 8*i))
	}
	return u
}

// normalBigs returns c with its big numerics in normal form: trailing zeros of the
// fraction cut, and inline where that makes them fit. Columns without big numerics
// come back as they are.
func normalBigs(c *Column) *Column {
	if c.Type.Class() != types.ClassNumeric || len(c.Bytes) == 0 {
		return c
	}
	r := &Column{Type: c.Type, Nulls: c.Nulls, Nums: append([]types.Num(nil), c.Nums...)}
	var room [256]byte
	for i, n := range r.Nums {
		if n.Form != types.NumBig {
			continue
		}
		m, b := normalBig(c.NumBytes(n), n.Scale, room[:0])
		if m.Form == types.NumBig {
			view := r.addBytes(b)
			m = types.MakeBig(view.Off, view.Len, m.Scale)
		}
		r.Nums[i] = m
	}
	return r
}

func normalCols(cols []*Column) []*Column {
	for i, c := range cols {
		if n := normalBigs(c); n != c {
			r := append([]*Column(nil), cols...)
			for j := i; j < len(r); j++ {
				r[j] = normalBigs(r[j])
			}
			return r
		}
	}
	return cols
}

// EncodeColumn appends to dst, for Same and Store, the rows of the single-column layout that
// hold the values of col.
func (l *Layout) EncodeColumn(dst []uint64, col *Column) []uint64 {
	n, at := col.Len(), len(dst)
	if n == 0 {
		return dst
	}
	dst = slices.Grow(dst, n*l.words)[:at+n*l.words]
	l.encode([]*Column{col}, n, dst[at:])
	return dst
}

// Same reports whether the single-column row holds the value in row r of col, which is encoded in
// enc; the header's high half is not looked at.
func (l *Layout) Same(row, enc []uint64, col *Column, r int, a *Arena) bool {
	return l.equal(row, enc[r*l.words:], []*Column{col}, r, a)
}

// Store sets the single-column row to row r of col, which is encoded in enc, with its bytes in a.
func (l *Layout) Store(row, enc []uint64, col *Column, r int, a *Arena) {
	copy(row[:l.words], enc[r*l.words:])
	l.intern(row, []*Column{col}, r, a)
}

// Load appends column i of row to dst.
func (l *Layout) Load(row []uint64, i int, a *Arena, dst *Column) {
	if l.IsNull(row, i) {
		dst.AppendNull()
		return
	}
	w := row[l.off[i]:]
	switch dst.Type.Class() {
	case types.ClassBool:
		dst.Bools = append(dst.Bools, w[0] != 0)
	case types.ClassInt:
		dst.Ints = append(dst.Ints, int64(w[0]))
	case types.ClassFloat:
		dst.Floats = append(dst.Floats, math.Float64frombits(w[0]))
	case types.ClassNumeric:
		dst.Nums = append(dst.Nums, atScale(decodeNum(dst, w, a), l.shownScale(i)))
	case types.ClassInterval:
		dst.Ivls = append(dst.Ivls, decodeInterval(w))
	case types.ClassUUID:
		dst.UUIDs = append(dst.UUIDs, decodeUUID(w))
	default:
		dst.Views = append(dst.Views, dst.addBytes(a.Get(Ref(w[0]))))
	}
	dst.growNulls()
}

// Value returns column i of row as a column of one row.
func (l *Layout) Value(row []uint64, i int, a *Arena) *Column {
	c := NewColumn(l.Types[i], 1)
	l.Load(row, i, a, c)
	return c
}
