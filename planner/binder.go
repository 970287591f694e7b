package planner

import (
	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// viewDepthMax bounds views over views.
const viewDepthMax = 64

// binder binds one statement.
type binder struct {
	p    *Planner
	cat  *catalog.Catalog
	path []string // search path: the session's, or the view's while one is expanded
	meta *logical.Meta
	// params is the types of parameters, Unknown where not settled yet.
	params []types.Type
	// declared is how many the client has declared; more may be inferred.
	noParams string // why parameters are refused, empty if they are not
	// maintained says that the query will run for ever: no volatile functions, no
	// catalog relations, no recursion.
	maintained bool
	// definition says that the query is only written down, as a view: it may name
	// sources, which have no rows to be read at once.
	definition bool
	// reads is the stored relations that are scanned; deps is what the query names
	// directly (views not resolved), with the columns.
	reads map[catalog.ID]bool
	deps  map[catalog.ID]map[int]bool
	// volatile says that a volatile function has been called.
	volatile  bool
	viewDepth int
	// within is the contexts whose subqueries are being bound, outermost first.
	within []*exprCtx
	// recursions numbers WITH RECURSIVE.
	recursions int
	// wantFields says that the query bound next is in FROM and is to keep the fields of rows.
	wantFields bool
	// notes tells about the text, nil if nobody asks.
	notes *notes
	// asOf is the relation that a join is about to bind FOR SYSTEM_TIME AS OF.
	asOf *ast.TableName
	// lateness is the late rows that the query takes in, in µs, 0 for none; marked is the
	// relations with a watermark that it reads.
	lateness int64
	marked   map[catalog.ID]bool
}

// newBinder makes a binder for one statement.
func (p *Planner) newBinder(paramTypes []types.Type) *binder {
	b := &binder{
		p: p, cat: p.cat, path: p.path, meta: logical.NewMeta(),
		reads: map[catalog.ID]bool{}, deps: map[catalog.ID]map[int]bool{}, marked: map[catalog.ID]bool{},
	}
	if p.opts.NoParams {
		b.noParams = "simple query"
	}
	for _, t := range paramTypes {
		if t.Kind == types.KindInvalid {
			t = types.Unknown
		}
		b.params = append(b.params, t)
	}
	return b
}

// pos gives a node's offset in the statement; within a view's text there is none.
func (b *binder) pos(n ast.Node) int {
	if b.viewDepth > 0 {
		return -1
	}
	return n.Loc()
}

// leftmost gives the offset where an expression begins, which need not be that of its operator.
func (b *binder) leftmost(e ast.Expr) int {
	pos := b.pos(e)
	ast.WalkExpr(e, func(n ast.Node) bool {
		if at := b.pos(n); at >= 0 && at < pos {
			pos = at
		}
		return true
	})
	return pos
}

// leftmost is the same for a bound expression.
func leftmost(e *expr.Expr) int {
	pos := e.Pos
	for _, a := range e.Args {
		if at := leftmost(a); at >= 0 && (pos < 0 || at < pos) {
			pos = at
		}
	}
	return pos
}

// at puts a position on an error that has none.
func (b *binder) at(err error, n ast.Node) error {
	if err == nil {
		return nil
	}
	return sqlerr.As(err).At(b.pos(n))
}

// fold computes what is constant.
func (b *binder) fold(e *expr.Expr) *expr.Expr { return expr.Fold(e) }

// foldAll computes everything that does not depend on rows, stable functions with it:
// for bounds that the plan must know, such as a window's size.
func (b *binder) foldAll(e *expr.Expr) *expr.Expr {
	st := b.p.opts.Settings
	return expr.FoldStable(e, &expr.Ctx{Now: st.Now, Statement: st.Now})
}

// param gives a reference to parameter n (from 1).
func (b *binder) param(n int, pos int) (*expr.Expr, error) {
	if b.noParams != "" || n < 1 || n > 65535 {
		return nil, sqlerr.New(sqlerr.UndefinedParameter, "there is no parameter $%d", n).At(pos)
	}
	for len(b.params) < n {
		b.params = append(b.params, types.Unknown)
	}
	return &expr.Expr{Op: expr.OpParam, Type: b.params[n-1], Col: n - 1, Pos: pos}, nil
}

// settleParams makes text of parameters that nothing has given a type.
func (b *binder) settleParams() ([]types.Type, error) {
	for i, t := range b.params {
		if t.Kind == types.KindUnknown {
			return nil, sqlerr.New(sqlerr.IndeterminateDatatype, "could not determine data type of parameter $%d", i+1)
		}
	}
	return b.params, nil
}

// use notes that a relation's column is read.
func (b *binder) use(rel catalog.ID, column int) {
	if b.viewDepth > 0 {
		return
	}
	if b.deps[rel] == nil {
		b.deps[rel] = map[int]bool{}
	}
	if column != 0 {
		b.deps[rel][column] = true
	}
}

// call builds a scalar call by name over bound arguments, coercing them.
func (b *binder) call(name string, pos int, args ...*expr.Expr) (*expr.Expr, error) {
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type
	}
	f, to, ret, err := functions.Resolve(name, ts)
	if err != nil {
		return nil, sqlerr.As(err).At(pos)
	}
	return b.build(f, args, to, ret, pos)
}

// build makes the call of a resolved function.
func (b *binder) build(f *functions.Function, args []*expr.Expr, to []types.Type, ret types.Type, pos int) (*expr.Expr, error) {
	out := make([]*expr.Expr, len(args))
	for i, a := range args {
		c, err := b.coerce(a, to[i], functions.Implicit)
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	if err := b.allow(f, pos); err != nil {
		return nil, err
	}
	return b.fold(&expr.Expr{Op: expr.OpCall, Type: ret, Fn: f.ID, Args: out, Pos: pos}), nil
}

// allow refuses functions whose value a maintained query could not keep up to date.
func (b *binder) allow(f *functions.Function, pos int) error {
	if f.Volatility == functions.Volatile {
		b.volatile = true
	}
	if !b.maintained || isClock(f) || f.ID == "proctime" {
		return nil // see noClock and noProctime
	}
	if f.Volatility == functions.Volatile || f.Volatility == functions.Stable && len(f.Args) == 0 || f.Name == "age" && len(f.Args) == 1 {
		return sqlerr.New(sqlerr.FeatureNotSupported, "function %s() is not supported in a maintained query", f.Name).
			WithDetail("Its value changes without any change of the data.").At(pos)
	}
	return nil
}

// equal builds l = r.
func (b *binder) equal(l, r *expr.Expr, pos int) (*expr.Expr, error) { return b.call("=", pos, l, r) }
