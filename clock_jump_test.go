package streamdb_test

import (
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/jackc/pgx/v5"

	"streamdb"
)

// jumpyTime is a machine whose wall clock is set by hand, and whose time passes by hand.
type jumpyTime struct {
	mu   sync.Mutex
	wall time.Time
	mono time.Duration
}

func (j *jumpyTime) Wall() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.wall
}

func (j *jumpyTime) Monotonic() time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.mono
}

// pass lets time go by.
func (j *jumpyTime) pass(d time.Duration) { j.move(d, d) }

// jump sets the wall clock, and no time goes by.
func (j *jumpyTime) jump(d time.Duration) { j.move(d, 0) }

func (j *jumpyTime) move(wall, mono time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.wall, j.mono = j.wall.Add(wall), j.mono+mono
}

// jumpy is a database on such a machine.
type jumpy struct {
	*testing.T
	clock *jumpyTime
	fs    vfs.FS
	db    *streamdb.DB
	c     *pgx.Conn
	last  time.Time
}

func (j *jumpy) open() {
	j.Helper()
	db, err := streamdb.Open("data", streamdb.Options{FS: j.fs, Time: j.clock, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		j.Fatal(err)
	}
	j.db, j.c = db, connect(j.T, serveOn(j.T, db))
}

func (j *jumpy) restart() {
	j.Helper()
	if err := j.db.Close(); err != nil {
		j.Fatal(err)
	}
	j.open()
}

// now logs an entry and returns the log's time, which must have risen.
func (j *jumpy) now() time.Time {
	j.Helper()
	must(j.T, j.c, "INSERT INTO other SELECT coalesce(max(i), 0) + 1 FROM other")
	var now time.Time
	if err := j.c.QueryRow(j.Context(), "SELECT clock FROM stamps ORDER BY i DESC LIMIT 1").Scan(&now); err != nil {
		j.Fatal(err)
	}
	if !now.After(j.last) {
		j.Errorf("the log's time is %v after %v", now, j.last)
	}
	j.last = now
	return now
}

// watermark returns how far the watermark of ev is beyond a time; closed the windows that are.
func (j *jumpy) watermark(beyond time.Time) (d time.Duration, closed int64) {
	j.Helper()
	var wm time.Time
	if err := j.c.QueryRow(j.Context(), "SELECT watermark FROM streamdb.watermarks WHERE relation = 'ev'").Scan(&wm); err != nil {
		j.Fatal(err)
	}
	return wm.Sub(beyond), number(j.T, j.c, "SELECT count(*) FROM per_minute")
}

// TestClockJumps sets the machine's clock back and forth by an hour, within a run and across restarts: the log's time
// rises strictly and is slewed, and no jump is a silence or closes a window.
func TestClockJumps(t *testing.T) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	j := &jumpy{T: t, clock: &jumpyTime{wall: start}, fs: vfs.NewMem()}
	j.open()
	must(t, j.c, "CREATE TABLE other (i int)",
		"CREATE MATERIALIZED VIEW stamps AS SELECT i, PROCTIME() AS clock FROM other",
		"CREATE TABLE ev (ts timestamptz, WATERMARK FOR ts AS ts WITH (idle_timeout = '30 s'))",
		"CREATE MATERIALIZED VIEW per_minute AS SELECT window_start, count(*) FROM TUMBLE(ev, ts, INTERVAL '1 minute') GROUP BY window_start EMIT ON WINDOW CLOSE")
	row := func() { must(t, j.c, "INSERT INTO ev VALUES ('"+start.Format(time.RFC3339)+"')") }
	row()
	begun := j.now()
	expect := func(what string, passed, risen time.Duration, closed int64) {
		t.Helper()
		got := j.now().Sub(begun)
		if off := got - passed; off < -time.Millisecond || off > passed/20+time.Second {
			t.Errorf("%s: the log's time has gone on by %v, want %v and at most a twentieth more", what, got, passed)
		}
		if wm, n := j.watermark(start); wm != risen || n != closed {
			t.Errorf("%s: the watermark is %v beyond the row and %d windows are closed, want %v and %d", what, wm, n, risen, closed)
		}
	}
	expect("at the start", 0, 0, 0)
	j.clock.jump(time.Hour)
	expect("an hour ahead", 0, 0, 0)
	j.clock.jump(-2 * time.Hour)
	expect("an hour back", 0, 0, 0)
	j.clock.jump(2 * time.Hour)
	j.clock.pass(20 * time.Second)
	expect("20 s, an hour ahead", 20*time.Second, 0, 0)
	j.clock.pass(11 * time.Second)
	expect("31 s", 31*time.Second, 30*time.Second, 0)
	j.clock.pass(31 * time.Second)
	expect("62 s", 62*time.Second, time.Minute, 1)

	// A restart takes over the machine's clock, if that is ahead, and begins the silence anew.
	j.clock.jump(time.Hour)
	j.restart()
	begun = j.now()
	if ahead := begun.Sub(start); ahead < 2*time.Hour {
		t.Errorf("after a restart two hours ahead the log's time is only %v ahead", ahead)
	}
	expect("restarted ahead", 0, time.Minute, 1)
	j.clock.pass(31 * time.Second)
	expect("restarted ahead, 31 s", 31*time.Second, 90*time.Second, 1)

	// Set back by more than that, the log goes on from its last entry, a twentieth slower.
	j.clock.jump(-3 * time.Hour)
	j.restart()
	begun = j.now()
	if ahead := begun.Sub(start); ahead < 2*time.Hour {
		t.Errorf("after a restart an hour back the log's time is only %v ahead", ahead)
	}
	expect("restarted back", 0, 90*time.Second, 1)
	j.clock.pass(40 * time.Second)
	if got := j.now().Sub(begun); got < 37*time.Second || got > 39*time.Second {
		t.Errorf("40 s with the clock set back are %v of the log's time, want 38 s", got)
	}
	if wm, n := j.watermark(start); wm != 2*time.Minute || n != 1 {
		t.Errorf("38 s after the restart the watermark is %v beyond the row, %d windows closed; want 2m and 1", wm, n)
	}
	row() // is late by now, and ends the silence
	if n := number(t, j.c, "SELECT late_rows FROM streamdb.watermarks WHERE relation = 'ev'"); n != 1 {
		t.Errorf("%d rows are late, want 1", n)
	}
}
