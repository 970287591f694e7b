package wire

import (
	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/wire/session"
)

// settings say how values are written as text.
type settings = session.Display

// textOther encodes the types whose text form depends on settings or is involved.
func (e *cells) textOther(c *chunk.Column, lo, hi int, st *settings) error {
	return sqlerr.Unsupported("text output of this type", -1)
}

// binaryOther encodes the types with an involved binary form.
func (e *cells) binaryOther(c *chunk.Column, lo, hi int, st *settings) error {
	return sqlerr.Unsupported("binary output of this type", -1)
}

// typeOID is a type's number in pg_type.
func typeOID(t types.Type) uint32 {
	switch t.Kind {
	case types.KindInt4:
		return 23
	}
	return 25
}

// typeLen is a type's length as RowDescription tells it.
func typeLen(t types.Type) int16 { return -1 }
