package logical

import (
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// Equal tells whether two expressions are the same but for their positions.
func Equal(a, b *expr.Expr) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.Op != b.Op || a.Type != b.Type || a.Col != b.Col || a.Fn != b.Fn || len(a.Args) != len(b.Args) {
		return false
	}
	if (a.Val == nil) != (b.Val == nil) || a.Val != nil && *a.Val != *b.Val {
		return false
	}
	for i := range a.Args {
		if !Equal(a.Args[i], b.Args[i]) {
			return false
		}
	}
	return true
}

// Conjuncts splits nested ANDs; a constant true vanishes. nil gives none.
func Conjuncts(e *expr.Expr) []*expr.Expr {
	var out []*expr.Expr
	var split func(e *expr.Expr)
	split = func(e *expr.Expr) {
		switch {
		case e == nil || IsTrue(e):
		case e.Op == expr.OpAnd:
			for _, a := range e.Args {
				split(a)
			}
		default:
			out = append(out, e)
		}
	}
	split(e)
	return out
}

// And joins conjuncts; none gives nil, which stands for true.
func And(list ...*expr.Expr) *expr.Expr {
	var all []*expr.Expr
	for _, e := range list {
		for _, c := range Conjuncts(e) {
			if !containsExpr(all, c) {
				all = append(all, c)
			}
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return &expr.Expr{Op: expr.OpAnd, Type: types.Bool, Args: all, Pos: -1}
}

func containsExpr(list []*expr.Expr, e *expr.Expr) bool {
	for _, x := range list {
		if Equal(x, e) {
			return true
		}
	}
	return false
}

// IsTrue tells whether e is the constant true.
func IsTrue(e *expr.Expr) bool {
	return e != nil && e.Op == expr.OpConst && e.Type.Kind == types.KindBool && !e.Val.Null && e.Val.I != 0
}

// IsFalseOrNull tells whether e is the constant false or a NULL, which are alike
// where a condition is tested.
func IsFalseOrNull(e *expr.Expr) bool {
	return e != nil && e.Op == expr.OpConst && (e.Val.Null || e.Type.Kind == types.KindBool && e.Val.I == 0)
}

// Not negates e.
func Not(e *expr.Expr) *expr.Expr {
	return &expr.Expr{Op: expr.OpNot, Type: types.Bool, Args: []*expr.Expr{e}, Pos: -1}
}

// IsNull tests e for NULL.
func IsNull(e *expr.Expr) *expr.Expr {
	return &expr.Expr{Op: expr.OpIsNull, Type: types.Bool, Args: []*expr.Expr{e}, Pos: -1}
}

// NotDistinct is a IS NOT DISTINCT FROM b.
func NotDistinct(a, b *expr.Expr) *expr.Expr {
	return Not(&expr.Expr{Op: expr.OpDistinct, Type: types.Bool, Args: []*expr.Expr{a, b}, Pos: -1})
}

// Refs is the set of columns in e.
func Refs(e *expr.Expr) ColSet {
	var s ColSet
	addRefs(&s, e)
	return s
}

func addRefs(s *ColSet, e *expr.Expr) {
	expr.Walk(e, func(x *expr.Expr) bool {
		if x.Op == expr.OpColumn {
			s.Add(x.Col)
		}
		return true
	})
}

// Substitute replaces columns by expressions.
func Substitute(e *expr.Expr, by map[ColID]*expr.Expr) *expr.Expr {
	if len(by) == 0 {
		return e
	}
	return expr.Rewrite(e, func(x *expr.Expr) *expr.Expr {
		if x.Op == expr.OpColumn {
			if r := by[x.Col]; r != nil {
				return r
			}
		}
		return x
	})
}

// ColSet is a set of columns.
type ColSet struct{ words []uint64 }

// SetOf makes a set.
func SetOf(ids ...ColID) ColSet {
	var s ColSet
	for _, id := range ids {
		s.Add(id)
	}
	return s
}

// Add adds a column in place.
func (s *ColSet) Add(id ColID) {
	for len(s.words) <= id>>6 {
		s.words = append(s.words, 0)
	}
	s.words[id>>6] |= 1 << (id & 63)
}

// AddSet adds all of t in place.
func (s *ColSet) AddSet(t ColSet) {
	for len(s.words) < len(t.words) {
		s.words = append(s.words, 0)
	}
	for i, w := range t.words {
		s.words[i] |= w
	}
}

// Has tells whether a column is in the set.
func (s ColSet) Has(id ColID) bool { return id>>6 < len(s.words) && s.words[id>>6]>>(id&63)&1 != 0 }

// Empty tells whether nothing is in the set.
func (s ColSet) Empty() bool {
	for _, w := range s.words {
		if w != 0 {
			return false
		}
	}
	return true
}

// SubsetOf tells whether all of s is in t.
func (s ColSet) SubsetOf(t ColSet) bool {
	for i, w := range s.words {
		var o uint64
		if i < len(t.words) {
			o = t.words[i]
		}
		if w&^o != 0 {
			return false
		}
	}
	return true
}

// Intersects tells whether s and t share a column.
func (s ColSet) Intersects(t ColSet) bool {
	for i := range min(len(s.words), len(t.words)) {
		if s.words[i]&t.words[i] != 0 {
			return true
		}
	}
	return false
}

// Intersect gives what is in both.
func (s ColSet) Intersect(t ColSet) ColSet {
	n := min(len(s.words), len(t.words))
	out := ColSet{words: make([]uint64, n)}
	for i := range n {
		out.words[i] = s.words[i] & t.words[i]
	}
	return out
}

// Minus gives what is in s and not in t.
func (s ColSet) Minus(t ColSet) ColSet {
	out := ColSet{words: append([]uint64(nil), s.words...)}
	for i := range min(len(s.words), len(t.words)) {
		out.words[i] &^= t.words[i]
	}
	return out
}

// Union gives what is in either.
func (s ColSet) Union(t ColSet) ColSet {
	out := ColSet{words: append([]uint64(nil), s.words...)}
	out.AddSet(t)
	return out
}

// List gives the columns in ascending order.
func (s ColSet) List() []ColID {
	var out []ColID
	for i, w := range s.words {
		for b := 0; w != 0; b, w = b+1, w>>1 {
			if w&1 != 0 {
				out = append(out, i<<6+b)
			}
		}
	}
	return out
}

// Equality takes apart a = b; ok is false for anything else. IS NOT DISTINCT FROM is
// not an equality here.
func Equality(e *expr.Expr) (l, r *expr.Expr, ok bool) {
	if e.Op != expr.OpCall || len(e.Args) != 2 {
		return nil, nil, false
	}
	f := functions.ByID(e.Fn)
	if f == nil || f.Name != "=" {
		return nil, nil, false
	}
	return e.Args[0], e.Args[1], true
}

// NullSafeEquality takes apart NOT (a IS DISTINCT FROM b).
func NullSafeEquality(e *expr.Expr) (l, r *expr.Expr, ok bool) {
	if e.Op != expr.OpNot || e.Args[0].Op != expr.OpDistinct {
		return nil, nil, false
	}
	return e.Args[0].Args[0], e.Args[0].Args[1], true
}

// IsVolatile tells whether e must be evaluated once per row as it is written.
func IsVolatile(e *expr.Expr) bool {
	found := false
	expr.Walk(e, func(x *expr.Expr) bool {
		if x.Fn != "" {
			if f := functions.ByID(x.Fn); f != nil && f.Volatility == functions.Volatile {
				found = true
			}
		}
		return !found
	})
	return found
}
