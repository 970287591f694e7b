package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// readyMax is how long after its start a server may take to the first correct read.
const readyMax = 3 * time.Second

// experiment is a victim under load and the workers that make it.
type experiment struct {
	victim  victim
	dialect dialect
	workers []worker
	rng     *rand.Rand
	logf    func(format string, args ...any)
	slowest time.Duration // of all restarts, to the first correct read
	steps   int
}

func newExperiment(v victim, d dialect, seed uint64, logf func(string, ...any)) *experiment {
	rng := rand.New(rand.NewPCG(seed, 11))
	e := &experiment{victim: v, dialect: d, rng: rng, logf: logf}
	e.workers = []worker{
		&inserter{id: 1, book: newBook("row of ins1"), d: d},
		&inserter{id: 2, book: newBook("row of ins2"), d: d},
		&copier{book: newBook("batch"), d: d, rng: rand.New(rand.NewPCG(seed, 12))},
		&transfer{book: newBook("transfer"), d: d},
		&deleter{book: newBook("kept row"), d: d},
		&counter{id: 1},
		&definer{book: newBook("table made"), d: d},
		checkpointer{},
	}
	if d.source != "" {
		e.workers = append(e.workers, &generated{d: d})
	}
	return e
}

// run kills the victim so many times.
func (e *experiment) run(ctx context.Context, kills int) error {
	if err := e.victim.start(ctx); err != nil {
		return err
	}
	defer e.victim.kill()
	conn, err := e.connect(ctx, 30*time.Second)
	if err != nil {
		return err
	}
	for _, w := range e.workers {
		if err := w.setup(ctx, conn); err != nil {
			return fmt.Errorf("set up %T: %w", w, err)
		}
	}
	conn.Close(ctx)
	for i := range kills {
		if err := e.life(ctx); err != nil {
			return fmt.Errorf("kill %d: %w", i+1, err)
		}
		if err := e.recover(ctx); err != nil {
			return fmt.Errorf("after kill %d: %w", i+1, err)
		}
	}
	e.summary(kills)
	return nil
}

// life runs the load until the victim is killed at a random moment.
func (e *experiment) life(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, len(e.workers))
	steps := make([]int, len(e.workers))
	for i, w := range e.workers {
		wg.Go(func() { steps[i], errs[i] = e.work(ctx, w) })
	}
	time.Sleep(time.Duration(50+e.rng.IntN(1500)) * time.Millisecond)
	err := e.victim.kill()
	wg.Wait()
	for _, n := range steps {
		e.steps += n
	}
	return errors.Join(append(errs, err)...)
}

// work repeats a worker's steps until its connection breaks. What it returns is a finding.
func (e *experiment) work(ctx context.Context, w worker) (steps int, err error) {
	conn, err := pgconn.Connect(ctx, e.victim.connString())
	if err != nil {
		return 0, nil // Killed before it came to that.
	}
	defer conn.Close(ctx)
	for ; ; steps++ {
		err := w.step(ctx, conn)
		var pgErr *pgconn.PgError
		var f *finding
		switch {
		case err == nil:
		case errors.As(err, &f):
			return steps, fmt.Errorf("%T: %w", w, err)
		case errors.As(err, &pgErr) && pgErr.Severity == "ERROR" && pgErr.Code != "40001":
			return steps, fmt.Errorf("%T: %w", w, err)
		case conn.IsClosed():
			return steps, nil
		}
	}
}

// recover starts the victim, sometimes killing it again while it recovers, and checks everything.
func (e *experiment) recover(ctx context.Context) error {
	for e.rng.IntN(4) == 0 {
		if err := e.victim.start(ctx); err != nil {
			return err
		}
		time.Sleep(time.Duration(e.rng.IntN(300)) * time.Millisecond)
		if err := e.victim.kill(); err != nil {
			return err
		}
	}
	begin := time.Now()
	if err := e.victim.start(ctx); err != nil {
		return err
	}
	conn, err := e.connect(ctx, 20*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if err := e.firstRead(ctx, conn); err != nil {
		return err
	}
	took := time.Since(begin)
	e.slowest = max(e.slowest, took)
	if took > readyMax {
		return fmt.Errorf("first correct read after %v, want %v", took, readyMax)
	}
	for _, w := range e.workers {
		if err := w.check(ctx, conn); err != nil {
			return fmt.Errorf("%T: %w", w, err)
		}
	}
	return e.verify(ctx, conn)
}

// connect tries until the server answers.
func (e *experiment) connect(ctx context.Context, patience time.Duration) (*pgconn.PgConn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		conn, err := pgconn.Connect(ctx, e.victim.connString())
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("no connection within %v: %w", patience, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// firstRead reads a table and a view over a view over it and compares them.
func (e *experiment) firstRead(ctx context.Context, conn *pgconn.PgConn) error {
	rows, err := exec(ctx, conn, "SELECT (SELECT coalesce(max(n), 0) FROM ins1_top), (SELECT count(*) FROM ins1)")
	if err != nil {
		return fmt.Errorf("first read: %w", err)
	}
	if rows[0][0] != rows[0][1] {
		return fmt.Errorf("first read: view over view has %s rows, the table %s", rows[0][0], rows[0][1])
	}
	return nil
}

// verify lets the server compare every materialized view with its query.
func (e *experiment) verify(ctx context.Context, conn *pgconn.PgConn) error {
	if e.dialect.verify == "" {
		return nil
	}
	rows, err := exec(ctx, conn, "SELECT relname FROM pg_class WHERE relkind = 'm' ORDER BY relname")
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errors.New("there are no materialized views to verify")
	}
	for _, r := range rows {
		result, err := exec(ctx, conn, fmt.Sprintf(e.dialect.verify, r[0]))
		if err != nil {
			return err
		}
		for _, row := range result {
			for _, v := range row {
				if v == "f" {
					return fmt.Errorf("view %s does not pass: %s", r[0], strings.Join(row, " "))
				}
			}
		}
	}
	return nil
}

func (e *experiment) summary(kills int) {
	lost, there := 0, 0
	for _, w := range e.workers {
		for _, b := range booksOf(w) {
			lost += b.lost
			there += b.lostPresent
		}
	}
	e.logf("%d kills, %d steps, %d lost answers of which %d had been done, slowest restart %v", kills, e.steps, lost, there, e.slowest)
}

func booksOf(w worker) []*book {
	switch w := w.(type) {
	case *inserter:
		return []*book{w.book}
	case *copier:
		return []*book{w.book}
	case *transfer:
		return []*book{w.book}
	case *deleter:
		return []*book{w.book}
	case *definer:
		return []*book{w.book}
	}
	return nil
}
