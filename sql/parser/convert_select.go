package parser

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

// query converts a node that must be a SELECT.
func (c *converter) query(n *pg.Node) *ast.Select {
	s := n.GetSelectStmt()
	if s == nil {
		c.unsupported("query "+nodeName(n), ast.NoPos)
		return &ast.Select{Pos: ast.NoPos, Body: &ast.Values{Pos: ast.NoPos}}
	}
	return c.selectStmt(s)
}

func (c *converter) selectStmt(s *pg.SelectStmt) *ast.Select {
	c.refuse(s.IntoClause != nil, "SELECT INTO", c.pos(s.IntoClause.GetRel().GetLocation()))
	q := &ast.Select{
		With:     c.with(s.WithClause),
		OrderBy:  c.sortItems(s.SortClause),
		Limit:    c.expr(s.LimitCount),
		Offset:   c.expr(s.LimitOffset),
		WithTies: s.LimitOption == pg.LimitOption_LIMIT_OPTION_WITH_TIES,
		Locking:  c.locking(s.LockingClause),
	}
	switch {
	case s.Op == pg.SetOperation_SETOP_UNION || s.Op == pg.SetOperation_SETOP_INTERSECT || s.Op == pg.SetOperation_SETOP_EXCEPT:
		q.Body = c.setOperation(s)
	case len(s.ValuesLists) > 0:
		q.Body = c.values(s.ValuesLists)
	default:
		q.Body = c.core(s)
	}
	q.Pos = ast.Pos(q.Body.Loc())
	if q.With != nil {
		q.Pos = q.With.Pos
	}
	return q
}

func (c *converter) setOperation(s *pg.SelectStmt) *ast.SetOperation {
	op := &ast.SetOperation{All: s.All, Left: c.selectStmt(s.Larg), Right: c.selectStmt(s.Rarg)}
	switch s.Op {
	case pg.SetOperation_SETOP_INTERSECT:
		op.Op = ast.Intersect
	case pg.SetOperation_SETOP_EXCEPT:
		op.Op = ast.Except
	}
	op.Pos = op.Left.Pos
	return op
}

func (c *converter) values(lists []*pg.Node) *ast.Values {
	v := &ast.Values{Pos: ast.NoPos, Rows: make([][]ast.Expr, len(lists))}
	for i, n := range lists {
		v.Rows[i] = c.exprs(n.GetList().GetItems())
	}
	if len(v.Rows[0]) > 0 {
		v.Pos = locate(v.Rows[0][0])
	}
	return v
}

func (c *converter) core(s *pg.SelectStmt) *ast.SelectCore {
	core := &ast.SelectCore{
		Pos:           ast.NoPos,
		Targets:       c.targets(s.TargetList),
		From:          c.tableRefs(s.FromClause),
		Where:         c.expr(s.WhereClause),
		GroupBy:       c.groupItems(s.GroupClause),
		GroupDistinct: s.GroupDistinct,
		Having:        c.expr(s.HavingClause),
	}
	if d := s.DistinctClause; len(d) > 0 {
		core.Distinct = true
		if len(d) > 1 || d[0].GetNode() != nil { // plain DISTINCT is a list of one empty node
			core.DistinctOn = c.exprs(d)
		}
	}
	for _, w := range s.WindowClause {
		core.Windows = append(core.Windows, c.window(w.GetWindowDef()))
	}
	if len(core.Targets) > 0 {
		core.Pos = core.Targets[0].Pos
	}
	return core
}

func (c *converter) targets(list []*pg.Node) []ast.Target {
	out := make([]ast.Target, 0, len(list))
	for _, n := range list {
		r := n.GetResTarget()
		out = append(out, ast.Target{Pos: c.pos(r.GetLocation()), Expr: c.expr(r.GetVal()), Alias: r.GetName()})
	}
	return out
}

func (c *converter) groupItems(list []*pg.Node) []ast.GroupItem {
	var out []ast.GroupItem
	for _, n := range list {
		set := n.GetGroupingSet()
		if set == nil {
			e := c.expr(n)
			out = append(out, ast.GroupItem{Pos: locate(e), Expr: e})
			continue
		}
		g := ast.GroupItem{Pos: c.pos(set.Location)}
		switch set.Kind {
		case pg.GroupingSetKind_GROUPING_SET_EMPTY:
			g.Kind = ast.GroupEmpty
		case pg.GroupingSetKind_GROUPING_SET_ROLLUP:
			g.Kind = ast.GroupRollup
		case pg.GroupingSetKind_GROUPING_SET_CUBE:
			g.Kind = ast.GroupCube
		default:
			g.Kind = ast.GroupSets
		}
		g.Items = c.groupItems(set.Content)
		out = append(out, g)
	}
	return out
}

func (c *converter) with(w *pg.WithClause) *ast.With {
	if w == nil {
		return nil
	}
	out := &ast.With{Pos: c.pos(w.Location), Recursive: w.Recursive}
	for _, n := range w.Ctes {
		t := n.GetCommonTableExpr()
		cte := &ast.CTE{
			Pos:             c.pos(t.GetLocation()),
			Name:            t.GetCtename(),
			Columns:         strs(t.GetAliascolnames()),
			Materialized:    t.GetCtematerialized() == pg.CTEMaterialize_CTEMaterializeAlways,
			NotMaterialized: t.GetCtematerialized() == pg.CTEMaterialize_CTEMaterializeNever,
		}
		c.refuse(t.GetSearchClause() != nil, "SEARCH in WITH", cte.Pos)
		c.refuse(t.GetCycleClause() != nil, "CYCLE in WITH", cte.Pos)
		cte.Stmt = c.statementNode(t.GetCtequery())
		out.CTEs = append(out.CTEs, cte)
	}
	return out
}

func (c *converter) locking(list []*pg.Node) []ast.Locking {
	var out []ast.Locking
	for _, n := range list {
		l := n.GetLockingClause()
		k := ast.Locking{NoWait: l.GetWaitPolicy() == pg.LockWaitPolicy_LockWaitError,
			SkipLocked: l.GetWaitPolicy() == pg.LockWaitPolicy_LockWaitSkip}
		switch l.GetStrength() {
		case pg.LockClauseStrength_LCS_FORSHARE:
			k.Strength = ast.ForShare
		case pg.LockClauseStrength_LCS_FORNOKEYUPDATE:
			k.Strength = ast.ForNoKeyUpdate
		case pg.LockClauseStrength_LCS_FORUPDATE:
			k.Strength = ast.ForUpdate
		}
		if rels := l.GetLockedRels(); len(rels) > 0 {
			k.Of = c.rangeVarNames(rels)
		}
		out = append(out, k)
	}
	return out
}

func alias(a *pg.Alias) *ast.Alias {
	if a == nil {
		return nil
	}
	return &ast.Alias{Name: a.Aliasname, Columns: strs(a.Colnames)}
}

func (c *converter) tableRefs(list []*pg.Node) []ast.TableRef {
	var out []ast.TableRef
	for _, n := range list {
		out = append(out, c.tableRef(n))
	}
	return out
}

func (c *converter) tableName(r *pg.RangeVar) *ast.TableName {
	return &ast.TableName{Pos: c.pos(r.GetLocation()), Name: c.rangeVarName(r), Only: !r.GetInh(), Alias: alias(r.GetAlias())}
}

func (c *converter) tableRef(n *pg.Node) ast.TableRef {
	switch v := n.GetNode().(type) {
	case *pg.Node_RangeVar:
		t := c.tableName(v.RangeVar)
		if t.AsOf = c.notes.asOf[t.Pos]; t.AsOf != nil {
			c.asOfs++
		}
		return t
	case *pg.Node_RangeSubselect:
		q := c.query(v.RangeSubselect.Subquery)
		return &ast.SubqueryRef{Pos: q.Pos, Lateral: v.RangeSubselect.Lateral, Query: q, Alias: alias(v.RangeSubselect.Alias)}
	case *pg.Node_RangeFunction:
		return c.rangeFunction(v.RangeFunction)
	case *pg.Node_JoinExpr:
		return c.join(v.JoinExpr)
	case *pg.Node_RangeTableSample:
		c.unsupported("TABLESAMPLE", c.pos(v.RangeTableSample.Location))
	case *pg.Node_RangeTableFunc:
		c.unsupported("XMLTABLE", c.pos(v.RangeTableFunc.Location))
	case *pg.Node_JsonTable:
		c.unsupported("JSON_TABLE", c.pos(v.JsonTable.Location))
	default:
		c.unsupported(nodeName(n)+" in FROM", ast.NoPos)
	}
	return &ast.TableName{Pos: ast.NoPos}
}

func (c *converter) join(j *pg.JoinExpr) ast.TableRef {
	out := &ast.Join{
		Natural: j.IsNatural,
		Left:    c.tableRef(j.Larg),
		Right:   c.tableRef(j.Rarg),
		Using:   strs(j.UsingClause),
		On:      c.expr(j.Quals),
		Alias:   alias(j.Alias),
	}
	out.Pos = ast.Pos(out.Left.Loc())
	if j.JoinUsingAlias != nil {
		out.UsingAlias = j.JoinUsingAlias.Aliasname
	}
	if n := c.asofOf(out.Left, out.Right); n != nil {
		out.Asof, out.Match = true, n.match
	}
	switch j.Jointype {
	case pg.JoinType_JOIN_LEFT:
		out.Type = ast.LeftJoin
	case pg.JoinType_JOIN_RIGHT:
		out.Type = ast.RightJoin
	case pg.JoinType_JOIN_FULL:
		out.Type = ast.FullJoin
	default:
		if !out.Natural && out.Using == nil && out.On == nil && !out.Asof {
			out.Type = ast.CrossJoin
		}
	}
	return out
}

func (c *converter) rangeFunction(r *pg.RangeFunction) ast.TableRef {
	if t := c.windowTVF(r); t != nil {
		return t
	}
	if t := c.lateRows(r); t != nil {
		return t
	}
	out := &ast.FuncRef{Pos: ast.NoPos, Lateral: r.Lateral, RowsFrom: r.IsRowsfrom, Ordinality: r.Ordinality,
		Alias: alias(r.Alias), ColDefs: c.columnSpecs(r.Coldeflist)}
	for i, n := range r.Functions {
		pair := n.GetList().GetItems() // the call, and its column definitions or an empty node
		if len(pair) == 0 {
			continue
		}
		f := ast.FuncItem{Call: c.expr(pair[0])}
		if len(pair) > 1 {
			f.ColDefs = c.columnSpecs(pair[1].GetList().GetItems())
		}
		if i == 0 {
			out.Pos = locate(f.Call)
		}
		out.Funcs = append(out.Funcs, f)
	}
	return out
}

// lateRows recognises LATE(relation) in FROM; it is nil for anything else.
func (c *converter) lateRows(r *pg.RangeFunction) ast.TableRef {
	if r.IsRowsfrom || r.Ordinality || len(r.Coldeflist) > 0 || len(r.Functions) != 1 || len(r.Functions[0].GetList().GetItems()) == 0 {
		return nil
	}
	call := r.Functions[0].GetList().GetItems()[0].GetFuncCall()
	if call == nil || len(call.Funcname) != 1 || str(call.Funcname[0]) != "late" || len(call.Args) != 1 || call.Args[0].GetColumnRef() == nil {
		return nil
	}
	ref, ok := c.expr(call.Args[0]).(*ast.ColumnRef)
	if !ok {
		return nil
	}
	return &ast.TableName{Pos: c.pos(call.Location), Name: c.qualified(ref.Parts, ref.Pos), Late: true, Alias: alias(r.Alias)}
}

func (c *converter) columnSpecs(list []*pg.Node) []ast.ColumnSpec {
	var out []ast.ColumnSpec
	for _, n := range list {
		d := n.GetColumnDef()
		out = append(out, ast.ColumnSpec{Pos: c.pos(d.GetLocation()), Name: d.GetColname(), Type: c.typeName(d.GetTypeName())})
	}
	return out
}

var windowKinds = map[string]ast.WindowKind{
	"tumble": ast.Tumble, "hop": ast.Hop, "session": ast.Session, "cumulate": ast.Cumulate,
}

// windowTVF recognises a windowing function in FROM; it is nil for any other.
func (c *converter) windowTVF(r *pg.RangeFunction) ast.TableRef {
	if r.IsRowsfrom || len(r.Functions) != 1 || len(r.Functions[0].GetList().GetItems()) == 0 {
		return nil
	}
	call := r.Functions[0].GetList().GetItems()[0].GetFuncCall()
	if call == nil || len(call.Funcname) != 1 {
		return nil
	}
	kind, ok := windowKinds[str(call.Funcname[0])]
	if !ok {
		return nil
	}
	t := &ast.WindowTVF{Pos: c.pos(call.Location), Kind: kind, Alias: alias(r.Alias)}
	name := strings.ToUpper(kind.String())
	c.refuse(r.Ordinality, "WITH ORDINALITY on "+name, t.Pos)
	c.refuse(len(r.Coldeflist) > 0, "a column definition list on "+name, t.Pos)
	args := c.windowArgs(t, call.Args)
	if args == nil {
		return t
	}
	t.Input = c.windowInput(args[0], t)
	t.Time = windowTime(args[1])
	if t.Time == nil && args[1] != nil {
		c.fail(sqlerr.Syntax(locate(args[1]).Loc(), "the second argument of %s must be a column", name))
	}
	if kind == ast.Hop || kind == ast.Cumulate {
		t.Slide, t.Size, t.WindowOff = args[2], args[3], args[4]
	} else {
		t.Size, t.WindowOff = args[2], args[3]
	}
	return t
}

// windowParams are the names of the arguments in Flink's named notation, in
// order; the last one is the optional offset.
var windowParams = map[ast.WindowKind][]string{
	ast.Tumble:   {"data", "timecol", "size", "offset"},
	ast.Hop:      {"data", "timecol", "slide", "size", "offset"},
	ast.Session:  {"data", "timecol", "gap"},
	ast.Cumulate: {"data", "timecol", "step", "size", "offset"},
}

// windowArgs gives the arguments in order, always five with nil for the missing;
// it is nil after an error.
func (c *converter) windowArgs(t *ast.WindowTVF, list []*pg.Node) []ast.Expr {
	params := windowParams[t.Kind]
	args := make([]ast.Expr, 5)
	bad := len(list) > len(params)
	for i, n := range list {
		if bad {
			break
		}
		e := c.expr(n)
		if named, ok := e.(*ast.NamedArg); ok {
			i = indexOf(params, named.Name)
			e = named.Arg
		}
		if bad = i < 0; !bad {
			args[i] = e
		}
	}
	need := len(params)
	if t.Kind != ast.Session {
		need--
	}
	for _, a := range args[:need] {
		bad = bad || a == nil
	}
	if bad {
		usage := strings.Join(params[:need], ", ")
		if need < len(params) {
			usage += "[, offset]"
		}
		word := strings.ToUpper(t.Kind.String())
		c.fail(sqlerr.New(sqlerr.UndefinedFunction, "wrong arguments for %s", word).At(t.Pos.Loc()).
			WithHint("%s takes (%s).", word, usage))
		return nil
	}
	return args
}

func indexOf(list []string, s string) int {
	for i, v := range list {
		if v == s {
			return i
		}
	}
	return -1
}

// windowInput turns the first argument into an item of FROM.
func (c *converter) windowInput(e ast.Expr, t *ast.WindowTVF) ast.TableRef {
	switch e := e.(type) {
	case *ast.ColumnRef:
		t.PartitionBy = c.notes.partitionBy[e.Pos]
		return &ast.TableName{Pos: e.Pos, Name: c.qualified(e.Parts, e.Pos)}
	case *ast.Subquery:
		t.PartitionBy = c.notes.partitionBy[e.Pos]
		return &ast.SubqueryRef{Pos: e.Pos, Query: e.Query}
	}
	c.fail(sqlerr.Syntax(locate(e).Loc(), "the first argument of %s must be a relation", strings.ToUpper(t.Kind.String())))
	return &ast.TableName{Pos: ast.NoPos}
}

// windowTime takes a column, or Flink's DESCRIPTOR(column).
func windowTime(e ast.Expr) *ast.ColumnRef {
	if f, ok := e.(*ast.FuncCall); ok && f.Name.Schema == "" && f.Name.Name == "descriptor" && len(f.Args) == 1 {
		e = f.Args[0]
	}
	ref, _ := e.(*ast.ColumnRef)
	return ref
}
