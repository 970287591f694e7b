package exec

import (
	"fmt"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
)

// benchTimes is a chunk of rows whose times rise by a microsecond each, from t on.
func benchTimes(t int64, keys int64) *chunk.Chunk {
	c := chunk.New(benchSchema, chunk.RowsMax)
	for i := range int64(chunk.RowsMax) {
		c.Cols[0].Ints = append(c.Cols[0].Ints, (t+i)*7919%keys)
		c.Cols[1].Ints = append(c.Cols[1].Ints, i)
		c.Cols[2].Ints = append(c.Cols[2].Ints, (t+i)*1000)
		c.Cols[3].AppendString("twelve bytes")
	}
	c.Rows = chunk.RowsMax
	return c
}

// benchTimed feeds a join's two sides with rising times and watermarks; a row is one of
// the left side.
func benchTimed(b *testing.B, n physical.Node, keys int64) {
	b.Helper()
	n.Inputs, n.Schema = []int{0, 1}, chunk.Schema{types.Int8, types.Int8, types.Timestamp, types.Int8}
	d, err := New(&physical.Plan{Version: physical.Version, Nodes: []physical.Node{benchScan(1), benchScan(2), n}},
		Options{Context: &expr.Ctx{}, Consume: func(int, *chunk.Chunk) {}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	t := int64(0)
	for b.Loop() {
		c := benchTimes(t, keys)
		for i := range 2 {
			if err := d.Push(i, c); err != nil {
				b.Fatal(err)
			}
		}
		t += chunk.RowsMax
		wm := []int64{NoWatermark, NoWatermark, (t - 4*chunk.RowsMax) * 1000, NoWatermark}
		if _, err := d.Flush(FlushInput{Watermarks: [][]int64{wm, wm}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/chunk.RowsMax, "ns/row")
	b.ReportMetric(float64(d.StateBytes()), "state-B")
}

func BenchmarkAsofJoin(b *testing.B) {
	for _, op := range []physical.AsofOp{physical.AsofGE, physical.AsofLT} {
		for _, keys := range []int64{1, 100, 100_000} {
			b.Run(fmt.Sprintf("op=%s/keys=%d", op, keys), func(b *testing.B) {
				benchTimed(b, physical.Node{Kind: physical.KindAsofJoin, AsofJoin: &physical.AsofJoin{Type: physical.JoinLeft, LeftKeys: []int{0}, RightKeys: []int{0},
					LeftTime: 2, RightTime: 2, Op: op, Output: []int{0, 1, 2, 5}}}, keys)
			})
		}
	}
}

// TestAsofJoinAllocations holds that an ASOF join allocates by the chunk, also where each row has a key of its own and
// leaves alone.
func TestAsofJoinAllocations(t *testing.T) {
	l, r := benchScan(1), benchScan(2)
	n := physical.Node{Kind: physical.KindAsofJoin, Inputs: []int{0, 1}, Schema: chunk.Schema{types.Int8, types.Int8, types.Timestamp, types.Int8},
		AsofJoin: &physical.AsofJoin{Type: physical.JoinLeft, LeftKeys: []int{0}, RightKeys: []int{0}, LeftTime: 2, RightTime: 2, Op: physical.AsofGE, Output: []int{0, 1, 2, 5}}}
	d, err := New(&physical.Plan{Version: physical.Version, Nodes: []physical.Node{l, r, n}}, Options{Context: &expr.Ctx{}, Consume: func(int, *chunk.Chunk) {}})
	if err != nil {
		t.Fatal(err)
	}
	at := int64(0)
	epoch := func() {
		c := benchTimes(at, 20_000)
		for i := range 2 {
			if err := d.Push(i, c); err != nil {
				t.Fatal(err)
			}
		}
		at += chunk.RowsMax
		wm := []int64{NoWatermark, NoWatermark, (at - 4*chunk.RowsMax) * 1000, NoWatermark}
		if _, err := d.Flush(FlushInput{Watermarks: [][]int64{wm, wm}}); err != nil {
			t.Fatal(err)
		}
	}
	for range 40 {
		epoch()
	}
	if a := testing.AllocsPerRun(20, epoch); a > chunk.RowsMax/10 {
		t.Errorf("%.0f allocations for %d rows", a, chunk.RowsMax)
	}
}

func BenchmarkLookupJoin(b *testing.B) {
	for _, keys := range []int64{100, 100_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			l, r := benchScan(1), benchScan(2)
			r.AppendOnly = false
			n := physical.Node{Kind: physical.KindLookupJoin, Inputs: []int{0, 1}, Schema: chunk.Schema{types.Int8, types.Int8, types.Timestamp, types.Int8},
				LookupJoin: &physical.LookupJoin{Type: physical.JoinInner, LeftKeys: []int{0}, RightKeys: []int{0}, Output: []int{0, 1, 2, 5}}}
			d, err := New(&physical.Plan{Version: physical.Version, Nodes: []physical.Node{l, r, n}}, Options{Context: &expr.Ctx{}, Consume: func(int, *chunk.Chunk) {}})
			if err != nil {
				b.Fatal(err)
			}
			for t := int64(0); t < keys; t += chunk.RowsMax {
				if err := d.Push(1, benchTimes(t, keys)); err != nil {
					b.Fatal(err)
				}
				if keys < chunk.RowsMax {
					break
				}
			}
			b.ReportAllocs()
			c := benchTimes(0, 100_000)
			for b.Loop() {
				if err := d.Push(0, c); err != nil {
					b.Fatal(err)
				}
				if _, err := d.Flush(FlushInput{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/chunk.RowsMax, "ns/row")
		})
	}
}
