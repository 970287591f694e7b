package functions

import (
	"strings"

	"streamdb/sql/types"
)

// typeEntry gives a kind's short name (ids, signatures here) and SQL name (messages).
type typeEntry struct {
	kind       types.Kind
	short, sql string
}

var typeEntries = []typeEntry{
	{types.KindUnknown, "unknown", "unknown"},
	{types.KindBool, "bool", "boolean"},
	{types.KindInt2, "int2", "smallint"},
	{types.KindInt4, "int4", "integer"},
	{types.KindInt8, "int8", "bigint"},
	{types.KindFloat4, "float4", "real"},
	{types.KindFloat8, "float8", "double precision"},
	{types.KindNumeric, "numeric", "numeric"},
	{types.KindText, "text", "text"},
	{types.KindVarchar, "varchar", "character varying"},
	{types.KindBPChar, "bpchar", "character"},
	{types.KindBytea, "bytea", "bytea"},
	{types.KindDate, "date", "date"},
	{types.KindTime, "time", "time without time zone"},
	{types.KindTimestamp, "timestamp", "timestamp without time zone"},
	{types.KindTimestampTZ, "timestamptz", "timestamp with time zone"},
	{types.KindInterval, "interval", "interval"},
	{types.KindUUID, "uuid", "uuid"},
	{types.KindJSONB, "jsonb", "jsonb"},
	{types.KindOID, "oid", "oid"},
	{types.KindName, "name", "name"},
	{types.KindQChar, "qchar", "\"char\""},
	{types.KindRegClass, "regclass", "regclass"},
	{types.KindRegType, "regtype", "regtype"},
	{types.KindRegProc, "regproc", "regproc"},
	{types.KindRegNS, "regnamespace", "regnamespace"},
	{types.KindRegRole, "regrole", "regrole"},
	{types.KindVoid, "void", "void"},
	{types.KindRecord, "record", "record"},
	{types.KindXID, "xid", "xid"},
	{types.KindInt2Vector, "int2vector", "int2vector"},
	{types.KindOIDVector, "oidvector", "oidvector"},
	{types.KindJSON, "json", "json"},
	{Any.Kind, "any", "\"any\""},
	{AnyElement.Kind, "anyelement", "anyelement"},
	{AnyArray.Kind, "anyarray", "anyarray"},
	{AnyNonArray.Kind, "anynonarray", "anynonarray"},
	{AnyCompatible.Kind, "anycompatible", "anycompatible"},
	{AnyCompatibleArray.Kind, "anycompatiblearray", "anycompatiblearray"},
	{AnyCompatibleNonArray.Kind, "anycompatiblenonarray", "anycompatiblenonarray"},
}

var entryByKind, entryByShort = typeMaps()

func typeMaps() (map[types.Kind]typeEntry, map[string]typeEntry) {
	byKind, byShort := map[types.Kind]typeEntry{}, map[string]typeEntry{}
	for _, e := range typeEntries {
		byKind[e.kind] = e
		byShort[e.short] = e
	}
	return byKind, byShort
}

// TypeName returns t as messages show it, without modifiers: integer, text[].
func TypeName(t types.Type) string {
	if t.Kind == types.KindArray {
		return TypeName(types.Of(t.Elem)) + "[]"
	}
	if e, ok := entryByKind[t.Kind]; ok {
		return e.sql
	}
	return "???"
}

// shortName returns t as IDs hold it: int4, text[] as _text.
func shortName(t types.Type) string {
	if t.Kind == types.KindArray {
		return "a" + shortName(types.Of(t.Elem))
	}
	return entryByKind[t.Kind].short
}

func mustType(short string) types.Type {
	if elem, ok := strings.CutSuffix(short, "[]"); ok {
		return types.ArrayOf(mustType(elem))
	}
	e, ok := entryByShort[short]
	if !ok {
		panic("functions: no type " + short)
	}
	return types.Of(e.kind)
}
