package faults

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"streamdb/sqllogictest/target"
)

// contents is what the tests below fill a database with, and the queries that must give the same answers afterwards.
var contents = []string{
	"CREATE TABLE t (id int PRIMARY KEY, k text, v numeric)",
	"INSERT INTO t SELECT g, 'k' || g % 13, g * 1.5 FROM generate_series(1, 3000) g",
	"CREATE MATERIALIZED VIEW m AS SELECT k, count(*) AS n, sum(v) AS s FROM t GROUP BY k",
	"CREATE TABLE u (a int, b text)",
	"INSERT INTO u SELECT g, repeat('x', g % 50) FROM generate_series(1, 2000) g",
	"CHECKPOINT",
	"UPDATE t SET v = v + 1 WHERE id % 7 = 0",
	"DELETE FROM u WHERE a % 3 = 0",
	"CHECKPOINT",
	"INSERT INTO t SELECT g, 'late', g FROM generate_series(3001, 3500) g",
}

var questions = []string{
	"SELECT count(*), sum(id), sum(v), count(DISTINCT k), min(k), max(v) FROM t",
	"SELECT count(*), sum(a), sum(length(b)) FROM u",
	"SELECT k, n, s FROM m ORDER BY k",
	"SELECT id, k, v FROM t WHERE id IN (1, 700, 3000, 3500) ORDER BY id",
}

// answers asks all questions.
func answers(ctx context.Context, connString string) (string, error) {
	conn, err := pgconn.Connect(ctx, connString)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	var b strings.Builder
	for _, q := range questions {
		res, err := conn.Exec(ctx, q).ReadAll()
		if err != nil {
			return "", err
		}
		for _, row := range res[0].Rows {
			fmt.Fprintf(&b, "%q\n", row)
		}
	}
	return b.String(), nil
}

// TestFlippedBytes flips a byte in each file of a killed server's data directory. The server refuses to start, or a query
// fails, with an error that says so; or everything is as it was. What it must not do is give another answer.
func TestFlippedBytes(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, data)
	conn, err := pgconn.Connect(t.Context(), p.ConnString())
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range contents {
		if pgErr, err := sqlError(t.Context(), conn, sql); err != nil || pgErr != nil {
			t.Fatalf("%s: %v %v", sql, err, pgErr)
		}
	}
	conn.Close(t.Context())
	want, err := answers(t.Context(), p.ConnString())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	t.Logf("seed %d", *seed)
	rng := rand.New(rand.NewPCG(*seed, 6))
	refused, failed, same := 0, 0, 0
	for _, file := range filesOf(t, data) {
		for range 2 {
			copied := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(copied, os.DirFS(data)); err != nil {
				t.Fatal(err)
			}
			at := flip(t, filepath.Join(copied, file), rng)
			q := p.Sibling(copied)
			got, err := tryServer(t.Context(), q)
			var pgErr *pgconn.PgError
			switch {
			case errors.Is(err, target.ErrExited):
				refused++
				if len(q.Log()) == 0 {
					t.Errorf("%s, byte %d: the server refused to start without a word", file, at)
				}
				if strings.Contains(q.Log(), "panic:") {
					t.Errorf("%s, byte %d: the server panicked\n%s", file, at, q.Log())
				}
			case errors.As(err, &pgErr):
				failed++
			case err != nil:
				t.Errorf("%s, byte %d: %v\n%s", file, at, err, q.Log())
			case got != want:
				t.Errorf("%s, byte %d: another answer, without an error\n got %s\nwant %s", file, at, got, want)
			default:
				same++
			}
		}
	}
	t.Logf("%d starts refused, %d queries failed, %d unharmed", refused, failed, same)
	if refused+failed == 0 {
		t.Error("no flipped byte was noticed")
	}
}

// tryServer starts a server, asks the questions and stops it.
func tryServer(ctx context.Context, p *target.Process) (string, error) {
	if err := p.Start(ctx); err != nil {
		return "", err
	}
	if err := p.WaitReady(ctx); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	got, err := answers(ctx, p.ConnString())
	return got, errors.Join(err, p.Kill())
}

// filesOf lists the regular files with content below a directory.
func filesOf(t *testing.T, dir string) []string {
	var out []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > 0 {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// flip changes one byte of a file and returns where.
func flip(t *testing.T, path string, rng *rand.Rand) int {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := rng.IntN(len(data))
	data[at] ^= byte(1 + rng.IntN(255))
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return at
}

// TestTLSFiles holds that wrong certificate files keep the server from starting, with a word about why.
func TestTLSFiles(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.pem")
	if err := os.WriteFile(garbage, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	binary, err := target.Build(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string][2]string{
		"missing": {filepath.Join(dir, "nope.crt"), filepath.Join(dir, "nope.key")},
		"garbage": {garbage, garbage},
	} {
		p := binary.NewProcess(filepath.Join(dir, name), target.TLS(files[0], files[1])...)
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := p.WaitReady(t.Context()); !errors.Is(err, target.ErrExited) {
			t.Errorf("%s: %v", name, err)
			_ = p.Kill()
		}
		if !strings.Contains(p.Log(), files[0]) {
			t.Errorf("%s: the server does not name the file: %q", name, p.Log())
		}
	}
}

// TestSecondServer holds that a data directory serves one server at a time.
func TestSecondServer(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, data)
	q := p.Sibling(data)
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := q.WaitReady(t.Context()); !errors.Is(err, target.ErrExited) {
		t.Errorf("the second server on the same directory: %v", err)
		_ = q.Kill()
	}
	if err := p.WaitReady(t.Context()); err != nil {
		t.Errorf("the first one: %v", err)
	}
}
