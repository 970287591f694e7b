package wire

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/wire/session"
)

// farewell is how long a terminated connection may take to swallow its last message.
const farewell = 2 * time.Second

// noticeDelay is how long a statement may have been running before its notices are
// sent at once instead of with its result.
const noticeDelay = 100 * time.Millisecond

// textsMax bounds the statement texts kept for error positions. A session may forget
// statements (DEALLOCATE) without our knowing; above the bound all are forgotten.
const textsMax = 10_000

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// noDeadline takes a deadline away.
var noDeadline time.Time

// conn is one client's connection. Its goroutine owns everything but what mu guards.
type conn struct {
	srv    *Server
	log    *slog.Logger
	raw    net.Conn // the socket
	nc     net.Conn // what we read and write: raw, or TLS over it
	tls    *tls.ConnectionState
	bornAt time.Time
	place  *list.Element // among srv.startups; guarded by srv.mu

	in  *pgproto3.Backend
	out output

	pid    uint32
	secret []byte      // set before keyed
	keyed  atomic.Bool // whether secret may be compared
	sess   session.Session
	idle   session.IdleLimiter // sess, if it is one

	// reported holds the settings the client was told.
	reported map[string]string
	display  *types.Settings // never nil

	// skip drops messages until Sync, after an error in the extended protocol.
	skip    bool
	stmts   map[string]string // text of each prepared statement
	portals map[string]*portal
	// text is the statement in hand, for positions of errors and notices.
	text string
	res  results

	mu   sync.Mutex
	busy bool // a call into the session is running
	// since is when busy became true.
	since time.Time
	// ctx and cancel are the context of calls; replaced once it has ended.
	ctx    context.Context
	cancel context.CancelCauseFunc
	// copying: the call is reading COPY data, so that Cancel has to wake it.
	copying bool
	// terminated is why the connection has to end, or nil.
	terminated *sqlerr.Error
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{
		srv: s, raw: nc, nc: nc, bornAt: time.Now(),
		log:      s.cfg.Log.With("remote", peerName(nc)),
		reported: make(map[string]string),
		stmts:    make(map[string]string),
		portals:  make(map[string]*portal),
		display:  types.DefaultSettings,
	}
	c.res.c = c
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	return c
}

// serve runs the connection from its first byte to its end.
func (c *conn) serve() {
	defer c.close()
	defer func() {
		if r := recover(); r != nil {
			c.srv.count(func(s *Stats) { s.Panics++ })
			c.log.Error("panic in connection", "panic", r, "pid", c.pid, "stack", string(debug.Stack()))
			c.fatal(sqlerr.New(sqlerr.InternalError, "internal error: this connection is closed").
				WithDetail("%s", fmt.Sprint(r)))
		}
	}()
	_ = c.raw.SetDeadline(c.bornAt.Add(c.srv.cfg.AuthTimeout)) // lifted by greet
	if err := c.open(); err != nil {
		c.srv.count(func(s *Stats) { s.Refused++ })
		c.refuse(err)
		return
	}
	if i, ok := c.sess.(session.IdleLimiter); ok {
		c.idle = i
	}
	if err := c.run(); err != nil {
		c.fatal(err)
	}
}

// refuse ends a connection that did not become a session.
func (c *conn) refuse(err error) {
	var e *sqlerr.Error
	switch {
	case errors.Is(err, errQuiet):
	case errors.As(err, &e):
		c.log.Info("connection refused", "err", e)
		c.fatal(e)
	case isTimeout(err):
		// The client is silent or too slow; it gets no answer, as from PostgreSQL.
		c.log.Info("authentication timeout")
	default:
		c.log.Debug("connection ended during startup", "err", err)
		c.fatal(protocolError("%s", err.Error()))
	}
}

// close gives everything back.
func (c *conn) close() {
	defer c.raw.Close()
	defer c.srv.forget(c) // first: a client that sees the end may connect again at once
	defer func() {
		if r := recover(); r != nil {
			c.srv.count(func(s *Stats) { s.Panics++ })
			c.log.Error("panic at the end of a session", "panic", r, "pid", c.pid, "stack", string(debug.Stack()))
		}
	}()
	c.cancel(sqlerr.New(sqlerr.ConnectionFailure, "connection is closed"))
	if c.sess != nil {
		c.sess.End()
	}
}

// fatal tells the client why its connection ends. What was gathered before is sent
// too.
func (c *conn) fatal(err error) {
	e := sqlerr.As(err)
	_ = c.raw.SetWriteDeadline(time.Now().Add(farewell))
	c.out.w = c.nc
	c.out.appendError(severityFatal, e, "")
	_ = c.out.flush()
	// Closing with unread input resets the connection, which can overtake the
	// message; ending our half first gives the client the chance to read it.
	if hasInput(c.raw) {
		if h, ok := c.raw.(interface{ CloseWrite() error }); ok {
			_ = h.CloseWrite()
			_ = c.raw.SetReadDeadline(time.Now().Add(farewell / 10))
			var sink [4096]byte
			for range 16 {
				if _, err := c.raw.Read(sink[:]); err != nil {
					break
				}
			}
		}
	}
}

// flushingReader reads from the client, first sending what the client waits for.
type flushingReader struct{ c *conn }

// Read implements io.Reader.
func (r flushingReader) Read(p []byte) (int, error) {
	if r.c.out.due {
		if err := r.c.out.flush(); err != nil {
			return 0, err
		}
	}
	return r.c.nc.Read(p)
}

// receive reads the client's next message, valid until the next receive.
func (c *conn) receive() (pgproto3.FrontendMessage, error) { return c.in.Receive() }

// readFailed turns a failed read into the reason for the connection's end; nil when
// there is nobody to tell.
func (c *conn) readFailed(err error) error {
	c.mu.Lock()
	terminated := c.terminated
	c.mu.Unlock()
	var tooLong *pgproto3.ExceededMaxBodyLenErr
	var network net.Error
	switch {
	case terminated != nil:
		return terminated
	case errors.As(err, &tooLong):
		return protocolError("invalid message length: %d bytes, the limit is %d", tooLong.ActualBodyLen, tooLong.MaxExpectedBodyLen)
	case errors.As(err, &network) || isEOF(err) || c.out.err != nil:
		c.log.Debug("connection to client lost", "err", err)
		return nil
	}
	return protocolError("invalid message from client: %s", err.Error())
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// setReadDeadline sets a deadline unless the connection is to end, which keeps its own.
func (c *conn) setReadDeadline(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.terminated == nil {
		_ = c.raw.SetReadDeadline(t)
	}
}

// liftDeadlines ends the time limit of the startup.
func (c *conn) liftDeadlines() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.terminated == nil {
		_ = c.raw.SetDeadline(noDeadline)
	}
}

// enter begins a call into the session and gives its context.
func (c *conn) enter() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil && c.terminated == nil {
		c.ctx, c.cancel = context.WithCancelCause(context.Background())
	}
	c.busy, c.since = true, time.Now()
	return c.ctx
}

// leave ends a call into the session.
func (c *conn) leave() {
	c.mu.Lock()
	c.busy = false
	c.mu.Unlock()
}

// dying returns the reason for which the connection has to end, or nil.
func (c *conn) dying() *sqlerr.Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.terminated
}

// busyFor returns how long the running call has been running, 0 without one.
func (c *conn) busyFor() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.busy {
		return 0
	}
	return time.Since(c.since)
}

// Cancel implements session.Client.
func (c *conn) Cancel(cause error) {
	if cause == nil {
		cause = sqlerr.New(sqlerr.QueryCanceled, "canceling statement due to user request")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.busy {
		return
	}
	c.cancel(cause)
	if c.copying {
		_ = c.raw.SetReadDeadline(past)
	}
}

// Terminate implements session.Client.
func (c *conn) Terminate(cause error) {
	if cause == nil {
		cause = sqlerr.New(sqlerr.AdminShutdown, "terminating connection due to administrator command")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.terminated != nil {
		return
	}
	c.terminated = sqlerr.As(cause)
	c.cancel(c.terminated)
	_ = c.raw.SetReadDeadline(past)
	_ = c.raw.SetWriteDeadline(time.Now().Add(farewell))
}

// Notice implements session.Client.
func (c *conn) Notice(severity session.Severity, n session.Notice) {
	c.out.appendNotice(severity, n, c.text)
	if time.Since(c.since) > noticeDelay {
		_ = c.out.flush() // a failure shows at the next write
	}
}

// Parameter implements session.Client.
func (c *conn) Parameter(name, value string) {
	if old, told := c.reported[name]; told && old == value {
		return
	}
	c.reported[name] = value
	p := c.out.begin('S')
	c.out.str(clean(name))
	c.out.str(clean(value))
	_ = c.out.end(p)
}

// Display implements session.Client.
func (c *conn) Display(s *types.Settings) {
	if s == nil {
		s = types.DefaultSettings
	}
	c.display = s
}

var _ session.Client = (*conn)(nil)
