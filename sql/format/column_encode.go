package format

import (
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// texts are the text forms of a column's rows, one behind the other: row i is
// buf[ends[i-1]:ends[i]], NULL where nulls is set.
type texts struct {
	buf   []byte
	ends  []int
	nulls chunk.Bitmap
}

func (t *texts) row(i int) []byte {
	lo := 0
	if i > 0 {
		lo = t.ends[i-1]
	}
	return t.buf[lo:t.ends[i]]
}

// encode writes every row of col in PostgreSQL's text format. Rows that are errors
// give the first of them.
func (t *texts) encode(col *chunk.Column, rows int, st *types.Settings) error {
	if len(col.Errs) > 0 {
		return col.Errs[0].Err
	}
	t.buf, t.ends, t.nulls = t.buf[:0], t.ends[:0], col.Nulls
	if st == nil {
		st = types.DefaultSettings
	}
	switch col.Type.Class() {
	case types.ClassBool:
		for _, v := range col.Bools[:rows] {
			t.buf = types.AppendBool(t.buf, v)
			t.ends = append(t.ends, len(t.buf))
		}
	case types.ClassInt:
		t.encodeInts(col, rows, st)
	case types.ClassFloat:
		for _, v := range col.Floats[:rows] {
			if col.Type.Kind == types.KindFloat4 {
				t.buf = types.AppendFloat4(t.buf, v, st.FloatDigits+1)
			} else {
				t.buf = types.AppendFloat8(t.buf, v, st.FloatDigits+1)
			}
			t.ends = append(t.ends, len(t.buf))
		}
	case types.ClassNumeric:
		for i, v := range col.Nums[:rows] {
			if !col.Nulls.Get(i) {
				t.buf = types.AppendDec(t.buf, types.DecOf(v, col.Bytes))
			}
			t.ends = append(t.ends, len(t.buf))
		}
	case types.ClassInterval:
		for _, v := range col.Ivls[:rows] {
			t.buf = types.AppendInterval(t.buf, v, st)
			t.ends = append(t.ends, len(t.buf))
		}
	case types.ClassUUID:
		for _, v := range col.UUIDs[:rows] {
			t.buf = types.AppendUUID(t.buf, v)
			t.ends = append(t.ends, len(t.buf))
		}
	default:
		t.encodeVarlen(col, rows, st)
	}
	return nil
}

func (t *texts) encodeInts(col *chunk.Column, rows int, st *types.Settings) {
	k := col.Type.Kind
	switch k {
	case types.KindInt2, types.KindInt4, types.KindInt8, types.KindOID:
		for _, v := range col.Ints[:rows] {
			t.buf = types.AppendInt(t.buf, v)
			t.ends = append(t.ends, len(t.buf))
		}
	case types.KindTimestamp:
		for _, v := range col.Ints[:rows] {
			t.buf = types.AppendTimestamp(t.buf, v, st)
			t.ends = append(t.ends, len(t.buf))
		}
	default:
		for _, v := range col.Ints[:rows] {
			t.buf = types.AppendIntKind(t.buf, k, v, st)
			t.ends = append(t.ends, len(t.buf))
		}
	}
}

func (t *texts) encodeVarlen(col *chunk.Column, rows int, st *types.Settings) {
	plain := col.Type.IsString() || col.Type.Kind == types.KindJSONB || col.Type.Kind == types.KindJSON
	for i, v := range col.Views[:rows] {
		if !col.Nulls.Get(i) {
			s := col.Bytes[v.Off : v.Off+v.Len]
			if plain {
				t.buf = append(t.buf, s...)
			} else {
				t.buf = types.AppendVarlen(t.buf, col.Type, types.BytesString(s), st)
			}
		}
		t.ends = append(t.ends, len(t.buf))
	}
}
