package log

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

var (
	// ErrCorrupt marks bytes of the log that are not what was written: a checksum, a gap, a truncated value. It
	// survives wrapping (errors.Is). The message names the index, where one is known, and the directory.
	ErrCorrupt = errors.New("log is corrupt")

	// ErrDiskFull refuses an entry that the disk has no room for. The entry was neither applied nor logged; a later
	// proposal succeeds once there is room again. SQL shows it as 53100.
	ErrDiskFull = errors.New("no room on disk for the log")

	// ErrStopped is returned for every proposal after the driver has stopped, and wraps the reason if it stopped by
	// itself. The outcome of entries in flight is unknown: some may be durable.
	ErrStopped = errors.New("log has stopped")

	// ErrTooLarge refuses an entry above MaxEntryBytes. Transactions of that size are staged.
	ErrTooLarge = errors.New("log entry is too large")

	// ErrVersion refuses a log written in a format this program does not know.
	ErrVersion = errors.New("unknown log format")

	// ErrTruncated is returned for reads of entries that TruncateBefore has removed.
	ErrTruncated = errors.New("log entry is no longer stored")
)

// corruptf makes an error marked ErrCorrupt.
func corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// MarkCorruption adds our sentinel to errors that pebble classifies as corruption; pebble's own mark is not visible
// to errors.Is of the standard library.
func MarkCorruption(err error) error {
	if err != nil && !errors.Is(err, ErrCorrupt) && pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}
