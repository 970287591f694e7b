package streamdb_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"streamdb"
	"streamdb/storage/storagetest"
)

// What is dropped, truncated or altered gives its files back with the next checkpoint.
func TestDroppedFilesGo(t *testing.T) {
	dir := t.TempDir()
	db, err := streamdb.Open(dir, streamdb.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, serveOn(t, db))
	must(t, c, "CREATE TABLE keep (id int PRIMARY KEY, v text)",
		"INSERT INTO keep SELECT g, 'keep ' || g FROM generate_series(1, 20000) g", "CHECKPOINT")
	segments := func() (n int, bytes int64) {
		files, err := os.ReadDir(filepath.Join(dir, "segments"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if info, err := f.Info(); err == nil {
				n++
				bytes += info.Size()
			}
		}
		return n, bytes
	}
	descriptors := func() int {
		files, _ := os.ReadDir("/proc/self/fd") // Elsewhere there is nothing to count.
		n := 0
		for _, f := range files {
			if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(to, filepath.Join(dir, "segments")) {
				n++
			}
		}
		return n
	}
	files, bytes := segments()
	open := descriptors()
	for round := range 3 {
		for _, sql := range []string{
			"CREATE TABLE gone (id int PRIMARY KEY, v text, w int)",
			"INSERT INTO gone SELECT g, md5(g::text), g FROM generate_series(1, 60000) g",
			"CREATE INDEX gone_v ON gone (v)",
			"CREATE MATERIALIZED VIEW gone_view AS SELECT v, count(*) AS n FROM gone GROUP BY v",
			"CHECKPOINT",
			"UPDATE gone SET v = 'x' || v WHERE id % 2 = 0",
			"CHECKPOINT",
			"SELECT count(*) FROM gone WHERE v > 'a'",
			"ALTER TABLE gone ADD COLUMN extra int",
			"DROP TABLE gone CASCADE",
			"CHECKPOINT",
		} {
			must(t, c, sql)
		}
		deadline := time.Now().Add(3 * time.Second)
		for {
			f, b := segments()
			d := descriptors()
			if f <= files && b <= bytes && d <= open {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("round %d: %d files of %d bytes and %d descriptors, before the table was made %d, %d and %d", round, f, b, d, files, bytes, open)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if d := descriptors(); d != 0 {
		t.Errorf("%d segments are open after Close", d)
	}
}

// A checkpoint that the disk has no room for is refused with 53100 before it has written anything, keeps the log, and is
// made by itself when there is room.
func TestCheckpointDiskFull(t *testing.T) {
	disk := storagetest.NewQuota(vfs.NewMem(), 64<<20)
	db, err := streamdb.Open("data", streamdb.Options{FS: disk, Logger: slog.New(slog.DiscardHandler),
		Fatal: func(err error) { panic(err) }})
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, serveOn(t, db))
	must(t, c, "CREATE TABLE t (id int PRIMARY KEY, v text)", "CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM t", "CHECKPOINT")
	const rows = 20000
	must(t, c, "INSERT INTO t SELECT g, md5(g::text) || md5((g+1)::text) FROM generate_series(1, 20000) g")
	used, _ := disk.Used()
	disk.Resize(used + 300<<10)
	if _, err := c.Exec(t.Context(), "CHECKPOINT"); code(err) != "53100" {
		t.Fatalf("a checkpoint on a full disk: %v", err)
	}
	if now, fails := disk.Used(); now > used+64<<10 || fails > 0 {
		t.Errorf("the checkpoint has written %d bytes and met %d failures", now-used, fails)
	}
	if n := number(t, c, "SELECT n FROM n"); n != rows {
		t.Errorf("%d rows", n)
	}
	made := func() float64 {
		for _, m := range db.Metrics() {
			if m.Name == "streamdb_checkpoints_total" {
				return m.Value
			}
		}
		return -1
	}
	before := made()
	disk.Resize(256 << 20)
	for deadline := time.Now().Add(10 * time.Second); made() == before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("there is room and no checkpoint")
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	c = connect(t, serveOn(t, openOn(t, disk)))
	if n := number(t, c, "SELECT n FROM n"); n != rows {
		t.Errorf("%d rows after the restart", n)
	}
}

// Close ends checkpoints that somebody has asked for, and none begins afterwards.
func TestCloseWhileCheckpointing(t *testing.T) {
	for range 4 {
		db, err := streamdb.Open("data", streamdb.Options{FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		c := connect(t, serveOn(t, db))
		must(t, c, "CREATE TABLE t (k int PRIMARY KEY, v text)", "CREATE MATERIALIZED VIEW m AS SELECT v, count(*) FROM t GROUP BY v",
			"INSERT INTO t SELECT g, 'value ' || g FROM generate_series(1, 5000) g")
		var all sync.WaitGroup
		begun := make(chan struct{}, 1)
		for range 2 {
			all.Go(func() {
				for {
					err := db.Checkpoint(context.Background())
					select {
					case begun <- struct{}{}:
					default:
					}
					if err != nil {
						return
					}
				}
			})
		}
		<-begun
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
		if err := db.Checkpoint(t.Context()); err == nil {
			t.Error("a closed database makes checkpoints")
		}
	}
}

// A sink's rows are in its file and not in the database as well.
func TestSinkKeepsNoRows(t *testing.T) {
	db := openQuietly(t, streamdb.Options{})
	c := connect(t, serveOn(t, db))
	path := filepath.Join(t.TempDir(), "out")
	must(t, c, "CREATE TABLE t (k int PRIMARY KEY, v text)",
		"CREATE SINK s AS SELECT k, v FROM t WITH (connector = 'file', path = '"+path+"', changelog = true) FORMAT PLAIN ENCODE CSV",
		"INSERT INTO t SELECT g, 'value ' || g FROM generate_series(1, 3000) g", "CHECKPOINT", "DELETE FROM t WHERE k > 2000", "FLUSH")
	written, err := os.ReadFile(path)
	if n := strings.Count(string(written), "\n"); err != nil || n != 4000 {
		t.Errorf("the file has %d lines, error %v", n, err)
	}
	for _, m := range db.Metrics() {
		if m.Name == "streamdb_relation_rows" && m.Labels[1] == "s" && m.Value != 0 {
			t.Errorf("the sink's relation has %v rows", m.Value)
		}
	}
}
