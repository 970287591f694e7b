package relation

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// model is a relation as a plain multiset of spelled rows.
type model map[string]int64

func spell(cols []*chunk.Column, i int) string {
	var b [128]byte
	s := b[:0]
	for _, c := range cols {
		d := c.Datum(i)
		s = append(strconv.AppendInt(append(strconv.AppendBool(s, d.Null), '/'), d.I, 10), '/')
		s = append(append(s, d.S...), '/')
		s = append(strconv.AppendInt(append(strconv.AppendInt(s, d.N.Coef, 10), '.'), int64(d.N.Scale), 10), '|')
	}
	return string(s)
}

func (m model) add(c *chunk.Chunk, sign int64) {
	for i := range c.Rows {
		k := spell(c.Cols, i)
		if m[k] += sign * c.Weight(i); m[k] == 0 {
			delete(m, k)
		}
	}
}

func contents(t *testing.T, it *Iter) model {
	t.Helper()
	m := model{}
	err := it.Each(func(c *chunk.Chunk) error {
		m.add(c, 1)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (m model) rows() (n int64) {
	for _, w := range m {
		n += w
	}
	return n
}

// keyedSpec is a unique relation; the key's second column may be NULL and falls.
func keyedSpec() Spec {
	return Spec{Name: "t", Unique: true, MergeInlineMax: 512,
		Key: []chunk.SortKey{{Col: 1}, {Col: 0, Desc: true}},
		Columns: []Column{{ID: 1, Type: types.Int8}, {ID: 2, Type: types.Text, NotNull: true},
			{ID: 3, Type: types.Numeric}, {ID: 4, Type: types.Int4}}}
}

func row(r *rand.Rand, keys int) []types.Datum {
	k := r.IntN(keys)
	id := types.Datum{I: int64(k / 3)}
	if k%7 == 0 {
		id = types.NullDatum
	}
	return []types.Datum{id, {S: fmt.Sprintf("common-%d", k)},
		{N: types.Num{Coef: int64(r.IntN(3)) * 10, Scale: int32(r.IntN(2))}}, {I: int64(r.IntN(5))}}
}

func datums(cols []*chunk.Column, i int) []types.Datum {
	d := make([]types.Datum, len(cols))
	for k, c := range cols {
		d[k] = c.Datum(i)
	}
	return d
}

// change draws a delta against the live rows, which are keyed by key.
func change(r *rand.Rand, schema chunk.Schema, live map[string][]types.Datum, n, keys int) *chunk.Chunk {
	c := chunk.New(schema, n)
	put := func(d []types.Datum, w int64) {
		for i := range d {
			c.Cols[i].AppendDatum(d[i])
		}
		c.Weights = append(c.Weights, w)
		c.Rows++
	}
	for range n {
		d := row(r, keys)
		k := d[1].S
		if old, ok := live[k]; ok {
			put(old, -1)
			delete(live, k)
			if r.IntN(3) == 0 {
				continue
			}
		}
		put(d, 1)
		live[k] = d
	}
	return c
}

func TestAgainstModel(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runModel(t, seed) })
	}
}

type held struct {
	h *Hold
	m model
}

func runModel(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	rel, err := New(keyedSpec())
	if err != nil {
		t.Fatal(err)
	}
	cur, live := model{}, map[string][]types.Datum{}
	var holds []held
	keys := []int{10, 300, 3000}[seed%3]
	for e := Epoch(1); e < 150; e++ {
		if r.IntN(60) == 0 {
			if err := rel.Truncate(e); err != nil {
				t.Fatal(err)
			}
			clear(cur)
			clear(live)
		}
		for range 1 + r.IntN(2) {
			n := []int{1, 1, 3, 40, 700}[r.IntN(5)]
			c := change(r, rel.Schema(), live, n, keys)
			if err := rel.Append(e, c); err != nil {
				t.Fatal(err)
			}
			cur.add(c, 1)
		}
		rel.Publish(e)
		if r.IntN(5) == 0 {
			h, err := rel.Hold(e, "test")
			if err != nil {
				t.Fatal(err)
			}
			holds = append(holds, held{h, maps.Clone(cur)})
		}
		for r.IntN(2) == 0 {
			if _, err := rel.MergeOne(0); err != nil {
				t.Fatal(err)
			}
		}
		if e%2 == 0 {
			checkNewest(t, rel, e, cur, live)
		}
		holds = checkHolds(t, r, rel, e, cur, holds)
	}
}

// checkNewest compares every kind of read of the newest state.
func checkNewest(t *testing.T, rel *Relation, e Epoch, cur model, live map[string][]types.Datum) {
	t.Helper()
	s, err := rel.Snapshot(e)
	if err != nil {
		t.Fatal(err)
	}
	if got := contents(t, s.Scan(Scan{})); !maps.Equal(got, cur) {
		t.Fatalf("epoch %d: scan has %d rows, model %d", e, len(got), len(cur))
	}
	if s.Rows() != cur.rows() {
		t.Fatalf("epoch %d: Rows() = %d, model %d", e, s.Rows(), cur.rows())
	}
	if e%8 != 0 {
		return
	}
	checkOrder(t, s)
	parts := model{}
	for p := range 3 {
		for k, w := range contents(t, s.Scan(Scan{Part: p, Parts: 3})) {
			parts[k] += w
		}
	}
	if !maps.Equal(parts, cur) {
		t.Fatalf("epoch %d: the parts of a scan are not the whole", e)
	}
	checkLookups(t, s, live)
	fresh := chunk.Hash128{}
	if err := s.Scan(Scan{}).Each(func(c *chunk.Chunk) error {
		fresh = fresh.Add(chunk.Fingerprint(c), 1)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got, ok := rel.Fingerprint(e); !ok || got != fresh || s.Fingerprint() != fresh {
		t.Fatalf("epoch %d: fingerprint %x, computed afresh %x", e, got, fresh)
	}
}

func checkOrder(t *testing.T, s *Snapshot) {
	t.Helper()
	var last *chunk.Chunk
	order := s.v.layout.order
	err := s.Scan(Scan{}).Each(func(c *chunk.Chunk) error {
		if last != nil && order.Compare(last.Cols, last.Rows-1, c.Cols, 0) >= 0 {
			return errors.New("chunks out of order")
		}
		for i := 1; i < c.Rows; i++ {
			if order.Compare(c.Cols, i-1, c.Cols, i) >= 0 {
				return errors.New("rows out of order")
			}
		}
		last = c
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkLookups(t *testing.T, s *Snapshot, live map[string][]types.Datum) {
	t.Helper()
	probe := chunk.New(chunk.Schema{types.Text, types.Int8}, 0)
	var names []string
	add := func(name string, id types.Datum) {
		names = append(names, name)
		probe.Cols[0].AppendString(name)
		probe.Cols[1].AppendDatum(id)
	}
	for k, d := range live {
		add(k, d[0])
		if len(names) > 200 {
			break
		}
	}
	for i := range 20 {
		add(fmt.Sprintf("absent-%d", i), types.Datum{I: int64(i)})
	}
	n := len(names)
	found, err := s.Exists(probe.Cols, n)
	if err != nil {
		t.Fatal(err)
	}
	many := map[string]string{}
	err = s.LookupMany(probe.Cols, n, nil, func(m Matches) error {
		for i := range m.Rows.Rows {
			many[names[m.Probe[i]]] = spell(m.Rows.Cols, i)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		want, ok := live[name]
		key := []types.Datum{{S: name}, probe.Cols[1].Datum(i)}
		got, has, err := s.Get(key)
		if err != nil {
			t.Fatal(err)
		}
		if has != ok || found.Get(i) != ok {
			t.Fatalf("%s: Get %v, Exists %v, want %v", name, has, found.Get(i), ok)
		}
		if !ok {
			continue
		}
		if d := datums(got.Cols, got.Index); !slices.Equal(d, want) {
			t.Fatalf("%s: Get %v, want %v", name, d, want)
		}
		if got := spell(got.Cols, got.Index); many[name] != got {
			t.Fatalf("%s: LookupMany %q, want %q", name, many[name], got)
		}
		c, err := s.Lookup(key[:1], nil)
		if err != nil || c == nil || c.Rows != 1 {
			t.Fatalf("%s: Lookup by prefix: %v %v", name, c, err)
		}
	}
}

// checkHolds reads every hold, rolls some of them on and releases others.
func checkHolds(t *testing.T, r *rand.Rand, rel *Relation, e Epoch, cur model, holds []held) []held {
	t.Helper()
	for i := 0; i < len(holds); i++ {
		h := &holds[i]
		if r.IntN(4) == 0 {
			checkHeld(t, rel, e, cur, h)
		}
		switch r.IntN(12) {
		case 0:
			h.h.Release()
			holds = slices.Delete(holds, i, i+1)
			i--
		case 1:
			to := h.h.Epoch() + Epoch(r.IntN(int(e-h.h.Epoch())+1))
			moveHold(t, rel, h, to)
		}
	}
	return holds
}

func checkHeld(t *testing.T, rel *Relation, e Epoch, cur model, h *held) {
	t.Helper()
	s, err := h.h.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if got := contents(t, s.Scan(Scan{})); !maps.Equal(got, h.m) || s.Rows() != h.m.rows() {
		t.Fatalf("hold at %d differs at %d", h.h.Epoch(), e)
	}
	it, err := rel.ChangesConsolidated(h.h.Epoch(), e)
	if err != nil {
		t.Fatal(err)
	}
	sum := maps.Clone(h.m)
	for k, w := range contents(t, it) {
		if sum[k] += w; sum[k] == 0 {
			delete(sum, k)
		}
	}
	if !maps.Equal(sum, cur) {
		t.Fatalf("changes since %d do not lead to %d", h.h.Epoch(), e)
	}
}

func moveHold(t *testing.T, rel *Relation, h *held, to Epoch) {
	t.Helper()
	ch, err := rel.Changes(h.h.Epoch(), to)
	if err != nil {
		t.Fatal(err)
	}
	last := h.h.Epoch()
	for {
		c, err := ch.Next()
		if err != nil {
			t.Fatal(err)
		}
		if c.Rows == nil {
			break
		}
		if c.Epoch < last || c.Epoch > to {
			t.Fatalf("change of epoch %d after %d, up to %d", c.Epoch, last, to)
		}
		last = c.Epoch
		h.m.add(c.Rows, 1)
	}
	if err := h.h.Advance(to); err != nil {
		t.Fatal(err)
	}
	checkHeld(t, rel, to, h.m, h)
}
