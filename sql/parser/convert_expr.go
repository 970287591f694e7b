package parser

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"streamdb/sql/ast"
)

func (c *converter) exprs(list []*pg.Node) []ast.Expr {
	if len(list) == 0 {
		return nil
	}
	out := make([]ast.Expr, len(list))
	for i, n := range list {
		out[i] = c.expr(n)
	}
	return out
}

// expr converts an expression; a nil node gives nil.
func (c *converter) expr(n *pg.Node) ast.Expr {
	switch v := n.GetNode().(type) {
	case nil:
		return nil
	case *pg.Node_AConst:
		return c.constant(v.AConst)
	case *pg.Node_ColumnRef:
		return c.columnRef(v.ColumnRef)
	case *pg.Node_AExpr:
		return c.aExpr(v.AExpr)
	case *pg.Node_FuncCall:
		return c.funcCall(v.FuncCall)
	case *pg.Node_TypeCast:
		return c.typeCast(v.TypeCast)
	case *pg.Node_BoolExpr:
		return c.boolExpr(v.BoolExpr)
	case *pg.Node_ParamRef:
		return &ast.Param{Pos: c.pos(v.ParamRef.Location), Number: int(v.ParamRef.Number)}
	case *pg.Node_SubLink:
		return c.subLink(v.SubLink)
	case *pg.Node_NullTest:
		return &ast.IsNull{Pos: c.pos(v.NullTest.Location), Arg: c.expr(v.NullTest.Arg),
			Not: v.NullTest.Nulltesttype == pg.NullTestType_IS_NOT_NULL}
	case *pg.Node_BooleanTest:
		return c.booleanTest(v.BooleanTest)
	case *pg.Node_CaseExpr:
		return c.caseExpr(v.CaseExpr)
	case *pg.Node_AIndirection:
		return c.indirection(v.AIndirection)
	case *pg.Node_List: // the array of an = ANY built by hand does not come here; rows of IN do
		return &ast.Row{Pos: ast.NoPos, Args: c.exprs(v.List.Items)}
	}
	return c.wordExpr(n)
}

// wordExpr converts expressions that have a keyword of their own.
func (c *converter) wordExpr(n *pg.Node) ast.Expr {
	switch v := n.GetNode().(type) {
	case *pg.Node_CoalesceExpr:
		return &ast.Coalesce{Pos: c.pos(v.CoalesceExpr.Location), Args: c.exprs(v.CoalesceExpr.Args)}
	case *pg.Node_MinMaxExpr:
		return &ast.MinMax{Pos: c.pos(v.MinMaxExpr.Location), Args: c.exprs(v.MinMaxExpr.Args),
			Greatest: v.MinMaxExpr.Op == pg.MinMaxOp_IS_GREATEST}
	case *pg.Node_AArrayExpr:
		return &ast.ArrayExpr{Pos: c.pos(v.AArrayExpr.Location), Elems: c.exprs(v.AArrayExpr.Elements)}
	case *pg.Node_RowExpr:
		return &ast.Row{Pos: c.pos(v.RowExpr.Location), Args: c.exprs(v.RowExpr.Args),
			Explicit: v.RowExpr.RowFormat == pg.CoercionForm_COERCE_EXPLICIT_CALL}
	case *pg.Node_SqlvalueFunction:
		return c.sqlValue(v.SqlvalueFunction)
	case *pg.Node_CollateClause:
		pos := c.pos(v.CollateClause.Location)
		return &ast.Collate{Pos: pos, Arg: c.expr(v.CollateClause.Arg), Name: c.qualified(strs(v.CollateClause.Collname), pos)}
	case *pg.Node_NamedArgExpr:
		return &ast.NamedArg{Pos: c.pos(v.NamedArgExpr.Location), Name: v.NamedArgExpr.Name, Arg: c.expr(v.NamedArgExpr.Arg)}
	case *pg.Node_GroupingFunc:
		return &ast.GroupingFunc{Pos: c.pos(v.GroupingFunc.Location), Args: c.exprs(v.GroupingFunc.Args)}
	case *pg.Node_SetToDefault:
		return &ast.Default{Pos: c.pos(v.SetToDefault.Location)}
	}
	c.otherExpr(n)
	return &ast.NullLit{Pos: ast.NoPos}
}

// otherExpr refuses the rest of PostgreSQL's expressions by name.
func (c *converter) otherExpr(n *pg.Node) {
	switch v := n.GetNode().(type) {
	case *pg.Node_XmlExpr:
		c.unsupported("XML", c.pos(v.XmlExpr.Location))
	case *pg.Node_XmlSerialize:
		c.unsupported("XMLSERIALIZE", c.pos(v.XmlSerialize.Location))
	case *pg.Node_CurrentOfExpr:
		c.unsupported("WHERE CURRENT OF", ast.NoPos)
	case *pg.Node_JsonIsPredicate:
		c.unsupported("IS JSON", c.pos(v.JsonIsPredicate.Location))
	case *pg.Node_JsonObjectConstructor:
		c.unsupported("JSON_OBJECT", c.pos(v.JsonObjectConstructor.Location))
	case *pg.Node_JsonArrayConstructor:
		c.unsupported("JSON_ARRAY", c.pos(v.JsonArrayConstructor.Location))
	case *pg.Node_JsonArrayQueryConstructor:
		c.unsupported("JSON_ARRAY", c.pos(v.JsonArrayQueryConstructor.Location))
	case *pg.Node_JsonParseExpr:
		c.unsupported("JSON()", c.pos(v.JsonParseExpr.Location))
	case *pg.Node_JsonScalarExpr:
		c.unsupported("JSON_SCALAR", c.pos(v.JsonScalarExpr.Location))
	case *pg.Node_JsonSerializeExpr:
		c.unsupported("JSON_SERIALIZE", c.pos(v.JsonSerializeExpr.Location))
	case *pg.Node_JsonFuncExpr:
		c.unsupported("JSON_VALUE, JSON_QUERY and JSON_EXISTS", c.pos(v.JsonFuncExpr.Location))
	case *pg.Node_JsonObjectAgg:
		c.unsupported("JSON_OBJECTAGG", c.pos(v.JsonObjectAgg.GetConstructor().GetLocation()))
	case *pg.Node_JsonArrayAgg:
		c.unsupported("JSON_ARRAYAGG", c.pos(v.JsonArrayAgg.GetConstructor().GetLocation()))
	case *pg.Node_MergeSupportFunc:
		c.unsupported("MERGE_ACTION", c.pos(v.MergeSupportFunc.Location))
	default:
		c.unsupported("expression "+nodeName(n), ast.NoPos)
	}
}

func (c *converter) constant(k *pg.A_Const) ast.Expr {
	pos := c.pos(k.Location)
	if k.Isnull {
		return &ast.NullLit{Pos: pos}
	}
	switch v := k.Val.(type) {
	case *pg.A_Const_Ival:
		return &ast.IntLit{Pos: pos, Value: int64(v.Ival.GetIval())}
	case *pg.A_Const_Fval:
		return numberLit(pos, v.Fval.GetFval())
	case *pg.A_Const_Boolval:
		return &ast.BoolLit{Pos: pos, Value: v.Boolval.GetBoolval()}
	case *pg.A_Const_Sval:
		return &ast.StringLit{Pos: pos, Value: v.Sval.GetSval()}
	}
	c.unsupported("type bit", pos)
	return &ast.NullLit{Pos: pos}
}

// numberLit makes a literal out of a number's text, which may have a sign.
func numberLit(pos ast.Pos, text string) ast.Expr {
	text = strings.TrimPrefix(text, "+")
	digits, sign := strings.TrimPrefix(text, "-"), ""
	if len(digits) < len(text) {
		sign = "-"
	}
	text = sign + numberText(digits)
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return &ast.IntLit{Pos: pos, Value: v}
	}
	return &ast.NumberLit{Pos: pos, Text: text}
}

// columnRef converts a name; with a star at its end it is a *ast.Star.
func (c *converter) columnRef(r *pg.ColumnRef) ast.Expr {
	pos := c.pos(r.Location)
	parts := make([]string, 0, len(r.Fields))
	for _, f := range r.Fields {
		if f.GetAStar() != nil {
			return &ast.Star{Pos: pos, Qualifier: parts}
		}
		parts = append(parts, str(f))
	}
	return &ast.ColumnRef{Pos: pos, Parts: parts}
}

func operatorName(names []*pg.Node) ast.Operator {
	parts := strs(names)
	if len(parts) == 0 {
		return ast.Operator{}
	}
	return ast.Operator{Schema: strings.Join(parts[:len(parts)-1], "."), Name: parts[len(parts)-1]}
}

func (c *converter) aExpr(e *pg.A_Expr) ast.Expr {
	pos, op := c.pos(e.Location), operatorName(e.Name)
	switch e.Kind {
	case pg.A_Expr_Kind_AEXPR_OP:
		if e.Lexpr == nil {
			return &ast.Unary{Pos: pos, Op: op, Arg: c.expr(e.Rexpr)}
		}
		return &ast.Binary{Pos: pos, Op: op, Left: c.expr(e.Lexpr), Right: c.expr(e.Rexpr)}
	case pg.A_Expr_Kind_AEXPR_OP_ANY, pg.A_Expr_Kind_AEXPR_OP_ALL:
		return &ast.Quantified{Pos: pos, Left: c.expr(e.Lexpr), Op: op, Array: c.expr(e.Rexpr),
			All: e.Kind == pg.A_Expr_Kind_AEXPR_OP_ALL}
	case pg.A_Expr_Kind_AEXPR_DISTINCT, pg.A_Expr_Kind_AEXPR_NOT_DISTINCT:
		return &ast.IsDistinct{Pos: pos, Left: c.expr(e.Lexpr), Right: c.expr(e.Rexpr),
			Not: e.Kind == pg.A_Expr_Kind_AEXPR_NOT_DISTINCT}
	case pg.A_Expr_Kind_AEXPR_NULLIF:
		return &ast.NullIf{Pos: pos, Left: c.expr(e.Lexpr), Right: c.expr(e.Rexpr)}
	case pg.A_Expr_Kind_AEXPR_IN:
		return &ast.InList{Pos: pos, Arg: c.expr(e.Lexpr), List: c.exprs(e.Rexpr.GetList().GetItems()), Not: op.Name == "<>"}
	case pg.A_Expr_Kind_AEXPR_LIKE, pg.A_Expr_Kind_AEXPR_ILIKE, pg.A_Expr_Kind_AEXPR_SIMILAR:
		return c.like(e, pos, op)
	}
	return c.between(e, pos)
}

// like undoes the grammar's rewriting of ESCAPE into a function call.
func (c *converter) like(e *pg.A_Expr, pos ast.Pos, op ast.Operator) ast.Expr {
	out := &ast.LikeExpr{Pos: pos, Arg: c.expr(e.Lexpr), Not: strings.HasPrefix(op.Name, "!")}
	switch e.Kind {
	case pg.A_Expr_Kind_AEXPR_ILIKE:
		out.Kind = ast.ILike
	case pg.A_Expr_Kind_AEXPR_SIMILAR:
		out.Kind = ast.SimilarTo
	}
	if call := e.Rexpr.GetFuncCall(); call != nil && len(call.Funcname) == 2 && str(call.Funcname[0]) == "pg_catalog" {
		if name := str(call.Funcname[1]); name == "like_escape" || name == "similar_to_escape" {
			args := c.exprs(call.Args)
			out.Pattern = args[0]
			if len(args) > 1 {
				out.Escape = args[1]
			}
			return out
		}
	}
	out.Pattern = c.expr(e.Rexpr)
	return out
}

func (c *converter) between(e *pg.A_Expr, pos ast.Pos) ast.Expr {
	bounds := c.exprs(e.Rexpr.GetList().GetItems())
	if len(bounds) != 2 {
		c.unsupported("expression "+e.Kind.String(), pos)
		return &ast.NullLit{Pos: pos}
	}
	out := &ast.Between{Pos: pos, Arg: c.expr(e.Lexpr), Low: bounds[0], High: bounds[1]}
	switch e.Kind {
	case pg.A_Expr_Kind_AEXPR_NOT_BETWEEN:
		out.Not = true
	case pg.A_Expr_Kind_AEXPR_BETWEEN_SYM:
		out.Symmetric = true
	case pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		out.Not, out.Symmetric = true, true
	}
	return out
}

func (c *converter) boolExpr(e *pg.BoolExpr) ast.Expr {
	pos := c.pos(e.Location)
	if e.Boolop != pg.BoolExprType_NOT_EXPR {
		return &ast.BoolExpr{Pos: pos, Or: e.Boolop == pg.BoolExprType_OR_EXPR, Args: c.exprs(e.Args)}
	}
	arg := c.expr(e.Args[0])
	// x NOT IN (query) is NOT over IN at the same place.
	if in, ok := arg.(*ast.InSubquery); ok && in.Pos == pos && !in.Not {
		in.Not = true
		return in
	}
	return &ast.Not{Pos: pos, Arg: arg}
}

func (c *converter) booleanTest(e *pg.BooleanTest) ast.Expr {
	out := &ast.IsTruth{Pos: c.pos(e.Location), Arg: c.expr(e.Arg)}
	switch e.Booltesttype {
	case pg.BoolTestType_IS_NOT_TRUE:
		out.Not = true
	case pg.BoolTestType_IS_FALSE:
		out.Value = ast.False
	case pg.BoolTestType_IS_NOT_FALSE:
		out.Value, out.Not = ast.False, true
	case pg.BoolTestType_IS_UNKNOWN:
		out.Value = ast.Unknown
	case pg.BoolTestType_IS_NOT_UNKNOWN:
		out.Value, out.Not = ast.Unknown, true
	}
	return out
}

func (c *converter) subLink(s *pg.SubLink) ast.Expr {
	pos, q := c.pos(s.Location), c.query(s.Subselect)
	switch s.SubLinkType {
	case pg.SubLinkType_EXISTS_SUBLINK:
		return &ast.Exists{Pos: pos, Query: q}
	case pg.SubLinkType_EXPR_SUBLINK:
		return &ast.Subquery{Pos: pos, Query: q}
	case pg.SubLinkType_ARRAY_SUBLINK:
		return &ast.ArraySubquery{Pos: pos, Query: q}
	case pg.SubLinkType_ANY_SUBLINK:
		if len(s.OperName) == 0 {
			return &ast.InSubquery{Pos: pos, Arg: c.expr(s.Testexpr), Query: q}
		}
	case pg.SubLinkType_ALL_SUBLINK:
	default:
		c.unsupported("subquery of kind "+s.SubLinkType.String(), pos)
	}
	return &ast.Quantified{Pos: pos, Left: c.expr(s.Testexpr), Op: operatorName(s.OperName), Query: q,
		All: s.SubLinkType == pg.SubLinkType_ALL_SUBLINK}
}

func (c *converter) typeCast(t *pg.TypeCast) ast.Expr {
	arg := c.expr(t.Arg)
	// The grammar wraps TRUE and FALSE in a cast of its own.
	if b, ok := arg.(*ast.BoolLit); ok && t.Location < 0 {
		return b
	}
	return &ast.Cast{Pos: c.pos(t.Location), Arg: arg, Type: c.typeName(t.TypeName)}
}

func (c *converter) caseExpr(e *pg.CaseExpr) ast.Expr {
	out := &ast.Case{Pos: c.pos(e.Location), Arg: c.expr(e.Arg), Else: c.expr(e.Defresult)}
	for _, n := range e.Args {
		w := n.GetCaseWhen()
		out.Whens = append(out.Whens, ast.When{Pos: c.pos(w.GetLocation()), Cond: c.expr(w.GetExpr()), Result: c.expr(w.GetResult())})
	}
	return out
}

// indirection converts the subscripts and fields behind an expression, one by
// one; neighbouring subscripts make one node.
func (c *converter) indirection(n *pg.A_Indirection) ast.Expr {
	out := c.expr(n.Arg)
	if out == nil {
		out = &ast.NullLit{Pos: ast.NoPos}
	}
	for _, step := range n.Indirection {
		pos := ast.Pos(out.Loc())
		switch v := step.GetNode().(type) {
		case *pg.Node_String_:
			out = &ast.FieldSelect{Pos: pos, Arg: out, Field: v.String_.Sval}
		case *pg.Node_AStar:
			out = &ast.Star{Pos: pos, Arg: out}
		case *pg.Node_AIndices:
			sub, ok := out.(*ast.Subscript)
			if !ok {
				sub = &ast.Subscript{Pos: pos, Arg: out}
				out = sub
			}
			sub.Indexes = append(sub.Indexes, c.index(v.AIndices))
		default:
			c.unsupported("indirection "+nodeName(step), pos)
		}
	}
	return out
}

func (c *converter) index(ix *pg.A_Indices) ast.Index {
	return ast.Index{Slice: ix.IsSlice, Lower: c.expr(ix.Lidx), Upper: c.expr(ix.Uidx)}
}

// sqlValueKinds maps SQL's functions without parentheses.
var sqlValueKinds = map[pg.SQLValueFunctionOp]ast.SQLValueKind{
	pg.SQLValueFunctionOp_SVFOP_CURRENT_DATE:        ast.CurrentDate,
	pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME:        ast.CurrentTime,
	pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME_N:      ast.CurrentTime,
	pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP:   ast.CurrentTimestamp,
	pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP_N: ast.CurrentTimestamp,
	pg.SQLValueFunctionOp_SVFOP_LOCALTIME:           ast.LocalTime,
	pg.SQLValueFunctionOp_SVFOP_LOCALTIME_N:         ast.LocalTime,
	pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP:      ast.LocalTimestamp,
	pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP_N:    ast.LocalTimestamp,
	pg.SQLValueFunctionOp_SVFOP_CURRENT_ROLE:        ast.CurrentRole,
	pg.SQLValueFunctionOp_SVFOP_CURRENT_USER:        ast.CurrentUser,
	pg.SQLValueFunctionOp_SVFOP_USER:                ast.User,
	pg.SQLValueFunctionOp_SVFOP_SESSION_USER:        ast.SessionUser,
	pg.SQLValueFunctionOp_SVFOP_CURRENT_CATALOG:     ast.CurrentCatalog,
	pg.SQLValueFunctionOp_SVFOP_CURRENT_SCHEMA:      ast.CurrentSchema,
}

func (c *converter) sqlValue(f *pg.SQLValueFunction) ast.Expr {
	kind, ok := sqlValueKinds[f.Op]
	if !ok {
		c.unsupported(f.Op.String(), c.pos(f.Location))
	}
	return &ast.SQLValue{Pos: c.pos(f.Location), Kind: kind, Precision: int(f.Typmod)}
}
