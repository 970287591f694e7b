package exectest

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"streamdb/exec"
	"streamdb/planner"
	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/parser"
	"streamdb/sql/types"
)

var (
	seed   = flag.Uint64("seed", 1, "of the first history")
	seeds  = flag.Int("seeds", 12, "number of histories per query")
	epochs = flag.Int("epochs", 12, "number of epochs of a history")
)

// way is how a dataflow gets through a history.
type way struct {
	workers int
	chunk   int  // rows per chunk, 0 for all of an epoch
	cuts    bool // epochs are taken together
	saved   bool // the state is saved and restored after each epoch
}

var ways = []way{
	{workers: 1},
	{workers: 1, chunk: 1, saved: true},
	{workers: 2, chunk: 3, cuts: true},
	{workers: 4, cuts: true, saved: true},
}

// TestLaw holds the law for each query. With -short, as for the race detector, few histories go
// through several workers only.
func TestLaw(t *testing.T) {
	if testing.Short() {
		*seeds = min(*seeds, 2)
		ways = slices.DeleteFunc(ways, func(w way) bool { return w.workers == 1 })
	}
	text, err := os.ReadFile("testdata/queries.sql")
	if err != nil {
		t.Fatal(err)
	}
	cat := catalog.New()
	for _, sql := range tables {
		cat = define(t, cat, sql)
	}
	for _, q := range strings.Split(string(text), ";\n") {
		var lines []string
		for _, l := range strings.Split(q, "\n") {
			if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "--") {
				lines = append(lines, l)
			}
		}
		if len(lines) == 0 {
			continue
		}
		query := strings.Join(lines, " ")
		t.Run(query, func(t *testing.T) {
			plan := planOf(t, cat, query)
			for i := range *seeds {
				s := *seed + uint64(i)
				h := history(cat, rand.New(rand.NewPCG(s, 0)), *epochs)
				want := make([]contents, len(h))
				for e := range h {
					want[e] = once(t, plan, &h[e])
				}
				if !strings.Contains(query, "EMIT") && (strings.Contains(query, "now()") || strings.Contains(query, "local")) {
					samePrompt(t, cat, query, h, want)
				}
				for _, w := range ways {
					if !w.walk(t, plan, h, want, s) {
						return
					}
				}
			}
		})
	}
}

// define applies a DDL statement.
func define(t *testing.T, cat *catalog.Catalog, sql string) *catalog.Catalog {
	t.Helper()
	s, err := parser.ParseOne(sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	p, err := planner.New(cat, planner.Options{}).Statement(s.AST, nil)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	now, err := cat.With(p.(*planner.DDL).Changes...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return now
}

// planOf plans a query to be maintained.
func planOf(t *testing.T, cat *catalog.Catalog, query string) *physical.Plan {
	t.Helper()
	var names []string
	cat = define(t, cat, "CREATE MATERIALIZED VIEW the_view AS "+query)
	for _, d := range cat.All() {
		if names = append(names, d.Name); d.Name == "the_view" {
			p := &physical.Plan{}
			if err := json.Unmarshal(d.Query().Plan, p); err != nil {
				t.Fatal(err)
			}
			return p
		}
	}
	t.Fatalf("no view among %v", names)
	return nil
}

// contents is what has come out of a dataflow: its rows and dead letters as text, by weight.
type contents struct{ rows, dead map[string]int64 }

func newContents() contents { return contents{map[string]int64{}, map[string]int64{}} }

func (c contents) add(r *exec.Result) {
	for _, k := range r.Chunks {
		addRows(c.rows, k)
	}
	if r.Dead != nil {
		addRows(c.dead, r.Dead)
	}
}

func addRows(to map[string]int64, c *chunk.Chunk) {
	for i := range c.Rows {
		var sb strings.Builder
		for _, col := range c.Cols {
			if col.IsNull(i) {
				sb.WriteString("NULL|")
			} else {
				sb.Write(types.AppendText(nil, col.Type, col.Datum(i), types.DefaultSettings))
				sb.WriteByte('|')
			}
		}
		if to[sb.String()] += c.Weight(i); to[sb.String()] == 0 {
			delete(to, sb.String())
		}
	}
}

func text(m map[string]int64) string {
	var sb strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&sb, "\n    %+d %s", m[k], k)
	}
	return sb.String()
}

func run(t *testing.T, plan *physical.Plan, workers int) *exec.Dataflow {
	t.Helper()
	d, err := exec.New(plan, exec.Options{Workers: workers, Context: &expr.Ctx{}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// push feeds a table's rows to the scans that read it.
func push(t *testing.T, d *exec.Dataflow, rows map[catalog.ID]*chunk.Chunk, size int) {
	t.Helper()
	for i, s := range d.Scans() {
		c := rows[catalog.ID(s.Relation)]
		cols := make([]int, len(s.Columns))
		for k, id := range s.Columns {
			cols[k] = id - 1
		}
		n := size
		if n == 0 {
			n = max(c.Rows, 1)
		}
		for lo := 0; lo < c.Rows; lo += n {
			if err := d.Push(i, c.Slice(lo, min(lo+n, c.Rows)).Project(cols)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func flush(t *testing.T, d *exec.Dataflow, e *epoch) *exec.Result {
	t.Helper()
	marks, in := e.marks, exec.FlushInput{Time: e.time}
	for _, s := range d.Scans() {
		var m []int64
		if wm := marks[catalog.ID(s.Relation)]; wm != exec.NoWatermark {
			m = make([]int64, len(s.Columns))
			for k, id := range s.Columns {
				m[k] = exec.NoWatermark
				if id == 1 { // ts
					m[k] = wm
				}
			}
		}
		in.Watermarks = append(in.Watermarks, m)
	}
	r, err := d.Flush(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// once runs the plan over the rows that are there after an epoch.
func once(t *testing.T, plan *physical.Plan, e *epoch) contents {
	d, c := run(t, plan, 1), newContents()
	d.Begin(e.time)
	push(t, d, e.whole, 0)
	c.add(flush(t, d, e))
	return c
}

// samePrompt compares what the maintained plan gives, at each epoch's time, with what the
// statement gives at the prompt.
func samePrompt(t *testing.T, cat *catalog.Catalog, query string, h []epoch, want []contents) {
	t.Helper()
	s, err := parser.ParseOne(query)
	if err != nil {
		t.Fatal(err)
	}
	p, err := planner.New(cat, planner.Options{}).Statement(s.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	for e := range h {
		d, err := exec.New(p.(*planner.Query).Plan, exec.Options{Context: &expr.Ctx{Now: h[e].time, Statement: h[e].time}})
		if err != nil {
			t.Fatal(err)
		}
		push(t, d, h[e].whole, 0)
		c := newContents()
		c.add(flush(t, d, &h[e]))
		if g, x := text(want[e].rows), text(c.rows); g != x && len(c.dead) == 0 {
			t.Fatalf("epoch %d at %d: maintained%s\n  at the prompt%s", e, h[e].time, g, x)
		}
	}
}

// walk takes the plan through a history and compares after each flush. It reports whether
// all was well.
func (w way) walk(t *testing.T, plan *physical.Plan, h []epoch, want []contents, seed uint64) bool {
	rng := rand.New(rand.NewPCG(seed, 1))
	d, got := run(t, plan, w.workers), newContents()
	store := stateStore{}
	var wms []int64
	var held map[catalog.ID]*chunk.Chunk // of epochs that are taken together with the next
	for e := range h {
		delta := h[e].delta
		if held != nil {
			delta = together(held, delta)
			held = nil
		}
		if w.cuts && e+1 < len(h) && rng.IntN(2) == 0 {
			held = delta
			continue
		}
		if rng.IntN(4) > 0 {
			d.Begin(h[e].time)
		}
		push(t, d, delta, w.chunk)
		r := flush(t, d, &h[e])
		got.add(r)
		for _, m := range [][2]map[string]int64{{got.rows, want[e].rows}, {got.dead, want[e].dead}} {
			if g, x := text(m[0]), text(m[1]); g != x {
				t.Errorf("seed %d, %+v, epoch %d: got%s\n  want%s", seed, w, e, g, x)
				return false
			}
		}
		for i, wm := range r.Watermarks {
			if i < len(wms) && wm < wms[i] {
				t.Errorf("seed %d, %+v, epoch %d: watermark %d falls from %d to %d", seed, w, e, i, wms[i], wm)
				return false
			}
		}
		wms = r.Watermarks
		if w.saved && d.Keepable() {
			store.save(d)
			d = run(t, plan, w.workers)
			if err := d.LoadState(store.pieces); err != nil {
				t.Fatal(err)
			}
		}
	}
	return true
}

// together adds up two deltas, as a relation gives the changes of several epochs.
func together(a, b map[catalog.ID]*chunk.Chunk) map[catalog.ID]*chunk.Chunk {
	sum := map[catalog.ID]*chunk.Chunk{}
	for id := range a {
		sum[id] = chunk.Consolidate(chunk.Concat(a[id].Schema(), []*chunk.Chunk{a[id], b[id]}))
	}
	return sum
}

// stateStore is saved pieces of state, by encoded key.
type stateStore map[string][]byte

// save takes what has changed in d.
func (s stateStore) save(d *exec.Dataflow) {
	var set chunk.PieceSet
	d.SaveState(&set)
	_ = set.Each(func(k chunk.PieceKey, b []byte) error {
		if b == nil {
			delete(s, string(k.Append(nil)))
		} else {
			s[string(k.Append(nil))] = slices.Clone(b)
		}
		return nil
	})
}

// pieces is what LoadState reads.
func (s stateStore) pieces(fn func(k chunk.PieceKey, b []byte) error) error {
	for _, key := range slices.Sorted(maps.Keys(s)) {
		k, _ := chunk.DecodePieceKey([]byte(key))
		if err := fn(k, s[key]); err != nil {
			return err
		}
	}
	return nil
}
