package rule

import (
	"math"
	"slices"

	"streamdb/planner/logical"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// numberedTopN makes a TopN of a filter that keeps the first rows of each partition by
// ROW_NUMBER() or RANK(): only these are kept in order, numbered and emitted. Without
// further functions a TopN gives the row number itself; other ranks are computed over
// what it leaves, since they depend on earlier rows alone.
func numberedTopN(c *Ctx, n logical.Node, _ logical.ColSet) logical.Node {
	return logical.Transform(n, func(n logical.Node) logical.Node {
		f, ok := n.(*logical.Filter)
		if !ok {
			return n
		}
		w, ok := f.Input.(*logical.OverWindow)
		if !ok || !ranksOnly(w) {
			return n
		}
		for i := range w.Calls {
			if r := c.topByNumber(f, w, &w.Calls[i]); r != nil {
				c.fire("NumberedTopN")
				return r
			}
		}
		return n
	})
}

// ranksOnly tells whether no function of w looks at rows behind the current one.
func ranksOnly(w *logical.OverWindow) bool {
	return !slices.ContainsFunc(w.Calls, func(c logical.WindowCall) bool {
		return c.Fn != "row_number" && c.Fn != "rank" && c.Fn != "dense_rank"
	})
}

// topByNumber builds the TopN if the filter bounds the call from above, else nil.
func (c *Ctx) topByNumber(f *logical.Filter, w *logical.OverWindow, call *logical.WindowCall) logical.Node {
	if call.Fn == "dense_rank" {
		return nil
	}
	lo, hi := int64(1), int64(math.MaxInt64)
	var rest, bounds []*expr.Expr
	for _, p := range logical.Conjuncts(f.Pred) {
		from, to, ok := numberBounds(p, call.Col)
		if !ok {
			rest = append(rest, p)
			continue
		}
		bounds = append(bounds, p)
		lo, hi = max(lo, from), min(hi, to)
	}
	if hi > math.MaxInt32 {
		return nil
	}
	count := func(v int64) *expr.Expr { return expr.Const(types.Int8, types.Datum{I: max(v, 0)}) }
	top := &logical.TopN{Input: w.Input, Partition: w.Partition, Order: w.Order}
	if call.Fn == "row_number" && len(w.Calls) == 1 {
		top.Number, top.Limit = call.Col, count(hi-lo+1)
		if lo > 1 {
			top.Offset = count(lo - 1)
		}
		return logical.Where(top, logical.And(rest...))
	}
	top.Limit, top.WithTies = count(hi), call.Fn == "rank"
	if lo > 1 || hi < 1 {
		rest = append(rest, bounds...)
	}
	again := *w
	again.Input = top
	return logical.Where(&again, logical.And(rest...))
}

// numberBounds reads a comparison of column id with a constant as bounds [lo, hi].
func numberBounds(p *expr.Expr, id logical.ColID) (lo, hi int64, ok bool) {
	if p.Op != expr.OpCall || len(p.Args) != 2 {
		return 0, 0, false
	}
	fn := functions.ByID(p.Fn)
	if fn == nil {
		return 0, 0, false
	}
	op, col, val := fn.Name, p.Args[0], p.Args[1]
	if col.Op == expr.OpConst {
		col, val = val, col
		op = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}[op]
	}
	if col.Op != expr.OpColumn || col.Col != id || val.Op != expr.OpConst || val.Val.Null || val.Type.Class() != types.ClassInt {
		return 0, 0, false
	}
	v := min(max(val.Val.I, -1<<40), 1<<40)
	switch op {
	case "<":
		return 1, v - 1, true
	case "<=":
		return 1, v, true
	case ">":
		return v + 1, math.MaxInt64, true
	case ">=":
		return v, math.MaxInt64, true
	case "=":
		return v, v, true
	}
	return 0, 0, false
}

// pruneTopN prunes below a TopN, which need not number rows if nobody reads it.
func (c *Ctx) pruneTopN(n *logical.TopN, need logical.ColSet) logical.Node {
	t := *n
	if !need.Has(t.Number) {
		t.Number = 0
	}
	below := need.Intersect(logical.SetOf(n.Input.Cols()...)).Union(logical.SetOf(n.Partition...))
	for _, k := range n.Order {
		below.Add(k.Col)
	}
	t.Input = c.prune(n.Input, below)
	return &t
}
