package streamdb

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"streamdb/replication/log"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/storage/relation"
)

// core is the state machine: what an entry changes at once and alike on every node.
// The log's driver calls Apply, one entry at a time; mu is held during it, so that a
// dataflow that has run beside the step can rejoin between two entries.
type core struct {
	db *DB

	mu    sync.Mutex
	epoch relation.Epoch
	index uint64 // of the last applied entry
	time  int64  // of the last applied entry
	cat   *catalog.Catalog
	// rels is everything stored, by id; a copy is made when DDL changes it, so that
	// published databases keep theirs.
	rels map[catalog.ID]*stored
	// flows is the dataflows in the order of their ids, which is a topological one:
	// a view is made after what it reads.
	flows []*dataflow
	// readers is the dataflows that read each relation, ascending by id.
	readers map[catalog.ID][]*dataflow
	seqs    map[catalog.ID]*sequenceState
	stages  log.Stages
	staged  map[log.StageID][]op

	// publishing is held while some are published, which a node of a cluster may do by itself.
	publishing sync.Mutex
	// unpublished is the epochs that are applied and not yet published.
	unpublished []appliedEpoch

	// prev is the time of the entry before the last.
	prev int64
	// clock is where the virtual clock was last set to, 0 for never.
	clock  int64
	timers *timers
	// fills is the dataflows on their way to the head.
	fills []*fill
	// freezing tells that a checkpoint waits for dataflows beside the step, which nobody leaves until it is made.
	freezing bool
}

// sequenceState is where a sequence stands: no value above Last has been given out.
type sequenceState struct {
	Last   int64 `json:"last"`
	Called bool  `json:"called"`
}

// appliedEpoch is what one entry left to publish.
type appliedEpoch struct {
	index   uint64
	state   published
	changed []*relation.Relation
	flows   []*dataflow
}

// published is the database as readers see it: immutable.
type published struct {
	epoch relation.Epoch
	time  int64
	cat   *catalog.Catalog
	rels  map[catalog.ID]*stored
}

// step is the work space of one Apply.
type step struct {
	epoch relation.Epoch
	time  int64
	prev  int64 // of the entry before
	// version is the engine version that logged the entry, ops what it holds.
	version uint32
	ops     []op
	// retracted is what the entry retracts below a table's watermark, see retractedTimes.
	retracted map[catalog.ID]*chunk.KeyTable
	// deltas is what changed in each relation in this epoch, in its columns.
	deltas map[catalog.ID][]*chunk.Chunk
	// late is the late rows of each relation in this epoch, in its columns and lateBy's.
	late map[catalog.ID][]*chunk.Chunk
	// rewritten is the tables all of whose rows come anew in this entry.
	rewritten map[catalog.ID]bool
	// moved is the relations whose watermark rose.
	moved   map[catalog.ID]bool
	changed []*relation.Relation
	flows   []*dataflow
	// created is the dataflows that this entry has made.
	created []*dataflow
	// due is the dataflows whose timers are.
	due []*dataflow
	// sources is those that ranges were read from, of sourceRows rows, and due dataflows that
	// were live at the beginning, with the changed rows that they read.
	sources    []*sourceState
	sourceRows int64
	ran        []flowRun
}

// flowRun is a dataflow with the changed rows that it reads in a step.
type flowRun struct {
	f    *dataflow
	rows int64
}

// Apply implements log.StateMachine.
func (c *core) Apply(e log.Entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	begin := time.Now()
	c.epoch++
	c.index, c.prev, c.time = e.Index, c.time, e.Time
	s := &step{epoch: c.epoch, time: e.Time, prev: c.prev, deltas: make(map[catalog.ID][]*chunk.Chunk),
		late: make(map[catalog.ID][]*chunk.Chunk), moved: make(map[catalog.ID]bool)}
	ops, err := c.opsOf(e)
	if err != nil {
		return fmt.Errorf("entry %d: %w", e.Index, err)
	}
	s.version, s.ops = e.EngineVersion, ops
	for _, o := range ops {
		if err := c.applyOp(s, o); err != nil {
			return fmt.Errorf("entry %d: %w", e.Index, err)
		}
	}
	c.fireTimers(s)
	c.raiseWatermarks(s)
	if err := c.expireRows(s); err != nil {
		return fmt.Errorf("entry %d: %w", e.Index, err)
	}
	c.runDataflows(s)
	c.learnPace(s)
	c.noteCuts(s)
	switch {
	case len(s.created) == 0:
	case c.db.reading.Load():
		c.startDataflows()
	default:
		c.fillDated(s.created)
	}
	c.db.applied(time.Since(begin))
	c.unpublished = append(c.unpublished, appliedEpoch{index: e.Index, changed: s.changed, flows: s.flows,
		state: published{epoch: c.epoch, time: e.Time, cat: c.cat, rels: c.rels}})
	return nil
}

// opsOf returns the operations that an entry makes true.
func (c *core) opsOf(e log.Entry) ([]op, error) {
	if e.EngineVersion > EngineVersion {
		return nil, fmt.Errorf("it was logged by engine version %d, this one is %d: use the newer program", e.EngineVersion, EngineVersion)
	}
	switch e.Kind {
	case log.KindLeader:
		c.stages.DropAll()
		clear(c.staged)
		c.restartSilences(e.Time)
		return nil, nil
	case log.KindStage, log.KindCommit:
		return c.stagedOps(e)
	case KindOps:
		if ops, ok := e.Local.([]op); ok {
			return ops, nil
		}
		return decodeOps(e.Payload)
	}
	return nil, fmt.Errorf("entry of unknown kind %d", e.Kind)
}

// stagedOps keeps the operations of a stage, or returns all of a transaction's at its
// commit, followed by those of the commit entry itself.
func (c *core) stagedOps(e log.Entry) ([]op, error) {
	h, rest, err := log.DecodeStageHeader(e.Payload)
	if err != nil {
		return nil, err
	}
	ops, ok := e.Local.([]op)
	if !ok {
		if ops, err = decodeOps(rest); err != nil {
			return nil, err
		}
	}
	if e.Kind == log.KindStage {
		c.staged[h.ID] = append(c.staged[h.ID], ops...)
		return nil, c.stages.Stage(e.Index, h)
	}
	if _, err := c.stages.Commit(e.Index, h); err != nil {
		return nil, err
	}
	all := append(c.staged[h.ID], ops...)
	delete(c.staged, h.ID)
	return all, nil
}

// applyOp changes the core by one operation. An operation that cannot be applied is
// our mistake: whatever is in the log was validated before.
func (c *core) applyOp(s *step, o op) error {
	switch o := o.(type) {
	case *writeOp:
		t := c.rels[o.Table]
		if t == nil || t.rel == nil {
			return fmt.Errorf("write to unknown table %d", o.Table)
		}
		n, err := c.change(s, t, o.Rows)
		if o.arrived != nil {
			o.arrived.late += n.late
			o.arrived.ahead += n.ahead
		}
		return err
	case *truncateOp:
		return c.truncate(s, o.Table)
	case *ddlOp:
		return c.applyDDL(s, o)
	case *sequenceOp:
		c.seqs[o.Sequence] = &sequenceState{Last: o.Last, Called: o.Called}
		return nil
	case *rangeOp:
		return c.applyRange(s, o)
	case *rowsOp:
		return c.applyRows(s, o)
	case *clockOp:
		c.setClock(o.Time)
		return nil
	case *quietOp:
		return c.applyQuiet(s, o)
	}
	return fmt.Errorf("operation of unknown type %T", o)
}

// change appends accepted rows to a table and its indexes.
func (c *core) change(s *step, t *stored, rows *chunk.Chunk) (n arrivals, err error) {
	if len(t.marks) > 0 && inserts(rows) {
		c.heard(s, t)
	}
	rows, n.late = c.splitLate(s, t, rows)
	if rows.Rows == 0 {
		return n, nil
	}
	n.ahead = t.observe(s, rows)
	if t.rel != nil {
		if err := t.rel.Append(s.epoch, rows); err != nil {
			return n, err
		}
		s.changed = append(s.changed, t.rel)
		if err := t.appendIndexes(s, rows); err != nil {
			return n, err
		}
	}
	t.changed = s.epoch
	s.deltas[t.id] = append(s.deltas[t.id], rows)
	return n, nil
}

// inserts reports whether one of some rows is inserted.
func inserts(rows *chunk.Chunk) bool {
	return rows.Weights == nil || slices.ContainsFunc(rows.Weights, func(w int64) bool { return w > 0 })
}

func (t *stored) appendIndexes(s *step, rows *chunk.Chunk) error {
	for _, x := range t.indexes {
		if err := x.rel.Append(s.epoch, rows); err != nil {
			return err
		}
		s.changed = append(s.changed, x.rel)
	}
	return nil
}

// truncate empties a table; its views get the rows as retractions.
func (c *core) truncate(s *step, id catalog.ID) error {
	t := c.rels[id]
	if t == nil || t.rel == nil {
		return fmt.Errorf("truncation of unknown table %d", id)
	}
	if c.isRead(id) {
		it := t.rel.Newest().Scan(relation.Scan{})
		err := it.Each(func(rows *chunk.Chunk) error {
			s.deltas[id] = append(s.deltas[id], negated(rows))
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, x := range append([]*stored{t}, t.indexes...) {
		if err := x.rel.Truncate(s.epoch); err != nil {
			return err
		}
		c.db.replaced(x.rel)
		s.changed = append(s.changed, x.rel)
	}
	t.changed = s.epoch
	return nil
}

// isRead reports whether a dataflow reads relation id.
func (c *core) isRead(id catalog.ID) bool { return len(c.readers[id]) > 0 }

func negated(c *chunk.Chunk) *chunk.Chunk {
	n := *c
	n.Weights = make([]int64, c.Rows)
	for i := range n.Weights {
		n.Weights[i] = -c.Weight(i)
	}
	return &n
}

// Publish implements log.StateMachine: everything up to entry index is durable and
// may be seen.
func (c *core) Publish(index uint64) {
	c.publishing.Lock()
	defer c.publishing.Unlock()
	c.mu.Lock()
	n := 0
	for n < len(c.unpublished) && c.unpublished[n].index <= index {
		n++
	}
	ready := c.unpublished[:n:n]
	c.unpublished = append([]appliedEpoch(nil), c.unpublished[n:]...)
	c.mu.Unlock()
	if n == 0 {
		return
	}
	last := &ready[n-1].state
	for i := range ready {
		e := ready[i].state.epoch
		for _, r := range ready[i].changed {
			r.Publish(e)
		}
	}
	c.db.publish(last, ready)
}
