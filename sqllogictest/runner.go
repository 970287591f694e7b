package sqllogictest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// failuresMax ends a file after that many failed records: what follows is mostly consequence.
const failuresMax = 30

// Options says how RunFile runs a file.
type Options struct {
	// Engine is the name that skipif and onlyif compare with: streamdb or postgresql.
	Engine string
	Mode   Mode
	// Rewrite writes the answers of this run into the file.
	Rewrite bool
	// RestartEvery is the mean number of statements between two restarts in a mode with Restart. 0 means 1.
	RestartEvery int
	// CheckpointEvery likewise for checkpoints. 0 means 1.
	CheckpointEvery int
	// FingerprintEvery is the number of statements between two readings of all fingerprints; 0 means never.
	FingerprintEvery int
	// Replay lists modes in which the log of the run is applied again after the file, if the server is a Replayer.
	Replay []Mode
	// Seed decides where restarts and checkpoints fall.
	Seed uint64
	// TempDir is ${TMPDIR} in the file.
	TempDir string
}

// Fingerprint is what all relations held at one place of a file.
type Fingerprint struct {
	At        string            // file:line
	Relations map[string]string // relation to fingerprint
}

// Report is what came of a file.
type Report struct {
	Records      int     // statements and queries that ran
	Failures     []error // each with file:line
	Fingerprints []Fingerprint
	Replays      map[string]Fingerprint // by mode, at the end of the file
	Restarts     int
	Checkpoints  int
	Rewritten    bool // the file has changed
}

// Err joins the failures.
func (r *Report) Err() error { return errors.Join(r.Failures...) }

// runner carries a file through; it lives for one file.
type runner struct {
	Options
	server     Server
	connString string
	rng        *rand.Rand
	report     *Report

	sessions map[string]*session
	current  string
	vars     map[string]string
	labels   map[string][]string

	// Settings of control and its like.
	sort            sortMode
	hashThreshold   int
	errorDetail     string // what -rewrite keeps of an error: state, message, position, full
	restartsOff     bool
	simple          bool // use the simple protocol even in a mode with Extended
	fingerprintsOff bool

	output []string // the rewritten file
	depth  int      // of include
}

// errHalt ends a file early, as the directive halt asks.
var errHalt = errors.New("halt")

// RunFile starts the server, runs one file against it and stops it. The error is about running at all; what the file
// found is in the report.
func RunFile(ctx context.Context, path string, server Server, opts Options) (rep *Report, err error) {
	defer func() { err = errors.Join(err, server.Stop()) }()
	r := &runner{
		Options: opts, server: server, rng: rand.New(rand.NewPCG(opts.Seed, 0)), report: &Report{},
		sessions: map[string]*session{}, current: defaultSession, vars: map[string]string{"TMPDIR": opts.TempDir},
		labels: map[string][]string{}, sort: sortNone, errorDetail: "state",
	}
	records, err := parseFile(path)
	if err != nil {
		return nil, err
	}
	if r.Mode.VirtualClock, err = virtualClock(records); err != nil {
		return nil, err
	}
	if r.connString, err = server.Start(ctx, r.Mode); err != nil {
		return nil, fmt.Errorf("start server: %w", err)
	}
	defer func() {
		for _, s := range r.sessions {
			s.close(ctx)
		}
	}()
	err = r.run(ctx, records)
	if err != nil && !errors.Is(err, errHalt) {
		return nil, err
	}
	r.current = defaultSession
	if !errors.Is(err, errHalt) || r.report.Records > 0 {
		r.fingerprint(ctx, path+": end")
	}
	if err := r.replay(ctx, path); err != nil {
		return nil, err
	}
	if opts.Rewrite {
		return r.report, r.write(path)
	}
	return r.report, nil
}

// virtualClock reports whether a file asks for a virtual clock, which it has to do before its first statement.
func virtualClock(records []*record) (bool, error) {
	begun, virtual := false, false
	for _, rec := range records {
		switch {
		case rec.kind == kindDirective && rec.verb == "clock":
			if begun || rec.args[0] != "virtual" {
				return false, fmt.Errorf("%s: the clock is `clock virtual`, before the first statement", rec.at())
			}
			virtual = true
		case rec.kind != kindText && rec.kind != kindDirective:
			begun = true
		}
	}
	return virtual, nil
}

// replay applies the log again in other modes and reads the fingerprints there.
func (r *runner) replay(ctx context.Context, path string) error {
	server, ok := r.server.(Replayer)
	if !ok || r.fingerprintsOff || r.FingerprintEvery == 0 || r.report.Records == 0 {
		return nil
	}
	r.report.Replays = map[string]Fingerprint{}
	for _, mode := range r.Replay {
		mode.VirtualClock = r.Mode.VirtualClock
		cs, err := server.Replay(ctx, mode)
		if err != nil {
			return fmt.Errorf("replay in mode %s: %w", mode.Name, err)
		}
		r.connString = cs
		kept := len(r.report.Fingerprints)
		r.fingerprint(ctx, path+": end")
		for _, f := range r.report.Fingerprints[kept:] {
			r.report.Replays[mode.Name] = f
		}
		r.report.Fingerprints = r.report.Fingerprints[:kept]
	}
	return nil
}

// run runs records in turn. After a halt the rest only passes to the output.
func (r *runner) run(ctx context.Context, records []*record) error {
	for i, rec := range records {
		out := rec.lines
		err := r.step(ctx, rec, &out)
		if r.depth == 0 {
			r.output = append(r.output, out...)
		}
		if err == nil && len(r.report.Failures) >= failuresMax {
			err = errHalt
			r.fail(rec, "more than %d failures, the rest of the file is not run", failuresMax)
		}
		if err != nil {
			for _, rest := range records[i+1:] {
				if r.depth == 0 {
					r.output = append(r.output, rest.lines...)
				}
			}
			return err
		}
	}
	return nil
}

// step runs one record; out is replaced by its rewritten form where it has one.
func (r *runner) step(ctx context.Context, rec *record, out *[]string) error {
	if rec.kind == kindText || !rec.applies(r.Engine) {
		return nil
	}
	if rec.kind == kindDirective {
		return r.directive(ctx, rec)
	}
	r.report.Records++
	s, err := r.session(ctx)
	if err != nil {
		return err
	}
	r.execute(ctx, rec, s, out)
	return r.between(ctx, rec)
}

// session returns the current session, connected.
func (r *runner) session(ctx context.Context) (*session, error) {
	s := r.sessions[r.current]
	if s == nil {
		s = &session{name: r.current}
		r.sessions[r.current] = s
	}
	s.extended = r.Mode.Extended && !r.simple
	return s, s.connect(ctx, r.connString)
}

// between does after a statement what the mode asks for.
func (r *runner) between(ctx context.Context, rec *record) error {
	if n := r.FingerprintEvery; n > 0 && r.report.Records%n == 0 && r.allIdle() {
		r.fingerprint(ctx, rec.at())
	}
	if r.Mode.Checkpoint && r.rng.IntN(max(1, r.CheckpointEvery)) == 0 {
		if err := r.checkpoint(ctx); err != nil {
			return fmt.Errorf("%s: %w", rec.at(), err)
		}
	}
	if r.Mode.Restart && !r.restartsOff && r.rng.IntN(max(1, r.RestartEvery)) == 0 && r.allIdle() {
		if err := r.restart(ctx); err != nil {
			return fmt.Errorf("%s: %w", rec.at(), err)
		}
	}
	return nil
}

func (r *runner) allIdle() bool {
	for _, s := range r.sessions {
		if !s.idle() {
			return false
		}
	}
	return true
}

func (r *runner) checkpoint(ctx context.Context) error {
	r.report.Checkpoints++
	if err := r.server.Checkpoint(ctx); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

func (r *runner) restart(ctx context.Context) error {
	r.report.Restarts++
	cs, err := r.server.Restart(ctx)
	if err != nil {
		return fmt.Errorf("restart: %w", err)
	}
	r.connString = cs
	for _, name := range slices.Sorted(maps.Keys(r.sessions)) {
		r.sessions[name].close(ctx)
	}
	return nil
}

// fingerprint reads the fingerprints of all relations, once every view has caught up.
func (r *runner) fingerprint(ctx context.Context, at string) {
	if r.FingerprintEvery == 0 || r.fingerprintsOff {
		return
	}
	s := &session{name: "fingerprint"}
	defer s.close(ctx)
	if err := s.connect(ctx, r.connString); err != nil {
		r.report.Failures = append(r.report.Failures, fmt.Errorf("%s: %w", at, err))
		return
	}
	if _, err := s.exec(ctx, "FLUSH"); err != nil {
		r.report.Failures = append(r.report.Failures, fmt.Errorf("%s: flush before fingerprints: %w", at, err))
		return
	}
	res, err := s.exec(ctx, "SELECT relation, fingerprint FROM streamdb.fingerprints")
	if err != nil {
		r.report.Failures = append(r.report.Failures, fmt.Errorf("%s: read fingerprints: %w", at, err))
		return
	}
	f := Fingerprint{At: at, Relations: map[string]string{}}
	for _, row := range res.Rows {
		f.Relations[string(row[0])] = string(row[1])
	}
	r.report.Fingerprints = append(r.report.Fingerprints, f)
}

// directive does what is neither a statement nor a query.
func (r *runner) directive(ctx context.Context, rec *record) error {
	arg := ""
	if len(rec.args) > 0 {
		arg = r.expand(rec.args[0])
	}
	switch rec.verb {
	case "halt":
		return errHalt
	case "include":
		return r.include(ctx, rec, arg)
	case "connection":
		r.current = arg
	case "sleep":
		d, err := time.ParseDuration(arg)
		if err != nil {
			return fmt.Errorf("%s: %w", rec.at(), err)
		}
		time.Sleep(d)
	case "hash-threshold":
		n, err := strconv.Atoi(arg)
		if err != nil {
			return fmt.Errorf("%s: %w", rec.at(), err)
		}
		r.hashThreshold = n
	case "control":
		return r.control(rec)
	case "restart":
		if r.Engine == "streamdb" {
			return r.restart(ctx)
		}
	case "checkpoint":
		if r.Engine == "streamdb" {
			return r.checkpoint(ctx)
		}
	case "fingerprint":
		r.fingerprint(ctx, rec.at())
	case "file":
		return r.file(rec)
	case "let":
		return r.let(ctx, rec, arg)
	}
	return nil
}

// control changes a setting of the run.
func (r *runner) control(rec *record) error {
	name, value := rec.args[0], rec.args[1]
	switch name + " " + value {
	case "sortmode nosort", "sortmode rowsort", "sortmode valuesort":
		r.sort = sortMode(value)
	case "restart on", "restart off":
		r.restartsOff = value == "off"
	case "protocol any", "protocol simple":
		r.simple = value == "simple"
	case "fingerprint on", "fingerprint off":
		r.fingerprintsOff = value == "off"
	case "errors state", "errors message", "errors position", "errors full":
		r.errorDetail = value
	default:
		return fmt.Errorf("%s: unknown control %s %s", rec.at(), name, value)
	}
	return nil
}

// include runs the files a pattern names, in order of their names.
func (r *runner) include(ctx context.Context, rec *record, pattern string) error {
	if r.depth >= 8 {
		return fmt.Errorf("%s: includes nested too deep", rec.at())
	}
	paths, err := filepath.Glob(filepath.Join(filepath.Dir(rec.file), pattern))
	if err != nil || len(paths) == 0 {
		return fmt.Errorf("%s: nothing matches %s (%v)", rec.at(), pattern, err)
	}
	r.depth++
	defer func() { r.depth-- }()
	for _, p := range paths {
		records, err := parseFile(p)
		if err != nil {
			return err
		}
		if err := r.run(ctx, records); err != nil {
			return err
		}
	}
	return nil
}

// let runs a query of one value and keeps it as a variable.
func (r *runner) let(ctx context.Context, rec *record, name string) error {
	s, err := r.session(ctx)
	if err != nil {
		return err
	}
	res, err := s.exec(ctx, r.expand(rec.sql))
	if err != nil || len(res.Rows) != 1 || len(res.Rows[0]) != 1 {
		r.fail(rec, "let needs one value (%v)", err)
		return nil
	}
	r.vars[name] = string(res.Rows[0][0])
	return nil
}

// file writes, appends to, removes or compares a file below TempDir.
func (r *runner) file(rec *record) error {
	path := filepath.Join(r.TempDir, r.expand(rec.args[1]))
	text := strings.Join(rec.body, "\n") + "\n"
	if len(rec.body) == 0 {
		text = ""
	}
	text = r.expand(text)
	switch rec.args[0] {
	case "write":
		return os.WriteFile(path, []byte(text), 0o644)
	case "append":
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		_, err = f.WriteString(text)
		return errors.Join(err, f.Close())
	case "rename":
		return os.Rename(path, path+".1")
	case "remove":
		return os.Remove(path)
	case "expect":
		return r.expectFile(rec, path, text)
	}
	return fmt.Errorf("%s: unknown file action %s", rec.at(), rec.args[0])
}

// expectFile compares the sorted lines of a file; it waits up to 10 s for them.
func (r *runner) expectFile(rec *record, path, text string) error {
	want := sortedLines(text)
	var got []string
	for range 100 {
		data, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		if got = sortedLines(string(data)); slices.Equal(want, got) {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	r.fail(rec, "file %s differs\n%s", rec.args[1], diff(want, got))
	return nil
}

func sortedLines(text string) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// expand replaces ${NAME} by the variable of that name.
func (r *runner) expand(s string) string {
	if !strings.Contains(s, "${") {
		return s
	}
	for name, value := range r.vars {
		s = strings.ReplaceAll(s, "${"+name+"}", value)
	}
	return s
}

// fail notes a failure of a record.
func (r *runner) fail(rec *record, format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	if rec.sql != "" {
		msg += "\n  " + strings.ReplaceAll(rec.sql, "\n", "\n  ")
	}
	r.report.Failures = append(r.report.Failures, fmt.Errorf("%s: %s", rec.at(), msg))
}
