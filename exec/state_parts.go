package exec

import (
	"bytes"
	"encoding/binary"

	"streamdb/sql/chunk"
)

// tablePart is a key table; unindexed ones are filled with AppendAll.
type tablePart struct {
	*chunk.KeyTable
	unindexed bool
}

func (p tablePart) loadEnd() error { return p.LoadEnd(!p.unindexed) }

// arenaPart is an arena that payload words refer to.
type arenaPart struct{ *chunk.Arena }

func (p arenaPart) loadEnd() error { return p.LoadEnd() }

// blobPart is a few bytes.
type blobPart struct {
	// append appends the bytes to dst, load reads them.
	append func(dst []byte) []byte
	load   func(b []byte) error
	saved  []byte
}

// Save writes the bytes if they have changed.
func (p *blobPart) Save(set *chunk.PieceSet) {
	if b := p.append(nil); p.saved == nil || !bytes.Equal(b, p.saved) {
		p.saved = append([]byte{}, b...)
		set.Put(chunk.SaveHeader, 0, func(dst []byte) []byte { return append(dst, b...) })
	}
}

// Unsave makes the next Save write the bytes.
func (p *blobPart) Unsave() { p.saved = nil }

// DirtyBytes is next to nothing.
func (p *blobPart) DirtyBytes() int64 { return 0 }

// LoadPiece takes the bytes.
func (p *blobPart) LoadPiece(part chunk.SavePart, no uint32, b []byte) error {
	if part != chunk.SaveHeader || no != 0 {
		return corrupt("piece %d.%d of a single one", part, no)
	}
	p.saved = append([]byte{}, b...)
	return p.load(b)
}

func (p *blobPart) loadEnd() error {
	if p.saved == nil {
		return corrupt("a part is missing")
	}
	return nil
}

// groupPart is what an accumulator keeps beside the table of groups: a piece per 64
// slots, written anew when one of them was touched. It stands in front of the table's
// own part, which forgets what was touched.
//
//	piece:  (slot in piece | length | bytes) …    numbers are uvarints
type groupPart struct {
	table *chunk.KeyTable
	// append appends the state of slot s to dst, nothing if it has none; load reads it.
	append func(dst []byte, s int32) []byte
	load   func(s int32, r *stateReader) error
	stored chunk.Bitmap // pieces that the store has
	all    bool         // the next Save writes everything
	buf    []byte
}

// Save writes the pieces of touched slots.
func (p *groupPart) Save(set *chunk.PieceSet) {
	touched := p.table.Touched()
	p.stored = p.stored.Grow(len(touched))
	for w, word := range touched {
		if word == 0 && !p.all {
			continue
		}
		p.buf = p.appendPiece(p.buf[:0], w)
		switch {
		case len(p.buf) > 0:
			set.Put(chunk.SaveSide, uint32(w), func(dst []byte) []byte { return append(dst, p.buf...) })
			p.stored.Set(w)
		case p.stored.Get(w):
			set.Delete(chunk.SaveSide, uint32(w))
			p.stored.Clear(w)
		}
	}
	p.all = false
}

func (p *groupPart) appendPiece(dst []byte, w int) []byte {
	var buf []byte
	for s := int32(w * 64); s < int32(w*64+64) && int(s) < p.table.Slots(); s++ {
		if !p.table.Live(s) {
			continue
		}
		if buf = p.append(buf[:0], s); len(buf) > 0 {
			dst = append(dst, byte(s&63))
			dst = binary.AppendUvarint(dst, uint64(len(buf)))
			dst = append(dst, buf...)
		}
	}
	return dst
}

// Unsave makes the next Save write everything.
func (p *groupPart) Unsave() { p.stored, p.all = nil, true }

// DirtyBytes estimates the pieces of touched slots.
func (p *groupPart) DirtyBytes() int64 {
	n := 0
	for _, word := range p.table.Touched() {
		if word != 0 || p.all {
			n += 64
		}
	}
	return int64(min(n, p.table.Slots())) * 64
}

// LoadPiece reads the state of up to 64 slots.
func (p *groupPart) LoadPiece(part chunk.SavePart, no uint32, b []byte) error {
	if part != chunk.SaveSide || no > 1<<25 {
		return corrupt("piece %d.%d beside a table", part, no)
	}
	p.stored = p.stored.Grow(int(no) + 1)
	p.stored.Set(int(no))
	r := stateReader{b: b}
	for len(r.b) > 0 {
		at := r.byte()
		group := stateReader{b: r.bytes(r.uvarint())}
		if r.bad || at > 63 {
			return corrupt("piece %d beside a table", no)
		}
		if err := p.load(int32(no)<<6|int32(at), &group); err != nil {
			return err
		}
		if group.bad || len(group.b) > 0 {
			return corrupt("piece %d beside a table", no)
		}
	}
	return nil
}

func (p *groupPart) loadEnd() error { return nil }

// stateReader reads what was appended to a piece; a fault makes the rest read as zeros.
type stateReader struct {
	b   []byte
	bad bool
}

func (r *stateReader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *stateReader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *stateReader) word() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *stateReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *stateReader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count reads a number of things that take a byte each at least.
func (r *stateReader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n)
}
