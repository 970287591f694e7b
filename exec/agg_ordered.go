package exec

import (
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// listAcc is the aggregates whose result is built from all values of a group:
// string_agg, array_agg, jsonb_agg and their relatives, and the bit aggregates. The
// values are kept as a multiset; a dirty group's result is built anew, over its values
// in the call's order, then in whole-row order. Words: a cell.
type listAcc struct {
	kind    functions.AggKind
	spec    physical.AggCall
	set     *valueSet
	cell    *cell
	order   *chunk.Comparator
	args    int
	nulls   bool // NULL arguments count
	builder listBuilder
}

// listBuilder folds the sorted values of one group; row i of cols comes times times.
type listBuilder interface {
	reset()
	add(cols []*chunk.Column, i int, times int64)
	// finish appends the result to out.
	finish(out *chunk.Column)
}

func newListAcc(f *functions.Function, spec physical.AggCall, args chunk.Schema) *listAcc {
	a := &listAcc{kind: f.Agg.Kind, spec: spec, set: newValueSet(args), cell: newCell(spec.Type),
		args: len(spec.Args), nulls: f.Agg.KeepsNulls}
	keys := make([]chunk.SortKey, 0, len(args))
	for i, o := range spec.Order {
		keys = append(keys, chunk.SortKey{Col: a.args + i, Desc: o.Desc, NullsFirst: o.NullsFirst})
	}
	a.order = chunk.NewIdentityComparator(args, keys)
	a.builder = newListBuilder(f.Agg.Kind, spec, args)
	return a
}

func (a *listAcc) words() int { return a.cell.words() }

func (a *listAcc) update(b *aggBatch) {
	if !a.nulls {
		b.dropNulls()
	}
	if len(b.slots) > 0 {
		a.set.update(b, b.args, nil)
	}
}

func (a *listAcc) settle(t *chunk.KeyTable, at int, dirty []int32) {
	out := chunk.NewColumn(a.cell.typ, len(dirty))
	types := a.set.table.Layout().Types[1:]
	for _, g := range dirty {
		slots := a.set.sweep(g)
		if len(slots) == 0 {
			out.AppendNull()
			continue
		}
		cols := make([]*chunk.Column, len(types))
		for i, typ := range types {
			cols[i] = chunk.NewColumn(typ, len(slots))
			a.set.table.AppendKey(cols[i], i+1, slots)
		}
		idx := make([]int32, len(slots))
		for i := range idx {
			idx[i] = int32(i)
		}
		slices.SortFunc(idx, func(x, y int32) int { return a.order.Compare(cols, int(x), cols, int(y)) })
		a.builder.reset()
		for _, i := range idx {
			if n := a.set.count(slots[i]); n > 0 {
				a.builder.add(cols, int(i), n)
			}
		}
		a.builder.finish(out)
	}
	a.cell.put(t, at, dirty, out)
}

func (a *listAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	a.cell.result(images, stride, n, out)
}
func (a *listAcc) tidy(t *chunk.KeyTable, at int) { a.cell.tidy(t, at) }
func (a *listAcc) drop(slots []int32)             { a.set.drop(slots) }
func (a *listAcc) bytes() int64                   { return a.set.bytes() + a.cell.arena.Bytes() }

func newListBuilder(k functions.AggKind, spec physical.AggCall, args chunk.Schema) listBuilder {
	switch k {
	case functions.AggStringAgg:
		return &stringBuilder{}
	case functions.AggArrayAgg:
		return &arrayBuilder{b: types.NewArrayBuilder(spec.Type)}
	case functions.AggJSONBAgg, functions.AggJSONBObjectAgg:
		return &jsonBuilder{object: k == functions.AggJSONBObjectAgg, plain: spec.Type.Kind == types.KindJSON}
	}
	return &bitBuilder{kind: k}
}

// stringBuilder is string_agg: the delimiter stands before each value but the first.
type stringBuilder struct {
	buf []byte
	any bool
}

func (s *stringBuilder) reset() { s.buf, s.any = s.buf[:0], false }

func (s *stringBuilder) add(cols []*chunk.Column, i int, times int64) {
	for range times {
		if s.any && len(cols) > 1 && !cols[1].IsNull(i) {
			s.buf = append(s.buf, cols[1].StringAt(i)...)
		}
		s.buf = append(s.buf, cols[0].StringAt(i)...)
		s.any = true
	}
}

func (s *stringBuilder) finish(out *chunk.Column) {
	if !s.any {
		out.AppendNull()
		return
	}
	out.AppendBytes(s.buf)
}

// arrayBuilder is array_agg.
type arrayBuilder struct {
	b   *types.ArrayBuilder
	buf []byte
}

func (a *arrayBuilder) reset() { a.b.Reset() }

func (a *arrayBuilder) add(cols []*chunk.Column, i int, times int64) {
	d := cols[0].Datum(i)
	for range times {
		a.b.Add(d)
	}
}

func (a *arrayBuilder) finish(out *chunk.Column) {
	a.buf = a.b.AppendTo(a.buf[:0])
	out.AppendBytes(a.buf)
}

// jsonBuilder is jsonb_agg and jsonb_object_agg.
type jsonBuilder struct {
	object bool
	plain  bool
	b      types.JSONBuilder
	buf    []byte
}

func (j *jsonBuilder) reset() { j.b.Reset() }

func (j *jsonBuilder) add(cols []*chunk.Column, i int, times int64) {
	v := cols[0]
	if j.object {
		v = cols[1]
	}
	text := string(types.AppendJSONValue(nil, v.Type, v.Datum(i), types.DefaultSettings))
	for range times {
		if j.object {
			key := string(types.AppendText(nil, cols[0].Type, cols[0].Datum(i), types.DefaultSettings))
			j.b.Member(key, text)
		} else {
			j.b.Element(text)
		}
	}
}

func (j *jsonBuilder) finish(out *chunk.Column) {
	if j.object {
		j.buf = j.b.AppendObject(j.buf[:0])
	} else {
		j.buf = j.b.AppendArray(j.buf[:0])
	}
	out.AppendBytes(j.buf)
}

// bitBuilder is bit_and, bit_or and bit_xor.
type bitBuilder struct {
	kind functions.AggKind
	v    int64
	any  bool
}

func (b *bitBuilder) reset() { b.v, b.any = 0, false }

func (b *bitBuilder) add(cols []*chunk.Column, i int, times int64) {
	v := cols[0].Ints[i]
	switch {
	case b.kind == functions.AggBitXor:
		if times%2 != 0 {
			b.v ^= v
		}
	case !b.any:
		b.v = v
	case b.kind == functions.AggBitAnd:
		b.v &= v
	default:
		b.v |= v
	}
	b.any = true
}

func (b *bitBuilder) finish(out *chunk.Column) {
	out.Ints = append(out.Ints, b.v)
	out.Nulls = growIfSet(out.Nulls, len(out.Ints))
}
