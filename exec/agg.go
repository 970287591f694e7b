package exec

import (
	"reflect"
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/window"
)

// agg groups its input and keeps one row of accumulators per group in a hash table:
//
//	header (high half: position in dirty + 1) | key | rows | accumulators …
//
// where rows is the sum of the weights of the group's input rows. The first touch of
// a group in an epoch appends it to dirty and copies its payload to undo, unless all
// groups so far are new, as in a fill and in a statement. At the end
// of the epoch each dirty group whose payload differs from the copy emits its old
// result with weight -1 and the new one with +1: once per epoch, whatever the number
// of its input rows.
//
// Most accumulators are words that add up, so that old and new results are computed
// from the two images of the payload alone. Those that are not (min and max over
// retractions, ordered aggregates, exact float sums) hold their state on the side and
// settle their result into words of the payload before it is read.
type agg struct {
	spec    *physical.Agg
	keys    []int        // input columns of the group, in their order
	schema  chunk.Schema // output
	table   *chunk.KeyTable
	calls   []callState
	words   int  // payload words
	global  bool // no group columns: the one group always exists …
	emitted bool // … and its row has been emitted in an earlier epoch

	dirty []int32
	undo  []uint64
	fresh int      // groups at the front of dirty that are new: they have nothing in undo …
	zeros []uint64 // … but this

	panes   *panes       // HOP without multiplied input, else nil
	expand  *hopExpander // HOP where partial states do not add up, else nil
	close   *windowClose // frees groups of closed windows, else nil
	closeAt int          // the group column by which they are closed, -1 for none

	// scratch of one Push
	hash    []uint64
	slots   []int32
	keyCols []*chunk.Column
	sweep   sweep
	// scratch of Flush
	images []uint64
	emits  []int32
}

// callState is one aggregate call: its accumulator and where its words begin in the payload.
type callState struct {
	spec     physical.AggCall
	acc      accumulator
	at       int
	distinct *distinctSet
	// shared says that the words belong to another call, or are the group's count of
	// rows: they are read here and kept there.
	shared bool
	// consts holds the constant arguments by position, as columns of some length >= 1.
	consts []*chunk.Column
}

// accumulator is the state of one aggregate call over all groups. Its methods are
// called per batch, not per row.
type accumulator interface {
	// words is the number of payload words it owns per group, zero for a new group.
	words() int
	// update applies a batch of rows.
	update(b *aggBatch)
	// settle brings the words of the dirty groups up to date with state kept on the side.
	settle(t *chunk.KeyTable, at int, dirty []int32)
	// result appends to out the results of n payload images that lie stride words
	// apart, its words at images[0:], [stride:], …
	result(images []uint64, stride, n int, out *chunk.Column)
	// tidy runs after the epoch's results have been read.
	tidy(t *chunk.KeyTable, at int)
	// drop forgets what is kept on the side for groups that go away.
	drop(slots []int32)
	// bytes is the memory kept on the side.
	bytes() int64
}

// aggBatch is rows of one chunk with their groups.
type aggBatch struct {
	table   *chunk.KeyTable
	at      int // first word of the accumulator within a row of the table
	slots   []int32
	weights []int64 // nil: all 1
	args    []*chunk.Column
}

func (b *aggBatch) weight(i int) int64 {
	if b.weights == nil {
		return 1
	}
	return b.weights[i]
}

func newAgg(d *Dataflow, n int) (Operator, error) {
	node := &d.plan.Nodes[n]
	in := &d.plan.Nodes[node.Inputs[0]]
	a := &agg{spec: node.Agg, schema: node.Schema, words: 1}
	keyTypes := make(chunk.Schema, len(a.spec.Group))
	for i, g := range a.spec.Group {
		keyTypes[i] = node.Schema[i]
		a.keys = append(a.keys, g)
	}
	a.global = len(a.keys) == 0
	for _, c := range a.spec.Calls {
		cs, err := newCall(c, in, a.words)
		if err != nil {
			return nil, err
		}
		if at := a.twin(&cs); at >= 0 {
			cs.at, cs.shared = at, true
		} else {
			a.words += cs.acc.words()
		}
		a.calls = append(a.calls, cs)
	}
	if a.spec.Session != nil {
		return newSessionAgg(d, n, a)
	}
	a.table, a.zeros = chunk.NewKeyTable(keyTypes, a.words), make([]uint64, a.words)
	if a.spec.Hop != nil {
		var err error
		if a.mergeable() {
			a.panes, err = newPanes(a, in.Schema)
		} else {
			a.expand, err = newHopExpander(a, in.Schema)
		}
		if err != nil {
			return nil, err
		}
	}
	a.closeAt = a.spec.WindowEnd
	if a.closeAt < 0 && a.spec.Hop != nil {
		if a.closeAt = a.spec.WindowTime - 1; a.closeAt < 0 {
			a.closeAt = a.spec.WindowStart
		}
	}
	if a.closeAt >= 0 && physical.Settles(d.plan.Nodes, node.Inputs[0]) {
		a.close = newWindowClose()
		for i := range a.calls {
			if d := a.calls[i].distinct; d != nil {
				d.chained = true
			}
		}
	}
	return a, nil
}

// twin returns where the words lie that hold what cs needs already, -1 if nowhere:
// count(*) is the group's count of rows, and sum and avg of one column are one state.
func (a *agg) twin(cs *callState) int {
	if cs.distinct != nil {
		return -1
	}
	switch cs.acc.(type) {
	case countAcc:
		if len(cs.spec.Args) == 0 && cs.spec.Filter < 0 {
			return 0
		}
	case sumIntAcc:
	default:
		return -1
	}
	for i := range a.calls {
		o := &a.calls[i]
		if o.distinct == nil && reflect.TypeOf(o.acc) == reflect.TypeOf(cs.acc) && o.spec.Filter == cs.spec.Filter &&
			slices.Equal(o.spec.Args, cs.spec.Args) && !slices.Contains(cs.spec.Args, -1) {
			return o.at
		}
	}
	return -1
}

// Push folds the rows of c into their groups.
func (a *agg) Push(_ int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if a.panes != nil {
		a.panes.push(c)
		return
	}
	if a.expand != nil {
		a.expand.push(c)
		return
	}
	if !a.wait(c, out) {
		a.fold(c, c.Cols, a.keys)
	}
}

// fold finds the groups of c's rows by the columns keys of c and updates every
// accumulator.
func (a *agg) fold(c *chunk.Chunk, cols []*chunk.Column, keys []int) {
	hash := hashKeys(c, keys, &a.hash)
	a.keyColumns(cols, keys)
	slots := a.slotsFor(c.Rows)
	a.table.Upsert(a.keyCols, hash, slots)
	a.foldSlots(c, slots)
}

func (a *agg) keyColumns(cols []*chunk.Column, keys []int) {
	a.keyCols = a.keyCols[:0]
	for _, k := range keys {
		a.keyCols = append(a.keyCols, cols[k])
	}
}

// foldSlots updates every accumulator with the rows of c, whose groups are in slots.
func (a *agg) foldSlots(c *chunk.Chunk, slots []int32) {
	a.touch(slots)
	rows := a.table.PayloadOffset()
	if c.Weights == nil {
		for _, s := range slots {
			*a.table.Word(s, rows)++
		}
	} else {
		for i, s := range slots {
			*a.table.Word(s, rows) += uint64(c.Weights[i])
		}
	}
	for i := range a.calls {
		a.calls[i].update(a.table, rows, slots, c)
	}
}

func (a *agg) slotsFor(n int) []int32 {
	if cap(a.slots) < n {
		a.slots = make([]int32, max(n, chunk.RowsMax))
	}
	return a.slots[:n]
}

// touch marks the groups as dirty and keeps the payload they had before this epoch.
func (a *agg) touch(slots []int32) {
	at := a.table.PayloadOffset()
	for _, s := range slots {
		h := a.table.Word(s, 0)
		if *h>>32 != 0 {
			continue
		}
		a.dirty = append(a.dirty, s)
		*h |= uint64(len(a.dirty)) << 32
		a.table.Touch(s)
		row := a.table.Row(s)
		if len(a.undo) == 0 && row[at] == 0 && !a.global {
			a.fresh++
			continue
		}
		a.undo = append(a.undo, row[at:]...)
	}
}

// update applies the rows of c to one call, through its filter and its distinct set.
func (cs *callState) update(t *chunk.KeyTable, payload int, slots []int32, c *chunk.Chunk) {
	if cs.shared {
		return
	}
	b := aggBatch{table: t, at: payload + cs.at, slots: slots, weights: c.Weights}
	b.args = make([]*chunk.Column, 0, len(cs.spec.Args)+len(cs.spec.Order))
	for k, i := range cs.spec.Args {
		if i < 0 {
			b.args = append(b.args, cs.constant(k, c.Rows))
		} else {
			b.args = append(b.args, c.Cols[i])
		}
	}
	for _, o := range cs.spec.Order {
		b.args = append(b.args, c.Cols[o.Col])
	}
	if cs.spec.Filter >= 0 {
		b.filter(c.Cols[cs.spec.Filter])
	}
	if cs.distinct != nil {
		cs.distinct.reduce(&b)
	}
	if len(b.slots) > 0 {
		cs.acc.update(&b)
	}
}

// constant gives argument k, which is the same for all rows, as a column of n rows.
func (cs *callState) constant(k, n int) *chunk.Column {
	if cs.consts[k].Len() < n {
		cs.consts[k] = cs.consts[k].Gather(make([]int32, max(n, chunk.RowsMax)))
	}
	return cs.consts[k].Slice(0, n)
}

// filter keeps the rows where col is true.
func (b *aggBatch) filter(col *chunk.Column) {
	idx := make([]int32, 0, len(b.slots))
	for i, v := range col.Bools[:len(b.slots)] {
		if v && !col.Nulls.Get(i) {
			idx = append(idx, int32(i))
		}
	}
	b.gather(idx)
}

// gather keeps the rows idx.
func (b *aggBatch) gather(idx []int32) {
	if len(idx) == len(b.slots) {
		return
	}
	slots := make([]int32, len(idx))
	for i, j := range idx {
		slots[i] = b.slots[j]
	}
	b.slots = slots
	if b.weights != nil {
		w := make([]int64, len(idx))
		for i, j := range idx {
			w[i] = b.weights[j]
		}
		b.weights = w
	}
	args := make([]*chunk.Column, len(b.args))
	for i, c := range b.args {
		args[i] = c.Gather(idx)
	}
	b.args = args
}

// Flush emits the changes of the dirty groups and drops the empty ones.
func (a *agg) Flush(fc *FlushContext, out *Output) {
	if a.panes != nil {
		a.panes.flush()
	}
	if a.global && a.table.Len() == 0 {
		a.createGlobal()
	}
	a.foldWaiting(out)
	a.emitFar(out)
	a.emitted = true
	if a.close != nil {
		a.closeWindows(fc)
	}
}

// emitDirty emits the changes of the dirty groups and makes them clean.
func (a *agg) emitDirty(out *Output) {
	if len(a.dirty) == 0 {
		return
	}
	for i := range a.calls {
		a.calls[i].acc.settle(a.table, a.table.PayloadOffset()+a.calls[i].at, a.dirty)
	}
	a.emit(out)
	a.dropEmpty()
	for i := range a.calls {
		a.calls[i].acc.tidy(a.table, a.table.PayloadOffset()+a.calls[i].at)
	}
	a.rest()
}

// scratchKept is the words of old images that an aggregation keeps room for whatever
// it needs.
const scratchKept = 1 << 12

// rest empties the scratch of the epoch. Room that a burst has needed is let go once
// an epoch needs little of it.
func (a *agg) rest() {
	a.fresh = 0
	if n := cap(a.undo) + cap(a.dirty); n > scratchKept && len(a.undo)+len(a.dirty) < n/16 {
		a.dirty, a.undo, a.images, a.emits = nil, nil, nil, nil
		return
	}
	a.dirty, a.undo = a.dirty[:0], a.undo[:0]
}

// createGlobal makes the one group of an aggregation without GROUP BY, which has a
// row even over no input. Its old image says that nothing was emitted before.
func (a *agg) createGlobal() {
	hash := make([]uint64, 1)
	chunk.HashRows(nil, 1, hash)
	slots := make([]int32, 1)
	a.table.Upsert(nil, hash, slots)
	a.touch(slots)
}

// emit writes the old results (weight -1) and the new ones (weight +1) of all dirty
// groups whose payload changed.
func (a *agg) emit(out *Output) {
	base := a.table.PayloadOffset()
	for lo := 0; lo < len(a.dirty); lo += chunk.RowsMax {
		hi := min(lo+chunk.RowsMax, len(a.dirty))
		a.images = a.images[:0]
		slots, weights := a.emits[:0], make([]int64, 0, 2*(hi-lo))
		for k, s := range a.dirty[lo:hi] {
			old := a.zeros
			if at := lo + k - a.fresh; at >= 0 {
				old = a.undo[at*a.words : (at+1)*a.words]
			}
			row := a.table.Row(s)
			now := row[base:]
			had, has := old[0] != 0, now[0] != 0
			if a.global {
				had, has = a.emitted, true
			}
			if had && has && slices.Equal(old, now) {
				continue
			}
			if had {
				a.images = append(a.images, old...)
				slots, weights = append(slots, s), append(weights, -1)
			}
			if has {
				a.images = append(a.images, now...)
				slots, weights = append(slots, s), append(weights, 1)
			}
		}
		a.emits = slots
		a.emitImages(slots, weights, out)
	}
}

// emitImages emits one row per image.
func (a *agg) emitImages(slots []int32, weights []int64, out *Output) {
	n := len(slots)
	if n == 0 {
		return
	}
	c := &chunk.Chunk{Rows: n, Weights: weights, Cols: make([]*chunk.Column, len(a.schema))}
	for i := range a.keys {
		c.Cols[i] = chunk.NewColumn(a.schema[i], n)
		a.table.AppendKey(c.Cols[i], i, slots)
	}
	for i := range a.calls {
		col := chunk.NewColumn(a.schema[len(a.keys)+i], n)
		cs := &a.calls[i]
		cs.acc.result(a.images[cs.at:], a.words, n, col)
		c.Cols[len(a.keys)+i] = col
	}
	if a.close == nil {
		out.Emit(c)
		return
	}
	a.close.register(c.Cols[a.closeAt], slots)
	out.Emit(c)
}

// dropEmpty clears the dirty marks and removes the groups that have no rows left.
func (a *agg) dropEmpty() {
	base := a.table.PayloadOffset()
	var gone []int32
	for _, s := range a.dirty {
		h := a.table.Word(s, 0)
		*h &= 1<<32 - 1
		if *a.table.Word(s, base) == 0 && !a.global {
			gone = append(gone, s)
		}
	}
	a.drop(gone, false)
}

// drop removes groups with all their state. A group that has lost all its rows has
// nothing in its distinct sets; one that is closed has.
func (a *agg) drop(slots []int32, closed bool) {
	if len(slots) == 0 {
		return
	}
	hash := hashSlots(a.table, slots)
	for i := range a.calls {
		a.calls[i].acc.drop(slots)
		if d := a.calls[i].distinct; d != nil && closed {
			d.drop(slots)
		}
	}
	for i, s := range slots {
		a.table.Delete(s, hash[i])
	}
}

func (a *agg) useMemory(m chunk.Memory) {
	for i := range a.calls {
		if u, ok := a.calls[i].acc.(memoryUser); ok {
			u.useMemory(m)
		}
		if d := a.calls[i].distinct; d != nil {
			d.heads.useMemory(m)
			d.links.useMemory(m)
		}
	}
}

// StateBytes returns the memory of the table and of what lies beside it.
func (a *agg) StateBytes() int64 {
	n := a.table.Bytes() + int64(cap(a.undo)*8+cap(a.dirty)*4+cap(a.images)*8) + a.sweep.bytes()
	for i := range a.calls {
		n += a.calls[i].acc.bytes()
		if d := a.calls[i].distinct; d != nil {
			n += d.bytes()
		}
	}
	return n
}

// StateKeys returns the number of groups.
func (a *agg) StateKeys() int64 { return int64(a.table.Len()) }

var (
	_ Stateful   = (*agg)(nil)
	_ memoryUser = (*agg)(nil)
)

// hopOf returns the window arithmetic of h.
func hopOf(h *physical.HopWindow) window.Hop {
	return window.Hop{Slide: h.Slide, Size: h.Size, Offset: h.Offset}
}
