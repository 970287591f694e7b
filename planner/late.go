package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// What a view does with late rows. A row is late once, as it enters the core, and is then
// kept apart in its relation. A view that drops them does not look there. One that diverts
// them has a second view, over LATE(relation). One that corrects reads the late rows that
// are late by no more than allowed beside the accepted ones, and has its watermarks lower
// by as much, so that there is still the state to apply them to:
//
//	Scan ev (watermark - allowed) ──┐
//	                                 Union ── …
//	Scan late rows of ev, late ─────┘
//	by no more than allowed

// lateBy is the column that LATE(relation) has more than the relation.
const lateBy = "late_by"

// relationOrLate reads a named relation or its late rows.
func (b *binder) relationOrLate(t *ast.TableName) (*relation, *scopeTable, error) {
	if !t.Late {
		return b.relation(&t.Name)
	}
	d, err := b.cat.Relation(b.path, catalog.Name{Schema: t.Name.Schema, Name: t.Name.Name})
	if err != nil {
		return nil, nil, b.at(err, &t.Name)
	}
	if err := b.cat.Check(b.p.opts.User, catalog.ActionSelect, d); err != nil {
		return nil, nil, b.at(err, &t.Name)
	}
	if d.Table == nil || len(d.Table.Watermarks) == 0 {
		return nil, nil, sqlerr.New(sqlerr.WrongObjectType, "%q has no late rows", d.Name).
			WithDetail("Late rows are those of a table or source with a watermark.").At(b.pos(t))
	}
	b.use(d.ID, 0)
	b.reads[d.ID] = true
	r, st := b.lateScan(d)
	return r, st, nil
}

// lateScan reads all columns of a relation's late rows, and by how much they are late.
func (b *binder) lateScan(d *catalog.Descriptor) (*relation, *scopeTable) {
	r, st := b.scan(d)
	sc := r.node.(*logical.Scan)
	sc.Late, st.key = true, nil
	id := b.meta.Add(lateBy, types.IntervalT)
	sc.Out = append(sc.Out, id)
	sc.ColumnIDs = append(sc.ColumnIDs, physical.LateByColumn)
	r.cols = append(r.cols, &scopeCol{name: lateBy, id: id})
	return r, st
}

// corrected adds the late rows to a relation that was read, as far as they are taken in.
func (b *binder) corrected(d *catalog.Descriptor, r *relation, st *scopeTable) {
	accepted := r.node.(*logical.Scan)
	lr, _ := b.scan(d)
	late := lr.node.(*logical.Scan)
	accepted.Lateness, late.Lateness, late.Late = b.lateness, b.lateness, true
	u := &logical.Union{In: []logical.Node{accepted, late}, InCols: [][]logical.ColID{accepted.Out, late.Out}}
	for _, c := range r.cols {
		c.id = b.meta.Add(c.name, b.meta.Type(c.id))
		u.Out = append(u.Out, c.id)
	}
	r.node, st.key = u, nil
}

// latePolicy reads late and allowed_lateness of a view's options.
func (c *ddlCtx) latePolicy(opts []ast.Option) (policy string, err error) {
	o, allowed := ast.FindOption(opts, "late"), ast.FindOption(opts, "allowed_lateness")
	if o == nil && allowed == nil {
		return "", nil
	}
	if o != nil {
		policy = o.Value
	}
	switch {
	case o != nil && !slices.Contains([]string{"drop", "divert", "correct"}, policy):
		return "", sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter \"late\": %q", policy).
			WithHint("Available values: drop, divert, correct.").At(o.Loc())
	case policy == "correct" && allowed == nil:
		return "", sqlerr.New(sqlerr.InvalidParameterValue, "late = 'correct' needs allowed_lateness").
			WithHint("For example, WITH (late = 'correct', allowed_lateness = '1 minute').").At(o.Loc())
	case policy != "correct" && allowed != nil:
		return "", sqlerr.New(sqlerr.InvalidParameterValue, "allowed_lateness needs late = 'correct'").At(allowed.Loc())
	}
	if allowed != nil {
		c.b.lateness, err = c.b.optionInterval(allowed)
	}
	return policy, err
}

// checkLate refuses a policy for what can have no late rows.
func (c *ddlCtx) checkLate(policy string, opts []ast.Option) error {
	if policy == "" || len(c.b.marked) > 0 {
		return nil
	}
	return sqlerr.New(sqlerr.InvalidParameterValue, "late = '%s' needs a table or source with a watermark in FROM", policy).
		WithDetail("What is late is decided as a row enters a table or source; a view's rows are not late.").At(ast.FindOption(opts, "late").Loc())
}

// divert makes the views of the late rows that view d does not take: d's name and _late,
// and where it reads several relations with a watermark, theirs.
func (c *ddlCtx) divert(d *catalog.Descriptor) error {
	for _, id := range sortedIDs(c.b.marked) {
		from := c.cat.ByID(id)
		schema := c.cat.ByID(from.Schema)
		name := d.Name + "_late"
		if len(c.b.marked) > 1 {
			name += "_" + from.Name
		}
		if c.cat.InSchema(d.Schema, name) != nil {
			return sqlerr.New(sqlerr.DuplicateTable, "relation %q already exists", name).
				WithDetail("It is the name of the view of %q's late rows.", d.Name)
		}
		sub := &ddlCtx{p: c.p, b: c.p.newBinder(nil), cat: c.cat, next: c.next, out: c.out, taken: c.taken}
		q := selectAll(&ast.Name{Pos: ast.NoPos, Schema: schema.Name, Name: from.Name})
		q.Body.(*ast.SelectCore).From[0].(*ast.TableName).Late = true
		v := &catalog.Descriptor{ID: sub.id(), Kind: catalog.KindMatView, Schema: d.Schema, Name: name, Owner: d.Owner, Created: d.Created}
		emit := catalog.Emit{Policy: catalog.EmitOnUpdate}
		r, plan, err := sub.b.maintain(q, emit)
		if err != nil {
			return err
		}
		cols, err := sub.b.resultColumns(r, nil, q)
		if err != nil {
			return err
		}
		sub.renameRoot(plan, cols)
		query, err := sub.queryOf(q, plan, cols, emit, nil)
		if err != nil {
			return err
		}
		v.MatView = &catalog.MatView{Query: query}
		v.Deps = append(sub.b.dependencies(), catalog.Dependency{On: d.ID, Auto: true})
		c.put(v)
		c.next = sub.next
	}
	return nil
}

func sortedIDs(set map[catalog.ID]bool) []catalog.ID {
	ids := make([]catalog.ID, 0, len(set))
	for id := range set {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
