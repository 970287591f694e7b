package rule

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// decorrelateAll replaces every Apply by joins.
//
// The cheap ways come first: a correlated condition is pulled out of the right side
// and becomes the join's (through a grouping, if it is an equality, by grouping also
// by its inner side). What they cannot do the general way does: D, the distinct
// values of the outer columns, is joined into the right side at its leaves, so that
// it computes all its results at once, tagged with the values they belong to; the
// outer rows then join on those. An aggregate without GROUP BY has a row for values
// without input, too: D is left-joined with the groups, and counts become 0.
func decorrelateAll(c *Ctx, n logical.Node, _ logical.ColSet) logical.Node {
	return logical.Transform(n, func(n logical.Node) logical.Node {
		if a, ok := n.(*logical.Apply); ok && c.Err == nil {
			c.fire("DecorrelateApply")
			return c.decorrelate(a)
		}
		return n
	})
}

// correlation is the columns of l that r uses.
func correlation(l, r logical.Node) logical.ColSet {
	return logical.FreeCols(r).Intersect(logical.SetOf(l.Cols()...))
}

// decorrelate turns one Apply, whose sides have none within, into a plan without.
func (c *Ctx) decorrelate(a *logical.Apply) logical.Node {
	free := correlation(a.Left, a.Right)
	if m, ok := a.Right.(*logical.MaxOneRow); ok {
		if n := c.keyedRow(a, m, free); n != nil {
			return n
		}
		return c.singleRow(a, m)
	}
	if free.Empty() {
		return c.plainJoin(a)
	}
	if n := c.liftProject(a); n != nil {
		return n
	}
	if n := c.lateralSet(a); n != nil {
		return n
	}
	if n := c.lateralUnion(a); n != nil {
		return n
	}
	if n := c.scalarAgg(a, free); n != nil {
		return n
	}
	right, preds, ok := c.pull(a.Right, free)
	if ok && !logical.FreeCols(right).Intersects(free) {
		c.fire("PullCorrelatedFilter")
		return &logical.Join{Type: a.Type, Left: a.Left, Right: right, On: logical.And(append(preds, a.On)...)}
	}
	return c.general(a, free)
}

// plainJoin is an Apply without correlation; one row without columns joins to nothing.
func (c *Ctx) plainJoin(a *logical.Apply) logical.Node {
	if logical.IsUnit(a.Right) && !logical.LeftOnly(a.Type) {
		if a.Type == physical.JoinInner {
			return logical.Where(a.Left, a.On)
		}
		if a.Type == physical.JoinLeft {
			return a.Left
		}
	}
	return &logical.Join{Type: a.Type, Left: a.Left, Right: a.Right, On: a.On}
}

// exactlyOne tells whether n always gives one row.
func exactlyOne(n logical.Node) bool {
	switch n := n.(type) {
	case *logical.Values:
		return len(n.Rows) == 1
	case *logical.Agg:
		return n.Scalar
	case *logical.Project:
		return exactlyOne(n.Input)
	case *logical.Join:
		switch n.Type {
		case physical.JoinInner:
			return n.On == nil && exactlyOne(n.Left) && exactlyOne(n.Right)
		case physical.JoinLeft:
			return exactlyOne(n.Left) && exactlyOne(n.Right)
		}
	}
	return false
}

func anyVolatile(es []*expr.Expr) bool { return slices.ContainsFunc(es, logical.IsVolatile) }

// bindings maps a projection's outputs to what they are.
func bindings(p *logical.Project) map[logical.ColID]*expr.Expr {
	m := make(map[logical.ColID]*expr.Expr, len(p.Out))
	for i, id := range p.Out {
		m[id] = p.Exprs[i]
	}
	return m
}

// liftProject moves a projection from the right side to above the join, where that is
// allowed: inner joins, and left joins with exactly one row on the right. Semi and
// anti joins need no projection at all.
func (c *Ctx) liftProject(a *logical.Apply) logical.Node {
	if g, ok := a.Right.(*logical.Agg); ok && !g.Scalar && len(g.Calls) == 0 && logical.LeftOnly(a.Type) {
		return c.decorrelate(&logical.Apply{Type: a.Type, Left: a.Left, Right: g.Input, On: a.On})
	}
	p, ok := a.Right.(*logical.Project)
	if !ok || anyVolatile(p.Exprs) {
		return nil
	}
	on := a.On
	if on != nil {
		on = logical.Substitute(on, bindings(p))
	}
	if logical.LeftOnly(a.Type) {
		return c.decorrelate(&logical.Apply{Type: a.Type, Left: a.Left, Right: p.Input, On: on})
	}
	if a.Type != physical.JoinInner && !(a.Type == physical.JoinLeft && a.On == nil && exactlyOne(p.Input)) {
		return nil
	}
	in := c.decorrelate(&logical.Apply{Type: a.Type, Left: a.Left, Right: p.Input, On: on})
	out := &logical.Project{Input: in}
	for _, id := range a.Left.Cols() {
		out.Out, out.Exprs = append(out.Out, id), append(out.Exprs, c.Meta.Ref(id))
	}
	out.Out, out.Exprs = append(out.Out, p.Out...), append(out.Exprs, p.Exprs...)
	return out
}

// lateralSet runs set-returning functions over the left side itself.
func (c *Ctx) lateralSet(a *logical.Apply) logical.Node {
	ps, ok := a.Right.(*logical.ProjectSet)
	if !ok || !logical.IsUnit(ps.Input) || a.Type != physical.JoinInner && !(a.Type == physical.JoinLeft && a.On == nil) {
		return nil
	}
	n := *ps
	n.Input = a.Left
	n.Outer = n.Outer || a.Type == physical.JoinLeft
	c.fire("LateralSet")
	return logical.Where(&n, a.On)
}

// lateralUnion is the union of what every branch gives for the left side.
func (c *Ctx) lateralUnion(a *logical.Apply) logical.Node {
	u, ok := a.Right.(*logical.Union)
	if !ok || a.Type != physical.JoinInner {
		return nil
	}
	left := a.Left.Cols()
	out := &logical.Union{Out: append(slices.Clone(left), u.Out...)}
	for k, in := range u.In {
		out.In = append(out.In, c.decorrelate(&logical.Apply{Type: a.Type, Left: a.Left, Right: in}))
		out.InCols = append(out.InCols, append(slices.Clone(left), u.InCols[k]...))
	}
	c.fire("LateralUnion")
	return logical.Where(out, a.On)
}

// isCount tells whether an aggregate over no rows gives 0 instead of NULL.
func isCount(call *logical.AggCall) bool {
	switch functions.ByID(call.Fn).Agg.Kind {
	case functions.AggCount, functions.AggCountStar, functions.AggRegrCount:
		return true
	}
	return false
}

// coalesceZero is a count that may have had no group.
func coalesceZero(e *expr.Expr) *expr.Expr {
	return &expr.Expr{Op: expr.OpCoalesce, Type: e.Type, Args: []*expr.Expr{e, expr.Const(types.Int8, types.Datum{})}, Pos: -1}
}

// scalarAgg groups a correlated aggregate by the inner sides of its equalities and
// left-joins it; a count without group is 0.
func (c *Ctx) scalarAgg(a *logical.Apply, free logical.ColSet) logical.Node {
	agg, ok := a.Right.(*logical.Agg)
	if !ok || !agg.Scalar || a.On != nil || a.Type != physical.JoinLeft && a.Type != physical.JoinInner {
		return nil
	}
	var used logical.ColSet
	agg.EachExpr(func(e *expr.Expr) { used.AddSet(logical.Refs(e)) })
	if used.Intersects(free) {
		return nil
	}
	in, preds, ok := c.pull(agg.Input, free)
	if !ok || logical.FreeCols(in).Intersects(free) {
		return nil
	}
	in, group, on, ok := c.groupBy(in, preds)
	if !ok {
		return nil
	}
	c.fire("GroupCorrelatedAggregate")
	grouped := &logical.Agg{Input: in, Group: group, Calls: slices.Clone(agg.Calls)}
	out := &logical.Project{}
	for _, id := range a.Left.Cols() {
		out.Out, out.Exprs = append(out.Out, id), append(out.Exprs, c.Meta.Ref(id))
	}
	for i := range grouped.Calls {
		call := &grouped.Calls[i]
		old := call.Col
		e := c.Meta.Ref(old)
		if isCount(call) {
			call.Col = c.Meta.Copy(old)
			e = coalesceZero(c.Meta.Ref(call.Col))
		}
		out.Out, out.Exprs = append(out.Out, old), append(out.Exprs, e)
	}
	out.Input = &logical.Join{Type: physical.JoinLeft, Left: a.Left, Right: grouped, On: logical.And(on...)}
	return out
}

// keyedRow joins a scalar subquery by the equalities that correlate it, where these hold
// a key of it: no outer row meets a second one.
func (c *Ctx) keyedRow(a *logical.Apply, m *logical.MaxOneRow, free logical.ColSet) logical.Node {
	in, preds, ok := c.pull(m.Input, free)
	if !ok || free.Empty() || logical.FreeCols(in).Intersects(free) {
		return nil
	}
	in, group, on, ok := c.groupBy(in, preds)
	if !ok || !logical.HasKey(in, logical.SetOf(group...)) {
		return nil
	}
	c.fire("JoinKeyedRow")
	return &logical.Join{Type: a.Type, Left: a.Left, Right: in, On: logical.And(append(on, a.On)...)}
}

// singleRow makes a scalar subquery an aggregate: the number of its rows and, of each
// column, a value. Where an outer row meets more than one, the column is an error, which
// is a value like any other: it matters where it is used.
func (c *Ctx) singleRow(a *logical.Apply, m *logical.MaxOneRow) logical.Node {
	c.fire("CountSubqueryRows")
	count := c.Meta.Add("count", types.Int8)
	agg := &logical.Agg{Input: m.Input, Scalar: true, Calls: []logical.AggCall{{Col: count, Fn: "count_star", Type: types.Int8}}}
	out := passAll(c.Meta, a.Left)
	for _, id := range m.Input.Cols() {
		v := c.Meta.Copy(id)
		agg.Calls = append(agg.Calls, logical.AggCall{Col: v, Fn: "single_value", Type: c.Meta.Type(id), Args: []*expr.Expr{c.Meta.Ref(id)}})
		check := &expr.Expr{Op: expr.OpCall, Type: types.Bool, Fn: "check_one_row_int8", Pos: -1, Args: []*expr.Expr{c.Meta.Ref(count)}}
		one := &expr.Expr{Op: expr.OpCase, Type: c.Meta.Type(id), Pos: -1, Args: []*expr.Expr{check, c.Meta.Ref(v), expr.Null(c.Meta.Type(id))}}
		out.Out, out.Exprs = append(out.Out, id), append(out.Exprs, one)
	}
	out.Input = c.decorrelate(&logical.Apply{Type: a.Type, Left: a.Left, Right: agg, On: a.On})
	return out
}

// groupBy finds the inner sides of equality conditions as columns of n, computing
// them if they are expressions, and gives the conditions over these columns. It is
// not ok if a condition is no equality between inner and outer.
func (c *Ctx) groupBy(n logical.Node, preds []*expr.Expr) (logical.Node, []logical.ColID, []*expr.Expr, bool) {
	inner := logical.SetOf(n.Cols()...)
	var group []logical.ColID
	var on []*expr.Expr
	pr := passAll(c.Meta, n)
	base := len(pr.Out)
	for _, p := range preds {
		l, r, ok := logical.Equality(p)
		if !ok {
			return nil, nil, nil, false
		}
		lr, rr := logical.Refs(l), logical.Refs(r)
		switch {
		case lr.SubsetOf(inner) && !rr.Intersects(inner):
		case rr.SubsetOf(inner) && !lr.Intersects(inner):
			l, r = r, l
		default:
			return nil, nil, nil, false
		}
		id := l.Col
		if l.Op != expr.OpColumn {
			id = c.Meta.Add("key", l.Type)
			pr.Out, pr.Exprs = append(pr.Out, id), append(pr.Exprs, l)
		}
		if !slices.Contains(group, id) {
			group = append(group, id)
		}
		eq := *p
		if eq.Args[0] == l {
			eq.Args = []*expr.Expr{c.Meta.Ref(id), r}
		} else {
			eq.Args = []*expr.Expr{r, c.Meta.Ref(id)}
		}
		on = append(on, &eq)
	}
	if len(pr.Out) > base {
		n = pr
	}
	return n, group, on, true
}

// passAll is a projection that changes nothing, to be added to.
func passAll(m *logical.Meta, n logical.Node) *logical.Project {
	pr := &logical.Project{Input: n}
	for _, id := range n.Cols() {
		pr.Out, pr.Exprs = append(pr.Out, id), append(pr.Exprs, m.Ref(id))
	}
	return pr
}

// pull takes correlated conditions out of n, as far as they may be tested above it.
// It is not ok if a correlation is in the way.
func (c *Ctx) pull(n logical.Node, free logical.ColSet) (logical.Node, []*expr.Expr, bool) {
	if !logical.FreeCols(n).Intersects(free) {
		return n, nil, true
	}
	switch n := n.(type) {
	case *logical.Filter:
		in, preds, ok := c.pull(n.Input, free)
		local, outer := splitBy(logical.Conjuncts(n.Pred), free)
		return logical.Where(in, logical.And(local...)), append(preds, outer...), ok
	case *logical.Project:
		return c.pullProject(n, free)
	case *logical.Join:
		return c.pullJoin(n, free)
	case *logical.HopWindow, *logical.ProjectSet:
		var used logical.ColSet
		n.EachExpr(func(e *expr.Expr) { used.AddSet(logical.Refs(e)) })
		in, preds, ok := c.pull(n.Inputs()[0], free)
		return n.WithInputs([]logical.Node{in}), preds, ok && !used.Intersects(free)
	case *logical.Agg:
		return c.pullAgg(n, free)
	case *logical.TopN:
		return c.pullGrouped(n.Input, free, func(in logical.Node, group []logical.ColID) logical.Node {
			t := *n
			t.Input, t.Partition = in, append(slices.Clone(n.Partition), group...)
			return &t
		})
	case *logical.OverWindow:
		return c.pullOverWindow(n, free)
	case *logical.SessionWindow:
		return c.pullSession(n, free)
	}
	return n, nil, false
}

// splitBy separates the conditions that use none of the columns from those that do.
func splitBy(preds []*expr.Expr, cols logical.ColSet) (without, with []*expr.Expr) {
	for _, p := range preds {
		if logical.Refs(p).Intersects(cols) {
			with = append(with, p)
		} else {
			without = append(without, p)
		}
	}
	return without, with
}

func (c *Ctx) pullProject(n *logical.Project, free logical.ColSet) (logical.Node, []*expr.Expr, bool) {
	in, preds, ok := c.pull(n.Input, free)
	if !ok || anyVolatile(n.Exprs) {
		return n, nil, false
	}
	pr := &logical.Project{Input: in, Out: slices.Clone(n.Out), Exprs: slices.Clone(n.Exprs)}
	for _, e := range n.Exprs {
		if logical.Refs(e).Intersects(free) {
			return n, nil, false
		}
	}
	// The conditions go on above: their columns must get there.
	have, inner := logical.SetOf(pr.Out...), logical.SetOf(in.Cols()...)
	for _, p := range preds {
		for _, id := range logical.Refs(p).Intersect(inner).List() {
			if !have.Has(id) {
				have.Add(id)
				pr.Out, pr.Exprs = append(pr.Out, id), append(pr.Exprs, c.Meta.Ref(id))
			}
		}
	}
	return pr, preds, true
}

func (c *Ctx) pullJoin(n *logical.Join, free logical.ColSet) (logical.Node, []*expr.Expr, bool) {
	l, preds, ok := c.pull(n.Left, free)
	if !ok {
		return n, nil, false
	}
	if n.Type != physical.JoinInner {
		if logical.FreeCols(n.Right).Intersects(free) || n.On != nil && logical.Refs(n.On).Intersects(free) ||
			n.Type == physical.JoinRight || n.Type == physical.JoinFull {
			return n, nil, false
		}
		return &logical.Join{Type: n.Type, Left: l, Right: n.Right, On: n.On}, preds, true
	}
	r, more, ok := c.pull(n.Right, free)
	local, outer := splitBy(logical.Conjuncts(n.On), free)
	preds = append(append(preds, more...), outer...)
	return &logical.Join{Type: n.Type, Left: l, Right: r, On: logical.And(local...)}, preds, ok
}

// pullAgg pulls equalities through a grouping by grouping also by their inner sides.
func (c *Ctx) pullAgg(n *logical.Agg, free logical.ColSet) (logical.Node, []*expr.Expr, bool) {
	var used logical.ColSet
	n.EachExpr(func(e *expr.Expr) { used.AddSet(logical.Refs(e)) })
	if n.Scalar || used.Intersects(free) {
		return n, nil, false
	}
	return c.pullGrouped(n.Input, free, func(in logical.Node, group []logical.ColID) logical.Node {
		g := *n
		g.Input = in
		g.Group = slices.Clone(n.Group)
		for _, id := range group {
			if !slices.Contains(g.Group, id) {
				g.Group = append(g.Group, id)
			}
		}
		return &g
	})
}

// pullGrouped pulls equalities through a node that works per group.
func (c *Ctx) pullGrouped(in logical.Node, free logical.ColSet, build func(logical.Node, []logical.ColID) logical.Node) (logical.Node, []*expr.Expr, bool) {
	n, preds, ok := c.pull(in, free)
	if !ok {
		return in, nil, false
	}
	n, group, on, ok := c.groupBy(n, preds)
	if !ok {
		return in, nil, false
	}
	return build(n, group), on, true
}

// unnester carries the general way: the columns of the outer side and where they are.
type unnester struct {
	c    *Ctx
	left logical.Node
	free []logical.ColID
	set  logical.ColSet
	// byText is the columns that D holds as text: of types whose equal values may look
	// different, and used by more than comparisons.
	byText logical.ColSet
}

// looksMatter tells whether a column of a type with several looks of one value (1.0 and
// 1.00) is used in n other than to be compared.
func looksMatter(m *logical.Meta, n logical.Node, id logical.ColID) bool {
	if k := m.Type(id).Kind; k != types.KindNumeric && k != types.KindInterval {
		return false
	}
	found := false
	n.EachExpr(func(e *expr.Expr) { found = found || shows(e, id) })
	for _, in := range n.Inputs() {
		found = found || looksMatter(m, in, id)
	}
	return found
}

// shows tells whether e depends on a column other than by comparing it.
func shows(e *expr.Expr, id logical.ColID) bool {
	if e.Op == expr.OpColumn {
		return e.Col == id
	}
	compares := e.Op == expr.OpDistinct || e.Op == expr.OpIsNull
	if f := functions.ByID(e.Fn); f != nil {
		switch f.Name {
		case "=", "<>", "<", "<=", ">", ">=":
			compares = true
		}
	}
	for _, a := range e.Args {
		if (!compares || a.Op != expr.OpColumn) && shows(a, id) {
			return true
		}
	}
	return false
}

// cast converts between text and another type.
func cast(e *expr.Expr, to types.Type) *expr.Expr {
	id, _ := functions.FindCast(e.Type, to, functions.Explicit)
	return &expr.Expr{Op: expr.OpCall, Type: to, Fn: id, Args: []*expr.Expr{e}, Pos: -1}
}

// key is what stands for an outer column in D.
func (u *unnester) key(id logical.ColID) *expr.Expr {
	if u.byText.Has(id) {
		return cast(u.c.Meta.Ref(id), types.Text)
	}
	return u.c.Meta.Ref(id)
}

// general joins D, the distinct values of the correlated columns, into the right side.
func (c *Ctx) general(a *logical.Apply, free logical.ColSet) logical.Node {
	c.fire("UnnestByDomain")
	u := &unnester{c: c, left: a.Left, free: free.List(), set: free}
	for _, id := range u.free {
		if looksMatter(c.Meta, a.Right, id) {
			u.byText.Add(id)
		}
	}
	right, d := u.push(a.Right)
	if c.Err != nil {
		return a
	}
	on := []*expr.Expr{a.On}
	for i, id := range u.free {
		on = append(on, logical.NotDistinct(u.key(id), c.Meta.Ref(d[i])))
	}
	return &logical.Join{Type: a.Type, Left: a.Left, Right: right, On: logical.And(on...)}
}

// domain makes a fresh D.
func (u *unnester) domain() (logical.Node, []logical.ColID) {
	p := &logical.Project{Input: u.left}
	for _, id := range u.free {
		k := u.key(id)
		p.Out = append(p.Out, u.c.Meta.Add(u.c.Meta.Name(id), k.Type))
		p.Exprs = append(p.Exprs, k)
	}
	return &logical.Agg{Input: p, Group: p.Out}, p.Out
}

// sub replaces the outer columns by those of D.
func (u *unnester) sub(d []logical.ColID) func(*expr.Expr) *expr.Expr {
	m := map[logical.ColID]*expr.Expr{}
	for i, id := range u.free {
		m[id] = u.c.Meta.Ref(d[i])
		if u.byText.Has(id) {
			m[id] = cast(m[id], u.c.Meta.Type(id))
		}
	}
	return func(e *expr.Expr) *expr.Expr { return logical.Substitute(e, m) }
}

// same is the condition that two copies of D's columns agree.
func (u *unnester) same(a, b []logical.ColID) *expr.Expr {
	var all []*expr.Expr
	for i := range a {
		all = append(all, logical.NotDistinct(u.c.Meta.Ref(a[i]), u.c.Meta.Ref(b[i])))
	}
	return logical.And(all...)
}

// push gives n computed for every value of D at once, with D's columns beside.
func (u *unnester) push(n logical.Node) (logical.Node, []logical.ColID) {
	if !logical.FreeCols(n).Intersects(u.set) {
		d, cols := u.domain()
		if logical.IsUnit(n) {
			return d, cols
		}
		return &logical.Join{Type: physical.JoinInner, Left: d, Right: n}, cols
	}
	switch n := n.(type) {
	case *logical.Filter, *logical.ProjectSet, *logical.HopWindow:
		in, d := u.push(n.Inputs()[0])
		return n.WithInputs([]logical.Node{in}).MapExprs(u.sub(d)), d
	case *logical.Shared:
		return u.push(n.Input)
	case *logical.Project:
		in, d := u.push(n.Input)
		p := n.MapExprs(u.sub(d)).(*logical.Project)
		out := &logical.Project{Input: in, Out: append(slices.Clone(p.Out), d...), Exprs: slices.Clone(p.Exprs)}
		for _, id := range d {
			out.Exprs = append(out.Exprs, u.c.Meta.Ref(id))
		}
		return out, d
	case *logical.Agg:
		return u.pushAgg(n)
	case *logical.Join:
		return u.pushJoin(n)
	case *logical.Union:
		return u.pushUnion(n)
	case *logical.SetOp:
		l, dl := u.push(n.Left)
		r, dr := u.push(n.Right)
		s := *n
		s.Left, s.Right = l, r
		s.LeftCols, s.RightCols = append(slices.Clone(n.LeftCols), dl...), append(slices.Clone(n.RightCols), dr...)
		d := u.fresh(dl)
		s.Out = append(slices.Clone(n.Out), d...)
		return &s, d
	case *logical.TopN:
		in, d := u.push(n.Input)
		t := *n.MapExprs(u.sub(d)).(*logical.TopN)
		t.Input, t.Partition = in, append(slices.Clone(n.Partition), d...)
		return &t, d
	case *logical.SessionWindow:
		in, d := u.push(n.Input)
		w := *n
		w.Input, w.Partition = in, append(slices.Clone(n.Partition), d...)
		return &w, d
	case *logical.OverWindow:
		in, d := u.push(n.Input)
		w := *n.MapExprs(u.sub(d)).(*logical.OverWindow)
		w.Input, w.Partition = in, append(slices.Clone(n.Partition), d...)
		return &w, d
	}
	u.c.Err = sqlerr.New(sqlerr.FeatureNotSupported, "this correlated subquery is not supported")
	return n, u.free
}

func (u *unnester) fresh(ids []logical.ColID) []logical.ColID {
	out := make([]logical.ColID, len(ids))
	for i, id := range ids {
		out[i] = u.c.Meta.Copy(id)
	}
	return out
}

func (u *unnester) pushAgg(n *logical.Agg) (logical.Node, []logical.ColID) {
	in, d := u.push(n.Input)
	g := n.MapExprs(u.sub(d)).(*logical.Agg)
	g = &logical.Agg{Input: in, Group: append(slices.Clone(n.Group), d...), Calls: g.Calls}
	if !n.Scalar {
		return g, d
	}
	all, dd := u.domain()
	out := &logical.Project{Input: &logical.Join{Type: physical.JoinLeft, Left: all, Right: g, On: u.same(dd, d)}}
	g.Calls = slices.Clone(g.Calls)
	for i := range g.Calls {
		call := &g.Calls[i]
		e := u.c.Meta.Ref(call.Col)
		old := call.Col
		if isCount(call) {
			call.Col = u.c.Meta.Copy(old)
			e = coalesceZero(u.c.Meta.Ref(call.Col))
		}
		out.Out, out.Exprs = append(out.Out, old), append(out.Exprs, e)
	}
	for _, id := range dd {
		out.Out, out.Exprs = append(out.Out, id), append(out.Exprs, u.c.Meta.Ref(id))
	}
	return out, dd
}

func (u *unnester) pushJoin(n *logical.Join) (logical.Node, []logical.ColID) {
	lfree, rfree := logical.FreeCols(n.Left).Intersects(u.set), logical.FreeCols(n.Right).Intersects(u.set)
	build := func(l, r logical.Node, on *expr.Expr) *logical.Join {
		return &logical.Join{Type: n.Type, Left: l, Right: r, On: on}
	}
	mapOn := func(d []logical.ColID) *expr.Expr {
		if n.On == nil {
			return nil
		}
		return u.sub(d)(n.On)
	}
	switch {
	case n.Type == physical.JoinFull:
		u.c.Err = sqlerr.New(sqlerr.FeatureNotSupported, "a correlated subquery with FULL JOIN is not supported")
		return n, u.free
	case n.Type == physical.JoinRight, n.Type == physical.JoinInner && rfree && !lfree:
		r, d := u.push(n.Right)
		if !lfree {
			return build(n.Left, r, mapOn(d)), d
		}
		l, dl := u.push(n.Left)
		return build(l, r, logical.And(mapOn(d), u.same(dl, d))), d
	}
	l, d := u.push(n.Left)
	if !rfree {
		return build(l, n.Right, mapOn(d)), d
	}
	r, dr := u.push(n.Right)
	return build(l, r, logical.And(mapOn(d), u.same(d, dr))), d
}

func (u *unnester) pushUnion(n *logical.Union) (logical.Node, []logical.ColID) {
	out := &logical.Union{}
	var d []logical.ColID
	for i, in := range n.In {
		m, di := u.push(in)
		out.In = append(out.In, m)
		out.InCols = append(out.InCols, append(slices.Clone(n.InCols[i]), di...))
		if d == nil {
			d = u.fresh(di)
		}
	}
	out.Out = append(slices.Clone(n.Out), d...)
	return out, d
}
