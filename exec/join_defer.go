package exec

import "streamdb/sql/chunk"

// A row of an append-only side that is dropped when a watermark has passed it need not be
// stored at all if that happens at the end of the epoch in which it comes: its chunk waits,
// and is only stored when rows of the other side come, which have to meet it, or at the
// end of the epoch if the watermark has not passed it. Of a stream that is joined with
// what came before it, hardly a row is ever stored.

// deferredMax is the rows that wait at most.
const deferredMax = 1 << 17

// defers reports whether rows of side s wait.
func (j *join) defers(s *joinSide) bool {
	return s.until != nil && !s.until.own && s.find == findNever && !s.preserved && j.pairs && !j.counted() && j.close == nil
}

// pushDeferred joins c with the other side and lets it wait.
func (j *join) pushDeferred(s *joinSide, c *chunk.Chunk, out *Output) {
	keys, hash, slots := j.keysOf(s, c)
	j.index.Find(keys, hash, slots)
	j.match(s, c, slots, out)
	if s.waitingRows += c.Rows; s.waitingRows > deferredMax {
		j.storeWaiting(s)
		s.waitingRows = c.Rows
	}
	s.waiting = append(s.waiting, c.Clone())
}

// storeWaiting stores the rows that wait.
func (j *join) storeWaiting(s *joinSide) {
	for i, c := range s.waiting {
		j.store(s, c)
		s.waiting[i] = nil
	}
	s.waiting, s.waitingRows = s.waiting[:0], 0
}

// store adds the rows of c to their side; they have met the other one.
func (j *join) store(s *joinSide, c *chunk.Chunk) {
	keys, hash, slots := j.keysOf(s, c)
	j.index.Upsert(keys, hash, slots)
	j.insert(s, c, slots)
}

// endWaiting ends the epoch for the rows that wait: those stay that may still meet somebody.
func (j *join) endWaiting(s *joinSide, fc *FlushContext) {
	wm := s.until.mark(fc, s.port)
	for i, c := range s.waiting {
		s.waiting[i] = nil
		stay := make([]int32, 0, c.Rows)
		times := c.Cols[s.until.spec.Col]
		for r := range int32(c.Rows) {
			if wm == NoWatermark || !times.IsNull(int(r)) && s.until.until(times.Ints[r]) >= wm {
				stay = append(stay, r)
			}
		}
		switch len(stay) {
		case 0:
		case c.Rows:
			j.store(s, c)
		default:
			j.store(s, c.Gather(stay))
		}
	}
	s.waiting, s.waitingRows = s.waiting[:0], 0
}
