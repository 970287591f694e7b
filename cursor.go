package streamdb

import (
	"context"
	"fmt"

	"streamdb/planner"
	"streamdb/sql/ast"
	"streamdb/sql/chunk"
	"streamdb/sql/parser"
	"streamdb/sql/sqlerr"
	"streamdb/wire/session"
)

// cursor is a DECLAREd cursor: the rows of a query, computed when it is first fetched
// from, or the changes of a relation as they come.
type cursor struct {
	name    string
	text    string
	fields  []planner.Field
	hold    bool
	noBack  bool
	created int64

	// A query's rows, and the position: 0 before the first, n+1 behind the last.
	query *planner.Query
	s     *conn
	rows  *chunk.Chunk
	err   error // why there are no rows
	pos   int64

	sub *subscription
}

func (c *cursor) close() {
	if c.sub != nil {
		c.sub.close()
	}
}

// materialize computes the query's rows.
func (c *cursor) materialize(ctx context.Context) error {
	if c.rows != nil || c.query == nil {
		return nil
	}
	rows, err := c.s.collect(ctx, c.s.t, c.query.Plan, nil)
	if err != nil {
		return err
	}
	c.rows = repeated(rows)
	return nil
}

func (s *conn) declare(ctx context.Context, st *ast.DeclareCursor, r session.Results) error {
	if !s.explicit && !st.Hold {
		if _, ok := st.Query.(*ast.Subscribe); !ok {
			return sqlerr.New(sqlerr.NoActiveSQLTransaction, "DECLARE CURSOR can only be used in transaction blocks")
		}
	}
	if s.cursors[st.Name] != nil {
		return sqlerr.New(sqlerr.DuplicateCursor, "cursor %q already exists", st.Name)
	}
	planned, err := s.plan(s.t, &prepared{stmt: parser.Statement{AST: st.Query}})
	if err != nil {
		return err
	}
	c := &cursor{name: st.Name, text: ast.String(st.Query), hold: st.Hold, noBack: st.NoScroll, created: s.db.now(), s: s}
	switch q := planned.(type) {
	case *planner.Query:
		c.query, c.fields = q, q.Fields
		// The cursor sees the transaction as it is now; its errors show when it is read.
		c.err = c.materialize(ctx)
	case *planner.Subscribe:
		c.fields = subscribeFields(q)
		c.hold = true
		if c.sub, err = s.newSubscription(ctx, q); err != nil {
			return err
		}
	default:
		return sqlerr.Unsupported("DECLARE CURSOR for this statement", st.Loc())
	}
	s.cursors[st.Name] = c
	return r.Complete("DECLARE CURSOR")
}

func (s *conn) fetch(ctx context.Context, st *ast.Fetch, r session.Results) error {
	c := s.cursors[st.Cursor]
	if c == nil {
		return sqlerr.New(sqlerr.InvalidCursorName, "cursor %q does not exist", st.Cursor)
	}
	tag := "FETCH"
	if st.Move {
		tag = "MOVE"
	} else if err := r.Fields(wireFields(c.fields)); err != nil {
		return err
	}
	if c.sub == nil && len(st.Options) > 0 {
		return sqlerr.New(sqlerr.FeatureNotSupported, "FETCH … WITH is for subscriptions").At(st.Options[0].Loc())
	}
	if c.sub != nil {
		n, err := c.sub.fetch(ctx, st, func(rows *chunk.Chunk) error {
			if st.Move {
				return nil
			}
			return r.Chunk(rows)
		})
		if err != nil {
			return err
		}
		return r.Complete(fmt.Sprintf("%s %d", tag, n))
	}
	if c.err != nil {
		return c.err
	}
	if err := c.materialize(ctx); err != nil {
		return err
	}
	idx, err := c.seek(st)
	if err != nil {
		return err
	}
	if !st.Move && len(idx) > 0 {
		if err := r.Chunk(c.rows.Gather(idx)); err != nil {
			return err
		}
	}
	return r.Complete(fmt.Sprintf("%s %d", tag, len(idx)))
}

// seek moves the cursor and returns the rows that the movement passes and stands on.
func (c *cursor) seek(st *ast.Fetch) ([]int32, error) {
	n := int64(c.rows.Rows)
	forward, count := true, st.Count
	switch st.Direction {
	case ast.FetchAbsolute, ast.FetchRelative:
		to := count
		switch {
		case st.Direction == ast.FetchRelative:
			to = c.pos + count
		case count < 0:
			to = n + 1 + count
		}
		to = min(max(to, 0), n+1)
		if to < c.pos && c.noBack {
			return nil, errBackward()
		}
		c.pos = to
		if to >= 1 && to <= n {
			return []int32{int32(to - 1)}, nil
		}
		return nil, nil
	case ast.FetchBackward:
		forward = false
	}
	if count < 0 && !st.All {
		forward, count = !forward, -count
	}
	if st.All {
		count = n + 1
	}
	if !forward && c.noBack {
		return nil, errBackward()
	}
	var idx []int32
	if count == 0 {
		if c.pos >= 1 && c.pos <= n {
			idx = append(idx, int32(c.pos-1))
		}
		return idx, nil
	}
	for ; count > 0; count-- {
		if forward {
			c.pos = min(c.pos+1, n+1)
		} else {
			c.pos = max(c.pos-1, 0)
		}
		if c.pos < 1 || c.pos > n {
			break
		}
		idx = append(idx, int32(c.pos-1))
	}
	return idx, nil
}

func errBackward() error {
	return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "cursor can only scan forward").
		WithHint("Declare it with SCROLL option to enable backward scan.")
}

func (s *conn) closeCursor(st *ast.CloseCursor, r session.Results) error {
	if st.All {
		for _, c := range s.cursors {
			c.close()
		}
		clear(s.cursors)
		return r.Complete(st.Tag())
	}
	c := s.cursors[st.Name]
	if c == nil {
		return sqlerr.New(sqlerr.InvalidCursorName, "cursor %q does not exist", st.Name)
	}
	c.close()
	delete(s.cursors, st.Name)
	return r.Complete(st.Tag())
}
