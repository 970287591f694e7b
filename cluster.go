package streamdb

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"streamdb/replication"
	"streamdb/replication/log"
	"streamdb/replication/raftlog"
	"streamdb/sql/ast"
	"streamdb/sql/sqlerr"
)

// ClusterOptions makes a database one of several nodes that share a log.
type ClusterOptions struct {
	// Node is this node's name, unique in its cluster.
	Node string
	// Listener takes the connections of the other nodes; the database closes it.
	Listener net.Listener
	// Address is where the others reach it, as it stands in Join.
	Address string
	// Join is the addresses of all nodes, this one's included, the same on all of them.
	Join []string
	// TLS is used between nodes, both sides with certificates. Without it all addresses must
	// be loopback addresses.
	TLS *tls.Config
	// Patience is the time without a word from the leader after which another is elected.
	// Default 500 ms.
	Patience time.Duration
	// SlowAfter is how long writing the log may take before another node is asked to lead;
	// FatalAfter when the process ends. Defaults 250 ms and 1 s.
	SlowAfter, FatalAfter time.Duration
	// Dial connects to another node; for tests. Default: TCP.
	Dial func(address string, timeout time.Duration) (net.Conn, error)
}

// orderedLog is what orders entries: the driver of the only node, or consensus.
type orderedLog interface {
	log.Log
	Clock() *log.Clock
	Close() error
}

// openLocal opens the log of a database that is alone, and replays it.
func (db *DB) openLocal(mustExist bool) error {
	if raftlog.IsStore(db.dir.FS(), db.dir.LogPath()) {
		return errors.New("the data directory belongs to a node of a cluster: start it with --node and --join")
	}
	var err error
	db.logs, err = log.OpenStore(db.dir.LogPath(), log.Options{FS: db.dir.FS(), Space: db.dir.Guard(), MustExist: mustExist, Fatal: db.opts.Fatal})
	if err != nil {
		return err
	}
	state, err := db.restore()
	if err != nil {
		return err
	}
	if state.Replica != nil {
		return errors.New("the checkpoint belongs to a node of a cluster: start it with --node and --join")
	}
	db.fillRestored()
	d, err := log.OpenDriver(db.ctx, db.logs, db.core, log.DriverOptions{Applied: state.Index, EngineVersion: EngineVersion,
		MinTime: state.Time, Time: db.opts.Time, Inline: true, OnStop: db.onStop, OnReplay: db.onReplay})
	if err != nil {
		return err
	}
	db.driver = d
	db.catchUpClock()
	if err := db.dir.MarkInitialized(); err != nil {
		return err
	}
	db.restartDataflows()
	go db.sequence()
	db.reading.Store(true)
	db.startSources()
	db.publishFilled()
	return nil
}

// openReplicated takes part in a cluster. What the log holds behind the checkpoint is applied as
// consensus finds it committed, and so is what others log.
func (db *DB) openReplicated(mustExist bool) error {
	c := db.opts.Cluster
	if db.virtual != nil {
		return errors.Join(errors.New("nodes of a cluster cannot have a virtual clock"), c.Listener.Close())
	}
	if mustExist && !raftlog.IsStore(db.dir.FS(), db.dir.LogPath()) {
		return errors.Join(errors.New("the data directory belongs to a database that is alone, or its log is lost: it cannot be a node of a cluster"), c.Listener.Close())
	}
	state, err := db.restore()
	if err == nil && state.Replica == nil && state.Index > 0 {
		err = errors.New("the checkpoint belongs to a database that is alone: it cannot be a node of a cluster")
	}
	if err == nil {
		db.fillRestored()
		err = db.dir.MarkInitialized()
	}
	if err != nil {
		return errors.Join(err, c.Listener.Close())
	}
	var applied replication.Position
	if state.Replica != nil {
		applied = *state.Replica
	}
	_, err = replication.Open(replication.Options{Name: c.Node, Listener: c.Listener, Address: c.Address, Peers: c.Join, TLS: c.TLS, Dial: c.Dial,
		Dir: db.dir.LogPath(), FS: db.dir.FS(), Space: db.dir.Guard(), MustExist: mustExist, Fatal: db.opts.Fatal,
		StateMachine: db.core, Applied: applied, Time: state.Time, Trailing: keepWholeLog,
		EngineVersion: EngineVersion, Clock: db.opts.Time, Patience: c.Patience, SlowAfter: c.SlowAfter, FatalAfter: c.FatalAfter,
		OnOpen: func(n *replication.Node) {
			db.node, db.driver = n, n
			db.restartDataflows()
			db.reading.Store(true)
		}, OnLead: db.onLead, OnStop: db.onStop, Logger: db.logger})
	if err != nil {
		db.node, db.driver = nil, nil
		return err
	}
	go db.sequence()
	return nil
}

// keepWholeLog keeps all entries: a node that was away, for however long, catches up from them.
const keepWholeLog = 1 << 62

// leads reports whether this node decides what is logged: alone it always does.
func (db *DB) leads() bool { return db.node == nil || db.node.Leads() }

// decides returns the term in which this node decides what is logged, 0 alone; it fails on a
// node that does not.
func (db *DB) decides() (term uint64, err error) {
	if db.node == nil {
		return 0, nil
	}
	if term = db.node.Term(); term == 0 {
		return 0, notLeaderError(&replication.NotLeaderError{Leader: db.node.Leader()})
	}
	return term, nil
}

// Leads reports whether this node takes writes: a database that is alone always does.
func (db *DB) Leads() bool { return db.leads() }

// onLead hears that this node begins to lead, or no longer does.
func (db *DB) onLead(leads bool) {
	db.sequences.mu.Lock()
	db.sequences.all = nil // Others have given out values.
	db.sequences.mu.Unlock()
	if leads {
		db.startSources()
		select {
		case db.core.timers.wake <- struct{}{}:
		default:
		}
		return
	}
	db.stopSources()
}

// stopSources stops reading the sources: who leads reads them.
func (db *DB) stopSources() {
	var ended []chan struct{}
	db.core.mu.Lock()
	for _, t := range db.core.rels {
		if t.source != nil && t.source.stop != nil {
			t.source.stop()
			ended = append(ended, t.source.ended)
		}
	}
	db.core.mu.Unlock()
	for _, e := range ended {
		<-e
	}
}

// strict waits until what was acknowledged before, by whichever node, can be seen here, unless
// the statement reads nothing or the session puts up with stale reads.
func (s *conn) strict(ctx context.Context, st ast.Statement) error {
	n := s.db.node
	if n == nil {
		return nil
	}
	s.showRole()
	switch st.(type) {
	case *ast.Set, *ast.Show, *ast.Discard, *ast.Deallocate, *ast.Checkpoint:
		return nil
	}
	if s.set.duration("max_staleness") > 0 {
		return nil
	}
	ctx, end := context.WithTimeout(ctx, strictPatience)
	defer end()
	for {
		err := n.Strict(ctx)
		if err == nil {
			return nil
		}
		if s.db.Err() != nil {
			return stoppedError(s.db.Err())
		}
		if sleep(ctx, 10*time.Millisecond) != nil {
			return sqlerr.Wrap(err, sqlerr.CannotConnectNow, "this node cannot tell whether it has seen everything: %s", err.Error()).
				WithHint("A majority of the nodes must be up. SET max_staleness = '1 min' reads what this node has.")
		}
	}
}

// strictPatience is how long a read waits for a node that leads.
const strictPatience = 5 * time.Second

// showRole tells the client whether this node takes writes, when that has changed.
func (s *conn) showRole() {
	follows := !s.db.leads()
	if s.follows == follows {
		return
	}
	s.follows = follows
	for _, name := range []string{"in_hot_standby", "default_transaction_read_only"} {
		if delete(s.set.reset, name); follows {
			s.set.reset[name] = "on"
		}
		s.start.Client.Parameter(name, s.set.text(name))
	}
}

// notLeaderError refuses a write on a node that does not lead.
func notLeaderError(err *replication.NotLeaderError) error {
	e := sqlerr.Wrap(err, sqlerr.ReadOnlySQLTransaction, "this node takes no writes: %s", err.Error())
	return e.WithHint("Name all nodes in the connection string, with target_session_attrs=read-write.")
}
