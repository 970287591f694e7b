package storagetest

import (
	"errors"
	"math/rand/v2"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// ErrInjected is the error of Disk.FailAt.
var ErrInjected = errors.New("storagetest: injected failure")

// Disk is a file system in memory whose every changing operation is counted, so that a test can pull the plug, or make
// it fail, at each of them in turn.
type Disk struct {
	mem *vfs.MemFS

	mu      sync.Mutex
	ops     int // Changing operations so far. Guarded by mu, as are all below.
	crashAt int
	survive int
	seed    uint64
	crashed *vfs.MemFS
	failAt  int
	failFor func(errorfs.Op) bool
}

// NewDisk makes an empty disk.
func NewDisk() *Disk { return &Disk{mem: vfs.NewCrashableMem()} }

// DiskFrom continues on what a crash has left.
func DiskFrom(mem *vfs.MemFS) *Disk { return &Disk{mem: mem} }

// FS is the file system on the disk.
func (d *Disk) FS() vfs.FS { return errorfs.Wrap(d.mem, errorfs.InjectorFunc(d.before)) }

// Mem is the file system itself, to look at or damage files without being counted.
func (d *Disk) Mem() *vfs.MemFS { return d.mem }

// Ops is the number of changing operations so far.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// CrashAt sets the plug to be pulled just before changing operation number n, counted from now on and from 1. What was
// synced survives; of the rest, each 4 KiB block and directory entry survives with the given probability in percent.
func (d *Disk) CrashAt(n, survivePercent int, seed uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crashAt, d.survive, d.seed, d.crashed = d.ops+n, survivePercent, seed, nil
}

// Crashed is what was on the disk when the plug was pulled, as a file system of its own; nil if it was not pulled yet.
// The disk itself goes on as if nothing had happened: whatever is done to it from then on is lost.
func (d *Disk) Crashed() *vfs.MemFS {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.crashed
}

// CrashNow is what would be on the disk if the plug was pulled now.
func (d *Disk) CrashNow(survivePercent int, seed uint64) *vfs.MemFS {
	return d.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: survivePercent, RNG: rand.New(rand.NewPCG(seed, 0))})
}

// FailAt makes the n-th changing operation from now on, and every one after it, fail with ErrInjected if match says so
// (nil: all). N = 0 ends it.
func (d *Disk) FailAt(n int, match func(errorfs.Op) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failAt, d.failFor = d.ops+n, match
	if n == 0 {
		d.failAt = 0
	}
}

// before runs before each operation.
func (d *Disk) before(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpFileClose {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops++
	if d.crashAt != 0 && d.ops == d.crashAt {
		d.crashed = d.CrashNow(d.survive, d.seed)
	}
	if d.failAt != 0 && d.ops >= d.failAt && (d.failFor == nil || d.failFor(op)) {
		return ErrInjected
	}
	return nil
}
