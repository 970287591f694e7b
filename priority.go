package streamdb

import (
	"context"
	"runtime"
)

// The step comes first. Go's scheduler has no priorities, so what may take long beside
// it (large scans, fills, merges, checkpoints) runs on operating system threads of its
// own at nice 5, and the server runs with more Ps than cores (see ExtraThreads), so that
// such a thread never holds the last one.

// ExtraThreads is the number by which GOMAXPROCS should exceed the number of cores, and
// how many large statements run at a time.
const ExtraThreads = 4

// largeRows is the number of rows from which reading a plan's inputs counts as long.
const largeRows = 50_000

// backgroundNice is the niceness of background threads.
const backgroundNice = 5

// inBackground makes the calling goroutine's thread one of low priority, for good: the
// thread ends with the goroutine.
func inBackground() {
	runtime.LockOSThread()
	lowerPriority(backgroundNice)
}

// runAside runs f at low priority, when one of the few places for that is free, and
// waits for it. A panic of f is raised in the caller.
func (db *DB) runAside(ctx context.Context, f func() error) error {
	select {
	case db.aside <- struct{}{}:
		defer func() { <-db.aside }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	var err error
	var failed any
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { failed = recover() }()
		inBackground()
		err = f()
	}()
	<-done
	if failed != nil {
		panic(failed)
	}
	return err
}

// large reports whether a plan reads many rows.
func (r *planRun) large() bool {
	var rows int64
	for i := range r.plan.Nodes {
		sc := r.plan.Nodes[i].Scan
		if sc == nil || sc.Virtual != "" || sc.Range != nil {
			continue
		}
		s, err := r.t.stored(idOf(sc))
		switch {
		case err != nil:
		case s.rel == nil:
			return true // a source, read again from its start
		default:
			if st := r.t.pinned(s); st != nil {
				rows += st.Rows()
			}
		}
	}
	return rows >= largeRows
}
