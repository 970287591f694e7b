package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Binary is the built command.
type Binary struct{ path string }

// Build builds the command into a directory, with the checks of the invariants tag.
func Build(ctx context.Context, dir string) (*Binary, error) {
	path := filepath.Join(dir, "streamdb")
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "invariants", "-o", path, "streamdb/cmd/streamdb")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the server: %w\n%s", err, out)
	}
	return &Binary{path}, nil
}

// Process is a server process that is started on the same data again and again.
type Process struct {
	binary *Binary
	data   string
	extra  []string // further arguments
	port   int      // 0 until the first start
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
	err    error         // of its end, written before exited is closed
	log    tail
}

// ErrExited is the error of a process that has ended by itself.
var ErrExited = errors.New("the server has ended")

// NewProcess returns a process that keeps its data in a directory, with further arguments. It does not run yet.
func (b *Binary) NewProcess(data string, args ...string) *Process {
	return &Process{binary: b, data: data, extra: args}
}

// Sibling returns another process of the same binary on another data directory.
func (p *Process) Sibling(data string) *Process { return p.binary.NewProcess(data) }

// TLS returns the arguments that turn TLS on.
func TLS(certFile, keyFile string) []string {
	return []string{"--tls-cert", certFile, "--tls-key", keyFile}
}

// Start runs the server and returns as soon as the process exists. A second Start while it runs does nothing.
func (p *Process) Start(context.Context) error {
	if p.cmd != nil {
		return nil
	}
	if p.port == 0 {
		port, err := freePort()
		if err != nil {
			return err
		}
		p.port = port
	}
	cmd := exec.Command(p.binary.path, p.args()...)
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd, p.exited = cmd, make(chan struct{})
	go func(exited chan struct{}) {
		p.err = cmd.Wait()
		close(exited)
	}(p.exited)
	return nil
}

// args are the command line of the server.
func (p *Process) args() []string {
	return append([]string{"serve", "--data", p.data, "--listen", p.Address()}, p.extra...)
}

// Address is where the process listens, or will.
func (p *Process) Address() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }

// WaitReady waits until the process answers a query, for at most 20 s. It returns ErrExited when it has ended instead.
func (p *Process) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		conn, err := pgconn.Connect(ctx, p.ConnString())
		if err == nil {
			_, err = conn.Exec(ctx, "SELECT 1").ReadAll()
			_ = conn.Close(ctx) // Nothing more is wanted of it.
		}
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			p.cmd = nil
			return fmt.Errorf("%w: %v", ErrExited, p.err)
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Kill ends the process with SIGKILL and returns when it is gone. It is an error if it had ended by itself.
func (p *Process) Kill() error {
	if p.cmd == nil {
		return nil
	}
	cmd := p.cmd
	p.cmd = nil
	errKill := cmd.Process.Kill()
	<-p.exited
	err := p.err
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() && ws.Signal() == syscall.SIGKILL {
			return nil
		}
	}
	return fmt.Errorf("the server had ended by itself: %v, %v\n%s", err, errKill, p.Log())
}

// Stop asks the process to end (SIGINT) and waits; after 20 s it is killed, which is an error.
func (p *Process) Stop() error {
	if p.cmd == nil {
		return nil
	}
	cmd := p.cmd
	p.cmd = nil
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return p.err
	case <-time.After(20 * time.Second):
		_ = cmd.Process.Kill() // What counts is that it did not stop.
		<-p.exited
		return errors.New("the server did not stop within 20 s")
	}
}

// ConnString returns where the process listens.
func (p *Process) ConnString() string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=test dbname=streamdb sslmode=disable", p.port)
}

// Log returns the last lines the process wrote, of all its lives.
func (p *Process) Log() string { return p.log.String() }

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// tail keeps the last tailMax bytes written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte // guarded by mu
}

const tailMax = 16 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if extra := len(t.buf) - tailMax; extra > 0 {
		t.buf = bytes.Clone(t.buf[extra:])
	}
	return len(p), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
