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
