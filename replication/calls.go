package replication

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// Methods of calls that the node answers itself; all others go to Options.Serve.
const (
	methodHello = "hello"
	methodRead  = "read"
)

// CallError is the error that the called node has answered with: it did get the call.
type CallError struct{ Text string }

// Error implements error.
func (e *CallError) Error() string { return e.Text }

// answer answers a call.
func (n *Node) answer(ctx context.Context, method string, body []byte) ([]byte, error) {
	switch method {
	case methodHello:
		return json.Marshal(n.hello())
	case methodRead:
		index, err := n.readIndex(ctx)
		return binary.LittleEndian.AppendUint64(nil, index), err
	}
	if n.opts.Serve == nil {
		return nil, fmt.Errorf("unknown call %q", method)
	}
	return n.opts.Serve(ctx, method, body)
}

// Call asks the leader. An error other than *CallError and *NotLeaderError leaves open whether the call has arrived.
func (n *Node) Call(ctx context.Context, method string, body []byte) ([]byte, error) {
	address, id := n.raft.LeaderWithID()
	_, place, _ := strings.Cut(string(address), "/")
	if place == "" || id == n.id {
		return nil, n.notLeader(nil)
	}
	c, err := n.mesh.dial(kindCall, string(id), place, time.Until(deadlineOf(ctx)))
	if err != nil {
		return nil, n.notLeader(err)
	}
	return n.callOn(ctx, c, method, body)
}

func deadlineOf(ctx context.Context) time.Time {
	if t, ok := ctx.Deadline(); ok {
		return t
	}
	return time.Now().Add(greetingPeriod)
}

// callOn makes one call on a connection and closes it.
func (n *Node) callOn(ctx context.Context, c net.Conn, method string, body []byte) ([]byte, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) })
	defer stop()
	defer c.Close()
	if err := writeCall(c, 0, method, body); err != nil {
		return nil, err
	}
	status, _, answer, err := readCall(c)
	if err != nil {
		return nil, err
	}
	if status != 0 {
		return nil, &CallError{string(answer)}
	}
	return answer, nil
}

// Strict waits until this node has applied everything that was acknowledged, by any node, before Strict was called: a
// read after it is linearizable.
func (n *Node) Strict(ctx context.Context) error {
	if n.Leads() {
		if _, err := n.readIndex(ctx); err == nil {
			return nil // What was acknowledged is applied here.
		}
	}
	b, err := n.Call(ctx, methodRead, nil)
	if err != nil {
		return err
	}
	if len(b) != 8 {
		return errors.New("the leader's answer is malformed")
	}
	return n.WaitApplied(ctx, binary.LittleEndian.Uint64(b))
}

// readIndex is the index up to which a read must see entries: applied here, while this node leads for certain.
func (n *Node) readIndex(ctx context.Context) (uint64, error) {
	term := n.leading.Load()
	if term == 0 {
		return 0, n.notLeader(nil)
	}
	index := n.AppliedIndex()
	if err := n.verify.do(ctx, n); err != nil {
		return 0, n.notLeader(err)
	}
	if n.leading.Load() != term {
		return 0, n.notLeader(nil)
	}
	return index, nil
}

// verifier asks a majority whether this node still leads, once for everybody who wants to know at a time. Who comes while
// it is being asked waits for the next answer: the one under way may be older than its question.
type verifier struct {
	mu      sync.Mutex
	running bool
	next    *verification
}

type verification struct {
	done chan struct{}
	err  error
}

func (v *verifier) do(ctx context.Context, n *Node) error {
	v.mu.Lock()
	if v.next == nil {
		v.next = &verification{done: make(chan struct{})}
	}
	mine := v.next
	if !v.running {
		v.running = true
		go v.run(n)
	}
	v.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (v *verifier) run(n *Node) {
	for {
		v.mu.Lock()
		mine := v.next
		v.next = nil
		if mine == nil {
			v.running = false
			v.mu.Unlock()
			return
		}
		v.mu.Unlock()
		mine.err = n.await(n.raft.VerifyLeader())
		close(mine.done)
	}
}
