package wire

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"streamdb/sql/sqlerr"
	"streamdb/wire/session"
)

// Limits and codes of the startup phase.
const (
	startupMax    = 10_000 // bytes of a startup packet, PostgreSQL's MAX_STARTUP_PACKET_LENGTH
	preAuthMax    = 65_535 // bytes of a message body before authentication
	cancelsMax    = 64     // cancel requests in hand at once
	cancelPenalty = time.Second

	codeCancel = 80877102
	codeSSL    = 80877103
	codeGSS    = 80877104

	versionMajor = 3
	minorMax     = 2 // the newest minor version we speak
)

// errQuiet ends a connection without a word to the client.
var errQuiet = errors.New("wire: connection ended during startup")

// startupPacket is a decoded StartupMessage.
type startupPacket struct {
	minor    uint32
	user     string
	database string
	settings []session.Setting
	// unknown lists the protocol options (_pq_.*) we do not have.
	unknown []string
}

// negotiate reads startup requests until one asks for a session: at most one each
// for TLS and GSSAPI, then the StartupMessage, or a CancelRequest, which ends in
// errQuiet. Packets are read from the connection itself, exactly as long as they
// are, so that nothing sent in plain text can be taken for encrypted.
func (c *conn) negotiate() (*startupPacket, error) {
	var sslAsked, gssAsked bool
	for {
		body, err := c.readStartup()
		if err != nil {
			return nil, err
		}
		code := binary.BigEndian.Uint32(body)
		switch {
		case code == codeSSL && !sslAsked && len(body) == 4:
			sslAsked = true
			if err := c.answerSSL(); err != nil {
				return nil, err
			}
		case code == codeGSS && !gssAsked && len(body) == 4:
			gssAsked = true
			if err := c.writeByte('N'); err != nil {
				return nil, err
			}
		case code == codeCancel:
			c.cancelRequest(body)
			return nil, errQuiet
		case code>>16 == versionMajor:
			return parseStartup(body)
		default:
			return nil, sqlerr.New(sqlerr.FeatureNotSupported,
				"unsupported frontend protocol %d.%d: server supports 3.0 to 3.%d", code>>16, code&0xffff, minorMax)
		}
	}
}

// readStartup reads one startup packet and returns its body, at least 4 bytes. A
// first byte of 0x16 is no packet but the start of a TLS handshake, which then
// comes first.
func (c *conn) readStartup() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(c.nc, head[:]); err != nil {
		return nil, errQuiet
	}
	if head[0] == 0x16 && c.tls == nil && c.srv.cfg.TLS != nil {
		if err := c.startTLS(&prefixConn{Conn: c.raw, prefix: head[:]}, true); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(c.nc, head[:]); err != nil {
			return nil, errQuiet
		}
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 8 || n > startupMax {
		// Not a PostgreSQL client: an answer would only confuse it.
		c.log.Debug("invalid length of startup packet", "length", n)
		return nil, errQuiet
	}
	body := make([]byte, n-4)
	if _, err := io.ReadFull(c.nc, body); err != nil {
		return nil, errQuiet
	}
	return body, nil
}

func (c *conn) writeByte(b byte) error {
	if _, err := c.nc.Write([]byte{b}); err != nil {
		return errQuiet
	}
	return nil
}

// answerSSL answers an SSLRequest and makes the handshake if there is a certificate.
func (c *conn) answerSSL() error {
	if _, unix := c.raw.(*net.UnixConn); unix || c.srv.cfg.TLS == nil || c.tls != nil {
		return c.writeByte('N')
	}
	if hasInput(c.raw) {
		// Somebody put plain text in front of the encrypted stream.
		c.log.Warn("received unencrypted data after SSL request")
		return errQuiet
	}
	if err := c.writeByte('S'); err != nil {
		return err
	}
	return c.startTLS(c.raw, false)
}

// startTLS makes the handshake over nc. A client that starts TLS directly must name
// the protocol, so that a request meant for another service is not taken for ours.
func (c *conn) startTLS(nc net.Conn, direct bool) error {
	t := tls.Server(nc, c.srv.cfg.TLS)
	if err := t.Handshake(); err != nil {
		c.log.Debug("TLS handshake failed", "err", err)
		return errQuiet
	}
	st := t.ConnectionState()
	if direct && st.NegotiatedProtocol != alpn {
		c.log.Debug("direct TLS connection without ALPN", "protocol", st.NegotiatedProtocol)
		return errQuiet
	}
	c.nc, c.tls = t, &st
	return nil
}

// prefixConn gives bytes that were read already before the rest of the connection.
type prefixConn struct {
	net.Conn
	prefix []byte
}

// Read implements net.Conn.
func (p *prefixConn) Read(b []byte) (int, error) {
	if len(p.prefix) > 0 {
		n := copy(b, p.prefix)
		p.prefix = p.prefix[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

// cancelRequest serves a CancelRequest. The client never gets an answer. A wrong
// secret costs time and a place among few.
func (c *conn) cancelRequest(body []byte) {
	if len(body) < 12 || len(body) > 8+256 {
		return
	}
	s := c.srv
	select {
	case s.cancels <- struct{}{}:
		defer func() { <-s.cancels }()
	case <-time.After(s.cfg.AuthTimeout):
		return
	case <-s.done:
		return
	}
	pid, secret := binary.BigEndian.Uint32(body[4:]), body[8:]
	s.mu.Lock()
	target := s.sessions[pid]
	s.mu.Unlock()
	// A connection's secret is set before its pid is told, and never changes after.
	if target != nil && target.keyed.Load() && subtle.ConstantTimeCompare(target.secret, secret) == 1 {
		s.count(func(st *Stats) { st.Cancels++ })
		target.Cancel(nil)
		return
	}
	c.log.Info("cancel request with a wrong pid or secret", "pid", pid)
	select {
	case <-time.After(cancelPenalty):
	case <-s.done:
	}
}

// makeSecret draws the cancel secret: 4 bytes in protocol 3.0, 32 from 3.2 on.
func makeSecret(minor uint32) []byte {
	b := make([]byte, 4)
	if minor >= 2 {
		b = make([]byte, 32)
	}
	_, _ = rand.Read(b) // never fails: it crashes the process instead
	return b
}

// parseStartup decodes the body of a StartupMessage: version, then pairs of
// zero-terminated strings, then a zero byte.
func parseStartup(body []byte) (*startupPacket, error) {
	p := &startupPacket{minor: binary.BigEndian.Uint32(body) & 0xffff}
	rest := body[4:]
	bad := func() error {
		return sqlerr.New(sqlerr.ProtocolViolation, "invalid startup packet layout: expected terminator as last byte")
	}
	next := func() (string, bool) {
		i := bytes.IndexByte(rest, 0)
		if i < 0 {
			return "", false
		}
		v := string(rest[:i])
		rest = rest[i+1:]
		return v, true
	}
	var options string
	for {
		name, ok := next()
		if !ok {
			return nil, bad()
		}
		if name == "" {
			break
		}
		value, ok := next()
		if !ok {
			return nil, bad()
		}
		switch {
		case name == "user":
			p.user = value
		case name == "database":
			p.database = value
		case name == "options":
			options = value
		case name == "replication":
			if !isFalse(value) {
				return nil, sqlerr.New(sqlerr.FeatureNotSupported, "replication connections are not supported")
			}
		case strings.HasPrefix(name, "_pq_."):
			p.unknown = append(p.unknown, name)
		default:
			p.settings = append(p.settings, session.Setting{Name: name, Value: value})
		}
	}
	if len(rest) != 0 {
		return nil, bad()
	}
	if p.user == "" {
		return nil, sqlerr.New(sqlerr.InvalidAuthorizationSpecification, "no PostgreSQL user name specified in startup packet")
	}
	if p.database == "" {
		p.database = p.user
	}
	fromOptions, err := parseOptions(options)
	p.settings = append(fromOptions, p.settings...)
	return p, err
}

func isFalse(v string) bool {
	switch strings.ToLower(v) {
	case "", "0", "f", "false", "off", "n", "no":
		return true
	}
	return false
}

// parseOptions reads the settings in the startup parameter "options", which is the
// tail of a command line: -c name=value, -cname=value and --name=value, separated by
// spaces, where a backslash protects the next character.
func parseOptions(s string) ([]session.Setting, error) {
	words := splitOptions(s)
	var out []session.Setting
	for i := 0; i < len(words); i++ {
		w := words[i]
		var assign string
		switch {
		case w == "-c" && i+1 < len(words):
			i++
			assign = words[i]
		case strings.HasPrefix(w, "-c") && len(w) > 2:
			assign = w[2:]
		case strings.HasPrefix(w, "--") && len(w) > 2:
			assign = w[2:]
		default:
			return nil, sqlerr.New(sqlerr.SyntaxError, "invalid command-line argument for server process: %s", w)
		}
		name, value, ok := strings.Cut(assign, "=")
		if !ok {
			return nil, sqlerr.New(sqlerr.SyntaxError, "%s requires a value", w)
		}
		out = append(out, session.Setting{Name: strings.ReplaceAll(name, "-", "_"), Value: value})
	}
	return out, nil
}

func splitOptions(s string) []string {
	var words []string
	var w []byte
	in := false
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case ch == '\\' && i+1 < len(s):
			i++
			w, in = append(w, s[i]), true
		case ch == ' ' || ch >= '\t' && ch <= '\r':
			if in {
				words, w, in = append(words, string(w)), w[:0], false
			}
		default:
			w, in = append(w, ch), true
		}
	}
	if in {
		words = append(words, string(w))
	}
	return words
}

// open authenticates the client, opens its session and greets it.
func (c *conn) open() error {
	c.out.init(c.nc, c.srv.cfg.OutputBuffer)
	c.in = pgproto3.NewBackend(flushingReader{c}, nil)
	c.in.SetMaxBodyLen(preAuthMax)
	p, err := c.negotiate()
	c.out.w = c.nc // TLS may have come between
	if err != nil {
		return err
	}
	if p.minor > minorMax || len(p.unknown) > 0 {
		c.send(&pgproto3.NegotiateProtocolVersion{NewestMinorProtocol: versionMajor<<16 | min(p.minor, minorMax), UnrecognizedOptions: p.unknown})
		p.minor = min(p.minor, minorMax)
	}
	ctx, stop := context.WithDeadlineCause(context.Background(), c.bornAt.Add(c.srv.cfg.AuthTimeout),
		sqlerr.New(sqlerr.QueryCanceled, "canceling authentication due to timeout"))
	defer stop()
	req := AuthRequest{User: p.user, Database: p.database, Remote: c.raw.RemoteAddr(), TLS: c.tls}
	if err := c.srv.cfg.Auth(ctx, req, exchange{c}); err != nil {
		return err
	}
	if err := c.srv.admit(c); err != nil {
		return err
	}
	c.send(&pgproto3.AuthenticationOk{})
	c.secret = makeSecret(p.minor)
	st := session.Startup{PID: c.pid, User: p.user, Database: p.database, Settings: p.settings,
		Port: -1, TLS: c.tls != nil, Client: c}
	if a, ok := c.raw.RemoteAddr().(*net.TCPAddr); ok {
		st.Host, st.Port = a.IP.String(), a.Port
	}
	if c.sess, err = c.srv.cfg.Backend.Connect(ctx, st); err != nil {
		return err
	}
	c.greet(p)
	return nil
}

// defaultParameters are the reported settings in PostgreSQL's order, with the values
// of a session that reports none.
var defaultParameters = []session.Setting{
	{Name: "application_name"},
	{Name: "client_encoding", Value: "UTF8"},
	{Name: "DateStyle", Value: "ISO, MDY"},
	{Name: "default_transaction_read_only", Value: "off"},
	{Name: "in_hot_standby", Value: "off"},
	{Name: "integer_datetimes", Value: "on"},
	{Name: "IntervalStyle", Value: "postgres"},
	{Name: "is_superuser", Value: "on"},
	{Name: "server_encoding", Value: "UTF8"},
	{Name: "server_version", Value: "15.14"},
	{Name: "session_authorization"},
	{Name: "standard_conforming_strings", Value: "on"},
	{Name: "TimeZone", Value: "UTC"},
}

// greet tells a new session's client the settings, its cancel key and that it may
// begin.
func (c *conn) greet(p *startupPacket) {
	for _, d := range defaultParameters {
		if _, told := c.reported[d.Name]; told {
			continue
		}
		switch d.Name {
		case "session_authorization":
			d.Value = p.user
		case "application_name":
			for _, s := range p.settings {
				if s.Name == d.Name {
					d.Value = s.Value
				}
			}
		}
		c.Parameter(d.Name, d.Value)
	}
	c.keyed.Store(true)
	c.send(&pgproto3.BackendKeyData{ProcessID: c.pid, SecretKey: c.secret})
	c.in.SetMaxBodyLen(c.srv.cfg.MaxMessage)
	c.liftDeadlines()
	c.ready()
}

// exchange implements AuthExchange.
type exchange struct{ c *conn }

// Challenge implements AuthExchange.
func (x exchange) Challenge(m pgproto3.AuthenticationResponseMessage) (pgproto3.FrontendMessage, error) {
	if err := x.Send(m); err != nil {
		return nil, err
	}
	auth := uint32(pgproto3.AuthTypeCleartextPassword)
	switch m.(type) {
	case *pgproto3.AuthenticationSASL:
		auth = pgproto3.AuthTypeSASL
	case *pgproto3.AuthenticationSASLContinue:
		auth = pgproto3.AuthTypeSASLContinue
	}
	if err := x.c.in.SetAuthType(auth); err != nil {
		return nil, err
	}
	msg, err := x.c.receive()
	if err != nil {
		return nil, err
	}
	switch msg.(type) {
	case *pgproto3.PasswordMessage, *pgproto3.SASLInitialResponse, *pgproto3.SASLResponse:
		return msg, nil
	case *pgproto3.Terminate:
		return nil, errQuiet
	}
	return nil, sqlerr.New(sqlerr.ProtocolViolation, "expected password response, got message type %T", msg)
}

// Send implements AuthExchange.
func (x exchange) Send(m pgproto3.AuthenticationResponseMessage) error {
	x.c.send(m)
	return x.c.out.flush()
}

// peerName is the client's address for the log.
func peerName(nc net.Conn) string {
	if a := nc.RemoteAddr(); a != nil {
		return fmt.Sprint(a)
	}
	return "?"
}
