package format

import (
	"encoding/binary"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// Encoder writes the rows of COPY TO in one of its formats.
type Encoder interface {
	// AppendHeader writes what stands before the first row.
	AppendHeader(dst []byte) []byte
	// AppendChunk writes the rows of c. It appends to ends where each row ends in the
	// result, so that a caller can send rows one by one.
	AppendChunk(dst []byte, c *chunk.Chunk, ends []int) ([]byte, []int, error)
	// AppendTrailer writes what stands behind the last row.
	AppendTrailer(dst []byte) []byte
}

var (
	_ Encoder = (*CopyEncoder)(nil)
	_ Encoder = (*BinaryEncoder)(nil)
)

// binaryHeader is the signature of binary COPY data, no flags and no extension.
const binaryHeader = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// binarySignature is how many bytes of the header are its signature.
const binarySignature = 11

// BinaryEncoder writes rows as COPY data in binary format: a header, then per row the
// number of fields and each field as its length, -1 for NULL, and its bytes in the
// type's binary format; the number -1 ends the data.
type BinaryEncoder struct {
	cols []texts
}

// NewBinaryEncoder returns an encoder.
func NewBinaryEncoder(spec Spec) *BinaryEncoder {
	return &BinaryEncoder{cols: make([]texts, len(spec.Schema))}
}

// AppendHeader writes the file header.
func (e *BinaryEncoder) AppendHeader(dst []byte) []byte { return append(dst, binaryHeader...) }

// AppendTrailer writes the file trailer.
func (e *BinaryEncoder) AppendTrailer(dst []byte) []byte { return append(dst, 0xff, 0xff) }

// AppendChunk writes the rows of c, each once whatever its weight.
func (e *BinaryEncoder) AppendChunk(dst []byte, c *chunk.Chunk, ends []int) ([]byte, []int, error) {
	for j, col := range c.Cols {
		if err := e.cols[j].encodeBinary(col, c.Rows); err != nil {
			return dst, ends, err
		}
	}
	for i := range c.Rows {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(e.cols)))
		for j := range e.cols {
			t := &e.cols[j]
			if t.nulls.Get(i) {
				dst = append(dst, 0xff, 0xff, 0xff, 0xff)
				continue
			}
			v := t.row(i)
			dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(v))), v...)
		}
		ends = append(ends, len(dst))
	}
	return dst, ends, nil
}

// encodeBinary writes every row of col in PostgreSQL's binary format. Rows that are
// errors give the first of them.
func (t *texts) encodeBinary(col *chunk.Column, rows int) error {
	if len(col.Errs) > 0 {
		return col.Errs[0].Err
	}
	t.buf, t.ends, t.nulls = t.buf[:0], t.ends[:0], col.Nulls
	kind := col.Type.Kind
	switch col.Type.Class() {
	case types.ClassBool:
		for _, v := range col.Bools[:rows] {
			b := byte(0)
			if v {
				b = 1
			}
			t.buf = append(t.buf, b)
			t.ends = append(t.ends, len(t.buf))
		}
	case types.ClassInt:
		for _, v := range col.Ints[:rows] {
			t.buf = types.AppendBinaryInt(t.buf, kind, v)
			t.ends = append(t.ends, len(t.buf))
		}
	case types.ClassFloat:
		for _, v := range col.Floats[:rows] {
			t.buf = types.AppendBinaryFloat(t.buf, kind, v)
			t.ends = append(t.ends, len(t.buf))
		}
	case types.ClassNumeric:
		for i, v := range col.Nums[:rows] {
			if !col.Nulls.Get(i) {
				t.buf = types.AppendBinaryDec(t.buf, types.DecOf(v, col.Bytes))
			}
			t.ends = append(t.ends, len(t.buf))
		}
	case types.ClassInterval:
		for _, v := range col.Ivls[:rows] {
			t.buf = types.AppendBinaryInterval(t.buf, v)
			t.ends = append(t.ends, len(t.buf))
		}
	case types.ClassUUID:
		for _, v := range col.UUIDs[:rows] {
			t.buf = append(t.buf, v[:]...)
			t.ends = append(t.ends, len(t.buf))
		}
	default:
		for i, v := range col.Views[:rows] {
			if !col.Nulls.Get(i) {
				t.buf = types.AppendBinaryVarlen(t.buf, col.Type, types.BytesString(col.Bytes[v.Off:v.Off+v.Len]))
			}
			t.ends = append(t.ends, len(t.buf))
		}
	}
	return nil
}
