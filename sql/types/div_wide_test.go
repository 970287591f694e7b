package types

import (
	"math"
	"math/rand"
	"testing"
)

// DivWide gives what the general division gives, bit for bit.
func TestDivWide(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	edge := []int64{1, -1, 2, 3, 7, 10, 99, math.MaxInt64, math.MinInt64, math.MinInt64 + 1, 1 << 32, 922337203685477581}
	pick := func() int64 {
		switch rng.Intn(3) {
		case 0:
			return edge[rng.Intn(len(edge))]
		case 1:
			return rng.Int63n(1_000_000) - 500_000
		}
		return int64(rng.Uint64() >> rng.Intn(63))
	}
	wide := 0
	for range 200_000 {
		a, b := Num{Coef: pick(), Scale: int32(rng.Intn(4))}, Num{Coef: pick(), Scale: int32(rng.Intn(4))}
		got, ok := DivWide(nil, a, b)
		if !ok {
			continue
		}
		w1, f1 := leadInline(a)
		w2, f2 := leadInline(b)
		want, err := divTo(Dec{N: a}, Dec{N: b}, divScale(w1, f1, w2, f2, a.Scale, b.Scale), true)
		if err != nil {
			t.Fatal(err)
		}
		if got.N != want.N || string(got.Big) != string(want.Big) {
			t.Fatalf("%v / %v: %v %x, want %v %x", a, b, got.N, got.Big, want.N, want.Big)
		}
		if got.N.Form == NumBig {
			wide++
		}
	}
	if wide < 1000 {
		t.Errorf("only %d quotients needed more than 64 bits", wide)
	}
}
