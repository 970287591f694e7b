package logical

import (
	"streamdb/planner/physical"
	"streamdb/sql/expr"
	"streamdb/sql/types"
)

// OverWindow computes window functions over its input's rows; it adds a column per call.
type OverWindow struct {
	Input     Node
	Partition []ColID
	Order     []OrderKey
	Calls     []WindowCall
}

// WindowCall is one window function or an aggregate used as one.
type WindowCall struct {
	Col    ColID
	Fn     string // id in package functions
	Args   []*expr.Expr
	Type   types.Type
	Filter *expr.Expr // nil for none
	Frame  Frame
}

// Frame is the rows that a call sees from each row of its partition.
type Frame struct {
	Mode       physical.FrameMode
	Start, End FrameBound
	Exclude    physical.Exclusion
	// Key is what the bounds of a RANGE frame with offsets are compared with, else nil.
	Key *expr.Expr
}

// FrameBound is one end of a frame. Offset is the number of rows or groups or, of
// RANGE, the least or greatest key within the frame; nil where the kind has none.
type FrameBound struct {
	Kind   physical.BoundKind
	Offset *expr.Expr
}

// Cols implements Node.
func (n *OverWindow) Cols() []ColID {
	out := append([]ColID(nil), n.Input.Cols()...)
	for i := range n.Calls {
		out = append(out, n.Calls[i].Col)
	}
	return out
}

// Inputs implements Node.
func (n *OverWindow) Inputs() []Node { return []Node{n.Input} }

// WithInputs implements Node.
func (n *OverWindow) WithInputs(in []Node) Node {
	c := *n
	c.Input = in[0]
	return &c
}

// EachExpr implements Node.
func (n *OverWindow) EachExpr(f func(*expr.Expr)) {
	for i := range n.Calls {
		n.Calls[i].EachExpr(f)
	}
}

// EachExpr calls f for each expression of the call.
func (c *WindowCall) EachExpr(f func(*expr.Expr)) {
	each(c.Args, f)
	eachOne(c.Filter, f)
	eachOne(c.Frame.Key, f)
	eachOne(c.Frame.Start.Offset, f)
	eachOne(c.Frame.End.Offset, f)
}

// MapExprs gives a copy of the call with f applied to each of its expressions.
func (c *WindowCall) MapExprs(f func(*expr.Expr) *expr.Expr) WindowCall {
	r := *c
	r.Args = mapAll(r.Args, f)
	r.Filter = mapOne(r.Filter, f)
	r.Frame.Key = mapOne(r.Frame.Key, f)
	r.Frame.Start.Offset = mapOne(r.Frame.Start.Offset, f)
	r.Frame.End.Offset = mapOne(r.Frame.End.Offset, f)
	return r
}

// MapExprs implements Node.
func (n *OverWindow) MapExprs(f func(*expr.Expr) *expr.Expr) Node {
	c := *n
	c.Calls = make([]WindowCall, len(n.Calls))
	for i := range n.Calls {
		c.Calls[i] = n.Calls[i].MapExprs(f)
	}
	return &c
}

// overWindowKeys adds to the input's keys that rows are numbered within a partition.
func overWindowKeys(n *OverWindow) []ColSet {
	keys := Keys(n.Input)
	for i := range n.Calls {
		if n.Calls[i].Fn == "row_number" {
			k := SetOf(n.Partition...)
			k.Add(n.Calls[i].Col)
			keys = append(keys, k)
		}
	}
	return keys
}

var _ Node = (*OverWindow)(nil)
