package planner

import (
	"slices"
	"strings"

	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/parser"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// int8Const is a bigint.
func int8Const(v int64) *expr.Expr { return expr.Const(types.Int8, types.Datum{I: v}) }

// alter plans ALTER of a relation, index or sequence: the actions apply one after the
// other to one copy of the descriptor.
func (c *ddlCtx) alter(s *ast.AlterRelation) error {
	kind := kinds[s.Kind]
	if d := c.cat.Find(c.p.path, catalog.Name{Schema: s.Name.Schema, Name: s.Name.Name}); d != nil && kind == catalog.KindTable {
		kind = d.Kind // ALTER TABLE may name whatever has columns, and more
	}
	d, err := c.object(&s.Name, kind, catalog.ActionAlter, s.IfExists)
	if err != nil || d == nil {
		return err
	}
	t := &tableBuilder{ddlCtx: c, d: d.Clone()}
	put := true
	for _, a := range s.Actions {
		gone, err := t.action(d, a)
		if err != nil {
			return err
		}
		if gone {
			put = false
		}
	}
	if put {
		c.put(t.d)
	}
	if len(t.retyped) > 0 {
		if err := t.rewriteRows(d); err != nil {
			return err
		}
	}
	for _, e := range t.extra {
		c.put(e)
	}
	c.out.Object = t.d
	return nil
}

// action applies one action to t.d. It tells whether the descriptor is among the
// changes already.
func (t *tableBuilder) action(old *catalog.Descriptor, a ast.AlterAction) (bool, error) {
	switch a := a.(type) {
	case *ast.RenameRelation:
		return false, t.rename(old, a)
	case *ast.SetSchema:
		return false, t.setSchema(old, a)
	case *ast.SetOwner:
		t.d.Owner = a.Role
		if a.Role == "current_user" || a.Role == "session_user" {
			t.d.Owner = t.p.opts.User
		}
		return false, nil
	case *ast.RenameColumn:
		return false, t.renameColumn(old, a)
	case *ast.AddWatermark:
		return false, t.alterWatermark(a)
	case *ast.DropWatermark:
		return false, t.dropWatermark(old, a)
	}
	if t.d.Table == nil || t.d.Kind != catalog.KindTable {
		return false, sqlerr.New(sqlerr.WrongObjectType, "this ALTER action cannot be performed on relation %q", t.d.Name).
			WithDetail("This operation is not supported for %ss.", t.d.Kind).At(a.Loc())
	}
	switch a := a.(type) {
	case *ast.AddColumn:
		return false, t.alterAddColumn(a)
	case *ast.DropColumn:
		return t.alterDropColumn(old, a)
	case *ast.SetColumnDefault:
		return false, t.alterDefault(a)
	case *ast.SetColumnNotNull:
		return false, t.alterNotNull(old, a)
	case *ast.AddConstraint:
		return false, t.alterAddConstraint(old, a)
	case *ast.DropConstraint:
		return t.alterDropConstraint(a)
	case *ast.RenameConstraint:
		return false, t.renameConstraint(a)
	case *ast.SetColumnType:
		return false, t.alterType(old, a)
	case *ast.SetOptions:
		return false, t.alterOptions(a)
	}
	return false, sqlerr.Unsupported("this ALTER action", a.Loc())
}

// rename gives the object another name.
func (t *tableBuilder) rename(old *catalog.Descriptor, a *ast.RenameRelation) error {
	t.d.Name = a.NewName
	if err := t.cat.CheckFree(t.d); err != nil && a.NewName != old.Name {
		return err
	}
	if err := t.moved(old, a.Loc()); err != nil {
		return err
	}
	// An index that enforces a constraint shares its name.
	if old.Index != nil {
		if tab := t.cat.ByID(old.Index.On); tab != nil && tab.Table != nil {
			for i := range tab.Table.Constraints {
				if tab.Table.Constraints[i].Index == old.ID {
					n := tab.Clone()
					n.Table.Constraints[i].Name = a.NewName
					t.put(n)
				}
			}
		}
	}
	return nil
}

// moved carries the new name or schema of the object into the views over it and the defaults that call it.
func (t *tableBuilder) moved(old *catalog.Descriptor, pos int) error {
	to := catalog.Name{Schema: t.cat.ByID(t.d.Schema).Name, Name: t.d.Name}
	r := &renaming{relations: map[catalog.ID]catalog.Name{old.ID: to}, moved: t.d.Schema != old.Schema}
	if old.Sequence != nil {
		t.renameInDefaults(old, to)
	}
	return t.renameInViews([]*catalog.Descriptor{old}, r, t.cat.Describe(t.p.path, old), pos, t.d)
}

// renameInDefaults gives a sequence its new name in the defaults that call it.
func (t *tableBuilder) renameInDefaults(seq *catalog.Descriptor, to catalog.Name) {
	name := catalog.QuoteIdent(to.Name)
	if !slices.Contains(t.p.path, to.Schema) {
		name = catalog.QuoteIdent(to.Schema) + "." + name
	}
	for _, u := range t.cat.Dependents(seq.ID) {
		n := u.Clone()
		changed := false
		for _, dep := range u.Deps {
			if col := n.ColumnByID(dep.Default); dep.On == seq.ID && dep.Default != 0 && col != nil && col.Default != "" {
				col.Default = renameSequence(col.Default, name)
				changed = true
			}
		}
		if changed {
			t.put(n)
		}
	}
}

// renameSequence puts another name into nextval('…') of a default.
func renameSequence(text, name string) string {
	e, err := parser.ParseExpr(text)
	if err != nil {
		return text
	}
	ast.WalkExpr(e, func(n ast.Node) bool {
		if c, ok := n.(*ast.FuncCall); ok && len(c.Args) == 1 {
			arg := c.Args[0]
			if cast, ok := arg.(*ast.Cast); ok {
				arg = cast.Arg
			}
			if lit, ok := arg.(*ast.StringLit); ok && c.Name.Name == "nextval" {
				lit.Value = name
			}
		}
		return true
	})
	return ast.String(e)
}

func (t *tableBuilder) setSchema(old *catalog.Descriptor, a *ast.SetSchema) error {
	s, err := t.cat.SchemaByName(a.Schema)
	if err != nil {
		return sqlerr.As(err).At(a.Loc())
	}
	if err := t.cat.Check(t.p.opts.User, catalog.ActionCreate, s); err != nil {
		return err
	}
	t.d.Schema = s.ID
	if err := t.cat.CheckFree(t.d); err != nil && s.ID != old.Schema {
		return err
	}
	if err := t.moved(old, a.Loc()); err != nil {
		return err
	}
	for _, u := range t.cat.Dependents(old.ID) {
		owned := u.Index != nil && u.Index.On == old.ID || u.Sequence != nil && u.Sequence.OwnedBy == old.ID
		if owned {
			n := u.Clone()
			n.Schema = s.ID
			t.put(n)
		}
	}
	return nil
}

// column finds a column of the table being altered.
func (t *tableBuilder) column(name string, pos int) (*catalog.Column, error) {
	if c := t.d.Column(name); c != nil {
		return c, nil
	}
	return nil, sqlerr.New(sqlerr.UndefinedColumn, "column %q of relation %q does not exist", name, t.d.Name).At(pos)
}

// renameColumn renames a column, in the table's own expressions too.
func (t *tableBuilder) renameColumn(old *catalog.Descriptor, a *ast.RenameColumn) error {
	col, err := t.column(a.Name, a.Loc())
	if err != nil {
		return err
	}
	if t.d.Column(a.NewName) != nil {
		return sqlerr.New(sqlerr.DuplicateColumn, "column %q of relation %q already exists", a.NewName, t.d.Name).At(a.Loc())
	}
	col.Name = a.NewName
	r := &renaming{table: old.ID, column: col.ID, old: a.Name, name: a.NewName}
	if err := t.renameInViews([]*catalog.Descriptor{old}, r, "column "+catalog.QuoteIdent(a.Name), a.Loc(), t.d); err != nil {
		return err
	}
	if t.d.Table == nil {
		return nil
	}
	for i := range t.d.Table.Constraints {
		k := &t.d.Table.Constraints[i]
		if k.Check != "" {
			k.Check = renameIn(k.Check, a.Name, a.NewName)
		}
	}
	for i := range t.d.Table.Watermarks {
		w := &t.d.Table.Watermarks[i]
		w.Expr = renameIn(w.Expr, a.Name, a.NewName)
	}
	return nil
}

// renameIn renames a column in an expression's text.
func renameIn(text, name, newName string) string {
	e, err := parser.ParseExpr(text)
	if err != nil {
		return text
	}
	ast.WalkExpr(e, func(n ast.Node) bool {
		if ref, ok := n.(*ast.ColumnRef); ok && ref.Name() == name {
			ref.Parts[len(ref.Parts)-1] = newName
		}
		return true
	})
	return ast.String(e)
}

// alterAddColumn adds a column; rows that are there show its default.
func (t *tableBuilder) alterAddColumn(a *ast.AddColumn) error {
	if t.d.Column(a.Column.Name) != nil {
		if a.IfNotExists {
			t.notice(sqlerr.DuplicateColumn, "column %q of relation %q already exists, skipping", a.Column.Name, t.d.Name)
			return nil
		}
		return sqlerr.New(sqlerr.DuplicateColumn, "column %q of relation %q already exists", a.Column.Name, t.d.Name).At(a.Column.Loc())
	}
	if err := t.addColumn(a.Column); err != nil {
		return err
	}
	col := &t.d.Table.Columns[len(t.d.Table.Columns)-1]
	if col.Sequence != 0 {
		return sqlerr.Unsupported("adding a column whose default is a sequence", a.Column.Loc())
	}
	if a.Column.Default != nil {
		v, err := t.bindDefault(col, a.Column.Default)
		if err != nil {
			return err
		}
		if v = t.b.foldAll(v); !v.IsConst() {
			return sqlerr.Unsupported("adding a column with a volatile default", a.Column.Loc())
		}
		if !v.Val.Null {
			col.Missing = v.Val
		}
	}
	for _, k := range a.Column.Constraints {
		if k.Kind == ast.PrimaryKey {
			return sqlerr.Unsupported("adding a primary key column", a.Column.Loc())
		}
		if err := t.constraint(k, col.Name); err != nil {
			return err
		}
	}
	if col.NotNull && col.Missing == nil {
		return t.validateRows(nil, sqlerr.New(sqlerr.NotNullViolation, "column %q of relation %q contains null values", col.Name, t.d.Name))
	}
	return nil
}

// validateRows refuses rows of the table for which cond is true; a nil cond refuses
// all rows.
func (t *tableBuilder) validateRows(cond func(b *binder, s *scope) (*expr.Expr, error), e *sqlerr.Error) error {
	old := t.cat.ByID(t.d.ID)
	b := t.p.newBinder(nil)
	b.reads[old.ID] = true
	r, _ := b.scan(old)
	s := &scope{cols: r.cols, tables: []*scopeTable{{name: old.Name, cols: r.cols}}}
	n := r.node
	if cond != nil {
		c, err := cond(b, s)
		if err != nil {
			return err
		}
		n = logical.Where(n, c)
	}
	return t.validate(b, n, nil, e)
}

func (t *tableBuilder) alterDropColumn(old *catalog.Descriptor, a *ast.DropColumn) (bool, error) {
	col := t.d.Column(a.Name)
	if col == nil {
		if a.IfExists {
			t.notice(sqlerr.SuccessfulCompletion, "column %q of relation %q does not exist, skipping", a.Name, t.d.Name)
			return false, nil
		}
		_, err := t.column(a.Name, a.Loc())
		return false, err
	}
	if err := t.retentionNeeds(col.ID, a.Name, a.Loc()); err != nil {
		return false, err
	}
	dropped, err := t.cat.PlanDropColumn(t.p.path, t.d, col.ID, a.Cascade)
	if err == nil && slices.Contains(t.d.PrimaryKey(), col.ID) {
		gone := map[catalog.ID]bool{}
		for _, c := range dropped.Changes {
			gone[c.Drop] = true
		}
		if u := t.maintainedOver(old.ID, gone); u != nil {
			return false, sqlerr.New(sqlerr.FeatureNotSupported, "cannot drop a column of the primary key of a table that %s reads", t.cat.Describe(t.p.path, u)).
				WithDetail("The view keeps its rows by that key.").At(a.Loc())
		}
	}
	if err := t.ddlCtx.dropped(dropped, err); err != nil {
		return false, err
	}
	last := t.out.Changes[len(t.out.Changes)-1].Put
	t.out.Changes = t.out.Changes[:len(t.out.Changes)-1]
	t.d = last
	return false, nil
}

func (t *tableBuilder) alterDefault(a *ast.SetColumnDefault) error {
	col, err := t.column(a.Column, a.Loc())
	if err != nil {
		return err
	}
	if col.Identity != "" {
		return sqlerr.New(sqlerr.SyntaxError, "column %q of relation %q is an identity column", a.Column, t.d.Name).At(a.Loc())
	}
	if a.Default == nil {
		col.Default, col.Sequence = "", 0
		t.d.Deps = slices.DeleteFunc(t.d.Deps, func(d catalog.Dependency) bool { return d.Default == col.ID })
		return nil
	}
	return t.setDefault(col, a.Default)
}

func (t *tableBuilder) alterNotNull(_ *catalog.Descriptor, a *ast.SetColumnNotNull) error {
	col, err := t.column(a.Column, a.Loc())
	if err != nil {
		return err
	}
	if !a.NotNull && slices.Contains(t.d.PrimaryKey(), col.ID) {
		return sqlerr.New(sqlerr.InvalidTableDefinition, "column %q is in a primary key", a.Column).At(a.Loc())
	}
	already := col.NotNull
	col.NotNull = a.NotNull
	if !a.NotNull || already {
		return nil
	}
	return t.validateRows(func(b *binder, s *scope) (*expr.Expr, error) {
		c, err := s.findBare(a.Column, -1)
		if err != nil {
			return nil, err
		}
		return logical.IsNull(b.meta.Ref(c.id)), nil
	}, sqlerr.New(sqlerr.NotNullViolation, "column %q of relation %q contains null values", a.Column, t.d.Name))
}

func (t *tableBuilder) alterAddConstraint(old *catalog.Descriptor, a *ast.AddConstraint) error {
	k := a.Constraint
	if err := t.constraint(k, ""); err != nil {
		return err
	}
	if k.NotValid {
		return nil
	}
	added := &t.d.Table.Constraints[len(t.d.Table.Constraints)-1]
	if k.Kind == ast.Check {
		return t.validateRows(func(b *binder, s *scope) (*expr.Expr, error) {
			x := &exprCtx{b: b, scope: s, clause: "check constraints", noSubqueries: true}
			e, err := x.cond(k.Expr, "CHECK")
			if err != nil {
				return nil, err
			}
			return &expr.Expr{Op: expr.OpIsFalse, Type: types.Bool, Args: []*expr.Expr{e}, Pos: -1}, nil
		}, sqlerr.New(sqlerr.CheckViolation, "check constraint %q of relation %q is violated by some row", added.Name, t.d.Name).WithConstraint(added.Name))
	}
	if k.Kind == ast.PrimaryKey {
		for _, id := range added.Columns {
			if old.ColumnByID(id) == nil || old.ColumnByID(id).NotNull {
				continue
			}
			name := old.ColumnByID(id).Name
			if err := t.alterNotNullRows(name); err != nil {
				return err
			}
		}
	}
	return t.validateUnique(old, added.Columns, added.Name)
}

func (t *tableBuilder) alterNotNullRows(name string) error {
	return t.validateRows(func(b *binder, s *scope) (*expr.Expr, error) {
		c, err := s.findBare(name, -1)
		if err != nil {
			return nil, err
		}
		return logical.IsNull(b.meta.Ref(c.id)), nil
	}, sqlerr.New(sqlerr.NotNullViolation, "column %q of relation %q contains null values", name, t.d.Name))
}

func (t *tableBuilder) alterDropConstraint(a *ast.DropConstraint) (bool, error) {
	k := t.d.Constraint(a.Name)
	if k == nil {
		if a.IfExists {
			t.notice(sqlerr.SuccessfulCompletion, "constraint %q of relation %q does not exist, skipping", a.Name, t.d.Name)
			return false, nil
		}
		return false, sqlerr.New(sqlerr.UndefinedObject, "constraint %q of relation %q does not exist", a.Name, t.d.Name).At(a.Loc())
	}
	if k.Index != 0 {
		t.out.Changes = append(t.out.Changes, catalog.Change{Drop: k.Index})
	}
	name := k.Name
	t.d.Table.Constraints = slices.DeleteFunc(t.d.Table.Constraints, func(c catalog.Constraint) bool { return c.Name == name })
	return false, nil
}

func (t *tableBuilder) renameConstraint(a *ast.RenameConstraint) error {
	k := t.d.Constraint(a.Name)
	if k == nil {
		return sqlerr.New(sqlerr.UndefinedObject, "constraint %q for table %q does not exist", a.Name, t.d.Name).At(a.Loc())
	}
	if t.d.Constraint(a.NewName) != nil {
		return sqlerr.New(sqlerr.DuplicateObject, "constraint %q for relation %q already exists", a.NewName, t.d.Name).At(a.Loc())
	}
	k.Name = a.NewName
	if k.Index != 0 {
		n := t.cat.ByID(k.Index).Clone()
		n.Name = a.NewName
		t.put(n)
	}
	return nil
}

// createSequence plans CREATE SEQUENCE.
func (c *ddlCtx) createSequence(s *ast.CreateSequence) error {
	if s.Temporary {
		return sqlerr.Unsupported("a temporary sequence", s.Loc())
	}
	d, err := c.descriptor(catalog.KindSequence, &s.Name, s.IfNotExists)
	if err != nil || d == nil {
		return err
	}
	typ := types.Int8
	for i := range s.Options {
		if o := &s.Options[i]; o.Name == "as" {
			if typ, err = c.b.typeName(o.Type); err != nil {
				return err
			}
			if !typ.IsInteger() {
				return sqlerr.New(sqlerr.InvalidParameterValue, "sequence type must be smallint, integer, or bigint").At(o.Loc())
			}
		}
	}
	if d.Sequence, err = sequence(typ, s.Options); err != nil {
		return err
	}
	if err := c.ownedBy(d, s.Options); err != nil {
		return err
	}
	c.put(d)
	c.out.Object = d
	return nil
}

// ownedBy applies OWNED BY.
func (c *ddlCtx) ownedBy(d *catalog.Descriptor, opts []ast.SequenceOption) error {
	for i := range opts {
		o := &opts[i]
		if o.Name != "owned_by" {
			continue
		}
		d.Deps = slices.DeleteFunc(d.Deps, func(dep catalog.Dependency) bool { return dep.Auto })
		d.Sequence.OwnedBy, d.Sequence.OwnedColumn = 0, 0
		if len(o.Owner) == 1 && o.Owner[0] == "none" {
			continue
		}
		if len(o.Owner) < 2 {
			return sqlerr.New(sqlerr.SyntaxError, "invalid OWNED BY option").WithHint("Specify OWNED BY table.column or OWNED BY NONE.").At(o.Loc())
		}
		k := len(o.Owner) - 2
		t, err := c.cat.Object(c.p.path, catalog.Name{Schema: strings.Join(o.Owner[:k], "."), Name: o.Owner[k]}, catalog.KindTable)
		if err != nil {
			return sqlerr.As(err).At(o.Loc())
		}
		col := t.Column(o.Owner[k+1])
		if col == nil {
			return sqlerr.New(sqlerr.UndefinedColumn, "column %q of relation %q does not exist", o.Owner[k+1], t.Name).At(o.Loc())
		}
		d.Sequence.OwnedBy, d.Sequence.OwnedColumn = t.ID, col.ID
		d.Deps = append(d.Deps, catalog.Dependency{On: t.ID, Columns: []int{col.ID}, Auto: true})
	}
	return nil
}

// sequence reads the options of a sequence over its type's defaults.
func sequence(typ types.Type, opts []ast.SequenceOption) (*catalog.Sequence, error) {
	s := &catalog.Sequence{Type: typ, Increment: 1, Cache: 1}
	return s, setSequence(s, opts, true)
}

// setSequence applies options; fresh ones start from the defaults.
func setSequence(s *catalog.Sequence, opts []ast.SequenceOption, fresh bool) error {
	seen := map[string]*ast.SequenceOption{}
	for i := range opts {
		o := &opts[i]
		if seen[o.Name] != nil {
			return sqlerr.New(sqlerr.SyntaxError, "conflicting or redundant options").At(o.Loc())
		}
		seen[o.Name] = o
	}
	if o := seen["increment"]; o != nil {
		if s.Increment = o.Value; s.Increment == 0 {
			return sqlerr.New(sqlerr.InvalidParameterValue, "INCREMENT must not be zero").At(o.Loc())
		}
	}
	if o := seen["cycle"]; o != nil {
		s.Cycle = o.On
	}
	if o := seen["cache"]; o != nil {
		if s.Cache = o.Value; s.Cache <= 0 {
			return sqlerr.New(sqlerr.InvalidParameterValue, "CACHE (%d) must be greater than zero", s.Cache).At(o.Loc())
		}
	}
	bits := map[types.Kind]uint{types.KindInt2: 15, types.KindInt4: 31, types.KindInt8: 63}[s.Type.Kind]
	top := int64(1<<bits - 1)
	lo, hi := int64(1), top
	if s.Increment < 0 {
		lo, hi = -top-1, -1
	}
	if o := seen["minvalue"]; o != nil && o.HasValue {
		s.Min = o.Value
	} else if fresh || o != nil {
		s.Min = lo
	}
	if o := seen["maxvalue"]; o != nil && o.HasValue {
		s.Max = o.Value
	} else if fresh || o != nil {
		s.Max = hi
	}
	switch {
	case s.Max > top || s.Max < -top-1:
		return sqlerr.New(sqlerr.InvalidParameterValue, "MAXVALUE (%d) is out of range for sequence data type %s", s.Max, s.Type)
	case s.Min > top || s.Min < -top-1:
		return sqlerr.New(sqlerr.InvalidParameterValue, "MINVALUE (%d) is out of range for sequence data type %s", s.Min, s.Type)
	case s.Min >= s.Max:
		return sqlerr.New(sqlerr.InvalidParameterValue, "MINVALUE (%d) must be less than MAXVALUE (%d)", s.Min, s.Max)
	}
	if o := seen["start"]; o != nil {
		s.Start = o.Value
	} else if fresh {
		s.Start = s.Min
		if s.Increment < 0 {
			s.Start = s.Max
		}
	}
	switch {
	case s.Start < s.Min:
		return sqlerr.New(sqlerr.InvalidParameterValue, "START value (%d) cannot be less than MINVALUE (%d)", s.Start, s.Min)
	case s.Start > s.Max:
		return sqlerr.New(sqlerr.InvalidParameterValue, "START value (%d) cannot be greater than MAXVALUE (%d)", s.Start, s.Max)
	}
	return nil
}

// alterSequence plans ALTER SEQUENCE with options.
func (c *ddlCtx) alterSequence(s *ast.AlterSequence) error {
	d, err := c.object(&s.Name, catalog.KindSequence, catalog.ActionAlter, s.IfExists)
	if err != nil || d == nil {
		return err
	}
	n := d.Clone()
	for i := range s.Options {
		switch o := &s.Options[i]; o.Name {
		case "as":
			if n.Sequence.Type, err = c.b.typeName(o.Type); err != nil {
				return err
			}
		case "restart":
			v := n.Sequence.Start
			if o.HasValue {
				v = o.Value
			}
			c.out.Restart = map[catalog.ID]int64{d.ID: v}
		}
	}
	if err := setSequence(n.Sequence, s.Options, false); err != nil {
		return err
	}
	if err := c.ownedBy(n, s.Options); err != nil {
		return err
	}
	c.put(n)
	c.out.Object = n
	return nil
}
