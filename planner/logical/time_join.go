package logical

import (
	"streamdb/planner/physical"
	"streamdb/sql/expr"
)

// AsofJoin gives each left row the nearest right row, see physical.AsofJoin. On is
// equalities between the sides, nil for none.
type AsofJoin struct {
	Type                physical.JoinType
	Left, Right         Node
	On                  *expr.Expr
	LeftTime, RightTime *expr.Expr
	Op                  physical.AsofOp
}

// LookupJoin gives each left row the right rows of the moment, see physical.LookupJoin.
// On is equalities between the sides, nil for none.
type LookupJoin struct {
	Type        physical.JoinType
	Left, Right Node
	On          *expr.Expr
}

// Cols implements Node.
func (n *AsofJoin) Cols() []ColID { return joinCols(n.Type, n.Left, n.Right) }

// Inputs implements Node.
func (n *AsofJoin) Inputs() []Node { return []Node{n.Left, n.Right} }

// WithInputs implements Node.
func (n *AsofJoin) WithInputs(in []Node) Node {
	c := *n
	c.Left, c.Right = in[0], in[1]
	return &c
}

// EachExpr implements Node.
func (n *AsofJoin) EachExpr(f func(*expr.Expr)) {
	eachOne(n.On, f)
	f(n.LeftTime)
	f(n.RightTime)
}

// MapExprs implements Node.
func (n *AsofJoin) MapExprs(f func(*expr.Expr) *expr.Expr) Node {
	c := *n
	c.On, c.LeftTime, c.RightTime = mapOne(n.On, f), f(n.LeftTime), f(n.RightTime)
	return &c
}

// Cols implements Node.
func (n *LookupJoin) Cols() []ColID { return joinCols(n.Type, n.Left, n.Right) }

// Inputs implements Node.
func (n *LookupJoin) Inputs() []Node { return []Node{n.Left, n.Right} }

// WithInputs implements Node.
func (n *LookupJoin) WithInputs(in []Node) Node {
	c := *n
	c.Left, c.Right = in[0], in[1]
	return &c
}

// EachExpr implements Node.
func (n *LookupJoin) EachExpr(f func(*expr.Expr)) { eachOne(n.On, f) }

// MapExprs implements Node.
func (n *LookupJoin) MapExprs(f func(*expr.Expr) *expr.Expr) Node {
	c := *n
	c.On = mapOne(n.On, f)
	return &c
}

var (
	_ Node = (*AsofJoin)(nil)
	_ Node = (*LookupJoin)(nil)
)
