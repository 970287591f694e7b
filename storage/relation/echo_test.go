package relation

import (
	"math/rand/v2"
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// scanPrint computes the fingerprint of the rows.
func scanPrint(t *testing.T, s *Snapshot) (sum chunk.Hash128) {
	t.Helper()
	err := s.Scan(Scan{}).Each(func(c *chunk.Chunk) error {
		sum = sum.Add(chunk.Fingerprint(c), 1)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestEcho: a relation that has taken over the changes of another one, at some epochs, and
// been given them at the others, is like it, whatever each has merged.
func TestEcho(t *testing.T) {
	for _, heap := range []bool{false, true} {
		rnd := rand.New(rand.NewPCG(3, 4))
		spec := keyedSpec()
		if heap {
			spec.Key, spec.Unique, spec.AppendOnly = nil, false, true
		}
		from, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		spec.Name, spec.MergeInlineMax = "echo", 7
		to, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		live := map[string][]types.Datum{}
		for e := Epoch(1); e < 200; e++ {
			for range rnd.IntN(3) {
				c := change(rnd, from.Schema(), live, 1+rnd.IntN(30), 200)
				if heap {
					c.Weights = nil
				}
				if err := from.Append(e, c); err != nil {
					t.Fatal(err)
				}
				if e%5 == 0 {
					if err := to.Append(e, c); err != nil {
						t.Fatal(err)
					}
				}
			}
			if e%5 != 0 {
				if err := to.Echo(e, from); err != nil {
					t.Fatal(err)
				}
			}
			from.Publish(e)
			to.Publish(e)
			if _, err := []*Relation{from, to}[rnd.IntN(2)].MergeOne(1 << 20); err != nil {
				t.Fatal(err)
			}
			a, b := from.Newest(), to.Newest()
			if a.Rows() != b.Rows() || a.Fingerprint() != b.Fingerprint() {
				t.Fatalf("heap %t, epoch %d: %d rows with fingerprint %s, the other has %d with %s", heap, e, a.Rows(), a.Fingerprint(), b.Rows(), b.Fingerprint())
			}
			if got := scanPrint(t, b); got != b.Fingerprint() {
				t.Fatalf("heap %t, epoch %d: the rows' fingerprint is %s, not %s", heap, e, got, b.Fingerprint())
			}
		}
	}
	a, _ := New(keyedSpec())
	other := keyedSpec()
	other.Key = other.Key[:0]
	other.AppendOnly = true
	b, _ := New(other)
	if b.Echo(1, a) == nil {
		t.Error("changes of a relation with another key are taken over")
	}
}
