package parser

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

func (c *converter) funcCall(f *pg.FuncCall) ast.Expr {
	pos := c.pos(f.Location)
	return &ast.FuncCall{
		Pos:         pos,
		Name:        c.qualified(strs(f.Funcname), pos),
		Args:        c.exprs(f.Args),
		Star:        f.AggStar,
		Distinct:    f.AggDistinct,
		Variadic:    f.FuncVariadic,
		OrderBy:     c.sortItems(f.AggOrder),
		WithinGroup: f.AggWithinGroup,
		Filter:      c.expr(f.AggFilter),
		Over:        c.over(f.Over),
		SQLSyntax:   f.Funcformat == pg.CoercionForm_COERCE_SQL_SYNTAX,
	}
}

// over converts what follows OVER: the grammar puts a bare name into Name.
func (c *converter) over(w *pg.WindowDef) *ast.WindowDef {
	out := c.window(w)
	if out != nil && out.Name != "" {
		out.Ref, out.Name, out.RefOnly = out.Name, "", true
	}
	return out
}

func (c *converter) window(w *pg.WindowDef) *ast.WindowDef {
	if w == nil {
		return nil
	}
	return &ast.WindowDef{
		Pos:         c.pos(w.Location),
		Name:        w.Name,
		Ref:         w.Refname,
		PartitionBy: c.exprs(w.PartitionClause),
		OrderBy:     c.sortItems(w.OrderClause),
		Frame:       c.frame(w),
	}
}

// Bits of PostgreSQL's frameOptions (parsenodes.h).
const (
	frameNonDefault           = 0x00001
	frameRows                 = 0x00004
	frameGroups               = 0x00008
	frameStartUnboundedPrec   = 0x00020
	frameEndUnboundedPrec     = 0x00040
	frameStartUnboundedFollow = 0x00080
	frameEndUnboundedFollow   = 0x00100
	frameStartCurrent         = 0x00200
	frameEndCurrent           = 0x00400
	frameStartOffsetPrec      = 0x00800
	frameEndOffsetPrec        = 0x01000
	frameStartOffsetFollow    = 0x02000
	frameEndOffsetFollow      = 0x04000
	frameExcludeCurrent       = 0x08000
	frameExcludeGroup         = 0x10000
	frameExcludeTies          = 0x20000
)

func (c *converter) frame(w *pg.WindowDef) *ast.Frame {
	o := w.FrameOptions
	if o&frameNonDefault == 0 {
		return nil
	}
	f := &ast.Frame{}
	switch {
	case o&frameRows != 0:
		f.Mode = ast.FrameRows
	case o&frameGroups != 0:
		f.Mode = ast.FrameGroups
	}
	f.Start.Offset, f.End.Offset = c.expr(w.StartOffset), c.expr(w.EndOffset)
	for _, b := range []struct {
		start, end int32
		kind       ast.BoundKind
	}{
		{frameStartUnboundedPrec, frameEndUnboundedPrec, ast.UnboundedPreceding},
		{frameStartOffsetPrec, frameEndOffsetPrec, ast.OffsetPreceding},
		{frameStartCurrent, frameEndCurrent, ast.CurrentRow},
		{frameStartOffsetFollow, frameEndOffsetFollow, ast.OffsetFollowing},
		{frameStartUnboundedFollow, frameEndUnboundedFollow, ast.UnboundedFollowing},
	} {
		if o&b.start != 0 {
			f.Start.Kind = b.kind
		}
		if o&b.end != 0 {
			f.End.Kind = b.kind
		}
	}
	switch {
	case o&frameExcludeCurrent != 0:
		f.Exclude = ast.ExcludeCurrentRow
	case o&frameExcludeGroup != 0:
		f.Exclude = ast.ExcludeGroup
	case o&frameExcludeTies != 0:
		f.Exclude = ast.ExcludeTies
	}
	return f
}

func (c *converter) sortItems(list []*pg.Node) []ast.SortItem {
	var out []ast.SortItem
	for _, n := range list {
		s := n.GetSortBy()
		it := ast.SortItem{Expr: c.expr(s.GetNode()), Desc: s.GetSortbyDir() == pg.SortByDir_SORTBY_DESC,
			Nulls: nulls(s.GetSortbyNulls())}
		it.Pos = locate(it.Expr)
		if s.GetSortbyDir() == pg.SortByDir_SORTBY_USING {
			it.Desc = c.sortOperator(strs(s.GetUseOp()), it.Pos)
		}
		out = append(out, it)
	}
	return out
}

// sortOperator tells whether the operator of ORDER BY … USING sorts downward.
func (c *converter) sortOperator(op []string, pos ast.Pos) bool {
	name := ""
	if len(op) > 0 {
		name = op[len(op)-1]
	}
	if name != "<" && name != ">" {
		c.fail(sqlerr.New(sqlerr.WrongObjectType, "operator %s is not a valid ordering operator", name).
			WithHint("Ordering operators must be \"<\" or \">\" members of btree operator families.").At(int(pos)))
	}
	return name == ">"
}

func nulls(n pg.SortByNulls) ast.Nulls {
	switch n {
	case pg.SortByNulls_SORTBY_NULLS_FIRST:
		return ast.NullsFirst
	case pg.SortByNulls_SORTBY_NULLS_LAST:
		return ast.NullsLast
	}
	return ast.NullsDefault
}

// locate gives the place of the leftmost token of e: operators are placed at
// themselves, their operands before them.
func locate(e ast.Expr) ast.Pos {
	least := ast.NoPos
	if e == nil {
		return least
	}
	ast.WalkExpr(e, func(n ast.Node) bool {
		if p := ast.Pos(n.Loc()); p >= 0 && (least < 0 || p < least) {
			least = p
		}
		return true
	})
	return least
}
