package ast

import "testing"

func col(name string) Expr { return &ColumnRef{Parts: []string{name}} }

func op(name string, l, r Expr) Expr { return &Binary{Op: Operator{Name: name}, Left: l, Right: r} }

func TestParentheses(t *testing.T) {
	a, b, c := col("a"), col("b"), col("order")
	for _, test := range []struct {
		e    Expr
		want string
	}{
		{op("*", op("+", a, b), c), `(a + b) * "order"`},
		{op("-", a, op("-", b, c)), `a - (b - "order")`},
		{op("-", op("-", a, b), c), `a - b - "order"`},
		{op("=", op("=", a, b), c), `(a = b) = "order"`},
		{&Not{Arg: &BoolExpr{Args: []Expr{a, b}}}, `NOT (a AND b)`},
		{&Cast{Arg: &IntLit{Value: -1}, Type: &TypeName{Schema: "pg_catalog", Name: "int4"}}, `(-1)::integer`},
		{&Unary{Op: Operator{Name: "-"}, Arg: &IntLit{Value: -1}}, `-(-1)`},
		{&IsNull{Arg: &BoolExpr{Or: true, Args: []Expr{a, b}}, Not: true}, `(a OR b) IS NOT NULL`},
		{&StringLit{Value: `it's \n`}, `E'it''s \\n'`},
	} {
		if got := String(test.e); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestColumnName(t *testing.T) {
	int4 := &TypeName{Schema: "pg_catalog", Name: "int4"}
	for _, test := range []struct {
		e    Expr
		want string
	}{
		{col("a"), "a"},
		{&Cast{Arg: col("a"), Type: int4}, "a"},
		{&Cast{Arg: &IntLit{Value: 1}, Type: int4}, "int4"},
		{&Case{Else: col("a")}, "a"},
		{&Case{Else: &IntLit{}}, "case"},
		{op("+", col("a"), col("b")), "?column?"},
		{&FuncCall{Name: Name{Schema: "pg_catalog", Name: "extract"}}, "extract"},
	} {
		if got := ColumnName(test.e); got != test.want {
			t.Errorf("%s: got %s, want %s", String(test.e), got, test.want)
		}
	}
}

func TestWalkExprStopsAtQueries(t *testing.T) {
	inner := &Select{Body: &SelectCore{Targets: []Target{{Expr: col("hidden")}}}}
	e := op("+", col("a"), &Subquery{Query: inner})
	var refs, queries int
	WalkExpr(e, func(n Node) bool {
		switch n.(type) {
		case *ColumnRef:
			refs++
		case *Select:
			queries++
		}
		return true
	})
	if refs != 1 || queries != 1 {
		t.Errorf("refs %d, queries %d, want 1 and 1", refs, queries)
	}
	refs = 0
	Walk(e, func(n Node) bool {
		if _, ok := n.(*ColumnRef); ok {
			refs++
		}
		return true
	})
	if refs != 2 {
		t.Errorf("Walk saw %d references, want 2", refs)
	}
}
