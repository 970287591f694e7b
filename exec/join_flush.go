package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
)

// count adds c's rows to the matches of their keys.
func (j *join) count(s *joinSide, c *chunk.Chunk, keySlots []int32) {
	at := j.index.PayloadOffset() + keyMatches
	if s.port == 0 {
		at += 2
	}
	for i, k := range keySlots {
		w := uint64(c.Weight(i))
		*j.index.Word(k, at) += w
		*j.index.Word(k, at+1) += w
		j.index.Touch(k)
		j.markKey(k)
	}
}

// countPairs adds the pending pairs, which passed the residual, to the partners of
// the preserved rows among them.
func (j *join) countPairs(s *joinSide, c *chunk.Chunk) {
	o := j.side[1-s.port]
	weight := o.rows.PayloadOffset() + rowWeight
	for i, p := range j.probe {
		r := j.build[i]
		if s.preserved && j.fresh[p] {
			s.partner(j.rowAt[p], *o.rows.Word(r, weight))
		}
		if o.preserved {
			o.partner(r, uint64(c.Weight(int(p))))
		}
	}
}

// partner adds w to row r's partners.
func (s *joinSide) partner(r int32, w uint64) {
	at := s.rows.PayloadOffset()
	*s.rows.Word(r, at+rowMatches) += w
	*s.rows.Word(r, at+rowMatched) += w
	s.rows.Touch(r)
	s.mark(r)
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
			j.settleRows(s, s.dirty, out)
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
	at := j.index.PayloadOffset() + keyMatches
	if s.port == 1 {
		at += 2
	}
	var l lone
	for _, k := range j.dirtyKeys {
		now := int64(*j.index.Word(k, at))
		was := now - int64(*j.index.Word(k, at+1))
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
	at := s.rows.PayloadOffset()
	w := int64(*s.rows.Word(r, at+rowWeight))
	var d int64
	if after {
		d = w
	}
	if before {
		d -= w - int64(*s.rows.Word(r, at+rowChange))
	}
	return d
}

// settleRows is settleKeys where partners are counted per row.
func (j *join) settleRows(s *joinSide, rows []int32, out *Output) {
	var l lone
	at := s.rows.PayloadOffset()
	for _, r := range rows {
		now := int64(*s.rows.Word(r, at+rowMatches))
		was := now - int64(*s.rows.Word(r, at+rowMatched))
		l.add(r, s.owed(r, (was != 0) == s.want, (now != 0) == s.want))
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

// cleanRows ends the epoch for the touched rows of a preserved side: the change
// counters go back to zero and rows without weight go away.
func (j *join) cleanRows(s *joinSide) {
	at := s.rows.PayloadOffset()
	for _, r := range s.dirty {
		row := s.rows.Row(r)
		row[0] &= 1<<32 - 1
		row[at+rowChange] = 0
		if j.residual != nil {
			row[at+rowMatched] = 0
		}
		if row[at+rowWeight] == 0 && row[at+rowKey] != 0 {
			j.detach(s, r)
		}
	}
	s.dirty = s.dirty[:0]
	j.deleteGone(s)
}

// cleanKeys ends the epoch for the touched keys.
func (j *join) cleanKeys() {
	at := j.index.PayloadOffset() + keyMatches
	for _, k := range j.dirtyKeys {
		row := j.index.Row(k)
		row[0] &= 1<<32 - 1
		row[at+1], row[at+3] = 0, 0
	}
	j.dropKeys(j.dirtyKeys)
	j.dirtyKeys = j.dirtyKeys[:0]
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
		clear(j.index.Payload(k)[min(keyMatches, len(j.index.Payload(k))):])
		for _, s := range j.side {
			for r := j.head(s.port, k); r >= 0; r = j.head(s.port, k) {
				j.detach(s, r)
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
