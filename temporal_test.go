package streamdb_test

import (
	"testing"
	"time"

	"streamdb"
)

// TestTemporalFilter holds that rows of a view go and come by the log's clock, that what
// reads the view follows, and that VERIFY recomputes at the view's time.
func TestTemporalFilter(t *testing.T) {
	clock := streamdb.NewManualTime()
	db := openQuietly(t, streamdb.Options{Time: clock})
	a := connect(t, serveOn(t, db))
	must(t, a, "CREATE TABLE t (v int, ts timestamptz)",
		"CREATE MATERIALIZED VIEW recent AS SELECT v, ts FROM t WHERE ts > now() - INTERVAL '10 seconds'",
		"CREATE MATERIALIZED VIEW old AS SELECT v FROM t WHERE ts + INTERVAL '15 seconds' <= now()",
		"CREATE MATERIALIZED VIEW sums AS SELECT count(*) AS n, coalesce(sum(v), 0) AS s FROM recent",
		"INSERT INTO t VALUES (1, now()), (1, now()), (2, now() - INTERVAL '5 seconds'), (4, now() + INTERVAL '3 seconds'), (8, NULL), (16, 'infinity')")
	check := func(recent, sum, old int64) {
		t.Helper()
		must(t, a, "CREATE TABLE tick ()", "DROP TABLE tick") // an entry of its own
		for _, q := range []struct {
			sql  string
			want int64
		}{
			{"SELECT coalesce(sum(v), 0) FROM recent", recent}, {"SELECT s FROM sums", sum}, {"SELECT coalesce(sum(v), 0) FROM old", old},
			{"SELECT coalesce(sum(v), 0) FROM t WHERE ts > now() - INTERVAL '10 seconds'", recent},
		} {
			if got := number(t, a, q.sql); got != q.want {
				t.Errorf("%s: %d, want %d", q.sql, got, q.want)
			}
		}
		must(t, a, "VERIFY MATERIALIZED VIEW recent", "VERIFY MATERIALIZED VIEW old", "VERIFY MATERIALIZED VIEW sums")
	}
	check(24, 24, 0)
	clock.Advance(6 * time.Second)
	check(22, 22, 0)
	must(t, a, "DELETE FROM t WHERE v = 4", "UPDATE t SET ts = ts + INTERVAL '1 hour' WHERE v = 2")
	check(20, 20, 0)
	clock.Advance(10 * time.Second)
	check(18, 18, 2)
	must(t, a, "DELETE FROM t WHERE v < 16")
	check(16, 16, 0)
}
