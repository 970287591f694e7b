package window

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"streamdb/sql/types"
)

const (
	second = 1_000_000
	hour   = 3600 * second
)

func micros(t time.Time) int64 { return t.UnixMicro() + UnixEpoch }

func instant(us int64) time.Time { return time.UnixMicro(us - UnixEpoch).UTC() }

// specs is windows of every kind.
func specs() map[string]Spec {
	m := map[string]Spec{
		"tumble":          {Hop: Hop{Slide: 10 * second, Size: 10 * second}},
		"tumble offset":   {Hop: Hop{Slide: 10 * second, Size: 10 * second, Offset: 3 * second}},
		"hop":             {Hop: Hop{Slide: 4 * second, Size: 10 * second, Offset: -second}},
		"hop gaps":        {Hop: Hop{Slide: 10 * second, Size: 4 * second}},
		"cumulate":        {Hop: Hop{Slide: 2 * second, Size: 10 * second, Offset: second}, Cumulate: true},
		"month":           {Calendar: &Calendar{SizeMonths: 1, SlideMonths: 1}},
		"quarter shifted": {Calendar: &Calendar{SizeMonths: 3, SlideMonths: 3, OffsetMonths: 1, OffsetDays: 14}},
		"year by month":   {Calendar: &Calendar{SizeMonths: 12, SlideMonths: 1}},
		"months 2 of 3":   {Calendar: &Calendar{SizeMonths: 3, SlideMonths: 2}},
		"months gaps":     {Calendar: &Calendar{SizeMonths: 1, SlideMonths: 3}},
		"month to date":   {Calendar: &Calendar{SizeMonths: 1, SlideDays: 1, OffsetDays: 9}, Cumulate: true},
		"month by hours":  {Hop: Hop{Slide: 100 * hour}, Calendar: &Calendar{SizeMonths: 1}, Cumulate: true},
		"year to date":    {Calendar: &Calendar{SizeMonths: 12, SlideMonths: 1, OffsetMonths: 3}, Cumulate: true},
	}
	for _, zone := range []string{"America/New_York", "Europe/Lisbon", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Asia/Kolkata"} {
		m["day "+zone] = Spec{Calendar: &Calendar{SizeDays: 1, SlideDays: 1, Zone: zone}}
		m["week by 2 days "+zone] = Spec{Hop: Hop{Offset: 6 * hour}, Calendar: &Calendar{SizeDays: 7, SlideDays: 2, OffsetDays: 4, Zone: zone}}
		m["day by hour "+zone] = Spec{Hop: Hop{Slide: hour}, Calendar: &Calendar{SizeDays: 1, Zone: zone}, Cumulate: true}
		m["month "+zone] = Spec{Calendar: &Calendar{SizeMonths: 1, SlideMonths: 1, Zone: zone}}
		m["week by days "+zone] = Spec{Calendar: &Calendar{SizeDays: 7, SlideDays: 2, Zone: zone}, Cumulate: true}
	}
	return m
}

// span is how far around its middle the times of a test lie.
func span(s Spec) int64 {
	if s.Calendar != nil {
		return 800 * microsPerDay
	}
	return 40 * second
}

// TestWindows holds what makes windows windows, for random times in any order.
func TestWindows(t *testing.T) {
	for name, s := range specs() {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			a, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			middle := micros(time.Date(1999+rng.IntN(25), 6, 1, 0, 0, 0, 0, time.UTC))
			for range 4000 {
				x := middle + rng.Int64N(2*span(s)) - span(s)
				if rng.IntN(4) == 0 { // a boundary, and what stands in front of it
					x = a.First(x).End - rng.Int64N(2)
				}
				checkTime(t, a, x)
			}
		})
	}
}

// checkTime checks the windows of x against a fresh Assigner and those of its neighbours.
func checkTime(t *testing.T, a *Assigner, x int64) {
	t.Helper()
	got := a.Windows(x, nil)
	fresh, _ := New(a.spec)
	if want := fresh.Windows(x, nil); !slices.Equal(got, want) {
		t.Fatalf("%v: %v after other times, %v at first", instant(x), show(got), show(want))
	}
	for i, w := range got {
		if x < w.Start || x >= w.End {
			t.Fatalf("%v is not in %v", instant(x), show(got[i:i+1]))
		}
		if i > 0 && (w.Start < got[i-1].Start || w.End <= got[i-1].End) {
			t.Fatalf("%v: %v do not ascend", instant(x), show(got))
		}
	}
	p := a.Pane(x)
	if p > x || !slices.Equal(a.Windows(p, nil), got) || a.Pane(p) != p {
		t.Fatalf("%v: its pane begins at %v, in %v, not in %v", instant(x), instant(p), show(a.Windows(p, nil)), show(got))
	}
	first := a.First(x)
	if len(got) > 0 && (first.Start != got[0].Start || first.End != got[0].End) {
		t.Fatalf("%v: First is %v of %v", instant(x), show([]Bounds{first}), show(got))
	}
	if len(got) == 0 && first.Start <= x {
		t.Fatalf("%v is in no window and the first one from there is %v", instant(x), show([]Bounds{first}))
	}
	// First never falls.
	if b := a.First(x - 1); b.Start > first.Start || b.End > first.End {
		t.Fatalf("First falls at %v", instant(x))
	}
	// Windows partition the times: the end of one is in the next.
	if len(got) > 0 {
		if next := a.Windows(got[0].End, nil); slices.Contains(next, got[0]) {
			t.Fatalf("%v holds its end", show(got[:1]))
		}
		if in := a.Windows(got[0].End-1, nil); !slices.Contains(in, got[0]) {
			t.Fatalf("%v does not hold its last microsecond", show(got[:1]))
		}
		if in := a.Windows(got[0].Start, nil); !a.spec.Cumulate && !slices.Contains(in, got[0]) {
			t.Fatalf("%v does not hold its start", show(got[:1]))
		}
	}
}

func show(list []Bounds) string {
	s := ""
	for _, b := range list {
		s += fmt.Sprintf("[%s, %s) ", instant(b.Start).Format(time.DateTime), instant(b.End).Format(time.DateTime))
	}
	return s
}

// TestCalendar compares with time.Date.
func TestCalendar(t *testing.T) {
	ny, err := types.LoadZone("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	at := func(y, m, d, h int) int64 { return micros(time.Date(y, time.Month(m), d, h, 0, 0, 0, ny)) }
	zone := "America/New_York"
	for _, c := range []struct {
		spec Spec
		time int64
		want []Bounds
	}{
		{Spec{Calendar: &Calendar{SizeMonths: 1, SlideMonths: 1, Zone: zone}}, at(2024, 2, 29, 23), []Bounds{{at(2024, 2, 1, 0), at(2024, 3, 1, 0)}}},
		{Spec{Calendar: &Calendar{SizeMonths: 12, SlideMonths: 12, Zone: zone}}, at(1969, 12, 31, 23), []Bounds{{at(1969, 1, 1, 0), at(1970, 1, 1, 0)}}},
		// The clocks go forward on 2024-03-10 and back on 2024-11-03.
		{Spec{Calendar: &Calendar{SizeDays: 1, SlideDays: 1, Zone: zone}}, at(2024, 3, 10, 12), []Bounds{{at(2024, 3, 10, 0), at(2024, 3, 10, 0) + 23*hour}}},
		{Spec{Calendar: &Calendar{SizeDays: 1, SlideDays: 1, Zone: zone}}, at(2024, 11, 3, 12), []Bounds{{at(2024, 11, 3, 0), at(2024, 11, 3, 0) + 25*hour}}},
		{Spec{Hop: Hop{Slide: 12 * hour}, Calendar: &Calendar{SizeDays: 1, Zone: zone}, Cumulate: true}, at(2024, 11, 3, 1), []Bounds{
			{at(2024, 11, 3, 0), at(2024, 11, 3, 0) + 12*hour}, {at(2024, 11, 3, 0), at(2024, 11, 3, 0) + 24*hour}, {at(2024, 11, 3, 0), at(2024, 11, 4, 0)}}},
		{Spec{Calendar: &Calendar{SizeMonths: 1, SlideDays: 10, Zone: zone}, Cumulate: true}, at(2024, 2, 15, 1), []Bounds{
			{at(2024, 2, 1, 0), at(2024, 2, 21, 0)}, {at(2024, 2, 1, 0), at(2024, 3, 1, 0)}}},
	} {
		a, err := New(c.spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Windows(c.time, nil); !slices.Equal(got, c.want) {
			t.Errorf("%v: got %v, want %v", instant(c.time), show(got), show(c.want))
		}
	}
}

// TestSession compares with what the definition says of each pair of neighbours.
func TestSession(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		s := Session{Gap: 1 + rng.Int64N(10)}
		times := make([]int64, rng.IntN(40))
		for i := range times {
			times[i] = rng.Int64N(200)
		}
		slices.Sort(times)
		got := s.Bounds(times, nil)
		for i, b := range got {
			if times[i] < b.Start || times[i]+s.Gap > b.End {
				t.Fatalf("gap %d, times %v: %v of %d", s.Gap, times, b, times[i])
			}
			if i > 0 && (times[i]-times[i-1] < s.Gap) != (b == got[i-1]) {
				t.Fatalf("gap %d, times %v: %d and %d in %v and %v", s.Gap, times, times[i-1], times[i], got[i-1], b)
			}
			if i == 0 || got[i-1] != b {
				if b.Start != times[i] {
					t.Fatalf("session %v begins with %d", b, times[i])
				}
			}
			if i == len(got)-1 || got[i+1] != b {
				if b.End != times[i]+s.Gap {
					t.Fatalf("session %v ends with %d", b, times[i])
				}
			}
		}
	}
}

func TestUnknownZone(t *testing.T) {
	if _, err := New(Spec{Calendar: &Calendar{SizeDays: 1, SlideDays: 1, Zone: "Nowhere/Land"}}); err == nil {
		t.Error("an unknown zone was taken")
	}
}
