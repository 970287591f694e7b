package relation

import (
	"fmt"

	"streamdb/sql/chunk"
)

// Change is the changes of one epoch, or a part of them.
type Change struct {
	Epoch Epoch
	Rows  *chunk.Chunk
}

// Changes reads the changes of the epochs (from, to], epoch by epoch. Somebody must
// hold an epoch <= from, or from must be among the states the relation keeps anyway.
// The iterator keeps what it needs: the hold may move on once it is made.
func (r *Relation) Changes(from, to Epoch) (*ChangeIter, error) {
	deltas, err := r.between(from, to)
	if err != nil {
		return nil, err
	}
	return &ChangeIter{deltas: deltas}, nil
}

// ChangesConsolidated reads the changes of the epochs (from, to] as one delta, in the
// order of a scan; of a heap, in the order they came.
func (r *Relation) ChangesConsolidated(from, to Epoch) (*Iter, error) {
	deltas, err := r.between(from, to)
	if err != nil {
		return nil, err
	}
	l := r.newest().layout
	if len(deltas) > 0 {
		l = deltas[0].layout
	}
	it := &Iter{l: l, cols: l.all}
	if !l.heap {
		it.merger = &merger{l: l}
	}
	for _, d := range deltas {
		runs, sign := []*run{d.run}, int64(1)
		if d.gone != nil {
			runs, sign = d.gone.runs, -1
		}
		for _, run := range runs {
			c := &cursor{run: run, sign: sign}
			ok, err := c.open(position{}, position{len(run.blocks), 0})
			if err != nil {
				return nil, err
			}
			switch {
			case !ok:
			case l.heap:
				it.heap = append(it.heap, c)
			default:
				it.merger.add(c)
			}
		}
	}
	return it, nil
}

// between returns the deltas of (from, to].
func (r *Relation) between(from, to Epoch) ([]delta, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if from < r.floor() {
		return nil, fmt.Errorf("%w: relation %s, changes since %d", ErrEpochGone, r.newest().layout.spec.Name, from)
	}
	l := r.newest().layout
	var out []delta
	for _, d := range r.deltas {
		if d.epoch <= from || d.epoch > to || d.quiet {
			continue
		}
		d, ok, err := d.relayout(l)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, d)
		}
	}
	return out, nil
}

// ChangeIter is the result of Changes.
type ChangeIter struct {
	deltas []delta
	cur    *Iter
	blk    int
}

// Next returns the next part of the changes, epochs rising; a nil Rows is the end.
func (it *ChangeIter) Next() (Change, error) {
	for len(it.deltas) > 0 {
		d := it.deltas[0]
		c, err := it.nextOf(d)
		if err != nil {
			return Change{}, err
		}
		if c != nil {
			return Change{d.epoch, c}, nil
		}
		it.deltas, it.cur, it.blk = it.deltas[1:], nil, 0
	}
	return Change{}, nil
}

func (it *ChangeIter) nextOf(d delta) (*chunk.Chunk, error) {
	if d.gone != nil {
		if it.cur == nil {
			it.cur = (&Snapshot{v: d.gone}).Scan(Scan{})
		}
		c, err := it.cur.Next()
		if c == nil || err != nil {
			return nil, err
		}
		return negate(c), nil
	}
	if it.blk >= len(d.run.blocks) {
		return nil, nil
	}
	b, err := d.run.load(it.blk)
	if err != nil {
		return nil, err
	}
	it.blk++
	return &chunk.Chunk{Cols: b.cols, Weights: b.weights, Rows: b.rows}, nil
}

func negate(c *chunk.Chunk) *chunk.Chunk {
	n := *c
	n.Weights = make([]int64, c.Rows)
	for i := range n.Weights {
		n.Weights[i] = -c.Weight(i)
	}
	n.Hash, n.HashCols = nil, nil
	return &n
}
