// Package replication is the log of several nodes: entries are ordered and made durable by consensus
// (github.com/hashicorp/raft) before they are applied, and every node applies all of them.
//
//	sequencer ── Propose ──> Node (leader) ── frames ──> raft: a majority has it on disk
//	                                                      │
//	            Future.Wait returns <── Apply, Publish <──┤ on every node, in the same order
//
// Node implements log.Log, so that what is above does not know which log it writes to. What differs: Propose is answered
// with ErrNotLeader on all nodes but one; an entry is applied only once it is committed, never before; and an outcome is
// unknown (ErrUnknown) when the lead is lost in between.
package replication
