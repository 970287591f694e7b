package relation

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

func benchSpec() Spec {
	return Spec{Name: "b", Unique: true, Key: chunk.Ascending(0),
		Columns: []Column{{ID: 1, Type: types.Int8, NotNull: true}, {ID: 2, Type: types.Int8}, {ID: 3, Type: types.Int8}, {ID: 4, Type: types.Float8}}}
}

// benchChunk has n new rows; keys are random unless next is given, from which they
// rise.
func benchChunk(r *rand.Rand, s chunk.Schema, n int, next *int64) *chunk.Chunk {
	c := chunk.New(s, n)
	for i := range n {
		k := int64(r.Uint64() >> 16)
		if next != nil {
			k = *next
			*next++
		}
		c.Cols[0].Ints = append(c.Cols[0].Ints, k)
		c.Cols[1].Ints = append(c.Cols[1].Ints, int64(i))
		c.Cols[2].Ints = append(c.Cols[2].Ints, int64(i%7))
		c.Cols[3].Floats = append(c.Cols[3].Floats, float64(i))
	}
	c.Rows = n
	return c
}

// BenchmarkAppend measures append with all merging, per row.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 100, 5000, 50000} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			rel, _ := New(benchSpec())
			all := benchChunk(r, rel.Schema(), 1000000, nil)
			b.ReportAllocs()
			b.ResetTimer()
			e, rows := Epoch(0), 0
			for i := 0; b.Loop(); i++ {
				lo := i * n % all.Rows
				if lo == 0 {
					rel, _ = New(benchSpec())
				}
				e++
				if err := rel.Append(e, all.Slice(lo, lo+n)); err != nil {
					b.Fatal(err)
				}
				rel.Publish(e)
				rows += n
				if i%16 == 0 {
					for ok := true; ok; {
						ok, _ = rel.MergeOne(0)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
			b.ReportMetric(float64(rel.MergeDebt()), "runs")
		})
	}
}

func benchRelation(b *testing.B, rows, perEpoch int, next *int64) *Relation {
	r := rand.New(rand.NewPCG(1, 1))
	rel, _ := New(benchSpec())
	for e := 1; e <= rows/perEpoch; e++ {
		if err := rel.Append(Epoch(e), benchChunk(r, rel.Schema(), perEpoch, next)); err != nil {
			b.Fatal(err)
		}
		rel.Publish(Epoch(e))
		if e%16 == 0 {
			for ok := true; ok; {
				ok, _ = rel.MergeOne(0)
			}
		}
	}
	return rel
}

func BenchmarkGet(b *testing.B) {
	for _, rows := range []int{100000, 1000000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			next := int64(0)
			rel := benchRelation(b, rows, 997, &next)
			s := rel.Newest()
			r := rand.New(rand.NewPCG(2, 2))
			key := make([]types.Datum, 1)
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				key[0].I = r.Int64N(next)
				if _, ok, _ := s.Get(key); !ok {
					b.Fatal("missing")
				}
			}
			b.ReportMetric(float64(rel.MergeDebt()), "runs")
		})
	}
}

func BenchmarkLookupMany(b *testing.B) {
	next := int64(0)
	rel := benchRelation(b, 1000000, 997, &next)
	s := rel.Newest()
	for _, n := range []int{1, 64, 4096} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(2, 2))
			k := chunk.NewColumn(types.Int8, n)
			for range n {
				k.Ints = append(k.Ints, r.Int64N(next))
			}
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				rows := 0
				err := s.LookupMany([]*chunk.Column{k}, n, nil, func(m Matches) error { rows += m.Rows.Rows; return nil })
				if err != nil || rows != n {
					b.Fatal(rows, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/key")
		})
	}
}

func BenchmarkScan(b *testing.B) {
	for _, order := range []string{"rising", "random"} {
		b.Run("keys="+order, func(b *testing.B) {
			var next *int64
			if order == "rising" {
				next = new(int64)
			}
			rel := benchRelation(b, 1000000, 997, next)
			s := rel.Newest()
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				rows := 0
				_ = s.Scan(Scan{Cols: []int{1, 3}}).Each(func(c *chunk.Chunk) error { rows += c.Rows; return nil })
				if int64(rows) != s.Rows() {
					b.Fatal(rows)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(s.Rows()), "ns/row")
			b.ReportMetric(float64(rel.MergeDebt()), "runs")
		})
	}
}
