package format

import (
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// JSONEncoder writes each row as a JSON object on a line of its own. Weights are not
// its business: every row of a chunk is written once.
type JSONEncoder struct {
	spec Spec
	keys [][]byte // `"name":` with the brace or comma before it
	cols []texts
}

// NewJSONEncoder returns an encoder of rows of the spec's columns.
func NewJSONEncoder(spec Spec) *JSONEncoder {
	e := &JSONEncoder{spec: spec, cols: make([]texts, len(spec.Schema))}
	for j, name := range spec.Columns {
		k := []byte{','}
		if j == 0 {
			k[0] = '{'
		}
		e.keys = append(e.keys, append(types.AppendJSONString(k, name), ':'))
	}
	return e
}

// AppendChunk writes the rows of c and appends to ends where each row ends.
func (e *JSONEncoder) AppendChunk(dst []byte, c *chunk.Chunk, ends []int) ([]byte, []int, error) {
	for j, col := range c.Cols {
		if err := e.cols[j].encodeJSON(col, c.Rows, e.spec.Settings); err != nil {
			return dst, ends, err
		}
	}
	for i := range c.Rows {
		for j := range c.Cols {
			dst = append(dst, e.keys[j]...)
			if t := &e.cols[j]; t.nulls.Get(i) {
				dst = append(dst, "null"...)
			} else {
				dst = append(dst, t.row(i)...)
			}
		}
		if len(c.Cols) == 0 {
			dst = append(dst, '{')
		}
		dst = append(dst, '}', '\n')
		ends = append(ends, len(dst))
	}
	return dst, ends, nil
}

// encodeJSON writes every row of col as JSON, as to_jsonb would.
func (t *texts) encodeJSON(col *chunk.Column, rows int, st *types.Settings) error {
	if len(col.Errs) > 0 {
		return col.Errs[0].Err
	}
	t.buf, t.ends, t.nulls = t.buf[:0], t.ends[:0], col.Nulls
	switch {
	case col.Type.IsInteger():
		for _, v := range col.Ints[:rows] {
			t.buf = types.AppendInt(t.buf, v)
			t.ends = append(t.ends, len(t.buf))
		}
	case col.Type.IsString():
		for _, v := range col.Views[:rows] {
			t.buf = types.AppendJSONString(t.buf, types.BytesString(col.Bytes[v.Off:v.Off+v.Len]))
			t.ends = append(t.ends, len(t.buf))
		}
	default:
		for i := range rows {
			if !col.Nulls.Get(i) {
				t.buf = types.AppendJSONValue(t.buf, col.Type, col.Datum(i), st)
			}
			t.ends = append(t.ends, len(t.buf))
		}
	}
	return nil
}
