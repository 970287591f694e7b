package wire

import (
	"errors"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"streamdb/sql/sqlerr"
	"streamdb/wire/session"
)

// portal is what the protocol knows of a portal beyond the session.
type portal struct {
	text string
	// formats are the result formats asked for in Bind: none, one for all columns,
	// or one per column.
	formats []int16
	// rest holds the rows a limited Execute did not send; more and tag tell what
	// follows them.
	rest rowBuffer
	// started: the session has been asked to execute it.
	started bool
	// more: the session has further rows. Else, once started, tag completes the
	// portal.
	more bool
	tag  string
	// finished: completion has been sent.
	finished bool
}

// run serves a session's messages until the connection ends. The error returned is
// for the client; nil says that it is gone or has taken its leave.
func (c *conn) run() error {
	for {
		msg, err := c.next()
		if err != nil {
			return err
		}
		if msg == nil {
			return nil
		}
		if err := c.handle(msg); err != nil {
			if errors.Is(err, errGone) {
				return nil
			}
			return err
		}
		if t := c.dying(); t != nil {
			return t
		}
		if c.out.err != nil {
			c.log.Debug("connection to client lost", "err", c.out.err)
			return nil
		}
	}
}

// errGone ends a connection whose client cannot be told anything.
var errGone = errors.New("wire: client is gone")

// next waits for the client's next message, as long as the session's idle limit
// lets it; nil when the client has gone.
func (c *conn) next() (pgproto3.FrontendMessage, error) {
	var limit error
	if c.idle != nil && c.out.due {
		d, why := c.idle.IdleLimit()
		if d > 0 {
			limit = why
			c.setReadDeadline(time.Now().Add(d))
		}
	}
	msg, err := c.receive()
	if err != nil {
		if limit != nil && isTimeout(err) && c.dying() == nil {
			return nil, limit
		}
		return nil, c.readFailed(err)
	}
	if limit != nil {
		c.setReadDeadline(time.Time{})
	}
	return msg, nil
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// handle serves one message. Its error ends the connection.
func (c *conn) handle(msg pgproto3.FrontendMessage) error {
	if c.skip {
		switch msg.(type) {
		case *pgproto3.Sync, *pgproto3.Terminate:
		default:
			return nil
		}
	}
	switch m := msg.(type) {
	case *pgproto3.Query:
		c.query(m.String)
	case *pgproto3.Parse:
		c.extended(m.Query, func() error { return c.parse(m) })
	case *pgproto3.Bind:
		c.extended(c.stmts[m.PreparedStatement], func() error { return c.bind(m) })
	case *pgproto3.Describe:
		c.extended("", func() error { return c.describe(m) })
	case *pgproto3.Execute:
		c.extended("", func() error { return c.execute(m) })
	case *pgproto3.Close:
		c.extended("", func() error { return c.closeNamed(m) })
	case *pgproto3.Sync:
		c.sync()
	case *pgproto3.Flush:
		c.out.due = true
	case *pgproto3.Terminate:
		_ = c.raw.SetWriteDeadline(time.Now().Add(farewell))
		_ = c.out.flush() // answers a pipelining client may still read
		return errGone
	case *pgproto3.FunctionCall:
		c.out.appendError(severityError, sqlerr.Unsupported("the function call protocol", -1), "")
		c.ready()
	case *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
		// What a client still sends of a COPY that failed.
	default:
		return protocolError("unexpected message type %T", msg)
	}
	return nil
}

// ready sends ReadyForQuery and asks for the output to be sent.
func (c *conn) ready() {
	if c.dying() != nil {
		return // FATAL follows
	}
	status := c.sess.TxStatus()
	if status == session.TxIdle && len(c.portals) > 0 {
		clear(c.portals) // portals live no longer than their transaction
	}
	c.out.buf = append(c.out.buf, 'Z', 0, 0, 0, 5, status)
	c.out.due = true
	c.text = ""
}

// sendDue sends answers a pipelining client waits for before a statement that may
// take long; false when the client is gone.
func (c *conn) sendDue() bool { return !c.out.due || c.out.flush() == nil }

// fail reports the error of a call.
func (c *conn) fail(err error) {
	if c.out.err != nil {
		return // the client is gone
	}
	e := asError(c.ctx, err)
	if e.Code == sqlerr.InternalError {
		c.log.Error("internal error", "err", err, "pid", c.pid)
	}
	if c.dying() != nil {
		return // the reason for the end is the answer
	}
	c.out.appendError(severityError, e, c.text)
}

// query serves the simple protocol.
func (c *conn) query(text string) {
	delete(c.stmts, "")
	delete(c.portals, "")
	if !c.sendDue() {
		return
	}
	c.text = text
	c.res.begin(nil, 0)
	ctx := c.enter()
	err := c.sess.Query(ctx, text, &c.res)
	err = c.res.finish(err)
	c.leave()
	if err != nil {
		c.fail(err)
	}
	c.ready()
}

// extended serves a message of the extended protocol; after an error the client's
// further messages are skipped up to Sync.
func (c *conn) extended(text string, f func() error) {
	c.text = text
	c.enter()
	err := f()
	c.leave()
	if err != nil {
		c.fail(err)
		c.skip = true
		c.out.due = true
	}
}

func (c *conn) parse(m *pgproto3.Parse) error {
	if err := c.sess.Parse(c.ctx, m.Name, m.Query, m.ParameterOIDs); err != nil {
		return err
	}
	if len(c.stmts) >= textsMax {
		clear(c.stmts)
	}
	c.stmts[m.Name] = m.Query
	c.out.buf = append(c.out.buf, '1', 0, 0, 0, 4)
	return nil
}

func (c *conn) bind(m *pgproto3.Bind) error {
	nf := len(m.ParameterFormatCodes)
	if nf > 1 && nf != len(m.Parameters) {
		return protocolError("bind message has %d parameter formats but %d parameters", nf, len(m.Parameters))
	}
	params := make([]session.Param, len(m.Parameters))
	for i, data := range m.Parameters {
		params[i].Data = data
		format := int16(0)
		if nf == 1 {
			format = m.ParameterFormatCodes[0]
		} else if nf > 1 {
			format = m.ParameterFormatCodes[i]
		}
		if err := checkFormat(format); err != nil {
			return err
		}
		params[i].Binary = format == pgproto3.BinaryFormat
	}
	for _, f := range m.ResultFormatCodes {
		if err := checkFormat(f); err != nil {
			return err
		}
	}
	if err := c.sess.Bind(c.ctx, m.DestinationPortal, m.PreparedStatement, params); err != nil {
		return err
	}
	c.portals[m.DestinationPortal] = &portal{text: c.text, formats: m.ResultFormatCodes}
	c.out.buf = append(c.out.buf, '2', 0, 0, 0, 4)
	return nil
}

func checkFormat(f int16) error {
	if f != pgproto3.TextFormat && f != pgproto3.BinaryFormat {
		return sqlerr.New(sqlerr.InvalidParameterValue, "unsupported format code: %d", f)
	}
	return nil
}

func (c *conn) describe(m *pgproto3.Describe) error {
	switch m.ObjectType {
	case 'S':
		c.text = c.stmts[m.Name]
		d, err := c.sess.DescribeStatement(c.ctx, m.Name)
		if err != nil {
			return err
		}
		p := c.out.begin('t')
		c.out.u16(uint16(len(d.Params)))
		for _, t := range d.Params {
			c.out.u32(wireOID(t))
		}
		if err := c.out.end(p); err != nil {
			return err
		}
		return c.out.rowDescription(d.Fields, nil)
	case 'P':
		var formats []int16
		if p := c.portals[m.Name]; p != nil {
			c.text, formats = p.text, p.formats
		}
		fields, err := c.sess.DescribePortal(c.ctx, m.Name)
		if err != nil {
			return err
		}
		if fields != nil {
			if err := checkFormats(formats, len(fields)); err != nil {
				return err
			}
		}
		return c.out.rowDescription(fields, formats)
	}
	return protocolError("invalid DESCRIBE message subtype %d", m.ObjectType)
}

func (c *conn) closeNamed(m *pgproto3.Close) error {
	var err error
	switch m.ObjectType {
	case 'S':
		err = c.sess.CloseStatement(c.ctx, m.Name)
		delete(c.stmts, m.Name)
	case 'P':
		err = c.sess.ClosePortal(c.ctx, m.Name)
		delete(c.portals, m.Name)
	default:
		err = protocolError("invalid CLOSE message subtype %d", m.ObjectType)
	}
	if err == nil {
		c.out.buf = append(c.out.buf, '3', 0, 0, 0, 4)
	}
	return err
}

// execute runs a portal, or hands out the rows an earlier Execute left over.
func (c *conn) execute(m *pgproto3.Execute) error {
	p := c.portals[m.Portal]
	if p == nil {
		// A cursor of the session may be executed as a portal too.
		p = &portal{}
		c.portals[m.Portal] = p
	}
	if !c.sendDue() {
		return errGone
	}
	c.text = p.text
	limit := 0
	if m.MaxRows <= 0x7fffffff {
		limit = int(m.MaxRows)
	}
	r := &c.res
	r.begin(p, limit)
	if err := r.drainRest(); err != nil {
		return err
	}
	if !p.started || p.more && p.rest.empty() && !r.full() {
		first := !p.started
		p.started = true
		want := 0
		if limit > 0 {
			want = limit - int(r.sent)
		}
		more, err := c.sess.Execute(c.ctx, m.Portal, want, r)
		if err = r.finish(err); err != nil {
			if first && p.text == "" && len(p.formats) == 0 {
				delete(c.portals, m.Portal)
			}
			return err
		}
		p.more = more
	}
	return r.endExecute()
}

// sync ends an implicit transaction and the skipping after an error.
func (c *conn) sync() {
	c.skip = false
	c.text = ""
	ctx := c.enter()
	err := c.sess.Sync(ctx)
	c.leave()
	if err != nil {
		c.fail(err)
	}
	c.ready()
}
