package exec

import "streamdb/sql/chunk"

// closed notes the windows of the partitions that were touched, by key column k of parts,
// and returns the partitions whose window ends before wm.
func (c *windowClose) closed(parts *chunk.KeyTable, k int, touched []int32, wm int64) []int32 {
	if len(touched) > 0 {
		end := chunk.NewColumn(parts.Layout().Types[k], len(touched))
		parts.AppendKey(end, k, touched)
		c.register(end, touched)
	}
	if wm == NoWatermark {
		return nil
	}
	var closed []int32
	at := parts.Layout().Offset(k)
	for _, p := range c.due(wm) {
		// A slot may have been freed and handed out again to a younger window.
		if parts.Live(p) && int64(*parts.Word(p, at)) < wm {
			closed = append(closed, p)
		}
	}
	return closed
}

// closeWindows drops the partitions whose window is closed: no row can reach them any
// more. What they have emitted stays.
func (w *overWindow) closeWindows(fc *FlushContext) {
	k := w.spec.WindowEnd
	parts := w.close.closed(w.parts, k, w.touched, fc.watermark(0, w.spec.Partition[k]))
	w.touched = w.touched[:0]
	if len(parts) == 0 {
		return
	}
	w.leave, w.gone = w.leave[:0], w.gone[:0]
	at := w.rows.PayloadOffset()
	for _, p := range parts {
		s := &w.groups[p]
		w.leave = w.seqs.appendRange(s, 0, s.n, w.leave)
		w.seqs.clear(s)
	}
	for _, r := range w.leave {
		if *w.rows.Word(r, at+overWeight) != overCopy {
			w.gone = append(w.gone, r)
		}
		if res := w.resultOf(r); res >= 0 {
			w.res.DeleteUnindexed(res)
			delete(w.errs, res)
		}
	}
	w.forget(parts)
}
