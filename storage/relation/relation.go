package relation

import (
	"fmt"
	"sync"
	"sync/atomic"

	"streamdb/sql/chunk"
)

// Relation is a named multiset of rows and its recent history.
//
// Append, Truncate, Alter and Publish are called by one goroutine at a time, the
// writer. Everything else may be called from any goroutine at any time; Snapshot and
// reading one take no lock.
type Relation struct {
	// versions is the newest states, oldest first; replaced, never changed.
	versions atomic.Pointer[[]version]
	// settled is the newest epoch when MergeOne last found nothing to do.
	settled atomic.Uint64

	// consolidator belongs to the writer.
	consolidator *chunk.Consolidator
	layout       *layout // the writer's; readers take their version's

	mu sync.Mutex // guards what follows, and every replacement of versions
	// holds, in no order.
	holds map[*Hold]struct{}
	// deltas are the changes of the epochs above floor, oldest first.
	deltas []delta
	// prints are past fingerprints, rising by epoch.
	prints    []print
	published Epoch
	files     []*fileHandle // of the segments opened so far

	// store, cache and readers are set before the relation is shared.
	store   Store
	cache   *Cache
	readers *Readers
}

// version is the state as of an epoch.
type version struct {
	epoch  Epoch // of the last change
	layout *layout
	runs   []*run // oldest first
	rows   int64  // sum of the weights
	print  chunk.Hash128
}

// delta is one appended change. A truncation has no run; gone is the state it ended. Neither has an expiry that replaced
// the state; now is what it left.
type delta struct {
	epoch  Epoch
	layout *layout
	run    *run
	gone   *version
	// print and rows are what the run adds to the fingerprint and the sum of the weights.
	print chunk.Hash128
	rows  int64
	now   *version
	// quiet is an expiry: the state has changed, but nobody is told.
	quiet bool
}

type print struct {
	epoch Epoch
	sum   chunk.Hash128
}

const (
	// versionsKept is the number of states before the newest published one that a
	// reader who is a little late can still take.
	versionsKept = 4
	// largeDelta is the size in bytes from which only one state before an epoch is kept
	// for late readers, because their deltas would cost too much memory.
	largeDelta = 1 << 20
	// printsKept is the number of past fingerprints kept whatever the holds.
	printsKept = 256
	// mergeFanIn is the number of neighbours of like size at which Append merges.
	mergeFanIn = 4
	// runsMax is the height of the stack from which Append merges whatever the
	// size: background merges have fallen behind, and the writer pays.
	runsMax = 64
)

// New returns an empty relation.
func New(spec Spec) (*Relation, error) {
	l, err := newLayout(spec)
	if err != nil {
		return nil, err
	}
	r := &Relation{layout: l, holds: map[*Hold]struct{}{}}
	r.consolidator = &chunk.Consolidator{Order: l.order}
	r.versions.Store(&[]version{{layout: l}})
	return r, nil
}

// Spec returns the relation's description as of the newest state.
func (r *Relation) Spec() Spec { return r.newest().layout.spec }

// Schema returns the column types as of the newest state.
func (r *Relation) Schema() chunk.Schema { return r.newest().layout.schema }

func (r *Relation) newest() *version {
	v := *r.versions.Load()
	return &v[len(v)-1]
}

// Append adds the changes of epoch, which is not below that of the last change. It may
// be called several times for one epoch, before that is published; the changes need
// not be consolidated. The relation keeps the chunk, which must be immutable.
func (r *Relation) Append(epoch Epoch, c *chunk.Chunk) error {
	l := r.layout
	if err := r.check(epoch, c); err != nil {
		return err
	}
	if !l.heap {
		c = r.consolidator.Consolidate(c)
	}
	if c.Rows == 0 {
		return nil
	}
	return r.add(epoch, delta{run: newRun(l, epoch, c)}, c)
}

// AppendAll is Append of several chunks. A relation that keeps rows as they come keeps
// them without copying: each becomes a block, small ones together.
func (r *Relation) AppendAll(epoch Epoch, chunks []*chunk.Chunk) error {
	if len(chunks) == 0 {
		return nil
	}
	if !r.layout.heap {
		return r.Append(epoch, chunk.Concat(r.layout.schema, chunks))
	}
	blocks := collect(r.layout.schema, chunks)
	for _, c := range blocks {
		if err := r.check(epoch, c); err != nil {
			return err
		}
	}
	if len(blocks) == 0 {
		return nil
	}
	return r.add(epoch, delta{run: newHeapRun(r.layout, epoch, blocks)}, blocks...)
}

// collect puts small neighbours together and leaves out what is empty.
func collect(s chunk.Schema, chunks []*chunk.Chunk) []*chunk.Chunk {
	var out, small []*chunk.Chunk
	rows := 0
	flush := func() {
		if len(small) > 0 {
			out = append(out, chunk.Concat(s, small))
		}
		small, rows = nil, 0
	}
	for _, c := range chunks {
		switch {
		case c.Rows == 0:
		case c.Rows >= blockRows/2:
			flush()
			out = append(out, c)
		default:
			if rows+c.Rows > blockRows {
				flush()
			}
			small, rows = append(small, c), rows+c.Rows
		}
	}
	flush()
	return out
}

// add puts a run of the given rows on top.
func (r *Relation) add(epoch Epoch, d delta, rows ...*chunk.Chunk) error {
	d.epoch, d.layout = epoch, r.layout
	for _, c := range rows {
		d.print, d.rows = addPrints(c, d.print, d.rows)
	}
	return r.addDelta(d)
}

// addDelta puts a delta with a run on top.
func (r *Relation) addDelta(d delta) error {
	r.mu.Lock()
	r.keepDelta(d)
	old := r.newest()
	v := version{epoch: d.epoch, layout: r.layout, rows: old.rows + d.rows, print: addHash(old.print, d.print)}
	v.runs = make([]*run, 0, len(old.runs)+1)
	v.runs = append(append(v.runs, old.runs...), d.run)
	r.push(v)
	r.mu.Unlock()
	return r.mergeInline()
}

func (r *Relation) check(epoch Epoch, c *chunk.Chunk) error {
	l := r.layout
	if e := r.newest().epoch; epoch < e {
		return fmt.Errorf("relation %s: change of epoch %d behind epoch %d", l.spec.Name, epoch, e)
	}
	if len(c.Cols) != len(l.schema) {
		return fmt.Errorf("relation %s: change has %d columns, not %d", l.spec.Name, len(c.Cols), len(l.schema))
	}
	for i, col := range c.Cols {
		if col.Type.Class() != l.schema[i].Class() {
			return fmt.Errorf("relation %s: change has a column %d of another type", l.spec.Name, i)
		}
		if col.Errs != nil {
			return fmt.Errorf("relation %s: change has errors in column %d", l.spec.Name, i)
		}
	}
	return nil
}

// addPrints adds the rows of c to a fingerprint and a row count.
func addPrints(c *chunk.Chunk, sum chunk.Hash128, rows int64) (chunk.Hash128, int64) {
	sum = addHash(sum, chunk.Fingerprint(c))
	if c.Weights == nil {
		return sum, rows + int64(c.Rows)
	}
	for _, w := range c.Weights {
		rows += w
	}
	return sum, rows
}

func addHash(a, b chunk.Hash128) chunk.Hash128 { return a.Add(b, 1) }

// push makes v the newest state. mu is held.
func (r *Relation) push(v version) {
	old := *r.versions.Load()
	keep := old
	if last := len(old) - 1; old[last].epoch == v.epoch && v.epoch > r.published {
		keep = old[:last]
	}
	next := make([]version, 0, len(keep)+1)
	next = append(append(next, keep...), v)
	r.versions.Store(&next)
	if n := len(r.prints); n > 0 && r.prints[n-1].epoch == v.epoch {
		r.prints = r.prints[:n-1]
	}
	r.prints = append(r.prints, print{v.epoch, v.print})
}

// Truncate removes all rows as a change of epoch.
func (r *Relation) Truncate(epoch Epoch) error {
	if e := r.newest().epoch; epoch < e {
		return fmt.Errorf("relation %s: truncation of epoch %d behind epoch %d", r.layout.spec.Name, epoch, e)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	gone := *r.newest()
	r.keepDelta(delta{epoch: epoch, layout: r.layout, gone: &gone})
	r.push(version{epoch: epoch, layout: r.layout})
	return nil
}

// Publish tells that readers may ask for epoch from now on, and lets go of states and
// deltas that neither they nor a hold can ask for.
func (r *Relation) Publish(epoch Epoch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.published = max(r.published, epoch)
	if v, err := r.at(epoch); checked && err == nil {
		v.mustHold()
	}
	r.tidy()
}

// Tidy lets go of what Publish could not because of readers, and reports whether there is
// more because of others.
func (r *Relation) Tidy() (more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tidy()
}

// tidy lets go of states as their number and the size of the changes demand. It reports
// whether readers keep any of these. mu is held.
func (r *Relation) tidy() (more bool) {
	switch n := len(r.deltas); {
	case n > 0 && r.deltas[n-1].gone != nil:
		return r.trim(0) // What a truncation is to free is not kept for readers who are late.
	case n > 0 && r.deltas[n-1].run != nil && r.deltas[n-1].run.bytes > largeDelta:
		return r.trim(1)
	case len(*r.versions.Load()) > 2*versionsKept:
		return r.trim(versionsKept)
	}
	return false
}

// trim drops all but kept of the states before the newest published one, save those that
// readers may ask for: then it returns true. mu is held.
func (r *Relation) trim(kept int) (more bool) {
	v := *r.versions.Load()
	i := len(v) - 1
	for i > 0 && v[i].epoch > r.published {
		i--
	}
	i = max(i-kept, 0)
	if r.readers != nil {
		oldest := r.readers.oldest()
		for ; i > 0 && v[i].epoch > oldest; i-- {
			more = true
		}
	}
	if i > 0 {
		next := append(make([]version, 0, len(v)-i+1), v[i:]...)
		r.versions.Store(&next)
	}
	r.trimDeltas()
	return more
}

// floor is the least epoch whose later deltas somebody may ask for. mu is held.
func (r *Relation) floor() Epoch {
	f := (*r.versions.Load())[0].epoch
	for h := range r.holds {
		f = min(f, h.epoch)
	}
	return f
}

func (r *Relation) keepDelta(d delta) { r.deltas = append(r.deltas, d) }

// trimDeltas drops deltas and fingerprints that lie behind the floor. mu is held.
func (r *Relation) trimDeltas() {
	f := r.floor()
	i := 0
	for i < len(r.deltas) && r.deltas[i].epoch <= f {
		i++
	}
	if i > 0 {
		n := copy(r.deltas, r.deltas[i:])
		clear(r.deltas[n:])
		r.deltas = r.deltas[:n]
	}
	if n := len(r.prints) - printsKept; n > printsKept {
		for n > 0 && r.prints[n].epoch > f {
			n--
		}
		r.prints = append(r.prints[:0], r.prints[n:]...)
	}
}

// Fingerprint returns the sum of row hash × weight as of epoch; ok is false when that
// is no longer known.
func (r *Relation) Fingerprint(epoch Epoch) (sum chunk.Hash128, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.prints) - 1; i >= 0; i-- {
		if r.prints[i].epoch <= epoch {
			return r.prints[i].sum, true
		}
	}
	if n := r.newest(); n.epoch <= epoch {
		return n.print, true
	}
	return chunk.Hash128{}, false
}

// LastEpoch returns the epoch of the newest change.
func (r *Relation) LastEpoch() Epoch { return r.newest().epoch }
