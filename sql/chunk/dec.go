package chunk

import "streamdb/sql/types"

// DecAt returns row i of a numeric column to compute with; a big coefficient is
// shared with the column.
func (c *Column) DecAt(i int) types.Dec { return types.DecOf(c.Nums[i], c.Bytes) }

// SetDec stores d in row i, which must exist, of a numeric column.
func (c *Column) SetDec(i int, d types.Dec) { c.Nums[i], c.Bytes = d.Put(c.Bytes) }

// AppendDec appends a row to a numeric column.
func (c *Column) AppendDec(d types.Dec) {
	var n types.Num
	n, c.Bytes = d.Put(c.Bytes)
	c.Nums = append(c.Nums, n)
	c.growNulls()
}
