package parser

import (
	"fmt"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

// converter turns libpg_query's tree into ast. It keeps the first error and goes
// on with harmless nodes, so that no method needs an error result; whoever
// starts it looks at err.
type converter struct {
	base  int    // offset of text in the whole text
	text  string // as libpg_query saw it
	notes *notes
	asOfs int // FOR SYSTEM_TIME AS OF that have found their relation
	err   error
}

func (c *converter) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// unsupported refuses a node that ast has no place for.
func (c *converter) unsupported(what string, pos ast.Pos) {
	c.fail(sqlerr.Unsupported(what, pos.Loc()))
}

// refuse is unsupported if cond holds.
func (c *converter) refuse(cond bool, what string, pos ast.Pos) {
	if cond {
		c.unsupported(what, pos)
	}
}

// pos turns a location of the C parser, -1 for none, into one of the whole text.
func (c *converter) pos(location int32) ast.Pos {
	if location < 0 {
		return ast.NoPos
	}
	return ast.Pos(c.base + int(location))
}

// start is the place of the statement's first token.
func (c *converter) start() ast.Pos {
	s := scanner{src: c.text}
	return ast.Pos(c.base + s.next().start)
}

// nodeName gives a node's type for messages: "CreateTrigStmt".
func nodeName(n *pg.Node) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", n.GetNode()), "*pg_query.Node_")
}

// str gives the text of a String node.
func str(n *pg.Node) string { return n.GetString_().GetSval() }

func strs(list []*pg.Node) []string {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = str(n)
	}
	return out
}

// qualified makes a name of one to three parts.
func (c *converter) qualified(parts []string, pos ast.Pos) ast.Name {
	n := ast.Name{Pos: pos}
	switch len(parts) {
	case 1:
		n.Name = parts[0]
	case 2:
		n.Schema, n.Name = parts[0], parts[1]
	case 3:
		n.Catalog, n.Schema, n.Name = parts[0], parts[1], parts[2]
	default:
		c.fail(sqlerr.Syntax(pos.Loc(), "improper qualified name (too many dotted names): %s", strings.Join(parts, ".")))
	}
	return n
}

func (c *converter) rangeVarName(r *pg.RangeVar) ast.Name {
	return ast.Name{Pos: c.pos(r.GetLocation()), Catalog: r.GetCatalogname(), Schema: r.GetSchemaname(), Name: r.GetRelname()}
}

func (c *converter) rangeVarNames(list []*pg.Node) []ast.Name {
	out := make([]ast.Name, len(list))
	for i, n := range list {
		out[i] = c.rangeVarName(n.GetRangeVar())
	}
	return out
}

// role gives a role's name; current_user and its kin stay words.
func (c *converter) role(r *pg.RoleSpec) string {
	switch r.GetRoletype() {
	case pg.RoleSpecType_ROLESPEC_CURRENT_ROLE, pg.RoleSpecType_ROLESPEC_CURRENT_USER:
		return "current_user"
	case pg.RoleSpecType_ROLESPEC_SESSION_USER:
		return "session_user"
	case pg.RoleSpecType_ROLESPEC_PUBLIC:
		return "public"
	}
	return r.GetRolename()
}

func (c *converter) roles(list []*pg.Node) []string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = c.role(n.GetRoleSpec())
	}
	return out
}

// typeName converts a type; nil stays nil.
func (c *converter) typeName(t *pg.TypeName) *ast.TypeName {
	if t == nil {
		return nil
	}
	out := &ast.TypeName{Pos: c.pos(t.Location), Dims: len(t.ArrayBounds), SetOf: t.Setof}
	names := strs(t.Names)
	switch len(names) {
	case 1:
		out.Name = names[0]
	case 2:
		out.Schema, out.Name = names[0], names[1]
	default:
		c.unsupported("type name "+strings.Join(names, "."), out.Pos)
	}
	c.refuse(t.PctType, "%TYPE", out.Pos)
	mods := t.Typmods
	if out.Schema == "pg_catalog" && out.Name == "interval" && len(mods) > 0 {
		if fields := ast.IntervalFields(mods[0].GetAConst().GetIval().GetIval()); fields != ast.IntervalFull {
			out.IntervalFields = fields
		}
		mods = mods[1:]
	}
	for _, m := range mods {
		v, ok := c.expr(m).(*ast.IntLit)
		if !ok {
			c.fail(sqlerr.Syntax(out.Pos.Loc(), "type modifiers must be simple constants"))
			break
		}
		out.Mods = append(out.Mods, v.Value)
	}
	return out
}

func (c *converter) typeNames(list []*pg.Node) []*ast.TypeName {
	var out []*ast.TypeName
	for _, n := range list {
		out = append(out, c.typeName(n.GetTypeName()))
	}
	return out
}

// option converts a DefElem of COPY, VACUUM or SET (...).
func (c *converter) option(n *pg.Node) ast.Option {
	d := n.GetDefElem()
	o := ast.Option{Pos: c.pos(d.GetLocation()), Name: d.GetDefname(), ValuePos: ast.NoPos}
	if ns := d.GetDefnamespace(); ns != "" {
		o.Name = ns + "." + o.Name
	}
	switch v := d.GetArg().GetNode().(type) {
	case nil:
	case *pg.Node_String_:
		o.Kind, o.Value = ast.OptionString, v.String_.Sval
	case *pg.Node_Integer:
		o.Kind, o.Value = ast.OptionNumber, fmt.Sprint(v.Integer.Ival)
	case *pg.Node_Float:
		o.Kind, o.Value = ast.OptionNumber, v.Float.Fval
	case *pg.Node_Boolean:
		o.Kind, o.Value = ast.OptionWord, fmt.Sprint(v.Boolean.Boolval)
	case *pg.Node_TypeName:
		o.Kind, o.Value = ast.OptionWord, c.typeName(v.TypeName).Name
	case *pg.Node_AStar:
		o.Kind, o.List = ast.OptionList, []string{"*"}
	case *pg.Node_List:
		o.Kind, o.List = ast.OptionList, strs(v.List.Items)
	default:
		c.unsupported("option "+o.Name+" of this form", o.Pos)
	}
	return o
}

func (c *converter) optionList(list []*pg.Node) []ast.Option {
	var out []ast.Option
	for _, n := range list {
		out = append(out, c.option(n))
	}
	return out
}

// kinds maps the grammar's object types to ours; what is missing is unsupported.
var kinds = map[pg.ObjectType]ast.ObjectKind{
	pg.ObjectType_OBJECT_TABLE:         ast.KindTable,
	pg.ObjectType_OBJECT_VIEW:          ast.KindView,
	pg.ObjectType_OBJECT_MATVIEW:       ast.KindMaterializedView,
	pg.ObjectType_OBJECT_INDEX:         ast.KindIndex,
	pg.ObjectType_OBJECT_SEQUENCE:      ast.KindSequence,
	pg.ObjectType_OBJECT_SCHEMA:        ast.KindSchema,
	pg.ObjectType_OBJECT_COLUMN:        ast.KindColumn,
	pg.ObjectType_OBJECT_TABCONSTRAINT: ast.KindConstraint,
	pg.ObjectType_OBJECT_DATABASE:      ast.KindDatabase,
	pg.ObjectType_OBJECT_ROLE:          ast.KindRole,
}

// kind gives the kind of an object; a word the front layer changed counts as
// what it was.
func (c *converter) kind(t pg.ObjectType) ast.ObjectKind {
	k, ok := kinds[t]
	if !ok {
		name := strings.ToLower(strings.TrimPrefix(t.String(), "OBJECT_"))
		c.unsupported("this statement for objects of kind "+strings.ReplaceAll(name, "_", " "), c.start())
	}
	if n := c.notes.kind; (k == ast.KindTable && n == ast.KindSource) || (k == ast.KindView && n == ast.KindSink) {
		return n
	}
	return k
}
