package exec

import (
	"slices"
	"sort"

	"streamdb/sql/chunk"
)

// blockMax is the largest number of slots in a block of an orderStat.
const blockMax = 512

// orderStat is the distinct values of one group in order, with how often each occurs:
// sorted blocks of at most blockMax slots of a value table, and the occurrences of each
// block. The value of a rank is found by walking over the blocks' sums and one block.
type orderStat struct {
	blocks []statBlock
	n      int // slots in all blocks
	total  int64

	// What a step has changed is put in place when the group is settled.
	fresh []int32     // slots that are in no block yet
	moved []countMove // changed counts of those that are
}

type statBlock struct {
	slots  []int32
	weight int64
}

// countMove is a change of a value's count.
type countMove struct {
	slot   int32
	weight int64
}

// settle puts what has changed in place and adds the slots whose count is zero, which are
// in no block any more, to v.gone.
func (o *orderStat) settle(v *statValues) {
	if len(o.fresh) == 0 && len(o.moved) == 0 {
		return
	}
	if len(o.fresh) > 1 {
		slices.SortFunc(o.fresh, v.compare)
	}
	if 8*(len(o.fresh)+len(o.moved)) > o.n {
		o.rebuild(v)
	} else {
		o.patch(v)
	}
	o.fresh, o.moved = o.fresh[:0], o.moved[:0]
}

// rebuild merges the fresh slots, which are sorted, into the blocks and makes them anew.
func (o *orderStat) rebuild(v *statValues) {
	all := v.all[:0]
	fresh := o.fresh
	for _, b := range o.blocks {
		for _, s := range b.slots {
			for len(fresh) > 0 && v.compare(fresh[0], s) < 0 {
				all, fresh = append(all, fresh[0]), fresh[1:]
			}
			all = append(all, s)
		}
	}
	all = append(all, fresh...)
	o.blocks, o.n, o.total = o.blocks[:0], 0, 0
	block := o.room(len(all))
	for _, s := range all {
		c := v.count(s)
		if c == 0 {
			v.gone = append(v.gone, s)
			continue
		}
		block.slots, block.weight = append(block.slots, s), block.weight+c
		if len(block.slots) == blockMax/2 {
			o.push(block)
			block = o.room(len(all))
		}
	}
	if len(block.slots) > 0 {
		o.push(block)
	}
	v.all = emptied(all)
}

// room returns an empty block for some of n slots: that which was in the place of the next one before, if there is one.
func (o *orderStat) room(n int) statBlock {
	if k := len(o.blocks); k < cap(o.blocks) {
		if s := o.blocks[:k+1][k].slots; s != nil {
			o.blocks[:k+1][k].slots = nil
			return statBlock{slots: s[:0]}
		}
	}
	return statBlock{slots: make([]int32, 0, min(blockMax, max(n, 8)))}
}

func (o *orderStat) push(b statBlock) {
	o.blocks = append(o.blocks, b)
	o.n += len(b.slots)
	o.total += b.weight
}

// patch changes single slots.
func (o *orderStat) patch(v *statValues) {
	for _, m := range o.moved {
		b := o.blockOf(m.slot, v)
		o.blocks[b].weight += m.weight
		o.total += m.weight
	}
	for _, s := range o.fresh {
		c := v.count(s)
		if c == 0 {
			v.gone = append(v.gone, s)
			continue
		}
		o.insert(s, c, v)
	}
	for _, m := range o.moved {
		if v.count(m.slot) == 0 && o.remove(m.slot, v) {
			v.gone = append(v.gone, m.slot)
		}
	}
}

// blockOf returns the block where s stands or belongs.
func (o *orderStat) blockOf(s int32, v *statValues) int {
	b := sort.Search(len(o.blocks), func(i int) bool { return v.compare(o.blocks[i].slots[0], s) > 0 }) - 1
	return max(b, 0)
}

func (o *orderStat) insert(s int32, count int64, v *statValues) {
	if len(o.blocks) == 0 {
		o.push(statBlock{slots: append(make([]int32, 0, 8), s), weight: count})
		return
	}
	i := o.blockOf(s, v)
	b := &o.blocks[i]
	at, _ := slices.BinarySearchFunc(b.slots, s, v.compare)
	b.slots = slices.Insert(b.slots, at, s)
	b.weight += count
	o.n++
	o.total += count
	if len(b.slots) <= blockMax {
		return
	}
	half := len(b.slots) / 2
	tail := statBlock{slots: slices.Clone(b.slots[half:])}
	for _, s := range tail.slots {
		tail.weight += v.count(s)
	}
	b.slots, b.weight = slices.Clone(b.slots[:half]), b.weight-tail.weight
	o.blocks = slices.Insert(o.blocks, i+1, tail)
}

// remove takes slot s, whose count is zero, out; false if it is out already.
func (o *orderStat) remove(s int32, v *statValues) bool {
	if len(o.blocks) == 0 {
		return false
	}
	i := o.blockOf(s, v)
	b := &o.blocks[i]
	at, ok := slices.BinarySearchFunc(b.slots, s, v.compare)
	if !ok {
		return false
	}
	b.slots = slices.Delete(b.slots, at, at+1)
	o.n--
	if len(b.slots) == 0 {
		o.blocks = slices.Delete(o.blocks, i, i+1)
	}
	return true
}

// rank returns the slot of the value at position k, from 0, in ascending order.
func (o *orderStat) rank(k int64, v *statValues) int32 {
	for _, b := range o.blocks {
		if k >= b.weight {
			k -= b.weight
			continue
		}
		for _, s := range b.slots {
			if k -= v.count(s); k < 0 {
				return s
			}
		}
	}
	panic("exec: no value has this rank")
}

// slots appends all slots in order to dst.
func (o *orderStat) slots(dst []int32) []int32 {
	for _, b := range o.blocks {
		dst = append(dst, b.slots...)
	}
	return dst
}

// reset empties o and keeps its room; false if that is more than another group is likely to need.
func (o *orderStat) reset() bool {
	small := cap(o.blocks) <= 2 && cap(o.fresh) <= blockMax && cap(o.moved) <= blockMax
	o.blocks, o.fresh, o.moved, o.n, o.total = o.blocks[:0], o.fresh[:0], o.moved[:0], 0, 0
	return small
}

// statValues is the value table behind the orderStats of all groups: rows (group, value)
// by identity, with the count and whether the value is in its group's orderStat.
type statValues struct {
	table   *chunk.KeyTable
	order   func(a, b []uint64) int
	compare func(a, b int32) int // of slots

	all  []int32 // scratch of rebuild
	gone []int32 // slots that have left their groups
}

// Payload of a statValues' table.
const (
	statCount  = 0
	statListed = 1
	statWords  = 2
)

func (v *statValues) count(s int32) int64 {
	return int64(*v.table.Word(s, v.table.PayloadOffset()+statCount))
}
