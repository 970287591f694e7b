package exec

import (
	"cmp"
	"math/rand/v2"
	"testing"
)

// TestRowSeqTake takes the slots of a long sequence out one by one, those included that stand first in a leaf.
func TestRowSeqTake(t *testing.T) {
	const n = 5000
	for _, built := range []bool{true, false} {
		var a seqArena
		var s rowSeq
		slots := make([]int32, n)
		for i := range slots {
			slots[i] = int32(i)
		}
		r := rand.New(rand.NewPCG(1, 2))
		if built {
			a.build(&s, slots)
		}
		r.Shuffle(n, func(i, k int) { slots[i], slots[k] = slots[k], slots[i] })
		if !built {
			for _, x := range slots {
				a.put(&s, cmp.Compare[int32], x)
			}
		}
		in := a.appendRange(&s, 0, s.n, nil)
		for i := range in {
			if in[i] != int32(i) || len(in) != n {
				t.Fatalf("built %v: slot %d at %d of %d", built, in[i], i, len(in))
			}
		}
		for _, x := range slots {
			a.take(&s, cmp.Compare[int32], x)
		}
		if s != (rowSeq{}) {
			t.Errorf("built %v: %d slots are left", built, s.n)
		}
	}
}
