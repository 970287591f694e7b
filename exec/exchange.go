package exec

import (
	"slices"

	"streamdb/planner/physical"
	"streamdb/sql/chunk"
)

// VNodes is the number of hash slots. A row's vnode is the top bits of its key's hash,
// so that the low bits stay fresh for the hash tables behind the exchange.
const VNodes = 256

// VNode returns the slot of a key with the given hash.
func VNode(hash uint64) int { return int(hash >> 56) }

// workerOf returns the worker that owns a vnode: equal consecutive ranges.
func workerOf(hash uint64, workers int) int { return VNode(hash) * workers / VNodes }

// exchange is the last operator of a fragment: it spreads chunks over the workers of
// the consuming fragments. With one worker it passes chunks on.
type exchange struct {
	kind physical.ExchangeKind
	keys []int
	node int

	consumers []*consumer
	turn      int

	// scratch of one Push
	hash []uint64
	sel  [][]int32
}

// consumer is a fragment that reads the exchange, with the chunks on their way to
// each of its workers.
type consumer struct {
	frag    *fragment
	buckets [][]*chunk.Chunk
}

func (x *exchange) addConsumer(f *fragment) {
	for _, c := range x.consumers {
		if c.frag == f {
			return
		}
	}
	x.consumers = append(x.consumers, &consumer{frag: f})
}

// Push puts c into the buckets of its workers.
func (x *exchange) Push(_ int, c *chunk.Chunk, out *Output) {
	if len(x.consumers) == 0 {
		out.Emit(c)
		return
	}
	out.rows += int64(c.Rows)
	for _, to := range x.consumers {
		w := len(to.frag.inst)
		if to.buckets == nil {
			to.buckets = make([][]*chunk.Chunk, w)
		}
		switch {
		case x.kind == physical.ExchangeBroadcast:
			kept := c.Clone()
			for i := range w {
				to.buckets[i] = append(to.buckets[i], kept)
			}
		case x.kind == physical.ExchangeRoundRobin:
			i := x.turn % w
			x.turn++
			to.buckets[i] = append(to.buckets[i], c.Clone())
		case x.kind == physical.ExchangeSingle || w == 1:
			to.buckets[0] = append(to.buckets[0], c.Clone())
		default:
			x.spread(to, c, w)
		}
	}
}

// spread cuts c by the vnode of its key.
func (x *exchange) spread(to *consumer, c *chunk.Chunk, w int) {
	hash := hashKeys(c, x.keys, &x.hash)
	if len(x.sel) < w {
		x.sel = make([][]int32, w)
	}
	for i := range x.sel {
		x.sel[i] = x.sel[i][:0]
	}
	for i, h := range hash {
		k := workerOf(h, w)
		x.sel[k] = append(x.sel[k], int32(i))
	}
	keyed := *c
	keyed.Hash, keyed.HashCols = hash, x.keys
	for k, sel := range x.sel[:w] {
		switch len(sel) {
		case 0:
		case c.Rows:
			to.buckets[k] = append(to.buckets[k], keyed.Clone())
		default:
			to.buckets[k] = append(to.buckets[k], keyed.Gather(sel))
		}
	}
}

// Flush has nothing to do: deliver moves what is in the buckets.
func (x *exchange) Flush(*FlushContext, *Output) {}

// deliver hands the buckets to the consumers. It runs after the join of the
// fragment's workers, in their order.
func (x *exchange) deliver(*Dataflow) {
	for _, to := range x.consumers {
		for w, b := range to.buckets {
			in := to.frag.inst[w]
			for _, c := range b {
				in.in = append(in.in, pendingChunk{x.node, c})
			}
			to.buckets[w] = b[:0:0]
		}
	}
}

// hashKeys returns the hash of the key columns of each row of c: the one that c
// carries, or a fresh one in *scratch.
func hashKeys(c *chunk.Chunk, keys []int, scratch *[]uint64) []uint64 {
	if c.Hash != nil && slices.Equal(c.HashCols, keys) {
		return c.Hash
	}
	if cap(*scratch) < c.Rows {
		*scratch = make([]uint64, c.Rows)
	}
	h := (*scratch)[:c.Rows]
	cols := make([]*chunk.Column, len(keys))
	for i, k := range keys {
		cols[i] = c.Cols[k]
	}
	chunk.HashRows(cols, c.Rows, h)
	return h
}

// passThrough emits what it gets: a union, and the place of a scan.
type passThrough struct{}

// Push emits c.
func (passThrough) Push(_ int, c *chunk.Chunk, out *Output) { out.Emit(c) }

// Flush has nothing to emit.
func (passThrough) Flush(*FlushContext, *Output) {}

// sink keeps what the root emits, or hands it to a consumer.
type sink struct {
	worker  int
	consume func(worker int, c *chunk.Chunk)
	chunks  []*chunk.Chunk
}

// Push takes c, without the rows that have an error in a column: those are dead letters.
func (s *sink) Push(_ int, c *chunk.Chunk, out *Output) {
	if c = out.splitErrors(c, nil); c.Rows == 0 {
		return
	}
	if s.consume != nil {
		s.consume(s.worker, c)
		return
	}
	s.chunks = append(s.chunks, c.Clone())
}

// Flush has nothing to do.
func (s *sink) Flush(*FlushContext, *Output) {}
