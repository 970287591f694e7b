// Package catalog holds the descriptors of everything that has a name: schemas,
// tables, views, materialized views, sources, sinks, indexes and sequences.
//
// A Catalog is an immutable snapshot. DDL is a list of Changes, plain data that goes
// to the log; With applies them to a snapshot and gives the next one, so that a
// transaction can look at its own DDL before anybody else does. Descriptors are
// shared between snapshots and must not be written to: Clone one, change the copy,
// Put it.
//
// Ids are never used twice, not even after a DROP; they are the OIDs that clients
// see and the relation ids of plans. Expressions are kept as text and, where they
// have been bound, as JSON that only the planner's users read: this package does not
// know expressions.
package catalog
