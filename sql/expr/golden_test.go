package expr_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"streamdb/sql/functions"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// rewrite fills the golden files from a running PostgreSQL 15:
//
//	go test ./sql/expr -run Golden -rewrite "host=/tmp port=5432 user=postgres"
var rewrite = flag.String("rewrite", "", "connection string of a PostgreSQL 15 to take the results from")

// TestGolden evaluates the expressions of testdata/*.txt; the results there are
// PostgreSQL's. A line is "expression → result"; a set's rows are separated by " ; ",
// an error is "ERROR code message". "-- zone X" sets the time zone. A line beginning
// with "! " is a known difference: it must differ, its reason stands behind " ! ".
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	total := 0
	for _, f := range files {
		if *rewrite != "" {
			rewriteGolden(t, f)
		}
		total += runGolden(t, f)
	}
	if total < 1500 {
		t.Errorf("only %d cases", total)
	}
}

func runGolden(t *testing.T, file string) int {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st := &types.Settings{}
	n, bad := 0, 0
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		line := sc.Text()
		if zone, ok := strings.CutPrefix(line, "-- zone "); ok {
			loc, err := types.LoadZone(zone)
			if err != nil {
				t.Fatal(err)
			}
			st = &types.Settings{TimeZone: loc}
			continue
		}
		if line == "" || strings.HasPrefix(line, "--") {
			continue
		}
		n++
		known := strings.HasPrefix(line, "! ")
		query, want, _ := strings.Cut(strings.TrimPrefix(line, "! "), " → ")
		if known {
			want, _, _ = strings.Cut(want, " ! ")
		}
		got := evalText(query, st)
		switch {
		case known && got == want:
			t.Errorf("%s: %s: no difference any more", file, query)
		case !known && got != want && !near(file, got, want):
			if bad++; bad <= 400 {
				t.Errorf("%s: %s\n\tgot  %s\n\twant %s", filepath.Base(file), query, got, want)
			}
		}
	}
	return n
}

// near accepts the last digits of transcendental functions, in which C libraries
// differ among themselves.
func near(file, got, want string) bool {
	a, err1 := strconv.ParseFloat(got, 64)
	b, err2 := strconv.ParseFloat(want, 64)
	return filepath.Base(file) == "arithmetic.txt" && err1 == nil && err2 == nil && math.Abs(a-b) <= 4e-15*math.Abs(b)
}

// evalText binds and evaluates an expression and shows the result as a client sees it.
func evalText(query string, st *types.Settings) string {
	rows, err := evalQuery(query, st)
	if err != nil {
		e := sqlerr.As(err)
		return "ERROR " + e.Code + " " + e.Message
	}
	return strings.ReplaceAll(strings.Join(rows, " ; "), "\n", `\n`)
}

func rewriteGolden(t *testing.T, file string) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, *rewrite)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SET TimeZone = 'UTC'"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, line := range strings.Split(strings.TrimRight(string(b), "\n"), "\n") {
		if zone, ok := strings.CutPrefix(line, "-- zone "); ok {
			if _, err := conn.Exec(ctx, "SET TimeZone = '"+zone+"'"); err != nil {
				t.Fatal(err)
			}
		}
		if line == "" || strings.HasPrefix(line, "--") {
			fmt.Fprintln(&out, line)
			continue
		}
		mark, reason := "", ""
		if rest, ok := strings.CutPrefix(line, "! "); ok {
			mark, line = "! ", rest
			if _, r, ok := strings.Cut(line, " ! "); ok {
				reason = " ! " + r
			}
		}
		query, _, _ := strings.Cut(line, " → ")
		fmt.Fprintf(&out, "%s%s → %s%s\n", mark, query, askPostgres(ctx, conn, query), reason)
	}
	if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func askPostgres(ctx context.Context, conn *pgx.Conn, query string) string {
	var rows []string
	res, err := conn.PgConn().Exec(ctx, "SELECT "+query).ReadAll()
	if err != nil {
		if e, ok := err.(*pgconn.PgError); ok {
			return "ERROR " + e.Code + " " + strings.ReplaceAll(e.Message, "\n", `\n`)
		}
		return "ERROR " + err.Error()
	}
	for _, r := range res[0].Rows {
		if r[0] == nil {
			rows = append(rows, "NULL")
		} else {
			rows = append(rows, string(r[0]))
		}
	}
	return strings.ReplaceAll(strings.Join(rows, " ; "), "\n", `\n`)
}

// TestExamples holds that the examples of the function table are true.
func TestExamples(t *testing.T) {
	for _, f := range functions.All() {
		if query, want, ok := strings.Cut(f.Example, " → "); ok {
			if got := evalText(query, &types.Settings{}); got != want && !near("arithmetic.txt", got, want) {
				t.Errorf("%s gives %s, the table says %s", query, got, want)
			}
		}
	}
}
