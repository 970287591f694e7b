package nexmark

import (
	gen "streamdb/connector/nexmark"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// A loop computes a query's answer by hand over the same chunks as the engine. It keeps
// keyed state in the same hash table type, goes chunk by chunk, puts the changes of each
// chunk into the same sink, and leaves out all else: no plan, no expressions, no NULLs,
// no retractions of what cannot be retracted here, no late rows.

// loops is the hand-written loop of each query.
var loops = map[string]func(rounds []round, out *sum){
	"q0": loopQ0, "q1": loopQ1, "q2": loopQ2, "q3": loopQ3, "q4": loopQ4, "q5": loopQ5, "q6": loopQ6, "q7": loopQ7,
	"q8": loopQ8, "q9": loopQ9, "q10": loopQ10, "q11": loopQ11, "q12": loopQ12, "q13": loopQ13, "q14": loopQ14, "q15": loopQ15, "q16": loopQ16, "q17": loopQ17,
	"q18": loopQ18, "q19": loopQ19, "q20": loopQ20, "q21": loopQ21, "q22": loopQ22,
}

// Columns of the tables, in the suite's order.
const (
	bidAuction, bidBidder, bidPrice                           = 0, 1, 2
	bidChannel, bidURL, bidTime, bidExtra                     = 3, 4, 5, 6
	auctionID, auctionTime, auctionExpires                    = 0, 5, 6
	auctionSeller, auctionCategory                            = 7, 8
	personID, personName, personCity, personState, personTime = 0, 1, 4, 5, 6
)

// second is a second of event time.
const second = 1_000_000

// unixEpoch is 1970-01-01 in event time: windows are aligned to it.
const unixEpoch = -946684800 * second

// windowStart returns the start of the tumbling window of the given size that holds t.
func windowStart(t, size int64) int64 { return t - (t-unixEpoch)%size }

// each calls f for every chunk of a table, in order.
func each(rounds []round, t gen.Table, f func(c *chunk.Chunk)) {
	for _, r := range rounds {
		for _, c := range r[t] {
			f(c)
		}
	}
}

// table is a hash table keyed by integers, with the scratch space of its probes.
type table struct {
	*chunk.KeyTable
	hash  []uint64
	slots []int32
}

func newTable(keys, payload int) *table {
	s := make(chunk.Schema, keys)
	for i := range s {
		s[i] = types.Int8
	}
	return &table{KeyTable: chunk.NewKeyTable(s, payload), hash: make([]uint64, 8*chunk.RowsMax), slots: make([]int32, 8*chunk.RowsMax)}
}

// upsert returns the slots of the n keys.
func (t *table) upsert(n int, keys ...[]int64) []int32 {
	cols := columns(keys...)
	chunk.HashRows(cols, n, t.hash[:n])
	t.Upsert(cols, t.hash[:n], t.slots[:n])
	return t.slots[:n]
}

// columns wraps slices of integers.
func columns(vals ...[]int64) []*chunk.Column {
	cols := make([]*chunk.Column, len(vals))
	for i, v := range vals {
		cols[i] = &chunk.Column{Type: types.Int8, Ints: v}
	}
	return cols
}

// row is a place in the input.
type row struct {
	c *chunk.Chunk
	i int32
}

// output is a chunk of changes on its way to the sink.
type output struct {
	c *chunk.Chunk
}

func newOutput(s ...types.Type) *output { return &output{chunk.New(s, chunk.RowsMax)} }

// flush folds the changes into the sink and starts over.
func (o *output) flush(out *sum) {
	if o.c.Rows > 0 {
		out.add(o.c)
	}
	for _, col := range o.c.Cols {
		col.Resize(0)
		col.Bytes = col.Bytes[:0]
	}
	o.c.Weights, o.c.Rows = o.c.Weights[:0], 0
}

// weigh ends a row.
func (o *output) weigh(w int64) {
	o.c.Weights = append(o.c.Weights, w)
	o.c.Rows++
}

func (o *output) int(i int, v int64) { o.c.Cols[i].Ints = append(o.c.Cols[i].Ints, v) }

// copy appends row r of a column of numbers or text.
func (o *output) copy(i int, col *chunk.Column, r int32) {
	if col.Views != nil {
		o.c.Cols[i].AppendBytes(col.StringAt(int(r)))
		return
	}
	o.int(i, col.Ints[r])
}

func (o *output) num(i int, n types.Num) { o.c.Cols[i].Nums = append(o.c.Cols[i].Nums, n) }

// average appends total / n as SQL's avg gives it.
func (o *output) average(i int, total, n int64) {
	if q, ok := types.DivNum(types.Num{Coef: total}, types.Num{Coef: n}); ok {
		o.num(i, q)
		return
	}
	q, err := types.DivDec(types.DecInt(total), types.DecInt(n))
	if err != nil {
		panic(err) // n is not zero
	}
	o.c.Cols[i].AppendDatum(q.Datum())
}

// loopQ0 hands the columns on.
func loopQ0(rounds []round, out *sum) {
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		out.add(&chunk.Chunk{Rows: c.Rows, Cols: []*chunk.Column{c.Cols[bidAuction], c.Cols[bidBidder], c.Cols[bidPrice], c.Cols[bidTime], c.Cols[bidExtra]}})
	})
}

// loopQ1 multiplies prices by 0.908.
func loopQ1(rounds []round, out *sum) {
	price := chunk.NewColumn(types.Numeric, chunk.RowsMax)
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		price.Nums = price.Nums[:0]
		for _, p := range c.Cols[bidPrice].Ints {
			price.Nums = append(price.Nums, types.Num{Coef: 908 * p, Scale: 3})
		}
		out.add(&chunk.Chunk{Rows: c.Rows, Cols: []*chunk.Column{c.Cols[bidAuction], c.Cols[bidBidder], price, c.Cols[bidTime], c.Cols[bidExtra]}})
	})
}

// loopQ2 keeps every 123rd auction's bids.
func loopQ2(rounds []round, out *sum) {
	o := newOutput(types.Int8, types.Int8)
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		price := c.Cols[bidPrice].Ints
		for i, a := range c.Cols[bidAuction].Ints {
			if a%123 == 0 {
				o.int(0, a)
				o.int(1, price[i])
				o.c.Rows++
			}
		}
		o.c.Weights = nil
		o.flush(out)
	})
}
