package relation

import (
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// assemble copies the rows of pieces into new columns, those listed in cols.
func assemble(l *layout, pieces []piece, cols []int, prefix bool) *data {
	n, plain := 0, true
	for _, p := range pieces {
		n += int(p.hi - p.lo)
		plain = plain && (p.weight == 1 || (p.weight == 0 && p.sign == 1 && p.d.weights == nil))
	}
	d := &data{rows: n, cols: make([]*chunk.Column, len(cols)), packed: make([]bool, len(cols))}
	for i, c := range cols {
		d.cols[i] = assembleColumn(pieces, c, n)
		d.packed[i] = true
	}
	if !plain {
		d.weights = assembleWeights(pieces, n)
	}
	if prefix {
		d.prefix = make([]uint64, 0, n)
		for _, p := range pieces {
			d.prefix = append(d.prefix, p.d.prefix[p.lo:p.hi]...)
		}
	}
	return d
}

func assembleWeights(pieces []piece, n int) []int64 {
	w := make([]int64, 0, n)
	for _, p := range pieces {
		for i := p.lo; i < p.hi; i++ {
			v := p.weight
			if v == 0 {
				v = int64(p.sign) * p.d.weight(int(i))
			}
			w = append(w, v)
		}
	}
	return w
}

func assembleColumn(pieces []piece, c, n int) *chunk.Column {
	t := pieces[0].d.cols[c].Type
	out := &chunk.Column{Type: t}
	switch t.Class() {
	case types.ClassBool:
		out.Bools = make([]bool, 0, n)
		for _, p := range pieces {
			out.Bools = append(out.Bools, p.d.cols[c].Bools[p.lo:p.hi]...)
		}
	case types.ClassInt:
		v := make([]int64, 0, n)
		for _, p := range pieces {
			v = append(v, p.d.cols[c].Ints[p.lo:p.hi]...)
		}
		out.Ints = v
	case types.ClassFloat:
		out.Floats = make([]float64, 0, n)
		for _, p := range pieces {
			out.Floats = append(out.Floats, p.d.cols[c].Floats[p.lo:p.hi]...)
		}
	case types.ClassNumeric:
		assembleNums(out, pieces, c, n)
	case types.ClassInterval:
		out.Ivls = make([]types.Interval, 0, n)
		for _, p := range pieces {
			out.Ivls = append(out.Ivls, p.d.cols[c].Ivls[p.lo:p.hi]...)
		}
	case types.ClassUUID:
		out.UUIDs = make([][16]byte, 0, n)
		for _, p := range pieces {
			out.UUIDs = append(out.UUIDs, p.d.cols[c].UUIDs[p.lo:p.hi]...)
		}
	default:
		assembleViews(out, pieces, c, n)
	}
	assembleNulls(out, pieces, c, n)
	return out
}

func assembleNums(out *chunk.Column, pieces []piece, c, n int) {
	out.Nums = make([]types.Num, 0, n)
	for _, p := range pieces {
		src := p.d.cols[c]
		base := len(out.Nums)
		out.Nums = append(out.Nums, src.Nums[p.lo:p.hi]...)
		if len(src.Bytes) == 0 {
			continue
		}
		for i, v := range out.Nums[base:] {
			if v.Form == types.NumBig && !src.Nulls.Get(int(p.lo)+i) {
				b := src.NumBytes(v)
				out.Nums[base+i] = types.MakeBig(uint32(len(out.Bytes)), uint32(len(b)), v.Scale)
				out.Bytes = append(out.Bytes, b...)
			}
		}
	}
}

// assembleViews copies strings: of a packed source all bytes of a stretch at once.
func assembleViews(out *chunk.Column, pieces []piece, c, n int) {
	total := 0
	for _, p := range pieces {
		v := p.d.cols[c].Views
		if p.d.packed != nil && p.d.packed[c] {
			last := v[p.hi-1]
			total += int(last.Off + last.Len - v[p.lo].Off)
			continue
		}
		for _, w := range v[p.lo:p.hi] {
			total += int(w.Len)
		}
	}
	views, bytes := make([]chunk.View, 0, n), make([]byte, 0, total)
	for _, p := range pieces {
		src := p.d.cols[c]
		if p.d.packed != nil && p.d.packed[c] {
			last, start := src.Views[p.hi-1], src.Views[p.lo].Off
			shift := uint32(len(bytes)) - start
			bytes = append(bytes, src.Bytes[start:last.Off+last.Len]...)
			for _, w := range src.Views[p.lo:p.hi] {
				views = append(views, chunk.View{Off: w.Off + shift, Len: w.Len})
			}
			continue
		}
		for _, w := range src.Views[p.lo:p.hi] {
			views = append(views, chunk.View{Off: uint32(len(bytes)), Len: w.Len})
			bytes = append(bytes, src.Bytes[w.Off:w.Off+w.Len]...)
		}
	}
	out.Views, out.Bytes = views, bytes
}

func assembleNulls(out *chunk.Column, pieces []piece, c, n int) {
	at := 0
	for _, p := range pieces {
		if nulls := p.d.cols[c].Nulls; nulls != nil {
			for i := int(p.lo); i < int(p.hi); i++ {
				if nulls.Get(i) {
					if out.Nulls == nil {
						out.Nulls = chunk.NewBitmap(n)
					}
					out.Nulls.Set(at + i - int(p.lo))
				}
			}
		}
		at += int(p.hi - p.lo)
	}
}

// chunkOf returns the pieces as a chunk of the columns cols, without copying when
// they are one long stretch.
func chunkOf(l *layout, pieces []piece, cols []int) *chunk.Chunk {
	if len(pieces) == 1 {
		p := pieces[0]
		n := int(p.hi - p.lo)
		if p.weight == 0 && p.sign == 1 && (n == p.d.rows || n >= 256) {
			return sliceOf(p, cols)
		}
	}
	d := assemble(l, pieces, cols, false)
	return &chunk.Chunk{Cols: d.cols, Weights: d.weights, Rows: d.rows}
}

func sliceOf(p piece, cols []int) *chunk.Chunk {
	lo, hi := int(p.lo), int(p.hi)
	c := &chunk.Chunk{Cols: make([]*chunk.Column, len(cols)), Rows: hi - lo}
	for i, k := range cols {
		col := p.d.cols[k]
		if hi-lo < p.d.rows {
			col = col.Slice(lo, hi)
		}
		c.Cols[i] = col
	}
	if p.d.weights != nil {
		c.Weights = p.d.weights[lo:hi:hi]
		if allOne(c.Weights) {
			c.Weights = nil
		}
	}
	return c
}

func allOne(w []int64) bool {
	for _, v := range w {
		if v != 1 {
			return false
		}
	}
	return true
}
