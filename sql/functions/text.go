package functions

import (
	"bytes"
	"unicode/utf8"
)

func textFuncs() []*Function {
	fs := []*Function{
		scalar("||", "text,text->text", catText),
		scalar("||", "bytea,bytea->bytea", catText),
		scalar("octet_length", "text->int4", octetLength), scalar("octet_length", "bytea->int4", octetLength),
		scalar("octet_length", "bpchar->int4", octetLength),
		scalar("bit_length", "text->int4", bitLength), scalar("bit_length", "bytea->int4", bitLength),
		scalar("length", "text->int4", charLength), scalar("length", "bytea->int4", octetLength),
		scalar("length", "bpchar->int4", paddedLength),
		scalar("char_length", "text->int4", charLength), scalar("character_length", "text->int4", charLength),
		scalar("char_length", "bpchar->int4", paddedLength), scalar("character_length", "bpchar->int4", paddedLength),
		scalar("starts_with", "text,text->bool", boolFn(bytes.HasPrefix)), scalar("^@", "text,text->bool", boolFn(bytes.HasPrefix)),
		scalar("lower", "text->text", bytesFn(appendLower)), scalar("upper", "text->text", bytesFn(appendUpper)),
		scalar("initcap", "text->text", bytesFn(appendInitcap)),
		scalar("reverse", "text->text", bytesFn(appendReverse)),
		scalar("bpcharcat", "bpchar,bpchar->bpchar", catText).hidden(),
	}
	fs = append(fs, textPartFuncs()...)
	fs = append(fs, textPadFuncs()...)
	fs = append(fs, textFormatFuncs()...)
	fs = append(fs, unicodeFuncs()...)
	return append(fs, textCodeFuncs()...)
}

func catText(c *Call) {
	a, b := c.strs(0), c.strs(1)
	for i := range c.N {
		off := len(c.Out.Bytes)
		c.Out.Bytes = append(append(c.Out.Bytes, a.at(i)...), b.at(i)...)
		c.endBytes(i, off)
	}
}

func octetLength(c *Call) {
	a, out := c.strs(0), c.Out.Ints
	for i := range out {
		out[i] = int64(a.views[i&a.mask].Len)
	}
}

func bitLength(c *Call) {
	a, out := c.strs(0), c.Out.Ints
	for i := range out {
		out[i] = 8 * int64(a.views[i&a.mask].Len)
	}
}

func charLength(c *Call) {
	a, out := c.strs(0), c.Out.Ints
	for i := range out {
		out[i] = int64(utf8.RuneCount(a.at(i)))
	}
}

// paddedLength counts the characters of char(n) without the padding.
func paddedLength(c *Call) {
	a, out := c.strs(0), c.Out.Ints
	for i := range out {
		out[i] = int64(utf8.RuneCount(bytes.TrimRight(a.at(i), " ")))
	}
}

// Case is mapped as in the C locale, the only collation there is: ASCII letters alone.

// appendLower appends s in lower case.
func appendLower(dst, s []byte) []byte { return appendFlipped(dst, s, 'A') }

// appendUpper appends s in upper case.
func appendUpper(dst, s []byte) []byte { return appendFlipped(dst, s, 'a') }

// appendFlipped appends s with the letters from first on, one alphabet, in the other case.
func appendFlipped(dst, s []byte, first byte) []byte {
	off := len(dst)
	dst = append(dst, s...)
	for i, b := range dst[off:] {
		if b-first < 26 {
			dst[off+i] = b ^ 0x20
		}
	}
	return dst
}

// isAlnum reports whether r is a letter or digit in the C locale.
func isAlnum(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func appendInitcap(dst, s []byte) []byte {
	inWord := false
	for _, b := range s {
		switch {
		case inWord && b-'A' < 26, !inWord && b-'a' < 26:
			dst = append(dst, b^0x20)
		default:
			dst = append(dst, b)
		}
		inWord = isAlnum(rune(b))
	}
	return dst
}

func appendReverse(dst, s []byte) []byte {
	for len(s) > 0 {
		_, n := utf8.DecodeLastRune(s)
		dst = append(dst, s[len(s)-n:]...)
		s = s[:len(s)-n]
	}
	return dst
}
