//go:build !unix

package file

import "os"

// identity has nothing to tell here: files are known by their first bytes alone.
func identity(os.FileInfo) (dev, ino uint64) { return 0, 0 }
