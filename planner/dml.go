package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/parser"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// target is the table of a DML statement.
type target struct {
	d *catalog.Descriptor
	// alias is the name that its columns are qualified by.
	alias  string
	schema string
}

// verbs is what DML is called in messages.
var verbs = map[catalog.Action]string{
	catalog.ActionInsert: "insert into", catalog.ActionUpdate: "update", catalog.ActionDelete: "delete from", catalog.ActionTruncate: "truncate",
}

// target finds the table that a statement writes to.
func (b *binder) target(n *ast.Name, alias string, action catalog.Action) (*target, error) {
	if err := b.database(n); err != nil {
		return nil, err
	}
	name := catalog.Name{Schema: n.Schema, Name: n.Name}
	d := b.cat.Find(b.path, name)
	if d == nil {
		if v := b.p.opts.Virtuals.Find(b.path, name); v != nil {
			return nil, sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied: %q is a system catalog", v.Name).At(b.pos(n))
		}
	}
	d, err := b.cat.Relation(b.path, name)
	if err != nil {
		return nil, b.at(err, n)
	}
	if err := b.cat.Check(b.p.opts.User, action, d); err != nil {
		return nil, b.at(err, n)
	}
	switch d.Kind {
	case catalog.KindTable:
	case catalog.KindView:
		return nil, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "cannot %s view %q", verbs[action], d.Name).
			WithDetail("Views cannot be written to.").At(b.pos(n))
	default:
		return nil, sqlerr.New(sqlerr.WrongObjectType, "cannot change %s %q", d.Kind, d.Name).At(b.pos(n))
	}
	if d.Table.AppendOnly && action != catalog.ActionInsert {
		return nil, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "cannot %s append-only table %q", verbs[action], d.Name).At(b.pos(n))
	}
	t := &target{d: d, alias: alias}
	if alias == "" {
		t.alias = d.Name
		t.schema = b.cat.ByID(d.Schema).Name
	}
	b.use(d.ID, 0)
	return t, nil
}

// columnNo finds a table column's position by name.
func (t *target) columnNo(b *binder, c *ast.InsertColumn) (int, error) {
	if len(c.Indexes) > 0 {
		return 0, sqlerr.Unsupported("assignment to an array element", b.pos(c))
	}
	i := slices.IndexFunc(t.d.Table.Columns, func(k catalog.Column) bool { return k.Name == c.Name })
	if i < 0 {
		return 0, sqlerr.New(sqlerr.UndefinedColumn, "column %q of relation %q does not exist", c.Name, t.d.Name).At(b.pos(c))
	}
	b.use(t.d.ID, t.d.Table.Columns[i].ID)
	return i, nil
}

// named makes a scope table of the target's columns under given ids.
func (t *target) named(ids []logical.ColID, name, schema string) *scopeTable {
	st := &scopeTable{name: name, schema: schema, rel: t.d.ID}
	for i, c := range t.d.Table.Columns {
		st.cols = append(st.cols, &scopeCol{name: c.Name, id: ids[i], hidden: c.Hidden, table: t.d.ID, column: c.ID})
	}
	return st
}

// freshRow makes ids for a row of the target.
func (b *binder) freshRow(t *target) []logical.ColID {
	ids := make([]logical.ColID, len(t.d.Table.Columns))
	for i, c := range t.d.Table.Columns {
		ids[i] = b.meta.Add(c.Name, c.Type)
	}
	return ids
}

// localTo brings an expression over ids to their positions.
func (b *binder) localTo(e *expr.Expr, ids []logical.ColID) (*expr.Expr, error) {
	p := &builder{meta: b.meta}
	r := p.local(e, ids)
	return r, p.err
}

// defaultExpr is a column's default as an expression of the column's type.
func (b *binder) defaultExpr(c *catalog.Column) (*expr.Expr, error) {
	if c.Sequence != 0 {
		v, err := b.call("nextval", -1, expr.Const(types.RegClass, types.Datum{I: int64(c.Sequence)}))
		if err != nil {
			return nil, err
		}
		return b.coerce(v, c.Type, functions.Assignment)
	}
	if c.Default == "" {
		return expr.Null(c.Type), nil
	}
	return b.storedExpr(c.Default, &scope{}, func(e *expr.Expr) (*expr.Expr, error) { return b.assign(e, c.Type, c.Name) })
}

// storedExpr binds an expression of the catalog's.
func (b *binder) storedExpr(text string, s *scope, settle func(*expr.Expr) (*expr.Expr, error)) (*expr.Expr, error) {
	e, err := parser.ParseExpr(text)
	if err != nil {
		return nil, sqlerr.Internal("stored expression %q does not parse: %v", text, err)
	}
	b.viewDepth++
	defer func() { b.viewDepth-- }()
	x := &exprCtx{b: b, scope: s, clause: "DEFAULT expressions", noSubqueries: true}
	r, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	return settle(r)
}

// checks binds the table's CHECK constraints over a row in table order.
func (b *binder) checks(t *target) ([]Check, error) {
	var out []Check
	ids := b.freshRow(t)
	st := t.named(ids, t.d.Name, "")
	s := &scope{tables: []*scopeTable{st}, cols: st.cols}
	for i := range t.d.Table.Constraints {
		k := &t.d.Table.Constraints[i]
		if k.Kind != catalog.ConstraintCheck {
			continue
		}
		e, err := b.storedExpr(k.Check, s, func(e *expr.Expr) (*expr.Expr, error) { return b.boolean(e, "CHECK") })
		if err != nil {
			return nil, err
		}
		if e, err = b.localTo(e, ids); err != nil {
			return nil, err
		}
		out = append(out, Check{Name: k.Name, Expr: e})
	}
	return out, nil
}

// returning binds RETURNING over a scope; the expressions still hold column ids.
func (b *binder) returning(targets []ast.Target, s *scope) (*Returning, error) {
	if len(targets) == 0 {
		return nil, nil
	}
	c := &coreBinder{b: b, scope: s, core: &ast.SelectCore{Targets: targets}}
	c.out = &exprCtx{b: b, scope: s, clause: "RETURNING", noSubqueries: true}
	if err := c.targets(); err != nil {
		return nil, err
	}
	r := &Returning{}
	for i, e := range c.exprs {
		e, err := b.resolveUnknown(e)
		if err != nil {
			return nil, err
		}
		r.Exprs = append(r.Exprs, e)
		r.Fields = append(r.Fields, Field{Name: c.cols[i].name, Type: e.Type, Table: c.cols[i].table, Column: c.cols[i].column})
	}
	return r, nil
}

// place brings RETURNING's expressions to positions among ids.
func (r *Returning) place(b *binder, ids []logical.ColID) error {
	if r == nil {
		return nil
	}
	for i, e := range r.Exprs {
		l, err := b.localTo(e, ids)
		if err != nil {
			return err
		}
		r.Exprs[i] = l
	}
	return nil
}

// update plans UPDATE.
func (p *Planner) update(s *ast.Update, paramTypes []types.Type) (Planned, error) {
	b := p.newBinder(paramTypes)
	env, err := b.with(s.With, nil)
	if err != nil {
		return nil, err
	}
	w, err := b.writeScan(env, s.Table, s.From, s.Where, catalog.ActionUpdate)
	if err != nil {
		return nil, err
	}
	values, changed, err := b.assignments(w, s.Set)
	if err != nil {
		return nil, err
	}
	w.node = w.x.apply(w.node)
	cols := w.t.d.Table.Columns
	pr := passThrough(b.meta, w.node)
	fresh := make([]logical.ColID, len(cols))
	for i := range cols {
		fresh[i] = b.meta.Add(cols[i].Name, cols[i].Type)
		e := values[i]
		if e == nil {
			e = b.meta.Ref(w.old[i])
		}
		pr.Out, pr.Exprs = append(pr.Out, fresh[i]), append(pr.Exprs, e)
	}
	u := &Update{Table: w.t.d, Changed: changed}
	ids := slices.Concat(w.old, fresh)
	if u.Returning, ids, err = b.returningOver(s.Returning, w, fresh, ids); err != nil {
		return nil, err
	}
	if u.Checks, err = b.checks(w.t); err != nil {
		return nil, err
	}
	if u.Plan, err = b.writePlan(pr, ids, w, len(s.From) > 0); err != nil {
		return nil, err
	}
	u.Info, err = b.info("UPDATE")
	return u, err
}

// writeTarget is the rows that UPDATE or DELETE touches, with what is joined to them.
type writeTarget struct {
	t    *target
	old  []logical.ColID
	node logical.Node
	// scope is the target's and the other tables' names; others is the latter's.
	scope  *scope
	others []*scopeTable
	x      *exprCtx
}

// writeScan binds the table, FROM or USING, and WHERE.
func (b *binder) writeScan(env *scope, table *ast.TableName, from []ast.TableRef, where ast.Expr, action catalog.Action) (*writeTarget, error) {
	alias := ""
	if table.Alias != nil {
		alias = table.Alias.Name
	}
	t, err := b.target(&table.Name, alias, action)
	if err != nil {
		return nil, err
	}
	b.reads[t.d.ID] = true
	r, _ := b.scan(t.d)
	w := &writeTarget{t: t, old: r.ids()}
	st := t.named(w.old, t.alias, t.schema)
	left := &fromItem{node: r.node, scope: env.child()}
	left.scope.tables, left.scope.cols = []*scopeTable{st}, st.cols
	for _, it := range from {
		right, err := b.fromRef(it, env, left.scope)
		if err != nil {
			return nil, err
		}
		w.others = append(w.others, right.scope.tables...)
		if err := b.combine(left, right, physical.JoinInner, nil, b.pos(it)); err != nil {
			return nil, err
		}
	}
	w.scope, w.node = left.scope, left.node
	x := &exprCtx{b: b, scope: w.scope, clause: "WHERE"}
	preds, err := x.conjuncts(where, "WHERE")
	if err != nil {
		return nil, err
	}
	w.node = logical.Where(x.apply(w.node), logical.And(preds...))
	w.x = &exprCtx{b: b, scope: w.scope, clause: string(action)}
	return w, nil
}

// assignments binds SET: one expression per table column, nil where it stays.
func (b *binder) assignments(w *writeTarget, set []ast.Assignment) ([]*expr.Expr, []int, error) {
	out := make([]*expr.Expr, len(w.t.d.Table.Columns))
	var changed []int
	for i := range set {
		a := &set[i]
		values, err := b.assignedValues(w, a)
		if err != nil {
			return nil, nil, err
		}
		for k := range a.Columns {
			at, err := w.t.columnNo(b, &a.Columns[k])
			if err != nil {
				return nil, nil, err
			}
			c := &w.t.d.Table.Columns[at]
			if out[at] != nil {
				return nil, nil, sqlerr.New(sqlerr.SyntaxError, "multiple assignments to same column %q", c.Name).At(b.pos(&a.Columns[k]))
			}
			if out[at], err = b.assignOne(values[k], c, b.pos(&a.Columns[k])); err != nil {
				return nil, nil, err
			}
			changed = append(changed, at)
		}
	}
	slices.Sort(changed)
	return out, changed, nil
}

// isDefault marks the word DEFAULT among bound values.
var isDefault = &expr.Expr{}

// assignOne brings a value to a column, or takes its default.
func (b *binder) assignOne(v *expr.Expr, c *catalog.Column, pos int) (*expr.Expr, error) {
	if v == isDefault {
		return b.defaultExpr(c)
	}
	if c.Identity == "a" {
		return nil, sqlerr.New(sqlerr.GeneratedAlways, "column %q can only be updated to DEFAULT", c.Name).
			WithDetail("Column %q is an identity column defined as GENERATED ALWAYS.", c.Name).At(pos)
	}
	return b.assign(v, c.Type, c.Name)
}

// assignedValues binds the right side of one assignment, one value per column.
func (b *binder) assignedValues(w *writeTarget, a *ast.Assignment) ([]*expr.Expr, error) {
	list := []ast.Expr{a.Value}
	if a.Multi {
		switch v := a.Value.(type) {
		case *ast.Subquery:
			return w.x.scalar(v, v.Query, len(a.Columns))
		case *ast.Row:
			list = v.Args
		}
		if len(list) != len(a.Columns) {
			return nil, sqlerr.New(sqlerr.SyntaxError, "number of columns does not match number of values").At(b.pos(a))
		}
	}
	out := make([]*expr.Expr, len(list))
	for i, e := range list {
		if _, ok := e.(*ast.Default); ok {
			out[i] = isDefault
			continue
		}
		v, err := w.x.bind(e)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// returningOver binds RETURNING of UPDATE and DELETE: the target's columns are row's,
// and columns of other tables are added to the plan's output.
func (b *binder) returningOver(targets []ast.Target, w *writeTarget, row, ids []logical.ColID) (*Returning, []logical.ColID, error) {
	s := &scope{}
	st := w.t.named(row, w.t.alias, w.t.schema)
	s.tables, s.cols = append([]*scopeTable{st}, w.others...), slices.Clone(st.cols)
	for _, o := range w.others {
		s.cols = append(s.cols, o.cols...)
	}
	r, err := b.returning(targets, s)
	if err != nil || r == nil {
		return nil, ids, err
	}
	have := logical.SetOf(ids...)
	for _, e := range r.Exprs {
		for _, id := range logical.Refs(e).List() {
			if !have.Has(id) {
				have.Add(id)
				ids = append(ids, id)
			}
		}
	}
	return r, ids, r.place(b, ids)
}

// writePlan builds the plan of UPDATE or DELETE. Where other tables are joined, a
// target row that matches several times is taken once.
func (b *binder) writePlan(n logical.Node, ids []logical.ColID, w *writeTarget, joined bool) (*physical.Plan, error) {
	if joined {
		n = b.onceEach(n, w)
	}
	r := &relation{node: n}
	for i, id := range ids {
		name := b.meta.Name(id)
		if i >= len(w.old) && i < 2*len(w.old) {
			name = "new." + name
		}
		r.cols = append(r.cols, &scopeCol{name: name, id: id})
	}
	plan, _, err := b.finish(r)
	return plan, err
}

// onceEach keeps one match per target row: by its primary key, or, where equal rows
// may stand several times, by the whole row joined back with the table.
func (b *binder) onceEach(n logical.Node, w *writeTarget) logical.Node {
	one := expr.Const(types.Int8, types.Datum{I: 1})
	if pk := w.t.d.PrimaryKey(); pk != nil {
		t := &logical.TopN{Input: n, Limit: one}
		for _, id := range pk {
			t.Partition = append(t.Partition, w.old[slices.IndexFunc(w.t.d.Table.Columns, func(c catalog.Column) bool { return c.ID == id })])
		}
		return t
	}
	again, _ := b.scan(w.t.d)
	var on []*expr.Expr
	for i, c := range again.cols {
		on = append(on, logical.NotDistinct(b.meta.Ref(c.id), b.meta.Ref(w.old[i])))
	}
	return &logical.Join{Type: physical.JoinInner, Left: again.node, Right: &logical.TopN{Input: n, Partition: w.old, Limit: one}, On: logical.And(on...)}
}

// delete plans DELETE.
func (p *Planner) delete(s *ast.Delete, paramTypes []types.Type) (Planned, error) {
	b := p.newBinder(paramTypes)
	env, err := b.with(s.With, nil)
	if err != nil {
		return nil, err
	}
	w, err := b.writeScan(env, s.Table, s.Using, s.Where, catalog.ActionDelete)
	if err != nil {
		return nil, err
	}
	d := &Delete{Table: w.t.d}
	ids := slices.Clone(w.old)
	if d.Returning, ids, err = b.returningOver(s.Returning, w, w.old, ids); err != nil {
		return nil, err
	}
	if d.Plan, err = b.writePlan(w.node, ids, w, len(s.Using) > 0); err != nil {
		return nil, err
	}
	d.Info, err = b.info("DELETE")
	return d, err
}

// truncate plans TRUNCATE.
func (p *Planner) truncate(s *ast.Truncate) (Planned, error) {
	b := p.newBinder(nil)
	tr := &Truncate{}
	for i := range s.Tables {
		t, err := b.target(&s.Tables[i], "", catalog.ActionTruncate)
		if err != nil {
			return nil, err
		}
		tr.Tables = append(tr.Tables, t.d)
		if !s.RestartIdentity {
			continue
		}
		for _, u := range p.cat.Dependents(t.d.ID) {
			if u.Sequence != nil && u.Sequence.OwnedBy == t.d.ID {
				tr.Restart = append(tr.Restart, u)
			}
		}
	}
	var err error
	tr.Info, err = b.info("TRUNCATE TABLE")
	return tr, err
}
