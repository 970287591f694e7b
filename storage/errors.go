package storage

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

var (
	// ErrCorrupt marks bytes that are not what was written, or files that are missing. It survives wrapping (errors.Is);
	// the message names the file.
	ErrCorrupt = errors.New("storage is corrupt")

	// ErrDiskFull is returned by Guard.Admit when there is no room.
	ErrDiskFull = errors.New("no room on disk")

	// ErrInUse is returned when another process has the data directory.
	ErrInUse = errors.New("data directory is in use")

	// ErrVersion refuses a file or directory in a format this program does not know.
	ErrVersion = errors.New("unknown storage format")

	// ErrNotFound is returned by Store.Get for a key that is not there.
	ErrNotFound = errors.New("key not found")
)

// corruptf makes an error marked ErrCorrupt about a file.
func corruptf(path, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrCorrupt, path, fmt.Sprintf(format, args...))
}

// markCorruption adds our sentinel to errors that pebble classifies as corruption; pebble's own mark is not visible to
// errors.Is of the standard library.
func markCorruption(err error) error {
	if err != nil && !errors.Is(err, ErrCorrupt) && pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}
