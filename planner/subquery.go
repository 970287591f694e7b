package planner

import (
	"strings"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// conjuncts binds a condition of WHERE, HAVING or ON. Tests of subqueries that stand
// as conjuncts become semi and anti joins; everything else is returned.
func (x *exprCtx) conjuncts(e ast.Expr, clause string) ([]*expr.Expr, error) {
	switch n := e.(type) {
	case nil:
		return nil, nil
	case *ast.BoolExpr:
		if !n.Or {
			var out []*expr.Expr
			for _, a := range n.Args {
				part, err := x.conjuncts(a, clause)
				if err != nil {
					return nil, err
				}
				out = append(out, part...)
			}
			return out, nil
		}
	case *ast.Exists:
		return nil, x.existsJoin(n, physical.JoinSemi)
	case *ast.InSubquery:
		return nil, x.quantifiedJoin(n.Arg, "=", n.Query, n.Not, n)
	case *ast.Quantified:
		if n.Query != nil {
			return nil, x.quantifiedTest(n)
		}
	case *ast.Not:
		switch a := n.Arg.(type) {
		case *ast.Exists:
			return nil, x.existsJoin(a, physical.JoinAnti)
		case *ast.InSubquery:
			return nil, x.quantifiedJoin(a.Arg, "=", a.Query, !a.Not, a)
		}
	}
	c, err := x.cond(e, clause)
	if err != nil {
		return nil, err
	}
	return []*expr.Expr{c}, nil
}

// sub binds a subquery within the context's scope.
func (x *exprCtx) sub(q *ast.Select) (*relation, error) {
	if x.noSubqueries {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use subquery in %s", x.clause).At(x.b.pos(q))
	}
	r, err := x.subOrdered(q)
	if err != nil {
		return nil, err
	}
	r.node = dropSort(r.node)
	return r, nil
}

// subOrdered binds a subquery and leaves its order on.
func (x *exprCtx) subOrdered(q *ast.Select) (*relation, error) {
	x.b.within = append(x.b.within, x)
	r, err := x.b.query(q, x.scope, false)
	x.b.within = x.b.within[:len(x.b.within)-1]
	return r, err
}

// dropSort takes off an order that nobody sees.
func dropSort(n logical.Node) logical.Node {
	if t, ok := n.(*logical.TopN); ok && t.Limit == nil && t.Offset == nil {
		return t.Input
	}
	return n
}

// existsJoin makes EXISTS a semi or anti join. An order or a limit above zero does
// not matter.
func (x *exprCtx) existsJoin(e *ast.Exists, t physical.JoinType) error {
	r, err := x.sub(e.Query)
	if err != nil {
		return err
	}
	n := r.node
	if top, ok := n.(*logical.TopN); ok && top.Offset == nil && top.Limit.IsConst() && top.Limit.Val.I > 0 {
		n = top.Input
	}
	x.pending = append(x.pending, pendingApply{typ: t, node: n})
	return nil
}

// quantifiedTest binds left op ANY/ALL (query) as a conjunct.
func (x *exprCtx) quantifiedTest(e *ast.Quantified) error {
	if !e.All {
		return x.quantifiedJoin(e.Left, e.Op.Name, e.Query, false, e)
	}
	if e.Op.Name == "<>" || e.Op.Name == "!=" {
		return x.quantifiedJoin(e.Left, "=", e.Query, true, e)
	}
	cond, r, err := x.compareSub(e.Left, e.Op.Name, e.Query, e)
	if err != nil {
		return err
	}
	on := logical.Not(&expr.Expr{Op: expr.OpIsTrue, Type: types.Bool, Args: []*expr.Expr{cond}, Pos: -1})
	x.pending = append(x.pending, pendingApply{typ: physical.JoinAnti, node: r.node, on: on})
	return nil
}

// quantifiedJoin makes left op ANY (query) a semi join, its negation an anti join for
// which a NULL on either side makes the test unknown.
func (x *exprCtx) quantifiedJoin(left ast.Expr, op string, q *ast.Select, not bool, at ast.Node) error {
	cond, r, err := x.compareSub(left, op, q, at)
	if err != nil {
		return err
	}
	p := pendingApply{typ: physical.JoinSemi, node: r.node, on: cond}
	if not {
		_, _, simple := logical.Equality(cond)
		if simple && logical.FreeCols(r.node).Empty() {
			p.typ = physical.JoinNullAnti
		} else {
			p.typ = physical.JoinAnti
			p.on = logical.Not(&expr.Expr{Op: expr.OpIsFalse, Type: types.Bool, Args: []*expr.Expr{cond}, Pos: -1})
		}
	}
	x.pending = append(x.pending, p)
	return nil
}

// compareSub binds left op column(s) of a query.
func (x *exprCtx) compareSub(left ast.Expr, op string, q *ast.Select, at ast.Node) (*expr.Expr, *relation, error) {
	b := x.b
	ls := []ast.Expr{left}
	if row, ok := left.(*ast.Row); ok {
		ls = row.Args
	}
	bound, err := x.list(ls)
	if err != nil {
		return nil, nil, err
	}
	r, err := x.sub(q)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case len(r.cols) > len(ls):
		return nil, nil, sqlerr.New(sqlerr.SyntaxError, "subquery has too many columns").At(b.pos(at))
	case len(r.cols) < len(ls):
		return nil, nil, sqlerr.New(sqlerr.SyntaxError, "subquery has too few columns").At(b.pos(at))
	}
	rs := make([]*expr.Expr, len(r.cols))
	for i, c := range r.cols {
		rs[i] = b.meta.Ref(c.id)
	}
	cond, err := b.compareLists(op, bound, rs, b.pos(at))
	if err != nil {
		if sqlerr.Code(err) == sqlerr.FeatureNotSupported && len(bound) == 1 {
			cond, err = b.call(op, b.pos(at), bound[0], rs[0])
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if cond, err = b.boolean(cond, op+" ANY"); err != nil {
		return nil, nil, err
	}
	return cond, r, nil
}

// subquery binds a subquery that stands where a value is wanted.
func (x *exprCtx) subquery(e ast.Expr) (*expr.Expr, error) {
	b := x.b
	if x.noSubqueries {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use subquery in %s", strings.TrimSuffix(x.clause, "s")).At(b.pos(e))
	}
	switch e := e.(type) {
	case *ast.Subquery:
		refs, err := x.scalar(e, e.Query, 1)
		if err != nil {
			return nil, err
		}
		refs[0].Pos = b.pos(e)
		return refs[0], nil
	case *ast.Exists:
		r, err := x.sub(e.Query)
		if err != nil {
			return nil, err
		}
		n := x.counts(r.node, nil)
		return b.call(">", b.pos(e), n[0], expr.Const(types.Int8, types.Datum{}))
	case *ast.ArraySubquery:
		return x.arraySubquery(e)
	case *ast.InSubquery:
		r, err := x.quantifiedValue(e.Arg, "=", false, e.Query, e)
		if err == nil && e.Not {
			r = logical.Not(r)
		}
		return r, err
	case *ast.Quantified:
		return x.quantifiedValue(e.Left, e.Op.Name, e.All, e.Query, e)
	}
	return nil, sqlerr.Internal("subquery %T", e)
}

// scalar binds the query of a subquery that gives one row of n columns, or none.
func (x *exprCtx) scalar(at ast.Node, q *ast.Select, n int) ([]*expr.Expr, error) {
	b := x.b
	r, err := x.sub(q)
	if err != nil {
		return nil, err
	}
	if len(r.cols) != n {
		if n == 1 {
			return nil, sqlerr.New(sqlerr.SyntaxError, "subquery must return only one column").At(b.pos(at))
		}
		return nil, sqlerr.New(sqlerr.SyntaxError, "number of columns does not match number of values").At(b.pos(at))
	}
	if !logical.HasKey(r.node, logical.ColSet{}) {
		r.node = &logical.MaxOneRow{Input: r.node}
	}
	x.pending = append(x.pending, pendingApply{typ: physical.JoinLeft, node: r.node})
	out := make([]*expr.Expr, n)
	for i, c := range r.cols {
		out[i] = b.meta.Ref(c.id)
	}
	return out, nil
}

// rowSubquery binds (a, b) op (query).
func (x *exprCtx) rowSubquery(e *ast.Binary, l *ast.Row, sub *ast.Subquery) (*expr.Expr, error) {
	ls, err := x.list(l.Args)
	if err != nil {
		return nil, err
	}
	rs, err := x.scalar(sub, sub.Query, len(ls))
	if err != nil {
		return nil, err
	}
	return x.b.compareLists(e.Op.Name, ls, rs, x.b.pos(e))
}

// counts applies an aggregation that counts a query's rows, all of them first, then
// those for which each filter is true.
func (x *exprCtx) counts(n logical.Node, filters []*expr.Expr) []*expr.Expr {
	b := x.b
	agg := &logical.Agg{Input: n, Scalar: true}
	var out []*expr.Expr
	for i := -1; i < len(filters); i++ {
		c := logical.AggCall{Col: b.meta.Add("count", types.Int8), Fn: "count_star", Type: types.Int8}
		if i >= 0 {
			c.Filter = filters[i]
		}
		agg.Calls = append(agg.Calls, c)
		out = append(out, b.meta.Ref(c.Col))
	}
	x.pending = append(x.pending, pendingApply{typ: physical.JoinLeft, node: agg})
	return out
}

// quantifiedValue binds left op ANY/ALL (query) as a value: true, false or NULL, from
// counts of the rows that decide it.
func (x *exprCtx) quantifiedValue(left ast.Expr, op string, all bool, q *ast.Select, at ast.Node) (*expr.Expr, error) {
	b := x.b
	cond, r, err := x.compareSub(left, op, q, at)
	if err != nil {
		return nil, err
	}
	if l, y, ok := logical.Equality(cond); ok && !all && y.Op == expr.OpColumn && logical.FreeCols(r.node).Empty() {
		return x.inValue(l, y, cond, r, b.pos(at))
	}
	decides := cond
	if all {
		decides = logical.Not(cond)
	}
	n := x.counts(r.node, []*expr.Expr{decides, logical.IsNull(cond)})
	zero := expr.Const(types.Int8, types.Datum{})
	hit, err := b.call(">", -1, n[1], zero)
	if err != nil {
		return nil, err
	}
	unknown, err := b.call(">", -1, n[2], zero)
	if err != nil {
		return nil, err
	}
	return &expr.Expr{Op: expr.OpCase, Type: types.Bool, Pos: b.pos(at), Args: []*expr.Expr{
		hit, expr.BoolConst(!all), unknown, expr.Null(types.Bool), expr.BoolConst(all)}}, nil
}

// inValue is l IN (query) for a query without correlation: a left join with its
// distinct values, and two counts for the NULLs.
func (x *exprCtx) inValue(l, y, cond *expr.Expr, r *relation, pos int) (*expr.Expr, error) {
	b := x.b
	zero := expr.Const(types.Int8, types.Datum{})
	values := &logical.Agg{Input: r.node, Group: []logical.ColID{y.Col}}
	id, mark := b.meta.Copy(y.Col), b.meta.Add("mark", types.Bool)
	marked := &logical.Project{Input: values, Out: []logical.ColID{id, mark}, Exprs: []*expr.Expr{y, expr.BoolConst(true)}}
	on := logical.Substitute(cond, map[logical.ColID]*expr.Expr{y.Col: b.meta.Ref(id)})
	x.pending = append(x.pending, pendingApply{typ: physical.JoinLeft, node: marked, on: on})

	// The counts read the query again under other names.
	y2 := b.meta.Copy(y.Col)
	again := &logical.Project{Input: r.node, Out: []logical.ColID{y2}, Exprs: []*expr.Expr{y}}
	n := x.counts(again, []*expr.Expr{logical.IsNull(b.meta.Ref(y2))})
	empty, err := b.call("=", pos, n[0], zero)
	if err != nil {
		return nil, err
	}
	nulls, err := b.call(">", pos, n[1], zero)
	if err != nil {
		return nil, err
	}
	unknown := &expr.Expr{Op: expr.OpOr, Type: types.Bool, Pos: -1, Args: []*expr.Expr{logical.IsNull(l), nulls}}
	isMarked := &expr.Expr{Op: expr.OpIsTrue, Type: types.Bool, Pos: -1, Args: []*expr.Expr{b.meta.Ref(mark)}}
	return &expr.Expr{Op: expr.OpCase, Type: types.Bool, Pos: pos, Args: []*expr.Expr{
		isMarked, expr.BoolConst(true), empty, expr.BoolConst(false), unknown, expr.Null(types.Bool), expr.BoolConst(false)}}, nil
}

// arraySubquery binds ARRAY(query): array_agg in the query's order, and an empty array
// instead of NULL.
func (x *exprCtx) arraySubquery(e *ast.ArraySubquery) (*expr.Expr, error) {
	b := x.b
	r, err := x.subOrdered(e.Query)
	if err != nil {
		return nil, err
	}
	if len(r.cols) != 1 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "subquery must return only one column").At(b.pos(e))
	}
	call, err := b.resolveAgg("array_agg", []*expr.Expr{b.meta.Ref(r.cols[0].id)}, b.pos(e))
	if err != nil {
		return nil, err
	}
	if t, ok := r.node.(*logical.TopN); ok {
		for _, k := range t.Order {
			call.Order = append(call.Order, logical.AggOrder{Expr: b.meta.Ref(k.Col), Desc: k.Desc, NullsFirst: k.NullsFirst})
		}
	}
	call.Col = b.meta.Add("array", call.Type)
	agg := &logical.Agg{Input: dropSort(r.node), Scalar: true, Calls: []logical.AggCall{call}}
	x.pending = append(x.pending, pendingApply{typ: physical.JoinLeft, node: agg})
	empty, err := b.coerce(expr.Const(types.Unknown, types.Datum{S: "{}"}), call.Type, functions.Implicit)
	if err != nil {
		return nil, err
	}
	return &expr.Expr{Op: expr.OpCoalesce, Type: call.Type, Args: []*expr.Expr{b.meta.Ref(call.Col), empty}, Pos: b.pos(e)}, nil
}
