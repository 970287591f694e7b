package log

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Pebble's WAL is blocks of 32 KiB filled with chunks. A batch, for us a group of entries, is one record: one full chunk,
// or a first, middle ones and a last. In the format we pin, a chunk is
//
//	CRC-32C, masked uint32 │ length uint16 │ encoding uint8 │ file number uint32 │ synced offset uint64 │ data
//
// On replay, the first chunk that does not verify is either the torn end after a crash, or damage to something that was
// acknowledged. The synced offset was meant to tell: a later chunk that says the file had been synced beyond it proves
// damage. But pebble (v2.1.7) looks for later chunks only in later blocks, counts synced offsets too low as soon as a
// write spans blocks, and takes a chunk that claims the next file number for the regular end without verifying it.
// Damaged bits in most of a WAL silently cost every entry behind them.
//
// We know more than pebble: the store writes one record at a time and waits for its sync (Store.committing). So if any
// record begins behind the bad chunk, the bad one had been synced, and it is damage. checkWALs looks for that before
// pebble opens the log, in every later byte of the file.
//
// The last group has nobody behind it to vouch for it. So the driver seals a log that has nothing else to do: Store.Seal
// appends an empty record. What remains undetectable is damage to the last group of a log that crashed within sealAfter
// of it. (After a regular end the witness vouches for everything.)
const (
	walBlock  = 32 << 10
	walHeader = 4 + 2 + 1 + 4 + 8

	// Encodings of chunks.
	walFull  = 9
	walFirst = 10
	walLast  = 12
)

// checkWALs looks at all WALs in dir.
func checkWALs(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		base, ok := strings.CutSuffix(name, ".log")
		number, err := strconv.ParseUint(base, 10, 64)
		if !ok || err != nil {
			continue
		}
		f, err := fs.Open(fs.PathJoin(dir, name), vfs.SequentialReadsOption)
		if err != nil {
			return err
		}
		b, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		if at, bad := walDamage(b, uint32(number)); bad {
			return corruptf("WAL %s is damaged at offset %d", name, at)
		}
	}
	return nil
}

// walDamage returns the offset of the first chunk of a WAL that does not verify although a record begins behind it.
func walDamage(b []byte, number uint32) (at int, bad bool) {
	for at < len(b) {
		n, ok := walChunk(b, at, number)
		if ok {
			at += n
			continue
		}
		if rest := walBlock - at%walBlock; rest < walHeader {
			at += rest // Too little room for a chunk. Whatever is there, pebble skips it or fails.
			continue
		}
		break
	}
	for p := at + 1; p+walHeader <= len(b); p++ {
		if e := b[p+6]; e != walFull && e != walFirst {
			continue
		}
		if _, ok := walChunk(b, p, number); ok {
			return at, true
		}
	}
	return 0, false
}

// walChunk verifies the chunk at an offset and returns its size.
func walChunk(b []byte, at int, number uint32) (size int, ok bool) {
	rest := min(walBlock-at%walBlock, len(b)-at)
	if rest < walHeader {
		return 0, false
	}
	h := b[at:]
	size = walHeader + int(binary.LittleEndian.Uint16(h[4:]))
	if h[6] < walFull || h[6] > walLast || size > rest || binary.LittleEndian.Uint32(h[7:]) != number {
		return 0, false
	}
	sum := crc32.Checksum(h[6:size], castagnoli)
	return size, (sum>>15|sum<<17)+0xa282ead8 == binary.LittleEndian.Uint32(h)
}
