package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
)

// join is the symmetric hash join: each side keeps its rows, and a change of one side
// meets the rows that the other holds at that moment, so that every pair of changes
// meets exactly once, in whatever order the chunks of an epoch come:
//
//	Δ(A ⋈ B) = ΔA ⋈ B + (A+ΔA) ⋈ ΔB
//
// One index serves both sides: an entry per key with the heads of two chains, one of
// the left rows with that key, one of the right rows. A row finds its own chain and
// the other one with a single probe. How entries and rows lie in memory is told in
// join_rows.go.
//
// Pairs leave during Push. What an outer, semi or anti join owes besides depends on
// whether a row has partners at the end of the epoch, so it leaves in Flush: for each
// key (or, with a residual, each row) touched in the epoch, the row's contribution
// before and after are compared. Contribution is: outer, the row extended with NULLs
// if it has no partner; semi, the row if it has one; anti, the row if it has none.
type join struct {
	spec  *physical.Join
	side  [2]*joinSide
	index *chunk.KeyTable
	heads int  // the word of an index entry that holds the heads of its chains
	pairs bool // pairs are emitted (inner and outer joins)

	residual *residual
	lead     *joinLead // nil if all pairs leave
	schema   chunk.Schema

	dirtyKeys []dirtyKey
	close     *windowClose

	// nulls is the state of NOT IN, see null_anti.go.
	nulls nullAnti

	hash    []uint64
	slots   []int32
	rowAt   []int32
	fresh   []bool // per row of the chunk: it was not in the table before
	emptied []int32
	empty   []int32
	hashes  slotHashes // of keys that go away
	encoded chunk.Probe
	// pending pairs: row of the pushed chunk, slot of the other side's row
	probe, build []int32
}

// joinSide is the rows of one input.
type joinSide struct {
	port  int
	types chunk.Schema
	keys  []int
	rows  *chunk.KeyTable
	find  findMode
	// preserved rows owe a contribution; its sense is in want.
	preserved bool
	// want is the partner state that makes a row contribute: semi joins want
	// partners, all others none.
	want  bool
	dirty []dirtyRow
	gone  []int32 // detached, not yet deleted
	// hashes are those of rows that go away.
	hashes slotHashes
	// until drops rows that meet nobody any more, nil if they stay.
	until *untilClose
	// linked chains lead both ways and to their key: rows leave from anywhere.
	linked bool
	// The words of a row that hold its weight, its way back, its place in dirty and its
	// partners; -1 for what it does not have.
	weightAt, backAt, dirtyAt, matchAt int
	// heavy holds the weights that have no room in their rows.
	heavy map[int32]int64
	// waiting rows of the epoch are not stored yet, see join_defer.go.
	deferred    bool
	waiting     []*chunk.Chunk
	waitingRows int
}

// findMode is how a side finds a row again that is retracted.
type findMode uint8

const (
	findNever findMode = iota // append-only input: never
	findChain                 // unique keys: the chain holds one row, or two within an epoch
	findIndex                 // by a hash index over whole rows
)

func newJoin(d *Dataflow, n int) (Operator, error) {
	node := &d.plan.Nodes[n]
	s := node.Join
	j := &join{spec: s, schema: node.Schema}
	l, r := &d.plan.Nodes[node.Inputs[0]], &d.plan.Nodes[node.Inputs[1]]
	j.side[0] = newJoinSide(0, l, s.LeftKeys, s.LeftUnique)
	j.side[1] = newJoinSide(1, r, s.RightKeys, s.RightUnique)
	j.pairs = true
	switch s.Type {
	case physical.JoinLeft:
		j.side[0].preserved = true
	case physical.JoinRight:
		j.side[1].preserved = true
	case physical.JoinFull:
		j.side[0].preserved, j.side[1].preserved = true, true
	case physical.JoinSemi, physical.JoinAnti, physical.JoinNullAnti:
		j.side[0].preserved, j.pairs = true, false
		j.side[0].want = s.Type == physical.JoinSemi
	}
	for port, side := range j.side {
		if side.until = newUntil(d.plan.Nodes, node, port); side.until != nil {
			side.linked = true
		}
	}
	if s.Residual != nil {
		var err error
		if j.residual, err = newResidual(s.Residual, len(l.Schema), d.opts.Context); err != nil {
			return nil, err
		}
	}
	keyTypes := make(chunk.Schema, len(s.LeftKeys))
	for i, k := range s.LeftKeys {
		keyTypes[i] = l.Schema[k]
	}
	j.makeIndex(keyTypes)
	for _, side := range j.side {
		side.make(j)
	}
	if s.LeftWindow >= 0 && s.RightWindow >= 0 && physical.Settles(d.plan.Nodes, node.Inputs[0]) && physical.Settles(d.plan.Nodes, node.Inputs[1]) {
		j.close = newWindowClose()
	}
	j.lead = newJoinLead(s, l, r)
	for _, side := range j.side {
		side.deferred = j.defers(side)
	}
	return j, nil
}

func newJoinSide(port int, n *physical.Node, keys []int, unique bool) *joinSide {
	s := &joinSide{port: port, types: n.Schema, keys: keys, find: findIndex}
	if unique && len(keys) > 0 {
		s.find = findChain
	}
	if n.AppendOnly {
		s.find = findNever
	}
	s.linked = s.find == findIndex
	return s
}

// counted reports whether partners are counted per key: outer, semi and anti joins
// without a residual.
func (j *join) counted() bool {
	return j.residual == nil && (j.side[0].preserved || j.side[1].preserved)
}

// rowsKept reports whether side s must keep rows: the inner side of a semi or anti
// join without residual is only counted.
func (j *join) rowsKept(s *joinSide) bool { return j.pairs || j.residual != nil || s.preserved }

// Push joins c with the other side and adds it to its own.
func (j *join) Push(port int, c *chunk.Chunk, out *Output) {
	s := j.side[port]
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	c = j.splitNullKeys(s, c, out)
	if c.Rows == 0 {
		return
	}
	if o := j.side[1-port]; len(o.waiting) > 0 {
		j.storeWaiting(o)
	}
	if s.deferred {
		j.pushDeferred(s, c, out)
		return
	}
	keys, hash, slots := j.keysOf(s, c)
	j.index.Upsert(keys, hash, slots)
	if j.close != nil {
		j.registerKeys(keys, slots)
	}
	if j.rowsKept(s) {
		j.insert(s, c, slots)
	}
	if j.counted() {
		j.count(s, c, slots)
	}
	if j.pairs || j.residual != nil {
		j.match(s, c, slots, out)
	}
	j.dropDead(s, slots)
}

// keysOf returns the key columns of c, their hash and room for the keys' slots.
func (j *join) keysOf(s *joinSide, c *chunk.Chunk) ([]*chunk.Column, []uint64, []int32) {
	hash := hashKeys(c, s.keys, &j.hash)
	if cap(j.slots) < c.Rows {
		j.slots, j.rowAt = make([]int32, max(c.Rows, chunk.RowsMax)), make([]int32, max(c.Rows, chunk.RowsMax))
	}
	keys := make([]*chunk.Column, len(s.keys))
	for i, k := range s.keys {
		keys[i] = c.Cols[k]
	}
	return keys, hash, j.slots[:c.Rows]
}

// splitNullKeys takes out the rows that can have no partner because a key is NULL. A
// preserved side's rows contribute at once: they need no state.
func (j *join) splitNullKeys(s *joinSide, c *chunk.Chunk, out *Output) *chunk.Chunk {
	var nulls chunk.Bitmap
	for i, k := range s.keys {
		if len(j.spec.NullSafe) > i && j.spec.NullSafe[i] {
			continue
		}
		nulls = nulls.Or(c.Cols[k].Nulls, c.Rows)
	}
	if !nulls.Any() {
		if j.spec.Type == physical.JoinNullAnti && s.port == 1 {
			j.nulls.add(c, nil)
		}
		return c
	}
	if j.spec.Type == physical.JoinNullAnti {
		if s.port == 0 {
			return c // kept under the NULL key
		}
		j.nulls.add(c, nulls)
	}
	var with, without []int32
	for i := range int32(c.Rows) {
		if nulls.Get(int(i)) {
			with = append(with, i)
		} else {
			without = append(without, i)
		}
	}
	if s.preserved && !s.want {
		lone := c.Gather(with)
		j.emitLone(s, lone, out)
	}
	return c.Gather(without)
}

// insert adds c's rows to the side and writes their row slots to j.rowAt.
func (j *join) insert(s *joinSide, c *chunk.Chunk, keySlots []int32) {
	slots := j.rowAt[:c.Rows]
	if cap(j.fresh) < c.Rows {
		j.fresh = make([]bool, max(c.Rows, chunk.RowsMax))
	}
	j.fresh = j.fresh[:c.Rows]
	switch s.find {
	case findNever:
		s.rows.AppendAll(c.Cols, c.Rows, slots)
		for i, r := range slots {
			j.fresh[i] = true
			j.link(s, keySlots[i], r)
		}
	case findIndex:
		hash := make([]uint64, c.Rows)
		chunk.HashRows(c.Cols, c.Rows, hash)
		s.rows.Upsert(c.Cols, hash, slots)
		for i, r := range slots {
			if j.fresh[i] = *s.rows.Word(r, s.backAt) == 0; j.fresh[i] {
				j.link(s, keySlots[i], r)
			}
		}
	case findChain:
		j.insertChained(s, c, keySlots, slots)
	}
	if j.lead != nil && j.lead.spec.Side == s.port {
		j.lead.enter(s.rows, slots)
	}
	s.addWeights(slots, c)
	if s.preserved {
		for i, r := range slots {
			s.mark(r, keySlots[i]).change += c.Weight(i)
		}
	}
	if s.until != nil {
		j.registerFresh(s, c, slots)
	}
}

// insertChained finds rows in their key's chain, which is short, or appends them.
func (j *join) insertChained(s *joinSide, c *chunk.Chunk, keySlots, slots []int32) {
	s.rows.Encode(&j.encoded, c.Cols, c.Rows)
	for i, k := range keySlots {
		slots[i] = -1
		for r := j.head(s.port, k); r >= 0; r = s.next(r) {
			if s.rows.Equal(r, &j.encoded, i) {
				slots[i] = r
				break
			}
		}
		if j.fresh[i] = slots[i] < 0; j.fresh[i] {
			r := s.rows.AppendRow(&j.encoded, i)
			// Linked at once, so that the same row later in the chunk finds it.
			j.link(s, k, r)
			slots[i] = r
		}
	}
}

// match pairs each row of c with the other side's rows of its key.
func (j *join) match(s *joinSide, c *chunk.Chunk, keySlots []int32, out *Output) {
	o := j.side[1-s.port]
	// A row without weight may get it back in this epoch: its partners are counted on.
	perRow := j.residual != nil && o.preserved
	var values *chunk.Column
	if j.lead != nil && j.lead.early {
		values = j.lead.values(s.port, c)
	}
	j.probe, j.build = j.probe[:0], j.build[:0]
	for i, k := range keySlots {
		if k < 0 {
			continue
		}
		for r := j.head(o.port, k); r >= 0; {
			next := o.next(r)
			if values != nil && j.lead.behind(values, i, r) {
				// It goes no further.
			} else if perRow || o.hasWeight(r) {
				j.probe, j.build = append(j.probe, int32(i)), append(j.build, r)
			}
			r = next
			if len(j.probe) == chunk.RowsMax {
				j.emitPairs(s, c, keySlots, out)
				j.probe, j.build = j.probe[:0], j.build[:0]
			}
		}
	}
	if len(j.probe) > 0 {
		j.emitPairs(s, c, keySlots, out)
	}
}

// emitPairs emits the pending pairs that pass the residual, and counts them as
// partners where that is done per row.
func (j *join) emitPairs(s *joinSide, c *chunk.Chunk, keySlots []int32, out *Output) {
	o := j.side[1-s.port]
	if j.residual != nil {
		j.residual.filter(j, s, c, out)
		if len(j.probe) == 0 {
			out.poll()
			return
		}
		j.countPairs(s, c, keySlots)
	}
	if values := j.lead.values(s.port, c); values != nil {
		j.choose(values)
	}
	if !j.pairs || len(j.probe) == 0 {
		return
	}
	if j.residual != nil && o.preserved {
		j.skipWeightless(o)
	}
	r := &chunk.Chunk{Rows: len(j.probe), Cols: make([]*chunk.Column, len(j.schema)), Weights: j.pairWeights(o, c)}
	nl := len(j.side[0].types)
	for i, col := range j.spec.Output {
		port := 0
		if col >= nl {
			port, col = 1, col-nl
		}
		if port == s.port {
			r.Cols[i] = retyped(c.Cols[col].Gather(j.probe), j.schema[i])
		} else {
			r.Cols[i] = chunk.NewColumn(j.schema[i], r.Rows)
			o.rows.AppendKey(r.Cols[i], col, j.build)
		}
	}
	out.Emit(r)
}

// skipWeightless drops the pending pairs whose stored row has no weight now.
func (j *join) skipWeightless(o *joinSide) {
	probe, build := j.probe[:0], j.build[:0]
	for i, r := range j.build {
		if o.hasWeight(r) {
			probe, build = append(probe, j.probe[i]), append(build, r)
		}
	}
	j.probe, j.build = probe, build
}

// retyped gives a fresh column the type that the plan declares; the class is the same.
func retyped(c *chunk.Column, t types.Type) *chunk.Column {
	c.Type = t
	return c
}

// pairWeights multiplies the weights of the pairs; nil when all are 1.
func (j *join) pairWeights(o *joinSide, c *chunk.Chunk) []int64 {
	w := make([]int64, len(j.probe))
	ones := true
	for i, p := range j.probe {
		w[i] = c.Weight(int(p)) * o.weight(j.build[i])
		ones = ones && w[i] == 1
	}
	if ones {
		return nil
	}
	return w
}

// dropDead deletes the rows of the last Push, whose keys are given, if their weight has
// become zero, and keys without rows. A preserved side's rows stay until Flush has seen them.
func (j *join) dropDead(s *joinSide, keySlots []int32) {
	if s.find == findNever || s.preserved || !j.rowsKept(s) {
		return
	}
	for i, r := range j.rowAt[:len(keySlots)] {
		if !s.hasWeight(r) && !s.detached(r) {
			j.detach(s, keySlots[i], r)
		}
	}
	j.deleteGone(s)
}

// deleteGone removes the detached rows from their table, then the keys left empty.
func (j *join) deleteGone(s *joinSide) {
	if len(s.gone) > 0 && s.find == findIndex {
		for i, h := range s.hashes.of(s.rows, s.gone) {
			s.rows.Delete(s.gone[i], h)
		}
	} else {
		for _, r := range s.gone {
			s.rows.DeleteUnindexed(r)
		}
	}
	s.gone = s.gone[:0]
	if len(j.emptied) > 0 {
		j.dropKeys(j.emptied)
		j.emptied = j.emptied[:0]
	}
}

// dropKeys deletes those of the keys under which neither side has rows or matches,
// unless Flush has yet to look at them.
func (j *join) dropKeys(keys []int32) {
	empty := j.empty[:0]
keys:
	for _, k := range keys {
		if !j.index.Live(k) || *j.index.Word(k, j.heads) != 0 {
			continue
		}
		for _, w := range j.index.Payload(k) {
			if w != 0 {
				continue keys
			}
		}
		*j.index.Word(k, j.heads) = ^uint64(0) // once, should it stand in keys again
		empty = append(empty, k)
	}
	if len(empty) > 0 {
		for i, h := range j.hashes.of(j.index, empty) {
			j.index.Delete(empty[i], h)
		}
	}
	j.empty = empty[:0]
}

// StateBytes returns the memory of both sides and the index.
func (j *join) StateBytes() int64 {
	n := j.index.Bytes() + j.side[0].rows.Bytes() + j.side[1].rows.Bytes()
	if j.lead != nil {
		n += int64(cap(j.lead.best)) * 8
	}
	return n + int64(len(j.side[0].heavy)+len(j.side[1].heavy))*heavyBytes
}

// StateKeys returns the number of rows kept.
func (j *join) StateKeys() int64 { return int64(j.side[0].rows.Len() + j.side[1].rows.Len()) }

var _ Stateful = (*join)(nil)

// residual is the part of a join's condition that is not an equality of columns.
type residual struct {
	prog *expr.Program
	uses []int // columns of left ++ right that it reads
	left int
	ctx  *expr.Ctx
}
