package chunk

import "unsafe"

// MemoryBytes returns about the memory that the chunk's values take. Byte buffers that
// chunks share count in full for each.
func (c *Chunk) MemoryBytes() int64 {
	n := int64(8 * len(c.Weights))
	for _, col := range c.Cols {
		n += col.MemoryBytes()
	}
	return n
}

// MemoryBytes returns about the memory that the column's values take.
func (c *Column) MemoryBytes() int64 {
	n := int64(len(c.Bytes) + 8*len(c.Nulls) + len(c.Bools))
	n += 8 * int64(len(c.Ints)+len(c.Floats)+len(c.Views))
	return n + 16*int64(len(c.Nums)+len(c.Ivls)+len(c.UUIDs))
}

// NewBlock returns n zero elements of m, of Go's heap if m is nil. It panics with a MemoryError if m fails.
func NewBlock[T int32 | int64 | uint64](m Memory, n int) []T {
	if m == nil || n == 0 {
		return make([]T, n)
	}
	var t T
	w := wordsOfMemory(m, (n*int(unsafe.Sizeof(t))+7)/8)
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(w))), n)
}

// FreeBlock gives a block of NewBlock back.
func FreeBlock[T int32 | int64 | uint64](m Memory, b []T) {
	if m != nil && len(b) > 0 {
		m.FreeWords(unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(b))), BlockBytes(b)/8))
	}
}

// BlockBytes is the size of a block.
func BlockBytes[T int32 | int64 | uint64](b []T) int64 {
	var t T
	return (int64(len(b))*int64(unsafe.Sizeof(t)) + 7) &^ 7
}
