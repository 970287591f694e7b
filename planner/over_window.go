package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// windowCollector gathers the window functions of a query level.
type windowCollector struct {
	// defs is the WINDOW clause, bound as far as done.
	defs  []*windowSpec
	calls []windowCall
}

// windowSpec is a bound window: partitions, order and frame.
type windowSpec struct {
	def       *ast.WindowDef
	partition []*expr.Expr
	order     []windowOrder
	frame     logical.Frame
}

// windowOrder is a sort key of a window.
type windowOrder struct {
	expr       *expr.Expr
	desc       bool
	nullsFirst bool
}

// windowCall is a bound window function with its window.
type windowCall struct {
	spec *windowSpec
	call logical.WindowCall
}

// sameWindow tells whether two windows have the same partitions and order, whatever
// their frames.
func (s *windowSpec) sameWindow(o *windowSpec) bool {
	if len(s.partition) != len(o.partition) || len(s.order) != len(o.order) {
		return false
	}
	for i := range s.partition {
		if !sameExpr(s.partition[i], o.partition[i]) {
			return false
		}
	}
	for i := range s.order {
		a, b := s.order[i], o.order[i]
		if a.desc != b.desc || a.nullsFirst != b.nullsFirst || !sameExpr(a.expr, b.expr) {
			return false
		}
	}
	return true
}

func sameExpr(a, b *expr.Expr) bool { return logical.Equal(a, b) && !logical.IsVolatile(a) }

// mapExprs applies f to every expression of every window and call.
func (w *windowCollector) mapExprs(f func(*expr.Expr) (*expr.Expr, error)) error {
	var failed error
	one := func(e *expr.Expr) *expr.Expr {
		r, err := f(e)
		if err != nil {
			failed = err
			return e
		}
		return r
	}
	done := map[*windowSpec]bool{}
	for i := range w.calls {
		c := &w.calls[i]
		c.call = c.call.MapExprs(one)
		if done[c.spec] {
			continue
		}
		done[c.spec] = true
		for k, e := range c.spec.partition {
			c.spec.partition[k] = one(e)
		}
		for k := range c.spec.order {
			c.spec.order[k].expr = one(c.spec.order[k].expr)
		}
	}
	return failed
}

// cols is the columns of all calls.
func (w *windowCollector) cols() logical.ColSet {
	var set logical.ColSet
	for i := range w.calls {
		set.Add(w.calls[i].call.Col)
	}
	return set
}

// windowFunc binds a call with OVER.
func (x *exprCtx) windowFunc(name string, kind functions.FuncKind, e *ast.FuncCall) (*expr.Expr, error) {
	b := x.b
	if err := x.windowSyntax(name, kind, e); err != nil {
		return nil, err
	}
	if err := x.windowAllowed(e); err != nil {
		return nil, err
	}
	x.noWindow = "window function calls cannot be nested"
	defer func() { x.noWindow = "" }()
	before := 0
	if x.sets != nil {
		before = len(*x.sets)
	}
	args, err := x.list(e.Args)
	if err != nil {
		return nil, err
	}
	if e.Star && kind == functions.Aggregate {
		args = nil
	}
	resolved, err := b.resolveAgg(name, args, b.pos(e))
	if err != nil {
		return nil, err
	}
	c := logical.WindowCall{Fn: resolved.Fn, Args: resolved.Args, Type: resolved.Type}
	if e.Filter != nil {
		if c.Filter, err = x.cond(e.Filter, "FILTER"); err != nil {
			return nil, err
		}
		if logical.IsTrue(c.Filter) {
			c.Filter = nil
		}
	}
	if x.sets != nil && len(*x.sets) > before {
		at := b.pos(e)
		for _, a := range args {
			expr.Walk(a, func(n *expr.Expr) bool {
				if n.Op == expr.OpColumn && n.Col == (*x.sets)[before].Col {
					at = n.Pos
				}
				return true
			})
		}
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "window function calls cannot contain set-returning function calls").
			WithHint("You might be able to move the set-returning function into a LATERAL FROM item.").At(at)
	}
	spec, err := x.overSpec(e.Over)
	if err != nil {
		return nil, err
	}
	c.Frame = spec.frame
	r := b.meta.Ref(x.windows.add(b, name, spec, c))
	r.Pos = b.pos(e)
	return r, nil
}

// windowSyntax refuses what no window function may have.
func (x *exprCtx) windowSyntax(name string, kind functions.FuncKind, e *ast.FuncCall) error {
	at := x.b.pos(e)
	switch {
	case kind == functions.Set:
		return sqlerr.New(sqlerr.WrongObjectType, "OVER specified, but %s is not a window function nor an aggregate function", name).At(at)
	case kind == functions.Scalar:
		if _, found := kindOf(name); !found {
			return nil // resolving it says so
		}
		return sqlerr.New(sqlerr.WrongObjectType, "OVER specified, but %s is not a window function nor an aggregate function", name).At(at)
	case e.WithinGroup && kind == functions.Window:
		return sqlerr.New(sqlerr.WrongObjectType, "window function %s cannot have WITHIN GROUP", name).At(at)
	case kind == functions.Aggregate && functions.ByName(name)[0].Agg.OrderedSet:
		return sqlerr.New(sqlerr.FeatureNotSupported, "OVER is not supported for ordered-set aggregate %s", name).At(at)
	case e.WithinGroup:
		return sqlerr.New(sqlerr.WrongObjectType, "%s is not an ordered-set aggregate, so it cannot have WITHIN GROUP", name).At(at)
	case e.Distinct:
		return sqlerr.New(sqlerr.FeatureNotSupported, "DISTINCT is not implemented for window functions").At(at)
	case kind == functions.Aggregate && len(e.Args) == 0 && !e.Star:
		return sqlerr.New(sqlerr.WrongObjectType, "%s(*) must be used to call a parameterless aggregate function", name).At(at)
	case len(e.OrderBy) > 0:
		return sqlerr.New(sqlerr.FeatureNotSupported, "aggregate ORDER BY is not implemented for window functions").At(at)
	case e.Filter != nil && kind == functions.Window:
		return sqlerr.New(sqlerr.FeatureNotSupported, "FILTER is not implemented for non-aggregate window functions").At(at)
	}
	return nil
}

// windowAllowed refuses window functions where they make no sense.
func (x *exprCtx) windowAllowed(e *ast.FuncCall) error {
	at := x.b.pos(e)
	switch {
	case x.inAgg:
		return sqlerr.New(sqlerr.GroupingError, "aggregate function calls cannot contain window function calls").At(at)
	case x.noWindow != "":
		return sqlerr.New(sqlerr.WindowingError, "%s", x.noWindow).At(at)
	case x.windows == nil:
		return sqlerr.New(sqlerr.WindowingError, "window functions are not allowed in %s", x.clause).At(at)
	}
	return nil
}

// add gives the column of a call, the old one if the same call is there already.
func (w *windowCollector) add(b *binder, name string, spec *windowSpec, c logical.WindowCall) logical.ColID {
	for i := range w.calls {
		o := &w.calls[i]
		if (o.spec == spec || o.spec.sameWindow(spec)) && sameWindowCall(&o.call, &c) {
			return o.call.Col
		}
	}
	c.Col = b.meta.Add(name, c.Type)
	w.calls = append(w.calls, windowCall{spec, c})
	return c.Col
}

func sameWindowCall(a, b *logical.WindowCall) bool {
	if a.Fn != b.Fn || len(a.Args) != len(b.Args) || !logical.Equal(a.Filter, b.Filter) {
		return false
	}
	for i := range a.Args {
		if !sameExpr(a.Args[i], b.Args[i]) {
			return false
		}
	}
	f, g := &a.Frame, &b.Frame
	return f.Mode == g.Mode && f.Exclude == g.Exclude && f.Start.Kind == g.Start.Kind && f.End.Kind == g.End.Kind &&
		logical.Equal(f.Start.Offset, g.Start.Offset) && logical.Equal(f.End.Offset, g.End.Offset)
}

// overSpec binds what follows OVER.
func (x *exprCtx) overSpec(d *ast.WindowDef) (*windowSpec, error) {
	if d.RefOnly {
		return x.windows.named(x.b, d.Ref, d)
	}
	return x.windowDef(d)
}

// named finds a window of the WINDOW clause.
func (w *windowCollector) named(b *binder, name string, at ast.Node) (*windowSpec, error) {
	for _, s := range w.defs {
		if s.def.Name == name {
			return s, nil
		}
	}
	return nil, sqlerr.New(sqlerr.UndefinedObject, "window %q does not exist", name).At(b.pos(at))
}

// windowClause binds the WINDOW clause; a window may refine one that stands before it.
func (x *exprCtx) windowClause(defs []*ast.WindowDef) error {
	b := x.b
	for _, d := range defs {
		if _, err := x.windows.named(b, d.Name, d); err == nil {
			return sqlerr.New(sqlerr.WindowingError, "window %q is already defined", d.Name).At(b.pos(d))
		}
		s, err := x.windowDef(d)
		if err != nil {
			return err
		}
		x.windows.defs = append(x.windows.defs, s)
	}
	return nil
}

// windowDef binds a window's definition.
func (x *exprCtx) windowDef(d *ast.WindowDef) (*windowSpec, error) {
	was := x.noWindow
	clause := x.clause
	x.noWindow = "window functions are not allowed in window definitions"
	defer func() { x.noWindow, x.clause = was, clause }()
	s := &windowSpec{def: d}
	if err := x.windowPartition(s); err != nil {
		return nil, err
	}
	if err := x.windowOrder(s); err != nil {
		return nil, err
	}
	if d.Ref != "" {
		if err := x.refine(s); err != nil {
			return nil, err
		}
	}
	return s, x.windowFrame(s)
}

// refine takes over what s does not say itself from the window that it refers to.
func (x *exprCtx) refine(s *windowSpec) error {
	b := x.b
	d := s.def
	ref, err := x.windows.named(b, d.Ref, d)
	if err != nil {
		return err
	}
	switch {
	case len(d.PartitionBy) > 0:
		return sqlerr.New(sqlerr.WindowingError, "cannot override PARTITION BY clause of window %q", d.Ref).At(b.pos(d))
	case len(d.OrderBy) > 0 && len(ref.order) > 0:
		return sqlerr.New(sqlerr.WindowingError, "cannot override ORDER BY clause of window %q", d.Ref).At(b.pos(d))
	case ref.def.Frame != nil:
		err := sqlerr.New(sqlerr.WindowingError, "cannot copy window %q because it has a frame clause", d.Ref).At(b.pos(d))
		if len(d.OrderBy) == 0 && d.Frame == nil {
			err = err.WithHint("Omit the parentheses in this OVER clause.")
		}
		return err
	}
	s.partition = slices.Clone(ref.partition)
	if len(d.OrderBy) == 0 {
		s.order = slices.Clone(ref.order)
	}
	return nil
}

func (x *exprCtx) windowPartition(s *windowSpec) error {
	b := x.b
	x.clause = "window PARTITION BY"
	for _, a := range s.def.PartitionBy {
		e, err := x.typed(a)
		if err != nil {
			return err
		}
		if e.Type.Kind == types.KindJSON {
			return sqlerr.New(sqlerr.UndefinedFunction, "could not identify an equality operator for type json").At(b.pos(a))
		}
		s.partition = append(s.partition, e)
	}
	return nil
}

func (x *exprCtx) windowOrder(s *windowSpec) error {
	b := x.b
	x.clause = "window ORDER BY"
	for i := range s.def.OrderBy {
		it := &s.def.OrderBy[i]
		e, err := x.typed(it.Expr)
		if err != nil {
			return err
		}
		if e.Type.Kind == types.KindJSON {
			return sqlerr.New(sqlerr.UndefinedFunction, "could not identify an ordering operator for type %s", functions.TypeName(e.Type)).
				WithHint("Use an explicit ordering operator or modify the query.").At(b.pos(it.Expr))
		}
		s.order = append(s.order, windowOrder{e, it.Desc, nullsFirst(it)})
	}
	return nil
}

// overWindows puts the window functions over the level's rows, one node for each
// partitioning and order.
func (c *coreBinder) overWindows() {
	calls := c.windows.calls
	for len(calls) > 0 {
		spec := calls[0].spec
		var own, rest []windowCall
		for _, w := range calls {
			if w.spec == spec || w.spec.sameWindow(spec) {
				own = append(own, w)
			} else {
				rest = append(rest, w)
			}
		}
		c.overWindow(spec, own)
		calls = rest
	}
}

func (c *coreBinder) overWindow(spec *windowSpec, calls []windowCall) {
	b := c.b
	pr := passThrough(b.meta, c.node)
	n := len(pr.Out)
	column := func(e *expr.Expr) logical.ColID {
		if e.Op == expr.OpColumn && slices.Contains(pr.Out, e.Col) {
			return e.Col
		}
		for i, o := range pr.Exprs[n:] {
			if sameExpr(o, e) {
				return pr.Out[n+i]
			}
		}
		id := b.meta.Add("window", e.Type)
		pr.Out, pr.Exprs = append(pr.Out, id), append(pr.Exprs, e)
		return id
	}
	w := &logical.OverWindow{}
	for _, e := range spec.partition {
		if !e.IsConst() {
			w.Partition = append(w.Partition, column(e))
		}
	}
	w.Partition = dedupe(w.Partition)
	for _, o := range spec.order {
		if !o.expr.IsConst() {
			w.Order = append(w.Order, logical.OrderKey{Col: column(o.expr), Desc: o.desc, NullsFirst: o.nullsFirst})
		}
	}
	for _, call := range calls {
		w.Calls = append(w.Calls, call.call)
	}
	w.Input = c.node
	if len(pr.Out) > n {
		w.Input = pr
	}
	c.node = w
}

// frameKinds are the bounds in physical plans.
var frameKinds = [...]physical.BoundKind{physical.UnboundedPreceding, physical.OffsetPreceding, physical.CurrentRow,
	physical.OffsetFollowing, physical.UnboundedFollowing}
