package exec

import (
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// valueSet is a multiset of values per group, for the accumulators whose result is
// not a sum: a row table keyed by (group, values) by identity, with the count, and a list
// per group of the table's slots of its values. A value whose count is zero stays in its
// list until the group is settled.
type valueSet struct {
	table   *chunk.KeyTable
	heads   sideRows // per group: the block of its list, then length<<8 | size class
	blocks  blockArena[int32]
	size    int64 // entries in all lists
	zombies int64 // entries of which the count is zero

	hash  []uint64
	slots []int32
	keys  []*chunk.Column
	group *chunk.Column
	fresh []int32 // rows of a batch whose values are new
	gone  []int32 // slots that have left their lists
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
		heads: sideRows{stride: 2},
		group: chunk.NewColumn(types.Int8, 0),
	}
}

// update adds a batch's weights to its values' counts. It returns the rows whose values are
// new to their group's list; they are added with add.
func (v *valueSet) update(b *aggBatch, args []*chunk.Column) (fresh []int32) {
	n := len(b.slots)
	v.heads.reach(b.table.Slots())
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
	fresh = v.fresh[:0]
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
			fresh = append(fresh, int32(i))
		} else if was == 0 && *w != 0 {
			v.zombies--
		}
	}
	v.size += int64(len(fresh))
	v.fresh = fresh
	return fresh
}

// list returns the slots of group g's values, valid until something is added.
func (v *valueSet) list(g int32) []int32 {
	h := v.heads.row(g)
	class := uint8(h[1])
	if class == 0 {
		return nil
	}
	return v.blocks.words(h[0], class)[:h[1]>>8]
}

// add puts the value of a fresh row of the batch at the end of its group's list, which it returns.
func (v *valueSet) add(g, row int32) []int32 {
	h := v.heads.row(g)
	n, class := int(h[1]>>8), uint8(h[1])
	var l []int32
	switch {
	case class == 0:
		class = blockMin
		h[0] = v.blocks.alloc(class)
		l = v.blocks.words(h[0], class)
	case n == 1<<class:
		b := v.blocks.alloc(class + 1)
		l = v.blocks.words(b, class+1)
		copy(l, v.blocks.words(h[0], class))
		v.blocks.release(h[0], class)
		h[0], class = b, class+1
	default:
		l = v.blocks.words(h[0], class)
	}
	l[n] = v.slots[row]
	h[1] = uint64(n+1)<<8 | uint64(class)
	return l[:n+1]
}

// cut shortens group g's list to n slots; what is behind was put elsewhere. A list that
// has become much smaller than its block moves.
func (v *valueSet) cut(g int32, n int) {
	h := v.heads.row(g)
	class := uint8(h[1])
	if n == 0 {
		v.blocks.release(h[0], class)
		h[0], h[1] = 0, 0
		return
	}
	if fit := classOf(n); fit+2 < class {
		b := v.blocks.alloc(fit + 1)
		copy(v.blocks.words(b, fit+1), v.blocks.words(h[0], class)[:n])
		v.blocks.release(h[0], class)
		h[0], class = b, fit+1
	}
	h[1] = uint64(n)<<8 | uint64(class)
}

func (v *valueSet) count(s int32) int64 {
	return int64(*v.table.Word(s, v.table.PayloadOffset()+setCount))
}

// forget deletes the values in gone, which have left their lists already, from the table.
func (v *valueSet) forget() {
	deleteSlots(v.table, v.gone)
	v.size -= int64(len(v.gone))
	v.gone = emptied(v.gone)
}

// emptied returns an empty slice with s's room, unless that is much more than s has used.
func emptied[T any](s []T) []T {
	if cap(s) > scratchKept && len(s) < cap(s)/16 {
		return nil
	}
	return s[:0]
}

// deleteSlots deletes slots of an indexed table.
func deleteSlots(t *chunk.KeyTable, slots []int32) {
	for ; len(slots) > 0; slots = slots[min(len(slots), chunk.RowsMax):] {
		some := slots[:min(len(slots), chunk.RowsMax)]
		for i, h := range hashSlots(t, some) {
			t.Delete(some[i], h)
		}
	}
}

// sweep moves the values without count from group g's list to gone, and returns the list.
func (v *valueSet) sweep(g int32) []int32 {
	l := v.list(g)
	n := 0
	for _, s := range l {
		if v.count(s) == 0 {
			v.gone = append(v.gone, s)
			continue
		}
		l[n] = s
		n++
	}
	if n < len(l) {
		v.zombies -= int64(len(l) - n)
		v.cut(g, n)
	}
	return v.list(g)
}

// drop forgets groups.
func (v *valueSet) drop(groups []int32) {
	for _, g := range groups {
		if int(g) >= v.heads.slots() {
			continue
		}
		if l := v.list(g); len(l) > 0 {
			for _, s := range l {
				if v.count(s) == 0 {
					v.zombies--
				}
			}
			v.gone = append(v.gone, l...)
			v.cut(g, 0)
		}
	}
	v.forget()
}

func (v *valueSet) bytes() int64 {
	return v.table.Bytes() + v.heads.bytes() + v.blocks.total + int64(cap(v.gone)+cap(v.fresh))*4
}

func (v *valueSet) useMemory(m chunk.Memory) {
	v.heads.useMemory(m)
	v.blocks.useMemory(m)
}

// distinctSet turns the rows of a DISTINCT aggregate into the changes of the set of
// its distinct arguments: a value that appears counts +1, one that vanishes -1.
type distinctSet struct {
	table *chunk.KeyTable
	// Where groups are dropped with their values, the values of each group are a chain, so that this costs what the groups
	// have: per group its first value, per value next<<32 | previous, all slots + 1.
	chained bool
	heads   sideRows
	links   sideRows
	gone    []int32 // scratch of drop
	group   *chunk.Column
	hash    []uint64
	slots   []int32
}

func newDistinctSet(args chunk.Schema) *distinctSet {
	return &distinctSet{
		table: chunk.NewKeyTable(append(chunk.Schema{types.Int8}, args...), 1),
		group: chunk.NewColumn(types.Int8, 0),
		heads: sideRows{stride: 1},
		links: sideRows{stride: 1},
	}
}

// link puts value s, which may be there, at the front of group g's chain.
func (d *distinctSet) link(g, s int32) {
	head, own := d.heads.row(g), d.links.row(s)
	if own[0] != 0 || head[0] == uint64(s+1) {
		return
	}
	if own[0] = head[0] << 32; head[0] != 0 {
		d.links.row(int32(head[0]) - 1)[0] |= uint64(s + 1)
	}
	head[0] = uint64(s + 1)
}

// unlink takes value s out of group g's chain.
func (d *distinctSet) unlink(g, s int32) {
	own := d.links.row(s)
	next, previous := own[0]>>32, own[0]&(1<<32-1)
	if own[0] = 0; next != 0 {
		r := d.links.row(int32(next) - 1)
		r[0] = r[0]&^(1<<32-1) | previous
	}
	if previous == 0 {
		d.heads.row(g)[0] = next
		return
	}
	r := d.links.row(int32(previous) - 1)
	r[0] = r[0]&(1<<32-1) | next<<32
}

// restored makes the chains anew.
func (d *distinctSet) restored(groups *chunk.KeyTable) error {
	if err := ofGroups(d.table, groups); err != nil || !d.chained {
		return err
	}
	d.heads.reach(groups.Slots())
	d.links.reach(d.table.Slots())
	at := d.table.Layout().Offset(0)
	for _, s := range d.table.LiveSlots(nil) {
		d.link(int32(*d.table.Word(s, at)), s)
	}
	return nil
}

func (d *distinctSet) bytes() int64 { return d.table.Bytes() + d.heads.bytes() + d.links.bytes() }

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
	if d.chained {
		d.heads.reach(b.table.Slots())
		d.links.reach(d.table.Slots())
		for i, s := range slots {
			d.link(b.slots[i], s)
		}
	}
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
			if d.chained {
				d.unlink(b.slots[i], s)
			}
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
	d.gone = d.gone[:0]
	for _, g := range groups {
		if int(g) >= d.heads.slots() {
			continue
		}
		head := d.heads.row(g)
		for s := head[0]; s != 0; {
			d.gone = append(d.gone, int32(s)-1)
			own := d.links.row(int32(s) - 1)
			s, own[0] = own[0]>>32, 0
		}
		head[0] = 0
	}
	deleteSlots(d.table, d.gone)
	d.gone = emptied(d.gone)
}
