package streamdb

import (
	"encoding/json"
	"fmt"

	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
	"streamdb/storage/relation"
	"streamdb/txn"
)

// stored is the state behind a descriptor: the rows of a table, materialized view or
// index, the position of a source. The step owns it; readers use only what they find
// in a published database, which is the descriptor, the relation (whose snapshots are
// safe for them) and the dataflow's frontier.
type stored struct {
	id   catalog.ID
	desc *catalog.Descriptor
	// rel holds the rows; nil for a source that is logged by reference.
	rel *relation.Relation
	// late and dead hold a relation's late rows and a dataflow's dead letters; made
	// when there is a first one.
	late, dead *relation.Relation
	// indexes holds the same rows in other orders.
	indexes []*stored
	// defaults holds what rows from before a column was added read in it, by column id.
	defaults map[int]types.Datum
	// position of each column id in the rows.
	position map[int]int
	// changed is the epoch of the last change of a table's or source's rows; nothing
	// asks for that of what is derived.
	changed relation.Epoch
	marks   []watermark
	// gone is what has left the table by its retention and the late rows by their budget; lateBytes is the size of the
	// late rows that are kept.
	gone      expiry
	lateBytes int64
	// idle moves the watermarks of a quiet relation; nil until it is needed.
	idle   *timer
	source *sourceState
	flow   *dataflow
	// begins is the offsets from which a view reads its sources, if not from their first rows.
	begins map[catalog.ID]int64
}

// beginOf returns the offset from which a view reads a source that is logged by reference.
func (t *stored) beginOf(source *stored) int64 {
	if at, ok := t.begins[source.id]; ok {
		return at
	}
	return source.source.start
}

// columnsOf returns the columns of a descriptor that are stored.
func columnsOf(d *catalog.Descriptor) []catalog.Column {
	if d.Kind == catalog.KindIndex {
		return nil
	}
	return d.Columns()
}

// specOf describes the relation of a table, source, view or, over the relation `on`,
// an index.
func specOf(d, on *catalog.Descriptor, defaults map[int]types.Datum) relation.Spec {
	base := d
	if on != nil {
		base = on
	}
	s := relation.Spec{Name: d.Name}
	pos := make(map[int]int)
	for i, c := range columnsOf(base) {
		def, ok := defaults[c.ID]
		if !ok {
			def = types.NullDatum
		}
		s.Columns = append(s.Columns, relation.Column{ID: relation.ColumnID(c.ID), Type: c.Type, NotNull: false, Default: def})
		pos[c.ID] = i
	}
	switch {
	case on != nil:
		for _, c := range d.Index.Columns {
			s.Key = append(s.Key, chunk.SortKey{Col: pos[c.Column], Desc: c.Desc, NullsFirst: c.NullsFirst})
		}
	case d.Query() != nil:
		for _, k := range d.Query().StreamKey {
			s.Key = append(s.Key, chunk.SortKey{Col: k})
		}
		if len(s.Key) == 0 {
			// Rows that nothing identifies, and nothing takes back, are kept as they come.
			s.AppendOnly = d.Query().AppendOnly
		}
		if len(s.Key) == 0 && !s.AppendOnly {
			s.Key = wholeRow(len(s.Columns))
		}
	default:
		s.AppendOnly = d.Table.AppendOnly || d.Kind == catalog.KindSource
		for _, id := range d.PrimaryKey() {
			s.Key = append(s.Key, chunk.SortKey{Col: pos[id]})
		}
		s.Unique = len(s.Key) > 0
		if r := d.Table.Retention; r != nil {
			// Rows leave, the oldest first.
			s.AppendOnly = false
			if at, ok := pos[r.Column]; ok && len(s.Key) == 0 {
				s.Key = []chunk.SortKey{{Col: at}}
			}
		}
		if len(s.Key) == 0 && !s.AppendOnly {
			s.Key = wholeRow(len(s.Columns))
		}
	}
	return s
}

func wholeRow(n int) []chunk.SortKey {
	k := make([]chunk.SortKey, n)
	for i := range k {
		k[i].Col = i
	}
	return k
}

// newStored makes the empty state of a descriptor.
func newStored(d *catalog.Descriptor) (*stored, error) {
	s := &stored{id: d.ID, desc: d, gone: expiry{below: noWatermark}}
	s.setColumns()
	if d.Kind == catalog.KindSource && d.Table.Connector.ByReference() {
		return s, nil
	}
	rel, err := relation.New(specOf(d, nil, nil))
	s.rel = rel
	return s, err
}

// newIndex makes the empty state of an index.
func newIndex(d, on *catalog.Descriptor) (*stored, error) {
	rel, err := relation.New(specOf(d, on, nil))
	s := &stored{id: d.ID, desc: d, rel: rel}
	s.setPositions(columnsOf(on))
	return s, err
}

func (s *stored) setColumns() {
	s.setPositions(columnsOf(s.desc))
	s.setMarks()
}

func (s *stored) setPositions(cols []catalog.Column) {
	s.position = make(map[int]int, len(cols))
	for i, c := range cols {
		s.position[c.ID] = i
	}
}

// positions translates column ids; nil stays nil.
func (s *stored) positions(ids []int) ([]int, error) {
	if ids == nil {
		return nil, nil
	}
	r := make([]int, len(ids))
	for i, id := range ids {
		p, ok := s.position[id]
		if id == physical.LateByColumn {
			p, ok = len(columnsOf(s.desc)), true // of the late rows
		}
		if !ok {
			return nil, fmt.Errorf("relation %s has no column with id %d", s.desc.Name, id)
		}
		r[i] = p
	}
	return r, nil
}

// schema returns the types of the stored columns.
func (s *stored) schema() chunk.Schema {
	var r chunk.Schema
	for _, c := range columnsOf(s.desc) {
		r = append(r, c.Type)
	}
	return r
}

// keyed describes the table for a transaction's checks; at gives the state of a
// relation to check against.
func (s *stored) keyed(at func(*stored) (*relation.Snapshot, error)) (*txn.Table, error) {
	state, err := at(s)
	if err != nil {
		return nil, err
	}
	t := &txn.Table{ID: uint32(s.id), Name: s.desc.Name, Version: s.desc.Version, State: state}
	spec := s.rel.Spec()
	if !spec.AppendOnly || len(spec.Key) > 0 {
		for _, k := range spec.Key {
			t.RowKey = append(t.RowKey, k.Col)
		}
	}
	if len(s.desc.PrimaryKey()) > 0 {
		for _, c := range s.desc.Table.Constraints {
			if c.Kind == catalog.ConstraintPrimaryKey {
				t.Keys = append(t.Keys, s.key(c.Name, c.Columns, state))
			}
		}
	}
	for _, x := range s.indexes {
		if !x.desc.Index.Unique {
			continue
		}
		xs, err := at(x)
		if err != nil {
			return nil, err
		}
		ids := make([]int, len(x.desc.Index.Columns))
		for i, c := range x.desc.Index.Columns {
			ids[i] = c.Column
		}
		t.Keys = append(t.Keys, s.key(x.desc.Name, ids, xs))
	}
	return t, nil
}

func (s *stored) key(name string, ids []int, state *relation.Snapshot) txn.Key {
	k := txn.Key{Name: name, State: state}
	for _, id := range ids {
		k.Columns = append(k.Columns, s.position[id])
		k.Names = append(k.Names, s.desc.ColumnByID(id).Name)
	}
	return k
}

// planOf reads the plan of a materialized view or sink.
func planOf(d *catalog.Descriptor) (*physical.Plan, error) {
	var p physical.Plan
	if err := json.Unmarshal(d.Query().Plan, &p); err != nil {
		return nil, fmt.Errorf("plan of %s: %w", d.Name, err)
	}
	return &p, nil
}
