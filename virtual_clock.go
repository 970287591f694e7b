package streamdb

import (
	"context"
	"math"
	"strings"
	"time"

	"streamdb/replication/log"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// With Options.VirtualClock the database's time stands still until somebody moves it on:
// now() and the log's timestamps come from that clock alone, so that what waits for time
// (windows, EMIT EVERY, temporal filters, idle time-outs) can be tested without waiting and
// with the same answers every time. Entries logged at the same moment are still told apart
// by a microsecond each, which now() does not show.

// virtualStart is where the clock of a new database stands.
var virtualStart = log.MicrosOf(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC))

// clockSetting is the name by which sessions see and set the virtual clock.
const clockSetting = "streamdb.clock"

// virtualSlack is how far the log's time may run ahead of the virtual clock, by one
// microsecond an entry; what is further ahead was logged by a real clock.
const virtualSlack = int64(time.Minute / time.Microsecond)

// clockOp tells that the virtual clock was set. The entry's time is at or past it.
type clockOp struct {
	Time int64 `json:"time"` // µs since 2000-01-01 UTC
}

func (*clockOp) code() opCode                        { return codeClock }
func (o *clockOp) append(dst []byte) ([]byte, error) { return appendJSON(dst, o) }

// setClock notes where the virtual clock stands, on a replay as well. core.mu is held.
func (c *core) setClock(at int64) {
	c.clock = max(c.clock, at)
	if v := c.db.virtual; v != nil {
		v.Advance(at)
		c.db.appliedClock.Store(max(at, c.db.appliedClock.Load()))
	}
}

// sourceTime is the clock that generators go by. They see the virtual clock once the log has
// it: no row that a new time makes is logged before that time is.
func (db *DB) sourceTime() int64 {
	if db.virtual != nil {
		return db.appliedClock.Load()
	}
	return db.now()
}

// catchUpClock moves the virtual clock to the log's time, where the log was written by a
// real one.
func (db *DB) catchUpClock() {
	if v := db.virtual; v != nil && db.core.time > v.Micros()+virtualSlack {
		v.Advance(db.core.time)
	}
	if db.virtual != nil {
		db.appliedClock.Store(db.virtual.Micros())
	}
}

// Clock returns the database's time.
func (db *DB) Clock() time.Time { return log.TimeOf(db.now()) }

// SetClock moves the virtual clock on, and returns when an entry with that time has been
// applied and is visible. Going back is an error, as is a database without such a clock.
func (db *DB) SetClock(ctx context.Context, to time.Time) error {
	return db.moveClock(ctx, log.MicrosOf(to))
}

// AdvanceClock moves the virtual clock on by d, see SetClock.
func (db *DB) AdvanceClock(ctx context.Context, d time.Duration) error {
	if db.virtual == nil {
		return errNoVirtualClock()
	}
	return db.moveClock(ctx, db.virtual.Micros()+int64(d/time.Microsecond))
}

func (db *DB) moveClock(ctx context.Context, to int64) error {
	if db.virtual == nil {
		return errNoVirtualClock()
	}
	if to == math.MaxInt64 || to == math.MinInt64 {
		return sqlerr.New(sqlerr.InvalidParameterValue, "the clock must be set to a finite time")
	}
	from := db.virtual.Micros()
	if !db.virtual.Advance(to) {
		show := func(us int64) string { return log.TimeOf(us).Format("2006-01-02 15:04:05.999999Z07:00") }
		return sqlerr.New(sqlerr.InvalidParameterValue, "the clock cannot go back from %s to %s", show(db.virtual.Micros()), show(to))
	}
	if err := db.propose(ctx, []op{&clockOp{Time: to}}); err != nil {
		return err
	}
	return db.awaitSources(ctx, from, to)
}

// awaitSources waits until the rows that generators make by the clock have been read up to a
// time, as far as moving the clock there has made any.
func (db *DB) awaitSources(ctx context.Context, from, to int64) error {
	behind := db.timedSources(from, to)
	if len(behind) == 0 {
		return nil
	}
	for s, offset := range behind {
		for ended := false; !ended; {
			news := db.changed()
			db.core.mu.Lock()
			there := s.offset >= offset
			db.core.mu.Unlock()
			if there {
				break
			}
			select {
			case <-news:
			case <-s.ended: // dropped, or failed: no more will come
				ended = true
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return db.propose(ctx, nil) // What has been read is visible with what comes behind it.
}

// timedSources returns the sources that have more rows at one time than at another, and how
// many they have then.
func (db *DB) timedSources(from, to int64) map[*sourceState]int64 {
	db.core.mu.Lock()
	defer db.core.mu.Unlock()
	behind := make(map[*sourceState]int64)
	for _, t := range db.core.rels {
		s := t.source
		if s == nil || s.ranges == nil || s.ended == nil {
			continue
		}
		if n := s.ranges.Available(to - s.created); n > s.offset && n > s.ranges.Available(from-s.created) {
			behind[s] = n
		}
	}
	return behind
}

func errNoVirtualClock() error {
	return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "this server has no virtual clock").
		WithHint("Start a test instance with streamdb serve --virtual-clock.")
}

// advanceClock is the SQL function advance_clock(interval).
func advanceClock(h *hooks, a []types.Datum) (types.Datum, error) {
	db := h.s.db
	if db.virtual == nil {
		return types.NullDatum, errNoVirtualClock()
	}
	to, err := types.AddTimestampTZ(db.virtual.Micros(), a[0].V, h.s.set.types().TimeZone)
	if err == nil {
		err = db.moveClock(h.ctx, to)
	}
	return types.Datum{I: to}, err
}

// setClockText is SET streamdb.clock = '…'.
func (s *conn) setClockText(ctx context.Context, v string) error {
	if s.db.virtual == nil {
		return errNoVirtualClock()
	}
	st := *s.set.types()
	st.Now = s.db.now()
	d, err := types.ParseText(types.TimestampTZ, v, &st)
	if err != nil {
		return sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter %q: %q", clockSetting, v)
	}
	return s.db.moveClock(ctx, d.I)
}

// showClock is SHOW streamdb.clock.
func (s *conn) showClock() (string, error) {
	if s.db.virtual == nil {
		return "", errNoVirtualClock()
	}
	return string(types.AppendText(nil, types.TimestampTZ, types.Datum{I: s.db.virtual.Micros()}, s.set.types())), nil
}

// isClock reports whether a setting's name is that of the virtual clock.
func isClock(name string) bool { return strings.EqualFold(name, clockSetting) }
