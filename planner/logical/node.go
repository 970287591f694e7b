package logical

import (
	"streamdb/sql/expr"
	"streamdb/sql/types"
)

// ColID names a column within one statement; 0 is none. It is what Col of an OpColumn
// expression holds in logical plans.
type ColID = int

// Node is a node of a logical plan.
type Node interface {
	// Cols is the output columns in order. The caller must not change it.
	Cols() []ColID
	// Inputs is the input nodes in order.
	Inputs() []Node
	// WithInputs gives a copy of the node over other inputs, as many as Inputs gave.
	WithInputs(inputs []Node) Node
	// EachExpr calls f for each of the node's own expressions.
	EachExpr(f func(*expr.Expr))
	// MapExprs gives a copy of the node with f applied to each of its own expressions.
	MapExprs(f func(*expr.Expr) *expr.Expr) Node
}

// ColMeta is what is known of a column.
type ColMeta struct {
	Name string
	Type types.Type
}

// Meta knows the columns of a statement.
type Meta struct {
	cols []ColMeta
}

// NewMeta makes an empty Meta.
func NewMeta() *Meta { return &Meta{cols: make([]ColMeta, 1)} }

// Add makes a new column.
func (m *Meta) Add(name string, t types.Type) ColID {
	m.cols = append(m.cols, ColMeta{Name: name, Type: t})
	return len(m.cols) - 1
}

// Copy makes a new column like an old one.
func (m *Meta) Copy(id ColID) ColID { return m.Add(m.cols[id].Name, m.cols[id].Type) }

// Name gives a column's name.
func (m *Meta) Name(id ColID) string { return m.cols[id].Name }

// Type gives a column's type.
func (m *Meta) Type(id ColID) types.Type { return m.cols[id].Type }

// SetType changes a column's type; only the binder does that, before it hands out
// the column, for parameters and literals of unknown type.
func (m *Meta) SetType(id ColID, t types.Type) { m.cols[id].Type = t }

// Ref gives a reference to a column.
func (m *Meta) Ref(id ColID) *expr.Expr { return expr.Column(id, m.cols[id].Type) }

// Len is one more than the highest column id.
func (m *Meta) Len() int { return len(m.cols) }
