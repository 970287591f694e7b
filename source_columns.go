package streamdb

import (
	"errors"
	"slices"
)

// Of a source that is logged by reference only the columns are read that something needs: a
// dataflow, or a watermark. Which those are is a function of the log, and an entry names
// them, as its digest is of them. When a dataflow is added that reads more, it fills itself
// from the source, and the entries from then on have its columns as well: the sequencer
// refuses a range whose columns are not those that are read now. Late rows are kept whole,
// so that a range with late rows has all columns.

var (
	// errSourceMoved refuses ranges that were read for a source as it no longer is.
	errSourceMoved = errors.New("the source has been changed or dropped meanwhile")
	// errSourceLate refuses ranges with late rows that were read with some columns only.
	errSourceLate = errors.New("late rows are read with all columns")
)

// columnsRead returns the ids of the columns of a source that something needs, ascending;
// nil if they are all.
func (c *core) columnsRead(t *stored) []int {
	ids := make([]int, 0, len(t.position))
	for _, f := range c.readers[t.id] {
		for i, s := range f.run.Scans() {
			if in := &f.inputs[i]; in.rel.id == t.id && !in.late {
				ids = append(ids, s.Columns...)
			}
		}
	}
	for i := range t.marks {
		ids = append(ids, t.marks[i].id)
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == len(t.position) {
		return nil
	}
	return ids
}

// within reports whether the ascending ids, nil for all, are all in others.
func within(ids, others []int) bool {
	if ids == nil {
		return false
	}
	for _, id := range ids {
		if _, ok := slices.BinarySearch(others, id); !ok {
			return false
		}
	}
	return true
}

// admitRanges checks that ranges follow on what has been applied of their sources, and have
// the columns that are needed.
func (c *core) admitRanges(ops []op) error {
	for _, o := range ops {
		o, ok := o.(*rangeOp)
		if !ok {
			continue
		}
		t := c.rels[o.Source]
		if t == nil || t.source == nil || t.source.offset != o.From {
			return errSourceMoved
		}
		if o.Columns == nil {
			continue
		}
		if now := c.columnsRead(t); now == nil || !slices.Equal(now, o.Columns) {
			return errSourceMoved
		}
		if !t.marked() {
			continue
		}
		for _, rows := range o.rows {
			if len(t.belowWatermark(rows, 1)) > 0 {
				return errSourceLate
			}
		}
	}
	return nil
}
