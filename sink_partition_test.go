package streamdb_test

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"streamdb"
)

// finished returns the lines of the finished files below dir, and whether there are others.
func finished(t *testing.T, dir string) (lines []string, hidden bool) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") {
			hidden = true
			return nil
		}
		b, err := os.ReadFile(path)
		lines = append(lines, strings.Split(strings.TrimSpace(string(b)), "\n")...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines, hidden
}

// The files of a partitioned sink are finished at checkpoints, and hold each row once,
// also after a restart with rows behind the last checkpoint.
func TestPartitionedSink(t *testing.T) {
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	open := func() *streamdb.DB {
		db, err := streamdb.Open(dir, streamdb.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	want := func(db *streamdb.DB, rows string) {
		t.Helper()
		must(t, connect(t, serveOn(t, db)), "FLUSH", "CHECKPOINT")
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			lines, hidden := finished(t, out)
			if got := strings.Join(lines, " "); got == rows && !hidden {
				return
			} else if time.Now().After(end) {
				t.Fatalf("files hold %s, hidden ones: %v; want %s", got, hidden, rows)
			}
		}
	}
	db := open()
	c := connect(t, serveOn(t, db))
	must(t, c, "CREATE TABLE t (id int, day text) APPEND ONLY", "INSERT INTO t VALUES (1, 'mon'), (2, 'tue')",
		"CREATE SINK s AS SELECT * FROM t WITH (connector = 'file', path = '"+out+"', partition_by = 'day') FORMAT PLAIN ENCODE CSV",
		"INSERT INTO t VALUES (3, 'mon')")
	want(db, "1 2 3")
	must(t, c, "INSERT INTO t VALUES (4, 'mon'), (5, NULL)", "FLUSH")
	if lines, hidden := finished(t, out); len(lines) != 3 || !hidden {
		t.Errorf("before a checkpoint: %v, hidden files: %v", lines, hidden)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open()
	c = connect(t, serveOn(t, db))
	must(t, c, "INSERT INTO t VALUES (6, 'mon')")
	want(db, "1 2 3 4 5 6")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
