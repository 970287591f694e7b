package faults

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"streamdb/sqllogictest/pgtest"
	"streamdb/sqllogictest/target"
)

var seed = flag.Uint64("seed", 1, "seed of everything random")

// victim is a server under attack and a session that must not notice.
type victim struct {
	connString       string
	network, address string
	bystander        *pgconn.PgConn
}

// watch opens the bystander's session, with a transaction in it.
func watch(t *testing.T, connString, network, address string) *victim {
	conn, err := pgconn.Connect(t.Context(), connString)
	if err != nil {
		t.Fatal(err)
	}
	v := &victim{connString, network, address, conn}
	v.run(t, "CREATE TABLE bystander (a int)")
	v.run(t, "BEGIN")
	v.run(t, "INSERT INTO bystander VALUES (1)")
	return v
}

func (v *victim) run(t *testing.T, sql string) {
	t.Helper()
	if pgErr, err := sqlError(t.Context(), v.bystander, sql); err != nil || pgErr != nil {
		t.Fatalf("the bystander's %q: %v %v", sql, err, pgErr)
	}
}

// finish holds that the bystander's transaction is still there and commits.
func (v *victim) finish(t *testing.T) {
	v.run(t, "INSERT INTO bystander VALUES (2)")
	v.run(t, "COMMIT")
	res, err := v.bystander.Exec(t.Context(), "SELECT count(*) FROM bystander").ReadAll()
	if err != nil || string(res[0].Rows[0][0]) != "2" {
		t.Errorf("the bystander's rows: %v, %v", res, err)
	}
	if err := v.bystander.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// servers runs a test against streamdb, and against PostgreSQL to hold that the test itself is fair.
func servers(t *testing.T, test func(*testing.T, *victim)) {
	t.Run("postgresql", func(t *testing.T) {
		cluster, err := pgtest.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer cluster.Stop()
		cs, err := cluster.CreateDatabase(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v := watch(t, cs, "unix", cluster.Socket())
		test(t, v)
		v.finish(t)
	})
	t.Run("streamdb", func(t *testing.T) {
		p := start(t, filepath.Join(t.TempDir(), "data"))
		v := watch(t, p.ConnString(), "tcp", p.Address())
		test(t, v)
		v.finish(t)
		if err := p.Stop(); err != nil {
			t.Errorf("stop: %v\n%s", err, p.Log())
		}
	})
}

// start builds and runs a server and waits until it answers.
func start(t *testing.T, data string) *target.Process {
	binary, err := target.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := binary.NewProcess(data)
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	if err := p.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestDeepStatements holds that no statement is too deep for the server: it is refused, or it works.
func TestDeepStatements(t *testing.T) {
	servers(t, func(t *testing.T, v *victim) {
		conn, err := pgconn.Connect(t.Context(), v.connString)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		for _, size := range []int{12 << 10, 47 << 10, 400 << 10} {
			for name, sql := range deep(size) {
				if pgErr, err := sqlError(t.Context(), conn, sql); err != nil {
					t.Fatalf("%s of %d bytes: %v", name, len(sql), err)
				} else if pgErr != nil && pgErr.Code == "XX000" {
					t.Errorf("%s of %d bytes is an internal error: %s", name, len(sql), pgErr.Message)
				}
			}
		}
		for name, sql := range chains() {
			if pgErr, err := sqlError(t.Context(), conn, sql); err != nil || pgErr != nil {
				t.Errorf("%s: %v %v", name, err, pgErr)
			}
		}
	})
}

// TestWireNoise holds that bytes which are no protocol hurt only the connection they come on.
func TestWireNoise(t *testing.T) {
	servers(t, func(t *testing.T, v *victim) {
		t.Logf("seed %d", *seed)
		for i, data := range wireNoise(rand.New(rand.NewPCG(*seed, 5))) {
			if err := send(v.network, v.address, data); err != nil {
				t.Fatalf("noise %d (%q): %v", i, data, err)
			}
		}
	})
}

// TestManyConnections holds that connections which say nothing do not keep others out for good.
func TestManyConnections(t *testing.T) {
	servers(t, func(t *testing.T, v *victim) {
		for i := range 200 {
			if err := send(v.network, v.address, nil); err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
		}
		conn, err := pgconn.Connect(t.Context(), v.connString)
		if err != nil {
			t.Fatal(fmt.Errorf("after silent connections: %w", err))
		}
		conn.Close(t.Context())
	})
}
