package streamdb

import (
	"context"
	"sync"
	"time"

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
	out sinkFile // nil for a black hole

	mu      sync.Mutex
	pending []sinkBatch
	visible uint64 // epochs up to here may be written
	written uint64
	turned  chan struct{}
	err     error
	writing bool      // a batch that is not pending any more is on its way
	broken  bool      // a write has failed: the file is not what it should be
	mark    *sinkMark // nil if no checkpoint waits
	finish  *int64    // what a checkpoint that is durable knows of, nil if that is known
	// rollAt is when a checkpoint is asked for that finishes files; zero if none waits.
	rollAt time.Time
	// wrote tells that run has written: until then the file may be begin's.
	wrote bool
}

// rollAfter is how long rows wait for a checkpoint that finishes the files they are in.
const rollAfter = time.Minute

// sinkFile is a file, or a directory of files, that a sink writes to. What it has written
// is known by a number: the bytes of the file, or the number of the next files.
type sinkFile interface {
	Write(*chunk.Chunk) error
	// Sync makes durable what is seen already; Seal everything that was written.
	Sync() (int64, error)
	Seal() (int64, error)
	// Finish tells that a checkpoint is durable that knows of what Seal has returned.
	Finish(int64) error
	// Unfinished reports whether rows are not seen before the next Finish.
	Unfinished() bool
	// TruncateTo drops what was written after Seal returned the number.
	TruncateTo(int64) error
	Close() error
}

// checkedFile is a sinkFile before it is used.
type checkedFile interface {
	sinkFile
	NeedsAppendOnly() bool
	CheckNew() error
	CheckHolds(int64) error
}

// openSinkFile validates the options of a sink's file or directory.
func openSinkFile(d *catalog.Descriptor) (checkedFile, error) {
	names, typs := sourceColumns(d)
	if o := fileOptions(d.Sink.Connector); !o.Partitioned() {
		return file.NewSink(names, typs, o)
	} else {
		return file.NewPartitioned(names, typs, o)
	}
}

// sinkMark asks for the length of a sink's file with everything up to an epoch.
type sinkMark struct {
	epoch relation.Epoch
	bytes int64
	err   error
	done  chan struct{} // closed when bytes and err are there
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
		k, err := openSinkFile(d)
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

// checkSinkFile checks that a sink's file has the bytes that a checkpoint knows of.
func checkSinkFile(d *catalog.Descriptor, bytes int64) error {
	k, err := openSinkFile(d)
	if err != nil {
		return err
	}
	return k.CheckHolds(bytes)
}

// newSinkWriter opens a sink's outside. Of a file, the first written bytes stay, which a
// checkpoint knows of; without them the sink is filled from its inputs, see begin.
func (db *DB) newSinkWriter(t *stored, written *int64) (*sinkWriter, error) {
	w := &sinkWriter{db: db, turned: make(chan struct{})}
	if c := t.desc.Sink.Connector; c.Name == "file" {
		k, err := openSinkFile(t.desc)
		if err != nil {
			return nil, err
		}
		if written != nil {
			if err := k.TruncateTo(*written); err != nil {
				return nil, err
			}
		}
		w.out = k
	}
	db.jobs.Go(w.run)
	return w, nil
}

// begin empties the file of a sink that is filled from its inputs, from the first row on.
// Nothing was added yet.
func (w *sinkWriter) begin() error {
	if w.out == nil {
		return nil
	}
	return w.out.TruncateTo(0)
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

// markAt asks for the length of the file as of an epoch that is applied.
func (w *sinkWriter) markAt(e relation.Epoch) *sinkMark {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mark = &sinkMark{epoch: e, done: make(chan struct{})}
	w.wake()
	return w.mark
}

// settled tells that a checkpoint is durable that knows of the given length.
func (w *sinkWriter) settled(bytes int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finish = &bytes
	w.wake()
}

// failed reports whether the file lacks something.
func (w *sinkWriter) failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
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
		n, mark := 0, w.mark
		for n < len(w.pending) && uint64(w.pending[n].epoch) <= w.visible && (mark == nil || w.pending[n].epoch <= mark.epoch) {
			n++
		}
		if mark != nil && n == 0 && (len(w.pending) == 0 || w.pending[0].epoch > mark.epoch) {
			w.mark = nil
			w.mu.Unlock()
			mark.bytes, mark.err = w.out.Seal()
			w.rollAt = time.Time{}
			close(mark.done)
			continue
		}
		finish := w.finish
		w.finish = nil
		batch := w.pending[:n:n]
		w.pending = append([]sinkBatch(nil), w.pending[n:]...)
		turned := w.turned
		w.writing = n > 0
		w.mu.Unlock()
		if finish != nil {
			if err := w.out.Finish(*finish); err != nil {
				w.db.logger.Error("finishing a sink's files", "error", err)
			}
		}
		if n > 0 {
			w.wrote = true
			err := w.write(batch)
			w.mu.Lock()
			w.written = uint64(batch[n-1].epoch)
			w.err, w.broken, w.writing = err, w.broken || err != nil, false
			if w.mark != nil && err != nil {
				w.mark.err = err
				close(w.mark.done)
				w.mark = nil
			}
			w.wake()
			w.mu.Unlock()
			continue
		}
		select {
		case <-turned:
		case <-w.roll():
			w.rollAt = time.Time{}
			w.db.checkpointDue()
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

// roll returns a channel that tells when rows have waited long enough for a checkpoint.
func (w *sinkWriter) roll() <-chan time.Time {
	if w.out == nil || !w.wrote || !w.out.Unfinished() {
		return nil
	}
	if w.rollAt.IsZero() {
		w.rollAt = time.Now().Add(rollAfter)
	}
	return time.After(time.Until(w.rollAt))
}

func (w *sinkWriter) write(batch []sinkBatch) error {
	for _, b := range batch {
		if err := w.out.Write(tidy(b.rows)); err != nil {
			w.db.logger.Error("writing a sink", "error", err)
			return err
		}
	}
	_, err := w.out.Sync()
	return err
}

// tidy adds up what an epoch's changes say of the same row, so that no row is deleted
// that is not there: retractions are written first.
func tidy(rows *chunk.Chunk) *chunk.Chunk {
	for _, w := range rows.Weights {
		if w < 0 {
			return chunk.Consolidate(rows)
		}
	}
	return rows
}

// drain waits until everything published is written.
func (w *sinkWriter) drain(ctx context.Context) error {
	if w.out == nil {
		return nil
	}
	for {
		w.mu.Lock()
		done := !w.writing && (len(w.pending) == 0 || uint64(w.pending[0].epoch) > w.visible)
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
