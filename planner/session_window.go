package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/sql/ast"
	"streamdb/sql/expr"
	"streamdb/sql/sqlerr"
)

// session binds SESSION in FROM.
func (b *binder) session(w *ast.WindowTVF, outer *scope) (*fromItem, error) {
	in, node, time, err := b.windowInput(w, outer)
	if err != nil {
		return nil, err
	}
	gap, err := b.constLength(w.Size, "session gap")
	if err == nil && gap.Months != 0 {
		err = sqlerr.New(sqlerr.InvalidParameterValue, "session gap must not contain months or years").
			WithHint("Months differ in length; use days.").At(b.pos(w.Size))
	}
	if err != nil {
		return nil, err
	}
	n := &logical.SessionWindow{Time: time.Col, Gap: micros(gap), PerGroup: len(w.PartitionBy) == 0}
	if n.Input, n.Partition, err = b.sessionKeys(w, in, node); err != nil {
		return nil, err
	}
	t := time.Type.Base()
	n.Start, n.End, n.WindowTime = b.meta.Add("window_start", t), b.meta.Add("window_end", t), b.meta.Add("window_time", t)
	it, err := b.windowItem(w, in, n, n.Windows(), outer)
	if err == nil {
		it.scope.tables[0].session = n
	}
	return it, err
}

// sessionKeys binds PARTITION BY; what is not a column is computed below the sessions.
func (b *binder) sessionKeys(w *ast.WindowTVF, in *fromItem, node logical.Node) (logical.Node, []logical.ColID, error) {
	var keys []logical.ColID
	x := &exprCtx{b: b, scope: in.scope, clause: "PARTITION BY"}
	p := &logical.Project{Input: node}
	for _, id := range node.Cols() {
		p.Out, p.Exprs = append(p.Out, id), append(p.Exprs, b.meta.Ref(id))
	}
	n := len(p.Out)
	for _, k := range w.PartitionBy {
		e, err := x.typed(k)
		if err != nil {
			return nil, nil, err
		}
		if e.Op == expr.OpColumn && slices.Contains(node.Cols(), e.Col) {
			keys = append(keys, e.Col)
			continue
		}
		id := b.meta.Add("key", e.Type)
		p.Out, p.Exprs, keys = append(p.Out, id), append(p.Exprs, e), append(keys, id)
	}
	if len(p.Out) > n {
		node = p
	}
	return x.apply(node), keys, nil
}

// sessionsPerGroup gives sessions for which the query names no partition the columns that
// it groups by beside their start or end.
func (c *coreBinder) sessionsPerGroup(g *grouper, sets bool) error {
	for _, t := range c.scope.tables {
		s := t.session
		if s == nil || !s.PerGroup {
			continue
		}
		window := logical.SetOf(s.Windows()...)
		if !slices.ContainsFunc(g.exprs, func(e *expr.Expr) bool { return e.Op == expr.OpColumn && window.Has(e.Col) }) {
			continue
		}
		own := logical.SetOf(s.Input.Cols()...)
		var keys []logical.ColID
		for _, e := range g.exprs {
			switch {
			case e.IsConst(), e.Op == expr.OpColumn && window.Has(e.Col):
			case e.Op == expr.OpColumn && own.Has(e.Col) && !sets:
				keys = append(keys, e.Col)
			default:
				return sqlerr.New(sqlerr.FeatureNotSupported, "SESSION without PARTITION BY takes the columns that the query groups by for its keys; here they are no columns of its relation").
					WithHint("Write SESSION(relation PARTITION BY key, …, time, gap).")
			}
		}
		s.Partition = keys
	}
	return nil
}
