package replication

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/raft"
)

// snapshotStore shows raft the newest durable checkpoint as its only snapshot, and takes the one that a leader sends.
type snapshotStore struct{ n *Node }

var _ raft.SnapshotStore = snapshotStore{}

// meta describes a checkpoint to raft.
func meta(p Position, bytes int64) *raft.SnapshotMeta {
	m := &raft.SnapshotMeta{Version: 1, ID: fmt.Sprintf("%d-%d", p.Term, p.Index), Index: p.Index, Term: p.Term,
		ConfigurationIndex: p.ConfigurationIndex, Size: bytes}
	if len(p.Configuration) > 0 {
		m.Configuration = raft.DecodeConfiguration(p.Configuration)
	}
	return m
}

// List implements raft.SnapshotStore.
func (s snapshotStore) List() ([]*raft.SnapshotMeta, error) {
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	if s.n.latest.Index == 0 {
		return nil, nil
	}
	return []*raft.SnapshotMeta{meta(s.n.latest, 0)}, nil
}

// Open implements raft.SnapshotStore. The newest checkpoint will do for any that was asked for.
func (s snapshotStore) Open(string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	s.n.mu.Lock()
	incoming := s.n.incoming
	s.n.mu.Unlock()
	if incoming.Index != 0 {
		// Raft is about to call Restore, which reads nothing.
		return meta(incoming, 0), io.NopCloser(bytes.NewReader(nil)), nil
	}
	if s.n.opts.Snapshots == nil {
		return nil, nil, errors.New("checkpoints cannot be handed on")
	}
	p, size, r, err := s.n.opts.Snapshots.Export()
	if err != nil {
		return nil, nil, err
	}
	return meta(p, size), r, nil
}

// Create implements raft.SnapshotStore: for what a leader sends.
func (s snapshotStore) Create(_ raft.SnapshotVersion, index, term uint64, c raft.Configuration, at uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	if s.n.opts.Snapshots == nil {
		return nil, errors.New("checkpoints cannot be taken")
	}
	p := Position{Index: index, Term: term, Configuration: raft.EncodeConfiguration(c), ConfigurationIndex: at}
	in, err := s.n.opts.Snapshots.Import(p)
	if err != nil {
		return nil, err
	}
	return &sink{Import: in, n: s.n, at: p}, nil
}

// sink takes a checkpoint.
type sink struct {
	Import
	n  *Node
	at Position
}

// ID implements raft.SnapshotSink.
func (s *sink) ID() string { return meta(s.at, 0).ID }

// Close implements raft.SnapshotSink.
func (s *sink) Close() error {
	if err := s.Import.Close(); err != nil {
		return err
	}
	s.n.mu.Lock()
	defer s.n.mu.Unlock()
	s.n.incoming = s.at
	return nil
}
