package exec

import (
	"fmt"
	"math"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// orderedSetAcc is percentile_cont, percentile_disc and mode. The values of each group
// are kept in order, so that a changed value costs a search and a percentile two walks;
// mode looks at all distinct values of a dirty group. Words: a cell.
type orderedSetAcc struct {
	kind functions.AggKind
	// fractions is the percentiles asked for, NaN for NULL; several makes an array.
	fractions []float64
	several   bool
	desc      bool
	value     int // the argument that is ordered

	v      statValues
	cell   *cell
	equal  *chunk.Comparator
	values [1]*chunk.Column // scratch of decoded
	pos    [1]int32

	hash  []uint64
	slots []int32
	group *chunk.Column
}

func newOrderedSetAcc(f *functions.Function, spec physical.AggCall, args chunk.Schema) (*orderedSetAcc, error) {
	a := &orderedSetAcc{kind: f.Agg.Kind, value: len(spec.Args) - 1, cell: newCell(spec.Type), group: chunk.NewColumn(types.Int8, 0)}
	a.desc = len(spec.Order) > 0 && spec.Order[0].Desc
	typ := args[a.value]
	a.v.table = chunk.NewRowTable(chunk.Schema{types.Int8, typ}, statWords)
	a.v.rows.stride, a.v.seqs.weighed = statGroupWords, true
	a.v.order = rowCompare(a.v.table, 1)
	a.v.compare = func(x, y int32) int { return a.v.order(a.v.table.Row(x), a.v.table.Row(y)) }
	a.values[0] = chunk.NewColumn(typ, 1)
	a.equal = chunk.NewComparator(chunk.Schema{typ}, []chunk.SortKey{{}})
	if a.kind == functions.AggModeOrdered {
		return a, nil
	}
	if len(spec.Const) == 0 || spec.Const[0] == nil {
		return nil, sqlerr.Unsupported("a percentile that is not constant", 0)
	}
	d := *spec.Const[0]
	a.several = f.Args[0].IsArray()
	switch {
	case d.Null && a.several:
		a.fractions, a.several = []float64{math.NaN()}, false // the array is NULL, and so is the result
	case d.Null:
		a.fractions = []float64{math.NaN()}
	case a.several:
		list, _ := types.ReadArray(f.Args[0], d.S)
		for i := range list.Len() {
			p := math.NaN()
			if !list.Null(i) {
				p = list.Float(i)
				if err := checkPercentile(p); err != nil {
					return nil, err
				}
			}
			a.fractions = append(a.fractions, p)
		}
	default:
		a.fractions = []float64{d.F}
		if err := checkPercentile(d.F); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func checkPercentile(p float64) error {
	if p >= 0 && p <= 1 {
		return nil
	}
	return sqlerr.New(sqlerr.NumericValueOutOfRange, "percentile value %s is not between 0 and 1", fmt.Sprintf("%g", p))
}

func (a *orderedSetAcc) words() int { return a.cell.words() }

func (a *orderedSetAcc) update(b *aggBatch) {
	b.args = b.args[a.value : a.value+1]
	b.dropNulls()
	n := len(b.slots)
	if n == 0 {
		return
	}
	a.v.rows.reach(b.table.Slots())
	a.group.Ints = a.group.Ints[:0]
	for _, g := range b.slots {
		a.group.Ints = append(a.group.Ints, int64(g))
	}
	if cap(a.hash) < n {
		a.hash, a.slots = make([]uint64, n), make([]int32, n)
	}
	keys := []*chunk.Column{a.group, b.args[0]}
	chunk.HashRows(keys, n, a.hash[:n])
	slots := a.slots[:n]
	t := a.v.table
	t.Upsert(keys, a.hash[:n], slots)
	base := t.PayloadOffset()
	for i, s := range slots {
		w := b.weight(i)
		t.Touch(s)
		*t.Word(s, base+statCount) += uint64(w)
		listed := t.Word(s, base+statListed)
		switch {
		case *listed == 0:
			*listed = listedFresh
			a.v.addFresh(b.slots[i], s)
		case *listed == listedPlaced:
			a.v.addMoved(b.slots[i], s, w)
		}
	}
}

// Values of statListed.
const (
	listedFresh  = 1 // in the list of fresh slots
	listedPlaced = 2 // in a sequence
)

func (a *orderedSetAcc) settle(t *chunk.KeyTable, at int, dirty []int32) {
	a.v.rows.reach(t.Slots())
	out := chunk.NewColumn(a.cell.typ, len(dirty))
	for _, g := range dirty {
		if o := a.v.settle(g); o.total != 0 {
			a.finish(&o, out)
		} else {
			out.AppendNull()
		}
	}
	a.v.forget()
	a.cell.put(t, at, dirty, out)
}

// finish appends a group's result.
func (a *orderedSetAcc) finish(o *statGroup, out *chunk.Column) {
	if a.kind == functions.AggModeOrdered {
		a.pos[0] = a.mode(o)
		a.v.table.AppendKey(out, 1, a.pos[:])
		return
	}
	if !a.several {
		if d, err := a.percentile(o, a.fractions[0], out.Type); err != nil {
			out.AppendError(err)
		} else {
			out.AppendDatum(d)
		}
		return
	}
	b := types.NewArrayBuilder(out.Type)
	for _, p := range a.fractions {
		d, err := a.percentile(o, p, out.Type.ElemType())
		if err != nil {
			out.AppendError(err)
			return
		}
		b.Add(d)
	}
	out.AppendBytes(b.AppendTo(nil))
}

// percentile returns the value at fraction p of the group's rows.
func (a *orderedSetAcc) percentile(o *statGroup, p float64, typ types.Type) (types.Datum, error) {
	if math.IsNaN(p) {
		return types.NullDatum, nil
	}
	if a.kind == functions.AggPercentileDisc {
		return a.at(o, max(int64(math.Ceil(p*float64(o.total))), 1)-1), nil
	}
	where := p * float64(o.total-1)
	first, second := int64(math.Floor(where)), int64(math.Ceil(where))
	lo := a.at(o, first)
	if first == second {
		return lo, nil
	}
	hi, part := a.at(o, second), where-float64(first)
	if typ.Kind != types.KindInterval {
		return types.Datum{F: lo.F + float64(part*float64(hi.F-lo.F))}, nil
	}
	d, err := types.SubInterval(hi.V, lo.V)
	if err == nil {
		d, err = types.MulInterval(d, part)
	}
	if err == nil {
		d, err = types.AddInterval(lo.V, d)
	}
	return types.Datum{V: d}, err
}

// decoded returns the values of slots, until its next use.
func (a *orderedSetAcc) decoded(slots []int32) []*chunk.Column {
	a.values[0].Resize(0)
	a.values[0].Bytes = a.values[0].Bytes[:0]
	a.v.table.AppendKey(a.values[0], 1, slots)
	return a.values[:]
}

// at returns the value at position k in the call's order, until its next use.
func (a *orderedSetAcc) at(o *statGroup, k int64) types.Datum {
	if a.desc {
		k = o.total - 1 - k
	}
	a.pos[0] = a.v.rank(o, k)
	return a.decoded(a.pos[:])[0].Peek(0)
}

// mode returns the slot of the most frequent value, the first in the call's order of
// several. Values that are equal and not identical count together.
func (a *orderedSetAcc) mode(o *statGroup) int32 {
	a.v.all = a.v.seqs.appendRange(&o.seq, 0, o.seq.n, a.v.all[:0])
	slots := a.v.all
	if len(slots) == 1 {
		return slots[0]
	}
	cols := a.decoded(slots)
	best, most := slots[0], int64(0)
	for i := 0; i < len(slots); {
		from, n := i, int64(0)
		for ; i < len(slots) && (i == from || a.equal.CompareKeys(1, cols, from, cols, i) == 0); i++ {
			n += a.v.count(slots[i])
		}
		if n > most || n == most && a.desc {
			best, most = slots[from], n
		}
	}
	return best
}

func (a *orderedSetAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	a.cell.result(images, stride, n, out)
}

func (a *orderedSetAcc) tidy(t *chunk.KeyTable, at int) { a.cell.tidy(t, at) }

func (a *orderedSetAcc) drop(groups []int32) {
	a.v.drop(groups)
	a.v.forget()
}

func (a *orderedSetAcc) bytes() int64 { return a.v.bytes() + a.cell.arena.Bytes() }

func (a *orderedSetAcc) useMemory(m chunk.Memory) { a.v.useMemory(m) }
