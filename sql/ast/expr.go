package ast

// IntLit is an integer literal. PostgreSQL types it int4 if it fits, else int8.
type IntLit struct {
	Pos
	Value int64
}

// NumberLit is a numeric literal that is no int64: with point or exponent, or
// too large. Text is decimal, without underscores.
type NumberLit struct {
	Pos
	Text string
}

// StringLit is a string literal of type unknown.
type StringLit struct {
	Pos
	Value string
}

// BoolLit is TRUE or FALSE.
type BoolLit struct {
	Pos
	Value bool
}

// NullLit is NULL of type unknown.
type NullLit struct{ Pos }

// Param is a parameter $n.
type Param struct {
	Pos
	Number int // from 1
}

// ColumnRef is a name of up to four parts: catalog.schema.table.column, or a
// field of a composite column; the binder finds out which.
type ColumnRef struct {
	Pos
	Parts []string // at least one
}

// Name gives the last part.
func (c *ColumnRef) Name() string { return c.Parts[len(c.Parts)-1] }

// Star is * or t.* in a target list, count(*) excepted; with Arg it is (expr).*.
type Star struct {
	Pos
	Qualifier []string
	Arg       Expr
}

// Operator names an operator; Schema is set by OPERATOR(schema.op) only.
type Operator struct {
	Schema string
	Name   string
}

// Unary is a prefix operator.
type Unary struct {
	Pos // of the operator
	Op  Operator
	Arg Expr
}

// Binary is an infix operator.
type Binary struct {
	Pos         // of the operator
	Op          Operator
	Left, Right Expr
}

// BoolExpr is a chain of AND or of OR with at least two arguments.
type BoolExpr struct {
	Pos
	Or   bool // else AND
	Args []Expr
}

// Not is NOT arg.
type Not struct {
	Pos
	Arg Expr
}

// IsNull is arg IS [NOT] NULL.
type IsNull struct {
	Pos
	Arg Expr
	Not bool
}

// Truth is what IS compares with.
type Truth uint8

// The truth values of IS.
const (
	True Truth = iota
	False
	Unknown
)

// IsTruth is arg IS [NOT] TRUE, FALSE or UNKNOWN.
type IsTruth struct {
	Pos
	Arg   Expr
	Value Truth
	Not   bool
}

// IsDistinct is left IS [NOT] DISTINCT FROM right.
type IsDistinct struct {
	Pos
	Left, Right Expr
	Not         bool
}

// Between is arg [NOT] BETWEEN [SYMMETRIC] low AND high.
type Between struct {
	Pos
	Arg, Low, High Expr
	Not            bool
	Symmetric      bool
}

// InList is arg [NOT] IN (list).
type InList struct {
	Pos
	Arg  Expr
	List []Expr
	Not  bool
}

// InSubquery is arg [NOT] IN (query). Arg is a *Row for several columns.
type InSubquery struct {
	Pos
	Arg   Expr
	Query *Select
	Not   bool
}

// Quantified is left op ANY/ALL over an array or a query; exactly one of Array
// and Query is set.
type Quantified struct {
	Pos
	Left  Expr
	Op    Operator
	All   bool // else ANY
	Array Expr
	Query *Select
}

// LikeKind is the kind of a pattern match.
type LikeKind uint8

// Pattern matches.
const (
	Like LikeKind = iota
	ILike
	SimilarTo
)

// LikeExpr is arg [NOT] LIKE/ILIKE/SIMILAR TO pattern [ESCAPE escape].
type LikeExpr struct {
	Pos
	Kind    LikeKind
	Arg     Expr
	Pattern Expr
	Escape  Expr // nil means backslash
	Not     bool
}

// Exists is EXISTS (query).
type Exists struct {
	Pos
	Query *Select
}

// Subquery is a query in parentheses used as a value.
type Subquery struct {
	Pos
	Query *Select
}

// ArraySubquery is ARRAY(query).
type ArraySubquery struct {
	Pos
	Query *Select
}

// ArrayExpr is ARRAY[...]; an element may be an *ArrayExpr itself.
type ArrayExpr struct {
	Pos
	Elems []Expr
}

// Index is one [i] or [lower:upper] of a Subscript.
type Index struct {
	Slice bool
	Lower Expr // only of a slice, nil means from the start
	Upper Expr // the index itself, or the slice's end (nil means to the end)
}

// Subscript is arg[...] with one or several indexes.
type Subscript struct {
	Pos
	Arg     Expr
	Indexes []Index
}

// FieldSelect is (arg).field.
type FieldSelect struct {
	Pos
	Arg   Expr
	Field string
}

// Row is ROW(...) or a parenthesised list.
type Row struct {
	Pos
	Args     []Expr
	Explicit bool // written with the word ROW
}

func (*IntLit) expr()        {}
func (*NumberLit) expr()     {}
func (*StringLit) expr()     {}
func (*BoolLit) expr()       {}
func (*NullLit) expr()       {}
func (*Param) expr()         {}
func (*ColumnRef) expr()     {}
func (*Star) expr()          {}
func (*Unary) expr()         {}
func (*Binary) expr()        {}
func (*BoolExpr) expr()      {}
func (*Not) expr()           {}
func (*IsNull) expr()        {}
func (*IsTruth) expr()       {}
func (*IsDistinct) expr()    {}
func (*Between) expr()       {}
func (*InList) expr()        {}
func (*InSubquery) expr()    {}
func (*Quantified) expr()    {}
func (*LikeExpr) expr()      {}
func (*Exists) expr()        {}
func (*Subquery) expr()      {}
func (*ArraySubquery) expr() {}
func (*ArrayExpr) expr()     {}
func (*Subscript) expr()     {}
func (*FieldSelect) expr()   {}
func (*Row) expr()           {}
