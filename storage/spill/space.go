package spill

import (
	"runtime"
	"sync"
	"unsafe"
)

const (
	// smallBlock is the size in bytes below which blocks are not worth keeping account of.
	smallBlock = 16 << 10
	pageSize   = 4096
)

// Space hands out the blocks of one dataflow. Its methods may be called from several
// goroutines. A Space that is no longer reachable gives all of its part of the file
// back; its blocks must not be reachable without it.
type Space struct {
	heapMax int64
	held    *holdings
}

// holdings is what goes back to the pool.
type holdings struct {
	pool *Pool

	mu      sync.Mutex
	heap    map[uintptr]int // sizes of the blocks in Go's heap
	inHeap  int64
	mapped  map[uintptr]int // and in the file
	inFile  int64
	free    map[int][]uintptr // mapped blocks that were given back, by size
	extents []*extent
	rest    []byte // of the last extent
}

// NewSpace makes a space whose blocks lie in Go's heap up to heapMax bytes.
func (p *Pool) NewSpace(heapMax int64) *Space {
	h := &holdings{pool: p, heap: make(map[uintptr]int), mapped: make(map[uintptr]int), free: make(map[int][]uintptr)}
	s := &Space{heapMax: heapMax, held: h}
	runtime.AddCleanup(s, (*holdings).release, h)
	return s
}

func (h *holdings) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.extents {
		h.pool.put(e)
	}
	h.extents = nil
}

// Spilled returns the bytes of the blocks in the file.
func (s *Space) Spilled() int64 {
	s.held.mu.Lock()
	defer s.held.mu.Unlock()
	return s.held.inFile
}

// Words returns n zero words.
func (s *Space) Words(n int) ([]uint64, error) {
	if n*8 < smallBlock {
		return make([]uint64, n), nil
	}
	s.held.mu.Lock()
	defer s.held.mu.Unlock()
	if s.fits(n * 8) {
		b := make([]uint64, n)
		s.held.heap[uintptr(unsafe.Pointer(&b[0]))] = n * 8
		return b, nil
	}
	b, err := s.held.block(n * 8)
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(&b[0])), n), nil
}

// Bytes returns an empty slice with room for n bytes.
func (s *Space) Bytes(n int) ([]byte, error) {
	if n < smallBlock {
		return make([]byte, 0, n), nil
	}
	s.held.mu.Lock()
	defer s.held.mu.Unlock()
	if s.fits(n) {
		b := make([]byte, n)
		s.held.heap[uintptr(unsafe.Pointer(&b[0]))] = n
		return b[:0], nil
	}
	b, err := s.held.block(n)
	if err != nil {
		return nil, err
	}
	return b[:0:n], nil
}

// Resident returns n zero words of Go's heap whatever its share: for what is asked before every look at the disk.
func (s *Space) Resident(n int) []uint64 {
	b := make([]uint64, n)
	if n*8 >= smallBlock {
		s.held.mu.Lock()
		defer s.held.mu.Unlock()
		s.held.heap[uintptr(unsafe.Pointer(&b[0]))] = n * 8
		s.held.inHeap += int64(n) * 8
	}
	return b
}

// Share returns the bytes that may lie in Go's heap.
func (s *Space) Share() int64 { return s.heapMax }

// blocksMax leaves a quarter of the share to what is resident.
func (s *Space) blocksMax() int64 { return s.heapMax - s.heapMax/4 }

// Full reports whether a block of n words would lie in the file.
func (s *Space) Full(n int) bool {
	s.held.mu.Lock()
	defer s.held.mu.Unlock()
	return n*8 >= smallBlock && s.held.inHeap+int64(n)*8 > s.blocksMax()
}

// fits takes n bytes of the share of Go's heap, if there is room.
func (s *Space) fits(n int) bool {
	if s.held.inHeap+int64(n) > s.blocksMax() {
		return false
	}
	s.held.inHeap += int64(n)
	return true
}

// FreeWords takes back what Words gave.
func (s *Space) FreeWords(b []uint64) {
	if cap(b) > 0 {
		s.held.give(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	}
}

// FreeBytes takes back what Bytes gave.
func (s *Space) FreeBytes(b []byte) {
	if cap(b) > 0 {
		s.held.give(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	}
}

func (h *holdings) give(at uintptr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n, ok := h.heap[at]; ok {
		delete(h.heap, at)
		h.inHeap -= int64(n)
		return
	}
	if n, ok := h.mapped[at]; ok {
		delete(h.mapped, at)
		h.inFile -= int64(n)
		h.free[rounded(n)] = append(h.free[rounded(n)], at)
	}
}

// rounded is the room that a block of n bytes takes.
func rounded(n int) int { return (n + pageSize - 1) &^ (pageSize - 1) }

// block returns n zero bytes of the file.
func (h *holdings) block(n int) ([]byte, error) {
	size := rounded(n)
	var b []byte
	switch l := h.free[size]; {
	case len(l) > 0:
		h.free[size] = l[:len(l)-1]
		b = h.at(l[len(l)-1], size)
		clear(b)
	case size > extentSize/4:
		e, err := h.pool.take(size)
		if err != nil {
			return nil, err
		}
		h.extents = append(h.extents, e)
		b = e.mem
	default:
		if len(h.rest) < size {
			e, err := h.pool.take(extentSize)
			if err != nil {
				return nil, err
			}
			h.extents = append(h.extents, e)
			h.rest = e.mem
		}
		b, h.rest = h.rest[:size:size], h.rest[size:]
	}
	h.mapped[uintptr(unsafe.Pointer(&b[0]))] = n
	h.inFile += int64(n)
	return b[:n:n], nil
}

// at returns the block of a size at an address, which lies in one of the extents.
func (h *holdings) at(addr uintptr, size int) []byte {
	e, off := h.extentOf(addr)
	if e == nil {
		panic("spill: a block outside of all extents")
	}
	return e.mem[off : off+size : off+size]
}

// extentOf returns the extent in which an address lies and its distance from the beginning, nil if it is none of the file's.
func (h *holdings) extentOf(addr uintptr) (*extent, int) {
	for _, e := range h.extents {
		first := uintptr(unsafe.Pointer(&e.mem[0]))
		if off := addr - first; addr >= first && off < uintptr(len(e.mem)) {
			return e, int(off)
		}
	}
	return nil, 0
}
