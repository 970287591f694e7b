package exec

import (
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// overEval computes all calls of an over-window for batches of rows that lie in the
// order of their partitions.
type overEval struct {
	spec    *physical.OverWindow
	kernels []overKernel
	infos   []overCall
	by      *chunk.Comparator // the ORDER BY columns
	peers   bool              // peer groups matter
	reads   []int             // columns that are read, rising
}

// overCall says what kind of function a call is.
type overCall struct {
	window functions.WindowKind
	agg    functions.AggKind
	framed bool // it looks at its frame
}

func newOverEval(spec *physical.OverWindow, in chunk.Schema) (*overEval, error) {
	e := &overEval{spec: spec}
	keys := make([]chunk.SortKey, len(spec.Order))
	for i, o := range spec.Order {
		keys[i] = chunk.SortKey{Col: o.Col, Desc: o.Desc, NullsFirst: o.NullsFirst}
	}
	e.by = chunk.NewComparator(in, keys)
	read := make([]bool, len(in))
	note := func(c int) {
		if c >= 0 {
			read[c] = true
		}
	}
	for i := range spec.Calls {
		c := &spec.Calls[i]
		if err := e.add(i, c, in); err != nil {
			return nil, err
		}
		for _, a := range c.Args {
			note(a)
		}
		for _, a := range []int{c.Filter, c.Frame.Key, c.Frame.Start.Col, c.Frame.End.Col} {
			note(a)
		}
	}
	for _, o := range spec.Order {
		note(o.Col)
	}
	for i, r := range read {
		if r {
			e.reads = append(e.reads, i)
		}
	}
	return e, nil
}

// add makes the kernel of call i.
func (e *overEval) add(i int, c *physical.WindowCall, in chunk.Schema) error {
	f := functions.ByID(c.Fn)
	if f == nil || f.Window == functions.WindowNone && f.Agg.Kind == functions.AggNone {
		return sqlerr.New(sqlerr.InternalError, "plan names unknown window function %q", c.Fn)
	}
	info := overCall{window: f.Window, agg: f.Agg.Kind}
	var k overKernel
	switch f.Window {
	case functions.WindowNone:
		var err error
		if k, err = newOverAgg(i, c, f, in); err != nil {
			return err
		}
		info.framed = true
	case functions.WindowLag, functions.WindowLead:
		k = &overValue{call: i, kind: f.Window, spec: c}
	case functions.WindowFirstValue, functions.WindowLastValue, functions.WindowNthValue:
		k = &overValue{call: i, kind: f.Window, spec: c}
		info.framed = true
	default:
		k = &overRank{call: i, kind: f.Window, spec: c}
		e.peers = e.peers || f.Window != functions.WindowRowNumber && f.Window != functions.WindowNtile
	}
	if info.framed {
		e.peers = e.peers || needsPeers(&c.Frame)
	}
	e.kernels, e.infos = append(e.kernels, k), append(e.infos, info)
	return nil
}

// newOverAgg makes the kernel of an aggregate.
func newOverAgg(i int, c *physical.WindowCall, f *functions.Function, in chunk.Schema) (overKernel, error) {
	var args chunk.Schema
	for _, a := range c.Args {
		args = append(args, in[a])
	}
	var arg types.Type
	if len(args) > 0 {
		arg = args[0]
	}
	if k := newOverSum(c, f.Agg.Kind, arg); k != nil {
		return k, nil
	}
	if k := newOverSlide(c, f.Agg.Kind, arg); k != nil {
		return k, nil
	}
	switch f.Agg.Kind {
	case functions.AggMin, functions.AggMax:
		return &overExtreme{call: i, spec: c, max: f.Agg.Kind == functions.AggMax}, nil
	case functions.AggStringAgg, functions.AggArrayAgg, functions.AggJSONBAgg, functions.AggJSONBObjectAgg:
		b := newListBuilder(f.Agg.Kind, physical.AggCall{Fn: c.Fn, Type: c.Type}, args)
		return &overList{spec: c, nulls: f.Agg.KeepsNulls, builder: b}, nil
	}
	return nil, sqlerr.Unsupported("aggregate "+f.Name, 0)
}

func needsPeers(f *physical.Frame) bool {
	if f.Exclude == physical.ExcludeGroup || f.Exclude == physical.ExcludeTies || f.Mode == physical.FrameGroups {
		return true
	}
	return f.Mode == physical.FrameRange && (f.Start.Kind == physical.CurrentRow || f.End.Kind == physical.CurrentRow)
}

// eval returns one column per call, of b.outs rows.
func (e *overEval) eval(b *overBatch) []*chunk.Column {
	if e.peers {
		b.peers(e.by, len(e.spec.Order))
	}
	out := make([]*chunk.Column, len(e.kernels))
	frames := make([]*overFrames, len(e.kernels))
	for i, k := range e.kernels {
		f := &e.spec.Calls[i].Frame
		if e.infos[i].framed {
			for j := range i {
				if frames[j] != nil && e.spec.Calls[j].Frame == *f {
					frames[i] = frames[j]
				}
			}
			if frames[i] == nil {
				frames[i] = b.frames(f, e.spec.Order)
			}
		}
		out[i] = k.eval(b, frames[i])
		if frames[i] != nil && len(frames[i].errs) > 0 {
			out[i] = withErrors(out[i], frames[i].errs)
		}
	}
	return out
}

// withErrors returns c with errs in the place of values.
func withErrors(c *chunk.Column, errs []chunk.RowError) *chunk.Column {
	r := c.Clone()
	for _, e := range errs {
		if r.ErrAt(e.Row) == nil {
			setError(r, e)
			slices.SortFunc(r.Errs, func(a, b chunk.RowError) int { return a.Row - b.Row })
		}
	}
	return r
}
