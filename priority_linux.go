package streamdb

import "syscall"

// lowerPriority sets the niceness of the calling thread. That it may be refused changes
// no result.
func lowerPriority(nice int) {
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), nice)
}
