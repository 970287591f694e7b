package nexmark

import (
	"slices"
	"testing"
)

// runnable is the queries that need nothing.
func runnable() []string {
	return slices.DeleteFunc(slices.Clone(All), func(q string) bool { return needs[q] != "" })
}

// Engine, loop and the evaluation in one go end with the same rows, whatever the
// rounds and the workers.
func TestAnswers(t *testing.T) {
	for _, seed := range []uint64{0, 7} {
		rounds, err := generate(int64(seed)*1000, 100_000, seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range runnable() {
			var want sum
			loops[q](rounds, &want)
			for _, workers := range []int{1, 3} {
				p, err := plan(q)
				if err != nil {
					t.Fatal(err)
				}
				got, err := finalSum(p, rounds, workers)
				if err != nil {
					t.Fatalf("%s: %v", q, err)
				}
				batch, err := batchSum(p, rounds)
				if err != nil {
					t.Fatalf("%s: %v", q, err)
				}
				if byClock[q] {
					batch = want
				}
				if got.print != want.print || got.print != batch.print {
					t.Errorf("%s seed %d workers %d: engine %v, loop %v, in one epoch %v", q, seed, workers, got.print, want.print, batch.print)
				}
			}
		}
	}
}
