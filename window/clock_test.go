package window

import (
	"math/rand/v2"
	"testing"
	"time"

	"streamdb/sql/types"
)

func instantOf(t *testing.T, s string) int64 {
	t.Helper()
	us, err := types.ParseTimestamp(s, types.DefaultSettings)
	if err != nil {
		t.Fatal(err)
	}
	return us
}

// monthAgo is now() - interval '1 month' in a zone.
func monthAgo(z *time.Location) *Clock {
	return &Clock{Steps: []ClockOp{{Step: ClockAddInstant, Zone: z}}, Add: []types.Interval{{Months: -1}}}
}

// TestMonthAgo: a row of February 28th, noon, is younger than a month until March 28th,
// noon, and again in the mornings of the days to March 31st, as PostgreSQL has it.
func TestMonthAgo(t *testing.T) {
	c := monthAgo(nil)
	n, want := instantOf(t, "2023-03-01 00:00:00"), []string{
		"2023-03-28 12:00:00", "2023-03-29 00:00:00", "2023-03-29 12:00:00", "2023-03-30 00:00:00", "2023-03-30 12:00:00",
		"2023-03-31 00:00:00", "2023-03-31 12:00:00",
	}
	for i, w := range want {
		holds, next := c.Holds(n, Less, instantOf(t, "2023-02-28 12:00:00"))
		if holds != (i%2 == 0) || next != instantOf(t, w) {
			t.Fatalf("at %s: %v until %s, want %s", stamp(n), holds, stamp(next), w)
		}
		n = next
	}
	if holds, next := c.Holds(n, Less, instantOf(t, "2023-02-28 12:00:00")); holds || next != Never {
		t.Fatalf("at the end: %v until %s", holds, stamp(next))
	}
}

func stamp(us int64) string { return string(types.AppendTimestamp(nil, us, types.DefaultSettings)) }

// TestClockChanges compares the changes that Holds announces with trying every quarter of
// an hour, where the clocks' values change their pace.
func TestClockChanges(t *testing.T) {
	berlin, err := types.LoadZone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	ops := func(steps ...ClockOp) []ClockOp { return steps }
	clocks := []*Clock{
		monthAgo(nil), monthAgo(berlin),
		{Steps: ops(ClockOp{Step: ClockAddInstant, Zone: berlin}), Add: []types.Interval{{Days: -1, Micros: 7}}},
		{Steps: ops(ClockOp{Step: ClockLocal, Zone: berlin}), Add: make([]types.Interval, 1)},
		{Steps: ops(ClockOp{Step: ClockLocal, Zone: berlin}, ClockOp{Step: ClockAdd}), Add: []types.Interval{{}, {Months: -2, Days: 1, Micros: -3600e6}}},
		{Steps: ops(ClockOp{Step: ClockLocal, Zone: berlin}, ClockOp{Step: ClockDate}), Add: make([]types.Interval, 2)},
		{Steps: ops(ClockOp{Step: ClockLocal, Zone: berlin}, ClockOp{Step: ClockDate}, ClockOp{Step: ClockInstant, Zone: berlin}), Add: make([]types.Interval, 3)},
		{Steps: ops(ClockOp{Step: ClockTruncInstant, Unit: types.UnitMonth, Zone: berlin}), Add: make([]types.Interval, 1)},
		{Steps: ops(ClockOp{Step: ClockTruncInstant, Unit: types.UnitHour, Zone: berlin}, ClockOp{Step: ClockAddInstant}), Add: []types.Interval{{}, {Micros: -5e6}}},
		{Steps: ops(ClockOp{Step: ClockLocal, Zone: berlin}, ClockOp{Step: ClockTrunc, Unit: types.UnitWeek}), Add: make([]types.Interval, 2)},
	}
	rnd := rand.New(rand.NewPCG(7, 0))
	const quarter = 15 * types.MicrosPerMinute
	for k, c := range clocks {
		for _, around := range []string{"2023-03-26 01:00:00", "2023-10-29 01:00:00", "2024-02-29 00:00:00", "2024-03-31 00:00:00"} {
			bound := c.At(instantOf(t, around)) + (rnd.Int64N(400)-200)*quarter
			cmp := Compare(rnd.IntN(4))
			from, to := instantOf(t, around)-40*day, instantOf(t, around)+70*day
			n := from
			holds, next := c.Holds(n, cmp, bound)
			for p := from; p < to; p += quarter {
				for p >= next {
					n = next
					if holds, next = c.Holds(n, cmp, bound); next <= n {
						t.Fatalf("clock %d: change at %s after %s", k, stamp(next), stamp(n))
					}
				}
				if got := cmp.holds(c.At(p), bound); got != holds {
					t.Fatalf("clock %d around %s: %v at %s, but %v announced from %s to %s; bound %s", k, around, got, stamp(p), holds, stamp(n), stamp(next), stamp(bound))
				}
			}
		}
	}
}

// TestClockShift: what has no calendar in it is a distance.
func TestClockShift(t *testing.T) {
	c := &Clock{Steps: []ClockOp{{Step: ClockAddInstant}, {Step: ClockAddInstant}}, Add: []types.Interval{{Days: -1}, {Micros: 5}}}
	if s, ok := c.Shift(); !ok || s != -day+5 {
		t.Fatalf("shift %d, %v", s, ok)
	}
	if _, ok := monthAgo(nil).Shift(); ok {
		t.Fatal("a month is no distance")
	}
	if h, next := c.Holds(0, Less, types.TimestampInf); !h || next != Never {
		t.Fatal("infinity never comes")
	}
}
