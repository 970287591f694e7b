package exec

import (
	"encoding/binary"
	"math"
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
)

// How a join's state lies in memory, which is most of what a join costs. Low bits are on
// the right.
//
//	index entry   left head+1, right head+1 │ key … │ place in dirtyKeys+1 │ right weight │ left weight
//	row           next+1, weight, NULLs     │ columns … │ key+1, prev+1 │ place in dirty+1 │ partners
//
// Whatever a join does not need is left out: the heads lie in the header, which marks no
// NULLs, unless keys can be NULL; an entry's last words are there where partners are counted
// by key; the way back from a row is there where rows leave from the middle of a chain; its
// last words are there on a preserved side, partners with a residual only. So an inner join
// with a table by its key takes 8 bytes beside a row, and 8 beside a key.
//
// A weight is 16 bits in the middle of a row's header, or of the first word behind the columns
// if these are so many that their NULLs take the place. One that is out of range is in heavy.

const (
	weightShift = 16
	weightMask  = 0xffff << weightShift
	// weightHeavy says that the weight is in heavy.
	weightHeavy = math.MinInt16
	// nextGone in the place of next+1 says that the row has left its chain.
	nextGone = 1<<32 - 1
	// heavyBytes is about what a weight takes in heavy.
	heavyBytes = 32
)

// Words behind an index entry's dirty place, from keyDirty on.
const (
	keyRight = 1 // the weights of the right rows, added up
	keyLeft  = 2 // of the left rows, if the right ones are preserved
)

// dirtyKey is a key touched in this epoch, with the changes of its sums of weights.
type dirtyKey struct {
	key         int32
	right, left int64
}

// dirtyRow is a row of a preserved side that was touched in this epoch, with the change of
// its weight and of its partners.
type dirtyRow struct {
	row, key        int32
	change, matched int64
}

// makeIndex creates the table of keys.
func (j *join) makeIndex(types chunk.Schema) {
	words := 0
	if j.counted() {
		words = keyRight + 1
		if j.side[1].preserved {
			words = keyLeft + 1
		}
	}
	if j.spec.Type == physical.JoinNullAnti || slices.Contains(j.spec.NullSafe, true) {
		j.index = chunk.NewKeyTable(types, words+1)
		j.heads = j.index.Stride() - 1
		return
	}
	j.index, j.heads = chunk.NewSolidTable(types, words), 0
}

// make creates the row table, when it is known what a row must carry.
func (s *joinSide) make(j *join) {
	at := chunk.NewLayout(s.types, false).Words()
	words := 0
	place := func(there bool) int {
		if !there {
			return -1
		}
		words++
		return at + words - 1
	}
	s.weightAt = 0
	if len(s.types) > weightShift {
		s.weightAt = place(true)
	}
	s.backAt = place(s.linked)
	s.dirtyAt = place(s.preserved)
	s.matchAt = place(s.preserved && j.residual != nil)
	s.rows = chunk.NewRowTable(s.types, words)
}

// hasWeight reports whether row r's weight is not zero.
func (s *joinSide) hasWeight(r int32) bool { return *s.rows.Word(r, s.weightAt)&weightMask != 0 }

// weight returns row r's weight.
func (s *joinSide) weight(r int32) int64 {
	if w := int16(*s.rows.Word(r, s.weightAt) >> weightShift); w != weightHeavy {
		return int64(w)
	}
	return s.heavy[r]
}

// addWeights adds the weights of c's rows to those of rows.
func (s *joinSide) addWeights(rows []int32, c *chunk.Chunk) {
	if s.find == findNever && c.Weights == nil {
		// They are new, and so need not be touched.
		for _, r := range rows {
			*s.rows.Word(r, s.weightAt) |= 1 << weightShift
		}
		return
	}
	for i, r := range rows {
		w, d := s.rows.Word(r, s.weightAt), c.Weight(i)
		s.rows.Touch(r)
		old := int16(*w >> weightShift)
		n := int64(old) + d
		if old == weightHeavy || n <= math.MinInt16 || n > math.MaxInt16 || d != int64(int32(d)) {
			n = s.addHeavy(r, d)
		}
		*w = *w&^weightMask | uint64(uint16(n))<<weightShift
	}
}

// addHeavy adds d to row r's weight, which is in heavy or may go there, and returns what the
// row's own place is to hold.
func (s *joinSide) addHeavy(r int32, d int64) int64 {
	n := s.weight(r) + d
	delete(s.heavy, r)
	if n > math.MinInt16 && n <= math.MaxInt16 {
		return n
	}
	if s.heavy == nil {
		s.heavy = make(map[int32]int64)
	}
	s.heavy[r] = n
	return weightHeavy
}

// mark returns row r, which is of key k, in the list of rows touched in this epoch.
func (s *joinSide) mark(r, k int32) *dirtyRow {
	w := s.rows.Word(r, s.dirtyAt)
	if *w == 0 {
		s.dirty = append(s.dirty, dirtyRow{row: r, key: k})
		*w = uint64(len(s.dirty))
	}
	return &s.dirty[*w-1]
}

// changeOf returns the change of row r's weight in this epoch.
func (s *joinSide) changeOf(r int32) int64 {
	if at := *s.rows.Word(r, s.dirtyAt); at > 0 {
		return s.dirty[at-1].change
	}
	return 0
}

// countWords returns the words of key k's entry that are there where partners are counted.
func (j *join) countWords(k int32) []uint64 { return j.index.Payload(k) }

// markKey returns key k in the list of keys touched in this epoch.
func (j *join) markKey(k int32) *dirtyKey {
	w := &j.countWords(k)[0]
	if *w == 0 {
		j.dirtyKeys = append(j.dirtyKeys, dirtyKey{key: k})
		*w = uint64(len(j.dirtyKeys))
	}
	return &j.dirtyKeys[*w-1]
}

// head returns the first row of side port under key k, -1 for none.
func (j *join) head(port int, k int32) int32 {
	w := *j.index.Word(k, j.heads)
	if port == 0 {
		return int32(w>>32) - 1
	}
	return int32(uint32(w)) - 1
}

func (j *join) setHead(port int, k, r int32) {
	w := j.index.Word(k, j.heads)
	if port == 0 {
		*w = *w&(1<<32-1) | uint64(uint32(r+1))<<32
	} else {
		*w = *w&^(1<<32-1) | uint64(uint32(r+1))
	}
	j.index.Touch(k)
}

// next returns the row behind r in its chain, -1 at the end.
func (s *joinSide) next(r int32) int32 { return int32(*s.rows.Word(r, 0)>>32) - 1 }

func (s *joinSide) setNext(r int32, next uint32) {
	w := s.rows.Word(r, 0)
	*w = *w&(1<<32-1) | uint64(next)<<32
	s.rows.Touch(r)
}

// detached reports whether row r has left its chain.
func (s *joinSide) detached(r int32) bool { return *s.rows.Word(r, 0)>>32 == nextGone }

// link puts row r, which is new, at the head of key k's chain.
func (j *join) link(s *joinSide, k, r int32) {
	h := j.head(s.port, k)
	*s.rows.Word(r, 0) |= uint64(uint32(h+1)) << 32
	if s.linked {
		*s.rows.Word(r, s.backAt) = uint64(uint32(k+1)) << 32
		if h >= 0 {
			s.setPrev(h, r)
		}
	}
	j.setHead(s.port, k, r)
}

func (s *joinSide) setPrev(r, prev int32) {
	w := s.rows.Word(r, s.backAt)
	*w = *w&^(1<<32-1) | uint64(uint32(prev+1))
	s.rows.Touch(r)
}

// keyOf returns the key of row r, whose chain leads both ways.
func (s *joinSide) keyOf(r int32) int32 { return int32(*s.rows.Word(r, s.backAt)>>32) - 1 }

// unlink takes row r out of key k's chain. Where chains lead one way only, rows leave from
// their heads, or the chains are short.
func (j *join) unlink(s *joinSide, k, r int32) {
	next, prev := s.next(r), int32(-1)
	if s.linked {
		prev = int32(uint32(*s.rows.Word(r, s.backAt))) - 1
		if next >= 0 {
			s.setPrev(next, prev)
		}
	} else if h := j.head(s.port, k); h != r {
		for prev = h; s.next(prev) != r; {
			prev = s.next(prev)
		}
	}
	if prev >= 0 {
		s.setNext(prev, uint32(next+1))
	} else {
		j.setHead(s.port, k, next)
	}
}

// detach takes row r out of key k's chain and notes it among the rows that go away.
func (j *join) detach(s *joinSide, k, r int32) {
	j.unlink(s, k, r)
	s.setNext(r, nextGone)
	if len(s.heavy) > 0 {
		delete(s.heavy, r)
	}
	j.emptied = append(j.emptied, k)
	s.gone = append(s.gone, r)
}

// keepsHeavy is the part of the state that holds the weights without room in their rows:
// slot and weight, rising by slot.
func (s *joinSide) keepsHeavy() statePart {
	return &blobPart{
		append: func(dst []byte) []byte {
			rows := make([]int32, 0, len(s.heavy))
			for r := range s.heavy {
				rows = append(rows, r)
			}
			slices.Sort(rows)
			dst = binary.AppendUvarint(dst, uint64(len(rows)))
			for _, r := range rows {
				dst = binary.AppendVarint(binary.AppendUvarint(dst, uint64(r)), s.heavy[r])
			}
			return dst
		},
		load: func(b []byte) error {
			r := stateReader{b: b}
			n := r.count()
			s.heavy = make(map[int32]int64, n)
			for range n {
				row := r.uvarint()
				if row > math.MaxInt32 {
					return corrupt("a weight of a join's row %d", row)
				}
				s.heavy[int32(row)] = r.varint()
			}
			if r.bad || len(r.b) > 0 {
				return corrupt("weights of a join")
			}
			return nil
		},
	}
}

// restored checks the rows of a side.
func (s *joinSide) restored(j *join) error {
	there := func(r int32) bool { return r == -1 || r >= 0 && int(r) < s.rows.Slots() && s.rows.Live(r) }
	heavy := 0
	for _, r := range s.rows.LiveSlots(nil) {
		ok := there(s.next(r))
		if s.linked {
			k := s.keyOf(r)
			ok = ok && there(int32(uint32(*s.rows.Word(r, s.backAt)))-1) && k >= 0 && int(k) < j.index.Slots() && j.index.Live(k)
		}
		if int16(*s.rows.Word(r, s.weightAt)>>weightShift) == weightHeavy {
			_, has := s.heavy[r]
			ok = ok && has
			heavy++
		}
		if !ok {
			return corrupt("row %d of side %d of a join", r, s.port)
		}
	}
	if heavy != len(s.heavy) {
		return corrupt("weights of side %d of a join", s.port)
	}
	for _, k := range j.index.LiveSlots(nil) {
		if !there(j.head(s.port, k)) {
			return corrupt("key %d of a join", k)
		}
	}
	return nil
}
