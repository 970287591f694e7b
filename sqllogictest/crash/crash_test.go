package crash

import (
	"context"
	"errors"
	"flag"
	"io"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"streamdb/sqllogictest/pgtest"
	"streamdb/sqllogictest/target"
)

var (
	kills = flag.Int("kills", 3, "number of SIGKILLs")
	seed  = flag.Uint64("seed", 1, "seed of the moments")
)

// TestCrash kills streamdb.
func TestCrash(t *testing.T) {
	t.Logf("seed %d", *seed)
	binary, err := target.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Process: binary.NewProcess(filepath.Join(t.TempDir(), "data"))}
	if err := newExperiment(p, streamdbDialect, *seed, t.Logf).run(t.Context(), *kills); err != nil {
		t.Errorf("%v\n%s", err, p.Log())
	}
}

// process is the real binary as a victim.
type process struct{ *target.Process }

func (p *process) start(ctx context.Context) error { return p.Start(ctx) }
func (p *process) kill() error                     { return p.Kill() }
func (p *process) connString() string              { return p.ConnString() }

// postgres is PostgreSQL as a victim. It keeps what it has acknowledged, so the test must find nothing.
type postgres struct {
	cluster *pgtest.Server
	running bool
}

func (p *postgres) start(ctx context.Context) error {
	if p.running {
		return nil
	}
	p.running = true
	return p.cluster.Restart(ctx)
}

func (p *postgres) kill() error {
	p.running = false
	return p.cluster.Kill()
}

func (p *postgres) connString() string { return p.cluster.ConnString("postgres") }

// TestHarness holds the books against a database known to keep its word.
func TestHarness(t *testing.T) {
	if testing.Short() {
		t.Skip("starts PostgreSQL several times")
	}
	cluster, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Stop()
	conn, err := pgconn.Connect(t.Context(), cluster.ConnString("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if err := execAll(t.Context(), conn, "ALTER SYSTEM SET synchronous_commit = on", "SELECT pg_reload_conf()"); err != nil {
		t.Fatal(err)
	}
	conn.Close(t.Context())
	p := &postgres{cluster: cluster, running: true}
	if err := newExperiment(p, postgresDialect, *seed, t.Logf).run(t.Context(), 2); err != nil {
		t.Error(err)
	}
}

// TestBook holds that the books find what they are for.
func TestBook(t *testing.T) {
	refused := &pgconn.PgError{Severity: "ERROR", Code: "23505"}
	b := newBook("row")
	if err := errors.Join(b.note(1, present, nil), b.note(2, present, nil)); err != nil {
		t.Fatal(err)
	}
	if err := b.note(3, present, io.ErrUnexpectedEOF); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a lost connection gave %v", err)
	}
	if err := b.note(4, present, refused); !errors.Is(err, error(refused)) {
		t.Errorf("a refusal gave %v", err)
	}
	for _, c := range []struct {
		there map[int64]int64
		ok    bool
	}{
		{map[int64]int64{1: 1, 2: 1}, true},
		{map[int64]int64{1: 1, 2: 1, 3: 1}, true},
		{map[int64]int64{1: 1}, false},
		{map[int64]int64{1: 1, 2: 2}, false},
		{map[int64]int64{1: 1, 2: 1, 4: 1}, false},
	} {
		b.things[3] = either
		if err := b.compare(c.there, 1); (err == nil) != c.ok {
			t.Errorf("%v: %v", c.there, err)
		}
	}
	b.things[3] = either
	if err := b.compare(map[int64]int64{1: 1, 2: 1}, 1); err != nil || b.things[3] != absent {
		t.Errorf("an open row that is not there is %v, %v", b.things[3], err)
	}
	if err := b.compare(map[int64]int64{1: 1, 2: 1, 3: 1}, 1); err == nil {
		t.Error("a row came back after it had been seen absent, and nobody noticed")
	}
}
