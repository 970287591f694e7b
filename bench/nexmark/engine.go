package nexmark

import (
	"fmt"

	gen "streamdb/connector/nexmark"
	"streamdb/exec"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
)

// sum folds changes: every column of every row, with its weight. It does not depend on
// their order, and changes that cancel out leave nothing behind.
type sum struct {
	print   chunk.Hash128
	changes int64
}

func (s *sum) add(c *chunk.Chunk) {
	s.print = s.print.Add(chunk.Fingerprint(c), 1)
	s.changes += int64(c.Rows)
}

// engineRun is one run of a query on the engine.
type engineRun struct {
	d    *exec.Dataflow
	scan []scanInput
	sums []sum // per worker
	// clock is the time of the last round.
	clock int64
}

// scanInput is which table and columns a scan reads.
type scanInput struct {
	table gen.Table // empty for the side input
	cols  []int
	// time is the position of date_time among cols, -1 if it is not read.
	time int
}

func newEngineRun(p *planned, workers int) (*engineRun, error) {
	r := &engineRun{sums: make([]sum, max(workers, 1))}
	d, err := exec.New(p.plan, exec.Options{Workers: workers, Context: &expr.Ctx{}, Consume: func(w int, c *chunk.Chunk) { r.sums[w].add(c) }})
	if err != nil {
		return nil, err
	}
	r.d = d
	for _, s := range d.Scans() {
		in := scanInput{table: p.tables[s.Relation], time: -1}
		names := []string{"key", "value"}
		if s.Relation != p.side {
			names, _ = gen.Columns(in.table)
		}
		for i, id := range s.Columns {
			in.cols = append(in.cols, id-1)
			if names[id-1] == "date_time" {
				in.time = i
			}
		}
		r.scan = append(r.scan, in)
	}
	return r, nil
}

// run feeds the rounds, one epoch each, behind one with the side input if that is read.
func (r *engineRun) run(rounds []round) error {
	for i, in := range r.scan {
		if in.table != "" {
			continue
		}
		for _, c := range sideChunks() {
			if err := r.d.Push(i, c.Project(in.cols)); err != nil {
				return err
			}
		}
		if _, err := r.d.Flush(exec.FlushInput{}); err != nil {
			return err
		}
	}
	for _, rd := range rounds {
		if err := r.epoch(rd); err != nil {
			return err
		}
	}
	return nil
}

func (r *engineRun) epoch(rd round) error {
	now := rd.clock()
	r.d.Begin(now)
	marks := make([][]int64, len(r.scan))
	for i := range r.scan {
		in := &r.scan[i]
		for _, c := range rd[in.table] {
			if err := r.d.Push(i, c.Project(in.cols)); err != nil {
				return err
			}
		}
		marks[i] = in.watermarks(rd)
	}
	res, err := r.d.Flush(exec.FlushInput{Time: now, Prev: r.clock, Watermarks: marks})
	if err != nil {
		return err
	}
	r.clock = now
	if res.Dead != nil {
		return fmt.Errorf("%d rows are dead letters", res.Dead.Rows)
	}
	return nil
}

// watermarks returns the table's watermark after the round: its last event's time.
func (in *scanInput) watermarks(rd round) []int64 {
	cs := rd[in.table]
	if in.time < 0 || len(cs) == 0 {
		return nil
	}
	m := make([]int64, len(in.cols))
	for i := range m {
		m[i] = exec.NoWatermark
	}
	last := cs[len(cs)-1]
	m[in.time] = last.Cols[in.cols[in.time]].Ints[last.Rows-1]
	return m
}

// sum returns what all workers have put out.
func (r *engineRun) sum() sum {
	var s sum
	for i := range r.sums {
		s.print = s.print.Add(r.sums[i].print, 1)
		s.changes += r.sums[i].changes
	}
	return s
}

// finalSum runs a query over all rounds and returns the fingerprint of its changes,
// which is that of its final rows.
func finalSum(p *planned, rounds []round, workers int) (sum, error) {
	r, err := newEngineRun(p, workers)
	if err != nil {
		return sum{}, err
	}
	if err := r.run(rounds); err != nil {
		return sum{}, err
	}
	return r.sum(), nil
}

// batchSum evaluates a query over all rounds as one epoch.
func batchSum(p *planned, rounds []round) (sum, error) {
	all := make(round)
	for _, r := range rounds {
		for t, cs := range r {
			all[t] = append(all[t], cs...)
		}
	}
	return finalSum(p, []round{all}, 1)
}
