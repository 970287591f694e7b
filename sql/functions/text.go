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
		scalar("bit_length", "text->int4", bitLength), scalar("bit_length", "bytea->int4", bitLength),
		scalar("length", "text->int4", charLength), scalar("length", "bytea->int4", octetLength),
		scalar("char_length", "text->int4", charLength), scalar("character_length", "text->int4", charLength),
		scalar("starts_with", "text,text->bool", startsWith), scalar("^@", "text,text->bool", startsWith),
	}
	return append(fs, textFuncsLate()...)
}

// textFuncsLate collects the other families of text functions.
func textFuncsLate() []*Function { return nil }

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

func startsWith(c *Call) {
	a, b, out := c.strs(0), c.strs(1), c.Out.Bools
	for i := range out {
		out[i] = bytes.HasPrefix(a.at(i), b.at(i))
	}
}
