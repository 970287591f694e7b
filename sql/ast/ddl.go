package ast

// ColumnDef defines a column.
type ColumnDef struct {
	Pos
	Name        string
	Type        *TypeName // a serial pseudo-type among others, see TypeName.Serial
	Collation   *Name
	Default     Expr
	Identity    *Identity
	Generated   Expr // GENERATED ALWAYS AS (expr) STORED
	NotNull     bool
	Null        bool          // written NULL; contradicts NotNull
	NullPos     Pos           // where NULL stands or, if NOT NULL stands there, too, the second of the two
	Constraints []*Constraint // PRIMARY KEY, UNIQUE, CHECK and NOT NULL, in order
}

// Identity is GENERATED ... AS IDENTITY.
type Identity struct {
	Pos
	Always  bool // else BY DEFAULT
	Options []SequenceOption
}

// ConstraintKind is the kind of a constraint.
type ConstraintKind uint8

// Kinds of constraints.
const (
	PrimaryKey ConstraintKind = iota
	Unique
	Check
	NotNull
)

// Constraint is a constraint of a table or column.
type Constraint struct {
	Pos
	Kind             ConstraintKind
	Name             string   // empty means PostgreSQL's made-up name
	Columns          []string // of keys; empty in a column's constraint
	Include          []string
	Expr             Expr // of CHECK
	NullsNotDistinct bool
	NotValid         bool
	NoInherit        bool
}

// TableLike is LIKE table in CREATE TABLE, with what it includes.
type TableLike struct {
	Pos
	Name Name
	// Before is the number of columns that are defined before it.
	Before                                             int
	Defaults, Identity, Constraints, Indexes, Comments bool
}

// CreateTable is CREATE TABLE, and CREATE TABLE AS when As is set.
type CreateTable struct {
	Pos
	Name        Name
	IfNotExists bool
	Temporary   bool
	Columns     []*ColumnDef
	Likes       []*TableLike
	Constraints []*Constraint
	Watermarks  []*Watermark
	AppendOnly  bool
	Include     []IncludeColumn
	Options     []Option // connector = ... among them
	Format      *Format

	As          Statement // *Select or *Execute
	ColumnNames []string  // only with As
	WithNoData  bool      // only with As
}

// CreateView is CREATE VIEW.
type CreateView struct {
	Pos
	Name      Name
	OrReplace bool
	Temporary bool
	Columns   []string
	Options   []Option
	Query     *Select
}

// CreateMaterializedView is CREATE MATERIALIZED VIEW.
type CreateMaterializedView struct {
	Pos
	Name        Name
	IfNotExists bool
	Columns     []string
	Options     []Option
	Query       *Select
	Emit        *Emit // nil means on update
	WithNoData  bool
}

// CreateIndex is CREATE INDEX.
type CreateIndex struct {
	Pos
	Name         string // empty means PostgreSQL's made-up name
	IfNotExists  bool
	Unique       bool
	Concurrently bool
	Table        Name
	Method       string // btree unless USING says otherwise
	Elems        []IndexElem
	Include      []string
	Where        Expr
	Options      []Option

	NullsNotDistinct bool
}

// IndexElem is a column or expression of an index or conflict target.
type IndexElem struct {
	Pos
	Column    string // empty if Expr is set
	Expr      Expr
	Collation *Name
	OpClass   *Name
	Desc      bool
	Nulls     Nulls
}

// CreateSchema is CREATE SCHEMA.
type CreateSchema struct {
	Pos
	Name        string // empty means the owner's name
	IfNotExists bool
	Owner       string
	Stmts       []Statement // CREATE TABLE, VIEW, ... inside it
}

// CreateSequence is CREATE SEQUENCE.
type CreateSequence struct {
	Pos
	Name        Name
	IfNotExists bool
	Temporary   bool
	Options     []SequenceOption
}

// AlterSequence is ALTER SEQUENCE with options.
type AlterSequence struct {
	Pos
	Name     Name
	IfExists bool
	Options  []SequenceOption
}

// SequenceOption is one clause of a sequence: as, increment, minvalue,
// maxvalue, start, restart, cache, cycle, owned_by.
type SequenceOption struct {
	Pos
	Name string
	// Value is the number of increment, minvalue, maxvalue, start, restart and
	// cache; HasValue is false for RESTART and NO MINVALUE/MAXVALUE.
	Value    int64
	HasValue bool
	On       bool      // of cycle: CYCLE, else NO CYCLE
	Type     *TypeName // of as
	Owner    []string  // of owned_by: table and column, or just "none"
}

// Drop is DROP of any kind of object.
type Drop struct {
	Pos
	Kind         ObjectKind
	Names        []Name // a schema's is Name.Name
	IfExists     bool
	Cascade      bool
	Concurrently bool
}

// Comment is COMMENT ON.
type Comment struct {
	Pos
	Kind   ObjectKind
	Name   Name
	Column string  // of KindColumn, KindConstraint: the column or constraint of Name
	Text   *string // nil removes the comment
}

// Grant is GRANT or REVOKE.
type Grant struct {
	Pos
	Revoke          bool
	Privileges      []string // empty means ALL
	Kind            ObjectKind
	AllInSchema     bool // Names are schemas
	Names           []Name
	Roles           []string // who is given; public is "public"
	RoleMembership  bool     // GRANT role TO role: Privileges are the roles
	WithGrantOption bool
	Cascade         bool
}

// RefreshMaterializedView is REFRESH MATERIALIZED VIEW.
type RefreshMaterializedView struct {
	Pos
	Name         Name
	Concurrently bool
	WithNoData   bool
}

// Tag is CREATE TABLE, or CREATE TABLE AS as PostgreSQL's SELECT INTO has it.
func (s *CreateTable) Tag() string {
	if s.As != nil {
		return "SELECT"
	}
	return "CREATE TABLE"
}

// Tag is CREATE VIEW.
func (*CreateView) Tag() string { return "CREATE VIEW" }

// Tag is CREATE MATERIALIZED VIEW.
func (*CreateMaterializedView) Tag() string { return "CREATE MATERIALIZED VIEW" }

// Tag is CREATE INDEX.
func (*CreateIndex) Tag() string { return "CREATE INDEX" }

// Tag is CREATE SCHEMA.
func (*CreateSchema) Tag() string { return "CREATE SCHEMA" }

// Tag is CREATE SEQUENCE.
func (*CreateSequence) Tag() string { return "CREATE SEQUENCE" }

// Tag is ALTER SEQUENCE.
func (*AlterSequence) Tag() string { return "ALTER SEQUENCE" }

// Tag is DROP and the kind.
func (s *Drop) Tag() string { return "DROP " + s.Kind.SQL() }

// Tag is COMMENT.
func (*Comment) Tag() string { return "COMMENT" }

// Tag is GRANT or REVOKE.
func (s *Grant) Tag() string {
	word := "GRANT"
	if s.Revoke {
		word = "REVOKE"
	}
	if s.RoleMembership {
		return word + " ROLE"
	}
	return word
}

// Tag is REFRESH MATERIALIZED VIEW.
func (*RefreshMaterializedView) Tag() string { return "REFRESH MATERIALIZED VIEW" }
