package streamdb

import (
	"context"
	"strings"

	"streamdb/exec"
	"streamdb/planner"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/pgcatalog"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/storage/relation"
	"streamdb/wire/session"
)

// ownVirtual is a relation of schema streamdb: its shape, and what fills it.
type ownVirtual struct {
	*catalog.Virtual
	fill func(s *conn, t *transaction, out *chunk.Chunk)
}

// col makes a column of a virtual relation.
func vcol(id int, name string, t types.Type) catalog.Column {
	return catalog.Column{ID: id, Name: name, Type: t}
}

func virtual(id catalog.ID, name, comment string, fill func(*conn, *transaction, *chunk.Chunk), cols ...any) ownVirtual {
	v := &catalog.Virtual{ID: id, Schema: catalog.Streamdb, Name: name, Comment: comment}
	for i := 0; i < len(cols); i += 2 {
		v.Columns = append(v.Columns, vcol(i/2+1, cols[i].(string), cols[i+1].(types.Type)))
	}
	return ownVirtual{v, fill}
}

// ownVirtuals is the relations of schema streamdb.
var ownVirtuals = []ownVirtual{
	virtual(14001, "fingerprints", "The 128-bit fingerprint of each stored relation.", fillFingerprints,
		"relation", types.Text, "epoch", types.Int8, "fingerprint", types.Text),
	virtual(14002, "dead_letters", "Rows whose needed expressions are errors, and records that could not be decoded.", fillDeadLetters,
		"relation", types.Text, "sqlstate", types.Text, "message", types.Text, "row", types.ArrayOf(types.Text), "node", types.Int4, "weight", types.Int8),
	virtual(14003, "late_rows", "Rows that arrived below their relation's watermark.", fillLateRows,
		"relation", types.Text, "row", types.ArrayOf(types.Text), "weight", types.Int8, "late_by", types.IntervalT),
	virtual(14004, "progress", "How far each view and sink is filled.", fillProgress,
		"relation", types.Text, "state", types.Text, "rows_read", types.Int8, "rows_total", types.Int8, "frontier", types.Int8, "error", types.Text),
	virtual(14005, "operators", "Counters of each operator of each view and sink.", fillOperators,
		"relation", types.Text, "node", types.Int4, "operator", types.Text, "rows", types.Int8, "nanoseconds", types.Int8, "state_bytes", types.Int8, "state_keys", types.Int8, "shared_with", types.Text),
	virtual(14006, "watermarks", "The watermark of each relation's event time.", fillWatermarks,
		"relation", types.Text, "column_name", types.Text, "watermark", types.TimestampTZ, "idle_since", types.TimestampTZ,
		"late_rows", types.Int8, "future_rows", types.Int8),
	virtual(14007, "holds", "Who keeps which relation's past.", fillHolds,
		"relation", types.Text, "owner", types.Text, "epoch", types.Int8, "bytes", types.Int8, "kind", types.Text, "pid", types.Int4, "age", types.IntervalT),
	virtual(14012, "memory", "What the state of each view and sink takes in memory and on disk, and the budget for the former.", fillMemory,
		"relation", types.Text, "memory_bytes", types.Int8, "spilled_bytes", types.Int8, "budget_bytes", types.Int8),
	virtual(14013, "retention", "What has left relations by their retention, and late rows for want of room.", fillRetention,
		"relation", types.Text, "column_name", types.Text, "retention", types.IntervalT, "expired_below", types.TimestampTZ,
		"expired_rows", types.Int8, "late_rows_dropped", types.Int8),
	virtual(14008, "sources", "Where each source stands.", fillSources,
		"relation", types.Text, "connector", types.Text, "rows", types.Int8),
}

// virtuals is all relations that are computed when they are read.
var virtuals = func() *catalog.Virtuals {
	all := append([]*catalog.Virtual(nil), pgcatalog.Virtuals()...)
	for _, v := range ownVirtuals {
		all = append(all, v.Virtual)
	}
	return catalog.NewVirtuals(all...)
}()

// virtual computes a relation that is not stored.
func (s *conn) virtual(_ context.Context, t *transaction, name string) (*chunk.Chunk, error) {
	for _, v := range ownVirtuals {
		if v.FullName() == name {
			var schema chunk.Schema
			for _, c := range v.Columns {
				schema = append(schema, c.Type)
			}
			out := chunk.New(schema, 0)
			v.fill(s, t, out)
			return out, nil
		}
	}
	return pgcatalog.Scan(name, s.env(t))
}

// put appends a row of values: string, int64, types.Datum or nil.
func put(c *chunk.Chunk, vals ...any) {
	for i, v := range vals {
		switch v := v.(type) {
		case nil:
			c.Cols[i].AppendNull()
		case string:
			c.Cols[i].AppendString(v)
		case int64:
			c.Cols[i].AppendDatum(types.Datum{I: v})
		case types.Datum:
			c.Cols[i].AppendDatum(v)
		}
	}
	c.Rows++
}

// eachStored visits what is stored, in order of id.
func (t *transaction) eachStored(f func(s *stored)) {
	for _, d := range t.snap.cat.All() {
		if s := t.snap.rels[d.ID]; s != nil {
			f(s)
		}
	}
}

func fillFingerprints(_ *conn, t *transaction, out *chunk.Chunk) {
	t.eachStored(func(s *stored) {
		if s.rel == nil || s.desc.Kind == catalog.KindIndex || s.flow != nil && !s.flow.shows(t.snap.epoch) {
			return
		}
		if st, err := s.rel.Snapshot(t.snap.epoch); err == nil {
			put(out, s.desc.Name, int64(t.snap.epoch), st.Fingerprint().String())
		}
	})
}

func fillDeadLetters(c *conn, t *transaction, out *chunk.Chunk) {
	t.eachStored(func(s *stored) {
		c.db.core.mu.Lock()
		dead := s.letters()
		c.db.core.mu.Unlock()
		if dead == nil {
			return
		}
		st, err := dead.Snapshot(t.snap.epoch)
		if err != nil {
			return
		}
		_ = st.Scan(relation.Scan{}).Each(func(k *chunk.Chunk) error {
			for i := range k.Rows {
				put(out, s.desc.Name, k.Cols[1].Datum(i), k.Cols[2].Datum(i), k.Cols[3].Datum(i), k.Cols[0].Datum(i), k.Weight(i))
			}
			return nil
		})
	})
}

func fillLateRows(c *conn, t *transaction, out *chunk.Chunk) {
	t.eachStored(func(s *stored) {
		c.db.core.mu.Lock()
		late := s.late
		c.db.core.mu.Unlock()
		if late == nil {
			return
		}
		st, err := late.Snapshot(t.snap.epoch)
		if err != nil {
			return
		}
		_ = st.Scan(relation.Scan{Unordered: true}).Each(func(k *chunk.Chunk) error {
			for i := range k.Rows {
				by := len(k.Cols) - 1 // see lateSpec
				vals := make([]types.Datum, by)
				for j, col := range k.Cols[:by] {
					vals[j] = types.NullDatum
					if !col.IsNull(i) {
						vals[j] = types.Datum{S: string(types.AppendText(nil, col.Type, col.Datum(i), c.set.types()))}
					}
				}
				var lateBy any
				if !k.Cols[by].IsNull(i) {
					lateBy = k.Cols[by].Datum(i)
				}
				put(out, s.desc.Name, types.MakeArray(types.ArrayOf(types.Text), vals), k.Weight(i), lateBy)
			}
			return nil
		})
	})
}

func fillProgress(_ *conn, t *transaction, out *chunk.Chunk) {
	names := map[flowState]string{flowFilling: "filling", flowLive: "live", flowSuspended: "suspended", flowDropped: "dropped"}
	t.eachStored(func(s *stored) {
		if s.flow == nil {
			return
		}
		st, _, err := s.flow.status()
		var msg any
		if err != nil {
			msg = err.Error()
		}
		frontier := int64(s.flow.frontier.Load())
		if st == flowLive {
			frontier = int64(t.snap.epoch)
		}
		put(out, s.desc.Name, names[st], s.flow.rows.Load(), s.flow.total.Load(), frontier, msg)
	})
}

func fillOperators(c *conn, t *transaction, out *chunk.Chunk) {
	t.eachStored(func(s *stored) {
		if s.flow == nil {
			return
		}
		c.db.core.mu.Lock()
		f := s.flow.operators()
		var stats []exec.NodeStats
		if s.flow.is(flowLive) { // otherwise it is its fill's
			stats = f.run.Stats()
		}
		var with any
		if f != s.flow {
			with = f.out.desc.Name
		}
		c.db.core.mu.Unlock()
		for _, n := range stats {
			put(out, s.desc.Name, int64(n.Node), string(s.flow.plan.Nodes[n.Node].Kind), n.Rows, n.Nanos, n.StateBytes, n.StateKeys, with)
		}
	})
}

func fillMemory(c *conn, t *transaction, out *chunk.Chunk) {
	t.eachStored(func(s *stored) {
		if s.flow == nil {
			return
		}
		var budget any
		if s.flow.memory > 0 {
			budget = s.flow.memory
		}
		c.db.core.mu.Lock()
		defer c.db.core.mu.Unlock()
		if !s.flow.is(flowLive) { // its operators are its fill's
			put(out, s.desc.Name, nil, nil, budget)
			return
		}
		spilled := s.flow.run.SpilledBytes()
		put(out, s.desc.Name, s.flow.run.StateBytes()-spilled, spilled, budget)
	})
}

func fillWatermarks(c *conn, t *transaction, out *chunk.Chunk) {
	c.db.core.mu.Lock()
	defer c.db.core.mu.Unlock()
	known := func(wm int64) any {
		if wm == noWatermark {
			return nil
		}
		return wm
	}
	t.eachStored(func(s *stored) {
		if now := c.db.core.rels[s.id]; now != nil {
			s = now
		}
		var late int64
		if s.late != nil {
			late = s.late.Newest().Rows() + s.gone.late
		}
		for i := range s.marks {
			m := &s.marks[i]
			put(out, s.desc.Name, s.desc.ColumnByID(m.id).Name, known(m.at), known(m.idleSince()), late, m.ahead)
		}
		if s.flow == nil || s.desc.MatView == nil {
			return
		}
		var lateRows any
		if n, ok := s.flow.operators().lateRows(); ok {
			lateRows = n
		}
		for _, at := range s.desc.MatView.Watermarks {
			wm := int64(noWatermark)
			if s.flow.is(flowLive) && at < len(s.flow.marks) {
				wm = s.flow.marks[at]
				if wm != noWatermark && s.desc.Columns()[at].Type.Kind == types.KindDate {
					wm *= day
				}
			}
			put(out, s.desc.Name, s.desc.Columns()[at].Name, known(wm), nil, lateRows, nil)
		}
	})
}

func fillRetention(c *conn, t *transaction, out *chunk.Chunk) {
	c.db.core.mu.Lock()
	defer c.db.core.mu.Unlock()
	t.eachStored(func(s *stored) {
		if now := c.db.core.rels[s.id]; now != nil {
			s = now
		}
		if s.desc.Table == nil || s.desc.Table.Retention == nil && s.gone.late == 0 {
			return
		}
		var column, keep, below any
		if r := s.desc.Table.Retention; r != nil {
			if col := s.desc.ColumnByID(r.Column); col != nil {
				column = col.Name
			}
			if r.Micros > 0 {
				keep = types.Datum{V: types.Interval{Days: int32(r.Micros / day), Micros: r.Micros % day}}
			}
		}
		if s.gone.below != noWatermark {
			below = s.gone.below
		}
		put(out, s.desc.Name, column, keep, below, s.gone.rows, s.gone.late)
	})
}

func fillSources(c *conn, t *transaction, out *chunk.Chunk) {
	c.db.core.mu.Lock()
	defer c.db.core.mu.Unlock()
	t.eachStored(func(s *stored) {
		if s.source == nil {
			return
		}
		n := s.source.offset - s.source.start
		if s.rel != nil {
			n = s.rel.Newest().Rows()
		}
		put(out, s.desc.Name, s.desc.Table.Connector.Name, n)
	})
}

// noticeDeadLetters tells how many dead letters the views that a query reads have.
// A view made WITH (on_error = 'fail') raises the first of them instead.
func (s *conn) noticeDeadLetters(q *planner.Query) error {
	for _, id := range q.Reads {
		t := s.t.snap.rels[id]
		if t == nil || t.flow == nil {
			continue
		}
		s.db.core.mu.Lock()
		dead := t.letters()
		s.db.core.mu.Unlock()
		if dead == nil {
			continue
		}
		st, err := dead.Snapshot(s.t.snap.epoch)
		if err != nil || st.Rows() == 0 {
			continue
		}
		if t.desc.Query().Options["on_error"] == "fail" {
			return firstDeadLetter(st)
		}
		word := "dead letters"
		if st.Rows() == 1 {
			word = "dead letter"
		}
		s.start.Client.Notice(session.NoticeLevel, session.Notice{
			Message: "materialized view \"" + t.desc.Name + "\" has " + itoa(int(st.Rows())) + " " + word,
			Hint:    "See SELECT * FROM streamdb.dead_letters WHERE relation = '" + strings.ReplaceAll(t.desc.Name, "'", "''") + "'."})
	}
	return nil
}

// firstDeadLetter returns the error of a view's first dead letter.
func firstDeadLetter(st *relation.Snapshot) error {
	c, err := st.Scan(relation.Scan{}).Next()
	if err != nil || c == nil || c.Rows == 0 {
		return err
	}
	return sqlerr.New(string(c.Cols[1].StringAt(0)), "%s", c.Cols[2].StringAt(0))
}

// liveState is the running server as the catalog's relations show it.
type liveState struct {
	s *conn
	t *transaction
}

// Activity implements pgcatalog.Live.
func (l *liveState) Activity() []pgcatalog.Activity {
	var out []pgcatalog.Activity
	for _, c := range l.s.db.sessions.list() {
		c.mu.Lock()
		a := c.activity
		c.mu.Unlock()
		v := pgcatalog.Activity{PID: c.start.PID, User: c.user, Database: c.database, Host: c.start.Host, Port: c.start.Port,
			State: a.state, Query: a.query, Begin: a.began, XactBegin: a.xact, QueryBegin: a.queried, StateChange: a.turn}
		if c == l.s {
			v.Application = c.set.text("application_name")
		} else {
			v.Application = c.application()
		}
		if c.start.TLS {
			v.TLS = "on"
		}
		out = append(out, v)
	}
	return out
}

// application is the application_name that the client gave at its start; a session's
// later settings belong to its own goroutine.
func (s *conn) application() string { return s.set.reset["application_name"] }

// Locks implements pgcatalog.Live.
func (l *liveState) Locks() []pgcatalog.Lock { return l.s.db.locks().list() }

// Settings implements pgcatalog.Live.
func (l *liveState) Settings() []pgcatalog.Setting { return l.s.set.list() }

// Sequence implements pgcatalog.Live.
func (l *liveState) Sequence(id catalog.ID) (int64, bool) {
	c := &l.s.db.sequences
	c.mu.Lock()
	defer c.mu.Unlock()
	if st := c.all[id]; st != nil {
		return st.last, st.called
	}
	l.s.db.core.mu.Lock()
	defer l.s.db.core.mu.Unlock()
	if st := l.s.db.core.seqs[id]; st != nil {
		return st.Last, st.Called
	}
	return 0, false
}

// Size implements pgcatalog.Live.
func (l *liveState) Size(id catalog.ID) (rows, bytes int64) {
	s := l.t.snap.rels[id]
	if s == nil || s.rel == nil {
		return -1, 0
	}
	return s.rel.Newest().Rows(), s.rel.Bytes()
}
