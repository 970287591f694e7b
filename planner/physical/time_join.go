package physical

// The joins that say which partner a row has, rather than on what condition.
const (
	KindAsofJoin   Kind = "AsofJoin"
	KindLookupJoin Kind = "LookupJoin"
)

// AsofOp is how the left time stands to that of the partner.
type AsofOp string

// The operators. With >= and > the partner is the latest before, with <= and < the
// earliest after.
const (
	AsofGE AsofOp = ">="
	AsofGT AsofOp = ">"
	AsofLE AsofOp = "<="
	AsofLT AsofOp = "<"
)

// Backward tells whether the partner lies before.
func (o AsofOp) Backward() bool { return o == AsofGE || o == AsofGT }

// Strict tells whether the partner's time is another one.
func (o AsofOp) Strict() bool { return o == AsofGT || o == AsofLT }

// AsofJoin gives each left row the one right row with equal keys that is nearest to it:
// of those for which LeftTime Op RightTime is true the one with the greatest (>=, >) or
// least (<=, <) RightTime, and of several the first in whole-row order. Rows whose keys or
// times are NULL have no partner.
type AsofJoin struct {
	Type      JoinType `json:"type"` // inner or left
	LeftKeys  []int    `json:"left_keys"`
	RightKeys []int    `json:"right_keys"`
	// LeftTime and RightTime are columns of the class Int of types, alike.
	LeftTime  int    `json:"left_time"`
	RightTime int    `json:"right_time"`
	Op        AsofOp `json:"op"`
	// Output is columns of left ++ right.
	Output []int `json:"output"`
}

// LookupJoin gives each left row the right rows with equal keys as they are in the epoch
// in which it arrives, those of the same epoch included. Later changes of the right side
// have no effect on it; a left row that goes takes back what it was given, of several
// identical ones the last. What it has put out depends on its history.
type LookupJoin struct {
	Type      JoinType `json:"type"` // inner or left
	LeftKeys  []int    `json:"left_keys"`
	RightKeys []int    `json:"right_keys"`
	Output    []int    `json:"output"` // columns of left ++ right
}
