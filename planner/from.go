package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/parser"
	"streamdb/sql/sqlerr"
)

// fromItem is a bound item of FROM: a node and the names it brings.
type fromItem struct {
	node  logical.Node
	scope *scope
}

// fromList binds a comma list; each item sees those before it if it is lateral.
func (b *binder) fromList(items []ast.TableRef, env *scope) (*fromItem, error) {
	left := &fromItem{scope: env.child()}
	for _, it := range items {
		right, err := b.fromRef(it, env, left.scope)
		if err != nil {
			return nil, err
		}
		if err := b.combine(left, right, physical.JoinInner, nil, b.pos(it)); err != nil {
			return nil, err
		}
	}
	if left.node == nil {
		left.node = logical.Unit()
	}
	return left, nil
}

// combine joins right to left and adds its names.
func (b *binder) combine(left, right *fromItem, t physical.JoinType, on *expr.Expr, pos int) error {
	if err := left.scope.addTables(pos, right.scope.tables); err != nil {
		return err
	}
	left.scope.cols = append(left.scope.cols, right.scope.cols...)
	if left.node == nil {
		left.node = right.node
		return nil
	}
	n, err := b.join(t, left.node, right.node, on, pos)
	left.node = n
	return err
}

// join makes a join, or an apply where the right side uses columns of the left.
func (b *binder) join(t physical.JoinType, l, r logical.Node, on *expr.Expr, pos int) (logical.Node, error) {
	if !logical.FreeCols(r).Intersects(logical.SetOf(l.Cols()...)) {
		return &logical.Join{Type: t, Left: l, Right: r, On: on}, nil
	}
	if t != physical.JoinInner && t != physical.JoinLeft {
		return nil, sqlerr.New(sqlerr.InvalidColumnReference, "invalid reference to FROM-clause entry").
			WithDetail("The combining JOIN type must be INNER or LEFT for a LATERAL reference.").At(pos)
	}
	return &logical.Apply{Type: t, Left: l, Right: r, On: on}, nil
}

// fromRef binds one item. outer is the scope around FROM, siblings what a lateral item
// may see too.
func (b *binder) fromRef(t ast.TableRef, outer, siblings *scope) (*fromItem, error) {
	switch t := t.(type) {
	case *ast.TableName:
		return b.tableName(t, outer)
	case *ast.SubqueryRef:
		env := outer
		if t.Lateral {
			env = siblings
		}
		b.wantFields = true
		r, err := b.query(t.Query, env, false)
		if err != nil {
			return nil, err
		}
		r.node = dropSort(r.node)
		return b.item(r, "", t.Alias, outer, b.pos(t))
	case *ast.FuncRef:
		return b.funcRef(t, outer, siblings)
	case *ast.WindowTVF:
		return b.windowTVF(t, outer)
	case *ast.Join:
		return b.joinRef(t, outer, siblings)
	}
	return nil, sqlerr.Unsupported("this item of FROM", b.pos(t))
}

// item makes an item of a relation.
func (b *binder) item(r *relation, name string, alias *ast.Alias, outer *scope, pos int) (*fromItem, error) {
	t, err := r.asTable(name, alias, pos)
	if err != nil {
		return nil, err
	}
	s := outer.child()
	s.tables, s.cols = []*scopeTable{t}, t.cols
	return &fromItem{node: r.node, scope: s}, nil
}

// tableName binds a WITH query, view, table or virtual relation.
func (b *binder) tableName(t *ast.TableName, outer *scope) (*fromItem, error) {
	if t.AsOf != nil && b.asOf != t {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "FOR SYSTEM_TIME AS OF is only supported for the right side of a join").At(b.pos(t.AsOf))
	}
	if t.Name.Schema == "" {
		if c := outer.findCTE(t.Name.Name); c != nil {
			return b.item(b.reference(c), c.name, t.Alias, outer, b.pos(t))
		}
	}
	if err := b.database(&t.Name); err != nil {
		return nil, err
	}
	r, st, err := b.relationOrLate(t)
	if err != nil {
		return nil, err
	}
	it, err := b.item(r, t.Name.Name, t.Alias, outer, b.pos(t))
	if err != nil {
		return nil, err
	}
	if b.noting() {
		b.notes.tables[t] = st.rel
	}
	tab := it.scope.tables[0]
	tab.rel, tab.key = st.rel, st.key
	if t.Alias == nil {
		tab.schema = st.schema
	}
	return it, nil
}

// database refuses the name of another database.
func (b *binder) database(n *ast.Name) error {
	if n.Catalog != "" && n.Catalog != b.p.opts.Database {
		return sqlerr.New(sqlerr.FeatureNotSupported, "cross-database references are not implemented: \"%s.%s.%s\"",
			n.Catalog, n.Schema, n.Name).At(b.pos(n))
	}
	return nil
}

// relation reads a named relation.
func (b *binder) relation(name *ast.Name) (*relation, *scopeTable, error) {
	n := catalog.Name{Schema: name.Schema, Name: name.Name}
	d := b.cat.Find(b.path, n)
	if d == nil || d.Schema == catalog.PgCatalogID {
		if v := b.p.opts.Virtuals.Find(b.path, n); v != nil {
			return b.virtual(v, b.pos(name))
		}
	}
	d, err := b.cat.Relation(b.path, n)
	if err != nil {
		return nil, nil, b.at(err, name)
	}
	if err := b.cat.Check(b.p.opts.User, catalog.ActionSelect, d); err != nil {
		return nil, nil, b.at(err, name)
	}
	b.use(d.ID, 0)
	if d.View != nil {
		return b.view(d, name)
	}
	if d.Kind == catalog.KindSource && !b.maintained && !b.definition {
		return nil, nil, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "source %q keeps no rows to select from", d.Name).
			WithHint("Create a materialized view over it, or a table with the same connector.").At(b.pos(name))
	}
	b.reads[d.ID] = true
	r, st := b.scan(d)
	if d.Table != nil && len(d.Table.Watermarks) > 0 {
		b.marked[d.ID] = true
		if b.lateness > 0 {
			b.corrected(d, r, st)
		}
	}
	return r, st, nil
}

// scan reads all columns of a stored relation.
func (b *binder) scan(d *catalog.Descriptor) (*relation, *scopeTable) {
	sc := &logical.Scan{Rel: d, Name: d.Name}
	r := &relation{node: sc}
	st := &scopeTable{rel: d.ID}
	if s := b.cat.ByID(d.Schema); s != nil {
		st.schema = s.Name
	}
	for _, c := range d.Columns() {
		id := b.meta.Add(c.Name, c.Type)
		sc.Out = append(sc.Out, id)
		sc.ColumnIDs = append(sc.ColumnIDs, c.ID)
		r.cols = append(r.cols, &scopeCol{name: c.Name, id: id, hidden: c.Hidden, table: d.ID, column: c.ID})
	}
	for _, k := range d.PrimaryKey() {
		st.key = append(st.key, sc.Out[slices.Index(sc.ColumnIDs, k)])
	}
	return r, st
}

// virtual reads a relation that the server computes.
func (b *binder) virtual(v *catalog.Virtual, pos int) (*relation, *scopeTable, error) {
	if b.maintained {
		return nil, nil, sqlerr.Unsupported("catalog relation "+v.FullName()+" in a maintained query", pos)
	}
	sc := &logical.Scan{Virtual: v, Name: v.Name}
	r := &relation{node: sc}
	for _, c := range v.Columns {
		id := b.meta.Add(c.Name, c.Type)
		sc.Out = append(sc.Out, id)
		sc.ColumnIDs = append(sc.ColumnIDs, c.ID)
		r.cols = append(r.cols, &scopeCol{name: c.Name, id: id, hidden: c.Hidden})
	}
	return r, &scopeTable{rel: v.ID, schema: v.Schema}, nil
}

// view expands a view's query under the search path it was made with.
func (b *binder) view(d *catalog.Descriptor, name *ast.Name) (*relation, *scopeTable, error) {
	if b.viewDepth >= viewDepthMax {
		return nil, nil, sqlerr.New(sqlerr.StatementTooComplex, "views are nested too deep").At(b.pos(name))
	}
	q, err := parser.ParseQuery(d.View.Query)
	if err != nil {
		return nil, nil, sqlerr.Internal("the text of view %q does not parse: %v", d.Name, err)
	}
	path, noParams := b.path, b.noParams
	b.path, b.noParams = d.View.SearchPath, "view"
	b.viewDepth++
	r, err := b.query(q, nil, false)
	b.viewDepth--
	b.path, b.noParams = path, noParams
	if err != nil {
		return nil, nil, err
	}
	r.node = dropSort(r.node)
	out := &relation{node: r.node}
	for i, c := range d.View.Columns {
		if i >= len(r.cols) {
			return nil, nil, sqlerr.Internal("view %q has lost columns", d.Name)
		}
		out.cols = append(out.cols, &scopeCol{name: c.Name, id: r.cols[i].id, hidden: c.Hidden, table: d.ID, column: c.ID})
	}
	st := &scopeTable{rel: d.ID}
	if s := b.cat.ByID(d.Schema); s != nil {
		st.schema = s.Name
	}
	return out, st, nil
}

// joinRef binds a JOIN b.
func (b *binder) joinRef(j *ast.Join, outer, siblings *scope) (*fromItem, error) {
	l, err := b.fromRef(j.Left, outer, siblings)
	if err != nil {
		return nil, err
	}
	// The right side sees the left if it is lateral, and what the whole join sees.
	see := siblings.child()
	see.tables, see.cols = l.scope.tables, l.scope.cols
	timed, err := b.timeJoinOf(j)
	if err != nil {
		return nil, err
	}
	r, err := b.fromRef(j.Right, outer, see)
	if err != nil {
		return nil, err
	}
	t := map[ast.JoinType]physical.JoinType{
		ast.InnerJoin: physical.JoinInner, ast.LeftJoin: physical.JoinLeft, ast.RightJoin: physical.JoinRight,
		ast.FullJoin: physical.JoinFull, ast.CrossJoin: physical.JoinInner,
	}[j.Type]
	using := j.Using
	if j.Natural {
		using = commonNames(l.scope, r.scope)
	}
	if timed != nil {
		return timed.bind(t, l, r, outer)
	}
	if len(using) > 0 {
		return b.joinUsing(j, t, l, r, using)
	}
	return b.joinOn(j, t, l, r, outer)
}

// joinOn joins by a condition.
func (b *binder) joinOn(j *ast.Join, t physical.JoinType, l, r *fromItem, outer *scope) (*fromItem, error) {
	both := outer.child()
	both.tables = slices.Concat(l.scope.tables, r.scope.tables)
	both.cols = slices.Concat(l.scope.cols, r.scope.cols)
	x := &exprCtx{b: b, scope: both, clause: "JOIN conditions"}
	preds, err := x.conjuncts(j.On, "JOIN/ON")
	if err != nil {
		return nil, err
	}
	if len(x.pending) > 0 {
		return b.joinWithSubquery(j, t, l, r, x, preds)
	}
	if err := b.combine(l, r, t, logical.And(preds...), b.pos(j)); err != nil {
		return nil, err
	}
	return b.aliasJoin(j, l)
}

// joinWithSubquery is a join whose condition holds subqueries: a filter over the
// product, which only an inner join allows.
func (b *binder) joinWithSubquery(j *ast.Join, t physical.JoinType, l, r *fromItem, x *exprCtx, preds []*expr.Expr) (*fromItem, error) {
	if t != physical.JoinInner {
		return nil, sqlerr.Unsupported("a subquery in the condition of an outer join", b.pos(j))
	}
	if err := b.combine(l, r, t, nil, b.pos(j)); err != nil {
		return nil, err
	}
	l.node = logical.Where(x.apply(l.node), logical.And(preds...))
	return b.aliasJoin(j, l)
}

// aliasJoin is (a JOIN b …) AS alias.
func (b *binder) aliasJoin(j *ast.Join, it *fromItem) (*fromItem, error) {
	if j.Alias == nil {
		return it, nil
	}
	r := &relation{node: it.node, cols: it.scope.cols}
	return b.item(r, "", j.Alias, it.scope.parent, b.pos(j))
}

// commonNames is the column names that NATURAL joins by.
func commonNames(l, r *scope) []string {
	var out []string
	for _, c := range visible(l.cols) {
		if slices.ContainsFunc(visible(r.cols), func(o *scopeCol) bool { return o.name == c.name }) && !slices.Contains(out, c.name) {
			out = append(out, c.name)
		}
	}
	return out
}

// joinUsing joins by columns of the same name, which appear once in the result.
func (b *binder) joinUsing(j *ast.Join, t physical.JoinType, l, r *fromItem, using []string) (*fromItem, error) {
	var on []*expr.Expr
	var merged []*scopeCol
	type pair struct{ l, r *scopeCol }
	var pairs []pair
	for _, name := range using {
		lc, err := b.usingColumn(l.scope, name, "left", j)
		if err != nil {
			return nil, err
		}
		rc, err := b.usingColumn(r.scope, name, "right", j)
		if err != nil {
			return nil, err
		}
		eq, err := b.equal(b.meta.Ref(lc.id), b.meta.Ref(rc.id), b.pos(j))
		if err != nil {
			return nil, err
		}
		on = append(on, eq)
		pairs = append(pairs, pair{lc, rc})
	}
	lcols, rcols := l.scope.cols, r.scope.cols
	if err := b.combine(l, r, t, logical.And(on...), b.pos(j)); err != nil {
		return nil, err
	}
	var pr *logical.Project
	for _, p := range pairs {
		c := *p.l
		lt, rt := b.meta.Type(p.l.id), b.meta.Type(p.r.id)
		switch {
		case t == physical.JoinFull || lt.Base() != rt.Base():
			list, ct, err := b.common("JOIN/USING", []*expr.Expr{b.meta.Ref(p.l.id), b.meta.Ref(p.r.id)})
			if err != nil {
				return nil, err
			}
			if pr == nil {
				pr = passThrough(b.meta, l.node)
			}
			e := list[0]
			if t == physical.JoinRight {
				e = list[1]
			} else if t == physical.JoinFull {
				e = &expr.Expr{Op: expr.OpCoalesce, Type: ct, Args: list, Pos: -1}
			}
			c = scopeCol{name: c.name, id: b.meta.Add(c.name, ct)}
			pr.Out, pr.Exprs = append(pr.Out, c.id), append(pr.Exprs, e)
		case t == physical.JoinRight:
			c = *p.r
		}
		merged = append(merged, &c)
	}
	if pr != nil {
		l.node = pr
	}
	rest := func(cols []*scopeCol) []*scopeCol {
		return slices.DeleteFunc(slices.Clone(cols), func(c *scopeCol) bool { return slices.Contains(using, c.name) })
	}
	l.scope.cols = slices.Concat(merged, rest(lcols), rest(rcols))
	if j.UsingAlias != "" {
		l.scope.tables = append(l.scope.tables, &scopeTable{name: j.UsingAlias, cols: merged})
	}
	return b.aliasJoin(j, l)
}

// usingColumn finds a column of USING in one side.
func (b *binder) usingColumn(s *scope, name, side string, j *ast.Join) (*scopeCol, error) {
	var hit *scopeCol
	for _, c := range s.cols {
		if c.name != name {
			continue
		}
		if hit != nil {
			return nil, sqlerr.New(sqlerr.AmbiguousColumn, "common column name %q appears more than once in %s table", name, side).At(b.pos(j))
		}
		hit = c
	}
	if hit == nil {
		return nil, sqlerr.New(sqlerr.UndefinedColumn, "column %q specified in USING clause does not exist in %s table", name, side).At(b.pos(j))
	}
	if hit.table != 0 {
		b.use(hit.table, hit.column)
		if b.noting() {
			b.notes.using = append(b.notes.using, *hit)
		}
	}
	return hit, nil
}
