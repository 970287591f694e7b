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
// the other one with a single probe.
//
//	index:  key ─ [left head | right head] [matches …]
//	rows:   columns ─ [weight] [next | prev] [key slot] …      one table per side
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
	pairs bool // pairs are emitted (inner and outer joins)

	residual *residual
	lead     *joinLead // nil if all pairs leave
	schema   chunk.Schema

	dirtyKeys []int32
	close     *windowClose

	// nulls is the state of NOT IN, see null_anti.go.
	nulls nullAnti

	hash    []uint64
	slots   []int32
	rowAt   []int32
	fresh   []bool // per row of the chunk: it was not in the table before
	emptied []int32
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
	dirty []int32
	gone  []int32 // detached, not yet deleted
	// until drops rows that meet nobody any more, nil if they stay.
	until *untilClose
	// linked chains lead both ways: rows leave from anywhere.
	linked bool
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

// Words of an index entry's payload.
const (
	keyHeads   = 0 // left head+1 << 32 | right head+1
	keyMatches = 1 // then, if counted: right rows, their change, left rows, their change
	keyWords   = 5
)

// Words of a row's payload. The last three exist only on a preserved side.
const (
	rowWeight  = 0
	rowLinks   = 1 // next+1 << 32 | prev+1
	rowKey     = 2
	rowChange  = 3 // of the weight, in this epoch
	rowMatches = 4 // partners that pass the residual
	rowMatched = 5 // their change in this epoch
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
	words := 1
	if j.counted() {
		words = keyWords
	}
	j.index = chunk.NewKeyTable(keyTypes, words)
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
	s.linked = s.find != findNever
	return s
}

// make creates the row table, when it is known what a row must carry.
func (s *joinSide) make(j *join) {
	words := 3
	if s.preserved {
		words = 4
		if j.residual != nil {
			words = 6
		}
	}
	s.rows = chunk.NewRowTable(s.types, words)
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
	j.dropDead(s, c.Rows)
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
	case findIndex:
		hash := make([]uint64, c.Rows)
		chunk.HashRows(c.Cols, c.Rows, hash)
		s.rows.Upsert(c.Cols, hash, slots)
	case findChain:
		j.insertChained(s, c, keySlots, slots)
	}
	if j.lead != nil && j.lead.spec.Side == s.port {
		j.lead.enter(s.rows, slots)
	}
	at := s.rows.PayloadOffset()
	for i, r := range slots {
		w := uint64(c.Weight(i))
		if s.find != findNever {
			s.rows.Touch(r)
		}
		*s.rows.Word(r, at+rowWeight) += w
		j.fresh[i] = *s.rows.Word(r, at+rowKey) == 0
		if j.fresh[i] {
			*s.rows.Word(r, at+rowKey) = uint64(keySlots[i]) + 1
			if s.find != findChain {
				j.link(s, keySlots[i], r)
			}
		}
		if s.preserved {
			*s.rows.Word(r, at+rowChange) += w
			s.mark(r)
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
		if slots[i] < 0 {
			r := s.rows.AppendRow(&j.encoded, i)
			// Linked at once, so that the same row later in the chunk finds it.
			j.link(s, k, r)
			slots[i] = r
		}
	}
}

// mark puts row r on the side's list of rows touched in this epoch.
func (s *joinSide) mark(r int32) {
	if h := s.rows.Word(r, 0); *h>>32 == 0 {
		*h |= 1 << 32
		s.dirty = append(s.dirty, r)
	}
}

// markKey puts key k on the list of keys touched in this epoch.
func (j *join) markKey(k int32) {
	if h := j.index.Word(k, 0); *h>>32 == 0 {
		*h |= 1 << 32
		j.dirtyKeys = append(j.dirtyKeys, k)
	}
}

// head returns the first row of side port under key k, -1 for none.
func (j *join) head(port int, k int32) int32 {
	w := *j.index.Word(k, j.index.PayloadOffset()+keyHeads)
	if port == 0 {
		return int32(w>>32) - 1
	}
	return int32(uint32(w)) - 1
}

func (j *join) setHead(port int, k, r int32) {
	w := j.index.Word(k, j.index.PayloadOffset()+keyHeads)
	if port == 0 {
		*w = *w&(1<<32-1) | uint64(uint32(r+1))<<32
	} else {
		*w = *w&^(1<<32-1) | uint64(uint32(r+1))
	}
	j.index.Touch(k)
}

// next returns the row behind r in its chain, -1 at the end.
func (s *joinSide) next(r int32) int32 {
	return int32(*s.rows.Word(r, s.rows.PayloadOffset()+rowLinks)>>32) - 1
}

// link puts row r at the head of key k's chain. Rows of an append-only side leave only
// from the head, when a whole chain does, unless they are dropped one by one: they have
// no way back, which saves the write to a row that lies elsewhere.
func (j *join) link(s *joinSide, k, r int32) {
	at := s.rows.PayloadOffset() + rowLinks
	h := j.head(s.port, k)
	*s.rows.Word(r, at) = uint64(uint32(h+1)) << 32
	if h >= 0 && s.linked {
		w := s.rows.Word(h, at)
		*w = *w&^(1<<32-1) | uint64(uint32(r+1))
		s.rows.Touch(h)
	}
	j.setHead(s.port, k, r)
}

// unlink takes row r out of key k's chain.
func (j *join) unlink(s *joinSide, k, r int32) {
	at := s.rows.PayloadOffset() + rowLinks
	w := *s.rows.Word(r, at)
	next, prev := int32(w>>32)-1, int32(uint32(w))-1
	if next >= 0 && s.linked {
		n := s.rows.Word(next, at)
		*n = *n&^(1<<32-1) | uint64(uint32(prev+1))
		s.rows.Touch(next)
	}
	if prev >= 0 {
		p := s.rows.Word(prev, at)
		*p = *p&(1<<32-1) | uint64(uint32(next+1))<<32
		s.rows.Touch(prev)
	} else {
		j.setHead(s.port, k, next)
	}
}

// match pairs each row of c with the other side's rows of its key.
func (j *join) match(s *joinSide, c *chunk.Chunk, keySlots []int32, out *Output) {
	o := j.side[1-s.port]
	at := o.rows.PayloadOffset()
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
			if values != nil && j.lead.behind(values, i, r) {
				// It goes no further.
			} else if perRow || *o.rows.Word(r, at+rowWeight) != 0 {
				j.probe, j.build = append(j.probe, int32(i)), append(j.build, r)
			}
			r = int32(*o.rows.Word(r, at+rowLinks)>>32) - 1
			if len(j.probe) == chunk.RowsMax {
				j.emitPairs(s, c, out)
				j.probe, j.build = j.probe[:0], j.build[:0]
			}
		}
	}
	if len(j.probe) > 0 {
		j.emitPairs(s, c, out)
	}
}

// emitPairs emits the pending pairs that pass the residual, and counts them as
// partners where that is done per row.
func (j *join) emitPairs(s *joinSide, c *chunk.Chunk, out *Output) {
	o := j.side[1-s.port]
	if j.residual != nil {
		j.residual.filter(j, s, c, out)
		if len(j.probe) == 0 {
			out.poll()
			return
		}
		j.countPairs(s, c)
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
	at := o.rows.PayloadOffset() + rowWeight
	probe, build := j.probe[:0], j.build[:0]
	for i, r := range j.build {
		if *o.rows.Word(r, at) != 0 {
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
	at := o.rows.PayloadOffset() + rowWeight
	w := make([]int64, len(j.probe))
	ones := true
	for i, p := range j.probe {
		w[i] = c.Weight(int(p)) * int64(*o.rows.Word(j.build[i], at))
		ones = ones && w[i] == 1
	}
	if ones {
		return nil
	}
	return w
}

// dropDead deletes the rows of the last Push whose weight has become zero, and keys
// without rows. A preserved side's rows stay until Flush has seen them.
func (j *join) dropDead(s *joinSide, n int) {
	if s.find == findNever || s.preserved || !j.rowsKept(s) {
		return
	}
	at := s.rows.PayloadOffset()
	for _, r := range j.rowAt[:n] {
		if *s.rows.Word(r, at+rowWeight) == 0 && *s.rows.Word(r, at+rowKey) != 0 {
			j.detach(s, r)
		}
	}
	j.deleteGone(s)
}

// detach takes row r out of its chain and notes it among the rows that go away; its
// key is 0 from then on, so that a row is detached once.
func (j *join) detach(s *joinSide, r int32) {
	w := s.rows.Word(r, s.rows.PayloadOffset()+rowKey)
	k := int32(*w) - 1
	*w = 0
	j.unlink(s, k, r)
	j.emptied = append(j.emptied, k)
	s.gone = append(s.gone, r)
}

// deleteGone removes the detached rows from their table, then the keys left empty.
func (j *join) deleteGone(s *joinSide) {
	if len(s.gone) > 0 && s.find == findIndex {
		for i, h := range hashSlots(s.rows, s.gone) {
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

// hashSlots returns the hash of each slot's key, as HashRows over its columns gave it.
func hashSlots(t *chunk.KeyTable, slots []int32) []uint64 {
	l := t.Layout()
	cols := make([]*chunk.Column, len(l.Types))
	for i, typ := range l.Types {
		cols[i] = chunk.NewColumn(typ, len(slots))
		t.AppendKey(cols[i], i, slots)
	}
	hash := make([]uint64, len(slots))
	chunk.HashRows(cols, len(slots), hash)
	return hash
}

// dropKeys deletes those of the keys under which neither side has rows or matches,
// unless Flush has yet to look at them.
func (j *join) dropKeys(keys []int32) {
	var empty []int32
	at := j.index.PayloadOffset()
keys:
	for _, k := range keys {
		row := j.index.Row(k)
		if !j.index.Live(k) || row[0]>>32 != 0 {
			continue
		}
		for _, w := range row[at:] {
			if w != 0 {
				continue keys
			}
		}
		row[0] |= 1 << 32 // once, should it stand in keys again
		empty = append(empty, k)
	}
	if len(empty) == 0 {
		return
	}
	for i, h := range hashSlots(j.index, empty) {
		j.index.Delete(empty[i], h)
	}
}

// StateBytes returns the memory of both sides and the index.
func (j *join) StateBytes() int64 {
	n := j.index.Bytes() + j.side[0].rows.Bytes() + j.side[1].rows.Bytes()
	if j.lead != nil {
		n += int64(cap(j.lead.best)) * 8
	}
	return n
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
