package types

import (
	"encoding/json"
	"math"
	"testing"
)

func TestDatumJSON(t *testing.T) {
	for _, d := range []Datum{
		NullDatum, {}, {I: math.MinInt64}, {F: math.Inf(-1)}, {F: math.NaN()}, {F: math.Copysign(0, -1)}, {F: 0.1},
		{N: Num{Coef: 150, Scale: 2}}, {N: Num{Form: NumNaN}}, {V: Interval{Micros: 1, Days: -2, Months: 3}},
		{U: [16]byte{1, 15: 9}}, {S: "ä\x00b"}, {S: "\xff\x00\x01"},
	} {
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var back Datum
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if math.Float64bits(back.F) != math.Float64bits(d.F) {
			t.Errorf("%s: float %v", b, back.F)
		}
		back.F, d.F = 0, 0
		if back != d {
			t.Errorf("%s: %+v, want %+v", b, back, d)
		}
	}
}
