package storage

import (
	"errors"
	"fmt"
)

// CreateSegment begins a new segment file. Once finished it is its creator's: it may be opened, and named in checkpoints,
// by the id in its meta until ReleaseSegment.
func (s *Store) CreateSegment(opts SegmentOptions) (*SegmentWriter, error) {
	s.mu.Lock()
	id := s.nextSegment
	s.nextSegment++
	s.segments[id] = &segmentState{created: true}
	s.mu.Unlock()
	forget := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.segments, id)
	}
	w, err := NewSegmentWriter(s.fs, s.segmentPath(id), opts)
	if err != nil {
		forget()
		return nil, err
	}
	w.meta.ID = id
	w.onAbort = forget
	return w, nil
}

// ReleaseSegment is the creator's word that it is done with a finished segment: a committed checkpoint names it by now,
// or it is of no use. It is removed when nobody else needs it.
func (s *Store) ReleaseSegment(id uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	st := s.segments[id]
	if st == nil || !st.created {
		return fmt.Errorf("segment %d is not its creator's any more", id)
	}
	st.created = false
	return s.collectLocked(id, st)
}

// OpenSegment opens a segment that the current checkpoint names, or whose creator has not released it. Its file stays
// until Close even if later checkpoints do not name it.
func (s *Store) OpenSegment(id uint64) (*Segment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.segments[id]
	if s.closed {
		return nil, errors.New("the store of segments is closed")
	}
	if st == nil {
		return nil, fmt.Errorf("segment %d is not part of the checkpoint", id)
	}
	if st.open == nil {
		seg, err := OpenSegment(s.fs, s.segmentPath(id), s.cache)
		if err != nil {
			return nil, err
		}
		seg.meta.ID = id
		seg.release = s.closeSegment
		st.open = seg
	}
	st.readers++
	return st.open, nil
}

// closeSegment is Segment.Close for the store's segments.
func (s *Store) closeSegment(seg *Segment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	st := s.segments[seg.meta.ID]
	if st == nil || st.readers == 0 || st.open != seg {
		panic(fmt.Sprintf("storage: segment %d closed more often than opened", seg.meta.ID))
	}
	if st.readers--; st.readers > 0 {
		return nil
	}
	st.open = nil
	return errors.Join(seg.closeFile(), s.collectLocked(seg.meta.ID, st))
}

// collectLocked removes the file if nobody needs it. A file that cannot be removed is garbage until the next start.
func (s *Store) collectLocked(id uint64, st *segmentState) error {
	if st.committed || st.created || st.naming || st.readers > 0 {
		return nil
	}
	delete(s.segments, id)
	return s.fs.Remove(s.segmentPath(id))
}

// adopt makes m the manifest in memory: what it names is needed, what only the old one named no longer.
func (s *Store) adopt(m *Manifest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.manifest
	s.manifest = m
	if old != nil {
		for _, ref := range old.Segments {
			s.segments[ref.ID].committed = false
		}
	}
	for _, ref := range m.Segments {
		s.segments[ref.ID].committed = true
	}
	if old == nil {
		return nil
	}
	var errs error
	for _, ref := range old.Segments {
		if st := s.segments[ref.ID]; st != nil {
			errs = errors.Join(errs, s.collectLocked(ref.ID, st))
		}
	}
	return errs
}

// unname ends the time in which segments are kept because a manifest with them is being committed.
func (s *Store) unname(refs []SegmentRef) error {
	var errs error
	for _, ref := range refs {
		if st := s.segments[ref.ID]; st != nil && st.naming {
			st.naming = false
			errs = errors.Join(errs, s.collectLocked(ref.ID, st))
		}
	}
	return errs
}

func (s *Store) segmentPath(id uint64) string {
	return s.fs.PathJoin(s.dir.SegmentsPath(), fmt.Sprintf("%012d.seg", id))
}
