package planner

import (
	"cmp"
	"maps"
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

// Statement plans a statement. paramTypes is the types that the client has declared
// for parameters $1, $2, …; Unknown (or nothing) lets the planner infer them.
// Statements that concern only the session (SET, BEGIN, …) are not for the planner.
func (p *Planner) Statement(stmt ast.Statement, paramTypes []types.Type) (Planned, error) {
	switch s := stmt.(type) {
	case *ast.Select:
		return p.selectStatement(s, paramTypes)
	case *ast.Insert:
		return p.insert(s, paramTypes)
	case *ast.Update:
		return p.update(s, paramTypes)
	case *ast.Delete:
		return p.delete(s, paramTypes)
	case *ast.Truncate:
		return p.truncate(s)
	case *ast.Copy:
		return p.copyStatement(s, paramTypes)
	case *ast.Explain:
		return p.explain(s, paramTypes)
	case *ast.Subscribe:
		return p.subscribe(s)
	}
	return p.ddl(stmt)
}

// TypeName resolves a type's name, as PREPARE has them.
func (p *Planner) TypeName(t *ast.TypeName) (types.Type, error) { return p.newBinder(nil).typeName(t) }

// Constant binds an expression without columns, as EXECUTE and CALL have them, and
// brings it to a type as an assignment does; types.Unknown leaves it its own. It is for
// the caller to evaluate: stable functions are not folded.
func (p *Planner) Constant(e ast.Expr, to types.Type) (*expr.Expr, error) {
	b := p.newBinder(nil)
	b.noParams = "constant"
	x := &exprCtx{b: b, scope: &scope{}, clause: "EXECUTE parameters", noSubqueries: true}
	if to.Kind == types.KindUnknown {
		return x.typed(e)
	}
	v, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	return b.coerce(v, to, functions.Assignment)
}

// selectStatement plans a query to be run once.
func (p *Planner) selectStatement(s *ast.Select, paramTypes []types.Type) (*Query, error) {
	if s.Emit != nil {
		return nil, sqlerr.New(sqlerr.SyntaxError, "EMIT is only allowed in a materialized view, a sink or SUBSCRIBE").At(s.Emit.Loc())
	}
	b := p.newBinder(paramTypes)
	r, err := b.query(s, nil, false)
	if err != nil {
		return nil, err
	}
	plan, ordered, err := b.finish(r)
	if err != nil {
		return nil, err
	}
	q := &Query{Fields: b.fields(r), Plan: plan, Ordered: ordered}
	q.Info, err = b.info("SELECT")
	return q, err
}

// info is what all planned statements have in common.
func (b *binder) info(tag string) (Info, error) {
	params, err := b.settleParams()
	if err != nil {
		return Info{}, err
	}
	return Info{
		Tag: tag, Params: params, CatalogVersion: b.cat.Version(),
		Reads: slices.Sorted(maps.Keys(b.reads)), Volatile: b.volatile,
	}, nil
}

// fields describes a relation's columns.
func (b *binder) fields(r *relation) []Field {
	out := make([]Field, len(r.cols))
	for i, c := range r.cols {
		out[i] = Field{Name: c.name, Type: b.meta.Type(c.id), Table: c.table, Column: c.column}
	}
	return out
}

// logical rewrites a bound relation.
func (b *binder) logical(r *relation) (*relation, *rule.Ctx, error) {
	c := &rule.Ctx{Meta: b.meta, Maintained: b.maintained}
	if !b.maintained {
		c.Access = b.access
	}
	need := logical.SetOf(r.ids()...)
	if t, ok := r.node.(*logical.TopN); ok {
		for _, k := range t.Order {
			need.Add(k.Col)
		}
	}
	n, err := rule.Rewrite(c, r.node, need)
	if err != nil {
		return nil, nil, err
	}
	return &relation{node: n, cols: r.cols, ordered: r.ordered}, c, nil
}

// finish rewrites a relation and builds its physical plan, whose root puts out exactly
// the relation's columns. It tells whether the root orders them.
func (b *binder) finish(r *relation) (*physical.Plan, bool, error) {
	if b.maintained {
		r.node = dropSort(r.node)
	}
	r, _, err := b.logical(r)
	if err != nil {
		return nil, false, err
	}
	p := newBuilder(b)
	ordered := p.root(r)
	if p.err != nil {
		return nil, false, p.err
	}
	plan := p.plan
	b.nameRoot(plan, r)
	if b.maintained {
		plan.Settings = b.p.opts.Recorded
	}
	annotate(b.cat, plan)
	if fuseSessions(plan) {
		annotate(b.cat, plan)
	}
	if b.maintained {
		if err := cmp.Or(noClock(plan), noProctime(plan)); err != nil {
			return nil, false, err
		}
	}
	return plan, ordered, nil
}

// nameRoot gives the root's columns the names of the result.
func (b *binder) nameRoot(plan *physical.Plan, r *relation) {
	root := &plan.Nodes[len(plan.Nodes)-1]
	root.Names = make([]string, len(r.cols))
	for i, c := range r.cols {
		root.Names[i] = c.name
	}
}

// root builds the plan's root: the columns in order, cut and ordered by a TopN if the
// query says so. It must be the plan's last node.
func (p *builder) root(r *relation) (ordered bool) {
	ids := r.ids()
	if t, ok := r.node.(*logical.TopN); ok && r.ordered && len(t.Partition) == 0 {
		return p.orderedRoot(t, ids)
	}
	x := p.project(p.build(r.node, logical.SetOf(ids...)), ids)
	if x.idx != len(p.plan.Nodes)-1 {
		// The root is a node that is shared and not the last: pass it on once more.
		es := make([]*expr.Expr, len(ids))
		for i, id := range ids {
			es[i] = expr.Column(i, p.meta.Type(id))
		}
		p.same = map[string]int{}
		p.add(physical.Node{Kind: physical.KindProject, Inputs: []int{x.idx}, Project: &physical.Project{Exprs: es}}, ids, x.dist)
	}
	return false
}

// orderedRoot builds a TopN over the visible columns followed by sort columns that
// were not selected.
func (p *builder) orderedRoot(t *logical.TopN, ids []logical.ColID) bool {
	need := logical.SetOf(ids...)
	cols := slices.Clone(ids)
	for _, k := range t.Order {
		need.Add(k.Col)
		if !slices.Contains(cols, k.Col) {
			cols = append(cols, k.Col)
		}
	}
	x := p.exchangeSingle(p.project(p.build(t.Input, need), cols))
	spec := p.topNSpec(t, cols)
	if len(cols) > len(ids) {
		spec.Visible = len(ids)
	}
	p.same = map[string]int{}
	p.add(physical.Node{Kind: physical.KindTopN, Inputs: []int{x.idx}, TopN: spec}, ids, x.dist)
	return true
}

// access lets a scan read only the range of a key that its filter leaves: by the
// primary key or by an index, whichever has the longer prefix of equalities.
func (b *binder) access(s *logical.Scan, f *logical.Filter) *logical.Scan {
	if s.Rel == nil || s.Late || (s.Rel.Kind != catalog.KindTable && s.Rel.Kind != catalog.KindMatView) {
		return s
	}
	conds := logical.Conjuncts(f.Pred)
	var best *physical.KeyRange
	var index catalog.ID
	score := 0
	try := func(id catalog.ID, cols []catalog.IndexColumn) {
		r, n := b.keyRange(s, conds, cols)
		if n > score {
			best, index, score = r, id, n
		}
	}
	var pk []catalog.IndexColumn
	for _, c := range s.Rel.PrimaryKey() {
		pk = append(pk, catalog.IndexColumn{Column: c})
	}
	try(0, pk)
	for _, ix := range b.cat.Indexes(s.Rel.ID) {
		if !ix.Index.Primary {
			try(ix.ID, ix.Index.Columns)
		}
	}
	if best == nil {
		return s
	}
	c := *s
	c.Range, c.Index = best, index
	return &c
}

// keyRange finds the range of a key that conditions leave, and how good it is: two
// points per equality, one for a bound.
func (b *binder) keyRange(s *logical.Scan, conds []*expr.Expr, key []catalog.IndexColumn) (*physical.KeyRange, int) {
	r := &physical.KeyRange{}
	n := 0
	for _, k := range key {
		at := slices.Index(s.ColumnIDs, k.Column)
		if at < 0 {
			break
		}
		id := s.Out[at]
		if v := b.bound(conds, id, "="); v != nil {
			r.Eq = append(r.Eq, v)
			n += 2
			continue
		}
		if k.Desc {
			break
		}
		if v := b.bound(conds, id, ">="); v != nil {
			r.Lo, r.LoIncl = v, true
		} else if v := b.bound(conds, id, ">"); v != nil {
			r.Lo = v
		}
		if v := b.bound(conds, id, "<="); v != nil {
			r.Hi, r.HiIncl = v, true
		} else if v := b.bound(conds, id, "<"); v != nil {
			r.Hi = v
		}
		if r.Lo != nil || r.Hi != nil {
			n++
		}
		break
	}
	if n == 0 {
		return nil, 0
	}
	return r, n
}
