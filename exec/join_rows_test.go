package exec

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
)

// intJoin is a plan of a join of two relations of so many int8 columns by the first one.
func intJoin(typ physical.JoinType, columns int, appendOnly, unique bool) *physical.Plan {
	var s chunk.Schema
	var ids, out []int
	for i := range columns {
		s, ids = append(s, types.Int8), append(ids, i+1)
	}
	for i := range 2 * columns {
		out = append(out, i)
	}
	scan := func(id physical.RelationID) physical.Node {
		return physical.Node{Kind: physical.KindScan, Schema: s, AppendOnly: appendOnly, Scan: &physical.Scan{Relation: id, Columns: ids}}
	}
	return &physical.Plan{Version: physical.Version, Nodes: []physical.Node{scan(1), scan(2), {Kind: physical.KindJoin, Inputs: []int{0, 1}, Schema: append(s[:columns:columns], s...),
		Join: &physical.Join{Type: typ, LeftKeys: []int{0}, RightKeys: []int{0}, Output: out, LeftWindow: -1, RightWindow: -1, LeftUnique: unique, RightUnique: unique}}}}
}

// TestJoinHeavyWeights changes rows by thousands at once, so that weights leave the 16 bits
// that a row has for them and come back: a pair's weight is the product. It goes through
// the store after each epoch.
func TestJoinHeavyWeights(t *testing.T) {
	for _, typ := range []physical.JoinType{physical.JoinInner, physical.JoinLeft, physical.JoinFull} {
		for _, columns := range []int{2, 18} {
			t.Run(fmt.Sprintf("%s/columns=%d", typ, columns), func(t *testing.T) {
				d, err := New(intJoin(typ, columns, false, false), Options{Context: &expr.Ctx{}})
				if err != nil {
					t.Fatal(err)
				}
				rng := rand.New(rand.NewSource(1))
				got, store := result{}, stateStore{}
				var rows [2]map[int64]int64 // weight by value; all of one key
				for i := range rows {
					rows[i] = make(map[int64]int64)
				}
				for epoch := range 200 {
					for i := range rows {
						c := chunk.New(d.plan.Nodes[i].Schema, 0)
						v := rng.Int63n(3)
						w := rng.Int63n(70_000)
						if rng.Intn(2) == 0 {
							w = -rng.Int63n(rows[i][v] + 1)
						}
						if rng.Intn(4) == 0 {
							w = -rows[i][v] // all of it
						}
						rows[i][v] += w
						for _, part := range []int64{w / 3, w - w/3} {
							c.Cols[0].Ints = append(c.Cols[0].Ints, 7)
							for k := 1; k < columns; k++ {
								c.Cols[k].Ints = append(c.Cols[k].Ints, v)
							}
							c.Weights = append(c.Weights, part)
							c.Rows++
						}
						if err := d.Push(i, c); err != nil {
							t.Fatal(err)
						}
					}
					r, err := d.Flush(FlushInput{Time: int64(epoch)})
					if err != nil {
						t.Fatal(err)
					}
					got.add(t, r.Chunks)
					if want := joined(typ, columns, rows); got.String() != want.String() {
						t.Fatalf("epoch %d\n got %v\nwant %v", epoch, got, want)
					}
					d = store.resumed(t, d)
				}
			})
		}
	}
}

// joined is a join of the rows of one key.
func joined(typ physical.JoinType, columns int, rows [2]map[int64]int64) result {
	row := func(v int64) string { return "7" + strings.Repeat(fmt.Sprintf("|%d", v), columns-1) }
	none := strings.TrimSuffix(strings.Repeat("NULL|", columns), "|")
	r := result{}
	put := func(s string, w int64) {
		if w != 0 {
			r[s] += w
		}
	}
	var sum [2]int64
	for i, side := range rows {
		for _, w := range side {
			sum[i] += w
		}
	}
	for a, w := range rows[0] {
		for b, v := range rows[1] {
			put(row(a)+"|"+row(b), w*v)
		}
		if sum[1] == 0 && typ != physical.JoinInner {
			put(row(a)+"|"+none, w)
		}
	}
	for b, v := range rows[1] {
		if sum[0] == 0 && typ == physical.JoinFull {
			put(none+"|"+row(b), v)
		}
	}
	return r
}

// joinBytes is what a row of 16 bytes costs a join beyond these, where one side has n rows of as many keys, in the mean of
// the sizes between two growths of its tables.
func joinBytes(tb testing.TB, plan *physical.Plan, n int) float64 {
	tb.Helper()
	var sum float64
	sizes := []int{n, n * 5 / 4, n * 3 / 2, n * 7 / 4}
	for _, n := range sizes {
		d, err := New(plan, Options{Context: &expr.Ctx{}, Consume: func(int, *chunk.Chunk) {}})
		if err != nil {
			tb.Fatal(err)
		}
		for at := 0; at < n; {
			c := chunk.New(plan.Nodes[1].Schema, chunk.RowsMax)
			for ; c.Rows < chunk.RowsMax && at < n; at++ {
				c.Cols[0].Ints, c.Cols[1].Ints = append(c.Cols[0].Ints, int64(at)), append(c.Cols[1].Ints, 1)
				c.Rows++
			}
			if err := d.Push(1, c); err != nil {
				tb.Fatal(err)
			}
		}
		if _, err := d.Flush(FlushInput{}); err != nil {
			tb.Fatal(err)
		}
		sum += float64(d.StateBytes())/float64(n) - 16
	}
	return sum / float64(len(sizes))
}

// TestJoinBytes holds what a join may cost beside its rows: 40 bytes a row.
func TestJoinBytes(t *testing.T) {
	for name, c := range map[string]struct {
		plan *physical.Plan
		most float64
	}{
		"keyed":       {intJoin(physical.JoinInner, 2, false, true), 40},
		"append-only": {intJoin(physical.JoinInner, 2, true, false), 40},
	} {
		if b := joinBytes(t, c.plan, 100_000); b > c.most {
			t.Errorf("%s: %.1f bytes beside a row, %.0f at most", name, b, c.most)
		}
	}
}

// BenchmarkJoinBytes reports what a join costs beside its rows, a row of each key.
func BenchmarkJoinBytes(b *testing.B) {
	for _, c := range []struct {
		name string
		plan *physical.Plan
	}{
		{"keyed", intJoin(physical.JoinInner, 2, false, true)},
		{"append-only", intJoin(physical.JoinInner, 2, true, false)},
		{"retract", intJoin(physical.JoinInner, 2, false, false)},
		{"outer", intJoin(physical.JoinFull, 2, false, true)},
	} {
		b.Run(c.name, func(b *testing.B) {
			var bytes float64
			for b.Loop() {
				bytes = joinBytes(b, c.plan, 100_000)
			}
			b.ReportMetric(bytes, "B/row")
		})
	}
}
