// Package catalog holds the descriptors of everything that has a name (schemas,
// tables, views, sources, sinks, sequences, indexes) as an immutable, versioned
// snapshot, their dependencies, and the one check that every access goes through.
package catalog
