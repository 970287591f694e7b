package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	stdlog "log"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Space says whether the disk has room. storage.Guard implements it.
type Space interface {
	// Admit returns nil if n more bytes can be written now. It is cheap enough to be asked for every entry.
	Admit(n int64) error
}

// Options configures a Store. The zero value is fine for production on the real file system.
type Options struct {
	// FS is where the store lives. Default vfs.Default.
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
	// formatVersion is the version of our keys and values in the store.
	formatVersion = 1

	// pebbleFormat is pinned: with an older one pebble takes a corrupted end of its WAL for the end of the log and
	// silently drops acknowledged entries; from FormatWALSyncChunks on it refuses to open.
	pebbleFormat = pebble.FormatValueSeparation

	memTableBytes  = 16 << 20
	cacheBytes     = 8 << 20
	exciseFrom     = 4 << 20 // Bytes in tables from which on TruncateBefore removes at once; below, compactions do.
	entryKeyPrefix = 'e'
)

var (
	keyFormat = []byte("m/format") // uint32 little endian: formatVersion
	keyFirst  = []byte("m/first")  // uint64 little endian: index of the first entry stored, or next to be stored
)

// Store keeps the entries of a log in a pebble instance in a directory of its own. All methods may be called from
// anywhere at any time.
type Store struct {
	dir  string
	db   *pebble.DB
	opts Options

	full    atomic.Bool // A background write found the disk full, and none has succeeded since.
	flushed atomic.Bool // A flush has ended since the witness was written: see witness.

	// committing makes sure that one record at a time is on its way into the WAL: wal_check.go builds on it.
	committing sync.Mutex
	encoded    []byte // Scratch of Append. Guarded by committing.
	sealed     bool   // The last record is a seal, or there is none. Guarded by committing.

	mu       sync.Mutex
	first    uint64 // Invariant: 1 <= first <= last+1; first == last+1 means empty.
	last     uint64
	lastTime int64
	counts   Metrics // Counters only.
}

// Metrics are sizes and counters for /metrics.
type Metrics struct {
	FirstIndex   uint64
	LastIndex    uint64
	DiskBytes    uint64        // All files of the store, including what is about to be removed.
	Entries      uint64        // Appended since open.
	PayloadBytes uint64        // Of these, before compression.
	StoredBytes  uint64        // Of these, after compression, with headers.
	Groups       uint64        // Synced commits since open.
	SyncTime     time.Duration // Spent in them.
}

// OpenStore opens the log in dir, or creates it. Corruption that pebble notices on opening, such as a damaged WAL, is
// an error marked ErrCorrupt: the node refuses to start.
func OpenStore(dir string, opts Options) (*Store, error) {
	if opts.FS == nil {
		opts.FS = vfs.Default
	}
	s := &Store{dir: dir, opts: opts, first: 1}
	seen, found, err := ReadWitness(opts.FS, s.witnessPath())
	if err != nil {
		return nil, fmt.Errorf("open log in %s: %w", dir, err)
	}
	s.opts.MustExist = opts.MustExist || found
	if found {
		if err := CheckWALs(opts.FS, dir); err != nil {
			return nil, fmt.Errorf("open log in %s: %w", dir, err)
		}
	}
	db, err := pebble.Open(dir, s.pebbleOptions())
	if err != nil {
		return nil, fmt.Errorf("open log in %s: %w", dir, MarkCorruption(err))
	}
	s.db = db
	err = s.load()
	if err == nil && s.last < seen {
		err = corruptf("the last entry is %d, but there was one of number %d", s.last, seen)
	}
	if err == nil {
		err = WriteWitness(opts.FS, dir, s.witnessPath(), s.last)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open log in %s: %w", dir, err), db.Close())
	}
	return s, nil
}

func (s *Store) pebbleOptions() *pebble.Options {
	o := &pebble.Options{
		FS:                          s.opts.FS,
		FormatMajorVersion:          pebbleFormat,
		ErrorIfNotExists:            s.opts.MustExist,
		MemTableSize:                memTableBytes,
		MemTableStopWritesThreshold: 4,
		CacheSize:                   cacheBytes,
		CompactionConcurrencyRange:  func() (int, int) { return 1, 1 },
		Logger:                      pebbleLogger{fatal: s.fatal},
		EventListener: &pebble.EventListener{
			BackgroundError: s.backgroundError,
			// Pebble's default is to end the process; the read that met it gets the error, and names the entry.
			DataCorruption: func(info pebble.DataCorruptionInfo) { s.backgroundError(info.Details) },
			FlushEnd: func(info pebble.FlushInfo) {
				if info.Err == nil {
					s.full.Store(false)
					s.flushed.Store(true)
				}
			},
		},
	}
	return o
}

// load reads the format and the bounds of the log.
func (s *Store) load() error {
	format, err := s.metaUint(keyFormat)
	if errors.Is(err, pebble.ErrNotFound) {
		return s.create()
	}
	if err != nil {
		return err
	}
	if format != formatVersion {
		return fmt.Errorf("%w: format %d, this program knows %d", ErrVersion, format, formatVersion)
	}
	if s.first, err = s.metaUint(keyFirst); err != nil {
		return corruptf("bounds are unreadable: %v", err)
	}
	return s.loadBounds()
}

// create writes the format into an empty store.
func (s *Store) create() error {
	if s.opts.MustExist {
		return corruptf("format key is missing")
	}
	it, err := s.db.NewIter(nil)
	if err != nil {
		return err
	}
	foreign := it.First()
	if err := it.Close(); err != nil {
		return MarkCorruption(err)
	}
	if foreign {
		return corruptf("format key is missing")
	}
	b := s.db.NewBatch()
	if err := errors.Join(
		b.Set(keyFormat, binary.LittleEndian.AppendUint64(nil, formatVersion), nil),
		b.Set(keyFirst, binary.LittleEndian.AppendUint64(nil, 1), nil)); err != nil {
		return err
	}
	s.first = 1
	return b.Commit(pebble.Sync)
}

// loadBounds finds the last entry and checks that the first is where it should be.
func (s *Store) loadBounds() error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: entryKey(0), UpperBound: []byte{entryKeyPrefix + 1}})
	if err != nil {
		return MarkCorruption(err)
	}
	s.last = s.first - 1
	if it.First() {
		if got := indexOf(it.Key()); got != s.first {
			err = corruptf("first entry should be %d, found %d", s.first, got)
		}
	}
	if err == nil && it.Last() {
		var value []byte
		if value, err = it.ValueAndErr(); err == nil {
			var e Entry
			if e, err = DecodeEntry(indexOf(it.Key()), value); err == nil {
				s.last, s.lastTime = e.Index, e.Time
			}
		}
	}
	return MarkCorruption(errors.Join(err, it.Close()))
}

func (s *Store) metaUint(key []byte) (uint64, error) {
	value, closer, err := s.db.Get(key)
	if err != nil {
		return 0, MarkCorruption(err)
	}
	defer closer.Close()
	if len(value) != 8 {
		return 0, corruptf("value of %s has %d bytes", key, len(value))
	}
	return binary.LittleEndian.Uint64(value), nil
}

// FirstIndex is the index of the first entry stored; FirstIndex > LastIndex means that there is none.
func (s *Store) FirstIndex() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}

// LastIndex is the index of the last durable entry, including entries removed since; 0 if there never was one.
func (s *Store) LastIndex() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// LastTime is the time of the last entry; 0 if there is none stored.
func (s *Store) LastTime() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastTime
}

// Admit says whether n more bytes of entries have room. Entries are written twice before the first copy goes (WAL, then
// table), so it asks for more than n. The error is marked ErrDiskFull.
func (s *Store) Admit(n int) error {
	if s.full.Load() {
		return fmt.Errorf("%w: %s", ErrDiskFull, s.dir)
	}
	if s.opts.Space == nil {
		return nil
	}
	if err := s.opts.Space.Admit(3 * int64(n)); err != nil {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return nil
}

// Append stores a group of entries with one synced commit: when it returns, all are durable. Their indexes continue the
// log without a gap and their times rise; anything else is refused. A failed write or sync does not return, see
// Options.Fatal.
func (s *Store) Append(group []Entry) error {
	if len(group) == 0 {
		return nil
	}
	s.committing.Lock()
	defer s.committing.Unlock()
	s.mu.Lock()
	last, lastTime := s.last, s.lastTime
	s.mu.Unlock()
	b := s.db.NewBatch()
	defer b.Close()
	var raw, stored uint64
	for i := range group {
		e := &group[i]
		if e.Index != last+1 || e.Time <= lastTime {
			return fmt.Errorf("append entry %d at time %d after entry %d at time %d", e.Index, e.Time, last, lastTime)
		}
		if len(e.Payload) > MaxEntryBytes {
			return fmt.Errorf("%w: %d bytes", ErrTooLarge, len(e.Payload))
		}
		last, lastTime = e.Index, e.Time
		s.encoded = AppendEntry(s.encoded[:0], e)
		if err := b.Set(entryKey(e.Index), s.encoded, nil); err != nil {
			return err
		}
		raw += uint64(len(e.Payload))
		stored += uint64(len(s.encoded))
	}
	if cap(s.encoded) > memTableBytes {
		s.encoded = nil
	}
	s.sealed = false
	start := time.Now()
	if err := b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("append to log in %s: %w", s.dir, err)
	}
	if s.flushed.Swap(false) {
		// An older witness stays true, so failing to renew it is no failure of the append.
		if err := WriteWitness(s.opts.FS, s.dir, s.witnessPath(), last); err != nil {
			s.backgroundError(err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last, s.lastTime = last, lastTime
	s.counts.Entries += uint64(len(group))
	s.counts.PayloadBytes += raw
	s.counts.StoredBytes += stored
	s.counts.Groups++
	s.counts.SyncTime += time.Since(start)
	return nil
}

// Seal appends an empty record to the WAL, synced, so that damage to the last group of entries can be told from the torn
// end of a crash: see wal_check.go. It does nothing if nothing was appended since the last seal.
func (s *Store) Seal() error {
	s.committing.Lock()
	defer s.committing.Unlock()
	if s.sealed {
		return nil
	}
	if err := s.db.LogData(nil, pebble.Sync); err != nil {
		return fmt.Errorf("seal log in %s: %w", s.dir, err)
	}
	s.sealed = true
	return nil
}

// Metrics reads sizes and counters.
func (s *Store) Metrics() Metrics {
	disk := s.db.Metrics().DiskSpaceUsage()
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.counts
	m.FirstIndex, m.LastIndex, m.DiskBytes = s.first, s.last, disk
	return m
}

// Close closes the files. Nothing else may run; every appended entry is durable already.
func (s *Store) Close() error {
	return errors.Join(s.db.Close(), WriteWitness(s.opts.FS, s.dir, s.witnessPath(), s.last))
}

func (s *Store) witnessPath() string { return s.opts.FS.PathJoin(s.dir, "HIGHWATER") }

// backgroundError is called by pebble, with its lock held, whenever a flush or a compaction has failed. Pebble tries
// again at once and without end; commits hang as soon as its queue of memtables is full. So nothing more is accepted
// until a flush has succeeded, and Guard slows the retries down.
func (s *Store) backgroundError(err error) {
	if errors.Is(err, syscall.ENOSPC) {
		s.full.Store(true)
	}
	if s.opts.OnBackgroundError != nil {
		s.opts.OnBackgroundError(MarkCorruption(err))
	}
}

func (s *Store) fatal(err error) {
	err = fmt.Errorf("log in %s: %w", s.dir, err)
	if s.opts.Fatal != nil {
		s.opts.Fatal(err)
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

// entryKey is the key of an entry: the prefix and the index, big endian so that keys sort as indexes do.
func entryKey(index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{entryKeyPrefix}, index)
}

// indexOf undoes entryKey; 0, which no entry has, for a key of another length.
func indexOf(key []byte) uint64 {
	if len(key) != 9 {
		return 0
	}
	return binary.BigEndian.Uint64(key[1:])
}
