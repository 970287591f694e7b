package exec

import (
	"runtime"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/types"
	"streamdb/window"
)

// comeAndGo is an operator whose keys, partitions or rows come in one epoch and go in the next: they are retracted, or
// time passes over them.
type comeAndGo struct {
	name   string
	node   physical.Node
	schema chunk.Schema // of the output, nil for the input's
	scans  int          // 0 is 1
	// passes says that the input is append-only: its rows go because time passes.
	passes bool
	// apart says that the times of an epoch's rows differ, else they are one window's.
	apart bool
}

// epochMicros is more than the times of an epoch's rows span.
const epochMicros = 20_000_000

func comeAndGoCases() []comeAndGo {
	byValue := []physical.OrderKey{{Col: 1, Desc: true}}
	byText := []physical.OrderKey{{Col: 3}, {Col: 1}}
	top := func(n physical.TopN) physical.Node { return physical.Node{Kind: physical.KindTopN, TopN: &n} }
	set := func(op physical.SetOpKind, all bool) physical.Node {
		return physical.Node{Kind: physical.KindSetOp, SetOp: &physical.SetOp{Op: op, All: all}}
	}
	ranked := append(append(chunk.Schema{}, benchSchema...), types.Int8)
	sessions := append(append(chunk.Schema{}, benchSchema...), types.Timestamp, types.Timestamp)
	session := physical.Node{Kind: physical.KindSession, SessionWindow: &physical.SessionWindow{Time: 2, Gap: 1000, Partition: []int{0}}}
	sum, _, typ, err := functions.Resolve("sum", []types.Type{types.Int8})
	if err != nil {
		panic(err)
	}
	ago := expr.Const(types.IntervalT, types.Datum{V: types.Interval{Micros: 1000}})
	return []comeAndGo{
		{name: "top 1", node: top(physical.TopN{Partition: []int{0}, Order: byValue, Limit: 1})},
		{name: "top 3", node: top(physical.TopN{Partition: []int{0}, Order: byValue, Limit: 3})},
		{name: "top 3 with ties", node: top(physical.TopN{Partition: []int{0}, Order: byText, Limit: 3, WithTies: true})},
		{name: "top 3 with rank", schema: ranked, node: top(physical.TopN{Partition: []int{0}, Order: byText, Limit: 3, Rank: true})},
		{name: "top 100 of all", node: top(physical.TopN{Order: byValue, Limit: 100})},
		{name: "top 3 of windows", passes: true, node: top(physical.TopN{Partition: []int{0, 2}, Order: byText, Limit: 3, WindowEnd: 2})},
		{name: "top 1 of windows", passes: true, node: top(physical.TopN{Partition: []int{0, 2}, Order: byValue, Limit: 1, WindowEnd: 2})},
		{name: "intersect", scans: 2, node: set(physical.SetIntersect, false)},
		{name: "except", scans: 2, node: set(physical.SetExcept, false)},
		{name: "except all", scans: 2, node: set(physical.SetExcept, true)},
		{name: "sessions", schema: sessions, node: session, apart: true},
		{name: "closed sessions", schema: sessions, node: session, apart: true, passes: true},
		{name: "aggregated sessions", apart: true, passes: true, schema: chunk.Schema{types.Int8, types.Timestamp, types.Timestamp, typ},
			node: physical.Node{Kind: physical.KindAgg, Agg: &physical.Agg{Group: []int{0, -1, -1}, WindowStart: 1, WindowEnd: 2, Phase: physical.AggSingle,
				Session: &physical.SessionWindow{Time: 2, Gap: 1000}, Calls: []physical.AggCall{{Fn: sum.ID, Args: []int{1}, Type: typ, Filter: -1}}}}},
		{name: "emit every", node: physical.Node{Kind: physical.KindEmitEvery, EmitEvery: &physical.EmitEvery{Every: window.Every{Micros: 3 * epochMicros}}}},
		{name: "emit on window close", passes: true, node: physical.Node{Kind: physical.KindEmit, Emit: &physical.Emit{WindowEnd: 2}}},
		{name: "emit on window close, ends apart", apart: true, passes: true, node: physical.Node{Kind: physical.KindEmit, Emit: &physical.Emit{WindowEnd: 2}}},
		{name: "temporal filter", apart: true, passes: true, node: physical.Node{Kind: physical.KindTemporalFilter, TemporalFilter: &physical.TemporalFilter{
			Conds: []physical.TemporalCond{{Steps: []physical.ClockStep{{Op: physical.ClockAddInstant, Arg: ago, Minus: true}}, Compare: "<",
				Bound: expr.Column(2, types.Timestamp)}}}}},
		{name: "proctime", schema: ranked, node: physical.Node{Kind: physical.KindProctime}},
	}
}

// run returns what pushes an epoch of chunks chunks and one that lets it go. It returns the number of rows pushed.
func (x *comeAndGo) run(tb testing.TB, chunks int) func() int {
	tb.Helper()
	var nodes []physical.Node
	var in [][]*chunk.Chunk
	n := x.node
	for s := range max(x.scans, 1) {
		scan := benchScan(physical.RelationID(s + 1))
		scan.AppendOnly, scan.Watermarks = x.passes, []int{2}
		nodes, n.Inputs, in = append(nodes, scan), append(n.Inputs, s), append(in, benchInput(int64(s))[:chunks])
	}
	if n.Schema = benchSchema; x.schema != nil {
		n.Schema = x.schema
	}
	for _, cs := range in {
		for _, c := range cs {
			for i := range c.Cols[2].Ints {
				if !x.apart {
					c.Cols[2].Ints[i] = 0
				}
				if x.scans == 2 { // so that sides meet, and have rows of their own
					c.Cols[0].Ints[i], c.Cols[1].Ints[i] = c.Cols[0].Ints[i]%benchKeys, 0
				}
			}
		}
	}
	d, err := New(&physical.Plan{Version: physical.Version, Nodes: append(nodes, n)}, Options{Context: &expr.Ctx{}, Consume: func(int, *chunk.Chunk) {}})
	if err != nil {
		tb.Fatal(err)
	}
	now := int64(0)
	flush := func() {
		f := FlushInput{Time: now, Prev: now - epochMicros}
		if x.passes {
			for range in {
				f.Watermarks = append(f.Watermarks, []int64{NoWatermark, NoWatermark, now - epochMicros/4, NoWatermark})
			}
		}
		if _, err := d.Flush(f); err != nil {
			tb.Fatal(err)
		}
		now += epochMicros
	}
	push := func(gone bool) int {
		rows := 0
		d.Begin(now)
		for s := range in {
			for _, c := range in[s] {
				if rows += c.Rows; gone {
					c = retracted(c)
				}
				if err := d.Push(s, c); err != nil {
					tb.Fatal(err)
				}
			}
		}
		return rows
	}
	return func() int {
		rows := push(false)
		flush()
		if !x.passes {
			rows += push(true)
		}
		flush()
		for s := range in {
			for _, c := range in[s] {
				for i := range c.Cols[2].Ints {
					c.Cols[2].Ints[i] += 2 * epochMicros
				}
			}
		}
		return rows
	}
}

// BenchmarkComeAndGo is operators while what they keep comes and goes: an epoch of 65,536 rows, and one that takes them
// back or lets them expire.
func BenchmarkComeAndGo(b *testing.B) {
	for _, x := range comeAndGoCases() {
		b.Run(x.name, func(b *testing.B) {
			both := x.run(b, benchChunks)
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
		})
	}
}

// comeAndGoBound is the allocations per 1,000 rows that an operator may do: some per chunk and epoch, none per row or key.
const comeAndGoBound = 40

// TestComeAndGoAllocations holds the counts that BenchmarkComeAndGo shows.
func TestComeAndGoAllocations(t *testing.T) {
	for _, x := range comeAndGoCases() {
		t.Run(x.name, func(t *testing.T) {
			both, rows := x.run(t, 2), 0
			both()
			n := testing.AllocsPerRun(2, func() { rows = both() })
			if got := n / float64(rows) * 1000; got > comeAndGoBound {
				t.Errorf("%.0f allocations per 1,000 rows", got)
			} else if testing.Verbose() {
				t.Logf("%.1f allocations per 1,000 rows", got)
			}
		})
	}
}
