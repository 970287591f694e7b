package physical

import "streamdb/sql/types"

// OverWindow computes window functions: it emits every input row with one column per
// call appended. All calls see the same partitions in the same order, ties broken by
// the whole row; their frames may differ.
type OverWindow struct {
	Partition []int        `json:"partition,omitempty"`
	Order     []OrderKey   `json:"order,omitempty"`
	Calls     []WindowCall `json:"calls"`
	// WindowEnd is the position within Partition of a column that is a window's end (or
	// start) whose watermark lets the partition's state be dropped, -1 for none.
	WindowEnd int `json:"window_end"`
}

// WindowCall is one window function, or an aggregate used as one.
type WindowCall struct {
	Fn   string     `json:"fn"` // id in package functions
	Args []int      `json:"args,omitempty"`
	Type types.Type `json:"type"`
	// Filter is a boolean input column, -1 for none.
	Filter int `json:"filter"`
	// Const is the value of integer arguments that are constant (LAG's offset, NTILE's
	// buckets, NTH_VALUE's number), by position; nil where a column says it row by row.
	Const []*int64 `json:"const,omitempty"`
	Frame Frame    `json:"frame"`
}

// FrameMode is the unit of a frame's offsets.
type FrameMode string

// The units of frames.
const (
	FrameRows   FrameMode = "rows"
	FrameRange  FrameMode = "range"
	FrameGroups FrameMode = "groups"
)

// BoundKind is the kind of a frame's bound.
type BoundKind string

// The bounds of frames, in the order in which they may follow each other.
const (
	UnboundedPreceding BoundKind = "unbounded preceding"
	OffsetPreceding    BoundKind = "preceding"
	CurrentRow         BoundKind = "current row"
	OffsetFollowing    BoundKind = "following"
	UnboundedFollowing BoundKind = "unbounded following"
)

// Exclusion says which rows of its frame a row does not see.
type Exclusion string

// The exclusions.
const (
	ExcludeNone       Exclusion = ""
	ExcludeCurrentRow Exclusion = "current row"
	ExcludeGroup      Exclusion = "group"
	ExcludeTies       Exclusion = "ties"
)

// Frame is the rows that a call sees from each row of its partition.
type Frame struct {
	Mode    FrameMode  `json:"mode"`
	Start   FrameBound `json:"start"`
	End     FrameBound `json:"end"`
	Exclude Exclusion  `json:"exclude,omitempty"`
	// Key, of FrameRange with an offset, is the column that bounds are compared with:
	// the one ORDER BY column, perhaps of a wider type.
	Key int `json:"key"`
}

// FrameBound is one end of a frame.
type FrameBound struct {
	Kind BoundKind `json:"kind"`
	// Offset is the number of rows or groups, >= 0, of the offset kinds.
	Offset int64 `json:"offset,omitempty"`
	// Col, when >= 0, is the column that says it instead: an offset that is not
	// constant or, of FrameRange, the least or greatest key that is within the frame.
	Col int `json:"col"`
}

// HasOffset reports whether the bound is a number of rows or groups or a distance away.
func (b FrameBound) HasOffset() bool { return b.Kind == OffsetPreceding || b.Kind == OffsetFollowing }
