package streamdb_test

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jackc/pgx/v5"

	"streamdb"
)

// resumeTables is what the views below read: a table that is changed, one that is joined
// with it, and events with a watermark.
var resumeTables = []string{
	"CREATE TABLE t (id int PRIMARY KEY, k int, v bigint, price numeric(12,2), f float8, name text)",
	"CREATE TABLE d (k int PRIMARY KEY, label text)",
	"CREATE TABLE ev (k int, v int, ts timestamp, WATERMARK FOR ts AS ts - INTERVAL '2 seconds') APPEND ONLY",
	"CREATE TABLE ret (id int PRIMARY KEY, v int, ts timestamp, WATERMARK FOR ts AS ts - INTERVAL '2 seconds')",
}

// resumeViews has a view for every kind of operator that keeps state.
var resumeViews = map[string]string{
	"plain":      "SELECT id, upper(name) AS name FROM t WHERE v % 3 = 0",
	"sums":       "SELECT k, count(*) AS n, sum(v) AS s, avg(price) AS p, sum(f) AS f, stddev_samp(f) AS d FROM t GROUP BY k",
	"whole":      "SELECT count(*) AS n, sum(price) AS p, max(name) AS m FROM t",
	"extremes":   "SELECT k, min(v) AS lo, max(price) AS hi, max(name) AS last, min(f) AS f FROM t GROUP BY k",
	"lists":      "SELECT k, string_agg(name, ',' ORDER BY id) AS names, array_agg(v ORDER BY v) AS vs FROM t WHERE id % 10 = 0 GROUP BY k",
	"distincts":  "SELECT DISTINCT k, v % 7 AS m FROM t",
	"counted":    "SELECT k, count(DISTINCT v % 50) AS n FROM t GROUP BY k",
	"inner_join": "SELECT t.id, d.label FROM t JOIN d ON t.k = d.k",
	"left_join":  "SELECT t.id, d.label FROM t LEFT JOIN d ON t.k = d.k",
	"full_join":  "SELECT t.id, d.k, d.label FROM t FULL JOIN d ON t.k = d.k AND t.v > 10",
	"theta":      "SELECT t.id, d.label FROM t LEFT JOIN d ON t.k = d.k AND t.v % 5 > d.k % 5",
	"self_join":  "SELECT a.id, b.id AS other FROM t a JOIN t b ON a.k = b.id",
	"semi":       "SELECT id FROM t WHERE EXISTS (SELECT 1 FROM d WHERE d.k = t.k)",
	"anti":       "SELECT id FROM t WHERE k NOT IN (SELECT k FROM d)",
	"scalar":     "SELECT id FROM t WHERE v > (SELECT avg(v) FROM t)",
	"top":        "SELECT id, v FROM t ORDER BY v DESC, id LIMIT 20 OFFSET 3",
	"per_key":    "SELECT DISTINCT ON (k) k, id, v FROM t ORDER BY k, v DESC, id",
	"ranked":     "SELECT id, k, v, row_number() OVER (PARTITION BY k ORDER BY v DESC, id) AS r, lag(v) OVER (PARTITION BY k ORDER BY v, id) AS l FROM t WHERE id % 7 = 0",
	"running":    "SELECT k, sum(v) OVER (ORDER BY k, v) AS s, count(*) OVER (PARTITION BY v % 3) AS n FROM (SELECT k % 10 AS k, v % 20 AS v FROM t WHERE id % 50 = 0) x",
	"per_row":    "SELECT * FROM (SELECT id, k, row_number() OVER (PARTITION BY k ORDER BY v DESC, id) AS r FROM t) x WHERE r <= 2",
	"united":     "SELECT id AS x FROM t UNION ALL SELECT k FROM d",
	"either":     "SELECT k AS x FROM t UNION SELECT k FROM d",
	"common":     "SELECT k AS x FROM t INTERSECT SELECT k FROM d",
	"without":    "SELECT k AS x FROM d EXCEPT ALL SELECT k FROM t",
	"over_view":  "SELECT n, count(*) AS c, sum(s) AS s FROM sums GROUP BY n",
	"over_join":  "SELECT label, count(*) AS n FROM left_join GROUP BY label",
	"withheld":   "SELECT k, count(*) AS n, sum(v) AS s FROM t GROUP BY k EMIT EVERY INTERVAL '1 year'",
	"over_held":  "SELECT n, count(*) AS c FROM withheld GROUP BY n",
	"tumbling":   "SELECT window_start, k, count(*) AS n, sum(v) AS s FROM TUMBLE(ev, ts, INTERVAL '10 seconds') GROUP BY window_start, k",
	"hopping":    "SELECT window_start, window_end, count(*) AS n, max(v) AS hi FROM HOP(ev, ts, INTERVAL '5 seconds', INTERVAL '20 seconds') GROUP BY window_start, window_end",
	"hopped":     "SELECT window_end, k, count(DISTINCT v) AS n FROM HOP(ev, ts, INTERVAL '5 seconds', INTERVAL '20 seconds') GROUP BY window_end, k EMIT ON WINDOW CLOSE",
	"closed":     "SELECT window_start, window_end, count(*) AS n FROM TUMBLE(ev, ts, INTERVAL '10 seconds') GROUP BY window_start, window_end EMIT ON WINDOW CLOSE",
	"closed_ret": "SELECT window_start, window_end, count(*) AS n, sum(v) AS s FROM TUMBLE(ret, ts, INTERVAL '10 seconds') GROUP BY window_start, window_end EMIT ON WINDOW CLOSE",
	"windowed":   "SELECT a.window_start, a.n, b.n AS m FROM (SELECT window_start, window_end, count(*) AS n FROM TUMBLE(ev, ts, INTERVAL '10 seconds') GROUP BY window_start, window_end) a JOIN (SELECT window_start, window_end, count(*) AS n FROM TUMBLE(ev, ts, INTERVAL '10 seconds') WHERE k > 3 GROUP BY window_start, window_end) b ON a.window_start = b.window_start AND a.window_end = b.window_end",
	"dead":       "SELECT id, 100 / (v - 7) AS q FROM t",
}

// resumeChanges changes everything, differently in each round.
func resumeChanges(round int) []string {
	at := func(sec int) string {
		return fmt.Sprintf("timestamp '2026-01-01' + INTERVAL '%d seconds'", round*30+sec)
	}
	return []string{
		fmt.Sprintf("INSERT INTO t SELECT g, g %% 211, (g * 7919) %% 1000, (g %% 977) * 1.25, g * 0.1, 'n' || (g %% 89) FROM generate_series(%d, %d) g", round*10_000+30_000, round*10_000+30_999),
		fmt.Sprintf("DELETE FROM t WHERE id %% 17 = %d AND id < 3000", round%17),
		fmt.Sprintf("UPDATE t SET v = v + 1, price = price * 3, k = k + 1 WHERE id %% 301 = %d", round),
		fmt.Sprintf("INSERT INTO d VALUES (%d, 'late %d')", 150+round, round),
		fmt.Sprintf("DELETE FROM d WHERE k = %d", 2*round),
		fmt.Sprintf("INSERT INTO ev SELECT g %% 7, g, %s + g * INTERVAL '100 milliseconds' FROM generate_series(0, 299) g", at(0)),
		fmt.Sprintf("INSERT INTO ret SELECT %d + g, g, %s + g * INTERVAL '1 second' FROM generate_series(0, 29) g", round*100, at(0)),
		fmt.Sprintf("DELETE FROM ret WHERE id %% 3 = 0 AND id >= %d", (round-1)*100+20),
	}
}

// openResumed opens the database in a file system and connects to it.
func openResumed(t *testing.T, fs vfs.FS, workers int, copied int64) (*streamdb.DB, *pgx.Conn) {
	t.Helper()
	db, err := streamdb.Open("data", streamdb.Options{FS: fs, Workers: workers, CheckpointCopy: copied, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return db, connect(t, serveOn(t, db))
}

// fingerprints reads those of all relations, once every view has caught up.
func fingerprints(t *testing.T, c *pgx.Conn) map[string]string {
	t.Helper()
	must(t, c, "FLUSH")
	rows, err := c.Query(t.Context(), "SELECT relation, fingerprint FROM streamdb.fingerprints")
	if err != nil {
		t.Fatal(err)
	}
	prints := make(map[string]string)
	var name, sum string
	if _, err := pgx.ForEachRow(rows, []any{&name, &sum}, func() error {
		prints[name] = sum
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return prints
}

// TestResume restarts a database whose views have state of every kind: each is live at
// once, without reading its inputs, has the rows it had before, and goes on as if nothing
// had happened.
func TestResume(t *testing.T) {
	for workers, copied := range map[int]int64{1: 0, 3: 1} { // with 1, nothing is copied
		t.Run(fmt.Sprintf("workers=%d", workers), func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			db, c := openResumed(t, fs, workers, copied)
			must(t, c, resumeTables...)
			must(t, c, "INSERT INTO t SELECT g, g % 211, (g * 7919) % 1000, (g % 977) * 1.25, g * 0.1, 'n' || (g % 89) FROM generate_series(1, 30000) g",
				"INSERT INTO d SELECT g, 'label ' || g FROM generate_series(1, 150) g")
			left := slices.Sorted(maps.Keys(resumeViews))
			for _, later := range []bool{false, true} { // those over views come last
				for _, name := range left {
					if strings.HasPrefix(name, "over_") == later {
						must(t, c, "CREATE MATERIALIZED VIEW "+name+" AS "+resumeViews[name])
					}
				}
			}
			must(t, c, "CREATE INDEX ON sums (n)", "CREATE INDEX ON left_join (label, id)")
			rounds := 6
			if testing.Short() {
				rounds = 2
			}
			for round := 1; round <= rounds; round++ {
				must(t, c, resumeChanges(2*round)...)
				must(t, c, "FLUSH", "CHECKPOINT")
				must(t, c, resumeChanges(2*round+1)...) // the log's tail
				before := fingerprints(t, c)
				crashed := fs.CrashClone(vfs.CrashCloneCfg{})
				_ = c.Close(t.Context())
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				fs = crashed
				db, c = openResumed(t, fs, workers%2+1, copied) // W is the state's, not ours
				checkResumed(t, c, before)
			}
			for name := range resumeViews {
				if name != "closed_ret" { // depends on history
					must(t, c, "VERIFY MATERIALIZED VIEW "+name)
				}
			}
			_ = c.Close(t.Context())
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// checkResumed checks that all views are live, have read nothing, and are as they were.
func checkResumed(t *testing.T, c *pgx.Conn, before map[string]string) {
	t.Helper()
	rows, err := c.Query(t.Context(), "SELECT relation, state, rows_read FROM streamdb.progress")
	if err != nil {
		t.Fatal(err)
	}
	var name, state string
	var read int64
	n := 0
	if _, err := pgx.ForEachRow(rows, []any{&name, &state, &read}, func() error {
		if n++; state != "live" || read != 0 {
			t.Errorf("%s is %s and has read %d rows", name, state, read)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n != len(resumeViews) {
		t.Errorf("%d views of %d", n, len(resumeViews))
	}
	after := fingerprints(t, c)
	for name, sum := range before {
		if after[name] != sum {
			t.Errorf("the fingerprint of %s is %s, before the restart it was %s", name, after[name], sum)
		}
	}
}

// TestResumeSink restarts a database with a sink: its file goes on where the checkpoint
// left it, nothing is written twice and what was there is not written again.
func TestResumeSink(t *testing.T) {
	fs := vfs.NewCrashableMem()
	db, c := openResumed(t, fs, 1, 0)
	path := filepath.Join(t.TempDir(), "out.json")
	must(t, c, "CREATE TABLE ev (id int) APPEND ONLY", "INSERT INTO ev SELECT g FROM generate_series(1, 3) g",
		"CREATE SINK s FROM ev WITH (connector = 'file', path = '"+path+"') FORMAT PLAIN ENCODE JSON", "FLUSH", "CHECKPOINT")
	// A mark in the part that the checkpoint knows shows whether it is written again.
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte(`{"ID"`), 0); err != nil {
		t.Fatal(err)
	}
	must(t, c, "INSERT INTO ev VALUES (4)", "FLUSH")
	want := "{\"ID\":1}\n{\"id\":2}\n{\"id\":3}\n{\"id\":4}\n"
	holds := func(want string) {
		t.Helper()
		var got []byte
		for range 200 {
			if got, err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
			if string(got) == want {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("the file holds\n%s not\n%s", got, want)
	}
	holds(want)
	for i := 5; i < 8; i++ {
		crashed := fs.CrashClone(vfs.CrashCloneCfg{})
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		fs = crashed
		db, c = openResumed(t, fs, 1, 0)
		must(t, c, fmt.Sprintf("INSERT INTO ev VALUES (%d)", i), "FLUSH")
		want += fmt.Sprintf("{\"id\":%d}\n", i)
		holds(want)
		if i == 6 {
			must(t, c, "CHECKPOINT")
		}
	}
	// A file that has lost what was durable is written again.
	if err := os.Truncate(path, 3); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, _ = openResumed(t, fs, 1, 0)
	holds(strings.ToLower(want))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
