package streamdb

import (
	"bytes"
	"math"
	"os"
	"runtime/debug"
	"strconv"
)

// memoryUnknown is what is assumed where the size of the memory cannot be found out.
const memoryUnknown = 4 << 30

// systemMemory returns the memory that this process may use, in bytes: the least of the
// machine's, its control group's and Go's own limit.
func systemMemory() int64 {
	most := int64(math.MaxInt64)
	if n := debug.SetMemoryLimit(-1); n > 0 {
		most = min(most, n)
	}
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if b, err := os.ReadFile(path); err == nil {
			if n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil && n > 0 {
				most = min(most, n)
			}
		}
	}
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		if f := bytes.Fields(b); len(f) > 1 && string(f[0]) == "MemTotal:" {
			if n, err := strconv.ParseInt(string(f[1]), 10, 64); err == nil {
				most = min(most, n<<10)
			}
		}
	}
	if most == math.MaxInt64 {
		return memoryUnknown
	}
	return most
}
