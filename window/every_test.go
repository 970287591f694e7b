package window

import (
	"testing"
	"time"
)

func at(t *testing.T, s string) int64 {
	t.Helper()
	v, err := time.Parse("2006-01-02 15:04:05.999999", s)
	if err != nil {
		t.Fatal(err)
	}
	return v.UnixMicro() - origin.UnixMicro()
}

func TestEvery(t *testing.T) {
	for _, c := range []struct {
		e       Every
		t, next string
	}{
		{Every{Micros: 1_000_000}, "2024-02-29 12:00:00", "2024-02-29 12:00:01"},
		{Every{Micros: 1_000_000}, "2024-02-29 11:59:59.999999", "2024-02-29 12:00:00"},
		{Every{Micros: 7 * dayMicros}, "2000-01-07 23:59:59", "2000-01-08 00:00:00"},
		{Every{Micros: 10_000_000}, "1999-12-31 23:59:55", "2000-01-01 00:00:00"},
		{Every{Months: 1}, "2024-01-31 23:59:59.999999", "2024-02-01 00:00:00"},
		{Every{Months: 1}, "2024-12-01 00:00:00", "2025-01-01 00:00:00"},
		{Every{Months: 12}, "2024-06-01 00:00:00", "2025-01-01 00:00:00"},
		{Every{Months: 3}, "1999-12-31 23:59:59.5", "2000-01-01 00:00:00"},
		{Every{Months: 5}, "2000-06-01 00:00:00", "2000-11-01 00:00:00"},
	} {
		from, next := at(t, c.t), at(t, c.next)
		if got := c.e.Next(from); got != next {
			t.Errorf("%v: next after %s is %s, not %s", c.e, c.t, origin.Add(time.Duration(got)*time.Microsecond), c.next)
		}
		if !c.e.Crossed(from, next) || c.e.Crossed(from, next-1) || c.e.Crossed(next, next) {
			t.Errorf("%v: %s is not where a period ends", c.e, c.next)
		}
	}
}
