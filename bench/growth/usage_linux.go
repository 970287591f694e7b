package growth

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// used is what the process has cost the disk.
type used struct{ faults, disk, cpu int64 }

// usage returns the page faults that have waited for the disk, the bytes read and written, and the nanoseconds of processors.
func usage() (u used) {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) == nil {
		u.faults, u.disk, u.cpu = r.Majflt, (r.Inblock+r.Oublock)*512, r.Utime.Nano()+r.Stime.Nano()
	}
	return u
}

// controlGroupLimit returns the memory limit of the process's control group, 0 if there is none.
func controlGroupLimit() int64 {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(own)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) < 3 {
			continue
		}
		file := ""
		switch {
		case f[1] == "":
			file = "/sys/fs/cgroup" + f[2] + "/memory.max"
		case strings.Contains(f[1], "memory"):
			file = "/sys/fs/cgroup/memory" + f[2] + "/memory.limit_in_bytes"
		}
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n > 0 && n < 1<<50 {
			return n
		}
	}
	return 0
}
