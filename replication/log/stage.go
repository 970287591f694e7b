package log

import (
	"encoding/binary"
	"fmt"
)

// StageID names one staged transaction. A proposer never uses an id twice between two leader entries; the index of
// the last entry it has seen together with a counter will do.
type StageID uint64

// StageHeader begins the payload of KindStage and KindCommit entries.
type StageHeader struct {
	// ID is the transaction.
	ID StageID

	// Seq is, in a stage, its number counted from 0; in a commit, the number of stages it publishes.
	Seq uint32
}

// AppendStageHeader appends h to dst: two varints, followed by whatever the state machine puts there.
func AppendStageHeader(dst []byte, h StageHeader) []byte {
	dst = binary.AppendUvarint(dst, uint64(h.ID))
	return binary.AppendUvarint(dst, uint64(h.Seq))
}

// DecodeStageHeader splits a payload into its header and the rest, which aliases it.
func DecodeStageHeader(payload []byte) (h StageHeader, rest []byte, err error) {
	id, n := binary.Uvarint(payload)
	if n <= 0 {
		return h, nil, corruptf("stage header has no id")
	}
	seq, m := binary.Uvarint(payload[n:])
	if m <= 0 || seq > 1<<32-1 {
		return h, nil, corruptf("stage header of %d has no number", id)
	}
	return StageHeader{ID: StageID(id), Seq: uint32(seq)}, payload[n+m:], nil
}

// Stages keeps the books of open stages for a state machine: which there are, how many frames each has, and since
// when. It holds no rows. A state machine calls it from Apply, so it needs no lock; its content is part of the core
// and is written into checkpoints by way of All and Restore.
//
//	entry  7  stage id=3 seq=0    open: 3 (since 7)
//	entry  8  stage id=9 seq=0    open: 3, 9       Oldest() = 7: the log is kept from 7 on
//	entry  9  stage id=3 seq=1
//	entry 10  commit id=3 seq=2   open: 9          Oldest() = 8
//	entry 11  leader              open: none
type Stages struct {
	open map[StageID]OpenStage
}

// OpenStage is one staged transaction that was neither published nor dropped.
type OpenStage struct {
	ID    StageID
	First uint64 // Index of its first entry.
	Count uint32 // Stages so far. Invariant: Count >= 1.
}

// Stage records a stage found at the given index. Stages of one id arrive in order; anything else is our bug.
func (s *Stages) Stage(index uint64, h StageHeader) error {
	st, ok := s.open[h.ID]
	if !ok {
		st = OpenStage{ID: h.ID, First: index}
	}
	if h.Seq != st.Count {
		return fmt.Errorf("entry %d: stage %d of transaction %d, expected %d", index, h.Seq, h.ID, st.Count)
	}
	st.Count++
	if s.open == nil {
		s.open = make(map[StageID]OpenStage)
	}
	s.open[h.ID] = st
	return nil
}

// Commit closes the transaction of a commit entry.
func (s *Stages) Commit(index uint64, h StageHeader) (OpenStage, error) {
	st, ok := s.open[h.ID]
	if !ok || st.Count != h.Seq {
		return st, fmt.Errorf("entry %d: commit of %d stages of transaction %d, there are %d", index, h.Seq, h.ID, st.Count)
	}
	delete(s.open, h.ID)
	return st, nil
}

// Drop forgets one transaction: it was rolled back or its session is gone. An unknown id is fine.
func (s *Stages) Drop(id StageID) { delete(s.open, id) }

// DropAll forgets every open transaction, as a leader entry demands.
func (s *Stages) DropAll() { clear(s.open) }

// Oldest is the least index that an open transaction needs; ok is false if none is open.
func (s *Stages) Oldest() (index uint64, ok bool) {
	for _, st := range s.open {
		if !ok || st.First < index {
			index, ok = st.First, true
		}
	}
	return index, ok
}

// All returns the open transactions in no particular order.
func (s *Stages) All() []OpenStage {
	all := make([]OpenStage, 0, len(s.open))
	for _, st := range s.open {
		all = append(all, st)
	}
	return all
}

// Restore replaces the books by what All returned.
func (s *Stages) Restore(open []OpenStage) {
	s.open = make(map[StageID]OpenStage, len(open))
	for _, st := range open {
		s.open[st.ID] = st
	}
}
