package planner

import (
	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// pendingApply is a subquery of an expression: it is applied to the clause's relation
// before the expression is evaluated over it.
type pendingApply struct {
	typ  physical.JoinType
	node logical.Node
	on   *expr.Expr
}

// exprCtx is what an expression is bound in.
type exprCtx struct {
	b     *binder
	scope *scope
	// clause names it in messages: WHERE, GROUP BY, …
	clause string
	// aggs collects aggregates; nil where they are not allowed. inAgg is set within an
	// aggregate's arguments.
	aggs  *aggCollector
	inAgg bool
	// windows collects window functions; nil where they are not allowed. noWindow, if
	// set, says why they are not for the moment.
	windows  *windowCollector
	noWindow string
	// sets collects calls of set-returning functions; nil where they are not allowed.
	sets *[]logical.SetCall
	// pending is the subqueries met so far, to be applied in order.
	pending []pendingApply
	// noSubqueries is set where subqueries are not possible at all.
	noSubqueries bool
	// deflt gives the value of DEFAULT; nil where the word is not allowed.
	deflt func(*ast.Default) (*expr.Expr, error)
}

// apply puts the pending subqueries over a relation.
func (x *exprCtx) apply(n logical.Node) logical.Node {
	for _, p := range x.pending {
		n = &logical.Apply{Type: p.typ, Left: n, Right: p.node, On: p.on}
	}
	x.pending = nil
	return n
}

// applyWithout applies the subqueries that do not depend on the columns late, and leaves
// the others pending.
func (x *exprCtx) applyWithout(n logical.Node, late logical.ColSet) logical.Node {
	var wait []pendingApply
	for _, p := range x.pending {
		used := logical.FreeCols(p.node)
		if p.on != nil {
			used.AddSet(logical.Refs(p.on))
		}
		if used.Intersects(late) {
			wait = append(wait, p)
			late = late.Union(logical.SetOf(p.node.Cols()...))
			continue
		}
		n = &logical.Apply{Type: p.typ, Left: n, Right: p.node, On: p.on}
	}
	x.pending = wait
	return n
}

// bind binds an expression. Literals, NULL and parameters may come back with type
// Unknown; typed resolves them.
func (x *exprCtx) bind(e ast.Expr) (*expr.Expr, error) {
	b := x.b
	switch e := e.(type) {
	case *ast.ColumnRef:
		return x.column(e)
	case *ast.IntLit, *ast.NumberLit, *ast.StringLit, *ast.BoolLit, *ast.NullLit:
		return b.literal(e)
	case *ast.Param:
		return b.param(e.Number, b.pos(e))
	case *ast.Unary:
		return x.operator(e.Op, b.pos(e), e.Arg)
	case *ast.Binary:
		return x.binary(e)
	case *ast.BoolExpr, *ast.Not, *ast.IsNull, *ast.IsTruth, *ast.IsDistinct:
		return x.logic(e)
	case *ast.Between, *ast.InList, *ast.LikeExpr:
		return x.predicate(e)
	case *ast.InSubquery, *ast.Exists, *ast.Subquery, *ast.ArraySubquery:
		return x.subquery(e)
	case *ast.Quantified:
		if e.Query != nil {
			return x.subquery(e)
		}
		return x.quantifiedArray(e)
	case *ast.Case, *ast.Coalesce, *ast.NullIf, *ast.MinMax:
		return x.conditional(e)
	case *ast.Cast:
		return x.cast(e)
	case *ast.FuncCall:
		return x.funcCall(e)
	}
	return x.bindRare(e)
}

// bindRare binds what is seldom met.
func (x *exprCtx) bindRare(e ast.Expr) (*expr.Expr, error) {
	b := x.b
	switch e := e.(type) {
	case *ast.Collate:
		return x.collate(e)
	case *ast.ArrayExpr:
		return x.array(e, types.Type{})
	case *ast.Subscript:
		return x.subscript(e)
	case *ast.SQLValue:
		return x.sqlValue(e)
	case *ast.GroupingFunc:
		return x.grouping(e)
	case *ast.Default:
		if x.deflt != nil {
			return x.deflt(e)
		}
		return nil, sqlerr.New(sqlerr.SyntaxError, "DEFAULT is not allowed in this context").At(b.pos(e))
	case *ast.Row:
		return x.row(e)
	case *ast.Star:
		if c, err := x.composite(e); c != nil && err == nil {
			return b.record(c, b.pos(e))
		}
		return nil, sqlerr.New(sqlerr.SyntaxError, "row expansion via \"*\" is not supported here").At(b.pos(e))
	case *ast.FieldSelect:
		return x.field(e)
	case *ast.NamedArg:
		return nil, sqlerr.Unsupported("a named argument", b.pos(e))
	}
	return nil, sqlerr.Unsupported("this expression", b.pos(e))
}

// typed binds an expression and makes text of what has no type.
func (x *exprCtx) typed(e ast.Expr) (*expr.Expr, error) {
	r, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	return x.b.resolveUnknown(r)
}

// cond binds a condition; clause is as in the message "argument of WHERE must be …".
func (x *exprCtx) cond(e ast.Expr, clause string) (*expr.Expr, error) {
	r, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	return x.b.boolean(r, clause)
}

// list binds expressions.
func (x *exprCtx) list(es []ast.Expr) ([]*expr.Expr, error) {
	out := make([]*expr.Expr, len(es))
	for i, e := range es {
		r, err := x.bind(e)
		if err != nil {
			return nil, err
		}
		out[i] = r
	}
	return out, nil
}

// column resolves a column reference.
func (x *exprCtx) column(e *ast.ColumnRef) (*expr.Expr, error) {
	b := x.b
	c, err := x.scope.find(e)
	if err != nil {
		if t := x.tableOID(e); t != nil {
			return t, nil
		}
		if t, err := x.scope.findTable(e.Parts, b.pos(e)); err == nil && t.scalar {
			return b.meta.Ref(t.cols[0].id), nil
		}
		if c, _ := x.rowOf(e.Parts, e); c != nil {
			return b.record(c, b.pos(e))
		}
		if b.viewDepth > 0 {
			sqlerr.As(err).Position = 0
		}
		return nil, err
	}
	if c.table != 0 {
		b.use(c.table, c.column)
	}
	b.noteRef(e, x.scope, c)
	r := b.meta.Ref(c.id)
	r.Pos = b.pos(e)
	return r, nil
}

// tableOID resolves the system column tableoid, nil if it is not that.
func (x *exprCtx) tableOID(e *ast.ColumnRef) *expr.Expr {
	if e.Name() != "tableoid" {
		return nil
	}
	for s := x.scope; s != nil; s = s.parent {
		for _, t := range s.tables {
			if t.rel != 0 && (len(e.Parts) == 1 || t.name == e.Parts[len(e.Parts)-2]) {
				return expr.Const(types.OID, types.Datum{I: int64(t.rel)})
			}
		}
	}
	return nil
}

// literal types a literal as PostgreSQL does; strings and NULL stay Unknown.
func (b *binder) literal(e ast.Expr) (*expr.Expr, error) {
	var r *expr.Expr
	switch e := e.(type) {
	case *ast.IntLit:
		t := types.Int8
		if int64(int32(e.Value)) == e.Value {
			t = types.Int4
		}
		r = expr.Const(t, types.Datum{I: e.Value})
	case *ast.NumberLit:
		d, err := types.ParseText(types.Numeric, e.Text, b.p.opts.Settings)
		if err != nil {
			return nil, b.at(err, e)
		}
		r = expr.Const(types.Numeric, d)
	case *ast.StringLit:
		r = expr.Const(types.Unknown, types.Datum{S: e.Value})
	case *ast.BoolLit:
		r = expr.BoolConst(e.Value)
	default:
		r = expr.Null(types.Unknown)
	}
	r.Pos = b.pos(e)
	if b.noting() {
		b.notes.literals[r] = e
	}
	return r, nil
}

// operator binds a call by symbol.
func (x *exprCtx) operator(op ast.Operator, pos int, args ...ast.Expr) (*expr.Expr, error) {
	bound, err := x.list(args)
	if err != nil {
		return nil, err
	}
	return x.b.op(op, pos, bound...)
}

// op builds a call by symbol over bound arguments.
func (b *binder) op(op ast.Operator, pos int, args ...*expr.Expr) (*expr.Expr, error) {
	if op.Schema != "" && op.Schema != "pg_catalog" {
		return nil, sqlerr.New(sqlerr.UndefinedFunction, "operator does not exist: %s.%s", op.Schema, op.Name).At(pos)
	}
	if len(args) == 1 && args[0].Op == expr.OpConst && args[0].Type.IsNumber() && op.Name == "+" {
		return args[0], nil
	}
	return b.call(op.Name, pos, args...)
}

// binary binds an infix operator; rows are compared column by column.
func (x *exprCtx) binary(e *ast.Binary) (*expr.Expr, error) {
	l, lok := e.Left.(*ast.Row)
	r, rok := e.Right.(*ast.Row)
	if lok && rok {
		return x.compareRows(e, l, r)
	}
	if c, d, err := x.rowsCompared(e); err != nil {
		return nil, err
	} else if c != nil {
		return x.b.compareRecords(e.Op.Name, c, d, x.b.pos(e))
	}
	if sub, ok := e.Right.(*ast.Subquery); ok && lok {
		return x.rowSubquery(e, l, sub)
	}
	return x.operator(e.Op, x.b.pos(e), e.Left, e.Right)
}

// compareRows binds (a, b) op (c, d).
func (x *exprCtx) compareRows(e *ast.Binary, l, r *ast.Row) (*expr.Expr, error) {
	if len(l.Args) != len(r.Args) {
		return nil, sqlerr.New(sqlerr.SyntaxError, "unequal number of entries in row expressions").At(x.b.pos(e))
	}
	ls, err := x.list(l.Args)
	if err != nil {
		return nil, err
	}
	rs, err := x.list(r.Args)
	if err != nil {
		return nil, err
	}
	return x.b.compareLists(e.Op.Name, ls, rs, x.b.pos(e))
}

// compareLists builds a row comparison over bound members.
func (b *binder) compareLists(op string, ls, rs []*expr.Expr, pos int) (*expr.Expr, error) {
	switch op {
	case "=", "<>", "!=":
		parts := make([]*expr.Expr, len(ls))
		for i := range ls {
			c, err := b.call(op, pos, ls[i], rs[i])
			if err != nil {
				return nil, err
			}
			parts[i] = c
		}
		if len(parts) == 1 {
			return parts[0], nil
		}
		kind := expr.OpAnd
		if op != "=" {
			kind = expr.OpOr
		}
		return b.fold(&expr.Expr{Op: kind, Type: types.Bool, Args: parts, Pos: pos}), nil
	case "<", "<=", ">", ">=":
	default:
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "could not determine interpretation of row comparison operator %s", op).At(pos)
	}
	// (a, b) < (c, d) is a < c OR a = c AND b < d.
	last := len(ls) - 1
	out, err := b.call(op, pos, ls[last], rs[last])
	if err != nil {
		return nil, err
	}
	for i := last - 1; i >= 0; i-- {
		strict, err := b.call(op[:1], pos, ls[i], rs[i])
		if err != nil {
			return nil, err
		}
		eq, err := b.equal(ls[i], rs[i], pos)
		if err != nil {
			return nil, err
		}
		both := &expr.Expr{Op: expr.OpAnd, Type: types.Bool, Args: []*expr.Expr{eq, out}, Pos: pos}
		out = &expr.Expr{Op: expr.OpOr, Type: types.Bool, Args: []*expr.Expr{strict, both}, Pos: pos}
	}
	return b.fold(out), nil
}

// logic binds AND, OR, NOT and the IS tests.
func (x *exprCtx) logic(e ast.Expr) (*expr.Expr, error) {
	b := x.b
	switch e := e.(type) {
	case *ast.BoolExpr:
		op, clause := expr.OpAnd, "AND"
		if e.Or {
			op, clause = expr.OpOr, "OR"
		}
		args := make([]*expr.Expr, len(e.Args))
		for i, a := range e.Args {
			c, err := x.cond(a, clause)
			if err != nil {
				return nil, err
			}
			args[i] = c
		}
		return b.fold(&expr.Expr{Op: op, Type: types.Bool, Args: args, Pos: b.pos(e)}), nil
	case *ast.Not:
		c, err := x.cond(e.Arg, "NOT")
		if err != nil {
			return nil, err
		}
		return b.fold(&expr.Expr{Op: expr.OpNot, Type: types.Bool, Args: []*expr.Expr{c}, Pos: b.pos(e)}), nil
	case *ast.IsNull:
		return x.isNull(e)
	case *ast.IsTruth:
		return x.isTruth(e)
	case *ast.IsDistinct:
		return x.isDistinct(e)
	}
	return nil, sqlerr.Internal("logic over %T", e)
}

func (x *exprCtx) isNull(e *ast.IsNull) (*expr.Expr, error) {
	b := x.b
	var args []ast.Expr
	if r, ok := e.Arg.(*ast.Row); ok {
		args = r.Args
	} else {
		args = []ast.Expr{e.Arg}
		if ref, ok := e.Arg.(*ast.ColumnRef); ok {
			if c, err := x.composite(ref); err != nil {
				return nil, err
			} else if c != nil {
				return x.rowIsNull(c, e), nil
			}
		}
	}
	parts := make([]*expr.Expr, len(args))
	for i, a := range args {
		r, err := x.typed(a)
		if err != nil {
			return nil, err
		}
		parts[i] = logical.IsNull(r)
		parts[i].Pos = b.pos(e)
		if e.Not {
			parts[i] = logical.Not(parts[i])
		}
	}
	if len(parts) == 1 {
		return b.fold(parts[0]), nil
	}
	return b.fold(&expr.Expr{Op: expr.OpAnd, Type: types.Bool, Args: parts, Pos: b.pos(e)}), nil
}

func (x *exprCtx) isTruth(e *ast.IsTruth) (*expr.Expr, error) {
	b := x.b
	name := [...]string{"IS TRUE", "IS FALSE", "IS UNKNOWN"}[e.Value]
	if e.Not {
		name = [...]string{"IS NOT TRUE", "IS NOT FALSE", "IS NOT UNKNOWN"}[e.Value]
	}
	c, err := x.cond(e.Arg, name)
	if err != nil {
		return nil, err
	}
	op := [...]expr.Op{expr.OpIsTrue, expr.OpIsFalse, expr.OpIsNull}[e.Value]
	r := &expr.Expr{Op: op, Type: types.Bool, Args: []*expr.Expr{c}, Pos: b.pos(e)}
	if e.Not {
		r = logical.Not(r)
	}
	return b.fold(r), nil
}

func (x *exprCtx) isDistinct(e *ast.IsDistinct) (*expr.Expr, error) {
	b := x.b
	ls, rs := []ast.Expr{e.Left}, []ast.Expr{e.Right}
	if l, ok := e.Left.(*ast.Row); ok {
		if r, ok := e.Right.(*ast.Row); ok {
			ls, rs = l.Args, r.Args
		}
	}
	if len(ls) != len(rs) {
		return nil, sqlerr.New(sqlerr.SyntaxError, "unequal number of entries in row expressions").At(b.pos(e))
	}
	parts := make([]*expr.Expr, len(ls))
	for i := range ls {
		args, err := x.list([]ast.Expr{ls[i], rs[i]})
		if err != nil {
			return nil, err
		}
		if parts[i], err = b.distinct(args[0], args[1], b.pos(e)); err != nil {
			return nil, err
		}
	}
	r := parts[0]
	if len(parts) > 1 {
		r = b.fold(&expr.Expr{Op: expr.OpOr, Type: types.Bool, Args: parts, Pos: b.pos(e)})
	}
	if e.Not {
		r = logical.Not(r)
	}
	return b.fold(r), nil
}

// distinct builds l IS DISTINCT FROM r.
func (b *binder) distinct(l, r *expr.Expr, pos int) (*expr.Expr, error) {
	_, to, _, err := functions.Resolve("=", []types.Type{l.Type, r.Type})
	if err != nil {
		return nil, sqlerr.As(err).At(pos)
	}
	// OpDistinct compares values of one type: = may take two kinds of integers.
	t, err := functions.CommonType("IS DISTINCT FROM", to...)
	if err != nil {
		return nil, sqlerr.As(err).At(pos)
	}
	if isPseudo(t) {
		t, err = functions.CommonType("IS DISTINCT FROM", l.Type, r.Type)
		if err != nil {
			return nil, sqlerr.As(err).At(pos)
		}
	}
	if l, err = b.coerce(l, t, functions.Implicit); err != nil {
		return nil, err
	}
	if r, err = b.coerce(r, t, functions.Implicit); err != nil {
		return nil, err
	}
	return &expr.Expr{Op: expr.OpDistinct, Type: types.Bool, Args: []*expr.Expr{l, r}, Pos: pos}, nil
}
