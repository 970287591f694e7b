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

	mu   sync.Mutex
	size int64 // end of the file
	used int64 // bytes of the extents that spaces hold
	// window is the bytes of mapped pages that may stay in the process, the sum over the spaces.
	window  int64
	extents []*extent // all that were ever mapped; those that nobody holds have no blocks on the disk
	next    int       // where trim goes on
	grown   chan struct{}
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
	return &Pool{quota: quota, file: f, grown: make(chan struct{}, 1)}, nil
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

// Grown is sent to when a space has taken more of the file: there may be something to trim.
func (p *Pool) Grown() <-chan struct{} { return p.grown }

// take gives out an extent of n bytes, all zero; n is a multiple of the page size.
func (p *Pool) take(n int) (*extent, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.signal()
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

func (p *Pool) signal() {
	select {
	case p.grown <- struct{}{}:
	default:
	}
}

// put takes an extent back and frees its blocks on the disk.
func (p *Pool) put(e *extent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	release(p.file, e.at, len(e.mem))
	e.held = false
	p.used -= int64(len(e.mem))
}

// Trim takes mapped pages out of the process, if more are in it than the spaces' share; it
// goes through the extents in turn. Pages in use come back at their next use, from the
// system's cache mostly. It is to be called now and then, as long as it reports true.
func (p *Pool) Trim() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used <= p.window {
		return false
	}
	for range p.extents {
		if residentMapped() <= p.window+mappedBase {
			break
		}
		p.next %= len(p.extents)
		if e := p.extents[p.next]; e.held {
			unload(e.mem)
		}
		p.next++
	}
	return true
}

// mappedBase is the mapped pages that a process has anyway: its program.
const mappedBase = 64 << 20
