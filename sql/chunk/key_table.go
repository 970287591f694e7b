package chunk

import (
	"math/bits"

	"streamdb/sql/types"
)

const (
	pageBits = 10
	// PageRows is the number of rows of a page: the unit in which a table grows and
	// is written to a checkpoint.
	PageRows = 1 << pageBits
	pageMask = PageRows - 1
)

// KeyTable maps distinct keys to slots and keeps a payload of words beside each key.
// It is an open-addressing hash table with linear probing: index entries are 8 bytes,
// the low half of the key's hash and the slot + 1, so that most probes are decided
// without touching a row, and growing the index needs neither rows nor keys.
//
//	index:  [hash32 | slot+1] …            at most 3/4 full, in the order of the hashes but for probing
//	pages:  [header | key words | payload words] × PageRows
//
// Rows are never moved: a slot is stable until it is deleted. A KeyTable has one
// owner; it holds no lock.
type KeyTable struct {
	lay    *Layout
	stride int
	pages  [][]uint64
	dirty  Bitmap // slots touched since the last Save
	// rows counts the slots handed out, free lists those that were deleted.
	rows int
	free []int32
	live Bitmap

	index []uint64
	used  int

	Arena Arena

	memory Memory     // of index and pages; nil for Go's heap
	disk   Disk       // the same, if it has one
	cold   *coldIndex // the part of the index that lies on disk
	onDisk Bitmap     // pages that do

	scratch []uint64
	cand    []uint64
	oneInt  bool // the key is a single ClassInt column

	saved savedTable
	sums  []uint64 // of the slots as saved, under the build tag invariants
}

// NewKeyTable returns an empty table with keys of the given types under SQL equality
// (NULLs are equal to each other) and payload words per key, zero at first.
func NewKeyTable(keys Schema, payload int) *KeyTable {
	return newKeyTable(NewLayout(keys, true), payload)
}

// NewSolidTable is NewKeyTable for keys of which none is ever NULL: the whole header of a
// row is its user's, zero at first.
func NewSolidTable(keys Schema, payload int) *KeyTable {
	return newKeyTable(newSolidLayout(keys), payload)
}

// NewRowTable returns an empty table whose keys are whole rows compared by identity.
func NewRowTable(cols Schema, payload int) *KeyTable {
	return newKeyTable(NewLayout(cols, false), payload)
}

func newKeyTable(l *Layout, payload int) *KeyTable {
	t := &KeyTable{lay: l, stride: l.Words() + payload}
	t.oneInt = len(l.Types) == 1 && l.Types[0].Class() == types.ClassInt
	t.resetIndex(indexFirst)
	return t
}

const (
	// indexDoubles is the length up to which an index doubles; beyond, it grows by a half,
	// so that it is half full at least. Homes rise with the hash, so that growing
	// reads and writes in order: BenchmarkKeyTableGrowth.
	indexDoubles = 1 << 14
	indexFirst   = 64
)

func (t *KeyTable) resetIndex(n int) { t.index = wordsOfMemory(t.memory, n) }

// home returns where in an index of n entries the probing for a hash begins.
func home(h32 uint32, n int) int { return int(uint64(h32) * uint64(n) >> 32) }

// Len returns the number of keys.
func (t *KeyTable) Len() int { return t.used }

// Slots returns the end of the range of slots ever handed out; see Live.
func (t *KeyTable) Slots() int { return t.rows }

// Live reports whether slot s holds a key.
func (t *KeyTable) Live(s int32) bool { return t.live.Get(int(s)) }

// Layout returns how keys lie in a row.
func (t *KeyTable) Layout() *Layout { return t.lay }

// Stride returns the words of a row, payload included.
func (t *KeyTable) Stride() int { return t.stride }

// Row returns slot s's words: header, key, payload. The header's bits above those of the
// columns, its high half at least, and the payload may be written; call Touch for what must
// reach the next checkpoint.
func (t *KeyTable) Row(s int32) []uint64 {
	at := int(s&pageMask) * t.stride
	return t.pages[s>>pageBits][at : at+t.stride : at+t.stride]
}

// Payload returns slot s's payload words.
func (t *KeyTable) Payload(s int32) []uint64 {
	at := int(s&pageMask)*t.stride + t.lay.words
	end := int(s&pageMask)*t.stride + t.stride
	return t.pages[s>>pageBits][at:end:end]
}

// Word returns word w of slot s's row, for loops over many slots; see Row for what may
// be written.
func (t *KeyTable) Word(s int32, w int) *uint64 {
	return &t.pages[s>>pageBits][int(s&pageMask)*t.stride+w]
}

// PayloadOffset returns the first payload word of a row.
func (t *KeyTable) PayloadOffset() int { return t.lay.words }

// Touch marks slot s as changed since the last checkpoint.
func (t *KeyTable) Touch(s int32) { t.dirty.Set(int(s)) }

// Bytes returns the memory that the table holds.
func (t *KeyTable) Bytes() int64 {
	return int64(len(t.pages)*PageRows*t.stride*8+len(t.index)*8+cap(t.free)*4+len(t.live)*16) + t.Arena.Bytes() + t.cold.bytes()
}

// Upsert finds the n keys, inserting those that are new, and writes their slots. It
// returns how many were inserted; new slots have a zero payload and are touched.
// hash is HashRows over the keys.
func (t *KeyTable) Upsert(keys []*Column, hash []uint64, slots []int32) int {
	n := len(hash)
	before := t.used
	t.reserve(n)
	if t.oneInt && keys[0].Nulls == nil && t.cold == nil {
		t.upsertInts(keys[0].Ints[:n], hash, slots)
		return t.used - before
	}
	if t.lay.normal {
		keys = normalCols(keys)
	}
	if t.cold != nil {
		t.upsertCold(keys, hash, slots)
		return t.used - before
	}
	w := t.lay.words
	enc := t.encodeScratch(keys, n)
	t.prefetch(hash)
	index := t.index
	for i, h := range hash {
		pos := home(uint32(h), len(index))
		row := enc[i*w : (i+1)*w]
		for {
			e := index[pos]
			if e == 0 {
				slots[i] = t.insert(pos, uint32(h), row, keys, i)
				break
			}
			if uint32(e>>32) == uint32(h) {
				if s := int32(uint32(e)) - 1; t.lay.equal(t.Row(s), row, keys, i, &t.Arena) {
					slots[i] = s
					break
				}
			}
			if pos++; pos == len(index) {
				pos = 0
			}
		}
	}
	return t.used - before
}

// prefetch loads the home entries of all hashes in one loop of independent loads, so
// that the cache misses overlap. What it loads is only kept to make the loads happen.
func (t *KeyTable) prefetch(hash []uint64) {
	if cap(t.cand) < len(hash) {
		t.cand = make([]uint64, len(hash))
	}
	cand := t.cand[:len(hash)]
	index := t.index
	for i, h := range hash {
		cand[i] = index[home(uint32(h), len(index))]
	}
}

func (t *KeyTable) encodeScratch(keys []*Column, n int) []uint64 {
	if need := n * t.lay.words; cap(t.scratch) < need {
		t.scratch = make([]uint64, need)
	}
	enc := t.scratch[:n*t.lay.words]
	t.lay.encode(keys, n, enc)
	return enc
}

func (t *KeyTable) upsertInts(keys []int64, hash []uint64, slots []int32) {
	t.prefetch(hash)
	stride, index, nulls := t.stride, t.index, t.lay.nulls
	for i, h := range hash {
		pos := home(uint32(h), len(index))
		key := uint64(keys[i])
		for {
			e := index[pos]
			if e == 0 {
				s := t.place(pos, uint32(h))
				row := t.Row(s)
				row[1] = key
				slots[i] = s
				break
			}
			if uint32(e>>32) == uint32(h) {
				s := int32(uint32(e)) - 1
				at := int(s&pageMask) * stride
				page := t.pages[s>>pageBits]
				if page[at+1] == key && page[at]&nulls == 0 {
					slots[i] = s
					break
				}
			}
			if pos++; pos == len(index) {
				pos = 0
			}
		}
	}
}

// Find looks the n keys up and writes their slots, -1 where there is none.
func (t *KeyTable) Find(keys []*Column, hash []uint64, slots []int32) {
	n := len(hash)
	if t.oneInt && keys[0].Nulls == nil && t.cold == nil {
		t.findInts(keys[0].Ints[:n], hash, slots)
		return
	}
	if t.lay.normal {
		keys = normalCols(keys)
	}
	if t.cold != nil {
		t.findCold(keys, hash[:n], slots)
		return
	}
	w := t.lay.words
	enc := t.encodeScratch(keys, n)
	t.prefetch(hash)
	index := t.index
	for i, h := range hash {
		pos := home(uint32(h), len(index))
		slots[i] = -1
		for e := index[pos]; e != 0; e = index[pos] {
			if uint32(e>>32) == uint32(h) {
				if s := int32(uint32(e)) - 1; t.lay.equal(t.Row(s), enc[i*w:(i+1)*w], keys, i, &t.Arena) {
					slots[i] = s
					break
				}
			}
			if pos++; pos == len(index) {
				pos = 0
			}
		}
	}
}

func (t *KeyTable) findInts(keys []int64, hash []uint64, slots []int32) {
	t.prefetch(hash)
	stride, index, nulls := t.stride, t.index, t.lay.nulls
	for i, h := range hash {
		pos := home(uint32(h), len(index))
		slots[i] = -1
		for e := index[pos]; e != 0; e = index[pos] {
			if uint32(e>>32) == uint32(h) {
				s := int32(uint32(e)) - 1
				at := int(s&pageMask) * stride
				page := t.pages[s>>pageBits]
				if page[at+1] == uint64(keys[i]) && page[at]&nulls == 0 {
					slots[i] = s
					break
				}
			}
			if pos++; pos == len(index) {
				pos = 0
			}
		}
	}
}

// insert places an encoded row, row r of keys, at index position pos.
func (t *KeyTable) insert(pos int, h32 uint32, enc []uint64, keys []*Column, r int) int32 {
	s := t.place(pos, h32)
	row := t.Row(s)
	copy(row, enc)
	t.lay.intern(row[:t.lay.words], keys, r, &t.Arena)
	return s
}

// place takes a zeroed slot and enters it at index position pos.
func (t *KeyTable) place(pos int, h32 uint32) int32 {
	s := t.takeSlot()
	t.index[pos] = uint64(h32)<<32 | uint64(uint32(s)+1)
	t.used++
	if t.cold != nil {
		t.cold.hot++
	}
	return s
}

func (t *KeyTable) takeSlot() int32 {
	var s int32
	if n := len(t.free); n > 0 {
		s = t.free[n-1]
		t.free = t.free[:n-1]
		clear(t.Row(s))
	} else {
		s = int32(t.rows)
		t.rows++
		if int(s)>>pageBits == len(t.pages) {
			t.addPage()
			t.live = t.live.Grow(len(t.pages) * PageRows)
			t.dirty = t.dirty.Grow(len(t.pages) * PageRows)
		}
	}
	t.live.Set(int(s))
	t.Touch(s)
	return s
}

// addPage appends an empty page.
func (t *KeyTable) addPage() []uint64 {
	p := wordsOfMemory(t.memory, PageRows*t.stride)
	if t.disk != nil {
		t.onDisk = t.onDisk.Grow(len(t.pages) + 1)
		if t.disk.OnDisk(p) {
			t.onDisk.Set(len(t.pages))
		}
	}
	t.pages = append(t.pages, p)
	return p
}

// reserve grows the index so that n more keys fit below three quarters.
func (t *KeyTable) reserve(n int) {
	if t.cold != nil {
		t.reserveCold(n)
		return
	}
	need := t.used + n
	if need*4 <= len(t.index)*3 {
		return
	}
	// A batch of known keys must not grow the index: only what is really full does,
	// or a batch that might not fit at all.
	if t.used*8 < len(t.index)*5 && need*8 <= len(t.index)*7 {
		return
	}
	old := t.index
	size := len(old) + len(old)/2
	if len(old) < indexDoubles {
		size = 2 * len(old)
	}
	size = max(size, t.used*8/5, need*4/3+1)
	if t.disk != nil && size > hotEntries && t.disk.Full(size) {
		t.split()
		t.reserveCold(n)
		return
	}
	t.resetIndex(size)
	index := t.index
	for _, e := range old {
		if e == 0 {
			continue
		}
		pos := home(uint32(e>>32), len(index))
		for index[pos] != 0 {
			if pos++; pos == len(index) {
				pos = 0
			}
		}
		index[pos] = e
	}
	if t.memory != nil {
		t.memory.FreeWords(old)
	}
}

func (t *KeyTable) reinsert(e uint64) {
	pos := home(uint32(e>>32), len(t.index))
	for t.index[pos] != 0 {
		if pos++; pos == len(t.index) {
			pos = 0
		}
	}
	t.index[pos] = e
}

// Delete removes slot s, whose key has the given hash. The slot may be handed out again.
func (t *KeyTable) Delete(s int32, hash uint64) {
	t.Unindex(s, hash)
	t.lay.Release(t.Row(s), &t.Arena)
	t.live.Clear(int(s))
	t.Touch(s)
	t.free = append(t.free, s)
	t.used--
	if t.Arena.Wasteful() {
		t.compactArena()
	}
}

// Unindex takes slot s, whose key has the given hash, out of the index: it is reached by
// slot alone from now on, as one that AppendAll handed out.
func (t *KeyTable) Unindex(s int32, hash uint64) {
	pos := home(uint32(hash), len(t.index))
	for uint32(t.index[pos]) != uint32(s)+1 {
		if t.index[pos] == 0 {
			if t.cold != nil {
				t.cold.remove(s, hash)
				return
			}
			panic("chunk: deleting a key that is not in the table")
		}
		if pos++; pos == len(t.index) {
			pos = 0
		}
	}
	t.unindex(pos)
	if t.cold != nil {
		t.cold.hot--
	}
}

// unindex empties position pos, moving later entries of the probe sequence back so
// that no tombstone is needed.
func (t *KeyTable) unindex(pos int) {
	n := len(t.index)
	hole := pos
	for {
		if pos++; pos == n {
			pos = 0
		}
		e := t.index[pos]
		if e == 0 {
			break
		}
		// It may move back as far as its home.
		back, room := pos-home(uint32(e>>32), n), pos-hole
		if back < 0 {
			back += n
		}
		if room < 0 {
			room += n
		}
		if back >= room {
			t.index[hole] = e
			hole = pos
		}
	}
	t.index[hole] = 0
}

// compactArena moves the bytes of all live keys to a fresh arena.
func (t *KeyTable) compactArena() {
	old := t.Arena
	t.Arena = old.Renewed()
	for s := range int32(t.rows) {
		if t.live.Get(int(s)) {
			t.lay.Rehome(t.Row(s), &old, &t.Arena)
			t.Touch(s)
		}
	}
	old.Free()
}

// AppendKey appends key column i of the given slots to dst.
func (t *KeyTable) AppendKey(dst *Column, i int, slots []int32) {
	t.lay.decode(dst, i, slots, t.pages, t.stride, &t.Arena)
}

// LiveSlots appends all live slots to dst, rising.
func (t *KeyTable) LiveSlots(dst []int32) []int32 {
	for k, w := range t.live {
		for ; w != 0; w &= w - 1 {
			dst = append(dst, int32(k*64+bits.TrailingZeros64(w)))
		}
	}
	return dst
}

// Reset forgets all keys and keeps the memory for new ones. It is for tables that are
// not saved.
func (t *KeyTable) Reset() {
	t.cold = nil
	clear(t.index)
	for _, p := range t.pages[:(t.rows+pageMask)>>pageBits] {
		clear(p)
	}
	clear(t.live)
	clear(t.dirty)
	t.rows, t.used, t.free = 0, 0, t.free[:0]
	t.Arena.Free()
	t.Arena = Arena{memory: t.memory}
	t.saved = savedTable{}
}

// AppendAll gives each of the n rows a slot of its own without entering it into the
// index: for tables whose rows are reached by slot alone. Such a row is deleted with
// DeleteUnindexed.
func (t *KeyTable) AppendAll(cols []*Column, n int, slots []int32) {
	enc := t.encodeScratch(cols, n)
	w := t.lay.words
	bytes := t.lay.hasBytes()
	for i := range n {
		s := t.takeSlot()
		row := t.Row(s)
		copy(row, enc[i*w:(i+1)*w])
		if bytes {
			t.lay.intern(row[:w], cols, i, &t.Arena)
		}
		slots[i] = s
		t.used++
	}
}

// DeleteUnindexed removes a slot that AppendAll handed out.
func (t *KeyTable) DeleteUnindexed(s int32) {
	t.lay.Release(t.Row(s), &t.Arena)
	t.live.Clear(int(s))
	t.Touch(s)
	t.free = append(t.free, s)
	t.used--
	if t.Arena.Wasteful() {
		t.compactArena()
	}
}

// Probe holds rows encoded for comparison with stored ones; see KeyTable.Encode.
type Probe struct {
	cols []*Column
	enc  []uint64
}

// Encode prepares n rows for Equal and AppendRow, reusing p's memory.
func (t *KeyTable) Encode(p *Probe, cols []*Column, n int) {
	if need := n * t.lay.words; cap(p.enc) < need {
		p.enc = make([]uint64, need)
	}
	p.cols, p.enc = cols, p.enc[:n*t.lay.words]
	t.lay.encode(cols, n, p.enc)
}

// AppendRow gives row i of p a slot of its own, as AppendAll does.
func (t *KeyTable) AppendRow(p *Probe, i int) int32 {
	w := t.lay.words
	s := t.takeSlot()
	row := t.Row(s)
	copy(row, p.enc[i*w:(i+1)*w])
	t.lay.intern(row[:w], p.cols, i, &t.Arena)
	t.used++
	return s
}

// Equal reports whether slot s holds row i of p.
func (t *KeyTable) Equal(s int32, p *Probe, i int) bool {
	w := t.lay.words
	return t.lay.equal(t.Row(s), p.enc[i*w:(i+1)*w], p.cols, i, &t.Arena)
}
