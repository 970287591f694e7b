package planner

import (
	"strings"

	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// aggCollector gathers the aggregates of a query level.
type aggCollector struct {
	calls     []logical.AggCall
	groupings []groupingCall
	// arg is the context of their arguments; its pending subqueries are applied below
	// the aggregation.
	arg *exprCtx
}

// add gives the column of a call, the old one if the same call is there already.
func (a *aggCollector) add(b *binder, name string, c logical.AggCall) logical.ColID {
	for i := range a.calls {
		if sameCall(&a.calls[i], &c) {
			return a.calls[i].Col
		}
	}
	c.Col = b.meta.Add(name, c.Type)
	a.calls = append(a.calls, c)
	return c.Col
}

func sameCall(a, b *logical.AggCall) bool {
	if a.Fn != b.Fn || a.Distinct != b.Distinct || len(a.Args) != len(b.Args) || len(a.Order) != len(b.Order) || !logical.Equal(a.Filter, b.Filter) {
		return false
	}
	for i := range a.Args {
		if !logical.Equal(a.Args[i], b.Args[i]) || logical.IsVolatile(a.Args[i]) {
			return false
		}
	}
	for i := range a.Order {
		if a.Order[i].Desc != b.Order[i].Desc || a.Order[i].NullsFirst != b.Order[i].NullsFirst || !logical.Equal(a.Order[i].Expr, b.Order[i].Expr) {
			return false
		}
	}
	return true
}

// functionName takes the schema off a function's name.
func (b *binder) functionName(n *ast.Name) (string, error) {
	if n.Schema == "" || n.Schema == "pg_catalog" {
		return n.Name, nil
	}
	if _, err := b.cat.SchemaByName(n.Schema); err != nil {
		return "", b.at(err, n)
	}
	return n.Schema + "." + n.Name, nil
}

// kindOf tells what kind of function a name is; ok is false if there is none.
func kindOf(name string) (functions.FuncKind, bool) {
	fs := functions.ByName(name)
	if len(fs) == 0 {
		return functions.Scalar, false
	}
	return fs[0].Kind, true
}

// funcCall binds a call: scalar, aggregate or set-returning.
func (x *exprCtx) funcCall(e *ast.FuncCall) (*expr.Expr, error) {
	b := x.b
	name, err := b.functionName(&e.Name)
	if err != nil {
		return nil, err
	}
	kind, _ := kindOf(name)
	if e.Over != nil {
		return x.windowFunc(name, kind, e)
	}
	if kind == functions.Window && e.WithinGroup {
		return nil, sqlerr.Unsupported("WITHIN GROUP", b.pos(e))
	}
	if kind == functions.Window {
		return nil, sqlerr.New(sqlerr.WrongObjectType, "window function %s requires an OVER clause", name).At(b.pos(e))
	}
	if kind == functions.Aggregate {
		return x.aggregate(name, e)
	}
	if err := plainCall(name, e, b.pos(e)); err != nil {
		return nil, err
	}
	if kind == functions.Set {
		return x.setCall(name, e)
	}
	args, err := x.arguments(name, e)
	if err != nil {
		return nil, err
	}
	if name == "pg_typeof" && len(args) == 1 && args[0].Type.Kind == types.KindUnknown && args[0].IsConst() {
		return expr.Const(types.RegType, types.Datum{I: int64(types.Unknown.OID())}), nil
	}
	if name == "row_to_json" && len(args) == 1 && args[0].Type.Kind == types.KindJSON {
		return args[0], nil // a row has become an object among the arguments
	}
	return b.call(name, b.pos(e), args...)
}

// plainCall refuses an aggregate's clauses on a function that is none.
func plainCall(name string, e *ast.FuncCall, pos int) error {
	what := ""
	switch {
	case e.Star:
		return sqlerr.New(sqlerr.WrongObjectType, "%s(*) specified, but %s is not an aggregate function", name, name).At(pos)
	case e.WithinGroup && functions.ByName(name) == nil:
		return sqlerr.Unsupported("WITHIN GROUP", pos)
	case e.Distinct:
		what = "DISTINCT"
	case e.WithinGroup:
		what = "WITHIN GROUP"
	case len(e.OrderBy) > 0:
		what = "ORDER BY"
	case e.Filter != nil:
		what = "FILTER"
	default:
		return nil
	}
	return sqlerr.New(sqlerr.WrongObjectType, "%s specified, but %s is not an aggregate function", what, name).At(pos)
}

// spread takes a VARIADIC array of constants apart.
func (b *binder) spread(args []*expr.Expr, pos int) ([]*expr.Expr, error) {
	last := args[len(args)-1]
	out := args[: len(args)-1 : len(args)-1]
	switch {
	case last.Op == expr.OpArray:
		return append(out, last.Args...), nil
	case last.IsConst() && last.Type.IsArray() && !last.Val.Null:
		a, ok := types.ReadArray(last.Type, last.Val.S)
		if !ok {
			return nil, sqlerr.Internal("malformed array value")
		}
		for i := range a.Len() {
			e := expr.Null(a.Elem())
			if !a.Null(i) {
				e = expr.Const(a.Elem(), a.Datum(i))
			}
			e.Pos = last.Pos
			out = append(out, e)
		}
		return out, nil
	case !last.Type.IsArray():
		return nil, sqlerr.New(sqlerr.DatatypeMismatch, "VARIADIC argument must be an array").At(last.Pos)
	}
	return nil, sqlerr.Unsupported("VARIADIC with an array that is not constant", pos)
}

// setCall binds a call of a set-returning function in a select list.
func (x *exprCtx) setCall(name string, e *ast.FuncCall) (*expr.Expr, error) {
	b := x.b
	if x.sets == nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "set-returning functions are not allowed in %s", x.clause).At(b.pos(e))
	}
	before := len(*x.sets)
	args, err := x.list(e.Args)
	if err != nil {
		return nil, err
	}
	if len(*x.sets) > before {
		return nil, sqlerr.Unsupported("a set-returning function within another", b.pos(e))
	}
	f, call, err := b.bindSet(name, args, b.pos(e))
	if err != nil {
		return nil, err
	}
	if len(f.Columns) > 0 {
		return nil, sqlerr.Unsupported("a set-returning function with several columns within an expression", b.pos(e))
	}
	*x.sets = append(*x.sets, call)
	r := b.meta.Ref(call.Col)
	r.Pos = b.pos(e)
	return r, nil
}

// bindSet resolves a set-returning function and makes its column.
func (b *binder) bindSet(name string, args []*expr.Expr, pos int) (*functions.Function, logical.SetCall, error) {
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type
	}
	f, to, ret, err := functions.Resolve(name, ts)
	if err != nil {
		return nil, logical.SetCall{}, sqlerr.As(err).At(pos)
	}
	if f.Kind != functions.Set {
		return nil, logical.SetCall{}, sqlerr.Internal("%s is not a set-returning function", name)
	}
	for i := range args {
		if args[i], err = b.coerce(args[i], to[i], functions.Implicit); err != nil {
			return nil, logical.SetCall{}, err
		}
	}
	if err := b.allow(f, pos); err != nil {
		return nil, logical.SetCall{}, err
	}
	return f, logical.SetCall{Col: b.meta.Add(name, ret), Fn: f.ID, Args: args, Type: ret}, nil
}

// aggregate binds a call of an aggregate.
func (x *exprCtx) aggregate(name string, e *ast.FuncCall) (*expr.Expr, error) {
	b := x.b
	switch {
	case x.inAgg:
		return nil, sqlerr.New(sqlerr.GroupingError, "aggregate function calls cannot be nested").At(b.pos(e))
	case e.WithinGroup || functions.ByName(name)[0].Agg.OrderedSet:
		return x.orderedSet(name, e)
	case len(e.Args) == 0 && !e.Star:
		return nil, sqlerr.New(sqlerr.WrongObjectType, "%s(*) must be used to call a parameterless aggregate function", name).At(b.pos(e))
	}
	home, arg, args, err := x.aggregateLevel(e)
	if err != nil {
		return nil, err
	}
	if e.Star {
		args = nil
	}
	call, err := b.resolveAgg(name, args, b.pos(e))
	if err != nil {
		return nil, err
	}
	call.Distinct = e.Distinct
	if err := arg.aggFilter(e, &call); err != nil {
		return nil, err
	}
	if call.Order, err = x.aggOrder(arg, e, &call); err != nil {
		return nil, err
	}
	r := b.meta.Ref(home.add(b, name, call))
	r.Pos = b.pos(e)
	return r, nil
}

// aggFilter binds the FILTER of an aggregate.
func (x *exprCtx) aggFilter(e *ast.FuncCall, call *logical.AggCall) (err error) {
	if e.Filter == nil {
		return nil
	}
	if call.Filter, err = x.cond(e.Filter, "FILTER"); err == nil && logical.IsTrue(call.Filter) {
		call.Filter = nil
	}
	return err
}

// orderedSet binds an ordered-set aggregate: f(direct …) WITHIN GROUP (ORDER BY value).
func (x *exprCtx) orderedSet(name string, e *ast.FuncCall) (*expr.Expr, error) {
	b := x.b
	all := *e
	all.Args = append([]ast.Expr(nil), e.Args...)
	for i := range e.OrderBy {
		all.Args = append(all.Args, e.OrderBy[i].Expr)
	}
	home, arg, args, err := x.aggregateLevel(&all)
	if err != nil {
		return nil, err
	}
	call, err := b.resolveAgg(name, args, b.pos(e))
	if err != nil {
		return nil, err
	}
	switch ordered := functions.ByID(call.Fn).Agg.OrderedSet; {
	case !ordered:
		return nil, sqlerr.New(sqlerr.WrongObjectType, "%s is not an ordered-set aggregate, so it cannot have WITHIN GROUP", name).At(b.pos(e))
	case !e.WithinGroup:
		return nil, sqlerr.New(sqlerr.WrongObjectType, "WITHIN GROUP is required for ordered-set aggregate %s", name).At(b.pos(e))
	}
	value := len(call.Args) - 1
	for i := range value {
		if call.Args[i] = b.foldAll(call.Args[i]); !call.Args[i].IsConst() {
			return nil, sqlerr.Unsupported("an argument of "+name+" that is not constant", b.pos(e.Args[i]))
		}
	}
	if err := arg.aggFilter(e, &call); err != nil {
		return nil, err
	}
	call.Order = []logical.AggOrder{{Expr: call.Args[value], Desc: e.OrderBy[len(e.OrderBy)-1].Desc}}
	r := b.meta.Ref(home.add(b, name, call))
	r.Pos = b.pos(e)
	return r, nil
}

// aggregateLevel binds an aggregate's arguments and finds the query that it belongs
// to: the nearest one whose columns it uses, this one if it uses none.
func (x *exprCtx) aggregateLevel(e *ast.FuncCall) (*aggCollector, *exprCtx, []*expr.Expr, error) {
	b := x.b
	arg := &exprCtx{b: b, scope: x.scope, clause: "aggregate function arguments", inAgg: true}
	if x.aggs != nil {
		arg = x.aggs.arg
	}
	before := len(arg.pending)
	args, err := arg.callArgs(e.Name.Name, e.Args)
	if err != nil {
		return nil, nil, nil, err
	}
	var refs logical.ColSet
	for _, a := range args {
		refs.AddSet(logical.Refs(a))
	}
	level := x.scope
	if !refs.Empty() {
		for level != nil && !refs.Intersects(level.own()) {
			level = level.parent
		}
	}
	if level == x.scope || level == nil {
		if x.aggs == nil {
			return nil, nil, nil, sqlerr.New(sqlerr.GroupingError, "aggregate functions are not allowed in %s", x.clause).At(b.pos(e))
		}
		return x.aggs, arg, args, nil
	}
	for i := len(b.within) - 1; i >= 0; i-- {
		if o := b.within[i]; o.scope == level && o.aggs != nil {
			if len(arg.pending) > before {
				return nil, nil, nil, sqlerr.Unsupported("a subquery in an aggregate of an outer query", b.pos(e))
			}
			return o.aggs, o.aggs.arg, args, nil
		}
	}
	return nil, nil, nil, sqlerr.New(sqlerr.GroupingError, "aggregate functions are not allowed in %s", x.clause).At(b.pos(e))
}

// resolveAgg resolves an aggregate over bound arguments.
func (b *binder) resolveAgg(name string, args []*expr.Expr, pos int) (logical.AggCall, error) {
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type
	}
	if name == "array_agg" && len(ts) == 1 && ts[0].IsArray() {
		return logical.AggCall{}, sqlerr.Unsupported("array_agg over arrays", pos)
	}
	f, to, ret, err := functions.Resolve(name, ts)
	if err != nil {
		return logical.AggCall{}, sqlerr.As(err).At(pos)
	}
	for i := range args {
		if args[i], err = b.coerce(args[i], to[i], functions.Implicit); err != nil {
			return logical.AggCall{}, err
		}
	}
	if f.Agg.Kind == functions.AggJSONBObjectAgg {
		if args[0], err = b.callHidden(strings.TrimSuffix(name, "_object_agg")+"_key_any", pos, types.Text, args[0]); err != nil {
			return logical.AggCall{}, err
		}
	}
	return logical.AggCall{Fn: f.ID, Args: args, Type: ret}, nil
}

// aggOrder binds ORDER BY within an aggregate; it is dropped where order is all the same.
func (x *exprCtx) aggOrder(arg *exprCtx, e *ast.FuncCall, call *logical.AggCall) ([]logical.AggOrder, error) {
	b := x.b
	var out []logical.AggOrder
	for _, s := range e.OrderBy {
		k, err := arg.typed(s.Expr)
		if err != nil {
			return nil, err
		}
		if call.Distinct && !containsExpr(call.Args, k) {
			return nil, sqlerr.New(sqlerr.InvalidColumnReference,
				"in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list").At(b.pos(s.Expr))
		}
		if k.IsConst() {
			continue
		}
		out = append(out, logical.AggOrder{Expr: k, Desc: s.Desc, NullsFirst: nullsFirst(&s)})
	}
	if f := functions.ByID(call.Fn); !f.Agg.Ordered {
		return nil, nil
	}
	return out, nil
}

func containsExpr(list []*expr.Expr, e *expr.Expr) bool {
	for _, x := range list {
		if logical.Equal(x, e) {
			return true
		}
	}
	return false
}

// nullsFirst tells where NULLs go: by default they are the largest values.
func nullsFirst(s *ast.SortItem) bool {
	if s.Nulls == ast.NullsDefault {
		return s.Desc
	}
	return s.Nulls == ast.NullsFirst
}
