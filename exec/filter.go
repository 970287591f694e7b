package exec

import (
	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
)

// filter keeps the rows for which its predicate is true.
type filter struct {
	prog *expr.Program
	ctx  *expr.Ctx
}

func newFilter(d *Dataflow, n *physical.Node) (Operator, error) {
	p, err := expr.Compile(n.Filter.Pred)
	if err != nil {
		return nil, err
	}
	return &filter{prog: p, ctx: d.opts.Context}, nil
}

// Push emits the rows that pass.
func (f *filter) Push(_ int, c *chunk.Chunk, out *Output) {
	sel, errs := f.prog.EvalFilter(f.ctx, c)
	for _, e := range errs {
		out.deadRow(c, e.Row, e.Err)
	}
	switch len(sel) {
	case 0:
	case c.Rows:
		out.Emit(c)
	default:
		out.Emit(c.Gather(sel))
	}
}

// Flush has nothing to emit.
func (f *filter) Flush(*FlushContext, *Output) {}

// project computes its output columns from its input's.
type project struct {
	progs  []*expr.Program // nil where the output is an input column
	cols   []int
	schema chunk.Schema
	ctx    *expr.Ctx
}

func newProject(d *Dataflow, n *physical.Node) (Operator, error) {
	p := &project{schema: n.Schema, ctx: d.opts.Context}
	for _, e := range n.Project.Exprs {
		if e.Op == expr.OpColumn {
			p.progs, p.cols = append(p.progs, nil), append(p.cols, e.Col)
			continue
		}
		prog, err := expr.Compile(e)
		if err != nil {
			return nil, err
		}
		p.progs, p.cols = append(p.progs, prog), append(p.cols, -1)
	}
	return p, nil
}

// Push emits one row per row of c.
func (p *project) Push(_ int, c *chunk.Chunk, out *Output) {
	r := &chunk.Chunk{Cols: make([]*chunk.Column, len(p.progs)), Rows: c.Rows, Weights: c.Weights}
	for i, prog := range p.progs {
		if prog == nil {
			r.Cols[i] = c.Cols[p.cols[i]]
		} else {
			r.Cols[i] = prog.Eval(p.ctx, c)
		}
		if r.Cols[i].Type != p.schema[i] {
			own := *r.Cols[i]
			r.Cols[i] = retyped(&own, p.schema[i])
		}
	}
	out.Emit(r)
}

// Flush has nothing to emit.
func (p *project) Flush(*FlushContext, *Output) {}

// values emits constant rows once, in the first epoch of the dataflow's life.
type values struct {
	d      *Dataflow
	rows   [][]*expr.Expr
	schema chunk.Schema
	done   bool
}

// Push is never called: a Values node has no input.
func (v *values) Push(int, *chunk.Chunk, *Output) {}

// Flush emits the rows if they have not left yet.
func (v *values) Flush(_ *FlushContext, out *Output) {
	if v.done {
		return
	}
	v.done = true
	c := chunk.New(v.schema, len(v.rows))
	for _, row := range v.rows {
		for i, e := range row {
			v.append(c.Cols[i], e)
		}
		c.Rows++
	}
	out.Emit(c)
}

func (v *values) append(col *chunk.Column, e *expr.Expr) {
	if e.Op == expr.OpConst {
		col.AppendDatum(*e.Val)
		return
	}
	d := types.NullDatum
	p, err := expr.Compile(e)
	if err == nil {
		d, err = p.EvalOne(v.d.opts.Context)
	}
	if err != nil {
		col.AppendError(err)
		return
	}
	col.AppendDatum(d)
}
