package format

import (
	"bytes"
	"slices"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// JSONDecoder reads JSON lines: an object a line, whose members go to the columns of
// the same names. A member that is missing or null is NULL, one without a column is
// ignored, of doubled ones the last counts. Objects and arrays go to json, jsonb,
// array and text columns. Blank lines are skipped.
type JSONDecoder struct {
	spec Spec
	// names are the keys of the columns.
	names   []string
	raw     []bool // json and jsonb: the value as it is written
	isArray []bool

	buf      []byte // input not yet cut: buf[pos:]
	pos      int
	scan     int // buf[pos:scan] holds no newline
	line     int64
	consumed int64

	b       block
	next    int // the column expected next: members mostly come in the same order
	out     *chunk.Chunk
	bad     []BadLine
	scratch []byte
}

var _ Decoder = (*JSONDecoder)(nil)

// NewJSONDecoder returns a decoder of rows of the spec's columns.
func NewJSONDecoder(spec Spec) *JSONDecoder {
	d := &JSONDecoder{spec: spec, names: spec.Columns}
	d.b.width = len(spec.Schema)
	for _, t := range spec.Schema {
		d.raw = append(d.raw, t.Kind == types.KindJSONB || t.Kind == types.KindJSON)
		d.isArray = append(d.isArray, t.Kind == types.KindArray)
	}
	return d
}

// Rows returns the number of rows read and not yet taken.
func (d *JSONDecoder) Rows() int {
	if d.out == nil {
		return 0
	}
	return d.out.Rows
}

// Consumed returns the bytes of the lines read so far.
func (d *JSONDecoder) Consumed() int64 { return d.consumed }

// Lines returns how many lines have been read so far.
func (d *JSONDecoder) Lines() int64 { return d.line }

// Take hands over the rows and bad lines read so far.
func (d *JSONDecoder) Take() (*chunk.Chunk, []BadLine) {
	c, bad := d.out, d.bad
	d.out, d.bad = nil, nil
	if c != nil && c.Rows == 0 {
		c = nil
	}
	return c, bad
}

// Feed reads the complete lines of what has been fed.
func (d *JSONDecoder) Feed(p []byte) error {
	if d.pos > 0 {
		d.buf = slices.Delete(d.buf, 0, d.pos)
		d.scan -= d.pos
		d.pos = 0
	}
	d.buf = append(d.buf, p...)
	for {
		i := bytes.IndexByte(d.buf[d.scan:], '\n')
		if i < 0 {
			break
		}
		end := d.scan + i
		if err := d.takeLine(d.buf[d.pos:end], end+1-d.pos); err != nil {
			return err
		}
		d.pos, d.scan = end+1, end+1
	}
	if d.scan = len(d.buf); d.scan-d.pos > lineBytesMax {
		return errLineTooLong()
	}
	return d.readBlock()
}

// Finish reads a last line without newline.
func (d *JSONDecoder) Finish() error {
	if d.pos < len(d.buf) {
		if err := d.takeLine(d.buf[d.pos:], len(d.buf)-d.pos); err != nil {
			return err
		}
		d.pos, d.scan = len(d.buf), len(d.buf)
	}
	return d.readBlock()
}

// takeLine cuts a line that took size bytes of input into fields.
func (d *JSONDecoder) takeLine(line []byte, size int) error {
	d.line++
	d.consumed += int64(size)
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return nil
	}
	text, spans := len(d.b.text), len(d.b.spans)
	err := types.CheckUTF8(types.BytesString(line))
	if err == nil && !d.object(line, spans) {
		if err = types.ValidateJSON(types.BytesString(line)); err == nil {
			err = sqlerr.New(sqlerr.InvalidTextRepresentation, "a line of input is not a JSON object")
		}
	}
	if err != nil {
		d.b.text, d.b.spans = d.b.text[:text], d.b.spans[:spans]
		return d.lineError(err, line)
	}
	d.b.rows++
	d.b.lines = append(d.b.lines, d.line)
	if len(d.b.text) >= blockBytes || d.b.rows >= chunk.RowsMax {
		return d.readBlock()
	}
	return nil
}

// lineError raises err, or sets the line aside.
func (d *JSONDecoder) lineError(err error, line []byte) error {
	e := *sqlerr.As(err)
	if e2 := d.readBlock(); e2 != nil {
		return e2
	}
	if d.spec.Lenient {
		d.bad = append(d.bad, BadLine{Line: d.line, Text: clip(line, lineTextMax), Err: &e, Row: d.Rows()})
		return nil
	}
	return e.WithWhere("%s, line %d: \"%s\"", d.spec.Relation, d.line, clipContext(line))
}

// readBlock reads the fields cut so far into the chunk.
func (d *JSONDecoder) readBlock() error {
	if d.b.rows == 0 {
		return nil
	}
	if d.out == nil {
		d.out = chunk.New(d.spec.Schema, d.b.rows)
	}
	for j, col := range d.out.Cols {
		d.b.readColumn(col, j, d.spec.Settings)
	}
	base := d.out.Rows
	d.out.Rows += d.b.rows
	defer d.b.reset()
	if d.b.errs == nil {
		return nil
	}
	column := func(j int) string { return d.spec.Columns[j] }
	if !d.spec.Lenient {
		f := d.b.firstError()
		e := *sqlerr.As(f.err)
		return e.WithWhere("%s, line %d, column %s", d.spec.Relation, d.b.lines[f.row], column(f.col))
	}
	d.out, d.bad = dropRows(&d.b, d.out, base, d.bad, column)
	return nil
}

// object cuts the members of the object that line is, into the row of fields that
// starts at spans[base]; false if line is not such an object.
func (d *JSONDecoder) object(line []byte, base int) bool {
	for range d.b.width {
		d.b.spans = append(d.b.spans, nullSpan)
	}
	i := skipBlank(line, 1)
	if line[0] != '{' || i >= len(line) {
		return false
	}
	d.next = 0
	if line[i] == '}' {
		return i+1 == len(line)
	}
	for {
		if i >= len(line) || line[i] != '"' {
			return false
		}
		end, escaped := stringEnd(line, i)
		if end < 0 {
			return false
		}
		j := d.columnOf(line[i+1:end-1], escaped)
		i = skipBlank(line, end)
		if i >= len(line) || line[i] != ':' {
			return false
		}
		i = skipBlank(line, i+1)
		if i = d.value(line, i, j, base); i < 0 {
			return false
		}
		i = skipBlank(line, i)
		if i >= len(line) {
			return false
		}
		switch line[i] {
		case ',':
			i = skipBlank(line, i+1)
		case '}':
			return i+1 == len(line)
		default:
			return false
		}
	}
}

func skipBlank(s []byte, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n') {
		i++
	}
	return i
}

// stringEnd returns the index behind the string token at i and whether it has
// escapes; -1 if it does not end or has a control character.
func stringEnd(s []byte, i int) (end int, escaped bool) {
	for i++; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1, escaped
		case c == '\\':
			escaped = true
			i++
		case c < 0x20:
			return -1, false
		}
	}
	return -1, false
}

// columnOf finds the column a key names, -1 for none. It tries the column behind the
// last one first.
func (d *JSONDecoder) columnOf(key []byte, escaped bool) int {
	if escaped {
		canon, err := types.ParseJSONB(d.scratch[:0], `"`+string(key)+`"`)
		if err != nil {
			return -1
		}
		d.scratch = canon
		key = types.AppendJSONUnescaped(nil, string(canon))
	}
	if d.next < len(d.names) && string(key) == d.names[d.next] {
		d.next++
		return d.next - 1
	}
	for j, n := range d.names {
		if string(key) == n {
			d.next = j + 1
			return j
		}
	}
	return -1
}

// value cuts the value at line[i:] for column j (-1: none) and returns where it
// ends, -1 if it is not JSON.
func (d *JSONDecoder) value(line []byte, i, j, base int) int {
	if i >= len(line) {
		return -1
	}
	c := line[i]
	end := valueEnd(line, i)
	if end < 0 {
		return -1
	}
	if c == '{' || c == '[' || c == '"' && j < 0 {
		if types.ValidateJSON(types.BytesString(line[i:end])) != nil {
			return -1
		}
	}
	if j < 0 {
		return end
	}
	b := &d.b
	off := len(b.text)
	switch {
	case c == 'n':
		b.spans[base+j] = nullSpan
		return end
	case d.raw[j]:
		b.text = append(b.text, line[i:end]...)
	case c == '"':
		if bytes.IndexByte(line[i:end], '\\') < 0 {
			b.text = append(b.text, line[i+1:end-1]...)
			break
		}
		canon, err := types.ParseJSONB(d.scratch[:0], types.BytesString(line[i:end]))
		if err != nil {
			return -1
		}
		d.scratch = canon
		b.text = types.AppendJSONUnescaped(b.text, types.BytesString(canon))
	case c == '[' && d.isArray[j]:
		canon, err := types.ParseJSONB(d.scratch[:0], types.BytesString(line[i:end]))
		if err != nil {
			return -1
		}
		d.scratch = canon
		b.text = appendArrayLiteral(b.text, types.BytesString(canon))
	default:
		b.text = append(b.text, line[i:end]...)
	}
	b.spans[base+j] = span{uint32(off), int32(len(b.text) - off)}
	return end
}

// valueEnd returns the index behind the value at i, -1 if there is none. Numbers and
// words are checked, what is nested only balanced.
func valueEnd(s []byte, i int) int {
	switch c := s[i]; c {
	case '"':
		end, _ := stringEnd(s, i)
		return end
	case '{', '[':
		depth := 0
		for ; i < len(s); i++ {
			switch s[i] {
			case '"':
				end, _ := stringEnd(s, i)
				if end < 0 {
					return -1
				}
				i = end - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
		return -1
	}
	end := i
	for end < len(s) && s[end] != ',' && s[end] != '}' && s[end] != ']' && s[end] > ' ' {
		end++
	}
	if !isScalar(s[i:end]) {
		return -1
	}
	return end
}

// isScalar reports whether t is a JSON number, true, false or null.
func isScalar(t []byte) bool {
	switch string(t) {
	case "true", "false", "null":
		return true
	}
	if len(t) == 0 || t[0] != '-' && t[0]-'0' > 9 {
		return false
	}
	if plainInt(t) {
		return true
	}
	return types.ValidateJSON(types.BytesString(t)) == nil
}

// plainInt reports a number of digits only, the usual case.
func plainInt(t []byte) bool {
	if t[0] == '0' {
		return len(t) == 1
	}
	for _, c := range t {
		if c-'0' > 9 {
			return false
		}
	}
	return true
}

// appendArrayLiteral turns a canonical JSON array into an array literal: {"a","b"}.
func appendArrayLiteral(dst []byte, v string) []byte {
	dst = append(dst, '{')
	first := true
	for it := types.IterJSON(v); it.Next(); {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if types.JSONKindOf(it.Value) == types.JSONNull {
			dst = append(dst, "NULL"...)
			continue
		}
		dst = append(dst, '"')
		for _, c := range types.AppendJSONText(nil, it.Value) {
			if c == '"' || c == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, c)
		}
		dst = append(dst, '"')
	}
	return append(dst, '}')
}
