package ast

// Insert is INSERT INTO.
type Insert struct {
	Pos
	With       *With
	Table      Name
	Alias      string
	Columns    []InsertColumn // nil means all
	Source     *Select        // nil means DEFAULT VALUES
	Overriding Overriding
	OnConflict *OnConflict
	Returning  []Target
}

// InsertColumn is a column of INSERT's list or of SET's left side.
type InsertColumn struct {
	Pos
	Name string
	// Indexes is set by SET a[1] = x.
	Indexes []Index
}

// Overriding is INSERT's OVERRIDING clause.
type Overriding uint8

// Values of Overriding.
const (
	OverridingNone Overriding = iota
	OverridingUserValue
	OverridingSystemValue
)

// OnConflict is ON CONFLICT.
type OnConflict struct {
	Pos
	Target     []IndexElem // columns or expressions, may be empty
	Where      Expr        // of the target
	Constraint string      // ON CONSTRAINT name
	DoNothing  bool
	Set        []Assignment
	SetWhere   Expr
}

// Assignment is SET column = value, or SET (columns) = value where Value is a
// *Row of as many expressions or a *Subquery.
type Assignment struct {
	Pos
	Columns []InsertColumn
	Multi   bool // the left side was a list in parentheses
	Value   Expr // a *Default may stand here or in the *Row
}

// Update is UPDATE.
type Update struct {
	Pos
	With      *With
	Table     *TableName
	Set       []Assignment
	From      []TableRef
	Where     Expr
	Returning []Target
}

// Delete is DELETE FROM.
type Delete struct {
	Pos
	With      *With
	Table     *TableName
	Using     []TableRef
	Where     Expr
	Returning []Target
}

// Truncate is TRUNCATE.
type Truncate struct {
	Pos
	Tables          []Name
	RestartIdentity bool
	Cascade         bool
}

// Copy is COPY table or query FROM or TO.
type Copy struct {
	Pos
	Table   *Name // nil if Query is set
	Columns []InsertColumn
	Query   Statement // *Select, *Subscribe, or DML with RETURNING
	From    bool      // else TO
	File    string    // empty means STDIN or STDOUT
	Program bool      // File is a command
	Options []Option  // names as the newer spelling has them: format, delimiter, null, ...
	Where   Expr
}

// Tag is INSERT; the protocol adds "0 n".
func (*Insert) Tag() string { return "INSERT" }

// Tag is UPDATE; the protocol adds the count.
func (*Update) Tag() string { return "UPDATE" }

// Tag is DELETE; the protocol adds the count.
func (*Delete) Tag() string { return "DELETE" }

// Tag is TRUNCATE TABLE.
func (*Truncate) Tag() string { return "TRUNCATE TABLE" }

// Tag is COPY; the protocol adds the count.
func (*Copy) Tag() string { return "COPY" }
