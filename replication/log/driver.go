package log

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// DriverOptions configures a Driver.
type DriverOptions struct {
	// Applied is the index of the last entry that the state machine's checkpoint contains; replay starts behind it.
	Applied uint64

	// EngineVersion goes into the leader entry.
	EngineVersion uint32

	// LeaderPayload is the payload of the leader entry; the state machine defines it.
	LeaderPayload []byte

	// MinTime is a lower bound for the clock beside the last entry's: the checkpoint's, for a log that was emptied.
	MinTime int64

	// Time is the source of the clock. Default SystemTime.
	Time TimeSource

	// Inline applies on the goroutine that calls Propose, before Propose returns: no hand-off for the caller that
	// needs the result of entry n before it can decide entry n+1, as the sequencer does. The default is a goroutine of
	// the driver's.
	Inline bool

	// PendingBytesMax bounds the payload bytes in flight; Propose waits above it. One entry is always let through.
	// Default 64 MiB.
	PendingBytesMax int

	// OnReplay hears of every replayed entry after it was applied: progress for the log file.
	OnReplay func(index, last uint64)

	// OnStop hears, once, why the driver stopped by itself. It must not wait for the driver.
	OnStop func(err error)
}

// groupBytesMax bounds what goes into one synced commit: a reader of the log and pebble's memtable both prefer groups
// well below memTableBytes, and the first of a long queue should not wait for the last.
const groupBytesMax = 8 << 20

// Driver is the log of a single node: it orders, appends and applies.
//
// An accepted entry is in `pending` until it is resolved. Three indexes walk through pending, each at its own pace:
//
//	           published        applied     durable          accepted
//	… 41 42 43 │ 44  45  46  47  │ 48  49  50 │ 51  52  53  54 │
//	 resolved  │  being made visible          │ one group syncs │
//
// Invariant: published <= min(applied, durable); max(applied, durable) <= accepted.
//
// The appender takes what has queued up since it last looked, commits it as one group and moves durable. The applier
// (or, inline, the proposer) applies one entry after the other and moves applied. Whoever of the two moves the lower of
// both calls Publish and resolves futures, under a baton so that this never happens twice at a time, and outside mu so
// that proposing goes on.
type Driver struct {
	store *Store
	sm    StateMachine
	clock *Clock
	opts  DriverOptions

	// proposing makes stamping, queueing and, inline, applying one act, so that entries are applied in log order.
	proposing chan struct{}

	appendWake chan struct{} // Capacity 1: something was queued, or the driver is to end.
	applyWake  chan struct{} // Capacity 1, likewise for the applier.
	workers    sync.WaitGroup

	mu         sync.Mutex
	toAppend   []Entry   // Accepted, not yet taken by the appender.
	toApply    []Entry   // Accepted, not yet taken by the applier; unused inline.
	pending    []*Future // Unresolved, in index order: indexes (published, accepted].
	bytes      int       // Payload bytes of pending.
	accepted   uint64
	applied    uint64
	durable    uint64
	published  uint64
	publishing bool          // Somebody holds the baton.
	closing    bool          // No more proposals; the workers end when their queues are empty.
	err        error         // Why the driver stopped; nil while it runs.
	changed    chan struct{} // Closed and replaced when an index moved or the driver stopped; nil while nobody waits.
}

var _ Log = (*Driver)(nil)

// OpenDriver replays what the state machine has not applied yet, on the caller's goroutine, then logs the leader entry
// and returns when that is published. The store belongs to the driver until Close, except for TruncateBefore, Read and
// Metrics. The context ends the replay.
func OpenDriver(ctx context.Context, store *Store, sm StateMachine, opts DriverOptions) (*Driver, error) {
	if opts.Time == nil {
		opts.Time = SystemTime()
	}
	if opts.PendingBytesMax == 0 {
		opts.PendingBytesMax = 64 << 20
	}
	if err := Replay(ctx, store, sm, opts.Applied, opts.OnReplay); err != nil {
		return nil, err
	}
	last := store.LastIndex()
	d := &Driver{
		store: store, sm: sm, opts: opts,
		clock:      NewClock(opts.Time, max(store.LastTime(), opts.MinTime)),
		proposing:  make(chan struct{}, 1),
		appendWake: make(chan struct{}, 1),
		applyWake:  make(chan struct{}, 1),
		accepted:   last, applied: last, durable: last, published: last,
	}
	d.workers.Add(1)
	go d.appendLoop()
	if !opts.Inline {
		d.workers.Add(1)
		go d.applyLoop()
	}
	lead := Entry{Kind: KindLeader, EngineVersion: opts.EngineVersion, Payload: opts.LeaderPayload}
	f, err := d.Propose(ctx, lead)
	if err == nil {
		err = f.Wait(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("take the lead: %w", err), d.Close())
	}
	return d, nil
}

// Replay applies and publishes the stored entries behind applied. A log that does not reach back that far, or that ends
// before it, does not belong to this checkpoint and is an error.
func Replay(ctx context.Context, s *Store, sm StateMachine, applied uint64, progress func(index, last uint64)) error {
	first, last := s.FirstIndex(), s.LastIndex()
	if applied+1 < first || applied > last {
		return corruptf("checkpoint has applied entry %d, the log in %s holds entries %d to %d", applied, s.dir, first, last)
	}
	return s.Read(applied+1, last+1, func(e Entry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := sm.Apply(e); err != nil {
			return fmt.Errorf("replay entry %d: %w", e.Index, err)
		}
		sm.Publish(e.Index)
		if progress != nil {
			progress(e.Index, last)
		}
		return nil
	})
}

// Propose implements Log. Calls from several goroutines are ordered one after the other; with Inline, it returns when
// Apply has.
func (d *Driver) Propose(ctx context.Context, e Entry) (*Future, error) {
	if len(e.Payload) > MaxEntryBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(e.Payload))
	}
	select {
	case d.proposing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-d.proposing }()
	if err := d.waitForRoom(ctx, len(e.Payload)); err != nil {
		return nil, err
	}
	// The last moment at which an entry can be refused: once it is applied, it must become durable.
	if err := d.store.Admit(len(e.Payload) + d.pendingBytes()); err != nil {
		return nil, err
	}
	f, err := d.accept(&e)
	if err == nil && d.opts.Inline {
		d.apply(e, f)
	}
	return f, err
}

// waitForRoom waits until n more bytes may be in flight.
func (d *Driver) waitForRoom(ctx context.Context, n int) error {
	return d.waitUntil(ctx, func() bool {
		return len(d.pending) == 0 || d.bytes+n <= d.opts.PendingBytesMax
	})
}

func (d *Driver) pendingBytes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bytes
}

// accept gives e its index and time and queues it for both workers.
func (d *Driver) accept(e *Entry) (*Future, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.stoppedLocked(); err != nil {
		return nil, err
	}
	d.accepted++
	e.Index, e.Time = d.accepted, d.clock.Next()
	f := &Future{
		index: e.Index, time: e.Time, bytes: len(e.Payload),
		applied: make(chan struct{}), done: make(chan struct{}),
	}
	d.pending = append(d.pending, f)
	d.bytes += f.bytes
	d.toAppend = append(d.toAppend, *e)
	wake(d.appendWake)
	if !d.opts.Inline {
		d.toApply = append(d.toApply, *e)
		wake(d.applyWake)
	}
	return f, nil
}

// Clock is the leader's clock: what session clocks and ticks go by.
func (d *Driver) Clock() *Clock { return d.clock }

// DurableIndex is the index up to which the log is on disk.
func (d *Driver) DurableIndex() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.durable
}

// PublishedIndex is the index up to which entries are durable, applied and published.
func (d *Driver) PublishedIndex() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.published
}

// WaitDurable implements Log.
func (d *Driver) WaitDurable(ctx context.Context, index uint64) error {
	return d.waitUntil(ctx, func() bool { return d.durable >= index })
}

// WaitPublished waits until the entry at index is durable, applied and published.
func (d *Driver) WaitPublished(ctx context.Context, index uint64) error {
	return d.waitUntil(ctx, func() bool { return d.published >= index })
}

// waitUntil waits for a condition on the guarded fields. It fails when the driver has stopped or is closing first.
func (d *Driver) waitUntil(ctx context.Context, cond func() bool) error {
	for {
		d.mu.Lock()
		if d.err != nil {
			defer d.mu.Unlock()
			return d.err
		}
		if cond() {
			d.mu.Unlock()
			return nil
		}
		if d.changed == nil {
			d.changed = make(chan struct{})
		}
		changed := d.changed
		d.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stoppedLocked is why nothing can be proposed any more, or nil.
func (d *Driver) stoppedLocked() error {
	if d.err != nil {
		return d.err
	}
	if d.closing {
		return ErrStopped
	}
	return nil
}

// Close ends the driver: proposals in flight are appended, applied and published first, unless it has stopped by
// itself. It does not close the store. It returns what stopped the driver, if something did.
func (d *Driver) Close() error {
	d.mu.Lock()
	d.closing = true
	d.mu.Unlock()
	wake(d.appendWake)
	wake(d.applyWake)
	d.proposing <- struct{}{} // Who is proposing, and perhaps applying, finishes; nobody begins any more.
	defer func() { <-d.proposing }()
	d.workers.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.err
	if err == nil {
		d.err = ErrStopped
		d.notifyLocked()
	}
	return err
}

// wake makes sure that the worker looks at its queue once more.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
