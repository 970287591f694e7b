package streamdb_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"streamdb"
)

// A transaction of several entries is there whole or not at all after a crash at any
// moment, also where checkpoints were made between its entries.
func TestStagedCrash(t *testing.T) {
	const rows = 500_000
	fs := vfs.NewCrashableMem()
	c := connect(t, serveOn(t, openCheckpointing(t, fs)))
	must(t, c, "CREATE TABLE t (id bigint PRIMARY KEY, v int)", "CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM t")
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(t.Context(), fmt.Sprintf("INSERT INTO t SELECT g, 1 FROM generate_series(1, %d) g", rows))
		done <- err
	}()
	var crashed []*vfs.MemFS
	for ended := false; !ended; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			ended = true
		case <-time.After(10 * time.Millisecond):
		}
		crashed = append(crashed, fs.CrashClone(vfs.CrashCloneCfg{}))
	}
	// A database that has not begun with the transaction is always alike.
	late := crashed[max(0, len(crashed)-24):]
	for i, disk := range late {
		after := connect(t, serveOn(t, openCheckpointing(t, disk)))
		n, view := number(t, after, "SELECT count(*) FROM t"), number(t, after, "SELECT n FROM n")
		if n != view || n != 0 && n != rows {
			t.Errorf("crash %d: %d rows in the table, %d in the view", i, n, view)
		}
		if i == len(late)-1 && n != rows {
			t.Errorf("%d rows after an acknowledged insert of %d", n, rows)
		}
	}
}

// openCheckpointing opens a database that makes a checkpoint after every entry.
func openCheckpointing(t *testing.T, fs vfs.FS) *streamdb.DB {
	t.Helper()
	db, err := streamdb.Open("data", streamdb.Options{FS: fs, CheckpointEvery: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return db
}
