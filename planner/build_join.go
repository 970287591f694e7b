package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/expr"
	"streamdb/sql/types"
)

// joinKeys is a join's condition taken apart.
type joinKeys struct {
	left, right []*expr.Expr
	nullSafe    []bool
	residual    []*expr.Expr
}

// splitJoin separates equalities between the sides from the rest of a condition.
func splitJoin(on *expr.Expr, lcols, rcols logical.ColSet) joinKeys {
	var k joinKeys
	for _, c := range logical.Conjuncts(on) {
		l, r, ok := logical.Equality(c)
		safe := false
		if !ok {
			l, r, safe = logical.NullSafeEquality(c)
			ok = safe
		}
		if !ok || !sameHash(l.Type, r.Type) || logical.IsVolatile(c) {
			k.residual = append(k.residual, c)
			continue
		}
		lr, rr := logical.Refs(l), logical.Refs(r)
		if lr.Empty() || rr.Empty() {
			k.residual = append(k.residual, c)
			continue
		}
		switch {
		case lr.SubsetOf(lcols) && rr.SubsetOf(rcols):
		case lr.SubsetOf(rcols) && rr.SubsetOf(lcols):
			l, r = r, l
		default:
			k.residual = append(k.residual, c)
			continue
		}
		k.left, k.right, k.nullSafe = append(k.left, l), append(k.right, r), append(k.nullSafe, safe)
	}
	return k
}

// sameHash tells whether equal values of the two types lie alike in columns.
func sameHash(a, b types.Type) bool {
	if a.Base() == b.Base() {
		return true
	}
	return a.IsInteger() && b.IsInteger() ||
		(a.Kind == types.KindFloat4 || a.Kind == types.KindFloat8) && (b.Kind == types.KindFloat4 || b.Kind == types.KindFloat8) ||
		isOID(a) && isOID(b)
}

func isOID(t types.Type) bool { return t.Kind == types.KindOID || t.IsReg() }

// join builds a join: equalities become keys, rows with equal keys meet in one worker.
func (p *builder) join(n *logical.Join, need logical.ColSet) *built {
	typ, on := n.Type, n.On
	lset, rset := logical.SetOf(n.Left.Cols()...), logical.SetOf(n.Right.Cols()...)
	k := splitJoin(on, lset, rset)
	if typ == physical.JoinNullAnti && (len(k.left) != 1 || len(k.residual) > 0) {
		// Not a plain NOT IN by key: the condition must not be false.
		typ = physical.JoinAnti
		k = joinKeys{residual: []*expr.Expr{logical.Not(&expr.Expr{Op: expr.OpIsFalse, Type: types.Bool, Args: []*expr.Expr{on}, Pos: -1})}}
	}
	var res logical.ColSet
	for _, e := range k.residual {
		res.AddSet(logical.Refs(e))
	}
	side := func(in logical.Node, set logical.ColSet, keys []*expr.Expr) (*built, []logical.ColID) {
		want := need.Union(res).Intersect(set)
		below := want.Union(logical.ColSet{})
		for _, e := range keys {
			below.AddSet(logical.Refs(e))
		}
		return p.computed(p.build(in, below), keys, want)
	}
	l, lk := side(n.Left, lset, k.left)
	r, rk := side(n.Right, rset, k.right)
	l, r, dist := p.joinExchanges(typ, l, r, lk, rk)
	j := &physical.Join{Type: typ, LeftKeys: p.positions(lk, l.cols), RightKeys: p.positions(rk, r.cols), LeftWindow: -1, RightWindow: -1}
	if slices.Contains(k.nullSafe, true) {
		j.NullSafe = k.nullSafe
	}
	both := append(slices.Clone(l.cols), r.cols...)
	j.Residual = p.local(logical.And(k.residual...), both)
	shown := both
	if logical.LeftOnly(typ) {
		shown = l.cols
	}
	var out []logical.ColID
	j.Output = []int{}
	for i, id := range shown {
		if need.Has(id) && !slices.Contains(out, id) {
			out = append(out, id)
			j.Output = append(j.Output, i)
		}
	}
	return p.add(physical.Node{Kind: physical.KindJoin, Inputs: []int{l.idx, r.idx}, Join: j}, out, keepDist(dist, out))
}

// joinExchanges brings rows that may match together.
func (p *builder) joinExchanges(typ physical.JoinType, l, r *built, lk, rk []logical.ColID) (*built, *built, distribution) {
	if l.dist.single && r.dist.single {
		return l, r, distribution{single: true}
	}
	leftKept := typ == physical.JoinInner || typ == physical.JoinLeft || logical.LeftOnly(typ)
	switch {
	case typ == physical.JoinNullAnti, len(lk) == 0 && leftKept:
		// Every worker needs to see all of the right side.
		if l.dist.single {
			return l, p.exchangeSingle(r), distribution{single: true}
		}
		return l, p.broadcast(r), l.dist
	case len(lk) == 0:
		return p.exchangeSingle(l), p.exchangeSingle(r), distribution{single: true}
	}
	if !alignedHash(l, r, lk, rk) {
		if !slices.Equal(l.dist.hash, lk) || l.dist.single {
			l = p.forceHash(l, lk)
		}
		if !slices.Equal(r.dist.hash, rk) || r.dist.single {
			r = p.forceHash(r, rk)
		}
	}
	switch typ {
	case physical.JoinRight:
		return l, r, distribution{hash: rk}
	case physical.JoinFull:
		return l, r, distribution{}
	}
	return l, r, distribution{hash: l.dist.hash}
}

// alignedHash tells whether both sides are hashed already by the same keys.
func alignedHash(l, r *built, lk, rk []logical.ColID) bool {
	if len(l.dist.hash) == 0 || len(l.dist.hash) != len(r.dist.hash) {
		return false
	}
	for i, id := range l.dist.hash {
		at := slices.Index(lk, id)
		if at < 0 || rk[at] != r.dist.hash[i] {
			return false
		}
	}
	return true
}
