package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// An ASOF join whose sides take nothing back below their watermarks trims what cannot
// matter any more. m is the lesser of both watermarks.
//
//	>=, >   left rows below m have their partner for good; of the right rows below m the
//	        latest may become a partner, the others not
//	<=, <   left rows that have a partner below m have it for good; right rows below m are
//	        partners of nobody else
//
// Keys are listed by the times of their rows, in steps of about a second, so that a rising
// watermark finds the keys that have something to trim.

// registerTimes notes that keys have rows at these times.
func (j *asofJoin) registerTimes(times *chunk.Column, keys []int32) {
	step := chunk.NewColumn(types.Int8, len(keys))
	step.Ints = step.Ints[:0]
	for _, t := range times.Ints[:len(keys)] {
		step.Ints = append(step.Ints, t>>untilShift)
	}
	j.close.register(step, keys)
}

// registerRows notes the rows of a side after state has been loaded.
func (j *asofJoin) registerRows(s *asofSide) {
	slots := s.rows.LiveSlots(nil)
	times := chunk.NewColumn(s.types[s.time], len(slots))
	s.rows.AppendKey(times, s.time, slots)
	keys := make([]int32, len(slots))
	for i, x := range slots {
		keys[i] = s.keyOf(x)
	}
	j.registerTimes(times, keys)
}

// trim drops what the watermarks have passed.
func (j *asofJoin) trim(fc *FlushContext) {
	m := min(fc.watermark(0, j.spec.LeftTime), fc.watermark(1, j.spec.RightTime))
	if m == NoWatermark {
		return
	}
	for _, k := range j.close.due(m >> untilShift) {
		if !j.keys.Live(k) {
			continue
		}
		if j.spec.Op.Backward() {
			j.trimBackward(k, m)
		} else {
			j.trimForward(k, m)
		}
		j.emptied = append(j.emptied, k)
	}
	// All at once: a key has few of them.
	for i := range j.side {
		j.side[i].deleteGone()
	}
}

func (j *asofJoin) trimBackward(k int32, m int64) {
	l, r := &j.side[0], &j.side[1]
	_, _, n := j.from(l, k, m)
	j.cut(l, k, 0, n)
	leaf, at, end := j.from(r, k, m)
	last := j.slotBefore(&r.seq[k], leaf, at)
	if last < 0 {
		return
	}
	_, _, first := j.from(r, k, r.timeOf(last))
	j.cut(r, k, first+1, end)
	j.cut(r, k, 0, first)
}

func (j *asofJoin) trimForward(k int32, m int64) {
	l, r := &j.side[0], &j.side[1]
	leaf, at, end := j.from(r, k, m)
	last := j.slotBefore(&r.seq[k], leaf, at)
	if last < 0 {
		return
	}
	var n int32
	if j.spec.Op == physical.AsofLE {
		_, _, n = j.after(l, k, r.timeOf(last))
	} else {
		_, _, n = j.from(l, k, r.timeOf(last))
	}
	j.cut(l, k, 0, n)
	j.cut(r, k, 0, end)
}

// cut drops the rows at positions [lo, hi) of a side under key k.
func (j *asofJoin) cut(s *asofSide, k, lo, hi int32) {
	if lo >= hi {
		return
	}
	seq := &s.seq[k]
	s.gone = j.seqs.appendRange(seq, lo, hi, s.gone)
	if n := seq.n; lo == 0 && hi == n {
		j.seqs.clear(seq)
	} else {
		j.rest = j.seqs.appendRange(seq, 0, lo, j.rest[:0])
		j.rest = j.seqs.appendRange(seq, hi, n, j.rest)
		j.seqs.build(seq, j.rest)
	}
}
