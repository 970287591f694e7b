package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/planner/rule"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// Joins that choose a row's partner by time: ASOF JOIN, FOR SYSTEM_TIME AS OF a time,
// which is the same over a relation of versions, and FOR SYSTEM_TIME AS OF PROCTIME().
// They are bound as ordinary joins first; then the join is replaced.

// timeJoin is such a join while it is bound.
type timeJoin struct {
	b    *binder
	j    *ast.Join
	asOf *ast.AsOf // nil for ASOF JOIN
	name string    // for messages
}

// timeJoinOf finds out what kind of join j is: nil for an ordinary one.
func (b *binder) timeJoinOf(j *ast.Join) (*timeJoin, error) {
	t := &timeJoin{b: b, j: j, name: "ASOF JOIN"}
	if n, ok := j.Right.(*ast.TableName); ok && n.AsOf != nil {
		t.asOf, t.name = n.AsOf, "a join FOR SYSTEM_TIME AS OF"
		b.asOf = n
	}
	if t.asOf == nil && !j.Asof {
		return nil, nil
	}
	if t.asOf != nil && j.Asof {
		return nil, sqlerr.New(sqlerr.SyntaxError, "ASOF JOIN and FOR SYSTEM_TIME AS OF exclude each other").At(b.pos(t.asOf))
	}
	if j.Type != ast.InnerJoin && j.Type != ast.LeftJoin || j.Natural {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "%s can only be an inner or left join with ON or USING", t.name).At(b.pos(j))
	}
	return t, nil
}

// bind binds the join of l and r.
func (t *timeJoin) bind(typ physical.JoinType, l, r *fromItem, outer *scope) (*fromItem, error) {
	// The names of the join are added to the left side's.
	left := &fromItem{node: l.node, scope: l.scope.child()}
	left.scope.parent = l.scope.parent
	left.scope.tables, left.scope.cols = slices.Clone(l.scope.tables), slices.Clone(l.scope.cols)
	plain := *t.j
	plain.Alias = nil
	var it *fromItem
	var err error
	if len(plain.Using) > 0 {
		it, err = t.b.joinUsing(&plain, typ, l, r, plain.Using)
	} else {
		it, err = t.b.joinOn(&plain, typ, l, r, outer)
	}
	if err != nil {
		return nil, err
	}
	if it.node, err = t.replace(it.node, left, r); err != nil {
		return nil, err
	}
	return t.b.aliasJoin(t.j, it)
}

// replace turns the join that was bound into what it stands for. Behind USING it may lie
// under a projection.
func (t *timeJoin) replace(n logical.Node, l, r *fromItem) (logical.Node, error) {
	switch n := n.(type) {
	case *logical.Project:
		in, err := t.replace(n.Input, l, r)
		if err != nil {
			return nil, err
		}
		return n.WithInputs([]logical.Node{in}), nil
	case *logical.Join:
		if t.asOf == nil {
			return t.asof(n, l, r)
		}
		return t.systemTime(n, l, r)
	}
	return nil, sqlerr.New(sqlerr.FeatureNotSupported, "%s cannot be LATERAL or have subqueries in its condition", t.name).At(t.b.pos(t.j))
}

// split takes the condition apart: equalities between the sides stay, conditions on the
// right side alone filter it before, and the rest is given back.
func (t *timeJoin) split(n *logical.Join) (on []*expr.Expr, right logical.Node, rest []*expr.Expr) {
	lset, rset := logical.SetOf(n.Left.Cols()...), logical.SetOf(n.Right.Cols()...)
	var own []*expr.Expr
	for _, c := range logical.Conjuncts(n.On) {
		k := splitJoin(c, lset, rset)
		switch {
		case len(k.left) > 0 && !k.nullSafe[0]:
			on = append(on, c)
		case logical.Refs(c).SubsetOf(rset) && !logical.IsVolatile(c):
			own = append(own, c)
		default:
			rest = append(rest, c)
		}
	}
	return on, logical.Where(n.Right, logical.And(own...)), rest
}

// asof binds ASOF JOIN: besides equalities its condition has one comparison between a
// time of the left and one of the right side.
func (t *timeJoin) asof(n *logical.Join, l, r *fromItem) (logical.Node, error) {
	on, right, rest := t.split(n)
	if t.j.Match != nil {
		both := &scope{parent: l.scope.parent, tables: slices.Concat(l.scope.tables, r.scope.tables), cols: slices.Concat(l.scope.cols, r.scope.cols)}
		x := &exprCtx{b: t.b, scope: both, clause: "MATCH_CONDITION"}
		more, err := x.conjuncts(t.j.Match, "MATCH_CONDITION")
		if err != nil {
			return nil, err
		}
		rest = append(rest, more...)
	}
	if len(rest) != 1 {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "ASOF JOIN needs exactly one comparison of its sides with >=, >, <= or < beside equalities").At(t.b.pos(t.j))
	}
	a := &logical.AsofJoin{Type: n.Type, Left: n.Left, Right: right, On: logical.And(on...)}
	c := rest[0]
	var f *functions.Function
	if c.Op == expr.OpCall && len(c.Args) == 2 {
		f = functions.ByID(c.Fn)
	}
	if f == nil {
		return nil, t.badComparison()
	}
	a.LeftTime, a.RightTime, a.Op = c.Args[0], c.Args[1], physical.AsofOp(f.Name)
	lset, rset := logical.SetOf(n.Left.Cols()...), logical.SetOf(n.Right.Cols()...)
	if logical.Refs(a.LeftTime).SubsetOf(rset) {
		a.LeftTime, a.RightTime = a.RightTime, a.LeftTime
		a.Op = map[physical.AsofOp]physical.AsofOp{"<": ">", "<=": ">=", ">": "<", ">=": "<="}[a.Op]
	}
	if a.Op != physical.AsofGE && a.Op != physical.AsofGT && a.Op != physical.AsofLE && a.Op != physical.AsofLT ||
		!logical.Refs(a.LeftTime).SubsetOf(lset) || !logical.Refs(a.RightTime).SubsetOf(rset) || logical.Refs(a.RightTime).Empty() {
		return nil, t.badComparison()
	}
	return a, t.comparable(a)
}

func (t *timeJoin) badComparison() error {
	return sqlerr.New(sqlerr.FeatureNotSupported, "the comparison of ASOF JOIN must have one side of the join on each side").At(t.b.pos(t.j))
}

// comparable refuses times that are not ordered as integers are, or not by one measure.
func (t *timeJoin) comparable(a *logical.AsofJoin) error {
	l, r := a.LeftTime.Type, a.RightTime.Type
	if l.Class() != types.ClassInt || !sameHash(l, r) {
		return sqlerr.New(sqlerr.FeatureNotSupported, "%s by a comparison of types %s and %s is not supported", t.name, l, r).At(t.b.pos(t.j))
	}
	return nil
}

// systemTime binds a join FOR SYSTEM_TIME AS OF.
func (t *timeJoin) systemTime(n *logical.Join, l, r *fromItem) (logical.Node, error) {
	on, right, rest := t.split(n)
	if len(rest) > 0 && n.Type != physical.JoinInner {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "a left join FOR SYSTEM_TIME AS OF can only have equalities between its sides").At(t.b.pos(t.j))
	}
	proctime := t.asOf.Proctime
	var at *expr.Expr
	if !proctime {
		x := &exprCtx{b: t.b, scope: l.scope, clause: "FOR SYSTEM_TIME AS OF"}
		var err error
		if at, err = x.typed(t.asOf.Time); err != nil {
			return nil, err
		}
		if len(x.pending) > 0 {
			return nil, sqlerr.Unsupported("a subquery in FOR SYSTEM_TIME AS OF", t.b.pos(t.asOf))
		}
		proctime = isProctime(n.Left, at)
	}
	var out logical.Node
	if proctime {
		out = &logical.LookupJoin{Type: n.Type, Left: n.Left, Right: right, On: logical.And(on...)}
	} else {
		version, err := t.versions(n, r, on)
		if err != nil {
			return nil, err
		}
		// A condition on the right side alone is one on the version that was valid, not
		// one that chooses among versions.
		if f, ok := right.(*logical.Filter); ok && f != n.Right {
			if n.Type != physical.JoinInner {
				return nil, sqlerr.New(sqlerr.FeatureNotSupported, "a left join FOR SYSTEM_TIME AS OF can only have equalities between its sides").At(t.b.pos(t.j))
			}
			rest = append(rest, logical.Conjuncts(f.Pred)...)
		}
		a := &logical.AsofJoin{Type: n.Type, Left: n.Left, Right: n.Right, On: logical.And(on...), LeftTime: at, RightTime: version, Op: physical.AsofGE}
		if err := t.comparable(a); err != nil {
			return nil, err
		}
		out = a
	}
	return logical.Where(out, logical.And(rest...)), nil
}

// versions finds the column that orders the versions of the right side's rows. They are
// its rows: an event-time column orders them, and a primary key must leave room for
// several of one key.
func (t *timeJoin) versions(n *logical.Join, r *fromItem, on []*expr.Expr) (*expr.Expr, error) {
	name := t.j.Right.(*ast.TableName)
	refuse := func(why, hint string) error {
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "%q has no versions to join FOR SYSTEM_TIME AS OF: %s", name.Name.Name, why).
			WithHint("%s", hint).At(t.b.pos(t.asOf))
	}
	var d *catalog.Descriptor
	if len(r.scope.tables) == 1 && r.scope.tables[0].rel != 0 {
		d = t.b.cat.ByID(r.scope.tables[0].rel)
	}
	times := eventTimes(d)
	if len(times) != 1 {
		return nil, refuse("it does not have exactly one event-time column", "Declare one with WATERMARK FOR, or use ASOF JOIN, which names the columns.")
	}
	at := slices.IndexFunc(r.scope.cols, func(c *scopeCol) bool { return c.column == times[0] })
	if at < 0 {
		return nil, sqlerr.Internal("event time of %s is not in scope", d.Name)
	}
	version := r.scope.cols[at].id
	if pk := d.PrimaryKey(); len(pk) > 0 {
		if !slices.Contains(pk, times[0]) {
			return nil, refuse("its primary key keeps one row of each key, the newest",
				"Make the event-time column part of the primary key, or the table append-only, so that earlier versions stay.")
		}
		joined := t.joinedColumns(n, on)
		for _, c := range r.scope.cols {
			if c.id != version && slices.Contains(pk, c.column) && !joined.Has(c.id) {
				return nil, sqlerr.New(sqlerr.InvalidColumnReference, "a join FOR SYSTEM_TIME AS OF must be on the whole key of the versions: column %q is missing", c.name).
					At(t.b.pos(t.asOf))
			}
		}
	}
	return t.b.meta.Ref(version), nil
}

// joinedColumns is the columns of the right side that equal something of the left.
func (t *timeJoin) joinedColumns(n *logical.Join, on []*expr.Expr) logical.ColSet {
	k := splitJoin(logical.And(on...), logical.SetOf(n.Left.Cols()...), logical.SetOf(n.Right.Cols()...))
	var s logical.ColSet
	for _, e := range k.right {
		if e.Op == expr.OpColumn {
			s.Add(e.Col)
		}
	}
	return s
}

// eventTimes is the ids of a relation's event-time columns.
func eventTimes(d *catalog.Descriptor) []int {
	switch {
	case d == nil:
	case d.Table != nil:
		var ids []int
		for i := range d.Table.Watermarks {
			ids = append(ids, d.Table.Watermarks[i].Column)
		}
		return ids
	case d.MatView != nil:
		q := &d.MatView.Query
		var ids []int
		for _, w := range q.Watermarks {
			ids = append(ids, q.Columns[w].ID)
		}
		return ids
	}
	return nil
}

// isProctime tells whether a column of n is PROCTIME() under another name.
func isProctime(n logical.Node, e *expr.Expr) bool {
	if e.Op != expr.OpColumn {
		return rule.IsProctime(e)
	}
	if p, ok := n.(*logical.Project); ok {
		if i := slices.Index(p.Out, e.Col); i >= 0 {
			return isProctime(p.Input, p.Exprs[i])
		}
	}
	for _, in := range n.Inputs() {
		if slices.Contains(in.Cols(), e.Col) {
			return isProctime(in, e)
		}
	}
	return false
}
