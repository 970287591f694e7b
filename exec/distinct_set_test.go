package exec

import (
	"maps"
	"math/rand/v2"
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// TestDistinctDrop drops groups with their values while values come and go, and counts what is left.
func TestDistinctDrop(t *testing.T) {
	d := newDistinctSet(chunk.Schema{types.Int8})
	d.chained = true
	const groups = 50
	table := chunk.NewKeyTable(chunk.Schema{types.Int8}, 1)
	key := chunk.NewColumn(types.Int8, groups)
	for g := range int64(groups) {
		key.Ints = append(key.Ints, g)
	}
	slots, hash := make([]int32, groups), make([]uint64, groups)
	chunk.HashRows([]*chunk.Column{key}, groups, hash)
	table.Upsert([]*chunk.Column{key}, hash, slots)
	rng := rand.New(rand.NewPCG(1, 2))
	type value struct {
		g int32
		v int64
	}
	want := map[value]int64{}
	for range 2000 {
		b := aggBatch{table: table, at: table.PayloadOffset()}
		c := chunk.NewColumn(types.Int8, 0)
		for range rng.IntN(60) {
			x, w := value{slots[rng.IntN(groups)], rng.Int64N(20)}, int64(1)
			if want[x] > 0 && rng.IntN(3) > 0 {
				w = -1
			}
			if want[x] += w; want[x] == 0 {
				delete(want, x)
			}
			b.slots, b.weights, c.Ints = append(b.slots, x.g), append(b.weights, w), append(c.Ints, x.v)
		}
		if b.args = []*chunk.Column{c}; len(b.slots) > 0 {
			d.reduce(&b)
		}
		if rng.IntN(4) == 0 {
			gone := []int32{slots[rng.IntN(groups)]}
			d.drop(gone)
			maps.DeleteFunc(want, func(x value, _ int64) bool { return x.g == gone[0] })
		}
		if d.table.Len() != len(want) {
			t.Fatalf("%d values, want %d", d.table.Len(), len(want))
		}
	}
	d.drop(slots)
	if d.table.Len() != 0 {
		t.Fatalf("%d values of no group", d.table.Len())
	}
}

// BenchmarkDistinctDrop drops one group of many: the time follows the group's values.
func BenchmarkDistinctDrop(b *testing.B) {
	d := newDistinctSet(chunk.Schema{types.Int8})
	d.chained = true
	table := chunk.NewKeyTable(chunk.Schema{types.Int8}, 1)
	const groups = 50_000
	for lo := int64(0); lo < groups; lo += 1000 {
		key := chunk.NewColumn(types.Int8, 1000)
		for g := range int64(1000) {
			key.Ints = append(key.Ints, lo+g)
		}
		slots, hash := make([]int32, 1000), make([]uint64, 1000)
		chunk.HashRows([]*chunk.Column{key}, 1000, hash)
		table.Upsert([]*chunk.Column{key}, hash, slots)
		d.reduce(&aggBatch{table: table, at: table.PayloadOffset(), slots: slots, args: []*chunk.Column{key}})
	}
	one := chunk.NewColumn(types.Int8, 1)
	one.Ints = append(one.Ints, 7)
	b.ReportAllocs()
	for b.Loop() {
		d.reduce(&aggBatch{table: table, at: table.PayloadOffset(), slots: []int32{7}, args: []*chunk.Column{one}})
		d.drop([]int32{7})
	}
}
