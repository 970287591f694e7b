package log

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Read calls fn for the entries in [lo, hi), in order, and returns its first error. Every checksum is verified and
// every index accounted for: a damaged or missing entry is an error marked ErrCorrupt that names it, after fn has had
// all before it. Entries not yet durable when Read begins are not seen: hi is clipped to LastIndex+1.
func (s *Store) Read(lo, hi uint64, fn func(Entry) error) error {
	s.mu.Lock()
	first, last := s.first, s.last
	s.mu.Unlock()
	if hi = min(hi, last+1); lo >= hi {
		return nil
	}
	if lo < first {
		return fmt.Errorf("%w: entry %d, the first one is %d", ErrTruncated, lo, first)
	}
	it, err := s.DB.NewIter(&pebble.IterOptions{LowerBound: EntryKey(lo), UpperBound: EntryKey(hi)})
	if err != nil {
		return fmt.Errorf("read log in %s: %w", s.dir, MarkCorruption(err))
	}
	next := lo
	for ok := it.First(); ok; ok = it.Next() {
		e, err := s.entryAt(it, next)
		if err == nil {
			err = fn(e)
		}
		if err != nil {
			return errors.Join(err, MarkCorruption(it.Close()))
		}
		next++
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("read entry %d of log in %s: %w", next, s.dir, MarkCorruption(err))
	}
	if next != hi {
		return s.gap(next)
	}
	return nil
}

// entryAt decodes the entry under the iterator, which must be number want.
func (s *Store) entryAt(it *pebble.Iterator, want uint64) (Entry, error) {
	if IndexOf(it.Key()) != want {
		return Entry{}, s.gap(want)
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return Entry{}, fmt.Errorf("read entry %d of log in %s: %w", want, s.dir, MarkCorruption(err))
	}
	e, err := DecodeEntry(want, value)
	if err != nil {
		return Entry{}, fmt.Errorf("log in %s: %w", s.dir, err)
	}
	return e, nil
}

// gap is the error for a missing entry, unless it was truncated while we read.
func (s *Store) gap(index uint64) error {
	if first := s.FirstIndex(); index < first {
		return fmt.Errorf("%w: entry %d, the first one is %d", ErrTruncated, index, first)
	}
	return corruptf("log in %s: entry %d is missing", s.dir, index)
}

// Entry reads one entry.
func (s *Store) Entry(index uint64) (Entry, error) {
	var found Entry
	err := s.Read(index, index+1, func(e Entry) error { found = e; return nil })
	if err == nil && found.Index == 0 {
		err = fmt.Errorf("log in %s has no entry %d yet", s.dir, index)
	}
	return found, err
}

// TruncateBefore removes the entries below index. It is durable when it returns; the caller sees to it that nobody,
// neither a checkpoint nor a hold nor an open stage, needs them. An index at or below FirstIndex does nothing;
// LastIndex+1 empties the log, which then continues at that index.
//
// The range is first deleted together with the new bound in one synced commit: that alone decides what the log holds.
// Then, where much lies in tables, it is excised, which unlinks whole files at once; a crash in between costs only
// space, until compactions drop what the deletion covers.
func (s *Store) TruncateBefore(index uint64) error {
	lo, hi := EntryKey(0), EntryKey(index)
	if done, err := s.deleteBefore(index, lo, hi); err != nil {
		return fmt.Errorf("truncate log in %s before %d: %w", s.dir, index, err)
	} else if done {
		return nil
	}
	return s.Reclaim(lo, hi, func() (func(), bool) { return func() {}, true })
}

// deleteBefore deletes the range and moves the first index; done says that there was nothing to do.
func (s *Store) deleteBefore(index uint64, lo, hi []byte) (done bool, err error) {
	s.committing.Lock()
	defer s.committing.Unlock()
	if index <= s.FirstIndex() {
		return true, nil
	}
	if last := s.LastIndex(); index > last+1 {
		return false, fmt.Errorf("the last entry is %d", last)
	}
	b := s.DB.NewBatch()
	defer b.Close()
	if err := errors.Join(
		b.DeleteRange(lo, hi, nil),
		b.Set(keyFirst, binary.LittleEndian.AppendUint64(nil, index), nil),
		b.Commit(pebble.Sync)); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = index
	return false, nil
}
