package exec

import (
	"slices"

	"streamdb/sql/chunk"
)

// overStretches collects stretches of partitions until they fill a batch.
type overStretches struct {
	slots []int32 // rows, span by span
	spans []overSpan
	outs  int
}

// evaluate computes the results of the collected stretches and emits those that differ
// from before.
func (w *overWindow) evaluate() {
	s := &w.batch
	if s.outs == 0 {
		s.slots, s.spans = s.slots[:0], s.spans[:0]
		return
	}
	b := &overBatch{cols: w.decode(s.slots, w.eval.reads), rows: len(s.slots), spans: s.spans, outs: s.outs}
	if slices.ContainsFunc(s.spans, func(sp overSpan) bool { return sp.first > 0 }) {
		b.priors = w.priors
	}
	cols := w.eval.eval(b)
	w.res.Encode(&w.probe, cols, s.outs)
	failed := errorRows(cols)
	at := w.rows.PayloadOffset()
	out := 0
	for i := range s.spans {
		sp := &s.spans[i]
		for p := sp.lo; p < sp.hi; p++ {
			var errs []resultError
			if failed != nil {
				errs = failed[out]
			}
			w.replace(s.slots[p], at, out, errs)
			out++
		}
		w.out.flush(false)
	}
	s.slots, s.spans, s.outs = s.slots[:0], s.spans[:0], 0
}

// replace gives row r the results number out of the batch, if they are others.
func (w *overWindow) replace(r int32, at, out int, errs []resultError) {
	word := w.rows.Word(r, at+overResult)
	old := int32(uint32(*word)) - 1
	if old >= 0 {
		if w.res.Equal(old, &w.probe, out) && (len(w.errs) == 0 && errs == nil || sameErrors(w.errs[old], errs)) {
			return
		}
		w.out.add(r, old, -1)
		w.out.free = append(w.out.free, old)
	}
	now := w.res.AppendRow(&w.probe, out)
	if errs != nil {
		w.errs[now] = errs
	}
	*word = *word&^(1<<32-1) | uint64(now+1)
	w.rows.Touch(r)
	w.out.add(r, now, 1)
}

// errorRows returns, by row, the errors of cols; nil if there are none.
func errorRows(cols []*chunk.Column) map[int][]resultError {
	var failed map[int][]resultError
	for k, c := range cols {
		for _, e := range c.Errs {
			if failed == nil {
				failed = make(map[int][]resultError)
			}
			failed[e.Row] = append(failed[e.Row], resultError{k, e.Err})
		}
	}
	return failed
}

func sameErrors(a, b []resultError) bool {
	return slices.EqualFunc(a, b, func(x, y resultError) bool { return x.col == y.col && x.err.Error() == y.err.Error() })
}

// priors returns result column k of the row in front of each span.
func (w *overWindow) priors(k int) *chunk.Column {
	spans := w.batch.spans
	slots := make([]int32, len(spans))
	for i := range spans {
		slots[i] = max(spans[i].prior, 0)
	}
	c := chunk.NewColumn(w.res.Layout().Types[k], len(spans))
	w.res.AppendKey(c, k, slots)
	for i := range spans {
		if spans[i].prior < 0 {
			c.SetNull(i)
		}
	}
	return c
}

// overEmission collects what leaves: a row and its results, by their slots.
type overEmission struct {
	w       *overWindow
	to      *Output
	rows    []int32
	results []int32
	weights []int64
	free    []int32 // results that nobody needs once this is emitted
}

func (e *overEmission) add(row, result int32, weight int64) {
	e.rows, e.results, e.weights = append(e.rows, row), append(e.results, result), append(e.weights, weight)
}

// retract takes back what was emitted for a row that has left.
func (e *overEmission) retract(row int32) {
	if r := e.w.resultOf(row); r >= 0 {
		e.add(row, r, -1)
		e.free = append(e.free, r)
	}
}

// flush emits what was collected: always, or when it is a chunk's worth.
func (e *overEmission) flush(always bool) {
	n := len(e.rows)
	if n == 0 || !always && n < chunk.RowsMax {
		return
	}
	w := e.w
	for lo := 0; lo < n; lo += 2 * chunk.RowsMax {
		e.emit(lo, min(lo+2*chunk.RowsMax, n))
	}
	for _, r := range e.free {
		w.res.DeleteUnindexed(r)
		if len(w.errs) > 0 {
			delete(w.errs, r)
		}
	}
	e.rows, e.results, e.weights, e.free = e.rows[:0], e.results[:0], e.weights[:0], e.free[:0]
}

func (e *overEmission) emit(lo, hi int) {
	w := e.w
	c := &chunk.Chunk{Rows: hi - lo, Weights: slices.Clone(e.weights[lo:hi]), Cols: w.decode(e.rows[lo:hi], nil)}
	for k, t := range w.schema[w.inputs:] {
		col := chunk.NewColumn(t, hi-lo)
		w.res.AppendKey(col, k, e.results[lo:hi])
		c.Cols = append(c.Cols, col)
	}
	if len(w.errs) > 0 {
		for i, r := range e.results[lo:hi] {
			for _, x := range w.errs[r] {
				setError(c.Cols[w.inputs+x.col], chunk.RowError{Row: i, Err: x.err})
			}
		}
	}
	e.to.Emit(c)
}
