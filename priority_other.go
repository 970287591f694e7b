//go:build !linux

package streamdb

// lowerPriority does nothing where threads have no priorities of their own.
func lowerPriority(int) {}
