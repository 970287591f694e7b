package exec

import (
	"math/big"
	"math/bits"
	"slices"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// mixedPool keeps the mixedSums of groups in blocks:
//
//	NaN | Infinity | -Infinity | entry …       the first three by weight
//	entry: row | wide sum | wide squares       one per scale, ascending
//
// where row is that of a scaleSum, without squares where none are wanted, and a wide number is two words: its block, and
// length<<16 | sign<<8 | size class.
type mixedPool struct {
	blockArena[uint64]
	heads sideRows // per group: block, then entries<<8 | size class
	sum   int      // words of a row

	view  mixedSum   // scratch of load
	wides []*wideSum // for its scales
	bits  []big.Word
	wide  big.Int
}

const (
	mixedSpecials = 3 // words before the entries
	wideWords     = 2
)

func newMixedPool(sum int) mixedPool { return mixedPool{heads: sideRows{stride: 2}, sum: sum} }

// stride is the words of an entry.
func (p *mixedPool) stride() int {
	if p.sum == sumWords {
		return p.sum + 2*wideWords
	}
	return p.sum + wideWords
}

// has reports whether group s has a mixed sum.
func (p *mixedPool) has(s int32) bool {
	return int(s) < p.heads.slots() && p.heads.row(s)[1] != 0
}

// words of group s's mixed sum: the counts and the entries.
func (p *mixedPool) of(s int32) (specials, entries []uint64) {
	h := p.heads.row(s)
	b := p.words(h[0], uint8(h[1]))
	return b[:mixedSpecials], b[mixedSpecials : mixedSpecials+int(h[1]>>8)*p.stride()]
}

// resize makes room for n entries of group s; those that are new are undefined.
func (p *mixedPool) resize(s int32, n int) {
	h := p.heads.row(s)
	class := uint8(h[1])
	if need := mixedSpecials + n*p.stride(); need > 1<<class || class == 0 {
		grown := classOf(need)
		b := p.alloc(grown)
		if class > 0 {
			copy(p.words(b, grown), p.words(h[0], class))
			p.release(h[0], class)
		} else {
			clear(p.words(b, grown)[:mixedSpecials])
		}
		h[0], class = b, grown
	}
	h[1] = uint64(n)<<8 | uint64(class)
}

// take makes group s's mixed sum of what a row holds, if it has none.
func (p *mixedPool) take(row []uint64, s int32) {
	if p.has(s) {
		return
	}
	p.resize(s, 0)
	if row[sumKind] != sumEmpty {
		p.resize(s, 1)
		_, e := p.of(s)
		clear(e)
		copy(e, row)
	}
	n := row[sumN]
	clear(row)
	row[sumN], row[sumKind] = n, sumMixed
}

// add adds w times row i of column c, which is numeric, to group s.
func (p *mixedPool) add(s int32, c *chunk.Column, i int, w int64, x *numericMath) {
	v := c.Nums[i]
	switch v.Form {
	case types.NumNaN, types.NumPosInf, types.NumNegInf:
		specials, _ := p.of(s)
		switch v.Form {
		case types.NumNaN:
			specials[0] += uint64(w)
		case types.NumPosInf:
			specials[1] += uint64(w)
		default:
			specials[2] += uint64(w)
		}
		return
	}
	e := p.entry(s, v.Scale)
	if addInline(e[:p.sum], v, w) {
		return
	}
	e[sumN] += uint64(w)
	x.setWide(c, v, w)
	p.addWide(e[p.sum:], &x.p)
	if p.sum == sumWords {
		p.addWide(e[p.sum+wideWords:], &x.q)
	}
}

// entry returns group s's entry of a scale, which is made if there is none yet.
func (p *mixedPool) entry(s, scale int32) []uint64 {
	_, es := p.of(s)
	n, at := p.stride(), 0
	for ; at < len(es) && rowScale(es[at:]) < scale; at += n {
	}
	if at == len(es) || rowScale(es[at:]) != scale {
		p.resize(s, len(es)/n+1)
		_, es = p.of(s)
		copy(es[at+n:], es[at:])
		clear(es[at : at+n])
		es[at+sumKind] = uint64(uint32(scale))<<8 | sumInline
	}
	return es[at : at+n]
}

// addWide adds v to a wide number.
func (p *mixedPool) addWide(ref []uint64, v *big.Int) {
	p.loadWide(ref, &p.wide)
	p.wide.Add(&p.wide, v)
	p.storeWide(ref, &p.wide)
}

// loadWide sets z to a wide number.
func (p *mixedPool) loadWide(ref []uint64, z *big.Int) {
	n := int(ref[1] >> 16)
	p.bits = p.bits[:0]
	if n > 0 {
		for _, w := range p.words(ref[0], uint8(ref[1]))[:n] {
			p.bits = append(p.bits, big.Word(w))
			if bits.UintSize == 32 {
				p.bits = append(p.bits, big.Word(w>>32))
			}
		}
	}
	// Set copies: bits is used again.
	var v big.Int
	z.Set(v.SetBits(p.bits))
	if ref[1]>>8&1 != 0 {
		z.Neg(z)
	}
}

// storeWide sets a wide number to z.
func (p *mixedPool) storeWide(ref []uint64, z *big.Int) {
	words := z.Bits()
	const per = 64 / bits.UintSize
	n, class := (len(words)+per-1)/per, uint8(ref[1])
	if n == 0 {
		p.release(ref[0], class)
		ref[0], ref[1] = 0, 0
		return
	}
	if n > 1<<class || class == 0 {
		p.release(ref[0], class)
		class = classOf(n)
		ref[0] = p.alloc(class)
	}
	b := p.words(ref[0], class)[:n]
	clear(b)
	for i, w := range words {
		b[i/per] |= uint64(w) << (i % per * 32)
	}
	ref[1] = uint64(n)<<16 | uint64(class)
	if z.Sign() < 0 {
		ref[1] |= 1 << 8
	}
}

// free drops group s's mixed sum.
func (p *mixedPool) free(s int32) {
	if !p.has(s) {
		return
	}
	_, es := p.of(s)
	for e := range slices.Chunk(es, p.stride()) {
		p.freeWide(e)
	}
	h := p.heads.row(s)
	p.release(h[0], uint8(h[1]))
	h[0], h[1] = 0, 0
}

func (p *mixedPool) freeWide(entry []uint64) {
	for at := p.sum; at < len(entry); at += wideWords {
		p.release(entry[at], uint8(entry[at+1]))
	}
}

// single moves a group's sum into row if that can hold it. All values of the epoch are in; scales of which none is left
// are dropped.
func (p *mixedPool) single(row []uint64, s int32) {
	specials, es := p.of(s)
	n, keep := p.stride(), 0
	for at := 0; at < len(es); at += n {
		e := es[at : at+n]
		if e[sumN] == 0 {
			p.freeWide(e)
			continue
		}
		if keep < at {
			copy(es[keep:], e)
		}
		keep += n
	}
	p.resize(s, keep/n)
	if keep != n || specials[0]|specials[1]|specials[2] != 0 {
		return
	}
	for at := p.sum; at < n; at += wideWords {
		if es[at+1]>>16 != 0 {
			return
		}
	}
	copy(row, es[:p.sum])
	p.free(s)
}

// load returns group s's sum, nil for none. It is valid until the next load.
func (p *mixedPool) load(s int32) *mixedSum {
	if !p.has(s) {
		return nil
	}
	specials, es := p.of(s)
	m := &p.view
	*m = mixedSum{scales: m.scales[:0], nan: int64(specials[0]), posInf: int64(specials[1]), negInf: int64(specials[2])}
	for e := range slices.Chunk(es, p.stride()) {
		x := scaleSum{}
		copy(x.row[:], e[:p.sum])
		if k := len(m.scales); e[p.sum+1] != 0 || p.sum == sumWords && e[p.sum+wideWords+1] != 0 {
			for k >= len(p.wides) {
				p.wides = append(p.wides, &wideSum{})
			}
			x.wide = p.wides[k]
			p.loadWide(e[p.sum:], &x.wide.sum)
			if p.sum == sumWords {
				p.loadWide(e[p.sum+wideWords:], &x.wide.squares)
			}
		}
		m.scales = append(m.scales, x)
	}
	return m
}

// store makes m group s's sum, which has none.
func (p *mixedPool) store(s int32, m *mixedSum) {
	p.resize(s, len(m.scales))
	specials, es := p.of(s)
	specials[0], specials[1], specials[2] = uint64(m.nan), uint64(m.posInf), uint64(m.negInf)
	clear(es)
	for i := range m.scales {
		e := es[i*p.stride():]
		copy(e[:p.sum], m.scales[i].row[:])
		if w := m.scales[i].wide; w != nil {
			p.storeWide(e[p.sum:], &w.sum)
			if p.sum == sumWords {
				p.storeWide(e[p.sum+wideWords:], &w.squares)
			}
		}
	}
}

func (p *mixedPool) bytes() int64 { return p.heads.bytes() + p.total }

func (p *mixedPool) useMemory(m chunk.Memory) {
	p.heads.useMemory(m)
	p.blockArena.useMemory(m)
}
