package planner

import (
	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

func (p *Planner) insert(s *ast.Insert, _ []types.Type) (Planned, error) {
	return nil, sqlerr.Unsupported(s.Tag(), s.Loc())
}
func (p *Planner) update(s *ast.Update, _ []types.Type) (Planned, error) {
	return nil, sqlerr.Unsupported(s.Tag(), s.Loc())
}
func (p *Planner) delete(s *ast.Delete, _ []types.Type) (Planned, error) {
	return nil, sqlerr.Unsupported(s.Tag(), s.Loc())
}
func (p *Planner) truncate(s *ast.Truncate) (Planned, error) {
	return nil, sqlerr.Unsupported(s.Tag(), s.Loc())
}
func (p *Planner) copyStatement(s *ast.Copy, _ []types.Type) (Planned, error) {
	return nil, sqlerr.Unsupported(s.Tag(), s.Loc())
}
func (p *Planner) subscribe(s *ast.Subscribe) (Planned, error) {
	return nil, sqlerr.Unsupported(s.Tag(), s.Loc())
}
func (p *Planner) ddl(s ast.Statement) (Planned, error) {
	return nil, sqlerr.Unsupported(s.Tag(), s.Loc())
}
