package replication

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// mesh is the connections between nodes: one listener for consensus and for calls. It is raft's stream layer.
//
// A connection begins, after TLS where there is TLS, with a greeting, and the answer of the one who was called:
//
//	magic "SDBC" │ version = 1 uint8 │ kind uint8 │ cluster, id of the caller, id of the called: each a length uint8 and bytes
//	0 uint8, or why not: a length uint8 and bytes
//
// The id of the called keeps a node that has lost its directory from answering for what it was: a vote that it has
// forgotten might be cast twice.
type mesh struct {
	n     *Node
	raft  chan net.Conn
	ended chan struct{}

	mu    sync.Mutex
	open  map[net.Conn]struct{} // Connections that were accepted. Guarded by mu.
	group sync.WaitGroup
}

const (
	kindRaft byte = 'R'
	kindCall byte = 'C'

	meshVersion    = 1
	greetingPeriod = 5 * time.Second
)

var meshMagic = [4]byte{'S', 'D', 'B', 'C'}

var _ raft.StreamLayer = (*mesh)(nil)

// greeting is how a connection begins.
type greeting struct {
	kind              byte
	cluster, from, to string
}

func newMesh(n *Node) *mesh {
	return &mesh{n: n, raft: make(chan net.Conn), ended: make(chan struct{}), open: make(map[net.Conn]struct{})}
}

// check holds that nothing goes over a network in plain text.
func (o *Options) check() error {
	if o.Name == "" || strings.ContainsAny(o.Name, "./ \t\n") || len(o.Name) > 63 {
		return fmt.Errorf("node name %q: choose 1 to 63 letters, digits, - and _", o.Name)
	}
	if o.TLS != nil {
		return nil
	}
	for _, a := range append([]string{o.Listener.Addr().String(), o.Address}, o.Peers...) {
		host, _, err := net.SplitHostPort(a)
		if err != nil {
			return fmt.Errorf("address %q: %w", a, err)
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return fmt.Errorf("address %s is not a loopback address: nodes on several machines need certificates", a)
		}
	}
	return nil
}

// serve accepts connections until close.
func (m *mesh) serve() {
	m.group.Go(func() {
		for {
			c, err := m.n.opts.Listener.Accept()
			if err != nil {
				return
			}
			m.group.Go(func() { m.accept(c) })
		}
	})
}

// accept greets a connection and hands it to who it is for.
func (m *mesh) accept(c net.Conn) {
	if !m.keep(c) {
		_ = c.Close()
		return
	}
	defer m.forget(c)
	if m.n.opts.TLS != nil {
		c = tls.Server(c, m.n.opts.TLS)
	}
	_ = c.SetDeadline(time.Now().Add(greetingPeriod))
	g, err := readGreeting(c)
	if err == nil {
		err = m.n.welcome(g)
	}
	if err != nil {
		_ = writeText(c, err.Error())
		_ = c.Close()
		return
	}
	if _, err := c.Write([]byte{0}); err != nil {
		_ = c.Close()
		return
	}
	_ = c.SetDeadline(time.Time{})
	if g.kind == kindCall {
		m.n.serveCalls(c)
		_ = c.Close()
		return
	}
	closed := make(chan struct{})
	select {
	case m.raft <- &watchedConn{Conn: c, closed: closed}:
		<-closed
	case <-m.ended:
		_ = c.Close()
	}
}

// watchedConn tells when it is closed.
type watchedConn struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

// Close implements net.Conn.
func (c *watchedConn) Close() error {
	defer c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// keep notes an accepted connection, so that close ends it.
func (m *mesh) keep(c net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.ended:
		return false
	default:
	}
	m.open[c] = struct{}{}
	return true
}

func (m *mesh) forget(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.open, c)
}

// close ends all connections that were accepted.
func (m *mesh) close() {
	m.mu.Lock()
	select {
	case <-m.ended:
	default:
		close(m.ended)
	}
	for c := range m.open {
		_ = c.Close()
	}
	m.mu.Unlock()
	m.group.Wait()
}

// Accept implements net.Listener for raft.
func (m *mesh) Accept() (net.Conn, error) {
	select {
	case c := <-m.raft:
		return c, nil
	case <-m.ended:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener: raft closes it when it ends.
func (m *mesh) Close() error { return m.n.opts.Listener.Close() }

// Addr implements net.Listener: what raft knows this node by.
func (m *mesh) Addr() net.Addr { return meshAddr(serverAddress(m.n.id, m.n.opts.Address)) }

type meshAddr string

// Network implements net.Addr.
func (meshAddr) Network() string { return "streamdb" }

// String implements net.Addr.
func (a meshAddr) String() string { return string(a) }

// serverAddress is a node as consensus addresses it: id and place.
func serverAddress(id raft.ServerID, address string) raft.ServerAddress {
	return raft.ServerAddress(string(id) + "/" + address)
}

// Dial implements raft.StreamLayer.
func (m *mesh) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	id, place, ok := strings.Cut(string(address), "/")
	if !ok {
		return nil, fmt.Errorf("address %q names no node", address)
	}
	return m.dial(kindRaft, id, place, timeout)
}

// dial connects to a node; an empty id asks for whoever is there.
func (m *mesh) dial(kind byte, id, place string, timeout time.Duration) (net.Conn, error) {
	if timeout <= 0 {
		timeout = greetingPeriod
	}
	c, err := m.n.opts.Dial(place, timeout)
	if err != nil {
		return nil, err
	}
	if conf := m.n.opts.TLS; conf != nil {
		conf = conf.Clone()
		if conf.ServerName == "" {
			conf.ServerName, _, _ = net.SplitHostPort(place)
		}
		c = tls.Client(c, conf)
	}
	_ = c.SetDeadline(time.Now().Add(timeout))
	g := greeting{kind: kind, cluster: m.n.cluster(), from: string(m.n.id), to: id}
	_, err = c.Write(g.append(nil))
	if err == nil {
		err = readAnswer(c)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", place, err), c.Close())
	}
	return c, c.SetDeadline(time.Time{})
}

func (g *greeting) append(dst []byte) []byte {
	dst = append(dst, meshMagic[:]...)
	dst = append(dst, meshVersion, g.kind)
	for _, s := range []string{g.cluster, g.from, g.to} {
		dst = append(append(dst, byte(len(s))), s...)
	}
	return dst
}

// readGreeting reads a greeting and not a byte more.
func readGreeting(r io.Reader) (g greeting, err error) {
	var head [6]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return g, err
	}
	if [4]byte(head[:4]) != meshMagic {
		return g, errors.New("this port is for the nodes of a cluster")
	}
	if head[4] != meshVersion {
		return g, fmt.Errorf("the node speaks version %d, this one %d", head[4], meshVersion)
	}
	if g.kind = head[5]; g.kind != kindRaft && g.kind != kindCall {
		return g, fmt.Errorf("connection of unknown kind %q", g.kind)
	}
	for _, s := range []*string{&g.cluster, &g.from, &g.to} {
		if *s, err = readText(r); err != nil {
			return g, err
		}
	}
	return g, nil
}

// readText reads a length and so many bytes.
func readText(r io.Reader) (string, error) {
	var n [1]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return "", err
	}
	b := make([]byte, n[0])
	_, err := io.ReadFull(r, b)
	return string(b), err
}

func writeText(w io.Writer, s string) error {
	s = s[:min(len(s), 255)]
	_, err := w.Write(append([]byte{byte(len(s))}, s...))
	return err
}

// readAnswer reads the answer to a greeting.
func readAnswer(r io.Reader) error {
	why, err := readText(r)
	if err == nil && why != "" {
		err = errors.New(why)
	}
	return err
}

// callHeader begins a request (status is 0) and an answer (status is 1 for an error, whose text is the body).
//
//	status uint8 │ length of method uint8 │ length of body uint32 little endian │ method │ body
const callHeader = 6

// callBytesMax bounds what one call carries.
const callBytesMax = 512 << 20

func writeCall(w io.Writer, status byte, method string, body []byte) error {
	b := binary.LittleEndian.AppendUint32([]byte{status, byte(len(method))}, uint32(len(body)))
	b = append(b, method...)
	if _, err := w.Write(b); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}

func readCall(r io.Reader) (status byte, method string, body []byte, err error) {
	var head [callHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, "", nil, err
	}
	n := binary.LittleEndian.Uint32(head[2:])
	if n > callBytesMax || head[0] > 1 {
		return 0, "", nil, fmt.Errorf("a call of %d bytes is malformed", n)
	}
	b := make([]byte, head[1])
	if _, err := io.ReadFull(r, b); err != nil {
		return 0, "", nil, err
	}
	// The length is the other side's word: memory grows with what comes.
	body, err = io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && len(body) < int(n) {
		err = io.ErrUnexpectedEOF
	}
	return head[0], string(b), body, err
}

// serveCalls answers the calls of a connection, one after the other.
func (n *Node) serveCalls(c net.Conn) {
	ctx, end := context.WithCancel(n.ctx)
	defer end()
	for {
		_, method, body, err := readCall(c)
		if err != nil {
			return
		}
		answer, err := n.answer(ctx, method, body)
		if err != nil {
			err = writeCall(c, 1, "", []byte(err.Error()))
		} else {
			err = writeCall(c, 0, "", answer)
		}
		if err != nil {
			return
		}
	}
}
