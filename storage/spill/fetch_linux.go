package spill

import (
	"os"
	"syscall"
	"unsafe"
)

const (
	fadvDontNeed   = 4
	syncRangeWrite = 2
	syncRangeWait  = 1 | 4
)

// missing returns how many of the pages b are not in memory.
func missing(b []byte) int {
	var seen [64]byte
	n := 0
	for len(b) > 0 {
		k := min(len(b), len(seen)*pageSize)
		_, _, e := syscall.Syscall(syscall.SYS_MINCORE, uintptr(unsafe.Pointer(&b[0])), uintptr(k), uintptr(unsafe.Pointer(&seen[0])))
		if e != 0 {
			return 0
		}
		for _, s := range seen[:k/pageSize] {
			n += int(s&1 ^ 1)
		}
		b = b[k:]
	}
	return n
}

// willNeed begins to read b.
func willNeed(b []byte) { _ = syscall.Madvise(b, syscall.MADV_WILLNEED) }

// writeOut begins to write what has changed of n bytes at an offset.
func writeOut(f *os.File, at int64, n int) {
	_ = syscall.SyncFileRange(int(f.Fd()), at, int64(n), syncRangeWrite)
}

// letGo makes the system forget b, the file's bytes at an offset, once they are written. Where the system runs short of
// memory itself it gives up reading ahead sooner than it waits for a page to be written.
func letGo(f *os.File, at int64, b []byte) {
	_ = syscall.SyncFileRange(int(f.Fd()), at, int64(len(b)), syncRangeWrite|syncRangeWait)
	if syscall.Madvise(b, syscall.MADV_DONTNEED) == nil {
		_, _, _ = syscall.Syscall6(syscall.SYS_FADVISE64, f.Fd(), uintptr(at), uintptr(len(b)), fadvDontNeed, 0, 0)
	}
}
