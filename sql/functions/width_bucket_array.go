package functions

import (
	"sort"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// widthBucketArray counts the thresholds that are not above the operand; they are sorted.
func widthBucketArray(c *Call) {
	t := c.Args[0].Type
	each(c, c.Out.Ints, func(i int) (int64, error) {
		a, x := c.arr(1, i), c.datumAt(0, i)
		for k := range a.Len() {
			if a.Null(k) {
				return 0, sqlerr.New(sqlerr.NullValueNotAllowed, "thresholds array must not contain NULLs")
			}
		}
		return int64(sort.Search(a.Len(), func(k int) bool { return types.Compare(t, x, a.Datum(k)) < 0 })), nil
	})
}
