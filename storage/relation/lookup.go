package relation

import (
	"fmt"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// Row is one row of a relation, read in place: row Index of Cols, which has all
// columns of the schema.
type Row struct {
	Cols   []*chunk.Column
	Index  int
	Weight int64
}

// Get returns the row of a key of a Unique relation; key has a value for each key
// column, NULL matches NULL.
func (s *Snapshot) Get(key []types.Datum) (Row, bool, error) {
	l := s.v.layout
	if len(key) != len(l.keyCols) || !l.spec.Unique {
		return Row{}, false, fmt.Errorf("relation %s: Get by %d of %d key columns", l.spec.Name, len(key), len(l.keyCols))
	}
	p, _ := l.points.Get().(*point)
	if p == nil {
		p = newPoint(l)
	}
	defer l.points.Put(p)
	p.set(l, key)
	b := &p.bound
	// From the newest run down: the first insertion that no newer run takes back is
	// the answer.
	for i := len(s.v.runs) - 1; i >= 0; i-- {
		r := s.v.runs[i]
		keys, err := r.keyFilter()
		if err != nil {
			return Row{}, false, err
		}
		if !keys.mayHave(p.hash[0]) || b.hi < r.first[0] {
			continue
		}
		row, found, err := p.find(l, r)
		if err != nil || found {
			return row, found, err
		}
	}
	return Row{}, false, nil
}

// point is the key of a Get in columns, kept for the next one.
type point struct {
	bound bound
	keys  []*chunk.Column // the key columns of bound.cols
	hash  [1]uint64
	// gone are the retractions met in newer runs, each until its insertion is met.
	gone []Row
}

func newPoint(l *layout) *point {
	p := &point{bound: bound{cols: make([]*chunk.Column, len(l.schema)), k: len(l.keyCols)}}
	for _, k := range l.keyCols {
		c := chunk.NewColumn(l.schema[k], 1)
		p.bound.cols[k] = c
		p.keys = append(p.keys, c)
	}
	return p
}

func (p *point) set(l *layout, key []types.Datum) {
	for i, c := range p.keys {
		c.Resize(0)
		c.Nulls, c.Bytes = nil, c.Bytes[:0]
		c.AppendDatum(key[i])
	}
	clear(p.gone[:cap(p.gone)])
	p.gone = p.gone[:0]
	p.bound.setPrefix(l)
	chunk.HashRows(p.keys, 1, p.hash[:])
}

// find returns the run's insertion at the key, if it is not taken back.
func (p *point) find(l *layout, r *run) (row Row, found bool, err error) {
	b := &p.bound
	at, err := r.seek(l, b, position{})
	if err != nil {
		return row, false, err
	}
	for ; at.block < len(r.blocks); at = (position{at.block + 1, 0}) {
		d, err := r.load(at.block)
		if err != nil {
			return row, false, err
		}
		for i := at.row; i < d.rows; i++ {
			if d.prefix.at(i) > b.hi || l.order.CompareKeys(b.k, d.cols, i, b.cols, b.row) != 0 {
				return row, found, nil
			}
			next := Row{d.cols, i, d.weight(i)}
			if next.Weight < 0 {
				p.gone = append(p.gone, next)
			} else if !p.takenBack(l, next) {
				row, found = next, true
			}
		}
	}
	return row, found, nil
}

// takenBack reports whether a newer run retracts the row, and forgets that one did.
func (p *point) takenBack(l *layout, row Row) bool {
	for i, g := range p.gone {
		if l.order.Compare(g.Cols, g.Index, row.Cols, row.Index) == 0 {
			p.gone = append(p.gone[:i], p.gone[i+1:]...)
			return true
		}
	}
	return false
}

// Lookup returns the rows whose leading key columns have the given values, as one
// chunk of all columns in key order; nil when there is none. NULL matches NULL.
func (s *Snapshot) Lookup(key []types.Datum, cols []int) (*chunk.Chunk, error) {
	it := s.Scan(Scan{Cols: cols, Range: KeyRange{Lo: key, Hi: key}})
	first, err := it.Next()
	if err != nil || first == nil {
		return nil, err
	}
	chunks := []*chunk.Chunk{first}
	err = it.Each(func(c *chunk.Chunk) error {
		chunks = append(chunks, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return chunk.Concat(first.Schema(), chunks), nil
}

// probe is a batch of keys against one snapshot.
type probe struct {
	l      *layout
	k      int // key columns given
	n      int
	cols   []*chunk.Column // in schema positions
	order  []int32         // the probes in key order
	lo, hi []uint64
	hash   []uint64
	// spans are the matches, by run and in key order within a run.
	spans []span
}

// span is where a probe's rows lie in a run.
type span struct {
	probe    int32
	run      int32
	from, to position
}

// newProbe prepares a search by the first len(keys) key columns.
func newProbe(l *layout, keys []*chunk.Column, n int) (*probe, error) {
	if len(keys) == 0 || len(keys) > len(l.keyCols) {
		return nil, fmt.Errorf("relation %s: search by %d columns of a key of %d", l.spec.Name, len(keys), len(l.keyCols))
	}
	p := &probe{l: l, k: len(keys), n: n, cols: make([]*chunk.Column, len(l.schema))}
	for i, c := range keys {
		p.cols[l.keyCols[i]] = c
	}
	p.lo, p.hi = make([]uint64, n), make([]uint64, n)
	l.order.KeyPrefixes(p.k, p.cols, n, p.lo, p.hi)
	var sorter chunk.Sorter
	if n == 1 {
		p.order = make([]int32, n)
	} else {
		p.order = sorter.Sort(l.byKeys[p.k-1], p.cols, n)
	}
	if p.k == len(l.keyCols) {
		p.hash = make([]uint64, n)
		chunk.HashRows(keys, n, p.hash)
	}
	return p, nil
}

// search finds the spans of all probes, run by run; within a run both sides rise.
func (p *probe) search(runs []*run) error {
	for ri, r := range runs {
		keys, err := r.keyFilter()
		if err != nil {
			return err
		}
		at := position{}
		for _, i := range p.order {
			if p.hash != nil && !keys.mayHave(p.hash[i]) {
				continue
			}
			if len(r.first) > 0 && p.hi[i] < r.first[0] {
				continue
			}
			b := bound{cols: p.cols, row: int(i), k: p.k, lo: p.lo[i], hi: p.hi[i]}
			from, err := r.seekNear(p.l, &b, at)
			if err != nil {
				return err
			}
			if from.block >= len(r.blocks) {
				break
			}
			b.after = true
			to, err := r.seekEnd(p.l, &b, from)
			if err != nil {
				return err
			}
			if from != to {
				p.spans = append(p.spans, span{i, int32(ri), from, to})
			}
			at = from
		}
	}
	return nil
}

// seekNear is seek, trying the block of from first.
func (r *run) seekNear(l *layout, b *bound, from position) (position, error) {
	if from.block+1 < len(r.blocks) && b.before(l, r.first[from.block+1], r.fence, from.block+1) {
		return r.seek(l, b, from)
	}
	d, err := r.load(from.block)
	if err != nil {
		return from, err
	}
	lo := d.prefix.gallop(from.row, d.rows, b.lo)
	if lo < d.rows && b.before(l, d.prefix.at(lo), d.cols, lo) {
		lo = seekBlock(l, b, d, lo)
	}
	if lo == d.rows {
		return position{from.block + 1, 0}, nil
	}
	return position{from.block, lo}, nil
}

// seekEnd returns the end of the rows that start at from and equal the bound's key.
func (r *run) seekEnd(l *layout, b *bound, from position) (position, error) {
	d, err := r.load(from.block)
	if err != nil {
		return from, err
	}
	// Few rows share a key in most relations: look at the next ones first.
	for i := from.row; i < d.rows && i < from.row+4; i++ {
		if !b.before(l, d.prefix.at(i), d.cols, i) {
			return position{from.block, i}, nil
		}
	}
	return r.seek(l, b, from)
}

// Matches are rows found by LookupMany.
type Matches struct {
	// Rows has the wanted columns and net weights.
	Rows *chunk.Chunk
	// Probe tells for each row which key it was found by; it is not sorted.
	Probe []int32
}

// LookupMany finds the rows of many keys: keys[i] holds the values of the i-th key
// column, one per probe; fewer than all key columns may be given. fn gets the rows,
// those of one key together and in key order, in chunks; it must not keep Probe. NULL
// matches NULL: a caller that wants SQL's = leaves such keys out.
func (s *Snapshot) LookupMany(keys []*chunk.Column, n int, cols []int, fn func(Matches) error) error {
	l := s.v.layout
	p, err := newProbe(l, keys, n)
	if err != nil {
		return err
	}
	if err := p.search(s.v.runs); err != nil || len(p.spans) == 0 {
		return err
	}
	if cols == nil {
		cols = l.all
	}
	out := output{l: l, cols: cols, fn: fn}
	for _, group := range p.groups() {
		if err := out.add(s.v.runs, group); err != nil {
			return err
		}
	}
	return out.flush()
}

// groups returns the spans of each probe that has any.
func (p *probe) groups() [][]span {
	if p.n == 1 && len(p.spans) > 0 {
		return [][]span{p.spans}
	}
	count := make([]int32, p.n+1)
	for _, s := range p.spans {
		count[s.probe+1]++
	}
	filled := 0
	for i := range p.n {
		if count[i+1] > 0 {
			filled++
		}
		count[i+1] += count[i]
	}
	sorted := make([]span, len(p.spans))
	for _, s := range p.spans {
		sorted[count[s.probe]] = s
		count[s.probe]++
	}
	groups := make([][]span, 0, filled)
	for lo := 0; lo < len(sorted); {
		hi := lo + 1
		for hi < len(sorted) && sorted[hi].probe == sorted[lo].probe {
			hi++
		}
		groups = append(groups, sorted[lo:hi])
		lo = hi
	}
	return groups
}

// output gathers the rows of probes into chunks.
type output struct {
	l     *layout
	cols  []int
	fn    func(Matches) error
	batch batch
	probe []int32
	// one has a cursor for each run, for the common probe with one span.
	one []cursor
}

// add appends the net rows of one probe's spans.
func (o *output) add(runs []*run, group []span) error {
	g := group[0]
	if len(group) == 1 && g.from.block == g.to.block {
		if o.one == nil {
			o.one = make([]cursor, len(runs))
		}
		c := &o.one[g.run]
		if c.d == nil || c.blk != g.from.block {
			d, err := runs[g.run].load(g.from.block)
			if err != nil {
				return err
			}
			*c = cursor{d: d, blk: g.from.block, sign: 1, src: int32(len(o.batch.srcs))}
		}
		o.batch.add(c, g.from.row, g.to.row, 0)
		return o.taken(g.probe)
	}
	m, err := mergeSpans(o.l, runs, group)
	if err != nil {
		return err
	}
	for len(m.cur) > 0 {
		if err := m.next(&o.batch, o.batch.rows+blockRows); err != nil {
			return err
		}
		if err := o.taken(g.probe); err != nil {
			return err
		}
	}
	return nil
}

func mergeSpans(l *layout, runs []*run, group []span) (*merger, error) {
	m := &merger{l: l}
	for _, g := range group {
		c := &cursor{run: runs[g.run], sign: 1}
		ok, err := c.open(g.from, g.to)
		if err != nil {
			return nil, err
		}
		if ok {
			m.add(c)
		}
	}
	return m, nil
}

// taken notes that the rows added to the batch last were found by probe.
func (o *output) taken(probe int32) error {
	for len(o.probe) < o.batch.rows {
		o.probe = append(o.probe, probe)
	}
	if len(o.probe) < blockRows {
		return nil
	}
	return o.flush()
}

func (o *output) flush() error {
	if o.batch.rows == 0 {
		return nil
	}
	d := assemble(&o.batch, o.cols, nil)
	m := Matches{Rows: &chunk.Chunk{Cols: d.cols, Weights: d.weights, Rows: d.rows}, Probe: o.probe}
	err := o.fn(m)
	o.batch.reset()
	o.probe = o.probe[:0]
	return err
}

// Exists reports for each of n keys, given as for LookupMany, whether a row has it.
func (s *Snapshot) Exists(keys []*chunk.Column, n int) (chunk.Bitmap, error) {
	p, err := newProbe(s.v.layout, keys, n)
	if err != nil {
		return nil, err
	}
	if err := p.search(s.v.runs); err != nil {
		return nil, err
	}
	found := chunk.NewBitmap(n)
	for _, g := range p.groups() {
		total := int64(0)
		for _, sp := range g {
			w, err := s.v.runs[sp.run].spanWeight(sp.from, sp.to)
			if err != nil {
				return nil, err
			}
			total += w
		}
		if total > 0 {
			found.Set(int(g[0].probe))
		}
	}
	return found, nil
}

// spanWeight adds up the weights of [from, to).
func (r *run) spanWeight(from, to position) (int64, error) {
	c := cursor{run: r, sign: 1}
	total := int64(0)
	for ok, err := c.open(from, to); ; ok, err = c.settle() {
		if err != nil || !ok {
			return total, err
		}
		hi := c.limit()
		if c.d.weights == nil {
			total += int64(hi - c.pos)
		} else {
			for _, w := range c.d.weights[c.pos:hi] {
				total += w
			}
		}
		c.pos = hi
	}
}
