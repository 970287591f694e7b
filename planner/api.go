package planner

import (
	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// Options is what planning depends on beside catalog and statement.
type Options struct {
	// SearchPath is the setting, split; nil means catalog.DefaultSearchPath. "$user" is
	// replaced by User.
	SearchPath []string
	User       string
	Database   string
	// Settings is how literals are read and constants folded; nil means the defaults.
	Settings *types.Settings
	// Recorded is the settings that a maintained plan takes along (TimeZone, DateStyle, …).
	Recorded map[string]string
	// Virtuals is the relations that the server computes.
	Virtuals *catalog.Virtuals
	// Connector gives the columns of a connector that knows its own, for sources that
	// are declared without columns, and refuses options it does not know; nil knows none.
	Connector func(c *catalog.Connector) (columns []catalog.Column, watermark *catalog.Watermark, err error)
	// NoParams refuses parameters: nobody can give their values.
	NoParams bool
	// Now is the creation time of new objects, in µs since 2000-01-01 UTC.
	Now int64
}

// Planner plans statements against one catalog snapshot. It is cheap to make and
// not safe for concurrent use.
type Planner struct {
	cat  *catalog.Catalog
	opts Options
	path []string
}

// Planned is a planned statement: *Query, *Insert, *Update, *Delete, *Truncate,
// *CopyIn, *DDL, *Subscribe or *Explain.
type Planned interface {
	// Common is what all planned statements have in common.
	Common() *Info
}

// Info is what all planned statements have in common.
type Info struct {
	Tag string
	// Params is the types of the statement's parameters, given or inferred.
	Params []types.Type
	// CatalogVersion is what the statement was planned against: a cached plan is good
	// for that version only.
	CatalogVersion uint64
	// Reads is the stored relations that the statement's plans scan (views resolved to
	// what is below them), ascending and without doubles.
	Reads []catalog.ID
	// Volatile says that the plan calls volatile functions.
	Volatile bool
}

// Common implements Planned.
func (i *Info) Common() *Info { return i }

// Field is one column of a result.
type Field struct {
	Name string
	Type types.Type
	// Table and Column say where the value comes from unchanged; 0 if it does not.
	Table  catalog.ID
	Column int
}

// Query is a statement that returns rows: SELECT, VALUES, TABLE, COPY … TO.
type Query struct {
	Info
	Fields []Field
	Plan   *physical.Plan
	// Ordered says that the plan's root is a TopN that orders the result.
	Ordered bool
}

// Check is a CHECK constraint over a row in table column order.
type Check struct {
	Name string
	Expr *expr.Expr // violated where false; NULL passes
}

// Returning is a RETURNING list. The statement says what its columns refer to.
type Returning struct {
	Fields []Field
	Exprs  []*expr.Expr
}

// Insert adds rows.
type Insert struct {
	Info
	Table *catalog.Descriptor
	// Plan yields one column per table column, in table order, defaults evaluated and
	// assignment casts done. NOT NULL, Checks and keys are for the executor to hold.
	Plan     *physical.Plan
	Checks   []Check
	Conflict *Conflict
	// Returning is over the new row; nil if there is none.
	Returning *Returning
}

// Conflict is ON CONFLICT.
type Conflict struct {
	// Keys is the unique keys that arbitrate, as positions in the table's columns;
	// nil means every key of the table (DO NOTHING only).
	Keys [][]int
	// DoNothing skips the row; otherwise the row that is there becomes Set.
	DoNothing bool
	// Set is one expression per table column over the row that is there followed by
	// the row proposed for insertion (excluded).
	Set []*expr.Expr
	// Where leaves the row that is there alone where it is not true; nil is true.
	Where *expr.Expr
}

// Update changes rows.
type Update struct {
	Info
	Table *catalog.Descriptor
	// Plan yields the old row's columns, the new row's columns, both in table order,
	// and what else Returning needs. A target row comes at most once per weight.
	Plan   *physical.Plan
	Checks []Check
	// Changed is the positions of the columns that are assigned.
	Changed []int
	// Returning is over Plan's output; nil if there is none.
	Returning *Returning
}

// Delete removes rows.
type Delete struct {
	Info
	Table *catalog.Descriptor
	// Plan yields the old row's columns in table order and what else Returning needs.
	Plan *physical.Plan
	// Returning is over Plan's output; nil if there is none.
	Returning *Returning
}

// Truncate empties tables.
type Truncate struct {
	Info
	Tables []*catalog.Descriptor
	// Restart is the sequences to set back, of RESTART IDENTITY.
	Restart []*catalog.Descriptor
}

// CopyIn is COPY table FROM: rows come from the client or a file.
type CopyIn struct {
	Info
	Table *catalog.Descriptor
	// Fields is the columns that are read, with their types.
	Fields []Field
	// Row is one expression per table column over the columns read.
	Row    []*expr.Expr
	Where  *expr.Expr // over the columns of the table; nil is true
	Checks []Check
}

// Notice is a NOTICE or WARNING that planning a statement raises.
type Notice struct {
	Severity string // NOTICE or WARNING
	Code     string
	Message  string
	Detail   string
}

// DDL changes the catalog.
type DDL struct {
	Info
	// Changes is what goes to the log. It may be empty: IF NOT EXISTS, IF EXISTS.
	Changes []catalog.Change
	Notices []Notice
	// Object is the object that CREATE or ALTER is about, as it will be; nil for DROP
	// and where nothing happens.
	Object *catalog.Descriptor
	// Plan is the maintained plan of a new materialized view or sink; it is also in
	// Object as JSON.
	Plan *physical.Plan
	// Fill yields the rows of CREATE TABLE AS, one column per column; nil otherwise or
	// with WITH NO DATA.
	Fill *physical.Plan
	// Rewrite says that Fill yields all rows of Object, a table that is there, anew.
	Rewrite bool
	// Validate is to be run first against the data that is there.
	Validate []Validation
	// Restart sets sequences to a value (ALTER SEQUENCE RESTART), by sequence id.
	Restart map[catalog.ID]int64
	// Background is WITH (background): do not wait for the backfill.
	Background bool
}

// Validation is a query that must not give a row, and the error if it does.
type Validation struct {
	Plan *physical.Plan
	Err  *sqlerr.Error
	// Reads is the relations that the query reads: they must not change until the statement is committed.
	Reads []catalog.ID
}

// Subscribe is SUBSCRIBE: the changes of a relation or query as rows.
type Subscribe struct {
	Info
	// Relation is what is followed, nil for a query; then Plan is a maintained plan.
	Relation *catalog.Descriptor
	Plan     *physical.Plan
	Fields   []Field // without epoch and weight
	Snapshot bool
	Progress bool
}

// New makes a planner over a catalog snapshot.
func New(cat *catalog.Catalog, opts Options) *Planner {
	if opts.SearchPath == nil {
		opts.SearchPath = catalog.DefaultSearchPath
	}
	if opts.Settings == nil {
		opts.Settings = types.DefaultSettings
	}
	p := &Planner{cat: cat, opts: opts}
	for _, s := range opts.SearchPath {
		if s == "$user" {
			if s = opts.User; !cat.HasUserSchema(s) {
				continue
			}
		}
		p.path = append(p.path, s)
	}
	return p
}
