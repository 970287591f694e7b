package relation

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

func ints(v ...int64) *chunk.Chunk {
	return &chunk.Chunk{Rows: len(v), Cols: []*chunk.Column{{Type: types.Int8, Ints: v}}}
}

func sorted(t *testing.T, it *Iter) []int64 {
	t.Helper()
	var all []int64
	err := it.Each(func(c *chunk.Chunk) error {
		for i := range c.Rows {
			for range c.Weight(i) {
				all = append(all, c.Cols[0].Ints[i])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// TestMergeTimingDoesNotShow: the same changes give the same rows in the same order,
// and the same fingerprint, whenever merges happen.
func TestMergeTimingDoesNotShow(t *testing.T) {
	read := func(inlineMax int, merges bool) ([]string, chunk.Hash128) {
		r := rand.New(rand.NewPCG(11, 1))
		spec := keyedSpec()
		spec.MergeInlineMax = inlineMax
		rel, _ := New(spec)
		live := map[string][]types.Datum{}
		for e := Epoch(1); e < 60; e++ {
			if err := rel.Append(e, change(r, rel.Schema(), live, 1+int(e)%40, 500)); err != nil {
				t.Fatal(err)
			}
			rel.Publish(e)
			for ok := merges; ok; {
				ok, _ = rel.MergeOne(0)
			}
		}
		var rows []string
		_ = rel.Newest().Scan(Scan{}).Each(func(c *chunk.Chunk) error {
			for i := range c.Rows {
				rows = append(rows, fmt.Sprint(spell(c.Cols, i), c.Weight(i)))
			}
			return nil
		})
		return rows, rel.Newest().Fingerprint()
	}
	want, sum := read(-1, false)
	for _, inline := range []int{1, 100, 100000} {
		got, gotSum := read(inline, inline == 100)
		if !slices.Equal(got, want) || gotSum != sum {
			t.Fatalf("inline merges up to %d rows change the content", inline)
		}
	}
}

func TestHeapKeepsItsRows(t *testing.T) {
	d := newDisk(t)
	spec := Spec{Name: "log", AppendOnly: true, Columns: []Column{{ID: 1, Type: types.Int8}, {ID: 2, Type: types.Text}}}
	rel, _ := New(spec)
	rel.SetStore(d.store, NewCache(1<<20))
	var want []int64
	add := func(e Epoch, n int) {
		c := chunk.New(rel.Schema(), n)
		for i := range n {
			v := int64(e)*100000 - int64(i)
			c.Cols[0].Ints = append(c.Cols[0].Ints, v)
			c.Cols[1].AppendString(fmt.Sprint(v))
			want = append(want, v)
		}
		c.Rows = n
		if err := rel.Append(e, c); err != nil {
			t.Fatal(err)
		}
		rel.Publish(e)
	}
	check := func() {
		t.Helper()
		s := rel.Newest()
		if got := sorted(t, s.Scan(Scan{Cols: []int{0}})); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Fatalf("%d rows, want %d", len(got), len(want))
		}
		var parts []int64
		for p := range 4 {
			parts = append(parts, sorted(t, s.Scan(Scan{Cols: []int{0}, Part: p, Parts: 4}))...)
		}
		if slices.Sort(parts); !slices.Equal(parts, slices.Sorted(slices.Values(want))) {
			t.Fatal("the parts of a heap are not the whole")
		}
	}
	for e := Epoch(1); e < 40; e++ {
		add(e, []int{1, 10, 3000, 9000}[e%4])
		switch e {
		case 15, 25:
			cp, err := rel.Checkpoint(e)
			if err != nil {
				t.Fatal(err)
			}
			d.commit(cp)
			rel.Evict()
		case 20:
			for ok := true; ok; {
				var err error
				if ok, err = rel.MergeOne(0); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	check()
	cp, err := rel.Checkpoint(39)
	if err != nil {
		t.Fatal(err)
	}
	d.commit(cp)
	print := rel.Newest().Fingerprint()
	rel = d.reopen(rel, spec)
	check()
	if rel.Newest().Fingerprint() != print {
		t.Fatal("fingerprint was lost")
	}
	if err := rel.Truncate(50); err != nil {
		t.Fatal(err)
	}
	it, err := rel.ChangesConsolidated(39, 50)
	if err != nil {
		t.Fatal(err)
	}
	gone := int64(0)
	_ = it.Each(func(c *chunk.Chunk) error {
		for i := range c.Rows {
			gone += c.Weight(i)
		}
		return nil
	})
	if gone != -int64(len(want)) || rel.Newest().Rows() != 0 {
		t.Fatalf("truncation took %d of %d rows back", gone, len(want))
	}
	if err := rel.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAlter(t *testing.T) {
	d := newDisk(t)
	cols := []Column{{ID: 1, Type: types.Int8, NotNull: true}, {ID: 2, Type: types.Int8}, {ID: 3, Type: types.Int8}}
	spec := Spec{Name: "a", Unique: true, Key: chunk.Ascending(0), Columns: cols}
	rel, _ := New(spec)
	rel.SetStore(d.store, nil)
	n := 9000
	c := chunk.New(rel.Schema(), n)
	for i := range n {
		for k := range 3 {
			c.Cols[k].Ints = append(c.Cols[k].Ints, int64(i*10+k))
		}
	}
	c.Rows = n
	if err := rel.Append(1, c); err != nil {
		t.Fatal(err)
	}
	rel.Publish(1)
	cp, err := rel.Checkpoint(1)
	if err != nil {
		t.Fatal(err)
	}
	d.commit(cp)
	rel.Evict()
	h, err := rel.Hold(1, "test")
	if err != nil {
		t.Fatal(err)
	}

	added := Column{ID: 4, Type: types.Text, Default: types.Datum{S: "new"}}
	spec.Columns = append(slices.Clone(cols), added)
	if err := rel.Alter(2, spec); err != nil {
		t.Fatal(err)
	}
	row, ok, err := rel.Newest().Get([]types.Datum{{I: 70}})
	if err != nil || !ok || row.Cols[3].Datum(row.Index).S != "new" || row.Cols[1].Ints[row.Index] != 71 {
		t.Fatalf("after ADD COLUMN: %v %v %v", row, ok, err)
	}
	spec.Columns = []Column{cols[0], cols[2], added}
	if err := rel.Alter(3, spec); err != nil {
		t.Fatal(err)
	}
	fix := chunk.New(rel.Schema(), 1)
	fix.Cols[0].Ints, fix.Cols[1].Ints = []int64{70}, []int64{72}
	fix.Cols[2].AppendString("new")
	fix.Rows, fix.Weights = 1, []int64{-1}
	if err := rel.Append(4, fix); err != nil {
		t.Fatal(err)
	}
	rel.Publish(4)
	if _, ok, _ := rel.Newest().Get([]types.Datum{{I: 70}}); ok || rel.Newest().Rows() != int64(n-1) {
		t.Fatal("a row of the old columns cannot be retracted")
	}
	old, err := h.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if row, ok, _ := old.Get([]types.Datum{{I: 70}}); !ok || len(row.Cols) != 3 || row.Cols[1].Ints[row.Index] != 71 {
		t.Fatal("a hold sees the altered columns")
	}
	if err := h.Advance(4); err != nil {
		t.Fatal(err)
	}
	h.Release()
	print := rel.Newest().Fingerprint()
	if cp, err = rel.Checkpoint(4); err != nil {
		t.Fatal(err)
	}
	d.commit(cp)
	rel = d.reopen(rel, spec)
	var sum chunk.Hash128
	_ = rel.Newest().Scan(Scan{}).Each(func(c *chunk.Chunk) error { sum = sum.Add(chunk.Fingerprint(c), 1); return nil })
	if sum != print || rel.Newest().Fingerprint() != print {
		t.Fatal("fingerprint after dropping a column")
	}
	if err := rel.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestHoldsAreListedAndBroken(t *testing.T) {
	rel, _ := New(Spec{Name: "h", Columns: []Column{{ID: 1, Type: types.Int8}}})
	_ = rel.Append(1, ints(1))
	rel.Publish(1)
	h, err := rel.Hold(1, "view v")
	if err != nil {
		t.Fatal(err)
	}
	for e := Epoch(2); e < 40; e++ {
		_ = rel.Append(e, ints(int64(e)))
		rel.Publish(e)
	}
	infos := rel.Holds()
	if len(infos) != 1 || infos[0].Owner != "view v" || infos[0].Epoch != 1 || infos[0].Bytes == 0 {
		t.Fatalf("%+v", infos)
	}
	if _, err := rel.Snapshot(1); !errors.Is(err, ErrEpochGone) {
		t.Fatalf("an old epoch is there without its hold: %v", err)
	}
	infos[0].Hold.Break()
	if _, err := h.Snapshot(); !errors.Is(err, ErrHoldBroken) {
		t.Fatal(err)
	}
	if err := h.Advance(5); !errors.Is(err, ErrHoldBroken) {
		t.Fatal(err)
	}
	if _, err := rel.Changes(1, 5); !errors.Is(err, ErrEpochGone) {
		t.Fatalf("deltas outlive their hold: %v", err)
	}
	h.Release()
}

func TestAppendRefuses(t *testing.T) {
	rel, _ := New(Spec{Name: "r", Columns: []Column{{ID: 1, Type: types.Int8}}})
	bad := chunk.New(rel.Schema(), 1)
	bad.Cols[0].AppendError(errors.New("division by zero"))
	bad.Rows = 1
	if err := rel.Append(1, bad); err == nil {
		t.Error("an error row was appended")
	}
	if err := rel.Append(1, chunk.New(chunk.Schema{types.Text}, 0)); err == nil {
		t.Error("a column of another type was appended")
	}
	_ = rel.Append(5, ints(1))
	if err := rel.Append(4, ints(1)); err == nil {
		t.Error("an epoch went back")
	}
	if _, err := New(Spec{Key: chunk.Ascending(3)}); err == nil {
		t.Error("a key column that is not there")
	}
}

// TestConcurrentReaders runs one writer, one merger and readers; a reader must find at
// each published epoch exactly that epoch's rows.
func TestConcurrentReaders(t *testing.T) {
	const keys, epochs = 1500, 4000
	spec := benchSpec()
	spec.MergeInlineMax = 64
	rel, _ := New(spec)
	var published atomic.Uint64
	var done atomic.Bool
	var wg sync.WaitGroup
	fail := make(chan error, 100)
	d := newDisk(t)
	rel.SetStore(d.store, NewCache(1<<20))
	wg.Go(func() {
		for !done.Load() {
			if err := saveAndHold(rel, Epoch(published.Load()), keys); err != nil {
				fail <- err
				return
			}
		}
	})
	wg.Go(func() {
		for !done.Load() {
			if _, err := rel.MergeOne(0); err != nil {
				fail <- err
				return
			}
		}
	})
	for range 2 {
		wg.Go(func() {
			for !done.Load() {
				if err := readEpoch(rel, Epoch(published.Load()), keys); err != nil {
					fail <- err
					return
				}
			}
		})
	}
	for e := Epoch(1); e <= epochs; e++ {
		if err := rel.Append(e, roundOf(rel.Schema(), e, keys)); err != nil {
			t.Fatal(err)
		}
		rel.Publish(e)
		published.Store(uint64(e))
	}
	done.Store(true)
	wg.Wait()
	if err := rel.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-fail:
		t.Fatal(err)
	default:
	}
}

// saveAndHold checkpoints, evicts, and reads a hold before and after moving it.
func saveAndHold(rel *Relation, e Epoch, keys int) error {
	if _, err := rel.Checkpoint(e); err != nil {
		if errors.Is(err, ErrEpochGone) {
			return nil
		}
		return err
	}
	rel.Evict()
	h, err := rel.Hold(rel.LastEpoch(), "test")
	if errors.Is(err, ErrEpochGone) {
		return nil // the writer has overtaken us
	}
	if err != nil {
		return err
	}
	defer h.Release()
	for range 2 {
		s, err := h.Snapshot()
		if err == nil {
			err = checkEpoch(s, h.Epoch(), keys)
		}
		if err == nil {
			err = h.Advance((h.Epoch() + rel.LastEpoch() + 1) / 2)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// roundOf sets key e mod keys to e, taking back what it was.
func roundOf(s chunk.Schema, e Epoch, keys int) *chunk.Chunk {
	c := chunk.New(s, 2)
	put := func(v, w int64) {
		c.Cols[0].Ints = append(c.Cols[0].Ints, int64(e)%int64(keys))
		c.Cols[1].Ints = append(c.Cols[1].Ints, v)
		c.Cols[2].Ints = append(c.Cols[2].Ints, 0)
		c.Cols[3].Floats = append(c.Cols[3].Floats, 0)
		c.Weights = append(c.Weights, w)
		c.Rows++
	}
	if int(e) > keys {
		put(int64(e)-int64(keys), -1)
	}
	put(int64(e), 1)
	return c
}

func readEpoch(rel *Relation, e Epoch, keys int) error {
	s, err := rel.Snapshot(e)
	if errors.Is(err, ErrEpochGone) || e == 0 {
		return nil // overtaken: a reader takes the next one
	}
	if err != nil {
		return err
	}
	return checkEpoch(s, e, keys)
}

func checkEpoch(s *Snapshot, e Epoch, keys int) error {
	if e == 0 {
		return nil
	}
	n, sum := 0, int64(0)
	err := s.Scan(Scan{Cols: []int{1}}).Each(func(c *chunk.Chunk) error {
		for i, v := range c.Cols[0].Ints {
			n += int(c.Weight(i))
			sum += v
		}
		return nil
	})
	if err != nil {
		return err
	}
	want := min(int(e), keys)
	wantSum := int64(want) * (2*int64(e) - int64(want) + 1) / 2
	if n != want || sum != wantSum {
		return fmt.Errorf("epoch %d: %d rows of sum %d, want %d of %d", e, n, sum, want, wantSum)
	}
	row, ok, err := s.Get([]types.Datum{{I: int64(e) % int64(keys)}})
	if err != nil || !ok || row.Cols[1].Ints[row.Index] != int64(e) {
		return fmt.Errorf("epoch %d: Get %v %v", e, ok, err)
	}
	return nil
}

func TestRangesAndPrefixes(t *testing.T) {
	rel, _ := New(Spec{Name: "r", Key: []chunk.SortKey{{Col: 0}, {Col: 1, Desc: true}},
		Columns: []Column{{ID: 1, Type: types.Int4}, {ID: 2, Type: types.Int4}}})
	want := model{}
	r := rand.New(rand.NewPCG(3, 3))
	for e := Epoch(1); e < 20; e++ {
		c := chunk.New(rel.Schema(), 500)
		for range 500 {
			c.Cols[0].AppendDatum(types.Datum{Null: r.IntN(20) == 0, I: int64(r.IntN(100))})
			c.Cols[1].AppendDatum(types.Datum{Null: r.IntN(20) == 0, I: int64(r.IntN(100))})
		}
		c.Rows = 500
		_ = rel.Append(e, c)
		want.add(c, 1)
	}
	s := rel.Newest()
	for range 100 {
		lo, hi := int64(r.IntN(110)-5), int64(r.IntN(110)-5)
		rg := KeyRange{Lo: []types.Datum{{I: lo}}, Hi: []types.Datum{{I: hi}}, LoOpen: r.IntN(2) == 0, HiOpen: r.IntN(2) == 0}
		got := contents(t, s.Scan(Scan{Range: rg}))
		expect := model{}
		_ = s.Scan(Scan{}).Each(func(c *chunk.Chunk) error {
			for i := range c.Rows {
				v := c.Cols[0].Ints[i]
				if c.Cols[0].IsNull(i) || v < lo || v > hi || (v == lo && rg.LoOpen) || (v == hi && rg.HiOpen) {
					continue
				}
				expect[spell(c.Cols, i)] += c.Weight(i)
			}
			return nil
		})
		if !maps.Equal(got, expect) {
			t.Fatalf("range %d..%d: %d rows, want %d", lo, hi, len(got), len(expect))
		}
	}
	// Keys by their first column alone, duplicates among them.
	probe := chunk.NewColumn(types.Int4, 0)
	for i := range 150 {
		probe.AppendDatum(types.Datum{I: int64(i % 120)})
	}
	perKey := make([]int64, 150)
	err := s.LookupMany([]*chunk.Column{probe}, 150, []int{0}, func(m Matches) error {
		for i := range m.Rows.Rows {
			if m.Rows.Cols[0].Ints[i] != probe.Ints[m.Probe[i]] {
				return fmt.Errorf("key %d found %d", probe.Ints[m.Probe[i]], m.Rows.Cols[0].Ints[i])
			}
			perKey[m.Probe[i]] += m.Rows.Weight(i)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range perKey {
		count := int64(0)
		for k, w := range want {
			var null bool
			var v int64
			if _, err := fmt.Sscanf(k, "%t/%d/", &null, &v); err == nil && !null && v == probe.Ints[i] {
				count += w
			}
		}
		if n != count {
			t.Fatalf("key %d has %d rows, want %d", probe.Ints[i], n, count)
		}
	}
}

func TestIndexFollowsItsTable(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	base, _ := New(keyedSpec())
	live := map[string][]types.Datum{}
	var e Epoch
	grow := func() *chunk.Chunk {
		e++
		c := change(r, base.Schema(), live, 200, 3000)
		if err := base.Append(e, c); err != nil {
			t.Fatal(err)
		}
		base.Publish(e)
		return c
	}
	for range 20 {
		grow()
	}
	index, err := New(IndexSpec(base.Spec(), "by number", chunk.Ascending(3), false))
	if err != nil {
		t.Fatal(err)
	}
	if err := index.Fill(e, base.Newest().Scan(Scan{})); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := index.Append(e+1, grow()); err != nil {
			t.Fatal(err)
		}
	}
	if index.Newest().Fingerprint() != base.Newest().Fingerprint() {
		t.Fatal("index and table differ")
	}
	want, got := map[int64]int64{}, map[int64]int64{}
	for _, d := range live {
		want[d[3].I]++
	}
	probe := chunk.NewColumn(types.Int4, 0)
	for v := range int64(8) {
		probe.AppendDatum(types.Datum{I: v})
	}
	err = index.Newest().LookupMany([]*chunk.Column{probe}, 8, []int{3}, func(m Matches) error {
		for i := range m.Rows.Rows {
			got[m.Rows.Cols[0].Ints[i]] += m.Rows.Weight(i)
		}
		return nil
	})
	if err != nil || !maps.Equal(got, want) {
		t.Fatalf("%v, want %v (%v)", got, want, err)
	}
}

// TestGetWithinAnEpochOfManyChunks: the changes of a key may come in any order.
func TestGetWithinAnEpochOfManyChunks(t *testing.T) {
	spec := benchSpec()
	spec.MergeInlineMax = -1
	rel, _ := New(spec)
	put := func(e Epoch, v, w int64) {
		c := chunk.New(rel.Schema(), 1)
		for k, x := range []int64{7, v, 0} {
			c.Cols[k].Ints = append(c.Cols[k].Ints, x)
		}
		c.Cols[3].Floats = append(c.Cols[3].Floats, 0)
		c.Rows, c.Weights = 1, []int64{w}
		if err := rel.Append(e, c); err != nil {
			t.Fatal(err)
		}
	}
	get := func() int64 {
		row, ok, err := rel.Newest().Get([]types.Datum{{I: 7}})
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return -1
		}
		return row.Cols[1].Ints[row.Index]
	}
	put(1, 10, 1)
	put(2, 11, 1)
	put(2, 10, -1)
	if v := get(); v != 11 {
		t.Fatalf("insertion before retraction reads %d", v)
	}
	put(3, 11, -1)
	if v := get(); v != -1 {
		t.Fatalf("deleted key reads %d", v)
	}
	put(4, 10, 1)
	if v := get(); v != 10 {
		t.Fatalf("row that came back reads %d", v)
	}
}
