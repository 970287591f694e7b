package streamdb_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"streamdb"
)

// TestUpgrade opens the data directories of earlier versions, each with a checkpoint and entries behind it, left by a
// kill: sources are read again, views go on from their state or are filled anew, and all are right.
func TestUpgrade(t *testing.T) {
	for _, d := range []struct {
		file, sum string
		rows      int64
		bids      int64 // all that there will be
		late      int64
		// lost is the views that cannot be filled again, and whose state is another version's.
		lost  []string
		more  []string // views
		shown map[string]int64
	}{
		{file: "engine2.tgz", sum: "3223.71200000000000000000", rows: 673, bids: 1840, late: 1},
		{file: "engine3.tgz", sum: "3464.23200000000000000000", rows: 681, bids: 1840, late: 1},
		{file: "engine3_sources.tgz", sum: "3223.71200000000000000000", rows: 673, bids: 1840, late: 1, more: []string{"states", "channels"}},
		{file: "engine3_time.tgz", sum: "3223.71200000000000000000", rows: 673, bids: 1840, late: 2, lost: []string{"arrivals", "looked"}, shown: map[string]int64{
			"SELECT sum(id)::bigint FROM two":                            7845,
			"SELECT sum(n)::bigint FROM two_closed":                      119,
			"SELECT count(*) FROM two_late WHERE late_by = '19 minutes'": 1,
			"SELECT count(*) FROM streamdb.watermarks WHERE relation = 'two' AND watermark >= '2026-01-01 00:16:40+00'": 2,
		}},
		{file: "engine4.tgz", sum: "3223.71200000000000000000", rows: 673, bids: 1840, late: 3, shown: map[string]int64{
			"SELECT sum(id)::bigint FROM two":                                                     10738,
			"SELECT sum(n)::bigint FROM two_closed":                                               137,
			"SELECT count(*) FROM looked WHERE name = 'dos'":                                      4,
			"SELECT count(*) FROM looked WHERE name = 'deux'":                                     45,
			"SELECT count(DISTINCT p) FROM arrivals":                                              4,
			"SELECT count(*) FROM streamdb.watermarks WHERE watermark = '2026-01-01 00:22:40+00'": 1,
		}},
	} {
		t.Run(d.file, func(t *testing.T) {
			dir := t.TempDir()
			unpack(t, filepath.Join("testdata", "upgrade", d.file), dir)
			db, err := streamdb.Open(filepath.Join(dir, "data"), streamdb.Options{Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			c := connect(t, serveOn(t, db))
			views := append(d.more, "aggregates", "closed", "hops", "joined", "outerj", "q7", "overs", "top", "per_group", "failing", "over_view")
			check := func() {
				t.Helper()
				for _, v := range views {
					must(t, c, "VERIFY MATERIALIZED VIEW "+v)
				}
			}
			check()
			var sum string
			if err := c.QueryRow(t.Context(), "SELECT sum(v)::text FROM t").Scan(&sum); err != nil || sum != d.sum {
				t.Errorf("the sum is %s, %v; want %s", sum, err, d.sum)
			}
			for sql, want := range map[string]int64{
				"SELECT count(*) FROM t":                                                            d.rows,
				"SELECT sum(n)::bigint FROM aggregates":                                             d.rows,
				"SELECT count(*) FROM streamdb.late_rows":                                           d.late,
				"SELECT count(*) FROM plain WHERE doc @> '{\"a\": [2.5]}'":                          1,
				"SELECT count(*) FROM streamdb.progress WHERE state <> 'live'":                      int64(len(d.lost)),
				"SELECT count(*) FROM streamdb.dead_letters WHERE weight <> 1":                      0,
				"SELECT count(*) - (SELECT count(*) FROM t WHERE k = 3) FROM streamdb.dead_letters": 0,
			} {
				if n := number(t, c, sql); n != want {
					t.Errorf("%s is %d, want %d", sql, n, want)
				}
			}
			for _, v := range d.lost {
				if _, err := c.Exec(t.Context(), "SELECT * FROM "+v); code(err) != "55000" {
					t.Errorf("%s: %v, want 55000", v, err)
				}
			}
			for sql, want := range d.shown {
				if n := number(t, c, sql); n != want {
					t.Errorf("%s is %d, want %d", sql, n, want)
				}
			}
			must(t, c, "INSERT INTO t SELECT g, g % 17, g / 100.0, 'new', timestamp '2026-01-02' FROM generate_series(2001, 2100) g",
				"UPDATE t SET v = v * 2 WHERE k = 5", "DELETE FROM t WHERE id % 11 = 0")
			for end := time.Now().Add(10 * time.Second); number(t, c, "SELECT sum(count)::bigint FROM hops") < d.bids*5; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the source does not go on to its end")
				}
			}
			check()
		})
	}
}

// unpack extracts a compressed archive of files.
func unpack(t *testing.T, file, dir string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else {
			var b []byte
			if b, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, b, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
