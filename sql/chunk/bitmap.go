package chunk

import "math/bits"

// Bitmap is a set of row numbers, least significant bit first. A nil Bitmap is the
// empty set, whatever the number of rows.
type Bitmap []uint64

// NewBitmap returns an empty bitmap with room for rows [0, n).
func NewBitmap(n int) Bitmap { return make(Bitmap, (n+63)/64) }

// Get reports whether row i is in the set.
func (b Bitmap) Get(i int) bool { return b != nil && b[i>>6]&(1<<(uint(i)&63)) != 0 }

// Set adds row i; the bitmap must have room for it.
func (b Bitmap) Set(i int) { b[i>>6] |= 1 << (uint(i) & 63) }

// Clear removes row i.
func (b Bitmap) Clear(i int) { b[i>>6] &^= 1 << (uint(i) & 63) }

// Grow returns b with room for n rows.
func (b Bitmap) Grow(n int) Bitmap {
	words := (n + 63) / 64
	for len(b) < words {
		b = append(b, 0)
	}
	return b
}

// Count returns the number of rows in the set.
func (b Bitmap) Count() int {
	c := 0
	for _, w := range b {
		c += bits.OnesCount64(w)
	}
	return c
}

// Any reports whether the set has a row.
func (b Bitmap) Any() bool {
	for _, w := range b {
		if w != 0 {
			return true
		}
	}
	return false
}

// Or returns the union of a and b over n rows; it may return a or b itself.
func (b Bitmap) Or(o Bitmap, n int) Bitmap {
	if b == nil {
		return o
	}
	if o == nil {
		return b
	}
	r := NewBitmap(n)
	for i := range r {
		r[i] = b[i] | o[i]
	}
	return r
}

// Clone returns a copy that shares nothing.
func (b Bitmap) Clone() Bitmap {
	if b == nil {
		return nil
	}
	return append(Bitmap(nil), b...)
}
