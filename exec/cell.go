package exec

import (
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// cell is a result of any type kept in payload words: a header that says whether there
// is one, and the value's words. Its bytes lie in the cell's arena; those of a result
// that was overwritten are given back one epoch later, when nobody reads the old image
// any more.
type cell struct {
	typ   types.Type
	lay   *chunk.Layout
	arena chunk.Arena
	// stale is references that only old images still use.
	stale []chunk.Ref
	enc   []uint64 // scratch of put
}

// cellSet in a cell's header says that it holds a value; without it the result is NULL.
const cellSet = 1 << 32

func newCell(t types.Type) *cell {
	return &cell{typ: t, lay: chunk.NewLayout(chunk.Schema{t}, false)}
}

func (c *cell) words() int { return c.lay.Words() }

// clear makes group g's cell NULL.
func (c *cell) clear(t *chunk.KeyTable, at int, g int32) {
	row := t.Row(g)[at : at+c.lay.Words()]
	c.retire(row)
	clear(row)
}

// retire notes that the value in row is about to be overwritten.
func (c *cell) retire(row []uint64) {
	if row[0]&cellSet != 0 {
		c.stale = c.lay.Refs(row, c.stale)
	}
}

// tidy gives the bytes of overwritten values back, once no old image is needed, and
// moves the rest together when most of the arena is garbage.
func (c *cell) tidy(t *chunk.KeyTable, at int) {
	for _, r := range c.stale {
		c.arena.Drop(r)
	}
	c.stale = c.stale[:0]
	if !c.arena.Wasteful() {
		return
	}
	old := c.arena
	c.arena = old.Renewed()
	for _, s := range t.LiveSlots(nil) {
		if row := t.Row(s)[at : at+c.lay.Words()]; row[0]&cellSet != 0 {
			c.lay.Rehome(row, &old, &c.arena)
			t.Touch(s)
		}
	}
	old.Free()
}

// put writes row i of col into the cell of groups[i]. An unchanged value keeps its
// words, so that its group compares as unchanged.
func (c *cell) put(t *chunk.KeyTable, at int, groups []int32, col *chunk.Column) {
	if len(groups) == 0 {
		return
	}
	w := c.lay.Words()
	c.enc = c.lay.EncodeColumn(c.enc[:0], col)
	for i, g := range groups {
		row := t.Row(g)[at : at+w]
		if col.IsNull(i) {
			c.retire(row)
			clear(row)
			continue
		}
		if row[0]&cellSet != 0 && c.lay.Same(row, c.enc, col, i, &c.arena) {
			continue
		}
		c.retire(row)
		c.lay.Store(row, c.enc, col, i, &c.arena)
		row[0] |= cellSet
	}
}

// result appends the values of n images.
func (c *cell) result(images []uint64, stride, n int, out *chunk.Column) {
	for i := range n {
		im := images[i*stride:]
		if im[0]&cellSet == 0 {
			out.AppendNull()
			continue
		}
		c.lay.Load(im, 0, &c.arena, out)
	}
}
