package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// worker does one kind of write over and over and keeps the book of it. It lives through all crashes; its methods are
// called by one goroutine at a time.
type worker interface {
	// setup creates what the worker needs, once.
	setup(ctx context.Context, conn *pgconn.PgConn) error
	// step does one write. An error of the connection means the server is gone; a *pgconn.PgError is a finding.
	step(ctx context.Context, conn *pgconn.PgConn) error
	// check compares the book with the database after a restart.
	check(ctx context.Context, conn *pgconn.PgConn) error
}

// exec runs SQL and returns the rows of its last result.
func exec(ctx context.Context, conn *pgconn.PgConn, sql string) ([][]string, error) {
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%w\n  %.200s", err, sql)
	}
	var rows [][]string
	for _, r := range results[len(results)-1].Rows {
		row := make([]string, len(r))
		for i, v := range r {
			row[i] = string(v)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// execAll runs several statements one after the other.
func execAll(ctx context.Context, conn *pgconn.PgConn, stmts ...string) error {
	for _, sql := range stmts {
		if _, err := exec(ctx, conn, sql); err != nil {
			return err
		}
	}
	return nil
}

// counts runs a query of two integers, a number and how often it is there.
func counts(ctx context.Context, conn *pgconn.PgConn, sql string) (map[int64]int64, error) {
	rows, err := exec(ctx, conn, sql)
	if err != nil {
		return nil, err
	}
	out := map[int64]int64{}
	for _, r := range rows {
		n, errN := strconv.ParseInt(r[0], 10, 64)
		c, errC := strconv.ParseInt(r[1], 10, 64)
		if err := errors.Join(errN, errC); err != nil {
			return nil, err
		}
		out[n] = c
	}
	return out, nil
}

// inserter writes rows one statement at a time into a table without a key, where a row written twice would show.
type inserter struct {
	id   int
	next int64
	book *book
	d    dialect
}

func (w *inserter) setup(ctx context.Context, conn *pgconn.PgConn) error {
	return execAll(ctx, conn,
		fmt.Sprintf("CREATE TABLE ins%d (seq bigint, v int, pad text)", w.id),
		w.d.view(fmt.Sprintf("ins%d_sum", w.id), fmt.Sprintf("SELECT v, count(*) AS n, sum(seq) AS s, min(seq) AS lo FROM ins%d GROUP BY v", w.id)),
		w.d.view(fmt.Sprintf("ins%d_top", w.id), fmt.Sprintf("SELECT sum(n) AS n FROM ins%d_sum", w.id)),
		w.d.view(fmt.Sprintf("ins%d_seldom", w.id), fmt.Sprintf("SELECT v, n, s FROM ins%d_sum", w.id)+w.d.seldom),
		w.d.view(fmt.Sprintf("ins%d_of_seldom", w.id), fmt.Sprintf("SELECT sum(n) AS n FROM ins%d_seldom", w.id)))
}

func (w *inserter) step(ctx context.Context, conn *pgconn.PgConn) error {
	w.next++
	_, err := exec(ctx, conn, fmt.Sprintf("INSERT INTO ins%d VALUES (%d, %d, 'x')", w.id, w.next, w.next%7))
	if err := w.book.note(w.next, present, err); err != nil || w.next%5 != 0 {
		return err
	}
	// What was acknowledged is in the view over the view, at once.
	rows, err := exec(ctx, conn, fmt.Sprintf("SELECT (SELECT n FROM ins%d_top), (SELECT count(*) FROM ins%d)", w.id, w.id))
	if err == nil && rows[0][0] != rows[0][1] {
		return &finding{fmt.Sprintf("view over view has %s rows, the table %s", rows[0][0], rows[0][1])}
	}
	return err
}

func (w *inserter) check(ctx context.Context, conn *pgconn.PgConn) error {
	there, err := counts(ctx, conn, fmt.Sprintf("SELECT seq, count(*) FROM ins%d GROUP BY seq", w.id))
	if err != nil {
		return err
	}
	return w.book.compare(there, 1)
}

// finding is something that must not be, seen while the server was alive.
type finding struct{ text string }

// Error implements error.
func (f *finding) Error() string { return f.text }

// copier writes batches with COPY: a batch is there as a whole or not at all.
type copier struct {
	next int64
	book *book
	d    dialect
	rng  *rand.Rand
}

const copyRows = 300

func (w *copier) setup(ctx context.Context, conn *pgconn.PgConn) error {
	return execAll(ctx, conn, "CREATE TABLE copied (batch bigint, line int, v numeric)",
		w.d.view("copied_sum", "SELECT batch, count(*) AS n, sum(v) AS s FROM copied GROUP BY batch"))
}

func (w *copier) step(ctx context.Context, conn *pgconn.PgConn) error {
	w.next++
	var b strings.Builder
	for i := range copyRows {
		fmt.Fprintf(&b, "%d\t%d\t%d.5\n", w.next, i, w.rng.IntN(1000))
	}
	_, err := conn.CopyFrom(ctx, strings.NewReader(b.String()), "COPY copied FROM STDIN")
	return w.book.note(w.next, present, err)
}

func (w *copier) check(ctx context.Context, conn *pgconn.PgConn) error {
	there, err := counts(ctx, conn, "SELECT batch, count(*) FROM copied GROUP BY batch")
	if err != nil {
		return err
	}
	return w.book.compare(there, copyRows)
}

// transfer writes transactions over two tables: both rows are there or none.
type transfer struct {
	next int64
	book *book
	d    dialect
}

func (w *transfer) setup(ctx context.Context, conn *pgconn.PgConn) error {
	return execAll(ctx, conn, "CREATE TABLE debit (id bigint PRIMARY KEY, amount int)", "CREATE TABLE credit (id bigint PRIMARY KEY, amount int)",
		w.d.view("unbalanced", "SELECT d.id AS did, c.id AS cid FROM debit d FULL JOIN credit c ON d.id = c.id WHERE d.amount IS DISTINCT FROM c.amount"))
}

func (w *transfer) step(ctx context.Context, conn *pgconn.PgConn) error {
	w.next++
	for _, sql := range []string{"BEGIN", fmt.Sprintf("INSERT INTO debit VALUES (%d, 5)", w.next), fmt.Sprintf("INSERT INTO credit VALUES (%d, 5)", w.next)} {
		if _, err := exec(ctx, conn, sql); err != nil {
			// Not yet committed, so it is known to be absent.
			w.book.things[w.next] = absent
			return err
		}
	}
	_, err := exec(ctx, conn, "COMMIT")
	if err := w.book.note(w.next, present, err); err != nil {
		return err
	}
	rows, err := exec(ctx, conn, "SELECT count(*) FROM unbalanced")
	if err == nil && rows[0][0] != "0" {
		return &finding{"a transaction is there in part, in the view: " + rows[0][0]}
	}
	return err
}

func (w *transfer) check(ctx context.Context, conn *pgconn.PgConn) error {
	there, err := counts(ctx, conn, "SELECT id, count(*) FROM (SELECT id FROM debit UNION ALL SELECT id FROM credit) s GROUP BY id")
	if err != nil {
		return err
	}
	return w.book.compare(there, 2)
}

// deleter inserts rows and deletes them some steps later, so that retractions are under way too.
type deleter struct {
	next, gone int64
	book       *book
	d          dialect
}

func (w *deleter) setup(ctx context.Context, conn *pgconn.PgConn) error {
	return execAll(ctx, conn, "CREATE TABLE kept (id bigint PRIMARY KEY, k int, v float8)",
		w.d.view("kept_sum", "SELECT k, sum(v) AS s, max(id) AS hi, count(*) AS n FROM kept GROUP BY k"))
}

func (w *deleter) step(ctx context.Context, conn *pgconn.PgConn) error {
	if w.next-w.gone > 40 {
		w.gone++
		if w.book.things[w.gone] == absent {
			return nil
		}
		_, err := exec(ctx, conn, fmt.Sprintf("DELETE FROM kept WHERE id = %d", w.gone))
		return w.book.note(w.gone, absent, err)
	}
	w.next++
	_, err := exec(ctx, conn, fmt.Sprintf("INSERT INTO kept VALUES (%d, %d, %d.25)", w.next, w.next%5, w.next))
	return w.book.note(w.next, present, err)
}

func (w *deleter) check(ctx context.Context, conn *pgconn.PgConn) error {
	there, err := counts(ctx, conn, "SELECT id, count(*) FROM kept GROUP BY id")
	if err != nil {
		return err
	}
	return w.book.compare(there, 1)
}

// counter counts up one row; the count lies between the acknowledged updates and those plus the lost answers.
type counter struct {
	id     int
	lo, hi int64
}

func (w *counter) setup(ctx context.Context, conn *pgconn.PgConn) error {
	return execAll(ctx, conn, fmt.Sprintf("CREATE TABLE counter%d (id int PRIMARY KEY, n bigint)", w.id), fmt.Sprintf("INSERT INTO counter%d VALUES (1, 0)", w.id))
}

func (w *counter) step(ctx context.Context, conn *pgconn.PgConn) error {
	w.hi++
	_, err := exec(ctx, conn, fmt.Sprintf("UPDATE counter%d SET n = n + 1 WHERE id = 1", w.id))
	if err == nil {
		w.lo++
	}
	return err
}

func (w *counter) check(ctx context.Context, conn *pgconn.PgConn) error {
	rows, err := exec(ctx, conn, fmt.Sprintf("SELECT n FROM counter%d", w.id))
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(rows[0][0], 10, 64)
	if err != nil {
		return err
	}
	if n < w.lo || n > w.hi {
		return fmt.Errorf("counter %d is %d, want between %d and %d", w.id, n, w.lo, w.hi)
	}
	w.lo, w.hi = n, n
	return nil
}

// definer creates and drops tables and views, filled with rows.
type definer struct {
	next, gone int64
	book       *book
	d          dialect
}

func (w *definer) setup(context.Context, *pgconn.PgConn) error { return nil }

func (w *definer) step(ctx context.Context, conn *pgconn.PgConn) error {
	defer time.Sleep(20 * time.Millisecond) // Definitions are rarer than rows.
	if w.next-w.gone > 5 {
		w.gone++
		if w.book.things[w.gone] == absent {
			return nil
		}
		_, err := exec(ctx, conn, fmt.Sprintf("DROP TABLE IF EXISTS made%d CASCADE", w.gone))
		return w.book.note(w.gone, absent, err)
	}
	w.next++
	name := fmt.Sprintf("made%d", w.next)
	_, err := exec(ctx, conn, fmt.Sprintf("BEGIN; CREATE TABLE %s (a int); INSERT INTO %s VALUES (1), (2), (3); COMMIT", name, name))
	if err := w.book.note(w.next, present, err); err != nil {
		return err
	}
	_, err = exec(ctx, conn, w.d.view(name+"_sum", "SELECT sum(a) AS s, count(*) AS n FROM "+name))
	return err
}

func (w *definer) check(ctx context.Context, conn *pgconn.PgConn) error {
	rows, err := exec(ctx, conn, "SELECT relname FROM pg_class WHERE relname LIKE 'made%' AND relkind = 'r'")
	if err != nil {
		return err
	}
	there := map[int64]int64{}
	for _, r := range rows {
		n, err := strconv.ParseInt(strings.TrimPrefix(r[0], "made"), 10, 64)
		if err != nil {
			return err
		}
		there[n] = 1
		if rows, err := exec(ctx, conn, "SELECT count(*) FROM "+r[0]); err != nil {
			return err
		} else if rows[0][0] != "3" {
			return fmt.Errorf("table %s was created with 3 rows and has %s", r[0], rows[0][0])
		}
	}
	return w.book.compare(there, 1)
}

// checkpointer asks for checkpoints.
type checkpointer struct{}

func (checkpointer) setup(context.Context, *pgconn.PgConn) error { return nil }

func (checkpointer) step(ctx context.Context, conn *pgconn.PgConn) error {
	time.Sleep(100 * time.Millisecond)
	_, err := exec(ctx, conn, "CHECKPOINT")
	return err
}

func (checkpointer) check(context.Context, *pgconn.PgConn) error { return nil }

// generated watches a source that makes rows by itself: what a view over it has shown once, it shows after a crash too.
type generated struct {
	d    dialect
	seen int64
}

func (w *generated) setup(ctx context.Context, conn *pgconn.PgConn) error {
	count := "SELECT count(*) AS n, count(DISTINCT " + w.d.sourceKey + ") AS d FROM " + w.d.sourceName
	return execAll(ctx, conn, w.d.source, w.d.view("generated_count", count), w.d.view("generated_seldom", count+w.d.seldom))
}

func (w *generated) step(ctx context.Context, conn *pgconn.PgConn) error {
	time.Sleep(10 * time.Millisecond)
	return w.check(ctx, conn)
}

func (w *generated) check(ctx context.Context, conn *pgconn.PgConn) error {
	rows, err := exec(ctx, conn, "SELECT n, d FROM generated_count")
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(rows[0][0], 10, 64)
	if err != nil {
		return err
	}
	if n < w.seen {
		return &finding{fmt.Sprintf("view over the source has fallen from %d to %d rows", w.seen, n)}
	}
	if rows[0][0] != rows[0][1] {
		return &finding{fmt.Sprintf("the source gave %s rows with %s different keys", rows[0][0], rows[0][1])}
	}
	w.seen = n
	return nil
}
