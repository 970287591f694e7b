package planner

import (
	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// conditional binds CASE, COALESCE, NULLIF, GREATEST and LEAST.
func (x *exprCtx) conditional(e ast.Expr) (*expr.Expr, error) {
	b := x.b
	switch e := e.(type) {
	case *ast.Case:
		return x.caseExpr(e)
	case *ast.Coalesce:
		return x.variadic(expr.OpCoalesce, "COALESCE", e.Args, b.pos(e))
	case *ast.MinMax:
		if e.Greatest {
			return x.variadic(expr.OpGreatest, "GREATEST", e.Args, b.pos(e))
		}
		return x.variadic(expr.OpLeast, "LEAST", e.Args, b.pos(e))
	case *ast.NullIf:
		args, err := x.list([]ast.Expr{e.Left, e.Right})
		if err != nil {
			return nil, err
		}
		f, to, _, err := functions.Resolve("=", []types.Type{args[0].Type, args[1].Type})
		if err != nil {
			return nil, b.at(err, e)
		}
		for i := range args {
			if args[i], err = b.coerce(args[i], to[i], functions.Implicit); err != nil {
				return nil, err
			}
		}
		return b.fold(&expr.Expr{Op: expr.OpNullIf, Type: args[0].Type, Fn: f.ID, Args: args, Pos: b.pos(e)}), nil
	}
	return nil, sqlerr.Internal("conditional %T", e)
}

// variadic binds a construct that brings its members to one type.
func (x *exprCtx) variadic(op expr.Op, what string, args []ast.Expr, pos int) (*expr.Expr, error) {
	list, err := x.list(args)
	if err != nil {
		return nil, err
	}
	list, t, err := x.b.common(what, list)
	if err != nil {
		return nil, err
	}
	return x.b.fold(&expr.Expr{Op: op, Type: t, Args: list, Pos: pos}), nil
}

// caseExpr binds both forms of CASE.
func (x *exprCtx) caseExpr(e *ast.Case) (*expr.Expr, error) {
	b := x.b
	var arg *expr.Expr
	if e.Arg != nil {
		a, err := x.typed(e.Arg)
		if err != nil {
			return nil, err
		}
		arg = a
	}
	conds := make([]*expr.Expr, len(e.Whens))
	results := make([]*expr.Expr, len(e.Whens)+1)
	for i, w := range e.Whens {
		c, err := x.bind(w.Cond)
		if err != nil {
			return nil, err
		}
		if arg != nil {
			c, err = b.equal(arg, c, b.pos(w.Cond))
		} else {
			c, err = b.boolean(c, "CASE/WHEN")
		}
		if err != nil {
			return nil, err
		}
		conds[i] = c
		if results[i], err = x.bind(w.Result); err != nil {
			return nil, err
		}
	}
	results[len(e.Whens)] = expr.Null(types.Unknown)
	if e.Else != nil {
		r, err := x.bind(e.Else)
		if err != nil {
			return nil, err
		}
		results[len(e.Whens)] = r
	}
	// PostgreSQL takes the ELSE first when it looks for the common type.
	n := len(results) - 1
	ordered, t, err := b.common("CASE", append([]*expr.Expr{results[n]}, results[:n]...))
	if err != nil {
		return nil, err
	}
	var args []*expr.Expr
	for i, c := range conds {
		args = append(args, c, ordered[i+1])
	}
	args = append(args, ordered[0])
	return b.fold(&expr.Expr{Op: expr.OpCase, Type: t, Args: args, Pos: b.pos(e)}), nil
}

// cast binds CAST(arg AS type).
func (x *exprCtx) cast(e *ast.Cast) (*expr.Expr, error) {
	b := x.b
	to, err := b.typeName(e.Type)
	if err != nil {
		return nil, err
	}
	if a, ok := e.Arg.(*ast.ArrayExpr); ok && to.IsArray() {
		return x.array(a, to)
	}
	arg, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	r, err := b.coerce(arg, to, functions.Explicit)
	if err != nil {
		if sqlerr.Code(err) == sqlerr.CannotCoerce {
			sqlerr.As(err).Position = 0
			return nil, b.at(err, e)
		}
		return nil, err
	}
	return r, nil
}

// collate accepts the one collation there is.
func (x *exprCtx) collate(e *ast.Collate) (*expr.Expr, error) {
	arg, err := x.typed(e.Arg)
	if err != nil {
		return nil, err
	}
	if err := x.b.collation(&e.Name); err != nil {
		return nil, err
	}
	t := arg.Type
	if t.IsArray() {
		t = t.ElemType()
	}
	if !t.IsString() {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch, "collations are not supported by type %s", functions.TypeName(arg.Type)).At(x.b.pos(e))
	}
	return arg, nil
}

// collation accepts the names of byte order.
func (b *binder) collation(n *ast.Name) error {
	switch n.Name {
	case "C", "POSIX", "default", "ucs_basic":
		if n.Schema == "" || n.Schema == "pg_catalog" {
			return nil
		}
	}
	return sqlerr.New(sqlerr.UndefinedObject, "collation %q for encoding \"UTF8\" does not exist", n.Name).At(b.pos(n))
}

// array binds ARRAY[…]; to is the type it is cast to, zero if it is not.
func (x *exprCtx) array(e *ast.ArrayExpr, to types.Type) (*expr.Expr, error) {
	b := x.b
	for _, a := range e.Elems {
		if _, nested := a.(*ast.ArrayExpr); nested {
			return nil, sqlerr.Unsupported("an array of more than one dimension", b.pos(a))
		}
	}
	list, err := x.list(e.Elems)
	if err != nil {
		return nil, err
	}
	if to.Kind != types.KindInvalid && to.Elem != types.KindUnknown {
		for i := range list {
			if list[i], err = b.coerce(list[i], to.ElemType(), functions.Explicit); err != nil {
				return nil, err
			}
		}
		return b.fold(&expr.Expr{Op: expr.OpArray, Type: to, Args: list, Pos: b.pos(e)}), nil
	}
	if len(list) == 0 {
		return nil, sqlerr.New(sqlerr.IndeterminateDatatype, "cannot determine type of empty array").
			WithHint("Explicitly cast to the desired type, for example ARRAY[]::integer[].").At(b.pos(e))
	}
	list, t, err := b.common("ARRAY", list)
	if err != nil {
		return nil, err
	}
	if t.IsArray() {
		return nil, sqlerr.Unsupported("an array of more than one dimension", b.pos(e))
	}
	return b.fold(&expr.Expr{Op: expr.OpArray, Type: types.ArrayOf(t), Args: list, Pos: b.pos(e)}), nil
}

// subscript binds arg[i] and arg[lo:hi], for arrays and jsonb.
func (x *exprCtx) subscript(e *ast.Subscript) (*expr.Expr, error) {
	b := x.b
	arg, err := x.typed(e.Arg)
	if err != nil {
		return nil, err
	}
	if arg.Type.Kind == types.KindJSONB {
		return x.jsonSubscript(arg, e)
	}
	if !arg.Type.IsArray() {
		return nil, sqlerr.New(sqlerr.DatatypeMismatch, "cannot subscript type %s because it does not support subscripting",
			functions.TypeName(arg.Type)).At(b.pos(e))
	}
	if len(e.Indexes) > 1 {
		return nil, sqlerr.Unsupported("an array of more than one dimension", b.pos(e))
	}
	ix := e.Indexes[0]
	bound := func(a ast.Expr) (*expr.Expr, error) {
		if a == nil {
			return expr.Null(types.Int4), nil
		}
		r, err := x.bind(a)
		if err != nil {
			return nil, err
		}
		return b.coerce(r, types.Int4, functions.Assignment)
	}
	if !ix.Slice {
		i, err := bound(ix.Upper)
		if err != nil {
			return nil, err
		}
		return b.callHidden("array_subscript", b.pos(e), arg.Type.ElemType(), arg, i)
	}
	lo, err := bound(ix.Lower)
	if err != nil {
		return nil, err
	}
	hi, err := bound(ix.Upper)
	if err != nil {
		return nil, err
	}
	return b.callHidden("array_slice", b.pos(e), arg.Type, arg, lo, hi)
}

// jsonSubscript is a chain of ->.
func (x *exprCtx) jsonSubscript(arg *expr.Expr, e *ast.Subscript) (*expr.Expr, error) {
	for _, ix := range e.Indexes {
		if ix.Slice {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch, "jsonb subscript does not support slices").At(x.b.pos(e))
		}
		i, err := x.bind(ix.Upper)
		if err != nil {
			return nil, err
		}
		if arg, err = x.b.call("->", x.b.pos(e), arg, i); err != nil {
			return nil, err
		}
	}
	return arg, nil
}

// callHidden builds a call of a function that has no name in SQL.
func (b *binder) callHidden(id string, pos int, ret types.Type, args ...*expr.Expr) (*expr.Expr, error) {
	if functions.ByID(id) == nil {
		return nil, sqlerr.Unsupported(id, pos)
	}
	return b.fold(&expr.Expr{Op: expr.OpCall, Fn: id, Type: ret, Args: args, Pos: pos}), nil
}

// sqlValue binds CURRENT_DATE and its kin as calls of the functions of that name.
func (x *exprCtx) sqlValue(e *ast.SQLValue) (*expr.Expr, error) {
	b := x.b
	if e.Kind == ast.CurrentTime {
		return nil, sqlerr.Unsupported("type time with time zone", b.pos(e))
	}
	name := e.Kind.String()
	if e.Kind == ast.User || e.Kind == ast.CurrentRole {
		name = "current_user"
	}
	if e.Kind == ast.CurrentCatalog {
		name = "current_database"
	}
	if e.Kind == ast.CurrentTimestamp {
		name = "now"
	}
	r, err := b.call(name, b.pos(e))
	if err != nil || e.Precision < 0 {
		return r, err
	}
	return b.coerce(r, r.Type.WithTypmod(int32(min(e.Precision, 6))), functions.Explicit)
}

// row binds a row constructor where a value is wanted.
func (x *exprCtx) row(e *ast.Row) (*expr.Expr, error) {
	if len(e.Args) == 1 && !e.Explicit {
		return x.bind(e.Args[0])
	}
	c, err := x.composite(e)
	if err != nil {
		return nil, err
	}
	return x.b.record(c, x.b.pos(e))
}

// grouping binds GROUPING(…); the column it gives is filled in by the grouping sets.
func (x *exprCtx) grouping(e *ast.GroupingFunc) (*expr.Expr, error) {
	b := x.b
	if x.aggs == nil || x.inAgg {
		return nil, sqlerr.New(sqlerr.GroupingError, "grouping operations are not allowed in %s", x.clause).At(b.pos(e))
	}
	sub := *x
	sub.aggs = nil
	args, err := sub.list(e.Args)
	if err != nil {
		return nil, err
	}
	id := b.meta.Add("grouping", types.Int4)
	x.aggs.groupings = append(x.aggs.groupings, groupingCall{col: id, args: args, pos: b.pos(e)})
	return b.meta.Ref(id), nil
}

// groupingCall is a GROUPING(…) met in a query.
type groupingCall struct {
	col  logical.ColID
	args []*expr.Expr
	pos  int
}
