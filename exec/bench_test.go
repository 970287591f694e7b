package exec

import (
	"fmt"
	"runtime"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// The benchmarks here report, besides the time, how many allocations 1,000 input rows
// cost in the steady state: an operator allocates per chunk and never per row.

const (
	benchChunks = 16 // chunks of an epoch
	benchKeys   = 50_000
)

var benchSchema = chunk.Schema{types.Int8, types.Int8, types.Timestamp, types.Text}

// benchInput makes one epoch of rows with keys from a small set.
func benchInput(seed int64) []*chunk.Chunk {
	var cs []*chunk.Chunk
	x := uint64(seed)*0x9e3779b97f4a7c15 + 1
	for range benchChunks {
		c := chunk.New(benchSchema, chunk.RowsMax)
		for range chunk.RowsMax {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			c.Cols[0].Ints = append(c.Cols[0].Ints, int64(x>>33)%benchKeys)
			c.Cols[1].Ints = append(c.Cols[1].Ints, int64(x>>40)%1000)
			c.Cols[2].Ints = append(c.Cols[2].Ints, int64(x>>44)%10_000_000)
			c.Cols[3].AppendString("twelve bytes")
		}
		c.Rows = chunk.RowsMax
		cs = append(cs, c)
	}
	return cs
}

func benchScan(id physical.RelationID) physical.Node {
	return physical.Node{Kind: physical.KindScan, Schema: benchSchema, AppendOnly: true, Scan: &physical.Scan{Relation: id, Columns: []int{1, 2, 3, 4}}}
}

func benchCall(b *testing.B, name string, args ...*expr.Expr) *expr.Expr {
	b.Helper()
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type
	}
	f, _, typ, err := functions.Resolve(name, ts)
	if err != nil {
		b.Fatal(err)
	}
	return &expr.Expr{Op: expr.OpCall, Type: typ, Fn: f.ID, Args: args}
}

func benchConst(v int64) *expr.Expr {
	return &expr.Expr{Op: expr.OpConst, Type: types.Int8, Val: &types.Datum{I: v}}
}

// benchPlan runs epochs of the same input, after some that bring keys and scratch space
// to their size. undo follows each epoch with one that takes its rows back, so that
// state does not grow.
func benchPlan(b *testing.B, nodes []physical.Node, scans int, undo bool) {
	b.Helper()
	in := make([][]*chunk.Chunk, scans)
	for s := range in {
		in[s] = benchInput(int64(s))
	}
	benchRows(b, nodes, in, undo)
}

// benchRows is benchPlan with an epoch of rows for each scan.
func benchRows(b *testing.B, nodes []physical.Node, in [][]*chunk.Chunk, undo bool) {
	b.Helper()
	d, err := New(&physical.Plan{Version: 1, Nodes: nodes}, Options{Context: &expr.Ctx{}, Consume: func(int, *chunk.Chunk) {}})
	if err != nil {
		b.Fatal(err)
	}
	epoch := func(weight int64) int {
		rows := 0
		for s := range in {
			for _, c := range in[s] {
				if weight != 1 {
					c = retracted(c)
				}
				if err := d.Push(s, c); err != nil {
					b.Fatal(err)
				}
				rows += c.Rows
			}
		}
		if _, err := d.Flush(FlushInput{}); err != nil {
			b.Fatal(err)
		}
		return rows
	}
	both := func() int {
		n := epoch(1)
		if undo {
			n += epoch(-1)
		}
		return n
	}
	for range 3 {
		both()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rows := 0
	b.ReportAllocs()
	for b.Loop() {
		rows += both()
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(rows)*1000, "allocs/1000rows")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
}

// retracted is c with weights of -1.
func retracted(c *chunk.Chunk) *chunk.Chunk {
	r := *c
	r.Weights = minusOnes[:c.Rows]
	return &r
}

var minusOnes = func() []int64 {
	w := make([]int64, chunk.RowsMax)
	for i := range w {
		w[i] = -1
	}
	return w
}()

func BenchmarkFilter(b *testing.B) {
	pred := benchCall(b, "=", benchCall(b, "mod", expr.Column(0, types.Int8), benchConst(3)), benchConst(0))
	benchPlan(b, []physical.Node{benchScan(1),
		{Kind: physical.KindFilter, Inputs: []int{0}, Schema: benchSchema, AppendOnly: true, Filter: &physical.Filter{Pred: pred}}}, 1, false)
}

func BenchmarkProject(b *testing.B) {
	e := benchCall(b, "+", expr.Column(1, types.Int8), benchConst(1))
	benchPlan(b, []physical.Node{benchScan(1),
		{Kind: physical.KindProject, Inputs: []int{0}, Schema: chunk.Schema{types.Int8, types.Int8, types.Text}, AppendOnly: true,
			Project: &physical.Project{Exprs: []*expr.Expr{expr.Column(0, types.Int8), e, expr.Column(3, types.Text)}}}}, 1, false)
}

// benchAgg is count(*), sum and avg by the first column, with the given further ones.
func benchAgg(b *testing.B, keys ...int) (chunk.Schema, *physical.Agg) {
	b.Helper()
	a := &physical.Agg{Group: keys, Phase: physical.AggSingle, WindowStart: -1, WindowEnd: -1}
	var s chunk.Schema
	for _, k := range keys {
		s = append(s, append(benchSchema, types.Timestamp, types.Timestamp)[k])
	}
	a.Calls = []physical.AggCall{{Fn: "count_star", Type: types.Int8, Filter: -1}}
	for _, name := range []string{"sum", "avg"} {
		f, _, _, err := functions.Resolve(name, []types.Type{types.Int8})
		if err != nil {
			b.Fatal(err)
		}
		a.Calls = append(a.Calls, physical.AggCall{Fn: f.ID, Args: []int{1}, Type: types.Numeric, Filter: -1})
	}
	return append(s, types.Int8, types.Numeric, types.Numeric), a
}

func BenchmarkAgg(b *testing.B) {
	for _, keys := range [][]int{{0}, {0, 3}} {
		b.Run(fmt.Sprintf("keys=%d", len(keys)), func(b *testing.B) {
			s, a := benchAgg(b, keys...)
			benchPlan(b, []physical.Node{benchScan(1), {Kind: physical.KindAgg, Inputs: []int{0}, Schema: s, Agg: a}}, 1, false)
		})
	}
}

// BenchmarkAggExact is aggregates of exact numbers that keep sums of squares, or sums for several scales.
func BenchmarkAggExact(b *testing.B) {
	for _, x := range []struct {
		fn     string
		arg    types.Type
		scales int64
	}{{"sum", types.Numeric, 1}, {"sum", types.Numeric, 3}, {"stddev", types.Int8, 1}, {"stddev", types.Numeric, 1}, {"stddev", types.Numeric, 3}} {
		b.Run(fmt.Sprintf("%s/%s/scales=%d", x.fn, x.arg, x.scales), func(b *testing.B) {
			f, _, _, err := functions.Resolve(x.fn, []types.Type{x.arg})
			if err != nil {
				b.Fatal(err)
			}
			in := benchInput(0)
			schema := chunk.Schema{types.Int8, x.arg}
			for k, c := range in {
				v := c.Cols[1]
				if x.arg == types.Numeric {
					v = chunk.NewColumn(types.Numeric, c.Rows)
					for _, n := range c.Cols[1].Ints {
						v.AppendDec(types.Dec{N: types.Num{Coef: n << 32, Scale: int32(n % x.scales)}})
					}
				}
				in[k] = &chunk.Chunk{Cols: []*chunk.Column{c.Cols[0], v}, Rows: c.Rows}
			}
			scan := physical.Node{Kind: physical.KindScan, Schema: schema, Scan: &physical.Scan{Relation: 1, Columns: []int{1, 2}}}
			a := &physical.Agg{Group: []int{0}, Phase: physical.AggSingle, WindowStart: -1, WindowEnd: -1,
				Calls: []physical.AggCall{{Fn: f.ID, Args: []int{1}, Type: types.Numeric, Filter: -1}}}
			benchRows(b, []physical.Node{scan, {Kind: physical.KindAgg, Inputs: []int{0}, Schema: schema, Agg: a}}, [][]*chunk.Chunk{in}, false)
		})
	}
}

func BenchmarkHopWindow(b *testing.B) {
	for _, windows := range []int64{1, 5} {
		b.Run(fmt.Sprintf("windows=%d", windows), func(b *testing.B) {
			s := append(append(chunk.Schema{}, benchSchema...), types.Timestamp, types.Timestamp)
			benchPlan(b, []physical.Node{benchScan(1),
				{Kind: physical.KindHopWindow, Inputs: []int{0}, Schema: s, AppendOnly: true,
					HopWindow: &physical.HopWindow{Time: 2, Slide: 2_000_000, Size: 2_000_000 * windows}}}, 1, false)
		})
	}
}

// BenchmarkHopAgg aggregates by pane: windows cost per group, not per row.
func BenchmarkHopAgg(b *testing.B) {
	s, a := benchAgg(b, 1, 4)
	a.WindowStart = 1
	a.Hop = &physical.HopWindow{Time: 2, Slide: 2_000_000, Size: 10_000_000}
	benchPlan(b, []physical.Node{benchScan(1), {Kind: physical.KindAgg, Inputs: []int{0}, Schema: s, Agg: a}}, 1, false)
}

func BenchmarkJoin(b *testing.B) {
	for _, typ := range []physical.JoinType{physical.JoinInner, physical.JoinLeft, physical.JoinSemi} {
		b.Run(string(typ), func(b *testing.B) {
			l, r := benchScan(1), benchScan(2)
			l.AppendOnly, r.AppendOnly = false, false
			j := &physical.Join{Type: typ, LeftKeys: []int{0}, RightKeys: []int{0}, Output: []int{0, 1, 3, 5}, LeftWindow: -1, RightWindow: -1}
			s := chunk.Schema{types.Int8, types.Int8, types.Text, types.Int8}
			if typ == physical.JoinSemi {
				j.Output, s = j.Output[:3], s[:3]
			}
			benchPlan(b, []physical.Node{l, r, {Kind: physical.KindJoin, Inputs: []int{0, 1}, Schema: s, Join: j}}, 2, true)
		})
	}
}
