package parser

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"streamdb/sql/ast"
)

func (c *converter) alterTable(s *pg.AlterTableStmt) ast.Statement {
	out := &ast.AlterRelation{Pos: c.start(), Kind: c.kind(s.Objtype), Name: c.rangeVarName(s.Relation), IfExists: s.MissingOk}
	for _, n := range s.Cmds {
		if a := c.alterCommand(n.GetAlterTableCmd(), out); a != nil {
			out.Actions = append(out.Actions, a)
		}
	}
	return out
}

// alterCommand converts one action; nil after a refusal.
func (c *converter) alterCommand(cmd *pg.AlterTableCmd, s *ast.AlterRelation) ast.AlterAction {
	cascade := cmd.GetBehavior() == pg.DropBehavior_DROP_CASCADE
	pos := s.Name.Pos
	switch cmd.GetSubtype() {
	case pg.AlterTableType_AT_AddColumn:
		d := c.columnDef(cmd.Def.GetColumnDef())
		return &ast.AddColumn{Pos: d.Pos, Column: d, IfNotExists: cmd.MissingOk}
	case pg.AlterTableType_AT_DropColumn:
		return &ast.DropColumn{Pos: ast.NoPos, Name: cmd.Name, IfExists: cmd.MissingOk, Cascade: cascade}
	case pg.AlterTableType_AT_ColumnDefault:
		return &ast.SetColumnDefault{Pos: ast.NoPos, Column: cmd.Name, Default: c.expr(cmd.Def)}
	case pg.AlterTableType_AT_SetNotNull, pg.AlterTableType_AT_DropNotNull:
		return &ast.SetColumnNotNull{Pos: ast.NoPos, Column: cmd.Name, NotNull: cmd.Subtype == pg.AlterTableType_AT_SetNotNull}
	case pg.AlterTableType_AT_AlterColumnType:
		d := cmd.Def.GetColumnDef()
		c.refuse(d.GetCollClause() != nil, "COLLATE in ALTER COLUMN TYPE", pos)
		return &ast.SetColumnType{Pos: c.pos(d.GetLocation()), Column: cmd.Name, Type: c.typeName(d.GetTypeName()), Using: c.expr(d.GetRawDefault())}
	case pg.AlterTableType_AT_AddConstraint:
		k := c.constraint(cmd.Def.GetConstraint())
		if k == nil {
			return nil
		}
		return &ast.AddConstraint{Pos: k.Pos, Constraint: k}
	case pg.AlterTableType_AT_DropConstraint:
		return &ast.DropConstraint{Pos: ast.NoPos, Name: cmd.Name, IfExists: cmd.MissingOk, Cascade: cascade}
	case pg.AlterTableType_AT_ChangeOwner:
		return &ast.SetOwner{Pos: ast.NoPos, Role: c.role(cmd.Newowner)}
	case pg.AlterTableType_AT_SetRelOptions, pg.AlterTableType_AT_ResetRelOptions:
		return &ast.SetOptions{Pos: ast.NoPos, Options: c.optionList(cmd.Def.GetList().GetItems()),
			Reset: cmd.Subtype == pg.AlterTableType_AT_ResetRelOptions}
	}
	c.unsupported("ALTER "+s.Kind.SQL()+" "+alterWords(cmd.GetSubtype()), pos)
	return nil
}

// alterWords turns AT_EnableRowSecurity into "ENABLE ROW SECURITY".
func alterWords(t pg.AlterTableType) string {
	var sb strings.Builder
	for i, r := range strings.TrimPrefix(t.String(), "AT_") {
		if i > 0 && r >= 'A' && r <= 'Z' {
			sb.WriteByte(' ')
		}
		sb.WriteRune(r)
	}
	return strings.ToUpper(sb.String())
}

func (c *converter) rename(s *pg.RenameStmt) ast.Statement {
	if s.RenameType == pg.ObjectType_OBJECT_SCHEMA {
		return &ast.AlterSchema{Pos: c.start(), Name: s.Subname, NewName: s.Newname}
	}
	out := &ast.AlterRelation{Pos: c.start(), Name: c.rangeVarName(s.Relation), IfExists: s.MissingOk}
	switch s.RenameType {
	case pg.ObjectType_OBJECT_COLUMN:
		out.Kind = c.kind(s.RelationType)
		out.Actions = []ast.AlterAction{&ast.RenameColumn{Pos: ast.NoPos, Name: s.Subname, NewName: s.Newname}}
	case pg.ObjectType_OBJECT_TABCONSTRAINT:
		out.Kind = ast.KindTable
		out.Actions = []ast.AlterAction{&ast.RenameConstraint{Pos: ast.NoPos, Name: s.Subname, NewName: s.Newname}}
	default:
		out.Kind = c.kind(s.RenameType)
		c.refuse(s.Relation == nil, "renaming this kind of object", out.Pos)
		out.Actions = []ast.AlterAction{&ast.RenameRelation{Pos: ast.NoPos, NewName: s.Newname}}
	}
	return out
}

func (c *converter) alterObjectSchema(s *pg.AlterObjectSchemaStmt) ast.Statement {
	out := &ast.AlterRelation{Pos: c.start(), Kind: c.kind(s.ObjectType), Name: c.rangeVarName(s.Relation), IfExists: s.MissingOk,
		Actions: []ast.AlterAction{&ast.SetSchema{Pos: ast.NoPos, Schema: s.Newschema}}}
	c.refuse(s.Relation == nil, "SET SCHEMA for this kind of object", out.Pos)
	return out
}

func (c *converter) alterOwner(s *pg.AlterOwnerStmt) ast.Statement {
	kind := c.kind(s.ObjectType)
	c.refuse(kind != ast.KindSchema, "OWNER TO for this kind of object", c.start())
	return &ast.AlterSchema{Pos: c.start(), Name: str(s.Object), Owner: c.role(s.Newowner)}
}
