package exec

import (
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// isSeries reports whether p is one generate_series over integers and nothing else: the
// usual way to make many rows, which must not lie in memory all at once.
func (p *projectSet) isSeries() bool {
	if len(p.funcs) != 1 || p.funcs[0].call.Fn.Name != "generate_series" {
		return false
	}
	switch p.funcs[0].call.Fn.ID {
	case "generate_series_int4_int4", "generate_series_int4_int4_int4", "generate_series_int8_int8", "generate_series_int8_int8_int8":
		return true
	}
	return false
}

// pushSeries emits the rows of each row of c, a chunk at a time. It returns false, and
// has done nothing, if an argument is an error or a step is zero.
func (p *projectSet) pushSeries(c *chunk.Chunk, out *Output) bool {
	f := &p.funcs[0]
	var args []*chunk.Column
	for _, a := range f.args {
		col := a.Eval(f.call.Ctx, c)
		if len(col.Errs) > 0 {
			return false
		}
		args = append(args, col)
	}
	step := func(int) int64 { return 1 }
	if len(args) > 2 {
		step = func(r int) int64 { return args[2].Ints[r] }
		for r := range c.Rows {
			if step(r) == 0 && !isNull(args, r) {
				return false
			}
		}
	}
	s := seriesOut{p: p, c: c, out: out}
	for r := range c.Rows {
		n := 0
		if !isNull(args, r) {
			n = s.add(r, args[0].Ints[r], args[1].Ints[r], step(r))
		}
		if n == 0 && p.spec.Outer {
			s.row(r, 0, -1)
		}
	}
	s.flush()
	return true
}

// isNull reports whether one of the columns is NULL in row r.
func isNull(cols []*chunk.Column, r int) bool {
	for _, c := range cols {
		if c.IsNull(r) {
			return true
		}
	}
	return false
}

// seriesOut gathers output rows until they fill a chunk.
type seriesOut struct {
	p    *projectSet
	c    *chunk.Chunk
	out  *Output
	from []int32
	vals []int64
	ord  []int64 // from 0; -1 for a row without values
}

// add adds the series of input row r; it returns 0 if that is empty.
func (s *seriesOut) add(r int, v, end, by int64) int {
	if by > 0 && v > end || by < 0 && v < end {
		return 0
	}
	for k := int64(0); ; k++ {
		s.row(r, v, k)
		next := v + by
		if (by > 0) != (next > v) || by > 0 && next > end || by < 0 && next < end {
			return 1 // the end, or beyond the integers
		}
		v = next
	}
}

func (s *seriesOut) row(r int, v, k int64) {
	s.from, s.vals, s.ord = append(s.from, int32(r)), append(s.vals, v), append(s.ord, k)
	if len(s.from) == chunk.RowsMax {
		s.flush()
	}
}

func (s *seriesOut) flush() {
	n := len(s.from)
	if n == 0 {
		return
	}
	r := s.c.Gather(s.from)
	r.Hash, r.HashCols = nil, nil
	col := chunk.NewColumn(s.p.funcs[0].typ, n)
	col.Ints = append(col.Ints, s.vals...)
	number := chunk.NewColumn(types.Int8, n)
	for k, o := range s.ord {
		number.Ints = append(number.Ints, o+1)
		if o < 0 {
			col.SetNull(k)
			number.SetNull(k)
		}
	}
	col.Nulls, number.Nulls = growIfSet(col.Nulls, n), growIfSet(number.Nulls, n)
	r.Cols = append(r.Cols, col)
	if s.p.spec.Ordinality {
		r.Cols = append(r.Cols, number)
	}
	s.from, s.vals, s.ord = s.from[:0], s.vals[:0], s.ord[:0]
	s.out.Emit(r)
}
