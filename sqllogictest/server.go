package sqllogictest

import "context"

// Mode is one way of running a file. All modes give the same answers and the same fingerprints.
type Mode struct {
	Name string
	// Workers is W, the number of parallel workers of a dataflow. 0 means the server's default.
	Workers int
	// Checkpoint asks for a checkpoint after every statement; with Restart, now and then.
	Checkpoint bool
	// Restart kills the server between statements, without a shutdown and without what was not synced, and opens it again.
	Restart bool
	// Lag makes every dataflow move beside the step, some epochs behind it.
	Lag bool
	// VirtualClock starts the server with a clock that stands still until the file moves it. A file asks for it with
	// `clock virtual`.
	VirtualClock bool
	// Extended sends statements with the extended protocol (Parse, Bind, Describe, Execute), save those that hold several.
	Extended bool
}

// Modes lists the modes every file runs in; the first is the one the others are compared with.
func Modes() []Mode {
	return []Mode{
		{Name: "plain", Workers: 1},
		{Name: "w2", Workers: 2},
		{Name: "w4", Workers: 4},
		{Name: "checkpoint", Workers: 2, Checkpoint: true},
		{Name: "restart", Workers: 1, Restart: true},
		{Name: "resume", Workers: 2, Restart: true, Checkpoint: true},
		{Name: "lag", Workers: 2, Lag: true},
		{Name: "extended", Workers: 1, Extended: true},
	}
}

// ReplayModes lists the modes in which the log of a plain run is applied once more, in a fresh directory.
func ReplayModes() []Mode {
	return []Mode{{Name: "replay-w4-lag", Workers: 4, Lag: true}, {Name: "replay-w2-checkpoint", Workers: 2, Checkpoint: true}}
}

// Replayer is a Server that can apply its log again.
type Replayer interface {
	// Replay opens the log of the running database, from its first entry, in a fresh directory and in another mode, beside
	// the running one, and returns where to connect. In a mode with Checkpoint it makes some on the way.
	Replay(ctx context.Context, mode Mode) (connString string, err error)
}

// Server is a database under test. The runner calls it from one goroutine; it opens its own connections.
type Server interface {
	// Start opens an empty database in the given mode and returns where to connect.
	Start(ctx context.Context, mode Mode) (connString string, err error)
	// Restart kills the database as a power cut would and opens it again. The number of workers may differ from before.
	Restart(ctx context.Context) (connString string, err error)
	// Checkpoint makes a checkpoint and returns when it is durable.
	Checkpoint(ctx context.Context) error
	// Stop ends the database and frees what it held. It is called once, also after a failed Start.
	Stop() error
}
