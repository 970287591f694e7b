package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// sample is a look at the database.
type sample struct {
	at     time.Duration // since the beginning of the run
	events int64         // so far
	rss    int64
	heap   int64 // what the last collection found alive
	state  int64 // of all dataflows, on disk or not; -1 while one lags
	log    int64 // on disk
	disk   int64 // on disk besides the log
	rows   int64 // of all views
	held   int64 // memory that the past takes
	// lag is how far the watermarks of the sources are behind the clock, closed how old the
	// newest window is that is shown, of the view where it is the oldest.
	lag, closed time.Duration
	behind      int64 // views that are not in step
}

// record is all that was seen.
type record struct {
	Rate    int64
	length  time.Duration
	samples []sample
	probes  []fresh
}

// watcher takes the samples.
type watcher struct {
	srv    *server
	conn   *pgx.Conn
	probe  *probe
	record *record
	out    *printer
	// lineAt and lineEvents are where the last line has ended.
	lineAt     time.Duration
	lineEvents int64
}

// sample looks at everything.
func (w *watcher) sample(ctx context.Context, at time.Duration) (sample, error) {
	s := sample{at: at, rss: rss(), heap: liveHeap()}
	err := w.conn.QueryRow(ctx, `SELECT (SELECT sum(rows)::bigint FROM streamdb.sources),
		(SELECT CASE WHEN count(*) = count(memory_bytes) THEN sum(memory_bytes + spilled_bytes)::bigint ELSE -1 END FROM streamdb.memory),
		(SELECT coalesce(sum(bytes), 0)::bigint FROM streamdb.holds),
		(SELECT count(*) FROM streamdb.progress WHERE state <> 'live')`).Scan(&s.events, &s.state, &s.held, &s.behind)
	if err != nil {
		return s, err
	}
	var marks *time.Time
	err = w.conn.QueryRow(ctx, "SELECT min(watermark) FROM streamdb.watermarks WHERE relation IN ('person', 'auction', 'bid')").Scan(&marks)
	if err != nil {
		return s, err
	}
	if marks != nil {
		s.lag = max(time.Since(*marks), 0)
	}
	for _, v := range windows {
		var end *time.Time
		if err := w.conn.QueryRow(ctx, "SELECT max(window_end) FROM "+v.name).Scan(&end); err != nil {
			return s, err
		}
		age := at // nothing is shown yet
		if end != nil {
			age = time.Since(*end)
		}
		s.closed = max(s.closed, age)
	}
	for _, m := range w.srv.db.Metrics() {
		if m.Name == "streamdb_relation_rows" {
			s.rows += int64(m.Value)
		}
	}
	s.log = size(filepath.Join(w.srv.dir, "log"))
	s.disk = size(w.srv.dir) - s.log
	return s, nil
}

// rss returns the resident size of the process, 0 where the system does not tell.
func rss() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := bytes.Fields(b)
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(f[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}

// liveHeap returns the bytes of the heap that the last collection has marked.
func liveHeap() int64 {
	m := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(m)
	return int64(m[0].Value.Uint64())
}

// size adds up the files below a directory. Those that go meanwhile do not count.
func size(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}

// Line is what is printed of a part of the run.
type Line struct {
	Minute         float64 `json:"minute"`
	EventsPerS     float64 `json:"events_per_s"`
	RSSBytes       int64   `json:"rss_bytes"`
	HeapBytes      int64   `json:"heap_live_bytes"`
	StateBytes     int64   `json:"state_bytes"`
	HeldBytes      int64   `json:"held_bytes"`
	ResultRows     int64   `json:"result_rows"`
	LogBytes       int64   `json:"log_bytes"`
	DiskBytes      int64   `json:"disk_bytes"` // besides the log
	FreshP50Ms     float64 `json:"fresh_p50_ms"`
	FreshP99Ms     float64 `json:"fresh_p99_ms"`
	FreshMaxMs     float64 `json:"fresh_max_ms"`
	WatermarkLagMs float64 `json:"watermark_lag_ms"`
	WindowAgeMs    float64 `json:"window_age_ms"`
	Behind         int64   `json:"views_behind"`
}

// line prints what has been since the last line: the last sample and all probes.
func (w *watcher) line(at time.Duration) error {
	s := w.record.samples[len(w.record.samples)-1]
	probes := w.probe.take(w.lineAt)
	l := Line{Minute: at.Minutes(), EventsPerS: float64(s.events-w.lineEvents) / (at - w.lineAt).Seconds(), RSSBytes: s.rss, HeapBytes: s.heap,
		StateBytes: s.state, HeldBytes: s.held, ResultRows: s.rows, LogBytes: s.log, DiskBytes: s.disk,
		FreshP50Ms: quantile(probes, 0.5), FreshP99Ms: quantile(probes, 0.99), FreshMaxMs: quantile(probes, 1),
		WatermarkLagMs: float64(s.lag.Milliseconds()), WindowAgeMs: float64(s.closed.Milliseconds()), Behind: s.behind}
	w.lineAt, w.lineEvents = at, s.events
	return w.out.print(&l)
}

// printer writes lines as they come: one does not wait for a table of half an hour.
type printer struct {
	out   io.Writer
	json  bool
	begun bool
}

func newPrinter(out io.Writer, json bool) *printer { return &printer{out: out, json: json} }

// heads are the columns' titles.
var heads = []string{"minute", "events/s", "RSS MiB", "heap MiB", "state MiB", "held MiB", "result rows", "log MiB", "disk MiB",
	"fresh p50 ms", "p99", "max", "watermark lag ms", "window age ms", "behind"}

func (p *printer) print(l *Line) error {
	if p.json {
		return json.NewEncoder(p.out).Encode(l)
	}
	if !p.begun {
		p.begun = true
		if _, err := fmt.Fprintln(p.out, strings.Join(heads, "  ")); err != nil {
			return err
		}
	}
	mib := func(n int64) string { return strconv.FormatInt(n>>20, 10) }
	cells := []string{fmt.Sprintf("%.1f", l.Minute), fmt.Sprintf("%.0f", l.EventsPerS), mib(l.RSSBytes), mib(l.HeapBytes), mib(l.StateBytes), mib(l.HeldBytes),
		fmt.Sprint(l.ResultRows), mib(l.LogBytes), mib(l.DiskBytes), fmt.Sprintf("%.1f", l.FreshP50Ms), fmt.Sprintf("%.1f", l.FreshP99Ms),
		fmt.Sprintf("%.1f", l.FreshMaxMs), fmt.Sprintf("%.0f", l.WatermarkLagMs), fmt.Sprintf("%.0f", l.WindowAgeMs), fmt.Sprint(l.Behind)}
	var b strings.Builder
	for i, c := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		fmt.Fprintf(&b, "%*s", len(heads[i]), c)
	}
	_, err := fmt.Fprintln(p.out, b.String())
	return err
}
