package exec

import (
	"fmt"
	"math/rand"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
)

// The over-window that keeps its results up to date is held against the one that runs
// once, over random rows, functions, frames and changes.

// overCols is the input: a partition, an order column with few values, a bound below and
// one above it for RANGE, values of several types, and a filter.
var overCols = chunk.Schema{types.Int4, types.Int8, types.Int8, types.Int8, types.Int8, types.Numeric, types.Float8, types.Text, types.Bool}

const (
	ovPart = iota
	ovOrder
	ovLow
	ovHigh
	ovInt
	ovNum
	ovFloat
	ovText
	ovBool
)

type overRow struct {
	part, order, v, n, f, s int // -1: NULL
	ok                      bool
}

func (r overRow) append(c *chunk.Chunk, desc bool, w int64) {
	put := func(i, v int, d types.Datum) {
		if v < 0 {
			d = types.NullDatum
		}
		c.Cols[i].AppendDatum(d)
	}
	low, high := int64(r.order-1), int64(r.order+2)
	if desc {
		low, high = int64(r.order+1), int64(r.order-2)
	}
	put(ovPart, r.part, types.Datum{I: int64(r.part)})
	put(ovOrder, r.order, types.Datum{I: int64(r.order)})
	put(ovLow, r.order, types.Datum{I: low})
	put(ovHigh, r.order, types.Datum{I: high})
	put(ovInt, r.v, types.Datum{I: int64(r.v)})
	put(ovNum, r.n, types.Datum{N: types.Num{Coef: int64(r.n), Scale: int32(r.n % 3)}})
	put(ovFloat, r.f, types.Datum{F: float64(r.f) / 4})
	put(ovText, r.s, types.Datum{S: string(rune('a' + r.s))})
	put(ovBool, 0, types.Datum{I: int64(b2i(r.ok))})
	c.Weights = append(c.Weights, w)
	c.Rows++
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func randomOverRow(rng *rand.Rand) overRow {
	some := func(n int) int { return rng.Intn(n+1) - 1 }
	return overRow{part: some(3), order: some(6), v: some(9), n: some(7), f: some(9), s: some(3), ok: rng.Intn(3) > 0}
}

func count64(n int64) *int64 { return &n }

// overCallOf makes random calls.
func overCallOf(rng *rand.Rand, desc bool) physical.WindowCall {
	calls := []physical.WindowCall{
		{Fn: "row_number", Type: types.Int8}, {Fn: "rank", Type: types.Int8}, {Fn: "dense_rank", Type: types.Int8},
		{Fn: "percent_rank", Type: types.Float8}, {Fn: "cume_dist", Type: types.Float8},
		{Fn: "ntile", Type: types.Int4, Args: []int{-1}, Const: []*int64{count64(3)}},
		{Fn: "lag", Type: types.Text, Args: []int{ovText}},
		{Fn: "lag_offset", Type: types.Int8, Args: []int{ovInt, -1}, Const: []*int64{nil, count64(int64(rng.Intn(5) - 1))}},
		{Fn: "lead_offset", Type: types.Int8, Args: []int{ovInt, -1}, Const: []*int64{nil, count64(2)}},
		{Fn: "lead_default", Type: types.Int8, Args: []int{ovInt, -1, ovOrder}, Const: []*int64{nil, count64(1), nil}},
		{Fn: "first_value", Type: types.Text, Args: []int{ovText}}, {Fn: "last_value", Type: types.Int8, Args: []int{ovInt}},
		{Fn: "nth_value", Type: types.Int8, Args: []int{ovInt, -1}, Const: []*int64{nil, count64(2)}},
		{Fn: "count_star", Type: types.Int8}, {Fn: "count", Type: types.Int8, Args: []int{ovInt}},
		{Fn: "sum_int8", Type: types.Numeric, Args: []int{ovInt}}, {Fn: "avg_int8", Type: types.Numeric, Args: []int{ovInt}},
		{Fn: "sum_numeric", Type: types.Numeric, Args: []int{ovNum}}, {Fn: "avg_numeric", Type: types.Numeric, Args: []int{ovNum}},
		{Fn: "sum_float8", Type: types.Float8, Args: []int{ovFloat}}, {Fn: "stddev_float8", Type: types.Float8, Args: []int{ovFloat}},
		{Fn: "var_pop_int8", Type: types.Numeric, Args: []int{ovInt}},
		{Fn: "min_int8", Type: types.Int8, Args: []int{ovInt}}, {Fn: "max_numeric", Type: types.Numeric, Args: []int{ovNum}},
		{Fn: "max_text", Type: types.Text, Args: []int{ovText}}, {Fn: "min_float8", Type: types.Float8, Args: []int{ovFloat}},
		{Fn: "bool_or", Type: types.Bool, Args: []int{ovBool}}, {Fn: "bit_or_int8", Type: types.Int8, Args: []int{ovInt}},
		{Fn: "corr", Type: types.Float8, Args: []int{ovFloat, ovFloat}}, {Fn: "regr_count", Type: types.Int8, Args: []int{ovFloat, ovFloat}},
		{Fn: "array_agg", Type: types.ArrayOf(types.Text), Args: []int{ovText}},
	}
	c := calls[rng.Intn(len(calls))]
	c.Filter = -1
	if len(c.Fn) > 3 && c.Fn[:3] == "sum" && rng.Intn(3) == 0 {
		c.Filter = ovBool
	}
	c.Frame = randomFrame(rng)
	return c
}

func randomFrame(rng *rand.Rand) physical.Frame {
	f := physical.Frame{Mode: physical.FrameRange, Key: -1}
	f.Start = physical.FrameBound{Kind: physical.UnboundedPreceding, Col: -1}
	f.End = physical.FrameBound{Kind: physical.CurrentRow, Col: -1}
	if rng.Intn(3) == 0 {
		return f
	}
	kinds := []physical.BoundKind{physical.UnboundedPreceding, physical.OffsetPreceding, physical.CurrentRow, physical.OffsetFollowing, physical.UnboundedFollowing}
	f.Mode = []physical.FrameMode{physical.FrameRows, physical.FrameRange, physical.FrameGroups}[rng.Intn(3)]
	from := rng.Intn(4)
	to := max(1, from) + rng.Intn(5-max(1, from))
	f.Start.Kind, f.End.Kind = kinds[from], kinds[to]
	f.Start.Offset, f.End.Offset = int64(rng.Intn(3)), int64(rng.Intn(3))
	if f.Mode == physical.FrameRange && (f.Start.HasOffset() || f.End.HasOffset()) {
		f.Key, f.Start.Col, f.End.Col = ovOrder, -1, -1
		for _, b := range []*physical.FrameBound{&f.Start, &f.End} {
			b.Offset = 0
			switch b.Kind {
			case physical.OffsetPreceding:
				b.Col = ovLow
			case physical.OffsetFollowing:
				b.Col = ovHigh
			}
		}
	}
	if rng.Intn(5) == 0 {
		f.Exclude = []physical.Exclusion{physical.ExcludeCurrentRow, physical.ExcludeGroup, physical.ExcludeTies}[rng.Intn(3)]
	}
	return f
}

func overPlan(rng *rand.Rand) (plan *physical.Plan, desc bool) {
	desc = rng.Intn(3) == 0
	w := &physical.OverWindow{WindowEnd: -1}
	if rng.Intn(4) > 0 {
		w.Partition = []int{ovPart}
	}
	w.Order = []physical.OrderKey{{Col: ovOrder, Desc: desc, NullsFirst: rng.Intn(2) == 0}}
	schema := overCols[:len(overCols):len(overCols)]
	for range 1 + rng.Intn(2) {
		c := overCallOf(rng, desc)
		w.Calls = append(w.Calls, c)
		schema = append(schema, c.Type)
	}
	x := &physical.Exchange{Kind: physical.ExchangeSingle}
	if len(w.Partition) > 0 {
		x = &physical.Exchange{Kind: physical.ExchangeHash, Keys: w.Partition}
	}
	cols := make([]int, len(overCols))
	for i := range cols {
		cols[i] = i + 1
	}
	return &physical.Plan{Version: physical.Version, Nodes: []physical.Node{
		{Kind: physical.KindScan, Schema: overCols, Scan: &physical.Scan{Relation: 1, Columns: cols}},
		{Kind: physical.KindExchange, Inputs: []int{0}, Schema: overCols, Exchange: x},
		{Kind: physical.KindOverWindow, Inputs: []int{1}, Schema: schema, OverWindow: w}}}, desc
}

func TestOverWindowIncremental(t *testing.T) {
	seeds := int64(1200)
	if testing.Short() {
		seeds = 300
	}
	for seed := range seeds {
		runOverWindow(t, seed)
		if t.Failed() {
			return
		}
	}
}

func runOverWindow(t *testing.T, seed int64) {
	rng := rand.New(rand.NewSource(seed))
	plan, desc := overPlan(rng)
	d, err := New(plan, Options{Workers: 1 + rng.Intn(2), Context: &expr.Ctx{}})
	if err != nil {
		t.Fatal(err)
	}
	epochs := 10
	if seed%10 == 0 {
		epochs = 5
	}
	var rows []overRow
	got := result{}
	store := stateStore{}
	for epoch := range epochs {
		if epoch > 0 && rng.Intn(3) == 0 {
			d = store.resumed(t, d)
		}
		delta := chunk.New(overCols, 0)
		n := rng.Intn(8)
		if epoch == 0 || rng.Intn(6) == 0 {
			n = 60
			if seed%10 == 0 {
				n = 900 // more than a leaf of the order holds
			}
		}
		for range n {
			if len(rows) > 0 && rng.Intn(5) < 2 {
				i := rng.Intn(len(rows))
				rows[i].append(delta, desc, -1)
				rows[i] = rows[len(rows)-1]
				rows = rows[:len(rows)-1]
				continue
			}
			r := randomOverRow(rng)
			if len(rows) > 0 && rng.Intn(4) == 0 {
				r = rows[rng.Intn(len(rows))]
			}
			rows = append(rows, r)
			r.append(delta, desc, 1)
		}
		if rng.Intn(15) == 0 {
			for _, r := range rows {
				r.append(delta, desc, -1)
			}
			rows = nil
		}
		if err := d.Push(0, delta); err != nil {
			t.Fatal(err)
		}
		r, err := d.Flush(FlushInput{Time: int64(epoch)})
		if err != nil {
			t.Fatalf("seed %d epoch %d: %v\n%s", seed, epoch, err, overSpecText(plan))
		}
		got.add(t, r.Chunks)
		want := overOnceResult(t, plan, rows, desc)
		if got.String() != want.String() {
			t.Fatalf("seed %d epoch %d: %s\n%v", seed, epoch, overSpecText(plan), difference(got, want))
		}
	}
}

func overSpecText(plan *physical.Plan) string { return fmt.Sprintf("%+v", *plan.Nodes[2].OverWindow) }

// overOnceResult computes the plan once over rows.
func overOnceResult(t *testing.T, plan *physical.Plan, rows []overRow, desc bool) result {
	t.Helper()
	once, err := New(plan, Options{Strict: true, Context: &expr.Ctx{}})
	if err != nil {
		t.Fatal(err)
	}
	all := chunk.New(overCols, 0)
	for _, r := range rows {
		r.append(all, desc, 1)
	}
	if err := once.Push(0, all); err != nil {
		t.Fatal(err)
	}
	r, err := once.Flush(FlushInput{})
	if err != nil {
		t.Fatal(err)
	}
	want := result{}
	want.add(t, r.Chunks)
	return want
}

// difference is what got has too much (+) and too little (-).
func difference(got, want result) result {
	d := result{}
	for s, n := range got {
		d[s] += n
	}
	for s, n := range want {
		if d[s] -= n; d[s] == 0 {
			delete(d, s)
		}
	}
	for s, n := range d {
		if n == 0 {
			delete(d, s)
		}
	}
	return d
}

// TestOverWindowCloses holds that partitions of closed windows are freed, and that what
// comes afterwards in the slots that they had is right.
func TestOverWindowCloses(t *testing.T) {
	in := chunk.Schema{types.Timestamp, types.Int8}
	frame := physical.Frame{Mode: physical.FrameRange, Key: -1, Start: physical.FrameBound{Kind: physical.UnboundedPreceding, Col: -1},
		End: physical.FrameBound{Kind: physical.CurrentRow, Col: -1}}
	spec := &physical.OverWindow{Partition: []int{0}, Order: []physical.OrderKey{{Col: 1}}, WindowEnd: 0, Calls: []physical.WindowCall{
		{Fn: "row_number", Type: types.Int8, Filter: -1, Frame: frame}, {Fn: "sum_int8", Args: []int{1}, Type: types.Numeric, Filter: -1, Frame: frame}}}
	plan := &physical.Plan{Version: physical.Version, Nodes: []physical.Node{
		{Kind: physical.KindScan, Schema: in, AppendOnly: true, Watermarks: []int{0}, Scan: &physical.Scan{Relation: 1, Columns: []int{1, 2}}},
		{Kind: physical.KindOverWindow, Inputs: []int{0}, Schema: append(in[:2:2], types.Int8, types.Numeric), OverWindow: spec}}}
	d, err := New(plan, Options{Context: &expr.Ctx{}})
	if err != nil {
		t.Fatal(err)
	}
	got, want := result{}, result{}
	for epoch := range int64(50) {
		c := chunk.New(in, 0)
		sum := int64(0)
		for i := range int64(4) {
			c.Cols[0].Ints = append(c.Cols[0].Ints, epoch*10)
			c.Cols[1].Ints = append(c.Cols[1].Ints, i/2) // every row twice
			c.Rows++
		}
		for i := range int64(4) {
			sum += i / 2
			peers := map[int64]int64{0: 0, 1: 2}[i/2]
			end := string(types.AppendText(nil, types.Timestamp, types.Datum{I: epoch * 10}, types.DefaultSettings))
			want[fmt.Sprintf("%s|%d|%d|%d", end, i/2, i+1, peers)]++
		}
		if err := d.Push(0, c); err != nil {
			t.Fatal(err)
		}
		r, err := d.Flush(FlushInput{Watermarks: [][]int64{{epoch*10 - 25, NoWatermark}}})
		if err != nil {
			t.Fatal(err)
		}
		got.add(t, r.Chunks)
		if keys := d.Stats()[1].StateKeys; keys > 12 {
			t.Fatalf("epoch %d: %d rows are kept", epoch, keys)
		}
	}
	if got.String() != want.String() {
		t.Errorf("differs: %v", difference(got, want))
	}
}
