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
	var scratch slideMath
	var detour, moved varSlide // used again, as those of partitions that come and go
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
			var direct varSlide
			detour.reset()
			for i := range final.Len() {
				direct.add(&scratch, []*chunk.Column{final}, int32(i), 1)
			}
			for i := range passing.Len() {
				detour.add(&scratch, []*chunk.Column{passing}, int32(i), 1)
			}
			for _, i := range r.Perm(final.Len()) {
				detour.add(&scratch, []*chunk.Column{final}, int32(i), 2)
			}
			for i := range passing.Len() {
				detour.add(&scratch, []*chunk.Column{passing}, int32(i), -1)
			}
			for i := range final.Len() {
				detour.add(&scratch, []*chunk.Column{final}, int32(i), -1)
			}
			out := chunk.NewColumn(types.Numeric, 2)
			moved.set(&detour)
			detour.add(&scratch, []*chunk.Column{final}, 0, 1) // shares nothing with its copy
			detour.add(&scratch, []*chunk.Column{final}, 0, -1)
			for _, s := range []*varSlide{&direct, &detour, &moved} {
				s.result(&scratch, k, out)
			}
			for _, other := range []int{1, 2} {
				if a, b := out.Datum(0), out.Datum(other); a.Null != b.Null || !a.Null && a.Dec().String() != b.Dec().String() {
					t.Fatalf("%v is %v in one way and %v in another", k, a, b)
				}
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

// TestMixedPool compares the sums of groups in a pool with sums of their own, while groups come and go.
func TestMixedPool(t *testing.T) {
	var scratch slideMath
	r := rand.New(rand.NewPCG(7, 8))
	for _, k := range []functions.AggKind{functions.AggSum, functions.AggVarPop} {
		a := newNumericAcc(k)
		groups := chunk.NewKeyTable(chunk.Schema{types.Int8}, a.words())
		ids, slots := &chunk.Column{Type: types.Int8}, make([]int32, 40)
		for i := range slots {
			ids.Ints = append(ids.Ints, int64(i))
		}
		hash := make([]uint64, len(slots))
		chunk.HashRows([]*chunk.Column{ids}, len(slots), hash)
		groups.Upsert([]*chunk.Column{ids}, hash, slots)
		at := groups.PayloadOffset()
		type added struct{ group, value int32 }
		var in []added
		values := chunk.NewColumn(types.Numeric, 0)
		for range 3000 {
			b := &aggBatch{table: groups, at: at}
			col := chunk.NewColumn(types.Numeric, 8)
			for range 8 {
				x, w := added{slots[r.IntN(len(slots))], int32(values.Len())}, int64(1)
				if len(in) > 60 || len(in) > 0 && r.IntN(3) == 0 {
					i := r.IntN(len(in))
					x, w = in[i], -1
					in[i] = in[len(in)-1]
					in = in[:len(in)-1]
				} else {
					z := new(big.Int).SetInt64(int64(r.Uint64()) >> r.IntN(63))
					switch r.IntN(8) {
					case 0:
						z.Mul(z, types.Pow10(int32(r.IntN(40))))
					case 1:
						z.SetInt64(0)
					}
					d := bigDec(z, int32(r.IntN(4)))
					if r.IntN(20) == 0 {
						d = []types.Dec{types.DecNaN, types.DecPosInf, types.DecNegInf}[r.IntN(3)]
					}
					values.AppendDec(d)
					in = append(in, x)
				}
				col.AppendDec(values.DecAt(int(x.value)))
				b.slots, b.weights = append(b.slots, x.group), append(b.weights, w)
			}
			b.args = []*chunk.Column{col}
			a.update(b)
			a.settle(groups, at, slots)
			g := slots[r.IntN(len(slots))]
			var want varSlide
			for _, x := range in {
				if x.group == g {
					want.add(&scratch, []*chunk.Column{values}, x.value, 1)
				}
			}
			out := chunk.NewColumn(types.Numeric, 2)
			a.result(groups.Row(g)[at:], groups.Stride(), 1, out)
			want.result(&scratch, k, out)
			if x, y := out.Datum(0), out.Datum(1); x.Null != y.Null || !x.Null && x.Dec().String() != y.Dec().String() {
				t.Fatalf("%v of group %d is %s, want %s", k, g, x.Dec(), y.Dec())
			}
		}
		a.drop(slots)
		if used := usedOf(&a.mixed.blockArena); used != 0 {
			t.Fatalf("%d words are lost", used)
		}
	}
}
