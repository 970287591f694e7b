package spill

import (
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"
)

const (
	openTemporary = 0o20000000 | syscall.O_DIRECTORY // O_TMPFILE
	keepSize      = 1
	punchHole     = 2
)

// Free returns the bytes that are free for this process where dir lies.
func Free(dir string) int64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil || s.Bsize <= 0 {
		return math.MaxInt64
	}
	return int64(min(s.Bavail, math.MaxInt64/uint64(s.Bsize))) * s.Bsize
}

// unnamed opens a file without a name.
func unnamed(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, os.O_RDWR|openTemporary, 0o600)
	if err == nil {
		return f, nil
	}
	// The file system has no such files: take the name away by hand.
	if f, err = os.CreateTemp(dir, "spill-*"); err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// allocate makes the file have blocks for n bytes at an offset, zero where there were none.
func allocate(f *os.File, at int64, n int) error {
	for {
		err := syscall.Fallocate(int(f.Fd()), 0, at, int64(n))
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EOPNOTSUPP):
			return write(f, at, n)
		default:
			return fmt.Errorf("spill file: %w", err)
		}
	}
}

// write allocates by writing zeros.
func write(f *os.File, at int64, n int) error {
	zero := make([]byte, min(n, 1<<20))
	for n > 0 {
		k, err := f.WriteAt(zero[:min(n, len(zero))], at)
		if err != nil {
			return fmt.Errorf("spill file: %w", err)
		}
		at, n = at+int64(k), n-k
	}
	return nil
}

// release frees the blocks of n bytes at an offset; that it fails costs disk space only,
// and what is taken again is cleared.
func release(f *os.File, at int64, n int) {
	if syscall.Fallocate(int(f.Fd()), keepSize|punchHole, at, int64(n)) != nil {
		_ = write(f, at, n)
	}
}

func mapped(f *os.File, at int64, n int) ([]byte, error) {
	b, err := syscall.Mmap(int(f.Fd()), at, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("spill file: %w", err)
	}
	// Keys are random: reading ahead would only push others out.
	_ = syscall.Madvise(b, syscall.MADV_RANDOM)
	return b, nil
}
