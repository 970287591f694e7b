package streamdb

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"streamdb/sql/sqlerr"
)

// A log that stops under a transaction leaves its outcome unknown, 08007, never failed;
// whoever comes later is refused with the cause.
func TestLogStopsUnderTransaction(t *testing.T) {
	db, err := Open("data", Options{FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	// What cannot be applied is logged: the state machine stops with the entry in flight.
	err = db.propose(t.Context(), []op{&truncateOp{Table: 1 << 20}})
	if !sqlerr.Is(err, sqlerr.TransactionResolutionUnknown) {
		t.Errorf("in flight: %v", err)
	}
	err = db.propose(t.Context(), nil)
	if !sqlerr.Is(err, sqlerr.CannotConnectNow) || !strings.Contains(err.Error(), "unknown table") {
		t.Errorf("afterwards: %v", err)
	}
	if db.Err() == nil {
		t.Error("the database goes on")
	}
	if err := db.Close(); err == nil || !strings.Contains(err.Error(), "unknown table") {
		t.Errorf("Close: %v", err)
	}
}

// While the write to the log hangs and then fails for good, no answer is given: the
// process ends, and the client's connection with it.
func TestLogSyncFails(t *testing.T) {
	mem := vfs.NewCrashableMem()
	var fail atomic.Bool
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if fail.Load() && op.Kind == errorfs.OpFileSync || fail.Load() && op.Kind == errorfs.OpFileSyncData {
			return syscall.EIO
		}
		return nil
	}))
	died := make(chan error, 16)
	db, err := Open("data", Options{FS: fs, Logger: slog.New(slog.DiscardHandler), Fatal: func(err error) {
		died <- err
		select {}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.propose(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	fail.Store(true)
	answer := make(chan error, 1)
	go func() { answer <- db.propose(t.Context(), nil) }()
	select {
	case <-died:
	case <-time.After(10 * time.Second):
		t.Fatal("a failed sync is survived")
	}
	select {
	case err := <-answer:
		t.Errorf("a write that was not synced is answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	// What is on the disk opens.
	again, err := Open("data", Options{FS: mem.CrashClone(vfs.CrashCloneCfg{}), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
