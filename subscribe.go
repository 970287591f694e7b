package streamdb

import (
	"context"
	"sync/atomic"
	"time"

	"streamdb/planner"
	"streamdb/sql/ast"
	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/storage/relation"
	"streamdb/wire/session"
)

// subscription follows a relation: its rows at first, if asked for, then the changes
// of each epoch, as rows of epoch, weight and the relation's columns.
type subscription struct {
	db   *DB
	s    *stored
	cols []int
	hold *relation.Hold
	// owner is the session; since is the log's time at the hold's epoch; ended is why the
	// hold was broken, nil for not. See holds.go.
	owner *conn
	since atomic.Int64
	ended atomic.Pointer[error]
	// at is the last epoch whose changes have been given.
	at       relation.Epoch
	progress bool
	// ready is rows that have not been fetched yet.
	ready *chunk.Chunk
}

// subscribeFields returns the columns of SUBSCRIBE.
func subscribeFields(q *planner.Subscribe) []planner.Field {
	f := []planner.Field{{Name: "epoch", Type: types.Int8}, {Name: "weight", Type: types.Int8}}
	if q.Progress {
		f = append(f, planner.Field{Name: "progress", Type: types.Bool})
	}
	return append(f, q.Fields...)
}

func (s *conn) newSubscription(ctx context.Context, q *planner.Subscribe) (*subscription, error) {
	if q.Relation == nil {
		return nil, sqlerr.Unsupported("SUBSCRIBE to a query", -1).WithHint("Create a materialized view of it and subscribe to that.")
	}
	t, err := s.t.stored(q.Relation.ID)
	if err != nil {
		return nil, err
	}
	if t.rel == nil {
		return nil, sqlerr.New(sqlerr.WrongObjectType, "source %q keeps no rows", t.desc.Name).WithHint("Subscribe to a materialized view of it.")
	}
	sub := &subscription{db: s.db, owner: s, s: t, progress: q.Progress}
	for i, c := range t.desc.Columns() {
		if !c.Hidden {
			sub.cols = append(sub.cols, i)
		}
	}
	if err := sub.start(ctx); err != nil {
		return nil, err
	}
	if q.Snapshot {
		if err := sub.addRows(); err != nil {
			sub.close()
			return nil, err
		}
	}
	sub.mark()
	return sub, nil
}

// addRows makes the relation's rows ready.
func (u *subscription) addRows() error {
	snap, err := u.hold.Snapshot()
	if err != nil {
		return tooFarBehind(err)
	}
	return snap.Scan(relation.Scan{}).Each(func(c *chunk.Chunk) error {
		u.add(u.at, c)
		return u.owner.fits(u.ready)
	})
}

// start takes the hold, at a published epoch that the relation shows.
func (u *subscription) start(ctx context.Context) error {
	f := u.s.flow
	for {
		if f != nil {
			if err := f.ready(ctx); err != nil {
				return err
			}
			if err := u.db.waitPublished(ctx, epochOf(f.joined.Load())); err != nil {
				return err
			}
		}
		p := u.db.published()
		h, err := u.s.rel.Hold(p.epoch, "subscription")
		if err != nil {
			continue // published is newer by now
		}
		if f == nil || f.shows(p.epoch) {
			u.hold, u.at = h, p.epoch
			u.since.Store(p.time)
			u.db.subs.add(u)
			return nil
		}
		h.Release()
	}
}

func (u *subscription) close() {
	if u.hold != nil {
		u.db.subs.remove(u)
		u.hold.Release()
	}
}

func (u *subscription) schema() chunk.Schema {
	s := chunk.Schema{types.Int8, types.Int8}
	if u.progress {
		s = append(s, types.Bool)
	}
	all := u.s.schema()
	for _, c := range u.cols {
		s = append(s, all[c])
	}
	return s
}

// add appends the changes of an epoch to what is ready.
func (u *subscription) add(e relation.Epoch, c *chunk.Chunk) {
	if u.ready == nil {
		u.ready = chunk.New(u.schema(), c.Rows)
	}
	out := &chunk.Chunk{Rows: c.Rows}
	epoch, weight := chunk.NewColumn(types.Int8, c.Rows), chunk.NewColumn(types.Int8, c.Rows)
	for i := range c.Rows {
		epoch.Ints = append(epoch.Ints, int64(e))
		weight.Ints = append(weight.Ints, c.Weight(i))
	}
	out.Cols = append(out.Cols, epoch, weight)
	if u.progress {
		p := chunk.NewColumn(types.Bool, c.Rows)
		p.Resize(c.Rows)
		out.Cols = append(out.Cols, p)
	}
	for _, k := range u.cols {
		out.Cols = append(out.Cols, c.Cols[k])
	}
	u.ready.AppendRows(out, nil)
}

// mark adds a progress row: everything up to the epoch has been given.
func (u *subscription) mark() {
	if !u.progress {
		return
	}
	c := chunk.New(u.schema(), 1)
	c.Cols[0].AppendDatum(types.Datum{I: int64(u.at)})
	c.Cols[1].AppendNull()
	c.Cols[2].AppendDatum(types.Datum{I: 1})
	for _, col := range c.Cols[3:] {
		col.AppendNull()
	}
	c.Rows = 1
	if u.ready == nil {
		u.ready = chunk.New(u.schema(), 1)
	}
	u.ready.AppendRows(c, nil)
}

// advance takes the changes that have been published since. Those of a dataflow that
// goes on beside the step come when it is back at the head.
func (u *subscription) advance() error {
	p := u.db.published()
	if p.epoch <= u.at {
		return nil
	}
	if f := u.s.flow; f != nil && !f.shows(p.epoch) {
		switch st, _, err := f.status(); st {
		case flowSuspended:
			return suspendedError(u.s.desc.Name, err)
		case flowDropped:
			return errDropped(u.s.desc.Name)
		}
		return nil
	}
	if why := u.ended.Load(); why != nil {
		return tooFarBehind(*why)
	}
	it, err := u.s.rel.Changes(u.at, p.epoch)
	if err != nil {
		return tooFarBehind(err)
	}
	for {
		ch, err := it.Next()
		if err != nil {
			return err
		}
		if ch.Rows == nil {
			break
		}
		u.add(ch.Epoch, ch.Rows)
	}
	u.at = p.epoch
	u.mark()
	if err := u.hold.Advance(p.epoch); err != nil {
		return tooFarBehind(err)
	}
	u.since.Store(p.time)
	return nil
}

// tooFarBehind says that the changes to come next are not kept any more.
func tooFarBehind(cause error) error {
	return sqlerr.Wrap(cause, sqlerr.SnapshotTooOld, "the subscription has fallen too far behind: %s", cause.Error()).
		WithHint("Subscribe again, and fetch as fast as the relation changes; or start the server with larger --hold-memory and --hold-age.")
}

// wait advances until something is ready.
func (u *subscription) wait(ctx context.Context) error {
	for {
		news := u.db.changed()
		if err := u.advance(); err != nil {
			return err
		}
		if u.ready != nil && u.ready.Rows > 0 {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// take gives up to n ready rows.
func (u *subscription) take(n int) *chunk.Chunk {
	c := u.ready
	if c == nil {
		return nil
	}
	n = min(n, c.Rows)
	head := c.Slice(0, n)
	if n == c.Rows {
		u.ready = nil
	} else {
		rest := chunk.New(u.schema(), c.Rows-n)
		rest.AppendRows(c.Slice(n, c.Rows), nil)
		u.ready = rest
	}
	return head
}

// fetch gives up to the number of rows asked for: it waits until there is a row, at most for the timeout, and takes what
// is there then. FETCH ALL gives what is there now.
func (u *subscription) fetch(ctx context.Context, st *ast.Fetch, emit func(*chunk.Chunk) error) (int, error) {
	if st.Direction != ast.FetchForward || st.Count < 0 && !st.All {
		return 0, errBackward()
	}
	timeout, limited, err := fetchTimeout(st.Options)
	if err != nil || st.Count == 0 && !st.All {
		return 0, err
	}
	if st.All && !limited {
		err = u.advance()
	} else {
		err = u.waitFor(ctx, timeout, limited)
	}
	if err != nil || u.ready == nil || u.ready.Rows == 0 {
		return 0, err
	}
	want := u.ready.Rows
	if !st.All {
		want = int(min(st.Count, int64(want)))
	}
	c := u.take(want)
	return c.Rows, emit(c)
}

// waitFor waits until something is ready, or the timeout is over.
func (u *subscription) waitFor(ctx context.Context, timeout time.Duration, limited bool) error {
	if !limited {
		return u.wait(ctx)
	}
	limit, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	err := u.wait(limit)
	if err != nil && ctx.Err() == nil && limit.Err() != nil {
		return nil
	}
	return err
}

// fetchTimeout reads FETCH … WITH (timeout = …).
func fetchTimeout(opts []ast.Option) (d time.Duration, given bool, err error) {
	for i := range opts {
		o := &opts[i]
		if o.Name != "timeout" {
			return 0, false, sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized FETCH option %q", o.Name).At(o.Loc())
		}
		v, err := types.ParseText(types.IntervalT, o.Value, &types.Settings{})
		if err != nil || v.V.Months != 0 || v.V.Days < 0 || v.V.Micros < 0 {
			return 0, false, sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter \"timeout\": %q", o.Value).
				WithHint("For example, '500 ms' or '1 minute'.").At(o.Loc())
		}
		d, given = time.Duration(v.V.Days)*24*time.Hour+time.Duration(v.V.Micros)*time.Microsecond, true
	}
	return d, given, nil
}

// subscribe streams a subscription as the result of a statement, until it is cancelled.
func (s *conn) subscribe(ctx context.Context, q *planner.Subscribe, r session.Results) error {
	sub, err := s.newSubscription(ctx, q)
	if err != nil {
		return err
	}
	defer sub.close()
	if err := r.Fields(wireFields(subscribeFields(q))); err != nil {
		return err
	}
	for {
		if err := sub.wait(ctx); err != nil {
			return err
		}
		if err := r.Chunk(sub.take(sub.ready.Rows)); err != nil {
			return err
		}
		if err := r.Flush(); err != nil {
			return err
		}
	}
}
