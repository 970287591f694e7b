package nexmark

import (
	gen "streamdb/connector/nexmark"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// session is a session of a bidder, and what has been put out of it.
type session struct {
	bidder, start, last, bids int64
	shownLast, shownBids      int64
	dirty                     bool
}

// loopQ11 counts bids per session: a bidder's last one grows, or another begins.
func loopQ11(rounds []round, out *sum) {
	const gap = 10 * second
	t := newTable(1, 1) // bidder; number of the last session, counted from 1
	at := t.PayloadOffset()
	var sessions []session
	var dirty []int32
	o := newOutput(types.Int8, types.Int8, types.Timestamp, types.Timestamp)
	emit := func(s *session, last, bids, weight int64) {
		o.int(0, s.bidder)
		o.int(1, bids)
		o.int(2, s.start)
		o.int(3, last+gap)
		o.weigh(weight)
	}
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		time, bidder := c.Cols[bidTime].Ints, c.Cols[bidBidder].Ints
		for i, slot := range t.upsert(c.Rows, bidder) {
			w := t.Word(slot, at)
			if *w == 0 || time[i]-sessions[*w-1].last >= gap {
				sessions = append(sessions, session{bidder: bidder[i], start: time[i]})
				*w = uint64(len(sessions))
			}
			s := &sessions[*w-1]
			s.last, s.bids = time[i], s.bids+1
			if !s.dirty {
				s.dirty = true
				dirty = append(dirty, int32(*w-1))
			}
		}
		for _, k := range dirty {
			s := &sessions[k]
			s.dirty = false
			if s.shownBids > 0 {
				emit(s, s.shownLast, s.shownBids, -1)
			}
			emit(s, s.last, s.bids, 1)
			s.shownLast, s.shownBids = s.last, s.bids
		}
		dirty = dirty[:0]
		o.flush(out)
	})
}

// loopQ12 counts bids per bidder and 10 s of the log's clock, which stands still within a
// round.
func loopQ12(rounds []round, out *sum) {
	const size = 10 * second
	t := newTable(2, 1)
	at := t.PayloadOffset()
	var dirty []int32
	var undo []uint64
	o := newOutput(types.Int8, types.Int8, types.TimestampTZ, types.TimestampTZ)
	emit := func(r []uint64, bids uint64, weight int64) {
		o.int(0, int64(r[1]))
		o.int(1, int64(bids))
		o.int(2, int64(r[2]))
		o.int(3, int64(r[2])+size)
		o.weigh(weight)
	}
	start := make([]int64, chunk.RowsMax)
	for _, rd := range rounds {
		window := windowStart(rd.clock(), size)
		for _, c := range rd[gen.Bid] {
			for i := range c.Rows {
				start[i] = window
			}
			for _, s := range t.upsert(c.Rows, c.Cols[bidBidder].Ints, start[:c.Rows]) {
				r := t.Row(s)
				if r[0]>>32 == 0 {
					r[0] |= 1 << 32
					dirty, undo = append(dirty, s), append(undo, r[at])
				}
				r[at]++
			}
			for k, s := range dirty {
				r := t.Row(s)
				r[0] &= 1<<32 - 1
				if undo[k] > 0 {
					emit(r, undo[k], -1)
				}
				emit(r, r[at], 1)
			}
			dirty, undo = dirty[:0], undo[:0]
			o.flush(out)
		}
	}
}
