package streamdb_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// plan returns the lines of an EXPLAIN, without sizes of state.
func plan(t *testing.T, c *pgx.Conn, sql string) string {
	t.Helper()
	rows, err := c.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return regexp.MustCompile(` state=\d+ kB`).ReplaceAllString(strings.Join(lines, "\n"), "")
}

// EXPLAIN ANALYZE counts the rows of each node, for a query, a change and a running view.
func TestExplainAnalyze(t *testing.T) {
	c := connect(t, startServer(t))
	must(t, c, "CREATE TABLE t (id int PRIMARY KEY, k text)", "INSERT INTO t SELECT g, 'k' || g % 3 FROM generate_series(1, 10) g",
		"CREATE MATERIALIZED VIEW v AS SELECT k, count(*) AS n FROM t GROUP BY k")
	for sql, want := range map[string]string{
		"EXPLAIN (ANALYZE, TIMING off, SUMMARY off) SELECT k FROM t WHERE id > 4 ORDER BY k": `Sort by k (actual rows=6)
  Exchange single (actual rows=6)
    Project k (actual rows=6)
      Filter (id > 4) (actual rows=6)
        Scan t (id, k) key > 4 (actual rows=6)
Rows: 6`,
		"EXPLAIN (ANALYZE, TIMING off, SUMMARY off) DELETE FROM t WHERE id = 10": `Delete on t
  Filter (id = 10) (actual rows=1)
    Scan t (id, k) key = 10 (actual rows=1)
Rows: 0`,
	} {
		if got := plan(t, c, sql); got != want {
			t.Errorf("%s\n%s\nwant\n%s", sql, got, want)
		}
	}
	if n := number(t, c, "SELECT count(*) FROM t"); n != 9 {
		t.Errorf("%d rows after the deletion, want 9", n)
	}
	// Ten rows came, and one went: three groups, then one with its old row.
	const view = "EXPLAIN (ANALYZE, TIMING off) MATERIALIZED VIEW v"
	if got := plan(t, c, view); !strings.Contains(got, "Scan t (k) (actual rows=11)") || !strings.Contains(got, "Agg by k count_star() (actual rows=5)") {
		t.Errorf("%s\n%s", view, got)
	}
	if got := plan(t, c, "EXPLAIN ANALYZE SELECT 1"); !regexp.MustCompile(`\nExecution Time: \d+\.\d{3} ms$`).MatchString(got) {
		t.Errorf("no time in %q", got)
	}
}

// EXPLAIN (FORMAT JSON) is a list of one plan with PostgreSQL's keys.
func TestExplainJSON(t *testing.T) {
	c := connect(t, startServer(t))
	must(t, c, "CREATE TABLE t (id int PRIMARY KEY, k text)", "INSERT INTO t VALUES (1, 'a')")
	type node struct {
		Type     string `json:"Node Type"`
		Relation string `json:"Relation Name"`
		Rows     int64  `json:"Actual Rows"`
		Plans    []node
	}
	var out []struct {
		Plan node
		Time float64 `json:"Execution Time"`
	}
	text := plan(t, c, "EXPLAIN (ANALYZE, FORMAT JSON) INSERT INTO t SELECT id + 1, k FROM t WHERE k < 'b'")
	if err := json.Unmarshal([]byte(text), &out); err != nil || len(out) != 1 {
		t.Fatalf("%v in %s", err, text)
	}
	n := &out[0].Plan
	if n.Type != "Insert" || n.Relation != "t" || out[0].Time <= 0 || strings.Contains(text, `\u003c`) {
		t.Errorf("not the plan of an insertion: %s", text)
	}
	for len(n.Plans) > 0 {
		n = &n.Plans[0]
	}
	if n.Type != "Scan" || n.Relation != "t" || n.Rows != 1 {
		t.Errorf("the innermost node is %+v", *n)
	}
}
