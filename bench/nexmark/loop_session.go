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
