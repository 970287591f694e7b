//go:build unix

package file

import (
	"os"
	"syscall"
)

// identity returns the device and inode of a file: what stays when it is renamed.
func identity(fi os.FileInfo) (dev, ino uint64) {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev), uint64(st.Ino) // the widths differ between systems
	}
	return 0, 0
}
