package exec

import (
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
	"streamdb/window"
)

// TestTumbleAnyOrder holds that each row gets the window of its time in whatever order they
// come, at the ends of what a timestamp can be as well.
func TestTumbleAnyOrder(t *testing.T) {
	const first, last = -211813488000000000, 9223371331199999999
	spec := &physical.HopWindow{Slide: 10, Size: 10, Offset: 3}
	h, err := hopWindowOf(spec, []types.Type{types.Timestamp, types.Timestamp, types.Timestamp})
	if err != nil {
		t.Fatal(err)
	}
	hop := window.Hop{Slide: spec.Slide, Size: spec.Size, Offset: spec.Offset}
	sink := &sink{}
	out := &Output{next: []target{{op: sink, out: &Output{}}}}
	for _, times := range [][]int64{{0, 1, 9, 10, 2, -1, -11, 25}, {last, first, last, 0, first}, {first, last}, {5}} {
		h.Push(0, &chunk.Chunk{Rows: len(times), Cols: []*chunk.Column{{Type: types.Timestamp, Ints: times}}}, out)
		got := sink.chunks[len(sink.chunks)-1]
		for i, at := range times {
			start := hop.LastStart(at)
			if s, e, w := got.Cols[1].Ints[i], got.Cols[2].Ints[i], got.Cols[3].Ints[i]; s != start || e != start+10 || w != e-1 {
				t.Errorf("%d of %v is in [%d, %d), time %d; want [%d, %d)", at, times, s, e, w, start, start+10)
			}
		}
	}
}
