package growth

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"streamdb/exec"
	"streamdb/planner"
	"streamdb/planner/physical"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/parser"
	"streamdb/sql/types"
	"streamdb/storage/relation"
)

// Report is one measured base size.
type Report struct {
	Case         string  `json:"case"`
	BaseRows     int64   `json:"base_rows"`
	NsPerChange  float64 `json:"ns_per_change"`
	LoopNs       float64 `json:"loop_ns_per_change"`
	RatioToLoop  float64 `json:"ratio_to_loop"`
	PerDecade    float64 `json:"per_decade"`          // the ratio over that of a tenth of the base; 0 for the first
	BytesPerRow  float64 `json:"state_bytes_per_row"` // mean between two growths of the tables
	ResultPerRow float64 `json:"result_bytes_per_row"`
}

// cases is what is measured.
var cases = []struct {
	flag, name string
	run        func(n int64) (Report, error)
}{
	{"agg", "count and sum by key", aggregate},
	{"join", "join with a keyed table", join},
	{"table", "UPDATE of a table on disk", table},
}

// leastBase is the least number of rows of the largest base.
const leastBase = 10_000

// bases returns the sizes that are measured: decades up to the largest, from the first of
// 100,000 rows or more.
func bases(most int64) []int64 {
	all := []int64{most}
	for n := most / 10; n >= 100_000; n /= 10 {
		all = append(all, n)
	}
	slices.Reverse(all)
	return all
}

// Main runs `streamdb bench growth`.
func Main(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("streamdb bench growth", flag.ContinueOnError)
	f.SetOutput(stderr)
	most := f.Int64("max", 10_000_000, "largest base, in rows")
	only := f.String("cases", "all", "agg, join, table, separated by commas, or all")
	memory := f.Int64("memory", 20<<10, "`MiB` from which on memory is collected whatever it takes")
	asJSON := f.Bool("json", false, "print a JSON object per line")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *most < leastBase {
		return fmt.Errorf("--max %d: choose at least %d", *most, leastBase)
	}
	// Half of a large base is not to lie about as garbage beside it.
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(*memory << 20))
	var all []Report
	for _, c := range cases {
		if *only != "all" && !slices.Contains(strings.Split(*only, ","), c.flag) {
			continue
		}
		last := 0.0
		for _, n := range bases(*most) {
			r, err := c.run(n)
			if err != nil {
				return err
			}
			r.Case, r.BaseRows, r.RatioToLoop = c.name, n, r.NsPerChange/r.LoopNs
			if last > 0 {
				r.PerDecade = r.RatioToLoop / last
			}
			last = r.RatioToLoop
			all = append(all, r)
			if *asJSON {
				if err := json.NewEncoder(stdout).Encode(r); err != nil {
					return err
				}
			}
			runtime.GC()
		}
	}
	if *asJSON {
		return nil
	}
	t := tabwriter.NewWriter(stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "case\tbase rows\tns/change\tloop ns/change\tratio\tper decade\tstate B/row\tresult B/row\t")
	for _, r := range all {
		fmt.Fprintf(t, "%s\t%d\t%.0f\t%.0f\t%.2f\t%.2f\t%.0f\t%.0f\t\n", r.Case, r.BaseRows, r.NsPerChange, r.LoopNs, r.RatioToLoop, r.PerDecade, r.BytesPerRow, r.ResultPerRow)
	}
	return t.Flush()
}

// changes is the number of changed rows that are timed, batch the rows of an epoch, fill
// those of one while the base is filled, restEpochs the epochs of one row before the memory
// is read. The result is merged after so many batches of the base.
const (
	changes     = 1 << 20
	batch       = 1 << 16
	fill        = 1 << 12
	restEpochs  = 20
	mergeEpochs = 8
)

// sizes is the size of a state as its rows grow to n: what counts is the mean from half of
// them on, since tables grow by leaps.
type sizes struct {
	n     int64
	sum   float64
	count int
}

func (s *sizes) add(rows, bytes int64) {
	if 2*rows >= s.n {
		s.sum += float64(bytes) / float64(rows)
		s.count++
	}
}

func (s *sizes) mean() float64 { return s.sum / float64(s.count) }

// keys gives a full period of pseudo-random keys in [0, n).
type keys struct{ n, at uint64 }

func (k *keys) next() int64 {
	k.at++
	z := k.at * 0x9e3779b97f4a7c15
	z ^= z >> 29
	z *= 0xbf58476d1ce4e5b9
	return int64((z >> 11) % k.n)
}

// planOf plans a materialized view over tables l(k, v) and r(k primary key, v).
func planOf(query string) (*physical.Plan, error) {
	cat := catalog.New()
	for _, text := range []string{"CREATE TABLE l (k bigint NOT NULL, v bigint NOT NULL)", "CREATE TABLE r (k bigint PRIMARY KEY, v bigint NOT NULL)"} {
		d, err := ddl(cat, text)
		if err != nil {
			return nil, err
		}
		if cat, err = cat.With(d.Changes...); err != nil {
			return nil, err
		}
	}
	d, err := ddl(cat, "CREATE MATERIALIZED VIEW m AS "+query)
	if err != nil {
		return nil, err
	}
	return d.Plan, nil
}

func ddl(cat *catalog.Catalog, text string) (*planner.DDL, error) {
	st, err := parser.ParseOne(text)
	if err != nil {
		return nil, err
	}
	p, err := planner.New(cat, planner.Options{User: "bench", Database: "streamdb"}).Statement(st.AST, nil)
	if err != nil {
		return nil, err
	}
	return p.(*planner.DDL), nil
}

// pairs makes a chunk of the next n keys with value 1 and weight w.
func pairs(n int, next func() int64, w int64) *chunk.Chunk {
	c := chunk.New(chunk.Schema{types.Int8, types.Int8}, n)
	for range n {
		c.Cols[0].Ints = append(c.Cols[0].Ints, next())
		c.Cols[1].Ints = append(c.Cols[1].Ints, 1)
		if w != 1 {
			c.Weights = append(c.Weights, w)
		}
	}
	c.Rows = n
	return c
}

// aggregate updates random groups of n.
func aggregate(n int64) (Report, error) {
	plan, err := planOf("SELECT k, count(*), sum(v) FROM l GROUP BY k")
	if err != nil {
		return Report{}, err
	}
	out, err := relation.New(relation.Spec{Name: "m", Key: []chunk.SortKey{{Col: 0}}, Unique: true,
		Columns: []relation.Column{{ID: 1, Type: types.Int8}, {ID: 2, Type: types.Int8}, {ID: 3, Type: types.Numeric}}})
	if err != nil {
		return Report{}, err
	}
	d, err := exec.New(plan, exec.Options{Context: &expr.Ctx{}})
	if err != nil {
		return Report{}, err
	}
	i := int64(-1)
	rising := func() int64 { i++; return i }
	var r Report
	epoch := relation.Epoch(0)
	step := func(c *chunk.Chunk, keep bool) error {
		if err := d.Push(0, c); err != nil {
			return err
		}
		res, err := d.Flush(exec.FlushInput{})
		if err != nil || !keep {
			return err
		}
		epoch++
		if err := out.Append(epoch, chunk.Concat(out.Schema(), res.Chunks)); err != nil {
			return err
		}
		out.Publish(epoch)
		return nil
	}
	size := sizes{n: n}
	for lo := int64(0); lo < n; lo += fill {
		if err := step(pairs(int(min(fill, n-lo)), rising, 1), true); err != nil {
			return r, err
		}
		if lo%(batch*mergeEpochs) == 0 {
			if err := merge(out); err != nil {
				return r, err
			}
		}
		size.add(i+1, d.StateBytes())
	}
	if err := merge(out); err != nil {
		return r, err
	}
	// The states before the merge are kept for late readers until some more changes
	// have come.
	k := &keys{n: uint64(n)}
	for range restEpochs {
		if err := step(pairs(1, k.next, 1), true); err != nil {
			return r, err
		}
	}
	if err := merge(out); err != nil {
		return r, err
	}
	r.BytesPerRow, r.ResultPerRow = size.mean(), float64(out.Bytes())/float64(n)
	var chunks []*chunk.Chunk
	for range changes / batch {
		chunks = append(chunks, pairs(batch, k.next, 1))
	}
	began := time.Now()
	for _, c := range chunks {
		if err := step(c, false); err != nil {
			return r, err
		}
	}
	r.NsPerChange = float64(time.Since(began).Nanoseconds()) / changes
	d, out = nil, nil // the loop has the memory for itself
	r.LoopNs = loopAggregate(n, chunks)
	return r, nil
}

// merge does all the merging that is due, as the database does in the background.
func merge(r *relation.Relation) error {
	for {
		did, err := r.MergeOne(0)
		if err != nil || !did {
			return err
		}
	}
}

// loopAggregate does by hand what the view does: it counts and sums per key and puts
// out the old and the new row of each key that a chunk has changed.
func loopAggregate(n int64, chunks []*chunk.Chunk) float64 {
	t := chunk.NewKeyTable(chunk.Schema{types.Int8}, 2)
	at := t.PayloadOffset()
	hash, slots := make([]uint64, batch), make([]int32, batch)
	out := chunk.New(chunk.Schema{types.Int8, types.Int8, types.Int8}, 2*batch)
	var dirty []int32
	var undo []uint64
	fold := func(c *chunk.Chunk) {
		h, s := hash[:c.Rows], slots[:c.Rows]
		chunk.HashRows(c.Cols[:1], c.Rows, h)
		t.Upsert(c.Cols[:1], h, s)
		dirty, undo = dirty[:0], undo[:0]
		for i, x := range s {
			r := t.Row(x)
			if r[0]>>32 == 0 {
				r[0] |= 1 << 32
				dirty, undo = append(dirty, x), append(undo, r[at], r[at+1])
			}
			r[at]++
			r[at+1] += uint64(c.Cols[1].Ints[i])
		}
		for _, col := range out.Cols {
			col.Resize(0)
		}
		for i, x := range dirty {
			r := t.Row(x)
			r[0] &= 1<<32 - 1
			for _, v := range [][3]uint64{{r[1], undo[2*i], undo[2*i+1]}, {r[1], r[at], r[at+1]}} {
				for k := range v {
					out.Cols[k].Ints = append(out.Cols[k].Ints, int64(v[k]))
				}
			}
		}
	}
	i := int64(-1)
	for lo := int64(0); lo < n; lo += batch {
		fold(pairs(int(min(batch, n-lo)), func() int64 { i++; return i }, 1))
	}
	began := time.Now()
	for _, c := range chunks {
		fold(c)
	}
	return float64(time.Since(began).Nanoseconds()) / changes
}

// join probes a keyed table of n rows with inserted rows.
func join(n int64) (Report, error) {
	plan, err := planOf("SELECT l.k, l.v, r.v AS w FROM l JOIN r ON l.k = r.k")
	if err != nil {
		return Report{}, err
	}
	var r Report
	d, err := exec.New(plan, exec.Options{Context: &expr.Ctx{}, Consume: func(int, *chunk.Chunk) {}})
	if err != nil {
		return r, err
	}
	left, right := 0, 1
	if d.Scans()[0].Relation > d.Scans()[1].Relation {
		left, right = 1, 0
	}
	i := int64(-1)
	size := sizes{n: n}
	for lo := int64(0); lo < n; lo += fill {
		if err := d.Push(right, pairs(int(min(fill, n-lo)), func() int64 { i++; return i }, 1)); err != nil {
			return r, err
		}
		size.add(i+1, d.StateBytes())
	}
	if _, err := d.Flush(exec.FlushInput{}); err != nil {
		return r, err
	}
	r.BytesPerRow = size.mean()
	k := &keys{n: uint64(n)}
	var chunks []*chunk.Chunk
	for range changes / batch {
		chunks = append(chunks, pairs(batch, k.next, 1))
	}
	began := time.Now()
	for _, c := range chunks {
		if err := d.Push(left, c); err != nil {
			return r, err
		}
		if _, err := d.Flush(exec.FlushInput{}); err != nil {
			return r, err
		}
	}
	r.NsPerChange = float64(time.Since(began).Nanoseconds()) / changes
	d = nil // as above
	r.LoopNs = loopJoin(n, chunks)
	return r, nil
}

// loopJoin keeps both sides by hand, as the view must: a table of the right rows, and
// for each left row an entry in its key's chain.
func loopJoin(n int64, chunks []*chunk.Chunk) float64 {
	t := chunk.NewKeyTable(chunk.Schema{types.Int8}, 2) // value, head of the chain
	at := t.PayloadOffset()
	hash, slots := make([]uint64, batch), make([]int32, batch)
	probe := func(c *chunk.Chunk) []int32 {
		h, s := hash[:c.Rows], slots[:c.Rows]
		chunk.HashRows(c.Cols[:1], c.Rows, h)
		t.Upsert(c.Cols[:1], h, s)
		return s
	}
	i := int64(-1)
	for lo := int64(0); lo < n; lo += batch {
		c := pairs(int(min(batch, n-lo)), func() int64 { i++; return i }, 1)
		for k, s := range probe(c) {
			*t.Word(s, at) = uint64(c.Cols[1].Ints[k])
		}
	}
	type entry struct{ v, next int64 }
	var chain []entry
	out := chunk.New(chunk.Schema{types.Int8, types.Int8, types.Int8}, batch)
	began := time.Now()
	for _, c := range chunks {
		for _, col := range out.Cols {
			col.Resize(0)
		}
		for k, s := range probe(c) {
			r := t.Row(s)
			chain = append(chain, entry{c.Cols[1].Ints[k], int64(r[at+1])})
			r[at+1] = uint64(len(chain))
			out.Cols[0].Ints = append(out.Cols[0].Ints, int64(r[1]))
			out.Cols[1].Ints = append(out.Cols[1].Ints, c.Cols[1].Ints[k])
			out.Cols[2].Ints = append(out.Cols[2].Ints, int64(r[at]))
		}
	}
	return float64(time.Since(began).Nanoseconds()) / changes
}
