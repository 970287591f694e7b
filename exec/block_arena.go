package exec

import (
	"math/bits"

	"streamdb/sql/chunk"
)

const (
	// slabBits is the size of the slabs that blocks are cut from, in elements; larger blocks have a slab of their own.
	slabBits = 16
	// blockMin is the size class of the smallest block: a free one holds the name of the next.
	blockMin = 1
)

// blockArena owns the memory of many lists: blocks of 2^class elements cut from slabs, without a pointer into them, so
// that a million lists are nothing to the garbage collector and a list that comes and goes allocates nothing. A block is
// named by its slab and the place in it. What a new block holds is undefined.
type blockArena[T int32 | int64 | uint64] struct {
	slabs  [][]T
	open   int // elements used of the last common slab
	last   int // that slab
	free   [40]uint64
	spare  []int32 // slabs that were given back: their numbers are free
	total  int64   // bytes of all slabs
	memory chunk.Memory
}

// classOf returns the least size class of blocks with room for n elements.
func classOf(n int) uint8 { return uint8(max(bits.Len(uint(max(n, 1)-1)), blockMin)) }

func (a *blockArena[T]) alloc(class uint8) uint64 {
	if f := a.free[class]; f != 0 {
		b := a.words(f-1, class)
		a.free[class] = uint64(uint32(b[1]))<<32 | uint64(uint32(b[0]))
		return f - 1
	}
	n := 1 << class
	if class > slabBits {
		return uint64(a.slab(n)) << 32
	}
	if len(a.slabs) == 0 || a.open+n > len(a.slabs[a.last]) {
		a.retireSlab()
		// The first slabs are small: many an operator holds little.
		a.last = a.slab(max(n, min(1<<(8+2*min(len(a.slabs), 8)), 1<<slabBits)))
		a.open = 0
	}
	b := uint64(a.last)<<32 | uint64(a.open)
	a.open += n
	return b
}

// retireSlab makes free blocks of what is left of the open slab.
func (a *blockArena[T]) retireSlab() {
	if len(a.slabs) == 0 {
		return
	}
	for left := len(a.slabs[a.last]) - a.open; left >= 1<<blockMin; left = len(a.slabs[a.last]) - a.open {
		class := uint8(bits.Len(uint(left)) - 1)
		a.push(uint64(a.last)<<32|uint64(a.open), class)
		a.open += 1 << class
	}
}

// slab makes a slab of n elements and returns its number.
func (a *blockArena[T]) slab(n int) int {
	s := chunk.NewBlock[T](a.memory, n)
	a.total += chunk.BlockBytes(s)
	if k := len(a.spare) - 1; k >= 0 {
		i := int(a.spare[k])
		a.spare = a.spare[:k]
		a.slabs[i] = s
		return i
	}
	a.slabs = append(a.slabs, s)
	return len(a.slabs) - 1
}

// release takes a block back; class 0 says that there is none.
func (a *blockArena[T]) release(block uint64, class uint8) {
	switch {
	case class == 0:
	case class <= slabBits:
		a.push(block, class)
	default:
		i := block >> 32
		a.total -= chunk.BlockBytes(a.slabs[i])
		chunk.FreeBlock(a.memory, a.slabs[i])
		a.slabs[i] = nil
		a.spare = append(a.spare, int32(i))
	}
}

func (a *blockArena[T]) push(block uint64, class uint8) {
	b, next := a.words(block, class), a.free[class]
	b[0], b[1] = T(uint32(next)), T(next>>32)
	a.free[class] = block + 1
}

// words returns a block's elements.
func (a *blockArena[T]) words(block uint64, class uint8) []T {
	at := int(uint32(block))
	return a.slabs[block>>32][at : at+1<<class : at+1<<class]
}

// useMemory makes an empty arena take its slabs from m.
func (a *blockArena[T]) useMemory(m chunk.Memory) { a.memory = m }

// sideRows is words beside the rows of a key table, by slot, that are no part of its payload: what they hold changes without
// the result changing. They are zero at first.
type sideRows struct {
	stride int // words of a row
	pages  [][]uint64
	memory chunk.Memory
}

// reach makes rows for the slots [0, n). A first page is as large as it must be, all others are full.
func (r *sideRows) reach(n int) {
	if n > chunk.PageRows {
		if len(r.pages) == 0 || len(r.pages) == 1 && len(r.pages[0]) < chunk.PageRows*r.stride {
			r.first(chunk.PageRows)
		}
		for len(r.pages)*chunk.PageRows < n {
			r.pages = append(r.pages, chunk.NewBlock[uint64](r.memory, chunk.PageRows*r.stride))
		}
		return
	}
	if n > 0 && (len(r.pages) == 0 || len(r.pages[0]) < n*r.stride) {
		r.first(max(1<<classOf(n), 16))
	}
}

// first makes room for n rows in the first page.
func (r *sideRows) first(n int) {
	p := chunk.NewBlock[uint64](r.memory, n*r.stride)
	if len(r.pages) == 0 {
		r.pages = append(r.pages, p)
		return
	}
	copy(p, r.pages[0])
	chunk.FreeBlock(r.memory, r.pages[0])
	r.pages[0] = p
}

// row returns slot s's words.
func (r *sideRows) row(s int32) []uint64 {
	at := int(s&(chunk.PageRows-1)) * r.stride
	return r.pages[uint32(s)/chunk.PageRows][at : at+r.stride : at+r.stride]
}

// slots returns the end of the slots that have rows.
func (r *sideRows) slots() int {
	if len(r.pages) == 1 {
		return len(r.pages[0]) / r.stride
	}
	return len(r.pages) * chunk.PageRows
}

func (r *sideRows) bytes() int64 {
	var n int64
	if len(r.pages) > 0 {
		n = chunk.BlockBytes(r.pages[0]) + int64(len(r.pages)-1)*int64(chunk.PageRows*r.stride)*8
	}
	return n
}

// useMemory makes empty rows take their pages from m.
func (r *sideRows) useMemory(m chunk.Memory) { r.memory = m }
