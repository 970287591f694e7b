package nexmark

import (
	"bytes"
	"cmp"
	"slices"

	gen "streamdb/connector/nexmark"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// winning keeps the winning bid of each auction, among bids in its time. Bids that come
// before their auction wait in a chain.
type winning struct {
	t *table
	// better says whether bid a wins over b.
	better func(a, b row) bool
	known  []auctionBids // by slot
	early  chain[row]
	dirty  []int32
}

// auctionBids is an auction, its best bid and the best that has been put out.
type auctionBids struct {
	auction, best, shown row // c is nil for none
	begin, end           int64
	dirty                bool
}

func newWinning(better func(a, b row) bool) *winning {
	return &winning{t: newTable(1, 0), better: better}
}

func (w *winning) offer(s int32, b row) {
	a := &w.known[s]
	time := b.c.Cols[bidTime].Ints[b.i]
	if time < a.begin || time > a.end || a.best.c != nil && !w.better(b, a.best) {
		return
	}
	a.best = b
	if !a.dirty {
		a.dirty = true
		w.dirty = append(w.dirty, s)
	}
}

// run goes through the rounds; flush is called behind each chunk that may have changed
// a winner.
func (w *winning) run(rounds []round, flush func()) {
	grow := func() {
		for len(w.known) < w.t.Slots() {
			w.known = append(w.known, auctionBids{})
		}
	}
	for _, r := range rounds {
		for _, c := range r[gen.Auction] {
			for i, s := range w.t.upsert(c.Rows, c.Cols[auctionID].Ints) {
				grow()
				a := &w.known[s]
				a.auction, a.begin, a.end = row{c, int32(i)}, c.Cols[auctionTime].Ints[i], c.Cols[auctionExpires].Ints[i]
				w.early.each(s, func(b row) { w.offer(s, b) })
			}
			flush()
		}
		for _, c := range r[gen.Bid] {
			slots := w.t.upsert(c.Rows, c.Cols[bidAuction].Ints)
			grow()
			for i, s := range slots {
				b := row{c, int32(i)}
				if w.known[s].auction.c == nil {
					w.early.add(s, b)
					continue
				}
				w.offer(s, b)
			}
			flush()
		}
	}
}

// changed calls f for every auction whose winner is another now.
func (w *winning) changed(f func(a *auctionBids)) {
	for _, s := range w.dirty {
		a := &w.known[s]
		a.dirty = false
		f(a)
		a.shown = a.best
	}
	w.dirty = w.dirty[:0]
}

// bidInts returns the price, time and bidder of a bid.
func bidInts(b row) (price, time, bidder int64) {
	return b.c.Cols[bidPrice].Ints[b.i], b.c.Cols[bidTime].Ints[b.i], b.c.Cols[bidBidder].Ints[b.i]
}

// loopQ9 puts auctions out with their winning bids: the highest, then the earliest, then
// the least row.
func loopQ9(rounds []round, out *sum) {
	ints, texts := types.Int8, types.Text
	o := newOutput(ints, texts, texts, ints, ints, types.Timestamp, types.Timestamp, ints, ints, texts, ints, ints, ints, types.Timestamp, texts)
	w := newWinning(func(a, b row) bool {
		ap, at, ab := bidInts(a)
		bp, bt, bb := bidInts(b)
		if c := cmp.Or(cmp.Compare(bp, ap), cmp.Compare(at, bt), cmp.Compare(ab, bb)); c != 0 {
			return c < 0
		}
		return bytes.Compare(a.c.Cols[bidExtra].StringAt(int(a.i)), b.c.Cols[bidExtra].StringAt(int(b.i))) < 0
	})
	emit := func(a *auctionBids, b row, weight int64) {
		for k, col := range a.auction.c.Cols {
			o.copy(k, col, a.auction.i)
		}
		for k, col := range [...]int{bidAuction, bidBidder, bidPrice, bidTime, bidExtra} {
			o.copy(10+k, b.c.Cols[col], b.i)
		}
		o.weigh(weight)
	}
	w.run(rounds, func() {
		w.changed(func(a *auctionBids) {
			if a.shown.c != nil {
				emit(a, a.shown, -1)
			}
			emit(a, a.best, 1)
		})
		o.flush(out)
	})
}

// sale is a closing price of a seller.
type sale struct{ time, auction, price int64 }

func compareSales(a, b sale) int {
	return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.auction, b.auction), cmp.Compare(a.price, b.price))
}

// salesOf is a seller's sales in order, as they are and as they have been put out.
type salesOf struct {
	seller     int64
	now, shown []sale
	dirty      bool
}

// loopQ6 averages each closing price of a seller with the ten before it.
func loopQ6(rounds []round, out *sum) {
	const before = 10
	t := newTable(1, 0)
	var sellers []salesOf
	var dirty []int32
	o := newOutput(types.Int8, types.Numeric)
	w := newWinning(func(a, b row) bool {
		ap, at, _ := bidInts(a)
		bp, bt, _ := bidInts(b)
		return cmp.Or(cmp.Compare(bp, ap), cmp.Compare(at, bt)) < 0
	})
	emit := func(seller int64, list []sale, from, to int, weight int64) {
		total := int64(0)
		for i := max(from-before, 0); i < to; i++ {
			total += list[i].price
			if i > before && i > from {
				total -= list[i-before-1].price
			}
			if i >= from {
				o.int(0, seller)
				o.average(1, total, int64(min(i, before)+1))
				o.weigh(weight)
			}
		}
	}
	id, owner := make([]int64, 0, chunk.RowsMax), make([]*auctionBids, 0, chunk.RowsMax)
	w.run(rounds, func() {
		id, owner = id[:0], owner[:0]
		w.changed(func(a *auctionBids) {
			id, owner = append(id, a.auction.c.Cols[auctionSeller].Ints[a.auction.i]), append(owner, &auctionBids{auction: a.auction, best: a.best, shown: a.shown})
		})
		for k, s := range t.upsert(len(id), id) {
			for int(s) >= len(sellers) {
				sellers = append(sellers, salesOf{})
			}
			x, a := &sellers[s], owner[k]
			if !x.dirty {
				x.seller, x.dirty, x.shown = id[k], true, append(x.shown[:0], x.now...)
				dirty = append(dirty, s)
			}
			sold := func(b row) sale {
				price, time, _ := bidInts(b)
				return sale{time, a.auction.c.Cols[auctionID].Ints[a.auction.i], price}
			}
			if a.shown.c != nil {
				at, _ := slices.BinarySearchFunc(x.now, sold(a.shown), compareSales)
				x.now = slices.Delete(x.now, at, at+1)
			}
			at, _ := slices.BinarySearchFunc(x.now, sold(a.best), compareSales)
			x.now = slices.Insert(x.now, at, sold(a.best))
		}
		for _, s := range dirty {
			x := &sellers[s]
			x.dirty = false
			lo, end := 0, 0
			for lo < min(len(x.now), len(x.shown)) && x.now[lo] == x.shown[lo] {
				lo++
			}
			for end < min(len(x.now), len(x.shown))-lo && x.now[len(x.now)-1-end] == x.shown[len(x.shown)-1-end] {
				end++
			}
			end = max(end-before, 0) // the frames of those behind a change hold it
			emit(x.seller, x.shown, lo, len(x.shown)-end, -1)
			emit(x.seller, x.now, lo, len(x.now)-end, 1)
		}
		dirty = dirty[:0]
		o.flush(out)
	})
}
