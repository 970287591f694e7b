package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
)

// overRank is the functions of a row's place: row_number, rank, dense_rank,
// percent_rank, cume_dist and ntile.
type overRank struct {
	call int // position among the calls, for what earlier rows have got
	kind functions.WindowKind
	spec *physical.WindowCall
}

func (r *overRank) eval(b *overBatch, _ *overFrames) *chunk.Column {
	out := chunk.NewColumn(r.spec.Type, b.outs)
	var dense *chunk.Column
	if r.kind == functions.WindowDenseRank && b.priors != nil {
		dense = b.priors(r.call)
	}
	for s := range b.spans {
		sp := &b.spans[s]
		switch r.kind {
		case functions.WindowRowNumber:
			for p := sp.lo; p < sp.hi; p++ {
				out.Ints = append(out.Ints, int64(sp.first+p-sp.base)+1)
			}
		case functions.WindowRank:
			for p := sp.lo; p < sp.hi; p++ {
				out.Ints = append(out.Ints, int64(sp.first+b.peerStart(p)-sp.base)+1)
			}
		case functions.WindowDenseRank:
			before := int64(1)
			if dense != nil && sp.prior >= 0 {
				before += dense.Ints[s]
			}
			for p := sp.lo; p < sp.hi; p++ {
				out.Ints = append(out.Ints, before+int64(b.group[p]-b.group[sp.base]))
			}
		case functions.WindowNtile:
			r.ntile(b, sp, out)
		default:
			r.fraction(b, sp, out)
		}
	}
	return out
}

// fraction is percent_rank and cume_dist; their spans begin with the partition.
func (r *overRank) fraction(b *overBatch, sp *overSpan, out *chunk.Column) {
	for p := sp.lo; p < sp.hi; p++ {
		v := 0.0
		switch {
		case r.kind == functions.WindowCumeDist:
			v = float64(b.peerEnd(p)-sp.base) / float64(sp.size)
		case sp.size > 1:
			v = float64(b.peerStart(p)-sp.base) / float64(sp.size-1)
		}
		out.Floats = append(out.Floats, v)
	}
}

// ntile takes the number of buckets from the partition's first row.
func (r *overRank) ntile(b *overBatch, sp *overSpan, out *chunk.Column) {
	n, null := int64(0), false
	if len(r.spec.Const) > 0 && r.spec.Const[0] != nil {
		n = *r.spec.Const[0]
	} else if c := b.cols[r.spec.Args[0]]; c.IsNull(int(sp.base)) {
		null = true
	} else {
		n = c.Ints[sp.base]
	}
	var err error
	if !null && n <= 0 {
		err = sqlerr.New(sqlerr.InvalidArgumentForNtile, "argument of ntile must be greater than zero")
	}
	if null || err != nil {
		for p := sp.lo; p < sp.hi; p++ {
			if err != nil {
				out.AppendError(err)
			} else {
				out.AppendNull()
			}
		}
		return
	}
	// The first rest buckets have one row more than the others.
	each, rest := int64(sp.size)/n, int64(sp.size)%n
	for p := sp.lo; p < sp.hi; p++ {
		pos := int64(sp.first + p - sp.base)
		if large := rest * (each + 1); pos < large {
			out.Ints = append(out.Ints, pos/(each+1)+1)
		} else {
			out.Ints = append(out.Ints, rest+(pos-large)/each+1)
		}
	}
	if out.Nulls != nil {
		out.Nulls = out.Nulls.Grow(len(out.Ints))
	}
}
