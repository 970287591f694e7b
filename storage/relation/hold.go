package relation

import (
	"fmt"

	"streamdb/sql/chunk"
)

// Hold keeps the state of one epoch, and every delta since, for somebody who still
// reads from it. Its methods are called by its owner only, Break excepted.
type Hold struct {
	rel    *Relation
	owner  string
	epoch  Epoch   // guarded by rel.mu
	state  version // guarded by rel.mu
	broken bool    // guarded by rel.mu
}

// HoldInfo describes a hold for budgets and the catalog.
type HoldInfo struct {
	Hold  *Hold
	Owner string
	Epoch Epoch
	// Bytes is what the relation keeps in memory for this hold or another one, and the
	// newest state does without.
	Bytes int64
}

// Hold keeps the state of epoch, which must still be available.
func (r *Relation) Hold(epoch Epoch, owner string) (*Hold, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, err := r.at(epoch)
	if err != nil {
		return nil, err
	}
	h := &Hold{rel: r, owner: owner, epoch: epoch, state: *v}
	r.holds[h] = struct{}{}
	return h, nil
}

// Release ends the hold. It may be called more than once.
func (h *Hold) Release() {
	r := h.rel
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.holds, h)
	h.state = version{}
	r.trimDeltas()
}

// Break ends the hold from outside: every later use of it is ErrHoldBroken.
func (h *Hold) Break() {
	h.rel.mu.Lock()
	h.broken = true
	h.rel.mu.Unlock()
	h.Release()
}

// Epoch returns the held epoch.
func (h *Hold) Epoch() Epoch {
	h.rel.mu.Lock()
	defer h.rel.mu.Unlock()
	return h.epoch
}

// Snapshot returns the held state.
func (h *Hold) Snapshot() (*Snapshot, error) {
	r := h.rel
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := h.check(); err != nil {
		return nil, err
	}
	v := h.state
	return &Snapshot{epoch: h.epoch, v: &v}, nil
}

func (h *Hold) check() error {
	if h.broken {
		return fmt.Errorf("%w: %s on %s at epoch %d", ErrHoldBroken, h.owner, h.rel.newest().layout.spec.Name, h.epoch)
	}
	if _, ok := h.rel.holds[h]; !ok {
		return fmt.Errorf("relation %s: hold was released", h.rel.newest().layout.spec.Name)
	}
	return nil
}

// Advance moves the hold on to epoch, which the relation must have applied. The state
// there is the held state and the deltas since.
func (h *Hold) Advance(epoch Epoch) error {
	r := h.rel
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := h.check(); err != nil {
		return err
	}
	if epoch < h.epoch {
		return fmt.Errorf("relation: hold cannot go back from epoch %d to %d", h.epoch, epoch)
	}
	if v, err := r.at(epoch); err == nil {
		h.state = *v
	} else if err := h.roll(epoch); err != nil {
		return err
	}
	h.epoch = epoch
	r.trimDeltas()
	return nil
}

// roll applies the deltas of (h.epoch, epoch] to the held state. rel.mu is held, so
// merges stay small: a delta's run goes on top, and neighbours of like size merge as
// they do in Append.
func (h *Hold) roll(epoch Epoch) error {
	v := h.state
	var err error
	for _, d := range h.rel.deltas {
		if d.epoch <= h.epoch {
			continue
		}
		if d.epoch > epoch {
			break
		}
		v, err = v.apply(d)
		if err != nil {
			return err
		}
	}
	if sum, ok := h.rel.printAt(epoch); ok {
		v.print = sum
	}
	h.state = v
	return nil
}

// apply returns the state after d, its fingerprint left as it was.
func (v version) apply(d delta) (version, error) {
	if d.gone != nil {
		return version{epoch: d.epoch, layout: d.layout}, nil
	}
	if d.now != nil {
		return *d.now, nil
	}
	v, err := v.relayout(d.layout)
	if err != nil {
		return v, err
	}
	v.epoch = d.epoch
	v.rows += d.run.weights()
	v.runs = append(append(make([]*run, 0, len(v.runs)+1), v.runs...), d.run)
	rule := mergeRule{rowsMax: v.layout.spec.MergeInlineMax, fanIn: mergeFanIn, hot: true}
	if lo, hi := rule.window(v.runs); hi > lo {
		merged, err := mergeRuns(v.layout, v.runs[lo:hi])
		if err != nil {
			return v, err
		}
		v.runs = v.runs[:lo]
		if merged != nil {
			v.runs = append(v.runs, merged)
		}
	}
	return v, nil
}

func (r *Relation) printAt(epoch Epoch) (chunk.Hash128, bool) {
	for i := len(r.prints) - 1; i >= 0; i-- {
		if r.prints[i].epoch <= epoch {
			return r.prints[i].sum, true
		}
	}
	return chunk.Hash128{}, false
}

// weights returns the sum of an in-memory run's weights.
func (r *run) weights() int64 {
	n := int64(0)
	for _, b := range r.blocks {
		if b.data.weights == nil {
			n += int64(b.rows)
			continue
		}
		for _, w := range b.data.weights {
			n += w
		}
	}
	return n
}

// Unsaved estimates how many bytes a checkpoint of the held state would write.
func (h *Hold) Unsaved() int64 {
	h.rel.mu.Lock()
	defer h.rel.mu.Unlock()
	n := int64(0)
	for _, run := range h.state.runs {
		if run.seg == nil {
			n += run.bytes / memoryPerDisk
		}
	}
	return n
}

// Holds lists the holds, oldest first.
func (r *Relation) Holds() []HoldInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	var infos []HoldInfo
	for h := range r.holds {
		infos = append(infos, HoldInfo{Hold: h, Owner: h.owner, Epoch: h.epoch, Bytes: (&Usage{}).hold(h)})
	}
	sortHolds(infos)
	return infos
}
