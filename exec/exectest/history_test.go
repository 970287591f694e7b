package exectest

import (
	"math"
	"math/rand/v2"

	"streamdb/exec"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// tables is the world of the queries. The values are few, so that they meet; some are such
// that expressions over them are errors.
var tables = []string{
	"CREATE TABLE t (id int, k int, v int, s text, n numeric, f float8)",
	"CREATE TABLE u (k int, v int, s text)",
	"CREATE TABLE e (ts timestamp, k int, v int, WATERMARK FOR ts AS ts - INTERVAL '3 seconds') APPEND ONLY",
	"CREATE TABLE m (ts timestamp, k int, v int, WATERMARK FOR ts AS ts - INTERVAL '3 seconds')",
}

const second = 1_000_000

// row is a row of a table.
type row []types.Datum

// table is a table at some epoch, on its way through a random history.
type table struct {
	desc   *catalog.Descriptor
	rows   []row
	top    int64 // the greatest event time so far
	nextID int64
}

func (t *table) schema() chunk.Schema {
	var s chunk.Schema
	for _, c := range t.desc.Columns() {
		s = append(s, c.Type)
	}
	return s
}

// mark returns the watermark, exec.NoWatermark for none.
func (t *table) mark() int64 {
	if len(t.desc.Table.Watermarks) == 0 || t.top == 0 {
		return exec.NoWatermark
	}
	return t.top - 3*second
}

// change makes the delta of one epoch: insertions at or above the watermark, and
// retractions of any row where the table allows it.
func (t *table) change(rng *rand.Rand) *chunk.Chunk {
	delta := chunk.New(t.schema(), 0)
	delta.Weights = []int64{}
	wm := t.mark()
	for range rng.IntN(9) {
		if len(t.rows) > 0 && !t.desc.Table.AppendOnly && rng.IntN(5) < 2 {
			i := rng.IntN(len(t.rows))
			appendRow(delta, t.rows[i], -1)
			t.rows = append(t.rows[:i:i], t.rows[i+1:]...)
			continue
		}
		r := t.random(rng, wm)
		for range 1 + rng.IntN(8)/7 { // sometimes twice
			t.rows = append(t.rows, r)
			appendRow(delta, r, 1)
		}
	}
	return delta
}

var null = types.NullDatum

func (t *table) random(rng *rand.Rand, wm int64) row {
	var r row
	for _, c := range t.desc.Columns() {
		switch c.Name {
		case "id":
			t.nextID++
			r = append(r, types.Datum{I: t.nextID})
		case "k":
			r = append(r, []types.Datum{{I: 1}, {I: 2}, {I: 3}, null}[rng.IntN(4)])
		case "v":
			r = append(r, []types.Datum{{I: -1}, {I: 0}, {I: 1}, {I: 2}, {I: 3}, null}[rng.IntN(6)])
		case "s":
			r = append(r, []types.Datum{{S: "1"}, {S: "2"}, {S: "10"}, {S: "x"}, null}[rng.IntN(5)])
		case "n":
			d := null
			if text := []string{"1", "1.0", "1.00", "2.5", "-3", ""}[rng.IntN(6)]; text != "" {
				d, _ = types.ParseText(types.Numeric, text, types.DefaultSettings)
			}
			r = append(r, d)
		case "f":
			r = append(r, []types.Datum{{F: 0.1}, {F: 1e300}, {F: -1e300}, {F: math.MaxFloat64}, {F: -0.5}, null}[rng.IntN(6)])
		case "ts":
			at := max(t.top, 0) + rng.Int64N(5*second) - 3*second
			if wm != exec.NoWatermark {
				at = max(at, wm)
			}
			t.top = max(t.top, at)
			r = append(r, types.Datum{I: at})
		}
	}
	return r
}

func appendRow(c *chunk.Chunk, r row, w int64) {
	for i, d := range r {
		c.Cols[i].AppendDatum(d)
	}
	if c.Weights != nil {
		c.Weights = append(c.Weights, w)
	}
	c.Rows++
}

// epoch is what one epoch of a history changes, and what is there after it; by table.
type epoch struct {
	time  int64 // of the log's entry
	delta map[catalog.ID]*chunk.Chunk
	whole map[catalog.ID]*chunk.Chunk
	marks map[catalog.ID]int64
}

// history makes random epochs of the tables.
func history(cat *catalog.Catalog, rng *rand.Rand, epochs int) []epoch {
	var all []*table
	for _, d := range cat.All() {
		if d.Kind == catalog.KindTable {
			all = append(all, &table{desc: d})
		}
	}
	var h []epoch
	now := int64(0)
	for range epochs {
		now += 1 + rng.Int64N(3*second)
		e := epoch{now, map[catalog.ID]*chunk.Chunk{}, map[catalog.ID]*chunk.Chunk{}, map[catalog.ID]int64{}}
		for _, t := range all {
			id := t.desc.ID
			e.delta[id] = t.change(rng)
			e.whole[id] = chunk.New(t.schema(), len(t.rows))
			for _, r := range t.rows {
				appendRow(e.whole[id], r, 1)
			}
			e.marks[id] = t.mark()
		}
		h = append(h, e)
	}
	return h
}
