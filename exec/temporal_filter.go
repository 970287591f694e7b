package exec

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
)

// temporalFilter lets a row pass as long as it stands in conditions with the clock: rows
// come and go as time passes. What it has let through at an epoch is the filter over its
// input at the epoch's time, however the epochs are cut.
//
// A row that will not change any more, one that is out for good or in for good, is not
// kept: whatever happens to it later is passed on or dropped as it comes. The others wait
// in a table by identity, with the time of their next change, at which their conditions
// are looked at again. The cost of an epoch follows the rows that arrive and those that
// are due.
//
//	ts > now() - interval '1 h':    in at arrival, waits, goes at ts + 1 h
//	ts < now() - interval '1 h':    waits, comes in at ts + 1 h, is kept no longer
//
// The clock moves before the first row of an epoch is looked at, so that all rows see the
// same time: first those go and come that are due, then arrivals are judged.
type temporalFilter struct {
	d      *Dataflow
	schema chunk.Schema
	table  *chunk.KeyTable // rows by identity; payload: temporalDue, temporalWeight
	queue  dueQueue
	now    int64   // the time up to which rows have come and gone
	zero   []int32 // slots whose weight has been 0 in this epoch

	judge temporalJudge
	hash  []uint64
	slots []int32
	due   []int64
}

// The payload of a waiting row: the time of its next change, with the sign bit flipped
// so that 0 says that the row is new; and its weight, above a bit that says whether it has
// been let through.
const (
	temporalDue = iota
	temporalWeight
	temporalWords
)

const dueBias = 1 << 63

func newTemporalFilter(d *Dataflow, n *physical.Node) (Operator, error) {
	t := &temporalFilter{d: d, schema: n.Schema, table: chunk.NewRowTable(n.Schema, temporalWords), now: math.MinInt64}
	t.judge.ctx = d.opts.Context
	for i := range n.TemporalFilter.Conds {
		c, err := newTemporalCond(&n.TemporalFilter.Conds[i], d.opts.Context)
		if err != nil {
			return nil, err
		}
		t.judge.conds = append(t.judge.conds, c)
	}
	return t, nil
}

// Push judges c's rows at the epoch's time.
func (t *temporalFilter) Push(_ int, c *chunk.Chunk, out *Output) {
	t.advance(t.d.now, out)
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if c = t.judge.look(c, t.now, out); c.Rows == 0 {
		return
	}
	in, wait := make([]int32, 0, c.Rows), make([]int32, 0, c.Rows)
	for i, live := range t.judge.live[:c.Rows] {
		if live {
			in = append(in, int32(i))
		}
		if t.judge.next[i] != NoTimer {
			wait = append(wait, int32(i))
		}
	}
	t.keep(c, wait)
	switch len(in) {
	case 0:
	case c.Rows:
		out.Emit(c)
	default:
		out.Emit(c.Gather(in))
	}
}

// keep adds the rows wait of c to those that wait for their next change.
func (t *temporalFilter) keep(c *chunk.Chunk, wait []int32) {
	if len(wait) == 0 {
		return
	}
	rows := c
	if len(wait) < c.Rows {
		rows = c.Gather(wait)
	}
	n := rows.Rows
	if cap(t.slots) < n {
		t.slots = make([]int32, max(n, chunk.RowsMax))
	}
	if cap(t.hash) < n {
		t.hash = make([]uint64, max(n, chunk.RowsMax))
	}
	slots, hash := t.slots[:n], t.hash[:n]
	chunk.HashRows(rows.Cols, n, hash)
	t.table.Upsert(rows.Cols, hash, slots)
	at := t.table.PayloadOffset()
	fresh, due := make([]int32, 0, n), t.due[:0]
	for i, s := range slots {
		next, live := t.judge.next[wait[i]], uint64(0)
		if t.judge.live[wait[i]] {
			live = 1
		}
		w := t.table.Word(s, at+temporalWeight)
		*w = (*w&^1 + uint64(rows.Weight(i))<<1) | live
		if *w>>1 == 0 {
			t.zero = append(t.zero, s)
		}
		t.table.Touch(s)
		if d := t.table.Word(s, at+temporalDue); *d != uint64(next)^dueBias {
			*d = uint64(next) ^ dueBias
			fresh, due = append(fresh, s), append(due, next)
		}
	}
	t.due = due
	t.queue.add(due, fresh, t.valid)
}

// valid reports whether an entry of the queue is what its row still waits for.
func (t *temporalFilter) valid(s int32, due int64) bool {
	return t.table.Live(s) && *t.table.Word(s, t.table.PayloadOffset()+temporalDue) == uint64(due)^dueBias
}

// advance moves the clock: it lets rows come and go that are due.
func (t *temporalFilter) advance(now int64, out *Output) {
	if now <= t.now {
		return
	}
	t.now = now
	due := t.queue.take(now, nil, t.valid)
	for batch := range slices.Chunk(due, chunk.RowsMax) {
		t.change(batch, out)
	}
}

// change looks at waiting rows again and emits those that come and go.
func (t *temporalFilter) change(slots []int32, out *Output) {
	c := &chunk.Chunk{Rows: len(slots)}
	for i, typ := range t.schema {
		col := chunk.NewColumn(typ, c.Rows)
		t.table.AppendKey(col, i, slots)
		c.Cols = append(c.Cols, col)
	}
	// None of them is an error: they were looked at when they came.
	t.judge.look(c, t.now, nil)
	at := t.table.PayloadOffset()
	rows, weights := make([]int32, 0, len(slots)), make([]int64, 0, len(slots))
	gone, again, due := make([]int32, 0, len(slots)), make([]int32, 0, len(slots)), t.due[:0]
	for i, s := range slots {
		w := t.table.Word(s, at+temporalWeight)
		was, weight, is := *w&1 != 0, int64(*w)>>1, t.judge.live[i]
		if was != is {
			if !is {
				weight = -weight
			}
			rows, weights = append(rows, int32(i)), append(weights, weight)
			*w ^= 1
		}
		t.table.Touch(s)
		next := t.judge.next[i]
		if next == NoTimer {
			gone = append(gone, int32(i))
			continue
		}
		*t.table.Word(s, at+temporalDue) = uint64(next) ^ dueBias
		again, due = append(again, s), append(due, next)
	}
	t.due = due
	t.queue.add(due, again, t.valid)
	if len(gone) > 0 {
		if cap(t.hash) < len(slots) {
			t.hash = make([]uint64, chunk.RowsMax)
		}
		hash := t.hash[:len(slots)]
		chunk.HashRows(c.Cols, len(slots), hash)
		for _, i := range gone {
			t.table.Delete(slots[i], hash[i])
		}
	}
	r := c
	if len(rows) < c.Rows {
		r = c.Gather(rows)
	}
	r.Weights = weights
	out.Emit(r)
}

// Flush lets rows come and go that are due, and forgets those that were taken back.
func (t *temporalFilter) Flush(fc *FlushContext, out *Output) {
	t.advance(fc.Time, out)
	if len(t.zero) == 0 {
		return
	}
	at := t.table.PayloadOffset()
	slices.Sort(t.zero)
	gone := slices.DeleteFunc(slices.Compact(t.zero), func(s int32) bool {
		return !t.table.Live(s) || *t.table.Word(s, at+temporalWeight)>>1 != 0
	})
	t.forget(gone)
	t.zero = t.zero[:0]
	t.queue.sweep(t.table.Len(), t.valid)
}

func (t *temporalFilter) forget(slots []int32) {
	if len(slots) == 0 {
		return
	}
	for i, h := range hashSlots(t.table, slots) {
		t.table.Delete(slots[i], h)
	}
}

// NextDue returns the time at which the first row comes or goes.
func (t *temporalFilter) NextDue() int64 { return t.queue.next(t.valid) }

// dueRows returns about how many rows come and go up to a time.
func (t *temporalFilter) dueRows(now int64) int64 { return t.queue.count(now) }

// DueRows returns about how many rows a Flush at a time has to look at because of the
// time, beside what is pushed. It is called between two epochs.
func (d *Dataflow) DueRows(now int64) int64 {
	n := int64(0)
	for _, t := range d.timed {
		if f, ok := t.(*temporalFilter); ok {
			n += f.dueRows(now)
		}
	}
	return n
}

// StateBytes returns the memory of the waiting rows.
func (t *temporalFilter) StateBytes() int64 { return t.table.Bytes() + t.queue.bytes() }

// StateKeys returns the number of distinct waiting rows.
func (t *temporalFilter) StateKeys() int64 { return int64(t.table.Len()) }

func (t *temporalFilter) keeps() []statePart {
	return []statePart{tablePart{KeyTable: t.table}, &blobPart{
		append: func(dst []byte) []byte { return binary.AppendVarint(dst, t.now) },
		load: func(b []byte) error {
			r := stateReader{b: b}
			if t.now = r.varint(); r.bad {
				return corrupt("the time of a temporal filter")
			}
			return nil
		},
	}}
}

// restored puts the waiting rows in order.
func (t *temporalFilter) restored() error {
	at := t.table.PayloadOffset()
	slots := t.table.LiveSlots(nil)
	due := make([]int64, len(slots))
	for i, s := range slots {
		w := *t.table.Word(s, at+temporalDue)
		if w == 0 {
			return corrupt("row %d waits for nothing", s)
		}
		due[i] = int64(w ^ dueBias)
	}
	t.queue = dueQueue{}
	t.queue.add(due, slots, t.valid)
	return nil
}

// validity is the time at which a row stands in the conditions whose clock only rises:
// in [from, until).
type validity struct{ from, until int64 }

// temporalJudge finds, for the rows of a chunk, whether they stand in all conditions and
// when that may change.
type temporalJudge struct {
	conds []*temporalCond
	ctx   *expr.Ctx

	live []bool
	next []int64
	span []validity
	// blocked is the latest change of a condition of the calendar that does not hold, or
	// math.MinInt64; ends the earliest one of those that do.
	blocked, ends []int64
}

// look judges the rows of c at a time. It returns the rows that can be judged: those whose
// bound is an error are dead-lettered, and those that can never come in are out as well.
func (j *temporalJudge) look(c *chunk.Chunk, now int64, out *Output) *chunk.Chunk {
	for _, t := range j.conds {
		t.eval(j.ctx, c)
	}
	if out != nil {
		if keep, all := j.judged(c, out); !all {
			if c = c.Gather(keep); c.Rows == 0 {
				return c
			}
			for _, t := range j.conds {
				t.eval(j.ctx, c)
			}
		}
	}
	j.reset(c.Rows)
	for _, t := range j.conds {
		t.judge(j, c.Rows, now)
	}
	for i := range c.Rows {
		v := j.span[i]
		live := v.from <= now && now < v.until && j.blocked[i] == math.MinInt64
		j.live[i] = live
		switch {
		case live:
			j.next[i] = min(v.until, j.ends[i])
		case v.from >= v.until || v.until <= now || j.blocked[i] == NoTimer:
			j.next[i] = NoTimer
		default:
			j.next[i] = max(v.from, j.blocked[i])
			if j.next[i] <= now {
				j.next[i] = now + 1
			}
		}
	}
	return c
}

// judged dead-letters the rows with a bound in error and lists those that are left over
// without a NULL; all says that these are all of c.
func (j *temporalJudge) judged(c *chunk.Chunk, out *Output) (keep []int32, all bool) {
	any := false
	for _, t := range j.conds {
		for _, col := range t.cols() {
			any = any || col.Nulls.Any() || len(col.Errs) > 0
		}
	}
	if !any {
		return nil, true
	}
	bad := make([]bool, c.Rows)
	var errs []chunk.RowError
	for _, t := range j.conds {
		for _, col := range t.cols() {
			for _, e := range col.Errs {
				errs = append(errs, chunk.RowError{Row: e.Row, Err: e.Err})
			}
			if col.Nulls.Any() {
				for i := range bad {
					bad[i] = bad[i] || col.Nulls.Get(i)
				}
			}
		}
	}
	slices.SortStableFunc(errs, func(a, b chunk.RowError) int { return cmp.Compare(a.Row, b.Row) })
	for i, e := range errs {
		if i == 0 || errs[i-1].Row != e.Row {
			out.deadRow(c, e.Row, e.Err)
		}
		bad[e.Row] = true
	}
	for i, b := range bad {
		if !b {
			keep = append(keep, int32(i))
		}
	}
	return keep, false
}

func (j *temporalJudge) reset(n int) {
	if cap(j.next) < n {
		m := max(n, chunk.RowsMax)
		j.live, j.next, j.span = make([]bool, m), make([]int64, m), make([]validity, m)
		j.blocked, j.ends = make([]int64, m), make([]int64, m)
	}
	j.live, j.next, j.span, j.blocked, j.ends = j.live[:n], j.next[:n], j.span[:n], j.blocked[:n], j.ends[:n]
	for i := range n {
		j.span[i] = validity{math.MinInt64, NoTimer}
		j.blocked[i], j.ends[i] = math.MinInt64, NoTimer
	}
}

var (
	_ Stateful = (*temporalFilter)(nil)
	_ Timed    = (*temporalFilter)(nil)
	_ keeper   = (*temporalFilter)(nil)
)
