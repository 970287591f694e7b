package ast

// Select is a whole query: a body with what goes around it. It is a statement,
// and what stands in every place that takes a query.
type Select struct {
	Pos
	With     *With
	Body     QueryBody
	OrderBy  []SortItem
	Limit    Expr // nil means all; LIMIT NULL is a *NullLit
	Offset   Expr
	WithTies bool // FETCH FIRST ... WITH TIES
	Locking  []Locking
	Emit     *Emit // only at the top of a statement
}

// SelectCore is SELECT ... FROM ... WHERE ... GROUP BY ... HAVING ...
type SelectCore struct {
	Pos
	Distinct      bool
	DistinctOn    []Expr // DISTINCT ON (...), then Distinct is set too
	Targets       []Target
	From          []TableRef
	Where         Expr
	GroupBy       []GroupItem
	GroupDistinct bool
	Having        Expr
	Windows       []*WindowDef
}

// Target is an item of a select list or of RETURNING.
type Target struct {
	Pos
	Expr  Expr   // *Star among others
	Alias string // empty if none; the binder makes up PostgreSQL's name
}

// GroupItem is an item of GROUP BY: an expression, or a grouping set when Kind
// is not GroupExpr.
type GroupItem struct {
	Pos
	Kind  GroupKind
	Expr  Expr        // GroupExpr
	Items []GroupItem // the others; a *Row in Expr groups several columns
}

// GroupKind is the kind of a GroupItem.
type GroupKind uint8

// Kinds of group items.
const (
	GroupExpr GroupKind = iota
	GroupEmpty
	GroupRollup
	GroupCube
	GroupSets
)

// SetOp is a set operation.
type SetOp uint8

// Set operations.
const (
	Union SetOp = iota
	Intersect
	Except
)

// SetOperation combines two queries.
type SetOperation struct {
	Pos
	Op          SetOp
	All         bool
	Left, Right *Select
}

// Values is VALUES (...), (...): all rows have as many expressions as the
// parser found; that they are equally many is the binder's to check.
type Values struct {
	Pos
	Rows [][]Expr // a *Default may stand in INSERT's
}

// Nulls says where NULLs sort.
type Nulls uint8

// Places of NULLs in an order.
const (
	NullsDefault Nulls = iota // last if ascending, first if descending
	NullsFirst
	NullsLast
)

// SortItem is an item of ORDER BY.
type SortItem struct {
	Pos
	Expr  Expr
	Desc  bool
	Nulls Nulls
}

// With is WITH [RECURSIVE] ...
type With struct {
	Pos
	Recursive bool
	CTEs      []*CTE
}

// CTE is one query of WITH.
type CTE struct {
	Pos
	Name            string
	Columns         []string
	Materialized    bool
	NotMaterialized bool
	Stmt            Statement // *Select, or INSERT/UPDATE/DELETE ... RETURNING
}

// LockStrength is how strongly FOR UPDATE and its kin lock.
type LockStrength uint8

// Row lock strengths, rising.
const (
	ForKeyShare LockStrength = iota
	ForShare
	ForNoKeyUpdate
	ForUpdate
)

// Locking is FOR UPDATE/SHARE [OF tables] [NOWAIT | SKIP LOCKED].
type Locking struct {
	Strength   LockStrength
	Of         []Name
	NoWait     bool
	SkipLocked bool
}

// Alias is AS name (columns).
type Alias struct {
	Name    string
	Columns []string
}

// TableName is a relation in FROM, or LATE(relation): its late rows.
type TableName struct {
	Pos
	Name  Name
	Only  bool
	Late  bool
	Alias *Alias
	AsOf  *AsOf // FOR SYSTEM_TIME AS OF, nil for none
}

// AsOf is FOR SYSTEM_TIME AS OF a time, or PROCTIME().
type AsOf struct {
	Pos
	Time     Expr // nil if Proctime
	Proctime bool
}

// SubqueryRef is a query in FROM.
type SubqueryRef struct {
	Pos
	Lateral bool
	Query   *Select
	Alias   *Alias
}

// ColumnSpec is a column in the definition list of a function returning record.
type ColumnSpec struct {
	Pos
	Name string
	Type *TypeName
}

// FuncItem is one function of a FuncRef.
type FuncItem struct {
	Call    Expr // *FuncCall, or what SQL's own spellings become (*SQLValue, *Cast)
	ColDefs []ColumnSpec
}

// FuncRef is a function, or ROWS FROM (several), in FROM.
type FuncRef struct {
	Pos
	Lateral    bool
	RowsFrom   bool
	Funcs      []FuncItem
	Ordinality bool
	Alias      *Alias
	ColDefs    []ColumnSpec // AS alias (name type, ...)
}

// WindowKind is a windowing table function.
type WindowKind uint8

// Windowing table functions.
const (
	Tumble WindowKind = iota
	Hop
	Session
	Cumulate
)

var windowKindNames = [...]string{"tumble", "hop", "session", "cumulate"}

// String gives the function's name.
func (k WindowKind) String() string { return windowKindNames[k] }

// WindowTVF assigns rows to windows: TUMBLE(rel, ts, size[, offset]),
// HOP(rel, ts, slide, size[, offset]), SESSION(rel [PARTITION BY …], ts, gap) and
// CUMULATE(rel, ts, step, size[, offset]), also in Flink's spelling. It yields the
// relation's columns, window_start and window_end.
type WindowTVF struct {
	Pos
	Kind        WindowKind
	Input       TableRef // *TableName or *SubqueryRef
	Time        *ColumnRef
	Slide       Expr // HOP's slide, CUMULATE's step
	Size        Expr // the window's length; SESSION's gap
	WindowOff   Expr // nil means none
	PartitionBy []Expr
	Alias       *Alias
}

// JoinType is the type of a join.
type JoinType uint8

// Join types.
const (
	InnerJoin JoinType = iota
	LeftJoin
	RightJoin
	FullJoin
	CrossJoin
)

// Join joins two items of FROM.
type Join struct {
	Pos
	Type        JoinType
	Natural     bool
	Left, Right TableRef
	Using       []string
	UsingAlias  string
	On          Expr
	Alias       *Alias // (a JOIN b ...) AS alias
	Asof        bool   // ASOF JOIN
	Match       Expr   // MATCH_CONDITION (…) of an ASOF JOIN, nil for none
}

func (*TableName) tableRef()   {}
func (*SubqueryRef) tableRef() {}
func (*FuncRef) tableRef()     {}
func (*WindowTVF) tableRef()   {}
func (*Join) tableRef()        {}

func (*SelectCore) queryBody()   {}
func (*SetOperation) queryBody() {}
func (*Values) queryBody()       {}

// Tag is SELECT.
func (*Select) Tag() string { return "SELECT" }
