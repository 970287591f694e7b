package psqlcheck

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"streamdb/sql/parser"
	"streamdb/sqllogictest"
	"streamdb/sqllogictest/target"
)

// all loads every recording.
func all(t *testing.T) []Query {
	t.Helper()
	var out []Query
	for _, dir := range []string{"psql", "tools"} {
		_, qs, err := Load(os.DirFS("../testdata/" + dir))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, qs...)
	}
	return out
}

func TestRecordingsAreComplete(t *testing.T) {
	qs := all(t)
	if len(qs) < 180 {
		t.Errorf("only %d queries", len(qs))
	}
	for _, q := range qs {
		if _, err := parser.Parse(placeholder.ReplaceAllString(q.SQL, "1")); err != nil {
			t.Errorf("%s: %v", q.Name, err)
		}
		if !strings.Contains(strings.ToUpper(q.SQL), "SELECT") && !strings.Contains(strings.ToUpper(q.SQL), "SHOW") {
			t.Errorf("%s: no query: %q", q.Name, q.SQL)
		}
	}
}

// knownMissing are recorded queries that use what streamdb does not have.
var knownMissing = map[string]string{}

// sampleServer starts a server with the objects of sample.sql.
func sampleServer(t *testing.T) (dsn string) {
	t.Helper()
	server, err := target.NewInProcess()
	if err != nil {
		t.Fatal(err)
	}
	dsn, err = server.Start(t.Context(), sqllogictest.Mode{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() }) // The test has what it wants.
	dsn = strings.Replace(dsn, "test@", "streamdb@", 1)
	db, err := pgconn.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	sample, _, err := Load(os.DirFS("../testdata/psql"))
	if err != nil {
		t.Fatal(err)
	}
	for sql := range strings.SplitSeq(sample, ";\n") {
		_, err := Rows(t.Context(), db, sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	return dsn
}

// TestServer runs the recordings against a server. Where an answer is not PostgreSQL's, it is the one of
// testdata/differences.txt, which says why; -update writes the answers anew.
func TestServer(t *testing.T) {
	dsn := os.Getenv("STREAMDB_PSQL_DSN") // with the objects of sample.sql
	if dsn == "" {
		dsn = sampleServer(t)
	}
	ctx := context.Background()
	db, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	want := readDifferences(t)
	seen := map[string]bool{}
	var found []difference
	results := Run(all(t), func(sql string) ([]string, error) { return Rows(ctx, db, sql) })
	for i := range results {
		r := &results[i]
		if seen[r.Name] {
			t.Errorf("two recordings are called %q", r.Name)
		}
		seen[r.Name] = true
		w, known := want[r.Name]
		var e *pgconn.PgError
		switch {
		case r.Err != nil:
			if !errors.As(r.Err, &e) || e.Code != knownMissing[r.Name] {
				t.Errorf("%s", r)
			}
		case knownMissing[r.Name] != "":
			t.Errorf("%s is not missing any more", r.Name)
		case r.Same():
			if known && !*update {
				t.Errorf("%s is as PostgreSQL has it: take it out of differences.txt", r.Name)
			}
		default:
			rows := lines(r.Got)
			found = append(found, difference{r.Name, w.because, rows})
			if w.because == "" || !*update && !slices.Equal(rows, w.rows) {
				t.Errorf("differs: %s", r)
			}
		}
	}
	for name := range want {
		if !seen[name] && !*update {
			t.Errorf("differences.txt: no recording is called %q", name)
		}
	}
	for name := range knownMissing {
		if !seen[name] {
			t.Errorf("knownMissing: no recording is called %q", name)
		}
	}
	t.Logf("%d of %d differ from PostgreSQL, each for its reason", len(found), len(results))
	if *update {
		writeDifferences(t, found)
	}
}

// Rows runs a query by the simple protocol.
func Rows(ctx context.Context, db *pgconn.PgConn, sql string) ([]string, error) {
	res, err := db.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range res {
		for _, row := range r.Rows {
			cells := make([]string, len(row))
			for i, c := range row {
				cells[i] = string(c)
			}
			out = append(out, strings.Join(cells, "|"))
		}
	}
	return out, nil
}
