package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func testSpec(t *testing.T) spec {
	return spec{data: filepath.Join(t.TempDir(), "data"), listen: "127.0.0.1:0", http: "127.0.0.1:0", connections: 10,
		log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

func testServer(t *testing.T, s spec) *server {
	t.Helper()
	srv, err := start(s)
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

func wantExit(t *testing.T, err error, code int, part string) {
	t.Helper()
	var e *exitError
	if !errors.As(err, &e) || e.code != code || !strings.Contains(err.Error(), part) {
		t.Errorf("want exit code %d and %q, got %v", code, part, err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, r.Status, err)
	}
	return string(b)
}

// TestServe starts a server, asks it, lets others collide with it, and starts it again.
func TestServe(t *testing.T) {
	s := testSpec(t)
	srv := testServer(t, s)
	conn, err := pgconn.Connect(t.Context(), "postgres://u@"+srv.addr.String()+"/streamdb?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE t (a int); INSERT INTO t VALUES (1); CREATE MATERIALIZED VIEW v AS SELECT count(*) FROM t").ReadAll(); err != nil {
		t.Fatal(err)
	}
	if got := get(t, "http://"+srv.httpAddr+"/healthz"); got != "ok\n" {
		t.Errorf("healthz: %q", got)
	}
	metrics := get(t, "http://"+srv.httpAddr+"/metrics")
	for _, want := range []string{"streamdb_up 1\n", "streamdb_sessions 1\n", `streamdb_relation_rows{relation="t"} 1`, `streamdb_dataflow_suspended{relation="v"} 0`, "go_goroutines"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %q", want)
		}
	}

	other := s
	_, err = start(other)
	wantExit(t, err, exitInUse, "in use")
	other = testSpec(t)
	other.listen = srv.addr.String()
	_, err = start(other)
	wantExit(t, err, exitListen, "--listen")
	other = testSpec(t)
	other.http = srv.httpAddr
	_, err = start(other)
	wantExit(t, err, exitListen, "--http")
	other.httpOptional = true
	if o := testServer(t, other); o.httpAddr != "" || o.close() != nil {
		t.Error("HTTP was not optional")
	}

	if err := srv.close(); err != nil {
		t.Fatal(err)
	}
	srv = testServer(t, s)
	if err := srv.close(); err != nil {
		t.Error(err)
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		part string
	}{
		{[]string{"nonsense"}, exitUsage, "unknown command"},
		{[]string{"serve", "more"}, exitUsage, "unexpected argument"},
		{[]string{"serve", "--workers", "-1"}, exitUsage, "--workers"},
		{[]string{"serve", "--log-level", "loud"}, exitUsage, "--log-level"},
		{[]string{"serve", "--tls-cert", "x"}, exitUsage, "go together"},
		{[]string{"serve", "--tls-cert", "/no/such.crt", "--tls-key", "/no/such.key"}, exitTLS, "/no/such.crt"},
		{[]string{"serve", "--node", "n1"}, exitUsage, "go together"},
		{[]string{"serve", "--node", "n1", "--cluster-listen", "127.0.0.1:1", "--join", "127.0.0.1:2"}, exitUsage, "this one"},
		{[]string{"serve", "--node", "n1", "--cluster-listen", "192.0.2.1:1", "--join", "192.0.2.1:1"}, exitUsage, "loopback"},
		{[]string{"demo", "--rate", "0"}, exitUsage, "--rate"},
		{[]string{"bench", "nonsense"}, exitUsage, "unknown benchmark"},
	} {
		wantExit(t, dispatch(c.args), c.code, c.part)
	}
}

// TestDemo holds that the demo's statements are understood and its views fill.
func TestDemo(t *testing.T) {
	srv := testServer(t, testSpec(t))
	defer srv.close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := runDemo(ctx, srv, 2000); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	conn, err := pgconn.Connect(t.Context(), "postgres://u@"+srv.addr.String()+"/streamdb?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var out bytes.Buffer
	m := &monitor{conn: conn, out: &out}
	lines, err := m.screen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.draw(lines, 60)
	m.draw(lines, 60)
	if n := m.last.total(); n < 1000 || !strings.Contains(out.String(), "top_sellers") || !strings.Contains(out.String(), "\x1b[21A") {
		t.Errorf("%d events in 2 s\n%s", n, out.String())
	}
	for _, view := range []string{"bids_per_auction", "revenue_by_category", "top_sellers"} {
		if tab, err := m.query(t.Context(), "SELECT count(*) FROM "+view); err != nil || tab.rows[0][0] == "0" {
			t.Errorf("%s: %v, %v", view, tab, err)
		}
	}
}
