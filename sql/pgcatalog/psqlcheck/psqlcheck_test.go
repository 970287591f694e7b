package psqlcheck

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"streamdb/sql/parser"
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

// TestServer runs the recordings against the server of STREAMDB_PSQL_DSN, which has
// the objects of sample.sql already.
func TestServer(t *testing.T) {
	dsn := os.Getenv("STREAMDB_PSQL_DSN")
	if dsn == "" {
		t.Skip("STREAMDB_PSQL_DSN is not set")
	}
	ctx := context.Background()
	db, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	qs := all(t)
	same := 0
	results := Run(qs, func(sql string) ([]string, error) { return Rows(ctx, db, sql) })
	for i := range results {
		switch r := &results[i]; {
		case r.Err != nil:
			t.Errorf("%s", r)
		case !r.Same():
			t.Logf("differs: %s", r)
		default:
			same++
		}
	}
	t.Logf("%d of %d as PostgreSQL", same, len(results))
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
