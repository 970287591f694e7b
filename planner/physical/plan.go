package physical

import (
	"streamdb/sql/expr"
	"streamdb/sql/types"
	"streamdb/window"
)

// Version is the version of the plan format. A reader refuses newer ones.
const Version = 1

// RelationID names a relation (table, materialized view, source, index) for ever.
type RelationID uint32

// Plan is a directed acyclic graph of nodes in topological order: a node's inputs
// stand before it. The last node is the root.
type Plan struct {
	Version int    `json:"version"`
	Nodes   []Node `json:"nodes"`
	// Settings are the settings that its expressions read (TimeZone, DateStyle, …).
	Settings map[string]string `json:"settings,omitempty"`
}

// Kind says what a node does; the field of Node with the same name holds its details.
type Kind string

// The kinds of nodes.
const (
	KindScan       Kind = "Scan"
	KindValues     Kind = "Values"
	KindFilter     Kind = "Filter"
	KindProject    Kind = "Project"
	KindProjectSet Kind = "ProjectSet"
	KindHopWindow  Kind = "HopWindow"
	KindSession    Kind = "SessionWindow"
	KindLeaders    Kind = "Leaders"
	KindAgg        Kind = "Agg"
	KindJoin       Kind = "Join"
	KindUnion      Kind = "Union"
	KindSetOp      Kind = "SetOp"
	KindTopN       Kind = "TopN"
	KindOverWindow Kind = "OverWindow"
	KindEmit       Kind = "Emit"
	KindEmitEvery  Kind = "EmitEvery"
	KindExchange   Kind = "Exchange"
	KindRecursive  Kind = "Recursive"
	KindWorkTable  Kind = "WorkTable"
)

// Node is one node of a plan.
type Node struct {
	Kind   Kind         `json:"kind"`
	Inputs []int        `json:"inputs,omitempty"` // indexes into Plan.Nodes
	Schema []types.Type `json:"schema"`           // of its output
	Names  []string     `json:"names,omitempty"`  // of its output, for people

	// StreamKey is the output columns that identify a row of the changelog (no two
	// live rows agree on them); nil means that only the whole row with its weight does.
	StreamKey []int `json:"stream_key,omitempty"`
	// AppendOnly promises that no retraction ever leaves the node.
	AppendOnly bool `json:"append_only,omitempty"`
	// Watermarks is the output columns that carry a watermark.
	Watermarks []int `json:"watermarks,omitempty"`

	Scan       *Scan       `json:"scan,omitempty"`
	Values     *Values     `json:"values,omitempty"`
	Filter     *Filter     `json:"filter,omitempty"`
	Project    *Project    `json:"project,omitempty"`
	ProjectSet *ProjectSet `json:"project_set,omitempty"`
	HopWindow  *HopWindow  `json:"hop_window,omitempty"`
	Leaders    *Leaders    `json:"leaders,omitempty"`
	Agg        *Agg        `json:"agg,omitempty"`
	Join       *Join       `json:"join,omitempty"`
	SetOp      *SetOp      `json:"set_op,omitempty"`
	TopN       *TopN       `json:"top_n,omitempty"`
	OverWindow *OverWindow `json:"over_window,omitempty"`
	Emit       *Emit       `json:"emit,omitempty"`
	EmitEvery  *EmitEvery  `json:"emit_every,omitempty"`
	Exchange   *Exchange   `json:"exchange,omitempty"`
	Recursive  *Recursive  `json:"recursive,omitempty"`
	WorkTable  *WorkTable  `json:"work_table,omitempty"`

	TemporalFilter *TemporalFilter `json:"temporal_filter,omitempty"`
	SessionWindow  *SessionWindow  `json:"session_window,omitempty"`
	AsofJoin       *AsofJoin       `json:"asof_join,omitempty"`
	LookupJoin     *LookupJoin     `json:"lookup_join,omitempty"`
}

// LateByColumn is the id of the column of late rows which says by how much they are late.
const LateByColumn = 1 << 20

// Scan reads a relation: its changes in a maintained dataflow, a snapshot in an ad
// hoc one.
type Scan struct {
	Relation RelationID `json:"relation"`
	// Columns is the column ids that are read, in output order.
	Columns []int `json:"columns"`
	// Range, ad hoc only, bounds the relation's (or index's) key; nil reads all. It
	// only narrows: the predicate is still in a Filter above, if it is not exact.
	Range *KeyRange `json:"range,omitempty"`
	// Virtual names a catalog relation (pg_catalog.pg_class) computed by the server,
	// ad hoc only; Relation is 0 then.
	Virtual string `json:"virtual,omitempty"`
	// Late reads the relation's late rows instead of its accepted ones. They have one column
	// more, LateByColumn.
	Late bool `json:"late,omitempty"`
	// Lateness, in µs, is up to how much a late row is still taken in: the watermarks of the
	// scan's columns are lower by as much, and of the late rows only those are read that are
	// late by no more. 0 takes none in, and reads all.
	Lateness int64 `json:"lateness,omitempty"`
}

// KeyRange bounds a scan of a relation in its key order: an equality prefix, then at
// most one range. The expressions have no columns; a NULL or error value of an
// equality selects nothing.
type KeyRange struct {
	Eq []*expr.Expr `json:"eq,omitempty"`
	Lo *expr.Expr   `json:"lo,omitempty"`
	Hi *expr.Expr   `json:"hi,omitempty"`
	// LoIncl and HiIncl say whether the bounds belong to the range.
	LoIncl bool `json:"lo_incl,omitempty"`
	HiIncl bool `json:"hi_incl,omitempty"`
}

// Values is constant rows; each row has one expression per output column, without
// columns in it. No rows and no columns are both allowed.
type Values struct {
	Rows [][]*expr.Expr `json:"rows"`
}

// Filter keeps the rows whose Pred is true. A row whose Pred is an error is dead-lettered.
type Filter struct {
	Pred *expr.Expr `json:"pred"`
}

// Project computes one expression per output column.
type Project struct {
	Exprs []*expr.Expr `json:"exprs"`
}

// ProjectSet emits, per input row, the input columns followed by the rows of set
// functions run in parallel (shorter ones padded with NULL).
type ProjectSet struct {
	Funcs []SetFunc `json:"funcs"`
	// Ordinality appends a bigint counting the rows from 1.
	Ordinality bool `json:"ordinality,omitempty"`
	// Outer emits an input row without rows once, with NULLs (LEFT JOIN LATERAL … ON true).
	Outer bool `json:"outer,omitempty"`
}

// SetFunc is a call of a set-returning function.
type SetFunc struct {
	Fn   string       `json:"fn"` // id in package functions
	Args []*expr.Expr `json:"args"`
	Type types.Type   `json:"type"`
}

// HopWindow assigns windows: it emits each row once per window that holds its time,
// with window_start and window_end appended, and window_time if WindowTime says so. TUMBLE is
// Slide == Size. A NULL or infinite time belongs to no window. A following Agg grouped by
// the window columns aggregates panes, the widest stretches of time that lie in the same
// windows, and combines them (Agg.Hop).
type HopWindow struct {
	Time   int   `json:"time"`   // input column: timestamp or timestamptz
	Slide  int64 `json:"slide"`  // µs, > 0 unless Calendar has it
	Size   int64 `json:"size"`   // µs, > 0 unless Calendar has it
	Offset int64 `json:"offset"` // µs
	// Cumulate says that windows of one start grow by Slide until they are Size long.
	Cumulate bool `json:"cumulate,omitempty"`
	// Calendar is the lengths that are days of a time zone or months.
	Calendar   *window.Calendar `json:"calendar,omitempty"`
	WindowTime bool             `json:"window_time,omitempty"`
}

// Spec returns the window's arithmetic.
func (h *HopWindow) Spec() window.Spec {
	return window.Spec{Hop: window.Hop{Slide: h.Slide, Size: h.Size, Offset: h.Offset}, Cumulate: h.Cumulate, Calendar: h.Calendar}
}

// Leaders drops rows of an append-only input that are behind in their window and will be
// for ever: a value below one that the tumbling window had before, where the greatest is
// looked for. It need not drop any: who reads it must do without them and must not mind
// those that are left.
type Leaders struct {
	Value  int       `json:"value"`         // input column of class int
	Max    bool      `json:"max,omitempty"` // the greatest value leads, else the least
	Window HopWindow `json:"window"`        // Slide == Size
	// Edge keeps every row whose time is the very start of its window.
	Edge bool `json:"edge,omitempty"`
}

// SessionWindow emits each row with the window_start and window_end of its session
// appended, and window_time if WindowTime says so. Sessions are per value of the
// partition columns; a row begins one if no row of its partition precedes it by less than
// Gap. A NULL or infinite time belongs to no session.
type SessionWindow struct {
	Time       int   `json:"time"` // input column: timestamp or timestamptz
	Gap        int64 `json:"gap"`  // µs, > 0
	Partition  []int `json:"partition,omitempty"`
	WindowTime bool  `json:"window_time,omitempty"`
}

// AggCall is one aggregate of an Agg.
type AggCall struct {
	Fn       string     `json:"fn"` // id in package functions
	Args     []int      `json:"args,omitempty"`
	Type     types.Type `json:"type"`
	Distinct bool       `json:"distinct,omitempty"`
	// Filter is a boolean input column, -1 for none.
	Filter int `json:"filter"`
	// Order orders the rows of an order-sensitive aggregate; whole-row order after it.
	Order []OrderKey `json:"order,omitempty"`
	// Const is the value of constant arguments (string_agg's delimiter), by position; nil where a column.
	Const []*types.Datum `json:"const,omitempty"`
}

// AggPhase tells which part of a two-phase aggregation a node is.
type AggPhase string

// The phases. A partial phase aggregates what one worker has, a final phase its
// results; both are ordinary aggregations, told apart for EXPLAIN only: a count is
// final as a sum, sum, min and max as themselves.
const (
	AggSingle  AggPhase = "single"
	AggPartial AggPhase = "partial"
	AggFinal   AggPhase = "final"
)

// Agg groups by columns and emits group columns followed by one column per call.
// With no group columns there is always exactly one output row (in AggSingle and AggFinal).
type Agg struct {
	Group []int     `json:"group"`
	Calls []AggCall `json:"calls"`
	Phase AggPhase  `json:"phase"`
	// WindowEnd is the position within Group of a column that is a window's end whose
	// watermark lets the group's state be dropped, -1 for none. WindowStart likewise.
	WindowStart int `json:"window_start"`
	WindowEnd   int `json:"window_end"`
	// Hop, when set, means that the input has not been multiplied into windows: the
	// operator aggregates panes and combines them. The group columns at WindowStart
	// and WindowEnd (one may be -1) are computed from Hop.Time, and Group holds -1 there.
	Hop *HopWindow `json:"hop,omitempty"`
	// Session, when set, means that the operator finds the sessions, per the group columns
	// that are not of the window, as it aggregates: Group holds -1 for those that are. The
	// input is append-only and the calls' partial states add up.
	Session *SessionWindow `json:"session,omitempty"`
	// WindowTime is 1 + the position within Group of the window's time, which Hop or
	// Session computes as well, 0 for none.
	WindowTime int `json:"window_time,omitempty"`
}

// JoinType is the kind of a join.
type JoinType string

// The join types. Semi and anti joins emit left rows only; Anti is NOT EXISTS;
// NullAnti is NOT IN (a NULL on either side makes the test unknown).
const (
	JoinInner    JoinType = "inner"
	JoinLeft     JoinType = "left"
	JoinRight    JoinType = "right"
	JoinFull     JoinType = "full"
	JoinSemi     JoinType = "semi"
	JoinAnti     JoinType = "anti"
	JoinNullAnti JoinType = "null_anti"
)

// Join joins Inputs[0] (left) and Inputs[1] (right) on equality of key columns and an
// optional residual over left columns followed by right columns. Without keys it is
// a nested loop. The output is the columns Output of left columns followed by right columns.
type Join struct {
	Type      JoinType   `json:"type"`
	LeftKeys  []int      `json:"left_keys"`
	RightKeys []int      `json:"right_keys"`
	NullSafe  []bool     `json:"null_safe,omitempty"` // per key: NULL equals NULL (IS NOT DISTINCT FROM)
	Residual  *expr.Expr `json:"residual,omitempty"`
	Output    []int      `json:"output"`
	// LeftUnique and RightUnique say that the side's keys are unique in that side.
	LeftUnique  bool `json:"left_unique,omitempty"`
	RightUnique bool `json:"right_unique,omitempty"`
	// LeftWindow and RightWindow are key positions of window ends by whose watermark
	// state may be dropped; -1 for none.
	LeftWindow  int `json:"left_window"`
	RightWindow int `json:"right_window"`
	// LeftUntil and RightUntil say how long a row of the side can still meet somebody;
	// nil means for ever.
	LeftUntil  *Until `json:"left_until,omitempty"`
	RightUntil *Until `json:"right_until,omitempty"`
	// Lead lets pairs be left out that whoever reads the join has no use for; nil: none.
	Lead *JoinLead `json:"lead,omitempty"`
}

// Until bounds the partners of a row of one side of a join: their time, column Other of
// the other side, is at most the row's own column Col plus Delta. When the watermark of
// Other has passed that, the row meets nobody any more and its state may be dropped.
type Until struct {
	Col   int   `json:"col"`
	Other int   `json:"other"`
	Delta int64 `json:"delta"` // µs
}

// JoinLead says that pairs may be left out of an inner join of append-only inputs if
// another pair with the same row of side Side has left and is ahead: by the column Value
// of the other side, of class int, where the greatest or the least is looked for.
type JoinLead struct {
	Side  int  `json:"side"`
	Value int  `json:"value"`
	Max   bool `json:"max,omitempty"`
}

// SetOpKind is INTERSECT or EXCEPT.
type SetOpKind string

// The set operations; UNION ALL is a Union node, UNION one under an Agg without calls.
const (
	SetIntersect SetOpKind = "intersect"
	SetExcept    SetOpKind = "except"
)

// Unpartnered reports whether the join gives the left rows without a partner.
func (j *Join) Unpartnered() bool { return j.Type == JoinAnti || j.Type == JoinNullAnti }

// SetOp is INTERSECT or EXCEPT of its two inputs over all columns.
type SetOp struct {
	Op  SetOpKind `json:"op"`
	All bool      `json:"all,omitempty"`
}

// OrderKey is one sort key over input columns.
type OrderKey struct {
	Col        int  `json:"col"`
	Desc       bool `json:"desc,omitempty"`
	NullsFirst bool `json:"nulls_first,omitempty"`
}

// TopN keeps, per partition, rows [Offset, Offset+Limit) in the given order, ties
// broken by the whole row; in an ad hoc plan's root it also orders the output
// (Limit -1 means all: a plain sort).
type TopN struct {
	Partition []int      `json:"partition,omitempty"`
	Order     []OrderKey `json:"order"`
	Limit     int64      `json:"limit"`
	Offset    int64      `json:"offset,omitempty"`
	// WithTies keeps also the rows equal to the last one under Order.
	WithTies bool `json:"with_ties,omitempty"`
	// Visible is the number of leading columns that are shown; sort columns that
	// were not selected stand behind and are cut. 0 means all.
	Visible int `json:"visible,omitempty"`
	// LimitExpr and OffsetExpr, ad hoc only, hold bounds that are parameters until the
	// plan is bound to values; they count instead of Limit and Offset and are nil then.
	LimitExpr  *expr.Expr `json:"limit_expr,omitempty"`
	OffsetExpr *expr.Expr `json:"offset_expr,omitempty"`
	// WindowEnd is 1 + the position within Partition of a column that is a window's end
	// (or start) whose watermark lets the partition's state be dropped, 0 for none.
	WindowEnd int `json:"window_end,omitempty"`
	// Rank, when true, appends the bigint row number.
	Rank bool `json:"rank,omitempty"`
}

// Emit holds rows back until a window is closed: EMIT ON WINDOW CLOSE. What it has let
// through at an epoch is the input's rows of closed windows, whenever they changed: it
// depends on the input and the watermark alone. Where the input settles it never changes.
type Emit struct {
	// WindowEnd is the input column whose watermark releases a row.
	WindowEnd int `json:"window_end"`
	// Timer says that the window closes by the log's clock, Delay µs later than what
	// WindowEnd says: its time is a PROCTIME().
	Timer bool  `json:"timer,omitempty"`
	Delay int64 `json:"delay,omitempty"`
}

// EmitEvery withholds changes until the first entry at or past a multiple of an interval:
// EMIT EVERY. It depends on its input and the times of the log's entries.
type EmitEvery struct{ window.Every }

// ExchangeKind is how an exchange spreads rows over workers.
type ExchangeKind string

// The exchanges.
const (
	ExchangeHash       ExchangeKind = "hash"
	ExchangeRoundRobin ExchangeKind = "round_robin"
	ExchangeBroadcast  ExchangeKind = "broadcast"
	ExchangeSingle     ExchangeKind = "single"
)

// Exchange repartitions its input; it is a border between fragments.
type Exchange struct {
	Kind ExchangeKind `json:"kind"`
	Keys []int        `json:"keys,omitempty"` // of ExchangeHash
}

// Recursive is WITH RECURSIVE, ad hoc only: Inputs[0] is the start, Inputs[1] the step
// whose WorkTable with the same ID reads the rows of the last round.
type Recursive struct {
	ID  int  `json:"id"`
	All bool `json:"all,omitempty"` // UNION ALL; otherwise rows already seen are dropped
}

// WorkTable reads the last round of the Recursive with the same ID.
type WorkTable struct {
	ID int `json:"id"`
}
