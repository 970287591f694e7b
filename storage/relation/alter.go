package relation

import (
	"fmt"

	"streamdb/sql/chunk"
)

// Alter changes the columns as part of epoch: columns of spec that are new read as
// their default in the rows there are, columns that it lacks are dropped. Key and
// kind of the relation stay. Added columns cost no rewriting; after a drop from a
// keyed relation the rows are sorted again. Both read all rows for the fingerprint.
func (r *Relation) Alter(epoch Epoch, spec Spec) error {
	l, err := newLayout(spec)
	if err != nil {
		return err
	}
	old := r.layout
	if err := old.sameKey(l); err != nil {
		return err
	}
	if e := r.newest().epoch; epoch < e {
		return fmt.Errorf("relation %s: alteration of epoch %d behind epoch %d", old.spec.Name, epoch, e)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v, err := r.newest().relayout(l)
	if err != nil {
		return err
	}
	v.epoch = epoch
	if v.print, err = printOf(&v); err != nil {
		return err
	}
	r.layout = l
	r.consolidator = &chunk.Consolidator{Order: l.order}
	r.push(v)
	return nil
}

func (l *layout) sameKey(n *layout) error {
	same := len(l.spec.Key) == len(n.spec.Key) && l.heap == n.heap && l.spec.Unique == n.spec.Unique
	for i := 0; same && i < len(l.spec.Key); i++ {
		a, b := l.spec.Key[i], n.spec.Key[i]
		ca, cb := l.spec.Columns[a.Col], n.spec.Columns[b.Col]
		same = a.Desc == b.Desc && a.NullsFirst == b.NullsFirst && ca.ID == cb.ID && ca.NotNull == cb.NotNull && ca.Type.Kind == cb.Type.Kind
	}
	if !same {
		return fmt.Errorf("relation %s: a key cannot be altered", l.spec.Name)
	}
	return nil
}

func contains(cols []Column, ids []ColumnID) bool {
	for _, id := range ids {
		found := false
		for _, c := range cols {
			found = found || c.ID == id
		}
		if !found {
			return false
		}
	}
	return true
}

// relayout returns the state with the columns of l. Its fingerprint is left as it was.
func (v version) relayout(l *layout) (version, error) {
	if v.layout == l {
		return v, nil
	}
	runs := v.runs
	v.runs = nil
	for _, run := range runs {
		next, err := run.relayout(v.layout, l)
		if err != nil {
			return v, err
		}
		if next != nil {
			v.runs = append(v.runs, next)
		}
	}
	v.layout = l
	return v, nil
}

// relayout returns the delta with the columns of l; ok is false when nothing is left.
func (d delta) relayout(l *layout) (_ delta, ok bool, err error) {
	if d.layout == l {
		return d, true, nil
	}
	if d.gone != nil {
		gone, err := d.gone.relayout(l)
		d.gone = &gone
		return d, true, err
	}
	if d.now != nil {
		now, err := d.now.relayout(l)
		d.now = &now
		return d, true, err
	}
	d.run, err = d.run.relayout(d.layout, l)
	d.layout = l
	return d, d.run != nil, err
}

// relayout returns a run of the layout old with the columns of l; nil when nothing is
// left, which dropping columns can do.
func (r *run) relayout(old, l *layout) (*run, error) {
	ids := make([]ColumnID, len(old.spec.Columns))
	for i, c := range old.spec.Columns {
		ids[i] = c.ID
	}
	resort := !l.heap && !contains(l.spec.Columns, ids)
	if r.seg != nil && !resort {
		next := *r
		next.merging = false
		next.seg = r.seg.file.present(l, r.seg.cache)
		next.blocks = make([]block, len(r.blocks))
		next.fence = l.moveFence(old, r.fence)
		for i, b := range r.blocks {
			next.blocks[i].rows = b.rows
		}
		next.bytes = fenceBytes(l, &next)
		return &next, nil
	}
	out := &run{from: r.from, to: r.to}
	var chunks []*chunk.Chunk
	for i := range r.blocks {
		d, err := r.load(i)
		if err != nil {
			return nil, err
		}
		c := &chunk.Chunk{Rows: d.rows, Weights: d.weights, Cols: d.clone()}
		if d, err = l.adopt(c, ids); err != nil {
			return nil, err
		}
		if resort {
			chunks = append(chunks, &chunk.Chunk{Rows: d.rows, Weights: d.weights, Cols: d.cols})
			continue
		}
		out.addBlock(d)
	}
	if resort {
		k := chunk.Consolidator{Order: l.order}
		c := k.Consolidate(chunk.Concat(l.schema, chunks))
		for lo := 0; lo < c.Rows; lo += blockRows {
			piece := newRun(l, r.from, c.Slice(lo, min(lo+blockRows, c.Rows)))
			out.addBlock(piece.blocks[0].data)
		}
		if out.rows == 0 {
			return nil, nil
		}
	}
	out.seal(l)
	return out, nil
}

// clone returns the columns as copies whose type may be set.
func (d *data) clone() []*chunk.Column {
	cols := make([]*chunk.Column, len(d.cols))
	for i, c := range d.cols {
		n := *c
		cols[i] = &n
	}
	return cols
}

// moveFence puts the key columns of a fence where l has them.
func (l *layout) moveFence(old *layout, fence []*chunk.Column) []*chunk.Column {
	if fence == nil {
		return nil
	}
	out := make([]*chunk.Column, len(l.schema))
	for i, k := range l.keyCols {
		out[k] = fence[old.keyCols[i]]
	}
	return out
}

// reprint computes the newest state's fingerprint afresh.
func (r *Relation) reprint() error {
	v := *r.newest()
	sum, err := printOf(&v)
	if err != nil {
		return err
	}
	v.print = sum
	r.prints = []print{{v.epoch, sum}}
	r.versions.Store(&[]version{v})
	return nil
}

func printOf(v *version) (sum chunk.Hash128, err error) {
	err = (&Snapshot{v: v}).Scan(Scan{}).Each(func(c *chunk.Chunk) error {
		sum = addHash(sum, chunk.Fingerprint(c))
		return nil
	})
	return sum, err
}
