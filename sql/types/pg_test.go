package types

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"streamdb/sql/sqlerr"
	"streamdb/sqllogictest/pgtest"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/pg15.txt from a PostgreSQL 15 on this machine")

// pgBin is where Debian installs PostgreSQL 15.
const pgBin = "/usr/lib/postgresql/15/bin"

// pgSetup defines the functions the cases use: ev evaluates an expression and turns
// errors into text, textout reads and writes a value.
const pgSetup = `
set client_min_messages = error; set timezone = 'America/New_York';
create function textout(v text, t text) returns text language plpgsql as $f$
declare r text; begin
  execute format('select format(''%%s'', %L::%s)', v, t) into r;
  return r; end $f$;
create function withstyle(k text, v text, e text) returns text language plpgsql as $f$
declare r text; begin
  perform set_config(k, v, false); execute 'select (' || e || ')::text' into r;
  perform set_config('datestyle', 'ISO, MDY', false); perform set_config('intervalstyle', 'postgres', false); return r; end $f$;
create function ev(e text) returns text language plpgsql as $f$
declare r text; d text; begin
  execute 'select (' || e || ')::text' into r; return r;
exception when others then get stacked diagnostics d = pg_exception_detail;
  return 'ERROR ' || sqlstate || ' ' || sqlerrm || case when d <> '' then ' | ' || d else '' end; end $f$;
`

// startPG runs a throw-away server and returns a function that runs SQL by psql.
func startPG(t *testing.T) func(sql string) string {
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	var prefix []string
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			pgtest.Missing(t, err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		prefix = []string{"runuser", "-u", "postgres", "--"}
	}
	run := func(args ...string) {
		args = append(append([]string(nil), prefix...), args...)
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = "/"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	data := filepath.Join(dir, "data")
	run(pgBin+"/initdb", "-D", data, "--locale=C", "-E", "UTF8", "-U", "postgres", "-N")
	run(pgBin+"/pg_ctl", "-D", data, "-w", "-l", filepath.Join(dir, "log"), "-o", "-k "+dir+" -c listen_addresses='' -c fsync=off -c max_stack_depth=4MB", "start")
	t.Cleanup(func() {
		run(pgBin+"/pg_ctl", "-D", data, "-m", "immediate", "stop")
		os.RemoveAll(dir)
	})
	return func(sql string) string {
		cmd := exec.Command(pgBin+"/psql", "-h", dir, "-U", "postgres", "-XqAt", "-v", "ON_ERROR_STOP=1")
		cmd.Stdin = strings.NewReader(sql)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("psql: %v\n%s", err, out)
		}
		return string(out)
	}
}

// askPG evaluates the expressions.
func askPG(t *testing.T, exprs []string) map[string]string {
	run := startPG(t)
	var b strings.Builder
	b.WriteString(pgSetup)
	for _, e := range exprs {
		fmt.Fprintf(&b, "select replace(ev($ev$%s$ev$), E'\\n', '\\n');\n", e)
	}
	lines := strings.Split(strings.TrimSuffix(run(b.String()), "\n"), "\n")
	if len(lines) != len(exprs) {
		t.Fatalf("%d answers to %d questions", len(lines), len(exprs))
	}
	m := make(map[string]string, len(exprs))
	for i, e := range exprs {
		m[e] = lines[i]
	}
	return m
}

func pgCases() []pgCase {
	cs := append(numericCases(), inputCases()...)
	cs = append(cs, datetimeCases()...)
	sort.Slice(cs, func(i, j int) bool { return cs[i].sql < cs[j].sql })
	return cs
}

// result writes a case's outcome as the function ev does.
func (c pgCase) result() string {
	s, err := c.got()
	if err != nil {
		e := sqlerr.As(err)
		if s = "ERROR " + e.Code + " " + e.Message; e.Detail != "" {
			s += " | " + e.Detail
		}
	}
	return strings.ReplaceAll(s, "\n", "\\n")
}

// TestAgainstPostgreSQL compares every case with what PostgreSQL 15 said: with the
// answers kept in testdata, whose lines are "expression<tab>answer", and with a
// server on this machine when -rewrite asks for it.
func TestAgainstPostgreSQL(t *testing.T) {
	cs := pgCases()
	const golden = "testdata/pg15.txt"
	var want map[string]string
	if *rewrite {
		exprs := make([]string, len(cs))
		for i, c := range cs {
			exprs[i] = c.sql
		}
		want = askPG(t, exprs)
		var b strings.Builder
		for _, e := range exprs {
			fmt.Fprintf(&b, "%s\t%s\n", strings.ReplaceAll(e, "\t", "\\t"), want[e])
		}
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else {
		b, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		want = map[string]string{}
		for _, l := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
			e, a, _ := strings.Cut(l, "\t")
			want[strings.ReplaceAll(e, "\\t", "\t")] = a
		}
	}
	bad := 0
	for _, c := range cs {
		w, ok := want[c.sql]
		if !ok {
			t.Errorf("%s: no answer in %s; run with -rewrite", c.sql, golden)
			continue
		}
		if got := c.result(); got != w {
			if bad++; bad <= 200 {
				t.Errorf("%s\n  got  %s\n  want %s", c.sql, got, w)
			}
		}
	}
	if bad > 0 {
		t.Errorf("%d of %d cases differ", bad, len(cs))
	}
}

// TestAgainstLocalPostgreSQL asks a server on this machine, if there is one, a
// sample of the cases, so that the kept answers cannot rot.
func TestAgainstLocalPostgreSQL(t *testing.T) {
	if testing.Short() {
		t.Skip("starts PostgreSQL")
	}
	if _, err := os.Stat(pgBin + "/initdb"); err != nil {
		pgtest.Missing(t, err)
	}
	var exprs []string
	var sample []pgCase
	for i, c := range pgCases() {
		if i%17 == 0 {
			exprs, sample = append(exprs, c.sql), append(sample, c)
		}
	}
	want := askPG(t, exprs)
	for _, c := range sample {
		if got := c.result(); got != want[c.sql] {
			t.Errorf("%s\n  got  %s\n  want %s", c.sql, got, want[c.sql])
		}
	}
}
