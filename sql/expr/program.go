package expr

import (
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// Ctx is what an evaluation reads beside its input.
type Ctx = functions.Ctx

// Program is a compiled expression with its scratch space. It is owned by one
// goroutine.
//
// Evaluation is by column, bottom up: each node computes its whole column from its
// arguments' columns. A column that does not depend on the input has one slot, which
// stands for every row. Equal subtrees are one node and computed once. Where only
// some rows may be evaluated (the arms of CASE, what COALESCE needs) the rows are
// gathered into a smaller chunk and the arm, a Program of its own, runs over it.
type Program struct {
	root *node
	typ  types.Type
	gen  uint64 // number of the current Eval; nodes stamped with it are computed
	in   *chunk.Chunk
	ctx  *Ctx
	// full is the broadcast result of a constant program.
	full chunk.Column

	sel   []int32
	conjs []*conjunct // of EvalFilter, made at its first call
}

// node is one distinct subexpression.
type node struct {
	op   Op
	typ  types.Type
	args []*node
	col  int
	// constant: the column has one slot; computed once per Eval unless fixed.
	constant bool
	fixed    bool // a literal: out never changes
	stamp    uint64
	out      *chunk.Column
	scratch  chunk.Column
	nulls    chunk.Bitmap // buffer
	call     functions.Call
	// arms is the programs of an op that evaluates its arguments on subsets of rows.
	arms []arm
	sub  subset
	// list is the state of OpInList.
	list *inList
}

// Compile prepares e for evaluation. It fails only for expressions that the planner
// should not have made: unknown functions, parameters without values, rows.
func Compile(e *Expr) (*Program, error) {
	c := compiler{memo: map[string]*node{}}
	root, err := c.compile(e)
	if err != nil {
		return nil, err
	}
	return &Program{root: root, typ: e.Type}, nil
}

// CompileAll compiles several expressions.
func CompileAll(es []*Expr) ([]*Program, error) {
	ps := make([]*Program, len(es))
	for i, e := range es {
		p, err := Compile(e)
		if err != nil {
			return nil, err
		}
		ps[i] = p
	}
	return ps, nil
}

// Type returns the type of the result.
func (p *Program) Type() types.Type { return p.typ }

// Eval computes the expression for every row of in. The result has in.Rows rows and
// is valid until the next Eval of the same Program; it may share memory with in.
func (p *Program) Eval(ctx *Ctx, in *chunk.Chunk) *chunk.Column {
	v := p.evalShort(ctx, in)
	if v.Len() == in.Rows {
		return v
	}
	broadcast(&p.full, v, in.Rows)
	return &p.full
}

// evalShort is Eval, except that a result which is the same for every row may have
// one slot only.
func (p *Program) evalShort(ctx *Ctx, in *chunk.Chunk) *chunk.Column {
	p.gen++
	p.in, p.ctx = in, ctx
	if in.Rows == 0 {
		functions.Prepare(&p.full, p.typ, 0, 0)
		return &p.full
	}
	v := p.eval(p.root)
	p.in = nil
	return v
}

// EvalOne computes an expression without columns: a literal, a bound parameter.
func (p *Program) EvalOne(ctx *Ctx) (types.Datum, error) {
	v := p.evalShort(ctx, &chunk.Chunk{Rows: 1})
	if len(v.Errs) > 0 {
		return types.NullDatum, v.Errs[0].Err
	}
	return v.Datum(0), nil
}

// FirstError returns the error of the first row in error, or nil: what a statement at
// the prompt raises.
func FirstError(c *chunk.Column) error {
	if len(c.Errs) == 0 {
		return nil
	}
	return c.Errs[0].Err
}

// broadcast writes the only row of v n times into dst.
func broadcast(dst, v *chunk.Column, n int) {
	functions.Prepare(dst, v.Type, n, 0)
	switch v.Type.Class() {
	case types.ClassBool:
		fill(dst.Bools, v.Bools[0])
	case types.ClassInt:
		fill(dst.Ints, v.Ints[0])
	case types.ClassFloat:
		fill(dst.Floats, v.Floats[0])
	case types.ClassNumeric:
		fill(dst.Nums, v.Nums[0])
	case types.ClassInterval:
		fill(dst.Ivls, v.Ivls[0])
	case types.ClassUUID:
		fill(dst.UUIDs, v.UUIDs[0])
	default:
		fill(dst.Views, v.Views[0])
	}
	dst.Bytes = v.Bytes[:len(v.Bytes):len(v.Bytes)]
	if v.Nulls.Get(0) {
		dst.Nulls = chunk.NewBitmap(n)
		for i := range n {
			dst.Nulls.Set(i)
		}
	}
	if len(v.Errs) > 0 {
		for i := range n {
			dst.Errs = append(dst.Errs, chunk.RowError{Row: i, Err: v.Errs[0].Err})
		}
	}
}

func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}

// eval returns the node's column for the current input: n slots, or one for all.
func (p *Program) eval(x *node) *chunk.Column {
	if x.fixed || x.stamp == p.gen {
		return x.out
	}
	x.stamp = p.gen
	n := p.in.Rows
	if x.constant {
		n = 1
	}
	switch x.op {
	case OpColumn:
		x.out = p.in.Cols[x.col]
	case OpCall:
		x.out = p.evalCall(x, n)
	case OpAnd:
		x.out = p.evalLogic(x, n, false)
	case OpOr:
		x.out = p.evalLogic(x, n, true)
	case OpNot:
		x.out = p.evalNot(x, n)
	case OpIsNull:
		x.out = p.evalIsNull(x, n)
	case OpIsTrue:
		x.out = p.evalIs(x, n, true)
	case OpIsFalse:
		x.out = p.evalIs(x, n, false)
	case OpDistinct:
		x.out = p.evalDistinct(x, n)
	case OpCase:
		x.out = p.evalCase(x)
	case OpCoalesce:
		x.out = p.evalCoalesce(x)
	case OpInList:
		x.out = p.evalInList(x, n)
	case OpNullIf:
		x.out = p.evalNullIf(x, n)
	case OpArray:
		x.out = p.evalArray(x, n)
	case OpAnyArray, OpAllArray:
		x.out = p.evalAnyAll(x, n)
	case OpGreatest, OpLeast:
		x.out = p.evalExtreme(x, n)
	default:
		panic(sqlerr.Internal("expression operator %d reached the evaluator", x.op))
	}
	return x.out
}

func (p *Program) evalCall(x *node, n int) *chunk.Column {
	c := &x.call
	c.Ctx = p.ctx
	for i, a := range x.args {
		c.Args[i] = p.eval(a)
	}
	c.Out = &x.scratch
	c.Run(n, x.typ)
	return c.Out
}
