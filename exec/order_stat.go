package exec

import (
	"slices"

	"streamdb/sql/chunk"
)

// statValues is the distinct values of groups in order, with how often each occurs: a row table (group, value) by identity
// with the counts, and a sequence of its slots per group. Leaves of long sequences are weighed by the occurrences of their
// values: the value of a rank is found by walking over the leaves' weights and one leaf.
type statValues struct {
	table   *chunk.KeyTable
	order   func(a, b []uint64) int
	compare func(a, b int32) int // of slots
	rows    sideRows             // per group: a statGroup
	seqs    seqArena

	// What an epoch has changed is put in place when its group is settled: chains through these lists, from the group on.
	fresh   []freshValue // slots that are in no sequence yet
	moved   []countMove  // changed counts of those that are
	waiting int          // of both, in groups that are not settled

	// scratch of settle
	news   []int32
	all    []int32
	counts []int64
	gone   []int32 // slots that have left their groups
}

// Payload of a statValues' table.
const (
	statCount  = 0
	statListed = 1
	statWords  = 2
)

// freshValue is a value that is new to its group; next is the place of the group's next one, from 1.
type freshValue struct{ slot, next int32 }

// countMove is a change of a value's count.
type countMove struct {
	slot, next int32
	weight     int64
}

// statGroup is what a row of statValues holds.
type statGroup struct {
	seq          rowSeq
	total        int64 // occurrences of all values
	fresh, moved int32 // the first of the group's changes, from 1
}

const statGroupWords = 5

func unpackStat(row []uint64) statGroup {
	return statGroup{
		seq:   rowSeq{block: row[0], n: int32(row[1]), leaves: int32(row[1] >> 32), class: uint8(row[4])},
		total: int64(row[2]), fresh: int32(row[3]), moved: int32(row[3] >> 32),
	}
}

func (g *statGroup) pack(row []uint64) {
	row[0], row[1] = g.seq.block, uint64(uint32(g.seq.n))|uint64(uint32(g.seq.leaves))<<32
	row[2], row[3], row[4] = uint64(g.total), uint64(uint32(g.fresh))|uint64(uint32(g.moved))<<32, uint64(g.seq.class)
}

func (v *statValues) count(s int32) int64 {
	return int64(*v.table.Word(s, v.table.PayloadOffset()+statCount))
}

// addFresh notes that slot s is new to group g, addMoved that its count has changed.
func (v *statValues) addFresh(g, s int32) {
	row := v.rows.row(g)
	v.fresh = append(v.fresh, freshValue{s, int32(row[3])})
	row[3] = row[3]&^(1<<32-1) | uint64(len(v.fresh))
	v.waiting++
}

func (v *statValues) addMoved(g, s int32, w int64) {
	row := v.rows.row(g)
	v.moved = append(v.moved, countMove{s, int32(row[3] >> 32), w})
	row[3] = row[3]&(1<<32-1) | uint64(len(v.moved))<<32
	v.waiting++
}

// settle puts what has changed in group g in place and returns it. The slots whose count is zero, which are in no sequence
// any more, are added to gone.
func (v *statValues) settle(g int32) statGroup {
	row := v.rows.row(g)
	o := unpackStat(row)
	if o.fresh == 0 && o.moved == 0 {
		return o
	}
	listed := v.table.PayloadOffset() + statListed
	v.news = v.news[:0]
	for i := o.fresh; i > 0; i = v.fresh[i-1].next {
		s := v.fresh[i-1].slot
		*v.table.Word(s, listed) = listedPlaced
		v.news = append(v.news, s)
	}
	moves := 0
	for i := o.moved; i > 0; i = v.moved[i-1].next {
		moves++
	}
	if len(v.news) > 1 {
		slices.SortFunc(v.news, v.compare)
	}
	if 8*(len(v.news)+moves) > int(o.seq.n) {
		v.rebuild(&o)
	} else {
		v.patch(&o)
	}
	o.fresh, o.moved = 0, 0
	o.pack(row)
	if v.waiting -= len(v.news) + moves; v.waiting == 0 {
		v.rest()
	}
	return o
}

// rest empties the lists of changes. Room that a burst has needed is let go once an epoch needs little of it.
func (v *statValues) rest() {
	if n := cap(v.fresh) + cap(v.moved); n > scratchKept && len(v.fresh)+len(v.moved) < n/16 {
		v.fresh, v.moved = nil, nil
		return
	}
	v.fresh, v.moved = v.fresh[:0], v.moved[:0]
}

// rebuild merges the news, which are sorted, into the sequence and makes it anew.
func (v *statValues) rebuild(o *statGroup) {
	v.all = v.seqs.appendRange(&o.seq, 0, o.seq.n, v.all[:0])
	old, news, n := len(v.all), v.news, 0
	if len(news) > 0 {
		for _, s := range v.all[:old] {
			for len(news) > 0 && v.compare(news[0], s) < 0 {
				v.all, news = append(v.all, news[0]), news[1:]
			}
			v.all = append(v.all, s)
		}
		v.all = append(v.all, news...)
	} else {
		old = 0
	}
	all := v.all[old:]
	v.counts, o.total = v.counts[:0], 0
	for _, s := range all {
		c := v.count(s)
		if c == 0 {
			v.gone = append(v.gone, s)
			continue
		}
		all[n] = s
		n++
		v.counts = append(v.counts, c)
		o.total += c
	}
	v.seqs.build(&o.seq, all[:n])
	at := 0
	for i := range int(o.seq.leaves) {
		w := int64(0)
		for range v.seqs.leaf(&o.seq, i) {
			w += v.counts[at]
			at++
		}
		v.seqs.setLeafWeight(&o.seq, i, w)
	}
	v.all, v.counts = emptied(v.all), emptied(v.counts)
}

// patch changes single slots.
func (v *statValues) patch(o *statGroup) {
	for i := o.moved; i > 0; i = v.moved[i-1].next {
		m := &v.moved[i-1]
		if o.seq.leaves > 0 {
			leaf, _ := v.place(o, m.slot)
			v.weigh(o, leaf, m.weight)
		}
		o.total += m.weight
	}
	for _, s := range v.news {
		c := v.count(s)
		if c == 0 {
			v.gone = append(v.gone, s)
			continue
		}
		leaf, at := v.seqs.place(&o.seq, v.compare, s)
		leaves := o.seq.leaves
		v.seqs.insert(&o.seq, leaf, at, s)
		if leaves > 0 && leaves == o.seq.leaves {
			v.weigh(o, leaf, c)
		}
		o.total += c
	}
	for i := o.moved; i > 0; i = v.moved[i-1].next {
		s := v.moved[i-1].slot
		if v.count(s) != 0 {
			continue
		}
		leaf, at := v.place(o, s)
		// It may be out already.
		if l := v.seqs.leaf(&o.seq, leaf); at < len(l) && l[at] == s {
			v.seqs.remove(&o.seq, leaf, at)
			v.gone = append(v.gone, s)
		}
	}
}

// place returns the leaf and the index there of slot s, if it is in the sequence.
func (v *statValues) place(o *statGroup, s int32) (leaf, at int) {
	leaf, at = v.seqs.place(&o.seq, v.compare, s)
	if leaf+1 < o.seq.leafCount() && at == len(v.seqs.leaf(&o.seq, leaf)) {
		return leaf + 1, 0 // the first of a leaf stands behind the last of the one before
	}
	return leaf, at
}

// weigh changes the weight of a leaf, if it is known.
func (v *statValues) weigh(o *statGroup, leaf int, by int64) {
	if w := v.seqs.leafWeight(&o.seq, leaf); w != leafUnweighed {
		v.seqs.setLeafWeight(&o.seq, leaf, w+by)
	}
}

// rank returns the slot of the value at position k, from 0, in ascending order.
func (v *statValues) rank(o *statGroup, k int64) int32 {
	for i := range o.seq.leafCount() {
		l := v.seqs.leaf(&o.seq, i)
		if o.seq.leaves > 0 {
			w := v.seqs.leafWeight(&o.seq, i)
			if w == leafUnweighed {
				w = 0
				for _, s := range l {
					w += v.count(s)
				}
				v.seqs.setLeafWeight(&o.seq, i, w)
			}
			if k >= w {
				k -= w
				continue
			}
		}
		for _, s := range l {
			if k -= v.count(s); k < 0 {
				return s
			}
		}
	}
	panic("exec: no value has this rank")
}

// drop forgets groups.
func (v *statValues) drop(groups []int32) {
	for _, g := range groups {
		if int(g) >= v.rows.slots() {
			continue
		}
		o := v.settle(g)
		v.gone = v.seqs.appendRange(&o.seq, 0, o.seq.n, v.gone)
		v.seqs.clear(&o.seq)
		o.total = 0
		o.pack(v.rows.row(g))
	}
}

// forget deletes the values that have left their groups.
func (v *statValues) forget() {
	deleteSlots(v.table, v.gone)
	v.gone = emptied(v.gone)
}

func (v *statValues) bytes() int64 {
	return v.table.Bytes() + v.rows.bytes() + v.seqs.total + int64(cap(v.fresh))*8 + int64(cap(v.moved))*16 +
		int64(cap(v.news)+cap(v.all)+cap(v.gone))*4 + int64(cap(v.counts))*8
}

func (v *statValues) useMemory(m chunk.Memory) {
	v.rows.useMemory(m)
	v.seqs.useMemory(m)
}
