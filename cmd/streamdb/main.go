package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// version is what this program calls itself.
const version = "0.1.0-dev"

// verb is one of the program's commands.
type verb struct {
	name, help string
	run        func(ctx context.Context, args []string) error
}

// verbs is the commands in the order of the help text.
func verbs() []verb {
	return []verb{
		{"serve", "run the server", serve},
		{"demo", "run a server with live data and views, in a fresh directory", demo},
		{"sql", "a small SQL client", sqlClient},
		{"bench", "benchmarks", bench},
		{"version", "print the version", printVersion},
	}
}

// Exit codes. 0 is success, also of a server that was told to stop.
const (
	exitFailure = 1 // anything not below
	exitUsage   = 2
	exitListen  = 3 // an address cannot be listened on
	exitInUse   = 4 // the data directory serves another process
	exitCorrupt = 5 // the data cannot be read, or is of a newer version
	exitTLS     = 6 // the certificate or key cannot be used
)

// exitError is an error with the exit code it deserves.
type exitError struct {
	code int
	err  error
}

// Error is the message of the cause.
func (e *exitError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *exitError) Unwrap() error { return e.err }

func main() {
	err := dispatch(os.Args[1:])
	switch {
	case err == nil:
		return
	case errors.Is(err, flag.ErrHelp):
		return
	}
	fmt.Fprintf(os.Stderr, "streamdb: %v\n", err)
	code := exitFailure
	var e *exitError
	if errors.As(err, &e) {
		code = e.code
	}
	os.Exit(code)
}

func dispatch(args []string) error {
	if len(args) == 0 {
		usage(os.Stderr)
		return &exitError{exitUsage, errors.New("a command is needed")}
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		usage(os.Stdout)
		return nil
	}
	for _, v := range verbs() {
		if v.name != args[0] {
			continue
		}
		ctx := context.Background()
		if v.name != "sql" { // there SIGINT cancels a statement
			var stop context.CancelFunc
			ctx, stop = withSignals(ctx)
			defer stop()
		}
		return v.run(ctx, args[1:])
	}
	return &exitError{exitUsage, fmt.Errorf("unknown command %q; streamdb help lists them", args[0])}
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "streamdb is a SQL-driven streaming analytics database that speaks PostgreSQL's protocol.")
	fmt.Fprintln(w)
	fmt.Fprintln(w, "usage: streamdb COMMAND [flags]")
	fmt.Fprintln(w)
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-9s%s\n", v.name, v.help)
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, "streamdb COMMAND -help shows a command's flags.")
}

// parseFlags reads a command's flags; it takes no other arguments.
func parseFlags(fs *flag.FlagSet, args []string) error {
	fs.SetOutput(os.Stderr)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return &exitError{exitUsage, fmt.Errorf("%s: wrong flags", fs.Name())}
	}
	if fs.NArg() > 0 {
		return &exitError{exitUsage, fmt.Errorf("%s: unexpected argument %q", fs.Name(), fs.Arg(0))}
	}
	return nil
}

// withSignals returns a context that ends with the first SIGINT or SIGTERM; the second
// one ends the process at once.
func withSignals(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ch
		cancel()
		<-ch
		fmt.Fprintln(os.Stderr, "streamdb: stopped at once; what was acknowledged is in the log")
		os.Exit(130)
	}()
	return ctx, cancel
}

func printVersion(context.Context, []string) error {
	goVersion := ""
	if bi, ok := debug.ReadBuildInfo(); ok {
		goVersion = bi.GoVersion
	}
	fmt.Printf("streamdb %s %s\n", version, goVersion)
	return nil
}
