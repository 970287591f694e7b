package chunk

import (
	"bytes"
	"cmp"

	"streamdb/sql/types"
)

// SortKey is one column of an order.
type SortKey struct {
	Col  int
	Desc bool
	// NullsFirst puts NULLs before all values, whatever Desc says. SQL's default is
	// last when rising and first when falling.
	NullsFirst bool
	// NotNull promises that the column holds neither NULLs nor errors. It changes
	// only how many bits of a prefix are left for values.
	NotNull bool
}

// Ascending returns the keys of the rising order by cols, NULLs last.
func Ascending(cols ...int) []SortKey {
	k := make([]SortKey, len(cols))
	for i, c := range cols {
		k[i].Col = c
	}
	return k
}

// compareFunc compares two values, neither of them NULL or an error.
type compareFunc func(a *Column, i int, b *Column, j int) int

type columnCompare struct {
	col        int
	fn         compareFunc
	sign       int // -1 when falling
	nullsFirst bool
}

// Comparator compares rows of chunks of one schema. The per-column functions are
// chosen once, when it is made. It holds no state: it may be shared.
type Comparator struct {
	schema Schema
	keys   []SortKey
	cols   []columnCompare
	// exact is set when the prefix alone decides the order of rows without NULL.
	prefix prefixPlan
}

// NewComparator returns the SQL order by keys: rows that are equal in all of them
// compare as 0. Errors sort behind NULLs' place, by their text.
func NewComparator(s Schema, keys []SortKey) *Comparator {
	c := &Comparator{schema: s, keys: keys}
	for _, k := range keys {
		sign := 1
		if k.Desc {
			sign = -1
		}
		c.cols = append(c.cols, columnCompare{k.Col, compareFor(s[k.Col]), sign, k.NullsFirst})
	}
	c.prefix = planPrefix(s, keys)
	return c
}

// NewIdentityComparator returns a total order of identities that refines the SQL
// order by keys: then come all other columns rising, and rows that are still equal
// in SQL, such as 1.0 and 1.00, are ordered by their bytes. Rows compare as 0 only
// when they are identical.
func NewIdentityComparator(s Schema, keys []SortKey) *Comparator {
	c := NewComparator(s, keys)
	isKey := make([]bool, len(s))
	for _, k := range keys {
		isKey[k.Col] = true
	}
	for i, t := range s {
		if !isKey[i] {
			c.cols = append(c.cols, columnCompare{i, compareFor(t), 1, false})
		}
	}
	c.prefix.exact = c.prefix.exact && len(keys) == len(s)
	for i, t := range s {
		if fn := identityFor(t); fn != nil {
			c.cols = append(c.cols, columnCompare{i, fn, 1, false})
			c.prefix.exact = false
		}
	}
	return c
}

// Keys returns the keys the comparator was made with.
func (c *Comparator) Keys() []SortKey { return c.keys }

// Compare compares row i of a with row j of b.
func (c *Comparator) Compare(a []*Column, i int, b []*Column, j int) int {
	for k := range c.cols {
		if r := c.cols[k].compare(a[c.cols[k].col], i, b[c.cols[k].col], j); r != 0 {
			return r
		}
	}
	return 0
}

// CompareKeys compares by the first n keys alone.
func (c *Comparator) CompareKeys(n int, a []*Column, i int, b []*Column, j int) int {
	for k := range c.cols[:n] {
		if r := c.cols[k].compare(a[c.cols[k].col], i, b[c.cols[k].col], j); r != 0 {
			return r
		}
	}
	return 0
}

func (k *columnCompare) compare(a *Column, i int, b *Column, j int) int {
	if a.Nulls != nil || b.Nulls != nil || a.Errs != nil || b.Errs != nil {
		ra, rb := nullRank(a, i), nullRank(b, j)
		if ra|rb != 0 {
			return k.compareNulls(a, i, b, j, ra, rb)
		}
	}
	return k.sign * k.fn(a, i, b, j)
}

// nullRank is 0 for a value, 1 for NULL, 2 for an error.
func nullRank(c *Column, i int) int {
	if c.Nulls.Get(i) {
		return 1
	}
	if c.Errs != nil && c.ErrAt(i) != nil {
		return 2
	}
	return 0
}

func (k *columnCompare) compareNulls(a *Column, i int, b *Column, j, ra, rb int) int {
	if ra == 2 && rb == 2 {
		return cmp.Compare(a.ErrAt(i).Error(), b.ErrAt(j).Error())
	}
	if k.nullsFirst {
		return rb - ra
	}
	return ra - rb
}

// CompareFor returns the SQL order of values of type t; neither row may be NULL or
// an error.
func CompareFor(t types.Type) func(a *Column, i int, b *Column, j int) int { return compareFor(t) }

// compareFor returns the SQL order of values of type t.
func compareFor(t types.Type) compareFunc {
	switch t.Class() {
	case types.ClassBool:
		return func(a *Column, i int, b *Column, j int) int {
			return int(b2u(a.Bools[i])) - int(b2u(b.Bools[j]))
		}
	case types.ClassInt:
		return func(a *Column, i int, b *Column, j int) int { return cmpInt(a.Ints[i], b.Ints[j]) }
	case types.ClassFloat:
		return func(a *Column, i int, b *Column, j int) int {
			return cmp.Compare(floatKey(a.Floats[i]), floatKey(b.Floats[j]))
		}
	case types.ClassNumeric:
		return func(a *Column, i int, b *Column, j int) int {
			return compareNums(a, a.Nums[i], b, b.Nums[j])
		}
	case types.ClassInterval:
		return func(a *Column, i int, b *Column, j int) int {
			return compareIntervals(a.Ivls[i], b.Ivls[j])
		}
	case types.ClassUUID:
		return func(a *Column, i int, b *Column, j int) int {
			return bytes.Compare(a.UUIDs[i][:], b.UUIDs[j][:])
		}
	}
	if isArray(t) {
		return compareArrays(t)
	}
	if t.Kind == types.KindJSONB {
		return compareJSONB
	}
	if t.Kind == types.KindBPChar {
		return func(a *Column, i int, b *Column, j int) int {
			return bytes.Compare(trimPad(a.StringAt(i)), trimPad(b.StringAt(j)))
		}
	}
	if t.Kind == types.KindJSONB || t.IsArray() {
		return func(a *Column, i int, b *Column, j int) int {
			return types.CompareVarlen(t, types.BytesString(a.StringAt(i)), types.BytesString(b.StringAt(j)))
		}
	}
	return compareViews
}

func compareViews(a *Column, i int, b *Column, j int) int {
	v, w := a.Views[i], b.Views[j]
	return bytes.Compare(a.Bytes[v.Off:v.Off+v.Len], b.Bytes[w.Off:w.Off+w.Len])
}

func compareIntervals(a, b types.Interval) int {
	ah, al := intervalSpan(a)
	bh, bl := intervalSpan(b)
	if ah != bh {
		return cmpInt(ah, bh)
	}
	return cmp.Compare(al, bl)
}

// identityFor returns the order of identities among values that are equal in SQL, or
// nil when such values of type t are always identical.
func identityFor(t types.Type) compareFunc {
	switch t.Class() {
	case types.ClassFloat:
		return func(a *Column, i int, b *Column, j int) int {
			return cmp.Compare(floatBits(a.Floats[i]), floatBits(b.Floats[j]))
		}
	case types.ClassNumeric:
		return func(a *Column, i int, b *Column, j int) int {
			return cmp.Compare(a.Nums[i].Scale, b.Nums[j].Scale)
		}
	case types.ClassInterval:
		return func(a *Column, i int, b *Column, j int) int {
			v, w := a.Ivls[i], b.Ivls[j]
			return cmp.Or(cmp.Compare(v.Months, w.Months), cmp.Compare(v.Days, w.Days), cmp.Compare(v.Micros, w.Micros))
		}
	}
	if t.Kind == types.KindBPChar || t.Kind == types.KindJSONB || isArray(t) {
		return compareViews
	}
	return nil
}
