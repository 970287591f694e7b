package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// major is the PostgreSQL version whose behaviour streamdb promises; another one would be another oracle.
const major = "15"

// ErrNotInstalled is wrapped by the error of Start when there is no PostgreSQL 15 on this machine.
var ErrNotInstalled = errors.New("PostgreSQL " + major + " is not installed: apt-get install postgresql postgresql-client")

// Server is a running PostgreSQL. All methods may be called concurrently.
type Server struct {
	dir    string // data directory and socket directory, removed by Stop
	bin    string
	cred   *syscall.Credential
	stdin  io.WriteCloser
	cmd    *exec.Cmd // nil when no process runs
	log    *logBuffer
	stop   sync.Once
	err    error // of Stop, written once
	number atomic.Int64
}

// settings go to postgresql.conf. Durability is off: nobody reads this data after the test.
const settings = `
listen_addresses = ''
max_connections = 60
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
shared_buffers = 64MB
jit = off
wal_level = minimal
max_wal_senders = 0
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'ISO, MDY'
intervalstyle = 'postgres'
lc_messages = 'C'
default_transaction_isolation = 'repeatable read'
log_min_messages = fatal
`

// supervise runs postgres as a child and ends it when standard input closes, which also happens when the test process
// dies without having called Stop.
const supervise = `"$@" & pid=$!; cat >/dev/null; kill -INT $pid; wait $pid`

// Start makes a new cluster in a temporary directory and waits until it answers. The caller calls Stop.
func Start(ctx context.Context) (*Server, error) {
	bin, err := findBinaries()
	if err != nil {
		return nil, err
	}
	cred, err := credential()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		return nil, fmt.Errorf("make cluster directory: %w", err)
	}
	s := &Server{dir: dir, bin: bin, cred: cred, log: &logBuffer{}}
	if err := s.start(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("start PostgreSQL in %s: %w\n%s", dir, err, s.log)
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// start makes the cluster and runs it for the first time.
func (s *Server) start(ctx context.Context) error {
	if s.cred != nil {
		if err := os.Chown(s.dir, int(s.cred.Uid), int(s.cred.Gid)); err != nil {
			return err
		}
	}
	initdb := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "--locale=C", "-E", "UTF8", "-U", "postgres",
		"--auth=trust", "--no-sync", "--no-instructions", "-D", s.data())
	initdb.Dir, initdb.Stdout, initdb.Stderr = s.dir, s.log, s.log
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred}
	if err := initdb.Run(); err != nil {
		return fmt.Errorf("initdb: %w", err)
	}
	conf, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = conf.WriteString(settings)
	if err := errors.Join(err, conf.Close()); err != nil {
		return err
	}
	return s.Restart(ctx)
}

// Restart runs the cluster again after Kill.
func (s *Server) Restart(ctx context.Context) error {
	cmd := exec.Command("/bin/sh", "-c", supervise, "sh", filepath.Join(s.bin, "postgres"), "-D", s.data(), "-k", s.dir)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, s.log, s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred, Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd, s.stdin = cmd, stdin
	return s.waitReady(ctx)
}

// Kill ends the server with SIGKILL, as a crash would. Its processes are gone when Kill returns.
func (s *Server) Kill() error {
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0])
	if err != nil {
		return fmt.Errorf("read postmaster.pid: %w", err)
	}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)) // Not there on every system.
	for _, p := range append([]string{strconv.Itoa(pid)}, strings.Fields(string(children))...) {
		if n, err := strconv.Atoi(p); err == nil {
			_ = syscall.Kill(n, syscall.SIGKILL) // It may have ended by itself.
		}
	}
	s.stdin.Close()
	_ = s.cmd.Wait() // Reports the kill.
	s.cmd = nil
	time.Sleep(50 * time.Millisecond)
	return nil
}

// waitReady polls until the server accepts a connection, for at most 20 s.
func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		conn, err := pgconn.Connect(ctx, s.ConnString("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// ConnString returns the connection string of a database.
func (s *Server) ConnString(database string) string {
	return fmt.Sprintf("host=%s port=5432 user=postgres dbname=%s sslmode=disable", s.dir, database)
}

// Socket returns the path of the unix socket.
func (s *Server) Socket() string { return filepath.Join(s.dir, ".s.PGSQL.5432") }

// CreateDatabase makes an empty database with a name of its own and returns its connection string.
func (s *Server) CreateDatabase(ctx context.Context) (string, error) {
	name := "test" + strconv.FormatInt(s.number.Add(1), 10)
	conn, err := pgconn.Connect(ctx, s.ConnString("postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name+" STRATEGY file_copy").ReadAll(); err != nil {
		return "", fmt.Errorf("create database: %w", err)
	}
	return s.ConnString(name), nil
}

// Stop ends the server and removes its directory. Further calls return what the first did.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		if s.cmd != nil {
			s.stdin.Close()
			done := make(chan error, 1)
			go func() { done <- s.cmd.Wait() }()
			select {
			case <-done:
			case <-time.After(20 * time.Second):
				s.err = errors.Join(errors.New("PostgreSQL did not stop"), syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL))
				<-done
			}
		}
		s.err = errors.Join(s.err, os.RemoveAll(s.dir))
	})
	return s.err
}

// findBinaries returns the directory that holds initdb and postgres of the wanted version.
func findBinaries() (string, error) {
	candidates := []string{"/usr/lib/postgresql/" + major + "/bin", "/usr/pgsql-" + major + "/bin"}
	if p, err := exec.LookPath("postgres"); err == nil {
		candidates = append(candidates, filepath.Dir(p))
	}
	for _, dir := range candidates {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
			continue
		}
		out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
		if err == nil && strings.Contains(string(out), " "+major+".") {
			return dir, nil
		}
	}
	return "", ErrNotInstalled
}

// credential returns whom to run PostgreSQL as: it refuses to run as root. Nil means as ourselves.
func credential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if errUID == nil && errGID == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

// logBuffer keeps the output of the server's processes; exec writes to it from its own goroutines.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

// Write implements io.Writer.
func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String returns what was written so far.
func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
