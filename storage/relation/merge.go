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
		d, err := c.run.load(c.blk)
		if err != nil {
			return false, err
		}
		c.d = d
		if c.pos < d.rows {
			if d.prefix != nil {
				c.head = d.prefix[c.pos]
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
		c.head = c.d.prefix[pos]
		return true, nil
	}
	return c.settle()
}

// piece is a stretch [lo, hi) of rows of one block. weight, when not 0, replaces the
// weights of its rows; sign multiplies them otherwise.
type piece struct {
	d      *data
	lo, hi int32
	sign   int32
	weight int64
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

// less reports whether the head of a lies before the head of b.
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

// next appends stretches of together at least rows rows, or all that is left, to out.
func (m *merger) next(out []piece, rows int) ([]piece, error) {
	for n := 0; n < rows && len(m.cur) > 0; {
		c := m.cur[0]
		hi := c.limit()
		if len(m.cur) > 1 {
			same := m.compare(c, m.cur[1]) == 0
			if same {
				p, err := m.sum()
				if err != nil {
					return out, err
				}
				if p.weight != 0 {
					out = append(out, p)
					n++
				}
				continue
			}
			hi = m.stretch(c, m.cur[1], hi)
		}
		hi = min(hi, c.pos+rows-n)
		out = append(out, piece{d: c.d, lo: int32(c.pos), hi: int32(hi), sign: int32(c.sign)})
		n += hi - c.pos
		alive, err := c.advance(hi)
		if err != nil {
			return out, err
		}
		m.moved(0, alive)
	}
	return out, nil
}

// stretch returns the end of the rows of c, of which the first is known to, that lie
// before the head of b.
func (m *merger) stretch(c, b *cursor, limit int) int {
	hi := gallop(c.d.prefix, c.pos, limit, b.head)
	if m.l.order.PrefixExact() {
		return hi
	}
	for hi = max(hi, c.pos+1); hi < limit && c.d.prefix[hi] == b.head; hi++ {
		if m.l.order.Compare(c.d.cols, hi, b.d.cols, b.pos) >= 0 {
			break
		}
	}
	return hi
}

// sum takes the first row off every cursor that stands at the same identity as the
// first one.
func (m *merger) sum() (piece, error) {
	first := m.cur[0]
	p := piece{d: first.d, lo: int32(first.pos), hi: int32(first.pos + 1)}
	p.weight = first.sign * first.d.weight(first.pos)
	n := 1
	for n < len(m.cur) && m.compare(first, m.cur[n]) == 0 {
		p.weight += m.cur[n].sign * m.cur[n].d.weight(m.cur[n].pos)
		n++
	}
	for i := n - 1; i >= 0; i-- {
		alive, err := m.cur[i].advance(m.cur[i].pos + 1)
		if err != nil {
			return p, err
		}
		m.moved(i, alive)
	}
	return p, nil
}

// mergeRuns merges neighbouring runs, oldest first, into one; nil when nothing is
// left of them.
func mergeRuns(l *layout, runs []*run) (*run, error) {
	out := &run{from: runs[0].from, to: runs[len(runs)-1].to}
	if l.heap {
		return out, concatRuns(l, out, runs)
	}
	m := merger{l: l}
	for _, r := range runs {
		c := &cursor{run: r, sign: 1}
		ok, err := c.open(position{}, position{len(r.blocks), 0})
		if err != nil {
			return nil, err
		}
		if ok {
			m.add(c)
		}
	}
	var pieces []piece
	for {
		var err error
		if pieces, err = m.next(pieces[:0], blockRows); err != nil {
			return nil, err
		}
		if len(pieces) == 0 {
			break
		}
		out.addBlock(assemble(l, pieces, l.all, true))
	}
	if out.rows == 0 {
		return nil, nil
	}
	out.seal(l)
	return out, nil
}

func (r *run) addBlock(d *data) {
	r.blocks = append(r.blocks, block{d.rows, d})
	r.rows += d.rows
}

// concatRuns puts the blocks of a heap's runs one behind the other; small neighbours
// become one block.
func concatRuns(l *layout, out *run, runs []*run) error {
	var pieces []piece
	n := 0
	flush := func() {
		if n > 0 {
			out.addBlock(assemble(l, pieces, l.all, false))
		}
		pieces, n = pieces[:0], 0
	}
	for _, r := range runs {
		for b := range r.blocks {
			d, err := r.load(b)
			if err != nil {
				return err
			}
			if d.rows >= blockRows/2 {
				flush()
				out.addBlock(d)
				continue
			}
			if n+d.rows > blockRows {
				flush()
			}
			pieces = append(pieces, piece{d: d, hi: int32(d.rows), sign: 1})
			n += d.rows
		}
	}
	flush()
	out.seal(l)
	return nil
}
