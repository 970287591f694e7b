package ast

// AlterRelation is ALTER TABLE, VIEW, MATERIALIZED VIEW, SOURCE, SINK, INDEX or
// SEQUENCE with one or several actions, applied in order and together.
type AlterRelation struct {
	Pos
	Kind     ObjectKind
	Name     Name
	IfExists bool
	Actions  []AlterAction
}

// AlterAction is one action of an AlterRelation.
type AlterAction interface {
	Node
	alterAction()
}

// AddColumn is ADD COLUMN.
type AddColumn struct {
	Pos
	Column      *ColumnDef
	IfNotExists bool
}

// DropColumn is DROP COLUMN.
type DropColumn struct {
	Pos
	Name     string
	IfExists bool
	Cascade  bool
}

// SetColumnDefault is ALTER COLUMN SET DEFAULT, or DROP DEFAULT if nil.
type SetColumnDefault struct {
	Pos
	Column  string
	Default Expr
}

// SetColumnNotNull is ALTER COLUMN SET NOT NULL or DROP NOT NULL.
type SetColumnNotNull struct {
	Pos
	Column  string
	NotNull bool
}

// SetColumnType is ALTER COLUMN TYPE.
type SetColumnType struct {
	Pos
	Column string
	Type   *TypeName
	Using  Expr
}

// AddConstraint is ADD CONSTRAINT.
type AddConstraint struct {
	Pos
	Constraint *Constraint
}

// DropConstraint is DROP CONSTRAINT.
type DropConstraint struct {
	Pos
	Name     string
	IfExists bool
	Cascade  bool
}

// RenameColumn is RENAME COLUMN.
type RenameColumn struct {
	Pos
	Name, NewName string
}

// RenameConstraint is RENAME CONSTRAINT.
type RenameConstraint struct {
	Pos
	Name, NewName string
}

// RenameRelation is RENAME TO.
type RenameRelation struct {
	Pos
	NewName string
}

// SetSchema is SET SCHEMA.
type SetSchema struct {
	Pos
	Schema string
}

// SetOwner is OWNER TO; the role may be current_user or session_user.
type SetOwner struct {
	Pos
	Role string
}

// SetOptions is SET (...), or RESET (...) whose options are flags.
type SetOptions struct {
	Pos
	Options []Option
	Reset   bool
}

// AddWatermark is ADD WATERMARK FOR, or MODIFY WATERMARK FOR of a column that has one.
type AddWatermark struct {
	Pos
	Watermark *Watermark
	Modify    bool
}

// DropWatermark is DROP WATERMARK FOR.
type DropWatermark struct {
	Pos
	Column string
}

// AlterSchema is ALTER SCHEMA RENAME TO or OWNER TO; one of the two is set.
type AlterSchema struct {
	Pos
	Name    string
	NewName string
	Owner   string
}

func (*AddColumn) alterAction()        {}
func (*DropColumn) alterAction()       {}
func (*SetColumnDefault) alterAction() {}
func (*SetColumnNotNull) alterAction() {}
func (*SetColumnType) alterAction()    {}
func (*AddConstraint) alterAction()    {}
func (*DropConstraint) alterAction()   {}
func (*RenameColumn) alterAction()     {}
func (*RenameConstraint) alterAction() {}
func (*RenameRelation) alterAction()   {}
func (*SetSchema) alterAction()        {}
func (*SetOwner) alterAction()         {}
func (*SetOptions) alterAction()       {}
func (*AddWatermark) alterAction()     {}
func (*DropWatermark) alterAction()    {}

// Tag is ALTER and the kind.
func (s *AlterRelation) Tag() string { return "ALTER " + s.Kind.SQL() }

// Tag is ALTER SCHEMA.
func (*AlterSchema) Tag() string { return "ALTER SCHEMA" }
