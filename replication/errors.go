package replication

import (
	"errors"
	"fmt"
)

var (
	// ErrUnknown marks an outcome that nobody knows: the entry was handed to consensus, and the lead was lost before it
	// was committed. It may be in the log, or not. SQL shows it as 08007.
	ErrUnknown = errors.New("the lead was lost before the entry was committed")

	// ErrReseeded is why a node has stopped that was too far behind: it has received a checkpoint, which is what its
	// data directory holds when it is opened again.
	ErrReseeded = errors.New("the node was behind the log and has received a checkpoint: it has to be opened again")

	// ErrNotMember is why a node has stopped whose directory is empty, while the other nodes form a cluster without it.
	ErrNotMember = errors.New("the cluster was formed without this node")
)

// NotLeaderError refuses a proposal: nothing was logged.
type NotLeaderError struct {
	// Leader is the name of the node that leads, empty if nobody is known to.
	Leader string
	// Why says more, where there is more to say.
	Why error
}

// Error implements error.
func (e *NotLeaderError) Error() string {
	switch {
	case e.Leader != "":
		return fmt.Sprintf("this node does not lead, node %s does", e.Leader)
	case e.Why != nil:
		return "no node leads at present: " + e.Why.Error()
	}
	return "no node leads at present"
}

// Unwrap implements errors.Unwrap.
func (e *NotLeaderError) Unwrap() error { return e.Why }
