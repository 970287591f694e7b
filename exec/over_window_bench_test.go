package exec

import (
	"fmt"
	"strings"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
)

// benchWindow is the over-window of the benchmarks: of the values in column 1, partitions
// by column 0 if parts is set, ordered by time.
func benchWindow(kind string, parts bool) (chunk.Schema, *physical.OverWindow) {
	none := physical.FrameBound{Col: -1}
	bound := func(k physical.BoundKind, n int64) physical.FrameBound {
		b := none
		b.Kind, b.Offset = k, n
		return b
	}
	running := physical.Frame{Mode: physical.FrameRange, Key: -1, Start: bound(physical.UnboundedPreceding, 0), End: bound(physical.CurrentRow, 0)}
	sliding := physical.Frame{Mode: physical.FrameRows, Key: -1, Start: bound(physical.OffsetPreceding, 10), End: bound(physical.CurrentRow, 0)}
	w := &physical.OverWindow{WindowEnd: -1, Order: []physical.OrderKey{{Col: 2}}}
	if parts {
		w.Partition = []int{0}
	}
	switch kind {
	case "row_number":
		w.Calls = []physical.WindowCall{{Fn: "row_number", Type: types.Int8, Filter: -1, Frame: running}}
	case "lag":
		w.Calls = []physical.WindowCall{{Fn: "lag", Type: types.Int8, Args: []int{1}, Filter: -1, Frame: running}}
	case "running_sum":
		w.Calls = []physical.WindowCall{{Fn: "sum_int8", Type: types.Numeric, Args: []int{1}, Filter: -1, Frame: running}}
	case "sliding":
		w.Calls = []physical.WindowCall{{Fn: "sum_int8", Type: types.Numeric, Args: []int{1}, Filter: -1, Frame: sliding},
			{Fn: "max_int8", Type: types.Int8, Args: []int{1}, Filter: -1, Frame: sliding}}
	}
	s := append(chunk.Schema{}, benchSchema...)
	for _, c := range w.Calls {
		s = append(s, c.Type)
	}
	return s, w
}

// BenchmarkOverWindow inserts and takes back 64 k rows in 40 k partitions.
func BenchmarkOverWindow(b *testing.B) {
	for _, kind := range []string{"row_number", "lag", "running_sum", "sliding"} {
		b.Run(kind, func(b *testing.B) {
			s, w := benchWindow(kind, true)
			scan := benchScan(1)
			scan.AppendOnly = false
			benchPlan(b, []physical.Node{scan, {Kind: physical.KindOverWindow, Inputs: []int{0}, Schema: s, OverWindow: w}}, 1, true)
		})
	}
}

// BenchmarkOverWindowLarge changes one row of a partition of 64 k rows and takes it back:
// the time follows what the functions reach, not the partition.
func BenchmarkOverWindowLarge(b *testing.B) {
	for _, kind := range []string{"row_number", "lag", "running_sum", "sliding"} {
		for _, at := range []string{"middle", "end"} {
			b.Run(fmt.Sprintf("%s/at=%s", kind, at), func(b *testing.B) {
				s, w := benchWindow(kind, false)
				nodes := []physical.Node{benchScan(1), {Kind: physical.KindOverWindow, Inputs: []int{0}, Schema: s, OverWindow: w}}
				nodes[0].AppendOnly = false
				d, err := New(&physical.Plan{Version: 1, Nodes: nodes}, Options{Context: &expr.Ctx{}, Consume: func(int, *chunk.Chunk) {}})
				if err != nil {
					b.Fatal(err)
				}
				step := func(c *chunk.Chunk) {
					if err := d.Push(0, c); err != nil {
						b.Fatal(err)
					}
				}
				for _, c := range benchInput(1) {
					step(c)
				}
				flush := func() {
					if _, err := d.Flush(FlushInput{}); err != nil {
						b.Fatal(err)
					}
				}
				flush()
				one := chunk.New(benchSchema, 1)
				time := int64(1 << 19)
				if at == "end" {
					time = 20_000_000
				}
				for i, v := range []int64{7, 7, time} {
					one.Cols[i].Ints = append(one.Cols[i].Ints, v)
				}
				one.Cols[3].AppendString("one")
				one.Rows = 1
				back := retracted(one)
				b.ReportAllocs()
				for b.Loop() {
					step(one)
					flush()
					step(back)
					flush()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(2*b.N), "ns/change")
			})
		}
	}
}

// overCases is the aggregates over windows of which the state is moved, by name and arguments.
var overCases = []string{"sum double", "sum real", "avg double", "sum numeric", "sum scales", "sum wide", "stddev_pop double", "stddev_pop bigint",
	"stddev_pop numeric", "corr double double", "bit_and bigint", "max text", "max wide", "array_agg bigint", "string_agg text text"}

// BenchmarkOverGroups is aggregates over sliding and over growing frames while 47,000 partitions come and go.
func BenchmarkOverGroups(b *testing.B) {
	schema, in := aggRows(benchChunks)
	eachOverCase(func(of, frame string) {
		b.Run(strings.ReplaceAll(of, " ", "/")+"/"+frame, func(b *testing.B) {
			benchRows(b, framePlan(b, of, frame, schema), [][]*chunk.Chunk{in}, true)
		})
	})
}

func eachOverCase(fn func(of, frame string)) {
	for _, of := range overCases {
		fn(of, "sliding")
		fn(of, "running")
	}
}

// framePlan is an aggregate over the frames of the groups of aggRows.
func framePlan(tb testing.TB, of, frame string, schema chunk.Schema) []physical.Node {
	agg := aggPlan(tb, of, schema)
	_, w := benchWindow(map[string]string{"sliding": "sliding", "running": "running_sum"}[frame], true)
	c := agg[1].Agg.Calls[0]
	w.Order[0].Col = 3
	w.Calls = []physical.WindowCall{{Fn: c.Fn, Type: c.Type, Args: c.Args, Filter: -1, Frame: w.Calls[0].Frame}}
	return []physical.Node{agg[0], {Kind: physical.KindOverWindow, Inputs: []int{0},
		Schema: append(append(chunk.Schema{}, schema...), c.Type), OverWindow: w}}
}
