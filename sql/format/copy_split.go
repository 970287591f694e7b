package format

import (
	"bytes"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// splitText cuts a line of COPY text into fields.
func (d *CopyDecoder) splitText(line []byte) error {
	b := &d.b
	if b.width == 0 && len(line) == 0 {
		return nil
	}
	if bytes.IndexByte(line, '\\') < 0 {
		off := len(b.text)
		b.text = append(b.text, line...)
		for {
			i := bytes.IndexByte(line, d.opt.Delimiter)
			if i < 0 {
				d.addField(line, off, len(line))
				return nil
			}
			d.addField(line[:i], off, i)
			line, off = line[i+1:], off+i+1
		}
	}
	for {
		raw, n := d.fieldEnd(line)
		off := len(b.text)
		if string(line[:raw]) == d.opt.Null {
			b.spans = append(b.spans, nullSpan)
		} else {
			b.text = appendUnescaped(b.text, line[:raw])
			b.spans = append(b.spans, span{uint32(off), int32(len(b.text) - off)})
		}
		if n < 0 {
			return nil
		}
		line = line[n:]
	}
}

// fieldEnd returns the length of the raw field at the start of line and where the
// next begins, -1 for none.
func (d *CopyDecoder) fieldEnd(line []byte) (raw, next int) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case d.opt.Delimiter:
			return i, i + 1
		case '\\':
			i++
		}
	}
	return len(line), -1
}

// addField adds a field without escapes that lies at off of the block's text.
func (d *CopyDecoder) addField(raw []byte, off, n int) {
	if len(raw) == len(d.opt.Null) && string(raw) == d.opt.Null {
		d.b.spans = append(d.b.spans, nullSpan)
		return
	}
	d.b.spans = append(d.b.spans, span{uint32(off), int32(n)})
}

// appendUnescaped resolves COPY text's backslash sequences.
func appendUnescaped(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '\\' {
			dst = append(dst, c)
			continue
		}
		if i++; i == len(s) {
			break // a backslash at the end stands for nothing
		}
		switch c = s[i]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'v':
			c = '\v'
		case 'x':
			if v, n := hexDigits(s[i+1:]); n > 0 {
				c, i = v, i+n
			}
		case '0', '1', '2', '3', '4', '5', '6', '7':
			v := c - '0'
			for k := 0; k < 2 && i+1 < len(s) && s[i+1]-'0' <= 7; k++ {
				i++
				v = v<<3 | (s[i] - '0')
			}
			c = v
		}
		dst = append(dst, c)
	}
	return dst
}

// hexDigits reads up to two hexadecimal digits.
func hexDigits(s []byte) (v byte, n int) {
	for n < 2 && n < len(s) {
		c := s[n]
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return v, n
		}
		v = v<<4 | c
		n++
	}
	return v, n
}

// splitCSV cuts a line of CSV, which may contain quoted newlines, into fields.
func (d *CopyDecoder) splitCSV(line []byte) error {
	b := &d.b
	if b.width == 0 && len(line) == 0 {
		return nil
	}
	for j := 0; ; j++ {
		off := len(b.text)
		rest, quoted, more, err := d.csvField(line)
		if err != nil {
			return err
		}
		d.addCSV(j, off, quoted)
		if !more {
			return nil
		}
		line = rest
	}
}

// csvField appends the first field of line to the block's text.
func (d *CopyDecoder) csvField(line []byte) (rest []byte, quoted, more bool, err error) {
	b := &d.b
	if len(line) > 0 && line[0] != d.opt.Quote { // the usual: no quote in the field
		i := 0
		for i < len(line) && line[i] != d.opt.Delimiter && line[i] != d.opt.Quote {
			i++
		}
		if i == len(line) || line[i] == d.opt.Delimiter {
			b.text = append(b.text, line[:i]...)
			if i == len(line) {
				return nil, false, false, nil
			}
			return line[i+1:], false, true, nil
		}
	}
	in := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case !in && c == d.opt.Delimiter:
			return line[i+1:], quoted, true, nil
		case !in && c == d.opt.Quote:
			in, quoted = true, true
		case in && c == d.opt.Escape && i+1 < len(line) && (line[i+1] == d.opt.Escape || line[i+1] == d.opt.Quote):
			i++
			b.text = append(b.text, line[i])
		case in && c == d.opt.Quote:
			in = false
		default:
			b.text = append(b.text, c)
		}
	}
	if in {
		return nil, false, false, sqlerr.New(sqlerr.BadCopyFileFormat, "unterminated CSV quoted field")
	}
	return nil, quoted, false, nil
}

// addCSV adds field j, whose text starts at off; an unquoted null string is NULL,
// unless the options force otherwise.
func (d *CopyDecoder) addCSV(j, off int, quoted bool) {
	b := &d.b
	s := span{uint32(off), int32(len(b.text) - off)}
	if int(s.n) == len(d.opt.Null) && types.BytesString(b.text[off:]) == d.opt.Null {
		null := !quoted
		switch {
		case null && at(d.opt.ForceNotNull, j):
			null = false
		case !null && at(d.opt.ForceNull, j):
			null = true
		}
		if null {
			s = nullSpan
		}
	}
	b.spans = append(b.spans, s)
}

func at(b []bool, j int) bool { return j < len(b) && b[j] }
