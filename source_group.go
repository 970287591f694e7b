package streamdb

import (
	"errors"
	"math"
	"sync"
	"time"

	"streamdb/replication/log"
)

// Sources that are tables cut from one stream of events, as the three of the Nexmark
// generator, are read in step: by one reader, which takes an equal stretch of the stream
// from all of them and makes one entry of it. What one table's rows wait for in a join
// comes in the same entry as they do, and whatever an entry costs by itself is paid once.
//
//	person   ·   ·   │·   ·   │
//	auction  · · · · │· · · · │
//	bid      ········│········│
//	               entry    entry
//
// A source that is behind the others, because it was created later, goes first until it has
// reached them. One that has no more rows holds nobody back.

// cutReader is a rangeReader whose rows are some of the events of a stream.
type cutReader interface {
	// Stream names the stream: readers of one name count the same events.
	Stream() string
	streamCut
}

// streamCut translates between a source's rows and the events of its stream. Both rise together.
type streamCut interface {
	// EventOf returns the number of the event that a row is.
	EventOf(row int64) int64
	// RowBehind returns the first row whose event has this number or a higher one.
	RowBehind(event int64) int64
}

// uncut is a stream all of whose events are rows.
type uncut struct{}

func (uncut) EventOf(row int64) int64     { return row }
func (uncut) RowBehind(event int64) int64 { return event }

// sourceGroups is the readers of sources that are logged by reference.
type sourceGroups struct {
	mu     sync.Mutex // guards what follows, and the groups' joining
	byName map[string]*sourceGroup
}

// sourceGroup reads the sources of one stream. It lives until its last source is dropped.
type sourceGroup struct {
	db      *DB
	name    string
	joining []*sourceReader
	members []*sourceReader
}

// join begins to read a source.
func (g *sourceGroups) join(r *sourceReader) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r.cut = uncut{}
	if c, ok := r.s.ranges.(cutReader); ok {
		r.cut = c
		if x := g.byName[c.Stream()]; x != nil {
			x.joining = append(x.joining, r)
			return
		}
	}
	x := &sourceGroup{db: r.db, joining: []*sourceReader{r}}
	if c, ok := r.cut.(cutReader); ok {
		if x.name = c.Stream(); g.byName == nil {
			g.byName = make(map[string]*sourceGroup)
		}
		g.byName[x.name] = x
	}
	r.db.jobs.Go(x.run)
}

func (g *sourceGroup) run() {
	for g.gather() {
		pause, err := g.round()
		if err != nil {
			for _, r := range g.members {
				r.end(err)
			}
			g.members = nil
			continue
		}
		if pause > 0 {
			_ = sleep(g.db.ctx, pause) // gather sees the end
		}
	}
}

// gather takes in the sources that have been created and lets go those that are gone. It
// reports whether there are any.
func (g *sourceGroup) gather() bool {
	left := g.members[:0]
	for _, r := range g.members {
		if r.ctx.Err() != nil {
			r.end(nil)
			continue
		}
		left = append(left, r)
	}
	g.members = left
	for {
		g.db.groups.mu.Lock()
		joined := g.joining
		g.joining = nil
		if len(joined) == 0 && len(g.members) == 0 && g.name != "" {
			delete(g.db.groups.byName, g.name)
		}
		g.db.groups.mu.Unlock()
		if len(joined) == 0 {
			return len(g.members) > 0
		}
		// Sources that one entry creates begin together: this waits until it is applied.
		g.members = append(g.members, joined...)
		g.locate(joined)
	}
}

// locate finds out where the log has sources, and what is read of them.
func (g *sourceGroup) locate(readers []*sourceReader) {
	g.db.core.mu.Lock()
	defer g.db.core.mu.Unlock()
	for _, r := range readers {
		r.at, r.columns, r.cols = r.s.offset, nil, nil
		if t := g.db.core.rels[r.id]; t != nil && !r.late {
			r.columns = g.db.core.columnsRead(t)
			r.cols, _ = t.positions(r.columns) // they are its own
		}
	}
}

// round logs what comes next, if there is something, and returns how long to wait then.
func (g *sourceGroup) round() (time.Duration, error) {
	places := make([]place, len(g.members))
	rowsMax := int64(sourceRowsMax)
	now := g.db.sourceTime()
	for i, r := range g.members {
		places[i] = place{at: r.at, end: r.s.ranges.Available(now - r.s.created), cut: r.cut}
		if n := r.s.paceRows.Load(); n > 0 {
			rowsMax = min(rowsMax, n)
		}
		if places[i].end > r.at {
			r.heard = time.Now()
		} else if err := r.atEnd(r.ctx); err != nil && r.ctx.Err() == nil {
			return 0, err
		}
	}
	rows := stretch(places, rowsMax)
	if rows == 0 {
		return sourceIdle, nil
	}
	err := g.log(places)
	switch {
	case errors.Is(err, log.ErrDiskFull):
		return time.Second, nil
	case errors.Is(err, errSourceMoved):
		g.locate(g.members)
		return time.Millisecond, nil // until then it may be gone
	case errors.Is(err, errSourceLate):
		g.readLate(true)
		return 0, nil
	case leadChanged(err) && g.db.leads():
		g.locate(g.members)
		return sourceRetry, nil // the lead was to be handed over, but was not
	case err != nil:
		return 0, err
	case rows < sourceLittle:
		return sourceIdle, nil
	}
	return 0, nil
}

// log makes one entry of the next rows of the sources.
func (g *sourceGroup) log(places []place) error {
	var ops []op
	for i, r := range g.members {
		c := &places[i]
		if c.to == r.at {
			continue
		}
		rows, err := r.s.readRange(r.at, c.to, r.cols)
		if err != nil {
			return err
		}
		ops = append(ops, &rangeOp{Source: r.id, From: r.at, To: c.to, Columns: r.columns, Digest: r.s.ranges.Digest(rows), rows: rows})
	}
	if err := g.db.propose(g.db.ctx, ops); err != nil {
		return err
	}
	if g.members[0].late {
		g.readLate(false)
	}
	for i, r := range g.members {
		r.at = places[i].to
	}
	return nil
}

// readLate reads all columns of the sources in the next entry, in which there are late rows:
// those are kept whole.
func (g *sourceGroup) readLate(late bool) {
	for _, r := range g.members {
		r.late = late
	}
	g.locate(g.members)
}

// place is where a source is read: rows [at, end) are there, [at, to) are to be taken.
type place struct {
	at, end, to int64
	cut         streamCut
}

// backlog reports whether the source has more than what comes by and by.
func (c *place) backlog() bool {
	return c.end > c.at && c.cut.EventOf(c.end)-c.cut.EventOf(c.at) >= sourceLittle
}

// stretch finds out how far to read: from the event of the backlog that comes first about
// so far that there are rowsMax rows. It returns the number of rows.
func stretch(places []place, rowsMax int64) int64 {
	first := int64(math.MaxInt64)
	for i := range places {
		if c := &places[i]; c.backlog() {
			first = min(first, c.cut.EventOf(c.at))
		}
	}
	for events := rowsMax; ; events *= 2 {
		rows, more := int64(0), false
		for i := range places {
			c := &places[i]
			c.to = c.end
			if c.backlog() {
				c.to = max(min(c.cut.RowBehind(first+events), c.end), c.at)
				more = more || c.to < c.end
			}
			c.to = max(min(c.to, c.at+sourceRowsMax), c.at)
			rows += c.to - c.at
		}
		if !more || rows > rowsMax/2 {
			return rows
		}
	}
}

// learnPace notes how many rows the next entries from the sources of this one should have:
// as many as each dataflow is likely to take in half its slice, so that none has to leave
// the step for the size of an entry.
func (c *core) learnPace(s *step) {
	if s.sourceRows < sourceLittle {
		return
	}
	scale := math.Inf(1)
	for _, r := range s.ran {
		if r.rows > 0 {
			scale = min(scale, float64(r.f.pace.within(slice/2, sourceRowsMax))/float64(r.rows))
		}
	}
	next := int64(max(min(scale*float64(s.sourceRows), sourceRowsMax), sourceRowsMin))
	for _, t := range s.sources {
		t.paceRows.Store(next)
	}
}
