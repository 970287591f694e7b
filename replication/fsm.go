package replication

import (
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/raft"

	"streamdb/replication/log"
)

// fsm is what consensus drives: it joins frames to entries and hands them to the state machine. All methods but
// StoreConfiguration and those of the snapshot run on one goroutine of raft's.
type fsm struct {
	n      *Node
	joiner joiner
}

var _ raft.ConfigurationStore = (*fsm)(nil)

// applied is the answer to a frame that completes an entry.
type applied struct {
	index uint64
	time  int64
	err   error
}

// Apply implements raft.FSM.
func (f *fsm) Apply(l *raft.Log) any {
	n := f.n
	if n.stopped() != nil {
		return applied{err: n.stopped()}
	}
	b, h, err := f.joiner.add(l.Term, l.Data)
	if errors.Is(err, errFenced) {
		return applied{index: l.Index, err: err}
	}
	if err != nil {
		n.stop(fmt.Errorf("entry %d of consensus: %w", l.Index, err))
		return applied{err: err}
	}
	if b == nil {
		return applied{index: l.Index}
	}
	e, err := log.DecodeEntry(0, b)
	if err == nil {
		e.Index, e.Local = l.Index, n.localOf(h)
		err = n.apply(e)
	}
	if err != nil {
		err = fmt.Errorf("apply entry %d: %w", l.Index, err)
		n.stop(err)
	}
	return applied{index: l.Index, time: e.Time, err: err}
}

// StoreConfiguration implements raft.ConfigurationStore.
func (f *fsm) StoreConfiguration(index uint64, c raft.Configuration) { f.n.noteConfiguration(index, c) }

// Snapshot implements raft.FSM. Checkpoints are made when their owner finds them due, and tell Node.Checkpointed; raft
// never asks on its own (see Node.config), and gets an empty answer if somebody else does.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) { return nil, raft.ErrNothingNewToSnapshot }

// Restore implements raft.FSM. The checkpoint has arrived, durably; it becomes true when the node is opened again, since
// nothing that runs could go on with another state under it.
func (f *fsm) Restore(io.ReadCloser) error {
	f.n.stop(ErrReseeded)
	return nil
}
