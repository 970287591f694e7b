package sqllogictest_test

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	. "streamdb/sqllogictest"
	"streamdb/sqllogictest/pgtest"
)

var (
	rewrite  = flag.Bool("rewrite", false, "write the answers of this run into the files")
	extended = flag.Bool("extended", false, "talk to PostgreSQL with the extended protocol")
	files    = flag.String("files", "", "run only files whose path contains this")
)

// postgres is a Server whose database is a fresh one of a PostgreSQL cluster.
type postgres struct{ cluster *pgtest.Server }

var _ Server = (*postgres)(nil)

func (p *postgres) Start(ctx context.Context, _ Mode) (string, error) {
	return p.cluster.CreateDatabase(ctx)
}

func (p *postgres) Restart(context.Context) (string, error) {
	return "", errors.New("PostgreSQL is not restarted")
}

func (p *postgres) Checkpoint(context.Context) error { return nil }

func (p *postgres) Stop() error { return nil }

// testFiles lists the .slt files below testdata.
func testFiles(t *testing.T) []string {
	var paths []string
	err := filepath.WalkDir("testdata", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".slt") && strings.Contains(path, *files) && !strings.Contains(path, "/include/") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Fatalf("no file matches %q", *files)
	}
	return paths
}

// name makes a subtest's name of a file's path.
func name(path string) string {
	return strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(path), "testdata/"), ".slt")
}

// TestPostgres holds the files against PostgreSQL: what they expect of plain SQL is what PostgreSQL does.
func TestPostgres(t *testing.T) {
	cluster, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Stop()
	records := 0
	for _, path := range testFiles(t) {
		t.Run(name(path), func(t *testing.T) {
			rep, err := RunFile(t.Context(), path, &postgres{cluster}, Options{
				Engine: "postgresql", Mode: Mode{Extended: *extended}, Rewrite: *rewrite, TempDir: t.TempDir(),
			})
			if err != nil {
				t.Fatal(err)
			}
			records += rep.Records
			for _, f := range rep.Failures {
				t.Error(f)
			}
			if rep.Rewritten {
				t.Logf("%s rewritten", path)
			}
		})
	}
	t.Logf("%d statements", records)
}
