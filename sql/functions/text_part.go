package functions

import (
	"bytes"
	"math"
	"unicode/utf8"

	"streamdb/sql/sqlerr"
)

var errNegativeSubstring = sqlerr.New(sqlerr.SubstringError, "negative substring length not allowed")

func textPartFuncs() []*Function {
	var fs []*Function
	for _, name := range []string{"substring", "substr"} {
		fs = append(fs, scalar(name, "text,int4->text", substringText), scalar(name, "text,int4,int4->text", substringText),
			scalar(name, "bytea,int4->bytea", substringBytes), scalar(name, "bytea,int4,int4->bytea", substringBytes))
	}
	return append(fs,
		scalar("left", "text,int4->text", leftText), scalar("right", "text,int4->text", rightText),
		scalar("split_part", "text,text,int4->text", splitPart),
		scalar("strpos", "text,text->int4", strposText), scalar("position", "text,text->int4", strposText),
		scalar("position", "bytea,bytea->int4", strposBytes),
		scalar("overlay", "text,text,int4->text", overlay(true)), scalar("overlay", "text,text,int4,int4->text", overlay(true)),
		scalar("overlay", "bytea,bytea,int4->bytea", overlay(false)), scalar("overlay", "bytea,bytea,int4,int4->bytea", overlay(false)),
		scalar("get_byte", "bytea,int4->int4", getByte), scalar("set_byte", "bytea,int4,int4->bytea", setByte),
	)
}

// runeOffset returns the byte offset of character number n, len(s) if s is shorter.
func runeOffset(s []byte, n int64) int {
	if n <= 0 {
		return 0
	}
	if n >= int64(len(s)) {
		n = min(n, int64(len(s)))
	}
	off := 0
	for ; n > 0 && off < len(s); n-- {
		if s[off] < utf8.RuneSelf {
			off++
			continue
		}
		_, w := utf8.DecodeRune(s[off:])
		off += w
	}
	return off
}

// substringRange turns 1-based start and length into a range [lo, hi) from 0.
func substringRange(c *Call, start, length vec[int64], has bool, i int) (lo, hi int64, ok bool) {
	lo, hi = start.at(i)-1, math.MaxInt64
	if has {
		n := length.at(i)
		if n < 0 {
			c.Fail(i, errNegativeSubstring)
			return 0, 0, false
		}
		hi = lo + n
	}
	return max(lo, 0), max(hi, 0), true
}

func (c *Call) optInts(arg int) (vec[int64], bool) {
	if arg < len(c.Args) {
		return c.ints(arg), true
	}
	return vec[int64]{}, false
}

func substringText(c *Call) {
	a, start := c.strs(0), c.ints(1)
	length, has := c.optInts(2)
	for i := range c.N {
		if c.Skip.Get(i) {
			continue
		}
		lo, hi, ok := substringRange(c, start, length, has, i)
		if !ok {
			continue
		}
		s := a.at(i)
		s = s[runeOffset(s, lo):]
		if has {
			s = s[:runeOffset(s, max(hi-lo, 0))]
		}
		c.setBytes(i, s)
	}
}

func substringBytes(c *Call) {
	a, start := c.strs(0), c.ints(1)
	length, has := c.optInts(2)
	for i := range c.N {
		if c.Skip.Get(i) {
			continue
		}
		lo, hi, ok := substringRange(c, start, length, has, i)
		if !ok {
			continue
		}
		s := a.at(i)
		lo = min(lo, int64(len(s)))
		c.setBytes(i, s[lo:max(lo, min(hi, int64(len(s))))])
	}
}

func leftText(c *Call) {
	a, b := c.strs(0), c.ints(1)
	for i := range c.N {
		s, n := a.at(i), b.at(i)
		if n < 0 {
			n += int64(utf8.RuneCount(s))
		}
		c.setBytes(i, s[:runeOffset(s, n)])
	}
}

func rightText(c *Call) {
	a, b := c.strs(0), c.ints(1)
	for i := range c.N {
		s, n := a.at(i), b.at(i)
		if n < 0 {
			n = -n
		} else {
			n = int64(utf8.RuneCount(s)) - n
		}
		c.setBytes(i, s[runeOffset(s, n):])
	}
}

var errFieldZero = sqlerr.New(sqlerr.InvalidParameterValue, "field position must not be zero")

func splitPart(c *Call) {
	a, b, k := c.strs(0), c.strs(1), c.ints(2)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		n := k.at(i)
		if n == 0 {
			return nil, errFieldZero
		}
		return append(dst, splitField(a.at(i), b.at(i), n)...), nil
	})
}

// splitField returns field n of s, from 1, or from the end if n is negative.
func splitField(s, sep []byte, n int64) []byte {
	if len(s) == 0 {
		return nil
	}
	if len(sep) == 0 {
		if n == 1 || n == -1 {
			return s
		}
		return nil
	}
	if n < 0 {
		n += int64(bytes.Count(s, sep)) + 2
		if n <= 0 {
			return nil
		}
	}
	for ; n > 1; n-- {
		j := bytes.Index(s, sep)
		if j < 0 {
			return nil
		}
		s = s[j+len(sep):]
	}
	if j := bytes.Index(s, sep); j >= 0 {
		return s[:j]
	}
	return s
}

func strposText(c *Call) {
	a, b, out := c.strs(0), c.strs(1), c.Out.Ints
	for i := range out {
		s := a.at(i)
		if j := bytes.Index(s, b.at(i)); j >= 0 {
			out[i] = int64(utf8.RuneCount(s[:j])) + 1
		}
	}
}

func strposBytes(c *Call) {
	a, b, out := c.strs(0), c.strs(1), c.Out.Ints
	for i := range out {
		out[i] = int64(bytes.Index(a.at(i), b.at(i))) + 1
	}
}

// overlay replaces the characters (or bytes) [start, start+n) by another string; n
// defaults to the length of that.
func overlay(chars bool) Kernel {
	cut := runeOffset
	count := utf8.RuneCount
	if !chars {
		cut = func(s []byte, n int64) int { return int(min(max(n, 0), int64(len(s)))) }
		count = func(s []byte) int { return len(s) }
	}
	return func(c *Call) {
		a, b, start := c.strs(0), c.strs(1), c.ints(2)
		length, has := c.optInts(3)
		c.eachBytes(func(i int, dst []byte) ([]byte, error) {
			s, with, lo := a.at(i), b.at(i), start.at(i)-1
			if lo < 0 {
				return nil, errNegativeSubstring
			}
			n := int64(count(with))
			if has {
				n = length.at(i)
			}
			hi := lo + n
			if hi > math.MaxInt32 {
				return nil, errInt4Range
			}
			dst = append(append(dst, s[:cut(s, lo)]...), with...)
			return append(dst, s[cut(s, hi):]...), nil
		})
	}
}

func byteIndexError(i int64, n int) error {
	return sqlerr.New(sqlerr.ArraySubscriptError, "index %d out of valid range, 0..%d", i, n-1)
}

func getByte(c *Call) {
	a, b := c.strs(0), c.ints(1)
	each(c, c.Out.Ints, func(i int) (int64, error) {
		s, k := a.at(i), b.at(i)
		if k < 0 || k >= int64(len(s)) {
			return 0, byteIndexError(k, len(s))
		}
		return int64(s[k]), nil
	})
}

func setByte(c *Call) {
	a, b, v := c.strs(0), c.ints(1), c.ints(2)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		s, k := a.at(i), b.at(i)
		if k < 0 || k >= int64(len(s)) {
			return nil, byteIndexError(k, len(s))
		}
		off := len(dst)
		dst = append(dst, s...)
		dst[off+int(k)] = byte(v.at(i))
		return dst, nil
	})
}
