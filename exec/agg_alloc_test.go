package exec

import (
	"strings"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
)

// allocationsMax is the number of allocations that an aggregate may cost per 1,000 rows in epochs of two chunks: it
// allocates per chunk and per epoch, never per row or group.
const allocationsMax = 60

// TestAggregateAllocations holds every aggregate to allocationsMax while groups come and go.
func TestAggregateAllocations(t *testing.T) {
	if testing.Short() {
		t.Skip("one worker: nothing for the race detector")
	}
	schema, in := aggRows(2)
	for _, of := range aggCases {
		t.Run(strings.ReplaceAll(of, " ", "/"), func(t *testing.T) { holdAllocations(t, aggPlan(t, of, schema), in) })
	}
}

// TestOverAllocations holds those of aggregates over windows, of partitions that come and go.
func TestOverAllocations(t *testing.T) {
	if testing.Short() {
		t.Skip("one worker: nothing for the race detector")
	}
	schema, in := aggRows(2)
	eachOverCase(func(of, frame string) {
		t.Run(strings.ReplaceAll(of, " ", "/")+"/"+frame, func(t *testing.T) { holdAllocations(t, framePlan(t, of, frame, schema), in) })
	})
}

// holdAllocations counts the allocations of an epoch of rows and one that takes them back.
func holdAllocations(t *testing.T, plan []physical.Node, in []*chunk.Chunk) {
	d, err := New(&physical.Plan{Version: 1, Nodes: plan}, Options{Context: &expr.Ctx{}, Consume: func(int, *chunk.Chunk) {}})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	epoch := func(back bool) {
		for _, c := range in {
			rows += c.Rows
			if back {
				c = retracted(c)
			}
			if err := d.Push(0, c); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Flush(FlushInput{}); err != nil {
			t.Fatal(err)
		}
	}
	both := func() {
		epoch(false)
		epoch(true)
	}
	for range 3 {
		both()
	}
	rows = 0
	both()
	each := rows
	if n := testing.AllocsPerRun(2, both) / float64(each) * 1000; n > allocationsMax {
		t.Errorf("%.0f allocations per 1,000 rows, at most %d are allowed", n, allocationsMax)
	}
}
