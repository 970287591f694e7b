package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Catalog is an immutable snapshot of all descriptors. It is safe for concurrent use.
type Catalog struct {
	version uint64
	next    ID
	byID    map[ID]*Descriptor
	schemas map[string]ID
	names   map[nameKey]ID
	// users is, per object, the ids of those that depend on it, ascending.
	users map[ID][]ID
}

// nameKey is a name within a schema.
type nameKey struct {
	schema ID
	name   string
}

// New makes a catalog with the built-in schemas only, at version 0.
func New() *Catalog {
	c := &Catalog{
		next: FirstUserID, byID: map[ID]*Descriptor{}, schemas: map[string]ID{},
		names: map[nameKey]ID{}, users: map[ID][]ID{},
	}
	for _, s := range []struct {
		id            ID
		name, comment string
	}{
		{PgCatalogID, PgCatalog, "system catalog schema"},
		{PublicID, Public, "standard public schema"},
		{InformationSchemaID, InformationSchema, ""},
		{StreamdbID, Streamdb, "what the engine tells about itself"},
	} {
		c.put(&Descriptor{ID: s.id, Kind: KindSchema, Name: s.name, Owner: "streamdb", Comment: s.comment})
	}
	return c
}

// Version counts the applications of changes; a plan is good for one version.
func (c *Catalog) Version() uint64 { return c.version }

// NextID is the id that the next new object gets. A statement that makes several
// objects numbers them upward from here.
func (c *Catalog) NextID() ID { return c.next }

// ByID finds an object, nil if there is none.
func (c *Catalog) ByID(id ID) *Descriptor { return c.byID[id] }

// All gives every object in order of id, built-in schemas included.
func (c *Catalog) All() []*Descriptor {
	out := make([]*Descriptor, 0, len(c.byID))
	for _, id := range slices.Sorted(maps.Keys(c.byID)) {
		out = append(out, c.byID[id])
	}
	return out
}

// Dependents gives the objects with a dependency on id, in order of id.
func (c *Catalog) Dependents(id ID) []*Descriptor {
	out := make([]*Descriptor, 0, len(c.users[id]))
	for _, u := range c.users[id] {
		out = append(out, c.byID[u])
	}
	return out
}

// Indexes gives the indexes on a table or materialized view, in order of id.
func (c *Catalog) Indexes(on ID) []*Descriptor {
	var out []*Descriptor
	for _, d := range c.Dependents(on) {
		if d.Index != nil && d.Index.On == on {
			out = append(out, d)
		}
	}
	return out
}

// UniqueKey is a unique key of a table.
type UniqueKey struct {
	Index   ID // the index that enforces it
	Name    string
	Columns []int // column ids, in key order
	Primary bool
}

// UniqueKeys gives the unique keys of a table, by constraint or by index, in order of id.
func (c *Catalog) UniqueKeys(t *Descriptor) []UniqueKey {
	var out []UniqueKey
	for _, d := range c.Indexes(t.ID) {
		if !d.Index.Unique {
			continue
		}
		k := UniqueKey{Index: d.ID, Name: d.Name, Primary: d.Index.Primary}
		for _, col := range d.Index.Columns {
			k.Columns = append(k.Columns, col.Column)
		}
		out = append(out, k)
	}
	return out
}

// Change is one step of a DDL statement; exactly one of its fields is set.
type Change struct {
	// Put adds an object, or replaces the one with the same id.
	Put *Descriptor `json:"put,omitempty"`
	// Drop removes an object.
	Drop ID `json:"drop,omitempty"`
}

// With gives the catalog after the changes, at the next version. The receiver is
// unchanged. Changes planned against this very snapshot always apply; an error means
// that they were planned against another.
func (c *Catalog) With(changes ...Change) (*Catalog, error) {
	n := &Catalog{
		version: c.version + 1, next: c.next, byID: maps.Clone(c.byID), schemas: maps.Clone(c.schemas),
		names: maps.Clone(c.names), users: maps.Clone(c.users),
	}
	for _, ch := range changes {
		if err := n.apply(ch, c.next); err != nil {
			return nil, err
		}
	}
	for _, ch := range changes {
		if ch.Put == nil || n.byID[ch.Put.ID] == nil {
			continue
		}
		for _, dep := range n.byID[ch.Put.ID].Deps {
			if n.byID[dep.On] == nil {
				return nil, fmt.Errorf("catalog: %s %q depends on object %d, which does not exist", ch.Put.Kind, ch.Put.Name, dep.On)
			}
		}
	}
	return n, nil
}

// apply does one change in place; only With calls it, on its own copy. New objects
// have ids from fresh upward.
func (c *Catalog) apply(ch Change, fresh ID) error {
	if ch.Put == nil {
		if c.byID[ch.Drop] == nil {
			return fmt.Errorf("catalog: drop of object %d, which does not exist", ch.Drop)
		}
		c.remove(ch.Drop)
		return nil
	}
	d := *ch.Put
	d.Version = c.version
	if old := c.byID[d.ID]; old != nil {
		if old.Kind != d.Kind {
			return fmt.Errorf("catalog: object %d is a %s, not a %s", d.ID, old.Kind, d.Kind)
		}
		c.remove(d.ID)
	} else if d.ID < fresh {
		return fmt.Errorf("catalog: id %d has been used before", d.ID)
	}
	if c.taken(&d) {
		return duplicate(&d)
	}
	if d.Kind != KindSchema && c.byID[d.Schema] == nil {
		return fmt.Errorf("catalog: %s %q is in schema %d, which does not exist", d.Kind, d.Name, d.Schema)
	}
	c.put(&d)
	return nil
}

// taken tells whether another object has d's name.
func (c *Catalog) taken(d *Descriptor) bool {
	if d.Kind == KindSchema {
		return c.schemas[d.Name] != 0
	}
	return c.names[nameKey{d.Schema, d.Name}] != 0
}

// put adds d to all maps and moves next past its ids.
func (c *Catalog) put(d *Descriptor) {
	c.byID[d.ID] = d
	if d.Kind == KindSchema {
		c.schemas[d.Name] = d.ID
	} else {
		c.names[nameKey{d.Schema, d.Name}] = d.ID
	}
	for _, dep := range d.Deps {
		c.users[dep.On] = insertID(c.users[dep.On], d.ID)
	}
	c.next = max(c.next, d.ID+1)
	if d.Table != nil {
		for i := range d.Table.Constraints {
			c.next = max(c.next, d.Table.Constraints[i].ID+1)
		}
	}
}

// remove takes an object out of all maps.
func (c *Catalog) remove(id ID) {
	d := c.byID[id]
	delete(c.byID, id)
	if d.Kind == KindSchema {
		delete(c.schemas, d.Name)
	} else {
		delete(c.names, nameKey{d.Schema, d.Name})
	}
	for _, dep := range d.Deps {
		c.users[dep.On] = removeID(c.users[dep.On], id)
		if len(c.users[dep.On]) == 0 {
			delete(c.users, dep.On)
		}
	}
}

// insertID gives a new ascending slice with id in it; ids is shared and stays.
func insertID(ids []ID, id ID) []ID {
	i, found := slices.BinarySearch(ids, id)
	if found {
		return ids
	}
	return slices.Insert(slices.Clone(ids), i, id)
}

// removeID gives a new slice without id; ids is shared and stays.
func removeID(ids []ID, id ID) []ID {
	i, found := slices.BinarySearch(ids, id)
	if !found {
		return ids
	}
	return slices.Delete(slices.Clone(ids), i, i+1)
}

// stored is the form in which a catalog is written into checkpoints.
type stored struct {
	Version uint64        `json:"version"`
	Next    ID            `json:"next"`
	Objects []*Descriptor `json:"objects"`
}

// MarshalJSON writes the whole catalog; equal catalogs give equal bytes.
func (c *Catalog) MarshalJSON() ([]byte, error) {
	return json.Marshal(stored{Version: c.version, Next: c.next, Objects: c.All()})
}

// UnmarshalJSON reads what MarshalJSON wrote into a zero Catalog.
func (c *Catalog) UnmarshalJSON(b []byte) error {
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	n := &Catalog{byID: map[ID]*Descriptor{}, schemas: map[string]ID{}, names: map[nameKey]ID{}, users: map[ID][]ID{}}
	for _, d := range s.Objects {
		if d == nil || d.ID == 0 || strings.TrimSpace(string(d.Kind)) == "" || n.byID[d.ID] != nil || n.taken(d) {
			return fmt.Errorf("catalog: bad or doubled object in %d stored ones", len(s.Objects))
		}
		n.put(d)
	}
	n.version, n.next = s.Version, max(s.Next, n.next, FirstUserID)
	*c = *n
	return nil
}
