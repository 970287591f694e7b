package ast

import "strings"

// Explain is EXPLAIN of a statement, or of a running object.
type Explain struct {
	Pos
	Analyze bool
	Verbose bool
	Options []Option  // logical, physical, fragments, format, ... without the two above
	Stmt    Statement // nil if Object is set
	Kind    ObjectKind
	Object  *Name // EXPLAIN [ANALYZE] MATERIALIZED VIEW name
}

// Show is SHOW name of a setting; "all" is SHOW ALL.
type Show struct {
	Pos
	Name string // folded: timezone for TIME ZONE, transaction_isolation, ...
}

// ShowObjects is SHOW TABLES and its kin.
type ShowObjects struct {
	Pos
	Kind ObjectKind // KindTable, KindSource, ..., KindSchema, KindDatabase, KindColumn
	// From is the schema, or for KindColumn and KindIndex the relation.
	From *Name
	Like string // empty means all
}

// ShowCreate is SHOW CREATE kind name.
type ShowCreate struct {
	Pos
	Kind ObjectKind
	Name Name
}

// Describe is DESCRIBE relation.
type Describe struct {
	Pos
	Name Name
}

// Set is SET [SESSION | LOCAL] name = values; RESET if Reset is set.
type Set struct {
	Pos
	Name    string // "all" with Reset is RESET ALL
	Local   bool
	Default bool // SET name TO DEFAULT
	Reset   bool
	Values  []Expr // literals, or a *Cast to interval for TIME ZONE
}

// Text gives the value as PostgreSQL stores it: a list joined by commas, its
// parts quoted as identifiers when there are several.
func (s *Set) Text() string {
	var sb strings.Builder
	for i, v := range s.Values {
		if i > 0 {
			sb.WriteString(", ")
		}
		switch v := v.(type) {
		case *StringLit:
			if len(s.Values) > 1 {
				sb.WriteString(QuoteIdent(v.Value))
			} else {
				sb.WriteString(v.Value)
			}
		case *Cast:
			if lit, ok := v.Arg.(*StringLit); ok {
				sb.WriteString(lit.Value)
			}
		default:
			sb.WriteString(String(v))
		}
	}
	return sb.String()
}

// TransactionModes are the modes of BEGIN and SET TRANSACTION. A nil pointer
// and an empty string mean "not said".
type TransactionModes struct {
	Isolation  string // "serializable", "repeatable read", "read committed", "read uncommitted"
	ReadOnly   *bool
	Deferrable *bool
}

// SetTransaction is SET TRANSACTION, or SET SESSION CHARACTERISTICS AS
// TRANSACTION if Session is set.
type SetTransaction struct {
	Pos
	Session bool
	Modes   TransactionModes
}

// Begin is BEGIN or START TRANSACTION.
type Begin struct {
	Pos
	Start bool // written START TRANSACTION
	Modes TransactionModes
}

// Commit is COMMIT or END.
type Commit struct {
	Pos
	Chain bool
}

// Rollback is ROLLBACK or ABORT.
type Rollback struct {
	Pos
	Chain bool
}

// Savepoint is SAVEPOINT.
type Savepoint struct {
	Pos
	Name string
}

// Release is RELEASE SAVEPOINT.
type Release struct {
	Pos
	Name string
}

// RollbackTo is ROLLBACK TO SAVEPOINT.
type RollbackTo struct {
	Pos
	Name string
}

// Prepare is PREPARE name (types) AS statement.
type Prepare struct {
	Pos
	Name  string
	Types []*TypeName
	Stmt  Statement
}

// Execute is EXECUTE name (arguments).
type Execute struct {
	Pos
	Name string
	Args []Expr
}

// Deallocate is DEALLOCATE name or ALL.
type Deallocate struct {
	Pos
	Name string // empty means ALL
	All  bool
}

// DeclareCursor is DECLARE name CURSOR FOR query.
type DeclareCursor struct {
	Pos
	Name        string
	Binary      bool
	Scroll      bool
	NoScroll    bool
	Insensitive bool
	Hold        bool
	Query       Statement // *Select or *Subscribe
}

// FetchDirection is where FETCH goes.
type FetchDirection uint8

// Directions of FETCH.
const (
	FetchForward FetchDirection = iota
	FetchBackward
	FetchAbsolute
	FetchRelative
)

// Fetch is FETCH, or MOVE if Move is set.
type Fetch struct {
	Pos
	Cursor    string
	Move      bool
	Direction FetchDirection
	Count     int64 // ignored if All; negative forward is backward
	All       bool
	Options   []Option // WITH (timeout = ...), of a subscription
}

// CloseCursor is CLOSE name or ALL.
type CloseCursor struct {
	Pos
	Name string
	All  bool
}

// Discard is DISCARD all, plans, sequences or temp.
type Discard struct {
	Pos
	What string
}

// Checkpoint is CHECKPOINT.
type Checkpoint struct{ Pos }

// Lock is LOCK TABLE.
type Lock struct {
	Pos
	Tables []Name
	Mode   string // "ACCESS EXCLUSIVE", ...
	NoWait bool
}

// Maintenance is VACUUM or ANALYZE.
type Maintenance struct {
	Pos
	Analyze bool // else VACUUM
	Tables  []Name
	Options []Option
}

// SetConstraints is SET CONSTRAINTS ALL or names, DEFERRED or IMMEDIATE.
type SetConstraints struct {
	Pos
	Names    []Name // empty means ALL
	Deferred bool
}

// Tag is EXPLAIN.
func (*Explain) Tag() string { return "EXPLAIN" }

// Tag is SHOW.
func (*Show) Tag() string { return "SHOW" }

// Tag is SHOW.
func (*ShowObjects) Tag() string { return "SHOW" }

// Tag is SHOW.
func (*ShowCreate) Tag() string { return "SHOW" }

// Tag is DESCRIBE.
func (*Describe) Tag() string { return "DESCRIBE" }

// Tag is SET or RESET.
func (s *Set) Tag() string {
	if s.Reset {
		return "RESET"
	}
	return "SET"
}

// Tag is SET.
func (*SetTransaction) Tag() string { return "SET" }

// Tag is BEGIN or START TRANSACTION.
func (s *Begin) Tag() string {
	if s.Start {
		return "START TRANSACTION"
	}
	return "BEGIN"
}

// Tag is COMMIT.
func (*Commit) Tag() string { return "COMMIT" }

// Tag is ROLLBACK.
func (*Rollback) Tag() string { return "ROLLBACK" }

// Tag is SAVEPOINT.
func (*Savepoint) Tag() string { return "SAVEPOINT" }

// Tag is RELEASE.
func (*Release) Tag() string { return "RELEASE" }

// Tag is ROLLBACK.
func (*RollbackTo) Tag() string { return "ROLLBACK" }

// Tag is PREPARE.
func (*Prepare) Tag() string { return "PREPARE" }

// Tag is EXECUTE; the protocol answers with the prepared statement's.
func (*Execute) Tag() string { return "EXECUTE" }

// Tag is DEALLOCATE or DEALLOCATE ALL.
func (s *Deallocate) Tag() string {
	if s.All {
		return "DEALLOCATE ALL"
	}
	return "DEALLOCATE"
}

// Tag is DECLARE CURSOR.
func (*DeclareCursor) Tag() string { return "DECLARE CURSOR" }

// Tag is FETCH or MOVE; the protocol adds the count.
func (s *Fetch) Tag() string {
	if s.Move {
		return "MOVE"
	}
	return "FETCH"
}

// Tag is CLOSE CURSOR or CLOSE CURSOR ALL.
func (s *CloseCursor) Tag() string {
	if s.All {
		return "CLOSE CURSOR ALL"
	}
	return "CLOSE CURSOR"
}

// Tag is DISCARD and what.
func (s *Discard) Tag() string { return "DISCARD " + strings.ToUpper(s.What) }

// Tag is CHECKPOINT.
func (*Checkpoint) Tag() string { return "CHECKPOINT" }

// Tag is LOCK TABLE.
func (*Lock) Tag() string { return "LOCK TABLE" }

// Tag is VACUUM or ANALYZE.
func (s *Maintenance) Tag() string {
	if s.Analyze {
		return "ANALYZE"
	}
	return "VACUUM"
}

// Tag is SET CONSTRAINTS.
func (*SetConstraints) Tag() string { return "SET CONSTRAINTS" }
