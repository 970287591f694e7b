package physical

import "streamdb/sql/expr"

// MapExprs returns p with f applied to every expression in it; p is left as it is.
func MapExprs(p *Plan, f func(*expr.Expr) *expr.Expr) *Plan {
	r := *p
	r.Nodes = append([]Node(nil), p.Nodes...)
	all := func(es []*expr.Expr) []*expr.Expr {
		if es == nil {
			return nil
		}
		out := make([]*expr.Expr, len(es))
		for i, e := range es {
			out[i] = f(e)
		}
		return out
	}
	one := func(e *expr.Expr) *expr.Expr {
		if e == nil {
			return nil
		}
		return f(e)
	}
	for i := range r.Nodes {
		n := &r.Nodes[i]
		switch {
		case n.Filter != nil:
			n.Filter = &Filter{Pred: one(n.Filter.Pred)}
		case n.TemporalFilter != nil:
			n.TemporalFilter = n.TemporalFilter.mapExprs(f)
		case n.Project != nil:
			n.Project = &Project{Exprs: all(n.Project.Exprs)}
		case n.Values != nil:
			v := &Values{Rows: make([][]*expr.Expr, len(n.Values.Rows))}
			for k, row := range n.Values.Rows {
				v.Rows[k] = all(row)
			}
			n.Values = v
		case n.ProjectSet != nil:
			s := *n.ProjectSet
			s.Funcs = append([]SetFunc(nil), s.Funcs...)
			for k := range s.Funcs {
				s.Funcs[k].Args = all(s.Funcs[k].Args)
			}
			n.ProjectSet = &s
		case n.Join != nil:
			j := *n.Join
			j.Residual = one(j.Residual)
			n.Join = &j
		case n.Scan != nil && n.Scan.Range != nil:
			s := *n.Scan
			k := *s.Range
			k.Eq, k.Lo, k.Hi = all(k.Eq), one(k.Lo), one(k.Hi)
			s.Range = &k
			n.Scan = &s
		case n.TopN != nil:
			t := *n.TopN
			t.LimitExpr, t.OffsetExpr = one(t.LimitExpr), one(t.OffsetExpr)
			n.TopN = &t
		}
	}
	return &r
}
