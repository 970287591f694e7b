package streamdb_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jackc/pgx/v5/pgconn"

	"streamdb"
)

func openWith(t *testing.T, o streamdb.Options) string {
	t.Helper()
	_, dsn := openDB(t, o)
	return dsn
}

// openDB opens a database in memory and serves it.
func openDB(t *testing.T, o streamdb.Options) (*streamdb.DB, string) {
	t.Helper()
	o.FS, o.Logger = vfs.NewMem(), slog.New(slog.DiscardHandler)
	db, err := streamdb.Open("data", o)
	if err != nil {
		t.Fatal(err)
	}
	dsn := serveOn(t, db)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, dsn
}

// churn changes rows until stop says so; it fails the test after a while.
func churn(t *testing.T, c execer, sql string, stop func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !stop(); {
		if time.Now().After(deadline) {
			t.Fatal("waited for too long")
		}
		must(t, c, sql)
	}
}

const manyRows = "INSERT INTO t SELECT g, 0, repeat('x', 50) FROM generate_series(1, 5000) g"

// A transaction that keeps more old rows than the budget allows gets 72000; one that keeps little goes on.
func TestHoldMemoryOfTransaction(t *testing.T) {
	dsn := openWith(t, streamdb.Options{HoldMemory: 1 << 18})
	w, a := connect(t, dsn), connect(t, dsn)
	must(t, w, "CREATE TABLE t (id int PRIMARY KEY, v int, pad text)", manyRows)
	must(t, a, "BEGIN", "SELECT count(*) FROM t")
	var err error
	churn(t, w, "UPDATE t SET v = v + 1", func() bool {
		_, err = a.Exec(t.Context(), "SELECT sum(v) FROM t")
		return err != nil
	})
	if code(err) != "72000" {
		t.Fatal(err)
	}
	must(t, a, "ROLLBACK")
	if n := number(t, a, "SELECT sum(v) FROM t"); n == 0 {
		t.Error("no update is seen")
	}
	must(t, a, "BEGIN", "SELECT count(*) FROM t")
	for range 20 {
		must(t, w, "UPDATE t SET v = v + 1 WHERE id = 1")
	}
	time.Sleep(300 * time.Millisecond)
	must(t, a, "SELECT sum(v) FROM t", "COMMIT")
}

// A subscription that is not fetched from gets 72000 once it keeps too much.
func TestHoldMemoryOfSubscription(t *testing.T) {
	dsn := openWith(t, streamdb.Options{HoldMemory: 1 << 18})
	w, a := connect(t, dsn), connect(t, dsn)
	must(t, w, "CREATE TABLE t (id int PRIMARY KEY, v int, pad text)")
	must(t, a, "BEGIN", "DECLARE s CURSOR FOR SUBSCRIBE t", "COMMIT")
	must(t, w, manyRows)
	began, n := time.Now(), 0
	churn(t, w, "UPDATE t SET v = v + 1", func() bool {
		n++
		return n > 5 && time.Since(began) > time.Second // the budgets have been looked at by then
	})
	if _, err := a.Exec(t.Context(), "FETCH 10 FROM s"); code(err) != "72000" {
		t.Fatalf("a subscription that has lost its hold: %v", err)
	}
}

// Who keeps what is in a relation.
func TestHoldsRelation(t *testing.T) {
	dsn := openWith(t, streamdb.Options{HoldMemory: -1})
	w, a := connect(t, dsn), connect(t, dsn)
	must(t, w, "CREATE TABLE t (id int PRIMARY KEY, v int, pad text)", manyRows)
	for _, kind := range []string{"transaction", "subscription"} {
		if kind == "subscription" {
			must(t, a, "COMMIT", "DECLARE s CURSOR WITH HOLD FOR SUBSCRIBE t")
		} else {
			must(t, a, "BEGIN", "SELECT count(*) FROM t")
		}
		churn(t, w, "UPDATE t SET v = v + 1", func() bool {
			return number(t, w, "SELECT count(*) FROM streamdb.holds WHERE relation = 't' AND owner = 'test' AND pid > 0 AND age > '0 s' AND bytes > 100000 AND kind = $1", kind) == 1
		})
	}
	must(t, a, "CLOSE s")
	if n := number(t, w, "SELECT count(*) FROM streamdb.holds WHERE bytes > 0"); n != 0 {
		t.Errorf("%d holds are left", n)
	}
}

// A dataflow that keeps too much beside the step is suspended; the step goes on.
func TestHoldMemoryOfDataflow(t *testing.T) {
	db, dsn := openDB(t, streamdb.Options{HoldMemory: 1 << 18})
	w := connect(t, dsn)
	must(t, w, "CREATE TABLE t (id int PRIMARY KEY, v int, pad text)", manyRows,
		"CREATE MATERIALIZED VIEW m AS SELECT v, count(*) FROM t GROUP BY v", "CREATE MATERIALIZED VIEW n AS SELECT count(*) FROM t")
	release, ok := db.Detain("m")
	if !ok {
		t.Fatal("the view is not live")
	}
	churn(t, w, "UPDATE t SET v = v + 1", func() bool { return db.Spent("m") })
	release()
	if _, err := w.Exec(t.Context(), "SELECT * FROM m"); code(err) != "55000" {
		t.Fatalf("a view that has lost its holds: %v", err)
	}
	if n := number(t, w, "SELECT count FROM n"); n != 5000 {
		t.Errorf("the other view counts %d", n)
	}
}

// The age of what is held counts in the log's time.
func TestHoldAge(t *testing.T) {
	dsn := openWith(t, streamdb.Options{HoldAge: 300 * time.Millisecond})
	w, a := connect(t, dsn), connect(t, dsn)
	must(t, w, "CREATE TABLE t (id int PRIMARY KEY, v int)", "INSERT INTO t VALUES (1, 0)")
	must(t, a, "BEGIN", "SELECT * FROM t")
	time.Sleep(400 * time.Millisecond)
	must(t, a, "SELECT * FROM t") // nothing has happened since
	var err error
	churn(t, w, "UPDATE t SET v = v + 1", func() bool {
		_, err = a.Exec(t.Context(), "SELECT * FROM t")
		return err != nil
	})
	if code(err) != "72000" {
		t.Fatal(err)
	}
}

// Statements of one pipeline read one snapshot, however many relations there are and whatever others do meanwhile.
func TestPipelineKeepsSnapshot(t *testing.T) {
	dsn := openWith(t, streamdb.Options{})
	w, a := connect(t, dsn), connect(t, dsn)
	for i := range 80 {
		must(t, w, fmt.Sprintf("CREATE TABLE t%d (id int PRIMARY KEY, v int)", i), fmt.Sprintf("INSERT INTO t%d VALUES (1, 0)", i))
	}
	must(t, w, "CREATE MATERIALIZED VIEW m AS SELECT sum(v) AS v FROM t7")
	for _, pause := range []time.Duration{0, 300 * time.Millisecond} {
		p := a.PgConn().StartPipeline(t.Context())
		read := func(sql string) string {
			t.Helper()
			p.SendQueryParams(sql, nil, nil, nil, nil)
			p.SendFlushRequest()
			if err := p.Flush(); err != nil {
				t.Fatal(err)
			}
			r, err := p.GetResults()
			if err != nil {
				t.Fatal(err)
			}
			res := r.(*pgconn.ResultReader).Read()
			if res.Err != nil {
				t.Fatalf("%s: %v", sql, res.Err)
			}
			return string(res.Rows[0][0])
		}
		before := read("SELECT v FROM t7")
		for range 30 {
			must(t, w, "UPDATE t7 SET v = v + 1", "INSERT INTO t7 SELECT coalesce(max(id), 0) + 1, 0 FROM t7")
		}
		time.Sleep(pause)
		must(t, w, "UPDATE t7 SET v = v + 1")
		if after := read("SELECT max(v) FROM t7"); after != before && before != "" {
			t.Errorf("%s, then %s", before, after)
		}
		read("SELECT v FROM m")
		if err := p.Sync(); err != nil {
			t.Fatal(err)
		}
		if _, err := p.GetResults(); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		must(t, w, "TRUNCATE t7", "INSERT INTO t7 VALUES (1, 5)")
	}
}
