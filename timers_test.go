package streamdb_test

import (
	"testing"
	"time"

	"streamdb"
)

// TestTicks holds that a view with EMIT EVERY comes to what it should be without any
// traffic, and that time is not logged while nothing waits for it.
func TestTicks(t *testing.T) {
	db := openQuietly(t, streamdb.Options{TickInterval: 10 * time.Millisecond})
	a := connect(t, serveOn(t, db))
	must(t, a, "CREATE TABLE t (v int)", "INSERT INTO t VALUES (1)",
		"CREATE MATERIALIZED VIEW m AS SELECT sum(v) AS s FROM t EMIT EVERY INTERVAL '50 milliseconds'",
		"CREATE MATERIALIZED VIEW twice AS SELECT 2 * s AS s FROM m")
	for i, want := range []int64{1, 3, 6} {
		if i > 0 {
			if _, err := a.Exec(t.Context(), "INSERT INTO t VALUES ($1)", i+1); err != nil {
				t.Fatal(err)
			}
		}
		for end := time.Now().Add(10 * time.Second); number(t, a, "SELECT s FROM m") != want; {
			if time.Now().After(end) {
				t.Fatalf("the view does not come to %d", want)
			}
			time.Sleep(5 * time.Millisecond)
		}
		if got := number(t, a, "SELECT s FROM twice"); got != 2*want {
			t.Errorf("the view's reader is at %d, not %d", got, 2*want)
		}
	}
	before := db.Entries()
	time.Sleep(200 * time.Millisecond)
	if n := db.Entries() - before; n > 1 {
		t.Errorf("%d entries while nothing waits for time", n)
	}
}

// TestCutsOfLaggingView holds that a view with EMIT EVERY that was beside the step for
// several multiples shows, at the head, what its input was at the last of them; and that a
// view below it was there, too.
func TestCutsOfLaggingView(t *testing.T) {
	clock := streamdb.NewManualTime()
	db := openQuietly(t, streamdb.Options{Time: clock})
	dsn := serveOn(t, db)
	a := connect(t, dsn)
	must(t, a, "CREATE TABLE t (v int)", "INSERT INTO t VALUES (1)",
		"CREATE MATERIALIZED VIEW n AS SELECT sum(v) AS s FROM t",
		"CREATE MATERIALIZED VIEW m AS SELECT s FROM n EMIT EVERY INTERVAL '10 seconds'",
		"CREATE MATERIALIZED VIEW twice AS SELECT 2 * s AS s FROM m")
	release := detain(t, db, "n")
	must(t, a, "INSERT INTO t VALUES (10)")
	clock.Advance(10 * time.Second)
	must(t, a, "INSERT INTO t VALUES (100)") // shown: the first past a multiple
	must(t, a, "INSERT INTO t VALUES (1000)")
	clock.Advance(10 * time.Second)
	must(t, a, "INSERT INTO t VALUES (10000)", "INSERT INTO t VALUES (100000)")
	release()
	if got := number(t, a, "SELECT s FROM m"); got != 11111 {
		t.Errorf("shown is %d, not the state at the last multiple", got)
	}
	if got := number(t, a, "SELECT s FROM twice"); got != 22222 {
		t.Errorf("shown above it is %d", got)
	}
	if got := number(t, a, "SELECT s FROM n"); got != 111111 {
		t.Errorf("the input is %d", got)
	}
	clock.Advance(10 * time.Second)
	must(t, a, "CREATE TABLE other (v int)")
	if got := number(t, a, "SELECT s FROM m"); got != 111111 {
		t.Errorf("after the next multiple: %d", got)
	}
}
