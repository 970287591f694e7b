package differential

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"streamdb/sqllogictest"
	"streamdb/sqllogictest/pgtest"
	"streamdb/sqllogictest/target"
)

var (
	seed   = flag.Uint64("seed", 1, "seed of data and changes")
	rounds = flag.Int("rounds", 20, "rounds of changes")
	budget = flag.Duration("budget", 60*time.Second, "no new round begins after this time, for each number of workers")
	only   = flag.String("only", "", "run only queries that contain this")
)

// pair runs the same statements on both sides.
type pair struct {
	t            *testing.T
	ours, theirs *pgconn.PgConn
	failed       map[int]bool // lines of queries already reported
}

// side connects to one database.
func side(t *testing.T, connString string) *pgconn.PgConn {
	conn, err := pgconn.Connect(t.Context(), connString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// startPostgres starts the oracle.
func startPostgres(t *testing.T) *pgtest.Server {
	cluster, err := pgtest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Stop() })
	return cluster
}

func freshPostgres(t *testing.T, cluster *pgtest.Server) *pgconn.PgConn {
	cs, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return side(t, cs)
}

// startOurs starts a streamdb and connects to it.
func startOurs(t *testing.T, mode sqllogictest.Mode) *pgconn.PgConn {
	server, err := target.NewInProcess()
	if err != nil {
		t.Fatal(err)
	}
	cs, err := server.Start(t.Context(), mode)
	if err != nil {
		t.Fatal(err)
	}
	conn := side(t, cs)
	t.Cleanup(func() { server.Stop() })
	return conn
}

// both runs a statement on both sides and compares how it ended.
func (p *pair) both(sql string) {
	p.t.Helper()
	ours, err := ask(p.t.Context(), p.ours, sql)
	if err != nil {
		p.t.Fatal("ours: ", err)
	}
	theirs, err := ask(p.t.Context(), p.theirs, sql)
	if err != nil {
		p.t.Fatal("theirs: ", err)
	}
	if ours.state != theirs.state || ours.state == "" && ours.tag != theirs.tag {
		p.t.Fatalf("ours: %s %s, theirs: %s %s\n  %s", ours.state, ours.tag, theirs.state, theirs.tag, sql)
	}
}

// compare compares one query, asked ourSQL on our side. A query that failed once is not reported again.
func (p *pair) compare(q query, how, ourSQL string, round int) {
	p.t.Helper()
	ours, err := ask(p.t.Context(), p.ours, ourSQL)
	if err != nil {
		p.t.Fatal("ours: ", err)
	}
	theirs, err := ask(p.t.Context(), p.theirs, q.sql)
	if err != nil {
		p.t.Fatal("theirs: ", err)
	}
	if theirs.state != "" {
		p.t.Fatalf("views.sql:%d: PostgreSQL refuses it: %s\n  %s", q.line, theirs.tag, q.sql)
	}
	if d := difference(ours, theirs); d != "" {
		p.failed[q.line] = true
		p.t.Errorf("views.sql:%d: %s, round %d: %s\n  %s", q.line, how, round, d, q.sql)
	}
}

// run creates the tables, fills them, creates the views and goes through the rounds. createView is the statement that
// makes a view on our side, with the view's name and query to be filled in.
func (p *pair) run(createView string, rounds int, seed uint64) {
	p.t.Logf("seed %d", seed)
	start := time.Now()
	g := newGenerator(seed)
	for _, sql := range schema {
		p.both(sql)
	}
	// Some rows come before the views, so that the views are filled from existing data too.
	for range 40 {
		p.both(g.insert())
	}
	var qs []query
	for _, q := range queries() {
		if !strings.Contains(q.sql, *only) {
			continue
		}
		if a, err := ask(p.t.Context(), p.ours, fmt.Sprintf(createView, viewName(q), q.sql)); err != nil {
			p.t.Fatal(err)
		} else if a.state != "" {
			p.t.Errorf("views.sql:%d: cannot be created: %s %s\n  %s", q.line, a.state, a.tag, q.sql)
			continue
		}
		qs = append(qs, q)
	}
	compared := 0
	round := 0
	for ; round < rounds && time.Since(start) < *budget; round++ {
		for _, stmts := range g.round() {
			for _, sql := range stmts {
				p.both(sql)
			}
		}
		for _, q := range qs {
			if !p.failed[q.line] {
				p.compare(q, "as view", "SELECT * FROM "+viewName(q), round)
			}
			if !p.failed[q.line] {
				p.compare(q, "ad hoc", q.sql, round)
				compared += 2
			}
		}
	}
	p.t.Logf("%d views, %d rounds, %d answers equal, %d views failed", len(qs), round, compared, len(p.failed))
	if round < min(3, rounds) {
		p.t.Errorf("only %d rounds in %v", round, *budget)
	}
}

func viewName(q query) string { return fmt.Sprintf("v%d", q.line) }

// TestViews is the differential test, with one worker and with two, each on data of its own.
func TestViews(t *testing.T) {
	cluster := startPostgres(t)
	for i, workers := range []int{1, 2} {
		t.Run(fmt.Sprintf("W=%d", workers), func(t *testing.T) {
			ours := startOurs(t, sqllogictest.Mode{Name: "differential", Workers: workers})
			p := &pair{t: t, ours: ours, theirs: freshPostgres(t, cluster), failed: map[int]bool{}}
			p.run("CREATE MATERIALIZED VIEW %s AS %s", *rounds, *seed+uint64(i))
		})
	}
}

// TestQueries holds that the file is sound: PostgreSQL accepts every query, gives a view of it the same rows, and no
// query depends on anything but the multiset of rows. At least 150 of them are promised.
func TestQueries(t *testing.T) {
	cluster := startPostgres(t)
	p := &pair{t: t, ours: freshPostgres(t, cluster), theirs: freshPostgres(t, cluster), failed: map[int]bool{}}
	// Other plans give other orders of rows.
	for _, setting := range []string{"enable_hashagg", "enable_hashjoin", "enable_material", "enable_bitmapscan"} {
		if _, err := ask(t.Context(), p.ours, "SET "+setting+" = off"); err != nil {
			t.Fatal(err)
		}
	}
	p.run("CREATE VIEW %s AS %s", 3, *seed)
	if n := len(queries()); n < 150 && *only == "" {
		t.Errorf("%d queries, want at least 150", n)
	}
	p.nonEmpty()
}

// nonEmpty holds that nearly every query has rows to compare.
func (p *pair) nonEmpty() {
	empty := 0
	for _, q := range queries() {
		if !strings.Contains(q.sql, *only) {
			continue
		}
		a, err := ask(p.t.Context(), p.theirs, q.sql)
		if err != nil {
			p.t.Fatal(err)
		}
		if len(a.rows) == 0 {
			empty++
			p.t.Logf("views.sql:%d has no rows", q.line)
		}
	}
	if empty > len(queries())/20 {
		p.t.Errorf("%d queries have no rows to compare", empty)
	}
}

func TestSubtract(t *testing.T) {
	got := subtract([]string{"a", "a", "b", "d"}, []string{"a", "b", "c"})
	if strings.Join(got, "") != "ad" {
		t.Errorf("got %q", got)
	}
}
