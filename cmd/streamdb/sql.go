package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/term"
)

// sqlClient reads statements from the terminal or standard input and prints results.
func sqlClient(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("streamdb sql", flag.ContinueOnError)
	url := fs.String("url", "postgres://"+defaultListen+"/streamdb", "where to connect, as a `URL` or as key=value pairs")
	command := fs.String("c", "", "run these `statements` and end")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	c := &client{out: os.Stdout, errOut: os.Stderr}
	if err := c.connect(ctx, *url); err != nil {
		return err
	}
	defer c.conn.Close(ctx) // nothing is lost with it
	switch {
	case *command != "":
		return c.script(ctx, strings.NewReader(*command))
	case !term.IsTerminal(int(os.Stdin.Fd())):
		return c.script(ctx, os.Stdin)
	}
	fmt.Fprintf(c.out, "streamdb sql %s, server %s. \\? for help, \\q to quit.\n", version, c.conn.ParameterStatus("server_version"))
	in := newPrompt()
	return c.loop(ctx, in.line)
}

// client is a connection and where its results go.
type client struct {
	conn        *pgconn.PgConn
	out, errOut io.Writer
	timing      bool
	// failed is the last error, for the exit code of a script.
	failed error
}

func (c *client) connect(ctx context.Context, url string) error {
	cfg, err := pgconn.ParseConfig(url)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "streamdb sql"
	}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		fmt.Fprintf(c.errOut, "%s:  %s\n", n.Severity, n.Message)
		for _, more := range [][2]string{{"DETAIL", n.Detail}, {"HINT", n.Hint}} {
			if more[1] != "" {
				fmt.Fprintf(c.errOut, "%s:  %s\n", more[0], more[1])
			}
		}
	}
	c.conn, err = pgconn.ConnectConfig(ctx, cfg)
	return err
}

// script runs what r holds; it goes on after errors, as psql does, and then fails.
func (c *client) script(ctx context.Context, r io.Reader) error {
	in := newLines(r)
	if err := c.loop(ctx, func(string) (string, error) { return in.next() }); err != nil {
		return err
	}
	if c.failed != nil {
		return errors.New("there were errors")
	}
	return nil
}

// loop reads and runs statements until the input ends. line returns a line without its
// end; it shows the prompt if there is somebody to see it.
func (c *client) loop(ctx context.Context, line func(prompt string) (string, error)) error {
	var sp splitter
	for {
		text, err := line(c.prompt(&sp))
		if err == io.EOF {
			if rest := sp.rest(); rest != "" {
				c.run(ctx, rest, line)
			}
			return nil
		}
		if err != nil {
			return err
		}
		if sp.empty() && strings.HasPrefix(strings.TrimSpace(text), `\`) {
			if !c.meta(ctx, strings.Fields(text)) {
				return nil
			}
			continue
		}
		for _, stmt := range sp.add(text) {
			c.run(ctx, stmt, line)
		}
		if c.conn.IsClosed() {
			return errors.New("the connection is lost")
		}
	}
}

// prompt shows whether a statement or transaction is unfinished, as psql does.
func (c *client) prompt(sp *splitter) string {
	state, sign := "=", ">"
	if !sp.empty() {
		state = "-"
	}
	switch c.conn.TxStatus() {
	case 'T':
		sign = "*>"
	case 'E':
		sign = "!>"
	}
	return "streamdb" + state + sign + " "
}

// run runs one statement and shows its result or error. SIGINT cancels it.
func (c *client) run(ctx context.Context, sql string, line func(string) (string, error)) {
	start := time.Now()
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt)
	defer signal.Stop(interrupt)
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-interrupt:
			c.conn.CancelRequest(ctx) // if it fails the statement goes on
		case <-over:
		}
	}()
	if err := c.execute(ctx, sql, line); err != nil {
		c.failed = err
		c.showError(sql, err)
		return
	}
	if c.timing {
		fmt.Fprintf(c.out, "Time: %.3f ms\n", float64(time.Since(start).Microseconds())/1000)
	}
}

// execute sends a statement the way its kind needs.
func (c *client) execute(ctx context.Context, sql string, line func(string) (string, error)) error {
	words := strings.Fields(strings.ToUpper(sql))
	if len(words) > 0 && words[0] == "COPY" {
		var tag pgconn.CommandTag
		var err error
		if strings.Contains(strings.Join(words, " "), " FROM STDIN") {
			tag, err = c.conn.CopyFrom(ctx, &copyLines{line: line}, sql)
		} else {
			tag, err = c.conn.CopyTo(ctx, c.out, sql)
		}
		if err == nil {
			fmt.Fprintln(c.out, tag)
		}
		return err
	}
	mr := c.conn.Exec(ctx, sql)
	for mr.NextResult() {
		if err := c.show(mr.ResultReader(), len(words) > 0 && words[0] == "SUBSCRIBE"); err != nil {
			return errors.Join(err, mr.Close())
		}
	}
	return mr.Close()
}

// show prints one result; a stream row by row, since it has no end.
func (c *client) show(r *pgconn.ResultReader, stream bool) error {
	fields := r.FieldDescriptions()
	t := tableOf(fields)
	if stream {
		fmt.Fprintln(c.out, strings.Join(t.header, "\t"))
	}
	for r.NextRow() {
		t.add(r.Values())
		if stream {
			fmt.Fprintln(c.out, strings.Join(t.rows[0], "\t"))
			t.rows = t.rows[:0]
		}
	}
	tag, err := r.Close()
	if err != nil {
		return err
	}
	if stream || len(fields) == 0 {
		fmt.Fprintln(c.out, tag)
		return nil
	}
	fmt.Fprintf(c.out, "%s\n%s\n\n", strings.Join(t.lines(), "\n"), t.footer())
	return nil
}

// showError prints an error as psql does, with the place in the statement.
func (c *client) showError(sql string, err error) {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		fmt.Fprintf(c.errOut, "ERROR:  %v\n", err)
		return
	}
	fmt.Fprintf(c.errOut, "%s:  %s\n", e.Severity, e.Message)
	if e.Position > 0 {
		fmt.Fprint(c.errOut, marker(sql, int(e.Position)))
	}
	for _, more := range [][2]string{{"DETAIL", e.Detail}, {"HINT", e.Hint}, {"CONTEXT", e.Where}} {
		if more[1] != "" {
			fmt.Fprintf(c.errOut, "%s:  %s\n", more[0], more[1])
		}
	}
}

// marker shows the line of a statement that character pos, from 1, is in, and a mark
// under it.
func marker(sql string, pos int) string {
	number := 1
	for _, text := range strings.Split(sql, "\n") {
		r := []rune(text)
		if pos <= len(r)+1 {
			head := fmt.Sprintf("LINE %d: ", number)
			under := make([]rune, pos-1)
			for i := range under {
				under[i] = ' '
				if r[i] == '\t' {
					under[i] = '\t'
				}
			}
			return head + text + "\n" + strings.Repeat(" ", len(head)) + string(under) + "^\n"
		}
		pos -= len(r) + 1
		number++
	}
	return ""
}
