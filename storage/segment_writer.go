package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// SegmentOptions configures a SegmentWriter. The zero value compresses with S2.
type SegmentOptions struct {
	// Codec compresses blocks and sections; one that a codec does not shrink is stored as it is. Default CodecS2.
	Codec Codec
	// Uncompressed stores everything as it is, whatever Codec says.
	Uncompressed bool
}

// writeBufferBytes is how much is gathered before a write: large enough that the system call does not count.
const writeBufferBytes = 256 << 10

// SegmentWriter writes one segment file. Add the blocks in key order, then the sections, then Finish; or Abort at any
// time. After an error only Abort makes sense. It is used by one goroutine.
type SegmentWriter struct {
	fs    vfs.FS
	path  string
	file  vfs.File
	codec Codec

	buf      []byte // Written to the file at offset-len(buf).
	offset   int64  // Where the next byte of the file goes.
	meta     SegmentMeta
	blocks   []BlockInfo
	sections []section

	onAbort func() // The Store's, for segments of one.
}

// NewSegmentWriter creates the file at path.
func NewSegmentWriter(fs vfs.FS, path string, opts SegmentOptions) (*SegmentWriter, error) {
	f, err := fs.Create(path, writeCategory)
	if err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	w := &SegmentWriter{fs: fs, path: path, file: f, codec: opts.Codec, buf: make([]byte, 0, 2*writeBufferBytes)}
	if w.codec == CodecNone {
		w.codec = CodecS2
	}
	if opts.Uncompressed {
		w.codec = CodecNone
	}
	w.buf = append(w.buf, segmentMagic[:]...)
	w.buf = binary.LittleEndian.AppendUint32(w.buf, segmentVersion)
	w.buf = append(w.buf, 0, 0, 0, 0)
	w.offset = segmentHeaderSize
	return w, nil
}

// AddBlock appends a block of the given number of rows. FirstKey is its least key and not below the previous block's;
// both slices are copied.
func (w *SegmentWriter) AddBlock(firstKey []byte, rows int, payload []byte) error {
	if len(w.sections) > 0 {
		return errors.New("segment: block after a section")
	}
	if n := len(w.blocks); n > 0 && bytes.Compare(firstKey, w.blocks[n-1].FirstKey) < 0 {
		return fmt.Errorf("segment: block %d begins before block %d", n, n-1)
	}
	if rows < 0 {
		return fmt.Errorf("segment: block of %d rows", rows)
	}
	at := w.offset
	n, err := w.frame(w.codec, payload)
	if err != nil {
		return err
	}
	w.blocks = append(w.blocks, BlockInfo{FirstKey: slices.Clone(firstKey), Rows: rows, Bytes: n, offset: at})
	w.meta.Rows += int64(rows)
	return nil
}

// SetLastKey notes the greatest key of the segment, for readers that look for overlaps. It is copied.
func (w *SegmentWriter) SetLastKey(key []byte) { w.meta.LastKey = append([]byte{}, key...) }

// AddSection appends a named section; names are unique. The payload is copied.
func (w *SegmentWriter) AddSection(name string, payload []byte) error {
	for i := range w.sections {
		if w.sections[i].name == name {
			return fmt.Errorf("segment: section %q twice", name)
		}
	}
	at := w.offset
	n, err := w.frame(w.codec, payload)
	w.sections = append(w.sections, section{name: name, offset: at, bytes: n})
	return err
}

// Bytes is the size of the file so far: writers cut segments by it.
func (w *SegmentWriter) Bytes() int64 { return w.offset }

// frame writes one frame and returns its size in the file.
func (w *SegmentWriter) frame(codec Codec, raw []byte) (int, error) {
	if len(raw) > MaxBlockBytes {
		return 0, fmt.Errorf("segment: block of %d bytes", len(raw))
	}
	start := len(w.buf)
	w.buf = appendFrame(w.buf, w.offset, codec, raw)
	n := len(w.buf) - start
	w.offset += int64(n)
	if len(w.buf) < writeBufferBytes {
		return n, nil
	}
	return n, w.flush()
}

func (w *SegmentWriter) flush() error {
	_, err := w.file.Write(w.buf)
	w.buf = w.buf[:0]
	if err != nil {
		return fmt.Errorf("write segment %s: %w", w.path, err)
	}
	return nil
}

// Finish completes the file. File and directory entry are durable when it returns; on an error the file is removed.
func (w *SegmentWriter) Finish() (SegmentMeta, error) {
	if err := w.finish(); err != nil {
		w.Abort()
		return SegmentMeta{}, err
	}
	w.meta.Bytes, w.meta.Blocks = w.offset, len(w.blocks)
	if len(w.blocks) > 0 {
		w.meta.FirstKey = w.blocks[0].FirstKey
	}
	return w.meta, nil
}

func (w *SegmentWriter) finish() error {
	var f footer
	var err error
	f.indexOffset = w.offset
	if f.indexBytes, err = w.frame(w.codec, appendIndex(nil, w.blocks)); err != nil {
		return err
	}
	f.tableOffset = w.offset
	if f.tableBytes, err = w.frame(CodecNone, appendTable(nil, &w.meta, w.sections)); err != nil {
		return err
	}
	w.buf = f.append(w.buf)
	w.offset += segmentFooterSize
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync segment %s: %w", w.path, err)
	}
	file := w.file
	w.file = nil
	if err := file.Close(); err != nil {
		return fmt.Errorf("close segment %s: %w", w.path, err)
	}
	return syncDir(w.fs, w.fs.PathDir(w.path))
}

// Abort drops the file of a segment that will not be finished. After a successful Finish it must not be called; see
// Store.ReleaseSegment for segments that turned out to be of no use.
func (w *SegmentWriter) Abort() {
	if w.file != nil {
		_ = w.file.Close() // The file goes anyway.
		w.file = nil
	}
	_ = w.fs.Remove(w.path) // Garbage that stays is removed at the next start.
	if w.onAbort != nil {
		w.onAbort()
		w.onAbort = nil
	}
}
