package relation

import "fmt"

// Echo adds the changes of an epoch that another relation has had already: one with the
// same columns and key, whose epoch is not yet published. It costs a part of Append, and the
// rows' memory is shared until either relation merges them. The writer of both calls it.
func (r *Relation) Echo(epoch Epoch, from *Relation) error {
	if e := r.newest().epoch; epoch < e {
		return fmt.Errorf("relation %s: change of epoch %d behind epoch %d", r.layout.spec.Name, epoch, e)
	}
	if !r.layout.like(from.layout) {
		return fmt.Errorf("relation %s: changes of %s, which has other columns or another key", r.layout.spec.Name, from.layout.spec.Name)
	}
	for _, d := range from.deltasOf(epoch) {
		if d.run == nil {
			if err := r.Truncate(epoch); err != nil {
				return err
			}
			continue
		}
		d.layout = r.layout
		if err := r.addDelta(d); err != nil {
			return err
		}
	}
	return nil
}

// deltasOf copies the deltas of an epoch, with runs that are nobody's yet.
func (r *Relation) deltasOf(epoch Epoch) []delta {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := len(r.deltas)
	for first > 0 && r.deltas[first-1].epoch == epoch {
		first--
	}
	var all []delta
	for _, d := range r.deltas[first:] {
		if d.run != nil {
			twin := *d.run // its blocks, fence and filter never change
			twin.merging = false
			d.run = &twin
		}
		all = append(all, d)
	}
	return all
}

// like reports whether runs of one layout are runs of the other.
func (l *layout) like(o *layout) bool {
	if l.heap != o.heap || len(l.spec.Columns) != len(o.spec.Columns) || len(l.spec.Key) != len(o.spec.Key) {
		return false
	}
	for i := range l.spec.Columns {
		if l.spec.Columns[i].Type != o.spec.Columns[i].Type {
			return false
		}
	}
	for i := range l.spec.Key {
		if l.spec.Key[i] != o.spec.Key[i] {
			return false
		}
	}
	return true
}
