package streamdb_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"streamdb"
)

// A client is told of its late rows as they are committed, and of nothing else.
func TestLateNotice(t *testing.T) {
	cfg, err := pgx.ParseConfig(startServer(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { got = append(got, n.Message) }
	c, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	expect := func(want ...string) {
		t.Helper()
		if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
			t.Fatalf("notices %q, want %q", got, want)
		}
		got = nil
	}
	must(t, c, "CREATE TABLE ev (id int PRIMARY KEY, ts timestamp, WATERMARK FOR ts AS ts - INTERVAL '5 seconds')",
		"INSERT INTO ev SELECT g, timestamp '2024-01-01' + g * INTERVAL '1 second' FROM generate_series(0, 60) g")
	expect()
	must(t, c, "INSERT INTO ev VALUES (100, '2024-01-01 00:00:01')")
	expect(`1 row is late for table "ev" and kept apart`)
	must(t, c, "UPDATE ev SET id = id + 1000000")
	expect()
	must(t, c, "UPDATE ev SET ts = ts - INTERVAL '1 millisecond'")
	expect(`56 rows are late for table "ev" and kept apart`)
	must(t, c, "BEGIN", "INSERT INTO ev SELECT g, '2024-01-01' FROM generate_series(1, 200000) g")
	expect()
	must(t, c, "COMMIT")
	expect(`200000 rows are late for table "ev" and kept apart`)
}

// The late rows of a relation have a budget: the oldest go, a view that has read them keeps them, also after a restart.
func TestLateBudget(t *testing.T) {
	fs := vfs.NewMem()
	open := func() (*streamdb.DB, *pgx.Conn) {
		db := openOn(t, fs)
		return db, connect(t, serveOn(t, db))
	}
	db, c := open()
	must(t, c, "CREATE TABLE ev (id int, ts timestamp, WATERMARK FOR ts AS ts) APPEND ONLY",
		"CREATE MATERIALIZED VIEW seen AS SELECT count(*) AS n, min(id) AS least FROM LATE(ev)",
		"INSERT INTO ev VALUES (0, '2024-01-02')",
		"INSERT INTO ev SELECT g, '2024-01-01' FROM generate_series(1, 80000) g",
		"INSERT INTO ev SELECT g, '2024-01-01' FROM generate_series(80001, 112500) g")
	check := func(kept, least, gone int64) {
		t.Helper()
		for sql, want := range map[string]int64{
			"SELECT count(*) FROM LATE(ev)": kept,
			"SELECT min(id) FROM LATE(ev)":  least,
			"SELECT n FROM seen":            kept + gone,
			"SELECT least FROM seen":        1,
			"SELECT late_rows FROM streamdb.watermarks WHERE relation = 'ev'":                   kept + gone,
			"SELECT coalesce(sum(late_rows_dropped), 0)::bigint FROM streamdb.retention":        gone,
			"SELECT count(*) FROM streamdb.progress WHERE relation = 'seen' AND state = 'live'": 1,
		} {
			if n := number(t, c, sql); n != want {
				t.Errorf("%s is %d, want %d", sql, n, want)
			}
		}
	}
	check(112_500, 1, 0)
	must(t, c, "INSERT INTO ev SELECT g, '2024-01-01' FROM generate_series(112501, 120000) g")
	check(100_000, 20_001, 20_000)
	if _, err := c.Exec(t.Context(), "VERIFY MATERIALIZED VIEW seen"); code(err) != "55000" {
		t.Errorf("verified although late rows are gone: %v", err)
	}
	must(t, c, "CHECKPOINT", "INSERT INTO ev SELECT g, '2024-01-01' FROM generate_series(120001, 120100) g")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, c = open()
	defer db.Close()
	check(100_100, 20_001, 20_000)
	// 24 texts of 4 MiB are above the budget in bytes.
	must(t, c, "CREATE TABLE wide (v text, ts timestamp, WATERMARK FOR ts AS ts) APPEND ONLY", "INSERT INTO wide VALUES ('', '2024-01-02')")
	for range 24 {
		must(t, c, "INSERT INTO wide SELECT repeat('x', 4 << 20), '2024-01-01'")
	}
	if n := number(t, c, "SELECT count(*) FROM LATE(wide)"); n < 15 || n > 18 {
		t.Errorf("%d late rows of 4 MiB are kept, want about 16", n)
	}
}
