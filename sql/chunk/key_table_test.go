package chunk

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"streamdb/sql/types"
)

// TestKeyTableAgainstMap inserts, finds and deletes keys in random order, through all sizes of
// the index and around its end, and compares with a map. Hashes are cut to a few bits in one
// half of the runs, so that probe sequences are long and meet the end of the index.
func TestKeyTableAgainstMap(t *testing.T) {
	for _, mask := range []uint64{^uint64(0), 0xf80000ff} {
		r := rand.New(rand.NewPCG(1, mask))
		tab, want := NewKeyTable(Schema{types.Int8}, 1), make(map[int64]uint64)
		keys, slots := NewColumn(types.Int8, 0), make([]int32, 100)
		hash := func() []uint64 {
			h := make([]uint64, len(keys.Ints))
			HashRows([]*Column{keys}, len(h), h)
			for i := range h {
				h[i] &= mask
			}
			return h
		}
		space := int64(60_000)
		if mask != ^uint64(0) {
			space = 3_000
		}
		for round := range 1500 {
			keys.Ints = keys.Ints[:0]
			for range 100 {
				keys.Ints = append(keys.Ints, r.Int64N(space))
			}
			h := hash()
			switch {
			case round%500 < 300:
				tab.Upsert([]*Column{keys}, h, slots)
				for i, s := range slots {
					tab.Payload(s)[0]++
					want[keys.Ints[i]]++
				}
			default:
				tab.Find([]*Column{keys}, h, slots)
				for i, s := range slots {
					n, ok := want[keys.Ints[i]]
					if s >= 0 && !tab.Live(s) {
						continue // a key that stands twice in the batch
					}
					if ok != (s >= 0) || ok && tab.Payload(s)[0] != n {
						t.Fatalf("key %d: slot %d, %d wanted", keys.Ints[i], s, n)
					}
					if ok {
						tab.Delete(s, h[i])
						delete(want, keys.Ints[i])
					}
				}
			}
			if tab.Len() != len(want) || tab.Len()*8 > len(tab.index)*7 {
				t.Fatalf("%d keys in an index of %d, %d wanted", tab.Len(), len(tab.index), len(want))
			}
		}
	}
}

// BenchmarkKeyTableGrowth fills a table with n keys.
func BenchmarkKeyTableGrowth(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000, 1_500_000} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			var tab *KeyTable
			for b.Loop() {
				tab = filledTable(n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/key")
			b.ReportMetric(float64(len(tab.index)*8)/float64(n), "index-B/key")
		})
	}
}

// BenchmarkKeyTableFind looks keys up in random order.
func BenchmarkKeyTableFind(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000, 1_500_000} {
		for _, there := range []bool{true, false} {
			b.Run(fmt.Sprintf("keys=%d/there=%t", n, there), func(b *testing.B) {
				tab := filledTable(n)
				keys, hash, slots := NewColumn(types.Int8, RowsMax), make([]uint64, RowsMax), make([]int32, RowsMax)
				keys.Ints = keys.Ints[:RowsMax]
				r := rand.New(rand.NewPCG(1, 1))
				for b.Loop() {
					for i := range keys.Ints {
						if keys.Ints[i] = int64(r.Uint32N(uint32(n))); !there {
							keys.Ints[i] += int64(n)
						}
					}
					HashRows([]*Column{keys}, RowsMax, hash)
					tab.Find([]*Column{keys}, hash, slots)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*RowsMax), "ns/key")
			})
		}
	}
}

func filledTable(n int) *KeyTable {
	tab := NewKeyTable(Schema{types.Int8}, 1)
	keys, hash, slots := NewColumn(types.Int8, RowsMax), make([]uint64, RowsMax), make([]int32, RowsMax)
	for lo := 0; lo < n; lo += RowsMax {
		k := min(RowsMax, n-lo)
		keys.Ints = keys.Ints[:0]
		for i := range k {
			keys.Ints = append(keys.Ints, int64(lo+i))
		}
		HashRows([]*Column{keys}, k, hash)
		tab.Upsert([]*Column{keys}, hash[:k], slots[:k])
	}
	return tab
}
