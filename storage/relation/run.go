package relation

import (
	"sort"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// run is an immutable sorted piece of a relation's changes, those of the epochs
// [from, to). Each identity occurs at most once in it (a heap's run: any number of
// times, unsorted), with a weight that is not 0.
//
// Its rows lie in blocks of about blockRows rows. A run of several blocks has a
// fence: the prefix and the key of each block's first row.
type run struct {
	from, to Epoch
	rows     int // stored rows, whatever their weights
	blocks   []block
	first    []uint64        // prefix of each block's first row
	fence    []*chunk.Column // key columns of each block's first row; nil for one block
	filter   filter
	// bytes is the resident size, filter included.
	bytes int64
	// seg is the file that holds the run; nil when it is in memory only. The filter of
	// a run with a file is the file's.
	seg *segment

	merging bool // guarded by Relation.mu

	// one and content are block and content of a run made by newRun, so that a small
	// delta is one allocation.
	one     [1]block
	content data
	lead    [1]uint64 // first, of a run of one block
}

// block is a stretch of a run: in memory, or a place in the run's segment.
type block struct {
	rows int
	data *data // nil when it is read on demand
}

// data is the content of a block.
type data struct {
	cols    []*chunk.Column
	weights []int64  // nil: all 1
	prefix  prefixes // none in a heap
	rows    int
	// packed tells per column that its byte strings lie in row order without gaps.
	packed []bool
}

func (d *data) weight(i int) int64 {
	if d.weights == nil {
		return 1
	}
	return d.weights[i]
}

// bytes returns the resident size of d.
func (d *data) bytes() int64 {
	n := int64(len(d.weights)+len(d.prefix.words))*8 + 160
	for _, c := range d.cols {
		n += columnBytes(c)
	}
	return n
}

func columnBytes(c *chunk.Column) int64 {
	const header = 280
	n := int64(header + len(c.Bytes) + 8*len(c.Nulls))
	n += int64(len(c.Bools)) + 8*int64(len(c.Ints)+len(c.Floats)+len(c.Views))
	return n + 16*int64(len(c.Nums)+len(c.Ivls)+len(c.UUIDs))
}

// newRun makes a run of one chunk, which is consolidated in l's order.
func newRun(l *layout, e Epoch, c *chunk.Chunk) *run {
	r := &run{from: e, to: e + 1, rows: c.Rows}
	d := &r.content
	d.cols, d.weights, d.rows = make([]*chunk.Column, len(c.Cols)), c.Weights, c.Rows
	for i, col := range c.Cols {
		if col.Type.Class() == types.ClassBytes {
			if d.packed == nil {
				d.packed = make([]bool, len(c.Cols))
			}
			col, d.packed[i] = pack(col), true
		}
		d.cols[i] = col
	}
	if !l.heap {
		d.prefix = l.prefixesOf(d.cols, c.Rows)
	}
	r.one[0] = block{c.Rows, d}
	r.blocks = r.one[:]
	r.seal(l)
	return r
}

// newHeapRun makes a run of chunks that are kept as they are. Strings are copied where they
// take less than the buffer that they lie in.
func newHeapRun(l *layout, e Epoch, chunks []*chunk.Chunk) *run {
	r := &run{from: e, to: e + 1}
	for _, c := range chunks {
		d := &data{cols: make([]*chunk.Column, len(c.Cols)), weights: c.Weights, rows: c.Rows}
		for i, col := range c.Cols {
			if col.Type.Class() == types.ClassBytes && sparse(col) {
				if d.packed == nil {
					d.packed = make([]bool, len(c.Cols))
				}
				col, d.packed[i] = pack(col), true
			}
			d.cols[i] = col
		}
		r.addBlock(d)
	}
	r.seal(l)
	return r
}

// sparse reports whether a column's strings take less than the buffer they lie in.
func sparse(c *chunk.Column) bool {
	total := 0
	for _, v := range c.Views {
		total += int(v.Len)
	}
	return total < len(c.Bytes)
}

// pack returns c with its strings in row order and nothing else in its buffer.
func pack(c *chunk.Column) *chunk.Column {
	total, inOrder := 0, true
	for _, v := range c.Views {
		inOrder = inOrder && int(v.Off) == total
		total += int(v.Len)
	}
	if inOrder && total == len(c.Bytes) {
		return c
	}
	p := *c
	p.Views, p.Bytes = make([]chunk.View, len(c.Views)), make([]byte, 0, total)
	for i, v := range c.Views {
		p.Views[i] = chunk.View{Off: uint32(len(p.Bytes)), Len: v.Len}
		p.Bytes = append(p.Bytes, c.Bytes[v.Off:v.Off+v.Len]...)
	}
	return &p
}

// seal computes what is derived from the blocks: fence, filter and size.
func (r *run) seal(l *layout) {
	r.bytes = 96
	for _, b := range r.blocks {
		r.bytes += b.data.bytes()
	}
	if checked {
		r.mustRise(l)
	}
	if l.heap {
		return
	}
	if r.first = r.lead[:]; len(r.blocks) > 1 {
		r.first = make([]uint64, len(r.blocks))
	}
	for i, b := range r.blocks {
		r.first[i] = b.data.prefix.at(0)
	}
	if len(r.blocks) > 1 {
		r.fence = make([]*chunk.Column, len(l.schema))
		for _, k := range l.keyCols {
			f := chunk.NewColumn(l.schema[k], len(r.blocks))
			for _, b := range r.blocks {
				f.AppendRows(b.data.cols[k], []int32{0})
			}
			r.fence[k] = f
			r.bytes += columnBytes(f)
		}
	}
	if r.rows >= filterRowsMin && len(l.keyCols) > 0 {
		r.filter = newFilter(r.rows)
		hashes := make([]uint64, blockRows)
		for _, b := range r.blocks {
			if len(hashes) < b.rows {
				hashes = make([]uint64, b.rows)
			}
			chunk.HashRows(project(b.data.cols, l.keyCols), b.rows, hashes)
			r.filter.addAll(hashes[:b.rows])
		}
		r.bytes += int64(len(r.filter)) * 8
	}
}

// keyFilter returns the run's filter, which may have to be read.
func (r *run) keyFilter() (filter, error) {
	if r.seg == nil {
		return r.filter, nil
	}
	return r.seg.file.keyFilter()
}

func project(cols []*chunk.Column, idx []int) []*chunk.Column {
	p := make([]*chunk.Column, len(idx))
	for i, k := range idx {
		p[i] = cols[k]
	}
	return p
}

// load returns the content of block b.
func (r *run) load(b int) (*data, error) {
	if d := r.blocks[b].data; d != nil {
		return d, nil
	}
	return r.seg.load(b)
}

// loadColumns is load for a reader that needs only some columns, and no prefix.
func (r *run) loadColumns(b int, want []int) (*data, error) {
	if d := r.blocks[b].data; d != nil {
		return d, nil
	}
	if want == nil {
		return r.seg.load(b)
	}
	if d := r.seg.cache.get(r.seg.key, b); d != nil {
		return d, nil
	}
	return r.seg.read(b, want)
}

// cold reports whether reading the run may go to disk.
func (r *run) cold() bool { return r.blocks[0].data == nil }

// bound is a place in the key order: before (or, when after is set, behind) all rows
// whose first k keys equal row of cols. lo and hi are KeyPrefixes of it.
type bound struct {
	cols   []*chunk.Column
	row    int
	k      int
	lo, hi uint64
	after  bool
}

// position is a row of a run.
type position struct{ block, row int }

// before reports whether the row with prefix p, row i of cols, lies before the bound.
func (b *bound) before(l *layout, p uint64, cols []*chunk.Column, i int) bool {
	if p < b.lo {
		return true
	}
	if p > b.hi {
		return false
	}
	c := l.order.CompareKeys(b.k, cols, i, b.cols, b.row)
	return c < 0 || (b.after && c == 0)
}

// seek returns the first row at or past from that is not before the bound.
func (r *run) seek(l *layout, b *bound, from position) (position, error) {
	n := len(r.blocks)
	// The first block past from whose first row is not before the bound.
	blk := from.block + 1
	if blk < n {
		blk += sort.Search(n-blk, func(i int) bool {
			i += blk
			return !b.before(l, r.first[i], r.fence, i)
		})
	}
	blk--
	if blk >= n {
		return position{n, 0}, nil
	}
	d, err := r.load(blk)
	if err != nil {
		return position{}, err
	}
	lo := 0
	if blk == from.block {
		lo = from.row
	}
	row := seekBlock(l, b, d, lo)
	if row == d.rows {
		return position{blk + 1, 0}, nil
	}
	return position{blk, row}, nil
}

// seekBlock returns the first row of d at or past lo that is not before the bound:
// a binary search over prefixes, then comparing among those that tie.
func seekBlock(l *layout, b *bound, d *data, lo int) int {
	lo = d.prefix.search(lo, d.rows, b.lo)
	if lo == d.rows || d.prefix.at(lo) > b.hi {
		return lo
	}
	hi := d.rows
	if b.hi != ^uint64(0) {
		hi = d.prefix.search(lo, d.rows, b.hi+1)
	}
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		c := l.order.CompareKeys(b.k, d.cols, m, b.cols, b.row)
		if c < 0 || (b.after && c == 0) {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}
