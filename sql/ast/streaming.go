package ast

// Watermark is WATERMARK FOR column AS expr [WITH (options)] in a column list.
type Watermark struct {
	Pos
	Column  string
	Expr    Expr // over the table's columns, such as ts - INTERVAL '5 seconds'
	Options []Option
}

// EmitKind says when a result shows its changes.
type EmitKind uint8

// Emission rules.
const (
	EmitOnUpdate EmitKind = iota
	EmitOnWindowClose
	EmitEvery
)

// Emit is EMIT ON UPDATE, EMIT ON WINDOW CLOSE or EMIT EVERY interval.
type Emit struct {
	Pos
	Kind  EmitKind
	Every Expr // of EmitEvery: an interval
}

// Format is FORMAT word ENCODE word (options).
type Format struct {
	Pos
	Format  string // lower case: plain, upsert, debezium, ...
	Encode  string // lower case: json, csv, bytes, ...
	Options []Option
}

// IncludeColumn is INCLUDE what AS name: a column filled from a record's envelope.
type IncludeColumn struct {
	Pos
	What string // lower case: key, partition, offset, timestamp, header, file, ...
	Name string // empty means a made-up name
}

// CreateSource is CREATE SOURCE.
type CreateSource struct {
	Pos
	Name        Name
	IfNotExists bool
	Columns     []*ColumnDef
	Constraints []*Constraint
	Watermarks  []*Watermark
	Include     []IncludeColumn
	Options     []Option
	Format      *Format
}

// CreateSink is CREATE SINK; exactly one of From and Query is set.
type CreateSink struct {
	Pos
	Name        Name
	IfNotExists bool
	Into        *Name // INTO table
	From        *Name
	Query       *Select
	Emit        *Emit
	Options     []Option
	Format      *Format
}

// Subscribe is SUBSCRIBE [TO] relation or (query): the changes as rows.
type Subscribe struct {
	Pos
	Name     *Name // nil if Query is set
	Query    *Select
	Snapshot bool // default true: begin with the content
	Progress bool // default false: also a row for each epoch that changes nothing
}

// Verify is VERIFY MATERIALIZED VIEW name.
type Verify struct {
	Pos
	Kind ObjectKind
	Name Name
}

// Flush is FLUSH: wait until every dataflow has caught up.
type Flush struct{ Pos }

// Tag is CREATE SOURCE.
func (*CreateSource) Tag() string { return "CREATE SOURCE" }

// Tag is CREATE SINK.
func (*CreateSink) Tag() string { return "CREATE SINK" }

// Tag is SUBSCRIBE.
func (*Subscribe) Tag() string { return "SUBSCRIBE" }

// Tag is VERIFY.
func (*Verify) Tag() string { return "VERIFY" }

// Tag is FLUSH.
func (*Flush) Tag() string { return "FLUSH" }
