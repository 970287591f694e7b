package exectest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"streamdb/exec"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/expr"
	"streamdb/sql/types"
	"streamdb/storage/spill"
)

// shortDisk says of all that lies in the file that it was not in memory, and counts what is let go.
type shortDisk struct {
	*spill.Space
	left int
}

// Fetch says that a page was missing.
func (s *shortDisk) Fetch(b []uint64) int { return s.Space.Fetch(b) + 1 }

// LetGo counts.
func (s *shortDisk) LetGo(b []uint64) {
	s.left++
	s.Space.LetGo(b)
}

// TestSweep holds that an aggregation whose groups lie on disk, so that rows wait and are sorted by group, gives the changes
// of one in memory: with keys all over, with new ones, with groups that go away, and with more rows in an epoch than are
// to wait.
func TestSweep(t *testing.T) {
	cat := define(t, catalog.New(), "CREATE TABLE t (k bigint, name text, v bigint)")
	for _, query := range []string{
		"SELECT k, count(*), sum(v), max(v) FROM t GROUP BY k",
		"SELECT name, count(*), count(DISTINCT v % 3) AS d, min(v) FROM t GROUP BY name",
	} {
		plan := planOf(t, cat, query)
		pool, err := spill.Open(t.TempDir(), 1<<30)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		disk := &shortDisk{Space: pool.NewSpace(64 << 10)}
		var sums [2]chunk.Hash128
		var flows [2]*exec.Dataflow
		for i := range flows {
			opts := exec.Options{Context: &expr.Ctx{}, Consume: func(_ int, c *chunk.Chunk) { sums[i] = sums[i].Add(chunk.Fingerprint(c), 1) }}
			if i == 1 {
				opts.Spill = disk
			}
			if flows[i], err = exec.New(plan, opts); err != nil {
				t.Fatal(err)
			}
		}
		in := newSweepInput(flows[0])
		for epoch, e := range []struct{ rows, below int }{{30_000, 20_000}, {20_000, 20_000}, {3, 20_000}, {50_000, 20_000}, {10_000, 40_000}, {1, 40_000}, {9_000, 40_000}} {
			for n := e.rows; n > 0; n -= chunk.RowsMax {
				c := in.next(min(n, chunk.RowsMax), e.below)
				for _, d := range flows {
					if err := d.Push(0, c); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, d := range flows {
				if _, err := d.Flush(exec.FlushInput{}); err != nil {
					t.Fatal(err)
				}
			}
			if sums[0] != sums[1] {
				t.Fatalf("%s: the changes differ in epoch %d", query, epoch)
			}
		}
		if disk.left == 0 {
			t.Errorf("%s: no rows have waited", query)
		}
	}
}

// sweepInput makes changes: a row for each key that comes up, and its retraction when it comes up again, mostly.
type sweepInput struct {
	cols   []int
	random *rand.Rand
	rows   map[int64]int64
}

func newSweepInput(d *exec.Dataflow) *sweepInput {
	var cols []int
	for _, id := range d.Scans()[0].Columns {
		cols = append(cols, id-1)
	}
	return &sweepInput{cols: cols, random: rand.New(rand.NewPCG(5, 6)), rows: make(map[int64]int64)}
}

func (s *sweepInput) next(n, below int) *chunk.Chunk {
	schema := chunk.Schema{types.Int8, types.Text, types.Int8}
	c := chunk.New(schema, n)
	for range n {
		k, v, w := s.random.Int64N(int64(below)), s.random.Int64N(100), int64(1)
		if old, ok := s.rows[k]; ok && s.random.IntN(3) > 0 {
			v, w = old, -1
			delete(s.rows, k)
		} else {
			s.rows[k] = v
		}
		c.Cols[0].Ints = append(c.Cols[0].Ints, k)
		c.Cols[1].AppendString(fmt.Sprint("the name of ", k))
		c.Cols[2].Ints = append(c.Cols[2].Ints, v)
		c.Weights = append(c.Weights, w)
		c.Rows++
	}
	return c.Project(s.cols)
}
