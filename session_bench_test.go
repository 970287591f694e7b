package streamdb_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// BenchmarkFreshness is the time from the start of a one-row INSERT until a SELECT by another connection shows it in a
// view of five operators (filter, join, projection, aggregation, exchange), alone and beside two scans that never end.
func BenchmarkFreshness(b *testing.B) {
	dsn := benchServer(b)
	w, r := connect(b, dsn), connect(b, dsn)
	must(b, w, "DROP TABLE IF EXISTS dim CASCADE", "CREATE TABLE dim (k int PRIMARY KEY, name text)",
		"INSERT INTO dim SELECT g, 'name ' || g % 10 FROM generate_series(0, 99) g",
		"CREATE MATERIALIZED VIEW fresh AS SELECT d.name, count(*) AS n, sum(t.v) AS s FROM bench t JOIN dim d ON d.k = t.v WHERE t.v >= 0 GROUP BY d.name")
	want := number(b, w, "SELECT n FROM fresh WHERE name = 'name 7'")
	id := 1 << 20
	for _, scans := range []int{0, 2} {
		b.Run(fmt.Sprintf("scans=%d", scans), func(b *testing.B) {
			ctx, stop := context.WithCancel(b.Context())
			var done sync.WaitGroup
			for range scans {
				c := connect(b, dsn)
				done.Go(func() {
					for ctx.Err() == nil {
						_, _ = c.Exec(ctx, "SELECT count(*) FROM bench a JOIN bench b ON a.id % 1000 = b.id % 1000 WHERE a.v + b.v < 0")
					}
				})
			}
			var took []time.Duration
			for b.Loop() {
				id++
				want++
				began := time.Now()
				must(b, w, fmt.Sprintf("INSERT INTO bench VALUES (%d, 7, 'new')", id))
				if got := number(b, r, "SELECT n FROM fresh WHERE name = 'name 7'"); got != want {
					b.Fatalf("the view counts %d, want %d", got, want)
				}
				took = append(took, time.Since(began))
			}
			stop()
			done.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
