package exec

import "math"

// exactPool keeps exact sums without a pointer each: two words, and a block with the limbs.
//
//	block | adds<<32 | specials<<24 | class<<16 | limbs<<8 | lo
//
// The block of a sum with values that are not finite begins with their counts: NaN, Infinity, -Infinity.
type exactPool struct {
	blockArena[int64]
	scratch exactFloat
}

const (
	exactWords    = 2 // of a sum
	exactClass    = 2 // of the first block: one limb more than a value needs
	exactSpecials = 3 // counts before the limbs
)

// exactHead is the second word of a sum.
type exactHead uint64

func headOf(lo int32, limbs int, class uint8, specials bool, adds int32) exactHead {
	h := exactHead(lo) | exactHead(limbs)<<8 | exactHead(class)<<16 | exactHead(adds)<<32
	if specials {
		h |= 1 << 24
	}
	return h
}

func (h exactHead) lo() int32      { return int32(h & 0xff) }
func (h exactHead) limbs() int     { return int(h >> 8 & 0xff) }
func (h exactHead) class() uint8   { return uint8(h >> 16) }
func (h exactHead) specials() bool { return h>>24&1 != 0 }

// before is the number of elements in front of the limbs.
func (h exactHead) before() int {
	if h.specials() {
		return exactSpecials
	}
	return 0
}

// add adds w times v to the sum in row.
func (p *exactPool) add(row []uint64, v float64, w int64) {
	if v == 0 {
		return
	}
	if v != v || math.IsInf(v, 0) || w > 1<<20 || w < -(1<<20) {
		p.addSlowly(row, v, w)
		return
	}
	limb, h := limbOf(v), exactHead(row[1])
	at := int(limb - h.lo())
	if n := h.limbs(); at < 0 || at+3 > n || n == 0 {
		if n == 0 && h.class() == 0 {
			// Most sums never need more than their first block.
			row[0] = p.alloc(exactClass)
			clear(p.words(row[0], exactClass))
			h, at = headOf(limb, 3, exactClass, false, 0), 0
		} else if at < 0 || h.before()+at+3 > 1<<h.class() || n == 0 {
			p.addSlowly(row, v, w)
			return
		} else {
			clear(p.words(row[0], h.class())[h.before()+n : h.before()+at+3])
			h += exactHead(at+3-n) << 8
		}
	}
	h += 1 << 32
	row[1] = uint64(h)
	addLimbs(p.words(row[0], h.class())[h.before()+at:], v, w)
	if h>>32 >= addsMax {
		s := p.load(row, &p.scratch)
		s.carry()
		p.store(row, s)
	}
}

// addSlowly adds what changes the block.
func (p *exactPool) addSlowly(row []uint64, v float64, w int64) {
	s := p.load(row, &p.scratch)
	s.add(v, w)
	p.store(row, s)
}

// addProduct adds w times x·y. The product of two 53-bit mantissas is the sum of two floats, exactly; what is not
// finite is counted in the sums of x and y.
func (p *exactPool) addProduct(row []uint64, x, y float64, w int64) {
	hi, lo, n := exactProduct(x, y)
	if n > 0 {
		p.add(row, hi, w)
	}
	if n > 1 {
		p.add(row, lo, w)
	}
}

// exactProduct returns x·y as the sum of n floats.
func exactProduct(x, y float64) (hi, lo float64, n int) {
	hi = x * y
	switch {
	case hi != hi || math.IsInf(x, 0) || math.IsInf(y, 0):
		return 0, 0, 0
	case math.IsInf(hi, 0):
		return hi, 0, 1
	}
	return hi, math.FMA(x, y, -hi), 2
}

// load makes s the sum in row, with a copy of its limbs in room of its own.
func (p *exactPool) load(row []uint64, s *exactFloat) *exactFloat {
	*s = exactFloat{limbs: s.limbs[:0]}
	h := exactHead(row[1])
	if h.class() == 0 {
		return s
	}
	b := p.words(row[0], h.class())
	if h.specials() {
		s.nan, s.posInf, s.negInf = b[0], b[1], b[2]
		b = b[exactSpecials:]
	}
	s.lo, s.adds = h.lo(), int32(h>>32)
	s.limbs = append(s.limbs, b[:h.limbs()]...)
	return s
}

// store writes s into row.
func (p *exactPool) store(row []uint64, s *exactFloat) {
	h := exactHead(row[1])
	specials := s.nan|s.posInf|s.negInf != 0
	need := len(s.limbs)
	if specials {
		need += exactSpecials
	}
	class := max(h.class(), exactClass)
	if need > 1<<class {
		class = classOf(need)
	}
	if need == 0 {
		p.free(row)
		return
	}
	if class != h.class() {
		p.release(row[0], h.class())
		row[0] = p.alloc(class)
	}
	b := p.words(row[0], class)
	if specials {
		b[0], b[1], b[2] = s.nan, s.posInf, s.negInf
		b = b[exactSpecials:]
	}
	copy(b, s.limbs)
	row[1] = uint64(headOf(s.lo, len(s.limbs), class, specials, s.adds))
}

// free empties the sum in row.
func (p *exactPool) free(row []uint64) {
	p.release(row[0], exactHead(row[1]).class())
	row[0], row[1] = 0, 0
}
