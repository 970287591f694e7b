package streamdb_test

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// benchServer has a table of 100,000 rows. With STREAMDB_BENCH_DSN the same statements run on another server, for comparison.
func benchServer(b *testing.B) string {
	dsn := os.Getenv("STREAMDB_BENCH_DSN")
	if dsn == "" {
		dsn = startServer(b)
	}
	must(b, connect(b, dsn), "DROP TABLE IF EXISTS bench", "CREATE TABLE bench (id int PRIMARY KEY, v int, s text)",
		"INSERT INTO bench SELECT g, g % 100, 'row ' || g FROM generate_series(1, 100000) g")
	return dsn
}

// BenchmarkPointSelect reads one row by its key.
func BenchmarkPointSelect(b *testing.B) {
	c := connect(b, benchServer(b))
	for name, mode := range map[string]pgx.QueryExecMode{"prepared": pgx.QueryExecModeCacheStatement, "simple": pgx.QueryExecModeSimpleProtocol} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				id := i*7919%100000 + 1
				if mode == pgx.QueryExecModeSimpleProtocol {
					id = id%20 + 1 // texts repeat
				}
				var s string
				if err := c.QueryRow(b.Context(), "SELECT s FROM bench WHERE id = $1", mode, id).Scan(&s); err != nil || s != fmt.Sprint("row ", id) {
					b.Fatal(s, err)
				}
			}
		})
	}
}

// BenchmarkInsert commits one row per statement, from one client and from eight.
func BenchmarkInsert(b *testing.B) {
	dsn := benchServer(b)
	var id atomic.Int64
	id.Store(1 << 20)
	b.Run("1", func(b *testing.B) {
		c := connect(b, dsn)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Exec(b.Context(), "INSERT INTO bench VALUES ($1, 1, 'new')", id.Add(1)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("8", func(b *testing.B) {
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			c := connect(b, dsn)
			for pb.Next() {
				if _, err := c.Exec(b.Context(), "INSERT INTO bench VALUES ($1, 1, 'new')", id.Add(1)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}
