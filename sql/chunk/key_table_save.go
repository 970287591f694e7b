package chunk

import (
	"encoding/binary"
	"fmt"
)

// SavePart names a kind of piece of a saved KeyTable.
type SavePart byte

// The pieces: one header, and numbered pages and arena slabs.
const (
	SaveHeader SavePart = iota + 1
	SavePage
	SaveSlab
)

const (
	saveVersion     = 1
	saveHeaderWords = 7
	pageLiveWords   = PageRows / 64
)

// Save hands the pieces that have changed since the last Save to put: the header, dirty
// pages, slabs that grew. What put receives is valid during the call. After an error
// the same pieces are handed out again by the next Save.
func (t *KeyTable) Save(put func(part SavePart, no int, b []byte) error) error {
	head := []uint64{saveVersion, uint64(t.lay.words), uint64(t.stride), uint64(t.rows), uint64(t.used),
		uint64(len(t.Arena.slabs)), uint64(t.Arena.live)}
	if err := put(SaveHeader, 0, appendWords(nil, head)); err != nil {
		return err
	}
	var buf []byte
	for i, p := range t.pages[:(t.rows+pageMask)>>pageBits] {
		if !t.dirty.Get(i) {
			continue
		}
		buf = appendWords(buf[:0], t.live[i*pageLiveWords:(i+1)*pageLiveWords])
		buf = appendWords(buf, p)
		if err := put(SavePage, i, buf); err != nil {
			return err
		}
	}
	for i, s := range t.Arena.slabs {
		if i < len(t.Arena.saved) && t.Arena.saved[i] == len(s) {
			continue
		}
		if err := put(SaveSlab, i, s); err != nil {
			return err
		}
	}
	clear(t.dirty)
	t.Arena.noteSaved()
	return nil
}

func (a *Arena) noteSaved() {
	a.saved = a.saved[:0]
	for _, s := range a.slabs {
		a.saved = append(a.saved, len(s))
	}
}

func appendWords(dst []byte, words []uint64) []byte {
	for _, w := range words {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst
}

func readWords(dst []uint64, b []byte) {
	for i := range dst {
		dst[i] = binary.LittleEndian.Uint64(b[i*8:])
	}
}

// Load fills an empty table from saved pieces; slots are those of the saved table.
// indexed says that keys were entered with Upsert, not with AppendAll. References into
// the arena from payloads are the owner's to check, see Arena.Holds. After an error the table is useless.
func (t *KeyTable) Load(indexed bool, get func(part SavePart, no int) ([]byte, error)) error {
	b, err := get(SaveHeader, 0)
	if err != nil {
		return err
	}
	if len(b) != saveHeaderWords*8 {
		return fmt.Errorf("%w: header of %d bytes", ErrCorrupt, len(b))
	}
	var h [saveHeaderWords]uint64
	readWords(h[:], b)
	if h[0] != saveVersion || h[1] != uint64(t.lay.words) || h[2] != uint64(t.stride) ||
		h[3] > 1<<31-1 || h[4] > h[3] || h[5] > 1<<20 || int64(h[6]) < 0 {
		return fmt.Errorf("%w: header", ErrCorrupt)
	}
	if err := t.Arena.load(int(h[5]), get); err != nil {
		return err
	}
	t.Arena.live = int64(h[6])
	for i := range int(h[3]+pageMask) >> pageBits {
		if b, err = get(SavePage, i); err != nil {
			return err
		}
		if err := t.loadPage(b); err != nil {
			return err
		}
	}
	t.rows = int(h[3])
	if err := t.loadSlots(int(h[4])); err != nil {
		return err
	}
	clear(t.dirty)
	if indexed {
		t.rebuildIndex()
	}
	return nil
}

func (a *Arena) load(n int, get func(part SavePart, no int) ([]byte, error)) error {
	for i := range n {
		b, err := get(SaveSlab, i)
		if err != nil {
			return err
		}
		a.slabs = append(a.slabs, append(make([]byte, 0, len(b)), b...))
		a.total += int64(len(b))
	}
	a.open = max(n-1, 0)
	a.noteSaved()
	return nil
}

func (t *KeyTable) loadPage(b []byte) error {
	if len(b) != (pageLiveWords+PageRows*t.stride)*8 {
		return fmt.Errorf("%w: page of %d bytes", ErrCorrupt, len(b))
	}
	i := len(t.pages)
	p := make([]uint64, PageRows*t.stride)
	t.live = t.live.Grow((i + 1) * PageRows)
	t.dirty = t.dirty.Grow(i + 1)
	readWords(t.live[i*pageLiveWords:(i+1)*pageLiveWords], b)
	readWords(p, b[pageLiveWords*8:])
	t.pages = append(t.pages, p)
	return nil
}

// loadSlots checks the rows of live slots and lists the others as free.
func (t *KeyTable) loadSlots(used int) error {
	var refs []Ref
	for s := range int32(len(t.pages) * PageRows) {
		switch {
		case !t.live.Get(int(s)):
			if int(s) < t.rows {
				t.free = append(t.free, s)
			}
			continue
		case int(s) >= t.rows:
			return fmt.Errorf("%w: slot %d of %d", ErrCorrupt, s, t.rows)
		}
		t.used++
		refs = t.lay.Refs(t.Row(s), refs[:0])
		for _, r := range refs {
			if !t.Arena.Holds(r) {
				return fmt.Errorf("%w: slot %d refers beyond the arena", ErrCorrupt, s)
			}
		}
	}
	if t.used != used {
		return fmt.Errorf("%w: %d keys of %d", ErrCorrupt, t.used, used)
	}
	return nil
}

// Holds reports whether r lies within the arena.
func (a *Arena) Holds(r Ref) bool {
	l := int(r & refWhole)
	if l == 0 {
		return true
	}
	if int(r>>44) >= len(a.slabs) {
		return false
	}
	return l == refWhole || int(r>>24)&(1<<20-1)+l <= len(a.slabs[r>>44])
}

// rebuildIndex enters all live slots, hashing their keys a page at a time.
func (t *KeyTable) rebuildIndex() {
	n := t.used
	t.used = 0
	t.reserve(n)
	t.used = n
	slots := make([]int32, 0, PageRows)
	hash := make([]uint64, PageRows)
	for p := range t.pages {
		slots = slots[:0]
		for s := int32(p * PageRows); s < int32((p+1)*PageRows); s++ {
			if t.live.Get(int(s)) {
				slots = append(slots, s)
			}
		}
		keys := make([]*Column, len(t.lay.Types))
		for i, typ := range t.lay.Types {
			keys[i] = NewColumn(typ, len(slots))
			t.AppendKey(keys[i], i, slots)
		}
		HashRows(keys, len(slots), hash)
		for i, s := range slots {
			t.reinsert(uint64(uint32(hash[i]))<<32 | uint64(uint32(s)+1))
		}
	}
}
