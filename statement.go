package streamdb

import (
	"context"
	"fmt"
	"strings"

	"streamdb/planner"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/wire/session"
)

// singleTries is how often a statement of its own is tried when others get in its
// way; the last time nothing else is admitted with it.
const singleTries = 8

// run executes one statement. Outside a transaction block it is a part of the implicit
// transaction, which the protocol's end of the query or Sync commits.
func (s *conn) run(ctx context.Context, p *portal, r session.Results) error {
	st := p.prep.stmt.AST
	if s.failed && !endsTransaction(st) {
		return errFailedTransaction()
	}
	if done, err := s.control(ctx, st, r); done {
		return err
	}
	if err := s.outsideBlock(st); err != nil {
		return err
	}
	for try := 1; ; try++ {
		fresh := s.t == nil
		if fresh {
			if err := s.strict(ctx, st); err != nil {
				return err
			}
		}
		if err := s.open(ctx); err != nil {
			return err
		}
		w := &retryResults{Results: r}
		err := s.execute(ctx, p, w)
		s.statements++
		if err == nil && fresh && s.alone && s.t != nil && !s.explicit && endsBySelf(st) {
			// A lone writing statement commits here, so that it can be tried again.
			err = s.commitNow(ctx)
		}
		if err == nil {
			return w.finish()
		}
		if !fresh || !s.alone || s.explicit || !mayRetry(err) || try == singleTries || w.sent {
			return err
		}
		s.rollback()
	}
}

// mayRetry reports whether a statement of its own failed only because of others.
func mayRetry(err error) bool {
	return sqlerr.Is(err, sqlerr.SerializationFailure) || sqlerr.Is(err, sqlerr.SnapshotTooOld)
}

// retryResults keeps the completion of a statement back until it is committed, and
// notes whether anything went out that cannot be taken back.
type retryResults struct {
	session.Results
	sent bool
	tag  string
}

func (r *retryResults) Fields(f []session.Field) error { r.sent = true; return r.Results.Fields(f) }
func (r *retryResults) Complete(tag string) error      { r.tag = tag; return nil }
func (r *retryResults) finish() error {
	if r.tag == "" {
		return nil
	}
	return r.Results.Complete(r.tag)
}

// endsBySelf reports whether a statement writes: it is committed before it is answered.
func endsBySelf(st ast.Statement) bool {
	switch st.(type) {
	case *ast.Select, *ast.Show, *ast.Set, *ast.Explain, *ast.DeclareCursor, *ast.Fetch:
		return false
	}
	return true
}

// open begins the implicit transaction if none is open.
func (s *conn) open(ctx context.Context) error {
	if s.t != nil {
		if s.statements > 0 {
			s.t.stay()
		}
		return nil
	}
	s.t = s.db.begin(true)
	s.running.Store(s.t)
	if s.explicit {
		s.t.awaitViews(ctx)
		s.t.stay()
	}
	s.statements = 0
	s.before = s.set.clone()
	iso := s.modes.Isolation
	if iso == "" {
		iso = s.set.text("default_transaction_isolation")
	}
	s.t.serializable = iso == "serializable"
	s.t.readOnly = s.set.text("default_transaction_read_only") == "on"
	if s.modes.ReadOnly != nil {
		s.t.readOnly = *s.modes.ReadOnly
	}
	s.mu.Lock()
	s.activity.xact = s.t.started
	s.mu.Unlock()
	return nil
}

// mayRefresh reports whether t has run nothing that another snapshot would contradict.
func (s *conn) mayRefresh(t *transaction) bool { return s.t == t && s.statements == 0 }

// fail marks an open transaction block as failed.
func (s *conn) fail() {
	if s.explicit {
		s.failed = true
		return
	}
	s.failed = false
	s.rollback()
}

// rollback drops the transaction.
func (s *conn) rollback() {
	if s.before != nil {
		s.set = s.before
	}
	s.endTransaction()
}

// endTransaction forgets the transaction and what lives as long as it does.
func (s *conn) endTransaction() {
	if s.t != nil {
		s.running.Store(nil)
		s.t.leave()
	}
	s.t, s.before, s.explicit, s.failed, s.statements = nil, nil, false, false, 0
	s.modes = ast.TransactionModes{}
	for name, v := range s.local {
		if v == "" {
			delete(s.set.values, name)
		} else {
			s.set.values[name] = v
		}
		s.set.display = nil
	}
	if len(s.local) > 0 {
		s.local = nil
	}
	for name, c := range s.cursors {
		if !c.hold {
			c.close()
			delete(s.cursors, name)
		}
	}
	clear(s.portals)
	s.db.locks().releaseTransaction(s.start.PID)
	s.report()
}

// commitNow commits the transaction.
func (s *conn) commitNow(ctx context.Context) error {
	t := s.t
	for _, c := range s.cursors {
		if c.hold {
			if err := c.materialize(ctx); err != nil {
				return err // before the commit, which nothing takes back
			}
		}
	}
	if err := t.commit(ctx); err != nil {
		return err
	}
	s.noticeLate(t)
	for name, c := range s.cursors {
		if !c.hold {
			c.close()
			delete(s.cursors, name)
		}
	}
	s.endTransaction()
	return nil
}

// noticeLate tells how many rows of a committed transaction are late: they were
// acknowledged, but the tables do not hold them.
func (s *conn) noticeLate(t *transaction) {
	rows := func(n int64) string {
		if n == 1 {
			return "1 row is"
		}
		return fmt.Sprintf("%d rows are", n)
	}
	for _, w := range t.committed {
		d := t.snap.rels[w.table]
		if d == nil {
			continue
		}
		if n := w.arrived.late; n > 0 {
			s.start.Client.Notice(session.NoticeLevel, session.Notice{
				Message: fmt.Sprintf("%s late for table \"%s\" and kept apart", rows(n), d.desc.Name),
				Detail:  "Their event time is below the table's watermark.",
				Hint:    "See SELECT * FROM streamdb.late_rows WHERE relation = '" + strings.ReplaceAll(d.desc.Name, "'", "''") + "'."})
		}
		if n := w.arrived.ahead; n > 0 {
			s.start.Client.Notice(session.NoticeLevel, session.Notice{
				Message: fmt.Sprintf("%s too far in the future to move the watermark of table \"%s\"", rows(n), d.desc.Name),
				Detail:  "Their event time is further ahead of the clock than the watermark's max_drift.",
				Hint:    "For data that is ahead of the clock on purpose: WATERMARK FOR … WITH (max_drift = 'none')."})
		}
	}
}

// endImplicit commits the implicit transaction, if one is open.
func (s *conn) endImplicit(ctx context.Context) error {
	if s.t == nil || s.explicit {
		return nil
	}
	return s.commitNow(ctx)
}

func errFailedTransaction() error {
	return sqlerr.New(sqlerr.InFailedSQLTransaction, "current transaction is aborted, commands ignored until end of transaction block")
}

func endsTransaction(st ast.Statement) bool {
	switch st.(type) {
	case *ast.Commit, *ast.Rollback, *ast.RollbackTo:
		return true
	}
	return false
}

// outsideBlock refuses what cannot run inside a transaction block.
func (s *conn) outsideBlock(st ast.Statement) error {
	if !s.explicit {
		return nil
	}
	switch st.(type) {
	case *ast.Flush, *ast.Verify, *ast.Checkpoint:
		return sqlerr.New(sqlerr.ActiveSQLTransaction, "%s cannot run inside a transaction block", strings.ToUpper(st.Tag()))
	}
	return nil
}

// control runs the statements that steer transactions.
func (s *conn) control(ctx context.Context, st ast.Statement, r session.Results) (done bool, err error) {
	switch st := st.(type) {
	case *ast.Begin:
		return true, s.begin(ctx, st, r)
	case *ast.Commit:
		return true, s.commit(ctx, st, r)
	case *ast.Rollback:
		if !s.explicit {
			s.warn(sqlerr.NoActiveSQLTransaction, "there is no transaction in progress")
		}
		modes := s.modes
		explicit := s.explicit
		s.rollback()
		if st.Chain && explicit {
			s.explicit, s.modes = true, modes
		}
		return true, r.Complete("ROLLBACK")
	case *ast.Savepoint:
		if !s.explicit {
			return true, noBlock("SAVEPOINT")
		}
		if err := s.open(ctx); err != nil {
			return true, err
		}
		s.t.save(st.Name, s.set)
		return true, r.Complete("SAVEPOINT")
	case *ast.Release:
		if !s.explicit {
			return true, noBlock("RELEASE SAVEPOINT")
		}
		if err := s.open(ctx); err != nil {
			return true, err
		}
		i, err := s.t.findSave(st.Name)
		if err != nil {
			return true, err
		}
		s.t.saves = s.t.saves[:i]
		return true, r.Complete("RELEASE")
	case *ast.RollbackTo:
		if !s.explicit {
			return true, noBlock("ROLLBACK TO SAVEPOINT")
		}
		if err := s.open(ctx); err != nil {
			return true, err
		}
		i, err := s.t.findSave(st.Name)
		if err != nil {
			return true, err
		}
		s.set = s.t.rollbackTo(i)
		s.failed = false
		s.report()
		return true, r.Complete("ROLLBACK")
	case *ast.SetTransaction:
		return true, s.setTransaction(st, r)
	}
	return false, nil
}

func noBlock(what string) error {
	return sqlerr.New(sqlerr.NoActiveSQLTransaction, "%s can only be used in transaction blocks", what)
}

func (s *conn) begin(_ context.Context, st *ast.Begin, r session.Results) error {
	if s.explicit {
		s.warn(sqlerr.ActiveSQLTransaction, "there is already a transaction in progress")
		return r.Complete(st.Tag())
	}
	s.explicit = true
	s.modes = st.Modes
	if s.t != nil { // the implicit transaction of a multi-statement query goes on
		if st.Modes.ReadOnly != nil {
			s.t.readOnly = *st.Modes.ReadOnly
		}
	}
	return r.Complete(st.Tag())
}

func (s *conn) commit(ctx context.Context, st *ast.Commit, r session.Results) error {
	if !s.explicit {
		s.warn(sqlerr.NoActiveSQLTransaction, "there is no transaction in progress")
	}
	modes, explicit := s.modes, s.explicit
	if s.failed {
		s.rollback()
		return r.Complete("ROLLBACK")
	}
	if s.t != nil {
		if err := s.commitNow(ctx); err != nil {
			s.rollback()
			return err
		}
	}
	s.explicit = false
	if st.Chain && explicit {
		s.explicit, s.modes = true, modes
	}
	return r.Complete("COMMIT")
}

func (s *conn) setTransaction(st *ast.SetTransaction, r session.Results) error {
	if st.Session {
		if st.Modes.Isolation != "" {
			if _, err := s.set.set("default_transaction_isolation", st.Modes.Isolation); err != nil {
				return err
			}
		}
		if st.Modes.ReadOnly != nil {
			v := "off"
			if *st.Modes.ReadOnly {
				v = "on"
			}
			if _, err := s.set.set("default_transaction_read_only", v); err != nil {
				return err
			}
			s.report()
		}
		return r.Complete("SET")
	}
	if !s.explicit {
		s.warn(sqlerr.NoActiveSQLTransaction, "SET TRANSACTION can only be used in transaction blocks")
		return r.Complete("SET")
	}
	if st.Modes.Isolation != "" {
		if s.statements > 0 {
			return sqlerr.New(sqlerr.ActiveSQLTransaction, "SET TRANSACTION ISOLATION LEVEL must be called before any query")
		}
		s.modes.Isolation = st.Modes.Isolation
		if s.t != nil {
			s.t.serializable = st.Modes.Isolation == "serializable"
		}
	}
	if st.Modes.ReadOnly != nil {
		if s.statements > 0 && !*st.Modes.ReadOnly && s.t != nil && s.t.readOnly {
			return sqlerr.New(sqlerr.ActiveSQLTransaction, "transaction read-write mode must be set before any query")
		}
		s.modes.ReadOnly = st.Modes.ReadOnly
		if s.t != nil {
			s.t.readOnly = *st.Modes.ReadOnly
		}
	}
	return r.Complete("SET")
}

// warn sends a warning.
func (s *conn) warn(code, message string) {
	s.start.Client.Notice(session.Warning, session.Notice{Code: code, Message: message})
}

// plan plans a statement in a transaction, or takes the plan made before.
func (s *conn) plan(t *transaction, p *prepared) (planner.Planned, error) {
	path := s.set.text("search_path") + "\x00" + s.set.text("TimeZone") + "\x00" + s.set.text("DateStyle") + "\x00" + s.set.text("IntervalStyle") +
		"\x00" + s.set.text("extra_float_digits") + "\x00" + s.set.text("bytea_output")
	if p.planned != nil && p.version == t.cat.Version() && t.cat == t.snap.cat && p.path == path {
		return p.planned, nil
	}
	st := *s.set.types()
	st.Now = t.started
	st.Reg = &regNames{s: s, t: t}
	given := p.given
	if p.params != nil {
		given = p.params
	}
	planned, err := planner.New(t.cat, planner.Options{SearchPath: s.set.searchPath(), User: s.user, Database: s.database,
		Settings: &st, Recorded: s.set.recorded(), Virtuals: virtuals, Now: t.started, Connector: connectorColumns, NoParams: p.simple}).Statement(p.stmt.AST, given)
	if err != nil {
		return nil, err
	}
	if t.cat == t.snap.cat {
		p.planned, p.version, p.path = planned, t.cat.Version(), path
	}
	return planned, nil
}

// execute runs a statement that is not transaction control.
func (s *conn) execute(ctx context.Context, p *portal, r session.Results) error {
	switch st := p.prep.stmt.AST.(type) {
	case *ast.Select, *ast.Insert, *ast.Update, *ast.Delete, *ast.Explain, *ast.Truncate, *ast.Subscribe:
		planned, err := s.plan(s.t, p.prep)
		if err != nil {
			return err
		}
		return s.executePlanned(ctx, planned, p, r)
	case *ast.Copy:
		return s.copy(ctx, p, st, r)
	case *ast.Show, *ast.ShowObjects, *ast.ShowCreate, *ast.Describe, *ast.Set, *ast.Prepare, *ast.Execute, *ast.Deallocate,
		*ast.Discard, *ast.Lock, *ast.Maintenance, *ast.SetConstraints:
		return s.utility(ctx, p, r)
	case *ast.DeclareCursor:
		return s.declare(ctx, st, r)
	case *ast.Fetch:
		return s.fetch(ctx, st, r)
	case *ast.CloseCursor:
		return s.closeCursor(st, r)
	case *ast.Flush:
		return s.flush(ctx, r)
	case *ast.Verify:
		return s.verify(ctx, st, r)
	case *ast.Checkpoint:
		if err := s.db.Checkpoint(ctx); err != nil {
			return checkpointError(err)
		}
		return r.Complete("CHECKPOINT")
	}
	return s.runDDL(ctx, p, r)
}

func (s *conn) executePlanned(ctx context.Context, planned planner.Planned, p *portal, r session.Results) error {
	if err := s.checkWritable(planned); err != nil {
		return err
	}
	if d := targetOf(planned); d != nil {
		if err := s.pinTarget(ctx, d); err != nil {
			return err
		}
		defer func(t *transaction) { t.target = nil }(s.t)
	}
	switch q := planned.(type) {
	case *planner.Query:
		return s.query(ctx, q, p.values, r)
	case *planner.Insert:
		return s.insert(ctx, q, p.values, r)
	case *planner.Update:
		return s.update(ctx, q, p.values, r)
	case *planner.Delete:
		return s.deleteRows(ctx, q, p.values, r)
	case *planner.Truncate:
		return s.truncate(q, r)
	case *planner.Explain:
		return s.explain(ctx, q, p, r)
	case *planner.Subscribe:
		return s.subscribe(ctx, q, r)
	}
	return sqlerr.Internal("planned statement of unknown type %T", planned)
}

// targetOf returns the table that a statement changes row by row, nil if there is none.
func targetOf(planned planner.Planned) *catalog.Descriptor {
	switch q := planned.(type) {
	case *planner.Insert:
		return q.Table
	case *planner.Update:
		return q.Table
	case *planner.Delete:
		return q.Table
	}
	return nil
}

// checkWritable refuses writes in a read-only transaction.
func (s *conn) checkWritable(planned planner.Planned) error {
	if s.t == nil || !s.t.readOnly {
		return nil
	}
	switch planned.(type) {
	case *planner.Insert, *planner.Update, *planner.Delete, *planner.Truncate, *planner.DDL, *planner.CopyIn:
		return sqlerr.New(sqlerr.ReadOnlySQLTransaction, "cannot execute %s in a read-only transaction", planned.Common().Tag)
	}
	return nil
}

// query runs a SELECT.
func (s *conn) query(ctx context.Context, q *planner.Query, params []exprValue, r session.Results) error {
	if err := (&planRun{ctx: ctx, s: s, t: s.t, plan: q.Plan}).pin(); err != nil {
		return err
	}
	if err := r.Fields(wireFields(q.Fields)); err != nil {
		return err
	}
	if err := s.noticeDeadLetters(q); err != nil {
		return err
	}
	n := int64(0)
	err := s.runPlan(ctx, s.t, q.Plan, params, func(c *chunk.Chunk) error {
		for i := range c.Rows {
			n += c.Weight(i)
		}
		return r.Chunk(c)
	})
	if err != nil {
		return err
	}
	return r.Complete(fmt.Sprintf("SELECT %d", n))
}

// fieldsOf returns the columns of a planned statement's result, and whether it has one.
func fieldsOf(p planner.Planned) ([]planner.Field, bool) {
	switch q := p.(type) {
	case *planner.Query:
		return q.Fields, true
	case *planner.Insert:
		return returningFields(q.Returning)
	case *planner.Update:
		return returningFields(q.Returning)
	case *planner.Delete:
		return returningFields(q.Returning)
	case *planner.Explain:
		return []planner.Field{{Name: "QUERY PLAN", Type: types.Text}}, true
	case *planner.Subscribe:
		return subscribeFields(q), true
	}
	return nil, false
}

func returningFields(r *planner.Returning) ([]planner.Field, bool) {
	if r == nil {
		return nil, false
	}
	return r.Fields, true
}

// flush waits until every dataflow has caught up with what is acknowledged now.
func (s *conn) flush(ctx context.Context, r session.Results) error {
	s.db.core.mu.Lock()
	head := s.db.core.epoch
	s.db.core.mu.Unlock()
	if err := s.db.waitPublished(ctx, head); err != nil {
		return err
	}
	p := s.db.published()
	for _, t := range p.rels {
		if t.flow == nil {
			continue
		}
		if t.flow.is(flowFilling) {
			if err := t.flow.ready(ctx); err != nil && ctx.Err() != nil {
				return err
			}
		}
		if t.flow.is(flowLive) {
			if err := s.db.waitPublished(ctx, epochOf(t.flow.joined.Load())); err != nil {
				return err
			}
		}
		if t.flow.sink != nil {
			if err := t.flow.sink.drain(ctx); err != nil {
				return err
			}
		}
	}
	return r.Complete("FLUSH")
}
