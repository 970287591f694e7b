package chunk

import "streamdb/sql/types"

// RowsMax is the number of rows producers aim at per chunk. More is allowed.
const RowsMax = 4096

// Schema is the column types of a chunk.
type Schema []types.Type

// Chunk is a batch of changes: columns of equal length and a weight per row.
// A Chunk that has been handed on is immutable.
type Chunk struct {
	Cols []*Column
	// Rows is the length of every column; it counts also when Cols is empty.
	Rows int
	// Weights holds the signed count of each row; nil means that every row has
	// weight 1. A weight is never 0.
	Weights []int64
	// Hash, when not nil, is HashRows over the columns HashCols, carried so that
	// an operator keyed by the same columns need not hash again.
	Hash     []uint64
	HashCols []int
}

// New returns an empty chunk with one column per type, each with room for n rows.
func New(s Schema, n int) *Chunk {
	c := &Chunk{Cols: make([]*Column, len(s))}
	for i, t := range s {
		c.Cols[i] = NewColumn(t, n)
	}
	return c
}

// Schema returns the column types.
func (c *Chunk) Schema() Schema {
	s := make(Schema, len(c.Cols))
	for i, col := range c.Cols {
		s[i] = col.Type
	}
	return s
}

// Weight returns the weight of row i.
func (c *Chunk) Weight(i int) int64 {
	if c.Weights == nil {
		return 1
	}
	return c.Weights[i]
}

// Gather returns the rows idx of c, in that order, sharing bytes with c.
func (c *Chunk) Gather(idx []int32) *Chunk {
	r := &Chunk{Cols: make([]*Column, len(c.Cols)), Rows: len(idx)}
	for i, col := range c.Cols {
		r.Cols[i] = col.Gather(idx)
	}
	if c.Weights != nil {
		r.Weights = gather(c.Weights, idx)
	}
	if c.Hash != nil {
		r.Hash, r.HashCols = gather(c.Hash, idx), c.HashCols
	}
	return r
}

// AppendRows appends rows idx of src (all when nil) with their weights.
func (c *Chunk) AppendRows(src *Chunk, idx []int32) {
	n := len(idx)
	if idx == nil {
		n = src.Rows
	}
	for i, col := range c.Cols {
		col.AppendRows(src.Cols[i], idx)
	}
	if c.Weights != nil || src.Weights != nil {
		for len(c.Weights) < c.Rows {
			c.Weights = append(c.Weights, 1)
		}
		if src.Weights != nil {
			c.Weights = appendRows(c.Weights, src.Weights, idx)
		} else {
			for range n {
				c.Weights = append(c.Weights, 1)
			}
		}
	}
	c.Rows += n
	c.Hash, c.HashCols = nil, nil
}

// Slice returns rows [lo, hi) of c, sharing its memory.
func (c *Chunk) Slice(lo, hi int) *Chunk {
	r := &Chunk{Cols: make([]*Column, len(c.Cols)), Rows: hi - lo}
	for i, col := range c.Cols {
		r.Cols[i] = col.Slice(lo, hi)
	}
	if c.Weights != nil {
		r.Weights = c.Weights[lo:hi:hi]
	}
	if c.Hash != nil {
		r.Hash, r.HashCols = c.Hash[lo:hi:hi], c.HashCols
	}
	return r
}

// Project returns a chunk of the columns cols of c, sharing them.
func (c *Chunk) Project(cols []int) *Chunk {
	r := &Chunk{Cols: make([]*Column, len(cols)), Rows: c.Rows, Weights: c.Weights}
	for i, j := range cols {
		r.Cols[i] = c.Cols[j]
	}
	return r
}

// Clone returns a copy of c that does not share its value slices, so that it stays
// valid when c's columns are used again. Byte buffers are shared: nobody writes to
// one that has been handed on.
func (c *Chunk) Clone() *Chunk {
	r := &Chunk{Cols: make([]*Column, len(c.Cols)), Rows: c.Rows}
	for i, col := range c.Cols {
		r.Cols[i] = col.Clone()
	}
	r.Weights = append([]int64(nil), c.Weights...)
	if c.Hash != nil {
		r.Hash, r.HashCols = append([]uint64(nil), c.Hash...), c.HashCols
	}
	return r
}
