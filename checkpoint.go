package streamdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"streamdb/replication"
	"streamdb/replication/log"
	"streamdb/sql/catalog"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/storage"
	"streamdb/storage/relation"
)

// The spaces of the checkpoint store.
const (
	spaceCore      storage.Space = 1 // "core": coreState as JSON
	spaceRelations storage.Space = 2 // id, part: a relation's manifest
	spaceState     storage.Space = 3 // id, piece key: a dataflow's state, see flow_state.go
)

// The parts of a stored object that are relations of their own.
const (
	partRows = byte(0)
	partLate = byte(1)
	partDead = byte(2)
)

// coreVersion is the version of coreState: 2 since dataflows are kept, 3 since a table may
// have several watermarks, 4 since a view may begin where its sources stand, 5 since
// rows may have left by retention. What is older is read; before 2 its dataflows are filled again.
const coreVersion = 5

// checkpointAfter is the step time since the last checkpoint from which the next is
// due: about what replaying the log's tail would take.
const checkpointAfter = 2 * time.Second

// A checkpoint that takes long, because much of a large state has changed, is made more
// seldom: after checkpointShare times as long, and checkpointMax at most.
const (
	checkpointShare = 5
	checkpointMax   = 20 * time.Second
)

// checkpointer makes checkpoints, one at a time.
type checkpointer struct {
	mu   sync.Mutex   // held while one is made
	busy atomic.Int64 // step time since the last one, ns
	took atomic.Int64 // by the last one, ns
	due  chan struct{}
	// done counts the checkpoints made; entries those applied since the last.
	done    atomic.Int64
	entries atomic.Int64
	// dropped tells that files of dropped relations are waiting to be freed.
	dropped atomic.Bool
	// flows is the dataflows of which the store has pieces: a nil one is not the
	// running one's. nil before the first checkpoint. Guarded by mu.
	flows map[catalog.ID]*dataflow
}

// settle waits for a checkpoint that somebody has asked for. With the database's context
// ended none begins afterwards.
func (c *checkpointer) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
}

// coreState is the core as a checkpoint keeps it, save for rows.
type coreState struct {
	Version   int                           `json:"version,omitempty"`
	Epoch     relation.Epoch                `json:"epoch"`
	Index     uint64                        `json:"index"`
	Time      int64                         `json:"time"`
	Catalog   *catalog.Catalog              `json:"catalog"`
	Sequences map[catalog.ID]*sequenceState `json:"sequences,omitempty"`
	Objects   map[catalog.ID]*objectState   `json:"objects,omitempty"`
	// Replica is where the checkpoint stands in the log of a cluster, nil for a database that
	// is alone.
	Replica *replication.Position `json:"replica,omitempty"`
	// Clock is core.clock.
	Clock int64 `json:"clock,omitempty"`
	// Stages is the transactions of several entries of which the commit is still to
	// come. Their rows are in the log, which is kept from the oldest on.
	Stages []log.OpenStage `json:"stages,omitempty"`
}

// objectState is what a checkpoint keeps of a stored object beside its rows.
type objectState struct {
	Changed relation.Epoch `json:"changed,omitempty"`
	// Watermark is the one watermark that there could be before version 3.
	Watermark *int64              `json:"watermark,omitempty"`
	Marks     []markState         `json:"marks,omitempty"`
	Offset    int64               `json:"offset,omitempty"`
	Position  []byte              `json:"position,omitempty"`
	Defaults  map[int]types.Datum `json:"defaults,omitempty"`
	Late      bool                `json:"late,omitempty"`
	// Below, Expired and LateGone are stored.gone, LateBytes stored.lateBytes.
	Below     *int64 `json:"below,omitempty"`
	Expired   int64  `json:"expired,omitempty"`
	LateGone  int64  `json:"late_gone,omitempty"`
	LateBytes int64  `json:"late_bytes,omitempty"`
	// LateOffsets is sourceState.late.
	LateOffsets []int64 `json:"late_offsets,omitempty"`
	Dead        bool    `json:"dead,omitempty"`
	// Begins is stored.begins.
	Begins map[catalog.ID]int64 `json:"begins,omitempty"`
	Flow   *flowSaved           `json:"flow,omitempty"`
}

// markState is what a checkpoint keeps of a watermark, by column.
type markState struct {
	Column int   `json:"column"`
	At     int64 `json:"at"`
	Ahead  int64 `json:"ahead,omitempty"`
	// Silence is what is counted of one, nil for none.
	Silence *silence `json:"silence,omitempty"`
}

// silence is watermark.since, base and stepped.
type silence struct {
	Since   int64 `json:"since"`
	Base    int64 `json:"base"`
	Stepped int64 `json:"stepped,omitempty"`
}

// frozen is a consistent picture of the core on its way to disk.
type frozen struct {
	state  coreState
	parts  []frozenPart
	oldest uint64 // the first entry that is still needed behind the checkpoint
	flows  []*frozenFlow
	all    int                        // dataflows, kept or not
	stood  time.Duration              // of the step
	kept   map[catalog.ID]*frozenFlow // flows by id
}

type frozenPart struct {
	key  []byte
	rel  *relation.Relation
	hold *relation.Hold
}

// checkpointOwner is the owner of a checkpoint's holds, which last as long as it is written.
const checkpointOwner = "checkpoint"

func partKey(id catalog.ID, part byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(id)), part)
}

// freeze notes the core's state and holds its relations. It copies a bounded part of the
// dataflows' state and nothing else that grows with the data. mu is held.
func (c *core) freeze() (*frozen, error) {
	f := &frozen{oldest: c.index + 1}
	began := time.Now()
	defer func() { f.stood = time.Since(began) }()
	f.state = coreState{Version: coreVersion, Epoch: c.epoch, Index: c.index, Time: c.time, Clock: c.clock, Catalog: c.cat,
		Sequences: make(map[catalog.ID]*sequenceState), Objects: make(map[catalog.ID]*objectState), Stages: c.stages.All()}
	if first, ok := c.stages.Oldest(); ok {
		f.oldest = first
	}
	if n := c.db.node; n != nil {
		at, err := n.PositionAt(c.index)
		if err != nil {
			return f, err
		}
		f.state.Replica = &at
	}
	for id, s := range c.seqs {
		f.state.Sequences[id] = &sequenceState{s.Last, s.Called}
	}
	if err := c.freezeFlows(f); err != nil {
		return f, err
	}
	for _, d := range c.cat.All() {
		if t := c.rels[d.ID]; t != nil {
			if err := c.freezeObject(f, d, t); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

// freezeObject notes what is kept of a stored object and holds its relations, unless it
// is filled again from its inputs.
func (c *core) freezeObject(f *frozen, d *catalog.Descriptor, t *stored) error {
	flow := t.flow
	if d.Kind == catalog.KindIndex {
		flow = c.rels[d.Index.On].flow
	}
	again := flow != nil && f.kept[flow.out.id] == nil
	o := &objectState{Changed: t.changed, Begins: t.begins, Defaults: t.defaults, Late: t.late != nil, Dead: t.dead != nil && !again,
		Expired: t.gone.rows, LateGone: t.gone.late, LateBytes: t.lateBytes}
	if t.gone.below != noWatermark {
		below := t.gone.below
		o.Below = &below
	}
	f.state.Objects[d.ID] = o
	if t.flow != nil && !again {
		o.Flow = f.kept[d.ID].saved
	}
	for _, m := range t.marks {
		saved := markState{Column: m.id, At: m.at, Ahead: m.ahead}
		if m.idle > 0 && m.since != notQuiet {
			saved.Silence = &silence{m.since, m.base, m.stepped}
		}
		o.Marks = append(o.Marks, saved)
	}
	if t.source != nil {
		o.Offset, o.Position, o.LateOffsets = t.source.offset, t.source.position, t.source.late
	}
	if again {
		return nil
	}
	for part, rel := range []*relation.Relation{partRows: t.rel, partLate: t.late, partDead: t.dead} {
		if rel == nil {
			continue
		}
		h, err := rel.Hold(c.epoch, checkpointOwner)
		if err != nil {
			return err
		}
		f.parts = append(f.parts, frozenPart{partKey(d.ID, byte(part)), rel, h})
	}
	return nil
}

// freezeWhen freezes at a moment when no dataflow is beside the step, if there is one
// soon, and none that a checkpoint must keep in any case. It returns nil if there is nothing to be kept; what it returns beside an error
// must be released, too.
func (c *core) freezeWhen(ctx context.Context) (*frozen, error) {
	patience, end := context.WithTimeout(ctx, freezePatience)
	defer end()
	for {
		c.mu.Lock()
		if c.index == 0 {
			c.mu.Unlock()
			return nil, nil
		}
		if _, open := c.stages.Oldest(); open && c.db.node != nil {
			// Another node that gets this checkpoint does not have the log before it.
			c.mu.Unlock()
			if err := sleep(ctx, time.Millisecond); err != nil {
				return nil, err
			}
			continue
		}
		late := c.lagging()
		over := patience.Done()
		if late == nil || patience.Err() != nil {
			if late, over = c.mustWait(), ctx.Done(); late == nil {
				defer c.mu.Unlock()
				c.freezing = false
				return c.freeze()
			}
			if ctx.Err() != nil {
				defer c.mu.Unlock()
				c.freezing = false
				return nil, context.Cause(ctx)
			}
			c.freezing = late.joined.Load() != 0
		}
		_, turned, _ := late.status()
		c.mu.Unlock()
		late.waiting.Add(1) // which makes it hurry
		select {
		case <-turned:
		case <-over:
		}
		late.waiting.Add(-1)
	}
}

func (f *frozen) release() {
	for _, k := range f.flows {
		k.goOn()
	}
	for _, p := range f.parts {
		p.hold.Release()
	}
}

// Checkpoint makes the state of now durable apart from the log, and cuts the log. Close
// ends it, and waits for it.
func (db *DB) Checkpoint(ctx context.Context) error {
	db.checkpoints.mu.Lock()
	defer db.checkpoints.mu.Unlock()
	if db.ctx.Err() != nil {
		return sqlerr.New(sqlerr.AdminShutdown, "the database is closed")
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer context.AfterFunc(db.ctx, func() { end(context.Cause(db.ctx)) })()
	db.checkpoints.busy.Store(0)
	db.checkpoints.entries.Store(0)
	began := time.Now()
	f, err := db.core.freezeWhen(ctx)
	if f == nil {
		return err
	}
	frozen := time.Now()
	f.copyAside(db.opts.CheckpointCopy)
	defer f.release()
	if err == nil {
		err = db.saveFrozen(ctx, f)
	}
	db.flowsWritten(f, err == nil)
	if err != nil {
		db.checkpointDue()
		return err
	}
	db.checkpoints.done.Add(1)
	db.checkpoints.took.Store(int64(time.Since(frozen)))
	db.logger.Debug("checkpoint", "epoch", f.state.Epoch, "dataflows", len(f.flows), "of", f.all, "bytes", f.unsaved(),
		"waited", frozen.Sub(began), "stood", f.stood, "took", time.Since(frozen))
	db.reclaim()
	if db.opts.KeepLog {
		return nil
	}
	if db.node != nil {
		return db.node.Checkpointed(*f.state.Replica)
	}
	return db.logs.TruncateBefore(f.oldest)
}

// saveFrozen makes a checkpoint of what was frozen.
func (db *DB) saveFrozen(ctx context.Context, f *frozen) error {
	// A checkpoint ahead of the log would be a database that the log cannot explain.
	if err := db.driver.WaitDurable(ctx, f.state.Index); err != nil {
		return err
	}
	if err := f.waitForSinks(ctx); err != nil {
		return err
	}
	return db.writeCheckpoint(f)
}

// unsaved estimates what writing the checkpoint takes on disk.
func (f *frozen) unsaved() int64 {
	n := int64(coreBytes + len(f.parts)*partBytes)
	for _, p := range f.parts {
		n += p.hold.Unsaved()
	}
	for _, k := range f.flows {
		n += k.size
	}
	return n
}

// coreBytes and partBytes are generous guesses of what a checkpoint writes of the core
// and, besides rows, of each relation.
const (
	coreBytes = 128 << 10
	partBytes = 256
)

func (db *DB) writeCheckpoint(f *frozen) error {
	// What meets a full disk halfway may leave no room to go on at all.
	if err := db.dir.Guard().AdmitReserved(f.unsaved()); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	var segments []storage.SegmentRef
	parts := make([]*relation.Checkpoint, len(f.parts))
	for i, p := range f.parts {
		cp, err := p.rel.CheckpointHold(p.hold)
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		parts[i] = cp
		segments = append(segments, cp.Segments...)
	}
	w, err := db.store.Begin(uint64(f.state.Epoch))
	if err != nil {
		return err
	}
	defer w.Abort()
	state, err := json.Marshal(&f.state)
	if err != nil {
		return err
	}
	if err := w.Put(spaceCore, []byte("core"), state); err != nil {
		return err
	}
	if err := w.DeleteRange(spaceRelations, nil, nil); err != nil {
		return err
	}
	order := sortedParts(f.parts)
	for _, i := range order {
		if err := w.Put(spaceRelations, f.parts[i].key, parts[i].Manifest); err != nil {
			return err
		}
	}
	if err := db.writeFlows(w, f); err != nil {
		return err
	}
	err = w.Commit(nil, segments)
	runtime.KeepAlive(parts) // They keep the segments until a manifest names them.
	return err
}

// checkpointLoop makes a checkpoint whenever enough has been applied since the last, and
// tries again while one fails.
func (db *DB) checkpointLoop() {
	inBackground()
	failures := 0
	for {
		select {
		case <-db.checkpoints.due:
		case <-db.ctx.Done():
			return
		}
		err := db.Checkpoint(db.ctx)
		if err == nil || db.ctx.Err() != nil {
			failures = 0
			continue
		}
		if failures%checkpointComplain == 0 {
			db.logger.Error("checkpoint failed and will be tried again; the log is kept", "error", err)
		}
		failures++
		if sleep(db.ctx, checkpointRetry) != nil {
			return
		}
		db.checkpointDue()
	}
}

// checkpointRetry is the time between two tries of a checkpoint that fails; every so many
// failures one is reported.
const (
	checkpointRetry    = time.Second
	checkpointComplain = 60
)

// checkpointDue asks for a checkpoint soon.
func (db *DB) checkpointDue() {
	select {
	case db.checkpoints.due <- struct{}{}:
	default:
	}
}

// reclaim frees what dropped relations have held. Readers of older states may still use
// their files, so that only the garbage collector knows when one can be closed.
func (db *DB) reclaim() {
	if db.checkpoints.dropped.Swap(false) {
		db.jobs.Go(func() {
			inBackground()
			runtime.GC()
		})
	}
}

// caughtUp counts the time of a dataflow beside the step towards the next checkpoint: a
// replay does the same work within the step.
func (db *DB) caughtUp(d time.Duration) {
	if db.checkpoints.enough(d) {
		db.checkpointDue()
	}
}

// enough adds step time and reports whether it suffices for the next checkpoint.
func (c *checkpointer) enough(d time.Duration) bool {
	after := min(max(checkpointAfter, checkpointShare*time.Duration(c.took.Load())), checkpointMax)
	return c.busy.Add(int64(d)) >= int64(after)
}

// applied counts step time towards the next checkpoint.
func (db *DB) applied(d time.Duration) {
	n := db.checkpoints.entries.Add(1)
	every := int64(db.opts.CheckpointEvery)
	if db.checkpoints.enough(d) || every > 0 && n >= every {
		db.checkpointDue()
	}
}

// restore loads the last checkpoint into the core. It returns the checkpoint's
// state, an empty one if there is none.
func (db *DB) restore() (*coreState, error) {
	if db.store.Manifest() == nil {
		return &coreState{}, nil
	}
	b, err := db.store.Get(spaceCore, []byte("core"))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	state := coreState{Catalog: &catalog.Catalog{}}
	if err := json.Unmarshal(b, &state); err != nil {
		return nil, fmt.Errorf("checkpoint: %w: %w", storage.ErrCorrupt, err)
	}
	if state.Version > coreVersion {
		return nil, fmt.Errorf("checkpoint has version %d, this program reads up to %d: use the newer program", state.Version, coreVersion)
	}
	can, err := db.resumable(&state)
	if err != nil {
		return nil, err
	}
	c := db.core
	c.epoch, c.index, c.time, c.cat = state.Epoch, state.Index, state.Time, state.Catalog
	c.setClock(state.Clock)
	c.stages.Restore(state.Stages)
	if err := c.restoreStaged(db.logs); err != nil {
		return nil, err
	}
	if state.Sequences != nil {
		c.seqs = state.Sequences
	}
	for _, d := range c.cat.All() {
		if o := state.Objects[d.ID]; o != nil {
			if err := db.restoreObject(d, o, can); err != nil {
				return nil, fmt.Errorf("checkpoint: %s: %w", d.Name, err)
			}
		}
	}
	if err := db.restoreFlows(&state, can); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return &state, nil
}

// restoreStaged reads the operations of the open stages back from the log.
func (c *core) restoreStaged(logs *log.Store) error {
	first, ok := c.stages.Oldest()
	if !ok {
		return nil
	}
	open := make(map[log.StageID]log.OpenStage)
	for _, st := range c.stages.All() {
		open[st.ID] = st
	}
	if first < logs.FirstIndex() {
		return fmt.Errorf("checkpoint: %w: it needs the log from entry %d on, which begins at %d", storage.ErrCorrupt, first, logs.FirstIndex())
	}
	return logs.Read(first, c.index+1, func(e log.Entry) error {
		if e.Kind != log.KindStage {
			return nil
		}
		h, rest, err := log.DecodeStageHeader(e.Payload)
		if err != nil {
			return err
		}
		if st, ok := open[h.ID]; !ok || e.Index < st.First {
			return nil // committed or dropped since
		}
		ops, err := decodeOps(rest)
		if err != nil {
			return fmt.Errorf("entry %d: %w", e.Index, err)
		}
		c.staged[h.ID] = append(c.staged[h.ID], ops...)
		return nil
	})
}

func (db *DB) restoreObject(d *catalog.Descriptor, o *objectState, can map[catalog.ID]bool) error {
	c := db.core
	var on *catalog.Descriptor
	if d.Kind == catalog.KindIndex {
		on = c.cat.ByID(d.Index.On)
	}
	t := &stored{id: d.ID, desc: d, changed: o.Changed, defaults: o.Defaults, lateBytes: o.LateBytes,
		gone: expiry{below: noWatermark, rows: o.Expired, late: o.LateGone}}
	if o.Below != nil {
		t.gone.below = *o.Below
	}
	if on != nil {
		t.setPositions(columnsOf(on))
	} else {
		t.setColumns()
	}
	if o.Watermark != nil && len(t.marks) > 0 {
		t.marks[0].at = *o.Watermark
	}
	for _, saved := range o.Marks {
		for i := range t.marks {
			if m := &t.marks[i]; m.id == saved.Column {
				m.at, m.ahead = saved.At, saved.Ahead
				if q := saved.Silence; q != nil {
					m.since, m.base, m.stepped = q.Since, q.Base, q.Stepped
				}
			}
		}
	}
	var err error
	derived := d.Query() != nil && !can[d.ID] || on != nil && on.Query() != nil && !can[on.ID]
	switch {
	case d.Kind == catalog.KindSource && d.Table.Connector.ByReference():
	case derived: // filled again from its inputs
		o.Dead = false
		t.rel, err = relation.New(specOf(d, on, nil))
		c.adopt(t)
	case d.Kind == catalog.KindSink: // its rows are outside; checkpoints once had them, too
		t.rel, err = relation.New(specOf(d, on, nil))
		c.adopt(t)
	default:
		t.rel, err = db.openRelation(partKey(d.ID, partRows), specOf(d, on, o.Defaults))
	}
	if err == nil && o.Dead {
		t.dead, err = db.openRelation(partKey(d.ID, partDead), deadLetterSpec(d.Name))
	}
	if err == nil && o.Late {
		t.late, err = db.openRelation(partKey(d.ID, partLate), lateSpec(d, o.Defaults))
		if err == nil && t.lateBytes == 0 { // of a version that did not count them
			t.lateBytes, err = lateBytes(t.late)
		}
	}
	if err != nil {
		return err
	}
	if d.Table != nil && d.Table.Connector != nil {
		if t.source, err = newSourceState(d); err != nil {
			return err
		}
		t.source.offset, t.source.position, t.source.late = o.Offset, o.Position, o.LateOffsets
	}
	c.rels[d.ID] = t
	c.armIdle(t)
	if on != nil {
		base := c.rels[on.ID]
		base.indexes = append(base.indexes, t)
	}
	return nil
}

func (db *DB) openRelation(key []byte, spec relation.Spec) (*relation.Relation, error) {
	manifest, err := db.store.Get(spaceRelations, key)
	if err != nil {
		return nil, err
	}
	r, err := relation.Open(spec, manifest, db.segments, db.cache)
	if err != nil {
		return nil, err
	}
	r.SetReaders(&db.readers)
	return r, nil
}

// sortedParts returns the order of the parts' keys.
func sortedParts(parts []frozenPart) []int {
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(parts[a].key, parts[b].key) })
	return order
}
