package streamdb

import (
	"testing"
	"time"
)

// TestPace holds what a dataflow's pace makes of its past: no clock is asked.
func TestPace(t *testing.T) {
	const ms = time.Millisecond
	type step struct {
		rows int64
		took time.Duration
	}
	for _, c := range []struct {
		what    string
		past    []step
		rows    int64
		slow    bool
		joining int64 // rows that may be applied within the slice
	}{
		{"nothing is known", nil, 1 << 16, false, joinRows},
		{"one delta of few rows was slow: a pause", []step{{10, 1000 * ms}}, 10, false, joinRows},
		{"two in a row: a join that explodes", []step{{10, 1000 * ms}, {9, 800 * ms}}, 10, true, 7},
		{"and so is anything larger", []step{{10, 1000 * ms}, {9, 800 * ms}}, 100, true, 7},
		{"but nothing smaller", []step{{10, 1000 * ms}, {9, 800 * ms}}, 2, false, 7},
		{"a single row", []step{{1, 100 * ms}, {1, 90 * ms}}, 1, true, 0},
		{"it was a pause", []step{{10, 1000 * ms}, {10, 1 * ms}, {10, 1 * ms}}, 10, false, joinRows},
		{"pauses with steps between them", []step{{10, 1000 * ms}, {10, 1 * ms}, {10, 1000 * ms}, {10, 1 * ms}}, 10, false, joinRows},
		{"larger ones have become fast", []step{{10, 1000 * ms}, {10, 900 * ms}, {100, 1 * ms}}, 10, false, joinRows},
		{"small steps say little of large ones", []step{{1, 1 * ms}, {1, 1 * ms}, {2, 1 * ms}}, 5000, false, joinRows},
		{"by the row", []step{{10_000, 100 * ms}}, 1000, false, 1023},
		{"by the row, too many", []step{{10_000, 100 * ms}}, 5000, true, 1023},
		{"by the row, and few are known to be fast", []step{{1000, 1000 * ms}, {100, ms}, {100, ms}}, 100, false, 127},
		{"by the row, one pause", []step{{10_000, 10 * ms}, {10_000, 100 * ms}}, 5000, false, 4095},
	} {
		var p pace
		for _, s := range c.past {
			p.learn(s.rows, s.took)
		}
		if got := p.estimate(c.rows) > slice; got != c.slow {
			t.Errorf("%s: %d rows are estimated as %v", c.what, c.rows, p.estimate(c.rows))
		}
		if got := p.within(slice, joinRows); got != c.joining {
			t.Errorf("%s: %d rows may join, want %d", c.what, got, c.joining)
		}
	}
}
