package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// query binds a query within an outer scope (nil for none). With keepUnknown literals
// without a type stay that way in the select list, for the reader to settle.
func (b *binder) query(q *ast.Select, outer *scope, keepUnknown bool) (*relation, error) {
	fields := b.wantFields
	b.wantFields = false
	env, err := b.with(q.With, outer)
	if err != nil {
		return nil, err
	}
	if len(q.Locking) > 0 {
		return nil, sqlerr.Unsupported("SELECT FOR UPDATE/SHARE", b.pos(q))
	}
	var r *relation
	switch body := q.Body.(type) {
	case *ast.SelectCore:
		return b.core(body, q, env, keepUnknown, fields)
	case *ast.SetOperation:
		r, err = b.setOperation(body, env)
	case *ast.Values:
		r, err = b.values(body, env, keepUnknown && len(q.OrderBy) == 0)
	default:
		err = sqlerr.Unsupported("this query", b.pos(q))
	}
	if err != nil {
		return nil, err
	}
	keys, err := b.outputOrder(q.OrderBy, r)
	if err != nil {
		return nil, err
	}
	return r, b.limit(q, r, keys, &scope{cols: r.cols})
}

// outputOrder binds an ORDER BY that can only name output columns.
func (b *binder) outputOrder(items []ast.SortItem, r *relation) ([]logical.OrderKey, error) {
	var keys []logical.OrderKey
	for i := range items {
		s := &items[i]
		c, err := b.outputColumn(s.Expr, r.cols, "ORDER BY")
		if err != nil {
			return nil, err
		}
		if c == nil {
			if err := b.orderNames(s.Expr, r.cols); err != nil {
				return nil, err
			}
			return nil, sqlerr.New(sqlerr.FeatureNotSupported, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause").
				WithDetail("Only result column names can be used, not expressions or functions.").
				WithHint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.").At(b.leftmost(s.Expr))
		}
		keys = append(keys, logical.OrderKey{Col: c.id, Desc: s.Desc, NullsFirst: nullsFirst(s)})
	}
	return keys, nil
}

// orderNames refuses the columns of e that are not among the output columns.
func (b *binder) orderNames(e ast.Expr, cols []*scopeCol) error {
	s := &scope{cols: cols}
	var err error
	ast.WalkExpr(e, func(n ast.Node) bool {
		if ref, ok := n.(*ast.ColumnRef); ok && err == nil {
			_, err = s.find(ref)
		}
		return err == nil
	})
	return err
}

// outputColumn finds the output column that an ordinal or a bare name in ORDER BY,
// GROUP BY or DISTINCT ON means; nil if it is neither.
func (b *binder) outputColumn(e ast.Expr, cols []*scopeCol, clause string) (*scopeCol, error) {
	switch e := e.(type) {
	case *ast.IntLit:
		if e.Value < 1 || e.Value > int64(len(cols)) {
			return nil, sqlerr.New(sqlerr.InvalidColumnReference, "%s position %d is not in select list", clause, e.Value).At(b.pos(e))
		}
		return cols[e.Value-1], nil
	case *ast.ColumnRef:
		if len(e.Parts) != 1 {
			return nil, nil
		}
		var hit *scopeCol
		for _, c := range cols {
			if c.name != e.Parts[0] {
				continue
			}
			if hit != nil && hit.id != c.id {
				return nil, sqlerr.New(sqlerr.AmbiguousColumn, "%s %q is ambiguous", clause, c.name).At(b.pos(e))
			}
			hit = c
		}
		return hit, nil
	case *ast.StringLit, *ast.NumberLit, *ast.BoolLit:
		return nil, sqlerr.New(sqlerr.SyntaxError, "non-integer constant in %s", clause).At(b.pos(e))
	}
	return nil, nil
}

// limit puts order, LIMIT and OFFSET over a relation; from is the scope below it.
func (b *binder) limit(q *ast.Select, r *relation, keys []logical.OrderKey, from *scope) error {
	limit, err := b.limitExpr(q.Limit, "LIMIT", sqlerr.InvalidRowCountInLimit, from)
	if err != nil {
		return err
	}
	offset, err := b.limitExpr(q.Offset, "OFFSET", sqlerr.InvalidRowCountInResultOffset, from)
	if err != nil {
		return err
	}
	if offset != nil && offset.IsConst() && offset.Val.I == 0 {
		offset = nil
	}
	if q.WithTies && len(keys) == 0 {
		return sqlerr.New(sqlerr.SyntaxError, "WITH TIES cannot be specified without ORDER BY clause").At(b.pos(q))
	}
	if len(q.OrderBy) == 0 && limit == nil && offset == nil {
		return nil
	}
	if len(keys) == 0 && limit == nil && offset == nil {
		return nil
	}
	r.node = &logical.TopN{Input: r.node, Order: keys, Limit: limit, Offset: offset, WithTies: q.WithTies}
	r.ordered = true
	return nil
}

// limitExpr binds LIMIT's or OFFSET's argument; nil is none. It must not use the columns of from.
func (b *binder) limitExpr(e ast.Expr, clause, code string, from *scope) (*expr.Expr, error) {
	if e == nil {
		return nil, nil
	}
	var column error
	ast.WalkExpr(e, func(n ast.Node) bool {
		if ref, ok := n.(*ast.ColumnRef); ok && column == nil {
			if _, column = from.find(ref); column == nil {
				column = sqlerr.New(sqlerr.InvalidColumnReference, "argument of %s must not contain variables", clause).At(b.pos(ref))
			}
		}
		return true
	})
	if column != nil {
		return nil, column
	}
	x := &exprCtx{b: b, scope: &scope{}, clause: clause, noSubqueries: true}
	v, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	if v.Type.Kind != types.KindUnknown {
		if _, ok := functions.FindCast(v.Type, types.Int8, functions.Assignment); !ok {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch, "argument of %s must be type bigint, not type %s",
				clause, functions.TypeName(v.Type)).At(b.pos(e))
		}
	}
	if v, err = b.coerce(v, types.Int8, functions.Assignment); err != nil {
		return nil, err
	}
	v = b.foldAll(v)
	if v.IsConst() {
		if v.Val.Null {
			return nil, nil
		}
		if v.Val.I < 0 {
			return nil, sqlerr.New(code, "%s must not be negative", clause)
		}
	}
	return v, nil
}

// coreBinder binds one SELECT … FROM … level.
type coreBinder struct {
	b    *binder
	core *ast.SelectCore
	// fields says that the query around wants the fields of rows in the select list.
	fields bool
	scope  *scope
	node   logical.Node
	aggs   *aggCollector
	sets   []logical.SetCall
	// windows is the window functions of select list and ORDER BY.
	windows windowCollector
	// out is the context of select list and ORDER BY, having that of HAVING.
	out, having *exprCtx
	// cols is the output columns, exprs what they are; hidden sort keys come behind.
	cols  []*scopeCol
	exprs []*expr.Expr
	// havingPreds is bound HAVING.
	havingPreds []*expr.Expr
}

// core binds a select list with what belongs to it, its order and limit included.
func (b *binder) core(core *ast.SelectCore, q *ast.Select, env *scope, keepUnknown, fields bool) (*relation, error) {
	c := &coreBinder{b: b, fields: fields, core: core}
	if err := c.from(env); err != nil {
		return nil, err
	}
	if err := c.out.windowClause(core.Windows); err != nil {
		return nil, err
	}
	c.out.clause = "SELECT"
	if err := c.targets(); err != nil {
		return nil, err
	}
	if err := c.where(); err != nil {
		return nil, err
	}
	if !keepUnknown || core.Distinct || len(q.OrderBy) > 0 {
		for i, e := range c.exprs {
			r, err := b.resolveUnknown(e)
			if err != nil {
				return nil, err
			}
			c.exprs[i] = r
		}
	}
	keys, err := c.orderBy(q.OrderBy)
	if err != nil {
		return nil, err
	}
	on, err := c.distinctOn()
	if err != nil {
		return nil, err
	}
	preds, err := c.having.conjuncts(core.Having, "HAVING")
	if err != nil {
		return nil, err
	}
	c.havingPreds = preds
	if err := c.group(); err != nil {
		return nil, err
	}
	c.project()
	return c.finish(q, keys, on)
}

// from binds FROM.
func (c *coreBinder) from(env *scope) error {
	b := c.b
	item, err := b.fromList(c.core.From, env)
	if err != nil {
		return err
	}
	c.scope, c.node = item.scope, item.node
	c.aggs = &aggCollector{arg: &exprCtx{b: b, scope: c.scope, clause: "aggregate function arguments", inAgg: true}}
	c.out = &exprCtx{b: b, scope: c.scope, clause: "SELECT", aggs: c.aggs, windows: &c.windows, sets: &c.sets}
	c.having = &exprCtx{b: b, scope: c.scope, clause: "HAVING", aggs: c.aggs}
	return nil
}

// where binds WHERE, after the select list: that is the order in which PostgreSQL finds errors.
func (c *coreBinder) where() error {
	w := &exprCtx{b: c.b, scope: c.scope, clause: "WHERE"}
	preds, err := w.conjuncts(c.core.Where, "WHERE")
	if err != nil {
		return err
	}
	c.node = logical.Where(w.apply(c.node), logical.And(preds...))
	return nil
}

// targets binds the select list.
func (c *coreBinder) targets() error {
	rows := map[*scopeCol]*composite{}
	for i := range c.core.Targets {
		t := &c.core.Targets[i]
		if s, ok := t.Expr.(*ast.Star); ok {
			if err := c.star(s); err != nil {
				return err
			}
			continue
		}
		e, row, err := c.target(t.Expr)
		if err != nil {
			return err
		}
		name := t.Alias
		if name == "" {
			name = ast.ColumnName(t.Expr)
		}
		col := &scopeCol{name: name}
		if ref, ok := t.Expr.(*ast.ColumnRef); ok && e.Op == expr.OpColumn {
			if from, err := c.scope.find(ref); err == nil {
				col.table, col.column = from.table, from.column
			}
		}
		c.add(col, e)
		if row != nil {
			rows[col] = row
		}
	}
	if c.fields {
		c.keepFields(rows)
	}
	return nil
}

// add adds an output column.
func (c *coreBinder) add(col *scopeCol, e *expr.Expr) {
	c.cols = append(c.cols, col)
	c.exprs = append(c.exprs, e)
}

// star expands * and t.*.
func (c *coreBinder) star(s *ast.Star) error {
	b := c.b
	if s.Arg != nil {
		row, err := c.out.composite(s.Arg)
		if err != nil {
			return err
		}
		if row == nil {
			return sqlerr.New(sqlerr.WrongObjectType, "type of the expression before .* is not composite").At(b.pos(s))
		}
		for i, e := range row.exprs {
			c.add(&scopeCol{name: row.names[i]}, e)
		}
		return nil
	}
	cols := c.scope.cols
	if len(s.Qualifier) > 0 {
		t, err := c.scope.findTable(s.Qualifier, b.pos(s))
		if err != nil {
			return err
		}
		cols = t.cols
	} else if len(c.scope.tables) == 0 {
		return sqlerr.New(sqlerr.SyntaxError, "SELECT * with no tables specified is not valid").At(b.pos(s))
	}
	b.noteStar(s, c.scope, visible(cols))
	for _, from := range visible(cols) {
		if from.table != 0 {
			b.use(from.table, from.column)
		}
		e := b.meta.Ref(from.id)
		e.Pos = b.pos(s)
		c.add(&scopeCol{name: from.name, table: from.table, column: from.column}, e)
	}
	return nil
}

// sortKey is a bound item of ORDER BY: the position among the outputs.
type sortKey struct {
	at         int
	desc       bool
	nullsFirst bool
}

// orderBy binds ORDER BY: ordinals, output names, then expressions over FROM. What is
// not an output becomes a hidden one.
func (c *coreBinder) orderBy(items []ast.SortItem) ([]sortKey, error) {
	b := c.b
	visibleOut := c.cols
	items = sortItems(items)
	var keys []sortKey
	for i := range items {
		s := &items[i]
		at, err := c.outputIndex(s.Expr, visibleOut, "ORDER BY")
		if err != nil {
			return nil, err
		}
		if at < 0 {
			c.out.clause = "ORDER BY"
			e, err := c.out.typed(s.Expr)
			if err != nil {
				return nil, err
			}
			if e.IsConst() {
				continue
			}
			at = slices.IndexFunc(c.exprs, func(o *expr.Expr) bool { return logical.Equal(o, e) && !logical.IsVolatile(e) })
			if at < 0 || c.core.Distinct && at >= len(visibleOut) {
				if c.core.Distinct && len(c.core.DistinctOn) == 0 {
					return nil, sqlerr.New(sqlerr.InvalidColumnReference,
						"for SELECT DISTINCT, ORDER BY expressions must appear in select list").At(b.pos(s.Expr))
				}
				at = len(c.exprs)
				c.exprs = append(c.exprs, e)
			}
		}
		if t := c.exprs[at].Type; t.Kind == types.KindJSON {
			return nil, sqlerr.New(sqlerr.UndefinedFunction, "could not identify an ordering operator for type %s", functions.TypeName(t)).
				WithHint("Use an explicit ordering operator or modify the query.").At(b.pos(s.Expr))
		}
		keys = append(keys, sortKey{at, s.Desc, nullsFirst(s)})
	}
	return keys, nil
}

// outputIndex is outputColumn's position, -1 if e does not name an output.
func (c *coreBinder) outputIndex(e ast.Expr, cols []*scopeCol, clause string) (int, error) {
	b := c.b
	switch e := e.(type) {
	case *ast.IntLit:
		if e.Value < 1 || e.Value > int64(len(cols)) {
			return 0, sqlerr.New(sqlerr.InvalidColumnReference, "%s position %d is not in select list", clause, e.Value).At(b.pos(e))
		}
		return int(e.Value) - 1, nil
	case *ast.StringLit, *ast.NumberLit, *ast.BoolLit:
		return 0, sqlerr.New(sqlerr.SyntaxError, "non-integer constant in %s", clause).At(b.pos(e))
	case *ast.ColumnRef:
		if len(e.Parts) != 1 {
			return -1, nil
		}
		hit := -1
		for i, o := range cols {
			if o.name != e.Parts[0] {
				continue
			}
			if hit >= 0 && !logical.Equal(c.exprs[hit], c.exprs[i]) {
				return 0, sqlerr.New(sqlerr.AmbiguousColumn, "%s %q is ambiguous", clause, o.name).At(b.pos(e))
			}
			hit = i
		}
		return hit, nil
	}
	return -1, nil
}

// distinctOn binds DISTINCT ON's expressions as positions among the outputs.
func (c *coreBinder) distinctOn() ([]int, error) {
	n := len(c.cols)
	var out []int
	for _, e := range c.core.DistinctOn {
		at, err := c.outputIndex(e, c.cols[:n], "DISTINCT ON")
		if err != nil {
			return nil, err
		}
		if at < 0 {
			c.out.clause = "DISTINCT ON"
			k, err := c.out.typed(e)
			if err != nil {
				return nil, err
			}
			at = slices.IndexFunc(c.exprs, func(o *expr.Expr) bool { return logical.Equal(o, k) })
			if at < 0 {
				at = len(c.exprs)
				c.exprs = append(c.exprs, k)
			}
		}
		out = append(out, at)
	}
	return out, nil
}

// project computes set-returning functions and the outputs.
func (c *coreBinder) project() {
	b := c.b
	if len(c.windows.calls) > 0 {
		c.node = c.out.applyWithout(c.node, c.windows.cols())
		c.overWindows()
	}
	c.node = c.out.apply(c.node)
	if len(c.sets) > 0 {
		c.node = &logical.ProjectSet{Input: c.node, Funcs: c.sets}
	}
	pr := &logical.Project{Input: c.node}
	var have logical.ColSet
	for i, e := range c.exprs {
		id := 0
		if e.Op == expr.OpColumn {
			id = e.Col
		} else {
			name := "sort"
			if i < len(c.cols) {
				name = c.cols[i].name
			}
			id = b.meta.Add(name, e.Type)
			c.exprs[i] = b.meta.Ref(id)
		}
		if i < len(c.cols) {
			c.cols[i].id = id
		}
		if !have.Has(id) {
			have.Add(id)
			pr.Out = append(pr.Out, id)
			pr.Exprs = append(pr.Exprs, e)
		}
	}
	c.node = pr
}

// finish adds DISTINCT, order and limit.
func (c *coreBinder) finish(q *ast.Select, sort []sortKey, on []int) (*relation, error) {
	b := c.b
	keys := make([]logical.OrderKey, len(sort))
	for i, k := range sort {
		keys[i] = logical.OrderKey{Col: c.exprs[k.at].Col, Desc: k.desc, NullsFirst: k.nullsFirst}
	}
	r := &relation{node: c.node, cols: c.cols}
	switch {
	case len(on) > 0:
		var part logical.ColSet
		for _, at := range on {
			part.Add(c.exprs[at].Col)
		}
		for i, k := range sort {
			if i < len(on) && !part.Has(c.exprs[k.at].Col) {
				return nil, sqlerr.New(sqlerr.InvalidColumnReference,
					"SELECT DISTINCT ON expressions must match initial ORDER BY expressions").At(b.pos(c.core.DistinctOn[0]))
			}
		}
		one := expr.Const(types.Int8, types.Datum{I: 1})
		r.node = &logical.TopN{Input: r.node, Partition: part.List(), Order: keys, Limit: one}
	case c.core.Distinct:
		if err := c.hashable(); err != nil {
			return nil, err
		}
		r.node = &logical.Agg{Input: r.node, Group: logical.SetOf(r.ids()...).List()}
	}
	return r, b.limit(q, r, keys, c.scope)
}

// hashable refuses types without equality.
func (c *coreBinder) hashable() error {
	for _, e := range c.exprs {
		if e.Type.Kind == types.KindJSON {
			return sqlerr.New(sqlerr.UndefinedFunction, "could not identify an equality operator for type json").At(e.Pos)
		}
	}
	return nil
}
