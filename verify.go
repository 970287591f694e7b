package streamdb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"streamdb/exec"
	"streamdb/planner"
	"streamdb/planner/physical"
	"streamdb/sql/ast"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/storage/relation"
	"streamdb/wire/session"
)

// verifyFields is the columns of VERIFY MATERIALIZED VIEW.
var verifyFields = []planner.Field{
	textField("materialized_view"), {Name: "epoch", Type: types.Int8}, textField("result"), {Name: "rows", Type: types.Int8},
	textField("fingerprint"), textField("recomputed"), textField("detail"),
}

// verify computes a materialized view once more, from its inputs as of one epoch, and
// compares fingerprints. A difference is an error.
func (s *conn) verify(ctx context.Context, st *ast.Verify, r session.Results) error {
	d, err := s.t.cat.Object(s.resolvedPath(s.t.cat), catalog.Name{Schema: st.Name.Schema, Name: st.Name.Name}, catalog.KindMatView)
	if err != nil {
		return sqlerr.As(err).At(st.Name.Loc())
	}
	t, err := s.t.stored(d.ID)
	if err != nil {
		return err
	}
	v := &verification{db: s.db, ctx: ctx, t: t}
	if err := v.run(); err != nil {
		return err
	}
	if err := r.Fields(wireFields(verifyFields)); err != nil {
		return err
	}
	c := chunk.New(chunk.Schema{types.Text, types.Int8, types.Text, types.Int8, types.Text, types.Text, types.Text}, 1)
	c.Cols[0].AppendString(d.Name)
	c.Cols[1].AppendDatum(types.Datum{I: int64(v.epoch)})
	c.Cols[2].AppendString(v.result)
	c.Cols[3].AppendDatum(types.Datum{I: v.rows})
	c.Cols[4].AppendString(v.have.String())
	c.Cols[5].AppendString(v.want.String())
	c.Cols[6].AppendString(v.detail)
	c.Rows = 1
	if err := r.Chunk(c); err != nil {
		return err
	}
	if v.result == "not stored" {
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "materialized view %q cannot be verified at epoch %d: %s", d.Name, v.epoch, v.detail).
			WithDetail("The query over the rows that are stored gives another result, as it must: the view keeps what it has made of the others.")
	}
	if v.result == "different" {
		return sqlerr.New(sqlerr.DataCorrupted, "materialized view %q differs from its query at epoch %d", d.Name, v.epoch).WithDetail("%s", v.detail)
	}
	return r.Complete("VERIFY")
}

// verification is one run of VERIFY.
type verification struct {
	db  *DB
	ctx context.Context
	t   *stored

	epoch      relation.Epoch
	rows       int64
	held       int64 // rows that EMIT EVERY withholds
	have, want chunk.Hash128
	gone       string // rows that are no longer stored
	result     string // equal, different, history, not stored
	detail     string

	plan   *physical.Plan
	inputs []flowInput
	until  []int64   // of a source that keeps no rows
	late   [][]int64 // its late rows
	marks  [][]int64
	snaps  []*relation.Snapshot
	time   int64
}

func (v *verification) run() error {
	if err := v.t.flow.ready(v.ctx); err != nil {
		return err
	}
	if err := v.freeze(); err != nil {
		return err
	}
	if v.detail = historyOf(v.plan); v.detail != "" {
		v.result, v.want = "history", v.have
		return nil
	}
	run, err := v.recompute()
	if err != nil {
		return err
	}
	delta := chunk.Consolidate(run)
	v.want = chunk.Fingerprint(delta)
	switch {
	case v.have == v.want:
		v.result = "equal"
		if v.held > 0 {
			v.detail = fmt.Sprintf("with %d changes that EMIT EVERY withholds", v.held)
		}
	case v.gone != "":
		v.result, v.detail = "not stored", v.gone
	default:
		v.result = "different"
		v.detail = fmt.Sprintf("the view has %d rows with fingerprint %s, its query gives %d distinct rows with fingerprint %s",
			v.rows, v.have, delta.Rows, v.want)
	}
	return nil
}

// historyOf names the operator of a plan by which its result depends on when its rows came,
// "" for none: no second run can come to the same.
func historyOf(plan *physical.Plan) string {
	for i := range plan.Nodes {
		switch plan.Nodes[i].Kind {
		case physical.KindProctime:
			return fmt.Sprintf("not recomputed: node %d, Proctime, gives each row the time at which it arrived", i)
		case physical.KindLookupJoin:
			return fmt.Sprintf("not recomputed: node %d, LookupJoin, joins each row with what the other side was when it arrived", i)
		}
	}
	return ""
}

// freeze takes snapshots of the view and its inputs at the engine's newest epoch.
func (v *verification) freeze() error {
	c := v.db.core
	c.mu.Lock()
	defer c.mu.Unlock()
	f := v.t.flow
	if !f.is(flowLive) {
		return suspendedError(v.t.desc.Name, errors.New("it is not at the head"))
	}
	v.epoch, v.time = c.epoch, c.time
	v.t = f.out
	out := v.t.rel.Newest()
	v.rows, v.have = out.Rows(), out.Fingerprint()
	f = f.operators()
	v.plan, v.inputs = f.plan, slices.Clone(f.inputs)
	for _, held := range f.run.Withheld() {
		v.have = v.have.Add(chunk.Fingerprint(held), 1)
		v.held += int64(held.Rows)
	}
	v.marks = f.watermarks()
	v.gone = f.notStored()
	for i := range f.inputs {
		in := &f.inputs[i]
		if in.rows() == nil {
			src := in.rel.source
			v.snaps, v.until, v.late = append(v.snaps, nil), append(v.until, src.offset), append(v.late, src.late)
			continue
		}
		v.snaps, v.until, v.late = append(v.snaps, in.rows().Newest()), append(v.until, 0), append(v.late, nil)
	}
	return nil
}

// recompute runs the plan once over the frozen inputs.
func (v *verification) recompute() (*chunk.Chunk, error) {
	settings, err := settingsOf(v.plan.Settings)
	if err != nil {
		return nil, err
	}
	run, err := exec.New(v.plan, exec.Options{Workers: 1, Context: &expr.Ctx{Settings: settings}})
	if err != nil {
		return nil, err
	}
	run.Begin(v.time)
	for i := range v.inputs {
		in := &v.inputs[i]
		push := func(c *chunk.Chunk) error {
			if v.ctx.Err() != nil {
				return context.Cause(v.ctx)
			}
			return run.Push(i, c)
		}
		if v.snaps[i] != nil {
			err = in.scanAll(v.snaps[i], push)
		} else {
			err = in.rel.source.accepted(v.late[i], v.t.beginOf(in.rel), v.until[i], in.cols, push)
		}
		if err != nil {
			return nil, err
		}
	}
	r, err := run.Flush(exec.FlushInput{Time: v.time, Prev: v.time, Watermarks: v.marks})
	if err != nil {
		return nil, err
	}
	all := chunk.New(v.t.schema(), 0)
	for _, c := range r.Chunks {
		all.AppendRows(c, nil)
	}
	return all, nil
}
