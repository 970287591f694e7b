package raftlog

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
	"github.com/hashicorp/raft"

	"streamdb/replication/log"
)

// Options configures a Store. The zero value is fine for production on the real file system.
type Options struct {
	// FS is where the store lives. Default vfs.Default.
	FS vfs.FS

	// Space is asked before entries are written. Nil asks nobody.
	Space log.Space

	// MustExist refuses to create a store where there is none: set once the node has taken part in consensus.
	MustExist bool

	// OnSlow hears of a write of entries that has taken SlowAfter and goes on. It must not block. Nil hears nothing.
	OnSlow func()

	// SlowAfter is the patience with a write of entries. Default 250 ms.
	SlowAfter time.Duration

	// FatalAfter is the time after which such a write ends the process: a node whose disk hangs, but whose heartbeats
	// go on, would keep the others from electing another leader. Default 0: never.
	FatalAfter time.Duration

	// Fatal is called when a write or sync has failed for good; it must not return. Default: report on stderr and exit.
	Fatal func(err error)

	// OnBackgroundError hears of failed flushes and compactions, and of corruption that anything has met. It must not
	// block nor call the store.
	OnBackgroundError func(err error)
}

const (
	// formatVersion is the version of our keys and values in the store.
	formatVersion = 1

	// pebbleFormat is pinned; see package log for what older formats do to corrupted files.
	pebbleFormat = pebble.FormatValueSeparation

	memTableBytes   = 16 << 20
	cacheBytes      = 8 << 20
	exciseFrom      = 4 << 20 // Bytes in tables from which on a deletion removes at once; below, compactions do.
	sealAfter       = 20 * time.Millisecond
	witnessFile     = "RAFT"
	entryKeyPrefix  = 'e'
	stableKeyPrefix = 's'
)

var (
	keyFormat  = []byte("r/format")  // uint64 little endian: formatVersion
	keyCommits = []byte("r/commits") // uint64 little endian: the number of the last commit
)

// Store keeps entries, term and vote. All methods may be called from anywhere at any time.
//
// Every change is one synced commit, one at a time: package log's check of the WAL builds on that, and its reasons hold
// here as well. Commits are numbered; the number goes into each, and into the witness once it is known to be durable, so
// that files which have lost some of them are found out although the end of this log may be taken back.
type Store struct {
	dir  string
	db   *pebble.DB
	opts Options

	full    atomic.Bool // A background write found the disk full, and none has succeeded since.
	flushed atomic.Bool // A flush has ended since the witness was written.

	// committing is held during a commit.
	committing sync.Mutex
	commits    uint64      // Number of the last commit. Guarded by committing, as are all below.
	buf        []byte      // Scratch.
	seal       *time.Timer // Runs once the store has been idle for sealAfter.
	sealed     bool        // The last record is a seal, or there is none.
	closed     bool

	mu     sync.Mutex
	first  uint64 // Invariant: 1 <= first <= last, or both are 0 if there is no entry.
	last   uint64
	counts Metrics // Counters only.
}

// Metrics are sizes and counters for /metrics.
type Metrics struct {
	FirstIndex uint64
	LastIndex  uint64
	DiskBytes  uint64        // All files of the store, including what is about to be removed.
	Entries    uint64        // Stored since open.
	Bytes      uint64        // Of these.
	Groups     uint64        // Synced commits of entries since open.
	SyncTime   time.Duration // Spent in them.
}

var (
	_ raft.LogStore          = (*Store)(nil)
	_ raft.MonotonicLogStore = (*Store)(nil)
	_ raft.StableStore       = (*Store)(nil)
)

// IsStore reports whether dir holds a Store.
func IsStore(fs vfs.FS, dir string) bool {
	_, err := fs.Stat(fs.PathJoin(dir, witnessFile))
	return err == nil
}

// Open opens the store in dir, or creates it. What is damaged is an error marked log.ErrCorrupt.
func Open(dir string, opts Options) (*Store, error) {
	if opts.FS == nil {
		opts.FS = vfs.Default
	}
	if opts.SlowAfter == 0 {
		opts.SlowAfter = 250 * time.Millisecond
	}
	s := &Store{dir: dir, opts: opts, sealed: true}
	seen, found, err := log.ReadWitness(opts.FS, s.witnessPath())
	if err != nil {
		return nil, s.errorf("open", err)
	}
	s.opts.MustExist = opts.MustExist || found
	if found {
		if err := log.CheckWALs(opts.FS, dir); err != nil {
			return nil, s.errorf("open", err)
		}
	}
	if s.db, err = pebble.Open(dir, s.pebbleOptions()); err != nil {
		return nil, s.errorf("open", err)
	}
	err = s.load()
	if err == nil && s.commits < seen {
		err = corruptf("the last commit is number %d, but there was one of number %d", s.commits, seen)
	}
	if err == nil {
		err = log.WriteWitness(opts.FS, dir, s.witnessPath(), s.commits)
	}
	if err != nil {
		return nil, errors.Join(s.errorf("open", err), s.db.Close())
	}
	s.seal = time.AfterFunc(time.Hour, s.writeSeal)
	return s, nil
}

func (s *Store) pebbleOptions() *pebble.Options {
	return &pebble.Options{
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
			// Pebble's default is to end the process; the read that met it gets the error.
			DataCorruption: func(info pebble.DataCorruptionInfo) { s.backgroundError(info.Details) },
			FlushEnd: func(info pebble.FlushInfo) {
				if info.Err == nil {
					s.full.Store(false)
					s.flushed.Store(true)
				}
			},
		},
	}
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
		return fmt.Errorf("%w: format %d, this program knows %d", log.ErrVersion, format, formatVersion)
	}
	if s.commits, err = s.metaUint(keyCommits); err != nil {
		return corruptf("the number of the last commit is unreadable: %v", err)
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
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return err
	}
	if foreign {
		return corruptf("format key is missing")
	}
	return s.commit(func(b *pebble.Batch) error {
		return b.Set(keyFormat, binary.LittleEndian.AppendUint64(nil, formatVersion), nil)
	})
}

// loadBounds finds the first and the last entry.
func (s *Store) loadBounds() error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{entryKeyPrefix}, UpperBound: []byte{entryKeyPrefix + 1}})
	if err != nil {
		return err
	}
	if it.First() {
		s.first = indexOf(it.Key())
		if it.Last() {
			s.last = indexOf(it.Key())
		}
	}
	err = errors.Join(it.Error(), it.Close())
	if err == nil && s.last > 0 {
		var l raft.Log
		err = s.GetLog(s.last, &l)
	}
	return err
}

func (s *Store) metaUint(key []byte) (uint64, error) {
	value, closer, err := s.db.Get(key)
	if err != nil {
		return 0, err
	}
	defer closer.Close()
	if len(value) != 8 {
		return 0, corruptf("value of %s has %d bytes", key, len(value))
	}
	return binary.LittleEndian.Uint64(value), nil
}

// commit makes a change durable.
func (s *Store) commit(change func(*pebble.Batch) error) error {
	s.committing.Lock()
	defer s.committing.Unlock()
	b := s.db.NewBatch()
	defer b.Close()
	if err := change(b); err != nil {
		return err
	}
	if err := b.Set(keyCommits, binary.LittleEndian.AppendUint64(nil, s.commits+1), nil); err != nil {
		return err
	}
	if err := b.Commit(pebble.Sync); err != nil {
		return err
	}
	s.commits++
	s.sealed = false
	if s.seal != nil {
		s.seal.Reset(sealAfter)
	}
	if s.flushed.Swap(false) {
		// An older witness stays true, so failing to renew it is no failure of the commit.
		if err := log.WriteWitness(s.opts.FS, s.dir, s.witnessPath(), s.commits); err != nil {
			s.backgroundError(err)
		}
	}
	return nil
}

// writeSeal appends an empty record to the WAL of an idle store, so that damage to the last commit can be told from the
// torn end of a crash.
func (s *Store) writeSeal() {
	s.committing.Lock()
	defer s.committing.Unlock()
	if s.closed || s.sealed {
		return
	}
	if err := s.db.LogData(nil, pebble.Sync); err != nil {
		s.backgroundError(err)
		return
	}
	s.sealed = true
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

// Close closes the files. Nothing else may run; everything stored is durable already.
func (s *Store) Close() error {
	s.committing.Lock()
	defer s.committing.Unlock()
	s.closed = true
	s.seal.Stop()
	return errors.Join(s.db.Close(), log.WriteWitness(s.opts.FS, s.dir, s.witnessPath(), s.commits))
}

func (s *Store) witnessPath() string { return s.opts.FS.PathJoin(s.dir, witnessFile) }

// errorf says what was being done to the store.
func (s *Store) errorf(what string, err error) error {
	return fmt.Errorf("%s replicated log in %s: %w", what, s.dir, log.MarkCorruption(err))
}

// backgroundError is called by pebble, with its lock held, whenever a flush or a compaction has failed; see package log.
func (s *Store) backgroundError(err error) {
	if errors.Is(err, syscall.ENOSPC) {
		s.full.Store(true)
	}
	if s.opts.OnBackgroundError != nil {
		s.opts.OnBackgroundError(log.MarkCorruption(err))
	}
}

func (s *Store) fatal(err error) {
	err = fmt.Errorf("replicated log in %s: %w", s.dir, err)
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
