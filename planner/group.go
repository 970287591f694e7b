package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// grouper rewrites expressions over FROM into expressions over the aggregation.
type grouper struct {
	b     *binder
	scope *scope
	// exprs are the group expressions and cols the columns that hold them.
	exprs []*expr.Expr
	cols  []logical.ColID
	// own is what FROM puts out; good is what may be used above the aggregation.
	own, good logical.ColSet
	// extra is columns that depend on a primary key that is grouped by: they become
	// group columns too.
	extra []logical.ColID
}

// group builds the aggregation, if the level has one, and brings everything above it
// over its output.
func (c *coreBinder) group() error {
	b := c.b
	if len(c.core.GroupBy) == 0 && c.core.Having == nil && len(c.aggs.calls) == 0 && len(c.aggs.groupings) == 0 {
		return nil
	}
	g := &grouper{b: b, scope: c.scope, own: c.scope.own()}
	sets, err := c.groupItems(g)
	if err != nil {
		return err
	}
	if err := c.sessionsPerGroup(g, sets != nil); err != nil {
		return err
	}
	c.node = c.aggs.arg.apply(c.node)
	c.groupColumns(g)
	for _, id := range g.cols {
		g.good.Add(id)
	}
	for i := range c.aggs.calls {
		g.good.Add(c.aggs.calls[i].Col)
	}
	for _, gr := range c.aggs.groupings {
		g.good.Add(gr.col)
	}
	if err := c.rewriteAbove(g); err != nil {
		return err
	}
	if sets == nil {
		agg := &logical.Agg{Input: c.node, Group: dedupe(append(slices.Clone(g.cols), g.extra...)), Calls: c.aggs.calls}
		agg.Scalar = len(agg.Group) == 0 && len(c.core.GroupBy) == 0
		c.node = agg
		err = c.plainGroupings(g)
	} else {
		err = c.groupingSets(g, sets)
	}
	if err != nil {
		return err
	}
	c.node = logical.Where(c.having.apply(c.node), logical.And(c.havingPreds...))
	return nil
}

func dedupe(ids []logical.ColID) []logical.ColID {
	var out []logical.ColID
	for _, id := range ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// groupItems binds GROUP BY into g.exprs. The sets are nil for a plain GROUP BY, else
// positions in g.exprs.
func (c *coreBinder) groupItems(g *grouper) ([][]int, error) {
	simple := true
	for i := range c.core.GroupBy {
		simple = simple && c.core.GroupBy[i].Kind == ast.GroupExpr
	}
	x := &exprCtx{b: c.b, scope: c.scope, clause: "GROUP BY"}
	sets := [][]int{nil}
	for i := range c.core.GroupBy {
		part, err := c.groupItem(g, x, &c.core.GroupBy[i])
		if err != nil {
			return nil, err
		}
		var product [][]int
		for _, s := range sets {
			for _, p := range part {
				product = append(product, append(slices.Clone(s), p...))
			}
		}
		if sets = product; len(sets) > 4096 {
			return nil, sqlerr.New(sqlerr.StatementTooComplex, "too many grouping sets present (maximum 4096)").At(c.b.pos(&c.core.GroupBy[i]))
		}
	}
	c.node = x.apply(c.node)
	if simple {
		return nil, nil
	}
	return sets, nil
}

// groupItem binds one item into alternatives: one for an expression, several for
// ROLLUP, CUBE and GROUPING SETS.
func (c *coreBinder) groupItem(g *grouper, x *exprCtx, it *ast.GroupItem) ([][]int, error) {
	switch it.Kind {
	case ast.GroupExpr:
		one, err := c.groupExprs(g, x, it.Expr)
		return [][]int{one}, err
	case ast.GroupEmpty:
		return [][]int{nil}, nil
	case ast.GroupSets:
		var out [][]int
		for i := range it.Items {
			part, err := c.groupItem(g, x, &it.Items[i])
			if err != nil {
				return nil, err
			}
			out = append(out, part...)
		}
		return out, nil
	}
	var parts [][]int
	for i := range it.Items {
		part, err := c.groupItem(g, x, &it.Items[i])
		if err != nil {
			return nil, err
		}
		parts = append(parts, part[0])
	}
	var out [][]int
	if it.Kind == ast.GroupRollup {
		for n := len(parts); n >= 0; n-- {
			out = append(out, slices.Concat(parts[:n]...))
		}
		return out, nil
	}
	if len(parts) > 12 {
		return nil, sqlerr.New(sqlerr.TooManyColumns, "CUBE is limited to 12 elements").At(c.b.pos(it))
	}
	for mask := 1<<len(parts) - 1; mask >= 0; mask-- {
		var s []int
		for i := range parts {
			if mask>>(len(parts)-1-i)&1 != 0 {
				s = append(s, parts[i]...)
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// groupExprs binds one expression of GROUP BY: an input column first, then an output
// name or ordinal, then any expression.
func (c *coreBinder) groupExprs(g *grouper, x *exprCtx, e ast.Expr) ([]int, error) {
	b := c.b
	if row, ok := e.(*ast.Row); ok {
		var out []int
		for _, a := range row.Args {
			one, err := c.groupExprs(g, x, a)
			if err != nil {
				return nil, err
			}
			out = append(out, one...)
		}
		return out, nil
	}
	bound, err := c.groupExpr(x, e)
	if err != nil {
		return nil, err
	}
	if bound.Type.Kind == types.KindJSON {
		return nil, sqlerr.New(sqlerr.UndefinedFunction, "could not identify an equality operator for type json").At(b.pos(e))
	}
	for i, o := range g.exprs {
		if logical.Equal(o, bound) {
			return []int{i}, nil
		}
	}
	g.exprs = append(g.exprs, bound)
	return []int{len(g.exprs) - 1}, nil
}

func (c *coreBinder) groupExpr(x *exprCtx, e ast.Expr) (*expr.Expr, error) {
	b := c.b
	if ref, ok := e.(*ast.ColumnRef); ok && len(ref.Parts) == 1 {
		if col := c.ownColumn(ref.Parts[0]); col {
			return x.typed(e)
		}
	}
	at, err := c.outputIndex(e, c.cols, "GROUP BY")
	if err != nil {
		return nil, err
	}
	if at < 0 {
		return x.typed(e)
	}
	out := c.exprs[at]
	for i := range c.aggs.calls {
		if logical.Refs(out).Has(c.aggs.calls[i].Col) {
			return nil, sqlerr.New(sqlerr.GroupingError, "aggregate functions are not allowed in GROUP BY").At(b.pos(e))
		}
	}
	return b.resolveUnknown(out)
}

// ownColumn tells whether FROM itself has a column of that name.
func (c *coreBinder) ownColumn(name string) bool {
	return slices.ContainsFunc(c.scope.cols, func(s *scopeCol) bool { return s.name == name })
}

// groupColumns gives every group expression a column, computing below the aggregation
// what is not a column of FROM.
func (c *coreBinder) groupColumns(g *grouper) {
	b := c.b
	pr := &logical.Project{Input: c.node}
	for _, id := range c.node.Cols() {
		pr.Out = append(pr.Out, id)
		pr.Exprs = append(pr.Exprs, b.meta.Ref(id))
	}
	have := logical.SetOf(c.node.Cols()...)
	n := len(pr.Out)
	for _, e := range g.exprs {
		if e.Op == expr.OpColumn && have.Has(e.Col) {
			g.cols = append(g.cols, e.Col)
			continue
		}
		id := b.meta.Add("group", e.Type)
		g.cols = append(g.cols, id)
		pr.Out = append(pr.Out, id)
		pr.Exprs = append(pr.Exprs, e)
	}
	if len(pr.Out) > n {
		c.node = pr
	}
}

// rewriteAbove rewrites everything above the aggregation.
func (c *coreBinder) rewriteAbove(g *grouper) error {
	for _, list := range [][]*expr.Expr{c.exprs, c.havingPreds} {
		for i, e := range list {
			r, err := g.rewrite(e)
			if err != nil {
				return err
			}
			list[i] = r
		}
	}
	for i := range c.sets {
		for k, a := range c.sets[i].Args {
			r, err := g.rewrite(a)
			if err != nil {
				return err
			}
			c.sets[i].Args[k] = r
		}
	}
	if err := c.windows.mapExprs(g.rewrite); err != nil {
		return err
	}
	for _, x := range []*exprCtx{c.out, c.having} {
		for i := range x.pending {
			if err := g.pending(&x.pending[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// rewrite replaces group expressions by their columns and refuses columns that are
// neither grouped by nor within an aggregate.
func (g *grouper) rewrite(e *expr.Expr) (*expr.Expr, error) {
	for i, o := range g.exprs {
		if logical.Equal(o, e) {
			r := g.b.meta.Ref(g.cols[i])
			r.Pos = e.Pos
			return r, nil
		}
	}
	if e.Op == expr.OpColumn {
		if !g.own.Has(e.Col) || g.good.Has(e.Col) || g.depends(e.Col) {
			return e, nil
		}
		return nil, sqlerr.New(sqlerr.GroupingError, "column %q must appear in the GROUP BY clause or be used in an aggregate function",
			g.name(e.Col)).At(e.Pos)
	}
	var args []*expr.Expr
	for i, a := range e.Args {
		r, err := g.rewrite(a)
		if err != nil {
			return nil, err
		}
		if r != a && args == nil {
			args = slices.Clone(e.Args)
		}
		if args != nil {
			args[i] = r
		}
	}
	if args == nil {
		return e, nil
	}
	c := *e
	c.Args = args
	return &c, nil
}

// depends tells whether a column belongs to a table whose primary key is grouped by;
// it becomes a group column then.
func (g *grouper) depends(id logical.ColID) bool {
	for _, t := range g.scope.tables {
		if len(t.key) == 0 || !slices.ContainsFunc(t.cols, func(c *scopeCol) bool { return c.id == id }) {
			continue
		}
		grouped := true
		for _, k := range t.key {
			grouped = grouped && slices.Contains(g.cols, k)
		}
		if grouped {
			g.extra = append(g.extra, id)
			g.good.Add(id)
			return true
		}
	}
	return false
}

// pending checks a subquery that is applied above the aggregation.
func (g *grouper) pending(p *pendingApply) error {
	for _, id := range logical.FreeCols(p.node).List() {
		if g.own.Has(id) && !g.good.Has(id) && !g.depends(id) {
			return sqlerr.New(sqlerr.GroupingError, "subquery uses ungrouped column %q from outer query", g.name(id))
		}
	}
	for _, id := range p.node.Cols() {
		g.good.Add(id)
	}
	if p.on == nil {
		return nil
	}
	on, err := g.rewrite(p.on)
	p.on = on
	return err
}

// name gives a column's name with its table, for messages.
func (g *grouper) name(id logical.ColID) string {
	for _, t := range g.scope.tables {
		for _, c := range t.cols {
			if c.id == id {
				return t.name + "." + c.name
			}
		}
	}
	return g.b.meta.Name(id)
}

// groupingArgs finds the arguments of a GROUPING(…) among the group expressions.
func (g *grouper) groupingArgs(call *groupingCall) ([]int, error) {
	out := make([]int, len(call.args))
	for i, a := range call.args {
		at := slices.IndexFunc(g.exprs, func(e *expr.Expr) bool { return logical.Equal(e, a) })
		if at < 0 {
			return nil, sqlerr.New(sqlerr.GroupingError,
				"arguments to GROUPING must be grouping expressions of the associated query level").At(a.Pos)
		}
		out[i] = at
	}
	return out, nil
}

// plainGroupings makes every GROUPING(…) of a plain GROUP BY zero.
func (c *coreBinder) plainGroupings(g *grouper) error {
	if len(c.aggs.groupings) == 0 {
		return nil
	}
	pr := passThrough(c.b.meta, c.node)
	for i := range c.aggs.groupings {
		if _, err := g.groupingArgs(&c.aggs.groupings[i]); err != nil {
			return err
		}
		pr.Out = append(pr.Out, c.aggs.groupings[i].col)
		pr.Exprs = append(pr.Exprs, expr.Const(types.Int4, types.Datum{}))
	}
	c.node = pr
	return nil
}

// passThrough is a projection that changes nothing, to be added to.
func passThrough(m *logical.Meta, n logical.Node) *logical.Project {
	pr := &logical.Project{Input: n}
	for _, id := range n.Cols() {
		pr.Out = append(pr.Out, id)
		pr.Exprs = append(pr.Exprs, m.Ref(id))
	}
	return pr
}

// groupingSets computes every set over the same input and puts the results one under
// the other, NULL standing for what a set does not group by.
func (c *coreBinder) groupingSets(g *grouper, sets [][]int) error {
	b := c.b
	all := dedupe(append(slices.Clone(g.cols), g.extra...))
	u := &logical.Union{}
	rename := map[logical.ColID]*expr.Expr{}
	out := func(id logical.ColID) {
		n := b.meta.Copy(id)
		u.Out = append(u.Out, n)
		rename[id] = b.meta.Ref(n)
	}
	for _, id := range all {
		out(id)
	}
	for i := range c.aggs.calls {
		out(c.aggs.calls[i].Col)
	}
	for i := range c.aggs.groupings {
		out(c.aggs.groupings[i].col)
	}
	for _, s := range sets {
		branch, err := c.groupingBranch(g, all, s)
		if err != nil {
			return err
		}
		u.In = append(u.In, branch)
		u.InCols = append(u.InCols, branch.Out)
	}
	c.node = u
	c.renameAbove(rename)
	return nil
}

// groupingBranch is the aggregation of one grouping set.
func (c *coreBinder) groupingBranch(g *grouper, all []logical.ColID, set []int) (*logical.Project, error) {
	b := c.b
	agg := &logical.Agg{Input: c.node, Calls: slices.Clone(c.aggs.calls)}
	for _, at := range set {
		agg.Group = append(agg.Group, g.cols[at])
	}
	agg.Group = dedupe(agg.Group)
	agg.Scalar = len(agg.Group) == 0
	pr := &logical.Project{Input: agg}
	for _, id := range all {
		if slices.Contains(agg.Group, id) {
			pr.Out, pr.Exprs = append(pr.Out, id), append(pr.Exprs, b.meta.Ref(id))
			continue
		}
		pr.Out, pr.Exprs = append(pr.Out, b.meta.Copy(id)), append(pr.Exprs, expr.Null(b.meta.Type(id)))
	}
	for i := range agg.Calls {
		agg.Calls[i].Col = b.meta.Copy(agg.Calls[i].Col)
		pr.Out, pr.Exprs = append(pr.Out, agg.Calls[i].Col), append(pr.Exprs, b.meta.Ref(agg.Calls[i].Col))
	}
	for i := range c.aggs.groupings {
		call := &c.aggs.groupings[i]
		args, err := g.groupingArgs(call)
		if err != nil {
			return nil, err
		}
		bits := int64(0)
		for _, at := range args {
			bits <<= 1
			if !slices.Contains(agg.Group, g.cols[at]) {
				bits |= 1
			}
		}
		pr.Out = append(pr.Out, b.meta.Copy(call.col))
		pr.Exprs = append(pr.Exprs, expr.Const(types.Int4, types.Datum{I: bits}))
	}
	return pr, nil
}

// renameAbove brings everything above the aggregation over renamed columns.
func (c *coreBinder) renameAbove(by map[logical.ColID]*expr.Expr) {
	sub := func(e *expr.Expr) *expr.Expr { return logical.Substitute(e, by) }
	for _, list := range [][]*expr.Expr{c.exprs, c.havingPreds} {
		for i, e := range list {
			list[i] = sub(e)
		}
	}
	for i := range c.sets {
		for k, a := range c.sets[i].Args {
			c.sets[i].Args[k] = sub(a)
		}
	}
	_ = c.windows.mapExprs(func(e *expr.Expr) (*expr.Expr, error) { return sub(e), nil })
	for _, x := range []*exprCtx{c.out, c.having} {
		for i := range x.pending {
			p := &x.pending[i]
			p.node = logical.Transform(p.node, func(n logical.Node) logical.Node { return n.MapExprs(sub) })
			if p.on != nil {
				p.on = sub(p.on)
			}
		}
	}
}
