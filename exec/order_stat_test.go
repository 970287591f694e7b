package exec

import (
	"math/rand/v2"
	"slices"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// TestOrderedSetRanks compares the ranks of groups of many sizes with those of sorted slices, while values come and go in
// epochs of a few changes and of many.
func TestOrderedSetRanks(t *testing.T) {
	f, _, _, err := functions.Resolve("mode", []types.Type{types.Int8})
	if err != nil {
		t.Fatal(err)
	}
	a, err := newOrderedSetAcc(f, physical.AggCall{Fn: f.ID, Type: types.Int8, Args: []int{0}, Filter: -1}, chunk.Schema{types.Int8})
	if err != nil {
		t.Fatal(err)
	}
	const groups = 3
	table := chunk.NewKeyTable(chunk.Schema{types.Int8}, a.words())
	var slots [groups]int32
	keys := []*chunk.Column{{Type: types.Int8, Ints: []int64{0, 1, 2}}}
	hash := make([]uint64, groups)
	chunk.HashRows(keys, groups, hash)
	table.Upsert(keys, hash, slots[:])
	rng := rand.New(rand.NewPCG(3, 4))
	var have [groups][]int64
	all := []int32{slots[0], slots[1], slots[2]}
	for epoch := range 300 {
		b := aggBatch{table: table, at: table.PayloadOffset()}
		c := chunk.NewColumn(types.Int8, 0)
		for range []int{3, 40, 2500}[rng.IntN(3)] {
			g := rng.IntN(groups)
			v, w := rng.Int64N([]int64{5, 700, 20000}[g]), int64(1)
			if l := have[g]; len(l) > 0 && rng.IntN(5) < 2+epoch/150 {
				i := rng.IntN(len(l))
				v, w = l[i], -1
				have[g] = slices.Delete(l, i, i+1)
			} else {
				have[g] = append(l, v)
			}
			b.slots, b.weights = append(b.slots, slots[g]), append(b.weights, w)
			c.Ints = append(c.Ints, v)
		}
		b.args = []*chunk.Column{c}
		a.update(&b)
		a.settle(table, table.PayloadOffset(), all)
		if a.v.waiting != 0 || len(a.v.fresh)+len(a.v.moved) != 0 {
			t.Fatal("changes wait for ever")
		}
		for g, s := range slots {
			o := unpackStat(a.v.rows.row(s))
			if o.total != int64(len(have[g])) {
				t.Fatalf("epoch %d, group %d: %d values, want %d", epoch, g, o.total, len(have[g]))
			}
			sorted := slices.Sorted(slices.Values(have[g]))
			for range min(20, len(sorted)) {
				k := rng.IntN(len(sorted))
				a.pos[0] = a.v.rank(&o, int64(k))
				if got := a.decoded(a.pos[:])[0].Ints[0]; got != sorted[k] {
					t.Fatalf("epoch %d, group %d: rank %d is %d, want %d", epoch, g, k, got, sorted[k])
				}
			}
		}
	}
	a.drop(all)
	if a.v.table.Len() != 0 {
		t.Fatalf("%d values of no group", a.v.table.Len())
	}
}
