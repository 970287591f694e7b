package chunk

import (
	"encoding/binary"
	"math/bits"
)

// The modes of integers.
const (
	intsConstant = iota
	intsFrame    // bits above the least value
	intsDelta    // bits of the difference to the value before, above the least difference
)

// packedMax is the widest value that a single unaligned load of 8 bytes can cover;
// wider ones are stored whole.
const packedMax = 57

// appendInts appends the mode and the numbers of v.
func appendInts(dst []byte, v []int64) []byte {
	at := len(dst)
	dst = append(dst, 0)
	dst, mode := appendNumbers(dst, v)
	dst[at] = mode
	return dst
}

// appendNumbers appends v in the shortest mode and returns that; the mode byte is the
// caller's to store.
func appendNumbers(dst []byte, v []int64) ([]byte, byte) {
	if len(v) == 0 {
		return binary.AppendVarint(dst, 0), intsConstant
	}
	lo, hi := v[0], v[0]
	for _, x := range v[1:] {
		lo, hi = min(lo, x), max(hi, x)
	}
	if lo == hi {
		return binary.AppendVarint(dst, lo), intsConstant
	}
	width := packedWidth(uint64(hi) - uint64(lo))
	if len(v) >= 4 {
		dlo, dhi := v[1]-v[0], v[1]-v[0]
		for i := 2; i < len(v); i++ {
			d := v[i] - v[i-1]
			dlo, dhi = min(dlo, d), max(dhi, d)
		}
		if dw := packedWidth(uint64(dhi) - uint64(dlo)); dw < width {
			return appendDelta(dst, v, dlo, dw), intsDelta
		}
	}
	dst = binary.AppendVarint(dst, lo)
	dst = append(dst, byte(width))
	p := packer{dst: dst, width: width}
	for _, x := range v {
		p.put(uint64(x) - uint64(lo))
	}
	return p.finish(), intsFrame
}

func appendDelta(dst []byte, v []int64, least int64, width uint) []byte {
	dst = binary.AppendVarint(dst, v[0])
	dst = binary.AppendVarint(dst, least)
	dst = append(dst, byte(width))
	if width == 0 {
		return dst
	}
	p := packer{dst: dst, width: width}
	for i := 1; i < len(v); i++ {
		p.put(uint64(v[i]-v[i-1]) - uint64(least))
	}
	return p.finish()
}

func packedWidth(span uint64) uint {
	w := uint(bits.Len64(span))
	if w > packedMax {
		return 64
	}
	return w
}

// packer appends values of a fixed width, least significant bits first.
type packer struct {
	dst   []byte
	width uint
	acc   uint64
	used  uint
}

func (p *packer) put(v uint64) {
	p.acc |= v << p.used
	if p.used += p.width; p.used < 64 {
		return
	}
	p.dst = binary.LittleEndian.AppendUint64(p.dst, p.acc)
	p.used -= 64
	p.acc = v >> (p.width - p.used) // shifts of 64 and more give 0
}

func (p *packer) finish() []byte {
	for ; p.used > 0; p.used -= min(p.used, 8) {
		p.dst = append(p.dst, byte(p.acc))
		p.acc >>= 8
	}
	return p.dst
}

// unpack reads len(out) values of width bits, adding least, from b, which is as long
// as they take.
func unpack(b []byte, width uint, least uint64, out []int64) {
	if width == 64 {
		for i := range out {
			out[i] = int64(binary.LittleEndian.Uint64(b[8*i:]) + least)
		}
		return
	}
	mask := uint64(1)<<width - 1
	whole := 0 // values whose 8 bytes lie within b
	if len(b) >= 8 {
		whole = min(len(out), (len(b)-8)*8/int(width)+1)
	}
	at := uint(0)
	for i := range out[:whole] {
		out[i] = int64(binary.LittleEndian.Uint64(b[at>>3:])>>(at&7)&mask + least)
		at += width
	}
	if whole == len(out) {
		return
	}
	var tail [24]byte
	start := at >> 3
	copy(tail[:], b[start:])
	at -= start << 3
	for i := whole; i < len(out); i++ {
		out[i] = int64(binary.LittleEndian.Uint64(tail[at>>3:])>>(at&7)&mask + least)
		at += width
	}
}

// ints reads a mode byte and n numbers.
func (r *reader) ints(n int) []int64 { return r.numbers(r.byte(), n) }

func (r *reader) numbers(mode byte, n int) []int64 {
	switch mode {
	case intsConstant:
		v := r.varint()
		if r.err != nil {
			return nil
		}
		out := make([]int64, n)
		if v != 0 {
			for i := range out {
				out[i] = v
			}
		}
		return out
	case intsFrame:
		least := r.varint()
		return r.packed(n, uint64(least), nil)
	case intsDelta:
		first, least := r.varint(), r.varint()
		if n == 0 {
			r.fail("delta of nothing")
			return nil
		}
		return r.packed(n-1, uint64(least), &first)
	}
	r.fail("integer mode")
	return nil
}

// packed reads a width and n packed values. With first they are differences, and the
// result is first and the n sums.
func (r *reader) packed(n int, least uint64, first *int64) []int64 {
	width := uint(r.byte())
	if width > packedMax && width != 64 || width == 0 && first == nil {
		r.fail("integer width")
		return nil
	}
	raw := r.bytes(int((uint(n)*width + 7) / 8))
	if r.err != nil {
		return nil
	}
	if first == nil {
		out := make([]int64, n)
		unpack(raw, width, least, out)
		return out
	}
	out := make([]int64, n+1)
	out[0] = *first
	if width > 0 {
		unpack(raw, width, least, out[1:])
		for i := 1; i < len(out); i++ {
			out[i] += out[i-1]
		}
		return out
	}
	for i := 1; i < len(out); i++ {
		out[i] = out[i-1] + int64(least)
	}
	return out
}
