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

// TestProctime holds that rows have the time of the entry in which they came, until they
// are taken back, that a lag does not change it, and that windows over it close
// by the log's clock.
func TestProctime(t *testing.T) {
	clock := streamdb.NewManualTime()
	db := openQuietly(t, streamdb.Options{Time: clock})
	a := connect(t, serveOn(t, db))
	must(t, a, "CREATE TABLE t (id int PRIMARY KEY, v int)", "INSERT INTO t VALUES (1, 1)")
	clock.Advance(time.Minute)
	must(t, a,
		"CREATE MATERIALIZED VIEW stamped AS SELECT id, v, PROCTIME() AS p FROM t",
		"CREATE MATERIALIZED VIEW windows AS SELECT window_end, count(*) AS n FROM TUMBLE((SELECT v, PROCTIME() AS p FROM t), p, INTERVAL '10 seconds') GROUP BY window_end EMIT ON WINDOW CLOSE",
	)
	must(t, a, "CREATE MATERIALIZED VIEW ended AS SELECT window_end, count(*) AS n FROM SESSION((SELECT v, PROCTIME() AS p FROM t), p, INTERVAL '3 seconds') GROUP BY window_start, window_end EMIT ON WINDOW CLOSE")
	since := func(id int) int64 {
		t.Helper()
		return number(t, a, "SELECT extract(epoch FROM p - '2024-01-01 12:00:00+00')::int FROM stamped WHERE id = "+string(rune('0'+id)))
	}
	tick := func() { must(t, a, "CREATE TABLE tick ()", "DROP TABLE tick") }
	if got := since(1); got != 60 {
		t.Errorf("a row that was there has the time %d, not that of the view", got)
	}
	clock.Advance(5 * time.Second)
	release := detain(t, db, "stamped")
	must(t, a, "INSERT INTO t VALUES (2, 2)")
	clock.Advance(time.Second)
	must(t, a, "INSERT INTO t VALUES (3, 3)")
	release()
	if got := since(2) + 1000*since(3); got != 65+66000 {
		t.Errorf("rows that came during a lag have the times %d", got)
	}
	if n := number(t, a, "SELECT count(*) FROM windows"); n != 0 {
		t.Errorf("%d windows are closed", n)
	}
	clock.Advance(4 * time.Second)
	tick()
	if n := number(t, a, "SELECT sum(n * n) FROM ended"); n != 1+4 {
		t.Errorf("the sessions that ended have %d rows, squared", n)
	}
	if n := number(t, a, "SELECT n FROM windows"); n != 3 {
		t.Errorf("the window has %d rows", n)
	}
	must(t, a, "UPDATE t SET v = 4 WHERE id = 3", "DELETE FROM t WHERE id = 2")
	if got := since(1) + 1000*since(3); got != 60+70000 {
		t.Errorf("after an update the times are %d", got)
	}
	if n := number(t, a, "SELECT count(*) FROM stamped"); n != 2 {
		t.Errorf("%d rows have a time", n)
	}
	if n := number(t, a, "SELECT n FROM windows"); n != 1 {
		t.Errorf("the closed window has %d rows after two were taken back", n)
	}
	must(t, a, "VERIFY MATERIALIZED VIEW stamped")
	clock.Advance(10 * time.Second)
	tick()
	if n := number(t, a, "SELECT sum(n) FROM windows"); n != 2 {
		t.Errorf("the closed windows have %d rows", n)
	}
}
