package planner

import (
	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// setOperation binds UNION, INTERSECT and EXCEPT.
func (b *binder) setOperation(s *ast.SetOperation, env *scope) (*relation, error) {
	what := [...]string{"UNION", "INTERSECT", "EXCEPT"}[s.Op]
	l, err := b.query(s.Left, env, true)
	if err != nil {
		return nil, err
	}
	r, err := b.query(s.Right, env, true)
	if err != nil {
		return nil, err
	}
	l.node, r.node = dropSort(l.node), dropSort(r.node)
	if len(l.cols) != len(r.cols) {
		return nil, sqlerr.New(sqlerr.SyntaxError, "each %s query must have the same number of columns", what).At(b.pos(s.Right))
	}
	ts, err := b.unify(what, l, r, s.Right)
	if err != nil {
		return nil, err
	}
	out := &relation{}
	ids := make([]logical.ColID, len(ts))
	for i, c := range l.cols {
		ids[i] = b.meta.Add(c.name, ts[i])
		out.cols = append(out.cols, &scopeCol{name: c.name, id: ids[i]})
	}
	if s.Op == ast.Union {
		out.node = union(ids, l, r)
		if !s.All {
			out.node = &logical.Agg{Input: out.node, Group: ids}
		}
		return out, nil
	}
	op := physical.SetIntersect
	if s.Op == ast.Except {
		op = physical.SetExcept
	}
	out.node = &logical.SetOp{Op: op, All: s.All, Left: l.node, Right: r.node, Out: ids, LeftCols: l.ids(), RightCols: r.ids()}
	return out, nil
}

// union makes one Union of two relations, flattening a UNION ALL on the left.
func union(ids []logical.ColID, l, r *relation) *logical.Union {
	u := &logical.Union{Out: ids}
	if lu, ok := l.node.(*logical.Union); ok && sameIDs(lu.Out, l.ids()) {
		u.In = append(u.In, lu.In...)
		u.InCols = append(u.InCols, lu.InCols...)
	} else {
		u.In = append(u.In, l.node)
		u.InCols = append(u.InCols, l.ids())
	}
	u.In = append(u.In, r.node)
	u.InCols = append(u.InCols, r.ids())
	return u
}

func sameIDs(a, b []logical.ColID) bool {
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

// unify brings the columns of two relations to common types.
func (b *binder) unify(what string, l, r *relation, at ast.Node) ([]types.Type, error) {
	ts := make([]types.Type, len(l.cols))
	for i := range l.cols {
		t, err := functions.CommonType(what, b.meta.Type(l.cols[i].id), b.meta.Type(r.cols[i].id))
		if err != nil {
			return nil, b.at(err, at)
		}
		ts[i] = t
	}
	if err := b.coerceCols(l, ts, functions.Implicit); err != nil {
		return nil, err
	}
	return ts, b.coerceCols(r, ts, functions.Implicit)
}

// values binds VALUES as a query.
func (b *binder) values(v *ast.Values, env *scope, keepUnknown bool) (*relation, error) {
	x := &exprCtx{b: b, scope: env, clause: "VALUES"}
	rows := make([][]*expr.Expr, len(v.Rows))
	for i, row := range v.Rows {
		if len(row) != len(v.Rows[0]) {
			return nil, sqlerr.New(sqlerr.SyntaxError, "VALUES lists must all be the same length").At(b.pos(row[0]))
		}
		r, err := x.list(row)
		if err != nil {
			return nil, err
		}
		rows[i] = r
	}
	return b.valuesOf(x, rows, keepUnknown)
}

// valuesOf makes the relation of bound rows, bringing each column to one type.
func (b *binder) valuesOf(x *exprCtx, rows [][]*expr.Expr, keepUnknown bool) (*relation, error) {
	r := &relation{}
	n := &logical.Values{Rows: rows}
	for i := range rows[0] {
		col := make([]*expr.Expr, len(rows))
		unknown := true
		for k, row := range rows {
			col[k] = row[i]
			unknown = unknown && row[i].Type.Kind == types.KindUnknown
		}
		t := types.Unknown
		if !unknown || !keepUnknown {
			var err error
			if col, t, err = b.common("VALUES", col); err != nil {
				return nil, err
			}
		}
		for k := range rows {
			rows[k][i] = col[k]
		}
		name := "column" + itoa(i+1)
		id := b.meta.Add(name, t)
		n.Out = append(n.Out, id)
		r.cols = append(r.cols, &scopeCol{name: name, id: id})
	}
	r.node = n
	if len(x.pending) > 0 || hasColumns(rows) {
		r.node = b.rowByRow(x, n)
	}
	return r, nil
}

func hasColumns(rows [][]*expr.Expr) bool {
	for _, row := range rows {
		for _, e := range row {
			if !logical.Refs(e).Empty() {
				return true
			}
		}
	}
	return false
}

// rowByRow computes VALUES with subqueries or outer columns in them: a union of
// projections over one row.
func (b *binder) rowByRow(x *exprCtx, n *logical.Values) logical.Node {
	in := x.apply(logical.Unit())
	u := &logical.Union{Out: n.Out}
	for _, row := range n.Rows {
		pr := &logical.Project{Input: in, Exprs: row}
		for _, id := range n.Out {
			pr.Out = append(pr.Out, b.meta.Copy(id))
		}
		u.In = append(u.In, pr)
		u.InCols = append(u.InCols, pr.Out)
	}
	if len(u.In) == 1 {
		pr := u.In[0].(*logical.Project)
		return &logical.Project{Input: in, Out: n.Out, Exprs: pr.Exprs}
	}
	return u
}
