package chunk

import (
	"math/bits"
	"slices"
)

// coldIndex is the part of a table's index that lies on disk, once the index does not fit in memory. What is inserted
// enters the hot part (KeyTable.index), which is small and in memory; when that is full, all of it moves to the cold part
// in one sweep over it. A filter in memory says of most keys which are in neither that they are not in the cold part, so
// that a new key does not ask the disk.
//
//	hot:    [hash32 | slot+1] …  in memory, an eighth of the cold part
//	filter: a word of 64 bits, five for a key, per 8 entries of the cold part
//	cold:   [hash32 | slot+1] …  on disk, changed by moves and deletions only
type coldIndex struct {
	index  []uint64
	mask   uint32
	used   int
	filter []uint64
	hot    int // entries of the hot part
	found  int // keys that Upsert has found in the cold part since it was asked
	asked  int // and keys it has looked up

	// scratch
	list, guess []int32
	pages       []uint32
	rows        []int32
	buckets     []int
}

const (
	// hotEntries is the least size of the hot part, and the size that an index has at least before it is split.
	hotEntries = 1 << 12
	// indexWindow is the number of entries of the cold part that are read at once in a sweep, osPage those of a page of
	// the operating system.
	indexWindow = 1 << 16
	osPage      = 512
	filterShare = 8
)

func (c *coldIndex) bytes() int64 {
	if c == nil {
		return 0
	}
	return int64(len(c.index)+len(c.filter)) * 8
}

// filterOf returns the word of a filter of n words, a power of two, for a hash, and the bits in it.
func filterOf(h32 uint32, n int) (word uint32, set uint64) {
	x := mix(uint64(h32)|1<<40, hashMul)
	return uint32(x>>18) & uint32(n-1), 1<<(x&63) | 1<<(x>>6&63) | 1<<(x>>12&63) | 1<<(x>>46&63) | 1<<(x>>52&63)
}

func (c *coldIndex) mayHave(h32 uint32) bool {
	if c.used == 0 {
		return false
	}
	w, set := filterOf(h32, len(c.filter))
	return c.filter[w]&set == set
}

// put enters e, for which there is room.
func (c *coldIndex) put(e uint64) {
	pos := uint32(e>>32) & c.mask
	for c.index[pos] != 0 {
		pos = (pos + 1) & c.mask
	}
	c.index[pos] = e
	w, set := filterOf(uint32(e>>32), len(c.filter))
	c.filter[w] |= set
}

// split makes t's whole index the hot part of one with a cold part.
func (t *KeyTable) split() { t.cold = &coldIndex{hot: t.used} }

// Split reports whether a part of the index lies on disk: then it pays to look keys up many at a time, see Locate.
func (t *KeyTable) Split() bool { return t.cold != nil }

// reserveCold makes room for n more keys in the hot part.
func (t *KeyTable) reserveCold(n int) {
	c := t.cold
	if (c.hot+n)*4 <= len(t.index)*3 {
		return
	}
	t.moveToCold()
	size := max(hotEntries, 2*n, len(c.index)/8)
	if size == len(t.index) {
		clear(t.index)
		return
	}
	t.memory.FreeWords(t.index)
	t.index = t.disk.Resident(size)
}

// moveToCold enters what the hot part holds into the cold part.
func (t *KeyTable) moveToCold() {
	c := t.cold
	entries := make([]uint64, 0, c.hot)
	for _, e := range t.index {
		if e != 0 {
			entries = append(entries, e)
		}
	}
	if need := c.used + len(entries); need*4 > len(c.index)*3 {
		c.grow(t, max(2*len(c.index), 1<<bits.Len(uint(need*8/5))))
	}
	sorted := make([]uint64, len(entries))
	buckets := c.byWindow(len(entries), func(i int) uint32 { return uint32(entries[i] >> 32) }, func(i, to int) { sorted[to] = entries[i] })
	disk, missing := t.disk.OnDisk(c.index), 0
	if disk {
		missing = t.disk.Fetch(c.window(0))
	}
	for k, lo := 0, 0; k < len(buckets); k++ {
		if disk {
			missing += t.disk.Fetch(c.window(k + 1))
		}
		for _, e := range sorted[lo:buckets[k]] {
			c.put(e)
		}
		if missing > 0 {
			t.disk.Written(c.window(k))
		}
		lo = buckets[k]
	}
	c.used += len(entries)
	c.hot = 0
}

// byWindow sorts n hashes by the window of the cold part that they lie in: put is called with each and its place. It
// returns where the windows end.
func (c *coldIndex) byWindow(n int, hash func(int) uint32, put func(i, to int)) []int {
	windows := max(len(c.index)/indexWindow, 1)
	c.buckets = append(c.buckets[:0], make([]int, windows+1)...)
	at := c.buckets
	for i := range n {
		at[(hash(i)&c.mask)/indexWindow+1]++
	}
	for k := range windows {
		at[k+1] += at[k]
	}
	for i := range n {
		k := (hash(i) & c.mask) / indexWindow
		put(i, at[k])
		at[k]++
	}
	return at[:windows]
}

func (c *coldIndex) window(k int) []uint64 {
	return c.index[min(k*indexWindow, len(c.index)):min((k+1)*indexWindow, len(c.index))]
}

// grow moves the cold part to one of n entries.
func (c *coldIndex) grow(t *KeyTable, n int) {
	old := *c
	if t.memory != nil && c.filter != nil {
		t.memory.FreeWords(c.filter)
	}
	c.filter = t.disk.Resident(max(n/filterShare, 1))
	c.index, c.mask = wordsOfMemory(t.memory, n), uint32(n-1)
	disk := t.disk.OnDisk(old.index)
	for k := 0; k*indexWindow < len(old.index); k++ {
		if disk {
			t.disk.Fetch(old.window(k + 1))
		}
		for _, e := range old.window(k) {
			if e != 0 {
				c.put(e)
			}
		}
		for at := k * indexWindow; at < n; at += len(old.index) {
			t.disk.Written(c.index[at:min(at+indexWindow, n)])
		}
		if disk {
			t.disk.LetGo(old.window(k))
		}
	}
	t.memory.FreeWords(old.index)
}

// remove takes slot s out of the cold part, whose key has the given hash.
func (c *coldIndex) remove(s int32, hash uint64) {
	if c.used == 0 {
		panic("chunk: deleting a key that is not in the table")
	}
	pos := uint32(hash) & c.mask
	for uint32(c.index[pos]) != uint32(s)+1 {
		if c.index[pos] == 0 {
			panic("chunk: deleting a key that is not in the table")
		}
		pos = (pos + 1) & c.mask
	}
	c.used--
	hole := pos
	for {
		pos = (pos + 1) & c.mask
		e := c.index[pos]
		if e == 0 {
			break
		}
		if home := uint32(e>>32) & c.mask; (pos-home)&c.mask >= (pos-hole)&c.mask {
			c.index[hole] = e
			hole = pos
		}
	}
	c.index[hole] = 0
}

// upsertCold is Upsert, findCold is Find, of a table with a cold part.
func (t *KeyTable) upsertCold(keys []*Column, hash []uint64, slots []int32) {
	enc := t.findCold(keys, hash, slots)
	w := t.lay.words
	for i, s := range slots[:len(hash)] {
		if s >= 0 {
			continue
		}
		h := hash[i]
		// A key that comes twice is there the second time.
		if slots[i] = t.findHot(keys, enc, h, i); slots[i] < 0 {
			pos := home(uint32(h), len(t.index))
			for t.index[pos] != 0 {
				if pos++; pos == len(t.index) {
					pos = 0
				}
			}
			slots[i] = t.insert(pos, uint32(h), enc[i*w:(i+1)*w], keys, i)
		}
	}
}

func (t *KeyTable) findHot(keys []*Column, enc []uint64, h uint64, i int) int32 {
	w := t.lay.words
	pos := home(uint32(h), len(t.index))
	for e := t.index[pos]; e != 0; e = t.index[pos] {
		if uint32(e>>32) == uint32(h) {
			if s := int32(uint32(e)) - 1; t.lay.equal(t.Row(s), enc[i*w:(i+1)*w], keys, i, &t.Arena) {
				return s
			}
		}
		if pos++; pos == len(t.index) {
			pos = 0
		}
	}
	return -1
}

// findHotInts is findHot of all keys of a table of one integer column.
func (t *KeyTable) findHotInts(keys []int64, hash []uint64, slots []int32) {
	index := t.index
	for i, h := range hash {
		pos := home(uint32(h), len(index))
		slots[i] = -1
		for e := index[pos]; e != 0; e = index[pos] {
			if uint32(e>>32) == uint32(h) {
				s := int32(uint32(e)) - 1
				at := int(s&pageMask) * t.stride
				page := t.pages[s>>pageBits]
				if page[at+1] == uint64(keys[i]) && page[at]&t.lay.nulls == 0 {
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

// findCold looks keys, normalised, up in both parts and returns them encoded.
func (t *KeyTable) findCold(keys []*Column, hash []uint64, slots []int32) []uint64 {
	c, w := t.cold, t.lay.words
	enc := t.encodeScratch(keys, len(hash))
	t.prefetch(hash)
	if t.oneInt && keys[0].Nulls == nil {
		t.findHotInts(keys[0].Ints, hash, slots)
	} else {
		for i, h := range hash {
			slots[i] = t.findHot(keys, enc, h, i)
		}
	}
	c.list = c.list[:0]
	for i, s := range slots[:len(hash)] {
		if s < 0 && c.mayHave(uint32(hash[i])) {
			c.list = append(c.list, int32(i))
		}
	}
	c.asked += len(hash)
	if len(c.list) == 0 {
		return enc
	}
	if t.disk.OnDisk(c.index) {
		c.fetchEntries(t.disk, hash, c.list)
	}
	c.guess = c.guess[:0]
	for _, i := range c.list {
		if s := c.tagged(uint32(hash[i])); s >= 0 {
			c.guess = append(c.guess, s)
		}
	}
	c.found += len(c.guess)
	slices.Sort(c.guess)
	t.FetchRows(c.guess, nil, false)
	for _, i := range c.list {
		h := hash[i]
		pos := uint32(h) & c.mask
		for e := c.index[pos]; e != 0; e = c.index[pos] {
			if uint32(e>>32) == uint32(h) {
				if s := int32(uint32(e)) - 1; t.lay.equal(t.Row(s), enc[int(i)*w:(int(i)+1)*w], keys, int(i), &t.Arena) {
					slots[i] = s
					break
				}
			}
			pos = (pos + 1) & c.mask
		}
	}
	return enc
}

// tagged returns the first slot in the cold part whose key's hash is alike, -1 if there is none.
func (c *coldIndex) tagged(h32 uint32) int32 {
	pos := h32 & c.mask
	for e := c.index[pos]; e != 0; e = c.index[pos] {
		if uint32(e>>32) == h32 {
			return int32(uint32(e)) - 1
		}
		pos = (pos + 1) & c.mask
	}
	return -1
}

// fetchEntries begins to read the entries of the hashes that list names, each page once.
func (c *coldIndex) fetchEntries(d Disk, hash []uint64, list []int32) {
	c.pages = c.pages[:0]
	for _, i := range list {
		c.pages = append(c.pages, uint32(hash[i])&c.mask/osPage)
	}
	slices.Sort(c.pages)
	for k := 0; k < len(c.pages); {
		first := int(c.pages[k])
		last := first
		for ; k < len(c.pages) && int(c.pages[k]) <= last+1; k++ {
			last = int(c.pages[k])
		}
		d.Fetch(c.index[first*osPage : min((last+1)*osPage, len(c.index))])
	}
}
