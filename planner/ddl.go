package planner

import (
	"fmt"
	"maps"
	"slices"

	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/sqlerr"
)

// ddl plans statements that change the catalog.
func (p *Planner) ddl(stmt ast.Statement) (Planned, error) {
	c := &ddlCtx{p: p, b: p.newBinder(nil), cat: p.cat, next: p.cat.NextID(), out: &DDL{}}
	c.b.noParams = "DDL"
	var err error
	switch s := stmt.(type) {
	case *ast.CreateTable:
		err = c.createTable(s)
	case *ast.CreateSource:
		err = c.createSource(s)
	case *ast.CreateView:
		err = c.createView(s)
	case *ast.CreateMaterializedView:
		err = c.createMatView(s)
	case *ast.CreateSink:
		err = c.createSink(s)
	case *ast.CreateIndex:
		err = c.createIndex(s)
	case *ast.CreateSequence:
		err = c.createSequence(s)
	case *ast.AlterSequence:
		err = c.alterSequence(s)
	case *ast.CreateSchema:
		err = c.createSchema(s)
	case *ast.Drop:
		err = c.drop(s)
	case *ast.AlterRelation:
		err = c.alter(s)
	case *ast.AlterSchema:
		err = c.alterSchema(s)
	case *ast.Comment:
		err = c.comment(s)
	case *ast.RefreshMaterializedView:
		err = c.refresh(s)
	default:
		err = sqlerr.Unsupported(stmt.Tag(), stmt.Loc())
	}
	if err != nil {
		return nil, err
	}
	return c.finish(stmt.Tag())
}

// ddlCtx collects the changes of one DDL statement.
type ddlCtx struct {
	p    *Planner
	b    *binder
	cat  *catalog.Catalog
	next catalog.ID
	out  *DDL
	// taken is the names that the statement itself has given, by schema.
	taken map[catalog.Name]bool
}

// finish checks that the changes apply and completes the result.
func (c *ddlCtx) finish(tag string) (Planned, error) {
	if len(c.out.Changes) > 0 {
		cat, err := c.cat.With(c.out.Changes...)
		if err != nil {
			return nil, err
		}
		if c.out.Object != nil {
			c.out.Object = cat.ByID(c.out.Object.ID)
		}
	}
	info, err := c.b.info(tag)
	c.out.Info = info
	return c.out, err
}

// id takes the next id.
func (c *ddlCtx) id() catalog.ID {
	c.next++
	return c.next - 1
}

func (c *ddlCtx) put(d *catalog.Descriptor) {
	c.out.Changes = append(c.out.Changes, catalog.Change{Put: d})
}

func (c *ddlCtx) notice(code, format string, args ...any) {
	e := sqlerr.New(code, format, args...)
	c.out.Notices = append(c.out.Notices, Notice{Severity: "NOTICE", Code: code, Message: e.Message})
}

// descriptor starts a new object in its schema. It is nil if one of the name is there
// and that is fine.
func (c *ddlCtx) descriptor(kind catalog.Kind, n *ast.Name, ifNotExists bool) (*catalog.Descriptor, error) {
	if err := c.b.database(n); err != nil {
		return nil, err
	}
	schema, err := c.cat.CreationSchema(c.p.path, catalog.Name{Schema: n.Schema, Name: n.Name})
	if err != nil {
		return nil, sqlerr.As(err).At(n.Loc())
	}
	if err := c.cat.Check(c.p.opts.User, catalog.ActionCreate, schema); err != nil {
		return nil, sqlerr.As(err).At(n.Loc())
	}
	if ifNotExists && c.cat.InSchema(schema.ID, n.Name) != nil {
		c.notice(sqlerr.DuplicateTable, "relation %q already exists, skipping", n.Name)
		return nil, nil
	}
	d := &catalog.Descriptor{ID: c.id(), Kind: kind, Schema: schema.ID, Name: n.Name, Owner: c.p.opts.User, Created: c.p.opts.Now}
	if err := c.cat.CheckFree(d); err != nil {
		return nil, err
	}
	c.take(schema.ID, n.Name)
	return d, nil
}

// take notes a name that the statement gives.
func (c *ddlCtx) take(schema catalog.ID, name string) {
	if c.taken == nil {
		c.taken = map[catalog.Name]bool{}
	}
	c.taken[catalog.Name{Schema: itoa(int(schema)), Name: name}] = true
}

// freeName makes up a relation's name and takes it.
func (c *ddlCtx) freeName(schema catalog.ID, table, columns, suffix string) string {
	base := objectName(table, columns, suffix)
	name := c.cat.FreeName(schema, base, func(s string) bool { return c.taken[catalog.Name{Schema: itoa(int(schema)), Name: s}] })
	c.take(schema, name)
	return name
}

// nameBytesMax is PostgreSQL's NAMEDATALEN less the terminator.
const nameBytesMax = 63

// objectName is PostgreSQL's makeObjectName: table_columns_suffix, the longer part cut
// until it fits.
func objectName(table, columns, suffix string) string {
	over := func() int {
		n := len(table) + len(suffix) + 1 - nameBytesMax
		if columns != "" {
			n += len(columns) + 1
		}
		return n
	}
	for over() > 0 {
		if len(table) > len(columns) {
			table = table[:len(table)-1]
		} else {
			columns = columns[:len(columns)-1]
		}
	}
	if columns != "" {
		return table + "_" + columns + "_" + suffix
	}
	return table + "_" + suffix
}

// dependencies is what the bound query uses.
func (b *binder) dependencies() []catalog.Dependency {
	var out []catalog.Dependency
	for _, id := range slices.Sorted(maps.Keys(b.deps)) {
		if b.cat.ByID(id) == nil {
			continue
		}
		d := catalog.Dependency{On: id}
		if cols := b.deps[id]; len(cols) > 0 {
			d.Columns = slices.Sorted(maps.Keys(cols))
		}
		out = append(out, d)
	}
	return out
}

// object looks up the object of a DDL statement and asks for the right to change it.
// It is nil if there is none and that is fine.
func (c *ddlCtx) object(n *ast.Name, kind catalog.Kind, action catalog.Action, ifExists bool) (*catalog.Descriptor, error) {
	d, err := c.cat.Object(c.p.path, catalog.Name{Schema: n.Schema, Name: n.Name}, kind)
	if err != nil {
		code := sqlerr.Code(err)
		if kind == catalog.KindSequence && action == catalog.ActionDrop && code == sqlerr.UndefinedTable {
			sqlerr.As(err).Message = fmt.Sprintf("sequence %q does not exist", catalog.Name{Schema: n.Schema, Name: n.Name})
		}
		if ifExists && (code == sqlerr.UndefinedTable || code == sqlerr.UndefinedObject || code == sqlerr.InvalidSchemaName) {
			c.notice(sqlerr.SuccessfulCompletion, "%s, skipping", sqlerr.As(err).Message)
			return nil, nil
		}
		e := sqlerr.As(err).At(n.Loc())
		if action != catalog.ActionDrop {
			e.Hint = "" // it says how to drop it
		}
		return nil, e
	}
	if err := c.cat.Check(c.p.opts.User, action, d); err != nil {
		return nil, sqlerr.As(err).At(n.Loc())
	}
	return d, nil
}

// kinds maps the syntax's kinds to the catalog's.
var kinds = map[ast.ObjectKind]catalog.Kind{
	ast.KindTable: catalog.KindTable, ast.KindView: catalog.KindView, ast.KindMaterializedView: catalog.KindMatView,
	ast.KindSource: catalog.KindSource, ast.KindSink: catalog.KindSink, ast.KindIndex: catalog.KindIndex,
	ast.KindSequence: catalog.KindSequence, ast.KindSchema: catalog.KindSchema,
}

// drop plans DROP.
func (c *ddlCtx) drop(s *ast.Drop) error {
	kind, ok := kinds[s.Kind]
	if !ok {
		return sqlerr.Unsupported(s.Tag(), s.Loc())
	}
	var objects []*catalog.Descriptor
	for i := range s.Names {
		d, err := c.object(&s.Names[i], kind, catalog.ActionDrop, s.IfExists)
		if err != nil {
			return err
		}
		if d != nil {
			objects = append(objects, d)
		}
	}
	if len(objects) == 0 {
		return nil
	}
	return c.dropped(c.cat.PlanDrop(c.p.path, objects, s.Cascade))
}

// dropped takes over what a drop comes to.
func (c *ddlCtx) dropped(d *catalog.Drop, err error) error {
	if err != nil {
		return err
	}
	c.out.Changes = append(c.out.Changes, d.Changes...)
	for _, n := range d.Notices {
		c.out.Notices = append(c.out.Notices, Notice{Severity: "NOTICE", Code: sqlerr.SuccessfulCompletion, Message: n, Detail: d.NoticeDetail})
	}
	return nil
}

// createSchema plans CREATE SCHEMA.
func (c *ddlCtx) createSchema(s *ast.CreateSchema) error {
	name := s.Name
	if name == "" {
		name = s.Owner
	}
	if len(s.Stmts) > 0 {
		return sqlerr.Unsupported("CREATE SCHEMA with elements", s.Loc())
	}
	if len(name) > 3 && name[:3] == "pg_" {
		return sqlerr.New(sqlerr.ReservedName, "unacceptable schema name %q", name).
			WithDetail("The prefix \"pg_\" is reserved for system schemas.")
	}
	if _, err := c.cat.SchemaByName(name); err == nil && s.IfNotExists {
		c.notice(sqlerr.DuplicateSchema, "schema %q already exists, skipping", name)
		return nil
	}
	owner := s.Owner
	if owner == "" || owner == "current_user" || owner == "session_user" {
		owner = c.p.opts.User
	}
	d := &catalog.Descriptor{ID: c.id(), Kind: catalog.KindSchema, Name: name, Owner: owner, Created: c.p.opts.Now}
	c.put(d)
	c.out.Object = d
	return nil
}

// alterSchema plans ALTER SCHEMA.
func (c *ddlCtx) alterSchema(s *ast.AlterSchema) error {
	d, err := c.object(&ast.Name{Pos: s.Pos, Name: s.Name}, catalog.KindSchema, catalog.ActionAlter, false)
	if err != nil {
		return err
	}
	n := d.Clone()
	if s.NewName != "" {
		n.Name = s.NewName
		return c.renameSchema(d, n, s.Loc())
	}
	if s.Owner != "" {
		n.Owner = s.Owner
	}
	c.put(n)
	return nil
}

func (c *ddlCtx) schemaObjects(s *catalog.Descriptor) []*catalog.Descriptor {
	return slices.DeleteFunc(c.cat.All(), func(d *catalog.Descriptor) bool { return d.Schema != s.ID })
}

// renameSchema puts the schema under its new name and rewrites the views that name something in it.
func (c *ddlCtx) renameSchema(d, n *catalog.Descriptor, pos int) error {
	r := &renaming{relations: map[catalog.ID]catalog.Name{}, moved: true}
	objects := c.schemaObjects(d)
	for _, o := range objects {
		r.relations[o.ID] = catalog.Name{Schema: n.Name, Name: o.Name}
	}
	c.put(n)
	return c.renameInViews(objects, r, "schema "+catalog.QuoteIdent(d.Name), pos)
}

// comment plans COMMENT ON.
func (c *ddlCtx) comment(s *ast.Comment) error {
	kind := kinds[s.Kind]
	if s.Kind == ast.KindColumn {
		d, err := c.cat.Relation(c.p.path, catalog.Name{Schema: s.Name.Schema, Name: s.Name.Name})
		if err != nil {
			return sqlerr.As(err).At(s.Name.Loc())
		}
		n := d.Clone()
		col := n.Column(s.Column)
		if col == nil {
			return sqlerr.New(sqlerr.UndefinedColumn, "column %q of relation %q does not exist", s.Column, d.Name).At(s.Loc())
		}
		col.Comment = text(s.Text)
		c.put(n)
		return nil
	}
	if kind == "" {
		return sqlerr.Unsupported("COMMENT ON "+s.Kind.SQL(), s.Loc())
	}
	d, err := c.object(&s.Name, kind, catalog.ActionAlter, false)
	if err != nil {
		return err
	}
	n := d.Clone()
	n.Comment = text(s.Text)
	c.put(n)
	return nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// refresh plans REFRESH MATERIALIZED VIEW: there is nothing to do.
func (c *ddlCtx) refresh(s *ast.RefreshMaterializedView) error {
	d, err := c.object(&s.Name, catalog.KindMatView, catalog.ActionAlter, false)
	if err == nil {
		c.notice(sqlerr.SuccessfulCompletion, "materialized view %q is always up to date", d.Name)
	}
	return err
}
