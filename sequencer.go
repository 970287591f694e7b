package streamdb

import (
	"context"
	"errors"
	"syscall"

	"streamdb/replication"
	"streamdb/replication/log"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/storage"
	"streamdb/storage/relation"
	"streamdb/txn"
)

// proposal is a transaction, or a source's rows, that wants to become part of an entry.
type proposal struct {
	ctx context.Context
	ops []op
	// writes is the transaction's deltas, which are validated; they become operations
	// behind ops.
	writes []tableWrite
	// base is one more than the catalog version that a DDL was planned against, 0 for none.
	base uint64
	// reads is the relations that a serializable transaction has read, at epoch readAt.
	reads  []catalog.ID
	readAt relation.Epoch
	// term, where not 0, is the one in which it was decided about: in another it is refused.
	term uint64
	// whole asks for an entry of its own.
	whole bool

	done chan outcome
}

// tableWrite is the delta of one table, made against schema version Version.
type tableWrite struct {
	table    catalog.ID
	version  uint64
	rows     *chunk.Chunk
	truncate bool // before rows
	// anew says that rows are all that the table has: the transaction has changed a column's type. They have been checked
	// against each other, and that nobody else has written since is checked by reads.
	anew bool
	// arrived tells what was special about the rows, known once the write is applied.
	arrived *arrivals
}

// outcome is what became of a proposal.
type outcome struct {
	future *log.Future
	epoch  relation.Epoch
	err    error
}

// entryRowsMax is about the largest number of rows in one entry.
const entryRowsMax = 1 << 16

func (p *proposal) rows() int {
	n := 0
	for _, w := range p.writes {
		n += w.rows.Rows
	}
	for _, o := range p.ops {
		switch o := o.(type) {
		case *rangeOp:
			n += int(o.To - o.From)
		case *rowsOp:
			n += o.Rows.Rows
		}
	}
	return n
}

// fromSource reports whether the proposal is that of a source's reader.
func (p *proposal) fromSource() bool {
	if len(p.ops) == 0 {
		return false
	}
	switch p.ops[0].(type) {
	case *rangeOp, *rowsOp:
		return true
	}
	return false
}

// sequence is the sequencer: one goroutine which takes all proposals that have queued
// up, validates each against everything logged before and against those admitted with
// it, and makes them one entry. While the step of that entry runs (in Propose), the
// next proposals queue up: entries grow with the load by themselves.
func (db *DB) sequence() {
	defer close(db.sequencerDone)
	for {
		select {
		case p := <-db.proposals:
			db.sequenceGroup(db.takeGroup(p))
		case <-db.closing:
			return
		}
	}
}

// takeGroup returns p with what else is waiting, up to an entry's size. A proposal
// that wants an entry of its own ends the group.
func (db *DB) takeGroup(p *proposal) []*proposal {
	group := []*proposal{p}
	rows := p.rows()
	for rows < entryRowsMax && !p.whole {
		select {
		case p = <-db.proposals:
			group = append(group, p)
			rows += p.rows()
		default:
			return group
		}
	}
	return group
}

// sequenceGroup logs the admissible proposals of a group. One that wants an entry of
// its own comes last in its group and is logged after the others.
func (db *DB) sequenceGroup(group []*proposal) {
	last := group[len(group)-1]
	if last.whole {
		if len(group) > 1 {
			db.logGroup(group[:len(group)-1])
		}
		db.logGroup([]*proposal{last})
		return
	}
	db.logGroup(group)
}

func (db *DB) logGroup(group []*proposal) {
	admitted, ops := db.admit(group)
	if len(admitted) == 0 {
		return
	}
	f, err := db.logOps(ops)
	epoch := db.newestEpoch()
	for _, p := range admitted {
		if err != nil {
			p.done <- outcome{err: db.logError(err)}
			continue
		}
		p.done <- outcome{future: f, epoch: epoch}
	}
}

// newestEpoch is the last one applied.
func (db *DB) newestEpoch() relation.Epoch {
	if db.node != nil {
		db.core.mu.Lock()
		defer db.core.mu.Unlock()
	}
	return db.core.epoch
}

// admit validates a group. Alone, nothing is applied meanwhile; in a cluster another leader's
// entries may be, so that what was decided counts for the term in which it was.
func (db *DB) admit(group []*proposal) (admitted []*proposal, ops []op) {
	if db.node != nil {
		db.term = db.node.Term()
		db.core.mu.Lock()
		defer db.core.mu.Unlock()
	}
	v := validator{c: db.core, group: txn.NewGroup(), tables: make(map[catalog.ID]*txn.Table)}
	var read []op
	for _, p := range group {
		if err := v.admit(p); err != nil {
			p.done <- outcome{err: err}
			continue
		}
		admitted = append(admitted, p)
		if p.fromSource() {
			read = append(read, p.ops...)
			continue
		}
		ops = append(ops, p.ops...)
		for _, w := range p.writes {
			if w.truncate {
				ops = append(ops, &truncateOp{Table: w.table})
			}
			if w.rows != nil && w.rows.Rows > 0 {
				ops = append(ops, &writeOp{Table: w.table, Rows: w.rows, arrived: w.arrived})
			}
		}
	}
	// What sources give goes first: behind it one of them may be dropped.
	return admitted, append(read, ops...)
}

// logEntry logs an entry, in the term in which it was decided about.
func (db *DB) logEntry(e log.Entry) (*log.Future, error) {
	if db.node != nil {
		return db.node.ProposeIn(db.ctx, db.term, e)
	}
	return db.driver.Propose(db.ctx, e)
}

// logOps logs operations as one entry or, where they are too many for one, as stages
// that a last entry makes true together.
func (db *DB) logOps(ops []op) (*log.Future, error) {
	if err := db.dropOrphans(); err != nil {
		return nil, err
	}
	parts := cutOps(ops)
	if len(parts) == 1 {
		payload, err := encodeOps(ops)
		if err != nil {
			return nil, err
		}
		return db.logEntry(log.Entry{Kind: KindOps, EngineVersion: EngineVersion, Payload: payload, Local: ops})
	}
	return db.logStages(parts)
}

// logStages logs the parts of a transaction. Where the log refuses one, those before it
// have no commit: the leader entry in front of what is logged next drops them, so that
// neither memory nor log is kept for them.
func (db *DB) logStages(parts [][]op) (f *log.Future, err error) {
	db.lastStage++
	id := log.StageID(db.lastStage)
	defer func() { db.orphans = err != nil }()
	for i, part := range parts {
		kind := log.KindStage
		if i == len(parts)-1 {
			kind = log.KindCommit
		}
		body, err := encodeOps(part)
		if err != nil {
			return nil, err
		}
		payload := append(log.AppendStageHeader(nil, log.StageHeader{ID: id, Seq: uint32(i)}), body...)
		f, err = db.logEntry(log.Entry{Kind: kind, EngineVersion: EngineVersion, Payload: payload, Local: part})
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// dropOrphans drops the stages of a transaction that was refused in its middle.
func (db *DB) dropOrphans() error {
	if !db.orphans {
		return nil
	}
	if _, err := db.logEntry(log.Entry{Kind: log.KindLeader, EngineVersion: EngineVersion}); err != nil {
		return err
	}
	db.orphans = false
	return nil
}

// cutOps cuts operations into parts of at most about entryRowsMax rows.
func cutOps(ops []op) [][]op {
	var parts [][]op
	var part []op
	rows := 0
	for _, o := range ops {
		w, ok := o.(*writeOp)
		for ok && rows+w.Rows.Rows > 2*entryRowsMax {
			n := min(entryRowsMax, w.Rows.Rows)
			part = append(part, &writeOp{Table: w.Table, Rows: w.Rows.Slice(0, n), arrived: w.arrived})
			parts, part, rows = append(parts, part), nil, 0
			w = &writeOp{Table: w.Table, Rows: w.Rows.Slice(n, w.Rows.Rows), arrived: w.arrived}
			o = w
		}
		if ok {
			rows += w.Rows.Rows
			if w.Rows.Rows == 0 {
				continue
			}
		}
		part = append(part, o)
	}
	return append(parts, part)
}

// logError says a log's refusal in SQL: what it has refused did not happen, and never
// will. What it may have taken is unknownOutcome.
func (db *DB) logError(err error) error {
	var not *replication.NotLeaderError
	switch {
	case errors.As(err, &not):
		return notLeaderError(not)
	case errors.Is(err, log.ErrDiskFull):
		return sqlerr.Wrap(err, sqlerr.DiskFull, "could not write to the log: no space left on device").
			WithHint("Free space on the disk of the data directory; writes go on by themselves then.")
	case errors.Is(err, log.ErrTooLarge):
		return sqlerr.Wrap(err, sqlerr.ProgramLimitExceeded, "transaction is too large: %s", err.Error())
	case errors.Is(err, log.ErrStopped) && err != log.ErrStopped:
		return stoppedError(err) // by itself: it says why
	case errors.Is(err, log.ErrStopped) && db.Err() != nil:
		return stoppedError(db.Err())
	case errors.Is(err, log.ErrStopped), errors.Is(err, context.Canceled):
		return sqlerr.Wrap(err, sqlerr.CannotConnectNow, "the database is shutting down")
	}
	return err
}

// stoppedError says that the database takes no writes any more.
func stoppedError(cause error) error {
	return sqlerr.Wrap(cause, sqlerr.CannotConnectNow, "the database has stopped: %s", cause.Error()).
		WithHint("The server must be started again; what was acknowledged is there then.")
}

// unknownOutcome says that a transaction was handed to the log, which did not say what
// became of it.
func unknownOutcome(err error) error {
	return sqlerr.Wrap(err, sqlerr.TransactionResolutionUnknown, "the outcome of the transaction is unknown: %s", err.Error()).
		WithHint("Look whether its changes are there before trying again.")
}

// checkpointError says in SQL why a checkpoint could not be made.
func checkpointError(err error) error {
	if errors.Is(err, storage.ErrDiskFull) || errors.Is(err, syscall.ENOSPC) {
		return sqlerr.Wrap(err, sqlerr.DiskFull, "could not write a checkpoint: no space left on device").
			WithHint("Free space on the disk of the data directory; the log is kept until then.")
	}
	return err
}

// validator checks proposals against the newest state. The sequencer has applied
// everything logged before, so that is what the core holds.
type validator struct {
	c      *core
	group  *txn.Group
	tables map[catalog.ID]*txn.Table
}

func (v *validator) admit(p *proposal) error {
	if err := p.ctx.Err(); err != nil {
		return context.Cause(p.ctx)
	}
	if err := v.c.admitRanges(p.ops); err != nil {
		return err
	}
	if p.term != 0 && p.term != v.c.db.term {
		return notLeaderError(&replication.NotLeaderError{Leader: v.c.db.node.Leader()})
	}
	if p.base != 0 && p.base != v.c.cat.Version()+1 {
		return sqlerr.New(sqlerr.SerializationFailure, "could not serialize access due to a concurrent change of the catalog")
	}
	for _, id := range p.reads {
		if v.c.changedSince(id, p.readAt, map[catalog.ID]bool{}) {
			return sqlerr.New(sqlerr.SerializationFailure, "could not serialize access due to read/write dependencies among transactions").
				WithHint("The transaction might succeed if retried.")
		}
	}
	var deltas []txn.Delta
	for _, w := range p.writes {
		if p.base != 0 && (v.c.rels[w.table] == nil || w.anew) {
			continue // made by the same transaction
		}
		t, err := v.table(w.table)
		if err != nil {
			return err
		}
		if w.truncate {
			if w.version != t.Version {
				return sqlerr.New(sqlerr.SerializationFailure, "could not serialize access: table %q was altered by another transaction", t.Name)
			}
			continue // nothing that is there can be in the way
		}
		version := w.version
		if p.base != 0 {
			version = t.Version // nobody else has altered it; the transaction itself may have
		}
		deltas = append(deltas, txn.Delta{Table: t, Version: version, Rows: w.rows})
	}
	return v.group.Admit(deltas)
}

// changedSince reports whether a relation is gone or may have changed after an epoch. Of a
// view that is whether a table or source behind it has: when its own rows change is local,
// and nothing that is local decides what is logged. What has been looked at is in seen.
func (c *core) changedSince(id catalog.ID, e relation.Epoch, seen map[catalog.ID]bool) bool {
	t := c.rels[id]
	switch {
	case t == nil:
		return true
	case seen[id]:
		return false
	case t.flow == nil:
		return t.changed > e
	}
	seen[id] = true
	for i := range t.flow.inputs {
		if c.changedSince(t.flow.inputs[i].rel.id, e, seen) {
			return true
		}
	}
	return false
}

func (v *validator) table(id catalog.ID) (*txn.Table, error) {
	if t := v.tables[id]; t != nil {
		return t, nil
	}
	s := v.c.rels[id]
	if s == nil || s.rel == nil {
		return nil, sqlerr.New(sqlerr.SerializationFailure, "could not serialize access: a table was dropped by another transaction")
	}
	t, err := s.keyed(func(x *stored) (*relation.Snapshot, error) { return x.rel.Newest(), nil })
	if err == nil {
		v.tables[id] = t
	}
	return t, err
}

// submit hands a proposal to the sequencer and waits until it is durable and visible.
// The error is the validation's or the log's.
func (db *DB) submit(p *proposal) (relation.Epoch, error) {
	p.done = make(chan outcome, 1)
	select {
	case db.proposals <- p:
	case <-p.ctx.Done():
		return 0, context.Cause(p.ctx)
	case <-db.closing:
		return 0, db.logError(log.ErrStopped)
	}
	var o outcome
	select {
	case o = <-p.done:
	case <-db.sequencerDone:
		// It may have been answered just before the sequencer ended.
		select {
		case o = <-p.done:
		default:
			o.err = db.logError(log.ErrStopped)
		}
	}
	if o.err != nil {
		return 0, o.err
	}
	// From here on the outcome is the log's: the client's patience does not change it.
	if err := o.future.Wait(context.WithoutCancel(p.ctx)); err != nil {
		return 0, unknownOutcome(err)
	}
	return o.epoch, nil
}

// propose logs operations that need no validation and waits until they are visible.
func (db *DB) propose(ctx context.Context, ops []op) error {
	_, err := db.submit(&proposal{ctx: ctx, ops: ops})
	return err
}
