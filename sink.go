package streamdb

import (
	"context"
	"sync"

	"streamdb/connector/file"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/storage/relation"
)

// sinkWriter takes the changes of a sink's dataflow to the outside, epoch by epoch,
// once they are published.
type sinkWriter struct {
	db  *DB
	out *file.Sink // nil for a black hole

	mu      sync.Mutex
	pending []sinkBatch
	visible uint64 // epochs up to here may be written
	written uint64
	turned  chan struct{}
	err     error
}

// sinkBatch is the changes of one epoch.
type sinkBatch struct {
	epoch relation.Epoch
	rows  *chunk.Chunk
}

// checkSink validates a sink's connector; fresh tells that the sink is new, and its file
// must be empty.
func checkSink(d *catalog.Descriptor, fresh bool) error {
	c := d.Sink.Connector
	switch c.Name {
	case "blackhole":
		return nil
	case "file":
		names, typs := sourceColumns(d)
		o := fileOptions(c)
		k, err := file.NewSink(names, typs, o)
		if err != nil {
			return err
		}
		defer k.Close()
		if k.NeedsAppendOnly() && !d.Sink.AppendOnly {
			return sqlerr.New(sqlerr.FeatureNotSupported, "sink %q writes plain rows, but its query retracts rows", d.Name).
				WithHint("Add changelog = true, so that each row tells whether it is inserted or deleted, or EMIT ON WINDOW CLOSE over append-only input.")
		}
		if fresh {
			return k.CheckNew()
		}
		return nil
	}
	return sqlerr.New(sqlerr.InvalidParameterValue, "unknown connector %q", c.Name).WithHint("Connectors for sinks: blackhole, file.")
}

// newSinkWriter opens a sink's outside.
func (db *DB) newSinkWriter(t *stored) (*sinkWriter, error) {
	w := &sinkWriter{db: db, turned: make(chan struct{})}
	if c := t.desc.Sink.Connector; c.Name == "file" {
		names, typs := sourceColumns(t.desc)
		k, err := file.NewSink(names, typs, fileOptions(c))
		if err != nil {
			return nil, err
		}
		// A sink is filled from its inputs after a start, from the first row on.
		if err := k.TruncateTo(0); err != nil {
			return nil, err
		}
		w.out = k
	}
	db.jobs.Go(w.run)
	return w, nil
}

// add takes an epoch's changes; they are written when the epoch is published.
func (w *sinkWriter) add(e relation.Epoch, rows *chunk.Chunk) {
	if w.out == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = append(w.pending, sinkBatch{e, rows})
}

// publish tells that epochs up to e may be written.
func (w *sinkWriter) publish(e uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.visible = max(w.visible, e)
	w.wake()
}

// wake wakes the writer and who waits for it. mu is held.
func (w *sinkWriter) wake() {
	close(w.turned)
	w.turned = make(chan struct{})
}

// run writes what may be written.
func (w *sinkWriter) run() {
	for {
		w.mu.Lock()
		n := 0
		for n < len(w.pending) && uint64(w.pending[n].epoch) <= w.visible {
			n++
		}
		batch := w.pending[:n:n]
		w.pending = append([]sinkBatch(nil), w.pending[n:]...)
		turned := w.turned
		w.mu.Unlock()
		if n > 0 {
			err := w.write(batch)
			w.mu.Lock()
			w.written = uint64(batch[n-1].epoch)
			w.err = err
			w.wake()
			w.mu.Unlock()
			continue
		}
		select {
		case <-turned:
		case <-w.db.ctx.Done():
			if w.out != nil {
				if err := w.out.Close(); err != nil {
					w.db.logger.Error("closing a sink", "error", err)
				}
			}
			return
		}
	}
}

func (w *sinkWriter) write(batch []sinkBatch) error {
	for _, b := range batch {
		if err := w.out.Write(b.rows); err != nil {
			w.db.logger.Error("writing a sink", "error", err)
			return err
		}
	}
	_, err := w.out.Sync()
	return err
}

// drain waits until everything published is written.
func (w *sinkWriter) drain(ctx context.Context) error {
	if w.out == nil {
		return nil
	}
	for {
		w.mu.Lock()
		done := len(w.pending) == 0 || uint64(w.pending[0].epoch) > w.visible
		err, turned := w.err, w.turned
		w.mu.Unlock()
		if err != nil {
			return err
		}
		if done {
			return nil
		}
		select {
		case <-turned:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
