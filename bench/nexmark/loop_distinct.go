package nexmark

import (
	gen "streamdb/connector/nexmark"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// Positions of a report: bids, bidders and auctions, each in all and in three ranges of
// price; then, of q16, the minute.
const (
	reportBids, reportBidders, reportAuctions = 0, 4, 8
	reportMinute, reportWidth                 = 12, 13
)

// report counts bids, and distinct bidders and auctions, per group. A set of bidders is a
// hash table of group and bidder whose payload tells the ranges they are in.
type report struct {
	groups            *chunk.KeyTable
	bidders, auctions *table
	dirty             []int32
	undo              []uint64
	rank              []uint8
	group             []int64
}

func newReport(keys chunk.Schema) *report {
	return &report{groups: chunk.NewKeyTable(keys, reportWidth), bidders: newTable(2, 1), auctions: newTable(2, 1),
		rank: make([]uint8, chunk.RowsMax), group: make([]int64, chunk.RowsMax)}
}

// add counts a chunk's bids in the groups of the given slots.
func (r *report) add(c *chunk.Chunk, slots []int32) {
	at := r.groups.PayloadOffset()
	time := c.Cols[bidTime].Ints
	for i, p := range c.Cols[bidPrice].Ints {
		s := slots[i]
		r.group[i] = int64(s)
		rank := uint8(1)
		switch {
		case p >= 1_000_000:
			rank = 3
		case p >= 10_000:
			rank = 2
		}
		r.rank[i] = rank
		g := r.groups.Row(s)
		if g[0]>>32 == 0 {
			g[0] |= 1 << 32
			r.dirty, r.undo = append(r.dirty, s), append(r.undo, g[at:]...)
		}
		g[at+reportBids]++
		g[at+reportBids+int(rank)]++
		m := uint64(time[i] / (60 * second) % (24 * 60))
		g[at+reportMinute] = max(g[at+reportMinute], m)
	}
	r.distinct(r.bidders, c.Cols[bidBidder].Ints, slots, at+reportBidders)
	r.distinct(r.auctions, c.Cols[bidAuction].Ints, slots, at+reportAuctions)
}

// distinct counts values that are new to their group, or to a range of it.
func (r *report) distinct(set *table, v []int64, slots []int32, at int) {
	seenAt := set.PayloadOffset()
	for i, s := range set.upsert(len(v), r.group[:len(v)], v) {
		seen, bits := set.Word(s, seenAt), uint64(1|1<<r.rank[i])
		fresh := bits &^ *seen
		if fresh == 0 {
			continue
		}
		*seen |= bits
		g := r.groups.Row(slots[i])
		g[at] += fresh & 1
		if fresh>>r.rank[i]&1 != 0 {
			g[at+int(r.rank[i])]++
		}
	}
}

// changed calls f with every changed group as it was, if it was, and as it is.
func (r *report) changed(f func(s int32, w []uint64, weight int64)) {
	at := r.groups.PayloadOffset()
	for k, s := range r.dirty {
		g := r.groups.Row(s)
		g[0] &= 1<<32 - 1
		if was := r.undo[k*reportWidth : (k+1)*reportWidth]; was[reportBids] > 0 {
			f(s, was, -1)
		}
		f(s, g[at:], 1)
	}
	r.dirty, r.undo = r.dirty[:0], r.undo[:0]
}

// days returns the day of each time.
func days(dst, times []int64) []int64 {
	dst = dst[:0]
	for _, t := range times {
		dst = append(dst, t/(24*3600*second))
	}
	return dst
}

func loopQ15(rounds []round, out *sum) {
	r := newReport(chunk.Schema{types.Int8})
	t := &table{KeyTable: r.groups, hash: make([]uint64, chunk.RowsMax), slots: make([]int32, chunk.RowsMax)}
	o := newOutput(types.Text, types.Int8, types.Int8, types.Int8, types.Int8, types.Int8, types.Int8, types.Int8, types.Int8, types.Int8, types.Int8, types.Int8, types.Int8)
	var day []int64
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		day = days(day, c.Cols[bidTime].Ints)
		r.add(c, t.upsert(c.Rows, day))
		r.changed(func(s int32, w []uint64, weight int64) {
			o.c.Cols[0].AppendBytes(types.AppendText(nil, types.Date, types.Datum{I: int64(*t.Word(s, 1))}, nil))
			for k := range reportMinute {
				o.int(1+k, int64(w[k]))
			}
			o.weigh(weight)
		})
		o.flush(out)
	})
}

func loopQ16(rounds []round, out *sum) {
	r := newReport(chunk.Schema{types.Text, types.Int8})
	ints := types.Int8
	o := newOutput(types.Text, types.Text, types.Text, ints, ints, ints, ints, ints, ints, ints, ints, ints, ints, ints, ints)
	var day []int64
	hash, slots := make([]uint64, chunk.RowsMax), make([]int32, chunk.RowsMax)
	one := make([]int32, 1)
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		day = days(day, c.Cols[bidTime].Ints)
		keys := []*chunk.Column{c.Cols[bidChannel], columns(day)[0]}
		chunk.HashRows(keys, c.Rows, hash[:c.Rows])
		r.groups.Upsert(keys, hash[:c.Rows], slots[:c.Rows])
		r.add(c, slots[:c.Rows])
		dayColumn := chunk.NewColumn(types.Int8, 1)
		r.changed(func(s int32, w []uint64, weight int64) {
			one[0] = s
			r.groups.AppendKey(o.c.Cols[0], 0, one)
			dayColumn.Ints = dayColumn.Ints[:0]
			r.groups.AppendKey(dayColumn, 1, one)
			o.c.Cols[1].AppendBytes(types.AppendText(nil, types.Date, types.Datum{I: dayColumn.Ints[0]}, nil))
			h, m := byte(w[reportMinute]/60), byte(w[reportMinute]%60)
			o.c.Cols[2].AppendBytes([]byte{'0' + h/10, '0' + h%10, ':', '0' + m/10, '0' + m%10})
			for k := range reportMinute {
				o.int(3+k, int64(w[k]))
			}
			o.weigh(weight)
		})
		o.flush(out)
	})
}
