package log

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The witness is a small file beside pebble's with the index of an entry that was durable when it was written. Pebble
// takes a damaged record of its MANIFEST for the torn end of it and opens with what came before; the WAL that held the
// rest is gone, since it was flushed. The end of the log would be missing, silently. A log that ends before its witness
// is corrupt.
//
// It is written on opening and closing, and with the first append after a flush: what is lost by a damaged MANIFEST is
// what was flushed, and what was not yet flushed is guarded by the WAL's own checks. Only damage within the moment between
// a flush and the next append goes unnoticed here.
//
//	magic "SDBL" │ version uint32 │ index uint64 │ CRC-32C uint32
const (
	witnessVersion = 1
	witnessBytes   = 20
)

var witnessMagic = [4]byte{'S', 'D', 'B', 'L'}

// readWitness reads a witness; found is false if there is none, as in a new directory.
func readWitness(fs vfs.FS, path string) (index uint64, found bool, err error) {
	f, err := fs.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	b, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, false, err
	}
	if len(b) != witnessBytes || [4]byte(b) != witnessMagic || b[4] != witnessVersion ||
		crc32.Checksum(b[:16], castagnoli) != binary.LittleEndian.Uint32(b[16:]) {
		return 0, false, corruptf("%s does not verify", path)
	}
	return binary.LittleEndian.Uint64(b[8:]), true, nil
}

// writeWitness replaces the witness of the files in dir, durably. The number is one that never falls: the replicated log,
// whose end may be taken back, counts its commits.
func writeWitness(fs vfs.FS, dir, path string, index uint64) error {
	b := append(make([]byte, 0, witnessBytes), witnessMagic[:]...)
	b = binary.LittleEndian.AppendUint32(b, witnessVersion)
	b = binary.LittleEndian.AppendUint64(b, index)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	f, err := fs.Create(path+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fs.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
