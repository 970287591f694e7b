package nexmark

import (
	gen "streamdb/connector/nexmark"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// chain is a list of values per slot of a table: heads by slot, entries linked.
type chain[T any] struct {
	heads   []int32
	entries []link[T]
}

type link[T any] struct {
	v    T
	next int32
}

func (c *chain[T]) add(slot int32, v T) {
	for int(slot) >= len(c.heads) {
		c.heads = append(c.heads, -1)
	}
	c.entries = append(c.entries, link[T]{v, c.heads[slot]})
	c.heads[slot] = int32(len(c.entries) - 1)
}

func (c *chain[T]) each(slot int32, f func(v T)) {
	if int(slot) >= len(c.heads) {
		return
	}
	for i := c.heads[slot]; i >= 0; i = c.entries[i].next {
		f(c.entries[i].v)
	}
}

// loopQ3 joins auctions of category 10 with persons of three states: one table of
// sellers with a chain of auctions and a chain of persons each.
func loopQ3(rounds []round, out *sum) {
	t := newTable(1, 0)
	var persons chain[row]
	var auctions chain[int64]
	o := newOutput(types.Text, types.Text, types.Text, types.Int8)
	pair := func(p row, auction int64) {
		for k, col := range []int{personName, personCity, personState} {
			o.c.Cols[k].AppendBytes(p.c.Cols[col].StringAt(int(p.i)))
		}
		o.int(3, auction)
		o.weigh(1)
	}
	var idx []int32
	var keys []int64
	for _, r := range rounds {
		for _, c := range r[gen.Person] {
			idx, keys = idx[:0], keys[:0]
			for i := range c.Rows {
				if s := string(c.Cols[personState].StringAt(i)); s == "OR" || s == "ID" || s == "CA" {
					idx, keys = append(idx, int32(i)), append(keys, c.Cols[personID].Ints[i])
				}
			}
			for k, s := range t.upsert(len(keys), keys) {
				p := row{c, idx[k]}
				persons.add(s, p)
				auctions.each(s, func(a int64) { pair(p, a) })
			}
			o.flush(out)
		}
		for _, c := range r[gen.Auction] {
			idx, keys = idx[:0], keys[:0]
			for i, cat := range c.Cols[auctionCategory].Ints {
				if cat == 10 {
					idx, keys = append(idx, int32(i)), append(keys, c.Cols[auctionSeller].Ints[i])
				}
			}
			for k, s := range t.upsert(len(keys), keys) {
				a := c.Cols[auctionID].Ints[idx[k]]
				auctions.add(s, a)
				persons.each(s, func(p row) { pair(p, a) })
			}
			o.flush(out)
		}
	}
}

// loopQ8 meets persons and sellers of the same window.
func loopQ8(rounds []round, out *sum) {
	const seller, person = 0, 1
	t := newTable(2, 2)
	at := t.PayloadOffset()
	var names []row
	o := newOutput(types.Int8, types.Text, types.Timestamp)
	emit := func(s int32) {
		w := t.Row(s)
		p := names[w[at+person]-1]
		o.int(0, int64(w[1]))
		o.c.Cols[1].AppendBytes(p.c.Cols[personName].StringAt(int(p.i)))
		o.int(2, int64(w[2]))
		o.weigh(1)
	}
	start := make([]int64, 0, chunk.RowsMax)
	windows := func(times []int64) []int64 {
		start = start[:0]
		for _, v := range times {
			start = append(start, windowStart(v, 10*second))
		}
		return start
	}
	for _, r := range rounds {
		for _, c := range r[gen.Person] {
			for i, s := range t.upsert(c.Rows, c.Cols[personID].Ints, windows(c.Cols[personTime].Ints)) {
				if w := t.Word(s, at+person); *w == 0 {
					names = append(names, row{c, int32(i)})
					*w = uint64(len(names))
					if *t.Word(s, at+seller) != 0 {
						emit(s)
					}
				}
			}
			o.flush(out)
		}
		for _, c := range r[gen.Auction] {
			for _, s := range t.upsert(c.Rows, c.Cols[auctionSeller].Ints, windows(c.Cols[auctionTime].Ints)) {
				if w := t.Word(s, at+seller); *w == 0 {
					*w = 1
					if *t.Word(s, at+person) != 0 {
						emit(s)
					}
				}
			}
			o.flush(out)
		}
	}
}

// loopQ4 keeps the best valid bid per auction and the sum of the best per category.
// Bids that come before their auction wait in a chain.
func loopQ4(rounds []round, out *sum) {
	const known, begin, end, category, best = 0, 1, 2, 3, 4
	t := newTable(1, 5)
	at := t.PayloadOffset()
	type bid struct{ price, time int64 }
	var early chain[bid]
	cats := newTable(1, 2) // number of auctions with a bid, sum of the best
	cat := cats.PayloadOffset()
	old := make(map[int32][2]int64)
	o := newOutput(types.Int8, types.Numeric)

	offer := func(s int32, price, time int64) {
		w := t.Row(s)[at:]
		if time < int64(w[begin]) || time > int64(w[end]) || price <= int64(w[best]) {
			return
		}
		k := int32(w[category])
		sum := cats.Payload(k)
		if _, dirty := old[k]; !dirty {
			old[k] = [2]int64{int64(sum[0]), int64(sum[1])}
		}
		if w[best] == 0 {
			sum[0]++
		}
		sum[1] += uint64(price) - w[best]
		w[best] = uint64(price)
	}
	flush := func() {
		for k, was := range old {
			now := *cats.Word(k, cat)
			key := int64(*cats.Word(k, 1))
			if was[0] > 0 {
				o.int(0, key)
				o.average(1, was[1], was[0])
				o.weigh(-1)
			}
			o.int(0, key)
			o.average(1, int64(*cats.Word(k, cat+1)), int64(now))
			o.weigh(1)
			delete(old, k)
		}
		o.flush(out)
	}
	for _, r := range rounds {
		for _, c := range r[gen.Auction] {
			slots := cats.upsert(c.Rows, c.Cols[auctionCategory].Ints)
			for i, s := range t.upsert(c.Rows, c.Cols[auctionID].Ints) {
				w := t.Row(s)[at:]
				w[known], w[begin], w[end] = 1, uint64(c.Cols[auctionTime].Ints[i]), uint64(c.Cols[auctionExpires].Ints[i])
				w[category] = uint64(slots[i])
				early.each(s, func(b bid) { offer(s, b.price, b.time) })
			}
			flush()
		}
		for _, c := range r[gen.Bid] {
			price, time := c.Cols[bidPrice].Ints, c.Cols[bidTime].Ints
			for i, s := range t.upsert(c.Rows, c.Cols[bidAuction].Ints) {
				if *t.Word(s, at+known) == 0 {
					early.add(s, bid{price[i], time[i]})
					continue
				}
				offer(s, price[i], time[i])
			}
			flush()
		}
	}
}

// loopQ20 joins bids with the auctions of category 10: one table of auctions with a chain
// of bids that came before theirs, since each auction comes once.
func loopQ20(rounds []round, out *sum) {
	t := newTable(1, 0)
	var auctions []row // by slot
	var early chain[row]
	o := newOutput(append(bidSchema(), types.Text, types.Text, types.Int8, types.Int8, types.Timestamp, types.Timestamp, types.Int8, types.Int8, types.Text)...)
	pair := func(b, a row) {
		for k, col := range b.c.Cols {
			o.copy(k, col, b.i)
		}
		for k, col := range a.c.Cols[1:] {
			o.copy(7+k, col, a.i)
		}
		o.weigh(1)
	}
	var idx []int32
	var keys []int64
	for _, r := range rounds {
		for _, c := range r[gen.Auction] {
			idx, keys = idx[:0], keys[:0]
			for i, cat := range c.Cols[auctionCategory].Ints {
				if cat == 10 {
					idx, keys = append(idx, int32(i)), append(keys, c.Cols[auctionID].Ints[i])
				}
			}
			for k, s := range t.upsert(len(keys), keys) {
				for int(s) >= len(auctions) {
					auctions = append(auctions, row{})
				}
				a := row{c, idx[k]}
				auctions[s] = a
				early.each(s, func(b row) { pair(b, a) })
			}
			o.flush(out)
		}
		for _, c := range r[gen.Bid] {
			for i, s := range t.upsert(c.Rows, c.Cols[bidAuction].Ints) {
				for int(s) >= len(auctions) {
					auctions = append(auctions, row{})
				}
				b := row{c, int32(i)}
				if a := auctions[s]; a.c != nil {
					pair(b, a)
				} else {
					early.add(s, b)
				}
			}
			o.flush(out)
		}
	}
}

// loopQ13 looks the side input up: a table of keys with their rows.
func loopQ13(rounds []round, out *sum) {
	t := newTable(1, 1)
	at := t.PayloadOffset()
	var values []row
	for _, c := range sideChunks() {
		for i, s := range t.upsert(c.Rows, c.Cols[0].Ints) {
			values = append(values, row{c, int32(i)})
			*t.Word(s, at) = uint64(len(values))
		}
	}
	o := newOutput(types.Int8, types.Int8, types.Int8, types.Timestamp, types.Text)
	key := make([]int64, 0, chunk.RowsMax)
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		key = key[:0]
		for _, a := range c.Cols[bidAuction].Ints {
			key = append(key, a%sideRows)
		}
		cols := columns(key)
		chunk.HashRows(cols, c.Rows, t.hash[:c.Rows])
		t.Find(cols, t.hash[:c.Rows], t.slots[:c.Rows])
		for i, s := range t.slots[:c.Rows] {
			if s < 0 {
				continue
			}
			v := values[*t.Word(s, at)-1]
			o.int(0, c.Cols[bidAuction].Ints[i])
			o.int(1, c.Cols[bidBidder].Ints[i])
			o.int(2, c.Cols[bidPrice].Ints[i])
			o.int(3, c.Cols[bidTime].Ints[i])
			o.c.Cols[4].AppendBytes(v.c.Cols[1].StringAt(int(v.i)))
			o.c.Rows++
		}
		o.c.Weights = nil
		o.flush(out)
	})
}
