package types

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestDivider compares results in scratch space with those of DivDec and SqrtDec.
func TestDivider(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(bits int) *big.Int {
		z := new(big.Int)
		for range bits/64 + 1 {
			z.Lsh(z, 64).Or(z, new(big.Int).SetUint64(r.Uint64()))
		}
		return z.Rsh(z, uint(z.BitLen()-min(z.BitLen(), r.IntN(bits)+1)))
	}
	var d Divider
	for range 20_000 {
		a, b, scale := random(300), random(160), int32(r.IntN(60))
		if b.Sign() == 0 {
			continue
		}
		if r.IntN(8) == 0 { // near a change of the number of digits
			a.Add(Pow10(int32(r.IntN(80))), big.NewInt(int64(r.IntN(3)-1)))
		}
		x, y := mustDec(t, a, scale), mustDec(t, b, 0)
		want, err := DivDec(x, y)
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Quo(a, scale, b)
		if err != nil || got.String() != want.String() {
			t.Fatalf("%s / %s is %s, %v; want %s", x, y, got, err, want)
		}
		if want, err = SqrtDec(want); err != nil {
			t.Fatal(err)
		}
		if got, err = d.SqrtQuo(a, scale, b); err != nil || got.String() != want.String() {
			t.Fatalf("the root of %s / %s is %s, %v; want %s", x, y, got, err, want)
		}
		a.Neg(a)
		if want, err = DivDec(mustDec(t, a, scale), y); err != nil {
			t.Fatal(err)
		}
		if got, err = d.Quo(a, scale, b); err != nil || got.String() != want.String() {
			t.Fatalf("-%s / %s is %s, %v; want %s", x, y, got, err, want)
		}
	}
}

func mustDec(t *testing.T, z *big.Int, scale int32) Dec {
	d, err := decFromBig(z, scale)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDividerAllocates holds that scratch space suffices.
func TestDividerAllocates(t *testing.T) {
	a, b := new(big.Int).Lsh(big.NewInt(12345), 100), new(big.Int).Lsh(big.NewInt(991), 70)
	var d Divider
	n := testing.AllocsPerRun(100, func() {
		if _, err := d.SqrtQuo(a, 4, b); err != nil {
			t.Fatal(err)
		}
	})
	if n > 0 {
		t.Errorf("a root of a quotient allocates %v times", n)
	}
}
