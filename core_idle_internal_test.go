package streamdb

import "testing"

// The watermark of a quiet relation rises in steps of the timeout, later in coarser ones;
// it never falls, is never ahead of the silence, and the next step is where it says.
func TestQuietSteps(t *testing.T) {
	const timeout = 7
	for _, c := range []struct{ silence, want int64 }{{0, 0}, {6, 0}, {7, 7}, {13, 7}, {14, 14}, {127 * 7, 127 * 7}, {128*7 + 13, 128 * 7}, {128*7 + 14, 130 * 7}} {
		if got := quietSteps(c.silence, timeout); got != c.want {
			t.Errorf("quietSteps(%d) = %d, want %d", c.silence, got, c.want)
		}
	}
	last, steps := int64(0), 0
	for silence := int64(0); silence < 200_000; silence++ {
		got := quietSteps(silence, timeout)
		if got < last || got > silence || silence >= stepsExact*timeout && silence-got > silence/(stepsExact/2) {
			t.Fatalf("quietSteps(%d) = %d after %d", silence, got, last)
		}
		if got != last {
			if due := last + quietStep(last, timeout); due != silence {
				t.Fatalf("step at %d, announced at %d", silence, due)
			}
			steps++
		}
		last = got
	}
	if steps > 128+64*9 {
		t.Errorf("%d steps", steps)
	}
}
