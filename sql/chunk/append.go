package chunk

import (
	"slices"
	"strings"

	"streamdb/sql/types"
)

// AppendDatum appends one value; d must be of the column's type.
func (c *Column) AppendDatum(d types.Datum) {
	if d.Null {
		c.AppendNull()
		return
	}
	switch c.Type.Class() {
	case types.ClassBool:
		c.Bools = append(c.Bools, d.I != 0)
	case types.ClassInt:
		c.Ints = append(c.Ints, d.I)
	case types.ClassFloat:
		c.Floats = append(c.Floats, d.F)
	case types.ClassNumeric:
		n := d.N
		if n.Form == types.NumBig {
			v := c.addBytes([]byte(d.S))
			n = types.MakeBig(v.Off, v.Len, n.Scale)
		}
		c.Nums = append(c.Nums, n)
	case types.ClassInterval:
		c.Ivls = append(c.Ivls, d.V)
	case types.ClassUUID:
		c.UUIDs = append(c.UUIDs, d.U)
	default:
		c.AppendString(d.S)
		return
	}
	c.growNulls()
}

// Datum returns row i as a value of its own. An error row reads as NULL: callers
// look at Errs first.
func (c *Column) Datum(i int) types.Datum {
	d := c.Peek(i)
	d.S = strings.Clone(d.S)
	return d
}

// Peek is Datum without a copy: its bytes are the column's, until that is emptied.
func (c *Column) Peek(i int) types.Datum {
	if c.Nulls.Get(i) || (c.Errs != nil && c.ErrAt(i) != nil) {
		return types.NullDatum
	}
	switch c.Type.Class() {
	case types.ClassBool:
		if c.Bools[i] {
			return types.Datum{I: 1}
		}
		return types.Datum{}
	case types.ClassInt:
		return types.Datum{I: c.Ints[i]}
	case types.ClassFloat:
		return types.Datum{F: c.Floats[i]}
	case types.ClassNumeric:
		d := types.Datum{N: c.Nums[i]}
		if d.N.Form == types.NumBig {
			d.S = types.BytesString(c.NumBytes(d.N))
			d.N.Coef = 0
		}
		return d
	case types.ClassInterval:
		return types.Datum{V: c.Ivls[i]}
	case types.ClassUUID:
		return types.Datum{U: c.UUIDs[i]}
	}
	return types.Datum{S: types.BytesString(c.StringAt(i))}
}

// NumBytes returns the coefficient bytes of a big numeric of this column.
func (c *Column) NumBytes(n types.Num) []byte {
	off, l := n.BigSpan()
	return c.Bytes[off : off+l]
}

// Gather returns the rows idx of c, in that order. Bytes are shared with c.
func (c *Column) Gather(idx []int32) *Column {
	r := &Column{Type: c.Type}
	switch c.Type.Class() {
	case types.ClassBool:
		r.Bools = gather(c.Bools, idx)
	case types.ClassInt:
		r.Ints = gather(c.Ints, idx)
	case types.ClassFloat:
		r.Floats = gather(c.Floats, idx)
	case types.ClassNumeric:
		r.Nums, r.Bytes = gather(c.Nums, idx), c.Bytes
	case types.ClassInterval:
		r.Ivls = gather(c.Ivls, idx)
	case types.ClassUUID:
		r.UUIDs = gather(c.UUIDs, idx)
	default:
		r.Views, r.Bytes = gather(c.Views, idx), c.Bytes[:len(c.Bytes):len(c.Bytes)]
	}
	if c.Nulls != nil {
		r.Nulls = NewBitmap(len(idx))
		for i, j := range idx {
			if c.Nulls.Get(int(j)) {
				r.Nulls.Set(i)
			}
		}
	}
	if c.Errs != nil {
		for i, j := range idx {
			if e := c.ErrAt(int(j)); e != nil {
				r.Errs = append(r.Errs, RowError{i, e})
			}
		}
	}
	return r
}

func gather[T any](s []T, idx []int32) []T {
	r := make([]T, len(idx))
	for i, j := range idx {
		r[i] = s[j]
	}
	return r
}

// AppendRows appends rows idx of src (all rows when idx is nil), which has the same
// class. Bytes are copied, except that an empty column takes src's buffer when it
// takes all of src.
func (c *Column) AppendRows(src *Column, idx []int32) {
	base := c.Len()
	n := len(idx)
	if idx == nil {
		n = src.Len()
	}
	switch c.Type.Class() {
	case types.ClassBool:
		c.Bools = appendRows(c.Bools, src.Bools, idx)
	case types.ClassInt:
		c.Ints = appendRows(c.Ints, src.Ints, idx)
	case types.ClassFloat:
		c.Floats = appendRows(c.Floats, src.Floats, idx)
	case types.ClassNumeric:
		c.Nums = appendRows(c.Nums, src.Nums, idx)
		c.rehomeNums(src, base)
	case types.ClassInterval:
		c.Ivls = appendRows(c.Ivls, src.Ivls, idx)
	case types.ClassUUID:
		c.UUIDs = appendRows(c.UUIDs, src.UUIDs, idx)
	default:
		c.appendViews(src, idx, base)
	}
	c.appendMarks(src, idx, base, n)
}

func appendRows[T any](dst, src []T, idx []int32) []T {
	if idx == nil {
		return append(dst, src...)
	}
	dst = grow(dst, len(idx))
	base := len(dst)
	dst = dst[:base+len(idx)]
	for i, j := range idx {
		dst[base+i] = src[j]
	}
	return dst
}

// rehomeNums copies the big coefficients of the rows from base on, which still
// point into src.
func (c *Column) rehomeNums(src *Column, base int) {
	if len(src.Bytes) == 0 {
		return
	}
	for i := base; i < len(c.Nums); i++ {
		if n := c.Nums[i]; n.Form == types.NumBig {
			v := c.addBytes(src.NumBytes(n))
			c.Nums[i] = types.MakeBig(v.Off, v.Len, n.Scale)
		}
	}
}

func (c *Column) appendViews(src *Column, idx []int32, base int) {
	if idx == nil && base == 0 {
		c.Views = append(c.Views, src.Views...)
		c.Bytes = src.Bytes[:len(src.Bytes):len(src.Bytes)]
		return
	}
	c.Views = appendRows(c.Views, src.Views, idx)
	for i := base; i < len(c.Views); i++ {
		v := c.Views[i]
		c.Views[i] = c.addBytes(src.Bytes[v.Off : v.Off+v.Len])
	}
}

// appendMarks carries NULLs and errors of the appended rows [base, base+n).
func (c *Column) appendMarks(src *Column, idx []int32, base, n int) {
	if c.Nulls != nil || src.Nulls != nil {
		c.Nulls = c.Nulls.Grow(base + n)
		if src.Nulls != nil {
			for i := range n {
				j := i
				if idx != nil {
					j = int(idx[i])
				}
				if src.Nulls.Get(j) {
					c.Nulls.Set(base + i)
				}
			}
		}
	}
	if src.Errs == nil {
		return
	}
	if idx == nil {
		for _, e := range src.Errs {
			c.Errs = append(c.Errs, RowError{base + e.Row, e.Err})
		}
		return
	}
	for i, j := range idx {
		if e := src.ErrAt(int(j)); e != nil {
			c.Errs = append(c.Errs, RowError{base + i, e})
		}
	}
}

// Slice returns rows [lo, hi) of c, sharing its memory.
func (c *Column) Slice(lo, hi int) *Column {
	r := &Column{Type: c.Type, Bytes: c.Bytes[:len(c.Bytes):len(c.Bytes)]}
	switch c.Type.Class() {
	case types.ClassBool:
		r.Bools = c.Bools[lo:hi:hi]
	case types.ClassInt:
		r.Ints = c.Ints[lo:hi:hi]
	case types.ClassFloat:
		r.Floats = c.Floats[lo:hi:hi]
	case types.ClassNumeric:
		r.Nums = c.Nums[lo:hi:hi]
	case types.ClassInterval:
		r.Ivls = c.Ivls[lo:hi:hi]
	case types.ClassUUID:
		r.UUIDs = c.UUIDs[lo:hi:hi]
	default:
		r.Views = c.Views[lo:hi:hi]
	}
	if c.Nulls != nil {
		r.Nulls = NewBitmap(hi - lo)
		for i := lo; i < hi; i++ {
			if c.Nulls.Get(i) {
				r.Nulls.Set(i - lo)
			}
		}
	}
	for _, e := range c.Errs {
		if e.Row >= lo && e.Row < hi {
			r.Errs = append(r.Errs, RowError{e.Row - lo, e.Err})
		}
	}
	return r
}

// Clone returns a copy of c that shares only its byte buffer.
func (c *Column) Clone() *Column {
	return &Column{
		Type:   c.Type,
		Bools:  slices.Clone(c.Bools),
		Ints:   slices.Clone(c.Ints),
		Floats: slices.Clone(c.Floats),
		Nums:   slices.Clone(c.Nums),
		Ivls:   slices.Clone(c.Ivls),
		UUIDs:  slices.Clone(c.UUIDs),
		Views:  slices.Clone(c.Views),
		Bytes:  c.Bytes[:len(c.Bytes):len(c.Bytes)],
		Nulls:  c.Nulls.Clone(),
		Errs:   slices.Clone(c.Errs),
	}
}
