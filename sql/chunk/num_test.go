package chunk

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"streamdb/sql/types"
)

// TestNormalBig trims as long division by ten does.
func TestNormalBig(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var room [256]byte
	for range 20000 {
		z := new(big.Int).SetUint64(r.Uint64() >> r.IntN(64))
		z.Mul(z, types.Pow10(int32(r.IntN(40))))
		z.Lsh(z, uint(r.IntN(200)))
		coef := append([]byte{byte(r.IntN(2))}, z.Bytes()...)
		scale := int32(r.IntN(45))
		before := slices.Clone(coef)
		n, b := normalBig(coef, scale, room[:0])
		if !bytes.Equal(coef, before) {
			t.Fatal("the argument has changed")
		}
		want, rem := new(big.Int), new(big.Int)
		for scale > 0 {
			if want.QuoRem(z, big.NewInt(10), rem); rem.Sign() != 0 {
				break
			}
			z.Set(want)
			scale--
		}
		if coef[0] != 0 {
			z.Neg(z)
		}
		if z.IsInt64() {
			if (n != types.Num{Coef: z.Int64(), Scale: scale}) {
				t.Fatalf("%v for %s of scale %d", n, z, scale)
			}
			continue
		}
		sign := byte(0)
		if z.Sign() < 0 {
			sign = 1
		}
		if (n != types.Num{Scale: scale, Form: types.NumBig}) || !bytes.Equal(b, append([]byte{sign}, z.Bytes()...)) {
			t.Fatalf("%v %x for %s of scale %d", n, b, z, scale)
		}
	}
}

// TestHashNumsAllocates nothing, nor do the prefixes.
func TestHashNumsAllocates(t *testing.T) {
	c := NewColumn(types.Numeric, 0)
	for _, s := range []string{"123456789012345678901234567890", "-12345678901234567890123.4500", "0.00000000000000000000000123", "1e200"} {
		d, err := types.ParseDec(s)
		if err != nil {
			t.Fatal(err)
		}
		c.AppendDec(d)
	}
	h := make([]uint64, c.Len())
	if n := testing.AllocsPerRun(100, func() { HashRows([]*Column{c}, len(h), h) }); n > 1 {
		t.Errorf("%v allocations for the hashes of 4 numerics", n)
	}
	var x prefixMath
	if n := testing.AllocsPerRun(100, func() {
		for _, v := range c.Nums {
			x.prefix(c, v)
		}
	}); n > 0 {
		t.Errorf("%v allocations for the prefixes of 4 numerics", n)
	}
}
