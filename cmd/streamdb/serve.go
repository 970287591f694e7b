package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"streamdb"
	"streamdb/wire"
)

// serve runs the server until it is told to stop.
func serve(ctx context.Context, args []string) error {
	s, err := serveSpec(args)
	if err != nil {
		return err
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.NumCPU() + streamdb.ExtraThreads)
	}
	srv, err := start(s)
	if err != nil {
		return err
	}
	web := "off"
	if srv.httpAddr != "" {
		web = srv.httpAddr
	}
	data := s.data
	if abs, err := filepath.Abs(data); err == nil {
		data = abs
	}
	fmt.Printf("streamdb %s is ready on %s, http %s, data %s\n", version, srv.addr, web, data)
	return errors.Join(srv.wait(ctx), srv.close())
}

// serveSpec reads the flags of serve.
func serveSpec(args []string) (spec, error) {
	fs := flag.NewFlagSet("streamdb serve", flag.ContinueOnError)
	var s spec
	fs.StringVar(&s.data, "data", "./streamdb-data", "the data `directory`; made if it is missing")
	fs.StringVar(&s.listen, "listen", defaultListen, "the `address` for PostgreSQL clients; port 0 takes a free one")
	fs.StringVar(&s.http, "http", defaultHTTP, "the `address` for /healthz and /metrics; empty turns them off")
	cert := fs.String("tls-cert", "", "a certificate `file` (PEM, chain included); offers TLS")
	key := fs.String("tls-key", "", "its private key `file` (PEM)")
	fs.IntVar(&s.db.Workers, "workers", 0, "workers of a dataflow (default 1)")
	holds := fs.Int64("hold-memory", 0, "`MiB` that old rows kept for transactions, subscriptions and lagging views may take (default a quarter of the memory; -1: no bound)")
	fs.DurationVar(&s.db.HoldAge, "hold-age", 0, "the greatest `age` of what a transaction or subscription reads (default 1h; -1s: no bound)")
	fs.DurationVar(&s.db.LagAge, "lag-age", 0, "the greatest `age` by which a view may be behind (default 24h; -1s: no bound)")
	view := fs.Int64("view-memory", 0, "`MiB` that the state of a view may take in memory, the rest lies on disk; WITH (memory = …) says otherwise for one (default a quarter of the memory; -1: no bound)")
	spill := fs.Int64("spill-quota", 0, "`MiB` of state on disk beyond the views' memory (default half of the free space; -1: none)")
	statement := fs.Int64("statement-memory", 1024, "`MiB` that one statement may take; -1: no bound")
	writes := fs.Int64("transaction-memory", 0, "`MiB` that a transaction may write before it commits (default a quarter of the memory; -1: no bound)")
	fs.IntVar(&s.connections, "max-connections", 100, "sessions at a time")
	fs.BoolVar(&s.pprof, "pprof", false, "serve /debug/pprof on the HTTP address, too")
	fs.BoolVar(&s.db.VirtualClock, "virtual-clock", false, "time stands still until advance_clock or SET streamdb.clock moves it: for tests, see docs/testing-your-sql.md")
	fs.DurationVar(&s.db.TickInterval, "tick-interval", 100*time.Millisecond, "how often time is logged when nothing else is and something waits for it")
	node := fs.String("node", "", "makes the server the node of that `name` in a cluster (experimental, see docs/replication.md)")
	clusterListen := fs.String("cluster-listen", "", "the `address` for the other nodes, as it stands in --join")
	join := fs.String("join", "", "the `addresses` of all nodes, this one's included, separated by commas")
	level := fs.String("log-level", "info", "what is logged: debug, info, warn or error")
	if err := parseFlags(fs, args); err != nil {
		return s, err
	}
	s.db.DataflowMemory, s.db.SpillQuota = *view<<20, *spill<<20
	s.db.TransactionMemory = *writes << 20
	s.db.HoldMemory, s.db.StatementMemory = *holds<<20, *statement<<20
	// An address nobody asked for is not worth failing for.
	s.httpOptional = true
	fs.Visit(func(f *flag.Flag) { s.httpOptional = s.httpOptional && f.Name != "http" })
	var lv slog.Level
	if err := lv.UnmarshalText([]byte(*level)); err != nil {
		return s, &exitError{exitUsage, fmt.Errorf("--log-level %s: choose debug, info, warn or error", *level)}
	}
	s.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: lv}))
	slog.SetDefault(s.log)
	if s.db.Workers < 0 || s.db.Workers > 256 {
		return s, &exitError{exitUsage, fmt.Errorf("--workers %d: choose 1 to 256", s.db.Workers)}
	}
	if s.connections < 1 {
		return s, &exitError{exitUsage, fmt.Errorf("--max-connections %d: choose at least 1", s.connections)}
	}
	if err := s.joinCluster(*node, *clusterListen, *join); err != nil {
		return s, err
	}
	return s, s.loadTLS(*cert, *key)
}

// joinCluster checks the flags of a node.
func (s *spec) joinCluster(node, address, join string) error {
	if node == "" && address == "" && join == "" {
		return nil
	}
	if node == "" || address == "" || join == "" {
		return &exitError{exitUsage, errors.New("--node, --cluster-listen and --join go together")}
	}
	all := strings.Split(join, ",")
	if !slices.Contains(all, address) {
		return &exitError{exitUsage, fmt.Errorf("--join must name all nodes, this one at %s included", address)}
	}
	for _, a := range all {
		// Nodes talk in plain text as yet, so that nothing may leave the machine.
		host, _, err := net.SplitHostPort(a)
		if err != nil {
			return &exitError{exitUsage, fmt.Errorf("--join: address %q: %w", a, err)}
		}
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			return &exitError{exitUsage, fmt.Errorf("--join: %s is not a loopback address: clusters of several machines are not supported yet", a)}
		}
	}
	s.db.Cluster = &streamdb.ClusterOptions{Node: node, Address: address, Join: all}
	return nil
}

// loadTLS reads the certificate if there is one.
func (s *spec) loadTLS(cert, key string) error {
	if cert == "" && key == "" {
		return nil
	}
	if cert == "" || key == "" {
		return &exitError{exitUsage, errors.New("--tls-cert and --tls-key go together")}
	}
	var err error
	if s.tls, err = wire.LoadTLS(cert, key); err != nil {
		return &exitError{exitTLS, err}
	}
	return nil
}
