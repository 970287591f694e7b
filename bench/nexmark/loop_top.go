package nexmark

import (
	"bytes"
	"cmp"
	"slices"

	gen "streamdb/connector/nexmark"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// bidSchema is the columns of a bid.
func bidSchema() []types.Type {
	return []types.Type{types.Int8, types.Int8, types.Int8, types.Text, types.Text, types.Timestamp, types.Text}
}

// compareRows orders bids by all their columns.
func compareRows(a, b row) int {
	for k, col := range a.c.Cols {
		var c int
		if col.Views == nil {
			c = cmp.Compare(col.Ints[a.i], b.c.Cols[k].Ints[b.i])
		} else {
			c = bytes.Compare(col.StringAt(int(a.i)), b.c.Cols[k].StringAt(int(b.i)))
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// lastBid is the newest bid of a bidder on an auction, and the one that was put out.
type lastBid struct {
	now, shown row
	dirty      bool
}

// loopQ18 keeps the newest bid of each bidder on each auction.
func loopQ18(rounds []round, out *sum) {
	t := newTable(2, 0)
	var last []lastBid
	var dirty []int32
	o := newOutput(bidSchema()...)
	emit := func(r row, weight int64) {
		for k, col := range r.c.Cols {
			o.copy(k, col, r.i)
		}
		o.weigh(weight)
	}
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		time := c.Cols[bidTime].Ints
		for i, s := range t.upsert(c.Rows, c.Cols[bidBidder].Ints, c.Cols[bidAuction].Ints) {
			for int(s) >= len(last) {
				last = append(last, lastBid{})
			}
			l, b := &last[s], row{c, int32(i)}
			if l.now.c != nil {
				was := l.now.c.Cols[bidTime].Ints[l.now.i]
				if time[i] < was || time[i] == was && compareRows(b, l.now) >= 0 {
					continue
				}
			}
			l.now = b
			if !l.dirty {
				l.dirty = true
				dirty = append(dirty, s)
			}
		}
		for _, s := range dirty {
			l := &last[s]
			l.dirty = false
			if l.shown.c != nil {
				emit(l.shown, -1)
			}
			emit(l.now, 1)
			l.shown = l.now
		}
		dirty = dirty[:0]
		o.flush(out)
	})
}

// topBids is the best bids of an auction in order, and those that were put out.
type topBids struct {
	now, shown []row
	dirty      bool
}

// loopQ19 keeps the ten highest bids of each auction with their ranks.
func loopQ19(rounds []round, out *sum) {
	const most = 10
	t := newTable(1, 0)
	var tops []topBids
	var dirty []int32
	o := newOutput(append(bidSchema(), types.Int8)...)
	order := func(a, b row) int {
		if c := cmp.Compare(b.c.Cols[bidPrice].Ints[b.i], a.c.Cols[bidPrice].Ints[a.i]); c != 0 {
			return c
		}
		return compareRows(a, b)
	}
	emit := func(list []row, from int, weight int64) {
		for k := from; k < len(list); k++ {
			for j, col := range list[k].c.Cols {
				o.copy(j, col, list[k].i)
			}
			o.int(7, int64(k+1))
			o.weigh(weight)
		}
	}
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		for i, s := range t.upsert(c.Rows, c.Cols[bidAuction].Ints) {
			for int(s) >= len(tops) {
				tops = append(tops, topBids{})
			}
			top, b := &tops[s], row{c, int32(i)}
			if len(top.now) == most && order(b, top.now[most-1]) >= 0 {
				continue
			}
			if !top.dirty {
				top.dirty, top.shown = true, append(top.shown[:0], top.now...)
				dirty = append(dirty, s)
			}
			if len(top.now) == most {
				top.now = top.now[:most-1]
			}
			at, _ := slices.BinarySearchFunc(top.now, b, order)
			top.now = slices.Insert(top.now, at, b)
		}
		for _, s := range dirty {
			top := &tops[s]
			top.dirty = false
			same := 0
			for same < min(len(top.now), len(top.shown)) && top.now[same] == top.shown[same] {
				same++
			}
			emit(top.shown, same, -1)
			emit(top.now, same, 1)
		}
		dirty = dirty[:0]
		o.flush(out)
	})
}
