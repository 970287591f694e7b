package views

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"streamdb"
	gen "streamdb/connector/nexmark"
	"streamdb/wire"
)

// Report is one kind of view.
type Report struct {
	Kind   string  `json:"kind"`
	Events int64   `json:"events"`
	Views  int     `json:"views"`
	FirstS float64 `json:"first_cpu_s"` // one view and its source
	AllS   float64 `json:"all_cpu_s"`   // all views and their source
	// Marginal is the CPU time of each view but the first, divided by the first's.
	Marginal float64 `json:"marginal"`
}

// kinds is the queries that are measured; view number i is made of its text.
var kinds = []struct {
	name string
	text func(i int) string
}{
	{"filter", func(i int) string {
		return fmt.Sprintf("SELECT auction, price FROM bid WHERE mod(auction, 123) = %d", i)
	}},
	{"group", func(i int) string {
		return fmt.Sprintf("SELECT mod(bidder, %d) AS k, count(*) AS n, sum(price) AS total FROM bid GROUP BY 1", 1000+i)
	}},
	{"window", func(i int) string {
		return fmt.Sprintf("SELECT window_start, count(*) AS n, max(price) AS top FROM TUMBLE(bid, date_time, INTERVAL '%d seconds') GROUP BY window_start", 10+i)
	}},
	{"same", func(int) string {
		return "SELECT auction, count(*) AS n, sum(price) AS total FROM bid GROUP BY auction"
	}},
}

// options is the command line.
type options struct {
	events, views int64
	runs          int
	preload       bool
}

// Main runs `streamdb bench views`.
func Main(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("streamdb bench views", flag.ContinueOnError)
	f.SetOutput(stderr)
	var o options
	f.Int64Var(&o.events, "events", 500_000, "number of events")
	f.Int64Var(&o.views, "views", 100, "number of views")
	f.IntVar(&o.runs, "runs", 3, "runs per kind; medians are shown")
	only := f.String("kinds", "all", "filter, group, window, same, separated by commas, or all")
	f.BoolVar(&o.preload, "preload", false, "make the events before the clock starts: the source costs next to nothing")
	asJSON := f.Bool("json", false, "print a JSON object per line")
	if err := f.Parse(args); err != nil {
		return err
	}
	if o.preload {
		made, err := preload(o.events)
		if err != nil {
			return err
		}
		defer runtime.KeepAlive(made)
	}
	t := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "kind\tevents\tviews\tfirst CPU s\tall CPU s\teach further / first\t")
	for _, k := range kinds {
		if *only != "all" && !slices.Contains(strings.Split(*only, ","), k.name) {
			continue
		}
		r, err := measure(k.name, k.text, &o)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		if *asJSON {
			if err := json.NewEncoder(stdout).Encode(r); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%.2f\t%.2f\t%.2f\t\n", r.Kind, r.Events, r.Views, r.FirstS, r.AllS, r.Marginal)
	}
	if *asJSON {
		return nil
	}
	return t.Flush()
}

// measure runs one view and all views in turns.
func measure(name string, text func(i int) string, o *options) (*Report, error) {
	var first, all []float64
	for range max(o.runs, 1) {
		for _, n := range []int64{1, o.views} {
			s, err := run(o, int(n), text)
			if err != nil {
				return nil, err
			}
			if n == 1 {
				first = append(first, s)
			} else {
				all = append(all, s)
			}
		}
	}
	slices.Sort(first)
	slices.Sort(all)
	r := &Report{Kind: name, Events: o.events, Views: int(o.views), FirstS: first[len(first)/2], AllS: all[len(all)/2]}
	r.Marginal = (r.AllS - r.FirstS) / float64(max(o.views-1, 1)) / r.FirstS
	return r, nil
}

// preload makes the bids, which the sources of the databases find.
func preload(events int64) (*gen.Source, error) {
	names, typs := gen.Columns(gen.Bid)
	return gen.Open(names, typs, map[string]string{"type": string(gen.Bid), "rate": "unlimited", "event_rate": "10000", "preload": "true",
		"events": strconv.FormatInt(events, 10)})
}

// run makes a database on disk with n views of the bids and returns the CPU seconds from
// the creation of the source until all views show all events.
func run(o *options, n int, text func(i int) string) (float64, error) {
	dir, err := os.MkdirTemp("", "streamdb-bench-*")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	db, err := streamdb.Open(dir, streamdb.Options{Workers: 1})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	l, err := wire.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	srv := wire.New(wire.Config{Backend: db})
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	ctx := context.Background()
	defer func() {
		_ = srv.Shutdown(ctx) // the run is over; its error says nothing more
		<-served
	}()
	conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres://bench@%s/streamdb?sslmode=disable", l.Addr()))
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	runtime.GC()
	began := cpu()
	if err := fill(ctx, conn, o, n, text); err != nil {
		return 0, err
	}
	return (cpu() - began).Seconds(), nil
}

// fill creates the source and the views in one transaction and waits for all events.
func fill(ctx context.Context, conn *pgx.Conn, o *options, n int, text func(i int) string) error {
	var script strings.Builder
	fmt.Fprintf(&script, "BEGIN;\nCREATE SOURCE bid WITH (connector = 'nexmark', type = 'bid', rate = 'unlimited', event_rate = 10000, preload = %t, events = %d);\n", o.preload, o.events)
	for i := range n {
		fmt.Fprintf(&script, "CREATE MATERIALIZED VIEW v%d AS %s;\n", i, text(i))
	}
	script.WriteString("COMMIT;")
	if _, err := conn.Exec(ctx, script.String(), pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	want := gen.Bid.RowsBefore(o.events)
	for have := int64(-1); have < want; {
		if err := conn.QueryRow(ctx, "SELECT sum(rows)::bigint FROM streamdb.sources").Scan(&have); err != nil {
			return err
		}
		if have < want {
			time.Sleep(5 * time.Millisecond)
		}
	}
	_, err := conn.Exec(ctx, "FLUSH")
	return err
}

// cpu returns the processor time that the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
