package chunk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"streamdb/sql/types"
)

// The encoded form of a chunk, version 1:
//
//	chunk   = version byte | weights byte | rows uvarint | columns uvarint | [ints: weights] | column…
//	column  = kind byte | [elem byte, typmod varint] | mode byte | [null bitmap] | values
//	ints    = mode byte | numbers
//	numbers = constant: v | frame: least, width byte, bits | delta: first, least difference, width, bits
//
// v, least and first are zigzag varints. Bit 7 of the kind byte says that elem and
// typmod follow; bit 7 of the mode byte that a null bitmap follows, bit 6 that every
// value is NULL. Only the values of rows that are not NULL are stored. Checksums and
// general compression are the caller's.
const (
	codecVersion = 1

	kindHasMore   = 0x80
	modeNulls     = 0x80
	modeAllNull   = 0x40
	modeMask      = 0x0f
	weightsAllOne = 0
	weightsStored = 1
)

// CellsMax bounds rows × columns of an encoded chunk, so that a few bytes cannot ask
// for unbounded memory.
const CellsMax = 1 << 24

// ErrCorrupt marks bytes that are not an encoded chunk.
var ErrCorrupt = errors.New("chunk: corrupt encoding")

func corrupt(what string) error { return fmt.Errorf("%w: %s", ErrCorrupt, what) }

// AppendChunk appends the encoded form of c to dst. Errors cannot be stored: a chunk
// with an error row is refused, and so is one of more than CellsMax cells.
func AppendChunk(dst []byte, c *Chunk) ([]byte, error) {
	if c.Rows*max(len(c.Cols), 1) > CellsMax {
		return dst, fmt.Errorf("chunk: %d rows of %d columns are too many to encode", c.Rows, len(c.Cols))
	}
	weights := byte(weightsAllOne)
	if c.Weights != nil {
		weights = weightsStored
	}
	dst = append(dst, codecVersion, weights)
	dst = binary.AppendUvarint(dst, uint64(c.Rows))
	dst = binary.AppendUvarint(dst, uint64(len(c.Cols)))
	if c.Weights != nil {
		dst = appendInts(dst, c.Weights)
	}
	for _, col := range c.Cols {
		var err error
		if dst, err = AppendColumn(dst, col); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// DecodeChunk reads a chunk from the front of b and returns what follows it. The
// chunk shares nothing with b.
func DecodeChunk(b []byte) (c *Chunk, rest []byte, err error) {
	r := reader{b: b}
	if v := r.byte(); r.err == nil && v != codecVersion {
		return nil, nil, corrupt(fmt.Sprintf("version %d", v))
	}
	weights := r.byte()
	rows, cols := r.uvarint(), r.uvarint()
	// A column takes two bytes at least.
	if r.err == nil && (weights > weightsStored || rows > CellsMax || cols > uint64(len(r.b))/2 || rows*max(cols, 1) > CellsMax) {
		r.err = corrupt("header")
	}
	if r.err != nil {
		return nil, nil, r.err
	}
	c = &Chunk{Rows: int(rows), Cols: make([]*Column, cols)}
	if weights == weightsStored {
		c.Weights = r.ints(c.Rows)
		for _, w := range c.Weights {
			if w == 0 {
				return nil, nil, corrupt("weight 0")
			}
		}
	}
	for i := range c.Cols {
		c.Cols[i] = r.column(c.Rows)
	}
	if r.err != nil {
		return nil, nil, r.err
	}
	return c, r.b, nil
}

// AppendColumn appends the encoded form of one column.
func AppendColumn(dst []byte, c *Column) ([]byte, error) {
	if c.Errs != nil {
		return dst, fmt.Errorf("chunk: a column with errors cannot be encoded: %w", c.Errs[0].Err)
	}
	dst = appendType(dst, c.Type)
	at, n := len(dst), c.Len()
	dst = append(dst, 0)
	if c.Nulls != nil {
		nulls := 0
		for i := range n {
			if c.Nulls.Get(i) {
				nulls++
			}
		}
		if nulls == n && n > 0 {
			dst[at] = modeAllNull
			return dst, nil
		}
		if nulls > 0 {
			dst[at] = modeNulls
			for i := 0; i < n; i += 8 {
				dst = append(dst, byte(c.Nulls[i>>6]>>(i&63)))
			}
			if n&7 != 0 {
				dst[len(dst)-1] &= 1<<(n&7) - 1
			}
			c = c.Gather(notNull(c.Nulls, n, n-nulls))
		}
	}
	dst, mode := appendValues(dst, c)
	dst[at] |= mode
	return dst, nil
}

func notNull(b Bitmap, n, count int) []int32 {
	idx := make([]int32, 0, count)
	for i := range n {
		if !b.Get(i) {
			idx = append(idx, int32(i))
		}
	}
	return idx
}

// DecodeColumn reads a column of n rows from the front of b and returns what follows.
// The column shares nothing with b. The caller bounds n.
func DecodeColumn(b []byte, n int) (c *Column, rest []byte, err error) {
	r := reader{b: b}
	c = r.column(n)
	return c, r.b, r.err
}

func appendType(dst []byte, t types.Type) []byte {
	if t.Typmod == -1 && t.Elem == types.KindInvalid {
		return append(dst, byte(t.Kind))
	}
	dst = append(dst, byte(t.Kind)|kindHasMore, byte(t.Elem))
	return binary.AppendVarint(dst, int64(t.Typmod))
}

func (r *reader) column(n int) *Column {
	t := types.Of(types.Kind(r.byte()))
	if t.Kind&kindHasMore != 0 {
		t.Kind &^= kindHasMore
		t.Elem = types.Kind(r.byte())
		mod := r.varint()
		if mod < math.MinInt32 || mod > math.MaxInt32 {
			r.fail("typmod")
		}
		t.Typmod = int32(mod)
	}
	c := &Column{Type: t}
	mode := r.byte()
	stored := n
	if mode&modeAllNull != 0 {
		c.Nulls = NewBitmap(n)
		for i := range n {
			c.Nulls.Set(i)
		}
		c.Resize(n)
		return c
	}
	if mode&modeNulls != 0 {
		c.Nulls = r.bitmap(n)
		stored -= c.Nulls.Count()
	}
	if r.err == nil {
		r.values(c, mode&modeMask, stored)
	}
	if r.err != nil {
		return nil
	}
	if stored < n {
		spread(c, n)
	}
	return c
}

func (r *reader) bitmap(n int) Bitmap {
	raw := r.bytes((n + 7) / 8)
	if raw == nil {
		return nil
	}
	m := NewBitmap(n)
	for i, x := range raw {
		m[i>>3] |= uint64(x) << (8 * (i & 7))
	}
	if n&63 != 0 && m[len(m)-1]>>(n&63) != 0 {
		r.fail("null bitmap")
	}
	return m
}

// spread moves the stored values of c to the rows of [0, n) that are not NULL.
func spread(c *Column, n int) {
	at := c.Len()
	c.Resize(n)
	for i := n - 1; i >= 0 && at <= i; i-- {
		if !c.Nulls.Get(i) {
			at--
			c.moveRow(i, at)
		} else {
			c.zeroRow(i)
		}
	}
}

func (c *Column) moveRow(to, from int) {
	switch c.Type.Class() {
	case types.ClassBool:
		c.Bools[to] = c.Bools[from]
	case types.ClassInt:
		c.Ints[to] = c.Ints[from]
	case types.ClassFloat:
		c.Floats[to] = c.Floats[from]
	case types.ClassNumeric:
		c.Nums[to] = c.Nums[from]
	case types.ClassInterval:
		c.Ivls[to] = c.Ivls[from]
	case types.ClassUUID:
		c.UUIDs[to] = c.UUIDs[from]
	default:
		c.Views[to] = c.Views[from]
	}
}

func (c *Column) zeroRow(i int) {
	switch c.Type.Class() {
	case types.ClassBool:
		c.Bools[i] = false
	case types.ClassInt:
		c.Ints[i] = 0
	case types.ClassFloat:
		c.Floats[i] = 0
	case types.ClassNumeric:
		c.Nums[i] = types.Num{}
	case types.ClassInterval:
		c.Ivls[i] = types.Interval{}
	case types.ClassUUID:
		c.UUIDs[i] = [16]byte{}
	default:
		c.Views[i] = View{}
	}
}

// reader takes values off the front of b; after the first fault everything it
// returns is zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = corrupt(what)
	}
	r.b = nil
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail("short")
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("number")
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail("number")
		return 0
	}
	r.b = r.b[n:]
	return v
}

// bytes returns the next n bytes in place, nil on a fault; n may come from outside.
func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) || r.err != nil {
		r.fail("short")
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}
