package crash

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// expectation is what a client knows of a thing it wrote.
type expectation uint8

const (
	absent  expectation = iota // never written, or its deletion was acknowledged
	present                    // acknowledged
	either                     // the answer was lost
)

// book holds what one worker expects of the things it wrote, by number.
type book struct {
	what   string // for messages
	things map[int64]expectation
	// lost counts answers that were lost, and of them those that turned out to be there.
	lost, lostPresent int
}

func newBook(what string) *book { return &book{what: what, things: map[int64]expectation{}} }

// note records the outcome of a write that makes thing n what want says. It returns the error if the connection is gone.
func (b *book) note(n int64, want expectation, err error) error {
	var pgErr *pgconn.PgError
	switch {
	case err == nil:
		b.things[n] = want
	case errors.As(err, &pgErr) && pgErr.Severity == "ERROR":
		// Refused: nothing has changed.
		return fmt.Errorf("%s %d: %w", b.what, n, err)
	default:
		b.things[n] = either
		return err
	}
	return nil
}

// compare checks what is there, a count for each number, against the book, where a thing that is there counts want times.
// What was open is settled by what is there, so that it stays so after the next crash.
func (b *book) compare(there map[int64]int64, want int64) error {
	var errs []error
	for n, count := range there {
		e, known := b.things[n]
		switch {
		case !known, e == absent && count > 0:
			errs = append(errs, fmt.Errorf("%s %d is there and should not be", b.what, n))
		case count > want:
			errs = append(errs, fmt.Errorf("%s %d is there %d times instead of %d", b.what, n, count, want))
		case count < want:
			errs = append(errs, fmt.Errorf("%s %d is there in part: %d instead of %d", b.what, n, count, want))
		}
	}
	for n, e := range b.things {
		_, ok := there[n]
		switch {
		case e == present && !ok:
			errs = append(errs, fmt.Errorf("%s %d was acknowledged and is lost", b.what, n))
		case e == either && ok:
			b.things[n] = present
			b.lost++
			b.lostPresent++
		case e == either:
			b.things[n] = absent
			b.lost++
		}
	}
	if len(errs) > 10 {
		errs = append(errs[:10], fmt.Errorf("… %d more", len(errs)-10))
	}
	return errors.Join(errs...)
}
