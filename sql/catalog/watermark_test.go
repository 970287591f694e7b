package catalog

import (
	"encoding/json"
	"testing"
)

// A descriptor of the time when a table had one watermark at most is read, and no row of
// it is too far in the future.
func TestOldWatermark(t *testing.T) {
	var d Descriptor
	old := `{"id":7,"kind":"table","name":"t","table":{"columns":[{"id":1,"name":"ts"}],"next_column":2,"watermark":{"column":1,"expr":"ts","delay":5}}}`
	if err := json.Unmarshal([]byte(old), &d); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*Descriptor{&d, d.Clone()} {
		if w := d.Table.Watermarks; len(w) != 1 || w[0] != (Watermark{Column: 1, Expr: "ts", Delay: 5}) {
			t.Errorf("watermarks %+v", w)
		}
	}
	if d.Table.NextColumn != 2 || len(d.Table.Columns) != 1 {
		t.Errorf("table %+v", d.Table)
	}
}
