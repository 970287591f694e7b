package exec

import (
	"bytes"
	"cmp"
	"math"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// overOrder is the order of the rows of a table within their partitions.
type overOrder struct {
	t    *chunk.KeyTable
	keys []orderCol // ORDER BY
	rest []orderCol // all other columns, then what tells equal values of one look from another
}

// orderCol is one column of an order.
type orderCol struct {
	col       int
	sign      int
	nullsLast bool
	compare   func(a, b []uint64) int
}

// newOverOrder orders the rows of t as chunk.NewIdentityComparator does: by keys, then
// by all other columns, then by identity.
func newOverOrder(t *chunk.KeyTable, keys []physical.OrderKey) *overOrder {
	o := &overOrder{t: t}
	seen := make(map[int]bool)
	for _, k := range keys {
		sign := 1
		if k.Desc {
			sign = -1
		}
		o.keys = append(o.keys, orderCol{k.Col, sign, !k.NullsFirst, sqlCompare(t, k.Col)})
		seen[k.Col] = true
	}
	l := t.Layout()
	for i := range l.Types {
		if !seen[i] {
			o.rest = append(o.rest, orderCol{i, 1, true, sqlCompare(t, i)})
		}
	}
	for i, typ := range l.Types {
		if plainIdentity(typ) {
			continue
		}
		o.rest = append(o.rest, orderCol{i, 1, true, columnCompare(t, i, chunk.NewIdentityComparator(chunk.Schema{typ}, chunk.Ascending(0)))})
	}
	return o
}

// plainIdentity reports whether values of t that are equal in SQL are always identical.
func plainIdentity(t types.Type) bool {
	switch t.Class() {
	case types.ClassBool, types.ClassInt, types.ClassUUID:
		return true
	case types.ClassBytes:
		return plainBytes(t)
	}
	return false
}

// plainBytes reports whether values of t are compared byte by byte.
func plainBytes(t types.Type) bool {
	switch t.Kind {
	case types.KindText, types.KindVarchar, types.KindBytea, types.KindName:
		return true
	}
	return false
}

// compare is the total order of rows.
func (o *overOrder) compare(a, b int32) int {
	x, y := o.t.Row(a), o.t.Row(b)
	if r := compareKeys(o.t.Layout(), o.keys, x, y); r != 0 {
		return r
	}
	return compareKeys(o.t.Layout(), o.rest, x, y)
}

// compareAfter is compare where equal rows stand before: the place behind them is found.
func (o *overOrder) compareAfter(a, b int32) int {
	if r := o.compare(a, b); r != 0 {
		return r
	}
	return -1
}

// peers reports whether two rows are equal in ORDER BY.
func (o *overOrder) peers(a, b int32) bool {
	return compareKeys(o.t.Layout(), o.keys, o.t.Row(a), o.t.Row(b)) == 0
}

func compareKeys(l *chunk.Layout, keys []orderCol, a, b []uint64) int {
	for i := range keys {
		k := &keys[i]
		na, nb := l.IsNull(a, k.col), l.IsNull(b, k.col)
		if na || nb {
			if na == nb {
				continue
			}
			if na == k.nullsLast {
				return 1
			}
			return -1
		}
		if r := k.compare(a, b); r != 0 {
			return r * k.sign
		}
	}
	return 0
}

// sqlCompare returns the SQL order of rows of t by column i, neither of which is NULL.
func sqlCompare(t *chunk.KeyTable, i int) func(a, b []uint64) int {
	l := t.Layout()
	at := l.Offset(i)
	typ := l.Types[i]
	slow := columnCompare(t, i, chunk.NewComparator(chunk.Schema{typ}, chunk.Ascending(0)))
	switch typ.Class() {
	case types.ClassBool, types.ClassInt, types.ClassUUID:
		return rowCompare(t, i)
	case types.ClassFloat:
		return func(a, b []uint64) int {
			x, y := math.Float64frombits(a[at]), math.Float64frombits(b[at])
			if x == y {
				return 0
			}
			return compareFloats(x, y)
		}
	case types.ClassNumeric:
		return func(a, b []uint64) int {
			if a[at+1] == b[at+1] && types.NumForm(a[at+1]>>32) == types.NumInline {
				return cmp.Compare(int64(a[at]), int64(b[at]))
			}
			return slow(a, b)
		}
	case types.ClassBytes:
		if plainBytes(typ) {
			return func(a, b []uint64) int {
				return bytes.Compare(t.Arena.Get(chunk.Ref(a[at])), t.Arena.Get(chunk.Ref(b[at])))
			}
		}
	}
	return slow
}

// columnCompare compares column i of rows of t with c, which compares columns.
func columnCompare(t *chunk.KeyTable, i int, c *chunk.Comparator) func(a, b []uint64) int {
	l := t.Layout()
	return func(a, b []uint64) int {
		x, y := []*chunk.Column{l.Value(a, i, &t.Arena)}, []*chunk.Column{l.Value(b, i, &t.Arena)}
		return c.Compare(x, 0, y, 0)
	}
}
