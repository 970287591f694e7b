package nexmark

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"streamdb"
	gen "streamdb/connector/nexmark"
	"streamdb/wire"
)

// checkpointEvery is how often durable mode makes a checkpoint.
const checkpointEvery = 10 * time.Second

// runDurable runs a query as a materialized view of a database on disk, whose sources
// generate the events as fast as they are taken, with checkpoints, and reads the
// fingerprint over the wire at the end. The events are made before the clock starts.
func runDurable(q string, o *options, _ []round) (spent, outcome, error) {
	made, err := preload(o)
	if err != nil {
		return spent{}, outcome{}, err
	}
	defer runtime.KeepAlive(made)
	dir, err := os.MkdirTemp("", "streamdb-bench-*")
	if err != nil {
		return spent{}, outcome{}, err
	}
	defer os.RemoveAll(dir)
	db, err := streamdb.Open(dir, streamdb.Options{Workers: o.workers})
	if err != nil {
		return spent{}, outcome{}, err
	}
	defer db.Close()
	l, err := wire.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return spent{}, outcome{}, err
	}
	srv := wire.New(wire.Config{Backend: db})
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	ctx, cancel := context.WithCancel(context.Background())
	var checkpoints sync.WaitGroup
	defer func() {
		cancel()
		checkpoints.Wait()
		_ = srv.Shutdown(context.Background()) // the run is over; its error says nothing more
		<-served
	}()
	checkpoints.Go(func() { checkpointer(ctx, db) })
	conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres://bench@%s/streamdb?sslmode=disable", l.Addr()))
	if err != nil {
		return spent{}, outcome{}, err
	}
	defer conn.Close(context.Background())
	var res outcome
	s, err := timed(func() error { return durableQuery(ctx, conn, q, o, &res) })
	return s, res, err
}

// preload makes the events, which the sources of the database find.
func preload(o *options) ([]*gen.Source, error) {
	var made []*gen.Source
	for _, t := range tables {
		names, typs := gen.Columns(t)
		s, err := gen.Open(names, typs, map[string]string{"type": string(t), "rate": "unlimited", "event_rate": "10000", "preload": "true",
			"events": strconv.FormatInt(o.events, 10), "seed": strconv.FormatInt(int64(o.seed), 10), "first_event": strconv.FormatInt(o.first, 10)})
		if err != nil {
			return nil, err
		}
		made = append(made, s)
	}
	return made, nil
}

func checkpointer(ctx context.Context, db *streamdb.DB) {
	t := time.NewTicker(checkpointEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if err := db.Checkpoint(ctx); err != nil && ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "checkpoint:", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// durableQuery creates view and sources and waits until all events are applied.
func durableQuery(ctx context.Context, conn *pgx.Conn, q string, o *options, res *outcome) error {
	text, err := queryText(q)
	if err != nil {
		return err
	}
	if q == "q13" {
		// Its rows are there before the first bid.
		if _, err := conn.Exec(ctx, sideTable+"; INSERT INTO side_input SELECT k, 'value ' || k FROM generate_series(0, "+strconv.Itoa(sideRows-1)+") k", pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
	var script strings.Builder
	script.WriteString("BEGIN;\n")
	want := int64(0)
	for _, t := range tables {
		fmt.Fprintf(&script, "CREATE SOURCE %s WITH (connector = 'nexmark', type = '%s', rate = 'unlimited', event_rate = 10000, preload = true, events = %d, seed = %d, first_event = %d);\n",
			t, t, o.events, o.seed, o.first)
		want += rowsIn(t, o.first, o.events)
	}
	fmt.Fprintf(&script, "CREATE MATERIALIZED VIEW v AS %s;\nCOMMIT;", text)
	if _, err := conn.Exec(ctx, script.String(), pgx.QueryExecModeSimpleProtocol); err != nil {
		return err
	}
	for have := int64(-1); have < want; {
		if err := conn.QueryRow(ctx, "SELECT sum(rows)::bigint FROM streamdb.sources").Scan(&have); err != nil {
			return err
		}
		if have < want {
			time.Sleep(5 * time.Millisecond)
		}
	}
	if _, err := conn.Exec(ctx, "FLUSH"); err != nil {
		return err
	}
	if byClock[q] {
		if err := conn.QueryRow(ctx, "SELECT sum(bid_count)::bigint FROM v").Scan(&res.sum.changes); err != nil {
			return err
		}
	}
	var print string
	if err := conn.QueryRow(ctx, "SELECT fingerprint FROM streamdb.fingerprints WHERE relation = 'v'").Scan(&print); err != nil {
		return err
	}
	if _, err := fmt.Sscanf(print, "%16x%16x", &res.sum.print.Hi, &res.sum.print.Lo); err != nil {
		return err
	}
	return conn.QueryRow(ctx, "SELECT coalesce(sum(state_bytes), 0)::bigint, coalesce(sum(state_keys), 0)::bigint FROM streamdb.operators WHERE relation = 'v'").Scan(&res.stateBytes, &res.stateKeys)
}
