// Package target starts the database that the black-box suites run against: in process on a file system that can crash,
// or as the real binary.
package target

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"streamdb"
	"streamdb/replication/log"
	"streamdb/sqllogictest"
	"streamdb/storage"
	"streamdb/wire"
)

// inProcess is a database in this process on a file system that forgets what was not
// synced when it crashes.
type inProcess struct {
	mode   sqllogictest.Mode
	fs     *vfs.MemFS
	db     *streamdb.DB
	server *wire.Server
	done   chan struct{}
	starts int
	replay *inProcess // the last replay
}

// NewInProcess returns a database in this process on a crashable file system. Each one is used for one file.
func NewInProcess() (sqllogictest.Server, error) { return &inProcess{}, nil }

// dataDir is the data directory in the file system in memory.
const dataDir = "data"

// Start opens an empty database.
func (p *inProcess) Start(_ context.Context, mode sqllogictest.Mode) (string, error) {
	p.mode, p.fs = mode, vfs.NewCrashableMem()
	return p.open(mode.Workers)
}

func (p *inProcess) open(workers int) (string, error) {
	opts := streamdb.Options{FS: p.fs, Workers: workers, KeepLog: true, NoInlineFill: p.mode.Lag, VirtualClock: p.mode.VirtualClock, Logger: slog.New(slog.DiscardHandler)}
	if p.mode.Lag {
		opts.LagEvery = 3
	}
	if p.mode.Checkpoint && !p.mode.Restart {
		opts.CheckpointEvery = 1
	}
	db, err := streamdb.Open(dataDir, opts)
	if err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	p.db, p.server, p.done = db, wire.New(wire.Config{Backend: db, Log: opts.Logger}), make(chan struct{})
	go func(s *wire.Server, done chan struct{}) {
		defer close(done)
		_ = s.Serve(l) // Its end is what Shutdown asks for.
	}(p.server, p.done)
	return fmt.Sprintf("postgres://test@%s/streamdb?sslmode=disable", l.Addr()), nil
}

// Restart crashes the database, as a power cut would, and opens it again with another number of workers.
func (p *inProcess) Restart(ctx context.Context) (string, error) {
	crashed := p.fs.CrashClone(vfs.CrashCloneCfg{})
	if err := p.close(ctx); err != nil {
		return "", err
	}
	p.fs = crashed
	p.starts++
	return p.open([]int{1, 2, 4}[p.starts%3])
}

// Checkpoint makes a checkpoint.
func (p *inProcess) Checkpoint(ctx context.Context) error { return p.db.Checkpoint(ctx) }

// close ends the server and the database, if they run.
func (p *inProcess) close(ctx context.Context) error {
	if p.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_ = p.server.Shutdown(ctx) // Sessions that do not end in time are cut.
	<-p.done
	err := p.db.Close()
	p.server, p.db = nil, nil
	return err
}

// Stop ends the database, and the replay of its log if there is one.
func (p *inProcess) Stop() error {
	err := p.close(context.Background())
	if p.replay != nil {
		err = errors.Join(err, p.replay.Stop())
	}
	return err
}

// Replay applies the log in a fresh directory, in another mode. With checkpoints, the database is then opened once more
// from one.
func (p *inProcess) Replay(ctx context.Context, mode sqllogictest.Mode) (string, error) {
	if p.replay != nil {
		if err := p.replay.Stop(); err != nil {
			return "", err
		}
	}
	r := &inProcess{mode: mode, fs: vfs.NewCrashableMem()}
	p.replay = r
	if err := copyLog(p.fs.CrashClone(vfs.CrashCloneCfg{}), r.fs); err != nil {
		return "", err
	}
	cs, err := r.open(mode.Workers)
	if err != nil || !mode.Checkpoint {
		return cs, err
	}
	if err := r.Checkpoint(ctx); err != nil {
		return "", err
	}
	return r.Restart(ctx)
}

// copyLog makes a data directory that holds the log of another one and nothing else.
func copyLog(from, to *vfs.MemFS) error {
	old, err := log.OpenStore(dataDir+"/log", log.Options{FS: from, MustExist: true})
	if err != nil {
		return err
	}
	defer old.Close()
	dir, err := storage.OpenDir(dataDir, storage.DirOptions{FS: to})
	if err != nil {
		return err
	}
	defer dir.Close()
	state, err := storage.OpenStore(dir, storage.StoreOptions{})
	if err != nil {
		return err
	}
	defer state.Close()
	now, err := log.OpenStore(dir.LogPath(), log.Options{FS: dir.FS()})
	if err != nil {
		return err
	}
	defer now.Close()
	err = old.Read(old.FirstIndex(), old.LastIndex()+1, func(e log.Entry) error { return now.Append([]log.Entry{e}) })
	if err != nil {
		return err
	}
	return dir.MarkInitialized()
}
