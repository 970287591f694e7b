package replication

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/raft"

	"streamdb/replication/log"
)

// Propose implements log.Log. It returns when the entry is applied, or its outcome is unknown (Future.Err is marked
// ErrUnknown then); an error, such as a *NotLeaderError, means that it is not and will not be in the log.
func (n *Node) Propose(ctx context.Context, e log.Entry) (*log.Future, error) {
	return n.ProposeIn(ctx, n.Term(), e)
}

// Term is the term in which this node takes proposals, 0 while it does not. Everything logged before it is applied here.
func (n *Node) Term() uint64 { return n.leading.Load() }

// ProposeIn is Propose, if this node still leads in a term: for who has decided about the entry by what was applied then.
func (n *Node) ProposeIn(ctx context.Context, term uint64, e log.Entry) (*log.Future, error) {
	if len(e.Payload) > log.MaxEntryBytes {
		return nil, fmt.Errorf("%w: %d bytes", log.ErrTooLarge, len(e.Payload))
	}
	select {
	case n.proposing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-n.proposing }()
	if term != n.Term() {
		term = 0
	}
	return n.propose(term, e)
}

// propose hands an entry to consensus in a term that this node leads. Proposing is held.
func (n *Node) propose(term uint64, e log.Entry) (*log.Future, error) {
	if err := n.stopped(); err != nil {
		return nil, err
	}
	if term == 0 {
		return nil, n.notLeader(nil)
	}
	if err := n.store.Admit(len(e.Payload)); err != nil {
		return nil, err
	}
	n.groups++
	h := frameHeader{group: n.groups, term: term}
	e.Index, e.Time = 0, n.clock.Load().Next()
	n.mu.Lock()
	n.local, n.proposal = e.Local, h
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		n.local, n.proposal = nil, frameHeader{}
		n.mu.Unlock()
	}()
	parts := frames(log.AppendEntry(nil, &e), h.group, h.term)
	futures := make([]raft.ApplyFuture, len(parts))
	for i, b := range parts {
		futures[i] = n.raft.ApplyLog(raft.Log{Data: b}, 0)
	}
	return n.outcome(futures)
}

// outcome is what became of the frames of an entry.
func (n *Node) outcome(futures []raft.ApplyFuture) (*log.Future, error) {
	var refused, unknown error
	var last applied
	for _, f := range futures {
		switch err := n.await(f); {
		case err == nil:
			last = f.Response().(applied)
			if errors.Is(last.err, errFenced) {
				refused = n.notLeader(errFenced)
			}
		case errors.Is(err, log.ErrDiskFull):
			refused = err
		case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
			refused = n.notLeader(err)
		default:
			unknown = err
		}
	}
	switch {
	case refused != nil: // Of an entry that lacks a frame nothing is ever applied.
		return nil, refused
	case unknown != nil:
		return log.Resolved(0, 0, fmt.Errorf("%w: %w", ErrUnknown, unknown)), nil
	}
	return log.Resolved(last.index, last.time, last.err), nil
}

// await waits for raft's answer. What is still in a queue of raft's when it ends is never answered.
func (n *Node) await(f raft.Future) error {
	answer := make(chan error, 1)
	go func() { answer <- f.Error() }()
	select {
	case err := <-answer:
		return err
	case <-n.ctx.Done():
		return raft.ErrRaftShutdown
	}
}

// notLeader refuses a proposal.
func (n *Node) notLeader(why error) error { return &NotLeaderError{Leader: n.Leader(), Why: why} }

// Leader is the name of the node that leads, as far as this one knows; empty if it knows of none.
func (n *Node) Leader() string {
	_, id := n.raft.LeaderWithID()
	return nameOf(id)
}

// Leads reports whether this node takes proposals.
func (n *Node) Leads() bool { return n.leading.Load() != 0 }

// Name is this node's.
func (n *Node) Name() string { return n.opts.Name }

// lead follows changes of the lead.
func (n *Node) lead() {
	for {
		select {
		case leads := <-n.notify:
			was := n.leading.Swap(0) != 0
			if was && n.opts.OnLead != nil {
				n.opts.OnLead(false)
			}
			if leads && len(n.notify) == 0 {
				n.takeOver()
			}
		case <-n.ctx.Done():
			if n.leading.Swap(0) != 0 && n.opts.OnLead != nil {
				n.opts.OnLead(false)
			}
			return
		}
	}
}

// takeOver begins to lead: once everything logged before is applied here, the clock goes on above the last entry, and
// the leader entry says to everybody that stages without a commit are dropped.
func (n *Node) takeOver() {
	term := n.raft.CurrentTerm()
	if err := n.await(n.raft.Barrier(0)); err != nil {
		n.opts.Logger.Info("the lead was lost before it was taken", "term", term, "error", err)
		return
	}
	n.proposing <- struct{}{}
	n.mu.Lock()
	last := n.time
	n.mu.Unlock()
	n.clock.Store(log.NewClock(n.opts.Clock, last))
	f, err := n.propose(term, log.Entry{Kind: log.KindLeader, EngineVersion: n.opts.EngineVersion, Payload: n.opts.LeaderPayload})
	<-n.proposing
	if err == nil {
		err = f.Err()
	}
	if err != nil {
		n.opts.Logger.Info("the lead was lost before it was taken", "term", term, "error", err)
		return
	}
	n.leading.Store(term)
	if len(n.notify) == 0 && n.opts.OnLead != nil {
		n.opts.Logger.Info("this node leads", "node", n.opts.Name, "term", term)
		n.opts.OnLead(true)
	}
}

// handOver asks another node to lead: our disk is slow.
func (n *Node) handOver() {
	if n.leading.Load() == 0 {
		return
	}
	n.opts.Logger.Warn("writing the log is slow: handing over the lead")
	n.workers.Go(func() {
		if err := n.await(n.raft.LeadershipTransfer()); err != nil {
			n.opts.Logger.Warn("the lead was not handed over", "error", err)
		}
	})
}

// nameOf is the name within an id, which is a name, a dot and what tells directories of the same name apart.
func nameOf(id raft.ServerID) string {
	name, _, _ := strings.Cut(string(id), ".")
	return name
}
