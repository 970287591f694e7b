package expr

import (
	"encoding/json"

	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// compiler turns a tree into nodes, equal subtrees into one.
type compiler struct {
	memo map[string]*node
}

func (c *compiler) compile(e *Expr) (*node, error) {
	key, shared := "", !isVolatile(e)
	if shared {
		key = keyOf(e)
		if n := c.memo[key]; n != nil {
			return n, nil
		}
	}
	n, err := c.build(e)
	if err == nil && shared {
		c.memo[key] = n
	}
	return n, err
}

// keyOf identifies an expression but for its positions in the text.
func keyOf(e *Expr) string {
	b, err := json.Marshal(Rewrite(e, func(x *Expr) *Expr {
		if x.Pos == 0 {
			return x
		}
		y := *x
		y.Pos = 0
		return &y
	}))
	if err != nil {
		panic(err) // plain data always marshals
	}
	return string(b)
}

// isVolatile reports whether e holds a volatile call.
func isVolatile(e *Expr) bool {
	found := false
	Walk(e, func(x *Expr) bool {
		if x.Fn != "" {
			f := functions.ByID(x.Fn)
			found = found || f != nil && f.Volatility == functions.Volatile
		}
		return !found
	})
	return found
}

func (c *compiler) build(e *Expr) (*node, error) {
	n := &node{op: e.Op, typ: e.Type, col: e.Col}
	switch e.Op {
	case OpColumn:
		return n, nil
	case OpConst:
		col := chunk.NewColumn(e.Type, 1)
		col.AppendDatum(*e.Val)
		n.out, n.fixed, n.constant = col, true, true
		return n, nil
	case OpParam:
		return nil, sqlerr.New(sqlerr.UndefinedParameter, "there is no value for parameter $%d", e.Col+1)
	case OpRow, 0:
		return nil, sqlerr.Internal("expression operator %d reached the evaluator", e.Op)
	case OpCase, OpCoalesce:
		return c.buildArms(n, e)
	case OpAnyArray:
		if l := anyAsList(e); l != nil {
			return c.build(l)
		}
	}
	n.constant = true
	for _, a := range e.Args {
		x, err := c.compile(a)
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, x)
		n.constant = n.constant && x.constant
	}
	if e.Fn != "" {
		f := functions.ByID(e.Fn)
		if f == nil {
			return nil, sqlerr.Internal("there is no function with id %q", e.Fn)
		}
		if f.Kind != functions.Scalar {
			return nil, sqlerr.Internal("function %s is not scalar", f.ID)
		}
		n.call.Fn = f
		n.call.Args = make([]*chunk.Column, len(n.args))
		n.constant = n.constant && f.Volatility != functions.Volatile
	}
	if e.Op == OpInList {
		return n, n.buildInList(e)
	}
	return n, nil
}

// buildArms compiles each argument as a Program of its own.
func (c *compiler) buildArms(n *node, e *Expr) (*node, error) {
	n.constant = true
	for _, a := range e.Args {
		p, err := Compile(a)
		if err != nil {
			return nil, err
		}
		ar := arm{prog: p, cols: columnsOf(a)}
		n.arms = append(n.arms, ar)
		n.constant = n.constant && p.root.constant
	}
	return n, nil
}

// columnsOf lists the input columns of e.
func columnsOf(e *Expr) []int {
	var cols []int
	seen := map[int]bool{}
	Walk(e, func(x *Expr) bool {
		if x.Op == OpColumn && !seen[x.Col] {
			seen[x.Col] = true
			cols = append(cols, x.Col)
		}
		return true
	})
	return cols
}

// anyAsList turns x = ANY (constant array) into x IN (…), which is prepared once.
func anyAsList(e *Expr) *Expr {
	f, arr := functions.ByID(e.Fn), e.Args[1]
	if f == nil || f.Name != "=" || !arr.IsConst() || arr.Val.Null {
		return nil
	}
	a, ok := types.ReadArray(arr.Type, arr.Val.S)
	if !ok || a.Len() == 0 {
		return nil
	}
	l := &Expr{Op: OpInList, Type: e.Type, Fn: e.Fn, Args: []*Expr{e.Args[0]}, Pos: e.Pos}
	for k := range a.Len() {
		d := types.NullDatum
		if !a.Null(k) {
			d = a.Datum(k)
		}
		l.Args = append(l.Args, Const(arr.Type.ElemType(), d))
	}
	return l
}
