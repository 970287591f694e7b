package nexmark

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// Config is what the events depend on. The zero value is the suite's default.
type Config struct {
	// Seed chooses the random numbers.
	Seed uint64
	// FirstEvent is the number of the event that is the first of all.
	FirstEvent int64
	// BaseTime is the time of event 0, µs since 2000-01-01; 0 means 2015-07-15 00:00:00.
	BaseTime int64
	// EventRate is the events per second of event time. Default 10,000.
	EventRate int64
}

// baseTime is the suite's: 2015-07-15 00:00:00.
const baseTime = 490_233_600 * 1_000_000

func (c *Config) setDefaults() {
	if c.BaseTime == 0 {
		c.BaseTime = baseTime
	}
	if c.EventRate == 0 {
		c.EventRate = 10_000
	}
}

// timeOf returns the time of event n, whole milliseconds in µs.
func (c *Config) timeOf(n int64) int64 {
	return c.BaseTime + n/c.EventRate*1_000_000 + n%c.EventRate*1000/c.EventRate*1000
}

// Source is one table of a generator with the columns that a CREATE SOURCE declares.
type Source struct {
	cfg    Config
	table  Table
	rate   int64 // events per second over all tables, 0 for unlimited
	events int64 // end of the events, MaxInt64 for none
	fields []field
	// made is the rows that are in memory already, nil if they are made as they are read.
	made    *preloaded
	preload bool
	columns []int // of made, by field
}

// field makes one column of rows [lo, hi).
type field struct {
	typ types.Type
	gen func(b *block, out *chunk.Column)
}

// knownOptions is the options of the connector.
var knownOptions = []string{"base_time", "connector", "event_rate", "events", "first_event", "preload", "rate", "seed", "table", "type"}

// Open makes a source of the table that the options name, with the given columns.
func Open(names []string, typs []types.Type, options map[string]string) (*Source, error) {
	s := &Source{rate: 1000, events: math.MaxInt64}
	for _, k := range slices.Sorted(maps.Keys(options)) {
		if err := s.set(k, options[k]); err != nil {
			return nil, err
		}
	}
	if s.table == "" {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "option \"type\" is missing").WithHint("Set type to person, auction or bid.")
	}
	if s.cfg.EventRate == 0 {
		s.cfg.EventRate = s.rate
	}
	s.cfg.setDefaults()
	if err := s.bind(names, typs); err != nil {
		return nil, err
	}
	if s.preload {
		return s, s.load(names)
	}
	return s, nil
}

func (s *Source) set(key, value string) error {
	bad := func() error {
		return sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for option %q: %q", key, value)
	}
	number := func(to *int64, least int64) error {
		v, err := strconv.ParseInt(strings.ReplaceAll(value, "_", ""), 10, 64)
		if err != nil || v < least {
			return bad()
		}
		*to = v
		return nil
	}
	switch k := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(key), "nexmark."), "table."); k {
	case "connector":
		return nil
	case "type", "table":
		s.table = Table(strings.ToLower(value))
		if s.table != Person && s.table != Auction && s.table != Bid {
			return bad().(*sqlerr.Error).WithHint("The tables are person, auction and bid.")
		}
		return nil
	case "rate":
		if strings.EqualFold(value, "unlimited") {
			s.rate = 0
			return nil
		}
		return number(&s.rate, 0)
	case "events":
		return number(&s.events, 0)
	case "preload":
		v, err := strconv.ParseBool(value)
		if err != nil {
			return bad()
		}
		s.preload = v
		return nil
	case "event_rate":
		return number(&s.cfg.EventRate, 1)
	case "first_event":
		return number(&s.cfg.FirstEvent, 0)
	case "seed":
		var v int64
		err := number(&v, math.MinInt64)
		s.cfg.Seed = uint64(v)
		return err
	case "base_time":
		d, err := types.ParseText(types.Timestamp, value, types.DefaultSettings)
		if err != nil || strings.EqualFold(strings.TrimSpace(value), "now") {
			return bad().(*sqlerr.Error).WithHint("Give a fixed timestamp: a generator gives the same rows for ever.")
		}
		s.cfg.BaseTime = d.I
		return nil
	}
	return sqlerr.New(sqlerr.InvalidParameterValue, "unknown option %q", key).WithHint("The options are %s.", strings.Join(knownOptions, ", "))
}

// bind finds the generator of each declared column.
func (s *Source) bind(names []string, typs []types.Type) error {
	known := columnsOf(s.table)
	for i, n := range names {
		f, ok := known[strings.ReplaceAll(strings.ToLower(n), "_", "")]
		if !ok {
			return sqlerr.New(sqlerr.UndefinedColumn, "the generator's table %q has no column %q", s.table, n).
				WithHint("Its columns are %s.", strings.Join(columnNames(s.table), ", "))
		}
		if !f.accepts(typs[i]) {
			return sqlerr.New(sqlerr.DatatypeMismatch, "column %q of the generator is of type %s, not %s", n, f.typ, typs[i])
		}
		f.typ = typs[i]
		s.fields = append(s.fields, f)
	}
	return nil
}

// accepts reports whether the column may be declared with type t.
func (f *field) accepts(t types.Type) bool {
	switch f.typ.Kind {
	case types.KindText:
		return t.Kind == types.KindText || t.Kind == types.KindVarchar && t.Typmod < 0
	case types.KindTimestamp:
		return t.Kind == types.KindTimestamp || t.Kind == types.KindTimestampTZ
	}
	return t.Kind == f.typ.Kind
}

// Available returns the offset up to which rows of the table exist, elapsed µs after
// the source's creation.
func (s *Source) Available(elapsed int64) int64 {
	n := s.events
	if s.rate > 0 {
		made := max(elapsed, 0)/1_000_000*s.rate + max(elapsed, 0)%1_000_000*s.rate/1_000_000
		n = min(n, made)
	}
	if n == math.MaxInt64 {
		n = 1 << 60
	}
	return s.table.RowsBefore(s.cfg.FirstEvent+n) - s.table.RowsBefore(s.cfg.FirstEvent)
}

// Stream names the stream of events that the table is cut from: the three tables of a
// generator have one, wherever they begin in it.
func (s *Source) Stream() string {
	c := s.cfg
	return fmt.Sprint("nexmark ", c.Seed, c.BaseTime, c.EventRate)
}

// EventOf returns the number of the event that a row is.
func (s *Source) EventOf(row int64) int64 {
	return s.table.eventOf(s.table.RowsBefore(s.cfg.FirstEvent) + row)
}

// RowBehind returns the first row whose event has this number or a higher one.
func (s *Source) RowBehind(event int64) int64 {
	return max(s.table.RowsBefore(event)-s.table.RowsBefore(s.cfg.FirstEvent), 0)
}

// Read gives the rows [lo, hi) of the table in order, with the source's columns at the
// positions cols; the others are nil in the chunks. No cols are all. Chunks are cut at
// multiples of chunk.RowsMax.
func (s *Source) Read(lo, hi int64, cols []int, fn func(*chunk.Chunk) error) error {
	if cols == nil {
		cols = s.all()
	}
	for lo < hi {
		to := min((lo/chunk.RowsMax+1)*chunk.RowsMax, hi)
		if err := fn(s.chunk(lo, to, cols)); err != nil {
			return err
		}
		lo = to
	}
	return nil
}

// all is the positions of all columns.
func (s *Source) all() []int {
	cols := make([]int, len(s.fields))
	for i := range cols {
		cols[i] = i
	}
	return cols
}

func (s *Source) chunk(lo, hi int64, cols []int) *chunk.Chunk {
	if s.made != nil && hi <= s.made.rows {
		return s.made.read(lo, hi, s, cols)
	}
	b := s.block(lo, hi)
	c := &chunk.Chunk{Rows: int(hi - lo), Cols: make([]*chunk.Column, len(s.fields))}
	for _, i := range cols {
		f := &s.fields[i]
		c.Cols[i] = chunk.NewColumn(f.typ, c.Rows)
		f.gen(b, c.Cols[i])
	}
	return c
}

// Duration returns how much event time n events take.
func (c Config) Duration(n int64) time.Duration {
	c.setDefaults()
	return time.Duration(c.timeOf(n)-c.timeOf(0)) * time.Microsecond
}
