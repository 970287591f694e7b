package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// formatVersion is the version of our keys and values in the store.
const formatVersion = 1

var (
	keyFormat = []byte("m/format") // uint32 little endian: formatVersion
	keyFirst  = []byte("m/first")  // uint64 little endian: index of the first entry stored, or next to be stored
)

// Store keeps the entries of a log in a pebble instance in a directory of its own. All methods may be called from
// anywhere at any time.
type Store struct {
	*Files

	// committing makes sure that one record at a time is on its way into the WAL: the check of the WAL builds on it.
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
	files, seen, err := OpenFiles(dir, "log", "HIGHWATER", opts)
	if err != nil {
		return nil, err
	}
	s := &Store{Files: files, first: 1}
	err = s.load()
	if err == nil && s.last < seen {
		err = corruptf("the last entry is %d, but there was one of number %d", s.last, seen)
	}
	if err == nil {
		err = s.Witness(s.last)
	}
	if err != nil {
		return nil, errors.Join(s.Errorf("open", err), s.DB.Close())
	}
	return s, nil
}

// load reads the format and the bounds of the log.
func (s *Store) load() error {
	created, err := s.CheckFormat(keyFormat, formatVersion, s.create)
	if created || err != nil {
		return err
	}
	if s.first, err = s.Uint(keyFirst); err != nil {
		return corruptf("bounds are unreadable: %v", err)
	}
	return s.loadBounds()
}

// create writes the format into an empty store.
func (s *Store) create() error {
	b := s.DB.NewBatch()
	return errors.Join(
		b.Set(keyFormat, binary.LittleEndian.AppendUint64(nil, formatVersion), nil),
		b.Set(keyFirst, binary.LittleEndian.AppendUint64(nil, 1), nil),
		b.Commit(pebble.Sync))
}

// loadBounds finds the last entry and checks that the first is where it should be.
func (s *Store) loadBounds() error {
	it, err := s.DB.NewIter(&pebble.IterOptions{LowerBound: EntryKey(0), UpperBound: EntryKeyEnd()})
	if err != nil {
		return MarkCorruption(err)
	}
	s.last = s.first - 1
	if it.First() {
		if got := IndexOf(it.Key()); got != s.first {
			err = corruptf("first entry should be %d, found %d", s.first, got)
		}
	}
	if err == nil && it.Last() {
		var value []byte
		if value, err = it.ValueAndErr(); err == nil {
			var e Entry
			if e, err = DecodeEntry(IndexOf(it.Key()), value); err == nil {
				s.last, s.lastTime = e.Index, e.Time
			}
		}
	}
	return MarkCorruption(errors.Join(err, it.Close()))
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
	b := s.DB.NewBatch()
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
		if err := b.Set(EntryKey(e.Index), s.encoded, nil); err != nil {
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
		return s.Errorf("append to", err)
	}
	s.Committed(last)
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
	if err := s.Files.Seal(); err != nil {
		return s.Errorf("seal", err)
	}
	s.sealed = true
	return nil
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

// Close closes the files. Nothing else may run; every appended entry is durable already.
func (s *Store) Close() error {
	return errors.Join(s.DB.Close(), s.Witness(s.last))
}
