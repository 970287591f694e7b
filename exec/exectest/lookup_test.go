package exectest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"streamdb/exec"
	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// lookup is a lookup join of a table with u on k.
type lookup struct {
	query, left string
	shown       []int // columns of left
	right       []int // columns of u
	outer       bool
}

var lookups = []lookup{
	{"SELECT t.id, t.k, u.v, u.s FROM t LEFT JOIN u FOR SYSTEM_TIME AS OF PROCTIME() ON t.k = u.k", "t", []int{0, 1}, []int{1, 2}, true},
	{"SELECT m.k, m.v, u.s FROM m JOIN u FOR SYSTEM_TIME AS OF PROCTIME() ON m.k = u.k", "m", []int{1, 2}, []int{2}, false},
	{"SELECT e.ts, e.k, u.v, u.s FROM e LEFT JOIN u FOR SYSTEM_TIME AS OF PROCTIME() USING (k)", "e", []int{0, 1}, []int{1, 2}, true},
	{"SELECT q.k, q.v, u.s FROM (SELECT *, PROCTIME() AS p FROM m) q JOIN u FOR SYSTEM_TIME AS OF q.p AS u ON u.k = q.k", "m", []int{1, 2}, []int{2}, false},
}

// TestLookup compares lookup joins with a model: each copy of a left row has what it was
// given when it came, and takes that back when it goes.
func TestLookup(t *testing.T) {
	cat := catalog.New()
	for _, sql := range tables {
		cat = define(t, cat, sql)
	}
	for _, l := range lookups {
		t.Run(l.query, func(t *testing.T) {
			plan := planOf(t, cat, l.query)
			for seed := range uint64(6) {
				for _, w := range []way{{workers: 1}, {workers: 1, chunk: 1, saved: true}, {workers: 2, chunk: 3, saved: true}, {workers: 4}} {
					l.walk(t, plan, w, history(cat, rand.New(rand.NewPCG(seed, 0)), 30), cat)
				}
			}
		})
	}
}

func (l *lookup) walk(t *testing.T, plan *physical.Plan, w way, h []epoch, cat *catalog.Catalog) {
	t.Helper()
	left, right := tableNamed(cat, l.left), tableNamed(cat, "u")
	d, got, store := run(t, plan, w.workers), newContents(), stateStore{}
	given := map[string][][]string{}
	for e := range h {
		d.Begin(h[e].time)
		push(t, d, h[e].delta, w.chunk)
		got.add(flush(t, d, &h[e]))
		l.change(given, chunk.Consolidate(h[e].delta[left]), h[e].whole[right])
		want := map[string]int64{}
		for _, copies := range given {
			for _, rows := range copies {
				for _, r := range rows {
					want[r]++
				}
			}
		}
		if g, x := text(got.rows), text(want); g != x {
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
	cut := exec.CutEach
	if plan.Nodes[d.Scans()[0].Node].AppendOnly && l.left == "e" {
		cut = exec.CutChange // rows never go: only what changes u matters
	}
	if d.CutAt(1, 2) != cut || len(d.LookedUp()) > 0 != (cut == exec.CutChange) {
		t.Errorf("entries are cut by %d", d.CutAt(1, 2))
	}
}

// change applies an epoch's delta of the left side to the model.
func (l *lookup) change(given map[string][][]string, c, u *chunk.Chunk) {
	for i := range c.Rows {
		key := rowText(c, i, nil)
		for range c.Weight(i) {
			given[key] = append(given[key], l.joined(c, i, u))
		}
		for range -c.Weight(i) {
			given[key] = given[key][:len(given[key])-1]
		}
	}
}

// joined is what row i of c is given.
func (l *lookup) joined(c *chunk.Chunk, i int, u *chunk.Chunk) []string {
	k := slices.IndexFunc(c.Schema(), func(t types.Type) bool { return t.Kind == types.KindInt4 })
	if l.left == "t" {
		k = 1
	}
	var out []string
	for r := range u.Rows {
		if c.Cols[k].IsNull(i) || u.Cols[0].IsNull(r) || c.Cols[k].Ints[i] != u.Cols[0].Ints[r] {
			continue
		}
		for range u.Weight(r) {
			out = append(out, rowText(c, i, l.shown)+rowText(u, r, l.right))
		}
	}
	if out == nil && l.outer {
		out = append(out, rowText(c, i, l.shown)+strings.Repeat("NULL|", len(l.right)))
	}
	return out
}

// rowText is columns of row i of c, all of them for nil.
func rowText(c *chunk.Chunk, i int, cols []int) string {
	var sb strings.Builder
	for k, col := range c.Cols {
		if cols != nil && !slices.Contains(cols, k) {
			continue
		}
		if col.IsNull(i) {
			sb.WriteString("NULL|")
		} else {
			fmt.Fprintf(&sb, "%s|", types.AppendText(nil, col.Type, col.Datum(i), types.DefaultSettings))
		}
	}
	return sb.String()
}
