package rule

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
)

// pushFilters moves every condition down as far as it goes: through projections,
// unions, groupings (on group columns) and windows, into joins. On the way, outer
// joins whose padding a condition refuses become inner, and products become joins on
// the conditions that connect them.
func pushFilters(c *Ctx, n logical.Node, _ logical.ColSet) logical.Node {
	return c.push(n, nil)
}

// push gives n filtered by preds.
func (c *Ctx) push(n logical.Node, preds []*expr.Expr) logical.Node {
	switch n := n.(type) {
	case *logical.Filter:
		return c.push(n.Input, append(logical.Conjuncts(n.Pred), preds...))
	case *logical.Project:
		return c.pushProject(n, preds)
	case *logical.Join:
		return c.pushJoin(n, preds)
	case *logical.Union:
		return c.pushUnion(n, preds)
	case *logical.Agg:
		below := logical.SetOf(n.Group...)
		if n.Scalar {
			return c.stop(n, preds)
		}
		return c.throughWindows(n, preds, below)
	case *logical.HopWindow:
		return c.through(n, preds, logical.SetOf(n.Input.Cols()...))
	case *logical.SessionWindow:
		return c.through(n, preds, logical.SetOf(n.Partition...))
	case *logical.OverWindow:
		return c.throughWindows(n, preds, logical.SetOf(n.Partition...))
	case *logical.ProjectSet:
		return c.through(n, preds, logical.SetOf(n.Input.Cols()...))
	case *logical.SetOp:
		return c.pushSetOp(n, preds)
	case *logical.AsofJoin, *logical.LookupJoin:
		return c.pushTimeJoin(n, preds)
	}
	return c.stop(n, preds)
}

// stop leaves the conditions above n and goes on below it with none.
func (c *Ctx) stop(n logical.Node, preds []*expr.Expr) logical.Node {
	ins := n.Inputs()
	if len(ins) > 0 {
		out := make([]logical.Node, len(ins))
		for i, in := range ins {
			out[i] = c.push(in, nil)
		}
		n = n.WithInputs(out)
	}
	return logical.Where(n, logical.And(preds...))
}

// within separates the conditions over cols only from the rest. Constant conditions
// count as over any columns.
func within(preds []*expr.Expr, cols logical.ColSet) (in, out []*expr.Expr) {
	for _, p := range preds {
		if logical.Refs(p).SubsetOf(cols) && !logical.IsVolatile(p) {
			in = append(in, p)
		} else {
			out = append(out, p)
		}
	}
	return in, out
}

// through pushes the conditions over cols below a node with one input.
func (c *Ctx) through(n logical.Node, preds []*expr.Expr, cols logical.ColSet) logical.Node {
	down, up := within(preds, cols)
	if len(down) > 0 {
		c.fire("PushFilter")
	}
	return logical.Where(n.WithInputs([]logical.Node{c.push(n.Inputs()[0], down)}), logical.And(up...))
}

func (c *Ctx) pushProject(n *logical.Project, preds []*expr.Expr) logical.Node {
	by := bindings(n)
	var hard logical.ColSet
	for id, e := range by {
		if logical.IsVolatile(e) {
			hard.Add(id)
		}
	}
	var down, up []*expr.Expr
	for _, p := range preds {
		if logical.Refs(p).Intersects(hard) || logical.IsVolatile(p) {
			up = append(up, p)
			continue
		}
		c.fire("PushFilter")
		down = append(down, expr.Fold(logical.Substitute(p, by)))
	}
	return logical.Where(&logical.Project{Input: c.push(n.Input, down), Out: n.Out, Exprs: n.Exprs}, logical.And(up...))
}

func (c *Ctx) pushUnion(n *logical.Union, preds []*expr.Expr) logical.Node {
	_, vol := within(preds, logical.SetOf(n.Out...))
	if len(vol) > 0 {
		return c.stop(n, preds)
	}
	out := &logical.Union{Out: n.Out, InCols: n.InCols}
	for k, in := range n.In {
		by := map[logical.ColID]*expr.Expr{}
		for i, id := range n.Out {
			by[id] = c.Meta.Ref(n.InCols[k][i])
		}
		var down []*expr.Expr
		for _, p := range preds {
			c.fire("PushFilter")
			down = append(down, logical.Substitute(p, by))
		}
		out.In = append(out.In, c.push(in, down))
	}
	return out
}

func (c *Ctx) pushSetOp(n *logical.SetOp, preds []*expr.Expr) logical.Node {
	_, vol := within(preds, logical.SetOf(n.Out...))
	if len(vol) > 0 {
		return c.stop(n, preds)
	}
	s := *n
	side := func(in logical.Node, cols []logical.ColID) logical.Node {
		by := map[logical.ColID]*expr.Expr{}
		for i, id := range n.Out {
			by[id] = c.Meta.Ref(cols[i])
		}
		var down []*expr.Expr
		for _, p := range preds {
			c.fire("PushFilter")
			down = append(down, logical.Substitute(p, by))
		}
		return c.push(in, down)
	}
	s.Left, s.Right = side(n.Left, n.LeftCols), side(n.Right, n.RightCols)
	return &s
}

// pushTimeJoin pushes conditions over the left side into it. A condition over the right
// side tests the partner that was chosen; it must not change the choice.
func (c *Ctx) pushTimeJoin(n logical.Node, preds []*expr.Expr) logical.Node {
	in := n.Inputs()
	down, up := within(preds, logical.SetOf(in[0].Cols()...))
	if len(down) > 0 {
		c.fire("PushFilterIntoJoin")
	}
	return logical.Where(n.WithInputs([]logical.Node{c.push(in[0], down), c.push(in[1], nil)}), logical.And(up...))
}

func (c *Ctx) pushJoin(n *logical.Join, preds []*expr.Expr) logical.Node {
	lcols, rcols := logical.SetOf(n.Left.Cols()...), logical.SetOf(n.Right.Cols()...)
	if t := c.simplerJoin(n.Type, preds, lcols, rcols); t != n.Type {
		c.fire("SimplifyOuterJoin")
		return c.pushJoin(&logical.Join{Type: t, Left: n.Left, Right: n.Right, On: n.On}, preds)
	}
	on := logical.Conjuncts(n.On)
	var toLeft, toRight, up []*expr.Expr
	switch n.Type {
	case physical.JoinInner:
		return c.innerJoin(n, preds)
	case physical.JoinLeft:
		toLeft, up = within(preds, lcols)
		toRight, on = within(on, rcols)
	case physical.JoinRight:
		toRight, up = within(preds, rcols)
		toLeft, on = within(on, lcols)
	case physical.JoinFull:
		up = preds
	case physical.JoinSemi:
		var more []*expr.Expr
		toLeft, up = within(preds, lcols)
		toRight, on = within(on, rcols)
		more, on = within(on, lcols)
		toLeft = append(toLeft, more...)
	case physical.JoinAnti:
		toLeft, up = within(preds, lcols)
		toRight, on = within(on, rcols)
	case physical.JoinNullAnti:
		toLeft, up = within(preds, lcols)
	}
	if len(toLeft)+len(toRight) > 0 {
		c.fire("PushFilterIntoJoin")
	}
	j := &logical.Join{Type: n.Type, Left: c.push(n.Left, toLeft), Right: c.push(n.Right, toRight), On: logical.And(on...)}
	return logical.Where(j, logical.And(up...))
}

// simplerJoin finds the type of a join whose padding some condition above refuses.
func (c *Ctx) simplerJoin(t physical.JoinType, preds []*expr.Expr, lcols, rcols logical.ColSet) physical.JoinType {
	refusesLeft := slices.ContainsFunc(preds, func(p *expr.Expr) bool { return rejectsNull(p, lcols) })
	refusesRight := slices.ContainsFunc(preds, func(p *expr.Expr) bool { return rejectsNull(p, rcols) })
	switch t {
	case physical.JoinLeft:
		if refusesRight {
			return physical.JoinInner
		}
	case physical.JoinRight:
		if refusesLeft {
			return physical.JoinInner
		}
	case physical.JoinFull:
		switch {
		case refusesLeft && refusesRight:
			return physical.JoinInner
		case refusesLeft:
			return physical.JoinLeft
		case refusesRight:
			return physical.JoinRight
		}
	}
	return t
}

// rejectsNull tells whether a condition is never true when all of cols are NULL.
func rejectsNull(e *expr.Expr, cols logical.ColSet) bool {
	switch e.Op {
	case expr.OpAnd:
		return slices.ContainsFunc(e.Args, func(a *expr.Expr) bool { return rejectsNull(a, cols) })
	case expr.OpOr:
		return !slices.ContainsFunc(e.Args, func(a *expr.Expr) bool { return !rejectsNull(a, cols) })
	case expr.OpNot:
		if a := e.Args[0]; a.Op == expr.OpIsNull {
			return nullIfNull(a.Args[0], cols)
		}
	case expr.OpIsTrue:
		return rejectsNull(e.Args[0], cols)
	case expr.OpIsFalse:
		return nullIfNull(e.Args[0], cols)
	}
	return nullIfNull(e, cols)
}

// nullIfNull tells whether e is NULL when all of cols are NULL.
func nullIfNull(e *expr.Expr, cols logical.ColSet) bool {
	switch e.Op {
	case expr.OpColumn:
		return cols.Has(e.Col)
	case expr.OpConst:
		return e.Val.Null
	case expr.OpNot:
		return nullIfNull(e.Args[0], cols)
	case expr.OpInList, expr.OpAnyArray, expr.OpAllArray:
		return e.Op == expr.OpInList && nullIfNull(e.Args[0], cols)
	case expr.OpAnd, expr.OpOr:
		return !slices.ContainsFunc(e.Args, func(a *expr.Expr) bool { return !nullIfNull(a, cols) })
	case expr.OpCall:
		f := functions.ByID(e.Fn)
		return f != nil && f.Strict && slices.ContainsFunc(e.Args, func(a *expr.Expr) bool { return nullIfNull(a, cols) })
	}
	return false
}

// innerJoin takes a nest of inner joins apart and puts it together again: conditions
// over one input go into it, and the inputs are joined in the order in which they
// were written, except that one which no condition connects waits for one that does.
func (c *Ctx) innerJoin(n *logical.Join, preds []*expr.Expr) logical.Node {
	var items []logical.Node
	conds := slices.Clone(preds)
	var flatten func(n logical.Node)
	flatten = func(n logical.Node) {
		switch n := n.(type) {
		case *logical.Join:
			if n.Type == physical.JoinInner {
				conds = append(conds, logical.Conjuncts(n.On)...)
				flatten(n.Left)
				flatten(n.Right)
				return
			}
		case *logical.Filter:
			if j, ok := n.Input.(*logical.Join); ok && j.Type == physical.JoinInner {
				conds = append(conds, logical.Conjuncts(n.Pred)...)
				flatten(j)
				return
			}
		}
		if !logical.IsUnit(n) {
			items = append(items, n)
		}
	}
	flatten(n)
	conds = logical.Conjuncts(logical.And(conds...))
	sets := make([]logical.ColSet, len(items))
	timed, conds := c.closingJoin(items, conds)
	for i, it := range items {
		sets[i] = logical.SetOf(it.Cols()...)
		var own []*expr.Expr
		own, conds = within(conds, sets[i])
		if len(own) > 0 {
			c.fire("PushFilterIntoJoin")
		}
		items[i] = c.push(it, own)
	}
	if len(items) == 0 {
		return logical.Where(logical.Unit(), logical.And(conds...))
	}
	// A join does not look at its rows again as time passes: that is for a filter above it.
	if c.Maintained {
		conds = slices.DeleteFunc(slices.Clone(conds), func(p *expr.Expr) bool {
			t := readsClock(p)
			if t {
				timed = append(timed, p)
			}
			return t
		})
	}
	return logical.Where(c.joinItems(items, sets, conds), logical.And(timed...))
}

// readsClock tells whether a condition depends on the time.
func readsClock(e *expr.Expr) bool {
	found := false
	expr.Walk(e, func(x *expr.Expr) bool {
		if x.Op == expr.OpCall && len(x.Args) == 0 {
			if f := functions.ByID(x.Fn); f != nil && f.Volatility == functions.Stable {
				found = true
			}
		}
		return !found
	})
	return found
}

// joinItems joins inputs left to right, a connected one first.
func (c *Ctx) joinItems(items []logical.Node, sets []logical.ColSet, conds []*expr.Expr) logical.Node {
	out, have := items[0], sets[0]
	rest := make([]int, 0, len(items))
	for i := range items[1:] {
		rest = append(rest, i+1)
	}
	for len(rest) > 0 {
		pick := 0
		for k, i := range rest {
			if connected(conds, have, sets[i]) {
				pick = k
				break
			}
		}
		if pick > 0 {
			c.fire("ReorderCrossProduct")
		}
		i := rest[pick]
		rest = slices.Delete(rest, pick, pick+1)
		have = have.Union(sets[i])
		var on []*expr.Expr
		on, conds = within(conds, have)
		if len(on) > 0 {
			c.fire("JoinFromProduct")
		}
		out = &logical.Join{Type: physical.JoinInner, Left: out, Right: items[i], On: logical.And(on...)}
	}
	return logical.Where(out, logical.And(conds...))
}

// connected tells whether an equality joins the two sets of columns.
func connected(conds []*expr.Expr, a, b logical.ColSet) bool {
	for _, p := range conds {
		l, r, ok := logical.Equality(p)
		if !ok {
			l, r, ok = logical.NullSafeEquality(p)
		}
		if !ok {
			continue
		}
		lr, rr := logical.Refs(l), logical.Refs(r)
		if lr.Empty() || rr.Empty() {
			continue
		}
		if lr.SubsetOf(a) && rr.SubsetOf(b) || lr.SubsetOf(b) && rr.SubsetOf(a) {
			return true
		}
	}
	return false
}
