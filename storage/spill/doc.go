// Package spill gives operator state memory that lies in a file once a budget is used up.
//
// A Pool is one file without a name in a directory, mapped into memory piece by piece (extents). A Space belongs to one
// dataflow; it hands out the large blocks of the dataflow's hash tables and arenas: from Go's heap as long as they fit
// the space's share of memory, from the file after that.
//
//	Space ── up to its share ──> Go's heap
//	      └─ beyond ──> Pool ──> extents of the file, mapped
//
// What lies in the file the system writes out and reads back by page, the least recently used ones first, and as long
// as it has memory to spare it keeps them all: there is no cache of ours to be tuned. Such pages count as the process's
// resident memory, but the system takes them back when it runs short, in a control group, too: they lead to no kill. The
// file's blocks are allocated before they are mapped: a full disk is an error of the allocation, never a fault later on.
// The file is scratch: it has no name, holds nothing that survives the process, and is gone with it.
//
// Only Linux has it; elsewhere Open reports errors.ErrUnsupported.
package spill
