package chunk

import (
	"slices"
)

// radixRowsMin is the size from which a radix sort on the prefix beats comparing;
// chosen by BenchmarkSort.
const radixRowsMin = 192

// keyed is a row with its prefix.
type keyed struct {
	prefix uint64
	row    int32
}

// Sorter sorts rows and keeps its buffers from one call to the next. The zero Sorter
// is ready. A Sorter is used by one goroutine at a time.
//
// Rows are sorted by prefix: a radix sort over the bytes that differ, or a plain
// comparison sort for few rows. Only rows of equal prefix are compared in full.
type Sorter struct {
	rows, spare []keyed
	prefix      []uint64
	out         []int32
}

// Sort returns the row numbers of cols[0:n) in c's order; rows that compare as equal
// keep their order. The result is valid until the next call.
func (s *Sorter) Sort(c *Comparator, cols []*Column, n int) []int32 {
	s.out = resize(s.out, n)
	if n <= 1 {
		if n == 1 {
			s.out[0] = 0
		}
		return s.out
	}
	s.prefix = resize(s.prefix, n)
	c.Prefixes(cols, n, s.prefix)
	if s.sorted(c, cols) {
		for i := range s.out {
			s.out[i] = int32(i)
		}
		return s.out
	}
	s.rows = resize(s.rows, n)
	for i, p := range s.prefix {
		s.rows[i] = keyed{p, int32(i)}
	}
	if n < radixRowsMin {
		slices.SortFunc(s.rows, func(a, b keyed) int { return compareKeyed(c, cols, a, b) })
	} else {
		s.radix()
		if !c.prefix.exact {
			sortTies(c, cols, s.rows)
		}
	}
	for i, r := range s.rows {
		s.out[i] = r.row
	}
	return s.out
}

// compareKeyed never returns 0 for two rows: the row number is the last resort.
func compareKeyed(c *Comparator, cols []*Column, a, b keyed) int {
	if a.prefix != b.prefix {
		if a.prefix < b.prefix {
			return -1
		}
		return 1
	}
	if !c.prefix.exact {
		if r := c.Compare(cols, int(a.row), cols, int(b.row)); r != 0 {
			return r
		}
	}
	return int(a.row) - int(b.row)
}

// sorted reports whether the rows are in order already.
func (s *Sorter) sorted(c *Comparator, cols []*Column) bool {
	p := s.prefix
	for i := 1; i < len(p); i++ {
		if p[i] > p[i-1] {
			continue
		}
		if p[i] < p[i-1] || (!c.prefix.exact && c.Compare(cols, i-1, cols, i) > 0) {
			return false
		}
	}
	return true
}

// radix sorts s.rows by prefix, least significant byte first, leaving out the bytes
// that are alike everywhere.
func (s *Sorter) radix() {
	var count [8][256]int32
	for _, r := range s.rows {
		p := r.prefix
		count[0][byte(p)]++
		count[1][byte(p>>8)]++
		count[2][byte(p>>16)]++
		count[3][byte(p>>24)]++
		count[4][byte(p>>32)]++
		count[5][byte(p>>40)]++
		count[6][byte(p>>48)]++
		count[7][byte(p>>56)]++
	}
	s.spare = resize(s.spare, len(s.rows))
	for b := range count {
		c, shift := &count[b], uint(8*b)
		if c[byte(s.rows[0].prefix>>shift)] == int32(len(s.rows)) {
			continue
		}
		var at int32
		for i, n := range c {
			c[i] = at
			at += n
		}
		for _, r := range s.rows {
			d := byte(r.prefix >> shift)
			s.spare[c[d]] = r
			c[d]++
		}
		s.rows, s.spare = s.spare, s.rows
	}
}

// sortTies orders each stretch of equal prefixes by comparing.
func sortTies(c *Comparator, cols []*Column, rows []keyed) {
	for lo := 0; lo < len(rows); {
		hi := lo + 1
		for hi < len(rows) && rows[hi].prefix == rows[lo].prefix {
			hi++
		}
		switch hi - lo {
		case 1:
		case 2:
			if compareKeyed(c, cols, rows[lo], rows[lo+1]) > 0 {
				rows[lo], rows[lo+1] = rows[lo+1], rows[lo]
			}
		default:
			slices.SortFunc(rows[lo:hi], func(a, b keyed) int { return compareKeyed(c, cols, a, b) })
		}
		lo = hi
	}
}

// SortRows returns the row numbers of the n rows of cols in SQL order by keys, whose
// Col counts within cols; ties keep their order.
func SortRows(cols []*Column, n int, keys []SortKey) []int32 {
	schema := make(Schema, len(cols))
	for i, c := range cols {
		schema[i] = c.Type
	}
	keys = slices.Clone(keys)
	for i := range keys {
		c := cols[keys[i].Col]
		keys[i].NotNull = c.Nulls == nil && c.Errs == nil
	}
	var s Sorter
	return s.Sort(NewComparator(schema, keys), cols, n)
}
