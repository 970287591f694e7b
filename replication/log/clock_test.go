package log

import (
	"testing"
	"time"
)

// handTime is a TimeSource moved by hand.
type handTime struct {
	wall time.Time
	mono time.Duration
}

func (h *handTime) Wall() time.Time          { return h.wall }
func (h *handTime) Monotonic() time.Duration { return h.mono }

func (h *handTime) pass(d time.Duration) {
	h.wall = h.wall.Add(d)
	h.mono += d
}

func TestClockRisesStrictly(t *testing.T) {
	src := &handTime{wall: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	c := NewClock(src, 0)
	first := c.Next()
	if got := TimeOf(first); got.Sub(src.wall).Abs() > time.Microsecond {
		t.Errorf("started at %v, wall is %v", got, src.wall)
	}
	for i := range 1000 {
		if i%3 == 0 {
			src.pass(300 * time.Nanosecond)
		}
		if next := c.Next(); next <= first {
			t.Fatalf("%d after %d", next, first)
		} else {
			first = next
		}
	}
}

func TestClockStartsAboveLastEntry(t *testing.T) {
	src := &handTime{wall: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	last := MicrosOf(src.wall.Add(time.Hour)) // The previous leader's clock was an hour ahead.
	c := NewClock(src, last)
	if got := c.Next(); got <= last || got > last+2 {
		t.Errorf("next is %d, last entry was %d", got, last)
	}
	src.pass(time.Minute)
	if gone := time.Duration(c.Now()-last) * time.Microsecond; gone < 56*time.Second || gone > 58*time.Second {
		t.Errorf("a minute of slewing back by a twentieth took %v", gone)
	}
}

// TestClockSlews steps the wall clock an hour ahead and looks how it is worked off, also when asked very often.
func TestClockSlews(t *testing.T) {
	for _, ask := range []time.Duration{7 * time.Microsecond, time.Second} {
		src := &handTime{wall: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		c := NewClock(src, 0)
		start := c.Next()
		src.wall = src.wall.Add(time.Hour)
		passed := max(200*ask, 7*time.Millisecond)
		for gone := time.Duration(0); gone < passed; gone += ask {
			src.pass(ask)
			c.Now()
		}
		got := time.Duration(c.Now()-start) * time.Microsecond
		want := passed + passed/slewDivisor
		if (got - want).Abs() > want/50 {
			t.Errorf("asked every %v: %v passed, clock went on by %v, want %v", ask, passed, got, want)
		}
	}
}
