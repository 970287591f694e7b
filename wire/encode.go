package wire

import (
	"encoding/binary"
	"strconv"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// blockRows bounds the rows that are encoded together, so that their cells stay in
// the cache until they are put into rows; blockBytes does the same for wide rows.
const (
	blockRows  = 256
	blockBytes = 1 << 20
)

// rowEncoder writes chunks as DataRow messages.
//
// A block of rows is encoded column by column, each column in one loop over its
// typed slice into a buffer of its own with the end of each cell; then the cells are
// gathered row by row:
//
//	column a: |1|22|333|        DataRow: 1, x
//	column b: |x|yy|NULL|   →   DataRow: 22, yy
//	                            DataRow: 333, NULL
//
// Columns whose bytes are sent as they are (text in either format) skip the first
// half. Buffers are kept between calls: encoding allocates nothing per row.
type rowEncoder struct {
	cols []cells
}

// cells are the encoded values of one column in a block.
type cells struct {
	// raw is the column whose views are the cells, or nil when data and ends hold
	// them. ends[i] is the end of cell i in data; a NULL is marked by its column.
	raw   *chunk.Column
	nulls chunk.Bitmap
	data  []byte
	ends  []int
}

// write sends rows of ck from at on, each as often as its weight says, but at most
// budget rows unless that is negative. It returns the place it stopped at and the
// number of rows sent.
func (e *rowEncoder) write(o *output, ck *chunk.Chunk, formats []int16, st *types.Settings, at rowPos, budget int64) (rowPos, int64, error) {
	for len(e.cols) < len(ck.Cols) {
		e.cols = append(e.cols, cells{})
	}
	block := blockSize(ck)
	var sent int64
	for at.row < ck.Rows && budget != sent {
		lo := at.row
		hi := min(ck.Rows, lo+block)
		if budget >= 0 {
			hi = int(min(int64(hi), int64(lo)+budget-sent))
		}
		for i, c := range ck.Cols {
			e.cols[i].encode(c, formatOf(formats, i), lo, hi, st)
		}
		next, n, err := e.gather(o, ck, at, hi, budget-sent)
		at, sent = next, sent+n
		if err == nil {
			err = o.grown()
		}
		if err != nil {
			return at, sent, err
		}
	}
	return at, sent, nil
}

// blockSize chooses the rows per block by the width of the byte columns.
func blockSize(ck *chunk.Chunk) int {
	width := 1
	for _, c := range ck.Cols {
		width += len(c.Bytes) / max(ck.Rows, 1)
	}
	return max(1, min(blockRows, blockBytes/width))
}

// gather writes the encoded rows [at, hi) as messages, at most budget of them unless
// that is negative.
func (e *rowEncoder) gather(o *output, ck *chunk.Chunk, at rowPos, hi int, budget int64) (rowPos, int64, error) {
	lo := at.row
	cols := e.cols[:len(ck.Cols)]
	var sent int64
	for at.row < hi {
		weight := ck.Weight(at.row)
		if weight < 1 {
			return at, sent, sqlerr.Internal("a result row has the weight %d", weight)
		}
		for at.copies < weight {
			if sent == budget {
				return at, sent, nil
			}
			if err := appendRow(o, cols, at.row, at.row-lo); err != nil {
				return at, sent, err
			}
			if len(o.buf) >= o.max {
				if err := o.grown(); err != nil {
					return at, sent, err
				}
			}
			sent++
			at.copies++
		}
		at.row++
		at.copies = 0
	}
	return at, sent, nil
}

// appendRow writes one DataRow: row is its number in the chunk, i in the block.
func appendRow(o *output, cols []cells, row, i int) error {
	start := len(o.buf)
	b := append(o.buf, 'D', 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(cols)))
	for k := range cols {
		c := &cols[k]
		if c.nulls.Get(row) {
			b = append(b, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		var cell []byte
		if c.raw != nil {
			v := c.raw.Views[row]
			cell = c.raw.Bytes[v.Off : v.Off+v.Len]
		} else {
			from := 0
			if i > 0 {
				from = c.ends[i-1]
			}
			cell = c.data[from:c.ends[i]]
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(cell)))
		b = append(b, cell...)
	}
	n := len(b) - start - 1
	if n > messageMax {
		return sqlerr.New(sqlerr.ProgramLimitExceeded, "row of %d bytes exceeds the limit of %d bytes", n, messageMax)
	}
	binary.BigEndian.PutUint32(b[start+1:], uint32(n))
	o.buf = b
	return nil
}

// encode fills e with the cells [lo, hi) of c in a format.
func (e *cells) encode(c *chunk.Column, format int16, lo, hi int, st *types.Settings) {
	e.raw, e.nulls = nil, c.Nulls
	if cap(e.data) > blockBytes {
		e.data = nil
	}
	e.data, e.ends = e.data[:0], e.ends[:0]
	if format == 0 {
		e.text(c, lo, hi, st)
	} else {
		e.binary(c, lo, hi)
	}
}

// text encodes in text format.
func (e *cells) text(c *chunk.Column, lo, hi int, st *types.Settings) {
	switch c.Type.Kind {
	case types.KindInt2, types.KindInt4, types.KindInt8, types.KindOID, types.KindXID:
		fill(e, c.Ints[lo:hi], appendInt)
	case types.KindBool:
		fill(e, c.Bools[lo:hi], appendBool)
	case types.KindText, types.KindVarchar, types.KindBPChar, types.KindName, types.KindUnknown,
		types.KindJSON, types.KindJSONB:
		e.raw = c
	default:
		e.textOther(c, lo, hi, st)
	}
}

// binary encodes in binary format.
func (e *cells) binary(c *chunk.Column, lo, hi int) {
	kind := c.Type.Kind
	switch c.Type.Class() {
	case types.ClassBool:
		fill(e, c.Bools[lo:hi], appendBoolByte)
	case types.ClassInt:
		fill(e, c.Ints[lo:hi], func(b []byte, v int64) []byte { return types.AppendBinaryInt(b, kind, v) })
	case types.ClassFloat:
		fill(e, c.Floats[lo:hi], func(b []byte, v float64) []byte { return types.AppendBinaryFloat(b, kind, v) })
	case types.ClassNumeric:
		fill(e, c.Nums[lo:hi], func(b []byte, v types.Num) []byte { return types.AppendBinaryDec(b, types.DecOf(v, c.Bytes)) })
	case types.ClassInterval:
		fill(e, c.Ivls[lo:hi], types.AppendBinaryInterval)
	case types.ClassUUID:
		fill(e, c.UUIDs[lo:hi], func(b []byte, v [16]byte) []byte { return append(b, v[:]...) })
	default:
		switch kind {
		case types.KindText, types.KindVarchar, types.KindBPChar, types.KindName, types.KindUnknown,
			types.KindJSON, types.KindBytea:
			e.raw = c
		default:
			e.varlen(c, lo, hi, func(b []byte, v string) []byte { return types.AppendBinaryVarlen(b, c.Type, v) })
		}
	}
}

// fill appends each value with f and notes where it ends.
func fill[T any](e *cells, vals []T, f func([]byte, T) []byte) {
	data, ends := e.data, e.ends
	for _, v := range vals {
		data = f(data, v)
		ends = append(ends, len(data))
	}
	e.data, e.ends = data, ends
}

func appendInt(b []byte, v int64) []byte { return strconv.AppendInt(b, v, 10) }

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 't')
	}
	return append(b, 'f')
}

func appendBoolByte(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}
