package chunk

// Consolidator adds up the weights of identical rows. It keeps its buffers from one
// call to the next; one goroutine uses it at a time.
type Consolidator struct {
	// Order is the identity order of the result.
	Order *Comparator

	sorter  Sorter
	rows    []int32
	weights []int64
}

// NewConsolidator returns a Consolidator whose results are sorted by keys and then
// by the whole row, see NewIdentityComparator.
func NewConsolidator(s Schema, keys []SortKey) *Consolidator {
	return &Consolidator{Order: NewIdentityComparator(s, keys)}
}

// Consolidate returns the rows of c sorted in identity order, each identity once
// with its total weight, those of weight 0 left out. It returns c itself when that
// is so already; otherwise the result shares bytes with c.
func (k *Consolidator) Consolidate(c *Chunk) *Chunk {
	if c.Rows <= 1 {
		return c
	}
	order := k.sorter.Sort(k.Order, c.Cols, c.Rows)
	prefix := k.sorter.prefix
	k.rows, k.weights = k.rows[:0], k.weights[:0]
	changed, plain := false, true
	for i := 0; i < len(order); {
		r := order[i]
		w := c.Weight(int(r))
		changed = changed || int(r) != i
		for i++; i < len(order); i++ {
			s := order[i]
			if prefix[r] != prefix[s] || k.Order.Compare(c.Cols, int(r), c.Cols, int(s)) != 0 {
				break
			}
			w += c.Weight(int(s))
			changed = true
		}
		if w != 0 {
			k.rows, k.weights = append(k.rows, r), append(k.weights, w)
			plain = plain && w == 1
		}
	}
	if !changed {
		return c
	}
	out := &Chunk{Cols: make([]*Column, len(c.Cols)), Rows: len(k.rows)}
	for i, col := range c.Cols {
		out.Cols[i] = col.Gather(k.rows)
	}
	if !plain {
		out.Weights = append([]int64(nil), k.weights...)
	}
	return out
}

// Consolidate is Consolidator.Consolidate in whole-row order, for single calls.
func Consolidate(c *Chunk) *Chunk { return NewConsolidator(c.Schema(), nil).Consolidate(c) }

// Concat returns the rows of all chunks, which have the schema s, in one chunk.
func Concat(s Schema, chunks []*Chunk) *Chunk {
	if len(chunks) == 1 {
		return chunks[0]
	}
	n := 0
	for _, c := range chunks {
		n += c.Rows
	}
	out := New(s, n)
	for _, c := range chunks {
		out.AppendRows(c, nil)
	}
	return out
}
