package streamdb_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jackc/pgx/v5"

	"streamdb"
)

// leader returns whose operators a view uses, "" for its own.
func leader(t *testing.T, c *pgx.Conn, view string) string {
	t.Helper()
	var name string
	if err := c.QueryRow(t.Context(), "SELECT coalesce(max(shared_with), '') FROM streamdb.operators WHERE relation = $1", view).Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestSharing holds which views share operators, and that they say so.
func TestSharing(t *testing.T) {
	db := openQuietly(t, streamdb.Options{})
	c := connect(t, serveOn(t, db))
	must(t, c, "CREATE TABLE t (k int, v int, ts timestamp, WATERMARK FOR ts AS ts) APPEND ONLY",
		"CREATE MATERIALIZED VIEW a AS SELECT k, count(*) AS n FROM t GROUP BY k")
	for _, q := range []struct{ name, with, text, want string }{
		{"same", "", "SELECT k, count(*) AS n FROM t GROUP BY k", "a"},
		{"renamed", "", "SELECT x.k AS kk, count(*) AS nn FROM t x GROUP BY x.k", "a"},
		{"other", "", "SELECT k, sum(v) AS n FROM t GROUP BY k", ""},
		{"small", "WITH (memory = '64MB')", "SELECT k, count(*) AS n FROM t GROUP BY k", ""},
		{"small2", "WITH (memory = '64MB')", "SELECT k, count(*) AS n FROM t GROUP BY k", "small"},
		{"strict", "WITH (on_error = 'fail')", "SELECT k, count(*) AS n FROM t GROUP BY k", ""},
		{"held", "", "SELECT k, count(*) AS n FROM t GROUP BY k EMIT EVERY INTERVAL '1 second'", ""},
		{"held2", "", "SELECT k, count(*) AS n FROM t GROUP BY k EMIT EVERY INTERVAL '1 second'", ""},
		{"stamped", "", "SELECT k, PROCTIME() AS p FROM t", ""},
		{"stamped2", "", "SELECT k, PROCTIME() AS p FROM t", ""},
		{"corrected", "WITH (late = 'correct', allowed_lateness = '1 minute')", "SELECT window_start, count(*) FROM TUMBLE(t, ts, INTERVAL '1 minute') GROUP BY window_start", ""},
		{"corrected2", "WITH (late = 'correct', allowed_lateness = '1 minute')", "SELECT window_start, count(*) FROM TUMBLE(t, ts, INTERVAL '1 minute') GROUP BY window_start", ""},
	} {
		must(t, c, fmt.Sprintf("CREATE MATERIALIZED VIEW %s %s AS %s", q.name, q.with, q.text))
		if got := leader(t, c, q.name); got != q.want {
			t.Errorf("%s shares operators with %q, want %q", q.name, got, q.want)
		}
	}
	must(t, c, "SET TimeZone = 'UTC'", "CREATE MATERIALIZED VIEW utc AS SELECT ts::timestamptz AS z FROM t",
		"SET TimeZone = 'Asia/Tokyo'", "CREATE MATERIALIZED VIEW tokyo AS SELECT ts::timestamptz AS z FROM t")
	if got := leader(t, c, "tokyo"); got != "" {
		t.Errorf("views of different time zones share operators")
	}
	// A renamed leader is shown by its new name; watermarks and dead letters are the leader's.
	must(t, c, "ALTER MATERIALIZED VIEW a RENAME TO b", "INSERT INTO t VALUES (1, 0, '2024-01-01 00:00:00'), (2, 5, '2024-01-01 00:01:00')")
	if got := leader(t, c, "same"); got != "b" {
		t.Errorf("same shares operators with %q, want b", got)
	}
	must(t, c, "CREATE MATERIALIZED VIEW bad AS SELECT k, 10 / v AS q, ts FROM t", "CREATE MATERIALIZED VIEW bad2 AS SELECT k, 10 / v AS q, ts FROM t")
	for range 2 {
		if n := number(t, c, "SELECT count(*) FROM streamdb.dead_letters WHERE relation = 'bad2'"); n != 1 {
			t.Errorf("bad2 has %d dead letters, want 1", n)
		}
		if n := number(t, c, "SELECT count(*) FROM streamdb.watermarks WHERE relation = 'bad2' AND watermark = '2024-01-01 00:01:00Z'"); n != 1 {
			t.Errorf("bad2 has not its leader's watermark")
		}
		must(t, c, "DROP MATERIALIZED VIEW IF EXISTS bad")
	}
	if got := leader(t, c, "bad2"); got != "" {
		t.Errorf("bad2 still shares operators with %q", got)
	}
	must(t, c, "INSERT INTO t VALUES (3, 0, '2024-01-01 00:02:00')", "VERIFY MATERIALIZED VIEW bad2")
	if n := number(t, c, "SELECT count(*) FROM streamdb.dead_letters WHERE relation = 'bad2'"); n != 2 {
		t.Errorf("bad2 has %d dead letters, want 2", n)
	}
}

// TestSharedFailure holds that views with the same operators fail together and say why, and that those which come later
// do not follow what has failed.
func TestSharedFailure(t *testing.T) {
	db := openQuietly(t, streamdb.Options{DataflowMemory: 4 << 20, SpillQuota: -1})
	c := connect(t, serveOn(t, db))
	const query = "SELECT k, count(*) AS n FROM t GROUP BY k"
	must(t, c, "CREATE TABLE t (k int)", "CREATE MATERIALIZED VIEW a AS "+query, "CREATE MATERIALIZED VIEW b AS "+query,
		"CREATE MATERIALIZED VIEW other AS SELECT count(*) AS n FROM t", "INSERT INTO t SELECT generate_series(1, 200000)")
	_, err := c.Exec(t.Context(), "SELECT n FROM b")
	if code(err) != "55000" {
		t.Fatalf("got %v", err)
	}
	if n := number(t, c, "SELECT count(*) FROM streamdb.progress WHERE relation = 'b' AND error LIKE 'it shares the operators of a: state of % bytes exceeds%'"); n != 1 {
		t.Error("b does not say why it is suspended")
	}
	must(t, c, "DELETE FROM t WHERE k > 10", "CREATE MATERIALIZED VIEW c AS "+query)
	if n := number(t, c, "SELECT count(*) FROM c"); n != 10 || leader(t, c, "c") != "" {
		t.Errorf("c has %d rows and shares operators with %q", n, leader(t, c, "c"))
	}
	must(t, c, "DROP MATERIALIZED VIEW a", "DROP MATERIALIZED VIEW b", "CREATE MATERIALIZED VIEW b AS "+query, "VERIFY MATERIALIZED VIEW b")
	if got := leader(t, c, "b"); got != "c" {
		t.Errorf("b shares operators with %q", got)
	}
	if n := number(t, c, "SELECT n FROM other"); n != 10 {
		t.Errorf("other has %d", n)
	}
}

// sharedQueries is what TestSharingAtRandom makes views of.
var sharedQueries = []string{
	"SELECT k, count(*) AS n, sum(v) AS s, max(v) AS hi FROM t GROUP BY k",
	"SELECT a.k, a.v, b.v AS w FROM t a JOIN t b ON a.k = b.v",
	"SELECT k, 100 / v AS q FROM t WHERE v < 50",
	"SELECT * FROM (SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v DESC) AS r FROM t) x WHERE r <= 2",
}

// TestSharingAtRandom makes and drops views with the same plans at random, with readers over them and indexes, in a
// database that shares and in one that does not, with views that leave the step, checkpoints and restarts in between:
// whatever happens, both have the same rows.
func TestSharingAtRandom(t *testing.T) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { shareAtRandom(t, seed) })
	}
}

// sharing is a database of TestSharingAtRandom.
type sharing struct {
	fs   vfs.FS
	opts streamdb.Options
	db   *streamdb.DB
	c    *pgx.Conn
}

func (s *sharing) open(t *testing.T) {
	t.Helper()
	s.opts.FS, s.opts.Logger = s.fs, slog.New(slog.DiscardHandler)
	db, err := streamdb.Open("data", s.opts)
	if err != nil {
		t.Fatal(err)
	}
	s.db, s.c = db, connect(t, serveOn(t, db))
}

func (s *sharing) close(t *testing.T) {
	t.Helper()
	_ = s.c.Close(t.Context())
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
}

func shareAtRandom(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	with := &sharing{fs: vfs.NewMem(), opts: streamdb.Options{Workers: 1 + int(seed)%2, NoInlineFill: seed%2 == 1, LagEvery: int(seed) % 4 * 3}}
	without := &sharing{fs: vfs.NewMem(), opts: streamdb.Options{NoSharing: true}}
	both := func(sql ...string) {
		t.Helper()
		must(t, with.c, sql...)
		must(t, without.c, sql...)
	}
	with.open(t)
	without.open(t)
	both("CREATE TABLE t (k int, v int)", "INSERT INTO t SELECT g % 40, g % 90 FROM generate_series(1, 500) g")
	var views []string
	most, made := 0, 0
	for step := range 120 {
		switch n := rnd.IntN(12); {
		case n < 3 || len(views) == 0:
			name := fmt.Sprintf("v%d", made)
			made++
			both(fmt.Sprintf("CREATE MATERIALIZED VIEW %s AS %s", name, sharedQueries[rnd.IntN(len(sharedQueries))]))
			if rnd.IntN(2) == 0 {
				both(fmt.Sprintf("CREATE INDEX ON %s (k)", name), fmt.Sprintf("CREATE MATERIALIZED VIEW over_%s AS SELECT k %% 3 AS m, count(*) AS n FROM %s GROUP BY 1", name, name))
			}
			views = append(views, name)
		case n < 5:
			i := rnd.IntN(len(views))
			if rnd.IntN(2) == 0 {
				i = 0 // most likely a leader
			}
			if rnd.IntN(2) == 0 {
				if release, ok := with.db.Detain(views[rnd.IntN(len(views))]); ok {
					time.AfterFunc(time.Duration(rnd.IntN(20))*time.Millisecond, release)
				}
			}
			both("DROP MATERIALIZED VIEW " + views[i] + " CASCADE")
			views = slices.Delete(views, i, i+1)
		case n < 6:
			must(t, with.c, "CHECKPOINT")
		case n < 7 && step%4 == 0:
			with.close(t)
			with.open(t)
		default:
			lo := rnd.IntN(600)
			both(fmt.Sprintf("INSERT INTO t SELECT g %% 40, g %% 90 FROM generate_series(%d, %d) g", lo, lo+rnd.IntN(40)),
				fmt.Sprintf("DELETE FROM t WHERE k = %d AND v %% 4 = %d", rnd.IntN(40), rnd.IntN(4)))
		}
		if step%20 == 19 {
			most = max(most, int(number(t, with.c, "SELECT count(DISTINCT relation) FROM streamdb.operators WHERE shared_with IS NOT NULL")))
			compareShared(t, with.c, without.c)
		}
	}
	if most == 0 {
		t.Error("no views have shared operators")
	}
	for _, v := range views {
		must(t, with.c, "VERIFY MATERIALIZED VIEW "+v)
	}
	with.close(t)
	without.close(t)
}

// compareShared compares fingerprints and dead letters.
func compareShared(t *testing.T, a, b *pgx.Conn) {
	t.Helper()
	want, got := fingerprints(t, b), fingerprints(t, a)
	for name, sum := range want {
		if got[name] != sum {
			t.Errorf("%s has the fingerprint %s, without sharing %s", name, got[name], sum)
		}
	}
	const letters = "SELECT coalesce(sum(weight * length(relation)), 0) FROM streamdb.dead_letters"
	if n, m := number(t, a, letters), number(t, b, letters); n != m {
		t.Errorf("the dead letters come to %d, without sharing to %d", n, m)
	}
}
