package wire

import (
	"encoding/binary"
	"io"

	"github.com/jackc/pgx/v5/pgproto3"

	"streamdb/sql/sqlerr"
)

// messageMax bounds the body of one message to the client, as PostgreSQL's
// MaxAllocSize does.
const messageMax = 0x3fffffff - 1

// output gathers messages and writes them in few system calls. A failed write
// sticks: what comes after is dropped.
type output struct {
	w   io.Writer
	buf []byte
	// max is the length at which grown sends buf.
	max int
	err error
	// due says that the client waits for what is in buf, so that it has to leave
	// before we wait for the client.
	due bool
}

func (o *output) init(w io.Writer, max int) { o.w, o.max = w, max }

// flush sends what is gathered.
func (o *output) flush() error {
	o.due = false
	if len(o.buf) == 0 || o.err != nil {
		return o.err
	}
	_, o.err = o.w.Write(o.buf)
	if cap(o.buf) > 2*o.max {
		o.buf = nil // one huge row does not keep its memory
	}
	o.buf = o.buf[:0]
	return o.err
}

// grown sends what is gathered when that is a bufferful.
func (o *output) grown() error {
	if len(o.buf) >= o.max {
		due := o.due
		err := o.flush()
		o.due = due
		return err
	}
	return o.err
}

// begin starts a message and returns its place for end.
func (o *output) begin(typ byte) int {
	o.buf = append(o.buf, typ, 0, 0, 0, 0)
	return len(o.buf) - 4
}

// end fills in the length of the message begun at place.
func (o *output) end(place int) error {
	n := len(o.buf) - place
	if n > messageMax {
		o.buf = o.buf[:place-1]
		return sqlerr.New(sqlerr.ProgramLimitExceeded, "message to client of %d bytes exceeds the limit of %d bytes", n, messageMax)
	}
	binary.BigEndian.PutUint32(o.buf[place:], uint32(n))
	return nil
}

// message appends a whole message.
func (o *output) message(m pgproto3.BackendMessage) {
	b, err := m.Encode(o.buf)
	if err != nil {
		if o.err == nil {
			o.err = err
		}
		return
	}
	o.buf = b
}

func (o *output) str(s string) {
	o.buf = append(o.buf, s...)
	o.buf = append(o.buf, 0)
}

func (o *output) u16(v uint16) { o.buf = binary.BigEndian.AppendUint16(o.buf, v) }
func (o *output) u32(v uint32) { o.buf = binary.BigEndian.AppendUint32(o.buf, v) }
