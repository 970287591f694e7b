// Package raftlog keeps what consensus has to remember, in a pebble instance in a directory of its own: the entries of
// the replicated log, the term and the vote. Store is the LogStore and the StableStore of hashicorp/raft.
//
// It refuses rather than guesses. Every value has a CRC-32C over its key and its bytes, checked on every read; a gap, a
// damaged WAL and files older than a commit that is known to have been durable are errors marked log.ErrCorrupt. A node
// that has forgotten an entry it acknowledged, or its vote, could make the others forget, too.
package raftlog
