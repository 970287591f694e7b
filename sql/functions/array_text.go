package functions

import (
	"bytes"
	"unicode/utf8"

	"streamdb/sql/types"
)

// splitText calls f for each field of s: at every character for a NULL separator.
func splitText(s, sep []byte, sepNull bool, f func(field []byte)) {
	switch {
	case len(s) == 0:
	case sepNull:
		for len(s) > 0 {
			_, w := utf8.DecodeRune(s)
			f(s[:w])
			s = s[w:]
		}
	case len(sep) == 0:
		f(s)
	default:
		for {
			j := bytes.Index(s, sep)
			if j < 0 {
				f(s)
				return
			}
			f(s[:j])
			s = s[j+len(sep):]
		}
	}
}

func stringToArray(c *Call) {
	s, sep := c.strs(0), c.strs(1)
	c.buildArrays(func(i int, b *types.ArrayBuilder) error {
		splitText(s.at(i), sep.at(i), c.isNull(1, i), func(f []byte) {
			if len(c.Args) > 2 && !c.isNull(2, i) && bytes.Equal(f, c.strs(2).at(i)) {
				b.AddNull()
			} else {
				b.AddBytes(f)
			}
		})
		return nil
	})
}

func stringToTableFn(sig string) *Function {
	return set("string_to_table", sig, stringToTable).nonStrict()
}

func stringToTable(c *Call, counts []int32) {
	s, sep := c.strs(0), c.strs(1)
	for i := range c.N {
		if c.Skipped(i) || c.isNull(0, i) {
			continue
		}
		splitText(s.at(i), sep.at(i), c.isNull(1, i), func(f []byte) {
			if len(c.Args) > 2 && !c.isNull(2, i) && bytes.Equal(f, c.strs(2).at(i)) {
				c.Out.AppendNull()
			} else {
				c.Out.AppendBytes(f)
			}
			counts[i]++
		})
	}
}

func arrayToString(c *Call) {
	sep := c.strs(1)
	null := c.optText(2)
	t, st := c.Args[0].Type.ElemType(), c.settings()
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if c.isNull(0, i) || c.isNull(1, i) {
			c.SetNull(i)
			return dst, nil
		}
		a := c.arr(0, i)
		showNull := len(c.Args) > 2 && !c.isNull(2, i)
		first := true
		for k := range a.Len() {
			if a.Null(k) && !showNull {
				continue
			}
			if !first {
				dst = append(dst, sep.at(i)...)
			}
			first = false
			if a.Null(k) {
				dst = append(dst, null(i)...)
			} else {
				dst = types.AppendText(dst, t, a.Datum(k), st)
			}
		}
		return dst, nil
	})
}

func unnest(c *Call, counts []int32) {
	for i := range c.N {
		if !c.Skipped(i) {
			a := c.arr(0, i)
			AppendElements(c.Out, &a)
			counts[i] = int32(a.Len())
		}
	}
}

// expandPositions numbers the elements of a vector from 1.
func expandPositions(c *Call, counts []int32) {
	for i := range c.N {
		if c.Skipped(i) {
			continue
		}
		a := c.arr(0, i)
		for k := range a.Len() {
			c.Out.Ints = append(c.Out.Ints, int64(k+1))
		}
		counts[i] = int32(a.Len())
	}
}

func generateSubscripts(c *Call, counts []int32) {
	d := c.ints(1)
	for i := range c.N {
		if c.Skipped(i) || d.at(i) != 1 {
			continue
		}
		a := c.arr(0, i)
		reverse := len(c.Args) > 2 && c.bools(2).at(i)
		for k := range a.Len() {
			if reverse {
				k = a.Len() - 1 - k
			}
			c.Out.Ints = append(c.Out.Ints, int64(k+a.Lower()))
		}
		counts[i] = int32(a.Len())
	}
}
