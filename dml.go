package streamdb

import (
	"context"
	"fmt"
	"strings"

	"streamdb/planner"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/storage/relation"
	"streamdb/wire/session"
)

// exprValue is a parameter's value: a constant.
type exprValue = expr.Expr

func epochOf(e uint64) relation.Epoch { return relation.Epoch(e) }

// insert runs INSERT.
func (s *conn) insert(ctx context.Context, q *planner.Insert, params []exprValue, r session.Results) error {
	rows, err := s.collect(ctx, s.t, q.Plan, params)
	if err != nil {
		return err
	}
	rows = repeated(rows)
	t, err := s.t.stored(q.Table.ID)
	if err != nil {
		return err
	}
	rows.Weights = nil
	if at, err := s.violation(ctx, q.Table, rows, q.Checks); err != nil {
		if at > 0 && q.Conflict == nil { // a key that is taken in a row before that one comes first
			if err := s.t.write(t, rows.Slice(0, at)); err != nil {
				return err
			}
		}
		return err
	}
	if q.Conflict != nil {
		return s.upsert(ctx, q, t, rows, params, r)
	}
	if err := s.t.write(t, rows); err != nil {
		return err
	}
	if err := s.returning(ctx, q.Returning, rows, params, r); err != nil {
		return err
	}
	return r.Complete(fmt.Sprintf("INSERT 0 %d", rows.Rows))
}

// repeated gives each row as often as its weight says, with weight 1.
func repeated(c *chunk.Chunk) *chunk.Chunk {
	if c.Weights == nil {
		return c
	}
	var idx []int32
	for i, w := range c.Weights {
		for range w {
			idx = append(idx, int32(i))
		}
	}
	r := c.Gather(idx)
	r.Weights = nil
	return r
}

// checkRows holds NOT NULL and CHECK constraints over rows in table order.
func (s *conn) checkRows(ctx context.Context, d *catalog.Descriptor, rows *chunk.Chunk, checks []planner.Check) error {
	_, err := s.violation(ctx, d, rows, checks)
	return err
}

// violation finds the first row that violates a NOT NULL or CHECK constraint, NOT NULL being looked at first.
func (s *conn) violation(ctx context.Context, d *catalog.Descriptor, rows *chunk.Chunk, checks []planner.Check) (int, error) {
	at, err := rows.Rows, error(nil)
	for i, c := range d.Columns() {
		if !c.NotNull || !rows.Cols[i].Nulls.Any() {
			continue
		}
		for k := range at {
			if rows.Cols[i].IsNull(k) {
				e := sqlerr.New(sqlerr.NotNullViolation, "null value in column %q of relation %q violates not-null constraint", c.Name, d.Name).
					WithDetail("Failing row contains %s.", s.rowText(rows, k))
				e.Table, e.Column = d.Name, c.Name
				at, err = k, e
				break
			}
		}
	}
	for _, ch := range checks {
		p, e := expr.Compile(ch.Expr)
		if e != nil {
			return 0, e
		}
		v := p.Eval(s.evalCtx(ctx, s.t), rows)
		if len(v.Errs) > 0 && v.Errs[0].Row < at {
			at, err = v.Errs[0].Row, v.Errs[0].Err
		}
		for k := range at {
			if !v.IsNull(k) && !v.Bools[k] {
				e := sqlerr.New(sqlerr.CheckViolation, "new row for relation %q violates check constraint %q", d.Name, ch.Name).
					WithDetail("Failing row contains %s.", s.rowText(rows, k))
				e.Table, e.Constraint = d.Name, ch.Name
				at, err = k, e
				break
			}
		}
	}
	return at, err
}

// rowText shows a row as PostgreSQL's messages do.
func (s *conn) rowText(c *chunk.Chunk, i int) string {
	vals := make([]string, len(c.Cols))
	for k, col := range c.Cols {
		if col.IsNull(i) {
			vals[k] = "null"
			continue
		}
		v := string(types.AppendText(nil, col.Type, col.Datum(i), s.set.types()))
		if len(v) > 64 {
			v = v[:64] + "..."
		}
		vals[k] = v
	}
	return "(" + strings.Join(vals, ", ") + ")"
}

// returning sends a RETURNING list over rows; without one it sends nothing.
func (s *conn) returning(ctx context.Context, ret *planner.Returning, rows *chunk.Chunk, params []exprValue, r session.Results) error {
	if ret == nil {
		return nil
	}
	if err := r.Fields(wireFields(ret.Fields)); err != nil {
		return err
	}
	if rows.Rows == 0 {
		return nil
	}
	out := &chunk.Chunk{Rows: rows.Rows}
	ev := s.evalCtx(ctx, s.t)
	for _, e := range ret.Exprs {
		p, err := expr.Compile(bindExpr(e, params))
		if err != nil {
			return err
		}
		col := p.Eval(ev, rows)
		if err := expr.FirstError(col); err != nil {
			return err
		}
		out.Cols = append(out.Cols, col)
	}
	return r.Chunk(out)
}

// bindExpr puts values in the place of parameters.
func bindExpr(e *expr.Expr, params []exprValue) *expr.Expr {
	if e == nil || len(params) == 0 {
		return e
	}
	return expr.Rewrite(e, func(x *expr.Expr) *expr.Expr {
		if x.Op == expr.OpParam {
			v := params[x.Col]
			return &v
		}
		return x
	})
}

// update runs UPDATE: the plan gives the old row's columns, then the new row's.
func (s *conn) update(ctx context.Context, q *planner.Update, params []exprValue, r session.Results) error {
	rows, err := s.collect(ctx, s.t, q.Plan, params)
	if err != nil {
		return err
	}
	t, err := s.t.stored(q.Table.ID)
	if err != nil {
		return err
	}
	n := len(q.Table.Columns())
	all := repeated(rows)
	old := &chunk.Chunk{Cols: all.Cols[:n], Rows: all.Rows}
	now := &chunk.Chunk{Cols: all.Cols[n : 2*n], Rows: all.Rows}
	if err := s.checkRows(ctx, q.Table, now, q.Checks); err != nil {
		return err
	}
	if err := s.t.write(t, delta(t, old, now)); err != nil {
		return err
	}
	if err := s.returning(ctx, q.Returning, all, params, r); err != nil {
		return err
	}
	return r.Complete(fmt.Sprintf("UPDATE %d", all.Rows))
}

// delta is one chunk that retracts the rows of old and inserts those of now; either
// may be nil.
func delta(t *stored, old, now *chunk.Chunk) *chunk.Chunk {
	c := chunk.New(t.schema(), 0)
	c.Weights = []int64{}
	if old != nil {
		o := *old
		o.Weights = make([]int64, old.Rows)
		for i := range o.Weights {
			o.Weights[i] = -1
		}
		c.AppendRows(&o, nil)
	}
	if now != nil {
		n := *now
		n.Weights = nil
		c.AppendRows(&n, nil)
	}
	return chunk.Consolidate(c)
}

// deleteRows runs DELETE: the plan gives the old row's columns.
func (s *conn) deleteRows(ctx context.Context, q *planner.Delete, params []exprValue, r session.Results) error {
	rows, err := s.collect(ctx, s.t, q.Plan, params)
	if err != nil {
		return err
	}
	t, err := s.t.stored(q.Table.ID)
	if err != nil {
		return err
	}
	n := len(q.Table.Columns())
	all := repeated(rows)
	old := &chunk.Chunk{Cols: all.Cols[:n], Rows: all.Rows}
	if all.Rows > 0 {
		if err := s.t.write(t, delta(t, old, nil)); err != nil {
			return err
		}
	}
	if err := s.returning(ctx, q.Returning, all, params, r); err != nil {
		return err
	}
	return r.Complete(fmt.Sprintf("DELETE %d", all.Rows))
}

// truncate runs TRUNCATE.
func (s *conn) truncate(q *planner.Truncate, r session.Results) error {
	for _, d := range q.Tables {
		t, err := s.t.stored(d.ID)
		if err != nil {
			return err
		}
		s.t.truncate(t)
	}
	if len(q.Restart) > 0 {
		o := ddlOp{Restart: make(map[catalog.ID]int64)}
		for _, d := range q.Restart {
			o.Restart[d.ID] = d.Sequence.Start
			s.db.sequences.forget(d.ID)
		}
		if err := s.t.addDDL(o); err != nil {
			return err
		}
	}
	return r.Complete("TRUNCATE TABLE")
}
