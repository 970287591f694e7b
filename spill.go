package streamdb

import (
	"errors"
	"path/filepath"

	"streamdb/exec"
	"streamdb/sql/catalog"
	"streamdb/storage/spill"
)

// State beyond a dataflow's memory lies in a file without a name, see package spill. It is
// lost with the process: recovery reads the state from the checkpoint, as always.

// openSpill makes the file for state beyond the dataflows' memory.
func (db *DB) openSpill(dir string) error {
	path := db.opts.SpillDir
	if path == "" && db.opts.FS == nil {
		path = filepath.Join(dir, "spill")
	}
	if path == "" || db.opts.SpillQuota < 0 {
		return nil
	}
	quota := db.opts.SpillQuota
	if quota == 0 {
		quota = spill.Free(dir) / 2
	}
	pool, err := spill.Open(path, quota)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	db.spill = pool
	return err
}

// memoryOf returns the budget of a dataflow's state, 0 for none.
func (db *DB) memoryOf(d *catalog.Descriptor) int64 {
	m := db.opts.DataflowMemory
	if q := d.Query(); q != nil && q.Memory() > 0 {
		m = q.Memory()
		if most := db.opts.DataflowMemoryMax; most > 0 {
			m = min(m, most)
		}
	}
	return max(m, 0)
}

// newSpace returns memory for a dataflow's state: half of its budget is for the large blocks
// in memory, half for all else.
func (db *DB) newSpace(memory int64) exec.Spill {
	if db.spill == nil || memory == 0 {
		return nil
	}
	return db.spill.NewSpace(memory / 2)
}
