package exec

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
	"streamdb/window"
)

// Sessions of random rows are held against their definition: the times of a key, sorted
// and cut where the gap is.

var clickSchema = chunk.Schema{types.Int4, types.Int8, types.Text}

const clickGap = 10

// clicks is a random multiset of rows (key, time, text).
type clicks struct {
	rng    *rand.Rand
	rows   []testRow
	keys   int64
	spread int64 // times lie in [low, low + spread)
	low    int64
	only   bool // rows never leave
}

// change makes n changes.
func (c *clicks) change(n int) *chunk.Chunk {
	d := chunk.New(clickSchema, 0)
	for range n {
		if !c.only && len(c.rows) > 0 && c.rng.Intn(5) < 2 {
			i := c.rng.Intn(len(c.rows))
			c.rows[i].append(d, -1)
			c.rows[i] = c.rows[len(c.rows)-1]
			c.rows = c.rows[:len(c.rows)-1]
			continue
		}
		r := testRow{k: c.rng.Int63n(c.keys+1) - 1, v: c.low + c.rng.Int63n(c.spread), s: string(rune('a' + c.rng.Intn(2)))}
		c.rows = append(c.rows, r)
		r.append(d, 1)
	}
	return d
}

// sessions returns the rows of each key by time, with their sessions.
func (c *clicks) sessions() (rows [][]testRow, bounds [][]window.Bounds) {
	byKey := map[int64][]testRow{}
	for _, r := range c.rows {
		byKey[r.k] = append(byKey[r.k], r)
	}
	for _, list := range byKey {
		slices.SortFunc(list, func(a, b testRow) int { return int(a.v - b.v) })
		times := make([]int64, len(list))
		for i, r := range list {
			times[i] = r.v
		}
		rows, bounds = append(rows, list), append(bounds, window.Session{Gap: clickGap}.Bounds(times, nil))
	}
	return rows, bounds
}

// sessionRows is what the table function shall give.
func sessionRows(c *clicks) result {
	want := result{}
	rows, bounds := c.sessions()
	for k := range rows {
		for i, r := range rows[k] {
			b := bounds[k][i]
			want[fmt.Sprintf("%s|%d|%d|%d", r, b.Start, b.End, b.End-1)]++
		}
	}
	return want
}

func sessionPlan(appendOnly bool, marks []int) *physical.Plan {
	return &physical.Plan{Version: 1, Nodes: []physical.Node{
		{Kind: physical.KindScan, Schema: clickSchema, AppendOnly: appendOnly, Watermarks: marks, Scan: &physical.Scan{Relation: 1, Columns: []int{1, 2, 3}}},
		{Kind: physical.KindExchange, Inputs: []int{0}, Schema: clickSchema, AppendOnly: appendOnly, Watermarks: marks,
			Exchange: &physical.Exchange{Kind: physical.ExchangeHash, Keys: []int{0}}},
		{Kind: physical.KindSession, Inputs: []int{1}, Schema: append(slices.Clone(clickSchema), types.Int8, types.Int8, types.Int8),
			SessionWindow: &physical.SessionWindow{Time: 1, Gap: clickGap, Partition: []int{0}, WindowTime: true}},
	}}
}

// runClicks feeds epochs of changes to a plan and compares what has come out with want.
func runClicks(t *testing.T, plan *physical.Plan, seed int64, c *clicks, want func(*clicks) result) {
	t.Helper()
	c.rng = rand.New(rand.NewSource(seed))
	d, err := New(plan, Options{Workers: 1 + int(seed%3), Context: &expr.Ctx{}})
	if err != nil {
		t.Fatal(err)
	}
	store := stateStore{}
	got := result{}
	for epoch := range 14 {
		if seed%4 == 1 {
			d = store.resumed(t, d)
		}
		n := c.rng.Intn(8)
		if epoch%5 == 4 {
			n = 300
		}
		if err := d.Push(0, c.change(n)); err != nil {
			t.Fatal(err)
		}
		r, err := d.Flush(FlushInput{Time: int64(epoch)})
		if err != nil {
			t.Fatal(err)
		}
		got.add(t, r.Chunks)
		if w := want(c); got.String() != w.String() {
			t.Fatalf("seed %d epoch %d:\n got %v\nwant %v", seed, epoch, got, w)
		}
	}
}

func TestSession(t *testing.T) {
	for seed := range int64(40) {
		runClicks(t, sessionPlan(false, nil), seed, &clicks{keys: 1 + seed%4, spread: []int64{40, 400, 6000}[seed%3]}, sessionRows)
	}
}

// TestSessionCloses moves on in time: what the watermark has passed is freed and stays
// emitted.
func TestSessionCloses(t *testing.T) {
	for seed := range int64(12) {
		closeClicks(t, sessionPlan(true, []int{1}), seed, sessionRows)
	}
}

func closeClicks(t *testing.T, plan *physical.Plan, seed int64, want func(*clicks) result) {
	t.Helper()
	c := &clicks{rng: rand.New(rand.NewSource(seed)), keys: 3, spread: 50, only: true}
	d, err := New(plan, Options{Workers: 1 + int(seed%3), Context: &expr.Ctx{}})
	if err != nil {
		t.Fatal(err)
	}
	store := stateStore{}
	got := result{}
	most := int64(0)
	for epoch := range 60 {
		if err := d.Push(0, c.change(10)); err != nil {
			t.Fatal(err)
		}
		if epoch%3 != 0 { // several epochs as one
			c.low += 10
			r, err := d.Flush(FlushInput{Time: int64(epoch), Watermarks: [][]int64{{NoWatermark, c.low, NoWatermark}}})
			if err != nil {
				t.Fatal(err)
			}
			got.add(t, r.Chunks)
			if w := want(c); got.String() != w.String() {
				t.Fatalf("seed %d epoch %d:\n got %v\nwant %v", seed, epoch, got, w)
			}
			if seed%4 == 1 {
				d = store.resumed(t, d)
			}
		}
		var n int64
		for _, s := range d.Stats() {
			n += s.StateKeys
		}
		most = max(most, n)
	}
	if most > 400 {
		t.Errorf("seed %d: %d rows kept of %d", seed, most, len(c.rows))
	}
}

// sessionAggPlan counts, sums and ranks texts per session, or the same over its rows.
func sessionAggPlan(marks []int) *physical.Plan {
	p := sessionPlan(true, marks)
	p.Nodes[2] = physical.Node{Kind: physical.KindAgg, Inputs: []int{1},
		Schema: chunk.Schema{types.Int8, types.Int4, types.Int8, types.Int8, types.Int8, types.Numeric, types.Int8, types.Int8},
		Agg: &physical.Agg{Group: []int{-1, 0, -1, -1}, WindowStart: 2, WindowEnd: 0, WindowTime: 4, Phase: physical.AggSingle,
			Session: &physical.SessionWindow{Time: 1, Gap: clickGap, WindowTime: true},
			Calls: []physical.AggCall{{Fn: "count_star", Type: types.Int8, Filter: -1}, {Fn: "sum_int8", Args: []int{1}, Type: types.Numeric, Filter: -1},
				{Fn: "min_int8", Args: []int{1}, Type: types.Int8, Filter: -1}, {Fn: "max_int8", Args: []int{1}, Type: types.Int8, Filter: -1}}}}
	return p
}

func sessionGroups(c *clicks) result {
	want := result{}
	rows, bounds := c.sessions()
	for k := range rows {
		for lo := 0; lo < len(rows[k]); {
			hi, sum, b := lo, int64(0), bounds[k][lo]
			for hi < len(rows[k]) && bounds[k][hi] == b {
				sum += rows[k][hi].v
				hi++
			}
			key := "NULL"
			if rows[k][lo].k >= 0 {
				key = fmt.Sprint(rows[k][lo].k)
			}
			want[fmt.Sprintf("%d|%s|%d|%d|%d|%d|%d|%d", b.End, key, b.Start, b.End-1, hi-lo, sum, b.Start, b.End-clickGap)]++
			lo = hi
		}
	}
	return want
}

func TestSessionAgg(t *testing.T) {
	for seed := range int64(40) {
		runClicks(t, sessionAggPlan(nil), seed, &clicks{keys: 1 + seed%4, spread: []int64{60, 2000, 30000}[seed%3], only: true}, sessionGroups)
	}
}

func TestSessionAggCloses(t *testing.T) {
	for seed := range int64(12) {
		closeClicks(t, sessionAggPlan([]int{1}), seed, sessionGroups)
	}
}
