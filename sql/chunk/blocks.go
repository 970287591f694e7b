package chunk

// Memory hands out the large blocks that tables and arenas consist of. Where there is none they come from Go's heap.
// Its user keeps it reachable as long as it has blocks. It may be used by several tables at once.
type Memory interface {
	// Words returns n zero words, Bytes an empty slice with room for n bytes.
	Words(n int) ([]uint64, error)
	Bytes(n int) ([]byte, error)
	// FreeWords and FreeBytes take a block back that nobody uses any more.
	FreeWords([]uint64)
	FreeBytes([]byte)
}

// Disk is implemented by a Memory some of whose blocks lie on disk. Tables then avoid asking the disk for one row after the
// other: see coldIndex and Locate.
type Disk interface {
	// Share returns the bytes of blocks that may lie in memory.
	Share() int64
	// Full reports whether Words(n) would lie on disk.
	Full(n int) bool
	// Resident returns n zero words in memory, FreeWords takes them back.
	Resident(n int) []uint64
	// OnDisk reports whether a block lies on disk.
	OnDisk(b []uint64) bool
	// Fetch begins to read a part of a block on disk and returns how many pages of it were not in memory.
	Fetch(b []uint64) int
	// Written begins to write what was changed of a part of a block on disk, LetGo takes it out of memory once it is written.
	Written(b []uint64)
	LetGo(b []uint64)
}

// MemoryError is the panic of a table whose Memory fails. The table is of no use any more.
type MemoryError struct{ Err error }

// Error is the memory's error.
func (e *MemoryError) Error() string { return e.Err.Error() }

// Unwrap returns the memory's error.
func (e *MemoryError) Unwrap() error { return e.Err }

func wordsOfMemory(m Memory, n int) []uint64 {
	if m == nil {
		return make([]uint64, n)
	}
	b, err := m.Words(n)
	if err != nil {
		panic(&MemoryError{err})
	}
	return b
}

func bytesOfMemory(m Memory, n int) []byte {
	if m == nil {
		return make([]byte, 0, n)
	}
	b, err := m.Bytes(n)
	if err != nil {
		panic(&MemoryError{err})
	}
	return b
}

// UseMemory makes an empty table take its blocks, and those of its arena, from m.
func (t *KeyTable) UseMemory(m Memory) {
	t.memory = m
	t.disk, _ = m.(Disk)
	t.Arena.UseMemory(m)
}

// UseMemory makes an empty arena take its slabs from m.
func (a *Arena) UseMemory(m Memory) { a.memory = m }

// Free gives the arena's slabs back: those of one that was replaced by its Renewed.
func (a *Arena) Free() {
	if a.memory != nil {
		for _, s := range a.slabs {
			a.memory.FreeBytes(s)
		}
	}
	a.slabs = nil
}
