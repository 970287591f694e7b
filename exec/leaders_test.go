package exec

import (
	"math/rand"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// collect keeps the ids that are emitted.
type collect struct{ ids map[int64]bool }

func (s *collect) Push(_ int, c *chunk.Chunk, _ *Output) {
	for _, id := range c.Cols[0].Ints {
		s.ids[id] = true
	}
}
func (s *collect) Flush(*FlushContext, *Output) {}

// TestLeaders checks that every row passes that has the extreme of its window or stands
// at its start, and, where all windows are remembered, that most others do not.
func TestLeaders(t *testing.T) {
	schema := chunk.Schema{types.Int8, types.Timestamp, types.Int8}
	for _, windows := range []int64{3, 1000} {
		for _, maximum := range []bool{true, false} {
			rng := rand.New(rand.NewSource(windows))
			l := newLeaders(&physical.Node{Schema: schema, Leaders: &physical.Leaders{Value: 2, Max: maximum, Edge: true,
				Window: physical.HopWindow{Time: 1, Slide: 10, Size: 10, Offset: 4}}})
			got := &collect{ids: map[int64]bool{}}
			out := &Output{next: []target{{op: got}}}
			best, rows := map[int64]int64{}, [][3]int64{}
			for len(rows) < 20000 {
				c := chunk.New(schema, 0)
				for range rng.Intn(200) {
					id, at, v := int64(len(rows)), rng.Int63n(windows*10)-windows*5, rng.Int63n(2001)-1000
					rows = append(rows, [3]int64{id, at, v})
					c.Cols[0].AppendDatum(types.Datum{I: id})
					c.Cols[1].AppendDatum(types.Datum{I: at})
					if v == 0 {
						c.Cols[2].AppendNull()
					} else {
						c.Cols[2].AppendDatum(types.Datum{I: v})
						start := hopOf(&l.spec.Window).LastStart(at)
						if b, ok := best[start]; !ok || maximum && v > b || !maximum && v < b {
							best[start] = v
						}
					}
					c.Rows++
				}
				l.Push(0, c, out)
			}
			passed := 0
			for _, r := range rows {
				start := hopOf(&l.spec.Window).LastStart(r[1])
				if r[2] != 0 && (r[2] == best[start] || r[1] == start) && !got.ids[r[0]] {
					t.Fatalf("row %v is missing, the best of its window is %d", r, best[start])
				}
				if got.ids[r[0]] && r[1] != start {
					passed++
				}
			}
			if windows == 3 && passed > 200 {
				t.Errorf("%d of %d rows passed", passed, len(rows))
			}
		}
	}
}
