package streamdb_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jackc/pgx/v5/pgconn"

	"streamdb"
	"streamdb/storage/storagetest"
	"streamdb/wire"
)

// A full disk refuses writes with 53100 and loses nothing: reads go on, and so do writes
// as soon as there is room. What was acknowledged is there after a restart.
func TestDiskFull(t *testing.T) {
	disk := storagetest.NewQuota(vfs.NewMem(), 24<<20)
	db := openOn(t, disk)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := connect(t, serveOn(t, db))
	exec := func(sql string) error {
		_, err := c.Exec(ctx, sql)
		return err
	}
	for _, s := range []string{"CREATE TABLE t (id int PRIMARY KEY, pad text)", "CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM t"} {
		if err := exec(s); err != nil {
			t.Fatal(err)
		}
	}
	pad := strings.Repeat("x", 100)
	acked, full := 0, false
	for !full && acked < 5000 {
		// Random text does not compress.
		err := exec("INSERT INTO t SELECT g, md5(g::text) || md5((g+1)::text) || md5((g+2)::text) || '" + pad + "' FROM generate_series(" +
			strconv.Itoa(acked*200) + ", " + strconv.Itoa(acked*200+199) + ") g")
		var pg *pgconn.PgError
		switch {
		case err == nil:
			acked++
		case errors.As(err, &pg) && pg.Code == "53100":
			full = true
		default:
			t.Fatal(err)
		}
	}
	if !full {
		t.Fatalf("%d inserts and the disk is not full", acked)
	}
	check := func(want int) {
		t.Helper()
		var rows, view int
		if err := c.QueryRow(ctx, "SELECT (SELECT count(*) FROM t), (SELECT n FROM n)").Scan(&rows, &view); err != nil {
			t.Fatal(err)
		}
		if rows != want || view != want {
			t.Fatalf("%d rows in the table and %d in the view, acknowledged %d", rows, view, want)
		}
	}
	check(acked * 200)
	disk.Resize(256 << 20)
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := exec("INSERT INTO t VALUES (-1, 'room again')")
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is room and writes are refused: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	check(acked*200 + 1)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	c = connect(t, serveOn(t, openOn(t, disk)))
	check(acked*200 + 1)
}

func openOn(t *testing.T, fs vfs.FS) *streamdb.DB {
	t.Helper()
	db, err := streamdb.Open("data", streamdb.Options{FS: fs, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// serveOn serves a database over the wire until the test ends, and returns how to connect.
func serveOn(t *testing.T, db *streamdb.DB) string {
	t.Helper()
	l, err := wire.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := wire.New(wire.Config{Backend: db, Log: slog.New(slog.DiscardHandler)})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // Its end is what Shutdown asks for.
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = srv.Shutdown(ctx) // Connections that stay are cut.
		<-done
	})
	return "postgres://test@" + l.Addr().String() + "/streamdb?sslmode=disable"
}
