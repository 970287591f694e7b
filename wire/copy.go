package wire

import (
	"io"

	"github.com/jackc/pgx/v5/pgproto3"

	"streamdb/sql/sqlerr"
	"streamdb/wire/session"
)

// CopyIn implements session.Results.
func (r *results) CopyIn(f session.CopyFormat) (io.Reader, error) {
	if r.inRows || r.copyIn != nil || r.copyOut {
		return nil, sqlerr.As(errCopyState)
	}
	r.c.out.copyResponse('G', f)
	r.c.out.due = true
	c := r.c
	c.mu.Lock()
	c.copying = true
	c.mu.Unlock()
	r.copyIn = &copyReader{c: c}
	return r.copyIn, nil
}

// CopyOut implements session.Results.
func (r *results) CopyOut(f session.CopyFormat) (session.CopyWriter, error) {
	if r.inRows || r.copyIn != nil || r.copyOut {
		return nil, sqlerr.As(errCopyState)
	}
	r.c.out.copyResponse('H', f)
	r.copyOut = true
	return copyWriter{r}, nil
}

// copyResponse writes CopyInResponse or CopyOutResponse.
func (o *output) copyResponse(typ byte, f session.CopyFormat) {
	format := byte(0)
	if f.Binary {
		format = 1
	}
	p := o.begin(typ)
	o.buf = append(o.buf, format)
	o.u16(uint16(f.Columns))
	for range f.Columns {
		o.u16(uint16(format))
	}
	_ = o.end(p)
}

// endCopyIn leaves copy-in mode; Cancel no longer wakes the connection.
func (r *results) endCopyIn() {
	c := r.c
	r.copyIn = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.copying = false
	if c.terminated == nil {
		_ = c.raw.SetReadDeadline(noDeadline)
	}
}

// copyReader reads what the client sends in copy-in mode.
type copyReader struct {
	c    *conn
	data []byte // of the message in hand
	err  error  // the end; sticks
}

// Read implements io.Reader.
func (r *copyReader) Read(p []byte) (int, error) {
	for len(r.data) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.advance()
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}

// advance takes the next message.
func (r *copyReader) advance() {
	c := r.c
	if c.ctx.Err() != nil {
		r.err = asError(c.ctx, c.ctx.Err())
		return
	}
	msg, err := c.receive()
	if err != nil {
		r.err = r.broken(err)
		return
	}
	switch m := msg.(type) {
	case *pgproto3.CopyData:
		r.data = m.Data
	case *pgproto3.CopyDone:
		r.err = io.EOF
	case *pgproto3.CopyFail:
		r.err = sqlerr.New(sqlerr.QueryCanceled, "COPY from stdin failed: %s", m.Message)
	case *pgproto3.Flush, *pgproto3.Sync:
		// Sent along with Execute before the client knew that this is a COPY.
	case *pgproto3.Terminate:
		r.err = r.lost()
	default:
		e := protocolError("unexpected message type %T during COPY from stdin", msg)
		c.Terminate(e)
		r.err = e
	}
}

// broken turns a failed read into the statement's error.
func (r *copyReader) broken(err error) error {
	c := r.c
	if isTimeout(err) && c.ctx.Err() != nil {
		return asError(c.ctx, c.ctx.Err())
	}
	if e := c.readFailed(err); e != nil {
		c.Terminate(e)
		return e
	}
	return r.lost()
}

// lost marks the client as gone.
func (r *copyReader) lost() error {
	if r.c.out.err == nil {
		r.c.out.err = errGone
	}
	return sqlerr.New(sqlerr.ConnectionFailure, "unexpected EOF on client connection with an open transaction")
}

// copyWriter sends the rows of COPY TO STDOUT.
type copyWriter struct{ r *results }

// Write implements io.Writer: p is one row.
func (w copyWriter) Write(p []byte) (int, error) {
	o := &w.r.c.out
	at := o.begin('d')
	o.buf = append(o.buf, p...)
	if err := o.end(at); err != nil {
		return 0, err
	}
	if err := o.grown(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteRows implements session.CopyWriter.
func (w copyWriter) WriteRows(buf []byte, ends []int) error {
	o := &w.r.c.out
	from := 0
	for _, to := range ends {
		at := o.begin('d')
		o.buf = append(o.buf, buf[from:to]...)
		if err := o.end(at); err != nil {
			return err
		}
		if len(o.buf) >= o.max {
			if err := o.flush(); err != nil {
				return err
			}
		}
		from = to
	}
	return o.err
}
