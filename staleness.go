package streamdb

import (
	"time"

	"streamdb/sql/catalog"
	"streamdb/storage/relation"
)

// With max_staleness a read does not wait for a view that is beside the step, and does not
// fail for one that is suspended: it shows its last epoch, if what is missing there is no
// older. All relations are read at that epoch then; tables still have it, mostly because
// the view's dataflow holds it. Where they do not, they are read as they are now.

// staleness returns the session's max_staleness, 0 for strict reads.
func (r *planRun) staleness() time.Duration { return r.s.set.duration("max_staleness") }

// staleView is a view that does not show the transaction's epoch.
type staleView struct {
	s  *stored
	at relation.Epoch // that it shows
}

// pinStale takes the snapshots of an older epoch. False means that the read goes the strict
// way: nothing lags, or what does is too old and will be waited for.
func (r *planRun) pinStale() (stale bool, err error) {
	if r.staleness() <= 0 || r.t.target != nil || r.t.serializable || !r.mayRefresh() {
		return false, nil
	}
	var reads []*stored
	var lagging []staleView
	for i := range r.plan.Nodes {
		sc := r.plan.Nodes[i].Scan
		if sc == nil || sc.Virtual != "" {
			continue
		}
		s, err := r.t.stored(idOf(sc))
		if err != nil || s.rel == nil || sc.Late {
			return false, nil // the strict way says what is wrong
		}
		reads = append(reads, s)
		v := r.t.snap.rels[r.base(idOf(sc))]
		if v == nil || v.flow == nil || v.flow.shows(r.t.snap.epoch) {
			continue
		}
		at, _, ok := v.flow.lastShown(r.t.snap.epoch)
		if !ok {
			return false, nil
		}
		if err := r.freshEnough(v, v.flow); err != nil {
			if v.flow.is(flowSuspended) {
				return false, err
			}
			return false, nil
		}
		lagging = append(lagging, staleView{s, at})
	}
	if len(lagging) == 0 {
		return false, nil
	}
	if r.pinAt(reads, r.commonEpoch(lagging)) {
		return true, nil
	}
	for _, v := range lagging {
		st, err := v.s.rel.Snapshot(v.at)
		if err != nil {
			return false, nil
		}
		r.t.pin(v.s, st)
	}
	return true, r.takeStates()
}

// freshEnough returns the error of a view that lacks more than max_staleness allows.
func (r *planRun) freshEnough(s *stored, f *dataflow) error {
	_, missing, ok := f.lastShown(r.t.snap.epoch)
	age := time.Duration(r.s.db.now()-missing) * time.Microsecond
	if missing == 0 {
		age = 0
	}
	if ok && age <= r.staleness() {
		return nil
	}
	_, _, cause := f.status()
	err := suspendedError(s.desc.Name, cause)
	if ok {
		err = staleError(s.desc.Name, age, r.staleness(), cause)
	}
	return err
}

// commonEpoch returns the newest epoch that all views of the plan show, 0 if there is none.
func (r *planRun) commonEpoch(lagging []staleView) relation.Epoch {
	e := r.t.snap.epoch
	for _, v := range lagging {
		e = min(e, v.at)
	}
	for again := true; again; {
		again = false
		for i := range r.plan.Nodes {
			sc := r.plan.Nodes[i].Scan
			if sc == nil || sc.Virtual != "" {
				continue
			}
			v := r.t.snap.rels[r.base(catalog.ID(sc.Relation))]
			if v == nil || v.flow == nil || v.flow.shows(e) {
				continue
			}
			at, _, ok := v.flow.lastShown(e)
			if !ok {
				return 0
			}
			e, again = at, true
		}
	}
	return e
}

// pinAt takes the snapshots of all relations at one epoch; false if one does not have it,
// or if it is too old.
func (r *planRun) pinAt(reads []*stored, e relation.Epoch) bool {
	if e == 0 {
		return false
	}
	states := make([]*relation.Snapshot, len(reads))
	for i, s := range reads {
		var err error
		if states[i], err = s.rel.SnapshotHeld(e); err != nil {
			return false
		}
	}
	for i, s := range reads {
		r.t.pin(s, states[i])
	}
	return true
}
