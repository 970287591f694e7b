package exec

import (
	"fmt"
	"math/rand"
	"sort"
	"strings"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// The tests here feed random changes in several epochs and compare what has come out
// with a naive evaluation over the rows that are left.

var rowSchema = chunk.Schema{types.Int4, types.Int8, types.Text}

type testRow struct {
	k int64 // -1 is NULL
	v int64
	s string
}

func (r testRow) append(c *chunk.Chunk, w int64) {
	if r.k < 0 {
		c.Cols[0].AppendNull()
	} else {
		c.Cols[0].AppendDatum(types.Datum{I: r.k})
	}
	c.Cols[1].AppendDatum(types.Datum{I: r.v})
	c.Cols[2].AppendString(r.s)
	c.Weights = append(c.Weights, w)
	c.Rows++
}

func (r testRow) String() string {
	k := "NULL"
	if r.k >= 0 {
		k = fmt.Sprint(r.k)
	}
	return fmt.Sprintf("%s|%d|%s", k, r.v, r.s)
}

// table is a random multiset of rows with the changes of the current epoch.
type table struct {
	rows  []testRow
	delta *chunk.Chunk
}

func (t *table) change(rng *rand.Rand, keys int64) {
	t.delta = chunk.New(rowSchema, 0)
	for range rng.Intn(12) {
		if len(t.rows) > 0 && rng.Intn(5) < 2 {
			i := rng.Intn(len(t.rows))
			t.rows[i].append(t.delta, -1)
			t.rows = append(t.rows[:i:i], t.rows[i+1:]...)
			continue
		}
		r := testRow{k: rng.Int63n(keys+1) - 1, v: rng.Int63n(5), s: string(rune('a' + rng.Intn(3)))}
		t.rows = append(t.rows, r)
		r.append(t.delta, 1)
	}
}

func scanNode(id physical.RelationID) physical.Node {
	return physical.Node{Kind: physical.KindScan, Schema: rowSchema, Scan: &physical.Scan{Relation: id, Columns: []int{1, 2, 3}}}
}

// result accumulates what a dataflow emits, as text of row to weight.
type result map[string]int64

func (r result) add(t *testing.T, chunks []*chunk.Chunk) {
	t.Helper()
	for _, c := range chunks {
		for i := range c.Rows {
			s := ""
			for k, col := range c.Cols {
				if k > 0 {
					s += "|"
				}
				if col.IsNull(i) {
					s += "NULL"
				} else {
					s += string(types.AppendText(nil, col.Type, col.Datum(i), types.DefaultSettings))
				}
			}
			if r[s] += c.Weight(i); r[s] == 0 {
				delete(r, s)
			}
		}
	}
}

func (r result) String() string {
	var lines []string
	for s, n := range r {
		lines = append(lines, fmt.Sprintf("%+d %s", n, s))
	}
	sort.Strings(lines)
	return fmt.Sprint(lines)
}

// runPlan feeds random epochs to plan and compares with want after each.
func runPlan(t *testing.T, plan *physical.Plan, workers int, want func(l, r []testRow) result) {
	t.Helper()
	for seed := range int64(40) {
		rng := rand.New(rand.NewSource(seed))
		d, err := New(plan, Options{Workers: workers, Context: &expr.Ctx{}})
		if err != nil {
			t.Fatal(err)
		}
		tables := make([]table, len(d.Scans()))
		got := result{}
		store := stateStore{}
		for epoch := range 12 {
			if seed%5 == 1 {
				d = store.resumed(t, d) // every fifth run goes through a checkpoint each time
			}
			for i := range tables {
				tables[i].change(rng, 4)
			}
			for i := range tables {
				n := tables[i].delta.Rows
				cut := 0
				if n > 0 {
					cut = rng.Intn(n)
				}
				for _, part := range []*chunk.Chunk{tables[i].delta.Slice(0, cut), tables[i].delta.Slice(cut, n)} {
					if err := d.Push(i, part); err != nil {
						t.Fatal(err)
					}
				}
			}
			r, err := d.Flush(FlushInput{Time: int64(epoch)})
			if err != nil {
				t.Fatal(err)
			}
			got.add(t, r.Chunks)
			var right []testRow
			if len(tables) > 1 {
				right = tables[1].rows
			}
			if w := want(tables[0].rows, right); got.String() != w.String() {
				t.Fatalf("seed %d epoch %d workers %d:\n got %v\nwant %v", seed, epoch, workers, got, w)
			}
		}
	}
}

func joinPlan(j physical.Join, workers int) *physical.Plan {
	schema := append(append(chunk.Schema{}, rowSchema...), rowSchema...)
	out := make(chunk.Schema, len(j.Output))
	for i, c := range j.Output {
		out[i] = schema[c]
	}
	j.LeftWindow, j.RightWindow = -1, -1
	nodes := []physical.Node{scanNode(1), scanNode(2)}
	l, r := 0, 1
	if len(j.LeftKeys) > 0 {
		nodes = append(nodes,
			physical.Node{Kind: physical.KindExchange, Inputs: []int{0}, Schema: rowSchema, Exchange: &physical.Exchange{Kind: physical.ExchangeHash, Keys: j.LeftKeys}},
			physical.Node{Kind: physical.KindExchange, Inputs: []int{1}, Schema: rowSchema, Exchange: &physical.Exchange{Kind: physical.ExchangeHash, Keys: j.RightKeys}})
	} else {
		nodes = append(nodes,
			physical.Node{Kind: physical.KindExchange, Inputs: []int{0}, Schema: rowSchema, Exchange: &physical.Exchange{Kind: physical.ExchangeSingle}},
			physical.Node{Kind: physical.KindExchange, Inputs: []int{1}, Schema: rowSchema, Exchange: &physical.Exchange{Kind: physical.ExchangeSingle}})
	}
	l, r = 2, 3
	nodes = append(nodes, physical.Node{Kind: physical.KindJoin, Inputs: []int{l, r}, Schema: out, Join: &j})
	return &physical.Plan{Version: 1, Nodes: nodes}
}

// lessThan is left.v < right.v over left ++ right columns.
func lessThan(t *testing.T) *expr.Expr {
	t.Helper()
	f, _, _, err := functions.Resolve("<", []types.Type{types.Int8, types.Int8})
	if err != nil {
		t.Fatal(err)
	}
	return &expr.Expr{Op: expr.OpCall, Type: types.Bool, Fn: f.ID, Args: []*expr.Expr{expr.Column(1, types.Int8), expr.Column(4, types.Int8)}}
}

func TestJoins(t *testing.T) {
	for _, typ := range []physical.JoinType{physical.JoinInner, physical.JoinLeft, physical.JoinRight, physical.JoinFull,
		physical.JoinSemi, physical.JoinAnti, physical.JoinNullAnti} {
		for _, theta := range []bool{false, true} {
			for _, keyed := range []bool{true, false} {
				if typ == physical.JoinNullAnti && (theta || !keyed) {
					continue
				}
				t.Run(fmt.Sprintf("%s/residual=%v/keyed=%v", typ, theta, keyed), func(t *testing.T) {
					j := physical.Join{Type: typ, Output: []int{0, 1, 2, 3, 4, 5}}
					if keyed {
						j.LeftKeys, j.RightKeys = []int{0}, []int{0}
					}
					if typ == physical.JoinSemi || typ == physical.JoinAnti || typ == physical.JoinNullAnti {
						j.Output = []int{0, 1, 2}
					}
					if theta {
						j.Residual = lessThan(t)
					}
					match := func(l, r testRow) bool {
						return (!keyed || l.k >= 0 && l.k == r.k) && (!theta || l.v < r.v)
					}
					for _, w := range []int{1, 2, 4} {
						if testing.Short() && w != 2 { // for the race detector
							continue
						}
						runPlan(t, joinPlan(j, w), w, func(l, r []testRow) result { return naiveJoin(typ, l, r, match) })
					}
				})
			}
		}
	}
}

func naiveJoin(typ physical.JoinType, left, right []testRow, match func(l, r testRow) bool) result {
	res := result{}
	const nulls = "NULL|NULL|NULL"
	hit := make([]bool, len(right))
	anyNull := false
	for _, r := range right {
		anyNull = anyNull || r.k < 0
	}
	for _, l := range left {
		found := false
		for i, r := range right {
			if match(l, r) {
				found, hit[i] = true, true
				if typ == physical.JoinInner || typ == physical.JoinLeft || typ == physical.JoinRight || typ == physical.JoinFull {
					res[l.String()+"|"+r.String()]++
				}
			}
		}
		switch {
		case typ == physical.JoinSemi && found, typ == physical.JoinAnti && !found:
			res[l.String()]++
		case typ == physical.JoinNullAnti && (len(right) == 0 || !found && !anyNull && l.k >= 0):
			res[l.String()]++
		case (typ == physical.JoinLeft || typ == physical.JoinFull) && !found:
			res[l.String()+"|"+nulls]++
		}
	}
	if typ == physical.JoinRight || typ == physical.JoinFull {
		for i, r := range right {
			if !hit[i] {
				res[nulls+"|"+r.String()]++
			}
		}
	}
	return res
}

func call(t *testing.T, name string, distinct bool, typ types.Type, col int, args ...types.Type) physical.AggCall {
	t.Helper()
	f, _, _, err := functions.Resolve(name, args)
	if err != nil {
		t.Fatal(err)
	}
	c := physical.AggCall{Fn: f.ID, Type: typ, Distinct: distinct, Filter: -1}
	if len(args) > 0 {
		c.Args = []int{col}
	}
	return c
}

func TestAggregates(t *testing.T) {
	for _, grouped := range []bool{true, false} {
		a := &physical.Agg{Phase: physical.AggSingle, WindowStart: -1, WindowEnd: -1}
		var schema chunk.Schema
		if grouped {
			a.Group, schema = []int{0}, chunk.Schema{types.Int4}
		}
		count := call(t, "count", false, types.Int8, 1, types.Int8)
		count.Fn, count.Args = "count_star", nil
		a.Calls = []physical.AggCall{count,
			call(t, "sum", false, types.Numeric, 1, types.Int8),
			call(t, "min", false, types.Int8, 1, types.Int8),
			call(t, "max", false, types.Text, 2, types.Text),
			call(t, "count", true, types.Int8, 1, types.Int8)}
		schema = append(schema, types.Int8, types.Numeric, types.Int8, types.Text, types.Int8)
		kind := physical.ExchangeHash
		if !grouped {
			kind = physical.ExchangeSingle
		}
		plan := &physical.Plan{Version: 1, Nodes: []physical.Node{scanNode(1),
			{Kind: physical.KindExchange, Inputs: []int{0}, Schema: rowSchema, Exchange: &physical.Exchange{Kind: kind, Keys: a.Group}},
			{Kind: physical.KindAgg, Inputs: []int{1}, Schema: schema, Agg: a}}}
		for _, w := range []int{1, 3} {
			runPlan(t, plan, w, func(l, _ []testRow) result { return naiveAgg(grouped, l) })
		}
	}
}

func naiveAgg(grouped bool, rows []testRow) result {
	groups := map[int64][]testRow{}
	if !grouped {
		groups[0] = nil
	}
	for _, r := range rows {
		if grouped {
			groups[r.k] = append(groups[r.k], r)
		} else {
			groups[0] = append(groups[0], r)
		}
	}
	res := result{}
	for k, g := range groups {
		sum, low, high := int64(0), int64(99), ""
		distinct := map[int64]bool{}
		for _, r := range g {
			sum += r.v
			low, high = min(low, r.v), max(high, r.s)
			distinct[r.v] = true
		}
		s := fmt.Sprintf("%d|%d|%d|%s|%d", len(g), sum, low, high, len(distinct))
		if len(g) == 0 {
			s = "0|NULL|NULL|NULL|0"
		}
		if grouped {
			key := "NULL"
			if k >= 0 {
				key = fmt.Sprint(k)
			}
			s = key + "|" + s
		}
		res[s]++
	}
	return res
}

func TestTopN(t *testing.T) {
	spec := &physical.TopN{Order: []physical.OrderKey{{Col: 1, Desc: true}}, Limit: 3, Offset: 1}
	plan := &physical.Plan{Version: 1, Nodes: []physical.Node{scanNode(1),
		{Kind: physical.KindTopN, Inputs: []int{0}, Schema: rowSchema, TopN: spec}}}
	runPlan(t, plan, 1, func(l, _ []testRow) result {
		rows := append([]testRow(nil), l...)
		sort.Slice(rows, func(i, j int) bool {
			a, b := rows[i], rows[j]
			if a.v != b.v {
				return a.v > b.v
			}
			if a.k != b.k {
				return b.k < 0 || a.k >= 0 && a.k < b.k
			}
			return a.s < b.s
		})
		res := result{}
		for i := 1; i < min(4, len(rows)); i++ {
			res[rows[i].String()]++
		}
		return res
	})
}

func TestSetOps(t *testing.T) {
	for _, op := range []physical.SetOp{{Op: physical.SetIntersect}, {Op: physical.SetIntersect, All: true}, {Op: physical.SetExcept}, {Op: physical.SetExcept, All: true}} {
		plan := &physical.Plan{Version: 1, Nodes: []physical.Node{scanNode(1), scanNode(2),
			{Kind: physical.KindSetOp, Inputs: []int{0, 1}, Schema: rowSchema, SetOp: &op}}}
		runPlan(t, plan, 1, func(l, r []testRow) result {
			lc, rc, res := map[string]int64{}, map[string]int64{}, result{}
			for _, x := range l {
				lc[x.String()]++
			}
			for _, x := range r {
				rc[x.String()]++
			}
			for s, n := range lc {
				m := rc[s]
				switch {
				case op.Op == physical.SetIntersect && op.All:
					n = min(n, m)
				case op.Op == physical.SetIntersect:
					n = min(n, m, 1)
				case op.All:
					n = max(n-m, 0)
				case m > 0:
					n = 0
				default:
					n = 1
				}
				if n > 0 {
					res[s] = n
				}
			}
			return res
		})
	}
}

// TestConstantArgument runs string_agg with its delimiter as a constant of the plan.
func TestConstantArgument(t *testing.T) {
	c := physical.AggCall{Fn: "string_agg", Args: []int{2, -1}, Type: types.Text, Filter: -1, Const: []*types.Datum{nil, {S: ", "}}}
	plan := &physical.Plan{Version: 1, Nodes: []physical.Node{scanNode(1),
		{Kind: physical.KindExchange, Inputs: []int{0}, Schema: rowSchema, Exchange: &physical.Exchange{Kind: physical.ExchangeHash, Keys: []int{0}}},
		{Kind: physical.KindAgg, Inputs: []int{1}, Schema: chunk.Schema{types.Int4, types.Text},
			Agg: &physical.Agg{Group: []int{0}, Calls: []physical.AggCall{c}, Phase: physical.AggSingle, WindowStart: -1, WindowEnd: -1}}}}
	runPlan(t, plan, 2, func(l, _ []testRow) result {
		groups := map[int64][]string{}
		for _, r := range l {
			groups[r.k] = append(groups[r.k], r.s)
		}
		res := result{}
		for k, list := range groups {
			sort.Strings(list)
			key := "NULL"
			if k >= 0 {
				key = fmt.Sprint(k)
			}
			res[key+"|"+strings.Join(list, ", ")]++
		}
		return res
	})
}
