package ast

import (
	"fmt"
	"strconv"
	"strings"
)

// Precedences of PostgreSQL's grammar, loosest first. An operand that binds
// looser than its place requires is put in parentheses.
const (
	precLowest = iota
	precOr
	precAnd
	precNot
	precIs
	precCompare
	precIn // BETWEEN, IN, LIKE
	precOp // any other operator
	precAdd
	precMul
	precPow
	precAt
	precCollate
	precUnary
	precSubscript
	precCast
	precPrimary
)

func binaryPrec(op Operator) int {
	if op.Schema != "" {
		return precOp
	}
	switch op.Name {
	case "=", "<", ">", "<=", ">=", "<>", "!=":
		return precCompare
	case "+", "-":
		return precAdd
	case "*", "/", "%":
		return precMul
	case "^":
		return precPow
	}
	return precOp
}

func exprPrec(e Expr) int {
	switch e := e.(type) {
	case *BoolExpr:
		if e.Or {
			return precOr
		}
		return precAnd
	case *Not:
		return precNot
	case *IsNull, *IsTruth, *IsDistinct:
		return precIs
	case *Between, *InList, *LikeExpr:
		return precIn
	case *InSubquery:
		if e.Not {
			return precNot // it was NOT (x IN ...) in the grammar
		}
		return precIn
	case *Quantified:
		return precOp
	case *Binary:
		return binaryPrec(e.Op)
	case *Unary:
		if e.Op.Schema == "" && (e.Op.Name == "-" || e.Op.Name == "+") {
			return precUnary
		}
		return precOp
	case *IntLit:
		if e.Value < 0 {
			return precUnary
		}
	case *NumberLit:
		if strings.HasPrefix(e.Text, "-") {
			return precUnary
		}
	case *Cast:
		return precCast
	case *Collate:
		return precCollate
	case *Subscript:
		return precSubscript
	case *FuncCall:
		if e.SQLSyntax && e.Name.Name == "timezone" {
			return precAt
		}
	}
	return precPrimary
}

// expr prints e, in parentheses if it binds looser than need.
func (p *printer) expr(e Expr, need int) {
	if p.cast != nil {
		if c := p.cast(e); c != "" {
			p.castLiteral(e, c)
			return
		}
	}
	if exprPrec(e) < need {
		p.put("(")
		p.bare(e)
		p.put(")")
		return
	}
	p.bare(e)
}

// castLiteral prints a literal and what it is cast to; negative numbers in quotes, as :: binds tighter than the sign.
func (p *printer) castLiteral(e Expr, cast string) {
	if exprPrec(e) < precCast {
		p.put(QuoteLiteral(String(e)), cast)
		return
	}
	p.bare(e)
	p.put(cast)
}

func (p *printer) bare(e Expr) {
	switch e := e.(type) {
	case *IntLit:
		p.put(strconv.FormatInt(e.Value, 10))
	case *NumberLit:
		p.put(e.Text)
	case *StringLit:
		p.put(QuoteLiteral(e.Value))
	case *BoolLit:
		p.put(strconv.FormatBool(e.Value))
	case *NullLit:
		p.put("NULL")
	case *Default:
		p.put("DEFAULT")
	case *Param:
		p.put("$", strconv.Itoa(e.Number))
	case *ColumnRef:
		p.dotted(e.Parts)
	case *Star:
		p.star(e)
	case *Not:
		p.put("NOT ")
		p.expr(e.Arg, precNot+1)
	case *BoolExpr:
		p.boolExpr(e)
	case *Unary:
		p.operator(e.Op)
		if e.Op.Schema != "" || len(e.Op.Name) > 1 || !strings.Contains("+-", e.Op.Name) {
			p.put(" ")
		}
		p.expr(e.Arg, exprPrec(e)+1)
	case *Binary:
		p.binary(e)
	case *IsNull, *IsTruth, *IsDistinct, *Between, *InList, *InSubquery, *LikeExpr, *Quantified:
		p.predicate(e)
	default:
		p.compound(e)
	}
}

func (p *printer) dotted(parts []string) {
	for i, s := range parts {
		if i > 0 {
			p.put(".")
		}
		p.put(QuoteIdent(s))
	}
}

func (p *printer) star(e *Star) {
	if e.Arg != nil {
		p.put("(")
		p.expr(e.Arg, precLowest)
		p.put(").*")
		return
	}
	if len(e.Qualifier) > 0 {
		p.dotted(e.Qualifier)
		p.put(".")
	}
	p.put("*")
}

func (p *printer) operator(op Operator) {
	if op.Schema != "" {
		p.put("OPERATOR(", QuoteIdent(op.Schema), ".", op.Name, ")")
		return
	}
	p.put(op.Name)
}

func (p *printer) boolExpr(e *BoolExpr) {
	word, need := " AND ", precAnd+1
	if e.Or {
		word, need = " OR ", precOr+1
	}
	for i, a := range e.Args {
		if i > 0 {
			p.put(word)
		}
		p.expr(a, need)
	}
}

func (p *printer) binary(e *Binary) {
	prec := binaryPrec(e.Op)
	left := prec
	if prec == precCompare {
		left = prec + 1 // comparisons do not associate
	}
	p.expr(e.Left, left)
	p.put(" ")
	p.operator(e.Op)
	p.put(" ")
	p.expr(e.Right, prec+1)
}

func (p *printer) predicate(e Expr) {
	switch e := e.(type) {
	case *IsNull:
		p.expr(e.Arg, precIs+1)
		p.put(notWord(" IS", e.Not), " NULL")
	case *IsTruth:
		p.expr(e.Arg, precIs+1)
		p.put(notWord(" IS", e.Not), [...]string{" TRUE", " FALSE", " UNKNOWN"}[e.Value])
	case *IsDistinct:
		p.expr(e.Left, precIs+1)
		p.put(notWord(" IS", e.Not), " DISTINCT FROM ")
		p.expr(e.Right, precIs+1)
	case *Between:
		p.expr(e.Arg, precIn+1)
		p.put(notWord("", e.Not), " BETWEEN ")
		if e.Symmetric {
			p.put("SYMMETRIC ")
		}
		p.expr(e.Low, precUnary) // the grammar wants a b_expr
		p.put(" AND ")
		p.expr(e.High, precIn+1)
	case *InList:
		p.expr(e.Arg, precIn+1)
		p.put(notWord("", e.Not), " IN (")
		p.exprs(e.List)
		p.put(")")
	case *InSubquery:
		p.expr(e.Arg, precIn+1)
		p.put(notWord("", e.Not), " IN ")
		p.query(e.Query)
	case *LikeExpr:
		p.like(e)
	case *Quantified:
		p.quantified(e)
	}
}

func notWord(before string, not bool) string {
	if not {
		return before + " NOT"
	}
	return before
}

func (p *printer) like(e *LikeExpr) {
	p.expr(e.Arg, precIn+1)
	p.put(notWord("", e.Not), [...]string{" LIKE ", " ILIKE ", " SIMILAR TO "}[e.Kind])
	p.expr(e.Pattern, precIn+1)
	if e.Escape != nil {
		p.put(" ESCAPE ")
		p.expr(e.Escape, precIn+1)
	}
}

func (p *printer) quantified(e *Quantified) {
	p.expr(e.Left, precOp)
	p.put(" ")
	p.operator(e.Op)
	if e.All {
		p.put(" ALL ")
	} else {
		p.put(" ANY ")
	}
	if e.Query != nil {
		p.query(e.Query)
		return
	}
	p.put("(")
	// A bare subquery in the parentheses would be read as a set of rows.
	if _, sub := e.Array.(*Subquery); sub {
		p.put("(")
		defer p.put(")")
	}
	p.expr(e.Array, precLowest)
	p.put(")")
}

// query prints a query in parentheses.
func (p *printer) query(q *Select) {
	p.put("(")
	p.indent += 4
	p.sel(q)
	p.indent -= 4
	p.put(")")
}

func (p *printer) compound(e Expr) {
	switch e := e.(type) {
	case *Exists:
		p.put("EXISTS ")
		p.query(e.Query)
	case *Subquery:
		p.query(e.Query)
	case *ArraySubquery:
		p.put("ARRAY")
		p.query(e.Query)
	case *ArrayExpr:
		p.put("ARRAY[")
		p.exprs(e.Elems)
		p.put("]")
	case *Subscript:
		p.subscript(e)
	case *FieldSelect:
		p.put("(")
		p.expr(e.Arg, precLowest)
		p.put(").", QuoteIdent(e.Field))
	case *Row:
		if e.Explicit || len(e.Args) < 2 {
			p.put("ROW")
		}
		p.call("", e.Args)
	case *Case:
		p.caseExpr(e)
	case *Coalesce:
		p.call("COALESCE", e.Args)
	case *NullIf:
		p.call("NULLIF", []Expr{e.Left, e.Right})
	case *MinMax:
		if e.Greatest {
			p.call("GREATEST", e.Args)
		} else {
			p.call("LEAST", e.Args)
		}
	case *Cast:
		p.expr(e.Arg, precCast)
		p.put("::")
		p.typeName(e.Type)
	case *Collate:
		p.expr(e.Arg, precCollate)
		p.put(" COLLATE ", e.Name.String())
	case *FuncCall:
		p.funcCall(e)
	case *NamedArg:
		p.put(QuoteIdent(e.Name), " => ")
		p.expr(e.Arg, precLowest)
	case *SQLValue:
		p.put(strings.ToUpper(e.Kind.String()))
		if e.Precision >= 0 {
			p.put("(", strconv.Itoa(e.Precision), ")")
		}
	case *GroupingFunc:
		p.call("GROUPING", e.Args)
	default:
		p.put(fmt.Sprintf("<%T>", e))
	}
}

func (p *printer) call(name string, args []Expr) {
	p.put(name, "(")
	p.exprs(args)
	p.put(")")
}

func (p *printer) subscript(e *Subscript) {
	switch e.Arg.(type) {
	case *ColumnRef, *Param:
		p.bare(e.Arg)
	default:
		p.put("(")
		p.bare(e.Arg)
		p.put(")")
	}
	p.indexes(e.Indexes)
}

func (p *printer) indexes(list []Index) {
	for _, ix := range list {
		p.put("[")
		if ix.Lower != nil {
			p.expr(ix.Lower, precLowest)
		}
		if ix.Slice {
			p.put(":")
		}
		if ix.Upper != nil {
			p.expr(ix.Upper, precLowest)
		}
		p.put("]")
	}
}

func (p *printer) caseExpr(e *Case) {
	p.put("CASE")
	if e.Arg != nil {
		p.put(" ")
		p.expr(e.Arg, precLowest)
	}
	for _, w := range e.Whens {
		p.put(" WHEN ")
		p.expr(w.Cond, precLowest)
		p.put(" THEN ")
		p.expr(w.Result, precLowest)
	}
	if e.Else != nil {
		p.put(" ELSE ")
		p.expr(e.Else, precLowest)
	}
	p.put(" END")
}
