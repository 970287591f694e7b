package ast

// When is one arm of CASE.
type When struct {
	Pos
	Cond   Expr // compared with Case.Arg if that is set
	Result Expr
}

// Case is CASE [arg] WHEN ... THEN ... [ELSE ...] END.
type Case struct {
	Pos
	Arg   Expr // nil for the searched form
	Whens []When
	Else  Expr // nil means NULL
}

// Coalesce is COALESCE(...).
type Coalesce struct {
	Pos
	Args []Expr
}

// NullIf is NULLIF(left, right).
type NullIf struct {
	Pos
	Left, Right Expr
}

// MinMax is GREATEST(...) or LEAST(...).
type MinMax struct {
	Pos
	Greatest bool // else LEAST
	Args     []Expr
}

// Cast is CAST(arg AS type), arg::type and the typed literals DATE '...',
// INTERVAL '...' HOUR, whose argument is a *StringLit.
type Cast struct {
	Pos
	Arg  Expr
	Type *TypeName
}

// Collate is arg COLLATE name.
type Collate struct {
	Pos
	Arg  Expr
	Name Name
}

// FuncCall is the call of a function, aggregate or window function. The
// spellings of SQL come as calls with SQLSyntax set: EXTRACT(f FROM x) is
// pg_catalog.extract('f', x), POSITION(a IN b) is pg_catalog.position(b, a),
// TRIM, SUBSTRING, OVERLAY, NORMALIZE likewise; x AT TIME ZONE z is
// pg_catalog.timezone(z, x); x OVERLAPS y is pg_catalog."overlaps".
type FuncCall struct {
	Pos
	Name        Name
	Args        []Expr // a *NamedArg where written with => or :=
	Star        bool   // count(*)
	Distinct    bool
	Variadic    bool // the last argument is VARIADIC
	OrderBy     []SortItem
	WithinGroup bool // OrderBy came from WITHIN GROUP
	Filter      Expr
	Over        *WindowDef
	SQLSyntax   bool
}

// NamedArg is name => arg among a call's arguments.
type NamedArg struct {
	Pos
	Name string
	Arg  Expr
}

// SQLValueKind is one of SQL's functions without parentheses.
type SQLValueKind uint8

// SQL's functions without parentheses.
const (
	CurrentDate SQLValueKind = iota
	CurrentTime
	CurrentTimestamp
	LocalTime
	LocalTimestamp
	CurrentRole
	CurrentUser
	User
	SessionUser
	CurrentCatalog
	CurrentSchema
)

var sqlValueNames = [...]string{
	"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_role",
	"current_user", "user", "session_user", "current_catalog", "current_schema",
}

// String gives the name in lower case, which is also the output column's name.
func (k SQLValueKind) String() string { return sqlValueNames[k] }

// SQLValue is CURRENT_DATE and its kin.
type SQLValue struct {
	Pos
	Kind      SQLValueKind
	Precision int // negative for none
}

// GroupingFunc is GROUPING(...).
type GroupingFunc struct {
	Pos
	Args []Expr
}

// Default is DEFAULT in VALUES and in SET col = DEFAULT.
type Default struct{ Pos }

// WindowDef is a window: after OVER, or named in the WINDOW clause.
type WindowDef struct {
	Pos
	Name        string // of a WINDOW clause's entry
	Ref         string // OVER name, or the window this one refines
	RefOnly     bool   // OVER name without parentheses
	PartitionBy []Expr
	OrderBy     []SortItem
	Frame       *Frame // nil means the default frame
}

// FrameMode is the unit of a frame's bounds.
type FrameMode uint8

// Frame units.
const (
	FrameRange FrameMode = iota
	FrameRows
	FrameGroups
)

// BoundKind is the kind of a frame's bound.
type BoundKind uint8

// Frame bounds, in the order in which they may follow each other.
const (
	UnboundedPreceding BoundKind = iota
	OffsetPreceding
	CurrentRow
	OffsetFollowing
	UnboundedFollowing
)

// FrameBound is one end of a frame.
type FrameBound struct {
	Kind   BoundKind
	Offset Expr // only of the Offset kinds
}

// FrameExclude says which rows of the frame are left out.
type FrameExclude uint8

// Exclusions.
const (
	ExcludeNone FrameExclude = iota
	ExcludeCurrentRow
	ExcludeGroup
	ExcludeTies
)

// Frame is a window's frame clause.
type Frame struct {
	Mode       FrameMode
	Start, End FrameBound
	Exclude    FrameExclude
}

func (*Case) expr()         {}
func (*Coalesce) expr()     {}
func (*NullIf) expr()       {}
func (*MinMax) expr()       {}
func (*Cast) expr()         {}
func (*Collate) expr()      {}
func (*FuncCall) expr()     {}
func (*NamedArg) expr()     {}
func (*SQLValue) expr()     {}
func (*GroupingFunc) expr() {}
func (*Default) expr()      {}
