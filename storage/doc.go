// Package storage is bytes on disk: the data directory, segment files, and the store that holds checkpoints. It knows
// nothing of rows, relations or operators; those are opaque keys, values and blocks here.
//
//	DIR/LOCK, PID      one process at a time
//	DIR/FORMAT         version of the layout, and whether the directory is still being created
//	DIR/BALLAST        disk space to give away when the disk is full
//	DIR/CHECKPOINT     number of the last checkpoint, as a witness against a damaged state directory
//	DIR/log/           the log, package replication/log
//	DIR/state/         pebble: manifest, catalog, operator state. Only checkpoints write to it
//	DIR/segments/      immutable columnar files, named in the manifest or garbage
//	DIR/pending/       sorted files of a checkpoint that is being written; garbage after a crash
//
// A Dir opens the directory and guards its disk space. A Store makes checkpoints durable with one commit point. A
// SegmentWriter and a Segment write and read one segment file. All of it goes through pebble's vfs.FS, so tests run it
// on a file system that crashes, fails or fills up (package storagetest).
//
// Formats carry a version and checksums. What does not verify is an error marked ErrCorrupt, never data. DESIGN.md has
// the reasons.
package storage
