package parser

import (
	"strings"
	"testing"
)

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ name, sql string }{
		{"point select", "SELECT a, b FROM t WHERE id = $1"},
		{"insert one", "INSERT INTO t (a, b, c) VALUES (1, 'x', $1)"},
		{"insert 1000", "INSERT INTO t VALUES (1, 'x')" + strings.Repeat(", (2, 'abc')", 999)},
		{"insert call", "INSERT INTO t (a, b, c) VALUES (1, 'x', now())"},
		{"view", "CREATE MATERIALIZED VIEW v AS SELECT auction, count(*) FROM HOP(bid, date_time, INTERVAL '2 s', " +
			"INTERVAL '10 s') GROUP BY auction, window_start EMIT ON WINDOW CLOSE"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(c.sql); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
