package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
)

// overValue is the functions that show a value of another row: lag, lead, first_value,
// last_value and nth_value. They find the row first, all values are gathered at once.
type overValue struct {
	call int
	kind functions.WindowKind
	spec *physical.WindowCall

	from []int32
}

// noRow in a list of rows stands for NULL.
const noRow = -1

func (v *overValue) eval(b *overBatch, fr *overFrames) *chunk.Column {
	arg := b.cols[v.spec.Args[0]]
	var out *chunk.Column
	switch v.kind {
	case functions.WindowLag, functions.WindowLead:
		return v.shifted(b, arg)
	case functions.WindowFirstValue:
		out = v.first(b, fr, arg)
	case functions.WindowLastValue:
		from := v.rows(len(fr.l0))
		for k := range from {
			from[k] = fr.last(int32(k))
		}
		out = gatherRows(arg, from)
	default:
		return v.nth(b, fr, arg)
	}
	return spreadRuns(out, fr)
}

func (v *overValue) rows(n int) []int32 {
	if cap(v.from) < n {
		v.from = make([]int32, n)
	}
	return v.from[:n]
}

// shifted is lag and lead: the row that many rows away within the partition.
func (v *overValue) shifted(b *overBatch, arg *chunk.Column) *chunk.Column {
	sign := int64(1)
	if v.kind == functions.WindowLag {
		sign = -1
	}
	away, given := int64(1), (*chunk.Column)(nil)
	if len(v.spec.Args) > 1 {
		if len(v.spec.Const) > 1 && v.spec.Const[1] != nil {
			away = *v.spec.Const[1]
		} else {
			given = b.cols[v.spec.Args[1]]
		}
	}
	outside := int32(0) // what stands behind arg in the column to gather from
	source := arg
	if len(v.spec.Args) > 2 {
		outside = int32(b.rows)
		source = chunk.NewColumn(v.spec.Type, 2*b.rows)
		source.AppendRows(arg, nil)
		source.AppendRows(b.cols[v.spec.Args[2]], nil)
	}
	from := v.rows(b.outs)[:0]
	for s := range b.spans {
		sp := &b.spans[s]
		start := int64(sp.base - sp.first)
		for p := sp.lo; p < sp.hi; p++ {
			if given != nil {
				if given.IsNull(int(p)) {
					from = append(from, noRow)
					continue
				}
				away = given.Ints[p]
			}
			to := int64(p) + sign*away
			switch {
			case to >= start && to < start+int64(sp.size):
				from = append(from, int32(to))
			case outside > 0:
				from = append(from, outside+p)
			default:
				from = append(from, noRow)
			}
		}
	}
	return gatherRows(source, from)
}

// first is first_value. In a span that begins later than its partition the frames, which
// begin with the partition, show what the row in front shows.
func (v *overValue) first(b *overBatch, fr *overFrames, arg *chunk.Column) *chunk.Column {
	from := v.rows(len(fr.l0))
	for k := range from {
		from[k] = fr.first(int32(k))
	}
	if !fr.carry || b.priors == nil {
		return gatherRows(arg, from)
	}
	source := chunk.NewColumn(v.spec.Type, b.rows+len(b.spans))
	source.AppendRows(arg, nil)
	source.AppendRows(b.priors(v.call), nil)
	for s := range b.spans {
		if b.spans[s].first > 0 {
			for k := fr.spanAt[s]; k < fr.spanAt[s+1]; k++ {
				from[k] = int32(b.rows + s)
			}
		}
	}
	return gatherRows(source, from)
}

// first and last return the first and the last row of run k, noRow if it is empty.
func (fr *overFrames) first(k int32) int32 {
	if fr.l0[k] < fr.l1[k] {
		return fr.l0[k]
	}
	if a := fr.alone(k); a >= 0 {
		return a
	}
	if lo, hi := fr.right(k); lo < hi {
		return lo
	}
	return noRow
}

func (fr *overFrames) last(k int32) int32 {
	if lo, hi := fr.right(k); lo < hi {
		return hi - 1
	}
	if a := fr.alone(k); a >= 0 {
		return a
	}
	if fr.l0[k] < fr.l1[k] {
		return fr.l1[k] - 1
	}
	return noRow
}

// nth returns row n, from 0, of run k.
func (fr *overFrames) nth(k int32, n int64) int32 {
	size := int64(fr.l1[k] - fr.l0[k])
	if n < size {
		return fr.l0[k] + int32(n)
	}
	n -= size
	if a := fr.alone(k); a >= 0 {
		if n == 0 {
			return a
		}
		n--
	}
	if lo, hi := fr.right(k); n < int64(hi-lo) {
		return lo + int32(n)
	}
	return noRow
}

// nth is nth_value; its number may differ from row to row.
func (v *overValue) nth(b *overBatch, fr *overFrames, arg *chunk.Column) *chunk.Column {
	var errs []chunk.RowError
	from := v.rows(b.outs)[:0]
	n, given := int64(0), (*chunk.Column)(nil)
	if len(v.spec.Const) > 1 && v.spec.Const[1] != nil {
		n = *v.spec.Const[1]
	} else {
		given = b.cols[v.spec.Args[1]]
	}
	for s := range b.spans {
		for p := b.spans[s].lo; p < b.spans[s].hi; p++ {
			out := int32(len(from))
			if given != nil {
				if given.IsNull(int(p)) {
					from = append(from, noRow)
					continue
				}
				n = given.Ints[p]
			}
			if n <= 0 {
				errs = append(errs, chunk.RowError{Row: int(out),
					Err: sqlerr.New(sqlerr.InvalidArgumentForNthValue, "argument of nth_value must be greater than zero")})
				from = append(from, noRow)
				continue
			}
			from = append(from, fr.nth(fr.runOf(out), n-1))
		}
	}
	col := gatherRows(arg, from)
	for _, e := range errs {
		setError(col, e)
	}
	return col
}

// runOf is the run of wanted row out.
func (fr *overFrames) runOf(out int32) int32 {
	if fr.run == nil {
		return out
	}
	return fr.run[out]
}

// setError puts an error in the place of a value; errors are put in rising order.
func setError(c *chunk.Column, e chunk.RowError) {
	if c.Nulls != nil {
		c.Nulls.Clear(e.Row)
	}
	c.Errs = append(c.Errs, e)
}

// gatherRows is c.Gather where noRow gives NULL. It may change from.
func gatherRows(c *chunk.Column, from []int32) *chunk.Column {
	var absent []int32
	for i, j := range from {
		if j == noRow {
			absent = append(absent, int32(i))
			from[i] = 0
		}
	}
	if c.Len() == 0 && len(from) > 0 {
		c = chunk.NewColumn(c.Type, 1)
		c.AppendNull()
	}
	r := c.Gather(from)
	for _, i := range absent {
		r.SetNull(int(i))
	}
	if r.Nulls != nil {
		r.Nulls = r.Nulls.Grow(len(from))
	}
	return r
}

// spreadRuns gives every wanted row the value of its run.
func spreadRuns(c *chunk.Column, fr *overFrames) *chunk.Column {
	if fr.run == nil {
		return c
	}
	return c.Gather(fr.run)
}
