package functions

import (
	"testing"

	"streamdb/sql/types"
)

func TestTableIsSound(t *testing.T) {
	oids := map[uint32]string{}
	for _, f := range All() {
		if other := oids[f.OID]; other != "" {
			t.Errorf("%s and %s have the same OID", other, f.ID)
		}
		oids[f.OID] = f.ID
		switch f.Kind {
		case Scalar:
			if f.Kernel == nil {
				t.Errorf("%s has no kernel", f.ID)
			}
		case Set:
			if f.SetKernel == nil && f.Columns == nil {
				t.Errorf("%s has no kernel", f.ID)
			}
		case Aggregate:
			if f.Agg.Kind == AggNone {
				t.Errorf("%s has no aggregate kind", f.ID)
			}
		}
	}
}

func TestCastsHaveFunctions(t *testing.T) {
	for k, v := range castIndex {
		if ByID(v.fn) == nil {
			t.Errorf("cast %v to %v: no function %s", k.from, k.to, v.fn)
		}
	}
	if id, ok := FindCast(types.Int8, types.Int4, Implicit); ok {
		t.Errorf("bigint to integer is implicit by %q", id)
	}
}
