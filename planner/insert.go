package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// insert plans INSERT.
func (p *Planner) insert(s *ast.Insert, paramTypes []types.Type) (Planned, error) {
	b := p.newBinder(paramTypes)
	env, err := b.with(s.With, nil)
	if err != nil {
		return nil, err
	}
	t, err := b.target(&s.Table, s.Alias, catalog.ActionInsert)
	if err != nil {
		return nil, err
	}
	at, err := b.insertColumns(t, s.Columns)
	if err != nil {
		return nil, err
	}
	r, err := b.insertSource(env, t, s, at)
	if err != nil {
		return nil, err
	}
	ins := &Insert{Table: t.d}
	if ins.Plan, err = b.insertPlan(t, r, at); err != nil {
		return nil, err
	}
	if ins.Checks, err = b.checks(t); err != nil {
		return nil, err
	}
	if s.OnConflict != nil {
		if ins.Conflict, err = b.conflict(t, s.OnConflict); err != nil {
			return nil, err
		}
	}
	row := b.freshRow(t)
	st := t.named(row, t.alias, t.schema)
	if ins.Returning, err = b.returning(s.Returning, &scope{tables: []*scopeTable{st}, cols: st.cols}); err != nil {
		return nil, err
	}
	if err = ins.Returning.place(b, row); err != nil {
		return nil, err
	}
	ins.Info, err = b.info("INSERT")
	return ins, err
}

// insertColumns gives the positions of the columns that are given, all visible ones
// by default.
func (b *binder) insertColumns(t *target, list []ast.InsertColumn) ([]int, error) {
	var at []int
	if len(list) == 0 {
		for i := range t.d.Table.Columns {
			if !t.d.Table.Columns[i].Hidden {
				at = append(at, i)
			}
		}
		return at, nil
	}
	for i := range list {
		k, err := t.columnNo(b, &list[i])
		if err != nil {
			return nil, err
		}
		if slices.Contains(at, k) {
			return nil, sqlerr.New(sqlerr.DuplicateColumn, "column %q specified more than once", list[i].Name).At(b.pos(&list[i]))
		}
		at = append(at, k)
	}
	return at, nil
}

// insertSource binds what is inserted; its columns have the types of the table's
// columns at. nil stands for DEFAULT VALUES.
func (b *binder) insertSource(env *scope, t *target, s *ast.Insert, at []int) (*relation, error) {
	if s.Source == nil {
		return nil, nil
	}
	q := s.Source
	if v, ok := q.Body.(*ast.Values); ok && q.With == nil && len(q.OrderBy) == 0 && q.Limit == nil && q.Offset == nil {
		return b.insertValues(env, t, s, v, at)
	}
	r, err := b.query(q, env, true)
	if err != nil {
		return nil, err
	}
	if err := b.insertWidth(s, len(r.cols), at, q); err != nil {
		return nil, err
	}
	to := make([]types.Type, len(r.cols))
	for i := range r.cols {
		c := &t.d.Table.Columns[at[i]]
		if c.Identity == "a" && s.Overriding == ast.OverridingNone {
			return nil, generatedAlways(c, -1)
		}
		to[i] = c.Type
		from := b.meta.Type(r.cols[i].id)
		if from.Kind == types.KindUnknown {
			continue
		}
		if _, ok := functions.FindCast(from, c.Type, functions.Assignment); !ok {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch, "column %q is of type %s but expression is of type %s",
				c.Name, functions.TypeName(c.Type), functions.TypeName(from)).
				WithHint("You will need to rewrite or cast the expression.").At(b.pos(q))
		}
	}
	if err := b.coerceCols(r, to, functions.Assignment); err != nil {
		return nil, err
	}
	return r, nil
}

// insertWidth checks the number of values given.
func (b *binder) insertWidth(s *ast.Insert, n int, at []int, node ast.Node) error {
	switch {
	case n > len(at):
		return sqlerr.New(sqlerr.SyntaxError, "INSERT has more expressions than target columns").At(b.pos(node))
	case n < len(at) && len(s.Columns) > 0:
		return sqlerr.New(sqlerr.SyntaxError, "INSERT has more target columns than expressions").At(b.pos(&s.Columns[n]))
	}
	return nil
}

func generatedAlways(c *catalog.Column, pos int) error {
	return sqlerr.New(sqlerr.GeneratedAlways, "cannot insert a non-DEFAULT value into column %q", c.Name).
		WithDetail("Column %q is an identity column defined as GENERATED ALWAYS.", c.Name).
		WithHint("Use OVERRIDING SYSTEM VALUE to override.").At(pos)
}

// insertValues binds VALUES, each value straight to its column's type.
func (b *binder) insertValues(env *scope, t *target, s *ast.Insert, v *ast.Values, at []int) (*relation, error) {
	x := &exprCtx{b: b, scope: env, clause: "VALUES"}
	n := len(v.Rows[0])
	rows := make([][]*expr.Expr, len(v.Rows))
	for i, row := range v.Rows {
		if len(row) != n {
			return nil, sqlerr.New(sqlerr.SyntaxError, "VALUES lists must all be the same length").At(b.pos(row[0]))
		}
		if n > len(at) {
			return nil, sqlerr.New(sqlerr.SyntaxError, "INSERT has more expressions than target columns").At(b.pos(row[len(at)]))
		}
		if err := b.insertWidth(s, n, at, row[n-1]); err != nil {
			return nil, err
		}
		rows[i] = make([]*expr.Expr, n)
		for k, e := range row {
			c := &t.d.Table.Columns[at[k]]
			var err error
			if rows[i][k], err = b.insertValue(x, e, c, s.Overriding); err != nil {
				return nil, err
			}
		}
	}
	r := &relation{}
	vals := &logical.Values{Rows: rows}
	for k := range n {
		c := &t.d.Table.Columns[at[k]]
		id := b.meta.Add(c.Name, c.Type)
		vals.Out = append(vals.Out, id)
		r.cols = append(r.cols, &scopeCol{name: c.Name, id: id})
	}
	r.node = vals
	if len(x.pending) > 0 || hasColumns(rows) {
		r.node = b.rowByRow(x, vals)
	}
	return r, nil
}

// insertValue binds one value of VALUES, DEFAULT among them.
func (b *binder) insertValue(x *exprCtx, e ast.Expr, c *catalog.Column, over ast.Overriding) (*expr.Expr, error) {
	if _, ok := e.(*ast.Default); ok {
		return b.defaultExpr(c)
	}
	if c.Identity == "a" && over == ast.OverridingNone {
		return nil, generatedAlways(c, b.pos(e))
	}
	if c.Identity != "" && over == ast.OverridingUserValue {
		return b.defaultExpr(c)
	}
	v, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	return b.assign(v, c.Type, c.Name)
}

// insertPlan completes rows with defaults, in table order.
func (b *binder) insertPlan(t *target, src *relation, at []int) (*physical.Plan, error) {
	pr := &logical.Project{Input: logical.Unit()}
	ordered := false
	if src != nil {
		pr.Input = src.node
		ordered = src.ordered
	}
	r := &relation{node: pr, ordered: ordered}
	for i := range t.d.Table.Columns {
		c := &t.d.Table.Columns[i]
		k := slices.Index(at, i)
		var e *expr.Expr
		var err error
		if src != nil && k >= 0 && k < len(src.cols) {
			e = b.meta.Ref(src.cols[k].id)
		} else if e, err = b.defaultExpr(c); err != nil {
			return nil, err
		}
		id := b.meta.Add(c.Name, c.Type)
		pr.Out, pr.Exprs = append(pr.Out, id), append(pr.Exprs, e)
		r.cols = append(r.cols, &scopeCol{name: c.Name, id: id})
	}
	plan, _, err := b.finish(r)
	return plan, err
}

// conflict binds ON CONFLICT.
func (b *binder) conflict(t *target, oc *ast.OnConflict) (*Conflict, error) {
	c := &Conflict{DoNothing: oc.DoNothing}
	var err error
	if c.Keys, err = b.arbiters(t, oc); err != nil {
		return nil, err
	}
	if oc.DoNothing {
		return c, nil
	}
	if c.Keys == nil {
		return nil, sqlerr.New(sqlerr.SyntaxError, "ON CONFLICT DO UPDATE requires inference specification or constraint name").
			WithHint("For example, ON CONFLICT (column_name).").At(b.pos(oc))
	}
	old, excluded := b.freshRow(t), b.freshRow(t)
	w := &writeTarget{t: t, old: old}
	st, ex := t.named(old, t.alias, t.schema), t.named(excluded, "excluded", "")
	w.scope = &scope{tables: []*scopeTable{st, ex}, cols: st.cols}
	w.x = &exprCtx{b: b, scope: w.scope, clause: "ON CONFLICT DO UPDATE", noSubqueries: true}
	values, _, err := b.assignments(w, oc.Set)
	if err != nil {
		return nil, err
	}
	ids := slices.Concat(old, excluded)
	for i, v := range values {
		if v == nil {
			v = b.meta.Ref(old[i])
		}
		if v, err = b.localTo(v, ids); err != nil {
			return nil, err
		}
		c.Set = append(c.Set, v)
	}
	if oc.SetWhere != nil {
		w.x.clause = "WHERE"
		pred, err := w.x.cond(oc.SetWhere, "WHERE")
		if err != nil {
			return nil, err
		}
		if c.Where, err = b.localTo(pred, ids); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// arbiters finds the unique keys that ON CONFLICT names; nil if it names none.
func (b *binder) arbiters(t *target, oc *ast.OnConflict) ([][]int, error) {
	position := func(id int) int {
		return slices.IndexFunc(t.d.Table.Columns, func(c catalog.Column) bool { return c.ID == id })
	}
	if oc.Constraint != "" {
		k := t.d.Constraint(oc.Constraint)
		if k == nil || k.Kind == catalog.ConstraintCheck {
			return nil, sqlerr.New(sqlerr.UndefinedObject, "constraint %q for table %q does not exist", oc.Constraint, t.d.Name).At(b.pos(oc))
		}
		var key []int
		for _, id := range k.Columns {
			key = append(key, position(id))
		}
		return [][]int{key}, nil
	}
	if len(oc.Target) == 0 {
		return nil, nil
	}
	if oc.Where != nil {
		return nil, sqlerr.Unsupported("ON CONFLICT with a partial index", b.pos(oc))
	}
	var want []int
	for i := range oc.Target {
		e := &oc.Target[i]
		if e.Expr != nil {
			return nil, sqlerr.Unsupported("ON CONFLICT with an expression", b.pos(e))
		}
		at, err := t.columnNo(b, &ast.InsertColumn{Pos: e.Pos, Name: e.Column})
		if err != nil {
			return nil, err
		}
		if !slices.Contains(want, at) {
			want = append(want, at)
		}
	}
	var out [][]int
	for _, ix := range b.cat.Indexes(t.d.ID) {
		if !ix.Index.Unique || len(ix.Index.Columns) != len(want) {
			continue
		}
		var key []int
		for _, c := range ix.Index.Columns {
			if at := position(c.Column); slices.Contains(want, at) {
				key = append(key, at)
			}
		}
		if len(key) == len(want) {
			out = append(out, key)
		}
	}
	if out == nil {
		return nil, sqlerr.New(sqlerr.InvalidColumnReference, "there is no unique or exclusion constraint matching the ON CONFLICT specification").At(b.pos(oc))
	}
	return out, nil
}

// copyStatement plans COPY in either direction.
func (p *Planner) copyStatement(s *ast.Copy, paramTypes []types.Type) (Planned, error) {
	if s.From {
		return p.copyIn(s)
	}
	if s.Query != nil {
		planned, err := p.Statement(s.Query, paramTypes)
		if err != nil {
			return nil, err
		}
		return planned, nil
	}
	core := &ast.SelectCore{Pos: s.Pos, From: []ast.TableRef{&ast.TableName{Pos: s.Table.Pos, Name: *s.Table}}}
	if len(s.Columns) == 0 {
		core.Targets = []ast.Target{{Pos: s.Pos, Expr: &ast.Star{Pos: s.Pos}}}
	}
	for i := range s.Columns {
		c := &s.Columns[i]
		core.Targets = append(core.Targets, ast.Target{Pos: c.Pos, Expr: &ast.ColumnRef{Pos: c.Pos, Parts: []string{c.Name}}})
	}
	d, err := p.cat.Relation(p.path, catalog.Name{Schema: s.Table.Schema, Name: s.Table.Name})
	if err == nil && d.Kind == catalog.KindView {
		return nil, sqlerr.New(sqlerr.WrongObjectType, "cannot copy from view %q", d.Name).
			WithHint("Try the COPY (SELECT ...) TO variant.").At(s.Table.Loc())
	}
	q, err := p.selectStatement(&ast.Select{Pos: s.Pos, Body: core}, paramTypes)
	if err != nil {
		return nil, err
	}
	q.Tag = "COPY"
	return q, nil
}

// copyIn plans COPY table FROM.
func (p *Planner) copyIn(s *ast.Copy) (Planned, error) {
	b := p.newBinder(nil)
	b.noParams = "COPY"
	t, err := b.target(s.Table, "", catalog.ActionInsert)
	if err != nil {
		return nil, err
	}
	at, err := b.insertColumns(t, s.Columns)
	if err != nil {
		return nil, err
	}
	c := &CopyIn{Table: t.d}
	for _, i := range at {
		col := &t.d.Table.Columns[i]
		c.Fields = append(c.Fields, Field{Name: col.Name, Type: col.Type, Table: t.d.ID, Column: col.ID})
	}
	for i := range t.d.Table.Columns {
		col := &t.d.Table.Columns[i]
		if k := slices.Index(at, i); k >= 0 {
			c.Row = append(c.Row, expr.Column(k, col.Type))
			continue
		}
		e, err := b.defaultExpr(col)
		if err != nil {
			return nil, err
		}
		c.Row = append(c.Row, e)
	}
	if c.Checks, err = b.checks(t); err != nil {
		return nil, err
	}
	if s.Where != nil {
		row := b.freshRow(t)
		st := t.named(row, t.d.Name, "")
		x := &exprCtx{b: b, scope: &scope{tables: []*scopeTable{st}, cols: st.cols}, clause: "COPY FROM WHERE conditions", noSubqueries: true}
		e, err := x.cond(s.Where, "WHERE")
		if err != nil {
			return nil, err
		}
		if c.Where, err = b.localTo(e, row); err != nil {
			return nil, err
		}
	}
	c.Info, err = b.info("COPY")
	return c, err
}
