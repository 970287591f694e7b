package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A segment file is immutable: blocks in key order, named sections, an index over the blocks, a table of the sections,
// and a footer that finds the last two.
//
//	┌────────────┬─────────┬─────────┬───┬──────────┬──────────┬───┬───────┬───────┬────────┐
//	│ header  16 │ block 0 │ block 1 │ … │ section  │ section  │ … │ index │ table │ footer │
//	└────────────┴─────────┴─────────┴───┴──────────┴──────────┴───┴───────┴───────┴────────┘
//
//	header   magic 8 │ version uint32 │ zero uint32
//	block,   a frame (see appendFrame) of opaque bytes: compressed, checksummed with its offset
//	section
//	index    a frame: count uvarint; then per block
//	           first key (uvarint length, bytes) │ rows uvarint │ size of the frame uvarint
//	         Blocks lie one behind the other from byte 16 on, so their offsets need no storing.
//	table    a frame: last key │ rows uvarint │ count uvarint; then per section
//	           name │ offset uvarint │ size of the frame uvarint
//	footer   index offset uint64 │ index size uint32 │ table offset uint64 │ table size uint32 │
//	         version uint32 │ CRC-32C of the 28 bytes before │ magic 8
//
// What a block, a section and a key mean is the writer's affair. First keys do not decrease; equal ones are allowed, a
// key may go on in the next block.

const (
	segmentVersion    = 1
	segmentHeaderSize = 16
	segmentFooterSize = 8 + 4 + 8 + 4 + 4 + 4 + 8
)

var (
	segmentMagic  = [8]byte{'s', 'd', 'b', 's', 'e', 'g', '\r', '\n'}
	segmentFooter = [8]byte{'g', 'e', 's', 'b', 'd', 's', '\r', '\n'}
)

// BlockInfo is what the index says of a block.
type BlockInfo struct {
	// FirstKey is the least key in the block. It must not be changed.
	FirstKey []byte
	// Rows is the number the writer gave.
	Rows int
	// Bytes is the size in the file.
	Bytes int

	offset int64
}

// SegmentMeta describes a finished segment.
type SegmentMeta struct {
	// ID names the segment in a Store; 0 for files outside one.
	ID uint64
	// Bytes is the size of the file.
	Bytes int64
	// Blocks is the number of blocks, Rows the sum of their rows.
	Blocks int
	Rows   int64
	// FirstKey and LastKey bound the keys. LastKey is nil if the writer gave none.
	FirstKey, LastKey []byte
}

// section is an entry of the table.
type section struct {
	name   string
	offset int64
	bytes  int
}

// appendIndex encodes the block index.
func appendIndex(dst []byte, blocks []BlockInfo) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(blocks)))
	for i := range blocks {
		dst = appendBytes(dst, blocks[i].FirstKey)
		dst = binary.AppendUvarint(dst, uint64(blocks[i].Rows))
		dst = binary.AppendUvarint(dst, uint64(blocks[i].Bytes))
	}
	return dst
}

// decodeIndex undoes appendIndex. End is where the blocks must end at the latest. Keys alias b.
func decodeIndex(b []byte, end int64) ([]BlockInfo, error) {
	r := reader{b: b}
	n := r.count(3)
	blocks := make([]BlockInfo, n)
	offset := int64(segmentHeaderSize)
	for i := range blocks {
		blocks[i] = BlockInfo{FirstKey: r.bytes(), Rows: r.int(), Bytes: r.int(), offset: offset}
		if offset += int64(blocks[i].Bytes); offset > end {
			return nil, fmt.Errorf("block %d ends at %d, the index is at %d", i, offset, end)
		}
	}
	return blocks, r.close()
}

// appendTable encodes the last key, the rows and the sections.
func appendTable(dst []byte, meta *SegmentMeta, sections []section) []byte {
	dst = append(dst, boolByte(meta.LastKey != nil))
	dst = appendBytes(dst, meta.LastKey)
	dst = binary.AppendUvarint(dst, uint64(meta.Rows))
	dst = binary.AppendUvarint(dst, uint64(len(sections)))
	for _, s := range sections {
		dst = appendBytes(dst, []byte(s.name))
		dst = binary.AppendUvarint(dst, uint64(s.offset))
		dst = binary.AppendUvarint(dst, uint64(s.bytes))
	}
	return dst
}

// decodeTable undoes appendTable.
func decodeTable(b []byte, end int64) (lastKey []byte, rows int64, sections []section, err error) {
	r := reader{b: b}
	has := r.byte()
	lastKey = r.bytes()
	if has == 0 {
		lastKey = nil
	}
	rows = int64(r.int())
	sections = make([]section, r.count(3))
	for i := range sections {
		sections[i] = section{name: string(r.bytes()), offset: int64(r.int()), bytes: r.int()}
		if s := sections[i]; s.offset > end || int64(s.bytes) > end-s.offset {
			return nil, 0, nil, fmt.Errorf("section %q lies at %d+%d, the index is at %d", s.name, s.offset, s.bytes, end)
		}
	}
	return lastKey, rows, sections, r.close()
}

// footer is the end of a segment file, decoded.
type footer struct {
	indexOffset, tableOffset int64
	indexBytes, tableBytes   int
}

func (f footer) append(dst []byte) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(f.indexOffset))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(f.indexBytes))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(f.tableOffset))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(f.tableBytes))
	dst = binary.LittleEndian.AppendUint32(dst, segmentVersion)
	dst = binary.LittleEndian.AppendUint32(dst, frameChecksum(0, dst[start:]))
	return append(dst, segmentFooter[:]...)
}

// decodeFooter reads the footer of a file of the given size.
func decodeFooter(b []byte, size int64) (f footer, err error) {
	if len(b) != segmentFooterSize || [8]byte(b[32:]) != segmentFooter {
		return f, errors.New("no footer: not a segment, or cut short")
	}
	if frameChecksum(0, b[:28]) != binary.LittleEndian.Uint32(b[28:]) {
		return f, errors.New("footer does not verify")
	}
	if v := binary.LittleEndian.Uint32(b[24:]); v != segmentVersion {
		return f, fmt.Errorf("%w: segment version %d", ErrVersion, v)
	}
	f.indexOffset = int64(binary.LittleEndian.Uint64(b))
	f.indexBytes = int(binary.LittleEndian.Uint32(b[8:]))
	f.tableOffset = int64(binary.LittleEndian.Uint64(b[12:]))
	f.tableBytes = int(binary.LittleEndian.Uint32(b[20:]))
	end := size - segmentFooterSize
	if f.indexOffset < segmentHeaderSize || f.indexOffset > end || f.tableOffset != f.indexOffset+int64(f.indexBytes) ||
		f.tableOffset+int64(f.tableBytes) != end {
		return f, errors.New("footer points outside the file")
	}
	return f, nil
}

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// reader takes apart what the append functions put together. After its first error it yields zeroes.
type reader struct {
	b   []byte
	err error
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("malformed number")
		return 0
	}
	r.b = r.b[n:]
	return v
}

// int reads a uvarint that must be sensible as a size or an offset.
func (r *reader) int() int {
	v := r.uvarint()
	if v > 1<<48 {
		r.fail("number out of range")
		return 0
	}
	return int(v)
}

// count reads the number of elements that follow, each of at least size bytes: no allocation beyond the input's size.
func (r *reader) count(size int) int {
	n := r.int()
	if n > len(r.b)/size {
		r.fail("more elements than bytes")
		return 0
	}
	return n
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail("cut short")
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

// bytes reads a length and as many bytes; the result aliases the input and is never nil.
func (r *reader) bytes() []byte {
	n := r.int()
	if n > len(r.b) {
		r.fail("cut short")
		n = 0
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	if v == nil {
		v = []byte{}
	}
	return v
}

func (r *reader) fail(text string) {
	if r.err == nil {
		r.err = errors.New(text)
	}
	r.b = nil
}

// close returns the first error; bytes left over are one.
func (r *reader) close() error {
	if r.err == nil && len(r.b) > 0 {
		return fmt.Errorf("%d bytes too many", len(r.b))
	}
	return r.err
}
