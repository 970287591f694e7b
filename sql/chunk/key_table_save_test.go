package chunk

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"streamdb/sql/types"
)

type savedPiece struct {
	part SavePart
	no   int
}

// pieceStore is a store of saved pieces.
type pieceStore map[savedPiece][]byte

func (p pieceStore) put(part SavePart, no int, b []byte) error {
	p[savedPiece{part, no}] = append([]byte(nil), b...)
	return nil
}

func (p pieceStore) get(part SavePart, no int) ([]byte, error) {
	b, ok := p[savedPiece{part, no}]
	if !ok {
		return nil, ErrCorrupt
	}
	return b, nil
}

var savedSchema = Schema{types.Int8, types.Text, types.Numeric}

func TestKeyTableSaveLoad(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tab, store := NewKeyTable(savedSchema, 1), pieceStore{}
	for round := range 12 {
		c := randomChunk(r, savedSchema, 900)
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
		if err := tab.Save(store.put); err != nil {
			t.Fatal(err)
		}
		now := NewKeyTable(savedSchema, 1)
		if err := now.Load(true, store.get); err != nil {
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
		if round%3 == 2 {
			tab = now // go on with what was loaded
		}
	}
}

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
	for _, want := range []int{8, 0, 1} {
		if want == 1 {
			tab.Touch(slots[3*PageRows])
		}
		pages := 0
		err := tab.Save(func(part SavePart, _ int, _ []byte) error {
			if part == SavePage {
				pages++
			}
			return nil
		})
		if err != nil || pages != want {
			t.Fatalf("%d pages saved, want %d: %v", pages, want, err)
		}
	}
	tab.Touch(slots[0])
	fail := errors.New("full")
	if err := tab.Save(func(SavePart, int, []byte) error { return fail }); err != fail || !tab.dirty.Get(0) {
		t.Fatalf("a failed save forgot its page: %v", err)
	}
}

// FuzzKeyTableLoad loads a table of one page from any bytes.
func FuzzKeyTableLoad(f *testing.F) {
	tab, store := NewKeyTable(savedSchema, 1), pieceStore{}
	c := randomChunk(rand.New(rand.NewPCG(3, 4)), savedSchema, 20)
	hash, slots := make([]uint64, c.Rows), make([]int32, c.Rows)
	HashRows(c.Cols, c.Rows, hash)
	tab.Upsert(c.Cols, hash, slots)
	if err := tab.Save(store.put); err != nil {
		f.Fatal(err)
	}
	page := store[savedPiece{SavePage, 0}]
	f.Add(store[savedPiece{SaveHeader, 0}], page[:1024], store[savedPiece{SaveSlab, 0}])
	f.Fuzz(func(t *testing.T, head, start, slab []byte) {
		p := append([]byte(nil), page...)
		copy(p, start)
		s := pieceStore{{SaveHeader, 0}: head, {SavePage, 0}: p, {SaveSlab, 0}: slab}
		now := NewKeyTable(savedSchema, 1)
		if err := now.Load(true, s.get); err != nil {
			return
		}
		if want := binary.LittleEndian.Uint64(head[4*8:]); uint64(now.Len()) != want {
			t.Fatalf("%d keys, want %d", now.Len(), want)
		}
	})
}
