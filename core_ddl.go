package streamdb

import (
	"fmt"
	"maps"
	"slices"

	"streamdb/exec"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
	"streamdb/storage/relation"
)

// applyDDL changes the catalog and what is stored under it.
func (c *core) applyDDL(s *step, o *ddlOp) error {
	cat, err := c.cat.With(o.Changes...)
	if err != nil {
		return fmt.Errorf("catalog changes planned at version %d, applied at %d: %w", o.Base, c.cat.Version(), err)
	}
	c.cat = cat
	c.rels = maps.Clone(c.rels)
	for _, ch := range o.Changes {
		if ch.Drop != 0 {
			c.dropStored(ch.Drop)
			continue
		}
		d := c.cat.ByID(ch.Put.ID)
		if d == nil {
			continue // dropped again by a later change
		}
		if err := c.putStored(s, d, o); err != nil {
			return err
		}
	}
	for id, v := range o.Restart {
		c.seqs[id] = &sequenceState{Last: v}
	}
	return nil
}

func (c *core) dropStored(id catalog.ID) {
	delete(c.seqs, id)
	t := c.rels[id]
	if t == nil {
		return
	}
	delete(c.rels, id)
	if t.idle != nil {
		c.timers.set(t.idle, exec.NoTimer)
	}
	if t.desc.Kind == catalog.KindIndex {
		if on := c.rels[t.desc.Index.On]; on != nil {
			on.indexes = slices.DeleteFunc(slices.Clone(on.indexes), func(x *stored) bool { return x.id == id })
		}
	}
	if t.flow != nil {
		c.retire(t.flow)
		return
	}
	c.db.dropped(t)
}

// putStored creates or alters what is kept for a descriptor.
func (c *core) putStored(s *step, d *catalog.Descriptor, o *ddlOp) error {
	if old := c.rels[d.ID]; old != nil {
		return c.alterStored(s, old, d, o)
	}
	switch d.Kind {
	case catalog.KindSequence:
		if c.seqs[d.ID] == nil {
			c.seqs[d.ID] = &sequenceState{Last: d.Sequence.Start}
		}
		return nil
	case catalog.KindIndex:
		return c.createIndex(s, d)
	case catalog.KindTable, catalog.KindSource, catalog.KindMatView, catalog.KindSink:
	default:
		return nil
	}
	t, err := newStored(d)
	if err != nil {
		return err
	}
	c.adopt(t)
	c.rels[d.ID] = t
	if d.Table != nil && d.Table.Connector != nil {
		if t.source, err = newSourceState(d); err != nil {
			return err
		}
		c.db.startSource(t)
	}
	if d.Query() != nil {
		if err := c.createDataflow(t, nil); err != nil {
			return err
		}
		s.created = append(s.created, t.flow)
	}
	return nil
}

// alterStored gives what is stored a new descriptor, in a copy: readers of published
// databases still use the old one.
func (c *core) alterStored(s *step, old *stored, d *catalog.Descriptor, o *ddlOp) error {
	t := *old
	t.desc = d
	if add := o.Defaults[d.ID]; len(add) > 0 {
		t.defaults = maps.Clone(t.defaults)
		if t.defaults == nil {
			t.defaults = make(map[int]types.Datum)
		}
		maps.Copy(t.defaults, add)
	}
	t.setColumns()
	if old.desc.Kind == catalog.KindIndex {
		t.position = old.position
	}
	if t.rel != nil && d.Table != nil && (!sameColumns(old.desc, d) || (old.desc.Table.Retention != nil) != (d.Table.Retention != nil)) {
		retyped := retypedColumns(old.desc, d)
		if len(retyped) > 0 {
			t.defaults = maps.Clone(t.defaults)
			for _, id := range retyped {
				delete(t.defaults, id)
			}
		}
		alter := c.alterRelation
		if len(retyped) > 0 {
			alter = c.emptyRelation
			if s.rewritten == nil {
				s.rewritten = make(map[catalog.ID]bool)
			}
			s.rewritten[d.ID] = true
		}
		rel, err := alter(s, t.rel, specOf(d, nil, t.defaults))
		if err != nil {
			return err
		}
		t.rel = rel
		s.changed = append(s.changed, t.rel)
		if t.late != nil {
			if t.late, err = alter(s, t.late, lateSpec(d, t.defaults)); err != nil {
				return err
			}
			s.changed = append(s.changed, t.late)
		}
		t.indexes = nil
		for _, x := range old.indexes {
			if c.cat.ByID(x.id) == nil {
				continue // dropped with its column
			}
			spec := specOf(x.desc, d, t.defaults)
			nx := *x
			if nx.rel, err = alter(s, x.rel, spec); err != nil {
				return err
			}
			s.changed = append(s.changed, nx.rel)
			nx.setPositions(columnsOf(d))
			c.rels[x.id] = &nx
			t.indexes = append(t.indexes, &nx)
		}
	}
	c.rels[d.ID] = &t
	for _, f := range c.flows {
		f.replaceStored(old, &t)
	}
	return c.alterMarks(s, old, &t)
}

// alterMarks follows changes of a table's watermarks and its retention.
func (c *core) alterMarks(s *step, old, t *stored) error {
	if t.desc.Table == nil {
		return nil
	}
	if s.version >= 5 {
		if err := c.addWatermarks(s, old, t); err != nil {
			return err
		}
	}
	if t.source != nil {
		t.source.patience.Store(int64(t.quietAfter()))
	}
	c.armIdle(t)
	if t.desc.Table.Retains() > 0 {
		// What reads the table must have its rows before the first leave, also in a replay.
		s.created = append(s.created, c.readers[t.id]...)
	}
	return nil
}

// alterRelation gives a relation other columns. Where that changes its key, as for a
// table without one, whose key is the whole row, the rows move to a relation of their
// own: readers of older epochs keep the old one.
func (c *core) alterRelation(s *step, rel *relation.Relation, spec relation.Spec) (*relation.Relation, error) {
	old := rel.Spec()
	if sameKey(&old, &spec) {
		return rel, rel.Alter(s.epoch, spec)
	}
	now, err := relation.New(spec)
	if err != nil {
		return nil, err
	}
	c.adoptRelation(now)
	from := make([]int, len(spec.Columns))
	for i, col := range spec.Columns {
		from[i] = slices.IndexFunc(old.Columns, func(o relation.Column) bool { return o.ID == col.ID && o.Type == col.Type })
	}
	defer c.db.replaced(rel)
	return now, rel.Newest().Scan(relation.Scan{}).Each(func(rows *chunk.Chunk) error {
		k := &chunk.Chunk{Rows: rows.Rows, Weights: rows.Weights}
		for i, f := range from {
			if f >= 0 {
				k.Cols = append(k.Cols, rows.Cols[f])
				continue
			}
			col := chunk.NewColumn(spec.Columns[i].Type, rows.Rows)
			for range rows.Rows {
				col.AppendDatum(spec.Columns[i].Default)
			}
			k.Cols = append(k.Cols, col)
		}
		return now.Append(s.epoch, k)
	})
}

// retypedColumns gives the columns that have another type than before: the rows come anew with the entry.
func retypedColumns(a, b *catalog.Descriptor) (ids []int) {
	for _, c := range columnsOf(b) {
		if o := a.ColumnByID(c.ID); o != nil && o.Type != c.Type {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// emptyRelation makes an empty relation in the place of one whose columns get other types; readers of older epochs keep
// the old one.
func (c *core) emptyRelation(_ *step, rel *relation.Relation, spec relation.Spec) (*relation.Relation, error) {
	now, err := relation.New(spec)
	if err != nil {
		return nil, err
	}
	c.adoptRelation(now)
	c.db.replaced(rel)
	return now, nil
}

// sameKey reports whether two specs have the same key columns, by id.
func sameKey(a, b *relation.Spec) bool {
	return a.AppendOnly == b.AppendOnly && slices.EqualFunc(a.Key, b.Key, func(x, y chunk.SortKey) bool {
		return a.Columns[x.Col].ID == b.Columns[y.Col].ID && a.Columns[x.Col].Type == b.Columns[y.Col].Type && x.Desc == y.Desc && x.NullsFirst == y.NullsFirst
	})
}

func sameColumns(a, b *catalog.Descriptor) bool {
	if !slices.Equal(a.PrimaryKey(), b.PrimaryKey()) {
		return false
	}
	return slices.EqualFunc(columnsOf(a), columnsOf(b), func(x, y catalog.Column) bool { return x.ID == y.ID && x.Type == y.Type })
}

// createIndex fills an index from the rows that are there.
func (c *core) createIndex(s *step, d *catalog.Descriptor) error {
	if d.Index.Primary {
		return nil
	}
	on := c.rels[d.Index.On]
	if on == nil || on.rel == nil {
		return fmt.Errorf("index %s on a relation without rows", d.Name)
	}
	x, err := newIndex(d, on.desc)
	if err != nil {
		return err
	}
	c.adopt(x)
	err = on.rel.Newest().Scan(relation.Scan{}).Each(func(rows *chunk.Chunk) error { return x.rel.Append(s.epoch, rows) })
	if err != nil {
		return err
	}
	s.changed = append(s.changed, x.rel)
	c.rels[d.ID] = x
	t := *on
	t.indexes = append(slices.Clone(on.indexes), x)
	c.rels[on.id] = &t
	for _, f := range c.flows {
		f.replaceStored(on, &t)
	}
	return nil
}

// adopt gives a new relation its place on disk.
func (c *core) adopt(t *stored) {
	if t.rel != nil {
		c.adoptRelation(t.rel)
	}
}

func (c *core) adoptRelation(r *relation.Relation) {
	if c.db.segments != nil {
		r.SetStore(c.db.segments, c.db.cache)
	}
	r.SetReaders(&c.db.readers)
}
