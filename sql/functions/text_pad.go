package functions

import (
	"bytes"
	"unicode/utf8"

	"streamdb/sql/sqlerr"
)

// textMax is the longest text a function makes: PostgreSQL's limit of 1 GiB would
// let one row take the node's memory, so ours is lower.
const textMax = 64 << 20

var errTooLong = sqlerr.New(sqlerr.ProgramLimitExceeded, "requested length too large")

func textPadFuncs() []*Function {
	fs := []*Function{
		scalar("lpad", "text,int4->text", padText(true)), scalar("lpad", "text,int4,text->text", padText(true)),
		scalar("rpad", "text,int4->text", padText(false)), scalar("rpad", "text,int4,text->text", padText(false)),
		scalar("repeat", "text,int4->text", repeatText),
		scalar("replace", "text,text,text->text", replaceText),
		scalar("translate", "text,text,text->text", translateText),
	}
	for _, t := range []struct {
		name        string
		left, right bool
	}{{"btrim", true, true}, {"ltrim", true, false}, {"rtrim", false, true}} {
		fs = append(fs, scalar(t.name, "text->text", trimText(t.left, t.right)),
			scalar(t.name, "text,text->text", trimText(t.left, t.right)),
			scalar(t.name, "bytea,bytea->bytea", trimBytes(t.left, t.right)))
	}
	return fs
}

func padText(left bool) Kernel {
	return func(c *Call) {
		a, n := c.strs(0), c.ints(1)
		fill := func(int) []byte { return []byte{' '} }
		if len(c.Args) > 2 {
			fill = c.strs(2).at
		}
		c.eachBytes(func(i int, dst []byte) ([]byte, error) {
			s, want, f := a.at(i), n.at(i), fill(i)
			if want > textMax {
				return nil, errTooLong
			}
			missing := want - int64(utf8.RuneCount(s))
			if missing <= 0 {
				return append(dst, s[:runeOffset(s, want)]...), nil
			}
			if left {
				dst = appendFill(dst, f, missing)
			}
			dst = append(dst, s...)
			if !left {
				dst = appendFill(dst, f, missing)
			}
			return dst, nil
		})
	}
}

// appendFill appends n characters taken from f over and over.
func appendFill(dst, f []byte, n int64) []byte {
	if len(f) == 0 {
		return dst
	}
	per := int64(utf8.RuneCount(f))
	for ; n >= per; n -= per {
		dst = append(dst, f...)
	}
	return append(dst, f[:runeOffset(f, n)]...)
}

func repeatText(c *Call) {
	a, n := c.strs(0), c.ints(1)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		s, k := a.at(i), max(n.at(i), 0)
		if len(s) > 0 && k > int64(textMax/len(s)) {
			return nil, errTooLong
		}
		if len(s) == 0 {
			return dst, nil
		}
		for range k {
			dst = append(dst, s...)
		}
		return dst, nil
	})
}

func replaceText(c *Call) {
	a, from, to := c.strs(0), c.strs(1), c.strs(2)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		s, f, t := a.at(i), from.at(i), to.at(i)
		if len(f) == 0 {
			return append(dst, s...), nil
		}
		start := len(dst)
		for {
			j := bytes.Index(s, f)
			if j < 0 {
				return append(dst, s...), nil
			}
			dst = append(append(dst, s[:j]...), t...)
			s = s[j+len(f):]
			if len(dst)-start > textMax {
				return nil, errTooLong
			}
		}
	})
}

func translateText(c *Call) {
	a, from, to := c.strs(0), c.strs(1), c.strs(2)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		f, t := []rune(string(from.at(i))), []rune(string(to.at(i)))
		for s := a.at(i); len(s) > 0; {
			r, w := utf8.DecodeRune(s)
			dst = appendTranslated(dst, r, f, t)
			s = s[w:]
		}
		return dst, nil
	})
}

func appendTranslated(dst []byte, r rune, from, to []rune) []byte {
	for k, f := range from {
		if f == r {
			if k < len(to) {
				return utf8.AppendRune(dst, to[k])
			}
			return dst
		}
	}
	return utf8.AppendRune(dst, r)
}

func trimText(left, right bool) Kernel {
	return func(c *Call) {
		a := c.strs(0)
		cut := func(int) []byte { return []byte{' '} }
		if len(c.Args) > 1 {
			cut = c.strs(1).at
		}
		for i := range c.N {
			s, set := a.at(i), string(cut(i))
			if left {
				s = bytes.TrimLeft(s, set)
			}
			if right {
				s = bytes.TrimRight(s, set)
			}
			c.setBytes(i, s)
		}
	}
}

func trimBytes(left, right bool) Kernel {
	return func(c *Call) {
		a, b := c.strs(0), c.strs(1)
		for i := range c.N {
			s, set := a.at(i), b.at(i)
			for left && len(s) > 0 && bytes.IndexByte(set, s[0]) >= 0 {
				s = s[1:]
			}
			for right && len(s) > 0 && bytes.IndexByte(set, s[len(s)-1]) >= 0 {
				s = s[:len(s)-1]
			}
			c.setBytes(i, s)
		}
	}
}
