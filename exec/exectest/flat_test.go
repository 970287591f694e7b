package exectest

import (
	"math/rand/v2"
	"testing"

	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
)

// flat is queries whose state must not grow with time where e's watermark rises.
var flat = []string{
	"SELECT a.ts, b.v FROM e a JOIN e b ON a.k = b.k AND a.ts BETWEEN b.ts - INTERVAL '2 seconds' AND b.ts + INTERVAL '3 seconds'",
	"SELECT a.ts, b.v FROM e a LEFT JOIN e b ON a.k = b.k AND b.ts - a.ts < INTERVAL '2 seconds' AND a.ts - b.ts < INTERVAL '2 seconds'",
	"SELECT a.ts, b.v FROM e a JOIN e b ON a.ts = b.ts",
	"SELECT a.ts, b.v FROM e a FULL JOIN e b ON a.ts >= b.ts AND a.ts - INTERVAL '1 second' <= b.ts",
	"SELECT a.window_start, a.n, b.n AS m FROM (SELECT window_start, count(*) AS n FROM TUMBLE(e, ts, INTERVAL '2 seconds') GROUP BY window_start) a JOIN (SELECT window_start, count(*) AS n FROM TUMBLE(e, ts, INTERVAL '3 seconds') GROUP BY window_start) b ON b.window_start BETWEEN a.window_start - INTERVAL '4 seconds' AND a.window_start",
	"SELECT a.ts, a.v, b.v AS w FROM TUMBLE(e, ts, INTERVAL '2 seconds') a LEFT JOIN TUMBLE(e, ts, INTERVAL '2 seconds') b ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.k = b.k",
	"SELECT a.window_end, a.n, b.n AS m FROM (SELECT window_end, count(*) AS n FROM TUMBLE(e, ts, INTERVAL '2 seconds') GROUP BY window_end) a FULL JOIN (SELECT window_end, count(*) AS n FROM TUMBLE(e, ts, INTERVAL '2 seconds') WHERE v > 2 GROUP BY window_end) b ON a.window_end = b.window_end",
	"SELECT a.ts, b.v FROM e a ASOF JOIN e b ON a.k = b.k AND a.ts >= b.ts",
	"SELECT a.ts, b.v FROM e a ASOF LEFT JOIN e b ON a.k = b.k AND a.ts > b.ts",
	"SELECT a.ts, b.v FROM e a ASOF LEFT JOIN e b ON a.k = b.k AND a.ts <= b.ts",
	"SELECT a.ts, b.v FROM e a ASOF JOIN e b ON a.ts < b.ts",
	"SELECT a.ts, r.v FROM e a LEFT JOIN e FOR SYSTEM_TIME AS OF a.ts r ON a.k = r.k",
}

// TestFlatState feeds rows for a long stretch of time and expects as much state at its end
// as early on.
func TestFlatState(t *testing.T) {
	cat := catalog.New()
	for _, sql := range tables {
		cat = define(t, cat, sql)
	}
	var e *catalog.Descriptor
	for _, d := range cat.All() {
		if d.Name == "e" {
			e = d
		}
	}
	for _, query := range flat {
		t.Run(query, func(t *testing.T) {
			d := run(t, planOf(t, cat, query), 1)
			rng := rand.New(rand.NewPCG(1, 1))
			var bytes, keys int64
			for s := range int64(600) {
				c := chunk.New((&table{desc: e}).schema(), 0)
				c.Weights = []int64{}
				for range 20 {
					r := row{{I: s*second + rng.Int64N(2*second)}, {I: rng.Int64N(5)}, {I: rng.Int64N(5)}}
					appendRow(c, r, 1)
				}
				push(t, d, map[catalog.ID]*chunk.Chunk{e.ID: c}, 0)
				flush(t, d, &epoch{time: (s + 1) * second, marks: map[catalog.ID]int64{e.ID: (s - 3) * second}})
				var b, k int64
				for _, n := range d.Stats() {
					b, k = b+n.StateBytes, k+n.StateKeys
				}
				if s < 100 {
					bytes, keys = max(bytes, b), max(keys, k)
				} else if b > bytes*3/2 || k > keys*3/2 {
					t.Fatalf("after %d s the state has %d rows in %d bytes, in the first 100 s at most %d in %d", s, k, b, keys, bytes)
				}
			}
			t.Logf("%d rows, %d bytes", keys, bytes)
		})
	}
}
