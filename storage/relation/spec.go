package relation

import (
	"errors"
	"fmt"
	"sync"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// Epoch is the number of an applied log entry; 0 is the empty database before the
// first.
type Epoch uint64

// ColumnID names a column of one relation for ever: it is never reused, so that
// stored runs can be read after columns were added or dropped.
type ColumnID uint32

// Column describes a column of a relation.
type Column struct {
	ID   ColumnID
	Type types.Type
	// NotNull promises that no row has NULL here; keys over such columns search
	// and sort faster. It may be set only when the column is made.
	NotNull bool
	// Default is what rows that were stored before the column existed read as.
	Default types.Datum
}

// Spec describes a relation.
type Spec struct {
	// Name is for messages only.
	Name    string
	Columns []Column
	// Key orders the rows; Col counts within Columns. Rows of equal key are ordered
	// by the remaining columns. Without a key rows are in whole-row order, or as
	// they came when the relation is append-only.
	Key []chunk.SortKey
	// Unique promises that at every epoch at most one row has a given key.
	Unique bool
	// AppendOnly promises that no row is retracted, save by Truncate.
	AppendOnly bool
	// MergeInlineMax is the number of rows up to which Append itself merges runs.
	// Default 8192; 0 means the default, negative means never.
	MergeInlineMax int
}

// KeyRange is a range of the key order, given by values of leading key columns. A nil
// bound is open. With fewer values than key columns a bound stands for all rows that
// start with them.
type KeyRange struct {
	Lo, Hi []types.Datum
	// LoOpen and HiOpen leave the rows equal to the bound out.
	LoOpen, HiOpen bool
}

// The errors callers tell apart.
var (
	// ErrEpochGone means that the relation no longer has, or does not yet have, the
	// state of the epoch; a reader tries again at the newest published epoch.
	ErrEpochGone = errors.New("relation: state of that epoch is not available")
	// ErrHoldBroken means that the hold was broken over its budget.
	ErrHoldBroken = errors.New("relation: hold was broken")
	// ErrStop, returned by a callback, ends a scan without an error.
	ErrStop = errors.New("relation: stop")
)

const (
	mergeInlineMaxDefault = 8192
	// blockRows is the number of rows of a full block: one chunk, so that a scan
	// hands out whole blocks.
	blockRows = chunk.RowsMax
	// filterRowsMin is the run size from which a key filter is worth its bytes.
	filterRowsMin = 48
)

// layout is what follows from a Spec; immutable, but for the pool.
type layout struct {
	spec   Spec
	schema chunk.Schema
	order  *chunk.Comparator
	// byInt is set where prefixes follow from one integer column.
	byInt   *chunk.IntPrefix
	keyCols []int
	// byKeys[k] is the order by the first k+1 key columns alone.
	byKeys []*chunk.Comparator
	// heap: rows are kept as they come, unsorted.
	heap bool
	all  []int
	// points has *point for Get.
	points sync.Pool
}

func newLayout(spec Spec) (*layout, error) {
	l := &layout{spec: spec, heap: spec.AppendOnly && len(spec.Key) == 0}
	for i, c := range spec.Columns {
		l.schema = append(l.schema, c.Type)
		l.all = append(l.all, i)
	}
	keys := append([]chunk.SortKey(nil), spec.Key...)
	for i, k := range keys {
		if k.Col < 0 || k.Col >= len(spec.Columns) {
			return nil, fmt.Errorf("relation %s: key column %d of %d", spec.Name, k.Col, len(spec.Columns))
		}
		keys[i].NotNull = spec.Columns[k.Col].NotNull
		l.keyCols = append(l.keyCols, k.Col)
	}
	if len(keys) == 0 && !l.heap {
		for i, c := range spec.Columns {
			keys = append(keys, chunk.SortKey{Col: i, NotNull: c.NotNull})
		}
	}
	l.order = chunk.NewIdentityComparator(l.schema, keys)
	if p, ok := l.order.IntPrefix(); ok {
		l.byInt = &p
	}
	for k := range spec.Key {
		l.byKeys = append(l.byKeys, chunk.NewComparator(l.schema, keys[:k+1]))
	}
	if l.spec.MergeInlineMax == 0 {
		l.spec.MergeInlineMax = mergeInlineMaxDefault
	}
	return l, nil
}
