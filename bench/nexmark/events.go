package nexmark

import (
	"strconv"

	gen "streamdb/connector/nexmark"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// roundEvents is the number of events of a round: what the engine takes as one epoch.
const roundEvents = 1 << 16

// round is the events of one epoch, by table, as chunks of all columns in the suite's
// order.
type round map[gen.Table][]*chunk.Chunk

// clock is the time of the log's entry that brings the round: that of its last bid.
func (r round) clock() int64 {
	cs := r[gen.Bid]
	if len(cs) == 0 {
		return 0
	}
	last := cs[len(cs)-1]
	return last.Cols[bidTime].Ints[last.Rows-1]
}

// generate makes events [first, first+n) in rounds.
func generate(first, n int64, seed uint64) ([]round, error) {
	sources := make(map[gen.Table]*gen.Source, len(tables))
	for _, t := range tables {
		names, typs := gen.Columns(t)
		s, err := gen.Open(names, typs, map[string]string{"type": string(t), "rate": "0", "event_rate": "10000",
			"seed": strconv.FormatInt(int64(seed), 10), "first_event": strconv.FormatInt(first, 10)})
		if err != nil {
			return nil, err
		}
		sources[t] = s
	}
	var rounds []round
	for lo := int64(0); lo < n; lo += roundEvents {
		hi := min(lo+roundEvents, n)
		r := make(round)
		for _, t := range tables {
			from, to := rowsIn(t, first, lo), rowsIn(t, first, hi)
			err := sources[t].Read(from, to, nil, func(c *chunk.Chunk) error {
				r[t] = append(r[t], c)
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
		rounds = append(rounds, r)
	}
	return rounds, nil
}

// rowsIn counts the table's rows among events [first, first+n).
func rowsIn(t gen.Table, first, n int64) int64 { return t.RowsBefore(first+n) - t.RowsBefore(first) }

// The bounded side input of q13: a value for each of sideRows keys.
const (
	sideRows  = 10_000
	sideTable = "CREATE TABLE side_input (key bigint PRIMARY KEY, value text)"
)

// sideChunks returns the rows of the side input.
func sideChunks() []*chunk.Chunk {
	var out []*chunk.Chunk
	for lo := 0; lo < sideRows; lo += chunk.RowsMax {
		c := chunk.New(chunk.Schema{types.Int8, types.Text}, chunk.RowsMax)
		for k := lo; k < min(lo+chunk.RowsMax, sideRows); k++ {
			c.Cols[0].Ints = append(c.Cols[0].Ints, int64(k))
			c.Cols[1].AppendString("value " + strconv.Itoa(k))
			c.Rows++
		}
		out = append(out, c)
	}
	return out
}
