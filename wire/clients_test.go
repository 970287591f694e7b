package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"streamdb/sqllogictest/pgtest"
)

func TestPgx(t *testing.T) {
	s := startServer(t, nil)
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	db, err := pgx.Connect(ctx, "postgres://u@"+s.addr+"/d?sslmode=prefer")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	rows, err := db.Query(ctx, "rows 2500")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rows.Next() {
		var a int32
		var b *string
		if err := rows.Scan(&a, &b); err != nil {
			t.Fatal(err)
		}
		if int(a) != n || (b == nil) != (n%5 == 0) || b != nil && *b != fmt.Sprintf("v%d", n) {
			t.Fatalf("row %d: %d %v", n, a, b)
		}
		n++
	}
	if rows.Err() != nil || n != 2500 {
		t.Fatalf("%d rows, %v", n, rows.Err())
	}
	_, err = db.Exec(ctx, "error x")
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "42703" || pe.Hint != "hint" {
		t.Fatal(err)
	}
	batch := &pgx.Batch{}
	for range 5 {
		batch.Queue("rows 3")
	}
	br := db.SendBatch(ctx, batch)
	for range 5 {
		if tag, err := br.Exec(); err != nil || tag.RowsAffected() != 3 {
			t.Fatal(tag, err)
		}
	}
	if err := br.Close(); err != nil {
		t.Fatal(err)
	}
	// A context's end sends a cancel request.
	short, stop2 := context.WithTimeout(ctx, 100*time.Millisecond)
	defer stop2()
	if _, err := db.Exec(short, "sleep"); err == nil {
		t.Fatal("sleep was not cancelled")
	}
	db2, err := pgx.Connect(ctx, "postgres://u@"+s.addr+"/d?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer db2.Close(ctx)
	tag, err := db2.PgConn().CopyFrom(ctx, strings.NewReader(strings.Repeat("1\tx\n", 100_000)), "copyin")
	if err != nil || tag.RowsAffected() != 100_000 {
		t.Fatal(tag, err)
	}
	var out strings.Builder
	if _, err := db2.PgConn().CopyTo(ctx, &out, "copyout"); err != nil || out.String() != "a\nbb\n\n" {
		t.Fatal(out.String(), err)
	}
}

// psql runs stock psql with a script and returns what it prints.
func (s *testServer) psql(t *testing.T, script string, args ...string) string {
	t.Helper()
	bin, err := exec.LookPath("psql")
	if err != nil {
		pgtest.Missing(t, err)
	}
	host, port, _ := net.SplitHostPort(s.addr)
	cmd := exec.Command(bin, append([]string{"-X", "-h", host, "-p", port, "-U", "u", "-d", "d"}, args...)...)
	cmd.Stdin = strings.NewReader(script)
	cmd.Env = append(cmd.Environ(), "PGCONNECT_TIMEOUT=5", "LC_ALL=C", "PGSSLMODE=prefer")
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(err.Error(), "exit status") {
		t.Fatal(err)
	}
	return string(out)
}

func TestPsql(t *testing.T) {
	s := startServer(t, nil)
	got := s.psql(t, `rows 3;
error x;
notice look here;
copyin;
1	a
2	b
\.
copyout;
\set FETCH_COUNT 2
weights;
`, "-A", "-t")
	want := `0|
1|v1
2|v2
ERROR:  column "x" does not exist
LINE 1: error x;
              ^
DETAIL:  detail
HINT:  hint
CONTEXT:  where
NOTICE:  look here
LINE 1: notice look here;
        ^
NOTICE
COPY 3
a
bb

0|
0|
1|v1
2|v2
2|v2
2|v2
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := s.psql(t, "", "-c", `\conninfo`); !strings.Contains(got, `connected to database "d" as user "u"`) {
		t.Errorf("conninfo: %s", got)
	}
	cert, key := certificate(t)
	s = startServer(t, func(c *Config) { c.TLS, _ = LoadTLS(cert, key) })
	if got := s.psql(t, "", "-c", `\conninfo`); !strings.Contains(got, "SSL connection (protocol: TLSv1.3") {
		t.Errorf("conninfo: %s", got)
	}
}
