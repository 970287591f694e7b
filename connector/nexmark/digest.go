package nexmark

import (
	"math/bits"
	"sync"

	"streamdb/sql/chunk"
)

// Digest folds rows that the source has given, in their order, into 64 bits: numbers as
// they are, strings by their place in the tables that they are cut from, of which a
// digest is folded in. Columns that were not read are left out. It is what tells that
// another node reads the same rows.
//
// It takes about as long as reading the columns from memory: four sums that do not wait for
// each other take two values per multiplication.
func (*Source) Digest(rows []*chunk.Chunk) uint64 {
	sum := wordsDigest()
	for _, c := range rows {
		for k, col := range c.Cols {
			if col == nil {
				continue
			}
			at := (uint64(k)<<32 | uint64(c.Rows)) * 0x9e3779b97f4a7c15
			if col.Views != nil {
				sum = foldViews(sum^at, col.Views)
			} else {
				sum = foldInts(sum^at, col.Ints)
			}
		}
	}
	return sum
}

// The secrets are the fractional parts of square roots; any odd numbers without pattern do.
const (
	secret0 = 0xbb67ae8584caa73b
	secret1 = 0x3c6ef372fe94f82b
	secret2 = 0xa54ff53a5f1d36f1
	secret3 = 0x510e527fade682d1
)

// mix multiplies to 128 bits and folds the halves: every bit of a factor reaches all of the result.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

func foldInts(seed uint64, v []int64) uint64 {
	a, b, c, d := seed^secret0, seed^secret1, seed^secret2, seed^secret3
	for ; len(v) >= 8; v = v[8:] {
		a = mix(a^uint64(v[0]), secret0^uint64(v[1]))
		b = mix(b^uint64(v[2]), secret1^uint64(v[3]))
		c = mix(c^uint64(v[4]), secret2^uint64(v[5]))
		d = mix(d^uint64(v[6]), secret3^uint64(v[7]))
	}
	for _, x := range v {
		a = mix(a^uint64(x), secret1)
	}
	return mix(mix(a^secret2, b^secret3)^c, mix(c^secret0, d^secret1)^a)
}

func foldViews(seed uint64, v []chunk.View) uint64 {
	word := func(x chunk.View) uint64 { return uint64(x.Off) | uint64(x.Len)<<32 }
	a, b, c, d := seed^secret0, seed^secret1, seed^secret2, seed^secret3
	for ; len(v) >= 8; v = v[8:] {
		a = mix(a^word(v[0]), secret0^word(v[1]))
		b = mix(b^word(v[2]), secret1^word(v[3]))
		c = mix(c^word(v[4]), secret2^word(v[5]))
		d = mix(d^word(v[6]), secret3^word(v[7]))
	}
	for _, x := range v {
		a = mix(a^word(x), secret1)
	}
	return mix(mix(a^secret2, b^secret3)^c, mix(c^secret0, d^secret1)^a)
}

// FormerDigest is the digest of rows [lo, hi) with all columns as it was before it became
// what Digest is.
func (s *Source) FormerDigest(lo, hi int64) uint64 {
	sum := wordsDigest()
	for ; lo < hi; lo += chunk.RowsMax {
		for k, col := range s.chunk(lo, min(lo+chunk.RowsMax, hi), s.all()).Cols {
			h := uint64(k+1) * 0x9e3779b97f4a7c15
			for _, v := range col.Ints {
				h = (h ^ uint64(v)) * 0xd6e8feb86659fd93
				h ^= h >> 32
			}
			for _, v := range col.Views {
				h = (h ^ uint64(v.Off)<<32 ^ uint64(v.Len)) * 0xd6e8feb86659fd93
				h ^= h >> 32
			}
			sum = (sum ^ h) * 0xd1342543de82ef95
			sum ^= sum >> 29
		}
	}
	return sum
}

// wordsDigest is the digest of all tables of strings.
var wordsDigest = sync.OnceValue(func() uint64 {
	h := uint64(14695981039346656037)
	fold := func(b []byte) {
		for _, x := range b {
			h = (h ^ uint64(x)) * 1099511628211
		}
	}
	for _, l := range []*lexicon{&names, &emails, &cards, &cityWords, &stateWords, &channels, &urls} {
		fold(l.bytes)
	}
	fold(letters)
	return h
})
