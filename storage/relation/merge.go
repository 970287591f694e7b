package relation

// cursor walks the rows [pos, end) of a run. sign is -1 when the run's changes are
// taken back.
type cursor struct {
	run  *run
	blk  int
	d    *data
	pos  int
	last position // the first position behind the range
	sign int64
	head uint64 // prefix of the row at pos
	// want are the columns to decode of blocks that are not in memory; nil means all.
	want []int
	src  int32 // number of d among the sources of the batch that is being filled
}

// open places the cursor at the start of a range; it reports false for an empty one.
func (c *cursor) open(from, to position) (bool, error) {
	c.blk, c.pos, c.last = from.block, from.row, to
	return c.settle()
}

// limit is the number of rows of the current block that belong to the range.
func (c *cursor) limit() int {
	if c.blk == c.last.block {
		return c.last.row
	}
	return c.d.rows
}

// settle loads the block at c.blk and steps over the end of blocks.
func (c *cursor) settle() (bool, error) {
	for {
		if c.blk > c.last.block || c.blk >= len(c.run.blocks) || (c.blk == c.last.block && c.pos >= c.last.row) {
			return false, nil
		}
		d, err := c.run.loadColumns(c.blk, c.want)
		if err != nil {
			return false, err
		}
		c.d = d
		if c.pos < d.rows {
			if d.prefix.known() {
				c.head = d.prefix.at(c.pos)
			}
			return true, nil
		}
		c.blk, c.pos = c.blk+1, 0
	}
}

// advance moves to row pos of the current block, or on to the next block.
func (c *cursor) advance(pos int) (bool, error) {
	c.pos = pos
	if pos < c.limit() {
		c.head = c.d.prefix.at(pos)
		return true, nil
	}
	return c.settle()
}

// piece is a stretch [lo, hi) of rows of source src of its batch. weight, when not 0,
// replaces the weights of its rows.
type piece struct {
	lo, hi int32
	src    int32
	weight int64
}

// source is a block that pieces of a batch come from; sign multiplies its weights.
type source struct {
	d    *data
	sign int64
}

// batch is a list of stretches on their way to becoming a chunk. Sources are few and
// pieces may be as many as rows, so that copying a column looks up each source once.
type batch struct {
	srcs   []source
	pieces []piece
	rows   int
}

func (b *batch) reset() { b.srcs, b.pieces, b.rows = b.srcs[:0], b.pieces[:0], 0 }

// add appends rows [lo, hi) of the cursor's block.
func (b *batch) add(c *cursor, lo, hi int, weight int64) {
	if int(c.src) >= len(b.srcs) || b.srcs[c.src].d != c.d || b.srcs[c.src].sign != c.sign {
		c.src = int32(len(b.srcs))
		b.srcs = append(b.srcs, source{c.d, c.sign})
	}
	b.pieces = append(b.pieces, piece{int32(lo), int32(hi), c.src, weight})
	b.rows += hi - lo
}

// merger merges sorted ranges into one: each identity once, with the sum of its
// weights, those that add up to 0 left out.
//
// The cursors are kept in order of their heads. As long as the first cursor's rows
// lie before the second one's head they are passed on as one stretch, found by
// galloping over the prefixes; so merging a large run with a few changes costs what
// the changes cost. Only rows of equal prefix are compared in full.
type merger struct {
	l   *layout
	cur []*cursor
}

// compare compares the heads of a and b.
func (m *merger) compare(a, b *cursor) int {
	if a.head != b.head {
		if a.head < b.head {
			return -1
		}
		return 1
	}
	if m.l.order.PrefixExact() {
		return 0
	}
	return m.l.order.Compare(a.d.cols, a.pos, b.d.cols, b.pos)
}

// add inserts an open cursor.
func (m *merger) add(c *cursor) {
	m.cur = append(m.cur, c)
	for i := len(m.cur) - 1; i > 0 && m.compare(m.cur[i], m.cur[i-1]) < 0; i-- {
		m.cur[i], m.cur[i-1] = m.cur[i-1], m.cur[i]
	}
}

// moved puts cursor i, whose head has moved on, back in its place, or drops it when
// its range has ended.
func (m *merger) moved(i int, alive bool) {
	if !alive {
		m.cur = append(m.cur[:i], m.cur[i+1:]...)
		return
	}
	for ; i+1 < len(m.cur) && m.compare(m.cur[i], m.cur[i+1]) > 0; i++ {
		m.cur[i], m.cur[i+1] = m.cur[i+1], m.cur[i]
	}
}

// next appends stretches to out until it has rows rows, or nothing is left.
func (m *merger) next(out *batch, rows int) error {
	for out.rows < rows && len(m.cur) > 0 {
		c := m.cur[0]
		hi := c.limit()
		if len(m.cur) > 1 {
			if m.compare(c, m.cur[1]) == 0 {
				if err := m.sum(out); err != nil {
					return err
				}
				continue
			}
			hi = m.stretch(c, m.cur[1], hi)
		}
		hi = min(hi, c.pos+rows-out.rows)
		out.add(c, c.pos, hi, 0)
		alive, err := c.advance(hi)
		if err != nil {
			return err
		}
		m.moved(0, alive)
	}
	return nil
}

// stretch returns the end of the rows of c, of which the first is known to, that lie
// before the head of b.
func (m *merger) stretch(c, b *cursor, limit int) int {
	hi := c.d.prefix.gallop(c.pos, limit, b.head)
	if m.l.order.PrefixExact() {
		return hi
	}
	for hi = max(hi, c.pos+1); hi < limit && c.d.prefix.at(hi) == b.head; hi++ {
		if m.l.order.Compare(c.d.cols, hi, b.d.cols, b.pos) >= 0 {
			break
		}
	}
	return hi
}

// sum takes the first row off every cursor that stands at the same identity as the
// first one, and passes it on with the sum of the weights.
func (m *merger) sum(out *batch) error {
	first := m.cur[0]
	weight := first.sign * first.d.weight(first.pos)
	n := 1
	for n < len(m.cur) && m.compare(first, m.cur[n]) == 0 {
		weight += m.cur[n].sign * m.cur[n].d.weight(m.cur[n].pos)
		n++
	}
	if weight != 0 {
		out.add(first, first.pos, first.pos+1, weight)
	}
	for i := n - 1; i >= 0; i-- {
		alive, err := m.cur[i].advance(m.cur[i].pos + 1)
		if err != nil {
			return err
		}
		m.moved(i, alive)
	}
	return nil
}

// mergeRuns merges neighbouring runs, oldest first, into one in memory; nil when
// nothing is left of them.
func mergeRuns(l *layout, runs []*run) (*run, error) {
	out := &run{from: runs[0].from, to: runs[len(runs)-1].to}
	err := mergeBlocks(l, runs, func(d *data) error {
		out.addBlock(d)
		return nil
	})
	if err != nil || out.rows == 0 {
		return nil, err
	}
	out.seal(l)
	return out, nil
}

func (r *run) addBlock(d *data) {
	r.blocks = append(r.blocks, block{d.rows, d})
	r.rows += d.rows
}

// mergeBlocks passes the merged blocks of runs to emit.
func mergeBlocks(l *layout, runs []*run, emit func(*data) error) error {
	if l.heap {
		return concatBlocks(l, runs, emit)
	}
	m := merger{l: l, cur: make([]*cursor, 0, len(runs))}
	cursors, rows := make([]cursor, len(runs)), 0
	for i, r := range runs {
		c := &cursors[i]
		c.run, c.sign = r, 1
		rows += r.rows
		ok, err := c.open(position{}, position{len(r.blocks), 0})
		if err != nil {
			return err
		}
		if ok {
			m.add(c)
		}
	}
	b := batch{srcs: make([]source, 0, 2*len(runs)), pieces: make([]piece, 0, min(rows, blockRows))}
	for {
		b.reset()
		if err := m.next(&b, blockRows); err != nil || b.rows == 0 {
			return err
		}
		if err := emit(assemble(&b, l.all, l)); err != nil {
			return err
		}
	}
}

// concatBlocks passes the blocks of a heap's runs on one behind the other; small
// neighbours become one block.
func concatBlocks(l *layout, runs []*run, emit func(*data) error) error {
	var b batch
	flush := func() error {
		if b.rows == 0 {
			return nil
		}
		d := assemble(&b, l.all, nil)
		b.reset()
		return emit(d)
	}
	for _, r := range runs {
		for i := range r.blocks {
			d, err := r.load(i)
			if err != nil {
				return err
			}
			if d.rows >= blockRows/2 || b.rows+d.rows > blockRows {
				if err := flush(); err != nil {
					return err
				}
			}
			if d.rows >= blockRows/2 {
				if err := emit(d); err != nil {
					return err
				}
				continue
			}
			b.add(&cursor{d: d, sign: 1, src: int32(len(b.srcs))}, 0, d.rows, 0)
		}
	}
	return flush()
}
