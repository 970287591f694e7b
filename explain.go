package streamdb

import (
	"context"

	"streamdb/exec"
	"streamdb/planner"
	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/wire/session"
)

// explain sends a plan: alone, with what its nodes did in a run of the statement, or with
// what the nodes of a running view or sink have done so far.
func (s *conn) explain(ctx context.Context, q *planner.Explain, p *portal, r session.Results) error {
	var actual []planner.Actual
	var summary [][2]any
	switch {
	case q.Analyze && q.Object != nil:
		stats, err := s.runningStats(q.Object)
		if err != nil {
			return err
		}
		actual = stats
	case q.Analyze:
		probe := &planProbe{plan: q.Plan}
		counted := &countingResults{Results: r}
		began := s.db.now()
		if err := s.executePlanned(context.WithValue(ctx, probeKey{}, probe), q.Target, p, counted); err != nil {
			return err
		}
		actual = probe.actual
		summary = append(summary, [2]any{"Rows", counted.rows})
		if q.Summary {
			summary = append(summary, [2]any{"Execution Time", float64(s.db.now()-began) / 1000})
		}
	}
	lines, err := q.Render(actual, summary)
	if err != nil {
		return err
	}
	rows := make([][]string, len(lines))
	for i, l := range lines {
		rows[i] = []string{l}
	}
	return s.textRows([]planner.Field{textField("QUERY PLAN")}, rows, "EXPLAIN", r)
}

// runningStats returns what the nodes of a view or sink have done since it was started.
func (s *conn) runningStats(d *catalog.Descriptor) ([]planner.Actual, error) {
	t, err := s.t.stored(d.ID)
	if err != nil {
		return nil, err
	}
	f := t.flow
	if f == nil {
		return nil, suspendedError(d.Name, nil)
	}
	s.db.core.mu.Lock()
	defer s.db.core.mu.Unlock()
	switch st, _, err := f.status(); st {
	case flowLive:
		return actuals(f.operators().run.Stats()), nil
	case flowSuspended:
		return nil, suspendedError(d.Name, err)
	}
	// Its operators are its fill's until then.
	return nil, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "%q is being filled", d.Name).
		WithHint("How far it is stands in streamdb.progress.")
}

func actuals(stats []exec.NodeStats) []planner.Actual {
	out := make([]planner.Actual, len(stats))
	for _, n := range stats {
		out[n.Node] = planner.Actual{Rows: n.Rows, Nanos: n.Nanos, StateBytes: n.StateBytes}
	}
	return out
}

// planProbe notes what the nodes of a plan do when a statement runs it.
type planProbe struct {
	plan   *physical.Plan
	actual []planner.Actual
}

// probeKey is the key of a *planProbe in a context.
type probeKey struct{}

// probeOf returns the probe that waits for a run of plan, nil if there is none.
func probeOf(ctx context.Context, plan *physical.Plan) *planProbe {
	if p, ok := ctx.Value(probeKey{}).(*planProbe); ok && p.plan == plan {
		return p
	}
	return nil
}

// countingResults swallows a result and counts its rows.
type countingResults struct {
	session.Results
	rows int64
}

// Fields swallows the columns.
func (c *countingResults) Fields([]session.Field) error { return nil }

// Chunk counts rows.
func (c *countingResults) Chunk(k *chunk.Chunk) error {
	for i := range k.Rows {
		c.rows += k.Weight(i)
	}
	return nil
}

// Complete swallows the tag.
func (c *countingResults) Complete(string) error { return nil }
