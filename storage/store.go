package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	stdlog "log"
	"os"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Space is a key space of the store: a kind of content, or one operator's state. Space 0 is the store's own.
type Space uint32

// spaceBytes is the length of a space in front of a key.
const spaceBytes = 4

// pebbleFormat is pinned; see replication/log for what older formats do to corrupted files.
const pebbleFormat = pebble.FormatValueSeparation

// StoreOptions configures a Store. The zero value is right for production.
type StoreOptions struct {
	// CacheBytes bounds pebble's cache of state blocks. Default 32 MiB.
	CacheBytes int64

	// SegmentCacheBytes bounds the cache of segment blocks. Default 128 MiB.
	SegmentCacheBytes int64

	// Fatal is called when the commit point itself could not be written; it must not return. Default: report on stderr
	// and exit. What is on the disk then is the old checkpoint or the new one, and the next start finds out.
	Fatal func(err error)

	// OnBackgroundError hears of failed compactions and of corruption that anything has met. It must not block nor call the store.
	OnBackgroundError func(err error)
}

// Store holds one checkpoint at a time: key-value spaces in a pebble instance, segment files beside it, and a manifest
// that says what belongs to it. Nothing but CheckpointWriter.Commit changes what it holds.
//
// All methods may be called from anywhere at any time, a CheckpointWriter by one goroutine at a time.
type Store struct {
	dir  *Dir
	fs   vfs.FS
	db   *pebble.DB
	opts StoreOptions

	cache *BlockCache

	mu          sync.Mutex
	manifest    *Manifest // Nil before the first checkpoint. Replaced, never changed. Guarded by mu, as are all below.
	segments    map[uint64]*segmentState
	nextSegment uint64 // Invariant: above every id in segments and in the manifest.
	writing     bool   // A CheckpointWriter is open.
	pendingNo   uint64 // Names files in the pending directory.
	closed      bool
}

// segmentState says who needs a segment file. It is removed when nobody does.
type segmentState struct {
	committed bool     // The manifest names it.
	created   bool     // Its creator has not released it.
	naming    bool     // A manifest that names it is being committed.
	readers   int      // How many have opened it.
	open      *Segment // Shared by them; nil if readers == 0.
}

var manifestKey = stateKey(0, []byte("manifest"))

// OpenStore opens the checkpoint store of a data directory, or creates it in a new one. It removes what an unfinished
// checkpoint left, and refuses (ErrCorrupt) to open without a file that the manifest names.
func OpenStore(dir *Dir, opts StoreOptions) (*Store, error) {
	if opts.CacheBytes == 0 {
		opts.CacheBytes = 32 << 20
	}
	if opts.SegmentCacheBytes == 0 {
		opts.SegmentCacheBytes = 128 << 20
	}
	s := &Store{
		dir: dir, fs: dir.FS(), opts: opts,
		cache: NewBlockCache(opts.SegmentCacheBytes), segments: make(map[uint64]*segmentState), nextSegment: 1,
	}
	if err := s.checkWitness(); err != nil {
		return nil, err
	}
	db, err := pebble.Open(dir.StatePath(), s.pebbleOptions())
	if err != nil {
		return nil, fmt.Errorf("open state in %s: %w", dir.StatePath(), markCorruption(err))
	}
	s.db = db
	if err := s.load(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *Store) pebbleOptions() *pebble.Options {
	o := &pebble.Options{
		FS:                         s.fs,
		FormatMajorVersion:         pebbleFormat,
		ErrorIfNotExists:           s.dir.Initialized(),
		DisableWAL:                 true, // Nothing is ever written but by ingestion, which syncs.
		CacheSize:                  s.opts.CacheBytes,
		CompactionConcurrencyRange: func() (int, int) { return 1, 1 },
		Logger:                     storeLogger{s},
		EventListener: &pebble.EventListener{
			BackgroundError: s.backgroundError,
			// Pebble's default is to end the process. The read that met it gets the error, that is enough: what does not
			// need these bytes goes on.
			DataCorruption: func(info pebble.DataCorruptionInfo) { s.backgroundError(info.Details) },
		},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return o
}

// load reads the manifest, checks that what it names is there and removes what it does not name.
func (s *Store) load() error {
	m, err := s.readManifest(s.db)
	if err != nil {
		return err
	}
	if m != nil {
		s.manifest, s.nextSegment = m, m.nextSegment
		for _, ref := range m.Segments {
			s.segments[ref.ID] = &segmentState{committed: true}
		}
	}
	if err := s.checkSegments(); err != nil {
		return err
	}
	return s.clearPending()
}

// readManifest reads the current checkpoint's manifest; nil if there is none.
func (s *Store) readManifest(db *pebble.DB) (*Manifest, error) {
	value, closer, err := db.Get(manifestKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read manifest in %s: %w", s.dir.StatePath(), markCorruption(err))
	}
	m, err := decodeManifest(s.dir.StatePath(), value)
	return m, errors.Join(err, closer.Close())
}

// checkSegments compares the segment files with the manifest.
func (s *Store) checkSegments() error {
	if s.manifest != nil {
		for _, ref := range s.manifest.Segments {
			if err := s.checkSegment(ref); err != nil {
				return err
			}
		}
	}
	names, err := s.fs.List(s.dir.SegmentsPath())
	if err != nil {
		return err
	}
	for _, name := range names {
		var id uint64
		if _, err := fmt.Sscanf(name, "%d.seg", &id); err == nil && s.segments[id] != nil {
			continue
		}
		if err := s.fs.Remove(s.fs.PathJoin(s.dir.SegmentsPath(), name)); err != nil {
			return fmt.Errorf("remove unused segment: %w", err)
		}
	}
	return nil
}

// checkSegment checks that a file is there in full. Its content is verified as it is read.
func (s *Store) checkSegment(ref SegmentRef) error {
	path := s.segmentPath(ref.ID)
	info, err := s.fs.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return corruptf(path, "file is missing, the manifest names it")
	}
	if err != nil {
		return err
	}
	if info.Size() != ref.Bytes {
		return corruptf(path, "file has %d bytes, the manifest says %d", info.Size(), ref.Bytes)
	}
	return nil
}

// clearPending removes files of checkpoints that were not committed.
func (s *Store) clearPending() error {
	names, err := s.fs.List(s.dir.pendingPath())
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.fs.Remove(s.fs.PathJoin(s.dir.pendingPath(), name)); err != nil {
			return fmt.Errorf("remove unfinished checkpoint: %w", err)
		}
	}
	return nil
}

// Manifest is the current checkpoint's; nil before the first. It must not be changed.
func (s *Store) Manifest() *Manifest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.manifest
}

// Get returns a copy of a value of the current checkpoint, or ErrNotFound.
func (s *Store) Get(space Space, key []byte) ([]byte, error) {
	value, closer, err := s.db.Get(stateKey(space, key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, s.readError(space, err)
	}
	value = bytes.Clone(value)
	if value == nil {
		value = []byte{}
	}
	return value, closer.Close()
}

// GetSorted looks up ascending keys in one pass, which costs a fraction of as many Gets, and calls fn with the position of
// each key that is there. The value is valid during the call. Fn's first error ends it.
func (s *Store) GetSorted(space Space, keys [][]byte, fn func(i int, value []byte) error) (err error) {
	it, err := s.iter(space, nil, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.readError(space, it.Close())) }()
	var full []byte
	for i, key := range keys {
		full = appendStateKey(full[:0], space, key)
		if !it.SeekGE(full) {
			return nil // Past the last key, or an error that Close reports.
		}
		if !bytes.Equal(it.Key(), full) {
			continue
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return s.readError(space, err)
		}
		if err := fn(i, value); err != nil {
			return err
		}
	}
	return nil
}

// Scan calls fn for the keys of a space in [lo, hi), in order, as of the checkpoint that is current when it begins. Nil
// bounds are open. Key and value are valid during the call. Fn's first error ends it.
func (s *Store) Scan(space Space, lo, hi []byte, fn func(key, value []byte) error) (err error) {
	it, err := s.iter(space, lo, hi)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.readError(space, it.Close())) }()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return s.readError(space, err)
		}
		if err := fn(it.Key()[spaceBytes:], value); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) iter(space Space, lo, hi []byte) (*pebble.Iterator, error) {
	upper := stateKey(space, hi)
	if hi == nil {
		upper = spaceEnd(space)
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: stateKey(space, lo), UpperBound: upper})
	return it, s.readError(space, err)
}

func (s *Store) readError(space Space, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read space %d of state in %s: %w", space, s.dir.StatePath(), markCorruption(err))
}

// SegmentCache is the cache that the store's segments share.
func (s *Store) SegmentCache() *BlockCache { return s.cache }

// DiskBytes is the size of the state and of the committed segments.
func (s *Store) DiskBytes() (state, segments int64) {
	state = int64(s.db.Metrics().DiskSpaceUsage())
	if m := s.Manifest(); m != nil {
		for _, ref := range m.Segments {
			segments += ref.Bytes
		}
	}
	return state, segments
}

// Admit says whether the background may write n more bytes: see Guard.Admit.
func (s *Store) Admit(n int64) error { return s.dir.guard.Admit(n) }

// Close closes the store and the segments that are still open. Checkpoint writers are closed by then; what is on disk is
// the last checkpoint. Segments that are closed or released later change nothing any more: their files may be another's.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	var errs error
	for _, st := range s.segments {
		if st.open != nil {
			errs = errors.Join(errs, st.open.closeFile())
			st.open = nil
		}
	}
	s.mu.Unlock()
	return errors.Join(errs, s.db.Close())
}

func (s *Store) backgroundError(err error) {
	if s.opts.OnBackgroundError != nil {
		s.opts.OnBackgroundError(markCorruption(err))
	}
}

func (s *Store) fatal(err error) {
	err = fmt.Errorf("state in %s: %w", s.dir.StatePath(), err)
	if s.opts.Fatal != nil {
		s.opts.Fatal(err)
		panic(err) // Fatal must not return.
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// storeLogger keeps pebble's chatter away and routes its last words.
type storeLogger struct{ s *Store }

var _ pebble.Logger = storeLogger{}

// Infof drops the message.
func (l storeLogger) Infof(string, ...any) {}

// Errorf writes to the standard logger.
func (l storeLogger) Errorf(format string, args ...any) { stdlog.Printf(format, args...) }

// Fatalf does not return.
func (l storeLogger) Fatalf(format string, args ...any) { l.s.fatal(fmt.Errorf(format, args...)) }

// stateKey is the key in pebble: the space, big endian so that spaces sort by number, and the key.
func stateKey(space Space, key []byte) []byte {
	return appendStateKey(make([]byte, 0, spaceBytes+len(key)), space, key)
}

func appendStateKey(dst []byte, space Space, key []byte) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(space)), key...)
}

// spaceEnd is above every key of the space and not above any of the next.
func spaceEnd(space Space) []byte {
	if space == 1<<32-1 {
		return bytes.Repeat([]byte{0xff}, spaceBytes+1) // Keys of the last space must not begin so: spaces count up from 1.
	}
	return stateKey(space+1, nil)
}
