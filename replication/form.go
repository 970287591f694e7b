package replication

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// Keys of the stable store besides raft's.
var (
	keyIdentity = []byte("streamdb/identity")
	keyCluster  = []byte("streamdb/cluster")
)

// hello is what a node says of itself.
type hello struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Address string   `json:"address"`
	Cluster string   `json:"cluster,omitempty"` // Empty as long as it belongs to none.
	Members []string `json:"members,omitempty"` // Ids.
}

// identify reads who this node is, or makes it up. An identity belongs to a directory: one that was lost never comes
// back, and neither do its votes.
func (n *Node) identify() error {
	b, err := n.store.Get(keyIdentity)
	if err != nil && err.Error() == "not found" {
		b = []byte(n.opts.Name + "." + token(4))
		err = n.store.Set(keyIdentity, b)
	}
	if err != nil {
		return err
	}
	n.id = raft.ServerID(b)
	if nameOf(n.id) != n.opts.Name {
		return fmt.Errorf("the data directory belongs to node %s, not to %s", nameOf(n.id), n.opts.Name)
	}
	return nil
}

// token makes up n bytes.
func token(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// cluster is the cluster that this node belongs to, empty if to none.
func (n *Node) cluster() string {
	b, err := n.store.Get(keyCluster)
	if err != nil {
		return ""
	}
	return string(b)
}

// welcome decides about a connection. A node without a cluster follows the first that consensus calls it for, by its id,
// which it has told nobody but those that it formed the cluster with.
func (n *Node) welcome(g greeting) error {
	mine := n.cluster()
	switch {
	case g.to != "" && g.to != string(n.id):
		return fmt.Errorf("this is node %s, not %s: its data directory was lost, or the address is another node's now", n.id, g.to)
	case g.cluster != "" && mine != "" && g.cluster != mine:
		return fmt.Errorf("node %s belongs to another cluster", n.opts.Name)
	case g.kind == kindRaft && g.to != "" && g.cluster != "" && mine == "":
		return n.store.Set(keyCluster, []byte(g.cluster))
	}
	return nil
}

func (n *Node) hello() hello {
	h := hello{ID: string(n.id), Name: n.opts.Name, Address: n.opts.Address, Cluster: n.cluster()}
	for _, s := range n.Members() {
		h.Members = append(h.Members, string(s.ID))
	}
	return h
}

// Members is the nodes of the cluster as this one knows them.
func (n *Node) Members() []raft.Server {
	f := n.raft.GetConfiguration()
	if f.Error() != nil {
		return nil
	}
	return f.Configuration().Servers
}

// form makes the cluster, on the node with the least address: once all nodes answer and none of them belongs to one. The
// others learn of it from consensus. What was formed is never formed again.
func (n *Node) form() {
	for wait := 20 * time.Millisecond; len(n.Members()) == 0; wait = min(2*wait, time.Second) {
		done, err := n.tryForm()
		if errors.Is(err, ErrNotMember) {
			n.stop(err)
			return
		}
		if err != nil && wait == time.Second {
			n.opts.Logger.Info("waiting for the other nodes to form the cluster", "error", err)
		}
		select {
		case <-time.After(wait):
		case <-n.ctx.Done():
			return
		}
		if done {
			return
		}
	}
}

// tryForm asks all nodes who they are, and forms the cluster if it may.
func (n *Node) tryForm() (done bool, err error) {
	var conf raft.Configuration
	names := map[string]string{}
	for _, place := range n.opts.Peers {
		h := n.hello()
		if place != n.opts.Address {
			if h, err = n.askHello(place); err != nil {
				return false, err
			}
		}
		if place != n.opts.Address && h.Cluster != "" && len(h.Members) > 0 && !slices.Contains(h.Members, string(n.id)) {
			return false, fmt.Errorf("%w: node %s at %s belongs to one, this directory is empty", ErrNotMember, h.Name, place)
		}
		if place != n.opts.Address && h.Cluster != "" {
			return false, fmt.Errorf("node %s belongs to a cluster", h.Name)
		}
		if other := names[h.Name]; other != "" {
			return false, fmt.Errorf("the nodes at %s and %s have the same name, %s", other, place, h.Name)
		}
		names[h.Name] = place
		id := raft.ServerID(h.ID)
		conf.Servers = append(conf.Servers, raft.Server{ID: id, Address: serverAddress(id, place)})
	}
	if slices.Min(n.opts.Peers) != n.opts.Address {
		return false, nil
	}
	// The name comes before the members, without which the cluster is not formed; after a crash in between it is used again.
	if n.cluster() == "" {
		if err := n.store.Set(keyCluster, []byte(token(8))); err != nil {
			return false, err
		}
	}
	n.opts.Logger.Info("forming the cluster", "nodes", len(conf.Servers))
	return true, n.await(n.raft.BootstrapCluster(conf))
}

// askHello asks the node at an address who it is.
func (n *Node) askHello(place string) (h hello, err error) {
	ctx, end := context.WithTimeout(n.ctx, greetingPeriod)
	defer end()
	c, err := n.mesh.dial(kindCall, "", place, greetingPeriod)
	if err != nil {
		return h, err
	}
	b, err := n.callOn(ctx, c, methodHello, nil)
	if err != nil {
		return h, fmt.Errorf("%s: %w", place, err)
	}
	return h, json.Unmarshal(b, &h)
}
