package log

import "context"

// StateMachine is what a log drives: the engine. On one node the Driver calls it, with replicas consensus does.
//
// Apply computes entry e. Entries come in index order, each once, never concurrently. It may run before e is durable,
// so nothing it computes may be shown to anybody until Publish says so. What is in the log always applies: an error is
// our bug, and stops the node.
//
// Publish makes everything up to and including entry index visible: these entries are applied and durable. It is
// called with rising indexes, may skip some, is never called concurrently with itself but may run during Apply of a
// later entry. It is short and does not call the log.
type StateMachine interface {
	Apply(e Entry) error
	Publish(index uint64)
}

// Log is the proposer's side of a log, whoever orders it. The Driver implements it.
type Log interface {
	// Propose gives e its index and time and starts to apply it and to make it durable. It waits while too much is in
	// flight. An error means that the entry is not and will not be in the log (ErrDiskFull, ErrTooLarge, ErrStopped, the
	// context's): nothing was applied.
	Propose(ctx context.Context, e Entry) (*Future, error)

	// WaitDurable waits until the entry at index, which was proposed before, is durable.
	WaitDurable(ctx context.Context, index uint64) error
}

// Future is the outcome of one proposal.
type Future struct {
	index   uint64
	time    int64
	applied chan struct{} // Closed when Apply has returned, or the driver has stopped.
	done    chan struct{} // Closed when published, or the driver has stopped.
	err     error         // Set before done is closed; nil if published.
	bytes   int           // What it holds of the driver's in-flight budget.
}

// Resolved is a future whose outcome is known, for a log that waits itself. The entry was applied if err is nil.
func Resolved(index uint64, time int64, err error) *Future {
	done := make(chan struct{})
	close(done)
	return &Future{index: index, time: time, applied: done, done: done, err: err}
}

// Index is the entry's place in the log.
func (f *Future) Index() uint64 { return f.index }

// Time is the entry's time.
func (f *Future) Time() int64 { return f.time }

// Applied is closed once Apply of this entry has returned; what it computed may be neither durable nor published. It
// is closed, too, when the driver stops: ask Err.
func (f *Future) Applied() <-chan struct{} { return f.applied }

// Done is closed once the entry is durable, applied and published, or the driver has stopped: ask Err.
func (f *Future) Done() <-chan struct{} { return f.done }

// Err is the outcome; valid once Done is closed. An error means that the outcome is unknown: after a restart the entry
// may be in the log, or not.
func (f *Future) Err() error {
	select {
	case <-f.done:
		return f.err
	default:
		return nil
	}
}

// Wait waits for Done and returns Err, or the context's error if that ends first; the entry goes its way regardless.
func (f *Future) Wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
