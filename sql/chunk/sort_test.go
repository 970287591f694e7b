package chunk

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"streamdb/sql/types"
)

// testTypes has one type of every layout.
var testTypes = []types.Type{types.Bool, types.Int2, types.Int4, types.Int8, types.Float8, types.Numeric,
	types.Text, types.BPChar, types.IntervalT, types.UUID, types.Timestamp,
	types.JSONB, types.ArrayOf(types.Numeric)}

// randomDatum draws from a small domain that is rich in values which are equal in
// SQL without being identical.
func randomDatum(r *rand.Rand, t types.Type) types.Datum {
	if r.IntN(8) == 0 {
		return types.NullDatum
	}
	switch t.Class() {
	case types.ClassBool:
		return types.Datum{I: int64(r.IntN(2))}
	case types.ClassInt:
		if t.Kind == types.KindInt8 && r.IntN(4) == 0 {
			return types.Datum{I: int64(r.Uint64())}
		}
		return types.Datum{I: int64(r.IntN(21) - 10)}
	case types.ClassFloat:
		return types.Datum{F: []float64{0, math.Copysign(0, -1), 1, -1, 1.5, math.NaN(), math.Inf(1), math.Inf(-1), -1e300}[r.IntN(9)]}
	case types.ClassNumeric:
		return randomNumeric(r)
	case types.ClassInterval:
		return types.Datum{V: types.Interval{Micros: int64(r.IntN(3)) * 43200e6, Days: int32(r.IntN(5) - 2), Months: int32(r.IntN(3) - 1)}}
	case types.ClassUUID:
		return types.Datum{U: [16]byte{byte(r.IntN(3)), 15: byte(r.IntN(3))}}
	}
	if t.Kind == types.KindJSONB {
		return types.Datum{S: []string{"null", "1", "1.0", `"a"`, "[1, 2.50]", "[1, 2.5]", "[]", `{"a": 1.0}`, "-0.10"}[r.IntN(9)]}
	}
	if t.Kind == types.KindArray {
		b := types.NewArrayBuilder(t)
		for range r.IntN(4) {
			b.Add(randomDatum(r, t.ElemType()))
		}
		return types.Datum{S: string(b.AppendTo(nil))}
	}
	s := "prefix-in-common-"[:r.IntN(18)]
	s += string(rune('a' + r.IntN(3)))
	if t.Kind == types.KindBPChar {
		s += "   "[:r.IntN(4)]
	}
	return types.Datum{S: s}
}

func randomNumeric(r *rand.Rand) types.Datum {
	switch r.IntN(8) {
	case 0:
		return types.Datum{N: types.Num{Form: types.NumForm(2 + r.IntN(3))}}
	case 1: // beyond int64, and 10 with 20 zeros behind the point
		b := make([]byte, 10)
		b[0], b[1], b[9] = byte(r.IntN(2)), 1, byte(r.IntN(2))
		return types.Datum{N: types.Num{Form: types.NumBig, Scale: int32(r.IntN(30))}, S: string(b)}
	}
	scale := r.IntN(4)
	return types.Datum{N: types.Num{Coef: int64(r.IntN(7)-3) * int64(pow10[r.IntN(scale+1)]), Scale: int32(scale)}}
}

func randomChunk(r *rand.Rand, s Schema, n int) *Chunk {
	c := New(s, n)
	for range n {
		for i, t := range s {
			c.Cols[i].AppendDatum(randomDatum(r, t))
		}
		c.Weights = append(c.Weights, []int64{1, 1, -1, 2}[r.IntN(4)])
	}
	c.Rows = n
	return c
}

// rowText spells a row's identity.
func rowText(c *Chunk, i int) string {
	s := ""
	for _, col := range c.Cols {
		d := col.Datum(i)
		if col.Type.Class() == types.ClassFloat && !d.Null {
			s += fmt.Sprintf("%x|", floatBits(d.F))
			continue
		}
		s += fmt.Sprintf("%+v|", d)
	}
	return s
}

func TestSortAgreesWithComparing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		s := Schema{testTypes[r.IntN(len(testTypes))], testTypes[r.IntN(len(testTypes))], types.Int4}
		c := randomChunk(r, s, r.IntN(600))
		keys := []SortKey{{Col: r.IntN(2), Desc: r.IntN(2) == 0, NullsFirst: r.IntN(2) == 0}, {Col: 2, Desc: r.IntN(2) == 0}}
		cmps := []*Comparator{NewComparator(s, keys), NewIdentityComparator(s, keys)}
		for k, cmp := range cmps {
			want := make([]int32, c.Rows)
			for i := range want {
				want[i] = int32(i)
			}
			slices.SortStableFunc(want, func(a, b int32) int { return cmp.Compare(c.Cols, int(a), c.Cols, int(b)) })
			var so Sorter
			if got := so.Sort(cmp, c.Cols, c.Rows); !slices.Equal(got, want) {
				t.Fatalf("round %d order %d types %v: sorted differently", round, k, s)
			}
		}
		if got := SortRows(c.Cols, c.Rows, keys); !slices.IsSortedFunc(got, func(a, b int32) int {
			return cmps[0].Compare(c.Cols, int(a), c.Cols, int(b))
		}) {
			t.Fatalf("round %d: SortRows out of order", round)
		}
	}
}

func TestEqualRowsHashAlikeAndIdentityIsFiner(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, ty := range testTypes {
		s := Schema{ty}
		c := randomChunk(r, s, 120)
		sql, id := NewComparator(s, Ascending(0)), NewIdentityComparator(s, nil)
		h, ih := make([]uint64, c.Rows), make([]Hash128, c.Rows)
		HashRows(c.Cols, c.Rows, h)
		IdentityRows(c.Cols, c.Rows, ih)
		for i := range c.Rows {
			for j := range c.Rows {
				eq := sql.Compare(c.Cols, i, c.Cols, j)
				if (eq == 0) != (h[i] == h[j]) {
					t.Fatalf("%v: %s and %s compare %d, hashes %x %x", ty, rowText(c, i), rowText(c, j), eq, h[i], h[j])
				}
				same := rowText(c, i) == rowText(c, j)
				if same != (ih[i] == ih[j]) || same != (id.Compare(c.Cols, i, c.Cols, j) == 0) {
					t.Fatalf("%v: identity of %s and %s", ty, rowText(c, i), rowText(c, j))
				}
				if x, y := id.Compare(c.Cols, i, c.Cols, j), id.Compare(c.Cols, j, c.Cols, i); x*y > 0 || (x == 0) != (y == 0) {
					t.Fatalf("%v: order is not antisymmetric", ty)
				}
				if eq < 0 && id.Compare(c.Cols, i, c.Cols, j) >= 0 {
					t.Fatalf("%v: identity order does not refine SQL order", ty)
				}
			}
		}
	}
}

func TestConsolidate(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		s := Schema{testTypes[r.IntN(len(testTypes))], testTypes[r.IntN(len(testTypes))]}
		c := randomChunk(r, s, r.IntN(300))
		want := map[string]int64{}
		for i := range c.Rows {
			want[rowText(c, i)] += c.Weight(i)
		}
		got := Consolidate(c)
		for i := range got.Rows {
			k := rowText(got, i)
			if got.Weight(i) != want[k] || want[k] == 0 {
				if c.Rows > 1 {
					t.Fatalf("%s: weight %d, want %d", k, got.Weight(i), want[k])
				}
			}
			delete(want, k)
		}
		for k, w := range want {
			if w != 0 {
				t.Fatalf("%s of weight %d is missing", k, w)
			}
		}
		if again := Consolidate(got); again != got {
			t.Fatal("a consolidated chunk changes")
		}
		var sum Hash128
		if sum = Fingerprint(c); sum != Fingerprint(got) {
			t.Fatal("consolidating changes the fingerprint")
		}
	}
}

func TestErrorsSortAndHash(t *testing.T) {
	c := New(Schema{types.Int8}, 4)
	c.Cols[0].AppendDatum(types.Datum{I: 1})
	c.Cols[0].AppendError(fmt.Errorf("b"))
	c.Cols[0].AppendNull()
	c.Cols[0].AppendError(fmt.Errorf("a"))
	c.Rows = 4
	if got := SortRows(c.Cols, 4, Ascending(0)); !slices.Equal(got, []int32{0, 2, 3, 1}) {
		t.Fatalf("order %v", got)
	}
	h := make([]uint64, 4)
	HashRows(c.Cols, 4, h)
	if h[1] == h[3] || h[1] == h[2] {
		t.Fatal("errors hash alike")
	}
}

func BenchmarkHashRows(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, ty := range []types.Type{types.Int8, types.Numeric, types.Text} {
		c := randomChunk(r, Schema{ty}, 4096)
		c.Cols[0].Nulls = nil
		out := make([]uint64, c.Rows)
		b.Run(fmt.Sprintf("class=%d", ty.Class()), func(b *testing.B) {
			for b.Loop() {
				HashRows(c.Cols, c.Rows, out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.Rows), "ns/row")
		})
	}
}

func BenchmarkSort(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{64, 192, 1000, 100000} {
		c := New(Schema{types.Int8, types.Int8}, n)
		for range n {
			c.Cols[0].Ints = append(c.Cols[0].Ints, int64(r.Uint64()>>20))
			c.Cols[1].Ints = append(c.Cols[1].Ints, int64(r.IntN(100)))
		}
		cmp := NewIdentityComparator(c.Schema(), []SortKey{{Col: 0, NotNull: true}})
		var s Sorter
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Sort(cmp, c.Cols, n)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
		})
	}
}

// TestIntPrefix checks that prefixes computed from the integers are those that are stored.
func TestIntPrefix(t *testing.T) {
	vals := []int64{math.MinInt64, math.MinInt64 + 1, -5, -1, 0, 1, 2, 1 << 40, math.MaxInt64 - 1, math.MaxInt64}
	for _, typ := range []types.Type{types.Int8, types.Timestamp} {
		c := &Column{Type: typ, Ints: vals}
		for _, k := range []SortKey{{}, {NotNull: true}, {Desc: true}, {NullsFirst: true}, {Desc: true, NullsFirst: true}, {Desc: true, NotNull: true}} {
			cmp := NewIdentityComparator(Schema{typ, types.Text}, []SortKey{k})
			p, ok := cmp.IntPrefix()
			if !ok {
				t.Fatalf("%v %+v has no prefix of one integer", typ, k)
			}
			want := make([]uint64, len(vals))
			cmp.Prefixes([]*Column{c, nil}, len(vals), want)
			for i, v := range vals {
				if got := p.At(v); got != want[i] {
					t.Errorf("%v %+v: prefix of %d is %x, want %x", typ, k, v, got, want[i])
				}
			}
		}
	}
	for _, s := range []Schema{{types.Int4}, {types.Text}, {types.Int4, types.Int8}, {types.Float8}} {
		if _, ok := NewIdentityComparator(s, []SortKey{{}}).IntPrefix(); ok {
			t.Errorf("%v: prefixes are not of one integer", s)
		}
	}
}
