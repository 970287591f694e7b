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
	sorted  bool // the result depends on the order of the values
	builder listBuilder

	// scratch of settle: the values of some groups
	slots []int32
	ends  []int // of the groups' slots
	cols  []*chunk.Column
	idx   []int32
	times []int64
}

// listBuilder folds the values of one group.
type listBuilder interface {
	reset()
	// add adds rows of cols in their order, row rows[i] times[i] times, or each once if times is nil.
	add(cols []*chunk.Column, rows []int32, times []int64)
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
	_, bits := a.builder.(*bitBuilder)
	a.sorted = !bits
	return a
}

func (a *listAcc) words() int { return a.cell.words() }

func (a *listAcc) update(b *aggBatch) {
	if !a.nulls {
		b.dropNulls()
	}
	if len(b.slots) == 0 {
		return
	}
	for _, i := range a.set.update(b, b.args) {
		a.set.add(b.slots[i], i)
	}
}

// settle builds the results of the dirty groups, a chunk's worth of values at a time.
func (a *listAcc) settle(t *chunk.KeyTable, at int, dirty []int32) {
	a.set.heads.reach(t.Slots())
	out := chunk.NewColumn(a.cell.typ, len(dirty))
	for _, g := range dirty {
		a.slots = append(a.slots, a.set.sweep(g)...)
		if a.ends = append(a.ends, len(a.slots)); len(a.slots) >= chunk.RowsMax {
			a.build(out)
		}
	}
	a.build(out)
	a.set.forget()
	a.cell.put(t, at, dirty, out)
}

// build appends the results of the groups whose values are in slots.
func (a *listAcc) build(out *chunk.Column) {
	cols := a.cols[:0]
	for i, typ := range a.set.table.Layout().Types[1:] {
		c := chunk.NewColumn(typ, len(a.slots))
		a.set.table.AppendKey(c, i+1, a.slots)
		cols = append(cols, c)
	}
	idx := a.idx[:0]
	for i := range a.slots {
		idx = append(idx, int32(i))
	}
	compare := func(x, y int32) int { return a.order.Compare(cols, int(x), cols, int(y)) }
	lo := 0
	for _, hi := range a.ends {
		rows := idx[lo:hi]
		if a.sorted && len(rows) > 1 {
			slices.SortFunc(rows, compare)
		}
		a.one(cols, rows, out)
		lo = hi
	}
	a.cols = cols
	clear(a.cols)
	a.slots, a.ends, a.idx = emptied(a.slots), a.ends[:0], emptied(idx)
}

// one appends the result of a group with the given rows.
func (a *listAcc) one(cols []*chunk.Column, rows []int32, out *chunk.Column) {
	a.times = a.times[:0]
	there := 0
	for _, i := range rows {
		if n := a.set.count(a.slots[i]); n > 0 {
			rows[there] = i
			a.times = append(a.times, n)
			there++
		}
	}
	if len(rows) == 0 {
		out.AppendNull()
		return
	}
	a.builder.reset()
	a.builder.add(cols, rows[:there], a.times)
	a.builder.finish(out)
}

func (a *listAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	a.cell.result(images, stride, n, out)
}
func (a *listAcc) tidy(t *chunk.KeyTable, at int) { a.cell.tidy(t, at) }
func (a *listAcc) drop(slots []int32)             { a.set.drop(slots) }
func (a *listAcc) bytes() int64                   { return a.set.bytes() + a.cell.arena.Bytes() }
func (a *listAcc) useMemory(m chunk.Memory)       { a.set.useMemory(m) }

func newListBuilder(k functions.AggKind, spec physical.AggCall, args chunk.Schema) listBuilder {
	switch k {
	case functions.AggStringAgg:
		return &stringBuilder{}
	case functions.AggArrayAgg:
		return &arrayBuilder{b: types.NewArrayBuilder(spec.Type)}
	case functions.AggJSONBAgg, functions.AggJSONBObjectAgg:
		return &jsonBuilder{object: k == functions.AggJSONBObjectAgg}
	}
	return &bitBuilder{kind: k}
}

// stringBuilder is string_agg: the delimiter stands before each value but the first.
type stringBuilder struct {
	buf []byte
	any bool
}

func (s *stringBuilder) reset() { s.buf, s.any = s.buf[:0], false }

func (s *stringBuilder) add(cols []*chunk.Column, rows []int32, times []int64) {
	for k, i := range rows {
		for range timesOf(times, k) {
			if s.any && len(cols) > 1 && !cols[1].IsNull(int(i)) {
				s.buf = append(s.buf, cols[1].StringAt(int(i))...)
			}
			s.buf = append(s.buf, cols[0].StringAt(int(i))...)
			s.any = true
		}
	}
}

func timesOf(times []int64, k int) int64 {
	if times == nil {
		return 1
	}
	return times[k]
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

func (a *arrayBuilder) add(cols []*chunk.Column, rows []int32, times []int64) {
	for k, i := range rows {
		d := cols[0].Peek(int(i))
		for range timesOf(times, k) {
			a.b.Add(d)
		}
	}
}

func (a *arrayBuilder) finish(out *chunk.Column) {
	a.buf = a.b.AppendTo(a.buf[:0])
	out.AppendBytes(a.buf)
}

// jsonBuilder is jsonb_agg and jsonb_object_agg.
type jsonBuilder struct {
	object   bool
	b        types.JSONBuilder
	key, val []byte
	buf      []byte
}

func (j *jsonBuilder) reset() { j.b.Reset() }

func (j *jsonBuilder) add(cols []*chunk.Column, rows []int32, times []int64) {
	v := cols[0]
	if j.object {
		v = cols[1]
	}
	for k, i := range rows {
		j.val = types.AppendJSONValue(j.val[:0], v.Type, v.Peek(int(i)), types.DefaultSettings)
		if j.object {
			j.key = types.AppendText(j.key[:0], cols[0].Type, cols[0].Peek(int(i)), types.DefaultSettings)
		}
		for range timesOf(times, k) {
			if j.object {
				j.b.Member(types.BytesString(j.key), types.BytesString(j.val))
			} else {
				j.b.Element(types.BytesString(j.val))
			}
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

func (b *bitBuilder) add(cols []*chunk.Column, rows []int32, times []int64) {
	for k, i := range rows {
		v := cols[0].Ints[i]
		switch {
		case b.kind == functions.AggBitXor:
			if timesOf(times, k)%2 != 0 {
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
}

func (b *bitBuilder) finish(out *chunk.Column) {
	out.Ints = append(out.Ints, b.v)
	out.Nulls = growIfSet(out.Nulls, len(out.Ints))
}
