package rule

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/expr"
)

// foldConstants computes what is constant, drops filters that are true and empties
// what a false filter keeps nothing of.
func foldConstants(c *Ctx, n logical.Node, _ logical.ColSet) logical.Node {
	return logical.Transform(n, func(n logical.Node) logical.Node {
		changed := false
		m := n.MapExprs(func(e *expr.Expr) *expr.Expr {
			f := expr.Fold(e)
			changed = changed || f != e
			return f
		})
		if changed {
			c.fire("FoldConstants")
			n = m
		}
		switch n := n.(type) {
		case *logical.Filter:
			if logical.IsTrue(n.Pred) {
				c.fire("FoldConstants")
				return n.Input
			}
			if logical.IsFalseOrNull(n.Pred) {
				c.fire("EmptyFalseFilter")
				return &logical.Values{Out: n.Cols()}
			}
		case *logical.Join:
			return dropUnitJoin(n)
		case *logical.Project:
			if v, ok := n.Input.(*logical.Values); ok {
				return projectValues(c, n, v)
			}
		}
		return n
	})
}

// projectValues computes a projection within the rows it is over, unless that would
// evaluate something twice.
func projectValues(c *Ctx, p *logical.Project, v *logical.Values) logical.Node {
	for _, row := range v.Rows {
		if !mergeable(p, &logical.Project{Out: v.Out, Exprs: row}) {
			return p
		}
	}
	c.fire("ProjectValues")
	out := &logical.Values{Out: p.Out, Rows: make([][]*expr.Expr, len(v.Rows))}
	for i, row := range v.Rows {
		by := bindings(&logical.Project{Out: v.Out, Exprs: row})
		out.Rows[i] = make([]*expr.Expr, len(p.Exprs))
		for k, e := range p.Exprs {
			out.Rows[i][k] = expr.Fold(logical.Substitute(e, by))
		}
	}
	return out
}

// dropUnitJoin joins with one row without columns: nothing to do.
func dropUnitJoin(n *logical.Join) logical.Node {
	if n.Type == physical.JoinInner {
		if logical.IsUnit(n.Left) {
			return logical.Where(n.Right, n.On)
		}
		if logical.IsUnit(n.Right) {
			return logical.Where(n.Left, n.On)
		}
	}
	if n.On != nil && logical.IsTrue(n.On) {
		return &logical.Join{Type: n.Type, Left: n.Left, Right: n.Right}
	}
	return n
}

// mergeProjects makes one projection of two, unless that would compute something
// twice, and drops those that only pass columns on.
func mergeProjects(c *Ctx, n logical.Node, _ logical.ColSet) logical.Node {
	return logical.Transform(n, func(n logical.Node) logical.Node {
		p, ok := n.(*logical.Project)
		if !ok {
			return n
		}
		if passesOn(p) {
			return p.Input
		}
		in, ok := p.Input.(*logical.Project)
		if !ok || !mergeable(p, in) {
			return n
		}
		c.fire("MergeProjects")
		by := bindings(in)
		m := p.MapExprs(func(e *expr.Expr) *expr.Expr { return expr.Fold(logical.Substitute(e, by)) }).(*logical.Project)
		return &logical.Project{Input: in.Input, Out: m.Out, Exprs: m.Exprs}
	})
}

// passesOn tells whether a projection only leaves out columns: readers name columns,
// so that it has no effect.
func passesOn(p *logical.Project) bool {
	for i, e := range p.Exprs {
		if e.Op != expr.OpColumn || e.Col != p.Out[i] {
			return false
		}
	}
	return true
}

// mergeable tells whether no computed column of in is used twice by p.
func mergeable(p, in *logical.Project) bool {
	uses := map[logical.ColID]int{}
	for _, e := range p.Exprs {
		expr.Walk(e, func(x *expr.Expr) bool {
			if x.Op == expr.OpColumn {
				uses[x.Col]++
			}
			return true
		})
	}
	for i, e := range in.Exprs {
		if e.Op == expr.OpColumn || e.IsConst() {
			continue
		}
		if uses[in.Out[i]] > 1 || logical.IsVolatile(e) {
			return false
		}
	}
	return true
}

// pruneColumns leaves out the columns that nobody reads.
func pruneColumns(c *Ctx, n logical.Node, need logical.ColSet) logical.Node {
	return c.prune(n, need)
}

// prune gives n with at least the columns need, and as few others as possible.
func (c *Ctx) prune(n logical.Node, need logical.ColSet) logical.Node {
	switch n := n.(type) {
	case *logical.Scan:
		return c.pruneScan(n, need)
	case *logical.Values:
		return pruneValues(n, need)
	case *logical.Project:
		return c.pruneProject(n, need)
	case *logical.Agg:
		return c.pruneAgg(n, need)
	case *logical.Join:
		var on logical.ColSet
		if n.On != nil {
			on = logical.Refs(n.On)
		}
		return &logical.Join{Type: n.Type, On: n.On,
			Left:  c.prune(n.Left, need.Union(on).Intersect(logical.SetOf(n.Left.Cols()...))),
			Right: c.prune(n.Right, need.Union(on).Intersect(logical.SetOf(n.Right.Cols()...)))}
	case *logical.AsofJoin:
		// Ties are broken by the right side's whole rows.
		n.EachExpr(func(e *expr.Expr) { need = need.Union(logical.Refs(e)) })
		return n.WithInputs([]logical.Node{
			c.prune(n.Left, need.Intersect(logical.SetOf(n.Left.Cols()...))), c.prune(n.Right, logical.SetOf(n.Right.Cols()...))})
	case *logical.LookupJoin:
		n.EachExpr(func(e *expr.Expr) { need = need.Union(logical.Refs(e)) })
		left := need.Intersect(logical.SetOf(n.Left.Cols()...))
		if !appendOnly(n.Left) {
			left = logical.SetOf(n.Left.Cols()...) // which tell apart what each row was given
		}
		return n.WithInputs([]logical.Node{c.prune(n.Left, left), c.prune(n.Right, need.Intersect(logical.SetOf(n.Right.Cols()...)))})
	case *logical.Union:
		return c.pruneUnion(n, need)
	case *logical.SetOp:
		s := *n
		s.Left, s.Right = c.prune(n.Left, logical.SetOf(n.LeftCols...)), c.prune(n.Right, logical.SetOf(n.RightCols...))
		return &s
	case *logical.Recursive:
		r := *n
		r.Start, r.Step = c.prune(n.Start, logical.SetOf(n.StartCols...)), c.prune(n.Step, logical.SetOf(n.StepCols...))
		return &r
	case *logical.Shared:
		return n
	case *logical.OverWindow:
		return c.pruneOverWindow(n, need)
	case *logical.TopN:
		return c.pruneTopN(n, need)
	}
	return c.pruneSingle(n, need)
}

// pruneSingle prunes below the nodes that pass their one input's columns on.
func (c *Ctx) pruneSingle(n logical.Node, need logical.ColSet) logical.Node {
	ins := n.Inputs()
	if len(ins) != 1 {
		return n
	}
	wanted := need
	need = need.Intersect(logical.SetOf(ins[0].Cols()...))
	n.EachExpr(func(e *expr.Expr) { need.AddSet(logical.Refs(e)) })
	if h, ok := n.(*logical.HopWindow); ok {
		if h.WindowTime != 0 && !wanted.Has(h.WindowTime) {
			m := *h
			m.WindowTime = 0
			n = &m
		}
		need.Add(h.Time)
	}
	if s, ok := n.(*logical.SessionWindow); ok {
		if s.WindowTime != 0 && !wanted.Has(s.WindowTime) {
			m := *s
			m.WindowTime = 0
			n = &m
		}
		need = need.Union(logical.SetOf(s.Partition...))
		need.Add(s.Time)
	}
	return n.WithInputs([]logical.Node{c.prune(ins[0], need)})
}

func (c *Ctx) pruneScan(n *logical.Scan, need logical.ColSet) logical.Node {
	s := *n
	s.Out, s.ColumnIDs = nil, nil
	for i, id := range n.Out {
		if need.Has(id) {
			s.Out, s.ColumnIDs = append(s.Out, id), append(s.ColumnIDs, n.ColumnIDs[i])
		}
	}
	if len(s.Out) == len(n.Out) {
		return n
	}
	c.fire("PruneColumns")
	return &s
}

func pruneValues(n *logical.Values, need logical.ColSet) logical.Node {
	v := &logical.Values{Rows: make([][]*expr.Expr, len(n.Rows))}
	for i, id := range n.Out {
		if !need.Has(id) {
			continue
		}
		v.Out = append(v.Out, id)
		for r := range n.Rows {
			v.Rows[r] = append(v.Rows[r], n.Rows[r][i])
		}
	}
	return v
}

func (c *Ctx) pruneProject(n *logical.Project, need logical.ColSet) logical.Node {
	p := &logical.Project{}
	var below logical.ColSet
	for i, id := range n.Out {
		if need.Has(id) {
			p.Out, p.Exprs = append(p.Out, id), append(p.Exprs, n.Exprs[i])
			below.AddSet(logical.Refs(n.Exprs[i]))
		}
	}
	if c.Maintained && Stamps(&logical.Project{Input: n.Input, Out: p.Out, Exprs: p.Exprs}) {
		below.AddSet(logical.SetOf(n.Input.Cols()...))
	}
	p.Input = c.prune(n.Input, below)
	if passesOn(p) {
		return p.Input
	}
	return p
}

func (c *Ctx) pruneAgg(n *logical.Agg, need logical.ColSet) logical.Node {
	g := *n
	g.Calls = nil
	for i := range n.Calls {
		if need.Has(n.Calls[i].Col) {
			g.Calls = append(g.Calls, n.Calls[i])
		}
	}
	below := logical.SetOf(n.Group...)
	if n.Hop != nil {
		below = below.Minus(logical.SetOf(n.Hop.Windows()...))
		below.Add(n.Hop.Time)
	}
	g.EachExpr(func(e *expr.Expr) { below.AddSet(logical.Refs(e)) })
	g.Input = c.prune(n.Input, below)
	return &g
}

func (c *Ctx) pruneUnion(n *logical.Union, need logical.ColSet) logical.Node {
	u := &logical.Union{InCols: make([][]logical.ColID, len(n.In))}
	for i, id := range n.Out {
		if !need.Has(id) {
			continue
		}
		u.Out = append(u.Out, id)
		for k := range n.In {
			u.InCols[k] = append(u.InCols[k], n.InCols[k][i])
		}
	}
	for k, in := range n.In {
		u.In = append(u.In, c.prune(in, logical.SetOf(u.InCols[k]...)))
	}
	return u
}

// projectBelowWindow computes expressions that do not use the window before rows are
// multiplied into windows.
func projectBelowWindow(c *Ctx, n logical.Node, _ logical.ColSet) logical.Node {
	return logical.Transform(n, func(n logical.Node) logical.Node {
		p, ok := n.(*logical.Project)
		if !ok {
			return n
		}
		h, ok := p.Input.(*logical.HopWindow)
		if !ok || anyVolatile(p.Exprs) {
			return n
		}
		window := logical.SetOf(h.Windows()...)
		below := &logical.Project{Input: h.Input}
		for i, e := range p.Exprs {
			if e.Op == expr.OpColumn && window.Has(e.Col) && e.Col == p.Out[i] {
				continue
			}
			if logical.Refs(e).Intersects(window) {
				return n
			}
			below.Out, below.Exprs = append(below.Out, p.Out[i]), append(below.Exprs, e)
		}
		if !slices.Contains(below.Out, h.Time) {
			below.Out, below.Exprs = append(below.Out, h.Time), append(below.Exprs, c.Meta.Ref(h.Time))
		}
		c.fire("PushProjectBelowWindow")
		w := *h
		w.Input = below
		if passesOn(below) {
			w.Input = h.Input
		}
		return &w
	})
}

// scanKeyRange lets scans under a filter read only a range of a key.
func scanKeyRange(c *Ctx, n logical.Node, _ logical.ColSet) logical.Node {
	if c.Access == nil {
		return n
	}
	return logical.Transform(n, func(n logical.Node) logical.Node {
		f, ok := n.(*logical.Filter)
		if !ok {
			return n
		}
		s, ok := f.Input.(*logical.Scan)
		if !ok || s.Range != nil {
			return n
		}
		if r := c.Access(s, f); r != s {
			c.fire("ScanKeyRange")
			return &logical.Filter{Input: r, Pred: f.Pred}
		}
		return n
	})
}
