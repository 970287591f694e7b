package exec

import (
	"fmt"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
)

// BenchmarkTemporalFilter runs epochs in which a chunk of rows arrives and as many expire,
// while so many are kept: ts > now() - kept. The cost of a row must not follow their number.
func BenchmarkTemporalFilter(b *testing.B) {
	for _, kept := range []int{1 << 14, 1 << 17, 1 << 20} {
		b.Run(fmt.Sprintf("kept=%d", kept), func(b *testing.B) {
			d, err := New(expiring(int64(kept)), Options{})
			if err != nil {
				b.Fatal(err)
			}
			now := int64(0)
			epoch := func() {
				c := chunk.New(benchSchema, chunk.RowsMax)
				for i := range int64(chunk.RowsMax) {
					c.Cols[0].Ints = append(c.Cols[0].Ints, now+i)
					c.Cols[1].Ints = append(c.Cols[1].Ints, i)
					c.Cols[2].Ints = append(c.Cols[2].Ints, now+i*7%chunk.RowsMax)
					c.Cols[3].AppendString("twelve bytes")
				}
				c.Rows = chunk.RowsMax
				now += chunk.RowsMax
				d.Begin(now)
				if err := d.Push(0, c); err != nil {
					b.Fatal(err)
				}
				if _, err := d.Flush(FlushInput{Time: now}); err != nil {
					b.Fatal(err)
				}
			}
			for range 2*kept/chunk.RowsMax + 2 {
				epoch()
			}
			rows := 0
			b.ReportAllocs()
			for b.Loop() {
				epoch()
				rows += chunk.RowsMax
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
			b.ReportMetric(float64(d.StateBytes())/float64(kept), "B/kept")
		})
	}
}

// expiring is a plan of ts > now() - kept.
func expiring(kept int64) *physical.Plan {
	ago := expr.Const(types.IntervalT, types.Datum{V: types.Interval{Micros: kept}})
	return &physical.Plan{Version: physical.Version, Nodes: []physical.Node{
		benchScan(1),
		{Kind: physical.KindTemporalFilter, Inputs: []int{0}, Schema: benchSchema, TemporalFilter: &physical.TemporalFilter{Conds: []physical.TemporalCond{{
			Steps:   []physical.ClockStep{{Op: physical.ClockAddInstant, Arg: ago, Minus: true}},
			Compare: "<", Bound: expr.Column(2, types.Timestamp)}}}},
	}}
}

// TestTemporalFilterIdle holds that nothing is done, and nothing is due, before the first
// row expires, and that all is gone when the last one has.
func TestTemporalFilterIdle(t *testing.T) {
	d, err := New(expiring(1000), Options{})
	if err != nil {
		t.Fatal(err)
	}
	flush := func(now int64) int {
		r, err := d.Flush(FlushInput{Time: now})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, c := range r.Chunks {
			for i := range c.Rows {
				n += int(c.Weight(i))
			}
		}
		return n
	}
	c := chunk.New(benchSchema, 0)
	for _, ts := range []int64{100, 200, 200, 300, -2000} {
		c.Cols[0].Ints, c.Cols[1].Ints, c.Cols[2].Ints = append(c.Cols[0].Ints, 1), append(c.Cols[1].Ints, 2), append(c.Cols[2].Ints, ts)
		c.Cols[3].AppendString("x")
		c.Rows++
	}
	d.Begin(50)
	if err := d.Push(0, c); err != nil {
		t.Fatal(err)
	}
	for _, s := range []struct {
		now, due  int64
		out, kept int
	}{{50, 1100, 4, 3}, {1099, 1100, 0, 3}, {1100, 1200, -1, 2}, {1250, 1300, -2, 1}, {1300, NoTimer, -1, 0}, {5000, NoTimer, 0, 0}} {
		// Two of the rows are equal: they are one entry.
		if n := d.DueRows(s.now); s.now > 50 && int(n) != min(-s.out, 1) {
			t.Errorf("at %d: %d rows are due", s.now, n)
		}
		if n := flush(s.now); n != s.out {
			t.Errorf("at %d: %d rows", s.now, n)
		}
		if due := d.NextDue(); due != s.due {
			t.Errorf("at %d: next due %d, not %d", s.now, due, s.due)
		}
		if k := d.Stats()[1].StateKeys; int(k) != s.kept {
			t.Errorf("at %d: %d rows kept", s.now, k)
		}
	}
}
