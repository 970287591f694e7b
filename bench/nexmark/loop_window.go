package nexmark

import (
	"slices"

	gen "streamdb/connector/nexmark"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// hotWindow is a window of q5: the largest count and who has it.
type hotWindow struct {
	max     int64
	winners []int64
	// shown is what has been put out, and whether it may have changed since.
	shownMax int64
	shown    []int64
	dirty    bool
}

// loopQ5 counts bids per auction and pane of 2 s within a chunk, adds the panes to
// their five windows, and keeps the auctions with the largest count per window.
func loopQ5(rounds []round, out *sum) {
	const slide, size = 2 * second, 10 * second
	counts := newTable(2, 1) // auction, window start
	at := counts.PayloadOffset()
	windows := newTable(1, 0)
	var hot []hotWindow
	var dirty []int32
	o := newOutput(types.Int8, types.Int8)
	start := make([]int64, chunk.RowsMax)
	for _, r := range rounds {
		for _, c := range r[gen.Bid] {
			auction, price := paneCounts(c, slide)
			for back := int64(0); back < size; back += slide {
				start = start[:0]
				for _, p := range auction[1] {
					start = append(start, p-back)
				}
				n := len(start)
				in := slices.Clone(windows.upsert(n, start))
				for len(hot) < windows.Slots() {
					hot = append(hot, hotWindow{})
				}
				for i, s := range counts.upsert(n, auction[0], start) {
					v := counts.Word(s, at)
					*v += uint64(price[i])
					h := &hot[in[i]]
					if !h.dirty && int64(*v) >= h.max {
						h.dirty = true
						h.shownMax, h.shown = h.max, append(h.shown[:0], h.winners...)
						dirty = append(dirty, in[i])
					}
					switch {
					case int64(*v) > h.max:
						h.max, h.winners = int64(*v), append(h.winners[:0], auction[0][i])
					case int64(*v) == h.max:
						h.winners = append(h.winners, auction[0][i])
					}
				}
			}
			for _, w := range dirty {
				h := &hot[w]
				h.dirty = false
				for _, a := range h.shown {
					o.int(0, a)
					o.int(1, h.shownMax)
					o.weigh(-1)
				}
				for _, a := range h.winners {
					o.int(0, a)
					o.int(1, h.max)
					o.weigh(1)
				}
			}
			dirty = dirty[:0]
			o.flush(out)
		}
	}
}

// paneCounts counts a chunk's bids per auction and pane: the keys, and how many.
func paneCounts(c *chunk.Chunk, slide int64) (keys [2][]int64, n []int64) {
	t := newTable(2, 1)
	pane := make([]int64, c.Rows)
	for i, v := range c.Cols[bidTime].Ints {
		pane[i] = windowStart(v, slide)
	}
	at := t.PayloadOffset()
	for _, s := range t.upsert(c.Rows, c.Cols[bidAuction].Ints, pane) {
		*t.Word(s, at)++
	}
	for s := range int32(t.Slots()) {
		r := t.Row(s)
		keys[0], keys[1], n = append(keys[0], int64(r[1])), append(keys[1], int64(r[2])), append(n, int64(r[at]))
	}
	return keys, n
}

// topWindow is a window of q7: the highest price and the bids that have it.
type topWindow struct {
	max   int64
	rows  []row
	shown []row
	dirty bool
}

// loopQ7 keeps the highest price per 10 s and its bids. A bid at the very start of a
// window also matches the window before, whose end it is.
func loopQ7(rounds []round, out *sum) {
	const size = 10 * second
	t := newTable(1, 0)
	var tops []topWindow
	var dirty []int32
	o := newOutput(types.Int8, types.Int8, types.Int8, types.Timestamp, types.Text)
	emit := func(r row, w int64) {
		for k, col := range []int{bidAuction, bidPrice, bidBidder, bidTime} {
			o.int(k, r.c.Cols[col].Ints[r.i])
		}
		o.c.Cols[4].AppendBytes(r.c.Cols[bidExtra].StringAt(int(r.i)))
		o.weigh(w)
	}
	touch := func(w int32) *topWindow {
		for int(w) >= len(tops) {
			tops = append(tops, topWindow{})
		}
		top := &tops[w]
		if !top.dirty {
			top.dirty, top.shown = true, append(top.shown[:0], top.rows...)
			dirty = append(dirty, w)
		}
		return top
	}
	// Rows of a window come together: each stretch of them is probed once.
	var start, before []int64
	var end, edge []int32
	for _, r := range rounds {
		for _, c := range r[gen.Bid] {
			start, end, before, edge = start[:0], end[:0], before[:0], edge[:0]
			for i, v := range c.Cols[bidTime].Ints {
				n := len(start)
				if n == 0 || v < start[n-1] || v >= start[n-1]+size {
					start, end = append(start, windowStart(v, size)), append(end, 0)
					n++
				}
				end[n-1] = int32(i + 1)
				if v == start[n-1] {
					before, edge = append(before, v-size), append(edge, int32(i))
				}
			}
			price := c.Cols[bidPrice].Ints
			i := int32(0)
			for k, w := range t.upsert(len(start), start) {
				high := int64(0)
				if int(w) < len(tops) {
					high = tops[w].max
				}
				for ; i < end[k]; i++ {
					p := price[i]
					if p < high {
						continue
					}
					top := touch(w)
					if p > high {
						high, top.max, top.rows = p, p, top.rows[:0]
					}
					top.rows = append(top.rows, row{c, i})
				}
			}
			for k, w := range t.upsert(len(before), before) {
				if i := edge[k]; int(w) < len(tops) && tops[w].max == price[i] {
					top := touch(w)
					top.rows = append(top.rows, row{c, i})
				}
			}
			for _, w := range dirty {
				top := &tops[w]
				top.dirty = false
				for _, x := range top.shown {
					emit(x, -1)
				}
				for _, x := range top.rows {
					emit(x, 1)
				}
			}
			dirty = dirty[:0]
			o.flush(out)
		}
	}
}

// loopQ17 keeps the statistics of each auction and day.
func loopQ17(rounds []round, out *sum) {
	const total, rank1, rank2, rank3, low, high, sumOf, width = 0, 1, 2, 3, 4, 5, 6, 7
	const day = 24 * 3600 * second
	t := newTable(2, width)
	at := t.PayloadOffset()
	var dirty []int32
	var undo []uint64
	o := newOutput(types.Int8, types.Text, types.Int8, types.Int8, types.Int8, types.Int8, types.Int8, types.Int8, types.Numeric, types.Numeric)
	emit := func(key, w []uint64, weight int64) {
		o.int(0, int64(key[1]))
		o.c.Cols[1].AppendBytes(types.AppendText(nil, types.Date, types.Datum{I: int64(key[2])}, nil))
		for k, v := range []int{total, rank1, rank2, rank3, low, high} {
			o.int(2+k, int64(w[v]))
		}
		o.average(8, int64(w[sumOf]), int64(w[total]))
		o.num(9, types.Num{Coef: int64(w[sumOf])})
		o.weigh(weight)
	}
	days := make([]int64, 0, chunk.RowsMax)
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		days = days[:0]
		for _, v := range c.Cols[bidTime].Ints {
			days = append(days, v/day)
		}
		price := c.Cols[bidPrice].Ints
		for i, s := range t.upsert(c.Rows, c.Cols[bidAuction].Ints, days) {
			r := t.Row(s)
			w := r[at:]
			if r[0]>>32 == 0 {
				r[0] |= 1 << 32
				dirty, undo = append(dirty, s), append(undo, w...)
			}
			p := uint64(price[i])
			switch {
			case p < 10_000:
				w[rank1]++
			case p < 1_000_000:
				w[rank2]++
			default:
				w[rank3]++
			}
			if w[total] == 0 || p < w[low] {
				w[low] = p
			}
			w[high] = max(w[high], p)
			w[total]++
			w[sumOf] += p
		}
		for k, s := range dirty {
			r := t.Row(s)
			r[0] &= 1<<32 - 1
			if was := undo[k*width : (k+1)*width]; was[total] > 0 {
				emit(r, was, -1)
			}
			emit(r, r[at:], 1)
		}
		dirty, undo = dirty[:0], undo[:0]
		o.flush(out)
	})
}
