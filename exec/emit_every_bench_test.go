package exec

import (
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
	"streamdb/window"
)

// BenchmarkEmitEvery withholds updates of 10,000 groups, a retraction and an insertion
// each, and lets them through every 16 epochs.
func BenchmarkEmitEvery(b *testing.B) {
	const groups = 10_000
	schema := chunk.Schema{types.Int8, types.Int8, types.Int8}
	plan := &physical.Plan{Version: physical.Version, Nodes: []physical.Node{
		{Kind: physical.KindScan, Schema: schema, Scan: &physical.Scan{Relation: 1, Columns: []int{1, 2, 3}}},
		{Kind: physical.KindEmitEvery, Inputs: []int{0}, Schema: schema, EmitEvery: &physical.EmitEvery{Every: window.Every{Micros: 16}}},
	}}
	d, err := New(plan, Options{Context: &expr.Ctx{}})
	if err != nil {
		b.Fatal(err)
	}
	sums := make([]int64, groups)
	now := int64(0)
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		for lo := 0; lo < groups; lo += 1000 {
			c := chunk.New(schema, 2000)
			for g := lo; g < lo+1000; g++ {
				old := sums[g]
				sums[g] += int64(g)
				c.Cols[0].Ints = append(c.Cols[0].Ints, int64(g), int64(g))
				c.Cols[1].Ints = append(c.Cols[1].Ints, old, sums[g])
				c.Cols[2].Ints = append(c.Cols[2].Ints, now, now+1)
				c.Weights = append(c.Weights, -1, 1)
			}
			c.Rows = 2000
			if err := d.Push(0, c); err != nil {
				b.Fatal(err)
			}
			rows += 2000
		}
		now++
		if _, err := d.Flush(FlushInput{Time: now, Prev: now - 1}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
}
