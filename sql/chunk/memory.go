package chunk

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
