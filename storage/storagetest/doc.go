// Package storagetest has file systems for tests that crash, fail and fill up. They are pebble's file system in memory
// behind wrappers, so the log, the checkpoint store and segments all run on them unchanged.
package storagetest
