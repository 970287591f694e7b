package streamdb_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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
