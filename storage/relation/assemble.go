package relation

import (
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// assemble copies the rows of a batch into new columns, those listed in cols. With a
// layout, of which these are all columns, the rows have prefixes.
func assemble(b *batch, cols []int, l *layout) *data {
	d := &data{rows: b.rows, cols: make([]*chunk.Column, len(cols))}
	made := make([]chunk.Column, len(cols))
	for i, c := range cols {
		d.cols[i] = &made[i]
		b.column(c, d.cols[i])
		if d.cols[i].Views != nil {
			if d.packed == nil {
				d.packed = make([]bool, len(cols))
			}
			d.packed[i] = true
		}
	}
	d.weights = b.weights()
	if l != nil {
		d.prefix = b.prefixes(l, d)
	}
	return d
}

// prefixes returns the prefixes of d, which has the rows of the batch.
func (b *batch) prefixes(l *layout, d *data) prefixes {
	if l.byInt != nil {
		return l.prefixesOf(d.cols, d.rows)
	}
	return prefixes{words: gatherPieces(b, func(s *data) []uint64 { return s.prefix.words })}
}

// weights returns the weights of the rows, nil when all are 1.
func (b *batch) weights() []int64 {
	plain := true
	for _, s := range b.srcs {
		plain = plain && s.sign == 1 && s.d.weights == nil
	}
	if plain {
		for _, p := range b.pieces {
			if p.weight > 1 || p.weight < 0 {
				plain = false
				break
			}
		}
	}
	if plain {
		return nil
	}
	w, all := make([]int64, 0, b.rows), true
	for _, p := range b.pieces {
		s := b.srcs[p.src]
		for i := p.lo; i < p.hi; i++ {
			v := p.weight
			if v == 0 {
				v = s.sign * s.d.weight(int(i))
			}
			w = append(w, v)
			all = all && v == 1
		}
	}
	if all {
		return nil
	}
	return w
}

// gatherPieces copies the stretches of the slices that of names.
func gatherPieces[T any](b *batch, of func(*data) []T) []T {
	var few [16][]T
	srcs := few[:0]
	for _, s := range b.srcs {
		srcs = append(srcs, of(s.d))
	}
	out := make([]T, b.rows)
	at := 0
	for _, p := range b.pieces {
		if p.hi-p.lo == 1 {
			out[at] = srcs[p.src][p.lo]
			at++
			continue
		}
		at += copy(out[at:], srcs[p.src][p.lo:p.hi])
	}
	return out
}

// column copies column c of the rows to out.
func (b *batch) column(c int, out *chunk.Column) {
	out.Type = b.srcs[0].d.cols[c].Type
	switch out.Type.Class() {
	case types.ClassBool:
		out.Bools = gatherPieces(b, func(d *data) []bool { return d.cols[c].Bools })
	case types.ClassInt:
		out.Ints = gatherPieces(b, func(d *data) []int64 { return d.cols[c].Ints })
	case types.ClassFloat:
		out.Floats = gatherPieces(b, func(d *data) []float64 { return d.cols[c].Floats })
	case types.ClassNumeric:
		b.nums(out, c)
	case types.ClassInterval:
		out.Ivls = gatherPieces(b, func(d *data) []types.Interval { return d.cols[c].Ivls })
	case types.ClassUUID:
		out.UUIDs = gatherPieces(b, func(d *data) [][16]byte { return d.cols[c].UUIDs })
	default:
		b.strings(out, c)
	}
	out.Nulls = b.nulls(c)
}

func (b *batch) nums(out *chunk.Column, c int) {
	out.Nums = gatherPieces(b, func(d *data) []types.Num { return d.cols[c].Nums })
	big := false
	for _, s := range b.srcs {
		big = big || len(s.d.cols[c].Bytes) > 0
	}
	if !big {
		return
	}
	at := 0
	for _, p := range b.pieces {
		src := b.srcs[p.src].d.cols[c]
		for i := p.lo; i < p.hi; i++ {
			if v := src.Nums[i]; v.Form == types.NumBig && !src.Nulls.Get(int(i)) {
				coef := src.NumBytes(v)
				out.Nums[at] = types.MakeBig(uint32(len(out.Bytes)), uint32(len(coef)), v.Scale)
				out.Bytes = append(out.Bytes, coef...)
			}
			at++
		}
	}
}

// strings copies byte strings, of a packed source all bytes of a stretch at once.
func (b *batch) strings(out *chunk.Column, c int) {
	total := 0
	for _, p := range b.pieces {
		d := b.srcs[p.src].d
		v := d.cols[c].Views[p.lo:p.hi]
		if d.packed != nil && d.packed[c] {
			last := v[len(v)-1]
			total += int(last.Off + last.Len - v[0].Off)
			continue
		}
		for _, w := range v {
			total += int(w.Len)
		}
	}
	views, bytes := make([]chunk.View, 0, b.rows), make([]byte, 0, total)
	for _, p := range b.pieces {
		d := b.srcs[p.src].d
		src := d.cols[c]
		v := src.Views[p.lo:p.hi]
		if d.packed != nil && d.packed[c] {
			last, start := v[len(v)-1], v[0].Off
			shift := uint32(len(bytes)) - start
			bytes = append(bytes, src.Bytes[start:last.Off+last.Len]...)
			for _, w := range v {
				views = append(views, chunk.View{Off: w.Off + shift, Len: w.Len})
			}
			continue
		}
		for _, w := range v {
			views = append(views, chunk.View{Off: uint32(len(bytes)), Len: w.Len})
			bytes = append(bytes, src.Bytes[w.Off:w.Off+w.Len]...)
		}
	}
	out.Views, out.Bytes = views, bytes
}

func (b *batch) nulls(c int) (out chunk.Bitmap) {
	any := false
	for _, s := range b.srcs {
		any = any || s.d.cols[c].Nulls != nil
	}
	if !any {
		return nil
	}
	at := 0
	for _, p := range b.pieces {
		nulls := b.srcs[p.src].d.cols[c].Nulls
		for i := int(p.lo); nulls != nil && i < int(p.hi); i++ {
			if nulls.Get(i) {
				if out == nil {
					out = chunk.NewBitmap(b.rows)
				}
				out.Set(at + i - int(p.lo))
			}
		}
		at += int(p.hi - p.lo)
	}
	return out
}

// chunk returns the batch as a chunk of the columns cols, without copying when it is
// one long stretch.
func (b *batch) chunk(cols []int) *chunk.Chunk {
	if len(b.pieces) == 1 {
		p := b.pieces[0]
		s := b.srcs[p.src]
		if n := int(p.hi - p.lo); p.weight == 0 && s.sign == 1 && (n == s.d.rows || n >= 256) {
			return s.d.slice(int(p.lo), int(p.hi), cols)
		}
	}
	d := assemble(b, cols, nil)
	return &chunk.Chunk{Cols: d.cols, Weights: d.weights, Rows: d.rows}
}

// slice returns rows [lo, hi) of the columns cols, sharing memory.
func (d *data) slice(lo, hi int, cols []int) *chunk.Chunk {
	c := &chunk.Chunk{Cols: make([]*chunk.Column, len(cols)), Rows: hi - lo}
	for i, k := range cols {
		col := d.cols[k]
		if hi-lo < d.rows {
			col = col.Slice(lo, hi)
		}
		c.Cols[i] = col
	}
	if d.weights != nil && !allOne(d.weights[lo:hi]) {
		c.Weights = d.weights[lo:hi:hi]
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
