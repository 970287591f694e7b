package storage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// dirFormat is the version of the layout of a data directory.
const dirFormat = 1

const (
	formatText     = "streamdb data directory, format "
	formatCreating = ", being created"
)

// DirOptions configures OpenDir. The zero value is right for production.
type DirOptions struct {
	// FS is the file system. Default vfs.Default.
	FS vfs.FS

	// Guard configures the guard of the disk space.
	Guard GuardOptions
}

// Dir is an opened, locked data directory.
//
// A directory becomes a database in this order: OpenDir locks it, writes into FORMAT that it is being created and makes the
// subdirectories; log and Store are created in them; MarkInitialized takes the remark out of FORMAT. After a crash before
// that, creation starts afresh. After it, log and Store must exist: a part that is lost is an error then, not an empty
// database. Therefore nothing is acknowledged to anybody before MarkInitialized has returned.
type Dir struct {
	path        string
	inner       vfs.FS
	guard       *Guard
	lock        io.Closer
	initialized bool
}

// OpenDir opens or makes the data directory at path, for this process alone. It fails with ErrInUse, naming the process
// id, if another has it, and refuses directories that hold anything but a database of ours.
func OpenDir(path string, opts DirOptions) (*Dir, error) {
	fs := opts.FS
	if fs == nil {
		fs = vfs.Default
	}
	d := &Dir{path: path, inner: fs}
	if err := mkdirSynced(fs, path); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	if err := d.acquire(); err != nil {
		return nil, err
	}
	if err := d.prepare(); err != nil {
		return nil, errors.Join(err, d.lock.Close())
	}
	d.guard = newGuard(fs, path, opts.Guard)
	return d, nil
}

// acquire takes the lock and leaves our process id beside it. Not in it: reading a locked file and closing it would drop
// the lock (POSIX).
func (d *Dir) acquire() error {
	lock, err := d.inner.Lock(d.join("LOCK"))
	if err != nil {
		pid, readErr := readFile(d.inner, d.join("PID"))
		if readErr != nil || len(pid) == 0 {
			return fmt.Errorf("%w: %s: %w", ErrInUse, d.path, err)
		}
		return fmt.Errorf("%w by process %s: %s", ErrInUse, strings.TrimSpace(string(pid)), d.path)
	}
	d.lock = lock
	if err := writeFile(d.inner, d.join("PID"), []byte(strconv.Itoa(os.Getpid())+"\n")); err != nil {
		return errors.Join(fmt.Errorf("write PID: %w", err), lock.Close())
	}
	return nil
}

// prepare checks what is there and makes what is missing.
func (d *Dir) prepare() error {
	text, err := readFile(d.inner, d.join("FORMAT"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := d.checkForeign(); err != nil {
			return err
		}
		return d.create()
	case err != nil:
		return err
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(string(text)), formatText)
	if !ok {
		return corruptf(d.join("FORMAT"), "unreadable")
	}
	switch rest {
	case strconv.Itoa(dirFormat) + formatCreating:
		return d.create()
	case strconv.Itoa(dirFormat):
		d.initialized = true
		return d.checkParts()
	default:
		return fmt.Errorf("%w: %s has format %s, this program knows %d", ErrVersion, d.path, rest, dirFormat)
	}
}

// create begins a new database; what an interrupted creation left goes first, nobody ever relied on it.
func (d *Dir) create() error {
	if err := d.writeFormat(formatCreating); err != nil {
		return fmt.Errorf("write FORMAT: %w", err)
	}
	for _, part := range d.parts() {
		if err := d.inner.RemoveAll(part); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := d.inner.MkdirAll(part, 0o755); err != nil {
			return err
		}
	}
	return syncDir(d.inner, d.path)
}

// parts are the subdirectories.
func (d *Dir) parts() []string {
	return []string{d.LogPath(), d.StatePath(), d.SegmentsPath(), d.pendingPath()}
}

// checkParts makes sure that no subdirectory is lost; the stores check what is in them.
func (d *Dir) checkParts() error {
	for _, part := range d.parts() {
		if _, err := d.inner.Stat(part); errors.Is(err, os.ErrNotExist) {
			return corruptf(part, "directory is missing")
		} else if err != nil {
			return err
		}
	}
	return nil
}

// writeFormat replaces FORMAT, durably.
func (d *Dir) writeFormat(state string) error {
	text := []byte(formatText + strconv.Itoa(dirFormat) + state + "\n")
	if err := writeFile(d.inner, d.join("FORMAT.new"), text); err != nil {
		return err
	}
	if err := d.inner.Rename(d.join("FORMAT.new"), d.join("FORMAT")); err != nil {
		return err
	}
	return syncDir(d.inner, d.path)
}

// checkForeign refuses to make a database among somebody else's files.
func (d *Dir) checkForeign() error {
	names, err := d.inner.List(d.path)
	if err != nil {
		return err
	}
	for _, name := range names {
		switch name {
		case "LOCK", "PID", "FORMAT.new", "lost+found":
		default:
			return fmt.Errorf("%s is not a data directory of streamdb and not empty: it holds %s", d.path, name)
		}
	}
	return nil
}

// Initialized says whether this directory holds a database, as opposed to having been made just now.
func (d *Dir) Initialized() bool { return d.initialized }

// MarkInitialized makes it one, durably. Log and Store exist by then.
func (d *Dir) MarkInitialized() error {
	if d.initialized {
		return nil
	}
	if err := d.writeFormat(""); err != nil {
		return fmt.Errorf("write FORMAT: %w", err)
	}
	d.initialized = true
	return nil
}

// FS is the guarded file system to use for everything in the directory.
func (d *Dir) FS() vfs.FS { return d.guard.FS() }

// Guard is the guard of the directory's disk space.
func (d *Dir) Guard() *Guard { return d.guard }

// Path is the directory.
func (d *Dir) Path() string { return d.path }

// LogPath is the directory of the log.
func (d *Dir) LogPath() string { return d.join("log") }

// StatePath is the directory of the checkpoint store's pebble.
func (d *Dir) StatePath() string { return d.join("state") }

// SegmentsPath is the directory of segment files.
func (d *Dir) SegmentsPath() string { return d.join("segments") }

func (d *Dir) pendingPath() string { return d.join("pending") }

func (d *Dir) witnessPath() string { return d.join("CHECKPOINT") }

func (d *Dir) join(name string) string { return d.inner.PathJoin(d.path, name) }

// Close gives the directory back. Everything in it is closed by then.
func (d *Dir) Close() error { return d.lock.Close() }

// readFile reads a whole small file.
func readFile(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

// writeFile writes and syncs a whole file; its directory entry is the caller's.
func writeFile(fs vfs.FS, path string, b []byte) error {
	f, err := fs.Create(path, writeCategory)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// mkdirSynced makes a directory with its parents, and makes the new entries durable: a database whose directory goes
// with the power is lost as a whole.
func mkdirSynced(fs vfs.FS, path string) error {
	var missing []string
	for p := path; ; {
		if _, err := fs.Stat(p); err == nil {
			missing = append(missing, p)
			break
		}
		missing = append(missing, p)
		parent := fs.PathDir(p)
		if parent == p {
			break
		}
		p = parent
	}
	if err := fs.MkdirAll(path, 0o755); err != nil {
		return err
	}
	for _, p := range missing[1:] {
		if err := syncDir(fs, p); err != nil {
			return err
		}
	}
	return nil
}

// syncDir makes the entries of a directory durable.
func syncDir(fs vfs.FS, path string) error {
	d, err := fs.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
