package parser

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

// statement converts a statement and joins the notes that belong to it as a whole.
func (c *converter) statement(n *pg.Node) ast.Statement {
	s := c.statementNode(n)
	if c.err != nil || c.notes.emit == nil {
		return s
	}
	switch s := s.(type) {
	case *ast.Select:
		s.Emit = c.notes.emit
	case *ast.CreateMaterializedView:
		s.Emit = c.notes.emit
	case *ast.DeclareCursor:
		if q, ok := s.Query.(*ast.Select); ok {
			q.Emit = c.notes.emit
		}
	default:
		c.fail(sqlerr.Syntax(c.notes.emit.Loc(), "EMIT is not allowed in %s", s.Tag()).
			WithHint("EMIT belongs to a materialized view, a sink or a query."))
	}
	return s
}

// statementNode converts a statement; after a refusal it gives an empty query.
func (c *converter) statementNode(n *pg.Node) ast.Statement {
	switch v := n.GetNode().(type) {
	case *pg.Node_SelectStmt:
		if into := v.SelectStmt.IntoClause; into != nil {
			return c.selectInto(v.SelectStmt, into)
		}
		return c.selectStmt(v.SelectStmt)
	case *pg.Node_InsertStmt:
		return c.insert(v.InsertStmt)
	case *pg.Node_UpdateStmt:
		return c.update(v.UpdateStmt)
	case *pg.Node_DeleteStmt:
		return c.delete(v.DeleteStmt)
	case *pg.Node_CopyStmt:
		return c.copyStmt(v.CopyStmt)
	case *pg.Node_TruncateStmt:
		return &ast.Truncate{Pos: c.start(), Tables: c.rangeVarNames(v.TruncateStmt.Relations),
			RestartIdentity: v.TruncateStmt.RestartSeqs, Cascade: v.TruncateStmt.Behavior == pg.DropBehavior_DROP_CASCADE}
	case *pg.Node_TransactionStmt:
		return c.transaction(v.TransactionStmt)
	case *pg.Node_VariableSetStmt:
		return c.variableSet(v.VariableSetStmt)
	}
	return c.definition(n)
}

func (c *converter) definition(n *pg.Node) ast.Statement {
	switch v := n.GetNode().(type) {
	case *pg.Node_CreateStmt:
		return c.createTable(v.CreateStmt)
	case *pg.Node_CreateTableAsStmt:
		return c.createTableAs(v.CreateTableAsStmt)
	case *pg.Node_ViewStmt:
		return c.createView(v.ViewStmt)
	case *pg.Node_IndexStmt:
		return c.createIndex(v.IndexStmt)
	case *pg.Node_CreateSchemaStmt:
		return c.createSchema(v.CreateSchemaStmt)
	case *pg.Node_CreateSeqStmt:
		return c.createSequence(v.CreateSeqStmt)
	case *pg.Node_AlterSeqStmt:
		return &ast.AlterSequence{Pos: c.start(), Name: c.rangeVarName(v.AlterSeqStmt.Sequence),
			IfExists: v.AlterSeqStmt.MissingOk, Options: c.sequenceOptions(v.AlterSeqStmt.Options)}
	case *pg.Node_AlterTableStmt:
		return c.alterTable(v.AlterTableStmt)
	case *pg.Node_RenameStmt:
		return c.rename(v.RenameStmt)
	case *pg.Node_AlterObjectSchemaStmt:
		return c.alterObjectSchema(v.AlterObjectSchemaStmt)
	case *pg.Node_AlterOwnerStmt:
		return c.alterOwner(v.AlterOwnerStmt)
	case *pg.Node_DropStmt:
		return c.drop(v.DropStmt)
	case *pg.Node_CommentStmt:
		return c.comment(v.CommentStmt)
	case *pg.Node_GrantStmt:
		return c.grant(v.GrantStmt)
	case *pg.Node_GrantRoleStmt:
		return c.grantRole(v.GrantRoleStmt)
	case *pg.Node_RefreshMatViewStmt:
		r := v.RefreshMatViewStmt
		return &ast.RefreshMaterializedView{Pos: c.start(), Name: c.rangeVarName(r.Relation), Concurrently: r.Concurrent, WithNoData: r.SkipData}
	}
	return c.sessionStatement(n)
}

func (c *converter) sessionStatement(n *pg.Node) ast.Statement {
	switch v := n.GetNode().(type) {
	case *pg.Node_PrepareStmt:
		return &ast.Prepare{Pos: c.start(), Name: v.PrepareStmt.Name, Types: c.typeNames(v.PrepareStmt.Argtypes),
			Stmt: c.statementNode(v.PrepareStmt.Query)}
	case *pg.Node_ExecuteStmt:
		return &ast.Execute{Pos: c.start(), Name: v.ExecuteStmt.Name, Args: c.exprs(v.ExecuteStmt.Params)}
	case *pg.Node_DeallocateStmt:
		name := v.DeallocateStmt.Name
		return &ast.Deallocate{Pos: c.start(), Name: name, All: name == ""}
	case *pg.Node_DeclareCursorStmt:
		return c.declareCursor(v.DeclareCursorStmt)
	case *pg.Node_FetchStmt:
		return c.fetch(v.FetchStmt)
	case *pg.Node_ClosePortalStmt:
		name := v.ClosePortalStmt.Portalname
		return &ast.CloseCursor{Pos: c.start(), Name: name, All: name == ""}
	case *pg.Node_VariableShowStmt:
		return &ast.Show{Pos: c.start(), Name: v.VariableShowStmt.Name}
	case *pg.Node_DiscardStmt:
		return c.discard(v.DiscardStmt)
	case *pg.Node_CheckPointStmt:
		return &ast.Checkpoint{Pos: c.start()}
	case *pg.Node_LockStmt:
		return c.lock(v.LockStmt)
	case *pg.Node_VacuumStmt:
		return c.maintenance(v.VacuumStmt)
	case *pg.Node_ConstraintsSetStmt:
		return c.setConstraints(v.ConstraintsSetStmt)
	}
	c.unsupported(statementWords(n), c.start())
	return &ast.Select{Pos: ast.NoPos, Body: &ast.Values{Pos: ast.NoPos}}
}

// otherStatements are PostgreSQL's statements we refuse, in its words.
var otherStatements = map[string]string{
	"MergeStmt": "MERGE", "DoStmt": "DO", "CallStmt": "CALL", "ListenStmt": "LISTEN", "UnlistenStmt": "UNLISTEN",
	"NotifyStmt": "NOTIFY", "CreateFunctionStmt": "CREATE FUNCTION", "AlterFunctionStmt": "ALTER FUNCTION",
	"CreateTrigStmt": "CREATE TRIGGER", "CreateRoleStmt": "CREATE ROLE", "AlterRoleStmt": "ALTER ROLE",
	"AlterRoleSetStmt": "ALTER ROLE SET", "DropRoleStmt": "DROP ROLE", "CreatedbStmt": "CREATE DATABASE",
	"DropdbStmt": "DROP DATABASE", "AlterDatabaseStmt": "ALTER DATABASE", "AlterDatabaseSetStmt": "ALTER DATABASE SET",
	"CreateExtensionStmt": "CREATE EXTENSION", "AlterExtensionStmt": "ALTER EXTENSION", "CompositeTypeStmt": "CREATE TYPE",
	"CreateEnumStmt": "CREATE TYPE", "CreateRangeStmt": "CREATE TYPE", "DefineStmt": "CREATE TYPE, AGGREGATE or OPERATOR",
	"AlterEnumStmt": "ALTER TYPE", "AlterTypeStmt": "ALTER TYPE", "CreateDomainStmt": "CREATE DOMAIN",
	"AlterDomainStmt": "ALTER DOMAIN", "RuleStmt": "CREATE RULE", "CreatePolicyStmt": "CREATE POLICY",
	"CreateStatsStmt": "CREATE STATISTICS", "CreateCastStmt": "CREATE CAST", "CreateForeignTableStmt": "CREATE FOREIGN TABLE",
	"CreateForeignServerStmt": "CREATE SERVER", "CreateFdwStmt": "CREATE FOREIGN DATA WRAPPER",
	"CreatePublicationStmt": "CREATE PUBLICATION", "CreateSubscriptionStmt": "CREATE SUBSCRIPTION",
	"CreateTableSpaceStmt": "CREATE TABLESPACE", "AlterDefaultPrivilegesStmt": "ALTER DEFAULT PRIVILEGES",
	"AlterSystemStmt": "ALTER SYSTEM", "ReindexStmt": "REINDEX", "ClusterStmt": "CLUSTER", "LoadStmt": "LOAD",
	"SecLabelStmt": "SECURITY LABEL", "DropOwnedStmt": "DROP OWNED", "ReassignOwnedStmt": "REASSIGN OWNED",
}

func statementWords(n *pg.Node) string {
	name := nodeName(n)
	if w, ok := otherStatements[name]; ok {
		return w
	}
	return "statement " + name
}
