package exec

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// someFloat is a float64 of any size, mostly; sums of those cancel and overflow.
func someFloat(r *rand.Rand) float64 {
	switch r.IntN(8) {
	case 0:
		return []float64{0, math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 1, 0x1p-1022, 0x1p53}[r.IntN(8)]
	case 1:
		for {
			if v := math.Float64frombits(r.Uint64()); !math.IsInf(v, 0) && v == v {
				return v
			}
		}
	case 2:
		return float64(math.Float32frombits(uint32(r.IntN(1 << 30)))) // of real, subnormal ones too
	}
	return math.Ldexp(r.Float64()-0.5, r.IntN(80)-40)
}

// bigSum is the sum of s's limbs as a big number.
func bigSum(s *exactFloat) *big.Float {
	sum, limb := new(big.Int), new(big.Int)
	for i := len(s.limbs) - 1; i >= 0; i-- {
		sum.Lsh(sum, 32)
		sum.Add(sum, limb.SetInt64(s.limbs[i]))
	}
	f := new(big.Float).SetPrec(uint(max(64, sum.BitLen())))
	f.SetInt(sum)
	return f.SetMantExp(f, int(s.lo)*32-1074)
}

// TestExactFloat compares the rounded sums with those of big numbers: of one sum, and of variances.
func TestExactFloat(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var x exactMath
	for round := range 20_000 {
		var sum, square exactFloat
		want := new(big.Float).SetPrec(2300)
		n := int64(1 + r.IntN(6))
		for range n {
			v, w := someFloat(r), int64(1)
			if r.IntN(10) == 0 {
				w = 1 << 21
			}
			sum.add(v, w)
			square.addProduct(v, v, w)
			want.Add(want, new(big.Float).SetPrec(2300).Mul(big.NewFloat(v), big.NewFloat(float64(w))))
		}
		if r.IntN(2) == 0 {
			sum.carry()
		}
		if want.Cmp(bigSum(&sum)) != 0 {
			t.Fatalf("round %d: the sum is %g, want %g", round, bigSum(&sum), want)
		}
		double, _ := want.Float64()
		if got := sum.round(); got != double {
			t.Fatalf("round %d: %g is rounded to %b, want %b", round, want, got, double)
		}
		single, _ := want.Float32()
		if got := sum.roundReal(); got != float64(single) {
			t.Fatalf("round %d: %g is rounded to the real %b, want %b", round, want, got, float64(single))
		}
		if _, special := square.special(); special {
			continue
		}
		const prec = 4400
		count := new(big.Float).SetPrec(prec).SetInt64(n)
		top := new(big.Float).SetPrec(prec).Mul(count, bigSum(&square))
		top.Sub(top, new(big.Float).SetPrec(prec).Mul(bigSum(&sum), bigSum(&sum)))
		variance, _ := top.Quo(top, count).Float64()
		if got := x.centred(n, &square, &sum, &sum); got != variance {
			t.Fatalf("round %d: the variance is %b, want %b", round, got, variance)
		}
	}
}

// TestExactPool compares sums in a pool with sums of their own, while they come and go.
func TestExactPool(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var pool exactPool
	rows := sideRows{stride: exactWords}
	rows.reach(3000)
	sums := make([]exactFloat, 3000)
	for range 200_000 {
		i := r.IntN(len(sums))
		row := rows.row(int32(i))
		switch k := r.IntN(100); {
		case k == 0:
			pool.free(row)
			sums[i] = exactFloat{}
			continue
		case k == 1:
			v := []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[r.IntN(3)]
			w := int64(r.IntN(3) - 1)
			pool.add(row, v, w)
			sums[i].add(v, w)
		case k < 10:
			i %= 5 // some have so many that carries are due
			row = rows.row(int32(i))
			fallthrough
		default:
			v, w := someFloat(r), int64(r.IntN(5)-2)
			if k == 50 {
				w <<= 20
			}
			pool.add(row, v, w)
			sums[i].add(v, w)
		}
		got, want := pool.load(row, &exactFloat{}), &sums[i]
		if got.nan != want.nan || got.posInf != want.posInf || got.negInf != want.negInf || bigSum(got).Cmp(bigSum(want)) != 0 ||
			math.Float64bits(got.round()) != math.Float64bits(want.round()) {
			t.Fatalf("sum %d is %v, want %v", i, got, want)
		}
		again := pool.load(row, &exactFloat{})
		pool.store(row, again)
		if !slices.Equal(pool.load(row, &exactFloat{}).limbs, got.limbs) {
			t.Fatalf("sum %d changes when it is stored", i)
		}
	}
	for i := range sums {
		pool.free(rows.row(int32(i)))
	}
	if used := usedOf(&pool.blockArena); used != 0 {
		t.Fatalf("%d blocks are lost", used)
	}
}

// usedOf counts the elements of a's common slabs that are neither free nor unused.
func usedOf[T int32 | int64 | uint64](a *blockArena[T]) int {
	n := 0
	for _, s := range a.slabs {
		n += len(s)
	}
	if len(a.slabs) > 0 {
		n -= len(a.slabs[a.last]) - a.open
	}
	for class, f := range a.free {
		for f != 0 {
			n -= 1 << class
			b := a.words(f-1, uint8(class))
			f = uint64(uint32(b[1]))<<32 | uint64(uint32(b[0]))
		}
	}
	return n
}
