package parser

import (
	"strconv"

	pg "github.com/pganalyze/pg_query_go/v6"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

// createTable converts CREATE TABLE and, by the front layer's note, CREATE SOURCE.
func (c *converter) createTable(s *pg.CreateStmt) ast.Statement {
	name := c.rangeVarName(s.Relation)
	c.refuse(len(s.InhRelations) > 0 && s.Partbound == nil, "INHERITS", name.Pos)
	c.refuse(s.Partbound != nil, "PARTITION OF", name.Pos)
	c.refuse(s.Partspec != nil, "PARTITION BY", c.pos(s.Partspec.GetLocation()))
	c.refuse(s.OfTypename != nil, "CREATE TABLE OF", name.Pos)
	c.refuse(onCommit(s.Oncommit), "ON COMMIT", name.Pos)
	c.storage(s.Relation, s.Tablespacename, s.AccessMethod, len(s.Options) > 0)
	columns, constraints, likes := c.tableElements(s.TableElts)
	n := c.notes
	if n.kind == ast.KindSource {
		c.refuse(n.appendOnly, "APPEND ONLY on a source", c.start())
		c.refuse(len(likes) > 0, "LIKE in CREATE SOURCE", c.start())
		return &ast.CreateSource{Pos: c.start(), Name: name, IfNotExists: s.IfNotExists, Columns: columns, Constraints: constraints,
			Watermarks: n.watermarks, Include: n.include, Options: n.options, Format: n.format}
	}
	return &ast.CreateTable{Pos: c.start(), Name: name, IfNotExists: s.IfNotExists, Temporary: s.Relation.GetRelpersistence() == "t",
		Columns: columns, Likes: likes, Constraints: constraints, Watermarks: n.watermarks, AppendOnly: n.appendOnly,
		Include: n.include, Options: n.options, Format: n.format}
}

func onCommit(a pg.OnCommitAction) bool {
	return a != pg.OnCommitAction_ON_COMMIT_ACTION_UNDEFINED && a != pg.OnCommitAction_ONCOMMIT_NOOP
}

// storage refuses the clauses that choose PostgreSQL's storage.
func (c *converter) storage(r *pg.RangeVar, tablespace, method string, options bool) {
	pos := c.pos(r.GetLocation())
	c.refuse(r.GetRelpersistence() == "u", "UNLOGGED", pos)
	c.refuse(tablespace != "", "TABLESPACE", pos)
	c.refuse(method != "", "an access method", pos)
	c.refuse(options, "a storage parameter", pos)
}

// likeOption tells whether LIKE includes something: the bits of PostgreSQL's TableLikeOption.
func likeOption(l *pg.TableLikeClause, bit uint) bool { return l.GetOptions()&(1<<bit) != 0 }

func (c *converter) tableElements(list []*pg.Node) (columns []*ast.ColumnDef, constraints []*ast.Constraint, likes []*ast.TableLike) {
	for _, n := range list {
		switch v := n.GetNode().(type) {
		case *pg.Node_ColumnDef:
			columns = append(columns, c.columnDef(v.ColumnDef))
		case *pg.Node_Constraint:
			if k := c.constraint(v.Constraint); k != nil {
				constraints = append(constraints, k)
			}
		case *pg.Node_TableLikeClause:
			l := v.TableLikeClause
			name := c.rangeVarName(l.GetRelation())
			likes = append(likes, &ast.TableLike{Pos: name.Pos, Name: name, Before: len(columns), Comments: likeOption(l, 0),
				Constraints: likeOption(l, 2), Defaults: likeOption(l, 3), Identity: likeOption(l, 5), Indexes: likeOption(l, 6)})
		default:
			c.unsupported(nodeName(n)+" in CREATE TABLE", ast.NoPos)
		}
	}
	return columns, constraints, likes
}

func (c *converter) columnDef(d *pg.ColumnDef) *ast.ColumnDef {
	out := &ast.ColumnDef{Pos: c.pos(d.Location), Name: d.Colname, Type: c.typeName(d.TypeName)}
	c.refuse(d.StorageName != "", "STORAGE", out.Pos)
	c.refuse(d.Compression != "", "COMPRESSION", out.Pos)
	c.refuse(len(d.Fdwoptions) > 0, "column OPTIONS", out.Pos)
	if coll := d.CollClause; coll != nil {
		name := c.qualified(strs(coll.Collname), c.pos(coll.Location))
		out.Collation = &name
	}
	for _, n := range d.Constraints {
		c.columnConstraint(out, n.GetConstraint())
	}
	return out
}

func (c *converter) columnConstraint(out *ast.ColumnDef, k *pg.Constraint) {
	pos := c.pos(k.GetLocation())
	switch k.GetContype() {
	case pg.ConstrType_CONSTR_NULL:
		out.Null, out.NullPos = true, pos
	case pg.ConstrType_CONSTR_DEFAULT:
		if out.Default != nil {
			c.fail(sqlerr.Syntax(pos.Loc(), "multiple default values specified for column %q", out.Name))
		}
		out.Default = c.expr(k.RawExpr)
	case pg.ConstrType_CONSTR_IDENTITY:
		if out.Identity != nil {
			c.fail(sqlerr.Syntax(pos.Loc(), "multiple identity specifications for column %q", out.Name))
		}
		out.Identity = &ast.Identity{Pos: pos, Always: k.GeneratedWhen == "a", Options: c.sequenceOptions(k.Options)}
	case pg.ConstrType_CONSTR_GENERATED:
		out.Generated = c.expr(k.RawExpr)
	default:
		con := c.constraint(k)
		if con == nil {
			return
		}
		if con.Kind == ast.NotNull {
			out.NotNull = true
			if out.Null {
				out.NullPos = pos
			}
		}
		out.Constraints = append(out.Constraints, con)
	}
}

// constraint converts a key, CHECK or NOT NULL; nil after a refusal.
func (c *converter) constraint(k *pg.Constraint) *ast.Constraint {
	pos := c.pos(k.GetLocation())
	out := &ast.Constraint{Pos: pos, Name: k.GetConname(), Columns: strs(k.GetKeys()), Include: strs(k.GetIncluding()),
		NullsNotDistinct: k.GetNullsNotDistinct(), NotValid: k.GetSkipValidation(), NoInherit: k.GetIsNoInherit()}
	switch k.GetContype() {
	case pg.ConstrType_CONSTR_PRIMARY:
		out.Kind = ast.PrimaryKey
	case pg.ConstrType_CONSTR_UNIQUE:
		out.Kind = ast.Unique
	case pg.ConstrType_CONSTR_NOTNULL:
		out.Kind = ast.NotNull
	case pg.ConstrType_CONSTR_CHECK:
		out.Kind, out.Expr = ast.Check, c.expr(k.RawExpr)
	case pg.ConstrType_CONSTR_FOREIGN:
		c.unsupported("FOREIGN KEY", pos)
	case pg.ConstrType_CONSTR_EXCLUSION:
		c.unsupported("EXCLUDE", pos)
	case pg.ConstrType_CONSTR_ATTR_DEFERRABLE, pg.ConstrType_CONSTR_ATTR_DEFERRED:
		c.unsupported("a deferrable constraint", pos)
	case pg.ConstrType_CONSTR_ATTR_NOT_DEFERRABLE, pg.ConstrType_CONSTR_ATTR_IMMEDIATE:
		return nil // what we do anyway
	default:
		c.unsupported("constraint "+k.GetContype().String(), pos)
	}
	c.refuse(k.GetDeferrable() || k.GetInitdeferred(), "a deferrable constraint", pos)
	c.refuse(k.GetIndexname() != "", "USING INDEX", pos)
	c.refuse(k.GetIndexspace() != "", "TABLESPACE", pos)
	c.refuse(len(k.GetOptions()) > 0, "storage parameters on a constraint", pos)
	return out
}

func (c *converter) sequenceOptions(list []*pg.Node) []ast.SequenceOption {
	var out []ast.SequenceOption
	for _, n := range list {
		d := n.GetDefElem()
		o := ast.SequenceOption{Pos: c.pos(d.GetLocation()), Name: d.GetDefname()}
		switch v := d.GetArg().GetNode().(type) {
		case nil:
		case *pg.Node_Integer:
			o.Value, o.HasValue = int64(v.Integer.Ival), true
		case *pg.Node_Float:
			i, err := strconv.ParseInt(numberText(v.Float.Fval), 10, 64)
			if err != nil {
				c.fail(sqlerr.New(sqlerr.NumericValueOutOfRange, "value %q is out of range for type bigint", v.Float.Fval).At(o.Loc()))
			}
			o.Value, o.HasValue = i, true
		case *pg.Node_Boolean:
			o.On = v.Boolean.Boolval
		case *pg.Node_TypeName:
			o.Type = c.typeName(v.TypeName)
		case *pg.Node_List:
			o.Owner = strs(v.List.Items)
		}
		switch o.Name {
		case "as", "increment", "minvalue", "maxvalue", "start", "restart", "cache", "cycle", "owned_by":
		default:
			c.unsupported("sequence option "+o.Name, o.Pos)
		}
		out = append(out, o)
	}
	return out
}

func (c *converter) createTableAs(s *pg.CreateTableAsStmt) ast.Statement {
	into := s.Into
	name := c.rangeVarName(into.GetRel())
	c.refuse(onCommit(into.GetOnCommit()), "ON COMMIT", name.Pos)
	c.storage(into.GetRel(), into.GetTableSpaceName(), into.GetAccessMethod(), len(into.GetOptions()) > 0)
	if s.Objtype == pg.ObjectType_OBJECT_MATVIEW {
		return &ast.CreateMaterializedView{Pos: c.start(), Name: name, IfNotExists: s.IfNotExists, Columns: strs(into.GetColNames()),
			Options: c.notes.options, Query: c.query(s.Query), WithNoData: into.GetSkipData()}
	}
	n := c.notes
	c.refuse(n.kind == ast.KindSource, "CREATE SOURCE AS", c.start())
	return &ast.CreateTable{Pos: c.start(), Name: name, IfNotExists: s.IfNotExists, Temporary: into.GetRel().GetRelpersistence() == "t",
		Watermarks: n.watermarks, AppendOnly: n.appendOnly, Include: n.include, Options: n.options, Format: n.format,
		As: c.statementNode(s.Query), ColumnNames: strs(into.GetColNames()), WithNoData: into.GetSkipData()}
}

// selectInto converts SELECT … INTO table, which is CREATE TABLE AS.
func (c *converter) selectInto(s *pg.SelectStmt, into *pg.IntoClause) ast.Statement {
	name := c.rangeVarName(into.GetRel())
	c.storage(into.GetRel(), into.GetTableSpaceName(), into.GetAccessMethod(), len(into.GetOptions()) > 0)
	s.IntoClause = nil
	return &ast.CreateTable{Pos: c.start(), Name: name, Temporary: into.GetRel().GetRelpersistence() == "t", As: c.selectStmt(s)}
}

func (c *converter) createView(s *pg.ViewStmt) ast.Statement {
	name := c.rangeVarName(s.View)
	check := s.WithCheckOption
	c.refuse(check == pg.ViewCheckOption_LOCAL_CHECK_OPTION || check == pg.ViewCheckOption_CASCADED_CHECK_OPTION, "WITH CHECK OPTION", name.Pos)
	c.storage(s.View, "", "", false)
	return &ast.CreateView{Pos: c.start(), Name: name, OrReplace: s.Replace, Temporary: s.View.GetRelpersistence() == "t",
		Columns: strs(s.Aliases), Options: append(c.optionList(s.Options), c.notes.options...), Query: c.query(s.Query)}
}

func (c *converter) createIndex(s *pg.IndexStmt) ast.Statement {
	out := &ast.CreateIndex{
		Pos: c.start(), Name: s.Idxname, IfNotExists: s.IfNotExists, Unique: s.Unique, Concurrently: s.Concurrent,
		Table: c.rangeVarName(s.Relation), Method: s.AccessMethod, Elems: c.indexElems(s.IndexParams),
		Where: c.expr(s.WhereClause), Options: c.notes.options, NullsNotDistinct: s.NullsNotDistinct,
	}
	for _, n := range s.IndexIncludingParams {
		e := n.GetIndexElem()
		c.refuse(e.GetExpr() != nil, "an expression in INCLUDE", out.Table.Pos)
		out.Include = append(out.Include, e.GetName())
	}
	c.refuse(s.TableSpace != "", "TABLESPACE", out.Table.Pos)
	c.refuse(!s.Relation.GetInh(), "ONLY in CREATE INDEX", out.Table.Pos)
	return out
}

func (c *converter) createSchema(s *pg.CreateSchemaStmt) ast.Statement {
	out := &ast.CreateSchema{Pos: c.start(), Name: s.Schemaname, IfNotExists: s.IfNotExists}
	if s.Authrole != nil {
		out.Owner = c.role(s.Authrole)
	}
	for _, n := range s.SchemaElts {
		out.Stmts = append(out.Stmts, c.statementNode(n))
	}
	return out
}

func (c *converter) createSequence(s *pg.CreateSeqStmt) ast.Statement {
	name := c.rangeVarName(s.Sequence)
	c.storage(s.Sequence, "", "", false)
	return &ast.CreateSequence{Pos: c.start(), Name: name, IfNotExists: s.IfNotExists,
		Temporary: s.Sequence.GetRelpersistence() == "t", Options: c.sequenceOptions(s.Options)}
}

func (c *converter) drop(s *pg.DropStmt) ast.Statement {
	out := &ast.Drop{Pos: c.start(), Kind: c.kind(s.RemoveType), IfExists: s.MissingOk, Concurrently: s.Concurrent,
		Cascade: s.Behavior == pg.DropBehavior_DROP_CASCADE}
	for _, n := range s.Objects {
		out.Names = append(out.Names, c.objectName(n))
	}
	return out
}

// objectName converts an object's name in any of the grammar's forms.
func (c *converter) objectName(n *pg.Node) ast.Name {
	switch v := n.GetNode().(type) {
	case *pg.Node_String_:
		return ast.Name{Pos: ast.NoPos, Name: v.String_.Sval}
	case *pg.Node_List:
		return c.qualified(strs(v.List.Items), ast.NoPos)
	case *pg.Node_RangeVar:
		return c.rangeVarName(v.RangeVar)
	}
	c.unsupported("object name "+nodeName(n), c.start())
	return ast.Name{Pos: ast.NoPos}
}

func (c *converter) comment(s *pg.CommentStmt) ast.Statement {
	out := &ast.Comment{Pos: c.start(), Kind: c.kind(s.Objtype)}
	if c.err != nil {
		return out
	}
	// A comment of '' and IS NULL both come as no text; both remove it.
	if s.Comment != "" {
		out.Text = &s.Comment
	}
	if out.Kind != ast.KindColumn && out.Kind != ast.KindConstraint {
		out.Name = c.objectName(s.Object)
		return out
	}
	parts := strs(s.Object.GetList().GetItems())
	if len(parts) < 2 {
		c.fail(sqlerr.Syntax(out.Loc(), "column name must be qualified"))
		return out
	}
	out.Name, out.Column = c.qualified(parts[:len(parts)-1], ast.NoPos), parts[len(parts)-1]
	return out
}

func (c *converter) grant(s *pg.GrantStmt) ast.Statement {
	out := &ast.Grant{Pos: c.start(), Revoke: !s.IsGrant, Kind: c.kind(s.Objtype), Roles: c.roles(s.Grantees),
		AllInSchema:     s.Targtype == pg.GrantTargetType_ACL_TARGET_ALL_IN_SCHEMA,
		WithGrantOption: s.GrantOption, Cascade: s.Behavior == pg.DropBehavior_DROP_CASCADE}
	c.refuse(s.Targtype == pg.GrantTargetType_ACL_TARGET_DEFAULTS, "ALTER DEFAULT PRIVILEGES", out.Pos)
	for _, n := range s.Privileges {
		p := n.GetAccessPriv()
		c.refuse(len(p.GetCols()) > 0, "a column privilege", out.Pos)
		out.Privileges = append(out.Privileges, p.GetPrivName())
	}
	for _, n := range s.Objects {
		if c.err == nil {
			out.Names = append(out.Names, c.objectName(n))
		}
	}
	return out
}

func (c *converter) grantRole(s *pg.GrantRoleStmt) ast.Statement {
	out := &ast.Grant{Pos: c.start(), Revoke: !s.IsGrant, Kind: ast.KindRole, RoleMembership: true, Roles: c.roles(s.GranteeRoles),
		Cascade: s.Behavior == pg.DropBehavior_DROP_CASCADE}
	for _, n := range s.GrantedRoles {
		out.Privileges = append(out.Privileges, n.GetAccessPriv().GetPrivName())
	}
	c.refuse(len(s.Opt) > 0, "role membership options", out.Pos)
	return out
}
