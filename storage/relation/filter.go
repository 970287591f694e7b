package relation

// filter is a Bloom filter over key hashes in words of 64 bits: a key sets four bits
// of one word, so that a probe touches one cache line. At ten bits a key about 3 % of
// absent keys pass. A nil filter lets everything pass.
type filter []uint64

const filterBitsPerKey = 10

func newFilter(keys int) filter { return make(filter, (keys*filterBitsPerKey+63)/64) }

func (f filter) place(h uint64) (word, mask uint64) {
	word = (h >> 32 * uint64(len(f))) >> 32
	mask = 1<<(h&63) | 1<<(h>>6&63) | 1<<(h>>12&63) | 1<<(h>>18&63)
	return word, mask
}

func (f filter) addAll(hashes []uint64) {
	for _, h := range hashes {
		w, m := f.place(h)
		f[w] |= m
	}
}

// mayHave reports whether a key of hash h may have been added.
func (f filter) mayHave(h uint64) bool {
	if f == nil {
		return true
	}
	w, m := f.place(h)
	return f[w]&m == m
}
