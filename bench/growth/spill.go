package growth

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"streamdb/exec"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/storage/spill"
)

// SpillReport is one measured way of keeping state.
type SpillReport struct {
	Keys        string  `json:"keys"`  // uniform or nexmark
	State       string  `json:"state"` // memory or spilled
	Groups      int64   `json:"groups"`
	Budget      int64   `json:"budget_bytes,omitempty"`
	Delta       int64   `json:"rows_per_delta"`
	StateBytes  int64   `json:"state_bytes"`
	Spilled     int64   `json:"spilled_bytes"`
	NsPerChange float64 `json:"ns_per_change"`
	CPUNanos    float64 `json:"cpu_ns_per_change"`
	MajorFaults float64 `json:"major_faults_per_1000_changes"`
	DiskBytes   float64 `json:"disk_bytes_per_change"` // read and written
	Ratio       float64 `json:"ratio_to_memory"`
	Fingerprint string  `json:"fingerprint"` // of all changes
}

// MainSpill runs `streamdb bench spill`: count and sum by key, in memory and with a quarter of the state's size as its
// memory; or with a given memory only, to be run below a limit of the system's, so that the rest has to lie on disk. A
// spilled state takes larger deltas, as a view does that has left the step.
func MainSpill(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("streamdb bench spill", flag.ContinueOnError)
	f.SetOutput(stderr)
	groups := f.Int64("groups", 4_000_000, "groups of the state")
	dir := f.String("dir", ".", "`directory` of the file for what does not fit")
	memory := f.Int64("memory", 0, "memory in `MiB`; the run without a bound is left out")
	delta := f.Int64("delta", 1<<18, "changes that the spilled state takes as one delta")
	changes := f.Int64("changes", 1<<20, "changes that are timed")
	which := f.String("keys", "uniform,nexmark", "kinds of keys")
	asJSON := f.Bool("json", false, "print a JSON object per line")
	if err := f.Parse(args); err != nil {
		return err
	}
	var all []SpillReport
	for _, name := range strings.Split(*which, ",") {
		run := spillRun{keys: name, groups: *groups, dir: *dir, budget: *memory << 20, delta: 1 << 14, changes: *changes}
		if *memory == 0 {
			r, err := run.run()
			if err != nil {
				return err
			}
			all = append(all, r)
			run.budget = r.StateBytes / 4
		}
		run.delta = *delta
		s, err := run.run()
		if err != nil {
			return err
		}
		if *memory == 0 {
			m := all[len(all)-1]
			if s.Ratio = m.NsPerChange / s.NsPerChange; s.Fingerprint != m.Fingerprint {
				return fmt.Errorf("%s keys: the results differ", name)
			}
		}
		all = append(all, s)
	}
	if !*asJSON {
		return printSpill(all, stdout)
	}
	for _, r := range all {
		if err := json.NewEncoder(stdout).Encode(r); err != nil {
			return err
		}
	}
	return nil
}

func printSpill(all []SpillReport, stdout io.Writer) error {
	if limit := controlGroupLimit(); limit > 0 {
		fmt.Fprintf(stdout, "limit of the control group: %d MB\n", limit>>20)
	} else {
		fmt.Fprintln(stdout, "no limit of a control group: the system may keep all of the file in memory")
	}
	t := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "keys\tstate\tgroups\tbudget MB\tstate MB\ton disk MB\trows/delta\tns/change\tCPU ns\tratio\tfaults/1000\tdisk B/change\tfingerprint\t")
	for _, r := range all {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%.0f\t%.0f\t%.2f\t%.1f\t%.0f\t%.8s\t\n", r.Keys, r.State, r.Groups, r.Budget>>20, r.StateBytes>>20, r.Spilled>>20,
			r.Delta, r.NsPerChange, r.CPUNanos, r.Ratio, r.MajorFaults, r.DiskBytes, r.Fingerprint)
	}
	return t.Flush()
}

// spillRun is one run of the benchmark.
type spillRun struct {
	keys, dir      string
	groups, budget int64
	delta, changes int64
}

// bidKeys gives the auctions of a Nexmark stream's bids: half of them the hot one, of which there is one in a hundred,
// the others one of the last hundred.
type bidKeys struct {
	random keys
	bids   int64
	last   int64
}

func (k *bidKeys) next() int64 {
	const bidsPerAuction = 46 / 3
	if k.bids++; k.bids%bidsPerAuction == 0 {
		k.last++
	}
	if r := k.random.next(); r&1 == 0 {
		return max(k.last-(r>>1)%100, 0)
	}
	return k.last - k.last%100
}

// run builds the state, one row a group, and then times changes to it.
func (s *spillRun) run() (r SpillReport, err error) {
	r = SpillReport{Keys: s.keys, State: "memory", Groups: s.groups, Budget: s.budget, Delta: s.delta}
	var print chunk.Hash128 // of all changes: the same whatever the deltas
	plan, err := planOf("SELECT k, count(*), sum(v) FROM l GROUP BY k")
	if err != nil {
		return r, err
	}
	opts := exec.Options{Context: &expr.Ctx{}, Consume: func(_ int, c *chunk.Chunk) { print = print.Add(chunk.Fingerprint(c), 1) }}
	if s.budget > 0 {
		pool, err := spill.Open(s.dir, 1<<62)
		if err != nil {
			return r, err
		}
		defer pool.Close()
		r.State = "spilled"
		opts.MemoryMax, opts.Spill = s.budget, pool.NewSpace(s.budget/2)
	}
	d, err := exec.New(plan, opts)
	if err != nil {
		return r, err
	}
	const rows = 1 << 14 // of a chunk
	step := func(n int64, next func() int64) error {
		for ; n > 0; n -= rows {
			if err := d.Push(0, pairs(int(min(rows, n)), next, 1)); err != nil {
				return err
			}
		}
		_, err := d.Flush(exec.FlushInput{})
		return err
	}
	at := int64(-1)
	rising := func() int64 { at++; return at }
	for lo := int64(0); lo < s.groups; lo += rows {
		if err := step(min(rows, s.groups-lo), rising); err != nil {
			return r, err
		}
	}
	next := (&keys{n: uint64(s.groups)}).next
	if s.keys == "nexmark" {
		// The auctions of the base are over: what is bid on is new.
		next = (&bidKeys{random: keys{n: 1 << 40}, last: s.groups}).next
	}
	runtime.GC()
	began, before := time.Now(), usage()
	for lo := int64(0); lo < s.changes; lo += s.delta {
		if err := step(min(s.delta, s.changes-lo), next); err != nil {
			return r, err
		}
	}
	n := float64(s.changes)
	used := usage()
	r.NsPerChange = float64(time.Since(began).Nanoseconds()) / n
	r.CPUNanos = float64(used.cpu-before.cpu) / n
	r.MajorFaults = float64(used.faults-before.faults) / n * 1000
	r.DiskBytes = float64(used.disk-before.disk) / n
	r.Fingerprint = print.String()
	r.StateBytes, r.Spilled = d.StateBytes(), d.SpilledBytes()
	return r, nil
}
