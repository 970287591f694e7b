package chunk

import (
	"bytes"
	"math"
	"math/bits"

	"streamdb/sql/types"
)

// Layout says how typed columns lie in a row of 64-bit words: a header, whose low bits,
// one a column, mark NULLs (columns from 32 on have mask words of their own behind the
// header) and whose other bits belong to the table's user, then one or two words per
// column. Byte strings are a Ref into the table's Arena.
//
// A row-major layout touches one or two cache lines per row, however many columns a
// key has; that is what a hash table over random keys pays for.
type Layout struct {
	Types Schema
	// normal encodes values in the normal form of SQL equality, so that equal keys
	// have equal words; otherwise identity is kept.
	normal bool
	off    []int // first word of each column
	class  []types.Class
	refs   []int  // the columns that may need the arena: byte strings and numerics
	masks  int    // mask words, the header included; 0 if no column can be NULL
	nulls  uint64 // the bits of the header that mark NULLs
	words  int
}

// NewLayout lays out columns of the given types. With normal set, values are stored
// in the normal form of SQL equality.
func NewLayout(s Schema, normal bool) *Layout {
	l := &Layout{Types: s, normal: normal, off: make([]int, len(s)), class: make([]types.Class, len(s))}
	l.masks, l.nulls = 1, 1<<min(len(s), 32)-1
	if len(s) > 32 {
		l.masks += (len(s) - 32 + 63) / 64
	}
	l.place(s)
	return l
}

// newSolidLayout is NewLayout for keys of which none is ever NULL: the whole header is the
// user's.
func newSolidLayout(s Schema) *Layout {
	l := &Layout{Types: s, normal: true, off: make([]int, len(s)), class: make([]types.Class, len(s))}
	l.place(s)
	return l
}

// place gives each column its words.
func (l *Layout) place(s Schema) {
	l.words = max(l.masks, 1)
	for i, t := range s {
		l.off[i] = l.words
		l.words += wordsOf(t.Class())
		l.class[i] = t.Class()
		if l.class[i] == types.ClassBytes || l.class[i] == types.ClassNumeric {
			l.refs = append(l.refs, i)
		}
	}
}

func wordsOf(c types.Class) int {
	switch c {
	case types.ClassNumeric, types.ClassInterval, types.ClassUUID:
		return 2
	}
	return 1
}

// Words returns the number of words of a row.
func (l *Layout) Words() int { return l.words }

// Offset returns the first word of column i.
func (l *Layout) Offset(i int) int { return l.off[i] }

// maskOf returns the word and bit that mark column i as NULL.
func maskOf(i int) (word int, bit uint64) {
	if i < 32 {
		return 0, 1 << uint(i)
	}
	return 1 + (i-32)/64, 1 << uint((i-32)%64)
}

// IsNull reports whether column i of row is NULL.
func (l *Layout) IsNull(row []uint64, i int) bool {
	w, b := maskOf(i)
	return l.masks > 0 && row[w]&b != 0
}

// HasNull reports whether any column of row is NULL.
func (l *Layout) HasNull(row []uint64) bool {
	if row[0]&l.nulls != 0 {
		return true
	}
	for i := 1; i < l.masks; i++ {
		if row[i] != 0 {
			return true
		}
	}
	return false
}

// encode writes the columns as rows of stride l.words into dst, column at a time.
// The word of a byte string or a big numeric holds its row number instead of a Ref:
// what is only looked up is not copied into the arena (see intern).
func (l *Layout) encode(cols []*Column, n int, dst []uint64) {
	clear(dst[:n*l.words])
	for i, c := range cols {
		at, w := l.off[i], l.words
		switch c.Type.Class() {
		case types.ClassBool:
			for r, v := range c.Bools[:n] {
				if v {
					dst[r*w+at] = 1
				}
			}
		case types.ClassInt:
			for r, v := range c.Ints[:n] {
				dst[r*w+at] = uint64(v)
			}
		case types.ClassFloat:
			for r, v := range c.Floats[:n] {
				if l.normal {
					v = NormalFloat(v)
				}
				dst[r*w+at] = math.Float64bits(v)
			}
		case types.ClassNumeric:
			l.encodeNums(c, n, dst[at:])
		case types.ClassInterval:
			for r, v := range c.Ivls[:n] {
				if l.normal {
					v = NormalInterval(v)
				}
				dst[r*w+at] = uint64(v.Micros)
				dst[r*w+at+1] = uint64(uint32(v.Months))<<32 | uint64(uint32(v.Days))
			}
		case types.ClassUUID:
			for r := range c.UUIDs[:n] {
				dst[r*w+at], dst[r*w+at+1] = uuidWords(&c.UUIDs[r])
			}
		default:
			for r := range n {
				dst[r*w+at] = uint64(r)
			}
		}
		if c.Nulls != nil {
			l.encodeNulls(c, i, n, dst)
		}
	}
}

// encodeNulls marks the NULLs of column i and zeroes their value words.
func (l *Layout) encodeNulls(c *Column, i, n int, dst []uint64) {
	mw, bit := maskOf(i)
	end := l.off[i] + wordsOf(c.Type.Class())
	for k, word := range c.Nulls {
		for ; word != 0; word &= word - 1 {
			r := k*64 + bits.TrailingZeros64(word)
			if r >= n {
				return
			}
			row := dst[r*l.words : (r+1)*l.words]
			row[mw] |= bit
			clear(row[l.off[i]:end])
		}
	}
}

// encodeNums writes numerics: the first word is the coefficient, the second form and
// scale. A big one has its row number in the first word, see bytesOf.
func (l *Layout) encodeNums(c *Column, n int, dst []uint64) {
	w := l.words
	for r, v := range c.Nums[:n] {
		if l.normal {
			v = NormalNum(v)
		}
		if v.Form == types.NumBig {
			v.Coef = int64(r)
		}
		dst[r*w] = uint64(v.Coef)
		dst[r*w+1] = uint64(v.Form)<<32 | uint64(uint32(v.Scale))
	}
}

func uuidWords(u *[16]byte) (hi, lo uint64) {
	for i := range 8 {
		hi = hi<<8 | uint64(u[i])
		lo = lo<<8 | uint64(u[i+8])
	}
	return hi, lo
}

// NormalFloat returns the representative of v under SQL equality: -0 becomes 0 and
// every NaN the same one.
func NormalFloat(v float64) float64 {
	if v == 0 {
		return 0
	}
	if v != v {
		return math.NaN()
	}
	return v
}

// NormalNum returns the representative of an inline numeric under SQL equality:
// trailing zeros of the fraction are cut. Big coefficients are returned as they are.
func NormalNum(v types.Num) types.Num {
	if v.Form != types.NumInline {
		return v
	}
	if v.Coef == 0 {
		return types.Num{}
	}
	for v.Scale > 0 && v.Coef%10 == 0 {
		v.Coef /= 10
		v.Scale--
	}
	return v
}

// NormalInterval returns the representative of v under SQL equality, where a month is
// 30 days and a day 24 hours.
func NormalInterval(v types.Interval) types.Interval {
	const day = 24 * 3600 * 1_000_000
	d := int64(v.Months)*30 + int64(v.Days)
	us := v.Micros
	d += us / day
	us %= day
	if us < 0 {
		us += day
		d--
	}
	m := d / 30
	d %= 30
	if d < 0 {
		d += 30
		m--
	}
	return types.Interval{Months: int32(m), Days: int32(d), Micros: us}
}

// isBytes reports whether column i's word is a Ref, in a given row.
func (l *Layout) isBytes(row []uint64, i int) bool {
	switch l.class[i] {
	case types.ClassBytes:
		return true
	case types.ClassNumeric:
		return types.NumForm(row[l.off[i]+1]>>32) == types.NumBig
	}
	return false
}

// bytesOf returns the bytes that stand behind column i in row r of c.
func (l *Layout) bytesOf(c *Column, i, r int) []byte {
	if c.Type.Class() == types.ClassNumeric {
		return c.NumBytes(c.Nums[r])
	}
	b := c.StringAt(r)
	if !l.normal {
		return b
	}
	switch {
	case c.Type.Kind == types.KindBPChar:
		return bytes.TrimRight(b, " ")
	case !c.Type.PlainBytes():
		return types.NormalizeVarlen(nil, c.Type, types.BytesString(b))
	}
	return b
}

// hasBytes reports whether any column may need the arena.
func (l *Layout) hasBytes() bool {
	for _, t := range l.Types {
		if c := t.Class(); c == types.ClassBytes || c == types.ClassNumeric {
			return true
		}
	}
	return false
}

// intern replaces row numbers by arena references in an encoded row that is kept.
func (l *Layout) intern(row []uint64, cols []*Column, r int, a *Arena) {
	for _, i := range l.refs {
		if !l.IsNull(row, i) && l.isBytes(row, i) {
			row[l.off[i]] = uint64(a.Add(l.bytesOf(cols[i], i, r)))
		}
	}
}

// equal reports whether the stored row has the same columns as the encoded one,
// which is row r of cols.
func (l *Layout) equal(row, enc []uint64, cols []*Column, r int, a *Arena) bool {
	if row[0]&l.nulls != enc[0] {
		return false
	}
	for i := 1; i < l.masks; i++ {
		if row[i] != enc[i] {
			return false
		}
	}
	for i := range cols {
		at := l.off[i]
		if l.IsNull(enc, i) {
			continue
		}
		if wordsOf(l.class[i]) == 2 && row[at+1] != enc[at+1] {
			return false
		}
		if l.isBytes(enc, i) {
			if !bytes.Equal(a.Get(Ref(row[at])), l.bytesOf(cols[i], i, r)) {
				return false
			}
		} else if row[at] != enc[at] {
			return false
		}
	}
	return true
}

// Release gives back the arena bytes of a row that is going away.
func (l *Layout) Release(row []uint64, a *Arena) {
	for _, i := range l.refs {
		if !l.IsNull(row, i) && l.isBytes(row, i) {
			a.Drop(Ref(row[l.off[i]]))
		}
	}
}

// Refs appends the arena references of a row to dst.
func (l *Layout) Refs(row []uint64, dst []Ref) []Ref {
	for _, i := range l.refs {
		if !l.IsNull(row, i) && l.isBytes(row, i) {
			dst = append(dst, Ref(row[l.off[i]]))
		}
	}
	return dst
}

// Rehome copies the bytes of a row from one arena to another.
func (l *Layout) Rehome(row []uint64, from, to *Arena) {
	for _, i := range l.refs {
		if !l.IsNull(row, i) && l.isBytes(row, i) {
			at := l.off[i]
			row[at] = uint64(to.Add(from.Get(Ref(row[at]))))
		}
	}
}
