package logical

import "streamdb/sql/expr"

// SessionWindow emits each row with its session: sessions are per value of the partition
// columns.
type SessionWindow struct {
	Input     Node
	Time      ColID
	Gap       int64 // µs
	Partition []ColID
	// PerGroup says that the query does not name a partition: where it groups by the
	// window, sessions are per the other columns that it groups by.
	PerGroup   bool
	Start, End ColID
	// WindowTime is the column of the last instant of the session, 0 if nobody wants it.
	WindowTime ColID
}

// Windows is the columns that n adds.
func (n *SessionWindow) Windows() []ColID {
	if n.WindowTime == 0 {
		return []ColID{n.Start, n.End}
	}
	return []ColID{n.Start, n.End, n.WindowTime}
}

// Cols implements Node.
func (n *SessionWindow) Cols() []ColID {
	return append(append([]ColID(nil), n.Input.Cols()...), n.Windows()...)
}

// Inputs implements Node.
func (n *SessionWindow) Inputs() []Node { return []Node{n.Input} }

// WithInputs implements Node.
func (n *SessionWindow) WithInputs(in []Node) Node {
	c := *n
	c.Input = in[0]
	return &c
}

// EachExpr implements Node.
func (n *SessionWindow) EachExpr(func(*expr.Expr)) {}

// MapExprs implements Node.
func (n *SessionWindow) MapExprs(func(*expr.Expr) *expr.Expr) Node { return n }

var _ Node = (*SessionWindow)(nil)
