package soak

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/jackc/pgx/v5"

	"streamdb"
	"streamdb/wire"
)

// server is a database on disk that clients reach over the wire.
type server struct {
	dir    string
	db     *streamdb.DB
	wire   *wire.Server
	addr   string
	served chan error
}

// startServer opens a database in a directory of its own.
func startServer(o *options) (*server, error) {
	dir, err := os.MkdirTemp(o.dir, "streamdb-soak-*")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, served: make(chan error, 1)}
	quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if s.db, err = streamdb.Open(dir, streamdb.Options{Workers: o.workers, Logger: quiet}); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	l, err := wire.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, s.db.Close(), os.RemoveAll(dir))
	}
	s.addr, s.wire = l.Addr().String(), wire.New(wire.Config{Backend: s.db, Log: quiet})
	go func() { s.served <- s.wire.Serve(l) }()
	return s, nil
}

// connect opens a session.
func (s *server) connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.Connect(ctx, fmt.Sprintf("postgres://bench@%s/streamdb?sslmode=disable", s.addr))
}

// close ends the database and removes it.
func (s *server) close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // sessions that are still there are not waited for
	_ = s.wire.Shutdown(ctx)
	<-s.served
	return errors.Join(s.db.Close(), os.RemoveAll(s.dir))
}
