package logical

import (
	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/types"
	"streamdb/window"
)

// Scan reads a relation.
type Scan struct {
	Rel     *catalog.Descriptor // nil for a virtual relation
	Virtual *catalog.Virtual
	// Name is the name it goes by in the statement, for EXPLAIN.
	Name string
	// Out and ColumnIDs are parallel: the columns read and their ids in the relation.
	Out       []ColID
	ColumnIDs []int
	// Index is the index whose relation is read instead, 0 for none; Range bounds its
	// key, or the table's own.
	Index catalog.ID
	Range *physical.KeyRange
	// Late reads the relation's late rows; of several columns more, the last one is by how
	// much. Lateness, in µs, is what is still corrected, see physical.Scan.
	Late     bool
	Lateness int64
}

// Values is constant rows.
type Values struct {
	Out  []ColID
	Rows [][]*expr.Expr
}

// Filter keeps the rows whose Pred is true.
type Filter struct {
	Input Node
	Pred  *expr.Expr
}

// Project computes columns. An output that only passes a column on keeps its id, or
// renames it.
type Project struct {
	Input Node
	Out   []ColID
	Exprs []*expr.Expr
}

// SetCall is a call of a set-returning function.
type SetCall struct {
	Col  ColID
	Fn   string
	Args []*expr.Expr
	Type types.Type
}

// ProjectSet emits, per input row, the input's columns followed by the rows of its
// functions run in parallel.
type ProjectSet struct {
	Input Node
	Funcs []SetCall
	// Ordinality is the counting column, 0 for none.
	Ordinality ColID
	Outer      bool
}

// HopWindow emits each row once per window that holds its time.
type HopWindow struct {
	Input      Node
	Time       ColID
	Slide      int64 // µs
	Size       int64 // µs
	Offset     int64 // µs
	Cumulate   bool
	Calendar   *window.Calendar // lengths without a fixed number of µs
	Start, End ColID
	// WindowTime is the column of the last instant of the window, 0 if nobody wants it.
	WindowTime ColID
}

// Windows is the columns that n adds.
func (n *HopWindow) Windows() []ColID {
	if n.WindowTime == 0 {
		return []ColID{n.Start, n.End}
	}
	return []ColID{n.Start, n.End, n.WindowTime}
}

// Physical is n in a plan, its time being input column time.
func (n *HopWindow) Physical(time int) *physical.HopWindow {
	return &physical.HopWindow{Time: time, Slide: n.Slide, Size: n.Size, Offset: n.Offset, Cumulate: n.Cumulate,
		Calendar: n.Calendar, WindowTime: n.WindowTime != 0}
}

// Leaders drops rows that are behind in their tumbling window for ever, see
// physical.Leaders. Window.Input, Start and End are not used.
type Leaders struct {
	Input  Node
	Value  ColID
	Max    bool
	Window HopWindow
	Edge   bool
}

// OrderKey is one sort key.
type OrderKey struct {
	Col        ColID
	Desc       bool
	NullsFirst bool
}

// AggCall is one aggregate.
type AggCall struct {
	Col      ColID
	Fn       string // id in package functions
	Args     []*expr.Expr
	Type     types.Type
	Distinct bool
	Filter   *expr.Expr // nil for none
	Order    []AggOrder
}

// AggOrder is a sort key of an order-sensitive aggregate.
type AggOrder struct {
	Expr       *expr.Expr
	Desc       bool
	NullsFirst bool
}

// Agg groups by columns; they keep their ids. With Scalar set there are no group
// columns and always exactly one row.
type Agg struct {
	Input  Node
	Group  []ColID
	Calls  []AggCall
	Scalar bool
	// Hop is set by the rule that shares panes: Hop.Input is not used, the Agg's input
	// has not been multiplied into windows and Hop's columns are computed by the Agg.
	Hop *HopWindow
}

// Join joins on any condition; nil On is true. Semi and anti joins put out left
// columns only.
type Join struct {
	Type        physical.JoinType
	Left, Right Node
	On          *expr.Expr
}

// Apply is a join whose right side may use columns of the left.
type Apply struct {
	Type        physical.JoinType
	Left, Right Node
	On          *expr.Expr
}

// Union is UNION ALL of any number of inputs: output i is column InCols[k][i] of input k.
type Union struct {
	In     []Node
	Out    []ColID
	InCols [][]ColID
}

// SetOp is INTERSECT or EXCEPT.
type SetOp struct {
	Op                  physical.SetOpKind
	All                 bool
	Left, Right         Node
	Out                 []ColID
	LeftCols, RightCols []ColID
}

// TopN keeps, per partition, rows [Offset, Offset+Limit) of an order. Limit and
// Offset are bigint expressions without columns; nil means all, and none skipped.
type TopN struct {
	Input         Node
	Partition     []ColID
	Order         []OrderKey
	Limit, Offset *expr.Expr
	WithTies      bool
	// Number is the column of the row number, added to the input's; 0 for none.
	Number ColID
}

// MaxOneRow is a scalar subquery, the right side of an Apply: it gives no row or one, and
// where it would give several its values are the error 21000. It ends with the Apply.
type MaxOneRow struct {
	Input Node
}

// Recursive is WITH RECURSIVE.
type Recursive struct {
	ID                  int
	All                 bool
	Start, Step         Node
	Out                 []ColID
	StartCols, StepCols []ColID
}

// WorkTable reads the last round of the Recursive with the same ID.
type WorkTable struct {
	ID  int
	Out []ColID
}

// Shared is a query that is computed once for all who read it: rules do not look
// through it.
type Shared struct {
	Input Node
}
