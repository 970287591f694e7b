package streamdb

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"streamdb/sql/catalog"
	"streamdb/sql/functions"
	"streamdb/sql/pgcatalog"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// hooks answers the functions that ask about the session, see functions.Session.
type hooks struct {
	ctx context.Context
	s   *conn
	t   *transaction
}

// Call implements functions.Session.
func (h *hooks) Call(id string, args []types.Datum, argTypes []types.Type, ret types.Type) (types.Datum, error) {
	f := functions.ByID(id)
	if f == nil {
		return types.NullDatum, sqlerr.Internal("unknown function %q", id)
	}
	if fn := sessionFuncs[f.Name]; fn != nil {
		return fn(h, args)
	}
	if strings.HasPrefix(f.Name, "pg_advisory") || strings.HasPrefix(f.Name, "pg_try_advisory") {
		return h.advisory(f.Name, args)
	}
	d, ok, err := pgcatalog.Call(h.s.env(h.t), id, args, argTypes)
	if !ok {
		return types.NullDatum, sqlerr.Unsupported("function "+f.Name, -1)
	}
	return d, err
}

func text(s string) (types.Datum, error)  { return types.Datum{S: s}, nil }
func number(v int64) (types.Datum, error) { return types.Datum{I: v}, nil }
func boolean(b bool) (types.Datum, error) {
	if b {
		return types.Datum{I: 1}, nil
	}
	return types.Datum{}, nil
}

// sessionFuncs is the functions that are answered here, by SQL name.
var sessionFuncs map[string]func(h *hooks, a []types.Datum) (types.Datum, error)

func init() {
	sessionFuncs = map[string]func(h *hooks, a []types.Datum) (types.Datum, error){
		"current_user":     func(h *hooks, _ []types.Datum) (types.Datum, error) { return text(h.s.user) },
		"session_user":     func(h *hooks, _ []types.Datum) (types.Datum, error) { return text(h.s.user) },
		"user":             func(h *hooks, _ []types.Datum) (types.Datum, error) { return text(h.s.user) },
		"current_role":     func(h *hooks, _ []types.Datum) (types.Datum, error) { return text(h.s.user) },
		"current_database": func(h *hooks, _ []types.Datum) (types.Datum, error) { return text(database) },
		"current_catalog":  func(h *hooks, _ []types.Datum) (types.Datum, error) { return text(database) },
		"version": func(h *hooks, _ []types.Datum) (types.Datum, error) {
			return text("PostgreSQL " + serverVersion + ", a streaming SQL database")
		},
		"pg_backend_pid":       func(h *hooks, _ []types.Datum) (types.Datum, error) { return number(int64(h.s.start.PID)) },
		"current_setting":      currentSetting,
		"set_config":           setConfig,
		"nextval":              nextval,
		"currval":              currval,
		"lastval":              lastval,
		"setval":               setval,
		"txid_current":         func(h *hooks, _ []types.Datum) (types.Datum, error) { return number(int64(h.t.snap.epoch)) },
		"pg_current_xact_id":   func(h *hooks, _ []types.Datum) (types.Datum, error) { return number(int64(h.t.snap.epoch)) },
		"pg_sleep":             pgSleep,
		"advance_clock":        advanceClock,
		"pg_cancel_backend":    func(h *hooks, a []types.Datum) (types.Datum, error) { return h.signal(a[0].I, false) },
		"pg_terminate_backend": func(h *hooks, a []types.Datum) (types.Datum, error) { return h.signal(a[0].I, true) },
		"getdatabaseencoding":  func(h *hooks, _ []types.Datum) (types.Datum, error) { return text("UTF8") },
		"inet_server_addr":     func(h *hooks, _ []types.Datum) (types.Datum, error) { return types.NullDatum, nil },
		"inet_server_port":     func(h *hooks, _ []types.Datum) (types.Datum, error) { return types.NullDatum, nil },
		"inet_client_addr":     func(h *hooks, _ []types.Datum) (types.Datum, error) { return text(h.s.start.Host) },
		"inet_client_port":     func(h *hooks, _ []types.Datum) (types.Datum, error) { return number(int64(h.s.start.Port)) },
		"pg_jit_available":     func(h *hooks, _ []types.Datum) (types.Datum, error) { return boolean(false) },
		"current_query": func(h *hooks, _ []types.Datum) (types.Datum, error) {
			h.s.mu.Lock()
			defer h.s.mu.Unlock()
			return text(h.s.activity.query)
		},
	}
}

func currentSetting(h *hooks, a []types.Datum) (types.Datum, error) {
	v, err := h.s.showValue(a[0].S)
	if err != nil && len(a) > 1 && a[1].I != 0 {
		return types.NullDatum, nil
	}
	if err != nil {
		return types.NullDatum, err
	}
	return text(v)
}

func setConfig(h *hooks, a []types.Datum) (types.Datum, error) {
	if a[0].Null {
		return types.NullDatum, sqlerr.New(sqlerr.NullValueNotAllowed, "SET requires parameter name")
	}
	if isClock(a[0].S) {
		if err := h.s.setClockText(h.ctx, a[1].S); err != nil {
			return types.NullDatum, err
		}
		v, err := h.s.showClock()
		return types.Datum{S: v}, err
	}
	local := a[2].I != 0
	if local {
		d := findSetting(a[0].S)
		key := strings.ToLower(a[0].S)
		if d != nil {
			key = d.name
		}
		if h.s.local == nil {
			h.s.local = make(map[string]string)
		}
		if _, ok := h.s.local[key]; !ok {
			h.s.local[key] = h.s.set.values[key]
		}
	}
	d, err := h.s.set.set(a[0].S, a[1].S)
	if err != nil {
		return types.NullDatum, err
	}
	if d != nil {
		h.s.report()
	}
	return text(h.s.set.text(a[0].S))
}

func pgSleep(h *hooks, a []types.Datum) (types.Datum, error) {
	if sleep(h.ctx, time.Duration(a[0].F*float64(time.Second))) != nil {
		return types.NullDatum, context.Cause(h.ctx)
	}
	return types.Datum{}, nil
}

// signal cancels or terminates another session.
func (h *hooks) signal(pid int64, terminate bool) (types.Datum, error) {
	c := h.s.db.sessions.find(uint32(pid))
	if c == nil {
		h.s.warn(sqlerr.Warning, fmt.Sprintf("PID %d is not a PostgreSQL server process", pid))
		return boolean(false)
	}
	if terminate {
		c.start.Client.Terminate(nil)
	} else {
		c.start.Client.Cancel(nil)
	}
	return boolean(true)
}

// regNames resolves regclass and its like in a session.
type regNames struct {
	s *conn
	t *transaction
}

// RegName implements types.RegResolver.
func (r *regNames) RegName(k types.Kind, oid uint32) (string, bool) {
	return r.s.env(r.t).RegName(k, oid)
}

// RegOID implements types.RegResolver.
func (r *regNames) RegOID(k types.Kind, name string) (uint32, error) {
	return r.s.env(r.t).RegOID(k, name)
}

// sessionReg resolves names for the protocol's output, in the newest state.
type sessionReg struct{ s *conn }

// RegName implements types.RegResolver.
func (r sessionReg) RegName(k types.Kind, oid uint32) (string, bool) {
	t, end := r.s.peek()
	defer end()
	return r.s.env(t).RegName(k, oid)
}

// RegOID implements types.RegResolver.
func (r sessionReg) RegOID(k types.Kind, name string) (uint32, error) {
	t, end := r.s.peek()
	defer end()
	return r.s.env(t).RegOID(k, name)
}

// sequenceBlock is how many values of a sequence are logged ahead.
const sequenceBlock = 32

// sequenceCache gives out sequence values from logged blocks.
type sequenceCache struct {
	mu  sync.Mutex
	all map[catalog.ID]*sequenceBlockState
}

// sequenceBlockState is what of a sequence may be given out without logging.
type sequenceBlockState struct {
	last   int64
	called bool
	left   int64 // values that are logged and not given out
}

func (c *sequenceCache) forget(id catalog.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.all, id)
}

func (h *hooks) sequence(oid int64) (*catalog.Descriptor, error) {
	d := h.t.cat.ByID(catalog.ID(oid))
	if d == nil || d.Sequence == nil {
		return nil, sqlerr.New(sqlerr.WrongObjectType, "%d is not a sequence", oid)
	}
	return d, nil
}

func nextval(h *hooks, a []types.Datum) (types.Datum, error) {
	d, err := h.sequence(a[0].I)
	if err != nil {
		return types.NullDatum, err
	}
	if h.t.readOnly {
		return types.NullDatum, sqlerr.New(sqlerr.ReadOnlySQLTransaction, "cannot execute nextval() in a read-only transaction")
	}
	v, err := h.s.db.nextval(h.ctx, d, h.t)
	if err != nil {
		return types.NullDatum, err
	}
	h.s.seq[d.ID], h.s.lastSeq = v, d.ID
	return number(v)
}

// nextval gives out the next value; it logs a block ahead when the last is used up.
func (db *DB) nextval(ctx context.Context, d *catalog.Descriptor, _ *transaction) (int64, error) {
	c := &db.sequences
	c.mu.Lock()
	defer c.mu.Unlock()
	term, err := db.decides()
	if err != nil {
		return 0, err
	}
	if c.all == nil {
		c.all = make(map[catalog.ID]*sequenceBlockState)
	}
	st := c.all[d.ID]
	if st == nil {
		st = &sequenceBlockState{last: d.Sequence.Start}
		db.core.mu.Lock()
		if logged := db.core.seqs[d.ID]; logged != nil {
			st.last, st.called = logged.Last, logged.Called
		}
		db.core.mu.Unlock()
		c.all[d.ID] = st
	}
	v, err := advance(d, st.last, st.called)
	if err != nil {
		return 0, err
	}
	if st.left == 0 {
		end, n := v, int64(1)
		for ; n < sequenceBlock; n++ {
			next, err := advance(d, end, true)
			if err != nil || d.Sequence.Cycle && (next < end) == (d.Sequence.Increment > 0) {
				break
			}
			end = next
		}
		if db.published().cat.ByID(d.ID) != nil {
			if _, err := db.submit(&proposal{ctx: ctx, term: term, ops: []op{&sequenceOp{Sequence: d.ID, Last: end, Called: true}}}); err != nil {
				return 0, err
			}
			st.left = n
		} else {
			st.left = 1 // made by this transaction: nothing to log yet
		}
	}
	st.left--
	st.last, st.called = v, true
	return v, nil
}

// advance returns the value behind last.
func advance(d *catalog.Descriptor, last int64, called bool) (int64, error) {
	if !called {
		return last, nil
	}
	s := d.Sequence
	v := last + s.Increment
	over := s.Increment > 0 && (v > s.Max || v < last)
	under := s.Increment < 0 && (v < s.Min || v > last)
	if !over && !under {
		return v, nil
	}
	if !s.Cycle {
		word, bound := "maximum", s.Max
		if under {
			word, bound = "minimum", s.Min
		}
		return 0, sqlerr.New(sqlerr.SequenceGeneratorLimitExceeded, "nextval: reached %s value of sequence %q (%d)", word, d.Name, bound)
	}
	if over {
		return s.Min, nil
	}
	return s.Max, nil
}

func currval(h *hooks, a []types.Datum) (types.Datum, error) {
	d, err := h.sequence(a[0].I)
	if err != nil {
		return types.NullDatum, err
	}
	v, ok := h.s.seq[d.ID]
	if !ok {
		return types.NullDatum, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "currval of sequence %q is not yet defined in this session", d.Name)
	}
	return number(v)
}

func lastval(h *hooks, _ []types.Datum) (types.Datum, error) {
	v, ok := h.s.seq[h.s.lastSeq]
	if !ok {
		return types.NullDatum, sqlerr.New(sqlerr.ObjectNotInPrerequisiteState, "lastval is not yet defined in this session")
	}
	return number(v)
}

func setval(h *hooks, a []types.Datum) (types.Datum, error) {
	d, err := h.sequence(a[0].I)
	if err != nil {
		return types.NullDatum, err
	}
	v, called := a[1].I, len(a) < 3 || a[2].I != 0
	if v < d.Sequence.Min || v > d.Sequence.Max {
		return types.NullDatum, sqlerr.New(sqlerr.NumericValueOutOfRange, "setval: value %d is out of bounds for sequence %q (%d..%d)", v, d.Name, d.Sequence.Min, d.Sequence.Max)
	}
	h.s.db.sequences.mu.Lock()
	defer h.s.db.sequences.mu.Unlock()
	if err := h.s.db.propose(h.ctx, []op{&sequenceOp{Sequence: d.ID, Last: v, Called: called}}); err != nil {
		return types.NullDatum, err
	}
	delete(h.s.db.sequences.all, d.ID)
	if called {
		h.s.seq[d.ID] = v
	}
	return number(v)
}
