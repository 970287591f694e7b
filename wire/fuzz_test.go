package wire

import (
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// pipeConn makes an in-memory connection look local.
type pipeConn struct{ net.Conn }

func (pipeConn) RemoteAddr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// feed sends bytes to a connection of s, then closes it, and waits for its end.
func feed(t testing.TB, s *Server, data []byte) {
	client, server := net.Pipe()
	c := newConn(s, pipeConn{server})
	over := make(chan struct{})
	go func() { defer close(over); c.serve() }()
	go func() { _, _ = io.Copy(io.Discard, client) }()
	_ = client.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = client.Write(data)
	client.Close()
	select {
	case <-over:
	case <-time.After(10 * time.Second):
		t.Fatal("the connection does not end")
	}
}

func fuzzServer() *Server {
	return New(Config{Backend: &fakeBackend{}, Log: slog.New(slog.DiscardHandler), CheckInterval: time.Hour, AuthTimeout: time.Second})
}

// FuzzStartup feeds arbitrary bytes to a fresh connection.
func FuzzStartup(f *testing.F) {
	f.Add(startup(codeSSL))
	f.Add(append(startup(codeGSS), startup(3<<16, []byte(user)...)...))
	f.Add(startup(codeCancel, 0, 0, 0, 1, 1, 2, 3, 4))
	f.Add(startup(3<<16|2, []byte("user\x00u\x00options\x00-c a=b --c-d=e\x00database\x00d\x00\x00")...))
	f.Add([]byte{0x16, 3, 1, 0, 5})
	s := fuzzServer()
	f.Fuzz(func(t *testing.T, data []byte) {
		feed(t, s, data)
		if n := s.Stats().Panics; n != 0 {
			t.Fatalf("%d panics", n)
		}
	})
}

// FuzzMessages feeds arbitrary bytes to a session.
func FuzzMessages(f *testing.F) {
	for _, msgs := range [][]pgproto3.FrontendMessage{
		{&pgproto3.Query{String: "rows 3; weights; error x"}},
		{&pgproto3.Parse{Name: "s", Query: "params $", ParameterOIDs: []uint32{23}}, &pgproto3.Describe{ObjectType: 'S', Name: "s"},
			&pgproto3.Bind{PreparedStatement: "s", ParameterFormatCodes: []int16{1}, Parameters: [][]byte{{1}, nil}, ResultFormatCodes: []int16{1}},
			&pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{MaxRows: 1}, &pgproto3.Execute{}, &pgproto3.Close{ObjectType: 'P'}, &pgproto3.Sync{}},
		{&pgproto3.Query{String: "copyin"}, &pgproto3.CopyData{Data: []byte("1\n")}, &pgproto3.CopyDone{}, &pgproto3.Flush{}},
		{&pgproto3.Query{String: "copyin"}, &pgproto3.CopyFail{Message: "x"}, &pgproto3.Terminate{}},
		{&pgproto3.Parse{Query: "syntax"}, &pgproto3.Execute{Portal: "x"}, &pgproto3.Sync{}, &pgproto3.FunctionCall{Function: 1}},
	} {
		var b []byte
		for _, m := range msgs {
			var err error
			if b, err = m.Encode(b); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(b)
	}
	s := fuzzServer()
	hello := startup(3<<16, []byte(user)...)
	f.Fuzz(func(t *testing.T, data []byte) {
		before := s.Stats().Panics
		feed(t, s, append(hello[:len(hello):len(hello)], data...))
		if n := s.Stats().Panics; n != before && !containsPanic(data) {
			t.Fatalf("%d panics", n-before)
		}
	})
}

// containsPanic tells whether the fake session may have been asked to panic.
func containsPanic(b []byte) bool {
	for i := 0; i+5 <= len(b); i++ {
		if string(b[i:i+5]) == "panic" {
			return true
		}
	}
	return false
}
