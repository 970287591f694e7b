package chunk

import "fmt"

// sumOf folds what a save writes of slot s.
func (t *KeyTable) sumOf(s int32) uint64 {
	if !t.Live(s) {
		return 0
	}
	h := uint64(hashSeed)
	for _, w := range t.Row(s) {
		h = hashWith(h, w)
	}
	return h | 1
}

// noteSums remembers all slots as they are saved.
func (t *KeyTable) noteSums() {
	t.sums = t.sums[:0]
	for s := range int32(t.rows) {
		t.sums = append(t.sums, t.sumOf(s))
	}
}

// mustBeUntouched panics if a slot has changed since the last save and nobody called
// Touch, which would lose the change in a restart.
func (t *KeyTable) mustBeUntouched() {
	for s := range min(t.rows, len(t.sums)) {
		if !t.dirty.Get(s) && t.sums[s] != t.sumOf(int32(s)) {
			panic(fmt.Sprintf("chunk: slot %d has changed without Touch", s))
		}
	}
	t.noteSums()
}
