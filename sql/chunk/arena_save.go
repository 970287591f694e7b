package chunk

import (
	"bytes"
	"fmt"
)

// An Arena is saved by slab: the slab, then what was appended to it since, in pieces of
// its own; too many of those, and it is written anew.

const slabPiecesMax = 16

// savedArena is what the last save has left in the store.
type savedArena struct {
	head  []byte
	slabs []savedSlab
}

// savedSlab is the pieces of one slab and their length; a length of -1 says that the
// slab's place has other content now.
type savedSlab struct {
	len    int
	pieces uint32
}

// Renewed returns an empty arena in the place of a.
func (a *Arena) Renewed() Arena {
	for i := range a.saved.slabs {
		a.saved.slabs[i].len = -1
	}
	return Arena{saved: a.saved, memory: a.memory}
}

// Save adds the pieces that have changed since the last save to set.
func (a *Arena) Save(set *PieceSet) {
	head := appendWords(nil, []uint64{saveVersion, uint64(len(a.slabs)), uint64(a.live)})
	if !bytes.Equal(head, a.saved.head) {
		a.saved.head = head
		set.Put(SaveArena, 0, func(dst []byte) []byte { return append(dst, head...) })
	}
	for len(a.saved.slabs) < len(a.slabs) {
		a.saved.slabs = append(a.saved.slabs, savedSlab{len: -1})
	}
	for i, s := range a.slabs {
		v := &a.saved.slabs[i]
		from := 0
		switch {
		case v.len == len(s):
			continue
		case v.len >= 0 && v.pieces < slabPiecesMax:
			from = v.len
		default:
			for k := uint32(1); k < v.pieces; k++ {
				set.Delete(SaveSlab, uint32(i)<<pieceBits|k)
			}
			v.pieces = 0
		}
		set.Put(SaveSlab, uint32(i)<<pieceBits|v.pieces, func(dst []byte) []byte { return append(dst, s[from:]...) })
		v.len = len(s)
		v.pieces++
	}
	for i, v := range a.saved.slabs[len(a.slabs):] {
		for k := range v.pieces {
			set.Delete(SaveSlab, uint32(i+len(a.slabs))<<pieceBits|k)
		}
	}
	a.saved.slabs = a.saved.slabs[:len(a.slabs)]
}

// Unsave makes the next Save write everything.
func (a *Arena) Unsave() { a.saved = savedArena{} }

// DirtyBytes estimates the size of the next Save.
func (a *Arena) DirtyBytes() int64 {
	var n int64
	for i, s := range a.slabs {
		n += int64(len(s))
		if i < len(a.saved.slabs) && a.saved.slabs[i].len >= 0 && a.saved.slabs[i].pieces < slabPiecesMax {
			n -= int64(a.saved.slabs[i].len)
		}
	}
	return n
}

// LoadPiece adds a saved piece to an empty arena; pieces come in the order of their keys.
func (a *Arena) LoadPiece(part SavePart, no uint32, b []byte) error {
	if part == SaveArena && a.saved.head == nil {
		var h [3]uint64
		if len(b) != len(h)*8 {
			return fmt.Errorf("%w: arena's header of %d bytes", ErrCorrupt, len(b))
		}
		readWords(h[:], b)
		if h[0] != saveVersion || h[1] > 1<<20 || int64(h[2]) < 0 {
			return fmt.Errorf("%w: arena's header", ErrCorrupt)
		}
		a.saved.head, a.live = bytes.Clone(b), int64(h[2])
		return nil
	}
	slab, piece := int(no>>pieceBits), no&(1<<pieceBits-1)
	switch {
	case part != SaveSlab || a.saved.head == nil:
		return fmt.Errorf("%w: piece of kind %d in an arena", ErrCorrupt, part)
	case piece == 0 && slab == len(a.slabs):
		a.slabs = append(a.slabs, append(a.loadSlab(slab, len(b)), b...))
		a.saved.slabs = append(a.saved.slabs, savedSlab{})
	case piece == 0 || slab != len(a.slabs)-1 || a.saved.slabs[slab].pieces != piece:
		return fmt.Errorf("%w: piece %d of slab %d", ErrCorrupt, piece, slab)
	default:
		a.slabs[slab] = append(a.slabs[slab], b...)
	}
	a.saved.slabs[slab].pieces++
	a.saved.slabs[slab].len += len(b)
	return nil
}

// loadSlab returns the block for a slab whose first piece has n bytes: full slabs, which all
// but the first few are, get more pieces behind it.
func (a *Arena) loadSlab(slab, n int) []byte {
	if slab < 4 || a.memory == nil {
		return bytesOfMemory(a.memory, n)
	}
	return bytesOfMemory(a.memory, max(n, slabSize))
}

// LoadEnd checks what was loaded and makes it usable.
func (a *Arena) LoadEnd() error {
	var h [3]uint64
	if a.saved.head == nil {
		return fmt.Errorf("%w: arena without a header", ErrCorrupt)
	}
	readWords(h[:], a.saved.head)
	if uint64(len(a.slabs)) != h[1] {
		return fmt.Errorf("%w: %d slabs of %d", ErrCorrupt, len(a.slabs), h[1])
	}
	for i, s := range a.slabs {
		a.slabs[i] = s[:len(s):len(s)] // full: what comes opens a new one
		a.total += int64(len(s))
	}
	a.open = max(len(a.slabs)-1, 0)
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
