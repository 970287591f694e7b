package exec

import (
	"encoding/json"
	"slices"

	"streamdb/sql/sqlerr"
)

// Orders and totals follow from the rows. Among copies of a row, which have different
// results, the order is not known any more: their results are dealt out anew.

func (w *overWindow) keeps() []statePart {
	errs := &blobPart{append: w.appendErrors, load: w.loadErrors}
	return []statePart{tablePart{KeyTable: w.parts}, tablePart{KeyTable: w.rows}, tablePart{w.res, true}, errs}
}

// savedError is a result that is an error.
type savedError struct {
	Result        int32
	Col           int
	Code, Message string
	Detail, Hint  string `json:",omitempty"`
}

func (w *overWindow) appendErrors(dst []byte) []byte {
	var list []savedError
	for r, errs := range w.errs {
		for _, e := range errs {
			x := sqlerr.As(e.err)
			list = append(list, savedError{r, e.col, x.Code, x.Message, x.Detail, x.Hint})
		}
	}
	slices.SortFunc(list, func(a, b savedError) int {
		if a.Result != b.Result {
			return int(a.Result - b.Result)
		}
		return a.Col - b.Col
	})
	b, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	return append(dst, b...)
}

func (w *overWindow) loadErrors(b []byte) error {
	var list []savedError
	if err := json.Unmarshal(b, &list); err != nil {
		return corrupt("errors of a window: %v", err)
	}
	for _, e := range list {
		if e.Col < 0 || e.Col >= len(w.spec.Calls) {
			return corrupt("error in column %d of a window", e.Col)
		}
		err := &sqlerr.Error{Code: e.Code, Message: e.Message, Detail: e.Detail, Hint: e.Hint}
		w.errs[e.Result] = append(w.errs[e.Result], resultError{e.Col, err})
	}
	return nil
}

// restored sorts the partitions and sums up their totals.
func (w *overWindow) restored() error {
	at := w.rows.PayloadOffset()
	var copies []int32
	w.enter, w.leave = w.enter[:0], w.leave[:0]
	for _, r := range w.rows.LiveSlots(nil) {
		p, res := w.part(r), w.resultOf(r)
		if p < 0 || int(p) >= w.parts.Slots() || !w.parts.Live(p) || int(res) >= w.res.Slots() || res >= 0 && !w.res.Live(res) {
			return corrupt("row %d of a window", r)
		}
		switch word := *w.rows.Word(r, at+overWeight); {
		case word == overCopy:
			copies = append(copies, r)
		case *w.rows.Word(r, at+overPart)>>32 == 0:
			continue
		}
		w.enter = append(w.enter, r)
	}
	if len(copies) > 0 {
		for i, h := range hashSlots(w.rows, copies) {
			w.rows.Unindex(copies[i], h)
		}
	}
	w.groups = make([]rowSeq, w.parts.Slots())
	w.sortEntering()
	w.changeTotals()
	for enter := w.enter; len(enter) > 0; {
		p := w.part(enter[0])
		n := w.run(enter, p)
		w.seqs.build(&w.groups[p], enter[:n])
		if len(copies) > 0 {
			w.dealOut(p, enter[:n])
		}
		enter = enter[n:]
	}
	if w.close != nil {
		w.close.registerAll(w.parts, w.spec.WindowEnd)
	}
	w.out.w, w.out.to = w, &Output{}
	w.evaluate()
	w.out.flush(true)
	w.enter = w.enter[:0]
	return nil
}

// dealOut computes the results of rows that have copies again. Together they are what
// they were: nothing is emitted.
func (w *overWindow) dealOut(p int32, rows []int32) {
	s := &w.groups[p]
	o := overReader{r: &w.reach, order: w.order, n: s.n, cur: seqCursor{a: &w.seqs, s: s}}
	for lo := 0; lo < len(rows); {
		hi := lo + 1
		for hi < len(rows) && w.order.compare(rows[lo], rows[hi]) == 0 {
			hi++
		}
		if hi > lo+1 {
			// One stretch at a time: what it goes on from may be the results of the last.
			w.evaluate()
			w.stretch(&o, p, int32(lo), int32(hi))
		}
		lo = hi
	}
}

var _ keeper = (*overWindow)(nil)
