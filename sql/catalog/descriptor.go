package catalog

import (
	"encoding/json"

	"streamdb/sql/types"
)

// ID names an object for ever: an OID to clients, a relation id to plans.
type ID uint32

// The ids of the built-in schemas; everything users make starts at FirstUserID.
const (
	PgCatalogID         ID = 11
	PublicID            ID = 2200
	InformationSchemaID ID = 13000
	StreamdbID          ID = 13001
	FirstUserID         ID = 16384
)

// The names of the built-in schemas.
const (
	PgCatalog         = "pg_catalog"
	Public            = "public"
	InformationSchema = "information_schema"
	Streamdb          = "streamdb"
)

// Kind is what an object is.
type Kind string

// The kinds of objects. All but schemas share one name space per schema.
const (
	KindSchema   Kind = "schema"
	KindTable    Kind = "table"
	KindView     Kind = "view"
	KindMatView  Kind = "materialized view"
	KindSource   Kind = "source"
	KindSink     Kind = "sink"
	KindIndex    Kind = "index"
	KindSequence Kind = "sequence"
)

// Descriptor describes one object. Exactly the field that belongs to its Kind is
// set; schemas have none. A Descriptor within a Catalog is immutable.
type Descriptor struct {
	ID     ID     `json:"id"`
	Kind   Kind   `json:"kind"`
	Schema ID     `json:"schema,omitempty"` // 0 for schemas
	Name   string `json:"name"`
	Owner  string `json:"owner"`
	// Comment is what COMMENT ON says, empty for none.
	Comment string `json:"comment,omitempty"`
	// Created is when, in µs since 2000-01-01 UTC.
	Created int64 `json:"created"`
	// Version is the catalog version that wrote this descriptor: what a transaction
	// compares to see whether a table is still what it was planned against.
	Version uint64 `json:"version"`
	// Deps is what this object is built on.
	Deps []Dependency `json:"deps,omitempty"`

	Table    *Table    `json:"table,omitempty"` // KindTable and KindSource
	View     *View     `json:"view,omitempty"`
	MatView  *MatView  `json:"mat_view,omitempty"`
	Sink     *Sink     `json:"sink,omitempty"`
	Index    *Index    `json:"index,omitempty"`
	Sequence *Sequence `json:"sequence,omitempty"`
}

// Dependency is one object that another is built on.
type Dependency struct {
	On ID `json:"on"`
	// Columns is the column ids of On that are used; nil means the object as such.
	Columns []int `json:"columns,omitempty"`
	// Auto drops the dependent silently with On: an index, a serial column's sequence.
	Auto bool `json:"auto,omitempty"`
	// Default is the column id of the dependent whose default needs On; 0 means the
	// dependent as a whole does. Cascading only drops the default.
	Default int `json:"default,omitempty"`
}

// Column is a column of a table, source, view, materialized view or sink.
type Column struct {
	// ID is unique within its relation for ever and also its attnum, from 1.
	ID      int        `json:"id"`
	Name    string     `json:"name"`
	Type    types.Type `json:"type"`
	NotNull bool       `json:"not_null,omitempty"`
	// Default is the default's SQL text, empty for none.
	Default string `json:"default,omitempty"`
	// Identity is "a" for GENERATED ALWAYS, "d" for BY DEFAULT AS IDENTITY, as in
	// pg_attribute.attidentity.
	Identity string `json:"identity,omitempty"`
	// Sequence feeds a serial or identity column; 0 for none.
	Sequence ID `json:"sequence,omitempty"`
	// Missing is the value of the column in rows that are older than it; nil means NULL.
	Missing *types.Datum `json:"missing,omitempty"`
	// Hidden columns are kept and found by name but not part of *.
	Hidden  bool   `json:"hidden,omitempty"`
	Comment string `json:"comment,omitempty"`
}

// Table is a table or, in a KindSource descriptor, a source.
type Table struct {
	Columns []Column `json:"columns"`
	// NextColumn is the id of the next column to be added.
	// Invariant: all column ids < NextColumn.
	NextColumn  int          `json:"next_column"`
	Constraints []Constraint `json:"constraints,omitempty"`
	// AppendOnly refuses UPDATE and DELETE; views over it know that nothing is retracted.
	AppendOnly bool `json:"append_only,omitempty"`
	// Watermarks is one per column of event time.
	Watermarks []Watermark `json:"watermarks,omitempty"`
	// Retention is how long rows are kept, nil for ever.
	Retention *Retention `json:"retention,omitempty"`
	// Connector is where rows come from: always for a source, never for a plain table.
	Connector *Connector `json:"connector,omitempty"`
	// Options is what WITH says beyond the connector's own.
	Options map[string]string `json:"options,omitempty"`
}

// ConstraintKind is the kind of a constraint.
type ConstraintKind string

// The kinds of constraints, with pg_constraint.contype's letters.
const (
	ConstraintPrimaryKey ConstraintKind = "p"
	ConstraintUnique     ConstraintKind = "u"
	ConstraintCheck      ConstraintKind = "c"
)

// Constraint is a table's constraint. NOT NULL is a property of the column.
type Constraint struct {
	ID   ID             `json:"id"`
	Name string         `json:"name"`
	Kind ConstraintKind `json:"kind"`
	// Columns is the column ids of a key, in key order, or those a check reads.
	Columns []int `json:"columns,omitempty"`
	// Index is the index that enforces a key; it has the constraint's name.
	Index ID `json:"index,omitempty"`
	// Check is a check's SQL text, without the outer parentheses.
	Check string `json:"check,omitempty"`
}

// UnmarshalJSON also reads tables of the time when they had one watermark at most, which
// no row was too far in the future for.
func (t *Table) UnmarshalJSON(b []byte) error {
	type plain Table
	v := struct {
		*plain
		Watermark *Watermark `json:"watermark"`
	}{plain: (*plain)(t)}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	if v.Watermark != nil {
		t.Watermarks = append(t.Watermarks, *v.Watermark)
	}
	return nil
}

// WatermarkOf returns the watermark of a column, nil for none.
func (t *Table) WatermarkOf(column int) *Watermark {
	for i := range t.Watermarks {
		if t.Watermarks[i].Column == column {
			return &t.Watermarks[i]
		}
	}
	return nil
}

// Watermark says that rows whose Column is below the highest value seen minus Delay
// are late.
type Watermark struct {
	Column int    `json:"column"` // column id
	Expr   string `json:"expr"`   // the text after AS
	Delay  int64  `json:"delay"`  // µs, >= 0
	// MaxDrift is how far ahead of the log's clock, in µs, a value may be and still raise
	// the watermark; 0 means any.
	MaxDrift int64 `json:"max_drift,omitempty"`
	// IdleTimeout is the silence, in µs of the log's time, after which the watermark rises
	// with the log's clock; 0 means never.
	IdleTimeout int64 `json:"idle_timeout,omitempty"`
}

// Retention takes rows out of an append-only table when the watermark of a column has passed them by some time.
type Retention struct {
	Column int `json:"column"` // column id
	// Micros is that time; 0 means for ever. The column stays when a retention is reset, since the rows lie in its order.
	Micros int64 `json:"micros,omitempty"`
}

// Retains is how long the table keeps its rows, in µs; 0 means for ever.
func (t *Table) Retains() int64 {
	if t.Retention == nil {
		return 0
	}
	return t.Retention.Micros
}

// MaxDriftDefault is the MaxDrift of a watermark that is declared without one: a day.
const MaxDriftDefault = 86_400_000_000

// Connector is the outside end of a source, sink or table.
type Connector struct {
	Name    string            `json:"name"` // generator, file, blackhole, …
	Options map[string]string `json:"options,omitempty"`
	// Format and Encode are the words of FORMAT … ENCODE …, upper case; empty if not given.
	Format        string            `json:"format,omitempty"`
	Encode        string            `json:"encode,omitempty"`
	FormatOptions map[string]string `json:"format_options,omitempty"`
	// Include is the columns that come from a record's envelope.
	Include []Include `json:"include,omitempty"`
}

// ByReference reports whether the log holds ranges of the connector's rows instead of the
// rows: the same range gives the same rows as long as the log is kept.
func (c *Connector) ByReference() bool { return c != nil && c.Name == "nexmark" }

// Include is a column filled from a record's envelope.
type Include struct {
	Column int    `json:"column"` // column id
	What   string `json:"what"`   // key, partition, offset, timestamp, header, file, …
}

// View is a stored query.
type View struct {
	// Query is the text as normalised by the printer.
	Query   string   `json:"query"`
	Columns []Column `json:"columns"`
	// SearchPath is what unqualified names in Query are looked up in.
	SearchPath []string `json:"search_path,omitempty"`
}

// EmitPolicy is when a materialized view or sink shows changes.
type EmitPolicy string

// The policies; EmitEvery goes with Emit.Every.
const (
	EmitOnUpdate      EmitPolicy = "on_update"
	EmitOnWindowClose EmitPolicy = "on_window_close"
	EmitEvery         EmitPolicy = "every"
)

// Emit is an emission policy with its detail.
type Emit struct {
	Policy EmitPolicy `json:"policy"`
	Every  int64      `json:"every,omitempty"` // µs, of EmitEvery
	// EveryMonths is months, of EmitEvery; then Every is 0.
	EveryMonths int32 `json:"every_months,omitempty"`
}

// Query is what a materialized view and a sink have in common: a maintained query.
type Query struct {
	Text       string   `json:"text"` // as normalised by the printer
	SearchPath []string `json:"search_path,omitempty"`
	Columns    []Column `json:"columns"`
	// Plan is the bound plan: a physical.Plan as JSON.
	Plan json.RawMessage `json:"plan"`
	// StreamKey is the positions in Columns that identify a row; nil means the whole row.
	StreamKey  []int `json:"stream_key,omitempty"`
	AppendOnly bool  `json:"append_only,omitempty"`
	// Watermarks is the positions in Columns that carry a watermark.
	Watermarks []int `json:"watermarks,omitempty"`
	// WindowEnds is those of them that are bounds of windows: a row with a value below its
	// watermark belongs to a window that is closed.
	WindowEnds []int             `json:"window_ends,omitempty"`
	Emit       Emit              `json:"emit"`
	Options    map[string]string `json:"options,omitempty"`
}

// MatView is a materialized view.
type MatView struct {
	Query
	// StartLatest leaves out the rows that its sources had when it was made.
	StartLatest bool `json:"start_latest,omitempty"`
}

// Sink is an outward object. FROM rel is kept as SELECT * FROM rel.
type Sink struct {
	Query
	Connector *Connector `json:"connector"`
}

// IndexColumn is one key column of an index.
type IndexColumn struct {
	Column     int  `json:"column"` // column id of the indexed relation
	Desc       bool `json:"desc,omitempty"`
	NullsFirst bool `json:"nulls_first,omitempty"`
}

// Index is an index over a table or materialized view. A table's primary index has
// no rows of its own: the table itself is kept in that order.
type Index struct {
	On      ID            `json:"on"`
	Columns []IndexColumn `json:"columns"`
	Unique  bool          `json:"unique,omitempty"`
	Primary bool          `json:"primary,omitempty"`
	// Include is the column ids stored beside the key.
	Include []int `json:"include,omitempty"`
}

// Sequence is a number generator. Its current value is not part of the catalog.
type Sequence struct {
	Type      types.Type `json:"type"`
	Start     int64      `json:"start"`
	Increment int64      `json:"increment"`
	Min       int64      `json:"min"`
	Max       int64      `json:"max"`
	Cache     int64      `json:"cache"`
	Cycle     bool       `json:"cycle,omitempty"`
	// OwnedBy and OwnedColumn are the table column it is dropped with; 0 for none.
	OwnedBy     ID  `json:"owned_by,omitempty"`
	OwnedColumn int `json:"owned_column,omitempty"`
}

// Columns gives the columns of whatever has some, nil for the rest.
func (d *Descriptor) Columns() []Column {
	switch {
	case d.Table != nil:
		return d.Table.Columns
	case d.View != nil:
		return d.View.Columns
	case d.MatView != nil:
		return d.MatView.Columns
	case d.Sink != nil:
		return d.Sink.Columns
	}
	return nil
}

// Column finds a column by name, nil if there is none.
func (d *Descriptor) Column(name string) *Column {
	cols := d.Columns()
	for i := range cols {
		if cols[i].Name == name {
			return &cols[i]
		}
	}
	return nil
}

// ColumnByID finds a column by id, nil if there is none.
func (d *Descriptor) ColumnByID(id int) *Column {
	cols := d.Columns()
	for i := range cols {
		if cols[i].ID == id {
			return &cols[i]
		}
	}
	return nil
}

// Query gives the maintained query of a materialized view or sink, nil for the rest.
func (d *Descriptor) Query() *Query {
	switch {
	case d.MatView != nil:
		return &d.MatView.Query
	case d.Sink != nil:
		return &d.Sink.Query
	}
	return nil
}

// IsRelation tells whether rows can be selected from the object.
func (d *Descriptor) IsRelation() bool {
	switch d.Kind {
	case KindTable, KindView, KindMatView, KindSource:
		return true
	}
	return false
}

// PrimaryKey gives the column ids of a table's primary key, nil if it has none.
func (d *Descriptor) PrimaryKey() []int {
	if d.Table == nil {
		return nil
	}
	for i := range d.Table.Constraints {
		if c := &d.Table.Constraints[i]; c.Kind == ConstraintPrimaryKey {
			return c.Columns
		}
	}
	return nil
}

// Constraint finds a table's constraint by name, nil if there is none.
func (d *Descriptor) Constraint(name string) *Constraint {
	if d.Table == nil {
		return nil
	}
	for i := range d.Table.Constraints {
		if d.Table.Constraints[i].Name == name {
			return &d.Table.Constraints[i]
		}
	}
	return nil
}

// Clone makes a deep copy that may be changed and Put.
func (d *Descriptor) Clone() *Descriptor {
	b, err := json.Marshal(d)
	if err != nil {
		panic("catalog: descriptor does not marshal: " + err.Error())
	}
	c := new(Descriptor)
	if err := json.Unmarshal(b, c); err != nil {
		panic("catalog: descriptor does not unmarshal: " + err.Error())
	}
	return c
}
