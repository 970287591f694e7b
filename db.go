package streamdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"streamdb/replication"
	"streamdb/replication/log"
	"streamdb/sql/catalog"
	"streamdb/storage"
	"streamdb/storage/relation"
	"streamdb/storage/spill"
)

// Options configures a database. The zero value is right for production.
type Options struct {
	// FS is the file system of the data directory. Default: the operating system's.
	FS vfs.FS
	// Workers is W, the number of workers of a dataflow. Default 1.
	Workers int
	// DataflowMemory bounds the memory that the state of one dataflow takes, in bytes, where
	// WITH (memory = …) says nothing; what goes beyond lies on disk. Default a quarter of the
	// memory; negative means no bound.
	DataflowMemory int64
	// DataflowMemoryMax bounds what WITH (memory = …) gives. Default half of the memory;
	// negative means no bound.
	DataflowMemoryMax int64
	// SpillDir is the directory for state beyond the dataflows' memory. Default: spill in the
	// data directory, if FS is the operating system's; otherwise nothing is spilled.
	SpillDir string
	// SpillQuota bounds the state on disk, in bytes. Default half of what is free at the
	// start; negative means that a dataflow beyond its memory is suspended.
	SpillQuota int64
	// StatementMemory bounds the state of one statement, in bytes. Default 1 GiB;
	// negative means no bound.
	StatementMemory int64
	// TransactionMemory bounds the rows that a transaction has written and not committed, in
	// bytes. Default a quarter of the memory; negative means no bound.
	TransactionMemory int64
	// HoldMemory bounds the memory that old states and changes take which are kept for
	// transactions, subscriptions and dataflows beside the step, in bytes: above it the
	// worst of them loses its hold. Default a quarter of the memory; negative means no bound.
	HoldMemory int64
	// HoldAge bounds the age of the state that a transaction or subscription reads, in the
	// log's time. Default 1 h; negative means no bound.
	HoldAge time.Duration
	// LagAge is the same for a dataflow that is filled or has fallen behind. Default 24 h.
	LagAge time.Duration
	// NoInlineFill makes every new view fill beside the step, however small its inputs:
	// for tests of that way.
	NoInlineFill bool
	// NoSharing gives every view operators of its own, even if another has the same plan:
	// for tests that compare.
	NoSharing bool
	// LagEvery makes every dataflow leave the step once in so many epochs, for tests of
	// that way; 0 means only when it is too slow.
	LagEvery int
	// CheckpointEvery makes a checkpoint after so many entries besides those that the
	// amount of log demands; 0 means never.
	CheckpointEvery int
	// CheckpointCopy bounds the memory, in bytes, in which a checkpoint copies the state
	// of one dataflow: with more, the dataflow stands still until it is written. Default
	// 256 MiB.
	CheckpointCopy int64
	// KeepLog keeps the whole log, however many checkpoints are made.
	KeepLog bool
	// TickInterval is how often time is logged when nothing else is and a timer is due.
	// Default 100 ms.
	TickInterval time.Duration
	// Logger takes what happens in the background. Default slog.Default().
	Logger *slog.Logger
	// Time is the source of the log's clock. Default: the system's.
	Time log.TimeSource
	// VirtualClock makes time stand still until DB.SetClock, DB.AdvanceClock or SQL's
	// advance_clock moves it: for tests. Time, and the defaults of HoldAge and LagAge, do not
	// count then.
	VirtualClock bool
	// Cluster makes the database one of several nodes; nil means that it is alone.
	Cluster *ClusterOptions
	// Fatal is called when the disk has failed for good; it must not return. Default:
	// report and exit.
	Fatal func(error)
}

// DB is an open database.
type DB struct {
	opts   Options
	logger *slog.Logger
	dir    *storage.Dir
	store  *storage.Store
	logs   *log.Store
	driver orderedLog // the local driver, or node
	// node is what consensus makes of this database, nil if it is alone.
	node *replication.Node
	core *core

	segments relation.Store
	cache    *relation.Cache
	spill    *spill.Pool // nil where state cannot be spilled

	// ctx ends when the database closes; jobs are the goroutines that live until then.
	ctx     context.Context
	stop    context.CancelFunc
	jobs    jobGroup
	started int64

	filling       atomic.Int64 // dataflows at work beside the step
	proposals     chan *proposal
	aside         chan struct{} // places for large statements, see priority.go
	closing       chan struct{}
	sequencerDone chan struct{}
	term          uint64 // of the sequencer, as are the next two: when it has last validated
	lastStage     uint64
	orphans       bool        // stages without a commit are to be dropped
	reading       atomic.Bool // sources are read
	groups        sourceGroups

	// virtual is the virtual clock, nil without one.
	virtual *log.VirtualTime
	// appliedClock is where it stands by the log, see sourceTime.
	appliedClock atomic.Int64

	state atomic.Pointer[published]
	// readers is the epochs of transactions that have not taken all their snapshots.
	readers relation.Readers
	subs    subscriptions
	// mergeDue is the relations that have changed since merging last looked.
	mergeMu   sync.Mutex
	mergeDue  map[*relation.Relation]struct{}
	mergeWake chan struct{}
	// news is closed and replaced when state moves on.
	newsMu sync.Mutex
	news   chan struct{}

	checkpoints checkpointer
	sessions    sessionTable
	sequences   sequenceCache
	// failed is closed when the log has stopped by itself; cause says why.
	failed chan struct{}
	cause  error
}

// jobGroup is goroutines with an owner who waits for them.
type jobGroup struct{ wg sync.WaitGroup }

// Go runs f in a goroutine of the group.
func (g *jobGroup) Go(f func()) {
	g.wg.Add(1)
	go func() {
		defer g.wg.Done()
		f()
	}()
}

// Open opens the database in dir, or makes one, and recovers it: the last checkpoint,
// then the log's tail.
func Open(dir string, opts Options) (*DB, error) {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	if opts.StatementMemory == 0 {
		opts.StatementMemory = 1 << 30
	}
	if opts.TransactionMemory == 0 {
		opts.TransactionMemory = systemMemory() / 4
	}
	if opts.DataflowMemory == 0 {
		opts.DataflowMemory = systemMemory() / 4
	}
	if opts.DataflowMemoryMax == 0 {
		opts.DataflowMemoryMax = systemMemory() / 2
	}
	if opts.HoldMemory == 0 {
		opts.HoldMemory = systemMemory() / 4
	}
	if opts.HoldAge == 0 && !opts.VirtualClock {
		opts.HoldAge = time.Hour
	}
	if opts.LagAge == 0 && !opts.VirtualClock {
		opts.LagAge = 24 * time.Hour
	}
	if opts.CheckpointCopy == 0 {
		opts.CheckpointCopy = 256 << 20
	}
	if opts.TickInterval == 0 {
		opts.TickInterval = 100 * time.Millisecond
	}
	db := &DB{opts: opts, logger: opts.Logger, proposals: make(chan *proposal, 1024), aside: make(chan struct{}, ExtraThreads), closing: make(chan struct{}),
		sequencerDone: make(chan struct{}), news: make(chan struct{}), mergeWake: make(chan struct{}, 1), failed: make(chan struct{}), started: log.MicrosOf(time.Now())}
	if opts.VirtualClock {
		db.virtual = log.NewVirtualTime(virtualStart)
		db.opts.Time, db.started = db.virtual, virtualStart
	}
	db.checkpoints.due = make(chan struct{}, 1)
	db.ctx, db.stop = context.WithCancel(context.Background())
	db.core = &core{db: db, cat: catalog.New(), rels: map[catalog.ID]*stored{}, seqs: map[catalog.ID]*sequenceState{},
		staged: map[log.StageID][]op{}, timers: newTimers()}
	if err := db.open(dir); err != nil {
		db.stop()
		db.closeFiles()
		return nil, err
	}
	return db, nil
}

func (db *DB) open(dir string) error {
	var err error
	if db.dir, err = storage.OpenDir(dir, storage.DirOptions{FS: db.opts.FS}); err != nil {
		return err
	}
	mustExist := db.dir.Initialized()
	db.store, err = storage.OpenStore(db.dir, storage.StoreOptions{Fatal: db.opts.Fatal})
	if err != nil {
		return err
	}
	if err := db.openSpill(dir); err != nil {
		return err
	}
	db.segments, db.cache = db.store, relation.NewCache(256<<20)
	if db.opts.Cluster != nil {
		err = db.openReplicated(mustExist)
	} else {
		err = db.openLocal(mustExist)
	}
	if err != nil {
		return err
	}
	db.jobs.Go(db.tick)
	db.jobs.Go(db.merge)
	db.jobs.Go(db.checkpointLoop)
	return nil
}

// fillRestored fills what recovery has found without its rows, where the input has a date.
func (db *DB) fillRestored() {
	db.core.mu.Lock()
	defer db.core.mu.Unlock()
	db.core.fillDated(db.core.flows)
}

func (db *DB) onStop(err error) {
	db.cause = err
	close(db.failed)
	db.logger.Error("the log has stopped; this node must end", "error", err)
}

// Failed returns a channel that is closed when the database cannot go on: its log has
// stopped by itself. The process should end then; Err says why.
func (db *DB) Failed() <-chan struct{} { return db.failed }

// Err returns why the database cannot go on, nil while it can.
func (db *DB) Err() error {
	select {
	case <-db.failed:
		return db.cause
	default:
		return nil
	}
}

func (db *DB) onReplay(index, last uint64) {
	if index%100_000 == 0 || index == last {
		db.logger.Info("replaying the log", "entry", index, "of", last)
	}
}

// Close stops the database: what is acknowledged is durable already.
func (db *DB) Close() error {
	db.sessions.closeAll()
	close(db.closing)
	<-db.sequencerDone
	if db.node != nil {
		db.node.Leave() // Nothing is applied any more.
	}
	db.stop()
	db.checkpoints.settle()
	db.jobs.wg.Wait()
	err := db.driver.Close()
	return errors.Join(err, db.closeFiles())
}

func (db *DB) closeFiles() error {
	var errs []error
	if db.logs != nil {
		errs = append(errs, db.logs.Close())
	}
	for _, t := range db.core.rels {
		for _, r := range []*relation.Relation{t.rel, t.late, t.dead} {
			if r != nil {
				errs = append(errs, r.Close())
			}
		}
	}
	if db.store != nil {
		errs = append(errs, db.store.Close())
	}
	if db.spill != nil {
		errs = append(errs, db.spill.Close())
	}
	if db.dir != nil {
		errs = append(errs, db.dir.Close())
	}
	return errors.Join(errs...)
}

// publish makes a newer state the one that readers see.
func (db *DB) publish(p *published, ready []appliedEpoch) {
	state := *p
	db.state.Store(&state)
	db.readers.Show(state.epoch)
	db.newsMu.Lock()
	close(db.news)
	db.news = make(chan struct{})
	db.newsMu.Unlock()
	for i := range ready {
		if len(ready[i].changed) > 0 {
			db.mergeLater(ready[i].changed)
		}
		for _, f := range ready[i].flows {
			if f.sink != nil {
				f.sink.publish(uint64(ready[i].state.epoch))
			}
		}
	}
}

// now is the session clock: the log's, µs since 2000-01-01 UTC. A virtual clock is shown
// without the microseconds that keep entries apart.
func (db *DB) now() int64 {
	if db.virtual != nil {
		return db.virtual.Micros()
	}
	return db.logNow()
}

// logNow is the log's clock.
func (db *DB) logNow() int64 {
	if db.driver == nil {
		return db.started
	}
	return db.driver.Clock().Now()
}

// published returns the newest state that may be seen.
func (db *DB) published() *published { return db.state.Load() }

// changed returns a channel that is closed when a newer state is published.
func (db *DB) changed() <-chan struct{} {
	db.newsMu.Lock()
	defer db.newsMu.Unlock()
	return db.news
}

// nudge makes sure that an entry is logged soon, so that what is waiting for one to be
// published is.
func (db *DB) nudge() {
	if !db.reading.Load() {
		return
	}
	if db.node != nil {
		// What waits was applied long ago, and every node publishes for itself.
		db.jobs.Go(func() { db.core.Publish(db.node.AppliedIndex()) })
		return
	}
	db.jobs.Go(func() {
		if err := db.propose(db.ctx, nil); err != nil && db.ctx.Err() == nil {
			db.logger.Warn("tick was not logged", "error", err)
		}
	})
}

// startSources begins to read the sources that recovery has found.
func (db *DB) startSources() {
	db.core.mu.Lock()
	defer db.core.mu.Unlock()
	for _, t := range db.core.rels {
		if t.source != nil {
			db.startSource(t)
		}
	}
}

// restartDataflows fills the dataflows that recovery has found, from their inputs.
func (db *DB) restartDataflows() {
	db.core.mu.Lock()
	defer db.core.mu.Unlock()
	db.core.startDataflows()
	if s := db.state.Load(); s == nil || s.epoch < db.core.epoch {
		db.state.Store(&published{epoch: db.core.epoch, time: db.core.time, cat: db.core.cat, rels: db.core.rels})
		db.readers.Show(db.core.epoch)
	}
}

// publishFilled makes sure that what was filled within the restart is published, which
// comes with an entry of the log.
func (db *DB) publishFilled() {
	db.core.mu.Lock()
	defer db.core.mu.Unlock()
	if len(db.core.unpublished) > 0 {
		db.nudge()
	}
}

// merge is the background merging of runs: the relations that have changed, one after
// the other, until nothing is due.
func (db *DB) merge() {
	inBackground()
	looked := time.Now()
	for {
		db.mergeMu.Lock()
		due := db.mergeDue
		db.mergeDue = nil
		db.mergeMu.Unlock()
		for r := range due {
			for db.ctx.Err() == nil {
				did, err := r.MergeOne(0)
				if err != nil {
					db.logger.Error("merging failed", "relation", r.Spec().Name, "error", err)
				}
				if !did || err != nil {
					break
				}
			}
		}
		db.settle()
		db.tidy(due)
		if time.Since(looked) >= holdsEvery {
			db.checkHolds()
			looked = time.Now()
		}
		if sleep(db.ctx, 20*time.Millisecond) != nil {
			return
		}
		select {
		case <-db.mergeWake:
		case <-db.ctx.Done():
			return
		}
	}
}

// tidy lets relations go of the states that were kept for readers.
func (db *DB) tidy(changed map[*relation.Relation]struct{}) {
	var again []*relation.Relation
	for r := range changed {
		if r.Tidy() {
			again = append(again, r)
		}
	}
	if len(again) > 0 {
		db.mergeLater(again)
	}
}

// mergeLater puts relations on the list of those that merging looks at.
func (db *DB) mergeLater(rels []*relation.Relation) {
	db.mergeMu.Lock()
	defer db.mergeMu.Unlock()
	if db.mergeDue == nil {
		db.mergeDue = make(map[*relation.Relation]struct{})
	}
	for _, r := range rels {
		db.mergeDue[r] = struct{}{}
	}
	select {
	case db.mergeWake <- struct{}{}:
	default:
	}
}

// dropped gives back what a dropped relation holds, once nobody can see it.
func (db *DB) dropped(t *stored) {
	if t.source != nil && t.source.stop != nil {
		t.source.stop()
	}
	db.replaced(t.rel, t.late, t.dead)
}

// replaced makes a checkpoint due that no longer names the files of relations that are
// gone, after which they are freed.
func (db *DB) replaced(rels ...*relation.Relation) {
	for _, r := range rels {
		if r != nil && r.Segments() > 0 {
			db.checkpoints.dropped.Store(true)
			db.checkpointDue()
		}
	}
}

func errDropped(name string) error { return fmt.Errorf("%s has been dropped", name) }
