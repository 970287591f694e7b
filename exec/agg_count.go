package exec

import (
	"math/bits"

	"streamdb/sql/chunk"
)

// stateless is what accumulators embed whose state is words that add up.
type stateless struct{}

func (stateless) settle(*chunk.KeyTable, int, []int32) {}
func (stateless) tidy(*chunk.KeyTable, int)            {}
func (stateless) drop([]int32)                         {}
func (stateless) bytes() int64                         { return 0 }

// countAcc counts rows (no argument) or non-NULL arguments. Words: count.
type countAcc struct{ stateless }

func (countAcc) words() int { return 1 }

func (countAcc) update(b *aggBatch) {
	var nulls chunk.Bitmap
	if len(b.args) > 0 {
		nulls = b.args[0].Nulls
	}
	addCounts(b, b.at, nulls)
}

// addCounts adds the weights of the rows not in nulls to word at of their groups.
func addCounts(b *aggBatch, at int, nulls chunk.Bitmap) {
	switch {
	case nulls == nil && b.weights == nil:
		for _, s := range b.slots {
			*b.table.Word(s, at)++
		}
	case nulls == nil:
		for i, s := range b.slots {
			*b.table.Word(s, at) += uint64(b.weights[i])
		}
	default:
		for i, s := range b.slots {
			if !nulls.Get(i) {
				*b.table.Word(s, at) += uint64(b.weight(i))
			}
		}
	}
}

func (countAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	for i := range n {
		out.Ints = append(out.Ints, int64(images[i*stride]))
	}
}

// boolAcc is bool_and and bool_or. Words: non-NULL arguments, true ones.
type boolAcc struct {
	stateless
	or bool
}

func (boolAcc) words() int { return 2 }

func (boolAcc) update(b *aggBatch) {
	c := b.args[0]
	addCounts(b, b.at, c.Nulls)
	for i, s := range b.slots {
		if c.Bools[i] && !c.Nulls.Get(i) {
			*b.table.Word(s, b.at+1) += uint64(b.weight(i))
		}
	}
}

func (a boolAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	for i := range n {
		all, yes := images[i*stride], images[i*stride+1]
		if all == 0 {
			out.AppendNull()
			continue
		}
		out.Bools = append(out.Bools, yes == all || a.or && yes > 0)
		if out.Nulls != nil {
			out.Nulls = out.Nulls.Grow(len(out.Bools))
		}
	}
}

// int128 is a two's complement 128-bit integer.
type int128 struct {
	hi int64
	lo uint64
}

// mulInt returns the exact product of two 64-bit integers.
func mulInt(a, b int64) int128 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	h := int64(hi)
	if a < 0 {
		h -= b
	}
	if b < 0 {
		h -= a
	}
	return int128{h, lo}
}

func (a int128) add(b int128) int128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	return int128{a.hi + b.hi + int64(carry), lo}
}

// small reports whether a fits an int64, and returns it.
func (a int128) small() (int64, bool) {
	v := int64(a.lo)
	return v, a.hi == v>>63
}

// sumIntAcc sums integers exactly in 128 bits. Words: non-NULL arguments, low, high.
type sumIntAcc struct {
	stateless
	finish intFinish
}

// intFinish appends the result of n > 0 integers with the given sum to out.
type intFinish func(sum int128, n int64, out *chunk.Column)

func (sumIntAcc) words() int { return 3 }

func (sumIntAcc) update(b *aggBatch) {
	c := b.args[0]
	if b.weights == nil && c.Nulls == nil {
		for i, s := range b.slots {
			v := c.Ints[i]
			w := b.table.Word(s, b.at)
			*w++
			lo := b.table.Word(s, b.at+1)
			var carry uint64
			*lo, carry = bits.Add64(*lo, uint64(v), 0)
			*b.table.Word(s, b.at+2) += uint64(v>>63) + carry
		}
		return
	}
	for i, s := range b.slots {
		if c.Nulls.Get(i) {
			continue
		}
		w := b.weight(i)
		*b.table.Word(s, b.at) += uint64(w)
		p := mulInt(c.Ints[i], w)
		lo := b.table.Word(s, b.at+1)
		var carry uint64
		*lo, carry = bits.Add64(*lo, p.lo, 0)
		*b.table.Word(s, b.at+2) += uint64(p.hi) + carry
	}
}

func (a sumIntAcc) result(images []uint64, stride, n int, out *chunk.Column) {
	for i := range n {
		im := images[i*stride:]
		if im[0] == 0 {
			out.AppendNull()
			continue
		}
		a.finish(int128{int64(im[2]), im[1]}, int64(im[0]), out)
	}
	if out.Nulls != nil {
		out.Nulls = out.Nulls.Grow(out.Len())
	}
}
