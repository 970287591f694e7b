package streamdb_test

import (
	"fmt"
	"math/rand"
	"testing"

	"streamdb"
)

// TestCutsAgree takes views out of the step at random, for random numbers of entries and
// multiples, while rows come from a generator and from a client: whenever they are read,
// they show what their twins show, which have never left.
func TestCutsAgree(t *testing.T) {
	for seed := range int64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { cutsAgree(t, seed) })
	}
}

func cutsAgree(t *testing.T, seed int64) {
	db := openQuietly(t, streamdb.Options{VirtualClock: true, Workers: 2})
	dsn := serveOn(t, db)
	a := connect(t, dsn)
	must(t, a, "CREATE TABLE t (id int PRIMARY KEY, k int, v int)",
		"CREATE TABLE ev (ts timestamptz, v int, WATERMARK FOR ts AS ts - INTERVAL '2 seconds') APPEND ONLY",
		"CREATE TABLE item (k int PRIMARY KEY, v int)", "INSERT INTO item SELECT g, 0 FROM generate_series(0, 4) g",
		"CREATE SOURCE bid WITH (connector = 'nexmark', type = 'bid', rate = '300', events = '20000')")
	views := []struct{ name, query string }{
		{"n", "SELECT k, count(*) AS n, sum(v) AS s FROM t GROUP BY k"},
		{"every", "SELECT k, n, s FROM n%[1]s EMIT EVERY INTERVAL '5 seconds'"},
		{"fast", "SELECT k, s FROM n%[1]s EMIT EVERY INTERVAL '2 seconds'"},
		{"above", "SELECT sum(s) AS s FROM every%[1]s"},
		{"both", "SELECT e.k, e.s, f.s AS now FROM every%[1]s e JOIN fast%[1]s f ON e.k = f.k EMIT EVERY INTERVAL '3 seconds'"},
		{"bids", "SELECT auction % 7 AS a, count(*) AS n, max(price) AS top FROM bid GROUP BY 1 EMIT EVERY INTERVAL '4 seconds'"},
		{"stamped", "SELECT v, PROCTIME() AS at FROM ev"},
		{"stamps", "SELECT at, count(*) AS n FROM stamped%[1]s GROUP BY at EMIT EVERY INTERVAL '5 seconds'"},
		{"looked", "SELECT t.id, t.v, d.v AS was FROM t LEFT JOIN item FOR SYSTEM_TIME AS OF PROCTIME() AS d ON t.k = d.k"},
		{"found", "SELECT ev.v, d.v AS was FROM ev LEFT JOIN item FOR SYSTEM_TIME AS OF PROCTIME() AS d ON ev.v %% 5 = d.k"},
		{"passed", "SELECT v, ts FROM ev WHERE v > 3"},
		{"passes", "SELECT p.v, d.v AS was FROM passed%[1]s p JOIN item FOR SYSTEM_TIME AS OF PROCTIME() AS d ON p.v %% 5 = d.k WHERE d.v > 0"},
		{"priced", "SELECT k, s, d.v AS was FROM fast%[1]s f JOIN item FOR SYSTEM_TIME AS OF PROCTIME() AS d USING (k)"},
		{"recent", "SELECT count(*) AS n, sum(v) AS s FROM ev WHERE ts > now() - INTERVAL '3 seconds'"},
		{"recently", "SELECT n, s FROM recent%[1]s EMIT EVERY INTERVAL '2 seconds'"},
		{"sessions", "SELECT window_start, window_end, count(*) AS n FROM SESSION(ev, ts, INTERVAL '2 seconds') GROUP BY window_start, window_end EMIT ON WINDOW CLOSE"},
		{"closed", "SELECT window_end, sum(v) AS s FROM TUMBLE(ev, ts, INTERVAL '3 seconds') GROUP BY window_end EMIT ON WINDOW CLOSE"},
		{"ended", "SELECT c.s, d.v AS was FROM closed%[1]s c JOIN item FOR SYSTEM_TIME AS OF PROCTIME() AS d ON c.s %% 5 = d.k"},
		{"shown", "SELECT count(*) AS n, sum(s) AS s FROM closed%[1]s EMIT EVERY INTERVAL '6 seconds'"},
	}
	for _, twin := range []string{"_live", "_lags"} {
		for _, v := range views {
			q := v.query
			if v.name != "bids" {
				q = fmt.Sprintf(q+"%.0[1]s", twin)
			}
			must(t, a, "CREATE MATERIALIZED VIEW "+v.name+twin+" AS "+q)
		}
	}
	rng := rand.New(rand.NewSource(seed))
	var releases []func()
	next := 0
	for round := range 150 {
		switch rng.Intn(8) {
		case 0, 1, 2:
			must(t, a, fmt.Sprintf("SELECT advance_clock('%d milliseconds')", 1+rng.Intn(3000)))
		case 3, 4:
			next++
			must(t, a, fmt.Sprintf("INSERT INTO t VALUES (%d, %d, %d)", next, next%5, rng.Intn(100)),
				fmt.Sprintf("INSERT INTO ev VALUES (now(), %d)", rng.Intn(100)))
		case 5:
			must(t, a, fmt.Sprintf("UPDATE t SET v = v + 1, k = k + 1 WHERE id %% 7 = %d", rng.Intn(7)))
		case 6:
			must(t, a, fmt.Sprintf("UPDATE item SET v = v + 1 WHERE k = %d", rng.Intn(5)))
			must(t, a, fmt.Sprintf("DELETE FROM t WHERE id %% 11 = %d", rng.Intn(11)))
		case 7:
			name := views[rng.Intn(len(views))].name + "_lags"
			if release, ok := db.Detain(name); ok {
				releases = append(releases, release)
			}
		}
		if rng.Intn(12) > 0 && round < 149 {
			continue
		}
		for _, release := range releases {
			release()
		}
		releases = nil
		for _, v := range views {
			// Of one snapshot: both twins are at it.
			sql := fmt.Sprintf("SELECT (SELECT count(*) FROM (SELECT * FROM %[1]s_live EXCEPT ALL SELECT * FROM %[1]s_lags) x) +"+
				" (SELECT count(*) FROM (SELECT * FROM %[1]s_lags EXCEPT ALL SELECT * FROM %[1]s_live) x)", v.name)
			if n := number(t, a, sql); n != 0 {
				t.Fatalf("round %d: the twins of %s differ in %d rows", round, v.name, n)
			}
		}
	}
	for _, v := range views {
		must(t, a, "VERIFY MATERIALIZED VIEW "+v.name+"_lags")
	}
	if n := number(t, a, "SELECT sum(n)::int FROM bids_lags"); n == 0 {
		t.Error("no bid has been counted")
	}
}
