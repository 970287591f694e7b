package streamdb

import (
	"context"
	"errors"

	"streamdb/connector/file"
	"streamdb/planner"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/parser"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/wire/session"
)

// runDDL plans and applies a statement that changes the catalog within the transaction.
func (s *conn) runDDL(ctx context.Context, p *portal, r session.Results) error {
	p.prep.planned = nil
	planned, err := s.plan(s.t, p.prep)
	if err != nil {
		return err
	}
	d, ok := planned.(*planner.DDL)
	if !ok {
		return s.executePlanned(ctx, planned, p, r)
	}
	if err := s.checkWritable(d); err != nil {
		return err
	}
	for _, n := range d.Notices {
		sev := session.NoticeLevel
		if n.Severity == "WARNING" {
			sev = session.Warning
		}
		s.start.Client.Notice(sev, session.Notice{Code: n.Code, Message: n.Message, Detail: n.Detail})
	}
	for _, v := range d.Validate {
		rows, err := s.collect(ctx, s.t, v.Plan, p.values)
		if err != nil {
			return err
		}
		if rows.Rows > 0 {
			return v.Err
		}
	}
	if len(d.Changes) == 0 && len(d.Restart) == 0 {
		return r.Complete(d.Tag)
	}
	if err := s.checkConnectors(d); err != nil {
		return err
	}
	o := ddlOp{Changes: d.Changes, Restart: d.Restart}
	if o.Defaults, err = s.addedDefaults(ctx, d); err != nil {
		return err
	}
	if err := s.checkUniqueIndex(ctx, d); err != nil {
		return err
	}
	var fill *chunk.Chunk
	if d.Fill != nil {
		if fill, err = s.collect(ctx, s.t, d.Fill, p.values); err != nil {
			return err
		}
	}
	for _, c := range d.Changes {
		if c.Put != nil && c.Put.Index != nil && c.Put.Index.Unique && s.t.cat.ByID(c.Put.ID) == nil {
			s.t.asRead[c.Put.Index.On] = true
		}
	}
	for _, v := range d.Validate {
		for _, id := range v.Reads {
			s.t.asRead[id] = true
		}
	}
	if err := s.awaitInputs(ctx, d); err != nil {
		return err
	}
	if err := s.t.addDDL(o); err != nil {
		return err
	}
	for id := range d.Restart {
		s.db.sequences.forget(id)
	}
	if fill != nil {
		t, err := s.t.stored(d.Object.ID)
		if err != nil {
			return err
		}
		fill = repeated(fill)
		if d.Rewrite {
			s.t.rewritten(d.Object.ID)
		}
		if err := s.t.write(t, fill); err != nil {
			return err
		}
		if d.Rewrite {
			return r.Complete(d.Tag)
		}
		return r.Complete("SELECT " + itoa(fill.Rows))
	}
	return s.awaitFill(ctx, d, r)
}

// awaitInputs waits until the views that a new view reads are at the head, if what the new one holds depends on when it
// begins: it is to begin with its own entry, as it will in every replay.
func (s *conn) awaitInputs(ctx context.Context, d *planner.DDL) error {
	if d.Plan == nil || historyOf(d.Plan) == "" {
		return nil
	}
	for i := range d.Plan.Nodes {
		scan := d.Plan.Nodes[i].Scan
		if scan == nil {
			continue
		}
		if t := s.t.snap.rels[catalog.ID(scan.Relation)]; t != nil && t.flow != nil {
			if err := t.flow.ready(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaitFill commits the creation of a view and waits until it is filled, so that the
// client can read it at once and Ctrl-C takes the creation back.
func (s *conn) awaitFill(ctx context.Context, d *planner.DDL, r session.Results) error {
	if d.Plan == nil || d.Object == nil || s.explicit {
		return r.Complete(d.Tag)
	}
	if s.statements > 0 {
		return r.Complete(d.Tag) // part of a multi-statement query: filled beside it
	}
	id := d.Object.ID
	t := s.t
	if err := t.commit(ctx); err != nil {
		return err
	}
	s.endTransaction()
	if !d.Background {
		if f := s.db.flowOf(id); f != nil {
			if err := f.ready(ctx); err != nil {
				return s.undoCreate(ctx, id, err)
			}
			if err := s.db.waitPublished(ctx, epochOf(f.joined.Load())); err != nil {
				return err
			}
		}
	}
	return r.Complete(d.Tag)
}

// undoCreate drops a view whose filling was cancelled or failed.
func (s *conn) undoCreate(ctx context.Context, id catalog.ID, cause error) error {
	ctx = context.WithoutCancel(ctx)
	for range singleTries {
		t := s.db.begin(false)
		d := t.cat.ByID(id)
		if d == nil {
			break
		}
		drop, err := t.cat.PlanDrop(nil, []*catalog.Descriptor{d}, true)
		if err != nil {
			return err
		}
		if err := t.addDDL(ddlOp{Changes: drop.Changes}); err != nil {
			return err
		}
		if err = t.commit(ctx); err == nil || !sqlerr.Is(err, sqlerr.SerializationFailure) {
			break
		}
	}
	return cause
}

// flowOf returns the dataflow of a view or sink.
func (db *DB) flowOf(id catalog.ID) *dataflow {
	db.core.mu.Lock()
	defer db.core.mu.Unlock()
	if t := db.core.rels[id]; t != nil {
		return t.flow
	}
	return nil
}

// checkConnectors opens what a new source or sink names, so that mistakes show now and
// not in the step.
func (s *conn) checkConnectors(d *planner.DDL) error {
	for _, c := range d.Changes {
		if c.Put == nil {
			continue
		}
		switch c.Put.Kind {
		case catalog.KindSource, catalog.KindTable:
			if c.Put.Table.Connector == nil {
				continue
			}
			if _, err := newSourceState(c.Put); err != nil {
				return err
			}
			if conn := c.Put.Table.Connector; conn.Name == "file" && s.t.cat.ByID(c.Put.ID) == nil {
				names, typs := sourceColumns(c.Put)
				if err := file.Check(names, typs, fileOptions(conn)); err != nil {
					return err
				}
			}
		case catalog.KindSink:
			if s.db.node != nil && c.Put.Sink.Connector.Name != "blackhole" {
				return sqlerr.New(sqlerr.FeatureNotSupported, "sinks with connector %q on several nodes are not supported", c.Put.Sink.Connector.Name)
			}
			if err := checkSink(c.Put, s.t.cat.ByID(c.Put.ID) == nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// addedDefaults evaluates the defaults of columns that are added to tables with rows:
// existing rows read that value.
func (s *conn) addedDefaults(ctx context.Context, d *planner.DDL) (map[catalog.ID]map[int]types.Datum, error) {
	var out map[catalog.ID]map[int]types.Datum
	for _, c := range d.Changes {
		if c.Put == nil || c.Put.Table == nil {
			continue
		}
		old := s.t.cat.ByID(c.Put.ID)
		if old == nil {
			continue
		}
		for _, col := range c.Put.Table.Columns {
			if old.ColumnByID(col.ID) != nil || col.Default == "" && col.Sequence == 0 {
				continue
			}
			if col.Sequence != 0 {
				return nil, sqlerr.Unsupported("adding a serial or identity column to an existing table", -1)
			}
			v, err := s.constant(ctx, col)
			if err != nil {
				return nil, err
			}
			if out == nil {
				out = make(map[catalog.ID]map[int]types.Datum)
			}
			if out[c.Put.ID] == nil {
				out[c.Put.ID] = make(map[int]types.Datum)
			}
			out[c.Put.ID][col.ID] = v
		}
	}
	return out, nil
}

// constant evaluates a column's default once.
func (s *conn) constant(ctx context.Context, col catalog.Column) (types.Datum, error) {
	text := "SELECT (" + col.Default + ")::" + col.Type.String()
	st, err := parser.ParseOne(text)
	if err != nil {
		return types.NullDatum, err
	}
	planned, err := s.plan(s.t, &prepared{stmt: st})
	if err != nil {
		return types.NullDatum, err
	}
	q, ok := planned.(*planner.Query)
	if !ok {
		return types.NullDatum, errors.New("default is not an expression")
	}
	if q.Volatile {
		return types.NullDatum, sqlerr.Unsupported("adding a column with a volatile default to an existing table", -1)
	}
	rows, err := s.collect(ctx, s.t, q.Plan, nil)
	if err != nil || rows.Rows == 0 {
		return types.NullDatum, err
	}
	return rows.Cols[0].Datum(0), nil
}

// checkUniqueIndex makes sure that the rows there allow a new unique index.
func (s *conn) checkUniqueIndex(ctx context.Context, d *planner.DDL) error {
	for _, c := range d.Changes {
		if c.Put == nil || c.Put.Kind != catalog.KindIndex || !c.Put.Index.Unique || s.t.cat.ByID(c.Put.ID) != nil {
			continue
		}
		on, err := s.t.stored(c.Put.Index.On)
		if err != nil || on.rel == nil {
			continue // made by this very statement
		}
		if err := s.uniqueRows(ctx, on, c.Put); err != nil {
			return err
		}
	}
	return nil
}

// uniqueRows fails where two rows of a table have the same key of a new unique index.
func (s *conn) uniqueRows(_ context.Context, on *stored, x *catalog.Descriptor) error {
	var pos []int
	var schema chunk.Schema
	var names []string
	for _, c := range x.Index.Columns {
		p, ok := on.position[c.Column]
		if !ok {
			return nil
		}
		pos = append(pos, p)
		schema = append(schema, on.schema()[p])
		names = append(names, on.desc.ColumnByID(c.Column).Name)
	}
	table := chunk.NewKeyTable(schema, 1)
	check := func(rows *chunk.Chunk) error {
		cols := make([]*chunk.Column, len(pos))
		var nulls chunk.Bitmap
		for i, p := range pos {
			cols[i] = rows.Cols[p]
			nulls = nulls.Or(cols[i].Nulls, rows.Rows)
		}
		hash, slots := make([]uint64, rows.Rows), make([]int32, rows.Rows)
		chunk.HashRows(cols, rows.Rows, hash)
		table.Upsert(cols, hash, slots)
		for i, sl := range slots {
			if nulls.Get(i) {
				continue
			}
			n := &table.Payload(sl)[0]
			*n += uint64(rows.Weight(i))
			if int64(*n) > 1 {
				return sqlerr.New(sqlerr.UniqueViolation, "could not create unique index %q", x.Name).
					WithDetail("Key (%s)=(%s) is duplicated.", join(names), s.keyText(cols, i))
			}
		}
		return nil
	}
	state, err := s.t.state(on)
	if err != nil {
		return err
	}
	own, truncated := s.t.own(on.id)
	for _, c := range own {
		if err := check(c); err != nil {
			return err
		}
	}
	if truncated {
		return nil
	}
	return state.Scan(scanAll).Each(check)
}

func (s *conn) keyText(cols []*chunk.Column, i int) string {
	vals := make([]string, len(cols))
	for k, c := range cols {
		vals[k] = string(types.AppendText(nil, c.Type, c.Datum(i), s.set.types()))
	}
	return join(vals)
}
