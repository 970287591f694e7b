package exec

import (
	"math/rand"
	"testing"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/window"
)

// TestEmitEvery feeds random changes at random times: what has left is always the input as
// of the last entry that was the first past a multiple, through checkpoints and with a
// lagging dataflow that is flushed at its cuts only.
func TestEmitEvery(t *testing.T) {
	schema := rowSchema
	nodes := []physical.Node{
		scanNode(1),
		{Kind: physical.KindExchange, Inputs: []int{0}, Schema: schema, Exchange: &physical.Exchange{Kind: physical.ExchangeHash, Keys: []int{0}}},
		{Kind: physical.KindEmitEvery, Inputs: []int{1}, Schema: schema, EmitEvery: &physical.EmitEvery{Every: window.Every{Micros: 10}}},
	}
	plan := &physical.Plan{Version: physical.Version, Nodes: nodes}
	for seed := range int64(30) {
		rng := rand.New(rand.NewSource(seed))
		opts := Options{Workers: 1 + int(seed%3), Context: &expr.Ctx{}}
		step, err := New(plan, opts)
		if err != nil || !step.Keepable() {
			t.Fatal(err)
		}
		lag, err := New(plan, opts)
		if err != nil {
			t.Fatal(err)
		}
		store, in := stateStore{}, table{}
		input, shown, fromStep, fromLag := result{}, result{}, result{}, result{}
		now, due := int64(100), int64(NoTimer)
		for epoch := range 200 {
			prev := now
			now += 1 + rng.Int63n(7)
			if seed%5 == 1 && epoch > 0 {
				step = store.resumed(t, step)
				due = step.NextDue()
			}
			if in.delta = chunk.New(rowSchema, 0); rng.Intn(3) > 0 {
				in.change(rng, 4)
			}
			for _, d := range []*Dataflow{step, lag} {
				if err := d.Push(0, in.delta); err != nil {
					t.Fatal(err)
				}
			}
			input.add(t, []*chunk.Chunk{in.delta})
			last := FlushInput{Time: now, Prev: prev}
			if epoch == 0 || now/10 > prev/10 {
				shown = result{}
				for k, n := range input {
					shown[k] = n
				}
			}
			if in.delta.Rows > 0 || due <= now || epoch == 0 {
				r, err := step.Flush(last)
				if err != nil {
					t.Fatal(err)
				}
				fromStep.add(t, r.Chunks)
				if due = step.NextDue(); due <= now {
					t.Fatalf("seed %d: due at %d after a flush at %d", seed, due, now)
				}
			}
			if fromStep.String() != shown.String() {
				t.Fatalf("seed %d epoch %d time %d:\n got %v\nwant %v", seed, epoch, now, fromStep, shown)
			}
			if cut := lag.CutAt(prev, now); cut != CutNone || epoch == 0 || rng.Intn(4) == 0 {
				r, err := lag.Flush(last)
				if err != nil {
					t.Fatal(err)
				}
				fromLag.add(t, r.Chunks)
				if fromLag.String() != shown.String() {
					t.Fatalf("seed %d epoch %d time %d: lagging\n got %v\nwant %v", seed, epoch, now, fromLag, shown)
				}
			}
		}
		held := result{}
		held.add(t, step.Withheld())
		for k, n := range shown {
			if held[k] += n; held[k] == 0 {
				delete(held, k)
			}
		}
		if held.String() != input.String() {
			t.Fatalf("seed %d: shown and withheld are\n %v, not\n %v", seed, held, input)
		}
	}
}
