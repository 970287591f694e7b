package types

import "strings"

// meta is what PostgreSQL's pg_type says of a kind.
type meta struct {
	kind     Kind
	oid      uint32
	arrayOID uint32 // 0 for none
	typname  string // pg_type.typname
	sqlName  string // as format_type writes it, without modifiers
	typlen   int16  // -1 for varlena, -2 for C strings
	byval    bool
	align    byte // c, s, i, d
	category byte // pg_type.typcategory
	pref     bool // preferred in its category
	storage  byte // p plain, x extended, m main
	aliases  string
}

// metas describes every kind that has an OID of its own.
var metas = []meta{
	{KindBool, 16, 1000, "bool", "boolean", 1, true, 'c', 'B', true, 'p', "boolean"},
	{KindBytea, 17, 1001, "bytea", "bytea", -1, false, 'i', 'U', false, 'x', ""},
	{KindQChar, 18, 1002, "char", `"char"`, 1, true, 'c', 'Z', false, 'p', ""},
	{KindName, 19, 1003, "name", "name", 64, false, 'c', 'S', false, 'p', ""},
	{KindInt8, 20, 1016, "int8", "bigint", 8, true, 'd', 'N', false, 'p', "bigint"},
	{KindInt2, 21, 1005, "int2", "smallint", 2, true, 's', 'N', false, 'p', "smallint"},
	{KindInt2Vector, 22, 1006, "int2vector", "int2vector", -1, false, 'i', 'A', false, 'p', ""},
	{KindInt4, 23, 1007, "int4", "integer", 4, true, 'i', 'N', false, 'p', "integer int"},
	{KindRegProc, 24, 1008, "regproc", "regproc", 4, true, 'i', 'N', false, 'p', ""},
	{KindText, 25, 1009, "text", "text", -1, false, 'i', 'S', true, 'x', "string"},
	{KindOID, 26, 1028, "oid", "oid", 4, true, 'i', 'N', true, 'p', ""},
	{KindXID, 28, 1011, "xid", "xid", 4, true, 'i', 'U', false, 'p', ""},
	{KindOIDVector, 30, 1013, "oidvector", "oidvector", -1, false, 'i', 'A', false, 'p', ""},
	{KindJSON, 114, 199, "json", "json", -1, false, 'i', 'U', false, 'x', ""},
	{KindFloat4, 700, 1021, "float4", "real", 4, true, 'i', 'N', false, 'p', "real"},
	{KindFloat8, 701, 1022, "float8", "double precision", 8, true, 'd', 'N', true, 'p', "float"},
	{KindUnknown, 705, 0, "unknown", "unknown", -2, false, 'c', 'X', false, 'p', ""},
	{KindBPChar, 1042, 1014, "bpchar", "character", -1, false, 'i', 'S', false, 'x', "character"},
	{KindVarchar, 1043, 1015, "varchar", "character varying", -1, false, 'i', 'S', false, 'x', ""},
	{KindDate, 1082, 1182, "date", "date", 4, true, 'i', 'D', false, 'p', ""},
	{KindTime, 1083, 1183, "time", "time without time zone", 8, true, 'd', 'D', false, 'p', ""},
	{KindTimestamp, 1114, 1115, "timestamp", "timestamp without time zone", 8, true, 'd', 'D', false, 'p', ""},
	{KindTimestampTZ, 1184, 1185, "timestamptz", "timestamp with time zone", 8, true, 'd', 'D', true, 'p', ""},
	{KindInterval, 1186, 1187, "interval", "interval", 16, false, 'd', 'T', true, 'p', ""},
	{KindNumeric, 1700, 1231, "numeric", "numeric", -1, false, 'i', 'N', false, 'm', "decimal dec"},
	{KindRegClass, 2205, 2210, "regclass", "regclass", 4, true, 'i', 'N', false, 'p', ""},
	{KindRegType, 2206, 2211, "regtype", "regtype", 4, true, 'i', 'N', false, 'p', ""},
	{KindRecord, 2249, 2287, "record", "record", -1, false, 'd', 'P', false, 'x', ""},
	{KindVoid, 2278, 0, "void", "void", 4, true, 'i', 'P', false, 'p', ""},
	{KindUUID, 2950, 2951, "uuid", "uuid", 16, false, 'c', 'U', false, 'p', ""},
	{KindJSONB, 3802, 3807, "jsonb", "jsonb", -1, false, 'i', 'U', false, 'x', ""},
	{KindRegNS, 4089, 4090, "regnamespace", "regnamespace", 4, true, 'i', 'N', false, 'p', ""},
	{KindRegRole, 4096, 4097, "regrole", "regrole", 4, true, 'i', 'N', false, 'p', ""},
}

// kindsMax bounds the numeric values of the kinds.
const kindsMax = 64

// The lookups over metas, built once.
var (
	metaOf = func() (m [kindsMax]*meta) {
		for i := range metas {
			m[metas[i].kind] = &metas[i]
		}
		return m
	}()
	typeByOID = func() map[uint32]Type {
		m := make(map[uint32]Type, 2*len(metas))
		for i := range metas {
			m[metas[i].oid] = Of(metas[i].kind)
			if a := metas[i].arrayOID; a != 0 {
				m[a] = ArrayOf(Of(metas[i].kind))
			}
		}
		return m
	}()
	typeByName = func() map[string]Type {
		m := map[string]Type{
			"dec": Numeric, "double precision": Float8, "time": Time, "timestamp with time zone": TimestampTZ,
			"timestamp without time zone": Timestamp, "time without time zone": Time, "character varying": Varchar,
		}
		for i := range metas {
			t := Of(metas[i].kind)
			m[metas[i].typname] = t
			if metas[i].arrayOID != 0 {
				m["_"+metas[i].typname] = ArrayOf(t)
			}
			for _, a := range strings.Fields(metas[i].aliases) {
				m[a] = t
			}
		}
		return m
	}()
)

// OID returns the type's OID in pg_type; 0 for KindInvalid.
func (t Type) OID() uint32 {
	if t.Kind == KindArray {
		if m := metaOf[t.Elem]; m != nil {
			return m.arrayOID
		}
		return 0
	}
	if m := metaOf[t.Kind]; m != nil {
		return m.oid
	}
	return 0
}

// ArrayOID returns the OID of the array type over t; 0 for none.
func (t Type) ArrayOID() uint32 {
	if m := metaOf[t.Kind]; m != nil {
		return m.arrayOID
	}
	return 0
}

// FromOID returns the type with an OID, without modifiers.
func FromOID(oid uint32) (Type, bool) {
	t, ok := typeByOID[oid]
	return t, ok
}

// LookupName returns the type with a plain name: pg_type.typname ("int4", "_text"),
// or a word SQL has for it ("integer", "decimal"). Names are lower case.
func LookupName(name string) (Type, bool) {
	t, ok := typeByName[name]
	return t, ok
}

// TypName returns pg_type.typname: "int4", "_int4".
func (t Type) TypName() string {
	if t.Kind == KindArray {
		return "_" + Of(t.Elem).TypName()
	}
	if m := metaOf[t.Kind]; m != nil {
		return m.typname
	}
	return "???"
}

// Len returns pg_type.typlen: bytes, -1 for varlena, -2 for C strings.
func (t Type) Len() int16 {
	if m := metaOf[t.Kind]; m != nil {
		return m.typlen
	}
	return -1
}

// ByVal returns pg_type.typbyval.
func (t Type) ByVal() bool { m := metaOf[t.Kind]; return m != nil && m.byval }

// Align returns pg_type.typalign.
func (t Type) Align() byte {
	if t.Kind == KindArray {
		if Of(t.Elem).Align() == 'd' {
			return 'd'
		}
		return 'i'
	}
	if m := metaOf[t.Kind]; m != nil {
		return m.align
	}
	return 'i'
}

// Storage returns pg_type.typstorage.
func (t Type) Storage() byte {
	if m := metaOf[t.Kind]; m != nil {
		return m.storage
	}
	return 'x'
}

// Category returns pg_type.typcategory: N numeric, S string, D date/time, …
func (t Type) Category() byte {
	if t.Kind == KindArray {
		return 'A'
	}
	if m := metaOf[t.Kind]; m != nil {
		return m.category
	}
	return 'X'
}

// Preferred returns pg_type.typispreferred.
func (t Type) Preferred() bool { m := metaOf[t.Kind]; return m != nil && m.pref }

// Delim returns pg_type.typdelim, which separates array elements.
func (t Type) Delim() byte { return ',' }

// Kinds returns every kind that pg_type lists on its own, by rising OID.
func Kinds() []Kind {
	ks := make([]Kind, len(metas))
	for i := range metas {
		ks[i] = metas[i].kind
	}
	return ks
}

// IsArray reports whether t is laid out as an array: arrays and vectors.
func (t Type) IsArray() bool {
	return t.Kind == KindArray || t.Kind == KindInt2Vector || t.Kind == KindOIDVector
}

// IsString reports whether t is one of the character types.
func (t Type) IsString() bool {
	switch t.Kind {
	case KindText, KindVarchar, KindBPChar, KindName:
		return true
	}
	return false
}

// IsInteger reports whether t is smallint, integer or bigint.
func (t Type) IsInteger() bool {
	return t.Kind == KindInt2 || t.Kind == KindInt4 || t.Kind == KindInt8
}

// IsNumber reports whether t is an integer, a float or numeric.
func (t Type) IsNumber() bool {
	return t.IsInteger() || t.Kind == KindFloat4 || t.Kind == KindFloat8 || t.Kind == KindNumeric
}

// IsReg reports whether t is an OID alias type, shown by the name of its object.
func (t Type) IsReg() bool {
	switch t.Kind {
	case KindRegClass, KindRegType, KindRegProc, KindRegNS, KindRegRole:
		return true
	}
	return false
}

// WithTypmod returns t with another modifier.
func (t Type) WithTypmod(typmod int32) Type { t.Typmod = typmod; return t }

// Base returns t without modifiers.
func (t Type) Base() Type { t.Typmod = -1; return t }
