package differential

import (
	"fmt"
	"strings"
)

// windowTable is a table that windows are taken of. All have the columns id, k, ts, at, v and w.
type windowTable struct {
	name string
	// keyed says that id is a primary key and rows are updated and deleted; otherwise rows only come, or come twice and go.
	keyed, appendOnly bool
}

var windowTables = []windowTable{{name: "ev", keyed: true}, {name: "hit"}, {name: "app", appendOnly: true}}

// windowSource is an item of FROM with windows: ours, and plain SQL that gives the same columns. %s is the table.
type windowSource struct {
	name, ours, theirs string
	// zone is the session's time zone when ours is created.
	zone string
}

// binned cuts the table into windows of a constant size from an origin.
func binned(column, stride, origin, size string) string {
	return fmt.Sprintf(`(SELECT b.*, window_start + interval '%s' AS window_end FROM (SELECT t.*, date_bin('%s', %s, timestamp '%s') AS window_start FROM %%s t WHERE isfinite(%s)) b)`,
		size, stride, column, origin, column)
}

// hopped adds to a table its hopping windows: those that start up to n-1 slides before the latest one.
func hopped(slide, size string, n int) string {
	return fmt.Sprintf(`(SELECT b.id, b.k, b.ts, b.at, b.v, b.w, b.s - g * interval '%[1]s' AS window_start, b.s - g * interval '%[1]s' + interval '%[2]s' AS window_end
  FROM (SELECT t.*, date_bin('%[1]s', ts, timestamp '1970-01-01') AS s FROM %%s t WHERE isfinite(ts)) b, generate_series(0, %[3]d) g
  WHERE b.s - g * interval '%[1]s' + interval '%[2]s' > b.ts)`, slide, size, n-1)
}

// cumulated adds to a table its windows that grow by step from start, up to n of them, but not beyond the period's end.
func cumulated(column, start, period, step string, n int) string {
	return fmt.Sprintf(`(SELECT b.id, b.k, b.ts, b.at, b.v, b.w, b.s AS window_start, least(b.s + g * interval '%[4]s', b.s + interval '%[3]s') AS window_end
  FROM (SELECT t.*, %[2]s AS s FROM %%s t WHERE isfinite(%[1]s)) b, generate_series(1, %[5]d) g
  WHERE b.s + g * interval '%[4]s' > b.%[1]s AND b.s + (g - 1) * interval '%[4]s' < b.s + interval '%[3]s')`, column, start, period, step, n)
}

// islands adds to a table its sessions per key: a gap ends an island.
func islands(key, gap string) string {
	return fmt.Sprintf(`(SELECT id, k, ts, at, v, w, min(ts) OVER (PARTITION BY %[1]s island) AS window_start, max(ts) OVER (PARTITION BY %[1]s island) + interval '%[2]s' AS window_end
  FROM (SELECT *, sum(fresh) OVER (PARTITION BY %[1]s true ORDER BY ts) AS island
    FROM (SELECT *, CASE WHEN ts - lag(ts) OVER (PARTITION BY %[1]s true ORDER BY ts) < interval '%[2]s' THEN 0 ELSE 1 END AS fresh FROM %%s t WHERE isfinite(ts)) f) i)`, key, gap)
}

var windowSources = []windowSource{
	{name: "tumble", ours: `TUMBLE(%s, ts, INTERVAL '10 seconds')`, theirs: binned("ts", "10 seconds", "1970-01-01", "10 seconds")},
	{name: "tumble_offset", ours: `TABLE(TUMBLE(DATA => TABLE %s, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '1' MINUTE, "offset" => INTERVAL '-7' SECONDS))`,
		theirs: binned("ts", "1 minute", "1969-12-31 23:59:53", "1 minute")},
	{name: "hop", ours: `HOP(%s, ts, INTERVAL '5 seconds', INTERVAL '20 seconds')`, theirs: hopped("5 seconds", "20 seconds", 4)},
	{name: "hop_uneven", ours: `TABLE(HOP(TABLE %s, DESCRIPTOR(ts), INTERVAL '6' SECONDS, INTERVAL '15' SECONDS))`, theirs: hopped("6 seconds", "15 seconds", 3)},
	{name: "cumulate", ours: `CUMULATE(%s, ts, INTERVAL '10 seconds', INTERVAL '1 minute')`,
		theirs: cumulated("ts", "date_bin('1 minute', ts, timestamp '1970-01-01')", "1 minute", "10 seconds", 6)},
	{name: "session", ours: `SESSION(%s PARTITION BY k, ts, INTERVAL '4 seconds')`, theirs: islands("k,", "4 seconds")},
	{name: "session_all", ours: `TABLE(SESSION(TABLE %s PARTITION BY 1, DESCRIPTOR(ts), INTERVAL '2' SECONDS))`, theirs: islands("", "2 seconds")},
	{name: "months", ours: `TUMBLE(%s, ts, INTERVAL '1 month')`,
		theirs: `(SELECT t.*, date_trunc('month', ts) AS window_start, date_trunc('month', ts) + interval '1 month' AS window_end FROM %s t WHERE isfinite(ts))`},
	{name: "month_to_date", ours: `CUMULATE(%s, ts, INTERVAL '8 days', INTERVAL '1 month')`,
		theirs: cumulated("ts", "date_trunc('month', ts)", "1 month", "8 days", 4)},
	{name: "days", zone: "America/New_York", ours: `TUMBLE(%s, at, INTERVAL '1 day')`,
		theirs: `(SELECT t.*, date_trunc('day', at, 'America/New_York') AS window_start,
    (date_trunc('day', at AT TIME ZONE 'America/New_York') + interval '1 day') AT TIME ZONE 'America/New_York' AS window_end FROM %s t WHERE isfinite(at))`},
	{name: "weeks", zone: "America/New_York", ours: `HOP(%s, at, INTERVAL '1 day', INTERVAL '3 days')`,
		theirs: `(SELECT t.*, (date_trunc('day', at AT TIME ZONE 'America/New_York') - g * interval '1 day') AT TIME ZONE 'America/New_York' AS window_start,
    (date_trunc('day', at AT TIME ZONE 'America/New_York') - g * interval '1 day' + interval '3 days') AT TIME ZONE 'America/New_York' AS window_end
  FROM %s t, generate_series(0, 2) g WHERE isfinite(at))`},
}

// windowShapes is queries over windows; $W is the item of FROM.
var windowShapes = []struct{ name, sql string }{
	{"rows", `SELECT id, k, v, window_start, window_end FROM $W w`},
	{"window", `SELECT window_start, window_end, count(*) AS n, sum(v) AS s, min(v) AS low, max(w) AS high, avg(v) AS mean FROM $W w GROUP BY window_start, window_end`},
	{"key", `SELECT k, window_start, window_end, count(v) AS n, sum(w) AS s, max(v) AS high, bool_or(v > 15) AS big FROM $W w GROUP BY k, window_start, window_end`},
	{"sums", `SELECT window_end, k, window_start, count(*) AS n, sum(v) AS s, min(v) AS low, max(ts) AS last, avg(v) AS mean, count(k) AS ks FROM $W w GROUP BY window_end, k, window_start`},
	{"lists", `SELECT k, window_end, count(DISTINCT v) AS n, string_agg(v::text, ',' ORDER BY v) AS l, stddev_samp(v) AS sd FROM $W w GROUP BY k, window_start, window_end HAVING count(*) > 1`},
	{"filtered", `SELECT window_end, count(*) FILTER (WHERE v > 5) AS n, max(k) AS k FROM $W w WHERE v < 18 GROUP BY window_start, window_end`},
	{"top", `SELECT window_end, k, n, r FROM (SELECT *, row_number() OVER (PARTITION BY window_start, window_end ORDER BY n DESC, k) AS r
  FROM (SELECT window_start, window_end, k, count(*) AS n FROM $W w GROUP BY window_start, window_end, k) g) x WHERE r <= 2`},
	{"dedup", `SELECT k, window_end, v FROM (SELECT *, row_number() OVER (PARTITION BY k, window_start, window_end ORDER BY ts DESC, v, id, w) AS r FROM $W w) x WHERE r = 1`},
	{"join", `SELECT a.window_start, a.window_end, a.n, b.s FROM (SELECT window_start, window_end, k, count(*) AS n FROM $W w WHERE v < 10 GROUP BY 1, 2, 3) a
  JOIN (SELECT window_start, window_end, k, sum(v) AS s FROM $W w WHERE v >= 8 GROUP BY 1, 2, 3) b ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.k = b.k`},
}

// windowPair is a query of ours and the one of PostgreSQL that it is held against.
type windowPair struct {
	name, zone   string
	ours, theirs string
}

// windowPairs makes every shape of every source of every table. SESSION without PARTITION BY is in those that group by k
// alone beside the window.
func windowPairs() []windowPair {
	var out []windowPair
	for _, t := range windowTables {
		for _, s := range windowSources {
			theirs := fmt.Sprintf(s.theirs, t.name)
			for _, shape := range windowShapes {
				ours := fmt.Sprintf(s.ours, t.name)
				if s.name == "session" && shape.name == "key" {
					ours = strings.Replace(ours, " PARTITION BY k", "", 1)
				}
				out = append(out, windowPair{name: t.name + "_" + s.name + "_" + shape.name, zone: s.zone,
					ours: strings.ReplaceAll(shape.sql, "$W", ours), theirs: strings.ReplaceAll(shape.sql, "$W", theirs)})
			}
		}
	}
	return append(out, windowsOfWindows()...)
}

// windowsOfWindows is windows over views of windows, by table ev.
func windowsOfWindows() []windowPair {
	tumble, session := windowSources[0], windowSources[5]
	minute := func(inner string) string {
		return `SELECT date_bin('1 minute', window_end, timestamp '1970-01-01') AS s, count(*) AS c, sum(n) AS n FROM (` + inner + `) i GROUP BY 1`
	}
	perWindow := `SELECT window_end, count(*) AS n FROM $W w GROUP BY window_start, window_end`
	perSession := `SELECT k, window_start, window_end, count(*) AS n FROM $W w GROUP BY k, window_start, window_end`
	fill := func(shape, from string) string { return strings.ReplaceAll(shape, "$W", fmt.Sprintf(from, "ev")) }
	return []windowPair{
		{name: "minutes_of_windows", ours: `SELECT window_start AS s, count(*) AS c, sum(n) AS n FROM TUMBLE((` + strings.Replace(fill(perWindow, tumble.ours), "window_end,", "window_end AS t,", 1) + `), t, INTERVAL '1 minute') GROUP BY window_start`,
			theirs: minute(fill(perWindow, tumble.theirs))},
		{name: "minutes_of_sessions", ours: `SELECT window_start AS s, count(*) AS c, sum(n) AS n FROM TUMBLE((SELECT window_end AS t, n FROM (` + fill(perSession, session.ours) + `) i), t, INTERVAL '1 minute') GROUP BY window_start`,
			theirs: minute(fill(perSession, session.theirs))},
		{name: "sessions_of_windows", ours: `SELECT window_start, window_end, count(*) AS c FROM SESSION((SELECT window_end AS ts, n FROM (` + fill(perWindow, tumble.ours) + `) i), ts, INTERVAL '25 seconds') GROUP BY window_start, window_end`,
			theirs: `SELECT min(ts) AS window_start, max(ts) + interval '25 seconds' AS window_end, count(*) AS c FROM (SELECT ts, sum(fresh) OVER (ORDER BY ts) AS island
  FROM (SELECT ts, CASE WHEN ts - lag(ts) OVER (ORDER BY ts) < interval '25 seconds' THEN 0 ELSE 1 END AS fresh FROM (SELECT window_end AS ts FROM (` + fill(perWindow, tumble.theirs) + `) i) j) f) s GROUP BY island`},
	}
}
