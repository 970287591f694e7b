package streamdb_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jackc/pgx/v5"

	"streamdb"
)

// openQuietly opens a database in memory that is closed at the end of the test.
func openQuietly(t *testing.T, opts streamdb.Options) *streamdb.DB {
	t.Helper()
	opts.FS, opts.Logger = vfs.NewMem(), slog.New(slog.DiscardHandler)
	db, err := streamdb.Open("data", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// detain keeps a view out of the step until the function that it returns is called.
func detain(t *testing.T, db *streamdb.DB, view string) func() {
	t.Helper()
	for range 1000 {
		if release, ok := db.Detain(view); ok {
			return release
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s does not become live", view)
	return nil
}

// TestSerializableOverLaggingView holds that a serializable transaction that has read a view fails when a table behind it
// has changed since, also where the view itself has not noticed yet.
func TestSerializableOverLaggingView(t *testing.T) {
	db := openQuietly(t, streamdb.Options{})
	dsn := serveOn(t, db)
	a, b := connect(t, dsn), connect(t, dsn)
	must(t, a, "CREATE TABLE t (v int)", "CREATE TABLE other (v int)", "CREATE TABLE u (v int)", "INSERT INTO t VALUES (1)",
		"CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM t", "CREATE MATERIALIZED VIEW twice AS SELECT n * 2 AS n FROM n")
	for _, c := range []struct{ view, write, want string }{
		{"n", "INSERT INTO t VALUES (2)", "40001"},
		{"twice", "DELETE FROM t WHERE v = 2", "40001"},
		{"twice", "TRUNCATE t", "40001"},
		{"twice", "INSERT INTO other VALUES (2)", ""},
	} {
		tx := begin(t, a, pgx.Serializable)
		number(t, tx, "SELECT n FROM "+c.view)
		must(t, tx, "INSERT INTO u VALUES (1)")
		release := detain(t, db, "n")
		must(t, b, c.write)
		if got := code(tx.Commit(t.Context())); got != c.want {
			t.Errorf("%s, then %s: got %q, want %q", c.view, c.write, got, c.want)
		}
		release()
	}
}

// TestFingerprintsOfLaggingView holds that the fingerprint of a view is that of a state which the view has had: read at
// the prompt it waits, and an old transaction does not get that of half a state.
func TestFingerprintsOfLaggingView(t *testing.T) {
	db := openQuietly(t, streamdb.Options{})
	dsn := serveOn(t, db)
	a, b := connect(t, dsn), connect(t, dsn)
	must(t, a, "CREATE TABLE t (v int)", "INSERT INTO t VALUES (1)", "CREATE MATERIALIZED VIEW n AS SELECT v FROM t")
	const same = "SELECT count(DISTINCT fingerprint) FROM streamdb.fingerprints WHERE relation IN ('t', 'n')"
	const listed = "SELECT count(*) FROM streamdb.fingerprints WHERE relation IN ('t', 'n')"
	release := detain(t, db, "n")
	must(t, b, "INSERT INTO t VALUES (2)")
	tx := begin(t, a, pgx.RepeatableRead)
	number(t, tx, "SELECT count(*) FROM t")
	must(t, b, "INSERT INTO t VALUES (3)")
	for _, q := range []string{same, listed} {
		if n := number(t, tx, q); n != 1 {
			t.Errorf("while n lags %s gives %d", q, n)
		}
	}
	release()
	if n := number(t, b, "SELECT count(*) FROM n"); n != 3 {
		t.Error(n)
	}
	for _, q := range []string{same, listed} {
		if n := number(t, tx, q); n != 1 {
			t.Errorf("in a transaction from before n was back %s gives %d", q, n)
		}
	}
	time.AfterFunc(20*time.Millisecond, detain(t, db, "n"))
	must(t, b, "INSERT INTO t VALUES (4)")
	if n := number(t, b, "SELECT count(*) FROM streamdb.fingerprints WHERE relation IN ('t', 'n')"); n != 2 {
		t.Errorf("%d relations are listed", n)
	}
	if n := number(t, b, same); n != 1 {
		t.Errorf("%d fingerprints of the same rows", n)
	}
}

// explode is a view in which each row of one table meets each of another.
const explode = "CREATE MATERIALIZED VIEW pairs WITH (background) AS SELECT count(*) AS n FROM t JOIN u ON t.v + u.v < 0"

// TestDropWhileFilling holds that a view can be dropped, and the database closed, while a fill is in the middle of one
// delta that takes very long.
func TestDropWhileFilling(t *testing.T) {
	db, err := streamdb.Open("data", streamdb.Options{FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, serveOn(t, db))
	// 10 billion pairs.
	must(t, c, "CREATE TABLE t (v int)", "CREATE TABLE u (v int)", "INSERT INTO t SELECT g FROM generate_series(1, 100000) g",
		"INSERT INTO u SELECT * FROM t", explode)
	filling := func() bool {
		return number(t, c, "SELECT count(*) FROM streamdb.progress WHERE relation = 'pairs' AND state = 'filling' AND rows_read > 100000") == 1
	}
	for range 2 {
		for !filling() {
			time.Sleep(time.Millisecond)
		}
		began := time.Now()
		must(t, c, "DROP MATERIALIZED VIEW pairs")
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("DROP took %v", d)
		}
		if !db.Idle(2 * time.Second) {
			t.Fatal("the fill of a dropped view goes on")
		}
		must(t, c, explode)
	}
	for !filling() {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("closing took %v", d)
	}
}

// TestFewRowsLeave holds that a view for which a few rows are too much leaves the step for them, that a reader who waits
// for it sees every acknowledged write, and that it comes back.
func TestFewRowsLeave(t *testing.T) {
	db := openQuietly(t, streamdb.Options{})
	dsn := serveOn(t, db)
	a := connect(t, dsn)
	must(t, a, "CREATE TABLE t (v int)", "INSERT INTO t VALUES (1)",
		"CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM t", "CREATE MATERIALIZED VIEW twice AS SELECT n * 2 AS n FROM n")
	before := db.Joined("n")
	must(t, a, "INSERT INTO t VALUES (2)")
	if n := number(t, a, "SELECT n FROM twice"); n != 4 || db.Joined("n") != before {
		t.Errorf("%d rows; it left for a row that is cheap", n)
	}
	db.Paced("n", time.Hour)
	for want := int64(3); want < 6; want++ {
		must(t, a, "INSERT INTO t VALUES (3)")
		if n := number(t, a, "SELECT n FROM twice"); n != 2*want {
			t.Errorf("got %d, want %d", n, 2*want)
		}
		now := db.Joined("n")
		if now <= before && want == 3 {
			t.Error("it stayed in the step for a row that takes an hour")
		}
		before = now
	}
}
