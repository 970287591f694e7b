package planner

import (
	"slices"

	"streamdb/planner/logical"
	"streamdb/planner/physical"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// joinUntil finds how long rows of a join's sides can still meet somebody: a condition
// that bounds the other side's time by a column of the row's own, however it is written.
//
//	a.ts BETWEEN b.ts - x AND b.ts + y      b waits until b.ts + y, a until a.ts + x
//	b.ts - a.ts < x                         a waits until a.ts + x
//
// left is the number of left columns; marked tells which columns of left ++ right carry a
// watermark. Of several bounds over the same columns the tightest counts, else the first.
func joinUntil(j *physical.Join, left int, marked func(int) bool) {
	j.LeftUntil, j.RightUntil = nil, nil
	bound := func(to **physical.Until, u physical.Until) {
		if *to == nil || (*to).Col == u.Col && (*to).Other == u.Other && u.Delta < (*to).Delta {
			*to = &u
		}
	}
	for _, c := range logical.Conjuncts(j.Residual) {
		for _, o := range orders(c) {
			// o.low's time is at most o.high's plus o.delta.
			if !marked(o.low) {
				continue
			}
			switch {
			case o.low >= left && o.high < left:
				bound(&j.LeftUntil, physical.Until{Col: o.high, Other: o.low - left, Delta: o.delta})
			case o.low < left && o.high >= left:
				bound(&j.RightUntil, physical.Until{Col: o.high - left, Other: o.low, Delta: o.delta})
			}
		}
	}
}

// timeOrder says that column low is at most column high plus delta µs.
type timeOrder struct {
	low, high int
	delta     int64
}

// orders gives what a condition says of the order of two columns of time.
func orders(c *expr.Expr) []timeOrder {
	not := false
	for c.Op == expr.OpNot {
		not, c = !not, c.Args[0]
	}
	if c.Op != expr.OpCall || len(c.Args) != 2 {
		return nil
	}
	f := functions.ByID(c.Fn)
	if f == nil {
		return nil
	}
	l, r, op := c.Args[0], c.Args[1], f.Name
	if not {
		if op = map[string]string{"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[op]; op == "" {
			return nil
		}
	}
	switch op {
	case "<", "<=":
		return atMost(l, r)
	case ">", ">=":
		return atMost(r, l)
	case "=":
		return slices.Concat(atMost(l, r), atMost(r, l))
	}
	return nil
}

// atMost takes l <= r apart.
func atMost(l, r *expr.Expr) []timeOrder {
	if a, ok := timeTerm(l); ok {
		if b, ok := timeTerm(r); ok {
			return []timeOrder{{a.col, b.col, b.hi - a.lo}}
		}
	}
	if l.Type.Kind != types.KindInterval || r.Type.Kind != types.KindInterval {
		return nil
	}
	// a - b <= x, and x <= a - b, which is b - a <= -x. Intervals are compared by months of
	// 30 days; a difference has none.
	if a, b, ok := timeDifference(l); ok && constInterval(r) {
		return []timeOrder{{a.col, b.col, spanOf(r.Val.V) + b.hi - a.lo}}
	}
	if a, b, ok := timeDifference(r); ok && constInterval(l) {
		return []timeOrder{{b.col, a.col, a.hi - b.lo - spanOf(l.Val.V)}}
	}
	return nil
}

// timeSum is a column of time plus something between lo and hi µs.
type timeSum struct {
	col    int
	lo, hi int64
}

func isTime(t types.Type) bool {
	return t.Kind == types.KindTimestamp || t.Kind == types.KindTimestampTZ
}

func constInterval(e *expr.Expr) bool {
	return e.IsConst() && !e.Val.Null && e.Type.Kind == types.KindInterval
}

// timeTerm takes a column plus and minus constant intervals apart.
func timeTerm(e *expr.Expr) (timeSum, bool) {
	if !isTime(e.Type) {
		return timeSum{}, false
	}
	if e.Op == expr.OpColumn {
		return timeSum{col: e.Col}, true
	}
	if e.Op != expr.OpCall || len(e.Args) != 2 {
		return timeSum{}, false
	}
	f := functions.ByID(e.Fn)
	if f == nil || f.Name != "+" && f.Name != "-" {
		return timeSum{}, false
	}
	t, i := e.Args[0], e.Args[1]
	if f.Name == "+" && t.Type.Kind == types.KindInterval {
		t, i = i, t
	}
	if !constInterval(i) || t.Type.Kind != e.Type.Kind {
		return timeSum{}, false
	}
	s, ok := timeTerm(t)
	if !ok {
		return timeSum{}, false
	}
	lo, hi := spanBounds(i.Val.V, e.Type.Kind == types.KindTimestampTZ)
	if f.Name == "-" {
		lo, hi = -hi, -lo
	}
	s.lo, s.hi = s.lo+lo, s.hi+hi
	return s, true
}

// timeDifference takes a - b apart.
func timeDifference(e *expr.Expr) (a, b timeSum, ok bool) {
	if e.Op != expr.OpCall || len(e.Args) != 2 || e.Type.Kind != types.KindInterval {
		return a, b, false
	}
	if f := functions.ByID(e.Fn); f == nil || f.Name != "-" {
		return a, b, false
	}
	if a, ok = timeTerm(e.Args[0]); ok {
		b, ok = timeTerm(e.Args[1])
	}
	return a, b, ok
}

const dayMicros = 24 * 60 * 60 * 1_000_000

// spanOf is an interval's length as intervals are compared.
func spanOf(v types.Interval) int64 {
	return v.Micros + (int64(v.Days)+30*int64(v.Months))*dayMicros
}

// spanBounds is the least and the greatest that adding an interval can move a time by:
// months have 28 to 31 days, and days of a time zone can be off by its changes.
func spanBounds(v types.Interval, zoned bool) (lo, hi int64) {
	fixed := v.Micros + int64(v.Days)*dayMicros
	short, long := int64(v.Months)*28*dayMicros, int64(v.Months)*31*dayMicros
	if v.Months < 0 {
		short, long = long, short
	}
	if zoned && (v.Days != 0 || v.Months != 0) {
		short, long = short-2*dayMicros, long+2*dayMicros
	}
	return fixed + short, fixed + long
}
