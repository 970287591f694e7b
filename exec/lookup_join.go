package exec

import (
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
)

// lookupJoin joins each left row with the right rows of its key as they are at the end of
// the epoch in which the row arrives, see physical.LookupJoin. The right side's rows are
// kept, by key; left rows wait for the end of the epoch. If the left side never takes
// anything back, that is all. Otherwise what each of its rows was given is kept, too:
//
//	given:   left row ─ [head]
//	parts:   right columns ─ [copies] [weight] [next | batch]
//
// A batch is what the copies of a row that came in one epoch were given. A row that goes
// takes back its last batch, or as many copies of it: identical rows that came at
// different times may have been given different things.
type lookupJoin struct {
	spec   *physical.LookupJoin
	schema chunk.Schema
	left   chunk.Schema
	outer  bool
	keys   []int
	right  *join // holds the right side only
	looks  []int // the scans below the right side, as nodes; nil if it may change without them
	wait   []*chunk.Chunk
	remember

	hash          []uint64
	slots         []int32
	probe, build  []int32
	weight, lones []int64
	lone          []int32
}

// remember is what left rows that may go again were given.
type remember struct {
	given *chunk.KeyTable // nil where the left side is append-only
	parts *chunk.KeyTable
	cols  []int // right columns of the output, in the order of parts
	freed []int32
	// per row of the chunk at hand: its slot and batch
	row   []int32
	batch []uint32
}

const (
	partCopies = 0
	partWeight = 1
	partLink   = 2 // next+1 << 32 | batch
)

func newLookupJoin(d *Dataflow, n int) Operator {
	node := &d.plan.Nodes[n]
	s := node.LookupJoin
	l, r := &d.plan.Nodes[node.Inputs[0]], &d.plan.Nodes[node.Inputs[1]]
	j := &lookupJoin{spec: s, schema: node.Schema, left: l.Schema, outer: s.Type == physical.JoinLeft, keys: s.LeftKeys}
	keyTypes := make(chunk.Schema, len(s.RightKeys))
	for i, k := range s.RightKeys {
		keyTypes[i] = r.Schema[k]
	}
	right := newJoinSide(1, r, s.RightKeys, false)
	j.right = &join{spec: &physical.Join{}, pairs: true, side: [2]*joinSide{{}, right}}
	j.right.makeIndex(keyTypes)
	right.make(j.right)
	if !l.AppendOnly {
		var types chunk.Schema
		for _, c := range s.Output {
			if c >= len(l.Schema) {
				j.cols = append(j.cols, c-len(l.Schema))
				types = append(types, r.Schema[c-len(l.Schema)])
			}
		}
		j.given, j.parts = chunk.NewRowTable(l.Schema, 1), chunk.NewRowTable(types, 3)
	}
	if l.AppendOnly {
		j.looks = plainScans(d.plan.Nodes, node.Inputs[1])
	}
	return j
}

// plainScans returns the scans that node n follows from, row by row; nil if it does not:
// if it changes with time, or keeps state.
func plainScans(nodes []physical.Node, n int) []int {
	switch node := &nodes[n]; node.Kind {
	case physical.KindScan:
		return []int{n}
	case physical.KindFilter, physical.KindProject, physical.KindExchange:
		return plainScans(nodes, node.Inputs[0])
	}
	return nil
}

// Push changes the right side at once and lets left rows wait.
func (j *lookupJoin) Push(port int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if port == 0 {
		j.wait = append(j.wait, c.Clone())
		return
	}
	r := j.right
	s := r.side[1]
	if c = withoutNulls(c, s.keys); c.Rows == 0 {
		return
	}
	hash := hashKeys(c, s.keys, &r.hash)
	if cap(r.slots) < c.Rows {
		r.slots, r.rowAt = make([]int32, max(c.Rows, chunk.RowsMax)), make([]int32, max(c.Rows, chunk.RowsMax))
	}
	keys := make([]*chunk.Column, len(s.keys))
	for i, k := range s.keys {
		keys[i] = c.Cols[k]
	}
	slots := r.slots[:c.Rows]
	r.index.Upsert(keys, hash, slots)
	r.insert(s, c, slots)
	r.dropDead(s, slots)
}

// withoutNulls returns the rows of c that have no NULL in cols.
func withoutNulls(c *chunk.Chunk, cols []int) *chunk.Chunk {
	var nulls chunk.Bitmap
	for _, k := range cols {
		nulls = nulls.Or(c.Cols[k].Nulls, c.Rows)
	}
	if !nulls.Any() {
		return c
	}
	keep := make([]int32, 0, c.Rows)
	for i := range int32(c.Rows) {
		if !nulls.Get(int(i)) {
			keep = append(keep, i)
		}
	}
	return c.Gather(keep)
}

// Flush joins the left rows of the epoch.
func (j *lookupJoin) Flush(_ *FlushContext, out *Output) {
	if len(j.wait) == 0 {
		return
	}
	if j.given == nil {
		for _, c := range j.wait {
			j.look(c, out)
		}
	} else {
		j.change(chunk.Consolidate(chunk.Concat(j.left, j.wait)), out)
	}
	clear(j.wait)
	j.wait = j.wait[:0]
}

// change joins what a consolidated delta adds and takes back what it removes.
func (j *lookupJoin) change(c *chunk.Chunk, out *Output) {
	var more, less []int32
	for i := range int32(c.Rows) {
		if c.Weight(int(i)) > 0 {
			more = append(more, i)
		} else {
			less = append(less, i)
		}
	}
	for part := range slices.Chunk(less, chunk.RowsMax) {
		j.takeBack(c.Gather(part), out)
	}
	for part := range slices.Chunk(more, chunk.RowsMax) {
		p := c.Gather(part)
		j.giveTo(p)
		j.look(p, out)
	}
}

// look joins c's rows with the right side as it is.
func (j *lookupJoin) look(c *chunk.Chunk, out *Output) {
	if c.Rows > cap(j.slots) {
		j.slots = make([]int32, max(c.Rows, chunk.RowsMax))
	}
	slots := j.slots[:c.Rows]
	j.find(c, slots)
	r := j.right
	s := r.side[1]
	j.probe, j.build, j.weight, j.lone = j.probe[:0], j.build[:0], j.weight[:0], j.lone[:0]
	for i, k := range slots {
		if k < 0 {
			j.lone = append(j.lone, int32(i))
			continue
		}
		for b := r.head(1, k); b >= 0; b = s.next(b) {
			j.probe, j.build = append(j.probe, int32(i)), append(j.build, b)
			j.weight = append(j.weight, s.weight(b))
			if len(j.probe) == chunk.RowsMax {
				j.emitPairs(c, out)
			}
		}
	}
	j.emitPairs(c, out)
	j.emitLone(c, out)
}

// find writes the right side's key of each row of c, -1 where there is none.
func (j *lookupJoin) find(c *chunk.Chunk, slots []int32) {
	keys := make([]*chunk.Column, len(j.keys))
	var nulls chunk.Bitmap
	for i, k := range j.keys {
		keys[i] = c.Cols[k]
		nulls = nulls.Or(c.Cols[k].Nulls, c.Rows)
	}
	j.right.index.Find(keys, hashKeys(c, j.keys, &j.hash), slots)
	if nulls.Any() {
		for i := range slots {
			if nulls.Get(i) {
				slots[i] = -1
			}
		}
	}
}

// emitPairs emits the pending pairs.
func (j *lookupJoin) emitPairs(c *chunk.Chunk, out *Output) {
	if len(j.probe) == 0 {
		return
	}
	rows := j.right.side[1].rows
	weights := make([]int64, len(j.probe))
	for i, p := range j.probe {
		weights[i] = j.weight[i] * c.Weight(int(p))
	}
	if j.given != nil {
		j.note(rows, j.probe, j.build, j.weight, c)
	}
	out.Emit(j.output(c, j.probe, weights, func(dst *chunk.Column, col int) { rows.AppendKey(dst, col, j.build) }))
	j.probe, j.build, j.weight = j.probe[:0], j.build[:0], j.weight[:0]
}

// emitLone emits the rows without a partner, if they are to be seen.
func (j *lookupJoin) emitLone(c *chunk.Chunk, out *Output) {
	if len(j.lone) == 0 {
		return
	}
	j.lones = j.lones[:0]
	weights := make([]int64, len(j.lone))
	for i, p := range j.lone {
		w := int64(0)
		if j.outer {
			w = 1
		}
		j.lones = append(j.lones, w)
		weights[i] = w * c.Weight(int(p))
	}
	if j.given != nil {
		j.note(nil, j.lone, nil, j.lones, c)
	}
	if j.outer {
		out.Emit(j.output(c, j.lone, weights, func(dst *chunk.Column, _ int) {
			for range j.lone {
				dst.AppendNull()
			}
		}))
	}
}

// output makes the output of left rows sel; right appends a right column.
func (j *lookupJoin) output(c *chunk.Chunk, sel []int32, weights []int64, right func(dst *chunk.Column, col int)) *chunk.Chunk {
	r := &chunk.Chunk{Rows: len(sel), Cols: make([]*chunk.Column, len(j.schema)), Weights: weights}
	for i, col := range j.spec.Output {
		if col < len(j.left) {
			r.Cols[i] = retyped(c.Cols[col].Gather(sel), j.schema[i])
		} else {
			r.Cols[i] = chunk.NewColumn(j.schema[i], len(sel))
			right(r.Cols[i], col-len(j.left))
		}
	}
	return r
}

// entries finds or makes the entries of c's rows in given.
func (j *lookupJoin) entries(c *chunk.Chunk) []uint64 {
	hash := make([]uint64, c.Rows)
	chunk.HashRows(c.Cols, c.Rows, hash)
	if cap(j.row) < c.Rows {
		j.row, j.batch = make([]int32, max(c.Rows, chunk.RowsMax)), make([]uint32, max(c.Rows, chunk.RowsMax))
	}
	j.row, j.batch = j.row[:c.Rows], j.batch[:c.Rows]
	j.given.Upsert(c.Cols, hash, j.row)
	return hash
}

// head returns the last part given to row g, -1 for none.
func (m *remember) head(g int32) int32 { return int32(*m.given.Word(g, m.given.PayloadOffset())) - 1 }

func (m *remember) setHead(g, p int32) {
	*m.given.Word(g, m.given.PayloadOffset()) = uint64(uint32(p + 1))
	m.given.Touch(g)
}

// giveTo begins a new batch for each row of c.
func (j *lookupJoin) giveTo(c *chunk.Chunk) {
	j.entries(c)
	at := j.parts.PayloadOffset() + partLink
	for i, g := range j.row {
		j.batch[i] = 1
		if h := j.head(g); h >= 0 {
			j.batch[i] = uint32(*j.parts.Word(h, at)) + 1
		}
	}
}

// note keeps what rows probe of c were given: the rows build of a table, or NULLs.
func (j *lookupJoin) note(rows *chunk.KeyTable, probe, build []int32, weight []int64, c *chunk.Chunk) {
	cols := make([]*chunk.Column, len(j.cols))
	for i, k := range j.cols {
		t := j.parts.Layout().Types[i]
		if rows == nil {
			cols[i] = nullColumn(t, len(probe))
			continue
		}
		cols[i] = chunk.NewColumn(t, len(probe))
		rows.AppendKey(cols[i], k, build)
	}
	slots := make([]int32, len(probe))
	j.parts.AppendAll(cols, len(probe), slots)
	at := j.parts.PayloadOffset()
	for i, p := range slots {
		g := j.row[probe[i]]
		*j.parts.Word(p, at+partCopies) = uint64(c.Weight(int(probe[i])))
		*j.parts.Word(p, at+partWeight) = uint64(weight[i])
		*j.parts.Word(p, at+partLink) = uint64(uint32(j.head(g)+1))<<32 | uint64(j.batch[probe[i]])
		j.setHead(g, p)
	}
}

// takeBack takes what c's rows were given back, their last batches first.
func (j *lookupJoin) takeBack(c *chunk.Chunk, out *Output) {
	hash := j.entries(c)
	at := j.parts.PayloadOffset()
	j.probe, j.build, j.weight = j.probe[:0], j.build[:0], j.weight[:0]
	for i, g := range j.row {
		for left := -c.Weight(i); left > 0; {
			p := j.head(g)
			if p < 0 {
				panic("exec: a lookup join loses a row that it never had")
			}
			batch, copies := uint32(*j.parts.Word(p, at+partLink)), int64(*j.parts.Word(p, at+partCopies))
			n := min(left, copies)
			left -= n
			for p >= 0 && uint32(*j.parts.Word(p, at+partLink)) == batch {
				if w := int64(*j.parts.Word(p, at+partWeight)); w != 0 {
					j.probe, j.build, j.weight = append(j.probe, int32(i)), append(j.build, p), append(j.weight, -n*w)
				}
				next := int32(*j.parts.Word(p, at+partLink)>>32) - 1
				if n == copies {
					j.freed = append(j.freed, p)
					j.setHead(g, next)
				} else {
					*j.parts.Word(p, at+partCopies) = uint64(copies - n)
					j.parts.Touch(p)
				}
				p = next
			}
		}
	}
	for lo := 0; lo < len(j.probe); lo += chunk.RowsMax {
		hi := min(lo+chunk.RowsMax, len(j.probe))
		parts := j.build[lo:hi]
		out.Emit(j.output(c, j.probe[lo:hi], slices.Clone(j.weight[lo:hi]), func(dst *chunk.Column, col int) {
			j.parts.AppendKey(dst, slices.Index(j.cols, col), parts)
		}))
	}
	j.forget(hash)
}

// forget deletes parts that were taken back and rows that have none left.
func (j *lookupJoin) forget(hash []uint64) {
	for _, p := range j.freed {
		j.parts.DeleteUnindexed(p)
	}
	j.freed = j.freed[:0]
	for i, g := range j.row {
		if j.given.Live(g) && j.head(g) < 0 {
			j.given.Delete(g, hash[i])
		}
	}
}

// CutAt tells how entries may be taken together: as long as the right side stays as it is,
// what a left row is given does not depend on the entry in which it comes. That takes that no
// left row goes again: one that goes and comes in two entries is given what is there now, in
// one it stays.
func (j *lookupJoin) CutAt(_, _ int64) Cut {
	if j.looks != nil {
		return CutChange
	}
	return CutEach
}

// StateBytes returns the memory of the right side and of what was given.
func (j *lookupJoin) StateBytes() int64 {
	n := j.right.index.Bytes() + j.right.side[1].rows.Bytes()
	if j.given != nil {
		n += j.given.Bytes() + j.parts.Bytes()
	}
	return n
}

// StateKeys returns the number of rows kept.
func (j *lookupJoin) StateKeys() int64 {
	n := int64(j.right.side[1].rows.Len())
	if j.given != nil {
		n += int64(j.given.Len())
	}
	return n
}

func (j *lookupJoin) keeps() []statePart {
	k := []statePart{tablePart{KeyTable: j.right.index}, j.right.side[1].keeps(), j.right.side[1].keepsHeavy()}
	if j.given != nil {
		k = append(k, tablePart{KeyTable: j.given}, tablePart{j.parts, true})
	}
	return k
}

// restored checks the chains.
func (j *lookupJoin) restored() error {
	if err := j.right.side[1].restored(j.right); err != nil {
		return err
	}
	if j.given == nil {
		return nil
	}
	for _, g := range j.given.LiveSlots(nil) {
		if h := j.head(g); h < 0 || int(h) >= j.parts.Slots() || !j.parts.Live(h) {
			return corrupt("row %d of a lookup join", g)
		}
	}
	return nil
}

var (
	_ Stateful = (*lookupJoin)(nil)
	_ Cutter   = (*lookupJoin)(nil)
	_ keeper   = (*lookupJoin)(nil)
)
