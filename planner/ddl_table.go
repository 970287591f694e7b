package planner

import (
	"slices"
	"strings"

	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// tableBuilder builds the descriptor of a table or source.
type tableBuilder struct {
	*ddlCtx
	d *catalog.Descriptor
	// extra is the sequences and indexes that go with it.
	extra []*catalog.Descriptor
	// later is the keys that LIKE brings, made when all columns are there.
	later []func() error
	// retain is the option retention, nil for none.
	retain *ast.Option
	// retyped is the columns that get another type, by id.
	retyped map[int]*ast.SetColumnType
}

// createTable plans CREATE TABLE and CREATE TABLE AS.
func (c *ddlCtx) createTable(s *ast.CreateTable) error {
	if s.Temporary {
		return sqlerr.Unsupported("a temporary table", s.Loc())
	}
	d, err := c.descriptor(catalog.KindTable, &s.Name, s.IfNotExists)
	if err != nil || d == nil {
		return err
	}
	d.Table = &catalog.Table{NextColumn: 1, AppendOnly: s.AppendOnly}
	t := &tableBuilder{ddlCtx: c, d: d}
	if s.As != nil {
		err = t.fromQuery(s)
	} else {
		err = t.columns(s.Columns, s.Likes, s.Include)
	}
	if err != nil {
		return err
	}
	if err := t.options(s.Options, s.Format); err != nil {
		return err
	}
	return t.complete(s.Columns, s.Constraints, s.Watermarks)
}

// createSource plans CREATE SOURCE.
func (c *ddlCtx) createSource(s *ast.CreateSource) error {
	d, err := c.descriptor(catalog.KindSource, &s.Name, s.IfNotExists)
	if err != nil || d == nil {
		return err
	}
	d.Table = &catalog.Table{NextColumn: 1, AppendOnly: true}
	t := &tableBuilder{ddlCtx: c, d: d}
	if err := t.columns(s.Columns, nil, s.Include); err != nil {
		return err
	}
	if o := ast.FindOption(s.Options, retentionOption); o != nil {
		return sqlerr.New(sqlerr.InvalidParameterValue, "a source keeps no rows that could have a retention").
			WithHint("Use CREATE TABLE with the same connector.").At(c.b.pos(o))
	}
	if err := t.options(s.Options, s.Format); err != nil {
		return err
	}
	if d.Table.Connector == nil {
		return sqlerr.New(sqlerr.InvalidObjectDefinition, "source %q has no connector", d.Name).
			WithHint("Add WITH (connector = '…').").At(s.Loc())
	}
	if err := t.complete(s.Columns, s.Constraints, s.Watermarks); err != nil {
		return err
	}
	for _, k := range d.Table.Constraints {
		if k.Kind != catalog.ConstraintCheck {
			return sqlerr.New(sqlerr.FeatureNotSupported, "a source cannot have a key").
				WithHint("Use CREATE TABLE with the same connector.").At(s.Loc())
		}
	}
	return nil
}

// complete adds constraints and watermark and puts everything into the changes.
func (t *tableBuilder) complete(defs []*ast.ColumnDef, cons []*ast.Constraint, wms []*ast.Watermark) error {
	for _, def := range defs {
		for _, k := range def.Constraints {
			if err := t.constraint(k, def.Name); err != nil {
				return err
			}
		}
	}
	for _, k := range cons {
		if err := t.constraint(k, ""); err != nil {
			return err
		}
	}
	for _, key := range t.later {
		if err := key(); err != nil {
			return err
		}
	}
	for _, w := range wms {
		if err := t.watermark(w); err != nil {
			return err
		}
	}
	if t.retain != nil {
		if err := t.setRetention(t.retain); err != nil {
			return err
		}
	}
	t.put(t.d)
	for _, e := range t.extra {
		t.put(e)
	}
	t.out.Object = t.d
	return nil
}

// columns adds the columns of a definition.
func (t *tableBuilder) columns(defs []*ast.ColumnDef, likes []*ast.TableLike, include []ast.IncludeColumn) error {
	for i := 0; i <= len(defs); i++ {
		for _, l := range likes {
			if l.Before == i {
				if err := t.like(l); err != nil {
					return err
				}
			}
		}
		if i < len(defs) {
			if err := t.addColumn(defs[i]); err != nil {
				return err
			}
		}
	}
	for i := range include {
		inc := &include[i]
		name := inc.Name
		if name == "" {
			name = "_" + inc.What
		}
		typ := map[string]types.Type{"key": types.Bytea, "partition": types.Text, "offset": types.Int8,
			"timestamp": types.TimestampTZ, "header": types.JSONB, "file": types.Text}[inc.What]
		if typ.Kind == types.KindInvalid {
			return sqlerr.Unsupported("INCLUDE "+strings.ToUpper(inc.What), t.b.pos(inc))
		}
		if t.d.Column(name) != nil {
			return sqlerr.New(sqlerr.DuplicateColumn, "column %q specified more than once", name).At(t.b.pos(inc))
		}
		t.d.Table.Columns = append(t.d.Table.Columns, catalog.Column{ID: t.d.Table.NextColumn, Name: name, Type: typ})
		t.d.Table.NextColumn++
		if t.d.Table.Connector == nil {
			t.d.Table.Connector = &catalog.Connector{}
		}
		t.d.Table.Connector.Include = append(t.d.Table.Connector.Include, catalog.Include{Column: t.d.Table.NextColumn - 1, What: inc.What})
	}
	return nil
}

// addColumn adds one column with its default, sequence and NOT NULL.
func (t *tableBuilder) addColumn(def *ast.ColumnDef) error {
	b := t.b
	if t.d.Column(def.Name) != nil {
		return sqlerr.New(sqlerr.DuplicateColumn, "column %q specified more than once", def.Name).At(b.pos(def))
	}
	if def.Generated != nil {
		return sqlerr.Unsupported("a generated column", b.pos(def))
	}
	if def.Collation != nil {
		if err := b.collation(def.Collation); err != nil {
			return err
		}
	}
	col := catalog.Column{ID: t.d.Table.NextColumn, Name: def.Name, NotNull: def.NotNull}
	integer, serial := def.Type.Serial()
	var err error
	if serial {
		col.Type, _ = types.LookupName(integer)
		col.NotNull = true
	} else if col.Type, err = b.typeName(def.Type); err != nil {
		return err
	}
	switch col.Type.Kind {
	case types.KindUnknown, types.KindVoid, types.KindRecord:
		return sqlerr.New(sqlerr.InvalidTableDefinition, "column %q has pseudo-type %s", def.Name, functions.TypeName(col.Type)).At(b.pos(def))
	}
	if def.Null && col.NotNull {
		return sqlerr.New(sqlerr.SyntaxError, "conflicting NULL/NOT NULL declarations for column %q of table %q", def.Name, t.d.Name).At(b.pos(def.NullPos))
	}
	t.d.Table.NextColumn++
	switch {
	case serial && def.Default != nil, def.Identity != nil && def.Default != nil, serial && def.Identity != nil:
		return sqlerr.New(sqlerr.SyntaxError, "multiple default values specified for column %q of table %q", def.Name, t.d.Name).At(b.pos(def))
	case serial:
		err = t.serial(&col, nil)
	case def.Identity != nil:
		if !col.Type.IsInteger() {
			return sqlerr.New(sqlerr.InvalidParameterValue, "identity column type must be smallint, integer, or bigint").At(b.pos(def))
		}
		col.NotNull = true
		col.Identity = "d"
		if def.Identity.Always {
			col.Identity = "a"
		}
		err = t.serial(&col, def.Identity.Options)
	case def.Default != nil:
		err = t.setDefault(&col, def.Default)
	}
	if err != nil {
		return err
	}
	for _, k := range def.Constraints {
		if k.Kind == ast.NotNull || k.Kind == ast.PrimaryKey {
			col.NotNull = true
		}
	}
	t.d.Table.Columns = append(t.d.Table.Columns, col)
	return nil
}

// serial gives a column a sequence of its own.
func (t *tableBuilder) serial(col *catalog.Column, opts []ast.SequenceOption) error {
	seq := &catalog.Descriptor{ID: t.id(), Kind: catalog.KindSequence, Schema: t.d.Schema, Owner: t.d.Owner, Created: t.d.Created,
		Deps: []catalog.Dependency{{On: t.d.ID, Columns: []int{col.ID}, Auto: true}}}
	seq.Name = t.freeName(t.d.Schema, t.d.Name, col.Name, "seq")
	s, err := sequence(col.Type, opts)
	if err != nil {
		return err
	}
	s.OwnedBy, s.OwnedColumn = t.d.ID, col.ID
	seq.Sequence = s
	t.extra = append(t.extra, seq)
	col.Sequence = seq.ID
	if col.Identity == "" {
		name := catalog.QuoteIdent(seq.Name)
		if sch := t.cat.ByID(seq.Schema); !slices.Contains(t.p.path, sch.Name) {
			name = catalog.QuoteIdent(sch.Name) + "." + name
		}
		col.Default = "nextval('" + strings.ReplaceAll(name, "'", "''") + "'::regclass)"
	}
	t.d.Deps = append(t.d.Deps, catalog.Dependency{On: seq.ID, Default: col.ID})
	return nil
}

// setDefault checks a default and keeps its text.
func (t *tableBuilder) setDefault(col *catalog.Column, e ast.Expr) error {
	bound, err := t.bindDefault(col, e)
	if err != nil {
		return err
	}
	t.d.Deps = slices.DeleteFunc(t.d.Deps, func(d catalog.Dependency) bool { return d.Default == col.ID })
	col.Default, col.Sequence = "", 0
	if bound.IsConst() && bound.Val.Null {
		return nil
	}
	col.Default = defaultText(col, e)
	expr.Walk(bound, func(x *expr.Expr) bool {
		if x.Op == expr.OpConst && x.Type.Kind == types.KindRegClass && !x.Val.Null {
			if d := t.cat.ByID(catalog.ID(x.Val.I)); d != nil && d.Sequence != nil {
				t.d.Deps = append(t.d.Deps, catalog.Dependency{On: d.ID, Default: col.ID})
			}
		}
		return true
	})
	return nil
}

// defaultText is a default as PostgreSQL shows it: a string or negative number has its type with it.
func defaultText(col *catalog.Column, e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StringLit:
		return ast.String(e) + "::" + functions.TypeName(col.Type.Base())
	case *ast.IntLit:
		if e.Value < 0 {
			return ast.QuoteLiteral(ast.String(e)) + "::" + functions.TypeName(col.Type.Base())
		}
	}
	return ast.String(e)
}

// bindDefault binds a default, which may not name columns.
func (t *tableBuilder) bindDefault(col *catalog.Column, e ast.Expr) (*expr.Expr, error) {
	b := t.b
	var ref ast.Node
	ast.WalkExpr(e, func(n ast.Node) bool {
		if _, ok := n.(*ast.ColumnRef); ok && ref == nil {
			ref = n
		}
		return ref == nil
	})
	if ref != nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cannot use column reference in DEFAULT expression").At(b.pos(ref))
	}
	x := &exprCtx{b: b, scope: &scope{}, clause: "DEFAULT expressions", noSubqueries: true}
	v, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	if v.Type.Kind != types.KindUnknown {
		if _, ok := functions.FindCast(v.Type, col.Type, functions.Assignment); !ok {
			return nil, sqlerr.New(sqlerr.DatatypeMismatch, "column %q is of type %s but default expression is of type %s",
				col.Name, functions.TypeName(col.Type), functions.TypeName(v.Type)).
				WithHint("You will need to rewrite or cast the expression.")
		}
	}
	return b.coerce(v, col.Type, functions.Assignment)
}

// scope is the table's columns for checks and watermarks, and their ids.
func (t *tableBuilder) scope() (*scope, []logical.ColID) {
	tg := &target{d: t.d}
	ids := t.b.freshRow(tg)
	st := tg.named(ids, t.d.Name, "")
	st.rel = 0
	for _, c := range st.cols {
		c.table = 0
	}
	return &scope{tables: []*scopeTable{st}, cols: st.cols}, ids
}

// constraint adds a constraint; column is the column it is written at, empty for the table's.
func (t *tableBuilder) constraint(k *ast.Constraint, column string) error {
	switch k.Kind {
	case ast.NotNull:
		return nil
	case ast.Check:
		return t.check(k, column)
	}
	cols := k.Columns
	if column != "" {
		cols = []string{column}
	}
	return t.key(k, cols)
}

// key adds a primary key or unique constraint with its index.
func (t *tableBuilder) key(k *ast.Constraint, names []string) error {
	b := t.b
	primary := k.Kind == ast.PrimaryKey
	if k.NullsNotDistinct {
		return sqlerr.Unsupported("NULLS NOT DISTINCT", b.pos(k))
	}
	if primary && t.d.PrimaryKey() != nil {
		return sqlerr.New(sqlerr.InvalidTableDefinition, "multiple primary keys for table %q are not allowed", t.d.Name).At(b.pos(k))
	}
	ix := &catalog.Index{On: t.d.ID, Unique: true, Primary: primary}
	var ids []int
	for _, n := range names {
		col := t.d.Column(n)
		if col == nil {
			return sqlerr.New(sqlerr.UndefinedColumn, "column %q named in key does not exist", n).At(b.pos(k))
		}
		if slices.Contains(ids, col.ID) {
			what := "unique"
			if primary {
				what = "primary key"
			}
			return sqlerr.New(sqlerr.DuplicateColumn, "column %q appears twice in %s constraint", n, what).At(b.pos(k))
		}
		if col.Type.Kind == types.KindJSON {
			return sqlerr.New(sqlerr.UndefinedObject, "data type json has no default operator class for access method \"btree\"").At(b.pos(k))
		}
		if primary {
			col.NotNull = true
		}
		ids = append(ids, col.ID)
		ix.Columns = append(ix.Columns, catalog.IndexColumn{Column: col.ID})
	}
	name := k.Name
	switch {
	case name != "":
		if err := t.freeConstraint(name, k); err != nil {
			return err
		}
		if t.cat.InSchema(t.d.Schema, name) != nil {
			return sqlerr.New(sqlerr.DuplicateTable, "relation %q already exists", name)
		}
		t.take(t.d.Schema, name)
	case primary:
		name = t.freeName(t.d.Schema, t.d.Name, "", "pkey")
	default:
		name = t.freeName(t.d.Schema, t.d.Name, strings.Join(names, "_"), "key")
	}
	for _, n := range k.Include {
		col := t.d.Column(n)
		if col == nil {
			return sqlerr.New(sqlerr.UndefinedColumn, "column %q named in key does not exist", n).At(b.pos(k))
		}
		ix.Include = append(ix.Include, col.ID)
	}
	d := &catalog.Descriptor{ID: t.id(), Kind: catalog.KindIndex, Schema: t.d.Schema, Name: name, Owner: t.d.Owner, Created: t.d.Created,
		Deps: []catalog.Dependency{{On: t.d.ID, Columns: ids, Auto: true}}, Index: ix}
	kind := catalog.ConstraintUnique
	if primary {
		kind = catalog.ConstraintPrimaryKey
	}
	t.extra = append(t.extra, d)
	t.d.Table.Constraints = append(t.d.Table.Constraints, catalog.Constraint{ID: t.id(), Name: name, Kind: kind, Columns: ids, Index: d.ID})
	return nil
}

// freeConstraint refuses the name of another constraint of the table.
func (t *tableBuilder) freeConstraint(name string, k *ast.Constraint) error {
	if t.d.Constraint(name) != nil {
		return sqlerr.New(sqlerr.DuplicateObject, "constraint %q for relation %q already exists", name, t.d.Name).At(t.b.pos(k))
	}
	return nil
}

// check adds a CHECK constraint.
func (t *tableBuilder) check(k *ast.Constraint, column string) error {
	b := t.b
	s, ids := t.scope()
	x := &exprCtx{b: b, scope: s, clause: "check constraints", noSubqueries: true}
	b.notes = newNotes()
	e, err := x.cond(k.Expr, "CHECK")
	made := b.notes.made
	b.notes = nil
	if err != nil {
		return err
	}
	var cols []int
	for i, id := range ids {
		if logical.Refs(e).Has(id) {
			cols = append(cols, t.d.Table.Columns[i].ID)
		}
	}
	name := k.Name
	if name != "" {
		if err := t.freeConstraint(name, k); err != nil {
			return err
		}
	} else {
		part := column
		if len(cols) == 1 {
			part = t.d.ColumnByID(cols[0]).Name
		} else if column == "" || len(cols) != 1 {
			part = ""
		}
		base := objectName(t.d.Name, part, "check")
		name = base
		for i := 1; t.d.Constraint(name) != nil; i++ {
			name = base + itoa(i)
		}
	}
	t.d.Table.Constraints = append(t.d.Table.Constraints,
		catalog.Constraint{ID: t.id(), Name: name, Kind: catalog.ConstraintCheck, Columns: cols, Check: checkText(k.Expr, made)})
	return nil
}

// checkText is a check as PostgreSQL shows it: literals have the type that they are compared in with them.
func checkText(e ast.Expr, made map[ast.Expr]types.Type) string {
	return ast.StringWith(e, func(lit ast.Expr) string {
		if t, ok := made[lit]; ok {
			return "::" + functions.TypeName(t)
		}
		return ""
	})
}

// options takes WITH (…) and FORMAT … ENCODE ….
func (t *tableBuilder) options(opts []ast.Option, f *ast.Format) error {
	tab := t.d.Table
	opts = t.takeRetention(opts)
	conn, err := connector(opts, f)
	if err != nil {
		return err
	}
	if conn == nil {
		if tab.Connector != nil {
			return sqlerr.New(sqlerr.InvalidTableDefinition, "INCLUDE needs a connector")
		}
		if len(opts) > 0 {
			return sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized parameter %q", opts[0].Name).At(t.b.pos(&opts[0]))
		}
		return nil
	}
	if tab.Connector != nil {
		conn.Include = tab.Connector.Include
	}
	tab.Connector = conn
	if t.p.opts.Connector == nil {
		return nil
	}
	if len(tab.Columns) > 0 {
		return nil
	}
	cols, wm, err := t.p.opts.Connector(conn)
	if err != nil {
		return err
	}
	for _, c := range cols {
		c.ID = tab.NextColumn
		tab.NextColumn++
		tab.Columns = append(tab.Columns, c)
	}
	if wm != nil {
		tab.Watermarks = append(tab.Watermarks, *wm)
	}
	return nil
}

// connector reads the options of a connector, nil if none is named.
func connector(opts []ast.Option, f *ast.Format) (*catalog.Connector, error) {
	name := ast.FindOption(opts, "connector")
	if name == nil {
		if f != nil {
			return nil, sqlerr.New(sqlerr.InvalidObjectDefinition, "FORMAT needs a connector").At(f.Loc())
		}
		return nil, nil
	}
	c := &catalog.Connector{Name: strings.ToLower(name.Value), Options: optionMap(opts, "connector")}
	if f != nil {
		c.Format, c.Encode = strings.ToUpper(f.Format), strings.ToUpper(f.Encode)
		c.FormatOptions = optionMap(f.Options, "")
	}
	return c, nil
}

// optionMap makes a map of options but one; flags are "true".
func optionMap(opts []ast.Option, but string) map[string]string {
	m := map[string]string{}
	for i := range opts {
		o := &opts[i]
		switch {
		case o.Name == but:
		case o.Kind == ast.OptionFlag:
			m[o.Name] = "true"
		case o.Kind == ast.OptionList:
			m[o.Name] = strings.Join(o.List, ",")
		default:
			m[o.Name] = o.Value
		}
	}
	return m
}

// fromQuery takes the columns of CREATE TABLE AS from its query.
func (t *tableBuilder) fromQuery(s *ast.CreateTable) error {
	q, ok := s.As.(*ast.Select)
	if !ok {
		return sqlerr.Unsupported("CREATE TABLE AS EXECUTE", s.Loc())
	}
	r, err := t.b.query(q, nil, false)
	if err != nil {
		return err
	}
	cols, err := t.b.resultColumns(r, s.ColumnNames, s)
	if err != nil {
		return err
	}
	t.d.Table.Columns, t.d.Table.NextColumn = cols, len(cols)+1
	t.b.deps = map[catalog.ID]map[int]bool{}
	if s.WithNoData {
		return nil
	}
	t.out.Fill, _, err = t.b.finish(r)
	return err
}

// resultColumns makes columns of a query's, under other names if some are given.
func (b *binder) resultColumns(r *relation, names []string, at ast.Node) ([]catalog.Column, error) {
	if len(names) > len(r.cols) {
		return nil, sqlerr.New(sqlerr.SyntaxError, "too many column names were specified").At(b.pos(at))
	}
	var out []catalog.Column
	seen := map[string]bool{}
	for i, c := range r.cols {
		name := c.name
		if i < len(names) {
			name = names[i]
		}
		if seen[name] {
			return nil, sqlerr.New(sqlerr.DuplicateColumn, "column %q specified more than once", name)
		}
		seen[name] = true
		t := b.meta.Type(c.id)
		if t.Kind == types.KindVoid || t.Kind == types.KindRecord {
			return nil, sqlerr.New(sqlerr.InvalidTableDefinition, "column %q has pseudo-type %s", name, functions.TypeName(t))
		}
		out = append(out, catalog.Column{ID: i + 1, Name: name, Type: t})
	}
	return out, nil
}
