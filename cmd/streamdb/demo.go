package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/term"
)

// demo runs a server on a fresh directory, creates sources and views over the wire like
// any client, and shows what they do until it is told to stop.
func demo(ctx context.Context, args []string) (err error) {
	s, rate, err := demoSpec(args)
	if err != nil {
		return err
	}
	if s.data, err = os.MkdirTemp("", "streamdb-demo-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.data)) }()
	srv, err := start(s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { cancel(srv.wait(ctx)) }()
	err = runDemo(ctx, srv, rate)
	if ctx.Err() != nil { // told to stop, or a listener failed
		if err = context.Cause(ctx); errors.Is(err, context.Canceled) {
			err = nil
		}
	}
	if err = errors.Join(err, srv.close()); err == nil {
		fmt.Println("streamdb demo: stopped")
	}
	return err
}

// demoSpec reads the flags of demo.
func demoSpec(args []string) (spec, int, error) {
	fs := flag.NewFlagSet("streamdb demo", flag.ContinueOnError)
	s := spec{httpOptional: true, connections: 100}
	fs.StringVar(&s.listen, "listen", defaultListen, "the `address` for PostgreSQL clients")
	fs.StringVar(&s.http, "http", defaultHTTP, "the `address` for /healthz and /metrics; empty turns them off")
	rate := fs.Int("rate", 10_000, "events a second, of all three sources together")
	if err := parseFlags(fs, args); err != nil {
		return s, 0, err
	}
	if *rate < 1 {
		return s, 0, &exitError{exitUsage, fmt.Errorf("--rate %d: choose at least 1", *rate)}
	}
	s.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	slog.SetDefault(s.log)
	return s, *rate, nil
}

// runDemo is the demo's client.
func runDemo(ctx context.Context, srv *server, rate int) error {
	conn, err := pgconn.Connect(ctx, fmt.Sprintf("postgres://demo@%s/streamdb?sslmode=disable", srv.addr))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // nothing is lost with it
	for _, sql := range append([]string{demoSources(rate, time.Now())}, demoViews...) {
		if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
			return fmt.Errorf("demo: %w\n%s", err, sql)
		}
	}
	fmt.Println(demoText(rate, srv.addr.String(), srv.httpAddr))
	m := &monitor{conn: conn, out: os.Stdout}
	if fd := int(os.Stdout.Fd()); term.IsTerminal(fd) {
		return m.live(ctx, fd)
	}
	return m.plain(ctx)
}
