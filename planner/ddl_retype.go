package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/parser"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// alterType plans ALTER COLUMN TYPE: all rows of the table are written anew, see rewriteRows.
func (t *tableBuilder) alterType(old *catalog.Descriptor, a *ast.SetColumnType) error {
	col, err := t.column(a.Column, a.Loc())
	if err != nil {
		return err
	}
	if old.ColumnByID(col.ID) == nil {
		return sqlerr.Unsupported("ALTER COLUMN TYPE of a column that the same statement adds", a.Loc())
	}
	to, err := t.b.typeName(a.Type)
	if err != nil {
		return err
	}
	switch to.Kind {
	case types.KindUnknown, types.KindVoid, types.KindRecord:
		return sqlerr.New(sqlerr.InvalidTableDefinition, "column %q has pseudo-type %s", a.Column, functions.TypeName(to)).At(a.Loc())
	}
	if err := t.readByNobody(old, col, a.Loc()); err != nil {
		return err
	}
	if err := t.retypable(col, to, a); err != nil {
		return err
	}
	col.Type, col.Missing = to, nil
	if t.retyped == nil {
		t.retyped = map[int]*ast.SetColumnType{}
	}
	t.retyped[col.ID] = a
	for i := range t.d.Table.Constraints {
		if k := &t.d.Table.Constraints[i]; k.Check != "" && slices.Contains(k.Columns, col.ID) {
			if _, err := t.boundCheck(k); err != nil {
				return err
			}
		}
	}
	return nil
}

// readByNobody refuses to change the type of a column under a view, and any column's under what is maintained: the
// table's rows are written anew, which its readers would take for changes.
func (t *tableBuilder) readByNobody(old *catalog.Descriptor, col *catalog.Column, pos int) error {
	for _, u := range t.cat.Dependents(old.ID) {
		for _, dep := range u.Deps {
			if (u.View != nil || u.Query() != nil) && dep.On == old.ID && slices.Contains(dep.Columns, col.ID) {
				return sqlerr.New(sqlerr.FeatureNotSupported, "cannot alter type of a column used by a view or rule").
					WithDetail("%s depends on column %q.", t.cat.Describe(t.p.path, u), col.Name).At(pos)
			}
		}
	}
	if u := t.maintainedOver(old.ID, nil); u != nil {
		return sqlerr.New(sqlerr.FeatureNotSupported, "cannot alter the type of a column of a table that %s reads", t.cat.Describe(t.p.path, u)).
			WithHint("Drop it first, or copy the table.").At(pos)
	}
	return nil
}

// maintainedOver finds a materialized view or sink that reads a relation, through views too, but for those in gone.
func (c *ddlCtx) maintainedOver(id catalog.ID, gone map[catalog.ID]bool) *catalog.Descriptor {
	for _, u := range c.cat.Dependents(id) {
		switch {
		case gone[u.ID]:
		case u.Query() != nil:
			return u
		case u.View != nil:
			if m := c.maintainedOver(u.ID, gone); m != nil {
				return m
			}
		}
	}
	return nil
}

// retypable checks what hangs on the column: default, sequence, watermark, indexes.
func (t *tableBuilder) retypable(col *catalog.Column, to types.Type, a *ast.SetColumnType) error {
	if (col.Sequence != 0 || col.Identity != "") && !to.IsInteger() && col.Identity != "" {
		return sqlerr.New(sqlerr.InvalidParameterValue, "identity column type must be smallint, integer, or bigint").At(a.Loc())
	}
	if w := t.d.Table.WatermarkOf(col.ID); w != nil && to.Kind != types.KindTimestamp && to.Kind != types.KindTimestampTZ {
		return sqlerr.New(sqlerr.DatatypeMismatch, "a watermark column must be of type timestamp or timestamptz, not %s", functions.TypeName(to)).At(a.Loc())
	}
	for _, x := range t.cat.Indexes(t.d.ID) {
		if to.Kind == types.KindJSON && slices.ContainsFunc(x.Index.Columns, func(c catalog.IndexColumn) bool { return c.Column == col.ID }) {
			return sqlerr.New(sqlerr.UndefinedObject, "data type json has no default operator class for access method \"btree\"").At(a.Loc())
		}
	}
	if col.Default == "" {
		return nil
	}
	e, err := parser.ParseExpr(col.Default)
	if err != nil {
		return err
	}
	x := &exprCtx{b: t.b, scope: &scope{}, clause: "DEFAULT expressions", noSubqueries: true}
	v, err := x.typed(e)
	if err != nil {
		return err
	}
	if _, ok := functions.FindCast(v.Type, to, functions.Assignment); !ok {
		return sqlerr.New(sqlerr.DatatypeMismatch, "default for column %q cannot be cast automatically to type %s", col.Name, functions.TypeName(to)).At(a.Loc())
	}
	return nil
}

// boundCheck binds a check over the table's columns as they are now.
func (t *tableBuilder) boundCheck(k *catalog.Constraint) (*expr.Expr, error) {
	e, err := parser.ParseExpr(k.Check)
	if err != nil {
		return nil, err
	}
	s, _ := t.scope()
	x := &exprCtx{b: t.b, scope: s, clause: "check constraints", noSubqueries: true}
	return x.cond(e, "CHECK")
}

// rewriteRows plans the rows of a table with retyped columns, and checks that they keep its constraints. They replace
// those that are there.
func (t *tableBuilder) rewriteRows(old *catalog.Descriptor) error {
	b, r, _, err := t.converted(old)
	if err != nil {
		return err
	}
	if t.out.Fill, _, err = b.finish(r); err != nil {
		return err
	}
	t.out.Rewrite = true
	for i := range t.d.Table.Columns {
		col := &t.d.Table.Columns[i]
		if t.retyped[col.ID] == nil || !col.NotNull {
			continue
		}
		err := t.refuseConverted(old, func(b *binder, s *scope) (*expr.Expr, error) {
			c, err := s.findBare(col.Name, -1)
			if err != nil {
				return nil, err
			}
			return logical.IsNull(b.meta.Ref(c.id)), nil
		}, sqlerr.New(sqlerr.NotNullViolation, "column %q of relation %q contains null values", col.Name, t.d.Name))
		if err != nil {
			return err
		}
	}
	for i := range t.d.Table.Constraints {
		k := &t.d.Table.Constraints[i]
		if k.Check == "" || !slices.ContainsFunc(k.Columns, func(id int) bool { return t.retyped[id] != nil }) {
			continue
		}
		err := t.refuseConverted(old, func(b *binder, s *scope) (*expr.Expr, error) {
			e, err := parser.ParseExpr(k.Check)
			if err != nil {
				return nil, err
			}
			c, err := (&exprCtx{b: b, scope: s, clause: "check constraints", noSubqueries: true}).cond(e, "CHECK")
			if err != nil {
				return nil, err
			}
			return &expr.Expr{Op: expr.OpIsFalse, Type: types.Bool, Args: []*expr.Expr{c}, Pos: -1}, nil
		}, sqlerr.New(sqlerr.CheckViolation, "check constraint %q of relation %q is violated by some row", k.Name, t.d.Name).WithConstraint(k.Name))
		if err != nil {
			return err
		}
	}
	return nil
}

// refuseConverted refuses converted rows for which cond is true.
func (t *tableBuilder) refuseConverted(old *catalog.Descriptor, cond func(*binder, *scope) (*expr.Expr, error), e *sqlerr.Error) error {
	b, r, s, err := t.converted(old)
	if err != nil {
		return err
	}
	c, err := cond(b, s)
	if err != nil {
		return err
	}
	return t.validate(b, logical.Where(r.node, c), nil, e)
}

// converted is the rows of a table with its retyped columns converted.
func (t *tableBuilder) converted(old *catalog.Descriptor) (*binder, *relation, *scope, error) {
	b := t.p.newBinder(nil)
	b.noParams = "DDL"
	b.reads[old.ID] = true
	in, _ := b.scan(old)
	from := &scope{cols: in.cols, tables: []*scopeTable{{name: old.Name, cols: in.cols, rel: old.ID}}}
	pr := &logical.Project{Input: in.node}
	out := &relation{node: pr}
	for i := range t.d.Table.Columns {
		col := &t.d.Table.Columns[i]
		at := slices.IndexFunc(in.cols, func(c *scopeCol) bool { return c.column == col.ID })
		var v *expr.Expr
		switch {
		case at < 0 && col.Missing != nil:
			v = expr.Const(col.Type, *col.Missing)
		case at < 0:
			v = expr.Null(col.Type)
		case t.retyped[col.ID] != nil:
			var err error
			if v, err = t.conversion(b, from, in.cols[at], col, t.retyped[col.ID]); err != nil {
				return nil, nil, nil, err
			}
		default:
			v = b.meta.Ref(in.cols[at].id)
		}
		id := b.meta.Add(col.Name, col.Type)
		pr.Out, pr.Exprs = append(pr.Out, id), append(pr.Exprs, v)
		out.cols = append(out.cols, &scopeCol{name: col.Name, id: id})
	}
	for id := range b.reads {
		t.b.reads[id] = true
	}
	return b, out, &scope{cols: out.cols, tables: []*scopeTable{{name: t.d.Name, cols: out.cols}}}, nil
}

// conversion is the new value of a retyped column.
func (t *tableBuilder) conversion(b *binder, s *scope, was *scopeCol, col *catalog.Column, a *ast.SetColumnType) (*expr.Expr, error) {
	v, what, hint := b.meta.Ref(was.id), "column %q cannot be cast automatically to type %s", "You might need to specify \"USING %s::%s\"."
	if a.Using != nil {
		x := &exprCtx{b: b, scope: s, clause: "transform expressions", noSubqueries: true}
		var err error
		if v, err = x.bind(a.Using); err != nil {
			return nil, err
		}
		what, hint = "result of USING clause for "+what, "You might need to add an explicit cast."
	}
	if v.Type.Kind != types.KindUnknown {
		if _, ok := functions.FindCast(v.Type, col.Type, functions.Assignment); !ok {
			e := sqlerr.New(sqlerr.DatatypeMismatch, what, col.Name, functions.TypeName(col.Type))
			if a.Using != nil {
				return nil, e.WithHint("%s", hint)
			}
			return nil, e.WithHint(hint, catalog.QuoteIdent(col.Name), functions.TypeName(col.Type))
		}
	}
	return b.coerce(v, col.Type, functions.Assignment)
}
