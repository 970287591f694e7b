package format

import (
	"encoding/binary"
	"slices"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// BinaryDecoder reads COPY data in binary format; BinaryEncoder describes it. A row
// counts as a line. It is never lenient: behind a broken row no other can be found.
type BinaryDecoder struct {
	spec Spec

	buf []byte // input not yet cut: buf[pos:]
	pos int

	header   bool // the header has been read
	skip     int  // bytes of the header's extension still to come
	line     int64
	consumed int64
	ended    bool // the trailer was seen

	b   block
	out *chunk.Chunk
}

var _ Decoder = (*BinaryDecoder)(nil)

// NewBinaryDecoder returns a decoder.
func NewBinaryDecoder(spec Spec) *BinaryDecoder {
	d := &BinaryDecoder{spec: spec}
	d.b.width = len(spec.Schema)
	return d
}

// Rows returns the number of rows read and not yet taken.
func (d *BinaryDecoder) Rows() int {
	if d.out == nil {
		return 0
	}
	return d.out.Rows
}

// Consumed returns the bytes of the rows read so far.
func (d *BinaryDecoder) Consumed() int64 { return d.consumed }

// Lines returns how many rows have been read so far.
func (d *BinaryDecoder) Lines() int64 { return d.line }

// Take hands over the rows read so far.
func (d *BinaryDecoder) Take() (*chunk.Chunk, []BadLine) {
	c := d.out
	d.out = nil
	return c, nil
}

// Feed reads the complete rows of what has been fed.
func (d *BinaryDecoder) Feed(p []byte) error {
	if d.pos > 0 {
		d.buf = slices.Delete(d.buf, 0, d.pos)
		d.pos = 0
	}
	d.buf = append(d.buf, p...)
	if ok, err := d.readHeader(); !ok || err != nil {
		return err
	}
	for {
		ok, err := d.cutRow()
		if err != nil {
			if e := d.readBlock(); e != nil {
				return e // an earlier row is wrong already
			}
			return err
		}
		if !ok || d.b.rows >= chunk.RowsMax || len(d.b.text) >= blockBytes {
			if err := d.readBlock(); err != nil {
				return err
			}
		}
		if !ok {
			return nil
		}
	}
}

// Finish holds that the trailer came.
func (d *BinaryDecoder) Finish() error {
	switch {
	case d.ended:
		return nil
	case !d.header:
		return sqlerr.New(sqlerr.BadCopyFileFormat, "COPY file signature not recognized")
	case d.pos == len(d.buf) && d.skip == 0:
		return nil // PostgreSQL takes the end of the data for the trailer
	}
	return d.broken("unexpected EOF in COPY data")
}

// readHeader reads the header, and reports whether it is complete.
func (d *BinaryDecoder) readHeader() (bool, error) {
	if !d.header {
		if len(d.buf) < len(binaryHeader) {
			return false, nil
		}
		if string(d.buf[:binarySignature]) != binaryHeader[:binarySignature] {
			return false, sqlerr.New(sqlerr.BadCopyFileFormat, "COPY file signature not recognized")
		}
		flags := binary.BigEndian.Uint32(d.buf[binarySignature:])
		if flags&(1<<16) != 0 {
			return false, sqlerr.New(sqlerr.BadCopyFileFormat, "invalid COPY file header (WITH OIDS)")
		}
		if flags>>16 != 0 {
			return false, sqlerr.New(sqlerr.BadCopyFileFormat, "unrecognized critical flags in COPY file header")
		}
		n := int32(binary.BigEndian.Uint32(d.buf[binarySignature+4:]))
		if n < 0 {
			return false, sqlerr.New(sqlerr.BadCopyFileFormat, "invalid COPY file header (missing length)")
		}
		d.header, d.skip = true, int(n)
		d.advance(len(binaryHeader))
	}
	n := min(d.skip, len(d.buf)-d.pos)
	d.skip -= n
	d.advance(n)
	return d.skip == 0, nil
}

func (d *BinaryDecoder) advance(n int) {
	d.pos += n
	d.consumed += int64(n)
}

// cutRow cuts the next row into fields if it is there whole.
func (d *BinaryDecoder) cutRow() (bool, error) {
	in := d.buf[d.pos:]
	if d.ended {
		if len(in) > 0 {
			return false, d.broken("received copy data after EOF marker")
		}
		return false, nil
	}
	if len(in) < 2 {
		return false, nil
	}
	n := int(int16(binary.BigEndian.Uint16(in)))
	if n == -1 {
		d.ended = true
		d.advance(2)
		return d.cutRow()
	}
	if n != d.b.width {
		d.line++
		return false, d.broken("row field count is %d, expected %d", n, d.b.width)
	}
	off, text, spans := 2, len(d.b.text), len(d.b.spans)
	for j := range n {
		size, ok, err := d.fieldSize(in, off, j)
		if err != nil || !ok {
			d.b.text, d.b.spans = d.b.text[:text], d.b.spans[:spans]
			return false, err
		}
		off += 4
		if size < 0 {
			d.b.spans = append(d.b.spans, nullSpan)
			continue
		}
		d.b.spans = append(d.b.spans, span{off: uint32(len(d.b.text)), n: int32(size)})
		d.b.text = append(d.b.text, in[off:off+size]...)
		off += size
	}
	d.line++
	d.b.rows++
	d.b.lines = append(d.b.lines, d.line)
	d.advance(off)
	return true, nil
}

// fieldSize reads the length before field j, which stands at off; ok says that the
// field is there whole.
func (d *BinaryDecoder) fieldSize(in []byte, off, j int) (size int, ok bool, err error) {
	if len(in)-off < 4 {
		return 0, false, nil
	}
	size = int(int32(binary.BigEndian.Uint32(in[off:])))
	switch {
	case size == -1:
		return size, true, nil
	case size < 0:
		d.line++
		return 0, false, d.brokenIn(j, "invalid field size")
	case size > lineBytesMax:
		return 0, false, errLineTooLong()
	}
	return size, len(in)-off-4 >= size, nil
}

// readBlock reads the fields cut so far into the chunk.
func (d *BinaryDecoder) readBlock() error {
	if d.b.rows == 0 {
		return nil
	}
	if d.out == nil {
		d.out = chunk.New(d.spec.Schema, d.b.rows)
	}
	for j, col := range d.out.Cols {
		d.b.readBinary(col, j)
	}
	d.out.Rows += d.b.rows
	defer d.b.reset()
	f := d.b.firstError()
	if f == nil {
		return nil
	}
	e := *sqlerr.As(f.err)
	return e.WithWhere("COPY %s, line %d, column %s", d.spec.Relation, d.b.lines[f.row], d.spec.Columns[f.col])
}

func (d *BinaryDecoder) broken(message string, args ...any) error {
	return sqlerr.New(sqlerr.BadCopyFileFormat, message, args...).WithWhere("COPY %s, line %d", d.spec.Relation, d.line)
}

func (d *BinaryDecoder) brokenIn(j int, message string) error {
	return sqlerr.New(sqlerr.BadCopyFileFormat, "%s", message).
		WithWhere("COPY %s, line %d, column %s", d.spec.Relation, d.line, d.spec.Columns[j])
}

// readBinary reads column j of every row of the block in binary format and appends it
// to col. A value that cannot be read is noted in b.errs and its row filled.
func (b *block) readBinary(col *chunk.Column, j int) {
	n, t := col.Len(), col.Type
	if t.Class() != types.ClassBytes {
		col.Resize(n + b.rows)
	}
	switch t.Class() {
	case types.ClassBool:
		readBinaryFixed(b, col, j, n, col.Bools, func(s []byte) (bool, error) {
			v, err := types.ParseBinary(t, s)
			return v.I != 0, err
		})
	case types.ClassInt:
		readBinaryFixed(b, col, j, n, col.Ints, func(s []byte) (int64, error) { return types.ParseBinaryInt(t, s) })
	case types.ClassFloat:
		readBinaryFixed(b, col, j, n, col.Floats, func(s []byte) (float64, error) { return types.ParseBinaryFloat(t.Kind, s) })
	case types.ClassNumeric:
		b.readBinaryNumerics(col, j, n)
	case types.ClassInterval:
		readBinaryFixed(b, col, j, n, col.Ivls, func(s []byte) (types.Interval, error) {
			v, err := types.ParseBinary(t, s)
			return v.V, err
		})
	case types.ClassUUID:
		readBinaryFixed(b, col, j, n, col.UUIDs, func(s []byte) ([16]byte, error) {
			v, err := types.ParseBinary(t, s)
			return v.U, err
		})
	default:
		b.readBinaryVarlen(col, j, n)
	}
	if col.Nulls != nil {
		col.Nulls = col.Nulls.Grow(n + b.rows)
	}
}

// readBinaryFixed reads values of fixed width into dst[n:].
func readBinaryFixed[T any](b *block, col *chunk.Column, j, n int, dst []T, parse func([]byte) (T, error)) {
	for i := range b.rows {
		s := b.spans[i*b.width+j]
		if s.n < 0 {
			setNull(col, n+i, b.rows-i)
			continue
		}
		v, err := parse(b.text[s.off : s.off+uint32(s.n)])
		if err != nil {
			b.errs = append(b.errs, fieldError{row: i, col: j, err: err})
			continue
		}
		dst[n+i] = v
	}
}

func (b *block) readBinaryNumerics(col *chunk.Column, j, n int) {
	for i := range b.rows {
		s := b.spans[i*b.width+j]
		if s.n < 0 {
			setNull(col, n+i, b.rows-i)
			continue
		}
		d, err := types.ParseBinaryDec(b.text[s.off:s.off+uint32(s.n)], col.Type.Typmod)
		if err != nil {
			b.errs = append(b.errs, fieldError{row: i, col: j, err: err})
			continue
		}
		col.SetDec(n+i, d)
	}
}

func (b *block) readBinaryVarlen(col *chunk.Column, j, n int) {
	for i := range b.rows {
		s := b.spans[i*b.width+j]
		if s.n < 0 {
			col.Views = append(col.Views, chunk.View{})
			setNull(col, n+i, b.rows-i)
			continue
		}
		off := len(col.Bytes)
		buf, err := types.ParseBinaryVarlen(col.Bytes, col.Type, b.text[s.off:s.off+uint32(s.n)])
		if err != nil {
			b.errs = append(b.errs, fieldError{row: i, col: j, err: err})
			buf = col.Bytes
		}
		col.Bytes = buf
		col.Views = append(col.Views, chunk.View{Off: uint32(off), Len: uint32(len(col.Bytes) - off)})
	}
}
