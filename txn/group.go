package txn

import (
	"strings"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/storage/relation"
)

// Table is a stored table as a Group must know it.
type Table struct {
	ID   uint32
	Name string
	// Version is the table's schema version: a delta made against another one is refused.
	Version uint64
	// State is the state that deltas are checked against.
	State *relation.Snapshot
	// RowKey is the positions of the columns by which State finds a row: its key.
	// Empty means that the table is append-only.
	RowKey []int
	// Keys is the unique keys.
	Keys []Key
}

// Key is a unique key of a table.
type Key struct {
	// Name is the constraint's or index's name.
	Name string
	// Columns is positions in the table; Names their names.
	Columns []int
	Names   []string
	// State is ordered by Columns: the table's own state, or an index's.
	State *relation.Snapshot
}

// Group is deltas that have been admitted against a state, one after the other. It is
// owned by one goroutine.
type Group struct {
	tables map[uint32]*pending
	// own: the deltas are of one transaction, which may retract rows it has inserted.
	own bool
}

// pending is what a group has admitted for one table.
type pending struct {
	rows *chunk.KeyTable   // rows by identity; payload: net weight
	keys []*chunk.KeyTable // per unique key; payload: net number of rows
}

// NewGroup returns a group for independent transactions that has admitted nothing.
func NewGroup() *Group { return &Group{tables: make(map[uint32]*pending)} }

// NewOwnGroup returns a group for the statements of one transaction.
func NewOwnGroup() *Group { return &Group{tables: make(map[uint32]*pending), own: true} }

// Delta is the changes of one table by one transaction.
type Delta struct {
	Table   *Table
	Version uint64
	Rows    *chunk.Chunk
}

// Admit takes all deltas or none: the error is a *sqlerr.Error, 40001 where a
// retracted row is gone or the schema has changed, 23505 where a key is taken.
func (g *Group) Admit(deltas []Delta) error {
	claims := make([]claim, len(deltas))
	for i := range deltas {
		if err := claims[i].check(g, &deltas[i]); err != nil {
			return err
		}
	}
	for i := range claims {
		claims[i].take()
	}
	return nil
}

// claim is a delta on its way into a group: its net effect on rows and keys.
type claim struct {
	p    *pending
	rows *chunk.Chunk
	keys []keyClaim
}

// keyClaim is the net number of rows per touched key.
type keyClaim struct {
	cols []*chunk.Column
	hash []uint64
	net  []int64
}

func (c *claim) check(g *Group, d *Delta) error {
	t := d.Table
	if d.Version != t.Version {
		return sqlerr.New(sqlerr.SerializationFailure, "could not serialize access: table %q was altered by another transaction", t.Name)
	}
	c.p = g.tables[t.ID]
	if c.p == nil {
		c.p = &pending{}
		g.tables[t.ID] = c.p
	}
	retracts := false
	for _, w := range d.Rows.Weights {
		retracts = retracts || w < 0
	}
	if retracts || c.p.rows != nil || g.own && len(t.RowKey) > 0 {
		c.rows = d.Rows
		if c.p.rows == nil {
			c.p.rows = chunk.NewRowTable(d.Rows.Schema(), 1)
		}
		if retracts {
			if err := c.checkRows(t); err != nil {
				return err
			}
		}
	}
	return c.checkKeys(t, d.Rows)
}

// checkRows makes sure that every row is there as often as it is retracted.
func (c *claim) checkRows(t *Table) error {
	net := chunk.Consolidate(c.rows)
	var idx []int32
	for i := range net.Rows {
		if net.Weight(i) < 0 {
			idx = append(idx, int32(i))
		}
	}
	if len(idx) == 0 {
		return nil
	}
	gone := net.Gather(idx)
	have, err := t.weights(gone)
	if err != nil {
		return err
	}
	pend := c.p.weights(c.p.rows, gone.Cols, gone.Rows)
	for i := range gone.Rows {
		if have[i]+pend[i]+gone.Weight(i) < 0 {
			return sqlerr.New(sqlerr.SerializationFailure, "could not serialize access due to concurrent update")
		}
	}
	return nil
}

// weights returns how often each row of c stands in the state.
func (t *Table) weights(c *chunk.Chunk) ([]int64, error) {
	have := make([]int64, c.Rows)
	keys := make([]*chunk.Column, len(t.RowKey))
	for i, k := range t.RowKey {
		keys[i] = c.Cols[k]
	}
	all := make([]int, len(c.Cols))
	for i := range all {
		all[i] = i
	}
	order := chunk.NewIdentityComparator(c.Schema(), chunk.Ascending(all...))
	err := t.State.LookupMany(keys, c.Rows, nil, func(m relation.Matches) error {
		for i, p := range m.Probe {
			if order.Compare(c.Cols, int(p), m.Rows.Cols, i) == 0 {
				have[p] += m.Rows.Weight(i)
			}
		}
		return nil
	})
	return have, err
}

// weights returns the pending payload of each of n keys in table.
func (p *pending) weights(table *chunk.KeyTable, cols []*chunk.Column, n int) []int64 {
	w := make([]int64, n)
	if table.Len() == 0 {
		return w
	}
	hash, slots := make([]uint64, n), make([]int32, n)
	chunk.HashRows(cols, n, hash)
	table.Find(cols, hash, slots)
	for i, s := range slots {
		if s >= 0 {
			w[i] = int64(table.Payload(s)[0])
		}
	}
	return w
}

// checkKeys makes sure that no key would stand for more than one row.
func (c *claim) checkKeys(t *Table, rows *chunk.Chunk) error {
	if len(t.Keys) == 0 {
		return nil
	}
	if c.p.keys == nil {
		c.p.keys = make([]*chunk.KeyTable, len(t.Keys))
	}
	c.keys = make([]keyClaim, len(t.Keys))
	for k := range t.Keys {
		key := &t.Keys[k]
		if c.p.keys[k] == nil {
			c.p.keys[k] = chunk.NewKeyTable(key.schema(rows), 1)
		}
		kc := &c.keys[k]
		kc.collect(key, rows)
		n := len(kc.net)
		if n == 0 {
			continue
		}
		taken, err := key.State.Exists(kc.cols, n)
		if err != nil {
			return err
		}
		pend := c.p.weights(c.p.keys[k], kc.cols, n)
		for i, net := range kc.net {
			had := int64(0)
			if taken.Get(i) {
				had = 1
			}
			if net > 0 && had+pend[i]+net > 1 {
				return duplicate(t, key, kc.cols, i)
			}
		}
	}
	return nil
}

func (k *Key) schema(rows *chunk.Chunk) chunk.Schema {
	s := make(chunk.Schema, len(k.Columns))
	for i, c := range k.Columns {
		s[i] = rows.Cols[c].Type
	}
	return s
}

// collect fills kc with the distinct keys of rows that have no NULL, and the net
// number of rows that each gains.
func (kc *keyClaim) collect(k *Key, rows *chunk.Chunk) {
	cols := make([]*chunk.Column, len(k.Columns))
	var nulls chunk.Bitmap
	for i, c := range k.Columns {
		cols[i] = rows.Cols[c]
		nulls = nulls.Or(cols[i].Nulls, rows.Rows)
	}
	n := rows.Rows
	hash, slots := make([]uint64, n), make([]int32, n)
	chunk.HashRows(cols, n, hash)
	table := chunk.NewKeyTable(k.schema(rows), 0)
	table.Upsert(cols, hash, slots)
	net := make([]int64, table.Slots())
	for i, s := range slots {
		if !nulls.Get(i) {
			net[s] += rows.Weight(i)
		}
	}
	first := make([]int32, table.Slots())
	for i := n - 1; i >= 0; i-- {
		first[slots[i]] = int32(i)
	}
	var idx []int32
	for s, w := range net {
		if w != 0 {
			idx = append(idx, first[s])
			kc.net = append(kc.net, w)
			kc.hash = append(kc.hash, hash[first[s]])
		}
	}
	for _, c := range cols {
		kc.cols = append(kc.cols, c.Gather(idx))
	}
}

// take enters the claim into its group.
func (c *claim) take() {
	if c.rows != nil {
		n := c.rows.Rows
		hash, slots := make([]uint64, n), make([]int32, n)
		chunk.HashRows(c.rows.Cols, n, hash)
		c.p.rows.Upsert(c.rows.Cols, hash, slots)
		for i, s := range slots {
			c.p.rows.Payload(s)[0] += uint64(c.rows.Weight(i))
		}
	}
	for k := range c.keys {
		kc := &c.keys[k]
		n := len(kc.net)
		if n == 0 {
			continue
		}
		slots := make([]int32, n)
		c.p.keys[k].Upsert(kc.cols, kc.hash, slots)
		for i, s := range slots {
			c.p.keys[k].Payload(s)[0] += uint64(kc.net[i])
		}
	}
}

// duplicate is PostgreSQL's error for a key that is taken.
func duplicate(t *Table, k *Key, cols []*chunk.Column, i int) error {
	vals := make([]string, len(cols))
	for j, c := range cols {
		vals[j] = string(types.AppendText(nil, c.Type, c.Datum(i), types.DefaultSettings))
	}
	e := sqlerr.New(sqlerr.UniqueViolation, "duplicate key value violates unique constraint %q", k.Name).
		WithDetail("Key (%s)=(%s) already exists.", strings.Join(k.Names, ", "), strings.Join(vals, ", "))
	e.Table, e.Constraint = t.Name, k.Name
	return e
}
