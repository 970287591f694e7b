package relation

import (
	"errors"
	"fmt"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// Snapshot is the relation as of an epoch: immutable, free to take, read without
// locks by any number of goroutines. It keeps its rows in memory as long as it is
// referenced.
type Snapshot struct {
	epoch Epoch
	v     *version
}

// Snapshot returns the state of epoch. The relation keeps the newest published state,
// some before it, and all after it; anything else is ErrEpochGone unless a Hold has
// it.
func (r *Relation) Snapshot(epoch Epoch) (*Snapshot, error) {
	v, err := r.at(epoch)
	if err != nil {
		return nil, err
	}
	return &Snapshot{epoch: epoch, v: v}, nil
}

// Newest returns the state after the last change, published or not: for the writer.
func (r *Relation) Newest() *Snapshot {
	v := r.newest()
	return &Snapshot{epoch: v.epoch, v: v}
}

func (r *Relation) at(epoch Epoch) (*version, error) {
	v := *r.versions.Load()
	for i := len(v) - 1; i >= 0; i-- {
		if v[i].epoch <= epoch {
			return &v[i], nil
		}
	}
	return nil, fmt.Errorf("%w: relation %s, epoch %d", ErrEpochGone, v[0].layout.spec.Name, epoch)
}

// Epoch returns the epoch the snapshot was taken for.
func (s *Snapshot) Epoch() Epoch { return s.epoch }

// Rows returns the number of rows, duplicates counted.
func (s *Snapshot) Rows() int64 { return s.v.rows }

// Fingerprint returns the sum of row hash × weight.
func (s *Snapshot) Fingerprint() chunk.Hash128 { return s.v.print }

// Schema returns the column types.
func (s *Snapshot) Schema() chunk.Schema { return s.v.layout.schema }

// Spec returns the description as of the snapshot.
func (s *Snapshot) Spec() Spec { return s.v.layout.spec }

// Scan describes what to read.
type Scan struct {
	// Cols are the columns wanted, by position; nil means all.
	Cols []int
	// Range limits the rows; a heap has no key and must be read whole.
	Range KeyRange
	// Unordered allows rows in any order, and rows of equal identity in several
	// places; only append-only relations are read faster by it.
	Unordered bool
	// Part of Parts: this scan returns one of Parts disjoint shares of the range,
	// rising in key order from part to part. Parts 0 means 1.
	Part, Parts int
}

// Iter reads a snapshot chunk by chunk.
type Iter struct {
	l      *layout
	cols   []int
	merger *merger   // ordered reads
	heap   []*cursor // unordered reads
	batch  batch
	err    error
}

// Scan starts reading. Each row comes once, with its weight, in key order unless
// Unordered.
func (s *Snapshot) Scan(spec Scan) *Iter {
	l := s.v.layout
	it := &Iter{l: l, cols: spec.Cols}
	if it.cols == nil {
		it.cols = l.all
	}
	if l.heap || (spec.Unordered && l.spec.AppendOnly) {
		it.err = it.openHeap(s.v.runs, spec)
		return it
	}
	it.merger = &merger{l: l}
	it.err = it.openRanges(s.v.runs, spec, it.merger.add)
	return it
}

// openHeap opens a cursor on each stretch of blocks that belongs to the part.
func (it *Iter) openHeap(runs []*run, spec Scan) error {
	if spec.Range.Lo != nil || spec.Range.Hi != nil {
		return it.openRanges(runs, spec, func(c *cursor) { it.heap = append(it.heap, c) })
	}
	blocks := 0
	for _, r := range runs {
		blocks += len(r.blocks)
	}
	lo, hi := share(blocks, spec)
	at := 0
	for _, r := range runs {
		from, to := max(lo-at, 0), min(hi-at, len(r.blocks))
		at += len(r.blocks)
		if from >= to {
			continue
		}
		c := &cursor{run: r, sign: 1, want: spec.Cols}
		ok, err := c.open(position{from, 0}, position{to, 0})
		if err != nil {
			return err
		}
		if ok {
			it.heap = append(it.heap, c)
		}
	}
	return nil
}

// share cuts [0, n) into Parts shares.
func share(n int, spec Scan) (lo, hi int) {
	parts := max(spec.Parts, 1)
	return n * spec.Part / parts, n * (spec.Part + 1) / parts
}

// openRanges opens a cursor on the scan's range in each run.
func (it *Iter) openRanges(runs []*run, spec Scan, add func(*cursor)) error {
	lo, hi, err := it.l.bounds(spec.Range)
	if err != nil {
		return err
	}
	plo, phi := partBounds(it.l, runs, spec)
	for _, r := range runs {
		from, to, err := r.between(it.l, lo, hi)
		if err != nil {
			return err
		}
		if plo != nil {
			p, err := r.seek(it.l, plo, position{})
			if err != nil {
				return err
			}
			from = later(from, p)
		}
		if phi != nil {
			p, err := r.seek(it.l, phi, position{})
			if err != nil {
				return err
			}
			if later(to, p) == to {
				to = p
			}
		}
		c := &cursor{run: r, sign: 1}
		ok, err := c.open(from, to)
		if err != nil {
			return err
		}
		if ok {
			add(c)
		}
	}
	return nil
}

func later(a, b position) position {
	if a.block > b.block || (a.block == b.block && a.row > b.row) {
		return a
	}
	return b
}

// between returns the rows of the run that lie between two bounds, either of which may
// be nil.
func (r *run) between(l *layout, lo, hi *bound) (from, to position, err error) {
	to = position{len(r.blocks), 0}
	if lo != nil {
		if from, err = r.seek(l, lo, position{}); err != nil {
			return from, to, err
		}
	}
	if hi != nil && from.block < len(r.blocks) {
		to, err = r.seek(l, hi, from)
	}
	return from, to, err
}

// partBounds cuts the key order at block starts of the largest run; a nil bound is
// open.
func partBounds(l *layout, runs []*run, spec Scan) (lo, hi *bound) {
	if spec.Parts <= 1 {
		return nil, nil
	}
	var big *run
	for _, r := range runs {
		if big == nil || r.rows > big.rows {
			big = r
		}
	}
	first := func(part int) *bound {
		if part <= 0 || part >= spec.Parts {
			return nil
		}
		if big == nil || len(big.blocks) == 1 || len(l.keyCols) == 0 {
			return &bound{k: 0, hi: ^uint64(0), after: true} // all in the first part
		}
		b := len(big.blocks) * part / spec.Parts
		bd := &bound{cols: big.fence, row: b, k: len(l.keyCols)}
		one := make([]*chunk.Column, len(big.fence))
		for i, c := range big.fence {
			if c != nil {
				one[i] = c.Slice(b, b+1)
			}
		}
		bd.cols, bd.row = one, 0
		bd.setPrefix(l)
		return bd
	}
	return first(spec.Part), first(spec.Part + 1)
}

// setPrefix computes the prefixes of a bound whose cols have one row.
func (b *bound) setPrefix(l *layout) {
	var lo, hi [1]uint64
	l.order.KeyPrefixes(b.k, b.cols, 1, lo[:], hi[:])
	b.lo, b.hi = lo[0], hi[0]
}

// bounds turns a KeyRange into bounds; nil means open.
func (l *layout) bounds(r KeyRange) (lo, hi *bound, err error) {
	if r.Lo != nil {
		if lo, err = l.bound(r.Lo); err != nil {
			return nil, nil, err
		}
		lo.after = r.LoOpen
	}
	if r.Hi != nil {
		if hi, err = l.bound(r.Hi); err != nil {
			return nil, nil, err
		}
		hi.after = !r.HiOpen
	}
	return lo, hi, nil
}

func (l *layout) bound(key []types.Datum) (*bound, error) {
	if len(key) > len(l.keyCols) {
		return nil, fmt.Errorf("relation %s: key of %d values, of %d columns", l.spec.Name, len(key), len(l.keyCols))
	}
	b := &bound{cols: make([]*chunk.Column, len(l.schema)), k: len(key)}
	for i, d := range key {
		c := chunk.NewColumn(l.schema[l.keyCols[i]], 1)
		c.AppendDatum(d)
		b.cols[l.keyCols[i]] = c
	}
	b.setPrefix(l)
	return b, nil
}

// Next returns the next chunk, nil at the end. Chunks have at most chunk.RowsMax rows
// and are immutable; their columns may be the relation's own.
func (it *Iter) Next() (*chunk.Chunk, error) {
	if it.err != nil {
		return nil, it.err
	}
	if it.merger == nil {
		return it.nextHeap()
	}
	it.batch.reset()
	it.err = it.merger.next(&it.batch, blockRows)
	if it.err != nil || it.batch.rows == 0 {
		return nil, it.err
	}
	return it.batch.chunk(it.cols), nil
}

// nextHeap gathers stretches until a chunk is worth handing out.
func (it *Iter) nextHeap() (*chunk.Chunk, error) {
	b := &it.batch
	for b.reset(); b.rows < blockRows/2 && len(it.heap) > 0; {
		c := it.heap[0]
		rows := c.limit() - c.pos
		if b.rows > 0 && b.rows+rows > blockRows {
			break
		}
		rows = min(rows, blockRows)
		b.add(c, c.pos, c.pos+rows, 0)
		c.pos += rows
		var alive bool
		if alive, it.err = c.settle(); it.err != nil {
			return nil, it.err
		}
		if !alive {
			it.heap = it.heap[1:]
		}
	}
	if b.rows == 0 {
		return nil, nil
	}
	return b.chunk(it.cols), nil
}

// Each calls fn for each remaining chunk until it returns an error; ErrStop ends the
// scan without one.
func (it *Iter) Each(fn func(*chunk.Chunk) error) error {
	for {
		c, err := it.Next()
		if err != nil || c == nil {
			return err
		}
		if err := fn(c); err != nil {
			if errors.Is(err, ErrStop) {
				return nil
			}
			return err
		}
	}
}

// SnapshotHeld is Snapshot that also finds the state of an epoch that somebody holds.
func (r *Relation) SnapshotHeld(epoch Epoch) (*Snapshot, error) {
	v, err := r.at(epoch)
	if err == nil {
		return &Snapshot{epoch: epoch, v: v}, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for h := range r.holds {
		if h.epoch == epoch {
			v := h.state
			return &Snapshot{epoch: epoch, v: &v}, nil
		}
	}
	return nil, err
}
