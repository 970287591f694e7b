package exec

import (
	"math"
	"math/big"
)

// exactFloat is a sum of float64 values without rounding, so that it does not depend
// on their order and a retraction undoes an insertion to the last bit. The sum is
// kept in limbs of 32 bits above 2^-1074, only over the exponents in use:
//
//	value = Σ limb[i] × 2^(32·(lo+i) − 1074)
//
// A limb is a signed 64-bit number, so that carries can wait: 2^30 additions of
// 32-bit pieces fit. (Superaccumulator: Kulisch; sparse over limbs as in Neal, "Fast
// exact summation using small and large superaccumulators", 2015.)
type exactFloat struct {
	limbs []int64
	lo    int32
	adds  int32
	// Counts of what is not finite, and of the values that are.
	nan, posInf, negInf int64
}

// add adds w times v.
func (s *exactFloat) add(v float64, w int64) {
	switch {
	case v != v:
		s.nan += w
		return
	case math.IsInf(v, 1):
		s.posInf += w
		return
	case math.IsInf(v, -1):
		s.negInf += w
		return
	case v == 0:
		return
	}
	for w > 1<<20 || w < -(1<<20) {
		half := w / 2
		s.add(v, half)
		w -= half
	}
	bits := math.Float64bits(v)
	exp := int32(bits>>52) & 0x7ff
	mant := bits & (1<<52 - 1)
	if exp > 0 {
		mant |= 1 << 52
		exp--
	}
	if v < 0 {
		w = -w
	}
	limb, shift := exp>>5, uint(exp&31)
	s.reach(limb, limb+3)
	at := limb - s.lo
	// mant << shift spans at most 53+31 bits: three pieces.
	low := mant << shift
	high := uint64(0)
	if shift > 0 {
		high = mant >> (64 - shift)
	}
	s.limbs[at] += int64(low&(1<<32-1)) * w
	s.limbs[at+1] += int64(low>>32) * w
	s.limbs[at+2] += int64(high) * w
	if s.adds++; s.adds >= 1<<10 {
		s.carry()
	}
}

// reach makes limbs [lo, hi) exist.
func (s *exactFloat) reach(lo, hi int32) {
	if len(s.limbs) == 0 {
		s.lo = lo
		s.limbs = make([]int64, hi-lo, hi-lo+1)
		return
	}
	if lo < s.lo {
		grown := make([]int64, int32(len(s.limbs))+s.lo-lo)
		copy(grown[s.lo-lo:], s.limbs)
		s.limbs, s.lo = grown, lo
	}
	for s.lo+int32(len(s.limbs)) < hi {
		s.limbs = append(s.limbs, 0)
	}
}

// carry brings every limb but the last into [0, 2^32).
func (s *exactFloat) carry() {
	s.adds = 0
	for i := 0; i+1 < len(s.limbs); i++ {
		c := s.limbs[i] >> 32
		s.limbs[i] -= c << 32
		s.limbs[i+1] += c
	}
	if n := len(s.limbs); n > 0 && (s.limbs[n-1] >= 1<<31 || s.limbs[n-1] < -(1<<31)) {
		c := s.limbs[n-1] >> 32
		s.limbs[n-1] -= c << 32
		s.limbs = append(s.limbs, c)
	}
}

// exact returns the finite part of the sum.
func (s *exactFloat) exact() *big.Float {
	sum := new(big.Int)
	var limb big.Int
	for i := len(s.limbs) - 1; i >= 0; i-- {
		sum.Lsh(sum, 32)
		sum.Add(sum, limb.SetInt64(s.limbs[i]))
	}
	f := new(big.Float).SetPrec(uint(max(64, sum.BitLen())))
	f.SetInt(sum)
	return f.SetMantExp(f, int(s.lo)*32-1074)
}

// special returns the sum if it is not finite.
func (s *exactFloat) special() (float64, bool) {
	switch {
	case s.nan > 0 || s.posInf > 0 && s.negInf > 0:
		return math.NaN(), true
	case s.posInf > 0:
		return math.Inf(1), true
	case s.negInf > 0:
		return math.Inf(-1), true
	}
	return 0, false
}

// round returns the sum as the nearest float64, ties to even; overflow is ±Inf.
func (s *exactFloat) round() float64 {
	if v, ok := s.special(); ok {
		return v
	}
	v, _ := s.exact().Float64()
	return v
}

// roundReal returns the sum as the nearest real, in one rounding.
func (s *exactFloat) roundReal() float64 {
	if v, ok := s.special(); ok {
		return v
	}
	v, _ := s.exact().Float32()
	return float64(v)
}

func (s *exactFloat) size() int64 { return int64(cap(s.limbs)*8 + 56) }
