package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
)

// count adds c's rows to the sums of their keys.
func (j *join) count(s *joinSide, c *chunk.Chunk, keySlots []int32) {
	if s.port == 0 && !j.side[1].preserved {
		// Nobody asks for the left rows; but their keys are looked at.
		for _, k := range keySlots {
			j.markKey(k)
		}
		return
	}
	for i, k := range keySlots {
		w := c.Weight(i)
		d := j.markKey(k)
		if s.port == 0 {
			d.left += w
			j.countWords(k)[keyLeft] += uint64(w)
		} else {
			d.right += w
			j.countWords(k)[keyRight] += uint64(w)
		}
		j.index.Touch(k)
	}
}

// countPairs adds the pending pairs, which passed the residual, to the partners of
// the preserved rows among them. keySlots are the keys of the pushed rows.
func (j *join) countPairs(s *joinSide, c *chunk.Chunk, keySlots []int32) {
	o := j.side[1-s.port]
	for i, p := range j.probe {
		r := j.build[i]
		if s.preserved && j.fresh[p] {
			s.partner(j.rowAt[p], keySlots[p], o.weight(r))
		}
		if o.preserved {
			o.partner(r, keySlots[p], c.Weight(int(p)))
		}
	}
}

// partner adds w to the partners of row r, which is of key k.
func (s *joinSide) partner(r, k int32, w int64) {
	*s.rows.Word(r, s.matchAt) += uint64(w)
	s.rows.Touch(r)
	s.mark(r, k).matched += w
}

// Flush emits what preserved rows owe, and forgets the rows and keys that are gone.
func (j *join) Flush(fc *FlushContext, out *Output) {
	if j.counted() {
		for _, s := range j.side {
			if s.preserved {
				j.settleKeys(s, out)
			}
		}
	}
	for _, s := range j.side {
		if s.preserved && j.residual != nil {
			j.settleRows(s, out)
		}
		j.cleanRows(s)
	}
	j.cleanKeys()
	j.nulls.rowsChange, j.nulls.nullsChange = 0, 0
	if j.close != nil {
		j.closeKeys(fc)
	}
	for _, s := range j.side {
		if s.until != nil {
			j.endWaiting(s, fc)
			j.dropPassed(s, fc)
		}
	}
}

// lone collects rows that are emitted without a partner.
type lone struct {
	rows    []int32
	weights []int64
}

func (l *lone) add(r int32, w int64) {
	if w != 0 {
		l.rows, l.weights = append(l.rows, r), append(l.weights, w)
	}
}

// settleKeys compares, for every key touched in this epoch, whether its rows of side s
// contribute now and whether they did before.
func (j *join) settleKeys(s *joinSide, out *Output) {
	if j.spec.Type == physical.JoinNullAnti && j.nulls.turned() {
		j.settleAll(s, out)
		return
	}
	var l lone
	for i := range j.dirtyKeys {
		d := &j.dirtyKeys[i]
		k, at, change := d.key, keyRight, d.right
		if s.port == 1 {
			at, change = keyLeft, d.left
		}
		now := int64(j.countWords(k)[at])
		was := now - change
		before, after := (was != 0) == s.want, (now != 0) == s.want
		if j.spec.Type == physical.JoinNullAnti {
			before, after = j.nulls.admits(before, j.index, k, false), j.nulls.admits(after, j.index, k, true)
		}
		if !before && !after {
			continue
		}
		for r := j.head(s.port, k); r >= 0; r = s.next(r) {
			l.add(r, s.owed(r, before, after))
		}
	}
	j.emitLoneRows(s, &l, out)
}

// owed returns the change of row r's contribution.
func (s *joinSide) owed(r int32, before, after bool) int64 {
	w := s.weight(r)
	var d int64
	if after {
		d = w
	}
	if before {
		d -= w - s.changeOf(r)
	}
	return d
}

// settleRows is settleKeys where partners are counted per row.
func (j *join) settleRows(s *joinSide, out *Output) {
	var l lone
	for i := range s.dirty {
		d := &s.dirty[i]
		now := int64(*s.rows.Word(d.row, s.matchAt))
		was := now - d.matched
		l.add(d.row, s.owed(d.row, (was != 0) == s.want, (now != 0) == s.want))
	}
	j.emitLoneRows(s, &l, out)
}

// emitLoneRows emits stored rows of side s without a partner.
func (j *join) emitLoneRows(s *joinSide, l *lone, out *Output) {
	for lo := 0; lo < len(l.rows); lo += chunk.RowsMax {
		hi := min(lo+chunk.RowsMax, len(l.rows))
		c := &chunk.Chunk{Rows: hi - lo, Weights: l.weights[lo:hi], Cols: make([]*chunk.Column, len(s.types))}
		for i, t := range s.types {
			c.Cols[i] = chunk.NewColumn(t, c.Rows)
			s.rows.AppendKey(c.Cols[i], i, l.rows[lo:hi])
		}
		j.emitLone(s, c, out)
	}
}

// emitLone emits rows of side s, extended with NULLs in the other side's columns.
func (j *join) emitLone(s *joinSide, c *chunk.Chunk, out *Output) {
	r := &chunk.Chunk{Rows: c.Rows, Weights: c.Weights, Cols: make([]*chunk.Column, len(j.schema))}
	nl := len(j.side[0].types)
	for i, col := range j.spec.Output {
		port := 0
		if col >= nl {
			port, col = 1, col-nl
		}
		if port == s.port {
			own := *c.Cols[col]
			r.Cols[i] = retyped(&own, j.schema[i])
		} else {
			r.Cols[i] = nullColumn(j.schema[i], c.Rows)
		}
	}
	out.Emit(r)
}

// cleanRows ends the epoch for the touched rows of a preserved side: those without weight
// go away.
func (j *join) cleanRows(s *joinSide) {
	for _, d := range s.dirty {
		*s.rows.Word(d.row, s.dirtyAt) = 0
		if !s.hasWeight(d.row) {
			j.detach(s, d.key, d.row)
		}
	}
	s.dirty = s.dirty[:0]
	j.deleteGone(s)
}

// cleanKeys ends the epoch for the touched keys.
func (j *join) cleanKeys() {
	for _, d := range j.dirtyKeys {
		j.countWords(d.key)[0] = 0
		j.emptied = append(j.emptied, d.key)
	}
	j.dirtyKeys = j.dirtyKeys[:0]
	j.dropKeys(j.emptied)
	j.emptied = j.emptied[:0]
}

// registerKeys notes the windows of the keys of a chunk.
func (j *join) registerKeys(keys []*chunk.Column, slots []int32) {
	j.close.register(keys[j.spec.LeftWindow], slots)
}

// closeKeys drops keys whose window is closed on both sides, with their rows.
func (j *join) closeKeys(fc *FlushContext) {
	wm := min(fc.watermark(0, j.spec.LeftKeys[j.spec.LeftWindow]), fc.watermark(1, j.spec.RightKeys[j.spec.RightWindow]))
	if wm == NoWatermark {
		return
	}
	at := j.index.Layout().Offset(j.spec.LeftWindow)
	for _, k := range j.close.due(wm) {
		if !j.index.Live(k) || int64(*j.index.Word(k, at)) >= wm {
			continue
		}
		if j.counted() {
			j.countWords(k)[keyRight] = 0
			if j.side[1].preserved {
				j.countWords(k)[keyLeft] = 0
			}
		}
		j.emptied = append(j.emptied, k)
		for _, s := range j.side {
			for r := j.head(s.port, k); r >= 0; r = j.head(s.port, k) {
				j.detach(s, k, r)
			}
		}
	}
	for _, s := range j.side {
		j.deleteGone(s)
	}
}

// nullColumn returns n NULLs.
func nullColumn(t types.Type, n int) *chunk.Column {
	c := chunk.NewColumn(t, n)
	c.Resize(n)
	c.Nulls = chunk.NewBitmap(n)
	for i := range n {
		c.Nulls.Set(i)
	}
	return c
}

// newResidual compiles the condition over left columns followed by right ones.
func newResidual(e *expr.Expr, left int, ctx *expr.Ctx) (*residual, error) {
	p, err := expr.Compile(e)
	if err != nil {
		return nil, err
	}
	r := &residual{prog: p, left: left, ctx: ctx}
	seen := make(map[int]bool)
	expr.Walk(e, func(x *expr.Expr) bool {
		if x.Op == expr.OpColumn && !seen[x.Col] {
			seen[x.Col] = true
			r.uses = append(r.uses, x.Col)
		}
		return true
	})
	return r, nil
}

// filter keeps the pending pairs for which the residual is true. A pair for which it
// is an error is dead-lettered.
func (f *residual) filter(j *join, s *joinSide, c *chunk.Chunk, out *Output) {
	n := len(j.probe)
	o := j.side[1-s.port]
	pair := &chunk.Chunk{Rows: n, Cols: make([]*chunk.Column, len(j.side[0].types)+len(j.side[1].types))}
	for _, col := range f.uses {
		port, k := 0, col
		if col >= f.left {
			port, k = 1, col-f.left
		}
		if port == s.port {
			pair.Cols[col] = c.Cols[k].Gather(j.probe)
		} else {
			pair.Cols[col] = chunk.NewColumn(o.types[k], n)
			o.rows.AppendKey(pair.Cols[col], k, j.build)
		}
	}
	v := f.prog.Eval(f.ctx, pair)
	if len(v.Errs) > 0 {
		pair.Weights = j.pairWeights(o, c)
		for _, e := range v.Errs {
			out.deadRow(pair, e.Row, e.Err)
		}
	}
	probe, build := j.probe[:0], j.build[:0]
	for i := range n {
		if v.Bools[i] && !v.Nulls.Get(i) && (v.Errs == nil || v.ErrAt(i) == nil) {
			probe, build = append(probe, j.probe[i]), append(build, j.build[i])
		}
	}
	j.probe, j.build = probe, build
}
