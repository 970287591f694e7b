package spill

import (
	"fmt"
	"os"
	"sync"
)

// extentSize is the unit in which the file grows; larger blocks have an extent of their own.
const extentSize = 16 << 20

// Pool is the file that spaces share.
type Pool struct {
	quota int64
	file  *os.File

	mu      sync.Mutex
	size    int64     // end of the file
	used    int64     // bytes of the extents that spaces hold
	extents []*extent // all that were ever mapped; those that nobody holds have no blocks on the disk
}

// extent is a mapped piece of the file. It stays mapped for good, so that whoever still
// reads a block that was given back reads nonsense, and faults on nothing.
type extent struct {
	at   int64
	mem  []byte
	held bool
}

// Open makes a pool in a directory, of up to quota bytes.
func Open(dir string, quota int64) (*Pool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := unnamed(dir)
	if err != nil {
		return nil, fmt.Errorf("spill file in %s: %w", dir, err)
	}
	return &Pool{quota: quota, file: f}, nil
}

// Close lets the file go. No space is used any more.
func (p *Pool) Close() error { return p.file.Close() }

// Used returns the bytes that all spaces hold in the file.
func (p *Pool) Used() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.used
}

// QuotaError says that the pool's quota does not suffice.
type QuotaError struct{ Need, Quota int64 }

// Error gives the figures.
func (e *QuotaError) Error() string {
	return fmt.Sprintf("state spilled to disk would take %d bytes, more than the quota of %d", e.Need, e.Quota)
}

// take gives out an extent of n bytes, all zero; n is a multiple of the page size.
func (p *Pool) take(n int) (*extent, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if need := p.used + int64(n); need > p.quota {
		return nil, &QuotaError{Need: need, Quota: p.quota}
	}
	for _, e := range p.extents {
		if !e.held && len(e.mem) == n {
			if err := allocate(p.file, e.at, n); err != nil {
				return nil, err
			}
			e.held = true
			p.used += int64(n)
			return e, nil
		}
	}
	if err := allocate(p.file, p.size, n); err != nil {
		return nil, err
	}
	mem, err := mapped(p.file, p.size, n)
	if err != nil {
		return nil, err
	}
	e := &extent{at: p.size, mem: mem, held: true}
	p.extents = append(p.extents, e)
	p.size += int64(n)
	p.used += int64(n)
	return e, nil
}

// put takes an extent back and frees its blocks on the disk.
func (p *Pool) put(e *extent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	release(p.file, e.at, len(e.mem))
	e.held = false
	p.used -= int64(len(e.mem))
}
