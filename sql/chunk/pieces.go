package chunk

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// SavePart names a kind of piece of saved state.
type SavePart byte

// The kinds of pieces. Their order is that in which pieces are loaded.
const (
	SaveHeader SavePart = iota + 1
	SavePage            // of a KeyTable: no is page<<pieceBits | patch
	SaveArena           // header of an Arena
	SaveSlab            // of an Arena: no is slab<<pieceBits | tail
	SaveSide            // what an owner keeps beside a KeyTable: no is its to choose
)

// pieceBits is the width of the number that counts the pieces of one page or slab.
const pieceBits = 10

// PieceKey says where a piece belongs: to whom, and what it is of it.
type PieceKey struct {
	Owner uint64
	Part  SavePart
	No    uint32
}

// PieceKeyBytes is the length of an encoded PieceKey.
const PieceKeyBytes = 13

// Append appends the key's encoding to dst; encoded keys sort as keys do.
func (k PieceKey) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, k.Owner)
	return binary.BigEndian.AppendUint32(append(dst, byte(k.Part)), k.No)
}

// DecodePieceKey reads what Append wrote; false if b is no key.
func DecodePieceKey(b []byte) (PieceKey, bool) {
	if len(b) != PieceKeyBytes {
		return PieceKey{}, false
	}
	return PieceKey{binary.BigEndian.Uint64(b), SavePart(b[8]), binary.BigEndian.Uint32(b[9:])}, true
}

// Piece is a saved piece of state; nil bytes say that an earlier one is gone.
type Piece struct {
	PieceKey
	from, to int // in the set's bytes; from < 0 for a piece that is gone
}

// PieceSet collects the pieces that have changed since the last save: copies, so that
// the state may move on while they are written.
type PieceSet struct {
	// Stream, if set, is given every piece at once instead, nil for one that is gone,
	// in the order of their keys as long as owners come in theirs. After an error it is
	// not called any more.
	Stream func(k PieceKey, b []byte) error

	owner uint64
	list  []Piece
	bytes []byte
	n     int // pieces streamed
	err   error
}

// Reserve makes room for n bytes.
func (p *PieceSet) Reserve(n int64) { p.bytes = slices.Grow(p.bytes, int(n)) }

// SetOwner sets whose the following pieces are.
func (p *PieceSet) SetOwner(owner uint64) { p.owner = owner }

// Put adds a piece with the bytes that fill appends.
func (p *PieceSet) Put(part SavePart, no uint32, fill func(dst []byte) []byte) {
	if p.Stream != nil {
		p.bytes = fill(p.bytes[:0])
		p.stream(part, no, p.bytes)
		return
	}
	from := len(p.bytes)
	p.bytes = fill(p.bytes)
	p.list = append(p.list, Piece{PieceKey{p.owner, part, no}, from, len(p.bytes)})
}

// Delete notes that a piece saved earlier is gone.
func (p *PieceSet) Delete(part SavePart, no uint32) {
	if p.Stream != nil {
		p.stream(part, no, nil)
		return
	}
	p.list = append(p.list, Piece{PieceKey{p.owner, part, no}, -1, 0})
}

func (p *PieceSet) stream(part SavePart, no uint32, b []byte) {
	p.n++
	if p.err == nil {
		p.err = p.Stream(PieceKey{p.owner, part, no}, b)
	}
}

// Err returns the error of Stream.
func (p *PieceSet) Err() error { return p.err }

// Len returns the number of pieces, those streamed included; Bytes is the size of the
// collected ones.
func (p *PieceSet) Len() int { return len(p.list) + p.n }

// Bytes returns the bytes of all pieces.
func (p *PieceSet) Bytes() int64 { return int64(len(p.bytes)) }

// Each calls fn for the pieces in the order of their keys, with nil for those that are
// gone.
func (p *PieceSet) Each(fn func(k PieceKey, b []byte) error) error {
	slices.SortFunc(p.list, func(a, b Piece) int {
		return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Part, b.Part), cmp.Compare(a.No, b.No))
	})
	for _, x := range p.list {
		var b []byte
		if x.from >= 0 {
			b = p.bytes[x.from:x.to:x.to]
		}
		if err := fn(x.PieceKey, b); err != nil {
			return err
		}
	}
	return nil
}

func appendWords(dst []byte, words []uint64) []byte {
	at := len(dst)
	dst = slices.Grow(dst, 8*len(words))[:at+8*len(words)]
	for i, w := range words {
		binary.LittleEndian.PutUint64(dst[at+8*i:], w)
	}
	return dst
}

func readWords(dst []uint64, b []byte) {
	for i := range dst {
		dst[i] = binary.LittleEndian.Uint64(b[i*8:])
	}
}
