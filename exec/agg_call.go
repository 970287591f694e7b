package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// newCall makes the state of one aggregate call whose words begin at payload word at.
func newCall(spec physical.AggCall, in *physical.Node, at int) (callState, error) {
	f := functions.ByID(spec.Fn)
	if f == nil || f.Agg.Kind == functions.AggNone {
		return callState{}, sqlerr.New(sqlerr.InternalError, "plan names unknown aggregate %q", spec.Fn)
	}
	var args chunk.Schema
	for k, i := range spec.Args {
		if i < 0 {
			args = append(args, f.Args[k]) // a constant
		} else {
			args = append(args, in.Schema[i])
		}
	}
	acc, err := newAccumulator(f, spec, in, args)
	if err != nil {
		return callState{}, err
	}
	cs := callState{spec: spec, acc: acc, at: at, consts: make([]*chunk.Column, len(spec.Args))}
	for k, i := range spec.Args {
		if i < 0 {
			cs.consts[k] = chunk.NewColumn(args[k], 1)
			if k < len(spec.Const) && spec.Const[k] != nil {
				cs.consts[k].AppendDatum(*spec.Const[k])
			} else {
				cs.consts[k].AppendNull()
			}
		}
	}
	switch f.Agg.Kind {
	case functions.AggMin, functions.AggMax, functions.AggAnyValue, functions.AggBoolAnd, functions.AggBoolOr:
		// DISTINCT changes nothing.
	default:
		if spec.Distinct {
			all := append(chunk.Schema(nil), args...)
			for _, o := range spec.Order {
				all = append(all, in.Schema[o.Col])
			}
			cs.distinct = newDistinctSet(all)
		}
	}
	return cs, nil
}

func newAccumulator(f *functions.Function, spec physical.AggCall, in *physical.Node, args chunk.Schema) (accumulator, error) {
	switch f.Agg.Kind {
	case functions.AggCountStar, functions.AggCount:
		return countAcc{}, nil
	case functions.AggBoolAnd:
		return boolAcc{}, nil
	case functions.AggBoolOr:
		return boolAcc{or: true}, nil
	case functions.AggSum, functions.AggAvg:
		return newSum(f, spec, args[0])
	case functions.AggMin, functions.AggMax, functions.AggAnyValue:
		maximum := f.Agg.Kind == functions.AggMax
		if in.AppendOnly && args[0].Class() == types.ClassInt {
			return extremeIntAcc{max: maximum}, nil
		}
		return newExtremeAcc(args[0], maximum, in.AppendOnly), nil
	case functions.AggStddevPop, functions.AggStddevSamp, functions.AggVarPop, functions.AggVarSamp:
		if args[0].Class() == types.ClassFloat {
			return newFloatAcc(f.Agg.Kind, args[0], spec.Type), nil
		}
		return newNumericAcc(f.Agg.Kind), nil
	case functions.AggCorr, functions.AggCovarPop, functions.AggCovarSamp, functions.AggRegrSlope, functions.AggRegrIntercept,
		functions.AggRegrR2, functions.AggRegrCount, functions.AggRegrAvgX, functions.AggRegrAvgY,
		functions.AggRegrSXX, functions.AggRegrSYY, functions.AggRegrSXY:
		return newRegressionAcc(f.Agg.Kind, spec.Type), nil
	case functions.AggStringAgg, functions.AggArrayAgg, functions.AggJSONBAgg, functions.AggJSONBObjectAgg,
		functions.AggBitAnd, functions.AggBitOr, functions.AggBitXor:
		all := append(chunk.Schema(nil), args...)
		for _, o := range spec.Order {
			all = append(all, in.Schema[o.Col])
		}
		return newListAcc(f, spec, all), nil
	}
	if f.Agg.OrderedSet {
		return newOrderedSetAcc(f, spec, args)
	}
	return nil, sqlerr.Unsupported("aggregate "+f.Name, 0)
}

func newSum(f *functions.Function, spec physical.AggCall, arg types.Type) (accumulator, error) {
	avg := f.Agg.Kind == functions.AggAvg
	switch arg.Class() {
	case types.ClassInt:
		switch {
		case avg:
			return sumIntAcc{finish: finishAvg}, nil
		case arg.Kind == types.KindInt8:
			return sumIntAcc{finish: finishNumeric}, nil
		}
		return sumIntAcc{finish: finishBigint}, nil
	case types.ClassFloat:
		return newFloatAcc(f.Agg.Kind, arg, spec.Type), nil
	case types.ClassNumeric:
		return newNumericAcc(f.Agg.Kind), nil
	case types.ClassInterval:
		return intervalAcc{avg: avg}, nil
	}
	return nil, sqlerr.Unsupported(f.Name+" of "+arg.String(), 0)
}

// intervalAcc is sum and avg of interval, part by part. Words: non-NULL arguments,
// months, days, microseconds.
type intervalAcc struct {
	stateless
	avg bool
}

func (intervalAcc) words() int { return 4 }

func (intervalAcc) update(b *aggBatch) {
	c := b.args[0]
	for i, s := range b.slots {
		if c.Nulls.Get(i) {
			continue
		}
		w, v := b.weight(i), c.Ivls[i]
		*b.table.Word(s, b.at) += uint64(w)
		*b.table.Word(s, b.at+1) += uint64(int64(v.Months) * w)
		*b.table.Word(s, b.at+2) += uint64(int64(v.Days) * w)
		*b.table.Word(s, b.at+3) += uint64(v.Micros * w)
	}
}

func (a intervalAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	for i := range n {
		im := images[i*stride:]
		if im[0] == 0 {
			out.AppendNull()
			continue
		}
		m, d := int64(im[1]), int64(im[2])
		if int64(int32(m)) != m || int64(int32(d)) != d {
			out.AppendError(sqlerr.New(sqlerr.DatetimeFieldOverflow, "interval out of range"))
			continue
		}
		v := types.Interval{Months: int32(m), Days: int32(d), Micros: int64(im[3])}
		if a.avg {
			q, err := types.DivInterval(v, float64(int64(im[0])))
			if err != nil {
				out.AppendError(err)
				continue
			}
			v = q
		}
		out.AppendDatum(types.Datum{V: v})
	}
}

// merge adds partial counts.
func (countAcc) merge(dst *chunk.KeyTable, dstAt int, into []int32, src *chunk.KeyTable, srcAt int, from []int32) {
	for i, s := range into {
		*dst.Word(s, dstAt) += *src.Word(from[i], srcAt)
	}
}

// merge adds partial counts of all and of true arguments.
func (boolAcc) merge(dst *chunk.KeyTable, dstAt int, into []int32, src *chunk.KeyTable, srcAt int, from []int32) {
	for i, s := range into {
		*dst.Word(s, dstAt) += *src.Word(from[i], srcAt)
		*dst.Word(s, dstAt+1) += *src.Word(from[i], srcAt+1)
	}
}

// merge adds partial sums in 128 bits.
func (sumIntAcc) merge(dst *chunk.KeyTable, dstAt int, into []int32, src *chunk.KeyTable, srcAt int, from []int32) {
	for i, s := range into {
		f := from[i]
		*dst.Word(s, dstAt) += *src.Word(f, srcAt)
		sum := int128{int64(*dst.Word(s, dstAt+2)), *dst.Word(s, dstAt+1)}
		sum = sum.add(int128{int64(*src.Word(f, srcAt+2)), *src.Word(f, srcAt+1)})
		*dst.Word(s, dstAt+1), *dst.Word(s, dstAt+2) = sum.lo, uint64(sum.hi)
	}
}

// merge takes the better of two partial extremes.
func (a extremeIntAcc) merge(dst *chunk.KeyTable, dstAt int, into []int32, src *chunk.KeyTable, srcAt int, from []int32) {
	for i, s := range into {
		n := *src.Word(from[i], srcAt)
		if n == 0 {
			continue
		}
		v := int64(*src.Word(from[i], srcAt+1))
		have, best := dst.Word(s, dstAt), dst.Word(s, dstAt+1)
		if *have == 0 || a.max && v > int64(*best) || !a.max && v < int64(*best) {
			*best = uint64(v)
		}
		*have += n
	}
}
