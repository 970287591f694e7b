package nexmark

import (
	"strconv"
	"testing"

	"streamdb/sql/chunk"
)

// What is preloaded is what would be made: the rows and the digest of any range.
func TestPreload(t *testing.T) {
	for _, table := range []Table{Person, Auction, Bid} {
		names, typs := Columns(table)
		names, typs = append([]string{names[4]}, names[:3]...), append(typs[4:5:5], typs[:3]...)
		open := func(preload bool) *Source {
			s, err := Open(names, typs, map[string]string{"type": string(table), "events": "300000", "seed": "5", "first_event": "77", "preload": strconv.FormatBool(preload)})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		plain, loaded, again := open(false), open(true), open(true)
		if loaded.made != again.made {
			t.Errorf("%s: made twice", table)
		}
		rows := plain.Available(1 << 60)
		for _, r := range [][2]int64{{0, 10}, {0, rows}, {3, 4096}, {4000, 9000}, {rows - 5, rows}, {4096, 8192}} {
			lo, hi := min(r[0], rows), min(r[1], rows)
			read := func(s *Source) (rows []*chunk.Chunk) {
				if err := s.Read(lo, hi, nil, func(c *chunk.Chunk) error { rows = append(rows, c); return nil }); err != nil {
					t.Fatal(err)
				}
				return rows
			}
			a, b := read(plain), read(loaded)
			var x, y chunk.Hash128
			for i := range a {
				x, y = x.Add(chunk.Fingerprint(a[i]), 1), y.Add(chunk.Fingerprint(b[i]), 1)
			}
			if x != y || plain.Digest(a) != loaded.Digest(b) {
				t.Errorf("%s [%d, %d): other rows", table, lo, hi)
			}
		}
	}
	names, typs := Columns(Bid)
	if _, err := Open(names, typs, map[string]string{"type": "bid", "preload": "true"}); err == nil {
		t.Error("all rows of an endless source are preloaded")
	}
}

// Another row, or the same rows in another order, have another digest.
func TestDigest(t *testing.T) {
	names, typs := Columns(Bid)
	digest := func(seed string, lo, hi int64) uint64 {
		s, err := Open(names, typs, map[string]string{"type": "bid", "seed": seed})
		if err != nil {
			t.Fatal(err)
		}
		var rows []*chunk.Chunk
		if err := s.Read(lo, hi, nil, func(c *chunk.Chunk) error { rows = append(rows, c); return nil }); err != nil {
			t.Fatal(err)
		}
		return s.Digest(rows)
	}
	base := digest("1", 0, 5000)
	if digest("1", 0, 5000) != base {
		t.Error("the same rows have two digests")
	}
	for _, d := range []uint64{digest("2", 0, 5000), digest("1", 1, 5001), digest("1", 0, 4999)} {
		if d == base {
			t.Error("other rows have the same digest")
		}
	}
}

// Every bit of every value counts, and so does its place.
func TestDigestOfEachValue(t *testing.T) {
	const n = 37
	fresh := func() []*chunk.Chunk {
		c := &chunk.Chunk{Rows: n, Cols: []*chunk.Column{{Ints: make([]int64, n)}, nil, {Views: make([]chunk.View, n)}}}
		for i := range n {
			c.Cols[0].Ints[i], c.Cols[2].Views[i] = int64(i%5), chunk.View{Off: uint32(i % 3), Len: 7}
		}
		return []*chunk.Chunk{c}
	}
	var s *Source
	seen := map[uint64]string{s.Digest(fresh()): "nothing"}
	note := func(what string, rows []*chunk.Chunk) {
		t.Helper()
		d := s.Digest(rows)
		if was, ok := seen[d]; ok {
			t.Fatalf("%s: the digest of %s", what, was)
		}
		seen[d] = what
	}
	for i := range n {
		for bit := range 64 {
			rows := fresh()
			rows[0].Cols[0].Ints[i] ^= 1 << bit
			note("a number's bit", rows)
		}
		for bit := range 32 {
			rows := fresh()
			rows[0].Cols[2].Views[i].Off ^= 1 << bit
			note("an offset's bit", rows)
			rows = fresh()
			rows[0].Cols[2].Views[i].Len ^= 1 << bit
			note("a length's bit", rows)
		}
		for j := range i {
			if rows := fresh(); (i-j)%5 != 0 {
				v := rows[0].Cols[0].Ints
				v[i], v[j] = v[j], v[i]
				note("two numbers exchanged", rows)
			}
		}
	}
	rows := fresh()
	rows[0].Cols[2] = nil
	note("a column less", rows)
	rows = fresh()
	rows[0].Cols[0], rows[0].Cols[1] = nil, rows[0].Cols[0]
	note("another column", rows)
}

// What entries of engine version 3 have as the digest of some ranges.
func TestFormerDigest(t *testing.T) {
	for _, preload := range []string{"false", "true"} {
		names, typs := Columns(Bid)
		s, err := Open(names, typs, map[string]string{"type": "bid", "events": "50000", "preload": preload})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []struct {
			lo, hi int64
			want   uint64
		}{{0, 5000, 0x83c777ff0acd3d28}, {4095, 20_000, 0xef023c7e990f5dfa}} {
			if got := s.FormerDigest(r.lo, r.hi); got != r.want {
				t.Errorf("preload %s, [%d, %d): %#x, pinned %#x", preload, r.lo, r.hi, got, r.want)
			}
		}
	}
}
