package streamdb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"streamdb/exec"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/storage"
)

// A checkpoint keeps every dataflow that is live at its epoch: the rows of its output,
// as a table's, and the state of its operators, of which only what has changed since
// the last checkpoint is written. Recovery goes on from there, by the log's tail; a
// dataflow that was not live then, or reads one that was not, is filled again from its
// inputs.
//
// What has changed is copied while the step stands still, as long as that is a matter
// of a millisecond. A dataflow with more leaves the step at the checkpoint's epoch, is
// copied beside it, and comes back by the mechanism of lag.go:
//
//	step      ──e──┬── e+1 ── e+2 ── …            e+9 ──>
//	small views    ├ copied, go on
//	a large one    └ leaves ── copied ── catches up ┘ joins

const (
	// freezeBytes is the state that a checkpoint copies while the step stands still:
	// about a millisecond's worth.
	freezeBytes = 4 << 20
)

// freezePatience is how long a checkpoint waits for dataflows that have left the
// step to come back: those that have not are filled anew after a restart, unless that
// would give another result (see dataflow.unique): those it waits for.
var freezePatience = 5 * time.Second

// flowSaved is what a checkpoint keeps of a dataflow beside rows and state.
type flowSaved struct {
	// Version is the exec.StateVersion of the state, Workers its W.
	Version int `json:"version"`
	Workers int `json:"workers"`
	// Marks is the watermarks of the output columns.
	Marks []int64 `json:"marks,omitempty"`
	// File is the length of a sink's file.
	File *int64 `json:"file,omitempty"`
	// Follows is whose operators the dataflow uses, 0 for its own, see share.go. Version is
	// 0 then, so that a program which does not know of it fills the view again.
	Follows catalog.ID `json:"follows,omitempty"`
}

// frozenFlow is a dataflow in a checkpoint that is being made.
type frozenFlow struct {
	f     *dataflow
	saved *flowSaved
	set   chunk.PieceSet
	// whole says that the pieces replace all that the store has.
	whole bool
	size  int64 // of what has changed, about
	// gate is closed when a dataflow that has left the step has been copied, or, if it
	// is too large for that, written.
	gate    chan struct{}
	written bool // it is written while it stands still
	mark    *sinkMark
}

// freezeFlows copies the state of the live dataflows or takes them out of the step for
// that. mu is held.
func (c *core) freezeFlows(fz *frozen) error {
	fz.kept = make(map[catalog.ID]*frozenFlow)
	fz.all = len(c.flows)
	left := min(freezeBytes, c.db.opts.CheckpointCopy)
	var large []*frozenFlow
	for _, f := range c.flows {
		if !f.keepable(fz.kept) {
			continue
		}
		k := &frozenFlow{f: f, saved: f.saved()}
		fz.kept[f.out.id] = k
		fz.flows = append(fz.flows, k)
		if k.whole = f.anew || c.db.checkpoints.flows[f.out.id] != f; k.whole {
			f.anew = false
			f.run.Unsave()
		} else if !f.moved {
			continue
		}
		if k.size = f.run.DirtyBytes(); k.size > left {
			large = append(large, k)
		} else {
			left -= k.size
		}
	}
	for _, k := range large {
		if k.f.is(flowLive) {
			c.leaveAt(k.f, c.epoch, fz.gateOf)
		}
	}
	for _, k := range fz.flows {
		if k.gate == nil && (k.whole || k.f.moved) {
			k.copy()
		}
		if k.f.sink != nil && k.f.sink.out != nil {
			k.mark = k.f.sink.markAt(c.epoch)
		}
	}
	return nil
}

// saved is what is kept of f beside rows and state.
func (f *dataflow) saved() *flowSaved {
	s := &flowSaved{Marks: slices.Clone(f.marks)}
	if f.leader != nil {
		s.Follows = f.leader.out.id
	} else {
		s.Version, s.Workers = exec.StateVersion, f.run.Workers()
	}
	return s
}

// keepable reports whether a checkpoint can keep f: what it reads must be kept, too.
func (f *dataflow) keepable(kept map[catalog.ID]*frozenFlow) bool {
	if !f.is(flowLive) || f.orphan || !f.run.Keepable() || f.sink != nil && f.sink.failed() {
		return false
	}
	for i := range f.inputs {
		if up := f.inputs[i].rel; up.flow != nil && kept[up.id] == nil {
			return false
		}
	}
	return true
}

// gateOf makes the gate of a dataflow that leaves the step to be copied.
func (fz *frozen) gateOf(f *dataflow) chan struct{} {
	gate := make(chan struct{})
	if k := fz.kept[f.out.id]; k != nil {
		k.gate = gate
	} else {
		close(gate)
	}
	return gate
}

// copy takes what has changed in the state. The dataflow stands still.
func (k *frozenFlow) copy() {
	k.set.Reserve(k.size)
	k.f.run.SaveState(&k.set)
	k.f.moved = false
}

// copyAside copies the dataflows that have left the step, and lets them go on, but for
// those with more than max bytes.
func (fz *frozen) copyAside(max int64) {
	for _, k := range fz.flows {
		switch {
		case k.gate == nil:
		case k.size > max:
			k.written = true
		default:
			k.copy()
			k.goOn()
		}
	}
}

// goOn lets a dataflow that stands still go on.
func (k *frozenFlow) goOn() {
	if k.gate != nil {
		close(k.gate)
		k.gate = nil
	}
}

// waitForSinks waits until the sinks have written what belongs to the checkpoint.
func (fz *frozen) waitForSinks(ctx context.Context) error {
	for _, k := range fz.flows {
		if k.mark == nil {
			continue
		}
		select {
		case <-k.mark.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if k.mark.err != nil {
			return fmt.Errorf("sink %s: %w", k.f.out.desc.Name, k.mark.err)
		}
		k.saved.File = &k.mark.bytes
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// stateKey is the key of a piece of dataflow id's state, or the begin of all of them.
func stateKey(id catalog.ID, k *chunk.PieceKey) []byte {
	key := binary.BigEndian.AppendUint32(make([]byte, 0, 4+chunk.PieceKeyBytes), uint32(id))
	if k != nil {
		key = k.Append(key)
	}
	return key
}

// writeFlows writes the changed pieces, with checksums, and deletes those of dataflows
// that the checkpoint does not keep.
func (db *DB) writeFlows(w *storage.CheckpointWriter, fz *frozen) error {
	if db.checkpoints.flows == nil {
		// What the store has is not known: it may be another version's.
		if err := w.DeleteRange(spaceState, nil, nil); err != nil {
			return err
		}
	}
	gone := make([]catalog.ID, 0, len(db.checkpoints.flows))
	for id := range db.checkpoints.flows {
		if k := fz.kept[id]; k == nil || k.whole {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	for _, id := range gone {
		if err := w.DeleteRange(spaceState, stateKey(id, nil), stateKey(id+1, nil)); err != nil {
			return err
		}
	}
	for _, k := range fz.flows {
		if err := k.write(w); err != nil {
			return err
		}
	}
	return nil
}

// write writes the pieces of one dataflow, which goes on then at the latest.
func (k *frozenFlow) write(w *storage.CheckpointWriter) error {
	var buf []byte
	put := func(p chunk.PieceKey, b []byte) error {
		key := stateKey(k.f.out.id, &p)
		if b == nil {
			return w.Delete(spaceState, key)
		}
		buf = append(buf[:0], b...)
		return w.Put(spaceState, key, binary.BigEndian.AppendUint32(buf, crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, b)))
	}
	if !k.written {
		return k.set.Each(put)
	}
	k.set.Stream = put
	k.f.run.SaveState(&k.set)
	k.f.moved = k.set.Err() != nil
	k.goOn()
	return k.set.Err()
}

// flowsWritten notes what the store has after a checkpoint, or that the pieces of a
// failed one are lost, so that everything must be written next time.
func (db *DB) flowsWritten(fz *frozen, ok bool) {
	if ok {
		db.checkpoints.flows = make(map[catalog.ID]*dataflow, len(fz.flows))
	}
	for _, k := range fz.flows {
		if ok && k.mark != nil {
			k.f.sink.settled(k.mark.bytes)
		}
		switch _, known := db.checkpoints.flows[k.f.out.id]; {
		case ok:
			db.checkpoints.flows[k.f.out.id] = k.f
		case known && k.set.Len() > 0:
			db.checkpoints.flows[k.f.out.id] = nil
		}
	}
}

// lagging returns a dataflow that has left the step and is on its way back, nil if there
// is none. mu is held.
func (c *core) lagging() *dataflow {
	for _, f := range c.flows {
		if f.is(flowFilling) && f.joined.Load() != 0 {
			return f
		}
	}
	return nil
}

// mustWait returns a dataflow that is on its way to the head, and without which there can be no checkpoint, since what it has
// been made of cannot be had again. mu is held.
func (c *core) mustWait() *dataflow {
	for _, f := range c.flows {
		if f.is(flowFilling) && f.unique() {
			return f
		}
	}
	return nil
}

// errUnique says why a dataflow is not filled again.
var errUnique = errors.New("its state was lost, and it cannot be filled again: what it shows depends on when its rows came, or on rows that are no longer stored")

// resumable finds the dataflows that can go on from their state in the checkpoint.
func (db *DB) resumable(state *coreState) (map[catalog.ID]bool, error) {
	can := make(map[catalog.ID]bool)
	for _, d := range state.Catalog.All() {
		o := state.Objects[d.ID]
		if d.Query() == nil || o == nil || o.Flow == nil {
			continue
		}
		if o.Flow.Follows != 0 {
			can[d.ID] = can[o.Flow.Follows]
			continue
		}
		if o.Flow.Version != exec.StateVersion {
			db.logger.Info("state is of another version; filled again", "view", d.Name, "version", o.Flow.Version)
			continue
		}
		if d.Sink != nil && o.Flow.File != nil {
			if err := checkSinkFile(d, *o.Flow.File); err != nil {
				db.logger.Warn("a sink's file is written again from the first row", "sink", d.Name, "error", err)
				continue
			}
		}
		plan, err := planOf(d)
		if err != nil {
			return nil, err
		}
		can[d.ID] = true
		for i := range plan.Nodes {
			if s := plan.Nodes[i].Scan; s != nil {
				up := state.Catalog.ByID(catalog.ID(s.Relation))
				if up != nil && up.Query() != nil && !can[up.ID] {
					can[d.ID] = false
				}
			}
		}
	}
	return can, nil
}

// resume makes a dataflow live from its state in the checkpoint.
func (c *core) resume(t *stored, o *objectState) error {
	f := t.flow
	err := f.run.LoadState(func(fn func(k chunk.PieceKey, b []byte) error) error {
		return c.db.store.Scan(spaceState, stateKey(t.id, nil), stateKey(t.id+1, nil), func(key, value []byte) error {
			k, ok := chunk.DecodePieceKey(key[4:])
			n := len(value) - 4
			if !ok || n < 0 || binary.BigEndian.Uint32(value[n:]) != crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value[:n]) {
				return fmt.Errorf("%w: checksum of state piece %x", storage.ErrCorrupt, key)
			}
			return fn(k, value[:n:n])
		})
	})
	if err != nil {
		return fmt.Errorf("state of %s: %w: %w", t.desc.Name, storage.ErrCorrupt, err)
	}
	f.marks = o.Flow.Marks
	f.addSpan(span{from: c.epoch, to: openSpan})
	f.joined.Store(uint64(c.epoch))
	f.frontier.Store(uint64(c.epoch))
	f.turn(flowLive, nil)
	return nil
}

// restoreFlows makes the dataflows of a checkpoint: those that can go on from their
// state, and the others, which are filled after the log has been replayed.
func (db *DB) restoreFlows(state *coreState, can map[catalog.ID]bool) error {
	c := db.core
	flows := make(map[catalog.ID]*dataflow)
	var loads []func() error
	for _, d := range c.cat.All() {
		t := c.rels[d.ID]
		if t == nil || d.Query() == nil {
			continue
		}
		o := state.Objects[d.ID]
		t.begins = o.Begins
		if o.Flow != nil {
			flows[d.ID] = nil
		}
		if !can[d.ID] {
			if err := c.createDataflow(t, nil); err != nil {
				return err
			}
			if t.flow.unique() {
				t.flow.suspend(errUnique)
			}
			continue
		}
		if err := c.createDataflow(t, o.Flow); err != nil {
			return err
		}
		flows[d.ID] = t.flow
		loads = append(loads, func() error { return c.resume(t, o) })
	}
	if len(flows) > 0 {
		db.checkpoints.flows = flows
	}
	if err := inParallel(loads); err != nil {
		return err
	}
	for _, f := range c.flows {
		if f.is(flowLive) {
			c.timers.set(&f.timer, f.run.NextDue())
		}
	}
	return nil
}

// inParallel runs jobs on all processors and joins their errors.
func inParallel(jobs []func() error) error {
	errs := make([]error, len(jobs))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.NumCPU(), len(jobs)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(jobs); i = int(next.Add(1)) - 1 {
				errs[i] = jobs[i]()
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
