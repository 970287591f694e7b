package functions

import (
	"math/big"
	"math/bits"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// bitFuncs is what works on single bits, and factorial, which nothing else fits.
func bitFuncs() []*Function {
	return []*Function{
		scalar("bit_count", "bytea->int8", bitCount),
		scalar("get_bit", "bytea,int8->int4", getBit), scalar("set_bit", "bytea,int8,int4->bytea", setBit),
		scalar("factorial", "int8->numeric", factorial),
		scalar("like", "text,text->bool", like(false, false)).withID("func_like_text_text"),
		scalar("notlike", "text,text->bool", like(false, true)).withID("func_notlike_text_text"),
	}
}

func bitCount(c *Call) {
	a := c.strs(0)
	for i := range c.Out.Ints {
		n := 0
		for _, b := range a.at(i) {
			n += bits.OnesCount8(b)
		}
		c.Out.Ints[i] = int64(n)
	}
}

func bitIndexError(k int64, n int) error {
	return sqlerr.New(sqlerr.ArraySubscriptError, "index %d out of valid range, 0..%d", k, 8*n-1)
}

func getBit(c *Call) {
	a, k := c.strs(0), c.ints(1)
	each(c, c.Out.Ints, func(i int) (int64, error) {
		s, n := a.at(i), k.at(i)
		if n < 0 || n >= int64(8*len(s)) {
			return 0, bitIndexError(n, len(s))
		}
		return int64(s[n/8] >> (n % 8) & 1), nil
	})
}

func setBit(c *Call) {
	a, k, v := c.strs(0), c.ints(1), c.ints(2)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		s, n, bit := a.at(i), k.at(i), v.at(i)
		if n < 0 || n >= int64(8*len(s)) {
			return nil, bitIndexError(n, len(s))
		}
		if bit != 0 && bit != 1 {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue, "new bit must be 0 or 1")
		}
		off := len(dst)
		dst = append(dst, s...)
		dst[off+int(n/8)] = dst[off+int(n/8)]&^(1<<(n%8)) | byte(bit)<<(n%8)
		return dst, nil
	})
}

// factorialMax is the largest argument whose result numeric can hold.
const factorialMax = 32177

func factorial(c *Call) {
	a := c.ints(0)
	c.eachDec(func(i int) (types.Dec, error) {
		n := a.at(i)
		switch {
		case n < 0:
			return types.Dec{}, sqlerr.New(sqlerr.NumericValueOutOfRange, "factorial of a negative number is undefined")
		case n > factorialMax:
			return types.Dec{}, errNumericRange
		}
		return types.ParseDec(new(big.Int).MulRange(1, n).String())
	})
}
