package expr

import "streamdb/sql/types"

// Op says what an Expr computes.
type Op uint8

// The operators. Their values are written to the log: never renumber, only append.
const (
	// OpColumn is input column Col.
	OpColumn Op = 1
	// OpConst is Val (a literal, or NULL).
	OpConst Op = 2
	// OpParam is statement parameter number Col, counted from 0. It never reaches
	// the log: plans are bound to values first.
	OpParam Op = 3
	// OpCall is scalar function Fn over Args. Operators and casts are calls too.
	OpCall Op = 4
	// OpAnd and OpOr are three-valued and n-ary; an error loses against the
	// deciding value (false for AND, true for OR), in any order of Args.
	OpAnd Op = 5
	OpOr  Op = 6
	OpNot Op = 7
	// OpIsNull is true iff Args[0] is NULL. An error stays an error.
	OpIsNull Op = 8
	// OpCase is Args = when1, then1, …, else; only the arm taken counts. A missing
	// ELSE is a NULL constant.
	OpCase Op = 9
	// OpCoalesce is the first non-NULL of Args, evaluated as far as needed.
	OpCoalesce Op = 10
	// OpDistinct is Args[0] IS DISTINCT FROM Args[1]; never NULL. Fn is the equality
	// function; without one both sides have the same type.
	OpDistinct Op = 11
	// OpIsTrue and OpIsFalse are the two-valued tests; never NULL.
	OpIsTrue  Op = 12
	OpIsFalse Op = 13
	// OpInList is Args[0] = ANY of the constants Args[1:], with SQL's NULL rule. Fn
	// is the equality function.
	OpInList Op = 14
	// OpNullIf is NULL where Fn(Args[0], Args[1]) is true, else Args[0].
	OpNullIf Op = 15
	// OpArray builds an array of the element type from Args.
	OpArray Op = 16
	// OpAnyArray is Args[0] Fn ANY (Args[1]); OpAllArray is … ALL. Fn is a boolean
	// function of two arguments; Args[1] is an array.
	OpAnyArray Op = 17
	OpAllArray Op = 18
	// OpGreatest and OpLeast ignore NULLs.
	OpGreatest Op = 19
	OpLeast    Op = 20
	// OpRow is a row value; it exists only inside the planner, which takes rows apart.
	OpRow Op = 21
)

// Expr is a bound expression: a tree of plain data that marshals to JSON as it is.
// Expressions are immutable once built; rewriting makes new nodes.
type Expr struct {
	Op   Op         `json:"op"`
	Type types.Type `json:"type"`
	Args []*Expr    `json:"args,omitempty"`
	// Col is the input column (OpColumn) or the parameter number (OpParam).
	Col int `json:"col,omitempty"`
	// Val is the value of OpConst.
	Val *types.Datum `json:"val,omitempty"`
	// Fn is the id of a function in package functions, stable for ever.
	Fn string `json:"fn,omitempty"`
	// Pos is the byte offset in the statement's text, for errors; -1 where there is none.
	Pos int `json:"pos,omitempty"`
}

// Column returns a reference to input column i of type t.
func Column(i int, t types.Type) *Expr { return &Expr{Op: OpColumn, Type: t, Col: i, Pos: -1} }

// Const returns a literal.
func Const(t types.Type, d types.Datum) *Expr { return &Expr{Op: OpConst, Type: t, Val: &d, Pos: -1} }

// Null returns the NULL of type t.
func Null(t types.Type) *Expr { return Const(t, types.NullDatum) }

// BoolConst returns true or false.
func BoolConst(b bool) *Expr {
	d := types.Datum{}
	if b {
		d.I = 1
	}
	return Const(types.Bool, d)
}

// IsConst reports whether e is a literal.
func (e *Expr) IsConst() bool { return e.Op == OpConst }

// Walk calls f for e and everything below it, parents first, as long as f returns true.
func Walk(e *Expr, f func(*Expr) bool) {
	if e == nil || !f(e) {
		return
	}
	for _, a := range e.Args {
		Walk(a, f)
	}
}

// Rewrite returns e with f applied to every node, children first. f returns its
// argument where nothing changes; unchanged subtrees are shared.
func Rewrite(e *Expr, f func(*Expr) *Expr) *Expr {
	if e == nil {
		return nil
	}
	var args []*Expr
	for i, a := range e.Args {
		b := Rewrite(a, f)
		if b != a && args == nil {
			args = append([]*Expr(nil), e.Args...)
		}
		if args != nil {
			args[i] = b
		}
	}
	if args != nil {
		n := *e
		n.Args = args
		e = &n
	}
	return f(e)
}
