package chunk

import (
	"cmp"

	"streamdb/sql/types"
)

// isArray reports whether values of t are laid out as types.Array.
func isArray(t types.Type) bool {
	return t.Kind == types.KindArray || t.Kind == types.KindInt2Vector || t.Kind == types.KindOIDVector
}

// elements returns an array value as a column. Bytes that are no array read as empty.
func elements(t types.Type, b []byte) (c *Column, lower int) {
	c = NewColumn(t.ElemType(), 0)
	a, ok := types.ReadArray(t, types.BytesString(b))
	if !ok {
		return c, 0
	}
	c.Reserve(a.Len())
	for i := range a.Len() {
		c.AppendDatum(a.Datum(i))
	}
	return c, a.Lower()
}

// compareArrays returns PostgreSQL's order of arrays of type t: element by element,
// NULL above all, then by length, then by the first subscript.
func compareArrays(t types.Type) compareFunc {
	elem := columnCompare{fn: compareFor(t.ElemType()), sign: 1}
	return func(a *Column, i int, b *Column, j int) int {
		x, lx := elements(t, a.StringAt(i))
		y, ly := elements(t, b.StringAt(j))
		for k := range min(x.Len(), y.Len()) {
			if c := elem.compare(x, k, y, k); c != 0 {
				return c
			}
		}
		return cmp.Or(cmp.Compare(x.Len(), y.Len()), cmp.Compare(lx, ly))
	}
}

// hashArrays adds the elements of each array of c.
func hashArrays(c *Column, h []uint64) {
	var elems [8]uint64
	for i := range h {
		if c.Nulls.Get(i) {
			continue
		}
		x, lower := elements(c.Type, c.StringAt(i))
		n := x.Len()
		out := elems[:min(n, len(elems))]
		if n > len(elems) {
			out = make([]uint64, n)
		}
		HashRows([]*Column{x}, n, out)
		h[i] = hashWith(h[i], uint64(n)<<32|uint64(uint32(lower)))
		for _, e := range out {
			h[i] = hashWith(h[i], e)
		}
	}
}

func compareJSONB(a *Column, i int, b *Column, j int) int {
	return types.CompareJSONB(types.BytesString(a.StringAt(i)), types.BytesString(b.StringAt(j)))
}

// hashJSONB adds the normal form of each value of c.
func hashJSONB(c *Column, h []uint64) {
	var buf []byte
	for i := range h {
		buf = types.NormalizeJSONB(buf[:0], types.BytesString(c.StringAt(i)))
		h[i] = hashBytes(h[i], buf)
	}
}
