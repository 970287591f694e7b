package pgcatalog

import (
	"fmt"

	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// row is a row of a relation by column name. Columns left out are NULL or, if they
// are NOT NULL, zero; so is nil.
type row map[string]any

// writer gathers the rows of a relation.
type writer struct {
	env *Env
	rel *relation
	out *chunk.Chunk
}

func newWriter(env *Env, r *relation) *writer {
	s := make(chunk.Schema, len(r.Columns))
	for i := range r.Columns {
		s[i] = r.Columns[i].Type
	}
	return &writer{env: env, rel: r, out: chunk.New(s, 0)}
}

// Scan computes the relation of a full name (pg_catalog.pg_class). The chunk has the
// relation's columns in order and is the caller's only to read.
func Scan(fullName string, env *Env) (*chunk.Chunk, error) {
	byName, _ := relations()
	r := byName[fullName]
	if r == nil {
		return nil, sqlerr.New(sqlerr.UndefinedTable, "relation %q does not exist", fullName)
	}
	if r.static {
		r.once.Do(func() {
			r.rows = newWriter(&Env{}, r)
			r.produce(r.rows)
		})
		return r.rows.out, nil
	}
	w := newWriter(env, r)
	if r.produce != nil {
		r.produce(w)
	}
	return w.out, nil
}

// add appends a row.
func (w *writer) add(v row) {
	for name := range v {
		if _, ok := w.rel.byName[name]; !ok {
			panic(fmt.Sprintf("pgcatalog: %s has no column %s", w.rel.FullName(), name))
		}
	}
	for i := range w.rel.Columns {
		c := &w.rel.Columns[i]
		w.put(w.out.Cols[i], c, v[c.Name])
	}
	w.out.Rows++
}

// put appends one value.
func (w *writer) put(col *chunk.Column, c *catalog.Column, v any) {
	if v == nil {
		if !c.NotNull {
			col.AppendNull()
			return
		}
		if c.Type.IsArray() {
			col.AppendBytes(arrayOf[string](c.Type, nil))
			return
		}
		d := types.Datum{}
		if c.Type.Kind == types.KindQChar {
			d.S = types.ParseQChar("")
		}
		col.AppendDatum(d)
		return
	}
	switch v := v.(type) {
	case string:
		switch c.Type.Kind {
		case types.KindName:
			v = types.TruncName(v)
		case types.KindQChar:
			v = types.ParseQChar(v)
		}
		col.AppendDatum(types.Datum{S: v})
	case bool:
		d := types.Datum{}
		if v {
			d.I = 1
		}
		col.AppendDatum(d)
	case types.Interval:
		col.AppendDatum(types.Datum{V: v})
	case float64:
		col.AppendDatum(types.Datum{F: v})
	case []string:
		col.AppendBytes(arrayOf(c.Type, v))
	case []int64:
		col.AppendBytes(arrayOf(c.Type, v))
	default:
		n, ok := integer(v)
		if !ok {
			panic(fmt.Sprintf("pgcatalog: %s.%s: a value of type %T", w.rel.FullName(), c.Name, v))
		}
		col.AppendDatum(types.Datum{I: n})
	}
}

// integer reads the Go types that stand for whole numbers.
func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	case uint32:
		return int64(v), true
	case catalog.ID:
		return int64(v), true
	}
	return 0, false
}

// arrayOf makes the bytes of an array of type t. Vectors count from 0, as
// PostgreSQL's do.
func arrayOf[T string | int64](t types.Type, elems []T) []byte {
	b := types.NewArrayBuilder(t)
	if t.Kind != types.KindArray {
		b.SetLower(0)
	}
	for _, e := range elems {
		switch e := any(e).(type) {
		case string:
			b.AddString(e)
		case int64:
			b.AddInt(e)
		}
	}
	return b.AppendTo(nil)
}
