package expr

import (
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// arm is an argument that is evaluated only for the rows that need it.
type arm struct {
	prog *Program
	cols []int // the input columns it reads
}

// subset is the scratch space for evaluating arms over some of the rows.
type subset struct {
	rem   []int32 // rows still undecided
	taken []int32
	next  []int32
	in    chunk.Chunk
	// bufs holds the gathered columns, by input column.
	bufs map[int]*chunk.Column
}

// evalArm evaluates an arm over rows idx (all rows when idx is nil). The result has
// one slot per row of idx, or one for all.
func (p *Program) evalArm(x *node, a *arm, idx []int32) *chunk.Column {
	if idx == nil || a.prog.root.constant {
		if a.prog.root.constant {
			return a.prog.evalShort(p.ctx, &chunk.Chunk{Rows: 1})
		}
		return a.prog.evalShort(p.ctx, p.in)
	}
	s := &x.sub
	s.in.Rows = len(idx)
	if s.in.Cols == nil || len(s.in.Cols) != len(p.in.Cols) {
		s.in.Cols = make([]*chunk.Column, len(p.in.Cols))
	}
	if s.bufs == nil {
		s.bufs = map[int]*chunk.Column{}
	}
	for _, col := range a.cols {
		buf := s.bufs[col]
		if buf == nil {
			buf = new(chunk.Column)
			s.bufs[col] = buf
		}
		gatherInto(buf, p.in.Cols[col], idx)
		s.in.Cols[col] = buf
	}
	return a.prog.evalShort(p.ctx, &s.in)
}

// gatherInto makes dst the rows idx of src, using dst's slices again and sharing
// src's bytes.
func gatherInto(dst, src *chunk.Column, idx []int32) {
	n := len(idx)
	functions.Prepare(dst, src.Type, n, 0)
	switch src.Type.Class() {
	case types.ClassBool:
		pick(dst.Bools, src.Bools, idx)
	case types.ClassInt:
		pick(dst.Ints, src.Ints, idx)
	case types.ClassFloat:
		pick(dst.Floats, src.Floats, idx)
	case types.ClassNumeric:
		pick(dst.Nums, src.Nums, idx)
	case types.ClassInterval:
		pick(dst.Ivls, src.Ivls, idx)
	case types.ClassUUID:
		pick(dst.UUIDs, src.UUIDs, idx)
	default:
		pick(dst.Views, src.Views, idx)
	}
	dst.Bytes = src.Bytes[:len(src.Bytes):len(src.Bytes)]
	if src.Nulls != nil {
		dst.Nulls = chunk.NewBitmap(n)
		for i, j := range idx {
			if src.Nulls.Get(int(j)) {
				dst.Nulls.Set(i)
			}
		}
	}
	if src.Errs != nil {
		for i, j := range idx {
			if e := src.ErrAt(int(j)); e != nil {
				dst.Errs = append(dst.Errs, chunk.RowError{Row: i, Err: e})
			}
		}
	}
}

func pick[T any](dst, src []T, idx []int32) {
	for i, j := range idx {
		dst[i] = src[j]
	}
}

// scatter stores v, one slot per row of rows or one for all, at those rows of the
// node's scratch column. Errors are appended in the order given: sort them at the end.
func (x *node) scatter(v *chunk.Column, rows []int32, n int) {
	out := &x.scratch
	one := v.Len() == 1
	switch x.typ.Class() {
	case types.ClassBool:
		put(out.Bools, v.Bools, rows, one)
	case types.ClassInt:
		put(out.Ints, v.Ints, rows, one)
	case types.ClassFloat:
		put(out.Floats, v.Floats, rows, one)
	case types.ClassNumeric:
		x.scatterNums(v, rows, one)
	case types.ClassInterval:
		put(out.Ivls, v.Ivls, rows, one)
	case types.ClassUUID:
		put(out.UUIDs, v.UUIDs, rows, one)
	default:
		x.scatterBytes(v, rows, one)
	}
	if v.Nulls != nil {
		for i, r := range rows {
			if v.Nulls.Get(at(v, i)) {
				x.setNull(int(r), n)
			}
		}
	}
	if v.Errs != nil {
		for i, r := range rows {
			if e := v.ErrAt(at(v, i)); e != nil {
				out.Errs = append(out.Errs, chunk.RowError{Row: int(r), Err: e})
			}
		}
	}
}

func put[T any](dst, src []T, rows []int32, one bool) {
	if one {
		for _, r := range rows {
			dst[r] = src[0]
		}
		return
	}
	for i, r := range rows {
		dst[r] = src[i]
	}
}

func (x *node) scatterNums(v *chunk.Column, rows []int32, one bool) {
	out := &x.scratch
	put(out.Nums, v.Nums, rows, one)
	if len(v.Bytes) == 0 {
		return
	}
	for _, r := range rows {
		if m := out.Nums[r]; m.Form == types.NumBig {
			off := len(out.Bytes)
			b := v.NumBytes(m)
			out.Bytes = append(out.Bytes, b...)
			out.Nums[r] = types.MakeBig(uint32(off), uint32(len(b)), m.Scale)
		}
	}
}

func (x *node) scatterBytes(v *chunk.Column, rows []int32, one bool) {
	out := &x.scratch
	if one {
		off := uint32(len(out.Bytes))
		out.Bytes = append(out.Bytes, v.StringAt(0)...)
		for _, r := range rows {
			out.Views[r] = chunk.View{Off: off, Len: v.Views[0].Len}
		}
		return
	}
	for i, r := range rows {
		off := uint32(len(out.Bytes))
		out.Bytes = append(out.Bytes, v.StringAt(i)...)
		out.Views[r] = chunk.View{Off: off, Len: v.Views[i].Len}
	}
}

// allRows fills the subset's list of undecided rows with [0, n).
func (s *subset) allRows(n int) {
	if cap(s.rem) < n {
		s.rem = make([]int32, n)
	}
	s.rem = s.rem[:n]
	for i := range s.rem {
		s.rem[i] = int32(i)
	}
}

// rows returns the rows of a node: one if it is constant.
func (p *Program) rows(x *node) int {
	if x.constant {
		return 1
	}
	return p.in.Rows
}

// subRows is idx for evalArm: nil when every row is meant.
func subRows(rem []int32, n int) []int32 {
	if len(rem) == n {
		return nil
	}
	return rem
}

// evalCase decides row by row which arm is taken and evaluates each arm over its rows.
func (p *Program) evalCase(x *node) *chunk.Column {
	n := p.rows(x)
	out := x.prepare(n)
	s := &x.sub
	s.allRows(n)
	k := 0
	for ; k+1 < len(x.arms) && len(s.rem) > 0; k += 2 {
		cond := p.evalArm(x, &x.arms[k], subRows(s.rem, n))
		s.taken, s.next = s.taken[:0], s.next[:0]
		for i, r := range s.rem {
			j := at(cond, i)
			if e := errAt(cond, j); e != nil {
				out.Errs = append(out.Errs, chunk.RowError{Row: int(r), Err: e})
			} else if cond.Bools[j] && !cond.Nulls.Get(j) {
				s.taken = append(s.taken, r)
			} else {
				s.next = append(s.next, r)
			}
		}
		if len(s.taken) > 0 {
			x.scatter(p.evalArm(x, &x.arms[k+1], subRows(s.taken, n)), s.taken, n)
		}
		s.rem, s.next = s.next, s.rem
	}
	if len(s.rem) > 0 {
		if len(x.arms)%2 == 1 {
			x.scatter(p.evalArm(x, &x.arms[len(x.arms)-1], subRows(s.rem, n)), s.rem, n)
		} else {
			for _, r := range s.rem {
				x.setNull(int(r), n)
			}
		}
	}
	functions.SortErrors(out)
	return out
}

// evalCoalesce takes the first argument that is not NULL; a later one is evaluated
// for the rows that need it only.
func (p *Program) evalCoalesce(x *node) *chunk.Column {
	n := p.rows(x)
	first := p.evalArm(x, &x.arms[0], nil)
	if first.Nulls == nil && first.Len() == n {
		return first
	}
	out := x.prepare(n)
	s := &x.sub
	s.allRows(n)
	for k := range x.arms {
		v := first
		if k > 0 {
			v = p.evalArm(x, &x.arms[k], subRows(s.rem, n))
		}
		s.taken, s.next = s.taken[:0], s.next[:0]
		if k < len(x.arms)-1 {
			for i, r := range s.rem {
				if v.Nulls.Get(at(v, i)) {
					s.next = append(s.next, r)
				}
			}
		}
		x.scatterPresent(v, s.rem, n, k == len(x.arms)-1)
		s.rem, s.next = s.next, s.rem
		if len(s.rem) == 0 {
			break
		}
	}
	functions.SortErrors(out)
	return out
}

// scatterPresent is scatter without v's NULLs, unless it is the last argument.
func (x *node) scatterPresent(v *chunk.Column, rows []int32, n int, last bool) {
	if last || v.Nulls == nil {
		x.scatter(v, rows, n)
		return
	}
	w := *v
	w.Nulls = nil
	x.scatter(&w, rows, n)
}
