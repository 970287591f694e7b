// Package txn decides which transactions take effect.
//
// A transaction reads one snapshot with its own changes laid over it and yields, per
// table, one delta: the rows it retracts and the rows it inserts. A Group holds deltas
// against a state: a transaction's own statements against its snapshot, and, in the
// sequencer, the transactions that go into one log entry against the newest state. What
// a Group has admitted always applies.
package txn
