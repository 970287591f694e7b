package replication

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"streamdb/replication/log"
	"streamdb/replication/raftlog"
)

// Options configures a Node.
type Options struct {
	// Name is the node's, unique in its cluster.
	Name string
	// Listener takes the connections of other nodes. The node closes it.
	Listener net.Listener
	// Address is where others reach the listener, as it stands in Peers.
	Address string
	// Peers is the addresses of all nodes, this one's included, the same on all of them.
	Peers []string
	// TLS is both sides' configuration, with certificates of both sides required and checked. Without it only loopback
	// addresses are accepted.
	TLS *tls.Config
	// Dial makes connections; for tests which cut them. Default: TCP.
	Dial func(address string, timeout time.Duration) (net.Conn, error)

	// Dir is the directory of the log, on FS; Space, MustExist and Fatal are raftlog.Options'.
	Dir       string
	FS        vfs.FS
	Space     log.Space
	MustExist bool
	Fatal     func(error)

	// StateMachine is what entries are applied to.
	StateMachine log.StateMachine
	// Applied is where the state machine's checkpoint stands, and Time the time of its last entry.
	Applied Position
	Time    int64
	// Snapshots hands checkpoints on; without it a node that is behind the log cannot catch up.
	Snapshots Snapshots
	// Trailing is the number of entries of consensus that are kept behind a checkpoint, for nodes which are behind.
	Trailing uint64

	// EngineVersion and LeaderPayload go into the leader entry.
	EngineVersion uint32
	LeaderPayload []byte
	// Clock is the source of the clock. Default log.SystemTime.
	Clock log.TimeSource
	// Patience is the time without a word from the leader after which another one is elected. Default 500 ms.
	Patience time.Duration
	// SlowAfter is the patience with a write of the leader's log: after it, another node is asked to lead. FatalAfter is
	// when the process ends. Defaults 250 ms and 1 s.
	SlowAfter, FatalAfter time.Duration

	// OnOpen gets the node before anything is applied.
	OnOpen func(*Node)
	// OnLead hears when this node begins to lead, with everything logged before applied, and when it no longer does.
	OnLead func(leads bool)
	// OnStop hears, once, why the node stopped by itself. It must not wait for the node.
	OnStop func(error)
	// Serve answers a call of another node's, see Node.Call.
	Serve func(ctx context.Context, method string, body []byte) ([]byte, error)
	// Logger takes what happens. Default slog.Default().
	Logger *slog.Logger
}

// Position is where in the log of consensus a checkpoint stands.
type Position struct {
	Index uint64 `json:"index"`
	Term  uint64 `json:"term"`
	// Configuration is the members as of Index, as raft encodes them, set by entry ConfigurationIndex.
	Configuration      []byte `json:"configuration,omitempty"`
	ConfigurationIndex uint64 `json:"configuration_index,omitempty"`
}

// entriesAtOnce bounds what consensus writes and sends at once, with frameBytesMax: to 8 MiB.
const entriesAtOnce = 16

// Node is the log of one of several nodes.
//
// One node leads, by consensus. Its Node takes proposals: each gets its time, is cut into frames and handed to raft; when
// a majority has it on disk, every Node joins the frames and applies the entry. The leader waits for its own state
// machine before it takes the next proposal: what the sequencer decides about entry n+1 stands on entry n.
//
// Every frame carries the term in which it was proposed; one that was logged in another is dropped by all. So an entry
// never gets into the log behind entries that its proposer had not seen.
type Node struct {
	opts  Options
	id    raft.ServerID
	store *raftlog.Store
	trans *raft.NetworkTransport
	mesh  *mesh
	raft  *raft.Raft
	fsm   *fsm

	clock   atomic.Pointer[log.Clock]
	leading atomic.Uint64 // The term in which this node takes proposals; 0 while it does not.

	// proposing is held from a proposal's time stamp until it is applied.
	proposing chan struct{}
	groups    uint64 // Guarded by proposing.

	verify verifier

	ctx     context.Context
	end     context.CancelFunc
	leave   sync.Once
	left    error // Of leaving; set by it.
	workers sync.WaitGroup
	notify  chan bool

	mu       sync.Mutex
	applied  uint64 // Index of the last applied entry. Guarded by mu, as are all below.
	time     int64
	local    any          // Entry.Local of the proposal under way.
	proposal frameHeader  // Which group that is.
	configs  []configured // The members since the checkpoint, ascending.
	latest   Position     // Of the newest durable checkpoint.
	incoming Position     // Of a checkpoint that has been received; Index is 0 if there is none.
	err      error        // Why it stopped.
	changed  chan struct{}
}

// configured is the members as of an entry.
type configured struct {
	index uint64
	conf  raft.Configuration
}

var _ log.Log = (*Node)(nil)

// Open opens the node's log and takes part in consensus. It returns at once; entries are applied as they are committed.
func Open(opts Options) (*Node, error) {
	opts.setDefaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	n := &Node{opts: opts, proposing: make(chan struct{}, 1), notify: make(chan bool, 64), applied: opts.Applied.Index,
		time: opts.Time, latest: opts.Applied}
	n.ctx, n.end = context.WithCancel(context.Background())
	n.clock.Store(log.NewClock(opts.Clock, opts.Time))
	n.fsm = &fsm{n: n}
	if c := opts.Applied.Configuration; len(c) > 0 {
		n.configs = []configured{{opts.Applied.ConfigurationIndex, raft.DecodeConfiguration(c)}}
	}
	var err error
	n.store, err = raftlog.Open(opts.Dir, raftlog.Options{
		Options: log.Options{FS: opts.FS, Space: opts.Space, MustExist: opts.MustExist, Fatal: opts.Fatal,
			OnBackgroundError: func(err error) { opts.Logger.Error("replicated log", "error", err) }},
		OnSlow: n.handOver, SlowAfter: opts.SlowAfter, FatalAfter: opts.FatalAfter})
	if err != nil {
		return nil, errors.Join(err, opts.Listener.Close())
	}
	if err := n.start(); err != nil {
		n.end()
		return nil, errors.Join(err, opts.Listener.Close(), n.store.Close())
	}
	return n, nil
}

func (o *Options) setDefaults() {
	if o.Clock == nil {
		o.Clock = log.SystemTime()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Patience == 0 {
		o.Patience = 500 * time.Millisecond
	}
	if o.SlowAfter == 0 {
		o.SlowAfter = 250 * time.Millisecond
	}
	if o.FatalAfter == 0 {
		o.FatalAfter = time.Second
	}
	if o.Dial == nil {
		o.Dial = func(address string, timeout time.Duration) (net.Conn, error) {
			return net.DialTimeout("tcp", address, timeout)
		}
	}
}

// start begins consensus.
func (n *Node) start() error {
	if err := n.reconcile(); err != nil {
		return err
	}
	if err := n.identify(); err != nil {
		return err
	}
	if n.opts.OnOpen != nil {
		n.opts.OnOpen(n)
	}
	n.mesh = newMesh(n)
	// No pipelining: raft (1.8.0) may wait for ever in Shutdown for the sender of a pipeline whose receiver has ended. There
	// is one proposal at a time, so that little is lost.
	n.trans = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{Stream: n.mesh, MaxPool: 3, MaxRPCsInFlight: 1,
		Timeout: 10 * time.Second, Logger: raftLogger(n.opts.Logger)})
	logs, err := raft.NewLogCache(4*entriesAtOnce, n.store)
	if err != nil {
		return err
	}
	n.raft, err = raft.NewRaft(n.config(), n.fsm, logs, n.store, snapshotStore{n}, n.trans)
	if err != nil {
		return errors.Join(err, n.trans.Close())
	}
	n.workers.Go(n.lead)
	n.workers.Go(n.form)
	n.mesh.serve()
	return nil
}

// config configures raft.
func (n *Node) config() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = n.id
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = n.opts.Patience, n.opts.Patience, n.opts.Patience
	// Followers hear that an entry is committed with the next one, or after this time.
	c.CommitTimeout = min(10*time.Millisecond, n.opts.Patience/10)
	c.MaxAppendEntries = entriesAtOnce
	c.BatchApplyCh = true
	c.NotifyCh = n.notify
	c.NoSnapshotRestoreOnStart = true
	c.NoLegacyTelemetry = true
	c.ShutdownOnRemove = false
	c.Logger = raftLogger(n.opts.Logger)
	// Checkpoints are made when they are due, not when raft finds so: see Checkpointed.
	c.SnapshotThreshold, c.SnapshotInterval = 1<<62, 1000*time.Hour
	return c
}

// reconcile compares the log with the checkpoint. A log that the checkpoint has overtaken, because it came from another
// node, is emptied; one that begins behind it has lost entries.
func (n *Node) reconcile() error {
	at := n.opts.Applied
	first, _ := n.store.FirstIndex()
	last, _ := n.store.LastIndex()
	switch {
	case last == 0:
		return nil
	case first > at.Index+1:
		return fmt.Errorf("%w: the checkpoint has applied entry %d, the log in %s holds entries %d to %d", log.ErrCorrupt, at.Index, n.opts.Dir, first, last)
	case at.Index == 0 || at.Index < first:
		return nil
	case at.Index <= last:
		var l raft.Log
		if err := n.store.GetLog(at.Index, &l); err != nil {
			return err
		}
		if l.Term == at.Term {
			return nil
		}
	}
	return n.store.DeleteRange(first, last)
}

// apply applies a committed entry.
func (n *Node) apply(e log.Entry) error {
	if e.Time <= n.time {
		return fmt.Errorf("its time is %d, the entry before has %d", e.Time, n.time)
	}
	if err := n.opts.StateMachine.Apply(e); err != nil {
		return err
	}
	n.opts.StateMachine.Publish(e.Index)
	n.clock.Load().Observe(e.Time)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.applied, n.time = e.Index, e.Time
	n.notifyLocked()
	return nil
}

// localOf returns what the proposer of a group has kept of it in memory.
func (n *Node) localOf(h frameHeader) any {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proposal.group != h.group || n.proposal.term != h.term {
		return nil
	}
	return n.local
}

// Clock is the clock of entries; the leader's gives them their times, the others' follow it.
func (n *Node) Clock() *log.Clock { return n.clock.Load() }

// AppliedIndex is the index of the last applied and published entry.
func (n *Node) AppliedIndex() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.applied
}

// WaitApplied waits until the entry at index is applied and published.
func (n *Node) WaitApplied(ctx context.Context, index uint64) error {
	for {
		n.mu.Lock()
		if n.applied >= index || n.err != nil {
			defer n.mu.Unlock()
			if n.applied >= index {
				return nil
			}
			return n.err
		}
		if n.changed == nil {
			n.changed = make(chan struct{})
		}
		changed := n.changed
		n.mu.Unlock()
		select {
		case <-changed:
		case <-n.ctx.Done():
			return log.ErrStopped
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// WaitDurable implements log.Log: what has been applied is durable.
func (n *Node) WaitDurable(ctx context.Context, index uint64) error { return n.WaitApplied(ctx, index) }

func (n *Node) notifyLocked() {
	if n.changed != nil {
		close(n.changed)
		n.changed = nil
	}
}

// stopped is why the node has stopped, or nil.
func (n *Node) stopped() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

// stop ends applying, and with it everything; OnStop sees to the rest.
func (n *Node) stop(err error) {
	n.mu.Lock()
	if n.err != nil {
		n.mu.Unlock()
		return
	}
	n.err = fmt.Errorf("%w: %w", log.ErrStopped, err)
	n.notifyLocked()
	n.mu.Unlock()
	n.leading.Store(0)
	if n.opts.OnStop != nil {
		n.opts.OnStop(err)
	}
}

// Leave ends taking part in consensus; the membership stays as it is. A node that leads asks another one to. Nothing is
// applied any more when it returns.
func (n *Node) Leave() {
	n.leave.Do(func() {
		if n.leading.Swap(0) != 0 {
			select { // There may be nobody to take over.
			case <-time.After(2 * n.opts.Patience):
			case <-answered(n.raft.LeadershipTransfer()):
			}
		}
		n.left = n.raft.Shutdown().Error()
		n.end()
		n.left = errors.Join(n.left, n.trans.Close())
		n.mesh.close()
		n.workers.Wait()
	})
}

// Close leaves and closes the log.
func (n *Node) Close() error {
	n.Leave()
	return errors.Join(n.left, n.store.Close())
}

// answered returns a channel that is closed when raft has answered.
func answered(f raft.Future) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		_ = f.Error()
		close(done)
	}()
	return done
}

// noteConfiguration keeps the members as of an entry.
func (n *Node) noteConfiguration(index uint64, c raft.Configuration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.configs = append(n.configs, configured{index, c.Clone()})
}

// PositionAt is the position of an entry that is applied and not yet covered by an older checkpoint's truncation.
func (n *Node) PositionAt(index uint64) (Position, error) {
	n.mu.Lock()
	p := Position{Index: index}
	if n.latest.Index == index {
		p.Term = n.latest.Term
	}
	for _, c := range n.configs {
		if c.index <= index {
			p.Configuration, p.ConfigurationIndex = raft.EncodeConfiguration(c.conf), c.index
		}
	}
	n.mu.Unlock()
	if p.Term != 0 {
		return p, nil
	}
	var l raft.Log
	if err := n.store.GetLog(index, &l); err != nil {
		return p, fmt.Errorf("entry %d: %w", index, err)
	}
	p.Term = l.Term
	return p, nil
}

// Checkpointed tells that a checkpoint of a position is durable: the log before it goes, save for what is kept for
// others. No staged transaction is open in it.
func (n *Node) Checkpointed(p Position) error {
	n.mu.Lock()
	if p.Index > n.latest.Index {
		n.latest = p
	}
	keep := n.latest.Index
	for len(n.configs) > 1 && n.configs[1].index <= keep {
		n.configs = n.configs[1:]
	}
	n.mu.Unlock()
	// The entry of the checkpoint itself stays: its term says whether a follower's log agrees with ours.
	return n.store.TruncateBefore(keep - min(n.opts.Trailing, keep))
}

// Snapshots is the checkpoints of a state machine on their way to other nodes.
type Snapshots interface {
	// Export opens the newest durable checkpoint: a stream of so many bytes. It may be made again until the stream ends.
	Export() (p Position, bytes int64, r io.ReadCloser, err error)
	// Import takes a stream. Its Close makes the checkpoint durable, to be the true one when the state machine is opened
	// again; Cancel drops it.
	Import(p Position) (Import, error)
}

// Import is a checkpoint that is coming in.
type Import interface {
	io.WriteCloser
	Cancel() error
}
