package storage

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// GuardOptions configures a Guard. The zero value takes all defaults.
type GuardOptions struct {
	// BallastBytes is the size of the ballast file. Default 64 MiB, at most a twentieth of the disk; negative means
	// none. Where the size of the disk is unknown (file systems in memory) the default is none.
	BallastBytes int64

	// ReserveBytes is what must remain free after what is admitted: for the flushes and checkpoints that admitted bytes
	// will cause. Default 64 MiB, at most a twentieth of the disk; negative means nothing.
	ReserveBytes int64

	// Now and Sleep are the clock. Default time.Now and time.Sleep.
	Now   func() time.Time
	Sleep func(time.Duration)
}

const (
	spaceDefault   = 64 << 20
	spaceShare     = 20          // The defaults are at most this part of the disk.
	ballastRetry   = time.Second // How often to try to make the ballast again.
	fullPause      = 20 * time.Millisecond
	ballastChunk   = 1 << 20
	preallocSlack  = 2 // A preallocation counts if at least a half of it left the free space.
	writeCategory  = vfs.WriteCategoryUnspecified
	ballastMinimum = 64 << 10
)

// Guard keeps a full disk from being fatal. Three lines of defence:
//
//  1. Admit refuses new work while less than the reserve would remain: the normal way in which a disk "is full". What was
//     admitted has room, so what has been applied can be made durable.
//  2. When a write fails with ENOSPC all the same (somebody else filled the disk), the ballast file is removed and the
//     write is repeated once; Admit refuses from then on.
//  3. When the ballast is gone already, failing writers are slowed down, because pebble repeats a failed flush at once
//     and for ever.
//
// As soon as there is room for both, the ballast is made again and Admit admits again. Writers see none of this: they use
// FS, which behaves like any other file system.
type Guard struct {
	inner vfs.FS
	fs    vfs.FS
	dir   string
	path  string // Of the ballast.
	opts  GuardOptions

	mu       sync.Mutex
	ballast  bool      // The file is there. Guarded by mu.
	released bool      // ENOSPC was met and the ballast, if any, given away. Guarded by mu.
	tried    time.Time // When making the ballast was last tried. Guarded by mu.
}

// newGuard guards the disk that dir is on. It makes the ballast, or leaves that for later if there is no room.
func newGuard(fs vfs.FS, dir string, opts GuardOptions) *Guard {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Sleep == nil {
		opts.Sleep = time.Sleep
	}
	g := &Guard{inner: fs, dir: dir, path: fs.PathJoin(dir, "BALLAST"), opts: opts}
	usage, err := fs.GetDiskUsage(dir)
	g.opts.BallastBytes = spaceOption(opts.BallastBytes, usage, err)
	g.opts.ReserveBytes = spaceOption(opts.ReserveBytes, usage, err)
	g.fs = vfs.OnDiskFull(fs, g.onDiskFull)
	if err == nil && int64(usage.AvailBytes) < g.opts.BallastBytes+g.opts.ReserveBytes {
		return g // Making it would take what the recovery may need.
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.makeBallastLocked()
	return g
}

// spaceOption resolves a default.
func spaceOption(given int64, usage vfs.DiskUsage, err error) int64 {
	switch {
	case given < 0 || given == 0 && err != nil:
		return 0
	case given > 0:
		return given
	}
	return min(spaceDefault, int64(usage.TotalBytes/spaceShare))
}

// FS is the guarded file system: everything that writes into the data directory uses it.
func (g *Guard) FS() vfs.FS { return g.fs }

// Admit returns nil if n more bytes can be written now, else an error marked ErrDiskFull. It costs one system call.
func (g *Guard) Admit(n int64) error {
	usage, err := g.inner.GetDiskUsage(g.dir)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		need := n + g.opts.ReserveBytes
		if !g.ballast {
			need += g.opts.BallastBytes // So that making it again does not exhaust the disk.
		}
		if int64(usage.AvailBytes) < need {
			return fmt.Errorf("%w: %s has %d bytes free, %d are needed", ErrDiskFull, g.dir, usage.AvailBytes, need)
		}
	}
	if g.ballast || g.opts.BallastBytes == 0 && (err == nil || !g.released) {
		g.released = false
		return nil
	}
	now := g.opts.Now()
	if now.Sub(g.tried) >= ballastRetry {
		g.tried = now
		if g.makeBallastLocked() {
			g.released = false
		}
	}
	if g.released {
		return fmt.Errorf("%w: a write to %s has failed for lack of room", ErrDiskFull, g.dir)
	}
	return nil
}

// AdmitReserved is Admit for work that gives room back when it is done, as a checkpoint does, behind which the log is
// cut: it may use the reserve, which is kept for it, but for a quarter that is left to whoever writes meanwhile.
func (g *Guard) AdmitReserved(n int64) error {
	usage, err := g.inner.GetDiskUsage(g.dir)
	if err != nil {
		return nil // Where the size is unknown, only a failing write tells.
	}
	if need := n + g.opts.ReserveBytes/4; int64(usage.AvailBytes) < need {
		return fmt.Errorf("%w: %s has %d bytes free, %d are needed", ErrDiskFull, g.dir, usage.AvailBytes, need)
	}
	return nil
}

// onDiskFull is called when a write has met ENOSPC. Other writers of FS wait meanwhile; the write is repeated once.
func (g *Guard) onDiskFull() {
	g.mu.Lock()
	had := g.ballast
	g.ballast, g.released = false, true
	g.mu.Unlock()
	if !had || g.inner.Remove(g.path) != nil {
		g.opts.Sleep(fullPause)
	}
}

// makeBallastLocked makes the ballast file anew and says whether there is one, or none is wanted and a small file could
// be written in its place. It does not write through FS: its own ENOSPC is no alarm.
func (g *Guard) makeBallastLocked() bool {
	size := g.opts.BallastBytes
	probe := size == 0
	if probe {
		size = ballastMinimum
	}
	err := g.writeBallast(size)
	if err != nil || probe {
		_ = g.inner.Remove(g.path) // It may not exist; if it stays, it is made anew or shrinks the ballast, no more.
	}
	g.ballast = err == nil && !probe
	return err == nil
}

// writeBallast reserves the bytes by fallocate where that works, and by zeroes where it does not.
func (g *Guard) writeBallast(size int64) (err error) {
	before, usageErr := g.inner.GetDiskUsage(g.dir)
	f, err := g.inner.Create(g.path, writeCategory)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if usageErr == nil && f.Preallocate(0, size) == nil {
		if after, err := g.inner.GetDiskUsage(g.dir); err == nil &&
			int64(before.AvailBytes)-int64(after.AvailBytes) >= size/preallocSlack {
			return nil
		}
	}
	zeroes := make([]byte, min(size, ballastChunk))
	for left := size; left > 0; left -= int64(len(zeroes)) {
		if left < int64(len(zeroes)) {
			zeroes = zeroes[:left]
		}
		if _, err := f.Write(zeroes); err != nil {
			return err
		}
	}
	return f.Sync()
}
