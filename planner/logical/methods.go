package logical

import (
	"streamdb/planner/physical"
	"streamdb/sql/expr"
)

// Cols implements Node.
func (n *Scan) Cols() []ColID { return n.Out }

// Inputs implements Node.
func (n *Scan) Inputs() []Node { return nil }

// WithInputs implements Node.
func (n *Scan) WithInputs([]Node) Node { return n }

// EachExpr implements Node.
func (n *Scan) EachExpr(func(*expr.Expr)) {}

// MapExprs implements Node.
func (n *Scan) MapExprs(func(*expr.Expr) *expr.Expr) Node { return n }

// Cols implements Node.
func (n *Values) Cols() []ColID { return n.Out }

// Inputs implements Node.
func (n *Values) Inputs() []Node { return nil }

// WithInputs implements Node.
func (n *Values) WithInputs([]Node) Node { return n }

// EachExpr implements Node.
func (n *Values) EachExpr(f func(*expr.Expr)) {
	for _, r := range n.Rows {
		each(r, f)
	}
}

// MapExprs implements Node.
func (n *Values) MapExprs(f func(*expr.Expr) *expr.Expr) Node {
	c := *n
	c.Rows = make([][]*expr.Expr, len(n.Rows))
	for i, r := range n.Rows {
		c.Rows[i] = mapAll(r, f)
	}
	return &c
}

// Cols implements Node.
func (n *Filter) Cols() []ColID { return n.Input.Cols() }

// Inputs implements Node.
func (n *Filter) Inputs() []Node { return []Node{n.Input} }

// WithInputs implements Node.
func (n *Filter) WithInputs(in []Node) Node { return &Filter{Input: in[0], Pred: n.Pred} }

// EachExpr implements Node.
func (n *Filter) EachExpr(f func(*expr.Expr)) { f(n.Pred) }

// MapExprs implements Node.
func (n *Filter) MapExprs(f func(*expr.Expr) *expr.Expr) Node {
	return &Filter{Input: n.Input, Pred: f(n.Pred)}
}

// Cols implements Node.
func (n *Project) Cols() []ColID { return n.Out }

// Inputs implements Node.
func (n *Project) Inputs() []Node { return []Node{n.Input} }

// WithInputs implements Node.
func (n *Project) WithInputs(in []Node) Node {
	return &Project{Input: in[0], Out: n.Out, Exprs: n.Exprs}
}

// EachExpr implements Node.
func (n *Project) EachExpr(f func(*expr.Expr)) { each(n.Exprs, f) }

// MapExprs implements Node.
func (n *Project) MapExprs(f func(*expr.Expr) *expr.Expr) Node {
	return &Project{Input: n.Input, Out: n.Out, Exprs: mapAll(n.Exprs, f)}
}

// Cols implements Node.
func (n *ProjectSet) Cols() []ColID {
	out := append([]ColID(nil), n.Input.Cols()...)
	for i := range n.Funcs {
		out = append(out, n.Funcs[i].Col)
	}
	if n.Ordinality != 0 {
		out = append(out, n.Ordinality)
	}
	return out
}

// Inputs implements Node.
func (n *ProjectSet) Inputs() []Node { return []Node{n.Input} }

// WithInputs implements Node.
func (n *ProjectSet) WithInputs(in []Node) Node {
	c := *n
	c.Input = in[0]
	return &c
}

// EachExpr implements Node.
func (n *ProjectSet) EachExpr(f func(*expr.Expr)) {
	for i := range n.Funcs {
		each(n.Funcs[i].Args, f)
	}
}

// MapExprs implements Node.
func (n *ProjectSet) MapExprs(f func(*expr.Expr) *expr.Expr) Node {
	c := *n
	c.Funcs = append([]SetCall(nil), n.Funcs...)
	for i := range c.Funcs {
		c.Funcs[i].Args = mapAll(c.Funcs[i].Args, f)
	}
	return &c
}

// Cols implements Node.
func (n *HopWindow) Cols() []ColID {
	return append(append([]ColID(nil), n.Input.Cols()...), n.Windows()...)
}

// Inputs implements Node.
func (n *HopWindow) Inputs() []Node { return []Node{n.Input} }

// WithInputs implements Node.
func (n *HopWindow) WithInputs(in []Node) Node {
	c := *n
	c.Input = in[0]
	return &c
}

// EachExpr implements Node.
func (n *HopWindow) EachExpr(func(*expr.Expr)) {}

// MapExprs implements Node.
func (n *HopWindow) MapExprs(func(*expr.Expr) *expr.Expr) Node { return n }

// Cols implements Node.
func (n *Leaders) Cols() []ColID { return n.Input.Cols() }

// Inputs implements Node.
func (n *Leaders) Inputs() []Node { return []Node{n.Input} }

// WithInputs implements Node.
func (n *Leaders) WithInputs(in []Node) Node {
	c := *n
	c.Input = in[0]
	return &c
}

// EachExpr implements Node.
func (n *Leaders) EachExpr(func(*expr.Expr)) {}

// MapExprs implements Node.
func (n *Leaders) MapExprs(func(*expr.Expr) *expr.Expr) Node { return n }

// Cols implements Node.
func (n *Agg) Cols() []ColID {
	out := append([]ColID(nil), n.Group...)
	for i := range n.Calls {
		out = append(out, n.Calls[i].Col)
	}
	return out
}

// Inputs implements Node.
func (n *Agg) Inputs() []Node { return []Node{n.Input} }

// WithInputs implements Node.
func (n *Agg) WithInputs(in []Node) Node {
	c := *n
	c.Input = in[0]
	return &c
}

// EachExpr implements Node.
func (n *Agg) EachExpr(f func(*expr.Expr)) {
	for i := range n.Calls {
		c := &n.Calls[i]
		each(c.Args, f)
		if c.Filter != nil {
			f(c.Filter)
		}
		for _, o := range c.Order {
			f(o.Expr)
		}
	}
}

// MapExprs implements Node.
func (n *Agg) MapExprs(f func(*expr.Expr) *expr.Expr) Node {
	c := *n
	c.Calls = append([]AggCall(nil), n.Calls...)
	for i := range c.Calls {
		call := &c.Calls[i]
		call.Args = mapAll(call.Args, f)
		if call.Filter != nil {
			call.Filter = f(call.Filter)
		}
		call.Order = append([]AggOrder(nil), call.Order...)
		for k := range call.Order {
			call.Order[k].Expr = f(call.Order[k].Expr)
		}
	}
	return &c
}

// joinCols is the output of a join.
func joinCols(t physical.JoinType, l, r Node) []ColID {
	if LeftOnly(t) {
		return l.Cols()
	}
	return append(append([]ColID(nil), l.Cols()...), r.Cols()...)
}

// LeftOnly tells whether a join puts out left columns only.
func LeftOnly(t physical.JoinType) bool {
	return t == physical.JoinSemi || t == physical.JoinAnti || t == physical.JoinNullAnti
}

// Cols implements Node.
func (n *Join) Cols() []ColID { return joinCols(n.Type, n.Left, n.Right) }

// Inputs implements Node.
func (n *Join) Inputs() []Node { return []Node{n.Left, n.Right} }

// WithInputs implements Node.
func (n *Join) WithInputs(in []Node) Node {
	return &Join{Type: n.Type, Left: in[0], Right: in[1], On: n.On}
}

// EachExpr implements Node.
func (n *Join) EachExpr(f func(*expr.Expr)) { eachOne(n.On, f) }

// MapExprs implements Node.
func (n *Join) MapExprs(f func(*expr.Expr) *expr.Expr) Node {
	return &Join{Type: n.Type, Left: n.Left, Right: n.Right, On: mapOne(n.On, f)}
}

// Cols implements Node.
func (n *Apply) Cols() []ColID { return joinCols(n.Type, n.Left, n.Right) }

// Inputs implements Node.
func (n *Apply) Inputs() []Node { return []Node{n.Left, n.Right} }

// WithInputs implements Node.
func (n *Apply) WithInputs(in []Node) Node {
	return &Apply{Type: n.Type, Left: in[0], Right: in[1], On: n.On}
}

// EachExpr implements Node.
func (n *Apply) EachExpr(f func(*expr.Expr)) { eachOne(n.On, f) }

// MapExprs implements Node.
func (n *Apply) MapExprs(f func(*expr.Expr) *expr.Expr) Node {
	return &Apply{Type: n.Type, Left: n.Left, Right: n.Right, On: mapOne(n.On, f)}
}

// Cols implements Node.
func (n *Union) Cols() []ColID { return n.Out }

// Inputs implements Node.
func (n *Union) Inputs() []Node { return n.In }

// WithInputs implements Node.
func (n *Union) WithInputs(in []Node) Node { return &Union{In: in, Out: n.Out, InCols: n.InCols} }

// EachExpr implements Node.
func (n *Union) EachExpr(func(*expr.Expr)) {}

// MapExprs implements Node.
func (n *Union) MapExprs(func(*expr.Expr) *expr.Expr) Node { return n }

// Cols implements Node.
func (n *SetOp) Cols() []ColID { return n.Out }

// Inputs implements Node.
func (n *SetOp) Inputs() []Node { return []Node{n.Left, n.Right} }

// WithInputs implements Node.
func (n *SetOp) WithInputs(in []Node) Node {
	c := *n
	c.Left, c.Right = in[0], in[1]
	return &c
}

// EachExpr implements Node.
func (n *SetOp) EachExpr(func(*expr.Expr)) {}

// MapExprs implements Node.
func (n *SetOp) MapExprs(func(*expr.Expr) *expr.Expr) Node { return n }

// Cols implements Node.
func (n *TopN) Cols() []ColID {
	if n.Number == 0 {
		return n.Input.Cols()
	}
	return append(append([]ColID(nil), n.Input.Cols()...), n.Number)
}

// Inputs implements Node.
func (n *TopN) Inputs() []Node { return []Node{n.Input} }

// WithInputs implements Node.
func (n *TopN) WithInputs(in []Node) Node {
	c := *n
	c.Input = in[0]
	return &c
}

// EachExpr implements Node.
func (n *TopN) EachExpr(f func(*expr.Expr)) {
	eachOne(n.Limit, f)
	eachOne(n.Offset, f)
}

// MapExprs implements Node.
func (n *TopN) MapExprs(f func(*expr.Expr) *expr.Expr) Node {
	c := *n
	c.Limit, c.Offset = mapOne(n.Limit, f), mapOne(n.Offset, f)
	return &c
}

// Cols implements Node.
func (n *MaxOneRow) Cols() []ColID { return n.Input.Cols() }

// Inputs implements Node.
func (n *MaxOneRow) Inputs() []Node { return []Node{n.Input} }

// WithInputs implements Node.
func (n *MaxOneRow) WithInputs(in []Node) Node { return &MaxOneRow{Input: in[0]} }

// EachExpr implements Node.
func (n *MaxOneRow) EachExpr(func(*expr.Expr)) {}

// MapExprs implements Node.
func (n *MaxOneRow) MapExprs(func(*expr.Expr) *expr.Expr) Node { return n }

// Cols implements Node.
func (n *Recursive) Cols() []ColID { return n.Out }

// Inputs implements Node.
func (n *Recursive) Inputs() []Node { return []Node{n.Start, n.Step} }

// WithInputs implements Node.
func (n *Recursive) WithInputs(in []Node) Node {
	c := *n
	c.Start, c.Step = in[0], in[1]
	return &c
}

// EachExpr implements Node.
func (n *Recursive) EachExpr(func(*expr.Expr)) {}

// MapExprs implements Node.
func (n *Recursive) MapExprs(func(*expr.Expr) *expr.Expr) Node { return n }

// Cols implements Node.
func (n *WorkTable) Cols() []ColID { return n.Out }

// Inputs implements Node.
func (n *WorkTable) Inputs() []Node { return nil }

// WithInputs implements Node.
func (n *WorkTable) WithInputs([]Node) Node { return n }

// EachExpr implements Node.
func (n *WorkTable) EachExpr(func(*expr.Expr)) {}

// MapExprs implements Node.
func (n *WorkTable) MapExprs(func(*expr.Expr) *expr.Expr) Node { return n }

// Cols implements Node.
func (n *Shared) Cols() []ColID { return n.Input.Cols() }

// Inputs implements Node.
func (n *Shared) Inputs() []Node { return []Node{n.Input} }

// WithInputs implements Node.
func (n *Shared) WithInputs(in []Node) Node { return &Shared{Input: in[0]} }

// EachExpr implements Node.
func (n *Shared) EachExpr(func(*expr.Expr)) {}

// MapExprs implements Node.
func (n *Shared) MapExprs(func(*expr.Expr) *expr.Expr) Node { return n }

func each(list []*expr.Expr, f func(*expr.Expr)) {
	for _, e := range list {
		f(e)
	}
}

func eachOne(e *expr.Expr, f func(*expr.Expr)) {
	if e != nil {
		f(e)
	}
}

func mapAll(list []*expr.Expr, f func(*expr.Expr) *expr.Expr) []*expr.Expr {
	if list == nil {
		return nil
	}
	out := make([]*expr.Expr, len(list))
	for i, e := range list {
		out[i] = f(e)
	}
	return out
}

func mapOne(e *expr.Expr, f func(*expr.Expr) *expr.Expr) *expr.Expr {
	if e == nil {
		return nil
	}
	return f(e)
}

// The nodes.
var (
	_ Node = (*Scan)(nil)
	_ Node = (*Values)(nil)
	_ Node = (*Filter)(nil)
	_ Node = (*Project)(nil)
	_ Node = (*ProjectSet)(nil)
	_ Node = (*HopWindow)(nil)
	_ Node = (*Agg)(nil)
	_ Node = (*Join)(nil)
	_ Node = (*Apply)(nil)
	_ Node = (*Union)(nil)
	_ Node = (*SetOp)(nil)
	_ Node = (*TopN)(nil)
	_ Node = (*MaxOneRow)(nil)
	_ Node = (*Recursive)(nil)
	_ Node = (*WorkTable)(nil)
	_ Node = (*Shared)(nil)
)
