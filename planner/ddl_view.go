package planner

import (
	"encoding/json"
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// createView plans CREATE VIEW.
func (c *ddlCtx) createView(s *ast.CreateView) error {
	if s.Temporary {
		return sqlerr.Unsupported("a temporary view", s.Loc())
	}
	for i := range s.Options {
		return sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized parameter %q", s.Options[i].Name).At(s.Options[i].Loc())
	}
	c.b.definition = true
	r, err := c.b.query(s.Query, nil, false)
	if err != nil {
		return err
	}
	cols, err := c.b.resultColumns(r, s.Columns, s)
	if err != nil {
		return err
	}
	if _, _, err := c.b.finish(&relation{node: r.node, cols: r.cols, ordered: r.ordered}); err != nil {
		return err
	}
	old := c.cat.Find(c.p.path, catalog.Name{Schema: s.Name.Schema, Name: s.Name.Name})
	if s.OrReplace && old != nil {
		if err := c.replaceable(old, cols, s); err != nil {
			return err
		}
	}
	var d *catalog.Descriptor
	if s.OrReplace && old != nil {
		d = old.Clone()
	} else if d, err = c.descriptor(catalog.KindView, &s.Name, false); err != nil {
		return err
	}
	d.View = &catalog.View{Query: c.settled(s.Query, c.p.path, cols, false), Columns: cols, SearchPath: c.p.path}
	d.Deps = c.b.dependencies()
	c.put(d)
	c.out.Object = d
	return nil
}

// replaceable tells whether a view may be replaced: its columns must stay.
func (c *ddlCtx) replaceable(old *catalog.Descriptor, cols []catalog.Column, s *ast.CreateView) error {
	if old.Kind != catalog.KindView {
		return sqlerr.New(sqlerr.WrongObjectType, "%q is not a view", old.Name).At(s.Name.Loc())
	}
	for i, o := range old.View.Columns {
		switch {
		case i >= len(cols):
			return sqlerr.New(sqlerr.InvalidTableDefinition, "cannot drop columns from view")
		case cols[i].Name != o.Name:
			return sqlerr.New(sqlerr.InvalidTableDefinition, "cannot change name of view column %q to %q", o.Name, cols[i].Name)
		case cols[i].Type != o.Type:
			return sqlerr.New(sqlerr.InvalidTableDefinition, "cannot change data type of view column %q from %s to %s", o.Name, o.Type, cols[i].Type)
		}
	}
	if _, self := c.b.deps[old.ID]; self {
		return sqlerr.New(sqlerr.InvalidObjectDefinition, "infinite recursion detected in rules for relation %q", old.Name)
	}
	return nil
}

// emitOf reads an EMIT clause.
func (b *binder) emitOf(e *ast.Emit) (catalog.Emit, error) {
	if e == nil {
		return catalog.Emit{Policy: catalog.EmitOnUpdate}, nil
	}
	switch e.Kind {
	case ast.EmitOnWindowClose:
		return catalog.Emit{Policy: catalog.EmitOnWindowClose}, nil
	case ast.EmitEvery:
		return b.emitEvery(e)
	}
	return catalog.Emit{Policy: catalog.EmitOnUpdate}, nil
}

// maintain plans a query to be kept up to date.
func (b *binder) maintain(q *ast.Select, emit catalog.Emit) (*relation, *physical.Plan, error) {
	b.maintained, b.noParams = true, "maintained query"
	r, err := b.query(q, nil, false)
	if err != nil {
		return nil, nil, err
	}
	plan, err := b.maintainRelation(r, emit)
	return r, plan, err
}

// maintainRelation builds the maintained plan of a bound query.
func (b *binder) maintainRelation(r *relation, emit catalog.Emit) (*physical.Plan, error) {
	plan, _, err := b.finish(&relation{node: r.node, cols: r.cols})
	switch {
	case err != nil:
		return nil, err
	case emit.Policy == catalog.EmitEvery:
		return b.withholding(plan, emit), nil
	case emit.Policy != catalog.EmitOnWindowClose:
		return plan, nil
	}
	a := annotate(b.cat, plan)
	root := len(plan.Nodes) - 1
	end := a.closing(root)
	if end < 0 {
		return nil, noWindowEnd(plan, a)
	}
	delay, timed := procDelay(plan.Nodes, root, end)
	n := plan.Nodes[root]
	plan.Nodes = append(plan.Nodes, physical.Node{Kind: physical.KindEmit, Inputs: []int{root}, Schema: n.Schema, Names: n.Names,
		Emit: &physical.Emit{WindowEnd: end, Timer: timed, Delay: delay}})
	annotate(b.cat, plan)
	return plan, nil
}

// noWindowEnd says why EMIT ON WINDOW CLOSE has nothing to wait for.
func noWindowEnd(plan *physical.Plan, a *annotator) error {
	e := sqlerr.New(sqlerr.FeatureNotSupported, "EMIT ON WINDOW CLOSE needs the end of a window with a watermark among the result's columns")
	window, marked := false, false
	for i := range plan.Nodes {
		n := &plan.Nodes[i]
		window = window || n.HopWindow != nil || n.SessionWindow != nil || n.Agg != nil && (n.Agg.Hop != nil || n.Agg.Session != nil)
		marked = marked || a.closing(i) >= 0
	}
	switch {
	case !window:
		return e.WithHint("Group by a window: FROM TUMBLE(t, ts, INTERVAL '10 seconds') … GROUP BY window_start, window_end.")
	case !marked:
		return e.WithHint("Declare a watermark on the window's time column: WATERMARK FOR ts AS ts - INTERVAL '5 seconds'.")
	}
	return e.WithHint("Select window_end, grouped by or joined on.")
}

// queryOf describes a maintained query for the catalog.
func (c *ddlCtx) queryOf(q *ast.Select, plan *physical.Plan, cols []catalog.Column, emit catalog.Emit, opts map[string]string) (catalog.Query, error) {
	raw, err := json.Marshal(plan)
	if err != nil {
		return catalog.Query{}, sqlerr.Internal("plan does not marshal: %v", err)
	}
	root := &plan.Nodes[len(plan.Nodes)-1]
	return catalog.Query{
		Text: c.settled(q, c.p.path, cols, true), SearchPath: c.p.path, Columns: cols, Plan: raw, StreamKey: slices.Clone(root.StreamKey),
		AppendOnly: root.AppendOnly, Watermarks: slices.Clone(root.Watermarks), WindowEnds: windowEnds(c.cat, plan), Emit: emit, Options: opts,
	}, nil
}

// memoryLeast is the least budget of a view, in bytes.
const memoryLeast = 1 << 20

// windowEnds gives the columns of a plan's result that are bounds of windows.
func windowEnds(cat *catalog.Catalog, plan *physical.Plan) []int {
	a := annotate(cat, plan)
	return slices.Clone(a.ends[len(plan.Nodes)-1])
}

// viewOptions checks WITH (…) of a materialized view or sink.
func (c *ddlCtx) viewOptions(opts []ast.Option, known ...string) error {
	for i := range opts {
		o := &opts[i]
		if !slices.Contains(known, o.Name) {
			return sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized parameter %q", o.Name).At(o.Loc())
		}
		switch o.Name {
		case "background":
			v, ok := o.Bool()
			if !ok {
				return sqlerr.New(sqlerr.InvalidParameterValue, "%s requires a Boolean value", o.Name).At(o.Loc())
			}
			c.out.Background = v
		case "on_error":
			if o.Value != "fail" && o.Value != "dead_letter" {
				return sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter \"on_error\": %q", o.Value).
					WithHint("Available values: dead_letter, fail.").At(o.Loc())
			}
		case "memory":
			n, err := catalog.ParseSize(o.Value)
			if err == nil && n < memoryLeast {
				err = sqlerr.New(sqlerr.InvalidParameterValue, "memory %s is less than a view can work with", o.Value).WithHint("Give it 1MB or more.")
			}
			if err != nil {
				return sqlerr.As(err).At(o.Loc())
			}
		case "start":
			if o.Value != "latest" && o.Value != "earliest" {
				return sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter \"start\": %q", o.Value).
					WithHint("Available values: earliest, latest.").At(o.Loc())
			}
		}
	}
	return nil
}

// createMatView plans CREATE MATERIALIZED VIEW.
func (c *ddlCtx) createMatView(s *ast.CreateMaterializedView) error {
	if s.WithNoData {
		return sqlerr.Unsupported("WITH NO DATA", s.Loc())
	}
	d, err := c.descriptor(catalog.KindMatView, &s.Name, s.IfNotExists)
	if err != nil || d == nil {
		return err
	}
	if err := c.viewOptions(s.Options, "background", "on_error", "emit", "start", "memory", "late", "allowed_lateness"); err != nil {
		return err
	}
	policy, err := c.latePolicy(s.Options)
	if err != nil {
		return err
	}
	clause := s.Emit
	if clause == nil {
		clause = s.Query.Emit
	}
	emit, err := c.b.emitOf(clause)
	if err != nil {
		return err
	}
	if o := ast.FindOption(s.Options, "emit"); o != nil {
		switch o.Value {
		case "on_update":
		case "on_window_close":
			emit.Policy = catalog.EmitOnWindowClose
		default:
			return sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter \"emit\": %q", o.Value).
				WithHint("Available values: on_update, on_window_close.").At(o.Loc())
		}
	}
	r, plan, err := c.b.maintain(s.Query, emit)
	if err != nil {
		return err
	}
	cols, err := c.b.resultColumns(r, s.Columns, s)
	if err != nil {
		return err
	}
	c.renameRoot(plan, cols)
	q, err := c.queryOf(s.Query, plan, cols, emit, optionMap(s.Options, ""))
	if err != nil {
		return err
	}
	if err := c.checkLate(policy, s.Options); err != nil {
		return err
	}
	latest, err := c.startsLatest(plan, s.Options)
	if err != nil {
		return err
	}
	d.MatView = &catalog.MatView{Query: q, StartLatest: latest}
	d.Deps = c.b.dependencies()
	c.put(d)
	c.out.Object, c.out.Plan = d, plan
	if policy == "divert" {
		return c.divert(d)
	}
	return nil
}

// startsLatest reports whether a view leaves out what its sources have brought before it.
// That is known of sources whose rows have numbers. Tables and views are read as they are:
// rows of them that the view does not know could be taken back.
func (c *ddlCtx) startsLatest(plan *physical.Plan, opts []ast.Option) (bool, error) {
	o := ast.FindOption(opts, "start")
	if o == nil || o.Value != "latest" {
		return false, nil
	}
	sources := 0
	for i := range plan.Nodes {
		s := plan.Nodes[i].Scan
		if s == nil || s.Virtual != "" {
			continue
		}
		d := c.cat.ByID(catalog.ID(s.Relation))
		if d == nil || d.Kind != catalog.KindSource {
			continue
		}
		if s.Late || !d.Table.Connector.ByReference() {
			return false, sqlerr.Unsupported("start = 'latest' over "+d.Name+", whose rows have no offsets,", o.Loc())
		}
		sources++
	}
	if sources == 0 {
		return false, sqlerr.Unsupported("start = 'latest' of a view that reads no source", o.Loc())
	}
	return true, nil
}

// renameRoot gives the plan's columns the view's names.
func (c *ddlCtx) renameRoot(plan *physical.Plan, cols []catalog.Column) {
	names := make([]string, len(cols))
	for i := range cols {
		names[i] = cols[i].Name
	}
	plan.Nodes[len(plan.Nodes)-1].Names = names
}

// createSink plans CREATE SINK.
func (c *ddlCtx) createSink(s *ast.CreateSink) error {
	if s.Into != nil {
		return sqlerr.Unsupported("CREATE SINK INTO a table", s.Loc())
	}
	d, err := c.descriptor(catalog.KindSink, &s.Name, s.IfNotExists)
	if err != nil || d == nil {
		return err
	}
	conn, err := connector(s.Options, s.Format)
	if err != nil {
		return err
	}
	if conn == nil {
		return sqlerr.New(sqlerr.InvalidObjectDefinition, "sink %q has no connector", d.Name).
			WithHint("Add WITH (connector = '…').").At(s.Loc())
	}
	query := s.Query
	if query == nil {
		query = selectAll(s.From)
	}
	clause := s.Emit
	if clause == nil {
		clause = query.Emit
	}
	emit, err := c.b.emitOf(clause)
	if err != nil {
		return err
	}
	r, plan, err := c.b.maintain(query, emit)
	if err != nil {
		return err
	}
	cols, err := c.b.resultColumns(r, nil, s)
	if err != nil {
		return err
	}
	q, err := c.queryOf(query, plan, cols, emit, nil)
	if err != nil {
		return err
	}
	d.Sink = &catalog.Sink{Query: q, Connector: conn}
	d.Deps = c.b.dependencies()
	c.put(d)
	c.out.Object, c.out.Plan = d, plan
	return nil
}

// selectAll is SELECT * FROM a relation.
func selectAll(n *ast.Name) *ast.Select {
	return &ast.Select{Pos: n.Pos, Body: &ast.SelectCore{Pos: n.Pos,
		Targets: []ast.Target{{Pos: n.Pos, Expr: &ast.Star{Pos: n.Pos}}},
		From:    []ast.TableRef{&ast.TableName{Pos: n.Pos, Name: *n}}}}
}

// subscribe plans SUBSCRIBE.
func (p *Planner) subscribe(s *ast.Subscribe) (Planned, error) {
	b := p.newBinder(nil)
	sub := &Subscribe{Snapshot: s.Snapshot, Progress: s.Progress}
	query := s.Query
	if s.Name != nil {
		d, err := p.cat.Relation(p.path, catalog.Name{Schema: s.Name.Schema, Name: s.Name.Name})
		if err != nil {
			return nil, sqlerr.As(err).At(s.Name.Loc())
		}
		if d.Kind == catalog.KindTable || d.Kind == catalog.KindMatView {
			sub.Relation = d
		}
		query = selectAll(s.Name)
	}
	emit, err := b.emitOf(query.Emit)
	if err != nil {
		return nil, err
	}
	r, plan, err := b.maintain(query, emit)
	if err != nil {
		return nil, err
	}
	sub.Plan, sub.Fields = plan, b.fields(r)
	sub.Info, err = b.info("SUBSCRIBE")
	return sub, err
}

// createIndex plans CREATE INDEX.
func (c *ddlCtx) createIndex(s *ast.CreateIndex) error {
	on, err := c.cat.Relation(c.p.path, catalog.Name{Schema: s.Table.Schema, Name: s.Table.Name})
	if err != nil {
		return sqlerr.As(err).At(s.Table.Loc())
	}
	if err := c.cat.Check(c.p.opts.User, catalog.ActionAlter, on); err != nil {
		return err
	}
	switch {
	case on.Kind != catalog.KindTable && on.Kind != catalog.KindMatView:
		return sqlerr.New(sqlerr.WrongObjectType, "cannot create index on relation %q", on.Name).
			WithDetail("This operation is not supported for %ss.", on.Kind).At(s.Table.Loc())
	case s.Where != nil:
		return sqlerr.Unsupported("a partial index", s.Loc())
	case s.NullsNotDistinct:
		return sqlerr.Unsupported("NULLS NOT DISTINCT", s.Loc())
	case s.Method != "" && s.Method != "btree":
		return sqlerr.Unsupported("index access method "+s.Method, s.Loc())
	case len(s.Options) > 0:
		return sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized parameter %q", s.Options[0].Name).At(s.Options[0].Loc())
	}
	ix := &catalog.Index{On: on.ID, Unique: s.Unique}
	ids, joined, err := c.indexColumns(on, ix, s)
	if err != nil {
		return err
	}
	if s.Unique && on.MatView != nil && !provenKey(on, ids) {
		return sqlerr.New(sqlerr.FeatureNotSupported, "cannot create a unique index on columns of materialized view %q that its query does not make unique", on.Name).
			WithDetail("Nobody could be told of two rows with the same key: the view follows its query.").
			WithHint("Index the columns that the query groups by, or leave UNIQUE out.").At(s.Loc())
	}
	name := s.Name
	if name == "" {
		name = c.freeName(on.Schema, on.Name, joined, "idx")
	} else if s.IfNotExists && c.cat.InSchema(on.Schema, name) != nil {
		c.notice(sqlerr.DuplicateTable, "relation %q already exists, skipping", name)
		return nil
	}
	d := &catalog.Descriptor{ID: c.id(), Kind: catalog.KindIndex, Schema: on.Schema, Name: name, Owner: on.Owner, Created: c.p.opts.Now,
		Deps: []catalog.Dependency{{On: on.ID, Columns: ids, Auto: true}}, Index: ix}
	c.put(d)
	c.out.Object = d
	if s.Unique && on.Table != nil {
		return c.validateUnique(on, ids, name)
	}
	return nil
}

// provenKey tells whether a materialized view's query never gives two rows that agree in the columns.
func provenKey(on *catalog.Descriptor, ids []int) bool {
	for _, k := range on.MatView.StreamKey {
		if !slices.Contains(ids, on.MatView.Columns[k].ID) {
			return false
		}
	}
	return len(on.MatView.StreamKey) > 0
}

func (c *ddlCtx) indexColumns(on *catalog.Descriptor, ix *catalog.Index, s *ast.CreateIndex) ([]int, string, error) {
	var ids []int
	joined := ""
	for i := range s.Elems {
		e := &s.Elems[i]
		if e.Expr != nil {
			return nil, "", sqlerr.Unsupported("an index on an expression", e.Loc())
		}
		if e.Collation != nil {
			if err := c.b.collation(e.Collation); err != nil {
				return nil, "", err
			}
		}
		col := on.Column(e.Column)
		if col == nil {
			return nil, "", sqlerr.New(sqlerr.UndefinedColumn, "column %q does not exist", e.Column).At(e.Loc())
		}
		if col.Type.Kind == types.KindJSON {
			return nil, "", sqlerr.New(sqlerr.UndefinedObject, "data type json has no default operator class for access method \"btree\"").At(e.Loc())
		}
		ids = append(ids, col.ID)
		ix.Columns = append(ix.Columns, catalog.IndexColumn{Column: col.ID, Desc: e.Desc,
			NullsFirst: e.Nulls == ast.NullsFirst || e.Nulls == ast.NullsDefault && e.Desc})
		if joined != "" {
			joined += "_"
		}
		joined += e.Column
	}
	for _, n := range s.Include {
		col := on.Column(n)
		if col == nil {
			return nil, "", sqlerr.New(sqlerr.UndefinedColumn, "column %q does not exist", n).At(s.Loc())
		}
		ix.Include = append(ix.Include, col.ID)
	}
	return ids, joined, nil
}

// validateUnique checks that rows that are there already agree with a new unique key.
func (c *ddlCtx) validateUnique(on *catalog.Descriptor, ids []int, name string) error {
	b := c.p.newBinder(nil)
	r, _ := b.scan(on)
	b.reads[on.ID] = true
	agg := &logical.Agg{Input: r.node}
	var where []*expr.Expr
	for _, id := range ids {
		col := r.cols[slices.IndexFunc(r.cols, func(s *scopeCol) bool { return s.column == id })]
		agg.Group = append(agg.Group, col.id)
		where = append(where, logical.Not(logical.IsNull(b.meta.Ref(col.id))))
	}
	agg.Input = logical.Where(r.node, logical.And(where...))
	n := b.meta.Add("count", types.Int8)
	agg.Calls = []logical.AggCall{{Col: n, Fn: "count_star", Type: types.Int8}}
	more, err := b.call(">", -1, b.meta.Ref(n), int8Const(1))
	if err != nil {
		return err
	}
	return c.validate(b, logical.Where(agg, more), agg.Group,
		sqlerr.New(sqlerr.UniqueViolation, "could not create unique index %q", name).
			WithDetail("The table holds rows with the same key.").WithConstraint(name))
}

// validate adds a query that must not give a row.
func (c *ddlCtx) validate(b *binder, n logical.Node, cols []logical.ColID, e *sqlerr.Error) error {
	r := &relation{node: &logical.TopN{Input: n, Limit: int8Const(1)}}
	for _, id := range cols {
		r.cols = append(r.cols, &scopeCol{name: b.meta.Name(id), id: id})
	}
	plan, _, err := b.finish(r)
	if err != nil {
		return err
	}
	v := Validation{Plan: plan, Err: e}
	for id := range b.reads {
		c.b.reads[id] = true
		v.Reads = append(v.Reads, id)
	}
	c.out.Validate = append(c.out.Validate, v)
	return nil
}
