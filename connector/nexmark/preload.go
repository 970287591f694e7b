package nexmark

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"weak"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
)

// preloaded is all rows of a table in memory, in chunks of chunk.RowsMax rows and all
// columns, so that who measures what comes behind a source does not measure the
// generator. Sources of the same events share it; it goes when the last of them does.
type preloaded struct {
	rows   int64
	chunks []*chunk.Chunk
}

// preloadMax bounds the rows that may be preloaded: about 6 GB.
const preloadMax = 100_000_000

var (
	preloadMu sync.Mutex // guards loads, and is held while rows are made
	loads     = make(map[string]weak.Pointer[preloaded])
)

// load finds the rows, or makes them.
func (s *Source) load(names []string) error {
	if s.events == math.MaxInt64 {
		return sqlerr.New(sqlerr.InvalidParameterValue, "option \"preload\" needs option \"events\"")
	}
	rows := s.Available(math.MaxInt64 / 2)
	if rows > preloadMax {
		return sqlerr.New(sqlerr.InvalidParameterValue, "%d rows are too many to be preloaded", rows).WithHint("There may be %d.", preloadMax)
	}
	all, typs := Columns(s.table)
	for _, n := range names {
		for k, known := range all {
			if strings.EqualFold(strings.ReplaceAll(n, "_", ""), strings.ReplaceAll(known, "_", "")) {
				s.columns = append(s.columns, k)
			}
		}
	}
	key := fmt.Sprint(s.cfg, s.table, rows)
	preloadMu.Lock()
	defer preloadMu.Unlock()
	if s.made = loads[key].Value(); s.made != nil {
		return nil
	}
	maker := &Source{cfg: s.cfg, table: s.table}
	if err := maker.bind(all, typs); err != nil {
		return err
	}
	p := &preloaded{rows: rows}
	err := maker.Read(0, rows, nil, func(c *chunk.Chunk) error {
		p.chunks = append(p.chunks, c)
		return nil
	})
	s.made, loads[key] = p, weak.Make(p)
	return err
}

// read gives rows [lo, hi), at most chunk.RowsMax, with some columns of s. The strings of
// all chunks are cut from the same tables.
func (p *preloaded) read(lo, hi int64, s *Source, cols []int) *chunk.Chunk {
	out := &chunk.Chunk{Rows: int(hi - lo), Cols: make([]*chunk.Column, len(s.columns))}
	at, from := lo/chunk.RowsMax, int(lo%chunk.RowsMax)
	for _, i := range cols {
		k := s.columns[i]
		first := p.chunks[at].Cols[k]
		col := &chunk.Column{Type: s.fields[i].typ, Bytes: first.Bytes}
		end := min(from+out.Rows, p.chunks[at].Rows)
		if first.Views != nil {
			col.Views = first.Views[from:end:end]
		} else {
			col.Ints = first.Ints[from:end:end]
		}
		if rest := from + out.Rows - end; rest > 0 {
			next := p.chunks[at+1].Cols[k]
			if first.Views != nil {
				col.Views = slices.Concat(col.Views, next.Views[:rest])
			} else {
				col.Ints = slices.Concat(col.Ints, next.Ints[:rest])
			}
		}
		out.Cols[i] = col
	}
	return out
}
