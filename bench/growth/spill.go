package growth

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"runtime"
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
	StateBytes  int64   `json:"state_bytes"`
	Spilled     int64   `json:"spilled_bytes"`
	NsPerChange float64 `json:"ns_per_change"`
	Ratio       float64 `json:"ratio_to_memory"`
	Fingerprint string  `json:"fingerprint"` // of all changes
}

// MainSpill runs `streamdb bench spill`: count and sum by key, in memory and with a quarter of the state's size as its
// memory; or with a given memory only, to be run below a limit of the system's, so that the rest has to lie on disk.
func MainSpill(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("streamdb bench spill", flag.ContinueOnError)
	f.SetOutput(stderr)
	groups := f.Int64("groups", 4_000_000, "groups of the state")
	dir := f.String("dir", ".", "`directory` of the file for what does not fit")
	memory := f.Int64("memory", 0, "memory in `MiB`; the run without a bound is left out")
	asJSON := f.Bool("json", false, "print a JSON object per line")
	if err := f.Parse(args); err != nil {
		return err
	}
	var all []SpillReport
	for _, name := range []string{"uniform", "nexmark"} {
		run := spillRun{keys: name, groups: *groups, dir: *dir, budget: *memory << 20}
		if *memory == 0 {
			r, err := run.run()
			if err != nil {
				return err
			}
			all = append(all, r)
			run.budget = r.StateBytes / 4
		}
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
	t := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "keys\tstate\tgroups\tstate MB\ton disk MB\tns/change\tratio\tfingerprint\t")
	for _, r := range all {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%.0f\t%.2f\t%.8s\t\n", r.Keys, r.State, r.Groups, r.StateBytes>>20, r.Spilled>>20, r.NsPerChange, r.Ratio, r.Fingerprint)
	}
	return t.Flush()
}

// spillRun is one run of the benchmark.
type spillRun struct {
	keys, dir      string
	groups, budget int64
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
	r = SpillReport{Keys: s.keys, State: "memory", Groups: s.groups}
	var print chunk.Hash128
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
	step := func(c *chunk.Chunk) error {
		if err := d.Push(0, c); err != nil {
			return err
		}
		_, err := d.Flush(exec.FlushInput{})
		return err
	}
	const rows = 1 << 14 // an epoch's old images fit the memory, too
	at := int64(-1)
	rising := func() int64 { at++; return at }
	for lo := int64(0); lo < s.groups; lo += rows {
		if err := step(pairs(int(min(rows, s.groups-lo)), rising, 1)); err != nil {
			return r, err
		}
	}
	next := (&keys{n: uint64(s.groups)}).next
	const n = 1 << 20
	if s.keys == "nexmark" {
		// The auctions of the base are over: what is bid on is new.
		next = (&bidKeys{random: keys{n: 1 << 40}, last: s.groups}).next
	}
	var chunks []*chunk.Chunk
	for range n / rows {
		chunks = append(chunks, pairs(rows, next, 1))
	}
	runtime.GC()
	began := time.Now()
	for _, c := range chunks {
		if err := step(c); err != nil {
			return r, err
		}
	}
	r.NsPerChange = float64(time.Since(began).Nanoseconds()) / float64(n)
	r.Fingerprint = print.String()
	r.StateBytes, r.Spilled = d.StateBytes(), d.SpilledBytes()
	return r, nil
}
