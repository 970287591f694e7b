package logical

import (
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/expr"
)

// FreeCols is the columns that n uses and does not get from its inputs: its
// correlations.
func FreeCols(n Node) ColSet {
	var avail, used, free ColSet
	for _, in := range n.Inputs() {
		free.AddSet(FreeCols(in))
		for _, c := range in.Cols() {
			avail.Add(c)
		}
	}
	n.EachExpr(func(e *expr.Expr) { addRefs(&used, e) })
	if a, ok := n.(*Apply); ok {
		// What the left side supplies is not free in the right.
		free = FreeCols(a.Left)
		free.AddSet(FreeCols(a.Right).Minus(SetOf(a.Left.Cols()...)))
	}
	free.AddSet(used.Minus(avail))
	return free
}

// Transform rewrites a plan from the leaves up. Nodes that several parents share stay
// shared: f runs once for each.
func Transform(n Node, f func(Node) Node) Node {
	return transform(n, f, map[Node]Node{})
}

func transform(n Node, f func(Node) Node, done map[Node]Node) Node {
	if r, ok := done[n]; ok {
		return r
	}
	m := n
	ins := n.Inputs()
	var out []Node
	for i, in := range ins {
		r := transform(in, f, done)
		if r != in && out == nil {
			out = slices.Clone(ins)
		}
		if out != nil {
			out[i] = r
		}
	}
	if out != nil {
		m = n.WithInputs(out)
	}
	m = f(m)
	done[n] = m
	return m
}

// Unit is the relation of one row without columns: SELECT without FROM.
func Unit() *Values { return &Values{Rows: [][]*expr.Expr{nil}} }

// IsUnit tells whether n is one row without columns.
func IsUnit(n Node) bool {
	v, ok := n.(*Values)
	return ok && len(v.Out) == 0 && len(v.Rows) == 1
}

// Where filters n, or gives n itself if pred is nil.
func Where(n Node, pred *expr.Expr) Node {
	if pred == nil || IsTrue(pred) {
		return n
	}
	return &Filter{Input: n, Pred: pred}
}

// Keys gives sets of columns no two rows of n agree on (SQL equality, NULLs equal).
// An empty set means at most one row.
func Keys(n Node) []ColSet {
	switch n := n.(type) {
	case *Scan:
		return scanKeys(n)
	case *Values:
		if len(n.Rows) <= 1 {
			return []ColSet{{}}
		}
	case *Filter:
		return filterKeys(n)
	case *Shared:
		return Keys(n.Input)
	case *MaxOneRow:
		return []ColSet{{}}
	case *Project:
		return projectKeys(n)
	case *Agg:
		if n.Scalar {
			return []ColSet{{}}
		}
		return []ColSet{SetOf(n.Group...)}
	case *TopN:
		keys := Keys(n.Input)
		if isOne(n.Limit) && !n.WithTies {
			keys = append(keys, SetOf(n.Partition...))
		}
		if n.Number != 0 {
			keys = append(keys, SetOf(append([]ColID{n.Number}, n.Partition...)...))
		}
		return keys
	case *OverWindow:
		return overWindowKeys(n)
	case *SessionWindow:
		return Keys(n.Input)
	case *HopWindow:
		var out []ColSet
		for _, k := range Keys(n.Input) {
			k = k.Union(ColSet{})
			if n.Cumulate {
				k.Add(n.End)
			} else {
				k.Add(n.Start)
			}
			out = append(out, k)
		}
		return out
	case *Join:
		return joinKeys(n)
	case *SetOp:
		if !n.All {
			return []ColSet{SetOf(n.Out...)}
		}
	}
	return nil
}

// HasKey tells whether the columns determine a row of n.
func HasKey(n Node, cols ColSet) bool {
	for _, k := range Keys(n) {
		if k.SubsetOf(cols) {
			return true
		}
	}
	return false
}

func isOne(e *expr.Expr) bool {
	return e != nil && e.Op == expr.OpConst && !e.Val.Null && e.Val.I <= 1
}

func scanKeys(n *Scan) []ColSet {
	if n.Rel == nil || n.Rel.Table == nil || n.Late || n.Lateness > 0 {
		return nil
	}
	var out []ColSet
	for _, con := range n.Rel.Table.Constraints {
		if con.Kind == catalog.ConstraintCheck {
			continue
		}
		var k ColSet
		ok := true
		for _, id := range con.Columns {
			i := slices.Index(n.ColumnIDs, id)
			if i < 0 || !n.Rel.ColumnByID(id).NotNull {
				ok = false
				break
			}
			k.Add(n.Out[i])
		}
		if ok {
			out = append(out, k)
		}
	}
	return out
}

// filterKeys drops from the keys the columns that the filter pins to one value.
func filterKeys(n *Filter) []ColSet {
	keys := Keys(n.Input)
	if len(keys) == 0 {
		return nil
	}
	var fixed ColSet
	own := SetOf(n.Input.Cols()...)
	for _, c := range Conjuncts(n.Pred) {
		l, r, ok := Equality(c)
		if !ok {
			continue
		}
		if l.Op == expr.OpColumn && !Refs(r).Intersects(own) {
			fixed.Add(l.Col)
		}
		if r.Op == expr.OpColumn && !Refs(l).Intersects(own) {
			fixed.Add(r.Col)
		}
	}
	out := make([]ColSet, len(keys))
	for i, k := range keys {
		out[i] = k.Minus(fixed)
	}
	return out
}

func projectKeys(n *Project) []ColSet {
	to := map[ColID]ColID{}
	for i, e := range n.Exprs {
		if e.Op == expr.OpColumn {
			to[e.Col] = n.Out[i]
		}
	}
	var out []ColSet
next:
	for _, k := range Keys(n.Input) {
		var m ColSet
		for _, c := range k.List() {
			if to[c] == 0 {
				continue next
			}
			m.Add(to[c])
		}
		out = append(out, m)
	}
	return out
}

func joinKeys(n *Join) []ColSet {
	lk := Keys(n.Left)
	if LeftOnly(n.Type) {
		return lk
	}
	rk := Keys(n.Right)
	lcols, rcols := SetOf(n.Left.Cols()...), SetOf(n.Right.Cols()...)
	var leq, req ColSet
	for _, c := range Conjuncts(n.On) {
		l, r, ok := Equality(c)
		if !ok || l.Op != expr.OpColumn || r.Op != expr.OpColumn {
			continue
		}
		if lcols.Has(r.Col) {
			l, r = r, l
		}
		if lcols.Has(l.Col) && rcols.Has(r.Col) {
			leq.Add(l.Col)
			req.Add(r.Col)
		}
	}
	var out []ColSet
	if HasKey(n.Right, req) && (n.Type == physical.JoinInner || n.Type == physical.JoinLeft) {
		out = append(out, lk...)
	}
	if HasKey(n.Left, leq) && (n.Type == physical.JoinInner || n.Type == physical.JoinRight) {
		out = append(out, rk...)
	}
	for _, a := range lk {
		for _, b := range rk {
			out = append(out, a.Union(b))
		}
	}
	return out
}
