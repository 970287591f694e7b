package expr_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// evalQuery evaluates one expression in PostgreSQL's syntax. The little binder here
// knows what the golden files need; the planner has the real one.
func evalQuery(query string, st *types.Settings) ([]string, error) {
	tree, err := pg.Parse("SELECT " + query)
	if err != nil {
		return nil, err
	}
	ctx := &expr.Ctx{Settings: st, Random: rand.Uint64}
	b := binder{ctx: ctx}
	target := tree.Stmts[0].Stmt.GetSelectStmt().TargetList[0].GetResTarget().Val
	e, err := b.bind(target)
	if err != nil {
		return nil, err
	}
	if e.Type.Kind == types.KindUnknown {
		if e, err = expr.Coerce(e, types.Text, functions.Implicit, ctx); err != nil {
			return nil, err
		}
	}
	if f := functions.ByID(e.Fn); f != nil && f.Kind == functions.Set {
		return evalSet(ctx, f, e, st)
	}
	p, err := expr.Compile(e)
	if err != nil {
		return nil, err
	}
	d, err := p.EvalOne(ctx)
	if cerr := asColumns(ctx, e, d, err); cerr != nil {
		return nil, cerr
	}
	if err != nil {
		return nil, err
	}
	return []string{show(e.Type, d, st)}, nil
}

// asColumns evaluates e once more over columns in the place of its constants, with
// rows of NULLs in between, and compares the rows with what one row of constants gave.
func asColumns(ctx *expr.Ctx, e *expr.Expr, want types.Datum, wantErr error) error {
	if expr.IsVolatile(e) {
		return nil
	}
	const rows = 70
	in := &chunk.Chunk{Rows: rows}
	inList := map[*expr.Expr]bool{}
	expr.Walk(e, func(x *expr.Expr) bool {
		if x.Op == expr.OpInList {
			for _, a := range x.Args[1:] {
				inList[a] = true
			}
		}
		return true
	})
	cols := expr.Rewrite(e, func(x *expr.Expr) *expr.Expr {
		if !x.IsConst() || inList[x] {
			return x
		}
		col := chunk.NewColumn(x.Type, rows)
		for i := range rows {
			if i%3 == 1 {
				col.AppendNull()
			} else {
				col.AppendDatum(*x.Val)
			}
		}
		in.Cols = append(in.Cols, col)
		return expr.Column(len(in.Cols)-1, x.Type)
	})
	p, err := expr.Compile(cols)
	if err != nil {
		return err
	}
	for range 2 {
		v := p.Eval(ctx, in)
		for i := range rows {
			if i%3 == 1 {
				continue
			}
			if e := v.ErrAt(i); e != nil || wantErr != nil {
				if e == nil || wantErr == nil || e.Error() != wantErr.Error() {
					return fmt.Errorf("over columns, row %d: error %v, alone %v", i, e, wantErr)
				}
			} else if got := v.Datum(i); got != want && !(got.F != got.F && want.F != want.F) {
				return fmt.Errorf("over columns, row %d: %+v, alone %+v", i, got, want)
			}
		}
	}
	return nil
}

func show(t types.Type, d types.Datum, st *types.Settings) string {
	if d.Null {
		return "NULL"
	}
	return string(types.AppendText(nil, t, d, st))
}

func evalSet(ctx *expr.Ctx, f *functions.Function, e *expr.Expr, st *types.Settings) ([]string, error) {
	call := functions.Call{Ctx: ctx, Fn: f, Out: new(chunk.Column)}
	for _, a := range e.Args {
		p, err := expr.Compile(a)
		if err != nil {
			return nil, err
		}
		v := p.Eval(ctx, &chunk.Chunk{Rows: 1})
		if err := expr.FirstError(v); err != nil {
			return nil, err
		}
		call.Args = append(call.Args, v)
	}
	if errs := call.RunSet(1, e.Type, make([]int32, 1)); errs != nil {
		return nil, errs[0].Err
	}
	var rows []string
	for i := range call.Out.Len() {
		rows = append(rows, show(e.Type, call.Out.Datum(i), st))
	}
	return rows, nil
}

type binder struct{ ctx *expr.Ctx }

func (b binder) all(ns []*pg.Node) ([]*expr.Expr, error) {
	var es []*expr.Expr
	for _, n := range ns {
		e, err := b.bind(n)
		if err != nil {
			return nil, err
		}
		es = append(es, e)
	}
	return es, nil
}

func (b binder) call(name string, args ...*expr.Expr) (*expr.Expr, error) {
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type
	}
	f, to, ret, err := functions.Resolve(name, ts)
	if err != nil {
		return nil, err
	}
	for i := range args {
		if args[i], err = expr.Coerce(args[i], to[i], functions.Implicit, b.ctx); err != nil {
			return nil, err
		}
	}
	return expr.Call(f.ID, ret, -1, args...), nil
}

func op(o expr.Op, t types.Type, args ...*expr.Expr) *expr.Expr {
	return &expr.Expr{Op: o, Type: t, Args: args, Pos: -1}
}

func (b binder) bind(n *pg.Node) (*expr.Expr, error) {
	switch v := n.Node.(type) {
	case *pg.Node_AConst:
		return bindConst(v.AConst)
	case *pg.Node_TypeCast:
		return b.cast(v.TypeCast)
	case *pg.Node_FuncCall:
		args, err := b.all(v.FuncCall.Args)
		if err != nil {
			return nil, err
		}
		names := v.FuncCall.Funcname
		return b.call(names[len(names)-1].GetString_().Sval, args...)
	case *pg.Node_AExpr:
		return b.operator(v.AExpr)
	case *pg.Node_BoolExpr:
		args, err := b.bools(v.BoolExpr.Args)
		if err != nil {
			return nil, err
		}
		o := map[pg.BoolExprType]expr.Op{pg.BoolExprType_AND_EXPR: expr.OpAnd, pg.BoolExprType_OR_EXPR: expr.OpOr, pg.BoolExprType_NOT_EXPR: expr.OpNot}
		return op(o[v.BoolExpr.Boolop], types.Bool, args...), nil
	case *pg.Node_NullTest:
		a, err := b.bind(v.NullTest.Arg)
		if err != nil {
			return nil, err
		}
		e := op(expr.OpIsNull, types.Bool, a)
		if v.NullTest.Nulltesttype == pg.NullTestType_IS_NOT_NULL {
			e = op(expr.OpNot, types.Bool, e)
		}
		return e, nil
	case *pg.Node_AArrayExpr:
		return b.common("ARRAY", expr.OpArray, v.AArrayExpr.Elements)
	case *pg.Node_CoalesceExpr:
		return b.common("COALESCE", expr.OpCoalesce, v.CoalesceExpr.Args)
	case *pg.Node_MinMaxExpr:
		if v.MinMaxExpr.Op == pg.MinMaxOp_IS_GREATEST {
			return b.common("GREATEST", expr.OpGreatest, v.MinMaxExpr.Args)
		}
		return b.common("LEAST", expr.OpLeast, v.MinMaxExpr.Args)
	case *pg.Node_CaseExpr:
		return b.caseExpr(v.CaseExpr)
	case *pg.Node_AIndirection:
		return b.subscript(v.AIndirection)
	}
	return nil, fmt.Errorf("test binder: %T", n.Node)
}

func (b binder) bools(ns []*pg.Node) ([]*expr.Expr, error) {
	args, err := b.all(ns)
	for i := range args {
		if args[i], err = expr.Coerce(args[i], types.Bool, functions.Implicit, b.ctx); err != nil {
			return nil, err
		}
	}
	return args, err
}

func bindConst(c *pg.A_Const) (*expr.Expr, error) {
	if c.Isnull {
		return expr.Null(types.Unknown), nil
	}
	switch v := c.Val.(type) {
	case *pg.A_Const_Ival:
		return expr.Const(types.Int4, types.Datum{I: int64(v.Ival.Ival)}), nil
	case *pg.A_Const_Fval:
		if i, err := strconv.ParseInt(v.Fval.Fval, 10, 64); err == nil {
			return expr.Const(types.Int8, types.Datum{I: i}), nil
		}
		d, err := types.ParseDec(v.Fval.Fval)
		return expr.Const(types.Numeric, d.Datum()), err
	case *pg.A_Const_Boolval:
		return expr.BoolConst(v.Boolval.Boolval), nil
	case *pg.A_Const_Sval:
		return expr.Const(types.Unknown, types.Datum{S: v.Sval.Sval}), nil
	}
	return nil, fmt.Errorf("test binder: constant %v", c)
}

func (b binder) cast(c *pg.TypeCast) (*expr.Expr, error) {
	e, err := b.bind(c.Arg)
	if err != nil {
		return nil, err
	}
	t, err := typeOf(c.TypeName)
	if err != nil {
		return nil, err
	}
	if arr := c.Arg.GetAArrayExpr(); arr != nil && len(arr.Elements) == 0 {
		return expr.Const(t, types.MakeArray(t, nil)), nil
	}
	return expr.Coerce(e, t, functions.Explicit, b.ctx)
}

func typeOf(n *pg.TypeName) (types.Type, error) {
	name := n.Names[len(n.Names)-1].GetString_().Sval
	t, ok := types.LookupName(name)
	if !ok {
		return t, sqlerr.New(sqlerr.UndefinedObject, "type \"%s\" does not exist", name)
	}
	if len(n.Names) == 1 && name == "char" {
		t = types.QChar
	}
	var mods []int32
	for _, m := range n.Typmods {
		mods = append(mods, m.GetAConst().GetIval().GetIval())
	}
	mod, err := types.MakeTypmod(t.Kind, mods)
	if err != nil {
		return t, err
	}
	t.Typmod = mod
	if len(n.ArrayBounds) > 0 {
		t = types.ArrayOf(t)
	}
	return t, nil
}

// common brings the arguments to one type.
func (b binder) common(what string, o expr.Op, ns []*pg.Node) (*expr.Expr, error) {
	args, err := b.all(ns)
	if err != nil {
		return nil, err
	}
	t, err := b.unite(what, args)
	if err != nil {
		return nil, err
	}
	ret := t
	if o == expr.OpArray {
		if t.IsArray() {
			return nil, sqlerr.New(sqlerr.FeatureNotSupported, "arrays of more than one dimension are not supported")
		}
		ret = types.ArrayOf(t)
	}
	return op(o, ret, args...), nil
}

func (b binder) unite(what string, args []*expr.Expr) (types.Type, error) {
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type
	}
	t, err := functions.CommonType(what, ts...)
	if err != nil {
		return t, err
	}
	for i := range args {
		if args[i], err = expr.Coerce(args[i], t, functions.Implicit, b.ctx); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (b binder) caseExpr(c *pg.CaseExpr) (*expr.Expr, error) {
	var conds, vals []*expr.Expr
	for _, w := range c.Args {
		cond, err := b.bind(w.GetCaseWhen().Expr)
		if err != nil {
			return nil, err
		}
		if c.Arg != nil {
			a, err := b.bind(c.Arg)
			if err != nil {
				return nil, err
			}
			if cond, err = b.call("=", a, cond); err != nil {
				return nil, err
			}
		}
		val, err := b.bind(w.GetCaseWhen().Result)
		if err != nil {
			return nil, err
		}
		if cond.Type.Kind != types.KindBool {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch, "argument of CASE/WHEN must be type boolean, not type %s", functions.TypeName(cond.Type))
		}
		conds, vals = append(conds, cond), append(vals, val)
	}
	other := expr.Null(types.Unknown)
	if c.Defresult != nil {
		var err error
		if other, err = b.bind(c.Defresult); err != nil {
			return nil, err
		}
	}
	vals = append(vals, other)
	t, err := b.unite("CASE", vals)
	if err != nil {
		return nil, err
	}
	e := op(expr.OpCase, t)
	for i, cond := range conds {
		e.Args = append(e.Args, cond, vals[i])
	}
	e.Args = append(e.Args, vals[len(vals)-1])
	return e, nil
}

func (b binder) subscript(n *pg.A_Indirection) (*expr.Expr, error) {
	e, err := b.bind(n.Arg)
	if err != nil {
		return nil, err
	}
	ix := n.Indirection[0].GetAIndices()
	bound := func(n *pg.Node) (*expr.Expr, error) {
		if n == nil {
			return expr.Null(types.Int4), nil
		}
		i, err := b.bind(n)
		if err != nil {
			return nil, err
		}
		return expr.Coerce(i, types.Int4, functions.Assignment, b.ctx)
	}
	hi, err := bound(ix.Uidx)
	if err != nil {
		return nil, err
	}
	if !ix.IsSlice {
		return expr.Call("array_subscript", e.Type.ElemType(), -1, e, hi), nil
	}
	lo, err := bound(ix.Lidx)
	if err != nil {
		return nil, err
	}
	return expr.Call("array_slice", e.Type, -1, e, lo, hi), nil
}

func (b binder) operator(a *pg.A_Expr) (*expr.Expr, error) {
	name := a.Name[len(a.Name)-1].GetString_().Sval
	var sides []*expr.Expr
	if a.Lexpr != nil {
		l, err := b.bind(a.Lexpr)
		if err != nil {
			return nil, err
		}
		sides = append(sides, l)
	}
	if list := a.Rexpr.GetList(); list != nil {
		return b.inList(a, name, sides[0], list.Items)
	}
	r, err := b.bind(a.Rexpr)
	if err != nil {
		return nil, err
	}
	sides = append(sides, r)
	switch a.Kind {
	case pg.A_Expr_Kind_AEXPR_OP_ANY, pg.A_Expr_Kind_AEXPR_OP_ALL:
		return b.anyAll(a.Kind, name, sides)
	case pg.A_Expr_Kind_AEXPR_DISTINCT, pg.A_Expr_Kind_AEXPR_NOT_DISTINCT:
		eq, err := b.call("=", sides...)
		if err != nil {
			return nil, err
		}
		e := &expr.Expr{Op: expr.OpDistinct, Type: types.Bool, Fn: eq.Fn, Args: eq.Args, Pos: -1}
		if a.Kind == pg.A_Expr_Kind_AEXPR_NOT_DISTINCT {
			e = op(expr.OpNot, types.Bool, e)
		}
		return e, nil
	case pg.A_Expr_Kind_AEXPR_NULLIF:
		eq, err := b.call("=", sides...)
		if err != nil {
			return nil, err
		}
		return &expr.Expr{Op: expr.OpNullIf, Type: eq.Args[0].Type, Fn: eq.Fn, Args: eq.Args, Pos: -1}, nil
	}
	return b.call(name, sides...)
}

func (b binder) anyAll(k pg.A_Expr_Kind, name string, sides []*expr.Expr) (*expr.Expr, error) {
	if sides[1].Type.Kind == types.KindUnknown {
		var err error
		if sides[1], err = expr.Coerce(sides[1], types.ArrayOf(sides[0].Type), functions.Implicit, b.ctx); err != nil {
			return nil, err
		}
	}
	f, to, _, err := functions.Resolve(name, []types.Type{sides[0].Type, sides[1].Type.ElemType()})
	if err != nil {
		return nil, err
	}
	if sides[0], err = expr.Coerce(sides[0], to[0], functions.Implicit, b.ctx); err != nil {
		return nil, err
	}
	if sides[1], err = expr.Coerce(sides[1], types.ArrayOf(to[1]), functions.Implicit, b.ctx); err != nil {
		return nil, err
	}
	o := expr.OpAnyArray
	if k == pg.A_Expr_Kind_AEXPR_OP_ALL {
		o = expr.OpAllArray
	}
	return &expr.Expr{Op: o, Type: types.Bool, Fn: f.ID, Args: sides, Pos: -1}, nil
}

func (b binder) inList(a *pg.A_Expr, name string, left *expr.Expr, items []*pg.Node) (*expr.Expr, error) {
	args, err := b.all(items)
	if err != nil {
		return nil, err
	}
	if strings.Contains(a.Kind.String(), "BETWEEN") {
		lo, err := b.call(">=", left, args[0])
		if err != nil {
			return nil, err
		}
		hi, err := b.call("<=", left, args[1])
		if err != nil {
			return nil, err
		}
		e := op(expr.OpAnd, types.Bool, lo, hi)
		if strings.Contains(a.Kind.String(), "NOT") {
			e = op(expr.OpNot, types.Bool, e)
		}
		return e, nil
	}
	all := append([]*expr.Expr{left}, args...)
	if _, err := b.unite("IN", all); err != nil {
		return nil, err
	}
	eq, err := b.call("=", all[0], all[1])
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i], err = expr.Coerce(all[i], eq.Args[0].Type, functions.Implicit, b.ctx); err != nil {
			return nil, err
		}
		all[i] = expr.Fold(all[i])
	}
	e := &expr.Expr{Op: expr.OpInList, Type: types.Bool, Fn: eq.Fn, Args: all, Pos: -1}
	if name == "<>" {
		e = op(expr.OpNot, types.Bool, e)
	}
	return e, nil
}
