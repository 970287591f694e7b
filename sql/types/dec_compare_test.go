package types

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestCmpDecWide compares numerics of all sizes and scales as big integers do, without an allocation where they are of a
// usual size.
func TestCmpDecWide(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	number := func(bits int) *big.Int {
		z := new(big.Int)
		for range (bits + 63) / 64 {
			z.Lsh(z, 64).Or(z, new(big.Int).SetUint64(r.Uint64()))
		}
		z.Rsh(z, uint(z.BitLen()-min(bits, z.BitLen())))
		if r.IntN(2) == 0 {
			z.Neg(z)
		}
		return z
	}
	dec := func(z *big.Int, scale int32) Dec {
		d, err := decFromBig(z, scale)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	check := func(x, y *big.Int, sx, sy int32) {
		t.Helper()
		a, b := dec(x, sx), dec(y, sy)
		s := max(sx, sy)
		p, q := new(big.Int).Mul(x, Pow10(s-sx)), new(big.Int).Mul(y, Pow10(s-sy))
		if got, want := CmpDec(a, b), p.Cmp(q); got != want {
			t.Fatalf("%s <=> %s is %d, want %d", a, b, got, want)
		}
		if got, want := CmpDec(b, a), q.Cmp(p); got != want {
			t.Fatalf("%s <=> %s is %d, want %d", b, a, got, want)
		}
	}
	for range 20000 {
		x, sx, sy := number(r.IntN(400)+1), int32(r.IntN(60)), int32(r.IntN(60))
		check(x, number(r.IntN(400)+1), sx, sy)
		// A neighbour of the same value at another scale.
		y := new(big.Int).Mul(x, Pow10(sy))
		y.Add(y, big.NewInt(int64(r.IntN(3)-1)))
		check(x, y, sx, sx+sy)
	}
	for _, bits := range []int{1900, 2000, 2100, 5000} {
		for d := int32(1); d < 700; d += 13 {
			x := number(bits)
			y := new(big.Int).Mul(x, Pow10(d))
			check(x, y, 0, d)
			check(x, y.Add(y, big.NewInt(1)), 0, d)
		}
	}
	x := number(300)
	a, b := dec(x, 3), dec(new(big.Int).Mul(x, Pow10(30)), 33)
	if n := testing.AllocsPerRun(100, func() {
		if CmpDec(a, b) != 0 {
			t.Fatal("a value differs from itself")
		}
	}); n > 0 {
		t.Errorf("%v allocations to compare", n)
	}
}
