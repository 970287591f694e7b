package streamdb

import (
	"testing"
	"time"

	"streamdb/connector/nexmark"
	"streamdb/exec"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
)

func generator(t *testing.T, table nexmark.Table, first string) *nexmark.Source {
	t.Helper()
	names, typs := nexmark.Columns(table)
	s, err := nexmark.Open(names, typs, map[string]string{"type": string(table), "events": "1000000", "rate": "unlimited", "first_event": first})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The tables of one generator are read in stretches that end at one event.
func TestStretch(t *testing.T) {
	var places []place
	for _, table := range []nexmark.Table{nexmark.Person, nexmark.Auction, nexmark.Bid} {
		s := generator(t, table, "0")
		places = append(places, place{end: s.Available(0), cut: s})
	}
	end := []int64{places[0].end, places[1].end, places[2].end}
	for round := int64(1); places[2].at < places[2].end; round++ {
		rows := stretch(places, 50_000)
		if rows == 0 || rows > 50_000 {
			t.Fatalf("round %d has %d rows", round, rows)
		}
		for i := range places {
			if want := []int64{1000, 3000, 46_000}[i] * round; places[i].to != min(want, end[i]) {
				t.Fatalf("round %d reads source %d up to %d, not %d", round, i, places[i].to, want)
			}
			places[i].at = places[i].to
		}
	}
	if stretch(places, 50_000) != 0 {
		t.Error("there are rows behind the end")
	}
}

// Who is behind goes first; who has no backlog is not kept waiting; a table with few of
// the events is read further.
func TestStretchOfUnequals(t *testing.T) {
	person, bid := generator(t, nexmark.Person, "0"), generator(t, nexmark.Bid, "0")
	for _, c := range []struct {
		name   string
		places []place
		want   []int64
	}{
		{"behind", []place{{at: 10_000, end: 20_000, cut: person}, {at: 0, end: 920_000, cut: bid}}, []int64{10_000, 46_000}},
		{"nearly reached", []place{{at: 1000, end: 20_000, cut: person}, {at: 45_954, end: 920_000, cut: bid}}, []int64{2000, 91_954}},
		{"no backlog", []place{{at: 10_000, end: 10_010, cut: person}, {at: 0, end: 920_000, cut: bid}}, []int64{10_010, 46_000}},
		{"alone", []place{{at: 0, end: 20_000, cut: person}}, []int64{20_000}},
		{"little", []place{{at: 7, end: 9, cut: uncut{}}}, []int64{9}},
		{"much", []place{{at: 7, end: 1 << 60, cut: uncut{}}}, []int64{50_007}},
		{"gone back", []place{{at: 7, end: 5, cut: uncut{}}}, []int64{7}},
	} {
		stretch(c.places, 50_000)
		for i, want := range c.want {
			if got := c.places[i].to; got != want && !(c.name == "alone" && got > 10_000) {
				t.Errorf("%s: source %d is read up to %d, not %d", c.name, i, got, want)
			}
		}
	}
}

// Entries become so small that the slowest dataflow keeps its slice, and large again.
func TestPaceOfSources(t *testing.T) {
	c, src := &core{}, &sourceState{}
	f := &dataflow{}
	run := func(perRow time.Duration) int64 {
		n := int64(sourceRowsMax)
		for range 20 {
			f.pace.learn(n/2, time.Duration(n/2)*perRow)
			c.learnPace(&step{sourceRows: n, sources: []*sourceState{src}, ran: []flowRun{{f, n / 2}}})
			n = src.paceRows.Load()
		}
		return n
	}
	if n := run(time.Microsecond); n < 8000 || n > 20_000 {
		t.Errorf("at 1 µs a row entries have %d rows", n)
	}
	f = &dataflow{}
	if n := run(time.Millisecond); n != sourceRowsMin {
		t.Errorf("at 1 ms a row entries have %d rows", n)
	}
	f = &dataflow{}
	if n := run(10 * time.Nanosecond); n != sourceRowsMax {
		t.Errorf("at 10 ns a row entries have %d rows", n)
	}
}

// A range that does not follow on its source, or was read with other columns than are needed
// now, is refused, and one with late rows and some columns only.
func TestAdmitRanges(t *testing.T) {
	bid := generator(t, nexmark.Bid, "0")
	st := &stored{id: 5, position: map[int]int{}, source: &sourceState{offset: 100, ranges: bid}}
	for i := range 7 {
		st.position[i+1] = i
	}
	st.marks = []watermark{{id: 6, column: 5, at: exec.NoWatermark}}
	c := &core{rels: map[catalog.ID]*stored{5: st}}
	read := func(from int64, ids []int) *rangeOp {
		cols, err := st.positions(ids)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := st.source.readRange(from, from+50, cols)
		if err != nil {
			t.Fatal(err)
		}
		return &rangeOp{Source: 5, From: from, To: from + 50, Columns: ids, rows: rows}
	}
	try := func(o *rangeOp, want error) {
		t.Helper()
		if err := c.admitRanges([]op{o}); err != want {
			t.Errorf("[%d, %d) with columns %v: %v, want %v", o.From, o.To, o.Columns, err, want)
		}
	}
	try(read(100, []int{6}), nil)
	try(read(100, nil), nil)
	try(read(99, []int{6}), errSourceMoved)
	try(read(100, []int{1, 6}), errSourceMoved)
	try(read(100, []int{}), errSourceMoved)
	st.marks[0].at = 1 << 62
	try(read(100, []int{6}), errSourceLate)
	try(read(100, nil), nil)
	delete(c.rels, 5)
	try(read(100, []int{6}), errSourceMoved)
}

// The columns that were not read are not there, and the others are what they are anyway.
func TestReadColumns(t *testing.T) {
	s := &sourceState{ranges: generator(t, nexmark.Bid, "3")}
	all, err := s.readRange(1000, 9000, nil)
	if err != nil {
		t.Fatal(err)
	}
	some, err := s.readRange(1000, 9000, []int{2, 5})
	if err != nil || len(some) != len(all) {
		t.Fatal(err, len(some), len(all))
	}
	for i, c := range some {
		if c.Cols[0] != nil || c.Cols[6] != nil || c.Rows != all[i].Rows {
			t.Fatal("columns that nobody wants are read")
		}
		if chunk.Fingerprint(c.Project([]int{2, 5})) != chunk.Fingerprint(all[i].Project([]int{2, 5})) {
			t.Fatal("other rows")
		}
	}
	var n int64
	late := []int64{1000, 4095, 4096, 8999}
	err = s.accepted(late, 1000, 9000, nil, func(c *chunk.Chunk) error { n += int64(c.Rows); return nil })
	if err != nil || n != 7996 {
		t.Errorf("%d rows are accepted, %v", n, err)
	}
}
