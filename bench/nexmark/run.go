package nexmark

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	gen "streamdb/connector/nexmark"
	"streamdb/sql/sqlerr"
)

// Report is what is printed of one query.
type Report struct {
	Query           string  `json:"query"`
	Mode            string  `json:"mode"`
	Workers         int     `json:"workers"`
	Events          int64   `json:"events"`
	WallS           float64 `json:"wall_s"`
	CPUS            float64 `json:"cpu_s"`
	GeneratorCPUS   float64 `json:"generator_cpu_s"`
	EventsPerCPUS   float64 `json:"events_per_cpu_s"`
	LoopEventsPerS  float64 `json:"loop_events_per_cpu_s"`
	RatioToLoop     float64 `json:"ratio_to_loop"`
	RSSPeakBytes    int64   `json:"rss_peak_bytes"`
	StateBytes      int64   `json:"state_bytes"`
	StateKeys       int64   `json:"state_keys"`
	Correct         bool    `json:"correct"`
	Needs           string  `json:"needs,omitempty"`
	MustKPerCPUS    float64 `json:"must_k_per_cpu_s"`
	MinEventsPerCPU float64 `json:"events_per_cpu_s_min"`
	MaxEventsPerCPU float64 `json:"events_per_cpu_s_max"`
}

// must is the least speed, in thousands of events per CPU-second, and limit the least
// ratio to the loop; a query has to reach one of them.
var must = map[string]float64{"q0": 3000, "q1": 3000, "q2": 3000, "q3": 1500, "q4": 1000, "q5": 1200, "q6": 1000, "q7": 1000, "q8": 1500,
	"q9": 500, "q10": 800, "q11": 600, "q12": 600, "q13": 1500, "q14": 800, "q15": 500, "q16": 300, "q17": 1000, "q18": 600, "q19": 500,
	"q20": 500, "q21": 600, "q22": 800}

// options is the command line.
type options struct {
	queries []string
	events  int64
	workers int
	mode    string
	json    bool
	seed    uint64
	first   int64
	runs    int
	profile string
}

// Main runs `streamdb bench nexmark` with the arguments behind it.
func Main(args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	began := cpu()
	rounds, err := generate(o.first, o.events, o.seed)
	if err != nil {
		return err
	}
	generator := cpu() - began
	if o.profile != "" {
		stop, err := profile(o.profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	var reports []*Report
	for _, q := range o.queries {
		r, err := measure(q, o, rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
		r.GeneratorCPUS = generator.Seconds()
		reports = append(reports, r)
		if o.json {
			if err := json.NewEncoder(stdout).Encode(r); err != nil {
				return err
			}
		}
	}
	if !o.json {
		return show(stdout, o, generator, reports)
	}
	return nil
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("streamdb bench nexmark", flag.ContinueOnError)
	f.SetOutput(stderr)
	queries := f.String("queries", "all", "queries, separated by commas, or all")
	f.Int64Var(&o.events, "events", 4_000_000, "number of events, generated into memory first")
	f.IntVar(&o.workers, "workers", 1, "workers of a dataflow")
	f.StringVar(&o.mode, "mode", "engine", "engine (black hole, nothing durable) or durable")
	f.BoolVar(&o.json, "json", false, "print a JSON object per query")
	f.Uint64Var(&o.seed, "seed", 0, "seed of the generator")
	f.Int64Var(&o.first, "first-event", 0, "number of the first event")
	f.IntVar(&o.runs, "runs", 3, "runs per query; the median is shown")
	f.StringVar(&o.profile, "cpuprofile", "", "file for a CPU profile of the runs, loops included")
	input := f.String("input", "columns", "columns; rows are not there yet")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if *input != "columns" {
		return nil, sqlerr.Unsupported("bench --input "+*input, -1)
	}
	if o.mode != "engine" && o.mode != "durable" {
		return nil, fmt.Errorf("unknown mode %q; there are engine and durable", o.mode)
	}
	o.queries = All
	if *queries != "all" {
		o.queries = strings.Split(*queries, ",")
	}
	for _, q := range o.queries {
		if !slices.Contains(All, q) {
			return nil, fmt.Errorf("unknown query %q; there are %s", q, strings.Join(All, ", "))
		}
	}
	o.runs = max(o.runs, 1)
	return o, nil
}

// profile begins a CPU profile; stop ends it.
func profile(name string) (stop func(), err error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close() // the first error counts
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}

// cpu returns the processor time that the process has used, in user and system mode.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peak returns the largest resident size of the process so far.
func peak() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss * 1024
}

// spent is what one run took.
type spent struct{ wall, cpu time.Duration }

// timed runs f with a clean heap and returns what it took.
func timed(f func() error) (spent, error) {
	runtime.GC()
	debug.FreeOSMemory()
	wall, used := time.Now(), cpu()
	err := f()
	return spent{time.Since(wall), cpu() - used}, err
}

// measure runs a query, its loop and its evaluation in one go.
func measure(q string, o *options, rounds []round) (*Report, error) {
	r := &Report{Query: q, Mode: o.mode, Workers: o.workers, Events: o.events, MustKPerCPUS: must[q], Needs: needs[q]}
	if r.Needs != "" {
		return r, nil
	}
	p, err := plan(q)
	if err != nil {
		return nil, err
	}
	var engine, loop []spent
	var got, want sum
	for range o.runs {
		s, res, err := o.once(p, q, rounds)
		if err != nil {
			return nil, err
		}
		engine, got = append(engine, s), res.sum
		r.StateBytes, r.StateKeys = res.stateBytes, res.stateKeys
		want = sum{}
		s, err = timed(func() error { loops[q](rounds, &want); return nil })
		if err != nil {
			return nil, err
		}
		loop = append(loop, s)
	}
	r.RSSPeakBytes = peak()
	if r.Correct, err = o.correct(q, p, rounds, got, want); err != nil {
		return nil, err
	}
	if !r.Correct {
		return r, nil
	}
	byCPU := func(a, b spent) int { return int(a.cpu - b.cpu) }
	slices.SortFunc(engine, byCPU)
	slices.SortFunc(loop, byCPU)
	mid := engine[len(engine)/2]
	rate := func(s spent) float64 { return float64(o.events) / max(s.cpu.Seconds(), 1e-6) }
	r.WallS, r.CPUS, r.EventsPerCPUS = mid.wall.Seconds(), mid.cpu.Seconds(), rate(mid)
	r.MinEventsPerCPU, r.MaxEventsPerCPU = rate(engine[len(engine)-1]), rate(engine[0])
	r.LoopEventsPerS = rate(loop[len(loop)/2])
	r.RatioToLoop = r.EventsPerCPUS / r.LoopEventsPerS
	return r, nil
}

// correct holds what a query ended with against its loop, and against its evaluation over
// all events at once. Of a query that depends on the clock that is its loop alone, and in
// durable mode the number of bids that it has counted; see TestProcessingTime.
func (o *options) correct(q string, p *planned, rounds []round, got, want sum) (bool, error) {
	if byClock[q] {
		if o.mode == "durable" {
			return got.changes == rowsIn(gen.Bid, o.first, o.events), nil
		}
		return got.print == want.print, nil
	}
	batch, err := batchSum(p, rounds)
	return err == nil && got.print == want.print && got.print == batch.print, err
}

// outcome is what a run of a query ended with.
type outcome struct {
	sum                   sum
	stateBytes, stateKeys int64
}

// once runs a query once in the mode asked for.
func (o *options) once(p *planned, q string, rounds []round) (spent, outcome, error) {
	if o.mode == "durable" {
		return runDurable(q, o, rounds)
	}
	e, err := newEngineRun(p, o.workers)
	if err != nil {
		return spent{}, outcome{}, err
	}
	s, err := timed(func() error { return e.run(rounds) })
	if err != nil {
		return s, outcome{}, err
	}
	res := outcome{sum: e.sum()}
	for _, st := range e.d.Stats() {
		res.stateBytes += st.StateBytes
		res.stateKeys += st.StateKeys
	}
	return s, res, nil
}

// show prints the table for people.
func show(w io.Writer, o *options, generator time.Duration, reports []*Report) error {
	fmt.Fprintf(w, "mode %s, %d events, %d workers, median of %d runs; generating the events took %.2f CPU-s\n\n", o.mode, o.events, o.workers, o.runs, generator.Seconds())
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "query\twall s\tCPU s\tk events/CPU-s\tmin\tmax\tloop k/CPU-s\tratio\tmust\tpeak RSS MiB\tstate MiB\tkeys\tB/key\tcorrect\t")
	for _, r := range reports {
		if r.Needs != "" {
			fmt.Fprintf(t, "%s\t\t\t\t\t\t\t\t\t\t\t\t\tneeds %s\t\n", r.Query, r.Needs)
			continue
		}
		if !r.Correct {
			fmt.Fprintf(t, "%s\t\t\t\t\t\t\t\t\t\t\t\t\tWRONG\t\n", r.Query)
			continue
		}
		perKey := 0.0
		if r.StateKeys > 0 {
			perKey = float64(r.StateBytes) / float64(r.StateKeys)
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.0f\t%.0f\t%.0f\t%.0f\t%.2f\t%.0f\t%d\t%.1f\t%d\t%.0f\tyes\t\n", r.Query, r.WallS, r.CPUS, r.EventsPerCPUS/1000,
			r.MinEventsPerCPU/1000, r.MaxEventsPerCPU/1000, r.LoopEventsPerS/1000, r.RatioToLoop, r.MustKPerCPUS, r.RSSPeakBytes>>20,
			float64(r.StateBytes)/(1<<20), r.StateKeys, perKey)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if mean, n := geometricMean(reports); n > 1 {
		_, err := fmt.Fprintf(w, "\ngeometric mean of the ratio over %d queries: %.2f\n", n, mean)
		return err
	}
	return nil
}

// geometricMean returns the mean of the ratios to the loops, and over how many queries.
func geometricMean(reports []*Report) (mean float64, n int) {
	logs := 0.0
	for _, r := range reports {
		if r.Correct {
			logs += math.Log(r.RatioToLoop)
			n++
		}
	}
	return math.Exp(logs / float64(max(n, 1))), n
}
