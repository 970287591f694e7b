package exec

import "sort"

const (
	// leafClass is the size class of a full leaf: 512 slots, so that an insertion moves
	// 1 KiB at the median.
	leafClass = 9
	leafMax   = 1 << leafClass
	// leafMin is the size class of the smallest leaf: most partitions are small.
	leafMin = 2
)

// seqArena owns the memory of the row sequences of an operator.
type seqArena struct {
	blockArena[int32]
	weighed bool // directories have a number per leaf, see leafWeight
}

// rowSeq is an ordered list of row slots: one leaf or, above leafMax slots, a directory of
// (leaf, length) pairs. The zero rowSeq is empty. Finding a place costs two binary
// searches and a walk along the directory, an insertion moves half a leaf.
type rowSeq struct {
	n      int32
	leaves int32 // 0: block is the only leaf
	block  uint64
	class  uint8 // of block; 0 for none
}

// dir returns the directory: three words per leaf, its block and its length; then, in a weighed one, two words with its
// weight.
func (a *seqArena) dir(s *rowSeq) []int32 { return a.words(s.block, s.class) }

const (
	dirWords      = 3
	dirWeight     = 2 // more words of a weighed directory
	leafUnweighed = -1
)

// step is the words per leaf of a directory.
func (a *seqArena) step() int {
	if a.weighed {
		return dirWords + dirWeight
	}
	return dirWords
}

// dirBlock returns the block of the leaf whose words begin at d[at].
func dirBlock(d []int32, at int) uint64 {
	return uint64(uint32(d[at]))<<32 | uint64(uint32(d[at+1]))
}

func (a *seqArena) setDir(d []int32, i int, block uint64, n int) {
	d = d[a.step()*i:]
	d[0], d[1], d[2] = int32(block>>32), int32(uint32(block)), int32(n)
	if a.weighed {
		d[3], d[4] = leafUnweighed, leafUnweighed
	}
}

// leafWeight returns the number kept with leaf i of a sequence that has a directory; leafUnweighed if it is not known.
func (a *seqArena) leafWeight(s *rowSeq, i int) int64 {
	d := a.dir(s)[a.step()*i+dirWords:]
	return int64(d[1])<<32 | int64(uint32(d[0]))
}

func (a *seqArena) setLeafWeight(s *rowSeq, i int, w int64) {
	d := a.dir(s)[a.step()*i+dirWords:]
	d[0], d[1] = int32(w), int32(w>>32)
}

// leaf returns the slots of leaf i.
func (a *seqArena) leaf(s *rowSeq, i int) []int32 {
	if s.leaves == 0 {
		if s.n == 0 {
			return nil
		}
		return a.words(s.block, s.class)[:s.n]
	}
	d := a.dir(s)
	return a.words(dirBlock(d, a.step()*i), leafClass)[:d[a.step()*i+2]]
}

// leafCount returns the number of leaves.
func (s *rowSeq) leafCount() int { return int(max(s.leaves, 1)) }

// place returns the place of the first slot that does not stand before target: its leaf and its index there. The place of
// a leaf's first slot is behind the last one of the leaf before.
func (a *seqArena) place(s *rowSeq, order func(x, y int32) int, target int32) (leaf, at int) {
	if s.leaves > 0 {
		leaf = sort.Search(int(s.leaves), func(i int) bool { return order(a.leaf(s, i)[0], target) >= 0 }) - 1
		leaf = max(leaf, 0)
	}
	l := a.leaf(s, leaf)
	lo, hi := 0, len(l)
	for lo < hi {
		m := (lo + hi) / 2
		if order(l[m], target) < 0 {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return leaf, lo
}

// find is place with the position in the sequence.
func (a *seqArena) find(s *rowSeq, order func(x, y int32) int, target int32) (leaf, at int, pos int32) {
	leaf, at = a.place(s, order, target)
	if leaf > 0 {
		d := a.dir(s)
		for i := range leaf {
			pos += d[a.step()*i+2]
		}
	}
	return leaf, at, pos + int32(at)
}

// put inserts slot where order, which is total, wants it.
func (a *seqArena) put(s *rowSeq, order func(x, y int32) int, slot int32) {
	leaf, at := a.place(s, order, slot)
	a.insert(s, leaf, at, slot)
}

// take removes slot; order is total.
func (a *seqArena) take(s *rowSeq, order func(x, y int32) int, slot int32) {
	leaf, at := a.place(s, order, slot)
	if at == len(a.leaf(s, leaf)) {
		leaf, at = leaf+1, 0
	}
	if a.leaf(s, leaf)[at] != slot {
		panic("exec: removing a row that is not in the order")
	}
	a.remove(s, leaf, at)
}

// insert puts slot at index at of leaf i.
func (a *seqArena) insert(s *rowSeq, i, at int, slot int32) {
	if s.leaves == 0 {
		switch {
		case s.class == 0:
			s.block, s.class = a.alloc(leafMin), leafMin
		case s.n == leafMax:
			a.toDirectory(s)
			a.insert(s, 0, at, slot)
			return
		case s.n == 1<<s.class:
			b := a.alloc(s.class + 1)
			copy(a.words(b, s.class+1), a.words(s.block, s.class))
			a.release(s.block, s.class)
			s.block, s.class = b, s.class+1
		}
		s.n++
		l := a.words(s.block, s.class)[:s.n]
		copy(l[at+1:], l[at:])
		l[at] = slot
		return
	}
	d := a.dir(s)
	if d[a.step()*i+2] == leafMax {
		a.split(s, i)
		d = a.dir(s)
		if n := int(d[a.step()*i+2]); at > n {
			i, at = i+1, at-n
		}
	}
	d[a.step()*i+2]++
	l := a.leaf(s, i)
	copy(l[at+1:], l[at:])
	l[at] = slot
	s.n++
}

// toDirectory puts a directory above the only leaf.
func (a *seqArena) toDirectory(s *rowSeq) {
	b := a.alloc(leafMin + 2)
	a.setDir(a.words(b, leafMin+2), 0, s.block, int(s.n))
	s.block, s.class, s.leaves = b, leafMin+2, 1
}

// split cuts leaf i into two.
func (a *seqArena) split(s *rowSeq, i int) {
	a.addLeaf(s, i+1)
	d := a.dir(s)
	b := a.alloc(leafClass)
	old := a.leaf(s, i)
	half := len(old) / 2
	copy(a.words(b, leafClass), old[half:])
	a.setDir(d, i+1, b, len(old)-half)
	d[a.step()*i+2] = int32(half)
	if a.weighed {
		a.setLeafWeight(s, i, leafUnweighed)
	}
}

// addLeaf makes room in the directory for a leaf at i.
func (a *seqArena) addLeaf(s *rowSeq, i int) {
	n := int(s.leaves)
	if a.step()*(n+1) > 1<<s.class {
		b := a.alloc(s.class + 1)
		copy(a.words(b, s.class+1), a.dir(s))
		a.release(s.block, s.class)
		s.block, s.class = b, s.class+1
	}
	d := a.dir(s)
	copy(d[a.step()*(i+1):a.step()*(n+1)], d[a.step()*i:a.step()*n])
	s.leaves++
}

// remove takes out index at of leaf i.
func (a *seqArena) remove(s *rowSeq, i, at int) {
	l := a.leaf(s, i)
	copy(l[at:], l[at+1:])
	s.n--
	if s.leaves == 0 {
		if s.n == 0 {
			a.clear(s)
		}
		return
	}
	d := a.dir(s)
	if d[a.step()*i+2]--; d[a.step()*i+2] > 0 {
		return
	}
	a.release(dirBlock(d, a.step()*i), leafClass)
	copy(d[a.step()*i:], d[a.step()*(i+1):a.step()*int(s.leaves)])
	if s.leaves--; s.leaves == 0 {
		a.release(s.block, s.class)
		*s = rowSeq{}
	}
}

// clear empties the sequence.
func (a *seqArena) clear(s *rowSeq) {
	if s.leaves > 0 {
		d := a.dir(s)
		for i := range int(s.leaves) {
			a.release(dirBlock(d, a.step()*i), leafClass)
		}
	}
	a.release(s.block, s.class)
	*s = rowSeq{}
}

// build makes the sequence hold slots, which are in order. Leaves are filled to three
// quarters, so that what comes next finds room.
func (a *seqArena) build(s *rowSeq, slots []int32) {
	a.clear(s)
	if len(slots) == 0 {
		return
	}
	if len(slots) <= leafMax {
		class := uint8(leafMin)
		for 1<<class < len(slots) {
			class++
		}
		s.block, s.class, s.n = a.alloc(class), class, int32(len(slots))
		copy(a.words(s.block, class), slots)
		return
	}
	const fill = leafMax * 3 / 4
	leaves := (len(slots) + fill - 1) / fill
	class := uint8(leafMin + 2)
	for 1<<class < a.step()*leaves {
		class++
	}
	s.block, s.class, s.leaves, s.n = a.alloc(class), class, int32(leaves), int32(len(slots))
	for i := range leaves {
		part := slots[i*fill : min((i+1)*fill, len(slots))]
		b := a.alloc(leafClass)
		copy(a.words(b, leafClass), part)
		a.setDir(a.dir(s), i, b, len(part))
	}
}

// appendRange appends the slots of positions [lo, hi) to dst.
func (a *seqArena) appendRange(s *rowSeq, lo, hi int32, dst []int32) []int32 {
	pos, first := int32(0), 0
	if s.leaves > 0 {
		d := a.dir(s)
		for first < int(s.leaves) && pos+d[a.step()*first+2] <= lo {
			pos += d[a.step()*first+2]
			first++
		}
	}
	for i := first; i < s.leafCount() && pos < hi; i++ {
		l := a.leaf(s, i)
		n := int32(len(l))
		if from, to := max(lo-pos, 0), min(hi-pos, n); from < to {
			dst = append(dst, l[from:to]...)
		}
		pos += n
	}
	return dst
}

// seqCursor reads a sequence at positions near each other.
type seqCursor struct {
	a     *seqArena
	s     *rowSeq
	leaf  int
	first int32 // position of the leaf's first slot
	slots []int32
}

// at returns the slot at position pos.
func (c *seqCursor) at(pos int32) int32 {
	if c.slots == nil {
		c.slots = c.a.leaf(c.s, 0)
	}
	for pos < c.first {
		c.leaf--
		c.slots = c.a.leaf(c.s, c.leaf)
		c.first -= int32(len(c.slots))
	}
	for pos >= c.first+int32(len(c.slots)) {
		c.first += int32(len(c.slots))
		c.leaf++
		c.slots = c.a.leaf(c.s, c.leaf)
	}
	return c.slots[pos-c.first]
}
