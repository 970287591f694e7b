package planner

import (
	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// predicate binds BETWEEN, IN (list) and LIKE.
func (x *exprCtx) predicate(e ast.Expr) (*expr.Expr, error) {
	var r *expr.Expr
	var err error
	not := false
	switch e := e.(type) {
	case *ast.Between:
		not = e.Not
		r, err = x.between(e)
	case *ast.InList:
		not = e.Not
		r, err = x.inList(e)
	case *ast.LikeExpr:
		return x.like(e)
	}
	if err != nil {
		return nil, err
	}
	if not {
		r = logical.Not(r)
	}
	return x.b.fold(r), nil
}

// between binds arg BETWEEN low AND high.
func (x *exprCtx) between(e *ast.Between) (*expr.Expr, error) {
	args, err := x.list([]ast.Expr{e.Arg, e.Low, e.High})
	if err != nil {
		return nil, err
	}
	in := func(low, high *expr.Expr) (*expr.Expr, error) {
		ge, err := x.b.call(">=", x.b.pos(e), args[0], low)
		if err != nil {
			return nil, err
		}
		le, err := x.b.call("<=", x.b.pos(e), args[0], high)
		if err != nil {
			return nil, err
		}
		return &expr.Expr{Op: expr.OpAnd, Type: types.Bool, Args: []*expr.Expr{ge, le}, Pos: x.b.pos(e)}, nil
	}
	r, err := in(args[1], args[2])
	if err != nil || !e.Symmetric {
		return r, err
	}
	s, err := in(args[2], args[1])
	if err != nil {
		return nil, err
	}
	return &expr.Expr{Op: expr.OpOr, Type: types.Bool, Args: []*expr.Expr{r, s}, Pos: x.b.pos(e)}, nil
}

// inList binds arg IN (a, b, …): a lookup if the list is constant, else a chain of OR.
func (x *exprCtx) inList(e *ast.InList) (*expr.Expr, error) {
	b := x.b
	if row, ok := e.Arg.(*ast.Row); ok {
		return x.rowInList(e, row)
	}
	all, err := x.list(append([]ast.Expr{e.Arg}, e.List...))
	if err != nil {
		return nil, err
	}
	ts := make([]types.Type, len(all))
	for i, a := range all {
		ts[i] = a.Type
	}
	if t, err := functions.CommonType("IN", ts...); err == nil {
		if r, err := x.inCommon(all, t, b.pos(e)); err == nil {
			return r, nil
		} else if len(all) > 1 && sqlerr.Code(err)[:2] == "22" {
			return nil, err
		}
	}
	parts := make([]*expr.Expr, len(all)-1)
	for i, a := range all[1:] {
		if parts[i], err = b.equal(all[0], a, b.pos(e)); err != nil {
			return nil, err
		}
	}
	return anyOf(parts, b.pos(e)), nil
}

// anyOf is the OR of one or more conditions.
func anyOf(parts []*expr.Expr, pos int) *expr.Expr {
	if len(parts) == 1 {
		return parts[0]
	}
	return &expr.Expr{Op: expr.OpOr, Type: types.Bool, Args: parts, Pos: pos}
}

// inCommon compares the members in one type.
func (x *exprCtx) inCommon(all []*expr.Expr, t types.Type, pos int) (*expr.Expr, error) {
	b := x.b
	t = t.Base()
	f, to, _, err := functions.Resolve("=", []types.Type{t, t})
	if err != nil {
		return nil, sqlerr.As(err).At(pos)
	}
	out := make([]*expr.Expr, len(all))
	constant := true
	for i, a := range all {
		if out[i], err = b.coerce(a, t, functions.Implicit); err != nil {
			return nil, err
		}
		if !isPseudo(to[0]) {
			if out[i], err = b.coerce(out[i], to[0], functions.Implicit); err != nil {
				return nil, err
			}
		}
		constant = constant && (i == 0 || out[i].IsConst())
	}
	if constant && len(out) > 2 {
		return &expr.Expr{Op: expr.OpInList, Type: types.Bool, Fn: f.ID, Args: out, Pos: pos}, nil
	}
	parts := make([]*expr.Expr, len(out)-1)
	for i, a := range out[1:] {
		parts[i] = &expr.Expr{Op: expr.OpCall, Type: types.Bool, Fn: f.ID, Args: []*expr.Expr{out[0], a}, Pos: pos}
	}
	return anyOf(parts, pos), nil
}

// rowInList binds (a, b) IN ((c, d), …).
func (x *exprCtx) rowInList(e *ast.InList, row *ast.Row) (*expr.Expr, error) {
	b := x.b
	ls, err := x.list(row.Args)
	if err != nil {
		return nil, err
	}
	parts := make([]*expr.Expr, len(e.List))
	for i, m := range e.List {
		r, ok := m.(*ast.Row)
		if !ok || len(r.Args) != len(ls) {
			return nil, sqlerr.New(sqlerr.SyntaxError, "unequal number of entries in row expressions").At(b.pos(m))
		}
		rs, err := x.list(r.Args)
		if err != nil {
			return nil, err
		}
		if parts[i], err = b.compareLists("=", ls, rs, b.pos(e)); err != nil {
			return nil, err
		}
	}
	return anyOf(parts, b.pos(e)), nil
}

// like binds LIKE, ILIKE and SIMILAR TO.
func (x *exprCtx) like(e *ast.LikeExpr) (*expr.Expr, error) {
	b := x.b
	args, err := x.list([]ast.Expr{e.Arg, e.Pattern})
	if err != nil {
		return nil, err
	}
	pattern := args[1]
	if e.Escape != nil || e.Kind == ast.SimilarTo {
		fargs := []*expr.Expr{pattern}
		if e.Escape != nil {
			esc, err := x.bind(e.Escape)
			if err != nil {
				return nil, err
			}
			fargs = append(fargs, esc)
		}
		fn := "like_escape"
		if e.Kind == ast.SimilarTo {
			fn = "similar_to_escape"
		}
		if pattern, err = b.call(fn, b.pos(e), fargs...); err != nil {
			return nil, err
		}
	}
	op := [...]string{"~~", "~~*", "~"}[e.Kind]
	if e.Not {
		op = "!" + op
	}
	return b.call(op, b.pos(e), args[0], pattern)
}

// quantifiedArray binds left op ANY/ALL (array).
func (x *exprCtx) quantifiedArray(e *ast.Quantified) (*expr.Expr, error) {
	b := x.b
	l, err := x.bind(e.Left)
	if err != nil {
		return nil, err
	}
	var arr *expr.Expr
	if a, ok := e.Array.(*ast.ArrayExpr); ok && len(a.Elems) == 0 {
		arr, err = x.array(a, types.ArrayOf(l.Type))
	} else {
		arr, err = x.bind(e.Array)
	}
	if err != nil {
		return nil, err
	}
	if arr.Type.Kind == types.KindUnknown {
		t := l.Type
		if t.Kind == types.KindUnknown {
			t = types.Text
		}
		if arr, err = b.coerce(arr, types.ArrayOf(t.Base()), functions.Implicit); err != nil {
			return nil, err
		}
	}
	if !arr.Type.IsArray() {
		return nil, sqlerr.New(sqlerr.WrongObjectType, "op ANY/ALL (array) requires array on right side").At(b.pos(e))
	}
	f, to, ret, err := functions.Resolve(e.Op.Name, []types.Type{l.Type, arr.Type.ElemType().Base()})
	if err != nil {
		return nil, sqlerr.As(err).At(b.pos(e))
	}
	if ret.Kind != types.KindBool {
		return nil, sqlerr.New(sqlerr.WrongObjectType, "op ANY/ALL (array) requires operator to yield boolean").At(b.pos(e))
	}
	if l, err = b.coerce(l, to[0], functions.Implicit); err != nil {
		return nil, err
	}
	if !isPseudo(to[1]) && to[1].Kind != arr.Type.ElemType().Kind {
		if arr, err = b.coerce(arr, types.ArrayOf(to[1]), functions.Implicit); err != nil {
			return nil, err
		}
	}
	op := expr.OpAnyArray
	if e.All {
		op = expr.OpAllArray
	}
	return b.fold(&expr.Expr{Op: op, Type: types.Bool, Fn: f.ID, Args: []*expr.Expr{l, arr}, Pos: b.pos(e)}), nil
}
