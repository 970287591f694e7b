package exec

import (
	"fmt"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/functions"
	"streamdb/sql/types"
)

// projectSet emits, per input row, the input columns followed by the rows of its set
// functions, run in parallel.
type projectSet struct {
	spec   *physical.ProjectSet
	funcs  []setFunc
	schema chunk.Schema
	in     int // input columns
	ctx    *expr.Ctx
	series bool // see isSeries
}

type setFunc struct {
	args   []*expr.Program
	call   functions.Call
	typ    types.Type
	out    *chunk.Column
	counts []int32
	starts []int32
}

func newProjectSet(d *Dataflow, n *physical.Node, in chunk.Schema) (Operator, error) {
	p := &projectSet{spec: n.ProjectSet, schema: n.Schema, in: len(in), ctx: d.opts.Context}
	for _, f := range n.ProjectSet.Funcs {
		fn := functions.ByID(f.Fn)
		if fn == nil || fn.SetKernel == nil {
			return nil, fmt.Errorf("plan names unknown set function %q", f.Fn)
		}
		args, err := expr.CompileAll(f.Args)
		if err != nil {
			return nil, err
		}
		p.funcs = append(p.funcs, setFunc{args: args, typ: f.Type, call: functions.Call{Ctx: p.ctx, Fn: fn}})
	}
	p.series = p.isSeries()
	return p, nil
}

// Push emits the rows of each row of c. A row for which a function is an error is
// dead-lettered.
func (p *projectSet) Push(_ int, c *chunk.Chunk, out *Output) {
	if p.series && p.pushSeries(c, out) {
		return
	}
	total := make([]int32, c.Rows)
	bad := make(map[int]bool)
	for i := range p.funcs {
		for _, e := range p.funcs[i].run(c) {
			if !bad[e.Row] {
				bad[e.Row] = true
				out.deadRow(c, e.Row, e.Err)
			}
		}
		for r, n := range p.funcs[i].counts {
			total[r] = max(total[r], n)
		}
	}
	var from, ord []int32
	for r, n := range total {
		if bad[r] {
			total[r] = 0
			continue
		}
		if n == 0 && p.spec.Outer {
			from, ord = append(from, int32(r)), append(ord, -1)
		}
		for k := range n {
			from, ord = append(from, int32(r)), append(ord, k)
		}
	}
	for lo := 0; lo < len(from); lo += chunk.RowsMax {
		hi := min(lo+chunk.RowsMax, len(from))
		p.emit(c, from[lo:hi], ord[lo:hi], out)
	}
}

// run evaluates the function over c into out, counts and starts.
func (f *setFunc) run(c *chunk.Chunk) []chunk.RowError {
	f.call.Args = f.call.Args[:0]
	for _, a := range f.args {
		f.call.Args = append(f.call.Args, a.Eval(f.call.Ctx, c))
	}
	f.out = chunk.NewColumn(f.typ, c.Rows)
	f.call.Out = f.out
	f.counts = make([]int32, c.Rows)
	errs := f.call.RunSet(c.Rows, f.typ, f.counts)
	f.starts = f.starts[:0]
	at := int32(0)
	for _, n := range f.counts {
		f.starts = append(f.starts, at)
		at += n
	}
	return errs
}

// emit emits output rows: row ord[i] (-1: none) of input row from[i].
func (p *projectSet) emit(c *chunk.Chunk, from, ord []int32, out *Output) {
	r := c.Gather(from)
	r.Hash, r.HashCols = nil, nil
	for i := range p.funcs {
		f := &p.funcs[i]
		col := chunk.NewColumn(f.typ, len(from))
		col.Bytes = f.out.Bytes
		idx := make([]int32, len(from))
		null := chunk.NewBitmap(len(from))
		for k, row := range from {
			if ord[k] >= 0 && ord[k] < f.counts[row] {
				idx[k] = f.starts[row] + ord[k]
			} else {
				null.Set(k)
				idx[k] = 0
			}
		}
		if f.out.Len() == 0 {
			col = nullColumn(f.typ, len(from))
		} else {
			col = f.out.Gather(idx)
			if null.Any() {
				col.Nulls = col.Nulls.Or(null, len(from))
			}
		}
		r.Cols = append(r.Cols, col)
	}
	if p.spec.Ordinality {
		col := chunk.NewColumn(types.Int8, len(from))
		for k, o := range ord {
			col.Ints = append(col.Ints, int64(o)+1)
			if o < 0 {
				col.SetNull(k)
			}
		}
		col.Nulls = growIfSet(col.Nulls, len(from))
		r.Cols = append(r.Cols, col)
	}
	out.Emit(r)
}

func growIfSet(b chunk.Bitmap, n int) chunk.Bitmap {
	if b == nil {
		return nil
	}
	return b.Grow(n)
}

// Flush has nothing to emit.
func (p *projectSet) Flush(*FlushContext, *Output) {}
