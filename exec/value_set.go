package exec

import (
	"slices"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// valueSet is a multiset of values per group, for the accumulators whose result is
// not a sum: a row table keyed by (group, values) by identity, with the count and the
// position in the group's list. A value whose count is zero stays in its list until
// the group is settled.
type valueSet struct {
	table   *chunk.KeyTable
	lists   [][]int32 // per group: the table's slots of its values
	size    int64     // entries in all lists
	zombies int64     // entries of which the count is zero

	hash  []uint64
	slots []int32
	keys  []*chunk.Column
	group *chunk.Column
}

// Payload of a valueSet's table.
const (
	setCount  = 0
	setListed = 1 // 1 while the value stands in its group's list
	setWords  = 2
)

func newValueSet(s chunk.Schema) *valueSet {
	return &valueSet{
		table: chunk.NewRowTable(append(chunk.Schema{types.Int8}, s...), setWords),
		group: chunk.NewColumn(types.Int8, 0),
	}
}

// update adds a batch's weights to its values' counts. Values that are new to their
// group's list are given to add, if it is not nil, after they were appended.
func (v *valueSet) update(b *aggBatch, args []*chunk.Column, add func(group, slot int32)) {
	n := len(b.slots)
	v.group.Ints = v.group.Ints[:0]
	for _, s := range b.slots {
		v.group.Ints = append(v.group.Ints, int64(s))
	}
	v.keys = append(append(v.keys[:0], v.group), args...)
	if cap(v.hash) < n {
		v.hash, v.slots = make([]uint64, n), make([]int32, n)
	}
	chunk.HashRows(v.keys, n, v.hash[:n])
	slots := v.slots[:n]
	v.table.Upsert(v.keys, v.hash[:n], slots)
	base := v.table.PayloadOffset()
	for i, s := range slots {
		v.table.Touch(s)
		w := v.table.Word(s, base+setCount)
		was := *w
		*w += uint64(b.weight(i))
		if was != 0 && *w == 0 {
			v.zombies++
		}
		if listed := v.table.Word(s, base+setListed); *listed == 0 {
			*listed = 1
			g := b.slots[i]
			for int(g) >= len(v.lists) {
				v.lists = append(v.lists, nil)
			}
			v.lists[g] = append(v.lists[g], s)
			v.size++
			if add != nil {
				add(g, s)
			}
		} else if was == 0 && *w != 0 {
			v.zombies--
		}
	}
}

func (v *valueSet) count(s int32) int64 {
	return int64(*v.table.Word(s, v.table.PayloadOffset()+setCount))
}

// forget deletes values from the table; they have left their lists already.
func (v *valueSet) forget(slots []int32) {
	if len(slots) == 0 {
		return
	}
	for i, h := range hashSlots(v.table, slots) {
		v.table.Delete(slots[i], h)
	}
	v.size -= int64(len(slots))
}

// sweep removes the values without count from group g's list.
func (v *valueSet) sweep(g int32) []int32 {
	if int(g) >= len(v.lists) {
		return nil
	}
	var gone []int32
	keep := v.lists[g][:0]
	for _, s := range v.lists[g] {
		if v.count(s) == 0 {
			gone = append(gone, s)
		} else {
			keep = append(keep, s)
		}
	}
	v.lists[g] = keep
	v.zombies -= int64(len(gone))
	v.forget(gone)
	return keep
}

// drop forgets groups.
func (v *valueSet) drop(groups []int32) {
	for _, g := range groups {
		if int(g) < len(v.lists) {
			v.forget(v.lists[g])
			v.lists[g] = nil
		}
	}
}

func (v *valueSet) bytes() int64 {
	return v.table.Bytes() + int64(len(v.lists))*24 + v.size*6
}

// distinctSet turns the rows of a DISTINCT aggregate into the changes of the set of
// its distinct arguments: a value that appears counts +1, one that vanishes -1.
type distinctSet struct {
	table *chunk.KeyTable
	group *chunk.Column
	hash  []uint64
	slots []int32
}

func newDistinctSet(args chunk.Schema) *distinctSet {
	return &distinctSet{
		table: chunk.NewKeyTable(append(chunk.Schema{types.Int8}, args...), 1),
		group: chunk.NewColumn(types.Int8, 0),
	}
}

// reduce replaces b's rows by the changes of the distinct set.
func (d *distinctSet) reduce(b *aggBatch) {
	n := len(b.slots)
	d.group.Ints = d.group.Ints[:0]
	for _, s := range b.slots {
		d.group.Ints = append(d.group.Ints, int64(s))
	}
	keys := append([]*chunk.Column{d.group}, b.args...)
	if cap(d.hash) < n {
		d.hash, d.slots = make([]uint64, n), make([]int32, n)
	}
	hash, slots := d.hash[:n], d.slots[:n]
	chunk.HashRows(keys, n, hash)
	d.table.Upsert(keys, hash, slots)
	at := d.table.PayloadOffset()
	var idx []int32
	var weights []int64
	for i, s := range slots {
		d.table.Touch(s)
		w := d.table.Word(s, at)
		was := int64(*w)
		*w += uint64(b.weight(i))
		if now := int64(*w); (was > 0) != (now > 0) {
			idx = append(idx, int32(i))
			if now > 0 {
				weights = append(weights, 1)
			} else {
				weights = append(weights, -1)
			}
		}
	}
	for i, s := range slots {
		if d.table.Live(s) && *d.table.Word(s, at) == 0 {
			d.table.Delete(s, hash[i])
		}
	}
	if len(idx) == n {
		b.weights = weights
		return
	}
	b.weights = nil
	b.gather(idx)
	if len(idx) == 0 {
		b.slots = nil
	}
	b.weights = weights
}

// drop forgets the values of groups.
func (d *distinctSet) drop(groups []int32) {
	if len(groups) == 0 {
		return
	}
	end := int(slices.Max(groups)) + 1
	gone := chunk.NewBitmap(end)
	for _, g := range groups {
		gone.Set(int(g))
	}
	all := d.table.LiveSlots(nil)
	var slots []int32
	for _, s := range all {
		if g := int(*d.table.Word(s, 1)); g < end && gone.Get(g) {
			slots = append(slots, s)
		}
	}
	if len(slots) == 0 {
		return
	}
	for i, h := range hashSlots(d.table, slots) {
		d.table.Delete(slots[i], h)
	}
}
