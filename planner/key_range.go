package planner

import (
	"math"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// swapped is the comparison with its sides exchanged.
var swapped = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// bound finds a condition col op value whose value has no columns, and gives the value
// in the column's type; nil if there is none.
func (b *binder) bound(conds []*expr.Expr, id logical.ColID, op string) *expr.Expr {
	for _, c := range conds {
		if c.Op != expr.OpCall || len(c.Args) != 2 {
			continue
		}
		f := functions.ByID(c.Fn)
		if f == nil {
			continue
		}
		l, r, name := c.Args[0], c.Args[1], f.Name
		if r.Op == expr.OpColumn && r.Col == id {
			l, r, name = r, l, swapped[name]
		}
		if name != op || l.Op != expr.OpColumn || l.Col != id || !logical.Refs(r).Empty() || logical.IsVolatile(r) {
			continue
		}
		if v := keyValue(r, b.meta.Type(id)); v != nil {
			return v
		}
	}
	return nil
}

// keyValue brings a bound to the type of a key column; nil if that would change it.
func keyValue(v *expr.Expr, t types.Type) *expr.Expr {
	if v.Type.Base() == t.Base() || v.Type.IsString() && t.IsString() && v.Type.Kind != types.KindBPChar && t.Kind != types.KindBPChar {
		return v
	}
	if !v.IsConst() || v.Val.Null || !v.Type.IsInteger() || !t.IsInteger() {
		return nil
	}
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	switch t.Kind {
	case types.KindInt2:
		lo, hi = math.MinInt16, math.MaxInt16
	case types.KindInt4:
		lo, hi = math.MinInt32, math.MaxInt32
	}
	if v.Val.I < lo || v.Val.I > hi {
		return nil
	}
	return expr.Const(t, *v.Val)
}

// BindParams gives a plan with its parameters replaced by values, of which there must
// be one per parameter, of the types that planning has found. LIMIT and OFFSET are
// settled then too.
func BindParams(plan *physical.Plan, paramTypes []types.Type, values []types.Datum) (*physical.Plan, error) {
	sub := ParamBinder(paramTypes, values)
	out := *plan
	out.Nodes = make([]physical.Node, len(plan.Nodes))
	for i := range plan.Nodes {
		n := plan.Nodes[i]
		if err := bindNode(&n, sub); err != nil {
			return nil, err
		}
		out.Nodes[i] = n
	}
	return &out, nil
}

// ParamBinder gives the function that replaces parameters in an expression: for those
// beside a plan, such as RETURNING's.
func ParamBinder(paramTypes []types.Type, values []types.Datum) func(*expr.Expr) *expr.Expr {
	return func(e *expr.Expr) *expr.Expr {
		found := false
		expr.Walk(e, func(x *expr.Expr) bool {
			found = found || x.Op == expr.OpParam
			return !found
		})
		if !found {
			return e
		}
		return expr.Fold(expr.Rewrite(e, func(x *expr.Expr) *expr.Expr {
			if x.Op != expr.OpParam || x.Col >= len(values) {
				return x
			}
			c := expr.Const(paramTypes[x.Col], values[x.Col])
			c.Pos = x.Pos
			return c
		}))
	}
}

// bindNode replaces parameters in one node, which is a copy.
func bindNode(n *physical.Node, sub func(*expr.Expr) *expr.Expr) error {
	list := func(es []*expr.Expr) []*expr.Expr {
		out := make([]*expr.Expr, len(es))
		for i, e := range es {
			out[i] = sub(e)
		}
		return out
	}
	one := func(e *expr.Expr) *expr.Expr {
		if e == nil {
			return nil
		}
		return sub(e)
	}
	switch {
	case n.Filter != nil:
		n.Filter = &physical.Filter{Pred: sub(n.Filter.Pred)}
	case n.Project != nil:
		n.Project = &physical.Project{Exprs: list(n.Project.Exprs)}
	case n.Values != nil:
		v := &physical.Values{Rows: make([][]*expr.Expr, len(n.Values.Rows))}
		for i, r := range n.Values.Rows {
			v.Rows[i] = list(r)
		}
		n.Values = v
	case n.Join != nil && n.Join.Residual != nil:
		j := *n.Join
		j.Residual = sub(j.Residual)
		n.Join = &j
	case n.ProjectSet != nil:
		ps := *n.ProjectSet
		ps.Funcs = append([]physical.SetFunc(nil), ps.Funcs...)
		for i := range ps.Funcs {
			ps.Funcs[i].Args = list(ps.Funcs[i].Args)
		}
		n.ProjectSet = &ps
	case n.Scan != nil && n.Scan.Range != nil:
		s, r := *n.Scan, *n.Scan.Range
		r.Eq, r.Lo, r.Hi = list(r.Eq), one(r.Lo), one(r.Hi)
		s.Range = &r
		n.Scan = &s
	case n.TopN != nil && (n.TopN.LimitExpr != nil || n.TopN.OffsetExpr != nil):
		return bindTopN(n, one)
	}
	return nil
}

// bindTopN settles LIMIT and OFFSET.
func bindTopN(n *physical.Node, one func(*expr.Expr) *expr.Expr) error {
	t := *n.TopN
	var err error
	if t.LimitExpr != nil {
		if t.Limit, err = count(one(t.LimitExpr), -1, "LIMIT", sqlerr.InvalidRowCountInLimit); err != nil {
			return err
		}
	}
	if t.OffsetExpr != nil {
		if t.Offset, err = count(one(t.OffsetExpr), 0, "OFFSET", sqlerr.InvalidRowCountInResultOffset); err != nil {
			return err
		}
	}
	t.LimitExpr, t.OffsetExpr = nil, nil
	n.TopN = &t
	return nil
}

// count evaluates a row count; NULL gives null.
func count(e *expr.Expr, null int64, what, code string) (int64, error) {
	if !e.IsConst() {
		p, err := expr.Compile(e)
		if err != nil {
			return 0, err
		}
		d, err := p.EvalOne(&expr.Ctx{})
		if err != nil {
			return 0, err
		}
		e = expr.Const(types.Int8, d)
	}
	if e.Val.Null {
		return null, nil
	}
	if e.Val.I < 0 {
		return 0, sqlerr.New(code, "%s must not be negative", what)
	}
	return e.Val.I, nil
}
