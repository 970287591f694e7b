package raftlog

import (
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"streamdb/replication/log"
)

// Options configures a Store. The zero value is fine for production on the real file system. MustExist is to be set once
// the node has taken part in consensus.
type Options struct {
	log.Options

	// OnSlow hears of a write of entries that has taken SlowAfter and goes on. It must not block. Nil hears nothing.
	OnSlow func()

	// SlowAfter is the patience with a write of entries. Default 250 ms.
	SlowAfter time.Duration

	// FatalAfter is the time after which such a write ends the process: a node whose disk hangs, but whose heartbeats
	// go on, would keep the others from electing another leader. Default 0: never.
	FatalAfter time.Duration
}

const (
	// formatVersion is the version of our keys and values in the store.
	formatVersion = 1

	sealAfter       = 20 * time.Millisecond
	witnessFile     = "RAFT"
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
	*log.Files

	opts Options

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
func IsStore(fs vfs.FS, dir string) bool { return log.HasFiles(fs, dir, witnessFile) }

// Open opens the store in dir, or creates it. What is damaged is an error marked log.ErrCorrupt.
func Open(dir string, opts Options) (*Store, error) {
	if opts.SlowAfter == 0 {
		opts.SlowAfter = 250 * time.Millisecond
	}
	files, seen, err := log.OpenFiles(dir, "replicated log", witnessFile, opts.Options)
	if err != nil {
		return nil, err
	}
	s := &Store{Files: files, opts: opts, sealed: true}
	err = s.load()
	if err == nil && s.commits < seen {
		err = corruptf("the last commit is number %d, but there was one of number %d", s.commits, seen)
	}
	if err == nil {
		err = s.Witness(s.commits)
	}
	if err != nil {
		return nil, errors.Join(s.Errorf("open", err), s.DB.Close())
	}
	s.seal = time.AfterFunc(time.Hour, s.writeSeal)
	return s, nil
}

// load reads the format and the bounds of the log.
func (s *Store) load() error {
	created, err := s.CheckFormat(keyFormat, formatVersion, s.create)
	if created || err != nil {
		return err
	}
	if s.commits, err = s.Uint(keyCommits); err != nil {
		return corruptf("the number of the last commit is unreadable: %v", err)
	}
	return s.loadBounds()
}

// create writes the format into an empty store.
func (s *Store) create() error {
	return s.commit(func(b *pebble.Batch) error {
		return b.Set(keyFormat, binary.LittleEndian.AppendUint64(nil, formatVersion), nil)
	})
}

// loadBounds finds the first and the last entry.
func (s *Store) loadBounds() error {
	it, err := s.DB.NewIter(&pebble.IterOptions{LowerBound: log.EntryKey(0), UpperBound: log.EntryKeyEnd()})
	if err != nil {
		return err
	}
	if it.First() {
		s.first = log.IndexOf(it.Key())
		if it.Last() {
			s.last = log.IndexOf(it.Key())
		}
	}
	err = errors.Join(it.Error(), it.Close())
	if err == nil && s.last > 0 {
		var l raft.Log
		err = s.GetLog(s.last, &l)
	}
	return err
}

// commit makes a change durable.
func (s *Store) commit(change func(*pebble.Batch) error) error {
	s.committing.Lock()
	defer s.committing.Unlock()
	b := s.DB.NewBatch()
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
	s.Committed(s.commits)
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
	if err := s.Seal(); err != nil {
		s.BackgroundError(err)
		return
	}
	s.sealed = true
}

// Metrics reads sizes and counters.
func (s *Store) Metrics() Metrics {
	disk := s.DiskBytes()
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
	return errors.Join(s.DB.Close(), s.Witness(s.commits))
}
