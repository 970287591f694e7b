package exec

import (
	"bytes"
	"cmp"
	"math"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// extremeIntAcc is min or max of an integer-like argument over append-only input.
// Words: non-NULL arguments, the extreme.
type extremeIntAcc struct {
	stateless
	max bool
}

func (extremeIntAcc) words() int { return 2 }

func (a extremeIntAcc) update(b *aggBatch) {
	c := b.args[0]
	for i, s := range b.slots {
		if c.Nulls.Get(i) {
			continue
		}
		n := b.table.Word(s, b.at)
		best := b.table.Word(s, b.at+1)
		v := c.Ints[i]
		if *n == 0 || a.max && v > int64(*best) || !a.max && v < int64(*best) {
			*best = uint64(v)
		}
		*n += uint64(b.weight(i))
	}
}

func (a extremeIntAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	for i := range n {
		if images[i*stride] == 0 {
			out.AppendNull()
			continue
		}
		out.Ints = append(out.Ints, int64(images[i*stride+1]))
	}
	if out.Nulls != nil {
		out.Nulls = out.Nulls.Grow(out.Len())
	}
}

// extremeAcc is min or max of any ordered argument, over input that may retract: a
// value set whose list per group is a heap with the extreme on top. Values whose count
// has become zero leave the heap when they reach the top, or all at once when they are
// more than half. Words: a cell with the result.
//
// The heap makes a retraction of the extreme cost O(log n) comparisons; no order is
// kept among the other values.
type extremeAcc struct {
	max        bool
	appendOnly bool
	set        *valueSet
	cell       *cell
	compare    func(a, b []uint64) int

	tops, groups []int32 // scratch of settle
}

func newExtremeAcc(t types.Type, maximum, appendOnly bool) *extremeAcc {
	a := &extremeAcc{max: maximum, appendOnly: appendOnly, set: newValueSet(chunk.Schema{t}), cell: newCell(t)}
	a.compare = rowCompare(a.set.table, 1)
	return a
}

func (a *extremeAcc) words() int { return a.cell.words() }

func (a *extremeAcc) update(b *aggBatch) {
	b.dropNulls()
	if len(b.slots) == 0 {
		return
	}
	for _, i := range a.set.update(b, b.args[:1]) {
		a.up(a.set.add(b.slots[i], i))
	}
}

// dropNulls keeps the rows whose first argument is not NULL.
func (b *aggBatch) dropNulls() {
	c := b.args[0]
	if !c.Nulls.Any() {
		return
	}
	idx := make([]int32, 0, len(b.slots))
	for i := range b.slots {
		if !c.Nulls.Get(i) {
			idx = append(idx, int32(i))
		}
	}
	b.gather(idx)
}

// before reports whether value x stands above y in the heap.
func (a *extremeAcc) before(x, y int32) bool {
	c := a.compare(a.set.table.Row(x), a.set.table.Row(y))
	if a.max {
		return c > 0
	}
	return c < 0
}

// up moves the last value of a heap to its place.
func (a *extremeAcc) up(h []int32) {
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 2
		if !a.before(h[i], h[p]) {
			return
		}
		h[i], h[p] = h[p], h[i]
		i = p
	}
}

// down moves h[i] to its place below.
func (a *extremeAcc) down(h []int32, i int) {
	for {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && a.before(h[c+1], h[c]) {
			c++
		}
		if !a.before(h[c], h[i]) {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}

// settle pops what has no count from the top of the dirty groups' heaps and writes
// the extremes into their cells.
func (a *extremeAcc) settle(t *chunk.KeyTable, at int, dirty []int32) {
	a.set.heads.reach(t.Slots())
	if a.set.zombies > a.set.size/2+1024 {
		a.sweepAll()
	}
	a.tops, a.groups = a.tops[:0], a.groups[:0]
	for _, g := range dirty {
		if top := a.top(g); top >= 0 {
			a.tops, a.groups = append(a.tops, top), append(a.groups, g)
		} else {
			a.cell.clear(t, at, g)
		}
	}
	col := chunk.NewColumn(a.cell.typ, len(a.tops))
	a.set.table.AppendKey(col, 1, a.tops)
	a.cell.put(t, at, a.groups, col)
	a.tops, a.groups = emptied(a.tops), emptied(a.groups)
	a.set.forget()
}

// top takes what is not needed from group g's heap and returns what is on top then, -1 if
// nothing is left.
func (a *extremeAcc) top(g int32) int32 {
	set := a.set
	h := set.list(g)
	n := len(h)
	for len(h) > 0 && set.count(h[0]) == 0 {
		set.gone = append(set.gone, h[0])
		set.zombies--
		h[0] = h[len(h)-1]
		h = h[:len(h)-1]
		a.down(h, 0)
	}
	if a.appendOnly && len(h) > 1 {
		for _, s := range h[1:] {
			if set.count(s) == 0 {
				set.zombies--
			}
		}
		set.gone = append(set.gone, h[1:]...)
		h = h[:1]
	}
	top := int32(-1)
	if len(h) > 0 {
		top = h[0]
	}
	if len(h) < n {
		set.cut(g, len(h))
	}
	return top
}

func (a *extremeAcc) sweepAll() {
	for g := range a.set.heads.slots() {
		n := len(a.set.list(int32(g)))
		h := a.set.sweep(int32(g))
		if len(h) < n {
			a.heapify(h)
		}
	}
	a.set.forget()
}

func (a *extremeAcc) heapify(h []int32) {
	for i := len(h)/2 - 1; i >= 0; i-- {
		a.down(h, i)
	}
}

func (a *extremeAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	a.cell.result(images, stride, n, out)
}

func (a *extremeAcc) tidy(t *chunk.KeyTable, at int) { a.cell.tidy(t, at) }

func (a *extremeAcc) drop(slots []int32) { a.set.drop(slots) }
func (a *extremeAcc) bytes() int64       { return a.set.bytes() + a.cell.arena.Bytes() }

func (a *extremeAcc) useMemory(m chunk.Memory) { a.set.useMemory(m) }

// rowCompare returns the total order of rows of t by key column i: SQL order, ties
// broken by identity where values can be equal and not identical. NULLs do not occur.
func rowCompare(t *chunk.KeyTable, i int) func(a, b []uint64) int {
	l := t.Layout()
	at := l.Offset(i)
	switch typ := l.Types[i]; typ.Class() {
	case types.ClassBool, types.ClassUUID:
		return func(a, b []uint64) int {
			if c := cmp.Compare(a[at], b[at]); c != 0 || typ.Class() == types.ClassBool {
				return c
			}
			return cmp.Compare(a[at+1], b[at+1])
		}
	case types.ClassInt:
		return func(a, b []uint64) int { return cmp.Compare(int64(a[at]), int64(b[at])) }
	case types.ClassFloat:
		return func(a, b []uint64) int {
			return compareFloats(math.Float64frombits(a[at]), math.Float64frombits(b[at]))
		}
	case types.ClassBytes:
		switch typ.Kind {
		case types.KindText, types.KindVarchar, types.KindBytea, types.KindName:
			return func(a, b []uint64) int {
				return bytes.Compare(t.Arena.Get(chunk.Ref(a[at])), t.Arena.Get(chunk.Ref(b[at])))
			}
		}
	}
	typ := l.Types[i]
	c := chunk.NewIdentityComparator(chunk.Schema{typ}, chunk.Ascending(0))
	x, y := []*chunk.Column{chunk.NewColumn(typ, 1)}, []*chunk.Column{chunk.NewColumn(typ, 1)}
	load := func(row []uint64, c *chunk.Column) {
		c.Resize(0)
		c.Bytes = c.Bytes[:0]
		l.Load(row, i, &t.Arena, c)
	}
	return func(a, b []uint64) int {
		load(a, x[0])
		load(b, y[0])
		return c.Compare(x, 0, y, 0)
	}
}

// compareFloats orders floats as PostgreSQL does, NaN last; -0 before 0.
func compareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return cmp.Compare(math.Copysign(1, a), math.Copysign(1, b))
	case a != a && b != b:
		return 0
	case a != a:
		return 1
	}
	return -1
}
