package chunk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"streamdb/sql/types"
)

// pieceStore is a store of saved pieces, by encoded key.
type pieceStore map[string][]byte

// take applies what a save has collected.
func (p pieceStore) take(set *PieceSet) {
	_ = set.Each(func(k PieceKey, b []byte) error {
		if b == nil {
			delete(p, string(k.Append(nil)))
		} else {
			p[string(k.Append(nil))] = slices.Clone(b)
		}
		return nil
	})
}

// load loads a table from the pieces.
func (p pieceStore) load(t *KeyTable) error {
	for _, key := range slices.Sorted(maps.Keys(p)) {
		k, ok := DecodePieceKey([]byte(key))
		if !ok {
			return ErrCorrupt
		}
		if err := t.LoadPiece(k.Part, k.No, p[key]); err != nil {
			return err
		}
	}
	return t.LoadEnd(true)
}

var savedSchema = Schema{types.Int8, types.Text, types.Numeric}

func TestKeyTableSaveLoad(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tab, store := NewKeyTable(savedSchema, 1), pieceStore{}
	for round := range 60 {
		n := 900
		if round > 20 {
			n = 1 + r.IntN(200) // small changes, which become patches
		}
		c := randomChunk(r, savedSchema, n)
		hash, slots := make([]uint64, c.Rows), make([]int32, c.Rows)
		HashRows(c.Cols, c.Rows, hash)
		tab.Upsert(c.Cols, hash, slots)
		for _, s := range slots {
			tab.Payload(s)[0]++
			tab.Touch(s)
		}
		for i, s := range slots {
			if r.IntN(3) == 0 && tab.Live(s) {
				tab.Delete(s, hash[i])
			}
		}
		var set PieceSet
		tab.Save(&set)
		store.take(&set)
		now := NewKeyTable(savedSchema, 1)
		if err := store.load(now); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		want, got := make([]int32, c.Rows), make([]int32, c.Rows)
		tab.Find(c.Cols, hash, want)
		now.Find(c.Cols, hash, got)
		for i := range want {
			if want[i] != got[i] || want[i] >= 0 && tab.Payload(want[i])[0] != now.Payload(got[i])[0] {
				t.Fatalf("round %d: key %d has slot %d, was %d", round, i, got[i], want[i])
			}
		}
		if now.Len() != tab.Len() || now.Slots() != tab.Slots() {
			t.Fatalf("round %d: %d keys of %d", round, now.Len(), tab.Len())
		}
		switch {
		case round%3 == 2:
			tab = now // go on with what was loaded
		case round%7 == 6:
			tab.Unsave()
			store = pieceStore{}
		}
	}
}

// TestArenaRenewed saves a table before and after its arena was made anew.
func TestArenaRenewed(t *testing.T) {
	tab, store := NewKeyTable(Schema{types.Text}, 0), pieceStore{}
	for round := range 8 {
		c := NewColumn(types.Text, 0)
		for i := range 3000 {
			c.AppendString(fmt.Sprintf("%0500d", round*2000+i))
		}
		hash, slots := make([]uint64, c.Len()), make([]int32, c.Len())
		HashRows([]*Column{c}, c.Len(), hash)
		tab.Upsert([]*Column{c}, hash, slots)
		for i, s := range slots[:2500] {
			tab.Delete(s, hash[i])
		}
		var set PieceSet
		tab.Save(&set)
		store.take(&set)
		now := NewKeyTable(Schema{types.Text}, 0)
		if err := store.load(now); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		now.Find([]*Column{c}, hash, slots)
		for i, s := range slots {
			if (s >= 0) != (i >= 2500) {
				t.Fatalf("round %d: key %d at %d", round, i, s)
			}
		}
	}
}

// TestKeyTableSavesOnlyChanges holds that a save costs what has changed.
func TestKeyTableSavesOnlyChanges(t *testing.T) {
	tab := NewKeyTable(Schema{types.Int8}, 1)
	c := NewColumn(types.Int8, 0)
	for i := range int64(8 * PageRows) {
		c.Ints = append(c.Ints, i)
	}
	n := len(c.Ints)
	hash, slots := make([]uint64, n), make([]int32, n)
	HashRows([]*Column{c}, n, hash)
	tab.Upsert([]*Column{c}, hash, slots)
	save := func() int64 {
		var set PieceSet
		about := tab.DirtyBytes()
		tab.Save(&set)
		if about > set.Bytes()+100 || about < set.Bytes()-100 {
			t.Errorf("%d bytes saved, estimated as %d", set.Bytes(), about)
		}
		return set.Bytes()
	}
	if all := save(); all < int64(n*24) {
		t.Fatalf("%d bytes", all)
	}
	if none := save(); none != 0 {
		t.Fatalf("%d bytes though nothing has changed", none)
	}
	tab.Touch(slots[3*PageRows])
	if one := save(); one != 32 {
		t.Fatalf("%d bytes for one row", one)
	}
}

// TestTouchIsMissed holds that a forgotten Touch is found.
func TestTouchIsMissed(t *testing.T) {
	if !checked {
		t.Skip("without invariants")
	}
	tab := NewKeyTable(Schema{types.Int8}, 1)
	c := &Column{Type: types.Int8, Ints: []int64{1}}
	hash, slots := make([]uint64, 1), make([]int32, 1)
	HashRows([]*Column{c}, 1, hash)
	tab.Upsert([]*Column{c}, hash, slots)
	tab.Save(&PieceSet{})
	*tab.Word(slots[0], tab.PayloadOffset()) = 7
	defer func() {
		if recover() == nil {
			t.Error("a row changed without Touch was saved")
		}
	}()
	tab.Save(&PieceSet{})
}

// FuzzKeyTableLoad loads a table of one page, with a patch, from any bytes.
func FuzzKeyTableLoad(f *testing.F) {
	tab, store := NewKeyTable(savedSchema, 1), pieceStore{}
	r := rand.New(rand.NewPCG(3, 4))
	for range 2 {
		c := randomChunk(r, savedSchema, 20)
		hash, slots := make([]uint64, c.Rows), make([]int32, c.Rows)
		HashRows(c.Cols, c.Rows, hash)
		tab.Upsert(c.Cols, hash, slots)
		var set PieceSet
		tab.Save(&set)
		store.take(&set)
	}
	key := func(part SavePart, no uint32) string { return string(PieceKey{0, part, no}.Append(nil)) }
	f.Add(store[key(SaveHeader, 0)], store[key(SavePage, 0)], store[key(SavePage, 1)], store[key(SaveArena, 0)], store[key(SaveSlab, 0)])
	f.Fuzz(func(t *testing.T, head, page, patch, arena, slab []byte) {
		s := pieceStore{key(SaveHeader, 0): head, key(SavePage, 0): page, key(SavePage, 1): patch, key(SaveArena, 0): arena, key(SaveSlab, 0): slab}
		now := NewKeyTable(savedSchema, 1)
		if err := s.load(now); err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if want := binary.LittleEndian.Uint64(head[4*8:]); uint64(now.Len()) != want {
			t.Fatalf("%d keys, want %d", now.Len(), want)
		}
	})
}
