package storage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sort"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Segment reads a segment file. It is safe for concurrent use; what it returns is shared and must not be changed.
type Segment struct {
	path     string
	file     vfs.File
	cache    *BlockCache
	cacheID  uint64 // Names this file in the cache.
	meta     SegmentMeta
	blocks   []BlockInfo
	sections []section

	release func(*Segment) error // The Store's; nil for a file outside one.
}

// segmentIDs numbers opened files for caches, so that a cache never confuses two files of the same path.
var segmentIDs atomic.Uint64

// OpenSegment opens a file that NewSegmentWriter has made: it reads footer, index and table, and no block. The cache may
// be nil.
func OpenSegment(fs vfs.FS, path string, cache *BlockCache) (*Segment, error) {
	f, err := fs.Open(path, vfs.RandomReadsOption)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = corruptf(path, "file is missing")
		}
		return nil, fmt.Errorf("open segment: %w", err)
	}
	s := &Segment{path: path, file: f, cache: cache, cacheID: segmentIDs.Add(1)}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

func (s *Segment) load() error {
	info, err := s.file.Stat()
	if err != nil {
		return fmt.Errorf("open segment %s: %w", s.path, err)
	}
	size := info.Size()
	if size < segmentHeaderSize+segmentFooterSize {
		return corruptf(s.path, "%d bytes are too few", size)
	}
	head, err := s.read(0, segmentHeaderSize)
	if err != nil {
		return err
	}
	if [8]byte(head) != segmentMagic || head[8] != segmentVersion || [7]byte(head[9:]) != [7]byte{} {
		return corruptf(s.path, "no segment header")
	}
	tail, err := s.read(size-segmentFooterSize, segmentFooterSize)
	if err != nil {
		return err
	}
	foot, err := decodeFooter(tail, size)
	if errors.Is(err, ErrVersion) {
		return fmt.Errorf("open segment %s: %w", s.path, err)
	} else if err != nil {
		return corruptf(s.path, "%v", err)
	}
	index, err := s.frame(foot.indexOffset, foot.indexBytes)
	if err != nil {
		return err
	}
	table, err := s.frame(foot.tableOffset, foot.tableBytes)
	if err != nil {
		return err
	}
	if s.blocks, err = decodeIndex(index, foot.indexOffset); err != nil {
		return corruptf(s.path, "index: %v", err)
	}
	s.meta = SegmentMeta{Bytes: size, Blocks: len(s.blocks)}
	if s.meta.LastKey, s.meta.Rows, s.sections, err = decodeTable(table, foot.indexOffset); err != nil {
		return corruptf(s.path, "table: %v", err)
	}
	if len(s.blocks) > 0 {
		s.meta.FirstKey = s.blocks[0].FirstKey
	}
	return nil
}

// read reads n bytes at offset.
func (s *Segment) read(offset int64, n int) ([]byte, error) {
	b := make([]byte, n)
	if got, err := s.file.ReadAt(b, offset); err != nil && got < n {
		return nil, fmt.Errorf("read segment %s at %d: %w", s.path, offset, err)
	}
	return b, nil
}

// frame reads and verifies a frame.
func (s *Segment) frame(offset int64, n int) ([]byte, error) {
	b, err := s.read(offset, n)
	if err != nil {
		return nil, err
	}
	raw, err := decodeFrame(offset, b)
	if err != nil {
		return nil, corruptf(s.path, "%v", err)
	}
	return raw, nil
}

// Meta describes the segment.
func (s *Segment) Meta() SegmentMeta { return s.meta }

// Path is the file.
func (s *Segment) Path() string { return s.path }

// Blocks is the block index, in key order. It must not be changed.
func (s *Segment) Blocks() []BlockInfo { return s.blocks }

// Block reads block i, from the cache if it is there. The bytes stay valid for as long as they are referred to.
func (s *Segment) Block(i int) ([]byte, error) {
	if b := s.cache.get(blockKey{s.cacheID, i}); b != nil {
		return b, nil
	}
	info := &s.blocks[i]
	b, err := s.frame(info.offset, info.Bytes)
	if err != nil {
		return nil, fmt.Errorf("block %d: %w", i, err)
	}
	s.cache.put(blockKey{s.cacheID, i}, b)
	return b, nil
}

// BlockUncached reads block i without leaving it in the cache: for merges and scans that pass once.
func (s *Segment) BlockUncached(i int) ([]byte, error) {
	if b := s.cache.get(blockKey{s.cacheID, i}); b != nil {
		return b, nil
	}
	info := &s.blocks[i]
	b, err := s.frame(info.offset, info.Bytes)
	if err != nil {
		return nil, fmt.Errorf("block %d: %w", i, err)
	}
	return b, nil
}

// Seek returns the first block that may contain a key >= key: the last one that begins below key, if there is one, else
// block 0. It returns len(Blocks()) only for a segment without blocks.
func (s *Segment) Seek(key []byte) int {
	// Blocks may begin with equal keys; the one before the first of them may end with that key, too.
	i := sort.Search(len(s.blocks), func(i int) bool { return bytes.Compare(s.blocks[i].FirstKey, key) >= 0 })
	return max(i-1, 0)
}

// Section reads a named section; nil if there is none of that name. Sections are not cached.
func (s *Segment) Section(name string) ([]byte, error) {
	for i := range s.sections {
		if s.sections[i].name == name {
			b, err := s.frame(s.sections[i].offset, s.sections[i].bytes)
			if err != nil {
				return nil, fmt.Errorf("section %q: %w", name, err)
			}
			return b, nil
		}
	}
	return nil, nil
}

// Close gives the segment back: its file is closed with the last of those that opened it, and removed if no checkpoint
// refers to it. Nothing may be read through it afterwards.
func (s *Segment) Close() error {
	if s.release != nil {
		return s.release(s)
	}
	return s.closeFile()
}

func (s *Segment) closeFile() error {
	s.cache.drop(s.cacheID, len(s.blocks))
	return s.file.Close()
}
