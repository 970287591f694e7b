package wire

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"streamdb/sql/sqlerr"
	"streamdb/wire/session"
)

// Severities of errors.
const (
	severityError = "ERROR"
	severityFatal = "FATAL"
)

// appendError writes an ErrorResponse. text is the statement the error's position
// counts in.
func (o *output) appendError(severity string, e *sqlerr.Error, text string) {
	p := o.begin('E')
	o.errorField('S', severity)
	o.errorField('V', severity)
	o.errorField('C', e.Code)
	o.buf = append(o.buf, 'M')
	o.str(clean(e.Message)) // even an empty message is sent
	o.errorField('D', e.Detail)
	o.errorField('H', e.Hint)
	if text != "" {
		o.position(e.CharPosition(text))
	}
	o.errorField('W', e.Where)
	o.errorField('s', e.Schema)
	o.errorField('t', e.Table)
	o.errorField('c', e.Column)
	o.errorField('d', e.DataType)
	o.errorField('n', e.Constraint)
	o.buf = append(o.buf, 0)
	_ = o.end(p) // texts this long do not occur
}

// appendNotice writes a NoticeResponse.
func (o *output) appendNotice(severity session.Severity, n session.Notice, text string) {
	if n.Code == "" {
		n.Code = sqlerr.SuccessfulCompletion
		if severity == session.Warning {
			n.Code = sqlerr.Warning
		}
	}
	p := o.begin('N')
	o.errorField('S', string(severity))
	o.errorField('V', string(severity))
	o.errorField('C', n.Code)
	o.buf = append(o.buf, 'M')
	o.str(clean(n.Message))
	o.errorField('D', n.Detail)
	o.errorField('H', n.Hint)
	if text != "" {
		o.position((&sqlerr.Error{Position: n.Position}).CharPosition(text))
	}
	o.buf = append(o.buf, 0)
	_ = o.end(p)
}

func (o *output) errorField(code byte, v string) {
	if v == "" {
		return
	}
	o.buf = append(o.buf, code)
	o.str(clean(v))
}

func (o *output) position(chars int) {
	if chars > 0 {
		o.buf = append(o.buf, 'P')
		o.buf = appendInt(o.buf, int64(chars))
		o.buf = append(o.buf, 0)
	}
}

// clean makes v fit for the wire: its strings end at a zero byte and are UTF-8.
func clean(v string) string {
	if strings.IndexByte(v, 0) >= 0 {
		v = strings.ReplaceAll(v, "\x00", "")
	}
	return strings.ToValidUTF8(v, "�")
}

// asError turns what a call returned into what the client is told: a context's end
// becomes its cause.
func asError(ctx context.Context, err error) *sqlerr.Error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		var known *sqlerr.Error
		if !errors.As(err, &known) {
			err = context.Cause(ctx)
		}
	}
	return sqlerr.As(err)
}

// protocolError says that the client does not keep to the protocol.
func protocolError(format string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.ProtocolViolation, format, args...)
}

// send appends a message to the output.
func (c *conn) send(m pgproto3.BackendMessage) { c.out.message(m) }
