package chunk

// Ref locates a byte string in an Arena: slab number (20 bits), offset (20 bits),
// length (24 bits). A length of refWhole means the whole slab.
type Ref uint64

const (
	slabSize = 1 << 18
	// slabFirst is the size of the first slab; each is four times the one before until
	// slabSize is reached.
	slabFirst = 1 << 10
	refWhole  = 1<<24 - 1
)

// Arena owns byte strings that outlive their chunk, in slabs without pointers into
// them. Strings are never moved except by Compact.
type Arena struct {
	slabs [][]byte
	// open is the slab that small strings are appended to.
	open int
	// live counts the bytes that are referenced, total those that are allocated.
	live, total int64
	memory      Memory // nil for Go's heap
	saved       savedArena
}

// Add copies b into the arena.
func (a *Arena) Add(b []byte) Ref {
	a.live += int64(len(b))
	if len(b) == 0 {
		return 0
	}
	if len(b) > slabSize/8 {
		a.slabs = append(a.slabs, append(bytesOfMemory(a.memory, len(b)), b...))
		a.total += int64(len(b))
		return Ref(uint64(len(a.slabs)-1)<<44 | refWhole)
	}
	if len(a.slabs) == 0 || cap(a.slabs[a.open])-len(a.slabs[a.open]) < len(b) {
		// The first slabs are small: many an arena, a lone statement's say, holds little.
		size := max(min(slabFirst<<(2*min(len(a.slabs), 8)), slabSize), len(b))
		a.open = len(a.slabs)
		a.slabs = append(a.slabs, bytesOfMemory(a.memory, size))
		a.total += int64(size)
	}
	n := a.open
	off := len(a.slabs[n])
	a.slabs[n] = append(a.slabs[n], b...)
	return Ref(uint64(n)<<44 | uint64(off)<<24 | uint64(len(b)))
}

// Get returns the bytes of r, valid until Compact.
func (a *Arena) Get(r Ref) []byte {
	l := int(r & refWhole)
	if l == 0 {
		return nil
	}
	s := a.slabs[r>>44]
	if l == refWhole {
		return s
	}
	off := int(r>>24) & (1<<20 - 1)
	return s[off : off+l : off+l]
}

// Drop tells that r is no longer referenced.
func (a *Arena) Drop(r Ref) { a.live -= int64(a.Len(r)) }

// Len returns the length of r's bytes.
func (a *Arena) Len(r Ref) int {
	l := int(r & refWhole)
	if l == refWhole {
		return len(a.slabs[r>>44])
	}
	return l
}

// Wasteful reports whether more than half of a large arena is garbage.
func (a *Arena) Wasteful() bool { return a.total > 4*slabSize && a.live*2 < a.total }

// Bytes returns the memory that the arena holds.
func (a *Arena) Bytes() int64 { return a.total }
