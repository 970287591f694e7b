package streamdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"streamdb/connector/file"
	"streamdb/connector/nexmark"
	"streamdb/exec"
	"streamdb/replication"
	"streamdb/replication/log"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
	"streamdb/storage/relation"
)

// rangeReader reads a source that gives the same rows for the same offsets for ever:
// such a source is logged by reference.
type rangeReader interface {
	// Available returns the offset up to which rows exist, elapsed µs after the
	// source's creation.
	Available(elapsed int64) int64
	// Read gives the rows of [lo, hi) in order, with the columns at the positions cols, nil
	// for all; the others are nil in the chunks.
	Read(lo, hi int64, cols []int, fn func(*chunk.Chunk) error) error
	// Digest folds the rows of a range as Read gave them, in their order and with the
	// columns that were read, into 64 bits.
	Digest(rows []*chunk.Chunk) uint64
	// FormerDigest is what Digest was in entries of engine version 3, of all columns.
	FormerDigest(lo, hi int64) uint64
}

// tailReader reads a source whose rows are logged by value.
type tailReader interface {
	// Poll returns rows behind the position (nil at first), at most about rowsMax, and
	// the position behind them. No rows mean that there are none now. Records that
	// cannot be decoded are given as rows of types.Text in bad, with the reason.
	Poll(ctx context.Context, position []byte, rowsMax int) (rows, bad *chunk.Chunk, next []byte, err error)
	// Close gives the reader back.
	Close() error
}

// sourceState is where a source stands. The step owns it, save for the readers.
type sourceState struct {
	created int64
	// By reference: rows [start, offset) have been applied.
	start, offset int64
	ranges        rangeReader
	// before is the offset before epoch moved, for who leaves the step in that epoch.
	before int64
	moved  relation.Epoch
	// late is the offsets of the rows that were late as they entered, ascending; elements
	// never change. entering is the offset of the chunk that is being applied.
	late     []int64
	entering int64
	// By value: the connector's position behind the rows applied.
	position []byte
	open     func() (tailReader, error)
	stop     context.CancelFunc
	// ended is closed when the reader has ended; nil before it has begun.
	ended chan struct{}
	// quiet tells that the log knows that all there is has been read.
	quiet atomic.Bool
	// patience is how long nothing must have come until the log is told that all there is
	// has been read, in ns; 0 if nobody wants to know.
	patience atomic.Int64
	// paceRows is the rows that an entry should have for the dataflows' sake, 0 for any.
	paceRows atomic.Int64
}

// newSourceState binds a source to its connector.
func newSourceState(d *catalog.Descriptor) (*sourceState, error) {
	s := &sourceState{created: d.Created}
	c := d.Table.Connector
	names, typs := sourceColumns(d)
	var err error
	switch c.Name {
	case "nexmark":
		s.ranges, err = nexmark.Open(names, typs, c.Options)
	case "file":
		s.open = func() (tailReader, error) { return file.Open(names, typs, fileOptions(c)) }
	default:
		err = sqlerr.New(sqlerr.InvalidParameterValue, "unknown connector %q", c.Name).WithHint("Connectors for sources: nexmark, file.")
	}
	return s, err
}

// connectorColumns gives the columns of a source that is declared without any, where
// its connector knows them; the event time has a watermark without delay then.
func connectorColumns(c *catalog.Connector) ([]catalog.Column, *catalog.Watermark, error) {
	if c.Name != "nexmark" {
		return nil, nil, sqlerr.New(sqlerr.InvalidTableDefinition, "a source with connector %q needs a list of columns", c.Name)
	}
	table := c.Options["type"]
	for _, k := range []string{"table", "nexmark.table.type"} {
		if table == "" {
			table = c.Options[k]
		}
	}
	names, typs := nexmark.Columns(nexmark.Table(strings.ToLower(table)))
	var cols []catalog.Column
	var wm *catalog.Watermark
	for i, n := range names {
		cols = append(cols, catalog.Column{ID: i + 1, Name: n, Type: typs[i]})
		if n == "date_time" {
			wm = &catalog.Watermark{Column: i + 1, Expr: n}
		}
	}
	return cols, wm, nil
}

func fileOptions(c *catalog.Connector) file.Options {
	return file.Options{Settings: c.Options, Format: c.Format, Encode: c.Encode, FormatSettings: c.FormatOptions}
}

func sourceColumns(d *catalog.Descriptor) (names []string, typs []types.Type) {
	for _, c := range d.Columns() {
		names, typs = append(names, c.Name), append(typs, c.Type)
	}
	return names, typs
}

// read gives the rows of [lo, hi) of a source that is logged by reference, with the columns
// at the positions cols, nil for all.
func (s *sourceState) read(lo, hi int64, cols []int, fn func(*chunk.Chunk) error) error {
	if s.ranges == nil {
		return errors.New("source is not logged by reference")
	}
	if lo >= hi {
		return nil
	}
	return s.ranges.Read(lo, hi, cols, fn)
}

// applyRange applies a range of a source by reading it.
func (c *core) applyRange(s *step, o *rangeOp) error {
	t := c.rels[o.Source]
	if t == nil || t.source == nil {
		return fmt.Errorf("range of unknown source %d", o.Source)
	}
	if o.From != t.source.offset {
		return fmt.Errorf("range of source %s starts at %d, not at %d", t.desc.Name, o.From, t.source.offset)
	}
	rows := o.rows
	if rows == nil {
		var err error
		if rows, err = t.readAgain(o, s.version); err != nil {
			return err
		}
	}
	if missing := c.columnsRead(t); o.Columns != nil && !within(missing, o.Columns) {
		return fmt.Errorf("range of source %s has columns %v, and %v are read", t.desc.Name, o.Columns, missing)
	}
	t.source.entering = o.From
	for _, r := range rows {
		if _, err := c.change(s, t, r); err != nil {
			return err
		}
		t.source.entering += int64(r.Rows)
	}
	t.source.move(s.epoch, o.To)
	s.sources, s.sourceRows = append(s.sources, t.source), s.sourceRows+o.To-o.From
	return nil
}

// readAgain reads a range that was logged, and checks that it has the rows that it had then.
func (s *stored) readAgain(o *rangeOp, version uint32) ([]*chunk.Chunk, error) {
	cols, err := s.positions(o.Columns)
	if err != nil {
		return nil, err
	}
	rows, err := s.source.readRange(o.From, o.To, cols)
	if err != nil {
		return nil, fmt.Errorf("source %s: rows [%d, %d) cannot be read again: %w", s.desc.Name, o.From, o.To, err)
	}
	var d uint64
	switch {
	case version < 3:
		d = hashDigest(rows)
	case version == 3:
		d = s.source.ranges.FormerDigest(o.From, o.To)
	default:
		d = s.source.ranges.Digest(rows)
	}
	if d != o.Digest {
		return nil, fmt.Errorf("source %s gives other rows in [%d, %d) than were logged (digest %x, not %x)", s.desc.Name, o.From, o.To, d, o.Digest)
	}
	return rows, nil
}

// hashDigest is the digest of ranges in entries of engine versions below 3.
func hashDigest(rows []*chunk.Chunk) uint64 {
	var sum uint64
	var hash []uint64
	i := uint64(0)
	for _, c := range rows {
		if cap(hash) < c.Rows {
			hash = make([]uint64, c.Rows)
		}
		chunk.HashRows(c.Cols, c.Rows, hash[:c.Rows])
		for _, h := range hash[:c.Rows] {
			i++
			sum += h * (2*i + 1)
		}
	}
	return sum
}

// applyRows applies rows of a source that is logged by value.
func (c *core) applyRows(s *step, o *rowsOp) error {
	t := c.rels[o.Source]
	if t == nil || t.source == nil {
		return fmt.Errorf("rows of unknown source %d", o.Source)
	}
	t.source.position = o.Position
	if o.Bad != nil {
		if err := c.keepBad(s, t, o.Bad); err != nil {
			return err
		}
	}
	if o.Rows.Rows == 0 {
		return nil
	}
	_, err := c.change(s, t, o.Rows)
	return err
}

// badRowsMax bounds the undecodable records that are kept per source.
const badRowsMax = 10_000

// keepBad adds records that could not be decoded to the source's dead letters, as long
// as there is room.
func (c *core) keepBad(s *step, t *stored, bad *chunk.Chunk) error {
	if t.dead == nil {
		rel, err := newDeadLetters(t.desc.Name)
		if err != nil {
			return err
		}
		t.dead = rel
		c.adoptRelation(rel)
	}
	if t.dead.Newest().Rows() >= badRowsMax {
		return nil
	}
	s.changed = append(s.changed, t.dead)
	return t.dead.Append(s.epoch, bad)
}

// badLetters makes dead letters of what a connector could not decode: line, sqlstate,
// message, text.
func badLetters(bad *chunk.Chunk) *chunk.Chunk {
	if bad == nil || bad.Rows == 0 {
		return nil
	}
	out := chunk.New(exec.DeadLetterSchema, bad.Rows)
	for i := range bad.Rows {
		out.Cols[0].AppendDatum(types.Datum{I: 0})
		out.Cols[1].AppendDatum(bad.Cols[1].Datum(i))
		out.Cols[2].AppendDatum(bad.Cols[2].Datum(i))
		text := types.Datum{S: string(bad.Cols[3].StringAt(i))}
		out.Cols[3].AppendDatum(types.MakeArray(types.ArrayOf(types.Text), []types.Datum{text}))
		out.Rows++
	}
	return out
}

// move sets the offset, in an epoch.
func (s *sourceState) move(e relation.Epoch, to int64) {
	if s.moved != e {
		s.moved, s.before = e, s.offset
	}
	s.offset = to
}

// offsetAt returns the offset after an epoch, which is the newest or the one before.
func (s *sourceState) offsetAt(e relation.Epoch) int64 {
	if s.moved > e {
		return s.before
	}
	return s.offset
}

const (
	// sourceRowsMax is about the number of rows that one entry takes from sources, and
	// sourceRowsMin what it takes at least of a backlog, however slow the dataflows are.
	sourceRowsMax = 1 << 16
	sourceRowsMin = 1 << 12
	// sourceIdle is how long a source is left alone that has nothing new, or little: an
	// entry costs about as much as a hundred rows, so a slow source is not read row by
	// row.
	sourceIdle = 4 * time.Millisecond
	// sourceLittle is how many rows are little.
	sourceLittle = 1000
	// tailIdle is the same for a source that has to be asked outside.
	tailIdle = 20 * time.Millisecond
)

// startSource begins to read a source. The reader proposes one entry after the other:
// the next when the last has been applied, so that a source never gets ahead of the
// step and the size of its entries follows the load.
func (db *DB) startSource(t *stored) {
	if !db.reading.Load() || !db.leads() {
		return // during replay, or on a node that does not lead; see startSources
	}
	if t.source.ended != nil {
		select {
		case <-t.source.ended:
		default:
			return // it is being read
		}
	}
	ctx, stop := context.WithCancel(db.ctx)
	t.source.patience.Store(int64(t.quietAfter()))
	r := &sourceReader{db: db, ctx: ctx, id: t.id, name: t.desc.Name, s: t.source}
	t.source.stop, t.source.ended = stop, make(chan struct{})
	if t.source.ranges != nil {
		db.groups.join(r)
		return
	}
	db.jobs.Go(func() {
		err := r.readTail(ctx)
		for leadChanged(err) && db.leads() && sleep(ctx, sourceRetry) == nil {
			err = r.readTail(ctx) // the lead was to be handed over, but was not
		}
		r.end(err)
	})
}

// sourceRetry is how long a source is left alone after the lead has been in doubt.
const sourceRetry = 50 * time.Millisecond

// leadChanged reports whether an error says no more than that the lead was lost.
func leadChanged(err error) bool {
	var not *replication.NotLeaderError
	return errors.As(err, &not) || errors.Is(err, replication.ErrUnknown)
}

// sourceReader reads one source.
type sourceReader struct {
	db   *DB
	ctx  context.Context // ends when the source is dropped
	id   catalog.ID
	name string
	s    *sourceState
	// Of a range reader: the offset up to which its rows are in the log, where they lie in
	// its stream, the ids and positions of the columns that are read, nil for all, and
	// whether there are late rows in the next entry.
	at      int64
	cut     streamCut
	columns []int
	cols    []int
	late    bool
	heard   time.Time // when something came
}

// quietMax is the most that a reader waits until it says that it has read everything.
const quietMax = 100 * time.Millisecond

// quietAfter gives a reader its patience.
func (s *stored) quietAfter() time.Duration {
	least := time.Duration(0)
	for i := range s.marks {
		if idle := s.marks[i].idle; idle > 0 {
			d := max(min(time.Duration(idle)*time.Microsecond/4, quietMax), time.Millisecond)
			if least == 0 || d < least {
				least = d
			}
		}
	}
	return least
}

// atEnd tells the log that all there is has been read, once, if that has been so for long
// enough.
func (r *sourceReader) atEnd(ctx context.Context) error {
	patience := time.Duration(r.s.patience.Load())
	if patience == 0 || r.s.quiet.Load() {
		return nil
	}
	if r.heard.IsZero() {
		r.heard = time.Now()
	}
	if time.Since(r.heard) < patience {
		return nil
	}
	err := r.db.propose(ctx, []op{&quietOp{Source: r.id, Quiet: true}})
	if errors.Is(err, log.ErrDiskFull) {
		return nil // it will be tried again
	}
	return err
}

// end is the end of reading: the source is dropped, the database closes, or err.
func (r *sourceReader) end(err error) {
	defer close(r.s.ended)
	if err != nil {
		r.notQuiet(r.ctx)
	}
	select {
	case <-r.db.closing:
		return // it could not propose any more
	default:
	}
	if err != nil && r.ctx.Err() == nil && r.db.leads() {
		r.db.logger.Error("source stopped", "source", r.name, "error", err)
	}
}

// notQuiet tells the log that nobody knows any more whether there is something to be read.
func (r *sourceReader) notQuiet(ctx context.Context) {
	r.heard = time.Time{}
	if r.s.quiet.Load() && ctx.Err() == nil {
		_ = r.db.propose(ctx, []op{&quietOp{Source: r.id}})
	}
}

func (r *sourceReader) readTail(ctx context.Context) error {
	db, id, s := r.db, r.id, r.s
	tail, err := s.open()
	if err != nil {
		return err
	}
	defer tail.Close()
	db.core.mu.Lock()
	at := s.position
	db.core.mu.Unlock()
	for ctx.Err() == nil {
		rows, bad, next, err := tail.Poll(ctx, at, sourceRowsMax)
		if err != nil {
			db.logger.Warn("source cannot be read, trying again", "source", id, "error", err)
			r.notQuiet(ctx)
			if sleep(ctx, time.Second) != nil {
				return nil
			}
			continue
		}
		letters := badLetters(bad)
		if letters == nil && (rows == nil || rows.Rows == 0 && string(next) == string(at)) {
			if err := r.atEnd(ctx); err != nil {
				return err
			}
			if sleep(ctx, tailIdle) != nil {
				return nil
			}
			continue
		}
		if rows == nil {
			rows = &chunk.Chunk{}
		}
		for {
			err = db.propose(ctx, []op{&rowsOp{Source: id, Position: next, Rows: rows, Bad: letters}})
			if err == nil || !errors.Is(err, log.ErrDiskFull) || sleep(ctx, time.Second) != nil {
				break
			}
		}
		if err != nil {
			return err
		}
		at = next
		r.heard = time.Now()
	}
	return nil
}

// sleep waits for d; it fails when ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// accepted gives the rows of [lo, hi) that were not late, with the columns at the positions
// cols and in that order. Whether a row is late was decided as it entered, against the
// watermark of that moment: it is not asked again. What it takes as late is the source's
// list as of hi, read under core.mu.
func (s *sourceState) accepted(late []int64, lo, hi int64, cols []int, fn func(*chunk.Chunk) error) error {
	if cols == nil {
		cols = []int{} // none, not all
	}
	return s.read(lo, hi, cols, func(c *chunk.Chunk) error {
		c = c.Project(cols)
		first, _ := slices.BinarySearch(late, lo)
		last, _ := slices.BinarySearch(late, lo+int64(c.Rows))
		if out := late[first:last]; len(out) > 0 {
			keep := make([]int32, 0, c.Rows-len(out))
			for i := range int32(c.Rows) {
				if len(out) > 0 && out[0] == lo+int64(i) {
					out = out[1:]
					continue
				}
				keep = append(keep, i)
			}
			lo += int64(c.Rows)
			return fn(c.Gather(keep))
		}
		lo += int64(c.Rows)
		return fn(c)
	})
}

// readRange reads rows [lo, hi) of a source into memory, with the columns at the positions
// cols, nil for all.
func (s *sourceState) readRange(lo, hi int64, cols []int) ([]*chunk.Chunk, error) {
	var rows []*chunk.Chunk
	err := s.read(lo, hi, cols, func(c *chunk.Chunk) error {
		rows = append(rows, c)
		return nil
	})
	return rows, err
}
