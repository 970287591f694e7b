package chunk

import (
	"math"

	"streamdb/sql/types"
)

// View locates a byte string in its column's Bytes.
type View struct{ Off, Len uint32 }

// RowError is an error that stands in the place of a value.
type RowError struct {
	Row int
	// Err is immutable and shared; usually a *sqlerr.Error.
	Err error
}

// Column is a typed vector. Exactly one of the value slices is in use, chosen by
// Type.Class(); it has Len() elements. Value slots of NULL and error rows are
// defined (zero or anything of the type) but mean nothing, so that kernels may
// compute over them.
//
// A Column that has been handed on is immutable: its slices may be shared by other
// columns.
type Column struct {
	Type types.Type

	Bools  []bool
	Ints   []int64
	Floats []float64
	Nums   []types.Num // big coefficients lie in Bytes
	Ivls   []types.Interval
	UUIDs  [][16]byte
	Views  []View // into Bytes
	Bytes  []byte

	// Nulls marks NULL rows; nil means there is none.
	Nulls Bitmap
	// Errs lists the rows whose value is an error, rising by Row; nil means there
	// is none. An error row is not marked in Nulls.
	Errs []RowError
}

// NewColumn returns an empty column of type t with room for n rows.
func NewColumn(t types.Type, n int) *Column {
	c := &Column{Type: t}
	c.Reserve(n)
	return c
}

// Reserve makes room for n more rows without changing the length.
func (c *Column) Reserve(n int) {
	switch c.Type.Class() {
	case types.ClassBool:
		c.Bools = grow(c.Bools, n)
	case types.ClassInt:
		c.Ints = grow(c.Ints, n)
	case types.ClassFloat:
		c.Floats = grow(c.Floats, n)
	case types.ClassNumeric:
		c.Nums = grow(c.Nums, n)
	case types.ClassInterval:
		c.Ivls = grow(c.Ivls, n)
	case types.ClassUUID:
		c.UUIDs = grow(c.UUIDs, n)
	default:
		c.Views = grow(c.Views, n)
	}
}

func grow[T any](s []T, n int) []T {
	if cap(s)-len(s) >= n {
		return s
	}
	r := make([]T, len(s), max(len(s)+n, 2*cap(s)))
	copy(r, s)
	return r
}

// Len returns the number of rows.
func (c *Column) Len() int {
	switch c.Type.Class() {
	case types.ClassBool:
		return len(c.Bools)
	case types.ClassInt:
		return len(c.Ints)
	case types.ClassFloat:
		return len(c.Floats)
	case types.ClassNumeric:
		return len(c.Nums)
	case types.ClassInterval:
		return len(c.Ivls)
	case types.ClassUUID:
		return len(c.UUIDs)
	}
	return len(c.Views)
}

// Resize sets the length to n; new value slots are zero. Nulls and Errs are left
// alone, so a shrinking caller has dropped what lay behind n.
func (c *Column) Resize(n int) {
	switch c.Type.Class() {
	case types.ClassBool:
		c.Bools = resize(c.Bools, n)
	case types.ClassInt:
		c.Ints = resize(c.Ints, n)
	case types.ClassFloat:
		c.Floats = resize(c.Floats, n)
	case types.ClassNumeric:
		c.Nums = resize(c.Nums, n)
	case types.ClassInterval:
		c.Ivls = resize(c.Ivls, n)
	case types.ClassUUID:
		c.UUIDs = resize(c.UUIDs, n)
	default:
		c.Views = resize(c.Views, n)
	}
}

func resize[T any](s []T, n int) []T {
	if n <= cap(s) {
		old := len(s)
		s = s[:n]
		if n > old {
			clear(s[old:])
		}
		return s
	}
	r := make([]T, n, max(n, 2*cap(s)))
	copy(r, s)
	return r
}

// IsNull reports whether row i is NULL.
func (c *Column) IsNull(i int) bool { return c.Nulls.Get(i) }

// SetNull marks row i, which must exist, as NULL.
func (c *Column) SetNull(i int) {
	c.Nulls = c.Nulls.Grow(max(c.Len(), i+1))
	c.Nulls.Set(i)
}

// StringAt returns row i's bytes without copying; valid as long as the column.
func (c *Column) StringAt(i int) []byte {
	v := c.Views[i]
	return c.Bytes[v.Off : v.Off+v.Len : v.Off+v.Len]
}

// AppendBytes appends one byte string, copying it.
func (c *Column) AppendBytes(b []byte) {
	c.Views = append(c.Views, c.addBytes(b))
	c.growNulls()
}

// AppendString appends one byte string, copying it.
func (c *Column) AppendString(s string) {
	off := len(c.Bytes)
	checkBytes(off + len(s))
	c.Bytes = append(c.Bytes, s...)
	c.Views = append(c.Views, View{uint32(off), uint32(len(s))})
	c.growNulls()
}

func (c *Column) addBytes(b []byte) View {
	off := len(c.Bytes)
	checkBytes(off + len(b))
	c.Bytes = append(c.Bytes, b...)
	return View{uint32(off), uint32(len(b))}
}

// checkBytes holds the invariant len(Bytes) <= 4 GiB; producers keep chunks far
// below it, so that passing it is our mistake.
func checkBytes(n int) {
	if uint64(n) > math.MaxUint32 {
		panic("chunk: column bytes exceed 4 GiB")
	}
}

// growNulls keeps a present null bitmap as long as the column.
func (c *Column) growNulls() {
	if c.Nulls != nil {
		c.Nulls = c.Nulls.Grow(c.Len())
	}
}

// AppendNull appends a NULL row.
func (c *Column) AppendNull() {
	n := c.Len()
	c.Resize(n + 1)
	c.SetNull(n)
}

// AppendError appends a row whose value is err.
func (c *Column) AppendError(err error) {
	n := c.Len()
	c.Resize(n + 1)
	c.growNulls()
	c.Errs = append(c.Errs, RowError{n, err})
}

// ErrAt returns the error of row i, or nil.
func (c *Column) ErrAt(i int) error {
	lo, hi := 0, len(c.Errs)
	for lo < hi {
		m := (lo + hi) / 2
		if c.Errs[m].Row < i {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < len(c.Errs) && c.Errs[lo].Row == i {
		return c.Errs[lo].Err
	}
	return nil
}
