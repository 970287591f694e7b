package streamdb

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"streamdb/exec"
	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/pgcatalog"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/storage/relation"
)

// planRun is one run of a plan by a statement.
type planRun struct {
	ctx  context.Context
	s    *conn
	t    *transaction
	plan *physical.Plan
	eval *expr.Ctx
	// emit takes the result's chunks, weights >= 1.
	emit func(*chunk.Chunk) error

	run   *exec.Dataflow
	probe *planProbe // notes what the nodes did; nil mostly
	own   bool       // the transaction's own changes are read: results may cancel out
	fail  error
	polls int
	bytes int64 // pushed since the last look at the memory
}

// bytesPerLook is how many bytes may be read between two looks at the statement's memory.
const bytesPerLook = 1 << 20

// evalCtx is what a statement's expressions may ask of their surroundings.
func (s *conn) evalCtx(ctx context.Context, t *transaction) *expr.Ctx {
	st := *s.set.types()
	st.Now = t.started
	st.Reg = &regNames{s: s, t: t}
	return &expr.Ctx{Now: t.started, Statement: s.statementTime, Clock: s.db.now, Random: rand.Uint64,
		Settings: &st, Session: &hooks{ctx: ctx, s: s, t: t}}
}

// runPlan runs a plan over the transaction's snapshot and gives its rows to emit.
func (s *conn) runPlan(ctx context.Context, t *transaction, plan *physical.Plan, params []expr.Expr, emit func(*chunk.Chunk) error) error {
	bound, err := s.bindPlan(ctx, t, plan, params)
	if err != nil {
		return err
	}
	r := &planRun{ctx: ctx, s: s, t: t, plan: bound, eval: s.evalCtx(ctx, t), emit: emit, probe: probeOf(ctx, plan)}
	if err := r.pin(); err != nil {
		return err
	}
	if r.large() {
		return s.db.runAside(ctx, r.do)
	}
	return r.do()
}

// idOf returns the relation that a scan reads.
func idOf(sc *physical.Scan) catalog.ID { return catalog.ID(sc.Relation) }

// pin waits for the views that the plan reads and takes its snapshots. A statement of
// its own moves to a newer state when the one it began with is gone already.
func (r *planRun) pin() error {
	if stale, err := r.pinStale(); stale || err != nil {
		return err
	}
	if err := r.waitForViews(); err != nil {
		return err
	}
	for try := 0; ; try++ {
		err := r.takeStates()
		if !sqlerr.Is(err, sqlerr.SnapshotTooOld) || try == 100 || !r.refresh() {
			return err
		}
	}
}

// pinTarget takes the snapshots of the table that a statement changes before anything is
// read, while a newer state can still be taken instead.
func (s *conn) pinTarget(ctx context.Context, d *catalog.Descriptor) error {
	t, err := s.t.stored(d.ID)
	if err != nil || t.rel == nil {
		return err
	}
	s.t.target = t
	return (&planRun{ctx: ctx, s: s, t: s.t, plan: &physical.Plan{}}).pin()
}

func (r *planRun) takeStates() error {
	if r.t.target != nil {
		if _, err := r.t.keyed(r.t.target); err != nil {
			return err
		}
	}
	for i := range r.plan.Nodes {
		sc := r.plan.Nodes[i].Scan
		if sc == nil || sc.Virtual != "" {
			continue
		}
		if s, err := r.t.stored(catalog.ID(sc.Relation)); err != nil {
			return err
		} else if s.rel != nil {
			if _, err := r.t.state(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// collect runs a plan and returns all its rows as one chunk with a weight per row.
func (s *conn) collect(ctx context.Context, t *transaction, plan *physical.Plan, params []expr.Expr) (*chunk.Chunk, error) {
	root := &plan.Nodes[len(plan.Nodes)-1]
	all := chunk.New(root.Schema, 0)
	err := s.runPlan(ctx, t, plan, params, func(c *chunk.Chunk) error {
		all.AppendRows(c, nil)
		return s.fits(all)
	})
	return all, err
}

// fits returns an error when rows that a statement gathers outgrow its budget.
func (s *conn) fits(c *chunk.Chunk) error {
	if m, b := s.db.opts.StatementMemory, c.MemoryBytes(); m > 0 && b > m {
		return outOfMemory(&exec.BudgetError{Bytes: b, Max: m}, m)
	}
	return nil
}

func outOfMemory(err error, most int64) error {
	return sqlerr.Wrap(err, sqlerr.OutOfMemory, "out of memory").WithDetail("The statement needs more than its budget of %d bytes.", most).
		WithHint("Read or join fewer rows, or make a materialized view of it.")
}

func (r *planRun) do() error {
	for _, n := range r.plan.Nodes {
		if n.Scan != nil && n.Scan.Virtual == "" {
			if rows, cut := r.t.own(r.base(catalog.ID(n.Scan.Relation))); len(rows) > 0 || cut {
				r.own = true
			}
		}
	}
	opts := exec.Options{Workers: 1, Strict: true, Context: r.eval, Interrupt: r.interrupted}
	if m := r.s.db.opts.StatementMemory; m > 0 {
		opts.MemoryMax = m
	}
	ordered := r.plan.Nodes[len(r.plan.Nodes)-1].Kind == physical.KindTopN
	if !r.own || ordered {
		opts.Consume = func(_ int, c *chunk.Chunk) { r.consume(c) }
	}
	run, err := exec.New(r.plan, opts)
	if err != nil {
		return err
	}
	r.run = run
	for i, sc := range run.Scans() {
		if err := r.scan(i, sc.Scan); err != nil {
			return r.wrap(err)
		}
	}
	res, err := run.Flush(exec.FlushInput{Time: r.t.started})
	if err == nil {
		err = r.fail
	}
	if err != nil {
		return r.wrap(err)
	}
	if r.probe != nil {
		r.probe.actual = actuals(run.Stats())
	}
	if c := concat(r.schema(), res.Chunks); c != nil {
		// Own changes may have emitted a row and taken it back.
		c = chunk.Consolidate(c)
		for lo := 0; lo < c.Rows; lo += chunk.RowsMax {
			if err := r.emit(c.Slice(lo, min(lo+chunk.RowsMax, c.Rows))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *planRun) schema() chunk.Schema { return r.plan.Nodes[len(r.plan.Nodes)-1].Schema }

// wrap says an engine's error in SQL.
func (r *planRun) wrap(err error) error {
	var b *exec.BudgetError
	var p *exec.PanicError
	switch {
	case errors.As(err, &b):
		return outOfMemory(err, b.Max)
	case errors.As(err, &p):
		r.s.db.logger.Error("statement failed inside", "error", err, "stack", string(p.Stack))
		return sqlerr.Wrap(err, sqlerr.InternalError, "%s", p.Error())
	}
	return err
}

func (r *planRun) interrupted() error {
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	if why := r.t.taken.Load(); why != nil {
		return *why
	}
	if r.fail != nil {
		return r.fail
	}
	// Chunks are large or few: the state cannot have grown by much since the last look.
	if r.polls++; r.polls%pollsPerLook == 0 {
		return r.checkBudget()
	}
	return nil
}

// pollsPerLook is how many chunks may pass between two looks at the statement's memory.
const pollsPerLook = 16

// checkBudget returns an error when the statement holds more than it may.
func (r *planRun) checkBudget() error {
	m := r.s.db.opts.StatementMemory
	if m <= 0 || r.run == nil {
		return nil
	}
	if b := r.run.StateBytes(); b > m {
		return &exec.BudgetError{Bytes: b, Max: m}
	}
	return nil
}

func (r *planRun) consume(c *chunk.Chunk) {
	if r.fail == nil {
		r.fail = r.emit(c)
	}
}

// base returns the table behind an index, or the id itself.
func (r *planRun) base(id catalog.ID) catalog.ID {
	if s := r.t.snap.rels[id]; s != nil && s.desc.Kind == catalog.KindIndex {
		return s.desc.Index.On
	}
	return id
}

// push feeds a chunk and looks whether somebody wants the statement to end.
func (r *planRun) push(i int, c *chunk.Chunk) error {
	if err := r.interrupted(); err != nil {
		return err
	}
	if err := r.run.Push(i, c); err != nil {
		return err
	}
	if r.bytes += c.MemoryBytes(); r.bytes > bytesPerLook {
		r.bytes = 0
		return r.checkBudget()
	}
	return nil
}

// scan feeds one of the plan's inputs.
func (r *planRun) scan(i int, sc *physical.Scan) error {
	if sc.Virtual != "" {
		return r.scanVirtual(i, sc)
	}
	id := catalog.ID(sc.Relation)
	s, err := r.t.stored(id)
	if err != nil {
		return err
	}
	base := r.base(id)
	if r.t.serializable {
		r.t.reads[base] = true
	}
	cols, err := s.positions(sc.Columns)
	if err != nil {
		return sqlerr.Wrap(err, sqlerr.ObjectNotInPrerequisiteState, "table %q was altered in this transaction", s.desc.Name).
			WithHint("Commit the transaction before reading the table.")
	}
	if sc.Late {
		return r.scanLate(i, s, cols)
	}
	if s.rel == nil {
		return r.scanSource(i, s, cols)
	}
	own, truncated := r.t.own(base)
	if !truncated {
		if err := r.scanStored(i, s, cols, sc.Range); err != nil {
			return err
		}
	}
	for _, c := range own {
		if err := r.push(i, c.Project(cols)); err != nil {
			return err
		}
	}
	return nil
}

func (r *planRun) scanStored(i int, s *stored, cols []int, kr *physical.KeyRange) error {
	state, err := r.t.state(s)
	if err != nil {
		return err
	}
	spec := relation.Scan{Cols: cols}
	spec.Unordered = s.rel.Spec().AppendOnly
	if kr != nil {
		rg, empty, err := r.keyRange(s, kr)
		if err != nil || empty {
			return err
		}
		spec.Range, spec.Unordered = rg, false
	}
	return state.Scan(spec).Each(func(c *chunk.Chunk) error { return r.push(i, c) })
}

// keyRange evaluates the bounds of a scan. empty says that nothing can be in them.
func (r *planRun) keyRange(s *stored, kr *physical.KeyRange) (rg relation.KeyRange, empty bool, err error) {
	eval := func(e *expr.Expr) (types.Datum, error) {
		p, err := expr.Compile(e)
		if err != nil {
			return types.NullDatum, err
		}
		return p.EvalOne(r.eval)
	}
	var eq []types.Datum
	for _, e := range kr.Eq {
		d, err := eval(e)
		if err != nil {
			return rg, false, err
		}
		if d.Null {
			return rg, true, nil
		}
		eq = append(eq, d)
	}
	rg.Lo, rg.Hi = eq, eq
	if kr.Lo != nil {
		d, err := eval(kr.Lo)
		if err != nil || d.Null {
			return rg, d.Null, err
		}
		rg.Lo = append(eq[:len(eq):len(eq)], d)
		rg.LoOpen = !kr.LoIncl
	}
	if kr.Hi != nil {
		d, err := eval(kr.Hi)
		if err != nil || d.Null {
			return rg, d.Null, err
		}
		rg.Hi = append(eq[:len(eq):len(eq)], d)
		rg.HiOpen = !kr.HiIncl
	}
	if key := s.rel.Spec().Key; len(key) > len(eq) && key[len(eq)].Desc {
		rg.Lo, rg.Hi = rg.Hi, rg.Lo
		rg.LoOpen, rg.HiOpen = rg.HiOpen, rg.LoOpen
	}
	if len(rg.Lo) == 0 {
		rg.Lo = nil
	}
	if len(rg.Hi) == 0 {
		rg.Hi = nil
	}
	return rg, false, nil
}

func (r *planRun) scanLate(i int, s *stored, cols []int) error {
	r.s.db.core.mu.Lock()
	late := s.late
	r.s.db.core.mu.Unlock()
	if late == nil {
		return nil
	}
	st, err := late.Snapshot(r.t.snap.epoch)
	if err != nil {
		return nil // made after the snapshot
	}
	return st.Scan(relation.Scan{Cols: cols, Unordered: true}).Each(func(c *chunk.Chunk) error { return r.push(i, c) })
}

// scanSource reads a source that keeps no rows, from its start to where it stands.
func (r *planRun) scanSource(i int, s *stored, cols []int) error {
	r.s.db.core.mu.Lock()
	to, late := s.source.offset, s.source.late
	r.s.db.core.mu.Unlock()
	return s.source.accepted(late, s.source.start, to, cols, func(c *chunk.Chunk) error { return r.push(i, c) })
}

func (r *planRun) scanVirtual(i int, sc *physical.Scan) error {
	c, err := r.s.virtual(r.ctx, r.t, sc.Virtual)
	if err != nil || c == nil {
		return err
	}
	cols := make([]int, len(sc.Columns))
	for k, id := range sc.Columns {
		cols[k] = id - 1
	}
	for lo := 0; lo < c.Rows; lo += chunk.RowsMax {
		if err := r.push(i, c.Slice(lo, min(lo+chunk.RowsMax, c.Rows)).Project(cols)); err != nil {
			return err
		}
	}
	return nil
}

// waitForViews makes strict reads strict: every view that the plan reads must be live
// and show the transaction's epoch. A statement of its own takes a newer snapshot
// instead of waiting for an old one.
func (r *planRun) waitForViews() error {
	for _, n := range r.plan.Nodes {
		if n.Scan == nil {
			continue
		}
		if n.Scan.Virtual == "streamdb.dead_letters" || n.Scan.Virtual == "streamdb.fingerprints" {
			if err := r.waitForLagging(); err != nil {
				return err
			}
		}
		if n.Scan.Virtual != "" {
			continue
		}
		s := r.t.snap.rels[r.base(catalog.ID(n.Scan.Relation))]
		if s == nil || s.flow == nil {
			continue
		}
		if err := r.waitForView(s); err != nil {
			return err
		}
	}
	return nil
}

// waitForLagging makes reading of dead letters and fingerprints as strict as reading of
// the views: those that have left the step are waited for. It does not wait for views
// still filled for the first time, and takes of an old snapshot what there is.
func (r *planRun) waitForLagging() error {
	if r.staleness() > 0 {
		return nil
	}
	for r.mayRefresh() {
		f := r.lagging()
		if f == nil {
			return nil
		}
		if err := f.ready(r.ctx); err != nil {
			if r.ctx.Err() != nil {
				return err
			}
			continue // suspended, or dropped
		}
		if err := r.s.db.waitPublished(r.ctx, relation.Epoch(f.joined.Load())); err != nil {
			return err
		}
		if !r.refresh() {
			break
		}
	}
	return nil
}

// lagging returns a view that has left the step and does not show the transaction's epoch.
func (r *planRun) lagging() *dataflow {
	for _, s := range r.t.snap.rels {
		if f := s.flow; f != nil && f.joined.Load() > 0 && (f.is(flowFilling) || f.is(flowLive)) && !f.shows(r.t.snap.epoch) {
			return f
		}
	}
	return nil
}

func (r *planRun) waitForView(s *stored) error {
	if r.t.pinned(s) != nil || s.flow.shows(r.t.snap.epoch) {
		return nil
	}
	f := s.flow
	for {
		st, turned, err := f.status()
		switch st {
		case flowSuspended:
			if r.staleness() > 0 && !r.t.serializable {
				return r.freshEnough(s, f)
			}
			return suspendedError(s.desc.Name, err)
		case flowDropped:
			return sqlerr.New(sqlerr.UndefinedTable, "relation %q does not exist", s.desc.Name)
		case flowLive:
			joined := relation.Epoch(f.joined.Load())
			if r.t.snap.epoch >= joined {
				return nil
			}
			if err := r.s.db.waitPublished(r.ctx, joined); err != nil {
				return err
			}
			if !r.refresh() {
				return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "%q was filled after the transaction's snapshot was taken", s.desc.Name).
					WithHint("Read it in a new transaction.")
			}
			return nil
		}
		select {
		case <-turned:
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		}
	}
}

// refresh moves a transaction that has read nothing yet to the newest state.
func (r *planRun) refresh() bool {
	if !r.mayRefresh() {
		return false
	}
	return r.t.renew()
}

// mayRefresh reports whether the transaction has read and written nothing yet.
func (r *planRun) mayRefresh() bool {
	return r.t.cat == r.t.snap.cat && len(r.t.writes) == 0 && r.s.mayRefresh(r.t)
}

func suspendedError(name string, cause error) error {
	e := sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "materialized view %q is suspended", name)
	if cause != nil {
		e = e.WithDetail("%s", cause.Error())
	}
	return e.WithHint("Drop and create it again, or set max_staleness to read its last state.")
}

// staleError says that a view that is suspended lacks more than max_staleness allows.
func staleError(name string, age, most time.Duration, cause error) error {
	e := sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "materialized view %q is suspended, and older than max_staleness", name)
	why := ""
	if cause != nil {
		why = " " + cause.Error()
	}
	return e.WithDetail("What it does not show began %s ago, max_staleness is %s.%s", age.Round(time.Millisecond), most, why).
		WithHint("Drop and create it again, or set a larger max_staleness.")
}

// bindPlan puts values in the place of a plan's parameters, and settles limits that
// depend on them.
func (s *conn) bindPlan(ctx context.Context, t *transaction, p *physical.Plan, params []expr.Expr) (*physical.Plan, error) {
	if len(params) == 0 {
		return p, nil
	}
	bind := func(e *expr.Expr) *expr.Expr {
		return expr.Rewrite(e, func(x *expr.Expr) *expr.Expr {
			if x.Op == expr.OpParam {
				v := params[x.Col]
				return &v
			}
			return x
		})
	}
	p = physical.MapExprs(p, bind)
	for i := range p.Nodes {
		top := p.Nodes[i].TopN
		if top == nil {
			continue
		}
		for _, b := range []struct {
			e      *expr.Expr
			to     *int64
			absent int64
			code   string
			word   string
		}{{top.LimitExpr, &top.Limit, -1, sqlerr.InvalidRowCountInLimit, "LIMIT"}, {top.OffsetExpr, &top.Offset, 0, sqlerr.InvalidRowCountInResultOffset, "OFFSET"}} {
			if b.e == nil {
				continue
			}
			prog, err := expr.Compile(b.e)
			if err != nil {
				return nil, err
			}
			d, err := prog.EvalOne(s.evalCtx(ctx, t))
			if err != nil {
				return nil, err
			}
			*b.to = d.I
			if d.Null {
				*b.to = b.absent
			} else if d.I < 0 {
				return nil, sqlerr.New(b.code, "%s must not be negative", b.word)
			}
		}
		top.LimitExpr, top.OffsetExpr = nil, nil
	}
	return p, nil
}

// env is the catalog as pg_catalog's relations and functions see it in a transaction.
func (s *conn) env(t *transaction) *pgcatalog.Env {
	return &pgcatalog.Env{Catalog: t.cat, Virtuals: virtuals, User: s.user, Database: s.database, SearchPath: s.resolvedPath(t.cat),
		Version: serverVersion, PID: s.start.PID, Started: s.db.started, Live: &liveState{s: s, t: t}}
}
