package differential

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"streamdb/sqllogictest"
	"streamdb/sqllogictest/target"
)

// windowSchema creates the tables on both sides; ours ends the statement for app.
var windowSchema = []string{
	"CREATE TABLE ev (id int PRIMARY KEY, k text, ts timestamp, at timestamptz, v int, w numeric(8,2))",
	"CREATE TABLE hit (id int, k text, ts timestamp, at timestamptz, v int, w numeric(8,2))",
}

const appColumns = "id int, k text, ts timestamp, at timestamptz, v int, w numeric(8,2)"

// windowClock makes times near each other and far apart, many of them on the borders of windows and gaps.
type windowClock struct{ *generator }

func (g *windowClock) seconds() float64 {
	switch g.rng.IntN(4) {
	case 0:
		return float64(g.rng.IntN(30)) * 2 // multiples that gaps and sizes have too
	case 1:
		return float64(g.rng.IntN(300000)) / 1000
	case 2:
		return 400 + g.rng.ExpFloat64()*20
	}
	return float64(g.rng.IntN(100))
}

func (g *windowClock) ts() string {
	switch g.rng.IntN(40) {
	case 0, 1, 2:
		return "NULL"
	case 3:
		return g.pick("'infinity'", "'-infinity'")
	case 4, 5, 6:
		return fmt.Sprintf("'20%02d-%02d-%02d %02d:00:00'", g.pickInt(23, 24), 1+g.rng.IntN(12), g.pickInt(1, 8, 9, 25, 28), g.rng.IntN(24))
	case 7:
		return fmt.Sprintf("'1969-12-31 23:%02d:%02d'", g.rng.IntN(60), g.rng.IntN(60))
	}
	return fmt.Sprintf("timestamp '2024-01-31 23:59:00' + interval '%.3f seconds'", g.seconds())
}

func (g *windowClock) at() string {
	day := g.pick("2024-03-09", "2024-03-10", "2024-03-11", "2024-11-02", "2024-11-03", "2024-11-04")
	return g.null(12, fmt.Sprintf("'%s %02d:%02d:00+00'", day, g.rng.IntN(24), g.pickInt(0, 30, 59)))
}

func (g *windowClock) row(id int) string {
	return fmt.Sprintf("(%d, %s, %s, %s, %s, %s)", id, g.null(8, g.pick("'a'", "'a'", "'b'", "'c'")), g.ts(), g.at(),
		g.null(9, fmt.Sprint(g.rng.IntN(20))), g.null(9, g.money(40)))
}

func (g *windowClock) rows(keys int) string {
	var out []string
	for range 1 + g.rng.IntN(7) {
		out = append(out, g.row(g.rng.IntN(keys)))
	}
	return strings.Join(out, ", ")
}

// statement makes one change.
func (g *windowClock) statement() string {
	id := g.rng.IntN(150)
	switch g.rng.IntN(12) {
	case 0, 1, 2, 3:
		return "INSERT INTO ev VALUES " + g.rows(150) + " ON CONFLICT DO NOTHING"
	case 4:
		return "INSERT INTO app VALUES " + g.rows(1000)
	case 5:
		return "INSERT INTO hit VALUES " + g.rows(30)
	case 6:
		return g.pick(fmt.Sprintf("INSERT INTO hit SELECT * FROM hit WHERE id %% 7 = %d AND (SELECT count(*) FROM hit) < 120", g.rng.IntN(7)),
			fmt.Sprintf("INSERT INTO hit SELECT * FROM ev WHERE id < %d AND (SELECT count(*) FROM hit) < 120", g.rng.IntN(30)))
	case 7:
		return g.pick(fmt.Sprintf("DELETE FROM hit WHERE id %% 5 = %d", g.rng.IntN(5)), fmt.Sprintf("DELETE FROM hit WHERE k = %s AND v < 10", g.pick("'a'", "'b'")),
			fmt.Sprintf("UPDATE hit SET ts = ts + interval '2 seconds' WHERE id = %d", g.rng.IntN(30)))
	case 8:
		return fmt.Sprintf("UPDATE ev SET ts = %s WHERE id BETWEEN %d AND %d", g.pick("ts + interval '4 seconds'", "ts - interval '1.5 seconds'", g.ts(), "ts + interval '10 minutes'"), id, id+g.rng.IntN(12))
	case 9:
		return fmt.Sprintf("UPDATE ev SET %s WHERE id %% 9 = %d", g.pick("k = 'b'", "k = 'a', v = v + 1", "at = at + interval '1 hour'", "w = w * 2, k = NULL"), g.rng.IntN(9))
	}
	return g.pick(fmt.Sprintf("DELETE FROM ev WHERE id BETWEEN %d AND %d", id, id+g.rng.IntN(9)), fmt.Sprintf("DELETE FROM ev WHERE id %% 17 = %d", g.rng.IntN(17)),
		fmt.Sprintf("DELETE FROM ev WHERE k = %s AND id > %d", g.pick("'a'", "'b'"), id))
}

// windowRun is a pair of databases with the queries that are views on our side.
type windowRun struct {
	*pair
	server  sqllogictest.Server
	queries []windowPair
	failed  map[string]bool
	equal   int
}

func startWindows(t *testing.T, mode sqllogictest.Mode, theirs *pgconn.PgConn) *windowRun {
	server, err := target.NewInProcess()
	if err != nil {
		t.Fatal(err)
	}
	cs, err := server.Start(t.Context(), mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() })
	return &windowRun{pair: &pair{t: t, ours: side(t, cs), theirs: theirs}, server: server, failed: map[string]bool{}}
}

// mine runs a statement on our side alone.
func (r *windowRun) mine(sql string) {
	r.t.Helper()
	if a, err := ask(r.t.Context(), r.ours, sql); err != nil || a.state != "" {
		r.t.Fatalf("ours: %v %+v\n  %s", err, a, sql)
	}
}

func (r *windowRun) other(sql string) {
	r.t.Helper()
	if a, err := ask(r.t.Context(), r.theirs, sql); err != nil || a.state != "" {
		r.t.Fatalf("theirs: %v %+v\n  %s", err, a, sql)
	}
}

// create makes the views, each in the time zone it wants.
func (r *windowRun) create(queries []windowPair, emit string) {
	for _, q := range queries {
		if !strings.Contains(q.name, *only) {
			continue
		}
		zone := q.zone
		if zone == "" {
			zone = "UTC"
		}
		r.mine("SET TimeZone = '" + zone + "'")
		if a, err := ask(r.t.Context(), r.ours, "CREATE MATERIALIZED VIEW "+q.name+" AS "+q.ours+emit); err != nil {
			r.t.Fatal(err)
		} else if a.state != "" {
			r.t.Errorf("%s cannot be created: %s %s\n  %s", q.name, a.state, a.tag, q.ours)
			continue
		}
		r.queries = append(r.queries, q)
	}
	r.mine("SET TimeZone = 'UTC'")
}

// compare holds all views, and every fifth query asked ad hoc, against the other side.
func (r *windowRun) compare(round int) {
	for i, q := range r.queries {
		if r.failed[q.name] {
			continue
		}
		theirs, err := ask(r.t.Context(), r.theirs, q.theirs)
		if err != nil || theirs.state != "" {
			r.t.Fatalf("%s: %v %+v\n  %s", q.name, err, theirs, q.theirs)
		}
		asked := []string{"SELECT * FROM " + q.name}
		if q.zone == "" && i%5 == round%5 {
			asked = append(asked, q.ours)
		}
		for _, sql := range asked {
			ours, err := ask(r.t.Context(), r.ours, sql)
			if err != nil {
				r.t.Fatal(err)
			}
			if d := difference(ours, theirs); d != "" {
				r.failed[q.name] = true
				r.t.Errorf("%s, round %d: %s\n  %s\n  %s", q.name, round, d, sql, q.theirs)
				break
			}
			r.equal++
		}
	}
}

// restart kills our side and connects again.
func (r *windowRun) restart() {
	cs, err := r.server.Restart(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	_ = r.ours.Close(context.Background()) // it is broken
	r.ours = side(r.t, cs)
}

// everyOther takes the queries whose number is n modulo 2: the two modes share them.
func everyOther(list []windowPair, n int) (out []windowPair) {
	for i, q := range list {
		if i%2 == n || *only != "" {
			out = append(out, q)
		}
	}
	return out
}

// windowRounds bounds the rounds of the tests of windows, windowBudget the time after which no new one begins.
const (
	windowRounds = 14
	windowBudget = 15 * time.Second
)

// TestWindows compares windows of all kinds over rows that come, go and move, across restarts with and without
// checkpoints, in step and lagging.
func TestWindows(t *testing.T) {
	cluster := startPostgres(t)
	for i, mode := range []sqllogictest.Mode{{Name: "windows", Workers: 1}, {Name: "windows-lag", Workers: 2, Lag: true}} {
		t.Run(mode.Name, func(t *testing.T) {
			r := startWindows(t, mode, freshPostgres(t, cluster))
			t.Logf("seed %d", *seed+uint64(i))
			start := time.Now()
			for _, sql := range windowSchema {
				r.both(sql)
			}
			r.mine("CREATE TABLE app (" + appColumns + ") APPEND ONLY")
			r.other("CREATE TABLE app (" + appColumns + "); SET TimeZone = 'UTC'")
			g := &windowClock{newGenerator(*seed + uint64(i))}
			for range 10 {
				r.both(g.statement())
			}
			r.create(everyOther(windowPairs(), i), "")
			round := 0
			for ; round < windowRounds && (round < 3 || time.Since(start) < windowBudget); round++ {
				r.changes(g)
				if round%3 == 1 {
					if err := r.server.Checkpoint(t.Context()); err != nil {
						t.Fatal(err)
					}
					r.changes(g)
				}
				if round%3 != 0 {
					r.restart()
				}
				r.compare(round)
			}
			t.Logf("%d views, %d rounds, %d answers equal, %d views failed", len(r.queries), round, r.equal, len(r.failed))
		})
	}
}

// changes makes a few changes on both sides, some of them in a transaction.
func (r *windowRun) changes(g *windowClock) {
	for range 4 {
		if g.rng.IntN(4) > 0 {
			r.both(g.statement())
			continue
		}
		r.both("BEGIN")
		for range 1 + g.rng.IntN(3) {
			r.both(g.statement())
		}
		r.both(g.pick("COMMIT", "COMMIT", "ROLLBACK"))
	}
}

// TestWindowsClose compares EMIT ON WINDOW CLOSE with the windows that end at the watermark or before: rows come out of
// order within the watermark's delay.
func TestWindowsClose(t *testing.T) {
	cluster := startPostgres(t)
	const delay = 20
	for i, mode := range []sqllogictest.Mode{{Name: "close", Workers: 2}, {Name: "close-lag", Workers: 1, Lag: true}} {
		t.Run(mode.Name, func(t *testing.T) {
			r := startWindows(t, mode, freshPostgres(t, cluster))
			rng := rand.New(rand.NewPCG(*seed, uint64(i)))
			t.Logf("seed %d", *seed)
			r.mine(fmt.Sprintf("CREATE TABLE app (%s, WATERMARK FOR ts AS ts - INTERVAL '%d seconds') APPEND ONLY", appColumns, delay))
			r.other("CREATE TABLE app (" + appColumns + "); SET TimeZone = 'UTC'")
			var queries []windowPair
			for _, q := range windowPairs() {
				if strings.HasPrefix(q.name, "app_") && !strings.Contains(q.name, "month") && q.zone == "" {
					q.theirs = fmt.Sprintf("SELECT * FROM (%s) q WHERE window_end <= (SELECT max(ts) - interval '%d seconds' FROM app)", q.theirs, delay)
					queries = append(queries, q)
				}
			}
			r.create(queries, " EMIT ON WINDOW CLOSE")
			for j := range r.queries {
				r.queries[j].zone = "none" // only as views
			}
			g := &windowClock{newGenerator(*seed + uint64(i))}
			now := 0 // the latest time, ms
			for round := range 12 {
				for range 4 {
					last := now
					var rows []string
					for range 1 + rng.IntN(12) {
						at := max(0, last-delay*1000+rng.IntN(delay*1000+1)) // on the watermark, or after it
						if rng.IntN(5) == 0 {
							at = last + rng.IntN(6000)
						}
						now = max(now, at)
						rows = append(rows, fmt.Sprintf("(%d, %s, %s, NULL, %d, %s)", rng.IntN(1000), g.null(8, g.pick("'a'", "'b'")),
							g.null(20, fmt.Sprintf("timestamp '2024-01-01' + interval '%d ms'", at)), rng.IntN(20), g.money(40)))
					}
					r.both("INSERT INTO app VALUES " + strings.Join(rows, ", "))
					if rng.IntN(6) == 0 {
						now += 40_000
						r.both(fmt.Sprintf("INSERT INTO app VALUES (0, 'z', timestamp '2024-01-01' + interval '%d ms', NULL, 1, 1)", now))
					}
				}
				if round%4 == 1 {
					if err := r.server.Checkpoint(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if round%2 == 1 {
					r.restart()
				}
				r.compare(round)
			}
			t.Logf("%d views, %d answers equal, %d views failed", len(r.queries), r.equal, len(r.failed))
		})
	}
}
