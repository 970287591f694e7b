package wire

import (
	"errors"
	"io"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/wire/session"
)

// results implements session.Results for one call: Query, where every statement
// tells its columns and completion itself, or Execute of a portal, where wire may
// hold rows and completion back for the next Execute.
type results struct {
	c   *conn
	enc rowEncoder

	portal *portal // nil in the simple protocol
	limit  int64   // rows to send now; 0: all
	sent   int64   // rows sent: of this statement, or in this Execute

	inRows    bool // Fields was called and Complete not yet
	columns   int  // of the current result
	answered  bool // something was completed
	empty     bool // Empty was called in Execute
	completed bool // Complete was called in Execute

	copyIn  *copyReader
	copyOut bool
}

var _ session.Results = (*results)(nil)

// begin makes r ready for a call.
func (r *results) begin(p *portal, limit int) {
	*r = results{c: r.c, enc: r.enc, portal: p, limit: int64(limit)}
}

// full tells whether the row limit is reached.
func (r *results) full() bool { return r.limit > 0 && r.sent >= r.limit }

// Fields implements session.Results.
func (r *results) Fields(f []session.Field) error {
	r.inRows, r.columns = true, len(f)
	if r.portal != nil {
		return checkFormats(r.portal.formats, len(f))
	}
	r.sent = 0
	return r.c.out.rowDescription(f, nil)
}

// Chunk implements session.Results.
func (r *results) Chunk(ck *chunk.Chunk) error {
	if r.inRows && r.columns != len(ck.Cols) {
		return sqlerr.Internal("result chunk has %d columns, described were %d", len(ck.Cols), r.columns)
	}
	if err := firstError(ck); err != nil {
		return err
	}
	at, err := r.rows(ck, rowPos{})
	if err != nil || at.row == ck.Rows {
		return err
	}
	return r.portal.rest.keep(ck, at, r.c.srv.cfg.PortalBuffer)
}

// rows sends rows of ck from a position on, as far as the limit lets it.
func (r *results) rows(ck *chunk.Chunk, at rowPos) (rowPos, error) {
	budget := int64(-1)
	if r.limit > 0 {
		budget = r.limit - r.sent
	}
	var formats []int16
	if r.portal != nil {
		formats = r.portal.formats
		if err := checkFormats(formats, len(ck.Cols)); err != nil {
			return at, err
		}
	}
	next, n, err := r.enc.write(&r.c.out, ck, formats, r.c.display, at, budget)
	r.sent += n
	return next, err
}

// firstError returns the error value with the smallest row number, or nil.
func firstError(ck *chunk.Chunk) error {
	var first error
	row := ck.Rows
	for _, c := range ck.Cols {
		if len(c.Errs) > 0 && c.Errs[0].Row < row {
			row, first = c.Errs[0].Row, c.Errs[0].Err
		}
	}
	return first
}

// Complete implements session.Results.
func (r *results) Complete(tag string) error {
	if r.copyIn != nil {
		if _, err := io.Copy(io.Discard, r.copyIn); err != nil {
			return err
		}
		r.endCopyIn()
	}
	if r.copyOut {
		r.copyOut = false
		r.c.out.buf = append(r.c.out.buf, 'c', 0, 0, 0, 4)
	}
	r.inRows, r.answered = false, true
	if r.portal != nil {
		r.portal.tag, r.completed = tag, true
		return r.c.out.err
	}
	r.c.out.commandComplete(tag, r.sent)
	r.sent = 0
	return r.c.out.grown()
}

// commandComplete writes CommandComplete; tags without their number get it.
func (o *output) commandComplete(tag string, rows int64) {
	p := o.begin('C')
	o.buf = append(o.buf, tag...)
	if tag == "SELECT" || tag == "FETCH" {
		o.buf = append(o.buf, ' ')
		o.buf = appendInt(o.buf, rows)
	}
	o.buf = append(o.buf, 0)
	_ = o.end(p)
}

// Empty implements session.Results.
func (r *results) Empty() error {
	r.answered = true
	if r.portal != nil {
		r.empty = true
		return nil
	}
	r.c.out.buf = append(r.c.out.buf, 'I', 0, 0, 0, 4)
	return r.c.out.err
}

// Flush implements session.Results.
func (r *results) Flush() error { return r.c.out.flush() }

// finish is called with the error of the session's call when it has returned.
func (r *results) finish(err error) error {
	if r.copyIn != nil {
		r.endCopyIn()
	}
	r.copyOut = false
	if err == nil && r.portal == nil && (!r.answered || r.inRows) {
		return sqlerr.Internal("a statement ended without completion")
	}
	return err
}

// drainRest sends rows an earlier Execute of the portal left over.
func (r *results) drainRest() error {
	b := &r.portal.rest
	for !b.empty() && !r.full() {
		at, err := r.rows(b.chunks[0], b.at)
		if err != nil {
			return err
		}
		b.advance(at)
	}
	return nil
}

// endExecute sends what ends an Execute: suspension or completion.
func (r *results) endExecute() error {
	o, p := &r.c.out, r.portal
	switch {
	case r.empty:
		o.buf = append(o.buf, 'I', 0, 0, 0, 4)
	case p.more || !p.rest.empty():
		o.buf = append(o.buf, 's', 0, 0, 0, 4)
	case p.tag == "":
		return sqlerr.Internal("a portal ended without completion")
	case p.finished && p.tag != "SELECT" && p.tag != "FETCH":
		return sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "portal cannot be run again")
	default:
		p.finished = true
		o.commandComplete(p.tag, r.sent)
	}
	return o.grown()
}

// rowPos is a place in a chunk: a row, and how many of its copies (by weight) have
// been sent already.
type rowPos struct {
	row    int
	copies int64
}

// rowBuffer holds rows for the next Execute of a portal.
type rowBuffer struct {
	chunks []*chunk.Chunk
	at     rowPos // in chunks[0]
	bytes  int
}

func (b *rowBuffer) empty() bool { return len(b.chunks) == 0 }

// keep copies the rows of ck from at on. It fails above max bytes.
func (b *rowBuffer) keep(ck *chunk.Chunk, at rowPos, max int) error {
	idx := make([]int32, 0, ck.Rows-at.row)
	for i := at.row; i < ck.Rows; i++ {
		idx = append(idx, int32(i))
	}
	k := chunk.New(ck.Schema(), len(idx))
	k.AppendRows(ck, idx)
	if len(b.chunks) == 0 {
		b.at = rowPos{copies: at.copies}
	}
	b.bytes += chunkBytes(k)
	if b.bytes > max {
		return sqlerr.New(sqlerr.OutOfMemory, "the rows waiting in a portal exceed %d bytes", max).
			WithHint("Fetch with a cursor (DECLARE, FETCH) or without a row limit.")
	}
	b.chunks = append(b.chunks, k)
	return nil
}

// advance moves to a place in the first chunk, dropping the chunk at its end.
func (b *rowBuffer) advance(at rowPos) {
	b.at = at
	if at.row >= b.chunks[0].Rows {
		b.bytes -= chunkBytes(b.chunks[0])
		b.chunks[0] = nil
		b.chunks = b.chunks[1:]
		b.at = rowPos{}
	}
}

// chunkBytes estimates a chunk's memory.
func chunkBytes(ck *chunk.Chunk) int {
	n := 64 + 8*len(ck.Weights)
	for _, c := range ck.Cols {
		n += 64 + 16*ck.Rows + len(c.Bytes)
	}
	return n
}

// checkFormats compares the number of result formats with that of columns.
func checkFormats(formats []int16, columns int) error {
	if len(formats) > 1 && len(formats) != columns {
		return protocolError("bind message has %d result formats but query has %d columns", len(formats), columns)
	}
	return nil
}

// formatOf gives the format of column i.
func formatOf(formats []int16, i int) int16 {
	switch len(formats) {
	case 0:
		return 0
	case 1:
		return formats[0]
	}
	return formats[i]
}

// rowDescription writes RowDescription, or NoData for nil fields.
func (o *output) rowDescription(f []session.Field, formats []int16) error {
	if f == nil {
		o.buf = append(o.buf, 'n', 0, 0, 0, 4)
		return nil
	}
	if len(f) > 1664 {
		return sqlerr.New(sqlerr.TooManyColumns, "target lists can have at most 1664 entries")
	}
	p := o.begin('T')
	o.u16(uint16(len(f)))
	for i := range f {
		o.str(clean(f[i].Name))
		o.u32(f[i].TableOID)
		o.u16(uint16(f[i].Attr))
		o.u32(wireOID(f[i].Type))
		o.u16(uint16(f[i].Type.Len()))
		o.u32(uint32(f[i].Type.Typmod))
		o.u16(uint16(formatOf(formats, i)))
	}
	return o.end(p)
}

// wireOID is a type's number for the client, who never sees a type as unknown.
func wireOID(t types.Type) uint32 {
	if t.Kind == types.KindUnknown {
		t = types.Text
	}
	return t.OID()
}

// errCopyState says that the session mixes up COPY and rows.
var errCopyState = errors.New("wire: COPY inside a result")
