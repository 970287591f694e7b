package streamdb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// begin opens a transaction.
func begin(t *testing.T, c *pgx.Conn, level pgx.TxIsoLevel) pgx.Tx {
	t.Helper()
	tx, err := c.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) }) // It has ended in most tests.
	return tx
}

// TestLostUpdate holds that of two transactions that change the same row the second fails.
func TestLostUpdate(t *testing.T) {
	dsn := startServer(t)
	a, b := connect(t, dsn), connect(t, dsn)
	must(t, a, "CREATE TABLE t (id int PRIMARY KEY, n int)", "CREATE TABLE u (n int)", "INSERT INTO t VALUES (1, 10), (2, 20)", "INSERT INTO u VALUES (1)")
	for _, c := range []struct{ what, first, second, want string }{
		{"both update", "UPDATE t SET n = n + 1 WHERE id = 1", "UPDATE t SET n = n + 2 WHERE id = 1", "40001"},
		{"update, delete", "UPDATE t SET n = n + 1 WHERE id = 1", "DELETE FROM t WHERE id = 1", "40001"},
		{"both delete", "DELETE FROM t WHERE id = 2", "DELETE FROM t WHERE id = 2", "40001"},
		{"other rows", "UPDATE t SET n = 0 WHERE id = 1", "INSERT INTO t VALUES (3, 3)", ""},
		{"both insert a key", "INSERT INTO t VALUES (9, 1)", "INSERT INTO t VALUES (9, 2)", "23505"},
		{"a table without key", "UPDATE u SET n = 5", "UPDATE u SET n = 6", "40001"},
	} {
		x, y := begin(t, a, pgx.RepeatableRead), begin(t, b, pgx.RepeatableRead)
		number(t, x, "SELECT count(*) FROM t")
		number(t, y, "SELECT count(*) FROM t")
		must(t, x, c.first)
		_, err := y.Exec(t.Context(), c.second)
		if e := x.Commit(t.Context()); e != nil {
			t.Fatal(c.what, e)
		}
		if err == nil {
			err = y.Commit(t.Context())
		}
		if got := code(err); got != c.want && !(c.want == "23505" && got == "40001") {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
		_ = y.Rollback(t.Context()) // It has ended if all is well.
	}
}

// TestWriteSkew holds that two transactions that each read what the other writes both commit under snapshot isolation, and
// not under SERIALIZABLE.
func TestWriteSkew(t *testing.T) {
	dsn := startServer(t)
	a, b := connect(t, dsn), connect(t, dsn)
	must(t, a, "CREATE TABLE duty (id int PRIMARY KEY, on_call boolean)")
	for _, level := range []pgx.TxIsoLevel{pgx.RepeatableRead, pgx.Serializable} {
		must(t, a, "DELETE FROM duty", "INSERT INTO duty VALUES (1, true), (2, true)")
		x, y := begin(t, a, level), begin(t, b, level)
		for _, tx := range []pgx.Tx{x, y} {
			if n := number(t, tx, "SELECT count(*) FROM duty WHERE on_call"); n != 2 {
				t.Fatal(n)
			}
		}
		must(t, x, "UPDATE duty SET on_call = false WHERE id = 1")
		must(t, y, "UPDATE duty SET on_call = false WHERE id = 2")
		if err := x.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := map[pgx.TxIsoLevel]string{pgx.Serializable: "40001"}[level]
		if got := code(y.Commit(t.Context())); got != want {
			t.Errorf("%s: got %q, want %q", level, got, want)
		}
	}
	// A transaction that only reads commits.
	x := begin(t, a, pgx.Serializable)
	number(t, x, "SELECT count(*) FROM duty")
	must(t, b, "UPDATE duty SET on_call = true")
	if err := x.Commit(t.Context()); err != nil {
		t.Errorf("a reader: %v", err)
	}
}

// TestSnapshot holds that a transaction sees its own writes and its snapshot, and nothing else.
func TestSnapshot(t *testing.T) {
	dsn := startServer(t)
	a, b := connect(t, dsn), connect(t, dsn)
	must(t, a, "CREATE TABLE t (id int PRIMARY KEY, n int)", "CREATE MATERIALIZED VIEW v AS SELECT count(*) AS c FROM t", "INSERT INTO t VALUES (1, 1)")
	x := begin(t, a, pgx.RepeatableRead)
	if n := number(t, x, "SELECT c FROM v"); n != 1 {
		t.Errorf("the view shows %d", n)
	}
	must(t, b, "INSERT INTO t VALUES (2, 2)")
	must(t, x, "INSERT INTO t VALUES (3, 3)", "UPDATE t SET n = n * 10 WHERE id IN (1, 3)")
	if n := number(t, x, "SELECT sum(n) FROM t"); n != 40 {
		t.Errorf("own rows sum up to %d, want 40", n)
	}
	if n := number(t, x, "SELECT c FROM v"); n != 1 {
		t.Errorf("the view moved to %d in a transaction", n)
	}
	must(t, x, "SAVEPOINT s", "DELETE FROM t", "ROLLBACK TO s")
	if n := number(t, x, "SELECT count(*) FROM t"); n != 2 {
		t.Errorf("%d rows after a rollback to a savepoint", n)
	}
	if n := number(t, b, "SELECT sum(n) FROM t"); n != 3 {
		t.Errorf("another session sees what is not committed: %d", n)
	}
	if err := x.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := number(t, b, "SELECT sum(n) FROM t"); n != 42 {
		t.Errorf("%d after the commit, want 42", n)
	}
	if n := number(t, b, "SELECT c FROM v"); n != 3 {
		t.Errorf("the view shows %d after the commit", n)
	}
}

// account schema: what is moved between accounts never changes any sum.
var bank = []string{
	"CREATE TABLE acct (id int PRIMARY KEY, branch int, bal bigint)",
	"INSERT INTO acct SELECT g, g % 4, 100 FROM generate_series(1, 20) g",
	"CREATE TABLE moves (n int)",
	"CREATE MATERIALIZED VIEW branches AS SELECT branch, sum(bal) AS bal, count(*) AS n FROM acct GROUP BY branch",
	"CREATE MATERIALIZED VIEW total AS SELECT sum(bal) AS bal, sum(n) AS n FROM branches",
	"CREATE MATERIALIZED VIEW pairs AS SELECT a.branch, sum(a.bal - b.bal) AS d FROM acct a JOIN branches b ON a.branch = b.branch GROUP BY a.branch",
	"CREATE MATERIALIZED VIEW moved AS SELECT count(*) AS n FROM moves",
}

// balances are invariants: each gives one number, always the same.
var balances = []struct {
	sql  string
	want int64
}{
	{"SELECT sum(bal) FROM acct", 2000},
	{"SELECT sum(bal) FROM branches", 2000},
	{"SELECT bal FROM total", 2000},
	{"SELECT n FROM total", 20},
	// Two views, and a view and its table, in one statement.
	{"SELECT t.bal - b.bal FROM total t, (SELECT sum(bal) AS bal FROM branches) b", 0},
	{"SELECT count(*) FROM branches b JOIN (SELECT branch, sum(bal) AS bal FROM acct GROUP BY branch) a USING (branch) WHERE a.bal <> b.bal", 0},
	// sum over a of (a.bal - b.bal) is (1 - 5) * b.bal.
	{"SELECT count(*) FROM pairs p JOIN branches b USING (branch) WHERE p.d <> -4 * b.bal", 0},
	{"SELECT (SELECT n FROM moved) - (SELECT count(*) FROM moves)", 0},
}

// TestBank moves money while others read: in no statement and no transaction does a part of a transfer show.
func TestBank(t *testing.T) {
	dsn := startServer(t)
	must(t, connect(t, dsn), bank...)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
	defer stop()
	var wg sync.WaitGroup
	var moved, reads, conflicts atomic.Int64
	for w := range 3 {
		c := connect(t, dsn)
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 1))
			for ctx.Err() == nil {
				switch err := transfer(t.Context(), c, rng); code(err) {
				case "":
					moved.Add(1)
				case "40001":
					conflicts.Add(1)
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	for r := range 3 {
		c := connect(t, dsn)
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(r), 2))
			for ctx.Err() == nil {
				if err := readBalances(t.Context(), c, rng, r); err != nil {
					t.Error(err)
					return
				}
				reads.Add(1)
			}
		})
	}
	wg.Wait()
	t.Logf("%d transfers, %d conflicts, %d reads", moved.Load(), conflicts.Load(), reads.Load())
	c := connect(t, dsn)
	if n := number(t, c, "SELECT n FROM moved"); n != moved.Load() || n == 0 || reads.Load() == 0 {
		t.Errorf("the view counts %d of %d transfers, %d reads", n, moved.Load(), reads.Load())
	}
	for _, v := range []string{"branches", "total", "pairs", "moved"} {
		must(t, c, "VERIFY MATERIALIZED VIEW "+v)
	}
}

// transfer moves money in a transaction of several statements, and reads its own writes.
func transfer(ctx context.Context, c *pgx.Conn, rng *rand.Rand) error {
	from, to, n := 1+rng.IntN(20), 1+rng.IntN(20), rng.IntN(50)
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		for _, s := range []struct {
			sql  string
			args []any
		}{
			{"UPDATE acct SET bal = bal - $2 WHERE id = $1", []any{from, n}},
			{"UPDATE acct SET bal = bal + $2 WHERE id = $1", []any{to, n}},
			{"INSERT INTO moves VALUES ($1)", []any{n}},
		} {
			if _, err := tx.Exec(ctx, s.sql, s.args...); err != nil {
				return err
			}
		}
		var sum int
		if err := tx.QueryRow(ctx, "SELECT sum(bal) FROM acct").Scan(&sum); err != nil || sum == 2000 {
			return err
		}
		return fmt.Errorf("a transaction sees its own transfer as %d", sum)
	})
}

// readBalances checks invariants: one statement, or all of them in a transaction.
func readBalances(ctx context.Context, c *pgx.Conn, rng *rand.Rand, how int) error {
	if how > 0 {
		b := balances[rng.IntN(len(balances))]
		return balance(ctx, c, b.sql, b.want)
	}
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		first := int64(-1)
		for _, b := range balances {
			if err := balance(ctx, tx, b.sql, b.want); err != nil {
				return err
			}
			var n int64
			if err := tx.QueryRow(ctx, "SELECT n FROM moved").Scan(&n); err != nil {
				return err
			}
			if first >= 0 && n != first {
				return fmt.Errorf("a transaction sees %d transfers, then %d", first, n)
			}
			first = n
		}
		return nil
	})
}

func balance(ctx context.Context, c execer, sql string, want int64) error {
	var n int64
	if err := c.QueryRow(ctx, sql).Scan(&n); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	if n != want {
		return fmt.Errorf("%s: got %d, want %d", sql, n, want)
	}
	return nil
}

// TestStrictReads holds that an acknowledged write is seen in every view at once, by every connection, in views over views
// too, and a transaction as a whole.
func TestStrictReads(t *testing.T) {
	dsn := startServer(t)
	must(t, connect(t, dsn), "CREATE TABLE t (id int PRIMARY KEY, g int)",
		"CREATE MATERIALIZED VIEW v1 AS SELECT g, count(*) AS n FROM t GROUP BY g",
		"CREATE MATERIALIZED VIEW v2 AS SELECT sum(n) AS n FROM v1",
		"CREATE MATERIALIZED VIEW v3 AS SELECT a.n + b.n AS n FROM v2 a CROSS JOIN (SELECT count(*) AS n FROM t) b")
	var acked atomic.Int64
	ctx, stop := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer stop()
	var wg sync.WaitGroup
	for r := range 3 {
		c := connect(t, dsn)
		sql := []string{"SELECT coalesce(sum(n), 0) FROM v1", "SELECT coalesce(sum(n), 0) FROM v2", "SELECT coalesce(sum(n), 0) / 2 FROM v3"}[r]
		wg.Go(func() {
			for ctx.Err() == nil {
				before := acked.Load()
				var n int64
				if err := c.QueryRow(t.Context(), sql).Scan(&n); err != nil {
					t.Error(err)
					return
				}
				if n < before || n%3 != 0 {
					t.Errorf("%s: got %d with %d acknowledged", sql, n, before)
					return
				}
			}
		})
	}
	c := connect(t, dsn)
	for id := 0; ctx.Err() == nil; id += 3 {
		tx := begin(t, c, "")
		must(t, tx, fmt.Sprintf("INSERT INTO t VALUES (%d, 1)", id), fmt.Sprintf("INSERT INTO t VALUES (%d, 2), (%d, %d)", id+1, id+2, id))
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		acked.Store(int64(id + 3))
	}
	wg.Wait()
	if acked.Load() == 0 {
		t.Error("nothing was written")
	}
}

// TestTransactionEnds holds what a transaction block may do after an error, and that a connection that breaks leaves nothing.
func TestTransactionEnds(t *testing.T) {
	dsn := startServer(t)
	a, b := connect(t, dsn), connect(t, dsn)
	must(t, a, "CREATE TABLE t (id int PRIMARY KEY)")
	tx := begin(t, a, "")
	must(t, tx, "INSERT INTO t VALUES (1)")
	if _, err := tx.Exec(t.Context(), "SELECT 1 / 0"); code(err) != "22012" {
		t.Error(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT 1"); code(err) != "25P02" {
		t.Error(err)
	}
	if err := tx.Commit(t.Context()); !errors.Is(err, pgx.ErrTxCommitRollback) {
		t.Errorf("the end of a failed transaction: %v", err)
	}
	tx = begin(t, b, "")
	must(t, tx, "INSERT INTO t VALUES (2)")
	if err := b.PgConn().Conn().Close(); err != nil {
		t.Fatal(err)
	}
	if n := number(t, a, "SELECT count(*) FROM t"); n != 0 {
		t.Errorf("%d rows of transactions that did not end", n)
	}
	var e *pgconn.PgError
	if _, err := tx.Exec(t.Context(), "SELECT 1"); err == nil || errors.As(err, &e) {
		t.Errorf("a broken connection: %v", err)
	}
}
