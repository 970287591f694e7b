package pgcatalog

import (
	"streamdb/sql/catalog"
	"streamdb/sql/types"
)

// relationBytes gives the size of a relation, false for an OID that is none.
func (e *Env) relationBytes(oid uint32) (int64, bool) {
	if e.virtuals().ByID(catalog.ID(oid)) != nil {
		return 0, true
	}
	d := e.object(oid)
	if d == nil || relkind(d) == "" {
		return 0, false
	}
	_, bytes := e.size(d.ID)
	return max(bytes, 0), true
}

// indexBytes gives the size of a relation's indexes.
func (e *Env) indexBytes(oid uint32) int64 {
	n := int64(0)
	if d := e.object(oid); d != nil {
		for _, x := range e.Catalog.Indexes(d.ID) {
			b, _ := e.relationBytes(uint32(x.ID))
			n += b
		}
	}
	return n
}

func pgRelationSize(e *Env, a Args) (types.Datum, error) {
	n, ok := e.relationBytes(a.oid(0))
	switch {
	case !ok:
		return null()
	case len(a.Values) > 1 && a.text(1) != "main":
		return num(0) // no other forks
	}
	return num(n)
}

func pgIndexesSize(e *Env, a Args) (types.Datum, error) {
	if _, ok := e.relationBytes(a.oid(0)); !ok {
		return null()
	}
	return num(e.indexBytes(a.oid(0)))
}

func pgTotalRelationSize(e *Env, a Args) (types.Datum, error) {
	n, ok := e.relationBytes(a.oid(0))
	if !ok {
		return null()
	}
	return num(n + e.indexBytes(a.oid(0)))
}

func pgDatabaseSize(e *Env, _ Args) (types.Datum, error) {
	n := int64(0)
	for _, d := range e.objects() {
		b, _ := e.relationBytes(uint32(d.ID))
		n += b
	}
	return num(n)
}

// pgRelationIsUpdatable tells by bits: 4 UPDATE, 8 INSERT, 16 DELETE.
func pgRelationIsUpdatable(_ *Env, d *catalog.Descriptor, _ Args) (types.Datum, error) {
	switch {
	case !writable(d):
		return num(0)
	case d.Table.AppendOnly:
		return num(8)
	}
	return num(28)
}

func pgSequenceLastValue(e *Env, d *catalog.Descriptor, _ Args) (types.Datum, error) {
	if d.Sequence == nil || e.Live == nil {
		return null()
	}
	last, called := e.Live.Sequence(d.ID)
	if !called {
		return null()
	}
	return num(last)
}
