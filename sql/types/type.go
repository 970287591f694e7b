package types

// Kind is a SQL type without its modifiers.
type Kind uint8

// The kinds. Their numeric values are written to disk: never renumber, only append.
const (
	KindInvalid     Kind = 0
	KindUnknown     Kind = 1 // a literal or NULL whose type is not resolved yet
	KindBool        Kind = 2
	KindInt2        Kind = 3
	KindInt4        Kind = 4
	KindInt8        Kind = 5
	KindFloat4      Kind = 6
	KindFloat8      Kind = 7
	KindNumeric     Kind = 8
	KindText        Kind = 9
	KindVarchar     Kind = 10
	KindBPChar      Kind = 11 // char(n), stored padded to n as PostgreSQL does
	KindBytea       Kind = 12
	KindDate        Kind = 13 // days since 2000-01-01
	KindTime        Kind = 14 // microseconds since midnight
	KindTimestamp   Kind = 15 // microseconds since 2000-01-01 00:00:00
	KindTimestampTZ Kind = 16 // microseconds since 2000-01-01 00:00:00 UTC
	KindInterval    Kind = 17
	KindUUID        Kind = 18
	KindJSONB       Kind = 19
	KindArray       Kind = 20 // one-dimensional; Type.Elem names the element
	KindOID         Kind = 21
	KindName        Kind = 22
	KindQChar       Kind = 23 // PostgreSQL's internal "char", one byte
	KindRegClass    Kind = 24
	KindRegType     Kind = 25
	KindRegProc     Kind = 26
	KindRegNS       Kind = 27 // regnamespace
	KindRegRole     Kind = 28
	KindVoid        Kind = 29
	KindRecord      Kind = 30 // anonymous row; ad hoc only
	KindXID         Kind = 31
	KindInt2Vector  Kind = 32 // shown as space-separated; laid out as an array of int2
	KindOIDVector   Kind = 33
	KindJSON        Kind = 34
)

// Class is the physical layout of a type's values in a column.
type Class uint8

// The classes; see chunk.Column for the slice each one uses.
const (
	ClassBool     Class = iota // []bool
	ClassInt                   // []int64: integers, oids, dates, times, timestamps
	ClassFloat                 // []float64: real (exactly float32-representable) and double precision
	ClassNumeric               // []Num, big coefficients in the column's bytes
	ClassInterval              // []Interval
	ClassUUID                  // [][16]byte
	ClassBytes                 // []View into the column's bytes
)

// Type is a SQL type with its modifiers. Types are comparable with ==.
type Type struct {
	Kind Kind
	// Elem is the element kind of an array; KindInvalid otherwise.
	Elem Kind
	// Typmod is PostgreSQL's atttypmod (of the element, for an array): -1 means none.
	// varchar(n) and char(n): n+4; numeric(p,s): (p<<16|s&0x7ff)+4;
	// time, timestamp(tz)(p): p; interval: range<<16|p.
	Typmod int32
}

// Of returns the type of kind k without modifiers.
func Of(k Kind) Type { return Type{Kind: k, Typmod: -1} }

// ArrayOf returns the one-dimensional array type with elements of type elem.
func ArrayOf(elem Type) Type { return Type{Kind: KindArray, Elem: elem.Kind, Typmod: elem.Typmod} }

// The types without modifiers, by name.
var (
	Unknown     = Of(KindUnknown)
	Bool        = Of(KindBool)
	Int2        = Of(KindInt2)
	Int4        = Of(KindInt4)
	Int8        = Of(KindInt8)
	Float4      = Of(KindFloat4)
	Float8      = Of(KindFloat8)
	Numeric     = Of(KindNumeric)
	Text        = Of(KindText)
	Varchar     = Of(KindVarchar)
	BPChar      = Of(KindBPChar)
	Bytea       = Of(KindBytea)
	Date        = Of(KindDate)
	Time        = Of(KindTime)
	Timestamp   = Of(KindTimestamp)
	TimestampTZ = Of(KindTimestampTZ)
	IntervalT   = Of(KindInterval)
	UUID        = Of(KindUUID)
	JSONB       = Of(KindJSONB)
	JSON        = Of(KindJSON)
	OID         = Of(KindOID)
	Name        = Of(KindName)
	QChar       = Of(KindQChar)
	RegClass    = Of(KindRegClass)
	RegType     = Of(KindRegType)
	Void        = Of(KindVoid)
)

// ElemType returns the element type of an array or vector type.
func (t Type) ElemType() Type {
	switch t.Kind {
	case KindInt2Vector:
		return Int2
	case KindOIDVector:
		return OID
	}
	return Type{Kind: t.Elem, Typmod: t.Typmod}
}

// Class returns the physical layout of t's values.
func (t Type) Class() Class { return t.Kind.Class() }

// Class returns the physical layout of k's values.
func (k Kind) Class() Class {
	switch k {
	case KindBool:
		return ClassBool
	case KindInt2, KindInt4, KindInt8, KindDate, KindTime, KindTimestamp, KindTimestampTZ,
		KindOID, KindRegClass, KindRegType, KindRegProc, KindRegNS, KindRegRole, KindXID:
		return ClassInt
	case KindFloat4, KindFloat8:
		return ClassFloat
	case KindNumeric:
		return ClassNumeric
	case KindInterval:
		return ClassInterval
	case KindUUID:
		return ClassUUID
	}
	return ClassBytes
}
