package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// pendingFileBytes is where a sorted file is cut: large enough that a big checkpoint is not thousands of files, small
// enough that pebble's compactions move in sensible pieces.
const pendingFileBytes = 64 << 20

// CheckpointWriter writes the next checkpoint: the difference to the current one.
//
// Spaces come in ascending order; within a space first the DeleteRanges, by ascending bounds and without overlap, then
// Puts and Deletes, by strictly ascending keys. A Put holds against a DeleteRange of the same checkpoint. What is not
// mentioned stays as it is.
//
// The sorted files lie in the pending directory, each complete and synced, until Commit ingests them together with a
// file that holds only the manifest. That is one record in pebble's own manifest: the commit point.
//
//	pending/1.sst  spaces 1 … 40, key c      ┐
//	pending/2.sst  space 40, key d … 97      ├─ one ingestion ──> state/  (old keys shadowed by new ones)
//	pending/3.sst  space 0: manifest         ┘
//
// Because the pieces must not overlap, a DeleteRange is cut where a file is cut: it lies in all files it spans.
type CheckpointWriter struct {
	s     *Store
	epoch uint64
	err   error // The first error; everything after it fails with it.

	space  Space  // Of the last operation.
	key    []byte // Last key put or deleted, with its space; empty at first.
	points bool   // The current space has seen a Put or Delete.

	paths []string        // Files written or being written.
	sst   *sstable.Writer // Nil between files.

	ranges [][2][]byte // DeleteRanges not wholly written: [lo, hi) with space, ascending, without overlap.
	buf    []byte
	named  []SegmentRef // By the manifest that is being committed.
	done   bool
}

// Begin starts the checkpoint of an epoch not below the current one's. There is one at a time; end it by Commit or Abort.
func (s *Store) Begin(epoch uint64) (*CheckpointWriter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dir.Initialized() {
		return nil, errors.New("checkpoint in a data directory that is being created")
	}
	if s.writing {
		return nil, errors.New("a checkpoint is being written already")
	}
	if s.manifest != nil && epoch < s.manifest.Epoch {
		return nil, fmt.Errorf("checkpoint of epoch %d after one of epoch %d", epoch, s.manifest.Epoch)
	}
	s.writing = true
	return &CheckpointWriter{s: s, epoch: epoch}, nil
}

// Put sets a key. Both slices are copied.
func (w *CheckpointWriter) Put(space Space, key, value []byte) error {
	if err := w.point(space, key); err != nil {
		return err
	}
	return w.note(w.sst.Set(w.key, value))
}

// Delete removes a key, whether it is there or not.
func (w *CheckpointWriter) Delete(space Space, key []byte) error {
	if err := w.point(space, key); err != nil {
		return err
	}
	return w.note(w.sst.Delete(w.key))
}

// DeleteRange removes what the store holds of the space in [lo, hi); nil bounds are open, so two nils empty the space.
func (w *CheckpointWriter) DeleteRange(space Space, lo, hi []byte) error {
	if err := w.enter(space); err != nil {
		return err
	}
	if w.points {
		return w.note(fmt.Errorf("checkpoint: DeleteRange after Put in space %d", space))
	}
	from, to := stateKey(space, lo), stateKey(space, hi)
	if hi == nil {
		to = spaceEnd(space)
	}
	if n := len(w.ranges); n > 0 && bytes.Compare(from, w.ranges[n-1][1]) < 0 {
		return w.note(fmt.Errorf("checkpoint: DeleteRanges of space %d overlap or descend", space))
	}
	if bytes.Compare(from, to) >= 0 {
		return nil
	}
	w.ranges = append(w.ranges, [2][]byte{from, to})
	return nil
}

// enter moves on to a space.
func (w *CheckpointWriter) enter(space Space) error {
	if w.err != nil {
		return w.err
	}
	if w.done {
		return errors.New("checkpoint: written to after its end")
	}
	if space == 0 || space < w.space {
		return w.note(fmt.Errorf("checkpoint: space %d after space %d", space, w.space))
	}
	if space != w.space {
		w.space, w.points = space, false
	}
	return nil
}

// point prepares the current file for an operation on a key and leaves the full key in w.key.
func (w *CheckpointWriter) point(space Space, key []byte) error {
	if err := w.enter(space); err != nil {
		return err
	}
	w.points = true
	w.buf = appendStateKey(w.buf[:0], space, key)
	if len(w.key) > 0 && bytes.Compare(w.buf, w.key) <= 0 {
		return w.note(fmt.Errorf("checkpoint: keys of space %d do not ascend", space))
	}
	if w.sst != nil && w.sst.Raw().EstimatedSize() >= pendingFileBytes {
		if err := w.cut(w.buf); err != nil {
			return err
		}
	}
	w.key, w.buf = w.buf, w.key
	return w.openFile()
}

// openFile opens a sorted file unless one is open.
func (w *CheckpointWriter) openFile() error {
	if w.sst != nil {
		return nil
	}
	s := w.s
	s.mu.Lock()
	s.pendingNo++
	path := s.fs.PathJoin(s.dir.pendingPath(), fmt.Sprintf("%d.sst", s.pendingNo))
	s.mu.Unlock()
	f, err := s.fs.Create(path, writeCategory)
	if err != nil {
		return w.note(fmt.Errorf("create file of checkpoint: %w", err))
	}
	w.paths = append(w.paths, path)
	opts := s.pebbleOptions()
	opts.EnsureDefaults()
	w.sst = sstable.NewWriter(objstorageprovider.NewFileWritable(f), opts.MakeWriterOptions(0, s.db.TableFormat()))
	return nil
}

// cut completes the current file, synced: it holds everything below key, ranges included. A nil key means everything.
func (w *CheckpointWriter) cut(key []byte) error {
	if w.sst == nil && len(w.ranges) > 0 {
		if err := w.openFile(); err != nil {
			return err
		}
	}
	if w.sst == nil {
		return nil
	}
	for len(w.ranges) > 0 {
		lo, hi := w.ranges[0][0], w.ranges[0][1]
		if key != nil && bytes.Compare(lo, key) >= 0 {
			break
		}
		if key != nil && bytes.Compare(hi, key) > 0 {
			if err := w.note(w.sst.DeleteRange(lo, key)); err != nil {
				return err
			}
			w.ranges[0][0] = bytes.Clone(key)
			break
		}
		if err := w.note(w.sst.DeleteRange(lo, hi)); err != nil {
			return err
		}
		w.ranges = w.ranges[1:]
	}
	sst := w.sst
	w.sst = nil
	return w.note(sst.Close())
}

// Commit makes the checkpoint the current one. The manifest's payload is the caller's; segments are all files that the
// checkpoint refers to, old and new, each either named by the current checkpoint or not released by its creator.
//
// When Commit returns nil the checkpoint is durable. When it returns an error before the commit point, the old one still
// is; a failure at the commit point ends the process (StoreOptions.Fatal).
func (w *CheckpointWriter) Commit(payload []byte, segments []SegmentRef) error {
	if w.done {
		return errors.New("checkpoint: ended already")
	}
	if err := w.commit(payload, segments); err != nil {
		w.Abort()
		return fmt.Errorf("checkpoint of epoch %d: %w", w.epoch, markCorruption(err))
	}
	w.end()
	return nil
}

func (w *CheckpointWriter) commit(payload []byte, segments []SegmentRef) error {
	if w.err != nil {
		return w.err
	}
	if err := w.cut(nil); err != nil {
		return err
	}
	m, err := w.manifest(payload, segments)
	if err != nil {
		return err
	}
	if err := w.openFile(); err != nil {
		return err
	}
	if err := w.sst.Set(manifestKey, m.append(nil)); err != nil {
		return err
	}
	if err := w.cut(nil); err != nil {
		return err
	}
	if err := w.s.db.Ingest(context.Background(), w.paths); err != nil {
		return err
	}
	// Committed: what fails from here on is no failure of the checkpoint. A witness that could not be written is true as
	// it stands; files that could not be removed are garbage that the next start removes.
	if err := errors.Join(w.s.testify(m.Sequence), w.s.adopt(m)); err != nil {
		w.s.backgroundError(err)
	}
	return nil
}

// manifest checks the segments and puts the manifest together.
func (w *CheckpointWriter) manifest(payload []byte, segments []SegmentRef) (*Manifest, error) {
	s := w.s
	m := &Manifest{
		Epoch: w.epoch, Sequence: 1,
		Segments: append([]SegmentRef{}, segments...), Payload: append([]byte{}, payload...),
	}
	s.mu.Lock()
	m.nextSegment = s.nextSegment
	if s.manifest != nil {
		m.Sequence = s.manifest.Sequence + 1
	}
	var fresh []SegmentRef
	for _, ref := range segments {
		switch st := s.segments[ref.ID]; {
		case st == nil || !st.committed && !st.created:
			s.mu.Unlock()
			return nil, fmt.Errorf("segment %d is not there", ref.ID)
		case !st.committed:
			fresh = append(fresh, ref)
		}
	}
	for _, ref := range segments {
		s.segments[ref.ID].naming = true
	}
	w.named = m.Segments
	s.mu.Unlock()
	for _, ref := range fresh {
		if err := s.checkSegment(ref); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Abort drops the checkpoint; the current one stays. It does nothing after Commit.
func (w *CheckpointWriter) Abort() {
	if w.done {
		return
	}
	if w.sst != nil {
		_ = w.sst.Close() // The file is removed below.
		w.sst = nil
	}
	w.end()
}

// end removes what is left of the files and lets the next checkpoint begin.
func (w *CheckpointWriter) end() {
	w.done = true
	for _, path := range w.paths {
		_ = w.s.fs.Remove(path) // After an ingestion they are gone; what stays is removed at the next start.
	}
	w.s.mu.Lock()
	w.s.writing = false
	err := w.s.unname(w.named)
	w.s.mu.Unlock()
	if err != nil {
		w.s.backgroundError(err)
	}
}

// note keeps the first error.
func (w *CheckpointWriter) note(err error) error {
	if err != nil && w.err == nil {
		w.err = err
	}
	return err
}
