package parser

import (
	"math"

	pg "github.com/pganalyze/pg_query_go/v6"

	"streamdb/sql/ast"
)

func (c *converter) variableSet(s *pg.VariableSetStmt) ast.Statement {
	out := &ast.Set{Pos: c.start(), Name: s.Name, Local: s.IsLocal}
	switch s.Kind {
	case pg.VariableSetKind_VAR_SET_VALUE:
		out.Values = c.exprs(s.Args)
	case pg.VariableSetKind_VAR_SET_DEFAULT:
		out.Default = true
	case pg.VariableSetKind_VAR_RESET:
		out.Reset = true
	case pg.VariableSetKind_VAR_RESET_ALL:
		out.Name, out.Reset = "all", true
	case pg.VariableSetKind_VAR_SET_MULTI:
		switch s.Name {
		case "TRANSACTION":
			return &ast.SetTransaction{Pos: out.Pos, Modes: c.modes(s.Args)}
		case "SESSION CHARACTERISTICS":
			return &ast.SetTransaction{Pos: out.Pos, Session: true, Modes: c.modes(s.Args)}
		}
		c.unsupported("SET "+s.Name, out.Pos)
	default:
		c.unsupported("SET ... FROM CURRENT", out.Pos)
	}
	return out
}

func (c *converter) modes(list []*pg.Node) ast.TransactionModes {
	var m ast.TransactionModes
	for _, n := range list {
		d := n.GetDefElem()
		k := d.GetArg().GetAConst()
		on := k.GetIval().GetIval() != 0
		switch d.GetDefname() {
		case "transaction_isolation":
			m.Isolation = k.GetSval().GetSval()
		case "transaction_read_only":
			m.ReadOnly = &on
		case "transaction_deferrable":
			m.Deferrable = &on
		default:
			c.unsupported("transaction mode "+d.GetDefname(), c.pos(d.GetLocation()))
		}
	}
	return m
}

func (c *converter) transaction(s *pg.TransactionStmt) ast.Statement {
	pos := c.start()
	switch s.Kind {
	case pg.TransactionStmtKind_TRANS_STMT_BEGIN, pg.TransactionStmtKind_TRANS_STMT_START:
		return &ast.Begin{Pos: pos, Start: s.Kind == pg.TransactionStmtKind_TRANS_STMT_START, Modes: c.modes(s.Options)}
	case pg.TransactionStmtKind_TRANS_STMT_COMMIT:
		return &ast.Commit{Pos: pos, Chain: s.Chain}
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK:
		return &ast.Rollback{Pos: pos, Chain: s.Chain}
	case pg.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
		return &ast.Savepoint{Pos: pos, Name: s.SavepointName}
	case pg.TransactionStmtKind_TRANS_STMT_RELEASE:
		return &ast.Release{Pos: pos, Name: s.SavepointName}
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		return &ast.RollbackTo{Pos: pos, Name: s.SavepointName}
	}
	c.unsupported("two-phase commit", pos)
	return &ast.Rollback{Pos: pos}
}

// Bits of PostgreSQL's cursor options (parsenodes.h).
const (
	cursorBinary      = 0x01
	cursorScroll      = 0x02
	cursorNoScroll    = 0x04
	cursorInsensitive = 0x08
	cursorHold        = 0x20
)

func (c *converter) declareCursor(s *pg.DeclareCursorStmt) ast.Statement {
	out := &ast.DeclareCursor{
		Pos: c.start(), Name: s.Portalname,
		Binary: s.Options&cursorBinary != 0, Scroll: s.Options&cursorScroll != 0, NoScroll: s.Options&cursorNoScroll != 0,
		Insensitive: s.Options&cursorInsensitive != 0, Hold: s.Options&cursorHold != 0,
	}
	if c.notes.subscribe != nil {
		out.Query = c.notes.subscribe
	} else {
		out.Query = c.query(s.Query)
	}
	return out
}

func (c *converter) fetch(s *pg.FetchStmt) ast.Statement {
	out := &ast.Fetch{Pos: c.start(), Cursor: s.Portalname, Move: s.Ismove, Count: s.HowMany, All: s.HowMany == math.MaxInt64}
	switch s.Direction {
	case pg.FetchDirection_FETCH_BACKWARD:
		out.Direction = ast.FetchBackward
	case pg.FetchDirection_FETCH_ABSOLUTE:
		out.Direction = ast.FetchAbsolute
	case pg.FetchDirection_FETCH_RELATIVE:
		out.Direction = ast.FetchRelative
	}
	out.Options = c.notes.fetch
	return out
}

var lockModes = [...]string{"", "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE",
	"SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"}

func (c *converter) lock(s *pg.LockStmt) ast.Statement {
	out := &ast.Lock{Pos: c.start(), Tables: c.rangeVarNames(s.Relations), NoWait: s.Nowait}
	if s.Mode > 0 && int(s.Mode) < len(lockModes) {
		out.Mode = lockModes[s.Mode]
	}
	return out
}

func (c *converter) discard(s *pg.DiscardStmt) ast.Statement {
	out := &ast.Discard{Pos: c.start(), What: "all"}
	switch s.Target {
	case pg.DiscardMode_DISCARD_PLANS:
		out.What = "plans"
	case pg.DiscardMode_DISCARD_SEQUENCES:
		out.What = "sequences"
	case pg.DiscardMode_DISCARD_TEMP:
		out.What = "temp"
	}
	return out
}

func (c *converter) maintenance(s *pg.VacuumStmt) ast.Statement {
	out := &ast.Maintenance{Pos: c.start(), Analyze: !s.IsVacuumcmd, Options: c.optionList(s.Options)}
	for _, n := range s.Rels {
		out.Tables = append(out.Tables, c.rangeVarName(n.GetVacuumRelation().GetRelation()))
	}
	return out
}

func (c *converter) setConstraints(s *pg.ConstraintsSetStmt) ast.Statement {
	out := &ast.SetConstraints{Pos: c.start(), Deferred: s.Deferred}
	if len(s.Constraints) > 0 {
		out.Names = c.rangeVarNames(s.Constraints)
	}
	return out
}
