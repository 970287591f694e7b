package exec

import "streamdb/sql/chunk"

// slotHashes gives the hashes of rows of a table, which deleting them takes. It keeps its
// memory for the next time.
type slotHashes struct {
	cols []*chunk.Column
	hash []uint64
}

// of returns the hash of each slot's key, as HashRows over its columns gave it; valid until
// the next call.
func (h *slotHashes) of(t *chunk.KeyTable, slots []int32) []uint64 {
	l := t.Layout()
	if h.cols == nil {
		for _, typ := range l.Types {
			h.cols = append(h.cols, chunk.NewColumn(typ, len(slots)))
		}
	}
	for i, c := range h.cols {
		c.Resize(0)
		c.Bytes, c.Nulls = c.Bytes[:0], nil
		t.AppendKey(c, i, slots)
	}
	if cap(h.hash) < len(slots) {
		h.hash = make([]uint64, len(slots), max(len(slots), 2*cap(h.hash)))
	}
	hash := h.hash[:len(slots)]
	chunk.HashRows(h.cols, len(slots), hash)
	return hash
}

// hashSlots is slotHashes for once.
func hashSlots(t *chunk.KeyTable, slots []int32) []uint64 {
	var h slotHashes
	return h.of(t, slots)
}
