package chunk

import (
	"testing"

	"streamdb/sql/types"
)

// TestRowTableKeepsScale holds that rows are kept as they are: numerics too long for a word with the zeros they end in.
func TestRowTableKeepsScale(t *testing.T) {
	texts := []string{"0.50000000000000000000", "0.5", "0.500", "1.00000000000000000000", "123456789012345678901234567890.10"}
	col := NewColumn(types.Numeric, len(texts))
	for _, s := range texts {
		d, err := types.ParseText(types.Numeric, s, types.DefaultSettings)
		if err != nil {
			t.Fatal(err)
		}
		col.AppendDatum(d)
	}
	cols, hash, slots := []*Column{col}, make([]uint64, len(texts)), make([]int32, len(texts))
	HashRows(cols, len(texts), hash)
	rows := NewRowTable(Schema{types.Numeric}, 0)
	if n := rows.Upsert(cols, hash, slots); n != len(texts) {
		t.Errorf("%d rows of %d", n, len(texts))
	}
	found := make([]int32, len(texts))
	rows.Find(cols, hash, found)
	out := NewColumn(types.Numeric, len(texts))
	rows.AppendKey(out, 0, slots)
	for i, want := range texts {
		if got := string(types.AppendText(nil, types.Numeric, out.Datum(i), types.DefaultSettings)); got != want || found[i] != slots[i] {
			t.Errorf("%s came back as %s, found in %d of %d", want, got, found[i], slots[i])
		}
	}
}
