// Package physical is the finished plan as plain, versioned data: what a DDL entry
// of the log holds and what package exec runs. Nothing in it is resolved by name and
// nothing depends on a node's settings.
package physical
