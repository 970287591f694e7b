// Package log is the totally ordered, durable log of one node and the seam between it and the engine.
//
// An Entry is opaque bytes with an index, a strictly rising time and a kind. A Store keeps entries on disk; a Driver
// accepts proposals, gives each its place and its time, makes it durable and hands it to a StateMachine. On one node
// the Driver does this alone; with replicas, consensus takes the Driver's place and the StateMachine stays as it is.
//
//	sequencer ── Propose ──> Driver ─┬─ Apply(e), in order ────────────┐
//	                                 └─ Store.Append, synced by group ─┴─> Publish(through) ──> Future.Wait returns
//
// Appending entry n overlaps applying it: an epoch becomes visible, and its write is acknowledged, once it is both
// durable and applied. Whatever was applied without becoming durable stops the node, since memory then holds what a
// restart would not bring back; room on the disk is therefore asked for before an entry is accepted.
//
// DESIGN.md says why it is built this way.
package log
