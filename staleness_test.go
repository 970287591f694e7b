package streamdb_test

import (
	"fmt"
	"testing"
	"time"

	"streamdb"
)

// A stale read shows one epoch of all relations, and no older one than allowed.
func TestMaxStaleness(t *testing.T) {
	db := openQuietly(t, streamdb.Options{})
	dsn := serveOn(t, db)
	a, b := connect(t, dsn), connect(t, dsn)
	must(t, a, "CREATE TABLE t (v int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)", "CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM t",
		"CREATE MATERIALIZED VIEW other AS SELECT max(v) AS v FROM t")
	release := detain(t, db, "n")
	for i := range 30 {
		must(t, b, fmt.Sprintf("INSERT INTO t VALUES (%d)", 100+i))
	}
	const both = "SELECT n * 1000 + (SELECT count(*) FROM t) FROM n"
	must(t, a, "SET max_staleness = '1h'")
	if n := number(t, a, both); n != 2002 {
		t.Errorf("n and count of t: %d", n)
	}
	if n := number(t, a, "SELECT n FROM n"); n != 2 {
		t.Errorf("n: %d", n)
	}
	if n := number(t, a, "SELECT count(*) FROM t"); n != 32 {
		t.Errorf("t alone: %d", n)
	}
	// The other view has gone on, and does not remember: each shows what it has.
	if n := number(t, a, "SELECT n FROM n, other WHERE v IS NOT NULL"); n != 2 {
		t.Errorf("n: %d", n)
	}
	time.Sleep(5 * time.Millisecond)
	must(t, a, "SET max_staleness = '1ms'", "SET statement_timeout = '100ms'")
	if _, err := a.Exec(t.Context(), both); code(err) != "57014" {
		t.Errorf("a view that lags by more is not waited for: %v", err)
	}
	must(t, a, "RESET statement_timeout")
	release()
	if n := number(t, a, both); n != 32032 {
		t.Errorf("n and count of t: %d", n)
	}
	if _, err := a.Exec(t.Context(), "SET max_staleness = 'soon'"); code(err) != "22023" {
		t.Error(err)
	}
}

// A suspended view can be read as long as max_staleness allows.
func TestMaxStalenessOfSuspendedView(t *testing.T) {
	db := openQuietly(t, streamdb.Options{DataflowMemory: 1 << 20})
	a := connect(t, serveOn(t, db))
	must(t, a, "CREATE TABLE t (v int)", "INSERT INTO t VALUES (1), (2)", "CREATE MATERIALIZED VIEW n AS SELECT v, count(*) AS n FROM t GROUP BY v",
		"INSERT INTO t SELECT g FROM generate_series(1, 100000) g")
	if _, err := a.Exec(t.Context(), "SELECT count(*) FROM n"); code(err) != "55000" {
		t.Fatalf("a suspended view: %v", err)
	}
	must(t, a, "SET max_staleness = '1h'")
	if n := number(t, a, "SELECT count(*) FROM n"); n != 2 {
		t.Errorf("%d rows", n)
	}
	must(t, a, "BEGIN")
	if n := number(t, a, "SELECT sum(n) FROM n"); n != 2 {
		t.Errorf("in a transaction: %d", n)
	}
	must(t, a, "COMMIT")
	time.Sleep(20 * time.Millisecond)
	must(t, a, "SET max_staleness = '10ms'")
	if _, err := a.Exec(t.Context(), "SELECT count(*) FROM n"); code(err) != "55000" {
		t.Errorf("a suspended view that is too old: %v", err)
	}
}
