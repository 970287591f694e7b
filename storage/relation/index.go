package relation

import "streamdb/sql/chunk"

// IndexSpec describes an index: a relation with the rows of base in the order of key,
// kept up to date by appending the same deltas to it. Its fingerprint equals that of
// base at every epoch.
func IndexSpec(base Spec, name string, key []chunk.SortKey, unique bool) Spec {
	base.Name, base.Key, base.Unique = name, key, unique
	return base
}

// fillRows is the number of rows that Fill sorts at a time.
const fillRows = 32 * blockRows

// Fill appends everything it reads as changes of epoch: the first filling of an index
// or a view. It merges what it wrote down to a few runs.
func (r *Relation) Fill(epoch Epoch, it *Iter) error {
	var chunks []*chunk.Chunk
	rows := 0
	flush := func() error {
		if rows == 0 {
			return nil
		}
		c := chunk.Concat(r.layout.schema, chunks)
		chunks, rows = nil, 0
		return r.Append(epoch, c)
	}
	err := it.Each(func(c *chunk.Chunk) error {
		chunks = append(chunks, c)
		if rows += c.Rows; rows < fillRows {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	for done := true; done && err == nil; {
		done, err = r.MergeOne(0)
	}
	return err
}
