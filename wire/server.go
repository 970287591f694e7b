package wire

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"streamdb/sql/sqlerr"
	"streamdb/wire/session"
)

// Config is what a Server is made of.
type Config struct {
	// Backend is the database. Required.
	Backend session.Backend
	// TLS is offered to clients that ask for encryption; nil means none is. See
	// LoadTLS.
	TLS *tls.Config
	// Auth admits or refuses clients. Default TrustLocal.
	Auth Authenticator
	// Log takes what happens to connections. Default: slog.Default().
	Log *slog.Logger

	// MaxConnections bounds the sessions; one more is told 53300. Default 100.
	MaxConnections int
	// MaxStartups bounds the connections that have not yet become sessions; above
	// it the oldest is closed. Default 256.
	MaxStartups int
	// AuthTimeout is how long a connection may take to become a session. Default 30 s.
	AuthTimeout time.Duration
	// MaxMessage is the largest body of a message from an authenticated client, in
	// bytes. Default 64 MiB.
	MaxMessage int
	// OutputBuffer is how many bytes of answers are gathered before they are sent
	// without being asked for. Default 64 KiB.
	OutputBuffer int
	// PortalBuffer bounds the rows kept for the next Execute of a portal with a row
	// limit, in bytes; above it the statement fails with 53200. Default 256 MiB.
	PortalBuffer int
	// CheckInterval is how often running statements are checked for clients that
	// have gone. Default 1 s.
	CheckInterval time.Duration
}

func (c *Config) setDefaults() {
	def := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	def(&c.MaxConnections, 100)
	def(&c.MaxStartups, 256)
	def(&c.MaxMessage, 64<<20)
	def(&c.OutputBuffer, 64<<10)
	def(&c.PortalBuffer, 256<<20)
	if c.AuthTimeout <= 0 {
		c.AuthTimeout = 30 * time.Second
	}
	if c.CheckInterval <= 0 {
		c.CheckInterval = time.Second
	}
	if c.Auth == nil {
		c.Auth = TrustLocal
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
}

// Server accepts connections and serves them.
type Server struct {
	cfg Config

	wg   sync.WaitGroup // connections and the checker
	done chan struct{}  // closed when Shutdown begins

	// cancels bounds the cancel requests in hand, so that secrets cannot be guessed
	// in bulk: each wrong guess holds a place for cancelPenalty.
	cancels chan struct{}

	mu        sync.Mutex
	closing   bool
	listeners map[net.Listener]struct{}
	// startups holds the connections that are not sessions yet, oldest first.
	startups *list.List
	// sessions holds the connections that count against MaxConnections, by pid.
	sessions map[uint32]*conn
	lastPID  uint32
	stats    Stats
}

// Stats counts what happened to connections since the server was made.
type Stats struct {
	Sessions int    // now
	Startups int    // half-open, now
	Accepted uint64 // connections taken
	Refused  uint64 // turned away: limits, startup errors, authentication
	Evicted  uint64 // half-open connections closed to make room
	Cancels  uint64 // cancel requests with the right secret
	Panics   uint64 // connections lost to our own faults
}

// New makes a server; Serve starts it.
func New(cfg Config) *Server {
	cfg.setDefaults()
	s := &Server{
		cfg:       cfg,
		done:      make(chan struct{}),
		cancels:   make(chan struct{}, cancelsMax),
		listeners: make(map[net.Listener]struct{}),
		startups:  list.New(),
		sessions:  make(map[uint32]*conn),
	}
	s.wg.Add(1)
	go s.checkPeers()
	return s
}

// ErrServerClosed is what Serve returns after Shutdown.
var ErrServerClosed = errors.New("wire: server closed")

// Serve accepts connections from l until l fails or Shutdown is called; it closes l.
// It may run for several listeners at once.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return ErrServerClosed
	}
	s.listeners[l] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.listeners, l)
		s.mu.Unlock()
	}()
	var wait time.Duration
	for {
		nc, err := l.Accept()
		if err == nil {
			wait = 0
			s.start(nc)
			continue
		}
		if s.isClosing() {
			return ErrServerClosed
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		// Out of file descriptors and the like: the listener is sound, try again.
		wait = min(max(2*wait, 5*time.Millisecond), time.Second)
		s.cfg.Log.Warn("accept failed", "err", err, "retry_in", wait)
		select {
		case <-time.After(wait):
		case <-s.done:
			return ErrServerClosed
		}
	}
}

// Listen opens a TCP listener with keep-alive probes that notice a vanished client
// within about two minutes, or a Unix socket if network is "unix".
func Listen(network, address string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: time.Minute, Interval: 15 * time.Second, Count: 4,
	}}
	return lc.Listen(context.Background(), network, address)
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Sessions, st.Startups = len(s.sessions), s.startups.Len()
	return st
}

// Shutdown stops accepting, ends every session with 57P01 and waits for them. When
// ctx ends first the remaining connections are cut and ctx's error is returned; a
// session that ignores its context may then still be running.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.closing {
		s.closing = true
		close(s.done)
	}
	for l := range s.listeners {
		l.Close()
	}
	for e := s.startups.Front(); e != nil; e = e.Next() {
		e.Value.(*conn).raw.Close()
	}
	live := s.liveLocked()
	s.mu.Unlock()
	for _, c := range live {
		c.Terminate(nil)
	}
	over := make(chan struct{})
	go func() { s.wg.Wait(); close(over) }()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	live = s.liveLocked()
	s.mu.Unlock()
	for _, c := range live {
		c.raw.Close()
	}
	return ctx.Err()
}

func (s *Server) liveLocked() []*conn {
	live := make([]*conn, 0, len(s.sessions))
	for _, c := range s.sessions {
		live = append(live, c)
	}
	return live
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// start gives a fresh connection its goroutine and a place among the startups.
func (s *Server) start(nc net.Conn) {
	c := newConn(s, nc)
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		nc.Close()
		return
	}
	s.stats.Accepted++
	if s.startups.Len() >= s.cfg.MaxStartups {
		oldest := s.startups.Remove(s.startups.Front()).(*conn)
		oldest.place = nil
		oldest.raw.Close()
		s.stats.Evicted++
	}
	c.place = s.startups.PushBack(c)
	s.wg.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.wg.Done()
		c.serve()
	}()
}

// admit turns a startup into a session with a pid of its own, or says why not.
func (s *Server) admit(c *conn) *sqlerr.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return sqlerr.New(sqlerr.CannotConnectNow, "the database system is shutting down")
	}
	if len(s.sessions) >= s.cfg.MaxConnections {
		return sqlerr.New(sqlerr.TooManyConnections, "sorry, too many clients already")
	}
	for {
		s.lastPID = (s.lastPID + 1) & 0x7fffffff
		if _, taken := s.sessions[s.lastPID]; !taken && s.lastPID != 0 {
			break
		}
	}
	c.pid = s.lastPID
	s.sessions[c.pid] = c
	s.leaveStartupsLocked(c)
	return nil
}

// forget takes a connection that is over out of the books.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveStartupsLocked(c)
	if s.sessions[c.pid] == c {
		delete(s.sessions, c.pid)
	}
}

func (s *Server) leaveStartupsLocked(c *conn) {
	if c.place != nil {
		s.startups.Remove(c.place)
		c.place = nil
	}
}

// count changes a counter of Stats.
func (s *Server) count(f func(*Stats)) {
	s.mu.Lock()
	f(&s.stats)
	s.mu.Unlock()
}

// checkPeers ends statements whose client has gone: a statement that sends nothing
// for a while would never notice.
func (s *Server) checkPeers() {
	defer s.wg.Done()
	t := time.NewTicker(s.cfg.CheckInterval)
	defer t.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-t.C:
		}
		s.mu.Lock()
		live := s.liveLocked()
		s.mu.Unlock()
		for _, c := range live {
			if c.busyFor() >= s.cfg.CheckInterval && peerGone(c.raw) {
				c.Terminate(sqlerr.New(sqlerr.ConnectionFailure, "connection to client lost"))
			}
		}
	}
}
