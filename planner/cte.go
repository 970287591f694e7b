package planner

import (
	"strconv"

	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

func itoa(n int) string { return strconv.Itoa(n) }

// cte is a query of WITH. It is bound once; every reference renames its columns.
type cte struct {
	name string
	rel  *relation
	// work is set while the step of a recursive query is bound: references read the
	// last round.
	work     bool
	workID   int
	workUsed int
}

// with binds WITH and gives the scope that the query itself is bound in.
func (b *binder) with(w *ast.With, outer *scope) (*scope, error) {
	env := outer.child()
	if w == nil {
		return env, nil
	}
	for i, def := range w.CTEs {
		for _, o := range w.CTEs[:i] {
			if o.Name == def.Name {
				return nil, sqlerr.New(sqlerr.DuplicateAlias, "WITH query name %q specified more than once", def.Name).At(b.pos(def))
			}
		}
		q, ok := def.Stmt.(*ast.Select)
		if !ok {
			return nil, sqlerr.Unsupported(def.Stmt.Tag()+" in WITH", b.pos(def))
		}
		c := &cte{name: def.Name}
		before := b.volatile
		b.volatile = false
		var err error
		if so, ok := q.Body.(*ast.SetOperation); ok && w.Recursive && so.Op == ast.Union {
			err = b.recursive(c, def, q, so, env)
		} else {
			err = b.plainCTE(c, def, q, env)
		}
		if err != nil {
			return nil, err
		}
		if b.volatile || def.Materialized {
			c.rel.node = &logical.Shared{Input: c.rel.node}
		}
		b.volatile = b.volatile || before
		env.ctes = &cteScope{next: env.ctes, cte: c}
	}
	return env, nil
}

func (b *binder) plainCTE(c *cte, def *ast.CTE, q *ast.Select, env *scope) error {
	r, err := b.query(q, env, false)
	if err != nil {
		return err
	}
	r.node = dropSort(r.node)
	c.rel = r
	return b.nameCTE(c, def)
}

// nameCTE applies the column list of WITH name (columns).
func (b *binder) nameCTE(c *cte, def *ast.CTE) error {
	if len(def.Columns) > len(c.rel.cols) {
		return sqlerr.New(sqlerr.InvalidColumnReference, "WITH query %q has %d columns available but %d columns specified",
			def.Name, len(c.rel.cols), len(def.Columns)).At(b.pos(def))
	}
	cols := make([]*scopeCol, len(c.rel.cols))
	for i, o := range c.rel.cols {
		n := *o
		if i < len(def.Columns) {
			n.name = def.Columns[i]
		}
		cols[i] = &n
	}
	c.rel.cols = cols
	return nil
}

// recursive binds start UNION [ALL] step. A query that does not read itself is plain.
func (b *binder) recursive(c *cte, def *ast.CTE, q *ast.Select, so *ast.SetOperation, env *scope) error {
	inner, err := b.with(q.With, env)
	if err != nil {
		return err
	}
	start, err := b.query(so.Left, inner, false)
	if err != nil {
		return err
	}
	start.node = dropSort(start.node)
	b.recursions++
	c.rel, c.work, c.workID = start, true, b.recursions
	if err := b.nameCTE(c, def); err != nil {
		return err
	}
	stepEnv := inner.child()
	stepEnv.ctes = &cteScope{next: stepEnv.ctes, cte: c}
	step, err := b.query(so.Right, stepEnv, true)
	if err != nil {
		return err
	}
	c.work = false
	if c.workUsed == 0 {
		return b.plainCTE(c, def, q, env)
	}
	if err := noAggOverWork(step.node); err != nil {
		return err.At(b.pos(so.Right))
	}
	if b.maintained {
		return sqlerr.Unsupported("WITH RECURSIVE in a maintained query", b.pos(def))
	}
	if len(q.OrderBy) > 0 || q.Limit != nil || q.Offset != nil {
		return sqlerr.New(sqlerr.FeatureNotSupported, "ORDER BY, LIMIT and OFFSET in a recursive query are not implemented").At(b.pos(def))
	}
	return b.buildRecursive(c, start, step, so)
}

// buildRecursive brings the step's columns to the start's types and makes the node.
func (b *binder) buildRecursive(c *cte, start, step *relation, so *ast.SetOperation) error {
	step.node = dropSort(step.node)
	if len(start.cols) != len(step.cols) {
		return sqlerr.New(sqlerr.SyntaxError, "each UNION query must have the same number of columns").At(b.pos(so.Right))
	}
	ts := make([]types.Type, len(start.cols))
	for i, col := range start.cols {
		ts[i] = b.meta.Type(col.id)
		st := b.meta.Type(step.cols[i].id)
		common, err := functions.CommonType("UNION", ts[i], st)
		if err != nil {
			return b.at(err, so)
		}
		if common.Base() != ts[i].Base() {
			return sqlerr.New(sqlerr.DatatypeMismatch,
				"recursive query %q column %d has type %s in non-recursive term but type %s overall", c.name, i+1, ts[i], common).
				WithHint("Cast the output of the non-recursive term to the correct type.").At(b.pos(so.Left))
		}
	}
	if err := b.coerceCols(step, ts, functions.Implicit); err != nil {
		return err
	}
	n := &logical.Recursive{ID: c.workID, All: so.All, Start: start.node, Step: step.node, StartCols: start.ids(), StepCols: step.ids()}
	rel := &relation{node: n}
	for i, col := range c.rel.cols {
		id := b.meta.Add(col.name, ts[i])
		n.Out = append(n.Out, id)
		rel.cols = append(rel.cols, &scopeCol{name: col.name, id: id})
	}
	c.rel = rel
	return nil
}

// reference reads a WITH query under fresh column ids.
func (b *binder) reference(c *cte) *relation {
	if c.work {
		c.workUsed++
		w := &logical.WorkTable{ID: c.workID}
		r := &relation{node: w}
		for _, o := range c.rel.cols {
			id := b.meta.Copy(o.id)
			w.Out = append(w.Out, id)
			r.cols = append(r.cols, &scopeCol{name: o.name, id: id})
		}
		return r
	}
	pr := &logical.Project{Input: c.rel.node}
	r := &relation{node: pr}
	for _, o := range c.rel.cols {
		id := b.meta.Copy(o.id)
		pr.Out = append(pr.Out, id)
		pr.Exprs = append(pr.Exprs, expr.Column(o.id, b.meta.Type(o.id)))
		r.cols = append(r.cols, &scopeCol{name: o.name, id: id, table: o.table, column: o.column})
	}
	return r
}

// noAggOverWork refuses aggregates over the rows of the last round: their result is no
// row of a fixed point.
func noAggOverWork(n logical.Node) *sqlerr.Error {
	if a, ok := n.(*logical.Agg); ok && len(a.Calls) > 0 && readsWork(n) {
		return sqlerr.New(sqlerr.InvalidRecursion, "aggregate functions are not allowed in a recursive query's recursive term")
	}
	for _, in := range n.Inputs() {
		if err := noAggOverWork(in); err != nil {
			return err
		}
	}
	return nil
}

// readsWork reports whether n reads the last round of a recursive query.
func readsWork(n logical.Node) bool {
	if _, ok := n.(*logical.WorkTable); ok {
		return true
	}
	for _, in := range n.Inputs() {
		if readsWork(in) {
			return true
		}
	}
	return false
}
