package exec

import "streamdb/sql/chunk"

// nullAnti is what NOT IN must know of its right side as a whole. A left row passes if
// the right side is empty; otherwise only if its key is not NULL, equals no right key,
// and no right key is NULL. When emptiness or the presence of NULLs turns, every left
// row is looked at; that is rare, since it takes the first or last such row.
type nullAnti struct {
	rows, rowsChange   int64 // of the right side, NULL keys included
	nulls, nullsChange int64 // with a NULL key
}

// add counts the right rows of c; those in nulls have a NULL key.
func (n *nullAnti) add(c *chunk.Chunk, nulls chunk.Bitmap) {
	for i := range c.Rows {
		w := c.Weight(i)
		n.rows += w
		n.rowsChange += w
		if nulls.Get(i) {
			n.nulls += w
			n.nullsChange += w
		}
	}
}

// turned reports whether the epoch changed what holds for all left rows.
func (n *nullAnti) turned() bool {
	return (n.rows == 0) != (n.rows-n.rowsChange == 0) || (n.nulls == 0) != (n.nulls-n.nullsChange == 0)
}

// admits tells whether the left rows under key k contribute, given that the key has
// no partners (alone): now, or before the epoch.
func (n *nullAnti) admits(alone bool, index *chunk.KeyTable, k int32, now bool) bool {
	rows, nulls := n.rows, n.nulls
	if !now {
		rows, nulls = rows-n.rowsChange, nulls-n.nullsChange
	}
	if rows == 0 {
		return true
	}
	return alone && nulls == 0 && !index.Layout().HasNull(index.Row(k))
}

// settleAll compares the contribution of every left row.
func (j *join) settleAll(s *joinSide, out *Output) {
	var l lone
	for _, k := range j.index.LiveSlots(nil) {
		counts := j.countWords(k)
		now := int64(counts[keyRight])
		was := now
		if at := counts[0]; at > 0 {
			was -= j.dirtyKeys[at-1].right
		}
		before := j.nulls.admits(was == 0, j.index, k, false)
		after := j.nulls.admits(now == 0, j.index, k, true)
		for r := j.head(s.port, k); r >= 0; r = s.next(r) {
			l.add(r, s.owed(r, before, after))
		}
	}
	j.emitLoneRows(s, &l, out)
}
