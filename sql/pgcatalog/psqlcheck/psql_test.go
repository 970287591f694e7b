package psqlcheck

import (
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"streamdb/sqllogictest/pgtest"
)

var update = flag.Bool("update", false, "write testdata/session.out anew")

// TestPsql runs testdata/session.sql in a real psql and compares what it prints.
func TestPsql(t *testing.T) {
	if _, err := exec.LookPath("psql"); err != nil {
		pgtest.Missing(t, err)
	}
	// The session reads no line before the one before is done, so that output and errors come in order.
	cmd := exec.CommandContext(t.Context(), "psql", "-X", "-a", "-d", sampleServer(t), "-f", "testdata/session.sql")
	cmd.Env = append(os.Environ(), "PGCLIENTENCODING=UTF8", "LC_ALL=C.UTF-8", "PAGER=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := port.ReplaceAllString(string(out), `port "5432"`)
	const golden = "testdata/session.out"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("line %d: got\n%s\nwant\n%s", i+1, g[i], w[i])
		}
	}
	if len(g) != len(w) {
		t.Errorf("%d lines, want %d", len(g), len(w))
	}
}

// port is the port in \conninfo's answer.
var port = regexp.MustCompile(`port "[0-9]+"`)
