package exec

import "math"

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
	limb := limbOf(v)
	s.reach(limb, limb+3)
	addLimbs(s.limbs[limb-s.lo:], v, w)
	if s.adds++; s.adds >= addsMax {
		s.carry()
	}
}

// addsMax is the number of additions after which carries can wait no longer.
const addsMax = 1 << 10

// limbOf returns the lowest of the three limbs that v, which is finite, is added to.
func limbOf(v float64) int32 {
	exp := int32(math.Float64bits(v)>>52) & 0x7ff
	return max(exp-1, 0) >> 5
}

// addLimbs adds w times v, which is finite, to the limbs from limbOf(v) on.
func addLimbs(limbs []int64, v float64, w int64) {
	bits := math.Float64bits(v)
	exp := uint(bits>>52) & 0x7ff
	mant := bits & (1<<52 - 1)
	if exp > 0 {
		mant |= 1 << 52
		exp--
	}
	if v < 0 {
		w = -w
	}
	// mant << shift spans at most 53+31 bits: three pieces.
	shift := exp & 31
	low := mant << shift
	high := mant >> (64 - shift) // 0 for a shift of 0
	_ = limbs[2]
	limbs[0] += int64(low&(1<<32-1)) * w
	limbs[1] += int64(low>>32) * w
	limbs[2] += int64(high) * w
}

// reach makes limbs [lo, hi) exist.
func (s *exactFloat) reach(lo, hi int32) {
	if len(s.limbs) == 0 {
		s.lo = lo
		s.limbs = append(s.limbs, make([]int64, hi-lo)...)
		return
	}
	if d := s.lo - lo; d > 0 {
		s.limbs = append(s.limbs, make([]int64, d)...)
		copy(s.limbs[d:], s.limbs)
		clear(s.limbs[:d])
		s.lo = lo
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
	var d limbDigits
	return d.set(s).round(53, -1074)
}

// roundReal returns the sum as the nearest real, in one rounding.
func (s *exactFloat) roundReal() float64 {
	if v, ok := s.special(); ok {
		return v
	}
	var d limbDigits
	v := d.set(s).round(24, -149)
	if math.Abs(v) > math.MaxFloat32 {
		return math.Inf(int(math.Copysign(1, v)))
	}
	return v
}

func (s *exactFloat) size() int64 { return int64(cap(s.limbs)*8 + 56) }
