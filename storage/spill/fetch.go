package spill

import "unsafe"

// Faults on pages of the file are answered one after the other, each as late as the disk is. Who knows what it will look
// at says so with Fetch, so that the disk has many reads to do at once, and with Written and LetGo what it has finished with.

// OnDisk reports whether a block lies in the file.
func (s *Space) OnDisk(b []uint64) bool {
	s.held.mu.Lock()
	defer s.held.mu.Unlock()
	e, _ := s.held.extentOf(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	return e != nil
}

// Fetch begins to read what of b, a part of a block in the file, is not in memory. It returns how many pages that are.
func (s *Space) Fetch(b []uint64) int {
	if len(b) == 0 {
		return 0
	}
	p := pagesOf(b)
	n := missing(p)
	if n > 0 {
		willNeed(p)
	}
	return n
}

// pagesOf returns the pages on which b lies.
func pagesOf(b []uint64) []byte {
	p := unsafe.Pointer(&b[0])
	before := uintptr(p) % pageSize
	return unsafe.Slice((*byte)(unsafe.Add(p, -int(before))), rounded(int(before)+len(b)*8))
}

// Written begins to write what has changed of b, a part of a block in the file.
func (s *Space) Written(b []uint64) {
	if at, n := s.place(b); n > 0 {
		writeOut(s.held.pool.file, at, n)
	}
}

// LetGo makes room in memory at the cost of b, a part of a block in the file, after what has changed of it is written.
func (s *Space) LetGo(b []uint64) {
	if at, n := s.place(b); n > 0 {
		letGo(s.held.pool.file, at, pagesOf(b))
	}
}

// place returns where the pages of b lie in the file.
func (s *Space) place(b []uint64) (at int64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	p := pagesOf(b)
	s.held.mu.Lock()
	defer s.held.mu.Unlock()
	e, off := s.held.extentOf(uintptr(unsafe.Pointer(&p[0])))
	if e == nil {
		return 0, 0
	}
	return e.at + int64(off), len(p)
}
