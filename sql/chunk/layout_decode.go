package chunk

import (
	"math"
	"math/big"
	"strings"

	"streamdb/sql/types"
)

// decode appends column i of the rows slots of src to dst.
func (l *Layout) decode(dst *Column, i int, slots []int32, pages [][]uint64, stride int, a *Arena) {
	base := dst.Len()
	dst.Resize(base + len(slots))
	at := l.off[i]
	mw, bit := maskOf(i)
	for k, s := range slots {
		row := pages[s>>pageBits][int(s&pageMask)*stride:]
		if row[mw]&bit != 0 {
			dst.SetNull(base + k)
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
		for k, s := range slots {
			dst.Nums[base+k] = decodeNum(dst, pages[s>>pageBits][int(s&pageMask)*stride+at:], a)
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

// normalBig returns c with its big numerics in normal form: trailing zeros of the
// fraction cut, and inline where that makes them fit. Columns without big numerics
// come back as they are.
func normalBig(c *Column) *Column {
	if c.Type.Class() != types.ClassNumeric || len(c.Bytes) == 0 {
		return c
	}
	r := &Column{Type: c.Type, Nulls: c.Nulls, Nums: append([]types.Num(nil), c.Nums...)}
	ten := big.NewInt(10)
	for i, n := range r.Nums {
		if n.Form != types.NumBig {
			continue
		}
		b := c.NumBytes(n)
		v := new(big.Int).SetBytes(b[1:])
		q, m := new(big.Int), new(big.Int)
		for n.Scale > 0 {
			q.QuoRem(v, ten, m)
			if m.Sign() != 0 {
				break
			}
			v, q = q, v
			n.Scale--
		}
		neg := b[0] != 0
		if neg {
			v.Neg(v)
		}
		if v.IsInt64() {
			r.Nums[i] = types.Num{Coef: v.Int64(), Scale: n.Scale}
			continue
		}
		view := r.addBytes(append([]byte{b[0]}, v.Bytes()...))
		r.Nums[i] = types.MakeBig(view.Off, view.Len, n.Scale)
	}
	return r
}

func normalCols(cols []*Column) []*Column {
	for i, c := range cols {
		if n := normalBig(c); n != c {
			r := append([]*Column(nil), cols...)
			for j := i; j < len(r); j++ {
				r[j] = normalBig(r[j])
			}
			return r
		}
	}
	return cols
}
