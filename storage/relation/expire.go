package relation

import (
	"fmt"

	"streamdb/sql/chunk"
)

// An expiry takes rows out of the state without telling anybody: snapshots and fingerprints are without them, but Changes
// does not show their retraction, because whoever follows the relation is to keep what it has made of them. A hold from
// before the expiry still has the rows, and sees all changes since but the expiry.
//
//	state    @7 {a b c}   expire a @8   {b c}   append d @9   {b c d}
//	hold @7     {a b c}                                       changes (7, 9]: +d

// Expire takes rows out as of epoch; c has them with negative weights. The relation keeps the chunk, which must be
// immutable. It is for relations whose rows are sorted.
func (r *Relation) Expire(epoch Epoch, c *chunk.Chunk) error {
	l := r.layout
	if l.heap || l.spec.AppendOnly {
		return fmt.Errorf("relation %s: rows of an append-only relation expire from its front only", l.spec.Name)
	}
	if err := r.check(epoch, c); err != nil {
		return err
	}
	c = r.consolidator.Consolidate(c)
	if c.Rows == 0 {
		return nil
	}
	return r.add(epoch, delta{run: newRun(l, epoch, c), quiet: true}, c)
}

// ExpireFirst takes the first n rows of a heap out as of epoch, in the order in which they came. What is left is copied:
// it is for heaps of bounded size.
func (r *Relation) ExpireFirst(epoch Epoch, n int64) error {
	l := r.layout
	old := r.newest()
	if !l.heap || epoch < old.epoch {
		return fmt.Errorf("relation %s: expiry of the first rows in epoch %d, it is at %d", l.spec.Name, epoch, old.epoch)
	}
	v := version{epoch: epoch, layout: l}
	var left []*chunk.Chunk
	err := (&Snapshot{epoch: epoch, v: old}).Scan(Scan{Unordered: true}).Each(func(c *chunk.Chunk) error {
		skip := min(n, int64(c.Rows))
		n -= skip
		if int(skip) == c.Rows {
			return nil
		}
		if skip > 0 {
			c = c.Slice(int(skip), c.Rows)
		}
		left = append(left, chunk.Concat(l.schema, []*chunk.Chunk{c}))
		return nil
	})
	if err != nil {
		return err
	}
	if left = collect(l.schema, left); len(left) > 0 {
		v.runs = []*run{newHeapRun(l, epoch, left)}
	}
	for _, c := range left {
		v.print, v.rows = addPrints(c, v.print, v.rows)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keepDelta(delta{epoch: epoch, layout: l, now: &v, quiet: true})
	r.push(v)
	return nil
}
