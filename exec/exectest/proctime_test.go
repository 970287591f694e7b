package exectest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"streamdb/exec"
	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// TestProctime compares the times that rows get with those of a model: each row has the
// times of its arrivals, of which a retraction takes back the latest.
func TestProctime(t *testing.T) {
	cat := catalog.New()
	for _, sql := range tables {
		cat = define(t, cat, sql)
	}
	for table, query := range map[string]string{
		"m": "SELECT ts, k, v, PROCTIME() AS p FROM m", "e": "SELECT ts, k, v, PROCTIME() AS p FROM e WHERE v > 0",
	} {
		t.Run(query, func(t *testing.T) {
			plan := planOf(t, cat, query)
			for seed := range uint64(6) {
				for _, w := range []way{{workers: 1}, {workers: 1, chunk: 1, saved: true}, {workers: 2, chunk: 3, saved: true}, {workers: 4}} {
					w.arrivals(t, plan, history(cat, rand.New(rand.NewPCG(seed, 0)), 30), tableNamed(cat, table))
				}
			}
		})
	}
}

func tableNamed(cat *catalog.Catalog, name string) catalog.ID {
	for _, d := range cat.All() {
		if d.Name == name {
			return d.ID
		}
	}
	return 0
}

func (w way) arrivals(t *testing.T, plan *physical.Plan, h []epoch, table catalog.ID) {
	t.Helper()
	d, got, store := run(t, plan, w.workers), newContents(), stateStore{}
	model := map[string][]int64{}
	for e := range h {
		// Some rows come and go within the epoch, others go and come again: they were there
		// all the time.
		delta := maps.Clone(h[e].delta)
		if e > 0 && e%3 == 0 {
			delta[table] = chunk.Concat(delta[table].Schema(), []*chunk.Chunk{negated(h[e-1].whole[table], false), delta[table], negated(h[e-1].whole[table], true)})
			if plan.Nodes[0].AppendOnly {
				delta[table] = h[e].delta[table]
			}
		}
		d.Begin(h[e].time)
		push(t, d, delta, w.chunk)
		got.add(flush(t, d, &h[e]))
		arrive(model, chunk.Consolidate(h[e].delta[table]), h[e].time)
		if g, x := text(got.rows), text(stamped(model, strings.Contains(fmt.Sprint(plan.Nodes[1].Kind), "Filter"))); g != x {
			t.Fatalf("%+v, epoch %d: got%s\n  want%s", w, e, g, x)
		}
		if w.saved {
			store.save(d)
			d = run(t, plan, w.workers)
			if err := d.LoadState(store.pieces); err != nil {
				t.Fatal(err)
			}
		}
	}
	if d.CutAt(1, 2) != exec.CutEach {
		t.Error("entries may be taken together")
	}
}

// negated gives the rows of c with weights of the other sign, or the same.
func negated(c *chunk.Chunk, same bool) *chunk.Chunk {
	r := c.Clone()
	r.Weights = make([]int64, r.Rows)
	for i := range r.Weights {
		r.Weights[i] = -c.Weight(i)
		if same {
			r.Weights[i] = c.Weight(i)
		}
	}
	return r
}

func arrive(model map[string][]int64, c *chunk.Chunk, now int64) {
	for i := range c.Rows {
		var sb strings.Builder
		for _, col := range c.Cols {
			if col.IsNull(i) {
				sb.WriteString("NULL|")
			} else {
				sb.Write(append(types.AppendText(nil, col.Type, col.Datum(i), types.DefaultSettings), '|'))
			}
		}
		k := sb.String()
		for range c.Weight(i) {
			model[k] = append(model[k], now)
		}
		for range -c.Weight(i) {
			model[k] = model[k][:len(model[k])-1]
		}
	}
}

// stamped is the rows of the model with their times; positive leaves out those with v <= 0.
func stamped(model map[string][]int64, positive bool) map[string]int64 {
	r := map[string]int64{}
	for k, times := range model {
		v := strings.Split(k, "|")[2]
		if positive && (v == "NULL" || v[0] == '-' || v == "0") {
			continue
		}
		for _, at := range times {
			r[k+string(types.AppendText(nil, types.TimestampTZ, types.Datum{I: at}, types.DefaultSettings))+"|"]++
		}
	}
	return r
}
