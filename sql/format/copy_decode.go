package format

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// CopyDecoder reads COPY data in text or CSV format.
type CopyDecoder struct {
	spec Spec
	opt  CopyOptions

	buf  []byte // input not yet cut: buf[pos:]
	pos  int
	scan int // buf[pos:scan] holds no end of line
	eol  eolKind
	// Quote state of the CSV line being scanned.
	inQuote, lastEscape bool

	line     int64 // number of the line being read, from 1
	consumed int64
	header   bool // the header is still to come
	ended    bool // the end marker was seen

	b   block
	out *chunk.Chunk
	bad []BadLine
}

// eolKind is how lines end, learnt from the first.
type eolKind uint8

const (
	eolUnknown eolKind = iota
	eolLF
	eolCRLF
	eolCR
)

// blockBytes is how much text a block of lines holds before it is read.
const blockBytes = 1 << 20

var _ Decoder = (*CopyDecoder)(nil)

// NewCopyDecoder returns a decoder; the options are valid (CopyOptions.Validate).
func NewCopyDecoder(spec Spec, opt CopyOptions) *CopyDecoder {
	d := &CopyDecoder{spec: spec, opt: opt, header: opt.Header != HeaderNone}
	d.b.width = len(spec.Schema)
	return d
}

// Rows returns the number of rows read and not yet taken.
func (d *CopyDecoder) Rows() int {
	if d.out == nil {
		return 0
	}
	return d.out.Rows
}

// Consumed returns the bytes of the lines read so far.
func (d *CopyDecoder) Consumed() int64 { return d.consumed }

// Lines returns how many lines have been read so far.
func (d *CopyDecoder) Lines() int64 { return d.line }

// Take hands over the rows and bad lines read so far.
func (d *CopyDecoder) Take() (*chunk.Chunk, []BadLine) {
	c, bad := d.out, d.bad
	d.out, d.bad = nil, nil
	if c != nil && c.Rows == 0 {
		c = nil
	}
	return c, bad
}

// Feed reads the complete lines of what has been fed.
func (d *CopyDecoder) Feed(p []byte) error {
	if d.ended {
		return nil // bytes behind the end marker mean nothing
	}
	if d.pos > 0 {
		d.buf = slices.Delete(d.buf, 0, d.pos)
		d.scan -= d.pos
		d.pos = 0
	}
	d.buf = append(d.buf, p...)
	if err := d.lines(false); err != nil {
		return err
	}
	if len(d.buf)-d.pos > lineBytesMax {
		return errLineTooLong()
	}
	return d.readBlock()
}

// Finish reads a last line without newline.
func (d *CopyDecoder) Finish() error {
	if d.ended {
		return nil
	}
	if err := d.lines(true); err != nil {
		return err
	}
	return d.readBlock()
}

// lines cuts lines until the input or the block is full; last says that no more
// input comes.
func (d *CopyDecoder) lines(last bool) error {
	for !d.ended {
		line, size, ok, err := d.nextLine(last)
		if err != nil {
			if e2 := d.readBlock(); e2 != nil {
				return e2 // an earlier row is wrong already
			}
			return err
		}
		if !ok {
			return nil
		}
		d.pos += size
		d.scan = d.pos
		d.consumed += int64(size)
		if err := d.takeLine(line); err != nil {
			return err
		}
		if len(d.b.text) >= blockBytes || d.b.rows >= chunk.RowsMax {
			if err := d.readBlock(); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeLine handles header and end marker and cuts the line into fields.
func (d *CopyDecoder) takeLine(line []byte) error {
	d.line++
	if d.header {
		d.header = false
		return d.checkHeader(line)
	}
	if !d.spec.Lenient && len(line) == 2 && line[0] == '\\' && line[1] == '.' { // a followed file has no such end
		d.ended = true
		return nil
	}
	if !d.opt.CSV && len(line) > 2 && line[0] == '\\' && line[1] == '.' && !d.spec.Lenient {
		if err := d.readBlock(); err != nil {
			return err
		}
		return sqlerr.New(sqlerr.BadCopyFileFormat, "end-of-copy marker corrupt").WithWhere("COPY %s, line %d", d.spec.Relation, d.line)
	}
	text, spans := len(d.b.text), len(d.b.spans)
	var err error
	if d.opt.CSV {
		err = d.splitCSV(line)
	} else {
		err = d.splitText(line)
	}
	if err == nil && len(d.b.spans)-spans > d.b.width {
		err = sqlerr.New(sqlerr.BadCopyFileFormat, "extra data after last expected column")
	}
	if err == nil {
		if e := types.CheckUTF8(types.BytesString(d.b.text[text:])); e != nil {
			err = e
		}
	}
	if err != nil {
		d.b.text, d.b.spans = d.b.text[:text], d.b.spans[:spans]
		return d.lineError(err, line)
	}
	if n := len(d.b.spans) - spans; n < d.b.width {
		d.missing(n, line)
	}
	d.b.rows++
	d.b.lines = append(d.b.lines, d.line)
	return nil
}

// missing notes that the row being cut ends at column n. It counts as an error of
// that column, since PostgreSQL reads the columns before it first.
func (d *CopyDecoder) missing(n int, line []byte) {
	err := sqlerr.New(sqlerr.BadCopyFileFormat, "missing data for column \"%s\"", d.column(n)).
		WithWhere("COPY %s, line %d: \"%s\"", d.spec.Relation, d.line, clipContext(line))
	d.b.errs = append(d.b.errs, fieldError{row: d.b.rows, col: n, err: err, located: true})
	for ; n < d.b.width; n++ {
		d.b.spans = append(d.b.spans, nullSpan)
	}
}

func (d *CopyDecoder) column(j int) string {
	if j < len(d.spec.Columns) {
		return d.spec.Columns[j]
	}
	return "?"
}

// lineError raises err with the line as context, or sets the line aside.
func (d *CopyDecoder) lineError(err error, line []byte) error {
	e := *sqlerr.As(err)
	if e2 := d.readBlock(); e2 != nil {
		return e2 // an earlier row is wrong already
	}
	if d.spec.Lenient {
		d.setAside(d.line, clip(line, lineTextMax), &e)
		return nil
	}
	e.Where = ""
	return e.WithWhere("COPY %s, line %d: \"%s\"", d.spec.Relation, d.line, clipContext(line))
}

func (d *CopyDecoder) setAside(line int64, text string, err error) {
	d.bad = append(d.bad, BadLine{Line: line, Text: text, Err: err, Row: d.Rows()})
}

// clip cuts text at n bytes, at a character's boundary.
func clip(b []byte, n int) string {
	if len(b) <= n {
		return string(b)
	}
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return string(b[:n])
}

// clipContext cuts text as PostgreSQL does in COPY's context.
func clipContext(b []byte) string {
	if len(b) <= 100 {
		return string(b)
	}
	return clip(b, 100) + "..."
}

// checkHeader compares the header's names if asked to.
func (d *CopyDecoder) checkHeader(line []byte) error {
	defer d.b.reset()
	if d.opt.Header != HeaderMatch {
		return nil
	}
	if err := d.readBlock(); err != nil {
		return err
	}
	var err error
	if d.opt.CSV {
		err = d.splitCSV(line)
	} else {
		err = d.splitText(line)
	}
	if err == nil {
		err = d.matchHeader()
	}
	if err != nil {
		e := *sqlerr.As(err)
		return e.WithWhere("COPY %s, line %d: \"%s\"", d.spec.Relation, d.line, clipContext(line))
	}
	return nil
}

func (d *CopyDecoder) matchHeader() error {
	if n := len(d.b.spans); n != d.b.width {
		return sqlerr.New(sqlerr.BadCopyFileFormat, "wrong number of fields in header line: got %d, expected %d", n, d.b.width)
	}
	for j, s := range d.b.spans {
		if s.n < 0 {
			return sqlerr.New(sqlerr.BadCopyFileFormat, "column name mismatch in header line field %d: got null value (\"%s\"), expected \"%s\"", j+1, d.opt.Null, d.column(j))
		}
		if got := d.b.field(s); got != d.column(j) {
			return sqlerr.New(sqlerr.BadCopyFileFormat, "column name mismatch in header line field %d: got \"%s\", expected \"%s\"", j+1, got, d.column(j))
		}
	}
	return nil
}

// readBlock reads the fields cut so far into the chunk.
func (d *CopyDecoder) readBlock() error {
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
	if !d.spec.Lenient {
		return d.valueError(d.b.firstError())
	}
	d.out, d.bad = dropRows(&d.b, d.out, base, d.bad, d.column)
	return nil
}

// valueError is the error of a value with its line and column as context.
func (d *CopyDecoder) valueError(f *fieldError) error {
	e := *sqlerr.As(f.err)
	if f.located {
		return &e
	}
	s := d.b.spans[f.row*d.b.width+f.col]
	where := "null input"
	if s.n >= 0 {
		where = "\"" + clipContext(d.b.text[s.off:s.off+uint32(s.n)]) + "\""
	}
	if e.Where != "" {
		e.Where += "\n"
	}
	return e.WithWhere("%sCOPY %s, line %d, column %s: %s", e.Where, d.spec.Relation, d.b.lines[f.row], d.column(f.col), where)
}

// dropRows removes the rows of the block, which starts at row base of c, that have
// errors, and sets them aside.
func dropRows(b *block, c *chunk.Chunk, base int, bad []BadLine, column func(int) string) (*chunk.Chunk, []BadLine) {
	worst := make(map[int]fieldError)
	for _, e := range b.errs {
		if w, ok := worst[e.row]; !ok || e.col < w.col {
			worst[e.row] = e
		}
	}
	keep := make([]int32, 0, c.Rows)
	for i := range base {
		keep = append(keep, int32(i))
	}
	for i := range b.rows {
		e, isBad := worst[i]
		if !isBad {
			keep = append(keep, int32(base+i))
			continue
		}
		err := *sqlerr.As(e.err)
		err.Column = column(e.col)
		var text []byte
		for j, s := range b.spans[i*b.width : (i+1)*b.width] {
			if j > 0 {
				text = append(text, ',')
			}
			if s.n > 0 {
				text = append(text, b.text[s.off:s.off+uint32(s.n)]...)
			}
		}
		bad = append(bad, BadLine{Line: b.lines[i], Text: clip(text, lineTextMax), Err: &err, Row: len(keep)})
	}
	return c.Gather(keep), bad
}

// nextLine finds the next line of buf[pos:]; size counts its end too.
func (d *CopyDecoder) nextLine(last bool) (line []byte, size int, ok bool, err error) {
	if d.eol == eolUnknown && !d.learnEOL(last) {
		if !last || d.pos == len(d.buf) {
			return nil, 0, false, nil
		}
	}
	end := d.lineEnd()
	if end < 0 {
		d.scan = len(d.buf)
		if !last || d.pos == len(d.buf) {
			return nil, 0, false, nil
		}
		if d.inQuote {
			d.inQuote = false
			if !d.spec.Lenient {
				d.line++
				return nil, 0, false, d.lineError(sqlerr.New(sqlerr.BadCopyFileFormat, "unterminated CSV quoted field"), d.buf[d.pos:])
			}
		}
		line, size = d.buf[d.pos:], len(d.buf)-d.pos
		if n := len(line); n > 0 && line[n-1] == '\r' && d.eol == eolCRLF {
			line = line[:n-1]
		}
		return line, size, true, d.checkLiteral(line)
	}
	line, size = d.buf[d.pos:end], end-d.pos+1
	if d.eol == eolCRLF {
		if n := len(line); n > 0 && line[n-1] == '\r' {
			line = line[:n-1]
		} else if !d.spec.Lenient {
			d.line++
			return nil, 0, false, d.literal("newline", "n")
		}
	}
	if err := d.checkLiteral(line); err != nil {
		return nil, 0, false, err
	}
	return line, size, true, nil
}

// checkLiteral raises a carriage return or newline that does not end lines here.
func (d *CopyDecoder) checkLiteral(line []byte) error {
	what, letter, c := "carriage return", "r", byte('\r')
	if d.eol == eolCR {
		what, letter, c = "newline", "n", '\n'
	}
	if d.eol == eolCRLF || d.spec.Lenient || bytes.IndexByte(line, c) < 0 || !d.unquoted(line, c) {
		return nil
	}
	d.line++
	return d.literal(what, letter)
}

// learnEOL looks for the first end of line outside quotes and escapes; a carriage
// return at the end of the input fed so far waits for what follows it.
func (d *CopyDecoder) learnEOL(last bool) bool {
	i := d.firstEOL()
	if i < 0 {
		return false
	}
	switch {
	case d.buf[i] == '\n':
		d.eol = eolLF
	case i+1 < len(d.buf) && d.buf[i+1] == '\n':
		d.eol = eolCRLF
	case i+1 < len(d.buf) || last:
		d.eol = eolCR
	default:
		return false
	}
	return true
}

// firstEOL finds the first carriage return or newline that is not data, -1 for none.
func (d *CopyDecoder) firstEOL() int {
	quoted := false
	for i := d.pos; i < len(d.buf); i++ {
		switch c := d.buf[i]; {
		case d.opt.CSV && quoted && c == d.opt.Escape && c != d.opt.Quote, !d.opt.CSV && c == '\\':
			i++
		case d.opt.CSV && c == d.opt.Quote:
			quoted = !quoted
		case (c == '\n' || c == '\r') && !quoted:
			return i
		}
	}
	return -1
}

// lineEnd returns the index of the byte that ends the line at pos, -1 for none yet.
func (d *CopyDecoder) lineEnd() int {
	eol := byte('\n')
	if d.eol == eolCR {
		eol = '\r'
	}
	if d.opt.CSV {
		return d.lineEndCSV(eol)
	}
	for d.scan < len(d.buf) {
		i := bytes.IndexByte(d.buf[d.scan:], eol)
		if i < 0 {
			return -1
		}
		i += d.scan
		k := i
		if d.eol == eolCRLF && k > d.pos && d.buf[k-1] == '\r' {
			k--
		}
		slashes := 0
		for k-slashes > d.pos && d.buf[k-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
		d.scan = i + 1 // an escaped newline is data
	}
	return -1
}

// lineEndCSV tracks quotes, inside which a newline is data.
func (d *CopyDecoder) lineEndCSV(eol byte) int {
	quote, escape := d.opt.Quote, d.opt.Escape
	if quote == escape {
		escape = 0
	}
	for i := d.scan; i < len(d.buf); i++ {
		c := d.buf[i]
		if c != eol && c != quote && (escape == 0 || !d.inQuote) {
			continue
		}
		if d.inQuote && escape != 0 && c == escape {
			d.lastEscape = !d.lastEscape
		}
		if c == quote && !d.lastEscape {
			d.inQuote = !d.inQuote
		}
		if escape == 0 || c != escape {
			d.lastEscape = false
		}
		if c == eol {
			if !d.inQuote {
				return i
			}
			if d.line > 0 { // in the first line PostgreSQL does not know its ends yet
				d.line++
			}
		}
	}
	return -1
}

// unquoted reports whether c stands outside quotes, or unescaped in text.
func (d *CopyDecoder) unquoted(line []byte, c byte) bool {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch b := line[i]; {
		case d.opt.CSV && b == d.opt.Quote:
			quoted = !quoted
		case !d.opt.CSV && b == '\\':
			i++
		case b == c && !quoted:
			return true
		}
	}
	return false
}

func (d *CopyDecoder) literal(what, letter string) error {
	unquoted, hint := "literal ", "Use \"\\"+letter+"\" to represent "+what+"."
	if d.opt.CSV {
		unquoted, hint = "unquoted ", "Use quoted CSV field to represent "+what+"."
	}
	return sqlerr.New(sqlerr.BadCopyFileFormat, "%s%s found in data", unquoted, what).WithHint("%s", hint).
		WithWhere("COPY %s, line %d", d.spec.Relation, d.line)
}
