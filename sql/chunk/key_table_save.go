package chunk

import (
	"bytes"
	"fmt"
	"math/bits"
)

// A KeyTable is saved by pieces: a header, and per page of slots a base with all rows
// of the page, followed by patches with the rows that have changed since. A patch costs
// what has changed; a page whose patches add up to half of it is written anew.
//
//	header:  version | key words | stride | rows | keys, a word each
//	base:    number of rows n | live bits | n rows
//	patch:   (slot in page | live<<16, and a live slot's row) …
//
// Slots stay, so that what refers to them needs no translation; the index is made anew.

const (
	saveVersion     = 1
	saveHeaderWords = 5
	pageLiveWords   = PageRows / 64
	pagePatchesMax  = 64
	pagePatchRows   = PageRows / 2
)

// savedTable is what the last save has left in the store.
type savedTable struct {
	head  []byte
	pages []savedPage
}

// savedPage is the pieces of one page: none, or a base and patches.
type savedPage struct {
	base          bool
	patches, rows uint16 // and the rows in all patches
}

// Save adds the pieces that have changed since the last save to set, and takes them as
// saved; see Unsave.
func (t *KeyTable) Save(set *PieceSet) {
	if checked {
		t.mustBeUntouched()
	}
	t.saveHead(set)
	n := (t.rows + pageMask) >> pageBits
	for len(t.saved.pages) < n {
		t.saved.pages = append(t.saved.pages, savedPage{})
	}
	for i := range n {
		if k := t.touchedIn(i); k > 0 || !t.saved.pages[i].base {
			t.savePage(i, k, set)
		}
	}
	for i := n; i < len(t.saved.pages); i++ {
		t.deletePieces(i, 0, set)
	}
	t.saved.pages = t.saved.pages[:n]
	clear(t.dirty)
	t.Arena.Save(set)
}

func (t *KeyTable) saveHead(set *PieceSet) {
	head := appendWords(nil, []uint64{saveVersion, uint64(t.lay.words), uint64(t.stride), uint64(t.rows), uint64(t.used)})
	if !bytes.Equal(head, t.saved.head) {
		t.saved.head = head
		set.Put(SaveHeader, 0, func(dst []byte) []byte { return append(dst, head...) })
	}
}

// touchedIn counts the slots of page i that were touched.
func (t *KeyTable) touchedIn(i int) int {
	n := 0
	for _, w := range t.dirty[i*pageLiveWords : (i+1)*pageLiveWords] {
		n += bits.OnesCount64(w)
	}
	return n
}

// savePage writes page i, of which k slots have changed, anew or as a patch.
func (t *KeyTable) savePage(i, k int, set *PieceSet) {
	p := &t.saved.pages[i]
	if p.base && p.patches < pagePatchesMax && int(p.rows)+k <= pagePatchRows {
		p.patches++
		p.rows += uint16(k)
		set.Put(SavePage, uint32(i)<<pieceBits|uint32(p.patches), func(dst []byte) []byte { return t.appendPatch(dst, i) })
		return
	}
	set.Put(SavePage, uint32(i)<<pieceBits, func(dst []byte) []byte {
		n := t.rowsIn(i)
		dst = appendWords(dst, []uint64{uint64(n)})
		dst = appendWords(dst, t.live[i*pageLiveWords:(i+1)*pageLiveWords])
		return appendWords(dst, t.pages[i][:n*t.stride])
	})
	t.deletePieces(i, 1, set)
	*p = savedPage{base: true}
}

// rowsIn returns the number of slots of page i that were ever handed out.
func (t *KeyTable) rowsIn(i int) int { return min(PageRows, t.rows-i<<pageBits) }

func (t *KeyTable) appendPatch(dst []byte, page int) []byte {
	for w, word := range t.dirty[page*pageLiveWords : (page+1)*pageLiveWords] {
		for ; word != 0; word &= word - 1 {
			at := w*64 + bits.TrailingZeros64(word)
			s := int32(page<<pageBits + at)
			if !t.Live(s) {
				dst = appendWords(dst, []uint64{uint64(at)})
				continue
			}
			dst = appendWords(dst, []uint64{uint64(at) | 1<<16})
			dst = appendWords(dst, t.Row(s))
		}
	}
	return dst
}

// deletePieces deletes the pieces of page i from number `from` on.
func (t *KeyTable) deletePieces(i int, from uint16, set *PieceSet) {
	p := &t.saved.pages[i]
	for k := from; p.base && k <= p.patches; k++ {
		set.Delete(SavePage, uint32(i)<<pieceBits|uint32(k))
	}
}

// Unsave makes the next Save write everything: what was saved before is gone.
func (t *KeyTable) Unsave() {
	t.saved = savedTable{}
	t.Arena.Unsave()
}

// DirtyBytes estimates the size of the next Save.
func (t *KeyTable) DirtyBytes() int64 {
	var n int64
	for i := range (t.rows + pageMask) >> pageBits {
		k := t.touchedIn(i)
		base := i < len(t.saved.pages) && t.saved.pages[i].base
		switch {
		case base && int(t.saved.pages[i].rows)+k <= pagePatchRows:
			n += int64(k * (t.stride + 1) * 8)
		case k > 0 || !base:
			n += int64(t.rowsIn(i)*t.stride+pageLiveWords+1) * 8
		}
	}
	return n + t.Arena.DirtyBytes()
}

// Touched returns the slots touched since the last save; it is valid until the next
// change.
func (t *KeyTable) Touched() Bitmap { return t.dirty }

// LoadPiece adds a saved piece to an empty table; pieces come in the order of their
// keys. LoadEnd ends it.
func (t *KeyTable) LoadPiece(part SavePart, no uint32, b []byte) error {
	switch {
	case part == SaveArena, part == SaveSlab:
		return t.Arena.LoadPiece(part, no, b)
	case len(b)%8 != 0:
		return fmt.Errorf("%w: piece of %d bytes", ErrCorrupt, len(b))
	case part == SaveHeader:
		return t.loadHead(b)
	case part != SavePage || t.saved.head == nil:
		return fmt.Errorf("%w: piece of kind %d", ErrCorrupt, part)
	case no&(1<<pieceBits-1) == 0:
		return t.loadBase(no>>pieceBits, b)
	}
	return t.loadPatch(no>>pieceBits, uint16(no&(1<<pieceBits-1)), b)
}

func (t *KeyTable) loadHead(b []byte) error {
	var h [saveHeaderWords]uint64
	if len(b) != len(h)*8 || t.saved.head != nil {
		return fmt.Errorf("%w: header of %d bytes", ErrCorrupt, len(b))
	}
	readWords(h[:], b)
	if h[0] != saveVersion || h[1] != uint64(t.lay.words) || h[2] != uint64(t.stride) || h[3] > 1<<31-1 || h[4] > h[3] {
		return fmt.Errorf("%w: header", ErrCorrupt)
	}
	t.saved.head = bytes.Clone(b)
	t.rows, t.used = int(h[3]), int(h[4])
	return nil
}

func (t *KeyTable) loadBase(page uint32, b []byte) error {
	i := len(t.pages)
	if int(page) != i || i<<pageBits >= t.rows || len(b) < 8*(1+pageLiveWords) {
		return fmt.Errorf("%w: page %d of %d bytes", ErrCorrupt, page, len(b))
	}
	var n [1]uint64
	readWords(n[:], b)
	// The table may have grown since the page was written, with patches behind it.
	if n[0] > PageRows || int(n[0]) > t.rowsIn(i) || len(b) != (1+pageLiveWords+int(n[0])*t.stride)*8 {
		return fmt.Errorf("%w: page %d of %d bytes", ErrCorrupt, page, len(b))
	}
	p := t.addPage()
	t.live, t.dirty = t.live.Grow((i+1)*PageRows), t.dirty.Grow((i+1)*PageRows)
	readWords(t.live[i*pageLiveWords:(i+1)*pageLiveWords], b[8:])
	readWords(p[:int(n[0])*t.stride], b[(1+pageLiveWords)*8:])
	t.saved.pages = append(t.saved.pages, savedPage{base: true})
	return nil
}

func (t *KeyTable) loadPatch(page uint32, no uint16, b []byte) error {
	if len(t.pages) == 0 || int(page) != len(t.pages)-1 || no != t.saved.pages[page].patches+1 {
		return fmt.Errorf("%w: patch %d of page %d", ErrCorrupt, no, page)
	}
	p := &t.saved.pages[page]
	p.patches++
	var w [1]uint64
	for len(b) > 0 {
		readWords(w[:], b)
		b = b[8:]
		at, live := int(w[0]&pageMask), w[0]>>16 == 1
		s := int32(int(page)<<pageBits + at)
		if p.rows++; w[0]&^(1<<16) != uint64(at) || int(s) >= t.rows || p.rows > PageRows || live && len(b) < 8*t.stride {
			return fmt.Errorf("%w: patch %d of page %d", ErrCorrupt, no, page)
		}
		if !live {
			t.live.Clear(int(s))
			continue
		}
		t.live.Set(int(s))
		readWords(t.Row(s), b)
		b = b[8*t.stride:]
	}
	return nil
}

// LoadEnd checks what was loaded and makes it usable. indexed says that keys were
// entered with Upsert, not with AppendAll. References into an arena from payloads are
// the owner's to check, see Arena.Holds. After an error the table is useless.
func (t *KeyTable) LoadEnd(indexed bool) error {
	if t.saved.head == nil || len(t.pages) != (t.rows+pageMask)>>pageBits {
		return fmt.Errorf("%w: %d pages of a table of %d rows", ErrCorrupt, len(t.pages), t.rows)
	}
	if err := t.Arena.LoadEnd(); err != nil {
		return err
	}
	if err := t.loadSlots(); err != nil {
		return err
	}
	clear(t.dirty)
	if indexed {
		t.rebuildIndex()
	}
	if checked {
		t.noteSums()
	}
	return nil
}

// loadSlots checks the rows of live slots and lists the others as free.
func (t *KeyTable) loadSlots() error {
	var refs []Ref
	used, bytes := 0, t.lay.hasBytes()
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
		used++
		if !bytes {
			continue
		}
		refs = t.lay.Refs(t.Row(s), refs[:0])
		for _, r := range refs {
			if !t.Arena.Holds(r) {
				return fmt.Errorf("%w: slot %d refers beyond the arena", ErrCorrupt, s)
			}
		}
	}
	if t.used != used {
		return fmt.Errorf("%w: %d keys of %d", ErrCorrupt, used, t.used)
	}
	return nil
}

// rebuildIndex enters all live slots, hashing their keys a page at a time.
func (t *KeyTable) rebuildIndex() {
	if n := t.used * 8 / 5; t.disk != nil && n > hotEntries && t.disk.Full(n) {
		t.split()
		t.cold.hot = 0
	} else if n > len(t.index) {
		if t.memory != nil {
			t.memory.FreeWords(t.index)
		}
		t.resetIndex(n)
	}
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
		if t.cold != nil {
			t.reserveCold(len(slots))
			t.cold.hot += len(slots)
		}
		for i, s := range slots {
			t.reinsert(uint64(uint32(hash[i]))<<32 | uint64(uint32(s)+1))
		}
	}
}
