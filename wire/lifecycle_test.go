package wire

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"streamdb/sql/sqlerr"
)

// startup encodes a startup packet.
func startup(code uint32, rest ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(rest)))
	return append(binary.BigEndian.AppendUint32(b, code), rest...)
}

const user = "user\x00u\x00\x00"

// answer reads until the server closes.
func answer(t testing.TB, nc net.Conn) []byte {
	t.Helper()
	b, err := io.ReadAll(nc)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("read: %v", err)
	}
	return b
}

// alive checks that the server still serves.
func (s *testServer) alive(t testing.TB) {
	t.Helper()
	c := s.open(t)
	c.Send(&pgproto3.Query{String: "rows 1"})
	c.until("ready I")
	c.nc.Close()
}

func TestHostileBytes(t *testing.T) {
	s := startServer(t, nil)
	after := func(b ...byte) []byte { return append(startup(3<<16, []byte(user)...), b...) }
	for name, x := range map[string]struct {
		send []byte
		want string // a part of the answer; "-" for silence
	}{
		"http":               {[]byte("GET / HTTP/1.1\r\n\r\n"), "-"},
		"huge startup":       {[]byte{0x40, 0, 0, 0, 0, 3, 0, 0}, "-"},
		"negative startup":   {[]byte{0xff, 0xff, 0xff, 0xff, 0, 3, 0, 0}, "-"},
		"short startup":      {[]byte{0, 0, 0, 4, 0, 3, 0, 0}, "-"},
		"version 2":          {startup(2 << 16), "unsupported frontend protocol 2.0"},
		"version 4":          {startup(4<<16 | 1), "unsupported frontend protocol 4.1"},
		"no parameters":      {startup(3 << 16), "invalid startup packet layout"},
		"no user":            {startup(3<<16, 0), "no PostgreSQL user name"},
		"no end":             {startup(3<<16, []byte("user\x00u\x00")...), "invalid startup packet layout"},
		"odd":                {startup(3<<16, []byte("user\x00")...), "invalid startup packet layout"},
		"trailing":           {startup(3<<16, []byte(user+"x")...), "invalid startup packet layout"},
		"bad options":        {startup(3<<16, []byte("user\x00u\x00options\x00-z 1\x00\x00")...), "invalid command-line argument"},
		"replication":        {startup(3<<16, []byte("user\x00u\x00replication\x00database\x00\x00")...), "replication"},
		"no database":        {startup(3<<16, []byte("user\x00u\x00database\x00nodb\x00\x00")...), "3D000"},
		"panic":              {startup(3<<16, []byte("user\x00panic\x00\x00")...), "internal error"},
		"ssl twice":          {append(startup(codeSSL), startup(codeSSL)...), "N"},
		"gib message":        {after('Q', 0x40, 0, 0, 0), "invalid message length"},
		"negative message":   {after('Q', 0xff, 0xff, 0xff, 0xff), "invalid message length"},
		"empty query body":   {after('Q', 0, 0, 0, 4), "invalid"},
		"unterminated query": {after('Q', 0, 0, 0, 5, 'x'), "invalid"},
		"unknown type":       {after('~', 0, 0, 0, 4), "unknown message type"},
		"bad bind":           {after('B', 0, 0, 0, 8, 'a', 0, 'b', 0), "invalid"},
		"bad close":          {after('C', 0, 0, 0, 6, 'Z', 0, 'S', 0, 0, 0, 4, 'X', 0, 0, 0, 4), "CLOSE message subtype"},
		"password":           {after('p', 0, 0, 0, 5, 0), "unexpected message type"},
		"stray copy":         {after('c', 0, 0, 0, 4, 'd', 0, 0, 0, 5, 1, 'X', 0, 0, 0, 4), "Z"},
	} {
		t.Run(name, func(t *testing.T) {
			nc := s.dial(t)
			if _, err := nc.Write(x.send); err != nil {
				t.Fatal(err)
			}
			got := answer(t, nc)
			if x.want == "-" && len(got) > 0 || x.want != "-" && !bytes.Contains(got, []byte(x.want)) {
				t.Errorf("got %q, want %q in it", got, x.want)
			}
		})
	}
	s.alive(t)
	if n := s.Stats().Panics; n != 1 {
		t.Errorf("%d panics, want the one of Connect", n)
	}
}

func TestPanicInStatementEndsOnlyThatConnection(t *testing.T) {
	s := startServer(t, nil)
	other := s.open(t)
	c := s.open(t)
	c.Send(&pgproto3.Query{String: "panic"})
	c.expect(c.until(""), "FATAL XX000 internal error: this connection is closed")
	other.Send(&pgproto3.Query{String: "rows 1"})
	other.until("ready I")
}

func TestNegotiation(t *testing.T) {
	s := startServer(t, nil)
	nc := s.dial(t)
	for _, code := range []uint32{codeGSS, codeSSL} {
		if _, err := nc.Write(startup(code)); err != nil {
			t.Fatal(err)
		}
		var b [1]byte
		if _, err := io.ReadFull(nc, b[:]); err != nil || b[0] != 'N' {
			t.Fatalf("%d: %q %v", code, b, err)
		}
	}
	if _, err := nc.Write(startup(3<<16|7, []byte("user\x00u\x00_pq_.x\x001\x00options\x00-c a=b\\ c --d-e=f\x00application_name\x00app\x00\x00")...)); err != nil {
		t.Fatal(err)
	}
	f := pgproto3.NewFrontend(nc, nc)
	var params []string
	for {
		m, err := f.Receive()
		if err != nil {
			t.Fatal(err)
		}
		switch m := m.(type) {
		case *pgproto3.NegotiateProtocolVersion:
			if m.NewestMinorProtocol != 3<<16|2 || len(m.UnrecognizedOptions) != 1 || m.UnrecognizedOptions[0] != "_pq_.x" {
				t.Errorf("negotiation %+v", m)
			}
		case *pgproto3.ParameterStatus:
			params = append(params, m.Name+"="+m.Value)
		case *pgproto3.BackendKeyData:
			if len(m.SecretKey) != 32 {
				t.Errorf("secret of %d bytes", len(m.SecretKey))
			}
		case *pgproto3.ReadyForQuery:
			want := "server_version=15.99 application_name=app client_encoding=UTF8 DateStyle=ISO, MDY default_transaction_read_only=off in_hot_standby=off integer_datetimes=on IntervalStyle=postgres is_superuser=on server_encoding=UTF8 session_authorization=u standard_conforming_strings=on TimeZone=UTC"
			if got := strings.Join(params, " "); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			s.fake.mu.Lock()
			st := s.fake.started[0]
			s.fake.mu.Unlock()
			if len(st.Settings) != 3 || st.Settings[0].Value != "b c" || st.Settings[1].Name != "d_e" || st.Database != "u" || st.Host != "127.0.0.1" {
				t.Errorf("startup %+v", st)
			}
			return
		}
	}
}

func TestHalfOpenConnections(t *testing.T) {
	s := startServer(t, func(c *Config) { c.MaxStartups = 8; c.AuthTimeout = 300 * time.Millisecond })
	var open []net.Conn
	for range 40 {
		nc := s.dial(t)
		_, _ = nc.Write([]byte{0, 0, 0})
		open = append(open, nc)
	}
	s.alive(t) // the oldest makes room
	for _, nc := range open {
		answer(t, nc) // evicted or timed out: closed anyhow
	}
	st := s.Stats()
	if st.Evicted < 30 || st.Startups > 1 {
		t.Errorf("%+v", st)
	}
}

func TestConnectionLimit(t *testing.T) {
	s := startServer(t, func(c *Config) { c.MaxConnections = 2 })
	a := s.open(t)
	s.open(t)
	nc := s.dial(t)
	_, _ = nc.Write(startup(3<<16, []byte(user)...))
	if got := answer(t, nc); !bytes.Contains(got, []byte("53300")) {
		t.Errorf("got %q", got)
	}
	a.Send(&pgproto3.Terminate{})
	_ = a.Flush()
	answer(t, a.nc)
	s.alive(t)
}

func TestTrustLocal(t *testing.T) {
	ctx := context.Background()
	if err := TrustLocal(ctx, AuthRequest{Remote: &net.TCPAddr{IP: net.IPv6loopback}}, nil); err != nil {
		t.Error(err)
	}
	if err := TrustLocal(ctx, AuthRequest{Remote: &net.UnixAddr{}}, nil); err != nil {
		t.Error(err)
	}
	err := TrustLocal(ctx, AuthRequest{Remote: &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3)}}, nil)
	if !sqlerr.Is(err, "28000") || sqlerr.As(err).Hint == "" {
		t.Error(err)
	}
}

func TestPasswordExchange(t *testing.T) {
	s := startServer(t, func(c *Config) {
		c.Auth = func(_ context.Context, _ AuthRequest, x AuthExchange) error {
			m, err := x.Challenge(&pgproto3.AuthenticationCleartextPassword{})
			if err != nil {
				return err
			}
			if p, ok := m.(*pgproto3.PasswordMessage); !ok || p.Password != "right" {
				return sqlerr.New(sqlerr.InvalidPasswordSpecification, "password authentication failed for user \"u\"")
			}
			return nil
		}
	})
	for _, x := range []struct {
		m    pgproto3.FrontendMessage
		want string
	}{
		{&pgproto3.PasswordMessage{Password: "right"}, "AuthenticationOk"},
		{&pgproto3.PasswordMessage{Password: "wrong"}, `FATAL 28P01 password authentication failed for user "u"`},
		{&pgproto3.Query{String: "rows 1"}, "FATAL 08P01 expected password response, got message type *pgproto3.Query"},
	} {
		nc := s.dial(t)
		c := &client{t: t, nc: nc, Frontend: pgproto3.NewFrontend(nc, nc)}
		c.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": "u"}})
		c.until("AuthenticationCleartextPassword")
		c.Send(x.m)
		c.expect(c.until(""), x.want)
		nc.Close()
	}
}

// keyed opens a connection and returns it with its cancel request.
func (s *testServer) keyed(t testing.TB) (*client, []byte) {
	t.Helper()
	nc := s.dial(t)
	c := &client{t: t, nc: nc, Frontend: pgproto3.NewFrontend(nc, nc)}
	c.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": "u"}})
	_ = c.Flush()
	var key []byte
	for {
		m, err := c.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if k, ok := m.(*pgproto3.BackendKeyData); ok {
			key = append(binary.BigEndian.AppendUint32(nil, k.ProcessID), k.SecretKey...)
		}
		if _, ok := m.(*pgproto3.ReadyForQuery); ok {
			return c, startup(codeCancel, key...)
		}
	}
}

func (s *testServer) cancel(t testing.TB, req []byte) {
	t.Helper()
	nc := s.dial(t)
	if _, err := nc.Write(req); err != nil {
		t.Fatal(err)
	}
	if got := answer(t, nc); len(got) != 0 {
		t.Errorf("answer %q", got)
	}
}

func TestCancel(t *testing.T) {
	s := startServer(t, nil)
	c, req := s.keyed(t)
	s.cancel(t, req) // nothing runs: nothing happens
	for _, q := range []string{"sleep", "copyin", "copyout forever"} {
		c.Send(&pgproto3.Query{String: q})
		switch q {
		case "copyin":
			c.until("CopyInResponse")
		case "copyout forever":
			c.until(`data "3\n"`)
		default:
			_ = c.Flush()
			time.Sleep(50 * time.Millisecond)
		}
		s.cancel(t, req)
		got := c.until("ready I")
		if !strings.HasSuffix(got, "ERROR 57014 canceling statement due to user request | ready I") {
			t.Errorf("%s: %s", q, got)
		}
	}
	c.Send(&pgproto3.Query{String: "rows 1"})
	c.until("ready I")
	bad := bytes.Clone(req)
	bad[len(bad)-1]++
	s.cancel(t, bad)
	if n := s.Stats().Cancels; n != 4 {
		t.Errorf("%d cancels", n)
	}
}

func TestTerminate(t *testing.T) {
	s := startServer(t, nil)
	idle, busy := s.open(t), s.open(t)
	busy.Send(&pgproto3.Query{String: "sleep"})
	_ = busy.Flush()
	time.Sleep(50 * time.Millisecond)
	s.fake.mu.Lock()
	for _, f := range s.fake.live {
		f.st.Client.Terminate(nil)
	}
	s.fake.mu.Unlock()
	for _, c := range []*client{idle, busy} {
		c.expect(c.until(""), "FATAL 57P01 terminating connection due to administrator command")
	}
}

func TestShutdownWhileClientDoesNotRead(t *testing.T) {
	s := startServer(t, nil)
	c := s.open(t)
	c.Send(&pgproto3.Query{String: "rows 3000000"}) // far more than socket buffers hold
	_ = c.Flush()
	time.Sleep(100 * time.Millisecond)
	s.alive(t) // slow clients do not block others
	ctx, stop := context.WithTimeout(context.Background(), 4*time.Second)
	defer stop()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

func TestVanishedClientEndsItsStatement(t *testing.T) {
	s := startServer(t, nil)
	c := s.open(t)
	c.Send(&pgproto3.Query{String: "sleep"})
	_ = c.Flush()
	time.Sleep(20 * time.Millisecond)
	c.nc.Close()
	for range 200 {
		if s.fake.ended.Load() == 1 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the statement of a client that has gone still runs")
}

func TestIdleLimit(t *testing.T) {
	s := startServer(t, nil)
	c := s.open(t)
	c.Send(&pgproto3.Query{String: "idle 50ms"})
	c.until("ready I")
	c.Send(&pgproto3.Query{String: "rows 1"})
	c.until("ready I")
	c.expect(c.until(""), "FATAL 57P05 terminating connection due to idle-session timeout")
}

// certificate writes a self-signed certificate and its key.
func certificate(t testing.TB) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	kder, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: kder}))
	return certFile, keyFile
}

func write(t testing.TB, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTLS(t *testing.T) {
	cert, key := certificate(t)
	s := startServer(t, func(c *Config) {
		var err error
		if c.TLS, err = LoadTLS(cert, key); err != nil {
			t.Fatal(err)
		}
	})
	talk := func(nc net.Conn) {
		t.Helper()
		c := &client{t: t, nc: nc, Frontend: pgproto3.NewFrontend(nc, nc)}
		c.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": "u"}})
		c.until("ready I")
		c.Send(&pgproto3.Query{String: "rows 1"})
		c.expect(c.until("ready"), `fields a:23/0,b:25/0 | row "0",NULL | done SELECT 1 | ready I`)
		c.Send(&pgproto3.Query{String: "copyin"})
		c.until("CopyInResponse")
		time.Sleep(10 * time.Millisecond)
		s.fake.mu.Lock()
		for _, f := range s.fake.live {
			f.st.Client.Cancel(nil) // wakes a read within TLS, which must go on afterwards
		}
		s.fake.mu.Unlock()
		c.until("ready I")
		c.Send(&pgproto3.Query{String: "rows 1"})
		c.until("ready I")
		nc.Close()
	}
	nc := s.dial(t)
	_, _ = nc.Write(startup(codeSSL))
	var b [1]byte
	if _, err := io.ReadFull(nc, b[:]); err != nil || b[0] != 'S' {
		t.Fatalf("%q %v", b, err)
	}
	talk(tls.Client(nc, &tls.Config{InsecureSkipVerify: true}))
	talk(tls.Client(s.dial(t), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{alpn}}))
	if err := tls.Client(s.dial(t), &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
		if _, err := s.dial(t).Write(nil); err != nil {
			t.Error(err)
		}
	}

	// Plain text behind the request for TLS ends the connection.
	nc = s.dial(t)
	_, _ = nc.Write(append(startup(codeSSL), startup(3<<16, []byte(user)...)...))
	if got := answer(t, nc); len(got) > 1 && !bytes.Equal(got[:1], []byte("S")) || bytes.Contains(got, []byte("server_version")) {
		t.Errorf("got %q", got)
	}
	s.alive(t)
}

func TestLoadTLSNamesTheFault(t *testing.T) {
	cert, key := certificate(t)
	_, otherKey := certificate(t)
	dir := t.TempDir()
	garbage, open := filepath.Join(dir, "garbage"), filepath.Join(dir, "open")
	write(t, garbage, []byte("hello"))
	b, _ := os.ReadFile(key)
	write(t, open, b)
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, x := range [][3]string{
		{filepath.Join(dir, "none"), key, "no such file"},
		{dir, key, "is a directory"},
		{garbage, key, "no PEM block"},
		{key, key, "not with a certificate"},
		{cert, cert, "not a private key"},
		{cert, otherKey, "does not match"},
		{cert, open, "0600"},
	} {
		if x[1] == cert {
			_ = os.Chmod(cert, 0o600)
		}
		_, err := LoadTLS(x[0], x[1])
		if err == nil || !strings.Contains(err.Error(), x[2]) {
			t.Errorf("%v: %v", x, err)
		}
	}
}
