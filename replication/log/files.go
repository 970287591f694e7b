package log

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	stdlog "log"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Space says whether the disk has room. storage.Guard implements it.
type Space interface {
	// Admit returns nil if n more bytes can be written now. It is cheap enough to be asked for every entry.
	Admit(n int64) error
}

// Options configures the files of a log. The zero value is fine for production on the real file system.
type Options struct {
	// FS is where the files live. Default vfs.Default.
	FS vfs.FS

	// Space is asked before an entry is accepted. Nil asks nobody: then a full disk is noticed only by what fails.
	Space Space

	// MustExist refuses to create a log where there is none: set once the data directory was initialised, so that a
	// lost directory is an error and not an empty database.
	MustExist bool

	// Fatal is called when a write or sync has failed for good; it must not return. Default: report on stderr and exit.
	// A failed sync may have dropped dirty pages that a second sync would not write: nothing after it can be trusted.
	Fatal func(err error)

	// OnBackgroundError hears of failed flushes and compactions, and of corruption that anything has met. It must not block nor call the store.
	OnBackgroundError func(err error)
}

const (
	// pebbleFormat is pinned: with an older one pebble takes a corrupted end of its WAL for the end of the log and
	// silently drops acknowledged entries; from FormatWALSyncChunks on it refuses to open.
	pebbleFormat = pebble.FormatValueSeparation

	memTableBytes  = 16 << 20
	cacheBytes     = 8 << 20
	exciseFrom     = 4 << 20 // Bytes in tables from which on Reclaim removes at once; below, compactions do.
	entryKeyPrefix = 'e'
)

// Files is what a log's entries are kept in: a pebble instance in a directory of its own, with a guard against what pebble
// does not notice. Whoever uses it makes one synced commit at a time, which checkWALs builds on, and counts them with a
// number that never falls, which the witness keeps.
type Files struct {
	DB *pebble.DB

	opts          Options
	dir           string
	what, witness string
	full          atomic.Bool // A background write found the disk full, and none has succeeded since.
	flushed       atomic.Bool // A flush has ended since the witness was written: see witness.go.
}

// OpenFiles opens the files in dir, or creates them. what names them in errors, witness is the name of the file that keeps
// the number, and seen the number kept. Corruption that pebble notices on opening, such as a damaged WAL, is an error marked
// ErrCorrupt: the node refuses to start.
func OpenFiles(dir, what, witness string, opts Options) (f *Files, seen uint64, err error) {
	if opts.FS == nil {
		opts.FS = vfs.Default
	}
	f = &Files{opts: opts, dir: dir, what: what, witness: opts.FS.PathJoin(dir, witness)}
	seen, found, err := readWitness(opts.FS, f.witness)
	if err != nil {
		return nil, 0, f.Errorf("open", err)
	}
	f.opts.MustExist = opts.MustExist || found
	if found {
		if err := checkWALs(opts.FS, dir); err != nil {
			return nil, 0, f.Errorf("open", err)
		}
	}
	if f.DB, err = pebble.Open(dir, f.pebbleOptions()); err != nil {
		return nil, 0, f.Errorf("open", err)
	}
	return f, seen, nil
}

// HasFiles reports whether dir holds files with a witness of that name.
func HasFiles(fs vfs.FS, dir, witness string) bool {
	_, err := fs.Stat(fs.PathJoin(dir, witness))
	return err == nil
}

func (f *Files) pebbleOptions() *pebble.Options {
	return &pebble.Options{
		FS:                          f.opts.FS,
		FormatMajorVersion:          pebbleFormat,
		ErrorIfNotExists:            f.opts.MustExist,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: 4,
		CacheSize:                   cacheBytes,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 1 },
		Logger:                      pebbleLogger{fatal: f.Fatal},
		EventListener: &pebble.EventListener{
			BackgroundError: f.BackgroundError,
			// Pebble's default is to end the process; the read that met it gets the error, and names the entry.
			DataCorruption: func(info pebble.DataCorruptionInfo) { f.BackgroundError(info.Details) },
			FlushEnd: func(info pebble.FlushInfo) {
				if info.Err == nil {
					f.full.Store(false)
					f.flushed.Store(true)
				}
			},
		},
	}
}

// CheckFormat reads the version of what is kept from key, or lets create write it and what else belongs into empty files.
func (f *Files) CheckFormat(key []byte, version uint64, create func() error) (created bool, err error) {
	format, err := f.Uint(key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		if err := f.checkEmpty(); err != nil {
			return false, err
		}
		return true, create()
	case err != nil:
		return false, err
	case format != version:
		return false, fmt.Errorf("%w: format %d, this program knows %d", ErrVersion, format, version)
	}
	return false, nil
}

// checkEmpty refuses files without a format that must have one.
func (f *Files) checkEmpty() error {
	if f.opts.MustExist {
		return corruptf("format key is missing")
	}
	it, err := f.DB.NewIter(nil)
	if err != nil {
		return err
	}
	foreign := it.First()
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return MarkCorruption(err)
	}
	if foreign {
		return corruptf("format key is missing")
	}
	return nil
}

// Uint reads the number of a key.
func (f *Files) Uint(key []byte) (uint64, error) {
	value, closer, err := f.DB.Get(key)
	if err != nil {
		return 0, MarkCorruption(err)
	}
	defer closer.Close()
	if len(value) != 8 {
		return 0, corruptf("value of %s has %d bytes", key, len(value))
	}
	return binary.LittleEndian.Uint64(value), nil
}

// Witness keeps the number of what is durable.
func (f *Files) Witness(n uint64) error { return writeWitness(f.opts.FS, f.dir, f.witness, n) }

// Committed is called after each commit with its number.
func (f *Files) Committed(n uint64) {
	if !f.flushed.Swap(false) {
		return
	}
	// An older witness stays true, so failing to renew it is no failure of the commit.
	if err := f.Witness(n); err != nil {
		f.BackgroundError(err)
	}
}

// Seal appends an empty record to the WAL, synced, so that damage to the last commit can be told from the torn end of a
// crash: see wal_check.go.
func (f *Files) Seal() error { return f.DB.LogData(nil, pebble.Sync) }

// Admit says whether n more bytes of entries have room. Entries are written twice before the first copy goes (WAL, then
// table), so it asks for more than n. The error is marked ErrDiskFull.
func (f *Files) Admit(n int) error {
	if f.full.Load() {
		return fmt.Errorf("%w: %s", ErrDiskFull, f.dir)
	}
	if f.opts.Space == nil {
		return nil
	}
	if err := f.opts.Space.Admit(3 * int64(n)); err != nil {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return nil
}

// Reclaim gives back what deleted keys in [lo, hi) take, where that is much and still sure: whole files are unlinked at
// once. A crash in between costs only space, until compactions drop what the deletion covers.
func (f *Files) Reclaim(lo, hi []byte, sure func() (release func(), ok bool)) error {
	bytes, err := f.DB.EstimateDiskUsage(lo, hi)
	if err == nil && bytes >= exciseFrom {
		release, ok := sure()
		defer release()
		if ok {
			err = f.DB.Excise(context.Background(), pebble.KeyRange{Start: lo, End: hi})
		}
	}
	if err != nil {
		return f.Errorf("reclaim space of", err)
	}
	return nil
}

// DiskBytes is the size of all files, including what is about to be removed.
func (f *Files) DiskBytes() uint64 { return f.DB.Metrics().DiskSpaceUsage() }

// Errorf says what was being done to the files.
func (f *Files) Errorf(doing string, err error) error {
	return fmt.Errorf("%s %s in %s: %w", doing, f.what, f.dir, MarkCorruption(err))
}

// BackgroundError is called by pebble, with its lock held, whenever a flush or a compaction has failed. Pebble tries
// again at once and without end; commits hang as soon as its queue of memtables is full. So nothing more is accepted
// until a flush has succeeded, and Guard slows the retries down.
func (f *Files) BackgroundError(err error) {
	if errors.Is(err, syscall.ENOSPC) {
		f.full.Store(true)
	}
	if f.opts.OnBackgroundError != nil {
		f.opts.OnBackgroundError(MarkCorruption(err))
	}
}

// Fatal ends the process, see Options.Fatal.
func (f *Files) Fatal(err error) {
	err = fmt.Errorf("%s in %s: %w", f.what, f.dir, err)
	if f.opts.Fatal != nil {
		f.opts.Fatal(err)
		panic(err) // Fatal must not return.
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// pebbleLogger keeps pebble's chatter away and routes its last words.
type pebbleLogger struct{ fatal func(error) }

var _ pebble.Logger = pebbleLogger{}

// Infof drops the message.
func (l pebbleLogger) Infof(string, ...any) {}

// Errorf writes to the standard logger.
func (l pebbleLogger) Errorf(format string, args ...any) { stdlog.Printf(format, args...) }

// Fatalf does not return.
func (l pebbleLogger) Fatalf(format string, args ...any) { l.fatal(fmt.Errorf(format, args...)) }

// EntryKey is the key of an entry: a prefix and the index, big endian so that keys sort as indexes do.
func EntryKey(index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{entryKeyPrefix}, index)
}

// EntryKeyEnd is behind the keys of all entries.
func EntryKeyEnd() []byte { return []byte{entryKeyPrefix + 1} }

// IndexOf undoes EntryKey; 0, which no entry has, for a key of another length.
func IndexOf(key []byte) uint64 {
	if len(key) != 9 {
		return 0
	}
	return binary.BigEndian.Uint64(key[1:])
}
