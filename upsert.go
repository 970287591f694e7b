package streamdb

import (
	"context"
	"fmt"

	"streamdb/planner"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/sqlerr"
	"streamdb/storage/relation"
	"streamdb/wire/session"
)

// upsert runs INSERT … ON CONFLICT. Rows of the statement that meet a row that is
// there, in the transaction's snapshot with its own changes, are skipped or update it;
// among themselves the first of a key counts.
func (s *conn) upsert(ctx context.Context, q *planner.Insert, t *stored, rows *chunk.Chunk, params []exprValue, r session.Results) error {
	keys := q.Conflict.Keys
	if keys == nil {
		kt, err := s.t.keyed(t)
		if err != nil {
			return err
		}
		for _, k := range kt.Keys {
			keys = append(keys, k.Columns)
		}
	}
	u := &upsertRun{s: s, ctx: ctx, q: q, t: t, rows: rows, params: params, there: make([]int32, rows.Rows)}
	for i := range u.there {
		u.there[i] = -1
	}
	u.existing = chunk.New(t.schema(), 0)
	for _, k := range keys {
		if err := u.find(k); err != nil {
			return err
		}
	}
	fresh, err := u.first(keys)
	if err != nil {
		return err
	}
	inserted := rows.Gather(fresh)
	changed := inserted
	var d *chunk.Chunk
	if q.Conflict.DoNothing {
		d = inserted
	} else {
		old, now, err := u.updated()
		if err != nil {
			return err
		}
		if err := s.checkRows(ctx, q.Table, now, q.Checks); err != nil {
			return err
		}
		both := chunk.New(t.schema(), 0)
		both.AppendRows(inserted, nil)
		both.AppendRows(now, nil)
		changed = both
		d = delta(t, old, both)
	}
	if d.Rows > 0 {
		if err := s.t.write(t, d); err != nil {
			return err
		}
	}
	if err := s.returning(ctx, q.Returning, changed, params, r); err != nil {
		return err
	}
	return r.Complete(fmt.Sprintf("INSERT 0 %d", changed.Rows))
}

// upsertRun is the work space of one upsert.
type upsertRun struct {
	s      *conn
	ctx    context.Context
	q      *planner.Insert
	t      *stored
	rows   *chunk.Chunk
	params []exprValue
	// there is, per proposed row, the row of existing that it meets, -1 for none.
	there    []int32
	existing *chunk.Chunk
}

// find looks for rows that are there with the keys (positions cols) of the proposed ones.
func (u *upsertRun) find(cols []int) error {
	keys := make([]*chunk.Column, len(cols))
	var nulls chunk.Bitmap
	for i, c := range cols {
		keys[i] = u.rows.Cols[c]
		nulls = nulls.Or(keys[i].Nulls, u.rows.Rows)
	}
	found := chunk.New(u.t.schema(), 0)
	found.Weights = []int64{}
	own, truncated := u.s.t.own(u.t.id)
	if !truncated {
		state, err := u.s.t.keyState(u.t, cols)
		if err != nil {
			return err
		}
		err = state.LookupMany(keys, u.rows.Rows, nil, func(m relation.Matches) error {
			found.AppendRows(m.Rows, nil)
			return nil
		})
		if err != nil {
			return err
		}
	}
	byKey := u.index(keys, u.rows.Rows)
	for _, c := range own {
		found.AppendRows(c.Gather(u.matching(byKey, c, cols)), nil)
	}
	// The same stored row may have been found by several proposed ones.
	net := dedup(found, own == nil)
	kept := make([]*chunk.Column, len(cols))
	for i, c := range cols {
		kept[i] = net.Cols[c]
	}
	there := u.index(kept, net.Rows)
	slots := make([]int32, u.rows.Rows)
	hs := make([]uint64, u.rows.Rows)
	chunk.HashRows(keys, u.rows.Rows, hs)
	there.Find(keys, hs, slots)
	base := int32(u.existing.Rows)
	rowOf := make([]int32, there.Slots())
	for i := range rowOf {
		rowOf[i] = -1
	}
	at := make([]int32, net.Rows)
	hk := make([]uint64, net.Rows)
	chunk.HashRows(kept, net.Rows, hk)
	there.Find(kept, hk, at)
	for i, sl := range at {
		if net.Weight(i) > 0 {
			rowOf[sl] = int32(i)
		}
	}
	for i, sl := range slots {
		if sl >= 0 && rowOf[sl] >= 0 && !nulls.Get(i) && u.there[i] < 0 {
			u.there[i] = base + rowOf[sl]
		}
	}
	net.Weights = nil
	u.existing.AppendRows(net, nil)
	return nil
}

// dedup consolidates rows that a lookup may have found several times. Without own
// changes every weight is 1.
func dedup(c *chunk.Chunk, plain bool) *chunk.Chunk {
	net := chunk.Consolidate(c)
	if plain {
		net.Weights = nil
	}
	return net
}

// index makes a table of keys.
func (u *upsertRun) index(keys []*chunk.Column, n int) *chunk.KeyTable {
	var schema chunk.Schema
	for _, k := range keys {
		schema = append(schema, k.Type)
	}
	t := chunk.NewKeyTable(schema, 0)
	hash, slots := make([]uint64, n), make([]int32, n)
	chunk.HashRows(keys, n, hash)
	t.Upsert(keys, hash, slots)
	return t
}

// matching returns the rows of c whose key is in the table.
func (u *upsertRun) matching(t *chunk.KeyTable, c *chunk.Chunk, cols []int) []int32 {
	keys := make([]*chunk.Column, len(cols))
	for i, k := range cols {
		keys[i] = c.Cols[k]
	}
	hash, slots := make([]uint64, c.Rows), make([]int32, c.Rows)
	chunk.HashRows(keys, c.Rows, hash)
	t.Find(keys, hash, slots)
	var idx []int32
	for i, s := range slots {
		if s >= 0 {
			idx = append(idx, int32(i))
		}
	}
	return idx
}

// first returns the proposed rows that meet no row and are the first of each key.
func (u *upsertRun) first(keys [][]int) ([]int32, error) {
	taken := make([]bool, u.rows.Rows)
	for _, cols := range keys {
		kc := make([]*chunk.Column, len(cols))
		var nulls chunk.Bitmap
		for i, c := range cols {
			kc[i] = u.rows.Cols[c]
			nulls = nulls.Or(kc[i].Nulls, u.rows.Rows)
		}
		hash, slots := make([]uint64, u.rows.Rows), make([]int32, u.rows.Rows)
		chunk.HashRows(kc, u.rows.Rows, hash)
		var schema chunk.Schema
		for _, k := range kc {
			schema = append(schema, k.Type)
		}
		t := chunk.NewKeyTable(schema, 0)
		t.Upsert(kc, hash, slots)
		seen := make([]bool, t.Slots())
		for i, s := range slots {
			if nulls.Get(i) || u.there[i] >= 0 || taken[i] {
				continue
			}
			if seen[s] {
				if !u.q.Conflict.DoNothing {
					return nil, errTwice()
				}
				taken[i] = true
			}
			seen[s] = true
		}
	}
	var idx []int32
	for i := range taken {
		if !taken[i] && u.there[i] < 0 {
			idx = append(idx, int32(i))
		}
	}
	return idx, nil
}

func errTwice() error {
	return sqlerr.New(sqlerr.CardinalityViolation, "ON CONFLICT DO UPDATE command cannot affect row a second time").
		WithHint("Ensure that no rows proposed for insertion within the same command have duplicate constrained values.")
}

// updated returns the rows that are there and are updated, and what they become.
func (u *upsertRun) updated() (old, now *chunk.Chunk, err error) {
	var mine, theirs []int32
	seen := make(map[int32]bool)
	for i, e := range u.there {
		if e < 0 {
			continue
		}
		if seen[e] {
			return nil, nil, errTwice()
		}
		seen[e] = true
		mine, theirs = append(mine, int32(i)), append(theirs, e)
	}
	both := u.existing.Gather(theirs)
	both.Cols = append(both.Cols, u.rows.Gather(mine).Cols...)
	ev := u.s.evalCtx(u.ctx, u.s.t)
	if w := u.q.Conflict.Where; w != nil {
		p, err := expr.Compile(bindExpr(w, u.params))
		if err != nil {
			return nil, nil, err
		}
		sel, errs := p.EvalFilter(ev, both)
		if len(errs) > 0 {
			return nil, nil, errs[0].Err
		}
		both = both.Gather(append([]int32(nil), sel...))
	}
	n := len(u.t.schema())
	old = &chunk.Chunk{Cols: both.Cols[:n], Rows: both.Rows}
	now = &chunk.Chunk{Rows: both.Rows}
	for _, e := range u.q.Conflict.Set {
		p, err := expr.Compile(bindExpr(e, u.params))
		if err != nil {
			return nil, nil, err
		}
		col := p.Eval(ev, both)
		if err := expr.FirstError(col); err != nil {
			return nil, nil, err
		}
		now.Cols = append(now.Cols, col.Clone())
	}
	return old, now, nil
}

// keyState returns the state ordered by a unique key's columns.
func (t *transaction) keyState(s *stored, cols []int) (*relation.Snapshot, error) {
	kt, err := t.keyed(s)
	if err != nil {
		return nil, err
	}
	for _, k := range kt.Keys {
		if sameInts(k.Columns, cols) {
			return k.State, nil
		}
	}
	return nil, sqlerr.Internal("no unique key over columns %v of %s", cols, s.desc.Name)
}

func sameInts(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
