package format

import (
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// span is a field: n bytes at off of the block's text, or NULL if n < 0.
type span struct {
	off uint32
	n   int32
}

// nullSpan is the field that is NULL.
var nullSpan = span{n: -1}

// fieldError is a value that could not be read.
type fieldError struct {
	row, col int
	err      error
	located  bool // err has its context already
}

// block is a batch of rows cut into fields, not yet read.
type block struct {
	text  []byte
	spans []span // row-major: width per row
	width int
	rows  int
	lines []int64 // per row, the number of the line it ends on
	errs  []fieldError
}

func (b *block) reset() {
	b.text, b.spans, b.lines, b.errs, b.rows = b.text[:0], b.spans[:0], b.lines[:0], nil, 0
}

// field returns the text of a field that is not NULL.
func (b *block) field(s span) string {
	return types.BytesString(b.text[s.off : s.off+uint32(s.n)])
}

// readColumn reads column j of every row of the block and appends it to col. A value
// that cannot be read is noted in b.errs and its row filled.
func (b *block) readColumn(col *chunk.Column, j int, st *types.Settings) {
	n := col.Len()
	switch col.Type.Class() {
	case types.ClassBool:
		col.Resize(n + b.rows)
		readFixed(b, col, j, n, col.Bools, types.ParseBool)
	case types.ClassInt:
		col.Resize(n + b.rows)
		readFixed(b, col, j, n, col.Ints, intParser(col.Type, st))
	case types.ClassFloat:
		col.Resize(n + b.rows)
		parse := types.ParseFloat8
		if col.Type.Kind == types.KindFloat4 {
			parse = types.ParseFloat4
		}
		readFixed(b, col, j, n, col.Floats, parse)
	case types.ClassNumeric:
		col.Resize(n + b.rows)
		b.readNumerics(col, j, n)
	case types.ClassInterval:
		col.Resize(n + b.rows)
		readFixed(b, col, j, n, col.Ivls, func(s string) (types.Interval, error) {
			return types.ParseInterval(s, st, col.Type.Typmod)
		})
	case types.ClassUUID:
		col.Resize(n + b.rows)
		readFixed(b, col, j, n, col.UUIDs, types.ParseUUID)
	default:
		b.readVarlen(col, j, n, st)
	}
	if col.Nulls != nil {
		col.Nulls = col.Nulls.Grow(n + b.rows)
	}
}

// intParser picks the reader of a kind of ClassInt once per column.
func intParser(t types.Type, st *types.Settings) func(string) (int64, error) {
	switch t.Kind {
	case types.KindInt2:
		return types.ParseInt2
	case types.KindInt4:
		return types.ParseInt4
	case types.KindInt8:
		return types.ParseInt8
	}
	return func(s string) (int64, error) { return types.ParseIntKind(t, s, st) }
}

// readFixed reads values of fixed width into dst[n:].
func readFixed[T any](b *block, col *chunk.Column, j, n int, dst []T, parse func(string) (T, error)) {
	for i := range b.rows {
		s := b.spans[i*b.width+j]
		if s.n < 0 {
			setNull(col, n+i, b.rows-i)
			continue
		}
		v, err := parse(b.field(s))
		if err != nil {
			b.errs = append(b.errs, fieldError{row: i, col: j, err: err})
			continue
		}
		dst[n+i] = v
	}
}

// setNull marks a row, with room for the rest of the block in the bitmap.
func setNull(col *chunk.Column, row, rest int) {
	if col.Nulls == nil || row>>6 >= len(col.Nulls) {
		col.Nulls = col.Nulls.Grow(row + rest)
	}
	col.Nulls.Set(row)
}

func (b *block) readNumerics(col *chunk.Column, j, n int) {
	for i := range b.rows {
		s := b.spans[i*b.width+j]
		if s.n < 0 {
			setNull(col, n+i, b.rows-i)
			continue
		}
		d, err := types.ParseNumeric(b.field(s), col.Type.Typmod)
		if err != nil {
			b.errs = append(b.errs, fieldError{row: i, col: j, err: err})
			continue
		}
		col.SetDec(n+i, d)
	}
}

// readVarlen reads byte strings; plain text is copied without a look at it.
func (b *block) readVarlen(col *chunk.Column, j, n int, st *types.Settings) {
	plain := col.Type.Kind == types.KindText || (col.Type.Kind == types.KindVarchar || col.Type.Kind == types.KindBPChar) && col.Type.Typmod < 0
	for i := range b.rows {
		s := b.spans[i*b.width+j]
		if s.n < 0 {
			col.Views = append(col.Views, chunk.View{})
			setNull(col, n+i, b.rows-i)
			continue
		}
		off := len(col.Bytes)
		if plain {
			col.Bytes = append(col.Bytes, b.text[s.off:s.off+uint32(s.n)]...)
		} else {
			buf, err := types.ParseVarlen(col.Bytes, col.Type, b.field(s), st)
			if err != nil {
				b.errs = append(b.errs, fieldError{row: i, col: j, err: err})
				buf = col.Bytes
			}
			col.Bytes = buf
		}
		col.Views = append(col.Views, chunk.View{Off: uint32(off), Len: uint32(len(col.Bytes) - off)})
	}
}

// firstError returns the error of the least row, then column; nil if there is none.
func (b *block) firstError() *fieldError {
	var first *fieldError
	for i := range b.errs {
		if e := &b.errs[i]; first == nil || e.row < first.row || e.row == first.row && e.col < first.col {
			first = e
		}
	}
	return first
}
