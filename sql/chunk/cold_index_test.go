package chunk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"streamdb/sql/types"
)

// fakeDisk is memory whose blocks lie on disk, as it says, beyond a share.
type fakeDisk struct {
	share, inHeap int64
	disk          map[*uint64]int
	fetched       int
}

func (d *fakeDisk) Words(n int) ([]uint64, error) {
	b := make([]uint64, n)
	if d.Full(n) {
		d.disk[&b[0]] = n
	} else {
		d.inHeap += int64(n) * 8
	}
	return b, nil
}
func (d *fakeDisk) Bytes(n int) ([]byte, error) { return make([]byte, 0, n), nil }
func (d *fakeDisk) FreeWords(b []uint64) {
	if len(b) == 0 {
		return
	}
	if !d.OnDisk(b) {
		d.inHeap -= int64(len(b)) * 8
	}
	delete(d.disk, &b[0])
	for i := range b {
		b[i] = 1<<64 - 1 // nobody may read it any more
	}
}
func (d *fakeDisk) FreeBytes([]byte)   {}
func (d *fakeDisk) Share() int64       { return d.share }
func (d *fakeDisk) Full(n int) bool    { return d.inHeap+int64(n)*8 > d.share }
func (d *fakeDisk) Written(b []uint64) {}
func (d *fakeDisk) LetGo(b []uint64)   {}
func (d *fakeDisk) Fetch([]uint64) int { d.fetched++; return 1 }
func (d *fakeDisk) Resident(n int) []uint64 {
	d.inHeap += int64(n) * 8
	return make([]uint64, n)
}
func (d *fakeDisk) OnDisk(b []uint64) bool {
	if len(b) == 0 {
		return false
	}
	return d.disk[&b[0]] > 0
}

// TestColdIndex inserts, finds, deletes, saves and loads keys of a table whose index outgrows its memory many times over,
// beside a map.
func TestColdIndex(t *testing.T) {
	for _, schema := range []Schema{{types.Int8}, {types.Text, types.Int8}} {
		t.Run(fmt.Sprint(schema), func(t *testing.T) {
			m := &coldModel{t: t, schema: schema, slots: make(map[int64]int32), random: rand.New(rand.NewPCG(1, 2))}
			m.table = m.fresh()
			for round := range 60 {
				m.upsert(round)
				m.delete()
				m.find()
				if round == 40 {
					m.reload()
				}
			}
			if c := m.table.cold; c == nil || c.used < 2*hotEntries || m.disk.fetched == 0 {
				t.Fatal("nothing lies on disk")
			}
		})
	}
}

// coldModel is a table with a map of what it must hold.
type coldModel struct {
	t      *testing.T
	schema Schema
	disk   *fakeDisk
	table  *KeyTable
	slots  map[int64]int32
	random *rand.Rand
}

func (m *coldModel) fresh() *KeyTable {
	m.disk = &fakeDisk{share: 1 << 16, disk: make(map[*uint64]int)}
	t := NewKeyTable(m.schema, 1)
	t.UseMemory(m.disk)
	return t
}

// columns makes key columns of numbers.
func (m *coldModel) columns(keys []int64) []*Column {
	var cols []*Column
	for _, typ := range m.schema {
		c := NewColumn(typ, len(keys))
		for _, k := range keys {
			if typ.Class() == types.ClassInt {
				c.Ints = append(c.Ints, k)
			} else {
				c.AppendBytes(fmt.Appendf(nil, "the key of number %d", k))
			}
		}
		cols = append(cols, c)
	}
	return cols
}

func (m *coldModel) keys(n int, below int64) []int64 {
	keys := make([]int64, n)
	for i := range keys {
		keys[i] = m.random.Int64N(below)
	}
	return keys
}

// upsert inserts in one of both ways; the second looks everything up before.
func (m *coldModel) upsert(round int) {
	keys := m.keys(2000, 100_000)
	cols, hash, slots := m.columns(keys), make([]uint64, len(keys)), make([]int32, len(keys))
	HashRows(cols, len(keys), hash)
	if m.table.Split() && round%2 == 0 {
		guess := make([]int32, len(keys))
		m.table.Locate(hash, guess)
		wrong := 0
		for i, k := range keys {
			if s, ok := m.slots[k]; ok && guess[i] != s {
				wrong++ // two keys of 100,000 may have the same half of a hash
			}
		}
		if wrong > 2 {
			m.t.Errorf("%d of %d guesses are wrong", wrong, len(keys))
		}
		m.table.FetchRows(slices.Sorted(slices.Values(guess[:0])), nil, false)
		// What is guessed may be wrong by the time it is used.
		for i := range guess {
			if m.random.IntN(10) == 0 {
				guess[i] = int32(m.random.IntN(m.table.Slots()))
			}
		}
		m.table.UpsertGuessed(cols, hash, guess, slots)
	} else {
		m.table.Upsert(cols, hash, slots)
	}
	for i, k := range keys {
		if s, ok := m.slots[k]; ok && s != slots[i] {
			m.t.Fatalf("key %d has slot %d, it was %d", k, slots[i], s)
		}
		m.slots[k] = slots[i]
		*m.table.Word(slots[i], m.table.PayloadOffset()) = uint64(k)
	}
}

func (m *coldModel) delete() {
	var gone []int64
	for k := range m.slots {
		if gone = append(gone, k); len(gone) == 300 {
			break
		}
	}
	hash := make([]uint64, len(gone))
	HashRows(m.columns(gone), len(gone), hash)
	for i, k := range gone {
		m.table.Delete(m.slots[k], hash[i])
		delete(m.slots, k)
	}
}

// find holds that the table has what the map has, and nothing else.
func (m *coldModel) find() {
	keys := m.keys(3000, 120_000)
	cols, hash, slots := m.columns(keys), make([]uint64, len(keys)), make([]int32, len(keys))
	HashRows(cols, len(keys), hash)
	m.table.Find(cols, hash, slots)
	for i, k := range keys {
		want, ok := m.slots[k]
		if !ok {
			want = -1
		}
		if slots[i] != want {
			m.t.Fatalf("key %d is found in slot %d, it is in %d", k, slots[i], want)
		}
	}
	if m.table.Len() != len(m.slots) {
		m.t.Fatalf("%d keys of %d", m.table.Len(), len(m.slots))
	}
}

// reload goes on with a table that was saved and loaded.
func (m *coldModel) reload() {
	saved, set := pieceStore{}, &PieceSet{}
	m.table.Save(set)
	saved.take(set)
	m.table = m.fresh()
	if err := saved.load(m.table); err != nil {
		m.t.Fatal(err)
	}
	m.find()
}
