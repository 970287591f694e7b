package streamdb

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"streamdb/replication/log"
	"streamdb/storage/storagetest"
)

// A transaction that the disk refuses in its middle leaves no open stage behind, which
// would keep the log from being cut.
func TestOrphanedStages(t *testing.T) {
	disk := storagetest.NewQuota(vfs.NewMem(), 256<<20)
	db, err := Open("data", Options{FS: disk, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	part := []op{&sequenceOp{Sequence: 1 << 20, Last: 1}}
	body, err := encodeOps(part)
	if err != nil {
		t.Fatal(err)
	}
	payload := append(log.AppendStageHeader(nil, log.StageHeader{ID: 1}), body...)
	_, err = db.driver.Propose(t.Context(), log.Entry{Kind: log.KindStage, EngineVersion: EngineVersion, Payload: payload, Local: part})
	if err != nil {
		t.Fatal(err)
	}
	db.lastStage = 1
	used, _ := disk.Used()
	disk.Resize(used + 1<<20) // less than what is kept in reserve
	if _, err := db.logStages([][]op{part, part}); !errors.Is(err, log.ErrDiskFull) {
		t.Fatalf("a full disk gave %v", err)
	}
	if !db.orphans {
		t.Fatal("nobody knows of the refused transaction")
	}
	disk.Resize(256 << 20)
	if err := db.propose(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	db.core.mu.Lock()
	defer db.core.mu.Unlock()
	if all := db.core.stages.All(); len(all) > 0 || len(db.core.staged) > 0 {
		t.Errorf("open stages %v", all)
	}
}
