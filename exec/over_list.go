package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
)

// overList is the aggregates whose result is made of all values of the frame: array_agg,
// string_agg and the JSON ones. A frame that only grows at its end is continued, any
// other is built anew, which costs what its result is long.
type overList struct {
	spec    *physical.WindowCall
	nulls   bool // NULL arguments count
	builder listBuilder
	args    []*chunk.Column
	rows    []int32
}

func (a *overList) eval(b *overBatch, fr *overFrames) *chunk.Column {
	a.args = a.args[:0]
	for _, i := range a.spec.Args {
		a.args = append(a.args, b.cols[i])
	}
	skip := overSkip(a.spec, a.nulls, b.cols, b.rows)
	out := chunk.NewColumn(a.spec.Type, len(fr.l0))
	for s := range b.spans {
		lo, hi, any := int32(-1), int32(0), false
		for k := fr.spanAt[s]; k < fr.spanAt[s+1]; k++ {
			if fr.r0 != nil || fr.l0[k] != lo {
				a.builder.reset()
				lo, hi, any = fr.l0[k], fr.l0[k], false
			}
			any = a.add(skip, hi, fr.l1[k]) || any
			hi = max(hi, fr.l1[k])
			if fr.r0 != nil {
				if i := fr.alone(k); i >= 0 {
					any = a.add(skip, i, i+1) || any
				}
				any = a.add(skip, fr.r0[k], fr.r1[k]) || any
			}
			if !any {
				out.AppendNull()
				continue
			}
			a.builder.finish(out)
		}
	}
	return spreadRuns(out, fr)
}

// add adds the rows [lo, hi) and reports whether there were any.
func (a *overList) add(skip []bool, lo, hi int32) bool {
	a.rows = a.rows[:0]
	for i := lo; i < hi; i++ {
		if skip == nil || !skip[i] {
			a.rows = append(a.rows, i)
		}
	}
	a.builder.add(a.args, a.rows, nil)
	return len(a.rows) > 0
}
