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

	"streamdb/replication/log"
	"streamdb/sql/catalog"
	"streamdb/sql/types"
	"streamdb/storage"
	"streamdb/storage/relation"
)

// The spaces of the checkpoint store.
const (
	spaceCore      storage.Space = 1 // "core": coreState as JSON
	spaceRelations storage.Space = 2 // id, part: a relation's manifest
)

// The parts of a stored object that are relations of their own.
const (
	partRows = byte(0)
	partLate = byte(1)
	partDead = byte(2)
)

// checkpointAfter is the step time since the last checkpoint from which the next is
// due: about what replaying the log's tail would take.
const checkpointAfter = 2 * time.Second

// checkpointer makes checkpoints, one at a time.
type checkpointer struct {
	mu   sync.Mutex   // held while one is made
	busy atomic.Int64 // step time since the last one, ns
	due  chan struct{}
	// done counts the checkpoints made; entries those applied since the last.
	done    atomic.Int64
	entries atomic.Int64
	// dropped tells that files of dropped relations are waiting to be freed.
	dropped atomic.Bool
}

// coreState is the core as a checkpoint keeps it, save for rows.
type coreState struct {
	Epoch     relation.Epoch                `json:"epoch"`
	Index     uint64                        `json:"index"`
	Time      int64                         `json:"time"`
	Catalog   *catalog.Catalog              `json:"catalog"`
	Sequences map[catalog.ID]*sequenceState `json:"sequences,omitempty"`
	Objects   map[catalog.ID]*objectState   `json:"objects,omitempty"`
	// Stages is the transactions of several entries of which the commit is still to
	// come. Their rows are in the log, which is kept from the oldest on.
	Stages []log.OpenStage `json:"stages,omitempty"`
}

// objectState is what a checkpoint keeps of a stored object beside its rows.
type objectState struct {
	Changed   relation.Epoch      `json:"changed,omitempty"`
	Watermark *int64              `json:"watermark,omitempty"`
	Offset    int64               `json:"offset,omitempty"`
	Position  []byte              `json:"position,omitempty"`
	Defaults  map[int]types.Datum `json:"defaults,omitempty"`
	Late      bool                `json:"late,omitempty"`
	// LateOffsets is sourceState.late.
	LateOffsets []int64 `json:"late_offsets,omitempty"`
	Dead        bool    `json:"dead,omitempty"`
}

// frozen is a consistent picture of the core on its way to disk.
type frozen struct {
	state  coreState
	parts  []frozenPart
	oldest uint64 // the first entry that is still needed behind the checkpoint
}

type frozenPart struct {
	key  []byte
	rel  *relation.Relation
	hold *relation.Hold
}

func partKey(id catalog.ID, part byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(id)), part)
}

// freeze notes the core's state and holds its relations. It copies nothing that grows
// with the data.
func (c *core) freeze() (*frozen, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := &frozen{oldest: c.index + 1}
	f.state = coreState{Epoch: c.epoch, Index: c.index, Time: c.time, Catalog: c.cat,
		Sequences: make(map[catalog.ID]*sequenceState), Objects: make(map[catalog.ID]*objectState), Stages: c.stages.All()}
	if first, ok := c.stages.Oldest(); ok {
		f.oldest = first
	}
	for id, s := range c.seqs {
		f.state.Sequences[id] = &sequenceState{s.Last, s.Called}
	}
	for _, d := range c.cat.All() {
		t := c.rels[d.ID]
		if t == nil {
			continue
		}
		o := &objectState{Changed: t.changed, Defaults: t.defaults, Late: t.late != nil, Dead: t.dead != nil && t.flow == nil}
		if t.mark.at != noWatermark {
			wm := t.mark.at
			o.Watermark = &wm
		}
		if t.source != nil {
			o.Offset, o.Position, o.LateOffsets = t.source.offset, t.source.position, t.source.late
		}
		f.state.Objects[d.ID] = o
		if t.flow != nil || d.Kind == catalog.KindIndex && c.rels[d.Index.On].flow != nil {
			continue // filled again from its inputs
		}
		for part, rel := range map[byte]*relation.Relation{partRows: t.rel, partLate: t.late, partDead: t.dead} {
			if rel == nil {
				continue
			}
			h, err := rel.Hold(c.epoch, "checkpoint")
			if err != nil {
				f.release()
				return nil, err
			}
			f.parts = append(f.parts, frozenPart{partKey(d.ID, part), rel, h})
		}
	}
	return f, nil
}

func (f *frozen) release() {
	for _, p := range f.parts {
		p.hold.Release()
	}
}

// Checkpoint makes the state of now durable apart from the log, and cuts the log.
func (db *DB) Checkpoint(ctx context.Context) error {
	db.checkpoints.mu.Lock()
	defer db.checkpoints.mu.Unlock()
	db.checkpoints.busy.Store(0)
	db.checkpoints.entries.Store(0)
	f, err := db.core.freeze()
	if err != nil {
		return err
	}
	defer f.release()
	if f.state.Index == 0 {
		return nil
	}
	// A checkpoint ahead of the log would be a database that the log cannot explain.
	if err := db.driver.WaitDurable(ctx, f.state.Index); err != nil {
		return err
	}
	if err := db.writeCheckpoint(f); err != nil {
		db.checkpointDue()
		return err
	}
	db.checkpoints.done.Add(1)
	db.reclaim()
	if db.opts.KeepLog {
		return nil
	}
	return db.logs.TruncateBefore(f.oldest)
}

// unsaved estimates what writing the checkpoint takes on disk.
func (f *frozen) unsaved() int64 {
	n := int64(coreBytes + len(f.parts)*partBytes)
	for _, p := range f.parts {
		n += p.hold.Unsaved()
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
	return w.Commit(nil, segments)
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

// applied counts step time towards the next checkpoint.
func (db *DB) applied(d time.Duration) {
	n := db.checkpoints.entries.Add(1)
	every := int64(db.opts.CheckpointEvery)
	if db.checkpoints.busy.Add(int64(d)) >= int64(checkpointAfter) || every > 0 && n >= every {
		db.checkpointDue()
	}
}

// restore loads the last checkpoint into the core. It returns the index of the last
// entry that is in it.
func (db *DB) restore() (applied uint64, minTime int64, err error) {
	if db.store.Manifest() == nil {
		return 0, 0, nil
	}
	b, err := db.store.Get(spaceCore, []byte("core"))
	if err != nil {
		return 0, 0, fmt.Errorf("checkpoint: %w", err)
	}
	state := coreState{Catalog: &catalog.Catalog{}}
	if err := json.Unmarshal(b, &state); err != nil {
		return 0, 0, fmt.Errorf("checkpoint: %w: %w", storage.ErrCorrupt, err)
	}
	c := db.core
	c.epoch, c.index, c.time, c.cat = state.Epoch, state.Index, state.Time, state.Catalog
	c.stages.Restore(state.Stages)
	if err := c.restoreStaged(db.logs); err != nil {
		return 0, 0, err
	}
	if state.Sequences != nil {
		c.seqs = state.Sequences
	}
	for _, d := range c.cat.All() {
		if o := state.Objects[d.ID]; o != nil {
			if err := db.restoreObject(d, o); err != nil {
				return 0, 0, fmt.Errorf("checkpoint: %s: %w", d.Name, err)
			}
		}
	}
	for _, d := range c.cat.All() {
		if t := c.rels[d.ID]; t != nil && d.Query() != nil {
			if err := c.createDataflow(t); err != nil {
				return 0, 0, err
			}
		}
	}
	return state.Index, state.Time, nil
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

func (db *DB) restoreObject(d *catalog.Descriptor, o *objectState) error {
	c := db.core
	var on *catalog.Descriptor
	if d.Kind == catalog.KindIndex {
		on = c.cat.ByID(d.Index.On)
	}
	t := &stored{id: d.ID, desc: d, changed: o.Changed, defaults: o.Defaults, mark: watermark{column: -1, at: noWatermark}}
	if on != nil {
		t.setPositions(columnsOf(on))
	} else {
		t.setColumns()
	}
	if o.Watermark != nil {
		t.mark.at = *o.Watermark
	}
	var err error
	derived := d.Query() != nil || on != nil && on.Query() != nil
	switch {
	case d.Kind == catalog.KindSource && !loggedByValue(d.Table.Connector):
	case derived:
		t.rel, err = relation.New(specOf(d, on, nil))
		c.adopt(t)
	default:
		t.rel, err = db.openRelation(partKey(d.ID, partRows), specOf(d, on, o.Defaults))
	}
	if err == nil && o.Dead {
		t.dead, err = db.openRelation(partKey(d.ID, partDead), deadLetterSpec(d.Name))
	}
	if err == nil && o.Late {
		t.late, err = db.openRelation(partKey(d.ID, partLate), lateSpec(d))
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
	return relation.Open(spec, manifest, db.segments, db.cache)
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
