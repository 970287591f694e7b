package sqllogictest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "streamdb/sqllogictest"
	"streamdb/sqllogictest/pgtest"
)

// TestRunnerFindsFaults holds that what differs is found, where it is, and that -rewrite repairs only answers.
func TestRunnerFindsFaults(t *testing.T) {
	cluster, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Stop()
	path := filepath.Join(t.TempDir(), "f.slt")
	text := `query I
SELECT 1
----
2

query T
SELECT 1
----
1

query I
SELECT 1 / 0
----
1

statement ok
SELECT nope

statement error 42P01
SELECT nope

statement error
SELECT 1

statement count 2
CREATE TABLE t (a int)

query I
SELECT a FROM t
----

query II rowsort x
SELECT 1, 2

query II rowsort x
SELECT 2, 1

onlyif streamdb
query I
SELECT 1
----
9

statement error 42703
SELECT "nöpe" FROM t
----
column "nope" does not exist

copy out
COPY (SELECT 1) TO STDOUT
----
2
`
	run := func(rewrite bool) []string {
		rep, err := RunFile(t.Context(), path, &postgres{cluster}, Options{Engine: "postgresql", Rewrite: rewrite, TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		var at []string
		for _, f := range rep.Failures {
			where, _, _ := strings.Cut(strings.TrimPrefix(f.Error(), path+":"), ": ")
			at = append(at, where)
		}
		return at
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	want := "1 6 11 16 19 22 25 35 44 49"
	if got := strings.Join(run(false), " "); got != want {
		t.Errorf("failures at lines %s, want %s", got, want)
	}
	// Errors where none are meant stay failures, and so do missing ones.
	if got, want := strings.Join(run(true), " "), "11 16 22"; got != want {
		t.Errorf("after rewriting, failures at lines %s, want %s", got, want)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"query I\nSELECT 1\n----\n1\n", "statement error 42703\nSELECT nope\n", "copy out\nCOPY (SELECT 1) TO STDOUT\n----\n1\n", "onlyif streamdb\nquery I\nSELECT 1\n----\n9\n"} {
		if !strings.Contains(string(data), line) {
			t.Errorf("the rewritten file lacks %q:\n%s", line, data)
		}
	}
}
