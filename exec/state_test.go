package exec

import (
	"errors"
	"maps"
	"math/rand"
	"slices"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
)

// stateStore is a store of saved pieces, by encoded key.
type stateStore map[string][]byte

// save takes what has changed in d.
func (s stateStore) save(d *Dataflow) {
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

// resumed returns a dataflow that goes on where d stands, by way of the store.
func (s stateStore) resumed(t *testing.T, d *Dataflow) *Dataflow {
	t.Helper()
	s.save(d)
	now, err := New(d.plan, d.opts)
	if err == nil {
		err = now.LoadState(s.pieces)
	}
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// allAggregates is a plan with every kind of accumulator, over retractions.
func allAggregates(t *testing.T) *physical.Plan {
	t.Helper()
	in := chunk.Schema{types.Int4, types.Int8, types.Text, types.Float8, types.Numeric}
	a := &physical.Agg{Group: []int{0}, Phase: physical.AggSingle, WindowStart: -1, WindowEnd: -1}
	corr := call(t, "corr", false, types.Float8, 3, types.Float8, types.Float8)
	corr.Args = []int{3, 3}
	list := call(t, "string_agg", false, types.Text, 2, types.Text, types.Text)
	list.Args, list.Const = []int{2, -1}, []*types.Datum{nil, {S: ","}}
	median := call(t, "percentile_cont", false, types.Float8, 3, types.Float8, types.Float8)
	median.Args, median.Const = []int{-1, 3}, []*types.Datum{{F: 0.5}}
	a.Calls = []physical.AggCall{median, call(t, "mode", false, types.Text, 2, types.Text),
		call(t, "min", false, types.Text, 2, types.Text), call(t, "max", false, types.Numeric, 4, types.Numeric),
		call(t, "sum", false, types.Float8, 3, types.Float8), call(t, "var_samp", false, types.Float8, 3, types.Float8),
		call(t, "sum", false, types.Numeric, 4, types.Numeric), call(t, "avg", false, types.Numeric, 4, types.Numeric),
		call(t, "stddev_pop", false, types.Numeric, 1, types.Int8), corr, call(t, "count", true, types.Int8, 2, types.Text), list}
	schema := chunk.Schema{types.Int4}
	for _, c := range a.Calls {
		schema = append(schema, c.Type)
	}
	return &physical.Plan{Version: 1, Nodes: []physical.Node{
		{Kind: physical.KindScan, Schema: in, Scan: &physical.Scan{Relation: 1, Columns: []int{1, 2, 3, 4, 5}}},
		{Kind: physical.KindExchange, Inputs: []int{0}, Schema: in, Exchange: &physical.Exchange{Kind: physical.ExchangeHash, Keys: a.Group}},
		{Kind: physical.KindAgg, Inputs: []int{1}, Schema: schema, Agg: a}}}
}

var numericTexts = []string{"1.5", "-3", "0.001", "12345678901234567890123.45", "NaN", "7"}

// wideRow appends a row for allAggregates.
func wideRow(c *chunk.Chunk, k, v, w int64) {
	c.Cols[0].AppendDatum(types.Datum{I: k})
	c.Cols[1].AppendDatum(types.Datum{I: v})
	c.Cols[2].AppendString(string(rune('a' + v%7)))
	c.Cols[3].AppendDatum(types.Datum{F: float64(v) * 1e-3})
	d, err := types.ParseText(types.Numeric, numericTexts[v%int64(len(numericTexts))], types.DefaultSettings)
	if err != nil {
		panic(err)
	}
	c.Cols[4].AppendDatum(d)
	c.Weights = append(c.Weights, w)
	c.Rows++
}

// TestStateOfAggregates runs every kind of accumulator twice, once through the store
// after each epoch: the results are the same.
func TestStateOfAggregates(t *testing.T) {
	plan := allAggregates(t)
	for _, workers := range []int{1, 3} {
		rng := rand.New(rand.NewSource(int64(workers)))
		opts := Options{Workers: workers, Context: &expr.Ctx{}}
		straight, err := New(plan, opts)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := New(plan, opts)
		if err != nil || !stored.Keepable() {
			t.Fatal(err, "is not keepable")
		}
		store := stateStore{}
		want, got := result{}, result{}
		var rows [][2]int64
		for epoch := range 60 {
			c := chunk.New(plan.Nodes[0].Schema, 0)
			for range rng.Intn(200) {
				if len(rows) > 0 && rng.Intn(5) < 2 {
					i := rng.Intn(len(rows))
					wideRow(c, rows[i][0], rows[i][1], -1)
					rows = slices.Delete(rows, i, i+1)
					continue
				}
				r := [2]int64{rng.Int63n(300), rng.Int63n(40)}
				wideRow(c, r[0], r[1], 1)
				rows = append(rows, r)
			}
			for d, sum := range map[*Dataflow]result{straight: want, stored: got} {
				if err := d.Push(0, c); err != nil {
					t.Fatal(err)
				}
				r, err := d.Flush(FlushInput{Time: int64(epoch)})
				if err != nil {
					t.Fatal(err)
				}
				sum.add(t, r.Chunks)
			}
			if got.String() != want.String() {
				t.Fatalf("epoch %d, %d workers: the state of the last epoch is not what was saved", epoch, workers)
			}
			if epoch%10 == 9 {
				stored.Unsave()
				clear(store)
			}
			stored = store.resumed(t, stored)
		}
	}
}

// TestBadState loads state with a bit flipped, or a piece lost: an error, or a dataflow,
// never a panic.
func TestBadState(t *testing.T) {
	plan := allAggregates(t)
	d, err := New(plan, Options{Context: &expr.Ctx{}})
	if err != nil {
		t.Fatal(err)
	}
	c := chunk.New(plan.Nodes[0].Schema, 0)
	for i := range int64(50) {
		wideRow(c, i%7, i, 1)
	}
	if err := d.Push(0, c); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Flush(FlushInput{}); err != nil {
		t.Fatal(err)
	}
	store := stateStore{}
	store.save(d)
	rng := rand.New(rand.NewSource(1))
	for _, key := range slices.Sorted(maps.Keys(store)) {
		whole := store[key]
		for i := range 10 {
			if delete(store, key); i > 0 && len(whole) > 0 {
				bad := slices.Clone(whole)
				bad[rng.Intn(min(len(bad), 400))] ^= 1 << rng.Intn(8)
				store[key] = bad
			}
			now, err := New(plan, Options{Context: &expr.Ctx{}})
			if err != nil {
				t.Fatal(err)
			}
			if err := now.LoadState(store.pieces); err != nil && !errors.Is(err, chunk.ErrCorrupt) {
				t.Fatalf("piece %x: %v", key, err)
			}
		}
		store[key] = whole
	}
}

// FuzzState loads one piece of an aggregation's state from any bytes.
func FuzzState(f *testing.F) {
	plan := &physical.Plan{Version: 1, Nodes: []physical.Node{scanNode(1),
		{Kind: physical.KindTopN, Inputs: []int{0}, Schema: rowSchema, TopN: &physical.TopN{Order: []physical.OrderKey{{Col: 1}}, Limit: 3}}}}
	d, err := New(plan, Options{Context: &expr.Ctx{}})
	if err != nil {
		f.Fatal(err)
	}
	c := chunk.New(rowSchema, 0)
	for i := range int64(9) {
		testRow{k: i % 3, v: i, s: "x"}.append(c, 1)
	}
	if err := d.Push(0, c); err != nil {
		f.Fatal(err)
	}
	if _, err := d.Flush(FlushInput{}); err != nil {
		f.Fatal(err)
	}
	store := stateStore{}
	store.save(d)
	keys := slices.Sorted(maps.Keys(store))
	for i, k := range keys {
		f.Add(i, store[k])
	}
	f.Fuzz(func(t *testing.T, i int, b []byte) {
		s := maps.Clone(store)
		s[keys[uint(i)%uint(len(keys))]] = b
		now, err := New(plan, Options{Context: &expr.Ctx{}})
		if err != nil {
			t.Fatal(err)
		}
		if err := now.LoadState(s.pieces); err != nil && !errors.Is(err, chunk.ErrCorrupt) {
			t.Fatal(err)
		}
	})
}
