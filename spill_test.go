package streamdb_test

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"streamdb"
)

// spillRows fills a table of many keys.
func spillRows(t *testing.T, c *pgx.Conn, from, to int) {
	t.Helper()
	for lo := from; lo < to; lo += 2_000 {
		must(t, c, fmt.Sprintf("INSERT INTO t SELECT g, g %% 7, 'name of ' || g FROM generate_series(%d, %d) g", lo, min(lo+2_000, to)-1))
	}
}

func openSpilling(t *testing.T, dir string, opts streamdb.Options) *streamdb.DB {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("state is spilled on Linux only")
	}
	opts.Logger = slog.New(slog.DiscardHandler)
	db, err := streamdb.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// TestSpill keeps a view whose state is many times its memory, beside its twin that has enough: they are alike, also
// after updates, deletions and a restart.
func TestSpill(t *testing.T) {
	dir := t.TempDir()
	opts := streamdb.Options{Workers: 2}
	db := openSpilling(t, dir, opts)
	c := connect(t, serveOn(t, db))
	must(t, c, "CREATE TABLE t (id int PRIMARY KEY, k int, name text)",
		"CREATE MATERIALIZED VIEW small WITH (memory = '8MB') AS SELECT name, max(id), count(DISTINCT k), sum(k::numeric) FROM t GROUP BY name",
		"CREATE MATERIALIZED VIEW large AS SELECT name, max(id), count(DISTINCT k), sum(k::numeric) FROM t GROUP BY name",
		"CREATE MATERIALIZED VIEW joined WITH (memory = '1MB') AS SELECT a.id, b.name FROM t a JOIN t b ON a.id = b.id + 1")
	alike := func() {
		t.Helper()
		must(t, c, "FLUSH")
		if n := number(t, c, "SELECT count(*) FROM (TABLE small EXCEPT ALL TABLE large UNION ALL (TABLE large EXCEPT ALL TABLE small)) d"); n != 0 {
			t.Errorf("the views differ in %d rows", n)
		}
		for _, v := range []string{"small", "joined"} {
			must(t, c, "VERIFY MATERIALIZED VIEW "+v)
			if n := number(t, c, "SELECT spilled_bytes FROM streamdb.memory WHERE relation = $1", v); n < 1<<20 {
				t.Errorf("%s has only %d bytes on disk", v, n)
			}
			if n := number(t, c, "SELECT memory_bytes FROM streamdb.memory WHERE relation = $1", v); n > 8<<20 {
				t.Errorf("%s has %d bytes in memory", v, n)
			}
		}
	}
	spillRows(t, c, 0, 60_000)
	alike()
	for lo := 0; lo < 60_000; lo += 5_000 {
		must(t, c, fmt.Sprintf("UPDATE t SET k = k + 1, name = name || '!' WHERE id %% 3 = 0 AND id BETWEEN %d AND %d", lo, lo+4_999),
			fmt.Sprintf("DELETE FROM t WHERE id %% 5 = 0 AND id BETWEEN %d AND %d", lo, lo+4_999))
	}
	alike()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again := openSpilling(t, dir, opts)
	defer again.Close()
	c = connect(t, serveOn(t, again))
	alike()
	spillRows(t, c, 60_000, 80_000)
	alike()
}

// TestSpillQuota holds that a view that finds no room on disk is suspended and says why, and that another does not notice.
func TestSpillQuota(t *testing.T) {
	db := openSpilling(t, t.TempDir(), streamdb.Options{SpillQuota: 17 << 20})
	defer db.Close()
	c := connect(t, serveOn(t, db))
	must(t, c, "CREATE TABLE t (id int PRIMARY KEY, k int, name text)",
		"CREATE MATERIALIZED VIEW few AS SELECT k, count(*) FROM t GROUP BY k",
		"CREATE MATERIALIZED VIEW many WITH (memory = '1MB') AS SELECT name, id, count(*) FROM t GROUP BY name, id")
	spillRows(t, c, 0, 400_000)
	var e *pgconn.PgError
	_, err := c.Exec(t.Context(), "TABLE many")
	if !errors.As(err, &e) || e.Code != "55000" || !strings.Contains(e.Message+e.Detail, "quota") {
		t.Errorf("beyond the quota: %v", err)
	}
	if n := number(t, c, "SELECT sum(count)::bigint FROM few"); n != 400_000 {
		t.Errorf("the other view counts %d", n)
	}
}
