package relation

import (
	"errors"
	"fmt"

	"streamdb/sql/chunk"
)

// checkRowsMax is the number of rows up to which a state or run is checked whole.
const checkRowsMax = 2000

// mustRise panics unless each row of the run lies before the next.
func (r *run) mustRise(l *layout) {
	if r.rows > checkRowsMax {
		return
	}
	if err := r.rises(l); err != nil {
		panic(fmt.Sprintf("relation %s: run of epochs [%d, %d) %s", l.spec.Name, r.from, r.to, err))
	}
}

// rises tells what is wrong with the order of the run's rows, nil if nothing is.
func (r *run) rises(l *layout) error {
	if l.heap {
		return nil
	}
	var last *data
	for _, b := range r.blocks {
		d := b.data
		for i := range d.rows {
			before, k := d, i-1
			if i == 0 {
				before, k = last, 0
				if last != nil {
					k = last.rows - 1
				}
			}
			if before != nil && l.order.Compare(before.cols, k, d.cols, i) >= 0 {
				return errors.New("is out of order")
			}
			if d.weight(i) == 0 {
				return errors.New("has a row of weight 0")
			}
		}
		last = d
	}
	return nil
}

// mustHold panics unless the state is a multiset of rows with the promised key: no row
// was retracted that had not been inserted, and a unique key has one row.
func (v *version) mustHold() {
	if v.rows > checkRowsMax {
		return
	}
	l, total := v.layout, int64(0)
	fail := func(what string, c *chunk.Chunk, i int) {
		text := ""
		for _, col := range c.Cols {
			text += fmt.Sprintf(" %+v", col.Datum(i))
		}
		panic(fmt.Sprintf("relation %s, epoch %d: %s:%s", l.spec.Name, v.epoch, what, text))
	}
	var last *chunk.Chunk
	err := (&Snapshot{epoch: v.epoch, v: v}).Scan(Scan{}).Each(func(c *chunk.Chunk) error {
		for i := range c.Rows {
			if c.Weight(i) < 0 {
				fail("a row was retracted that was not there", c, i)
			}
			if !l.spec.Unique {
				continue
			}
			before, k := c, i-1
			if i == 0 {
				before = last
				if last != nil {
					k = last.Rows - 1
				}
			}
			if c.Weight(i) != 1 || (before != nil && l.order.CompareKeys(len(l.keyCols), before.Cols, k, c.Cols, i) == 0) {
				fail("a unique key has several rows", c, i)
			}
		}
		for i := range c.Rows {
			total += c.Weight(i)
		}
		last = c
		return nil
	})
	if err == nil && total != v.rows {
		panic(fmt.Sprintf("relation %s, epoch %d: %d rows, counted as %d", l.spec.Name, v.epoch, total, v.rows))
	}
}
