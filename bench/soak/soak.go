package soak

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"time"
)

// options is the command line.
type options struct {
	length  time.Duration
	rate    int64 // events per second; 0 means half of what is measured first
	workers int
	dir     string // of the data directories; empty means the system's for temporary files
	json    bool
}

const (
	// sampleEvery is the time between two looks at memory and disk.
	sampleEvery = 5 * time.Second
	// probeEvery is the time between the beginnings of two probes of the freshness.
	probeEvery = 100 * time.Millisecond
	// reports is into how many parts a run is divided, of which each prints a line: of a run
	// of half an hour they are minutes.
	reports = 30
)

// Main runs `streamdb bench soak`. What is not flat is an error.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.rate == 0 {
		most, err := o.calibrate(ctx)
		if err != nil {
			return fmt.Errorf("measure the maximum rate: %w", err)
		}
		o.rate = most / 2
		fmt.Fprintf(stderr, "at most %d events/s are taken in; the soak runs at %d\n", most, o.rate)
	}
	r, err := o.run(ctx, stdout)
	if err != nil {
		return err
	}
	verdict := judge(r)
	if o.json {
		err = json.NewEncoder(stdout).Encode(verdict)
	} else {
		err = verdict.show(stdout)
	}
	if err == nil && !verdict.Flat {
		err = errors.New("bench soak: not flat")
	}
	return err
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("streamdb bench soak", flag.ContinueOnError)
	f.SetOutput(stderr)
	minutes := f.Float64("minutes", 30, "length of the run")
	rate := f.String("rate", "auto", "events per second of the three sources together; auto: half of what is taken in at most, measured first")
	f.IntVar(&o.workers, "workers", 1, "workers of a dataflow")
	f.StringVar(&o.dir, "dir", "", "`directory` in which the data directory is made")
	f.BoolVar(&o.json, "json", false, "print a JSON object per line")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	o.length = time.Duration(*minutes * float64(time.Minute))
	if o.length < 30*time.Second {
		return nil, fmt.Errorf("--minutes %g: choose at least 0.5", *minutes)
	}
	if *rate != "auto" {
		n, err := strconv.ParseInt(*rate, 10, 64)
		if err != nil || n < 1000 {
			return nil, fmt.Errorf("--rate %s: give auto, or 1000 or more", *rate)
		}
		o.rate = n
	}
	return o, nil
}

// calibrate returns how many events a second the views take in at most: those of some
// seconds, from the first one until all views have shown all. The event time of the second
// measurement goes about as fast as the clock, as it does in the soak.
func (o *options) calibrate(ctx context.Context) (int64, error) {
	rate, events := int64(100_000), int64(500_000)
	for range 2 {
		took, err := o.feed(ctx, sourceSpec{eventRate: rate, events: events})
		if err != nil {
			return 0, err
		}
		rate = int64(float64(events) / took.Seconds())
		events = 15 * rate
	}
	return rate, nil
}

// feed gives a fresh database a number of events as fast as it takes them.
func (o *options) feed(ctx context.Context, s sourceSpec) (took time.Duration, err error) {
	srv, err := startServer(o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, srv.close()) }()
	conn, err := srv.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // nothing is lost with it
	began := time.Now()
	if err := create(ctx, conn, s); err != nil {
		return 0, err
	}
	for have := int64(-1); have < s.rows(); {
		if have, err = scanInt(ctx, conn, rowsRead); err != nil {
			return 0, err
		}
		if have < s.rows() {
			if err := pause(ctx, 5*time.Millisecond); err != nil {
				return 0, err
			}
		}
	}
	if _, err := conn.Exec(ctx, "FLUSH"); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// run is the soak itself: it samples, and prints a line for each part of the time.
func (o *options) run(ctx context.Context, stdout io.Writer) (r *record, err error) {
	srv, err := startServer(o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, srv.close()) }()
	conn, err := srv.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // nothing is lost with it
	// A look does not wait for a view that lags.
	if _, err := conn.Exec(ctx, "SET max_staleness = '1d'"); err != nil {
		return nil, err
	}
	runtime.GC()
	if err := create(ctx, conn, sourceSpec{rate: o.rate, eventRate: o.rate}); err != nil {
		return nil, err
	}
	probing, stop := context.WithCancel(ctx)
	p := &probe{began: time.Now()}
	probed := make(chan error, 1)
	go func() { probed <- p.run(probing, srv) }()
	r = &record{Rate: o.rate, length: o.length}
	err = o.watch(ctx, &watcher{srv: srv, conn: conn, probe: p, record: r, out: newPrinter(stdout, o.json)})
	stop()
	if perr := <-probed; perr != nil && !errors.Is(perr, context.Canceled) {
		err = errors.Join(err, fmt.Errorf("probe: %w", perr))
	}
	r.probes = p.take(0)
	return r, err
}

// watch samples until the run is over.
func (o *options) watch(ctx context.Context, w *watcher) error {
	began, line := time.Now(), max(o.length/reports, sampleEvery)
	next := line
	for at := sampleEvery; at <= o.length; at += sampleEvery {
		if err := pause(ctx, time.Until(began.Add(at))); err != nil {
			return err
		}
		s, err := w.sample(ctx, at)
		if err != nil {
			return err
		}
		w.record.samples = append(w.record.samples, s)
		if at >= next {
			if err := w.line(at); err != nil {
				return err
			}
			next += line
		}
	}
	return nil
}

// pause waits, until the context ends at most.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
