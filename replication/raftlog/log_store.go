package raftlog

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/hashicorp/raft"

	"streamdb/replication/log"
)

// IsMonotonic implements raft.MonotonicLogStore: a store with entries takes only the next one.
func (s *Store) IsMonotonic() bool { return true }

// FirstIndex implements raft.LogStore.
func (s *Store) FirstIndex() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first, nil
}

// LastIndex implements raft.LogStore.
func (s *Store) LastIndex() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, nil
}

// GetLog implements raft.LogStore. An entry that should be there and is not, or does not verify, is an error marked
// log.ErrCorrupt; one outside the bounds is raft.ErrLogNotFound.
func (s *Store) GetLog(index uint64, l *raft.Log) error {
	value, closer, err := s.DB.Get(log.EntryKey(index))
	if errors.Is(err, pebble.ErrNotFound) {
		s.mu.Lock()
		inside := index >= s.first && index <= s.last && s.last > 0
		s.mu.Unlock()
		if !inside {
			return raft.ErrLogNotFound
		}
		err = corruptf("entry %d is missing", index)
	}
	if err == nil {
		err = errors.Join(decodeEntry(index, value, l), closer.Close())
	}
	if err != nil {
		err = s.Errorf("read", err)
		if errors.Is(err, log.ErrCorrupt) {
			s.BackgroundError(err)
		}
	}
	return err
}

// StoreLog implements raft.LogStore.
func (s *Store) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore: one synced commit for all entries, which continue the log without a gap. An empty
// log begins anywhere.
func (s *Store) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	last, bytes, err := s.check(logs)
	if err != nil {
		return s.Errorf("append to", err)
	}
	if err := s.Admit(bytes); err != nil {
		return err
	}
	defer s.watch()()
	start := time.Now()
	err = s.commit(func(b *pebble.Batch) error {
		for _, l := range logs {
			s.buf = appendEntry(s.buf[:0], l)
			if err := b.Set(log.EntryKey(l.Index), s.buf, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return s.Errorf("append to", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == 0 {
		s.first = logs[0].Index
	}
	s.last = last
	s.counts.Entries += uint64(len(logs))
	s.counts.Bytes += uint64(bytes)
	s.counts.Groups++
	s.counts.SyncTime += time.Since(start)
	return nil
}

// check checks that entries continue the log, and adds up their bytes.
func (s *Store) check(logs []*raft.Log) (last uint64, bytes int, err error) {
	s.mu.Lock()
	last = s.last
	s.mu.Unlock()
	if last == 0 {
		last = logs[0].Index - 1
	}
	for _, l := range logs {
		if l.Index != last+1 || l.Index == 0 {
			return 0, 0, fmt.Errorf("entry %d after entry %d", l.Index, last)
		}
		if n := len(l.Data) + len(l.Extensions); n > EntryBytesMax {
			return 0, 0, fmt.Errorf("%w: %d bytes", log.ErrTooLarge, n)
		} else {
			bytes += n + entryHeaderSize
		}
		last = l.Index
	}
	return last, bytes, nil
}

// watch looks after a write until the function it returns is called.
func (s *Store) watch() (done func()) {
	var slow, fatal *time.Timer
	if s.opts.OnSlow != nil {
		slow = time.AfterFunc(s.opts.SlowAfter, s.opts.OnSlow)
	}
	if d := s.opts.FatalAfter; d > 0 {
		fatal = time.AfterFunc(d, func() { s.Fatal(fmt.Errorf("a write has taken %v and goes on", d)) })
	}
	return func() {
		for _, t := range []*time.Timer{slow, fatal} {
			if t != nil {
				t.Stop()
			}
		}
	}
}

// DeleteRange implements raft.LogStore: it deletes entries lo to hi, both included, from the beginning or from the end of
// the log. A hole in its middle is refused.
func (s *Store) DeleteRange(lo, hi uint64) error {
	s.mu.Lock()
	first, last := s.first, s.last
	s.mu.Unlock()
	if last == 0 || hi < first || lo > last || lo > hi {
		return nil
	}
	if lo > first && hi < last {
		return s.Errorf("delete from", fmt.Errorf("entries %d to %d of %d to %d would leave a hole", lo, hi, first, last))
	}
	from, to := log.EntryKey(lo), log.EntryKey(hi+1)
	err := s.commit(func(b *pebble.Batch) error { return b.DeleteRange(from, to, nil) })
	if err != nil {
		return s.Errorf("delete from", err)
	}
	s.mu.Lock()
	switch {
	case lo <= first && hi >= last:
		s.first, s.last = 0, 0
	case lo <= first:
		s.first = hi + 1
	default:
		s.last = lo - 1
	}
	s.mu.Unlock()
	return s.Reclaim(from, to, func() (func(), bool) {
		s.committing.Lock()
		// Entries that were stored again in the meantime are not to go.
		now, _ := s.FirstIndex()
		return s.committing.Unlock, hi < now
	})
}

// TruncateBefore deletes the entries below index.
func (s *Store) TruncateBefore(index uint64) error {
	if index == 0 {
		return nil
	}
	return s.DeleteRange(0, index-1)
}
