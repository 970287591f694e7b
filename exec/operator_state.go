package exec

import (
	"encoding/binary"
	"slices"

	"streamdb/sql/chunk"
)

// The parts of the operators' states, save for the aggregation's.

func (j *join) keeps() []statePart {
	return []statePart{tablePart{KeyTable: j.index}, j.side[0].keeps(), j.side[1].keeps(), j.nulls.keeps(), j.side[0].keepsHeavy(), j.side[1].keepsHeavy()}
}

func (s *joinSide) keeps() statePart { return tablePart{s.rows, s.find != findIndex} }

func (n *nullAnti) keeps() statePart {
	return &blobPart{
		append: func(dst []byte) []byte { return binary.AppendVarint(binary.AppendVarint(dst, n.rows), n.nulls) },
		load: func(b []byte) error {
			r := stateReader{b: b}
			if n.rows, n.nulls = r.varint(), r.varint(); r.bad {
				return corrupt("counts of NOT IN")
			}
			return nil
		},
	}
}

// restored checks the chains and notes the windows of all keys.
func (j *join) restored() error {
	for _, s := range j.side {
		if err := s.restored(j); err != nil {
			return err
		}
	}
	if j.close != nil {
		j.close.registerAll(j.index, j.spec.LeftWindow)
	}
	for _, s := range j.side {
		if s.until != nil {
			s.registerKept()
		}
	}
	j.restoredLead()
	return nil
}

func (s *setOp) keeps() []statePart { return []statePart{tablePart{KeyTable: s.table}} }
func (s *setOp) restored() error    { return nil }

func (e *emit) keeps() []statePart { return []statePart{tablePart{KeyTable: e.table}} }

func (e *emit) restored() error {
	e.close.registerAll(e.table, e.spec.WindowEnd)
	return nil
}

func (v *values) keeps() []statePart { return nil }

// restored: the rows have been emitted in an earlier life.
func (v *values) restored() error {
	v.done = true
	return nil
}

func (t *topN) keeps() []statePart {
	return []statePart{tablePart{KeyTable: t.parts}, tablePart{KeyTable: t.rows}}
}

// restored sorts the partitions and finds out what they have emitted.
func (t *topN) restored() error {
	at := t.rows.PayloadOffset()
	lists := make([][]int32, t.parts.Slots())
	for _, r := range t.rows.LiveSlots(nil) {
		p := int64(*t.rows.Word(r, at+topPart)) - 1
		if p < 0 || p >= int64(len(lists)) || !t.parts.Live(int32(p)) {
			return corrupt("row %d of partition %d, which is not there", r, p)
		}
		lists[p] = append(lists[p], r)
	}
	t.groups = make([]topGroup, len(lists))
	for slots := range slices.Chunk(t.rows.LiveSlots(nil), chunk.RowsMax) {
		t.noteHashes(slots, hashSlots(t.rows, slots))
	}
	for p, l := range lists {
		slices.SortFunc(l, t.order)
		g := &t.groups[p]
		t.seqs.build(&g.rows, l)
		t.now = t.window(g, t.now[:0])
		t.emits(g, t.now)
	}
	if t.close != nil {
		t.close.registerAll(t.parts, t.spec.WindowEnd-1)
	}
	return nil
}

var (
	_ keeper    = (*agg)(nil)
	_ keeper    = (*join)(nil)
	_ keeper    = (*topN)(nil)
	_ statePart = (*blobPart)(nil)
	_ statePart = (*groupPart)(nil)
	_ statePart = tablePart{}
	_ statePart = arenaPart{(*chunk.Arena)(nil)}
)
