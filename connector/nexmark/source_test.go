package nexmark

import (
	"testing"

	"streamdb/sql/chunk"
)

func open(t testing.TB, table Table, options map[string]string) *Source {
	t.Helper()
	o := map[string]string{"type": string(table), "rate": "10000"}
	for k, v := range options {
		o[k] = v
	}
	names, typs := Columns(table)
	s, err := Open(names, typs, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func fingerprint(t testing.TB, s *Source, lo, hi int64) chunk.Hash128 {
	t.Helper()
	var sum chunk.Hash128
	err := s.Read(lo, hi, nil, func(c *chunk.Chunk) error {
		sum = sum.Add(chunk.Fingerprint(c), 1)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// Any cut of a range gives the same rows.
func TestRangesAreStable(t *testing.T) {
	for _, table := range []Table{Person, Auction, Bid} {
		s := open(t, table, nil)
		whole := fingerprint(t, s, 0, 20_000)
		parts := fingerprint(t, s, 7777, 20_000).Add(fingerprint(t, s, 0, 7777), 1)
		if whole != parts {
			t.Errorf("%s: %v in one piece, %v in two", table, whole, parts)
		}
		if other := fingerprint(t, open(t, table, map[string]string{"seed": "9"}), 0, 20_000); other == whole {
			t.Errorf("%s: the seed changes nothing", table)
		}
	}
}

// The rows that a version of this program has generated must never change: views over
// them are filled again from the start.
func TestRowsArePinned(t *testing.T) {
	want := map[Table]string{
		Person:  "7de57c675123314ffe3f85fd73430389",
		Auction: "2d76d92db0999ba5faa9341ef446a452",
		Bid:     "b4c309e6301b4c7f84dcd2445456db39",
	}
	for table, w := range want {
		if got := fingerprint(t, open(t, table, nil), 0, 10_000).String(); got != w {
			t.Errorf("%s: fingerprint %s, pinned %s", table, got, w)
		}
	}
}

func TestRatios(t *testing.T) {
	const events = 1_000_000
	for table, share := range map[Table]int64{Person: 1, Auction: 3, Bid: 46} {
		if n := table.RowsBefore(events); n != events/50*share {
			t.Errorf("%s: %d of %d events", table, n, events)
		}
		for i := range int64(1000) {
			if e := table.eventOf(i); table.RowsBefore(e) != i || table.RowsBefore(e+1) != i+1 {
				t.Fatalf("%s: row %d is event %d, before which there are %d rows", table, i, e, table.RowsBefore(e))
			}
		}
	}
}

// Half of the bids go to a hot auction; no bid names an auction far ahead.
func TestBidsPointToAuctions(t *testing.T) {
	s := open(t, Bid, nil)
	hot, n := 0, 0
	err := s.Read(100_000, 140_000, nil, func(c *chunk.Chunk) error {
		for _, a := range c.Cols[0].Ints {
			if (a-firstID)%hotUnit == 0 {
				hot++
			}
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if hot*100/n < 48 || hot*100/n > 54 {
		t.Errorf("%d of %d bids are for a hot auction", hot, n)
	}
}

func TestAvailable(t *testing.T) {
	s := open(t, Bid, map[string]string{"rate": "1000", "events": "5000"})
	if n := s.Available(1_000_000); n != 920 {
		t.Errorf("after a second: %d bids", n)
	}
	if n := s.Available(1 << 40); n != 4600 {
		t.Errorf("at the end: %d bids", n)
	}
}

func TestWrongDeclarations(t *testing.T) {
	names, typs := Columns(Bid)
	if _, err := Open(append(names, "colour"), append(typs, typs[0]), map[string]string{"type": "bid"}); err == nil {
		t.Error("an unknown column is accepted")
	}
	if _, err := Open(names, typs, map[string]string{"type": "bid", "speed": "1"}); err == nil {
		t.Error("an unknown option is accepted")
	}
	if _, err := Open(names[:1], typs[3:4], map[string]string{"type": "bid"}); err == nil {
		t.Error("a wrong type is accepted")
	}
}

func BenchmarkBids(b *testing.B) {
	s := open(b, Bid, nil)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_ = s.chunk(int64(i)*4096, int64(i+1)*4096, s.all())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/4096, "ns/row")
}
