package streamdb_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jackc/pgx/v5"

	"streamdb"
)

// TestNeverFilledAgain holds that views whose rows cannot be had again (PROCTIME, lookup joins, tables with a retention) go on
// from a checkpoint, which waits for them, or stay suspended; and that other views are filled again as ever.
func TestNeverFilledAgain(t *testing.T) {
	defer streamdb.SetFreezePatience(10 * time.Millisecond)()
	fs := vfs.NewMem()
	open := func() (*streamdb.DB, *pgx.Conn) {
		db := openOn(t, fs)
		return db, connect(t, serveOn(t, db))
	}
	db, c := open()
	must(t, c, "CREATE TABLE ev (id int, ts timestamp, WATERMARK FOR ts AS ts WITH (max_drift = 'none')) APPEND ONLY WITH (retention = '128 hours')",
		"CREATE TABLE side (id int PRIMARY KEY, name text)", "INSERT INTO side VALUES (0, 'a'), (1, 'b')",
		"CREATE MATERIALIZED VIEW arrivals AS SELECT id, PROCTIME() AS p FROM ev",
		"CREATE MATERIALIZED VIEW looked AS SELECT ev.id, s.name FROM ev JOIN side FOR SYSTEM_TIME AS OF PROCTIME() AS s ON s.id = ev.id % 2",
		"CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n, sum(id) AS s FROM ev",
		"CREATE MATERIALIZED VIEW doubled AS SELECT n * 2 AS n FROM total",
		"CREATE MATERIALIZED VIEW names AS SELECT count(*) AS n FROM side")
	insert := func(from, to int) {
		t.Helper()
		if _, err := c.Exec(t.Context(), "INSERT INTO ev SELECT g, timestamp '2026-01-01' + g * INTERVAL '1 hour' FROM generate_series($1::int, $2::int) g", from, to); err != nil {
			t.Fatal(err)
		}
	}
	insert(1, 200)
	must(t, c, "UPDATE side SET name = name || name")
	insert(201, 400)
	if n := number(t, c, "SELECT count(*) FROM ev"); n != 129 {
		t.Errorf("%d rows are stored, want 129", n)
	}
	shown := func() (s string) {
		t.Helper()
		err := c.QueryRow(t.Context(), `SELECT (SELECT string_agg(id || ' ' || p, ',' ORDER BY id, p) FROM arrivals) || (SELECT string_agg(id || name, ',' ORDER BY id) FROM looked) ||
			(SELECT n || ' ' || s FROM total) || (SELECT ' ' || n FROM doubled)`).Scan(&s)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	reopen := func() {
		t.Helper()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		db, c = open()
	}
	for _, lagging := range []string{"arrivals", "looked", "total"} {
		release, ok := db.Detain(lagging)
		if !ok {
			t.Fatalf("%s is not live", lagging)
		}
		done := make(chan error, 1)
		go func() { done <- db.Checkpoint(t.Context()) }()
		select {
		case err := <-done:
			t.Fatalf("a checkpoint was made without %s: %v", lagging, err)
		case <-time.After(50 * time.Millisecond):
		}
		release()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want := shown()
		reopen()
		if got := shown(); got != want {
			t.Errorf("with %s behind at the checkpoint, after a restart there is\n%s, not\n%s", lagging, got, want)
		}
	}
	for _, v := range []string{"arrivals", "looked", "total", "names"} {
		db.Suspend(v, errors.New("for the test"))
	}
	must(t, c, "CHECKPOINT")
	reopen()
	for _, v := range []string{"arrivals", "looked", "total", "doubled"} {
		if _, err := c.Exec(t.Context(), "SELECT * FROM "+v); code(err) != "55000" {
			t.Errorf("%s after its state was lost: %v, want 55000", v, err)
		}
	}
	if n := number(t, c, "SELECT n FROM names"); n != 2 {
		t.Errorf("names was filled again with %d, want 2", n)
	}
	must(t, c, "DROP MATERIALIZED VIEW total CASCADE", "CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n FROM ev")
	if n := number(t, c, "SELECT n FROM total"); n != 129 {
		t.Errorf("made anew over what is stored, total is %d, want 129", n)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
