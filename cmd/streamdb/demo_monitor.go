package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/term"
)

const (
	// liveEvery is how often the view in the terminal is drawn again.
	liveEvery = 500 * time.Millisecond
	// plainEvery is how often a line is printed where there is no terminal.
	plainEvery = 5 * time.Second
	// topRows is how many rows of a view are shown.
	topRows = 5
)

// monitor shows what the demo does, by asking over the wire.
type monitor struct {
	conn *pgconn.PgConn
	out  io.Writer
	last sample
	// drawn is the number of lines on the screen that are drawn again.
	drawn int
}

// sample is what live_counters showed at a moment.
type sample struct {
	at     time.Time
	events map[string]int64
	newest time.Time
	took   time.Duration // the read itself
}

// total returns the events of all kinds.
func (s *sample) total() (n int64) {
	for _, v := range s.events {
		n += v
	}
	return n
}

// live draws the view in place until ctx ends.
func (m *monitor) live(ctx context.Context, fd int) error {
	for {
		lines, err := m.screen(ctx)
		if err != nil {
			return err
		}
		width, height, err := term.GetSize(fd)
		if err != nil || width < 20 || height < 5 {
			width, height = 80, 24
		}
		m.draw(lines[:min(len(lines), height-1)], width)
		if !pause(ctx, liveEvery) {
			return nil
		}
	}
}

// draw writes the lines over those drawn last.
func (m *monitor) draw(lines []string, width int) {
	var b strings.Builder
	if m.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", m.drawn)
	}
	for _, l := range lines {
		if r := []rune(l); len(r) >= width {
			l = string(r[:width-1])
		}
		b.WriteString(l + "\x1b[K\r\n")
	}
	b.WriteString("\x1b[J")
	m.drawn = len(lines)
	io.WriteString(m.out, b.String()) // a terminal that is gone ends us by a signal
}

// plain prints a line now and then until ctx ends.
func (m *monitor) plain(ctx context.Context) error {
	for {
		before := m.last
		now, err := m.sample(ctx)
		if err != nil {
			return err
		}
		if before.events != nil {
			top, err := m.query(ctx, "SELECT name, revenue FROM top_sellers ORDER BY revenue DESC, id LIMIT 1")
			if err != nil {
				return err
			}
			fmt.Fprintf(m.out, "%s events, %s/s, newest is %s old", thousands(now.total()), thousands(rate(before, now, "")), now.freshness())
			if len(top.rows) == 1 {
				fmt.Fprintf(m.out, ", top seller %s with %s", top.rows[0][0], top.rows[0][1])
			}
			fmt.Fprintln(m.out)
		}
		if !pause(ctx, plainEvery) {
			return nil
		}
	}
}

// screen makes the lines of the view in the terminal.
func (m *monitor) screen(ctx context.Context) ([]string, error) {
	before := m.last
	now, err := m.sample(ctx)
	if err != nil {
		return nil, err
	}
	state, err := m.query(ctx, "SELECT count(DISTINCT relation), coalesce(sum(state_bytes), 0) FROM streamdb.operators")
	if err != nil {
		return nil, err
	}
	bytes, _ := strconv.ParseFloat(state.rows[0][1], 64) // a number
	lines := []string{
		fmt.Sprintf("  events     %13s  %9s/s   bids %s/s, auctions %s/s, persons %s/s", thousands(now.total()), thousands(rate(before, now, "")),
			thousands(rate(before, now, "bid")), thousands(rate(before, now, "auction")), thousands(rate(before, now, "person"))),
		fmt.Sprintf("  freshness  %13s  from an event to its place in a view; reading it took %.1f ms", now.freshness(), float64(now.took.Microseconds())/1000),
		fmt.Sprintf("  views      %13s  with %.1f MiB of state", state.rows[0][0]+" live", bytes/(1<<20)),
	}
	for _, v := range []struct{ title, sql string }{
		{"top_sellers", "SELECT id, name, city, auctions, revenue FROM top_sellers ORDER BY revenue DESC, id LIMIT "},
		{"hot_auctions: a window of 10 seconds closes every 2", "SELECT window_end, auction, bids FROM hot_auctions ORDER BY window_end DESC, auction LIMIT "},
	} {
		t, err := m.query(ctx, v.sql+strconv.Itoa(topRows))
		if err != nil {
			return nil, err
		}
		lines = append(lines, "", "  "+v.title)
		for _, l := range t.lines() {
			lines = append(lines, "  "+l)
		}
		for n := len(t.rows); n < topRows; n++ {
			lines = append(lines, "")
		}
	}
	return lines, nil
}

// sample reads live_counters.
func (m *monitor) sample(ctx context.Context) (sample, error) {
	start := time.Now()
	t, err := m.query(ctx, "SELECT kind, events, newest FROM live_counters")
	if err != nil {
		return sample{}, err
	}
	s := sample{at: time.Now(), events: make(map[string]int64)}
	s.took = s.at.Sub(start)
	for _, row := range t.rows {
		n, err := strconv.ParseInt(row[1], 10, 64)
		if err != nil {
			return sample{}, err
		}
		s.events[row[0]] = n
		if newest, err := time.Parse("2006-01-02 15:04:05.999999", row[2]); err == nil && newest.After(s.newest) {
			s.newest = newest
		}
	}
	m.last = s
	return s, nil
}

// freshness is how old the newest event is that a view shows.
func (s *sample) freshness() string {
	if s.newest.IsZero() {
		return "-"
	}
	return fmt.Sprintf("%d ms", max(0, s.at.Sub(s.newest).Milliseconds()))
}

// rate returns the events per second between two samples, of all kinds if kind is empty.
func rate(a, b sample, kind string) int64 {
	if a.events == nil {
		return 0
	}
	n := b.events[kind] - a.events[kind]
	if kind == "" {
		n = b.total() - a.total()
	}
	return int64(float64(n)/b.at.Sub(a.at).Seconds() + 0.5)
}

// query runs a statement and returns its rows as text.
func (m *monitor) query(ctx context.Context, sql string) (*table, error) {
	results, err := m.conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, sql)
	}
	t := tableOf(results[0].FieldDescriptions)
	for _, row := range results[0].Rows {
		t.add(row)
	}
	return t, nil
}

// pause waits; it returns false when ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
