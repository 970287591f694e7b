package streamdb

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/storage/relation"
	"streamdb/txn"
)

// transaction reads one snapshot of the database, with its own changes laid over it,
// and yields what the sequencer is to admit.
type transaction struct {
	db *DB
	// mu guards what others than the session look at: snap and states, which the session
	// reads without it and changes under it, and entered. See holds.go.
	mu   sync.Mutex
	snap *published
	// states is the snapshots taken so far; all of them when the transaction may run
	// several statements.
	states map[*stored]*relation.Snapshot
	// entered tells that the transaction is among the database's readers: whatever it has
	// not taken yet can still be taken. It ends when the transaction has been there for a
	// while, see settle.
	entered bool
	begun   time.Time
	// taken is why the transaction's snapshots were taken from it, nil for not.
	taken atomic.Pointer[error]

	// cat is the catalog with the transaction's own DDL; base is one more than the
	// version that the first of it was planned against, 0 while there is none.
	cat  *catalog.Catalog
	base uint64
	ddl  []ddlOp
	made map[catalog.ID]*stored // tables made or altered by this transaction

	writes  []tableWrite // in order
	written int64        // about their bytes
	// committed is the writes as they were applied, one per table.
	committed []tableWrite
	group     *txn.Group

	// target is the table that the running statement changes, nil if none.
	target *stored

	serializable, readOnly bool
	reads                  map[catalog.ID]bool
	// asRead is the relations that must be at the commit as the transaction has seen them: a constraint has been
	// checked on their rows, or they are written anew.
	asRead map[catalog.ID]bool
	// anew is the tables whose rows are written anew.
	anew  map[catalog.ID]bool
	saves []savepoint
	// started is the transaction's time, µs since 2000-01-01 UTC.
	started int64
}

// savepoint is how much of a transaction stood at a SAVEPOINT.
type savepoint struct {
	name        string
	writes, ddl int
	cat         *catalog.Catalog
	base        uint64
	made        map[catalog.ID]*stored
	settings    *settings
}

// begin starts a transaction on the newest published state. With enter it is among the
// readers, until leave: its snapshots stay available.
func (db *DB) begin(enter bool) *transaction {
	for {
		p := db.published()
		if enter && !db.readers.Enter(p.epoch) {
			continue
		}
		return &transaction{db: db, snap: p, states: make(map[*stored]*relation.Snapshot), cat: p.cat, made: map[catalog.ID]*stored{},
			group: txn.NewOwnGroup(), reads: map[catalog.ID]bool{}, asRead: map[catalog.ID]bool{}, anew: map[catalog.ID]bool{},
			started: db.startOf(p), entered: enter, begun: time.Now()}
	}
}

// startOf is the time of a transaction that starts with state p, which it is not before.
func (db *DB) startOf(p *published) int64 {
	if db.virtual != nil {
		return db.now()
	}
	return max(db.now(), p.time)
}

// pinAll takes the snapshots of all relations, so that later statements find them. mu is
// held.
func (t *transaction) pinAll() {
	for _, s := range t.snap.rels {
		if s.rel == nil || s.flow != nil && !s.flow.shows(t.snap.epoch) || t.states[s] != nil {
			continue // a view that lags is waited for when it is read
		}
		if st, err := s.rel.Snapshot(t.snap.epoch); err == nil {
			t.states[s] = st
		}
	}
}

// leave ends being among the readers.
func (t *transaction) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leaveLocked()
}

func (t *transaction) leaveLocked() {
	if t.entered {
		t.entered = false
		t.db.readers.Leave(t.snap.epoch)
	}
}

// stay takes all snapshots, for a transaction of which more statements may come, and
// leaves the readers.
func (t *transaction) stay() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entered {
		t.pinAll()
		t.leaveLocked()
	}
}

// renew moves the transaction to the newest published state, unless the catalog has
// changed.
func (t *transaction) renew() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		p := t.db.published()
		if p.cat != t.snap.cat {
			return false
		}
		if t.entered && !t.db.readers.Enter(p.epoch) {
			continue
		}
		if t.entered {
			t.db.readers.Leave(t.snap.epoch)
		}
		t.snap = p
		clear(t.states)
		return true
	}
}

// pinned returns the snapshot taken of a relation, nil if there is none.
func (t *transaction) pinned(s *stored) *relation.Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.states[s]
}

func (t *transaction) pin(s *stored, st *relation.Snapshot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.states[s] = st
}

// state returns the snapshot of a relation at the transaction's epoch.
func (t *transaction) state(s *stored) (*relation.Snapshot, error) {
	if why := t.taken.Load(); why != nil {
		return nil, *why
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if st := t.states[s]; st != nil {
		return st, nil
	}
	if t.made[s.id] == s {
		st := s.rel.Newest()
		t.states[s] = st
		return st, nil
	}
	st, err := s.rel.Snapshot(t.snap.epoch)
	if err != nil {
		if errors.Is(err, relation.ErrEpochGone) {
			return nil, sqlerr.Wrap(err, sqlerr.SnapshotTooOld, "the transaction's snapshot is no longer available for %q", s.desc.Name).
				WithHint("Try the transaction again.")
		}
		return nil, err
	}
	t.states[s] = st
	return st, nil
}

// stored finds what is kept for an object, as the transaction sees it.
func (t *transaction) stored(id catalog.ID) (*stored, error) {
	if s := t.made[id]; s != nil {
		return s, nil
	}
	if s := t.snap.rels[id]; s != nil {
		return s, nil
	}
	return nil, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "relation %d was made in this transaction and has no rows yet", id).
		WithHint("Commit the transaction first.")
}

// keyed describes a table for the transaction's own checks.
func (t *transaction) keyed(s *stored) (*txn.Table, error) { return s.keyed(t.state) }

// write adds a delta to the transaction. Keys are checked against its snapshot and its
// own changes: 23505 comes at once.
func (t *transaction) write(s *stored, rows *chunk.Chunk) error {
	if rows.Rows == 0 {
		return nil
	}
	t.written += rows.MemoryBytes()
	if m := t.db.opts.TransactionMemory; m > 0 && t.written > m {
		return sqlerr.New(sqlerr.OutOfMemory, "out of memory").WithDetail("The transaction has written more than its budget of %d bytes.", m).
			WithHint("Commit more often, or start the server with a larger --transaction-memory.")
	}
	kt, err := t.keyed(s)
	if err != nil {
		return err
	}
	if t.truncated(s.id) {
		if kt, err = t.emptied(s, kt); err != nil {
			return err
		}
	}
	if err := t.group.Admit([]txn.Delta{{Table: kt, Version: s.desc.Version, Rows: rows}}); err != nil {
		return err
	}
	t.writes = append(t.writes, tableWrite{table: s.id, version: s.desc.Version, rows: rows})
	return nil
}

// emptied gives a table's checks an empty state: the transaction has truncated it.
func (t *transaction) emptied(s *stored, kt *txn.Table) (*txn.Table, error) {
	rel, err := relation.New(s.rel.Spec())
	if err != nil {
		return nil, err
	}
	e := *kt
	e.State = rel.Newest()
	e.Keys = slices.Clone(kt.Keys)
	i := 0
	if len(s.desc.PrimaryKey()) > 0 {
		e.Keys[0].State, i = e.State, 1
	}
	for _, x := range s.indexes {
		if x.desc.Index.Unique {
			xr, err := relation.New(x.rel.Spec())
			if err != nil {
				return nil, err
			}
			e.Keys[i].State = xr.Newest()
			i++
		}
	}
	return &e, nil
}

// truncate empties a table in the transaction.
func (t *transaction) truncate(s *stored) {
	t.writes = append(t.writes, tableWrite{table: s.id, version: s.desc.Version, truncate: true})
	t.regroup()
}

// regroup builds the checks anew from the transaction's writes.
func (t *transaction) regroup() {
	old := t.writes
	t.group, t.writes, t.written = txn.NewOwnGroup(), nil, 0
	last := make(map[catalog.ID]int)
	for i, w := range old {
		if w.truncate {
			last[w.table] = i
		}
	}
	for i, w := range old {
		at, cut := last[w.table]
		if w.truncate || cut && i < at {
			if i == at && w.truncate {
				t.writes = append(t.writes, w)
			}
			continue
		}
		if s, err := t.stored(w.table); err == nil {
			// What was admitted before is admitted again.
			if t.write(s, w.rows) != nil {
				t.writes = append(t.writes, w)
			}
		}
	}
}

func (t *transaction) truncated(id catalog.ID) bool {
	for _, w := range t.writes {
		if w.table == id && w.truncate {
			return true
		}
	}
	return false
}

// own returns the transaction's deltas of a table, and whether its snapshot counts no more.
func (t *transaction) own(id catalog.ID) (rows []*chunk.Chunk, truncated bool) {
	for _, w := range t.writes {
		if w.table != id {
			continue
		}
		if w.truncate {
			rows, truncated = nil, true
			continue
		}
		rows = append(rows, w.rows)
	}
	return rows, truncated
}

// isEmpty reports whether there is nothing to commit.
func (t *transaction) isEmpty() bool { return len(t.writes) == 0 && len(t.ddl) == 0 }

// commit hands the transaction to the sequencer and waits until it is visible.
func (t *transaction) commit(ctx context.Context) error {
	if t.isEmpty() && (!t.serializable || len(t.reads) == 0) {
		return nil
	}
	if t.isEmpty() {
		return nil // a snapshot is serializable as it is
	}
	p := &proposal{ctx: ctx, base: t.base, readAt: t.snap.epoch}
	for i := range t.ddl {
		p.ops = append(p.ops, &t.ddl[i])
		p.whole = true
	}
	p.writes = mergeWrites(t.writes)
	for i := range p.writes {
		p.whole = p.whole || p.writes[i].truncate
		p.writes[i].arrived = new(arrivals)
		p.writes[i].anew = t.anew[p.writes[i].table]
	}
	for id := range t.asRead {
		if t.snap.rels[id] != nil {
			p.reads = append(p.reads, id)
		}
	}
	if t.serializable {
		for id := range t.reads {
			p.reads = append(p.reads, id)
		}
	}
	if p.rows() > 2*entryRowsMax {
		p.whole = true
	}
	epoch, err := t.db.submit(p)
	if err != nil {
		return err
	}
	// It is in the log, whatever happens from here on: no patience, and no failure.
	if err := t.db.waitPublished(context.WithoutCancel(ctx), epoch); err != nil {
		return unknownOutcome(err)
	}
	t.committed = p.writes
	return nil
}

// mergeWrites makes one delta per table of a transaction's writes.
func mergeWrites(ws []tableWrite) []tableWrite {
	var out []tableWrite
	at := make(map[catalog.ID]int)
	for _, w := range ws {
		i, ok := at[w.table]
		switch {
		case !ok || w.truncate:
			at[w.table] = len(out)
			out = append(out, w)
		case out[i].rows == nil:
			out[i].rows = w.rows
		default:
			c := chunk.New(out[i].rows.Schema(), out[i].rows.Rows+w.rows.Rows)
			c.AppendRows(out[i].rows, nil)
			c.AppendRows(w.rows, nil)
			out[i].rows = c
		}
	}
	for i := range out {
		if r := out[i].rows; r != nil && r.Weights != nil {
			out[i].rows = chunk.Consolidate(r)
		}
		if out[i].rows == nil {
			out[i].rows = &chunk.Chunk{}
		}
	}
	return out
}

// waitPublished waits until readers see epoch.
func (db *DB) waitPublished(ctx context.Context, epoch relation.Epoch) error {
	for {
		news := db.changed()
		if db.published().epoch >= epoch {
			return nil
		}
		select {
		case <-news:
		case <-db.failed:
			return stoppedError(db.cause)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// addDDL applies catalog changes within the transaction.
func (t *transaction) addDDL(o ddlOp) error {
	cat, err := t.cat.With(o.Changes...)
	if err != nil {
		return err
	}
	t.base = t.snap.cat.Version() + 1
	o.Base = t.cat.Version()
	t.cat = cat
	t.ddl = append(t.ddl, o)
	for _, c := range o.Changes {
		if c.Put == nil {
			delete(t.made, c.Drop)
			continue
		}
		d := cat.ByID(c.Put.ID)
		if d == nil || d.Kind != catalog.KindTable {
			continue
		}
		if old := t.snap.rels[d.ID]; old != nil && t.made[d.ID] == nil && sameColumns(old.desc, d) {
			s := *old
			s.desc = d
			st, err := t.state(old)
			if err != nil {
				return err
			}
			t.pin(&s, st)
			t.made[d.ID] = &s
			continue
		}
		if t.made[d.ID] != nil && sameColumns(t.made[d.ID].desc, d) {
			t.made[d.ID].desc = d
			continue
		}
		if old := t.snap.rels[d.ID]; old != nil && (t.made[d.ID] != nil || len(retypedColumns(old.desc, d)) == 0) {
			continue // altered columns: its rows are not read any more before the commit
		}
		s, err := newStored(d)
		if err != nil {
			return err
		}
		if old := t.made[d.ID]; old != nil {
			t.reshape(old.desc, d, o.Defaults[d.ID])
		}
		if err := t.emptyIndexes(s, d); err != nil {
			return err
		}
		t.made[d.ID] = s
	}
	return nil
}

// emptyIndexes gives a table whose rows the transaction writes anew its unique indexes, so that they are checked.
func (t *transaction) emptyIndexes(s *stored, d *catalog.Descriptor) error {
	for _, x := range t.cat.Indexes(d.ID) {
		if !x.Index.Unique || x.Index.Primary {
			continue
		}
		xs, err := newIndex(x, d)
		if err != nil {
			return err
		}
		t.pin(xs, xs.rel.Newest())
		s.indexes = append(s.indexes, xs)
	}
	return nil
}

// rewritten says that the rows that the transaction writes next to a table take the place of all that are there: nobody
// else may have changed them since.
func (t *transaction) rewritten(id catalog.ID) {
	t.writes = slices.DeleteFunc(t.writes, func(w tableWrite) bool { return w.table == id })
	t.regroup()
	t.asRead[id], t.anew[id] = true, true
}

// reshape gives the rows that the transaction has written to a table the columns that
// the table has now.
func (t *transaction) reshape(old, now *catalog.Descriptor, defaults map[int]types.Datum) {
	for i := range t.writes {
		w := &t.writes[i]
		if w.table != now.ID || w.rows == nil {
			continue
		}
		w.version = now.Version
		rows := &chunk.Chunk{Rows: w.rows.Rows, Weights: w.rows.Weights}
		for _, c := range now.Columns() {
			at := slices.IndexFunc(old.Columns(), func(o catalog.Column) bool { return o.ID == c.ID })
			if at >= 0 {
				rows.Cols = append(rows.Cols, w.rows.Cols[at])
				continue
			}
			def, ok := defaults[c.ID]
			if !ok {
				def = types.NullDatum
			}
			col := chunk.NewColumn(c.Type, rows.Rows)
			for range rows.Rows {
				col.AppendDatum(def)
			}
			rows.Cols = append(rows.Cols, col)
		}
		w.rows = rows
	}
	t.regroup()
}

// save marks a savepoint.
func (t *transaction) save(name string, st *settings) {
	t.saves = append(t.saves, savepoint{name: name, writes: len(t.writes), ddl: len(t.ddl), cat: t.cat, base: t.base,
		made: cloneMade(t.made), settings: st.clone()})
}

func cloneMade(m map[catalog.ID]*stored) map[catalog.ID]*stored {
	c := make(map[catalog.ID]*stored, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

func (t *transaction) findSave(name string) (int, error) {
	for i := len(t.saves) - 1; i >= 0; i-- {
		if t.saves[i].name == name {
			return i, nil
		}
	}
	return 0, sqlerr.New(sqlerr.InvalidSavepointSpecification, "savepoint %q does not exist", name)
}

// rollbackTo takes back what came after a savepoint, which stays.
func (t *transaction) rollbackTo(i int) *settings {
	s := t.saves[i]
	t.saves = t.saves[:i+1]
	t.writes, t.ddl, t.cat, t.base, t.made = t.writes[:s.writes:s.writes], t.ddl[:s.ddl:s.ddl], s.cat, s.base, cloneMade(s.made)
	t.regroup()
	t.saves[i].writes = len(t.writes)
	return s.settings.clone()
}
