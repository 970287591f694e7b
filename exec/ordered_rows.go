package exec

import (
	"slices"
	"sort"
)

// blockMax is the largest number of slots in a block of orderedRows.
const blockMax = 512

// orderedRows is an ordered set of row slots: a list of sorted blocks of at most
// blockMax slots. Finding a place is two binary searches, an insertion moves half a
// block; reading the first n costs n.
type orderedRows struct {
	blocks [][]int32
	n      int
}

// insert adds slot s; less is the order of slots.
func (o *orderedRows) insert(s int32, compare func(a, b int32) int) {
	o.n++
	if len(o.blocks) == 0 {
		o.blocks = append(o.blocks, append(make([]int32, 0, 8), s))
		return
	}
	b := o.blockOf(s, compare)
	at, _ := slices.BinarySearchFunc(o.blocks[b], s, compare)
	o.blocks[b] = slices.Insert(o.blocks[b], at, s)
	if len(o.blocks[b]) > blockMax {
		half := len(o.blocks[b]) / 2
		tail := slices.Clone(o.blocks[b][half:])
		o.blocks[b] = slices.Clone(o.blocks[b][:half])
		o.blocks = slices.Insert(o.blocks, b+1, tail)
	}
}

// blockOf returns the block where s stands or belongs.
func (o *orderedRows) blockOf(s int32, compare func(a, b int32) int) int {
	b := sort.Search(len(o.blocks), func(i int) bool { return compare(o.blocks[i][0], s) > 0 }) - 1
	return max(b, 0)
}

// remove takes slot s out.
func (o *orderedRows) remove(s int32, compare func(a, b int32) int) {
	b := o.blockOf(s, compare)
	at, ok := slices.BinarySearchFunc(o.blocks[b], s, compare)
	if !ok {
		panic("exec: removing a row that is not in the order")
	}
	o.n--
	o.blocks[b] = slices.Delete(o.blocks[b], at, at+1)
	if len(o.blocks[b]) == 0 {
		o.blocks = slices.Delete(o.blocks, b, b+1)
	}
}

// at returns the slot at position i.
func (o *orderedRows) at(i int) int32 {
	b := 0
	for i >= len(o.blocks[b]) {
		i -= len(o.blocks[b])
		b++
	}
	return o.blocks[b][i]
}

// cut takes out all slots from position n on and appends them to gone.
func (o *orderedRows) cut(n int, gone []int32) []int32 {
	if n >= o.n {
		return gone
	}
	o.n = n
	for b, l := range o.blocks {
		if n >= len(l) {
			n -= len(l)
			continue
		}
		gone = append(gone, l[n:]...)
		o.blocks[b] = l[:n]
		n = 0
	}
	for len(o.blocks) > 0 && len(o.blocks[len(o.blocks)-1]) == 0 {
		o.blocks = o.blocks[:len(o.blocks)-1]
	}
	return gone
}

// each calls f for the slots in order until it returns false.
func (o *orderedRows) each(f func(s int32) bool) {
	for _, b := range o.blocks {
		for _, s := range b {
			if !f(s) {
				return
			}
		}
	}
}
