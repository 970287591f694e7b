package streamdb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// TestPgxTypes sends and reads a value of every type as pgx does, which is binary where it knows the type.
func TestPgxTypes(t *testing.T) {
	c := connect(t, startServer(t))
	at := time.Date(2024, 2, 29, 12, 30, 1, 5000, time.UTC)
	for _, v := range []struct {
		typ  string
		in   any
		want any
	}{
		{"boolean", true, true},
		{"smallint", int16(-7), int16(-7)},
		{"int", int32(1 << 30), int32(1 << 30)},
		{"bigint", int64(-1 << 60), int64(-1 << 60)},
		{"real", float32(1.5), float32(1.5)},
		{"double precision", 0.1, 0.1},
		{"text", "ünï\n'", "ünï\n'"},
		{"varchar(5)", "abc", "abc"},
		{"char(4)", "ab", "ab  "},
		{"bytea", []byte{0, 255}, []byte{0, 255}},
		{"date", time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)},
		{"timestamp", at, at},
		{"timestamptz", at, at},
		{"time", pgtype.Time{Microseconds: 3600e6, Valid: true}, pgtype.Time{Microseconds: 3600e6, Valid: true}},
		{"interval", pgtype.Interval{Months: 1, Days: 2, Microseconds: 3, Valid: true}, pgtype.Interval{Months: 1, Days: 2, Microseconds: 3, Valid: true}},
		{"uuid", pgtype.UUID{Bytes: [16]byte{1, 2, 15: 9}, Valid: true}, [16]byte{1, 2, 15: 9}},
		{"jsonb", map[string]any{"a": 1.0}, map[string]any{"a": 1.0}},
		{"int[]", []int32{1, -2, 3}, []any{int32(1), int32(-2), int32(3)}},
		{"text[]", []string{"x", "", "NULL"}, []any{"x", "", "NULL"}},
		{"numeric(20,3)", pgtype.Numeric{Int: big.NewInt(-1234567), Exp: -3, Valid: true}, pgtype.Numeric{Int: big.NewInt(-1234567), Exp: -3, Valid: true}},
		{"int", nil, nil},
	} {
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeSimpleProtocol} {
			if mode == pgx.QueryExecModeSimpleProtocol && v.typ == "jsonb" {
				continue // pgx cannot know that the map is JSON
			}
			rows, err := c.Query(t.Context(), "SELECT $1::"+v.typ, mode, v.in)
			if err != nil {
				t.Fatal(v.typ, err)
			}
			got, err := pgx.CollectExactlyOneRow(rows, func(r pgx.CollectableRow) (any, error) {
				vals, err := r.Values()
				if err != nil {
					return nil, err
				}
				return vals[0], nil
			})
			if err != nil {
				t.Errorf("%s, %v: %v", v.typ, mode, err)
				continue
			}
			if g, ok := got.(time.Time); ok {
				got = g.UTC()
			}
			if !reflect.DeepEqual(got, v.want) {
				t.Errorf("%s, %v: got %#v, want %#v", v.typ, mode, got, v.want)
			}
		}
	}
}

func TestPgxPrepared(t *testing.T) {
	c := connect(t, startServer(t))
	ctx := t.Context()
	must(t, c, "CREATE TABLE t (id int PRIMARY KEY, v text)")
	if _, err := c.Prepare(ctx, "ins", "INSERT INTO t VALUES ($1, $2) RETURNING id"); err != nil {
		t.Fatal(err)
	}
	sel, err := c.Prepare(ctx, "sel", "SELECT v, $2::int + id AS n FROM t WHERE id = $1")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(sel.ParamOIDs, []uint32{pgtype.Int4OID, pgtype.Int4OID}) || sel.Fields[0].DataTypeOID != pgtype.TextOID || sel.Fields[1].Name != "n" {
		t.Errorf("described as %+v", sel)
	}
	for i := range 50 {
		var id, n int
		var v string
		if err := c.QueryRow(ctx, "ins", i, fmt.Sprint("v", i)).Scan(&id); err != nil || id != i {
			t.Fatal(id, err)
		}
		if err := c.QueryRow(ctx, "sel", i, 100).Scan(&v, &n); err != nil || v != fmt.Sprint("v", i) || n != i+100 {
			t.Fatal(v, n, err)
		}
	}
	if err := c.QueryRow(ctx, "sel", nil, 1).Scan(new(string), new(int)); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("a key that is NULL: %v", err)
	}
	// The plan follows the catalog.
	must(t, c, "ALTER TABLE t ADD COLUMN w int DEFAULT 3", "CREATE INDEX t_v ON t (v)")
	if n := number(t, c, "SELECT w FROM t WHERE v = $1", "v7"); n != 3 {
		t.Errorf("got %d", n)
	}
	if err := c.QueryRow(ctx, "ins", 7, "again").Scan(new(int)); code(err) != "23505" {
		t.Errorf("a second key: %v", err)
	}
	must(t, c, "DROP TABLE t")
	if err := c.QueryRow(ctx, "sel", 1, 1).Scan(new(string), new(int)); code(err) != "42P01" {
		t.Errorf("a dropped table: %v", err)
	}
}

func TestPgxBatch(t *testing.T) {
	c := connect(t, startServer(t))
	ctx := t.Context()
	must(t, c, "CREATE TABLE t (id int PRIMARY KEY, v int)", "CREATE MATERIALIZED VIEW s AS SELECT sum(v) AS s FROM t")
	b := &pgx.Batch{}
	for i := range 100 {
		b.Queue("INSERT INTO t VALUES ($1, $2)", i, i)
	}
	b.Queue("SELECT s FROM s").QueryRow(func(row pgx.Row) error {
		var n *int
		if err := row.Scan(&n); err != nil {
			return err
		}
		if n != nil {
			t.Errorf("the view shows what is not committed: %d", *n)
		}
		return nil
	})
	b.Queue("SELECT count(*) FROM t").QueryRow(func(row pgx.Row) error {
		var n int
		if err := row.Scan(&n); err != nil || n != 100 {
			t.Errorf("the batch sees %d of its rows: %v", n, err)
		}
		return nil
	})
	if err := c.SendBatch(ctx, b).Close(); err != nil {
		t.Fatal(err)
	}
	if n := number(t, c, "SELECT s FROM s"); n != 4950 {
		t.Errorf("the view shows %d", n)
	}
	// A batch is one transaction: an error leaves nothing.
	b = &pgx.Batch{}
	b.Queue("INSERT INTO t VALUES (200, 1)")
	b.Queue("INSERT INTO t VALUES (1, 1)")
	b.Queue("INSERT INTO t VALUES (201, 1)")
	if err := c.SendBatch(ctx, b).Close(); code(err) != "23505" {
		t.Errorf("got %v", err)
	}
	if n := number(t, c, "SELECT count(*) FROM t"); n != 100 {
		t.Errorf("%d rows after a batch that failed", n)
	}
}

func TestPgxCopy(t *testing.T) {
	c := connect(t, startServer(t))
	ctx := t.Context()
	must(t, c, "CREATE TABLE t (id int PRIMARY KEY, at timestamptz, n numeric(10,2), s text, a int[], j jsonb)",
		"CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n, sum(n) AS s, count(s) AS some FROM t")
	const rows = 20000
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	n, err := c.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"id", "at", "n", "s", "a", "j"}, pgx.CopyFromSlice(rows, func(i int) ([]any, error) {
		var s any
		if i%2 == 0 {
			s = fmt.Sprint("row ", i)
		}
		return []any{i, at.Add(time.Duration(i) * time.Second), pgtype.Numeric{Int: big.NewInt(int64(i)), Exp: -2, Valid: true}, s,
			[]int32{int32(i)}, map[string]int{"i": i}}, nil
	}))
	if err != nil || n != rows {
		t.Fatal(n, err)
	}
	var count, some int
	var sum pgtype.Numeric
	if err := c.QueryRow(ctx, "SELECT * FROM v").Scan(&count, &sum, &some); err != nil {
		t.Fatal(err)
	}
	if f, _ := sum.Float64Value(); count != rows || some != rows/2 || f.Float64 != float64(rows*(rows-1)/2)/100 {
		t.Errorf("the view shows %d %v %d", count, f, some)
	}
	if n := number(t, c, "SELECT (j->>'i')::int + a[1] FROM t WHERE at = $1", at.Add(77*time.Second)); n != 154 {
		t.Errorf("row 77 reads as %d", n)
	}
	// Out as binary and in again elsewhere.
	var buf bytes.Buffer
	if _, err := c.PgConn().CopyTo(ctx, &buf, "COPY t TO STDOUT (FORMAT binary)"); err != nil {
		t.Fatal(err)
	}
	must(t, c, "CREATE TABLE t2 (id int PRIMARY KEY, at timestamptz, n numeric(10,2), s text, a int[], j jsonb)")
	if _, err := c.PgConn().CopyFrom(ctx, &buf, "COPY t2 FROM STDIN BINARY"); err != nil {
		t.Fatal(err)
	}
	if n := number(t, c, "SELECT count(*) FROM (SELECT * FROM t EXCEPT SELECT * FROM t2) x"); n != 0 {
		t.Errorf("%d rows differ", n)
	}
	// A duplicate key leaves nothing.
	_, err = c.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"id"}, pgx.CopyFromRows([][]any{{rows + 1}, {3}}))
	if code(err) != "23505" {
		t.Errorf("got %v", err)
	}
	if n := number(t, c, "SELECT count(*) FROM t"); n != rows {
		t.Errorf("%d rows", n)
	}
}

func TestPgxCancel(t *testing.T) {
	dsn := startServer(t)
	c := connect(t, dsn)
	must(t, c, "CREATE TABLE t (a int)", "INSERT INTO t SELECT g FROM generate_series(1, 3000) g")
	for _, sql := range []string{
		"SELECT pg_sleep(60)",
		"SELECT count(*) FROM t a, t b, t c WHERE a.a + b.a + c.a < 0",
		"WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
	} {
		// From outside, by the number of the backend.
		done := make(chan error, 1)
		go func() { _, err := c.Exec(context.Background(), sql); done <- err }()
		other := connect(t, dsn)
		deadline := time.Now().Add(5 * time.Second)
		for number(t, other, "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query = $2", int32(c.PgConn().PID()), sql) == 0 {
			if time.Now().After(deadline) {
				t.Fatal("pg_stat_activity does not show it: ", sql)
			}
			time.Sleep(time.Millisecond)
		}
		var ok bool
		if err := other.QueryRow(t.Context(), "SELECT pg_cancel_backend($1)", int32(c.PgConn().PID())).Scan(&ok); err != nil || !ok {
			t.Fatal(ok, err)
		}
		select {
		case err := <-done:
			if code(err) != "57014" {
				t.Errorf("%s: %v", sql, err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("cannot be canceled: ", sql)
		}
		// By the protocol's request.
		go func() { _, err := c.Exec(context.Background(), sql); done <- err }()
		time.Sleep(20 * time.Millisecond)
		if err := c.PgConn().CancelRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			if code(err) != "57014" {
				t.Errorf("%s: %v", sql, err)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("cannot be canceled: ", sql)
		}
		if n := number(t, c, "SELECT 1"); n != 1 {
			t.Error("the connection is of no use after a cancel")
		}
	}
}

// TestPgxRetry increments one row from many connections, each increment in a transaction that is retried on 40001.
func TestPgxRetry(t *testing.T) {
	dsn := startServer(t)
	must(t, connect(t, dsn), "CREATE TABLE t (id int PRIMARY KEY, n int)", "INSERT INTO t VALUES (1, 0)")
	const clients, each = 4, 25
	var wg sync.WaitGroup
	for range clients {
		c := connect(t, dsn)
		wg.Go(func() {
			for range each {
				if err := increment(t.Context(), c); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := number(t, connect(t, dsn), "SELECT n FROM t"); n != clients*each {
		t.Errorf("%d of %d increments", n, clients*each)
	}
}

func increment(ctx context.Context, c *pgx.Conn) error {
	for {
		err := pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			var n int
			if err := tx.QueryRow(ctx, "SELECT n FROM t WHERE id = 1").Scan(&n); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "UPDATE t SET n = $1 WHERE id = 1", n+1)
			return err
		})
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != "40001" {
			return err
		}
	}
}

func TestPgxRowLimit(t *testing.T) {
	c := connect(t, startServer(t))
	ctx := t.Context()
	must(t, c, "CREATE TABLE t (a int)", "INSERT INTO t SELECT g FROM generate_series(1, 1000) g")
	tx, err := c.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	must(t, tx, "DECLARE c CURSOR FOR SELECT a FROM t ORDER BY a")
	total := 0
	for {
		rows, err := tx.Query(ctx, "FETCH 300 FROM c")
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectRows(rows, pgx.RowTo[int])
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			break
		}
		if got[0] != total+1 {
			t.Fatalf("got %d behind %d rows", got[0], total)
		}
		total += len(got)
	}
	if total != 1000 {
		t.Errorf("%d rows", total)
	}
}

// TestPlansFollow sends the same texts again while what they mean changes.
func TestPlansFollow(t *testing.T) {
	c := connect(t, startServer(t))
	ask := func(sql string) string {
		t.Helper()
		res, err := c.PgConn().Exec(t.Context(), sql).ReadAll()
		if err != nil {
			return code(err)
		}
		var out string
		for _, r := range res {
			for _, row := range r.Rows {
				out += fmt.Sprintf("%s", row)
			}
		}
		return out
	}
	for i, s := range []struct{ sql, want string }{
		{"CREATE TABLE t (a int, b int)", ""},
		{"INSERT INTO t VALUES (1, 2)", ""},
		{"SELECT * FROM t", "[1 2]"},
		{"SELECT * FROM t", "[1 2]"},
		{"ALTER TABLE t DROP COLUMN b", ""},
		{"SELECT * FROM t", "[1]"},
		{"INSERT INTO t VALUES (1, 2)", "42601"},
		{"CREATE SCHEMA s", ""},
		{"CREATE TABLE s.t (a text)", ""},
		{"SET search_path TO s, public", ""},
		{"SELECT * FROM t", ""},
		{"RESET search_path", ""},
		{"BEGIN", ""},
		{"ALTER TABLE t ADD COLUMN c int DEFAULT 7", ""},
		{"ROLLBACK", ""},
		{"SELECT * FROM t", "[1]"},
		{"SELECT '2024-01-01 12:00+00'::timestamptz", "[2024-01-01 12:00:00+00]"},
		{"SET TimeZone TO 'Asia/Tokyo'", ""},
		{"SELECT '2024-01-01 12:00+00'::timestamptz", "[2024-01-01 21:00:00+09]"},
		{"SELECT 0.1::float8::text", "[0.1]"},
		{"SET extra_float_digits TO -10", ""},
		{"SELECT 1.23456789::float8::text", "[1.2346]"},
		{"SET extra_float_digits TO 1", ""},
		{"SELECT 1.23456789::float8::text", "[1.23456789]"},
		{"DROP TABLE t", ""},
		{"SELECT * FROM t", "42P01"},
		{"CREATE TABLE t (z text DEFAULT 'new')", ""},
		{"INSERT INTO t VALUES (DEFAULT)", ""},
		{"INSERT INTO t VALUES (DEFAULT)", ""},
		{"SELECT * FROM t", "[new][new]"},
	} {
		if got := ask(s.sql); got != s.want {
			t.Errorf("%d, %s: got %s, want %s", i, s.sql, got, s.want)
		}
	}
	// Not everything about time is settled by planning.
	for _, sql := range []string{"SELECT clock_timestamp()", "SELECT CURRENT_TIMESTAMP", "SELECT 'now'::timestamptz"} {
		a := ask(sql)
		time.Sleep(2 * time.Millisecond)
		if b := ask(sql); a == b {
			t.Errorf("%s stands still at %s", sql, a)
		}
	}
}
