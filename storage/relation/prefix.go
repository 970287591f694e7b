package relation

import "streamdb/sql/chunk"

// prefixes is the prefixes of a block's rows, see chunk.Comparator: stored, or computed
// from the integers of the first key column, which saves eight bytes a row.
type prefixes struct {
	words []uint64
	ints  []int64
	by    *chunk.IntPrefix
}

// at returns the prefix of row i.
func (p *prefixes) at(i int) uint64 {
	if p.words == nil {
		return p.by.At(p.ints[i])
	}
	return p.words[i]
}

// known reports whether there are any.
func (p *prefixes) known() bool { return p.words != nil || p.by != nil }

// slice returns those of rows [lo, hi).
func (p *prefixes) slice(lo, hi int) prefixes {
	if p.words == nil && p.by != nil {
		return prefixes{ints: p.ints[lo:hi:hi], by: p.by}
	}
	if p.words == nil {
		return prefixes{}
	}
	return prefixes{words: p.words[lo:hi:hi]}
}

// prefixesOf returns the prefixes of rows in all columns of l.
func (l *layout) prefixesOf(cols []*chunk.Column, rows int) prefixes {
	if p, ok := l.intPrefixes(cols); ok {
		return p
	}
	p := prefixes{words: make([]uint64, rows)}
	l.order.Prefixes(cols, rows, p.words)
	return p
}

// intPrefixes returns false where prefixes have to be stored.
func (l *layout) intPrefixes(cols []*chunk.Column) (prefixes, bool) {
	if l.byInt == nil {
		return prefixes{}, false
	}
	c := cols[l.byInt.Col]
	if c.Nulls != nil || c.Errs != nil {
		return prefixes{}, false
	}
	return prefixes{ints: c.Ints, by: l.byInt}, true
}

// search returns the first i in [lo, hi) whose prefix is at least v, or hi.
func (p *prefixes) search(lo, hi int, v uint64) int {
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if p.at(m) < v {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// gallop is search for a place that is probably near lo.
func (p *prefixes) gallop(lo, hi int, v uint64) int {
	step := 1
	for lo+step < hi && p.at(lo+step-1) < v {
		lo += step
		step <<= 1
	}
	return p.search(lo, min(lo+step, hi), v)
}
