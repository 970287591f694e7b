package ast

import "strings"

// Pos is the byte offset of a node's token in the text that was parsed,
// counted from 0. Nodes embed it.
type Pos int

// NoPos is the offset of a node that no token stands for.
const NoPos Pos = -1

// Loc gives the byte offset, negative for none; it is what sqlerr's At takes.
func (p Pos) Loc() int { return int(p) }

// Node is any part of a tree.
type Node interface {
	// Loc is the byte offset of the node's token, negative for none.
	Loc() int
}

// Statement is a whole statement.
type Statement interface {
	Node
	// Tag is the command tag without row count, such as "CREATE TABLE".
	Tag() string
}

// Expr is a scalar expression.
type Expr interface {
	Node
	expr()
}

// TableRef is an item of FROM.
type TableRef interface {
	Node
	tableRef()
}

// QueryBody is what a Select orders and limits: *SelectCore, *SetOperation or
// *Values.
type QueryBody interface {
	Node
	queryBody()
}

// Name is the name of an object in a schema; Catalog and Schema may be empty.
type Name struct {
	Pos
	Catalog string // database, must be the current one if given
	Schema  string // empty means search_path
	Name    string
}

// String gives the name as SQL, quoted where necessary.
func (n Name) String() string {
	parts := make([]string, 0, 3)
	for _, s := range []string{n.Catalog, n.Schema} {
		if s != "" {
			parts = append(parts, QuoteIdent(s))
		}
	}
	return strings.Join(append(parts, QuoteIdent(n.Name)), ".")
}

// Ident is an identifier with its place.
type Ident struct {
	Pos
	Name string
}

// TypeName names a type with its modifiers.
type TypeName struct {
	Pos
	Schema string // pg_catalog for types SQL spells in words
	Name   string // PostgreSQL's inner name: int4, bpchar, timestamptz, ...
	Mods   []int64
	// Dims is the number of [] after the name; bounds are not kept, PostgreSQL
	// does not enforce them either.
	Dims int
	// IntervalFields restricts an interval, as in INTERVAL DAY TO SECOND; 0
	// means no restriction.
	IntervalFields IntervalFields
	SetOf          bool
}

// IntervalFields is a set of interval fields in PostgreSQL's INTERVAL_MASK bits.
type IntervalFields int32

// Bits of IntervalFields; PostgreSQL's typmods use the same.
const (
	IntervalMonth  IntervalFields = 1 << 1
	IntervalYear   IntervalFields = 1 << 2
	IntervalDay    IntervalFields = 1 << 3
	IntervalHour   IntervalFields = 1 << 10
	IntervalMinute IntervalFields = 1 << 11
	IntervalSecond IntervalFields = 1 << 12
	// IntervalFull is PostgreSQL's mask for "no restriction but a precision".
	IntervalFull IntervalFields = 0x7FFF
)

// Serial tells whether the type is one of the serial pseudo-types and which
// integer type it stands for.
func (t *TypeName) Serial() (integer string, ok bool) {
	if t.Schema != "" && t.Schema != "pg_catalog" || t.Dims > 0 {
		return "", false
	}
	switch t.Name {
	case "smallserial", "serial2":
		return "int2", true
	case "serial", "serial4":
		return "int4", true
	case "bigserial", "serial8":
		return "int8", true
	}
	return "", false
}

// ObjectKind is a kind of object in the catalog.
type ObjectKind uint8

// Kinds of objects.
const (
	KindUnknown ObjectKind = iota
	KindTable
	KindView
	KindMaterializedView
	KindSource
	KindSink
	KindIndex
	KindSequence
	KindSchema
	KindColumn
	KindConstraint
	KindDatabase
	KindRole
	KindFunction
	KindType
)

var kindWords = [...]string{
	"object", "table", "view", "materialized view", "source", "sink", "index", "sequence", "schema",
	"column", "constraint", "database", "role", "function", "type",
}

// String gives the kind as messages spell it: "materialized view".
func (k ObjectKind) String() string { return kindWords[k] }

// SQL gives the kind as statements spell it: "MATERIALIZED VIEW".
func (k ObjectKind) SQL() string { return strings.ToUpper(kindWords[k]) }

// OptionKind says how an option's value was written.
type OptionKind uint8

// Ways to write an option's value.
const (
	OptionFlag   OptionKind = iota // no value: WITH (background)
	OptionWord                     // an identifier or keyword, folded: true, latest
	OptionString                   // a string literal
	OptionNumber                   // a number, with its sign
	OptionList                     // a list of names in parentheses, or * as its only element
)

// Option is one key of WITH (...), of FORMAT ... ENCODE ... (...) or of COPY.
type Option struct {
	Pos
	Name     string // parts joined by dots, folded unless quoted
	Kind     OptionKind
	Value    string   // text of the value; empty for flags and lists
	List     []string // only for OptionList
	ValuePos Pos      // where the value stands; NoPos for flags
}

// Bool reads the option as PostgreSQL reads boolean options: a flag is true.
func (o *Option) Bool() (value, ok bool) {
	if o.Kind == OptionFlag {
		return true, true
	}
	switch strings.ToLower(o.Value) {
	case "true", "on", "yes", "1", "t":
		return true, true
	case "false", "off", "no", "0", "f":
		return false, true
	}
	return false, false
}

// FindOption gives the option of that name, or nil.
func FindOption(options []Option, name string) *Option {
	for i := range options {
		if options[i].Name == name {
			return &options[i]
		}
	}
	return nil
}
