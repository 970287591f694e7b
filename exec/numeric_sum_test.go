package exec

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// TestAddSquare compares 256-bit sums of squares with big integers.
func TestAddSquare(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	ends := []int64{0, 1, -1, -1 << 63, 1<<63 - 1, 1 << 32}
	pick := func() int64 {
		if r.IntN(3) == 0 {
			return ends[r.IntN(len(ends))]
		}
		return int64(r.Uint64()) >> r.IntN(63)
	}
	var q [4]uint64
	want, x := new(big.Int), &numericMath{}
	for range 10_000 {
		v, w := pick(), pick()
		addSquare(q[:], v, w)
		p := new(big.Int).Mul(big.NewInt(v), big.NewInt(v))
		want.Add(want, p.Mul(p, big.NewInt(w)))
		got := new(big.Int)
		if x.setWords(got, q[:]); got.Cmp(want) != 0 {
			t.Fatalf("after %d × %d²: %s, want %s", w, v, got, want)
		}
	}
}

// TestMixedSums brings the same numbers in by different ways, with others that leave again.
func TestMixedSums(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	kinds := []functions.AggKind{functions.AggSum, functions.AggAvg, functions.AggVarPop, functions.AggVarSamp, functions.AggStddevPop, functions.AggStddevSamp}
	for range 300 {
		final, passing := chunk.NewColumn(types.Numeric, 8), chunk.NewColumn(types.Numeric, 8)
		sum, top := new(big.Rat), int32(0)
		for range 1 + r.IntN(6) {
			z := new(big.Int).SetInt64(int64(r.Uint64()) >> r.IntN(63))
			if r.IntN(4) == 0 {
				z.Mul(z, types.Pow10(int32(r.IntN(30))))
			}
			scale := int32(r.IntN(5))
			final.AppendDec(bigDec(z, scale))
			sum.Add(sum, new(big.Rat).SetFrac(z, types.Pow10(scale)))
			top = max(top, scale)
		}
		for range r.IntN(6) {
			passing.AppendDec(bigDec(new(big.Int).SetInt64(int64(r.Uint64())>>r.IntN(63)), int32(r.IntN(9))))
		}
		for _, k := range kinds {
			var direct, detour varSlide
			for i := range final.Len() {
				direct.add([]*chunk.Column{final}, int32(i), 1)
			}
			for i := range passing.Len() {
				detour.add([]*chunk.Column{passing}, int32(i), 1)
			}
			for _, i := range r.Perm(final.Len()) {
				detour.add([]*chunk.Column{final}, int32(i), 2)
			}
			for i := range passing.Len() {
				detour.add([]*chunk.Column{passing}, int32(i), -1)
			}
			for i := range final.Len() {
				detour.add([]*chunk.Column{final}, int32(i), -1)
			}
			out := chunk.NewColumn(types.Numeric, 2)
			direct.result(k, out)
			detour.result(k, out)
			if a, b := out.Datum(0), out.Datum(1); a.Null != b.Null || !a.Null && a.Dec().String() != b.Dec().String() {
				t.Fatalf("%v is %v in one way and %v in another", k, a, b)
			}
			if k == functions.AggSum {
				want := sum.FloatString(int(top))
				if got := out.Datum(0).Dec().String(); got != want {
					t.Fatalf("the sum is %s, want %s", got, want)
				}
			}
		}
	}
}
