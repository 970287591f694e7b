package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"streamdb"
	"streamdb/replication/log"
	"streamdb/storage"
	"streamdb/wire"
)

// The default addresses.
const (
	defaultListen = "127.0.0.1:7432"
	defaultHTTP   = "127.0.0.1:7480"
)

const (
	// sessionGrace is how long sessions may take to end when the server stops.
	sessionGrace = 5 * time.Second
	// httpGrace is the same for requests.
	httpGrace = time.Second
)

// spec is what a server is made of.
type spec struct {
	data         string
	listen, http string
	// httpOptional tells that the server does without HTTP when the address is taken.
	httpOptional bool
	tls          *tls.Config
	connections  int
	pprof        bool
	log          *slog.Logger
	db           streamdb.Options
}

// server is a database, its listeners and the goroutines that serve them.
type server struct {
	db   *streamdb.DB
	wire *wire.Server
	http *http.Server // nil without HTTP
	addr net.Addr
	// httpAddr is empty without HTTP.
	httpAddr string
	// failed gets the error of a listener that ends by itself.
	failed chan error
}

// start listens, opens the database, which may mean to recover it, and serves. Clients
// that come in between wait.
func start(s spec) (*server, error) {
	l, err := listen(s.listen, "--listen")
	if err != nil {
		return nil, err
	}
	var hl net.Listener
	if s.http != "" {
		hl, err = listen(s.http, "--http")
		if err != nil && s.httpOptional {
			s.log.Warn("serving without HTTP", "error", err)
			err = nil
		}
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	if c := s.db.Cluster; c != nil {
		if c.Listener, err = listen(c.Address, "--cluster-listen"); err != nil {
			if hl != nil {
				err = errors.Join(err, hl.Close())
			}
			return nil, errors.Join(err, l.Close())
		}
	}
	srv := &server{addr: l.Addr(), failed: make(chan error, 2)}
	s.db.Logger = s.log
	if srv.db, err = streamdb.Open(s.data, s.db); err != nil {
		if hl != nil {
			err = errors.Join(err, hl.Close())
		}
		return nil, errors.Join(openError(err), l.Close())
	}
	srv.wire = wire.New(wire.Config{Backend: srv.db, TLS: s.tls, Log: s.log, MaxConnections: s.connections})
	go func() {
		if err := srv.wire.Serve(l); err != nil && !errors.Is(err, wire.ErrServerClosed) {
			srv.failed <- fmt.Errorf("listener on %s: %w", srv.addr, err)
		}
	}()
	if hl != nil {
		srv.serveHTTP(hl, s.pprof)
	}
	return srv, nil
}

// listen opens an address; flag is the flag that changes it.
func listen(address, flag string) (net.Listener, error) {
	l, err := wire.Listen("tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		err = fmt.Errorf("address %s is in use: is another server running? Choose another one with %s", address, flag)
	default:
		err = fmt.Errorf("cannot listen on %s (%s): %w", address, flag, err)
	}
	return nil, &exitError{exitListen, err}
}

// openError gives an error of opening the database its exit code.
func openError(err error) error {
	for _, target := range []error{storage.ErrCorrupt, storage.ErrVersion, log.ErrCorrupt, log.ErrVersion} {
		if errors.Is(err, target) {
			return &exitError{exitCorrupt, fmt.Errorf("the data cannot be opened: %w", err)}
		}
	}
	if errors.Is(err, storage.ErrInUse) {
		return &exitError{exitInUse, err}
	}
	return err
}

// serveHTTP serves /healthz, /metrics and, if asked to, /debug/pprof.
func (s *server) serveHTTP(l net.Listener, pprof bool) {
	s.httpAddr = l.Addr().String()
	s.http = &http.Server{Handler: handler(s.db, s.wire, pprof), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := s.http.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("HTTP listener on %s: %w", s.httpAddr, err)
		}
	}()
}

// wait returns when ctx ends or a listener fails.
func (s *server) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	case <-s.db.Failed():
		return s.db.Err()
	}
}

// close ends the sessions and closes the database.
func (s *server) close() error {
	var errs []error
	if s.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), httpGrace)
		defer cancel()
		if s.http.Shutdown(ctx) != nil {
			errs = append(errs, s.http.Close())
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), sessionGrace)
	defer cancel()
	if err := s.wire.Shutdown(ctx); err != nil {
		errs = append(errs, fmt.Errorf("sessions did not end in time: %w", err))
	}
	return errors.Join(append(errs, s.db.Close())...)
}
