package growth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"streamdb"
	"streamdb/sql/chunk"
	"streamdb/wire"
)

// The changes of the case of a table on disk: updates of single rows by their key, so many
// to a transaction.
const (
	updates       = 20_000
	perCommit     = 1_000
	loadRows      = 1_000_000 // rows of an INSERT while the table is filled
	warmUpCommits = 5
)

// table updates random rows of a keyed table of n rows on disk, with a view of a thousand
// groups over it, over the wire. A change is a statement here: it is parsed, bound, planned and answered, and its
// cost is far above the loop's, which updates the same keys in memory.
func table(n int64) (r Report, err error) {
	dir, err := os.MkdirTemp("", "streamdb-bench-*")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := streamdb.Open(dir, streamdb.Options{Workers: 1, Logger: quiet})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	l, err := wire.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return r, err
	}
	srv := wire.New(wire.Config{Backend: db, Log: quiet})
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	ctx := context.Background()
	defer func() {
		_ = srv.Shutdown(ctx) // the run is over; its error says nothing more
		<-served
	}()
	conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres://bench@%s/streamdb?sslmode=disable", l.Addr()))
	if err != nil {
		return r, err
	}
	defer conn.Close(ctx)
	if err := fillTable(ctx, conn, n); err != nil {
		return r, err
	}
	r.BytesPerRow = float64(bytesBelow(filepath.Join(dir, "segments"))) / float64(n)
	k := &keys{n: uint64(n)}
	for range warmUpCommits {
		if err := update(ctx, conn, k); err != nil {
			return r, err
		}
	}
	first := *k
	began := time.Now()
	for range updates / perCommit {
		if err := update(ctx, conn, k); err != nil {
			return r, err
		}
	}
	r.NsPerChange = float64(time.Since(began).Nanoseconds()) / updates
	if err := checkUpdates(ctx, conn, n); err != nil {
		return r, err
	}
	var chunks []*chunk.Chunk
	for range changes / batch {
		chunks = append(chunks, pairs(batch, first.next, 1))
	}
	r.LoopNs = loopAggregate(n, chunks)
	return r, nil
}

// fillTable makes a table of n rows with a view, and a checkpoint of it.
func fillTable(ctx context.Context, conn *pgx.Conn, n int64) error {
	if _, err := conn.Exec(ctx, "CREATE TABLE t (k bigint PRIMARY KEY, v bigint NOT NULL)"); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "CREATE MATERIALIZED VIEW totals AS SELECT mod(k, 1000) AS g, count(*) AS n, sum(v) AS total FROM t GROUP BY 1"); err != nil {
		return err
	}
	for lo := int64(0); lo < n; lo += loadRows {
		if _, err := conn.Exec(ctx, fmt.Sprintf("INSERT INTO t SELECT k, 1 FROM generate_series(%d, %d) k", lo, min(lo+loadRows, n)-1)); err != nil {
			return err
		}
	}
	for _, sql := range []string{"FLUSH", "CHECKPOINT"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// update changes rows in one transaction.
func update(ctx context.Context, conn *pgx.Conn, k *keys) error {
	var b pgx.Batch
	b.Queue("BEGIN")
	for range perCommit {
		b.Queue("UPDATE t SET v = v + 1 WHERE k = $1", k.next())
	}
	b.Queue("COMMIT")
	return conn.SendBatch(ctx, &b).Close()
}

// checkUpdates holds the view against what was done.
func checkUpdates(ctx context.Context, conn *pgx.Conn, n int64) error {
	var total int64
	if err := conn.QueryRow(ctx, "SELECT sum(total)::bigint FROM totals").Scan(&total); err != nil {
		return err
	}
	if want := n + updates + warmUpCommits*perCommit; total != want {
		return fmt.Errorf("the view's sum is %d after the updates, not %d", total, want)
	}
	return nil
}

// bytesBelow adds up the files in a directory.
func bytesBelow(dir string) (n int64) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			n += info.Size()
		}
	}
	return n
}
