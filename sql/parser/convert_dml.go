package parser

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"streamdb/sql/ast"
)

func (c *converter) insert(s *pg.InsertStmt) *ast.Insert {
	out := &ast.Insert{
		Pos:        c.start(),
		With:       c.with(s.WithClause),
		Table:      c.rangeVarName(s.Relation),
		Columns:    c.insertColumns(s.Cols),
		OnConflict: c.onConflict(s.OnConflictClause),
		Returning:  c.returning(s.ReturningList),
	}
	if a := s.Relation.GetAlias(); a != nil {
		out.Alias = a.Aliasname
	}
	if s.SelectStmt != nil {
		out.Source = c.query(s.SelectStmt)
	}
	switch s.Override {
	case pg.OverridingKind_OVERRIDING_USER_VALUE:
		out.Overriding = ast.OverridingUserValue
	case pg.OverridingKind_OVERRIDING_SYSTEM_VALUE:
		out.Overriding = ast.OverridingSystemValue
	}
	return out
}

func (c *converter) returning(list []*pg.Node) []ast.Target {
	if len(list) == 0 {
		return nil
	}
	return c.targets(list)
}

func (c *converter) insertColumns(list []*pg.Node) []ast.InsertColumn {
	var out []ast.InsertColumn
	for _, n := range list {
		out = append(out, c.insertColumn(n.GetResTarget()))
	}
	return out
}

func (c *converter) insertColumn(r *pg.ResTarget) ast.InsertColumn {
	col := ast.InsertColumn{Pos: c.pos(r.GetLocation()), Name: r.GetName()}
	for _, n := range r.GetIndirection() {
		ix := n.GetAIndices()
		if ix == nil {
			c.unsupported("assigning to a field of a column", col.Pos)
			return col
		}
		col.Indexes = append(col.Indexes, c.index(ix))
	}
	return col
}

func (c *converter) onConflict(o *pg.OnConflictClause) *ast.OnConflict {
	if o == nil {
		return nil
	}
	out := &ast.OnConflict{
		Pos:       c.pos(o.Location),
		DoNothing: o.Action == pg.OnConflictAction_ONCONFLICT_NOTHING,
		Set:       c.assignments(o.TargetList),
		SetWhere:  c.expr(o.WhereClause),
	}
	if o.Infer != nil {
		out.Target = c.indexElems(o.Infer.IndexElems)
		out.Where = c.expr(o.Infer.WhereClause)
		out.Constraint = o.Infer.Conname
	}
	return out
}

func (c *converter) indexElems(list []*pg.Node) []ast.IndexElem {
	var out []ast.IndexElem
	for _, n := range list {
		e := n.GetIndexElem()
		elem := ast.IndexElem{Pos: ast.NoPos, Column: e.GetName(), Expr: c.expr(e.GetExpr()), Nulls: nulls(e.GetNullsOrdering()),
			Desc: e.GetOrdering() == pg.SortByDir_SORTBY_DESC}
		if elem.Expr != nil {
			elem.Pos = locate(elem.Expr)
		}
		if coll := strs(e.GetCollation()); coll != nil {
			name := c.qualified(coll, ast.NoPos)
			elem.Collation = &name
		}
		if class := strs(e.GetOpclass()); class != nil {
			name := c.qualified(class, ast.NoPos)
			elem.OpClass = &name
		}
		c.refuse(len(e.GetOpclassopts()) > 0, "operator class parameters", elem.Pos)
		out = append(out, elem)
	}
	return out
}

// assignments converts a SET list. The grammar gives every column of
// (a, b) = source its own entry, numbered from 1; they become one again.
func (c *converter) assignments(list []*pg.Node) []ast.Assignment {
	var out []ast.Assignment
	for _, n := range list {
		r := n.GetResTarget()
		col := c.insertColumn(r)
		multi := r.GetVal().GetMultiAssignRef()
		switch {
		case multi == nil:
			out = append(out, ast.Assignment{Pos: col.Pos, Columns: []ast.InsertColumn{col}, Value: c.expr(r.GetVal())})
		case multi.Colno == 1:
			out = append(out, ast.Assignment{Pos: col.Pos, Multi: true, Columns: []ast.InsertColumn{col}, Value: c.expr(multi.Source)})
		case len(out) > 0:
			last := &out[len(out)-1]
			last.Columns = append(last.Columns, col)
		}
	}
	return out
}

func (c *converter) update(s *pg.UpdateStmt) *ast.Update {
	return &ast.Update{
		Pos:       c.start(),
		With:      c.with(s.WithClause),
		Table:     c.tableName(s.Relation),
		Set:       c.assignments(s.TargetList),
		From:      c.tableRefs(s.FromClause),
		Where:     c.expr(s.WhereClause),
		Returning: c.returning(s.ReturningList),
	}
}

func (c *converter) delete(s *pg.DeleteStmt) *ast.Delete {
	return &ast.Delete{
		Pos:       c.start(),
		With:      c.with(s.WithClause),
		Table:     c.tableName(s.Relation),
		Using:     c.tableRefs(s.UsingClause),
		Where:     c.expr(s.WhereClause),
		Returning: c.returning(s.ReturningList),
	}
}

func (c *converter) copyStmt(s *pg.CopyStmt) *ast.Copy {
	out := &ast.Copy{
		Pos:     c.start(),
		From:    s.IsFrom,
		File:    s.Filename,
		Program: s.IsProgram,
		Options: c.optionList(s.Options),
		Where:   c.expr(s.WhereClause),
	}
	if s.Relation != nil {
		name := c.rangeVarName(s.Relation)
		out.Table = &name
	}
	for _, n := range s.Attlist {
		out.Columns = append(out.Columns, ast.InsertColumn{Pos: ast.NoPos, Name: str(n)})
	}
	if s.Query != nil {
		out.Query = c.statementNode(s.Query)
	}
	if c.notes.subscribe != nil {
		out.Query = c.notes.subscribe
	}
	return out
}
