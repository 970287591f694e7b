package chunk

// Locate says for each of the n hashes which slot most likely holds its key, -1 for none, and how many of them it has
// found in the part of the index that lies on disk, reading that in one sweep. Only hashes are compared: see UpsertGuessed.
func (t *KeyTable) Locate(hash []uint64, guess []int32) (cold int) {
	t.prefetch(hash)
	c := t.cold
	c.list = c.list[:0]
	for i, h := range hash {
		guess[i] = -1
		pos := home(uint32(h), len(t.index))
		for e := t.index[pos]; e != 0; e = t.index[pos] {
			if uint32(e>>32) == uint32(h) {
				guess[i] = int32(uint32(e)) - 1
				break
			}
			if pos++; pos == len(t.index) {
				pos = 0
			}
		}
		if guess[i] < 0 && c.mayHave(uint32(h)) {
			c.list = append(c.list, int32(i))
		}
	}
	if len(c.list) == 0 {
		return 0
	}
	if cap(c.rows) < len(c.list) {
		c.rows = make([]int32, len(c.list))
	}
	rows := c.rows[:len(c.list)]
	ends := c.byWindow(len(rows), func(i int) uint32 { return uint32(hash[c.list[i]]) }, func(i, to int) { rows[to] = c.list[i] })
	disk, lo, now := t.disk.OnDisk(c.index), 0, 0
	if disk {
		now = c.fetchFor(t.disk, 0, hash, rows[:ends[0]])
	}
	for k, hi := range ends {
		next := 0
		if disk && k+1 < len(ends) {
			next = c.fetchFor(t.disk, k+1, hash, rows[hi:ends[k+1]])
		}
		if now > 0 {
			t.disk.Fetch(c.window(k)) // again, what the system had no room for
		}
		for _, i := range rows[lo:hi] {
			if guess[i] = c.tagged(uint32(hash[i])); guess[i] >= 0 {
				cold++
			}
		}
		if now > 0 && letGo(k) {
			t.disk.LetGo(c.window(k))
		}
		lo, now = hi, next
	}
	return cold
}

// fetchFor begins to read what rows need of window k; it returns how many pages were not in memory if that is all.
func (c *coldIndex) fetchFor(d Disk, k int, hash []uint64, rows []int32) int {
	if len(rows) < indexWindow/osPage/4 {
		c.fetchEntries(d, hash, rows)
		return 0
	}
	return d.Fetch(c.window(k))
}

// letGo says whether a sweep makes the system forget what it had to read, its k-th piece. The system itself forgets what
// was used longest ago, which is what a sweep needs next: one over more than fits would find nothing in memory. So most
// of what is read is let go at once, and what happens to be there stays; a part stays, too, since it may all fit.
func letGo(k int) bool { return k&31 != 0 }

// UpsertGuessed is Upsert of keys whose slots Locate has guessed, possibly before other changes.
func (t *KeyTable) UpsertGuessed(keys []*Column, hash []uint64, guess, slots []int32) {
	normal := keys
	if t.lay.normal {
		normal = normalCols(keys)
	}
	w := t.lay.words
	enc := t.encodeScratch(normal, len(hash))
	var rest []int32
	for i, s := range guess {
		if s >= 0 && t.live.Get(int(s)) && t.lay.equal(t.Row(s), enc[i*w:(i+1)*w], normal, i, &t.Arena) {
			slots[i] = s
		} else {
			rest = append(rest, int32(i))
		}
	}
	if len(rest) == 0 {
		return
	}
	some, hashes, found := make([]*Column, len(keys)), make([]uint64, len(rest)), make([]int32, len(rest))
	for i, k := range keys {
		some[i] = k.Gather(rest)
	}
	for k, i := range rest {
		hashes[k] = hash[i]
	}
	t.Upsert(some, hashes, found)
	for k, i := range rest {
		slots[i] = found[k]
	}
}

// FetchRows begins to read the rows of slots, which rise, as far as they lie on disk. It appends the pages that were not in memory
// to dst; with all, all that lie on disk.
func (t *KeyTable) FetchRows(slots, dst []int32, all bool) []int32 {
	if t.disk == nil {
		return dst
	}
	for lo := 0; lo < len(slots); {
		page := slots[lo] >> pageBits
		hi := lo + 1
		for hi < len(slots) && slots[hi]>>pageBits == page {
			hi++
		}
		if t.onDisk.Get(int(page)) {
			n := 0
			if hi-lo >= t.stride/4 {
				n = t.disk.Fetch(t.pages[page])
			} else {
				for _, s := range slots[lo:hi] {
					n += t.disk.Fetch(t.Row(s))
				}
			}
			if n > 0 || all {
				dst = append(dst, page)
			}
		}
		lo = hi
	}
	return dst
}

// FetchPages begins to read pages that FetchRows has named.
func (t *KeyTable) FetchPages(pages []int32) {
	for _, p := range pages {
		t.disk.Fetch(t.pages[p])
	}
}

// WritePages begins to write what was changed on pages that FetchRows has named.
func (t *KeyTable) WritePages(pages []int32) {
	for _, p := range pages {
		t.disk.Written(t.pages[p])
	}
}

// LeavePages makes room by most of the pages, which WritePages has been told of some time ago.
func (t *KeyTable) LeavePages(pages []int32) {
	for _, p := range pages {
		if letGo(int(p)) {
			t.disk.LetGo(t.pages[p])
		}
	}
}

// ColdShare returns how many of the keys that Upsert was asked for since the last call it has found in the part of the
// index that lies on disk, and for how many it was asked.
func (t *KeyTable) ColdShare() (found, asked int) {
	if t.cold == nil {
		return 0, 0
	}
	found, asked = t.cold.found, t.cold.asked
	t.cold.found, t.cold.asked = 0, 0
	return found, asked
}

// SweepRows returns how many rows are to be looked up at a time, 0 if that makes no difference.
func (t *KeyTable) SweepRows() int {
	if t.cold == nil {
		return 0
	}
	const each = 128 // bytes that a row takes while it waits
	return max(int(t.disk.Share()/each), RowsMax)
}
